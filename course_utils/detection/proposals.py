"""Selective search (L4.08): neighbouring regions merge, pair by pair; every box is a proposal.

The start is Felzenszwalb's graph-based segmentation, not a random one. Then the two most similar
neighbours become one region, again and again, until one is left. Source: Uijlings et al.,
"Selective Search for Object Recognition", IJCV 2013. Pictures are (H, W, 3) uint8 RGB.
"""

from typing import NamedTuple

import numpy as np

from course_utils.argument_checks.arrays import as_array, finite_number, whole_number
from course_utils.argument_checks.pictures import as_rgb
from course_utils.errors import ArgumentError

SCALES = (60, 200)  # a larger scale starts with larger regions
SIGMA = 0.5  # pixels: how far the picture is blurred before
MIN_SIZE = 16  # pixels of the smallest region
COLOUR_BINS = 25  # of each channel
DIRECTION_BINS, LENGTH_BINS = 8, 10  # of the gradient


class Region(NamedTuple):
    """size: pixels. box: x1, y1, x2, y2. colour, texture: histograms, float64, each of sum 1."""

    size: int
    box: tuple
    colour: np.ndarray
    texture: np.ndarray


class Merge(NamedTuple):
    """Regions `one` and `other` became region `new`; their similarity was 0 … 4."""

    one: int
    other: int
    new: int
    similarity: float


def starting_regions(image, scale=SCALES[0]):
    """Felzenszwalb's over-segmentation: which region, 0, 1, …, each pixel is in; (H, W) int64.

    scale: above 0; the larger, the larger the regions. Raises ArgumentError.
    """
    from skimage.segmentation import felzenszwalb  # it takes longer to import than all the rest

    image = _as_image(image)
    scale = finite_number("scale", scale)
    return felzenszwalb(image, scale=scale, sigma=SIGMA, min_size=MIN_SIZE)


def neighbours(regions):
    """The pairs of regions that share a side of a pixel: a sorted list of (a, b), a < b."""
    regions = as_array("regions", regions)
    sides = [(regions[:, :-1], regions[:, 1:]), (regions[:-1], regions[1:])]
    pairs = np.concatenate([np.stack([a[a != b], b[a != b]], axis=1) for a, b in sides])
    return sorted(set(map(tuple, np.sort(pairs, axis=1).tolist())))


def describe_regions(image, regions):
    """Size, box and histograms of each region: a list of `Region`, in the order of their numbers.

    image: (H, W, 3) uint8. regions: (H, W) whole numbers, every one from 0 to the largest.
    Colour: 25 bins for each of R, G and B. Texture: 8 directions × 10 lengths of the gray
    picture's gradient. Raises ArgumentError.
    """
    image = _as_image(image)
    regions = _as_regions(regions, image)
    down, along = np.gradient(image.mean(axis=2))
    turns = np.arctan2(down, along) / (2 * np.pi) + 0.5  # 0 … 1
    direction = np.floor(DIRECTION_BINS * turns).astype(int) % DIRECTION_BINS
    lengths = LENGTH_BINS / 128 * np.hypot(down, along)
    length = np.minimum(lengths, LENGTH_BINS - 1).astype(int)
    texture = (LENGTH_BINS * direction + length)[..., None]
    colour = COLOUR_BINS * np.arange(3) + image.astype(int) * COLOUR_BINS // 256
    colours = _histograms(regions, colour, 3 * COLOUR_BINS)
    textures = _histograms(regions, texture, DIRECTION_BINS * LENGTH_BINS)
    found = []
    for number in range(len(colours)):
        y, x = np.nonzero(regions == number)
        box = (int(x.min()), int(y[0]), int(x.max()) + 1, int(y[-1]) + 1)
        found.append(Region(len(y), box, colours[number], textures[number]))
    return found


