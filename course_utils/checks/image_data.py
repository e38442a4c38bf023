"""Exercises and questions of chapter 1."""

import numpy as np

from course_utils.checks.engine import Ask, Exercise, Question, check_answer, pick


def check(name, function):
    """Check your answer to the exercise called `name`."""
    check_answer(name, pick("exercise", name, EXERCISES), function)


def ask(name):
    """Show the question called `name`."""
    return Ask(pick("question", name, QUESTIONS))


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
    if _equals(got, height * width * channels * bits):
        return "those are bits; 8 bits make a byte"
    if channels > 1 and _equals(got, (height * width * bits + 7) // 8):
        return "that counts one channel only"
    if bits * height * width * channels % 8 and abs(float(got) - float(wanted)) <= 1:
        return "the last bits do not fill a byte, but they still need one: a whole number, upwards"
    if got.dtype.kind == "f":
        return "a number of bytes is whole: use // and not /"


# crop


def _crop(image, top, left, height, width):
    return image[top : top + height, left : left + width]


def _crop_cases(rng):
    cases = []
    for channels in ((), (3,), (4,)) * 4:
        rows, columns = (int(v) for v in rng.integers(8, 30, 2))
        top, left = int(rng.integers(1, rows // 2)), int(rng.integers(1, columns // 2))
        size = int(rng.integers(1, rows - top)), int(rng.integers(1, columns - left))
        cases.append((_image(rng, rows, columns, *channels), top, left, *size))
    return cases


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
    if got.shape == wanted.shape and got.dtype != np.uint8:
        return f"the result's dtype is {got.dtype}; go back to uint8 at the end"
    if amount < 0 and _equals(got, wrapped):
        return "a negative amount darkens, and stops at 0; here it goes around to 255"
    if _equals(got, wrapped):
        return "uint8 went around (250 + 10 = 4); widen to int first, and clip before going back"
    if amount < 0 and _equals(got, image):
        return "a negative amount darkens"


# luma


def _luma(image):
    return np.floor(image @ np.array([0.299, 0.587, 0.114]) + 0.5).astype(np.uint8)


def _luma_cases(rng):
    corners = np.eye(3, dtype=np.uint8)[None] * 255
    return [(corners,)] + [(_image(rng, *rng.integers(2, 12, 2), 3),) for _ in range(9)]


def _hint_luma(got, wanted, arguments):
    (image,) = arguments
    plain = image.astype(float).mean(axis=-1)
    if got.shape == wanted.shape and got.dtype != np.uint8:
        return f"the result's dtype is {got.dtype}; round and go back to uint8"
    if got.shape != wanted.shape:
        return f"the result's shape is {got.shape}; one number per pixel, (H, W), is asked for"
    if np.abs(got - plain).max() <= 1:
        return "that is the plain mean; the eye weighs the three channels differently"
    if np.abs(got.astype(int) - _luma(image[..., ::-1])).max() <= 1:
        return "the weights are in the order B, G, R; the channels are R, G, B"
    if np.abs(got.astype(int) - wanted).max() <= 1:
        return "off by one: round to the nearest, astype alone cuts the fraction off"


# shrink


def _shrink(image, k):
    height, width = image.shape[0] // k, image.shape[1] // k
    blocks = image[: height * k, : width * k].reshape(height, k, width, k, -1)
    result = np.floor(blocks.astype(float).mean(axis=(1, 3)) + 0.5).astype(np.uint8)
    return result.reshape(height, width, *image.shape[2:])


def _shrink_cases(rng):
    cases = []
    for k in (2, 3, 4, 5, 2, 3):
        rows, columns = (int(v) for v in rng.integers(2 * k, 6 * k, 2))
        cases.append((_image(rng, rows // k * k, columns // k * k + (0 if k == 2 else 1), 3), k))
        cases.append((_image(rng, rows, columns), k))
    return cases


def _hint_shrink(got, wanted, arguments):
    image, k = arguments
    if got.shape != wanted.shape:
        if got.shape[:2] == image[::k, ::k].shape[:2]:
            return f"the result's shape is {got.shape}; rows that fill no whole block are left out"
        return None
    if _equals(got, image[::k, ::k][: wanted.shape[0], : wanted.shape[1]]):
        return "that takes one pixel of each block; every pixel of the block has to count"
    if got.dtype != np.uint8:
        return f"the result's dtype is {got.dtype}; round and go back to uint8"
    if np.abs(got.astype(int) - wanted).max() <= 1:
        return "off by one: round to the nearest, astype alone cuts the fraction off"


# shift


def _shift(image, down, right):
    result = np.zeros_like(image)
    height, width = image.shape
    rows = slice(max(down, 0), height + min(down, 0))
    columns = slice(max(right, 0), width + min(right, 0))
    from_rows = slice(max(-down, 0), height + min(-down, 0))
    from_columns = slice(max(-right, 0), width + min(-right, 0))
    result[rows, columns] = image[from_rows, from_columns]
    return result


def _shift_cases(rng):
    moves = [(0, 0), (1, 0), (0, 1), (2, -3), (-1, 2), (-2, -2), (3, 3), (0, -4), (-3, 0)]
    return [(_image(rng, *rng.integers(5, 12, 2)), *move) for move in moves]


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
        1, _raw_bytes, _raw_bytes_cases, "1, 8 and 16 bits, 1 to 4 channels", [_hint_bytes]
    ),
    "crop": Exercise(2, _crop, _crop_cases, "gray, RGB and RGBA, random windows", [_hint_crop]),
    "to_torch_layout": Exercise(
        3, _to_torch_layout, _to_torch_layout_cases, "1 to 4 channels", [_hint_layout]
    ),
    "brighten": Exercise(
        4, _brighten, _brighten_cases, "amounts from −255 to 255", [_hint_brighten]
    ),
    "luma": Exercise(5, _luma, _luma_cases, "pure and random colours", [_hint_luma]),
    "shrink": Exercise(
        6, _shrink, _shrink_cases, "blocks of 2 to 5, gray and RGB, odd sizes", [_hint_shrink]
    ),
    "shift": Exercise(7, _shift, _shift_cases, "all four directions", [_hint_shift]),
}

QUESTIONS = {
    "layout": Question(
        "A photo is an array of shape (480, 640, 3). Which call gives PyTorch what it expects?",
        [
            ("photo.reshape(3, 480, 640)", False,
             "The shape is right, the pixels are not: reshape keeps the order in memory and only "
             "counts it off differently, so each 'channel' is a third of the picture, scrambled."),
            ("photo.transpose(2, 0, 1)", True,
             "transpose names the old axes in their new order: channels, rows, columns."),
            ("photo.T", False,
             ".T reverses all axes: (3, 640, 480). Height and width are exchanged, so the picture "
             "lies on its side."),
            ("photo[None]", False,
             "That adds a batch axis in front, (1, 480, 640, 3), and leaves the channels last."),
        ],
    ),
    "overflow": Question(
        "np.uint8(250) + np.uint8(10): what comes out, and why?",
        [
            ("260", False, "uint8 has 8 bits: it ends at 255."),
            ("255, it stops at the top", False,
             "Pillow's and OpenCV's own adders do that (it is called saturation); NumPy does not."),
            ("4, it goes around", True,
             "260 − 256 = 4. Nothing warns when whole arrays are added: widen first, then clip."),
            ("an error", False, "NumPy may warn for single numbers; for arrays it is silent."),
        ],
    ),
    "equivariance": Question(
        "A digit moves 3 pixels to the right. What does a convolution's output do?",
        [
            ("It stays the same: convolution is invariant", False,
             "Then you could not tell from it where the digit is. The section measured that the "
             "output moves along."),
            ("It moves 3 pixels to the right: convolution is equivariant", True,
             "Shift in, shift out, exactly (away from the borders). Pooling is what then makes "
             "small shifts disappear."),
            ("It changes in an unpredictable way", False,
             "Each output value is the same sum over the same neighbours, only at another place."),
        ],
    ),
}  # fmt: skip
