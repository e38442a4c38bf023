"""What torch functions accept: float tensors; an array is refused with the call that turns it."""

import math
import warnings

import torch

from course_utils.arguments import advice
from course_utils.arguments.arrays import as_array
from course_utils.errors import ArgumentError


def require_floats(name, value, dtype=None, pixels=False):
    """Refuse all but a float tensor. Raises ArgumentError with the call that makes it one.

    dtype: the one wanted, such as a model's; None: any float. pixels: whole numbers are pixels
    0 … 255, wanted as 0 … 1.
    """
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


def require_model_input(name, value, model, pixels=False):
    """`require_floats` with the dtype of the model's weights; autocast takes any float."""
    weight = next(model.parameters(), None)
    where = "cpu" if weight is None else weight.device.type  # autocast does not know "meta"
    free = weight is None or (where != "meta" and torch.is_autocast_enabled(where))
    require_floats(name, value, None if free else weight.dtype, pixels)


def look_at_pixels(name, images, stacklevel=3):
    """Refuse images that hold NaN or inf, and warn of those that go beyond 100, as `fit` does.

    images: (N, …) float tensor. stacklevel: as in warnings.warn: the line that called with them.
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
        warnings.warn(
            f"{name} go from {low:g} to {high:g}; divide by 255?", stacklevel=stacklevel + 1
        )


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
