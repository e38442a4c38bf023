"""Resampling: the finished form of what chapter 1 types (L1.02). NumPy only."""

import numpy as np

from course_utils import advice
from course_utils.arguments import as_array
from course_utils.errors import ArgumentError, require_option

METHODS = ["nearest", "bilinear", "area"]
LARGEST = 10_000  # side of the result: more would not fit into the memory of a laptop


def resample(image, height, width, method):
    """Resize an image to height × width pixels, each 1 … 10,000.

    image: (H, W) or (H, W, C), uint8 or float; the result has its dtype (uint8 is rounded).
    method: "nearest" takes the pixel under each new centre; "bilinear" mixes the four pixels
        around it; "area" averages every pixel that the new one covers, by the share it covers.
    Pixel centres lie at i + 0.5, as in torch's interpolate ("nearest-exact", align_corners=False).
    """
    given, image = image, as_array("image", image)
    require_option("method", method, METHODS)
    if image.ndim not in (2, 3) or image.size == 0:
        raise ArgumentError(
            f"image must be (H, W) or (H, W, C), not empty, got shape {image.shape}"
        )
    if image.dtype != np.uint8 and image.dtype.kind != "f":
        fix = advice.cast("image", given, np.float32)
        raise ArgumentError(f"image must be uint8 or float, got {image.dtype}; use {fix}")
    for name, size in (("height", height), ("width", width)):
        if not isinstance(size, int | np.integer) or not 1 <= size <= LARGEST:
            raise ArgumentError(f"{name} must be a whole number, 1 … {LARGEST:,}, got {size!r}")
    if method == "nearest":
        return image[_centres(image.shape[0], height)][:, _centres(image.shape[1], width)]
    weights = {"bilinear": _bilinear, "area": _area}[method]
    rows, columns = weights(image.shape[0], height), weights(image.shape[1], width)
    result = np.tensordot(rows, image.astype(np.float64), axes=(1, 0))  # (height, W, …)
    result = np.moveaxis(np.tensordot(columns, result, axes=(1, 1)), 0, 1)  # (height, width, …)
    if image.dtype == np.uint8:
        result = np.floor(result.round(9) + 0.5)  # halves upwards, whatever the last float digit
    return result.astype(image.dtype)


def _centres(old, new):
    """(new,) indices of the old pixels under the new centres."""
    return ((np.arange(new) + 0.5) * old / new).astype(int)


def _bilinear(old, new):
    """(new, old) matrix: two weights a row, by the distance to the two nearest centres."""
    centre = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    left = np.minimum(centre.astype(int), max(old - 2, 0))
    share = (centre - left)[:, None]
    right = np.minimum(left + 1, old - 1)
    return (1 - share) * np.eye(old)[left] + share * np.eye(old)[right]


def _area(old, new):
    """(new, old) matrix: the share of each new pixel that each old pixel covers."""
    edges = np.arange(new + 1)[:, None] * old / new
    start, stop = edges[:-1], edges[1:]
    pixel = np.arange(old)[None]
    overlap = np.minimum(stop, pixel + 1) - np.maximum(start, pixel)
    return np.maximum(overlap, 0) * new / old
