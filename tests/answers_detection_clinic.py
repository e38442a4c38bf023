"""Answers to the clinic and the project of chapter 4's first half."""

import numpy as np
import torch
from torchvision import ops

from course_utils.detection.boxes import batched_nms, box_iou, convert_boxes
from course_utils.exercises.computer_vision import (
    detection,
    detection_clinic,
)

best_of, as_corners = detection_clinic._best, detection_clinic._as_corners  # mistakes in parts
centred, from_first = detection_clinic._centred, detection_clinic._from_first
class_ap = detection.ap_of_class


# test_mirror
def picture(height=5, width=8):
    return np.arange(height * width * 3).reshape(height, width, 3)


BOXES = np.array([[1.0, 0, 3, 4], [2, 1, 8, 5]])


def asserts_all(program):
    image, moved = program(picture(), BOXES.copy())
    assert np.array_equal(image, picture()[:, ::-1])
    assert np.allclose(moved, [[5, 0, 7, 4], [0, 1, 6, 5]])


def asserts_ink(program):
    """A bright rectangle stays where its box says."""
    image = np.zeros((6, 11, 3), np.uint8)
    image[1:4, 2:5], image[4:6, 7:11] = 200, 90
    turned, moved = program(image, np.array([[2, 1, 5, 4], [7, 4, 11, 6.0]]))
    for (x1, y1, x2, y2), value in zip(np.asarray(moved).astype(int), (200, 90), strict=True):
        assert x1 < x2 and (turned[y1:y2, x1:x2] == value).all()
        assert (turned == value).sum() == 3 * (x2 - x1) * (y2 - y1)
    assert (turned == image[:, ::-1]).all()


def asserts_picture(program):
    image, _ = program(picture(), BOXES.copy())
    assert np.array_equal(image, picture()[:, ::-1])


def asserts_boxes(program):
    _, moved = program(picture(), BOXES.copy())
    assert np.allclose(moved, [[5, 0, 7, 4], [0, 1, 6, 5]])


def asserts_square(program):
    image, moved = program(picture(8, 8), BOXES.copy())
    assert np.array_equal(image, picture(8, 8)[:, ::-1])
    assert np.allclose(moved, [[5, 0, 7, 4], [0, 1, 6, 5]])


def asserts_nothing(program):
    program(picture(), BOXES.copy())


def asserts_too_much(program):
    image, moved = program(picture(), BOXES.copy())
    assert np.array_equal(image, picture()[:, ::-1]) and np.allclose(moved, BOXES)


# mirror_with_boxes
def mirrored(image, boxes):
    moved = boxes.astype(float)
    moved[:, 0], moved[:, 2] = image.shape[1] - boxes[:, 2], image.shape[1] - boxes[:, 0]
    return image[:, ::-1], moved


def through_torch(image, boxes):
    width = image.shape[1]
    turned = torch.tensor(boxes).float() * torch.tensor([-1, 1, -1, 1]) + torch.tensor(
        [width, 0, width, 0]
    )
    return torch.tensor(image).flip(1), turned[:, [2, 1, 0, 3]]


# test_best_ious
FOUND = np.array([[10.0, 10, 30, 50], [12, 14, 32, 50], [40, 5, 60, 25]])
THINGS = np.array([[10.0, 10, 20, 40], [40, 5, 20, 30]])


def asserts_exact(program):
    assert np.allclose(program(FOUND, THINGS), [1, 2 / 3])


def asserts_one(program):
    assert len(program(FOUND, THINGS)) == 2
    assert np.allclose(program(FOUND[:1], THINGS[:1]), 1)


def asserts_at_origin(program):
    assert np.allclose(program(np.array([[0.0, 0, 4, 6]]), np.array([[0.0, 0, 4, 6]])), 1)


def asserts_range(program):
    best = program(FOUND, THINGS)
    assert (best >= 0).all() and (best <= 1).all()


# test_kept_boxes
CROWD = np.array([
    [0, 0, 10, 10], [0, 0, 10, 11], [6, 0, 16, 10], [3, 0, 13, 10], [30, 30, 40, 40],
])  # fmt: skip
SCORES, CLASSES = np.array([0.5, 0.9, 0.6, 0.55, 0.8]), np.array([1, 2, 1, 1, 2])


def asserts_list(program):
    """3 is removed by 2, and so it does not remove 0."""
    assert list(program(CROWD, SCORES, CLASSES, 0.5)) == [1, 4, 2, 0]


