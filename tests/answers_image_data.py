"""Answers to the exercises of chapter 1: wrong ones with their hints, and other right ones."""

import colorsys
import math

import numpy as np
import torch
from scipy import ndimage

from course_utils.exercises.image_data import EXERCISES
from course_utils.filters import resample

shift = EXERCISES["shift_zeros"].reference
LUMA = np.array([0.299, 0.587, 0.114])


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


def zeroed_from_0(image, down, right=0):
    """A roll, behind which zeros are written: into all rows if down is 0."""
    result = np.roll(image, (down, right), (0, 1))
    rows = slice(0, down) if down > 0 else slice(down, None)
    columns = slice(0, right) if right > 0 else slice(right, None)
    result[rows], result[:, columns] = 0, 0
    return result


def far_on_one_side(image, down, right):
    if abs(down) >= len(image) or abs(right) >= image.shape[1]:
        return np.zeros_like(image)
    return moved(image, down, right)


def blocks(image, k):
    rows, columns = image.shape[0] // k, image.shape[1] // k
    cut = image[: rows * k, : columns * k]
    return cut.reshape(rows, k, columns, k, *image.shape[2:])


def rounded(values):
    return np.round(values).astype(np.uint8)


def brightened(image, factor, finish=rounded):
    largest = image.max(axis=-1)[..., None].astype(float)
    with np.errstate(all="ignore"):
        limit = 255 / largest
    return finish(image * np.where(largest * factor > 255, limit, factor))


def brightened_by_loops(image, factor):
    result = np.zeros_like(image)
    for place in np.ndindex(image.shape[:2]):
        pixel = [float(channel) for channel in image[place]]
        by = 255 / max(pixel) if max(pixel) * factor > 255 else factor
        result[place] = [round(channel * by) for channel in pixel]
    return result


def read_at(image, rows, columns):
    """Bilinear at rows × columns by SciPy, which repeats the border."""
    places = np.meshgrid(rows, columns, indexing="ij")
    return ndimage.map_coordinates(image, places, order=1, mode="nearest")


def numbers(image, k):
    return np.arange(image.shape[0] * k), np.arange(image.shape[1] * k)


def by_corners(image, k):
    rows, columns = numbers(image, k)
    return read_at(image, rows / k, columns / k)


def half_a_pixel_off(image, k):
    rows, columns = numbers(image, k)
    return read_at(image, (rows + 0.5) / k, (columns + 0.5) / k)


def aligned(image, k):
    tensor = torch.from_numpy(image)[None, None]
    return torch.nn.functional.interpolate(
        tensor, scale_factor=k, mode="bilinear", align_corners=True
    )[0, 0]


def straight_on(image, k):
    """Right inside; outside the outer centres it goes on in a straight line."""
    rows, columns = (places.clip(None, None) / k + 0.5 / k - 0.5 for places in numbers(image, k))
    down = np.clip(rows.astype(int), 0, image.shape[0] - 2)
    across = np.clip(columns.astype(int), 0, image.shape[1] - 2)
    a, b = (rows - down)[:, None], columns - across
    upper = image[down][:, across] * (1 - b) + image[down][:, across + 1] * b
    lower = image[down + 1][:, across] * (1 - b) + image[down + 1][:, across + 1] * b
    return upper * (1 - a) + lower * a


def beyond_the_end(image, k):
    row = int((len(image) * k - 0.5) / k - 0.5)
    return image[row + 1]


def by_loops(image, k):
    height, width = image.shape
    result = np.zeros((height * k, width * k), np.float32)
    for i, j in np.ndindex(result.shape):
        y, x = (min(max((n + 0.5) / k - 0.5, 0), m - 1) for n, m in ((i, height), (j, width)))
        row, column = min(int(y), height - 2), min(int(x), width - 2)
        a, b = y - row, x - column
        four = image[row : row + 2, column : column + 2]
        result[i, j] = np.array([1 - a, a]) @ four @ np.array([1 - b, b])
    return result


def no_black(image):
    largest, smallest = image.max(axis=-1), image.min(axis=-1)
    with np.errstate(all="ignore"):
        return (largest - smallest) / largest


