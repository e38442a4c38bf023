"""The IoU explorer of chapter 4 (L4.02): two boxes that are moved over squared paper."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.detection.boxes import box_iou, generalized_box_iou
from course_utils.explore.engine import Explorer, choice, slider
from course_utils.explore.outlines import BLUE, GREEN
from course_utils.explore.pixel_editor import STEPS

COLUMNS, ROWS = 24, 16  # squares of the board
BOX_A, BOX_B = BLUE, "#B84700"  # on white paper; not the orange of a mark that keys move


def iou_explorer():
    """Two boxes on squared paper: intersection, union, IoU and GIoU, counted in squares (L4.02).

    On the picture, drag a box, or click where the chosen one shall go; the arrow keys move it by a
    square, space chooses the other one. Boxes are x1, y1, x2, y2, whole numbers of squares.
    """
    figure = Figure(figsize=(9, 3.7), layout="none")
    board = figure.add_axes((0.01, 0.03, 0.585, 0.94))
    board.set(xlim=(0, COLUMNS), ylim=(ROWS, 0), xticks=range(COLUMNS + 1), yticks=range(ROWS + 1))
    board.set(aspect="equal", anchor="W")
    board.spines[:].set(visible=True, color="0.85")
    board.set_axisbelow(True)
    board.grid(color="0.85", lw=0.8)
    board.tick_params(length=0, labelbottom=False, labelleft=False)
    around, inside, frame_a, frame_b = (
        board.add_patch(
            Rectangle((0, 0), 1, 1, fc=(colour, tint), ec=colour, lw=1.5, clip_on=False)
        )
        for colour, tint in (("0.25", 0), (GREEN, 0.6), (BOX_A, 0.12), (BOX_B, 0.12))
    )
    around.set_linestyle((0, (4, 4)))
    inside.set_linewidth(0)
    frames = {"A": frame_a, "B": frame_b}
    style = {"color": "white", "fontsize": 15, "fontweight": "bold", "va": "top"}
    names = {name: board.text(0, 0, name, **style, bbox={"fc": plate, "ec": "none", "pad": 3})
             for name, plate in (("A", BOX_A), ("B", BOX_B))}  # fmt: skip
    (handles,) = board.plot([], [], "s", ms=9, mec="black", mfc="white", clip_on=False)
    areas = figure.text(0.625, 0.96, "", va="top", fontsize=14, linespacing=1.5)
    scale = figure.add_axes((0.69, 0.13, 0.29, 0.38))
    scale.set(xlim=(-1, 1), ylim=(-0.5, 1.5), xticks=(-1, 0, 1))
    scale.set_yticks((1, 0), ("IoU", "GIoU"), fontsize=14)
    scale.axvline(0, color="black", lw=1)
    bars = scale.barh([1, 0], [0, 0], height=0.6, color=[GREEN, "0.45"])
    values = [scale.text(0, y, "", va="center", fontsize=14, fontweight="bold") for y in (1, 0)]
    places, held = {"A": [7, 4], "B": [12, 6]}, [0, 0]

    def corners(name, width, height):
        x, y = min(places[name][0], COLUMNS - width), min(places[name][1], ROWS - height)
        return x, y, x + width, y + height

    def draw(moved, a_width, a_height, b_width, b_height):
        a, b = corners("A", a_width, a_height), corners("B", b_width, b_height)
        for name, box in (("A", a), ("B", b)):
            _lay(frames[name], *box)
            frames[name].set_linewidth(5 if name == moved else 3)
            names[name].set_position((box[0] + 0.25, box[1] + 0.25))
        x1, y1, x2, y2 = a if moved == "A" else b
        handles.set_data([x1, x2, x1, x2], [y1, y1, y2, y2])
        ends = np.array([a, b]).reshape(2, 2, 2)  # box, end, axis
        low, high = ends[:, 0].max(axis=0), ends[:, 1].min(axis=0)
        _lay(inside, *low, *np.maximum(low, high))
        _lay(around, *ends[:, 0].min(axis=0), *ends[:, 1].max(axis=0))
        sides = np.maximum(high - low, 0)
        shared, whole = sides.prod(), around.get_width() * around.get_height()
        inside.set_visible(shared > 0)
        of_a, of_b = a_width * a_height, b_width * b_height
        union = of_a + of_b - shared
        iou = float(box_iou([a], [b])[0, 0])
        giou = float(generalized_box_iou([a], [b])[0, 0])
        areas.set_text(f"intersection {shared}\nunion {union}\nbox around both {whole}")
        for bar, text, value in zip(bars, values, (iou, giou), strict=True):
            bar.set_width(value)
            right = value < 0.6 and not -0.4 < value < 0  # beside the bar, where there is room
            text.set(text=_two(value), x=max(value, 0) + 0.05 if right else min(value, 0) - 0.05)
            text.set_ha("left" if right else "right")
        product = f"{sides[0]} × {sides[1]} = {shared}" if shared else "0"
        return (
            f"A = {a}, B = {b}, {moved} moves: intersection {product}, "
            f"union {of_a} + {of_b} − {shared} = {union}, IoU = {shared} / {union} = {_two(iou)}; "
            f"box around both {whole}, "
            f"GIoU = {shared} / {union} − {whole - union} / {whole} = {_two(giou)}"
        )

    controls = {
        "moved": choice("moves", ["A", "B"], "B"),
        "a_width": slider("A: width", 1, 16, 9),
        "a_height": slider("A: height", 1, 12, 7),
        "b_width": slider("B: width", 1, 16, 8),
        "b_height": slider("B: height", 1, 12, 7),
    }
    moving = [around, inside, *frames.values(), handles, *names.values(), areas, *bars, *values]
    explorer = Explorer(draw, figure, controls, "IoU explorer", moving)

    def size(name):
        return [controls[f"{name.lower()}_{side}"].value for side in ("width", "height")]

    def go(name, x, y):
        width, height = size(name)
        places[name] = [min(max(0, x), COLUMNS - width), min(max(0, y), ROWS - height)]
        explorer.set(moved=name)

    def key(pressed):
        name = controls["moved"].value
        if pressed in STEPS:
            x, y, *_ = corners(name, *size(name))
            down, right = STEPS[pressed]
            go(name, x + right, y + down)
        elif pressed in (" ", "Enter"):
            controls["moved"].value = "B" if name == "A" else "A"

    def pointer(phase, x, y):
        name = controls["moved"].value
        if phase == "down":
            other = "B" if name == "A" else "A"
            held[:] = (side / 2 for side in size(name))  # beside both, the chosen one comes here
            for candidate in (other, name):
                x1, y1, x2, y2 = corners(candidate, *size(candidate))
                if x1 <= x <= x2 and y1 <= y <= y2:
                    name, held[:] = candidate, (x - x1, y - y1)
        if phase != "up":
            go(name, round(x - held[0]), round(y - held[1]))

    explorer.on_key(key)
    explorer.on_pointer(board, pointer)
    return explorer


def _lay(patch, x1, y1, x2, y2):
    """Give a rectangle its corners."""
    patch.set(x=x1, y=y1, width=x2 - x1, height=y2 - y1)


def _two(number):
    """A number with two digits behind the point and a true minus sign; never −0.00."""
    return f"{round(number, 2) + 0.0:.2f}".replace("-", "−")
