"""Metrics: numbers worked by hand, bad input, and judges that others have written.

pycocotools, scikit-learn, torchmetrics; beside them the definitions restated.
"""

import contextlib
import io
import itertools
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from refusals import refused
from sklearn import metrics as sklearn_metrics
from torchmetrics.detection import PanopticQuality

from course_utils.detection import metrics
from course_utils.detection.boxes import box_iou
from course_utils.detection.metrics import average_precision, mean_average_precision
from course_utils.segmentation import metrics as segmentation
from course_utils.segmentation import panoptic

COCO_AP = metrics.COCO_THRESHOLDS
NAN = float("nan")
SEEDS = st.integers(0, 10**6)


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# matching, by hand


def test_the_better_score_chooses_first():
    ious = [[0.6, 0.0], [0.9, 0.0], [0.2, 0.7]]
    assert metrics.match_detections(ious, [0.9, 0.8, 0.7]).tolist() == [0, -1, 1]
    assert metrics.match_detections(ious, [0.8, 0.9, 0.7]).tolist() == [-1, 0, 1]
    assert metrics.match_detections(ious, [0.9, 0.8, 0.7], 0.75).tolist() == [-1, 0, -1]


def test_a_detection_whose_best_truth_is_taken_may_find_another():
    ious = [[0.9, 0.6], [0.8, 0.55]]  # VOC would call the second a false alarm
    assert metrics.match_detections(ious, [0.9, 0.8]).tolist() == [0, 1]
    assert metrics.match_detections(ious, [0.9, 0.8], 0.7).tolist() == [0, -1]


def test_ties_and_limits_of_matching():
    # equal scores: the first; equal IoUs: the last truth; the threshold itself is enough
    assert metrics.match_detections([[0.5], [0.5]], [1, 1]).tolist() == [0, -1]
    assert metrics.match_detections([[0.5, 0.5], [0.5, 0]], [1, 1]).tolist() == [1, 0]
    assert metrics.match_detections([[1.0]], [1], 1.0).tolist() == [0]
    for none in (np.zeros((0, 3)), np.zeros((0, 0)), []):
        assert metrics.match_detections(none, []).shape == (0,)
    assert metrics.match_detections(np.zeros((2, 0)), [1, 2]).tolist() == [-1, -1]
    ious = np.array([[0.9]])
    metrics.match_detections(ious, [1])
    assert ious.tolist() == [[0.9]]  # what came in stays


# precision, recall, AP, by hand


def test_precision_recall_and_ap_by_hand():
    # five detections, four truths: hit, miss, hit, hit, miss
    scores, correct = [0.5, 0.9, 0.7, 0.8, 0.6], [False, True, True, False, True]
    precision, recall = metrics.precision_recall(scores, correct, 4)
    assert precision == pytest.approx(np.array([1, 1 / 2, 2 / 3, 3 / 4, 3 / 5]))
    assert recall.tolist() == [0.25, 0.25, 0.5, 0.75, 0.75]
    # best precision from there on: 1, 3/4, 3/4, 3/4, 3/5
    area = 0.25 * 1 + 0.5 * 0.75
    assert average_precision(precision, recall) == pytest.approx(area)
    # recalls 0 … 0.25 are 26 of the 101 points, 0.26 … 0.75 are 50, and no recall is above
    assert average_precision(precision, recall, 101) == pytest.approx((26 + 50 * 0.75) / 101)
    # 0, 0.1, 0.2 | 0.3 … 0.7 | 0.8, 0.9, 1
    assert average_precision(precision, recall, 11) == pytest.approx((3 + 5 * 0.75) / 11)


def test_ap_without_detections_and_of_perfect_ones():
    for points in (None, 101):
        assert average_precision([], [], points) == 0
        assert average_precision(*metrics.precision_recall([], [], 3), points) == 0
        assert average_precision(*metrics.precision_recall([1], [False], 3), points) == 0
        perfect = metrics.precision_recall([3, 2, 1], [True] * 3, 3)
        assert average_precision(*perfect, points) == 1


def test_the_map_of_two_pictures_by_hand():
    first, second, off = [0, 0, 10, 10], [20, 20, 30, 30], [50, 50, 60, 60]
    targets = [{"boxes": [first, second], "labels": [1, 2]}, {"boxes": [first], "labels": [1]}]
    predictions = [
        {"boxes": [first, off], "labels": [1, 1], "scores": [0.9, 0.8]},
        {"boxes": [[0, 0, 10, 6]], "labels": [1], "scores": [0.7]},  # IoU 0.6
    ]
    # class 1: hit, miss, hit of 2: precision 1 up to recall 1/2 (51 points), then 2/3 (50 points)
    table = metrics.class_average_precision(predictions, targets, (0.5, 0.75))
    assert table[1] == pytest.approx(np.array([(51 + 50 * 2 / 3) / 101, 51 / 101]))
    assert table[2].tolist() == [0, 0]  # a truth, and no detection
    half = (51 + 50 * 2 / 3) / 101 / 2
    assert mean_average_precision(predictions, targets) == pytest.approx(half)
    # a class that no target has is left out
    others = [{**found, "labels": [3] * len(found["labels"])} for found in predictions]
    assert list(metrics.class_average_precision(others, targets)) == [1, 2]
    assert mean_average_precision(others, targets) == 0


