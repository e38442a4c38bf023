"""Kept predictions: predictions.json beside the notebook, read, merged and written whole."""

import contextlib
import json
import os
import time
from pathlib import Path

from course_utils.errors import DataError
from course_utils.files import ROOT, write_whole

NAME = "predictions.json"
PATIENCE_S, STALE_S = 3, 10  # how long to wait for another kernel, and when it must have died


def kept_file():
    """Where predictions are kept: in the folder of the notebook, never in a folder of the course.

    A kernel that works elsewhere in the course's folder than in build/, such as one of
    `course lab --source`, keeps them in build/work/, beside its other copies.
    """
    here = Path.cwd().resolve()
    if here.is_relative_to(ROOT) and not here.is_relative_to(ROOT / "build"):
        here = ROOT / "build" / "work"
    return here / NAME


def read_kept(file):
    """What is kept in `file`: dict of (chapter, prompt) → dict; empty if there is no file.

    Each has chapter, prompt, answer, sure, right (None before the answer was told), told (whether
    it was), later (whether it was first kept after the answer) and time (UTC, as ISO 8601 writes
    it). Raises ValueError if the file holds something else, OSError if it cannot be read.
    """
    try:
        entries = json.loads(Path(file).read_text(encoding="utf-8"))["predictions"]
    except FileNotFoundError:
        return {}
    except (TypeError, KeyError, RecursionError) as problem:
        raise ValueError(f"{NAME} holds no predictions: {problem!r}") from None
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise ValueError(f"{NAME} holds other things than predictions")
    return {(entry["chapter"], entry["prompt"]): entry for entry in entries}


def _is_entry(entry):
    """Whether something read from a file is one kept prediction."""
    if not isinstance(entry, dict):
        return False
    texts = [entry.get(name) for name in ("chapter", "prompt", "sure", "time")]
    return all(isinstance(text, str) for text in texts) and "answer" in entry


def update(file, change):
    """Read what is kept, let `change` alter the dict, and write it whole if it has changed.

    change: function (dict as `read_kept` returns it), which alters it in place. A file that is
    broken is put aside. Two kernels do this one after the other. Returns the dict and a sentence on
    a file that was put aside, or "". Raises DataError if the file cannot be read or written.
    """
    file = Path(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(file):
            kept, said = _read_or_put_aside(file)
            before = json.dumps(list(kept.values()))
            change(kept)
            entries = list(kept.values())
            if json.dumps(entries) != before:
                text = json.dumps({"predictions": entries}, indent=1, ensure_ascii=False)
                write_whole(file, (text + "\n").encode())
    except OSError as problem:
        why = problem.strerror or problem
        raise DataError(
            f"{file} cannot be read or written ({why}): free space, or mend its permissions"
        ) from None
    return kept, said


def _read_or_put_aside(file):
    """What is kept, and a sentence if the file was broken and has another name now."""
    try:
        return read_kept(file), ""
    except ValueError:
        number = 2
        while (aside := file.with_name(f"{file.stem} ({number}){file.suffix}")).exists():
            number += 1
        os.rename(file, aside)
        return {}, f"{NAME} could not be read: it is called {aside.name} now, and a new one began."


@contextlib.contextmanager
def _alone(file):
    """Wait until no other kernel changes the file; a lock that was left behind is taken over."""
    lock, end = file.with_name(f".{file.name}.lock"), time.monotonic() + PATIENCE_S
    owned = False
    while not owned and time.monotonic() < end:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            owned = True
        except (FileExistsError, PermissionError):  # the latter on Windows, while it goes
            with contextlib.suppress(FileNotFoundError):
                if not lock.exists():
                    _raise_if_closed(file.parent)
                elif time.time() - lock.stat().st_mtime > STALE_S:
                    lock.unlink(missing_ok=True)
            time.sleep(0.02)
    try:
        yield
    finally:
        if owned:
            lock.unlink(missing_ok=True)


def _raise_if_closed(folder):
    """Raise PermissionError if nothing can be written into a folder."""
    if not os.access(folder, os.W_OK):
        raise PermissionError(13, "Permission denied")
