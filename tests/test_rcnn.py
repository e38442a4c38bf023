"""R-CNN: crops worked by hand and against RoIAlign, the three trainings restated, bad input."""

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC

from course_utils.detection import rcnn
from course_utils.detection.boxes import batched_nms, box_iou, decode_boxes, encode_boxes
from course_utils.detection.metrics import mean_average_precision
from course_utils.errors import ArgumentError
from course_utils.measuring import count_parameters
from course_utils.scenes import digit_scenes

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
    torch.manual_seed(0)
    return rcnn.train_rcnn(IMAGES, BOXES, LABELS, PROPOSALS, epochs=8, copies=4)


# warped crops


def test_crops_by_hand():
    image = np.zeros((2, 4, 3), np.uint8)
    image[:, 2:] = 255
    whole = rcnn.warp_crops(image, [[0, 0, 4, 2]], size=4, context=0)
    assert whole.shape == (1, 3, 4, 4) and whole.dtype == torch.float32
    assert whole[0, 0].tolist() == [[0, 0, 1, 1]] * 4  # twice as high as it was
    right = rcnn.warp_crops(image, [[2, 0, 4, 2]], size=2, context=0)
    assert right[0, 2].tolist() == [[1, 1], [1, 1]]
    edge = rcnn.warp_crops(image, [[1.5, 0, 2.5, 1]], size=1, context=0)
    assert edge[0, 1].tolist() == [[0.5]]  # on the border of dark and bright


def test_context_shows_what_lies_around():
    image = np.arange(0, 240, 5, dtype=np.uint8).reshape(4, 4, 3)
    inner = rcnn.warp_crops(image, [[1, 1, 3, 3]], size=2, context=0)
    outer = rcnn.warp_crops(image, [[1, 1, 3, 3]], size=4, context=1)
    assert torch.equal(outer[..., 1:3, 1:3], inner)
    np.testing.assert_allclose(outer[0].permute(1, 2, 0) * 255, image, atol=1e-4)
    beyond = rcnn.warp_crops(image, [[0, 0, 4, 4]], size=6, context=1)[0, 0]
    assert torch.equal(beyond[0], beyond[1]) and torch.equal(beyond[:, 5], beyond[:, 4])


@settings(max_examples=40, deadline=None)
@given(st.lists(CORNERS, min_size=1, max_size=4), st.integers(2, 30))
def test_without_context_a_crop_is_roialign_of_the_picture(spots, size):
    image = SCENES[0].image
    boxes = np.float32([[x, y, x + w, y + h] for x, y, w, h in spots])
    rois = torch.cat([torch.zeros(len(boxes), 1), torch.tensor(boxes)], dim=1)
    pixels = torch.tensor(image).permute(2, 0, 1)[None] / 255
    theirs = torchvision.ops.roi_align(pixels, rois, size, 1.0, 1, aligned=True)
    ours = rcnn.warp_crops(image, boxes, size, context=0)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


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


# the network and the three trainings


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


def fake(seed=0, rows=400, classes=3):
    """Features in which class and way of the box can be read, and their `Crops`."""
    rng = np.random.default_rng(seed)
    labels, ious = rng.integers(0, classes, rows), rng.choice([0.1, 0.4, 0.7, 1.0], rows)
    x = rng.normal(0, 0.3, (rows, classes + 3))
    x[np.arange(rows), np.where(ious < 0.3, classes, labels)] += 2
    truth = np.tile([10.0, 10, 30, 30], (rows, 1))
    boxes = decode_boxes(truth, np.c_[x[:, -2:] / 10, np.zeros((rows, 2))])
    return x, rcnn.Crops(torch.zeros(rows, 1), boxes, truth, labels, ious)


def test_the_svms_learn_from_truth_and_background_alone():
    x, data = fake()
    svm = rcnn.train_svms(x, data, 3)
    assert svm.classes_.tolist() == [0, 1, 2, 3]
    sure = (data.ious == 1) | (data.ious < 0.3)
    goals = np.where(data.ious == 1, data.labels, 3)
    assert (svm.predict(x[sure]) == goals[sure]).mean() > 0.95
    noisy = data._replace(labels=np.where(data.ious == 1, data.labels, 0))
    assert np.array_equal(rcnn.train_svms(x, noisy, 3).coef_, svm.coef_)
    x[~sure] = 99  # what is neither teaches nothing
    assert np.array_equal(rcnn.train_svms(x, data, 3).coef_, svm.coef_)