def test_the_map_without_targets_is_nan():
    none = {"boxes": [], "labels": []}
    found = {"boxes": [[0, 0, 1, 1]], "labels": [3], "scores": [1]}
    assert np.isnan(mean_average_precision([found], [none]))
    assert np.isnan(mean_average_precision([{**none, "scores": []}], [none]))


# detections, against pycocotools


def coco_of(pictures, kind):
    """A COCO object, made without a file."""
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i, "height": 1, "width": 1} for i in range(len(pictures))],
        "categories": [{"id": label} for label in range(9)],
        "annotations": [],
    }
    for i, each in enumerate(pictures):
        for place, label in enumerate(each["labels"]):
            note = {"id": len(coco.dataset["annotations"]) + 1, "image_id": i, "iscrowd": 0,
                    "category_id": int(label), "area": 1.0}  # fmt: skip
            if "scores" in each:
                note["score"] = float(each["scores"][place])
            if kind == "boxes":
                x, y, right, below = map(float, each["boxes"][place])
                note["bbox"] = [x, y, right - x, below - y]
            else:
                mask = np.asfortranarray(each["masks"][place].astype(np.uint8))
                note["segmentation"] = coco_mask.encode(mask)
            coco.dataset["annotations"].append(note)
    coco.createIndex()
    return coco


