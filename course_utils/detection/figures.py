"""Pictures with the boxes that were found on them: x1, y1, x2, y2, edges. Matplotlib only."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import as_drawn
from course_utils.errors import ArgumentError
from course_utils.figures import VERMILION, YELLOW, show, show_image


def draw_boxes(ax, boxes, texts=(), colour=YELLOW, dashed=False):
    """Draw boxes (N, 4), xyxy in pixels, over an image on `ax`, each with its text if there is one.

    texts: as many as there are boxes, or none. Raises ArgumentError.
    """
    boxes = as_array("boxes", boxes).reshape(-1, 4)
    if len(texts) not in (0, len(boxes)):
        raise ArgumentError(f"there are {len(boxes)} boxes and {len(texts)} texts")
    halo = [patheffects.withStroke(linewidth=2.5, foreground="black")]
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        outline = {"fill": False, "ec": colour, "lw": 2, "ls": "--" if dashed else "-"}
        corner = (x1 - 0.5, y1 - 0.5)
        ax.add_patch(plt.Rectangle(corner, x2 - x1, y2 - y1, **outline, path_effects=halo))
        if len(texts):
            place, side = (y1 - 1, "bottom") if y1 > 6 else (y1 + 0.2, "top")  # above, or inside
            font = {"color": colour, "fontsize": 12, "fontweight": "bold", "va": side}
            ax.text(x1 - 0.2, place, texts[i], **font, path_effects=halo)


def show_boxes(pictures, alt, columns=None, width=10):
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
            draw_boxes(ax, dashed[0], colour=VERMILION, dashed=True)
        draw_boxes(ax, boxes, texts)
    show(figure, alt, photo=True)