def test_hard_negatives_restated():
    x, data = fake(1, rows=900)
    far = np.flatnonzero(data.ious < 0.3)
    true = np.flatnonzero(data.ious == 1)[:40]
    kept = np.sort(np.r_[far, true])
    x, data = x[kept], rcnn.Crops(*(part[kept] for part in data))
    goals = np.where(data.ious == 1, data.labels, 3)
    far, true = np.flatnonzero(data.ious < 0.3), np.flatnonzero(data.ious == 1)
    few = np.r_[true, np.random.default_rng(0).permutation(far)[: 2 * len(true)]]
    first = LinearSVC(C=0.3, random_state=0).fit(x[few], goals[few])
    hard = [row for row in far if (first.decision_function(x[[row]])[0, :3] > -1).any()]
    assert set(hard) - set(few)
    used = sorted({*few.tolist(), *map(int, hard)})
    second = LinearSVC(C=0.3, random_state=0).fit(x[used], goals[used])
    np.testing.assert_allclose(rcnn.train_svms(x, data, 3).coef_, second.coef_, atol=1e-9)


def test_the_regression_is_the_ridge_of_the_normal_equations():
    x, data = fake(2)
    fitted = rcnn.train_regressors(x, data, 3, strength=2.0)
    for label, ridge in enumerate(fitted):
        assert isinstance(ridge, Ridge)
        mine = (data.labels == label) & (data.ious == 0.7)
        a, t = x[mine], encode_boxes(data.boxes[mine], data.truth[mine])
        a, t = a - a.mean(axis=0), t - t.mean(axis=0)
        wanted = np.linalg.solve(a.T @ a + 2.0 * np.eye(x.shape[1]), a.T @ t)
        np.testing.assert_allclose(ridge.coef_.T, wanted, atol=1e-8)


def test_the_whole_learns_and_repeats(trained):
    model, seconds = trained
    truth = [{"boxes": b, "labels": k} for b, k in zip(BOXES, LABELS, strict=True)]
    found, stages = rcnn.detect(model, IMAGES, proposals=PROPOSALS)
    assert mean_average_precision(found, truth) > 0.8
    assert list(seconds) == ["crops", "CNN", "SVM", "regression"]
    assert tuple(stages) == rcnn.STAGES and min(*stages.values(), *seconds.values()) >= 0
    for picture in found:
        assert list(picture) == ["boxes", "scores", "labels"]
        assert [part.dtype for part in picture.values()] == [np.float32, np.float32, np.int64]
        assert (np.diff(picture["scores"]) <= 0).all() and (picture["scores"] >= -1).all()
        assert picture["boxes"].min() >= 0 and picture["boxes"].max() <= 64
    torch.manual_seed(0)
    other, _ = rcnn.train_rcnn(IMAGES, BOXES, LABELS, PROPOSALS, epochs=8, copies=4)
    again, _ = rcnn.detect(other, IMAGES[:3], proposals=PROPOSALS[:3])
    for one, two in zip(found, again, strict=False):
        assert all(np.array_equal(one[name], two[name]) for name in one)


def test_regression_brings_the_boxes_nearer(trained):
    model, _ = trained
    means = []
    for regress in (False, True):
        found, _ = rcnn.detect(model, IMAGES, 0, 1, proposals=PROPOSALS, regress=regress)
        ious = [box_iou(f["boxes"], b).max(axis=1) for f, b in zip(found, BOXES, strict=True)]
        means.append(np.concatenate(ious).mean())
    assert means[1] > means[0]


def test_detect_restated(trained):
    model, _ = trained
    boxes = PROPOSALS[4]
    pool, features = rcnn.extract_features(
        model.network, rcnn.warp_crops(IMAGES[4], boxes), model.scales
    )
    wanted = []
    for row, values in enumerate(features @ model.svm.coef_.T + model.svm.intercept_):
        for label in range(10):
            if values[label] >= -0.5:
                moves = model.regressors[label].predict(pool[[row]]).clip(-1, 1)
                wanted.append(
                    (decode_boxes(boxes[[row]], moves)[0].clip(0, 64), values[label], label)
                )
    moved, scores, labels = map(np.array, zip(*wanted, strict=True))
    kept = batched_nms(moved, scores, labels, 0.4)
    (found,), _ = rcnn.detect(model, IMAGES[4:5], -0.5, 0.4, proposals=[boxes])
    np.testing.assert_allclose(found["boxes"], moved[kept], atol=1e-3)
    np.testing.assert_allclose(found["scores"], scores[kept], atol=1e-4)
    assert found["labels"].tolist() == labels[kept].tolist()


