"""Exercises of chapter 2 that count: sizes, parameters, the receptive field."""

import numpy as np

from course_utils.checks.engine import COUNTS, Exercise, close

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


SIZES = {
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
    "receptive_field": Exercise(
        number=7,
        reference=_receptive_field,
        cases=_receptive_field_cases,
        verified="up to 7 layers, strides 1 to 3",
        hints=[_hint_receptive_field],
        whole=COUNTS,
    ),
}
