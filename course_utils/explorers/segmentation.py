"""Explorers of chapter 4, regions: the merge levels of selective search, classes over a picture."""

import functools

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.regions import as_masks
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import Explorer, slider, switch
from course_utils.explorers.outlines import (
    add_outline,
    as_names,
    as_picture,
    border_path,
    box_path,
    is_photo,
    mask_path,
    picture_axes,
    set_outline,
    shortened,
)
from course_utils.figures import YELLOW
from course_utils.language import texts
from course_utils.segmentation.figures import THINGS
from course_utils.segmentation.metrics import as_ids

MORE = [(0, 0, 120), (150, 0, 255), (90, 75, 30), (135, 15, 75), (195, 195, 180), (180, 255, 165),
        (60, 0, 0), (150, 120, 255)]  # fmt: skip
PALETTE = np.vstack([THINGS[:8], np.uint8(MORE)])  # no two are alike to the colour-blind
FINE = 100  # outlines of masks are as fine as those of so many regions
LONGEST = 12  # letters of a class's name for which the legend has room


def merge_explorer(image, maps):
    """The regions of a picture, level by level of their merging, and their boxes (L4.08).

    image: (H, W, 3) or (H, W) uint8, no side above 400. maps: list of (H, W) whole numbers, the
    same number for the pixels of one region; one map a level, from two, the first has the most
    regions. Raises ArgumentError.
    """
    image = as_picture(image)
    maps = _as_levels(maps, image.shape[:2])
    figure = Figure(figsize=(9, 4.45), layout="none")
    left = picture_axes(figure, (0.01, 0.02, 0.485, 0.9), image)
    right = picture_axes(figure, (0.505, 0.02, 0.485, 0.9), image)
    borders, frames = add_outline(left, YELLOW), add_outline(right, "white")

    @functools.cache
    def measured(level):
        sizes = np.bincount(maps[level].ravel())
        sums = [np.bincount(maps[level].ravel(), image[..., c].ravel()) for c in range(3)]
        means = (np.stack(sums, axis=1) / sizes[:, None]).round().astype(np.uint8)
        return means[maps[level]], sizes, border_path(maps[level]), region_boxes(maps[level])

    @functools.cache
    def proposals(level):
        return len(np.unique(np.concatenate([measured(i)[3] for i in range(level + 1)]), axis=0))

    total = proposals(len(maps) - 1)

    def draw(level, boxes):
        means, sizes, path, found = measured(level)
        right.images[0].set_data(means)
        set_outline(borders, path, len(sizes))
        set_outline(frames, box_path(found if boxes else []), len(sizes))
        regions = f"{len(sizes)} region{'s' if len(sizes) > 1 else ''}"
        left.set_title(f"level {level}: {regions}")
        right.set_title("their mean colours" + (" and boxes" * boxes))
        return (
            f"level {level} of 0 … {len(maps) - 1}: {regions}, the largest has {sizes.max():,} of "
            f"{sizes.sum():,} pixels; different boxes up to here: {proposals(level)} of {total}"
        )

    controls = {"level": slider("merge level", 0, len(maps) - 1, 0), "boxes": switch("boxes")}
    artists = {
        "borders": borders, "means": right.images[0], "boxes": frames,
        "title": left.title, "title of means": right.title,
    }  # fmt: skip
    return Explorer("Merge explorer", figure, artists, controls, draw, photo=is_photo(image))


texts("{0} region", "{0} regions")


def region_boxes(labels):
    """The box of each region of a map (H, W) of 0 … n − 1, all of them there: (n, 4) int64 xyxy."""
    rows, columns = np.indices(labels.shape)
    count = labels.max() + 1
    low, high = np.full((count, 2), max(labels.shape)), np.zeros((count, 2), np.int64)
    for axis, place in enumerate((columns, rows)):
        np.minimum.at(low[:, axis], labels.ravel(), place.ravel())
        np.maximum.at(high[:, axis], labels.ravel(), place.ravel() + 1)
    return np.hstack([low, high])


