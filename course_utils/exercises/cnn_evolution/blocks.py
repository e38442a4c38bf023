"""Exercises of chapter 3: residual blocks and gates (3.9 to 3.12)."""

import re
from collections import Counter

import numpy as np
import torch
from torch import nn
from torchvision.models.resnet import Bottleneck

from course_utils.data import load_photo
from course_utils.exercises.cnn_evolution.copies import (
    other_shapes,
    outputs,
    plain_problem,
    randomise,
    shapes,
)
from course_utils.exercises.engine import Exercise, Unmeasurable, mistakes, one_for_each
from course_utils.exercises.results import as_numbers
from course_utils.figures import show_row


# bottleneck
def _torchvisions_block(ins, width, stride):
    """torchvision's bottleneck with random tensors, in evaluation mode, and pictures for it."""
    outs = 4 * width
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(100 * ins + 10 * width + stride)
        project = None
        if stride != 1 or ins != outs:
            project = nn.Sequential(
                nn.Conv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs)
            )
        block = randomise(Bottleneck(ins, width, stride, project))
        return block, torch.randn(3, ins, 6, 5)


def _bottleneck(ins, width, stride, inner=torch.relu, last=torch.relu, total=torch.add):
    """The outputs of torchvision's bottleneck, or of one with other steps."""
    block, x = _torchvisions_block(ins, width, stride)
    with torch.no_grad():
        found = inner(block.bn1(block.conv1(x)))
        found = block.bn3(block.conv3(inner(block.bn2(block.conv2(found)))))
        skipped = x if block.downsample is None else block.downsample(x)
        return last(total(found, skipped)).double().numpy()


def _bottleneck_early_stride(ins, width, stride):
    """Its outputs with the stride in the first convolution."""
    block, x = _torchvisions_block(ins, width, stride)
    block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    with torch.no_grad():
        return block(x).numpy()


def _bottleneck_cases(rng):
    fixed = [(8, 2, 1), (1, 1, 1), (4, 2, 1), (6, 3, 2), (12, 3, 2)]
    return fixed + [tuple(int(v) for v in rng.integers((2, 2, 1), (13, 5, 3))) for _ in range(5)]


def _measured_bottleneck(block, settings):
    """The outputs of a block of one's own, with torchvision's tensors copied into it."""
    if not isinstance(block, nn.Module):
        return block
    theirs, x = _torchvisions_block(*settings)
    problem = plain_problem(block, theirs)
    outs, ins = theirs.conv3.out_channels, theirs.conv1.in_channels
    projection = Counter([(outs, ins, 1, 1), (outs,), (outs,)])
    if problem is None and shapes(block) != shapes(theirs):
        if shapes(block) + projection == shapes(theirs):
            problem = "the projection is missing: here x has another shape than F(x)"
        elif shapes(block) == shapes(theirs) + projection:
            problem = "there is a projection, but here x has the shape of F(x)"
        else:
            problem = other_shapes(block, theirs, "torchvision's")
    if problem:
        raise Unmeasurable(problem)
    return outputs(block, theirs, x)


_hint_bottleneck = mistakes(
    (lambda *a: _bottleneck(*a, last=torch.clone), "the last ReLU is missing"),
    (lambda *a: _bottleneck(*a, last=torch.clone, total=lambda f, x: f.relu() + x),
     "x is added *before* the last ReLU"),
    (lambda *a: _bottleneck(*a, total=lambda f, x: f), "the shortcut is missing: x itself"),
    (lambda *a: _bottleneck(*a, total=lambda f, x: f + x.relu()),
     "the projection has no ReLU of its own: ReLU comes after the sum"),
    (lambda *a: _bottleneck(*a, inner=torch.clone), "between the convolutions there are ReLUs"),
    (lambda *a: _bottleneck(*a, total=torch.mul), "the shortcut is added, not multiplied"),
    (_bottleneck_early_stride, "the stride belongs to the 3 × 3, as torchvision has it"),
)  # fmt: skip


def _hint_bottleneck_size(got, wanted, arguments):
    same_maps = got.ndim == 4 and got.shape[:2] == wanted.shape[:2]
    if same_maps and got.shape != wanted.shape and arguments[2] > 1:
        return "the map's size: the stride is taken once in F, and once in the projection"


# residual_backward
def _residual_backward(gradient, x, w1, w2, around=1, mask="hidden"):
    """around: what the shortcut adds; mask: where the ReLU lets the gradient through."""
    hidden = x @ w1.T
    open_ = {"hidden": hidden > 0, "none": 1, "value": np.maximum(hidden, 0)}[mask]
    return (gradient @ w2 * open_) @ w1 + around * gradient


def _residual_backward_cases(rng):
    w1, w2 = np.array([[1.0, 2], [-1, 1], [2, 0]]), np.array([[1.0, 0, 2], [3, 1, -1]])
    cases = [(np.array([[1.0, 2]]), np.array([[3.0, -1]]), w1, w2)]
    for n, d, m in [(2, 3, 4), (3, 2, 5), (4, 3, 2), (1, 5, 3), (5, 4, 6), (2, 6, 3), (6, 1, 4),
                    (3, 4, 1), (7, 5, 8)]:  # fmt: skip
        sizes = [(n, d), (n, d), (m, d), (d, m)]
        cases.append(tuple(rng.normal(size=size) * 1.5 for size in sizes))
    return cases


