"""Answers to the exercises of chapter 4: wrong ones with their hints, and other right ones."""

import math
from fractions import Fraction

import numpy as np
import torch
from scipy import signal
from sklearn import metrics
from torchvision import ops

from course_utils.detection.boxes import box_iou

F = torch.nn.functional


def rows(*boxes):
    """(4,) each → float tensors (1, 4)"""
    return [torch.tensor(box)[None].double() for box in boxes]


# box_iou_one
def corners(a, b):
    """x1, y1, x2, y2 of the intersection"""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def cut(a, b, more=0):
    """Area of the intersection, every side cut off at 0."""
    left, top, right, bottom = corners(a, b)
    return max(right - left + more, 0) * max(bottom - top + more, 0)


def uncut(a, b):
    left, top, right, bottom = corners(a, b)
    return (right - left) * (bottom - top)


def area(box, more=0):
    return (box[2] - box[0] + more) * (box[3] - box[1] + more)


def hull(a, b):
    return (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))


def over_union(shared, a, b):
    return shared / np.float64(area(a) + area(b) - shared)


def sides(a, b):
    left, top, right, bottom = corners(a, b)
    return right - left, bottom - top


def half_cut(a, b, *axes):
    """Right, but that only the sides along these axes are cut off at 0."""
    width, height = (max(v, 0) if i in axes else v for i, v in enumerate(sides(a, b)))
    return over_union(width * height, a, b) if area(a) + area(b) else 0


def careful(a, b):
    union = area(a) + area(b) - cut(a, b)
    return cut(a, b) / union if union else 0


# to_cxcywh
def columns(boxes):
    """x1, y1, x2, y2, each (N,)"""
    return boxes.T


def stacked(boxes, formula, axis=1):
    return np.stack(formula(*columns(boxes)), axis=axis)


def filled(boxes):
    """Right, but for whole numbers: the array that is filled has the dtype of the boxes."""
    result = np.empty_like(boxes)
    result[:, :2] = (boxes[:, :2] + boxes[:, 2:]) / 2
    result[:, 2:] = boxes[:, 2:] - boxes[:, :2]
    return result


# answering_cell
def centre(box):
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def cell_of(point, size, cells, whole=math.floor):
    x, y = point
    return min(whole(y * cells / size), cells - 1), min(whole(x * cells / size), cells - 1)


