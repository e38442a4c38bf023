"""Exercises of chapter 4 on masks and segments: mask IoU, mask AP, panoptic quality."""

import numpy as np

from course_utils.exercises.engine import Exercise, close, mean, mistakes, not_a_number


def _regions(rng, height, width, count):
    """A map of `count` regions, 0 …: each pixel belongs to the nearest of as many points."""
    points = rng.uniform(0, 1, (count, 2)) * (height, width)
    y, x = np.mgrid[:height, :width]
    away = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
    return away.argmin(axis=2)


def _masks_of(ids):
    return np.array([ids == number for number in np.unique(ids[ids >= 0])])


# mask_iou_table
def _shares(a, b):
    """Shared pixels (N, M), pixels of each of a (N, 1), of each of b (M,)."""
    a, b = (masks.reshape(len(masks), -1).astype(float) for masks in (a, b))
    return a @ b.T, a.sum(axis=1)[:, None], b.sum(axis=1)


def _mask_iou_table(a, b):
    shared, first, second = _shares(a, b)
    union = first + second - shared
    return np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)


def _of_shares(combine):
    """A mistake: `combine` gets the shared pixels and both areas."""
    return lambda a, b: combine(*_shares(a, b))


def _mask_iou_table_cases(rng):
    a = np.array([[[1, 1, 0], [0, 0, 0]], [[1, 1, 1], [1, 0, 0]]], bool)
    b = np.array([[[0, 1, 1], [0, 0, 0]]], bool)
    cases = [(a, b)]
    for count, other, height, width in [(2, 3, 4, 5), (7, 2, 6, 4), (1, 4, 3, 7), (4, 1, 8, 5),
                                        (5, 4, 9, 6), (3, 3, 5, 8), (6, 7, 20, 30)]:  # fmt: skip
        masks = rng.random((count, height, width)) < rng.uniform(0.2, 0.8, (count, 1, 1))
        cases.append((masks, rng.random((other, height, width)) < 0.5))
    empty = rng.random((3, 4, 6)) < 0.5
    empty[1] = False
    return [*cases, (empty, np.concatenate([empty[1:], empty[:2]]))]


_hint_mask_iou_table = mistakes(
    (_of_shares(lambda shared, a, b: shared / a),
     "that divides by the pixels of the masks of `a`, not by the union"),
    (_of_shares(lambda shared, a, b: shared / b),
     "that divides by the pixels of the masks of `b`, not by the union"),
    (_of_shares(lambda shared, a, b: shared / (a + b)),
     "the union counts the shared pixels twice"),
    (_of_shares(lambda shared, a, b: 2 * shared / (a + b)),
     "that is Dice, not intersection / union"),
    (_of_shares(lambda shared, a, b: shared), "those are the shared pixels, a count"),
    (lambda a, b: (a[:, None] == b).mean(axis=(2, 3)),
     "pixels that are in neither mask count as agreement here"),
    (lambda a, b: _mask_iou_table(b, a), "rows and columns are exchanged: a row is a mask of `a`"),
    (lambda a, b: np.diag(_mask_iou_table(a, b)),
     "each mask is compared with one other alone; a table of all pairs is wanted"),
    (lambda a, b: 100 * _mask_iou_table(a, b), "that is in percent; 0 … 1 is wanted"),
)  # fmt: skip


# mask_ap_one
def _box_of(mask):
    """The mask of its bounding box."""
    y, x = np.nonzero(mask)
    box = np.zeros(mask.shape, bool)
    box[y.min() : y.max() + 1, x.min() : x.max() + 1] = True
    return box


def _boxes_of(masks):
    return np.array([_box_of(mask) for mask in masks])


def _found(ious, order, threshold, free=True, reach=np.greater_equal):
    """Whether each detection, in this order, finds a truth; free: each truth only once."""
    ious, correct = ious.copy(), []
    for i in order:
        best = ious[i].argmax()
        correct.append(bool(reach(ious[i, best], threshold)))
        if correct[-1] and free:
            ious[:, best] = -1
    return np.array(correct)


def _area(correct, truths, envelope=True):
    precision = np.cumsum(correct) / np.arange(1, len(correct) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1] if envelope else precision
    return np.sum(best * correct) / truths


