"""Explorers of chapter 2, second half: the shape of a layer's output, and pooling under a shift."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import require_bytes
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import Explorer, choice, slider
from course_utils.figures import BLUE, SKY, VERMILION, show_image

POOLS = {"max": np.max, "mean": np.mean, "min": np.min}
LARGEST = 32  # input of the shape explorer
FARTHEST = 4  # shift of the pooling explorer


def visits(size, kernel, stride=1, padding=0, dilation=1):
    """How many windows use each of `size` pixels in a row (L2.15): (size,) int."""
    count = np.zeros(size + 2 * padding, int)
    for start in range(0, len(count) - dilation * (kernel - 1), stride):
        count[start : start + dilation * (kernel - 1) + 1 : dilation] += 1
    return count[padding : padding + size]


def shape_explorer():
    """A convolution layer's output shape and parameters, the formula filled in (L2.14–L2.16)."""
    figure = Figure(figsize=(9, 3.6), layout="none")
    figure.subplots_adjust(left=0.01, right=0.97, bottom=0.14, top=0.9, wspace=0.08)
    left, right = figure.subplots(1, 2)
    show_image(np.zeros((1, 1)), " ", left, cmap="viridis", vmin=0, vmax=1)
    show_image(np.zeros((1, 1)), " ", right)
    right.set(xlim=(0, LARGEST + 10), ylim=(LARGEST + 10, 0))
    right.set_aspect("equal")
    styles = ((False, "0.6", 1), (False, BLUE, 1), (True, VERMILION, 0.5))
    boxes = [
        right.add_patch(Rectangle((0, 0), 1, 1, fill=fill, color=colour, lw=2, alpha=alpha))
        for fill, colour, alpha in styles
    ]
    right.images[0].set_visible(False)
    right.legend(boxes, ["padded", "input", "output"], loc="upper center", bbox_to_anchor=(0.5, 0),
                 ncols=3, handlelength=1.2, columnspacing=1.2, borderaxespad=0.2)  # fmt: skip

    def draw(size, in_channels, out_channels, kernel, stride, padding, dilation):
        span = dilation * (kernel - 1) + 1
        count = visits(size, kernel, stride, padding, dilation)
        seen = np.outer(count, count)
        left.images[0].set(data=seen / max(1, seen.max()), extent=(0, size, size, 0))
        left.set(xlim=(0, size), ylim=(size, 0))
        left.apply_aspect()
        left.set_title(f"visits: corner {seen[0, 0]}, at most {seen.max()}")
        room = size + 2 * padding - span
        output = room // stride + 1 if room >= 0 else 0
        places = ((1, size + 2 * padding), (1 + padding, size), (1, output))
        for box, (place, side) in zip(boxes, places, strict=True):
            box.set_bounds(place, place, side, side)
        right.set_title(f"{in_channels} × {size} × {size} → {out_channels} × {output} × {output}")
        if room < 0:
            return f"the kernel spans {span} pixels, the padded input has {size + 2 * padding}"
        parameters = out_channels * (in_channels * kernel**2 + 1)
        formula = f"⌊({size} + 2·{padding} − {span}) / {stride}⌋ + 1 = {output}"
        return (
            f"({in_channels}, {size}, {size}) → ({out_channels}, {output}, {output}): {formula}. "
            f"Parameters: {out_channels}·({in_channels}·{kernel}² + 1) = {parameters:,}"
        )

    controls = {
        "size": slider("input size", 4, LARGEST, 28),
        "in_channels": slider("in channels", 1, 64, 1),
        "out_channels": slider("out channels = filters", 1, 64, 6),
        "kernel": slider("filter size", 1, 7, 5),
        "stride": slider("stride", 1, 4, 1),
        "padding": slider("padding", 0, 4, 0),
        "dilation": slider("dilation", 1, 3, 1),
    }
    artists = {
        "visits": left.images[0], "visits title": left.title, "boxes": boxes, "title": right.title,
    }  # fmt: skip
    return Explorer("Shape explorer", figure, artists, controls, draw)


def pooling_explorer(image):
    """Shift an image under the windows of a pooling layer and see which values change (L2.18).

    image: (H, W) 0 … 255.
    """
    given, image = image, as_array("image", image)
    if image.ndim != 2 or min(image.shape) < 7:
        raise ArgumentError(f"image must be (H, W), from 7 × 7, got {image.shape}")
    require_bytes("image", given, image)
    figure = Figure(figsize=(9, 3.2))
    axes = figure.subplots(1, 3)
    for ax, title in zip(axes, ("shifted input", "pooled", "changed by the shift"), strict=True):
        show_image(np.zeros(image.shape), title, ax, vmin=0, vmax=255)
    axes[2].images[0].set_cmap("magma")
    most = range(max(image.shape))
    rows = [axes[0].axhline(0, color=SKY, lw=0.8) for _ in most]
    columns = [axes[0].axvline(0, color=SKY, lw=0.8) for _ in most]

    def pool(picture, window, kind):
        height, width = (side // window for side in picture.shape)
        blocks = picture[: height * window, : width * window]
        return POOLS[kind](blocks.reshape(height, window, width, window), axis=(1, 3))

    def draw(right, down, window, kind):
        height, width = image.shape
        moved = np.pad(image, FARTHEST)[FARTHEST - down :, FARTHEST - right :][:height, :width]
        pooled, before = pool(moved, window, kind), pool(image, window, kind)
        change = np.abs(pooled.astype(float) - before)
        axes[1].set_title(f"{kind} of each {window} × {window}")
        for ax, picture in zip(axes, (moved, pooled, change), strict=True):
            bottom, right_edge = np.subtract(picture.shape, 0.5)
            ax.images[0].set(data=picture, extent=(-0.5, right_edge, bottom, -0.5))
            ax.set(xlim=(-0.5, right_edge), ylim=(bottom, -0.5))
        for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
            place = number * window - 0.5
            shown = window > 1 and place < max(image.shape)
            row.set(ydata=[place, place], visible=shown)
            column.set(xdata=[place, place], visible=shown)
        lit = np.maximum(pooled, before) > 0
        small = np.count_nonzero(change[lit] < 0.25 * 255)
        return (
            f"{kind} pooling {window} × {window}, shifted by ({down}, {right}): of "
            f"{np.count_nonzero(lit)} lit values {small} changed by less than a quarter of full "
            f"scale; {np.mean(pooled == 0):.0%} of all values are 0"
        )

    controls = {
        "right": slider("right", -FARTHEST, FARTHEST, 1),
        "down": slider("down", -FARTHEST, FARTHEST, 0),
        "window": choice("window", [1, 2, 4, 7], 2),
        "kind": choice("pooling", list(POOLS), "max"),
    }
    pictures = [ax.images[0] for ax in axes]
    artists = {"pictures": pictures, "windows": rows + columns, "title": axes[1].title}
    return Explorer("Pooling explorer", figure, artists, controls, draw)
