"""The one-stage detector: cells worked by hand, round trips, the loss restated, bad input."""

import math

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from torch import nn
from torch.nn import functional

from course_utils.detection import yolo
from course_utils.detection.boxes import generalized_box_iou
from course_utils.detection.metrics import mean_average_precision
from course_utils.profiling import count_parameters
from course_utils.synthetic_scenes import digit_scenes

SPOTS = st.tuples(st.integers(0, 63), st.integers(0, 63), st.integers(1, 64), st.integers(1, 64))


def logit(p):
    return math.log(p / (1 - p))


def as_outputs(targets, classes=10, sure=20.0):
    """What a network must say to mean these targets, float64."""
    said = targets.double()
    kind = functional.one_hot(targets[:, 5].long(), classes).movedim(-1, 1)
    box = said[:, :4].clamp(1e-9, 1 - 1e-9).logit()
    return torch.cat([box, sure * (2 * said[:, 4:5] - 1), sure * kind], dim=1)


def random_problem(seed=0, pictures=3, cells=4, classes=5, dtype=torch.float64):
    """Outputs and targets; every cell answers with probability ¼, the first one surely."""
    draw = torch.Generator().manual_seed(seed)
    outputs = torch.randn(pictures, 5 + classes, cells, cells, generator=draw, dtype=dtype)
    said = torch.rand(pictures, 6, cells, cells, generator=draw, dtype=dtype)
    answers = said[:, 4] < 0.25
    answers[0, 0, 0] = True
    said[:, 4], said[:, 5] = 1, (said[:, 5] * classes).floor()
    return outputs, said * answers[:, None]


