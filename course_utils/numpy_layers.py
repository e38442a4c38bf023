"""The finished NumPy layers of chapter 2, forward and backward, written by hand. NumPy only.

`y = layer(x)` computes the output and remembers what the way back needs; `dx = layer.backward(dy)`
then returns the gradient of the loss with respect to x, and leaves those of the parameters in
`layer.gradients`, under the names of `layer.parameters`. Arrays are float32 or float64, as the
layer's `dtype` says. Letters: N pictures, C channels, H × W pixels, K filters of R × S.
"""

import functools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import ThreadpoolController

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import (
    as_array,
    as_features,
    as_images,
    as_labels,
    whole_number,
)
from course_utils.errors import ArgumentError

PIECE = 1 << 20  # bytes of buffer a thread works in: about a core's second-level cache


class Layer:
    """What all layers have: parameters, their gradients, and a call that is `forward`.

    A layer writes `_forward(x)`, which checks what came, and `_backward(dy)`: dy is an array of the
    last output's shape there, and of its dtype if that is a float one.
    """

    def __init__(self):
        self.parameters, self.gradients = {}, _NotYet()
        self._output = None  # shape and dtype of the last output

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        """The output for x; what the backward pass needs is remembered. Raises ArgumentError."""
        self._output = None  # a call that fails leaves nothing to go back through
        y = self._forward(x)
        self._output = y.shape, y.dtype
        return y

    def backward(self, dy):
        """dy, the loss's gradient with respect to the last output → the one with respect to x.

        Those of the parameters go into `gradients`. A second call gives the same again: nothing is
        added up. Raises ArgumentError before a call of the layer, and for a dy of another shape.
        """
        require_call(self, self._output, "layer(x)", "layer.backward(dy)")
        return self._backward(_as_gradient(dy, *self._output))


def require_call(what, done, call, backward):
    """Raise ArgumentError unless `done`: what a forward pass of `what` leaves, None without one."""
    if done is None:
        name = type(what).__name__
        raise ArgumentError(f"{name} has not been called yet; call {call} first, then {backward}")


def _as_gradient(dy, shape, dtype):
    array = as_array("dy", dy)
    if array.shape != shape:
        hint = "; it belongs to another batch" if array.shape[1:] == shape[1:] else ""
        if array.size == math.prod(shape):
            hint = f"; use {advice.part('dy', dy, f'.reshape{shape}')}"
        raise ArgumentError(f"dy must be {shape}, as the last output, got {array.shape}{hint}")
    return array.astype(dtype, copy=False) if dtype.kind == "f" else array


class _NotYet(dict):
    """The gradients of a layer before its first backward pass: each says what is to be done."""

    def __missing__(self, name):
        raise ArgumentError(f"there is no gradient {name!r} yet; call layer.backward(dy) first")


def uniform_parameters(shape, fan_in, rng, dtype):
    """Weight of `shape` and bias, uniform within ±1/√fan_in, as torch's Conv2d and Linear start.

    fan_in: the shape of what one output sees. rng: None draws new numbers each time. Raises
    ArgumentError.
    """
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ArgumentError(f"dtype must be float32 or float64, got {np.dtype(dtype)}")
    rng = np.random.default_rng() if rng is None else rng
    bound = 1 / np.sqrt(np.prod(fan_in))
    draw = {
        "weight": rng.uniform(-bound, bound, shape),
        "bias": rng.uniform(-bound, bound, shape[0]),
    }
    return {name: values.astype(dtype) for name, values in draw.items()}


