"""Explorers of chapter 1: resolution, channel mixer, shift; pixel_editor.py has the fourth."""

import colorsys

import numpy as np
from matplotlib.figure import Figure

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array
from course_utils.argument_checks.pictures import as_rgb, require_finite
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import Explorer, choice, slider, switch
from course_utils.figures import PURPLE, show_image
from course_utils.filters import METHODS, resample
from course_utils.language import texts

texts("nearest", "bilinear", "area")  # METHODS


def resolution_explorer(pictures):
    """Resample pictures and count what is left (L1.02).

    pictures: dict of name → (H, W, 3) or (H, W) uint8.
    """
    if not pictures:
        raise ArgumentError("pictures must hold at least one picture, got none")
    pictures = {name: _as_bytes(f"pictures[{name!r}]", each) for name, each in pictures.items()}
    figure = Figure(figsize=(9, 3.4), layout="none")  # pictures of any format find room
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.9, wspace=0.04)
    before, after = figure.subplots(1, 2)
    first = next(iter(pictures.values()))
    show_image(first, " ", before)
    show_image(first, " ", after, interpolation="nearest")

    def draw(picture, keep, method):
        image = pictures[picture]
        height, width = image.shape[:2]
        small = resample(image, max(1, height * keep // 100), max(1, width * keep // 100), method)
        for ax, shown in ((before, image), (after, small)):
            rows, columns = shown.shape[:2]
            ax.images[0].set(data=shown, extent=(0, width, height, 0))
            ax.set(xlim=(0, width), ylim=(height, 0))
            ax.apply_aspect()
            ax.set_title(f"{columns} × {rows}" + (f", {method}" if ax is after else ""))
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
    artists = {
        "before": before.images[0], "title before": before.title,
        "after": after.images[0], "title after": after.title,
    }  # fmt: skip
    return Explorer("Resolution explorer", figure, artists, controls, draw, photo=True)


def channel_mixer(photo):
    """Mix a colour from three channels, with its HSV beside it; switch a photo's channels (L1.05).

    photo: (H, W, 3) uint8.
    """
    photo = as_rgb("photo", photo)
    figure = Figure(figsize=(9, 3.2))
    patch, bars, view = figure.subplots(1, 3, width_ratios=(0.9, 1.5, 1.6))
    show_image(np.zeros((1, 1, 3), dtype=np.uint8), "your colour", patch)
    columns = bars.bar(["hue", "saturation", "value"], [0, 0, 0], color=["0.5", PURPLE, "0.2"])
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
    artists = {"colour": patch.images[0], "HSV": columns, "photo": view.images[0]}
    return Explorer("Channel mixer", figure, artists, controls, draw, photo=True)


def shift_explorer(image, convolve, pool, shift):
    """Shift an image and watch what follows (L1.08): convolution moves along, pooling stays.

    image: (H, W). convolve: (H, W) → (H′, W′). pool: ((H, W), window) → max-pooled map.
    shift: ((H, W), down, right) → (H, W), zeros moving in.
    """
    given, image = image, as_array("image", image)
    require_finite("image", given, image)
    if image.ndim != 2 or not image.size:
        raise ArgumentError(f"image must be (H, W), not empty, got {image.shape}")
    if image.min() < 0:
        fix = advice.part("image", given, ".clip(0)")
        raise ArgumentError(f"image must be from 0 on, found {image.min():g}; use {fix}")
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
        apart = np.count_nonzero(edges != shift(still, down, right))
        lit = np.count_nonzero(np.maximum(pooled, pooled_still))
        return (
            f"convolving the shifted picture or shifting the convolved one: {apart} pixels differ. "
            f"Pooled {window} × {window}: {np.count_nonzero(change)} of {lit} lit values changed. "
            f"Maximum of the whole map: {edges.max():g}, before {still.max():g}"
        )

    controls = {
        "down": slider("down", -8, 8, 1),
        "right": slider("right", -8, 8, 2),
        "window": choice("pooling window", [1, 2, 4, 11, 22], 4),
    }
    artists = {"pictures": [ax.images[0] for ax in axes]}
    return Explorer("Shift explorer", figure, artists, controls, draw)


def _as_bytes(name, picture):
    """A picture (H, W, 3) or (H, W) uint8 as an array. Raises ArgumentError."""
    array = as_array(name, picture)
    if array.ndim == 2 and array.size and array.dtype == np.uint8:
        return array
    if array.ndim == 2 and array.size:
        require_finite(name, picture, array)
        fix = advice.in_bytes(name, picture, array)
        raise ArgumentError(f"{name} must be uint8, got {array.dtype}; use {fix}")
    return as_rgb(name, picture)