def coco_ap(predictions, targets, kind="boxes"):
    """COCO's precision averaged over recall: dict of class → (10,), and AP at .5, .75, .5:.95."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = coco_of(targets, kind), coco_of(predictions, kind)
        judge = COCOeval(truth, found, "bbox" if kind == "boxes" else "segm")
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.params.maxDets = [100]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][..., 0, 0]  # thresholds, recalls, classes
    precision = np.where(precision == -1, np.nan, precision)
    table = precision.mean(axis=1).T
    table = {label: row for label, row in zip(judge.params.catIds, table, strict=True)}
    table = {label: row for label, row in table.items() if not np.isnan(row).any()}
    values = np.array(list(table.values())).reshape(-1, 10)
    if not len(values):
        return table, [NAN] * 3
    return table, [values[:, 0].mean(), values[:, 5].mean(), values.mean()]


def compare_with_coco(predictions, targets, kind="boxes"):
    table, (half, strict, mean) = coco_ap(predictions, targets, kind)
    ours = metrics.class_average_precision(predictions, targets, COCO_AP, kind=kind)
    assert ours.keys() == table.keys()
    for label, row in ours.items():
        np.testing.assert_allclose(row, table[label], rtol=0, atol=1e-12)
    for thresholds, wanted in (((0.5,), half), ((0.75,), strict), (COCO_AP, mean)):
        value = mean_average_precision(predictions, targets, thresholds, kind=kind)
        assert value == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def draw_pictures(seed, pictures, classes, most, size, steps, kind="boxes"):
    """Targets, and predictions: near them, some of another class, some doubled, and anywhere.

    steps: how many different scores there are, so that they tie. Whole coordinates tie IoUs.
    """
    rng = np.random.default_rng(seed)
    targets, predictions = [], []
    for _ in range(pictures):
        n, m = rng.integers(0, most + 1, 2)
        truth = np.sort(rng.integers(0, size, (n, 2, 2)), axis=1).reshape(n, 4)
        labels, copies = rng.integers(0, classes, n), rng.integers(0, 4, n)
        near = np.repeat(truth, copies, axis=0)
        near = near + rng.integers(-1, 2, near.shape) * (rng.random(near.shape) < 0.4)
        found = np.concatenate([near, rng.integers(0, size, (m, 4))])
        found = np.sort(found.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
        named = np.append(np.repeat(labels, copies), rng.integers(0, classes, m))
        other = rng.integers(0, classes, len(named))
        named = np.where(rng.random(len(named)) < 0.2, other, named)
        for store, some, what in ((targets, truth, labels), (predictions, found, named)):
            regions = masks_of(some, size, rng) if kind == "masks" else some.astype(float)
            store.append({kind: regions, "labels": what})
        predictions[-1]["scores"] = rng.integers(0, steps, len(found)) / steps
    return predictions, targets


def masks_of(some, size, rng):
    """Boxes as masks with a few pixels turned; some of them are empty."""
    y, x = np.mgrid[:size, :size]
    some = some[:, :, None, None]
    masks = (x >= some[:, 0]) & (x < some[:, 2]) & (y >= some[:, 1]) & (y < some[:, 3])
    return masks & (rng.random(masks.shape) < 0.95)


@pytest.mark.parametrize("kind", ["boxes", "masks"])
@settings(max_examples=60, deadline=None)
@given(
    SEEDS, st.integers(1, 5), st.integers(1, 4), st.integers(0, 6),
    st.sampled_from([4, 8, 20]), st.sampled_from([1, 3, 100]),
)  # fmt: skip
def test_map_equals_coco(kind, seed, pictures, classes, most, size, steps):
    drawn = draw_pictures(seed, pictures, classes, most, size, steps, kind)
    compare_with_coco(*drawn, kind)


@pytest.mark.parametrize("kind", ["boxes", "masks"])
def test_map_equals_coco_where_classes_or_detections_lack(kind):
    regions = {"boxes": np.array([[0, 0, 4, 4.0]]), "masks": np.ones((1, 4, 4), bool)}[kind]
    none = {kind: regions[:0], "labels": np.zeros(0, int)}
    nothing = {**none, "scores": np.zeros(0)}
    one = {kind: regions, "labels": np.array([1])}
    found, other = ({**one, "scores": np.ones(1), "labels": np.array([c])} for c in (1, 2))
    for predicted, truth in itertools.product((nothing, found, other), (none, one)):
        compare_with_coco([predicted], [truth], kind)
        compare_with_coco([predicted, nothing, found], [truth, one, none], kind)


def test_map_equals_coco_where_iou_ties_with_a_threshold():
    # IoU exactly 0.5, 0.55, … 1 of a box 20 wide; recalls that fall on COCO's 101 points
    widths = np.arange(10, 21)
    truth = np.array([[0, 30 * i, 20, 30 * i + 1] for i in range(20)], float)
    for count in (1, 7, 11):
        found = truth[:count].copy()
        found[:, 2] = widths[:count]
        target = {"boxes": truth, "labels": np.zeros(20, int)}
        prediction = {"boxes": found, "labels": np.zeros(count, int), "scores": widths[:count]}
        compare_with_coco([prediction], [target])
        single = {**prediction, "boxes": found.astype(np.float32)}
        compare_with_coco([single], [{**target, "boxes": truth.astype(np.float32)}])


@pytest.mark.parametrize("second", [0, 1])
def test_map_equals_coco_where_two_truths_tie(second):
    # the better detection covers both truths by 5 of 7, the other one is one of them
    truth = np.array([[0, 0, 6, 4], [2, 0, 8, 4.0]])
    found = np.array([[1, 0, 7, 4], truth[second]])
    prediction = {"boxes": found, "labels": [1, 1], "scores": [0.9, 0.8]}
    compare_with_coco([prediction], [{"boxes": truth, "labels": [1, 1]}])


def test_map_equals_coco_beyond_100_detections_a_class():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 60, (130, 2))
    truth = np.hstack([start, start + rng.integers(1, 9, (130, 2))]).astype(float)
    labels = np.repeat([0, 1], [120, 10])
    prediction = {"boxes": truth, "labels": labels, "scores": rng.integers(0, 9, 130) / 9}
    targets = [{"boxes": truth, "labels": labels}] * 2
    compare_with_coco([prediction] * 2, targets)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 12), st.sampled_from([8, 20]), st.sampled_from([0.5, 0.75, 0.95]))
def test_matches_and_the_area_are_cocos(seed, most, size, threshold):
    """One picture, one class: who is matched with whom, and the area under COCO's whole curve."""
    (prediction,), (target,) = draw_pictures(seed, 1, 1, most, size, 7)
    with contextlib.redirect_stdout(io.StringIO()):
        judge = COCOeval(coco_of([target], "boxes"), coco_of([prediction], "boxes"), "bbox")
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.params.maxDets, judge.params.iouThrs = [10**6], np.array([threshold])
        judge.params.recThrs = np.linspace(0, 1, 20001)
        judge.evaluate()
        judge.accumulate()
    ious = box_iou(prediction["boxes"], target["boxes"])
    matches = metrics.match_detections(ious, prediction["scores"], threshold)
    if found := judge.evalImgs[0]:  # None where there is nothing at all; COCO counts from 1
        wanted = np.full(len(matches), -1)
        wanted[np.array(found["dtIds"], int) - 1] = found["dtMatches"][0].astype(int) - 1
        np.testing.assert_array_equal(matches, wanted)
    if truths := len(target["boxes"]):
        curve = metrics.precision_recall(prediction["scores"], matches >= 0, truths)
        area = judge.eval["precision"][0, :, 0, 0, 0].mean()
        assert average_precision(*curve) == pytest.approx(area, abs=2e-4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 5), SEEDS)
