"""Exercises of chapter 4 on generation: the losses of a GAN, nearest training pictures."""

import numpy as np

from course_utils.exercises.engine import INDICES, Exercise, close, mistakes

NATURAL = "the logarithm is the natural one"


# discriminator_loss
def _discriminator_loss(real, fake, log=np.log, mean=np.mean):
    return -mean(log(real)) - mean(log(1 - fake))


def _pieces(real, fake):
    """Its two parts: the loss on real pictures, and on generated ones."""
    return -np.log(real).mean(), -np.log(1 - fake).mean()


def _discriminator_loss_cases(rng):
    sizes = [(5, 8), (9, 3), (3, 4), (1, 6), (7, 1), (16, 12), (20, 31), (4, 4), (1, 1)]
    cases = [(rng.uniform(0.03, 0.97, n), rng.uniform(0.03, 0.97, m)) for n, m in sizes]
    return cases + [
        (rng.uniform(0.99, 0.999, 6), rng.uniform(0.001, 0.01, 4)),
        (np.full(3, 0.5), np.full(5, 0.5)),
    ]


_hint_discriminator_loss = mistakes(
    (lambda r, f: _discriminator_loss(r, f, mean=np.sum),
     "those are sums: a larger batch would cost more"),
    (lambda r, f: np.mean(-np.log([*r, *(1 - f)])),
     "that is one mean over all pictures; the real ones have a mean of their own"),
    (lambda r, f: sum(_pieces(r, f)) / 2, "that is half of it: the two means are added"),
    (lambda r, f: _discriminator_loss(r, f, np.log2), NATURAL),
    (lambda r, f: _discriminator_loss(r, f, np.log10), NATURAL),
    (lambda r, f: -_discriminator_loss(r, f),
     "the sign is wrong: a better discriminator must have a *lower* loss"),
    (lambda r, f: np.subtract(*_pieces(r, f)),
     "the part of the generated pictures is subtracted; it is a loss too"),
    (lambda r, f: -np.subtract(*_pieces(r, f)),
     "the part of the real pictures is subtracted; it is a loss too"),
    (lambda r, f: _discriminator_loss(r, 1 - f),
     "for the generated pictures that is the *generator's* loss: who wants D(fake) near 1?"),
    (lambda r, f: -np.log(f).mean(), "that is the generator's loss"),
    (lambda r, f: _discriminator_loss(1 - r, 1 - f),
     "real and generated are exchanged: which of them is to get a probability near 1?"),
    (lambda r, f: _discriminator_loss(1 - r, f),
     "it rewards a probability near 0 for the real pictures"),
    (lambda r, f: _pieces(r, f)[0], "the generated pictures are missing"),
    (lambda r, f: _pieces(r, f)[1], "the real pictures are missing"),
    (lambda r, f: -np.log(r.mean()) - np.log(1 - f.mean()),
     "the logarithm of a mean is not the mean of the logarithms"),
    (lambda r, f: -np.log(r).mean() - (1 - np.log(f)).mean(),
     "1 − ln D(fake) is not ln(1 − D(fake))"),
    (lambda r, f: 1 - r.mean() + f.mean(), "there is no logarithm"),
    (lambda r, f: ((1 - r) ** 2).mean() + (f**2).mean(), "squares; logarithms are wanted"),
)  # fmt: skip


def _hint_no_loss(got, wanted, arguments):
    if np.isnan(got).any():
        return "not a number: that takes the logarithm of a number below 0"
    if got.ndim == 1 and got.size > 1:
        return f"those are {got.size} numbers; a loss is one"


# best_discriminator
def _best_discriminator(real, fake, nowhere=0.5):
    total = real + fake
    return np.divide(real, total, out=np.full(total.shape, nowhere), where=total > 0)


