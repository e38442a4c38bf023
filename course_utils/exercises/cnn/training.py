"""Exercises of chapter 2 on the loss, its gradient and a training step: sections 2.19 to 2.23."""

import itertools

import numpy as np
import torch

from course_utils.exercises.engine import Exercise, close, mistakes

# log_softmax
SMALL = 100  # exp of such logits fits into a float


def _log_softmax(logits, axis=1):
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _log_softmax_cases(rng):
    tiny = [(np.array([[0.0, 1, 3], [2, 2, 5]]),), (np.array([[4.0, 1, 0, -2]]),)]
    drawn = [(rng.normal(size=rng.integers(2, 6, 2)) * 3,) for _ in range(5)]
    apart = np.array([[1000.0, 1001], [0, 1], [-1000, -998]])  # each row in its own place
    large = (rng.normal(size=(3, 4)) * 1000).astype(np.float32)  # float32 holds just these
    return tiny + drawn + [(large.astype(float),), (apart,)]


def _hint_not_finite(got, wanted, arguments):
    if got.shape != wanted.shape or np.isfinite(got).all():
        return None
    if np.abs(arguments[0]).max() < SMALL:
        return "a logarithm is taken of a number that is 0 or negative; softmax has none of them"
    return "exp of large logits is inf, and of very negative ones 0, whose logarithm is −inf"


def _hint_rows(got, wanted, arguments):
    if got.shape != wanted.shape:
        return (
            f"the result's shape is {got.shape}; the logits' own is expected, {wanted.shape}: "
            "one number for each logit"
        )


_hint_log_softmax = mistakes(
    (lambda z: np.exp(_log_softmax(z)), "that is softmax; its logarithm is asked for"),
    (lambda z: -_log_softmax(z), "the sign: the logarithm of a number below 1 is negative"),
    (lambda z: _log_softmax(z, axis=(0, 1)),
     "each *row* has its own sum; here the whole array has one"),
    (lambda z: _log_softmax(z, axis=0), "each *row* has its own sum; here each column has one"),
    (lambda z: _log_softmax(z) / np.log(2), "that is log2; the natural logarithm is asked for"),
    (lambda z: _log_softmax(z) + z.max(axis=1, keepdims=True),
     "the largest logit is subtracted in the sum, and not from the logits"),
    (lambda z: np.log(np.exp(_log_softmax(z)) + 1e-12),
     "a small number inside the logarithm bounds it: softmax may be smaller than that"),
    (lambda z: np.log(np.exp(_log_softmax(z)) + 1e-9),
     "a small number inside the logarithm bounds it: softmax may be smaller than that"),
    (lambda z: z - z.max(axis=1, keepdims=True), "the logarithm of the sum is missing"),
    (lambda z: z - np.exp(z).sum(axis=1, keepdims=True), "the sum's *logarithm* is subtracted"),
)  # fmt: skip


# numeric_gradient
class Loss:
    """A function of an array of weights → a number, for the cases of numeric_gradient."""

    def __init__(self, target, power):
        self.target, self.power = target, power

    def __call__(self, weights):
        return float((np.asarray(weights) - self.target).ravel() ** self.power @ self._factors())

    def _factors(self):
        return np.arange(1, self.target.size + 1) / self.target.size

    def __eq__(self, other):
        same = isinstance(other, Loss) and self.power == other.power
        return same and np.array_equal(self.target, other.target)

    def __hash__(self):
        return hash((self.target.tobytes(), self.power))

    def __repr__(self):
        return "loss_of"


def _numeric_gradient(loss_of, weights, h=1e-5):
    gradient = np.zeros(weights.shape)
    for place in np.ndindex(weights.shape):
        step = np.zeros(weights.shape)
        step[place] = h
        gradient[place] = (loss_of(weights + step) - loss_of(weights - step)) / (2 * h)
    return gradient


