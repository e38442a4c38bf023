"""Figures: axes in, nothing out; `show` puts a finished one into the notebook with its alt text.

The import sets matplotlib's style and a Korean font: the chapters draw with `plt.subplots`, too.
"""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import as_drawn
from course_utils.errors import ArgumentError
from course_utils.korean_fonts import draw_hangul

# the palette of Okabe and Ito (2008), whose colours all eyes tell apart
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"  # over pictures: too pale for lines on white
# and three more
MAGENTA = "#C2185B"  # a frame over numbers on blue
RUST = "#B84700"  # beside the vermilion of a mark that keys move
PALE_BLUE = "#CFE5F2"  # behind text

plt.style.use("course_utils.course")
draw_hangul()
RANGE = {"vmin", "vmax", "norm"}  # options that say what is black and what is white
STEP, WIDTH, HEIGHT = 1.0, 2.9, 0.64  # of a block diagram: distance of two boxes, and their size


def show(figure, alt, photo=False):
    """Display a figure and close it.

    alt: what a reader who cannot see it should know; kept as the output's text and alt text.
    photo: True stores a JPEG (small for photos), False a PNG (sharp for lines and text).
    """
    if not alt.strip():
        raise ArgumentError("alt must say what the figure shows, got an empty text")
    picture = bundle(render(figure, photo), alt, photo)
    display(picture, raw=True, metadata=alt_metadata(alt, photo))
    plt.close(figure)


def bundle(picture, alt, photo):
    """The bytes of a picture and its alt text → Jupyter's dict of MIME type → content."""
    return {"text/plain": alt, _mime(photo): base64.b64encode(picture).decode()}


def alt_metadata(alt, photo):
    """Output metadata that carry the alt text where nbconvert looks for it."""
    return {_mime(photo): {"alt": alt}}


def render(figure, photo=False):
    """A matplotlib figure → the bytes of a JPEG (photo) or PNG file."""
    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure)
    figure.canvas.draw()
    return encode(figure, photo)


def encode(figure, photo=False):
    """What stands on a figure's canvas → the bytes of a JPEG (photo) or PNG file.

    The PNG has a palette of 256 colours, a third of the size; where a figure has more colours, each
    is moved by a few levels of 255.
    """
    pixels = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    file = io.BytesIO()
    if photo:
        pixels.save(file, format="JPEG", quality=80)
    else:
        method, dither = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE  # keeps rare colours
        pixels.quantize(256, method, dither=dither).save(file, format="PNG", compress_level=6)
    return file.getvalue()


def _mime(photo):
    return "image/jpeg" if photo else "image/png"


def show_image(image, title="", ax=None, **options):
    """Draw an image without ticks.

    image: (H, W) gray, 0 … 255, or 0 … 1 if it is float or bool; (H, W, 3) RGB. A few gray peaks
    beyond are cut off; where more than 5 % are, or a float is farther than 100, it is an error and
    no warning, since the picture would be another one: give vmin and vmax, as for the negative
    numbers of a feature map. Colours beyond the range, NaN and inf are errors, too.
    options: passed on to matplotlib's imshow. Raises ArgumentError with what to call.
    """
    image = as_drawn("image", image, free=RANGE & options.keys())
    ax = ax or plt.gca()
    if max(image.shape[:2]) > 256:  # drawn smaller than it is: average, do not skip
        options = {"interpolation": "antialiased"} | options
    if image.ndim == 2 and "norm" not in options:
        top = 1 if image.dtype.kind in "fb" else max(255, image.max(initial=0))
        options = {"cmap": "gray", "vmin": 0, "vmax": top} | options
    ax.imshow(image, **options)
    ax.set(title=title, xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def show_row(pictures, alt, photo=False, width=10, columns=None, values=False, **options):
    """Show pictures side by side in one figure, each under its title.

    pictures: dict of title → image, or list of (title, image), as `show_image` takes them.
    alt, photo: as in `show`. width: of the figure, in inches. columns: pictures in a row, default
    all. values: True writes the numbers on the cells. options: passed on to `show_image`. Raises
    ArgumentError.
    """
    pictures = list(pictures.items()) if isinstance(pictures, dict) else list(pictures)
    if not pictures or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pictures):
        raise ArgumentError("pictures must hold at least one pair of title and image")
    for title, image in pictures:
        if np.ndim(image) < 2 or not np.size(image):
            raise ArgumentError(
                f"image {title!r} must be (H, W) or (H, W, 3), got {np.shape(image)}"
            )
        as_drawn("image", image, free=RANGE & options.keys())  # before a figure is begun
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    tallest = min(3, max(np.shape(image)[0] / np.shape(image)[1] for _, image in pictures))
    height = rows * (0.98 * width / columns * tallest + 0.38)  # a title needs 0.3 inch
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    draw = show_values if values else show_image
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (title, image) in zip(axes.flat, pictures, strict=False):
        ax.set_axis_on()
        draw(image, title, ax, **options)
    show(figure, alt, photo)


