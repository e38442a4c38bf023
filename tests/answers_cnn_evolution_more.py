"""More answers to the exercises of chapter 3: tables, gradients, pictures."""

import numpy as np
import torch
from torch import nn
from torchvision.transforms.v2 import functional as v2

F = torch.nn.functional


def t(*arrays):
    return [torch.tensor(np.asarray(array)) for array in arrays]


def rows(steps, channels, side, bias=1, planes=True, pads=2, up=0, full=2, start=1, walk=True):
    """The table; each option can be wrong."""
    found = []
    for kind, *rest in steps:
        if kind == "full":
            found.append(((channels * side**full + bias) * rest[0], rest[0], 1))
        elif kind == "conv":
            filters, size, stride, padding = rest
            count = filters * ((channels if planes else 1) * size * size + bias)
            out = (side + pads * padding - size + up * (stride - 1)) // (stride if walk else 1)
            found.append((count, filters, out + start))
        else:
            size, stride = rest
            out = (side - size + up * (stride - 1)) // (stride if walk else 1)
            found.append((0, channels, out + start))
        _, channels, side = found[-1]
    return found


def by_layers(steps, channels, side):
    """Built of layers on `meta`, which are then asked."""
    x, found = torch.zeros(1, channels, side, side, device="meta"), []
    with torch.device("meta"):
        for kind, *rest in steps:
            if kind == "conv":
                layer = nn.Conv2d(x.shape[1], *rest)
            elif kind == "pool":
                layer = nn.MaxPool2d(*rest)
            else:
                x = x.flatten(1)
                layer = nn.Linear(x.shape[1], rest[0])
            x = layer(x)
            side = x.shape[2] if x.ndim == 4 else 1
            found.append((sum(p.numel() for p in layer.parameters()), x.shape[1], side))
    return found


def by_layer(ins, outs, size, stride, padding, groups, side):
    with torch.device("meta"):
        layer = nn.Conv2d(ins, outs, size, stride, padding, groups=groups, bias=False)
        out = layer(torch.zeros(1, ins, side, side)).shape[2]
    return layer.weight.numel(), out, layer.weight.numel() * out * out


def network(row, ins, classes, bias=False, norm=True, relu=nn.ReLU, first=True, pool=nn.MaxPool2d,
            end=(), padding=1):  # fmt: skip
    layers = []
    for step in row:
        if step == "M":
            layers += [pool(2)]
        else:
            after = [nn.BatchNorm2d(step)] if norm else []
            after = [*after, relu()] if first else [relu(), *after]
            layers += [nn.Conv2d(ins, step, 3, 1, padding, bias=bias), *after]
            ins = step
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(ins, classes), *end
    )


class Reversed(nn.Module):
    """The same as a class, whose last layer is made first."""

    def __init__(self, row, ins, classes):
        super().__init__()
        whole = network(row, ins, classes)
        self.head = whole[-1]
        self.body = whole[:-3]

    def forward(self, x):
        return self.head(self.body(x).mean(dim=(2, 3)))


class Listed(nn.Module):
    def __init__(self, *settings):
        super().__init__()
        self.layers = [*network(*settings)]


def residual(g, x, a, b, mask=None, around=1):
    mask = (x @ a.T > 0) if mask is None else mask
    return ((g @ b) * mask) @ a + around * g


def residual_by_torch(g, x, a, b):
    g, x, a, b = t(g, x, a, b)
    x.requires_grad_()
    (F.relu(x @ a.T) @ b.T + x).backward(g)
    return x.grad


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def scores(x, w, b=0.0):
    return np.einsum("nchw,c->nhw", x, w) + b


def crops(x, o, p, flip=False, **options):
    pads = [(0, 0), (0, 0), (p, p), (p, p)]
    large, (h, w) = np.pad(x, pads, **options), x.shape[2:]
    return np.array([
        picture[:, r : r + h, c : c + w]
        for picture, (r, c) in zip(large, o[:, ::-1] if flip else o, strict=True)
    ])  # fmt: skip


def crops_by_torch(x, o, p):
    return torch.stack([
        v2.crop(v2.pad(picture, p), int(r), int(c), *picture.shape[1:])
        for picture, (r, c) in zip(torch.tensor(x), o, strict=True)
    ])  # fmt: skip


def nearest(a, y, b, by=None, by_test=None, worst=False):
    by = a if by is None else by
    by_test = by if by_test is None else by_test
    a, b = (a - by.mean(0)) / by.std(0), (b - by_test.mean(0)) / by_test.std(0)
    means = np.array([a[y == k].mean(0) for k in np.unique(y)])
    apart = np.linalg.norm(b[:, None] - means, axis=2)
    return np.unique(y)[np.argsort(apart, axis=1)[:, -1 if worst else 0]]


def by_torch(a, y, b):
    a, y, b = t(a, y, b)
    a, b = (a - a.mean(0)) / a.std(0, correction=0), (b - a.mean(0)) / a.std(0, correction=0)
    kinds = y.unique()
    return kinds[torch.cdist(b, torch.stack([a[y == k].mean(0) for k in kinds])).argmin(1)]