def _numeric_gradient_cases(rng):
    tiny = [(Loss(np.array([1.0, 0]), 2), np.array([3.0, 2])),
            (Loss(np.array([[0.0, 2, 1]]), 2), np.array([[1.0, 0, 5]]))]  # fmt: skip
    shapes = [(4,), (2, 3), (3, 2, 4), (1, 4, 2), (2, 3, 2, 5), (3, 1, 4, 2)]
    drawn = [(Loss(rng.normal(size=shape), 2 + place % 2), rng.normal(size=shape) + 1)
             for place, shape in enumerate(shapes)]  # fmt: skip
    return tiny + drawn


_hint_numeric_gradient = mistakes(
    (lambda f, w: 2 * _numeric_gradient(f, w), "the two points are 2 h apart, not h"),
    (lambda f, w: _numeric_gradient(f, w) / 2,
     "that is half the slope: by how much do the two points differ?"),
    (lambda f, w: -_numeric_gradient(f, w), "the sign: how much *larger* does the loss get?"),
    (lambda f, w: np.full(w.shape, _numeric_gradient(f, w).sum()),
     "all weights move together; the gradient moves one at a time"),
    (lambda f, w: _numeric_gradient(f, w).sum(),
     "one number comes out; the gradient has one for each weight"),
    (lambda f, w: 0.0 * w, "nothing changes: does the loss see the weight that was moved?"),
)  # fmt: skip


# training_step
RATE, OLD = 0.5, 1.0  # the learning rate, and what stands in every gradient before


def _with_a_model(answer):
    """An answer that takes (model, optimizer, parts) → one that takes arrays, as the cases do.

    It returns the loss, and all parameters after the step, in one row.
    """

    def run(weight, x, y, count):
        model = torch.nn.Linear(weight.shape[1], len(weight), dtype=torch.float64)
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(weight))
            model.bias.zero_()
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, OLD)
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        parts = zip(torch.tensor(x).chunk(count), torch.tensor(y).chunk(count), strict=True)
        loss = answer(model, optimizer, list(parts))
        if loss is None:
            return None
        loss = loss.item() if hasattr(loss, "item") else loss
        after = [parameter.detach().ravel() for parameter in model.parameters()]
        return np.concatenate([[float(loss)], *after])

    return run


def _loss_and_gradient(weight, bias, x, y):
    """The mean cross-entropy of a linear layer; the gradient of (weight, bias), (K, D + 1)."""
    logits = _log_softmax(x @ weight.T + bias)
    wrong = (np.exp(logits) - np.eye(len(weight))[y]) / len(x)
    gradient = np.column_stack([wrong.T @ x, wrong.sum(axis=0)])
    return -logits[np.arange(len(x)), y].mean(), gradient


def _training_step(weight, x, y, count, kept=0.0, scale=1.0, part=slice(None)):
    """kept: of the old gradients; scale: of the new ones; part: of the data."""
    together = np.column_stack([weight, np.zeros(len(weight))])
    _, gradient = _loss_and_gradient(weight, 0, x[part], y[part])
    together = together - RATE * (scale * gradient + kept * OLD)
    whole = _loss_and_gradient(weight, 0, x, y)[0]
    return np.concatenate([[whole], together[:, :-1].ravel(), together[:, -1]])


_TOLD = (np.mean, np.sum, lambda losses: losses[-1], lambda losses: losses[-1] / len(losses))


def _step_for_each(clear, shared, told):
    """A step for each part, as a function of arrays.

    clear: where the gradients are removed, "first" in front of the loop, "before" or "after" in it.
    shared: whether each loss is divided by the number of parts. told: losses → what is returned.
    """

    def step(model, optimizer, parts):
        losses = []
        if clear == "first":
            optimizer.zero_grad()
        for x, y in parts:
            if clear == "before":
                optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            (loss / len(parts) if shared else loss).backward()
            optimizer.step()
            if clear == "after":
                optimizer.zero_grad()
            losses.append(loss.item())
        return told(losses)

    return _with_a_model(step)


def _training_step_cases(rng):
    cases = [(np.array([[1.0, 0], [0, 1], [0, 0]]), np.array([[1.0, 2], [0, 1]]), np.array([0, 2]),
              2)]  # fmt: skip
    for count, size, (classes, features) in (
        (1, 3, (3, 2)), (2, 2, (2, 4)), (3, 2, (4, 3)), (4, 1, (3, 5)), (2, 5, (5, 2)),
        (5, 3, (3, 4)), (3, 4, (6, 5)),
    ):  # fmt: skip
        x, y = rng.normal(size=(count * size, features)), rng.integers(classes, size=count * size)
        cases.append((rng.normal(size=(classes, features)), x, y, count))
    return cases


