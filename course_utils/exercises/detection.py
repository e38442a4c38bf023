"""Exercises of chapter 4 on detection: YOLO's cell, NMS, average precision."""

import numpy as np

from course_utils.exercises.boxes import iou, random_boxes, split
from course_utils.exercises.engine import INDICES, Exercise, mean, mistakes, not_a_number

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
        ((90, 246, 264, 306), 448, 7), ((44, 10, 80, 50), 100, 8), ((10, 0, 54, 32), 64, 4),
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


# keep_after_nms
def _suppress(boxes, scores, threshold, goes=np.greater, forget=True):
    """The greedy loop; forget=False is the mistake that a box that is gone suppresses others."""
    order, kept, gone = np.argsort(-scores, kind="stable"), [], set()
    for place, i in enumerate(order):
        if i not in gone:
            kept.append(i)
        if i not in gone or not forget:
            gone |= {j for j in order[place + 1 :] if goes(iou(boxes[i], boxes[j]), threshold)}
    return np.array(kept, int)


def _keep_after_nms_cases(rng):
    chain = np.array([[5, 0], [30, 0], [10, 0], [29, 1], [0, 0]])  # the last suppresses the first
    half = np.array([[0, 0, 2, 2], [0, 0, 4, 2.0]])
    scores = np.array([0.7, 0.4, 0.6, 0.5, 0.9]) + rng.uniform(0, 0.05, 5)
    cases = [(np.hstack([chain, chain + 10.0]), scores, 0.3)]
    settings = [(3, 4, 0.5), (4, 3, 0.3), (2, 9, 0.7), (1, 6, 0.1), (5, 2, 0.45), (6, 1, 0.5),
                (3, 5, 0.9), (1, 1, 0.5)]  # fmt: skip
    for objects, copies, threshold in settings:
        boxes = np.repeat(random_boxes(rng, objects), copies, axis=0)
        boxes = boxes + rng.uniform(-2, 2, boxes.shape)
        cases.append((rng.permutation(boxes), rng.permutation(len(boxes)) / 60 + 0.1, threshold))
    many = np.repeat(random_boxes(rng, 2), 140, axis=0) + rng.uniform(-1, 1, (280, 4))
    cases.append((many, np.arange(280.0), 0.5))  # the best is the last
    boxes = np.repeat(random_boxes(rng, 3), 2, axis=0) + rng.uniform(-2, 2, (6, 4))
    cases.append((boxes, rng.permutation(6) - 4.0, 0.4))  # logits: a score may be 0 or below
    return cases + [(half, np.array([0.6, 0.8]), 0.5), (np.zeros((0, 4)), np.zeros(0), 0.5)]


_hint_keep_after_nms = mistakes(
    (lambda b, s, t: _suppress(b, s, t, forget=False), "a box that is gone suppresses no other"),
    (lambda b, s, t: _suppress(b, s, t, np.greater_equal),
     "a box whose IoU only equals the threshold stays"),
    (lambda b, s, t: _suppress(b, -s, t), "it begins with the *lowest* score"),
    (lambda b, s, t: np.argsort(-s), "nothing goes: what does a kept box do to the others?"),
    (lambda b, s, t: _suppress(b, s, t, np.less_equal),
     "what overlaps is kept and what lies apart goes: the wrong way round"),
    (lambda b, s, t: _suppress(b, -np.arange(len(b)), t),
     "the scores have no effect: the boxes are taken in the order in which they came"),
    (lambda b, s, t: _suppress(b, s, 0), "the threshold has no effect: any overlap removes a box"),
    (lambda b, s, t: np.argsort(-s)[:1], "only the best box stays: there may be several objects"),
    (lambda b, s, t: b[_suppress(b, s, t)], "those are the boxes; their indices are wanted"),
    (lambda b, s, t: s[_suppress(b, s, t)], "those are the scores; the indices are wanted"),
    (lambda b, s, t: np.argsort(np.argsort(-s))[_suppress(b, s, t)],
     "those are places in the sorted list; the places in `boxes` are wanted"),
)  # fmt: skip


