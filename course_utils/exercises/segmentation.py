"""Exercises of chapter 4 on segmentation: upsampling, mean IoU, panoptic quality."""

import numpy as np

from course_utils.exercises.engine import Exercise, close, mean, mistakes, not_a_number


# transposed_conv_1d
def _transposed_conv_1d(x, kernel, stride, add=np.add):
    """add: what happens where two kernels meet; the later one alone is a mistake."""
    result = np.zeros((len(x) - 1) * stride + len(kernel))
    for i, value in enumerate(x):
        place = slice(i * stride, i * stride + len(kernel))
        result[place] = add(result[place], value * kernel)
    return result


def _transposed_conv_1d_cases(rng):
    sizes = [(5, 3, 2), (4, 2, 2), (6, 5, 2), (3, 4, 1), (4, 2, 4), (1, 4, 3), (5, 1, 3), (7, 4, 3),
             (2, 5, 5), (3, 6, 2)]  # fmt: skip
    return [(rng.normal(size=n), rng.normal(size=k), stride) for n, k, stride in sizes]


def _share(x, kernel, stride):
    """How many inputs reach each output."""
    return _transposed_conv_1d(np.ones(len(x)), np.ones(len(kernel)), stride)


_hint_transposed_conv_1d = mistakes(
    (lambda x, k, s: _transposed_conv_1d(x, k[::-1], s), "the kernel is reversed"),
    (lambda x, k, s: _transposed_conv_1d(x, k, s, lambda old, new: new),
     "where two kernels meet, the later one wipes the earlier one out"),
    (lambda x, k, s: _transposed_conv_1d(x, k, s) / np.maximum(_share(x, k, s), 1),
     "that is the mean where two kernels meet; a transpose adds"),
    (lambda x, k, s: np.convolve(x, k), "the stride has no effect"),
    (lambda x, k, s: np.convolve(np.repeat(x, s), k),
     "each number is repeated; between the numbers there is nothing"),
    (lambda x, k, s: np.correlate(x, k)[::s] if len(k) <= len(x) else np.nan,
     "that is the convolution itself; its transpose makes *more* numbers"),
    (lambda x, k, s: np.outer(x, k), "one row for each input; the rows have yet to be laid down"),
    (lambda x, k, s: np.outer(x, k).ravel(), "kernels are laid side by side, whatever the stride"),
)  # fmt: skip


def _hint_length(got, wanted, arguments):
    if got.ndim == 1 and len(got) < len(wanted) and close(got, wanted[: len(got)]):
        return "the end is cut off: the last input lays down a whole kernel too"
    if got.ndim == 1 and len(got) > len(wanted) and close(got[: len(wanted)], wanted):
        return "too long: the last input lays down a kernel, and after it nothing follows"


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
        return mean(np.where(there + said > 0, values, absent))
    return mean(values[where(there > 0, said > 0)])


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
    (_from_counts(lambda t, p, h: mean((h / t)[t + p > 0])),
     "that divides by the pixels of the truth, not by the union"),
    (_from_counts(lambda t, p, h: mean((h / p)[t + p > 0])),
     "that divides by the predicted pixels, not by the union"),
    (_from_counts(lambda t, p, h: mean((h / (t + p))[t + p > 0])),
     "the union counts the shared pixels twice"),
    (_from_counts(lambda t, p, h: mean((2 * h / (t + p))[t + p > 0])),
     "that is Dice, not intersection / union"),
    (_from_counts(lambda t, p, h: mean((h / (t + p - h))[1:])),
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
    quality = mean(matches) if matches else 0.0
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
    (lambda v, t, p: mean(v) * _halves(v, t, p)[1],
     "SQ is a mean over the matches, not over all pairs"),
    (lambda v, t, p: 100 * _panoptic_quality(v, t, p), "that is in percent; 0 … 1 is wanted"),
)  # fmt: skip


EXERCISES = {
    "transposed_conv_1d": Exercise(
        number=7,
        reference=_transposed_conv_1d,
        cases=_transposed_conv_1d_cases,
        verified="strides 1 to 5, overlaps and gaps",
        hints=[_hint_transposed_conv_1d, _hint_length],
    ),
    "mean_iou_one": Exercise(
        number=8,
        reference=_mean_iou,
        cases=_mean_iou_one_cases,
        verified="1 to 9 classes, some only predicted, some nowhere",
        hints=[not_a_number, _hint_mean_iou_one, _hint_one_for_all],
    ),
    "panoptic_quality_one": Exercise(
        number=9,
        reference=_panoptic_quality,
        cases=_panoptic_quality_one_cases,
        verified="with misses, false alarms, no match",
        hints=[not_a_number, _hint_panoptic_quality_one],
    ),
}
