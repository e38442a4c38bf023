"""The instructors' page in Korean: notebooks/README.ko.md, from README.md beside it and a catalog.

Its course map is made anew, from the Korean chapters.
"""

import re
import tempfile
from pathlib import Path

from course_utils.command.authors import BEGIN, END, HEADS, NOTES, course_map
from course_utils.command.notebook_files import chapter_paths, write
from course_utils.command.translation.blocks import blocks, pieces
from course_utils.command.translation.catalogs import (
    CHAPTER_CATALOGS,
    CHAPTERS,
    read_catalog,
    updated,
    write_catalog,
)
from course_utils.command.translation.korean import write_korean

ENGLISH, KOREAN = CHAPTERS / "README.md", CHAPTERS / "README.ko.md"
CATALOG = CHAPTER_CATALOGS / "instructors.po"


def page_texts():
    """What is translated of the page: list of (context, English); a context is its heading's."""
    before, _, after = _parts()
    found, seen, heading = [], {}, "map"
    of_table = [text.partition("\n|---")[0] for text in (HEADS, *blocks(NOTES))]
    for text in [*of_table, *blocks(before), *blocks(after)]:
        if text.startswith("#"):
            heading = "-".join(re.findall(r"[a-z]+", text.lower())[:3])
        if text not in {english for _, english in found}:
            seen[heading] = seen.get(heading, 0) + 1
            found.append((f"{heading}#{seen[heading]}", text))
    return found


def update_page():
    """Bring the catalog and the Korean page in step with README.md; returns the catalog's path."""
    write_catalog(CATALOG, updated(page_texts(), read_catalog(CATALOG)))
    data = korean_page().encode()
    if not KOREAN.is_file() or KOREAN.read_bytes() != data:
        write(KOREAN, data)
    return CATALOG


def korean_page():
    """The Korean page, as a text; what is not translated stays English."""
    known = {entry.english: entry.korean for entry in read_catalog(CATALOG) if entry.done}
    before, _, after = _parts()
    with tempfile.TemporaryDirectory() as folder:
        chapters = [write_korean(path, Path(folder)) for path in chapter_paths([])]
        table = course_map(chapters)
    before, table, after = (_translated(text, known) for text in (before, table, after))
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def _parts():
    """The page in three: before the course map, the map, and after it."""
    text = ENGLISH.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before, *rest.split(END)


def _translated(text, known):
    return "".join(known.get(piece.text, piece.text) for piece in pieces(text))
