"""Three judges for every layer: numbers worked by hand, torch, and the numeric slope."""

import itertools
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import numpy_layers as layers
from course_utils.errors import ArgumentError

SLIDE = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
)
POOLED = np.array([[29, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]])
TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-10, "atol": 1e-12}}
F = torch.nn.functional


def draw(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compare(layer, theirs, x, **tolerance):
    """Forward and every gradient of a layer against torch's function of the same parameters."""
    tensors = [torch.from_numpy(x.copy()).requires_grad_()]
    tensors += [torch.from_numpy(p.copy()).requires_grad_() for p in layer.parameters.values()]
    wanted = theirs(*tensors)
    y = layer(x)
    assert y.dtype == x.dtype and y.shape == tuple(wanted.shape)
    np.testing.assert_allclose(y, wanted.detach().numpy(), **tolerance)
    dy = draw(7, *y.shape, dtype=x.dtype)
    wanted.backward(torch.from_numpy(dy))
    gradients = [layer.backward(dy), *(layer.gradients[name] for name in layer.parameters)]
    for ours, tensor in zip(gradients, tensors, strict=True):
        assert ours.dtype == x.dtype
        scale = max(1.0, float(tensor.grad.abs().max()))
        np.testing.assert_allclose(ours / scale, tensor.grad.numpy() / scale, **tolerance)


def slope(function, array, place, step=1e-5):
    """The numeric slope of `function()` when one number of `array` moves."""
    old = array[place]
    array[place] = old + step
    above = function()
    array[place] = old - step
    below = function()
    array[place] = old
    return (above - below) / (2 * step)


# by hand


def test_convolution_of_the_slide():
    layer = layers.Conv2d(1, 1, 3, dtype=np.float64)
    layer.parameters = {"weight": np.full((1, 1, 3, 3), 1 / 9), "bias": np.zeros(1)}
    y = layer(SLIDE[None, None].astype(float))
    assert y[0, 0].round(1).tolist() == [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]]


def test_convolution_does_not_flip_and_adds_the_bias():
    layer = layers.Conv2d(1, 1, 2, dtype=np.float64)
    layer.parameters = {"weight": np.array([[[[1.0, 2], [3, 4]]]]), "bias": np.array([10.0])}
    impulse = np.zeros((1, 1, 3, 3))
    impulse[0, 0, 1, 1] = 1
    assert layer(impulse)[0, 0].tolist() == [[14, 13], [12, 11]]
    dx = layer.backward(np.array([[[[1.0, 0], [0, 0]]]]))
    assert dx[0, 0].tolist() == [[1, 2, 0], [3, 4, 0], [0, 0, 0]]
    assert layer.gradients["bias"].tolist() == [1]


def test_pooling_of_the_slide():
    x = POOLED[None, None].astype(float)
    assert layers.MaxPool2d(2)(x)[0, 0].tolist() == [[100, 184], [12, 45]]
    assert layers.AvgPool2d(2)(x)[0, 0].tolist() == [[36, 80], [12, 15]]


def test_max_pooling_sends_the_gradient_to_the_first_maximum():
    layer = layers.MaxPool2d(2)
    layer(POOLED[None, None].astype(float))
    dx = layer.backward(np.array([[[[1.0, 2], [3, 4]]]]))
    wanted = [[0, 0, 0, 2], [0, 1, 0, 0], [3, 0, 0, 0], [0, 0, 4, 0]]
    assert dx[0, 0].tolist() == wanted


def test_cross_entropy_by_hand():
    loss = layers.SoftmaxCrossEntropy()
    assert loss(np.zeros((2, 4)), [1, 3]) == pytest.approx(np.log(4))
    assert loss.backward().tolist() == [
        [0.125, -0.375, 0.125, 0.125],
        [0.125, 0.125, 0.125, -0.375],
    ]
    assert loss(np.array([[1000.0, 0.0]]), [0]) == 0  # no overflow
    assert loss(np.array([[1000.0, 0.0]]), [1]) == 1000


