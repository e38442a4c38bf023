"""Fetching on request: right bytes arrive whole, anything else leaves one sentence and nothing.

No network here: a server on this machine, and a small detector of our own making.
"""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading
import time
import zipfile

import pytest
import torch
from torchvision.models import Weights, WeightsEnum

from course_utils import downloads
from course_utils.downloads import fetch_detector, pretrained_detector
from course_utils.errors import ArgumentError, DataError


def tar_of(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name.replace("UP", "../"))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(name, data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, body, sent = self.server.pages.get(self.path, (404, b"", None))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running():
    """A web server on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def server(running, monkeypatch):
    """The server: `pages` maps a path to (status, body, bytes really sent); `asked` is a list."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between two tries
    running.pages, running.asked = {}, []
    return running


@pytest.fixture
def offer(server, monkeypatch):
    """Function that offers a set called "tiny" made of one file."""

    def put(file, body, status=200, sent=None, digest=None, inside=""):
        server.pages[f"/{file}"] = (status, body, sent)
        url = f"http://127.0.0.1:{server.server_port}/{file}"
        digest = digest or hashlib.sha256(body).hexdigest()
        monkeypatch.setitem(downloads.SETS, "tiny", ((url, digest, inside),))

    return put


@pytest.mark.parametrize(
    ("file", "body"),
    [
        ("set.tar.gz", tar_of(**{"a.txt": b"hello"})),
        ("set.zip", zip_of("a.txt", b"hello")),
        ("a.txt.gz", gzip.compress(b"hello")),
    ],
    ids=["tar", "zip", "gz"],  # bytes as names would hold the time
)
def test_a_set_arrives_once_and_whole(offer, server, tmp_path, file, body):
    offer(file, body, inside="raw")
    assert downloads.downloaded("tiny", tmp_path / "한글 sets") is None
    root = downloads.fetch("tiny", tmp_path / "한글 sets")
    assert downloads.downloaded("tiny", tmp_path / "한글 sets") == root
    assert (root / "raw" / "a.txt").read_bytes() == b"hello"
    assert [path.name for path in root.parent.iterdir()] == ["tiny"]
    assert downloads.fetch("tiny", tmp_path / "한글 sets") == root
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"status": 404}, r"set\.zip could not be fetched \(404 .*\): connect to a network"),
        ({"status": 503}, r"could not be fetched \(503"),
        ({"digest": "0" * 64}, "came with wrong bytes .* thrown away"),
        ({"sent": 20}, r"could not be fetched \(IncompleteRead\(20 bytes read"),
    ],
)
def test_anything_else_leaves_nothing(offer, tmp_path, options, says):
    offer("set.zip", zip_of("a.txt", b"hello"), **options)
    with pytest.raises(DataError, match=says) as caught:
        downloads.fetch("tiny", tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_one_sentence(server, tmp_path, monkeypatch):
    monkeypatch.setitem(downloads.SETS, "tiny", (("http://127.0.0.1:9/set.zip", "0" * 64, ""),))
    said = r"set\.zip could not be fetched \(Connection refused\).*put the file from"
    with pytest.raises(DataError, match=said):
        downloads.fetch("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_stall_ends(server, tmp_path, monkeypatch):
    import socket

    quiet = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{quiet.getsockname()[1]}/set.zip"
    monkeypatch.setattr(downloads, "TIMEOUT_S", 0.2)
    monkeypatch.setitem(downloads.SETS, "tiny", ((url, "0" * 64, ""),))
    with pytest.raises(DataError, match="timed out"):
        downloads.fetch("tiny", tmp_path)
    quiet.close()


def test_an_archive_put_there_by_hand_is_used(offer, server, tmp_path):
    body = zip_of("a.txt", b"hello")
    offer("set.zip", body, status=503)
    (tmp_path / "set.zip").write_bytes(body)
    assert (downloads.fetch("tiny", tmp_path) / "a.txt").is_file()
    assert server.asked == [] and (tmp_path / "set.zip").is_file()


def test_an_interrupt_leaves_nothing(offer, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "_unpack", interrupted)
    with pytest.raises(KeyboardInterrupt):
        downloads.fetch("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_can_be_chosen_by_a_variable(offer, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))
    monkeypatch.setenv("COURSE_DOWNLOADS", str(tmp_path / "elsewhere"))
    assert downloads.downloaded("tiny") is None
    assert (
        downloads.fetch("tiny") == tmp_path / "elsewhere" / "tiny" == downloads.downloaded("tiny")
    )


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match="could not be put into .*: set COURSE_DOWNLOADS"):
        downloads.fetch("cifar10", tmp_path / "file")


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(ArgumentError, match="did you mean 'cifar10'"):
        downloads.fetch("cifar_10")
    with pytest.raises(ArgumentError, match="did you mean 'cifar10'"):
        downloads.downloaded("cifar_10")


def test_addresses_and_sums_are_well_formed():
    for files in downloads.SETS.values():
        for url, digest, _ in files:
            assert url.startswith("https://") and len(digest) == 64 and int(digest, 16)


def test_torchvision_reads_the_layout(tmp_path, offer, monkeypatch):
    """Fashion-MNIST's four files, made small, land where torchvision looks without a download."""
    import struct

    import torchvision

    files = []
    for url, _, inside in downloads.SETS["fashion_mnist"]:
        file = url.rsplit("/", 1)[1]
        images = "images" in file
        head = struct.pack(">IIII", 2051, 5, 28, 28) if images else struct.pack(">II", 2049, 5)
        body = gzip.compress(head + bytes(5 * (784 if images else 1)))
        (tmp_path / file).write_bytes(body)
        files.append((url, hashlib.sha256(body).hexdigest(), inside))
    monkeypatch.setitem(downloads.SETS, "fashion_mnist", tuple(files))
    root = downloads.fetch("fashion_mnist", tmp_path)
    assert len(torchvision.datasets.FashionMNIST(root, train=False)) == 5


@pytest.mark.parametrize("file", ["set.zip", "set.tar.gz", "set.tar", "a.gz"])
def test_an_archive_that_does_not_unpack_is_one_sentence(offer, tmp_path, file):
    offer(file, b"not an archive at all")
    with pytest.raises(DataError, match="tiny could not be put into") as caught:
        downloads.fetch("tiny", tmp_path)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_a_busy_server_is_asked_again(offer, server, tmp_path):
    offer("set.zip", b"", status=503)
    with pytest.raises(DataError, match="could not be fetched"):
        downloads.fetch("tiny", tmp_path)
    assert len(server.asked) == downloads.RETRIES + 1


def test_a_wrong_archive_put_there_by_hand_is_left_and_not_used(offer, server, tmp_path):
    body = zip_of("a.txt", b"hello")
    offer("set.zip", body)
    (tmp_path / "set.zip").write_bytes(b"half")
    assert (downloads.fetch("tiny", tmp_path) / "a.txt").read_bytes() == b"hello"
    assert len(server.asked) == 1 and (tmp_path / "set.zip").read_bytes() == b"half"


def test_a_network_lost_on_the_way_is_tried_again_and_named(offer, server, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))

    def lost(*_):
        raise OSError(113, "No route to host")

    monkeypatch.setattr(http.client.HTTPResponse, "read", lost)
    with pytest.raises(DataError, match="set.zip could not be fetched .*No route to host"):
        downloads.fetch("tiny", tmp_path)
    assert len(server.asked) == downloads.RETRIES + 1 and list(tmp_path.iterdir()) == []


def test_an_old_python_is_told_before_anything_is_fetched(offer, server, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))
    monkeypatch.delattr(downloads.tarfile, "data_filter")
    with pytest.raises(DataError, match="from Python 3.11.4 on"):
        downloads.fetch("tiny", tmp_path)
    assert not server.asked


