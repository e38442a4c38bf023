"""Exercises of chapter 4 on detection: soft NMS, average precision; mistakes with AP."""

import numpy as np

from course_utils.detection import metrics
from course_utils.detection.boxes import box_iou
from course_utils.exercises.computer_vision.boxes import iou, random_boxes
from course_utils.exercises.engine import Exercise, mean, mistakes, not_a_number

OTHERS = "a box may find a thing of another class here: leave the other classes out of `truth`, too"


# soft_scores
def _soft_scores(boxes, scores, threshold, factor=lambda iou: 1 - iou, over=np.greater,
                 anew=True, itself=False, back=False):  # fmt: skip
    """anew, itself, back: mistakes; the order is fixed, the best lowers itself, or those before."""
    result, left, first = np.array(scores, float), list(range(len(boxes))), np.array(scores, float)
    while left:
        best = max(left, key=(result if anew else first).__getitem__)
        left.remove(best)
        touched = range(len(boxes)) if back else left
        for i in [*left, best] if itself else touched:
            overlap = iou(boxes[best], boxes[i])
            if over(overlap, threshold) and (itself or i != best):
                result[i] *= factor(overlap)
    return result


def _soft_scores_cases(rng):
    tiny = np.array([[0, 0, 4, 4], [1, 0, 5, 4], [3, 0, 8, 4.0]])
    chain = np.array([[5, 0], [30, 0], [10, 0], [29, 1], [0, 0], [15, 0]])
    half = np.array([[0, 0, 2, 2], [0, 0, 4, 2.0]])
    scores = np.array([0.7, 0.4, 0.6, 0.5, 0.9, 0.55]) + rng.uniform(0, 0.04, 6)
    cases = [(tiny, np.array([0.8, 0.6, 0.5]), 0.3), (half, np.array([0.6, 0.8]), 0.5)]
    cases.append((np.hstack([chain, chain + 12.0]), scores, 0.2))
    for objects, copies, threshold in ((3, 4, 0.5), (4, 3, 0.3), (2, 7, 0.7), (1, 6, 0.1),
                                       (5, 2, 0.45), (6, 1, 0.5), (3, 5, 0.0)):  # fmt: skip
        boxes = np.repeat(random_boxes(rng, objects), copies, axis=0)
        boxes = boxes + rng.uniform(-2, 2, boxes.shape)
        cases.append((rng.permutation(boxes), rng.permutation(len(boxes)) / 60 + 0.1, threshold))
    return cases + [(np.zeros((0, 4)), np.zeros(0), 0.5)]


_hint_soft_scores = mistakes(
    (lambda b, s, t: s, "no score changes: what does a chosen box do to those that overlap it?"),
    (lambda b, s, t: _soft_scores(b, s, t, anew=False),
     "the scores change on the way: after each step the best of the rest may be another box"),
    (lambda b, s, t: _soft_scores(b, s, t, over=np.greater_equal),
     "a box whose IoU only equals the threshold keeps its score"),
    (lambda b, s, t: _soft_scores(b, s, t, lambda iou: iou),
     "a box that overlaps *more* has to lose more"),
    (lambda b, s, t: _soft_scores(b, s, t, lambda iou: 0),
     "those scores become 0: that is plain NMS, which removes the box"),
    (lambda b, s, t: _soft_scores(b, s, t, lambda iou: 1 - t),
     "the factor depends on the overlap of the two boxes, and not on the threshold"),
    (lambda b, s, t: _soft_scores(b, s, t, lambda iou: (1 - iou) ** 2),
     "each chosen box lowers another one once; here it does so twice"),
    (lambda b, s, t: _soft_scores(b, s, 0), "the threshold has no effect: any overlap costs"),
    (lambda b, s, t: _soft_scores(b, s, t, itself=True),
     "the chosen box overlaps itself with IoU 1: it must not lower its own score"),
    (lambda b, s, t: _soft_scores(b, s, t, back=True),
     "a box that was chosen before keeps its score: only the rest is lowered"),
    (lambda b, s, t: np.sort(_soft_scores(b, s, t))[::-1],
     "those are sorted; the scores are wanted in the order of `boxes`"),
    (lambda b, s, t: _soft_scores(b, -s, t), "it begins with the *lowest* score"),
)  # fmt: skip


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
    cases = [([False, True, True], 4), ([True, True, False], 2)]
    cases.append(([False, True, True, False, True, False, False, True], 6))
    for count, part, missed in ((12, 0.6, 2), (25, 0.5, 0), (9, 0.3, 5), (40, 0.8, 9), (6, 0.5, 1)):
        correct = (rng.random(count) < part).tolist()
        cases.append((correct, max(sum(correct) + missed, 1)))
    many = rng.random(500) < 0.7
    cases += [(many.tolist(), 450), ([True] * 4, 4), ([True], 3), ([False] * 5, 2), ([], 3)]
    mixed = []
    for correct, truths in cases:
        order, count = rng.permutation(len(correct)), len(correct)
        if count == 3:
            order = np.array([1, 2, 0])  # neither best first nor best last
        scores = (count - order) / (count + 1)
        mixed.append((scores, [correct[i] for i in order], truths))
    return mixed


