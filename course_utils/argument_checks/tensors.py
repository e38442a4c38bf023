"""What torch functions accept: float tensors; an array is refused with the call that turns it."""

import math
import warnings

import torch

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array
from course_utils.errors import ArgumentError


def require_floats(name, value, *shape, dtype=None, pixels=False):
    """Refuse all but a float tensor, of a shape if one is given, and not empty then.

    shape: of each axis its length, or a letter, which allows any: the same letter the same length.
    dtype: the one wanted, such as a model's; None: any float. pixels: whole numbers are pixels
    0 … 255, wanted as 0 … 1. Raises ArgumentError with the call that makes it such a tensor.
    """
    _require_float(name, value, dtype, pixels)
    came = tuple(value.shape)
    if shape and not (len(came) == len(shape) and 0 not in came and _fits(came, shape)):
        raise ArgumentError(f"{name} must be ({', '.join(map(str, shape))}), got {came}")


def _fits(came, shape):
    lengths = {}
    return all(
        (length if isinstance(length, int) else lengths.setdefault(length, side)) == side
        for length, side in zip(shape, came, strict=True)
    )


def _require_float(name, value, dtype, pixels):
    tensor = isinstance(value, torch.Tensor)
    found = str(value.dtype).removeprefix("torch.") if tensor else as_array(name, value).dtype.name
    floating = "float" in found
    wanted = str(dtype).removeprefix("torch.") if dtype else found if floating else "float32"
    if tensor and found == wanted:
        return
    short = advice.CASTS.get(wanted, f"to(torch.{wanted})")
    rest = "" if found == wanted else f".{short}"
    rest += " / 255" if pixels and "int" in found else ""
    turned = advice.as_tensor(name, value, rest)
    if tensor:
        kind = wanted if dtype else "float"
        raise ArgumentError(f"{name} must be {kind}, got {value.dtype}; use {turned}")
    raise ArgumentError(f"{name} must be a tensor, got {advice.kind(value)}; use {turned}")


def require_model_input(name, value, model, *shape, pixels=False):
    """`require_floats` with the dtype of the model's weights; autocast takes any float."""
    weight = next(model.parameters(), None)
    where = "cpu" if weight is None else weight.device.type  # autocast does not know "meta"
    free = weight is None or (where != "meta" and torch.is_autocast_enabled(where))
    require_floats(name, value, *shape, dtype=None if free else weight.dtype, pixels=pixels)


def require_pixels(name, images, model, *shape):
    """`require_model_input` and `look_at_pixels` of images 0 … 1."""
    require_model_input(name, images, model, *shape, pixels=True)
    look_at_pixels(name, images)


def look_at_pixels(name, images):
    """Refuse images that hold NaN or inf, and warn of those that go beyond 100, as `fit` does.

    images: (N, …) float tensor. The warning is for the line that called the caller's caller.
    """
    images = images.detach()
    if not images.numel():
        return
    low, high = (float(value) for value in images.aminmax())
    if not (math.isfinite(low) and math.isfinite(high)):
        wrong = int((~images.isfinite()).flatten(1).any(1).nonzero()[0])
        raise ArgumentError(
            f"{name} hold NaN or inf, first in {name}[{wrong}]; leave it out, or load it again"
        )
    if high > 100:
        warnings.warn(f"{name} go from {low:g} to {high:g}; divide by 255?", stacklevel=4)


def require_tanh_range(name, images):
    """Refuse a float tensor with numbers that no tanh makes: beyond −1 … 1, NaN or inf."""
    images = images.detach()
    if not images.isfinite().all():
        raise ArgumentError(f"{name} hold NaN or inf; use {advice.finite(name, images)}")
    low, high = map(float, images.aminmax()) if images.numel() else (0, 0)
    if not -1.001 <= low <= high <= 1.001:
        pixels = low >= 0 and 2 < high <= 255
        fix = f"use {name} / 127.5 - 1" if pixels else f"use {name}.clamp(-1, 1)"
        raise ArgumentError(f"{name} must be -1 … 1, got {low:g} … {high:g}; {fix}")