def test_detect_searches_where_no_proposals_are_given(trained):
    model, _ = trained
    (ours,), _ = rcnn.detect(model, IMAGES[:1])
    (theirs,), _ = rcnn.detect(model, IMAGES[:1], proposals=[rcnn.selective_search(IMAGES[0])])
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    (none,), _ = rcnn.detect(model, IMAGES[:1], threshold=1e9, proposals=PROPOSALS[:1])
    assert [part.shape for part in none.values()] == [(0, 4), (0,), (0,)]


def test_true_boxes_count_as_true_in_any_precision():
    boxes = [np.array([[10.3, 10.1, 30.7, 30.9], [2.2, 3.3, 20.6, 19.9]])]
    data = rcnn.training_crops(IMAGES[:1], boxes, [[0, 1]], PROPOSALS[:1], copies=1)
    assert (data.ious[:2] == 1).all() and data.truth.dtype == np.float32


def test_one_class_alone_and_a_picture_without_proposals():
    torch.manual_seed(0)
    labels = [np.zeros_like(part) for part in LABELS[:6]]
    model, _ = rcnn.train_rcnn(IMAGES[:6], BOXES[:6], labels, PROPOSALS[:6], epochs=2)
    (nothing, found), _ = rcnn.detect(model, IMAGES[:2], proposals=[[], np.float32(BOXES[1])])
    assert [part.shape for part in nothing.values()] == [(0, 4), (0,), (0,)]
    assert len(found["boxes"]) and not found["labels"].any()


# bad input

BOX = [[8.0, 8, 24, 24]]
MODEL = rcnn.RCNN(None, (1, 1), None, [])
BAD = {
    "float": (lambda: rcnn.warp_crops(IMAGES[0] / 255, BOX), "image must be .* uint8, got"),
    "tensor": (lambda: rcnn.warp_crops(torch.zeros(1, 3, 64, 64), BOX), r"image must be \(H, W, 3"),
    "one box": (lambda: rcnn.warp_crops(IMAGES[0], BOX[0]), r"boxes must be \(N, 4\).*\[boxes\]"),
    "no area": (lambda: rcnn.warp_crops(IMAGES[0], [[5, 5, 5, 9]]), "boxes must have an area"),
    "size": (lambda: rcnn.warp_crops(IMAGES[0], BOX, 0), "size must be a whole number from 1"),
    "context": (lambda: rcnn.warp_crops(IMAGES[0], BOX, 8, 4), "less than half of size, got 4 of"),
    "width": (lambda: rcnn.crop_network(0), "width must be a whole number"),
    "classes": (lambda: rcnn.crop_network(classes=0.5), "classes must be a whole number"),
    "counts": (lambda: rcnn.training_crops(IMAGES[:2], BOXES[:2], LABELS[:1], PROPOSALS[:2]),
               "2 images, 2 boxes, 1 labels and 2 proposals"),
    "none": (lambda: rcnn.training_crops([], [], [], []), "there are 0 images"),
    "no truth": (lambda: rcnn.training_crops(IMAGES[:1], [[]], [[]], PROPOSALS[:1]),
                 r"boxes_list\[0\] must hold a box"),
    "labels": (lambda: rcnn.training_crops(IMAGES[:1], [BOX], [[1, 2]], PROPOSALS[:1]),
               "1 boxes and 2 labels_list"),
    "copies": (lambda: rcnn.training_crops(IMAGES[:1], [BOX], [[1]], [BOX], -1), "copies must be"),
    "a class": (lambda: rcnn.train_rcnn(IMAGES[:1], [BOX], [[1]], [BOX]), "every class, 0 is miss"),
    "all near": (lambda: rcnn.train_rcnn(IMAGES[:1], [BOX], [[0]], [BOX]),
                 "no proposal has an IoU below .*; give more"),
    "no copies": (lambda: rcnn.train_rcnn(IMAGES[:1], [BOX], [[0]], [[[40, 40, 60, 60]]], copies=0),
                  "no proposal of class 0 has an IoU over .*; raise copies"),
    "model": (lambda: rcnn.detect(rcnn.crop_network(), IMAGES[:1]), "must be an RCNN, got Seq"),
    "proposals": (lambda: rcnn.detect(MODEL, IMAGES[:2], proposals=[BOX]), "2 images and 1 prop"),
    "nms": (lambda: rcnn.detect(MODEL, IMAGES[:1], 0, 2), "nms_threshold must be a number 0 … 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, message = BAD[name]
    with pytest.raises(ArgumentError, match=message):
        call()
