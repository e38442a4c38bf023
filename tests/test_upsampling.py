"""Transposed convolution and unpooling: by hand, torch and chapter 2's matrix, numeric slopes."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from course_utils.errors import ArgumentError
from course_utils.filters import conv_matrix
from course_utils.layers import MaxPool2d
from course_utils.segmentation import upsampling

TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-10, "atol": 1e-12}}
POOLED = np.array([[29, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]])


def draw(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compare(x, weight, bias, stride, padding, output_padding, tolerance):
    """The output and the three gradients against torch's."""
    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, weight, bias)]
    options = {"stride": stride, "padding": padding}
    wanted = functional.conv_transpose2d(*tensors, **options, output_padding=output_padding)
    y = upsampling.conv_transpose2d(x, weight, bias, **options, output_padding=output_padding)
    assert y.dtype == x.dtype and y.shape == tuple(wanted.shape)
    np.testing.assert_allclose(y, wanted.detach().numpy(), **tolerance)
    dy = draw(7, *y.shape, dtype=x.dtype)
    wanted.backward(torch.from_numpy(dy))
    gradients = upsampling.conv_transpose2d_gradients(x, weight, dy, **options)
    assert list(gradients) == ["x", "weight", "bias"]
    for ours, tensor in zip(gradients.values(), tensors, strict=True):
        scale = max(1.0, float(tensor.grad.abs().max()))
        assert ours.dtype == x.dtype and ours.shape == tuple(tensor.shape)
        np.testing.assert_allclose(ours / scale, tensor.grad.numpy() / scale, **tolerance)


# by hand


def test_each_pixel_lays_its_multiple_of_the_kernel_down():
    x, kernel = np.array([[[[1.0, 2], [0, -1]]]]), np.array([[[[1.0, 2], [3, 4]]]])
    apart = [[1, 2, 2, 4], [3, 4, 6, 8], [0, 0, -1, -2], [0, 0, -3, -4]]
    assert upsampling.conv_transpose2d(x, kernel, stride=2)[0, 0].tolist() == apart
    summed = [[1, 4, 4], [3, 9, 6], [0, -3, -4]]
    assert upsampling.conv_transpose2d(x, kernel)[0, 0].tolist() == summed
    assert upsampling.conv_transpose2d(x, kernel, padding=1)[0, 0].tolist() == [[9]]
    lined = upsampling.conv_transpose2d(x, kernel, [10], stride=2, output_padding=1)[0, 0]
    assert lined.shape == (5, 5) and (lined[4] == 10).all() and (lined[:, 4] == 10).all()
    assert (lined[:4, :4] - 10).tolist() == apart


def test_gradients_by_hand():
    x, kernel = np.array([[[[1.0, 2], [0, -1]]]]), np.array([[[[1.0, 2], [3, 4]]]])
    dy = np.zeros((1, 1, 3, 3))
    dy[0, 0, 1, 1] = 1  # this pixel is 1·4 + 2·3 + 0·2 − 1·1
    gradients = upsampling.conv_transpose2d_gradients(x, kernel, dy)
    assert gradients["x"][0, 0].tolist() == [[4, 3], [2, 1]]
    assert gradients["weight"][0, 0].tolist() == [[-1, 0], [2, 1]]
    assert gradients["bias"].tolist() == [1]


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


def test_one_hot_by_hand():
    hot = upsampling.one_hot([[0, 2], [1, 2]], 4)
    assert hot.dtype == bool and hot.shape == (4, 2, 2)
    assert hot[2].tolist() == [[False, True], [False, True]] and not hot[3].any()


