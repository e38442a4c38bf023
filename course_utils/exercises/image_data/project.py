"""The project of chapter 1: a contact sheet, from the functions of its exercises."""

import numpy as np

from course_utils.exercises.engine import Exercise, mistakes
from course_utils.exercises.image_data.colour import LUMA, brightened
from course_utils.exercises.image_data.looks import page_look

GAP = 4  # white pixels between two pictures, and around the page
BRIGHTER, DARKER = 1.5, 0.5  # factors
_MISSING = {"NoneType": "a function of an earlier exercise returns nothing: is it written?"}


def _image(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


# thumbnail
def _cut(photo, side, top=None, left=None):
    """The blocks of the square that becomes the thumbnail: (side, k, side, k, 3)."""
    height, width = photo.shape[:2]
    k = min(height, width) // side
    top = (height - k * side) // 2 if top is None else top
    left = (width - k * side) // 2 if left is None else left
    square = photo[top : top + k * side, left : left + k * side]
    return square.reshape(side, k, side, k, 3).astype(float)


def _thumbnail(photo, side):
    return _cut(photo, side).mean(axis=(1, 3))


def _thumbnail_cases(rng):
    sizes = [
        (1, 5, 1),
        (2, 6, 2),
        (5, 4, 2),
        (9, 12, 3),
        (13, 7, 3),
        (8, 21, 4),
        (16, 30, 5),
        (31, 17, 5),
    ]
    sizes += [(24, 24, 8), (7, 19, 7)]
    return [(_image(rng, height, width, 3), side) for height, width, side in sizes]


def _squeezed(photo, side):
    """Another k for each axis: the whole picture, squeezed into a square."""
    rows, columns = photo.shape[0] // side, photo.shape[1] // side
    whole = photo[: rows * side, : columns * side].reshape(side, rows, side, columns, 3)
    return np.round(whole.mean(axis=(1, 3)))


_CORNER = "the square begins in the corner; as much has to be cut off on both sides"


def _beginning(first):
    """A thumbnail whose square begins at `first` (a side of the photo, k · side, the shorter)."""

    def thumbnail(photo, side):
        height, width = photo.shape[:2]
        shorter = min(height, width)
        starts = (first(length, shorter // side * side, shorter) for length in (height, width))
        return np.round(_cut(photo, side, *starts).mean(axis=(1, 3)))

    return thumbnail


_ONE_OFF = (
    "where an odd number of rows or columns is cut off, the square begins one row too low or one "
    "column too far to the right"
)
_HINTS_THUMBNAIL = mistakes(
    (_beginning(lambda length, cut, shorter: length // 2 - cut // 2), _ONE_OFF),
    (_beginning(lambda length, cut, shorter: -(-(length - cut) // 2)), _ONE_OFF),
    (_beginning(lambda length, cut, shorter: round((length - cut) / 2)), _ONE_OFF),
    (
        _beginning(lambda length, cut, shorter: (length - shorter) // 2),
        "a square as long as the shorter side is in the middle; the square of k · side is not",
    ),
    (lambda photo, side: np.round(_cut(photo, side, 0, 0).mean(axis=(1, 3))), _CORNER),
    (
        lambda photo, side: np.floor(_thumbnail(photo, side)),
        "off by one: astype alone cuts the fraction off",
    ),
    (
        lambda photo, side: _cut(photo, side)[:, 0, :, 0],
        "that takes one pixel of each block; every pixel has to count",
    ),
    (_squeezed, "the whole photo is squeezed into the square; it has to be cut"),
)


# versions
def _moved(wide, down, right=0):
    """A picture (H, W, 3), moved by whole numbers from 0 on; zeros move in."""
    height, width = wide.shape[:2]
    return np.pad(wide, ((down, 0), (right, 0), (0, 0)))[:height, :width]


def _versions(small):
    gray = np.repeat((small @ LUMA)[..., None], 3, axis=-1)
    wide = small.astype(float)
    moved = _moved(wide, 0, small.shape[1] // 4)
    return np.stack([wide, gray, brightened(small, BRIGHTER), brightened(small, DARKER), moved])


def _versions_cases(rng):
    sizes = [(1, 4), (3, 2), (5, 4), (4, 9), (8, 7), (7, 8), (9, 12), (13, 11)]
    return [(_image(rng, *size, 3),) for size in sizes]


def _one_otherwise(place, change):
    """All versions, with one of them made by `change`."""

    def versions(small):
        made = np.round(_versions(small))
        made[place] = change(small.astype(float))
        return made

    return versions


_NOT_ALIKE = "the five are not all (H, W, 3): print the shape of each"
_HINTS_VERSIONS = mistakes(
    (
        _one_otherwise(1, lambda small: np.round(small.mean(-1, keepdims=True))),
        "the gray version is the plain mean, not luma",
    ),
    (
        _one_otherwise(2, lambda small: np.floor(small * BRIGHTER) % 256),
        "the brighter version goes around",
    ),
    (
        _one_otherwise(2, lambda small: np.clip(np.round(small * BRIGHTER), 0, 255)),
        "in the brighter version each channel stops at 255 by itself, which changes the hue",
    ),
    (
        _one_otherwise(4, lambda small: np.roll(small, small.shape[1] // 4, 1)),
        "in the moved version, what leaves on the right comes back on the left",
    ),
    (
        _one_otherwise(4, lambda small: _moved(small, small.shape[1] // 4)),
        "the moved version moves down",
    ),
    (
        _one_otherwise(4, lambda small: _moved(small, small.shape[0] // 4)),
        "the moved version moves down",
    ),
    (
        _one_otherwise(4, lambda small: _moved(small[:, ::-1], 0, small.shape[1] // 4)[:, ::-1]),
        "the moved version moves to the left",
    ),
    (
        _one_otherwise(4, lambda small: _moved(small, 0, small.shape[0] // 4)),
        "the moved version moves by a quarter of the height",
    ),
    (
        _one_otherwise(4, lambda small: np.roll(_versions(small)[4], 0)[:, ::-1]),
        "the moved version is mirrored",
    ),
    (
        lambda small: np.round(_versions(small))[[0, 1, 3, 2, 4]],
        "the brighter version comes before the darker one",
    ),
)


# contact_sheet
def _contact_sheet(pictures, columns, gap=GAP, border=GAP, page=None):
    """gap: between two pictures; border: around the page; page: the white one, or None."""
    count, height, width = pictures.shape[:3]
    rows, down, across = -(-count // columns), height + gap, width + gap
    if page is None:
        sides = rows * down - gap + 2 * border, columns * across - gap + 2 * border
        page = np.full((*sides, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = border + i // columns * down, border + i % columns * across
        page[top : top + height, left : left + width] = picture
    return page


def _contact_sheet_cases(rng):
    sizes = [(2, 1, 2, 3), (3, 2, 1, 2), (4, 3, 2, 3), (5, 2, 4, 4), (6, 3, 5, 2), (7, 5, 3, 3)]
    sizes += [(10, 5, 4, 4), (4, 6, 7, 2), (1, 3, 2, 2)]
    return [(_image(rng, *size, 3), columns) for *size, columns in sizes]


def _other_order(pictures, columns):
    """Column after column, where that fits."""
    rows = -(-len(pictures) // columns)
    filled = np.full((rows * columns, *pictures.shape[1:]), 255, np.uint8)
    filled[: len(pictures)] = pictures
    order = np.arange(rows * columns).reshape(columns, rows).T.ravel()
    return _contact_sheet(filled[order], columns)


def _black_where_white(pictures, columns):
    return np.where(_paper(pictures, columns), 0, _contact_sheet(pictures, columns))


def _paper(pictures, columns):
    """Where no picture lies."""
    return _contact_sheet(np.zeros_like(pictures), columns) == 255


def _touching(pictures, columns):
    """Without gaps between the pictures, on a page that is as large as it has to be."""
    page = np.full_like(_contact_sheet(pictures, columns), 255)
    return _contact_sheet(pictures, columns, 0, page=page)


_NO_GAP = "there is no gap between two pictures"
_HINTS_SHEET = mistakes(
    (_touching, _NO_GAP),
    (lambda pictures, columns: _contact_sheet(pictures, columns, 0), _NO_GAP),
    (
        lambda pictures, columns: _contact_sheet(pictures, columns, 0, 0),
        "there is no gap, neither between two pictures nor around the page",
    ),
    (_black_where_white, "the gaps and the empty places are black; paper is white"),
    (_other_order, "the pictures go down the columns; they have to go along the rows"),
    (
        lambda pictures, columns: _contact_sheet(
            pictures[: max(len(pictures) // columns, 1) * columns], columns
        ),
        "the last row, which is not full, is missing",
    ),
    (
        lambda pictures, columns: _contact_sheet(pictures, columns)[GAP:, GAP:],
        "the gap above the first row and left of the first column is missing",
    ),
    (
        lambda pictures, columns: _contact_sheet(pictures, columns)[GAP:-GAP, GAP:-GAP],
        "the gap around the page is missing",
    ),
)


# contact_page
def _contact_page(photos, side):
    rows = [np.round(_versions(np.round(_thumbnail(photo, side)))) for photo in photos]
    return _contact_sheet(np.concatenate(rows).astype(np.uint8), 5)


# colours whose luma is far from a half, so that every right rounding agrees
PALETTE = np.uint8([(200, 50, 0), (0, 100, 250), (250, 200, 100), (120, 0, 200), (50, 50, 50)])


def _contact_page_cases(rng):
    """Photos of blocks of one colour, with a gray border on two sides that is cut off."""
    cases = [(rng.choice(PALETTE, (1, 2, 2)), 2)]
    sizes = [(1, 2, 2), (1, 4, 2), (3, 3, 1), (2, 4, 3), (4, 5, 2), (6, 4, 1), (5, 3, 1)]
    for count, side, k in sizes:
        coarse = rng.choice(PALETTE, (count, side, side))
        photos = coarse.repeat(k, axis=1).repeat(k, axis=2)
        border = np.zeros((4, 2), int)
        border[rng.integers(1, 3)] = rng.integers(1, 3)
        cases.append((np.pad(photos, border, constant_values=128), side))
    return sorted(cases, key=lambda case: case[0].size)


_ONE_ARRAY = "`contact_sheet` takes pictures (N, H, W, 3): print the shape of what it gets"
_HINTS_PAGE = mistakes(
    (
        lambda photos, side: _contact_page(photos[:1], side),
        "that is the first photo's row alone",
    ),
    (
        lambda photos, side: _contact_page(photos[-1:], side),
        "that is the last photo's row alone",
    ),
    (
        lambda photos, side: _contact_sheet(
            np.concatenate([np.round(_thumbnail(p, side))[None] for p in photos]).astype(np.uint8),
            5,
        ),
        "each photo is there once; five versions of it are wanted",
    ),
    (
        lambda photos, side: _contact_page(photos[::-1], side),
        "the photos come in the opposite order",
    ),
)

EXERCISES = {
    "thumbnail": Exercise(
        reference=_thumbnail,
        cases=_thumbnail_cases,
        verified="wide and high photos, sides of 2 to 8",
        hints=[_HINTS_THUMBNAIL],
        dtype=np.uint8,
        rounded=True,
        errors=_MISSING,
        level=2,
        minutes=15,
        steps=(
            "Two of your functions cut and average. Which numbers does each of them need, and "
            "which of these have to be computed here?",
            "Do a photo of 7 rows and 13 columns with side 3 on paper: k, the square's side, the "
            "first row and the first column that stay. Which lengths went into each of the four?",
        ),
    ),
    "versions": Exercise(
        reference=_versions,
        cases=_versions_cases,
        verified="five versions of wide and high pictures",
        hints=[_HINTS_VERSIONS],
        dtype=np.uint8,
        rounded=True,
        errors=_MISSING
        | {
            "must have the same shape": _NOT_ALIKE,
            "inhomogeneous shape": _NOT_ALIKE,
            "too many values to unpack": "`shift_zeros` takes a picture (H, W), and a colour "
            "picture has three of them",
        },
        level=2,
        minutes=15,
        steps=(
            "Write down which shape each of your functions takes and returns. Which of the five "
            "versions are not (H, W, 3) by themselves?",
            "What does a gray pixel have in R, G and B? And what moves, and by how much, in each "
            "of the three channels when a colour picture moves?",
        ),
    ),
    "contact_sheet": Exercise(
        reference=_contact_sheet,
        cases=_contact_sheet_cases,
        verified="1 to 10 pictures, wide and high, in 2 to 4 columns",
        hints=[_HINTS_SHEET],
        dtype=np.uint8,
        errors=_MISSING,
        level=3,
        minutes=20,
        steps=(
            "Make the white page first: how many rows are there if the last one is not full?",
            "Sketch a page of 5 pictures in 3 columns, and write beside each picture the pixel of "
            "its upper left corner. How do picture 3 and its corner follow from the number 3?",
        ),
    ),
    "contact_page": Exercise(
        reference=_contact_page,
        cases=_contact_page_cases,
        verified="1 to 4 photos, wide and high",
        hints=[_HINTS_PAGE],
        dtype=np.uint8,
        errors=_MISSING
        | {
            "values to unpack (expected 4": _ONE_ARRAY,
            "could not broadcast input array": _ONE_ARRAY,
        },
        minutes=10,
        look=page_look,
        steps=(
            "Your last three functions, one after the other: each photo gives five pictures.",
            "`contact_sheet` takes all its pictures as one array. Which shape does `versions` give "
            "for one photo, and which shape has the array for three photos?",
        ),
    ),
}
