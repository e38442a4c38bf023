"""Pictures with what was found on them: boxes, maps of classes, segments. Matplotlib only.

Boxes are x1, y1, x2, y2, edges; a class or segment has one colour throughout the chapter.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects

from course_utils.arguments import as_array, whole_number
from course_utils.errors import ArgumentError
from course_utils.figures import show, show_image
from course_utils.picture_arguments import as_drawn

YELLOW, ORANGE, BLUE = "#F0E442", "#D55E00", "#0072B2"
THINGS = np.array(  # ten that no eyes take for one another, nor for STUFF or VOID
    [(86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (0, 114, 178),
     (213, 94, 0), (204, 121, 167), (250, 250, 250), (80, 32, 168), (152, 224, 144)], np.uint8,
)  # fmt: skip
STUFF = np.array([(52, 84, 40), (150, 80, 80), (105, 105, 112), (30, 30, 60)], np.uint8)
VOID = (0, 0, 0)


def draw_boxes(ax, boxes, texts=(), colour=YELLOW, dashed=False):
    """Draw boxes (N, 4), xyxy in pixels, over an image on `ax`, each with its text if there is one.

    texts: as many as there are boxes, or none. Raises ArgumentError.
    """
    boxes = as_array("boxes", boxes).reshape(-1, 4)
    if len(texts) not in (0, len(boxes)):
        raise ArgumentError(f"there are {len(boxes)} boxes and {len(texts)} texts")
    halo = [patheffects.withStroke(linewidth=2.5, foreground="black")]
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        ax.add_patch(
            plt.Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, ec=colour, lw=2,
                          ls="--" if dashed else "-", path_effects=halo)
        )  # fmt: skip
        if len(texts):
            place, side = (y1 - 1, "bottom") if y1 > 6 else (y1 + 0.2, "top")  # above, or inside
            ax.text(x1 - 0.2, place, texts[i], color=colour, fontsize=12, fontweight="bold",
                    va=side, path_effects=halo)  # fmt: skip


def show_boxes(pictures, alt, columns=None, width=10, photo=True):
    """Show pictures side by side in one figure, each with its boxes.

    pictures: list of (title, image, boxes, texts), as `show_image` and `draw_boxes` take them; a
    row may end with a list of boxes to draw dashed. alt: as in `show`. columns: pictures in a row,
    default all. width: of the figure, in inches. Raises ArgumentError.
    """
    if not pictures:
        raise ArgumentError("pictures must hold at least one row (title, image, boxes, texts)")
    for _, image, *_ in pictures:
        as_drawn("image", image)  # before a figure is begun
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    tallest = max(np.shape(image)[0] / np.shape(image)[1] for _, image, *_ in pictures)
    height = rows * (0.95 * width / columns * tallest + 0.36)
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (title, image, boxes, texts, *dashed) in zip(axes.flat, pictures, strict=False):
        ax.set_axis_on()
        show_image(image, title, ax)
        if dashed:
            draw_boxes(ax, dashed[0], colour=ORANGE, dashed=True)
        draw_boxes(ax, boxes, texts)
    show(figure, alt, photo)


def colour_classes(labels, things=10):
    """The map of classes as a picture: (H, W) whole numbers → (H, W, 3) uint8.

    things: classes from this number on are stuff, in darker colours. 255 and negative ones: black.
    Raises ArgumentError.
    """
    labels, things = _as_map("labels", labels), whole_number("things", things, 1)
    thing, stuff = THINGS[labels % len(THINGS)], STUFF[(labels - things) % len(STUFF)]
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