def asserts_set(program):
    assert set(program(CROWD, SCORES, CLASSES, 0.5)) == {0, 1, 2, 4}


def asserts_two_classes(program):
    assert list(program(CROWD[:2], SCORES[:2], CLASSES[:2], 0.5)) == [1, 0]


def asserts_one_class(program):
    assert list(program(CROWD, SCORES, np.ones(5, int), 0.5))[0] == 1


# keep_by_class
def greedy(boxes, scores, threshold, better=lambda iou, threshold: iou <= threshold):
    order, kept = scores.argsort()[::-1], []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[better(box_iou(boxes[best : best + 1], boxes[rest])[0], threshold)]
    return np.array(kept, int)


def each_class(b, s, c, t, run=greedy):
    kept = [np.flatnonzero(c == k)[run(b[c == k], s[c == k], t)] for k in np.unique(c)]
    kept = np.concatenate([*kept, np.zeros(0, int)])
    return kept[np.argsort(-s[kept])]


def within_classes(b, s, c, t):
    kept = [(k, i) for k in np.unique(c) for i in greedy(b[c == k], s[c == k], t)]
    kept.sort(key=lambda one: -s[c == one[0]][one[1]])
    return [i for _, i in kept]


def one_loop(b, s, c, t):
    kept = []
    for i in sorted(range(len(b)), key=lambda i: -s[i]):
        same = [k for k in kept if c[k] == c[i]]
        if not same or box_iou(b[[i]], b[same]).max() <= t:
            kept.append(i)
    return kept


# boxes_of_cells
def cell_by_cell(outputs, size):
    boxes, scores, cells = [], [], outputs.shape[1]
    for row in range(cells):
        for column in range(cells):
            x, y, w, h, sure = 1 / (1 + np.exp(-outputs[:5, row, column]))
            x, y = (column + x) * size / cells, (row + y) * size / cells
            boxes.append([x - w * size / 2, y - h * size / 2, x + w * size / 2, y + h * size / 2])
            powers = np.exp(outputs[5:, row, column])
            scores.append(sure * powers / powers.sum())
    return np.array(boxes), np.array(scores)


def by_torch(outputs, size, dtype=torch.float64):
    out = torch.tensor(outputs).to(dtype)
    cells = out.shape[-1]
    x, y, w, h, sure = out[:5].sigmoid()
    number = torch.arange(cells)
    x, y = (x + number) * size / cells, (y + number[:, None]) * size / cells
    boxes = torch.stack(
        [x - w * size / 2, y - h * size / 2, x + w * size / 2, y + h * size / 2], -1
    )
    scores = (sure * out[5:].softmax(0)).movedim(0, -1)
    return boxes.reshape(-1, 4), scores.reshape(cells**2, -1)


def transposed(outputs, size):
    return cell_by_cell(outputs.transpose(0, 2, 1), size)


def sums_to_all(outputs, size):
    boxes, scores = cell_by_cell(outputs, size)
    return boxes, scores / scores.sum()


def reshaped(outputs, size):
    """The axis of the cells stays behind that of the numbers."""
    boxes, scores = cell_by_cell(outputs, size)
    return boxes.T.reshape(boxes.shape), scores.T.reshape(scores.shape)


def placed(outputs, size, across=1, up=1, first=0, grown=1, unit=None):
    """Boxes made anew: across, up, first: of the cells' numbers; grown, unit: of the sizes."""
    cells = outputs.shape[1]
    unit = size / cells if unit is None else unit
    x, y, width, height = 1 / (1 + np.exp(-outputs[:4]))
    rows, columns = np.mgrid[:cells, :cells] + first
    x, y = (x + across * columns) * unit, (y + up * rows) * unit
    half = width * size * grown / 2, height * size * grown / 2
    boxes = np.stack([x - half[0], y - half[1], x + half[0], y + half[1]], axis=-1)
    return boxes.reshape(-1, 4), cell_by_cell(outputs, size)[1]


# detections
def rows_of(outputs, keep=batched_nms, least=0.001, best=False, dtype=float):
    boxes, scores = by_torch(outputs, 64, getattr(torch, np.dtype(dtype).name))
    boxes, scores = boxes.numpy(), scores.numpy()
    offered = [
        (*boxes[i], scores[i, k], k)
        for i in range(len(boxes))
        for k in ([scores[i].argmax()] if best else range(scores.shape[1]))
        if scores[i, k] >= least
    ]
    offered = np.array(offered)
    return offered[keep(offered[:, :4], offered[:, 4], offered[:, 5].astype(int), 0.5)]


