"""How good detections are: matching, precision and recall, mean average precision. NumPy only.

Equal to COCO's own evaluation (area "all", no crowds), for boxes and for masks. A picture is a dict
of "labels" (N,) and "boxes" (N, 4) xyxy or "masks" (N, H, W) bool; predictions have "scores" (N,).
"""

import numpy as np

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.argument_checks.regions import as_fraction, as_masks, as_pictures, as_scores
from course_utils.detection.boxes import box_iou
from course_utils.errors import ArgumentError, require_option

COCO_THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).tolist())  # the mean over these is COCO's "AP"
MAX_DETECTIONS = 100  # COCO's maxDets


def mask_iou(a, b):
    """IoU of every mask of a with every mask of b, (N, H, W), (M, H, W) bool → (N, M) float64.

    Two empty masks have 0. Raises ArgumentError.
    """
    a, b = as_masks("a", a), as_masks("b", b)
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    if a.shape[1:] != b.shape[1:]:
        raise ArgumentError(f"masks must be of one size, got {a.shape[1:]} and {b.shape[1:]}")
    a, b = (np.packbits(masks.reshape(len(masks), -1), axis=1) for masks in (a, b))  # 8 a byte
    shared = np.array([np.bitwise_count(b & mask).sum(axis=1, dtype=np.int64) for mask in a])
    areas = [np.bitwise_count(masks).sum(axis=1, dtype=np.int64) for masks in (a, b)]
    union = areas[0][:, None] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)


OVERLAPS = {"boxes": box_iou, "masks": mask_iou}


def match_detections(ious, scores, threshold=0.5):
    """Which truth each detection finds, one picture, one class; (N,) int64, −1 for none.

    ious: (N, M) of N detections with M truths. scores: (N,). threshold: 0 … 1, not 0.
    The best score chooses first, of equal ones the first detection: the truth that it covers most
    among those still free (of equal ones the last), if the IoU reaches the threshold. This is
    COCO's rule; VOC's gives a detection up whose best truth is taken. Raises ArgumentError.
    """
    free = _as_ious(ious)
    scores = as_scores("scores", scores, len(free))
    threshold = _as_threshold(threshold)
    found = np.full(len(free), -1)
    for detection in np.argsort(-scores, kind="stable") if free.size else []:
        row = free[detection]
        best = len(row) - 1 - row[::-1].argmax()
        if row[best] >= threshold:
            found[detection] = best
            free[:, best] = -1
    return found


def precision_recall(scores, correct, truths):
    """Precision and recall of the best 1, 2, … N detections, each (N,) float64.

    scores: (N,), in any order; of equal ones the first comes first. correct: (N,) bool, whether
    it found a truth, `match_detections(…) >= 0`. truths: how many there are to find, from 1.
    Raises ArgumentError.
    """
    given, correct = correct, as_array("correct", correct)
    truths = whole_number("truths", truths, 1)
    if correct.ndim != 1 or (correct.dtype != bool and correct.size):
        fix = f"; use {advice.part('correct', given, ' >= 0')}" if correct.ndim == 1 else ""
        came = f"{correct.shape} {correct.dtype}{fix}"
        raise ArgumentError(f"correct must be (N,) bool, got {came}")
    scores = as_scores("scores", scores, len(correct))
    if np.count_nonzero(correct) > truths:
        raise ArgumentError(f"truths must count all there are to find, got {truths} for more hits")
    hits = np.cumsum(correct[np.argsort(-scores, kind="stable")], dtype=float)
    return hits / np.arange(1, len(hits) + 1), hits / truths


