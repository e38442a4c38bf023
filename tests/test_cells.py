"""The exercises on cells and regions: what their cases hold, and what their mistakes are told."""

import numpy as np
import pytest
import torch
from answers_detection import aligned, nearest
from matplotlib import pyplot as plt
from torchvision import ops

from course_utils.exercises.computer_vision import cells
from course_utils.exercises.engine import NotRightYet, check_answer

SEEDS = range(3)
PAIRS = [
    (name, mistake, said)
    for name, exercise in cells.EXERCISES.items()
    for hint in exercise.hints
    for mistake, said in hint.known
]


def cases(name, seed=0):
    return cells.EXERCISES[name].cases(np.random.default_rng(seed))


def middle(box):
    return (box[:2] + box[2:]) / 2


@pytest.mark.parametrize(("name", "mistake", "said"), PAIRS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_each_mistake_is_told_by_its_own_sentence(name, mistake, said):
    with pytest.raises(NotRightYet) as caught:
        check_answer(name, cells.EXERCISES[name], mistake)
    assert said in str(caught.value)


def test_the_answering_cell_holds_the_centre():
    for seed in SEEDS:
        for box, size, count in cases("answering_cell", seed):
            found = cells.EXERCISES["answering_cell"].reference(box, size, count)
            assert found.dtype.kind == "i"
            for place, v in zip(found[::-1], middle(box), strict=True):
                assert 0 <= place < count
                assert place * size <= v * count and (v * count < (place + 1) * size or v == size)
            assert (box[:2] >= 0).all() and (box[:2] < box[2:]).all()
            assert (middle(box) <= size).all()


def test_some_centres_lie_on_a_line_and_some_within_a_pixel_of_one():
    on, near, last, first = 0, 0, 0, 0
    for box, size, count in cases("answering_cell"):
        where = middle(box) * count / size
        off = np.abs(where - np.round(where)) * size / count  # pixels to the nearest line
        on += (off == 0).any() and count > 1
        near += ((off > 0) & (off < 1)).any()
        last += (np.floor(where) == count - 1).any()
        first += (np.floor(where) == 0).any()
    assert on >= 2 and near >= 18 and last >= 3 and first >= 3
    sizes = {(size, count) for _, size, count in cases("answering_cell")}
    assert any(size % count for size, count in sizes) and any(count == 1 for _, count in sizes)
    assert any((middle(box) == size).any() for box, size, _ in cases("answering_cell"))
    assert max(count for _, count in sizes) > 255  # no uint8 holds it


def test_a_box_of_a_cell_is_as_worked_out_by_hand():
    reference = cells.EXERCISES["box_of_cell"].reference
    found = reference(np.zeros(4), 1, 2, np.array([10.0, 24]), 8)
    assert found.tolist() == [15, 0, 25, 24]  # centre (20, 12): (2.5, 1.5) · 8
    raw = np.log([3.0, 1 / 3, 3, 1 / 3])  # sigmoids of 3/4 and 1/4
    found = reference(raw, 2, 1, np.array([8.0, 40]), 10)
    assert found.tolist() == pytest.approx([11, 15, 29, 25])  # (2 · 10, 2 · 10), 18 × 10


def test_cells_and_anchors_differ_in_every_case():
    for seed in SEEDS:
        for raw, row, column, anchor, stride in cases("box_of_cell", seed):
            assert raw.shape == (4,) and row != column and anchor[0] != anchor[1] and stride >= 4
            assert (anchor >= 5).all() and (anchor <= 200).all()
    raw = np.array([case[0] for case in cases("box_of_cell")])
    assert (np.abs(raw) > 2).any() and (raw == 0).any()
    strides = {case[4] for case in cases("box_of_cell")}
    assert {4, 32} <= strides


def by_torchvision(fmap, box, bins):
    region = torch.tensor([[0, *box]], dtype=torch.float64)
    image = torch.tensor(fmap)[None, None]
    return ops.roi_align(image, region, bins, sampling_ratio=2, aligned=True)[0, 0].numpy()


def test_an_aligned_region_equals_torchvision():
    for seed in SEEDS:
        for fmap, box, bins in cases("align_region", seed):
            found = cells.EXERCISES["align_region"].reference(fmap, box, bins)
            assert found.shape == (bins, bins)
            assert np.allclose(found, by_torchvision(fmap, box, bins), atol=1e-12)


def test_the_nearest_number_is_taken_as_one_would_without_thinking_of_the_next():
    (mistake,) = [mistake for _, mistake, said in PAIRS if "read *between* the numbers" in said]
    for seed in SEEDS:
        for case in cases("align_region", seed):
            assert np.allclose(mistake(*case), aligned(*case, read=nearest), atol=1e-12)


def test_regions_lie_inside_the_map_and_at_each_of_its_edges():
    edges, free = np.zeros(4, int), 0
    for seed in SEEDS:
        for fmap, box, _ in cases("align_region", seed):
            right = np.array(fmap.shape[::-1])
            assert (box >= 0).all() and (box[2:] <= right).all() and (box[:2] < box[2:]).all()
            edges += np.append(box[:2] < 0.5, box[2:] > right - 0.5)
            free += bool((box[:2] >= 0.5).all() and (box[2:] <= right - 0.5).all())
    assert (edges >= 3).all() and free >= 15
    assert {1, 7} <= {bins for *_, bins in cases("align_region")}


def test_a_right_answer_shows_the_photo_and_three_regions(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_: None)
    shown, asked = [], []
    monkeypatch.setattr(cells, "show_row", lambda rows, **options: shown.append((rows, options)))

    def answer(image, box, bins):
        asked.append((image.shape, tuple(box), bins))
        return [[bins]]

    cells.EXERCISES["align_region"].look(answer)
    ((rows, options),) = shown
    photo, *regions = rows.values()
    assert photo.ndim == 2 and photo.min() >= 0 and 128 < photo.max() <= 255
    assert [region.tolist() for region in regions] == [[[8.0]], [[16.0]], [[32.0]]]
    assert [bins for *_, bins in asked] == [8, 16, 32] and options["alt"]
    assert list(rows)[1:] == ["8 × 8 bins", "16 × 16 bins", "32 × 32 bins"]
    for shape, (left, top, right, bottom), _ in asked:
        assert 0 <= left < right <= shape[1] and 0 <= top < bottom <= shape[0]
        assert right - left == bottom - top  # a bin is a square
    assert (options["cmap"], options["vmin"], options["vmax"]) == ("gray", 0, 255)