def test_precision_and_recall_equal_scikit_learn(correct, missed, seed):
    correct = np.array([True, *correct])
    scores = np.random.default_rng(seed).permutation(len(correct)) / len(correct)
    hits = correct.sum()
    ours = metrics.precision_recall(scores, correct, int(hits) + missed)
    precision, recall, _ = sklearn_metrics.precision_recall_curve(correct, scores)
    np.testing.assert_allclose(ours[0], precision[-2::-1])  # theirs ends with a point of no score
    np.testing.assert_allclose(ours[1], recall[-2::-1] * hits / (hits + missed))


# AP, against the code of VOC's development kit, restated


def voc_ap(precision, recall):
    recall, precision = [0.0, *recall, 1.0], [0.0, *precision, 0.0]
    for i in range(len(precision) - 1, 0, -1):
        precision[i - 1] = max(precision[i - 1], precision[i])
    steps = range(1, len(recall))
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in steps)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30), st.integers(1, 9))
def test_ap_equals_vocs(detections, missed):
    scores = [score for score, _ in detections]
    correct = np.array([hit for _, hit in detections], bool)
    truths = int(correct.sum()) + missed
    precision, recall = metrics.precision_recall(scores, correct, truths)
    wanted = voc_ap(precision, recall)
    assert average_precision(precision, recall) == pytest.approx(wanted, abs=1e-12)
    grid = np.linspace(0, 1, 11)
    best = [max(precision[recall >= r], default=0) for r in grid]
    assert average_precision(precision, recall, 11) == pytest.approx(np.mean(best), abs=1e-12)


# classes of pixels


def test_pixels_by_hand():
    truth = np.array([[0, 0, 1], [1, 1, 3]])
    predicted = np.array([[0, 1, 1], [1, 0, 1]])
    matrix = segmentation.confusion_matrix(truth, predicted, 5)
    assert matrix.tolist() == [
        [1, 1, 0, 0, 0],
        [1, 2, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert segmentation.pixel_accuracy(matrix) == 3 / 6
    # class 0: 1 of 1 + 1 + 1; class 1: 2 of 2 + 1 + 2; classes 2 and 4: nowhere; class 3: missed
    wanted = np.array([1 / 3, 2 / 5, NAN, 0, NAN])
    assert segmentation.class_iou(matrix) == pytest.approx(wanted, nan_ok=True)
    assert segmentation.mean_iou(matrix) == pytest.approx((1 / 3 + 2 / 5 + 0) / 3)
    # a class that is only predicted counts, with 0
    only = segmentation.confusion_matrix([0, 0], [0, 2], 3)
    assert segmentation.mean_iou(only) == pytest.approx((1 / 2 + 0) / 2)
    empty = segmentation.confusion_matrix(truth[:0], predicted[:0], 2)
    assert np.isnan([segmentation.pixel_accuracy(empty), segmentation.mean_iou(empty)]).all()


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(2, 9), st.integers(1, 9), st.integers(1, 9))
def test_pixels_equal_scikit_learn(seed, classes, used, size):
    rng = np.random.default_rng(seed)
    used = rng.permutation(classes)[:used]  # the others occur nowhere
    truth, predicted = rng.choice(used, (2, 3, size, size)).astype(np.uint8)
    matrix = segmentation.confusion_matrix(truth, torch.tensor(predicted), classes)
    pair, labels = (truth.ravel(), predicted.ravel()), np.arange(classes)
    wanted = sklearn_metrics.confusion_matrix(*pair, labels=labels)
    np.testing.assert_array_equal(matrix, wanted)
    parts = [segmentation.confusion_matrix(truth[i], predicted[i], classes) for i in range(3)]
    np.testing.assert_array_equal(np.sum(parts, axis=0), wanted)
    accuracy = sklearn_metrics.accuracy_score(*pair)
    assert segmentation.pixel_accuracy(matrix) == pytest.approx(accuracy, abs=1e-12)
    here = np.union1d(*pair)
    each = sklearn_metrics.jaccard_score(*pair, labels=here, average=None)
    ours = segmentation.class_iou(matrix)
    np.testing.assert_allclose(ours[here], each, rtol=1e-12)
    assert np.isnan(np.delete(ours, here)).all()
    mean = sklearn_metrics.jaccard_score(*pair, average="macro")  # over the labels that occur
    assert segmentation.mean_iou(matrix) == pytest.approx(mean, abs=1e-12)


def test_mask_iou_by_hand_and_as_boxes_have_it():
    a = np.array([[[1, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]], bool)
    b = np.array([[[0, 1, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]], [[1, 1, 0], [0, 0, 0]]], bool)
    assert metrics.mask_iou(a, b).tolist() == [[1 / 3, 0, 1], [0, 0, 0]]
    assert metrics.mask_iou(a.astype(np.uint8), torch.tensor(b)).tolist() == [
        [1 / 3, 0, 1],
        [0, 0, 0],
    ]
    for none in ([], a[:0]):
        assert metrics.mask_iou(none, b).shape == (0, 3)
        assert metrics.mask_iou(b, none).shape == (3, 0)
    rng = np.random.default_rng(0)
    some = np.sort(rng.integers(0, 13, (20, 2, 2)), axis=1).reshape(20, 4)
    y, x = np.mgrid[:13, :13]
    edges = some[:, :, None, None]
    masks = (x >= edges[:, 0]) & (x < edges[:, 2]) & (y >= edges[:, 1]) & (y < edges[:, 3])
    np.testing.assert_allclose(metrics.mask_iou(masks, masks), box_iou(some, some))


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 5), st.integers(1, 5), st.integers(1, 20), st.integers(1, 20))
def test_mask_iou_equals_cocos(seed, count, others, height, width):
    rng = np.random.default_rng(seed)
    a, b = (rng.random((n, height, width)) < rng.random((n, 1, 1)) for n in (count, others))
    a[0] &= rng.random() < 0.5  # sometimes empty
    coded = [[coco_mask.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks]
             for masks in (a, b)]  # fmt: skip
    wanted = coco_mask.iou(*coded, [0] * others)
    np.testing.assert_allclose(metrics.mask_iou(a, b), wanted, rtol=1e-12)


