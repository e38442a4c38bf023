"""The clinic of chapter 1: programs with one wrong line each, tests of them, and their mending."""

import numpy as np

from course_utils.exercises.clinic import test_exercise
from course_utils.exercises.engine import Exercise, mistakes


def _image(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _wide_channels(pixels):
    return np.ascontiguousarray(pixels[..., [2, 1, 0]]).astype(np.float64) / 255


# colours: OpenCV's B, G, R as the R, G, B that everybody else shows
def colours(pixels):
    """B, G, R (H, W, 3) uint8 → R, G, B as float 0 … 1."""
    return pixels[..., ::-1] / 255


def colours_bgr(pixels):
    """The fault: the channels stay in OpenCV's order."""
    return pixels / 255


WRONG_COLOURS = {
    "leaves blue first and red last": colours_bgr,
    "turns the picture upside down and leaves its channels": lambda p: p[::-1] / 255,
    "mirrors the picture and leaves its channels": lambda p: p[:, ::-1] / 255,
    "mirrors the picture as well": lambda p: p[:, ::-1, ::-1] / 255,
    "moves the channels on by one: green, red, blue": lambda p: p[..., [1, 2, 0]] / 255,
    "leaves the values at 0 … 255": lambda p: p[..., ::-1] * 1.0,
    "exchanges red and green": lambda p: p[..., [1, 0, 2]] / 255,
}


# picture: PyTorch's (3, H, W) as a picture (H, W, 3)
def picture(tensor):
    """(3, H, W) float 0 … 1 → (H, W, 3) float."""
    return tensor.transpose(1, 2, 0)


def picture_reshaped(tensor):
    """The fault: the numbers are counted off differently, and none moves."""
    return tensor.reshape(*tensor.shape[1:], 3)


WRONG_PICTURE = {
    "leaves the numbers in their order in memory": picture_reshaped,
    "lays the picture on its side": lambda t: t.transpose(2, 1, 0),
    "turns the picture upside down": lambda t: t.transpose(1, 2, 0)[::-1],
    "exchanges red and blue": lambda t: t.transpose(1, 2, 0)[..., ::-1],
    "leaves the channels first": lambda t: t * 1.0,
    "transposes first and counts the numbers off after it": lambda t: t.transpose(2, 1, 0).reshape(
        *t.shape[1:], 3
    ),
}


# halves: two rows of an interlaced picture become their mean
def halves(gray):
    """(2 H, W) uint8 → (H, W) uint8, the mean of each two rows, without its fraction."""
    return ((gray[::2].astype(int) + gray[1::2]) // 2).astype(np.uint8)


def halves_overflowing(gray):
    """The fault: the sum of two bytes does not fit into a byte."""
    return (gray[::2] + gray[1::2]) // 2


def halves_rounded(gray):
    """The mean of each two rows, halves to the even number."""
    return np.round(gray.reshape(-1, 2, gray.shape[1]).mean(axis=1)).astype(np.uint8)


def _halves_clipped(gray):
    return (np.minimum(gray[::2].astype(int) + gray[1::2], 255) // 2).astype(np.uint8)


WRONG_HALVES = {
    "goes around where two bright rows meet": halves_overflowing,
    "takes the first row of each pair": lambda gray: gray[::2].copy(),
    "takes the brighter value of each pair": lambda gray: np.maximum(gray[::2], gray[1::2]),
    "is never brighter than 127": _halves_clipped,
    "averages a row of the upper half with one of the lower half": lambda gray: (
        (gray[: len(gray) // 2].astype(int) + gray[len(gray) // 2 :]) // 2
    ).astype(np.uint8),
    "averages columns": lambda gray: ((gray[:, ::2].astype(int) + gray[:, 1::2]) // 2).astype(
        np.uint8
    ),
}


def _pixels_cases(rng):
    first = np.array([[(255, 0, 51), (7, 90, 0)], [(0, 3, 200), (1, 2, 4)]], np.uint8)
    second = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    sizes = [(1, 2), (4, 1), (2, 5), (5, 4), (6, 7), (9, 5)]
    return [(first,), (second,)] + [(_image(rng, *size, 3),) for size in sizes]


def _tensor_cases(rng):
    first = np.arange(12).reshape(3, 2, 2) / 20
    sizes = [(2, 4), (4, 1), (2, 5), (5, 4), (6, 7), (9, 5), (8, 4)]
    return [(first,)] + [(rng.random((3, *size)).round(3),) for size in sizes]


def _halves_cases(rng):
    first = np.array([[10, 100, 200], [20, 101, 100]], np.uint8)
    white = np.full((4, 1), 255, np.uint8)
    sizes = [(2, 5), (4, 3), (6, 1), (8, 5), (10, 7), (12, 9)]
    return [(first,), (white,)] + [(_image(rng, *size),) for size in sizes]


EXERCISES = {
    "test_colours": test_exercise(
        right=[colours, _wide_channels],
        wrong=WRONG_COLOURS,
        verified="two right programs pass, seven wrong ones do not",
        steps=(
            "A photo hides which channel is which. Make a picture whose values you know: two "
            "different pixels side by side are enough.",
            "Which pictures stay the same when the channels change places? And which when the "
            "picture is mirrored? Yours has to be none of them.",
        ),
    ),
    "mended_colours": Exercise(
        reference=colours,
        cases=_pixels_cases,
        verified="random pictures, wide, high and narrow",
        hints=[
            mistakes(
                *((wrong, f"that {said}") for said, wrong in WRONG_COLOURS.items()),
                (
                    lambda p: p[..., [0, 2, 1]] / 255,
                    "that exchanges green and red, and leaves blue first",
                ),
            )
        ],
        steps=(
            "Which axis holds the channels, and in which order do they have to come?",
            "Which pixel of the result comes from pixel (0, 0), and which of that pixel's "
            "three numbers comes first in the result? Then write it for all pixels at once.",
        ),
    ),
    "test_picture": test_exercise(
        right=[picture, lambda tensor: np.moveaxis(tensor, 0, -1).copy()],
        wrong=WRONG_PICTURE,
        verified="two right programs pass, six wrong ones do not",
        steps=(
            "The mean, the smallest and the largest value are the same in a scrambled picture. "
            "What does tell a place?",
            "In which small array can you tell for each number where it came from? And which "
            "lengths of the axes show in the result's shape that two axes were exchanged?",
        ),
    ),
    "mended_picture": Exercise(
        reference=picture,
        cases=_tensor_cases,
        verified="wide, high and narrow pictures",
        hints=[mistakes(*((wrong, f"that {said}") for said, wrong in WRONG_PICTURE.items()))],
        steps=(
            "Number the axes of (3, H, W), and write the numbers in the order of (H, W, 3).",
            "Section 1.4 went from (H, W, C) to (C, H, W) with one call; this is the way back.",
        ),
    ),
    "test_halves": test_exercise(
        right=[halves, halves_rounded],
        wrong=WRONG_HALVES,
        verified="two right programs pass, six wrong ones do not",
        steps=(
            "Dark numbers do not show the fault. For which two bytes is the sum too large?",
            "Two right programs may differ where they round. For which pairs do they not? And how "
            "many rows does it take to see which rows a program has paired?",
        ),
    ),
    "mended_halves": Exercise(
        reference=lambda gray: (gray[::2].astype(float) + gray[1::2]) / 2,
        cases=_halves_cases,
        verified="dark, bright and white rows",
        hints=[
            mistakes(
                *((wrong, f"that {said}") for said, wrong in WRONG_HALVES.items()),
                (
                    lambda gray: gray[::2] // 2 + gray[1::2] // 2,
                    "two odd numbers lose a half each, so the mean is one too low",
                ),
            )
        ],
        dtype=np.uint8,
        rounded=True,
        errors={"broadcast": "rows are paired with rows; what are their shapes?"},
        steps=(
            "How large can the sum of two bytes be, and which dtype has the sum in the program?",
            "Compute the mean of 250 and 200 step by step, and write the dtype beside each step. "
            "Which step is the first with a wrong number?",
        ),
    ),
}
