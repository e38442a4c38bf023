"""Explorers of chapter 3: gradients in deep networks, data augmentation, the gates of SE."""

import functools

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from torch import nn
from torch.nn.functional import cross_entropy
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import as_rgb
from course_utils.argument_checks.tensors import look_at_pixels, require_floats
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import Explorer, choice, slider, switch
from course_utils.figures import BLUE, VERMILION, show_image
from course_utils.language import texts
from course_utils.models import small_resnet

WIDTH, CLASSES, BATCH, SEED = 8, 10, 16, 0  # of the networks whose gradients are measured
RANGES = {True: (1e-2, 1e4), False: (1e-28, 1e2)}  # of the norms, with batch norm and without
LARGEST = 400  # side of a photo that is still quick
ROWS = 16  # channels that the gate viewer shows


def gradient_norms(images, blocks=3, shortcut=True, norm=True, he=False):
    """The norm of the loss's gradient for each 3 × 3 convolution of a new network (L3.08, L3.10).

    images: (N, 1, H, W) float32 tensor; the first 16 are used, with random labels. The network is
    `small_resnet(blocks, 8)`, with fixed random weights. shortcut: False is the plain network.
    norm: False leaves batch normalisation out. he: draw the weights of all convolutions with He's
    initialisation, σ = √(2 / inputs), in place of PyTorch's default. Returns (6 blocks + 1,)
    float64, first layer first; torch's random numbers stay as they were. Raises ArgumentError.
    """
    images = _gray_batch(images)[:BATCH]
    with torch.random.fork_rng(devices=[]):  # the seed is set on the CPU alone
        torch.default_generator.manual_seed(SEED)
        network = small_resnet(blocks, WIDTH, classes=CLASSES, shortcut=shortcut)
        labels = torch.randint(CLASSES, (len(images),))
        layers = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
        for layer in layers if he else ():
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if not norm:
        for part in list(network.modules()):
            for name, child in part.named_children():
                if isinstance(child, nn.BatchNorm2d):
                    setattr(part, name, nn.Identity())
    weights = [layer.weight for layer in layers if layer.kernel_size == (3, 3)]
    gradients = torch.autograd.grad(cross_entropy(network(images), labels), weights)
    # squares of the smallest gradients are 0 in float32
    return np.array([gradient.double().norm().item() for gradient in gradients])