def test_the_small_layers_by_hand():
    full = layers.Linear(2, 2, dtype=np.float64)
    full.parameters["weight"][...], full.parameters["bias"][...] = [[1, 2], [3, 4]], [10, 20]
    assert full(np.array([[1.0, -1]])).tolist() == [[9, 19]]  # 1 − 2 + 10, 3 − 4 + 20
    assert full.backward(np.array([[1.0, 2]])).tolist() == [[7, 10]]  # 1 + 2 · 3, 2 + 2 · 4
    assert full.gradients["weight"].tolist() == [[1, -1], [2, -2]]
    assert full.gradients["bias"].tolist() == [1, 2]
    relu, tanh, flatten = layers.ReLU(), layers.Tanh(), layers.Flatten()
    assert relu(np.array([[-2.0, 0, 3]])).tolist() == [[0, 0, 3]]
    assert relu.backward(np.array([[5.0, 6, 7]])).tolist() == [[0, 0, 7]]
    half = np.log(3) / 2  # tanh is (3 − 1) / (3 + 1), its slope 1 − 1/4
    assert tanh(np.array([[0.0, half]])) == pytest.approx(np.array([[0, 0.5]]))
    assert tanh.backward(np.array([[1.0, 4]])) == pytest.approx(np.array([[1, 3]]))
    x = np.arange(8.0).reshape(2, 1, 2, 2)
    assert flatten(x).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert flatten.backward(flatten(x)).tolist() == x.tolist()


