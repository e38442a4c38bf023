"""Panoptic segmentation: ids of class and number, panoptic quality, merging. NumPy only.

Every pixel has the id 1000 · class + number of its segment; a negative id: it is in no segment.
"""

from collections import defaultdict

import numpy as np

from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.argument_checks.regions import as_classes, as_fraction, as_masks, as_scores
from course_utils.errors import ArgumentError
from course_utils.segmentation.metrics import as_id_maps, as_ids

PER_CLASS = 1000  # ids of a class, as in Cityscapes
MIN_VISIBLE = 0.5  # share of an instance's mask that no better instance may cover
MIN_STUFF_AREA = 64  # pixels of a stuff segment


def panoptic_quality(truth, predicted):
    """Panoptic quality PQ = SQ × RQ (arXiv:1801.00868), of each class and in the mean.

    truth, predicted: (H, W) ids 1000 · class + number, or lists of such pictures. Segments of one
    class match where IoU > 0.5. Pixels that the truth leaves out (negative) do not count, nor does
    a prediction that mostly lies there.
    Returns a dict of "pq", "sq", "rq", means over the classes that occur in truth or prediction
    (NaN without any; PQ is then not SQ × RQ), and of "classes": class → dict of "pq", "sq" (mean
    IoU of the matches, 0 without any), "rq" (F1), "tp", "fp", "fn". Raises ArgumentError.
    """
    totals = defaultdict(lambda: np.zeros(4))  # class → sum of IoU, TP, FP, FN
    truth, predicted = _as_pictures("truth", truth), _as_pictures("predicted", predicted)
    if len(truth) != len(predicted):
        raise ArgumentError(f"there are {len(truth)} pictures in truth, {len(predicted)} predicted")
    for pair in zip(truth, predicted, strict=True):
        _add_picture(totals, *as_id_maps(*pair))
    classes = {label: _quality(*totals[label]) for label in sorted(totals)}
    means = {
        name: sum(each[name] for each in classes.values()) / (len(classes) or float("nan"))
        for name in ("pq", "sq", "rq")
    }
    return {**means, "classes": classes}


def _add_picture(totals, truth, predicted):
    """Match the segments of one picture and add to the totals."""
    t_ids, rows, t_areas = np.unique(truth, return_inverse=True, return_counts=True)
    p_ids, columns, p_areas = np.unique(predicted, return_inverse=True, return_counts=True)
    pairs, shared = np.unique(rows.ravel() * len(p_ids) + columns.ravel(), return_counts=True)
    rows, columns = np.divmod(pairs, len(p_ids))
    outside = np.zeros(len(p_ids), int)  # pixels of each prediction that the truth leaves out
    np.add.at(outside, columns[t_ids[rows] < 0], shared[t_ids[rows] < 0])
    same = (t_ids[rows] >= 0) & (t_ids[rows] // PER_CLASS == p_ids[columns] // PER_CLASS)
    rows, columns, shared = rows[same], columns[same], shared[same]
    ious = shared / (t_areas[rows] + p_areas[columns] - outside[columns] - shared)
    match = ious > 0.5
    for row, iou in zip(rows[match], ious[match], strict=True):
        totals[int(t_ids[row] // PER_CLASS)] += (iou, 1, 0, 0)
    judged = np.flatnonzero((p_ids >= 0) & (2 * outside <= p_areas))
    for label in p_ids[np.setdiff1d(judged, columns[match])] // PER_CLASS:
        totals[int(label)] += (0, 0, 1, 0)
    for label in t_ids[np.setdiff1d(np.flatnonzero(t_ids >= 0), rows[match])] // PER_CLASS:
        totals[int(label)] += (0, 0, 0, 1)


def _quality(iou, tp, fp, fn):
    """PQ, SQ, RQ and the counts of one class that occurs."""
    sq = iou / max(tp, 1)
    rq = tp / (tp + fp / 2 + fn / 2)
    counts = {"tp": int(tp), "fp": int(fp), "fn": int(fn)}
    return {"pq": float(sq * rq), "sq": float(sq), "rq": float(rq), **counts}


def _as_pictures(name, value):
    """One picture (H, W) or several → a list of pictures."""
    if isinstance(value, list | tuple) and len(value) and as_array(name, value[0]).ndim == 2:
        pictures = list(value)
    else:
        array = as_array(name, value)
        pictures = list(array) if array.ndim == 3 else [array]
    for picture in pictures:
        shape = as_array(name, picture).shape
        if len(shape) != 2 or 0 in shape:
            raise ArgumentError(f"{name} must be (H, W) or a list of such pictures, got {shape}")
    return pictures


def merge_panoptic(semantic, found, things, threshold=0.5):
    """The ids of one picture, 1000 · class + number, of its instances and its stuff; (H, W) int64.

    semantic: (H, W) whole numbers, the class of each pixel. found: a dict of "masks" (N, H, W)
    bool, "scores" (N,) and "labels" (N,), all of them things. things: how many classes are things,
    0 … things − 1; from there on it is stuff, number 0.
    An instance counts whose score is at least `threshold`. The best comes first (of equal ones the
    first); the next gets the pixels that are left, and is dropped when these are less than half of
    its mask. Instances are numbered from 1. The other pixels get their class of `semantic`; those
    that it calls a thing, and stuff of fewer than 64 pixels, are in no segment: −1. Raises
    ArgumentError.
    """
    semantic = as_ids("semantic", semantic)
    things = whole_number("things", things, 0)
    threshold = as_fraction("threshold", threshold)
    if semantic.ndim != 2 or not semantic.size:
        raise ArgumentError(f"semantic must be (H, W), got {semantic.shape}")
    masks, scores, labels = _as_instances(found, semantic.shape, things)
    ids = np.full(semantic.shape, -1)
    number = 1
    for i in np.argsort(-scores, kind="stable"):
        free = masks[i] & (ids < 0)
        covered = not free.any() or free.sum() < MIN_VISIBLE * masks[i].sum()
        if scores[i] < threshold or covered:
            continue
        if number == PER_CLASS:
            raise ArgumentError(
                f"found must hold fewer than {PER_CLASS} instances; raise threshold"
            )
        ids[free] = PER_CLASS * labels[i] + number
        number += 1
    rest = ids < 0
    for label in np.unique(semantic[rest & (semantic >= things)]):
        area = rest & (semantic == label)
        if area.sum() >= MIN_STUFF_AREA:
            ids[area] = PER_CLASS * label
    return ids


def _as_instances(found, shape, things):
    """Checked masks, scores and labels."""
    for key in ("masks", "scores", "labels"):
        if not isinstance(found, dict) or key not in found:
            came = f"only {list(found)}" if isinstance(found, dict) else f"a {type(found).__name__}"
            raise ArgumentError(f'found must be a dict with "{key}", got {came}')
    masks = as_masks('found["masks"]', found["masks"])
    scores = as_scores('found["scores"]', found["scores"], len(masks))
    labels = as_classes('found["labels"]', found["labels"], len(masks))
    if len(masks) and masks.shape[1:] != shape:
        raise ArgumentError(
            f'found["masks"] must be as large as semantic, {shape}, got {masks.shape[1:]}'
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= things))
    if len(wrong):
        raise ArgumentError(
            f'found["labels"] must be things, 0 … {things - 1}, found {labels[wrong[0]]}'
        )
    return masks, scores, labels