def _mask_ap_one(masks, scores, truths, threshold, table=_mask_iou_table, envelope=True, **rule):
    order = np.argsort(-scores)
    return _area(_found(table(masks, truths), order, threshold, **rule), len(truths), envelope)


def _unsorted(masks, scores, truths, threshold):
    """A mistake: the detections are taken as they come."""
    return _mask_ap_one(masks, -np.arange(len(scores)), truths, threshold)


def _two_orders(masks, scores, truths, threshold):
    """A mistake: the answers are sorted already, and are sorted by the scores once more."""
    order = np.argsort(-scores)
    return _area(_found(_mask_iou_table(masks, truths), order, threshold)[order], len(truths))


def _gives_up(masks, scores, truths, threshold):
    """A mistake: a detection whose best truth is taken finds none, though another is free."""
    ious, taken, correct = _mask_iou_table(masks, truths), set(), []
    for i in np.argsort(-scores):
        best = int(ious[i].argmax())
        correct.append(ious[i, best] >= threshold and best not in taken)
        taken |= {best} if correct[-1] else set()
    return _area(np.array(correct), len(truths))


def _moved(rng, mask):
    """The mask, moved by up to one pixel and with a tenth of the pixels changed; not empty."""
    moved = np.roll(mask, rng.integers(-1, 2, 2), axis=(0, 1)) ^ (rng.random(mask.shape) < 0.1)
    return moved if moved.any() else mask


def _mask_ap_one_cases(rng):
    truths = np.array([[[1, 1, 1, 0]], [[0, 0, 0, 1]], [[0, 0, 1, 1]]], bool)
    masks = np.array([[[0, 1, 0, 0]], [[1, 1, 1, 0]], [[0, 0, 0, 1]], [[1, 0, 0, 0]]], bool)
    pair = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0]], bool)[:, None]
    told = np.array([[1, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 0]], bool)[:, None]
    near = np.array([[1, 1, 1, 1, 0], [0, 1, 1, 1, 1]], bool)[:, None]
    twice = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [0, 0, 1, 1, 1, 0]], bool)[:, None]
    cases = [
        (masks, np.array([0.6, 0.9, 0.7, 0.8]), truths, 0.75),
        (told, np.array([0.9, 0.8]), pair, 0.75),  # an IoU of exactly ¾
        (twice, np.array([0.7, 0.9, 0.8]), pair, 0.5),
        (near[[0, 0]], np.array([0.6, 0.7]), near, 0.5),  # the best one is taken
        (told[[0, 0]], np.array([0.9, 0.8]), pair, 0.25),
    ]
    for count, extra, threshold in [(3, 2, 0.5), (5, 3, 0.5), (4, 6, 0.75), (6, 1, 0.5),
                                    (2, 5, 0.25), (8, 8, 0.5)]:  # fmt: skip
        height, width = (9, 13) if count % 2 else (14, 8)
        truths = _masks_of(_regions(rng, height, width, count))
        kept = truths[rng.random(len(truths)) < 0.8]
        again = truths[rng.integers(len(truths), size=extra)]
        masks = np.array([_moved(rng, mask) for mask in np.concatenate([kept, again])])
        scores = rng.permutation(len(masks)) / len(masks) + 0.01
        cases.append((masks, scores, truths, threshold))
    return cases


_hint_mask_ap_one = mistakes(
    (_unsorted, "the detections are taken as they come; the best score comes first"),
    (_two_orders,
     "the scores and the answers are in two different orders: the answers are sorted already"),
    (lambda m, s, t, k: _mask_ap_one(m, -s, t, k), "the lowest score comes first"),
    (lambda m, s, t, k: _mask_ap_one(m, s, t, k, free=False),
     "a true mask is found twice; the second time it is no longer free"),
    (lambda m, s, t, k: _mask_ap_one(m, s, t, 0.5),
     "the threshold has no effect: it is always 0.5"),
    (_gives_up, "a detection whose best truth is taken may still find another one that is free"),
    (lambda m, s, t, k: _mask_ap_one(m, s, t, k, reach=np.greater),
     "an IoU of exactly the threshold is enough"),
    (lambda m, s, t, k: _mask_ap_one(_boxes_of(m), s, _boxes_of(t), k),
     "that is the IoU of the bounding boxes; the masks themselves are to be compared"),
    (lambda m, s, t, k: _mask_ap_one(m, s, t, k, envelope=False),
     "each precision first becomes the best one at its recall or above"),
    (lambda m, s, t, k: _mask_ap_one(m, s, t, k) * len(t) / len(m),
     "that divides by the detections; recall is a share of the truths"),
    (lambda m, s, t, k: _found(_mask_iou_table(m, t), np.argsort(-s), k).mean(),
     "that is the precision of all detections together"),
    (lambda m, s, t, k: _found(_mask_iou_table(m, t), np.argsort(-s), k).sum() / len(t),
     "that is the recall; AP falls where a wrong detection has a high score"),
)  # fmt: skip


