"""Small pictures whose truth is known for every task at once: boxes, masks, classes, segments.

All of it is read off one map of who owns which pixel, so it cannot disagree. Whole numbers drawn
from a seed decide each scene: it comes out the same on every machine.
"""

import functools
from dataclasses import dataclass

import numpy as np
from PIL import Image

from course_utils.argument_checks.arrays import whole_number
from course_utils.data import cutout_names, load_cutout, load_mnist, load_photo, load_texture
from course_utils.errors import ArgumentError, require_option

SPLITS = ["train", "test"]
DIGIT_CLASSES = (*"0123456789", "grass", "brick", "gravel")  # things first, then stuff
DIGIT_THINGS = 10
OBJECT_CLASSES = ("bird", "fish", "flower", "fruit", "hoofed", "insect", "photo")
OBJECT_THINGS = 6
PHOTOS = {  # split → photos without people, animals or flowers
    "train": ("china", "church", "coffee", "parks", "rocket"),
    "test": ("notre-dame", "road"),
}
TINTS = ((120, 200, 75), (255, 160, 125), (210, 210, 220))  # of 255: grass, brick, gravel
SIZES = (64, 96)  # pixels a side that a scene may have
SOLID = 90  # a thing owns a pixel from this alpha on, 35 % of 255
MIN_VISIBLE = 40  # pixels of each thing that stay visible, and three quarters of its own


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and its truth; N things, back to front, and every other pixel is stuff.

    image: (H, W, 3) uint8 RGB. labels: (N,) int64, each thing's place in the tuple of classes.
    masks: (N, H, W) bool, the visible pixels of each thing; no pixel is in two.
    boxes: (N, 4) float32 x1, y1, x2, y2 in pixels, tight around the masks; x2 and y2 are the first
        column and row outside, so that x2 − x1 is the width.
    semantic: (H, W) uint8, the class of every pixel.
    panoptic: (H, W) int32, 1000 · class + number; the number is n + 1 in masks[n], 0 in stuff.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    semantic: np.ndarray

    @property
    def panoptic(self):
        """Made anew from classes and masks each time: thousands of scenes stay small."""
        numbers = np.arange(1, len(self.masks) + 1, dtype=np.int32)
        owners = (self.masks * numbers[:, None, None]).sum(axis=0, dtype=np.int32)
        return 1000 * self.semantic.astype(np.int32) + owners


def digit_scenes(count, seed=0, split="train", size=64, digits=(1, 4)):
    """Bright MNIST digits over two of grass, brick and gravel: a list of `count` scenes.

    split: "train" or "test", which share no handwriting and no part of a texture.
    size: pixels a side, 64 … 96; the longer side of a digit has 14 … 30.
    digits: least and most a scene, 1 … 6. Classes: DIGIT_CLASSES, the first DIGIT_THINGS things.
    Scene i is the same for every count. Raises ArgumentError.
    """
    least, most = _least_and_most("digits", digits, 6)
    scenes = []
    for rng in _generators(count, seed, split, size):
        ground, stuff = _textured(rng, split, size)
        things = rng.integers(least, most + 1)
        scenes.append(_scene(rng, ground, stuff, things, (14, 30), lambda rng: _digit(rng, split)))
    return scenes


def object_scenes(count, seed=0, split="train", size=64, objects=(1, 3)):
    """Photographed objects over a part of a photo: a list of `count` scenes.

    split: "train" or "test", which share no object (`split_cutouts`) and no photo (PHOTOS).
    size: pixels a side, 64 … 96; the longer side of an object has 20 … 44.
    objects: least and most a scene, 1 … 4. Classes: OBJECT_CLASSES, the first OBJECT_THINGS things.
    Scene i is the same for every count. Raises ArgumentError.
    """
    least, most = _least_and_most("objects", objects, 4)
    scenes = []
    for rng in _generators(count, seed, split, size):
        ground = _crop(rng, _photos(split)[rng.integers(len(PHOTOS[split]))], size)
        stuff = np.full((size, size), OBJECT_THINGS)
        things = rng.integers(least, most + 1)
        scenes.append(_scene(rng, ground, stuff, things, (20, 44), lambda rng: _object(rng, split)))
    return scenes


def split_cutouts(split):
    """Dict of category → list of its cut-outs; every third of the sorted names is for "test"."""
    require_option("split", split, SPLITS)
    return {
        category: [name for i, name in enumerate(sorted(names)) if SPLITS[i % 3 == 2] == split]
        for category, names in cutout_names().items()
    }


