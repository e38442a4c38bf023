"""Forty faults, 21–40: interrupts, files, archives, devices, memory. Nothing is lost or run."""

import ast
import hashlib
import io
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import weakref
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_faults import refused
from torch import nn
from torchvision.models import Weights, WeightsEnum

from course_utils import data, downloads, files, image_files, training
from course_utils.command import readiness
from course_utils.downloads import pretrained_detector
from course_utils.errors import DataError
from course_utils.filters import BOX, conv_matrix
from course_utils.image_files import load_bitmap, load_image, save_bitmap
from notebooks_as_files import CHAPTERS, ROOT, code_cells, read

RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.random((40, 6), dtype=np.float32), np.arange(40) % 3
MODULES = sorted((ROOT / "course_utils").rglob("*.py"))


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3))


def fit(model, **options):
    return training.fit(model, IMAGES, LABELS, epochs=2, batch_size=10, **options)


# interrupts at random moments


def run_until(call, modules, moment):
    """`call()`, interrupted at the moment-th line that these modules run; how many lines ran."""
    names, lines = {module.__file__ for module in modules}, 0

    def trace(frame, event, _):
        nonlocal lines
        if frame.f_code.co_filename not in names:
            return None
        lines += event == "line"
        if lines == moment and event == "line":
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        assert lines == moment
    finally:
        sys.settrace(before)
    return lines


def moments(call, modules, seed=0):
    """Twenty of the lines that these modules run in a whole call."""
    whole = run_until(call, modules, -1)
    return random.Random(seed).choices(range(1, whole + 1), k=20)


def check_usable(model, wanted):
    """A model whose training was interrupted: whole, in its mode, ready; the next run is right."""
    assert all(part.training for part in model) and all(
        p.isfinite().all() for p in model.state_dict().values()
    )
    assert 0 <= training.evaluate(model, IMAGES, LABELS) <= 1
    assert len(fit(model)["loss"]) == 8
    assert fit(small()) == wanted


def test_case_21_twenty_interrupted_trainings(capsys):
    wanted = fit(small())
    for moment in moments(lambda: fit(small()), [training]):
        model = small()
        run_until(lambda model=model: fit(model), [training], moment)
        check_usable(model, wanted)
    assert "epochs, weights kept" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals on Windows")
def test_case_21_twenty_signals_in_training():
    def press(*_):
        raise KeyboardInterrupt

    wanted = fit(small())
    start = time.perf_counter()
    fit(small())
    whole = time.perf_counter() - start
    before, rng = signal.signal(signal.SIGALRM, press), random.Random(0)
    try:
        for _ in range(20):
            model = small()
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.01, 1) * whole)
                fit(model)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:  # before the first step, or after the last
                pass
            check_usable(model, wanted)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("training_mode", [True, False])
def test_case_21_modes_and_switches_come_back_after_an_interrupt_at_any_line(training_mode):
    model = small()

    def use():
        with training.mode(model, training=training_mode):
            torch.set_grad_enabled(False)  # as torch's optimizers do, for a moment
            torch.set_autocast_enabled("cpu", True)
            torch.autocast_increment_nesting()

    for moment in range(1, run_until(use, [training], -1) + 1):
        run_until(use, [training], moment)
        assert all(part.training for part in model.modules()), moment
        assert torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu"), moment
        assert torch.autocast_increment_nesting() == 1, moment  # none is open
        assert torch.autocast_decrement_nesting() == 0, moment


def test_case_21_an_interrupt_inside_autocast_leaves_no_old_weights():
    """Its copies of the weights stay for as long as an outer autocast seems to be open."""
    model, wanted = small(), fit(small(), bfloat16=True)
    with pytest.raises(KeyboardInterrupt), training.mode(model, training=True):
        torch.autocast("cpu", torch.bfloat16).__enter__()
        raise KeyboardInterrupt
    assert fit(small(), bfloat16=True) == wanted


@pytest.mark.parametrize("old", [b"old", None])
def test_case_22_interrupted_saving(tmp_path, old):
    path = tmp_path / "face.bin"

    def save():
        files.write_whole(path, b"new" * 1000)

    for moment in moments(save, [files]):
        path.unlink(missing_ok=True)
        if old:
            path.write_bytes(old)
        run_until(save, [files], moment)
        assert [file.name for file in tmp_path.iterdir()] in ([], ["face.bin"])
        assert (path.read_bytes() if path.exists() else None) in (old, b"new" * 1000)
        save()
        assert path.read_bytes() == b"new" * 1000


