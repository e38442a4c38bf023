"""Selective search: merges worked by hand, every part restated the slow way, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from refusals import refused
from skimage.measure import regionprops
from skimage.segmentation import felzenszwalb

from course_utils.detection import proposals
from course_utils.detection.boxes import box_iou
from course_utils.detection.proposals import Region
from course_utils.synthetic_scenes import digit_scenes


def flat(*columns):
    """A picture and its regions, 4 rows high: columns of (width, gray, region)."""
    image = np.concatenate([np.full((4, w, 3), gray, np.uint8) for w, gray, _ in columns], axis=1)
    regions = np.concatenate([np.full((4, w), number) for w, _, number in columns], axis=1)
    return image, regions


def noise(seed=0, side=12, most=9):
    """A random picture and random regions, numbered without a gap."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    blocks = np.kron(rng.integers(0, most, (side // 2, side // 2)), np.ones((2, 2), int))
    return image, np.unique(blocks, return_inverse=True)[1].reshape(side, side)


def region(size, box, colour, texture):
    return Region(size, box, np.array(colour), np.array(texture))


# by hand


def test_a_similarity_by_hand():
    # two boxes of 2 × 2 in opposite corners of a box of 4 × 4, in 32 pixels
    a = region(4, (0, 0, 2, 2), [0.5, 0.5, 0], [1, 0])
    b = region(4, (2, 2, 4, 4), [0.25, 0.25, 0.5], [0.75, 0.25])
    # colour ¼ + ¼, texture ¾, size 1 − 8/32, fill 1 − (16 − 8)/32
    assert proposals.similarity(a, b, 32) == pytest.approx(0.5 + 0.75 + 0.75 + 0.75)
    assert proposals.similarity(b, a, 32) == proposals.similarity(a, b, 32)


def test_size_and_fill_are_together_the_box_around_both():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.integers(0, 9, 2)
        w, h = rng.integers(1, 9, (2, 2))
        a = region(w[0] * h[0], (0, 0, w[0], h[0]), [1.0], [1.0])
        b = region(w[1] * h[1], (x, y, x + w[1], y + h[1]), [1.0], [1.0])
        around = max(w[0], x + w[1]) * max(h[0], y + h[1])
        assert proposals.similarity(a, b, 400) == pytest.approx(4 - around / 400)


def test_two_regions_joined_by_hand():
    a = region(1, (0, 0, 1, 1), [1, 0], [0, 1])
    b = region(3, (4, 2, 7, 3), [0, 1], [0, 1])
    both = proposals.join(a, b)
    assert both.size == 4 and both.box == (0, 0, 7, 3)
    assert both.colour.tolist() == [0.25, 0.75] and both.texture.tolist() == [0, 1]


def test_merges_by_hand():
    # a bright and a less bright stripe in the dark: the two dark ones do not touch
    image, regions = flat((4, 0, 0), (2, 200, 1), (2, 201, 2), (8, 0, 3))
    found, merges = proposals.merge_regions(image, regions)
    assert [(m.one, m.other, m.new) for m in merges[:1]] == [(1, 2, 4)]
    assert found[4].box == (4, 0, 8, 4) and found[4].size == 16
    assert len(found) == 7 and found[6].box == (0, 0, 16, 4) and len(merges) == 3
    boxes = [region.box for region in found[:4]]
    assert boxes == [(0, 0, 4, 4), (4, 0, 6, 4), (6, 0, 8, 4), (8, 0, 16, 4)]


def test_a_map_after_some_merges():
    image, regions = flat((4, 0, 0), (2, 200, 1), (2, 201, 2), (8, 0, 3))
    _, merges = proposals.merge_regions(image, regions)
    assert np.array_equal(proposals.regions_after(regions, merges, 0), regions)
    after = proposals.regions_after(regions, merges, 1)
    assert after[0].tolist() == [0] * 4 + [4] * 4 + [3] * 8
    assert (proposals.regions_after(regions, merges, 3) == 6).all()


