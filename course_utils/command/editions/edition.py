"""Editions: the student's, what it shares with the instructor's, and that no work is overwritten.

Both are met without outputs, and what answers a prediction is folded: see `without_answers`. An
edition finds its way by the tags of cells, never by the words in them. It carries the SHA-256 of
its cells' sources in its own metadata: a file whose sources have another one is somebody's work,
whatever it is.
"""

import ast
import copy
import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils.command.notebook_files import CODE, as_bytes, parsed, read_notebook, title, write
from course_utils.command.saved_widgets import answered_questions, without_widgets
from course_utils.errors import CourseError
from course_utils.exercises.predictions import as_text, predictions_of
from course_utils.files import ROOT
from course_utils.language import is_korean, say

BUILD = ROOT / "build"
STUDENT = BUILD / "student"
MET = {"explorer", "question", "guess"}  # tags of the cells that show something before they are run
FOLD = "<details><summary>{}</summary>"
FOLDED = re.compile(r"<details><summary>.*?</summary>\s*(.*?)\s*</details>\s*", re.S)
RESTART = re.compile(r"^\*[^*\n].*\n*", re.M)
STATEMENT = re.compile(r"^### ", re.M)
ID_LENGTH = 64  # longest ID that a cell may have
LINK = re.compile(r'(\]\(|(?:src|href)="|^\[[^\]\n]+\]: )([^)\s"#]+)', re.M)


def tags(cell):
    """List of a cell's tags."""
    return cell.metadata.get("tags", [])


def prose(cell):
    """A Markdown cell's text without its code; "" for a code cell."""
    return CODE.sub("", cell.source) if cell.cell_type == "markdown" else ""


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


def restart(cell):
    """The paragraph of a cell tagged `restart` on what is to be run again; "" for other cells."""
    found = RESTART.search(cell.source) if "restart" in tags(cell) else None
    return found[0] if found else ""


def without_answers(cells):
    """Copies of a chapter's cells as one meets them: nothing was run, no prediction is answered.

    Outputs and execution counts are gone, except for the still pictures of explorers and the texts
    of questions. What answers a prediction (`reading`) is folded under "Then read"; the code before
    it does not assert what will come out. cells: list of a notebook's cells, which stay as they
    are. Returns a list as long, in the same order.
    """
    clear, met, waits = ClearOutputPreprocessor(), copy.deepcopy(cells), False
    for cell in met:
        if cell.cell_type == "code" and waits:
            cell.source = _without_claims(cell.source)
        waits = "predict" in tags(cell) or (waits and "reading" not in tags(cell))
        answer, rest = reading(cell)
        if answer:
            fold = FOLD.format(say("Then read"))
            cell.source = f"{fold}\n\n{answer}\n\n</details>\n\n{rest}".rstrip()
        elif MET & set(tags(cell)):
            cell.execution_count = None
            speak(cell)
        else:
            clear.preprocess_cell(cell, {}, 0)
    return met


def speak(cell):
    """Put what the outputs of a cell say of their pictures and questions into Korean, if it is on.

    Figures get the texts of the cell's metadata, `alt`.
    """
    if not is_korean():
        return
    texts = iter(cell.metadata.get("alt", ()))
    for output in cell.outputs:
        data = output.get("data", {})
        pictures = [mime for mime in ("image/png", "image/jpeg") if mime in data]
        if "text/plain" in data and (pictures or "question" in tags(cell)):
            data["text/plain"] = (next(texts, "") if pictures else "") or say(data["text/plain"])
        for mime in pictures:
            output.metadata[mime] = {**output.metadata.get(mime, {}), "alt": data["text/plain"]}


def with_guesses(cells, path):
    """A chapter's cells, and behind each prompt a cell in which its prediction is kept.

    cells: list, from the chapter at `path`. A prompt is a cell tagged `predict`; one that has no
    entry in the chapter's table of predictions gets no such cell. Returns another list.
    """
    chapter, made = Path(path).stem.partition("_")[2], []
    predictions = predictions_of(chapter)
    for cell in cells:
        made.append(cell)
        if "predict" in tags(cell) and cell.id in predictions:
            made.append(guess_cell(chapter, cell.id, predictions[cell.id]))
    return made