def by_colorsys(image):
    pixels = [colorsys.rgb_to_hsv(*(int(c) for c in pixel)) for pixel in image.reshape(-1, 3)]
    return np.array(pixels)[:, 1].reshape(image.shape[:2])


def both_ways(operation, image, down, right):
    first = operation(np.roll(image, (down, right), (0, 1)))
    return first, np.roll(operation(image), (down, right), (0, 1))


def stands_still(operation, image, down, right):
    return np.abs(operation(np.roll(image, (down, right), (0, 1))) * 1.0 - operation(image)).max()


def gap(operation, image, down, right):
    first, second = both_ways(operation, image, down, right)
    return np.abs(first * 1.0 - second).max()


def gap_in_torch(operation, image, down, right):
    first, second = both_ways(operation, image, down, right)
    first, second = (torch.tensor(np.array(x, np.float32)) for x in (first, second))
    return (first - second).abs().max()


def gap_by_lists(operation, image, down, right):
    first, second = both_ways(operation, image, down, right)
    pairs = zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)
    return max(abs(a - b) for a, b in pairs)


WRONG = {
    "raw_bytes": [
        ("lambda h, w, c, b: h * w * c * b", "those are bits"),
        ("lambda h, w, c, b: h * w * b // 8", "one channel only"),
        ("lambda h, w, c, b: h * w * c * b / 8", "whole"),
        ("lambda h, w, c, b: h * w * c * b // 8", "upwards"),
        ("lambda h, w, c, b: h * w * c * b // 8 + 1", "no further one"),
        ("lambda h, w, c, b: 3 * h * w", "is wrong"),
        ("lambda h, w, c, b: h * w * c * -(-b // 8)", "byte for every bit"),
        ("lambda h, w, c, b: h * -(-w * c * b // 8)", "each row fills whole bytes"),
        ("lambda h, w, c, b: np.ceil(h * w * c * b / 8)", "a whole number is wanted"),
    ],
    "crop": [
        ("lambda i, t, l, h, w: i[t:h, l:w]", "start \\+ size"),
        ("lambda i, t, l, h, w: i[l:l+w, t:t+h]", "rows come first"),
        ("lambda i, t, l, h, w: i[t:t+w, l:l+h]", "height counts rows"),
        ("lambda i, t, l, h, w: i[l:l+h, t:t+w]", "top is a row"),
        ("lambda i, t, l, h, w: i[t:t+h, l:l+h]", "used for the columns, too"),
        ("lambda i, t, l, h, w: i[t:t+h][l:l+w]", "both cut rows"),
        ("lambda i, t, l, h, w: i[t:t+h+1, l:l+w+1]", "a column too many"),
        ("lambda i, t, l, h, w: i[t:-(len(i)-t-h), l:-(i.shape[1]-l-w)]", "the result's shape is"),
        ("both_or_neither", "the result's shape is"),
    ],
    "to_torch_layout": [
        ("lambda x: x.reshape(len(x), x.shape[3], *x.shape[1:3])", "reshape is not transpose"),
        ("lambda x: x.transpose(0, 3, 2, 1)", "height and width are exchanged"),
        ("lambda x: x.T", "all four axes are turned around"),
        ("lambda x: x.transpose(3, 1, 2, 0)", "batch N stays in front"),
        ("lambda x: x.transpose(3, 0, 1, 2)", "batch N stays in front"),
        ("lambda x: x.transpose(0, 3, 1, 2) / 255", "the numbers stay as they are"),
        ("lambda x: x", "the result's shape is"),
    ],
    "brighten": [
        ("lambda i, f: np.clip(i * float(f), 0, 255).round().astype(np.uint8)", "lose their ratio"),
        ("lambda i, f: np.clip(i * float(f), 0, 255).astype(np.uint8)", "ratio"),
        ("lambda i, f: (np.round(i * float(f)) % 256).astype(np.uint8)", "goes around"),
        ("lambda i, f: ((i * float(f)) % 256).astype(np.uint8)", "goes around"),
        ("lambda i, f: brightened(i, f, np.array)", "dtype is float64"),
        ("lambda i, f: brightened(i, f, lambda x: x.astype(np.uint8))", "cuts the fraction off"),
        ("lambda i, f: rounded(i * min(f, 255 / max(i.max(), 1)))", "for the whole picture"),
        ("lambda i, f: brightened(i, 1e9)", "the factor has no effect"),
        (
            "lambda i, f: np.where(i.max(2, keepdims=True) > 255 / f, i, rounded(i * float(f)))",
            "is left as it is",
        ),
        (
            "lambda i, f: rounded(i * np.minimum(f, 255 / np.maximum(i.max(-1), 1)))",
            "one more axis",
        ),
        ("lambda i, f: i * 300", "convert the image to a dtype"),
        ("lambda i, f: i.astype(np.int8) * 200", "a dtype that holds larger"),
    ],
    "saturation_map": [
        ("lambda i: (i.max(-1) - i.min(-1)) / 255", "a share of 255"),
        ("lambda i: i.max(-1) - i.min(-1)", "the difference alone"),
        ("no_black", "not a number"),
        ("lambda i: (i.max(-1)-i.min(-1)) / np.maximum(i.max(-1)*1.0+i.min(-1), 1)", "the sum of"),
        (
            "lambda i: (i.max() - i.min()) / max(i.max(), 1) + 0 * i[..., 0]",
            "those of the whole picture",
        ),
        ("lambda i: (i.max(0) - i.min(0)) / np.maximum(i.max(0), 1)", "the result's shape is"),
        ("lambda i: (i[..., 0]*1.0 - i[..., 2]) / np.maximum(i[..., 0], 1)", "from pixel to pixel"),
    ],
    "luma": [
        ("lambda i: i[..., :3].mean(axis=-1).astype(np.uint8)", "plain mean"),
        ("lambda i: i.mean(axis=-1).astype(np.uint8)", "plain mean"),
        ("lambda i: (i[..., :3] @ LUMA).astype(np.uint8)", "off by one"),
        ("lambda i: rounded(i[..., 2::-1] @ LUMA)", "B, G, R"),
        ("lambda i: rounded(i @ LUMA)", "a fourth channel without a weight"),
        ("lambda i: rounded(i[..., :3] @ np.array([0.2989, 0.587, 0.114]))", "torchvision's"),
        ("lambda i: i[..., :3] @ LUMA", "dtype is float64"),
        ("lambda i: i", "one number per pixel"),
    ],
    "shrink": [
        ("lambda i, k: i[: i.shape[0] // k * k : k, : i.shape[1] // k * k : k]", "one pixel of"),
        ("lambda i, k: i[::k, ::k]", "one pixel of each"),
        ("lambda i, k: blocks(i, k).mean(axis=(1, 3)).astype(np.uint8)", "off by one"),
        ("lambda i, k: blocks(i, k).mean(axis=(1, 3))", "dtype is float64"),
        (
            "lambda i, k: rounded(blocks(i, k).sum((1, 3), dtype=np.uint8) / k**2)",
            "the sum of a block is made in uint8",
        ),
        ("lambda i, k: blocks(i, k).max(axis=(1, 3))", "largest value"),
        (
            "lambda i, k: rounded(i.reshape(len(i) // k, k, -1, k, *i.shape[2:]).mean((1, 3)))",
            "rows or columns are left",
        ),
    ],
    "enlarge": [
        ("lambda i, k: i.repeat(k, 0).repeat(k, 1)", "nearest neighbour"),
        ("lambda i, k: resample(i, len(i) * k, i.shape[1] * k, 'nearest')", "nearest neighbour"),
        ("by_corners", "the corners of the new pixels"),
        ("half_a_pixel_off", "half a pixel from its corner"),
        ("aligned", "align_corners"),
        ("straight_on", "in a straight line"),
        ("beyond_the_end", "behind the last centre"),
        ("lambda i, k: i", "the result's shape is"),
    ],
    "shift_zeros": [
        ("lambda i, d, r: np.roll(i, (d, r), (0, 1))", "comes back on the other"),
        ("lambda i, d, r: shift(i, r, d)", "they are exchanged"),
        ("lambda i, d, r: shift(i, -d, -r)", "moves the other way"),
        ("lambda i, d, r: shift(i, max(d, 0), max(r, 0))", "here it has no effect"),
        ("lambda i, d, r: np.pad(i, ((d, 0), (r, 0)))[: len(i), : i.shape[1]]", "never below 0"),
        ("lambda i, d, r: i[max(d, 0):, max(r, 0):]", "the size stays"),
        ("far_on_both_sides", "raises ValueError: .*there may be none"),
        ("zeroed_from_0", "takes all rows, or all columns"),
        ("lambda i, d, r: zeroed_from_0(i, d) if not r else shift(i, d, r)", "takes all rows"),
        ("lambda i, d, r: np.pad(i[:-d, :-r], ((d, 0), (r, 0)))", "takes nothing"),
        ("lambda i, d, r: shift(i, d, r).astype(float)", "uint8 is asked for"),
        (
            "lambda i, d, r: np.pad(i, 4)[4-d:4-d+len(i), 4-r:4-r+i.shape[1]]",
            "the result's shape is",
        ),
    ],
    "equivariance_gap": [
        ("stands_still", "has to move, too"),
        ("lambda *c: np.abs(np.subtract(*both_ways(*c))).max()", "goes around below 0"),
        ("lambda *c: np.abs(both_ways(*c)[0] * 1.0 - both_ways(*c)[1]).mean()", "the mean of"),
        ("lambda *c: np.abs(both_ways(*c)[0] * 1.0 - both_ways(*c)[1]).sum()", "the sum of"),
        ("lambda *c: (both_ways(*c)[0] * 1.0 - both_ways(*c)[1]).max()", "a difference below 0"),
        ("lambda op, x, d, r: gap(op, x, r, d)", "they are exchanged"),
        ("gap_without_axis", "the flattened picture"),
        ("lambda *c: (both_ways(*c)[0] != both_ways(*c)[1]).mean()", "how many places differ"),
        ("lambda *c: np.abs(both_ways(*c)[0] * 1.0 - both_ways(*c)[1])", "the result's shape is"),
    ],
}


