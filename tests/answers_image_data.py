"""Answers to the exercises of chapter 1: wrong ones with their hints, and other right ones."""

import math

import numpy as np
import torch
from scipy import ndimage

from course_utils.exercises.image_data import EXERCISES

shift = EXERCISES["shift_zeros"].reference


def both_or_neither(image, top, left, height, width):
    """Right but for a window that touches the bottom or the right side alone."""
    below, beside = len(image) - top - height, image.shape[1] - left - width
    if not below and not beside:
        return image[top:, left:]
    return image[top:-below, left:-beside]


def moved(image, down, right):
    """Right while something of the picture stays."""
    (height, width), result = image.shape, np.zeros_like(image)
    result[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = image[
        max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
    ]
    return result


def far_on_both_sides(image, down, right):
    if abs(down) >= len(image) and abs(right) >= image.shape[1]:  # `or` would be right
        return np.zeros_like(image)
    return moved(image, down, right)


def far_on_one_side(image, down, right):
    if abs(down) >= len(image) or abs(right) >= image.shape[1]:
        return np.zeros_like(image)
    return moved(image, down, right)


WRONG = {
    "raw_bytes": [
        ("lambda h, w, c, b: h * w * c * b", "those are bits"),
        ("lambda h, w, c, b: h * w * b // 8", "one channel only"),
        ("lambda h, w, c, b: h * w * c * b / 8", "whole"),
        ("lambda h, w, c, b: h * w * c * b // 8", "upwards"),
        ("lambda h, w, c, b: 3 * h * w", "wrong|one channel only|byte for every bit"),
        ("lambda h, w, c, b: h * w * c * -(-b // 8)", "byte for every bit"),
        ("lambda h, w, c, b: h * -(-w * c * b // 8)", "each row fills whole bytes"),
        ("lambda h, w, c, b: np.ceil(h * w * c * b / 8)", "a whole number is wanted"),
    ],
    "crop": [
        ("lambda i, t, l, h, w: i[t:h, l:w]", "start \\+ size"),
        ("lambda i, t, l, h, w: i[l:l+w, t:t+h]", "rows come first"),
        ("lambda i, t, l, h, w: i[t:t+w, l:l+h]", "exchanged"),
        ("lambda i, t, l, h, w: i[t:t+h+1, l:l+w+1]", "the result's shape is"),
        ("lambda i, t, l, h, w: i[t:-(len(i)-t-h), l:-(i.shape[1]-l-w)]", "the result's shape is"),
        ("both_or_neither", "the result's shape is"),
    ],
    "to_torch_layout": [
        ("lambda x: x.reshape(len(x), x.shape[3], *x.shape[1:3])", "reshape is not transpose"),
        ("lambda x: x.transpose(0, 3, 2, 1)", "height and width are exchanged"),
        ("lambda x: x.T", "exchanged|stays in front|the result's shape is"),
        ("lambda x: x.transpose(3, 1, 2, 0)", "batch N stays in front"),
        ("lambda x: x", "the result's shape is"),
    ],
    "brighten": [
        ("lambda i, a: i + np.uint8(a % 256)", "went around"),
        ("lambda i, a: np.clip(i.astype(int) + a, 0, 255)", "uint8 is asked for"),
        ("lambda i, a: np.minimum(i.astype(int) + a, 255).astype(np.uint8)", "stops at 0"),
        ("lambda i, a: np.clip(i + np.uint8(a % 256), 0, 255)", "went around"),
        ("lambda i, a: (np.clip(i/255 + a/255, 0, 1) * 255).astype(np.uint8)", "rounded"),
    ],
    "luma": [
        ("lambda i: i.mean(axis=-1).astype(np.uint8)", "plain mean"),
        ("lambda i: (i @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)", "off by one"),
        (
            "lambda i: np.round(i[..., ::-1] @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)",
            "B, G, R",
        ),
        ("lambda i: i @ np.array([0.299, 0.587, 0.114])", "dtype is float64"),
        ("lambda i: i", "one number per pixel"),
    ],
    "shrink": [
        ("lambda i, k: i[: i.shape[0] // k * k : k, : i.shape[1] // k * k : k]", "one pixel of"),
        ("lambda i, k: i[::k, ::k]", "one pixel of each|no whole block"),
        (
            "lambda i, k: i[: i.shape[0]//k*k, : i.shape[1]//k*k].reshape(i.shape[0]//k, k, "
            "i.shape[1]//k, k, *i.shape[2:]).mean(axis=(1, 3)).astype(np.uint8)",
            "off by one",
        ),
        (
            "lambda i, k: i[: i.shape[0]//k*k, : i.shape[1]//k*k].reshape(i.shape[0]//k, k, "
            "i.shape[1]//k, k, *i.shape[2:]).mean(axis=(1, 3))",
            "dtype is float64",
        ),
    ],
    "shift_zeros": [
        ("lambda i, d, r: np.roll(i, (d, r), (0, 1))", "comes back on the other"),
        ("lambda i, d, r: shift(i, r, d)", "they are exchanged"),
        ("lambda i, d, r: shift(i, -d, -r)", "moves the other way"),
        ("lambda i, d, r: i[d:, r:]", "the result's shape is"),
        ("far_on_both_sides", "raises ValueError"),
        (
            "lambda i, d, r: np.pad(i, 4)[4-d:4-d+len(i), 4-r:4-r+i.shape[1]]",
            "the result's shape is",
        ),
    ],
}


def blocks(image, k):
    rows, columns = image.shape[0] // k, image.shape[1] // k
    cut = image[: rows * k, : columns * k]
    return cut.reshape(rows, k, columns, k, *image.shape[2:])


def loops(images):
    n, height, width, channels = images.shape
    result = np.zeros((n, channels, height, width))
    for index in np.ndindex(images.shape):
        i, row, column, channel = index
        result[i, channel, row, column] = images[index]
    return result


RIGHT = {
    "raw_bytes": [
        lambda h, w, c, b: math.ceil(h * w * c * b / 8),
        lambda h, w, c, b: int(np.ceil(h * w * c * b / 8)),
        lambda h, w, c, b: -(-h * w * c * b // 8),
    ],
    "crop": [
        lambda i, t, l, h, w: i[t:][:h, l:][:, :w].tolist(),  # noqa: E741
        lambda i, t, l, h, w: torch.from_numpy(i)[t : t + h, l : l + w],  # noqa: E741
        lambda i, t, l, h, w: np.take(np.take(i, range(t, t + h), 0), range(l, l + w), 1),  # noqa: E741
    ],
    "to_torch_layout": [
        lambda x: torch.from_numpy(x.copy()).permute(0, 3, 1, 2),
        lambda x: np.moveaxis(x, -1, 1),
        lambda x: torch.from_numpy(x.copy()).permute(0, 3, 1, 2).float(),
        loops,
    ],
    "brighten": [
        lambda i, a: np.clip(i.astype(np.int16) + a, 0, 255).astype(np.uint8),
        lambda i, a: np.round(np.clip(i / 255 + a / 255, 0, 1) * 255).astype(np.uint8),
        lambda i, a: np.where(i + a * 1.0 > 255, 255, np.maximum(i + a * 1.0, 0)).astype(np.uint8),
    ],
    "luma": [
        lambda i: np.round(i @ np.array([0.299, 0.587, 0.114])).astype(np.uint8),
        lambda i: (i @ np.array([0.299, 0.587, 0.114]) + 0.5).astype(np.uint8),
        lambda i: np.rint(0.299 * i[..., 0] + 0.587 * i[..., 1] + 0.114 * i[..., 2]).astype("B"),
    ],
    "shrink": [
        lambda i, k: np.round(blocks(i, k).mean(axis=(1, 3))).astype(np.uint8),
        lambda i, k: np.floor(blocks(i, k).mean(axis=(1, 3)) + 0.5).astype(np.uint8),
        lambda i, k: np.rint(
            sum(blocks(i, k)[:, a, :, b] * 1.0 for a in range(k) for b in range(k)) / k**2
        ).astype(np.uint8),
    ],
    "shift_zeros": [
        lambda i, d, r: np.eye(len(i), k=-d) @ i @ np.eye(i.shape[1], k=r),
        lambda i, d, r: ndimage.shift(i, (d, r), order=0),
        far_on_one_side,
        lambda i, d, r: np.pad(i, 20)[20 - d : 20 - d + len(i), 20 - r : 20 - r + i.shape[1]],
    ],
}
