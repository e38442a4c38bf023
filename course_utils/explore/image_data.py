"""Explorers of chapter 1: pixel editor, resolution, channel mixer, shift."""

import colorsys

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.errors import CourseError
from course_utils.explore.engine import Explorer, choice, slider, switch
from course_utils.figures import show_image
from course_utils.pictures import load_bitmap, save_bitmap
from course_utils.resampling import METHODS, resample


def pixel_editor(bits, file="my_face.pbm"):
    """Edit a 1-bit image (L1.03): click a pixel, or steer with the arrow keys and press space.

    bits: (H, W) of 0 and 1, 1 = black; at most 16 × 16. file: the first name offered for saving.
    Returns the explorer; its `bits` attribute is the matrix as it stands.
    """
    state = {"bits": np.array(bits, dtype=np.uint8), "at": (0, 0), "said": ""}
    height, width = state["bits"].shape
    figure = Figure(figsize=(9, 3.3))
    axes = figure.subplots(1, 3, width_ratios=(1, 0.8, 1.2))
    titles = ("picture", "matrix: 1 = black", "uint8: 0 = black")
    show_image(np.ones((height, width)), titles[0], axes[0])
    axes[0].set_xticks(np.arange(width + 1) - 0.5, [])
    axes[0].set_yticks(np.arange(height + 1) - 0.5, [])
    axes[0].grid(color="0.6", linewidth=1)
    axes[0].tick_params(length=0)
    frame = axes[0].add_patch(Rectangle((0, 0), 1, 1, fill=False, ec="#D55E00", lw=3))
    style = {"ha": "center", "va": "center", "family": "monospace", "linespacing": 1.6}
    tables = []
    for ax, title in zip(axes[1:], titles[1:], strict=True):
        ax.set_title(title)
        ax.axis("off")
        size = 90 / max(height, width)
        tables.append(ax.text(0.5, 0.5, "", transform=ax.transAxes, fontsize=size, **style))

    def draw():
        bits, (row, column) = state["bits"], state["at"]
        axes[0].images[0].set_data(1 - bits)
        for table, values in zip(tables, (bits, 255 * (1 - bits)), strict=True):
            digits = len(str(values.max()))
            table.set_text("\n".join(" ".join(f"{v:{digits}d}" for v in line) for line in values))
        frame.set_xy((column - 0.5, row - 0.5))
        packed = np.packbits(bits, axis=1)
        listed = " ".join(f"{byte:08b}" for byte in packed.flat)
        return (
            f"row {row + 1}, column {column + 1} is {bits[row, column]}; "
            f"{bits.sum()} of {bits.size} pixels are black. "
            f"As 1-bit rows: {listed} ({packed.nbytes} bytes); "
            f"as uint8: {bits.size} bytes{state['said']}"
        )

    name = widgets.Text(value=file, description="file", layout={"width": "220px"})
    buttons = {
        label: widgets.Button(description=label, layout={"width": "90px"})
        for label in ("invert", "clear", "reset", "save", "load")
    }
    overwrite = switch("overwrite", False)
    explorer = Explorer(
        draw, figure, {}, "Pixel editor", extra=[*buttons.values(), name, overwrite]
    )

    def put(bits, said=""):
        state["bits"], state["said"] = bits, said
        explorer.bits = bits
        explorer.refresh()

    def flip(row, column):
        state["at"] = (row, column)
        changed = state["bits"].copy()
        changed[row, column] ^= 1
        put(changed)

    def press(phase, x, y):
        if phase == "down":
            flip(int(np.clip(round(y), 0, height - 1)), int(np.clip(round(x), 0, width - 1)))

    def steer(key):
        row, column = state["at"]
        if key in (" ", "Enter"):
            flip(row, column)
            return
        step = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
        down, right = step.get(key, (0, 0))
        state["at"] = ((row + down) % height, (column + right) % width)
        put(state["bits"])

    def save(_):
        try:
            save_bitmap(name.value, state["bits"], overwrite.value)
            put(state["bits"], f"\nsaved as {name.value}")
        except CourseError as problem:
            put(state["bits"], f"\nnot saved: {problem}")

    def load(_):
        try:
            bits = load_bitmap(name.value)
            if bits.shape != (height, width):
                raise CourseError(f"{name.value} is {bits.shape}, this editor {height, width}")
            put(bits, f"\nloaded from {name.value}")
        except CourseError as problem:
            put(state["bits"], f"\nnot loaded: {problem}")

    first = state["bits"].copy()
    buttons["invert"].on_click(lambda _: put(1 - state["bits"]))
    buttons["clear"].on_click(lambda _: put(np.zeros_like(first)))
    buttons["reset"].on_click(lambda _: put(first.copy()))
    buttons["save"].on_click(save)
    buttons["load"].on_click(load)
    explorer.on_pointer(axes[0], press)
    explorer.on_key(steer)
    explorer.bits = state["bits"]
    return explorer


