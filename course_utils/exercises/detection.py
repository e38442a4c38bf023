"""Exercises of chapter 4 on detection: soft NMS, average precision."""

import numpy as np

from course_utils.exercises.boxes import iou, random_boxes
from course_utils.exercises.engine import Exercise, mean, mistakes, not_a_number


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


EXERCISES = {
    "average_precision_one": Exercise(
        reference=_ranked(_average_precision),
        cases=_average_precision_one_cases,
        verified="none to 500 detections in any order, objects missed",
        hints=[not_a_number, _hint_average_precision_one],
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
