"""The mask head: boxes cut and masks pasted by hand, torchvision's way, the slope, bad input."""

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn
from torch.nn import functional
from torchvision.models.detection import roi_heads

from course_utils.detection.metrics import mask_iou, mean_average_precision
from course_utils.detection.yolo import detect, yolo_network
from course_utils.profiling import count_parameters
from course_utils.segmentation import instances
from course_utils.synthetic_scenes import digit_scenes


@pytest.fixture(scope="module")
def scenes():
    return digit_scenes(12, seed=3)


@pytest.fixture(scope="module")
def detector():
    """One that was never trained: its maps tell enough, and its boxes are many."""
    torch.manual_seed(1)
    return yolo_network().eval()


def stages(detector):
    return detector[:2], detector[2:8], detector[8:12]


def pictures(scenes):
    return torch.tensor(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2)


def some_boxes(count=30, size=40, seed=0):
    """Boxes of 3 … 30 pixels a side, some of them partly outside."""
    draw = np.random.default_rng(seed)
    first = draw.uniform(-8, size - 8, (count, 2))
    return np.float32(np.hstack([first, first + draw.uniform(3, 30, (count, 2))]))


# pasting


def test_a_mask_pasted_by_hand():
    mask = torch.tensor([[[0.25, 0.5], [0.75, 1]]])
    pasted = instances.paste_masks(mask, [[1, 0, 3, 2]], 3, 4)  # a place is a pixel
    assert pasted.tolist() == [[[0, 0.25, 0.5, 0], [0, 0.75, 1, 0], [0, 0, 0, 0]]]
    # twice as wide: pixels lie a quarter of a place beside the places; beyond them is 0
    pasted = instances.paste_masks(mask[:, :1].repeat(1, 2, 1), [[0, 0, 4, 2]], 2, 5)
    wanted = [
        0.75 * 0.25,
        0.75 * 0.25 + 0.25 * 0.5,
        0.25 * 0.25 + 0.75 * 0.5,
        0.75 * 0.5,
        0.25 * 0.5,
    ]
    torch.testing.assert_close(pasted[0], torch.tensor([wanted, wanted]))


def test_pasting_pixel_by_pixel():
    boxes = some_boxes(20)
    masks = torch.rand(20, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = np.zeros((20, 24, 30))
    for n, (x1, y1, x2, y2) in enumerate(boxes.astype(float)):
        around = np.pad(masks[n].numpy(), 1)
        for row in range(24):
            for column in range(30):
                # places from the centre of the first one of the border
                y = 5 * (row + 0.5 - y1) / (y2 - y1) + 0.5
                x = 5 * (column + 0.5 - x1) / (x2 - x1) + 0.5
                if 0 < y < 6 and 0 < x < 6:
                    i, j, down, right = int(y), int(x), y % 1, x % 1
                    upper = (1 - right) * around[i, j] + right * around[i, j + 1]
                    lower = (1 - right) * around[i + 1, j] + right * around[i + 1, j + 1]
                    wanted[n, row, column] = (1 - down) * upper + down * lower
    pasted = instances.paste_masks(masks, boxes, 24, 30)
    np.testing.assert_allclose(pasted, wanted, atol=1e-9)


def test_pasting_as_torchvision_does_where_boxes_are_whole():
    masks = torch.rand(6, 28, 28, generator=torch.Generator().manual_seed(1))
    corners = [
        [3, 5, 28, 28],
        [-20, 0, 28, 56],
        [10, -7, 84, 28],
        [50, 50, 28, 28],
        [0, 0, 56, 84],
        [4, 4, 56, 56],
    ]  # x, y, width, height, multiples of 28
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in corners])
    ours = instances.paste_masks(masks, boxes.float(), 64, 64)
    theirs, scale = roi_heads.expand_masks(masks[:, None], 1)
    wider = roi_heads.expand_boxes(boxes.float(), scale).round().long()
    wider[:, 2:] -= 1  # there the last pixel is named, and not the edge behind it
    for mask, box, mine in zip(theirs, wider, ours, strict=True):
        wanted = roi_heads.paste_mask_in_image(mask[0], box, 64, 64)
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=0)


