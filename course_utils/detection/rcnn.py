"""R-CNN (L4.07–L4.11): proposals, warped crops, a CNN, linear SVMs, box regression.

Each proposal is warped to a square and goes through the CNN alone. What its convolutions say
("pool") goes to a ridge regression for each class, what its last hidden layer says ("features") to
a linear SVM for each class. The IoU thresholds are those of Girshick et al., arXiv:1311.2524.
Three trainings, one after the other: nothing that comes later changes the CNN.
"""

import time
import warnings
from typing import NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional

from course_utils.arguments.arrays import as_array, whole_number
from course_utils.arguments.pictures import as_rgb
from course_utils.arguments.regions import as_boxes, as_classes, as_fraction, refuse_rows
from course_utils.arguments.tensors import look_at_pixels, require_floats, require_model_input
from course_utils.detection.boxes import batched_nms, box_iou, decode_boxes, encode_boxes
from course_utils.detection.proposals import selective_search
from course_utils.errors import ArgumentError
from course_utils.models import conv_norm
from course_utils.training import fit, mode

CROP, CONTEXT = 24, 2  # a warped proposal's side, and the pixels of it that lie around the proposal
OBJECT = 0.5  # the CNN's training: from this IoU on a proposal shows the object, else background
BACKGROUND = 0.3  # the SVMs: below this IoU it is background; objects are the true boxes alone
NEAR = 0.6  # the regression learns from proposals of a larger IoU
MARGIN = -1.0  # a background that an SVM gives more is a hard one
STAGES = ("proposals", "warp", "CNN", "SVM", "regression", "NMS")


class Crops(NamedTuple):
    """The proposals of all training pictures in one row, R of them, the true boxes among them.

    crops: (R, 3, 24, 24) float32, 0 … 1. boxes: (R, 4). truth: (R, 4), of each the true box that
    it covers best. labels: (R,) int64, the class of that one. ious: (R,), with it.
    """

    crops: torch.Tensor
    boxes: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    ious: np.ndarray


class RCNN(NamedTuple):
    """The trained parts: `crop_network`; LinearSVC; a list of Ridge, one for each class.

    scales: of pool and features, so that they are about 1 long.
    """

    network: nn.Sequential
    scales: tuple
    svm: LinearSVC
    regressors: list


def warp_crops(image, boxes, size=CROP, context=CONTEXT):
    """Each box of the image as a square, whatever its shape: (R, 3, size, size) float32, 0 … 1.

    image: (H, W, 3) uint8. boxes: (R, 4) xyxy in pixels, with an area. context: so many pixels at
    each side of the square show what lies around the box; beyond the image its border is repeated.
    Between pixels the values are bilinear. Raises ArgumentError.
    """
    image = np.ascontiguousarray(as_rgb("image", image))
    boxes = as_boxes("boxes", boxes)
    refuse_rows((boxes[:, :2] == boxes[:, 2:]).any(axis=1), "boxes", boxes, "must have an area")
    size, context = whole_number("size", size, 1), whole_number("context", context, 0)
    if 2 * context >= size:
        raise ArgumentError(f"context must be less than half of size, got {context} of {size}")
    pixels = torch.tensor(image).permute(2, 0, 1).float() / 255
    boxes = torch.tensor(boxes, dtype=torch.float32)
    steps = (torch.arange(size) + 0.5 - context) / (size - 2 * context)  # 0 … 1 across the box
    x = boxes[:, 0:1] + (boxes[:, 2:3] - boxes[:, 0:1]) * steps  # (R, size), in pixels
    y = boxes[:, 1:2] + (boxes[:, 3:4] - boxes[:, 1:2]) * steps
    x, y = 2 * x / image.shape[1] - 1, 2 * y / image.shape[0] - 1  # −1 … 1, as grid_sample has it
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=-1)
    many = pixels.expand(len(boxes), -1, -1, -1)
    return functional.grid_sample(many, grid, padding_mode="border", align_corners=False)


