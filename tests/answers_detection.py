"""Answers to the exercises of 4.2 to 4.11 that are not in `answers_computer_vision.py`."""

import numpy as np
import torch
from torchvision import ops

from course_utils.detection.boxes import box_iou


# iou_table
def corners(a, b):
    """x1, y1, x2, y2 of the intersection"""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def cut(a, b, more=0):
    """Area of the intersection, every side cut off at 0."""
    left, top, right, bottom = corners(a, b)
    return max(right - left + more, 0) * max(bottom - top + more, 0)


def uncut(a, b):
    left, top, right, bottom = corners(a, b)
    return (right - left) * (bottom - top)


def area(box, more=0):
    return (box[2] - box[0] + more) * (box[3] - box[1] + more)


def hull(a, b):
    return (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))


def over_union(shared, a, b):
    return shared / np.float64(area(a) + area(b) - shared)


def sides(a, b):
    left, top, right, bottom = corners(a, b)
    return right - left, bottom - top


def half_cut(a, b, *axes):
    """Right, but that only the sides along these axes are cut off at 0."""
    width, height = (max(v, 0) if i in axes else v for i, v in enumerate(sides(a, b)))
    return over_union(width * height, a, b) if area(a) + area(b) else 0


def careful(a, b):
    union = area(a) + area(b) - cut(a, b)
    return cut(a, b) / union if union else 0


def over_pairs(one):
    """From a function of two boxes to one of two lists."""
    return lambda a, b: np.array([one(x, y) for x in a for y in b]).reshape(len(a), len(b))


def broadcast(a, b, gap=np.maximum, dtype=None):
    a, b = a.astype(dtype or float)[:, None], b.astype(dtype or float)[None]
    width = gap(np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]), 0)
    height = gap(np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]), 0)
    size = [(c[..., 2] - c[..., 0]) * (c[..., 3] - c[..., 1]) for c in (a, b)]
    union = size[0] + size[1] - width * height
    return np.where(union > 0, width * height / np.where(union > 0, union, 1), 0)


def sized(box):
    return np.append(box[:2], box[:2] + box[2:])


# soft_scores
def softened(b, s, t, fall=lambda v: 1 - v, sort=True, zero=False):
    """By a matrix of all overlaps; sort, zero: mistakes."""
    now, rest, ious = np.array(s, float), set(range(len(b))), box_iou(b, b)
    while rest:
        best = max(rest, key=lambda i: now[i] if sort else s[i])
        rest.discard(best)
        for i in rest:
            if ious[best, i] > t:
                now[i] *= 0 if zero else fall(ious[best, i])
    return now


def recursive(b, s, t):
    if not len(s):
        return s.astype(float)
    best = s.argmax()
    others = np.delete(np.arange(len(s)), best)
    overlap = ops.box_iou(*(torch.tensor(b[i]).double() for i in ([best], others)))[0].numpy()
    result = np.empty(len(s))
    result[best] = s[best]
    lowered = np.where(overlap > t, s[others] * (1 - overlap), s[others])
    result[others] = recursive(b[others], lowered, t)
    return result


def all_lowered(b, s, t):
    now, ious = s.copy(), box_iou(b, b)
    for i in np.argsort(-s):
        others = (ious[i] > t) & (np.arange(len(s)) != i)
        now[others] *= 1 - ious[i, others]
    return now


# box_of_cell
def squash(v):
    return 1 / (1 + np.exp(-v))


def decoded(r, i, j, a, k, centre=None, size=None):
    x, y = centre(r, i, j, k) if centre else inside(r, i, j, k)
    w, h = size(r, a) if size else ((2 * squash(r[2])) ** 2 * a[0], (2 * squash(r[3])) ** 2 * a[1])
    return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def inside(r, i, j, k, twice=2, back=0.5):
    return k * (j + twice * squash(r[0]) - back), k * (i + twice * squash(r[1]) - back)


# align_region
def between(f, x, y):
    x, y = min(max(x - 0.5, 0), f.shape[1] - 1), min(max(y - 0.5, 0), f.shape[0] - 1)
    c, r = int(x), int(y)
    d, e = min(c + 1, f.shape[1] - 1), min(r + 1, f.shape[0] - 1)
    u, v = x - c, y - r
    above, below = (1 - u) * f[r, c] + u * f[r, d], (1 - u) * f[e, c] + u * f[e, d]
    return (1 - v) * above + v * below


def aligned(f, b, n, parts=(0.25, 0.75), join=np.mean, read=between):
    result = np.zeros((n, n))
    width, height = (b[2] - b[0]) / n, (b[3] - b[1]) / n
    for i in range(n):
        for j in range(n):
            places = [(b[0] + (j + p) * width, b[1] + (i + q) * height)
                      for p in parts for q in parts]  # fmt: skip
            result[i, j] = join([read(f, x, y) for x, y in places])
    return result