def _least_and_most(name, value, limit):
    pair = value if isinstance(value, tuple | list) else ()
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in pair)
    if len(pair) != 2 or not whole or not 1 <= pair[0] <= pair[1] <= limit:
        raise ArgumentError(
            f"{name} must be (least, most) with whole numbers 1 ≤ least ≤ most ≤ {limit}, "
            f"got {value!r}"
        )
    return pair


def _generators(count, seed, split, size):
    """One random generator a scene, after the arguments were found right."""
    count = whole_number("count", count, 1)
    seed = whole_number("seed", seed, 0)
    require_option("split", split, SPLITS)
    if whole_number("size", size, SIZES[0]) > SIZES[1]:
        raise ArgumentError(f"size must be at most {SIZES[1]} pixels, got {size}")
    keys = [(SPLITS.index(split), i) for i in range(count)]
    return [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key)) for key in keys]


def _scene(rng, ground, stuff, things, sides, draw):
    """Lay things over the ground, each in front of those before, and write down the truth."""
    laid = []  # (label, window, RGBA)
    while len(laid) < things:
        label, picture = draw(rng)
        place = _place(rng, picture, sides, laid, len(ground))
        laid = [*laid, (label, *place)] if place else []  # stuck: begin again
    image = ground.copy()
    for _, window, thing in laid:
        alpha = thing[..., 3:].astype(np.uint16)
        image[window] = (thing[..., :3] * alpha + image[window] * (255 - alpha) + 127) // 255
    owners = _owners(laid, len(ground))
    labels = np.array([label for label, *_ in laid], np.int64)
    masks = owners == np.arange(1, len(laid) + 1)[:, None, None]
    semantic = np.where(owners > 0, labels[owners - 1], stuff).astype(np.uint8)
    return Scene(image, _boxes(masks), labels, masks, semantic)


def _boxes(masks):
    columns, rows = masks.any(axis=1), masks.any(axis=2)
    first = [side.argmax(axis=1) for side in (columns, rows)]
    end = [side.shape[1] - side[:, ::-1].argmax(axis=1) for side in (columns, rows)]
    return np.stack([*first, *end], axis=1).astype(np.float32)