def test_neighbours_by_hand():
    assert proposals.neighbours(np.array([[0, 0, 1], [2, 0, 1], [2, 3, 3]])) == [
        (0, 1), (0, 2), (0, 3), (1, 3), (2, 3),
    ]  # fmt: skip
    assert proposals.neighbours(np.array([[0, 1], [2, 0]])) == [(0, 1), (0, 2)]  # corners: no
    assert proposals.neighbours(np.zeros((3, 3), int)) == []
    assert proposals.neighbours(np.array([[0], [1], [2]])) == [(0, 1), (1, 2)]
    assert proposals.neighbours(np.array([[2, 1, 0]])) == [(0, 1), (1, 2)]


def test_a_gradient_to_the_right_lies_in_its_bin():
    ramp = np.repeat(np.arange(0, 128, 16, dtype=np.uint8)[None], 8, axis=0)
    (found,) = proposals.describe_regions(np.dstack([ramp] * 3), np.zeros((8, 8), int))
    # 0 of −π … π is the fifth of 8 directions; 16 of 128 is the second of 10 lengths
    assert found.texture.argmax() == 4 * 10 + 1 and found.texture.max() == 1
    assert found.colour[:25].nonzero()[0].tolist() == sorted({int(v) * 25 // 256 for v in ramp[0]})


# restated


@pytest.mark.parametrize("seed", range(4))
def test_regions_are_described_as_pixel_by_pixel(seed):
    image, regions = noise(seed)
    gray = image.astype(float).mean(axis=2)
    down, along = np.gradient(gray)
    found = proposals.describe_regions(image, regions)
    parts = regionprops(regions + 1)
    assert len(found) == len(parts)
    for number, (ours, theirs) in enumerate(zip(found, parts, strict=True)):
        y1, x1, y2, x2 = theirs.bbox
        assert ours.size == theirs.area and ours.box == (x1, y1, x2, y2)
        inside, wanted = regions == number, []
        for channel in range(3):
            values = image[inside, channel] * 25.0 / 256
            wanted.append(np.histogram(values, bins=25, range=(0, 25))[0])
        np.testing.assert_allclose(ours.colour, np.concatenate(wanted) / inside.sum() / 3)
        table = np.zeros((8, 10))
        for dy, dx in zip(down[inside], along[inside], strict=True):
            turn = int((np.arctan2(dy, dx) + np.pi) / (np.pi / 4)) % 8
            table[turn, min(int(np.hypot(dy, dx) / 12.8), 9)] += 1
        np.testing.assert_allclose(ours.texture, table.ravel() / inside.sum())


@pytest.mark.parametrize("seed", range(4))
def test_the_greedy_loop_restated_from_the_pixels(seed):
    """Every step anew: describe the map as it is, look at all pairs, merge the most alike."""
    image, regions = noise(seed)
    found, merges = proposals.merge_regions(image, regions)
    now = regions.copy()
    for step, merge in enumerate(merges):
        names, small = np.unique(now, return_inverse=True)
        small = small.reshape(now.shape)
        described = proposals.describe_regions(image, small)
        pairs = proposals.neighbours(small)
        values = [proposals.similarity(described[a], described[b], now.size) for a, b in pairs]
        assert merge.similarity == pytest.approx(max(values), abs=1e-12)
        chosen = (np.searchsorted(names, merge.one), np.searchsorted(names, merge.other))
        taken = values[pairs.index(tuple(int(n) for n in chosen))]
        assert taken == pytest.approx(max(values), abs=1e-12)
        now[(now == merge.one) | (now == merge.other)] = merge.new
        assert np.array_equal(proposals.regions_after(regions, merges, step + 1), now)
        y, x = np.nonzero(now == merge.new)
        assert found[merge.new].box == (x.min(), y.min(), x.max() + 1, y.max() + 1)
        assert found[merge.new].size == len(x)
    assert len(np.unique(now)) == 1


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(2, 9), st.integers(2, 9), st.just(3))))
def test_any_picture_ends_as_one_region(image):
    regions = proposals.starting_regions(image)
    found, merges = proposals.merge_regions(image, regions)
    count = regions.max() + 1
    assert len(merges) == count - 1 and len(found) == 2 * count - 1
    assert found[-1].box == (0, 0, image.shape[1], image.shape[0])
    assert found[-1].size == regions.size
    assert sorted(n for m in merges for n in (m.one, m.other)) == list(range(2 * count - 2))
    for each in found:
        assert each.colour.sum() == pytest.approx(1) and each.texture.sum() == pytest.approx(1)
    assert all(0 <= merge.similarity <= 4 + 1e-9 for merge in merges)