# torchvision's detectors


def build(weights=None, weights_backbone=None):
    return torch.nn.Linear(2, 1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A detector whose weights lie in a folder, under an address that needs no network."""
    source = tmp_path / "made"
    torch.save(build().state_dict(), source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    named = source.rename(tmp_path / f"small-{digest}.pth")
    meta = {"categories": ["__background__", "cup"]}
    small = Weights(url=named.as_uri(), transforms=None, meta=meta)
    weights = WeightsEnum("Small", {"COCO_V1": small}).COCO_V1
    monkeypatch.setattr(downloads, "_torchvision", lambda _: (build, weights))
    return named


def test_detectors_are_named_after_their_bytes():
    for name in downloads.DETECTORS:
        _, weights = downloads._torchvision(name)
        stem, digest = weights.url.rsplit("/", 1)[1].removesuffix(".pth").rsplit("-", 1)
        assert stem and len(digest) == 8 and int(digest, 16)
        assert weights.meta["categories"][1] == "person"


def test_no_detector_before_it_was_fetched(tmp_path, monkeypatch):
    assert pretrained_detector("mask_rcnn", tmp_path) is None
    monkeypatch.setenv("COURSE_DOWNLOADS", str(tmp_path))
    assert pretrained_detector("faster_rcnn") is None


def test_a_detector_is_fetched_once_and_used(here, tmp_path):
    folder = tmp_path / "kept"
    path = fetch_detector("faster_rcnn", folder)
    assert path.read_bytes() == here.read_bytes() and [path] == list(folder.iterdir())
    here.unlink()
    assert fetch_detector("faster_rcnn", folder) == path  # no second download
    model, names = pretrained_detector("faster_rcnn", folder)
    assert not model.training and names == ["__background__", "cup"]


def test_wrong_weights_are_thrown_away(here, tmp_path):
    here.write_bytes(b"a login page")
    with pytest.raises(DataError, match="could not be fetched .*invalid hash value"):
        fetch_detector("faster_rcnn", tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_no_network_for_a_detector_is_one_sentence(here, tmp_path):
    here.unlink()
    with pytest.raises(DataError, match="connect to a network and run this again, or put the file"):
        fetch_detector("faster_rcnn", tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_another_detector_is_refused(tmp_path):
    for call in (fetch_detector, pretrained_detector):
        with pytest.raises(ArgumentError, match="name must be"):
            call("yolo", tmp_path)


def test_the_real_detector_can_be_built():
    build, weights = downloads._torchvision("faster_rcnn")
    model = build(weights=None, weights_backbone=None).eval()
    with torch.inference_mode():
        (found,) = model([torch.rand(3, 64, 64)])
    assert set(found) == {"boxes", "labels", "scores"} and len(weights.meta["categories"]) == 91