def _best_discriminator_cases(rng):
    cases = []
    for shape in ((6,), (3, 4), (9,), (1,), (2, 3, 2), (5, 4), (12,), (2, 7)):
        real, fake = rng.uniform(0.05, 2, (2, *shape))
        if cases:
            order = rng.permutation(real.size)
            real.flat[order[::3]], fake.flat[order[: len(order) // 2]] = 0, 0
        cases.append((real, fake))
    tiny = rng.uniform(1e-10, 1e-8, (2, 5))
    return [cases[0], cases[1], (tiny[0], tiny[1]), *cases[2:], (np.zeros(3), np.zeros(3))]


_hint_best_discriminator = mistakes(
    (lambda r, f: _best_discriminator(f, r), "that is the share of the *generated* data"),
    (lambda r, f: r / f, "that is how many times likelier real is; a probability is at most 1"),
    (lambda r, f: f / r, "that is a ratio, and the wrong way round; a probability is at most 1"),
    (lambda r, f: r - f, "that is a difference; a probability is wanted, 0 … 1"),
    (lambda r, f: (r - f) / (r + f), "that lies between −1 and 1; a probability is wanted"),
    (lambda r, f: 1 / (1 + np.exp(f - r)),
     "that is the sigmoid of a difference; twice both densities must give the same"),
    (lambda r, f: r > f, "that decides; a probability tells how sure one may be"),
    (lambda r, f: (r + f) / 2, "that is how dense both together are, and not which of them it is"),
    (lambda r, f: 2 * _best_discriminator(r, f), "twice too much: can a probability reach 2?"),
    (lambda r, f: r / (r + f).sum(), "that divides by the sum over all places; each has its own"),
)  # fmt: skip


def _hint_where_little_is(got, wanted, arguments):
    total = np.add(*arguments)
    nowhere, dense = total == 0, total > 1e-3
    if got.shape != wanted.shape or not close(got[dense], wanted[dense]):
        return None
    if not (nowhere | dense).all():
        return "it is wrong where both densities are tiny: is something added to them?"
    if np.isnan(got[nowhere]).all():
        return "0 / 0 is not a number: at some places both densities are 0"
    if (got[nowhere] == 0).all():
        return "where both densities are 0, it says 'generated' for sure"
    if (got[nowhere] == 1).all():
        return "where both densities are 0, it says 'real' for sure"
    return "it is wrong where both densities are 0 (`where=` alone leaves any number there)"


# nearest_index
def _distances(pictures, training, order=2):
    """(N, D), (M, D) → (N, M)"""
    return np.linalg.norm(pictures[:, None] - training, order, axis=2)


def _nearest(pictures, training, order=2):
    return _distances(pictures, training, order).argmin(axis=1)


def _nearest_cases(rng):
    sizes = [(5, 8, 6), (7, 3, 4), (6, 20, 16), (1, 9, 10), (4, 1, 3), (6, 6, 5), (3, 12, 1),
             (10, 4, 12)]  # fmt: skip
    cases = []
    for count, known, length in sizes:
        training = rng.normal(0.4, 1, (known, length)) * rng.uniform(0.5, 1.5, (known, 1))
        pictures = rng.normal(0.4, 1, (400, length))
        first, second = np.sort(np.c_[_distances(pictures, training), np.full(400, 99)])[:, :2].T
        cases.append((pictures[second > 1.02 * first][:count], training))  # no tie, not nearly
    training = cases[2][1]
    copies = training[rng.permutation(20)[:7]], training
    training = rng.normal(size=(300, 2)) * [1, 8]
    pictures = rng.normal(size=(1500, 2)) * [1, 8]
    first, second = np.sort(_distances(pictures, training))[:, :2].T
    close = (second > 1.0005 * first) & (second < 1.005 * first) & (first > 0.1)
    return cases + [copies, (pictures[close][:8], training)]


_hint_nearest = mistakes(
    (lambda p, t: _distances(p, t).argmax(axis=1), "those are the *farthest* training pictures"),
    (lambda p, t: _nearest(p, t, 1),
     "that adds up absolute differences; Euclid's distance squares them"),
    (lambda p, t: _nearest(p, t, np.inf), "that is the largest single difference; all count"),
    (lambda p, t: _nearest(t, p),
     "that is the nearest picture to each *training* picture: the other axis"),
    (lambda p, t: _distances(p, t).min(axis=1), "those are the distances; indices are wanted"),
    (lambda p, t: t[_nearest(p, t)], "those are the training pictures; indices are wanted"),
    (lambda p, t: (p @ t.T).argmax(axis=1),
     "that is the largest product: of |a − b|², the part |b|² is missing"),
    (lambda p, t: ((t**2).sum(axis=1) - p @ t.T).argmin(axis=1),
     "the product counts twice in |a − b|²"),
    (lambda p, t: _nearest(p, -t), "that is the smallest sum of two pictures: a sign is wrong"),
    (lambda p, t: (p @ t.T / np.linalg.norm(t, axis=1)).argmax(axis=1),
     "that compares directions alone: a picture twice as bright would have distance 0"),
    (lambda p, t: (p[:, None] - t).sum(axis=2).argmin(axis=1),
     "differences up and down cancel: each is to be squared"),
    (lambda p, t: _nearest(p.sum(axis=1)[:, None], t.sum(axis=1)[:, None]),
     "differences up and down cancel: each is to be squared *before* the sum"),
    (lambda p, t: _nearest(p, t) + 1, "the training pictures are counted from 0"),
    (lambda p, t: _distances(p, t), "those are all distances; which is the smallest of each row?"),
    (lambda p, t: _distances(p, t).argsort(axis=1), "that is the whole order; the first is wanted"),
)  # fmt: skip


def _hint_index(got, wanted, arguments):
    if got.shape == () and wanted.shape != ():
        return "that is one index for all; each picture has a nearest one of its own"
    if got.shape == wanted.shape and (got >= len(arguments[1])).any():
        return "an index is too large: it has to count training pictures, not numbers in them"


EXERCISES = {
    "discriminator_loss": Exercise(
        number=10,
        reference=_discriminator_loss,
        cases=_discriminator_loss_cases,
        verified="1 to 31 pictures, unequally many",
        hints=[_hint_discriminator_loss, _hint_no_loss],
        errors={
            "could not be broadcast": "the two batches are not equally large: each has a mean "
            "of its own, and the means are added"
        },
    ),
    "best_discriminator": Exercise(
        number=11,
        reference=_best_discriminator,
        cases=_best_discriminator_cases,
        verified="1 to 3 axes; one or both 0, both tiny",
        hints=[_hint_where_little_is, _hint_best_discriminator],
    ),
    "nearest_index": Exercise(
        number=14,
        reference=_nearest,
        cases=_nearest_cases,
        verified="1 to 300 training pictures, copies of them",
        hints=[_hint_nearest, _hint_index],
        whole=INDICES,
    ),
}