def average_precision(precision, recall, points=None):
    """The area under the curve, after each precision became the best at that recall or above.

    precision, recall: (N,) as `precision_recall` returns them; (0,) gives 0.
    points: None: the whole area (VOC since 2010); 101: the mean at so many recalls from 0 to 1
    (COCO; 11 in VOC before 2010). Raises ArgumentError, also for the two swapped.
    """
    precision, recall = as_array("precision", precision), as_array("recall", recall)
    if precision.ndim != 1 or precision.shape != recall.shape:
        raise ArgumentError(
            f"precision and recall must be (N,) both, got {precision.shape} and {recall.shape}"
        )
    for name, array in (("precision", precision), ("recall", recall)):
        if not ((array >= 0) & (array <= 1)).all():
            raise ArgumentError(f"{name} must be 0 … 1, not NaN; use precision_recall")
    if (np.diff(recall) < 0).any():
        raise ArgumentError("recall must not fall; is it (precision, recall), in this order?")
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if points is None:
        return float(np.diff(recall, prepend=0) @ best)
    grid = np.linspace(0, 1, whole_number("points", points, 2))
    return float(np.append(best, 0)[np.searchsorted(recall, grid)].mean())


def class_average_precision(predictions, targets, thresholds=(0.5,), kind="boxes"):
    """The average precision of each class, a dict of label → (T,) for T thresholds.

    predictions, targets: lists of dicts, one a picture. thresholds: of the IoU. kind: compare
    "boxes" or "masks". The classes are those of the targets; of each picture the 100 best
    detections of a class count, as in COCO. Raises ArgumentError.
    """
    require_option("kind", kind, list(OVERLAPS))
    thresholds = _as_thresholds(thresholds)
    pictures = as_pictures(predictions, targets, kind)
    classes = np.unique(np.concatenate([truth["labels"] for _, truth in pictures])).tolist()
    return {label: _class_precision(pictures, label, thresholds, kind) for label in classes}


def mean_average_precision(predictions, targets, thresholds=(0.5,), kind="boxes"):
    """The mean of `class_average_precision`, which takes the same arguments; COCO's AP.

    Over the classes that a target has, and over thresholds: (0.5,), (0.75,) or COCO_THRESHOLDS.
    NaN without any target. Raises ArgumentError.
    """
    values = list(class_average_precision(predictions, targets, thresholds, kind).values())
    return float(np.mean(values)) if values else float("nan")


def _class_precision(pictures, label, thresholds, kind):
    """AP at each threshold, (T,), of one label over all pictures."""
    scores = [np.empty(0)]
    correct = [np.empty((len(thresholds), 0), bool)]
    truths = 0
    for predicted, truth in pictures:
        found = np.flatnonzero(predicted["labels"] == label)
        best = found[np.argsort(-predicted["scores"][found], kind="stable")[:MAX_DETECTIONS]]
        true = truth["labels"] == label
        truths += int(true.sum())
        if len(best):
            ious = OVERLAPS[kind](predicted[kind][best], truth[kind][true])
            scores.append(predicted["scores"][best])
            matches = [match_detections(ious, scores[-1], threshold) for threshold in thresholds]
            correct.append(np.array(matches) >= 0)
    scores = np.concatenate(scores)
    curves = [precision_recall(scores, row, truths) for row in np.concatenate(correct, axis=1)]
    return np.array([average_precision(*curve, points=101) for curve in curves])


def _as_ious(value):
    """A copy of (N, M) numbers 0 … 1, as float; [] becomes (0, 0)."""
    ious = as_array("ious", value).astype(float)
    ious = ious.reshape(0, 0) if ious.shape == (0,) else ious
    if ious.ndim != 2:
        raise ArgumentError(f"ious must be (N, M), got {ious.shape}; use box_iou(boxes, truth)")
    if not ((ious >= 0) & (ious <= 1 + 1e-6)).all():
        raise ArgumentError("ious must be 0 … 1, not NaN; use box_iou(boxes, truth)")
    return ious


def _as_threshold(value):
    """A threshold that an IoU must reach; a little under 1 for 1, as COCO has it."""
    if (threshold := as_fraction("threshold", value)) == 0:
        raise ArgumentError("threshold must be above 0, or boxes that do not touch would match")
    return min(threshold, 1 - 1e-10)


def _as_thresholds(values):
    if np.ndim(values) != 1 or not len(values):
        raise ArgumentError(f"thresholds must be a list, such as (0.5,), got {values!r}")
    return [_as_threshold(value) for value in values]
