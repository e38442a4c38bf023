"""Exercises of chapter 2 on layers: sections 2.14 and 2.16 to 2.18."""

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.data import load_mnist
from course_utils.exercises.engine import COUNTS, Exercise, mistakes
from course_utils.figures import show_row


# count_parameters
def _count_parameters(channels, kernel, bias):
    return sum(o * (i * kernel**2 + bias) for i, o in itertools.pairwise(channels))


def _count_parameters_cases(rng):
    fixed = [([2, 3], 3, True), ([3, 4], 3, False), ([3, 16], 3, True), ([1, 6, 16], 5, True)]
    drawn = []
    for count in (2, 3, 3, 4, 5, 4):
        channels = rng.integers(1, 65, count).tolist()
        drawn.append((channels, int(rng.integers(2, 8)), bool(rng.integers(2))))
    return fixed + drawn


_hint_count_parameters = mistakes(
    (lambda c, k, b: sum(o * (k**2 + b) for o in c[1:]),
     "a filter has kernel × kernel weights for *each* input channel"),
    (lambda c, k, b: sum(o * (i * k + b) for i, o in itertools.pairwise(c)),
     "a filter is kernel × kernel: two sides"),
    (lambda c, k, b: _count_parameters(c, k, False), "each filter has one bias more"),
    (lambda c, k, b: _count_parameters(c, k, True), "bias is False here: then there is none"),
    (lambda c, k, b: sum(o * i * (k**2 + b) for i, o in itertools.pairwise(c)),
     "there is one bias for each filter, not for each of its channels"),
    (lambda c, k, b: _count_parameters(c, k, False) + b * (len(c) - 1),
     "there is one bias for each filter, not one for the layer"),
    (lambda c, k, b: _count_parameters(c[:2], k, b), "only the first layer is counted"),
    (lambda c, k, b: _count_parameters(c[-2:], k, b), "only the last layer is counted"),
    (lambda c, k, b: sum(c[0] * o * k**2 + o * b for o in c[1:]),
     "a layer takes the channels that the layer before gives, not those of the picture"),
)  # fmt: skip


# output_size
def _output_size(size, layers, rounded=math.floor, sides=2, first=1):
    for kernel, stride, padding in layers:
        size = rounded((size + sides * padding - kernel) / stride) + first
    return size


def _output_size_cases(rng):
    fixed = [
        (5, [(3, 1, 0)]),
        (7, [(2, 2, 0)]),
        (6, [(3, 1, 1)]),
        (28, [(5, 1, 2), (2, 2, 0), (5, 1, 0), (2, 2, 0)]),
        (11, []),
        (224, [(7, 2, 3), (3, 2, 1)]),
        (900, [(3, 1, 1)]),
        (30, [(2, 2, 0), (2, 2, 0), (2, 2, 0)]),
    ]
    drawn = []
    for count in (1, 2, 2, 3, 3, 4):
        layers = [tuple(int(v) for v in rng.integers((2, 1, 0), (6, 4, 3))) for _ in range(count)]
        drawn.append((int(rng.integers(150, 300)), layers))
    return fixed + drawn


_hint_output_size = mistakes(
    (lambda s, n: _output_size(s, n, rounded=math.ceil), "half a window is none: round downwards"),
    (lambda s, n: _output_size(s, n, rounded=round), "half a window is none: round downwards"),
    (lambda s, n: _output_size(s, n, rounded=float), "half a window is none: round downwards"),
    (lambda s, n: _output_size(s, n, sides=1), "padding is put on both sides"),
    (lambda s, n: _output_size(s, n, first=0),
     "one too few: the first window stands before any step is taken"),
    (lambda s, n: _output_size(s, n[:1]), "only the first layer is used"),
    (lambda s, n: _output_size(s, n[-1:]), "only the last layer is used, on the first size"),
    (lambda s, n: _output_size(s, n[::-1]), "the layers are taken from the last to the first"),
)  # fmt: skip


# max_pool
def _max_pool(image, size, stride, pick=np.max):
    return pick(sliding_window_view(image, (size, size))[::stride, ::stride], axis=(2, 3))


