"""Notebooks as files: read with one clear error, written whole; what of their text is code."""

import re
from pathlib import Path

import nbformat

from course_utils.clone import restore
from course_utils.errors import CourseError
from course_utils.files import write_whole

CHAPTERS = Path(__file__).resolve().parent.parent / "notebooks"
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
            restore(f"notebooks/{path.name}", typed=True)
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