def _hint_kept(got, wanted, arguments):
    if got.dtype == bool:
        return "that is a mask; indices are wanted"
    if got.shape == wanted.shape and (np.sort(got) == np.sort(wanted)).all():
        return "those are the right boxes; the best comes first"


# average_precision_one
def _curve(correct, truths):
    """Precision and recall of the best 1, 2, … N."""
    hits = np.cumsum(correct)
    return hits / np.arange(1, len(correct) + 1), hits / truths


def _highest(precision):
    return np.maximum.accumulate(precision[::-1])[::-1]


def _average_precision(correct, truths, envelope=_highest):
    return (envelope(_curve(correct, truths)[0]) * correct).sum() / truths


def _at_points(correct, truths, points):
    precision, recall = _curve(correct, truths)
    places = np.searchsorted(recall, np.linspace(0, 1, points))
    return np.append(_highest(precision), 0)[places].mean()


def _average_precision_one_cases(rng):
    cases = [([False, True, True, False, True, False, False, True], 6), ([True, True, False], 2)]
    for count, part, missed in ((12, 0.6, 2), (25, 0.5, 0), (9, 0.3, 5), (40, 0.8, 9), (6, 0.5, 1)):
        correct = (rng.random(count) < part).tolist()
        cases.append((correct, max(sum(correct) + missed, 1)))
    many = rng.random(500) < 0.7
    return cases + [(many.tolist(), 450), ([True] * 4, 4), ([True], 3), ([False] * 5, 2), ([], 3)]


_hint_average_precision_one = mistakes(
    (lambda c, n: _average_precision(c, n, np.array),
     "each precision is to become the best one at its recall *or above*"),
    (lambda c, n: _average_precision(c, n, np.maximum.accumulate),
     "the best precision is looked for at *lower* recalls; look at the higher ones"),
    (lambda c, n: _average_precision(c, max(sum(c), 1)),
     "objects that were not found count too: recall is a part of `truths`"),
    (lambda c, n: _average_precision(c, max(sum(c), 1), np.array),
     "objects that were not found count too, and the precisions lack their envelope"),
    (lambda c, n: 100 * _average_precision(c, n), "that is in percent; 0 … 1 is wanted"),
    (lambda c, n: _at_points(c, n, 11), "that is the mean at 11 recalls; the area is wanted"),
    (lambda c, n: _at_points(c, n, 101), "that is the mean at 101 recalls; the area is wanted"),
    (lambda c, n: mean(_curve(c, n)[0]), "a mean over the detections: a false one adds no area"),
    (lambda c, n: _highest(_curve(c, n)[0])[1:] @ np.diff(_curve(c, n)[1]),
     "the area begins at recall 0: the first step is missing"),
    (lambda c, n: np.trapezoid(*_curve(c, n)),
     "the area is that under the envelope, which falls in steps"),
    (lambda c, n: mean(c), "that is one precision, of all detections together"),
    (lambda c, n: sum(c) / n, "that is one recall, of all detections together"),
)  # fmt: skip


EXERCISES = {
    "answering_cell": Exercise(
        number=3,
        reference=_answering_cell,
        cases=_answering_cell_cases,
        verified="1 to 300 cells a side, centres on a line and near one",
        hints=[_hint_answering_cell],
        whole=INDICES,
    ),
    "keep_after_nms": Exercise(
        number=4,
        reference=_suppress,
        cases=_keep_after_nms_cases,
        verified="thresholds from 0.1 to 0.9, chains, scores below 0, no box at all",
        hints=[_hint_keep_after_nms, _hint_kept],
        whole=INDICES,
    ),
    "average_precision_one": Exercise(
        number=5,
        reference=_average_precision,
        cases=_average_precision_one_cases,
        verified="none to 500 detections, objects missed",
        hints=[not_a_number, _hint_average_precision_one],
    ),
}
