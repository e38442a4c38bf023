"""Figures on a projector: larger text finds room in them (`course live --large`).

`make_legible` raises small texts, and then mends what the larger ones touch: titles and names at an
axis get lines, texts fit their cells and boxes, legends leave what is drawn.
"""

import itertools
import textwrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

LEAST = 1.6  # points an inch of a large figure's width: the smallest that all in the room can read
TIGHT = 1.1  # the same where there is no room for LEAST: 12 pixels on a page of 800
SMALLER = 0.7  # of a text's size: the least that keeps texts in a chart apart
LETTER = 0.53  # width of a letter, of its text's size
INK = 60  # levels by which a line differs from the white ground; pale areas differ by less
FITS = "fits"  # with it begins the `gid` of texts that have to fit a cell or a box
PLACES = [
    f"{y} {x}".replace("center center", "center")
    for x, y in (
        ("right", "upper"), ("left", "upper"), ("left", "lower"), ("right", "lower"),
        ("right", "center"), ("left", "center"), ("center", "upper"), ("center", "lower"),
        ("center", "center"),
    )
]  # fmt: skip


def make_legible(figure):
    """Raise a figure's small texts to LEAST points an inch, and make room for them."""
    least = LEAST * figure.get_figwidth()
    for text in figure.findobj(Text):
        if "\n" not in text.get_text() and not _cell(text):
            text.set_fontsize(max(text.get_fontsize(), least))
    figure.draw_without_rendering()  # the layout tells how wide the axes are
    for ax in figure.axes:
        _break_title(ax)
        _break_names(ax)
        _thin_ticks(ax)
    _shrink_titles(figure)
    figure.draw_without_rendering()
    for ax in figure.axes:
        _fit_cells(ax)
        _part_texts(ax)
    legends = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
    for legend in figure.legends:
        _narrow(legend)
    for legend in legends:
        _free_legend(figure, legend, len(legends) + len(figure.legends) == 1)


def fits(width, height):
    """The `gid` of texts that have to fit so many units of their axes."""
    return f"{FITS} {width} {height}"


def _cell(text):
    """Width and height that a text has to fit, in its axes' units; None if it need not."""
    gid = text.get_gid() or ""
    return [float(part) for part in gid.split()[1:]] if gid.startswith(f"{FITS} ") else None


def _points(figure, part):
    """A part of a figure's width → points."""
    return 72 * figure.get_figwidth() * part


def _break_title(ax):
    """Break a title that is wider than its axes into lines, at spaces."""
    room = _points(ax.figure, ax.get_position(original=True).width)
    letters = max(1, int(room / (LETTER * ax.title.get_fontsize())))
    lines = [_broken(line, letters) for line in ax.get_title().split("\n")]
    ax.title.set_text("\n".join(lines))


def _broken(text, letters):
    return textwrap.fill(text, letters, break_long_words=False)


def _shrink_titles(figure):
    """Make all titles smaller where a word of one is wider than its axes."""
    titles = [ax.title for ax in figure.axes if len(figure.axes) > 1 and ax.get_title()]
    most = 1.0
    for title in titles:
        room = 1.04 * figure.bbox.width * title.axes.get_position(original=True).width
        most = min(most, room / title.get_window_extent().width)
    for title in titles:
        title.set_fontsize(max(TIGHT * figure.get_figwidth(), most * title.get_fontsize()))


def _break_names(ax):
    """Break the names at a horizontal axis, or make them smaller, if neighbours touch."""
    names = _ticks(ax)
    if not any(c.isalpha() for name in names for c in name.get_text()) or _apart(names):
        return
    boxes = [label.get_window_extent() for label in names]
    step = np.diff([(box.x0 + box.x1) / 2 for box in boxes]).min() * 72 / ax.figure.dpi
    letters = max(1, int(step / (LETTER * names[0].get_fontsize())))
    texts = ["\n".join(_broken(line, letters) for line in name.get_text().split("\n"))
             for name in names]  # fmt: skip
    places = [name.get_position()[0] for name in names]
    size = names[0].get_fontsize()
    names = ax.set_xticks(places, texts) and ax.get_xticklabels()
    while True:
        for name in names:
            name.set_fontsize(size)
        if _apart(names) or size <= TIGHT * ax.figure.get_figwidth():
            return
        size *= 0.95


def _thin_ticks(ax):
    """Give a horizontal axis fewer ticks where their numbers touch."""
    locator = ax.xaxis.get_major_locator()
    for most in (4, 3, 2) if isinstance(locator, MaxNLocator) else ():
        if _apart(_ticks(ax)):
            return
        locator.set_params(nbins=most)