def test_pasting_nearly_as_torchvision_does_for_any_box():
    boxes = torch.tensor(some_boxes(40, 50) * [1, 1, 1, 1] + np.float32([0, 0, 8, 8])).float()
    y, x = torch.meshgrid(torch.linspace(-1, 1, 28), torch.linspace(-1, 1, 28), indexing="ij")
    masks = (6 - 9 * (x**2 + y**2)).sigmoid().expand(40, 28, 28)
    ours = instances.paste_masks(masks, boxes, 64, 64) >= 0.5
    theirs = roi_heads.paste_masks_in_image(masks[:, None], boxes, (64, 64))[:, 0] >= 0.5
    overlaps = np.diag(mask_iou(ours, theirs))
    assert overlaps.mean() > 0.88 and overlaps.min() > 0.6  # theirs rounds the boxes


def test_from_half_on_nothing_lies_outside_the_box():
    boxes = some_boxes(40)
    inside = np.zeros((40, 40, 40), bool)
    for n, (x1, y1, x2, y2) in enumerate(boxes):
        x, y = np.arange(40) + 0.5, np.arange(40)[:, None] + 0.5
        inside[n] = (x > x1) & (x < x2) & (y > y1) & (y < y2)
    pasted = instances.paste_masks(torch.ones(40, 28, 28), boxes, 40, 40)
    assert not (pasted >= 0.5).numpy()[~inside].any()
    assert (pasted >= 0.5).numpy()[inside].mean() > 0.999  # all but a corner or two


def test_no_masks_and_boxes_without_area():
    assert instances.paste_masks(torch.zeros(0, 28, 28), [], 5, 6).shape == (0, 5, 6)
    flat = instances.paste_masks(torch.full((2, 4, 4), 0.9), [[2, 1, 2, 4], [2.5, 2.5, 2.5, 2.5]],
                                 5, 5)  # fmt: skip
    assert flat.isfinite().all() and not (flat >= 0.5).any()


# targets


def test_targets_by_hand():
    mask = np.zeros((1, 40, 40), bool)
    mask[0, :, :10] = True
    whole = instances.mask_targets([mask], [[[0, 4, 28, 32]]])  # 28 × 28: a pixel is a place
    assert whole.shape == (1, 28, 28) and whole.dtype == torch.float32
    assert whole[0].tolist() == [10 * [1] + 18 * [0]] * 28
    # half as large a box in as many places: read between the pixels 9½ and 10½ at 9¾ and 10¼
    part = instances.mask_targets([mask], [[[4, 6, 18, 20]]])
    assert part[0].tolist() == [11 * [1] + [0.75, 0.25] + 15 * [0]] * 28


def test_targets_are_torchvisions():
    scenes = digit_scenes(4, seed=8)
    draw = torch.Generator().manual_seed(0)
    masks = [torch.tensor(scene.masks) for scene in scenes]
    boxes = [instances.jitter_boxes(scene.boxes, 0.2, draw) for scene in scenes]
    ours = instances.mask_targets(masks, boxes)
    theirs = [  # which counts from the centre of the first pixel
        roi_heads.project_masks_on_boxes(mask, box - 0.5, torch.arange(len(box)), 28)
        for mask, box in zip(masks, boxes, strict=True)
    ]
    torch.testing.assert_close(ours, torch.cat(theirs), atol=1e-5, rtol=0)
    assert torch.equal(ours, instances.mask_targets([m.numpy() for m in masks], boxes))


def test_cut_out_and_pasted_the_mask_is_back():
    for scene in digit_scenes(30, seed=4):
        cut = instances.mask_targets([scene.masks], [scene.boxes])
        back = instances.paste_masks(cut, scene.boxes, 64, 64) >= 0.5
        assert np.diag(mask_iou(back, scene.masks)).min() > 0.95