def test_the_iou_of_large_masks_is_counted_exactly():
    large = np.ones((1, 4100, 4100), bool)  # more pixels than float32 can count
    less = large.copy()
    less[0, 0, 0] = False
    assert metrics.mask_iou(large, less).item() == 1 - 1 / 4100**2


# panoptic quality


def test_panoptic_quality_by_hand():
    truth = np.array([
        [1000, 1000, 1000, 1000, 2000, 2000],
        [1001, 1001, 1001, 1001, 2000, 2000],
    ])  # fmt: skip
    predicted = np.array([
        [1005, 1005, 1005, 2007, 2007, 2007],
        [1006, 1006, 3000, 3000, 2007, 2007],
    ])  # fmt: skip
    # class 1: 1000 and 1005 share 3 of 4: a match. 1001 and 1006 share 2 of 4: no match, since
    # that is not above 0.5: one miss, one false alarm. PQ = (3/4) / (1 + 1/2 + 1/2) = 3/8
    # class 2: 4 of 5 pixels: a match, PQ = 4/5. Class 3: a false alarm, PQ = 0
    result = panoptic.panoptic_quality(truth, predicted)
    one = {"pq": 3 / 8, "sq": 3 / 4, "rq": 1 / 2, "tp": 1, "fp": 1, "fn": 1}
    assert result["classes"] == {
        1: one,
        2: {"pq": 4 / 5, "sq": 4 / 5, "rq": 1, "tp": 1, "fp": 0, "fn": 0},
        3: {"pq": 0, "sq": 0, "rq": 0, "tp": 0, "fp": 1, "fn": 0},
    }
    assert result["pq"] == pytest.approx((3 / 8 + 4 / 5 + 0) / 3)
    assert result["sq"] == pytest.approx((3 / 4 + 4 / 5 + 0) / 3)
    assert result["rq"] == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_panoptic_quality_adds_pictures_up_before_it_divides():
    first, second = np.array([[1000, 1000]]), np.array([[1000, 1000, 2000]])
    result = panoptic.panoptic_quality([first, second], [first, second + 5000])
    # class 1: a hit with IoU 1 and a miss; class 2: a miss; classes 6 and 7: false alarms
    assert [each["pq"] for each in result["classes"].values()] == [1 / 1.5, 0, 0, 0]
    assert list(result["classes"]) == [1, 2, 6, 7]
    stacked = np.stack([first, first])
    assert panoptic.panoptic_quality(stacked, torch.tensor(stacked))["pq"] == 1