# against torch, and against chapter 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "ins", "outs", "size", "kernel", "stride", "padding"),
    [
        (*sizes, size, kernel, stride, padding)
        for sizes, size, kernel, stride, padding in itertools.product(
            [(1, 1, 1), (3, 2, 5)], [(3, 6)], [(1, 1), (4, 4), (2, 5)], [1, 2, 3], [0, 1]
        )
        if padding == 0 or kernel != (1, 1)
    ],
)
def test_conv_transpose2d_equals_torch(dtype, n, ins, outs, size, kernel, stride, padding):
    x, weight = draw(0, n, ins, *size, dtype=dtype), draw(1, ins, outs, *kernel, dtype=dtype)
    compare(x, weight, draw(2, outs, dtype=dtype), stride, padding, stride - 1, TOLERANCE[dtype])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_conv_transpose2d_equals_torch_for_any_size(data):
    whole = st.integers
    n, ins, outs, *size = (data.draw(whole(1, 4)) for _ in range(5))
    kernel, stride = [data.draw(whole(1, 5)) for _ in range(2)], data.draw(whole(1, 4))
    extra = data.draw(whole(0, stride - 1))
    least = min((side - 1) * stride + k + extra for side, k in zip(size, kernel, strict=True))
    padding = data.draw(whole(0, min(3, (least - 1) // 2)))
    x, weight = draw(3, n, ins, *size), draw(4, ins, outs, *kernel)
    compare(x, weight, draw(5, outs), stride, padding, extra, TOLERANCE[np.float64])


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
@given(st.integers(1, 4), st.integers(1, 4), st.integers(4, 11), st.integers(4, 11), st.booleans())
def test_pooling_and_unpooling_equal_torch(size, stride, height, width, ties):
    x = draw(height, 2, 3, height, width)
    x = x.round() if ties else x
    values, indices = upsampling.max_pool2d_with_indices(x, size, stride)
    wanted = functional.max_pool2d(torch.from_numpy(x), size, stride, return_indices=True)
    np.testing.assert_array_equal(values, wanted[0])
    np.testing.assert_array_equal(indices, wanted[1])
    np.testing.assert_array_equal(values, MaxPool2d(size, stride)(x))
    ours = upsampling.max_unpool2d(values, indices, (height, width))
    theirs = functional.max_unpool2d(*wanted, size, stride, output_size=(height, width))
    np.testing.assert_array_equal(ours, theirs)
    again = upsampling.max_pool2d_with_indices(np.where(ours, ours, -9), size, stride)[0]
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


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6), st.integers(0, 3), st.integers(1, 5), st.integers(1, 5), st.integers(0, 9)
)
def test_one_hot_is_torchs_and_comes_back(classes, pictures, height, width, seed):
    labels = np.random.default_rng(seed).integers(0, classes, (pictures, height, width))
    hot = upsampling.one_hot(labels.astype(np.uint8), classes)
    assert hot.shape == (pictures, classes, height, width) and (hot.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(hot.argmax(axis=-3), labels)
    theirs = functional.one_hot(torch.from_numpy(labels), classes).movedim(-1, 1)
    np.testing.assert_array_equal(hot, theirs)


# numeric slopes


@pytest.mark.parametrize(("stride", "padding", "extra"), [(1, 0, 0), (2, 1, 1), (3, 0, 2)])
def test_gradients_are_the_numeric_slopes(stride, padding, extra):
    arrays = {"x": draw(0, 2, 2, 3, 2), "weight": draw(1, 2, 3, 3, 2), "bias": draw(2, 3)}
    dy = draw(3, *upsampling.conv_transpose2d(**arrays, stride=stride, padding=padding,
                                              output_padding=extra).shape)  # fmt: skip

    def loss():
        y = upsampling.conv_transpose2d(
            **arrays, stride=stride, padding=padding, output_padding=extra
        )
        return (y * dy).sum()

    gradients = upsampling.conv_transpose2d_gradients(
        arrays["x"], arrays["weight"], dy, stride, padding
    )
    for name, array in arrays.items():
        for place in np.ndindex(array.shape):
            old = array[place]
            array[place] = old + 1e-5
            above = loss()
            array[place] = old - 1e-5
            below = loss()
            array[place] = old
            assert gradients[name][place] == pytest.approx((above - below) / 2e-5, abs=1e-7), name


# what comes in

X, W = np.zeros((1, 2, 3, 3)), np.zeros((2, 4, 3, 3))
up, back = upsampling.conv_transpose2d, upsampling.conv_transpose2d_gradients
unpool = upsampling.max_unpool2d
BAD = {
    "one picture": (lambda: up(X[0], W), r"x must be \(N, C, H, W\), got \(2, 3, 3\)"),
    "whole numbers": (lambda: up(X.astype(int), W), "x must be float, got int64"),
    "one kernel": (lambda: up(X, W[0, 0]), r"got \(3, 3\); for one kernel use weight\[None, None"),
    "out first": (lambda: up(X, W.transpose(1, 0, 2, 3)), r"x .*weight.transpose\(1, 0, 2, 3\)"),
    "other channels": (lambda: up(X, W[:1]), r"weight must be \(2, out.*got \(1, 4, 3, 3\)$"),
    "two types": (lambda: up(X, W.astype("f")), "weight must be float64, got float32; use weight"),
    "empty kernel": (lambda: up(X, W[:, :, :0]), r"\(in, out, R, S\), got \(2, 4, 0, 3\)"),
    "bias": (lambda: up(X, W, [1, 2]), r"bias must be \(4,\), one a channel, got \(2,\)"),
    "no stride": (lambda: up(X, W, stride=0), "stride must be a whole number from 1, got 0"),
    "padding": (lambda: up(X, W, padding=-1), "padding must be a whole number from 0, got -1"),
    "all cut": (lambda: up(X, W, padding=3), r"padding 3 cuts all of the output \(5, 5\) away"),
    "just cut": (lambda: up(X[..., :2], W, padding=2), r"all of the output \(5, 4\) away"),
    "extra": (lambda: up(X, W, stride=2, output_padding=2), "less than the stride 2, got 2"),
    "extra sign": (lambda: up(X, W, output_padding=-1), "output_padding must be a whole number"),
    "dy size": (lambda: back(X, W, np.zeros((1, 4, 9, 9))), r"dy \(1, 4, 9, 9\) is no gradient of"),
    "dy channels": (lambda: back(X, W, np.zeros((1, 2, 5, 5))), r"dy must be \(N, 4, H, W\)"),
    "dy pictures": (lambda: back(X, W, np.zeros((2, 4, 5, 5))), "is no gradient of the output"),
    "pool size": (lambda: upsampling.max_pool2d_with_indices(X, 4), "size 4 is larger than the"),
    "pool stride": (lambda: upsampling.max_pool2d_with_indices(X, 2, 0), "stride must be a whole"),
    "index shape": (lambda: unpool(X, np.zeros((1, 2, 3), int), (6, 6)), "indices must have"),
    "index type": (lambda: unpool(X, X, (6, 6)), r"indices must be whole numbers, .*astype\(int\)"),
    "index": (lambda: unpool(X, np.full(X.shape, 36), (6, 6)), r"0 … 35 for size \(6, 6\), f"),
    "index sign": (lambda: unpool(X, np.full(X.shape, -1), (6, 6)), "indices must be 0 … 35"),
    "unpool size": (lambda: unpool(X, X.astype(int), 6), r"size must be \(H, W\) of the output"),
    "unpool side": (lambda: unpool(X, X.astype(int), (6, 0)), "size must be a whole number from 1"),
    "enlarge": (lambda: upsampling.bilinear_kernel(1.5), "stride must be a whole number from 1"),
    "a row": (lambda: upsampling.one_hot([1, 2], 3), r"\(H, W\) or \(N, H, W\), got \(2,\)"),
    "float": (lambda: upsampling.one_hot([[1.0]], 3), r"got float64; use np.int64\(labels\)"),
    "class": (lambda: upsampling.one_hot([[0, 3]], 3), "labels must be 0 … 2, found 3"),
    "below": (lambda: upsampling.one_hot([[0, -1]], 3), "labels must be 0 … 2, found -1"),
    "no class": (lambda: upsampling.one_hot([[0]], 0), "classes must be a whole number from 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, message = BAD[name]
    with pytest.raises(ArgumentError, match=message) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1


def test_lists_and_tensors_are_taken():
    x, weight = draw(0, 1, 1, 2, 2), draw(1, 1, 1, 2, 2)
    wanted = upsampling.conv_transpose2d(x, weight, [1.0], 2)
    for kind in (torch.tensor, np.ndarray.tolist):
        np.testing.assert_array_equal(
            upsampling.conv_transpose2d(kind(x), kind(weight), [1.0], 2), wanted
        )
