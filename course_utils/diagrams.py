"""Blocks of networks as boxes and arrows, top to bottom. Matplotlib only."""

import matplotlib.pyplot as plt

from course_utils.errors import ArgumentError
from course_utils.figures import show

STEP, WIDTH, HEIGHT = 1.0, 2.9, 0.64  # distance of two boxes, and their size
SIGNS = "+×"


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
        _draw(ax, steps)
        ax.set_title(title, x=2.4 / 4.0)  # above the boxes
        ax.set(xlim=(-2.4, 1.6), ylim=(-STEP * longest + 0.4, 0.6))
        ax.set_axis_off()
    show(figure, alt)


def _draw(ax, steps):
    before = 0  # half the height of the step before
    split = 0  # the last place where a path could branch off
    for place, step in enumerate(steps):
        y = -STEP * place
        if step in SIGNS:
            half = 0.3
            ax.text(0, y, step, ha="center", va="center", fontsize=14,
                    bbox={"boxstyle": "circle,pad=0.15", "fc": "#F0E442", "ec": "0.3"})  # fmt: skip
            top = -STEP * split
            ax.plot([0, -1.95, -1.95], [top - 0.5, top - 0.5, y], color="#D55E00", lw=2, zorder=0)
            _arrow(ax, (-1.95, y), (-half, y), "#D55E00")
        elif step in ("x", "u"):
            half, split = 0.25, place
            ax.text(0, y, step, ha="center", va="center", style="italic", fontsize=13)
        else:
            half = HEIGHT / 2
            box = plt.Rectangle((-WIDTH / 2, y - half), WIDTH, HEIGHT, fc="#CFE5F2", ec="0.3")
            ax.add_patch(box)
            ax.text(0, y, step, ha="center", va="center", fontsize=11)
        if place:
            _arrow(ax, (0, y + STEP - before), (0, y + half), "0.3")
        before = half


def _arrow(ax, start, end, colour):
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style, zorder=0)
