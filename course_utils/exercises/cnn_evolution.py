"""Exercises of chapter 3: the pieces of the networks from LeNet to SENet."""

from collections import Counter

import numpy as np
import torch
from torch import nn
from torchvision.models.resnet import Bottleneck

from course_utils.exercises.cnn_evolution_questions import QUESTIONS
from course_utils.exercises.engine import (
    COUNTS,
    Exercise,
    Unmeasurable,
    close,
    doors,
    mistakes,
)

EPS = 1e-5
OUTSIDE = "eps belongs to the variance, under the root"
NO_ROOT = "that divides by the variance; the deviation is its root"
MIXED = "the channels are mixed: each has a mean and a variance of its own"


# top_k_error
def _top_k_error(logits, labels, k):
    own = logits[np.arange(len(labels)), labels]
    return ((logits > own[:, None]).sum(axis=1) >= k).mean()


def _top_k_error_cases(rng):
    settings = [(40, 8, 3), (30, 10, 5), (25, 9, 4), (20, 5, 1), (9, 4, 4), (1, 7, 2), (12, 8, 7),
                (16, 3, 2), (500, 6, 1)]  # fmt: skip
    cases = []
    for rows, classes, k in settings:
        logits, labels = rng.normal(size=(rows, classes)), rng.integers(classes, size=rows)
        logits[np.arange(rows), labels] += 0.7
        cases.append((logits, labels, k))
    return cases


_hint_top_k_error = mistakes(
    (lambda z, y, k: 1 - _top_k_error(z, y, k), "that is the share of rows that are *right*"),
    (lambda z, y, k: _top_k_error(-z, y, k), "argsort begins with the smallest"),
    (lambda z, y, k: _top_k_error(z, y, 1), "k has no effect: only the best class counts"),
    (lambda z, y, k: _top_k_error(z, y, k) * len(y), "that is a number of rows, not their share"),
    (lambda z, y, k: _top_k_error(z, y, k) * 100, "that is in percent; a share is wanted"),
    (lambda z, y, k: _top_k_error(z, y, k + 1), "one too many: k + 1 classes are looked at"),
    (lambda z, y, k: _top_k_error(z, y, k - 1), "one too few: k − 1 classes are looked at"),
    (lambda z, y, k: 1.0, "every row is an error: are *places* compared with labels, or scores?"),
)


def _hint_one_number(got, wanted, arguments):
    if got.shape == arguments[1].shape:
        return "that is one number for each row; the share of errors is one for all"


# batch_norm_train and batch_norm_eval
def _scaled(z, gamma, beta):
    return gamma[:, None, None] * z + beta[:, None, None]


def _by_batch(x, axes=(0, 2, 3), ddof=0, eps=EPS, outside=0):
    deviation = np.sqrt(x.var(axes, keepdims=True, ddof=ddof) + eps) + outside
    return (x - x.mean(axes, keepdims=True)) / deviation


def _by_running(x, mean, variance, eps=EPS, outside=0):
    return (x - mean[:, None, None]) / (np.sqrt(variance + eps) + outside)[:, None, None]


def _batches(rng):
    """Ten of (x, γ, β): few values each; in the last two a channel varies not at all, or hardly."""
    sizes = [(4, 3, 2, 3), (2, 2, 1, 1), (1, 3, 2, 2), (3, 2, 1, 2), (2, 4, 3, 1), (5, 1, 1, 2),
             (1, 2, 3, 3), (3, 5, 2, 2), (3, 2, 2, 3), (2, 3, 2, 2)]  # fmt: skip
    drawn = []
    for size in sizes:
        channels = (size[1], 1, 1)
        x = rng.normal(size=size) * rng.uniform(0.5, 3, channels) + rng.normal(size=channels) * 2
        drawn.append((x, rng.uniform(0.5, 2, size[1]), rng.normal(size=size[1])))
    drawn[-2][0][:, 0] = 0
    drawn[-1][0][:, 0] = rng.normal(size=(2, 2, 2)) * 0.003
    return drawn


