"""A plugin of every run, also of `pytest notebooks` alone: how chapters run and are compared.

pyproject.toml names it (`-p`), so that no conftest.py stands among the chapters.
"""

import os

# lists the machine's fonts on first use: a kernel that has to do so for over five seconds says so
# on stderr, which nbval takes for a difference
import matplotlib.font_manager  # noqa: F401

from course_utils.command.authors import name_figures
from course_utils.command.kernels import KERNEL

for name, value in KERNEL.items():
    os.environ.setdefault(name, value)  # tests/repeatability.py gives other numbers of threads
os.environ["TQDM_DISABLE"] = "1"  # progress bars are for eyes; nobody watches here


def pytest_itemcollected(item):
    """Compare a cell's outputs with their author's alt texts, as `course refresh` stores them."""
    compare = getattr(item, "compare_outputs", None)
    if compare is None:  # no cell of a notebook
        return

    def compare_named(live, stored, *rest):
        name_figures(live, item.cell.metadata.get("alt", ()))
        return compare(live, stored, *rest)

    item.compare_outputs = compare_named
