"""Exercises of chapter 4 on style transfer: the Gram matrix, the total variation."""

import numpy as np

from course_utils.exercises.engine import Exercise, mistakes

NO_MEAN = "that is the covariance: the mean of each channel is removed"
MIXED = "the reshape mixes channels: a row has to hold all places of *one* channel"


# gram_of_maps
def _rows(features):
    """(C, H, W) → (C, H · W)"""
    return features.reshape(len(features), -1)


def _gram_matrix(features, change=np.array):
    """change: what happens to the rows before they are multiplied."""
    rows = change(_rows(features))
    return rows @ rows.T / rows.shape[1]


def _covariance(features):
    return _gram_matrix(features, lambda rows: rows - rows.mean(axis=1, keepdims=True))


def _gram_matrix_cases(rng):
    shapes = [(4, 3, 5), (2, 6, 3), (5, 2, 2), (3, 1, 8), (1, 4, 3), (6, 5, 4), (3, 7, 1),
              (8, 2, 3), (2, 1, 1)]  # fmt: skip
    cases = [(rng.normal(0.7, 1, shape),) for shape in shapes]
    return cases + [(np.maximum(rng.normal(size=(4, 6, 5)), 0),)]


_hint_gram_matrix = mistakes(
    (lambda x: _gram_matrix(x) * x[0].size,
     "that is the sum over the places: a larger picture would have another style"),
    (lambda x: _gram_matrix(x) / len(x), "that divides by the number of channels too"),
    (lambda x: _gram_matrix(x) * x[0].size / len(x),
     "that divides by the number of channels, not of places"),
    (lambda x: _gram_matrix(x) * x.shape[2], "that divides by H alone"),
    (lambda x: _gram_matrix(x) * x.shape[1], "that divides by W alone"),
    (_covariance, NO_MEAN),
    (lambda x: _covariance(x) * x[0].size / (x[0].size - 1), NO_MEAN),
    (lambda x: _covariance(x) / np.outer(_rows(x).std(axis=1), _rows(x).std(axis=1)),
     "that is the correlation: how strong a channel is counts too"),
    (lambda x: np.outer(_rows(x).mean(axis=1), _rows(x).mean(axis=1)),
     "the product of two means is not the mean of the products"),
    (lambda x: _gram_matrix(x.reshape(-1, len(x)).T), MIXED),
    (lambda x: _gram_matrix(np.moveaxis(x, 0, 2).reshape(x.shape)), MIXED),
    (lambda x: (_rows(x) ** 2).mean(axis=1), "that is each channel with itself alone"),
    (lambda x: np.diag((_rows(x) ** 2).mean(axis=1)), "that is each channel with itself alone"),
)  # fmt: skip


def _hint_gram_shape(got, wanted, arguments):
    channels, height, width = arguments[0].shape
    if got.shape == (height * width,) * 2:
        return "that compares places with places; channels are to be compared with channels"
    if got.ndim == 3 and len(got) == channels:
        return "that multiplies each channel with itself alone"


# total_variation
def _total_variation(image, size=lambda steps: np.abs(steps).mean(), axes=(1, 0)):
    """size: what is taken of the steps along an axis."""
    return sum(size(np.diff(image.astype(float), axis=axis)) for axis in axes)


def _total_variation_cases(rng):
    pictures = [rng.random((4, 7, 3)), rng.random((6, 3, 3)) - 0.5]  # no uint8 before them
    for height, width in ((5, 8), (9, 4), (2, 2), (3, 6)):
        pictures.append(rng.integers(0, 256, (height, width, 3)).astype(np.uint8))
    dark = np.zeros((6, 5, 3), np.uint8)
    dark[1::2] = 255
    pictures += [dark, np.full((3, 4, 3), 200, np.uint8), rng.uniform(0, 255, (7, 5, 3))]
    return [(picture,) for picture in pictures]


_hint_total_variation = mistakes(
    (lambda x: _total_variation(x, lambda steps: (steps**2).mean()),
     "those are squares; absolute differences are wanted"),
    (lambda x: _total_variation(x, lambda steps: np.abs(steps).sum()), "those are sums, not means"),
    (lambda x: _total_variation(x, axes=(1,)), "the neighbours below are missing"),
    (lambda x: _total_variation(x, axes=(0,)), "the neighbours to the right are missing"),
    (lambda x: _total_variation(x) / 2, "that is half of it: the two means are added"),
    (lambda x: np.abs(np.r_[np.diff(x, axis=0).ravel(), np.diff(x, axis=1).ravel()]).mean(),
     "that is one mean over all pairs; each direction has a mean of its own"),
    (lambda x: _total_variation(x, axes=(2,)),
     "those are differences between the channels of one pixel"),
    (lambda x: _total_variation(x, axes=(0, 1, 2)),
     "differences between the channels of one pixel are added"),
    (lambda x: _total_variation(x, axes=(1, 2)),
     "axis 2 is the channel: those are no neighbours"),
    (lambda x: sum(np.abs(x - np.roll(x, 1, axis)).mean() for axis in (0, 1)),
     "the borders are wrong: the first row is no neighbour of the last"),
    (lambda x: _total_variation(x, np.mean), "differences up and down cancel: the sign has to go"),
    (lambda x: _total_variation(x, lambda steps: np.abs(steps.mean())),
     "the sign has to go *before* the mean: differences up and down cancel"),
    (lambda x: _total_variation(x, lambda steps: np.abs(steps).sum() / x.size),
     "that divides by the pixels; W of them in a row are only W − 1 pairs"),
    (lambda x: 3 * _total_variation(x), "the channels are added up; the mean is over them too"),
    (lambda x: _total_variation(x.mean(axis=2)),
     "the colours are made gray first: differences between them are lost"),
    (lambda x: _total_variation(x) / 255, "that divides by 255; the numbers stay as they are"),
    (lambda x: np.hypot(np.diff(x, axis=1)[:-1], np.diff(x, axis=0)[:, :-1]).mean(),
     "that is the length of both steps together; the two are added"),
    (lambda x: _total_variation(x.astype(int)), "parts of 1 are cut off: a picture may be float"),
)  # fmt: skip


def _hint_wraps(got, wanted, arguments):
    if got.shape in ((2,), (3,)):
        return f"those are {got.size} numbers; one is wanted"
    if arguments[0].dtype == np.uint8 and got.shape == ():  # the cases before are float
        return "right for floats, wrong for uint8: what is 3 − 5 there? It wraps around"


EXERCISES = {
    "gram_of_maps": Exercise(
        number=12,
        reference=_gram_matrix,
        cases=_gram_matrix_cases,
        verified="1 to 8 channels, maps from 1 × 1 to 6 × 5",
        hints=[_hint_gram_matrix, _hint_gram_shape],
    ),
    "total_variation": Exercise(
        number=13,
        reference=_total_variation,
        cases=_total_variation_cases,
        verified="uint8 and float, stripes, one colour",
        hints=[_hint_total_variation, _hint_wraps],
    ),
}
