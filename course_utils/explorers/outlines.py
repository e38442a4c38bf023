"""What the explorers of chapter 4 draw over a picture: outlines of boxes and regions, in one line.

One line with gaps is drawn many times faster than a patch for each box.
"""

import numpy as np
from matplotlib.lines import Line2D

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import require_finite
from course_utils.errors import ArgumentError
from course_utils.figures import show_image

WIDTHS = ((15, 2.5, 2), (60, 1.6, 1.5), (150, 1.1, 1), (np.inf, 0.7, 0.4))  # outlines, width, halo
LARGEST = 400  # side of a picture that is still quick


def as_picture(image):
    """A picture (H, W, 3) or (H, W) uint8 as (H, W, 3) uint8. Raises ArgumentError."""
    array = as_array("image", image)
    if array.ndim == 3 and array.shape[0] == 3 != array.shape[2]:
        last = advice.moved("image", image, 1, 2, 0)
        raise ArgumentError(f"image must be (H, W, 3), got {array.shape}; use {last}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or not array.size:
        fix = f"; use {advice.part('image', image, '[0]')}" if array.ndim == 4 else ""
        raise ArgumentError(f"image must be (H, W, 3) or (H, W), got {array.shape}{fix}")
    if array.dtype != np.uint8:
        require_finite("image", image, array)
        fix = advice.in_bytes("image", image, array)
        raise ArgumentError(f"image must be uint8, got {array.dtype}; use {fix}")
    if max(array.shape) > LARGEST:
        n = -(-max(array.shape) // LARGEST)
        fix = advice.part("image", image, f"[::{n}, ::{n}]")
        raise ArgumentError(f"image must have sides up to {LARGEST}, got {array.shape}; use {fix}")
    return array if array.ndim == 3 else np.stack([array] * 3, axis=2)


def is_photo(image):
    """Whether a picture (H, W, 3) is smaller as a JPEG; enlarged pixels are smaller as a PNG."""
    return max(image.shape) > 128


def as_names(class_names, count):
    """At least `count` names of classes, all different, as texts. Raises ArgumentError."""
    if isinstance(class_names, str) or not hasattr(class_names, "__len__"):
        raise ArgumentError(f"class_names must be a list of names, got {class_names!r:.50}")
    names = [str(name) for name in class_names]
    if len(set(names)) < len(names):
        raise ArgumentError(f"class_names must be different, got {names}")
    if len(names) < count:
        raise ArgumentError(f"class_names must be {count} or more names, got {len(names)}")
    return names


def shortened(name, letters):
    """A name with at most so many letters, the last an ellipsis if some are cut off."""
    return name if len(name) <= letters else name[: letters - 1] + "…"


def picture_axes(figure, place, image, title=" "):
    """Axes at `place` (left, bottom, width, height; 0 … 1) with a picture, under its title."""
    ax = figure.add_axes(place)
    show_image(image, title, ax)
    ax.set_anchor("N")
    return ax


def add_outline(ax, colour, **options):
    """Two empty lines on `ax`, a black one under a coloured one: legible on every picture."""
    options = {"solid_capstyle": "projecting", "solid_joinstyle": "miter"} | options
    return [ax.add_line(Line2D([], [], color=c, **options)) for c in ("black", colour)]


def set_outline(lines, path, count=1):
    """Lay the lines of `add_outline` along a path (2, N), NaN where the pen is lifted.

    count: how many outlines that is; many are drawn thin.
    """
    width, halo = next(pair[1:] for pair in WIDTHS if count <= pair[0])
    for line, lw in zip(lines, (width + halo, width), strict=True):
        line.set(xdata=path[0], ydata=path[1], linewidth=lw)


def box_path(boxes):
    """The outlines of boxes (N, 4), xyxy in pixels, over an image: a path (2, 6 N) for a line."""
    x1, y1, x2, y2 = np.reshape(boxes, (-1, 4)).T.astype(float) - 0.5  # pixel 0 begins at −0.5
    gap = np.full_like(x1, np.nan)
    corners = [(x1, x2, x2, x1, x1, gap), (y1, y1, y2, y2, y1, gap)]
    return np.array([np.stack(side, axis=1).ravel() for side in corners])


def border_path(labels):
    """The borders between the regions of a map (H, W), along the pixels' edges: a path (2, 3 N)."""
    ups = _runs(labels[:, 1:] != labels[:, :-1])
    acrosses = _runs((labels[1:] != labels[:-1]).T)
    parts = []
    for (place, start, end), turned in ((ups, False), (acrosses, True)):
        gap = np.full(len(place), np.nan)
        xs = np.stack([place + 0.5, place + 0.5, gap], axis=1).ravel()
        ys = np.stack([start - 0.5, end - 0.5, gap], axis=1).ravel()
        parts.append((ys, xs) if turned else (xs, ys))
    return np.concatenate(parts, axis=1)


def mask_path(masks):
    """The outlines of masks (N, H, W) bool, each closed also at the picture's rim."""
    paths = [border_path(np.pad(mask, 1)) - 1 for mask in masks]
    return np.concatenate([np.empty((2, 0)), *paths], axis=1)


def _runs(edge):
    """Runs of True along axis 0 of (A, B): for each its place on axis 1, its start and end."""
    change = np.diff(np.pad(edge, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
    place, start = np.nonzero(change == 1)
    return place, start, np.nonzero(change == -1)[1]
