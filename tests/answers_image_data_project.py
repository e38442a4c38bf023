"""Answers to chapter 1's project: wrong ones with their hints, and other right ones."""

import numpy as np
import torch

from course_utils.exercises.image_data import EXERCISES
from course_utils.filters import resample

LUMA = np.array([0.299, 0.587, 0.114])
shift = EXERCISES["shift_zeros"].reference
sheet = EXERCISES["contact_sheet"].reference
page = EXERCISES["contact_page"].reference


def square(photo, side, top=None, left=None):
    height, width = photo.shape[:2]
    k = min(height, width) // side
    top = (height - k * side) // 2 if top is None else top
    left = (width - k * side) // 2 if left is None else left
    return photo[top : top + k * side, left : left + k * side], k


def begun(photo, side, first):
    """A thumbnail whose square begins at `first` (length, k)."""
    k = min(photo.shape[:2]) // side
    return averaged(*square(photo, side, *(first(length, k) for length in photo.shape[:2])))


def small(photo, side):
    return np.round(EXERCISES["thumbnail"].reference(photo, side)).astype(np.uint8)


def averaged(photo, k):
    rows, columns = photo.shape[0] // k, photo.shape[1] // k
    blocks = photo[: rows * k, : columns * k].reshape(rows, k, columns, k, 3)
    return np.round(blocks.mean(axis=(1, 3))).astype(np.uint8)


