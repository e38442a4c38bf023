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

from course_utils.arguments.arrays import as_array, whole_number
from course_utils.arguments.regions import as_boxes, as_classes, as_fraction, refuse_rows
from course_utils.arguments.tensors import look_at_pixels, require_floats, require_model_input
from course_utils.errors import ArgumentError
from course_utils.models import conv_norm
from course_utils.training import mode

STRIDE = 8  # pixels from one place of the RPN's map to the next
ANCHORS = ((14, 20), (20, 20), (20, 28))  # width and height, in pixels
SCALES = (10.0, 10.0, 5.0, 5.0)  # deltas are learnt so many times larger, to be about 1
GROWTH = 4.0  # a box grows at most to exp(4) of its size
TAUGHT = 16  # proposals of a picture that the head learns from, besides the true boxes
WEIGHTS = {"objectness": 0.2, "anchor": 0.1, "class": 1.0, "box": 0.5}


class TwoStage(nn.Module):
    """The whole detector: three stages make maps, `rpn` proposes, `head` judges each RoI (L4.11).

    width: the stages' maps have 2, 3 and 8 times as many channels, and are a half, a quarter and an
    eighth as large as the picture. classes: of objects; the background comes after them. bins:
    RoIAlign's, a side. features: between the head's layers. rpn: the last stage's map →
    (N, 5 A, H/8, W/8), for each of A anchors its objectness and four deltas. Pictures are RGB,
    0 … 1. 8: 173,950 parameters for 10 classes. Raises ArgumentError.
    """

    def __init__(self, width=8, classes=10, bins=5, features=128):
        super().__init__()
        width, self.bins = whole_number("width", width, 1), whole_number("bins", bins, 1)
        self.classes = whole_number("classes", classes, 1)
        features = whole_number("features", features, 1)
        half, quarter, eighth, joined = 2 * width, 3 * width, 8 * width, 4 * width
        sizes = ((3, half, 1), (half, quarter, 3), (quarter, eighth, 2))
        self.stages = nn.ModuleList(_stage(*size) for size in sizes)
        self.rpn = nn.Conv2d(eighth, 5 * len(ANCHORS), 1)
        self.fine, self.coarse = nn.Conv2d(quarter, joined, 1), nn.Conv2d(eighth, joined, 1)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(joined * bins**2, features), nn.BatchNorm1d(features), nn.SiLU()
        )
        self.label, self.move = nn.Linear(features, classes + 1), nn.Linear(features, 4)

    def body(self, images):
        """Look once: pictures (N, 3, H, W) → the shared map (N, C, H/4, W/4), the last stage's map.

        The shared map adds the second stage's, which has the detail, and the last one's, enlarged.
        """
        require_model_input("images", images, self, pixels=True)
        quarter = self.stages[1](self.stages[0](images))
        eighth = self.stages[2](quarter)
        enlarged = functional.interpolate(self.coarse(eighth), scale_factor=2.0)
        return self.fine(quarter) + enlarged, eighth

    def regions(self, maps, rois):
        """What the head says of RoIs (R, 5): logits (R, classes + 1) and deltas (R, 4)."""
        require_model_input("maps", maps, self)
        require_floats("rois", rois, maps.dtype)
        cut = roi_align(maps, rois, self.bins, 1 / 4, sampling_ratio=1, aligned=True)
        seen = self.head(cut)
        return self.label(seen), self.move(seen)


def _stage(ins, outs, layers):
    """So many 3 × 3 convolutions, the first of stride 2."""
    parts = []
    for number in range(layers):
        parts += [conv_norm(ins, outs, 3, 1 if number else 2), nn.SiLU()]
        ins = outs
    return nn.Sequential(*parts)


def bilinear(maps, y, x):
    """The map between its places: (C, H, W) → (C,), the four nearest to row y, column x, weighed.

    y, x: 0 in the middle of the first place; those beyond the map are taken at its border.
    """
    y, x = min(max(y, 0), maps.shape[1] - 1), min(max(x, 0), maps.shape[2] - 1)
    top, left = int(y), int(x)
    below, right = min(top + 1, maps.shape[1] - 1), min(left + 1, maps.shape[2] - 1)
    down, along = y - top, x - left
    upper = (1 - along) * maps[:, top, left] + along * maps[:, top, right]
    lower = (1 - along) * maps[:, below, left] + along * maps[:, below, right]
    return (1 - down) * upper + down * lower