def test_the_start_is_felzenszwalbs():
    image = digit_scenes(1, seed=4)[0].image
    for scale in (30, 200.0):
        theirs = felzenszwalb(image, scale=scale, sigma=0.5, min_size=16)
        assert np.array_equal(proposals.starting_regions(image, scale), theirs)


# on scenes


def test_recall_and_count_on_scenes():
    scenes = digit_scenes(40, seed=7)
    found = [proposals.selective_search(scene.image) for scene in scenes]
    best = [box_iou(b, s.boxes).max(axis=0) for b, s in zip(found, scenes, strict=True)]
    assert (np.concatenate(best) >= 0.5).mean() >= 0.97
    assert np.mean([len(boxes) for boxes in found]) < 150
    for boxes in found:
        assert boxes.dtype == np.float32 and len(np.unique(boxes, axis=0)) == len(boxes)
        assert (boxes[:, :2] < boxes[:, 2:]).all() and (boxes >= 0).all() and (boxes <= 64).all()


def test_the_same_picture_gives_the_same_boxes():
    image = digit_scenes(1, seed=2)[0].image
    first = proposals.selective_search(image)
    assert np.array_equal(first, proposals.selective_search(image.copy()))
    assert np.array_equal(first, proposals.selective_search(image[::-1, ::-1][::-1, ::-1]))
    one, two = (proposals.selective_search(image, (scale,)) for scale in proposals.SCALES)
    assert np.array_equal(first, np.unique(np.vstack([one, two]), axis=0))


# bad input

IMAGE, REGIONS = flat((2, 0, 0), (2, 99, 1))
BAD = {
    "start, gray": (lambda: proposals.starting_regions(IMAGE[..., 0]), "image", "(4, 4)", "use "),
    "start, a line": (lambda: proposals.starting_regions(IMAGE[:1]), "image", "from 2 pixels"),
    "start, scale": (lambda: proposals.starting_regions(IMAGE, 0), "scale", "above 0", "got 0"),
    "search, floats": (lambda: proposals.selective_search(IMAGE / 255), "image", "float64", "use "),
    "search, channels first": (lambda: proposals.selective_search(IMAGE.transpose(2, 0, 1)),
                               "image", "(3, 4, 4)"),
    "search, one scale": (lambda: proposals.selective_search(IMAGE, 60), "scales", "[60, 200]"),
    "search, no scale": (lambda: proposals.selective_search(IMAGE, ()), "scales", "got ()"),
    "merge, other map": (lambda: proposals.merge_regions(IMAGE, REGIONS[:2]), "regions", "(4, 4)"),
    "merge, a gap": (lambda: proposals.merge_regions(IMAGE, REGIONS * 2), "regions", "0 … 1"),
    "describe, floats": (lambda: proposals.describe_regions(IMAGE, REGIONS * 1.0), "regions",
                         "whole numbers", "float64"),
    "describe, below 0": (lambda: proposals.describe_regions(IMAGE, REGIONS - 1), "regions"),
    "after, count": (lambda: proposals.regions_after(REGIONS, [], 1), "count", "at most 0"),
    "after, half": (lambda: proposals.regions_after(REGIONS, [], 0.5), "count", "got 0.5"),
}  # fmt: skip


def test_maps_come_as_lists_and_tensors_too():
    expected = proposals.merge_regions(IMAGE, REGIONS)[1]
    assert proposals.merge_regions(IMAGE, REGIONS.tolist())[1] == expected
    assert proposals.merge_regions(IMAGE, torch.from_numpy(REGIONS))[1] == expected
    assert (proposals.starting_regions(IMAGE, np.int64(60)) == 0).all()


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
