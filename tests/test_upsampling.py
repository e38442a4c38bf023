"""Transposed convolution and unpooling: by hand, torch and chapter 2's matrix, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from torch.nn import functional

from course_utils.filters import conv_matrix
from course_utils.numpy_layers import MaxPool2d
from course_utils.segmentation import upsampling

TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-10, "atol": 1e-12}}
POOLED = np.array([[29, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]])


def draw(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compare(x, weight, stride, padding, tolerance):
    """The output against torch's."""
    wanted = functional.conv_transpose2d(
        torch.from_numpy(x), torch.from_numpy(weight), stride=stride, padding=padding
    )
    y = upsampling.conv_transpose2d(x, weight, stride, padding)
    assert y.dtype == x.dtype and y.shape == tuple(wanted.shape)
    np.testing.assert_allclose(y, wanted.numpy(), **tolerance)


# by hand


def test_each_pixel_lays_its_multiple_of_the_kernel_down():
    x, kernel = np.array([[[[1.0, 2], [0, -1]]]]), np.array([[[[1.0, 2], [3, 4]]]])
    apart = [[1, 2, 2, 4], [3, 4, 6, 8], [0, 0, -1, -2], [0, 0, -3, -4]]
    assert upsampling.conv_transpose2d(x, kernel, stride=2)[0, 0].tolist() == apart
    summed = [[1, 4, 4], [3, 9, 6], [0, -3, -4]]
    assert upsampling.conv_transpose2d(x, kernel)[0, 0].tolist() == summed
    assert upsampling.conv_transpose2d(x, kernel, padding=1)[0, 0].tolist() == [[9]]


def test_channels_are_mixed():
    x = np.array([1.0, 10]).reshape(1, 2, 1, 1)
    weight = np.array([[1.0, 2, 3], [4, 5, 6]]).reshape(2, 3, 1, 1)
    y = upsampling.conv_transpose2d(x, weight)
    assert y.ravel().tolist() == [41, 52, 63]


@pytest.mark.parametrize(("kernel", "inside"), [(2, [1, 1]), (3, [2, 1]), (4, [2, 2]), (5, [3, 2])])
def test_how_many_pixels_overlap(kernel, inside):
    # a kernel that is no multiple of the stride meets some pixels more often: checkerboards
    counts = upsampling.conv_transpose2d(
        np.ones((1, 1, 6, 6)), np.ones((1, 1, kernel, kernel)), stride=2
    )
    assert counts[0, 0, 4:6, 4:6].tolist() == np.outer(inside, inside).tolist()


def test_pooling_and_unpooling_by_hand():
    values, indices = upsampling.max_pool2d_with_indices(POOLED[None, None].astype(float), 2)
    assert values[0, 0].tolist() == [[100, 184], [12, 45]]
    assert indices[0, 0].tolist() == [[5, 3], [8, 14]]
    back = upsampling.max_unpool2d(values, indices, (4, 4))[0, 0]
    assert back.tolist() == [[0, 0, 0, 184], [0, 100, 0, 0], [12, 0, 0, 0], [0, 0, 45, 0]]


def test_bilinear_kernels_by_hand():
    assert upsampling.bilinear_kernel(1).tolist() == [[1]]
    line = [0.25, 0.75, 0.75, 0.25]
    assert upsampling.bilinear_kernel(2).tolist() == np.outer(line, line).tolist()
    np.testing.assert_allclose(upsampling.bilinear_kernel(3)[2] * 3, [1, 2, 3, 2, 1])


