"""Pictures with the boxes that were found on them: x1, y1, x2, y2, edges. Matplotlib only."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import as_drawn
from course_utils.errors import ArgumentError
from course_utils.figures import YELLOW, show, show_image

FONT = 12  # points, of a box's text


def draw_boxes(ax, boxes, texts=(), colour=YELLOW, dashed=False):
    """Draw boxes (N, 4), xyxy in pixels, over an image on `ax`, each with its text if there is one.

    texts: as many as there are boxes, or none; each keeps clear of those before it, as far as its
    box has room. Raises ArgumentError.
    """
    boxes = as_array("boxes", boxes).reshape(-1, 4)
    if len(texts) not in (0, len(boxes)):
        raise ArgumentError(f"there are {len(boxes)} boxes and {len(texts)} texts")
    halo = [patheffects.withStroke(linewidth=2.5, foreground="black")]
    edge = [patheffects.withStroke(linewidth=4, foreground="black")]
    taken = []  # where texts stand
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        outline = {"fill": False, "ec": colour, "lw": 2, "ls": "--" if dashed else "-"}
        corner = (x1 - 0.5, y1 - 0.5)
        ax.add_patch(plt.Rectangle(corner, x2 - x1, y2 - y1, **outline, path_effects=edge))
        if len(texts):
            x, y, across, side = _free_place(ax, (x1, y1, x2, y2), texts[i], taken)
            font = {"color": colour, "fontsize": FONT, "fontweight": "bold", "va": side}
            ax.text(x, y, texts[i], ha=across, **font, path_effects=halo)


def _free_place(ax, box, text, taken):
    """x, y and both alignments of a box's text: the first of its places where all of it is seen.

    Above the box, inside it or below it, at its left or its right edge. taken: the extents of the
    texts before, in pixels of the figure; this one's is added.
    """
    x1, y1, x2, y2 = box
    top = [(y1 - 1, "bottom")] if y1 > 6 else [(y1 + 0.2, "top")]  # above, or inside
    low = [(y2 - 1.2, "bottom"), (y2, "top")]
    places = [(x1 - 0.2, y, "left", side) for y, side in top + low]
    places += [(x2 - 0.8, y, "right", side) for y, side in top + low]
    high = FONT * ax.figure.dpi / 72
    wide = 0.65 * high * len(text)
    extents = []
    for x, y, across, side in places:
        left, base = ax.transData.transform((x, y))
        left -= wide if across == "right" else 0
        base -= high if side == "top" else 0
        extents.append((left, base, left + wide, base + high))
    window = ax.bbox.extents  # what lies beyond it may be cut off
    area = [
        (x2 - x1) * (y2 - y1) - _overlap((x1, y1, x2, y2), window) for x1, y1, x2, y2 in extents
    ]
    covered = [
        beyond + sum(_overlap(extent, other) for other in taken)
        for beyond, extent in zip(area, extents, strict=True)
    ]
    best = int(np.argmin(covered))
    taken.append(extents[best])
    return places[best]


def _overlap(one, other):
    """The area that two rectangles (x1, y1, x2, y2) share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def show_boxes(pictures, *, columns=None, width=10, alt=None):
    """Show pictures side by side in one figure, each with its boxes.

    pictures: list of (title, image, boxes, texts), as `show_image` and `draw_boxes` take them; a
    row may end with a list of boxes to draw dashed. columns: pictures in a row, default all.
    width: of the figure, in inches. alt: as in `show`. Raises ArgumentError.
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
            draw_boxes(ax, dashed[0], colour="white", dashed=True)
        draw_boxes(ax, boxes, texts)
    show(figure, photo=True, alt=alt)
