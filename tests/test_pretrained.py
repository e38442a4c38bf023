"""torchvision's detectors on request: no network here, a file of our own making instead."""

import hashlib

import pytest
import torch

from course_utils import pretrained
from course_utils.errors import ArgumentError, DataError
from course_utils.pretrained import DETECTORS, fetch_detector, pretrained_detector


class Weights:
    """Stands for torchvision's weights: an address and names."""

    meta = {"categories": ["__background__", "cup"]}

    def __init__(self, url):
        self.url = url


def build(weights=None, weights_backbone=None):
    return torch.nn.Linear(2, 1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A detector whose weights lie in a folder, under an address that needs no network."""
    source = tmp_path / "made"
    torch.save(build().state_dict(), source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    named = source.rename(tmp_path / f"small-{digest}.pth")
    monkeypatch.setitem(DETECTORS, "faster_rcnn", (build, Weights(named.as_uri())))
    return named


def test_the_files_are_named_after_their_bytes():
    for _, weights in DETECTORS.values():
        stem, digest = weights.url.rsplit("/", 1)[1].removesuffix(".pth").rsplit("-", 1)
        assert stem and len(digest) == 8 and int(digest, 16)
        assert weights.meta["categories"][1] == "person"


def test_none_before_it_was_fetched(tmp_path, monkeypatch):
    assert pretrained_detector("mask_rcnn", tmp_path) is None
    monkeypatch.setenv("COURSE_DOWNLOADS", str(tmp_path))
    assert pretrained_detector("faster_rcnn") is None


def test_fetched_once_and_used(here, tmp_path):
    folder = tmp_path / "kept"
    path = fetch_detector("faster_rcnn", folder)
    assert path.read_bytes() == here.read_bytes() and [path] == list(folder.iterdir())
    here.unlink()
    assert fetch_detector("faster_rcnn", folder) == path  # no second download
    model, names = pretrained_detector("faster_rcnn", folder)
    assert not model.training and names == ["__background__", "cup"]


def test_wrong_bytes_are_thrown_away(here, tmp_path):
    here.write_bytes(b"a login page")
    with pytest.raises(DataError, match="could not be fetched .*invalid hash value"):
        fetch_detector("faster_rcnn", tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_no_network_is_one_sentence(here, tmp_path):
    here.unlink()
    with pytest.raises(DataError, match="connect to a network and run this again, or put the file"):
        fetch_detector("faster_rcnn", tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_a_damaged_file_is_named(here, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / here.name).write_bytes(b"half a file")
    with pytest.raises(DataError, match="is damaged .*delete it and fetch it again"):
        pretrained_detector("faster_rcnn", tmp_path / "kept")


def test_another_name_is_refused(tmp_path):
    for call in (fetch_detector, pretrained_detector):
        with pytest.raises(ArgumentError, match="name must be"):
            call("yolo", tmp_path)


def test_the_real_one_can_be_built():
    build, weights = pretrained.DETECTORS["faster_rcnn"]
    model = build(weights=None, weights_backbone=None).eval()
    with torch.inference_mode():
        (found,) = model([torch.rand(3, 64, 64)])
    assert set(found) == {"boxes", "labels", "scores"} and len(weights.meta["categories"]) == 91
