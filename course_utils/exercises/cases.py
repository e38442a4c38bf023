"""A case of an exercise: its arguments in one line, and copies of them."""

import copy

import numpy as np

SMALL = 16  # an array of at most so many numbers is shown whole
SEE = "last_case() gives its arguments and what came"


def copied(value):
    """A copy that shares nothing with `value`; a tensor comes without its gradient's history."""
    if hasattr(value, "detach"):
        return value.detach().clone()
    try:
        if type(value) in (list, tuple):
            return type(value)(map(copied, value))
        return copy.deepcopy(value)
    except Exception:  # an iterator, a file, a list in itself: nothing to copy
        return value


def described(arguments, names=()):
    """The arguments of a call in one line, and whether one of them is too large to show.

    names: of the arguments, which then stand before them; empty for none.
    """
    texts = [_described(value) for value in arguments]
    parts = [text for text, _ in texts]
    if names:
        parts = [f"{name}={text}" for name, text in zip(names, parts, strict=True)]
    return ", ".join(parts), any(cut for _, cut in texts)


def _described(value):
    """One argument, and whether it is only described: by its dtype and shape."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        dtype, values = str(value.dtype).removeprefix("torch."), value.tolist
        kind, size = "tensor", value.numel()
    elif isinstance(value, np.ndarray):
        dtype, values, kind, size = value.dtype, value.tolist, "array", value.size
    elif isinstance(value, list | tuple):
        return _sequence(value)
    else:
        return " ".join(repr(value).split()), False
    if 0 < size <= SMALL:
        return _numbers(values()), False
    return f"{dtype} {kind} of shape {tuple(value.shape)}", True


def _sequence(value):
    """A list or tuple, its parts one by one."""
    parts = [_described(part) for part in value]
    text = ", ".join(text for text, _ in parts)
    if isinstance(value, tuple):
        text = f"({text},)" if len(parts) == 1 else f"({text})"
    else:
        text = f"[{text}]"
    return text, any(cut for _, cut in parts)


def _numbers(value):
    """Nested lists of numbers as text, long fractions with four digits."""
    if isinstance(value, list):
        return f"[{', '.join(map(_numbers, value))}]"
    if isinstance(value, float) and len(repr(value)) > 7:
        return f"{value:.4g}"
    return repr(value)