# panoptic_quality_maps
def _panoptic_quality(ious, truths, predictions, found=lambda ious: ious > 0.5, extra=0.5):
    """found: which pairs match. extra: what a false alarm or a miss weighs."""
    ious = np.array(ious, float)
    matches = found(ious)
    wrong = truths + predictions - 2 * matches.sum()
    return ious[matches].sum() / (matches.sum() + extra * wrong)


def _pairs(truth, predicted, first=0):
    """IoUs of the pairs that overlap, number of truths, of predictions; from number `first` on."""
    ours = [truth == number for number in np.unique(truth[truth >= first])]
    theirs = [predicted == number for number in np.unique(predicted[predicted >= first])]
    ious = [(a & b).sum() / (a | b).sum() for a in ours for b in theirs if (a & b).any()]
    return ious, len(ours), len(theirs)


def _same_numbers(truth, predicted):
    """A mistake: a segment is compared with that of its own number alone."""
    _, ours, theirs = _pairs(truth, predicted)
    both = np.intersect1d(truth[truth >= 0], predicted[predicted >= 0])
    maps = [(truth == number, predicted == number) for number in both]
    return _panoptic_quality([(a & b).sum() / (a | b).sum() for a, b in maps], ours, theirs)


def _halves(ious, truths, predictions):
    """SQ and RQ."""
    matches = [iou for iou in ious if iou > 0.5]
    quality = mean(matches) if matches else 0.0
    return quality, 2 * len(matches) / (truths + predictions)


def _matched(ious):
    """Sum of the matches."""
    return sum(iou for iou in ious if iou > 0.5)


