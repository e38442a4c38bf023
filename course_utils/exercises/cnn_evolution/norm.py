"""Exercises of chapter 3: batch normalisation and dropout (3.4, 3.4b)."""

import numpy as np

from course_utils.exercises.engine import Exercise, close, mistakes, one_for_each

EPS = 1e-5
OUTSIDE = "eps belongs to the variance, under the root"
NO_ROOT = "that divides by the variance; the deviation is its root"
MIXED = "the channels are mixed: each has a mean and a variance of its own"
BROADCAST = {
    "could not be broadcast": "a vector (C,) meets the last axis, the columns; where do the "
    "channels stand, and how does a vector get two more axes?"
}


# batch_norm_train and batch_norm_eval
def _scaled(z, gamma, beta):
    return gamma[:, None, None] * z + beta[:, None, None]


def _by_batch(x, axes=(0, 2, 3), ddof=0, eps=EPS, outside=0):
    deviation = np.sqrt(x.var(axes, keepdims=True, ddof=ddof) + eps) + outside
    return (x - x.mean(axes, keepdims=True)) / deviation


def _by_running(x, mean, variance, eps=EPS, outside=0):
    return (x - mean[:, None, None]) / (np.sqrt(variance + eps) + outside)[:, None, None]


def _by_columns(z, gamma, beta):
    """As 3.4 has it for features: the last axis is scaled; NaN where that does not fit."""
    try:
        return gamma * z + beta
    except ValueError:
        return np.nan


def _running_by_columns(x, mean, variance, gamma, beta):
    """3.4's function itself, given maps; NaN where their last axis has another length."""
    if x.shape[-1] != len(mean):
        return np.nan
    return gamma * (x - mean) / np.sqrt(variance + EPS) + beta


def _batches(rng):
    """Eleven of (x, γ, β): few values each; in the last two a channel hardly varies, or not."""
    first = np.array([[[[1.0, 3]], [[0, 2]], [[7, 4]]], [[[8, 2]], [[2, 9]], [[6, 0]]]])
    drawn = [(first, np.array([2.0, 3, 1]), np.array([1.0, 5, 0]))]  # (2, 3, 1, 2)
    sizes = [(5, 3, 2, 4), (2, 2, 1, 1), (1, 3, 2, 2), (3, 2, 1, 2), (2, 4, 3, 1), (5, 1, 1, 2),
             (1, 2, 3, 3), (3, 5, 2, 2), (3, 2, 2, 3), (2, 3, 2, 2)]  # fmt: skip
    for size in sizes:
        channels = (size[1], 1, 1)
        x = rng.normal(size=size) * rng.uniform(0.5, 3, channels) + rng.normal(size=channels) * 2
        drawn.append((x, rng.uniform(0.5, 2, size[1]), rng.normal(size=size[1])))
    drawn[-2][0][:, 0] = 0
    drawn[-1][0][:, 0] = rng.normal(size=(2, 2, 2)) * 0.003
    return drawn


def _batches_and_running(rng):
    cases = []
    for x, gamma, beta in _batches(rng):
        mean, variance = rng.normal(size=len(gamma)), rng.uniform(1, 5, len(gamma))
        cases.append((x, mean, variance, gamma, beta))
    cases[0] = (cases[0][0], np.array([4.0, 2, 1]), np.array([9.0, 4, 16]), *cases[0][3:])
    for place, variance in ((-2, 0), (-1, 1e-5)):
        cases[place][1][0], cases[place][2][0] = 0, variance
    return cases


_hint_batch_norm_train = mistakes(
    (lambda x, g, b: _by_columns(_by_batch(x, 0), g, b),
     "that is 3.4's function for features: each *pixel* has a mean, and γ and β meet the columns"),
    (lambda x, g, b: _scaled(_by_batch(x, 0), g, b),
     "each *pixel* has its own mean here; a channel has one for all places"),
    (lambda x, g, b: _scaled(_by_batch(x, (2, 3)), g, b),
     "each *picture* has its own mean here; a channel has one for the whole batch"),
    (lambda x, g, b: _scaled(_by_batch(x, (1, 2, 3)), g, b), MIXED),
    (lambda x, g, b: _scaled(_by_batch(x, None), g, b), MIXED),
    (lambda x, g, b: _scaled(_by_batch(x, ddof=1), g, b),
     "the variance divides by the number of values, not by one less"),
    (lambda x, g, b: _scaled(_by_batch(x, eps=0, outside=EPS), g, b), OUTSIDE),
    (lambda x, g, b: _scaled(_by_batch(x) / np.sqrt(x.var((0, 2, 3), keepdims=True) + EPS), g, b),
     NO_ROOT),
)  # fmt: skip

