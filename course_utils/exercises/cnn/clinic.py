"""The clinic of chapter 2: programs that are wrong without an error, their tests, their mending."""

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from course_utils import filters
from course_utils.exercises.clinic import test_exercise
from course_utils.exercises.engine import Exercise, close, mistakes

RATE = 0.1  # of the mended training's optimizer


# no zero_grad
def _clearing(before=None, between=None, after=None):
    """A training like the chapter's, which calls these functions (optimizer, number of batch)."""
    nothing = lambda optimizer, number: None  # noqa: E731
    before, between, after = before or nothing, between or nothing, after or nothing

    def train(model, optimizer, batches):
        losses = []
        for number, (x, y) in enumerate(batches):
            before(optimizer, number)
            loss = functional.cross_entropy(model(x), y)
            between(optimizer, number)
            loss.backward()
            optimizer.step()
            after(optimizer, number)
            losses.append(loss.item())
        return losses

    return train


def _clear(optimizer, number):
    optimizer.zero_grad()


def _clear_first(optimizer, number):
    if number == 0:
        optimizer.zero_grad()


def _clear_even(optimizer, number):
    if number % 2 == 0:
        optimizer.zero_grad()


def _clear_one(optimizer, number):
    optimizer.param_groups[0]["params"][0].grad = None


def _trained(program):
    """A training (model, optimizer, batches) → what it makes of arrays: all weights, the losses."""

    def run(weight, x, y, count):
        model = torch.nn.Linear(weight.shape[1], len(weight), dtype=torch.float64)
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(weight))
            model.bias.zero_()
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        parts = zip(torch.tensor(x).chunk(count), torch.tensor(y).chunk(count), strict=True)
        losses = program(model, optimizer, list(parts))
        if losses is None:
            return None
        after = [parameter.detach().ravel() for parameter in model.parameters()]
        return np.concatenate([np.asarray(losses, dtype=float).ravel(), *after])

    return run


def _hint_training(got, wanted, arguments):
    weight, _, _, count = arguments
    if got.shape != wanted.shape:
        losses = got.size - weight.size - len(weight)
        return f"the number of losses is {losses}; one for each of the {count} batches is wanted"
    if close(got[count:], wanted[count:]):
        return "the weights after the last step are right; the losses are not"
    if close(got[:count], wanted[:count]):
        return "the losses are right; the weights after the last step are not"
    return "the losses are wrong, and the weights after the last step as well"


def _learns_nothing(model, optimizer, batches):
    losses = []
    for x, y in batches:
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _training_cases(rng):
    cases = [(np.array([[1.0, 0], [0, 1], [0, 0]]), np.array([[1.0, 2], [0, 1]]), np.array([0, 2]),
              2)]  # fmt: skip
    for count, size, (classes, features) in (
        (1, 3, (3, 2)), (2, 2, (2, 4)), (3, 2, (4, 3)), (4, 1, (3, 5)), (2, 5, (5, 2)),
        (5, 3, (3, 4)), (6, 4, (6, 5)),
    ):  # fmt: skip
        x, y = rng.normal(size=(count * size, features)), rng.integers(classes, size=count * size)
        cases.append((rng.normal(size=(classes, features)), x, y, count))
    return cases


# softmax before cross-entropy
def _by_hand(logits, labels):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    logarithms = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logarithms[torch.arange(len(labels)), labels].mean()


def _twice(logits, labels):
    return functional.cross_entropy(logits.softmax(dim=1), labels)


def _summed(logits, labels):
    return functional.cross_entropy(logits, labels, reduction="sum")


def _down_the_batch(logits, labels):
    return functional.nll_loss(logits.log_softmax(dim=0), labels)


def _not_logged(logits, labels):
    return functional.nll_loss(logits.softmax(dim=1), labels)


def _sigmoid(logits, labels):
    return functional.cross_entropy(logits.sigmoid(), labels)