def _by_score(scores, correct):
    return np.array([correct[i] for i in np.argsort(-scores)], bool)


def _ranked(function):
    """From a function of the detections in order: that of their scores and of each one."""
    return lambda scores, correct, truths: function(_by_score(scores, correct), truths)


_hint_average_precision_one = mistakes(
    (_ranked(lambda c, n: _average_precision(c, n, np.array)),
     "each precision is to become the best one at its recall *or above*"),
    (_ranked(lambda c, n: _average_precision(c, n, np.maximum.accumulate)),
     "the best precision is looked for at *lower* recalls; look at the higher ones"),
    (_ranked(lambda c, n: _average_precision(c, max(sum(c), 1))),
     "objects that were not found count too: recall is a part of `truths`"),
    (_ranked(lambda c, n: _average_precision(c, max(sum(c), 1), np.array)),
     "objects that were not found count too, and the precisions lack their envelope"),
    (_ranked(lambda c, n: 100 * _average_precision(c, n)), "that is in percent; 0 … 1 is wanted"),
    (_ranked(lambda c, n: _at_points(c, n, 11)),
     "that is the mean at 11 recalls; the area is wanted"),
    (_ranked(lambda c, n: _at_points(c, n, 101)),
     "that is the mean at 101 recalls; the area is wanted"),
    (_ranked(lambda c, n: mean(_curve(c, n)[0])),
     "a mean over the detections: a false one adds no area"),
    (_ranked(lambda c, n: _highest(_curve(c, n)[0])[1:] @ np.diff(_curve(c, n)[1])),
     "the area begins at recall 0: the first step is missing"),
    (_ranked(lambda c, n: np.trapezoid(*_curve(c, n))),
     "the area is that under the envelope, which falls in steps"),
    (_ranked(lambda c, n: mean(c)), "that is one precision, of all detections together"),
    (_ranked(lambda c, n: sum(c) / n), "that is one recall, of all detections together"),
    (lambda s, c, n: _average_precision(c, n),
     "the detections are taken in the order in which they came; the best score comes first"),
    (lambda s, c, n: _average_precision(_by_score(-s, c), n), "the lowest score comes first there"),
)  # fmt: skip


# class_ap, which stands in the project
def ap_of_class(found, truth, label, mixed=False, free=True, named=True, area=None, least=0.5):
    """The AP of one class over all pictures; mixed, free, named, area, least: mistakes."""
    mine = found[found[:, 6] == label] if named else found
    things = truth[truth[:, 5] == label] if named else truth
    mine = _best_first(mine)
    hits = np.zeros(len(mine), bool)
    for picture in [None] if mixed else np.unique(mine[:, 0]):
        here = np.ones(len(mine), bool) if mixed else mine[:, 0] == picture
        there = np.ones(len(things), bool) if mixed else things[:, 0] == picture
        ious = box_iou(mine[here, 1:5], things[there, 1:5])
        if free:
            hits[here] = metrics.match_detections(ious, mine[here, 5], least) >= 0
        else:
            hits[here] = ious.max(axis=1, initial=0) >= least
    return _area(hits, len(things), area)


def _best_first(rows):
    return rows[np.argsort(-rows[:, 5], kind="stable")]


def _area(hits, count, area=None):
    """Under precision over recall; area: what is taken for the envelope."""
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum((best if area is None else area(precision)) * hits) / count)


def _hits(mine, things, among=np.logical_and):
    """Whether each row finds a thing, one after the other, in the order in which they come.

    among: function (of its picture, free), (M,) bools → which things are looked at. Right is `and`.
    """
    free, hits = np.ones(len(things), bool), []
    for row in mine:
        same = things[:, 0] == row[0]
        here = np.flatnonzero(among(same, free))
        ious = box_iou(row[None, 1:5], things[here, 1:5])[0]
        best = here[ious.argmax()] if len(here) else -1
        hits.append(len(here) > 0 and ious.max() >= 0.5 and free[best] and same[best])
        if hits[-1]:
            free[best] = False
    return np.array(hits, bool)


def _of_hits(combine):
    """A mistake: `combine` gets the class's rows as they come, and its things."""
    return lambda f, t, c: combine(f[f[:, 6] == c], t[t[:, 5] == c])


