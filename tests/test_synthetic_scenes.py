"""Scenes: every truth agrees with every other and with the picture; the seed alone decides."""

import hashlib
import itertools

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from course_utils import data
from course_utils import synthetic_scenes as scenes

WORLDS = {
    "digits": (
        scenes.digit_scenes,
        scenes.DIGIT_CLASSES,
        scenes.DIGIT_THINGS,
        150,
    ),
    "objects": (
        scenes.object_scenes,
        scenes.OBJECT_CLASSES,
        scenes.OBJECT_THINGS,
        50,
    ),
}
FIELDS = ("image", "boxes", "labels", "masks", "semantic", "panoptic")
CACHES = (
    scenes._digits,
    scenes._cutouts,
    scenes._photos,
    scenes._textures,
)


@pytest.fixture(scope="module", params=["digits train", "digits test", "objects train",
                                        "objects test"])  # fmt: skip
def world(request):
    """Scenes of one world and split, how many things they may hold, and the numbers of classes."""
    name, split = request.param.split()
    make, classes, things, count = WORLDS[name]
    most = 4 if name == "digits" else 3
    return make(count, seed=3, split=split), most, things, len(classes)


@pytest.fixture
def fresh():
    """Nothing loaded before, and nothing of a test's own kept."""
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


def same(one, other):
    return all(np.array_equal(getattr(one, field), getattr(other, field)) for field in FIELDS)


def check_truth(scene, size, things, classes):
    """Every field against every other, pixel by pixel and box by box."""
    count = len(scene.labels)
    assert scene.image.shape == (size, size, 3) and scene.image.dtype == np.uint8
    assert scene.boxes.shape == (count, 4) and scene.boxes.dtype == np.float32
    assert scene.labels.shape == (count,) and scene.labels.dtype == np.int64
    assert scene.masks.shape == (count, size, size) and scene.masks.dtype == bool
    assert scene.semantic.shape == (size, size) and scene.semantic.dtype == np.uint8
    assert scene.panoptic.shape == (size, size) and scene.panoptic.dtype == np.int32
    assert set(scene.labels.tolist()) <= set(range(things))
    assert scene.masks.sum(axis=0).max() == 1
    truth = zip(scene.boxes, scene.labels, scene.masks, strict=True)
    for number, (box, label, mask) in enumerate(truth, 1):
        assert mask.sum() >= scenes.MIN_VISIBLE
        ys, xs = np.nonzero(mask)
        assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        assert np.array_equal(mask, scene.panoptic == 1000 * label + number)
        assert (scene.semantic[mask] == label).all()
    stuff = ~scene.masks.any(axis=0)
    assert (scene.semantic[stuff] >= things).all() and scene.semantic.max() < classes
    assert np.array_equal(scene.panoptic // 1000, scene.semantic)
    assert (scene.panoptic[stuff] % 1000 == 0).all()
    assert len(np.unique(scene.panoptic)) == count + len(np.unique(scene.semantic[stuff]))


def test_the_truth_agrees_with_itself(world):
    found, most, things, classes = world
    for scene in found:
        check_truth(scene, 64, things, classes)
    assert {len(scene.labels) for scene in found} == set(range(1, most + 1))
    assert {int(label) for scene in found for label in scene.labels} == set(range(things))
    assert {int(c) for scene in found for c in np.unique(scene.semantic)} == set(range(classes))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**70), st.integers(64, 96), st.sampled_from(scenes.SPLITS), st.data())