def overlay_explorer(image, semantic, class_names, masks=None, colours=None):
    """The class of every pixel as a colour over the picture, with a legend (L4.12).

    image: (H, W, 3) or (H, W) uint8, no side above 400. semantic: (H, W) whole numbers, places in
    class_names; each class that is there, up to 16, gets a switch called show_<number>. masks:
    (N, H, W) bool, to be outlined, or None. colours: (K, 3) uint8, one a class; None: PALETTE, in
    which class 3 has the same colour for every picture. Raises ArgumentError.
    """
    image, semantic = as_picture(image), as_ids("semantic", semantic)
    if semantic.shape != image.shape[:2]:
        raise ArgumentError(f"semantic must be {image.shape[:2]} like image, got {semantic.shape}")
    if semantic.min() < 0:
        raise ArgumentError(f"semantic must be from 0, found {semantic.min()}; give it a class")
    names, present = as_names(class_names, semantic.max() + 1), np.unique(semantic).tolist()
    if len(present) > len(PALETTE):
        raise ArgumentError(f"semantic must have up to {len(PALETTE)} classes, got {len(present)}")
    colours = _as_colours(colours, len(names))
    masks = _as_masks([] if masks is None else masks, semantic.shape)
    outlines = mask_path(masks)
    counts = np.bincount(semantic.ravel(), minlength=len(names))
    shares = {k: _percent(counts[k], semantic.size) for k in present}
    figure = Figure(figsize=(9, 3.7), layout="none")
    picture_axes(figure, (0.01, 0.02, 0.365, 0.88), image, "picture")
    view = picture_axes(figure, (0.385, 0.02, 0.365, 0.88), image)
    lines = add_outline(view, "white")
    legend = figure.add_axes((0.765, 0.02, 0.23, 0.88))
    plates, entries = _add_legend(
        legend, [f"{shortened(names[k], LONGEST)}: {share}" for k, share in shares.items()]
    )

    def draw(opacity, outlined=False, **switches):
        shown = [k for k in present if switches[f"show_{k}"]]
        weight = np.isin(semantic, shown)[..., None] * (opacity / 100)
        mixed = image * (1 - weight) + colours[semantic] * weight
        view.images[0].set_data(mixed.round().astype(np.uint8))
        view.set_title(f"classes at {opacity} %")
        set_outline(lines, outlines if outlined else box_path([]), FINE)
        for k, plate, entry in zip(present, plates, entries, strict=True):
            plate.set_facecolor(colours[k] / 255 if k in shown else "white")
            entry.set_color("black" if k in shown else "0.45")
        listed = ", ".join(f"{names[k]}: {shares[k]}" for k in shown)
        total = _percent(counts[shown].sum(), semantic.size)
        what = f"{listed}; together {total} of {semantic.size:,} pixels" if shown else "no class"
        outline = f", {len(masks)} mask{'s' * (len(masks) > 1)} outlined" if outlined else ""
        return f"opacity {opacity} %, shown: {what}{outline}"

    controls = {"opacity": slider("opacity, %", 0, 100, 60, 5)}
    controls |= {f"show_{k}": switch(names[k]) for k in present}
    if len(masks):
        controls["outlined"] = switch("outlines")
    artists = {
        "picture": view.images[0], "title": view.title, "outlines": lines,
        "plates": plates, "entries": entries,
    }  # fmt: skip
    return Explorer("Segmentation overlay", figure, artists, controls, draw, photo=is_photo(image))


def _add_legend(ax, texts):
    """A plate for a colour beside each text, from the top of empty axes: (plates, texts)."""
    rows = max(9, len(texts))
    ax.set_axis_off()
    ax.set(xlim=(0, 10), ylim=(rows, 0))
    size = min(14, 170 / rows, 195 / max(map(len, texts)))
    plates, entries = [], []
    for y, text in enumerate(texts):
        plates.append(ax.add_patch(Rectangle((0.1, y + 0.14), 1.3, 0.72, lw=1.5, ec="0.4")))
        entries.append(ax.text(1.9, y + 0.5, text, fontsize=size, va="center", parse_math=False))
    return plates, entries


def _percent(part, whole):
    """A share in whole percent; <1 % if it is there but rounds to 0."""
    share = 100 * int(part) / whole
    return "<1 %" if 0 < share < 0.5 else f"{share:.0f} %"


def _as_levels(maps, size):
    """Maps (H, W) whose regions are numbered 0 … n − 1. Raises ArgumentError."""
    if not hasattr(maps, "__len__") or len(maps) < 2:
        got = len(maps) if hasattr(maps, "__len__") else type(maps).__name__
        raise ArgumentError(f"maps must be a list of two levels or more, got {got}")
    levels = []
    for number, level in enumerate(maps):
        level = as_ids(f"maps[{number}]", level)
        if level.shape != size:
            raise ArgumentError(f"maps[{number}] must be {size} like image, got {level.shape}")
        levels.append(np.unique(level, return_inverse=True)[1].reshape(size))
    return levels


def _as_masks(masks, size):
    """Masks (N, H, W) bool of the picture's size. Raises ArgumentError."""
    masks = as_masks("masks", masks)
    if len(masks) and masks.shape[1:] != size:
        raise ArgumentError(f"masks must be (N, {size[0]}, {size[1]}), got {masks.shape}")
    return masks


def _as_colours(colours, count):
    """Colours (K, 3) uint8, one a class. Raises ArgumentError."""
    if colours is None and count <= len(PALETTE):
        return PALETTE
    if colours is None:
        raise ArgumentError(f"class_names must be up to {len(PALETTE)}, got {count}; give colours")
    array = as_array("colours", colours)
    if array.shape != (count, 3) or array.dtype != np.uint8:
        raise ArgumentError(
            f"colours must be ({count}, 3) uint8, got {array.shape} {array.dtype}; one a class"
        )
    return array
