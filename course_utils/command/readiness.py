"""`course check`: a whole room's environment, data and chapters, each problem with its fix."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from course_utils import doctor
from course_utils.command.editions.working_copies import WORK
from course_utils.data import manifest, read_checked
from course_utils.doctor import EnvironmentProblem
from course_utils.errors import CourseError
from course_utils.files import how_to_restore

CELL_S = 60  # longest wait for the kernel, and for one of its cells
AGAIN = "`uv run course check` again"


def examine(chapters):
    """Ask everything that a lesson needs: environment, widgets, data, a cell of each chapter.

    chapters: paths of the notebooks. Returns the lines to print and the problems, one sentence
    each with its fix; no problem keeps another from being found.
    """
    doctor.set_threads()  # before a kernel of our own counts as another one
    lines, problems, running = [], [], []
    # a kernel takes seconds to start: meanwhile the rest is asked; an interrupt leaves it behind
    beside = threading.Thread(target=lambda: running.append(check_chapters(chapters)), daemon=True)
    beside.start()
    for part in (
        lambda: doctor.check_python(sys.version_info),
        doctor.check_packages,
        doctor.check_widgets,
        doctor.check_pointer,
        check_runtime_folder,
        check_work_folder,
        lambda: lines.append(doctor.describe(None)),
    ):
        try:
            part()
        except CourseError as problem:
            problems.append(str(problem))
    asked = [check_data()]
    beside.join()
    if not running:
        problems.append(f"the chapters could not be asked (the error stands above): {AGAIN}")
    for line, found in asked + running:
        lines += [line] if line else []
        problems += found
    for missing in sorted(set(doctor.SECONDS) - {int(path.stem[:2]) for path in chapters}):
        problems.append(f"chapter {missing} is missing: {how_to_restore('notebooks')}")
    return lines, problems


def check_runtime_folder(folder=None):
    """Refuse a folder of running servers and kernels that cannot be written. folder: Jupyter's."""
    folder = Path(folder or jupyter_runtime_dir())
    if there := _locked(folder):
        raise EnvironmentProblem(
            f"JupyterLab cannot write {folder}: mend the permissions of {there}, or name another "
            "folder in the variable JUPYTER_RUNTIME_DIR"
        )


def check_work_folder(folder=WORK):
    """Refuse a folder of working copies that cannot be written."""
    if there := _locked(folder):
        raise EnvironmentProblem(
            f"`course lab` cannot write your copies of the chapters into {folder}: mend the "
            f"permissions of {there}, or open the chapters themselves with `course lab --source`"
        )


def _locked(folder):
    """The folder that keeps `folder` from being written or made; None if nothing does."""
    while not folder.exists():
        folder = folder.parent
    return None if os.access(folder, os.W_OK) else folder


def check_data():
    """Compare every file of data/ with its SHA-256; returns a line ("" if not whole), problems."""
    problems, files = [], []
    try:
        files = list(manifest())
    except CourseError as problem:
        problems.append(str(problem))
    for file in files:
        try:
            read_checked(file)
        except CourseError as problem:
            problems.append(str(problem))
    return "" if problems else f"Data: {len(files)} files, each as its SHA-256 says", problems


def check_chapters(paths):
    """Run the imports and the first working cell of each chapter, in one kernel as JupyterLab has.

    Returns a line ("" if a cell failed), problems.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    cells, owners = [], []
    for path in paths:
        try:
            cells_there = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = [c for c in cells_there if c["cell_type"] == "code"]
        except (OSError, ValueError, KeyError, TypeError) as problem:
            return "", [f"{path.name} cannot be read ({type(problem).__name__}): {_restore(path)}"]
        if len(code) < 3:
            return "", [f"{path.name} has lost its code: {_restore(path)}"]
        for cell in code[1:3]:  # the first one asks this doctor
            cells.append(nbformat.v4.new_code_cell("".join(cell["source"])))
            owners.append(path.stem)
    if not cells:
        return "", ["there is no chapter to run: get a fresh copy of the course"]
    sample = nbformat.v4.new_notebook(cells=cells)
    folder = {"metadata": {"path": str(paths[0].parent)}}
    client = NotebookClient(
        sample, timeout=CELL_S, startup_timeout=CELL_S, kernel_name="python3",
        allow_errors=True, resources=folder,
    )  # fmt: skip
    try:
        client.execute(stderr=subprocess.DEVNULL)  # a kernel's remarks are not for the reader
    except (CellTimeoutError, DeadKernelError, RuntimeError) as problem:
        last = str(problem).strip().splitlines()[0]
        return "", [
            f"the kernel ended or did not answer ({last}): close other programs, then {AGAIN}; "
            "if it stays, run `uv sync --reinstall` (two installs of one library may be mixed)"
        ]
    wrong = {}  # chapter → its first error; a second one only follows from it
    for cell, owner in zip(cells, owners, strict=True):
        for output in cell.outputs:
            if output.output_type == "error":
                why = f"{output.ename}: {output.evalue}".splitlines()[0]
                fix = "" if output.ename == "DataError" else f": run `uv sync`, then {AGAIN}"
                wrong.setdefault(owner, f"{owner} does not start ({why}){fix}")
    problems = list(wrong.values())
    numbers = ", ".join(str(int(path.stem[:2])) for path in paths)
    return (
        "" if problems else f"Chapters: a kernel starts, the first cells of {numbers} run",
        problems,
    )


def _restore(path):
    return how_to_restore(f"notebooks/{path.name}", typed=True)
