"""Exercises of chapter 2."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.exercises.cnn_questions import QUESTIONS
from course_utils.exercises.engine import COUNTS, Exercise, close, doors


# output_size
def _output_size(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1


def _output_size_cases(rng):
    fixed = [
        (28, 5, 1, 0),
        (28, 5, 1, 2),
        (7, 2, 2, 0),
        (224, 7, 2, 3),
        (5, 3, 2, 3),
        (900, 3, 1, 1),
    ]
    drawn = [tuple(int(v) for v in rng.integers((9, 1, 1, 0), (40, 8, 4, 4))) for _ in range(9)]
    return fixed + drawn


def _hint_output_size(got, wanted, arguments):
    size, kernel, stride, padding = arguments
    exact = (size + 2 * padding - kernel) / stride + 1
    if close(got, exact) or close(got, np.ceil(exact)) or close(got, round(exact)):
        return "half a window is none: round downwards (//)"
    if padding and close(got, (size + padding - kernel) // stride + 1):
        return "padding is put on both sides: 2 · padding"
    if close(got, wanted - 1):
        return "one too few: the first window stands before any step is taken (+ 1)"


# count_parameters
def _count_parameters(in_channels, out_channels, kernel, bias):
    return out_channels * (in_channels * kernel**2 + bias)


def _count_parameters_cases(rng):
    drawn = [tuple(int(v) for v in rng.integers((1, 1, 1), (65, 65, 8))) for _ in range(8)]
    return [(1, 6, 5, True), (3, 16, 3, False), (64, 64, 3, True)] + [
        (*sizes, bool(rng.integers(2))) for sizes in drawn
    ]


def _hint_count_parameters(got, wanted, arguments):
    ins, outs, kernel, bias = arguments
    if close(got, outs * (kernel**2 + bias)) or close(got, outs * (ins * kernel + bias)):
        return "a filter has kernel × kernel weights for *each* input channel"
    if bias and close(got, outs * ins * kernel**2):
        return "each filter has one bias more"
    if bias and (close(got, outs * ins * (kernel**2 + 1)) or close(got, wanted - outs + 1)):
        return "there is one bias for each filter, not for each channel, and not one for all"
    if not bias and close(got, outs * (ins * kernel**2 + 1)):
        return "bias is False here: then there is none"


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
    sizes = [(3, 3), (2, 3), (3, 3), (3, 2), (2, 2), (3, 1), (1, 3), (2, 4)]
    dilations = (2, 3, 1, 4, 2, 3, 2, 2)
    return [
        (rng.normal(size=rng.integers(9, 15, 2)), rng.normal(size=size), dilation)
        for size, dilation in zip(sizes, dilations, strict=True)
    ]


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


# receptive_field
def _receptive_field(layers):
    seen, step = 1, 1
    for kernel, stride in layers:
        seen += (kernel - 1) * step
        step *= stride
    return seen


def _receptive_field_cases(rng):
    fixed = [[(3, 1)], [(3, 1), (3, 1)], [(5, 1), (2, 2), (5, 1), (2, 2)], [], [(4, 2)] * 7]
    drawn = []
    for count in (2, 3, 4, 5, 3):
        kernels = rng.integers(1, 6, count)
        strides = rng.integers(1, np.minimum(kernels, 3) + 1)  # a longer one would leave pixels out
        drawn.append(list(zip(kernels.tolist(), strides.tolist(), strict=True)))
    return [(layers,) for layers in fixed + drawn]


def _hint_receptive_field(got, wanted, arguments):
    (layers,) = arguments
    if not layers:
        return "without a layer, one pixel sees itself: 1"
    if close(got, 1 + sum(kernel - 1 for kernel, _ in layers)):
        return "after a layer with stride s every further step is s times as large"
    if close(got, sum(kernel for kernel, _ in layers)):
        return "neighbouring windows overlap: a filter of size k adds k − 1, not k"
    late, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        late += (kernel - 1) * step
    if close(got, late):
        return "a layer's own stride counts only for the layers after it"


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


EXERCISES = {
    "output_size": Exercise(
        number=1,
        reference=_output_size,
        cases=_output_size_cases,
        verified="strides to 3, padding to 3, windows that stick out",
        hints=[_hint_output_size],
        whole=COUNTS,
    ),
    "count_parameters": Exercise(
        number=2,
        reference=_count_parameters,
        cases=_count_parameters_cases,
        verified="1 to 64 channels, with and without bias",
        hints=[_hint_count_parameters],
        whole=COUNTS,
    ),
    "convolve2d": Exercise(
        number=3,
        reference=_convolve2d,
        cases=_images_and_kernels,
        verified="kernels of all formats, without symmetry",
        hints=[_hint_convolve2d],
    ),
    "dilated": Exercise(
        number=4,
        reference=_dilated,
        cases=_dilated_cases,
        verified="dilation 1 to 4",
        hints=[_hint_dilated],
    ),
    "max_pool": Exercise(
        number=5,
        reference=_max_pool,
        cases=_max_pool_cases,
        verified="overlapping windows, gaps, negative numbers",
        hints=[_hint_max_pool],
    ),
    "log_softmax": Exercise(
        number=6,
        reference=_log_softmax,
        cases=_log_softmax_cases,
        verified="rows around 1000, 0 and −1000",
        hints=[_hint_log_softmax],
    ),
    "receptive_field": Exercise(
        number=7,
        reference=_receptive_field,
        cases=_receptive_field_cases,
        verified="up to 7 layers, strides 1 to 3",
        hints=[_hint_receptive_field],
        whole=COUNTS,
    ),
    "mean_pool_backward": Exercise(
        number=8,
        reference=_mean_pool_backward,
        cases=_mean_pool_backward_cases,
        verified="blocks of 1 to 5",
        hints=[_hint_mean_pool_backward],
    ),
}

check, ask = doors(EXERCISES, QUESTIONS)
