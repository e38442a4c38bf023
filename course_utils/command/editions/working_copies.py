"""The working copies of the chapters in build/work/, which `course lab` opens.

So that reading and typing change no file of the course, and corrections can come. A copy keeps
the SHA-256 of what stood in its cells when it was written: it tells whether somebody has typed in
the copy, and whether the chapter has changed since.
"""

import itertools
from pathlib import Path
from typing import NamedTuple

from course_utils.command.editions.edition import (
    BUILD,
    edition,
    holds_work,
    with_guesses,
    without_answers,
)
from course_utils.command.notebook_files import as_bytes, read_notebook, write
from course_utils.errors import CourseError

WORK = BUILD / "work"


class WorkingCopy(NamedTuple):
    """A chapter's working copy: the one to open, and the newest, which may be the same."""

    chapter: Path
    opened: Path
    newest: Path


def prepare(chapter, folder):
    """Write the working copy of the chapter at `chapter` where one is missing or old.

    What somebody has typed stays: if the chapter has changed since, its new copy is written beside,
    as "new_NAME.ipynb". The copy to open is the last in which work is found. Returns a
    WorkingCopy. Raises CourseError.
    """
    fresh, opened = working_copy(chapter, folder), None
    for file in names(folder / chapter.name):
        has_work, version = look(file)
        if has_work and version:
            opened = file
        if version == fresh.metadata.course.sources:
            return WorkingCopy(chapter, opened or file, file)
        if not has_work:
            try:
                write(file, as_bytes(fresh))
            except CourseError as problem:
                way = "or open the chapter itself with `course lab --source`"
                raise CourseError(f"{problem}, {way}") from None
            return WorkingCopy(chapter, opened or file, file)


def names(file):
    """The names that the copies of a chapter may have: NAME, new_NAME, new_2_NAME, …

    What tells them apart stands first, since JupyterLab's list of files cuts long names.
    """
    yield file
    yield file.with_name(f"new_{file.name}")
    for number in itertools.count(2):
        yield file.with_name(f"new_{number}_{file.name}")


def look(file):
    """(whether a file holds work, SHA-256 of the sources with which it was written, or None)."""
    try:
        version = read_notebook(file).metadata.course.sources
    except (CourseError, AttributeError):
        version = None
    return holds_work(file), version


def working_copy(chapter, folder):
    """The chapter at `chapter` as a notebook for `folder`: its links lead where they did.

    It has no outputs yet, what answers a prediction is folded, and predictions can be kept.
    """
    source = read_notebook(chapter)
    cells = with_guesses(without_answers(source.cells), chapter)
    return edition(source, cells, "work", chapter.parent, folder)