# class_ap
def ap_of(found, truth, label, within=True, once=True, least=0.5):
    mine = sorted((row for row in found if row[6] == label), key=lambda row: -row[5])
    things, taken, hits = truth[truth[:, 5] == label], set(), []
    for row in mine:
        best, place = least, None
        for i, thing in enumerate(things):
            if (thing[0] == row[0] or not within) and not (once and i in taken):
                iou = box_iou(row[None, 1:5], thing[None, 1:5])[0, 0]
                if iou >= best:
                    best, place = iou, i
        hits.append(place is not None)
        taken.add(place)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return sum(max(precision[i:]) for i, hit in enumerate(hits) if hit) / len(things)


def ap_of_best(found, truth, label, anywhere=None):
    """The best thing of all pictures (anywhere), the best one although it is taken, or both."""
    mine = sorted(found[found[:, 6] == label], key=lambda row: -row[5])
    things, taken, hits = truth[truth[:, 5] == label], set(), []
    for row in mine:
        there = [
            i for i in range(len(things))
            if anywhere is None or (i not in taken if anywhere else things[i, 0] == row[0])
        ]  # fmt: skip
        ious = box_iou(row[None, 1:5], things[there, 1:5])[0]
        best = there[ious.argmax()] if len(there) else None
        hit = best is not None and ious.max() >= 0.5 and things[best, 0] == row[0]
        hits.append(hit and best not in taken)
        taken |= {best} if hits[-1] else set()
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best * hits).sum() / len(things))


def ap_in_order(found, truth, label, early=False, late=True):
    """The boxes matched as they come; early: sorted before, late: the answers sorted after."""
    mine = found[found[:, 6] == label]
    order = np.argsort(-mine[:, 5])
    single, hits = truth[truth[:, 5] == label], []
    free = np.ones(len(single), bool)
    for row in mine[order] if early else mine:
        there = np.flatnonzero(free & (single[:, 0] == row[0]))
        ious = box_iou(row[None, 1:5], single[there, 1:5])[0]
        hits.append(len(there) > 0 and ious.max() >= 0.5)
        if hits[-1]:
            free[there[ious.argmax()]] = False
    hits = np.array(hits, bool)[order] if late else np.array(hits, bool)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((np.maximum.accumulate(precision[::-1])[::-1] * hits).sum() / len(single))


def others(truth, label):
    """All things, as if they were of this class."""
    return np.concatenate([truth[:, :5], np.full((len(truth), 1), label)], axis=1)


def without_guard(found, truth, label):
    """The best IoU of no box."""
    mine, things = found[found[:, 6] == label], truth[truth[:, 5] == label]
    return [box_iou(row[None, 1:5], things[things[:, 0] == -1, 1:5]).max() for row in mine]


