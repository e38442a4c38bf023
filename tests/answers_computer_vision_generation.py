"""Answers to exercises 10 to 14 of chapter 4: wrong ones with their hints, and other right ones."""

import math

import numpy as np
import torch
from scipy import spatial, special
from sklearn import neighbors

F = torch.nn.functional


# discriminator_loss
def likely(probabilities):
    """−ln of each, and their mean"""
    return -np.log(probabilities).mean()


def both(real, fake):
    return likely(real), likely(1 - fake)


def cross_entropy(real, fake):
    parts = [(torch.tensor(real), torch.ones), (torch.tensor(fake), torch.zeros)]
    return sum(F.binary_cross_entropy(p, label(len(p), dtype=p.dtype)) for p, label in parts)


# best_discriminator
def filled(real, fake, value):
    """A place where both densities are 0 gets `value`."""
    with np.errstate(invalid="ignore"):
        share = real / (real + fake)
    return np.where(real + fake == 0, value, share)


def left_over(real, fake):
    """What `where=` leaves as it was is here a 7."""
    result = np.full(real.shape, 7.0)
    return np.divide(real, real + fake, out=result, where=real + fake > 0)


def by_loop(real, fake):
    pairs = zip(real.ravel(), fake.ravel(), strict=True)
    shares = [a / (a + b) if a + b else 0.5 for a, b in pairs]
    return np.reshape(shares, real.shape)


def from_logits(real, fake):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(special.expit(np.log(real) - np.log(fake)), nan=0.5)


# gram_of_maps
def flat(features):
    return features.reshape(len(features), -1)


def gram(rows, divisor=None):
    return rows @ rows.T / (divisor or rows.shape[1])


def unit(features):
    rows = flat(features)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# total_variation
def steps(image, dtype=float):
    """To the right, and down."""
    image = image.astype(dtype)
    return image[:, 1:] - image[:, :-1], image[1:] - image[:-1]


def over(image, size, dtype=float):
    """size(steps to the right) + size(steps down)"""
    return sum(map(size, steps(image, dtype)))


def absolute(values):
    return np.abs(values).mean()


def ring(image):
    image = image.astype(float)
    return sum(absolute(image - np.roll(image, -1, axis)) for axis in (0, 1))


def larger_minus_smaller(image):
    """Right for uint8 too: nothing gets below 0."""
    pairs = (image[:, 1:], image[:, :-1]), (image[1:], image[:-1])
    return sum((np.maximum(a, b) - np.minimum(a, b)).mean() for a, b in pairs)


def pair_by_pair(image):
    height, width, _ = image.shape
    rows = image.astype(float).tolist()
    right = [
        abs(rows[y][x + 1][c] - rows[y][x][c])
        for y in range(height)
        for x in range(width - 1)
        for c in range(3)
    ]
    below = [
        abs(rows[y + 1][x][c] - rows[y][x][c])
        for y in range(height - 1)
        for x in range(width)
        for c in range(3)
    ]
    return math.fsum(right) / len(right) + math.fsum(below) / len(below)


# nearest_index
def squares(pictures, training, dot=2, own=1):
    """|a|² − 2ab + |b|², with a weight for each part that may be forgotten."""
    length = (training**2).sum(axis=1)
    return (pictures**2).sum(axis=1)[:, None] - dot * pictures @ training.T + own * length


def each(pictures, training, order=2):
    return [np.linalg.norm(training - picture, order, axis=1).argmin() for picture in pictures]


def filled_floats(pictures, training):
    """The right numbers, in an array of floats."""
    result = np.zeros(len(pictures))
    for i, index in enumerate(each(pictures, training)):
        result[i] = index
    return result


def flat_index(pictures, training):
    """argmin over all numbers of all training pictures"""
    return [np.argmin((training - picture) ** 2) for picture in pictures]