def squeezed(photo, side):
    rows, columns = (size // side for size in photo.shape[:2])
    blocks = photo[: rows * side, : columns * side].reshape(side, rows, side, columns, 3)
    return np.round(blocks.mean(axis=(1, 3))).astype(np.uint8)


def kept_hue(wide, factor):
    return np.round(wide * np.minimum(factor, 255 / np.maximum(wide.max(-1, keepdims=True), 1)))


def five(picture, gray=None, bright=kept_hue, move=None, order=(0, 1, 2, 3, 4)):
    """Five versions, each part in a right or in another way."""
    wide, right = picture.astype(int), picture.shape[1] // 4
    gray = np.round(picture @ LUMA)[..., None] if gray is None else gray(picture)
    moved = np.pad(wide, ((0, 0), (right, 0), (0, 0)))[:, : picture.shape[1]]
    moved = moved if move is None else move(wide, right)
    made = [wide, gray + 0 * wide, bright(wide, 1.5), bright(wide, 0.5), moved]
    return np.stack([np.asarray(made[i]).astype(np.uint8) for i in order])


def clipped(wide, factor):
    return np.clip(np.round(wide * factor), 0, 255)


def around(wide, factor):
    return np.floor(wide * factor) % 256 if factor > 1 else kept_hue(wide, factor)


def down(wide, by):
    return np.stack([shift(wide[..., i], by, 0) for i in range(3)], axis=-1)


def across(wide, by):
    return np.stack([shift(wide[..., i], 0, by) for i in range(3)], axis=-1)


def gray_first(picture):
    """Versions whose gray one has its channels first."""
    gray = np.stack([np.round(picture @ LUMA).astype(np.uint8)] * 3)
    return np.array([picture, gray, *five(picture)[2:]])


def rolled(wide, right):
    return np.roll(wide, right, 1)


def without_the_last_row(pictures, columns):
    full = max(len(pictures) // columns, 1) * columns
    return sheet(pictures[:full], columns)


def black_paper(pictures, columns):
    white = sheet(np.zeros_like(pictures), columns) == 255
    return np.where(white, 0, sheet(pictures, columns)).astype(np.uint8)


def touching(pictures, columns, border=4, fits=False):
    """Pictures without a gap between them; fits: on a page that has no place for gaps."""
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    page = np.full_like(sheet(pictures, columns), 255)
    if fits:
        page = page[: rows * height + 2 * border, : columns * width + 2 * border].copy()
    for i, picture in enumerate(pictures):
        top, left = border + i // columns * height, border + i % columns * width
        page[top : top + height, left : left + width] = picture
    return page


def by_columns(pictures, columns):
    rows = -(-len(pictures) // columns)
    cells = np.full((rows * columns, *pictures.shape[1:]), 255, np.uint8)
    for i, picture in enumerate(pictures):
        cells[i % rows * columns + i // rows] = picture
    return sheet(cells, columns)


def by_rows(pictures, columns):
    """Rows of pictures, joined; each picture with a gap above it and at its left."""
    blank = np.full(pictures.shape[1:], 255, np.uint8)
    cells = [*pictures, *[blank] * (-len(pictures) % columns)]
    cells = [np.pad(c, ((4, 0), (4, 0), (0, 0)), constant_values=255) for c in cells]
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return np.pad(np.vstack(rows), ((0, 4), (0, 4), (0, 0)), constant_values=255)


def by_tensors(pictures, columns):
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    result = torch.full((rows * (height + 4) + 4, columns * (width + 4) + 4, 3), 255).byte()
    for i, picture in enumerate(torch.from_numpy(pictures.copy())):
        row, column = divmod(i, columns)
        top, left = 4 + row * (height + 4), 4 + column * (width + 4)
        result[top : top + height, left : left + width] = picture
    return result


def appended(photos, side):
    return sheet(np.array([five(small(photo, side)) for photo in photos]), 5)


def unpacking(pictures):
    count, height, width, channels = pictures.shape
    return np.zeros((count, height, width, channels))


def all_pages(photos, side):
    return sheet(np.array([v for photo in photos for v in five(small(photo, side))]), 5)


def pages_below_each_other(photos, side):
    pages = [sheet(five(small(photo, side)), 5) for photo in photos]
    return np.concatenate([pages[0], *(p[4:] for p in pages[1:])])


def not_written(photo, side):
    missing = dict.get({}, side)
    return missing[:side]


WRONG = {
    "thumbnail": [
        ("lambda p, s: averaged(*square(p, s, 0, 0))", "begins in the corner"),
        ("lambda p, s: begun(p, s, lambda n, k: n // 2 - k * s // 2)", "begins one row too low"),
        ("lambda p, s: begun(p, s, lambda n, k: -(-(n - k * s) // 2))", "begins one row too low"),
        ("lambda p, s: begun(p, s, lambda n, k: round((n - k * s) / 2))", "begins one row too low"),
        (
            "lambda p, s: begun(p, s, lambda n, k: (n - min(p.shape[:2])) // 2)",
            "as long as the shorter side",
        ),
        ("squeezed", "squeezed into the square"),
        ("lambda p, s: square(p, s)[0][::square(p, s)[1], ::square(p, s)[1]]", "one pixel of each"),
        ("lambda p, s: square(p, s)[0]", "the result's shape is"),
        ("not_written", "an earlier exercise returns nothing"),
    ],
    "versions": [
        (
            "lambda p: five(p, gray=lambda s: np.round(s.mean(-1, keepdims=True)))",
            "plain mean",
        ),
        ("lambda p: five(p, bright=around)", "the brighter version goes around"),
        ("lambda p: five(p, bright=clipped)", "changes the hue"),
        ("lambda p: five(p, move=rolled)", "comes back on the left"),
        ("lambda p: five(p, move=lambda w, r: down(w, r))", "moves down"),
        ("lambda p: five(p, move=lambda w, r: down(w, len(w) // 4))", "moves down"),
        ("lambda p: five(p, move=lambda w, r: across(w, -r))", "moves to the left"),
        ("lambda p: five(p, move=lambda w, r: across(w, len(w) // 4))", "quarter of the height"),
        ("gray_first", "print the shape of each"),
        ("lambda p: five(p, order=(0, 1, 3, 2, 4))", "before the darker one"),
        ("lambda p: five(p, order=(0, 1, 2, 3))", "the result's shape is"),
        ("lambda p: np.stack([p, (p @ LUMA).astype(np.uint8)])", "print the shape of each"),
        ("lambda p: shift(p, 0, 1)", "takes a picture \\(H, W\\)"),
    ],
    "contact_sheet": [
        ("black_paper", "paper is white"),
        ("touching", "no gap between two pictures"),
        ("lambda p, c: touching(p, c, fits=True)", "no gap between two pictures"),
        ("lambda p, c: touching(p, c, border=0, fits=True)", "nor around the page"),
        ("by_columns", "have to go along the rows"),
        ("without_the_last_row", "not full, is missing"),
        ("lambda p, c: sheet(p, c)[4:, 4:]", "above the first row"),
        ("lambda p, c: sheet(p, c)[4:-4, 4:-4]", "around the page is missing"),
        ("lambda p, c: sheet(p[::-1], c)", "is wrong"),
    ],
    "contact_page": [
        ("appended", "takes pictures \\(N, H, W, 3\\)"),
        ("lambda p, s: unpacking(np.array([five(small(q, s)) for q in p]))", "takes pictures"),
        ("lambda p, s: page(p[:1], s)", "the first photo's row alone"),
        ("lambda p, s: page(p[::-1], s)", "the opposite order"),
        ("lambda p, s: sheet(np.stack([small(q, s) for q in p]), 5)", "five versions of it"),
        ("not_written", "an earlier exercise returns nothing"),
    ],
}

RIGHT = {
    "thumbnail": [
        lambda p, s: averaged(*square(p, s)),
        lambda p, s: resample(square(p, s)[0], s, s, "area"),
        lambda p, s: (
            torch.nn.functional.avg_pool2d(
                torch.from_numpy(square(p, s)[0].copy()).permute(2, 0, 1).double(), square(p, s)[1]
            )
            .permute(1, 2, 0)
            .round()
            .to(torch.uint8)
        ),
    ],
    "versions": [
        lambda p: five(p),
        lambda p: torch.from_numpy(five(p)),
        lambda p: five(p, gray=lambda s: np.floor(s @ LUMA + 0.5)[..., None]),
    ],
    "contact_sheet": [by_rows, by_tensors],
    "contact_page": [all_pages, pages_below_each_other],
}
