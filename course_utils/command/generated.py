"""What the course wrote into a folder, so that what a person typed there is never overwritten."""

import hashlib
import json
import os

from course_utils.command.notebook_files import write
from course_utils.errors import CourseError

RECORD = ".generated.json"  # file name → SHA-256 of what was last written there


def is_ours(target, data):
    """Whether a file may be written: it is not there, or stands as it was generated.

    data: the bytes to be written. Raises CourseError if the file cannot be read.
    """
    if not target.exists():
        return True
    try:
        there = target.read_bytes()
    except OSError as problem:
        raise CourseError(
            f"{target} cannot be read ({problem.strerror}): move it away, or mend its permissions"
        ) from None
    return there == data or hashlib.sha256(there).hexdigest() == _record(target).get(target.name)


def write_generated(target, data):
    """Write bytes to `target` and remember that they are the course's. Raises CourseError."""
    record = _record(target)
    write(target, data)
    record[target.name] = hashlib.sha256(data).hexdigest()
    write(target.parent / RECORD, (json.dumps(record, indent=2) + "\n").encode())


def free_name(target):
    """The first of "NAME (2).ipynb", "NAME (3).ipynb", … that is not there yet."""
    number = 2
    while (free := target.with_name(f"{target.stem} ({number}){target.suffix}")).exists():
        number += 1
    return free


def put_aside(target, data):
    """Rename a file that is not ours (see `is_ours`); returns its new path, None if nothing moved.

    Raises CourseError.
    """
    if is_ours(target, data):
        return None
    free = free_name(target)
    try:
        os.rename(target, free)
    except OSError as problem:
        raise CourseError(
            f"{target} holds what you typed and cannot be renamed ({problem.strerror}): close it"
        ) from None
    return free


def _record(target):
    """Dict of file name → SHA-256 of the target's folder; empty if none can be read."""
    try:
        record = json.loads((target.parent / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
