"""Answers to the clinic of chapter 2: tests and mended programs, wrong and right ones."""

import copy

import numpy as np
import torch
from scipy import ndimage

from course_utils import filters

F = torch.nn.functional


# no zero_grad
def three_batches():
    draw = torch.Generator().manual_seed(3)
    return [(torch.randn(4, 5, generator=draw), torch.arange(4) % 3) for _ in range(3)]


def weights_after(program, calls, seed=0, clear=True):
    """The parameters of a small model after the calls, each of them with some batches."""
    torch.manual_seed(seed)
    model = torch.nn.Linear(5, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for batches in calls:
        program(model, optimizer, batches)
        if clear:
            optimizer.zero_grad()
    return [p.detach().clone() for p in model.parameters()]


def zero_grad_test(program):
    batches = three_batches()
    together = weights_after(program, [batches])
    apart = weights_after(program, [[batch] for batch in batches])
    assert all(torch.allclose(a, b) for a, b in zip(together, apart, strict=True))


def zero_grad_by_hand(program):
    model = torch.nn.Linear(5, 3)
    twin, batches = copy.deepcopy(model), three_batches()
    program(model, torch.optim.SGD(model.parameters(), lr=0.5), batches)
    for x, y in batches:
        found = torch.autograd.grad(F.cross_entropy(twin(x), y), list(twin.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(twin.parameters(), found, strict=True):
                parameter -= 0.5 * gradient
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5), "three steps by hand lead elsewhere"


def zero_grad_one_batch(program):
    batch = three_batches()[:1]
    a, b = weights_after(program, [batch]), weights_after(program, [batch])
    assert torch.equal(a[0], b[0])


def zero_grad_gradient_is_none(program):
    model = torch.nn.Linear(5, 3)
    program(model, torch.optim.SGD(model.parameters(), lr=0.5), three_batches())
    assert model.weight.grad is None


def zero_grad_two_batches(program):
    batches = three_batches()[:2]
    together = weights_after(program, [batches])
    apart = weights_after(program, [[batch] for batch in batches])
    assert torch.allclose(together[0], apart[0])


def training(before=False, between=False, first=False):
    """A training; says where it removes the gradients."""

    def train(model, optimizer, batches):
        losses = []
        if first:
            optimizer.zero_grad()
        for x, y in batches:
            if before:
                model.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            if between:
                optimizer.zero_grad()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return train


def by_numbers(model, optimizer, batches):
    for x, y in batches:
        F.cross_entropy(model(x), y).item().backward()


def cleared_after(model, optimizer, batches):
    losses = []
    for x, y in batches:
        losses.append(F.cross_entropy(model(x), y))
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    return torch.stack(losses).detach().float()


# the loss
def loss_test(program):
    sure, labels = torch.tensor([[20.0, 0, 0], [0, 20, 0]]), torch.tensor([0, 1])
    assert program(sure, labels) < 0.01
    assert program(sure, torch.tensor([2, 2])) > 10
    logits = torch.tensor([[0, np.log(3)], [0, np.log(3)]])
    assert abs(program(logits, torch.tensor([1, 0])) - (np.log(4 / 3) + np.log(4)) / 2) < 1e-4


def loss_by_torch(program):
    torch.manual_seed(0)
    logits, labels = torch.randn(5, 4), torch.tensor([0, 3, 1, 1, 2])
    assert torch.allclose(program(logits, labels), F.cross_entropy(logits, labels))


def loss_is_positive(program):
    logits, labels = torch.tensor([[2.0, 0, 1]]), torch.tensor([0])
    assert program(logits, labels) > 0


def loss_of_a_guess(program):
    assert abs(program(torch.zeros(2, 10), torch.tensor([3, 4])) - np.log(10)) < 1e-3


def loss_is_exactly_zero(program):
    assert program(torch.tensor([[5.0, 0]]), torch.tensor([0])) == 0


# the blur
def blur_test(program):
    dot = np.zeros((7, 9))
    dot[3, 4] = 9
    blurred = program(dot, 3)
    assert np.allclose(blurred, blurred[::-1]) and np.allclose(blurred, blurred[:, ::-1])


def blur_by_centre(program):
    dot = np.zeros((11, 11))
    dot[4, 6] = 1
    assert np.allclose(ndimage.center_of_mass(np.asarray(program(dot, 3))), (4, 6))


def blur_shape(program):
    assert program(np.zeros((6, 8)), 3).shape == (6, 8)


def blur_of_an_even_picture(program):
    assert np.allclose(program(np.ones((6, 8)), 5), 1)


def blur_mirrored_rows(program):
    dot = np.zeros((7, 9))
    dot[3, 4] = 9
    blurred = program(dot, 3)
    assert np.allclose(blurred, blurred[::-1])


def blur(image, size, before, after, mode="edge"):
    padded = np.pad(image, ((before, after), (before, after)), mode=mode)
    return filters.correlate(padded, np.full((size, size), 1 / size**2))


# the shuffle
def shuffle_test(program):
    images = np.arange(20)[:, None, None] * np.ones((20, 2, 2))
    some, labels = program(images.copy(), np.arange(20), np.random.default_rng(1))
    assert (some[:, 0, 0] == labels).all()
    assert sorted(labels) == list(range(20))


def shuffle_by_sets(program):
    images, labels = np.arange(12.0).reshape(12, 1, 1), np.arange(12) % 5
    found = program(images, labels, np.random.default_rng(0))
    pairs = {(float(image[0, 0]), int(label)) for image, label in zip(*found, strict=True)}
    assert pairs == {(float(i), i % 5) for i in range(12)}


def shuffle_lengths(program):
    some, labels = program(np.zeros((9, 2, 2)), np.arange(9), np.random.default_rng(0))
    assert len(some) == len(labels) == 9


def shuffle_pairs_only(program):
    images = np.arange(20)[:, None, None] * np.ones((20, 2, 2))
    some, labels = program(images, np.arange(20), np.random.default_rng(1))
    assert (some[:, 0, 0] == labels).all()


def shuffle_stays(program):
    images = np.arange(20)[:, None, None] * np.ones((20, 2, 2))
    some, _ = program(images, np.arange(20), np.random.default_rng(1))
    assert (some == images).all()


def together(images, labels, rng):
    order = rng.permutation(len(images))
    return images[order], labels[order]


def together_by_pairs(images, labels, rng):
    pairs = list(zip(images, labels, strict=True))
    rng.shuffle(pairs)
    return [image for image, _ in pairs], [label for _, label in pairs]


def together_by_seed(images, labels, rng):
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(5))
    return torch.tensor(images).float()[order], torch.tensor(labels)[order]


def drawn_again(images, labels, rng):
    drawn = rng.integers(len(images), size=len(images))
    return images[drawn], labels[drawn]


def tests_nothing(program):
    assert callable(program)


STOPS, LETS = "stops a program that is right", "lets a program pass that"
WRONG = {
    "test_zero_grad": [
        ("zero_grad_one_batch", LETS),
        ("zero_grad_gradient_is_none", STOPS),
        ("zero_grad_two_batches", "before every second batch|before the first|first parameter"),
        ("tests_nothing", "never calls"),
    ],
    "mended_training": [
        ("by_numbers", "has no `backward`"),
        ("training()", "old gradients are in it"),
        ("training(first=True)", "old gradients are in it"),
        ("training(between=True)", "gone before the step"),
        ("lambda *a: training(before=True)(*a)[:1]", "losses is 1; one for each of the 2"),
        ("lambda *a: training(before=True)(*a)[::-1]", "the losses are not"),
        (
            "lambda m, o, b: [0 for _ in b]",
            "number_of_batches=2.*as well",
        ),
        ("lambda *a: print(end='')", "is a `return` missing"),
    ],
    "test_loss": [
        ("loss_is_positive", LETS),
        ("loss_of_a_guess", LETS),
        ("loss_is_exactly_zero", STOPS),
        ("tests_nothing", "never calls"),
    ],
    "mended_loss": [
        ("lambda z, y: F.cross_entropy(z.softmax(dim=1), y)", "softmax is taken twice"),
        ("lambda z, y: F.nll_loss(z.softmax(dim=1), y)", "wants logarithms"),
        ("lambda z, y: F.nll_loss(z.softmax(dim=1).log(), y)", "its logarithm is −∞"),
        ("lambda z, y: F.nll_loss(z.log_softmax(dim=0), y)", "each \\*row\\*"),
        ("lambda z, y: F.cross_entropy(z, y, reduction='sum')", "not its mean"),
        ("lambda z, y: -F.cross_entropy(z, y)", "the sign"),
    ],
    "test_blur": [
        ("blur_shape", LETS),
        ("blur_of_an_even_picture", LETS),
        ("blur_mirrored_rows", "to the right alone"),
        ("tests_nothing", "never calls"),
    ],
    "mended_blur": [
        ("lambda i, s: blur(i, s, s - 1, 0)", "down and to the right"),
        ("lambda i, s: blur(i, s, 0, s - 1)", "up and to the left"),
        ("lambda i, s: blur(i, s, s // 2, s // 2, 'constant')", "the rim gets darker"),
        ("lambda i, s: blur(i, s, s // 2, s // 2, 'reflect')", "mirror the picture"),
        ("lambda i, s: blur(i, s, 0, 0)", "become smaller"),
        ("lambda i, s: blur(i, s, s // 2 + 1, s // 2 - 1)", "is wrong|to the right|raises"),
    ],
    "test_shuffle": [
        ("shuffle_lengths", LETS),
        ("shuffle_pairs_only", "draws some examples twice"),
        ("shuffle_stays", STOPS),
        ("tests_nothing", "never calls"),
    ],
    "mended_shuffle": [
        ("lambda x, y, rng: (rng.permutation(x), rng.permutation(y))", "there are two orders"),
        ("lambda x, y, rng: (rng.permutation(x), y)", "labels have not moved"),
        ("lambda x, y, rng: (x, rng.permutation(y))", "pictures have not moved"),
        ("drawn_again", "drawn twice"),
        ("lambda x, y, rng: (x, y)", "nothing is shuffled"),
    ],
}

RIGHT = {
    "test_zero_grad": [zero_grad_test, zero_grad_by_hand],
    "mended_training": [training(before=True), cleared_after],
    "test_loss": [loss_test, loss_by_torch],
    "mended_loss": [
        F.cross_entropy,
        lambda z, y: F.nll_loss(z.log_softmax(1), y),
        lambda z, y: (z.logsumexp(1) - z[torch.arange(len(y)), y]).mean().float(),
    ],
    "test_blur": [blur_test, blur_by_centre],
    "mended_blur": [
        lambda i, s: blur(i, s, s // 2, s // 2),
        lambda i, s: ndimage.uniform_filter(i, s, mode="nearest").astype(np.float32),
        lambda i, s: F.avg_pool2d(
            F.pad(torch.tensor(i)[None, None], [s // 2] * 4, mode="replicate"), s, 1
        )[0, 0],
    ],
    "test_shuffle": [shuffle_test, shuffle_by_sets],
    "mended_shuffle": [together, together_by_pairs, together_by_seed],
}