def _of_tensors(loss_of):
    """A loss of tensors → the same of arrays."""

    def run(logits, labels):
        loss = loss_of(torch.as_tensor(logits), torch.as_tensor(labels))
        return loss.detach().numpy() if hasattr(loss, "detach") else loss

    return run


def _logits_and_labels(rng):
    cases = [(np.array([[2.0, 0, 1]]), np.array([0])),
             (np.array([[0.0, 9], [7, 0], [0, 8]]), np.array([1, 0, 0]))]  # fmt: skip
    for rows, classes, size in ((4, 3, 1), (2, 5, 3), (6, 10, 1), (5, 4, 8), (3, 7, 1)):
        cases.append((rng.normal(size=(rows, classes)) * size, rng.integers(classes, size=rows)))
    return [*cases, (np.array([[2000.0, 0, 10], [0, -2000, 5]]), np.array([0, 1]))]


# padding off by one
def _blur(image, size, before=None, mode="edge"):
    """before: how many of the size − 1 new rows stand above; None: half of them."""
    before = size // 2 if before is None else before
    width = (before, size - 1 - before)
    padded = np.pad(image, (width, width), mode=mode)
    return filters.correlate(padded, np.full((size, size), 1 / size**2))


def _blur_by_scipy(image, size):
    return ndimage.uniform_filter(np.asarray(image, dtype=float), size, mode="nearest")