class Conv2d(Layer):
    """Cross-correlation of a batch with K filters, plus a bias each (L2.09, L2.10, L2.14–L2.16).

    (N, in_channels, H, W) → (N, out_channels, H′, W′), H′ = ⌊(H + 2 padding − R) / stride⌋ + 1.
    kernel_size: R = S, or (R, S). rng: draws the weights, uniform within ±1/√(C R S), as torch.
    input_gradient: False saves the first layer of a network the gradient that nobody asks for.
    Memory: the padded input, the output, and for each thread one buffer of unrolled windows of at
    most 1 MiB (or one picture's), however large the batch: it works through it in pieces.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, rng=None,
                 dtype=np.float32, input_gradient=True):  # fmt: skip
        super().__init__()
        pair = isinstance(kernel_size, tuple) and len(kernel_size) == 2
        sizes = kernel_size if pair else (kernel_size, kernel_size)
        self.kernel_size = tuple(whole_number("kernel_size", size, 1) for size in sizes)
        self.stride = whole_number("stride", stride, 1)
        self.padding = whole_number("padding", padding, 0)
        self.input_gradient = input_gradient
        ins = whole_number("in_channels", in_channels, 1)
        shape = (whole_number("out_channels", out_channels, 1), ins, *self.kernel_size)
        self.parameters = uniform_parameters(shape, shape[1:], rng, dtype)

    def _forward(self, x):
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        x = as_images("x", x, weight.shape[1], weight.dtype)
        height, width = self._output_size(x.shape)
        self._padded = _pad(x, self.padding)
        y = np.empty((len(x), len(weight), height * width), weight.dtype)
        # the bias is the weight of one more input, which is always 1
        filters = np.column_stack([weight.reshape(len(weight), -1), bias])  # (K, C R S + 1)

        def work(pieces, buffer):
            buffer[:, -1] = 1
            for piece in pieces:
                windows = self._unroll(self._padded[piece], buffer, height, width)
                np.matmul(filters, windows, out=y[piece])  # (n, K, H′ W′)

        _in_pieces(work, len(x), (filters.shape[1], height * width), weight.dtype)
        return y.reshape(len(x), -1, height, width)

    def _backward(self, dy):
        weight = self.parameters["weight"]
        height, width = dy.shape[2:]
        flat = np.ascontiguousarray(dy, weight.dtype).reshape(len(dy), len(weight), -1)
        filters = np.ascontiguousarray(weight.reshape(len(weight), -1).T)  # (C R S, K)
        rows = len(filters) + 1
        d_padded = np.zeros_like(self._padded) if self.input_gradient else None

        def work(pieces, buffer):
            buffer[:, -1] = 1
            d_filters = np.zeros((len(weight), rows), weight.dtype)
            for piece in pieces:
                windows = self._unroll(self._padded[piece], buffer, height, width)
                for one_dy, one in zip(flat[piece], windows, strict=True):
                    d_filters += one_dy @ one.T
                if self.input_gradient:
                    d_windows = windows[:, :-1]  # they take the place of the windows
                    np.matmul(filters, flat[piece], out=d_windows)
                    self._fold(d_windows, d_padded[piece], height, width)
            return d_filters

        d_filters = sum(_in_pieces(work, len(dy), (rows, height * width), weight.dtype))
        d_weight = np.ascontiguousarray(d_filters[:, :-1]).reshape(weight.shape)
        self.gradients = {"weight": d_weight, "bias": d_filters[:, -1].copy()}
        inner = slice(self.padding, -self.padding or None)  # without the padding
        return d_padded[:, :, inner, inner] if self.input_gradient else None

    def _output_size(self, shape):
        sizes, pad = [], 2 * self.padding
        for name, size, kernel in zip("HW", np.add(shape[2:], pad), self.kernel_size, strict=True):
            if kernel > size:
                raise ArgumentError(
                    f"kernel_size {kernel} is larger than the padded {name} = {size}, so no output "
                    f"is left; use a kernel of at most {size}, or more padding"
                )
            sizes.append(int(size - kernel) // self.stride + 1)
        return sizes

    def _unroll(self, padded, buffer, height, width):
        """(n, C, H, W) → (n, C R S + 1, H′ W′) in `buffer`: a window a column (im2col), and 1."""
        windows = buffer[: len(padded)]
        grid = self._grid(windows[:, :-1], height, width)
        for r, s, rows, columns in _taps(self.kernel_size, self.stride, (height, width)):
            grid[:, :, r, s] = padded[:, :, rows, columns]
        return windows

    def _fold(self, windows, d_padded, height, width):
        """Add each window's gradient to the pixels it came from: the way back of `_unroll`."""
        grid = self._grid(windows, height, width)
        for r, s, rows, columns in _taps(self.kernel_size, self.stride, (height, width)):
            d_padded[:, :, rows, columns] += grid[:, :, r, s]

    def _grid(self, windows, height, width):
        """The same memory, seen as (n, C, R, S, H′, W′)."""
        return windows.reshape(len(windows), -1, *self.kernel_size, height, width, copy=False)