def depth_explorer(images):
    """The gradient's norm by layer before training, plain or residual network (L3.08, L3.10).

    images: (N, 1, H, W) float32 tensor, N from 2, about 0 … 1; the first 16 are used. The
    networks have 6 · blocks + 2 layers. Raises ArgumentError.
    """
    images = _gray_batch(images)[:BATCH]

    @functools.cache
    def measured(kind, blocks, norm, start):
        return gradient_norms(images, blocks, kind == "residual", norm, start == "He's")

    figure = Figure(figsize=(9, 3.8), layout="none")  # the numbers on the axis change their width
    figure.subplots_adjust(left=0.13, right=0.97, bottom=0.19, top=0.9)
    ax = figure.subplots()
    ax.set(yscale="log", xlim=(-0.02, 1.02), xlabel="3 × 3 convolutions")
    ax.set(xticks=(0, 1), xticklabels=("first", "last"), ylabel="norm of the gradient")
    ax.yaxis.set(major_formatter=_power, minor_locator=NullLocator())
    ax.grid(axis="y", color="0.9")
    (line,) = ax.plot([0], [1], "o-", ms=5)
    borders = [ax.axvline(0, color="0.6", lw=1, ls=":") for _ in range(2)]
    notes = [ax.text(0, 0.99, "map halved", transform=ax.get_xaxis_transform(), fontsize=11,
                     color="0.4", ha="left", va="top") for _ in borders]  # fmt: skip
    ends = [ax.annotate("", (0, 1), xytext=(0, 12), textcoords="offset points", ha=side)
            for side in ("left", "right")]  # fmt: skip

    def draw(kind, blocks, norm, start):
        norms = measured(kind, blocks, norm, start)
        places = np.linspace(0, 1, len(norms))
        ax.set_ylim(RANGES[norm])
        line.set_data(places, norms)
        line.set_color(BLUE if kind == "residual" else VERMILION)
        for stage, (border, note) in enumerate(zip(borders, notes, strict=True), 1):
            place = places[2 * blocks * stage : 2 * blocks * stage + 2].mean()
            border.set_xdata([place, place])
            note.set_x(place + 0.006)
        first, last = norms[0], norms[-1]
        near = len(norms) // 11 + 1  # points below a number, which stands above them
        ends[0].xy, ends[1].xy = (0, norms[:near].max()), (1, norms[-near:].max())
        ends[0].set_text(_short(first))
        ends[1].set_text(_short(last))
        network = (
            f"{6 * blocks + 2} layers, {'with' if norm else 'without'} batch norm, {start} start"
        )
        ax.set_title(f"{kind}, {network}")
        ratio = f"= {_short(first / last)}" if last > 0 else "cannot be formed"
        return (
            f"{kind} network, {network}, before training: the gradient's norm is {_short(first)} in"
            f" the first 3 × 3 convolution and {_short(last)} in the last; first / last {ratio}"
        )

    controls = {
        "kind": choice("network", ["plain", "residual"], "plain"),
        "blocks": slider("blocks in each stage", 1, 9, 3),
        "norm": switch("batch norm", True),
        "start": choice("start of the weights", ["PyTorch's", "He's"], "PyTorch's"),
    }
    artists = {
        "norms": line, "borders": borders, "notes": notes, "numbers": ends, "title": ax.title,
    }  # fmt: skip
    return Explorer("Gradients by depth", figure, artists, controls, draw, ground=("norm",))


def _power(number, _):
    """A power of ten for an axis, without the slow mathematical typesetting: 10⁻⁴."""
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return "10" + str(round(np.log10(number))).translate(raised)


def _short(number):
    """A number with two digits that count: 630, 1.1, 0.0075, 7.1e-28."""
    return f"{float(f'{number:.2g}'):g}"


def _gray_batch(images):
    """A batch of gray images (N, 1, H, W), float32, finite. Raises ArgumentError."""
    require_floats("images", images, dtype=torch.float32, pixels=True)
    if images.ndim != 4 or images.shape[1] != 1:
        fix = "; for gray images use images[:, None]" if images.ndim == 3 else ""
        raise ArgumentError(f"images must be (N, 1, H, W), got {tuple(images.shape)}{fix}")
    if len(images) < 2 or min(images.shape[2:]) < 4:
        raise ArgumentError(f"images must be 2 or more, from 4 × 4, got {tuple(images.shape)}")
    if not images.isfinite().all():
        fix = advice.finite("images", images)
        raise ArgumentError(f"images must be finite, got NaN or inf; use {fix}")
    look_at_pixels("images", images)
    return images.detach().cpu()


def _augment(photo, rotation, flip, scale, right, brightness, colour):
    """A photo mirrored, then turned and scaled about its centre and moved, then recoloured.

    rotation: degrees clockwise. right: % of the width. What comes in from outside is black.
    """
    image = torch.tensor(photo).permute(2, 0, 1)
    if flip:
        image = transforms.horizontal_flip(image)
    move = [round(right * image.shape[2] / 100), 0]
    image = transforms.affine(
        image, rotation, move, scale, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR
    )
    image = transforms.adjust_brightness(image, brightness)
    return transforms.adjust_saturation(image, colour).permute(1, 2, 0).numpy()