def unscaled(a, y, b):
    means = np.array([a[y == k].mean(0) for k in np.unique(y)])
    return np.unique(y)[np.linalg.norm(b[:, None] - means, axis=2).argmin(axis=1)]


def neighbour(a, y, b):
    a, b = (a - a.mean(0)) / a.std(0), (b - a.mean(0)) / a.std(0)
    return y[np.linalg.norm(b[:, None] - a, axis=2).argmin(axis=1)]


WRONG = {
    "network_table": [
        ("lambda *a: rows(*a, bias=0)", "biases are missing"),
        ("lambda *a: rows(*a, planes=False)", "for \\*each\\* channel"),
        ("lambda *a: rows(*a, pads=1)", "on both sides"),
        ("lambda *a: rows(*a, pads=0)", "the padding has no effect"),
        ("lambda *a: rows(*a, walk=False)", "the stride has no effect"),
        ("lambda *a: rows(*a, start=0)", "the first window counts"),
        ("lambda *a: rows(*a, up=1)", "round down"),
        ("lambda *a: rows(*a, full=0)", "not one a map"),
        ("lambda *a: rows(*a, full=1)", "side × side numbers"),
        ("lambda *a: np.transpose(rows(*a))", "rows and columns are exchanged"),
        ("lambda *a: rows(*a)[1:] or [(1, 2, 3)] * 2", "one row for each step"),
        ("lambda *a: np.float64(rows(*a))", "a whole number is wanted"),
    ],
    "conv_work": [
        ("lambda *a: (1, 2)", "three numbers are wanted"),
        ("lambda i, o, k, s, p, g, n: by_layer(i, o, k, s, p, 1, n)", "have no effect"),
        ("lambda i, o, k, s, p, g, n: (by_layer(i, o, k, s, p, g, n)[0] + o, "
         "by_layer(i, o, k, s, p, g, n)[1], (by_layer(i, o, k, s, p, g, n)[0] + o) * "
         "by_layer(i, o, k, s, p, g, n)[1] ** 2)", "no bias"),
        ("lambda *a: (*by_layer(*a)[:2], by_layer(*a)[0] * a[-1] ** 2)", "place of the \\*output"),
        ("lambda *a: (*by_layer(*a)[:2], by_layer(*a)[0] * by_layer(*a)[1])", "side × side places"),
        ("lambda *a: (*by_layer(*a)[:2], by_layer(*a)[0])", "used at every place"),
        ("lambda *a: np.array(by_layer(*a))[[0, 2, 1]]", "the order is"),
        ("lambda *a: np.divide(by_layer(*a), 1)", "a whole number is wanted"),
    ],
    "network_from_row": [
        ("lambda *a: network(*a, first=False)", "ReLU comes after"),
        ("lambda *a: network(*a, relu=nn.Identity)", "ReLUs are missing"),
        ("lambda *a: network(*a, padding=0)", "have no padding"),
        ("lambda *a: network(*a, pool=nn.AvgPool2d)", "not an average"),
        ("lambda *a: network(*a, pool=lambda n: nn.Identity())", "poolings, \"M\", are missing"),
        ("lambda *a: network(*a, end=[nn.Softmax(1)])", "without a softmax"),
        ("lambda *a: network(*a, end=[nn.ReLU()])", "there is no ReLU"),
        ("lambda *a: network(*a, bias=True)", "needs no bias"),
        ("lambda *a: network(*a, norm=False)", "batch normalisation is missing"),
        ("lambda *a: network(*a, end=[nn.Linear(a[2], a[2])])", "it has 7 parameter tensors"),
        ("Listed", "has no parameters"),
        ("lambda *a: [*network(*a)]", "of objects|not a number|rows differ"),
    ],
    "dropout_channels": [
        ("lambda x, d, p: x * (d >= p)[..., None, None]", "what stays has to be larger"),
        ("lambda x, d, p: x * (d >= p)[..., None, None] * (1 - p)", "it has to become larger"),
        ("lambda x, d, p: x * (d >= p)[..., None, None] / p if p else x", "\\*dropped\\*"),
        ("lambda x, d, p: x * (d < p)[..., None, None] / (1 - p)", "the other way round"),
        ("lambda x, d, p: x * (d > p)[..., None, None] / (1 - p)", "exactly p is kept"),
        ("lambda x, d, p: x", "nothing is dropped"),
        ("lambda x, d, p: x * (d[:1] >= p)[..., None, None] / (1 - p)", "coins of its own"),
        ("lambda x, d, p: x * (d >= p) / (1 - p)", "where do the channels stand"),
    ],
    "crop_padded": [
        ("lambda x, o, p: crops(x, o, p, flip=True)", "the two are exchanged"),
        ("lambda x, o, p: crops(x, 2 * p - o, p)", "move the other way"),
        ("lambda x, o, p: crops(x, o[[0] * len(o)], p)", "an offset of its own"),
        ("lambda x, o, p: crops(x, o, p, mode='edge')", "not the edge repeated"),
        ("lambda x, o, p: x", "the offsets have no effect"),
        ("lambda x, o, p: np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)])", "a window of the old size"),
        ("lambda x, o, p: crops(x, o, p).swapaxes(2, 3)", "height and width"),
    ],
    "residual_backward": [
        ("lambda g, *a: g.sum(axis=0)", "each number of x becomes one number"),
        ("lambda *a: residual(*a, around=0)", "also goes around F"),
        ("lambda *a: residual(*a, around=0) + 1", "the 1 is a derivative"),
        ("lambda *a: residual(*a, mask=1)", "lets no gradient through"),
        ("lambda g, x, a, b: residual(g, x, a, b, F.relu(torch.tensor(x @ a.T)).numpy())",
         "0 or 1, not its output"),
        ("lambda g, x, a, b: g", "F has one, too"),
        ("lambda *a: residual(*a, around=-1)", "is added"),
        ("lambda g, *a: residual(g, *a, around=0) * g + g", "in it already"),
        ("lambda g, x, a, b: residual(g, x, b.T, a.T)", "is wrong"),
    ],
    "place_gates": [
        ("lambda x, w, b: sigmoid(scores(x, w, b))", "those are the gates"),
        ("lambda x, w, b: sigmoid(scores(x, w, b))[:, None]", "those are the gates"),
        ("lambda x, w, b: x * sigmoid(scores(x, w))[:, None]", "b has no effect"),
        ("lambda x, w, b: x * sigmoid(x.sum(1, keepdims=True) + b)", "weights have no effect"),
        ("lambda x, w, b: x * sigmoid(scores(x, w) / len(w) + b)[:, None]", "not a mean"),
        ("lambda x, w, b: x * scores(x, w, b)[:, None]", "not yet between 0 and 1"),
        ("lambda x, w, b: x * sigmoid(w[:, None, None] * x + b)", "each number has its own gate"),
        ("lambda x, w, b: x * sigmoid(x.mean((2, 3)) @ w + b)[:, None, None, None]",
         "the mean over the places is not taken"),
        ("lambda x, w, b: x * sigmoid(x.mean((2, 3)) * w + b)[..., None, None]", "gates for chann"),
        ("lambda x, w, b: x * sigmoid((w * x).sum(1) + b)", "which axis of x"),
        ("lambda x, w, b: x * sigmoid(scores(x, w, b))", "the axis of the channels is gone"),
    ],
    "nearest_mean": [
        ("lambda train, labels, new: labels[0]", "one class for each of the"),
        ("lambda a, y, b: nearest(a, y, b, by_test=b)", "by their own mean"),
        ("lambda a, y, b: nearest(a, y, b, by=np.concatenate([a, b]))", "take part in"),
        ("unscaled", "nothing is standardised"),
        ("lambda a, y, b: nearest(a, y, b, worst=True)", "\\*farthest\\*"),
        ("neighbour", "nearest \\*picture\\*"),
        ("lambda a, y, b: np.searchsorted(np.unique(y), nearest(a, y, b))", "its number is wanted"),
        ("lambda a, y, b: nearest(a, y, b).astype(float)", "cannot be used as indices"),
    ],
}  # fmt: skip

