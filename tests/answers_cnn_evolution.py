"""Answers to the exercises of chapter 3: wrong ones with their hints, and other right ones."""

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet

F = torch.nn.functional
ALL = (0, 2, 3)


def tensors(*arrays):
    return [torch.tensor(array) for array in arrays]


def places(scores, labels, k, axis=1):
    """Share of rows whose label is not among the first k places of a sort of `scores`."""
    return 1 - np.mean(np.any(np.argsort(scores, axis=axis)[:, :k] == labels[:, None], axis=1))


def ranks(scores, labels):
    """How many classes are before the right one, in each row."""
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    return (scores > own).sum(axis=1)


def column(values):
    return values.reshape(-1, 1, 1)


def norm(x, axes=ALL, eps=1e-5, **options):
    variance = x.var(axis=axes, keepdims=True, **options)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(variance + eps)


def running(x, m, v, eps=1e-5):
    return (x - column(m)) / np.sqrt(column(v) + eps)


def flat(x, eps=1e-5):
    """(N, D), each feature normalised over the pictures."""
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


def by_torch(gradient, x, gamma):
    """The gradient of x by PyTorch's own batch normalisation."""
    x, gamma = torch.tensor(x.copy(), requires_grad=True), torch.tensor(gamma)
    F.batch_norm(x, None, None, gamma, training=True).backward(torch.tensor(gradient))
    return x.grad.numpy()


def by_slope(gradient, x, gamma, step=1e-6):
    """The gradient of x by the numeric slope."""
    slope = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        slope[place] = (gamma * (flat(up) - flat(down)) * gradient).sum() / (2 * step)
    return slope


def stack(k, n, c, bias=False):
    """Layers without memory: only their shapes are counted."""
    with torch.device("meta"):
        return [torch.nn.Conv2d(c, c, k, bias=bias) for _ in range(n)]


def count(layers):
    return sum(p.numel() for layer in layers for p in layer.parameters())