def augmentation_explorer(photos):
    """Change a photo in ways that leave its label as it is (L3.05).

    photos: dict of name → (H, W, 3) uint8, no side above 400 pixels. Raises ArgumentError.
    """
    if not isinstance(photos, dict) or not photos:
        raise ArgumentError(
            f"photos must be a dict of name → photo, not empty, got {type(photos).__name__}; "
            'use {"coffee": load_photo("coffee", 300)}'
        )
    photos = {name: _checked_photo(f"photos[{name!r}]", photo) for name, photo in photos.items()}
    first = next(iter(photos))
    figure = Figure(figsize=(9, 3.6), layout="none")  # photos of any format find room
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.9, wspace=0.04)
    before, after = figure.subplots(1, 2)
    for ax in (before, after):
        show_image(photos[first], " ", ax, interpolation="antialiased")

    def draw(photo, rotation, flip, scale, right, brightness, colour):
        original = photos[photo]
        changed = _augment(original, rotation, flip, scale, right, brightness, colour)
        height, width = original.shape[:2]
        for ax, shown in ((before, original), (after, changed)):
            ax.images[0].set(data=shown, extent=(0, width, height, 0))
            ax.set(xlim=(0, width), ylim=(height, 0))
            ax.apply_aspect()
        done = _in_words(rotation, flip, scale, right, brightness, colour)
        before.set_title(f"original: {photo}")
        title = ", ".join(short for short, _ in done) or "unchanged"
        after.set_title(title if len(title) < 32 else f"changed in {len(done)} ways")
        words = ", ".join(long for _, long in done) or "nothing is changed"
        return f"{photo}: {words}; the label stays"

    controls = {
        "photo": choice("photo", list(photos), first),
        "rotation": slider("rotation, degrees", -45, 45, 20),
        "flip": switch("mirror", True),
        "scale": slider("scale", 0.5, 2.0, 1.2, 0.05, ".2f"),
        "right": slider("move right, % of width", -40, 40, 0),
        "brightness": slider("brightness", 0.2, 2.0, 1.0, 0.05, ".2f"),
        "colour": slider("colour", 0.0, 2.0, 1.0, 0.05, ".2f"),
    }
    artists = {
        "before": before.images[0], "title before": before.title,
        "after": after.images[0], "title after": after.title,
    }  # fmt: skip
    return Explorer("Augmentation explorer", figure, artists, controls, draw, photo=True)


texts("mirrored", "turned by {0} degree {1}", "turned by {0} degrees {1}")


def _in_words(rotation, flip, scale, right, brightness, colour):
    """What a setting of `_augment` does: list of (short for a title, long for the text)."""
    done = []
    if flip:
        done.append(("mirrored", "mirrored"))
    if rotation:
        way = "clockwise" if rotation > 0 else "counterclockwise"
        size = f"{abs(rotation)} degree{'' if abs(rotation) == 1 else 's'}"
        done.append((f"{rotation}°".replace("-", "−"), f"turned by {size} {way}"))
    if f"{scale:.2f}" != "1.00":
        done.append((f"size {scale:.2f}", f"scaled by {scale:.2f}"))
    if right:
        way = "right" if right > 0 else "left"
        done.append((f"{way} {abs(right)} %", f"moved {way} by {abs(right)} % of the width"))
    for name, factor in (("brightness", brightness), ("colour", colour)):
        if f"{factor:.2f}" != "1.00":
            done.append((f"{name[:6]} {factor:.2f}", f"{name} times {factor:.2f}"))
    return done