# against torch, and against chapter 2


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([np.float32, np.float64]))
def test_conv_transpose2d_equals_torch(data, dtype):
    n, ins, outs, *size = (data.draw(st.integers(1, 4)) for _ in range(5))
    kernel, stride = [data.draw(st.integers(1, 5)) for _ in range(2)], data.draw(st.integers(1, 4))
    least = min((side - 1) * stride + k for side, k in zip(size, kernel, strict=True))
    padding = data.draw(st.integers(0, min(3, (least - 1) // 2)))
    x, weight = draw(3, n, ins, *size, dtype=dtype), draw(4, ins, outs, *kernel, dtype=dtype)
    compare(x, weight, stride, padding, TOLERANCE[dtype])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)
)
def test_it_is_the_transpose_of_chapter_2s_matrix(stride, rows, columns, height, width):
    kernel, x = draw(0, rows, columns), draw(1, height, width)
    y = upsampling.conv_transpose2d(x[None, None], kernel[None, None], stride=stride)[0, 0]
    matrix = conv_matrix(kernel, *y.shape, stride)
    assert matrix.shape == (x.size, y.size)
    np.testing.assert_allclose(y.ravel(), matrix.T @ x.ravel(), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(4, 11), st.integers(4, 11), st.booleans())
def test_pooling_and_unpooling_equal_torch(size, height, width, ties):
    x = draw(height, 2, 3, height, width)
    x = x.round() if ties else x
    values, indices = upsampling.max_pool2d_with_indices(x, size)
    wanted = functional.max_pool2d(torch.from_numpy(x), size, return_indices=True)
    np.testing.assert_array_equal(values, wanted[0])
    np.testing.assert_array_equal(indices, wanted[1])
    np.testing.assert_array_equal(values, MaxPool2d(size)(x))
    ours = upsampling.max_unpool2d(values, indices, (height, width))
    theirs = functional.max_unpool2d(*wanted, size, output_size=(height, width))
    np.testing.assert_array_equal(ours, theirs)
    again = upsampling.max_pool2d_with_indices(np.where(ours, ours, -9), size)[0]
    np.testing.assert_array_equal(again[values != 0], values[values != 0])


def test_indices_of_windows_side_by_side():
    x = draw(0, 1, 2, 6, 9).astype(np.float32)
    values, indices = upsampling.max_pool2d_with_indices(x, 3)
    assert values.dtype == np.float32 and indices.dtype == np.int64
    np.testing.assert_array_equal(x.reshape(1, 2, -1)[0, 1][indices[0, 1]], values[0, 1])


@pytest.mark.parametrize("stride", [2, 3, 4, 8])
def test_bilinear_kernels_enlarge_as_torch(stride):
    x, kernel = draw(0, 2, 1, 5, 6), upsampling.bilinear_kernel(stride)
    assert kernel.sum() == pytest.approx(stride**2)
    padding = (len(kernel) - stride) // 2
    ours = upsampling.conv_transpose2d(x, kernel[None, None], stride=stride, padding=padding)
    theirs = functional.interpolate(torch.from_numpy(x), scale_factor=stride, mode="bilinear")
    assert ours.shape == theirs.shape
    inside = np.s_[:, :, stride:-stride, stride:-stride]
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=1e-12)


# what comes in

X, W = np.zeros((1, 2, 3, 3)), np.zeros((2, 4, 3, 3))
up, pool, unpool = (
    upsampling.conv_transpose2d,
    upsampling.max_pool2d_with_indices,
    upsampling.max_unpool2d,
)
BAD = {
    "up, one picture": (lambda: up(X[0], W), "x", "(2, 3, 3)"),
    "up, whole numbers": (lambda: up(X.astype(int), W), "x", "int64", "use (x / 255)"),
    "up, one kernel": (lambda: up(X, W[0, 0]), "weight", "(3, 3)", "use weight[None, None"),
    "up, out first": (lambda: up(X, W.transpose(1, 0, 2, 3)), "use weight.transpose(1, 0, 2, 3)"),
    "up, other channels": (lambda: up(X, W[:1]), "weight", "(2, out", "(1, 4, 3, 3)"),
    "up, two types": (lambda: up(X, W.astype("f")), "weight", "float32", "use weight.astype("),
    "up, empty kernel": (lambda: up(X, W[:, :, :0]), "weight", "(2, 4, 0, 3)"),
    "up, stride": (lambda: up(X, W, stride=0), "stride", "got 0"),
    "up, padding": (lambda: up(X, W, padding=-1), "padding", "got -1"),
    "up, all cut": (lambda: up(X, W, padding=3), "padding 3", "(5, 5)", "less than half"),
    "pool, size": (lambda: pool(X, 4), "size 4", "(3, 3)"),
    "unpool, shape": (lambda: unpool(X, np.zeros((1, 2, 3), int), (6, 6)), "indices", "(1, 2, 3)"),
    "unpool, type": (lambda: unpool(X, X, (6, 6)), "indices", "float64", ".astype(int)"),
    "unpool, index": (lambda: unpool(X, np.full(X.shape, 36), (6, 6)), "indices", "0 … 35", "36"),
    "unpool, sign": (lambda: unpool(X, np.full(X.shape, -1), (6, 6)), "indices", "0 … 35", "-1"),
    "unpool, a side": (lambda: unpool(X, X.astype(int), 6), "size", "(H, W)", "got 6"),
    "unpool, no side": (lambda: unpool(X, X.astype(int), (6, 0)), "size", "got 0"),
    "enlarge": (lambda: upsampling.bilinear_kernel(1.5), "stride", "got 1.5"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)


def test_lists_and_tensors_are_taken():
    x, weight = draw(0, 1, 1, 2, 2), draw(1, 1, 1, 2, 2)
    wanted = upsampling.conv_transpose2d(x, weight, 2)
    for kind in (torch.tensor, np.ndarray.tolist):
        np.testing.assert_array_equal(upsampling.conv_transpose2d(kind(x), kind(weight), 2), wanted)