def unlimited(box, size, cells):
    x, y = centre(box)
    return int(y * cells // size), int(x * cells // size)


def by_search(box, size, cells):
    lines = np.arange(1, cells) * size / cells
    return np.searchsorted(lines, centre(box)[::-1], side="right")


def by_lines(box, size, cells):
    """The last line that is not beyond the centre; the lines in exact fractions."""
    lines = [Fraction(size * i, cells) for i in range(cells)]
    return [max(i for i, line in enumerate(lines) if line <= v) for v in centre(box)[::-1]]


EARLY = "too early"
ROUNDED = (  # the centre, with something cut or rounded to whole pixels before it is used
    "[v // 1 for v in centre(b)]", "[round(v) for v in centre(b)]",
    "[math.ceil(v) for v in centre(b)]", "[int(b[0] + b[2]) // 2, int(b[1] + b[3]) // 2]",
    "[(b[0] + b[2]) // 2, (b[1] + b[3]) // 2]", "centre(b.astype(int))", "centre(np.round(b))",
    "centre(np.ceil(b))", "(b[:2] + (b[2:] - b[:2]) // 2)", "(b[:2] // 1 + (b[2:] - b[:2]) / 2)",
    "(b[:2] + (b[2:] - b[:2]).astype(int) / 2)", "(b[2:] - (b[2:] - b[:2]) // 2)",
    "(b[:2] + np.round(b[2:] - b[:2]) / 2)", "[centre(b)[0] // 1, centre(b)[1]]",
    "[centre(b)[0], centre(b)[1] // 1]", "[round(centre(b)[0]), centre(b)[1]]",
    "[centre(b)[0], round(centre(b)[1])]",
)  # fmt: skip


# keep_after_nms
def greedy(boxes, scores, threshold, better=lambda iou, threshold: iou <= threshold):
    order, kept = scores.argsort()[::-1], []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[better(box_iou(boxes[best : best + 1], boxes[rest])[0], threshold)]
    return np.array(kept, int)


def at_once(boxes, scores, threshold):
    """Every box goes that overlaps with any better one, even with one that is gone."""
    order = np.argsort(-scores)
    ious = np.triu(box_iou(boxes[order], boxes[order]), 1)
    return order[~(ious > threshold).any(axis=0)]


def compare_with_kept(boxes, scores, threshold):
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if not kept or box_iou(boxes[[i]], boxes[kept]).max() <= threshold:
            kept.append(i)
    return kept


def while_above_zero(boxes, scores, threshold):
    """Right while every score is above 0."""
    left, kept = scores.copy(), []
    while len(left) and left.max() > 0:
        kept.append(left.argmax())
        left[box_iou(boxes[kept[-1:]], boxes)[0] > threshold] = 0
        left[kept[-1]] = 0
    return np.array(kept, int)


def mask_of(indices, count):
    mask = np.zeros(count, bool)
    mask[indices] = True
    return mask


# average_precision_one
def curve(correct):
    hits = np.cumsum(correct)
    return hits / np.arange(1, len(hits) + 1), hits


def staircase(correct, truths, envelope=True, start=0, dtype=int):
    hits = np.cumsum(correct, dtype=dtype)
    precision = hits / np.arange(1, len(hits) + 1)
    if envelope:
        precision = [max(precision[i:]) for i in range(len(precision))]
    steps = np.diff(hits / truths, prepend=0)
    return float(np.sum((steps * precision)[start:]))


def points(correct, truths, count):
    precision, hits = curve(correct)
    levels = np.linspace(0, 1, count)
    return np.mean([max(precision[hits / truths >= level], default=0) for level in levels])


def slopes(correct, truths, envelope):
    precision, hits = curve(correct)
    if envelope:
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    return np.trapezoid(precision, hits / truths)


def voc(correct, truths):
    """Sentinels at both ends, and the sum over the places where recall changes."""
    hits = np.cumsum(correct)
    recall = np.concatenate([[0], hits / truths, [1]])
    precision = np.concatenate([[0], hits / np.arange(1, len(hits) + 1), [0]])
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return np.sum((recall[steps + 1] - recall[steps]) * precision[steps + 1])


# regression_targets
def middle(box):
    return np.array([box[0] + box[2], box[1] + box[3]]) / 2


def extent(box, more=0):
    return np.array([box[2] - box[0], box[3] - box[1]]) + more


def targets(p, t, unit=None, grow=np.log, place=middle):
    unit = extent(p) if unit is None else unit
    return np.concatenate([(place(t) - place(p)) / unit, grow(extent(t) / extent(p))])


def one_by_one(p, t):
    pw, ph, tw, th = p[2] - p[0], p[3] - p[1], t[2] - t[0], t[3] - t[1]
    tx = (t[0] + t[2] - p[0] - p[2]) / 2 / pw
    ty = (t[1] + t[3] - p[1] - p[3]) / 2 / ph
    return tx, ty, math.log(tw) - math.log(pw), math.log(th) - math.log(ph)


# transposed_conv_1d
def spread(x, stride, tail=0):
    """x with stride − 1 zeros between its numbers, and `tail` after the last."""
    result = np.zeros((len(x) - 1) * stride + 1 + tail)
    result[::stride][: len(x)] = x
    return result


def matrix(count, kernel, stride):
    """The convolution as a matrix: one row an output, and x has as many numbers."""
    rows = np.zeros((count, (count - 1) * stride + len(kernel)))
    for i in range(count):
        rows[i, i * stride : i * stride + len(kernel)] = kernel
    return rows


def overwritten(x, kernel, stride):
    result = np.zeros((len(x) - 1) * stride + len(kernel))
    for i, value in enumerate(x):
        result[i * stride : i * stride + len(kernel)] = value * kernel
    return result


def averaged(x, kernel, stride):
    reached = np.ones(len(x)) @ matrix(len(x), np.ones(len(kernel)), stride)
    return x @ matrix(len(x), kernel, stride) / np.maximum(reached, 1)


# mean_iou_one
def table(truth, predicted, classes):
    """hits, pixels of the truth, of the prediction, union; each (classes,)"""
    labels = np.arange(classes)[:, None]
    there, said = truth.ravel() == labels, predicted.ravel() == labels
    counts = [(there & said), there, said, there | said]
    return [count.sum(axis=1).astype(float) for count in counts]


def over_classes(combine):
    """The mean of combine(hits, truth, prediction, union) over the classes that occur."""

    def answer(truth, predicted, classes):
        counts = table(truth, predicted, classes)
        values = combine(*(count[counts[3] > 0] for count in counts))
        return values.mean()

    return answer


def over_labels(truth, predicted, labels):
    """The mean over some labels of intersection over union."""
    ious = [
        np.sum((truth == label) & (predicted == label))
        / np.sum((truth == label) | (predicted == label))
        for label in labels
    ]
    return sum(ious) / np.float64(len(ious))


def confused(truth, predicted, classes, dtype):
    """By a matrix (truth, prediction) in which each pixel counts."""
    matrix = np.zeros((classes, classes), dtype)
    for a, b in zip(truth.ravel(), predicted.ravel(), strict=True):
        matrix[a, b] += 1
    hits = np.diag(matrix).astype(float)
    union = matrix.sum(0, dtype=float) + matrix.sum(1, dtype=float) - hits
    return (hits[union > 0] / union[union > 0]).mean()


def filled_with(value):
    def answer(truth, predicted, classes):
        hits, _, _, union = table(truth, predicted, classes)
        return np.where(union > 0, hits / union, value).mean()

    return answer


def frequency_weighted(truth, predicted, classes):
    hits, there, _, union = table(truth, predicted, classes)
    return np.nansum(there * hits / union) / there.sum()


# panoptic_quality_one
def totals(ious, limit=0.5):
    """Sum and number of the matches."""
    matches = [iou for iou in ious if iou > limit]
    return np.float64(sum(matches)), len(matches)


def halves(ious, truths, predictions):
    total, tp = totals(ious)
    return total / tp if tp else 0, tp / (tp + (truths - tp) / 2 + (predictions - tp) / 2)


def in_words(ious, truths, predictions):
    tp = sum(np.array(ious) > 0.5)
    false_alarms, missed = predictions - tp, truths - tp
    if not tp:
        return 0
    return np.mean([iou for iou in ious if iou > 0.5]) * tp / (tp + (false_alarms + missed) / 2)


WRONG = {
    "box_iou_one": [
        ("cut", "that is the intersection"),
        ("lambda a, b: cut(a, b) / (area(a) + area(b))", "the shared part twice"),
        ("lambda a, b: 2 * cut(a, b) / (area(a) + area(b))", "that is Dice"),
        ("lambda a, b: cut(a, b) / area(a)", "the part of a"),
        ("lambda a, b: cut(a, b) / area(b)", "the part of b"),
        ("lambda a, b: cut(a, b) / hull(a, b)", "empty corners"),
        ("lambda a, b: over_union(hull(a, b), a, b)", "minimum and maximum are exchanged"),
        ("lambda a, b: cut(a, b, 1) / (area(a, 1) + area(b, 1) - cut(a, b, 1))", "no \\+ 1"),
        ("lambda a, b: over_union(max(uncut(a, b), 0), a, b)", "two negative sides"),
        ("lambda a, b: over_union(uncut(a, b), a, b)", "below 0"),
        ("lambda a, b: over_union(cut(a, b), a, b)", "0 / 0"),
        ("lambda a, b: over_union(abs(uncut(a, b)), a, b)", "is wrong"),
        ("lambda a, b: area(a) / cut(a, b)", "above 1"),
        ("lambda a, b: half_cut(a, b, 0)", "below 0"),
        ("lambda a, b: half_cut(a, b, 1)", "below 0"),
        ("lambda a, b: careful(a, b) * (min(sides(a, b)) > 0.01)", "is wrong"),
    ],
    "to_cxcywh": [
        ("lambda b: ops.box_convert(torch.tensor(b), 'xyxy', 'xywh')", "still the corner"),
        ("lambda b: stacked(b, lambda x, y, r, s: ((x + r) / 2, (y + s) / 2, r, s))", "no size"),
        ("lambda b: stacked(b, lambda x, y, r, s: (x + r, y + s, r - x, s - y))", "twice the"),
        (
            "lambda b: stacked(b, lambda x, y, r, s: ((r - x) / 2, (s - y) / 2, r - x, s - y))",
            "where the box lies",
        ),
        (
            "lambda b: stacked(b, lambda x, y, r, s: (x + r, y + s, r - x, s - y)) / 2",
            "half sizes",
        ),
        (
            "lambda b: stacked(b, lambda x, y, r, s: ((x+r)/2, (y+s)/2, r - x + 1, s - y + 1))",
            "no \\+ 1",
        ),
        ("lambda b: stacked(b, lambda x, y, r, s: ((x+r)/2, (y+s)/2, x - r, y - s))", "below 0"),
        ("lambda b: stacked(b, lambda x, y, r, s: ((y+s)/2, (x+r)/2, s - y, r - x))", "before y"),
        (
            "lambda b: stacked(b, lambda x, y, r, s: ((x+r)/2, (y+s)/2, s - y, r - x))",
            "width comes before",
        ),
        (
            "lambda b: stacked(b, lambda x, y, r, s: (r - x, s - y, (x+r)/2, (y+s)/2))",
            "the centre comes first",
        ),
        ("filled", "a half is lost"),
        ("lambda b: stacked(b, lambda x, y, r, s: (x + r / 2, y + s / 2, r, s))", "not a size"),
        (
            "lambda b: stacked(b, lambda x, y, r, s: ((x+r)/2, (y+s)/2, r - x, s - y), axis=0)",
            "each is a column",
        ),
        ("lambda b: b", "is wrong"),
        ("lambda b: b[:, :2]", "the result's shape is"),
    ],
    "answering_cell": [
        ("lambda b, n, s: cell_of(centre(b), n, s)[::-1]", "the row comes first"),
        ("unlimited", "there is no cell S"),
        ("lambda b, n, s: (centre(b)[1] / n * s, centre(b)[0] / n * s)", "in which cell"),
        ("lambda b, n, s: cell_of(centre(b), n, s, lambda v: math.ceil(v) - 1)", "on a line"),
        ("lambda b, n, s: cell_of(centre(b), n // s * s, s)", "need not be a whole number"),
        ("lambda b, n, s: np.add(cell_of(centre(b), n, s), 1)", "counted from 0"),
        ("lambda b, n, s: cell_of(centre(b), n, s, round)", "nearest line"),
        ("lambda b, n, s: cell_of(b[:2], n, s)", "the first corner"),
        ("lambda b, n, s: cell_of(b[2:], n, s)", "the second corner"),
        ("lambda b, n, s: cell_of(b[:2] + b[2:] / 2, n, s)", "a corner, not a size"),
        ("lambda b, n, s: cell_of((b[2:] - b[:2]) / 2, n, s)", "where the box lies"),
        ("lambda b, n, s: np.dot(cell_of(centre(b), n, s), [s, 1])", "two numbers are wanted"),
        ("lambda b, n, s: (s // 2, s // 2)", "is wrong"),
        *((f"lambda b, n, s: cell_of({place}, n, s)", f"is wrong|{EARLY}") for place in ROUNDED),
        (
            "lambda b, n, s: np.minimum((b[[1, 0]] + b[[3, 2]]) * s // (2 * n), s - 1)",
            "those are floats: they cannot be used as indices",
        ),
        (
            "lambda b, n, s: torch.tensor([*centre(b)[::-1]]).mul(s / n).floor().clamp(max=s - 1)",
            "those are floats: they cannot be used as indices",
        ),
        ("lambda b, n, s: np.uint8([v & 255 for v in cell_of(centre(b), n, s)])", "is wrong"),
    ],
    "keep_after_nms": [
        ("at_once", "a box that is gone"),
        ("lambda b, s, t: greedy(b, s, t, np.less)", "only equals the threshold"),
        ("lambda b, s, t: greedy(b, -s, t)", "\\*lowest\\* score"),
        ("lambda b, s, t: np.argsort(-s)", "nothing goes"),
        ("lambda b, s, t: greedy(b, s, t, np.greater)", "the wrong way round"),
        ("lambda b, s, t: greedy(b, np.arange(len(b), 0, -1), t)", "the scores have no effect"),
        ("lambda b, s, t: greedy(b, s, 0)", "the threshold has no effect"),
        ("lambda b, s, t: [s.argmax()]", "only the best box"),
        ("lambda b, s, t: b[greedy(b, s, t)]", "those are the boxes"),
        ("lambda b, s, t: s[greedy(b, s, t)]", "those are the scores"),
        ("lambda b, s, t: greedy(b[np.argsort(-s)], np.sort(s)[::-1], t)", "in the sorted list"),
        ("lambda b, s, t: mask_of(greedy(b, s, t), len(b))", "that is a mask"),
        ("lambda b, s, t: np.sort(greedy(b, s, t))", "the best comes first"),
        ("lambda b, s, t: greedy(b, s, t)[::-1]", "the best comes first"),
        ("lambda b, s, t: np.flatnonzero(s > t)", "the result's shape is"),
        ("lambda b, s, t: greedy(b, s, t).astype(float)", "cannot be used as indices"),
        ("lambda b, s, t: greedy(b, s, t).astype(np.uint8)", "is wrong"),
        ("while_above_zero", "is wrong|only the best box stays|the result's shape is"),
    ],
    "average_precision_one": [
        ("lambda c, n: staircase(c, n, envelope=False)", "\\*or above\\*"),
        ("lambda c, n: sum(np.maximum.accumulate(curve(c)[0])[np.flatnonzero(c)]) / n", "\\*lower"),
        ("lambda c, n: staircase(c, max(sum(c), 1))", "not found count too: recall"),
        ("lambda c, n: metrics.average_precision_score(c, -np.arange(len(c)))", "lack their env"),
        ("lambda c, n: 100 * staircase(c, n)", "in percent"),
        ("lambda c, n: points(c, n, 11)", "at 11 recalls"),
        ("lambda c, n: points(c, n, 101)", "at 101 recalls"),
        ("lambda c, n: np.mean(curve(c)[0])", "a mean over the detections"),
        ("lambda c, n: staircase(c, n, start=1)", "the first step is missing"),
        ("lambda c, n: slopes(c, n, True)", "the first step is missing"),
        ("lambda c, n: slopes(c, n, False)", "under the envelope"),
        ("lambda c, n: sum(c) / len(c)", "one precision"),
        ("lambda c, n: sum(c) / n", "one recall"),
        ("lambda c, n: staircase(c, n) if any(c) else np.nan", "0 by 0"),
        ("lambda c, n: curve(c)[0]", "the result's shape is"),
        ("lambda c, n: staircase(c, n, dtype=np.uint8)", "is wrong"),
    ],
    "regression_targets": [
        ("lambda p, t: targets(t, p)", "from the proposal to the truth"),
        ("lambda p, t: targets(p, t, 1)", "in pixels"),
        ("lambda p, t: targets(p, t, extent(t))", "sizes of the truth"),
        ("lambda p, t: targets(p, t, extent(p)[::-1])", "to the right is measured in widths"),
        ("lambda p, t: targets(p, t, extent(p)[0])", "in heights, not in widths"),
        ("lambda p, t: targets(p, t, place=lambda box: box[:2])", "between corners"),
        ("lambda p, t: targets(p, t, grow=abs)", "its logarithm is wanted"),
        ("lambda p, t: targets(p, t, grow=lambda g: g - 1)", "in parts of the size"),
        ("lambda p, t: targets(p, t, grow=lambda g: -np.log(g))", "tw and th have the wrong sign"),
        ("lambda p, t: targets(p, t, grow=np.log2)", "the natural one"),
        ("lambda p, t: targets(p, t, grow=np.log10)", "the natural one"),
        ("lambda p, t: targets(p, t, grow=np.log1p)", "log 1 = 0"),
        ("lambda p, t: targets(p, t, -extent(p))", "tx and ty have the wrong sign"),
        ("lambda p, t: targets(p, t).reshape(2, 2).T.ravel()", "the order is"),
        (
            "lambda p, t: targets(p, t, extent(p, 1), lambda g: np.log(extent(t, 1)/extent(p, 1)))",
            "no \\+ 1",
        ),
        ("lambda p, t: t - p", "is wrong"),
    ],
    "transposed_conv_1d": [
        ("lambda x, k, s: np.correlate(spread(x, s), k, 'full')", "the kernel is reversed"),
        ("overwritten", "wipes the earlier one out"),
        ("averaged", "a transpose adds"),
        ("lambda x, k, s: np.convolve(x, k)", "the stride has no effect"),
        ("lambda x, k, s: np.convolve(np.repeat(x, s), k)", "each number is repeated"),
        ("lambda x, k, s: signal.correlate(x, k, 'valid')[::s]", "\\*more\\* numbers"),
        ("lambda x, k, s: x[:, None] * k", "have yet to be laid down"),
        ("lambda x, k, s: np.kron(x, k)", "side by side"),
        ("lambda x, k, s: np.convolve(spread(x, s), k)[: len(x) * s]", "the end is cut off"),
        ("lambda x, k, s: np.convolve(spread(x, s, s - 1), k)", "too long"),
        ("lambda x, k, s: 2 * np.convolve(spread(x, s), k)", "is wrong"),
    ],
    "mean_iou_one": [
        ("lambda t, p, k: metrics.accuracy_score(t.ravel(), p.ravel())", "pixel accuracy"),
        ("filled_with(0)", "here it counts as 0"),
        ("filled_with(1)", "here it counts as 1"),
        ("filled_with(np.nan)", "0 by 0"),
        ("lambda t, p, k: over_labels(t, p, np.unique(t))", "only predicted is left out"),
        ("lambda t, p, k: over_labels(t, p, np.unique(p))", "only in the truth is left out"),
        ("lambda t, p, k: over_labels(t, p, np.intersect1d(t, p))", "only in one of the two"),
        ("lambda t, p, k: (t == p).sum() / table(t, p, k)[3].sum()", "before dividing"),
        ("frequency_weighted", "large classes weigh more"),
        ("over_classes(lambda h, t, p, u: h / t)", "the pixels of the truth"),
        ("over_classes(lambda h, t, p, u: h / p)", "the predicted pixels"),
        ("over_classes(lambda h, t, p, u: h / (t + p))", "the shared pixels twice"),
        ("over_classes(lambda h, t, p, u: 2 * h / (t + p))", "that is Dice"),
        ("lambda t, p, k: over_labels(t, p, range(1, k))", "the background counts"),
        ("over_classes(lambda h, t, p, u: np.sum(h / u, keepdims=True)[0])", "not their mean"),
        ("lambda t, p, k: 100 * over_classes(lambda h, t, p, u: h / u)(t, p, k)", "in percent"),
        ("lambda t, p, k: np.divide(*table(t, p, k)[::3])", "their mean is wanted"),
        ("over_classes(lambda h, t, p, u: h / u.max())", "is wrong"),
        ("lambda t, p, k: confused(t, p, k, np.uint8)", "is wrong|0 by 0"),
    ],
    "panoptic_quality_one": [
        ("lambda v, t, p: 2 * sum(v) / (t + p)", "every pair counts"),
        ("lambda v, t, p: np.mean(v) * halves([1] * len(v), t, p)[1]", "every pair counts"),
        ("lambda v, t, p: 2 * totals(v, 0.4999)[0] / (t + p)", "exactly 0.5"),
        ("lambda v, t, p: halves(v, t, p)[0]", "that is SQ"),
        ("lambda v, t, p: halves(v, t, p)[1]", "that is RQ"),
        ("lambda v, t, p: sum(halves(v, t, p))", "not added"),
        ("lambda v, t, p: np.mean(halves(v, t, p))", "that is their mean"),
        ("lambda v, t, p: totals(v)[0] / (t + p - totals(v)[1])", "one half each"),
        ("lambda v, t, p: totals(v)[0] / (totals(v)[1] + (t + p) / 2)", "counted as missed and"),
        ("lambda v, t, p: totals(v)[0] / t", "false alarms cost nothing"),
        ("lambda v, t, p: totals(v)[0] / p", "misses cost nothing"),
        ("lambda v, t, p: totals(v)[0] / (totals(v)[1] / 2 + t / 2)", "false alarms cost too"),
        ("lambda v, t, p: totals(v)[0] / (totals(v)[1] / 2 + p / 2)", "misses cost too"),
        ("lambda v, t, p: totals(v)[0] / len(v) * halves(v, t, p)[1]", "not over all pairs"),
        ("lambda v, t, p: np.mean(v) * halves(v, t, p)[1]", "not over all pairs"),
        ("lambda v, t, p: 100 * in_words(v, t, p)", "in percent"),
        (
            "lambda v, t, p: totals(v)[0] / np.float64(totals(v)[1]) * halves(v, t, p)[1]",
            "0 by 0",
        ),
        ("lambda v, t, p: halves(v, t, p)", "the result's shape is"),
    ],
}

RIGHT = {
    "box_iou_one": [
        careful,
        lambda a, b: half_cut(a, b, 0, 1),
        lambda a, b: ops.box_iou(*rows(a, b)).nan_to_num()[0, 0],
        lambda a, b: box_iou(a[None], b[None])[0, 0],
        lambda a, b: np.float32(careful(a.astype(np.float32), b.astype(np.float32))),
    ],
    "to_cxcywh": [
        lambda b: stacked(b, lambda x, y, r, s: ((x + r) / 2, (y + s) / 2, r - x, s - y)),
        lambda b: ops.box_convert(torch.tensor(b).float(), "xyxy", "cxcywh"),
        lambda b: b @ np.array([[1, 0, -2, 0], [0, 1, 0, -2], [1, 0, 2, 0], [0, 1, 0, 2]]) / 2,
    ],
    "answering_cell": [
        lambda b, n, s: cell_of(centre(b), n, s),
        by_search,
        lambda b, n, s: torch.tensor([*centre(b)[::-1]]).mul(s / n).long().clamp(max=s - 1),
        lambda b, n, s: np.minimum((b[[1, 0]] + b[[3, 2]]) * s // (2 * n), s - 1).astype(int),
        lambda b, n, s: cell_of(centre(b.astype(np.float32)), n, s),
        by_lines,
    ],
    "keep_after_nms": [
        greedy,
        compare_with_kept,
        lambda b, s, t: ops.nms(torch.tensor(b), torch.tensor(s), t),
        lambda b, s, t: ops.nms(torch.tensor(b).float(), torch.tensor(s).float(), t),
    ],
    "average_precision_one": [
        staircase,
        voc,
        lambda c, n: np.float32(sum(max([*curve(c)[0][i:]]) for i in np.flatnonzero(c)) / n),
    ],
    "regression_targets": [
        targets,
        one_by_one,
        lambda p, t: targets(p.astype(np.float32), t.astype(np.float32)).astype(np.float32),
    ],
    "transposed_conv_1d": [
        lambda x, k, s: np.convolve(spread(x, s), k),
        lambda x, k, s: matrix(len(x), k, s).T @ x,
        lambda x, k, s: signal.upfirdn(k, x, s),
        lambda x, k, s: F.conv_transpose1d(
            torch.tensor(x).float()[None], torch.tensor(k).float()[None, None], stride=s
        )[0],
    ],
    "mean_iou_one": [
        over_classes(lambda h, t, p, u: h / u),
        lambda t, p, k: over_labels(t, p, np.union1d(t, p)),
        lambda t, p, k: confused(t, p, k, np.uint16),
        lambda t, p, k: metrics.jaccard_score(t.ravel(), p.ravel(), average="macro"),
        lambda t, p, k: np.float32(over_classes(lambda h, t, p, u: h / (t + p - h))(t, p, k)),
    ],
    "panoptic_quality_one": [
        in_words,
        lambda v, t, p: math.prod(halves(v, t, p)),
        lambda v, t, p: 2 * totals(v)[0] / (t + p),
        lambda v, t, p: np.float32(F.threshold(torch.tensor(v), 0.5, 0).sum() * 2 / (t + p)),
    ],
}