def by_torchvision(f, b, n, dtype=torch.float64, **options):
    settings = {"sampling_ratio": 2, "aligned": True} | options
    region = torch.tensor([0, *b]).to(dtype)[None]
    return ops.roi_align(torch.tensor(f).to(dtype)[None, None], region, n, **settings)[0, 0]


def no_edge(f, b, n):
    """Right inside the map; at its edge there is no neighbour."""
    return aligned(f, b, n, read=lambda g, x, y: plain(g, x - 0.5, y - 0.5))


def nearest(f, x, y):
    rows, columns = f.shape
    row, column = (min(max(round(v - 0.5), 0), n - 1) for v, n in ((y, rows), (x, columns)))
    return f[row, column]


def plain(g, x, y):
    c, r = int(np.floor(x)), int(np.floor(y))
    u, v = x - c, y - r
    return (1 - v) * ((1 - u) * g[r, c] + u * g[r, c + 1]) + v * (
        (1 - u) * g[r + 1, c] + u * g[r + 1, c + 1]
    )


WRONG = {
    "iou_table": [
        ("lambda a, b: broadcast(b, a)", "a row for each box of `a`"),
        ("over_pairs(cut)", "that is the intersection"),
        ("over_pairs(lambda a, b: cut(a, b) / (area(a) + area(b)))", "the shared part twice"),
        ("over_pairs(lambda a, b: 2 * cut(a, b) / (area(a) + area(b)))", "that is Dice"),
        ("over_pairs(lambda a, b: cut(a, b) / area(a))", "the part of a"),
        ("over_pairs(lambda a, b: cut(a, b) / area(b))", "the part of b"),
        ("over_pairs(lambda a, b: cut(a, b) / hull(a, b))", "empty corners"),
        (
            "over_pairs(lambda a, b: cut(a, b, 1) / (area(a, 1) + area(b, 1) - cut(a, b, 1)))",
            "no \\+ 1",
        ),
        ("over_pairs(lambda a, b: over_union(max(uncut(a, b), 0), a, b))", "two negative sides"),
        ("over_pairs(lambda a, b: over_union(uncut(a, b), a, b))", "two negative|below 0"),
        ("over_pairs(lambda a, b: over_union(cut(a, b), a, b))", "0 / 0"),
        ("over_pairs(lambda a, b: careful(sized(a), sized(b)))", "x, y, width, height"),
        ("lambda a, b: [careful(x, y) for x, y in zip(a, b)]", "meets one box"),
        ("lambda a, b: np.minimum(a[:, 2:], b[:, 2:])", "axes of their own"),
        ("lambda a, b: broadcast(a, b).ravel()", "the result's shape is"),
    ],
    "soft_scores": [
        ("lambda b, s, t: s", "no score changes"),
        ("lambda b, s, t: softened(b, s, t, sort=False)", "another box"),
        ("lambda b, s, t: softened(b, s, np.nextafter(t, -1))", "only equals|is wrong"),
        ("lambda b, s, t: softened(b, s, t, lambda v: v)", "to lose more"),
        ("lambda b, s, t: softened(b, s, t, zero=True)", "plain NMS"),
        ("lambda b, s, t: softened(b, s, t, lambda v: 1 - t)", "not on the threshold"),
        ("lambda b, s, t: softened(b, s, 0)", "the threshold has no effect"),
        ("lambda b, s, t: softened(b, s, t, lambda v: (1 - v) ** 2)", "does so twice"),
        ("lambda b, s, t: np.sort(softened(b, s, t))[::-1]", "in the order of `boxes`"),
        ("lambda b, s, t: softened(b, -s, t)", "\\*lowest\\* score"),
        ("all_lowered", "keeps its score|is wrong"),
        ("lambda b, s, t: ops.nms(torch.tensor(b), torch.tensor(s), t)", "the result's shape"),
    ],
    "box_of_cell": [
        ("lambda r, i, j, a, k: decoded(r, j, i, a, k)", "x belongs to the column"),
        ("lambda r, i, j, a, k: decoded(r, i, j, a, k, lambda *v: inside(*v, 1, 0))", "of 4.5"),
        ("lambda r, i, j, a, k: decoded(r, i, j, a, k, lambda *v: inside(*v, 2, 0))", "½ is miss"),
        ("lambda r, i, j, a, k: decoded(r, i, j, a, k, lambda *v: inside(*v, 1))", "is doubled"),
        ("lambda r, i, j, a, k: decoded(r, i, j, a, 1)", "pixels are wanted"),
        ("lambda r, i, j, a, k: decoded(r, i, j, a, k, size=lambda r, a: a*np.exp(r[2:]))", "exp"),
        (
            "lambda r, i, j, a, k: decoded(r, i, j, a, k, size=lambda r, a: 2*squash(r[2:])*a)",
            "is a square",
        ),
        (
            "lambda r, i, j, a, k: decoded(r, i, j, a, k, size=lambda r, a: squash(r[2:])**2*a)",
            "before it is squared",
        ),
        (
            "lambda r, i, j, a, k: decoded(r, i, j, a, k, size=lambda r, a: 2*squash(r[2:])**2*a)",
            "and not σ alone",
        ),
        ("lambda r, i, j, a, k: decoded(r, i, j, a[::-1], k)", "width comes before"),
        ("lambda r, i, j, a, k: decoded(r, i, j, k * a, k)", "no stride"),
        ("lambda r, i, j, a, k: decoded(r, i, j, 2 * a, k)", "\\*half\\* of the size"),
        ("lambda r, i, j, a, k: decoded(r, i, j, a, k)[[1, 0, 3, 2]]", "x comes before y"),
        ("lambda r, i, j, a, k: [*inside(r, i, j, k), *a]", "is wrong"),
        (
            "lambda r, i, j, a, k: [*inside(r, i, j, k), *(2 * squash(r[2:])) ** 2 * a]",
            "two corners are wanted",
        ),
        (
            "lambda r, i, j, a, k: decoded(r, i, j, a, k, lambda r, i, j, k: "
            "(k * j + 2 * squash(r[0]) - 0.5, k * i + 2 * squash(r[1]) - 0.5))",
            "the stride counts for the whole sum",
        ),
        (
            "lambda r, i, j, a, k: decoded(r, i, j, a, k, lambda r, i, j, k: "
            "(k * (j + 2 * r[0] - 0.5), k * (i + 2 * r[1] - 0.5)))",
            "go through a sigmoid first",
        ),
        (
            "lambda r, i, j, a, k: decoded(r, i, j, a, k, lambda r, i, j, k: "
            "np.divide(inside(r, i, j, k), k))",
            "the centre is in cells",
        ),
    ],
    "align_region": [
        ("lambda f, b, n: by_torchvision(f, b, n, aligned=False)", "at 0.5"),
        ("lambda f, b, n: aligned(f, b, n, join=max)", "RoIPool"),
        ("lambda f, b, n: aligned(f, b, n, join=sum)", "sum of a bin's"),
        ("lambda f, b, n: aligned(f, b, n, (0.5,))", "at its middle alone"),
        ("lambda f, b, n: aligned(f, b, n, (0, 1))", "not the bin's corners"),
        ("lambda f, b, n: aligned(f, b, n).T", "the rows of the result|is wrong"),
        ("lambda f, b, n: aligned(f, np.round(b), n)", "is rounded"),
        ("lambda f, b, n: aligned(f, b[[1, 0, 3, 2]], n)", "x comes first"),
        ("lambda f, b, n: aligned(f, b, 1)", "`bins` × `bins`"),
        (
            "lambda f, b, n: aligned(f, b, n, read=lambda f, x, y: f[int(y), int(x)])",
            "\\*between\\* the numbers|is wrong",
        ),
        ("no_edge", "no further neighbour|is wrong"),
        ("lambda f, b, n: aligned(f, b + 1, n)", "the wrong sign"),
        ("lambda f, b, n: aligned(f, b, n, (0.25,))", "only one of four places"),
        ("lambda f, b, n: aligned(f, b, n, read=nearest)", "\\*between\\* the numbers"),
    ],
}