def _blur_by_torch(image, size):
    x = torch.tensor(np.asarray(image, dtype=float))[None, None]
    padded = functional.pad(x, [size // 2] * 4, mode="replicate")
    return functional.avg_pool2d(padded, size, stride=1)[0, 0].numpy()


def _blur_right(image, size):
    rows, columns = (size // 2, size // 2), (size - 1, 0)
    padded = np.pad(image, (rows, columns), mode="edge")
    return filters.correlate(padded, np.full((size, size), 1 / size**2))


def _blur_cases(rng):
    tiny = np.zeros((3, 4))
    tiny[1, 2] = 9
    small = np.array([[1.0, 5, 0, 2], [0, 2, 3, 1], [4, 0, 1, 1]])
    sizes = (3, 5, 1, 7, 3, 5, 9)
    drawn = [(rng.normal(size=rng.integers(9, 15, 2)), size) for size in sizes]
    return [(tiny, 3), (small, 3), *drawn]


# labels that are shuffled apart from their pictures
def _together(images, labels, rng):
    order = rng.permutation(len(images))
    return images[order], labels[order]


def _together_by_loop(images, labels, rng):
    places = list(range(len(images)))
    rng.shuffle(places)
    return np.stack([images[i] for i in places]), np.array([labels[i] for i in places])


def _apart(images, labels, rng):
    return rng.permutation(images), rng.permutation(labels)


def _only_images(images, labels, rng):
    return rng.permutation(images), labels


def _only_labels(images, labels, rng):
    return images, rng.permutation(labels)


def _drawn_again(images, labels, rng):
    drawn = rng.integers(len(images), size=len(images))
    return images[drawn], labels[drawn]


def _unmoved(images, labels, rng):
    return images, labels


def _pairs(shuffle):
    """A shuffle → the pairs that it returns, sorted by their pictures; last, whether it moved any.

    Pictures are told by their first pixel, which is another one in each.
    """

    def run(images, labels, seed):
        found = shuffle(images.copy(), labels.copy(), np.random.default_rng(seed))
        if found is None:
            return None
        first = np.asarray(found[0]).reshape(len(found[0]), -1)[:, 0]
        order = np.argsort(first, kind="stable")
        moved = len(first) != len(images) or (first != images.reshape(len(images), -1)[:, 0]).any()
        pairs = np.column_stack([first, np.asarray(found[1])])[order]
        return np.vstack([pairs, [float(moved), 0]])

    return run


def _kept(images, labels, seed):
    """What `_pairs` makes of a right shuffle."""
    first = images.reshape(len(images), -1)[:, 0]
    pairs = np.column_stack([first, labels])[np.argsort(first)]
    return np.vstack([pairs, [1.0, 0]])


def _pictures_and_labels(rng):
    cases = []
    sizes = [(8, 1, 1), (9, 1, 2), (10, 2, 3), (12, 4, 3), (15, 5, 5), (20, 2, 2), (30, 3, 1)]
    for count, height, width in [*sizes, (60, 6, 4)]:
        images = rng.integers(0, 9, (count, height, width))
        images[:, 0, 0] = rng.permutation(count) + 10
        cases.append((images, rng.integers(0, 10, count), int(rng.integers(1000))))
    return cases


EXERCISES = {
    "test_zero_grad": test_exercise(
        right=[_clearing(before=_clear), _clearing(between=_clear), _clearing(after=_clear)],
        wrong={
            "never removes the old gradients": _clearing(),
            "removes the old gradients before the first batch only": _clearing(before=_clear_first),
            "removes the old gradients before every second batch": _clearing(before=_clear_even),
            "removes the old gradients of the first parameter alone": _clearing(before=_clear_one),
        },
        verified="three right trainings, four that keep old gradients",
        steps=(
            "One call with a list of two batches must lead to the same weights as two calls with "
            "one batch each, if your test itself removes the gradients between the two calls.",
            "Both ways have to begin with equal weights. How many batches does your test need to "
            "notice a program that removes the gradients only every second time? And if a program "
            "forgets some of the parameters, is it enough to compare one parameter?",
        ),
    ),
    "mended_training": Exercise(
        reference=_trained(_clearing(before=_clear)),
        cases=_training_cases,
        verified="1 to 6 batches; the losses and all weights",
        hints=[
            mistakes(
                (_trained(_clearing()), "from the second batch on, the old gradients are in it"),
                (_trained(_clearing(before=_clear_first)),
                 "from the second batch on, the old gradients are in it"),
                (_trained(_learns_nothing), "the gradients are gone before the step uses them"),
            ),
            _hint_training,
        ],
        wrap=_trained,
        names=("start_weights", "x", "y", "number_of_batches"),
        errors={
            "no attribute 'backward'": "`.item()` makes a plain number, and a plain number has no "
            "`backward`",
            "on Tensor that requires grad": "the list holds tensors that still require gradients; "
            "a plain number for each batch is wanted",
            "second time": "`backward` can go through a forward pass only once; here it goes "
            "through a part of it a second time",
        },
        level=1,
        minutes=5,
        steps=(
            "`backward` adds to the gradients that are there: see 2.9.",
            "There are three places in the loop where the missing call may stand, and two where it "
            "does harm. What must lie between it and the step?",
        ),
    ),
    "test_loss": test_exercise(
        right=[functional.cross_entropy, _by_hand,
               lambda logits, labels: functional.nll_loss(logits.log_softmax(dim=1), labels)],
        wrong={
            "takes softmax twice": _twice,
            "takes a sigmoid before cross-entropy": _sigmoid,
            "divides by the sum over the batch, not over the classes": _down_the_batch,
            "forgets the logarithm": _not_logged,
        },
        verified="three right losses, four wrong ones",
        steps=(
            "Which loss belongs to a prediction that is right and sure, and which to logits that "
            "are all equal? 2.19 computes both on paper.",
            "With logits such as 20 against 0 softmax is as good as certain. Which wrong programs "
            "does a test with such logits stop? And which wrong program passes it, so that your "
            "test also needs logits that are less certain?",
        ),
    ),
    "mended_loss": Exercise(
        reference=_of_tensors(functional.cross_entropy),
        cases=_logits_and_labels,
        verified="small and large logits",
        hints=[
            mistakes(
                (_of_tensors(_twice), "softmax is taken twice: cross-entropy has its own"),
                (_of_tensors(_not_logged), "nll_loss wants logarithms of probabilities"),
                (_of_tensors(functional.nll_loss), "nll_loss wants logarithms of probabilities"),
                (_of_tensors(_summed), "that is the sum over the batch, not its mean"),
                (_of_tensors(_down_the_batch), "each *row* of logits belongs to one picture"),
                (lambda z, y: -_of_tensors(functional.cross_entropy)(z, y), "the sign: a loss is "
                 "never negative here"),
            ),
            lambda got, wanted, arguments: None if np.isfinite(got).all() else
            "the probability is rounded to 0, and its logarithm is −∞: see log_softmax",
        ],
        wrap=_of_tensors,
        level=1,
        minutes=5,
        steps=(
            "What does `functional.cross_entropy` expect: probabilities or logits?",
            "Count how often a softmax is taken on the way from the logits to the loss.",
        ),
    ),
    "test_blur": test_exercise(
        right=[_blur, _blur_by_scipy, _blur_by_torch],
        wrong={
            "moves the picture down and to the right": lambda i, s: _blur(i, s, before=s - 1),
            "moves the picture up and to the left": lambda i, s: _blur(i, s, before=0),
            "moves the picture to the right alone": _blur_right,
        },
        verified="three right blurs, three that move the picture",
        steps=(
            "The shape is right in all of them, so it says nothing. Where must a single white dot "
            "be after the blur?",
            "A blurred dot is symmetric about the place where the dot was. How can a test see "
            "that, for each of the two axes?",
        ),
    ),
    "mended_blur": Exercise(
        reference=_blur,
        cases=_blur_cases,
        verified="windows of 1 to 9 pixels",
        hints=[
            mistakes(
                (lambda i, s: _blur(i, s, before=s - 1), "the picture moves down and to the right"),
                (lambda i, s: _blur(i, s, before=0), "the picture moves up and to the left"),
                (_blur_right, "the picture moves to the right"),
                (lambda i, s: _blur(i, s, mode="constant"),
                 "the rim gets darker: the new pixels are 0, and the edge is wanted"),
                (lambda i, s: _blur(i, s, mode="reflect"),
                 "the new pixels mirror the picture; they repeat the pixel at the edge"),
                (lambda i, s: filters.correlate(i, np.full((s, s), 1 / s**2)),
                 "the picture has become smaller"),
            )
        ],
        errors={"negative values": "a window of 1 needs no new pixel; no width may be below 0"},
        level=1,
        minutes=5,
        steps=(
            "How many new rows are there in all, and how many of them are above the picture?",
            "For an odd window the same number belongs on every side; 2.15 has it for 3 and for "
            "21.",
        ),
    ),
    "test_shuffle": test_exercise(
        right=[_together, _together_by_loop],
        wrong={
            "gives pictures and labels two different orders": _apart,
            "moves the pictures and leaves the labels": _only_images,
            "moves the labels and leaves the pictures": _only_labels,
            "draws some examples twice and loses others": _drawn_again,
        },
        verified="two right shuffles, four wrong ones",
        steps=(
            "Make pictures that say their own label, so that the test can compare the two.",
            "Pairs that match are not enough: which of the wrong programs that the statement "
            "names keeps each label with its picture?",
        ),
    ),
    "mended_shuffle": Exercise(
        reference=_kept,
        cases=_pictures_and_labels,
        verified="8 to 60 pictures: every pair is there, in another order",
        hints=[
            mistakes(
                (_pairs(_apart), "the pairs are torn: there are two orders"),
                (_pairs(_only_images), "the pairs are torn: the labels have not moved"),
                (_pairs(_only_labels), "the pairs are torn: the pictures have not moved"),
                (_pairs(_drawn_again), "some examples are drawn twice, and others are lost"),
                (_pairs(_unmoved), "the pairs are right, and nothing is shuffled"),
            )
        ],
        wrap=_pairs,
        level=1,
        minutes=5,
        steps=(
            "How many random orders does the program draw, and how many should it draw?",
            "What could be drawn once, so that it serves the pictures and the labels?",
        ),
    ),
}  # fmt: skip