def _batches_and_running(rng):
    cases = []
    for x, gamma, beta in _batches(rng):
        mean, variance = rng.normal(size=len(gamma)), rng.uniform(1, 5, len(gamma))
        cases.append((x, mean, variance, gamma, beta))
    for place, variance in ((-2, 0), (-1, 1e-5)):
        cases[place][1][0], cases[place][2][0] = 0, variance
    return cases


_hint_batch_norm_train = mistakes(
    (lambda x, g, b: _scaled(_by_batch(x, 0), g, b),
     "each *pixel* has its own mean here; a channel has one for all places"),
    (lambda x, g, b: _scaled(_by_batch(x, (2, 3)), g, b),
     "each *picture* has its own mean here; a channel has one for the whole batch"),
    (lambda x, g, b: _scaled(_by_batch(x, (1, 2, 3)), g, b), MIXED),
    (lambda x, g, b: _scaled(_by_batch(x, None), g, b), MIXED),
    (lambda x, g, b: _scaled(_by_batch(x, ddof=1), g, b),
     "the variance divides by the number of values, not by one less"),
    (lambda x, g, b: _scaled(_by_batch(x, eps=0, outside=EPS), g, b), OUTSIDE),
    (lambda x, g, b: _scaled(_by_batch(x) / np.sqrt(x.var((0, 2, 3), keepdims=True) + EPS), g, b),
     NO_ROOT),
)  # fmt: skip

_hint_batch_norm_eval = mistakes(
    (lambda x, m, v, g, b: _scaled(_by_batch(x), g, b),
     "these are the mean and variance of the batch; the running ones are wanted"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, x.mean((0, 2, 3)), v), g, b),
     "that is the mean of the batch, with the running variance"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, x.var((0, 2, 3))), g, b),
     "that is the variance of the batch, with the running mean"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, 0 * m, v), g, b), "the mean is not subtracted"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, v, eps=0), g, b), "eps is missing"),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, v, eps=0, outside=EPS), g, b), OUTSIDE),
    (lambda x, m, v, g, b: _scaled(_by_running(x, m, (v + EPS)**2 - EPS), g, b), NO_ROOT),
)  # fmt: skip


def _hint_scale(got, wanted, arguments):
    *_, gamma, beta = arguments
    if not np.isfinite(got).all():
        return "a division by 0: a channel of equal values has variance 0, and eps is for that"
    scale, offset = gamma[:, None, None], beta[:, None, None]
    z = (wanted - offset) / scale
    for mistake, said in (
        (scale * z, "β is missing"),
        (z + offset, "γ is missing: each channel has its own scale"),
        (z, "γ and β are missing"),
        (scale * (z + offset), "γ scales what is normalised, and not β"),
    ):
        if close(got, mistake):
            return said
    if close(got, gamma * z + beta):
        return "γ and β meet the last axis, the columns; they belong to the channels"


# batch_norm_backward
def _batch_norm_backward(gradient, x, gamma, mean=True, variance=True, average=np.mean, eps=EPS,
                         ddof=0):  # fmt: skip
    """mean, variance: whether the paths through them count; the rest is how they are computed."""
    deviation = np.sqrt(x.var(axis=0, ddof=ddof) + eps)
    normed = (x - x.mean(axis=0)) / deviation
    through_mean = average(gradient, axis=0) if mean else 0
    through_variance = normed * average(gradient * normed, axis=0) if variance else 0
    return gamma / deviation * (gradient - through_mean - through_variance)