WRONG = {
    "test_mirror": [
        ("asserts_picture", "leaves the boxes where they were"),
        ("asserts_boxes", "leaves the picture|upside down"),
        ("asserts_square", "height in place of its width"),
        ("asserts_nothing", "reaches no `assert`"),
        ("asserts_too_much", "stops a program that is right"),
    ],
    "mirror_with_boxes": [
        ("lambda i, b: (i[:, ::-1], b)", "stay where they were"),
        ("lambda i, b: (i[:, ::-1], i.shape[1] - b)", "is wrong|upside"),
        ("lambda i, b: (i[:, ::-1], mirrored(i, b)[1][:, [2, 1, 0, 3]])", "larger than x2"),
        ("lambda i, b: (i[:, ::-1], mirrored(i[:, 1:], b)[1])", "the last edge is W"),
        ("lambda i, b: (i, mirrored(i, b)[1])", "is not mirrored"),
        ("lambda i, b: (i[::-1], mirrored(i, b)[1])", "upside down"),
        ("lambda i, b: (i[:, ::-1], mirrored(i.transpose(1, 0, 2), b)[1])", "along the width"),
        ("lambda i, b: i[:, ::-1]", "two things are wanted"),
        ("lambda i, b: (i[:, ::-1], b[:, :2])", "the boxes had the shape"),
    ],
    "test_best_ious": [
        ("asserts_at_origin", "takes x, y, width and height for two corners|lets a program"),
        ("asserts_one", "lets a program pass"),
        ("asserts_range", "lets a program pass|stops none"),
    ],
    "best_ious_of_coco": [
        ("best_of(np.array)", "still taken for two corners"),
        ("best_of(centred)", "not the centre"),
        (
            "lambda f, t: box_iou(f, convert_boxes(t, 'cxcywh', 'xyxy')).max(axis=0)",
            "not the centre",
        ),
        ("best_of(change_found=as_corners)", "corners already"),
        ("lambda f, t: box_iou(f, convert_boxes(t, 'xywh', 'xyxy')).max(axis=1)", "each \\*thing"),
        ("lambda f, t: box_iou(f, convert_boxes(t, 'xywh', 'xyxy')).mean(axis=0)", "the mean"),
        ("best_of(from_first)", "y \\+ height"),
    ],
    "test_kept_boxes": [
        ("asserts_set", "class after class|best first|lowest"),
        ("asserts_two_classes", "lets a program pass"),
        ("asserts_one_class", "lets a program pass"),
    ],
    "keep_by_class": [
        ("lambda b, s, c, t: greedy(b, s, t)", "of other classes"),
        ("lambda b, s, c, t: np.sort(each_class(b, s, c, t))", "the best comes first"),
        ("lambda b, s, c, t: each_class(b, -s, c, t)[::-1]", "\\*lowest\\* score|is wrong|shape"),
        ("lambda b, s, c, t: np.argsort(-s)", "nothing goes"),
        (
            "lambda b, s, c, t: each_class(b, s, c, t, lambda *a: greedy(*a, np.less))",
            "only equals the threshold",
        ),
        ("lambda b, s, c, t: b[each_class(b, s, c, t)]", "those are the boxes"),
        ("lambda b, s, c, t: s[each_class(b, s, c, t)]", "those are the scores"),
        ("lambda b, s, c, t: np.isin(np.arange(len(b)), each_class(b, s, c, t))", "is a mask"),
        ("within_classes", "of one class alone"),
        (
            "lambda b, s, c, t: [i for k in np.unique(c) for i in greedy(b[c == k], s[c == k], t)]",
            "of one class alone",
        ),
        ("lambda b, s, c, t: each_class(b, s, c, t).astype(float)", "used as indices"),
        ("lambda b, s, c, t: each_class(b, s, c, t).astype(np.uint8)", "is wrong"),
        ("lambda b, s, c, t: each_class(b, s, c, t, lambda b, s, t: s.argsort()[-1:])", "several"),
    ],
    "boxes_of_cells": [
        ("transposed", "second cell of row 0|are wrong"),
        (
            "lambda o, n: (cell_by_cell(o, n)[0], cell_by_cell(o, n)[1] * 0 + 1)",
            "the scores are wrong",
        ),
        ("lambda o, n: (cell_by_cell(o, n)[0] + 1, cell_by_cell(o, n)[1])", "the boxes are wrong"),
        ("sums_to_all", "are wrong|over all cells"),
        ("reshaped", "^[^;]*: the reshape mixes the cells"),
        ("lambda o, n: (reshaped(o, n)[0], cell_by_cell(o, n)[1])", "for the boxes, the reshape"),
        ("lambda o, n: (cell_by_cell(o, n)[0], reshaped(o, n)[1])", "for the scores, the reshape"),
        ("lambda o, n: placed(o, n, up=0)", "no effect on y"),
        ("lambda o, n: placed(o, n, across=0)", "no effect on x"),
        ("lambda o, n: placed(o, n, first=1)", "begin at 0"),
        ("lambda o, n: placed(o, n, grown=1 / o.shape[1])", "and not of a cell"),
        ("lambda o, n: placed(o, n, grown=2)", "on each side of the centre"),
        ("lambda o, n: placed(o, n, grown=1 / n)", "not pixels"),
        ("lambda o, n: placed(o, n, unit=1)", "in cells; pixels are wanted"),
        ("lambda o, n: placed(o, n, unit=n)", "how many pixels is a cell wide"),
        ("lambda o, n: cell_by_cell(o, n)[0]", "the boxes alone"),
        ("lambda o, n: cell_by_cell(o, n)[::-1]", "the boxes have the shape"),
        (
            "lambda o, n: (convert_boxes(cell_by_cell(o, n)[0], 'xyxy', 'cxcywh'),"
            " cell_by_cell(o, n)[1])",
            "corners are wanted",
        ),
    ],
    "detections": [
        (
            "lambda o: rows_of(o, lambda b, s, c, t: greedy(b, s, t))",
            "of different classes|\\*every\\* class",
        ),
        ("lambda o: rows_of(o, lambda b, s, c, t: np.argsort(-s))", "no box is removed"),
        ("lambda o: rows_of(o, best=True)", "\\*every\\* class"),
        ("lambda o: rows_of(o, least=0.01)", "of 0.001 and more"),
        ("lambda o: rows_of(o)[::-1]", "the best comes first"),
        ("lambda o: rows_of(o)[:, [0, 1, 2, 3, 5, 4]]", "before the label"),
        ("lambda o: rows_of(o, lambda *a: np.sort(batched_nms(*a)))", "as they were offered"),
        ("lambda o: np.array(sorted(rows_of(o).tolist(), key=lambda r: r[5]))", "class after cl"),
        (
            "lambda o: rows_of(o, lambda *a: sorted(batched_nms(*a), key=lambda i: (a[2][i], i)))",
            "class after class",
        ),
    ],
    "class_ap": [
        ("lambda f, t, c: ap_of(f, t, c, within=False)", "within each picture"),
        ("lambda f, t, c: ap_of(f, t, c, once=False)", "found twice"),
        ("lambda f, t, c: 100 * ap_of(f, t, c)", "in percent"),
        ("lambda f, t, c: class_ap(f, t, c, area=np.array)", "\\*or above\\*"),
        ("lambda f, t, c: class_ap(f, t, c, named=False)", "counted together"),
        ("lambda f, t, c: ap_of_best(f, t, c, anywhere=True)", "of \\*all pictures\\*"),
        ("lambda f, t, c: ap_of_best(f, t, c, anywhere=False)", "may still find another one"),
        ("ap_of_best", "of \\*all\\* things"),
        ("lambda f, t, c: ap_in_order(f, t, c)", "matched as they come and sorted afterwards"),
        ("lambda f, t, c: ap_in_order(f, t, c, late=False)", "the boxes are taken as they come"),
        ("lambda f, t, c: ap_in_order(f, t, c, early=True)", "in two different orders"),
        ("lambda f, t, c: ap_of(f, t, c, least=0.5 + 1e-9)", "of exactly 0.5"),
        ("lambda f, t, c: ap_of(f, others(t, c), c)", "of another class"),
        ("lambda f, t, c: ap_of(f, others(t, c), c) * len(t) / (t[:, 5] == c).sum()", "another c"),
        (
            "lambda f, t, c: ap_of(f, t, c) * (t[:, 5] == c).sum() / len(t)",
            "of the things of this class",
        ),
        ("without_guard", "a picture may have no thing"),
    ],
}

