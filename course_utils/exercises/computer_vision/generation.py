"""Exercises of chapter 4 on generation: the losses of a GAN, its step, nearest pictures."""

import numpy as np
import torch
from torch import nn

from course_utils.exercises.engine import INDICES, Exercise, Unmeasurable, close, mistakes


# discriminator_loss
def _likely(logits):
    """Mean of −ln sigmoid(t), without overflow."""
    return np.logaddexp(0, -logits).mean()


def _discriminator_loss(real, fake):
    return _likely(real) + _likely(-fake)


def _discriminator_loss_cases(rng):
    sizes = [(5, 8), (9, 3), (3, 4), (1, 6), (7, 1), (16, 12), (20, 31), (4, 4), (1, 1)]
    cases = [(rng.normal(0.5, 2, n), rng.normal(-0.5, 2, m)) for n, m in sizes]
    return [
        (np.array([2.0, 0]), np.array([-1.0, 1, -4])),
        *cases,
        (np.zeros(3), np.zeros(5)),
        (rng.uniform(800, 2000, 6), rng.uniform(-2000, -800, 4)),
        (rng.uniform(-2000, -800, 3), rng.uniform(800, 2000, 5)),
    ]


def _sigmoid(t):
    return 1 / (1 + np.exp(-t))


_hint_discriminator_loss = mistakes(
    (lambda r, f: _likely(r) * len(r) + _likely(-f) * len(f),
     "those are sums: a larger batch would cost more"),
    (lambda r, f: _likely(np.concatenate([r, -f])),
     "that is one mean over all pictures; the real ones have a mean of their own"),
    (lambda r, f: _discriminator_loss(r, f) / 2, "that is half of it: the two means are added"),
    (lambda r, f: _discriminator_loss(r, f) / np.log(2), "the logarithm is the natural one"),
    (lambda r, f: _discriminator_loss(r, f) / np.log(10), "the logarithm is the natural one"),
    (lambda r, f: -_discriminator_loss(r, f),
     "the sign is wrong: a better discriminator must have a *lower* loss"),
    (lambda r, f: _likely(r) - _likely(-f),
     "the part of the generated pictures is subtracted; it is a loss too"),
    (lambda r, f: _likely(-f) - _likely(r),
     "the part of the real pictures is subtracted; it is a loss too"),
    (lambda r, f: _likely(r) + _likely(f),
     "for the generated pictures that is the *generator's* loss: who wants D(fake) near 1?"),
    (lambda r, f: _likely(f), "that is the generator's loss"),
    (lambda r, f: _likely(-r) + _likely(f),
     "real and generated are exchanged: which of them is to get a probability near 1?"),
    (lambda r, f: _likely(-r) + _likely(-f),
     "it rewards a probability near 0 for the real pictures"),
    (lambda r, f: _likely(r), "the generated pictures are missing"),
    (lambda r, f: _likely(-f), "the real pictures are missing"),
    (lambda r, f: -np.log(_sigmoid(r).mean()) - np.log(1 - _sigmoid(f).mean()),
     "the logarithm of a mean is not the mean of the logarithms"),
    (lambda r, f: _likely(np.atleast_1d(r.mean())) + _likely(-np.atleast_1d(f.mean())),
     "that is the loss of the mean logit; the mean of the losses is wanted"),
    (lambda r, f: 1 - _sigmoid(r).mean() + _sigmoid(f).mean(), "there is no logarithm"),
    (lambda r, f: ((1 - _sigmoid(r)) ** 2).mean() + (_sigmoid(f) ** 2).mean(),
     "squares; logarithms are wanted"),
    (lambda r, f: f.mean() - r.mean(), "those are the logits themselves; there is no sigmoid"),
)  # fmt: skip


def _hint_no_loss(got, wanted, arguments):
    large = max(np.abs(values).max() for values in arguments) > 700
    if large and not np.allclose(got, wanted):
        return "right for small logits, wrong for large ones: e^800 overflows, and ln 0 is −∞"
    if not np.isfinite(got).all():
        return "not a number: the arguments are logits, not probabilities"
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
    whole = np.array([1.0, 6, 3]), np.array([3.0, 2, 2])
    return [whole, cases[0], cases[1], (tiny[0], tiny[1]), *cases[2:], (np.zeros(3), np.zeros(3))]


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


