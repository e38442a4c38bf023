"""How good a segmentation is: pixels, classes, overlap of masks. NumPy only."""

import numpy as np

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array, whole_number
from course_utils.errors import ArgumentError


def confusion_matrix(truth, predicted, classes):
    """Count the pixels of each true class (row) that got each class (column); (K, K) int64.

    truth, predicted: whole numbers 0 … classes − 1 of one shape, such as (H, W) or (N, H, W).
    Matrices of several pictures add up. Leave pixels out with `truth[known], predicted[known]`.
    Raises ArgumentError.
    """
    classes = whole_number("classes", classes, 1)
    truth, predicted = as_id_maps(truth, predicted)
    for name, array in (("truth", truth), ("predicted", predicted)):
        wrong = array[(array < 0) | (array >= classes)]
        if wrong.size:
            raise ArgumentError(
                f"{name} must be 0 … {classes - 1}, found {wrong[0]}; leave such pixels out with "
                "truth[known], predicted[known]"
            )
    cells = truth.ravel() * classes + predicted.ravel()
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def pixel_accuracy(matrix):
    """The part of the pixels that got their class, 0 … 1; NaN where there are none.

    matrix: (K, K) of `confusion_matrix`. Raises ArgumentError.
    """
    matrix = _as_counts(matrix)
    return float(matrix.trace() / matrix.sum()) if matrix.any() else float("nan")


def class_iou(matrix):
    """The IoU of each class, (K,) float64: hits / (hits + misses + false alarms).

    matrix: (K, K) of `confusion_matrix`. NaN for a class that is neither in the truth nor in the
    prediction. Raises ArgumentError.
    """
    matrix = _as_counts(matrix)
    hits = matrix.diagonal()
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - hits
    return np.divide(hits, union, out=np.full(len(matrix), np.nan), where=union > 0)


def mean_iou(matrix):
    """The mean of `class_iou` over the classes that occur; NaN where none does.

    A class that is only predicted counts, with 0; one that is nowhere is left out.
    matrix: (K, K) of `confusion_matrix`. Raises ArgumentError.
    """
    values = class_iou(matrix)
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def as_ids(name, value):
    """Whole numbers of any shape, as int64. Raises ArgumentError."""
    array = as_array(name, value)
    if array.dtype.kind not in "iu":
        fix = advice.cast(name, value, int)
        raise ArgumentError(f"{name} must be whole numbers, got {array.dtype}; use {fix}")
    return array.astype(np.int64)


def as_id_maps(truth, predicted):
    """Whole numbers of one shape, as int64. Raises ArgumentError."""
    truth, predicted = as_ids("truth", truth), as_ids("predicted", predicted)
    if truth.shape != predicted.shape:
        raise ArgumentError(
            f"truth and predicted must have one shape, got {truth.shape} and {predicted.shape}"
        )
    return truth, predicted


def _as_counts(value):
    matrix = as_array("matrix", value)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype.kind not in "iu":
        raise ArgumentError(
            f"matrix must be (K, K) counts, got {matrix.shape} {matrix.dtype}; use "
            "confusion_matrix(truth, predicted, classes)"
        )
    return matrix