def _looking_at(among):
    """A mistake: other things are looked at; see `_hits`."""
    return _of_hits(lambda m, things: _area(_hits(_best_first(m), things, among), len(things)))


def _sorted_late(mine, things, first=np.array):
    """first: what is done before the boxes are matched."""
    return _area(_hits(first(mine), things)[np.argsort(-mine[:, 5])], len(things))


def _all_things(share):
    """A mistake: a box may find a thing of any class; share: of how many things is told."""

    def program(found, truth, label):
        mine = _best_first(found[found[:, 6] == label])
        return _area(_hits(mine, truth), share(truth, label))

    return program


def _mean_of_pictures(found, truth, label):
    """A mistake: the mean over the pictures of an AP of each."""
    values = [
        ap_of_class(found[found[:, 0] == p], truth[truth[:, 0] == p], label)
        for p in np.unique(truth[truth[:, 5] == label, 0])
    ]
    return np.mean(values)


HINT_CLASS_AP = mistakes(
    (lambda f, t, c: ap_of_class(f, t, c, mixed=True),
     "a box of one picture finds a thing of another: match within each picture"),
    (lambda f, t, c: ap_of_class(f, t, c, free=False),
     "one thing is found twice: what a better box has taken is gone for the others"),
    (lambda f, t, c: ap_of_class(f, t, c, named=False), "all classes are counted together"),
    (lambda f, t, c: ap_of_class(f, t, c, area=np.array),
     "each precision is to become the best one at its recall *or above*"),
    (_mean_of_pictures, "that is a mean over pictures: one list of all pictures is wanted"),
    (lambda f, t, c: 100 * ap_of_class(f, t, c), "that is in percent; 0 … 1 is wanted"),
    (lambda f, t, c: ap_of_class(f, t, c, least=np.nextafter(0.5, 1)),
     "an IoU of exactly 0.5 is enough, too"),
    (lambda f, t, c: ap_of_class(f, t, c, least=0.75), "an IoU of 0.5 is enough"),
    (_of_hits(lambda mine, things: _area(_hits(mine, things), len(things))),
     "the boxes are taken as they come; the best score comes first"),
    (_of_hits(_sorted_late),
     "the boxes are matched as they come and sorted afterwards; the best one has to choose first"),
    (_of_hits(lambda mine, things: _sorted_late(mine, things, _best_first)),
     "the scores and the answers are in two different orders: both belong to the sorted rows"),
    (_looking_at(lambda same, free: same),
     "a box whose best thing is taken may still find another one that is free"),
    (_looking_at(lambda same, free: free),
     "the best thing of *all pictures* is looked for; only the box's own picture counts"),
    (_looking_at(lambda same, free: same | True),
     "the best of *all* things is looked for: a box may find those of its picture that are free"),
    (_all_things(lambda truth, label: (truth[:, 5] == label).sum()), OTHERS),
    (_all_things(lambda truth, label: len(truth)), OTHERS),
    (lambda f, t, c: ap_of_class(f, t, c) * (t[:, 5] == c).sum() / len(t),
     "it divides by the number of all things; recall is a share of the things of this class"),
)  # fmt: skip


EXERCISES = {
    "average_precision_one": Exercise(
        reference=_ranked(_average_precision),
        cases=_average_precision_one_cases,
        verified="none to 500 detections in any order, objects missed",
        hints=[not_a_number, _hint_average_precision_one],
        errors={
            "only integer scalar arrays": "`correct` is a list, and its index is one number: make "
            "it an array, `np.array(correct)`",
            "arrays used as indices must be": "without a detection the list is empty, and an "
            "array of it has floats: name its dtype",
        },
        level=3,
        minutes=15,
        steps=(
            "Put the detections in order, best score first. Then fill the table of 4.2 for False, "
            "True, True and 4 objects: precision, recall, and the best precision from each row on.",
            "Recall rises only in the rows of hits, each time by the same step. The best precision "
            "from a row on is a running maximum that begins at the end.",
        ),
    ),
    "soft_scores": Exercise(
        reference=_soft_scores,
        cases=_soft_scores_cases,
        verified="thresholds from 0 to 0.7, chains, orders that change, no box at all",
        hints=[_hint_soft_scores],
        level=3,
        minutes=15,
        steps=(
            "Begin with the loop of `suppress`: choose the best, then look at the rest. Here "
            "nothing leaves the rest but the chosen box; what happens to the others instead?",
            "Keep two things: a copy of the scores, which you lower, and the indices that are not "
            "chosen yet. Look for the largest *lowered* score among these anew in every round.",
        ),
    ),
}
