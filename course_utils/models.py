"""Finished networks of chapters 2 and 3, as tables of widths around one block each. Torch only.

Every network takes (N, C, H, W) float32 and returns logits (N, classes). Built under
`torch.device("meta")` it has shapes and counts, and takes no memory.
"""

from torch import nn
from torch.nn import functional

from course_utils.argument_checks.arrays import whole_number
from course_utils.argument_checks.tensors import require_model_input
from course_utils.errors import require_option

VGG = {  # depth → outputs of each 3 × 3 convolution, "M" for pooling (Simonyan and Zisserman, 2014)
    11: [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    13: [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    16: [64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"],
    19: [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}
RESNET = {  # depth → (bottleneck?, blocks in each of the four stages) (He et al., 2015)
    18: (False, (2, 2, 2, 2)),
    34: (False, (3, 4, 6, 3)),
    50: (True, (3, 4, 6, 3)),
    101: (True, (3, 4, 23, 3)),
    152: (True, (3, 8, 36, 3)),
}


def lenet5():
    """LeNet-5 as the lecture's table has it (L3.02): (N, 1, 32, 32), 61,706 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def digit_net(a=16, b=32, c=64):
    """Chapter 2's network for digits (L2.20): (N, 1, 28, 28) → (N, 10). a, b, c: channels."""
    for name, channels in (("a", a), ("b", b), ("c", c)):
        whole_number(name, channels, 1)

    def block(ins, outs, size, pool, **options):
        convolution = nn.Conv2d(ins, outs, size, bias=False, **options)
        return [convolution, *pool * [nn.MaxPool2d(2)], nn.BatchNorm2d(outs), nn.ReLU()]

    return nn.Sequential(
        *block(1, a, 4, pool=0, stride=2, padding=1),
        *block(a, b, 3, pool=1, padding=1),
        *block(b, c, 3, pool=1, padding=1),
        nn.Flatten(), nn.Linear(9 * c, 10),
    )  # fmt: skip


def alexnet():
    """AlexNet as torchvision builds it (L3.03): (N, 3, 224, 224), 61,100,840 parameters."""
    settings = [  # inputs, outputs, kernel, stride, padding
        (3, 64, 11, 4, 2),
        (64, 192, 5, 1, 2),
        (192, 384, 3, 1, 1),
        (384, 256, 3, 1, 1),
        (256, 256, 3, 1, 1),
    ]
    layers = []
    for number, (ins, outs, size, stride, padding) in enumerate(settings):
        layers += [nn.Conv2d(ins, outs, size, stride, padding), nn.ReLU()]
        layers += [nn.MaxPool2d(3, 2)] if number in (0, 1, 4) else []
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(),
        nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000),
    )  # fmt: skip


def vgg(depth=16, classes=1000):
    """VGG of 11, 13, 16 or 19 layers with weights (L3.06): (N, 3, 224, 224); 16: 138,357,544."""
    require_option("depth", depth, list(VGG))
    whole_number("classes", classes, 1)
    layers = []
    ins = 3
    for outs in VGG[depth]:
        if outs == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(ins, outs, 3, padding=1), nn.ReLU()]
            ins = outs
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(),
        nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes),
    )  # fmt: skip