def _max_pool_cases(rng):
    tiny = np.array([[1.0, 5, 2, 0], [4, 3, 0, 6], [2, 2, 7, 1]]), 2, 1
    small = np.array([[-5.0, -3, -2, -1], [-4, -6, -9, -7], [-8, -2, -5, -3]]), 2, 2
    settings = [(3, 2), (2, 1), (3, 3), (2, 3), (4, 2), (3, 1), (2, 2)]
    return [tiny, small] + [
        (rng.normal(size=rng.integers(7, 13, 2)) - 2, *setting) for setting in settings
    ]


_hint_max_pool = mistakes(
    (lambda i, n, s: _max_pool(i, n, n), "the windows move by `stride`, which need not be their "
     "size"),
    (lambda i, n, s: i[::s, ::s], "that takes one pixel of each window; the largest is wanted"),
    (lambda i, n, s: _max_pool(i[: len(i) - n + 1, : i.shape[1] - n + 1], 1, s),
     "that takes one pixel of each window; the largest is wanted"),
    (lambda i, n, s: np.maximum(_max_pool(i, n, s), 0),
     "0 is no lower limit: the maximum of negative numbers is negative"),
    (lambda i, n, s: _max_pool(i, n, 1), "the windows move by `stride`, not by one"),
    (lambda i, n, s: _max_pool(i, n, s, np.mean), "that is the mean; the largest is wanted"),
    (lambda i, n, s: sliding_window_view(i, (n, n))[::s, ::s].max(axis=3),
     "each window gives *one* number: the largest of its rows and its columns"),
    (lambda i, n, s: _max_pool(i[:-1, :-1], n, s),
     "the last windows are missing: one may begin size pixels before the end"),
)  # fmt: skip


