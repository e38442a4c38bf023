"""The project of chapter 1: a contact sheet, from the functions of its exercises."""

import numpy as np

from course_utils.exercises.engine import Exercise, mistakes
from course_utils.exercises.image_data_looks import page_look

LUMA = np.array([0.299, 0.587, 0.114])
GAP = 4  # white pixels between two pictures, and around the page
BRIGHTER = 60
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
_HINTS_THUMBNAIL = mistakes(
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
def _versions(small):
    gray = np.repeat((small @ LUMA)[..., None], 3, axis=-1)
    wide, right = small.astype(float), small.shape[1] // 4
    moved = np.zeros_like(wide)
    moved[:, right:] = wide[:, : small.shape[1] - right]
    brighter, darker = np.clip(wide + BRIGHTER, 0, 255), np.clip(wide - BRIGHTER, 0, 255)
    return np.stack([wide, gray, brighter, darker, moved])


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


_HINTS_VERSIONS = mistakes(
    (
        _one_otherwise(1, lambda small: np.round(small.mean(-1, keepdims=True))),
        "the gray version is the plain mean, not luma",
    ),
    (_one_otherwise(2, lambda small: (small + BRIGHTER) % 256), "the brighter version goes around"),
    (_one_otherwise(3, lambda small: (small - BRIGHTER) % 256), "the darker version goes around"),
    (
        _one_otherwise(4, lambda small: np.roll(small, small.shape[1] // 4, 1)),
        "in the moved version, what leaves on the right comes back on the left",
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
def _contact_sheet(pictures, columns):
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    page = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top = GAP + i // columns * (height + GAP)
        left = GAP + i % columns * (width + GAP)
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


_HINTS_SHEET = mistakes(
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
PALETTE = np.uint8([(200, 50, 0), (0, 100, 250), (250, 200, 100), (100, 0, 200), (50, 50, 50)])


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
            "How often does `side` fit into the shorter side? That number is the block's k.",
            "The square has k · side pixels a side. Half of what is left over is cut off above, "
            "and half of it at the left.",
        ),
    ),
    "versions": Exercise(
        reference=_versions,
        cases=_versions_cases,
        verified="five versions of wide and high pictures",
        hints=[_HINTS_VERSIONS],
        dtype=np.uint8,
        rounded=True,
        errors=_MISSING,
        level=2,
        minutes=15,
        steps=(
            "Make the five pictures one after the other; each has three channels.",
            "`luma` and `shift_zeros` work with (H, W): gray has to become three equal channels, "
            "and each channel has to be moved by itself.",
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
            "Picture i stands in row `i // columns` and column `i % columns`; from one to the "
            "next it is a height, or a width, and a gap.",
        ),
    ),
    "contact_page": Exercise(
        reference=_contact_page,
        cases=_contact_page_cases,
        verified="1 to 4 photos, wide and high",
        hints=[_HINTS_PAGE],
        dtype=np.uint8,
        errors=_MISSING,
        minutes=10,
        look=page_look,
        steps=(
            "Your last three functions, one after the other: each photo gives five pictures.",
            "Put the five pictures of all photos into one array of shape (5 · photos, side, side, "
            "3); the page has five columns.",
        ),
    ),
}