def test_case_22_interrupted_downloads(tmp_path, monkeypatch):
    source, places = tmp_path / "set.zip", iter(tmp_path / f"kept {i}" for i in range(99))
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("inside/a.txt", "hello" * 50_000)
        archive.writestr("b.txt", "there")
    offer(monkeypatch, source.read_bytes(), "set.zip")

    def fetch(kept=None):
        return downloads.fetch("tiny", kept or next(places))

    for moment in moments(fetch, [downloads, shutil]):
        kept = next(places)
        run_until(lambda kept=kept: fetch(kept), [downloads, shutil], moment)
        assert not kept.exists() or [file.name for file in kept.iterdir()] in ([], ["tiny"])
        root = fetch(kept)
        assert (root / "inside" / "a.txt").read_text() == "hello" * 50_000
        assert [file.name for file in kept.iterdir()] == ["tiny"]


def test_case_22_interrupted_loading():
    wanted = data.load_photo("coffee", 60)

    def load():
        data._parse_manifest.cache_clear()
        data.load_photo("coffee", 60)

    for moment in moments(load, [data, image_files]):
        run_until(load, [data, image_files], moment)
        assert np.array_equal(data.load_photo("coffee", 60), wanted)


# weights


class Small(WeightsEnum):
    """The weights of a small network."""

    COCO_V1 = Weights("https://example.org/small-01234567.pth", None, {"categories": []})


class Runs:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The place of the weights of a small network."""
    small = (lambda **_: nn.Linear(2, 1), Small.COCO_V1)
    monkeypatch.setattr(downloads, "_torchvision", lambda _: small)
    return tmp_path / "small-01234567.pth"


def saved(arrays):
    file = io.BytesIO()
    torch.save(arrays, file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["half", "empty", "html", "text", "picture"])
def test_case_23_weights_that_are_none(weights, kind):
    whole = saved(nn.Linear(2, 1).state_dict())
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    weights.write_bytes({"half": whole[: len(whole) // 2], "empty": b"", "html": b"<html>login",
                         "text": b"hello", "picture": picture.getvalue()}[kind])  # fmt: skip
    message = refused(
        lambda: pretrained_detector("faster_rcnn", weights.parent),
        str(weights), "does not hold the weights of faster_rcnn", "delete it and fetch it again",
        error=DataError,
    )  # fmt: skip
    assert "weights_only" not in message and "trust" not in message


@pytest.mark.parametrize(
    "other", [nn.BatchNorm1d(1).state_dict(), nn.Linear(9, 9).state_dict(), [1]]
)
def test_case_24_weights_of_another_model(weights, other):
    weights.write_bytes(saved(other))
    refused(
        lambda: pretrained_detector("faster_rcnn", weights.parent),
        "does not hold the weights of faster_rcnn", "fetch it again", error=DataError,
    )  # fmt: skip


def test_case_24_the_course_saves_no_checkpoints():
    for path in MODULES:
        assert not re.search(r"torch\.save|np\.savez?|save_file", path.read_text("utf-8")), path


def test_case_25_code_in_a_pickle_is_not_run(weights, tmp_path, monkeypatch):
    ran, hostile = tmp_path / "ran", pickle.dumps(Runs(tmp_path / "ran"), protocol=2)
    array = io.BytesIO()
    np.savez(array, x_test=np.array([Runs(ran)], dtype=object))
    for body in (hostile, saved({"weight": Runs(ran)})):
        weights.write_bytes(body)
        message = refused(
            lambda: pretrained_detector("faster_rcnn", tmp_path), "does not hold", error=DataError
        )
        assert "weights_only" not in message
        refused(lambda: load_image(weights), "is not a picture", error=DataError)
    body = array.getvalue()
    (tmp_path / "a.npz").write_bytes(body)
    (tmp_path / data.MANIFEST).write_text(f"{hashlib.sha256(body).hexdigest()}  a.npz\n")
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        data._read_arrays("a.npz")
    assert not ran.exists()
    pickle.loads(hostile)  # it would have
    assert ran.exists()


# data


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")
def test_case_26_any_folder_and_a_link_to_the_course(tmp_path):
    link = tmp_path / "link to the course"
    link.symlink_to(ROOT)
    code = "from course_utils import data; print(data.load_photo('coffee').shape)"
    for folder in (ROOT, link / "notebooks", tmp_path):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, env=os.environ | {"PYTHONPATH": str(link)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout == "(400, 600, 3)\n"


def test_case_26_a_missing_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "FOLDER", tmp_path / "nowhere")
    refused(data.load_mnist, str(tmp_path / "nowhere"), "run `uv sync`", error=DataError)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Some small files of data/ of each kind, with their lines of the manifest."""
    sizes = {name: (data.FOLDER / name).stat().st_size for name in data.manifest()}
    kinds = {name.split("/")[0]: [] for name in sizes}
    for name in sorted(sizes, key=sizes.get):
        kinds[name.split("/")[0]].append(name)
    chosen = [name for names in kinds.values() for name in names[:3] if sizes[name] < 200_000]
    for name in chosen:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data.FOLDER / name, tmp_path / name)
    lines = [f"{data.manifest()[name]}  {name}\n" for name in chosen]
    (tmp_path / data.MANIFEST).write_text("".join(lines), encoding="utf-8")
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    return tmp_path


