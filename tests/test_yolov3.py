"""YOLOv3-tiny on photographs: shapes, boxes by hand, an independent suppression, what it finds."""

import math

import numpy as np
import pytest
import torch
from refusals import refused
from torch.nn import functional
from torchvision import ops

from course_utils.data import load_photo
from course_utils.detection import yolov3
from course_utils.detection.boxes import box_iou

NAMES = yolov3.coco_classes()
FIELD = load_photo("field_person_dog_horse")


@pytest.fixture(scope="module")
def network():
    return yolov3.yolov3_tiny()


def test_the_network_is_the_papers(network):
    assert sum(p.numel() for p in network.parameters()) == 8_852_366
    with torch.inference_mode():
        coarse, fine = network(torch.zeros(2, 3, 416, 416))
        small, _ = network(torch.zeros(1, 3, 64, 96))
    assert coarse.shape == (2, 255, 13, 13) and fine.shape == (2, 255, 26, 26)
    assert small.shape == (1, 255, 2, 3) and not network.training
    assert len(NAMES) == 80 and NAMES[:3] == ("person", "bicycle", "car")


def test_a_photo_in_a_square():
    image = np.full((100, 200, 3), 255, np.uint8)
    square, scale, (left, top) = yolov3.letterbox(image, 64)
    assert square.shape == (1, 3, 64, 64) and scale == 0.32 and (left, top) == (0, 16)
    assert torch.all(square[:, :, 16:48] > 0.9999)
    assert torch.all(square[:, :, :16] == 128 / 255) and torch.all(square[:, :, 48:] == 128 / 255)
    tall, scale, (left, top) = yolov3.letterbox(np.zeros((4000, 10, 3), np.uint8), 64)
    assert (tall == 0).any(dim=1).sum() == 64 and (left, top) == (31, 0)


def test_a_box_by_hand():
    raw = torch.full((1, 2 * 7, 2, 2), -20.0)  # two anchors, two classes, 2 × 2 cells
    cell = (0, slice(7, 14), 1, 0)  # the second anchor, below, left
    raw[cell] = torch.tensor([0, math.log(3), math.log(2), 0, 0, math.log(3), -20])
    boxes, scores = yolov3.decode(raw, ((10, 10), (20, 8)), size=40)
    assert boxes.shape == (1, 8, 4) and scores.shape == (1, 8, 2)
    best = scores[0, :, 0].argmax()
    assert best == 4 + 2 and scores[0, best].tolist() == pytest.approx([0.375, 0], abs=1e-6)
    # centre: x (0 + .5) · 20 = 10, y (1 + .75) · 20 = 35; sides 2 · 20 and 1 · 8
    assert boxes[0, best].tolist() == pytest.approx([-10, 31, 30, 39], abs=1e-4)


def test_suppression_and_places_are_torchvisions(network):
    """Box by box in a loop, and NMS by torchvision."""
    found = yolov3.detect(network, FIELD)
    square, scale, (left, top) = yolov3.letterbox(FIELD)
    with torch.inference_mode():
        outputs = network(square)
    boxes, scores = [], []
    for output, anchors in zip(outputs, (yolov3.COARSE, yolov3.FINE), strict=True):
        side = output.shape[-1]
        for a, (width, height) in enumerate(anchors):
            x, y, w, h, sure, *classes = output[0, 85 * a : 85 * (a + 1)]
            for i, j in np.ndindex(side, side):
                cx, cy = (j + x[i, j].sigmoid()) * 416 / side, (i + y[i, j].sigmoid()) * 416 / side
                dx, dy = w[i, j].exp() * width / 2, h[i, j].exp() * height / 2
                boxes.append(torch.stack([cx - dx, cy - dy, cx + dx, cy + dy]))
                scores.append(
                    sure[i, j].sigmoid() * torch.stack([c[i, j] for c in classes]).sigmoid()
                )
    boxes, scores = torch.stack(boxes), torch.stack(scores)
    box, label = torch.nonzero(scores > 0.25, as_tuple=True)
    kept = ops.batched_nms(boxes[box], scores[box, label], label, 0.45)
    assert found["labels"].tolist() == label[kept].tolist()
    np.testing.assert_allclose(found["scores"], scores[box, label][kept], rtol=1e-4)
    wanted = (boxes[box][kept] - torch.tensor([left, top, left, top])) / scale
    wanted = wanted.clamp(min=0).minimum(torch.tensor([640.0, 424, 640, 424]))
    np.testing.assert_allclose(found["boxes"], wanted, atol=0.01)


@pytest.mark.parametrize(("photo", "wanted"), [
    ("field_person_dog_horse", {"person": 1, "dog": 2, "horse": 1}),
    ("horses", {"horse": 1}),
    ("porch_dog_bicycle", {"car": 2}),
    ("room_wine", {"bottle": 1}),
])  # fmt: skip
def test_what_is_surely_there_is_found(network, photo, wanted):
    found = yolov3.detect(network, load_photo(photo), threshold=0.6)
    names = [NAMES[label] for label in found["labels"]]
    for name, count in wanted.items():
        assert names.count(name) >= count, (name, names)


def test_a_photo_of_any_size(network):
    small, large = FIELD[::3, ::3], np.kron(FIELD, np.ones((3, 3, 1), np.uint8))
    for image, times in ((small, 1 / 3), (large, 3), (FIELD[:, 200:330], 1)):
        found = yolov3.detect(network, image)
        height, width = image.shape[:2]
        assert found["boxes"].dtype == np.float32 and len(found["boxes"])
        assert (found["boxes"] >= 0).all() and (found["boxes"] <= [width, height] * 2).all()
        assert found["scores"].tolist() == sorted(found["scores"], reverse=True)
        if times == 3:
            whole = yolov3.detect(network, FIELD)
            assert box_iou(found["boxes"][:3] / 3, whole["boxes"][:3]).max(axis=1).min() > 0.9
    nothing = yolov3.detect(network, np.zeros((50, 60, 3), np.uint8))
    assert nothing["boxes"].shape == (0, 4) and nothing["labels"].shape == (0,)


def test_the_network_is_left_as_it_was(network):
    network.train()
    yolov3.detect(network, FIELD[::4, ::4])
    assert network.training
    network.eval()
    assert torch.equal(network.c[0][1].running_mean, yolov3.yolov3_tiny().c[0][1].running_mean)


def test_the_sixth_pooling_keeps_the_size():
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    padded = functional.pad(x, (0, 1, 0, 1), value=-torch.inf)
    assert functional.max_pool2d(padded, 2, 1)[0, 0].tolist() == [[4, 5, 5], [7, 8, 8], [7, 8, 8]]


WRONG = {
    "image, gray": (lambda: yolov3.detect(yolov3.YOLOv3Tiny(), FIELD[..., 0]), "image", "uint8"),
    "image, floats": (lambda: yolov3.letterbox(FIELD / 255), "image must be", "uint8"),
    "size": (lambda: yolov3.letterbox(FIELD, 0), "size", "from 1", "got 0"),
    "threshold": (lambda: yolov3.detect(yolov3.YOLOv3Tiny(), FIELD, 2), "threshold"),
    "network": (lambda: yolov3.detect("yolo", FIELD), "network must be a torch.nn.Module"),
    "raw output": (lambda: yolov3.decode(torch.zeros(255, 13, 13), yolov3.COARSE), "raw_output"),
    "channels": (lambda: yolov3.decode(torch.zeros(1, 20, 13, 13), yolov3.COARSE), "raw_output"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong_input(case):
    call, *parts = case
    refused(call, *parts)
