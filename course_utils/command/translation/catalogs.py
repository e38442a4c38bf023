"""Catalogs: what is translated into Korean, in gettext's PO files.

A chapter has a catalog for each sitting, `notebooks/ko/01_image_data.01.po` and so on, and
`….practice.po` from the cell tagged `exercises` on, so that several people can translate side by
side. The package's texts have one catalog a room in `course_utils/ko/`.
"""

import difflib
import io
import re
from dataclasses import dataclass, field, replace

from babel.messages.catalog import Catalog
from babel.messages.pofile import denormalize, read_po, write_po

from course_utils.command.notebook_files import CHAPTERS, chapter_paths, read_notebook, write
from course_utils.command.translation.blocks import blocks
from course_utils.errors import CourseError
from course_utils.files import ROOT

CHAPTER_CATALOGS = CHAPTERS / "ko"
PACKAGE_CATALOGS = ROOT / "course_utils" / "ko"
HEAD = (
    'msgid ""\nmsgstr ""\n"Language: ko\\n"\n'
    '"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n\n'
)
SHOWN = ("task", "outcome", "concept")  # of a cell's metadata: texts that an edition shows
MARKS = ("then", "asks")  # of a cell's metadata: words at which a part of its prose begins
ALIKE = 0.4  # share of common words from which on two texts count as one that was changed
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass
class Entry:
    """A text and its translation.

    context: the cell's ID, or the place in the package. stale: the English has changed since;
    `previous` is what was translated. notes: the translator's comments.
    """

    context: str
    english: str
    korean: str = ""
    stale: bool = False
    previous: str = ""
    notes: list = field(default_factory=list)

    @property
    def done(self):
        """Whether the translation may be shown."""
        return bool(self.korean) and not self.stale


def read_catalog(path):
    """The entries of the catalog at `path`, a list in its order; [] if there is none.

    Raises CourseError if the file is no catalog.
    """
    if not path.is_file():
        return []
    try:
        with open(path, "rb") as file:
            catalog = read_po(file, abort_invalid=True)
    except (ValueError, UnicodeDecodeError) as problem:
        raise CourseError(f"{path.name} cannot be read as a catalog: {problem}") from None
    return [
        Entry(
            message.context or "",
            message.id,
            message.string or "",
            "fuzzy" in message.flags,
            _previous(message.user_comments),
            [note for note in message.user_comments if not note.startswith("|")],
        )
        for message in catalog
        if message.id
    ]


def _previous(comments):
    """The English that was translated before, which Babel reads as comments, "| msgid …"; or ""."""
    lines = " ".join(line.lstrip("| ") for line in comments if line.startswith("|"))
    return denormalize("\n".join(['""', *QUOTED.findall(lines)])) if lines else ""


def write_catalog(path, entries):
    """Write the entries to `path`; a file that would not change is left alone."""
    catalog = Catalog(locale="ko")
    for entry in entries:
        message = catalog.add(
            entry.english,
            entry.korean,
            context=entry.context,
            flags=["fuzzy"] if entry.stale else [],
            previous_id=[entry.previous] if entry.previous else [],
            user_comments=entry.notes,
        )
        message.flags -= {"python-format", "python-brace-format"}  # "92 % of" is none
    file = io.BytesIO()
    write_po(file, catalog, width=0, omit_header=True, include_previous=True)
    data = HEAD.encode() + file.getvalue()
    if not path.is_file() or path.read_bytes() != data:
        write(path, data)


def cell_texts(cell):
    """What is translated of one cell: a list of (context, English)."""
    found = []
    if cell.cell_type == "markdown":
        texts = blocks(cell.source, marks(cell))
        names = (
            [cell.id] if len(texts) == 1 else [f"{cell.id}#{n}" for n in range(1, 1 + len(texts))]
        )
        found += zip(names, texts, strict=True)
    found += [(f"{cell.id}@{key}", cell.metadata[key]) for key in SHOWN if key in cell.metadata]
    alts = cell.metadata.get("alt", ())
    found += [(f"{cell.id}@alt{number}", text) for number, text in enumerate(alts, 1) if text]
    return found


