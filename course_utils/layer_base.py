"""What every hand-written layer of chapter 2 has: a call, and checked gradients. NumPy only."""

import math

import numpy as np

from course_utils import advice
from course_utils.arguments import as_array
from course_utils.errors import ArgumentError


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
