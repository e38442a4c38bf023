"""Exercises of chapter 4 on boxes: overlap, formats, regression targets."""

import numpy as np

from course_utils.exercises.engine import Exercise, mistakes

NO_PLUS_ONE = "x1 and x2 are edges, not pixel numbers: a width has no + 1"
HALF = "a half is lost: the centre of whole numbers need not be whole"


def split(boxes):
    """Centre and size, each (..., 2)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def random_boxes(rng, count):
    """float64 (count, 4) of x1, y1, x2, y2, on 100 × 100 pixels, no side below 5."""
    start = rng.uniform(0, 60, (count, 2))
    return np.hstack([start, start + rng.uniform(5, 40, (count, 2))])


# iou_table
def _corners(box):
    """x, y, width, height → two corners."""
    return np.hstack([box[:2], box[:2] + box[2:]])


def _sides(a, b):
    """Width and height of the intersection; below 0 where a gap lies between the two."""
    return np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])


def _areas(a, b, more=0):
    return [(box[2:] - box[:2] + more).prod() for box in (a, b)]


def _ratio(a, b, shared, more=0):
    return shared / (np.float64(sum(_areas(a, b, more))) - shared)


def _shared(a, b):
    return np.maximum(_sides(a, b), 0).prod()


def iou(a, b):
    """Two boxes (4,) → their IoU; 0 for two boxes without area."""
    return _ratio(a, b, _shared(a, b)) if any(_areas(a, b)) else 0.0


def _around(a, b):
    return (np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2])).prod()


def _table(one):
    """From a function of two boxes: that of two lists, a row for each box of the first."""
    return lambda a, b: np.array([[one(x, y) for y in b] for x in a], float).reshape(len(a), len(b))


_iou_table = _table(iou)


def _iou_table_cases(rng):
    tiny = (
        np.array([[0, 0, 4, 3], [2, 1, 7, 5]]),
        np.array([[1, 1, 5, 4], [0, 2, 3, 6], [6, 0, 9, 2]]),
    )
    nested = np.array([[0, 0, 30, 20]]), np.array([[10, 5, 20, 15], [40, 30, 45, 39]])
    cases = [tiny, nested]
    for rows, columns in ((3, 2), (1, 4), (5, 1), (7, 3), (4, 9)):
        shift = rng.uniform(-30, 30, 2)
        cases.append(tuple(random_boxes(rng, n) - np.tile(shift, 2) for n in (rows, columns)))
    odd = [  # touching, apart on both axes, equal, without area
        (0, 0, 10, 10), (10, 2, 20, 8), (9, 10, 12, 15), (30, 40, 50, 60), (5, 30, 20, 50),
        (4, 0, 4, 9), (5, 5, 5, 5), (1, 2, 1, 6), (4, 0, 8, 0), (0, 0, 9, 9),
    ]  # fmt: skip
    odd = np.array(odd)
    cases += [(odd[:5], odd), (odd, odd[3:7]), (random_boxes(rng, 3) / 200, odd[:2] / 200)]
    return cases + [(np.zeros((0, 4)), random_boxes(rng, 3)), (odd[:2], np.zeros((0, 4)))]


_hint_iou_table = mistakes(
    (lambda a, b: _iou_table(b, a), "a row for each box of `a`, a column for each of `b`"),
    (_table(lambda a, b: _shared(a, b)), "that is the intersection; IoU is a ratio"),
    (_table(lambda a, b: _shared(a, b) / sum(_areas(a, b))),
     "the union counts the shared part twice"),
    (_table(lambda a, b: 2 * _shared(a, b) / sum(_areas(a, b))),
     "that is Dice, not intersection / union"),
    (_table(lambda a, b: _shared(a, b) / _areas(a, b)[0]),
     "that is the part of a that is covered; b has to count as well"),
    (_table(lambda a, b: _shared(a, b) / _areas(a, b)[1]),
     "that is the part of b that is covered; a has to count as well"),
    (_table(lambda a, b: _shared(a, b) / _around(a, b)),
     "the union is not the box around both: its empty corners belong to neither"),
    (_table(lambda a, b: _around(a, b) / (sum(_areas(a, b)) - _around(a, b))),
     "minimum and maximum are exchanged: that is the box around both"),
    (_table(lambda a, b: _ratio(a, b, np.maximum(_sides(a, b) + 1, 0).prod(), 1)), NO_PLUS_ONE),
    (_table(lambda a, b: _ratio(a, b, np.maximum(_sides(a, b).prod(), 0))),
     "two negative sides have a positive product: no side may be below 0"),
    (_table(lambda a, b: iou(_corners(a), _corners(b))),
     "those boxes are read as x, y, width, height; they are two corners"),
    (lambda a, b: [iou(x, y) for x, y in zip(a, b, strict=False)],
     "each box of `a` meets one box of `b` there; it has to meet every one"),
)  # fmt: skip


def _hint_impossible_iou(got, wanted, arguments):
    if np.isnan(got).any():
        return "that is 0 / 0: the union of two boxes without area is 0 too"
    if (got < 0).any():
        return "an IoU below 0: boxes that lie apart share nothing, and not less than nothing"
    if (got > 1).any():
        return "an IoU above 1: the intersection cannot be larger than the union"


# to_cxcywh
def _to_cxcywh(boxes):
    return np.hstack(split(boxes))


def _to_cxcywh_cases(rng):
    tiny = np.array([[3, 4, 10, 13], [0, 2, 4, 8]])
    whole = rng.integers((0, 0, 20, 20), (20, 20, 60, 60), (6, 4))
    drawn = [(random_boxes(rng, count),) for count in (1, 5, 4, 8, 3, 7)]
    return [(tiny,), *drawn, (whole,), (random_boxes(rng, 3) - 50,), (np.zeros((0, 4)),)]


def _parts(combine):
    """A mistake: `combine` gets the first corner, the second, centre and size, each (N, 2)."""
    return lambda boxes: np.hstack(combine(boxes[:, :2], boxes[:, 2:], *split(boxes)))


_hint_to_cxcywh = mistakes(
    (_parts(lambda p, q, c, s: (p, s)), "the first two numbers are still the corner"),
    (_parts(lambda p, q, c, s: (c, q)), "the last two numbers are still a corner, and no size"),
    (_parts(lambda p, q, c, s: (p + q, s)), "that is twice the centre"),
    (_parts(lambda p, q, c, s: (s / 2, s)), "half a size does not tell where the box lies"),
    (_parts(lambda p, q, c, s: (c, s / 2)), "those are half sizes"),
    (_parts(lambda p, q, c, s: (c, s + 1)), NO_PLUS_ONE),
    (_parts(lambda p, q, c, s: (c, -s)), "sizes below 0: which corner comes first?"),
    (_parts(lambda p, q, c, s: (c[:, ::-1], s[:, ::-1])), "x comes before y"),
    (_parts(lambda p, q, c, s: (c, s[:, ::-1])), "the width comes before the height"),
    (_parts(lambda p, q, c, s: (s, c)), "the centre comes first"),
    (_parts(lambda p, q, c, s: (c // 1, s)), HALF),
    (lambda boxes: _to_cxcywh(boxes).astype(boxes.dtype), HALF),
    (_parts(lambda p, q, c, s: (p + q / 2, q)), "x2 and y2 are a corner, not a size"),
    (lambda boxes: _to_cxcywh(boxes).T, "each box is a row; here each is a column"),
)  # fmt: skip


# regression_targets
def _regression_targets(proposal, truth, first=split, scale=None, log=np.log):
    (start, size), (wanted, grown) = first(proposal), first(truth)
    return np.hstack([(wanted - start) / (size if scale is None else scale), log(grown / size)])


def _corner_and_size(box, more=0):
    return box[:2], box[2:] - box[:2] + more


def _regression_targets_cases(rng):
    whole = np.array([[10, 20, 30, 60], [14, 15, 45, 50], [0, 0, 7, 3], [2, 1, 9, 4]])
    cases = [(whole[0], whole[1]), (whole[2], whole[3]), (whole[0], whole[0])]
    for box in random_boxes(rng, 8):
        size = box[2:] - box[:2]
        start = box[:2] + rng.uniform(-0.4, 0.4, 2) * size
        cases.append((box, np.hstack([start, start + rng.uniform(0.4, 2.5, 2) * size])))
    return cases


_hint_regression_targets = mistakes(
    (lambda p, t: _regression_targets(t, p), "the way leads from the proposal to the truth"),
    (lambda p, t: _regression_targets(p, t, scale=1),
     "tx and ty are in pixels: a large box may err by more of them"),
    (lambda p, t: _regression_targets(p, t, scale=split(t)[1]),
     "that is in sizes of the truth, which nobody knows when the answer is used"),
    (lambda p, t: _regression_targets(p, t, scale=split(p)[1][::-1]),
     "the way to the right is measured in widths, the way down in heights"),
    (lambda p, t: _regression_targets(p, t, scale=split(p)[1][0]),
     "the way down is measured in heights, not in widths"),
    (lambda p, t: _regression_targets(p, t, _corner_and_size), "that way leads between corners"),
    (lambda p, t: _regression_targets(p, t, log=np.array),
     "tw and th are the growth itself; its logarithm is wanted"),
    (lambda p, t: _regression_targets(p, t, log=lambda g: g - 1),
     "tw and th are the growth in parts of the size; a logarithm is wanted"),
    (lambda p, t: _regression_targets(p, t, log=lambda g: np.log(1 / g)),
     "the proposal grows to the truth, and not the other way round: tw and th have the wrong sign"),
    (lambda p, t: _regression_targets(p, t, log=np.log2), "the logarithm is the natural one"),
    (lambda p, t: _regression_targets(p, t, log=np.log10), "the logarithm is the natural one"),
    (lambda p, t: _regression_targets(p, t, log=np.log1p), "equal sizes must give log 1 = 0"),
    (lambda p, t: _regression_targets(p, t) * [-1, -1, 1, 1],
     "the way leads from the proposal to the truth: tx and ty have the wrong sign"),
    (lambda p, t: _regression_targets(p, t)[[0, 2, 1, 3]], "the order is tx, ty, tw, th"),
    (lambda p, t: _regression_targets(p, t) * [2, 2, 1, 1],
     "tx and ty are twice too large: a centre is *half* of the sum of two corners"),
    (lambda p, t: _regression_targets(p, t, lambda box: (box[:2], box[2:])),
     "those boxes are read as centre and size; they are two corners"),
    (lambda p, t: _regression_targets(p, t) * [10, 10, 5, 5],
     "Faster R-CNN's program multiplies by 10 and by 5; here nothing is multiplied"),
    (lambda p, t: _regression_targets(p + [0, 0, 1, 1], t + [0, 0, 1, 1]), NO_PLUS_ONE),
)  # fmt: skip


EXERCISES = {
    "to_cxcywh": Exercise(
        reference=_to_cxcywh,
        cases=_to_cxcywh_cases,
        verified="none to 8 boxes, also of whole numbers",
        hints=[_hint_to_cxcywh],
        level=1,
        minutes=5,
        steps=(
            "Draw one box, from (3, 4) to (10, 13), and work its four new numbers out on paper.",
            "`boxes[:, :2]` are all first corners, `boxes[:, 2:]` all second ones: both new pairs "
            "come from these two, and `np.hstack` puts them side by side.",
        ),
    ),
    "iou_table": Exercise(
        reference=_iou_table,
        cases=_iou_table_cases,
        verified="overlapping, nested, touching, apart, without area; no box at all",
        hints=[_hint_iou_table, _hint_impossible_iou],
        errors={
            "broadcast": "each box of `a` has to meet each box of `b`: they need axes of their own"
        },
        level=2,
        minutes=15,
        steps=(
            "The formula is that of 4.2. What is new: with an axis of length 1 in the right place, "
            "NumPy forms all pairs, as `np.arange(2)[:, None] + np.arange(3)` does.",
            "Compute three arrays of shape (N, M): width and height of the intersection, none "
            "below 0, and the union. `np.divide` with `where=` and `out=` leaves out what would "
            "be 0 / 0.",
        ),
    ),
    "regression_targets": Exercise(
        reference=_regression_targets,
        cases=_regression_targets_cases,
        verified="boxes that move, grow and shrink",
        hints=[_hint_regression_targets],
        level=2,
        minutes=10,
        steps=(
            "Begin with the example of 4.10 on paper: centre and size of the proposal, centre and "
            "size of the truth.",
            "Two of the numbers are a difference of centres, divided; two are the logarithm of a "
            "ratio of sizes. Which of the two boxes do you divide by?",
        ),
    ),
}
