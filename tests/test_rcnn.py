"""R-CNN: crops worked by hand and against RoIAlign, features, detections restated, bad input."""

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from right_calls import rcnn_of
from torch.nn import functional

from course_utils.detection import rcnn
from course_utils.detection.boxes import batched_nms, box_iou, decode_boxes
from course_utils.detection.metrics import mean_average_precision
from course_utils.profiling import count_parameters
from course_utils.synthetic_scenes import digit_scenes

SCENES = digit_scenes(12, seed=1, digits=(4, 6))
IMAGES, BOXES, LABELS = zip(*((s.image, s.boxes, s.labels) for s in SCENES), strict=True)
CORNERS = st.tuples(*[st.floats(0, 40), st.floats(0, 40), st.floats(1, 24), st.floats(1, 24)])


def near_and_far(boxes, seed=0):
    """Proposals without a search: boxes moved a little, and boxes anywhere."""
    rng = np.random.default_rng(seed)
    moved = decode_boxes(np.repeat(boxes, 3, axis=0), rng.normal(0, 0.1, (3 * len(boxes), 4)))
    corner, size = rng.uniform(0, 48, (30, 2)), rng.uniform(8, 16, (30, 2))
    return np.vstack([moved, np.hstack([corner, corner + size])]).clip(0, 64).astype(np.float32)


PROPOSALS = [near_and_far(boxes, i) for i, boxes in enumerate(BOXES)]


@pytest.fixture(scope="module")
def trained():
    return rcnn_of(IMAGES, BOXES, LABELS, PROPOSALS, epochs=8)


# warped crops


def test_crops_by_hand():
    image = SCENES[0].image
    (whole,) = rcnn.warp_crops(image, [[10, 20, 30, 40]])  # 20 × 20: a pixel is a pixel
    assert whole.shape == (3, 24, 24) and whole.dtype == torch.float32
    np.testing.assert_allclose(whole.permute(1, 2, 0) * 255, image[18:42, 8:32], atol=1e-3)
    half = np.zeros((2, 4, 3), np.uint8)
    half[:, 2:] = 255
    dark, bright = rcnn.warp_crops(half, [[0, 0, 1, 2], [3, 0, 4, 1]])  # of other shapes
    assert (dark[:, :, :12] == 0).all() and (bright[:, :, 12:] == 1).all()


def test_beyond_the_picture_its_border_is_repeated():
    crop = rcnn.warp_crops(SCENES[0].image[:20, :20], [[0, 0, 20, 20]])[0]
    for edge, inside in ((0, 2), (1, 2), (22, 21), (23, 21)):
        torch.testing.assert_close(crop[:, edge], crop[:, inside])
        torch.testing.assert_close(crop[:, :, edge], crop[:, :, inside])


@settings(max_examples=40, deadline=None)
@given(st.lists(CORNERS, min_size=1, max_size=4))
def test_a_crop_is_roialign_of_a_wider_box(spots):
    image = SCENES[0].image
    boxes = np.float32([[x, y, x + w, y + h] for x, y, w, h in spots])
    sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    wider = torch.tensor(boxes + sizes / 10 * np.float32([-1, -1, 1, 1]))  # 2 of 20 at each side
    pixels = functional.pad(torch.tensor(image).permute(2, 0, 1)[None] / 255, (9,) * 4, "replicate")
    theirs = torchvision.ops.roi_align(pixels, [wider + 9], 24, 1.0, 1, aligned=True)
    np.testing.assert_allclose(rcnn.warp_crops(image, boxes), theirs, atol=2e-4)


# what the crops show


def test_crops_for_training_by_hand():
    boxes = [np.float32([[0, 0, 20, 20], [40, 40, 60, 60]])]
    offered = [np.float32([[0, 0, 20, 10], [45, 40, 65, 60], [0, 40, 20, 60]]).clip(0, 64)]
    data = rcnn.training_crops(IMAGES[:1], boxes, [[3, 7]], offered, copies=0)
    assert data.crops.shape == (5, 3, 24, 24)
    assert data.labels.tolist() == [3, 7, 3, 7, 3]
    np.testing.assert_allclose(data.ious, [1, 1, 0.5, 15 / 24, 0], atol=1e-6)
    assert data.truth[3].tolist() == [40, 40, 60, 60] and data.boxes[3].tolist() == [45, 40, 64, 60]
    torch.testing.assert_close(data.crops[2:], rcnn.warp_crops(IMAGES[0], offered[0]))


