"""A mask for each box (L4.14): the mask head of Mask R-CNN on a trained detector.

The detector stays as it is. The maps of its three stages, of a half, a quarter and an eighth of the
picture's size, are joined into one; `roi_align` cuts it at each box, and a few convolutions predict
a mask of 28 × 28: one mask a box, whatever its class. Torch and torchvision.
Source: He et al., arXiv:1703.06870.
"""

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import roi_align

from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.regions import as_boxes, as_fraction, as_masks
from course_utils.argument_checks.tensors import require_floats, require_model_input, require_pixels
from course_utils.errors import ArgumentError
from course_utils.models import conv_norm
from course_utils.training import mode, train

ROI_SIZE = 14  # places a side that RoIAlign makes of a box
MASK_SIZE = 28  # those of its mask
WIDER = 0.1  # share of a box's width and height that is added at each side
JITTER = 0.1  # share by which an edge moves at most in the training
BATCH_SIZE = 16
LEARNING_RATE = 0.02


def feature_maps(stages, images):
    """The feature map of each stage of a detector, without gradients.

    stages: modules that follow each other, used in evaluation mode, such as `TwoStage.stages`, or
    (detector[:2], detector[2:8], detector[8:12]) of a `yolo_network`. images: (N, 3, H, W) float32,
    0 … 1. Returns a list: (N, C, H/2, W/2), (N, C, H/4, W/4), (N, C, H/8, W/8), each with channels
    of its own. Raises ArgumentError.
    """
    if not isinstance(stages, list | tuple | nn.ModuleList) or not all(
        isinstance(stage, nn.Module) for stage in stages
    ):
        raise ArgumentError(f"stages must be a list of modules, got {type(stages).__name__}")
    require_pixels("images", images, nn.ModuleList(stages), "N", 3, "H", "W")
    maps = []
    for stage in stages:
        with mode(stage, training=False), torch.no_grad():
            images = stage(images)
            maps.append(images)
    return maps


class MaskHead(nn.Module):
    """Maps and boxes → the logits of one mask a box, (R, 28, 28), R boxes in all, in their order.

    width: channels inside. channels: those of the three maps; as they are: 15,385 parameters.
    Called with maps as `feature_maps` returns them, and with boxes_list, of each picture (M, 4)
    x1, y1, x2, y2 in pixels, M from 0. Raises ArgumentError.
    """

    def __init__(self, width=24, channels=(16, 24, 64)):
        super().__init__()
        width = whole_number("width", width, 1)
        self.neck = nn.ModuleList(nn.Conv2d(ins, width, 1) for ins in channels)
        self.layers = nn.Sequential(
            conv_norm(width, width, 3), nn.SiLU(),
            conv_norm(width, width, 3), nn.SiLU(),
            nn.ConvTranspose2d(width, width, 2, stride=2), nn.SiLU(),
            nn.Conv2d(width, 1, 1),
        )  # fmt: skip

    def forward(self, maps, boxes_list):
        """Join the maps at stride 2, cut them at the boxes, and convolve."""
        if len(maps) != len(self.neck):
            raise ArgumentError(f"maps must be {len(self.neck)} maps, got {len(maps)}")
        if len(boxes_list) != len(maps[0]):
            came = f"{len(maps[0])} and {len(boxes_list)}"
            raise ArgumentError(f"maps and boxes_list must be of the same pictures, got {came}")
        for i, each in enumerate(maps):
            require_model_input(f"maps[{i}]", each, self)
        boxes_list = [
            torch.tensor(as_boxes(f"boxes_list[{i}]", boxes)).to(maps[0])
            for i, boxes in enumerate(boxes_list)
        ]
        joined = self.neck[0](maps[0])
        for layer, coarse in zip(self.neck[1:], maps[1:], strict=True):
            coarse = functional.interpolate(layer(coarse), joined.shape[2:], mode="bilinear")
            joined = joined + coarse
        rois = roi_align(joined, boxes_list, ROI_SIZE, 1 / 2, sampling_ratio=1, aligned=True)
        rois = rois.contiguous(memory_format=torch.channels_last)  # torch convolves that faster
        return self.layers(rois)[:, 0]


def mask_targets(masks_list, boxes_list):
    """The true masks, cut at the boxes as the head predicts them: (R, 28, 28) float32, 0 … 1.

    masks_list: of each picture (M, H, W) bool. boxes_list: of each picture (M, 4), xyxy in pixels;
    R boxes in all. Between the pixels it is interpolated. Raises ArgumentError.
    """
    if len(masks_list) != len(boxes_list):
        raise ArgumentError(f"there are {len(boxes_list)} boxes and {len(masks_list)} masks")
    parts = [torch.zeros(0, MASK_SIZE, MASK_SIZE)]
    for i, (masks, boxes) in enumerate(zip(masks_list, boxes_list, strict=True)):
        masks = torch.from_numpy(as_masks(f"masks_list[{i}]", masks)).float()
        boxes = torch.tensor(as_boxes(f"boxes_list[{i}]", boxes)).float()
        if len(masks) != len(boxes):
            raise ArgumentError(f"there are {len(boxes)} boxes and {len(masks)} masks_list[{i}]")
        rois = torch.cat([torch.arange(len(boxes))[:, None], boxes], dim=1)
        parts.append(roi_align(masks[:, None], rois, MASK_SIZE, aligned=True)[:, 0])
    return torch.cat(parts)


