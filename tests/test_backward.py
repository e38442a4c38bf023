"""The backward pass of every hand-written layer: only after a call, and only with its gradient."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import numpy_layers as layers
from course_utils.errors import ArgumentError

SOURCES = Path(layers.__file__).parent
KINDS = sorted(
    node.name
    for path in SOURCES.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.ClassDef)
    if {"backward", "_backward"} & {getattr(part, "name", "") for part in node.body}
    if node.name not in ("Layer", "SoftmaxCrossEntropy")  # the check itself; the last test
)
PICTURES = np.random.default_rng(0).normal(size=(2, 3, 6, 6)).astype(np.float32)
ROWS = PICTURES.reshape(2, -1)
EXAMPLES = {  # class → how to make one, and a batch of two for it
    "Conv2d": (lambda: layers.Conv2d(3, 4, 3, padding=1), PICTURES),
    "MaxPool2d": (lambda: layers.MaxPool2d(2), PICTURES),
    "AvgPool2d": (lambda: layers.AvgPool2d(2, 1), PICTURES),
    "Linear": (lambda: layers.Linear(108, 5), ROWS),
    "ReLU": (layers.ReLU, PICTURES),
    "Tanh": (layers.Tanh, PICTURES),
    "Flatten": (layers.Flatten, PICTURES),
}


def refused(call, *parts):
    with pytest.raises(ArgumentError) as caught:
        call()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert [part for part in parts if part not in message] == [], message
    return message


def fresh(kind):
    make, x = EXAMPLES[kind]
    return make(), x


@pytest.mark.parametrize("kind", KINDS)
def test_before_a_call_one_sentence_says_what_to_call(kind):
    layer, x = fresh(kind)
    dy = np.ones_like(layer(x))
    layer, _ = fresh(kind)
    refused(lambda: layer.backward(dy), kind, "call layer(x) first, then layer.backward(dy)")
    for name in layer.parameters:
        refused(lambda name=name: layer.gradients[name], name, "call layer.backward(dy) first")
    layer(x)
    layer.backward(dy)  # as told


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_of_another_shape_is_refused(kind):
    layer, x = fresh(kind)
    dy = np.ones_like(layer(x))
    wanted = layer.backward(dy)
    for other in (dy[:1], dy[..., :1], dy[0], dy[None], dy[:0], dy.sum(), np.concatenate([dy, dy])):
        refused(lambda other=other: layer.backward(other), "dy must be", str(dy.shape))
    refused(lambda: layer.backward(dy[:1]), "another batch")
    for given in (dy.ravel(), torch.tensor(dy).ravel(), dy.ravel().tolist()):
        message = refused(lambda given=given: layer.backward(given), "; use ")
        mended = eval(message.partition("; use ")[2], {"np": np, "torch": torch, "dy": given})
        np.testing.assert_array_equal(layer.backward(mended), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_gradient_is_refused(kind):
    layer, x = fresh(kind)
    layer(x)
    refused(lambda: layer.backward(None), "dy must hold numbers")
    refused(lambda: layer.backward("dy"), "dy must hold numbers")
    refused(lambda: layer.backward([[1.0], [1.0, 2.0]]), "dy must be rectangular")


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_any_kind_are_taken_in_the_outputs_dtype(kind):
    layer, x = fresh(kind)
    y = layer(x)
    wanted = layer.backward(np.ones_like(y))
    for dy in (
        np.ones(y.shape),
        np.ones(y.shape, int),
        torch.ones(y.shape),
        np.ones_like(y).tolist(),
    ):
        got = layer.backward(dy)
        assert got.dtype == x.dtype
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_backward_gives_the_same_and_a_failed_call_nothing(kind):
    layer, x = fresh(kind)
    dy = np.random.default_rng(1).normal(size=layer(x).shape).astype(np.float32)
    first = [layer.backward(dy), *(each.copy() for each in layer.gradients.values())]
    again = [layer.backward(dy), *layer.gradients.values()]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    refused(lambda: layer("x"))
    refused(lambda: layer.backward(dy), "call layer(x) first")


def test_forward_called_by_name_is_a_call():
    layer, x = fresh("Linear")
    layer.forward(x)
    assert layer.backward(np.ones((2, 5), np.float32)).shape == x.shape


def test_relu_of_whole_numbers_lets_a_float_gradient_through():
    layer = layers.ReLU()
    assert layer([[1, -2]]).tolist() == [[1, 0]]
    assert layer.backward([[0.5, 0.5]]).tolist() == [[0.5, 0]]


def test_the_loss_goes_back_only_after_a_call_that_succeeded():
    loss, logits = layers.SoftmaxCrossEntropy(), np.zeros((2, 3))
    told = "call loss(logits, labels) first, then loss.backward()"
    refused(loss.backward, "SoftmaxCrossEntropy", told)
    loss(logits, [0, 1])
    first = loss.backward()
    np.testing.assert_array_equal(loss.backward(), first)
    for wrong in ((logits, [0, 3]), (logits * np.nan, [0, 1]), (logits, [0])):
        refused(lambda wrong=wrong: loss(*wrong))
        refused(loss.backward, told)