def _place(rng, picture, sides, laid, size):
    """A window and the thing at its size, such that all stay visible; None after 50 tries."""
    picture = Image.fromarray(picture)
    picture = picture.crop(picture.getbbox())
    longest = max(picture.size)
    for _ in range(50):
        side = int(rng.integers(sides[0], sides[1] + 1))
        width, height = (max(1, (2 * n * side + longest) // (2 * longest)) for n in picture.size)
        y, x = int(rng.integers(size - height + 1)), int(rng.integers(size - width + 1))
        window = slice(y, y + height), slice(x, x + width)
        if any(_crowd(window, other) for _, other, _ in laid):
            continue
        thing = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
        trial = [*laid, (None, window, thing)]
        whole = np.array([(rgba[..., 3] >= SOLID).sum() for *_, rgba in trial])
        visible = np.bincount(_owners(trial, size).ravel(), minlength=len(trial) + 1)[1:]
        if (visible >= MIN_VISIBLE).all() and (4 * visible >= 3 * whole).all():
            return window, thing
    return None


def _crowd(one, other):
    """Whether two windows share more than a third of the smaller one."""
    shared = [min(a.stop, b.stop) - max(a.start, b.start) for a, b in zip(one, other, strict=True)]
    areas = [(y.stop - y.start) * (x.stop - x.start) for y, x in (one, other)]
    return min(shared) > 0 and 3 * shared[0] * shared[1] > min(areas)


def _owners(laid, size):
    """(H, W) int32: n + 1 where thing n is visible, 0 where none is."""
    owners = np.zeros((size, size), np.int32)
    for number, (_, window, thing) in enumerate(laid, 1):
        owners[window][thing[..., 3] >= SOLID] = number
    return owners


def _textured(rng, split, size):
    """Two textures with a straight, slightly tilted border; and which class lies where."""
    one = rng.integers(3)
    other = (one + rng.integers(1, 3)) % 3
    cut = rng.integers(-(size // 4), size // 4 + 1)
    tilt = rng.integers(-16, 17)
    line = np.arange(size) - size // 2
    beyond = 64 * (line[:, None] - cut) > tilt * line
    beyond = beyond.T if rng.integers(2) else beyond
    crops = [_crop(rng, _textures(split)[i], size) for i in (one, other)]
    return np.where(beyond[..., None], *crops), DIGIT_THINGS + np.where(beyond, one, other)


def _crop(rng, picture, size):
    """A random square of a picture, at 70 … 100 % of its brightness."""
    y, x = (rng.integers(side - size + 1) for side in picture.shape[:2])
    light = rng.integers(70, 101).astype(np.uint16)
    return (picture[y : y + size, x : x + size] * light // 100).astype(np.uint8)


def _digit(rng, split):
    """A random digit and its label, RGBA: its ink as alpha, one bright colour."""
    images, labels = _digits(split)
    i = rng.integers(len(labels))
    picture = np.empty((28, 28, 4), np.uint8)
    picture[..., :3] = rng.permutation([255, rng.integers(80, 256), 80])
    picture[..., 3] = images[i]
    return labels[i], picture


def _object(rng, split):
    """A random cut-out of a random category and its label, RGBA, one in two mirrored."""
    label = rng.integers(OBJECT_THINGS)
    pictures = _cutouts(split)[label]
    picture = pictures[rng.integers(len(pictures))]
    return label, picture[:, ::-1] if rng.integers(2) else picture


@functools.cache
def _digits(split):
    return load_mnist(split)


@functools.cache
def _cutouts(split):
    names = split_cutouts(split)
    return [
        [load_cutout(category, name) for name in names[category]]
        for category in OBJECT_CLASSES[:OBJECT_THINGS]
    ]


@functools.cache
def _photos(split):
    return [np.asarray(Image.fromarray(load_photo(name)).reduce(3)) for name in PHOTOS[split]]


@functools.cache
def _textures(split):
    """Grass, brick, gravel at half size, tinted; the left 5/8 for "train", the rest for "test"."""
    part = np.s_[:, :160] if split == "train" else np.s_[:, 160:]
    pictures = []
    for name, tint in zip(DIGIT_CLASSES[DIGIT_THINGS:], TINTS, strict=True):
        gray = np.asarray(Image.fromarray(load_texture(name)).reduce(2))[part]
        pictures.append((gray[..., None] * np.array(tint, np.uint16) // 255).astype(np.uint8))
    return pictures


CATEGORIES = ("bird", "flower", "fruit", "hoofed")  # those with 19 objects or more
GROUNDS = ("church", "eiffel-1", "parks", "road", "rocket")
SHARE = (0.5, 0.95)  # of the picture's side that the object's longer side takes
LONGEST = 480  # side of a photo, from which twice the picture's size is cut


def object_pictures(size=48, views=1, seed=0):
    """Every object of CATEGORIES, each in `views` sizes and places on photos.

    size: side in pixels, 16 … 224. Returns images (N, size, size, 3) uint8; labels (N,) int64,
    places in CATEGORIES; objects (N,) int64, which of the objects it is: the views of one object
    share a number. Raises ArgumentError.
    """
    size = whole_number("size", size, 16)
    views = whole_number("views", views, 1)
    if size > 224:
        raise ArgumentError(f"size must be 16 … 224, got {size}")
    names = cutout_names()
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    grounds = [load_photo(name, LONGEST) for name in GROUNDS]
    images, labels, objects = [], [], []
    for label, category in enumerate(CATEGORIES):
        for name in names[category]:
            cutout = load_cutout(category, name)
            number = objects[-1] + 1 if objects else 0
            for _ in range(views):
                images.append(_paste(cutout, grounds[rng.integers(len(grounds))], size, rng))
                labels.append(label)
                objects.append(number)
    return np.stack(images), np.array(labels), np.array(objects)


def _paste(cutout, photo, size, rng):
    """(h, w, 4) and (H, W, 3) uint8 → (size, size, 3): the object in some size and place."""
    side = min(2 * size, *photo.shape[:2])
    top, left = (int(rng.integers(length - side + 1)) for length in photo.shape[:2])
    ground = Image.fromarray(photo[top : top + side, left : left + side])
    ground = ground.resize((size, size), Image.Resampling.BILINEAR)
    scale = rng.uniform(*SHARE) * size / max(cutout.shape[:2])
    height, width = (max(1, round(scale * length)) for length in cutout.shape[:2])
    small = Image.fromarray(cutout).resize((width, height), Image.Resampling.BILINEAR)
    left, top = (int(rng.integers(size - length + 1)) for length in (width, height))
    ground.paste(small, (left, top), small)
    return np.array(ground)
