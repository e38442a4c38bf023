"""YOLOv3-tiny on photographs (L4.06): 8.85 million parameters, trained on COCO's 80 classes.

Source: Redmon and Farhadi, arXiv:1804.02767, with darknet's weights (data/README.md). Two grids,
13 × 13 and 26 × 26 cells, lie over a picture of 416 × 416; each cell has three boxes, which start
from anchors, and each box has its own confidence and its own probability of every class.
"""

import functools

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils.argument_checks.arrays import whole_number
from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.pictures import as_rgb
from course_utils.argument_checks.regions import as_fraction
from course_utils.argument_checks.tensors import require_floats
from course_utils.data import load_weights
from course_utils.detection.boxes import batched_nms
from course_utils.errors import ArgumentError
from course_utils.training import mode

SIZE = 416  # pixels a side
COARSE = ((81, 82), (135, 169), (344, 319))  # anchors of the 13 × 13 grid, width and height
FINE = ((10, 14), (23, 27), (37, 58))  # of the 26 × 26 grid
CHANNELS = (  # inputs, outputs, kernel; the two heads, without a norm, are 9 and 12
    (3, 16, 3), (16, 32, 3), (32, 64, 3), (64, 128, 3), (128, 256, 3), (256, 512, 3),
    (512, 1024, 3), (1024, 256, 1), (256, 512, 3), (512, 255, 1),
    (256, 128, 1), (384, 256, 3), (256, 255, 1),
)  # fmt: skip
HEADS = (9, 12)


class YOLOv3Tiny(nn.Module):
    """(N, 3, 416, 416), RGB 0 … 1 → the raw outputs (N, 255, 13, 13) and (N, 255, 26, 26).

    255 = 3 anchors · (4 of the box + 1 confidence + 80 classes). Sides that are other multiples
    of 32 give other grids. `c` are its 13 convolutions, in order.
    """

    def __init__(self):
        super().__init__()
        self.c = nn.ModuleList()
        for number, (ins, outs, kernel) in enumerate(CHANNELS):
            padding = kernel // 2
            if number in HEADS:
                self.c.append(nn.Conv2d(ins, outs, kernel, padding=padding))
            else:
                conv = nn.Conv2d(ins, outs, kernel, padding=padding, bias=False)
                self.c.append(nn.Sequential(conv, nn.BatchNorm2d(outs), nn.LeakyReLU(0.1)))

    def forward(self, x):
        require_floats("x", x, "N", 3, "H", "W")
        for number in range(5):
            middle = self.c[number](x)  # after the fifth: the finer map, for later
            x = functional.max_pool2d(middle, 2)
        x = self.c[5](x)
        x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, 1)
        x = self.c[7](self.c[6](x))
        coarse = self.c[9](self.c[8](x))
        enlarged = functional.interpolate(self.c[10](x), scale_factor=2)
        fine = self.c[12](self.c[11](torch.cat([enlarged, middle], dim=1)))
        return coarse, fine


def yolov3_tiny():
    """The network with the course's weights, in evaluation mode."""
    network = YOLOv3Tiny()
    arrays = {name: torch.from_numpy(value) for name, value in load_weights("yolov3_tiny").items()}
    network.load_state_dict(arrays, strict=False)  # BatchNorm's counters are not in the file
    return network.eval()


@functools.cache
def coco_classes():
    """The names of COCO's 80 classes, in order (torchvision's)."""
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights as Weights

    names = Weights.COCO_V1.meta["categories"]
    return tuple(name for name in names if name not in ("__background__", "N/A"))


def letterbox(image, size=SIZE):
    """A photo of any size, shrunk or enlarged into a gray square, its sides' ratio kept.

    image: (H, W, 3) uint8. size: pixels a side. Returns the picture (1, 3, size, size) float32,
    0 … 1; how many pixels of it one of the photo has; and where the photo begins, (left, top).
    """
    image, size = as_rgb("image", image), whole_number("size", size, 1)
    height, width = image.shape[:2]
    scale = size / max(height, width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    x = functional.interpolate(
        x, (new_height, new_width), mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)
    left, top = (size - new_width) // 2, (size - new_height) // 2
    square = torch.full((1, 3, size, size), 128 / 255)
    square[:, :, top : top + new_height, left : left + new_width] = x
    return square, scale, (left, top)


def decode(raw_output, anchors, size=SIZE):
    """Raw output of one grid as boxes, xyxy in pixels of the square, and scores of the classes.

    raw_output: (N, A · (5 + K), S, S). anchors: A pairs (width, height), in pixels.
    Returns (N, A · S · S, 4) and (N, A · S · S, K), 0 … 1: confidence · probability of the class.
    """
    require_floats("raw_output", raw_output, "N", "A · (5 + K)", "S", "S")
    n, channels, rows, columns = raw_output.shape
    if channels % len(anchors) or channels // len(anchors) < 6:
        raise ArgumentError(
            f"raw_output must have 5 + K channels for each of the {len(anchors)} anchors, got "
            f"{channels}; use the anchors of its grid"
        )
    parts = raw_output.reshape(n, len(anchors), -1, rows, columns)
    like = {"dtype": parts.dtype, "device": parts.device}
    anchors = torch.tensor(anchors, **like)[:, :, None, None]  # (A, 2, 1, 1)
    x = (parts[:, :, 0].sigmoid() + torch.arange(columns, **like)) * size / columns
    y = (parts[:, :, 1].sigmoid() + torch.arange(rows, **like)[:, None]) * size / rows
    width, height = (parts[:, :, 2:4].exp() * anchors).unbind(2)
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    boxes = torch.stack(corners, dim=-1).reshape(n, -1, 4)
    scores = parts[:, :, 4:5].sigmoid() * parts[:, :, 5:].sigmoid()
    return boxes, scores.movedim(2, -1).reshape(n, boxes.shape[1], -1)


def detect(network, image, threshold=0.25, nms_threshold=0.45):
    """What the network finds in one photo: dict of "boxes", "scores", "labels" (L4.06).

    network: as `yolov3_tiny` gives it. image: (H, W, 3) uint8, of any size. Boxes whose score is
    above `threshold` go through `batched_nms`. Arrays, best first; boxes (M, 4) are xyxy in pixels
    of the photo; labels are places in `coco_classes()`. Raises ArgumentError.
    """
    require_module("network", network)
    threshold = float(as_fraction("threshold", threshold))
    image = as_rgb("image", image)
    square, scale, (left, top) = letterbox(image)
    device = next(network.parameters()).device
    with mode(network, training=False), torch.inference_mode():
        coarse, fine = (output.cpu() for output in network(square.to(device)))
    grids = [decode(coarse, COARSE), decode(fine, FINE)]
    boxes, scores = (torch.cat(parts, dim=1)[0] for parts in zip(*grids, strict=True))
    box, label = torch.nonzero(scores > threshold, as_tuple=True)
    offered = {"boxes": boxes[box], "scores": scores[box, label], "labels": label}
    kept = batched_nms(*offered.values(), nms_threshold)
    found = {name: part[kept].numpy() for name, part in offered.items()}
    found["boxes"] = (found["boxes"] - np.array([left, top, left, top])) / scale
    height, width = image.shape[:2]
    found["boxes"] = found["boxes"].clip(0, [width, height, width, height]).astype(np.float32)
    return found