def test_case_27_a_hundred_flipped_bits_in_many_files(copied):
    names, rng = list(data.manifest()), random.Random(0)
    assert len(names) >= 6 and data.check_all() == len(names)
    caught = 0
    for _ in range(100):
        path = copied / (name := rng.choice(names))
        whole = path.read_bytes()
        place, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        for call in (data.check_all, lambda name=name: data.read_checked(name)):
            fix = files.how_to_restore(f"data/{name}")
            refused(call, f"data/{name} is damaged", fix, error=DataError)
        caught += 1
        path.write_bytes(whole)
    assert caught == 100 and data.check_all() == len(names)


@pytest.mark.parametrize("damage", [b"", b"<html>", None])
def test_case_27_other_damage(copied, damage):
    name = next(iter(data.manifest()))
    (copied / name).write_bytes((copied / name).read_bytes()[:-1] if damage is None else damage)
    fix = files.how_to_restore(f"data/{name}")
    refused(lambda: data.read_checked(name), name, "SHA-256", fix, error=DataError)


# downloads and saving


def offer(monkeypatch, body, file="set.tar", get=None):
    """Offer a set called "tiny" made of one archive, from a network of our own making."""
    digest = hashlib.sha256(body).hexdigest()
    monkeypatch.setitem(downloads.SETS, "tiny", ((f"http://x/{file}", digest, ""),))
    get = get or (lambda url, path, _: Path(path).write_bytes(body))
    monkeypatch.setattr(downloads.pooch, "HTTPDownloader", lambda **_: get)


