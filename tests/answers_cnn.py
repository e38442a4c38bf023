"""Answers to the exercises of chapter 2: wrong ones with their hints, and other right ones."""

import math

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage, signal, special

F = torch.nn.functional


def tensor(matrix):
    """(H, W) → (1, 1, H, W)"""
    return torch.tensor(matrix.copy())[None, None]


def correlate(image, kernel):
    return signal.correlate2d(image, kernel, "valid")


def pool(image, size, stride):
    return sliding_window_view(image, (size, size))[::stride, ::stride].max(axis=(2, 3))


def spread(dy, size):
    return dy.repeat(size, axis=0).repeat(size, axis=1)


def first_only(dy, size):
    result = np.zeros_like(spread(dy, size))
    result[::size, ::size] = dy
    return result


def late(layers):
    seen, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        seen += (kernel - 1) * step
    return seen


def counted(layers):
    """The pixels with a gradient, in one dimension; section 2.18 does it in two."""
    x = picture = torch.ones(1, 1, late(layers) + 600, requires_grad=True)
    for size, stride in layers:
        x = F.conv1d(x, torch.ones(1, 1, size), stride=stride)
    x[0, 0, x.shape[2] // 2].backward()
    return np.count_nonzero(picture.grad)


WRONG = {
    "output_size": [
        ("lambda i, f, s, p: (i + 2 * p - f) / s + 1", "round downwards"),
        ("lambda i, f, s, p: math.ceil((i + 2 * p - f) / s) + 1", "round downwards"),
        ("lambda i, f, s, p: (i + p - f) // s + 1", "both sides"),
        ("lambda i, f, s, p: (i + 2 * p - f) // s", "one too few"),
        ("lambda i, f, s, p: (i + 2 * p - f + 1) // s", "one too few"),
        ("lambda i, f, s, p: i", "is wrong"),
        ("lambda i, f, s, p: np.floor((i + 2 * p - f) / s) + 1", "a whole number is wanted"),
        ("lambda i, f, s, p: np.uint8((i + 2 * p - f) // s + 1 & 255)", "is wrong"),
    ],
    "count_parameters": [
        ("lambda i, o, k, b: o * (k * k + b)", "for \\*each\\* input channel"),
        ("lambda i, o, k, b: o * (i * k + b)", "for \\*each\\* input channel"),
        ("lambda i, o, k, b: o * i * k * k", "one bias more"),
        ("lambda i, o, k, b: o * i * (k * k + b)", "one bias for each filter"),
        ("lambda i, o, k, b: o * i * k * k + b", "not one for all"),
        ("lambda i, o, k, b: o * (i * k * k + 1)", "bias is False"),
        ("lambda i, o, k, b: o * i * k * k + o * float(b)", "a whole number is wanted"),
    ],
    "convolve2d": [
        ("correlate", "that is cross-correlation"),
        ("lambda i, k: correlate(i, k[::-1])", "in one direction"),
        ("lambda i, k: correlate(i, k[:, ::-1])", "in one direction"),
        ("lambda i, k: signal.convolve2d(i, k)", "valid is wanted"),
        ("lambda i, k: signal.convolve2d(i, k, 'same')", "valid is wanted"),
    ],
    "dilated": [
        ("lambda i, k, d: correlate(i, k)", "has no effect"),
        ("lambda i, k, d: correlate(i, k)[::d, ::d]", "that is a stride"),
        ("lambda i, k, d: correlate(i[::d, ::d], k)", "the result's shape is"),
        ("lambda i, k, d: np.zeros((3, 3, 3))", "the result's shape is"),
    ],
    "max_pool": [
        ("lambda i, n, s: pool(i, n, n)", "move by `stride`"),
        ("lambda i, n, s: i[::s, ::s]", "the result's shape is|one pixel of each"),
        ("lambda i, n, s: np.maximum(pool(i, n, s), 0)", "0 is no lower limit"),
        ("lambda i, n, s: sliding_window_view(i, (n, n)).max(axis=(2, 3))", "not by one"),
        ("lambda i, n, s: F.max_pool2d(tensor(i), n, s, ceil_mode=True)[0, 0]", "stick out"),
        ("lambda i, n, s: -pool(-i, n, s)", "is wrong"),
    ],
    "log_softmax": [
        ("lambda z: np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))", "whose logarithm"),
        ("lambda z: np.log(special.softmax(z, axis=1))", "whose logarithm"),
        ("lambda z: special.softmax(z, axis=1)", "that is softmax"),
        ("lambda z: -special.log_softmax(z, axis=1)", "the sign"),
        ("lambda z: z - special.logsumexp(z)", "each \\*row\\*"),
        ("lambda z: z", "is wrong"),
        ("lambda z: np.log(np.exp(z - z.max()) / np.exp(z - z.max()).sum(1)[:, None])", "−inf"),
    ],
    "receptive_field": [
        ("lambda n: 1 + sum(k - 1 for k, s in n)", "s times as large"),
        ("lambda n: sum(k for k, s in n)", "adds k − 1|s times as large|is wrong"),
        ("lambda n: late(n) if n else 0", "without a layer|only for"),
        ("late", "only for the layers after it"),
        ("lambda n: n[0][0]", "IndexError|s times as large|is wrong"),
        ("lambda n: counted(n) * 1.0", "a whole number is wanted"),
        ("lambda n: counted(n[:4])", "is wrong"),
    ],
    "mean_pool_backward": [
        ("spread", "its share"),
        ("lambda d, n: spread(d, n) / n", "holds size · size"),
        ("lambda d, n: first_only(d, n)", "every pixel of the block"),
        ("lambda d, n: first_only(d, n) / n**2", "every pixel of the block"),
        ("lambda d, n: d / n**2", "the result's shape is"),
    ],
}

RIGHT = {
    "output_size": [
        lambda i, f, s, p: len(range(0, i + 2 * p - f + 1, s)),
        lambda i, f, s, p: math.floor((i + 2 * p - f) / s + 1),
        lambda i, f, s, p: np.floor_divide(i + 2 * p - f, s) + np.uint16(1),
    ],
    "count_parameters": [
        lambda i, o, k, b: sum(p.numel() for p in torch.nn.Conv2d(i, o, k, bias=b).parameters()),
        lambda i, o, k, b: o * i * k * k + (o if b else 0),
    ],
    "convolve2d": [
        lambda i, k: signal.convolve2d(i, k, "valid"),
        lambda i, k: signal.convolve2d(i, k, "valid").astype(np.float32),
        lambda i, k: F.conv2d(
            torch.tensor(i)[None, None], torch.tensor(k[::-1, ::-1].copy())[None, None]
        )[0, 0],
        lambda i, k: correlate(i, np.rot90(k, 2)).tolist(),
    ],
    "dilated": [
        lambda i, k, d: F.conv2d(
            torch.tensor(i)[None, None], torch.tensor(k)[None, None], dilation=d
        )[0, 0],
        lambda i, k, d: sum(
            k[r, s]
            * i[
                r * d : len(i) - (k.shape[0] - 1 - r) * d,
                s * d : i.shape[1] - (k.shape[1] - 1 - s) * d,
            ]
            for r, s in np.ndindex(k.shape)
        ),
    ],
    "max_pool": [
        lambda i, n, s: F.max_pool2d(torch.tensor(i)[None, None], n, s)[0, 0],
        lambda i, n, s: np.array(
            [
                [i[r : r + n, c : c + n].max() for c in range(0, i.shape[1] - n + 1, s)]
                for r in range(0, len(i) - n + 1, s)
            ]
        ),
    ],
    "log_softmax": [
        lambda z: torch.tensor(z).log_softmax(dim=1),
        lambda z: torch.tensor(z).float().log_softmax(dim=1),
        lambda z: torch.nn.LogSoftmax(dim=1)(torch.FloatTensor(z)),
        lambda z: F.log_softmax(torch.Tensor(z), dim=1).tolist(),
        lambda z: special.log_softmax(z.astype(np.float32), axis=1),
        lambda z: special.log_softmax(z, axis=1),
        lambda z: z - special.logsumexp(z, axis=1, keepdims=True),
    ],
    "receptive_field": [
        lambda n: (
            1 + sum((k - 1) * math.prod(s for _, s in n[:place]) for place, (k, _) in enumerate(n))
        ),
        lambda n: (
            1 + sum((k - 1) * int(np.prod([s for _, s in n[:i]])) for i, (k, _) in enumerate(n))
        ),
        counted,
    ],
    "mean_pool_backward": [
        lambda d, n: spread(d, n) / (n * n),
        lambda d, n: F.interpolate(torch.tensor(d)[None, None], scale_factor=n)[0, 0] / n**2,
        lambda d, n: (
            ndimage.zoom(d, n, order=0, grid_mode=True, mode="nearest") / n**2 if n > 1 else d
        ),
    ],
}
