"""Exercises of chapter 1, sections 1.1 to 1.4: a bitmap's rows, columns, size and bytes."""

import numpy as np

from course_utils.exercises.engine import COUNTS, Exercise, mistakes
from course_utils.exercises.image_data.looks import crop_look, enlarge_look, shrink_look
from course_utils.filters import resample


def _image(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _counted(*shape):
    """A small picture whose values are 0, 1, 2, … in the order of its memory."""
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


# crop
def _crop(image, top, left, height, width):
    return image[top : top + height, left : left + width]


def _crop_cases(rng):
    cases = [(_counted(3, 5), 1, 2, 2, 3), (_counted(5, 3), 3, 0, 1, 2)]
    corner = _image(rng, 9, 7)
    places = [(4, 2, 5, 4), (0, 0, 3, 2), (0, 0, 9, 7)]  # at two sides or more, then at one alone
    places += [(5, 1, 4, 3), (2, 4, 1, 3), (0, 2, 4, 3), (3, 0, 2, 5)]
    cases += [(_image(rng, 6, 2, 3), 2, 1, 3, 1)] + [(corner, *place) for place in places]
    for channels in ((), (3,), (4,)) * 3:
        rows, columns = (int(v) for v in rng.integers(8, 30, 2))
        top, left = int(rng.integers(1, rows // 2)), int(rng.integers(1, columns // 2))
        size = int(rng.integers(1, rows - top)), int(rng.integers(1, columns - left))
        cases.append((_image(rng, rows, columns, *channels), top, left, *size))
    return cases


_HINTS_CROP = mistakes(
    (
        lambda image, top, left, height, width: image[top:height, left:width],
        "a slice ends at a row, not after so many rows: start + size",
    ),
    (
        lambda image, top, left, height, width: image[left : left + width, top : top + height],
        "rows come first: image[rows, columns], so top goes with height",
    ),
    (
        lambda image, top, left, height, width: image[top : top + width, left : left + height],
        "height counts rows and width counts columns; they are exchanged",
    ),
    (
        lambda image, top, left, height, width: image[left : left + height, top : top + width],
        "top is a row and left is a column; they are exchanged",
    ),
    (
        lambda image, top, left, height, width: image[top : top + height, left : left + height],
        "height is used for the columns, too",
    ),
    (
        lambda image, top, left, height, width: image[top : top + height][left : left + width],
        "two brackets one after the other both cut rows",
    ),
    (
        lambda image, top, left, height, width: image[
            top : top + height + 1, left : left + width + 1
        ],
        "that is a row and a column too many: a slice does not include its end",
    ),
)


# shrink
def _blocks(image, k):
    height, width = image.shape[0] // k, image.shape[1] // k
    return image[: height * k, : width * k].reshape(height, k, width, k, *image.shape[2:])


def _shrink(image, k):
    return _blocks(image, k).astype(float).mean(axis=(1, 3))


def _shrink_cases(rng):
    cases = [(_counted(2, 4) * np.uint8(3), 2), (_image(rng, 4, 7), 3), (_image(rng, 2, 4, 3), 2)]
    cases += [(_image(rng, 11, 15, 3), 5), (_image(rng, 12, 7), 4)]  # one side alone fits
    for k in (2, 3, 4, 5, 2, 3):
        rows, columns = (int(v) for v in rng.integers(2 * k, 6 * k, 2))
        cases.append((_image(rng, rows // k * k, columns // k * k + (0 if k == 2 else 1), 3), k))
        cases.append((_image(rng, rows, columns), k))
    return cases


def _first_of_each(image, k):
    return _blocks(image, k)[:, 0, :, 0]


def _narrow_sum(image, k):
    return _blocks(image, k).sum(axis=(1, 3), dtype=np.uint8) / k**2


_CUT = "off by one: astype alone cuts the fraction off"
_NARROW = "the sum of a block is made in uint8, which goes around at 256"
_HINTS_SHRINK = mistakes(
    (_first_of_each, "that takes one pixel of each block; every pixel of the block has to count"),
    (
        lambda image, k: image[::k, ::k],
        "that takes one pixel of each block, and rows or columns that fill no block are there",
    ),
    (lambda image, k: np.floor(_shrink(image, k)), _CUT),
    (lambda image, k: np.floor(_narrow_sum(image, k)), _NARROW),
    (lambda image, k: np.round(_narrow_sum(image, k)), _NARROW),
    (lambda image, k: _blocks(image, k).max(axis=(1, 3)), "that is each block's largest value"),
)


# enlarge
def _enlarge(image, k):
    return resample(image, image.shape[0] * k, image.shape[1] * k, "bilinear")


def _enlarge_cases(rng):
    sizes = [(2, 3, 2), (3, 2, 3), (2, 5, 4), (4, 3, 2), (5, 7, 3), (3, 8, 5), (9, 4, 2), (6, 5, 1)]
    first = np.array([[0.0, 8, 16], [40, 80, 0]])
    return [(first, 2)] + [(_image(rng, rows, columns) * 1.0, k) for rows, columns, k in sizes]


def _bilinear(image, rows, columns):
    """The picture read at rows × columns; beyond the outer centres the mix goes on straight."""
    down, across = (
        np.clip(places.astype(int), 0, size - 2)
        for places, size in zip((rows, columns), image.shape, strict=True)
    )
    low, right = (rows - down)[:, None], columns - across
    upper = (1 - right) * image[down][:, across] + right * image[down][:, across + 1]
    lower = (1 - right) * image[down + 1][:, across] + right * image[down + 1][:, across + 1]
    return (1 - low) * upper + low * lower


def _read(place, clamp=True):
    """Bilinear, with the new pixels at place(their numbers, k, old size)."""

    def enlarged(image, k):
        places = [place(np.arange(size * k), k, size) for size in image.shape]
        if clamp:
            places = [np.clip(p, 0, n - 1) for p, n in zip(places, image.shape, strict=True)]
        return _bilinear(image, *places)

    return enlarged


_HINTS_ENLARGE = mistakes(
    (
        lambda image, k: image.repeat(k, axis=0).repeat(k, axis=1),
        "each pixel is repeated: that is nearest neighbour",
    ),
    (
        _read(lambda i, k, size: i / k),
        "the corners of the new pixels are read there, and not their centres",
    ),
    (
        _read(lambda i, k, size: (i + 0.5) / k),
        "an old pixel's centre is half a pixel from its corner, too",
    ),
    (
        _read(lambda i, k, size: i * (size - 1) / max(size * k - 1, 1)),
        "that lays the outer pixels' centres onto each other (align_corners=True in PyTorch)",
    ),
    (
        _read(lambda i, k, size: (i + 0.5) / k - 0.5, clamp=False),
        "outside the outer centres the mix goes on in a straight line; there the border's own "
        "values are wanted",
    ),
)


# raw_bytes
def _raw_bytes(height, width, channels, bits):
    return (height * width * channels * bits + 7) // 8


def _raw_bytes_cases(rng):
    sizes = [(2, 3, 4, 8), (3, 5, 1, 1), (2, 3, 1, 16), (5, 3, 4, 16)]
    drawn = [tuple(int(v) for v in rng.integers(4, 99, 2)) for _ in range(8)]
    drawn = [(h, w, int(rng.integers(1, 5)), bits) for (h, w), bits in zip(
        drawn, [1, 8, 16, 1, 8, 16, 1, 1], strict=True)]  # fmt: skip
    return sizes + sorted(drawn) + [(1080, 1920, 3, 8), (1440, 2560, 1, 8)]


_UP = "a number of bytes is whole, and bits left over need one more byte: round upwards"
_HINTS_BYTES = mistakes(
    (lambda h, w, c, bits: h * w * c * -(-bits // 8), "that is a byte for every bit"),
    (lambda h, w, c, bits: h * w * c * bits, "those are bits; 8 bits make a byte"),
    (lambda h, w, c, bits: (h * w * bits + 7) // 8, "that counts one channel only"),
    (
        lambda h, w, c, bits: h * ((w * c * bits + 7) // 8),
        "each row fills whole bytes there; here the rows follow without gaps",
    ),
    (lambda h, w, c, bits: h * w * c * bits / 8, _UP),
    (lambda h, w, c, bits: h * w * c * bits // 8, _UP),
    (
        lambda h, w, c, bits: h * w * c * bits // 8 + 1,
        "where the bits fill the last byte, there is no further one",
    ),
)


# to_torch_layout
def _to_torch_layout(images):
    return images.transpose(0, 3, 1, 2)


def _to_torch_layout_cases(rng):
    drawn = [
        (_image(rng, *(int(v) for v in rng.choice([1, 2, 5, 6, 7, 8], 3, False)), channels),)
        for channels in (3, 3, 4, 3, 4) * 2
    ]
    gray = _image(rng, 3, 5, 4, 1)
    return [(_counted(1, 2, 4, 2),), (gray,)] + sorted(drawn, key=lambda case: case[0].size)


_BATCH = "the batch N stays in front"
_HINTS_LAYOUT = mistakes(
    (
        lambda images: images.reshape(len(images), images.shape[3], *images.shape[1:3]),
        "the shape is right but the pixels are scrambled: reshape is not transpose",
    ),
    (
        lambda images: images.transpose(0, 3, 2, 1),
        "height and width are exchanged: (N, C, H, W), not (N, C, W, H)",
    ),
    (lambda images: images.T, "all four axes are turned around"),
    (lambda images: images.transpose(3, 1, 2, 0), _BATCH),
    (lambda images: images.transpose(3, 0, 1, 2), _BATCH),
    (lambda images: _to_torch_layout(images) / 255, "the numbers stay as they are; no / 255"),
)

EXERCISES = {
    "crop": Exercise(
        reference=_crop,
        cases=_crop_cases,
        verified="gray, RGB and RGBA, random windows and corners",
        hints=[_HINTS_CROP],
        look=crop_look,
        steps=(
            "An array takes two slices at once: one for the rows, one for the columns.",
            "Write down which row is the first that is no longer wanted; a slice ends there.",
        ),
    ),
    "shrink": Exercise(
        reference=_shrink,
        cases=_shrink_cases,
        verified="blocks of 2 to 5, gray and RGB, odd sizes",
        hints=[_HINTS_SHRINK],
        dtype=np.uint8,
        rounded=True,
        errors={
            "cannot reshape array": "rows or columns are left that fill no whole block, or the "
            "channels of a colour picture have no axis in the new shape"
        },
        level=2,
        minutes=10,
        look=shrink_look,
        steps=(
            "First cut the picture so that both sides are multiples of k; then think in blocks.",
            "The reshape of 1.2 gives every block two axes; of colour, the channels' axis stays "
            "at the end. Over which axes is the mean taken, and what rounds it?",
        ),
    ),
    "enlarge": Exercise(
        reference=_enlarge,
        cases=_enlarge_cases,
        verified="1 to 5 times as large, all sides and corners",
        hints=[_HINTS_ENLARGE],
        errors={"out of bounds": "behind the last centre there is no next pixel to mix with"},
        level=3,
        minutes=20,
        look=enlarge_look,
        steps=(
            "Compute for each new row and column where its centre lies among the old centres, and "
            "move what lies outside the picture to its border.",
            "The lesson's `bilinear_at` needs a pixel below and one to the right: on the last row "
            "and column begin one pixel earlier, and the share becomes 1.",
        ),
    ),
    "raw_bytes": Exercise(
        reference=_raw_bytes,
        cases=_raw_bytes_cases,
        verified="1, 8 and 16 bits, 1 to 4 channels",
        hints=[_HINTS_BYTES],
        whole=COUNTS,
        steps=(
            "Count the values of the whole image first, then its bits.",
            "15 bits need 2 bytes and 16 bits need 2 bytes: which whole-number division says so?",
        ),
    ),
    "to_torch_layout": Exercise(
        reference=_to_torch_layout,
        cases=_to_torch_layout_cases,
        verified="1 to 4 channels",
        hints=[_HINTS_LAYOUT],
        steps=(
            "Number the four axes of the photos 0 to 3, and write the numbers in the new order.",
            "Section 1.4 did it for one photo of three axes; here the batch is axis 0 and stays.",
        ),
    ),
}