WRONG = {
    "discriminator_loss": [
        ("lambda r, f: -np.log(r).sum() - np.log(1 - f).sum()", "those are sums"),
        ("lambda r, f: likely(np.concatenate([r, 1 - f]))", "one mean over all pictures"),
        ("lambda r, f: np.mean(both(r, f))", "half of it"),
        ("lambda r, f: -np.mean(np.log(r) + np.log(1 - f))", "each has a mean of its own"),
        ("lambda r, f: -np.log2(r).mean() - np.log2(1 - f).mean()", "the natural one"),
        ("lambda r, f: -np.log10(r).mean() - np.log10(1 - f).mean()", "the natural one"),
        ("lambda r, f: np.log(r).mean() + np.log(1 - f).mean()", "the sign is wrong"),
        ("lambda r, f: likely(r) - likely(1 - f)", "the generated pictures is subtracted"),
        ("lambda r, f: likely(1 - f) - likely(r)", "the real pictures is subtracted"),
        ("lambda r, f: likely(r) + likely(f)", "who wants D\\(fake\\) near 1"),
        ("lambda r, f: likely(f)", "that is the generator's loss"),
        ("lambda r, f: likely(1 - r) + likely(f)", "are exchanged"),
        ("lambda r, f: likely(1 - r) + likely(1 - f)", "near 0 for the real pictures"),
        ("lambda r, f: likely(r)", "the generated pictures are missing"),
        ("lambda r, f: likely(1 - f)", "the real pictures are missing"),
        ("lambda r, f: -np.log(r.mean()) - np.log((1 - f).mean())", "the logarithm of a mean"),
        ("lambda r, f: likely(r) - np.mean(1 - np.log(f))", "is not ln\\(1 − D\\(fake\\)\\)"),
        ("lambda r, f: np.mean(1 - r) + np.mean(f)", "there is no logarithm"),
        ("lambda r, f: np.square(1 - r).mean() + np.square(f).mean()", "squares; logarithms"),
        ("lambda r, f: likely(r) + likely(f - 1)", "a number below 0"),
        ("lambda r, f: -np.log([*r, *(1 - f)])", "a loss is one"),
        ("lambda r, f: likely(r) + 2 * likely(1 - f)", "is wrong"),
    ],
    "best_discriminator": [
        ("lambda r, f: f / (r + f)", "\\*generated\\* data"),
        ("lambda r, f: r / f", "how many times likelier"),
        ("lambda r, f: f / r", "the wrong way round"),
        ("lambda r, f: r - f", "that is a difference"),
        ("lambda r, f: (r - f) / (r + f)", "between −1 and 1"),
        ("lambda r, f: special.expit(r - f)", "the sigmoid of a difference"),
        ("lambda r, f: special.softmax([r, f], axis=0)[0]", "the sigmoid of a difference"),
        ("lambda r, f: (r > f).astype(int)", "that decides"),
        ("lambda r, f: (r + f) / 2", "how dense both together are"),
        ("lambda r, f: 2 * r / (r + f)", "twice too much"),
        ("lambda r, f: r / np.sum(r + f)", "the sum over all places"),
        ("lambda r, f: r / (r + f)", "0 / 0"),
        ("lambda r, f: np.nan_to_num(r / (r + f))", "'generated' for sure"),
        ("lambda r, f: r / (r + f + 1e-12)", "'generated' for sure"),
        ("lambda r, f: filled(r, f, 1)", "'real' for sure"),
        ("lambda r, f: filled(r, f, 1 / 3)", "both densities are 0 \\(`where=`"),
        ("left_over", "`where=` alone"),
        ("lambda r, f: (r + 1e-8) / (r + f + 2e-8)", "is something added"),
        ("lambda r, f: (by_loop(r, f) - 0.5) * (r + f > 1e-6) + 0.5", "is something added"),
        ("lambda r, f: np.sqrt(by_loop(r, f))", "is wrong"),
        ("lambda r, f: np.mean(by_loop(r, f))", "the result's shape is"),
    ],
    "gram_of_maps": [
        ("lambda x: flat(x) @ flat(x).T", "the sum over the places"),
        ("lambda x: gram(flat(x), x.size)", "divides by the number of channels too"),
        ("lambda x: gram(flat(x), len(x))", "the number of channels, not of places"),
        ("lambda x: gram(flat(x), x.shape[1])", "by H alone"),
        ("lambda x: gram(flat(x), x.shape[2])", "by W alone"),
        ("lambda x: np.cov(flat(x))", "the covariance"),
        ("lambda x: np.cov(flat(x), bias=True)", "the covariance"),
        ("lambda x: np.corrcoef(flat(x))", "the correlation"),
        ("lambda x: np.outer(x.mean((1, 2)), x.mean((1, 2)))", "product of two means"),
        ("lambda x: gram(x.reshape(-1, len(x)).T)", "mixes channels"),
        ("lambda x: gram(x.transpose(1, 2, 0).reshape(len(x), -1))", "mixes channels"),
        ("lambda x: (x**2).mean((1, 2))", "each channel with itself alone"),
        ("lambda x: np.diag((x**2).mean((1, 2)))", "each channel with itself alone"),
        ("lambda x: x @ x.transpose(0, 2, 1) / x.shape[2]", "each channel with itself alone"),
        ("lambda x: flat(x).T @ flat(x) / len(x)", "compares places with places"),
        ("lambda x: gram(unit(x), 1)", "is wrong"),
        ("lambda x: gram(flat(x)).mean()", "the result's shape is"),
    ],
    "total_variation": [
        ("lambda x: over(x, lambda s: np.mean(s**2))", "those are squares"),
        ("lambda x: over(x, lambda s: np.abs(s).sum())", "sums, not means"),
        ("lambda x: absolute(steps(x)[0])", "below are missing"),
        ("lambda x: absolute(steps(x)[1])", "to the right are missing"),
        ("lambda x: over(x, absolute) / 2", "half of it"),
        ("lambda x: absolute(np.concatenate([s.ravel() for s in steps(x)]))", "over all pairs"),
        ("lambda x: absolute(np.diff(x))", "between the channels"),
        (
            "lambda x: sum(absolute(np.diff(x.astype(float), axis=a)) for a in range(3))",
            "between the channels of one pixel are added",
        ),
        (
            "lambda x: absolute(np.diff(x.astype(float), axis=1)) + absolute(np.diff(x))",
            "axis 2 is the channel",
        ),
        ("ring", "the borders are wrong"),
        ("lambda x: over(x, np.mean)", "the sign has to go"),
        ("lambda x: over(x, lambda s: abs(s.mean()))", "\\*before\\* the mean"),
        ("lambda x: over(x, lambda s: np.abs(s).sum() / x.size)", "only W − 1 pairs"),
        ("lambda x: over(x, lambda s: np.abs(s).sum(axis=2).mean())", "the channels are added up"),
        ("lambda x: over(x.mean(axis=2, keepdims=True), absolute)", "made gray first"),
        ("lambda x: over(x / 255, absolute)", "divides by 255"),
        (
            "lambda x: np.mean((steps(x)[0][:-1] ** 2 + steps(x)[1][:, :-1] ** 2) ** 0.5)",
            "the length of both steps",
        ),
        ("lambda x: over(x, absolute, int)", "parts of 1 are cut off"),
        ("lambda x: over(x, absolute, np.uint8)", "parts of 1 are cut off"),
        ("lambda x: over(x, absolute, x.dtype)", "It wraps around"),
        ("lambda x: absolute(x[:, :-1] - x[:, 1:]) + absolute(x[:-1] - x[1:])", "It wraps around"),
        ("lambda x: over(x, absolute, x.dtype if x.dtype == float else np.int8)", "wraps around"),
        ("lambda x: [absolute(s) for s in steps(x)]", "those are 2 numbers"),
        ("lambda x: over(x, lambda s: np.abs(s).mean(axis=(0, 1)))", "those are 3 numbers"),
        ("lambda x: over(x, np.std)", "is wrong"),
        ("lambda x: np.abs(steps(x)[0])", "the result's shape is"),
    ],
    "nearest_index": [
        ("lambda p, t: squares(p, t).argmax(axis=1)", "the \\*farthest\\*"),
        ("lambda p, t: each(p, t, 1)", "adds up absolute differences"),
        ("lambda p, t: each(p, t, np.inf)", "the largest single difference"),
        ("lambda p, t: squares(p, t).argmin(axis=0)", "the other axis"),
        ("lambda p, t: spatial.KDTree(t).query(p)[0]", "those are the distances"),
        ("lambda p, t: t[each(p, t)]", "those are the training pictures"),
        ("lambda p, t: squares(p, t, own=0).argmin(axis=1)", "\\|b\\|² is missing"),
        ("lambda p, t: np.argmax(p @ t.T, axis=1)", "\\|b\\|² is missing"),
        ("lambda p, t: squares(p, t, dot=1).argmin(axis=1)", "the product counts twice"),
        ("lambda p, t: squares(p, t, dot=-2).argmin(axis=1)", "a sign is wrong"),
        ("lambda p, t: spatial.distance.cdist(p, t, 'cosine').argmin(axis=1)", "directions alone"),
        ("lambda p, t: [(a - t).sum(axis=1).argmin() for a in p]", "each is to be squared"),
        ("lambda p, t: [abs((a - t).sum(axis=1)).argmin() for a in p]", "\\*before\\* the sum"),
        ("lambda p, t: np.add(each(p, t), 1)", "counted from 0"),
        ("lambda p, t: spatial.distance.cdist(p, t)", "those are all distances"),
        ("lambda p, t: squares(p, t).argsort(axis=1)", "the whole order"),
        ("lambda p, t: np.linalg.norm(p[:, None] - t).argmin()", "one index for all"),
        ("lambda p, t: squares(p, t).argmin()", "one index for all"),
        ("flat_index", "an index is too large"),
        ("lambda p, t: np.zeros(len(p), int)", "is wrong"),
        ("lambda p, t: squares(p, t) == squares(p, t).min()", "the result's shape is"),
        ("filled_floats", "those are floats: they cannot be used as indices"),
        ("lambda p, t: np.uint8(each(p, t))", "is wrong"),
        ("lambda p, t: each(p.astype(np.float16), t.astype(np.float16))", "is wrong"),
        ("lambda p, t: np.round(squares(p, t) ** 0.5, 2).argmin(axis=1)", "is wrong"),
    ],
}

