"""Fast and Faster R-CNN (L4.11): one shared map, one loss; the answer to R-CNN's limits.

The convolutions see a picture once; every proposal is cut out of their map by RoIAlign. Proposals
come from selective search (Fast R-CNN, arXiv:1504.08083) or from the map itself, by a region
proposal network, the RPN (Faster R-CNN, arXiv:1506.01497). All parts learn together.
A region of interest (RoI) is (number of its picture in the batch, x1, y1, x2, y2), in pixels.
"""

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import batched_nms, box_iou, roi_align

from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.regions import as_boxes_within, as_classes, as_fraction
from course_utils.argument_checks.tensors import look_at_pixels, require_floats, require_model_input
from course_utils.errors import ArgumentError
from course_utils.models import conv_norm
from course_utils.training import mode

WIDTH = 8  # the maps of the three stages have 2, 3 and 8 times as many channels
CLASSES = 10  # of objects; the background comes after them
BINS = 5  # a side, of RoIAlign
FEATURES = 128  # between the head's layers
STRIDE = 8  # pixels from one place of the RPN's map to the next
ANCHORS = ((14, 20), (20, 20), (20, 28))  # width and height, in pixels
SCALES = (10.0, 10.0, 5.0, 5.0)  # deltas are learnt so many times larger, to be about 1
MAX_LOG_GROWTH = 4.0  # a box grows at most to exp(4) of its size
PRE_NMS_TOP_N = 64  # anchors of a picture that go into the RPN's non-maximum suppression
RPN_NMS_THRESHOLD = 0.7  # its IoU
POST_NMS_TOP_N_TRAIN = 16  # proposals that the head learns from, besides the true boxes
WEIGHTS = {"objectness": 0.2, "anchor": 0.1, "class": 1.0, "box": 0.5}


class TwoStage(nn.Module):
    """The whole detector: three stages make maps, `rpn` proposes, `head` judges each RoI (L4.11).

    The maps of the stages, of 16, 24 and 64 channels, are a half, a quarter and an eighth as large
    as the picture. rpn: the last stage's map → (N, 5 A, H/8, W/8), for each of A anchors its
    objectness and four deltas. Pictures are RGB, 0 … 1. 173,950 parameters.
    """

    def __init__(self):
        super().__init__()
        half, quarter, eighth, joined = 2 * WIDTH, 3 * WIDTH, 8 * WIDTH, 4 * WIDTH
        sizes = ((3, half, 1), (half, quarter, 3), (quarter, eighth, 2))
        self.stages = nn.ModuleList(_stage(*size) for size in sizes)
        self.rpn = nn.Conv2d(eighth, 5 * len(ANCHORS), 1)
        self.fine = nn.Conv2d(quarter, joined, 1)
        self.coarse = nn.Conv2d(eighth, joined, 1)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(joined * BINS**2, FEATURES), nn.BatchNorm1d(FEATURES), nn.SiLU()
        )
        self.label = nn.Linear(FEATURES, CLASSES + 1)
        self.move = nn.Linear(FEATURES, 4)

    def body(self, images):
        """Pictures (N, 3, H, W) → the shared map (N, C, H/4, W/4), and the last stage's map.

        The shared map adds the second stage's, which has the detail, and the last one's, enlarged.
        """
        require_model_input("images", images, self, pixels=True)
        quarter = self.stages[1](self.stages[0](images))
        eighth = self.stages[2](quarter)
        enlarged = functional.interpolate(self.coarse(eighth), scale_factor=2.0)
        return self.fine(quarter) + enlarged, eighth

    def regions(self, maps, rois):
        """The head's output for RoIs (R, 5): logits (R, classes + 1) and deltas (R, 4)."""
        require_model_input("maps", maps, self)
        require_floats("rois", rois, dtype=maps.dtype)
        features = roi_align(maps, rois, BINS, 1 / 4, sampling_ratio=1, aligned=True)
        hidden = self.head(features)
        return self.label(hidden), self.move(hidden)


