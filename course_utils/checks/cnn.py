"""Exercises of chapter 2; cnn_sizes.py has those that count."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.checks.cnn_questions import QUESTIONS
from course_utils.checks.cnn_sizes import SIZES
from course_utils.checks.engine import Ask, Exercise, check_answer, close, pick


def check(name, function):
    """Check your answer to the exercise called `name`."""
    check_answer(name, pick("exercise", name, EXERCISES), function)


def ask(name):
    """Show the question called `name`."""
    return Ask(pick("question", name, QUESTIONS))


# convolve2d


def _correlate(image, kernel):
    return np.einsum("ijrs,rs->ij", sliding_window_view(image, kernel.shape), kernel)


def _convolve2d(image, kernel):
    return _correlate(image, kernel[::-1, ::-1])


def _images_and_kernels(rng):
    sizes = [(3, 3), (2, 3), (4, 2), (3, 1), (1, 3), (2, 2), (5, 4), (1, 1)]
    return [(rng.normal(size=rng.integers(5, 12, 2)), rng.normal(size=size)) for size in sizes]


def _hint_convolve2d(got, wanted, arguments):
    image, kernel = arguments
    if close(got, _correlate(image, kernel)):
        return "that is cross-correlation; a convolution flips the kernel"
    if any(close(got, _correlate(image, k)) for k in (kernel[::-1], kernel[:, ::-1])):
        return "the kernel is flipped in one direction; both are wanted"
    full = np.add(image.shape, kernel.shape) - 1
    if got.shape in (tuple(full), image.shape) and got.shape != wanted.shape:
        return f"the result's shape is {got.shape}; valid is wanted: only windows inside the image"


# dilated


def _dilated(image, kernel, dilation):
    wide = np.zeros([dilation * (side - 1) + 1 for side in kernel.shape])
    wide[::dilation, ::dilation] = kernel
    return _correlate(image, wide)


def _dilated_cases(rng):
    settings = [
        (3, 3, 2),
        (2, 3, 3),
        (3, 3, 1),
        (3, 2, 4),
        (2, 2, 2),
        (3, 1, 3),
        (1, 3, 2),
        (2, 4, 2),
    ]
    return [(rng.normal(size=rng.integers(9, 15, 2)), rng.normal(size=(r, c)), dilation)
            for r, c, dilation in settings]  # fmt: skip


def _hint_dilated(got, wanted, arguments):
    image, kernel, dilation = arguments
    plain = _correlate(image, kernel)
    if dilation > 1 and close(got, plain):
        return "the dilation has no effect: the weights meet pixels `dilation` apart"
    if dilation > 1 and close(got, plain[::dilation, ::dilation]):
        return "that is a stride: the window jumps, but its pixels still touch each other"
    if got.shape != wanted.shape:
        return (
            f"the result's shape is {got.shape}; the filter spans dilation · (R − 1) + 1 rows, "
            "so count how many places are left"
        )


# max_pool


def _max_pool(image, size, stride):
    return sliding_window_view(image, (size, size))[::stride, ::stride].max(axis=(2, 3))


def _max_pool_cases(rng):
    settings = [(2, 2), (3, 2), (2, 1), (3, 3), (2, 3), (4, 2), (3, 1), (2, 2)]
    return [(rng.normal(size=rng.integers(6, 12, 2)) - 2, *setting) for setting in settings]


def _hint_max_pool(got, wanted, arguments):
    image, size, stride = arguments
    if size != stride and close(got, _max_pool(image, size, size)):
        return "the windows move by `stride`, which need not be their size"
    picked = image[::stride, ::stride]
    if size > 1 and any(close(got, p) for p in (picked, picked[: len(wanted), : wanted.shape[1]])):
        return "that takes one pixel of each window; the largest is wanted"
    if close(got, np.maximum(wanted, 0)):
        return "0 is no lower limit: the maximum of negative numbers is negative"
    if stride > 1 and close(got, _max_pool(image, size, 1)):
        return "the windows move by `stride`, not by one"
    rounded_up = tuple(-(-(side - size) // stride) + 1 for side in image.shape)
    if got.shape == rounded_up != wanted.shape:
        return f"the result's shape is {got.shape}; windows that stick out are left out"


# log_softmax


def _log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _log_softmax_cases(rng):
    drawn = [(rng.normal(size=rng.integers(2, 6, 2)) * 3,) for _ in range(6)]
    apart = np.array([[1000.0, 1001], [0, 1], [-1000, -998]])  # each row in its own place
    large = (rng.normal(size=(3, 4)) * 1000).astype(np.float32)  # float32 holds just these
    return drawn + [(large.astype(float),), (apart,)]


def _hint_log_softmax(got, wanted, arguments):
    (logits,) = arguments
    if got.shape == wanted.shape and not np.isfinite(got).all():
        return "exp of large logits is inf, and of very negative ones 0, whose logarithm is −inf"
    if close(got, np.exp(wanted)):
        return "that is softmax; its logarithm is asked for"
    if close(got, -wanted):
        return "the sign: the logarithm of a number below 1 is negative"
    total = np.log(np.exp(logits - logits.max()).sum())
    if close(got, logits - logits.max() - total):
        return "each *row* has its own sum; here the whole array has one"


# mean_pool_backward


def _mean_pool_backward(dy, size):
    return np.kron(dy, np.ones((size, size))) / size**2


def _mean_pool_backward_cases(rng):
    return [(rng.normal(size=rng.integers(1, 5, 2)), size) for size in (2, 3, 1, 2, 4, 3, 2, 5)]


def _hint_mean_pool_backward(got, wanted, arguments):
    dy, size = arguments
    spread = np.kron(dy, np.ones((size, size)))
    if size > 1 and close(got, spread):
        return "each pixel has only its share in the mean: 1 / size²"
    if size > 1 and close(got, spread / size):
        return "a block holds size · size pixels"
    first = np.zeros_like(spread)
    first[::size, ::size] = dy
    if size > 1 and (close(got, first) or close(got, first / size**2)):
        return "every pixel of the block took part, not only the first"


EXERCISES = SIZES | {
    "convolve2d": Exercise(
        number=3,
        reference=_convolve2d,
        cases=_images_and_kernels,
        verified="kernels of all formats, without symmetry",
        hints=[_hint_convolve2d],
        tolerance=1e-4,
    ),
    "dilated": Exercise(
        number=4,
        reference=_dilated,
        cases=_dilated_cases,
        verified="dilation 1 to 4",
        hints=[_hint_dilated],
        tolerance=1e-4,
    ),
    "max_pool": Exercise(
        number=5,
        reference=_max_pool,
        cases=_max_pool_cases,
        verified="overlapping windows, gaps, negative numbers",
        hints=[_hint_max_pool],
        tolerance=1e-4,
    ),
    "log_softmax": Exercise(
        number=6,
        reference=_log_softmax,
        cases=_log_softmax_cases,
        verified="rows around 1000, 0 and −1000",
        hints=[_hint_log_softmax],
        tolerance=1e-4,
    ),
    "mean_pool_backward": Exercise(
        number=8,
        reference=_mean_pool_backward,
        cases=_mean_pool_backward_cases,
        verified="blocks of 1 to 5",
        hints=[_hint_mean_pool_backward],
        tolerance=1e-4,
    ),
}
