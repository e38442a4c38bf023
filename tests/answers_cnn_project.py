"""Answers to the project of chapter 2: wrong ones with their hints, and other right ones."""

import numpy as np
import torch
from scipy import special

F = torch.nn.functional


def conv(image, kernels, bias, padding, mode="constant"):
    width = ((0, 0), (padding, padding), (padding, padding))
    x = torch.tensor(np.pad(image, width, mode=mode))
    return F.conv2d(x[None], torch.tensor(kernels.copy()), torch.tensor(bias))[0].numpy()


def padded_by_loop(image, kernels, bias):
    rows, columns = kernels.shape[2:]
    height, width = image.shape[1] - rows + 1, image.shape[2] - columns + 1
    result = np.zeros((len(kernels), height, width))
    for k, i, j in np.ndindex(result.shape):
        result[k, i, j] = (image[:, i : i + rows, j : j + columns] * kernels[k]).sum() + bias[k]
    return result


def padded_by_windows(image, kernels, bias):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernels.shape[2:], axis=(1, 2))
    return np.einsum("cijrs,kcrs->kij", windows, kernels) + bias[:, None, None]


def conv_by_torch(image, kernels, bias, padding):
    x, *rest = (torch.tensor(a).float() for a in (image[None], kernels, bias))
    return F.conv2d(x, *rest, padding=padding)[0]


def pool(maps):
    channels, height, width = maps.shape
    return maps.reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def full(x, weight, bias):
    return weight @ x.ravel() + bias


def relu(x):
    return np.maximum(x, 0)


def as_they_are(values):
    return values


def scaled(pixels):
    return (pixels / 255 - 0.1307) / 0.3081


def logits(picture, w, scale=scaled, inner=relu, arrange=np.ravel, behind=(relu, relu)):
    """behind: what comes behind the two poolings; inner: behind the first two full layers."""
    x = scale(picture[None].astype(float))
    x = behind[0](pool(conv(x, w["conv1.weight"], w["conv1.bias"], 2)))
    x = arrange(behind[1](pool(conv(x, w["conv2.weight"], w["conv2.bias"], 0))))
    x = inner(full(x, w["full1.weight"], w["full1.bias"]))
    x = inner(full(x, w["full2.weight"], w["full2.bias"]))
    return full(x, w["full3.weight"], w["full3.bias"])


def scores(picture, w, **options):
    return special.log_softmax(logits(picture, w, **options))


def unpadded(picture, w):
    return full(conv(picture[None] / 255, w["conv1.weight"], w["conv1.bias"], 0),
                w["full1.weight"], w["full1.bias"])  # fmt: skip


def network(w):
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    names = ("conv1", "conv2", "full1", "full2", "full3")
    layers = [layer for layer in model if hasattr(layer, "weight")]
    for name, layer in zip(names, layers, strict=True):
        layer.weight.data = torch.tensor(w[f"{name}.weight"]).float()
        layer.bias.data = torch.tensor(w[f"{name}.bias"]).float()
    return model


def by_network(pictures, w):
    x = (torch.tensor(pictures)[:, None].float() / 255 - 0.1307) / 0.3081
    with torch.inference_mode():
        return network(w)(x)


