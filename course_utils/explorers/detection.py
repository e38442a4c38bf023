"""Explorers of chapter 4, object detection: YOLO's grid and non-maximum suppression."""

import functools
import math

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.regions import as_boxes, as_classes, as_fraction, as_scores
from course_utils.detection.boxes import batched_nms
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import ARROWS, Explorer, slider, switch
from course_utils.explorers.outlines import (
    add_outline,
    as_names,
    as_picture,
    box_path,
    is_photo,
    picture_axes,
    set_outline,
    shortened,
)
from course_utils.figures import BLUE, ORANGE, SKY, YELLOW

MOST_CLASSES = 20  # bars of a cell that find room
MOST_TEXTS = 12  # boxes of a picture that get one
LONGEST = 10  # letters of a class's name that find room


def yolo_explorer(image, boxes, confidence, classes, class_names, threshold=0.3, nms_threshold=0.5):
    """What each cell of YOLO's grid says, and what is found with it (L4.04, L4.05).

    What `yolo.decode` gives for one picture: boxes (S, S, 4) x1, y1, x2, y2 in pixels; confidence
    (S, S), 0 … 1; classes (S, S, K), probabilities with sum 1; arrays or tensors. image: (H, W, 3)
    or (H, W) uint8, no side above 400. class_names: K names or more. threshold: 0 … 1, the first
    one for the score = confidence · probability, with which a cell offers its box once a class.
    nms_threshold: 0 … 1, as in `boxes.batched_nms`. On the picture, click a cell; the arrow keys
    go to its neighbours, space to the next cell by confidence, home and end to the most and least
    confident. Raises ArgumentError.
    """
    image = as_picture(image)
    boxes, confidence, classes = _as_table(boxes, confidence, classes)
    cells, names = len(confidence), as_names(class_names, classes.shape[2])
    threshold = float(as_fraction("threshold", threshold))
    nms_threshold = as_fraction("nms_threshold", nms_threshold)
    scores = confidence[..., None] * classes
    order = np.argsort(-confidence, axis=None, kind="stable")
    bars = np.sort(np.argsort(-classes.max(axis=(0, 1)), kind="stable")[:MOST_CLASSES])
    figure, artists = _grid_figure(image, confidence, [names[k] for k in bars])
    height, width = image.shape[:2]

    @functools.cache
    def detected(least):
        row, column, label = np.nonzero(scores >= least)
        offered = boxes[row, column]
        kept = batched_nms(offered, scores[row, column, label], label, nms_threshold)
        return offered, kept, label[kept], len(np.unique(row * cells + column))

    def draw(threshold, suppress, row, column):
        threshold = round(threshold, 2)
        offered, kept, label, speakers = detected(threshold)
        shown = offered[kept] if suppress else offered
        set_outline(artists["found"], box_path(shown), len(shown))
        _write(artists["texts"], image, offered[kept], [names[k] for k in label])
        when = "after" if suppress else "before"
        artists["title"].set_text(f"{len(shown)} {when} NMS")
        edges = np.array([column * width, row * height, (column + 1) * width, (row + 1) * height])
        set_outline(artists["cell"], box_path(edges / cells))
        set_outline(artists["box of the cell"], box_path(boxes[row, column]))
        for bar, value in zip(artists["bars"], scores[row, column, bars], strict=True):
            bar.set_width(value)
        artists["threshold"].set_xdata([threshold, threshold])
        sure, best = confidence[row, column], classes[row, column].argmax()
        artists["title of bars"].set_text(f"cell ({row}, {column}): confidence {sure:.2f}")
        x1, y1, x2, y2 = (round(float(side)) for side in boxes[row, column])
        left = f"NMS keeps {len(kept)}" if suppress else f"NMS would keep {len(kept)}"
        return (
            f"score ≥ {threshold:.2f}: {len(offered)} offered by {speakers} of {cells**2} cells, "
            f"{left}. Cell ({row}, {column}): "
            f"confidence {sure:.2f}, box ({x1}, {y1}, {x2}, {y2}), most likely {names[best]}, "
            f"probability {classes[row, column, best]:.2f}"
        )

    first = [int(place) for place in np.unravel_index(order[0], confidence.shape)]
    controls = {
        "threshold": slider("score from", 0.0, 1.0, threshold, 0.05, ".2f"),
        "suppress": switch("non-maximum suppression"),
        "row": slider("cell: row", 0, cells - 1, first[0]),
        "column": slider("cell: column", 0, cells - 1, first[1]),
    }
    explorer = Explorer("YOLO explorer", figure, artists, controls, draw, photo=is_photo(image))
    _steer_cells(explorer, order, image.shape[:2])
    return explorer


