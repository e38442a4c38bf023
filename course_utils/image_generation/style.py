"""Neural style transfer (L4.18): the content of one picture in the style of another. Torch.

Source: Gatys, Ecker and Bethge, arXiv:1508.06576, CVPR 2016. It runs where the network is.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils.argument_checks.arrays import finite_number, whole_number
from course_utils.argument_checks.models import require_module
from course_utils.argument_checks.pictures import as_rgb
from course_utils.argument_checks.tensors import require_floats
from course_utils.data import load_weights
from course_utils.errors import ArgumentError
from course_utils.progress import progress

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LAYER = "relu3_2"
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512,))  # VGG-16's channels up to conv4_1
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's red, green, blue, 0 … 1
SMALLEST = 16  # pixels a side: relu4_1 then has 2 × 2 places


@dataclass
class StyleTransfer:
    """What `transfer_style` returns: the picture (H, W, 3) uint8, and how it came to be.

    frames: dict of step → picture. content, style, variation: lists of the losses, without alpha,
    beta and tv, at each step and last of the picture. A step may try pixels that are worse.
    """

    picture: object = None
    frames: dict = field(default_factory=dict)
    content: list = field(default_factory=list)
    style: list = field(default_factory=list)
    variation: list = field(default_factory=list)


def gram_matrix(features):
    """The mean over all places of the product of two channels, F Fᵀ / (H W).

    features: (N, C, H, W) or (C, H, W) float. Returns (N, C, C) or (C, C). Raises ArgumentError.
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
    total = 0
    for layer, target in targets.items():
        _check(f"grams[{layer!r}]", grams[layer], target)
        part = functional.mse_loss(grams[layer], target)
        total = total + (part if weights is None else weights[layer] * part)
    return total / len(targets)


