"""For translators: `course translate` keeps the Korean catalogs in step with the course."""

import json
import sys
from pathlib import Path

from course_utils.command.translation.catalogs import (
    CHAPTER_CATALOGS,
    PACKAGE_CATALOGS,
    read_catalog,
    update_chapters,
    write_catalog,
)
from course_utils.command.translation.checks import problems, read_terms, waived
from course_utils.errors import ArgumentError, CourseError
from course_utils.files import find, nearest


def update():
    """Bring all catalogs in step with notebooks and package; returns lines, one a catalog."""
    from course_utils.command.translation.korean_page import update_page
    from course_utils.command.translation.package_texts import update_package

    lines, sums = [], [0] * 4
    for path in [*update_chapters(), update_page(), *update_package()]:
        entries = read_catalog(path)
        words = sum(len(entry.english.split()) for entry in entries)
        missing = sum(not entry.korean for entry in entries)
        counts = [len(entries), words, missing, sum(entry.stale for entry in entries)]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        lines.append(_counted(path.stem, counts))
    return [*lines, _counted("together", sums)]


def _counted(name, counts):
    return "{}: {} blocks, {} words, {} missing, {} stale".format(name, *counts)


def catalog(name):
    """The path of the catalog `name`, as "01_image_data.01", "doctor" or a path.

    Raises ArgumentError if there is none.
    """
    paths = [
        path for folder in (CHAPTER_CATALOGS, PACKAGE_CATALOGS) for path in folder.glob("*.po")
    ]
    stem = Path(name).name.removesuffix(".po")
    for path in paths:
        if path.stem == stem:
            return path
    near = nearest(stem, [path.stem for path in paths])
    hint = f"; did you mean {near!r}?" if near else ""
    raise ArgumentError(f"there is no catalog {name!r}{hint}")


def missing(name):
    """What is still to be translated of a catalog: JSON lines, in the order of the course.

    A stale block comes with what its English was, and with its old translation.
    """
    lines = []
    for entry in read_catalog(catalog(name)):
        if entry.done:
            continue
        line = {"context": entry.context, "english": entry.english}
        if entry.stale:
            line |= {"was": entry.previous, "korean": entry.korean}
        lines.append(json.dumps(line, ensure_ascii=False))
    return lines


def take(name, file):
    """Store the translations of a file of JSON lines; returns (how many, sentences on the rest).

    A line is {"context": …, "english": … (optional), "korean": …, "ok": [names of checks that
    raise a false alarm] (optional)}. What a check refuses is not stored. Raises CourseError.
    """
    path, terms, stored, refused = catalog(name), read_terms(), 0, []
    entries = read_catalog(path)
    known = {entry.context: entry for entry in entries}
    for given in _lines(file):
        context = given.get("context")
        entry, korean = known.get(context), str(given.get("korean", "")).strip()
        if entry is None:
            near = nearest(str(context), list(known))
            refused.append(f"{context}: not in {path.name}" + (f"; {near}?" if near else ""))
        elif given.get("english", entry.english).strip() != entry.english:
            refused.append(f"{context}: its English is now {entry.english!r}")
        elif not korean:
            refused.append(f"{context}: it has no korean")
        else:
            notes = [note for note in entry.notes if not note.startswith("ok:")]
            notes += [f"ok: {check}" for check in given.get("ok", [])]
            found = problems(entry.context, entry.english, korean, terms, waived(notes))
            if found:
                refused += [f"{context}: {sentence}" for sentence in found]
                continue
            entry.korean, entry.stale, entry.previous = korean, False, ""
            entry.notes, stored = notes, stored + 1
    if stored:
        write_catalog(path, entries)
    return stored, refused


def _lines(file):
    """The objects in a file of JSON lines; "-" is what comes from the terminal."""
    try:
        path, hint = (None, None) if file == "-" else find(file, Path.is_file)
        if hint is not None:
            raise ArgumentError(f"there is no file {file}{hint}")
        text = path.read_text(encoding="utf-8") if path else sys.stdin.read()
    except (OSError, UnicodeDecodeError) as problem:
        raise CourseError(f"{file} cannot be read: {problem}") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except ValueError as problem:
            raise CourseError(f"{file}, line {number} is no JSON: {problem}") from None
        if not isinstance(found[-1], dict):
            raise CourseError(f"{file}, line {number} is no object {{…}}")
    return found


def catalog_problems(name):
    """What the checks find in the translations of a catalog: a list of sentences."""
    terms, found = read_terms(), []
    for entry in read_catalog(catalog(name)):
        if entry.done:
            said = problems(entry.context, entry.english, entry.korean, terms, waived(entry.notes))
            found += [f"{entry.context}: {sentence}" for sentence in said]
    return found