class _Pool2d(Layer):
    """Windows of size × size, `stride` apart (default: size), on each channel by itself."""

    def __init__(self, size, stride=None):
        super().__init__()
        self.size = whole_number("size", size, 1)
        self.stride = self.size if stride is None else whole_number("stride", stride, 1)

    def _pixels(self, shape):
        """Output's (H′, W′), and for each place in the window the (rows, columns) it meets."""
        if self.size > min(shape[2:]):
            raise ArgumentError(f"size {self.size} is larger than the image, {shape[2:]}; use less")
        size = tuple((side - self.size) // self.stride + 1 for side in shape[2:])
        return size, [tap[2:] for tap in _taps((self.size, self.size), self.stride, size)]


class MaxPool2d(_Pool2d):
    """The largest value of each window (L2.17): (N, C, H, W) → (N, C, H′, W′).

    size, stride: as in torch; rows and columns that fill no window are left out. On the way back
    the gradient goes to the window's maximum, to the first of equal ones.
    """

    def _forward(self, x):
        x = as_images("x", x)
        _, taps = self._pixels(x.shape)
        y = x[:, :, *taps[0]].copy()
        self._shape, self._winner = x.shape, np.zeros(y.shape, np.min_scalar_type(len(taps)))
        for number, (rows, columns) in enumerate(taps[1:], 1):
            candidate = x[:, :, rows, columns]
            np.copyto(self._winner, number, where=candidate > y)
            np.maximum(y, candidate, out=y)
        return y

    def _backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        for number, (rows, columns) in enumerate(self._pixels(self._shape)[1]):
            dx[:, :, rows, columns] += dy * (self._winner == number)
        return dx


class AvgPool2d(_Pool2d):
    """The mean of each window (L2.17): (N, C, H, W) → (N, C, H′, W′); as in torch."""

    def _forward(self, x):
        x = as_images("x", x)
        self._shape = x.shape
        size, taps = self._pixels(x.shape)
        y = np.zeros((*x.shape[:2], *size), x.dtype)
        for rows, columns in taps:
            y += x[:, :, rows, columns]
        return y / x.dtype.type(len(taps))

    def _backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        _, taps = self._pixels(self._shape)
        share = dy / dy.dtype.type(len(taps))
        for rows, columns in taps:
            dx[:, :, rows, columns] += share
        return dx


class Linear(Layer):
    """Fully connected (L2.19): (N, in_features) → (N, out_features), x Wᵀ + b.

    rng: draws the weights, uniform within ±1/√in_features, as torch.
    """

    def __init__(self, in_features, out_features, rng=None, dtype=np.float32):
        super().__init__()
        ins = whole_number("in_features", in_features, 1)
        shape = (whole_number("out_features", out_features, 1), ins)
        self.parameters = uniform_parameters(shape, shape[1:], rng, dtype)

    def _forward(self, x):
        weight = self.parameters["weight"]
        self._x = as_features("x", x, weight.shape[1], weight.dtype)
        return self._x @ weight.T + self.parameters["bias"]

    def _backward(self, dy):
        self.gradients = {"weight": dy.T @ self._x, "bias": dy.sum(axis=0)}
        return dy @ self.parameters["weight"]


class ReLU(Layer):
    """max(x, 0), any shape."""

    def _forward(self, x):
        x = as_array("x", x)
        self._positive = x > 0
        return np.maximum(x, 0)

    def _backward(self, dy):
        return dy * self._positive


class Tanh(Layer):
    """tanh(x), any shape."""

    def _forward(self, x):
        self._y = np.tanh(as_array("x", x))
        return self._y

    def _backward(self, dy):
        return dy * (1 - self._y**2)


class Flatten(Layer):
    """(N, …) → (N, D): each picture becomes one row (L2.01, L2.19)."""

    def _forward(self, x):
        x = as_array("x", x)
        self._shape = x.shape
        return x.reshape(len(x), -1)

    def _backward(self, dy):
        return dy.reshape(self._shape)


class SoftmaxCrossEntropy:
    """Mean cross-entropy of the softmax of logits (N, K) against labels (N,), whole numbers.

    Called with logits and labels it returns the loss, a float; `probabilities` is the softmax.
    Raises ArgumentError for labels that are no class, for one-hot labels, and for a loss that is
    not a number.
    """

    _labels = None  # of the last call

    def __call__(self, logits, labels):
        self._labels = None  # a call that fails leaves nothing to go back through
        logits = as_features("logits", logits)
        labels = as_labels(labels, *logits.shape)
        shifted = logits - logits.max(axis=1, keepdims=True)  # the largest is 0: exp stays finite
        exponentials = np.exp(shifted)
        sums = exponentials.sum(axis=1, keepdims=True)
        self.probabilities = exponentials / sums
        picked = shifted[np.arange(len(logits)), labels]
        loss = float((np.log(sums[:, 0]) - picked).mean())
        if not np.isfinite(loss):
            raise ArgumentError("logits hold NaN or inf: look at the images, or lower the rate")
        self._labels = labels
        return loss

    def backward(self):
        """The gradient with respect to the logits, (N, K): (softmax − one-hot) / N.

        Raises ArgumentError before a call of the loss.
        """
        require_call(self, self._labels, "loss(logits, labels)", "loss.backward()")
        gradient = self.probabilities.copy()
        gradient[np.arange(len(gradient)), self._labels] -= 1
        return gradient / gradient.dtype.type(len(gradient))


@functools.lru_cache(maxsize=64)
def _taps(kernel_size, stride, size):
    """For each place (r, s) in the kernel: the rows and columns it meets as the window moves."""
    return tuple(
        (r, s, slice(r, r + stride * size[0], stride), slice(s, s + stride * size[1], stride))
        for r, s in np.ndindex(kernel_size)
    )


def _pad(x, padding):
    """Zeros around each picture, `padding` wide."""
    if not padding:
        return x
    n, channels, height, width = x.shape
    padded = np.zeros((n, channels, height + 2 * padding, width + 2 * padding), x.dtype)
    padded[:, :, padding:-padding, padding:-padding] = x
    return padded


# in pieces that fit a core's cache, on as many threads as BLAS may use


def _in_pieces(work, count, shape, dtype):
    """Call `work(pieces, buffer)` on each thread; returns the list of what the calls returned.

    count: how many pictures. shape, dtype: of the buffer that one picture needs.
    pieces: list of slices of the batch; buffer: (n, *shape), n the longest piece.
    """
    each = int(np.prod(shape)) * np.dtype(dtype).itemsize
    threads = min(count, _thread_count())
    length = max(1, min(PIECE // each, -(-count // threads)))
    pieces = [slice(start, min(start + length, count)) for start in range(0, count, length)]

    def run(mine):
        return work(mine, np.empty((length, *shape), dtype))

    if threads == 1 or len(pieces) == 1:
        return [run(pieces)]
    with _blas().limit(limits=1):  # each thread multiplies by itself
        return list(_pool(threads).map(run, [pieces[i::threads] for i in range(threads)]))


def _thread_count():
    """How many threads BLAS may use now: OMP_NUM_THREADS, or all cores."""
    return max([library.num_threads for library in _blas().lib_controllers], default=1)


@functools.cache
def _blas():
    return ThreadpoolController().select(user_api="blas")


@functools.cache
def _pool(threads):
    return ThreadPoolExecutor(threads)