def similarity(a, b, pixels):
    """How similar two regions are, 0 … 4: the sum of colour, texture, size and fill.

    pixels: of the picture. Colour and texture: what the histograms share. Size: small regions
    merge first. Fill: what fits together leaves little empty in the box around both.
    """
    colour = np.minimum(a.colour, b.colour).sum()
    texture = np.minimum(a.texture, b.texture).sum()
    size = 1 - (a.size + b.size) / pixels
    x1, y1, x2, y2 = _box_around(a.box, b.box)
    fill = 1 - ((x2 - x1) * (y2 - y1) - a.size - b.size) / pixels
    return float(colour + texture + size + fill)


def join(a, b):
    """One `Region` out of two: histograms are means, weighed by size, so no pixel is looked at."""
    size = a.size + b.size
    colour = (a.size * a.colour + b.size * b.colour) / size
    texture = (a.size * a.texture + b.size * b.texture) / size
    return Region(size, _box_around(a.box, b.box), colour, texture)


def merge_regions(image, regions):
    """All regions that ever were, a list of `Region`, and the merges in order, a list of `Merge`.

    image: (H, W, 3) uint8. regions: (H, W), as of `starting_regions`; of R regions come R − 1
    merges and 2 R − 1 regions, the new ones numbered from R. Raises ArgumentError.
    """
    regions = _as_regions(regions, _as_image(image))
    found = describe_regions(image, regions)
    merges = []
    pixels = regions.size
    similarities = {(a, b): similarity(found[a], found[b], pixels) for a, b in neighbours(regions)}
    while similarities:
        a, b = max(similarities, key=similarities.get)
        new = len(found)
        merges.append(Merge(a, b, new, similarities[a, b]))
        found.append(join(found[a], found[b]))
        touched = [pair for pair in similarities if a in pair or b in pair]
        for pair in touched:
            del similarities[pair]
        for c in sorted({c for pair in touched for c in pair} - {a, b}):
            similarities[c, new] = similarity(found[c], found[new], pixels)
    return found, merges


def regions_after(regions, merges, count):
    """The map after the first `count` merges, a new (H, W) array. Raises ArgumentError."""
    regions = as_array("regions", regions)
    if whole_number("count", count, 0) > len(merges):
        raise ArgumentError(f"count must be at most {len(merges)}, the merges, got {count}")
    names = np.arange(len(merges) + int(np.max(regions)) + 1)
    for merge in merges[:count]:
        names[(names == merge.one) | (names == merge.other)] = merge.new
    return names[regions]


def selective_search(image, scales=SCALES):
    """The boxes of all regions at all scales, each once: (P, 4) float32 xyxy in pixels.

    image: (H, W, 3) uint8. scales: of `starting_regions`; several give other regions. The order is
    that of the numbers, and means nothing. Raises ArgumentError.
    """
    if not isinstance(scales, tuple | list) or not scales:
        raise ArgumentError(f"scales must be a list, such as [60, 200], got {scales!r}")
    boxes = []
    for scale in scales:
        found, _ = merge_regions(image, starting_regions(image, scale))
        boxes += [region.box for region in found]
    return np.unique(np.array(boxes, np.float32), axis=0)


def _box_around(a, b):
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _histograms(regions, bins, length):
    """The share of each bin in each region: (H, W), (H, W, K) → (R, length), rows of sum 1."""
    count = int(regions.max()) + 1
    places = (regions[..., None] * length + bins).ravel()
    table = np.bincount(places, minlength=count * length).reshape(count, length)
    return table / table.sum(axis=1, keepdims=True)


def _as_image(image):
    image = as_rgb("image", image)
    if min(image.shape) < 2:
        raise ArgumentError(f"image must have sides from 2 pixels, got {image.shape}")
    return image


def _as_regions(regions, image):
    regions = as_array("regions", regions)
    if regions.shape != image.shape[:2] or regions.dtype.kind not in "iu":
        raise ArgumentError(
            f"regions must be {image.shape[:2]} whole numbers, got {regions.shape} {regions.dtype}"
        )
    numbers = np.unique(regions)
    if numbers[0] < 0 or numbers[-1] != len(numbers) - 1:
        raise ArgumentError(f"regions must be 0 … {len(numbers) - 1}, none left out")
    return regions.astype(int)
