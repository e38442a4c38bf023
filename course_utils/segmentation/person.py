"""Person or not, for each pixel of a photo (L4.12): 106,401 parameters, trained by MediaPipe.

An encoder of stride-2 convolutions with squeeze and excitation, a decoder that enlarges and joins
what the encoder had at the same size: U-Net's plan. Weights: data/README.md (Apache-2.0).
"""

import torch
from torch import nn
from torch.nn import functional

from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.pictures import as_rgb
from course_utils.argument_checks.tensors import require_floats
from course_utils.data import load_weights
from course_utils.training import mode

SIZE = 256  # pixels a side of what the network takes


class _SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: an odd pixel goes right and down."""

    def forward(self, x):
        sides = [
            max(
                (-(-length // self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - length,
                0,
            )
            for length in x.shape[2:]
        ]
        down, right = sides
        edges = (right // 2, right - right // 2, down // 2, down - down // 2)
        return super().forward(functional.pad(x, edges))


class _Gates(nn.Module):
    """Squeeze and excitation's gates: (N, C, H, W) → (N, C, 1, 1), 0 … 1."""

    def __init__(self, channels, middle):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, middle, 1)
        self.fc2 = nn.Conv2d(middle, channels, 1)

    def forward(self, x):
        squeezed = x.mean((2, 3), keepdim=True)
        return self.fc2(self.fc1(squeezed).relu()).sigmoid()


class _InvertedResidual(nn.Module):
    """1 × 1 up, one filter a channel, gates, 1 × 1 down; a shortcut where `skip` is set."""

    def __init__(self, ins, middle, outs, kernel, stride, activation, gates=0, skip=False):
        super().__init__()
        self.expand = nn.Conv2d(ins, middle, 1)
        self.dw = _SameConv2d(middle, middle, kernel, stride, groups=middle)
        self.se = _Gates(middle, gates) if gates else None
        self.project = nn.Conv2d(middle, outs, 1)
        self.activation, self.skip = activation, skip

    def forward(self, x):
        y = self.activation(self.dw(self.activation(self.expand(x))))
        if self.se is not None:
            y = y * self.se(y)
        y = self.project(y)
        return x + y if self.skip else y


class _Up(nn.Module):
    """A step of the decoder: enlarge, then join the encoder's map of that size, gated."""

    def __init__(self, ins, outs):
        super().__init__()
        self.reduce = nn.Conv2d(ins, outs, 1)
        self.gate = _Gates(outs, outs)
        self.mix = nn.Conv2d(outs, outs, 1)
        self.dw = _SameConv2d(outs, outs, 3, groups=outs)

    def forward(self, x, skip):
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = self.reduce(x)
        y = self.mix(skip * self.gate(skip + x) + x).relu()
        return y + self.dw(y).relu()


class PersonNet(nn.Module):
    """(N, 3, 256, 256), RGB 0 … 1 → (N, 1, 256, 256), the probability of a person."""

    def __init__(self):
        super().__init__()
        relu, swish = functional.relu, functional.hardswish
        self.stem = _SameConv2d(3, 16, 3, 2)
        self.b0 = _InvertedResidual(16, 16, 16, 3, 2, relu, gates=8)
        self.b1 = _InvertedResidual(16, 72, 24, 3, 2, relu)
        self.b2 = _InvertedResidual(24, 88, 24, 3, 1, relu, skip=True)
        self.b3 = _InvertedResidual(24, 96, 32, 5, 2, swish, gates=24)
        self.b4 = _InvertedResidual(32, 128, 32, 5, 1, swish, gates=32, skip=True)
        self.b5 = _InvertedResidual(32, 128, 32, 5, 1, swish, gates=32, skip=True)
        self.b6 = _InvertedResidual(32, 96, 32, 5, 1, swish, gates=24, skip=True)
        self.b7 = _InvertedResidual(32, 96, 32, 5, 1, swish, gates=24, skip=True)
        self.aspp, self.aspp_gate = nn.Conv2d(32, 128, 1), nn.Conv2d(32, 128, 1)
        self.up1, self.up2, self.up3 = _Up(128, 24), _Up(24, 16), _Up(16, 16)
        self.head = nn.ConvTranspose2d(16, 1, 2, 2)

    def forward(self, x):
        require_floats("x", x, "N", 3, "H", "W")
        half = functional.hardswish(self.stem(x))
        quarter = self.b0(half)
        eighth = self.b2(self.b1(quarter))
        x = self.b7(self.b6(self.b5(self.b4(self.b3(eighth)))))
        gate = self.aspp_gate(x.mean((2, 3), keepdim=True)).sigmoid()
        x = self.aspp(x).relu() * gate
        x = self.up3(self.up2(self.up1(x, eighth), quarter), half)
        return self.head(x).sigmoid()


def person_network():
    """The network with the course's weights, in evaluation mode."""
    network = PersonNet()
    arrays = load_weights("person_segmentation")
    network.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    return network.eval()


def person_probability(network, image):
    """How likely each pixel of a photo shows a person: (H, W) float32, 0 … 1.

    network: as `person_network` gives it. image: (H, W, 3) uint8, of any size; it is squeezed to
    256 × 256, and the answer enlarged to (H, W), both bilinear. Raises ArgumentError.
    """
    require_module("network", network)
    image = as_rgb("image", image)
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    x = functional.interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True)
    device = next(network.parameters()).device
    with mode(network, training=False), torch.inference_mode():
        found = network(x.to(device)).cpu()
    return functional.interpolate(found, image.shape[:2], mode="bilinear")[0, 0].numpy()