def content_loss(features, target):
    """Mean squared difference of two feature maps of the same shape. Raises ArgumentError."""
    _check("features", features, target)
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
    weights of `data/weights` want it. layers: the modules, numbered as torchvision's features; the
    pooling takes means, as Gatys et al. recommend, and not maxima, as the network was trained.
    """

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential()
        self.names = {}
        ins = 3
        for stage, channels in enumerate(STAGES, 1):
            for number, outs in enumerate(channels, 1):
                self.layers.append(nn.Conv2d(ins, outs, 3, padding=1))
                self.names[len(self.layers)] = f"relu{stage}_{number}"
                self.layers.append(nn.ReLU())
                ins = outs
            if stage < len(STAGES):
                self.layers.append(nn.AvgPool2d(2))
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def forward(self, images):
        require_floats("images", images, dtype=self.mean.dtype, pixels=True)
        x = (images - self.mean) / self.std
        maps = {}
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.names:
                maps[self.names[index]] = x
        return maps


def vgg_features(trained=True):
    """A frozen `VGGFeatures` with the course's weights, in evaluation mode, on the CPU.

    trained: False draws orthogonal weights instead, always the same, as a control: the network
    before any training.
    """
    network = VGGFeatures()
    if trained:
        arrays = load_weights("vgg16")
        network.layers.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    else:
        generator = torch.Generator().manual_seed(0)
        for layer in network.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.orthogonal_(layer.weight, math.sqrt(2), generator=generator)
                nn.init.zeros_(layer.bias)
    # RGB last in memory: torch convolves that faster
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def transfer_style(content, style, network, alpha=1.0, beta=10.0, tv=1.0, steps=(50, 20), size=192,
                   watch=()):  # fmt: skip
    """Change pixels until their features are the content's and their Gram matrices the style's.

    content, style: (H, W, 3) uint8. network: a `VGGFeatures`; it runs where the network is.
    The loss is alpha · content + beta · style + tv · variation; the first two are relative: 1 is
    the mean square of the target. L-BFGS moves the pixels, which start as the content's.
    steps: how many at each size, the last with sides up to `size`, those before half as large each
    time (broad strokes cost less there); a whole number: all at `size`. watch: steps whose picture
    is kept. Returns a `StyleTransfer`, after an interrupt with what there is. Raises ArgumentError.
    """
    plan = _as_plan(steps, whole_number("size", size, SMALLEST))
    given = {"alpha": alpha, "beta": beta, "tv": tv}
    factors = [finite_number(name, factor, zero=True) for name, factor in given.items()]
    total = sum(count for _, count in plan)
    watch = _as_watch(watch, total)
    content = _as_pixels("content", content)
    style = _as_pixels("style", style)
    require_module("network", network, VGGFeatures)
    shape = _scaled(content, size).shape[2:]
    result = StyleTransfer()
    descent = None

    def look(pixels):
        if len(result.style) in watch:
            result.frames[len(result.style)] = _as_picture(pixels, shape)
        bar.update()

    with progress(range(total), "style transfer") as bar:
        try:
            for side, count in plan:
                small = _scaled(content, side)
                loss_of = _Loss(network, small, _scaled(style, side), factors, result)
                start = _enlarged(descent.best if descent else small, small.shape[2:])
                descent = _Descent(loss_of, start.to(network.mean), count, look)
                descent.run()
            loss_of(descent.best)
        except KeyboardInterrupt:
            if descent is None:
                raise
            print(f"stopped after {len(result.style)} of {total} steps, picture kept")
    result.picture = _as_picture(descent.best, shape)
    return result


class _Descent:
    """L-BFGS on pixels, in exactly so many steps; `best` are the pixels of the lowest loss so far.

    A step is one evaluation of the loss, those of the line search among them. look: called with the
    pixels before each step.
    """

    def __init__(self, loss_of, start, steps, look):
        self.loss_of = loss_of
        self.look = look
        self.steps_left = steps
        self.best = start
        self.lowest = math.inf
        self.pixels = start.clone().requires_grad_()

    def run(self):
        """Take all steps."""
        optimizer = torch.optim.LBFGS(
            [self.pixels], 1, self.steps_left, line_search_fn="strong_wolfe"
        )
        with torch.enable_grad():  # an interrupt may have left it off
            while self.steps_left:
                optimizer.step(self._evaluate)

    def _evaluate(self):
        """The loss, and its slopes in `pixels.grad`, as L-BFGS asks for them."""
        if not self.steps_left:  # a slope of 0: L-BFGS stops there, also amid a line search
            self.pixels.grad = torch.zeros_like(self.pixels)
            return -math.inf
        self.steps_left -= 1
        self.pixels.grad = None
        self.look(self.pixels)
        loss = self.loss_of(self.pixels)
        if loss < self.lowest:
            self.lowest = loss.item()
            self.best = self.pixels.detach().clone()
        # a thousandfold, since torch's L-BFGS passes over changes of the slopes below 1e-10
        (1000 * loss).backward()
        return 1000 * loss.detach()


class _Loss:
    """The weighted sum of the three losses of pixels; notes each of them in a `StyleTransfer`."""

    def __init__(self, network, content, style, factors, result):
        self.network = network
        self.factors = factors
        self.result = result
        with torch.no_grad():
            self.features = network(content.to(network.mean))[CONTENT_LAYER]
            maps = network(style.to(network.mean))
            self.grams = {layer: gram_matrix(maps[layer]) for layer in STYLE_LAYERS}
            self.unit = self.features.square().mean()  # the loss of a picture without any features
            self.weights = {layer: 1 / gram.square().mean() for layer, gram in self.grams.items()}

    def __call__(self, pixels):
        maps = self.network(pixels)
        grams = {layer: gram_matrix(maps[layer]) for layer in STYLE_LAYERS}
        content = content_loss(maps[CONTENT_LAYER], self.features) / self.unit
        style = style_loss(grams, self.grams, self.weights)
        variation = total_variation(pixels)
        self.result.content.append(content.item())
        self.result.style.append(style.item())
        self.result.variation.append(variation.item())
        alpha, beta, tv = self.factors
        return alpha * content + beta * style + tv * variation


def _scaled(images, longest):
    """(1, 3, H, W) with a longer side of `longest` pixels, averaged where it shrinks."""
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
    array = as_rgb(name, image)
    return torch.tensor(np.ascontiguousarray(array)).permute(2, 0, 1)[None] / 255


def _as_plan(steps, size):
    """[(longer side, steps)] from the smallest size to `size`."""
    counts = steps if isinstance(steps, tuple | list) else [steps]
    counts = [whole_number("steps", count, 1) for count in counts]
    if not counts or size >> (len(counts) - 1) < SMALLEST:
        sizes = f"{size}, {size // 2}, … pixels from {SMALLEST} on"
        raise ArgumentError(f"steps must be one number for each of {sizes}, got {counts}")
    return [(size >> (len(counts) - 1 - place), count) for place, count in enumerate(counts)]


def _as_watch(watch, total):
    if not isinstance(watch, tuple | list | range):
        raise ArgumentError(f"watch must be a list of steps, got {watch!r}; use [{watch!r}]")
    if any(whole_number("watch", step, 0) >= total for step in watch):
        raise ArgumentError(f"watch must be steps 0 … {total - 1}, found {max(watch)}")
    return watch


def _check(name, value, target=None):
    """Refuse all but a float tensor like its target; None: (N, C, H, W) or (C, H, W)."""
    require_floats(name, value)
    if target is not None:
        require_floats("target", target)
    came = f"{tuple(value.shape)} {value.dtype}"
    if target is None and not (value.ndim in (3, 4) and value.numel()):
        raise ArgumentError(f"{name} must be (N, C, H, W) or (C, H, W), got {came}")
    if target is not None and value.shape != target.shape:
        raise ArgumentError(f"{name} must be {tuple(target.shape)} like target, got {came}")
