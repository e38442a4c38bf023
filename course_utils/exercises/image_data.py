"""Exercises of chapter 1."""

import numpy as np

from course_utils.exercises.engine import COUNTS, Exercise, doors
from course_utils.exercises.image_data_questions import QUESTIONS


def _image(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _equals(got, other):
    return got.shape == np.shape(other) and np.array_equal(got, other)


# raw_bytes
def _raw_bytes(height, width, channels, bits):
    return (height * width * channels * bits + 7) // 8


def _raw_bytes_cases(rng):
    sizes = [(1080, 1920, 3, 8), (1440, 2560, 1, 8), (7, 7, 1, 1), (5, 3, 4, 16)]
    drawn = [tuple(int(v) for v in rng.integers(1, 99, 2)) for _ in range(8)]
    return sizes + [(h, w, int(rng.integers(1, 5)), bits) for (h, w), bits in zip(
        drawn, [1, 8, 16, 1, 8, 16, 1, 1], strict=True)]  # fmt: skip


def _hint_bytes(got, wanted, arguments):
    height, width, channels, bits = arguments
    values = height * width * channels
    if bits != 1 and _equals(got, values * bits):
        return "those are bits; 8 bits make a byte"
    if channels > 1 and _equals(got, (height * width * bits + 7) // 8):
        return "that counts one channel only"
    if bits == 1 and _equals(got, values):
        return "that is a byte for every bit; eight of them share one"
    if _equals(got, height * ((width * channels * bits + 7) // 8)):
        return "each row fills whole bytes there; here the rows follow without gaps"
    if got.shape == () and abs(float(got) - float(wanted)) < 1:
        return "a number of bytes is whole, and bits left over need one more byte: round upwards"
    if _equals(got, wanted - 1):
        return "bits left over need one more byte: round upwards"


# crop
def _crop(image, top, left, height, width):
    return image[top : top + height, left : left + width]


def _crop_cases(rng):
    cases = []
    for channels in ((), (3,), (4,)) * 3:
        rows, columns = (int(v) for v in rng.integers(8, 30, 2))
        top, left = int(rng.integers(1, rows // 2)), int(rng.integers(1, columns // 2))
        size = int(rng.integers(1, rows - top)), int(rng.integers(1, columns - left))
        cases.append((_image(rng, rows, columns, *channels), top, left, *size))
    corner = _image(rng, 9, 7)
    places = [(4, 2, 5, 5), (0, 0, 3, 2), (0, 0, 9, 7)]  # at two sides or more, then at one alone
    places += [(5, 1, 4, 3), (2, 4, 3, 3), (0, 2, 4, 3), (3, 0, 2, 5)]
    narrow = _image(rng, 6, 2, 3), 2, 1, 3, 1
    return cases + [narrow] + [(corner, *place) for place in places]


def _hint_crop(got, wanted, arguments):
    image, top, left, height, width = arguments
    if _equals(got, image[top:height, left:width]):
        return "a slice ends at a row, not after so many rows: start + size"
    if _equals(got, image[left : left + width, top : top + height]):
        return "rows come first: image[rows, columns], so top goes with height"
    if got.shape != wanted.shape and got.shape[:2] == (width, height):
        return "height counts rows and width counts columns; they are exchanged"


# to_torch_layout
def _to_torch_layout(images):
    return images.transpose(0, 3, 1, 2)


def _to_torch_layout_cases(rng):
    return [(_image(rng, *rng.integers(1, 9, 3), channels),) for channels in (1, 3, 3, 4, 2, 3) * 2]


def _hint_layout(got, wanted, arguments):
    (images,) = arguments
    n, height, width, channels = images.shape
    if got.shape == wanted.shape and _equals(got, images.reshape(wanted.shape)):
        return "the shape is right but the pixels are scrambled: reshape is not transpose"
    if got.shape == (n, channels, width, height) and height != width:
        return "height and width are exchanged: (N, C, H, W), not (N, C, W, H)"
    if got.shape == (channels, height, width, n) and n != channels:
        return "the batch N stays in front"


# brighten
def _brighten(image, amount):
    return np.clip(image.astype(int) + amount, 0, 255).astype(np.uint8)


def _brighten_cases(rng):
    amounts = [10, -10, 0, 200, -200, 255, -255, 37, -81, 128]
    return [(_image(rng, *rng.integers(2, 9, 2), 3), amount) for amount in amounts]


def _hint_brighten(got, wanted, arguments):
    image, amount = arguments
    wrapped = ((image.astype(int) + amount) % 256).astype(np.uint8)
    if amount < 0 and _equals(got, wrapped):
        return "a negative amount darkens, and stops at 0; here it goes around to 255"
    if _equals(got, wrapped):
        return "uint8 went around (250 + 10 = 4); widen to int first, and clip before going back"
    if amount < 0 and _equals(got, image):
        return "a negative amount darkens"
    if got.shape == wanted.shape and np.abs(got.astype(int) - wanted.astype(int)).max() == 1:
        return "off by one: floats have to be rounded, astype alone cuts the fraction off"


# luma
def _luma(image):
    return image @ np.array([0.299, 0.587, 0.114])


def _luma_cases(rng):
    corners = np.eye(3, dtype=np.uint8)[None] * 255
    return [(corners,)] + [(_image(rng, *rng.integers(2, 12, 2), 3),) for _ in range(9)]


def _hint_luma(got, wanted, arguments):
    (image,) = arguments
    if got.shape != wanted.shape:
        return f"the result's shape is {got.shape}; one number per pixel, (H, W), is asked for"
    if _near(got, image.astype(float).mean(axis=-1)):
        return "that is the plain mean; the eye weighs the three channels differently"
    if _near(got, _luma(image[..., ::-1])):
        return "the weights are in the order B, G, R; the channels are R, G, B"
    if _near(got, wanted):
        return "off by one: round to the nearest, astype alone cuts the fraction off"


def _near(got, exact):
    """Whether `got` is `exact`, rounded in whatever way."""
    return got.shape == exact.shape and np.abs(got - exact).max() < 1


# shrink
def _shrink(image, k):
    height, width = image.shape[0] // k, image.shape[1] // k
    blocks = image[: height * k, : width * k].reshape(height, k, width, k, *image.shape[2:])
    return blocks.astype(float).mean(axis=(1, 3))


def _shrink_cases(rng):
    cases = []
    for k in (2, 3, 4, 5, 2, 3):
        rows, columns = (int(v) for v in rng.integers(2 * k, 6 * k, 2))
        cases.append((_image(rng, rows // k * k, columns // k * k + (0 if k == 2 else 1), 3), k))
        cases.append((_image(rng, rows, columns), k))
    return cases + [(_image(rng, 11, 15, 3), 5), (_image(rng, 12, 7), 4)]  # one side alone fits


def _hint_shrink(got, wanted, arguments):
    image, k = arguments
    picked = image[::k, ::k]
    if got.shape != wanted.shape:
        if got.shape == picked.shape:
            return f"the result's shape is {got.shape}; rows that fill no whole block are left out"
        return None
    if _equals(got, picked[: wanted.shape[0], : wanted.shape[1]]):
        return "that takes one pixel of each block; every pixel of the block has to count"
    if _near(got, wanted):
        return "off by one: round to the nearest, astype alone cuts the fraction off"


# shift
def _shift(image, down, right):
    height, width = image.shape
    result = np.zeros_like(image)
    for row in range(max(down, 0), min(height + down, height)):
        for column in range(max(right, 0), min(width + right, width)):
            result[row, column] = image[row - down, column - right]
    return result


def _shift_cases(rng):
    moves = [(1, 0), (0, 1), (2, -3), (-1, 2), (-2, -2), (3, 3), (0, -4), (-3, 0), (0, 0)]
    cases = [(_image(rng, *rng.integers(5, 12, 2)), *move) for move in moves]
    small, far = _image(rng, 3, 4), [(5, -6), (4, 0), (0, 6), (-3, 1), (1, -4), (-5, -1)]
    return cases + [(small, *move) for move in far]  # all of it leaves, mostly on one side


def _hint_shift(got, wanted, arguments):
    image, down, right = arguments
    if _equals(got, np.roll(image, (down, right), (0, 1))):
        return "what leaves on one side comes back on the other; zeros have to move in"
    if _equals(got, _shift(image, right, down)):
        return "down moves rows (axis 0), right moves columns (axis 1); they are exchanged"
    if _equals(got, _shift(image, -down, -right)):
        return "it moves the other way: positive is down and to the right"


EXERCISES = {
    "raw_bytes": Exercise(
        number=1,
        reference=_raw_bytes,
        cases=_raw_bytes_cases,
        verified="1, 8 and 16 bits, 1 to 4 channels",
        hints=[_hint_bytes],
        whole=COUNTS,
    ),
    "crop": Exercise(
        number=2,
        reference=_crop,
        cases=_crop_cases,
        verified="gray, RGB and RGBA, random windows and corners",
        hints=[_hint_crop],
    ),
    "to_torch_layout": Exercise(
        number=3,
        reference=_to_torch_layout,
        cases=_to_torch_layout_cases,
        verified="1 to 4 channels",
        hints=[_hint_layout],
    ),
    "brighten": Exercise(
        number=4,
        reference=_brighten,
        cases=_brighten_cases,
        verified="amounts from −255 to 255",
        hints=[_hint_brighten],
        dtype=np.uint8,
    ),
    "luma": Exercise(
        number=5,
        reference=_luma,
        cases=_luma_cases,
        verified="pure and random colours",
        hints=[_hint_luma],
        dtype=np.uint8,
        rounded=True,
    ),
    "shrink": Exercise(
        number=6,
        reference=_shrink,
        cases=_shrink_cases,
        verified="blocks of 2 to 5, gray and RGB, odd sizes",
        hints=[_hint_shrink],
        dtype=np.uint8,
        rounded=True,
    ),
    "shift_zeros": Exercise(
        number=7,
        reference=_shift,
        cases=_shift_cases,
        verified="all directions, and further than the image is wide or high",
        hints=[_hint_shift],
    ),
}

check, ask = doors(EXERCISES, QUESTIONS)