def _hint_max_pool_shape(got, wanted, arguments):
    image, size, stride = arguments
    rounded_up = tuple(-(-(side - size) // stride) + 1 for side in image.shape)
    if got.shape == rounded_up != wanted.shape:
        return f"the result's shape is {got.shape}; windows that stick out are left out"
    if got.shape != wanted.shape:
        return (
            f"the result's shape is {got.shape}; one number for each window is expected: how many "
            f"windows of {size} fit into {image.shape[0]} rows, and into {image.shape[1]} columns, "
            f"if the first pixel of each window is {stride} further than that of the window before?"
        )


def _look_max_pool(answer):
    """A digit, and its pooled maps."""
    digit = load_mnist("test")[0][0] / 255
    pairs = {"2, stride 2": (2, 2), "3, stride 2": (3, 2), "3, stride 1": (3, 1), "7": (7, 7)}
    pooled = {f"window {name}": answer(digit, *pair) for name, pair in pairs.items()}
    show_row({"digit": digit} | pooled)


# mean_pool_backward
def _mean_pool_backward(dy, size):
    return np.kron(dy, np.ones((size, size))) / size**2


def _mean_pool_backward_cases(rng):
    tiny, small = np.array([[4.0, 8, 0]]), np.array([[9.0, 0], [18, 27], [0, 36]])
    drawn = [(rng.normal(size=rng.integers(2, 6, 2)), size) for size in (2, 3, 1, 4, 3, 2, 5)]
    return [(tiny, 2), (small, 3), *drawn]


def _first_of_block(dy, size):
    spread = np.zeros([side * size for side in dy.shape])
    spread[::size, ::size] = dy
    return spread


_hint_mean_pool_backward = mistakes(
    (lambda d, n: _mean_pool_backward(d, n) * n**2, "each pixel has only its share in the mean"),
    (lambda d, n: _mean_pool_backward(d, n) * n,
     "each share is too large: how many pixels does a block hold?"),
    (_first_of_block, "every pixel of the block took part, not only the first"),
    (lambda d, n: _first_of_block(d, n) / n**2,
     "every pixel of the block took part, not only the first"),
    (lambda d, n: np.tile(d, (n, n)) / n**2,
     "the whole array is repeated side by side; each number belongs to the pixels of its block"),
    (lambda d, n: np.tile(d, (n, n)),
     "the whole array is repeated side by side; each number belongs to the pixels of its block"),
)  # fmt: skip


# receptive_field
def _receptive_field(layers):
    seen, step = 1, 1
    for kernel, stride in layers:
        seen += (kernel - 1) * step
        step *= stride
    return seen


def _receptive_field_cases(rng):
    fixed = [[(3, 1)], [(3, 1), (3, 1)], [(3, 2), (2, 2), (4, 1)], []]
    fixed += [[(5, 1), (2, 2), (5, 1), (2, 2)], [(4, 2)] * 7]
    drawn = []
    for count in (3, 3, 4, 5, 3):
        kernels = rng.integers(1, 6, count)
        strides = rng.integers(1, np.minimum(kernels, 3) + 1)  # a longer one would leave pixels out
        drawn.append(list(zip(kernels.tolist(), strides.tolist(), strict=True)))
    return [(layers,) for layers in fixed + drawn]


def _late_stride(layers):
    seen, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        seen += (kernel - 1) * step
    return seen


def _hint_no_layer(got, wanted, arguments):
    if not arguments[0]:
        return "without a layer, one pixel sees itself: 1"


_hint_receptive_field = mistakes(
    (lambda n: 1 + sum(kernel - 1 for kernel, _ in n),
     "after a layer with stride s every further step is s times as large"),
    (lambda n: sum(kernel for kernel, _ in n),
     "neighbouring windows overlap: a filter of size k adds k − 1, not k"),
    (_late_stride, "each stride is counted one layer too early"),
    (lambda n: _receptive_field(n[::-1]), "the list goes from the first layer to the last"),
    (lambda n: _receptive_field(n) - 1, "one too few: a pixel sees itself before any layer"),
    (lambda n: math.prod(kernel for kernel, _ in n), "the sizes are not multiplied: each layer "
     "adds pixels"),
)  # fmt: skip


EXERCISES = {
    "count_parameters": Exercise(
        reference=_count_parameters,
        cases=_count_parameters_cases,
        verified="1 to 4 layers, with and without bias",
        hints=[_hint_count_parameters],
        errors={"list index out of range": "n numbers of channels are n − 1 layers"},
        whole=COUNTS,
        level=1,
        minutes=5,
        steps=(
            "Begin with one layer: the formula stands in the table of 2.14.",
            "Which two numbers of the list belong to layer 1, and which to layer 2?",
        ),
    ),
    "output_size": Exercise(
        reference=_output_size,
        cases=_output_size_cases,
        verified="chains of up to 4 layers, strides to 3, windows that stick out",
        hints=[_hint_output_size],
        whole=COUNTS,
        level=1,
        minutes=5,
        steps=(
            "Compute the first example on paper, with the corrected formula of 2.16, one layer "
            "after another.",
            "The size that leaves a layer enters the next. Which name is given a new value in each "
            "round of the loop, and what is it for an empty list?",
        ),
    ),
    "max_pool": Exercise(
        reference=_max_pool,
        cases=_max_pool_cases,
        verified="overlapping windows, gaps, negative numbers",
        hints=[_hint_max_pool, _hint_max_pool_shape],
        errors={
            "reshape": "a reshape makes blocks that touch; these windows overlap, or have gaps"
        },
        level=2,
        minutes=10,
        look=_look_max_pool,
        steps=(
            "The blocks of 2.17 do not overlap, so a reshape was enough. Which function gives all "
            "windows, also those that overlap?",
            "Keep every stride-th window along both axes, then reduce each to one number; which "
            "axes belong to the inside of a window?",
        ),
    ),
    "mean_pool_backward": Exercise(
        reference=_mean_pool_backward,
        cases=_mean_pool_backward_cases,
        verified="blocks of 1 to 5",
        hints=[_hint_mean_pool_backward],
        errors={"broadcast": "one number of `dy` belongs to a whole block of the result"},
        level=2,
        minutes=10,
        steps=(
            "Take one block of 2 × 2: if one of its four pixels grows by 1, by how much does the "
            "mean grow?",
            "Every pixel of a block gets the same share of that block's dy. Which function of "
            "NumPy repeats each number in its place?",
        ),
    ),
    "receptive_field": Exercise(
        reference=_receptive_field,
        cases=_receptive_field_cases,
        verified="up to 7 layers, strides 1 to 3",
        hints=[_hint_no_layer, _hint_receptive_field],
        errors={"list index out of range": "the list may be empty, or shorter than you think"},
        whole=COUNTS,
        level=3,
        minutes=15,
        steps=(
            "Compare with 2.18: the same 5 × 5 filter added 4, 8 and 16 pixels. What had changed "
            "between?",
            "Keep two numbers in the loop: what is seen so far, and how many pixels two neighbours "
            "of the present map are apart.",
        ),
    ),
}
