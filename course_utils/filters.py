"""Finished filters on single images, as chapter 2 types them. NumPy only."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils import advice
from course_utils.arguments import as_array, whole_number
from course_utils.errors import ArgumentError

BOX = np.full((3, 3), 1 / 9)  # the mean of nine pixels (L2.06)
LARGEST = 2**30  # bytes of a matrix that is still made
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
    if size > LARGEST:
        raise ArgumentError(
            f"height and width {(height, width)} make a matrix of {size / 2**30:,.1f} GiB, at most "
            f"{LARGEST / 2**30:g} is made; use a smaller image, or correlate"
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