_hint_training_step = mistakes(
    (lambda w, x, y, n: _training_step(w, x, y, n, kept=1.0),
     "the gradients of an earlier step are still in it"),
    (lambda w, x, y, n: _training_step(w, x, y, n, scale=n),
     "the gradients of the parts are added: that is their sum, not the mean"),
    (lambda w, x, y, n: _training_step(w, x, y, n, scale=n, kept=1.0),
     "the gradients of an earlier step are still in it, and the parts' are not averaged"),
    (lambda w, x, y, n: _training_step(w, x, y, n, part=slice(-len(x) // n, None)),
     "only the last part counts: its gradient has replaced those of the others"),
    (lambda w, x, y, n: _training_step(w, x, y, n, scale=1 / n, part=slice(-len(x) // n, None)),
     "only the last part counts: its gradient has replaced those of the others"),
    (lambda w, x, y, n: _training_step(w, x, y, n, scale=0),
     "the weights stay: the gradients were gone before the step"),
    *((_step_for_each(*options), "the model has taken one step for each part; one step is wanted, "
       "after all parts")
      for options in itertools.product(("", "first", "before", "after"), (1, 0), _TOLD)),
)  # fmt: skip


def _hint_part_of_step(got, wanted, arguments):
    if got.shape == wanted.shape:
        if close(got[1:], wanted[1:]):
            return "the step is right; the loss is not: the mean over all parts is wanted"
        if close(got[:1], wanted[:1]):
            return "the loss is right; the weights after the step are not"
        return "the loss is wrong, and the weights after the step as well"


EXERCISES = {
    "log_softmax": Exercise(
        reference=_log_softmax,
        cases=_log_softmax_cases,
        verified="rows around 1000, 0 and −1000",
        hints=[_hint_log_softmax, _hint_not_finite, _hint_rows],
        errors={
            "broadcast": "each row's sum has to stand beside all numbers of its own row: print the "
            "shapes of the logits and of the sum",
        },
        level=2,
        minutes=10,
        steps=(
            "Write the formula of softmax down, take its logarithm, and simplify before you "
            "program: the logarithm of a quotient is a difference.",
            "One exponential is left, in a sum. Which number may be taken from all logits of a row "
            "so that it cannot overflow?",
        ),
    ),
    "numeric_gradient": Exercise(
        reference=_numeric_gradient,
        cases=_numeric_gradient_cases,
        verified="weights with 1 to 4 axes",
        hints=[_hint_numeric_gradient],
        errors={
            "broadcast": "`loss_of` takes weights of the shape that `weights` has, all at once"
        },
        level=2,
        minutes=10,
        steps=(
            "Section 2.20 does it for one weight; here every weight gets its turn.",
            "np.ndindex(weights.shape) runs over all places. At each one two losses are needed, of "
            "weights that differ in this place only.",
        ),
    ),
    "training_step": Exercise(
        reference=_training_step,
        cases=_training_step_cases,
        verified="1 to 5 parts, gradients of an earlier step in the way",
        hints=[_hint_training_step, _hint_part_of_step],
        errors={
            "does not require grad": "the loss that goes back has to be the one that the model and "
            "`cross_entropy` gave, not a number made by `.item()`",
            "second time": "`backward` can go through a forward pass only once; here it goes "
            "through a part of it a second time",
            "no attribute 'backward'": "a number has no `backward`; the tensor of the loss has",
        },
        wrap=_with_a_model,
        names=("start_weights", "x", "y", "number_of_parts"),
        level=2,
        minutes=10,
        steps=(
            "`backward` adds to the gradients that are there. Which of the three calls of the loop "
            "in 2.23 belong before the parts, which to each part, and which behind them?",
            "The parts are equally long, so the mean over all digits is the mean of the parts' "
            "losses. By what must each part's loss be divided before it goes back?",
        ),
    ),
}
