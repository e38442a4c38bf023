"""What torch functions accept: float tensors; an array is refused with the call that turns it."""

import torch

from course_utils import advice
from course_utils.arguments import as_array
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
