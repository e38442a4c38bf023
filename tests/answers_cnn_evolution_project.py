"""Answers to the project of chapter 3: batch normalisation folded, rightly and wrongly."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval


def column(values):
    return np.asarray(values).reshape(-1, 1, 1, 1)


def fold(conv, norm, eps=None, bias=True, weight=True, **settings):
    """A new convolution; the options are what may be wrong."""
    kept = {"stride": conv.stride, "padding": conv.padding, "groups": conv.groups} | settings
    new = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, bias=True, **kept)
    factor = norm.weight / torch.sqrt(norm.running_var + (eps or norm.eps))
    if new.weight.shape == conv.weight.shape:
        scaled = conv.weight * factor[:, None, None, None] if weight else conv.weight
        new.weight.data = scaled.detach().clone()
    new.bias.data = (norm.bias - factor * norm.running_mean).detach() * bool(bias)
    return new


def groups_by_place(conv, norm):
    settings = conv.kernel_size, conv.stride, conv.padding, conv.groups
    new, folded = nn.Conv2d(conv.in_channels, conv.out_channels, *settings), fold(conv, norm)
    new.weight.data, new.bias.data = folded.weight.data, folded.bias.data
    return new


def in_place(conv, norm):
    folded = fold(conv, norm)
    conv.weight.data, conv.bias = folded.weight.data, folded.bias
    return conv


def without_bias(conv, norm):
    new = copy.deepcopy(conv)
    new.weight.data *= (norm.weight / torch.sqrt(norm.running_var + norm.eps))[:, None, None, None]
    return new


def fold_all(network, first=None, change=True, keep=False):
    network = copy.deepcopy(network)
    parts = [part for part in network.modules() if hasattr(part, "norm")]
    for place, part in enumerate(parts):
        if change and (first is None or place < first):
            part.conv = fold(part.conv, part.norm)
        part.norm = part.norm if keep else nn.Identity()
    return network


def fold_original(network):
    for part in list(network.modules()):
        if hasattr(part, "norm"):
            part.conv, part.norm = fold(part.conv, part.norm), nn.Identity()
    return network


def fused(network):
    network = copy.deepcopy(network)
    for part in [part for part in network.modules() if hasattr(part, "norm")]:
        part.conv, part.norm = fuse_conv_bn_eval(part.conv, part.norm), nn.Identity()
    return network


WRONG = {
    "folded_weight": [
        ("lambda w, g, v, e: w * column(g / (v + e))", "by the variance"),
        ("lambda w, g, v, e: w / column(np.sqrt(v + e))", "γ is missing"),
        ("lambda w, g, v, e: w * column(g / (np.sqrt(v) + e))", "under the root"),
        ("lambda w, g, v, e: w * column(np.sqrt(v + e) / g)", "upside down"),
        ("lambda w, g, v, e: w * column(g / np.sqrt(v))", "eps is missing"),
        ("lambda w, g, v, e: w * column(g / np.sqrt(v + 1e-5))", "eps is missing, or not"),
        ("lambda w, g, v, e: w * (g / np.sqrt(v + e))", "a vector \\(K,\\) meets the columns"),
        ("lambda w, g, v, e: w * (g / np.sqrt(v + e))[:, None, None]", "is wrong|broadcast|shape"),
    ],
    "folded_bias": [
        ("lambda g, b, m, v, e: b.sum()", "one number for each filter"),
        ("lambda g, b, m, v, e: b + g * m / np.sqrt(v + e)", "the mean is subtracted"),
        ("lambda g, b, m, v, e: b - m", "scaled, too"),
        ("lambda g, b, m, v, e: b - g * m / (np.sqrt(v) + e)", "under the root"),
        ("lambda g, b, m, v, e: g * m / np.sqrt(v + e) - b", "the whole bias"),
        ("lambda g, b, m, v, e: -b - g * m / np.sqrt(v + e)", "the sign of β is wrong"),
        ("lambda g, b, m, v, e: b", "the mean is missing"),
        ("lambda g, b, m, v, e: b - g * m / (v + e)", "by the variance"),
        ("lambda g, b, m, v, e: b - g * m / np.sqrt(v)", "eps is missing"),
        ("lambda g, b, m, v, e: -g * m / np.sqrt(v + e)", "β is missing"),
        ("lambda g, b, m, v, e: g * (b - m) / np.sqrt(v + e)", "β is not scaled"),
        ("lambda g, b, m, v, e: b - m / np.sqrt(v + e)", "γ is missing"),
    ],
    "fold_pair": [
        ("lambda c, n: fold(c, n, eps=1e-5)", "eps is not 1e-5"),
        ("lambda c, n: fold(c, n, bias=False)", "the bias has no effect"),
        ("lambda c, n: fold(c, n, weight=False)", "the weights are not scaled"),
        ("lambda c, n: fold(c, n, groups=1)", "groups=1; the old one has groups=4"),
        ("groups_by_place", "give the groups by name"),
        ("lambda c, n: torch.from_numpy(c.weight.numpy())", "before `.numpy"),
        ("lambda c, n: fold(c, n, stride=1)", "take over the stride"),
        ("lambda c, n: fold(c, n, padding=0)", "take over the stride and the padding"),
        ("without_bias", "needs a bias"),
        ("in_place", "changes its input"),
        ("lambda c, n: n.gamma", "lists the names of its tensors"),
        ("lambda c, n: n.running_variance", "lists the names of its tensors"),
        ("lambda c, n: c.bias.detach()", "the old layer has no bias"),
        ("lambda c, n: setattr(copy.deepcopy(c), 'weight', c.weight.data)", "set its `.data`"),
        ("lambda c, n: setattr(c.weight, 'data', c.weight.detach().numpy())", "takes a tensor"),
        ("nn.Sequential", "is still there"),
    ],
    "fold_network": [
        ("lambda n: fold_all(n, change=False)", "the convolutions are the old ones"),
        ("lambda n: fold_all(n, first=1)", "only the first"),
        ("lambda n: fold_all(n, keep=True)", "are still there"),
        ("fold_original", "begin with a copy"),
        ("copy.deepcopy", "are still there"),
        ("lambda n: n.copy()", "`copy.deepcopy` makes a copy"),
        ("lambda n: nn.Sequential(*n.steps)", "begin with a copy"),
    ],
}

RIGHT = {
    "folded_weight": [
        lambda w, g, v, e: w * column(g / np.sqrt(v + e)),
        lambda w, g, v, e: np.float32(np.einsum("kchw,k->kchw", w, g / (v + e) ** 0.5)),
        lambda w, g, v, e: torch.tensor(w) * torch.tensor(column(g * (v + e) ** -0.5)),
    ],
    "folded_bias": [
        lambda g, b, m, v, e: b - g * m / np.sqrt(v + e),
        lambda g, b, m, v, e: np.float32(g * (0 - m) / np.sqrt(v + e) + b),
        lambda *a: torch.nn.functional.batch_norm(
            torch.zeros(1, len(a[0]), dtype=torch.float64),
            *(torch.tensor(x) for x in (a[2], a[3], a[0], a[1])),
            eps=a[4],
        )[0],
    ],
    "fold_pair": [fold, fuse_conv_bn_eval],
    "fold_network": [fold_all, fused],
}
