"""Maps of classes, segments and masks as pictures: a class has one colour."""

import numpy as np
from matplotlib.colors import to_rgba_array

from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.errors import ArgumentError
from course_utils.figures import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

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


def colour_segments(ids, things=10):
    """Panoptic ids (1000 · class + number) as a picture: each thing its own colour by its number.

    ids: (H, W) whole numbers. things: as in `colour_classes`. Raises ArgumentError.
    """
    ids = _as_map("ids", ids)
    thing = (ids >= 0) & (ids // 1000 < things)
    picture = colour_classes(np.where(thing, -1, ids // 1000), things)
    picture[thing] = THINGS[(ids[thing] % 1000 - 1) % len(THINGS)]
    return picture


def colour_masks(masks):
    """Masks (N, H, W) bool as one picture (H, W, 3) uint8: each its own colour, black elsewhere."""
    masks = as_array("masks", masks)
    if masks.ndim != 3 or masks.dtype != bool:
        raise ArgumentError(f"masks must be (N, H, W) bool, got {masks.shape} {masks.dtype}")
    picture = np.zeros((*masks.shape[1:], 3), np.uint8)
    for number, mask in enumerate(masks):
        picture[mask] = THINGS[number % len(THINGS)]
    return picture


def _as_map(name, value):
    array = as_array(name, value)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise ArgumentError(f"{name} must be (H, W) whole numbers, got {array.shape} {array.dtype}")
    return array.astype(int)