def test_any_seed_and_size(seed, size, split, data):
    name = data.draw(st.sampled_from(sorted(WORLDS)))
    make, classes, things, _ = WORLDS[name]
    least = data.draw(st.integers(1, 4))
    for scene in make(2, seed, split, size, (least, 4)):
        check_truth(scene, size, things, len(classes))
        assert least <= len(scene.labels) <= 4


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_the_picture_shows_what_the_truth_says(monkeypatch, name):
    """Painted again: what was laid last is in front; little of what is behind is hidden."""
    laid, owners, hidden = [], scenes._owners, 0
    monkeypatch.setattr(scenes, "_owners", lambda *given: laid.append(given[0]) or owners(*given))
    for seed in range(40):
        [scene] = WORLDS[name][0](1, seed, "train", 64, (3, 4))
        things = laid[-1]
        assert scene.labels.tolist() == [label for label, *_ in things]
        front, known = np.full((64, 64), -1), np.full((64, 64, 3), np.nan)
        for number, (_, window, thing) in enumerate(things):
            share = thing[..., 3:] / 255
            front[window][share[..., 0] > 0.35] = number
            known[window] = np.where(share == 1, 0, known[window] * (1 - share))
            known[window] += thing[..., :3] * share
        for number, (mask, (*_, thing)) in enumerate(zip(scene.masks, things, strict=True)):
            assert np.array_equal(mask, front == number)
            whole = (thing[..., 3] / 255 > 0.35).sum()
            assert mask.sum() >= 0.75 * whole
            hidden += whole - mask.sum()
        frames = np.zeros((len(things), 64, 64))
        for frame, (_, window, _) in zip(frames, things, strict=True):
            frame[window] = 1
        for one, other in itertools.combinations(frames, 2):
            assert (one * other).sum() <= min(one.sum(), other.sum()) / 3
        painted = ~np.isnan(known)
        assert painted.any() and np.abs(known - scene.image)[painted].max() <= 2
    assert hidden > 50  # some do overlap


def test_things_have_the_promised_sizes():
    for (make, *_), least, most in zip(WORLDS.values(), (14, 20), (30, 44), strict=True):
        sides = [max(x2 - x1, y2 - y1) for scene in make(100) for x1, y1, x2, y2 in scene.boxes]
        assert max(sides) <= most and min(sides) >= 0.6 * least  # soft edges and hidden ends
        assert max(sides) >= most - 2 and np.median(sides) > least


def test_grass_is_green_brick_reddish_gravel_gray():
    names = dict(enumerate(scenes.DIGIT_CLASSES))
    for scene in scenes.digit_scenes(40) + scenes.digit_scenes(40, split="test"):
        stuff = [c for c in np.unique(scene.semantic) if c >= scenes.DIGIT_THINGS]
        assert len(stuff) == 2
        for c in stuff:
            red, green, blue = np.median(scene.image[scene.semantic == c], axis=0)
            if names[c] == "grass":
                assert green > 1.3 * red > 1.3 * blue
            elif names[c] == "brick":
                assert red > 1.3 * green and red > 1.3 * blue
            else:
                assert max(red, green, blue) < 1.2 * min(red, green, blue)


def test_digits_are_brighter_than_their_ground():
    for scene in scenes.digit_scenes(60):
        ground = np.median(scene.image[~scene.masks.any(axis=0)].max(axis=1))
        for mask in scene.masks:
            assert np.median(scene.image[mask].max(axis=1)) > 1.3 * ground


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_the_seed_decides_and_the_count_does_not(name):
    make = WORLDS[name][0]
    ten, three = make(10, seed=5), make(3, seed=5)
    assert all(same(one, other) for one, other in zip(ten, three, strict=False))
    for others in (make(10, seed=6), make(10, seed=5, split="test"), ten[1:]):
        assert not any(same(one, other) for one, other in zip(ten, others, strict=False))
        assert any(len(a.labels) != len(b.labels) for a, b in zip(ten, others, strict=False))


@pytest.mark.parametrize(
    ("name", "labels", "digest"),
    [
        ("digits", [[2, 0, 3, 6], [9, 0, 6], [0, 2]], "fd9739d8dcc7"),
        ("objects", [[3, 2, 1], [3, 3, 5], [2, 1, 2]], "ce2f33897916"),
    ],
)
def test_the_same_on_every_machine(name, labels, digest):
    found = WORLDS[name][0](20)
    assert [scene.labels.tolist() for scene in found[:3]] == labels
    truth = b"".join(scene.panoptic.astype("<i4").tobytes() for scene in found)
    assert hashlib.sha256(truth).hexdigest()[:12] == digest


def test_what_comes_out_can_be_written_on():
    before = scenes.object_scenes(3), scenes.digit_scenes(3)
    for scene in (*scenes.object_scenes(3), *scenes.digit_scenes(3)):
        for field in FIELDS:
            getattr(scene, field)[...] = 0
    after = scenes.object_scenes(3), scenes.digit_scenes(3)
    for one, other in zip(before, after, strict=True):
        assert all(same(a, b) for a, b in zip(one, other, strict=True))


