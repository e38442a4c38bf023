"""EfficientNet-Lite0 with ImageNet's weights from `data/weights` (L3.13). Torch only.

Source: Google's EfficientNet-Lite; Tan and Le, arXiv:1905.11946.
"""

import torch
from torch import nn
from torch.nn import functional

from course_utils.argument_checks.pictures import as_rgb
from course_utils.data import load_weights

STAGES = [  # expansion, kernel, stride of the first block, inputs, outputs, blocks
    (1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1),
]  # fmt: skip
SIZE = 224


class _Conv(nn.Module):
    """Convolution with TensorFlow's padding (the odd pixel at the end), normalisation, ReLU6."""

    def __init__(self, ins, outs, kernel, stride=1, groups=1, activate=True):
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outs, eps=1e-3)
        self.activate = activate

    def forward(self, x):
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        rest = [max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[2:]]
        top, left = rest[0] // 2, rest[1] // 2
        x = functional.pad(x, (left, rest[1] - left, top, rest[0] - top))
        x = self.norm(self.conv(x))
        return functional.relu6(x) if self.activate else x


class _Block(nn.Module):
    """Widen, one filter a channel, narrow; and the input added where the shape is the same."""

    def __init__(self, expansion, kernel, stride, ins, outs):
        super().__init__()
        wide = expansion * ins
        steps = [_Conv(ins, wide, 1)] if expansion > 1 else []
        steps += [_Conv(wide, wide, kernel, stride, groups=wide)]
        self.steps = nn.Sequential(*steps, _Conv(wide, outs, 1, activate=False))
        self.adds = stride == 1 and ins == outs

    def forward(self, x):
        return self.steps(x) + x if self.adds else self.steps(x)


def efficientnet_lite0(trained=True):
    """EfficientNet-Lite0: (N, 3, 224, 224) from `prepare` → logits (N, 1000); 4,652,008 parameters.

    trained: with ImageNet's weights, else as they start. In evaluation mode. The features before
    the last layer, (N, 1280), are `model[:-1](x)`.
    """
    blocks = []
    for expansion, kernel, stride, ins, outs, repeats in STAGES:
        for number in range(repeats):
            first = number == 0
            shape = (stride if first else 1, ins if first else outs, outs)
            blocks.append(_Block(expansion, kernel, *shape))
    model = nn.Sequential(
        _Conv(3, 32, 3, 2), *blocks, _Conv(320, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(1280, 1000),
    )  # fmt: skip
    if trained:
        model.load_state_dict(_named(load_weights("efficientnet_lite0"), blocks), strict=False)
    return model.eval()


def prepare(image):
    """A photo (H, W, 3) uint8 of any size → its middle square, (3, 224, 224) float32.

    Raises ArgumentError.
    """
    image = torch.tensor(as_rgb("image", image))
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side].permute(2, 0, 1)[None].float()
    square = functional.interpolate(square, SIZE, mode="bilinear", antialias=True)
    return (square[0] - 127) / 128


def imagenet_names():
    """The 1,000 class names, in the order of the logits."""
    from torchvision.models import MobileNet_V2_Weights

    return MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"]


def _named(arrays, blocks):
    """The file's names → this model's: list of (ours, theirs) spelt out, layer by layer."""
    pairs = [("0", "_conv_stem", "_bn0"), (str(len(blocks) + 1), "_conv_head", "_bn1")]
    for i, block in enumerate(blocks):
        convs = ["_depthwise_conv", "_project_conv"]
        norms = ["_bn1", "_bn2"]
        if len(block.steps) == 3:
            convs.insert(0, "_expand_conv")
            norms.insert(0, "_bn0")
        for step, (conv, norm) in enumerate(zip(convs, norms, strict=True)):
            pairs.append((f"{i + 1}.steps.{step}", f"_blocks.{i}.{conv}", f"_blocks.{i}.{norm}"))
    named = {f"{len(blocks) + 4}.{part}": arrays[f"_fc.{part}"] for part in ("weight", "bias")}
    for ours, conv, norm in pairs:
        named[f"{ours}.conv.weight"] = arrays[f"{conv}.weight"]
        for part in ("weight", "bias", "running_mean", "running_var"):
            named[f"{ours}.norm.{part}"] = arrays[f"{norm}.{part}"]
    return {name: torch.from_numpy(values) for name, values in named.items()}