def _ticks(ax):
    """The labels of a horizontal axis that are seen."""
    left, right = sorted(ax.get_xlim())
    labels = [label for label in ax.get_xticklabels() if label.get_text() and label.get_visible()]
    return [label for label in labels if left <= label.get_position()[0] <= right]


def _part_texts(ax):
    """Make the texts in a chart or diagram smaller, as far as that keeps them apart."""
    texts = [text for text in ax.texts if text.get_text() and not _cell(text)]
    if len(texts) < 2 or ax.images:
        return
    sizes, least, counts = [text.get_fontsize() for text in texts], TIGHT, {}
    least *= ax.figure.get_figwidth()
    for factor in np.linspace(1, SMALLER, 8):
        for text, size in zip(texts, sizes, strict=True):
            text.set_fontsize(min(size, max(least, factor * size)))
        counts[factor] = _overlaps(texts)
        if not counts[factor]:
            return
    best = min(counts, key=counts.get)
    for text, size in zip(texts, sizes, strict=True):
        text.set_fontsize(min(size, max(least, best * size)))


def _overlaps(texts):
    """How many pairs of texts, with the boxes around them, overlap."""
    boxes = [text.get_bbox_patch() or text for text in texts]
    boxes = [box.get_window_extent().padded(-1) for box in boxes]
    return sum(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))


def _apart(texts):
    """Whether texts that stand in a row do not touch."""
    boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: box.x0)
    gap = 0.25 * texts[0].get_fontsize() * texts[0].figure.dpi / 72
    return all(left.x1 + gap < right.x0 for left, right in zip(boxes, boxes[1:], strict=False))


def _fit_cells(ax):
    """Give the texts in an axes' cells or boxes one size, at least LEAST, or what fits."""
    texts = [text for text in ax.texts if _cell(text)]
    if not texts:
        return
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
    most = np.inf
    for text in texts:
        text.set_linespacing(1.0)
        (width, height), box = _cell(text), text.get_window_extent()
        room = min(abs(x1 - x0) * width / box.width, abs(y1 - y0) * height / box.height)
        most = min(most, 0.9 * room * text.get_fontsize())
    for text in texts:
        text.set_fontsize(min(most, max(text.get_fontsize(), LEAST * ax.figure.get_figwidth())))


def _narrow(legend):
    """Make a legend's text smaller until it is no wider than its figure."""
    figure, texts = legend.get_figure(), legend.get_texts()
    size = texts[0].get_fontsize() if texts else 0
    while legend.get_window_extent().width > figure.bbox.width and (
        size > TIGHT * figure.get_figwidth()
    ):
        size *= 0.95
        for text in texts:
            text.set_fontsize(size)


def _free_legend(figure, legend, alone):
    """Move a legend that lies on lines or texts to a free place in its axes, else below them.

    alone: whether it is the figure's only one; only then is there room below.
    """
    ink = _ink(figure, legend)
    box, axes = legend.get_window_extent(), legend.axes.bbox
    if not _covers(ink, box):
        return
    pad = legend.borderaxespad * legend.prop.get_size_in_points() * figure.dpi / 72
    inside = axes.padded(-pad)
    for place in PLACES if box.width < inside.width and box.height < inside.height else []:
        anchored = box.anchored(_corner(place), inside)
        if not _covers(ink, anchored):
            legend.set_loc(place)
            legend.set_bbox_to_anchor(None)
            return
    if alone:
        texts = [text.get_text() for text in legend.get_texts()]
        handles, size = legend.legend_handles, legend.get_texts()[0].get_fontsize()
        legend.remove()
        row = figure.legend(handles, texts, loc="outside lower center", ncols=len(texts),
                            fontsize=size)  # fmt: skip
        _narrow(row)


def _corner(place):
    """A legend's place → that of a box: "upper right" → "NE"."""
    letters = {"upper": "N", "lower": "S", "left": "W", "right": "E", "center": ""}
    return "".join(letters[word] for word in place.split()) or "C"


def _ink(figure, legend):
    """Where something is drawn on a figure without that legend: bool (H, W), row 0 below."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    layout = figure.get_layout_engine()
    figure.set_layout_engine("none")  # the axes stay where they are with the legend
    legend.set_visible(False)
    canvas.draw()
    legend.set_visible(True)
    figure.set_layout_engine(layout or "none")
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    return (255 - pixels.astype(int)).max(axis=-1) > INK


def _covers(ink, box):
    rows, columns = ink.shape
    x0, x1 = np.clip([box.x0, box.x1], 0, columns).astype(int)
    y0, y1 = np.clip([box.y0, box.y1], 0, rows).astype(int)
    return ink[y0:y1, x0:x1].any()
