"""What functions that draw or read one picture accept, and one clear error for everything else."""

import numpy as np

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array
from course_utils.errors import ArgumentError

LEVEL = 1 / 510  # half a step of 8 bits: what is so little beyond 0 … 1 looks the same
FEW = 0.05  # the share of gray numbers that may be cut off at black and white: a few peaks
FAR = 100  # the limit of `training.fit`, too: numbers beyond it were meant as 0 … 255


def as_drawn(name, value, free=False):
    """A picture (H, W), (H, W, 3) or (H, W, 4) as an array that is drawn as it is meant.

    Floats are drawn from 0, black, to 1, white; whole numbers from 0 to 255, gray ones above it up
    to the largest. free: the caller gives another range, so that gray numbers of any size are
    right. Raises ArgumentError for another shape; for NaN and inf; for colours beyond the range;
    for gray where more than 5 % of the numbers lie beyond it, or a float farther than 100.
    """
    array = as_array(name, value)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        hint = _other_shape(name, value, array.shape)
        raise ArgumentError(f"{name} must be (H, W) or (H, W, 3), got {array.shape}{hint}")
    gray, floats = array.ndim == 2, array.dtype.kind == "f"
    if array.dtype == bool or not array.size or (gray and free):
        return array
    require_finite(name, value, array)
    top, slack = (1, LEVEL) if floats else (255, 0)
    low, high = array.min(), array.max()
    if not gray:
        if low < -slack or high > top + slack:
            fix = _into_range(name, value, low, high, top)
            raise ArgumentError(f"{name} must be 0 … {top}, got {low:g} … {high:g}; use {fix}")
        return array.clip(0, top) if low < 0 or high > top else array
    cut = (array < -slack) | (floats and array > 1 + slack)
    if cut.mean() > FEW or (floats and max(-low, high) > FAR):
        kind = "floats" if floats else "whole numbers"
        drawn = f"{name} goes from {low:g} to {high:g}, and {kind} are drawn from 0 to {top}"
        if floats and low >= 0 and 2 < high <= 255:
            fix = advice.part(name, value, " / 255")
            raise ArgumentError(f"{drawn}; give vmin and vmax, or use {fix}")
        raise ArgumentError(f"{drawn}; use vmin={low:g}, vmax={high:g}")
    return array


def as_rgb(name, value):
    """A photo (H, W, 3) uint8, not empty, on any device, as an array. Raises ArgumentError."""
    array = as_array(name, value)
    told = f"{name} must be (H, W, 3) uint8, got {array.shape} {array.dtype}"
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ArgumentError(f"{told}{_other_shape(name, value, array.shape, colour=True)}")
    if array.dtype != np.uint8:
        require_finite(name, value, array)
        raise ArgumentError(f"{told}; use {advice.in_bytes(name, value, array)}")
    return array


def require_finite(name, value, array):
    """Raise ArgumentError where an array holds NaN or inf. value: the array as it came."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        fix = advice.finite(name, value)
        raise ArgumentError(f"{name} holds NaN or inf, first at {first}; use {fix}")


def require_bytes(name, value, array):
    """Raise ArgumentError unless an array holds numbers 0 … 255, of which one is above 1."""
    require_finite(name, value, array)
    low, high = array.min(), array.max()
    if low >= 0 and 0 < high <= 1:
        fix = advice.part(name, value, " * 255")
        raise ArgumentError(f"{name} must be 0 … 255, got at most {high:g}; use {fix}")
    if low < 0 or high > 255:
        fix = _into_range(name, value, low, high, 255)
        raise ArgumentError(f"{name} must be 0 … 255, got {low:g} … {high:g}; use {fix}")


def require_bits(name, value, array):
    """Raise ArgumentError unless an array holds nothing but 0 and 1."""
    if not np.isin(array, (0, 1)).all():
        low, high = array.min(), array.max()
        fix = advice.part(name, value, " < 128" if high > 1 else " < 0.5")
        raise ArgumentError(f"{name} must be 0 or 1, got {low:g} … {high:g}; use {fix}")


def _into_range(name, value, low, high, top):
    """Code that brings numbers into 0 … top."""
    if top == 1 and low >= 0 and 2 < high <= 255:
        return advice.part(name, value, " / 255")
    if top == 255 and low >= 0 and high >= 512:  # 16 bits a channel
        return advice.part(name, value, f" // {int(high) // 256 + 1}")
    return advice.part(name, value, f".clip(0, {top})")


def _other_shape(name, value, shape, colour=False):
    """How an array of another shape becomes a picture; colour: (H, W, 3) alone is wanted."""
    if len(shape) == 2 and colour:
        return f"; for a gray one use {advice.in_colour(name, value)}"
    if len(shape) == 3 and shape[2] == 1:
        return f"; use {advice.part(name, value, '[..., 0]')}"
    if len(shape) == 3 and shape[2] == 4 and colour:
        return f"; without its alpha use {advice.part(name, value, '[..., :3]')}"
    if len(shape) == 3 and shape[0] in (1, 3):
        return f"; channels come last: use {advice.moved(name, value, 1, 2, 0)}"
    if len(shape) == 4 and len(value):
        return f"; for one picture use {advice.part(name, value, '[0]')}"
    return ""
