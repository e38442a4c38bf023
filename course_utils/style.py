"""Neural style transfer (L4.16): the content of one picture in the style of another. Torch.

Source: Gatys, Ecker and Bethge, arXiv:1508.06576 and CVPR 2016. Letters: N pictures, C channels,
H × W places. Everything runs on the device where the network is.
"""

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils.arguments import as_array, whole_number
from course_utils.data import load_weights
from course_utils.errors import ArgumentError, require_option
from course_utils.progress import progress
from course_utils.training import pick_device

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LAYER = "relu3_2"
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512,))  # VGG-16's channels up to conv4_1
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's red, green, blue, 0 … 1
POOLINGS = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}
SMALLEST = 16  # pixels a side: relu4_1 then has 2 × 2 places


@dataclass
class StyleTransfer:
    """What `transfer_style` returns: the picture (H, W, 3) uint8, and how it came to be.

    frames: dict of step → picture before that step. content, style, variation: lists of the three
    losses before each step, not yet multiplied by alpha, beta and tv.
    """

    picture: object = None
    frames: dict = field(default_factory=dict)
    content: list = field(default_factory=list)
    style: list = field(default_factory=list)
    variation: list = field(default_factory=list)


def gram_matrix(features):
    """How strongly two channels are active at the same places: F Fᵀ / (H W).

    features: (N, C, H, W) or (C, H, W) float tensor. Returns (N, C, C) or (C, C): the mean over
    all places of the product of two channels; where it was is lost. Raises ArgumentError.
    """
    _check("features", features)
    rows = features.flatten(-2)  # (…, C, H W)
    return rows @ rows.mT / rows.shape[-1]


def style_loss(grams, targets, weights=None):
    """Mean over the layers of the mean squared difference of two Gram matrices.

    grams, targets: dicts of layer → (N, C, C) or (C, C), of the picture and of the style.
    weights: dict of layer → w, by which its part is multiplied; None: 1 each. With M places and
    Gram matrices that are not divided by M, the paper's part of a layer is 1 / (4 C² M²) times the
    sum of the squared differences: a quarter of ours. Raises ArgumentError.
    """
    names = [sorted(found) for found in (grams, targets, targets if weights is None else weights)]
    if not names[0] or names != 3 * [names[0]]:
        raise ArgumentError(f"grams, targets, weights must have the same layers, got {names}")
    parts = []
    for layer, target in targets.items():
        _check(f"targets[{layer!r}]", target, np.shape(target))
        _check(f"grams[{layer!r}]", grams[layer], target.shape)
        part = functional.mse_loss(grams[layer], target)
        parts.append(part if weights is None else weights[layer] * part)
    return sum(parts) / len(parts)


def content_loss(features, target):
    """Mean squared difference of two feature maps of the same shape. Raises ArgumentError."""
    _check("target", target, np.shape(target))
    _check("features", features, target.shape)
    return functional.mse_loss(features, target)


def total_variation(images):
    """Mean |difference| to the right neighbour plus that to the one below: how rough it is.

    images: (N, C, H, W) or (C, H, W) float tensor, H and W from 2. Raises ArgumentError.
    """
    _check("images", images)
    if min(images.shape[-2:]) < 2:
        raise ArgumentError(f"images must have sides from 2 pixels, got {tuple(images.shape)}")
    return images.diff(dim=-1).abs().mean() + images.diff(dim=-2).abs().mean()


class VGGFeatures(nn.Module):
    """VGG-16's convolutions up to conv4_1: (N, 3, H, W) RGB, 0 … 1 → dict of layer → feature map.

    "relu2_1" is the first ReLU after the first pooling: (N, 128, H/2, W/2), and so on, H and W
    from 8. The pixels are standardised inside by ImageNet's mean and standard deviation, as the
    weights of `data/weights` want it. layers: the modules, numbered as torchvision's features.
    pooling: "average", as Gatys et al. recommend, or "max", as the network was trained.
    """

    def __init__(self, pooling="average"):
        super().__init__()
        require_option("pooling", pooling, list(POOLINGS))
        self.layers, self.names, ins = nn.Sequential(), {}, 3
        for stage, channels in enumerate(STAGES, 1):
            for number, outs in enumerate(channels, 1):
                self.layers.append(nn.Conv2d(ins, outs, 3, padding=1))
                self.names[len(self.layers)] = f"relu{stage}_{number}"
                self.layers.append(nn.ReLU())
                ins = outs
            if stage < len(STAGES):
                self.layers.append(POOLINGS[pooling](2))
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def forward(self, images):
        x, maps = (images - self.mean) / self.std, {}
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.names:
                maps[self.names[index]] = x
        return maps


