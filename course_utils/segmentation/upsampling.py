"""Convolution and pooling in reverse, small maps to large ones (L4.13). NumPy only.

Letters: N pictures, C channels, H × W pixels. Arrays are float32 or float64, as they come.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array, as_images, whole_number
from course_utils.errors import ArgumentError
from course_utils.numpy_layers import MaxPool2d
from course_utils.segmentation.metrics import as_ids


def conv_transpose2d(x, weight, stride=1, padding=0):
    """Transposed convolution: each input pixel adds its multiple of the kernel to the output.

    x: (N, in, H, W). weight: (in, out, R, S), of x's dtype. padding: rows and columns cut off on
    each side. Returns (N, out, H′, W′), H′ = (H − 1) stride − 2 padding + R, as torch; for one
    channel it is `filters.conv_matrix(kernel, H′, W′, stride).T` times the pixels, if no padding is
    given. Raises ArgumentError. Source: Dumoulin and Visin, arXiv:1603.07285.
    """
    x, weight = _as_pair(x, weight)
    stride = whole_number("stride", stride, 1)
    padding = whole_number("padding", padding, 0)
    n, ins, height, width = x.shape
    _, outs, rows, columns = weight.shape
    full = [(height - 1) * stride + rows, (width - 1) * stride + columns]
    if 2 * padding >= min(full):
        raise ArgumentError(
            f"padding {padding} cuts all of the output {tuple(full)} away; use less than half of it"
        )
    y = np.zeros((n, outs, *full), x.dtype)
    pixels = x.reshape(n, ins, height * width)
    for r, s in np.ndindex(rows, columns):
        added = (weight[:, :, r, s].T @ pixels).reshape(n, outs, height, width)
        y[:, :, r : r + stride * height : stride, s : s + stride * width : stride] += added
    return y[:, :, padding : full[0] - padding, padding : full[1] - padding]


def bilinear_kernel(stride):
    """The kernel with which a transposed convolution enlarges `stride` times bilinearly.

    Returns (R, R) float64, R = 2 stride − stride % 2; its sum is stride². With padding
    (R − stride) / 2 the output is as torch's interpolate(align_corners=False), but darker along the
    edges, where no pixel lies beyond. Raises ArgumentError. Source: Long et al., arXiv:1411.4038.
    """
    stride = whole_number("stride", stride, 1)
    size = 2 * stride - stride % 2
    line = 1 - np.abs(np.arange(size) - (size - 1) / 2) / stride
    return np.outer(line, line)


def max_pool2d_with_indices(x, size):
    """Max pooling with the place of each maximum (L2.17, L4.13).

    x, size: as `layers.MaxPool2d`. Returns values (N, C, H′, W′) and indices of the same shape,
    int64: row · W + column, of the first of equal ones, as torch. Raises ArgumentError.
    """
    values = MaxPool2d(size)(x)
    x = as_images("x", x)
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::size, ::size]
    r, s = np.divmod(windows.reshape(*values.shape, size**2).argmax(axis=-1), size)
    rows, columns = (size * np.arange(side) for side in values.shape[2:])
    return values, (rows[:, None] + r) * x.shape[3] + columns + s


def max_unpool2d(x, indices, size):
    """Unpooling: each value at the place of its maximum, zeros elsewhere (L4.13).

    x, indices: (N, C, h, w), as `max_pool2d_with_indices` returns them. size: (H, W) of the output.
    Returns (N, C, H, W). Raises ArgumentError. Source: Zeiler and Fergus, arXiv:1311.2901.
    """
    x = as_images("x", x)
    indices = as_ids("indices", indices)
    if indices.shape != x.shape:
        raise ArgumentError(
            f"indices must have the shape of x, {x.shape}, got {indices.shape}; use both that "
            "max_pool2d_with_indices returns"
        )
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise ArgumentError(f"size must be (H, W) of the output, got {size!r}")
    height, width = (whole_number("size", side, 1) for side in size)
    if indices.min() < 0 or indices.max() >= height * width:
        raise ArgumentError(
            f"indices must be 0 … {height * width - 1} for size {(height, width)}, found "
            f"{indices.min()} … {indices.max()}; use the size of what was pooled"
        )
    y = np.zeros((*x.shape[:2], height * width), x.dtype)
    np.put_along_axis(y, indices.reshape(*x.shape[:2], -1), x.reshape(*x.shape[:2], -1), axis=2)
    return y.reshape(*x.shape[:2], height, width)


def _as_pair(x, weight):
    """x (N, in, H, W) and weight (in, out, R, S) of one dtype."""
    given, weight = weight, as_array("weight", weight)
    if weight.ndim != 4 or 0 in weight.shape:
        one = advice.part("weight", given, "[None, None]")
        hint = f"; for one kernel use {one}" if weight.ndim == 2 else ""
        raise ArgumentError(f"weight must be (in, out, R, S), got {weight.shape}{hint}")
    x = as_images("x", x)
    if x.shape[1] != weight.shape[0]:
        fits = x.shape[1] == weight.shape[1]
        turned = advice.moved("weight", given, 1, 0, 2, 3)
        hint = f"; the inputs come first here: use {turned}" if fits else ""
        raise ArgumentError(
            f"weight must be ({x.shape[1]}, out, R, S) for x {x.shape}, got {weight.shape}{hint}"
        )
    return x, as_images("weight", given, dtype=x.dtype)
