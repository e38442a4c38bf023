"""Answers to exercises on generation and style: wrong ones with their hints, other right ones."""

import math

import numpy as np
import torch
from scipy import spatial, special
from sklearn import neighbors

F = torch.nn.functional


# discriminator_loss
def likely(logits):
    """Mean of −ln sigmoid"""
    return np.logaddexp(0, -np.asarray(logits)).mean()


def overflows(logits):
    """The same where the power is not too large"""
    return np.log(1 + np.exp(-logits)).mean()


def cross_entropy(real, fake, dtype=torch.float64):
    loss = F.binary_cross_entropy_with_logits
    real, fake = torch.tensor(real, dtype=dtype), torch.tensor(fake, dtype=dtype)
    return loss(real, torch.ones_like(real)) + loss(fake, torch.zeros_like(fake))


def by_cases(logit):
    """ln(1 + e^t), so that the power is at most 1"""
    return max(logit, 0) + math.log1p(math.exp(-abs(logit)))


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


# least_squares_step
def squares_to(answers, label):
    return F.mse_loss(answers, torch.full_like(answers, label))


def step_of_d(g, d, d_sgd, real, noise, detach=True, loss=squares_to):
    """→ the fakes"""
    fakes = g(noise)
    d_sgd.zero_grad()
    (loss(d(real), 1) + loss(d(fakes.detach() if detach else fakes), 0)).backward(retain_graph=True)
    d_sgd.step()
    return fakes


def in_two_halves(g, d, g_sgd, d_sgd, real, noise, wish=1, loss=squares_to, **settings):
    g_sgd.zero_grad()
    fakes = step_of_d(g, d, d_sgd, real, noise, loss=loss, **settings)
    if settings.get("detach", True):
        g_sgd.zero_grad()
    loss(d(fakes), wish).backward()
    g_sgd.step()


def fakes_made_twice(g, d, g_sgd, d_sgd, real, noise):
    """Right: G makes the fakes again, as for D without gradients."""
    with torch.no_grad():
        fakes = g(noise)
    d.zero_grad()
    ((d(real) - 1).square().mean() + d(fakes).square().mean()).backward()
    d_sgd.step()
    g.zero_grad()
    (d(g(noise)) - 1).square().mean().backward()
    g_sgd.step()


def by_grad(g, d, g_sgd, d_sgd, real, noise):
    """Right: each network's gradients are asked for by name."""
    fakes, of_d, of_g = g(noise), list(d.parameters()), list(g.parameters())
    loss = squares_to(d(real), 1) + squares_to(d(fakes), 0)
    for p, grad in zip(of_d, torch.autograd.grad(loss, of_d, retain_graph=True), strict=True):
        p.grad = grad
    d_sgd.step()
    for p, grad in zip(of_g, torch.autograd.grad(squares_to(d(fakes), 1), of_g), strict=True):
        p.grad = grad
    g_sgd.step()


def never_zeroed(g, d, g_sgd, d_sgd, real, noise):
    fakes = g(noise)
    (squares_to(d(real), 1) + squares_to(d(fakes.detach()), 0)).backward()
    d_sgd.step()
    squares_to(d(fakes), 1).backward()
    g_sgd.step()


def d_alone(g, d, g_sgd, d_sgd, real, noise):
    step_of_d(g, d, d_sgd, real, noise)


def g_alone(g, d, g_sgd, d_sgd, real, noise):
    g_sgd.zero_grad()
    squares_to(d(g(noise)), 1).backward()
    g_sgd.step()


def used_up(g, d, g_sgd, d_sgd, real, noise):
    fakes = g(noise)
    (squares_to(d(real), 1) + squares_to(d(fakes), 0)).backward()
    d_sgd.step()
    squares_to(d(fakes), 1).backward()


def both_at_once(g, d, g_sgd, d_sgd, real, noise):
    """G's loss is computed before D's step"""
    fakes = g(noise)
    of_g = torch.autograd.grad(squares_to(d(fakes), 1), list(g.parameters()), retain_graph=True)
    step_of_d(g, d, d_sgd, real, noise)
    for p, grad in zip(g.parameters(), of_g, strict=True):
        p.grad = grad
    g_sgd.step()


def halved(answers, label):
    return squares_to(answers, label) / 2


def summed(answers, label):
    return (answers - label).square().sum()


# match_statistics
def moments(maps):
    """(C, H, W) → mean, standard deviation, each (C, 1, 1)"""
    return maps.mean((1, 2), keepdims=True), maps.std((1, 2), keepdims=True)


def normal(maps):
    mean, deviation = moments(maps)
    return (maps - mean) / deviation


def coloured(maps, style):
    mean, deviation = moments(style)
    return maps * deviation + mean


def channel_by_channel(content, style):
    result = np.empty(content.shape, np.float32)
    for c in range(len(content)):
        result[c] = (content[c] - np.mean(content[c])) / np.std(content[c])
        result[c] = result[c] * np.std(style[c]) + np.mean(style[c])
    return result


def with_torch(content, style):
    content, style = torch.tensor(content), torch.tensor(style)
    mean = content.mean((1, 2), keepdim=True)
    scale = style.std((1, 2), keepdim=True, correction=0) / content.std(
        (1, 2), keepdim=True, correction=0
    )
    return (content - mean) * scale + style.mean((1, 2), keepdim=True)