class Says(nn.Module):
    """A model that always says the same."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs, self.drop = outputs, nn.Dropout()

    def forward(self, images):
        assert not self.training
        return self.outputs[: len(images)]


# by hand, on a grid of 2 × 2 cells over 64 pixels


def test_a_box_encoded_by_hand():
    # centre (48, 12) lies in column 1, row 0: half across it, three eighths down
    targets = yolo.encode_targets([[[40, 8, 56, 16]]], [[7]], size=64, cells=2)
    assert targets.shape == (1, 6, 2, 2) and targets.dtype == torch.float32
    assert targets[0, :, 0, 1].tolist() == [0.5, 0.375, 0.25, 0.125, 1, 7]
    targets[0, :, 0, 1] = 0
    assert not targets.any()


def test_a_cell_decoded_by_hand():
    outputs = torch.zeros(1, 8, 2, 2)
    outputs[0, :5, 1, 0] = torch.tensor([0.75, 0.25, 0.5, 0.125, 0.9]).logit()
    outputs[0, 5, 1, 0] = math.log(2)
    boxes, confidence, classes = yolo.decode(outputs)
    # centre (0.75, 1.25) cells = (24, 40) pixels, 32 wide, 8 high
    torch.testing.assert_close(boxes[0, 1, 0], torch.tensor([8.0, 36, 40, 44]))
    torch.testing.assert_close(boxes[0, 0, 1], torch.tensor([32.0, 0, 64, 32]))
    torch.testing.assert_close(confidence, torch.tensor([[[0.5, 0.5], [0.9, 0.5]]]))
    torch.testing.assert_close(classes[0, 1, 0], torch.tensor([0.5, 0.25, 0.25]))
    assert boxes.shape == (1, 2, 2, 4) and classes.shape == (1, 2, 2, 3)


def test_a_centre_on_a_border_belongs_to_the_cell_beyond_it():
    targets = yolo.encode_targets([[[24, 0, 40, 2]], [[60, 62, 64, 64]]], [[0], [0]], 64, 2)
    assert targets[0, :, 0, 1].tolist() == [0, 1 / 32, 0.25, 1 / 32, 1, 0]
    assert targets[1, :, 1, 1].tolist() == [30 / 32, 31 / 32, 1 / 16, 1 / 32, 1, 0]


def test_of_two_centres_in_a_cell_the_later_stays():
    boxes = [[0, 0, 10, 10], [40, 40, 50, 50], [2, 2, 30, 30]]
    targets = yolo.encode_targets([boxes], [[1, 2, 3]], 64, 2)
    assert targets[0, 4].sum() == 2
    assert targets[0, :, 0, 0].tolist() == [0.5, 0.5, 28 / 64, 28 / 64, 1, 3]


def test_pictures_without_objects():
    targets = yolo.encode_targets([[], np.zeros((0, 4))], [[], np.zeros(0, int)], 64, 2)
    assert targets.shape == (2, 6, 2, 2) and not targets.any()
    assert yolo.encode_targets([], []).shape == (0, 6, 8, 8)


# round trips


@settings(max_examples=60, deadline=None)
@given(st.lists(SPOTS, min_size=1, max_size=5), st.sampled_from([1, 2, 4, 8, 16]))
def test_whole_pixels_come_back_exactly(spots, cells):
    boxes = [[x, y, min(64, x + w), min(64, y + h)] for x, y, w, h in spots]
    targets = yolo.encode_targets([boxes], [list(range(len(boxes)))], 64, cells)
    decoded = yolo.pixel_boxes(targets[:, :4])
    wanted = {}  # cell → the last box with its centre there
    for label, box in enumerate(boxes):
        place = (
            int((box[1] + box[3]) / 2 // (64 / cells)),
            int((box[0] + box[2]) / 2 // (64 / cells)),
        )
        wanted[place] = label
    assert {tuple(place) for place in targets[0, 4].nonzero().tolist()} == set(wanted)
    for (row, column), label in wanted.items():
        assert decoded[0, row, column].tolist() == boxes[label]
        assert targets[0, 5, row, column] == label


@pytest.mark.parametrize("size", [64, 96])
def test_scenes_come_back_through_encode_and_decode(size):
    scenes = digit_scenes(20, seed=5, size=size)
    boxes, labels = [scene.boxes for scene in scenes], [scene.labels for scene in scenes]
    targets = yolo.encode_targets(boxes, labels, size, size // 8)
    decoded, confidence, classes = yolo.decode(as_outputs(targets), size)
    for i, scene in enumerate(scenes):
        row, column = (scene.boxes[:, [1, 0]] + scene.boxes[:, [3, 2]]).T // 2 // 8
        here = decoded[i, row.astype(int), column.astype(int)]
        np.testing.assert_allclose(here, scene.boxes, atol=1e-4)
        sure = confidence[i] > 0.5
        assert sure.sum() == len(scene.labels)
        found = classes[i].argmax(-1)[row.astype(int), column.astype(int)]
        assert found.tolist() == scene.labels.tolist()


def test_tensors_and_arrays_are_the_same_targets():
    scenes = digit_scenes(5, seed=1)
    boxes, labels = [scene.boxes for scene in scenes], [scene.labels for scene in scenes]
    as_tensors = [[torch.tensor(part) for part in parts] for parts in (boxes, labels)]
    assert torch.equal(yolo.encode_targets(boxes, labels), yolo.encode_targets(*as_tensors))


# the loss


def test_giou_is_the_one_of_chapter_4_and_torchvisions():
    draw = np.random.default_rng(0)
    a, b = (np.sort(64 * draw.random((50, 2, 2)), axis=1).reshape(50, 4) for _ in range(2))
    a, b = np.vstack([a, a[:1], [[0, 0, 9, 9]]]), np.vstack([b, a[:1], [[18, 0, 27, 9]]])
    ours = yolo.paired_giou(torch.tensor(a), torch.tensor(b))
    np.testing.assert_allclose(ours, np.diag(generalized_box_iou(a, b)), atol=1e-12)
    theirs = 1 - torchvision.ops.generalized_box_iou_loss(torch.tensor(a), torch.tensor(b))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert ours[-2] == 1 and ours[-1] == pytest.approx(-1 / 3)


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_restated_cell_by_cell(seed):
    outputs, targets = random_problem(seed)
    wanted = {"confidence": 0.0, "box": 0.0, "class": 0.0}
    rows = (by_cell.movedim(1, -1).flatten(0, 2) for by_cell in (outputs, targets))
    for said, true in zip(*rows, strict=True):
        wanted["confidence"] += functional.binary_cross_entropy(said[4].sigmoid(), true[4])
        if true[4]:
            wanted["class"] -= said[5:].log_softmax(0)[int(true[5])]
    for i, row, column in targets[:, 4].nonzero().tolist():
        corner = torch.tensor([column, row], dtype=torch.float64)
        pair = []
        for four in (outputs[i, :4, row, column].sigmoid(), targets[i, :4, row, column]):
            centre = (corner + four[:2]) * 16
            pair.append(torch.cat([centre - 32 * four[2:], centre + 32 * four[2:]]))
        wanted["box"] += 2 * torchvision.ops.generalized_box_iou_loss(*pair)
    total, parts = yolo.yolo_loss(outputs, targets)
    for name, value in wanted.items():
        assert float(parts[name]) == pytest.approx(float(value) / 3, rel=1e-6), name
    assert float(total) == pytest.approx(float(sum(wanted.values())) / 3, rel=1e-6)


def test_the_loss_by_hand():
    # one cell, one picture: the box is right, confidence ½, class ¼ of the truth
    targets = yolo.encode_targets([[[16, 24, 48, 40]]], [[1]], 64, 1)
    outputs = torch.tensor([0.0, 0, 0, logit(0.25), 0, 0, 0, 0, 0]).reshape(1, 9, 1, 1)
    total, parts = yolo.yolo_loss(outputs, targets)
    assert float(parts["box"]) == pytest.approx(0, abs=1e-6)
    assert float(parts["confidence"]) == pytest.approx(math.log(2))
    assert float(parts["class"]) == pytest.approx(math.log(4))
    assert float(total) == pytest.approx(math.log(8))
    outputs[0, 3] = 0  # twice as high: IoU ½, and the box around both is the larger one
    assert float(yolo.yolo_loss(outputs, targets)[1]["box"]) == pytest.approx(1)


def test_who_says_the_truth_loses_nothing():
    scenes = digit_scenes(10)
    targets = yolo.encode_targets([s.boxes for s in scenes], [s.labels for s in scenes])
    total, _ = yolo.yolo_loss(as_outputs(targets), targets.double())
    assert 0 <= float(total) < 1e-5


def test_gradients_are_the_numeric_slopes():
    outputs, targets = random_problem(7, pictures=2, cells=2, classes=3)
    outputs.requires_grad_()
    for part in ("confidence", "box", "class"):
        assert torch.autograd.gradcheck(lambda x, p=part: yolo.yolo_loss(x, targets)[1][p], outputs)
    assert torch.autograd.gradcheck(lambda x: yolo.yolo_loss(x, targets)[0], outputs)


def test_only_the_answering_cell_learns_box_and_class():
    outputs, targets = random_problem(3)
    outputs.requires_grad_()
    yolo.yolo_loss(outputs, targets)[0].backward()
    silent = targets[:, 4] == 0
    slopes = outputs.grad.movedim(1, -1)
    assert (slopes[silent][:, [0, 1, 2, 3, 5, 6]] == 0).all()
    assert (slopes[..., 4] != 0).all() and (slopes[~silent][:, 5:] != 0).all()


def test_pictures_without_objects_teach_confidence_alone():
    outputs = torch.randn(2, 9, 3, 3, requires_grad=True)
    total, parts = yolo.yolo_loss(outputs, torch.zeros(2, 6, 3, 3))
    total.backward()
    assert parts["box"] == parts["class"] == 0 and total == parts["confidence"]
    assert outputs.grad.isfinite().all()


# the network


def test_the_network_halves_the_picture_three_times():
    model = yolo.yolo_network()
    assert count_parameters(model) == 66_351
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 15, 8, 8)
    assert model(torch.zeros(1, 3, 96, 96)).shape == (1, 15, 12, 12)
    small = yolo.yolo_network(width=1, classes=6)
    assert small(torch.zeros(2, 3, 64, 64)).shape == (2, 11, 8, 8)


def test_a_cell_sees_a_whole_digit_around_it():
    torch.manual_seed(0)
    model = yolo.yolo_network().eval()
    x = torch.rand(1, 3, 96, 96, requires_grad=True)
    model(x)[0, :, 6, 6].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [47, 47]


def test_ten_scenes_are_learnt_by_heart():
    scenes = digit_scenes(10, seed=3)
    images = torch.tensor(np.stack([s.image for s in scenes])).permute(0, 3, 1, 2) / 255
    truth = [{"boxes": s.boxes, "labels": s.labels} for s in scenes]
    targets = yolo.encode_targets([s.boxes for s in scenes], [s.labels for s in scenes])
    torch.manual_seed(0)
    model = yolo.yolo_network()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(80):
        loss, _ = yolo.yolo_loss(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert mean_average_precision(yolo.detect(model, images), truth) > 0.95


# detections


def test_detect_finds_what_the_cells_say():
    scenes = digit_scenes(12, seed=2)
    truth = [{"boxes": s.boxes, "labels": s.labels} for s in scenes]
    targets = yolo.encode_targets([s.boxes for s in scenes], [s.labels for s in scenes])
    model = Says(as_outputs(targets).float())
    found = yolo.detect(model, torch.zeros(12, 3, 64, 64))
    assert mean_average_precision(found, truth, (0.5, 0.95)) == 1
    assert model.training and model.drop.training
    for picture in found:
        assert list(picture) == ["boxes", "scores", "labels"]
        assert [part.dtype for part in picture.values()] == [np.float32, np.float32, np.int64]
        assert (np.diff(picture["scores"]) <= 0).all()


def neighbours():
    """Cells (0, 0) and (0, 1) of 2 × 2 mean nearly the same box; confidence 0.8 and 0.6."""
    outputs = torch.full((1, 7, 2, 2), -30.0)
    outputs[0, :, 0, 0] = torch.tensor([logit(0.99), 0, 0, 0, logit(0.8), logit(0.75), 0])
    outputs[0, :, 0, 1] = torch.tensor([logit(0.01), 0, 0, 0, logit(0.6), logit(0.75), 0])
    return outputs


def test_the_better_of_two_cells_stays_for_each_class():
    found = yolo.detect(Says(neighbours()), torch.zeros(1, 3, 64, 64))[0]
    assert found["scores"] == pytest.approx([0.8 * 0.75, 0.8 * 0.25])
    assert found["labels"].tolist() == [0, 1]
    middle = 32 * 0.99
    assert found["boxes"][0] == pytest.approx([middle - 16, 0, middle + 16, 32], abs=1e-4)


def test_thresholds():
    model, image = Says(neighbours()), torch.zeros(1, 3, 64, 64)
    assert yolo.detect(model, image, nms_threshold=1)[0]["labels"].tolist() == [0, 0, 1, 1]
    assert yolo.detect(model, image, threshold=0.5)[0]["labels"].tolist() == [0]
    assert yolo.detect(model, image, 0.4, 1)[0]["scores"] == pytest.approx([0.6, 0.45])
    none = yolo.detect(model, image, threshold=0.9)[0]
    assert [part.shape for part in none.values()] == [(0, 4), (0,), (0,)]
    half = torch.zeros(1, 6, 1, 1)  # confidence exactly ½, one class: the threshold is enough
    assert len(yolo.detect(Says(half), torch.zeros(1, 3, 8, 8), 0.5)[0]["scores"]) == 1


def test_a_centre_that_rounds_onto_the_border_stays_in_the_last_cell():
    targets = yolo.encode_targets([[[np.nextafter(64, 0), 1, 64, 20]]], [[1]])
    assert targets[0, 4].nonzero().tolist() == [[1, 7]]


# bad input

BOX = [[[8.0, 8, 24, 24]]]
ONE = torch.zeros(1, 3, 64, 64)
BAD = {
    "encode, counts": (lambda: yolo.encode_targets(BOX, [[1], [2]]), "1 boxes and 2 labels"),
    "encode, a picture": (lambda: yolo.encode_targets(BOX, [[1, 2]]), "labels_list[0]"),
    "encode, floats": (lambda: yolo.encode_targets(BOX, [[1.5]]), "labels_list[0]", "float64"),
    "encode, outside": (lambda: yolo.encode_targets(BOX, [[1]], size=20), "[0][0]", "0 … 20"),
    "encode, left": (lambda: yolo.encode_targets([[[-1, 0, 5, 5]]], [[1]]), "0 … 64 pixels"),
    "encode, no area": (lambda: yolo.encode_targets([[[5, 0, 5, 5]]], [[1]]), "have an area"),
    "encode, sizes": (lambda: yolo.encode_targets([[[30, 30, 8, 8]]], [[1]]), "convert_boxes("),
    "encode, one": (lambda: yolo.encode_targets(BOX[0], [1]), "boxes_list[0]", "(4,)"),
    "encode, cells": (lambda: yolo.encode_targets(BOX, [[1]], cells=0), "cells", "got 0"),
    "network, width": (lambda: yolo.yolo_network(0), "width", "got 0"),
    "network, classes": (lambda: yolo.yolo_network(classes=0), "classes", "got 0"),
    "decode, array": (lambda: yolo.decode(np.zeros((1, 8, 2, 2))), "outputs", "from_numpy("),
    "decode, last": (lambda: yolo.decode(torch.zeros(1, 8, 8, 15)), "(N, 5 + K, S, S)", "8, 15)"),
    "decode, one": (lambda: yolo.decode(torch.zeros(15, 8, 8)), "(N, 5 + K, S, S)", "(15, 8, 8)"),
    "decode, size": (lambda: yolo.decode(torch.zeros(1, 15, 8, 8), 0), "size", "got 0"),
    "loss, grid": (lambda: yolo.yolo_loss(torch.zeros(2, 15, 8, 8), torch.zeros(2, 6, 7, 7)),
                   "targets", "(2, 6, 8, 8)", "(2, 6, 7, 7)"),
    "loss, swapped": (lambda: yolo.yolo_loss(torch.zeros(2, 6, 8, 8), torch.zeros(2, 15, 8, 8)),
                      "targets", "(2, 6, 8, 8)", "(2, 15, 8, 8)"),
    "loss, none": (lambda: yolo.yolo_loss(torch.zeros(0, 15, 8, 8), torch.zeros(0, 6, 8, 8)),
                   "outputs", "(0, 15"),
    "loss, class": (lambda: yolo.yolo_loss(torch.zeros(1, 8, 1, 1),
                                           yolo.encode_targets(BOX, [[3]], cells=1)),
                    "labels", "0 … 2", "found 3"),
    "detect, bytes": (lambda: yolo.detect(Says(None), ONE.byte()), "images", "use images.float()"),
    "detect, last": (lambda: yolo.detect(Says(None), ONE.movedim(1, -1)), "(N, 3, H, H)", "64, 3)"),
    "detect, one": (lambda: yolo.detect(Says(None), ONE[0]), "images", "(3, 64, 64)"),
    "detect, sides": (lambda: yolo.detect(Says(None), ONE[..., :60, :60]), "images", "got 60"),
    "detect, score": (lambda: yolo.detect(Says(None), ONE, 2), "threshold", "got 2"),
    "detect, nms": (lambda: yolo.detect(Says(neighbours()), ONE, 0.1, -1), "threshold", "got -1"),
    "detect, class": (lambda: yolo.detect(Says, ONE), "model", "torch.nn.Module", "type"),
    "detect, output": (lambda: yolo.detect(nn.Flatten(), ONE), "outputs", "(N, 5 + K, S, S)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
