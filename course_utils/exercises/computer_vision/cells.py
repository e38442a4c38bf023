"""Exercises of chapter 4 on cells and regions: answering_cell, box_of_cell, align_region."""

import numpy as np

from course_utils.data import load_photo
from course_utils.exercises.computer_vision.boxes import split
from course_utils.exercises.engine import INDICES, Exercise, mistakes
from course_utils.figures import show_row

EARLY = "that is cut or rounded to whole pixels too early: a line need not lie on one"


# answering_cell
def _place(box, size, cells):
    """Where the centre lies, in cells from the top and from the left."""
    return split(box)[0][::-1] * cells / size  # in this order a line stays a line


def _answering_cell(box, size, cells):
    return np.minimum(np.floor(_place(box, size, cells)), cells - 1).astype(int)


NEAR_A_LINE = [  # by less than a pixel, so that no corner, centre or size may be rounded before
    (9.9, 20.2, 18.9, 34.6), (10.4, 20.7, 18.4, 36.4), (10.1, 54.1, 18.3, 60.1),
    (20.3, 53.7, 36.8, 60.4), (20.6, 78.5, 36.6, 92.6), (37.5, 38.1, 48.2, 47.5),
    (37.2, 70.8, 48.4, 71.7), (79.6, 81.7, 92.2, 89.3), (65.9, 11.1, 77.1, 17.1),
]  # fmt: skip


def _answering_cell_cases(rng):
    fixed = [
        ((2, 30, 40, 42), 64, 8), ((90, 246, 264, 306), 448, 7), ((44, 10, 80, 50), 100, 8),
        ((10, 0, 54, 32), 64, 4),
        ((60, 10, 68, 26), 64, 4), ((10, 90, 40, 110), 100, 5), ((20, 30, 50, 35), 60, 1),
        ((2461, 2402.5, 2588, 2583), 2600, 300),
    ]  # fmt: skip
    cases = [(np.array(box), size, cells) for box, size, cells in fixed]
    for box in NEAR_A_LINE:  # 14.29, 28.57, 42.86, 57.14, 71.43, 85.71; then on its side
        cases += [(np.array(box), 100, 7), (np.array(box)[[1, 0, 3, 2]], 100, 7)]
    for size, cells in ((448, 7), (96, 3), (100, 7), (640, 13), (64, 8), (416, 26)):
        start, length = rng.uniform(0, 0.5, 2), rng.uniform(0.1, 0.5, 2)
        cases.append((np.hstack([start, start + length]) * size, size, cells))
    return cases


