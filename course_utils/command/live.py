"""The instructor's edition: lesson cells emptied, each with its finished twin folded below it.

A cell is a lesson cell by its tag `lesson`. What runs in the edition's kernel is in `typing`.
"""

import ast
import builtins
import copy
import json
import re
from pathlib import Path
from typing import NamedTuple

from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils.command.editions import (
    BUILD,
    edition,
    opens_section,
    printed,
    prose,
    put_aside,
    tags,
)
from course_utils.command.notebook_files import as_bytes, read_notebook, write
from course_utils.errors import CourseError
from course_utils.files import how_to_restore

FINISHED, FINISH = "# finished: ", "%finish"
CODE_SIZE, PROSE_SIZE = "20px", "18px"
LONGEST_NOTE = 8  # lines of a stored output that a speaker note quotes


class Written(NamedTuple):
    """An edition that was written: where, how many cells to type, and where older work went."""

    path: Path
    count: int
    kept: Path | None


def write_live(path, folder=BUILD / "live", large=False):
    """Write the instructor's edition of the chapter at `path`; returns what was `Written`.

    folder: where to. large: figures get larger text. What was typed into an edition that is there
    already is kept as "NAME (2).ipynb", then (3), and so on. Raises CourseError.
    """
    notebook = live_edition(path, folder, large)
    target = folder / path.name
    kept = put_aside(target)
    write(target, as_bytes(notebook))
    return Written(target, sum("emptied" in tags(cell) for cell in notebook.cells), kept)


def live_edition(path, folder, large=False):
    """The instructor's edition, for `folder`, of the chapter at `path`, as a notebook."""
    source = read_notebook(path)
    emptied = emptied_cells(source)
    cells = []
    for place, cell in enumerate(source.cells):
        if cell.id in emptied:
            cells += _pair(cell, emptied[cell.id])
        else:
            cells.append(copy.deepcopy(cell))
        if opens_section(cell) and (note := _note(source.cells, place, emptied)):
            cells.append(_generated(new_markdown_cell(note), f"notes_{cell.id}", "speaker-notes"))
    option = ", large=True" if large else ""
    start = f'from course_utils.command.typed_cells import start\n\nstart("{path.stem}"{option})'
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), None)
    if first is None:
        fix = how_to_restore(f"notebooks/{path.name}", typed=True)
        raise CourseError(f"{path.name} has no code: {fix}")
    cells.insert(first, _generated(new_code_cell(start), "live_start", "live-start"))
    return edition(source, cells, "live", path.parent, folder)


def emptied_cells(notebook):
    """Dict of cell ID → what stands in that cell before it is typed: comment or signature.

    A signature whose defaults, decorators or base classes need a name that may be missing
    becomes a comment, so that running it never raises.
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
    first = []
    for line in lines:
        if not line.startswith("#"):
            break
        first.append(line)
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
    return gap.join([*pieces, f"{FINISH} {cell.id}"])


def parsed(source):
    """The syntax tree of a cell, its magic lines left out."""
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    return ast.parse("\n".join(lines))


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


def _pair(cell, text):
    """An emptied cell, and its finished twin with the source folded away."""
    empty = copy.deepcopy(cell)
    empty.update(source=text, outputs=[], execution_count=None)
    empty.metadata["tags"] = [*tags(cell), "emptied"]
    folded = f"{FINISHED}{cell.id}\n{cell.source}"  # a folded cell shows its first line
    twin = _generated(new_code_cell(folded), f"{cell.id}_finished", "finished")
    twin.metadata["jupyter"] = {"source_hidden": True}
    return [empty, twin]


def _generated(cell, name, tag):
    """A cell that only the edition has, with its ID and its tag."""
    cell.id, cell.metadata["tags"] = name, [tag]
    return cell


def _note(cells, place, emptied):
    """The folded speaker notes of the section that begins at `place`; "" if it needs none."""
    section = [cells[place]]
    for cell in cells[place + 1 :]:
        if opens_section(cell):
            break
        section.append(cell)
    parts, typed = [], [cell for cell in section if cell.id in emptied]
    numbered = re.search(r"^## \d", prose(cells[place]), re.M)
    code = sum(cell.cell_type == "code" for cell in section)
    if typed or numbered:
        parts.append(f"**To type**: {len(typed)} of {code} cells." if typed else "Nothing to type.")
    for number, cell in enumerate(section):
        if "**Predict**" in prose(cell):
            asked = re.findall(r"\*\*Predict\*\*:?[^\n]*", cell.source)
            after = next((c.id for c in section[number:] if c.cell_type == "code"), "the end")
            parts += [f"**Stop before `{after}`.** {text}" for text in asked]
        elif cell.id in emptied:
            parts.append(_typed(cell))
    if not parts:
        return ""
    return "\n\n".join(["<details><summary>Speaker notes</summary>", *parts, "</details>"])


def _typed(cell):
    """What a speaker note says about one cell: its name, its first line, what it prints."""
    first = next(line for line in cell.source.splitlines() if line.strip() and line[0] != "#")
    ticks = "``" if "`" in first else "`"
    said = f"`{cell.id}`: {ticks}{first}{ticks}"
    lines = printed(cell).rstrip().splitlines()
    if not lines:
        return f"{said} prints nothing."
    if len(lines) > LONGEST_NOTE:
        lines = [*lines[:LONGEST_NOTE], "…"]
    return "\n".join([f"{said} gives", "", "````text", *lines, "````"])


def lab_settings(folder=BUILD / "large_type"):
    """Write JupyterLab's user settings for large code and prose; returns their folder.

    JupyterLab takes them with `--LabApp.user_settings_dir`; those in the user's home stay as they
    are.
    """
    sizes = {"code-font-size": CODE_SIZE, "content-font-size1": PROSE_SIZE}
    file = folder / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    write(file, (json.dumps({"overrides": sizes}, indent=2) + "\n").encode())
    return folder
