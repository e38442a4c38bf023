"""The clinic of chapter 1: `uv run python tests/benchmarks/clinic_image_data.py [seeds] [windows]`.

What each of the three faults changes in random windows of the packaged photos, for each seed.
"""

import sys

import numpy as np

from course_utils.data import load_photo, photo_names
from course_utils.exercises.image_data import clinic

SIDE = 128
LUMA = np.array([0.299, 0.587, 0.114])


def windows(seed, count):
    """Random windows (128, 128, 3) uint8 of random photos."""
    rng = np.random.default_rng(seed)
    names = photo_names()
    for _ in range(count):
        photo = load_photo(names[rng.integers(len(names))])
        top, left = (rng.integers(size - SIDE) for size in photo.shape[:2])
        yield photo[top : top + SIDE, left : left + SIDE]


def rough(picture):
    """Mean difference of two pixels one below the other."""
    return np.abs(np.diff(picture, axis=0)).mean()


def symptoms(photos):
    """(what is measured, with the right program, with the wrong one) for the three faults."""
    numbers = []
    for photo in photos:
        right, wrong = (f(photo[..., ::-1]) for f in (clinic.colours, clinic.colours_bgr))
        reddest = [picture.mean((0, 1)).argmax() == 0 for picture in (right, wrong)]
        tensor = (photo / 255).transpose(2, 0, 1)
        pictures = [f(tensor) for f in (clinic.picture, clinic.picture_reshaped)]
        gray = np.round(photo @ LUMA).astype(np.uint8)
        means = [f(gray).mean() for f in (clinic.halves, clinic.halves_overflowing)]
        numbers.append([*reddest, *(p.mean() for p in pictures), *map(rough, pictures), *means])
    names = ("R has the largest mean", "mean of the picture", "from row to row", "mean of halves")
    for name, pair in zip(names, np.mean(numbers, axis=0).reshape(-1, 2), strict=True):
        yield name, *pair


def main(seeds, count):
    """A line for each seed and symptom."""
    for seed in range(seeds):
        for name, right, wrong in symptoms(windows(seed, count)):
            print(f"seed {seed}: {name:<22} right {right:8.3f}  wrong {wrong:8.3f}")


def small():
    """Three windows."""
    main(1, 3)


if __name__ == "__main__":
    main(*(int(given) for given in (sys.argv[1:] + ["3", "200"][len(sys.argv) - 1 :])))