def test_pictures_without_boxes_have_no_targets(scenes):
    none = np.zeros((0, 64, 64), bool)
    assert instances.mask_targets([none, []], [[], []]).shape == (0, 28, 28)
    alone = instances.mask_targets([scenes[0].masks], [scenes[0].boxes])
    among = instances.mask_targets([none, scenes[0].masks, []], [[], scenes[0].boxes, []])
    assert torch.equal(alone, among)


def test_jitter_stays_within_its_share_and_repeats():
    boxes = some_boxes(200)
    sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    for share in (0.1, 0.5):
        moved = instances.jitter_boxes(boxes, share, torch.Generator().manual_seed(0)).numpy()
        again = instances.jitter_boxes(boxes, share, torch.Generator().manual_seed(0)).numpy()
        np.testing.assert_array_equal(moved, again)
        way = (moved - boxes) / sizes
        assert share * 0.95 < np.abs(way).max() <= share * 1.001 and abs(way.mean()) < share / 10
        assert (moved[:, 2:] >= moved[:, :2]).all()
    same = instances.jitter_boxes(boxes, 0, torch.Generator())
    np.testing.assert_array_equal(same, boxes)
    assert instances.jitter_boxes([], 0.1, torch.Generator()).shape == (0, 4)


def test_boxes_widened_by_hand():
    wide = instances.widen_boxes([[10, 20, 30, 60], [1, 1, 1, 1]])
    assert wide.tolist() == [[8, 16, 32, 64], [1, 1, 1, 1]] and wide.dtype == torch.float32
    assert instances.widen_boxes([]).shape == (0, 4)


def test_boxes_widened_are_torchvisions():
    start = 60 * torch.rand(40, 2, generator=torch.Generator().manual_seed(0))
    boxes = torch.cat([start, start + start.flip(1) / 3], dim=1)
    torch.testing.assert_close(instances.widen_boxes(boxes), roi_heads.expand_boxes(boxes, 1.2))


# maps and head


def test_maps_are_the_detectors_own(scenes, detector):
    images = pictures(scenes[:3]) / 255
    detector.train()
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    maps = instances.feature_maps(stages(detector), images)
    assert detector.training
    assert all(torch.equal(before[name], value) for name, value in detector.state_dict().items())
    detector.eval()
    assert [tuple(each.shape) for each in maps] == [
        (3, 16, 32, 32), (3, 24, 16, 16), (3, 64, 8, 8)]  # fmt: skip
    assert not any(each.requires_grad for each in maps)
    torch.testing.assert_close(detector[-1](maps[-1]), detector(images))
    for layers, each in zip((2, 8, 12), maps, strict=True):  # the last ones of their size
        torch.testing.assert_close(each, detector[:layers](images))


