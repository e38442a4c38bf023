"""Filters on single images: by hand, against SciPy and torch, and bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage, signal

from course_utils import filters
from course_utils.errors import ArgumentError

SLIDE = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
)
NUMBERS = st.floats(-100, 100, width=32)


def test_the_slides_numbers():
    wanted = [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]]
    assert np.array_equal(filters.correlate(SLIDE, filters.BOX).round(1), wanted)


def test_sobel_by_hand():
    border = [[100, 100, 100], [100, 100, 100], [0, 0, 0]]
    assert filters.correlate(border, filters.SOBEL).tolist() == [[400]]
    assert filters.correlate(np.full((4, 5), 7), filters.SOBEL).tolist() == [[0] * 3] * 2


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_correlate_is_scipys(data):
    height, width = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    rows, columns = data.draw(st.tuples(st.integers(1, height), st.integers(1, width)))
    image = data.draw(arrays.arrays(float, (height, width), elements=NUMBERS))
    kernel = data.draw(arrays.arrays(float, (rows, columns), elements=NUMBERS))
    ours = filters.correlate(image, kernel)
    assert np.allclose(ours, signal.correlate2d(image, kernel, "valid"))
    flipped = filters.correlate(image, kernel[::-1, ::-1])
    assert np.allclose(flipped, signal.convolve2d(image, kernel, "valid"))


def test_sobel_is_scipys_with_the_other_sign():
    image = np.random.default_rng(0).normal(size=(9, 12))
    for axis, kernel in ((0, filters.SOBEL), (1, filters.SOBEL.T)):
        theirs = -ndimage.sobel(image, axis=axis)[1:-1, 1:-1]
        assert np.allclose(filters.correlate(image, kernel), theirs)


def test_small_integers_do_not_overflow():
    image, kernel = np.full((4, 4), 200, np.uint8), np.ones((3, 3), np.uint8)
    assert (filters.correlate(image, kernel) == 1800).all()
    assert (filters.conv_matrix(kernel, 4, 4) @ image.ravel() == 1800).all()


def test_the_matrix_by_hand():
    matrix = filters.conv_matrix([[1, 2], [3, 4]], 3, 3)
    assert matrix.tolist() == [
        [1, 2, 0, 3, 4, 0, 0, 0, 0],
        [0, 1, 2, 0, 3, 4, 0, 0, 0],
        [0, 0, 0, 1, 2, 0, 3, 4, 0],
        [0, 0, 0, 0, 1, 2, 0, 3, 4],
    ]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("height", "width", "rows", "columns"), [(5, 5, 3, 3), (7, 4, 2, 3)])
def test_the_matrix_and_its_transpose_are_torchs(height, width, rows, columns, stride):
    rng = np.random.default_rng(1)
    image, kernel = rng.normal(size=(height, width)), rng.normal(size=(rows, columns))
    matrix = filters.conv_matrix(kernel, height, width, stride)
    x, weight = (torch.tensor(a)[None, None] for a in (image, kernel))
    maps = torch.nn.functional.conv2d(x, weight, stride=stride)
    assert np.allclose(matrix @ image.ravel(), maps.ravel())
    dy = torch.tensor(rng.normal(size=maps.shape))
    rest = ((height - rows) % stride, (width - columns) % stride)
    back = torch.nn.functional.conv_transpose2d(dy, weight, stride=stride, output_padding=rest)
    assert np.allclose(matrix.T @ dy.numpy().ravel(), back.ravel())


def test_the_lectures_counts():
    matrix = filters.conv_matrix(np.ones((3, 3)), 28, 28)
    assert matrix.shape == (676, 784) and matrix.size == 529_984
    assert (np.count_nonzero(matrix, axis=1) == 9).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: filters.correlate(np.zeros((9, 9, 1)), SLIDE), r"2-D .*use image\[\.\.\., 0\]"),
        (lambda: filters.correlate(np.zeros(9), SLIDE), r"image must be 2-D .*got \(9,\)"),
        (lambda: filters.correlate(SLIDE, np.zeros((6, 1))), r"kernel \(6, 1\) is larger than"),
        (lambda: filters.correlate([[1, 2], [3]], SLIDE), "image must be rectangular"),
        (lambda: filters.conv_matrix(SLIDE, 4, 9), r"larger than the image \(4, 9\)"),
        (lambda: filters.conv_matrix(SLIDE, 9, 9, stride=0), "stride must be a whole number"),
        (lambda: filters.conv_matrix(SLIDE, 9.0, 9), "height must be a whole number"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