_hint_residual_backward = mistakes(
    (lambda *a: _residual_backward(*a, around=0),
     "that is F's part alone; the gradient also goes around F"),
    (lambda g, *a: _residual_backward(g, *a, around=0) + 1,
     "the 1 is a derivative: by the chain rule it is multiplied by the gradient"),
    (lambda *a: _residual_backward(*a, mask="none"),
     "where the ReLU is shut it lets no gradient through"),
    (lambda *a: _residual_backward(*a, mask="value"),
     "the ReLU's derivative is 0 or 1, not its output"),
    (lambda g, *a: g, "that is the shortcut's part alone; F has one, too"),
    (lambda g, *a: _residual_backward(g, *a, around=-1), "the shortcut's part is added"),
    (lambda g, x, w1, w2: _residual_backward(g, x, w1, w2, around=0) * g + g,
     "F's part has the gradient in it already"),
)  # fmt: skip


# place_gates
VECTOR = re.compile(r"could not be broadcast.*\(\d+,\)")  # an array with one axis is there
NO_VECTOR = re.compile(r"could not be broadcast(?!.*\(\d+,\))")


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _place_scores(x, w, b):
    return (w[:, None, None] * x).sum(axis=1) + b  # (N, H, W)


def _place_gates(x, w, b):
    return x * _sigmoid(_place_scores(x, w, b))[:, None]


def _place_gates_cases(rng):
    first = np.array([[[[1.0, 0, 2]], [[0, 1, 1]]]])  # (1, 2, 1, 3)
    cases = [(first, np.array([2.0, -1]), 1.0)]
    for size in [(2, 3, 4, 1), (3, 2, 1, 4), (1, 4, 2, 3), (2, 5, 3, 2), (4, 3, 2, 5),
                 (5, 2, 4, 3), (2, 6, 5, 4), (3, 1, 2, 2)]:  # fmt: skip
        x = rng.normal(size=size) + rng.normal(size=(size[0], size[1], 1, 1))
        cases.append((x, rng.normal(size=size[1]), float(rng.normal())))
    return cases


_hint_place_gates = mistakes(
    (lambda x, w, b: _sigmoid(_place_scores(x, w, b)), "those are the gates; the maps times their "
     "gates are wanted"),
    (lambda x, w, b: _sigmoid(_place_scores(x, w, b))[:, None], "those are the gates; the maps "
     "times their gates are wanted"),
    (lambda x, w, b: _place_gates(x, w, 0), "b has no effect"),
    (lambda x, w, b: _place_gates(x, 0 * w + 1, b), "the weights have no effect"),
    (lambda x, w, b: _place_gates(x, w / len(w), b - 0), "a weighted sum is wanted, not a mean"),
    (lambda x, w, b: x * _place_scores(x, w, b)[:, None],
     "these gates are not yet between 0 and 1"),
    (lambda x, w, b: x * _sigmoid(w[:, None, None] * x + b),
     "each number has its own gate here; at one place all channels have the same"),
    (lambda x, w, b: x * _sigmoid((w * x.mean(axis=(2, 3))).sum(axis=1) + b)[:, None, None, None],
     "each picture has one gate here: the mean over the places is not taken"),
    (lambda x, w, b: x * _sigmoid(w * x.mean(axis=(2, 3)) + b)[:, :, None, None],
     "those are gates for channels, as in an SE block; here each *place* has one"),
)  # fmt: skip


def _look_at_gates(answer):
    """The answer on a photo whose red places are let through."""
    photo = load_photo("coffee", 160).transpose(2, 0, 1)[None] / 255
    opened = as_numbers(answer(photo.copy(), np.array([9.0, -9, -9]), -0.5))[0]
    pictures = {"photo": photo, "your function: red places pass": opened}
    show_row(
        {name: x[0].transpose(1, 2, 0).clip(0, 1) for name, x in pictures.items()},
        photo=True,
        width=7,
    )


BLOCKS = {
    "bottleneck": Exercise(
        reference=_bottleneck,
        cases=_bottleneck_cases,
        verified="torchvision's tensors and outputs, with and without a projection",
        hints=[_hint_bottleneck, _hint_bottleneck_size],
        measure=_measured_bottleneck,
        level=2,
        minutes=20,
        steps=(
            "Take 3.9's `BasicBlock` and change F alone: the sum, the projection and the last ReLU "
            "stay.",
            "Write the channels over the three convolutions: which two numbers does each take, "
            "and which of them has the stride?",
        ),
    ),
    "residual_backward": Exercise(
        reference=_residual_backward,
        cases=_residual_backward_cases,
        verified="1 to 7 pictures, 1 to 6 features",
        hints=[_hint_residual_backward, one_for_each],
        level=2,
        minutes=15,
        steps=(
            "Two paths lead from x to the output. Write the gradient of each alone, and add them.",
            "Go back through F layer by layer, the last one first. The ReLU lets the gradient "
            "through where its input is above 0. Write the shapes down: they tell whether a matrix "
            "has to be transposed on the way back.",
        ),
    ),
    "place_gates": Exercise(
        reference=_place_gates,
        cases=_place_gates_cases,
        verified="1 to 6 channels, all formats",
        hints=[_hint_place_gates, one_for_each],
        errors={
            VECTOR: "which axis of x does each vector meet?",
            NO_VECTOR: "the axis of the channels is gone after a sum over it, and axes are counted "
            "from the last: print both shapes",
        },
        level=2,
        minutes=10,
        steps=(
            "First the score of each place: a sum over the channels, so (N, H, W).",
            "`w[:, None, None] * x` weights the channels. The gates need one more axis where the "
            "channels stand.",
        ),
        look=_look_at_gates,
    ),
}
