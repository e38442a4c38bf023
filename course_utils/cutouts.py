"""Small pictures of real objects: cut-outs pasted on photos. NumPy and Pillow.

Sources and licences of the cut-outs (GPL-2) and photos: data/README.md.
"""

import numpy as np
from PIL import Image

from course_utils.arguments import whole_number
from course_utils.data import cutout_names, load_cutout, load_photo
from course_utils.errors import ArgumentError

CATEGORIES = ("bird", "flower", "fruit", "hoofed")  # those with 19 objects or more
GROUNDS = ("church", "eiffel-1", "parks", "road", "rocket")
SHARE = (0.5, 0.95)  # of the picture's side that the object's longer side takes
LONGEST = 480  # side of a photo, from which twice the picture's size is cut


def object_pictures(size=48, views=1, seed=0, categories=CATEGORIES):
    """Every object of some categories, each in `views` sizes and places on photos.

    size: side in pixels, 16 … 224. categories: names of `cutout_names()`.
    Returns images (N, size, size, 3) uint8; labels (N,) int64, places in `categories`; objects
    (N,) int64, which of the objects it is: the views of one object share a number.
    """
    size, views = whole_number("size", size, 16), whole_number("views", views, 1)
    if size > 224:
        raise ArgumentError(f"size must be 16 … 224, got {size}")
    names = cutout_names()
    unknown = [name for name in categories if name not in names]
    if isinstance(categories, str) or unknown or not len(categories):
        raise ArgumentError(f"categories must be a list of {sorted(names)}, got {categories!r}")
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    grounds = [load_photo(name, LONGEST) for name in GROUNDS]
    images, labels, objects = [], [], []
    for label, category in enumerate(categories):
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