def test_case_29_two_notebooks_at_once(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    source, kept = tmp_path / "set.zip", tmp_path / "kept"
    offer(monkeypatch, source.read_bytes(), source.name)
    unpack, meet, roots = downloads._unpack, threading.Barrier(2, timeout=20), []

    def together(*given):
        unpack(*given)
        meet.wait()

    monkeypatch.setattr(downloads, "_unpack", together)
    threads = [
        threading.Thread(target=lambda: roots.append(downloads.fetch("tiny", kept)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert roots == [kept / "tiny"] * 2 and list(kept.iterdir()) == [kept / "tiny"]
    assert (kept / "tiny" / "a.txt").read_text() == "hello"


def test_case_29_eight_write_one_file(tmp_path):
    bodies = [bytes([number]) * 100_000 for number in range(8)]
    threads = [
        threading.Thread(target=files.write_whole, args=(tmp_path / "a", body)) for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a").read_bytes() in bodies and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("name", "number"), [("open", 13), ("os.fsync", 28), ("os.replace", 30)])
def test_case_30_no_right_or_no_room_to_save(tmp_path, monkeypatch, name, number):
    save_bitmap(tmp_path / "face.png", [[1, 0]])

    def fails(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"course_utils.files.{name}", fails, raising=name != "open")
    refused(
        lambda: save_bitmap(tmp_path / "face.png", [[0, 1]], overwrite=True),
        "face.png cannot be written", os.strerror(number), "choose another folder", error=DataError,
    )  # fmt: skip
    assert load_bitmap(tmp_path / "face.png").tolist() == [[1, 0]]
    assert [file.name for file in tmp_path.iterdir()] == ["face.png"]


@pytest.mark.parametrize("where", ["unpacking", "fetching"])
def test_case_30_no_room_for_a_download(tmp_path, monkeypatch, where):
    def fails(*_):
        raise OSError(28, os.strerror(28))

    offer(monkeypatch, b"", get=fails if where == "fetching" else None)
    if where == "unpacking":
        monkeypatch.setattr(downloads, "_unpack", fails)
    refused(lambda: downloads.fetch("tiny", tmp_path), str(tmp_path), os.strerror(28),
            "set COURSE_DOWNLOADS", error=DataError)  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_case_30_no_home_or_no_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    refused(lambda: downloads.fetch("cifar10", tmp_path / "file"), str(tmp_path / "file"),
            "could not be put into", "set COURSE_DOWNLOADS", error=DataError)  # fmt: skip
    monkeypatch.setenv("COURSE_DOWNLOADS", "~nobody-here/sets")
    for call in (lambda: downloads.downloaded("cifar10"), lambda: pretrained_detector("mask_rcnn")):
        refused(call, "~nobody-here/sets", "set COURSE_DOWNLOADS", error=DataError)


FILE = tarfile.REGTYPE


def tar_with(*members):
    """A tar with a good file and these members, each (name, type, target of a link)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, target in (("good.txt", FILE, ""), *members):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            info.size = 3 if kind == FILE else 0
            tar.addfile(info, io.BytesIO(b"bad"))
    return buffer.getvalue()


def zip_with(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good.txt", "good")
        archive.writestr(name, "bad")
    return buffer.getvalue()


UP, DRIVE = "../../../escaped.txt", "C:\\escaped.txt"
HOSTILE = {  # function of a whole path outside → the archive
    "tar up": lambda _: tar_with((UP, FILE, "")),
    "tar absolute": lambda outside: tar_with((outside, FILE, "")),
    "tar drive": lambda _: tar_with((DRIVE, FILE, "")),
    "tar link": lambda _: tar_with(("link", tarfile.SYMTYPE, UP)),
    "tar absolute link": lambda outside: tar_with(("link", tarfile.SYMTYPE, outside)),
    "tar through a link": lambda _: tar_with(
        ("link", tarfile.SYMTYPE, "../../.."), ("link/escaped.txt", FILE, "")
    ),
    "tar hard link": lambda _: tar_with(("link", tarfile.LNKTYPE, UP)),
    "tar device": lambda _: tar_with(("null", tarfile.CHRTYPE, "")),
    "zip up": lambda _: zip_with(UP),
    "zip absolute": zip_with,
    "zip drive": lambda _: zip_with(DRIVE),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_case_32_an_archive_that_leaves_its_folder(tmp_path, monkeypatch, kind):
    """It is refused, or what would leave lands inside: never anything outside, nor by a link."""
    body, file = HOSTILE[kind](str(tmp_path / "escaped.txt")), f"set.{kind[:3]}"
    kept = tmp_path / "a" / "kept"
    offer(monkeypatch, body, file)
    try:
        downloads.fetch("tiny", kept)
    except DataError as problem:
        assert f"tiny could not be put into {kept}" in str(problem) and "run this" in str(problem)
        assert list(kept.iterdir()) == []
    written = [path for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()]
    assert all(path.is_relative_to(kept / "tiny") and path.is_file() for path in written)
    assert not any(path.is_symlink() for path in written)


NAMES = [
    "with space",
    "é",
    "한글",
    "~",
    "a" * 100 + "/" + "b" * 100 + "/" + "c" * 100,
    "back\\slash",
]


@pytest.mark.parametrize("name", NAMES)
def test_case_33_folders_of_any_name(tmp_path, monkeypatch, name):
    if sys.platform == "win32" and name in NAMES[-2:]:
        pytest.skip("a backslash divides there, and long names need a setting")
    folder = tmp_path / name
    folder.mkdir(parents=True)
    save_bitmap(folder / "face.png", [[1, 0]])
    assert load_bitmap(folder / "face.png").tolist() == [[1, 0]]
    body = tar_with()
    (folder / "set.tar").write_bytes(body)
    offer(monkeypatch, body)
    assert (downloads.fetch("tiny", folder) / "good.txt").read_bytes() == b"bad"


def test_case_33_the_home_folder_and_a_pasted_windows_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_bitmap("~/face.png", [[1, 0]])
    assert load_image("~/face.png").shape == (1, 2, 3)
    refused(lambda: load_image(r"C:\Users\me\cat.png"), "no picture at", "cat.png",
            "check the name and the folder", error=DataError)  # fmt: skip


# devices and memory


class Heavy(nn.Module):
    """A network for whose batches of more than ten images the memory is too small."""

    def __init__(self, where):
        super().__init__()
        self.layer, self.where, self.kept = nn.Linear(6, 3), where, []

    def forward(self, x):
        activations = self.layer(x)
        self.kept.append(weakref.ref(activations))
        if len(x) > 10 and self.where == "GPU":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if len(x) > 10 and self.where == "CPU":
            torch.empty(2**50)
        if len(x) > 10:
            activations.register_hook(self.fill)
        return activations

    def fill(self, _):
        raise torch.OutOfMemoryError("CUDA out of memory, on the way back.")


@pytest.mark.parametrize("where", ["GPU", "CPU", "backward"])
def test_case_35_memory_full_then_a_smaller_batch(where):
    model = Heavy(where)
    with pytest.raises(
        ValueError, match="batch_size 40 is too much for the memory; use batch_size=20"
    ) as kept:
        training.fit(model, IMAGES, LABELS, epochs=1, batch_size=40)
    assert [ref() for ref in model.kept] == [None]  # the error holds none of it
    assert len(training.fit(model, IMAGES, LABELS, epochs=1, batch_size=10)["loss"]) == 4
    if where != "backward":
        refused(lambda: training.evaluate(model, IMAGES, LABELS), "batch_size 1000", "=500")
    assert (
        kept.type.__name__ == "ArgumentError" and training.evaluate(model, IMAGES, LABELS, 10) > 0
    )


def test_case_36_only_float32_and_int64_reach_the_device():
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            seen.append(x.dtype)
            return super().forward(x)

    model = Spy(6, 3)
    refused(
        lambda: fit_on(model, IMAGES.astype(float)),
        "float32",
        "float64",
        "images.astype(np.float32)",
    )
    refused(lambda: fit_on(model, torch.tensor(IMAGES).double()), "float64", "use images.float()")
    assert seen == []
    fit_on(model, IMAGES, loss=lambda logits, y: seen.append(y.dtype) or logits.sum())
    assert set(seen) == {torch.float32, torch.int64}
    assert {array.dtype for array in data.load_weights("vgg16").values()} == {np.dtype("float32")}


def fit_on(model, images, **options):
    return training.fit(model, images, LABELS.astype(np.uint8), epochs=1, **options)


def test_case_37_nothing_is_loaded_by_workers():
    own = "answer_trials"  # a class's answers, each in a process that it may end
    sources = [path.read_text("utf-8") for path in MODULES if path.stem != own]
    sources += [cell.source for path in CHAPTERS for cell in code_cells(read(path))]
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called.split(".")[-1] not in ("ProcessPoolExecutor", "Process")
            if isinstance(node, ast.keyword):
                assert node.arg != "num_workers"


def test_case_38_memory_stays_small():
    refused(lambda: conv_matrix(BOX, 5000, 5000), "height and width (5000, 5000)", "GiB",
            "use a smaller image")  # fmt: skip
    largest = []
    model = small()
    model.register_forward_hook(lambda _, given, __: largest.append(len(given[0])))
    images = np.zeros((2500, 6), np.float32)
    training.evaluate(model, images, np.zeros(2500, int))
    assert largest == [1000, 1000, 500]


def test_case_39_two_runtimes(monkeypatch):
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    def dies(*_, **__):
        raise DeadKernelError("Kernel died")

    monkeypatch.setattr(NotebookClient, "execute", dies)
    _, (problem,) = readiness.check_chapters(CHAPTERS[:1])
    assert "the kernel ended" in problem and "`uv sync --reinstall`" in problem
    variable = "KMP_DUPLICATE" + "_LIB_OK"
    for path in (
        *MODULES,
        *CHAPTERS,
        *ROOT.glob("*.md"),
        *ROOT.glob("*.yml"),
        *ROOT.glob("*.toml"),
    ):
        assert variable not in path.read_text("utf-8"), path
