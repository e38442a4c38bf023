"""Figures: axes in, nothing out; `show` puts a finished one into the notebook with an alt text.

The import sets matplotlib's style and a Korean font: the chapters draw with `plt.subplots`, too.
"""

import base64
import io
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer
from PIL import Image

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import as_drawn
from course_utils.errors import ArgumentError
from course_utils.korean_fonts import draw_hangul
from course_utils.large_type import fits, make_legible

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
text_scale = 1  # how much larger text is beside its figure; `course live --large` sets it
MOST_TEXTS = 12  # that a description lists
STEP, WIDTH, HEIGHT = 1.0, 2.9, 0.64  # of a block diagram: distance of two boxes, and their size


def show(figure, *, photo=False, alt=None):
    """Display a figure and close it.

    photo: True stores a JPEG (small for photos), False a PNG (sharp for lines and text).
    alt: what a reader who cannot see it should know; kept as the output's text and alt text.
    Without it, `describe` makes one. Raises ArgumentError.
    """
    if alt is not None and not (isinstance(alt, str) and alt.strip()):
        raise ArgumentError(
            f"alt must be a text that says what the figure shows, got {alt!r}: leave it out, and "
            "one is made"
        )
    fit(figure)
    if text_scale > 1:
        make_legible(figure)
    picture = render(figure, photo)
    alt = alt or describe(figure)
    display(bundle(picture, alt, photo), raw=True, metadata=alt_metadata(alt, photo))
    plt.close(figure)


def describe(figure):
    """A text on a figure, made of what is written on it: titles, axes' labels, legends, texts."""
    found = list(filter(None, map(_describe_axes, figure.axes)))
    if not found:
        return "An empty figure."
    kinds = [kind if n == 1 else f"{n} {kind}s" for kind, n in Counter(k for k, _ in found).items()]
    texts = [text for _, text in found] + [_listed(_entries(legend)) for legend in figure.legends]
    parts = [" and ".join(kinds), figure.get_suptitle(), _listed(texts, "; ")]
    text = ": ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}."


def _describe_axes(ax):
    """(kind, text) of one pair of axes; None if nothing is drawn on it, or only a colour bar."""
    written = [text.get_text() for text in ax.texts if text.get_text()]
    drawn = ax.images or ax.lines or ax.patches or ax.collections or written
    if not drawn or ax.get_label() == "<colorbar>":
        return None
    if ax.images:
        kind, boxes = "picture", sum(isinstance(patch, plt.Rectangle) for patch in ax.patches)
        details = [f"{boxes} box{'es' * (boxes > 1)}" if boxes else ""]
    elif ax.axison:
        kind = "chart"
        details = [" against ".join(filter(None, [ax.get_ylabel(), ax.get_xlabel()]))]
        details += _names(ax)
    else:
        kind, details = "diagram", []
    text = _listed([*details, *_entries(ax.get_legend()), _listed(written)])
    return kind, ": ".join(filter(None, [ax.get_title(), text]))


def _names(ax):
    """The names of a chart's bars, where each has one at its axis."""
    names = []
    for bars in ax.containers:
        if isinstance(bars, BarContainer):
            axis = ax.xaxis if bars.orientation == "vertical" else ax.yaxis
            ticks = [tick.get_text() for tick in axis.get_ticklabels()]
            names += ticks if len(ticks) == len(bars) else []
    return names


def _entries(legend):
    """The texts of a legend; none if there is no legend."""
    return [text.get_text() for text in legend.get_texts()] if legend else []


def _listed(texts, between=", "):
    """Texts one after the other; of many the first."""
    texts = list(filter(None, (" ".join(text.split()) for text in texts)))
    more = [f"{len(texts) - MOST_TEXTS} more"] if len(texts) > MOST_TEXTS else []
    return between.join(texts[:MOST_TEXTS] + more)


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


def fit(figure):
    """Give a figure the inches on which its text, lines and marks are `text_scale` times larger."""
    figure.set_size_inches(figure.get_size_inches() / text_scale)


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


def show_row(pictures, *, photo=False, width=10, columns=None, values=False, alt=None, **options):
    """Show pictures side by side in one figure, each under its title.

    pictures: dict of title → image, or list of (title, image), as `show_image` takes them.
    photo, alt: as in `show`. width: of the figure, in inches. columns: pictures in a row, default
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
    show(figure, photo=photo, alt=alt)


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
        place = {"ha": "center", "va": "center", "gid": fits(1, 1)}
        ax.text(column, row, text, color=colour, fontsize=fontsize, **place)


def show_blocks(blocks, *, width=10, alt=None):
    """Show diagrams side by side in one figure.

    blocks: dict of title → list of texts, input first. A text of "+" or "×" is a circle, in which
    what came in at the nearest text "x" or "u" before it arrives a second time, around the others.
    width: of the figure, in inches. alt: as in `show`. Raises ArgumentError.
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
    show(figure, alt=alt)


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
            room = fits(WIDTH, HEIGHT)
            ax.text(0, y, step, ha="center", va="center", fontsize=11, gid=room)
        if place:
            _arrow(ax, (0, y + STEP - before), (0, y + half), "0.3")
        before = half


def _arrow(ax, start, end, colour, short=0):
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.5, "shrinkA": 0, "shrinkB": short}
    ax.annotate("", end, start, arrowprops=style, zorder=0)
