"""Convolution and pooling in reverse, small maps to large ones (L4.13), and one-hot labels. NumPy.

Letters: N pictures, C channels, H × W pixels. Arrays are float32 or float64, as they come.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_utils.arguments import advice
from course_utils.arguments.arrays import as_array, as_images, whole_number
from course_utils.errors import ArgumentError
from course_utils.layers import Conv2d, MaxPool2d
from course_utils.segmentation.metrics import as_ids


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    """Transposed convolution: each input pixel adds its multiple of the kernel to the output.

    x: (N, in, H, W). weight: (in, out, R, S), of x's dtype. bias: (out,). padding: rows and columns
    cut off on each side; output_padding: added below and at the right, less than the stride.
    Returns (N, out, H′, W′), H′ = (H − 1) stride − 2 padding + R + output_padding, as torch; for
    one channel it is `filters.conv_matrix(kernel, H′, W′, stride).T` times the pixels, if no
    padding is given. Raises ArgumentError. Source: Dumoulin and Visin, arXiv:1603.07285.
    """
    x, weight = _as_pair(x, weight)
    stride, padding = whole_number("stride", stride, 1), whole_number("padding", padding, 0)
    (n, ins, height, width), (_, outs, rows, columns) = x.shape, weight.shape
    extra = whole_number("output_padding", output_padding, 0)
    if extra >= stride:
        raise ArgumentError(
            f"output_padding must be less than the stride {stride}, got {extra}; it chooses among "
            "the sizes that a convolution of this stride makes alike"
        )
    full = [(height - 1) * stride + rows + extra, (width - 1) * stride + columns + extra]
    if 2 * padding >= min(full):
        raise ArgumentError(
            f"padding {padding} cuts all of the output {tuple(full)} away; use less than half of it"
        )
    y = np.zeros((n, outs, *full), x.dtype)
    pixels = x.reshape(n, ins, height * width)
    for r, s in np.ndindex(rows, columns):
        added = (weight[:, :, r, s].T @ pixels).reshape(n, outs, height, width)
        y[:, :, r : r + stride * height : stride, s : s + stride * width : stride] += added
    y = y[:, :, padding : full[0] - padding, padding : full[1] - padding]
    return y if bias is None else y + _as_bias(bias, outs, x.dtype)[:, None, None]


def conv_transpose2d_gradients(x, weight, dy, stride=1, padding=0):
    """The way back of `conv_transpose2d`, which is chapter 2's convolution of dy (L4.13).

    x, weight, stride, padding: as there. dy: (N, out, H′, W′), the gradient of the loss with
    respect to the output. Returns a dict of those with respect to "x", "weight", "bias", in their
    shapes. Raises ArgumentError.
    """
    x, weight = _as_pair(x, weight)
    ins, outs, *kernel = weight.shape
    conv = Conv2d(outs, ins, tuple(kernel), stride, padding, dtype=x.dtype, input_gradient=False)
    conv.parameters = {"weight": weight, "bias": np.zeros(ins, x.dtype)}
    dy = as_images("dy", dy, outs, x.dtype)
    dx = conv(dy)
    if dx.shape != x.shape:
        raise ArgumentError(
            f"dy {dy.shape} is no gradient of the output for x {x.shape}: it would be one for "
            f"{dx.shape}; use the stride and padding of the way forward"
        )
    conv.backward(x)  # x is the gradient that comes back to the convolution's output
    return {"x": dx, "weight": conv.gradients["weight"], "bias": dy.sum(axis=(0, 2, 3))}


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


def max_pool2d_with_indices(x, size, stride=None):
    """Max pooling that remembers where each maximum was (L2.17, L4.13).

    x, size, stride: as `layers.MaxPool2d`. Returns values (N, C, H′, W′) and indices of the same
    shape, int64: row · W + column, of the first of equal ones, as torch. Raises ArgumentError.
    """
    values = MaxPool2d(size, stride)(x)
    x = as_images("x", x)
    step = size if stride is None else stride
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::step, ::step]
    r, s = np.divmod(windows.reshape(*values.shape, size**2).argmax(axis=-1), size)
    rows, columns = (step * np.arange(side) for side in values.shape[2:])
    return values, (rows[:, None] + r) * x.shape[3] + columns + s


def max_unpool2d(x, indices, size):
    """Unpooling: each value goes back to where the maximum was, zeros elsewhere (L4.13).

    x, indices: (N, C, h, w), as `max_pool2d_with_indices` returns them. size: (H, W) of the output.
    Returns (N, C, H, W). Raises ArgumentError. Source: Zeiler and Fergus, arXiv:1311.2901.
    """
    x, indices = as_images("x", x), as_ids("indices", indices)
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


def one_hot(labels, classes):
    """A mask of each class: (…, H, W) whole numbers 0 … classes − 1 → (…, classes, H, W) bool.

    The way back is `.argmax(axis=-3)`. Raises ArgumentError (L4.12).
    """
    labels, classes = as_ids("labels", labels), whole_number("classes", classes, 1)
    if labels.ndim < 2:
        raise ArgumentError(f"labels must be (H, W) or (N, H, W), got {labels.shape}")
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ArgumentError(f"labels must be 0 … {classes - 1}, found {wrong[0]}")
    return labels[..., None, :, :] == np.arange(classes)[:, None, None]


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


def _as_bias(bias, outs, dtype):
    bias = as_array("bias", bias)
    if bias.shape != (outs,):
        raise ArgumentError(f"bias must be ({outs},), one a channel, got {bias.shape}")
    return bias.astype(dtype)
