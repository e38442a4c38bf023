"""What the editions of a chapter share: its cells and sections, links, the notebook around."""

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat

from course_utils.command.notebook_files import CODE
from course_utils.command.saved_widgets import without_widgets
from course_utils.files import ROOT

BUILD = ROOT / "build"
LINK = re.compile(r'(\]\(|(?:src|href)="|^\[[^\]\n]+\]: )([^)\s"#]+)', re.M)


def tags(cell):
    """List of a cell's tags."""
    return cell.metadata.get("tags", [])


def prose(cell):
    """A Markdown cell's text without its code; "" for a code cell."""
    return CODE.sub("", cell.source) if cell.cell_type == "markdown" else ""


def opens_section(cell):
    """Whether a section (a heading of the second level) begins in a cell."""
    return re.search(r"^## ", prose(cell), re.M) is not None


def printed(cell):
    """All text that a code cell printed or showed, in order; a picture gives its alt text."""
    texts = []
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}\n")
        else:
            texts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "".join(text if isinstance(text, str) else "".join(text) for text in texts)


def relink(text, old, new):
    """Markdown written for the folder `old` → the same with its relative links seen from `new`.

    A link that leads to no file of `old`, and whatever stands in code, stays as it is.
    """

    def move(match):
        target = Path(old) / unquote(match[2])
        if ":" in match[2] or match[2].startswith("/") or not target.exists():
            return match[0]
        return match[1] + quote(Path(os.path.relpath(target.resolve(), new)).as_posix())

    parts = CODE.split(text)
    parts[::2] = [LINK.sub(move, part) for part in parts[::2]]
    return "".join(parts)


def edition(source, cells, kind, old, new):
    """A notebook of `cells`, widgets as still pictures, with the metadata of `source`.

    kind: the edition's name, kept in the metadata. old, new: the folders of source and edition,
    between which the links in Markdown are rewritten.
    """
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, old, new)
    metadata = {**source.metadata, "course": {"edition": kind}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=nbformat.from_dict(metadata))
    nbformat.validate(without_widgets(notebook))
    return notebook


def shown(path):
    """A path as a message names it: from here on, if we are in the course's folder, else whole."""
    here = Path.cwd()
    inside = here.is_relative_to(ROOT) and path.is_relative_to(here)
    return path.relative_to(here).as_posix() if inside else str(path)
