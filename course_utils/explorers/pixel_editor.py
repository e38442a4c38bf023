"""The pixel editor of chapter 1 (L1.03)."""

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import require_bits
from course_utils.errors import ArgumentError, CourseError
from course_utils.explorers.engine import ARROWS, Explorer, button, row, switch
from course_utils.explorers.live_text import LiveText
from course_utils.figures import VERMILION, show_image
from course_utils.image_files import load_bitmap, save_bitmap

LARGEST = 16


class PixelEditor(Explorer):
    """Edit a 1-bit image: click a pixel, or steer with the arrow keys and press space.

    bits: (H, W) of 0 and 1, 1 = black; at most 16 × 16. file: the first name offered for saving.
    The attribute `bits` is a copy of the matrix as it stands.
    """

    def __init__(self, bits, file="my_face.pbm"):
        given, bits = bits, as_array("bits", bits)
        if bits.ndim != 2 or not bits.size >= 1 or max(bits.shape) > LARGEST:
            raise ArgumentError(f"bits must be (H, W), at most {LARGEST} each, got {bits.shape}")
        require_bits("bits", given, bits)
        self._bits = bits.astype(np.uint8)
        self._at = (0, 0)  # the cursor's row and column
        self._original = self._bits.copy()
        figure = Figure(figsize=(9, 3.3))
        artists = self._prepare(figure)
        actions = {
            "invert": lambda: self._put(1 - self._bits),
            "clear": lambda: self._put(np.zeros_like(self._bits)),
        }
        super().__init__("Pixel editor", figure, artists, {}, self._describe, actions=actions)
        self._name = widgets.Text(value=file, description="file")
        self._name.style.description_width = "3em"
        self._name.layout.width = "17em"
        self._overwrite = switch("overwrite", False)
        self._answer = LiveText()  # beside the buttons, which may be all that is on the screen
        files = [button("save", self._save), button("load", self._load)]
        self.panel.children += (row([self._name, self._overwrite, *files]), self._answer)
        self.on_pointer(artists["picture"].axes, self._press)
        self.on_key(self._steer)

    @property
    def bits(self):
        """The matrix as it stands, (H, W) uint8."""
        return self._bits.copy()

    def _prepare(self, figure):
        """The artists: the picture with its lines and cursor, and two tables of numbers."""
        height, width = self._bits.shape
        grid, matrix, levels = figure.subplots(1, 3, width_ratios=(1, 0.8, 1.2))
        show_image(np.ones((height, width)), "picture", grid)
        lines = [grid.axhline(y - 0.5, color="0.6", lw=1) for y in range(height + 1)]
        lines += [grid.axvline(x - 0.5, color="0.6", lw=1) for x in range(width + 1)]
        cursor = Rectangle((0, 0), 1, 1, fill=False, ec=VERMILION, lw=3, clip_on=False)
        size = 90 / max(height, width)
        return {
            "picture": grid.images[0],
            "lines": lines,
            "cursor": grid.add_patch(cursor),
            "matrix": _table(matrix, "matrix: 1 = black", size),
            "uint8": _table(levels, "uint8: 0 = black", size),
        }

    def _describe(self):
        """Draw the state; return it in words."""
        bits, (row, column) = self._bits, self._at
        self.artists["picture"].set_data(1 - bits)
        self.artists["cursor"].set_xy((column - 0.5, row - 0.5))
        for name, values in (("matrix", bits), ("uint8", 255 * (1 - bits))):
            digits = len(str(values.max()))
            lines = [" ".join(f"{value:{digits}d}" for value in line) for line in values]
            self.artists[name].set_text("\n".join(lines))
        packed = np.packbits(bits, axis=1)
        listed = " ".join(f"{byte:08b}" for byte in packed.flat)
        return (
            f"row {row + 1}, column {column + 1} is {bits[row, column]}; "
            f"{bits.sum()} of {bits.size} pixels are black. "
            f"As 1-bit rows: {listed} ({packed.nbytes} bytes); "
            f"as uint8: {bits.size} bytes"
        )

    def reset(self):
        """Back to the picture and the cursor of the beginning; the file's name stays."""
        self._at = (0, 0)
        self._put(self._original.copy())

    def _put(self, bits, said=""):
        self._bits, self._answer.text = bits, said
        self.refresh()

    def _flip(self, row, column):
        self._at = (row, column)
        changed = self._bits.copy()
        changed[row, column] ^= 1
        self._put(changed)

    def _press(self, phase, x, y):
        if phase == "down":
            height, width = self._bits.shape
            self._flip(int(np.clip(round(y), 0, height - 1)), int(np.clip(round(x), 0, width - 1)))

    def _steer(self, key):
        row, column = self._at
        if key in (" ", "Enter"):
            self._flip(row, column)
        elif key in ARROWS:
            height, width = self._bits.shape
            down, right = ARROWS[key]
            self._at = ((row + down) % height, (column + right) % width)
            self._put(self._bits)

    def _save(self):
        try:
            save_bitmap(self._name.value, self._bits, self._overwrite.value)
            self._answer.text = f"saved as {self._name.value}"
        except CourseError as problem:
            fix = str(problem).replace("overwrite=True", "tick overwrite")
            self._answer.text = f"not saved: {fix}"

    def _load(self):
        name = self._name.value
        try:
            bits = load_bitmap(name)
            if bits.shape != self._bits.shape:
                raise CourseError(f"{name} is {bits.shape}, this editor {self._bits.shape}")
            self._put(bits, f"loaded from {name}")
        except CourseError as problem:
            self._answer.text = f"not loaded: {problem}"


def _table(ax, title, size):
    """An empty text for a matrix of numbers, in the middle of its axes."""
    ax.set_title(title)
    ax.axis("off")
    style = {"ha": "center", "va": "center", "family": "monospace", "linespacing": 1.6}
    return ax.text(0.5, 0.5, "", transform=ax.transAxes, fontsize=size, **style)
