"""What a two-stage detector accepts as boxes and labels: lists, one entry a picture. Torch."""

import torch
from torch.nn import functional

from course_utils.errors import ArgumentError
from course_utils.region_arguments import as_boxes, as_classes, refuse_rows


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
