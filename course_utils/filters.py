"""Filters and resampling of single images, finished as chapters 1 and 2 type them. NumPy only."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.errors import ArgumentError, require_option

METHODS = ["nearest", "bilinear", "area"]
LONGEST_SIDE = 10_000  # side of the result: more would not fit into the memory of a laptop
BOX = np.full((3, 3), 1 / 9)  # the mean of nine pixels (L2.06)
LARGEST_MATRIX = 2**30  # bytes of a matrix that is still made
SOBEL = np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])  # above minus below (L2.07)


def correlate(image, kernel):
    """The sum of window × kernel at every place, no flip, no padding (L2.09).

    image: (H, W) numbers. kernel: (R, S), not larger. Returns (H − R + 1, W − S + 1).
    Raises ArgumentError for other shapes.
    """
    image, kernel = _matrix("image", image), _matrix("kernel", kernel)
    _check_fits(kernel, *image.shape)
    return np.einsum("ijrs,rs->ij", sliding_window_view(image, kernel.shape), kernel)


def conv_matrix(kernel, height, width, stride=1):
    """The matrix A with A @ image.ravel() = cross-correlation.ravel() (L2.11, L4.13).

    kernel: (R, S). height, width: of the image. Returns (H′ W′, H W), H′ = (H − R) // stride + 1.
    Raises ArgumentError for other shapes, and for a matrix of more than 1 GiB.
    """
    kernel, stride = _matrix("kernel", kernel), whole_number("stride", stride, 1)
    height, width = whole_number("height", height, 1), whole_number("width", width, 1)
    _check_fits(kernel, height, width)
    rows, columns = kernel.shape
    tops, lefts = range(0, height - rows + 1, stride), range(0, width - columns + 1, stride)
    size = len(tops) * len(lefts) * height * width * kernel.itemsize
    if size > LARGEST_MATRIX:
        raise ArgumentError(
            f"height and width {(height, width)} make a matrix of {size / 2**30:,.1f} GiB, at most "
            f"{LARGEST_MATRIX / 2**30:g} is made; use a smaller image, or correlate"
        )
    matrix = np.zeros((len(tops), len(lefts), height, width), kernel.dtype)
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            matrix[i, j, top : top + rows, left : left + columns] = kernel
    return matrix.reshape(len(tops) * len(lefts), height * width)


def _matrix(name, value):
    """A matrix of float32 or float64; whole numbers become float64, so that nothing overflows."""
    array = as_array(name, value)
    array = array if array.dtype.kind == "f" else array.astype(float)
    if array.ndim != 2 or not array.size:
        channel = advice.part(name, value, "[..., 0]")
        hint = f"; use {channel}" if array.ndim == 3 and array.shape[2] in (1, 3) else ""
        raise ArgumentError(f"{name} must be 2-D (H, W) and not empty, got {array.shape}{hint}")
    return array


def _check_fits(kernel, height, width):
    if kernel.shape[0] > height or kernel.shape[1] > width:
        raise ArgumentError(
            f"kernel {kernel.shape} is larger than the image {(height, width)}; use a kernel of "
            "at most that size, or pad the image with np.pad"
        )


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
        if not isinstance(size, int | np.integer) or not 1 <= size <= LONGEST_SIDE:
            raise ArgumentError(
                f"{name} must be a whole number, 1 … {LONGEST_SIDE:,}, got {size!r}"
            )
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
