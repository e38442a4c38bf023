"""Maps of classes, segments and masks as pictures: a class has one colour."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgba_array

from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.errors import ArgumentError
from course_utils.figures import (
    BLUE,
    GREEN,
    ORANGE,
    PALE_BLUE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    show,
)

COLOURS = (
    SKY, ORANGE, GREEN, YELLOW, BLUE, VERMILION, PURPLE, "#FAFAFA", "#5020A8", "#98E090",
)  # fmt: skip
# ten that no eyes take for one another, nor for STUFF or VOID
THINGS = (255 * to_rgba_array(COLOURS)[:, :3]).round().astype(np.uint8)
STUFF = np.array([(52, 84, 40), (150, 80, 80), (105, 105, 112), (30, 30, 60)], np.uint8)
VOID = (0, 0, 0)


def colour_classes(labels, things=10):
    """The map of classes as a picture: (H, W) whole numbers → (H, W, 3) uint8.

    things: classes from this number on are stuff, in darker colours. 255 and negative ones: black.
    Raises ArgumentError.
    """
    labels = _as_map("labels", labels)
    things = whole_number("things", things, 1)
    thing = THINGS[labels % len(THINGS)]
    stuff = STUFF[(labels - things) % len(STUFF)]
    picture = np.where((labels < things)[..., None], thing, stuff)
    picture[(labels < 0) | (labels == 255)] = VOID
    return picture


def left_to_right(masks):
    """The place of each mask from left to right, by its mean column: (N, H, W) bool → (N,), 0 …"""
    masks = as_array("masks", masks)
    if masks.ndim != 3 or masks.dtype != bool:
        raise ArgumentError(f"masks must be (N, H, W) bool, got {masks.shape} {masks.dtype}")
    columns = masks.sum(axis=1) @ np.arange(masks.shape[2])
    means = columns / np.maximum(masks.sum(axis=(1, 2)), 1)
    return means.argsort(kind="stable").argsort()


def colour_segments(ids, things=10):
    """Panoptic ids (1000 · class + number) as a picture: a thing's colour is its place.

    Stuff has its class's colour; things are coloured from left to right, as in `colour_masks`.
    ids: (H, W) whole numbers. things: as in `colour_classes`. Raises ArgumentError.
    """
    ids = _as_map("ids", ids)
    thing = (ids >= 0) & (ids // 1000 < things)
    picture = colour_classes(np.where(thing, -1, ids // 1000), things)
    masks = ids == np.unique(ids[thing])[:, None, None]
    picture[thing] = colour_masks(masks)[thing]
    return picture


def colour_masks(masks):
    """Masks (N, H, W) bool as one picture (H, W, 3) uint8, black elsewhere.

    The colour is the place from left to right: sky blue, orange, green, yellow, blue, vermilion …
    Where two masks overlap, the first one is seen. Raises ArgumentError.
    """
    places = left_to_right(masks)
    picture = np.zeros((*np.shape(masks)[1:], 3), np.uint8)
    for mask, place in reversed(list(zip(as_array("masks", masks), places, strict=True))):
        picture[mask] = THINGS[place % len(THINGS)]
    return picture


def show_unet(encoder, decoder, *, width=9, alt=None):
    """Show a network in the shape of a U: the encoder goes down, the decoder up beside it.

    encoder: texts from the picture down to the smallest map. decoder: one fewer, from the map above
    the smallest up to the scores. Between the two of a level, other than the first, is a skip
    connection. width: of the figure, in inches. alt: as in `show`. Raises ArgumentError.
    """
    levels = len(encoder)
    if levels < 2 or len(decoder) != levels - 1:
        counts = f"{levels} and {len(decoder)} texts"
        raise ArgumentError(f"encoder must have one text more than decoder, from two, got {counts}")
    figure, ax = plt.subplots(figsize=(width, 0.95 * levels), layout="constrained")
    left = [(-3.8 + 1.5 * i / max(levels - 2, 1), -i) for i in range(levels - 1)] + [
        (0, 1 - levels)
    ]
    right = [(-x, y) for x, y in left[-2::-1]]
    for texts, places in ((encoder, left), (decoder, right)):
        for text, (x, y) in zip(texts, places, strict=True):
            ax.text(x, y, text, ha="center", va="center", fontsize=12,
                    bbox={"boxstyle": "round,pad=0.35", "fc": PALE_BLUE, "ec": "0.3"})  # fmt: skip
    way = left + right
    for (x, y), (to_x, to_y) in itertools.pairwise(way):
        half = 0.27 * (to_y - y)  # up or down, to the edges of the boxes
        _arrow(ax, (x, y + half), (to_x, to_y - half), "0.3")
    for (x, y), (to_x, _) in zip(left[1:-1], right[-2::-1], strict=True):
        _arrow(ax, (x + 0.85, y), (to_x - 1.05, y), VERMILION)
        ax.text((x + to_x) / 2 - 0.1, y + 0.08, "skip connection", ha="center", va="bottom",
                color=VERMILION, fontsize=12)  # fmt: skip
    for x, name in ((left[0][0], "encoder"), (right[-1][0], "decoder")):
        ax.text(x, 0.45, name, ha="center", va="bottom", fontsize=13, fontweight="bold")
    ax.set(xlim=(-4.9, 4.9), ylim=(0.5 - levels, 0.75))
    ax.set_axis_off()
    show(figure, alt=alt)


def _arrow(ax, start, end, colour):
    style = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style, zorder=0)


def _as_map(name, value):
    array = as_array(name, value)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise ArgumentError(f"{name} must be (H, W) whole numbers, got {array.shape} {array.dtype}")
    return array.astype(int)
