"""Answers to exercises on masks and segments: wrong ones with their hints, other right ones."""

import numpy as np
import torch
from torch.nn import functional

from course_utils.detection import boxes, metrics


# unpool
def laid(values, places, shape, order="C"):
    result = np.zeros(shape[0] * shape[1])
    result[places.ravel()] = values.ravel()
    return result.reshape(shape, order=order)


def window_of(values, shape):
    return min(shape[0] // values.shape[0], shape[1] // values.shape[1])


def in_corners(values, places, shape):
    result, size = np.zeros(shape), window_of(values, shape)
    for i, j in np.ndindex(values.shape):
        result[i * size, j * size] = values[i, j]
    return result


def filled(values, places, shape):
    result, size = np.zeros(shape), window_of(values, shape)
    large = values.repeat(size, 0).repeat(size, 1)
    result[: large.shape[0], : large.shape[1]] = large
    return result


def by_division(values, places, shape, width=1):
    result = np.zeros(shape)
    for value, place in zip(values.ravel(), places.ravel(), strict=True):
        row, column = divmod(int(place), shape[width])
        result[row % shape[0], column % shape[1]] = value
    return result


# mask_iou_table
def shares(a, b):
    """Shared pixels, areas of a, areas of b, as floats"""
    shared = np.einsum("nyx,myx->nm", a.astype(float), b.astype(float))
    return shared, a.sum((1, 2))[:, None].astype(float), b.sum((1, 2)).astype(float)


def by_loops(a, b):
    table = np.zeros((len(a), len(b)))
    for i, j in np.ndindex(table.shape):
        union = (a[i] | b[j]).sum()
        table[i, j] = (a[i] & b[j]).sum() / union if union else 0
    return table


def in_torch(a, b):
    a, b = (torch.tensor(x).flatten(1).float() for x in (a, b))
    shared = a @ b.T
    return shared / (a.sum(1)[:, None] + b.sum(1) - shared).clamp(min=1)


# mask_ap_one
def hits(ious, scores, threshold, free=True):
    """Best score first: whether each finds a truth"""
    ious, found = ious.copy(), []
    for i in np.argsort(-scores):
        j = ious[i].argmax()
        found.append(ious[i, j] >= threshold)
        if found[-1] and free:
            ious[:, j] = -1
    return np.array(found)


def in_two_orders(masks, scores, truths, threshold):
    """The answers, best first, once more in the order of the scores."""
    found = hits(by_loops(masks, truths), scores, threshold)
    return area([found[i] for i in np.argsort(-scores)], len(truths))


def area(found, truths, envelope=True):
    precision = np.cumsum(found) / (1 + np.arange(len(found)))
    if envelope:
        precision = [precision[i:].max() for i in range(len(found))]
    return np.dot(precision, found) / truths


def ap(m, s, t, k, envelope=True, **settings):
    return area(hits(by_loops(m, t), s, k, **settings), len(t), envelope)


def finished(m, s, t, k):
    found = metrics.match_detections(metrics.mask_iou(m, t), s, k) >= 0
    return metrics.average_precision(*metrics.precision_recall(s, found, len(t)))


def box(mask):
    y, x = np.nonzero(mask)
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def of_boxes(m, s, t, k):
    table = boxes.box_iou(*(np.array([box(mask) for mask in masks], float) for masks in (m, t)))
    return area(hits(table, s, k), len(t))


# panoptic_quality_maps
def masks_of(ids, first=0):
    return [ids == number for number in np.unique(ids) if number >= first]


def sums(truth, predicted, first=0, limit=0.5):
    """IoUs of the matches, number of truths, of predictions"""
    ours, theirs = masks_of(truth, first), masks_of(predicted, first)
    ious = [(a & b).sum() / (a | b).sum() for a in ours for b in theirs]
    return [iou for iou in ious if iou > limit], len(ours), len(theirs)


def quality(truth, predicted, **settings):
    ious, ours, theirs = sums(truth, predicted, **settings)
    return 2 * sum(ious) / (ours + theirs)


def by_number(truth, predicted):
    _, ours, theirs = sums(truth, predicted)
    total = 0
    for number in np.unique(truth[truth >= 0]):
        a, b = truth == number, predicted == number
        iou = (a & b).sum() / (a | b).sum()
        total += iou * (iou > 0.5)
    return 2 * total / (ours + theirs)


def in_parts(truth, predicted):
    """SQ, RQ"""
    ious, ours, theirs = sums(truth, predicted)
    return np.mean(ious) if ious else 0.0, 2 * len(ious) / (ours + theirs)


def cut_halves(truth, predicted):
    ious, ours, theirs = sums(truth, predicted)
    tp = len(ious)
    return np.divide(sum(ious), tp + (ours - tp) // 2 + (theirs - tp) // 2)


def by_histogram(truth, predicted):
    """From one table of shared pixels, without a loop over pairs"""
    a, b = truth.ravel() + 1, predicted.ravel() + 1
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    union = table.sum(1, keepdims=True) + table.sum(0) - table
    iou = (table / np.maximum(union, 1))[1:, 1:]
    count = (table.sum(1)[1:] > 0).sum() + (table.sum(0)[1:] > 0).sum()
    return 2 * iou[iou > 0.5].sum() / count


WRONG = {
    "unpool": [
        ("lambda v, p, s: laid(v, p, s, 'F')", "not column by column"),
        ("lambda v, p, s: by_division(v, p, s, 0)", "as the map is \\*wide\\*"),
        ("in_corners", "in the corner of its window"),
        ("filled", "each value fills its window"),
        ("lambda v, p, s: laid(p, p, s)", "those are the places themselves"),
        ("lambda v, p, s: laid(v, p, s).ravel()", "one long row"),
        ("lambda v, p, s: laid(v[::-1, ::-1], p, s)", "in another order"),
        ("lambda v, p, s: np.put(np.zeros(s), p, v)", "returns nothing"),
        ("lambda v, p, s: np.zeros(s)[p]", "count through the whole large map"),
        ("lambda v, p, s: laid(v, p, s[::-1])", "the result's shape is"),
        ("lambda v, p, s: laid(np.abs(v) + 1, p, s)", "is wrong"),
    ],
    "mask_iou_table": [
        ("lambda a, b: shares(a, b)[0] / shares(a, b)[1]", "the masks of `a`"),
        ("lambda a, b: shares(a, b)[0] / shares(a, b)[2]", "the masks of `b`"),
        ("lambda a, b: shares(a, b)[0] / (shares(a, b)[1] + shares(a, b)[2])", "twice"),
        ("lambda a, b: 2 * shares(a, b)[0] / (shares(a, b)[1] + shares(a, b)[2])", "Dice"),
        ("lambda a, b: shares(a, b)[0]", "a count"),
        ("lambda a, b: [[(x == y).mean() for y in b] for x in a]", "count as agreement"),
        ("lambda a, b: by_loops(a, b).T", "are exchanged"),
        ("lambda a, b: [by_loops(a, b)[i, i] for i in range(min(len(a), len(b)))]", "all pairs"),
        ("lambda a, b: 100 * by_loops(a, b)", "in percent"),
        ("lambda a, b: (a[:, None] & b).sum((2, 3)) / (a[:, None] | b).sum((2, 3))", "0 by 0"),
        ("lambda a, b: by_loops(a, b) ** 2", "is wrong"),
    ],
    "mask_ap_one": [
        ("lambda m, s, t, k: ap(m, -np.arange(len(s)), t, k)", "taken as they come"),
        ("lambda m, s, t, k: ap(m, -s, t, k)", "lowest score comes first"),
        ("in_two_orders", "in two different orders"),
        ("lambda m, s, t, k: ap(m, s, t, k, free=False)", "found twice"),
        ("lambda m, s, t, k: ap(m, s, t, k + 1e-9)", "exactly the threshold"),
        ("of_boxes", "the bounding boxes"),
        ("lambda m, s, t, k: ap(m, s, t, k, envelope=False)", "at its recall or above"),
        ("lambda m, s, t, k: ap(m, s, t, k) * len(t) / len(m)", "a share of the truths"),
        ("lambda m, s, t, k: np.mean(hits(by_loops(m, t), s, k))", "that is the precision"),
        ("lambda m, s, t, k: np.sum(hits(by_loops(m, t), s, k)) / len(t)", "that is the recall"),
        ("lambda m, s, t, k: ap(m, s, t, 0.5)", "always 0.5"),
        ("lambda m, s, t, k: hits(by_loops(m, t), s, k)", "one number is wanted"),
    ],
    "panoptic_quality_maps": [
        ("by_number", "numbers are only names"),
        ("lambda t, p: quality(t, p, first=-1)", "taken for a segment"),
        ("lambda t, p: quality(t, p, first=1)", "only −1 is none"),
        ("lambda t, p: quality(t, p, limit=0.4999)", "exactly 0.5"),
        ("lambda t, p: in_parts(t, p)[0]", "that is SQ"),
        ("lambda t, p: in_parts(t, p)[1]", "that is RQ"),
        ("lambda t, p: np.mean(in_parts(t, p))", "that is their mean"),
        ("lambda t, p: np.divide(sum(sums(t, p)[0]), sums(t, p)[1])", "false alarms cost nothing"),
        ("lambda t, p: np.divide(sum(sums(t, p)[0]), sums(t, p)[2])", "misses cost nothing"),
        ("cut_halves", "cuts off the half"),
        ("lambda t, p: 100 * quality(t, p)", "in percent"),
        ("lambda t, p: np.mean(t == p)", "numbers are only names"),
        ("lambda t, p: in_parts(t, p)", "one number is wanted"),
    ],
}

RIGHT = {
    "unpool": [
        laid,
        by_division,
        lambda v, p, s: functional.max_unpool2d(
            torch.tensor(v)[None].float(), torch.tensor(p)[None], window_of(v, s), output_size=s
        )[0],
        lambda v, p, s: np.isin(np.arange(s[0] * s[1]), p).reshape(s) * laid(v, p, s),
    ],
    "mask_iou_table": [
        by_loops,
        in_torch,
        metrics.mask_iou,
        lambda a, b: [[(x & y).sum() / max((x | y).sum(), 1) for y in b] for x in a],
    ],
    "mask_ap_one": [ap, finished, lambda *arguments: np.float32(ap(*arguments))],
    "panoptic_quality_maps": [
        quality,
        by_histogram,
        lambda t, p: np.float32(np.prod(in_parts(t, p))),
    ],
}
