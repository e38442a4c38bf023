"""Exercises of chapter 4 that measure: average precision, mean IoU, panoptic quality."""

import numpy as np

from course_utils.checks.engine import Exercise, mistakes


def _mean(values):
    """The mean; NaN for nothing, without a warning."""
    return np.divide(np.sum(values), len(values))


def _hint_not_a_number(got, wanted, arguments):
    if np.isnan(got).any():
        return "not a number: it divides 0 by 0 (or takes the mean of nothing)"


# average_precision_one
def _curve(correct, truths):
    """Precision and recall of the best 1, 2, … N."""
    hits = np.cumsum(correct)
    return hits / np.arange(1, len(correct) + 1), hits / truths


def _highest(precision):
    return np.maximum.accumulate(precision[::-1])[::-1]


def _average_precision(correct, truths, envelope=_highest):
    return (envelope(_curve(correct, truths)[0]) * correct).sum() / truths


def _at_points(correct, truths, points):
    precision, recall = _curve(correct, truths)
    places = np.searchsorted(recall, np.linspace(0, 1, points))
    return np.append(_highest(precision), 0)[places].mean()


def _average_precision_one_cases(rng):
    cases = [([False, True, True, False, True, False, False, True], 6), ([True, True, False], 2)]
    for count, part, missed in ((12, 0.6, 2), (25, 0.5, 0), (9, 0.3, 5), (40, 0.8, 9), (6, 0.5, 1)):
        correct = (rng.random(count) < part).tolist()
        cases.append((correct, max(sum(correct) + missed, 1)))
    many = rng.random(500) < 0.7
    return cases + [(many.tolist(), 450), ([True] * 4, 4), ([True], 3), ([False] * 5, 2), ([], 3)]


_hint_average_precision_one = mistakes(
    (lambda c, n: _average_precision(c, n, np.array),
     "each precision is to become the best one at its recall *or above*"),
    (lambda c, n: _average_precision(c, n, np.maximum.accumulate),
     "the best precision is looked for at *lower* recalls; look at the higher ones"),
    (lambda c, n: _average_precision(c, max(sum(c), 1)),
     "objects that were not found count too: recall is a part of `truths`"),
    (lambda c, n: _average_precision(c, max(sum(c), 1), np.array),
     "objects that were not found count too, and the precisions lack their envelope"),
    (lambda c, n: 100 * _average_precision(c, n), "that is in percent; 0 … 1 is wanted"),
    (lambda c, n: _at_points(c, n, 11), "that is the mean at 11 recalls; the area is wanted"),
    (lambda c, n: _at_points(c, n, 101), "that is the mean at 101 recalls; the area is wanted"),
    (lambda c, n: _mean(_curve(c, n)[0]), "a mean over the detections: a false one adds no area"),
    (lambda c, n: _highest(_curve(c, n)[0])[1:] @ np.diff(_curve(c, n)[1]),
     "the area begins at recall 0: the first step is missing"),
    (lambda c, n: np.trapezoid(*_curve(c, n)),
     "the area is that under the envelope, which falls in steps"),
    (lambda c, n: _mean(c), "that is one precision, of all detections together"),
    (lambda c, n: sum(c) / n, "that is one recall, of all detections together"),
)  # fmt: skip


# mean_iou_one
def _counts(truth, predicted, classes):
    """Pixels of each class in the truth, in the prediction, and in both; each (classes,)."""
    maps = truth, predicted, np.where(truth == predicted, truth, classes)
    counts = [np.bincount(labels.ravel(), minlength=classes) for labels in maps]
    return [count[:classes].astype(float) for count in counts]


def _mean_iou(truth, predicted, classes, where=np.logical_or, absent=None):
    """where: which classes count, of those that are in the truth, in the prediction."""
    there, said, hits = _counts(truth, predicted, classes)
    values = hits / np.maximum(there + said - hits, 1)
    if absent is not None:
        return _mean(np.where(there + said > 0, values, absent))
    return _mean(values[where(there > 0, said > 0)])