_hint_batch_norm_eval = mistakes(
    (_running_by_columns, "all four meet the last axis, the columns; they belong to the channels"),
    (lambda x, m, v, g, b: _scaled(_by_batch(x), g, b),
     "these are the mean and variance of the batch; the running ones are wanted"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, x.mean((0, 2, 3)), v), g, b),
     "that is the mean of the batch, with the running variance"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, x.var((0, 2, 3))), g, b),
     "that is the variance of the batch, with the running mean"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, 0 * m, v), g, b), "the mean is not subtracted"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, v, eps=0), g, b), "eps is missing"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, v, eps=0, outside=EPS), g, b), OUTSIDE),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, (v + EPS)**2 - EPS), g, b), NO_ROOT),
)  # fmt: skip


def _hint_scale(got, wanted, arguments):
    *_, gamma, beta = arguments
    if not np.isfinite(got).all():
        return "a division by 0: a channel of equal values has variance 0, and eps is for that"
    scale, offset = gamma[:, None, None], beta[:, None, None]
    z = (wanted - offset) / scale
    for mistake, said in (
        (scale * z, "β is missing"),
        (z + offset, "γ is missing: each channel has its own scale"),
        (z, "γ and β are missing"),
        (scale * (z + offset), "γ scales what is normalised, and not β"),
    ):
        if close(got, mistake):
            return said
    if close(got, _by_columns(z, gamma, beta)):
        return "γ and β meet the last axis, the columns; they belong to the channels"


# batch_norm_backward
def _batch_norm_backward(gradient, x, gamma, mean=True, variance=True, average=np.mean, eps=EPS,
                         ddof=0):  # fmt: skip
    """mean, variance: whether the paths through them count; the rest is how they are computed."""
    deviation = np.sqrt(x.var(axis=0, ddof=ddof) + eps)
    normed = (x - x.mean(axis=0)) / deviation
    through_mean = average(gradient, axis=0) if mean else 0
    through_variance = normed * average(gradient * normed, axis=0) if variance else 0
    return gamma / deviation * (gradient - through_mean - through_variance)


def _batch_norm_backward_cases(rng):
    """Eleven of (gradient, x, γ); in the last two a feature varies hardly, or not at all."""
    cases = []
    one = np.array([[1.0, 2], [3, 0], [5, 7], [7, 4]])
    cases.append((np.array([[1.0, 2], [0, 1], [0, 0], [0, 3]]), one, np.array([1.0, 2])))
    for size in [(4, 3), (5, 2), (2, 4), (8, 1), (3, 3), (6, 5), (2, 1), (7, 4), (5, 3), (4, 2)]:
        features = size[1]
        x = rng.normal(size=size) * rng.uniform(0.5, 3, features) + rng.normal(size=features) * 2
        cases.append((rng.normal(size=size), x, rng.uniform(0.5, 2, features)))
    cases[-2][1][:, 0] *= 0.003
    cases[-1][1][:, 0] = 2
    return cases


_hint_batch_norm_backward = mistakes(
    (lambda g, x, c: _batch_norm_backward(g, x, c, mean=False, variance=False),
     "mean and variance are treated as constants; they depend on every x of the feature"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, variance=False),
     "the path through the variance is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, mean=False),
     "the path through the mean is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, average=np.sum),
     "each path has a factor 1/N: means belong where sums stand"),
    (lambda g, x, c: _batch_norm_backward(g, x, 1), "γ is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, eps=0), "eps is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, ddof=1),
     "the variance divides by the number of values, not by one less"),
    (lambda g, x, c: _batch_norm_backward(g, x, c) / np.sqrt(x.var(axis=0) + EPS), NO_ROOT),
    (lambda g, x, c: _batch_norm_backward(g.T, x.T, 1).T * c,
     "the features are mixed: mean and variance run over the pictures, axis 0"),
    (lambda g, x, c: (g * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPS)).sum(axis=0),
     "that is the gradient of γ; the one of x is asked for"),
)  # fmt: skip


# dropout_channels
def _drop_channels(x, draws, p, keeps=np.greater_equal, share=None):
    """share: what is divided by."""
    share = 1 - p if share is None else share
    return x * keeps(draws, p)[:, :, None, None] / share