RIGHT = {
    "iou_table": [
        over_pairs(careful),
        broadcast,
        box_iou,
        lambda a, b: broadcast(a, b, dtype=np.float32),
        lambda a, b: ops.box_iou(torch.tensor(a).double(), torch.tensor(b).double()).nan_to_num(),
    ],
    "soft_scores": [
        softened,
        recursive,
        lambda b, s, t: softened(b, s, t).astype(np.float32),
        lambda b, s, t: torch.tensor(softened(b, s, t)),
    ],
    "box_of_cell": [
        decoded,
        lambda r, i, j, a, k: decoded(r.astype(np.float32), i, j, a.astype(np.float32), k),
        lambda r, i, j, a, k: ops.box_convert(
            torch.cat([
                (torch.tensor(r[:2]).sigmoid() * 2 - 0.5 + torch.tensor([j, i])) * k,
                torch.tensor(a) * (2 * torch.tensor(r[2:]).sigmoid()) ** 2,
            ])[None], "cxcywh", "xyxy",
        )[0],
    ],
    "align_region": [
        aligned,
        by_torchvision,
        lambda f, b, n: by_torchvision(f, b, n, torch.float32),
        lambda f, b, n: aligned(f.astype(np.float32), b, n).astype(np.float32),
    ],
}  # fmt: skip
