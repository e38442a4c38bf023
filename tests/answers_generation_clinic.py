"""Answers to the clinic of 4.12 to 4.17: tests and mended functions, wrong ones and right ones."""

import numpy as np
import torch
from torch.nn import functional

softplus = functional.softplus


# test_resized
def stays_among_its_classes(program):
    labels = np.array([[0, 9, 9, 0], [9, 9, 0, 4], [4, 0, 9, 9]])
    result = program(labels, 6, 10)
    assert result.shape == (6, 10)
    assert np.isin(result, labels).all()
    assert {0, 9} <= set(np.unique(result))


def halves_stay(program):
    labels = np.zeros((4, 8), int)
    labels[:, 4:] = 9
    for height, width in ((6, 12), (2, 4), (4, 9)):
        result = np.asarray(program(labels, height, width))
        assert result.shape == (height, width)
        assert np.unique(result).tolist() == [0, 9]


def only_the_shape(program):
    assert program(np.zeros((3, 5), int), 6, 4).shape == (6, 4)


def only_the_classes(program):
    labels = np.array([[0, 9, 0], [9, 0, 9]])
    assert np.isin(program(labels, 4, 4), labels).all()


def not_too_large(program):
    labels = np.array([[0, 9, 0], [9, 0, 9]])
    result = program(labels, 4, 6)
    assert result.shape == (4, 6) and result.max() <= 9 and result.min() == 0


def one_class_only(program):
    assert (program(np.full((3, 5), 7), 6, 4) == 7).all()


def never_calls(program):
    labels = np.zeros((2, 3))
    assert labels.shape == (2, 3)


# resize_labels
def mixed(labels, height, width, mode="bilinear", whole=torch.round):
    maps = torch.tensor(labels)[None, None].double()
    return whole(functional.interpolate(maps, (height, width), mode=mode))[0, 0].int()


def nearest(labels, height, width):
    return mixed(labels, height, width, "nearest")