def _cut_halves(ious, truths, predictions):
    """A mistake: whole numbers where halves are wanted."""
    tp = sum(iou > 0.5 for iou in ious)
    return np.divide(_matched(ious), tp + (predictions - tp) // 2 + (truths - tp) // 2)


def _of_pairs(combine):
    """A mistake: `combine` gets the IoUs and the two numbers of segments."""
    return lambda truth, predicted: combine(*_pairs(truth, predicted))


def _segmented(truth, predicted):
    """Right, for any two maps: numbers below 0 are no segment."""
    return _panoptic_quality(*_pairs(truth, predicted))


def _told(rng, truth, wrong):
    """A map of segments like `truth`: other numbers, two joined, one lost, some wrong pixels."""
    names = rng.permutation(np.arange(1, truth.max() + 8))
    told = names[truth]
    told[rng.random(truth.shape) < wrong] = rng.choice(names)
    told[truth == rng.integers(truth.max() + 1)] = -1
    told[truth == rng.integers(truth.max() + 1)] = 0
    return told


def _panoptic_quality_maps_cases(rng):
    cases = [
        (np.array([[4, 4, 4, 7], [4, -1, 7, 7]]), np.array([[7, 7, 4, 4], [7, 9, 2, 1]])),
        (np.array([[0, 0, 1, 1, 1]]), np.array([[0, -1, 1, 1, 3]])),  # an IoU of exactly ½
        (np.array([[0, 0, 2], [5, 5, 5]]), np.array([[-1, -1, -1], [-1, -1, -1]])),
        (np.full((2, 3), -1), np.array([[1, 1, 1], [1, 2, 2]])),
    ]
    for height, width, count, wrong in [(6, 8, 3, 0.05), (9, 7, 5, 0.1), (5, 12, 4, 0.2),
                                        (10, 11, 8, 0.1), (16, 20, 12, 0.15), (30, 41, 25, 0.1),
                                        (8, 14, 2, 0.3)]:  # fmt: skip
        truth = _regions(rng, height, width, count)
        told = _told(rng, truth, wrong)
        truth = np.where(rng.random(truth.shape) < 0.05, -1, truth)
        cases.append((truth, told))
    return cases


_hint_panoptic_quality_maps = mistakes(
    (_same_numbers,
     "a segment is compared with that of its own number alone; numbers are only names"),
    (lambda t, p: _panoptic_quality(*_pairs(t, p, -1)),
     "the pixels of −1 are taken for a segment; they belong to none"),
    (lambda t, p: _panoptic_quality(*_pairs(t, p, 1)),
     "the segment of number 0 is left out; only −1 is none"),
    (_of_pairs(lambda v, t, p: _panoptic_quality(v, t, p, lambda ious: ious > 0)),
     "every pair counts as a match; with an IoU up to 0.5 it is none"),
    (_of_pairs(lambda v, t, p: _panoptic_quality(v, t, p, lambda ious: ious >= 0.5)),
     "an IoU of exactly 0.5 is no match: two segments could claim the same one"),
    (_of_pairs(lambda v, t, p: _halves(v, t, p)[0]),
     "that is SQ, how well the matches fit; RQ is missing"),
    (_of_pairs(lambda v, t, p: _halves(v, t, p)[1]),
     "that is RQ, how many were found; SQ is missing"),
    (_of_pairs(lambda v, t, p: sum(_halves(v, t, p)) / 2),
     "SQ and RQ are multiplied; that is their mean"),
    (_of_pairs(lambda v, t, p: _panoptic_quality(v, t, p, extra=1)),
     "a miss and a false alarm weigh one half each"),
    (_of_pairs(_cut_halves), "`//` cuts off the half of an odd number of misses or false alarms"),
    (_of_pairs(lambda v, t, p: np.divide(_matched(v), t)),
     "false alarms cost nothing here: that divides by the true segments alone"),
    (_of_pairs(lambda v, t, p: np.divide(_matched(v), p)),
     "misses cost nothing here: that divides by the predicted segments alone"),
    (_of_pairs(lambda v, t, p: mean(v) * _halves(v, t, p)[1]),
     "SQ is a mean over the matches, not over all pairs"),
    (lambda t, p: 100 * _segmented(t, p), "that is in percent; 0 … 1 is wanted"),
)  # fmt: skip


def _hint_own_masks(got, wanted, arguments):
    if close(got, (arguments[0] == arguments[1]).mean()):
        return "that is the share of equal pixels; numbers are only names"


EXERCISES = {
    "mask_iou_table": Exercise(
        reference=_mask_iou_table,
        cases=_mask_iou_table_cases,
        verified="1 to 7 masks, pictures up to 20 × 30, empty masks",
        hints=[not_a_number, _hint_mask_iou_table],
        minutes=6,
        steps=(
            "A pixel is shared if both masks have it (`&`), and in the union if one of the two "
            "has it (`|`). Count both, for one pair first.",
            "`a[:, None]` has an axis of length 1 for the masks of b: NumPy then makes all pairs. "
            "Think of a pair whose union has no pixel, too.",
        ),
    ),
    "mask_ap_one": Exercise(
        reference=_mask_ap_one,
        cases=_mask_ap_one_cases,
        verified="2 to 8 true masks; found twice, missed, an IoU of exactly the threshold",
        hints=[not_a_number, _hint_mask_ap_one],
        level=3,
        minutes=15,
        steps=(
            "There are three parts: the table of the IoUs of all pairs; for each detection, best "
            "score first, whether it finds a truth; the area of 4.2 from these answers.",
            "A truth that is found is no longer free. Change its whole column of the table so "
            "that no later detection can choose it.",
        ),
    ),
    "panoptic_quality_maps": Exercise(
        reference=_segmented,
        cases=_panoptic_quality_maps_cases,
        verified="1 to 25 segments, other numbers, misses, false alarms, no match",
        hints=[not_a_number, _hint_panoptic_quality_maps, _hint_own_masks],
        level=3,
        minutes=12,
        steps=(
            "Make a list of masks from each map first: one for each number that occurs and is "
            "not −1. From there on, the numbers play no part.",
            "Collect the IoUs above 0.5 of all pairs. With FP = predictions − TP and FN = truths "
            "− TP, the sum TP + ½ FP + ½ FN needs no loop.",
        ),
    ),
}
