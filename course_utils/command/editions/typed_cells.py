"""What runs in the kernel of the instructor's edition: `%finish ID`, and larger text in figures.

A cell is filled in before IPython reads it. So what runs, and is shown, counted and found at fault,
is the finished code, as if somebody had typed it.
"""

import ast

from IPython import get_ipython
from IPython.display import HTML, display

from course_utils.command.editions.live import FINISH, emptied_cells
from course_utils.command.notebook_files import CHAPTERS, parsed, read_notebook
from course_utils.errors import ArgumentError
from course_utils.language import say

LARGER, FINER = 1.35, 1.65  # with --large: of text in figures, of their pixels
PROMPTS = "<style>.jp-Notebook { --jp-cell-prompt-width: 96px }</style>"  # room for [100]


def start(chapter, large=False):
    """Let each emptied cell with the line `%finish ID` fill itself in when it is run as it is.

    The edition's first cell calls it. chapter: the notebook's name without its ending. large:
    figures fill a projector, with larger text. Raises ArgumentError if there is no such chapter,
    or no IPython.
    """
    path, shell = CHAPTERS / f"{chapter}.ipynb", get_ipython()
    if not path.is_file():
        raise ArgumentError(f"chapter must be a notebook of {path.parent}, got {chapter!r}")
    if shell is None:
        raise ArgumentError("start works in a notebook: open the edition with `course live`")
    source = read_notebook(path)
    finished = {cell.id: cell.source for cell in source.cells}
    emptied = emptied_cells(source)

    def fill(lines):
        """The lines of a cell that is about to run → those that run in their place."""
        marks = [line for line in lines if line.startswith(f"{FINISH} ")]
        name = marks[0].split()[-1] if marks else None
        if name not in emptied:
            return lines
        if not is_untouched("".join(lines), emptied[name]):
            return ["\n" if line in marks else line for line in lines]
        shell.set_next_input(finished[name], replace=True)
        return finished[name].splitlines(keepends=True)

    def finish(name):
        print(f"no cell {name!r} in {path.name}: write this edition anew, `course live`")

    steps = shell.input_transformers_cleanup
    steps[:] = [fill, *(step for step in steps if getattr(step, "__name__", "") != "fill")]
    shell.register_magic_function(finish, "line", FINISH.lstrip("%"))
    if large:
        enlarge()
        display(HTML(PROMPTS))
    print(say("Type into an emptied cell, or run it as it is: it fills itself in, and runs."))


def is_untouched(text, emptied):
    """Whether an emptied cell still says nothing of its own; comments do not count."""
    try:
        now = ast.dump(parsed(text))
    except SyntaxError:
        return False
    return now in (ast.dump(parsed(emptied)), ast.dump(parsed("")))


def enlarge():
    """Make every later figure wider in pixels, and its text larger; twice is the same as once."""
    import matplotlib.pyplot as plt

    from course_utils import figures  # its style first: it would undo this

    plt.style.use("course_utils.course")
    plt.rcParams["figure.dpi"] *= FINER * LARGER
    plt.rcParams["figure.figsize"] = 7.5, 3.4  # what `plt.plot` alone shows
    figures.text_scale = LARGER