def roi_align_one(maps, box, bins, scale=1.0, samples=2):
    """RoIAlign of one box, bin by bin, as one types it: (C, H, W) → (C, bins, bins).

    box: x1, y1, x2, y2 in pixels, times `scale` in places of the map. A bin is the mean of
    samples × samples points between the places (arXiv:1703.06870). torchvision's is the quick one.
    """
    x1, y1, x2, y2 = (side * scale - 0.5 for side in as_array("box", box).tolist())
    out = torch.as_tensor(maps).new_zeros(len(maps), bins, bins)
    for i in range(bins * samples):
        for j in range(bins * samples):
            y = y1 + (i + 0.5) * (y2 - y1) / (bins * samples)
            x = x1 + (j + 0.5) * (x2 - x1) / (bins * samples)
            out[:, i // samples, j // samples] += torch.as_tensor(bilinear(maps, y, x)) / samples**2
    return out


def anchor_boxes(rows, columns):
    """The boxes that the RPN moves: (rows · columns · A, 4) float32 xyxy in pixels.

    Around the middle of each place of the map, row by row, one of each size of ANCHORS.
    """
    sizes = torch.tensor(ANCHORS, dtype=torch.float32)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    middles = STRIDE * (torch.stack([x, y], dim=-1).reshape(-1, 1, 2) + 0.5)
    return torch.cat([middles - sizes / 2, middles + sizes / 2], dim=-1).reshape(-1, 4)


def encode(boxes, truth):
    """`boxes.encode_boxes` in torch, times SCALES: (R, 4), (R, 4) → deltas (R, 4)."""
    require_floats("boxes", boxes)
    require_floats("truth", truth)
    sizes, wanted = boxes[:, 2:] - boxes[:, :2], truth[:, 2:] - truth[:, :2]
    way = (truth[:, :2] + truth[:, 2:] - boxes[:, :2] - boxes[:, 2:]) / 2 / sizes
    return torch.cat([way, (wanted / sizes).log()], dim=1) * boxes.new_tensor(SCALES)


def decode(boxes, deltas, size):
    """The reverse of `encode`, cut off at 0 and size: (R, 4), (R, 4) → boxes (R, 4)."""
    require_floats("boxes", boxes)
    require_floats("deltas", deltas)
    way, growth = (deltas / deltas.new_tensor(SCALES)).split(2, dim=1)
    sizes = boxes[:, 2:] - boxes[:, :2]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 + way * sizes
    halves = sizes * growth.clamp(max=GROWTH).exp() / 2
    return torch.cat([middles - halves, middles + halves], dim=1).clamp(0, size)


def match(boxes, truth, low, high, best=False):
    """Which truth each box is about, (R,) int64, and its kind: 1 object, 0 background, −1 neither.

    boxes: (R, 4). truth: (M, 4), M from 0. An object has an IoU of at least `high`, background
    of less than `low`. best: what covers a truth most is an object anyway, as in Faster R-CNN.
    """
    require_floats("boxes", boxes)
    require_floats("truth", truth)
    about = torch.zeros(len(boxes), dtype=torch.long, device=boxes.device)
    if not len(truth):
        return about, about.clone()
    ious = box_iou(boxes, truth)
    most, about = ious.max(dim=1)
    kind = (most >= high).long() - ((most >= low) & (most < high)).long()
    if best:
        row, column = torch.nonzero((ious == ious.amax(dim=0)) & (ious > 0), as_tuple=True)
        about[row], kind[row] = column, 1
    return about, kind


def split_said(said):
    """What the RPN says, anchor by anchor: (N, 5 A, H, W) → (N, H·W·A), (N, H·W·A, 4)."""
    require_floats("said", said)
    by_anchor = said.movedim(1, -1).reshape(len(said), -1, 5)
    return by_anchor[..., 0], by_anchor[..., 1:]


def propose(said, size=64, most=20, before=64, threshold=0.7):
    """The RPN's proposals, RoIs (R, 5): the likeliest anchors, moved, without near copies.

    said: (N, 5 A, H, W), of `rpn`. size: pixels a side. most: so many of each picture stay.
    before: so many go into the non-maximum suppression; threshold: its IoU. No gradient passes.
    """
    require_floats("said", said)
    anchors = anchor_boxes(*said.shape[2:]).to(said.device)
    scores, deltas = split_said(said.detach())
    scores, chosen = scores.topk(min(before, len(anchors)), dim=1)
    picture = torch.arange(len(said), device=said.device)[:, None].expand_as(chosen)
    boxes = decode(anchors[chosen].flatten(0, 1), deltas[picture, chosen].flatten(0, 1), size)
    picture, scores = picture.flatten(), scores.flatten()
    seen = (boxes[:, 2:] - boxes[:, :2]).amin(dim=1) >= 1
    rois = torch.cat([picture[:, None].to(boxes.dtype), boxes], dim=1)[seen]
    rois = rois[batched_nms(rois[:, 1:], scores[seen], picture[seen], threshold)]  # best first
    mine = rois[:, :1] == torch.arange(len(said), device=said.device)
    return rois[(mine.cumsum(dim=0) * mine).sum(dim=1) <= most]


def two_stage_loss(model, images, boxes_list, labels_list, proposals=None):
    """The one loss: its total, a scalar, and its parts, a dict of scalars that sum to it.

    images: (N, 3, H, H) float32, 0 … 1. boxes_list, labels_list: of each picture (M, 4) xyxy in
    pixels and (M,) classes, M from 0. proposals: of each picture (P, 4), for Fast R-CNN; None: the
    RPN proposes, and learns too. Parts, summed, weighted by WEIGHTS and divided by N: of the RPN
    "objectness", binary cross-entropy, and "anchor", smooth L1 of the deltas; of the head
    "class", cross-entropy, and "box", smooth L1. Raises ArgumentError.
    """
    _check_images(model, images)
    boxes_list, labels_list = as_truth(boxes_list, labels_list, images, model.classes)
    (maps, eighth), parts = model.body(images), {}
    if proposals is None:
        said = model.rpn(eighth)
        parts, rois = _rpn_loss(said, boxes_list), propose(said, images.shape[-1], TAUGHT)
    else:
        rois = as_rois(proposals, images)
    rois = torch.cat([rois, as_rois(boxes_list, images)])  # the truth is a good proposal
    if model.training and len(rois) == 1:
        raise ArgumentError("one region alone cannot be normalised; give proposals, or more boxes")
    parts |= _head_loss(*model.regions(maps, rois), rois, boxes_list, labels_list)
    parts = {name: WEIGHTS[name] * part / len(images) for name, part in parts.items()}
    return sum(parts.values()), parts


def _rpn_loss(said, boxes_list):
    anchors = anchor_boxes(*said.shape[2:]).to(said.device)
    found = [match(anchors, truth, 0.3, 0.6, best=True) for truth in boxes_list]
    kind = torch.stack([kind for _, kind in found])
    aims = [truth[about[k == 1]] for truth, (about, k) in zip(boxes_list, found, strict=True)]
    wanted = encode(anchors.expand(len(kind), -1, -1)[kind == 1], torch.cat(aims))
    scores, deltas = split_said(said)
    judged, goals = kind >= 0, kind.to(scores.dtype)
    entropy = functional.binary_cross_entropy_with_logits
    return {
        "objectness": entropy(scores[judged], goals[judged], reduction="sum"),
        "anchor": functional.smooth_l1_loss(deltas[kind == 1], wanted, reduction="sum"),
    }


def _head_loss(logits, deltas, rois, boxes_list, labels_list):
    goals = torch.full((len(rois),), logits.shape[1] - 1, device=rois.device)  # background
    aims = rois[:, 1:].clone()  # those of the background are not asked for
    for i, (truth, labels) in enumerate(zip(boxes_list, labels_list, strict=True)):
        here = torch.nonzero(rois[:, 0] == i)[:, 0]
        about, kind = match(rois[here, 1:], truth, 0.5, 0.5)
        mine, about = here[kind == 1], about[kind == 1]
        goals[mine], aims[mine] = labels[about], truth[about]
    objects = goals < logits.shape[1] - 1
    wanted = encode(rois[objects, 1:], aims[objects])
    return {
        "class": functional.cross_entropy(logits, goals, reduction="sum"),
        "box": functional.smooth_l1_loss(deltas[objects], wanted, reduction="sum"),
    }


def detect(model, images, threshold=0.01, nms_threshold=0.5, proposals=None):
    """What the model finds in each picture: a list of dicts of "boxes", "scores", "labels".

    images: (N, 3, H, H) float32, 0 … 1. threshold: 0 … 1, least probability of a class that is
    kept. nms_threshold: of the suppression in each class. proposals: of each picture (P, 4); None:
    the RPN's. Arrays, best first, as `metrics` takes them. Raises ArgumentError.
    """
    _check_images(model, images)
    threshold = float(as_fraction("threshold", threshold))
    nms_threshold, size = float(as_fraction("nms_threshold", nms_threshold)), images.shape[-1]
    with mode(model, training=False), torch.inference_mode():
        maps, last = model.body(images)
        rois = propose(model.rpn(last), size) if proposals is None else as_rois(proposals, images)
        logits, deltas = model.regions(maps, rois)
        boxes, scores = decode(rois[:, 1:], deltas, size), logits.softmax(1)[:, :-1]
    row, label = torch.nonzero(scores >= threshold, as_tuple=True)
    boxes, scores, picture = boxes[row], scores[row, label], rois[row, 0].long()
    kept = batched_nms(boxes, scores, picture * model.classes + label, nms_threshold)
    parts = {"boxes": boxes, "scores": scores, "labels": label}
    rows = [kept[picture[kept] == i] for i in range(len(images))]
    return [{name: part[row].cpu().numpy() for name, part in parts.items()} for row in rows]


def _check_images(model, images):
    if not isinstance(model, TwoStage):
        raise ArgumentError(f"model must be a TwoStage, got {type(model).__name__}")
    require_model_input("images", images, model, pixels=True)
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3] or 0 in shape or shape[3] % STRIDE:
        raise ArgumentError(f"images must be (N, 3, H, H) with H a multiple of 8, got {shape}")
    look_at_pixels("images", images)


