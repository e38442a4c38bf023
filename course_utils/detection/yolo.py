"""A small one-stage detector (L4.03–L4.06): targets, network, boxes out of cells, loss, detections.

A grid of S × S cells lies over the picture; the cell with an object's centre answers for it, with
one box. Outputs and targets are (N, channels, S, S), row and column last: channels 0 … 3 are the
box, x and y of its centre, 0 … 1 across the cell, and its width and height, 0 … 1 of the picture;
4 is the confidence; from 5 on the class. Source: Redmon et al., arXiv:1506.02640.
"""

import torch
from torch import nn
from torch.nn import functional

from course_utils.argument_checks.arrays import as_labels, whole_number
from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.regions import as_boxes_within, as_classes, as_fraction
from course_utils.argument_checks.tensors import require_floats, require_pixels
from course_utils.detection.boxes import batched_nms
from course_utils.errors import ArgumentError
from course_utils.models import conv_norm
from course_utils.training import mode


def encode_targets(boxes_list, labels_list, size=64, cells=8):
    """The target of each cell: (N, 6, cells, cells) float32, 0 where no object has its centre.

    boxes_list: of each picture (M, 4) x1, y1, x2, y2 in pixels, M from 0. labels_list: of each
    picture (M,) whole numbers; channel 5 holds the number itself. size: pixels a side.
    Of two objects with their centres in one cell the later is kept (L4.04). Raises ArgumentError.
    """
    size = whole_number("size", size, 1)
    cells = whole_number("cells", cells, 1)
    if len(boxes_list) != len(labels_list):
        raise ArgumentError(f"there are {len(boxes_list)} boxes and {len(labels_list)} labels")
    targets = torch.zeros(len(boxes_list), 6, cells, cells)
    for i in range(len(boxes_list)):
        boxes = as_boxes_within(f"boxes_list[{i}]", boxes_list[i], size)
        labels = as_classes(f"labels_list[{i}]", labels_list[i], len(boxes))
        for (x1, y1, x2, y2), label in zip(boxes.tolist(), labels.tolist(), strict=True):
            x = (x1 + x2) / 2 * cells / size  # in cells
            y = (y1 + y2) / 2 * cells / size
            target = [x - int(x), y - int(y), (x2 - x1) / size, (y2 - y1) / size, 1, label]
            targets[i, :, min(int(y), cells - 1), min(int(x), cells - 1)] = torch.tensor(target)
    return targets


def yolo_network(width=8, classes=10):
    """Six 3 × 3 convolutions and one of 1 × 1 (L4.03): (N, 3, H, W) → (N, 5 + classes, H/8, W/8).

    Out come numbers without limits, `decode` makes boxes of them. width: the layers have 2, 3, 3,
    3, 8 and 8 times as many channels; 8: 66,351 parameters for 10 classes. Takes RGB, 0 … 1.
    """
    width = whole_number("width", width, 1)
    classes = whole_number("classes", classes, 1)
    layers = []
    ins = 3
    for times, stride in ((2, 2), (3, 2), (3, 1), (3, 1), (8, 2), (8, 1)):
        layers += [conv_norm(ins, times * width, 3, stride), nn.SiLU()]
        ins = times * width
    return nn.Sequential(*layers, nn.Conv2d(ins, 5 + classes, 1))


def pixel_boxes(offsets, size=64):
    """Boxes, xyxy in pixels, of each cell's x, y, width, height: (N, 4, S, S) → (N, S, S, 4).

    offsets: 0 … 1, x and y across the cell, width and height of the picture.
    """
    require_floats("offsets", offsets)
    x, y, width, height = offsets.unbind(1)
    cells = offsets.shape[-1]
    number = torch.arange(cells, device=offsets.device)
    x = (x + number) / cells
    y = (y + number[:, None]) / cells
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return size * torch.stack(corners, dim=-1)


def decode(outputs, size=64):
    """The network's output as boxes, confidences and probabilities of the classes (L4.04).

    outputs: (N, 5 + K, S, S). size: pixels a side. Returns boxes (N, S, S, 4), xyxy in pixels;
    confidence (N, S, S), 0 … 1; classes (N, S, S, K), sum 1. Raises ArgumentError.
    """
    require_floats("outputs", outputs, "N", "5 + K", "S", "S")
    boxes = pixel_boxes(outputs[:, :4].sigmoid(), whole_number("size", size, 1))
    return boxes, outputs[:, 4].sigmoid(), outputs[:, 5:].softmax(1).movedim(1, -1)


def paired_giou(a, b):
    """`boxes.generalized_box_iou` row by row, with gradients: (M, 4), (M, 4) → (M,), −1 … 1."""
    require_floats("a", a)
    require_floats("b", b)
    inside = torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])
    around = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    shared = inside.clamp(min=0).prod(dim=1)
    around = around.prod(dim=1)
    union = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - shared
    return shared / union - (around - union) / around


def yolo_loss(outputs, targets):
    """The loss (L4.05): its total, a scalar, and its parts, a dict of scalars that sum to it.

    outputs: (N, 5 + K, S, S) of the network. targets: (N, 6, S, S) as `encode_targets` makes them.
    Parts, summed and divided by N: "confidence", binary cross-entropy of all cells; for the cells
    that answer "box", 2 · (1 − GIoU), and "class", cross-entropy. Raises ArgumentError.
    """
    require_floats("outputs", outputs, "N", "5 + K", "S", "S")
    require_floats("targets", targets, len(outputs), 6, *outputs.shape[2:])
    targets = targets.to(outputs.device)
    answers = targets[:, 4] == 1  # (N, S, S)
    boxes = pixel_boxes(outputs[:, :4].sigmoid())[answers]
    truth = pixel_boxes(targets[:, :4])[answers]
    logits = outputs[:, 5:].movedim(1, -1)[answers]
    labels = targets[:, 5][answers].long()
    as_labels(labels, len(labels), logits.shape[1])
    confidence = functional.binary_cross_entropy_with_logits
    parts = {
        "confidence": confidence(outputs[:, 4], targets[:, 4], reduction="sum"),
        "box": 2 * (1 - paired_giou(boxes, truth)).sum(),
        "class": functional.cross_entropy(logits, labels, reduction="sum"),
    }
    parts = {name: part / len(outputs) for name, part in parts.items()}
    return sum(parts.values()), parts


def detect(model, images, threshold=0.001, nms_threshold=0.5):
    """What the model finds in each picture: a list of dicts of "boxes", "scores", "labels" (L4.06).

    images: (N, 3, H, H) float32, 0 … 1. Every cell offers its box once a class, with the score
    confidence · probability; those of at least `threshold`, 0 … 1, go through `batched_nms`.
    Arrays, best first, as `metrics` takes them. Raises ArgumentError.
    """
    threshold = float(as_fraction("threshold", threshold))
    require_module("model", model)
    require_pixels("images", images, model, "N", 3, "H", "H")
    if images.shape[-1] % 8:
        raise ArgumentError(f"images must have sides of 8, 16, … pixels, got {images.shape[-1]}")
    with mode(model, training=False), torch.inference_mode():
        boxes, confidence, classes = decode(model(images), images.shape[-1])
    boxes = boxes.flatten(1, 2).cpu()
    scores = (confidence[..., None] * classes).flatten(1, 2).cpu()
    found = []
    for i in range(len(images)):
        cell, label = torch.nonzero(scores[i] >= threshold, as_tuple=True)
        offered = {"boxes": boxes[i, cell], "scores": scores[i, cell, label], "labels": label}
        kept = batched_nms(*offered.values(), nms_threshold)
        found.append({name: part[kept].numpy() for name, part in offered.items()})
    return found
