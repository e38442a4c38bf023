"""The chapters read as files: cells, sections, exercises. Nothing here runs them."""

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def exercises(path):
    """List of (source of the stub cell, source of the folded solution after it)."""
    cells = read(path).cells
    found = []
    for place, cell in enumerate(cells):
        if "exercise" in tags(cell):
            after = cells[place + 1]
            assert "solution" in tags(after), f"no solution after {cell.id}"
            found.append((cell.source, re.search(r"```python\n(.*?)```", after.source, re.S)[1]))
    return found


def sections(notebook):
    """Dict of lecture ID → the cells from its heading to the next cell that names an ID or H2."""
    found, current = {}, []
    for cell in notebook.cells:
        ids = cell.metadata.get("lecture", [])
        if ids or cell.source.startswith("## "):
            current = []
            for name in ids:
                found[name] = current
        current.append(cell)
    return found