def _grid_figure(image, confidence, kinds):
    """The figure of `yolo_explorer` and its artists: the grid, the boxes found, bars of a cell."""
    cells = len(confidence)
    height, width = image.shape[:2]
    figure = Figure(figsize=(10, 3.7), layout="none")
    gray = (0.8 * image.mean(axis=2, keepdims=True)).astype(np.uint8).repeat(3, axis=2)
    grid = picture_axes(figure, (0.01, 0.02, 0.32, 0.885), gray, f"confidence, {cells} × {cells}")
    view = picture_axes(figure, (0.345, 0.02, 0.32, 0.885), image)
    table = figure.add_axes((0.77, 0.19, 0.205, 0.715))
    fog = np.zeros((cells, cells, 4))  # yellow, the more of it the more confident
    fog[:] = to_rgba(YELLOW)
    fog[..., 3] = 0.85 * confidence
    grid.imshow(fog, extent=(-0.5, width - 0.5, height - 0.5, -0.5), aspect="auto")
    grid.set(aspect="equal")
    for i in range(1, cells):
        grid.axhline(i * height / cells - 0.5, color="white", lw=0.8, alpha=0.8)
        grid.axvline(i * width / cells - 0.5, color="white", lw=0.8, alpha=0.8)
    places = range(len(kinds))
    table.set(xlim=(0, 1), ylim=(len(kinds) - 0.5, -0.5), xlabel="score")
    table.set_xticks((0, 0.5, 1))
    labels = [shortened(kind, LONGEST) for kind in kinds]
    table.set_yticks(places, labels, fontsize=min(12, 200 / len(kinds)))
    table.tick_params(axis="y", length=0)
    return figure, {
        "cell": add_outline(grid, "white", clip_on=False),
        "box of the cell": add_outline(grid, SKY),
        "found": add_outline(view, SKY),
        "texts": _texts(view),
        "bars": table.barh(places, [0] * len(kinds), color=BLUE, height=0.8),
        "threshold": table.axvline(0, color="black", lw=1.5, ls="--"),
        "title": view.title,
        "title of bars": table.set_title(" ", loc="right"),
    }


def _steer_cells(explorer, order, size):
    """Let keys and the pointer choose a cell.

    order: the cells' numbers, most confident first. size: height and width of the picture.
    """
    cells = math.isqrt(len(order))

    def go(row, column):  # over the edge, to the other side
        explorer.set(row=int(row) % cells, column=int(column) % cells)

    def key(pressed):
        row, column = explorer.controls["row"].value, explorer.controls["column"].value
        if pressed in ARROWS:
            down, right = ARROWS[pressed]
            go(row + down, column + right)
        else:
            rank = int(np.flatnonzero(order == row * cells + column)[0])
            ranks = {"Home": 0, "End": -1}
            go(*divmod(order[ranks.get(pressed, (rank + 1) % len(order))], cells))

    def pointer(phase, x, y):
        if phase != "up":
            place = (np.array([y, x]) + 0.5) * cells / size
            go(*np.clip(place, 0, cells - 1))

    explorer.on_key(key)
    explorer.on_pointer(explorer.artists["cell"][0].axes, pointer)