def _batch_norm_backward_cases(rng):
    """Ten of (gradient, x, γ); in the last two a feature varies hardly, or not at all."""
    cases = []
    for size in [(4, 3), (5, 2), (2, 4), (8, 1), (3, 3), (6, 5), (2, 1), (7, 4), (5, 3), (4, 2)]:
        features = size[1]
        x = rng.normal(size=size) * rng.uniform(0.5, 3, features) + rng.normal(size=features) * 2
        cases.append((rng.normal(size=size), x, rng.uniform(0.5, 2, features)))
    cases[-2][1][:, 0] *= 0.003
    cases[-1][1][:, 0] = 2
    return cases


_hint_batch_norm_backward = mistakes(
    (lambda g, x, c: _batch_norm_backward(g, x, c, mean=False, variance=False),
     "mean and variance are treated as constants; they depend on every x of the feature"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, variance=False),
     "the path through the variance is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, mean=False),
     "the path through the mean is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, average=np.sum),
     "each path has a factor 1/N: means belong where sums stand"),
    (lambda g, x, c: _batch_norm_backward(g, x, 1), "γ is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, eps=0), "eps is missing"),
    (lambda g, x, c: _batch_norm_backward(g, x, c, ddof=1),
     "the variance divides by the number of values, not by one less"),
    (lambda g, x, c: _batch_norm_backward(g, x, c) / np.sqrt(x.var(axis=0) + EPS), NO_ROOT),
    (lambda g, x, c: _batch_norm_backward(g.T, x.T, 1).T * c,
     "the features are mixed: mean and variance run over the pictures, axis 0"),
    (lambda g, x, c: (g * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPS)).sum(axis=0),
     "that is the gradient of γ; the one of x is asked for"),
)  # fmt: skip


# conv_stack_cost
def _conv_stack_cost_cases(rng):
    fixed = [(3, 2, 64), (7, 1, 64), (3, 3, 16), (5, 2, 32), (1, 4, 8)]
    return fixed + [tuple(int(v) for v in rng.integers((2, 2, 2), (8, 6, 40))) for _ in range(6)]


def _hint_conv_stack_cost(got, wanted, arguments):
    kernel, layers, channels = arguments
    if got.shape != (2,):
        return "two numbers are wanted: (parameters, field)"
    if close(got, wanted[::-1]):
        return "the two are exchanged: first the parameters, then the field"
    one = kernel**2 * channels**2
    parameters = {
        layers * kernel**2 * channels: "C outputs, and each reads all C inputs: one C is lost",
        layers * (one + channels): "these layers have no bias",
        one: "that is one layer; there are several",
        layers * kernel * channels**2: "a filter is kernel × kernel",
        wanted[1] ** 2 * channels**2: "that is *one* large filter with the same field",
    }
    fields = {
        layers * kernel: "windows overlap: a layer adds kernel − 1 to the field, not kernel",
        layers * (kernel - 1): "before any layer a pixel sees itself: the field begins at 1",
        kernel**layers: "the fields of layers with stride 1 are added, not multiplied",
        kernel: "that is the field of one layer",
    }
    table, number = (parameters, 0) if got[0] != wanted[0] else (fields, 1)
    return table.get(got[number])


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
        block = Bottleneck(ins, width, stride, project).eval()
        for part in block.modules():
            if isinstance(part, nn.BatchNorm2d):
                for tensor in (part.weight.data, part.running_var):
                    tensor.uniform_(0.5, 2)
                for tensor in (part.bias.data, part.running_mean):
                    tensor.normal_()
        alike = {}  # equal where the shapes are: the order in which layers are made is free
        for key, tensor in _tensors(block):
            tensor.copy_(alike.setdefault(key, tensor))
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
    fixed = [(8, 2, 1), (12, 3, 2), (4, 2, 1), (6, 3, 2), (1, 1, 1)]
    return fixed + [tuple(int(v) for v in rng.integers((2, 2, 1), (13, 5, 3))) for _ in range(5)]


