"""What an answer returns, read as numbers, and how it differs from what is wanted."""

import numbers
from decimal import Decimal

import numpy as np

from course_utils.argument_checks.arrays import as_array
from course_utils.language import is_korean

TOLERANCE = 1e-4  # largest difference from a wanted float, in parts of it; of 1 where it is smaller
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


def differences(exercise, got, wanted):
    """What is wrong with the values, in general words; None if nothing is."""
    if got.shape != wanted.shape:
        advice = "work out on paper what it has to be" if wanted.shape else "one number is wanted"
        return f"the result's shape is {got.shape}; {advice}"
    whole = wanted.dtype.kind in "biu"
    if whole and got.dtype.kind in "biu":
        wrong = got != wanted
    else:  # written so that NaN counts as wrong
        wanted = wanted.astype(float)
        if exercise.rounded:
            limit = 0.5
        else:
            limit = 0 if whole else TOLERANCE * np.maximum(1, np.abs(wanted))
        wrong = ~(np.abs(got.astype(float) - wanted) <= limit + 1e-9)
    if not wrong.any():
        return None
    if not got.ndim:
        return f"{got} is wrong"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{got[first]} at {first} is wrong"


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
        name = "None" if value is None else "`...`"
        return name if is_korean() else f"a {name}"
    if isinstance(value, list | tuple) and depth < 9:  # a list may hold itself
        return next(filter(None, (_without_number(part, depth + 1) for part in value)), None)
    return None


def _a(value):
    """Its type with the article, as `an array` or `a list`."""
    if isinstance(value, np.ndarray):
        return "an array"
    name = type(value).__name__
    if is_korean():  # which has no article
        return name
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