def gap_without_axis(operation, image, down, right):
    first, second = operation(np.roll(image, (down, right))), operation(image)
    return np.abs(first * 1.0 - np.roll(second, (down, right))).max()


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
        lambda i, f: brightened(i, f),
        lambda i, f: brightened(i, f, lambda x: np.floor(x + 0.5).astype(np.uint8)),
        brightened_by_loops,
    ],
    "saturation_map": [
        by_colorsys,
        lambda i: 1 - i.min(-1) / np.where(i.max(-1) > 0, i.max(-1), np.inf) - (i.max(-1) == 0),
        lambda i: np.nan_to_num(no_black(i)).astype(np.float32),
        lambda i: torch.tensor(no_black(i)).nan_to_num(),
    ],
    "luma": [
        lambda i: rounded(i[..., :3] @ LUMA),
        lambda i: (i[..., :3] @ LUMA + 0.5).astype(np.uint8),
        lambda i: np.rint(0.299 * i[..., 0] + 0.587 * i[..., 1] + 0.114 * i[..., 2]).astype("B"),
    ],
    "shrink": [
        lambda i, k: np.round(blocks(i, k).mean(axis=(1, 3))).astype(np.uint8),
        lambda i, k: np.floor(blocks(i, k).mean(axis=(1, 3)) + 0.5).astype(np.uint8),
        lambda i, k: np.rint(
            sum(blocks(i, k)[:, a, :, b] * 1.0 for a in range(k) for b in range(k)) / k**2
        ).astype(np.uint8),
    ],
    "enlarge": [
        by_loops,
        lambda i, k: resample(i, len(i) * k, i.shape[1] * k, "bilinear"),
        lambda i, k: read_at(i, *((n + 0.5) / k - 0.5 for n in numbers(i, k))),
        lambda i, k: torch.nn.functional.interpolate(
            torch.tensor(i)[None, None].float(), scale_factor=k, mode="bilinear"
        )[0, 0],
    ],
    "shift_zeros": [
        lambda i, d, r: (np.eye(len(i), k=-d) @ i @ np.eye(i.shape[1], k=r)).astype(np.uint8),
        lambda i, d, r: ndimage.shift(i, (d, r), order=0),
        far_on_one_side,
        lambda i, d, r: np.pad(i, 20)[20 - d : 20 - d + len(i), 20 - r : 20 - r + i.shape[1]],
    ],
    "equivariance_gap": [gap, gap_in_torch, gap_by_lists],
}