def marks(cell):
    """The words in a cell's metadata at which a new part of its prose begins."""
    return [cell.metadata[key] for key in MARKS if cell.metadata.get(key, "").strip()]


def chapter_texts(notebook):
    """Dict of a catalog's part ("01", "02", …, "practice") → list of (context, English)."""
    parts, part, sitting = {}, "01", 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if part != "practice" and "sitting" in tags:
            sitting += 1
            part = f"{sitting:02d}"
        part = "practice" if "exercises" in tags else part
        parts.setdefault(part, []).extend(cell_texts(cell))
    return parts


def chapter_catalogs(stem):
    """The paths of a chapter's catalogs, sorted. stem: the notebook's name without its ending."""
    return sorted(CHAPTER_CATALOGS.glob(f"{stem}.*.po"))


def translations(stem):
    """Dict of (context, English) → Korean, of all that may be shown of a chapter."""
    entries = [entry for path in chapter_catalogs(stem) for entry in read_catalog(path)]
    return {(entry.context, entry.english): entry.korean for entry in entries if entry.done}


def updated(texts, old):
    """New entries for `texts`, a list of (context, English), from the `old` entries.

    The same English in the same cell keeps its translation, then the same English anywhere. A
    changed text keeps its old translation as stale; one in which only the number of an exercise
    has changed keeps it with the new number.
    """
    left, made = list(old), {}

    def take(entry, place, **changes):
        context, english = texts[place]
        left.remove(entry)
        made[place] = replace(entry, context=context, english=english, **changes)

    for same_cell in (True, False):
        for place, (context, english) in enumerate(texts):
            for entry in left if place not in made else []:
                near = _cell(entry.context) == _cell(context) or not same_cell
                if entry.english == english and near:
                    back = {"stale": False, "previous": ""} if not entry.stale else {}
                    take(entry, place, **back)
                    break
    for place, (context, english) in enumerate(texts):
        if place in made:
            continue
        there = [entry for entry in left if _cell(entry.context) == _cell(context)]
        best = max(there, key=lambda entry: _ratio(entry.english, english), default=None)
        if best is None or not best.korean or _ratio(best.english, english) < ALIKE:
            made[place] = Entry(context, english)
        elif not best.stale and (moved := _renumbered(best, english)):
            take(best, place, korean=moved)
        else:
            take(best, place, stale=True, previous=best.previous or best.english)
    return [made[place] for place in range(len(texts))]


def _renumbered(entry, english):
    """The translation of a heading in which nothing but its number has changed; None else."""
    old, new = NUMBER.findall(entry.english), NUMBER.findall(english)
    same = NUMBER.sub("0", entry.english) == NUMBER.sub("0", english)
    if not same or not english.startswith("#") or entry.korean.count(old[0]) != 1:
        return None
    return entry.korean.replace(old[0], new[0]) if old[1:] == new[1:] else None


def _cell(context):
    return re.split(r"[#@]", context)[0]


def _ratio(one, other):
    return difflib.SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio()


def update_chapters():
    """Write the catalogs of all chapters anew from the notebooks; returns their paths."""
    written = []
    for path in chapter_paths([]):
        files = chapter_catalogs(path.stem)
        old = [entry for file in files for entry in read_catalog(file)]
        parts = chapter_texts(read_notebook(path))
        texts = [text for part in parts.values() for text in part]
        entries = updated(texts, old)
        for part, found in parts.items():
            file = CHAPTER_CATALOGS / f"{path.stem}.{part}.po"
            write_catalog(file, entries[: len(found)])
            entries = entries[len(found) :]
            written.append(file)
        for file in set(files) - set(written):
            file.unlink()
    return written
