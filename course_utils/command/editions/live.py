"""The instructor's edition: lesson cells emptied; what runs in its kernel is in `typed_cells`.

A cell is a lesson cell by its tag `lesson`. The notes on it are a page of their own: `notes`.
"""

import ast
import builtins
import itertools
import json
from pathlib import Path
from typing import NamedTuple

from nbformat.v4 import new_code_cell

from course_utils.command.editions.edition import BUILD, edition, put_aside, tags, without_answers
from course_utils.command.editions.notes import write_notes
from course_utils.command.notebook_files import as_bytes, parsed, read_notebook, write
from course_utils.errors import CourseError
from course_utils.files import how_to_restore
from course_utils.language import say

FINISH = "%finish"
STARTS = "from course_utils.command.editions.typed_cells import start"
CODE_SIZE, PROSE_SIZE = "20px", "18px"


class Written(NamedTuple):
    """An edition that was written: where, how many cells to type, where older work went; notes."""

    path: Path
    count: int
    kept: Path | None
    notes: Path


def write_live(path, folder=BUILD / "live", large=False):
    """Write the instructor's edition of the chapter at `path`, and its notes; returns `Written`.

    folder: where to. large: figures are larger. What was typed into an edition that is there
    already is kept as "NAME (2).ipynb", then (3), and so on. Raises CourseError.
    """
    notebook = live_edition(path, folder, large)
    target = folder / path.name
    kept = put_aside(target)
    write(target, as_bytes(notebook))
    count = sum("emptied" in tags(cell) for cell in notebook.cells)
    return Written(target, count, kept, write_notes(path, folder))


def live_edition(path, folder, large=False):
    """The instructor's edition, for `folder`, of the chapter at `path`, as a notebook."""
    source = read_notebook(path)
    emptied, cells = emptied_cells(source), without_answers(source.cells)
    for cell in cells:
        if cell.id in emptied:
            cell.source = emptied[cell.id]
            cell.metadata["tags"] = [*tags(cell), "emptied"]
    option = ", large=True" if large else ""
    start = f'{STARTS}\n\nstart("{path.stem}"{option})'
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), None)
    if first is None:
        fix = how_to_restore(f"notebooks/{path.name}", typed=True)
        raise CourseError(f"{path.name} has no code: {fix}")
    cells.insert(first, new_code_cell(start, id="live_start", metadata={"tags": ["live-start"]}))
    return edition(source, cells, "live", path.parent, folder)


def emptied_cells(notebook):
    """Dict of cell ID → what stands in that cell before it is typed, and `%finish ID` below it.

    That is its comment, and the signatures of what it defines; where it has neither, the sentence
    in its metadata, "task". A signature whose defaults, decorators or base classes need a name
    that may be missing becomes a comment, so that it can stand there without being run.
    """
    known, emptied = set(dir(builtins)), {}
    for cell in notebook.cells:
        if "lesson" in tags(cell):
            emptied[cell.id] = _empty(cell, known)
        elif cell.cell_type == "code":
            known |= _imported(cell.source)
    return emptied


def _empty(cell, known):
    """The text of one emptied cell; names that its stubs define are added to `known`."""
    lines = cell.source.splitlines()
    first = [*itertools.takewhile(lambda line: line.startswith("#"), lines)]
    pieces = ["\n".join(first)] if first else []
    for node in parsed(cell.source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            stub = _stub(node, lines)
            if _needs(node) <= known:
                known.add(node.name)
            else:
                stub = "\n".join(f"# {line}" for line in stub.splitlines())
            pieces.append(stub)
    gap = "\n\n\n" if len(pieces) > len(first[:1]) else "\n"
    pieces = pieces or [f"# {cell.metadata.get('task', say('Type it.'))}"]
    return gap.join([*pieces, f"{FINISH} {cell.id}"])


def _stub(node, lines):
    """A function or class cut down to decorators, signature, docstring and `...`."""
    body = node.body[0]
    if body.lineno == node.lineno:  # all in one line
        node.body = [ast.Expr(ast.Constant(...))]
        return ast.unparse(node)
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    end = body.end_lineno if ast.get_docstring(node) else body.lineno - 1
    kept = lines[start - 1 : end]
    while kept[-1].strip().startswith("#") or not kept[-1].strip():
        kept.pop()
    return "\n".join([*kept, " " * body.col_offset + "..."])


def _needs(node):
    """Names that have to exist when a stub is run."""
    if isinstance(node, ast.ClassDef):
        parts = [*node.bases, *node.keywords]
    else:
        given = node.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        parts = [*given.defaults, *given.kw_defaults, node.returns]
        parts += [argument.annotation for argument in every if argument]
    tree = ast.Module([ast.Expr(part) for part in [*parts, *node.decorator_list] if part], [])
    return {name.id for name in ast.walk(tree) if isinstance(name, ast.Name)}


def _imported(source):
    """Names that a cell imports."""
    names = set()
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {name.asname or name.name.split(".")[0] for name in node.names}
    return names


def lab_settings(folder=BUILD / "large_type"):
    """Write JupyterLab's user settings for large code and prose; returns their folder.

    JupyterLab takes them with `--LabApp.user_settings_dir`; those in the user's home stay as they
    are.
    """
    sizes = {"code-font-size": CODE_SIZE, "content-font-size1": PROSE_SIZE}
    file = folder / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    write(file, (json.dumps({"overrides": sizes}, indent=2) + "\n").encode())
    return folder
