"""R-CNN (L4.07–L4.11): proposals, warped crops, a CNN, linear SVMs, box regression.

Each proposal is warped to a square and goes through the CNN alone. The output of its convolutions
("pool") goes to a ridge regression for each class, that of its last hidden layer ("features") to a
linear SVM for each class. The IoU thresholds are those of Girshick et al., arXiv:1311.2524.
Three trainings, one after the other: nothing that comes later changes the CNN.
"""

import time
from typing import NamedTuple

import numpy as np
import torch
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional

from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.pictures import as_rgb
from course_utils.argument_checks.regions import as_boxes, as_classes, as_fraction, require_area
from course_utils.argument_checks.tensors import require_floats, require_pixels
from course_utils.detection.boxes import batched_nms, box_iou, decode_boxes
from course_utils.detection.proposals import selective_search
from course_utils.errors import ArgumentError
from course_utils.models import conv_norm
from course_utils.training import fit, mode

CROP_SIZE = 24  # pixels a side of a warped proposal
CONTEXT = 2  # those of them, at each side, that lie around the proposal
POSITIVE_IOU = 0.5  # the CNN's training: from this IoU on a proposal shows the object
SCORE_THRESHOLD = -1.0  # of an SVM, whose decision boundary is 0
STAGES = ("proposals", "warp", "CNN", "SVM", "regression", "NMS")


class Crops(NamedTuple):
    """The proposals of all training pictures in one row, R of them, the true boxes among them.

    crops: (R, 3, 24, 24) float32, 0 … 1. boxes: (R, 4). truth: (R, 4), the true box of the highest
    IoU for each. labels: (R,) int64, the class of that one. ious: (R,), the IoU with it.
    """

    crops: torch.Tensor
    boxes: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    ious: np.ndarray


class RCNN(NamedTuple):
    """The trained parts: `crop_network`; LinearSVC; a list of Ridge, one for each class.

    scales: factors of pool and features, by which their mean length becomes 1.
    """

    network: nn.Sequential
    scales: tuple
    svm: LinearSVC
    regressors: list


def warp_crops(image, boxes):
    """Each box of the image as a square, whatever its shape: (R, 3, 24, 24) float32, 0 … 1.

    image: (H, W, 3) uint8. boxes: (R, 4) xyxy in pixels, with an area. 2 of the 24 pixels at each
    side show the context, what lies around the box; beyond the image its border is repeated.
    Between pixels the values are bilinear. Raises ArgumentError.
    """
    image = np.ascontiguousarray(as_rgb("image", image))
    boxes = as_boxes("boxes", boxes)
    require_area("boxes", boxes)
    pixels = torch.tensor(image).permute(2, 0, 1).float() / 255
    boxes = torch.tensor(boxes, dtype=torch.float32)
    steps = (torch.arange(CROP_SIZE) + 0.5 - CONTEXT) / (CROP_SIZE - 2 * CONTEXT)  # box: 0 … 1
    x = boxes[:, 0:1] + (boxes[:, 2:3] - boxes[:, 0:1]) * steps  # (R, 24), in pixels
    y = boxes[:, 1:2] + (boxes[:, 3:4] - boxes[:, 1:2]) * steps
    x = 2 * x / image.shape[1] - 1  # −1 … 1, as grid_sample has it
    y = 2 * y / image.shape[0] - 1
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=-1)
    many = pixels.expand(len(boxes), -1, -1, -1)
    return functional.grid_sample(many, grid, padding_mode="border", align_corners=False)