def crop_network(width=12, classes=10, features=128):
    """The CNN that sees one crop (L4.09): (R, 3, 24, 24) → logits (R, classes + 1).

    The background comes last. `network[:-3]` returns pool (R, 36 width), `network[:-1]` features
    (R, features). 12: 70,295 parameters.
    """
    width, classes = whole_number("width", width, 1), whole_number("classes", classes, 1)
    features = whole_number("features", features, 1)
    return nn.Sequential(
        conv_norm(3, width, 3, 2), nn.ReLU(), conv_norm(width, 2 * width, 3, 2), nn.ReLU(),
        conv_norm(2 * width, 4 * width, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(36 * width, features), nn.ReLU(), nn.Linear(features, classes + 1),
    )  # fmt: skip


def training_crops(images, boxes_list, labels_list, proposals_list, copies=4, seed=0):
    """Proposals of many pictures with what each shows, as `Crops`.

    images: list of (H, W, 3) uint8. boxes_list, labels_list: of each the true boxes (M, 4), M from
    1, and classes (M,). proposals_list: of each (P, 4). copies: so many moved and stretched copies
    of every true box come along, since there are few. Raises ArgumentError.
    """
    counts = [len(part) for part in (images, boxes_list, labels_list, proposals_list)]
    if len(set(counts)) > 1 or not counts[0]:
        raise ArgumentError(
            "there are {} images, {} boxes, {} labels and {} proposals".format(*counts)
        )
    copies, seed = whole_number("copies", copies, 0), whole_number("seed", seed, 0)
    rng, parts = np.random.default_rng(seed), []
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

    network: trained in place. data: `Crops`. Those of an IoU from 0.5 show their object, as in the
    paper. Returns the history of `fit`.
    """
    rng, background = np.random.default_rng(seed), network[-1].out_features - 1
    goals = np.where(data.ious >= OBJECT, data.labels, background)
    objects, others = np.flatnonzero(goals < background), np.flatnonzero(goals == background)
    used = np.concatenate([objects, rng.permutation(others)[: len(objects)]])
    return fit(network, data.crops[used], goals[used], epochs, batch_size=128, augment=recolour,
               seed=seed, bfloat16=False)  # fmt: skip


def extract_features(network, crops, scales=(1, 1)):
    """What the CNN says of crops (R, 3, 24, 24): pool (R, 36 width) and features, float32 arrays.

    scales: they are multiplied by these.
    """
    require_model_input("crops", crops, network, pixels=True)
    look_at_pixels("crops", crops, 2)
    device = next(network.parameters()).device
    with mode(network, training=False), torch.inference_mode():
        parts = [network[:-3](part.to(device)) for part in crops.split(2000)]
        pool = torch.cat(parts)
        features = network[-3:-1](pool)
    return scales[0] * pool.cpu().numpy(), scales[1] * features.cpu().numpy()


def train_svms(features, data, background, strength=0.3, seed=0):
    """Second training: a linear SVM for each class against all else, with hard negatives.

    features: (R, D) of `data`, a `Crops`. background: its label, the number of classes. The true
    boxes are the objects; proposals of an IoU below 0.3 are background: first a few, then also
    those that came out above −1. strength: the larger, the less the margin counts. Returns a
    LinearSVC, which tells a score for each class and last for the background. Raises ArgumentError.
    """
    rng, features = np.random.default_rng(seed), as_array("features", features)
    goals = np.where(data.ious == 1, data.labels, background)
    objects, others = np.flatnonzero(data.ious == 1), np.flatnonzero(data.ious < BACKGROUND)
    if not len(others):
        raise ArgumentError(f"no proposal has an IoU below {BACKGROUND}; give more proposals")
    used = np.concatenate([objects, rng.permutation(others)[: 2 * len(objects)]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        svm = LinearSVC(C=strength, random_state=seed).fit(features[used], goals[used])
        hard = others[class_scores(svm, features[others]).max(axis=1) > MARGIN]
        used = np.union1d(used, hard)
        return LinearSVC(C=strength, random_state=seed).fit(features[used], goals[used])


def class_scores(svm, features):
    """The score of each class but the background: (R, D) -> (R, classes), R from 0."""
    if not len(features):
        return np.zeros((0, len(svm.classes_) - 1))
    scores = svm.decision_function(
        as_array("features", features)
    )  # (R,) for one class, positive for the background
    return -scores[:, None] if scores.ndim == 1 else scores[:, :-1]


def train_regressors(pool, data, classes, strength=1.0):
    """Third training: for each class a ridge regression, pool → tx, ty, tw, th.

    pool: (R, D) of `data`, a `Crops`, of which those of an IoU over 0.6 teach. strength: what
    keeps the weights small. Returns a list of Ridge. Raises ArgumentError.
    """
    near = (data.ious > NEAR) & (data.ious < 1)
    deltas = encode_boxes(data.boxes[near], data.truth[near])
    x, labels = as_array("pool", pool)[near], data.labels[near]
    missing = sorted(set(range(classes)) - set(labels.tolist()))
    if missing:
        told = f"no proposal of class {missing[0]} has an IoU over {NEAR}"
        raise ArgumentError(f"{told}; raise copies")
    return [Ridge(strength).fit(x[labels == k], deltas[labels == k]) for k in range(classes)]


def train_rcnn(images, boxes_list, labels_list, proposals_list, epochs=3, copies=4, seed=0):
    """The three trainings one after the other (L4.11): an `RCNN`, and the seconds of each, a dict.

    images, boxes_list, labels_list, proposals_list, copies: as in `training_crops`; every class
    from 0 to the largest must occur. Call torch.manual_seed before: the CNN's first weights are
    drawn here. Raises ArgumentError.
    """
    clock = [time.process_time()]
    data = training_crops(images, boxes_list, labels_list, proposals_list, copies, seed)
    classes = int(data.labels.max()) + 1
    missing = np.setdiff1d(np.arange(classes), data.labels[data.ious == 1])
    if len(missing):
        raise ArgumentError(f"labels_list must hold every class, {missing[0]} is missing")
    clock.append(time.process_time())
    network = crop_network(classes=classes)
    train_network(network, data, epochs, seed)
    clock.append(time.process_time())
    both = extract_features(network, data.crops)
    scales = tuple(float(1 / np.linalg.norm(part, axis=1).mean()) for part in both)
    svm = train_svms(scales[1] * both[1], data, classes, seed=seed)
    clock.append(time.process_time())
    regressors = train_regressors(scales[0] * both[0], data, classes)
    clock.append(time.process_time())
    names = ("crops", "CNN", "SVM", "regression")
    return RCNN(network, scales, svm, regressors), _seconds(names, clock)


def detect(model, images, threshold=MARGIN, nms_threshold=0.3, proposals=None, regress=True):
    """What R-CNN finds in each picture, as `yolo.detect` tells it, and the seconds of each stage.

    model: an `RCNN`. images: list of (H, W, 3) uint8. threshold: least score of an SVM, any number;
    its border is 0. nms_threshold: 0 … 1. proposals: of each picture (P, 4); None: searches them.
    regress: move the boxes at the end. Returns a list of dicts of "boxes", "scores", "labels", best
    first, and a dict of STAGES → seconds over all pictures. Raises ArgumentError.
    """
    if not isinstance(model, RCNN):
        raise ArgumentError(f"model must be an RCNN, got {type(model).__name__}; use train_rcnn")
    if proposals is not None and len(proposals) != len(images):
        raise ArgumentError(f"there are {len(images)} images and {len(proposals)} proposals")
    as_fraction("nms_threshold", nms_threshold)
    found, seconds = [], np.zeros(len(STAGES))
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


def _seconds(names, clock):
    return dict(zip(names, np.diff(clock).tolist(), strict=True))


def _regressed(model, pool, boxes, labels, shape):
    """Each box moved by the regression of its class, cut off at the picture's border."""
    deltas = np.zeros_like(boxes)
    for label in np.unique(labels):
        mine = labels == label
        deltas[mine] = model.regressors[label].predict(pool[mine])
    moved = decode_boxes(boxes, deltas.clip(-1, 1))
    return moved.clip(0, [shape[1], shape[0], shape[1], shape[0]]).astype(np.float32)