def one_by_one(labels, height, width):
    h, w = labels.shape
    rows = [[labels[i * h // height, j * w // width] for j in range(width)] for i in range(height)]
    return np.array(rows)


def most_probable(labels, height, width):
    maps = functional.one_hot(torch.tensor(labels)).permute(2, 0, 1)[None].double()
    return functional.interpolate(maps, (height, width), mode="bilinear").argmax(1)[0]


def rounded_to_a_class(labels, height, width):
    """A wrong mend: the mixed number is moved to the next class that occurs."""
    there = np.unique(labels)
    values = mixed(labels, height, width).numpy()
    return there[np.abs(values[..., None] - there).argmin(axis=-1)]


# test_gan_losses
def logits(*values):
    return torch.tensor(values, requires_grad=True)


def gradient(loss, fakes):
    if not loss.requires_grad:
        return None
    return torch.autograd.grad(loss, fakes, allow_unused=True, retain_graph=True)[0]


def goes_back(program):
    """As if D's loss could be gone back from."""
    program(lambda x: x, torch.ones(2), logits(-1.0, 2.0))[0].backward()


def goes_back_from_g(program):
    fakes = logits(-1.0, 2.0)
    d_loss, g_loss = program(lambda x: x, torch.ones(2), fakes)
    assert not d_loss.requires_grad
    g_loss.backward()
    assert (fakes.grad < 0).all()


def whole_test(program):
    real, fakes = logits(1.0, 3.0), logits(-2.0, 0.5, 1.0)
    d_loss, g_loss = program(lambda x: x, real, fakes)
    found = gradient(d_loss, fakes)
    assert found is None or (found == 0).all()
    found = gradient(g_loss, fakes)
    assert found is not None and (found < 0).all()
    of_d = [program(lambda x: x, logits(a), logits(b))[0] for a, b in ((5.0, -5.0), (-5.0, 5.0))]
    assert of_d[0] < of_d[1]
    assert program(lambda x: x, logits(5.0), fakes)[0] < program(lambda x: x, logits(0.0), fakes)[0]


def by_numbers(program):
    """Right: against numbers of one's own, and the gradients."""
    real, fakes = torch.tensor([2.0, -1]), torch.tensor([0.5, -3, 1], requires_grad=True)
    d_loss, g_loss = program(lambda x: 2 * x, real, fakes)
    wanted = softplus(-2 * real).mean() + softplus(2 * fakes).mean()
    assert torch.isclose(d_loss, wanted) and torch.isclose(g_loss, softplus(-2 * fakes).mean())
    assert not d_loss.requires_grad
    assert g_loss.requires_grad
    g_loss.backward()
    assert fakes.grad.abs().sum() > 0


def only_values(program):
    real, fakes = logits(1.0, 3.0), logits(-2.0, 0.5, 1.0)
    d_loss, g_loss = program(lambda x: x, real, fakes)
    assert torch.isclose(d_loss, softplus(-real).mean() + softplus(fakes).mean())
    assert torch.isclose(g_loss, softplus(-fakes).mean())


def only_gradients(program):
    fakes = logits(-2.0, 0.5, 1.0)
    d_loss, g_loss = program(lambda x: x, logits(1.0), fakes)
    found = gradient(d_loss, fakes)
    assert found is None or (found == 0).all()
    assert gradient(g_loss, fakes) is not None


def demands_zero(program):
    d_loss, _ = program(lambda x: x, logits(5.0), logits(-5.0))
    assert d_loss == 0


# gan_losses
def told(d, real, fakes, wish=1, of_real=1, of_fakes=0, loss=None):
    loss = loss or functional.binary_cross_entropy_with_logits
    answers = d(real), d(fakes.detach()), d(fakes)
    parts = [
        loss(t, torch.full_like(t, label))
        for t, label in zip(answers, (of_real, of_fakes, wish), strict=True)
    ]
    return parts[0] + parts[1], parts[2]


def attached(d, real, fakes):
    return softplus(-d(real)).mean() + softplus(d(fakes)).mean(), softplus(-d(fakes)).mean()


def detached(d, real, fakes):
    fakes = fakes.detach()
    return attached(d, real, fakes)


def saturating(d, real, fakes):
    return told(d, real, fakes)[0], -softplus(d(fakes)).mean()


def logs_of_sigmoid(d, real, fakes):
    ln = functional.logsigmoid
    d_loss = -(ln(d(real)).mean() + ln(-d(fakes.detach())).mean())
    return [d_loss, -ln(d(fakes)).mean()]


# test_mean_of_ious
def two_matrices(program):
    assert np.isclose(program(np.diag([3, 5, 0])), 1)
    counts = np.array([[4, 0, 1, 0], [2, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert np.isclose(program(counts), (4 / 7 + 1 / 2 + 0) / 3)
    assert np.isclose(program(np.array([[3, 0, 0], [2, 0, 0], [0, 0, 0]])), 3 / 5 / 2)


def against_a_loop(program):
    rng = np.random.default_rng(0)
    for _ in range(20):
        counts = rng.integers(0, 9, (6, 6)) * (rng.random((6, 6)) < 0.3)
        counts[0, 0], counts[5], counts[:, 5] = 7, 0, 0
        assert np.isclose(program(counts), by_labels(counts))


def only_perfect(program):
    assert np.isclose(program(np.diag([3, 5, 0])), 1)


def only_between(program):
    assert 0 <= program(np.diag([3, 5, 0])) <= 1


def no_absent_class(program):
    counts = np.array([[4, 0, 1], [2, 2, 0], [1, 0, 3]])
    assert np.isclose(program(counts), (4 / 8 + 2 / 4 + 3 / 5) / 3)


def absent_as_zero(program):
    assert np.isclose(program(np.diag([3, 5, 0])), 2 / 3)


# mean_iou_of_counts
def parts(counts):
    hits = counts.diagonal().astype(float)
    return hits, counts.sum(0) + counts.sum(1) - hits


def by_labels(counts):
    hits, union = parts(counts)
    return np.mean([h / u for h, u in zip(hits, union, strict=True) if u])


def with_nan(counts):
    hits, union = parts(counts)
    with np.errstate(invalid="ignore"):
        return np.nanmean(np.float32(hits) / np.float32(union))


def over(counts, which):
    hits, union = parts(counts)
    return (hits[which] / union[which]).mean()


def filled(counts, value):
    hits, union = parts(counts)
    return np.where(union > 0, hits / np.maximum(union, 1), value).mean()


WRONG = {
    "test_resized": [
        ("only_the_shape", "mixes class numbers"),
        ("only_the_classes", "exchanges height and width|the class of the first one"),
        ("not_too_large", "mixes class numbers"),
        ("one_class_only", "mixes class numbers|exchanges|the first one"),
        ("never_calls", "never calls"),
    ],
    "resize_labels": [
        ("mixed", "still mixed"),
        ("lambda *a: mixed(*a, whole=torch.floor)", "cutting the fraction off"),
        ("lambda *a: mixed(*a, whole=torch.ceil)", "rounding up"),
        ("lambda *a: mixed(*a, mode='bicubic')", "bicubic"),
        ("lambda *a: mixed(*a, mode='area')", "a mean over an area"),
        ("rounded_to_a_class", "is wrong"),
        ("lambda labels, h, w: nearest(labels, w, h)", "are exchanged"),
        ("lambda labels, h, w: labels", "the size has not changed"),
        ("most_probable", "not the most probable class"),
    ],
    "test_gan_losses": [
        ("only_values", "a gradient of D's loss|sends no gradient"),
        ("only_gradients", "trains G to be recognised|takes|rewards|forgets"),
        ("demands_zero", "stops a program that is right"),
        ("never_calls", "never calls"),
        ("goes_back", "this program is right: .*ask its `requires_grad` first"),
        ("goes_back_from_g", "this program is wrong: .*ask its `requires_grad` first"),
    ],
    "gan_losses": [
        ("lambda *a: told(*a, wish=0)", "still low where D recognises"),
        ("attached", "sends a gradient into the fakes"),
        ("detached", "no gradient of G's loss"),
        ("lambda *a: told(*a, of_real=0, of_fakes=1)", "the wrong way round"),
        ("saturating", "nearly flat"),
        ("lambda d, real, fakes: told(d, fakes.detach(), fakes)", "is wrong"),
        ("lambda *a: sum(told(*a))", "two losses are wanted"),
        ("lambda *a: [loss.item() for loss in told(*a)]", "a tensor of one number"),
    ],
    "test_mean_of_ious": [
        ("only_perfect", "nowhere as 1"),
        ("only_between", "nowhere as 0|stops none"),
        ("no_absent_class", "nowhere as 0"),
        ("absent_as_zero", "stops a program that is right"),
    ],
    "mean_iou_of_counts": [
        ("lambda counts: filled(counts, 0)", "still counts as 0"),
        ("lambda counts: filled(counts, 1)", "counts as 1"),
        ("lambda counts: over(counts, counts.sum(1) > 0)", "only predicted is left out"),
        ("lambda counts: over(counts, counts.sum(0) > 0)", "never predicted is left out"),
        ("lambda counts: over(counts, counts.diagonal() > 0)", "without a hit"),
        ("lambda counts: counts.trace() / counts.sum()", "pixel accuracy"),
        ("lambda counts: np.divide(*parts(counts)).mean()", "0 by 0"),
        ("lambda counts: over(counts, parts(counts)[1] > 0) ** 2", "is wrong"),
    ],
}

RIGHT = {
    "test_resized": [stays_among_its_classes, halves_stay],
    "resize_labels": [nearest, one_by_one],
    "test_gan_losses": [whole_test, by_numbers],
    "gan_losses": [told, logs_of_sigmoid],
    "test_mean_of_ious": [two_matrices, against_a_loop],
    "mean_iou_of_counts": [by_labels, with_nan, lambda c: over(c, parts(c)[1] > 0)],
}