def widen_boxes(boxes):
    """The boxes grown by a tenth of their width and height at each side: (N, 4) float32.

    A mask can then reach beyond a box that is too tight. boxes: (N, 4) xyxy. Raises ArgumentError.
    """
    boxes = torch.tensor(as_boxes("boxes", boxes)).float()
    sizes = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + WIDER * sizes * torch.tensor([-1, -1, 1, 1])


def jitter_boxes(boxes, share, generator):
    """The boxes with each edge moved at random, by up to `share` of the width or height; (N, 4).

    So the training has boxes as inexact as the detector's. boxes: (N, 4) xyxy. Returns float32.
    share: 0 … 0.5. generator: a torch.Generator. Raises ArgumentError.
    """
    boxes = torch.tensor(as_boxes("boxes", boxes)).float()
    share = as_fraction("share", share)
    if share > 0.5:
        raise ArgumentError(f"share must be 0 … 0.5, or edges could cross, got {share}")
    sizes = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + share * sizes * (2 * torch.rand(boxes.shape, generator=generator) - 1)


def train_mask_head(head, stages, images, masks_list, boxes_list, seed=0):
    """Train the head in place, once through the pictures, as `training.train`; its list of losses.

    The loss is the binary cross-entropy of all places of all masks, in boxes that were jittered and
    widened. The stages do not change.
    images: (N, 3, H, W), uint8 or float32 0 … 1, array or tensor. masks_list, boxes_list: as in
    `mask_targets`; pictures without boxes are left out. seed: of the order and of `jitter_boxes`.
    Works on the device where the head is; the stages, as in `feature_maps`, must be there too.
    Raises ArgumentError.
    """
    if not isinstance(images, torch.Tensor):
        images = torch.from_numpy(as_array("images", images))
    draw = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    if not len(images) == len(masks_list) == len(boxes_list):
        counts = f"{len(images)} images, {len(masks_list)} masks, {len(boxes_list)} boxes"
        raise ArgumentError(f"images, masks_list and boxes_list must be as many, got {counts}")
    with_boxes = torch.tensor([i for i, boxes in enumerate(boxes_list) if len(boxes)])
    if not len(with_boxes):
        raise ArgumentError("boxes_list holds no box at all; there is nothing to learn from")
    device = next(head.parameters()).device

    def loss_of(batch):
        boxes = [widen_boxes(jitter_boxes(boxes_list[i], JITTER, draw)) for i in batch]
        targets = mask_targets([masks_list[i] for i in batch], boxes).to(device)
        x = images[batch].to(device)
        logits = head(feature_maps(stages, x / 255 if x.dtype == torch.uint8 else x), boxes)
        return functional.binary_cross_entropy_with_logits(logits, targets)

    batches = with_boxes[torch.randperm(len(with_boxes), generator=draw)].split(BATCH_SIZE)
    return train(head, loss_of, batches, LEARNING_RATE)


def paste_masks(masks, boxes, height, width):
    """Masks of boxes → masks of the whole picture, (R, height, width) float.

    masks: (R, S, S) float tensor, 0 … 1. boxes: (R, 4), xyxy in pixels. Read at the centre of each
    pixel, between the places interpolated; beyond the outer places it falls to 0, so that from
    0.5 on only pixels in the box belong to the object. Raises ArgumentError.
    """
    height = whole_number("height", height, 1)
    width = whole_number("width", width, 1)
    require_floats("masks", masks)
    boxes = torch.tensor(as_boxes("boxes", boxes)).to(masks)
    if len(boxes) != len(masks):
        raise ArgumentError(f"there are {len(boxes)} boxes and {len(masks)} masks")
    if not len(masks):
        return masks.new_zeros(0, height, width)
    require_floats("masks", masks, "R", "S", "S")
    corner = boxes[:, :2, None]
    sizes = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6)[:, :, None]
    x, y = (torch.arange(side, device=masks.device) + 0.5 for side in (width, height))
    x = 2 * (x - corner[:, 0]) / sizes[:, 0] - 1
    y = 2 * (y - corner[:, 1]) / sizes[:, 1] - 1
    grid = torch.stack(torch.broadcast_tensors(x[:, None], y[:, :, None]), dim=-1)
    return functional.grid_sample(masks[:, None], grid, align_corners=False)[:, 0]


def add_masks(found, head, stages, images):
    """The detections with masks: "masks" (M, H, W) bool beside each picture's boxes.

    found: of each picture a dict with "boxes", as `detect` returns them; new dicts come back.
    head: the `MaskHead` trained on the stages. stages, images: as in `feature_maps`. The head gets
    `widen_boxes`; a pixel is the object's where the pasted mask is at least 0.5. As `metrics`
    takes it. Raises ArgumentError.
    """
    require_module("head", head, MaskHead)
    if len(found) != len(images):
        raise ArgumentError(f"there are {len(images)} images, and {len(found)} were searched")
    maps = feature_maps(stages, images)
    results = []
    with mode(head, training=False), torch.inference_mode():
        for i, picture in enumerate(found):
            boxes = widen_boxes(picture["boxes"])
            masks = head([each[i : i + 1] for each in maps], [boxes]).sigmoid()
            pasted = paste_masks(masks, boxes, *images.shape[2:]) >= 0.5
            results.append({**picture, "masks": pasted.cpu().numpy()})
    return results