RIGHT = {
    "test_mirror": [asserts_all, asserts_ink],
    "mirror_with_boxes": [mirrored, through_torch],
    "test_best_ious": [
        asserts_exact,
        lambda program: np.testing.assert_allclose(program(FOUND, THINGS), [1, 2 / 3]),
    ],
    "best_ious_of_coco": [
        lambda f, t: box_iou(f, convert_boxes(t, "xywh", "xyxy")).max(axis=0),
        lambda f, t: (
            ops.box_iou(
                torch.tensor(f).float(),
                ops.box_convert(torch.tensor(t).float(), "xywh", "xyxy"),
            )
            .max(dim=0)
            .values
        ),
    ],
    "test_kept_boxes": [
        asserts_list,
        lambda program: np.testing.assert_array_equal(
            program(CROWD, SCORES, CLASSES, 0.5), [1, 4, 2, 0]
        ),
    ],
    "keep_by_class": [
        each_class,
        one_loop,
        lambda b, s, c, t: ops.batched_nms(
            torch.tensor(b).double(), torch.tensor(s).double(), torch.tensor(c), t
        ),
    ],
    "boxes_of_cells": [
        cell_by_cell,
        by_torch,
        lambda o, n: by_torch(o, n, torch.float32),
    ],
    "detections": [rows_of, lambda o: rows_of(o, each_class, dtype=np.float32)],
    "class_ap": [ap_of, lambda f, t, c: np.float32(ap_of(f, t, c))],
}