def _stage(ins, outs, layers):
    """So many 3 × 3 convolutions, the first of stride 2."""
    parts = []
    for number in range(layers):
        parts += [conv_norm(ins, outs, 3, 1 if number else 2), nn.SiLU()]
        ins = outs
    return nn.Sequential(*parts)


def anchor_boxes(rows, columns):
    """The boxes that the RPN moves: (rows · columns · A, 4) float32 xyxy in pixels.

    Around the centre of each place of the map, row by row, one of each size of ANCHORS.
    """
    sizes = torch.tensor(ANCHORS, dtype=torch.float32)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    centres = STRIDE * (torch.stack([x, y], dim=-1).reshape(-1, 1, 2) + 0.5)
    return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=-1).reshape(-1, 4)


def encode(boxes, truth):
    """`boxes.encode_boxes` in torch, times SCALES: (R, 4), (R, 4) → deltas (R, 4)."""
    require_floats("boxes", boxes)
    require_floats("truth", truth)
    sizes = boxes[:, 2:] - boxes[:, :2]
    true_sizes = truth[:, 2:] - truth[:, :2]
    offsets = (truth[:, :2] + truth[:, 2:] - boxes[:, :2] - boxes[:, 2:]) / 2 / sizes
    return torch.cat([offsets, (true_sizes / sizes).log()], dim=1) * boxes.new_tensor(SCALES)


def decode(boxes, deltas, size):
    """The reverse of `encode`, cut off at 0 and size: (R, 4), (R, 4) → boxes (R, 4)."""
    require_floats("boxes", boxes)
    require_floats("deltas", deltas)
    offsets, growth = (deltas / deltas.new_tensor(SCALES)).split(2, dim=1)
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 + offsets * sizes
    halves = sizes * growth.clamp(max=MAX_LOG_GROWTH).exp() / 2
    return torch.cat([centres - halves, centres + halves], dim=1).clamp(0, size)


def match(boxes, truth, low, high, best=False):
    """The truth that each box matches and the kind of each box, both (R,) int64.

    Kinds: 1 object, 0 background, −1 neither. boxes: (R, 4). truth: (M, 4), M from 0. An object has
    an IoU of at least `high`, background of less than `low`. best: the box of the highest IoU with
    a truth is an object anyway, as in Faster R-CNN.
    """
    require_floats("boxes", boxes)
    require_floats("truth", truth)
    if not len(truth):
        nothing = torch.zeros(len(boxes), dtype=torch.long, device=boxes.device)
        return nothing, nothing.clone()
    ious = box_iou(boxes, truth)
    highest, matched = ious.max(dim=1)
    kind = (highest >= high).long() - ((highest >= low) & (highest < high)).long()
    if best:
        row, column = torch.nonzero((ious == ious.amax(dim=0)) & (ious > 0), as_tuple=True)
        matched[row] = column
        kind[row] = 1
    return matched, kind


def split_output(raw_output):
    """Objectness and deltas, anchor by anchor: (N, 5 A, H, W) → (N, H·W·A), (N, H·W·A, 4)."""
    require_floats("raw_output", raw_output)
    by_anchor = raw_output.movedim(1, -1).reshape(len(raw_output), -1, 5)
    return by_anchor[..., 0], by_anchor[..., 1:]