def _mean_iou_one_cases(rng):
    settings = [  # shape, classes, those of the truth, those of the wrong pixels
        ((6, 8), 4, range(4), range(4)), ((7, 5), 9, (0, 3, 4, 8), (0, 3, 4, 8)),
        ((5, 9), 5, (0, 1, 2), (1, 3)), ((9, 4), 6, (1, 2, 5), (5,)), ((3, 3), 2, (0,), (1,)),
        ((8, 8), 3, range(3), range(3)), ((1, 12), 7, (2, 6), (2, 4)), ((4, 4), 1, (0,), (0,)),
    ]  # fmt: skip
    cases = []
    for shape, classes, true, wrong in settings:
        truth = np.array(true)[(len(true) * rng.random(shape) ** 2).astype(int)]  # uneven
        other = rng.choice(wrong, shape)
        truth.flat[: len(true)], other.flat[: len(wrong)] = true, wrong
        keep = rng.random(shape) < 0.6
        keep.flat[: len(true)] = len(true) == classes
        cases.append((truth, np.where(keep, truth, other), classes))
    small = np.array([[0, 0, 1, 5], [2, 0, 2, 0]]), np.array([[0, 0, 3, 3], [2, 0, 0, 0]])
    large = (rng.random((20, 20)) < 0.1).astype(int)  # more than 255 pixels of class 0
    wrong = np.where(rng.random((20, 20)) < 0.2, rng.integers(3, size=(20, 20)), large)
    apart = np.full((2, 3), 1), np.full((2, 3), 2)
    return [cases[0], (*small, 6), *cases[1:], (large, wrong, 4), (*apart, 4)]


def _from_counts(combine):
    """A mistake: `combine` gets the three counts."""
    return lambda truth, predicted, classes: combine(*_counts(truth, predicted, classes))


_hint_mean_iou_one = mistakes(
    (lambda t, p, k: (t == p).mean(), "that is the pixel accuracy: large classes decide it"),
    (lambda t, p, k: _mean_iou(t, p, k, absent=0),
     "a class that is nowhere has no IoU; here it counts as 0"),
    (lambda t, p, k: _mean_iou(t, p, k, absent=1),
     "a class that is nowhere has no IoU; here it counts as 1"),
    (lambda t, p, k: _mean_iou(t, p, k, lambda there, said: there),
     "a class that is only predicted is left out; it is a mistake and counts"),
    (lambda t, p, k: _mean_iou(t, p, k, lambda there, said: said),
     "a class that is only in the truth is left out; it was missed and counts"),
    (lambda t, p, k: _mean_iou(t, p, k, np.logical_and),
     "a class that is only in one of the two maps is left out; it counts"),
    (_from_counts(lambda t, p, h: h.sum() / (t + p - h).sum()),
     "all classes are put together before dividing; each has an IoU of its own"),
    (_from_counts(lambda t, p, h: t @ (h / (t + p - h)) / t.sum()),
     "large classes weigh more here; each class counts the same"),
    (_from_counts(lambda t, p, h: _mean((h / t)[t + p > 0])),
     "that divides by the pixels of the truth, not by the union"),
    (_from_counts(lambda t, p, h: _mean((h / p)[t + p > 0])),
     "that divides by the predicted pixels, not by the union"),
    (_from_counts(lambda t, p, h: _mean((h / (t + p))[t + p > 0])),
     "the union counts the shared pixels twice"),
    (_from_counts(lambda t, p, h: _mean((2 * h / (t + p))[t + p > 0])),
     "that is Dice, not intersection / union"),
    (_from_counts(lambda t, p, h: _mean((h / (t + p - h))[1:])),
     "class 0 is a class like the others: the background counts"),
    (_from_counts(lambda t, p, h: np.sum((h / (t + p - h))[t + p > 0])),
     "that is the sum over the classes, not their mean"),
    (lambda t, p, k: 100 * _mean_iou(t, p, k), "that is in percent; 0 … 1 is wanted"),
)  # fmt: skip


def _hint_one_for_all(got, wanted, arguments):
    if got.ndim == 1:
        return "that is one number a class; their mean is wanted"


# panoptic_quality_one
def _panoptic_quality(ious, truths, predictions, found=lambda ious: ious > 0.5, extra=0.5):
    """found: which pairs match. extra: what a false alarm or a miss weighs."""
    ious = np.array(ious, float)
    matches = found(ious)
    wrong = truths + predictions - 2 * matches.sum()
    return ious[matches].sum() / (matches.sum() + extra * wrong)