RIGHT = {
    "network_table": [rows, by_layers, lambda *a: torch.tensor(by_layers(*a))],
    "conv_work": [
        by_layer,
        lambda i, o, k, s, p, g, n: np.array([
            o * k * k * i // g, 1 + (n - k + 2 * p) // s,
            o * k * k * i // g * (1 + (n - k + 2 * p) // s) ** 2,
        ]),
        lambda *a: torch.tensor(by_layer(*a)),
    ],
    "network_from_row": [network, Reversed, lambda *a: network(*a).double().float()],
    "dropout_channels": [
        lambda x, d, p: np.where((d < p)[..., None, None], 0, x / (1 - p)),
        lambda x, d, p: np.float32(x * (d >= p)[:, :, None, None] / (1 - p)),
        lambda x, d, p: torch.tensor(x) * torch.tensor(1.0 * (d >= p) / (1 - p))[..., None, None],
    ],
    "crop_padded": [
        crops,
        crops_by_torch,
        lambda x, o, p: crops(x.astype(np.float32), o, p),
    ],
    "residual_backward": [
        residual,
        residual_by_torch,
        lambda *a: residual(*(part.astype(np.float32) for part in a)),
    ],
    "place_gates": [
        lambda x, w, b: x * sigmoid(scores(x, w, b))[:, None],
        lambda x, w, b: np.float32(x * sigmoid(scores(x, w, b))[:, None]),
        lambda x, w, b: torch.tensor(x) * F.conv2d(*t(x, w[None, :, None, None], [b])).sigmoid(),
    ],
    "nearest_mean": [
        nearest,
        lambda a, y, b: nearest(a.astype(np.float32), y, b.astype(np.float32)),
        by_torch,
    ],
}  # fmt: skip
