"""The chapters read as files: cells, sections, exercises. Nothing here runs them."""

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def code_cells(notebook):
    """The code cells of a notebook, without those in which an edition keeps predictions."""
    return [c for c in notebook.cells if c.cell_type == "code" and "guess" not in tags(c)]


@functools.cache
def exercises(path):
    """Tuple of (source of the stub cell, source of the folded solution after it)."""
    cells = read(path).cells
    found = []
    for place, cell in enumerate(cells):
        if "exercise" in tags(cell):
            after = cells[place + 1]
            assert "solution" in tags(after), f"no solution after {cell.id}"
            found.append((cell.source, re.search(r"```python\n(.*?)```", after.source, re.S)[1]))
    return tuple(found)


@dataclass
class Section:
    """What `parts` finds: IDs of the sections it needs, the text of its heading, its cells."""

    needs: list
    text: str
    cells: list = field(default_factory=list)

    @property
    def code(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def sources(self):
        return [cell.source for cell in self.code]


def parts(notebook):
    """Dict of name → Section: "start", the part before the first section, then each section.

    A section starts at a cell with a lecture ID, which is its name, or at an H2, whose number is;
    its heading's metadata may name others under "needs", and its text says so too.
    """
    found = {"start": Section([], "")}
    for cell in notebook.cells:
        ids = cell.metadata.get("lecture", [])
        if ids or (cell.cell_type == "markdown" and cell.source.startswith("## ")):
            number = re.match(r"## (\d+)\.(\d+) ", cell.source)
            ids = ids or ([f"L{number[1]}.{int(number[2]):02d}"] if number else [])
            name = ids[0] if ids else cell.source.split("\n")[0]
            found[name] = Section(cell.metadata.get("needs", []), cell.source)
        found[next(reversed(found))].cells.append(cell)
    return found