def test_copies_are_near_their_truth_and_repeat():
    one, two = (rcnn.training_crops(IMAGES, BOXES, LABELS, PROPOSALS, 5, seed=3) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    truths = sum(map(len, BOXES))
    assert len(one.ious) == 6 * truths + sum(map(len, PROPOSALS))
    first = slice(len(BOXES[0]), 6 * len(BOXES[0]))
    assert one.ious[first].mean() > 0.6 and (one.ious[first] < 1).all()


def test_recolour_keeps_the_shape_of_things():
    crops = torch.rand(6, 3, 4, 4)
    made = rcnn.recolour(crops, torch.Generator().manual_seed(0))
    again = rcnn.recolour(crops, torch.Generator().manual_seed(0))
    assert torch.equal(made, again) and made.shape == crops.shape
    for before, after in zip(crops, made, strict=True):
        light = after.sum() / before.sum()
        assert 0.7 <= light <= 1.2
        sorted_before, sorted_after = (x.flatten(1).sum(1).sort().values for x in (before, after))
        torch.testing.assert_close(light * sorted_before, sorted_after)


# the network and the detections


def test_the_network_and_its_features():
    network = rcnn.crop_network()
    assert count_parameters(network) == 70_295
    crops = torch.rand(5, 3, 24, 24)
    assert network(crops).shape == (5, 11)
    pool, features = rcnn.extract_features(network, crops, (2, 3))
    assert pool.shape == (5, 432) and features.shape == (5, 128) and features.min() == 0
    assert network.training
    network.eval()
    with torch.no_grad():
        np.testing.assert_allclose(pool / 2, network[:-3](crops), atol=1e-5)
        logits = network[-1](torch.tensor(features) / 3)
        torch.testing.assert_close(logits, network(crops), rtol=1e-4, atol=1e-5)


def test_the_whole_learns_and_repeats(trained):
    truth = [{"boxes": b, "labels": k} for b, k in zip(BOXES, LABELS, strict=True)]
    found, stages = rcnn.detect(trained, IMAGES, proposals=PROPOSALS)
    assert mean_average_precision(found, truth) > 0.8
    assert tuple(stages) == rcnn.STAGES and min(stages.values()) >= 0
    for picture in found:
        assert list(picture) == ["boxes", "scores", "labels"]
        assert [part.dtype for part in picture.values()] == [np.float32, np.float32, np.int64]
        assert (np.diff(picture["scores"]) <= 0).all() and (picture["scores"] >= -1).all()
        assert picture["boxes"].min() >= 0 and picture["boxes"].max() <= 64
    other = rcnn_of(IMAGES, BOXES, LABELS, PROPOSALS, epochs=8)
    again, _ = rcnn.detect(other, IMAGES[:3], proposals=PROPOSALS[:3])
    for one, two in zip(found, again, strict=False):
        assert all(np.array_equal(one[name], two[name]) for name in one)


def test_regression_brings_the_boxes_nearer(trained):
    means = []
    for regress in (False, True):
        found, _ = rcnn.detect(trained, IMAGES, 0, 1, proposals=PROPOSALS, regress=regress)
        ious = [box_iou(f["boxes"], b).max(axis=1) for f, b in zip(found, BOXES, strict=True)]
        means.append(np.concatenate(ious).mean())
    assert means[1] > means[0]


def test_detect_restated(trained):
    boxes = PROPOSALS[4]
    pool, features = rcnn.extract_features(
        trained.network, rcnn.warp_crops(IMAGES[4], boxes), trained.scales
    )
    wanted = []
    for row, values in enumerate(features @ trained.svm.coef_.T + trained.svm.intercept_):
        for label in range(10):
            if values[label] >= -0.5:
                moves = trained.regressors[label].predict(pool[[row]]).clip(-1, 1)
                wanted.append(
                    (decode_boxes(boxes[[row]], moves)[0].clip(0, 64), values[label], label)
                )
    moved, scores, labels = map(np.array, zip(*wanted, strict=True))
    kept = batched_nms(moved, scores, labels, 0.4)
    (found,), _ = rcnn.detect(trained, IMAGES[4:5], -0.5, 0.4, proposals=[boxes])
    np.testing.assert_allclose(found["boxes"], moved[kept], atol=1e-3)
    np.testing.assert_allclose(found["scores"], scores[kept], atol=1e-4)
    assert found["labels"].tolist() == labels[kept].tolist()


def test_detect_searches_where_no_proposals_are_given(trained):
    (ours,), _ = rcnn.detect(trained, IMAGES[:1])
    (theirs,), _ = rcnn.detect(trained, IMAGES[:1], proposals=[rcnn.selective_search(IMAGES[0])])
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    (none,), _ = rcnn.detect(trained, IMAGES[:1], threshold=1e9, proposals=PROPOSALS[:1])
    assert [part.shape for part in none.values()] == [(0, 4), (0,), (0,)]


def test_true_boxes_count_as_true_in_any_precision():
    boxes = [np.array([[10.3, 10.1, 30.7, 30.9], [2.2, 3.3, 20.6, 19.9]])]
    data = rcnn.training_crops(IMAGES[:1], boxes, [[0, 1]], PROPOSALS[:1], copies=1)
    assert (data.ious[:2] == 1).all() and data.truth.dtype == np.float32


def test_one_class_alone_and_a_picture_without_proposals():
    labels = [np.zeros_like(part) for part in LABELS[:6]]
    model = rcnn_of(IMAGES[:6], BOXES[:6], labels, PROPOSALS[:6], epochs=2)
    (nothing, found), _ = rcnn.detect(model, IMAGES[:2], proposals=[[], np.float32(BOXES[1])])
    assert [part.shape for part in nothing.values()] == [(0, 4), (0,), (0,)]
    assert len(found["boxes"]) and not found["labels"].any()


# bad input

BOX = [[8.0, 8, 24, 24]]
MODEL = rcnn.RCNN(None, (1, 1), None, [])
BAD = {
    "warp, floats": (lambda: rcnn.warp_crops(IMAGES[0] / 255, BOX), "image", "float64", ".astype"),
    "warp, tensor": (lambda: rcnn.warp_crops(torch.zeros(1, 3, 64, 64), BOX), "image", "use image"),
    "warp, one box": (lambda: rcnn.warp_crops(IMAGES[0], BOX[0]), "boxes", "use [boxes]"),
    "warp, no area": (lambda: rcnn.warp_crops(IMAGES[0], [[5, 5, 5, 9]]), "boxes[0]", "an area"),
    "network, classes": (lambda: rcnn.crop_network(0.5), "classes", "got 0.5"),
    "crops, counts": (lambda: rcnn.training_crops(IMAGES[:2], BOXES[:2], LABELS[:1], PROPOSALS[:2]),
                      "2 images, 2 boxes, 1 labels and 2 proposals"),
    "crops, none": (lambda: rcnn.training_crops([], [], [], []), "there are 0 images"),
    "crops, no truth": (lambda: rcnn.training_crops(IMAGES[:1], [[]], [[]], PROPOSALS[:1]),
                        "boxes_list[0]", "leave that picture out"),
    "crops, labels": (lambda: rcnn.training_crops(IMAGES[:1], [BOX], [[1, 2]], PROPOSALS[:1]),
                      "1 boxes and 2 labels_list"),
    "crops, copies": (lambda: rcnn.training_crops(IMAGES[:1], [BOX], [[1]], [BOX], -1), "copies"),
    "detect, model": (lambda: rcnn.detect(rcnn.crop_network(), IMAGES[:1]), "model", "Sequential"),
    "detect, proposals": (lambda: rcnn.detect(MODEL, IMAGES[:2], proposals=[BOX]), "2 images"),
    "detect, nms": (lambda: rcnn.detect(MODEL, IMAGES[:1], 0, 2), "nms_threshold", "got 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
