"""Explorer of style transfer, chapter 4: the content pulls against the style (L4.18)."""

import json

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from course_utils.data import read_checked
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import Explorer, choice
from course_utils.explorers.outlines import as_picture, is_photo, picture_axes
from course_utils.image_files import decode_image
from course_utils.image_generation.style import StyleTransfer

LARGE = "china-starry_night-large.jpg"
PLACES = ((0.005, 0.02, 0.27, 0.86), (0.285, 0.02, 0.43, 0.86), (0.725, 0.02, 0.27, 0.86))


def load_style_snapshots():
    """The course's pictures in other styles, made by tests/benchmarks/style_snapshots.py.

    Returns snapshots, a dict of (content, style) → dict of ratio β/α → StyleTransfer, which holds
    the picture and its last losses; and originals, a dict of name → picture (H, W, 3) uint8 of
    the contents and the styles. Raises DataError for a damaged file.
    """
    found = json.loads(read_checked("style/SETTINGS.json"))

    def load(name):
        return decode_image(read_checked(f"style/{name}.jpg"), f"{name}.jpg")

    snapshots = {
        (content, style): {
            ratio: _snapshot(load(name), found["losses"][f"{name}.jpg"])
            for ratio in found["ratios"]
            for name in [f"{content}-{style}-{ratio:g}"]
        }
        for content in found["contents"]
        for style in found["styles"]
    }
    return snapshots, {name: load(name) for name in found["contents"] + found["styles"]}


def load_large_style():
    """`china` in the style of `starry_night` at 512 pixels, (342, 512, 3) uint8 RGB.

    Made by tests/benchmarks/style_snapshots.py, with β/α = 10. Raises DataError for a damaged file.
    """
    return decode_image(read_checked(f"style/{LARGE}"), LARGE)


def style_explorer(snapshots, originals, ratio=None):
    """Two pictures, and the one made of them at each ratio of the weights β/α (L4.18).

    snapshots: dict of (content, style) → dict of ratio → what `transfer_style` returned with
    beta / alpha = ratio; the same two ratios or more for all, and every content in every style.
    originals: dict of name → picture (H, W, 3) or (H, W) uint8 of all contents and styles. No side
    is above 400 pixels. ratio: the one shown first; None: the one in the middle. Raises
    ArgumentError.
    """
    pictures, ratios = _as_snapshots(snapshots)
    originals = _as_originals(originals, snapshots)
    contents, styles = (list(dict.fromkeys(pair[side] for pair in snapshots)) for side in (0, 1))
    ratio = ratios[len(ratios) // 2] if ratio is None else ratio
    if ratio not in ratios:
        raise ArgumentError(f"ratio must be one of {ratios}, got {ratio!r}")
    figure = Figure(figsize=(9, 4.4), layout="none")
    left = _Frame(figure, PLACES[0], [originals[name] for name in contents])
    middle = _Frame(figure, PLACES[1], pictures.values())
    right = _Frame(figure, PLACES[2], [originals[name] for name in styles])

    def draw(ratio, content=contents[0], style=styles[0]):
        left.show(originals[content], f"content: {content}")
        middle.show(pictures[content, style, ratio], f"β/α = {ratio:g}")
        right.show(originals[style], f"style: {style}")
        made = snapshots[content, style][ratio]
        return (
            f"{content} in the style of {style}, β/α = {ratio:g}: content loss "
            f"{made.content[-1]:.2g}, style loss {made.style[-1]:.2g}; 1: no features at all"
        )

    controls = {"ratio": _steps("style against content, β/α", ratios, ratio)}
    if len(contents) > 1:
        controls["content"] = choice("content", contents, contents[0])
    if len(styles) > 1:
        controls["style"] = choice("style", styles, styles[0])
    artists = {}
    for name, frame in (("content", left), ("picture", middle), ("style", right)):
        artists |= {name: frame.axes.images[0], f"title of {name}": frame.axes.title}
    photo = any(is_photo(picture) for picture in pictures.values())
    return Explorer("Style explorer", figure, artists, controls, draw, photo=photo)


class _Frame:
    """Axes in which pictures of several sizes are shown, all at the same scale."""

    def __init__(self, figure, place, pictures):
        self.shape = np.max([picture.shape for picture in pictures], axis=0)
        self.axes = picture_axes(figure, place, np.zeros(self.shape, np.uint8))

    def show(self, picture, title):
        whole = np.full(self.shape, 255, np.uint8)
        height, width = picture.shape[:2]
        left = (self.shape[1] - width) // 2
        whole[:height, left : left + width] = picture
        self.axes.images[0].set_data(whole)
        self.axes.set_title(title)


def _steps(label, options, value):
    """A slider over a few values that are not evenly apart."""
    return widgets.SelectionSlider(
        options=[(f"{option:g}", option) for option in options],
        value=value,
        description=label,
    )


def _snapshot(picture, losses):
    return StyleTransfer(picture, {}, *([loss] for loss in losses))


def _as_snapshots(snapshots):
    """Dict of (content, style, ratio) → (H, W, 3) uint8, and the sorted ratios."""
    pairs = isinstance(snapshots, dict) and len(snapshots) > 0
    if not pairs or not all(isinstance(key, tuple) and len(key) == 2 for key in snapshots):
        raise ArgumentError("snapshots must be a dict of (content, style) → dict of ratio → result")
    contents, styles = (dict.fromkeys(pair[side] for pair in snapshots) for side in (0, 1))
    if len(snapshots) < len(contents) * len(styles):
        missing = next((c, s) for c in contents for s in styles if (c, s) not in snapshots)
        raise ArgumentError(f"snapshots must have every content in every style, lacks {missing}")
    ratios = sorted(next(iter(snapshots.values())))
    pictures = {}
    for (content, style), made in snapshots.items():
        if sorted(made) != ratios or len(ratios) < 2:
            raise ArgumentError(
                f"snapshots must have the same two ratios or more for all, got {ratios} and "
                f"{sorted(made)}"
            )
        for ratio, result in made.items():
            if not hasattr(result, "picture"):
                raise ArgumentError(
                    f"snapshots must hold what transfer_style returns, got a "
                    f"{type(result).__name__} for {(content, style)} at {ratio:g}"
                )
            pictures[content, style, ratio] = as_picture(result.picture)
    return pictures, ratios


def _as_originals(originals, snapshots):
    names = {name for pair in snapshots for name in pair}
    if not isinstance(originals, dict) or not names <= originals.keys():
        lacks = sorted(names - set(originals if isinstance(originals, dict) else ()))
        raise ArgumentError(f"originals must be a dict of name → picture, lacks {', '.join(lacks)}")
    return {name: as_picture(originals[name]) for name in names}