def propose(raw_output, size=64, post_nms_top_n=20):
    """The RPN's proposals, RoIs (R, 5): the likeliest anchors, moved, without near copies.

    raw_output: (N, 5 A, H, W), of `rpn`. size: pixels a side. post_nms_top_n: how many of each
    picture are kept. No gradient passes.
    """
    require_floats("raw_output", raw_output)
    anchors = anchor_boxes(*raw_output.shape[2:]).to(raw_output.device)
    scores, deltas = split_output(raw_output.detach())
    scores, chosen = scores.topk(min(PRE_NMS_TOP_N, len(anchors)), dim=1)
    pictures = torch.arange(len(raw_output), device=raw_output.device)
    picture = pictures[:, None].expand_as(chosen)
    boxes = decode(anchors[chosen].flatten(0, 1), deltas[picture, chosen].flatten(0, 1), size)
    picture = picture.flatten()
    large = (boxes[:, 2:] - boxes[:, :2]).amin(dim=1) >= 1
    rois = torch.cat([picture[:, None].to(boxes.dtype), boxes], dim=1)[large]
    kept = batched_nms(rois[:, 1:], scores.flatten()[large], picture[large], RPN_NMS_THRESHOLD)
    rois = rois[kept]  # best first
    own = rois[:, :1] == pictures  # (R, N), one True a row
    rank = (own.cumsum(dim=0) * own).sum(dim=1)  # among the RoIs of the same picture, from 1
    return rois[rank <= post_nms_top_n]


def two_stage_loss(model, images, boxes_list, labels_list, proposals=None):
    """The one loss: its total, a scalar, and its parts, a dict of scalars that sum to it.

    images: (N, 3, H, H) float32, 0 … 1. boxes_list, labels_list: of each picture (M, 4) xyxy in
    pixels and (M,) classes, M from 0. proposals: of each picture (P, 4), for Fast R-CNN; None: the
    RPN proposes, and learns too. Parts, summed, weighted by WEIGHTS and divided by N: of the RPN
    "objectness", binary cross-entropy, and "anchor", smooth L1 of the deltas; of the head
    "class", cross-entropy, and "box", smooth L1. Raises ArgumentError.
    """
    _require_pictures(model, images)
    boxes_list, labels_list = _as_truth(boxes_list, labels_list, images)
    maps, eighth = model.body(images)
    if proposals is None:
        raw_output = model.rpn(eighth)
        parts = _rpn_loss(raw_output, boxes_list)
        rois = propose(raw_output, images.shape[-1], POST_NMS_TOP_N_TRAIN)
    else:
        parts = {}
        rois = _as_rois(proposals, images)
    rois = torch.cat([rois, _as_rois(boxes_list, images)])  # the truth is a good proposal
    if model.training and len(rois) == 1:
        raise ArgumentError("one region alone cannot be normalised; give proposals, or more boxes")
    parts |= _head_loss(*model.regions(maps, rois), rois, boxes_list, labels_list)
    parts = {name: WEIGHTS[name] * part / len(images) for name, part in parts.items()}
    return sum(parts.values()), parts


def _rpn_loss(raw_output, boxes_list):
    anchors = anchor_boxes(*raw_output.shape[2:]).to(raw_output.device)
    matches = [match(anchors, truth, 0.3, 0.6, best=True) for truth in boxes_list]
    kinds = torch.stack([kind for _, kind in matches])
    matched_boxes = [
        truth[matched[kind == 1]]
        for truth, (matched, kind) in zip(boxes_list, matches, strict=True)
    ]
    positive = kinds == 1
    wanted = encode(anchors.expand(len(kinds), -1, -1)[positive], torch.cat(matched_boxes))
    scores, deltas = split_output(raw_output)
    counted = kinds >= 0
    objectness = functional.binary_cross_entropy_with_logits(
        scores[counted], kinds.to(scores.dtype)[counted], reduction="sum"
    )
    anchor = functional.smooth_l1_loss(deltas[positive], wanted, reduction="sum")
    return {"objectness": objectness, "anchor": anchor}


def _head_loss(logits, deltas, rois, boxes_list, labels_list):
    targets = torch.full((len(rois),), CLASSES, device=rois.device)  # background
    matched_boxes = rois[:, 1:].clone()  # those of the background are not used
    for i, (truth, labels) in enumerate(zip(boxes_list, labels_list, strict=True)):
        own = torch.nonzero(rois[:, 0] == i)[:, 0]
        matched, kind = match(rois[own, 1:], truth, 0.5, 0.5)
        positive = own[kind == 1]
        targets[positive] = labels[matched[kind == 1]]
        matched_boxes[positive] = truth[matched[kind == 1]]
    objects = targets < CLASSES
    wanted = encode(rois[objects, 1:], matched_boxes[objects])
    return {
        "class": functional.cross_entropy(logits, targets, reduction="sum"),
        "box": functional.smooth_l1_loss(deltas[objects], wanted, reduction="sum"),
    }