def conv_norm(ins, outs, size, stride=1):
    """Convolution that keeps the size, without bias, and batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(ins, outs, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(outs)
    )


class SqueezeExcitation(nn.Module):
    """A weight from 0 to 1 for each channel, from the mean of each (L3.11, L3.12).

    (N, C, H, W) → the same shape; in between C is squeezed to C / 16. `gates` are the weights of
    the last call, (N, C). Source: Hu et al., arXiv:1709.01507.
    """

    def __init__(self, channels):
        super().__init__()
        inside = max(1, channels // 16)
        self.excite = nn.Sequential(
            nn.Linear(channels, inside), nn.ReLU(), nn.Linear(inside, channels), nn.Sigmoid()
        )

    def forward(self, x):
        require_model_input("x", x, self)
        self.gates = self.excite(x.mean(dim=(2, 3)))
        return x * self.gates[:, :, None, None]


class Residual(nn.Module):
    """ReLU(F(x) + x) (L3.09): (N, ins, H, W) → (N, 4 widths or widths, H′, W′).

    bottleneck: F is 1 × 1, 3 × 3, 1 × 1 to four times the width, else two 3 × 3. shortcut: False
    leaves the "+ x" out, a plain block. se: True puts squeeze and excitation at the end of F.
    Where the shape changes, x goes through a 1 × 1 convolution, the projection. Its stride is
    taken before it: every stride-th pixel, then a convolution of stride 1. The numbers and weights
    are the same, and the strided kind writes past its memory in `channels_last` on a CPU
    (uxlfoundation/oneDNN#6035). Source: arXiv:1512.03385.
    """

    def __init__(self, ins, width, stride=1, bottleneck=False, shortcut=True, se=False):
        super().__init__()
        outs = 4 * width if bottleneck else width
        if bottleneck:
            steps = [conv_norm(ins, width, 1), nn.ReLU(), conv_norm(width, width, 3, stride)]
            steps += [nn.ReLU(), conv_norm(width, outs, 1)]
        else:
            steps = [conv_norm(ins, width, 3, stride), nn.ReLU(), conv_norm(width, width, 3)]
        self.steps = nn.Sequential(*steps, *([SqueezeExcitation(outs)] if se else []))
        changes = stride != 1 or ins != outs
        self.change = conv_norm(ins, outs, 1) if shortcut and changes else nn.Identity()
        self.shortcut = shortcut
        self.stride = stride

    def forward(self, x):
        require_model_input("x", x, self)
        y = self.steps(x)
        if self.shortcut:
            y = y + self.change(x[:, :, :: self.stride, :: self.stride])
        return functional.relu(y)


def stages(ins, widths, repeats, **options):
    """Blocks in stages: the first block of each stage but the first halves the map."""
    blocks = []
    for stage, (width, repeat) in enumerate(zip(widths, repeats, strict=True)):
        for number in range(repeat):
            stride = 2 if stage and not number else 1
            blocks.append(Residual(ins, width, stride, **options))
            ins = 4 * width if options.get("bottleneck") else width
    return blocks, ins


def resnet(depth=18, classes=1000, se=False):
    """ResNet (L3.09), and SE-ResNet (L3.12): (N, 3, 224, 224), as torchvision builds it.

    depth: 18, 34, 50, 101 or 152; 11,689,512, 21,797,672, 25,557,032, 44,549,160, 60,192,808
    parameters. se: adds a gate for each channel; SE-ResNet-50 has 28,088,024.
    """
    require_option("depth", depth, list(RESNET))
    whole_number("classes", classes, 1)
    bottleneck, repeats = RESNET[depth]
    blocks, outs = stages(64, (64, 128, 256, 512), repeats, bottleneck=bottleneck, se=se)
    first = [conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]
    return nn.Sequential(
        *first, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(outs, classes)
    )


def small_resnet(blocks=3, width=16, channels=1, classes=10, **options):
    """The paper's network for small pictures: 6 blocks + 2 layers deep, three stages.

    (N, channels, H, W). blocks: in each stage. options: shortcut=False is the plain network;
    se=True adds gates. Source: arXiv:1512.03385, section 4.2.
    """
    sizes = {"blocks": blocks, "width": width, "channels": channels, "classes": classes}
    for name, size in sizes.items():
        whole_number(name, size, 1)
    for option in options:
        require_option("option", option, ["bottleneck", "shortcut", "se"])
    body, outs = stages(width, (width, 2 * width, 4 * width), (blocks,) * 3, **options)
    return nn.Sequential(
        conv_norm(channels, width, 3), nn.ReLU(), *body,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(outs, classes),
    )  # fmt: skip
