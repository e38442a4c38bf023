"""What functions on boxes and masks accept, and one clear error for everything else."""

import numbers

import numpy as np

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array
from course_utils.errors import ArgumentError

FARTHEST = 1e15  # no coordinate lies farther out, so that no area overflows, not even in float32
RULES = {
    "xyxy": 'must have x1 ≤ x2 and y1 ≤ y2; from corner and size use convert_boxes({}, "xywh", '
    '"xyxy")',
    "xywh": "must have widths and heights from 0",
    "cxcywh": "must have widths and heights from 0",
}


def as_boxes(name, value, kind="xyxy"):
    """Boxes (N, 4) of float32 or float64, every one in order; [] becomes (0, 4).

    kind: "xyxy", "xywh" or "cxcywh". Raises ArgumentError with the row that is no box.
    """
    boxes = as_rows_of_four(name, value)
    sizes = boxes[:, 2:] - boxes[:, :2] if kind == "xyxy" else boxes[:, 2:]
    refuse_rows((sizes < 0).any(axis=1), name, boxes, RULES[kind].format(name))
    return boxes


def as_boxes_within(name, value, size):
    """Boxes (N, 4) xyxy with an area, within a picture of `size` pixels a side."""
    boxes = as_boxes(name, value)
    wrong = (boxes < 0) | (boxes > size) | (boxes == boxes[:, [2, 3, 0, 1]])
    refuse_rows(wrong.any(axis=1), name, boxes, f"must have an area, within 0 … {size} pixels")
    return boxes


def require_area(name, boxes):
    """Raise ArgumentError with the first of the boxes (N, 4) xyxy that has no area."""
    flat = (boxes[:, :2] == boxes[:, 2:]).any(axis=1)
    refuse_rows(flat, name, boxes, "must have an area; leave that row out")


def as_rows_of_four(name, value):
    """Rows (N, 4) of float32 or float64 within ±FARTHEST; [] becomes (0, 4)."""
    array = as_array(name, value)
    array = array if array.dtype in (np.float32, np.float64) else array.astype(float)
    if array.shape == (0,):
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        hint = f"; for one box use [{name}]" if array.shape == (4,) else ""
        raise ArgumentError(f"{name} must be (N, 4), got {array.shape}{hint}")
    wrong = ~(np.abs(array) <= FARTHEST)
    refuse_rows(wrong.any(axis=1), name, array, "must hold numbers within ±1e15, not NaN or inf")
    return array


def as_scores(name, value, count):
    """Finite scores (N,) of float32 or float64, as many as there are boxes."""
    array = _one_each(name, value, count)
    array = array if array.dtype in (np.float32, np.float64) else array.astype(float)
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise ArgumentError(f"{name} must be finite, found {array[wrong[0]]} at {wrong[0]}")
    return array


def as_classes(name, value, count):
    """Classes (N,) of whole numbers, as many as there are boxes."""
    array = _one_each(name, value, count)
    if array.dtype.kind not in "iu" and len(array):
        fix = advice.cast(name, value, int)
        raise ArgumentError(f"{name} must be whole numbers, got {array.dtype}; use {fix}")
    return array.astype(np.int64)


def as_masks(name, value):
    """Masks (N, H, W) of bool, or of whole numbers 0 and 1; [] becomes (0, 1, 1)."""
    array = as_array(name, value)
    if array.shape == (0,):
        return np.zeros((0, 1, 1), bool)
    if array.ndim == 4 and array.shape[1] == 1:
        first = advice.part(name, value, "[:, 0] > 0.5")
        raise ArgumentError(f"{name} must be (N, H, W), got {array.shape}; use {first}")
    if array.ndim != 3:
        one = advice.part(name, value, "[None]")
        hint = f"; for one mask use {one}" if array.ndim == 2 else ""
        raise ArgumentError(f"{name} must be (N, H, W), got {array.shape}{hint}")
    whole = array.dtype.kind in "iu" and ((array == 0) | (array == 1)).all()
    if array.dtype != bool and not whole:
        fix = advice.part(name, value, " > 0.5")
        raise ArgumentError(f"{name} must be bool, got {array.dtype}; use {fix}")
    return array.astype(bool)


def as_fraction(name, value):
    """A number 0 … 1 as np.float64, which compares exactly with a float32 too."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value <= 1:
        raise ArgumentError(f"{name} must be a number 0 … 1, got {value!r}")
    return np.float64(value)


def as_pictures(predictions, targets, kind):
    """Two lists of dicts, one a picture → a list of pairs of dicts of checked arrays.

    kind: "boxes" or "masks", read beside "labels", and "scores" of the predictions.
    """
    for name, value in (("predictions", predictions), ("targets", targets)):
        if isinstance(value, dict):
            raise ArgumentError(f"{name} must be a list of dicts, got one dict; use [{name}]")
        if not isinstance(value, list | tuple) or not value:
            raise ArgumentError(f"{name} must be a list of dicts, one a picture, got {value!r}")
    if len(predictions) != len(targets):
        raise ArgumentError(f"there are {len(predictions)} predictions and {len(targets)} targets")
    return [
        (
            _as_picture(f"predictions[{place}]", predicted, kind, scored=True),
            _as_picture(f"targets[{place}]", truth, kind, scored=False),
        )
        for place, (predicted, truth) in enumerate(zip(predictions, targets, strict=True))
    ]


def refuse_rows(wrong, name, rows, rule):
    """Raise ArgumentError with the first of `rows` for which `wrong` (N,) is true, if any is."""
    if wrong.any():
        first = int(wrong.argmax())
        raise ArgumentError(f"{name}[{first}] is {rows[first].tolist()}; {name} {rule}")


def _one_each(name, value, count):
    array = as_array(name, value)
    if array.ndim != 1:
        column = advice.part(name, value, "[:, 0]")
        hint = f"; use {column}" if array.ndim == 2 and array.shape[1] == 1 else ""
        raise ArgumentError(f"{name} must be (N,), got {array.shape}{hint}")
    if len(array) != count:
        raise ArgumentError(f"there are {count} boxes and {len(array)} {name}")
    return array


def _as_picture(name, picture, kind, scored):
    for key in (kind, "labels", "scores")[: 3 if scored else 2]:
        if not isinstance(picture, dict) or key not in picture:
            raise ArgumentError(f'{name} must be a dict with "{key}", got {_tell(picture)}')
    read = as_boxes if kind == "boxes" else as_masks
    regions = read(f'{name}["{kind}"]', picture[kind])
    regions = regions if kind == "masks" else regions.astype(float)  # as COCO computes
    result = {kind: regions}
    result["labels"] = as_classes(f'{name}["labels"]', picture["labels"], len(regions))
    if scored:
        result["scores"] = as_scores(f'{name}["scores"]', picture["scores"], len(regions))
    return result


def _tell(picture):
    return f"only {list(picture)}" if isinstance(picture, dict) else f"a {type(picture).__name__}"
