"""Fetching on request: right bytes arrive whole, anything else leaves one sentence and nothing."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile

import pytest

from course_utils import downloads
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


@pytest.fixture
def server():
    """A web server on this machine: `pages` maps a path to (status, body, bytes really sent)."""

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

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.pages, running.asked = {}, []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def offer(server, monkeypatch):
    """Offer a set called "tiny" made of one file; returns nothing."""
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)

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
        ({"status": 404}, r"set\.zip could not be fetched \(Not Found\): connect to a network"),
        ({"status": 503}, "could not be fetched"),
        ({"digest": "0" * 64}, "came with wrong bytes .* thrown away"),
        ({"sent": 20}, r"could not be fetched \(the connection was cut after 20 of"),
    ],
)
def test_anything_else_leaves_nothing(offer, tmp_path, options, says):
    offer("set.zip", zip_of("a.txt", b"hello"), **options)
    with pytest.raises(DataError, match=says) as caught:
        downloads.fetch("tiny", tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)
    monkeypatch.setitem(downloads.SETS, "tiny", (("http://127.0.0.1:9/set.zip", "0" * 64, ""),))
    with pytest.raises(DataError, match=r"set\.zip could not be fetched .*put the file from"):
        downloads.fetch("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_stall_ends(offer, server, tmp_path, monkeypatch):
    import socket

    quiet = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{quiet.getsockname()[1]}/set.zip"
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)
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


@pytest.mark.parametrize("name", ["UPescaped.txt", "/escaped.txt"])
def test_a_member_that_leaves_the_folder_is_refused(offer, tmp_path, name):
    offer("set.tar.gz", tar_of(**{name: b"bad"}))
    folder = tmp_path / "sets"
    with pytest.raises(DataError, match="could not be put into"):
        downloads.fetch("tiny", folder)
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "escaped.txt").exists()


def test_the_folder_can_be_chosen_by_a_variable(offer, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))
    monkeypatch.setenv("COURSE_DOWNLOADS", str(tmp_path / "elsewhere"))
    assert downloads.downloaded("tiny") is None
    assert (
        downloads.fetch("tiny") == tmp_path / "elsewhere" / "tiny" == downloads.downloaded("tiny")
    )


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match="cannot be written .*set COURSE_DOWNLOADS"):
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


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(offer, server, tmp_path):
    offer("set.zip", b"", status=503)
    with pytest.raises(DataError, match="could not be fetched"):
        downloads.fetch("tiny", tmp_path)
    assert len(server.asked) == downloads.TRIES
    offer("set.zip", b"", status=404)
    with pytest.raises(DataError, match="could not be fetched"):
        downloads.fetch("tiny", tmp_path)
    assert len(server.asked) == downloads.TRIES + 1


def test_a_wrong_archive_put_there_by_hand_is_left_and_not_used(offer, server, tmp_path):
    body = zip_of("a.txt", b"hello")
    offer("set.zip", body)
    (tmp_path / "set.zip").write_bytes(b"half")
    assert (downloads.fetch("tiny", tmp_path) / "a.txt").read_bytes() == b"hello"
    assert len(server.asked) == 1 and (tmp_path / "set.zip").read_bytes() == b"half"


def test_another_notebook_may_be_first(offer, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))

    def beaten(source, target):
        target.mkdir()
        raise FileExistsError

    monkeypatch.setattr(downloads.os, "rename", beaten)
    assert downloads.fetch("tiny", tmp_path) == tmp_path / "tiny"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_network_lost_on_the_way_is_tried_again_and_named(offer, server, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))

    def lost(*_):
        raise OSError(113, "No route to host")

    monkeypatch.setattr(http.client.HTTPResponse, "read", lost)
    with pytest.raises(DataError, match="set.zip could not be fetched .*No route to host"):
        downloads.fetch("tiny", tmp_path)
    assert len(server.asked) == downloads.TRIES and list(tmp_path.iterdir()) == []


def test_an_old_python_is_told_before_anything_is_fetched(offer, server, tmp_path, monkeypatch):
    offer("set.zip", zip_of("a.txt", b"hello"))
    monkeypatch.delattr(downloads.tarfile, "data_filter")
    with pytest.raises(DataError, match="from Python 3.11.4 on"):
        downloads.fetch("tiny", tmp_path)
    assert not server.asked
