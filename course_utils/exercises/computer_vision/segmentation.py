"""Exercises of chapter 4 on segmentation: mean IoU, upsampling."""

import numpy as np

from course_utils.data import load_photo
from course_utils.exercises.engine import Exercise, close, mean, mistakes, not_a_number
from course_utils.figures import show_row
from course_utils.segmentation.upsampling import max_pool2d_with_indices


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
    whole = np.array([[0, 0, 1, 1], [2, 2, 2, 0]]), np.array([[0, 1, 1, 1], [2, 2, 1, 0]])
    return [(*whole, 3), (*small, 6), *cases, (large, wrong, 4), (*apart, 4)]


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


# unpool
def _unpool(pooled, places, shape, order="C"):
    """order: how the places count through the map; "F", column by column, is a mistake."""
    result = np.zeros(int(np.prod(shape)))
    result[places.ravel()] = pooled.ravel()
    return result.reshape(shape, order=order)


def _corners(values, shape):
    """A mistake: the places do not matter; each value goes to its window's first pixel."""
    result = np.zeros(shape)
    window = min(shape[0] // len(values), shape[1] // values.shape[1])
    rows, columns = (np.arange(count) * window for count in values.shape)
    result[np.ix_(rows, columns)] = values
    return result


def _enlarged(values, shape):
    """A mistake: each value fills its window."""
    window = min(shape[0] // len(values), shape[1] // values.shape[1])
    large = np.kron(values, np.ones((window, window)))
    return np.pad(large, [(0, side - have) for side, have in zip(shape, large.shape, strict=True)])


def _wrong_width(pooled, places, shape):
    """A mistake: a row is taken to be as long as the map is high."""
    result = np.zeros(shape)
    result[places // shape[0] % shape[0], places % shape[0] % shape[1]] = pooled
    return result


def _pooled(x, window):
    values, places = max_pool2d_with_indices(x[None, None], window)
    return values[0, 0], places[0, 0]


def _unpool_cases(rng):
    small = np.array([[1.0, 5, 2, 0, 3, 6], [3, 2, 4, 1, 9, 7]])
    sizes = [(6, 8, 2), (4, 10, 2), (9, 6, 3), (2, 4, 2), (7, 9, 2), (5, 12, 4), (8, 3, 1),
             (20, 35, 5)]  # fmt: skip
    maps = [(small, 2), *((rng.normal(size=(h, w)), window) for h, w, window in sizes)]
    return [(*_pooled(x, window), x.shape) for x, window in maps]


_hint_unpool = mistakes(
    (lambda v, p, s: _unpool(v, p, s, "F"), "the places count row by row, not column by column"),
    (_wrong_width, "a row of the large map has as many pixels as the map is *wide*"),
    (lambda v, p, s: _corners(v, s),
     "each value stands in the corner of its window; `places` says where it was"),
    (lambda v, p, s: _enlarged(v, s), "each value fills its window; all but one place stay 0"),
    (lambda v, p, s: _unpool(p, p, s), "those are the places themselves; the values go there"),
    (lambda v, p, s: _unpool(v, p, s).ravel(), "that is one long row; `shape` says what is wanted"),
    (lambda v, p, s: _unpool(v[::-1, ::-1], p, s), "the values come in another order than places"),
)  # fmt: skip


def _look_at_unpool(answer):
    """A photo, pooled by windows of 4 × 4 and unpooled with the student's function."""
    photo = load_photo("cat", 96).mean(axis=2)
    pooled, places = _pooled(photo, 4)
    back = np.asarray(answer(pooled, places, photo.shape), float)
    pictures = {"photo": photo, "pooled": pooled, "unpooled": back}
    pictures = {name: np.clip(x, 0, 255).astype(np.uint8) for name, x in pictures.items()}
    show_row(pictures, photo=True, width=8)


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
    cases = [(rng.normal(size=n), rng.normal(size=k), stride) for n, k, stride in sizes]
    return [(np.array([1.0, 2, 4, 7]), np.array([1.0, 3, 5]), 2), *cases]


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


EXERCISES = {
    "mean_iou_one": Exercise(
        reference=_mean_iou,
        cases=_mean_iou_one_cases,
        verified="1 to 9 classes, some only predicted, some nowhere",
        hints=[not_a_number, _hint_mean_iou_one, _hint_one_for_all],
        level=2,
        minutes=8,
        steps=(
            "Work on one class at a time: two maps of True and False, one of the truth and one of "
            "the prediction, have an intersection and a union.",
            "Where the union of a class has no pixel, the class is nowhere: its IoU is not "
            "computed, and it takes no part in the mean.",
        ),
    ),
    "unpool": Exercise(
        reference=_unpool,
        cases=_unpool_cases,
        verified="windows of 1 to 5 pixels, some with a rest at the border",
        hints=[_hint_unpool],
        errors={"out of bounds": "the places count through the whole large map, row by row"},
        minutes=5,
        look=_look_at_unpool,
        steps=(
            "Every number of the result is 0 but those that `places` names: begin with zeros.",
            "`places` has one number for each pixel, not a row and a column. So let the result be "
            "one long row first, and give it its shape at the end.",
        ),
    ),
    "transposed_conv_1d": Exercise(
        reference=_transposed_conv_1d,
        cases=_transposed_conv_1d_cases,
        verified="strides 1 to 5, overlaps and gaps",
        hints=[_hint_transposed_conv_1d, _hint_length],
        level=2,
        minutes=8,
        steps=(
            "How long is the result? The last kernel begins at (N − 1) · stride and needs K "
            "places. Begin with that many zeros.",
            "For input number i, a slice of K places of the result changes. Where two slices "
            "meet, both have to be seen in the sum.",
        ),
    ),
}