# against torch


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "channels", "size", "filters", "kernel", "stride", "padding"),
    [
        (1, 1, (7, 7), 1, 1, 1, 0),
        (3, 2, (6, 9), 5, 3, 1, 1),
        (3, 2, (7, 7), 5, (2, 5), 2, 2),
        (1, 1, (6, 9), 1, (5, 4), 3, 0),  # windows that stick out are left out
        (3, 2, (6, 9), 5, 1, 3, 2),  # a stride larger than the kernel
        (1, 1, (7, 7), 1, (5, 4), 2, 1),
    ],
)
def test_conv2d_equals_torch(dtype, n, channels, size, filters, kernel, stride, padding):
    rng = np.random.default_rng(0)
    layer = layers.Conv2d(channels, filters, kernel, stride, padding, rng, dtype)

    def theirs(x, weight, bias):
        return F.conv2d(x, weight, bias, stride=stride, padding=padding)

    compare(layer, theirs, draw(1, n, channels, *size, dtype=dtype), **TOLERANCE[dtype])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_conv2d_equals_torch_for_any_size(data):
    whole = st.integers
    n, channels, filters = (data.draw(whole(1, 4)) for _ in range(3))
    kernel = data.draw(st.tuples(whole(1, 5), whole(1, 5)))
    stride, padding = data.draw(whole(1, 4)), data.draw(whole(0, 3))
    size = [data.draw(whole(max(1, k - 2 * padding), 12)) for k in kernel]
    rng = np.random.default_rng(data.draw(whole(0, 99)))
    layer = layers.Conv2d(channels, filters, kernel, stride, padding, rng, np.float64)
    compare(
        layer,
        lambda x, weight, bias: F.conv2d(x, weight, bias, stride=stride, padding=padding),
        rng.standard_normal((n, channels, *size)),
        **TOLERANCE[np.float64],
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(4, 11), st.integers(4, 11), st.booleans())
def test_pools_equal_torch(size, stride, height, width, ties):
    x = draw(height, 2, 3, height, width)
    x = x.round() if ties else x
    for ours, theirs in (
        (layers.MaxPool2d, F.max_pool2d),
        (layers.AvgPool2d, F.avg_pool2d),
    ):
        compare(ours(size, stride), lambda t, f=theirs: f(t, size, stride), x, rtol=1e-10)
        compare(ours(size), lambda t, f=theirs: f(t, size), x, rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_others_equal_torch(dtype):
    tolerance = TOLERANCE[dtype]
    x = draw(3, 6, 20, dtype=dtype)
    linear = layers.Linear(20, 7, np.random.default_rng(1), dtype)
    compare(linear, F.linear, x, **tolerance)
    compare(layers.ReLU(), torch.relu, x, **tolerance)
    compare(layers.Tanh(), torch.tanh, x, **tolerance)
    compare(
        layers.Flatten(),
        lambda t: t.flatten(1),
        draw(4, 2, 3, 4, 5, dtype=dtype),
        **tolerance,
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(2, 12), st.floats(0.1, 60), st.integers(0, 99))
def test_cross_entropy_equals_torch(n, classes, scale, seed):
    rng = np.random.default_rng(seed)
    logits, labels = scale * rng.standard_normal((n, classes)), rng.integers(0, classes, n)
    tensor = torch.from_numpy(logits).requires_grad_()
    wanted = F.cross_entropy(tensor, torch.from_numpy(labels))
    wanted.backward()
    loss = layers.SoftmaxCrossEntropy()
    assert loss(logits, labels) == pytest.approx(wanted.item(), rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(loss.backward(), tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(loss.probabilities, tensor.softmax(1).detach(), rtol=1e-9)


def test_layers_start_as_torchs_do():
    for ours, theirs in (
        (layers.Conv2d(3, 40, 5, rng=np.random.default_rng(0)), torch.nn.Conv2d(3, 40, 5)),
        (layers.Linear(50, 40, rng=np.random.default_rng(0)), torch.nn.Linear(50, 40)),
    ):
        for name, tensor in theirs.named_parameters():
            assert ours.parameters[name].shape == tuple(tensor.shape)
            assert ours.parameters[name].dtype == np.float32
        bound = 1 / np.sqrt(np.prod(ours.parameters["weight"].shape[1:]))
        assert 0.97 * bound < np.abs(ours.parameters["weight"]).max() <= bound
        assert np.abs(ours.parameters["bias"]).max() <= bound


# numeric slopes, through a whole network


def test_the_slope_of_every_parameter():
    rng = np.random.default_rng(0)
    network = [
        layers.Conv2d(1, 3, 3, padding=1, rng=rng, dtype=np.float64), layers.Tanh(),
        layers.AvgPool2d(2), layers.Conv2d(3, 4, (2, 3), stride=2, rng=rng, dtype=np.float64),
        layers.ReLU(), layers.MaxPool2d(2, 1), layers.Flatten(),
        layers.Linear(4, 3, rng=rng, dtype=np.float64),
    ]  # fmt: skip
    x, labels, loss = (
        rng.standard_normal((5, 1, 10, 12)),
        rng.integers(0, 3, 5),
        (layers.SoftmaxCrossEntropy()),
    )

    def forward():
        y = x
        for layer in network:
            y = layer(y)
        return loss(y, labels)

    forward()
    gradient = loss.backward()
    for layer in reversed(network):
        gradient = layer.backward(gradient)
    for layer in network:
        analytic = {name: value.copy() for name, value in layer.gradients.items()}
        for name, array in layer.parameters.items():
            for place in itertools.islice(np.ndindex(array.shape), 0, None, 5):
                numeric = slope(forward, array, place)
                assert analytic[name][place] == pytest.approx(numeric, rel=1e-5, abs=1e-8)
    for place in [(0, 0, 0, 0), (2, 0, 5, 7), (4, 0, 9, 11)]:
        assert gradient[place] == pytest.approx(slope(forward, x, place), rel=1e-5, abs=1e-8)


# in pieces, on threads


@pytest.mark.parametrize(("piece", "wanted"), [(1, 1), (1, 2), (3000, 2), (1 << 20, 3)])
def test_pieces_and_threads_do_not_change_the_result(monkeypatch, piece, wanted):
    x, dy = draw(0, 9, 2, 8, 8), draw(1, 9, 4, 6, 6)
    results = []
    for size, count in ((1 << 30, 1), (piece, wanted)):
        monkeypatch.setattr(layers, "PIECE", size)
        monkeypatch.setattr(layers, "_thread_count", lambda count=count: count)
        layer = layers.Conv2d(2, 4, 3, rng=np.random.default_rng(0), dtype=np.float64)
        results.append([layer(x), layer.backward(dy), *layer.gradients.values()])
    for ours, wanted in zip(*results, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-12)


def test_memory_stays_bounded():
    layer = layers.Conv2d(8, 8, 5, rng=np.random.default_rng(0))
    x = np.zeros((256, 8, 24, 24), np.float32)
    layer(x[:2])
    tracemalloc.start()
    y = layer(x)
    layer.backward(y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    unrolled = 256 * 8 * 25 * 20 * 20 * 4  # what im2col of the whole batch would take: 82 MB
    assert peak < 2 * y.nbytes + 2 * x.nbytes + 8 * layers.PIECE < unrolled / 2


def test_the_first_layer_may_leave_its_input_alone():
    layer = layers.Conv2d(1, 2, 3, rng=np.random.default_rng(0), input_gradient=False)
    full = layers.Conv2d(1, 2, 3, rng=np.random.default_rng(0))
    x, dy = draw(0, 2, 1, 6, 6, dtype=np.float32), draw(1, 2, 2, 4, 4, dtype=np.float32)
    layer(x), full(x)
    assert layer.backward(dy) is None and full.backward(dy).shape == x.shape
    np.testing.assert_array_equal(layer.gradients["weight"], full.gradients["weight"])


# what comes in


CONV = layers.Conv2d(1, 2, 3, rng=np.random.default_rng(0))
COLOUR = layers.Conv2d(3, 2, 3, rng=np.random.default_rng(0))
ONE = np.zeros((1, 1, 8, 8), np.float32)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: CONV(ONE[0, 0]), r"x must be \(N, 1, H, W\), got \(8, 8\).*x\[None, None\]"),
        (lambda: CONV(ONE[:, 0]), r"got \(1, 8, 8\); for gray images use x\[:, None\]"),
        (lambda: CONV(ONE.transpose(0, 2, 3, 1)), r"channels come second: use x.transpose\(0, 3"),
        (lambda: COLOUR(np.zeros((3, 8, 8), "f")), r"for one image use x\[None\]"),
        (lambda: COLOUR(np.zeros((8, 8, 3), "f")), r"use x.transpose\(2, 0, 1\)\[None\]"),
        (lambda: COLOUR(ONE), r"x must be \(N, 3, H, W\), got \(1, 1, 8, 8\)"),
        (lambda: CONV(ONE.astype(np.uint8)), r"x must be float, got uint8; use \(x / 255\)"),
        (lambda: CONV(ONE.astype(float)), r"must be float32, got float64; use x.astype\(np.float"),
        (lambda: CONV(ONE[:0]), "x is empty: 0 images"),
        (lambda: CONV("photo"), "x must hold numbers, got a str"),
        (lambda: CONV([[1], [1, 2]]), "x must be rectangular"),
        (lambda: CONV(ONE[..., :2, :2]), "kernel_size 3 is larger than the padded H = 2"),
        (
            lambda: layers.Conv2d(1, 1, 3, stride=0),
            "stride must be a whole number from 1, got 0",
        ),
        (lambda: layers.Conv2d(1, 1, 3, padding=-1), "padding must be .* from 0, got -1"),
        (
            lambda: layers.Conv2d(1, 1, 2.5),
            "kernel_size must be a whole number from 1, got 2.5",
        ),
        (lambda: layers.Conv2d(0, 1, 3), "in_channels must be a whole number from 1, got 0"),
        (
            lambda: layers.Conv2d(1, 1, 3, dtype=int),
            "dtype must be float32 or float64, got int64",
        ),
        (lambda: layers.MaxPool2d(9)(ONE), r"size 9 is larger than the image, \(8, 8\)"),
        (lambda: layers.AvgPool2d(True), "size must be a whole number from 1, got True"),
        (
            lambda: layers.Linear(64, 2)(ONE),
            r"must be \(N, 64\).*use x.reshape\(len\(x\), -1\)",
        ),
        (lambda: layers.Linear(5, 2)(np.zeros((0, 5), "f")), r"x is empty: shape \(0, 5\)"),
    ],
)
def test_bad_images_are_named_with_the_fix(call, says):
    with pytest.raises(ArgumentError, match=says) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 10], "labels must be 0 … 9, found 10 at 1"),
        ([-100, 1], "labels must be 0 … 9, found -100 at 0"),
        ([0.0, 1.0], r"whole numbers, got float64; use np.int64\(labels\)"),
        (np.eye(10, dtype=int)[:2], r"got \(2, 10\); use labels.argmax\(axis=1\)"),
        (np.zeros((2, 1), int), r"got \(2, 1\); use labels\[:, 0\]"),
        ([1], "there are 2 logits and 1 labels"),
        (["a", "b"], "labels must hold numbers, got a list"),
    ],
)
def test_bad_labels_are_named_with_the_fix(labels, says):
    with pytest.raises(ArgumentError, match=says):
        layers.SoftmaxCrossEntropy()(np.zeros((2, 10)), labels)


