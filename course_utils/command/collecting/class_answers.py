"""The answers in a folder of students' notebooks: what each one typed, cut out of its notebook.

Nothing is run here. Of an answer's notebook only what the answer needs is taken: its cell, and of
the cells above it the statements that define the names it uses.
"""

import ast
import builtins
import re
from pathlib import Path
from typing import NamedTuple

from course_utils.command.notebook_files import chapter_paths, parsed, read_notebook
from course_utils.errors import ArgumentError, CourseError
from course_utils.files import find

TALK = {"check", "hint", "last_case", "ask", "guess", "show", "print", "display"}  # define nothing
KNOWN = set(dir(builtins)) | TALK


class Answer(NamedTuple):
    """What one student typed for one exercise.

    source: the code that defines it. expression: what was handed to `check`. problem: why it
    cannot be run, or None.
    """

    student: str
    exercise: str
    source: str
    expression: str
    problem: str | None = None


def answers(folder):
    """The answers of all notebooks in `folder`, the newest notebook first.

    Returns a list of Answer, and a list of (student, sentence) on notebooks that cannot be read.
    Raises ArgumentError if there is no folder, or no notebook in it.
    """
    folder, hint = find(folder, Path.is_dir)
    if hint is not None:
        hint = hint or ": name the one with your students' files"
        raise ArgumentError(f"there is no folder {folder}{hint}")
    paths = [path for path in folder.rglob("*.ipynb") if _is_students(path.relative_to(folder))]
    if not paths:
        raise ArgumentError(f"{folder} has no notebook: collect files that end in .ipynb there")
    found, problems = [], []
    for path in sorted(paths, key=lambda path: (-path.stat().st_mtime, path)):
        student = name_of(path, folder)
        try:
            found += [answer._replace(student=student) for answer in of_notebook(path)]
        except CourseError as problem:
            problems.append((student, str(problem)))
    return found, problems


def _is_students(path):
    """Whether a path in the folder is a student's work: no checkpoint, no page of solutions."""
    return not any(part.startswith(".") for part in path.parts) and "_solutions" not in path.stem


def name_of(path, folder):
    """Who wrote a notebook: the folder it is in, else its name without the chapter's."""
    inside = path.relative_to(folder)
    if len(inside.parts) > 1:
        return inside.parts[0]
    stem = path.stem
    for chapter in chapter_paths([]):
        stem = stem.replace(chapter.stem, "")
    return re.sub(r"[\W_]*\b(new|copy|\d)?\b[\W_]*$|^[\W_]+", "", stem) or path.stem


def of_notebook(path):
    """The answers of one notebook, as a list of Answer without a student's name.

    Of a name that is checked twice, the last counts. Raises CourseError if it cannot be read.
    """
    found, above = {}, []
    for cell in read_notebook(path).cells:
        if cell.cell_type != "code":
            continue
        try:
            body = parsed(cell.source).body
        except (SyntaxError, ValueError) as problem:
            for name in re.findall(r"""^\s*check\(\s*["'](\w+)["']""", cell.source, re.M):
                said = f"{type(problem).__name__}: {getattr(problem, 'msg', problem)}"
                found[name] = Answer("", name, "", "", said)
            continue
        for call in filter(None, map(_checked, body)):
            name, expression = call.args[0].value, call.args[1]
            own = [one for one in body if not _talks(one)]
            needed = _reads(expression).union(*map(_reads, own))
            source = "\n".join(map(ast.unparse, [*_definitions(needed, own, above), *own]))
            found[name] = Answer("", name, source, ast.unparse(expression))
        above += body
    return list(found.values())


def _checked(statement):
    """The call of a statement `check("name", answer)`, or None."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or len(call.args) != 2:
        return None
    named = isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    return call if named and getattr(call.func, "id", None) == "check" else None


def _talks(statement):
    """Whether a statement only shows or asks something."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and getattr(call.func, "id", None) in TALK


def _definitions(needed, own, above):
    """The statements above that define the names, and what these need in turn, in their order."""
    needed = needed - set().union(*map(_binds, own)) - KNOWN
    kept, place = [], len(above)
    while needed and place:
        place -= 1
        statement = above[place]
        if _talks(statement) or not isinstance(statement, DEFINES):
            continue
        bound = _binds(statement)
        if bound & needed or "*" in bound:
            kept.append(statement)
            needed = (needed - bound) | (_reads(statement) - bound - KNOWN)
    return kept[::-1]


DEFINES = (
    ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Try,
)  # fmt: skip


def _binds(statement):
    """Names that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {name.asname or name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _reads(node):
    """Names that some code reads."""
    return {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    }