def show_values(matrix, title="", ax=None, fontsize=10, **options):
    """Draw a matrix (H, W), or a small RGB image (H, W, 3), with each cell's numbers on it.

    matrix, options: as in `show_image`. Raises ArgumentError.
    """
    ax = ax or plt.gca()
    show_image(matrix, title, ax, **options)
    for spine in ax.spines.values():
        spine.set(visible=True, color="0.7")
    matrix = as_array("image", matrix)
    light = ax.images[-1].to_rgba(matrix, bytes=True)[..., :3].mean(axis=-1) > 127
    for row, column in np.ndindex(matrix.shape[:2]):
        value = matrix[row, column]
        text = f"{value:g}" if matrix.ndim == 2 else "\n".join(str(part) for part in value)
        colour = "black" if light[row, column] else "white"
        ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=fontsize)


def show_blocks(blocks, alt, width=10):
    """Show diagrams side by side in one figure.

    blocks: dict of title → list of texts, input first. A text of "+" or "×" is a circle, in which
    what came in at the nearest text "x" or "u" before it arrives a second time, around the others.
    alt: as in `show`. width: of the figure, in inches. Raises ArgumentError.
    """
    if not blocks or any(not steps for steps in blocks.values()):
        raise ArgumentError("blocks must hold at least one title with at least one step")
    longest = max(len(steps) for steps in blocks.values())
    figure, axes = plt.subplots(
        1, len(blocks), figsize=(width, 0.52 * longest + 0.5), squeeze=False, layout="constrained"
    )
    for ax, (title, steps) in zip(axes[0], blocks.items(), strict=True):
        _draw_blocks(ax, steps)
        ax.set_title(title, x=2.4 / 4.0)  # above the boxes
        ax.set(xlim=(-2.4, 1.6), ylim=(-STEP * longest + 0.4, 0.6))
        ax.set_axis_off()
    show(figure, alt)


def _draw_blocks(ax, steps):
    """One column of boxes from the top, with arrows, and the ways around them."""
    before = 0  # half the height of the step before
    split = 0  # the last place where a path could branch off
    for place, step in enumerate(steps):
        y = -STEP * place
        if step in "+×":
            half = 0.3
            ax.text(0, y, step, ha="center", va="center", fontsize=14,
                    bbox={"boxstyle": "circle,pad=0.15", "fc": YELLOW, "ec": "0.3"})  # fmt: skip
            top = -STEP * split
            ax.plot([0, -1.95, -1.95], [top - 0.5, top - 0.5, y], color=VERMILION, lw=2, zorder=0)
            _arrow(ax, (-1.95, y), (0, y), VERMILION, short=11)  # points: the circle's radius
        elif step in ("x", "u"):
            half, split = 0.25, place
            ax.text(0, y, step, ha="center", va="center", style="italic", fontsize=13)
        else:
            half = HEIGHT / 2
            box = plt.Rectangle((-WIDTH / 2, y - half), WIDTH, HEIGHT, fc=PALE_BLUE, ec="0.3")
            ax.add_patch(box)
            ax.text(0, y, step, ha="center", va="center", fontsize=11)
        if place:
            _arrow(ax, (0, y + STEP - before), (0, y + half), "0.3")
        before = half


def _arrow(ax, start, end, colour, short=0):
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.5, "shrinkA": 0, "shrinkB": short}
    ax.annotate("", end, start, arrowprops=style, zorder=0)
