"""Boxes: formats, overlap, non-maximum suppression, regression targets (chapter 4). NumPy only.

A box is (x1, y1, x2, y2) in pixels, edges and not pixel numbers: its width is x2 − x1, without + 1.
float32 and float64 are kept; other numbers become float64. No boxes are (0, 4), or [].
"""

import numpy as np

from course_utils.argument_checks.regions import (
    FARTHEST,
    as_boxes,
    as_classes,
    as_fraction,
    as_rows_of_four,
    as_scores,
    refuse_rows,
    require_area,
)
from course_utils.errors import ArgumentError, require_option

FORMATS = ("xyxy", "xywh", "cxcywh")  # two corners; corner and size; centre and size


def convert_boxes(boxes, given, wanted):
    """The same boxes in another format; a new array.

    boxes: (N, 4). given, wanted: "xyxy", "xywh" (corner and size) or "cxcywh" (centre and size).
    Raises ArgumentError for another format, and for boxes that are none in the given one.
    """
    require_option("given", given, FORMATS)
    require_option("wanted", wanted, FORMATS)
    first, second = np.split(as_boxes("boxes", boxes, given), 2, axis=1)
    if given == wanted:
        return np.hstack([first, second])
    if given == "xywh":
        second = first + second
    elif given == "cxcywh":
        first, second = first - 0.5 * second, first + 0.5 * second
    if wanted == "xyxy":
        return np.hstack([first, second])
    start = first if wanted == "xywh" else (first + second) / 2
    return np.hstack([start, second - first])


def box_iou(a, b):
    """Intersection over union of every box of a with every box of b, (N, 4), (M, 4) → (N, M).

    0 … 1; two boxes without area have 0. Raises ArgumentError for what is no box.
    """
    shared, union, _ = _overlap(as_boxes("a", a), as_boxes("b", b))
    return _ratio(shared, union)


def generalized_box_iou(a, b):
    """IoU minus the empty part of the smallest box around both, (N, 4), (M, 4) → (N, M).

    −1 … 1, below 0 where boxes lie apart (arXiv:1902.09630); 0 where that box has no area.
    Raises ArgumentError for what is no box.
    """
    shared, union, around = _overlap(as_boxes("a", a), as_boxes("b", b))
    return _ratio(shared, union) - _ratio(around - union, around)


def nms(boxes, scores, threshold):
    """Non-maximum suppression: the indices of the kept boxes, best first, (K,) int64.

    boxes: (N, 4). scores: (N,); of equal ones the first box comes first. threshold: 0 … 1; a box
    is suppressed when its IoU with a kept better one is greater. Raises ArgumentError.
    """
    boxes = as_boxes("boxes", boxes)
    scores = as_scores("scores", scores, len(boxes))
    return _nms(boxes, scores, as_fraction("threshold", threshold))


def _nms(boxes, scores, threshold):
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        shared, union, _ = _overlap(boxes[best, None], boxes[order])
        order = order[_ratio(shared, union)[0] <= threshold]
    return np.array(kept, np.int64)


def batched_nms(boxes, scores, labels, threshold):
    """`nms` in which only boxes of the same label suppress each other; indices, best first.

    boxes: (N, 4). scores: (N,). labels: (N,) whole numbers. threshold: 0 … 1. Raises ArgumentError.
    """
    boxes = as_boxes("boxes", boxes)
    threshold = as_fraction("threshold", threshold)
    scores = as_scores("scores", scores, len(boxes))
    labels = as_classes("labels", labels, len(boxes))
    kept = np.zeros(len(boxes), bool)
    for label in np.unique(labels):
        same = np.flatnonzero(labels == label)
        kept[same[_nms(boxes[same], scores[same], threshold)]] = True
    order = np.argsort(-scores, kind="stable")
    return order[kept[order]]


def encode_boxes(proposals, truth):
    """The regression targets that turn each proposal into its truth (arXiv:1311.2524, C).

    Both (N, 4), row by row. Returns (N, 4): tx, ty, the offset between the centres in widths and
    heights of the proposal; tw, th, the logarithm of the growth. Raises ArgumentError, also for
    a box without area, whose logarithm does not exist.
    """
    centre, size = _centre_and_size("proposals", proposals)
    true_centre, true_size = _centre_and_size("truth", truth)
    _check_same_count(centre, "truth", true_centre)
    return np.hstack([(true_centre - centre) / size, np.log(true_size / size)])


def decode_boxes(proposals, deltas):
    """The boxes that the proposals become, xyxy: the reverse of `encode_boxes`.

    proposals: (N, 4). deltas: (N, 4), tx, ty, tw, th. Raises ArgumentError, also where a box
    grows beyond every picture.
    """
    centre, size = _centre_and_size("proposals", proposals)
    deltas = as_rows_of_four("deltas", deltas)
    _check_same_count(centre, "deltas", deltas)
    with np.errstate(over="ignore"):
        centre = centre + deltas[:, :2] * size
        size = size * np.exp(deltas[:, 2:])
        far = np.maximum(np.abs(centre), size).max(axis=1) > FARTHEST
    clip = "must keep every box within ±1e15; cut tw and th off, say at np.log(1000 / 16)"
    refuse_rows(far, "deltas", deltas, clip)
    return np.hstack([centre - 0.5 * size, centre + 0.5 * size])


def _area(boxes):
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _overlap(a, b):
    """Areas of intersection, union and the smallest box around both, each (N, M)."""
    a, b = a[:, None], b[None]
    inside = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    shared = np.maximum(inside, 0).prod(axis=-1)
    return shared, _area(a[:, 0])[:, None] + _area(b[0]) - shared, around.prod(axis=-1)


def _ratio(part, whole):
    """part / whole, and 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _centre_and_size(name, value):
    """Centres and sizes, each (N, 2), of boxes that all have an area."""
    boxes = as_boxes(name, value)
    require_area(name, boxes)
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + 0.5 * size, size


def _check_same_count(proposals, name, rows):
    if len(rows) != len(proposals):
        raise ArgumentError(f"there are {len(proposals)} proposals and {len(rows)} {name}")
