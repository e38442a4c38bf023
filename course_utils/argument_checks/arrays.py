"""What the layers accept, and one clear error for everything else."""

import math
import numbers

import numpy as np

from course_utils.argument_checks import advice
from course_utils.errors import ArgumentError


def whole_number(name, value, least):
    """`value` as an int of at least `least`. Raises ArgumentError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ArgumentError(f"{name} must be a whole number from {least}, got {value!r}")
    return int(value)


def finite_number(name, value, zero=False):
    """`value`, a finite number above 0, or with `zero` from 0. Raises ArgumentError."""
    known = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not known or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        wanted = "a number from 0" if zero else "a number above 0"
        raise ArgumentError(f"{name} must be {wanted}, got {value!r}")
    return value


def as_array(name, value):
    """A NumPy array, a torch tensor (on any device) or nested lists of either → a NumPy array.

    bfloat16, which NumPy lacks, becomes float32; what torch does not take is copied: a view that
    runs backwards, bytes in the other order.
    """
    value = _without_tensors(value)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ArgumentError(f"{name} must be rectangular, got rows of different length") from None
    if array.dtype.kind not in "biuf":
        raise ArgumentError(f"{name} must hold numbers, got a {type(value).__name__}")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return array.copy() if min(array.strides, default=0) < 0 else array


def _without_tensors(value):
    """Tensors, also those in lists, as NumPy arrays."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if isinstance(value, list | tuple):
        return [_without_tensors(part) for part in value]
    return value


def as_images(name, value, channels=None, dtype=None):
    """A batch of images (N, C, H, W) of float32 or float64, not empty.

    channels: how many are wanted; None takes any. dtype: the one wanted; None takes either.
    Raises ArgumentError with the call that turns what came into what is wanted.
    """
    array = as_array(name, value)
    wanted = f"{name} must be (N, {channels or 'C'}, H, W), got {array.shape}"
    if array.ndim == 2:
        one = advice.part(name, value, "[None, None]")
        raise ArgumentError(f"{wanted}; for one gray image use {one}")
    if array.ndim == 3 and channels not in (None, 1) and array.shape[0] == channels:
        raise ArgumentError(f"{wanted}; for one image use {advice.part(name, value, '[None]')}")
    if array.ndim == 3 and array.shape[2] == (channels or 3) and array.shape[0] != channels:
        one = advice.moved(name, value, 2, 0, 1)
        raise ArgumentError(f"{wanted}; for one image use {one}[None]")
    if array.ndim == 3:
        raise ArgumentError(
            f"{wanted}; for gray images use {advice.part(name, value, '[:, None]')}"
        )
    if array.ndim != 4:
        raise ArgumentError(wanted)
    if channels is not None and array.shape[1] != channels:
        last = array.shape[3] == channels
        second = advice.moved(name, value, 0, 3, 1, 2)
        hint = f"; channels come second: use {second}" if last else ""
        raise ArgumentError(f"{wanted}{hint}")
    if 0 in array.shape:
        raise ArgumentError(
            f"{name} is empty: {array.shape[0]} images, shape {array.shape}; look at what "
            "chose them"
        )
    return _as_float(name, value, array, dtype)


def as_features(name, value, features=None, dtype=None):
    """Rows of numbers (N, D) of float32 or float64, not empty. Raises ArgumentError."""
    array = as_array(name, value)
    if array.ndim != 2 or (features is not None and array.shape[1] != features):
        flat = array.ndim > 2 and np.prod(array.shape[1:]) == features
        rows = advice.part(name, value, f".reshape(len({name}), -1)")
        hint = f"; use {rows}" if flat else ""
        raise ArgumentError(f"{name} must be (N, {features or 'D'}), got {array.shape}{hint}")
    if 0 in array.shape:
        raise ArgumentError(f"{name} is empty: shape {array.shape}; look at what chose its rows")
    return _as_float(name, value, array, dtype)


def as_labels(labels, count, classes=None):
    """Labels (N,) of whole numbers 0 … classes − 1, as many as there are logits.

    classes: how many there are; None if that is not known yet.
    """
    array = as_array("labels", labels)
    if array.ndim == 2 and array.shape[1] == 1:
        column = advice.part("labels", labels, "[:, 0]")
        raise ArgumentError(f"labels must be (N,), got {array.shape}; use {column}")
    if array.ndim == 2:
        best = advice.best("labels", labels)
        raise ArgumentError(f"labels must be (N,), got {array.shape}; use {best}")
    if array.ndim != 1:
        raise ArgumentError(f"labels must be (N,), got {array.shape}")
    if len(array) != count:
        raise ArgumentError(
            f"there are {count} logits and {len(array)} labels; take as many of each"
        )
    if array.dtype.kind not in "iu":
        whole = advice.cast("labels", labels, int)
        raise ArgumentError(f"labels must be whole numbers, got {array.dtype}; use {whole}")
    wrong = np.flatnonzero((array < 0) | (array >= (np.inf if classes is None else classes)))
    if len(wrong):
        first, last = int(wrong[0]), "…" if classes is None else f"… {classes - 1}"
        raise ArgumentError(f"labels must be 0 {last}, found {array[first]} at {first}")
    return array


def _as_float(name, value, array, dtype):
    wanted = np.dtype(dtype or np.float32)
    if array.dtype.kind in "iu":
        fix = advice.divided(name, value, wanted)
        raise ArgumentError(f"{name} must be float, got {array.dtype}; use {fix}")
    if array.dtype not in (np.float32, np.float64) or (dtype and array.dtype != dtype):
        fix = advice.cast(name, value, wanted)
        raise ArgumentError(f"{name} must be {wanted}, got {array.dtype}; use {fix}")
    return array