WRONG = {
    "discriminator_loss": [
        ("lambda r, f: likely(r) * len(r) + likely(-f) * len(f)", "those are sums"),
        ("lambda r, f: likely(np.concatenate([r, -f]))", "one mean over all pictures"),
        ("lambda r, f: (likely(r) + likely(-f)) / 2", "half of it"),
        ("lambda r, f: np.logaddexp2(0, -r / np.log(2)).mean() + "
         "np.logaddexp2(0, f / np.log(2)).mean()", "the natural one"),
        ("lambda r, f: (likely(r) + likely(-f)) * np.log10(np.e)", "the natural one"),
        ("lambda r, f: -likely(r) - likely(-f)", "the sign is wrong"),
        ("lambda r, f: likely(r) - likely(-f)", "the generated pictures is subtracted"),
        ("lambda r, f: likely(-f) - likely(r)", "the real pictures is subtracted"),
        ("lambda r, f: likely(r) + likely(f)", "who wants D\\(fake\\) near 1"),
        ("lambda r, f: likely(f)", "that is the generator's loss"),
        ("lambda r, f: likely(-r) + likely(f)", "are exchanged"),
        ("lambda r, f: likely(-r) + likely(-f)", "near 0 for the real pictures"),
        ("lambda r, f: likely(r)", "the generated pictures are missing"),
        ("lambda r, f: likely(-f)", "the real pictures are missing"),
        ("lambda r, f: -np.log(special.expit(r).mean()) - np.log(special.expit(-f).mean())",
         "the logarithm of a mean"),
        ("lambda r, f: likely(r.mean()) + likely(-f.mean())", "the loss of the mean logit"),
        ("lambda r, f: special.expit(-r).mean() + special.expit(f).mean()", "no logarithm"),
        ("lambda r, f: (special.expit(-r) ** 2).mean() + (special.expit(f) ** 2).mean()",
         "squares; logarithms"),
        ("lambda r, f: f.mean() - r.mean()", "there is no sigmoid"),
        ("lambda r, f: overflows(r) + overflows(-f)", "wrong for large ones"),
        ("lambda r, f: -np.log(special.expit(r)).mean() - np.log(special.expit(-f)).mean()",
         "wrong for large ones"),
        ("lambda r, f: -np.log(r).mean() - np.log(1 - f).mean()", "not probabilities"),
        ("lambda r, f: np.logaddexp(0, [*-r, *f])", "a loss is one"),
        ("lambda r, f: likely(r) + 2 * likely(-f)", "is wrong"),
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
}  # fmt: skip

WRONG |= {
    "least_squares_step": [
        ("never_zeroed", "are still there when the next one begins"),
        ("lambda *a: in_two_halves(*a, detach=False)", "D's loss moves G too"),
        ("lambda *a: in_two_halves(*a, wish=0)", "G learns to be recognised"),
        ("both_at_once", "\\*after\\* D's step"),
        ("d_alone", "G's weights have not changed"),
        ("g_alone", "D's weights have not changed"),
        ("used_up", "used up the graph"),
        ("lambda *a: in_two_halves(*a, loss=halved)", "half as large"),
        ("lambda *a: in_two_halves(*a, loss=summed)", "those are sums"),
        ("lambda *a: a[0](a[5]).sum().backward()", "no weight of the two networks has changed"),
        ("lambda g, d, g_sgd, d_sgd, real, noise: g(real)[9].backward()", "raises"),
    ],
    "match_statistics": [
        ("lambda c, s: coloured(normal(s), c)", "are exchanged"),
        ("lambda c, s: (c - c.mean()) / c.std() * s.std() + s.mean()", "each channel has its own"),
        ("lambda c, s: normal(c) * moments(s)[1] ** 2 / moments(c)[1] + moments(s)[0]",
         "those are variances"),
        ("lambda c, s: c - moments(c)[0] + moments(s)[0]", "the deviations are not"),
        ("lambda c, s: normal(c) * moments(s)[1]", "the style's mean is missing"),
        ("lambda c, s: normal(c)", "that is normalised"),
        ("coloured", "own mean and deviation have to go first"),
        ("lambda c, s: coloured(c - moments(c)[0], s)", "own standard deviation"),
        ("lambda c, s: coloured(c / moments(c)[1], s)", "own mean is not subtracted"),
        ("lambda c, s: normal(s)", "the size of the style"),
        ("lambda c, s: c.mean()", "the result's shape is"),
    ],
}  # fmt: skip

RIGHT = {
    "discriminator_loss": [
        cross_entropy,
        lambda r, f: cross_entropy(r, f, torch.float32),
        lambda r, f: likely(r) + likely(-f),
        lambda r, f: sum(map(by_cases, -r)) / len(r) + sum(map(by_cases, f)) / len(f),
        lambda r, f: F.softplus(-torch.tensor(r)).mean() + F.softplus(torch.tensor(f)).mean(),
    ],
    "best_discriminator": [
        by_loop,
        from_logits,
        lambda r, f: filled(r, f, 0.5),
        lambda r, f: r / np.where(r + f, r + f, 1) + 0.5 * (r + f == 0),
        lambda r, f: (torch.tensor(r) / torch.tensor(r + f)).nan_to_num(0.5).float(),
        lambda r, f: (r + 1e-20) / (r + f + 2e-20),
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

RIGHT |= {
    "least_squares_step": [in_two_halves, fakes_made_twice, by_grad],
    "match_statistics": [
        channel_by_channel,
        with_torch,
        lambda c, s: coloured(normal(c), s),
        lambda c, s: normal(c.astype(np.float32)) * moments(s)[1] + moments(s)[0],
    ],
}
