"""The Korean edition: the English chapter with its prose replaced, block by block.

Code cells, IDs, order, tags and stored outputs are those of the English notebook, so nothing is run
twice. A block whose translation is missing, or whose English has changed since, stays English.
"""

import copy

from course_utils.command.editions.edition import relink
from course_utils.command.notebook_files import as_bytes, read_notebook, write
from course_utils.command.translation.blocks import pieces
from course_utils.command.translation.catalogs import (
    MARKS,
    SHOWN,
    chapter_texts,
    marks,
    translations,
)
from course_utils.files import ROOT

KOREAN = ROOT / "build" / "ko"


def korean(path, known=None):
    """The chapter at `path` in Korean, as a notebook.

    known: dict of (context, English) → Korean; default: what the chapter's catalogs hold. Raises
    CourseError.
    """
    notebook = copy.deepcopy(read_notebook(path))
    known = translations(path.stem) if known is None else known
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _translate_prose(cell, known)
        for key in SHOWN:
            if key in cell.metadata:
                text = cell.metadata[key]
                cell.metadata[key] = known.get((f"{cell.id}@{key}", text), text)
        if cell.metadata.get("alt"):
            cell.metadata["alt"] = [
                known.get((f"{cell.id}@alt{number}", text), text)
                for number, text in enumerate(cell.metadata.alt, 1)
            ]
    return notebook


def _translate_prose(cell, known):
    """Replace the blocks of one cell, and the words in its metadata at which a part begins."""
    parts = pieces(cell.source, marks(cell))
    count, many = 0, sum(part.words for part in parts) > 1
    texts, begins = [], {}
    for part in parts:
        text = part.text
        if part.words:
            count += 1
            context = f"{cell.id}#{count}" if many else cell.id
            text = known.get((context, part.text), part.text)
            for key in MARKS:
                mark = cell.metadata.get(key, "")
                if mark.strip() and key not in begins and part.text.startswith(mark.strip()):
                    begins[key] = text if text != part.text else mark
        texts.append(text)
    cell.source = "".join(texts)
    for key, words in begins.items():
        cell.metadata[key] = words


def untranslated(path, known=None):
    """The contexts of the blocks that the Korean chapter of the notebook at `path` has in English.

    known: as in `korean`.
    """
    known = translations(path.stem) if known is None else known
    parts = chapter_texts(read_notebook(path)).values()
    return [text[0] for part in parts for text in part if text not in known]


def write_korean(path, folder=KOREAN, known=None):
    """Write the Korean chapter of the notebook at `path` into `folder`; returns its path.

    Its links lead where they did. known: as in `korean`. Raises CourseError.
    """
    notebook, target = korean(path, known), folder / path.name
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, path.parent, folder)
    data = as_bytes(notebook)
    if not target.is_file() or target.read_bytes() != data:
        write(target, data)
    return target