def resolution_explorer(pictures):
    """Resample pictures and count what is left (L1.02).

    pictures: dict of name → (H, W, 3) or (H, W) uint8.
    """
    figure = Figure(figsize=(9, 3.4))
    before, after = figure.subplots(1, 2)
    shown = {}

    def draw(picture, keep, method):
        image = pictures[picture]
        height, width = image.shape[:2]
        small = resample(image, max(1, height * keep // 100), max(1, width * keep // 100), method)
        if shown.get("picture") != picture:
            before.clear()
            after.clear()
            show_image(image, f"{width} × {height}", before)
            show_image(image, "", after, interpolation="nearest")
            shown["picture"] = picture
        after.images[0].set_data(small)
        after.set_title(f"{small.shape[1]} × {small.shape[0]}, {method}")
        return (
            f"{small.shape[1]} × {small.shape[0]} = {small.shape[0] * small.shape[1]:,} pixels, "
            f"{small.nbytes:,} bytes: {100 * small.nbytes / image.nbytes:.2g} % of "
            f"{image.nbytes:,} bytes"
        )

    controls = {
        "picture": choice("picture", list(pictures), next(iter(pictures))),
        "keep": slider("keep, % of each side", 2, 100, 20),
        "method": choice("method", METHODS, "nearest"),
    }
    return Explorer(draw, figure, controls, "Resolution explorer", photo=True)


def channel_mixer(photo):
    """Mix a colour from three channels, with its HSV beside it; switch a photo's channels (L1.05).

    photo: (H, W, 3) uint8.
    """
    figure = Figure(figsize=(9, 3.2))
    patch, bars, view = figure.subplots(1, 3, width_ratios=(1, 1.2, 1.6))
    show_image(np.zeros((1, 1, 3), dtype=np.uint8), "your colour", patch)
    columns = bars.bar(["hue", "saturation", "value"], [0, 0, 0], color=["0.5", "#CC79A7", "0.2"])
    bars.set(ylim=(0, 1.05), title="the same in HSV")
    show_image(photo, "channels switched on", view)

    def draw(red, green, blue, show_red, show_green, show_blue):
        patch.images[0].set_data(np.array([[[red, green, blue]]], dtype=np.uint8))
        hsv = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
        for column, value in zip(columns, hsv, strict=True):
            column.set_height(value)
        view.images[0].set_data(photo * np.array([show_red, show_green, show_blue], dtype=np.uint8))
        hue, saturation, value = hsv
        return (
            f"RGB ({red}, {green}, {blue}) = #{red:02x}{green:02x}{blue:02x}; "
            f"hue {360 * hue:.0f}°, saturation {saturation:.2f}, value {value:.2f}"
        )

    controls = {
        "red": slider("R", 0, 255, 213),
        "green": slider("G", 0, 255, 94),
        "blue": slider("B", 0, 255, 0),
        "show_red": switch("R on"),
        "show_green": switch("G on"),
        "show_blue": switch("B on"),
    }
    return Explorer(draw, figure, controls, "Channel mixer", photo=True)


def shift_explorer(image, convolve, pool, shift):
    """Shift an image and watch what follows (L1.08): convolution moves along, pooling stays.

    image: (H, W). convolve: (H, W) → (H′, W′). pool: ((H, W), window) → max-pooled map.
    shift: ((H, W), down, right) → (H, W), zeros moving in.
    """
    figure = Figure(figsize=(10, 2.8))
    axes = figure.subplots(1, 4)
    still = convolve(image)
    top = float(np.abs(still).max())
    titles = ("shifted picture", "convolved", "pooled", "pooled: change")
    for ax, title, limit in zip(axes, titles, (float(image.max()), top, top, top), strict=True):
        show_image(np.zeros(image.shape), title, ax, vmin=0, vmax=limit)
    axes[3].images[0].set_cmap("magma")

    def draw(down, right, window):
        moved = shift(image, down, right)
        edges = convolve(moved)
        pooled, pooled_still = pool(edges, window), pool(still, window)
        change = np.abs(pooled - pooled_still)
        for ax, picture in zip(axes, (moved, edges, pooled, change), strict=True):
            height, width = picture.shape
            ax.images[0].set_data(picture)
            ax.images[0].set_extent((-0.5, width - 0.5, height - 0.5, -0.5))
        equal = np.array_equal(edges, shift(still, down, right))
        lit = np.count_nonzero(np.maximum(pooled, pooled_still))
        return (
            f"convolving the shifted picture = shifting the convolved one: {equal}. "
            f"Pooled {window} × {window}: {np.count_nonzero(change)} of {lit} lit values changed. "
            f"Maximum of the whole map: {edges.max():g}, before {still.max():g}"
        )

    controls = {
        "down": slider("down", -8, 8, 1),
        "right": slider("right", -8, 8, 2),
        "window": choice("pooling window", [1, 2, 4, 11, 22], 4),
    }
    return Explorer(draw, figure, controls, "Shift explorer")
