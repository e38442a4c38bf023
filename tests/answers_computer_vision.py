"""Answers to the exercises of chapter 4: wrong ones with their hints, and other right ones."""

import math
from fractions import Fraction

import numpy as np
import torch
from scipy import signal
from sklearn import metrics
from torchvision import ops

F = torch.nn.functional


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


# average_precision_one
def ranked(function):
    """From a function of the detections in order to one of their scores and of each one."""
    return lambda s, c, n: function([c[i] for i in np.argsort(s)[::-1]], n)


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


WRONG = {
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
    "average_precision_one": [
        ("ranked(lambda c, n: staircase(c, n, envelope=False))", "\\*or above\\*"),
        (
            "ranked(lambda c, n: sum(np.maximum.accumulate(curve(c)[0])[np.flatnonzero(c)]) / n)",
            "\\*lower",
        ),
        ("ranked(lambda c, n: staircase(c, max(sum(c), 1)))", "not found count too: recall"),
        ("lambda s, c, n: c[np.argsort(-s)]", "`correct` is a list"),
        (
            "lambda s, c, n: staircase(np.array(c, bool)[sorted(range(len(s)), key=lambda i: -s[i])"
            " if len(s) else np.array([])], n)",
            "without a detection the list is empty",
        ),
        (
            "ranked(lambda c, n: metrics.average_precision_score(c, -np.arange(len(c))))",
            "lack their env",
        ),
        ("ranked(lambda c, n: 100 * staircase(c, n))", "in percent"),
        ("ranked(lambda c, n: points(c, n, 11))", "at 11 recalls"),
        ("ranked(lambda c, n: points(c, n, 101))", "at 101 recalls"),
        ("ranked(lambda c, n: np.mean(curve(c)[0]))", "a mean over the detections"),
        ("ranked(lambda c, n: staircase(c, n, start=1))", "the first step is missing"),
        ("ranked(lambda c, n: slopes(c, n, True))", "the first step is missing"),
        ("ranked(lambda c, n: slopes(c, n, False))", "under the envelope"),
        ("ranked(lambda c, n: sum(c) / len(c))", "one precision"),
        ("ranked(lambda c, n: sum(c) / n)", "one recall"),
        ("ranked(lambda c, n: staircase(c, n) if any(c) else np.nan)", "0 by 0"),
        ("ranked(lambda c, n: curve(c)[0])", "the result's shape is"),
        ("ranked(lambda c, n: staircase(c, n, dtype=np.uint8))", "is wrong"),
        ("lambda s, c, n: staircase(c, n)", "in which they came"),
        ("lambda s, c, n: staircase([c[i] for i in np.argsort(s)], n)", "the lowest score"),
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
        ("lambda p, t: np.append(targets(p, t)[:2] * 2, targets(p, t)[2:])", "twice too large"),
        ("lambda p, t: targets(p, t) * [10, 10, 5, 5]", "by 10 and by 5"),
        ("lambda p, t: np.append((t - p)[:2] / p[2:], np.log(t[2:] / p[2:]))", "centre and size"),
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
}

RIGHT = {
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
    "average_precision_one": [
        ranked(staircase),
        ranked(voc),
        ranked(
            lambda c, n: np.float32(sum(max([*curve(c)[0][i:]]) for i in np.flatnonzero(c)) / n)
        ),
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
}