def test_the_splits_share_no_cutout_and_no_photo():
    train, test = scenes.split_cutouts("train"), scenes.split_cutouts("test")
    for category, names in data.cutout_names().items():
        assert sorted(train[category] + test[category]) == sorted(names)
        assert 0.2 < len(test[category]) / len(names) < 0.4
    assert sorted(train) == sorted(test) == list(scenes.OBJECT_CLASSES[: scenes.OBJECT_THINGS])
    assert not set(scenes.PHOTOS["train"]) & set(scenes.PHOTOS["test"])


@pytest.mark.parametrize("split", scenes.SPLITS)
def test_object_scenes_load_their_own_split_only(fresh, monkeypatch, split):
    cutouts, photos = set(), set()
    monkeypatch.setattr(scenes, "load_cutout", lambda category, name: cutouts.add(
        (category, name)) or data.load_cutout(category, name))  # fmt: skip
    monkeypatch.setattr(scenes, "load_photo", lambda name: photos.add(name) or
                        data.load_photo(name))  # fmt: skip
    scenes.object_scenes(5, split=split)
    own = scenes.split_cutouts(split)
    assert cutouts == {(category, name) for category, names in own.items() for name in names}
    assert photos == set(scenes.PHOTOS[split])


@pytest.mark.parametrize(("split", "mnist", "light"), [("train", 0, 0), ("test", 1, 255)])
def test_digit_scenes_use_their_own_split_only(fresh, monkeypatch, split, mnist, light):
    square = np.zeros((1, 28, 28), np.uint8)
    square[:, 4:24, 4:24] = 255
    monkeypatch.setattr(scenes, "load_mnist", lambda split: (square, [split != "train"]))
    parts = np.where(np.arange(512) < 320, 0, 255).astype(np.uint8)  # left 5/8 black
    monkeypatch.setattr(scenes, "load_texture", lambda name: np.tile(parts, (512, 1)))
    for scene in scenes.digit_scenes(30, split=split, size=96):
        assert (scene.labels == mnist).all()
        ground = scene.image[scene.semantic >= scenes.DIGIT_THINGS].max(axis=1)
        assert (ground == 0).all() if light == 0 else (ground > 100).all()


def test_boxes_are_torchvisions():
    for scene in scenes.digit_scenes(5, seed=1):
        theirs = torchvision.ops.masks_to_boxes(torch.tensor(scene.masks))
        assert np.array_equal(scene.boxes, theirs + torch.tensor([0, 0, 1, 1]))


BAD = {
    "digits, count": (lambda: scenes.digit_scenes(0), "count", "got 0"),
    "digits, seed": (lambda: scenes.digit_scenes(1, seed=-1), "seed", "got -1"),
    "digits, split": (
        lambda: scenes.digit_scenes(1, split="val"),
        "split",
        "train, test",
        "'val'",
    ),
    "digits, small": (lambda: scenes.digit_scenes(1, size=3), "size", "from 64", "got 3"),
    "digits, swapped": (
        lambda: scenes.digit_scenes(1, digits=(4, 1)),
        "digits",
        "≤ 6",
        "(4, 1)",
    ),
    "digits, one": (
        lambda: scenes.digit_scenes(1, digits=3),
        "digits",
        "(least, most)",
        "got 3",
    ),
    "digits, none": (
        lambda: scenes.digit_scenes(1, digits=(0, 3)),
        "digits",
        "got (0, 3)",
    ),
    "digits, half": (
        lambda: scenes.digit_scenes(1, digits=(1, 2.5)),
        "digits",
        "got (1, 2.5)",
    ),
    "objects, large": (
        lambda: scenes.object_scenes(1, size=128),
        "size",
        "at most 96",
        "got 128",
    ),
    "objects, many": (
        lambda: scenes.object_scenes(1, objects=(1, 5)),
        "objects",
        "got (1, 5)",
    ),
    "objects, split": (
        lambda: scenes.object_scenes(1, split="tset"),
        "split",
        "mean 'test'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
