"""Pictures of real objects: each object whole, on another ground each time, always the same."""

import numpy as np
import pytest
from refusals import refused

from course_utils import synthetic_scenes
from course_utils.data import cutout_names, load_cutout
from course_utils.synthetic_scenes import CATEGORIES, object_pictures


def test_every_object_has_its_views_and_its_label():
    images, labels, objects = object_pictures(size=16, views=2)
    names = [(place, name) for place, category in enumerate(CATEGORIES)
             for name in cutout_names()[category]]  # fmt: skip
    assert images.shape == (2 * len(names), 16, 16, 3) and images.dtype == np.uint8
    assert objects.tolist() == [number for number in range(len(names)) for _ in range(2)]
    assert labels.tolist() == [names[number][0] for number in objects]
    assert len({image.tobytes() for image in images}) == len(images)


def test_it_repeats_and_the_seed_changes_the_grounds():
    first, again, other = (object_pictures(16, seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first[0, 0, 0].tolist() == [61, 76, 108]  # the same on every machine


@pytest.mark.parametrize("seed", range(4))
def test_the_object_is_whole_and_takes_its_share(monkeypatch, seed):
    ground = np.zeros((480, 480, 3), np.uint8)
    monkeypatch.setattr(synthetic_scenes, "load_photo", lambda name, longest_side: ground)
    monkeypatch.setattr(
        synthetic_scenes, "CATEGORIES", ("fruit",)
    )  # none of them is black at its edge
    images, _, _ = object_pictures(160, seed=seed)
    for image, name in zip(images, cutout_names()["fruit"], strict=True):
        rows, columns = np.nonzero(image.any(axis=2))
        sides = np.ptp(rows) + 1, np.ptp(columns) + 1
        wanted = load_cutout("fruit", name)[..., 3] > 0
        shape = wanted.any(axis=1).sum() / wanted.any(axis=0).sum()
        assert 0.45 * 160 < max(sides) <= 0.95 * 160 + 1
        assert sides[0] / sides[1] == pytest.approx(shape, rel=0.1)


BAD = {
    "small": (lambda: object_pictures(8), "size", "from 16", "got 8"),
    "large": (lambda: object_pictures(500), "size", "16 … 224", "got 500"),
    "views": (lambda: object_pictures(views=0), "views", "got 0"),
    "seed": (lambda: object_pictures(seed=-1), "seed", "got -1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
