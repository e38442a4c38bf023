"""Pictures in which a bird stands in front of another animal, with a detector's boxes."""

import numpy as np

from course_utils.data import load_cutout, load_texture

ANIMALS = ("cow", "horse", "donkey", "camel", "bison", "zebu")
BIRDS = ("rooster", "gander", "turkey", "ostrich", "peacock", "hen")
GROUND = np.array([120, 165, 110])  # the colour of the grass


def crowded_pictures(count, seed=0):
    """Pictures of a bird in front of a hoofed animal, and a detector's boxes for them.

    Returns a list of dicts: "image" (96, 96, 3) uint8; "truth" (2, 4) xyxy, the animal's box and
    the bird's; "boxes" (6, 4), "scores" (6,), "labels" (6,): three boxes on each of the two, of
    which the best is exact. Labels: 0 animal, 1 bird.
    """
    pictures = []
    for rng in map(np.random.default_rng, np.random.SeedSequence(seed).spawn(count)):
        grass = load_texture("grass")[:96, :96, None] / 255 * GROUND
        animal = _cut("hoofed", rng.choice(ANIMALS), rng.uniform(70, 84))
        bird = _cut("bird", rng.choice(BIRDS), rng.uniform(0.9, 1.1) * min(animal.shape[:2]))
        image, behind = _paste(grass, animal, rng.integers(4, 10, 2))
        place = behind[:2] + rng.uniform(0.1, 0.5, 2) * (behind[2:] - behind[:2] - 20)
        image, before = _paste(image, bird, place.astype(int))
        truth = np.array([behind, before])
        boxes = np.repeat(truth, 3, axis=0)
        boxes[[1, 2, 4, 5]] += rng.uniform(-3, 3, (4, 4))
        scores = np.sort(rng.uniform(0.4, 0.99, (2, 3)), axis=1)[:, ::-1].ravel()
        labels = np.repeat([0, 1], 3)
        pictures.append({"image": image.astype(np.uint8), "truth": truth, "boxes": boxes,
                         "scores": scores, "labels": labels})  # fmt: skip
    return pictures


def _cut(category, name, longest):
    """A cut-out, without its empty edges, its longer side of that many pixels."""
    from PIL import Image

    thing = load_cutout(category, name)
    rows, columns = (np.flatnonzero((thing[..., 3] > 127).any(axis=axis)) for axis in (1, 0))
    thing = thing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = np.array(thing.shape[1::-1]) * longest / max(thing.shape[:2])
    return np.array(Image.fromarray(thing).resize(size.astype(int)))


def _paste(image, thing, corner):
    """The thing over the picture at a corner (x, y), as far as it fits; and its box."""
    x, y = (int(np.clip(v, 0, 96 - n)) for v, n in zip(corner, thing.shape[1::-1], strict=True))
    image = image.copy()
    height, width = thing.shape[:2]
    opaque = thing[..., 3:] / 255
    part = image[y : y + height, x : x + width]
    image[y : y + height, x : x + width] = (1 - opaque) * part + opaque * thing[..., :3]
    return image, np.array([x, y, x + width, y + height], float)