_hint_answering_cell = mistakes(
    (lambda b, n, s: _answering_cell(b, n, s)[::-1], "the row comes first, and y tells the row"),
    (lambda b, n, s: np.floor(_place(b, n, s)), "the cells are 0 … S − 1: there is no cell S"),
    (lambda b, n, s: _place(b, n, s), "that is a place, in cells; in which cell does it lie?"),
    (lambda b, n, s: np.ceil(_place(b, n, s)) - 1,
     "a centre on a line belongs to the cell that begins there"),
    *((lambda b, n, s, whole=whole: _answering_cell(np.tile(whole(split(b)[0]), 2), n, s), EARLY)
      for whole in (np.floor, np.round, np.ceil)),
    *((lambda b, n, s, whole=whole: _answering_cell(whole(b), n, s), EARLY)
      for whole in (np.floor, np.round, np.ceil)),
    (lambda b, n, s: np.minimum(_place(b, n, s) * n / s // (n // s), s - 1),
     "a cell is size / cells wide, and this need not be a whole number"),
    (lambda b, n, s: _answering_cell(b, n, s) + 1, "rows and columns are counted from 0"),
    (lambda b, n, s: np.round(_place(b, n, s)), "a cell reaches from one line to the next: rounding"
     " takes the nearest line"),
    (lambda b, n, s: _place(np.tile(b[:2], 2), n, s) // 1, "that cell holds the first corner"),
    (lambda b, n, s: _place(np.tile(b[2:], 2), n, s) // 1, "that cell holds the second corner"),
    (lambda b, n, s: _place(b + [0, 0, *b[:2]], n, s) // 1, "x2 and y2 are a corner, not a size"),
    (lambda b, n, s: _place(b - np.tile(b[:2], 2), n, s) // 1,
     "half a size does not tell where the box lies"),
    (lambda b, n, s: _answering_cell(b, n, s) @ [s, 1], "two numbers are wanted: (row, column)"),
)  # fmt: skip


# box_of_cell
def _sigmoid(values):
    return 1 / (1 + np.exp(-values))


def _cell_centre(raw, row, column, reach=2.0, shift=0.5):
    return np.array([column, row]) + reach * _sigmoid(raw[:2]) - shift


def _cell_size(raw, anchor):
    return anchor * (2 * _sigmoid(raw[2:])) ** 2


def _around_centre(centre, size):
    return np.hstack([centre - size / 2, centre + size / 2])


def _box_of_cell(raw, row, column, anchor, stride):
    return _around_centre(stride * _cell_centre(raw, row, column), _cell_size(raw, anchor))


def _box_of_cell_cases(rng):
    cases = [(np.array([0.0, 2, -1, 1]), 1, 2, np.array([10.0, 24]), 8),
             (np.array([-1.0, 0, 1, -2]), 0, 5, np.array([33.0, 12]), 16)]  # fmt: skip
    for stride, cells in ((8, 52), (16, 26), (32, 13), (4, 20), (8, 10), (32, 20), (16, 7)):
        row, column = (int(n) for n in rng.choice(cells, 2, replace=False))
        anchor = rng.uniform(5, 200, 2).round(1)
        cases.append((rng.normal(0, 2, 4), row, column, anchor, stride))
    return cases + [(np.array([-9.0, 9, 9, -9]), 3, 0, np.array([20.0, 50]), 8)]


def _other_size(size):
    """A mistake in the size alone; `size` gets the raw numbers and the anchor."""
    return lambda r, i, j, a, s: _around_centre(s * _cell_centre(r, i, j), size(r, a))


def _other_centre(centre):
    """A mistake in the centre alone; `centre` gets raw numbers, row, column and stride."""
    return lambda r, i, j, a, s: _around_centre(centre(r, i, j, s), _cell_size(r, a))


_hint_box_of_cell = mistakes(
    (_other_centre(lambda r, i, j, s: s * _cell_centre(r, j, i)),
     "x belongs to the column, y to the row"),
    (_other_centre(lambda r, i, j, s: s * _cell_centre(r, i, j, 1, 0)),
     "that is the centre of 4.5, inside its cell; here it may lie up to half a cell outside"),
    (_other_centre(lambda r, i, j, s: s * _cell_centre(r, i, j, 2, 0)), "the ½ is missing"),
    (_other_centre(lambda r, i, j, s: s * _cell_centre(r, i, j, 1, 0.5)),
     "the sigmoid of the centre is doubled before the ½ goes off"),
    (_other_centre(lambda r, i, j, s: _cell_centre(r, i, j)),
     "the centre is in cells; pixels are wanted"),
    (_other_centre(lambda r, i, j, s: s * np.array([j, i]) + 2 * _sigmoid(r[:2]) - 0.5),
     "2σ − ½ is in cells, too: the stride counts for the whole sum"),
    (_other_centre(lambda r, i, j, s: s * (np.array([j, i]) + 2 * r[:2] - 0.5)),
     "the raw numbers of the centre go through a sigmoid first"),
    (_other_size(lambda r, a: a * np.exp(r[2:])), "that is the size of YOLOv3, by exp"),
    (_other_size(lambda r, a: a * 2 * _sigmoid(r[2:])), "the factor of the size is a square"),
    (_other_size(lambda r, a: a * 2 * _sigmoid(r[2:]) ** 2),
     "the whole of 2σ is squared, and not σ alone"),
    (_other_size(lambda r, a: a * _sigmoid(r[2:]) ** 2), "σ is doubled before it is squared"),
    (_other_size(lambda r, a: _cell_size(r, a[::-1])), "an anchor's width comes before its height"),
    (_other_size(lambda r, a: 2 * _cell_size(r, a)),
     "from the centre to an edge it is *half* of the size"),
    (lambda r, i, j, a, s: np.hstack([s * _cell_centre(r, i, j), _cell_size(r, a)]),
     "that is centre and size; two corners are wanted"),
    (lambda r, i, j, a, s: _around_centre(s * _cell_centre(r, i, j), s * _cell_size(r, a)),
     "the anchor is in pixels already: no stride"),
    (lambda r, i, j, a, s: _box_of_cell(r, i, j, a, s)[[1, 0, 3, 2]], "x comes before y"),
)  # fmt: skip


# align_region
def _read_between(fmap, x, y):
    """The map at (x, y), in numbers of its centres, x and y any arrays of one shape."""
    rows, columns = fmap.shape
    x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
    left, top = (
        np.minimum(x // 1, columns - 2).astype(int),
        np.minimum(y // 1, rows - 2).astype(int),
    )
    right, down = x - left, y - top
    above = (1 - right) * fmap[top, left] + right * fmap[top, left + 1]
    below = (1 - right) * fmap[top + 1, left] + right * fmap[top + 1, left + 1]
    return (1 - down) * above + down * below


def _read_nearest(fmap, x, y):
    rows, columns = fmap.shape
    near = np.clip(np.round(y), 0, rows - 1), np.clip(np.round(x), 0, columns - 1)
    return fmap[near[0].astype(int), near[1].astype(int)]


def _align_region(fmap, box, bins, shift=0.5, read=_read_between, join=np.mean,
                  places=(0.25, 0.75)):  # fmt: skip
    steps = (np.arange(bins)[:, None] + np.array(places)).ravel() / bins
    x, y = (box[k] + steps * (box[k + 2] - box[k]) - shift for k in (0, 1))
    values = read(fmap, *np.meshgrid(x, y))
    return join(values.reshape(bins, len(places), bins, len(places)), axis=(1, 3))


def _align_region_cases(rng):
    tiny = np.array([[0.0, 4, 3], [8, 12, 1]])
    cases = [(tiny, np.array([0.5, 0.5, 2.1, 1.5]), 1)]
    for rows, columns, bins in (
        (5, 4, 1),
        (4, 6, 2),
        (9, 7, 3),
        (6, 10, 2),
        (8, 8, 4),
        (16, 12, 7),
    ):
        fmap, size = rng.normal(0, 1, (rows, columns)), np.array([columns, rows])
        start = 0.5 + rng.uniform(0.02, 0.3, 2) * (size - 1)
        stop = size - 0.5 - rng.uniform(0.02, 0.3, 2) * (size - 1)
        cases.append((fmap, np.hstack([start, stop]), bins))
    edge = rng.normal(0, 1, (5, 7))
    return cases + [
        (edge, np.array([0, 0, 7, 5]), 5), (edge, np.array([3.2, 0, 7, 1.1]), 2),
        (edge, np.array([0, 3.1, 2.4, 5]), 3), (edge, np.array([2, 1, 5, 4]), 3),
    ]  # fmt: skip


_hint_align_region = mistakes(
    (lambda f, b, n: _align_region(f, b, n, shift=0),
     "the first number stands in the middle of its pixel, at 0.5"),
    (lambda f, b, n: _align_region(f, b, n, shift=-0.5), "the half pixel has the wrong sign"),
    (lambda f, b, n: _align_region(f, b, n, read=_read_nearest),
     "the nearest number is taken; read *between* the numbers"),
    (lambda f, b, n: _align_region(f, b, n, join=np.max), "the maximum is that of RoIPool"),
    (lambda f, b, n: _align_region(f, b, n, join=np.sum), "that is the sum of a bin's four places"),
    (lambda f, b, n: _align_region(f, b, n, places=(0.5,)),
     "each bin is read at its middle alone; four places are wanted"),
    (lambda f, b, n: _align_region(f, b, n, places=(0, 1)),
     "the four places are not the bin's corners, but a quarter and three quarters"),
    (lambda f, b, n: _align_region(f, b, n, places=(0.25,)), "only one of four places is read"),
    (lambda f, b, n: _align_region(f, b, n).T, "the rows of the result go down, with y"),
    (lambda f, b, n: _align_region(f, np.round(b), n), "the box is rounded, as RoIPool does"),
    (lambda f, b, n: _align_region(f, b, 1), "there is one number for each bin, `bins` × `bins`"),
    (lambda f, b, n: _align_region(f, b[[1, 0, 3, 2]], n), "x comes first in a box"),
)  # fmt: skip


def _show_region(answer):
    """The student's function on a photo: 8, 16 and 32 bins of one region."""
    image = load_photo("cat_chelsea", 96).mean(axis=2)
    box = np.array([20.0, 3, 80, 63])
    rows = {f"{n} × {n} bins": np.asarray(answer(image, box, n), float) for n in (8, 16, 32)}
    show_row(
        {"the photo": image} | rows, cmap="gray", vmin=0, vmax=255, width=8,
        alt="A cat in gray, and its head cut out by your function: 8, 16 and 32 bins a side",
    )  # fmt: skip


EXERCISES = {
    "answering_cell": Exercise(
        reference=_answering_cell,
        cases=_answering_cell_cases,
        verified="1 to 300 cells a side, centres on a line and near one",
        hints=[_hint_answering_cell],
        whole=INDICES,
        level=1,
        minutes=5,
        steps=(
            "Where is the centre of the box, in pixels? And how many cells are as long as that?",
            "The whole part of a place in cells is the number of its cell; one place has no cell "
            "of its own: the very edge. Round nothing before.",
        ),
    ),
    "box_of_cell": Exercise(
        reference=_box_of_cell,
        cases=_box_of_cell_cases,
        verified="strides of 4 to 32, centres outside their cell, large and small factors",
        hints=[_hint_box_of_cell],
        level=2,
        minutes=10,
        steps=(
            "With four zeros the sigmoid is ½ everywhere: where is the centre then, and how large "
            "is the box? Work it out before you type.",
            "Compute the centre in cells, then in pixels; then the size. From centre and size to "
            "two corners it is the step of `read_cell` in 4.5.",
        ),
    ),
    "align_region": Exercise(
        reference=_align_region,
        cases=_align_region_cases,
        verified="1 to 49 bins, regions inside the map and at its edges",
        hints=[_hint_align_region],
        errors={
            "out of bounds": "at the map's edge there is no further neighbour: keep the place "
            "within the centres of the first and the last pixel"
        },
        level=3,
        minutes=20,
        look=_show_region,
        steps=(
            "Do it for one bin first: its four places, `read` at each of them, the mean. "
            "`read_bin` of 4.11 is nearly this.",
            "Bin (i, j) of n × n reaches from i/n to (i + 1)/n of the box's height and from j/n to "
            "(j + 1)/n of its width. Before you read, keep each place within the centres: 0.5 up "
            "to the side − 0.5. At the last centre the neighbour to the right has no weight.",
        ),
    ),
}
