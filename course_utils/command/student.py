"""The student's edition: exercises without their solutions, which stand in a notebook beside it."""

import copy
import re

from nbformat.v4 import new_markdown_cell

from course_utils.command.editions import (
    BUILD,
    edition,
    prose,
    shown,
    tags,
)
from course_utils.command.generated import free_name, is_ours, write_generated
from course_utils.command.notebook_files import as_bytes, read_notebook, title
from course_utils.errors import CourseError

FOLDER = BUILD / "student"
FOLDED = re.compile(r"<details><summary>.*?</summary>\s*(.*?)\s*</details>\s*", re.S)


class StudentsWork(CourseError):
    """A file holds a student's work and is not overwritten; the message names the ways out."""


def write_student(path, folder=FOLDER, beside=False):
    """Write the student's edition of the chapter at `path`; returns the paths that were written.

    A file that differs from what was generated last time is a student's work: it stays, and
    StudentsWork is raised before anything is written. beside: write "NAME (2).ipynb", then (3),
    and so on. The solutions are written only where they stand as generated.
    """
    target = folder / path.name
    data = as_bytes(student_edition(path, folder))
    if not is_ours(target, data):
        if not beside:
            chapter = int(path.stem[:2])
            raise StudentsWork(
                f"{shown(target)} holds your work and stays as it is: open it with `course student "
                f"{chapter} --open`, or write a fresh copy beside it with `course student "
                f"{chapter} --beside`"
            )
        target = free_name(target)
    files = {target: data}
    solutions = as_bytes(solutions_edition(path, folder))
    answers = folder / f"{path.stem}_solutions.ipynb"
    if is_ours(answers, solutions):
        files[answers] = solutions
    for file, content in files.items():
        write_generated(file, content)
    return list(files)


def student_edition(path, folder):
    """The chapter at `path` without its solutions, for `folder`, as a notebook."""
    source = read_notebook(path)
    cells = []
    for cell in copy.deepcopy(source.cells):
        if "solution" in tags(cell):
            rest = FOLDED.sub("", cell.source).strip() if cell.cell_type == "markdown" else ""
            if not rest:
                continue
            cell.source = rest
            cell.metadata["tags"] = [tag for tag in tags(cell) if tag != "solution"]
        if "## Exercises\n" in prose(cell):
            where = f"*The solutions are not here: they stand in {path.stem}_solutions.ipynb.*"
            cell.source = cell.source.replace("## Exercises\n", f"## Exercises\n\n{where}\n", 1)
        cells.append(cell)
    return edition(source, cells, "student", path.parent, folder)


def solutions_edition(path, folder):
    """The exercises of the chapter at `path` with their solutions unfolded, as a notebook."""
    source = read_notebook(path)
    first = new_markdown_cell(f"# Solutions: {title(source)}\n\nEach is one way among several.")
    first.id = "title"
    cells, statement = [first], ""
    for cell in source.cells:
        if cell.cell_type != "markdown":
            continue
        if "solution" in tags(cell):
            solution = "\n\n".join(FOLDED.findall(cell.source)) or cell.source
            cells.append(new_markdown_cell("\n\n".join(filter(None, [statement, solution]))))
            cells[-1].id, statement = cell.id, ""
        if "### " in prose(
            cell
        ):  # the statement: from the last heading on, which moves up one level
            rest = FOLDED.sub("", cell.source)
            statement = rest[rest.rfind("### ") + 1 :].strip()
    return edition(source, cells, "solutions", path.parent, folder)