def _dropout_cases(rng):
    first = np.array([[[[1.0, 2, 3]], [[4, 5, 6]]]])  # (1, 2, 1, 3)
    cases = [(first, np.array([[0.9, 0.2]]), 0.5)]
    settings = [(2, 3, 1, 4, 0.25), (3, 2, 4, 1, 0.5), (1, 5, 2, 3, 0.75), (4, 3, 3, 2, 0.2),
                (2, 4, 2, 5, 0.0), (5, 6, 1, 2, 0.9), (3, 8, 4, 3, 0.3), (6, 2, 3, 4, 0.6),
                ]  # fmt: skip
    for n, c, h, w, p in settings:
        x = rng.normal(size=(n, c, h, w)) * 2 + 1
        draws = rng.random((n, c))
        draws[0, :2] = p, p / 2  # one that is just kept, one that is not (for p = 0: kept)
        cases.append((x, draws, p))
    return cases


_hint_dropout = mistakes(
    (lambda x, d, p: _drop_channels(x, d, p, share=1), "what stays has to be larger: the mean"
     " over many draws is to be that of x"),
    (lambda x, d, p: _drop_channels(x, d, p, share=1 / (1 - p)),
     "what stays becomes smaller here; it has to become larger"),
    (lambda x, d, p: _drop_channels(x, d, p, share=p or np.nan),
     "that divides by the share that is *dropped*"),
    (lambda x, d, p: _drop_channels(x, d, p, np.less),
     "what should stay is dropped, and the other way round"),
    (lambda x, d, p: _drop_channels(x, d, p, np.greater), "a draw of exactly p is kept"),
    (lambda x, d, p: x, "that is evaluation mode: nothing is dropped"),
    (lambda x, d, p: _drop_channels(x, np.repeat(d[:1], len(x), axis=0), p),
     "each picture has coins of its own; here the first one's count for all"),
)  # fmt: skip


NORMS = {
    "batch_norm_train": Exercise(
        reference=lambda x, g, b: _scaled(_by_batch(x), g, b),
        cases=_batches,
        verified="2 to 40 values a channel, and one without variance",
        hints=[_hint_batch_norm_train, _hint_scale, one_for_each],
        errors=BROADCAST,
        level=1,
        minutes=10,
        steps=(
            "Which axes have to disappear so that one mean is left for each channel?",
            "`axis` takes a tuple of axes, and `keepdims=True` leaves a shape that can be "
            "subtracted; γ and β need two more axes at the end.",
        ),
    ),
    "batch_norm_eval": Exercise(
        reference=lambda x, m, v, g, b: _scaled(_by_running(x, m, v), g, b),
        cases=_batches_and_running,
        verified="one picture and several, and a channel without variance",
        hints=[_hint_batch_norm_eval, _hint_scale, one_for_each],
        errors=BROADCAST,
        level=1,
        minutes=5,
        steps=(
            "Nothing of the batch is used: the four vectors are constants, one number a channel.",
            "Give each of the four vectors the shape (C, 1, 1); then the formula of 3.4 fits.",
        ),
    ),
    "batch_norm_backward": Exercise(
        reference=_batch_norm_backward,
        cases=_batch_norm_backward_cases,
        verified="2 to 8 pictures, and a feature without variance",
        hints=[_hint_batch_norm_backward, one_for_each],
        level=3,
        minutes=30,
        steps=(
            "There are three paths from x to the output: straight, through the mean and through "
            "the variance. If x of one picture grows by d, the mean grows by d/N, and the "
            "variance by about 2 (x − mean) · d/N. Write down the derivative along each path.",
            "Through the mean and the variance, one x changes the outputs of all N pictures: along "
            "these two paths sum gradient · γ · derivative over the pictures. If s is the variance "
            "+ eps, 1/√s has the derivative −½ · 1/(s √s) with respect to s. At the end replace "
            "(x − mean)/√s by x̂; both sums then have a factor 1/N, so they are means.",
        ),
    ),
    "dropout_channels": Exercise(
        reference=_drop_channels,
        cases=_dropout_cases,
        verified="p from 0 to 0.9, 2 to 8 channels",
        hints=[_hint_dropout, one_for_each],
        errors=BROADCAST,
        level=1,
        minutes=5,
        steps=(
            "First make an array of True and False, one for each channel of each picture.",
            "It is (N, C); two more axes at the end, and it can be multiplied onto the maps. Then "
            "think of the mean over many draws.",
        ),
    ),
}
