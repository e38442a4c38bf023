"""Exercises of chapter 1, sections 1.5 to 1.8: colour, gray, and pictures that move."""

from dataclasses import dataclass

import numpy as np

from course_utils.exercises.engine import Exercise, mistakes, not_a_number
from course_utils.exercises.image_data.looks import (
    brighten_look,
    luma_look,
    saturation_look,
)

LUMA = np.array([0.299, 0.587, 0.114])


def _image(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


# brighten
def brightened(image, factor):
    """uint8 (H, W, 3) → float (H, W, 3): each pixel times `factor`, or what takes it to 255."""
    largest = np.maximum(image.max(axis=-1, keepdims=True), 1)
    return image * np.minimum(factor, 255 / largest)


def _brighten_cases(rng):
    first = np.array([[[200, 50, 0], [10, 20, 5]]], np.uint8)
    black = np.array([[[0, 0, 0], [0, 90, 150], [255, 3, 8], [1, 1, 1]]], np.uint8)
    factors = [1.0, 3, 1.2, 0.25, 1.9, 10.0, 2, 0.75, 1.4]
    drawn = [(_image(rng, *rng.integers(2, 9, 2), 3), factor) for factor in factors]
    return [(first, 2), (first, 0.5), (black, 1.5), (black, 4), *drawn]


def _clipped(image, factor):
    return np.clip(np.round(image * float(factor)), 0, 255)


def _for_the_whole_picture(image, factor):
    return np.round(image * min(float(factor), 255 / max(image.max(), 1)))


def _always_to_the_top(image, factor):
    return np.round(brightened(image, np.inf))


def _left_as_it_is(image, factor):
    fits = image.max(axis=-1, keepdims=True) * float(factor) <= 255
    return np.where(fits, np.round(image * float(factor)), image)


_HUE = "each channel stops at 255 by itself, so the channels of a pixel lose their ratio"
_AROUND = "uint8 goes around above 255"
_HINTS_BRIGHTEN = mistakes(
    (_clipped, _HUE),
    (lambda image, factor: np.clip(np.floor(image * float(factor)), 0, 255), _HUE),
    (lambda image, factor: np.round(image * float(factor)) % 256, _AROUND),
    (lambda image, factor: np.floor(image * float(factor)) % 256, _AROUND),
    (
        _for_the_whole_picture,
        "one number for the whole picture: a pixel far below 255 need not be held back",
    ),
    (
        lambda image, factor: np.clip(image.astype(np.int8) * factor, 0, 255),
        "int8 holds −128 … 127, so that a value from 128 on becomes negative",
    ),
    (_always_to_the_top, "the factor has no effect: each pixel goes as far as it can"),
    (
        _left_as_it_is,
        "a pixel that would pass 255 is left as it is here; it should become "
        "brighter, until its largest channel is 255",
    ),
    (
        lambda image, factor: np.floor(brightened(image, factor)),
        "off by one: astype alone cuts the fraction off",
    ),
)


# saturation_map
def _saturation(image):
    largest, smallest = image.max(axis=-1).astype(float), image.min(axis=-1).astype(float)
    return (largest - smallest) / np.maximum(largest, 1)


def _saturation_cases(rng):
    first = np.array([[(200, 100, 50), (80, 80, 80)]], np.uint8)
    black = np.array([[(0, 0, 0), (0, 30, 0), (255, 250, 255)]], np.uint8)
    sizes = [(2, 1), (1, 4), (3, 5), (6, 2), (7, 4), (5, 9), (8, 6)]
    return [(first,), (black,)] + [(_image(rng, *size, 3),) for size in sizes]


def _over(largest, smallest, below):
    """(largest − smallest) / below as it comes, with NaN for 0 / 0."""
    return np.divide(largest * 1.0 - smallest, below)


_HINTS_SATURATION = mistakes(
    (
        lambda image: _over(image.max(-1), image.min(-1), 255),
        "that is a share of 255; a share of the pixel's own largest channel is wanted",
    ),
    (
        lambda image: _over(image.max(-1), image.min(-1), 1),
        "that is the difference alone; a share of the largest channel is wanted",
    ),
    (
        lambda image: _over(image.max(-1), image.min(-1), image.max(-1) * 1.0 + image.min(-1)),
        "that divides by the sum of the largest and the smallest channel",
    ),
    (
        lambda image: _over(image.max(-1), image.min(-1), image.sum(-1) / 3),
        "that divides by the mean of the channels; their largest is wanted",
    ),
    (
        lambda image: _over(image[..., 0], image[..., 2], np.maximum(image[..., 0], 1)),
        "which channel is the largest differs from pixel to pixel",
    ),
    (
        lambda image: _over(image.max(), image.min(), max(image.max(), 1)) + 0 * image[..., 0],
        "the largest and the smallest are those of the whole picture; each pixel has its own",
    ),
)


# luma
def _luma(image):
    return image[..., :3] @ LUMA


def _luma_cases(rng):
    corners = np.eye(3, dtype=np.uint8)[None] * 255
    channels = (3, 4, 3, 4, 3, 3, 4, 3, 3)
    sizes = sorted((tuple(rng.integers(2, 12, 2)) for _ in channels), key=np.prod)
    drawn = [(_image(rng, *size, n),) for size, n in zip(sizes, channels, strict=True)]
    return [(corners,)] + drawn


def _rounded_luma(weights, channels=(0, 1, 2), rounding=np.round):
    return lambda image: rounding(image[..., list(channels)] @ np.asarray(weights))


def _hint_one_number(got, wanted, arguments):
    if got.shape != wanted.shape:
        return f"the result's shape is {got.shape}; one number per pixel, (H, W), is asked for"


_MEAN = "that is the plain mean; the eye weighs the three channels differently"
_HINTS_LUMA = mistakes(
    (_rounded_luma([1 / 3] * 3), _MEAN),
    (_rounded_luma([1 / 3] * 3, rounding=np.floor), _MEAN),
    (lambda image: image.mean(-1).astype(np.uint8), _MEAN),
    (_rounded_luma(LUMA, (2, 1, 0)), "the weights are in the order B, G, R"),
    (_rounded_luma(LUMA, (2, 1, 0), np.floor), "the weights are in the order B, G, R"),
    (_rounded_luma(LUMA, rounding=np.floor), "off by one: astype alone cuts the fraction off"),
    (
        _rounded_luma([0.2989, 0.587, 0.114]),
        "the weight of R is another one: torchvision's 0.2989 is not the statement's",
    ),
)


# shift_zeros
def _shift(image, down, right):
    height, width = image.shape
    result = np.zeros_like(image)
    for row in range(max(down, 0), min(height + down, height)):
        for column in range(max(right, 0), min(width + right, width)):
            result[row, column] = image[row - down, column - right]
    return result


def _shift_cases(rng):
    small = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    moves = [(1, 0), (0, 1), (2, -3), (-1, 2), (-2, -2), (3, 3), (0, -4), (-3, 0), (0, 0)]
    far = [(5, -6), (4, 0), (0, 6), (-3, 1), (1, -4), (-5, -1)]  # all of it leaves, mostly at one
    near = [(small, 1, 0), (small, -1, 2)]
    drawn = [(_image(rng, *rng.integers(5, 12, 2)), *move) for move in moves]
    return near + drawn + [(_image(rng, 3, 4), *move) for move in far]


def _zeroed_from_0(axes):
    """A shift that writes zeros into `[down:]`, or `[right:]`, where that number is 0."""
    return lambda image, *moves: _shift(image, *moves) * all(moves[axis] for axis in axes)


def _up_to_minus_0(image, down, right):
    return np.zeros((image.shape[0] * bool(down), image.shape[1] * bool(right)), image.dtype)


_ALL_ZERO = "with down or right 0 a slice such as `[down:]` takes all rows, or all columns"
_HINTS_SHIFT = mistakes(
    (_zeroed_from_0((0, 1)), _ALL_ZERO),
    (_zeroed_from_0((0,)), _ALL_ZERO),
    (_zeroed_from_0((1,)), _ALL_ZERO),
    (_up_to_minus_0, "with down or right 0 a slice such as `[:-right]` takes nothing"),
    (
        lambda image, down, right: np.roll(image, (down, right), (0, 1)),
        "what leaves on one side comes back on the other; zeros have to move in",
    ),
    (
        lambda image, down, right: _shift(image, right, down),
        "down moves rows (axis 0), right moves columns (axis 1); they are exchanged",
    ),
    (
        lambda image, down, right: _shift(image, -down, -right),
        "it moves the other way: positive is down and to the right",
    ),
    (
        lambda image, down, right: image[max(down, 0) :, max(right, 0) :],
        "rows or columns are cut off and nothing moves in: the size stays",
    ),
    (
        lambda image, down, right: _shift(image, max(down, 0), max(right, 0)),
        "a negative number moves up, or to the left; here it has no effect",
    ),
    (
        lambda image, down, right: _shift(image, abs(down), abs(right)),
        "a negative number moves up, or to the left",
    ),
)


# equivariance_gap
@dataclass(frozen=True)
class Operation:
    """An operation on a picture (H, W), with the name that a message gives it."""

    name: str
    function: object

    def __call__(self, image):
        return self.function(image)

    def __repr__(self):
        return self.name


def _edges(image):
    wide = image.astype(int)
    change = np.zeros_like(wide)
    change[:, 1:-1] = np.abs(wide[:, 2:] - wide[:, :-2])
    return change


OPERATIONS = [
    Operation("mirrored", lambda image: image[:, ::-1]),
    Operation("edges", _edges),
    Operation("brighter_to_the_right", lambda x: x / 255 * np.linspace(0, 1, x.shape[1])),
    Operation("blurred", lambda image: (image + np.roll(image * 1.0, 1, 0)) / 2),
    Operation("negative", lambda image: 255 - image),
    Operation("upside_down", lambda image: image[::-1]),
    Operation("sorted_rows", lambda image: np.sort(image, axis=1)),
    Operation("mean_removed", lambda image: image - image.mean()),
    Operation("sums_from_the_left", lambda image: np.cumsum(image.astype(int), axis=1)),
]


def _both_ways(operation, image, down, right):
    """The operation on the moved picture, and the operation's result moved, as float."""
    moved = np.roll(image, (down, right), (0, 1))
    return operation(moved) * 1.0, np.roll(operation(image), (down, right), (0, 1)) * 1.0


def _gap(operation, image, down, right):
    first, second = _both_ways(operation, image, down, right)
    return float(np.abs(first - second).max())


def _gap_cases(rng):
    small = np.array([[0, 0, 0, 0, 0], [0, 9, 4, 0, 0], [0, 0, 0, 0, 0]], np.uint8)
    cases = [(OPERATIONS[0], small, 0, 1), (OPERATIONS[1], small, 0, 1)]
    for operation in OPERATIONS:
        size = rng.integers(3, 8, 2)
        move = int(rng.integers(1, 4)), int(rng.choice([-3, -2, -1, 2, 3]))
        cases.append((operation, np.pad(_image(rng, *size), ((4, 4), (5, 5))), *move))
    return cases


def _narrow_gap(operation, image, down, right):
    moved = np.roll(image, (down, right), (0, 1))
    return np.abs(operation(moved) - np.roll(operation(image), (down, right), (0, 1))).max()


def _flattened_gap(operation, image, down, right):
    first = operation(np.roll(image, down + right)) * 1.0
    return np.abs(first - np.roll(operation(image), down + right)).max()


_NOT_MOVED = "the second picture has to move, too: that compares with a result that stands still"
_HINTS_GAP = mistakes(
    (
        lambda op, x, down, right: np.abs(
            op(np.roll(x, (down, right), (0, 1))) * 1.0 - op(x)
        ).max(),
        _NOT_MOVED,
    ),
    (_flattened_gap, "`np.roll` without an axis goes through the flattened picture"),
    (_narrow_gap, "the difference of two uint8 arrays goes around below 0"),
    (
        lambda *case: np.abs(np.subtract(*_both_ways(*case))).mean(),
        "that is the mean of the differences; the largest is wanted",
    ),
    (
        lambda *case: np.abs(np.subtract(*_both_ways(*case))).sum(),
        "that is the sum of the differences; the largest is wanted",
    ),
    (
        lambda *case: np.subtract(*_both_ways(*case)).max(),
        "a difference below 0 counts as much as one above",
    ),
    (
        lambda op, x, down, right: _gap(op, x, right, down),
        "down moves rows (axis 0), right moves columns (axis 1); they are exchanged",
    ),
    (
        lambda *case: np.mean(np.not_equal(*_both_ways(*case))),
        "that is how many places differ; how far apart they are is wanted",
    ),
)

EXERCISES = {
    "brighten": Exercise(
        reference=brightened,
        cases=_brighten_cases,
        verified="factors from 0.25 to 10, black and pure colours",
        hints=[_HINTS_BRIGHTEN],
        dtype=np.uint8,
        rounded=True,
        errors={
            "broadcast": "a number for each pixel, (H, W), stands beside three channels, "
            "(H, W, 3): it needs one more axis of length 1",
            "bounds for uint8": "uint8 holds 0 … 255 and not this factor; convert the image to a "
            "dtype that holds larger numbers",
            "bounds for int8": "int8 holds −128 … 127 and not this factor; take a dtype that "
            "holds larger numbers",
        },
        level=2,
        minutes=10,
        look=brighten_look,
        steps=(
            "By which number can (200, 50, 0) be multiplied at most, so that no channel passes "
            "255? And (0, 90, 150)?",
            "Compute this limit for all pixels at once, and decide for each pixel between it and "
            "`factor`. What does a black pixel do to the division?",
        ),
    ),
    "saturation_map": Exercise(
        reference=_saturation,
        cases=_saturation_cases,
        verified="random colours, grays, black",
        hints=[_HINTS_SATURATION, not_a_number],
        level=2,
        minutes=10,
        look=saturation_look,
        steps=(
            "Make two gray pictures first: each pixel's largest channel, and its smallest.",
            "A black pixel divides 0 by 0. Which number can stand below the line there, so that "
            "the result is 0?",
        ),
    ),
    "luma": Exercise(
        reference=_luma,
        cases=_luma_cases,
        verified="pure and random colours, RGB and RGBA",
        hints=[_hint_one_number, _HINTS_LUMA],
        dtype=np.uint8,
        rounded=True,
        errors={
            "mismatch in its core dimension": "RGBA has a fourth channel without a weight",
            "broadcast": "print the shapes of the picture and of the weights: the weights belong "
            "to the last axis, and RGBA has a fourth channel without a weight",
        },
        look=luma_look,
        steps=(
            "Only three of the channels have a weight; take these first.",
            "A weighted sum over the last axis is one `@`. What would `astype(np.uint8)` alone "
            "make of 76.9?",
        ),
    ),
    "shift_zeros": Exercise(
        reference=_shift,
        cases=_shift_cases,
        verified="all directions, and further than the image is wide or high",
        hints=[_HINTS_SHIFT],
        dtype=np.uint8,
        errors={
            "broadcast": "the rows and columns that are read are not as many as those that are "
            "written: count for this `down` and `right` how many rows and columns stay in the "
            "picture (there may be none)",
            "negative values": "a width of a border is a number of pixels, never below 0",
        },
        level=2,
        minutes=15,
        steps=(
            "Begin with an array of zeros, or with a border of zeros around the picture.",
            "With a border of |down| and |right| pixels, the result is a window of the bordered "
            "picture: where does it begin for a move downwards, and where for one upwards?",
        ),
    ),
    "equivariance_gap": Exercise(
        reference=_gap,
        cases=_gap_cases,
        verified="nine operations, equivariant and not",
        hints=[_HINTS_GAP],
        errors={
            "bounds for uint8": "an operation may return uint8, which cannot go below 0",
            "broadcast": "both results should be (H, W): is one of them reduced too early?",
        },
        level=2,
        minutes=10,
        steps=(
            "Two pictures are compared: one moved before the operation, one moved after it.",
            "An operation may return `uint8`. What is 4 − 9 there?",
        ),
    ),
}