def crop_network(classes=10):
    """The CNN that sees one crop (L4.09): (R, 3, 24, 24) → logits (R, classes + 1).

    The background comes last. `network[:-3]` returns pool (R, 432), `network[:-1]` features
    (R, 128). 10 classes: 70,295 parameters.
    """
    classes = whole_number("classes", classes, 1)
    return nn.Sequential(
        conv_norm(3, 12, 3, 2),
        nn.ReLU(),
        conv_norm(12, 24, 3, 2),
        nn.ReLU(),
        conv_norm(24, 48, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(432, 128),
        nn.ReLU(),
        nn.Linear(128, classes + 1),
    )


def training_crops(images, boxes_list, labels_list, proposals_list, copies=4, seed=0):
    """Proposals of many pictures with the true box of each, as `Crops`.

    images: list of (H, W, 3) uint8. boxes_list, labels_list: of each the true boxes (M, 4), M from
    1, and classes (M,). proposals_list: of each (P, 4). copies: how many moved and stretched copies
    of every true box are added, since there are few. Raises ArgumentError.
    """
    counts = [len(part) for part in (images, boxes_list, labels_list, proposals_list)]
    if len(set(counts)) > 1 or not counts[0]:
        raise ArgumentError(
            "there are {} images, {} boxes, {} labels and {} proposals".format(*counts)
        )
    copies = whole_number("copies", copies, 0)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    parts = []
    for i, image in enumerate(images):
        truth = as_boxes(f"boxes_list[{i}]", boxes_list[i]).astype(np.float32)
        labels = as_classes(f"labels_list[{i}]", labels_list[i], len(truth))
        if not len(truth):
            raise ArgumentError(f"boxes_list[{i}] must hold a box; leave that picture out")
        moves = rng.normal(0, (0.1, 0.1, 0.15, 0.15), (copies * len(truth), 4))
        moved = decode_boxes(np.repeat(truth, copies, axis=0), moves)
        boxes = np.vstack([truth, moved, as_boxes(f"proposals_list[{i}]", proposals_list[i])])
        boxes = boxes.astype(np.float32)
        ious = box_iou(boxes, truth)
        best = ious.argmax(axis=1)
        parts.append((warp_crops(image, boxes), boxes, truth[best], labels[best], ious.max(axis=1)))
    crops, *arrays = zip(*parts, strict=True)
    return Crops(torch.cat(crops), *(np.concatenate(array) for array in arrays))


def recolour(crops, generator):
    """Shuffle the three channels of each crop and change its light, × 0.7 … 1.2; for `fit`."""
    require_floats("crops", crops, pixels=True)
    order = torch.rand(len(crops), 3, generator=generator, device=crops.device).argsort(dim=1)
    light = torch.rand(len(crops), 1, 1, 1, generator=generator, device=crops.device)
    return (0.7 + 0.5 * light) * crops[torch.arange(len(crops))[:, None], order]


def train_network(network, data, epochs=3, seed=0):
    """First training: the CNN as a classifier of crops, as many of background as of objects.

    network: trained in place. data: `Crops`. Those of an IoU from 0.5 on show their object, as in
    the paper. Returns the history of `fit`.
    """
    rng = np.random.default_rng(seed)
    background = network[-1].out_features - 1
    labels = np.where(data.ious >= POSITIVE_IOU, data.labels, background)
    positives = np.flatnonzero(labels < background)
    negatives = rng.permutation(np.flatnonzero(labels == background))[: len(positives)]
    used = np.concatenate([positives, negatives])
    return fit(network, data.crops[used], labels[used], epochs, batch_size=128, augment=recolour,
               seed=seed, bfloat16=False)  # fmt: skip


def extract_features(network, crops, scales=(1, 1)):
    """The CNN's pool (R, 432) and features (R, 128) of crops (R, 3, 24, 24), float32 arrays.

    scales: the factors by which they are multiplied.
    """
    require_pixels("crops", crops, network)
    device = next(network.parameters()).device
    with mode(network, training=False), torch.inference_mode():
        pool = torch.cat([network[:-3](part.to(device)) for part in crops.split(2000)])
        features = network[-3:-1](pool)
    return scales[0] * pool.cpu().numpy(), scales[1] * features.cpu().numpy()


def class_scores(svm, features):
    """The score of each class but the background: (R, D) -> (R, classes), R from 0."""
    if not len(features):
        return np.zeros((0, len(svm.classes_) - 1))
    scores = svm.decision_function(as_array("features", features))
    if scores.ndim == 1:  # (R,) for one class: positive for the background
        return -scores[:, None]
    return scores[:, :-1]


def detect(model, images, threshold=SCORE_THRESHOLD, nms_threshold=0.3, proposals=None,
           regress=True):  # fmt: skip
    """What R-CNN finds in each picture, as `yolo.detect` returns it, and the seconds of each stage.

    model: an `RCNN`. images: list of (H, W, 3) uint8. threshold: least score of an SVM, any number;
    its decision boundary is 0. nms_threshold: 0 … 1. proposals: of each picture (P, 4); None:
    searches them. regress: move the boxes at the end. Returns a list of dicts of "boxes",
    "scores", "labels", best first, and a dict of STAGES → seconds over all pictures. Raises
    ArgumentError.
    """
    require_module("model", model, RCNN)
    if proposals is not None and len(proposals) != len(images):
        raise ArgumentError(f"there are {len(images)} images and {len(proposals)} proposals")
    as_fraction("nms_threshold", nms_threshold)
    found = []
    seconds = np.zeros(len(STAGES))
    for i, image in enumerate(images):
        clock = [time.perf_counter()]
        boxes = selective_search(image) if proposals is None else as_boxes("boxes", proposals[i])
        clock.append(time.perf_counter())
        crops = warp_crops(image, boxes)
        clock.append(time.perf_counter())
        pool, features = extract_features(model.network, crops, model.scales)
        clock.append(time.perf_counter())
        scores = class_scores(model.svm, features)
        row, label = np.nonzero(scores >= threshold)
        scores = scores[row, label].astype(np.float32)
        clock.append(time.perf_counter())
        boxes = boxes[row].astype(np.float32)
        if regress:
            boxes = _regressed(model, pool[row], boxes, label, image.shape)
        clock.append(time.perf_counter())
        kept = batched_nms(boxes, scores, label, nms_threshold)
        found.append({"boxes": boxes[kept], "scores": scores[kept], "labels": label[kept]})
        seconds += np.diff([*clock, time.perf_counter()])
    return found, dict(zip(STAGES, seconds.tolist(), strict=True))


def _regressed(model, pool, boxes, labels, shape):
    """Each box moved by the regression of its class, cut off at the picture's border."""
    deltas = np.zeros_like(boxes)
    for label in np.unique(labels):
        same = labels == label
        deltas[same] = model.regressors[label].predict(pool[same])
    moved = decode_boxes(boxes, deltas.clip(-1, 1))
    return moved.clip(0, [shape[1], shape[0], shape[1], shape[0]]).astype(np.float32)
