"""The instructor's edition: lesson cells emptied, each with its finished twin folded below it.

The first half makes the edition; the second half runs in its kernel.
"""

import copy
import json
import re

from IPython import get_ipython
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils.command.editions import (
    BUILD,
    ROOT,
    edition,
    opens_section,
    printed,
    prose,
    put_aside,
    tags,
)
from course_utils.command.lesson_cells import TYPING, emptied_cells, is_untouched
from course_utils.command.notebook_files import as_bytes, read_notebook, write
from course_utils.errors import ArgumentError, CourseError
from course_utils.files import how_to_restore

FINISHED = "# finished: "
LARGER = 1.35  # how much larger text in figures gets with --large
CODE_SIZE, PROSE_SIZE = "20px", "18px"
LONGEST_NOTE = 8  # lines of a stored output that a speaker note quotes
_usual_sizes = {}  # before the first enlargement
FONT_SIZES = ("font.size", "axes.titlesize", "axes.labelsize")


def write_live(path, folder=BUILD / "live", large=False):
    """Write the instructor's edition of the chapter at `path`; returns path, cells, and a path.

    folder: where to. large: figures get larger text. What was typed into an edition that is there
    already is kept as "NAME (2).ipynb", then (3), and so on: the third result is that path, or
    None. Raises CourseError.
    """
    notebook = live_edition(path, folder, large)
    target = folder / path.name
    kept = put_aside(target)
    write(target, as_bytes(notebook))
    return target, [cell for cell in notebook.cells if "emptied" in tags(cell)], kept


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
    start = f'from course_utils.command.live import start\n\nstart("{path.stem}"{option})'
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), None)
    if first is None:
        fix = how_to_restore(f"notebooks/{path.name}", typed=True)
        raise CourseError(f"{path.name} has no code: {fix}")
    cells.insert(first, _generated(new_code_cell(start), "live_start", "live-start"))
    return edition(source, cells, "live", path.parent, folder)


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


def start(chapter, large=False):
    """Make the line `%finish ID` known to this kernel; the edition's first cell calls it.

    chapter: the notebook's name without its ending. large: figures get larger text.
    Raises ArgumentError if there is no such chapter, or no IPython.
    """
    path, shell = ROOT / "notebooks" / f"{chapter}.ipynb", get_ipython()
    if not path.is_file():
        raise ArgumentError(f"chapter must be a notebook of {path.parent}, got {chapter!r}")
    if shell is None:
        raise ArgumentError("start works in a notebook: open the edition with `course live`")
    source = read_notebook(path)
    finished = {cell.id: cell.source for cell in source.cells}
    emptied = emptied_cells(source)

    def finish(name):
        """Put the finished code into this cell, unless something has been typed there."""
        if name not in emptied:
            print(f"no cell {name!r} in {path.name}: write this edition anew, `course live`")
        elif is_untouched(shell.history_manager.input_hist_raw[-1], emptied[name]):
            shell.set_next_input(finished[name], replace=True)

    shell.register_magic_function(finish, "line", TYPING.lstrip("%"))
    if large:
        enlarge()
    print("Type into the emptied cells, or run one as it is: it fills itself. Run it again then.")


def enlarge(factor=LARGER):
    """Make the text of every later figure larger by this factor; twice is the same as once."""
    import matplotlib.pyplot as plt

    import course_utils.figures  # noqa: F401, its style first: it would undo this

    for name in FONT_SIZES:
        _usual_sizes.setdefault(name, plt.rcParams[name])
        plt.rcParams[name] = factor * _usual_sizes[name]