def _measured_bottleneck(block, settings):
    """The outputs of a block of one's own, with torchvision's tensors copied into it."""
    if not isinstance(block, nn.Module):
        return block
    theirs, x = _torchvisions_block(*settings)
    _require_same_tensors(block, theirs)
    wanted = dict(_tensors(theirs))
    for key, tensor in _tensors(block):
        tensor.data.copy_(wanted[key])
    with torch.no_grad():
        return block.eval()(x)


def _tensors(block):
    """Pairs of a key and a tensor; the key says whose it is, its name and its shape."""
    found = []
    for part in block.modules():
        kind = next((k for k in (nn.Conv2d, nn.BatchNorm2d) if isinstance(part, k)), type(part))
        own = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
        found += [((kind, name, tuple(tensor.shape)), tensor.data) for name, tensor in own]
    return found


def _require_same_tensors(block, theirs):
    """Raise Unmeasurable with a sentence on what the block has beside torchvision's, or lacks."""
    mine, wanted = (Counter(tuple(p.shape) for p in net.parameters()) for net in (block, theirs))
    outs, ins = theirs.conv3.out_channels, theirs.conv1.in_channels
    projection = Counter([(outs, ins, 1, 1), (outs,), (outs,)])
    if not mine:
        problem = "it has no parameters: layers in a plain list are not found, nn.Sequential is"
    elif any(part.bias is not None for part in block.modules() if isinstance(part, nn.Conv2d)):
        problem = "a convolution before batch normalisation needs no bias"
    elif mine == wanted:
        problem = None
        if Counter(key for key, _ in _tensors(block)) != Counter(k for k, _ in _tensors(theirs)):
            problem = "batch normalisation has to keep its running mean and variance"
    elif mine + projection == wanted:
        problem = "the projection is missing: here x has another shape than F(x)"
    elif mine == wanted + projection:
        problem = "there is a projection, but here x has the shape of F(x)"
    else:
        problem = f"it has {mine.total()} parameter tensors, torchvision's has {wanted.total()}"
        more, fewer = next(iter(mine - wanted), None), next(iter(wanted - mine), None)
        problem += f"; {more} is one too many" if more else ""
        problem += f"; one of {fewer} is missing" if fewer else ""
    if problem:
        raise Unmeasurable(problem)


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


# se_gates
def _relu(z):
    return np.maximum(z, 0)


def _gates(mean, w1, b1, w2, b2, inner=_relu, last=lambda z: 1 / (1 + np.exp(-z))):
    return last(inner(mean @ w1.T + b1) @ w2.T + b2)


def _se_gates(x, *weights, **activations):
    return _gates(x.mean(axis=(2, 3)), *weights, **activations)


def _se_gates_cases(rng):
    settings = [(3, 6, 3, 4, 4), (2, 4, 2, 3, 5), (1, 8, 2, 2, 2), (4, 2, 1, 1, 6), (2, 6, 2, 5, 1),
                (5, 3, 3, 2, 3), (1, 1, 1, 4, 3), (2, 9, 3, 3, 3),
                (3, 2, 4, 2, 3)]  # fmt: skip
    cases = []
    for n, c, hidden, h, w in settings:
        x = rng.normal(size=(n, c, h, w)) + rng.normal(size=(n, c, 1, 1))
        sizes = [(hidden, c), hidden, (c, hidden), c]
        cases.append((x, *(rng.normal(size=size) for size in sizes)))
    return cases


_hint_se_gates = mistakes(
    (lambda *a: _se_gates(*a, last=lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True)),
     "each channel has its own gate: they need not sum to 1"),
    (lambda x, *w: _gates(x.max(axis=(2, 3)), *w), "the squeeze takes the mean, not the maximum"),
    (lambda x, *w: _gates(x.sum(axis=(2, 3)), *w), "the squeeze takes the mean, not the sum"),
    (lambda *a: _se_gates(*a, inner=np.array), "between the two layers there is a ReLU"),
    (lambda x, *w: x * _se_gates(x, *w)[:, :, None, None], "the gates alone are wanted"),
    (lambda *a: _se_gates(*a)[:, :, None, None], "the shape of the gates is (N, C)"),
    (lambda *a: _se_gates(*a, last=np.array), "these numbers are not yet between 0 and 1"),
    (lambda *a: _se_gates(*a, last=_relu), "at the end there is a sigmoid, not a ReLU"),
    (lambda x, w1, b1, w2, b2: _se_gates(x, w1, 0, w2, 0), "the biases are missing"),
)  # fmt: skip


