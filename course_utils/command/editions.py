"""Editions: the student's, what it shares with the instructor's, and that no work is overwritten.

Both are met without outputs, and what answers a prediction is folded: see `without_answers`. An
edition finds its way by the tags of cells, never by the words in them. It carries the SHA-256 of
its cells in its own metadata: a file whose cells have another one is somebody's work, whatever it
is.
"""

import copy
import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat.v4 import new_markdown_cell

from course_utils.command.notebook_files import CODE, as_bytes, read_notebook, title, write
from course_utils.command.saved_widgets import without_widgets
from course_utils.errors import CourseError
from course_utils.files import ROOT

BUILD = ROOT / "build"
STUDENT = BUILD / "student"
STILL = "run this cell to"  # in the text of a stored explorer or question
FOLD = "<details><summary>Then read</summary>"
FOLDED = re.compile(r"<details><summary>.*?</summary>\s*(.*?)\s*</details>\s*", re.S)
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


def reading(cell):
    """A prose cell's text in two: what answers a prediction, and the rest; either may be "".

    The tag `reading` makes the first paragraph the answer. The cell's metadata may name the words
    with which the rest begins, "then"; "" stands for the end of the cell.
    """
    if "reading" not in tags(cell):
        return "", cell.source
    then = cell.metadata.get("then", "\n\n")
    if then not in cell.source:  # somebody has worded it anew
        then = "\n\n"
    answer, first, rest = cell.source.partition(then) if then else (cell.source, "", "")
    return answer.strip(), (first + rest).strip()


def without_answers(cells):
    """Copies of a chapter's cells as one meets them: nothing was run, no prediction is answered.

    Outputs and execution counts are gone, except for the still pictures of explorers and the texts
    of questions. What answers a prediction (`reading`) is folded under "Then read". cells: list of
    a notebook's cells, which stay as they are. Returns a list as long, in the same order.
    """
    clear, met = ClearOutputPreprocessor(), copy.deepcopy(cells)
    for cell in met:
        answer, rest = reading(cell)
        if answer:
            cell.source = f"{FOLD}\n\n{answer}\n\n</details>\n\n{rest}".rstrip()
        elif cell.cell_type == "code" and STILL in printed(cell):
            cell.execution_count = None
        else:
            clear.preprocess_cell(cell, {}, 0)
    return met


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

    kind: the edition's name, kept in the metadata with the cells' SHA-256. old, new: the folders of
    source and edition, between which the links in Markdown are rewritten.
    """
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, old, new)
    metadata = {**source.metadata, "course": {"edition": kind}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=nbformat.from_dict(metadata))
    nbformat.validate(without_widgets(notebook))
    notebook.metadata.course.sha256 = _sha256(notebook)
    return notebook


def _sha256(notebook):
    return hashlib.sha256(json.dumps(notebook.cells, sort_keys=True).encode()).hexdigest()


def holds_work(file):
    """Whether a file is there that is no edition as the course wrote it.

    Raises CourseError if the file cannot be read.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as problem:
        raise CourseError(
            f"{file} cannot be read ({problem.strerror}): move it away, or mend its permissions"
        ) from None
    try:
        notebook = nbformat.reads(data.decode(), as_version=4)
        return notebook.metadata.course.sha256 != _sha256(notebook)
    except Exception:  # of many kinds: no text, no JSON, no notebook, no edition
        return True


def free_name(file):
    """The first of "NAME (2).ipynb", "NAME (3).ipynb", … that is not there yet."""
    number = 2
    while (free := file.with_name(f"{file.stem} ({number}){file.suffix}")).exists():
        number += 1
    return free


def put_aside(file):
    """Rename a file that holds work; returns its new path, None if nothing moved.

    Raises CourseError.
    """
    if not holds_work(file):
        return None
    free = free_name(file)
    try:
        os.rename(file, free)
    except OSError as problem:
        raise CourseError(
            f"{file} holds what you typed and cannot be renamed ({problem.strerror}): close it"
        ) from None
    return free


def shown(path):
    """A path as a message names it: from here on, if we are in the course's folder, else whole."""
    here = Path.cwd()
    inside = here.is_relative_to(ROOT) and path.is_relative_to(here)
    return path.relative_to(here).as_posix() if inside else str(path)


class StudentsWork(CourseError):
    """A file holds a student's work and is not overwritten; the message names the ways out."""


def write_student(path, folder=BUILD, beside=False):
    """Write the student's edition of the chapter at `path`; returns the paths that were written.

    It stands in student/ of `folder`, the solutions in solutions/. A file with a student's work
    stays, and StudentsWork is raised before anything is written. beside: write "NAME (2).ipynb",
    then (3), and so on. Solutions with somebody's notes stay.
    """
    target = folder / STUDENT.name / path.name
    answers = folder / "solutions" / f"{path.stem}_solutions.ipynb"
    if holds_work(target):
        if not beside:
            chapter = int(path.stem[:2])
            raise StudentsWork(
                f"{shown(target)} holds your work and stays as it is: open it with `course student "
                f"{chapter} --open`, or write a fresh copy beside it with `course student "
                f"{chapter} --beside`"
            )
        target = free_name(target)
    files = {target: student_edition(path, target.parent)}
    if not holds_work(answers):
        files[answers] = solutions_edition(path, answers.parent)
    for file, notebook in files.items():
        write(file, as_bytes(notebook))
    return list(files)


def student_edition(path, folder):
    """The chapter at `path` without answers and solutions, for `folder`, as a notebook."""
    source = read_notebook(path)
    where = f"*The solutions are not here: they stand in build/solutions/, {path.stem}_solutions.*"
    cells = []
    for cell in without_answers(source.cells):
        if "solution" in tags(cell):
            rest = FOLDED.sub("", cell.source).strip() if cell.cell_type == "markdown" else ""
            if not rest:
                continue
            cell.source = rest
            cell.metadata["tags"] = [tag for tag in tags(cell) if tag != "solution"]
        if "exercises" in tags(cell):
            heading = [*re.finditer(r"^## .*$", cell.source, re.M)][-1]
            parts = cell.source[: heading.end()], where, cell.source[heading.end() :].strip()
            cell.source = "\n\n".join(parts)
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
        if "### " in prose(cell):  # the statement: from the last heading on, one level higher
            rest = FOLDED.sub("", cell.source)
            statement = rest[rest.rfind("### ") + 1 :].strip()
    return edition(source, cells, "solutions", path.parent, folder)