def nms_explorer(image, boxes, scores, labels, class_names):
    """Which boxes non-maximum suppression keeps, by score and by overlap (L4.05).

    image: (H, W, 3) or (H, W) uint8, no side above 400. boxes: (N, 4), N from 1, x1, y1, x2, y2 in
    pixels. scores: (N,), 0 … 1. labels: (N,) whole numbers, places in class_names. What
    `yolo.detect` finds with nms_threshold=1, which takes nothing away. Only boxes of one class
    suppress each other, those with an IoU above the threshold. Raises ArgumentError.
    """
    image, boxes = as_picture(image), as_boxes("boxes", boxes)
    scores = as_scores("scores", scores, len(boxes))
    labels = as_classes("labels", labels, len(boxes))
    if not len(boxes):
        raise ArgumentError("boxes must be 1 or more, got none; take those of lower scores, too")
    if scores.min() < 0 or scores.max() > 1:
        span = f"{scores.min():g} … {scores.max():g}"
        raise ArgumentError(f"scores must be 0 … 1, got {span}; use a sigmoid or softmax")
    if labels.min() < 0:
        raise ArgumentError(f"labels must be from 0, got {labels.min()}; leave such boxes out")
    names = as_names(class_names, labels.max() + 1)
    order = np.argsort(-scores, kind="stable")
    boxes, scores, labels = boxes[order], scores[order], labels[order]
    figure = Figure(figsize=(9, 4.2), layout="none")
    view = picture_axes(figure, (0.01, 0.02, 0.42, 0.9), image)
    ranks = figure.add_axes((0.52, 0.17, 0.46, 0.74))
    outlines = {
        "dropped": add_outline(view, ORANGE, ls=(0, (4, 2))),
        "kept": add_outline(view, SKY),
    }
    texts = _texts(view)
    edges, flat = np.arange(len(boxes) + 1) + 0.5, np.zeros(len(boxes))
    groups = {"kept": SKY, "dropped": ORANGE, "not offered": "0.8"}
    steps = [ranks.stairs(flat, edges, fill=True, color=colour, label=name)
             for name, colour in groups.items()]  # fmt: skip
    least = ranks.axhline(0, color="black", lw=1.5, ls="--")
    ranks.set(xlim=(edges[0], max(edges[-1], 10.5)), ylim=(0, 1), ylabel="score")
    ranks.set_xlabel("rank of the box, best score first")
    ranks.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    ranks.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handlelength=1,
                 columnspacing=1, borderpad=0)  # fmt: skip

    def draw(threshold, overlap):
        threshold, overlap = round(threshold, 2), round(overlap, 2)
        offered = scores >= threshold
        kept = batched_nms(boxes[offered], scores[offered], labels[offered], overlap)
        stay = np.zeros(len(boxes), bool)
        stay[kept] = True  # the offered ones come first
        set_outline(outlines["kept"], box_path(boxes[stay]), len(kept))
        gone = box_path(boxes[offered & ~stay])
        set_outline(outlines["dropped"], gone, max(20, offered.sum()))
        _write(texts, image, boxes[kept], [names[k] for k in labels[kept]])
        for step, group in zip(steps, (stay, offered & ~stay, ~offered), strict=True):
            step.set_data(np.where(group, scores, 0))
        least.set_ydata([threshold, threshold])
        dropped = offered.sum() - len(kept)
        view.set_title(f"{len(kept)} kept, {dropped} dropped: IoU > {overlap:.2f}")
        return (
            f"score ≥ {threshold:.2f}, overlap up to IoU {overlap:.2f}: {offered.sum()} offered, "
            f"{len(kept)} kept, {dropped} dropped"
        )

    controls = {
        "threshold": slider("score from", 0.0, 1.0, 0.3, 0.05, ".2f"),
        "overlap": slider("NMS: IoU up to", 0.0, 1.0, 0.5, 0.05, ".2f"),
    }
    artists = outlines | {
        "texts": texts, "steps": steps, "threshold": least, "title": view.title,
    }  # fmt: skip
    return Explorer("NMS explorer", figure, artists, controls, draw, photo=is_photo(image))


def _as_table(boxes, confidence, classes):
    """What the cells of one picture say, three arrays of float64. Raises ArgumentError."""
    given = {"confidence": confidence, "boxes": boxes, "classes": classes}
    arrays = {name: as_array(name, value).astype(float) for name, value in given.items()}
    cells = 2 * arrays["confidence"].shape[-1:] or (0, 0)
    wanted = {"confidence": cells, "boxes": (*cells, 4)}
    wanted["classes"] = (*cells, *arrays["classes"].shape[-1:])
    for name, array in arrays.items():
        if array.shape != wanted[name] or not array.size:
            first = advice.part(name, given[name], "[0]")
            hint = f"; for one picture use {first}" if array.shape[1:] == wanted[name] else ""
            text = {"confidence": "(S, S)", "boxes": "(S, S, 4)", "classes": "(S, S, K)"}[name]
            text = text if name == "confidence" else f"{text} with S = {cells[0]}"
            raise ArgumentError(f"{name} must be {text}, got {array.shape}{hint}")
    as_boxes("boxes", arrays["boxes"].reshape(-1, 4))
    for name in ("confidence", "classes"):
        if not ((arrays[name] >= 0) & (arrays[name] <= 1)).all():  # nan is refused too
            span = f"{arrays[name].min():g} … {arrays[name].max():g}"
            raise ArgumentError(f"{name} must be 0 … 1, got {span}; use yolo.decode")
    return arrays["boxes"], arrays["confidence"], arrays["classes"]


def _texts(ax):
    """Empty texts for boxes, white on black."""
    style = {"color": "white", "fontsize": 12, "fontweight": "bold", "va": "top", "clip_on": True}
    plate = {"fc": "black", "ec": "none", "pad": 1.5, "alpha": 0.75}
    return [ax.text(0, 0, "", bbox=plate, parse_math=False, **style) for _ in range(MOST_TEXTS)]


def _write(texts, image, boxes, words):
    """Write a word into the upper left corner of each box, as far as the texts reach."""
    height, width = image.shape[:2]
    for number, text in enumerate(texts):
        text.set_visible(number < len(boxes))
        if number < len(boxes):
            word = shortened(words[number], LONGEST)
            room = (1 - 0.035 * (len(word) + 1)) * width, 0.92 * height  # a letter, a line
            x, y = np.clip(boxes[number, :2], 0, room)
            text.set(x=x, y=y, text=word)
