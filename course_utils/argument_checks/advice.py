"""The code of an advice in an error, worded for what came: an array, a torch tensor, or lists.

"Use x.transpose(2, 0, 1)" helps nobody whose x is a tensor. Each function takes the argument's
name and value and returns code that runs on it, with NumPy imported as np, and torch.
"""

import numpy as np

from course_utils.language import texts

CASTS = {"float32": "float()", "float64": "double()", "int64": "long()"}
texts(  # what `kind` says
    "a tensor", "a list", "a tuple", "a dict", "a str", "a int", "a float", "a bool", "a NoneType",
    "a Tensor", "a ndarray",
)  # fmt: skip


def is_tensor(value):
    """Whether it is a torch tensor; torch is not imported for the question."""
    return hasattr(value, "detach") and hasattr(value, "permute")


def kind(value):
    """What came, in words: "a NumPy array", "a tensor", "a list"."""
    if is_tensor(value):
        return "a tensor"
    return "a NumPy array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def part(name, value, rest):
    """The name with `rest` behind it: an index, such as "[:, None]", or a method, an operation."""
    if is_tensor(value) or isinstance(value, np.ndarray):
        return f"{name}{rest}"
    return f"torch.stack({name}){rest}" if _is_torch(value) else f"np.asarray({name}){rest}"


def moved(name, value, *axes):
    """Its axes in another order."""
    method = "permute" if _is_torch(value) else "transpose"
    return part(name, value, f".{method}({', '.join(map(str, axes))})")


def best(name, value):
    """The place of the largest number in each row."""
    return part(name, value, f".argmax({'dim' if _is_torch(value) else 'axis'}=1)")


def cast(name, value, dtype):
    """As float32, float64 or int64."""
    dtype = np.dtype(dtype).name
    if _is_torch(value):
        return part(name, value, f".{CASTS[dtype]}")
    if isinstance(value, np.ndarray):
        return f"{name}.astype({'int' if dtype == 'int64' else f'np.{dtype}'})"
    return f"np.{dtype}({name})"


def divided(name, value, dtype=np.float32):
    """Whole numbers 0 … 255 as 0 … 1 in float32 or float64."""
    if isinstance(value, np.ndarray):
        return f"({name} / 255).astype(np.{np.dtype(dtype).name})"
    return f"{cast(name, value, dtype)} / 255"


def in_bytes(name, value, array):
    """As uint8: 0 … 1 times 255, other numbers cut off at 0 and 255. array: what came, as one."""
    low, high = array.min(initial=0), array.max(initial=0)
    rest = "" if low >= 0 and high <= 255 else ".clip(0, 255)"
    code = part(name, value, rest if low < 0 or high > 1 else " * 255")
    code = code if low < 0 or high > 1 else f"({code})"
    return f"{code}.byte()" if _is_torch(value) else f"{code}.astype(np.uint8)"


def in_colour(name, value):
    """A gray picture (H, W) as (H, W, 3)."""
    of, axis = ("torch", "dim") if _is_torch(value) else ("np", "axis")
    return f"{of}.stack(3 * [{part(name, value, '')}], {axis}=2)"


def finite(name, value):
    """0 in the place of NaN and inf."""
    if _is_torch(value):
        return part(name, value, ".nan_to_num(0, 0, 0)")
    return f"np.nan_to_num({name}, posinf=0, neginf=0)"


def as_tensor(name, value, rest=""):
    """An array or lists as a torch tensor; rest: what follows, such as ".float()"."""
    if _is_torch(value):
        return part(name, value, rest)
    array = part(name, value, "")
    if isinstance(value, np.ndarray) and min(value.strides, default=0) < 0:
        array = f"{name}.copy()"  # torch takes no view that runs backwards
    return f"torch.from_numpy({array}){rest}"


def _is_torch(value):
    """Whether it is a tensor, or a list of nothing but tensors."""
    several = isinstance(value, list | tuple) and len(value) > 0
    return is_tensor(value) or (several and all(map(is_tensor, value)))