def vgg_features(trained=True, pooling="average", seed=0):
    """A frozen `VGGFeatures` with the course's weights, in evaluation mode, on the CPU.

    trained: False draws orthogonal weights with `seed` instead, as a control: the same network
    that has never seen a picture. pooling: "average" or "max". Raises ArgumentError.
    """
    network, seed = VGGFeatures(pooling), whole_number("seed", seed, 0)
    if trained:
        arrays = load_weights("vgg16")
        network.layers.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    else:
        generator = torch.Generator().manual_seed(seed)
        for layer in network.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.orthogonal_(layer.weight, math.sqrt(2), generator=generator)
                nn.init.zeros_(layer.bias)
    # RGB last in memory: torch convolves that faster
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def transfer_style(content, style, alpha=1.0, beta=10.0, tv=1.0, steps=(50, 20), size=192,
                   style_size=None, network=None, start="content", seed=0, watch=(),
                   device=None):  # fmt: skip
    """Change pixels until their features are the content's and their Gram matrices the style's.

    content, style: (H, W, 3) uint8. The loss is alpha · content + beta · style + tv · variation;
    the first two are relative: 1 is the mean square of what is aimed at. L-BFGS moves the pixels.
    steps: how many at each size, the last with sides up to `size`, those before half as large each
    time (broad strokes cost less there); a whole number: all at `size`. style_size: the style's
    longer side at the last size; smaller makes smaller strokes; None: `size`.
    network: a `VGGFeatures`; None: `vgg_features()` on `device`, or on the best one here.
    start: "content" or "noise", which `seed` draws. watch: steps before which the picture is kept.
    Returns a `StyleTransfer`. An interrupt ends it early and keeps the picture. Raises
    ArgumentError.
    """
    sides, steps = _as_plan(steps, whole_number("size", size, SMALLEST))
    style_size = size if style_size is None else whole_number("style_size", style_size, SMALLEST)
    factors = [_factor("alpha", alpha), _factor("beta", beta), _factor("tv", tv)]
    require_option("start", start, ["content", "noise"])
    draw = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    watch, done, pixels = _as_watch(watch, steps), StyleTransfer(), None
    content, style = _as_pixels("content", content), _as_pixels("style", style)
    network = _as_network(network, device)
    device, shape = network.mean.device, _scaled(content, size).shape[2:]
    try:
        for step in progress(range(steps), "style transfer"):
            if step in sides:
                aim = _scaled(content, sides[step])
                model = _scaled(style, style_size * sides[step] // size)
                losses = _make_losses(network, aim.to(device), model.to(device))
                if pixels is not None:
                    pixels = _enlarged(pixels, aim.shape[2:])
                else:
                    first = aim if start == "content" else torch.rand(aim.shape, generator=draw)
                    pixels = first.to(device, copy=True)
                optimizer = torch.optim.LBFGS([pixels.requires_grad_()], 1, 1, history_size=20)
            if step in watch:
                done.frames[step] = _as_picture(pixels, shape)
            optimizer.step(partial(_look, pixels, losses, factors, done))
    except KeyboardInterrupt:
        if pixels is None:
            raise
        print(f"stopped after {len(done.style)} of {steps} steps, picture kept")
    done.picture = _as_picture(pixels, shape)
    return done


def _look(pixels, losses, factors, done):
    """One way forward and back: notes the three losses and returns what L-BFGS lowers."""
    pixels.grad = None
    parts = losses(pixels)
    for noted, part in zip((done.content, done.style, done.variation), parts, strict=True):
        noted.append(part.item())
    # a thousandfold, since torch's L-BFGS passes over changes of the slopes below 1e-10
    total = 1000 * sum(factor * part for factor, part in zip(factors, parts, strict=True))
    total.backward()
    return total


def _make_losses(network, aim, model):
    """The function of the pixels that returns the three losses, the first two relative."""
    with torch.no_grad():
        features = network(aim)[CONTENT_LAYER]
        maps = network(model)
        targets = {layer: gram_matrix(maps[layer]) for layer in STYLE_LAYERS}
        unit = features.square().mean()  # what the loss is if nothing of it is there
        weights = {layer: 1 / target.square().mean() for layer, target in targets.items()}

    def losses(pixels):
        maps = network(pixels)
        grams = {layer: gram_matrix(maps[layer]) for layer in STYLE_LAYERS}
        content = content_loss(maps[CONTENT_LAYER], features) / unit
        return content, style_loss(grams, targets, weights), total_variation(pixels)

    return losses


def _scaled(images, longest):
    """(1, 3, H, W) with the longer side of so many pixels, averaged where it shrinks."""
    height, width = images.shape[2:]
    shape = [max(SMALLEST, round(side * longest / max(height, width))) for side in (height, width)]
    return functional.interpolate(images, shape, mode="bilinear", antialias=True).clamp(0, 1)


def _enlarged(pixels, shape):
    return functional.interpolate(pixels.detach().clamp(0, 1), shape, mode="bilinear")


def _as_picture(pixels, shape):
    """(1, 3, h, w), 0 … 1 and a little beyond → (H, W, 3) uint8."""
    picture = _enlarged(pixels, shape)[0].permute(1, 2, 0) * 255
    return picture.round().to(torch.uint8).cpu().numpy()


def _as_pixels(name, image):
    """A picture (H, W, 3) uint8 as (1, 3, H, W), 0 … 1."""
    array = as_array(name, image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or 0 in array.shape:
        fix = f"; for a gray one use np.stack(3 * [{name}], axis=2)" if array.ndim == 2 else ""
        if array.ndim == 3 and array.shape[2] == 3 and array.dtype.kind == "f":
            fix = f"; if it is 0 … 1 use ({name} * 255).astype(np.uint8)"
        raise ArgumentError(f"{name} must be (H, W, 3) uint8, got {array.shape} {array.dtype}{fix}")
    return torch.tensor(np.ascontiguousarray(array)).permute(2, 0, 1)[None] / 255


def _as_plan(steps, size):
    """{first step: longer side} of each size, and how many steps there are."""
    counts = steps if isinstance(steps, tuple | list) else [steps]
    counts = [whole_number("steps", count, 1) for count in counts]
    if not counts or size >> (len(counts) - 1) < SMALLEST:
        raise ArgumentError(
            f"steps must be a whole number, or one for each of {size}, {size // 2}, … pixels "
            f"down to {SMALLEST}, got {len(counts)} numbers"
        )
    starts = [sum(counts[:place]) for place in range(len(counts))]
    return {start: size >> (len(counts) - 1 - i) for i, start in enumerate(starts)}, sum(counts)


def _as_watch(watch, total):
    if not isinstance(watch, tuple | list | range | set):
        raise ArgumentError(f"watch must be a list of steps, got {watch!r}; use ({watch!r},)")
    wrong = [step for step in watch if whole_number("watch", step, 0) >= total]
    if wrong:
        raise ArgumentError(f"watch must be steps 0 … {total - 1}, found {wrong[0]}")
    return {int(step) for step in watch}


def _as_network(network, device):
    if network is None:
        return vgg_features().to(pick_device(device))
    if not isinstance(network, VGGFeatures):
        raise ArgumentError(f"network must be a VGGFeatures, got a {type(network).__name__}")
    if device is not None:
        raise ArgumentError("give network or device, not both: it runs where the network is")
    return network


def _factor(name, value):
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ArgumentError(f"{name} must be a number from 0, got {value!r}")
    return value


def _check(name, value, shape=None):
    """Refuse all but a float tensor of `shape`; None: (N, C, H, W) or (C, H, W), not empty."""
    came = f"a {type(value).__name__}"
    if isinstance(value, torch.Tensor):
        came = f"{tuple(value.shape)} {value.dtype}"
        fits = value.shape == shape if shape else value.ndim in (3, 4) and 0 not in value.shape
        if value.is_floating_point() and fits:
            return
    wanted = f"{tuple(shape)} like its target" if shape else "(N, C, H, W) or (C, H, W)"
    raise ArgumentError(f"{name} must be a float tensor {wanted}, got {came}")
