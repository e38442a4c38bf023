"""Stuff and things on one map (L4.01, L4.15): how instances and a semantic map merge. NumPy only.

Source: Kirillov et al., arXiv:1801.00868 (the rule) and arXiv:1901.02446 (small stuff).
"""

import numpy as np

from course_utils.arguments import whole_number
from course_utils.errors import ArgumentError
from course_utils.panoptic import PER_CLASS
from course_utils.region_arguments import as_classes, as_fraction, as_masks, as_scores
from course_utils.segmentation_metrics import as_ids


def merge_panoptic(semantic, found, things, threshold=0.5, visible=0.5, least=64):
    """The ids of one picture, 1000 · class + number, of its instances and its stuff; (H, W) int64.

    semantic: (H, W) whole numbers, the class of each pixel. found: a dict of "masks" (N, H, W)
    bool, "scores" (N,) and "labels" (N,), all of them things. things: how many classes are things,
    0 … things − 1; from there on it is stuff, number 0.
    An instance counts whose score is at least `threshold`. The best comes first (of equal ones the
    first); the next gets the pixels that are left, and goes when these are less than `visible`, 0 …
    1, of its mask. Instances are numbered from 1. The other pixels get their class of `semantic`;
    those that it calls a thing, and stuff of fewer than `least` pixels, are in no segment: −1.
    Raises ArgumentError.
    """
    semantic, things = as_ids("semantic", semantic), whole_number("things", things, 0)
    least = whole_number("least", least, 0)
    threshold, visible = as_fraction("threshold", threshold), as_fraction("visible", visible)
    if semantic.ndim != 2 or not semantic.size:
        raise ArgumentError(f"semantic must be (H, W), got {semantic.shape}")
    masks, scores, labels = _as_instances(found, semantic.shape, things)
    ids = np.full(semantic.shape, -1)
    number = 1
    for i in np.argsort(-scores, kind="stable"):
        free = masks[i] & (ids < 0)
        if scores[i] < threshold or not free.any() or free.sum() < visible * masks[i].sum():
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
        if area.sum() >= least:
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
