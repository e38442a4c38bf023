"""Predictions on the disk: what is read, what is refused, and who may write at a time."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from course_utils.errors import DataError
from course_utils.exercises import kept

ENTRY = {
    "chapter": "cnn", "prompt": "p", "answer": "가", "sure": "sure", "time": "2026-01-01T00:00:00",
}  # fmt: skip
KEY = ("cnn", "p")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new" / "folder" / "predictions.json"


@pytest.fixture
def lock(file):
    """The lock of a kernel that is at work on the file."""
    file.parent.mkdir(parents=True)
    path = file.with_name(".predictions.json.lock")
    path.touch()
    return path


def add(found):
    found[KEY] = dict(ENTRY)


def write(file, entries):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"predictions": entries}), encoding="utf-8")


def test_what_is_kept_is_read_again_and_legible(file):
    assert kept.read_kept(file) == {}
    assert kept.update(str(file), add) == ({KEY: ENTRY}, "")
    assert kept.read_kept(str(file)) == {KEY: ENTRY}
    text = file.read_bytes().decode("utf-8")
    assert "가" in text and text.endswith("}\n") and len(text.splitlines()) > len(ENTRY)
    assert json.loads(text) == {"predictions": [ENTRY]}
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_is_written_only_when_something_changes(file, monkeypatch):
    kept.update(file, lambda found: None)
    assert not file.exists()
    kept.update(file, add)
    monkeypatch.setattr(kept, "write_whole", lambda *_: pytest.fail("it was written again"))
    assert kept.update(file, add) == ({KEY: ENTRY}, "")


@pytest.mark.parametrize("missing", ["chapter", "prompt", "sure", "time", "answer"])
def test_an_entry_without_a_part_is_none(file, missing):
    write(file, [ENTRY, {name: value for name, value in ENTRY.items() if name != missing}])
    with pytest.raises(ValueError, match="other things than predictions"):
        kept.read_kept(file)


@pytest.mark.parametrize("name", ["chapter", "prompt", "sure", "time"])
def test_what_names_an_entry_is_text(file, name):
    write(file, [ENTRY | {name: 7}])
    with pytest.raises(ValueError, match="other things than predictions"):
        kept.read_kept(file)
    write(file, [ENTRY | {"answer": None}])
    assert kept.read_kept(file)[KEY]["answer"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "holds no predictions"),
        ("{}", "holds no predictions"),
        ("7", "holds no predictions"),
        ("[" * 100_000, "holds no predictions"),
        ('{"predictions": {}}', "other things than predictions"),
        ('{"predictions": 7}', "other things than predictions"),
        ('{"predictions": [7]}', "other things than predictions"),
    ],
)
def test_a_file_that_holds_something_else_is_named(file, text, said):
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"^predictions.json.*{said}"):
        kept.read_kept(file)


def test_a_broken_file_gets_the_first_free_name(file):
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    assert "it is called predictions (2).json now" in kept.update(file, add)[1]
    file.write_text("{")
    found, said = kept.update(file, add)
    assert found == {KEY: ENTRY} and "predictions (3).json" in said and "predictions.json" in said
    assert file.with_name("predictions (2).json").read_text() == "mine"
    assert file.with_name("predictions (3).json").read_text() == "{"
    assert kept.read_kept(file) == {KEY: ENTRY}


def test_while_one_writes_the_other_waits(file, lock):
    done = []
    thread = threading.Thread(target=lambda: done.append(kept.update(file, add)))
    thread.start()
    time.sleep(0.15)
    assert not done and not file.exists()
    lock.unlink()
    thread.join(10)
    assert done == [({KEY: ENTRY}, "")] and not lock.exists()


def test_the_lock_is_there_while_something_changes_and_gone_after_an_error(file):
    path = file.with_name(".predictions.json.lock")

    def look(found):
        assert path.exists()
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        kept.update(file, look)
    assert not path.exists() and not file.exists()


def test_a_lock_that_another_has_taken_over_is_not_missed(file):
    path = file.with_name(".predictions.json.lock")
    kept.update(file, lambda found: path.unlink() or add(found))
    assert kept.read_kept(file) == {KEY: ENTRY}


def test_a_lock_that_stays_is_not_waited_for_without_end(file, lock, monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE_S", 0.1)
    assert kept.update(file, add) == ({KEY: ENTRY}, "")
    assert lock.exists()  # it is another kernel's


@pytest.mark.parametrize(("age", "stays"), [(0.3, True), (1.7, False)])
def test_only_an_old_lock_is_taken_over(file, lock, monkeypatch, age, stays):
    monkeypatch.setattr(kept, "PATIENCE_S", 0.1)
    then = time.time() - age * kept.STALE_S
    os.utime(lock, (then, then))
    kept.update(file, add)
    assert lock.exists() == stays and kept.read_kept(file) == {KEY: ENTRY}


def test_another_kernel_is_given_seconds_and_no_minutes():
    assert 1 <= kept.PATIENCE_S < kept.STALE_S <= 60


def refusing(monkeypatch, times=10**9):
    """The system refuses to make a lock, so many times."""
    refused, opened = [], os.open

    def refuse(path, *more, **options):
        if str(path).endswith(".lock") and len(refused) < times:
            refused.append(path)
            raise PermissionError(13, "Permission denied")
        return opened(path, *more, **options)

    monkeypatch.setattr(os, "open", refuse)
    return refused


def test_a_folder_that_is_closed_is_told_at_once(file, monkeypatch):
    asked = []

    def access(folder, mode):
        asked.append((Path(folder), mode))
        return False

    monkeypatch.setattr(os, "access", access)
    refused = refusing(monkeypatch)
    with pytest.raises(DataError, match=r"\(Permission denied\): .*permissions"):
        kept.update(file, add)
    assert len(refused) == 1 and asked == [(file.parent, os.W_OK)]


def test_a_lock_that_is_refused_for_a_moment_is_tried_again(file, monkeypatch):
    refused = refusing(monkeypatch, 2)  # as on Windows, while the other's goes
    kept.update(file, add)
    assert len(refused) == 2 and kept.read_kept(file) == {KEY: ENTRY}


def test_a_problem_without_words_of_the_system_is_told_by_its_own(file, monkeypatch):
    def fail(*_):
        raise OSError("the disk is gone")

    monkeypatch.setattr(kept, "write_whole", fail)
    with pytest.raises(DataError, match=r"\(the disk is gone\)") as caught:
        kept.update(file, add)
    assert caught.value.__cause__ is None and not file.with_name(".predictions.json.lock").exists()


def test_only_the_folder_named_build_of_the_course_itself_is_meant(tmp_path, monkeypatch):
    root = tmp_path / "course"
    monkeypatch.setattr(kept, "ROOT", root)
    homes = {
        root: root / "build" / "work",
        root / "notebooks" / "build": root / "build" / "work",
        root / "build": root / "build",
        root / "build" / "work" / "ko": root / "build" / "work" / "ko",
        tmp_path / "other" / "build": tmp_path / "other" / "build",
        tmp_path: tmp_path,
    }
    for folder, home in homes.items():
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(folder)
        assert kept.kept_file() == home.resolve() / "predictions.json"