def _checked_photo(name, photo):
    """A photo (H, W, 3) uint8, no side above LARGEST. Raises ArgumentError."""
    given, photo = photo, as_rgb(name, photo)
    if max(photo.shape) > LARGEST:
        n = -(-max(photo.shape) // LARGEST)
        fix = advice.part(name, given, f"[::{n}, ::{n}]")
        raise ArgumentError(f"{name} must have sides up to {LARGEST}, got {photo.shape}; use {fix}")
    return photo


def gate_viewer(gates, names):
    """The mean gate of two classes in the 16 channels in which they differ most (L3.12).

    gates: (classes, channels) float, 0 … 1, of squeeze and excitation. names: list of the classes'
    names, from two. One row a channel: a dot for A, one for B, and small ones for the others.
    Channels count from 0. Raises ArgumentError.
    """
    names = [str(name) for name in names]
    given, gates = gates, as_array("gates", gates).astype(float)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ArgumentError(f"names must be two or more different names, got {names}")
    if gates.ndim != 2 or len(gates) != len(names) or gates.shape[1] < 1:
        turned = gates.ndim == 2 and gates.shape[1] == len(names)
        fix = f"; use {advice.part('gates', given, '.T')}" if turned else ""
        raise ArgumentError(
            f"gates must be (classes, channels), here ({len(names)}, C), got {gates.shape}{fix}"
        )
    if not ((gates >= 0) & (gates <= 1)).all():  # nan is refused too
        span = f"{gates.min():g} … {gates.max():g}"
        raise ArgumentError(f"gates must be 0 … 1, got {span}; use what the sigmoid returns")
    rows = np.arange(min(ROWS, gates.shape[1]))
    figure = Figure(figsize=(9, 5.4))
    ax = figure.subplots()
    others = ax.plot([], [], "o", color="0.75", ms=5)[0]
    lines = [ax.plot([], [], color="0.5", lw=2)[0] for _ in rows]
    ones = ax.plot([], [], "o", color=BLUE, ms=10)[0]
    twos = ax.plot([], [], "s", color=VERMILION, ms=9)[0]
    left = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "center", "fontsize": 11}
    numbers = [ax.text(-0.015, row, "", **left) for row in rows]
    ax.set(xlim=(-0.02, 1.02), ylim=(rows[-1] + 0.7, -0.7), yticks=[])
    ax.set(xlabel="mean gate: 0 holds a channel back, 1 lets it through")
    ax.set_ylabel("channel", labelpad=32)
    ax.set_title(" \n ")
    ax.grid(axis="x", color="0.9")
    legend = figure.legend([ones, twos, others], ["A", "B", "the other classes"], ncols=3,
                           loc="outside upper center", frameon=False, fontsize=12)  # fmt: skip

    def draw(a, b, by_a):
        one, two = gates[names.index(a)], gates[names.index(b)]
        chosen = np.argsort(-np.abs(one - two), kind="stable")[: len(rows)]
        key = one if by_a else one - two
        chosen = chosen[np.argsort(-key[chosen], kind="stable")]
        ones.set_data(one[chosen], rows)
        twos.set_data(two[chosen], rows)
        rest = [values[chosen] for name, values in zip(names, gates, strict=True)
                if name not in (a, b)]  # fmt: skip
        others.set_data(np.ravel(rest), np.tile(rows, len(rest)))
        for row, channel in enumerate(chosen):
            lines[row].set_data([one[channel], two[channel]], [row, row])
            numbers[row].set_text(f"{channel}")
        for text, label in zip(legend.get_texts()[:2], (f"A: {a}", f"B: {b}"), strict=True):
            text.set_text(label)
        order = "the most open for A above" if by_a else "more open for A above, for B below"
        ax.set_title(f"{len(rows)} channels in which A and B differ most,\n{order}")
        most = int(np.abs(one - two).argmax())
        same = np.array_equal(one, two)
        finding = "no channel differs" if same else f"channel {most} differs most"
        values = "" if same else f": {one[most]:.2f} against {two[most]:.2f}"
        return f"mean gate {a} {one.mean():.2f}, {b} {two.mean():.2f}; {finding}{values}"

    controls = {
        "a": choice("class A", names, names[0]),
        "b": choice("class B", names, names[1]),
        "by_a": switch("sort by A", False),
    }
    artists = {
        "lines": lines, "others": others, "A": ones, "B": twos, "numbers": numbers,
        "legend": legend, "title": ax.title,
    }  # fmt: skip
    return Explorer("Gate viewer", figure, artists, controls, draw)