def test_a_loss_that_is_no_number_is_refused():
    with pytest.raises(ArgumentError, match="logits hold NaN or inf"):
        layers.SoftmaxCrossEntropy()(np.full((1, 3), np.nan), [0])


def test_lists_tensors_and_views_are_taken():
    x = draw(0, 2, 1, 8, 8, dtype=np.float32)
    wanted = CONV(x)
    np.testing.assert_array_equal(CONV(torch.from_numpy(x).requires_grad_()), wanted)
    turned = np.ascontiguousarray(x[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]
    np.testing.assert_allclose(CONV(turned), wanted, rtol=1e-5, atol=1e-6)
    assert layers.Linear(2, 1, dtype=np.float64)([[1.0, 2.0]]).shape == (1, 1)


def test_windows_of_more_than_256_pixels_a_side():
    x = np.random.default_rng(0).normal(size=(1, 1, 300, 300))
    layer = layers.MaxPool2d(290)
    y = layer(x)
    assert y.item() == x[0, 0, :290, :290].max()
    assert layer.backward(np.ones_like(y)).sum() == 1


def test_bytes_in_the_other_order_and_lists_of_tensors():
    x = np.random.default_rng(0).normal(size=(2, 1, 6, 6))
    wanted = layers.AvgPool2d(2)(x)
    np.testing.assert_array_equal(layers.AvgPool2d(2)(x.astype(">f8")), wanted)
    parts = [torch.tensor(part, requires_grad=True) for part in x]
    np.testing.assert_array_equal(layers.AvgPool2d(2)(parts), wanted)