class Block(nn.Module):
    """A bottleneck, whose parts can be wrong."""

    def __init__(self, ins, width, stride, inner=nn.ReLU, last=None, early=False, bias=False,
                 project=None, running=True):  # fmt: skip
        super().__init__()
        outs, first = 4 * width, stride if early else 1
        self.layers = nn.Sequential(
            self.norm(ins, width, 1, first, bias, running), inner(),
            self.norm(width, width, 3, 1 if early else stride, bias, running), inner(),
            self.norm(width, outs, 1, 1, bias, running),
        )  # fmt: skip
        changes = stride != 1 or ins != outs
        self.last = last or nn.ReLU()
        self.shortcut = nn.Identity()
        if changes if project is None else project:
            self.shortcut = self.norm(ins, outs, 1, stride, bias, running)

    @staticmethod
    def norm(ins, outs, size, stride, bias=False, running=True):
        conv = nn.Conv2d(ins, outs, size, stride, padding=size // 2, bias=bias)
        return nn.Sequential(conv, nn.BatchNorm2d(outs, track_running_stats=running))

    def forward(self, x):
        return self.last(self.layers(x) + self.shortcut(x))


class ConvolutionsFirst(Block):
    """All convolutions are made before the normalisations."""

    def __init__(self, ins, width, stride):
        nn.Module.__init__(self)
        outs = 4 * width
        self.conv1 = nn.Conv2d(ins, width, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.conv3 = nn.Conv2d(width, outs, 1, bias=False)
        self.bn1, self.bn2, self.bn3 = map(nn.BatchNorm2d, (width, width, outs))
        same = stride == 1 and ins == outs
        self.shortcut = nn.Identity() if same else Block.norm(ins, outs, 1, stride)

    def forward(self, x):
        inner = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        return (self.bn3(self.conv3(inner)) + self.shortcut(x)).relu()


class Apart(nn.Module):
    """The same with a name for every layer."""

    def __init__(self, ins, width, stride):
        super().__init__()
        self.down, self.down_norm = nn.Conv2d(ins, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.up, self.up_norm = (
            nn.Conv2d(width, 4 * width, 1, bias=False),
            nn.BatchNorm2d(4 * width),
        )
        self.project, self.stride = None, stride
        if stride > 1 or ins != 4 * width:
            self.project = nn.Conv2d(ins, 4 * width, 1, bias=False)
            self.project_norm = nn.BatchNorm2d(4 * width)

    def forward(self, x):
        found = F.relu(self.down_norm(self.down(x)))
        found = F.relu(self.norm(self.conv(found)))
        found = self.up_norm(self.up(found))
        if self.project is not None:
            x = self.project_norm(self.project(x[:, :, :: self.stride, :: self.stride]))
        return (found + x).clamp(min=0)


class Early(Block):
    def forward(self, x):
        return F.relu(self.layers(x)) + self.shortcut(x)


class Forgetful(Block):
    def forward(self, x):
        return F.relu(self.layers(x))


class Product(Block):
    def forward(self, x):
        return F.relu(self.layers(x) * self.shortcut(x))


class ReluOnShortcut(Block):
    def forward(self, x):
        return F.relu(self.layers(x) + F.relu(self.shortcut(x)))


class ProjectionFirst(nn.Module):
    def __init__(self, ins, width, stride):
        super().__init__()
        whole = Block(ins, width, stride)
        self.shortcut, self.layers = whole.shortcut, whole.layers

    def forward(self, x):
        return F.relu(self.layers(x) + self.shortcut(x))


class InAList(nn.Module):
    def __init__(self, ins, width, stride):
        super().__init__()
        self.layers = [*Block(ins, width, stride).layers]


class Unprepared(nn.Module):
    def __init__(self, ins, width, stride):
        self.layers = Block(ins, width, stride).layers


class NoForward(nn.Module):
    def __init__(self, ins, width, stride):
        super().__init__()
        whole = Block(ins, width, stride)
        self.layers, self.shortcut = whole.layers, whole.shortcut


class ReturnsNothing(Block):
    def forward(self, x):
        F.relu(self.layers(x) + self.shortcut(x))


WRONG = {
    "top_k_error": [
        ("lambda z, y, k: 1 - places(-z, y, k)", "that are \\*right\\*"),
        ("lambda z, y, k: places(z, y, k)", "begins with the smallest"),
        ("lambda z, y, k: np.mean(z.argmax(axis=1) != y)", "k has no effect"),
        ("lambda z, y, k: places(-z, y, k) * len(y)", "not their share"),
        ("lambda z, y, k: places(-z, y, k) * 100", "in percent"),
        ("lambda z, y, k: places(-z, y, k + 1)", "one too many"),
        ("lambda z, y, k: places(-z, y, k - 1)", "k has no effect|one too few"),
        ("lambda z, y, k: 1 - (np.sort(-z)[:, :k] == y[:, None]).any(axis=1).mean()", "scores"),
        ("lambda z, y, k: z.argmax(axis=1) == y", "one for all"),
        ("lambda z, y, k: places(-z, y, k, axis=0)", "down the columns"),
        ("lambda z, y, k: np.sum(ranks(z, y) >= k, dtype=np.uint8) / len(y)", "is wrong"),
    ],
    "batch_norm_train": [
        ("lambda x, g, b: column(g) * norm(x, 0) + column(b)", "each \\*pixel\\*"),
        ("lambda x, g, b: column(g) * norm(x, (2, 3)) + column(b)", "each \\*picture\\*"),
        ("lambda x, g, b: column(g) * norm(x, (1, 2, 3)) + column(b)", "channels are mixed"),
        ("lambda x, g, b: column(g) * norm(x, None) + column(b)", "channels are mixed"),
        ("lambda x, g, b: column(g) * norm(x, ddof=1) + column(b)", "not by one less"),
        ("lambda x, g, b: column(g) * norm(x, eps=0) + column(b)", "a division by 0"),
        (
            "lambda x, g, b: column(g) * (x - x.mean(ALL, keepdims=True))"
            " / (x.std(ALL, keepdims=True) + 1e-5) + column(b)",
            "under the root",
        ),
        (
            "lambda x, g, b: column(g) * (x - x.mean(ALL, keepdims=True))"
            " / (x.var(ALL, keepdims=True) + 1e-5) + column(b)",
            "divides by the variance",
        ),
        ("lambda x, g, b: norm(x)", "γ and β are missing"),
        ("lambda x, g, b: column(g) * norm(x)", "β is missing"),
        ("lambda x, g, b: norm(x) + column(b)", "γ is missing"),
        ("lambda x, g, b: column(g) * (norm(x) + column(b))", "and not β"),
        ("lambda x, g, b: g * norm(x) + b", "where do the channels stand"),
        (
            "lambda x, g, b: g * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + b",
            "meets the last axis, the columns; where do the channels stand",
        ),
    ],
    "batch_norm_eval": [
        ("lambda x, m, v, g, b: column(g) * norm(x) + column(b)", "mean and variance of the batch"),
        (
            "lambda x, m, v, g, b: column(g) * running(x, x.mean(ALL), v) + column(b)",
            "that is the mean of the batch",
        ),
        (
            "lambda x, m, v, g, b: column(g) * running(x, m, x.var(ALL)) + column(b)",
            "that is the variance of the batch",
        ),
        ("lambda x, m, v, g, b: column(g) * running(x, 0 * m, v) + column(b)", "not subtracted"),
        ("lambda x, m, v, g, b: column(g) * running(x, m, v, 0) + column(b)", "a division by 0"),
        (
            "lambda x, m, v, g, b: column(g) * (x - column(m)) / (column(v)**.5 + 1e-5)+ column(b)",
            "under the root",
        ),
        (
            "lambda x, m, v, g, b: column(g) * (x - column(m)) / (column(v) + 1e-5) + column(b)",
            "divides by the variance",
        ),
        ("lambda x, m, v, g, b: running(x, m, v)", "γ and β are missing"),
        ("lambda x, m, v, g, b: column(g) * running(x, m, v)", "β is missing"),
        ("lambda x, m, v, g, b: running(x, m, v) + column(b)", "γ is missing"),
        ("lambda x, m, v, g, b: g * running(x, m, v) + b", "where do the channels stand"),
        (
            "lambda x, m, v, g, b: g * (x - m) / np.sqrt(v + 1e-5) + b",
            "meets the last axis, the columns; where do the channels stand",
        ),
    ],
    "batch_norm_backward": [
        ("lambda g, x, c: c * g / np.sqrt(x.var(0) + 1e-5)", "treated as constants"),
        ("lambda g, x, c: c * (g - g.mean(0)) / np.sqrt(x.var(0) + 1e-5)", "through the variance"),
        (
            "lambda g, x, c: c * (g - flat(x) * (g * flat(x)).mean(0)) / np.sqrt(x.var(0) + 1e-5)",
            "through the mean",
        ),
        (
            "lambda g, x, c: c / np.sqrt(x.var(0) + 1e-5)"
            " * (g - g.sum(0) - flat(x) * (g * flat(x)).sum(0))",
            "a factor 1/N",
        ),
        ("lambda g, x, c: by_torch(g, x, 0 * c + 1)", "γ is missing"),
        (
            "lambda g, x, c: c / x.std(0)"
            " * (g - g.mean(0) - flat(x, 0) * (g * flat(x, 0)).mean(0))",
            "eps is missing",
        ),
        (
            "lambda g, x, c: by_torch(g, x, c) / np.sqrt(x.var(0) + 1e-5)",
            "divides by the variance",
        ),
        ("lambda g, x, c: by_torch(g.T, x.T, np.ones(len(g))).T * c", "features are mixed"),
        ("lambda g, x, c: (g * flat(x)).sum(axis=0)", "the gradient of γ"),
        ("lambda g, x, c: -by_torch(g, x, c)", "is wrong"),
    ],
    "conv_stack_cost": [
        ("lambda k, n, c: (n * k * k * c, n * (k - 1) + 1)", "one C is lost"),
        ("lambda k, n, c: (count(stack(k, n, c, True)), n * (k - 1) + 1)", "no bias"),
        ("lambda k, n, c: (k * k * c * c, n * (k - 1) + 1)", "that is one layer"),
        ("lambda k, n, c: (n * k * c * c, n * (k - 1) + 1)", "kernel × kernel"),
        ("lambda k, n, c: ((n * (k - 1) + 1)**2 * c * c, n * (k - 1) + 1)", "one\\* large filter"),
        ("lambda k, n, c: (n * k * k * c * c, n * k)", "windows overlap"),
        ("lambda k, n, c: (n * k * k * c * c, n * (k - 1))", "a pixel sees itself"),
        ("lambda k, n, c: (n * k * k * c * c, k**n)", "not multiplied"),
        ("lambda k, n, c: (n * k * k * c * c, k)", "field of one layer"),
        ("lambda k, n, c: (n * (k - 1) + 1, n * k * k * c * c)", "exchanged"),
        ("lambda k, n, c: n * k * k * c * c", "two numbers are wanted"),
        ("lambda k, n, c: (n * k * k * c * c, n * (k - 1) + 1.0)", "a whole number is wanted"),
        (
            "lambda k, n, c: [np.float32(n * k * k * c * c), np.float32(n * (k - 1) + 1)]",
            "a whole number is wanted",
        ),
    ],
    "bottleneck": [
        ("lambda *a: Block(*a, last=nn.Identity())", "the last ReLU is missing"),
        ("Early", "\\*before\\* the last ReLU"),
        ("Forgetful", "the shortcut is missing"),
        ("lambda *a: Block(*a, inner=nn.Identity)", "there are ReLUs"),
        ("Product", "not multiplied"),
        ("ReluOnShortcut", "no ReLU of its own"),
        ("lambda *a: Block(*a, early=True)", "belongs to the 3 × 3"),
        ("lambda *a: Block(*a, bias=True)", "needs no bias"),
        ("lambda *a: Block(*a, project=False)", "the projection is missing"),
        ("lambda *a: Block(*a, project=True)", "here x has the shape of F\\(x\\)"),
        ("lambda i, w, s: Block(i, 4 * w, s)", "it has 12 parameter tensors.*is one too many"),
        ("InAList", "has no parameters"),
        ("lambda i, w, s: Block(i, w, 1, project=s > 1 or i != 4 * w)", "the map's size"),
        ("lambda *a: Block(*a, running=False)", "keep its running mean"),
        ("Unprepared", "cannot assign module before Module.__init__.*\\(line \\d+ of the cell\\)"),
        ("NoForward", "is missing the required .forward. function"),
        ("ReturnsNothing", "is a `return` missing"),
        ("lambda *a: Block", "it returns a type, not a number"),
    ],
}

RIGHT = {
    "top_k_error": [
        lambda z, y, k: places(-z, y, k),
        lambda z, y, k: np.float32(places(-z.astype(np.float32), y, k)),
        lambda z, y, k: (
            1 - np.mean([label in row.argsort()[-k:] for row, label in zip(z, y, strict=True)])
        ),
        lambda z, y, k: (
            1 - (torch.tensor(z).topk(k).indices == torch.tensor(y)[:, None]).any(1).float().mean()
        ),
    ],
    "batch_norm_train": [
        lambda x, g, b: column(g) * norm(x) + column(b),
        lambda x, g, b: column(g) * norm(x.astype(np.float32)) + column(b),
        lambda x, g, b: F.batch_norm(torch.tensor(x), None, None, *tensors(g, b), training=True),
        lambda x, g, b: F.batch_norm(
            *(t.float() for t in tensors(x, 0 * g, 0 * g + 1, g, b)), training=True
        ),
        lambda x, g, b: np.stack(
            [
                s * (v - v.mean()) / (np.mean((v - v.mean()) ** 2) + 1e-5) ** 0.5 + o
                for v, s, o in zip(x.swapaxes(0, 1), g, b, strict=True)
            ],
            axis=1,
        ),
    ],
    "batch_norm_eval": [
        lambda x, m, v, g, b: column(g) * running(x, m, v) + column(b),
        lambda x, m, v, g, b: F.batch_norm(*tensors(x, m, v, g, b)),
        lambda x, m, v, g, b: F.batch_norm(*(t.float() for t in tensors(x, m, v, g, b))),
        lambda x, m, v, g, b: np.moveaxis(
            (np.moveaxis(x, 1, -1) - m) * (g / np.sqrt(v + 1e-5)) + b, -1, 1
        ),
    ],
    "batch_norm_backward": [
        lambda g, x, c: by_torch(g, x, c),
        lambda g, x, c: by_slope(g, x, c),
        lambda g, x, c: (
            c * (g - g.mean(0) - flat(x) * (g * flat(x)).mean(0)) / (x.var(0) + 1e-5) ** 0.5
        ).astype(np.float32),
        lambda g, x, c: (
            c
            / (len(x) * np.sqrt(x.var(0) + 1e-5))
            * (len(x) * g - g.sum(0) - flat(x) * (g * flat(x)).sum(0))
        ),
    ],
    "conv_stack_cost": [
        lambda k, n, c: (count(stack(k, n, c)), 1 + sum(k - 1 for _ in range(n))),
        lambda k, n, c: np.array([n * (k * c) ** 2, n * k - n + 1]),
        lambda k, n, c: torch.tensor([n * k * k * c * c, n * (k - 1) + 1]),
        lambda k, n, c: [np.int32(n * k * k * c * c), np.int64(n * (k - 1) + 1)],
    ],
    "bottleneck": [
        Block,
        Apart,
        ProjectionFirst,
        ConvolutionsFirst,
        lambda i, w, s: resnet.Bottleneck(
            i, w, s, Block.norm(i, 4 * w, 1, s) if s > 1 or i != 4 * w else None
        ),
        lambda *a: Block(*a).double().float().to(memory_format=torch.channels_last),
    ],
}
