"""What an answer returns, read as numbers, and what is said where it is something else."""

import numbers
from decimal import Decimal

import numpy as np

from course_utils.argument_checks.arrays import as_array

NUMBERS = (numbers.Real, Decimal)  # what `float` takes; np.asarray makes objects of some of them


def as_numbers(value):
    """The answer as an array, and None; or None, and one sentence on what it is instead."""
    try:
        return as_array("answer", value), None
    except Exception:  # whatever came: a sentence on it follows
        array = _objects(value)
    empty = _without_number(value if array is None else array.tolist())
    if empty:
        return None, f"it returns {_a(value)} with {empty} in it; a number is missing there"
    if array is None and isinstance(value, list | tuple):
        return None, f"it returns {_a(value)} whose rows differ in length; all need the same"
    if array is None:
        return None, f"it returns {_a(value)}, not a number or an array"
    if array.dtype.kind == "c":
        return None, "it returns complex numbers; take their real part, `.real`"
    if array.dtype == object and all(isinstance(part, NUMBERS) for part in array.flat):
        return _plain(array), None  # fractions, whole numbers beyond 64 bits
    if array.dtype == object and isinstance(value, np.ndarray | list | tuple):
        return None, f"it returns {_a(value)} of objects, not of numbers"
    return None, f"it returns {_a(value)}, not a number or an array"


def _plain(objects):
    """An array of objects that are numbers → int64 if it can hold them, else float64."""
    if all(isinstance(part, numbers.Integral) and abs(part) < 2**63 for part in objects.flat):
        return objects.astype(np.int64)
    return objects.astype(float)


def _objects(value):
    """The answer as NumPy takes it, most likely an array of objects; None if it does not."""
    try:
        return np.asarray(value)
    except Exception:  # rows of different length among others
        return None


def _without_number(value, depth=0):
    """What stands in a list in place of a number, "a None" or "a `...`", or None."""
    if value is None or value is Ellipsis:
        return "a None" if value is None else "a `...`"
    if isinstance(value, list | tuple) and depth < 9:  # a list may hold itself
        return next(filter(None, (_without_number(part, depth + 1) for part in value)), None)
    return None


def _a(value):
    """Its type with the article, as `an array` or `a list`."""
    if isinstance(value, np.ndarray):
        return "an array"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
