"""The IoU explorer of chapter 4 (L4.02): two boxes that are moved over squared paper."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.detection.boxes import box_iou, generalized_box_iou
from course_utils.explorers.engine import ARROWS, Explorer, choice, slider
from course_utils.figures import BLUE, GREEN, RUST

COLUMNS, ROWS = 24, 16  # squares of the board
BOXES = {"A": BLUE, "B": RUST}
CORNERS = {"A": (7, 4), "B": (12, 6)}  # at first


def iou_explorer():
    """Two boxes on squared paper: intersection, union, IoU and GIoU, counted in squares (L4.02).

    On the picture, drag a box, or click where the chosen one shall go; the arrow keys move it by a
    square, space chooses the other one. Boxes are x1, y1, x2, y2, whole numbers of squares.
    """
    return _TwoBoxes()


class _TwoBoxes(Explorer):
    """What `iou_explorer` makes."""

    def __init__(self):
        self._corners = dict(CORNERS)  # where the boxes were put: x1, y1
        self._held = (0, 0)  # from the corner of the box that is dragged to the pointer
        figure = Figure(figsize=(9, 3.7), layout="none")
        controls = {
            "moved": choice("moves", ["A", "B"], "B"),
            "a_width": slider("A: width", 1, 16, 9),
            "a_height": slider("A: height", 1, 12, 7),
            "b_width": slider("B: width", 1, 16, 8),
            "b_height": slider("B: height", 1, 12, 7),
        }
        artists = _board(figure) | _measures(figure)
        super().__init__("IoU explorer", figure, artists, controls, self._show)
        self.on_key(self._steer)
        self.on_pointer(artists["A"].axes, self._drag)

    def reset(self):
        """Back to the first state, the places of the boxes, too."""
        self._corners = dict(CORNERS)
        super().reset()

    def _size(self, name):
        """Width and height of a box."""
        return [self.controls[f"{name.lower()}_{side}"].value for side in ("width", "height")]

    def _box(self, name):
        """A box as it is shown, x1, y1, x2, y2: one that has grown stays on the board."""
        width, height = self._size(name)
        x, y = self._corners[name]
        x, y = min(x, COLUMNS - width), min(y, ROWS - height)
        return x, y, x + width, y + height

    def _show(self, moved, **sizes):
        artists, a, b = self.artists, self._box("A"), self._box("B")
        for name, box in (("A", a), ("B", b)):
            _lay(artists[name], *box)
            artists[name].set_linewidth(5 if name == moved else 3)
            artists[f"name of {name}"].set_position((box[0] + 0.25, box[1] + 0.25))
        x1, y1, x2, y2 = self._box(moved)
        artists["handles"].set_data([x1, x2, x1, x2], [y1, y1, y2, y2])
        ends = np.array([a, b]).reshape(2, 2, 2)  # box, end, axis
        low, high = ends[:, 0].max(axis=0), ends[:, 1].min(axis=0)
        sides = np.maximum(high - low, 0)
        _lay(artists["intersection"], *low, *np.maximum(low, high))
        artists["intersection"].set_visible(sides.all())
        _lay(artists["around both"], *ends[:, 0].min(axis=0), *ends[:, 1].max(axis=0))
        of_a, of_b = np.prod(ends[:, 1] - ends[:, 0], axis=1)
        shared, whole = sides.prod(), np.prod(np.ptp(ends, axis=(0, 1)))
        union = of_a + of_b - shared
        iou = float(box_iou([a], [b])[0, 0])
        giou = float(generalized_box_iou([a], [b])[0, 0])
        artists["areas"].set_text(f"intersection {shared}\nunion {union}\nbox around both {whole}")
        for bar, text, value in zip(artists["bars"], artists["values"], (iou, giou), strict=True):
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

    def _put(self, name, x, y):
        """Put the corner of a box to x, y, as far as the board reaches."""
        width, height = self._size(name)
        self._corners[name] = min(max(0, x), COLUMNS - width), min(max(0, y), ROWS - height)
        self.set(moved=name)

    def _steer(self, key):
        name = self.controls["moved"].value
        if key in ARROWS:
            x, y, *_ = self._box(name)
            down, right = ARROWS[key]
            self._put(name, x + right, y + down)
        elif key in (" ", "Enter"):
            self.controls["moved"].value = _other(name)

    def _drag(self, phase, x, y):
        name = self.controls["moved"].value
        if phase == "down":
            width, height = self._size(name)
            self._held = width / 2, height / 2  # beside both boxes the chosen one comes here
            for candidate in (_other(name), name):
                x1, y1, x2, y2 = self._box(candidate)
                if x1 <= x <= x2 and y1 <= y <= y2:
                    name, self._held = candidate, (x - x1, y - y1)
        if phase != "up":
            self._put(name, round(x - self._held[0]), round(y - self._held[1]))


def _board(figure):
    """Squared paper at the left, and what lies on it: dict of artists."""
    board = figure.add_axes((0.01, 0.03, 0.585, 0.94))
    board.set(xlim=(0, COLUMNS), ylim=(ROWS, 0), xticks=range(COLUMNS + 1), yticks=range(ROWS + 1))
    board.set(aspect="equal", anchor="W")
    board.spines[:].set(visible=True, color="0.85")
    board.set_axisbelow(True)
    board.grid(color="0.85", lw=0.8)
    board.tick_params(length=0, labelbottom=False, labelleft=False)

    def add(colour, tint, **style):
        options = {"fc": (colour, tint), "ec": colour, "lw": 1.5, "clip_on": False} | style
        return board.add_patch(Rectangle((0, 0), 1, 1, **options))

    artists = {
        "around both": add("0.25", 0, ls=(0, (4, 4))),
        "intersection": add(GREEN, 0.6, lw=0),
    }
    artists |= {name: add(colour, 0.12) for name, colour in BOXES.items()}
    (handles,) = board.plot([], [], "s", ms=9, mec="black", mfc="white", clip_on=False)
    artists["handles"] = handles
    style = {"color": "white", "fontsize": 15, "fontweight": "bold", "va": "top"}
    for name, colour in BOXES.items():
        plate = {"fc": colour, "ec": "none", "pad": 3}
        artists[f"name of {name}"] = board.text(0, 0, name, **style, bbox=plate)
    return artists


def _measures(figure):
    """The areas and a scale with IoU and GIoU at the right: dict of artists."""
    areas = figure.text(0.625, 0.96, "", va="top", fontsize=14, linespacing=1.5)
    scale = figure.add_axes((0.69, 0.13, 0.29, 0.38))
    scale.set(xlim=(-1, 1), ylim=(-0.5, 1.5), xticks=(-1, 0, 1))
    scale.set_yticks((1, 0), ("IoU", "GIoU"), fontsize=14)
    scale.axvline(0, color="black", lw=1)
    bars = scale.barh([1, 0], [0, 0], height=0.6, color=[GREEN, "0.45"])
    values = [scale.text(0, y, "", va="center", fontsize=14, fontweight="bold") for y in (1, 0)]
    return {"areas": areas, "bars": bars, "values": values}


def _other(name):
    return "B" if name == "A" else "A"


def _lay(patch, x1, y1, x2, y2):
    """Give a rectangle its corners."""
    patch.set(x=x1, y=y1, width=x2 - x1, height=y2 - y1)


def _two(number):
    """A number with two digits behind the point and a true minus sign; never −0.00."""
    return f"{round(number, 2) + 0.0:.2f}".replace("-", "−")