WRONG = {
    "conv_layer": [
        ("lambda x, k, b, p: conv(x, k, b, 0)", "padding has no effect"),
        ("lambda x, k, b, p: conv(x, k, 0 * b, p)", "bias is missing"),
        ("lambda x, k, b, p: conv(x, k, b, p, 'edge')", "not the edge"),
        ("lambda x, k, b, p: relu(conv(x, k, b, p))", "no ReLU here"),
        ("lambda x, k, b, p: conv(x, k[..., ::-1, ::-1], b, p)", "are flipped"),
        ("lambda x, k, b, p: conv(x, k, b, p + 1)", "one map for each of the 2 filters"),
        ("lambda x, k, b, p: padded_by_loop(np.pad(x, p), k, b)", "padding added channels"),
        (
            "lambda x, k, b, p: padded_by_windows(np.pad(x, p), k, b)",
            "padding added channels",
        ),
        ("lambda x, k, b, p: conv(np.pad(x, p), k, b, 0)", "padding added channels"),
        ("lambda x, k, b, p: conv(np.pad(x, ((p, p), (p, p))), k, b, 0)", "image has three"),
    ],
    "pool_maps": [
        ("lambda m: relu(pool(m))", "no ReLU here"),
        ("lambda m: F.max_pool2d(torch.tensor(m), 2, 1)", "move by 2"),
        ("lambda m: F.avg_pool2d(torch.tensor(m), 2)", "not the mean"),
        ("lambda m: pool(m).max(axis=0)", "each map is pooled by itself"),
        ("lambda m: pool(m)[0]", "the first map alone"),
        ("lambda m: m", "the result's shape is"),
    ],
    "full_layer": [
        ("lambda x, w, b: w @ x.ravel()", "bias is missing"),
        ("lambda x, w, b: relu(full(x, w, b))", "no ReLU here"),
        ("lambda x, w, b: full(x.T, w, b)", "axes are reversed"),
        ("lambda x, w, b: full(np.moveaxis(x, 0, -1), w, b)", "order must stay|are reversed"),
        ("lambda x, w, b: w @ x + b", "x has 2 axes here"),
        ("lambda x, w, b: np.dot(x, w.T) + b", "x has 2 axes here"),
        ("lambda x, w, b: x.ravel() @ w + b", "each \\*row\\* of the weights"),
        ("lambda x, w, b: np.dot(x.ravel(), w) + b", "each \\*row\\* of the weights"),
    ],
    "lenet_scores": [
        ("lambda p, w: scores(p, w, scale=lambda x: x / 255)", "not shifted and scaled"),
        ("lambda p, w: scores(p, w, scale=as_they_are)", "test_digit=\\d+\\): .*not scaled as in"),
        ("lambda p, w: scores(p, w, scale=lambda x: (x - 0.1307) / 0.3081)", "these reach 255"),
        ("lambda p, w: scores(p, w, scale=lambda x: x / 255 - 0.1307 / 0.3081)", "0.1307 alone"),
        ("lambda p, w: scores(p, w, behind=(as_they_are, relu))", "the first pooling is missing"),
        ("lambda p, w: scores(p, w, behind=(relu, as_they_are))", "the second pooling is missing"),
        ("lambda p, w: scores(p, w, behind=(as_they_are,) * 2)", "both poolings is missing"),
        (
            "lambda p, w: scores(p, w, behind=(as_they_are,) * 2, inner=as_they_are)",
            "there is no ReLU",
        ),
        (
            "lambda p, w: scores(p, w, inner=np.array)",
            "behind the first two fully connected layers",
        ),
        ("logits", "those are logits"),
        ("lambda p, w: special.log_softmax(relu(logits(p, w)))", "behind the last layer"),
        ("lambda p, w: special.softmax(logits(p, w))", "those are probabilities"),
        (
            "lambda p, w: scores(p, w, arrange=lambda x: np.moveaxis(x, 0, -1).ravel())",
            "in another order",
        ),
        ("unpadded", "which shape arrives here"),
        ("lambda p, w: scores(p, w)[None]", "the ten scores of one picture"),
        ("lambda p, w: w['conv1']", "names of the weights"),
    ],
    "read_digits": [
        ("lambda p, w: by_network(p, w).argmin(dim=1)", "the least likely"),
        ("lambda p, w: by_network(p, w).log_softmax(1).max(1).values", "the largest scores"),
        ("lambda p, w: by_network(p, w).log_softmax(1)", "the ten scores"),
        ("lambda p, w: by_network(p, w).argmax(dim=1)[0]", "each picture has its own"),
        ("lambda p, w: by_network(p, w).argmax(dim=1).float()", "cannot be used as indices"),
    ],
}

RIGHT = {
    "conv_layer": [conv, conv_by_torch, lambda *a: conv(*a).tolist()],
    "pool_maps": [
        pool,
        lambda m: F.max_pool2d(torch.tensor(m).float(), 2),
        lambda m: np.stack([m[:, i::2, j::2] for i, j in np.ndindex(2, 2)]).max(axis=0).tolist(),
    ],
    "full_layer": [
        full,
        lambda x, w, b: (x.reshape(1, -1) @ w.T + b)[0].astype(np.float32),
        lambda x, w, b: F.linear(*map(torch.tensor, (x.ravel(), w, b))),
    ],
    "lenet_scores": [scores, lambda p, w: by_network(p[None], w)[0].log_softmax(0)],
    "read_digits": [
        lambda p, w: by_network(p, w).argmax(dim=1),
        lambda p, w: [int(np.argmax(scores(picture, w))) for picture in p],
        lambda p, w: np.array([logits(picture, w).argmax() for picture in p], dtype=np.uint8),
    ],
}
