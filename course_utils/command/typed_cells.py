"""What runs in the kernel of the instructor's edition: `%finish ID`, and larger text in figures."""

import ast

from IPython import get_ipython

from course_utils.command.live import FINISH, emptied_cells, parsed
from course_utils.command.notebook_files import CHAPTERS, read_notebook
from course_utils.errors import ArgumentError

LARGER = 1.35  # how much larger text in figures gets with --large
FONT_SIZES = ("font.size", "axes.titlesize", "axes.labelsize")


def start(chapter, large=False):
    """Make the line `%finish ID` known to this kernel; the edition's first cell calls it.

    chapter: the notebook's name without its ending. large: figures get larger text.
    Raises ArgumentError if there is no such chapter, or no IPython.
    """
    path, shell = CHAPTERS / f"{chapter}.ipynb", get_ipython()
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

    shell.register_magic_function(finish, "line", FINISH.lstrip("%"))
    if large:
        enlarge()
    print("Type into the emptied cells, or run one as it is: it fills itself. Run it again then.")


def is_untouched(text, emptied):
    """Whether an emptied cell still says nothing of its own; comments do not count."""
    now = ast.dump(parsed(text))
    return now in (ast.dump(parsed(emptied)), ast.dump(parsed("")))


def enlarge(factor=LARGER):
    """Make the text of every later figure larger by this factor; twice is the same as once."""
    import matplotlib.pyplot as plt

    import course_utils.figures  # noqa: F401, its style first: it would undo this

    plt.style.use("course_utils.course")
    for name in FONT_SIZES:
        plt.rcParams[name] *= factor