RIGHT = {
    "discriminator_loss": [
        cross_entropy,
        lambda r, f: sum(both(r, f)),
        lambda r, f: np.log(1 / r).mean() - np.log1p(-f).mean(),
        lambda r, f: -sum(map(math.log, r)) / len(r) - sum(map(math.log, 1 - f)) / len(f),
    ],
    "best_discriminator": [
        by_loop,
        from_logits,
        lambda r, f: filled(r, f, 0.5),
        lambda r, f: r / np.where(r + f, r + f, 1) + 0.5 * (r + f == 0),
        lambda r, f: (torch.tensor(r) / torch.tensor(r + f)).nan_to_num(0.5).float(),
        lambda r, f: (r + 1e-20) / (r + f + 2e-20),
    ],
    "gram_of_maps": [
        lambda x: gram(flat(x)),
        lambda x: np.einsum("iyx,jyx->ij", x, x) / x[0].size,
        lambda x: np.tensordot(x, x, ((1, 2), (1, 2))).astype(np.float32) / x[0].size,
        lambda x: (x[:, None] * x).mean((2, 3)),
        lambda x: torch.tensor(flat(x)).float() @ torch.tensor(flat(x)).float().T / x[0].size,
    ],
    "total_variation": [
        pair_by_pair,
        larger_minus_smaller,
        lambda x: over(x, absolute),
        lambda x: sum(absolute(np.diff(x.astype(np.float32), axis=axis)) for axis in (0, 1)),
        lambda x: sum(torch.tensor(x).double().diff(dim=d).abs().mean() for d in (0, 1)),
    ],
    "nearest_index": [
        each,
        lambda p, t: squares(p, t).argmin(axis=1),
        lambda p, t: spatial.KDTree(t).query(p)[1],
        lambda p, t: each(p.astype(np.float32), t.astype(np.float32)),
        lambda p, t: squares(p.astype(np.float32), t.astype(np.float32)).argmin(axis=1),
        lambda p, t: [int(index) for index in each(p, t)],
        lambda p, t: neighbors.NearestNeighbors(n_neighbors=1).fit(t).kneighbors(p)[1][:, 0],
        lambda p, t: torch.cdist(torch.tensor(p).float(), torch.tensor(t).float()).argmin(dim=1),
    ],
}