def _halves(ious, truths, predictions):
    """SQ and RQ."""
    matches = [iou for iou in ious if iou > 0.5]
    quality = _mean(matches) if matches else 0.0
    return quality, 2 * len(matches) / (truths + predictions)


def _matched(ious):
    """Sum of the matches, their number."""
    return sum(iou for iou in ious if iou > 0.5), sum(iou > 0.5 for iou in ious)


def _panoptic_quality_one_cases(rng):
    cases = []
    settings = [(4, 2, 3), (1, 0, 2), (6, 3, 1), (3, 4, 0), (8, 1, 5), (2, 7, 6), (300, 9, 20)]
    for matches, misses, alarms in settings:
        pairs = [*rng.uniform(0.52, 1, matches), *rng.uniform(0.05, 0.48, min(misses, alarms))]
        ious = [round(float(iou), 2) for iou in rng.permutation(pairs)]
        cases.append((ious, matches + misses, matches + alarms))
    fixed = [([0.5, 0.9, 0.3], 3, 4), ([0.5], 1, 1), ([1.0, 1.0], 2, 2), ([], 3, 2), ([], 0, 1)]
    return cases + fixed


_hint_panoptic_quality_one = mistakes(
    (lambda v, t, p: _panoptic_quality(v, t, p, lambda ious: ious > 0),
     "every pair counts as a match; with an IoU up to 0.5 it is none"),
    (lambda v, t, p: _panoptic_quality(v, t, p, lambda ious: ious >= 0.5),
     "an IoU of exactly 0.5 is no match: two segments could claim the same one"),
    (lambda v, t, p: _halves(v, t, p)[0], "that is SQ, how well the matches fit; RQ is missing"),
    (lambda v, t, p: _halves(v, t, p)[1], "that is RQ, how many were found; SQ is missing"),
    (lambda v, t, p: sum(_halves(v, t, p)), "SQ and RQ are multiplied, not added"),
    (lambda v, t, p: sum(_halves(v, t, p)) / 2, "SQ and RQ are multiplied; that is their mean"),
    (lambda v, t, p: _panoptic_quality(v, t, p, extra=1),
     "a miss and a false alarm weigh one half each"),
    (lambda v, t, p: np.divide(_matched(v)[0], sum(_matched(v)[1:]) + t / 2 + p / 2),
     "the matched segments are counted as missed and as false alarms too"),
    (lambda v, t, p: np.divide(_matched(v)[0], t),
     "false alarms cost nothing here: that divides by the true segments alone"),
    (lambda v, t, p: np.divide(_matched(v)[0], p),
     "misses cost nothing here: that divides by the predicted segments alone"),
    (lambda v, t, p: np.divide(_matched(v)[0], (_matched(v)[1] + t) / 2),
     "predicted segments without a match are missing: false alarms cost too"),
    (lambda v, t, p: np.divide(_matched(v)[0], (_matched(v)[1] + p) / 2),
     "true segments without a match are missing: misses cost too"),
    (lambda v, t, p: np.divide(_matched(v)[0], len(v)) * _halves(v, t, p)[1],
     "SQ is a mean over the matches, not over all pairs"),
    (lambda v, t, p: _mean(v) * _halves(v, t, p)[1],
     "SQ is a mean over the matches, not over all pairs"),
    (lambda v, t, p: 100 * _panoptic_quality(v, t, p), "that is in percent; 0 … 1 is wanted"),
)  # fmt: skip


MEASURES = {
    "average_precision_one": Exercise(
        5, _average_precision, _average_precision_one_cases,
        "none to 500 detections, objects missed",
        [_hint_not_a_number, _hint_average_precision_one], tolerance=1e-4),
    "mean_iou_one": Exercise(
        8, _mean_iou, _mean_iou_one_cases, "1 to 9 classes, some only predicted, some nowhere",
        [_hint_not_a_number, _hint_mean_iou_one, _hint_one_for_all], tolerance=1e-4),
    "panoptic_quality_one": Exercise(
        9, _panoptic_quality, _panoptic_quality_one_cases, "with misses, false alarms, no match",
        [_hint_not_a_number, _hint_panoptic_quality_one], tolerance=1e-4),
}  # fmt: skip