# least_squares_step
RATES = 0.1, 0.3  # of G and of D


def _networks(latent, size):
    """G and D for one case, with the same weights each time."""
    draw = torch.Generator().manual_seed(10 * latent + size)
    g = nn.Sequential(nn.Linear(latent, 4), nn.Tanh(), nn.Linear(4, size)).double()
    d = nn.Sequential(nn.Linear(size, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    with torch.no_grad():
        for parameter in [*g.parameters(), *d.parameters()]:
            parameter.copy_(torch.randn(parameter.shape, generator=draw, dtype=torch.float64))
    return g, d


def _after_two_steps(step):
    """function (g, d, g_sgd, d_sgd, real, noise) → function (real, noise) → all weights after it.

    It is called twice, so that a gradient which the first call leaves behind is seen.
    """

    def trained(real, noise):
        g, d = _networks(noise.shape[1], real.shape[1])
        sgd = [torch.optim.SGD(net.parameters(), rate)
               for net, rate in zip((g, d), RATES, strict=True)]  # fmt: skip
        before = _weights(g, d)
        for _ in range(2):
            step(g, d, *sgd, torch.tensor(real), torch.tensor(noise))
        after = _weights(g, d)
        if np.array_equal(before, after):
            raise Unmeasurable("no weight of the two networks has changed")
        return after

    return trained


def _weights(g, d):
    """Those of D, then those of G; (P,)."""
    return torch.cat([p.detach().flatten() for p in [*d.parameters(), *g.parameters()]]).numpy()


def _least_squares(real=1, fake=0, wish=1, detach=True, zero=True, late=True, half=1, mean=True):
    """The step, right as it is; real, fake, wish: what D's answers should be. The rest: mistakes.

    late: G's loss is computed after D's step.
    """

    def size(answers, label):
        squares = half * (answers - label) ** 2
        return squares.mean() if mean else squares.sum()

    def step(g, d, g_sgd, d_sgd, x, z):
        fakes = g(z)
        ours = fakes.detach() if detach else fakes
        early = None if late else size(d(fakes), wish)
        if zero:
            d_sgd.zero_grad()
            g_sgd.zero_grad()
        gradient = size(d(x), real) + size(d(ours), fake)
        gradient.backward(retain_graph=True)
        if late:
            d_sgd.step()
            if zero and detach:
                g_sgd.zero_grad()
            size(d(fakes), wish).backward()
        else:
            kept = [p.grad.clone() for p in d.parameters()]
            early.backward()
            for parameter, grad in zip(d.parameters(), kept, strict=True):
                parameter.grad = grad
            d_sgd.step()
        g_sgd.step()

    return step


def _stepped(real, noise, /, **faults):
    return _after_two_steps(_least_squares(**faults))(real, noise)


def _least_squares_step(*arguments):
    """From data alone: the weights after two steps; else the step itself, as a student's."""
    return _stepped(*arguments) if len(arguments) == 2 else _least_squares()(*arguments)


def _least_squares_step_cases(rng):
    sizes = [(2, 3, 1), (5, 4, 2), (3, 6, 1), (8, 5, 3), (1, 2, 2), (12, 9, 1), (16, 16, 4),
             (7, 10, 2)]  # fmt: skip
    small = np.array([[1.0], [3]]), np.array([[1.0, 0], [-1, 2], [0, 1]])
    return [small, *((rng.normal(1, 1, (n, size)), rng.normal(size=(m, 1 + m % 3)))
                     for n, m, size in sizes)]  # fmt: skip


_hint_least_squares_step = mistakes(
    (lambda x, z: _stepped(x, z, zero=False),
     "gradients of the step before are still there when the next one begins"),
    (lambda x, z: _stepped(x, z, detach=False),
     "D's loss moves G too: its gradient has gone through the fakes into G"),
    (lambda x, z: _stepped(x, z, wish=0), "G learns to be recognised: what should D answer for G?"),
    (lambda x, z: _stepped(x, z, real=0, fake=1), "D's two labels are exchanged"),
    (lambda x, z: _stepped(x, z, late=False), "G's loss has to be that of D *after* D's step"),
    (lambda x, z: _stepped(x, z, half=0.5), "both losses are half as large as they should be"),
    (lambda x, z: _stepped(x, z, mean=False), "those are sums over the batch; means are wanted"),
    (lambda x, z: _stepped(x, z, fake=-1), "D's answer for a fake should be 0, not −1"),
)  # fmt: skip


def _hint_which_network(got, wanted, arguments):
    real, noise = arguments
    before = _weights(*_networks(noise.shape[1], real.shape[1]))
    of_d = 3 * real.shape[1] + 3 + 3 + 1  # numbers of D
    if close(got[of_d:], before[of_d:]):
        return "G's weights have not changed at all"
    if close(got[:of_d], before[:of_d]):
        return "D's weights have not changed at all"


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
    whole = np.array([[0, 1], [5, -5], [6, 4]]), np.array([[4, -6], [7, 6], [1, 1], [3, 0]])
    return [tuple(x.astype(float) for x in whole), *cases, copies, (pictures[close][:8], training)]


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
    "nearest_index": Exercise(
        reference=_nearest,
        cases=_nearest_cases,
        verified="1 to 300 training pictures, copies of them",
        hints=[_hint_nearest, _hint_index],
        whole=INDICES,
        level=2,
        minutes=8,
        steps=(
            "Begin with one picture: how far is it from every training picture? That is M "
            "numbers, and one of them is the smallest.",
            "The root does not change which number is the smallest. For all pictures at once, "
            "an axis of length 1 (`pictures[:, None]`) makes all pairs.",
        ),
    ),
    "discriminator_loss": Exercise(
        reference=_discriminator_loss,
        cases=_discriminator_loss_cases,
        verified="1 to 31 pictures, unequally many, logits from −2000 to 2000",
        hints=[_hint_no_loss, _hint_discriminator_loss],
        errors={
            "could not be broadcast": "the two batches are not equally large: each has a mean "
            "of its own, and the means are added"
        },
        level=2,
        minutes=8,
        steps=(
            "For a real picture, −ln sigmoid(t) = ln(1 + e^−t); for a generated one it is "
            "ln(1 + e^t). The loss is the mean of the first plus the mean of the second.",
            "e^800 is too large for a float. `np.logaddexp(a, b)` gives ln(e^a + e^b) without "
            "computing a large power; which number has e^a = 1?",
        ),
    ),
    "best_discriminator": Exercise(
        reference=_best_discriminator,
        cases=_best_discriminator_cases,
        verified="1 to 3 axes; one or both 0, both tiny",
        hints=[_hint_where_little_is, _hint_best_discriminator],
        level=2,
        minutes=8,
        steps=(
            "Where at least one density is above 0, it is one division. The other places need an "
            "answer of their own.",
            "Fill an array with the answer of the empty places first, and divide only where the "
            "sum is above 0: `np.divide` has `out=` and `where=`.",
        ),
    ),
    "least_squares_step": Exercise(
        reference=_least_squares_step,
        cases=_least_squares_step_cases,
        verified="all weights of both networks after two steps",
        hints=[_hint_least_squares_step, _hint_which_network],
        wrap=_after_two_steps,
        errors={
            "a second time": "D's `backward` has used up the graph of the fakes, which G needs: "
            "D's loss may have them without it"
        },
        level=3,
        minutes=15,
        steps=(
            "Write D's half first: fakes, its loss, `zero_grad`, `backward`, `step`. Which "
            "network may this half change, and what stops the gradient from reaching the other?",
            "G's half needs D's answers again, from the D that has just learnt. Its `backward` "
            "leaves gradients in D, too: who removes them before D's next step?",
        ),
    ),
}