def guess_cell(chapter, prompt, prediction):
    """The code cell that shows a prediction: its source is folded, and its text is there at once.

    chapter: such as "cnn". prompt: ID of the cell that asks.
    """
    known = f"from course_utils.exercises.{chapter} import guess"
    source = f'# your prediction\n{known}\n\nguess("{prompt}")'
    told = new_output("display_data", {"text/plain": as_text(prompt, prediction)})
    metadata = {"tags": ["guess"], "jupyter": {"source_hidden": True}}
    name = f"guess-{prompt}"[:ID_LENGTH]
    return new_code_cell(source, id=name, outputs=[told], metadata=metadata)


def _without_claims(source):
    """A cell's code without the asserts that stand at its end."""
    body, lines = parsed(source).body, source.splitlines()
    while len(body) > 1 and isinstance(body[-1], ast.Assert):
        del lines[body.pop().lineno - 1 :]
    return "\n".join(lines).rstrip()


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

    kind: the edition's name, kept in the metadata with the SHA-256 of the sources. old, new: the
    folders of source and edition, between which the links in Markdown are rewritten.
    """
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, old, new)
    metadata = {**source.metadata, "course": {"edition": kind}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=nbformat.from_dict(metadata))
    nbformat.validate(without_widgets(notebook))
    notebook.metadata.course.sources = sources(notebook)
    return notebook


def sources(notebook):
    """SHA-256 of what stands in a notebook's cells; outputs, metadata and empty cells are no part.

    (JupyterLab adds an empty cell when the last one is run.)
    """
    texts = [(cell.cell_type, cell.source) for cell in notebook.cells if cell.source.strip()]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def holds_work(file):
    """Whether a file is there that is no edition as the course wrote it.

    Work is what was typed, and questions that were answered; not what Run All leaves. A file that
    is no edition, or no notebook, holds work, whatever it is. Raises CourseError if the file cannot
    be read.
    """
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as problem:
        raise CourseError(
            f"{file} cannot be read ({problem.strerror}): move it away, or mend its permissions"
        ) from None
    try:
        notebook = nbformat.reads(data.decode(), as_version=4)
        typed = sources(notebook) != notebook.metadata.course.sources
        return typed or answered_questions(notebook)[1] > 0
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
    """The chapter at `path` without answers and solutions, for `folder`, as a notebook.

    Where the solutions stand is said at the first exercise and at the cell tagged `exercises`.
    """
    source, told = read_notebook(path), False
    where = f"*The solutions are not here: they stand in build/solutions/, {path.stem}_solutions.*"
    where = say(where)
    cells = []
    for cell in without_answers(source.cells):
        if "solution" in tags(cell):
            begins = _headings(cell) if cell.cell_type == "markdown" else []
            if not begins:  # else the next exercise begins in this cell
                continue
            cell.source = cell.source[begins[0] :]
            cell.metadata["tags"] = [tag for tag in tags(cell) if tag != "solution"]
        if "exercises" in tags(cell):
            heading = [*re.finditer(r"^## .*$", cell.source, re.M)][-1]
            parts = cell.source[: heading.end()], where, cell.source[heading.end() :].strip()
            cell.source = "\n\n".join(filter(None, parts))
            told = True
        elif "statement" in tags(cell) and not told:
            cell.source, told = f"{cell.source.rstrip()}\n\n{where}", True
        cells.append(cell)
    return edition(source, with_guesses(cells, path), "student", path.parent, folder)


def _headings(cell):
    """Where headings of the third level begin in a prose cell, as a list; code has none."""
    plain = CODE.sub(lambda code: " " * len(code[0]), cell.source)
    return [found.start() for found in STATEMENT.finditer(plain)]


def solutions_edition(path, folder):
    """The exercises of the chapter at `path` with their solutions unfolded, as a notebook.

    A solution goes with the statement before it: the cell tagged `statement`, or the text from the
    last heading of the third level on.
    """
    source = read_notebook(path)
    first = new_markdown_cell(
        say(f"# Solutions: {title(source)}\n\nEach is one way among several.")
    )
    first.id = "title"
    cells, statement = [first], ""
    for cell in source.cells:
        if cell.cell_type != "markdown":
            continue
        begins = _headings(cell)
        if "solution" in tags(cell):
            solution = cell.source[: begins[0]] if begins else cell.source
            solution = FOLDED.sub(r"\1\n\n", solution).strip()
            cells.append(new_markdown_cell("\n\n".join(filter(None, [statement, solution]))))
            cells[-1].id, statement = cell.id, ""
        if begins:  # one level higher
            statement = FOLDED.sub("", cell.source[begins[-1] :]).strip()[1:]
    return edition(source, cells, "solutions", path.parent, folder)