def test_pixels_in_no_segment():
    truth = np.array([[1000, 1000, -1, -1, -1, 2000]])
    # 1000 is met exactly, once the pixel that the truth leaves out does not count
    predicted = np.array([[1000, 1000, 1000, 4000, 4000, -1]])
    # 4000 lies where the truth is silent: no false alarm. 2000 is missed
    result = panoptic.panoptic_quality(truth, predicted)["classes"]
    assert list(result) == [1, 2]
    assert result[1]["pq"] == 1 and result[2]["fn"] == 1
    # exactly half of it outside: a false alarm
    half = panoptic.panoptic_quality([[1000, -1]], [[4000, 4000]])["classes"]
    assert half[4]["fp"] == 1
    # nothing at all
    nothing = panoptic.panoptic_quality([[-1, -1]], [[-1, 5000]])
    assert nothing["classes"] == {} and np.isnan([nothing[n] for n in ("pq", "sq", "rq")]).all()


def quality_of_sets(pictures):
    """The definition over sets of pixels, segment by segment (arXiv:1801.00868, section 4)."""
    tally = {}
    for truth, predicted in pictures:
        known = {place for place in np.ndindex(truth.shape) if truth[place] >= 0}
        segments = []
        for ids in (truth, predicted):
            places = [(i, place) for place, i in np.ndenumerate(ids) if i >= 0]
            segments.append({i: {p for j, p in places if j == i} for i, _ in places})
        hit = set()
        for (i, true), (j, found) in itertools.product(segments[0].items(), segments[1].items()):
            found = found & known
            if i // 1000 == j // 1000 and len(true & found) / len(true | found) > 0.5:
                hit |= {("truth", i), ("found", j)}
                iou = len(true & found) / len(true | found)
                tally.setdefault(i // 1000, []).append((iou, 1))
        for i in segments[0]:
            if ("truth", i) not in hit:
                tally.setdefault(i // 1000, []).append((0, 0.5))
        for j, found in segments[1].items():
            if ("found", j) not in hit and len(found - known) / len(found) <= 0.5:
                tally.setdefault(j // 1000, []).append((0, 0.5))
    sums = {label: np.sum(rows, axis=0) for label, rows in tally.items()}
    return {label: iou / weight for label, (iou, weight) in sums.items()}


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_panoptic_quality_is_its_definition(seed, pictures, classes, numbers, silent):
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(pictures):
        height, width = rng.integers(1, 7, 2)
        coarse = rng.integers(0, classes, (3, 3)) * 1000 + rng.integers(0, numbers, (3, 3))
        truth = np.kron(coarse, np.ones((2, 2), int))[:height, :width]
        noise = rng.integers(0, classes, truth.shape) * 1000 + rng.integers(0, numbers, truth.shape)
        predicted = np.where(rng.random(truth.shape) < rng.choice([0, 0.15, 0.6]), noise, truth)
        if silent:
            for ids in (truth, predicted):
                ids[rng.random(ids.shape) < 0.3] = -1
        pairs.append((truth, predicted))
    result = panoptic.panoptic_quality(*map(list, zip(*pairs, strict=True)))
    wanted = quality_of_sets(pairs)
    assert result["classes"].keys() == wanted.keys()
    for label, each in result["classes"].items():
        assert each["pq"] == pytest.approx(wanted[label], abs=1e-12)
        assert each["pq"] == pytest.approx(each["sq"] * each["rq"], abs=1e-12)
        half = (each["fp"] + each["fn"]) / 2
        assert each["rq"] == pytest.approx(each["tp"] / (each["tp"] + half), abs=1e-12)
    if wanted:
        assert result["pq"] == pytest.approx(np.mean(list(wanted.values())), abs=1e-12)


def compare_with_torchmetrics(pairs, classes, stuff):
    """Of pairs of (truth, predicted) ids: each class, the means, and the counts behind them.

    torchmetrics does not count a miss where the prediction is silent; the paper does. So silence is
    handed to it as one more class, which no truth has, and which is left out of the means.
    """
    silence = max(classes) + 1
    judge = PanopticQuality(
        things=set(classes) - set(stuff), stuffs={*stuff, silence}, return_sq_and_rq=True,
        return_per_class=True, allow_unknown_preds_category=False,
    )  # fmt: skip
    for truth, predicted in pairs:
        truth, predicted = (torch.tensor(ids) for ids in (truth, predicted))
        predicted = torch.where(predicted < 0, 1000 * silence, predicted)
        both = [torch.stack([ids // 1000, ids % 1000], dim=-1)[None] for ids in (predicted, truth)]
        judge.update(*both)  # a class below 0 is torchmetrics' "void"
    order = sorted(set(classes) - set(stuff)) + sorted({*stuff, silence})
    rows = dict(zip(order, judge.compute().tolist(), strict=True))
    counts = {
        label: tuple(int(part[place]) for part in
                     (judge.true_positives, judge.false_positives, judge.false_negatives))
        for place, label in enumerate(order) if label != silence
    }  # fmt: skip
    wanted = {label: found for label, found in sorted(counts.items()) if any(found)}
    result = panoptic.panoptic_quality(*map(list, zip(*pairs, strict=True)))
    ours = {label: (each["tp"], each["fp"], each["fn"])
            for label, each in result["classes"].items()}  # fmt: skip
    assert ours == wanted
    names = ("pq", "sq", "rq")
    for label, each in result["classes"].items():
        assert [each[name] for name in names] == pytest.approx(rows[label], abs=1e-6)
    means = [result[name] for name in names]
    if wanted:
        theirs = np.mean([rows[label] for label in wanted], axis=0)
        assert means == pytest.approx(theirs.tolist(), abs=1e-6)
    else:
        assert np.isnan(means).all()
    return result


def draw_ids(rng, classes, stuff, numbers, shape):
    """A map of blocks: things have a number, stuff is one segment a class."""
    height, width = shape
    coarse = rng.choice(classes, (4, 4)) * 1000 + rng.integers(0, numbers, (4, 4))
    ids = np.kron(coarse, np.ones((3, 3), int))[:height, :width]
    return np.where(np.isin(ids // 1000, stuff), ids // 1000 * 1000, ids)


@settings(max_examples=60, deadline=None)
@given(
    SEEDS, st.integers(1, 3), st.integers(1, 5), st.integers(0, 3), st.integers(1, 4),
    st.sampled_from([0, 0.3, 1]), st.sampled_from([0, 0.3, 1]),
)  # fmt: skip
def test_panoptic_quality_equals_torchmetrics(
    seed, pictures, classes, stuff, numbers, void, silent
):
    """Things and stuff; classes of one side only; pixels without truth or without prediction."""
    rng, classes = np.random.default_rng(seed), np.arange(classes + stuff)
    stuff, pairs = classes[len(classes) - stuff :], []
    for _ in range(pictures):
        shape, known = rng.integers(1, 13, 2), rng.permutation(classes)[: rng.integers(1, 6)]
        truth = draw_ids(rng, known, stuff, numbers, shape)
        noise = draw_ids(rng, classes, stuff, numbers, shape)
        predicted = np.where(rng.random(truth.shape) < rng.choice([0, 0.15, 0.4, 1]), noise, truth)
        truth[rng.random(truth.shape) < void] = -1
        predicted[rng.random(predicted.shape) < silent] = -1
        pairs.append((truth, predicted))
    compare_with_torchmetrics(pairs, classes.tolist(), stuff.tolist())


@pytest.mark.parametrize(
    ("truth", "predicted", "counts"),
    [
        ([[-1, -1]], [[-1, -1]], {}),  # nothing on either side
        ([[-1, -1]], [[1000, 2000]], {}),  # everything ignored
        ([[1000, 1001]], [[-1, -1]], {1: (0, 0, 2)}),  # no prediction
        ([[1000, -1]], [[2000, 2000]], {1: (0, 0, 1), 2: (0, 1, 0)}),  # half of it ignored
        ([[1000, -1, -1]], [[2000] * 3], {1: (0, 0, 1)}),  # most of it ignored
        ([[1000, 1000]], [[1000, 2000]], {1: (0, 1, 1), 2: (0, 1, 0)}),  # IoU of exactly a half
        ([[1000, 2000]], [[2000, 1000]], {1: (0, 1, 1), 2: (0, 1, 1)}),  # the same ids, elsewhere
        ([[1000, 1001]], [[1001, 1000]], {1: (2, 0, 0)}),  # numbers are only names
        ([[1000, 1000, 1001]], [[1000] * 3], {1: (1, 0, 1)}),  # one over two
    ],
)
def test_panoptic_edges_equal_torchmetrics(truth, predicted, counts):
    result = compare_with_torchmetrics([(np.array(truth), np.array(predicted))], [1, 2], [2])
    found = {label: (each["tp"], each["fp"], each["fn"])
             for label, each in result["classes"].items()}  # fmt: skip
    assert found == counts


# what comes in

ONE = {"boxes": [[0, 0, 1, 1]], "labels": [1]}
FOUND = {**ONE, "scores": [0.5]}
MASK = {"masks": np.ones((1, 2, 2), bool), "labels": [1]}
HALVES = np.full((1, 1, 2, 2), 0.5)
MAP = mean_average_precision
AP = average_precision


BAD = {
    "match, a row": (lambda: metrics.match_detections([0.5], [1]), "ious", "(1,)", "box_iou("),
    "match, NaN": (lambda: metrics.match_detections([[np.nan]], [1]), "ious", "NaN", "box_iou("),
    "match, boxes": (lambda: metrics.match_detections([[0, 0, 5, 5]], [1]), "ious", "box_iou("),
    "match, counts": (lambda: metrics.match_detections([[0.5]], [1, 2]), "1 boxes and 2 scores"),
    "match, 0": (lambda: metrics.match_detections([[0.5]], [1], 0), "threshold", "above 0"),
    "match, %": (lambda: metrics.match_detections([[0.5]], [1], 50), "threshold", "got 50"),
    "curve, numbers": (lambda: metrics.precision_recall([1], [0], 1), "correct", ">= 0"),
    "curve, counts": (lambda: metrics.precision_recall([1, 2], [True], 1), "1 boxes and 2 scores"),
    "curve, none": (lambda: metrics.precision_recall([1], [True], 0), "truths", "got 0"),
    "curve, few": (lambda: metrics.precision_recall([1, 2], [True] * 2, 1), "truths", "got 1"),
    "area, swapped": (lambda: AP([0.5, 1], [0.5, 0.2]), "recall", "(precision, recall)"),
    "area, %": (lambda: AP([0.5], [50]), "recall", "0 … 1"),
    "area, NaN": (lambda: AP([np.nan], [0.5]), "precision", "NaN", "use precision_recall"),
    "area, lengths": (lambda: AP([0.5], [0.5, 1]), "precision and recall", "(1,) and (2,)"),
    "area, points": (lambda: AP([0.5], [0.5], 1), "points", "got 1"),
    "map, a dict": (lambda: MAP(FOUND, [ONE]), "predictions", "use [predictions]"),
    "map, a target": (lambda: MAP([FOUND], ONE), "targets", "use [targets]"),
    "map, nothing": (lambda: MAP([], []), "predictions", "got []"),
    "map, counts": (lambda: MAP([FOUND], [ONE, ONE]), "1 predictions and 2 targets"),
    "map, no scores": (lambda: MAP([ONE], [ONE]), "predictions[0]", '"scores"', "got only"),
    "map, a list": (lambda: MAP([FOUND], [[1]]), "targets[0]", '"boxes"', "a list"),
    "map, no masks": (lambda: MAP([FOUND], [ONE], kind="masks"), "predictions[0]", '"masks"'),
    "map, kind": (lambda: MAP([FOUND], [ONE], kind="mask"), "kind", "mean 'masks'"),
    "map, one level": (lambda: MAP([FOUND], [ONE], 0.5), "thresholds", "(0.5,)", "got 0.5"),
    "map, labels": (lambda: MAP([{**FOUND, "labels": [1, 2]}], [ONE]), "1 boxes and 2 pred"),
    "map, box": (lambda: MAP([{**FOUND, "boxes": [[5, 5, 2, 2]]}], [ONE]), '["boxes"][0]'),
    "mask, channel": (lambda: metrics.mask_iou(HALVES, []), "(1, 1, 2, 2)", "use a[:, 0] > 0.5"),
    "mask, soft": (lambda: metrics.mask_iou(HALVES[0], []), "a", "float64", "use a > 0.5"),
    "mask, sizes": (lambda: metrics.mask_iou(np.ones((1, 2, 2), bool), np.ones((1, 2, 3), bool)),
                    "(2, 2) and (2, 3)"),
    "counts, shapes": (lambda: segmentation.confusion_matrix([0], [0, 1], 2), "(1,) and (2,)"),
    "counts, floats": (lambda: segmentation.confusion_matrix([0], [0.0], 2), "predicted"),
    "counts, void": (lambda: segmentation.confusion_matrix([255], [0], 2), "truth", "found 255",
                     "truth[known]"),
    "counts, below": (lambda: segmentation.confusion_matrix([0], [-1], 2), "predicted", "found -1"),
    "counts, classes": (lambda: segmentation.confusion_matrix([0], [0], 0), "classes", "got 0"),
    "mean, floats": (lambda: segmentation.mean_iou([[0.5]]), "matrix", "confusion_matrix("),
    "iou, a row": (lambda: segmentation.class_iou([0, 1]), "matrix", "(2,)", "confusion_matrix("),
    "pixels": (lambda: segmentation.pixel_accuracy(np.ones((2, 3), int)), "matrix", "(2, 3)"),
    "pq, shapes": (lambda: panoptic.panoptic_quality([[0]], [[0, 1]]), "(1, 1) and (1, 2)"),
    "pq, a row": (lambda: panoptic.panoptic_quality([0], [0]), "truth", "(H, W)", "(1,)"),
    "pq, nothing": (lambda: panoptic.panoptic_quality([], []), "truth", "(H, W)"),
    "pq, floats": (lambda: panoptic.panoptic_quality([[0.5]], [[1]]), "truth", "float64"),
    "pq, counts": (lambda: panoptic.panoptic_quality([[[0]]] * 2, [[0]]), "2 pictures", "1 pred"),
    "pq, ragged": (lambda: panoptic.panoptic_quality([[0, 1], [0]], [[0]]), "truth", "rectang"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
