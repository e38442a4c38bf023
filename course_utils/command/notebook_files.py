"""Notebooks as files: the chapters by name, read with one clear error, written whole."""

import ast
import re
from pathlib import Path

import nbformat

from course_utils.errors import CourseError
from course_utils.files import ROOT, cleaned, find, how_to_restore, nearest, write_whole

CHAPTERS = ROOT / "notebooks"
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)  # in Markdown


def read_notebook(path):
    """The notebook at `path`. Raises CourseError, with a way out, if it cannot be read."""
    try:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.cell_type, cell.source, cell.metadata  # noqa: B018, what every reader needs
        return notebook
    except Exception as problem:  # of many kinds: no file, no JSON, JSON that is no notebook
        path = Path(path).resolve()
        fix = (
            how_to_restore(f"notebooks/{path.name}", typed=True)
            if path.parent == CHAPTERS
            else ("open an older copy of it, JupyterLab keeps one in .ipynb_checkpoints")
        )
        why = str(problem).split("\n")[0][:60]
        raise CourseError(f"{path.name} cannot be read as a notebook ({why}): {fix}") from None


def title(notebook, name="the notebook"):
    """The text of the heading that its first cell starts with. Raises CourseError, about `name`."""
    first = notebook.cells[0].source.split("\n")[0] if notebook.cells else ""
    if not first.startswith("# "):
        raise CourseError(f"{name} does not start with its title, a heading '# …'")
    return first[2:].strip()


def as_bytes(notebook):
    """A notebook as the bytes of its file."""
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def write(path, data):
    """Write bytes to `path` whole, making its folder. Raises CourseError if that fails."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as problem:
        raise CourseError(
            f"{path} cannot be written ({problem}): free space, or mend the folder's permissions"
        ) from None


def find_chapter(chapter):
    """ "2", "02" or "02_cnn" → the path of that notebook. Raises CourseError if there is none."""
    paths = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    text = cleaned(chapter)
    number = f"{int(text):02d}" if text.isdecimal() else None
    for path in paths:
        if text in (path.stem, path.name) or number == path.stem[:2]:
            return path
    path, hint = _place(chapter, lambda path: path.resolve() in paths)
    if path:
        return path
    meant = nearest(text, [path.name for path in paths], alike=0.75)
    hint = f"; did you mean '{meant}'?" if meant else hint
    numbers = ", ".join(str(int(path.stem[:2])) for path in paths) or "none"
    raise CourseError(f"no chapter {chapter!r} in {CHAPTERS}; there are: {numbers}{hint}")


def _place(name, suits):
    """Where a path leads, from here or from the course's folder, or None; and a hint."""
    hints = []
    for folder in (Path.cwd(), ROOT):
        path, hint = find(name, suits, folder)
        if hint is None:
            return path.resolve(), ""
        hints.append(hint)
    return None, hints[0] or hints[1]


def find_notebook(name, options=()):
    """As `find_chapter`, or the path of any notebook in the course's folder, as build/ has them."""
    path, near = _place(name, _is_notebook)
    if path:
        return path
    try:
        return find_chapter(name)
    except CourseError as problem:
        hint = "" if near in str(problem) else near
        if options:
            hint = f"; write an option of JupyterLab with =, {options[0]}={name}"
        raise CourseError(f"{problem}{hint}") from None


def _is_notebook(path):
    """Whether a path is that of a notebook in the course's folder."""
    return path.suffix == ".ipynb" and path.resolve().is_relative_to(ROOT) and path.is_file()


def chapter_paths(chapters):
    """The notebooks of the chapters that are named, or all."""
    named = [find_chapter(chapter) for chapter in chapters]
    return named or sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))


def parsed(source):
    """The syntax tree of a cell, its magic lines left out."""
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    return ast.parse("\n".join(lines))
