"""Boxes: numbers worked by hand, torchvision, and bad input."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from refusals import refused
from torchvision import ops
from torchvision.models.detection import _utils as detection

from course_utils.detection import boxes

FORMATS = ("xyxy", "xywh", "cxcywh")
NONE = np.zeros((0, 4))


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def corners(numbers):
    """(N, 2, 2) numbers, two corners each in any order → (N, 4) boxes."""
    return np.sort(numbers, axis=1).reshape(-1, 4)


def some_boxes(least=0, most=12, dtype=np.float64):
    """Boxes on a small grid (ties, touching, nested, identical, without area) or anywhere."""
    whole = st.integers(-4, 6).map(float)
    anywhere = st.floats(-50, 50, width=32)
    numbers = st.integers(least, most).flatmap(
        lambda n: st.sampled_from([whole, anywhere]).flatmap(
            lambda elements: arrays.arrays(dtype, (n, 2, 2), elements=elements)
        )
    )
    return numbers.map(corners)


def some_scores(data, count, dtype=np.float64):
    """Scores with many ties."""
    few = st.sampled_from([0.0, 0.25, 0.5, 0.75])
    return data.draw(arrays.arrays(dtype, count, elements=few | st.floats(0, 1, width=32)))


# by hand


def test_formats_by_hand():
    box = [[1, 2, 5, 10]]  # 4 wide, 8 high, its centre at (3, 6)
    assert boxes.convert_boxes(box, "xyxy", "xywh").tolist() == [[1, 2, 4, 8]]
    assert boxes.convert_boxes(box, "xyxy", "cxcywh").tolist() == [[3, 6, 4, 8]]
    assert boxes.convert_boxes([[3, 6, 4, 8]], "cxcywh", "xywh").tolist() == [[1, 2, 4, 8]]


def test_overlap_by_hand():
    a = [[0, 0, 2, 2]]
    b = [
        [1, 1, 3, 3],  # shares 1 of 4 + 4 − 1 = 7; the box around both has 9, of which 2 are empty
        [0, 0, 2, 2],  # the same
        [2, 0, 4, 2],  # touches along an edge: nothing shared, nothing empty
        [4, 0, 6, 2],  # apart: the box around both has 12, of which 4 are empty
        [0, 0, 1, 1],  # inside: 1 of 4
        [1, 1, 1, 1],  # a point inside
    ]
    assert boxes.box_iou(a, b) == pytest.approx(np.array([[1 / 7, 1, 0, 0, 1 / 4, 0]]))
    wanted = [[1 / 7 - 2 / 9, 1, 0, -4 / 12, 1 / 4, 0]]
    assert boxes.generalized_box_iou(a, b) == pytest.approx(np.array(wanted))


def test_boxes_without_area_have_iou_0():
    flat = [[1, 1, 1, 1], [0, 0, 4, 0], [0, 0, 4, 0]]
    assert (boxes.box_iou(flat, flat) == 0).all()
    # a line and a point off it: the box around both has area, all of it empty
    wanted = [[0, -1, -1], [-1, 0, 0], [-1, 0, 0]]
    assert boxes.generalized_box_iou(flat, flat).tolist() == wanted
    assert boxes.nms(flat, [3, 2, 1], 0.0).tolist() == [0, 1, 2]


def test_nms_by_hand():
    row = [[0, 0, 10, 10], [0, 0, 10, 6], [0, 5, 10, 10], [20, 0, 30, 10]]
    scores = [0.6, 0.9, 0.5, 0.7]
    # IoU with box 1, the best: 60/100 of box 0, 10/100 of box 2. Box 2 is half of box 0
    assert boxes.nms(row, scores, 0.5).tolist() == [1, 3, 2]
    assert boxes.nms(row, scores, 0.05).tolist() == [1, 3]
    assert boxes.nms(row, scores, 0.7).tolist() == [1, 3, 0, 2]


def test_nms_at_exactly_the_threshold_keeps():
    pair = [[0, 0, 4, 4], [0, 0, 4, 2]]  # IoU 8/16
    assert boxes.nms(pair, [1, 0], 0.5).tolist() == [0, 1]
    assert boxes.nms(pair, [1, 0], 0.49).tolist() == [0]
    assert boxes.nms(pair[:1] * 2, [1, 0], 1.0).tolist() == [0, 1]


def test_nms_takes_the_first_of_equal_scores():
    same = [[0, 0, 1, 1]] * 3
    assert boxes.nms(same, [0.5, 0.5, 0.5], 0.5).tolist() == [0]
    assert boxes.nms(same, [0.4, 0.5, 0.5], 0.5).tolist() == [1]


def test_batched_nms_by_hand():
    same = [[0, 0, 1, 1]] * 4
    assert boxes.batched_nms(same, [1, 2, 3, 4], [7, 0, 7, 0], 0.5).tolist() == [3, 2]
    # boxes left of 0, where torchvision's shift by class would not part them
    left = [[-9, -9, -5, -5], [-9, -9, -5, -5]]
    assert boxes.batched_nms(left, [1, 2], [0, 1], 0.5).tolist() == [1, 0]


def test_regression_targets_by_hand():
    proposal = [[0, 0, 10, 20]]  # centre (5, 10)
    truth = [[6, 0, 26, 10]]  # centre (16, 5), twice as wide, half as high
    wanted = [[1.1, -0.25, np.log(2), -np.log(2)]]
    assert boxes.encode_boxes(proposal, truth) == pytest.approx(np.array(wanted))
    assert boxes.decode_boxes(proposal, wanted) == pytest.approx(np.array(truth))
    assert boxes.decode_boxes(proposal, np.zeros((1, 4))).tolist() == proposal


def test_no_boxes_work_everywhere():
    for none in (NONE, [], torch.zeros(0, 4)):
        assert boxes.convert_boxes(none, "xywh", "cxcywh").shape == (0, 4)
        for function in (boxes.box_iou, boxes.generalized_box_iou):
            assert function(none, none).shape == (0, 0)
            assert function(none, [[0, 0, 1, 1]]).shape == (0, 1)
            assert function([[0, 0, 1, 1]], none).shape == (1, 0)
        for kept in (boxes.nms(none, [], 0.5), boxes.batched_nms(none, [], [], 0.5)):
            assert kept.shape == (0,) and kept.dtype == np.int64
        assert boxes.encode_boxes(none, none).shape == (0, 4)
        assert boxes.decode_boxes(none, none).shape == (0, 4)


# against torchvision


@settings(max_examples=60, deadline=None)
@given(some_boxes(), st.sampled_from(FORMATS), st.sampled_from(FORMATS))
def test_convert_equals_torchvision(xyxy, given_, wanted):
    start = boxes.convert_boxes(xyxy, "xyxy", given_)
    np.testing.assert_array_equal(start, ops.box_convert(torch.tensor(xyxy), "xyxy", given_))
    start[:, 2:] = np.maximum(start[:, 2:], 0)
    theirs = ops.box_convert(torch.tensor(start), given_, wanted)
    np.testing.assert_array_equal(boxes.convert_boxes(start, given_, wanted), theirs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_overlap_equals_torchvision(dtype, data):
    a, b = data.draw(some_boxes(dtype=dtype)), data.draw(some_boxes(dtype=dtype))
    tensors = torch.tensor(a), torch.tensor(b)
    for ours, theirs in (
        (boxes.box_iou(a, b), ops.box_iou(*tensors)),
        (boxes.generalized_box_iou(a, b), ops.generalized_box_iou(*tensors)),
    ):
        assert ours.dtype == dtype and ours.shape == (len(a), len(b))
        defined = theirs.isfinite().numpy()  # torchvision divides 0 by 0 where no box has an area
        np.testing.assert_array_equal(ours[defined], theirs.numpy()[defined])
        areas = ops.box_area(tensors[0])[:, None] + ops.box_area(tensors[1])
        assert (ours[~defined] <= 0).all() and (areas.numpy()[~defined] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([0.0, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.6, 0.75, 1.0]))
def test_nms_equals_torchvision(dtype, data, threshold):
    some = data.draw(some_boxes(most=25, dtype=dtype))
    scores = some_scores(data, len(some), dtype)
    theirs = ops.nms(torch.tensor(some), torch.tensor(scores), threshold)
    assert boxes.nms(some, scores, threshold).tolist() == theirs.tolist()


def test_nms_equals_torchvision_on_a_crowd():
    rng = np.random.default_rng(0)
    crowd = corners(rng.integers(0, 40, (2000, 2, 2)).astype(np.float32))
    scores = rng.integers(0, 50, 2000).astype(np.float32)
    labels = rng.integers(0, 5, 2000)
    tensors = torch.tensor(crowd), torch.tensor(scores)
    for threshold in (0.1, 0.5, 0.9):
        theirs = ops.nms(*tensors, threshold)
        assert boxes.nms(crowd, scores, threshold).tolist() == theirs.tolist()
        ours = boxes.batched_nms(crowd, scores, labels, threshold)
        theirs = ops.batched_nms(*tensors, torch.tensor(labels), threshold)
        assert sorted(ours) == sorted(theirs.tolist())  # theirs is not stable from 1000 boxes
        assert (np.diff(scores[ours]) <= 0).all()


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([0.0, 0.25, 0.5, 0.6, 1.0]))
def test_batched_nms_equals_torchvision(data, threshold):
    """On whole coordinates from 0: torchvision shifts each class by the largest one, plus 1."""
    count = data.draw(st.integers(0, 25))
    whole = arrays.arrays(np.int64, (count, 2, 2), elements=st.integers(0, 7))
    some, scores = corners(data.draw(whole)).astype(float), some_scores(data, count)
    labels = data.draw(arrays.arrays(np.int64, count, elements=st.integers(0, 3)))
    theirs = ops.batched_nms(*map(torch.tensor, (some, scores, labels)), threshold)
    assert boxes.batched_nms(some, scores, labels, threshold).tolist() == theirs.tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.integers(0, 999))
def test_regression_targets_equal_torchvision(count, seed):
    rng = np.random.default_rng(seed)
    proposals, truth = (
        np.hstack([start, start + rng.uniform(0.1, 30, (count, 2))])
        for start in rng.uniform(-20, 50, (2, count, 2))
    )
    coder = detection.BoxCoder((1.0, 1.0, 1.0, 1.0))
    pair = torch.tensor(proposals), torch.tensor(truth)
    deltas = boxes.encode_boxes(proposals, truth)
    theirs = coder.encode_single(pair[1], pair[0])
    np.testing.assert_allclose(deltas, theirs, rtol=1e-12, atol=1e-12)
    deltas = np.clip(deltas, -4, 4)  # torchvision cuts tw and th off at ln(1000 / 16) = 4.1
    theirs = coder.decode_single(torch.tensor(deltas), pair[0])
    np.testing.assert_allclose(boxes.decode_boxes(proposals, deltas), theirs, rtol=1e-12)
    back = boxes.decode_boxes(proposals, boxes.encode_boxes(proposals, truth))
    np.testing.assert_allclose(back, truth, rtol=1e-9, atol=1e-9)


# what must hold for any boxes


@settings(max_examples=60, deadline=None)
@given(some_boxes(), some_boxes())
def test_overlap_is_symmetric_and_bounded(a, b):
    iou, generalized = boxes.box_iou(a, b), boxes.generalized_box_iou(a, b)
    np.testing.assert_allclose(boxes.box_iou(b, a), iou.T, rtol=1e-12)
    assert ((iou >= 0) & (iou <= 1 + 1e-12)).all()
    assert (generalized <= iou + 1e-12).all() and (generalized >= -1 - 1e-12).all()
    own = np.diag(boxes.box_iou(a, a))
    areas = ops.box_area(torch.tensor(a)).numpy()
    assert np.array_equal(own, (areas > 0).astype(float))


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from([0.0, 0.3, 0.5]))
def test_what_nms_drops_has_a_better_neighbour(data, threshold):
    some = data.draw(some_boxes(most=15))
    scores = some_scores(data, len(some))
    kept = boxes.nms(some, scores, threshold)
    iou = boxes.box_iou(some, some)
    for box in range(len(some)):
        near = [k for k in kept if k != box and iou[box, k] > threshold]
        if box in kept:
            assert not near
        else:
            assert any((-scores[k], k) < (-scores[box], box) for k in near)


def test_dtypes_views_lists_and_tensors():
    whole = np.array([[0, 0, 200, 200]], np.uint8)  # 40000 does not fit
    assert boxes.convert_boxes(whole, "xyxy", "xywh").dtype == np.float64
    assert boxes.box_iou(whole, [[0, 0, 100, 200]]).tolist() == [[0.5]]
    single = whole.astype(np.float32)
    assert boxes.box_iou(single, single).dtype == np.float32
    assert boxes.box_iou(single, whole).dtype == np.float64
    tensor = torch.tensor(single, requires_grad=True)
    assert boxes.convert_boxes(tensor, "xyxy", "xywh").tolist() == [[0, 0, 200, 200]]
    given_ = np.arange(8.0).reshape(2, 4)
    same = boxes.convert_boxes(given_, "xyxy", "xyxy")
    same[:] = 0
    assert given_[1].tolist() == [4, 5, 6, 7]
    huge = np.float32([[-1e15, -1e15, 1e15, 1e15]])
    assert boxes.generalized_box_iou(huge, huge).tolist() == [[1]]


# what comes in

BOX, PAIR = [[0, 0, 1, 1]], [[0, 0, 1, 1], [2, 2, 3, 3]]
WRONG = np.array([[0.0, 0, 1, 1], [5, 0, 2, 1]])
NAN = np.array([[0, 0, np.nan, 1]])


BAD = {
    "convert, corner and size": (lambda: boxes.convert_boxes(WRONG, "xyxy", "xywh"),
                                 "boxes[1] is [5.0, 0.0, 2.0, 1.0]", "x1 ≤ x2", "convert_boxes("),
    "convert, name": (lambda: boxes.convert_boxes(BOX, "xyhw", "xyxy"), "given", "'xywh'"),
    "convert, other name": (lambda: boxes.convert_boxes(BOX, "xyxy", "yolo"), "wanted", "'yolo'"),
    "convert, width": (lambda: boxes.convert_boxes([[5, 5, -1, 2]], "xywh", "xyxy"), "boxes[0]"),
    "convert, height": (lambda: boxes.convert_boxes([[5, 5, 1, -2]], "cxcywh", "xyxy"), "boxes[0]"),
    "iou, corner and size": (lambda: boxes.box_iou(BOX, WRONG), "b[1]", "convert_boxes(b, "),
    "iou, one box": (lambda: boxes.box_iou([0, 0, 1, 1], BOX), "a", "(4,)", "use [a]"),
    "iou, five numbers": (lambda: boxes.box_iou(np.zeros((2, 5)), BOX), "a", "(2, 5)"),
    "iou, NaN": (lambda: boxes.box_iou(NAN, BOX), "a[0]", "nan", "NaN"),
    "iou, text": (lambda: boxes.box_iou("ab", BOX), "a must hold numbers", "a str"),
    "iou, ragged": (lambda: boxes.box_iou([[1], [1, 2]], BOX), "a must be rectangular"),
    "encode, counts": (lambda: boxes.encode_boxes(BOX, PAIR), "1 proposals and 2 truth"),
    "encode, no area": (lambda: boxes.encode_boxes(BOX, [[0, 0, 0, 1]]), "truth[0]", "an area"),
    "encode, no height": (lambda: boxes.encode_boxes([[0, 0, 1, 0]], BOX), "proposals[0]", "area"),
    "decode, counts": (lambda: boxes.decode_boxes(BOX, np.zeros((2, 4))), "1 proposals and 2 delt"),
    "decode, growth": (lambda: boxes.decode_boxes(BOX, [[0, 0, 999, 0]]), "deltas[0]", "np.log("),
    "decode, NaN": (lambda: boxes.decode_boxes(BOX, [[0, np.nan, 0, 0]]), "deltas[0]", "NaN"),
    "nms, infinite": (lambda: boxes.nms([[0, 0, np.inf, 1]], [1], 0.5), "boxes[0]", "±1e15"),
    "nms, counts": (lambda: boxes.nms(BOX, [1, 2], 0.5), "1 boxes and 2 scores"),
    "nms, a column": (lambda: boxes.nms(BOX, [[1]], 0.5), "scores", "(1, 1)", "[:, 0]"),
    "nms, NaN": (lambda: boxes.nms(PAIR, [1, np.nan], 0.5), "scores", "nan at 1"),
    "nms, threshold": (lambda: boxes.nms(BOX, [1], np.nan), "threshold", "0 … 1", "nan"),
    "nms, labels": (lambda: boxes.batched_nms(BOX, [1], [0.5], 0.5), "labels must be whole"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
