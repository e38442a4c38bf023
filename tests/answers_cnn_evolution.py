"""Answers to the exercises of chapter 3: wrong ones with their hints, and other right ones."""

import numpy as np
import torch
from scipy import special
from torchvision.transforms import v2

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


def relu(z):
    return z * (z > 0)


def gates(squeezed, w1, b1, w2, b2, last=special.expit):
    return last(relu(squeezed @ w1.T + b1) @ w2.T + b2)


def row_softmax(z):
    return special.softmax(z, axis=1)


def stack(k, n, c, bias=False):
    """Layers without memory: only their shapes are counted."""
    with torch.device("meta"):
        return [torch.nn.Conv2d(c, c, k, bias=bias) for _ in range(n)]


def count(layers):
    return sum(p.numel() for layer in layers for p in layer.parameters())


WRONG = {
    "top_k_error": [
        ("lambda z, y, k: 1 - places(-z, y, k)", "that are \\*right\\*"),
        ("lambda z, y, k: places(z, y, k)", "begins with the smallest"),
        ("lambda z, y, k: np.mean(z.argmax(axis=1) != y)", "k has no effect"),
        ("lambda z, y, k: places(-z, y, k) * len(y)", "not their share"),
        ("lambda z, y, k: places(-z, y, k) * 100", "in percent"),
        ("lambda z, y, k: places(-z, y, k + 1)", "one too many"),
        ("lambda z, y, k: places(-z, y, k - 1)", "one too few"),
        ("lambda z, y, k: 1 - (np.sort(-z)[:, :k] == y[:, None]).any(axis=1).mean()", "scores"),
        ("lambda z, y, k: z.argmax(axis=1) == y", "one for all"),
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
        ("lambda x, g, b: g * norm(x) + b", "they belong to the channels"),
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
        ("lambda x, m, v, g, b: g * running(x, m, v) + b", "they belong to the channels"),
    ],
    "dropout_scale": [
        ("lambda x, kept, p: x * kept", "without a larger scale"),
        ("lambda x, kept, p: np.where(kept, x / p, 0)", "the share that is lost"),
        ("lambda x, kept, p: x * kept * (1 - p)", "still smaller"),
        ("lambda x, kept, p: np.where(kept, 0, x / (1 - p))", "which numbers \\*stay\\*"),
        ("lambda x, kept, p: np.where(kept, 0, x)", "which numbers \\*stay\\*"),
        ("lambda x, kept, p: x * kept / kept.mean()", "not from this one draw"),
        ("lambda x, kept, p: x[kept] / (1 - p)", "the shape stays"),
        ("lambda x, kept, p: x / (1 - p)", "is wrong"),
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
    "residual_block": [
        ("lambda x, w1, w2: relu(relu(x @ w1) @ w2) + x", "\\*before\\* the last ReLU"),
        ("lambda x, w1, w2: relu(relu(x @ w1) @ w2)", "the shortcut is missing"),
        ("lambda x, w1, w2: relu(x @ w1 @ w2 + x)", "between the two layers"),
        ("lambda x, w1, w2: relu(x @ w1) @ w2 + x", "the last ReLU is missing"),
        ("lambda x, w1, w2: x @ w1 @ w2 + x", "both ReLUs"),
        ("lambda x, w1, w2: relu(relu(x @ w1) @ w2 * x)", "not multiplied"),
        ("lambda x, w1, w2: relu(relu(x @ w1.T) @ w2.T + x)", "is wrong"),
    ],
    "se_gates": [
        ("lambda x, *w: gates(x.mean((2, 3)), *w, last=row_softmax)", "need not sum to 1"),
        ("lambda x, *w: gates(x.max((2, 3)), *w)", "not the maximum"),
        ("lambda x, *w: gates(x.sum((2, 3)), *w)", "not the sum"),
        (
            "lambda x, w1, b1, w2, b2: special.expit((x.mean((2, 3)) @ w1.T + b1) @ w2.T + b2)",
            "there is a ReLU",
        ),
        ("lambda x, *w: x * gates(x.mean((2, 3)), *w)[..., None, None]", "the gates alone"),
        ("lambda x, *w: gates(x.mean((2, 3)), *w)[..., None, None]", "\\(N, C\\)"),
        ("lambda x, *w: gates(x.mean((2, 3)), *w, last=np.array)", "between 0 and 1"),
        ("lambda x, *w: gates(x.mean((2, 3)), *w, last=relu)", "not a ReLU"),
        ("lambda x, w1, b1, w2, b2: gates(x.mean((2, 3)), w1, 0, w2, 0)", "biases are missing"),
        ("lambda x, *w: gates(x.mean(ALL), *w)", "the result's shape is"),
    ],
    "horizontal_flip": [
        ("lambda x: x[:, :, ::-1]", "upside down"),
        ("np.fliplr", "axis 1 holds the channels"),
        ("np.flipud", "axis 0 holds the pictures"),
        ("lambda x: np.rot90(x, 2, axes=(2, 3))", "a turn by 180°"),
        ("lambda x: x[:, ::-1, :, ::-1]", "the colours are exchanged too"),
        ("lambda x: x.transpose(0, 1, 3, 2)", "a mirror keeps the rows"),
        ("lambda x: x", "nothing is mirrored"),
        ("np.flip", "is wrong"),
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
    "dropout_scale": [
        lambda x, kept, p: np.where(kept, x / (1 - p), 0),
        lambda x, kept, p: (x * kept / (1 - p)).astype(np.float32),
        lambda x, kept, p: torch.tensor(x).masked_fill(~torch.tensor(kept), 0) * (1 / (1 - p)),
    ],
    "conv_stack_cost": [
        lambda k, n, c: (count(stack(k, n, c)), 1 + sum(k - 1 for _ in range(n))),
        lambda k, n, c: np.array([n * (k * c) ** 2, n * k - n + 1]),
        lambda k, n, c: torch.tensor([n * k * k * c * c, n * (k - 1) + 1]),
        lambda k, n, c: [np.int32(n * k * k * c * c), np.int64(n * (k - 1) + 1)],
    ],
    "residual_block": [
        lambda x, w1, w2: np.maximum(x + np.maximum(x.dot(w1), 0).dot(w2), 0),
        lambda x, w1, w2: relu(relu(x.astype(np.float32) @ w1) @ w2 + x).astype(np.float32),
        lambda x, w1, w2: F.relu(
            F.relu(torch.tensor(x) @ torch.tensor(w1)) @ torch.tensor(w2) + torch.tensor(x)
        ),
        lambda x, w1, w2: np.clip(
            np.einsum("nm,md->nd", np.clip(np.einsum("nd,dm->nm", x, w1), 0, None), w2) + x, 0, None
        ),
    ],
    "se_gates": [
        lambda x, *w: gates(x.mean(axis=(2, 3)), *w),
        lambda x, *w: gates(x.reshape(*x.shape[:2], -1).mean(axis=2), *w).astype(np.float32),
        lambda x, w1, b1, w2, b2: F.linear(
            F.linear(torch.tensor(x).mean((2, 3)), *tensors(w1, b1)).relu(), *tensors(w2, b2)
        ).sigmoid(),
        lambda x, w1, b1, w2, b2: (
            F.conv2d(
                F.conv2d(
                    F.adaptive_avg_pool2d(torch.tensor(x), 1), *tensors(w1[..., None, None], b1)
                ).relu(),
                *tensors(w2[..., None, None], b2),
            )
            .sigmoid()
            .flatten(1)
        ),
    ],
    "horizontal_flip": [
        lambda x: np.flip(x, axis=3),
        lambda x: x[..., ::-1].astype(np.float32),
        lambda x: torch.tensor(x).flip(-1),
        lambda x: v2.functional.horizontal_flip(torch.tensor(x)),
        lambda x: x[:, :, :, range(x.shape[3] - 1, -1, -1)],
    ],
}