def detect(model, images, threshold=0.01, nms_threshold=0.5, proposals=None):
    """What the model finds in each picture: a list of dicts of "boxes", "scores", "labels".

    images: (N, 3, H, H) float32, 0 … 1. threshold: 0 … 1, least probability of a class that is
    kept. nms_threshold: of the suppression in each class. proposals: of each picture (P, 4); None:
    the RPN's. Arrays, best first, as `metrics` takes them. Raises ArgumentError.
    """
    _require_pictures(model, images)
    threshold = float(as_fraction("threshold", threshold))
    nms_threshold = float(as_fraction("nms_threshold", nms_threshold))
    size = images.shape[-1]
    with mode(model, training=False), torch.inference_mode():
        maps, last = model.body(images)
        rois = propose(model.rpn(last), size) if proposals is None else _as_rois(proposals, images)
        logits, deltas = model.regions(maps, rois)
        boxes = decode(rois[:, 1:], deltas, size)
        scores = logits.softmax(1)[:, :-1]
    row, label = torch.nonzero(scores >= threshold, as_tuple=True)
    picture = rois[row, 0].long()
    parts = {"boxes": boxes[row], "scores": scores[row, label], "labels": label}
    group = picture * CLASSES + label
    kept = batched_nms(parts["boxes"], parts["scores"], group, nms_threshold)
    rows = [kept[picture[kept] == i] for i in range(len(images))]
    return [{name: part[row].cpu().numpy() for name, part in parts.items()} for row in rows]


def _require_pictures(model, images):
    require_module("model", model, TwoStage)
    require_model_input("images", images, model, "N", 3, "H", "H", pixels=True)
    if images.shape[3] % STRIDE:
        raise ArgumentError(f"images must have sides of 8, 16, … pixels, got {images.shape[3]}")
    look_at_pixels("images", images)


def _as_rois(boxes_list, images):
    """Boxes of each picture → RoIs (R, 5) on the images' device."""
    if isinstance(boxes_list, dict) or len(boxes_list) != len(images):
        raise ArgumentError(f"there are {len(images)} images and {len(boxes_list)} proposals")
    rows = [torch.empty(0, 5)]
    for i, boxes in enumerate(boxes_list):
        boxes = as_boxes_within(f"proposals[{i}]", boxes, images.shape[-1])
        rows.append(functional.pad(torch.as_tensor(boxes).float(), (1, 0), value=i))
    return torch.cat(rows).to(images.device)


def _as_truth(boxes_list, labels_list, images):
    """Boxes (M, 4) float32 and labels (M,) int64 of each picture on the images' device."""
    if not len(boxes_list) == len(labels_list) == len(images):
        counts = f"{len(images)} images, {len(boxes_list)} boxes and {len(labels_list)} labels"
        raise ArgumentError(f"there are {counts}; give one list entry a picture")
    every_box, every_label = [], []
    for i, (boxes, labels) in enumerate(zip(boxes_list, labels_list, strict=True)):
        boxes = as_boxes_within(f"boxes_list[{i}]", boxes, images.shape[-1])
        labels = as_classes(f"labels_list[{i}]", labels, len(boxes))
        if ((labels < 0) | (labels >= CLASSES)).any():
            raise ArgumentError(
                f"labels_list[{i}] must be 0 … {CLASSES - 1}, got {labels.tolist()}"
            )
        every_box.append(torch.as_tensor(boxes).float().to(images.device))
        every_label.append(torch.as_tensor(labels).to(images.device))
    return every_box, every_label