def as_rois(boxes_list, images):
    """Boxes of each picture → RoIs (R, 5) on the images' device."""
    if isinstance(boxes_list, dict) or len(boxes_list) != len(images):
        raise ArgumentError(f"there are {len(images)} images and {len(boxes_list)} proposals")
    rows = [torch.empty(0, 5)]
    for i, boxes in enumerate(boxes_list):
        boxes = torch.as_tensor(_as_sized(f"proposals[{i}]", boxes, images.shape[-1])).float()
        rows.append(functional.pad(boxes, (1, 0), value=i))
    return torch.cat(rows).to(images.device)


def as_truth(boxes_list, labels_list, images, classes):
    """Boxes (M, 4) float32 and labels (M,) int64 of each picture on the images' device."""
    if not len(boxes_list) == len(labels_list) == len(images):
        counts = f"{len(images)} images, {len(boxes_list)} boxes and {len(labels_list)} labels"
        raise ArgumentError(f"there are {counts}; give one list entry a picture")
    every_box, every_label = [], []
    for i, (boxes, kinds) in enumerate(zip(boxes_list, labels_list, strict=True)):
        boxes = _as_sized(f"boxes_list[{i}]", boxes, images.shape[-1])
        kinds = as_classes(f"labels_list[{i}]", kinds, len(boxes))
        if ((kinds < 0) | (kinds >= classes)).any():
            raise ArgumentError(f"labels_list[{i}] must be 0 … {classes - 1}, got {kinds.tolist()}")
        every_box.append(torch.as_tensor(boxes).float().to(images.device))
        every_label.append(torch.as_tensor(kinds).to(images.device))
    return every_box, every_label


def _as_sized(name, boxes, size):
    boxes = as_boxes(name, boxes)
    wrong = (boxes < 0) | (boxes > size) | (boxes == boxes[:, [2, 3, 0, 1]])
    refuse_rows(wrong.any(axis=1), name, boxes, f"must have an area, within 0 … {size} pixels")
    return boxes