def test_the_head_makes_a_mask_a_box():
    head = instances.MaskHead()
    assert count_parameters(head) == 15_385
    maps = [torch.rand(2, 16, 32, 32), torch.rand(2, 24, 16, 16), torch.rand(2, 64, 8, 8)]
    boxes = [[[3, 3, 20, 30], [0, 0, 64, 64], [50, 50, 70, 70]], [[10, 10, 11, 11]]]
    assert head(maps, boxes).shape == (4, 28, 28)
    head.eval()
    together = head(maps, boxes)
    alone = [head([each[i : i + 1] for each in maps], [boxes[i]]) for i in range(2)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)
    assert head(maps, [[], []]).shape == (0, 28, 28)
    torch.testing.assert_close(head(maps, [[], boxes[1]]), together[3:], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("place", range(3))
def test_boxes_cut_where_they_lie(place):
    """Maps that tell their own places in pixels: a cut tells those of its bins."""
    head = instances.MaskHead(1, (1, 1, 1))
    head.layers = nn.Identity()
    for number, layer in enumerate(head.neck):
        layer.weight.data.fill_(number == place)
        layer.bias.data.zero_()
    stride = 2 ** (place + 1)
    ramp = stride * (torch.arange(64 // stride) + 0.5)
    maps = [torch.zeros(2, 1, side, side) for side in (32, 16, 8)]
    maps[place][1] = ramp[None, :, None] + 100 * ramp  # 100 x + y
    box = [9.0, 12.0, 37.0, 47.0]
    cut = head(maps, [[], [box]])[0]
    centre = (torch.arange(14) + 0.5) / 14
    wanted = 100 * (9 + 28 * centre) + (12 + 35 * centre)[:, None]
    torch.testing.assert_close(cut, wanted, atol=0.01, rtol=0)


def test_gradients_of_the_loss_are_the_numeric_slopes():
    torch.manual_seed(0)
    head = instances.MaskHead(2, (2, 1, 1)).double().eval()
    maps = [torch.rand(2, c, s, s, dtype=torch.float64, requires_grad=True)
            for c, s in ((2, 4), (1, 2), (1, 1))]  # fmt: skip
    boxes = [[[0.5, 1, 6, 7]], [[2.0, 2, 5, 5.5]]]
    truth = torch.rand(2, 28, 28, dtype=torch.float64)

    def loss(*values):
        names = [name for name, _ in head.named_parameters()]
        weights = dict(zip(names, values[3:], strict=True))
        logits = torch.func.functional_call(head, weights, (values[:3], boxes))
        return functional.binary_cross_entropy_with_logits(logits, truth)

    assert torch.autograd.gradcheck(loss, (*maps, *head.parameters()))


# training


def train(scenes, detector, seed=0, width=24, images=None):
    torch.manual_seed(0)
    head = instances.MaskHead(width)
    images = pictures(scenes) if images is None else images
    parts = [[getattr(scene, name) for scene in scenes] for name in ("masks", "boxes")]
    return head, instances.train_mask_head(head, stages(detector), images, *parts, seed)


def test_six_scenes_are_learnt_by_heart(scenes, detector):
    scenes = scenes[:6]
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    head, losses = train(100 * scenes, detector)
    assert head.training and len(losses) == 38
    assert np.mean(losses[-9:]) < 0.6 * losses[0]
    assert all(torch.equal(before[name], value) for name, value in detector.state_dict().items())
    assert not any(weight.grad is not None for weight in detector.parameters())

    ideal = [{"boxes": s.boxes, "scores": np.ones(len(s.boxes), np.float32), "labels": s.labels}
             for s in scenes]  # fmt: skip
    found = instances.add_masks(ideal, head, stages(detector), pictures(scenes) / 255)
    assert not any("masks" in picture for picture in ideal)
    assert head.training
    truth = [{"labels": scene.labels, "masks": scene.masks} for scene in scenes]
    assert mean_average_precision(found, truth, kind="masks") > 0.9


def test_a_seed_decides_the_training(scenes, detector):
    head, losses = train(3 * scenes, detector, width=4)
    again, same = train(3 * scenes, detector, width=4)
    assert losses == same and len(losses) == 3
    for one, other in zip(head.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    assert train(3 * scenes, detector, 1, 4)[1] != losses
    assert train(3 * scenes, detector, 0, 4, pictures(3 * scenes) / 255)[1] == losses


def test_pictures_without_boxes_are_left_out_of_the_training(scenes, detector):
    torch.manual_seed(0)
    head = instances.MaskHead(4)
    masks, boxes = [[], scenes[0].masks, []], [[], scenes[0].boxes, []]
    images = pictures([scenes[1], scenes[0], scenes[1]])
    losses = instances.train_mask_head(head, stages(detector), images, masks, boxes)
    assert len(losses) == 1 and np.isfinite(losses).all()


# detections


def test_detections_step_by_step(scenes, detector):
    images = pictures(scenes[:3]) / 255
    torch.manual_seed(0)
    head = instances.MaskHead()
    plain = detect(detector, images, 0.05, 0.3)
    found = instances.add_masks(plain, head, stages(detector), images)
    head.eval()
    maps = instances.feature_maps(stages(detector), images)
    logits = head(maps, [instances.widen_boxes(picture["boxes"]) for picture in plain])
    start = 0
    for picture, wanted in zip(found, plain, strict=True):
        assert list(picture) == ["boxes", "scores", "labels", "masks"]
        for name, part in wanted.items():
            np.testing.assert_array_equal(picture[name], part)
        end = start + len(wanted["boxes"])
        assert end > start and picture["masks"].dtype == bool
        wide = instances.widen_boxes(wanted["boxes"])
        pasted = instances.paste_masks(logits[start:end].sigmoid(), wide, 64, 64)
        agreed = picture["masks"] == (pasted >= 0.5).numpy()
        assert picture["masks"].shape == pasted.shape and agreed.mean() > 0.9999
        start = end


def test_nothing_found(scenes, detector):
    images = pictures(scenes[:2]) / 255
    plain = detect(detector, images, 1)
    found = instances.add_masks(plain, instances.MaskHead(), stages(detector), images)
    assert [picture["masks"].shape for picture in found] == [(0, 64, 64)] * 2
    truth = [{"labels": scene.labels, "masks": scene.masks} for scene in scenes[:2]]
    assert mean_average_precision(found, truth, kind="masks") == 0


# bad input

STAGES = stages(yolo_network())
HEAD, IMAGES = instances.MaskHead(4), torch.zeros(1, 3, 64, 64)
MAPS = [torch.zeros(1, 16, 8, 8), torch.zeros(1, 24, 4, 4), torch.zeros(1, 64, 2, 2)]
BOX, MASK, GIVEN = [[1.0, 1, 9, 9]], np.ones((1, 64, 64), bool), torch.Generator()
BAD = {
    "maps, stages": (lambda: instances.feature_maps(HEAD, IMAGES), "stages", "a list of modules"),
    "maps, numbers": (lambda: instances.feature_maps([1, 2], IMAGES), "stages", "got list"),
    "maps, bytes": (lambda: instances.feature_maps(STAGES, IMAGES.byte()), "images.float() / 255"),
    "maps, one": (lambda: instances.feature_maps(STAGES, IMAGES[0]), "(N, 3, H, W)", "(3, 64, 64)"),
    "head, one map": (lambda: HEAD(MAPS[0], [BOX]), "maps", "3 maps", "got 1"),
    "head, counts": (lambda: HEAD(MAPS, BOX * 2), "maps and boxes_list", "got 1 and 2"),
    "head, no list": (lambda: HEAD(MAPS, BOX), "boxes_list[0]", "(4,)"),
    "head, sizes": (lambda: HEAD(MAPS, [[[30, 30, 8, 8]]]), "boxes_list[0]", "convert_boxes("),
    "target, counts": (lambda: instances.mask_targets([MASK], [BOX, BOX]), "2 boxes and 1 masks"),
    "target, one": (lambda: instances.mask_targets([MASK], [BOX * 2]), "2 boxes", "masks_list[0]"),
    "target, soft": (lambda: instances.mask_targets([MASK * 0.5], [BOX]), "masks_list[0]", "> 0.5"),
    "jitter": (lambda: instances.jitter_boxes(BOX, 0.6, GIVEN), "share", "0 … 0.5", "got 0.6"),
    "train, counts": (lambda: instances.train_mask_head(HEAD, STAGES, IMAGES, [MASK], []),
                      "1 images, 1 masks, 0 boxes"),
    "train, nothing": (lambda: instances.train_mask_head(HEAD, STAGES, IMAGES, [[]], [[]]),
                       "boxes_list", "no box"),
    "paste, bool": (lambda: instances.paste_masks(torch.ones(1, 4, 4) > 0, BOX, 9, 9), "masks",
                    "use masks.float()"),
    "paste, four": (lambda: instances.paste_masks(torch.ones(1, 1, 4, 4), BOX, 9, 9), "(R, S, S)"),
    "paste, counts": (lambda: instances.paste_masks(torch.ones(2, 4, 4), BOX, 9, 9), "and 2 masks"),
    "add, head": (lambda: instances.add_masks([], STAGES[0], STAGES, IMAGES), "head", "Sequential"),
    "add, counts": (lambda: instances.add_masks([], HEAD, STAGES, IMAGES), "1 images", "0 were"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