# horizontal_flip
def _horizontal_flip_cases(rng):
    sizes = [(2, 3, 4, 5), (1, 1, 3, 3), (3, 2, 5, 2), (1, 3, 2, 6), (4, 1, 1, 4), (2, 4, 3, 1)]
    return [(rng.random(size),) for size in (*sizes, rng.integers(2, 7, 4), rng.integers(2, 7, 4))]


_hint_horizontal_flip = mistakes(
    (lambda x: x[:, :, ::-1], "the pictures stand upside down"),
    (lambda x: x[:, ::-1], "axis 1 holds the channels: the colours are exchanged"),
    (lambda x: x[::-1], "axis 0 holds the pictures: only their order is reversed"),
    (lambda x: x[:, :, ::-1, ::-1], "that is a turn by 180°: rows and columns are both reversed"),
    (lambda x: x[:, ::-1, :, ::-1], "the colours are exchanged too"),
    (lambda x: x.swapaxes(2, 3), "rows and columns are exchanged; a mirror keeps the rows"),
    (lambda x: x, "nothing is mirrored"),
)


EXERCISES = {
    "top_k_error": Exercise(
        number=1,
        reference=_top_k_error,
        cases=_top_k_error_cases,
        verified="k from 1 to 7, one row and many",
        hints=[_hint_top_k_error, _hint_one_number],
    ),
    "batch_norm_train": Exercise(
        number=2,
        reference=lambda x, g, b: _scaled(_by_batch(x), g, b),
        cases=_batches,
        verified="2 to 24 values a channel, and one without variance",
        hints=[_hint_batch_norm_train, _hint_scale],
    ),
    "batch_norm_eval": Exercise(
        number=3,
        reference=lambda x, m, v, g, b: _scaled(_by_running(x, m, v), g, b),
        cases=_batches_and_running,
        verified="one picture and several, and a channel without variance",
        hints=[_hint_batch_norm_eval, _hint_scale],
    ),
    "batch_norm_backward": Exercise(
        number=4,
        reference=_batch_norm_backward,
        cases=_batch_norm_backward_cases,
        verified="2 to 8 pictures, and a feature without variance",
        hints=[_hint_batch_norm_backward],
    ),
    "conv_stack_cost": Exercise(
        number=5,
        reference=lambda k, n, c: (n * k**2 * c**2, n * (k - 1) + 1),
        cases=_conv_stack_cost_cases,
        verified="filters of 1 to 7, 1 to 5 layers",
        hints=[_hint_conv_stack_cost],
        whole=COUNTS,
    ),
    "bottleneck": Exercise(
        number=6,
        reference=_bottleneck,
        cases=_bottleneck_cases,
        verified="torchvision's tensors and outputs, with and without a projection",
        hints=[_hint_bottleneck, _hint_bottleneck_size],
        measure=_measured_bottleneck,
    ),
    "se_gates": Exercise(
        number=7,
        reference=_se_gates,
        cases=_se_gates_cases,
        verified="1 to 9 channels, 1 to 4 between the layers",
        hints=[_hint_se_gates],
    ),
    "horizontal_flip": Exercise(
        number=8,
        reference=lambda x: x[..., ::-1],
        cases=_horizontal_flip_cases,
        verified="all formats, 1 to 6 channels",
        hints=[_hint_horizontal_flip],
    ),
}

check, ask = doors(EXERCISES, QUESTIONS)
