"""data/ and its loader: shapes and dtypes as documented, every damage found, nothing written."""

import hashlib
import random
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import safetensors.numpy

from course_utils import data
from course_utils.errors import ArgumentError, DataError
from course_utils.files import how_to_restore


def test_mnist_is_whole_and_in_order():
    images, labels = data.load_mnist()
    assert images.shape == (60000, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (60000,) and labels[:5].tolist() == [5, 0, 4, 1, 9]
    images, labels = data.load_mnist("test")
    assert images.shape == (10000, 28, 28) and labels[:4].tolist() == [7, 2, 1, 0]


@pytest.mark.parametrize(("split", "each"), [("train", 1000), ("test", 200)])
def test_fashion_mnist_has_as_many_of_each_class(split, each):
    images, labels = data.load_fashion_mnist(split)
    assert images.shape == (10 * each, 28, 28) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [each] * 10 and len(data.FASHION_LABELS) == 10


def test_every_photo_loads():
    for name in data.photo_names():
        photo = data.load_photo(name)
        assert photo.ndim == 3 and photo.shape[2] == 3 and photo.dtype == np.uint8
        assert max(photo.shape) <= 640
    assert data.load_photo("coffee", longest_side=240).shape == (160, 240, 3)


def test_textures_are_gray():
    for name in ("brick", "grass", "gravel"):
        assert data.load_texture(name).shape == (512, 512)


def test_every_cutout_loads_with_alpha():
    names = data.cutout_names()
    assert sum(len(group) for group in names.values()) == 110
    for category, group in names.items():
        for name in group:
            cutout = data.load_cutout(category, name)
            assert cutout.shape[2] == 4 and cutout.dtype == np.uint8 and max(cutout.shape) <= 160
            assert cutout[..., 3].min() == 0 and cutout[..., 3].max() > 200


def test_nuclei_are_125():
    image, mask = data.load_nuclei()
    assert image.shape == mask.shape == (512, 512)
    assert len(np.unique(mask)) - 1 == 125


def test_weights_fit_torchvisions_vgg16():
    import torch
    import torchvision

    weights = data.load_weights("vgg16")
    features = torchvision.models.vgg16().features[:19]
    features.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    assert all(value.dtype == np.float32 for value in weights.values())
    assert len(data.load_weights("efficientnet_lite0")) == 247


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: data.load_photo("cofee"), "did you mean 'coffee'?"),
        (lambda: data.load_mnist("validation"), "split must be one of train, test"),
        (lambda: data.load_texture("wood"), "name must be one of brick, grass, gravel"),
        (lambda: data.load_cutout("brid", "owl"), "did you mean 'bird'?"),
        (lambda: data.load_weights("vgg19"), "did you mean 'vgg16'?"),
    ],
)
def test_a_wrong_name_gets_the_right_ones(call, part):
    with pytest.raises(ArgumentError, match=part.replace("?", r"\?")):
        call()


def test_manifest_names_every_file_once():
    listed = set(data.manifest())
    there = {
        path.relative_to(data.FOLDER).as_posix()
        for path in data.FOLDER.rglob("*")
        if path.is_file() and not path.is_relative_to(data.FOLDER / "downloads")
    }
    assert listed == there - {"README.md", data.MANIFEST, ".DS_Store"}


def test_readme_gives_the_sums_of_the_manifest():
    text = (data.FOLDER / "README.md").read_text(encoding="utf-8")
    for file, digest in data.manifest().items():
        if not file.startswith(("cutouts/", "style/")) and not file.endswith(".json"):
            assert digest in text, file


def test_checking_is_quick():
    seconds = []
    for _ in range(3):  # the quietest of three: other programs may be running
        start = time.perf_counter()
        assert data.check_all() == len(data.manifest())
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5
    largest = max(data.manifest(), key=lambda file: (data.FOLDER / file).stat().st_size)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        data.read_checked(largest)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.2


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the small part of data/ in a folder whose name has spaces and Hangul."""
    folder = tmp_path / "자료 folder é"
    shutil.copytree(data.FOLDER / "photos", folder / "photos")
    shutil.copy(data.FOLDER / data.MANIFEST, folder)
    monkeypatch.setattr(data, "FOLDER", folder)
    return folder


def test_any_path_works(copied):
    assert data.load_photo("coffee").shape == (400, 600, 3)


def test_a_hundred_single_bit_flips_are_found(copied):
    path = copied / "photos" / "church.jpg"
    whole = path.read_bytes()
    rng = random.Random(0)
    for _ in range(100):
        place, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        with pytest.raises(DataError, match=re.escape(how_to_restore("data/photos/church.jpg"))):
            data.load_photo("church")
    path.write_bytes(whole)
    data.load_photo("church")


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "swapped"])
def test_damage_is_named_with_its_fix(copied, damage):
    path = copied / "photos" / "china.jpg"
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        shutil.copy(copied / "photos" / "road.jpg", path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(DataError, match=r"china\.jpg.*" + how_to_restore("data/photos/china.jpg")):
        data.load_photo("china")
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "FOLDER", tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"nowhere.*uv sync"):
        data.load_mnist()


def test_loading_from_any_folder_writes_nothing(tmp_path):
    def snapshot():
        return {
            path: hashlib.sha256(path.read_bytes()).digest()
            for path in data.FOLDER.rglob("*")
            if path.is_file()
        }

    before = snapshot()
    code = "from course_utils import data; print(data.load_photo('coffee').shape)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(400, 600, 3)"
    assert snapshot() == before and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "module",
    ["data", "image_files", "figures", "filters", "numpy_layers", "downloads",
     "exercises.image_data.doors", "synthetic_scenes", "detection.boxes", "detection.metrics",
     "segmentation.metrics", "segmentation.panoptic"],
)  # fmt: skip
def test_no_torch_behind_a_numpy_door(module):
    code = f"import sys, course_utils.{module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("text", [b"", b"<html>", b"\xff\xfe", b"0" * 64 + b"  a\n\n"])
def test_a_damaged_manifest_is_named(tmp_path, monkeypatch, text):
    (tmp_path / data.MANIFEST).write_bytes(text)
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with pytest.raises(DataError, match="SHA256SUMS is (missing or )?damaged; restore it with"):
        data.check_all()


def test_check_all_reads_every_file(copied):
    with pytest.raises(DataError, match="cannot be read"):
        data.check_all()  # the copy lacks most files


def test_the_manifest_cannot_be_emptied_by_a_caller():
    data.manifest().clear()
    assert data.manifest()


def test_arrays_are_handed_on_as_they_are_stored():
    images, labels = data.load_fashion_mnist("test")
    stored = data._read_arrays("fashion_mnist/fashion_mnist_12k.npz")
    assert np.array_equal(images, stored["x_test"]) and np.array_equal(labels, stored["y_test"])
    path = next(file for file in data.manifest() if file.startswith("weights/vgg16"))
    raw = safetensors.numpy.load_file(data.FOLDER / path)
    for name, value in data.load_weights("vgg16").items():
        assert np.array_equal(value, raw[name].astype(np.float32))
    far, near = np.split(data.load_texture("brick").astype(float), 2)
    assert np.abs(np.diff(far)).mean() > np.abs(np.diff(near)).mean()  # upright: far bricks above
