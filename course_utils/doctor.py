"""The doctor: the environment in one line, or one sentence that mends it.

`examine` is the doctor for a whole room: it goes on after a problem, and lists them all.
"""

import json
import os
import platform
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

from jupyter_core.paths import jupyter_path, jupyter_runtime_dir
from packaging.requirements import Requirement

from course_utils.clone import restore
from course_utils.errors import CourseError

SECONDS = {1: 20, 2: 60, 3: 180, 4: 420}  # chapter → Run All, measured on two CPU cores
PROJECT = "pixels-to-vision"
CELL_S = 60  # longest wait for the kernel, and for one of its cells
AGAIN = "`uv run course check` again"
FIX = "close this notebook and start the course with `uv run course lab` in its folder"


class EnvironmentProblem(CourseError):
    """The environment cannot run the course; the message says which command mends it."""


def check_environment(chapter):
    """Return one line: Python, torch, the device, and how long the chapter takes.

    chapter: 1 … 4, or None to leave the time out.
    Raises EnvironmentProblem, one sentence with the command that mends it.
    """
    check_python(sys.version_info)
    check_packages()
    check_widgets()
    check_pointer()
    return describe(chapter)


def check_python(version):
    """Refuse a Python older than 3.11."""
    if tuple(version[:2]) < (3, 11):
        raise EnvironmentProblem(
            f"this kernel is Python {version[0]}.{version[1]} at {sys.executable}, and the course "
            f"needs 3.11 or newer: {FIX}"
        )


def check_packages(installed=metadata.version, required=None):
    """Refuse an environment in which a package is missing or too old.

    installed: function of a package's name → version, raising PackageNotFoundError.
    required: list of requirements as texts; default: the project's own.
    """
    if required is None:
        try:
            required = metadata.requires(PROJECT)
        except metadata.PackageNotFoundError:
            raise EnvironmentProblem(
                f"the course is not installed in {sys.executable} (the wrong kernel?): {FIX}"
            ) from None
    wrong = []
    for requirement in map(Requirement, required):
        try:
            found = installed(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, {requirement.specifier} is needed")
    if wrong:
        raise EnvironmentProblem(
            f"{'; '.join(wrong)} in {sys.executable} (the wrong kernel?): {FIX}, or run "
            "`uv sync` there"
        )


def check_widgets(folders=None, installed=metadata.version):
    """Refuse a browser part of ipywidgets that does not fit its Python part.

    folders: where JupyterLab looks for its extensions; default: Jupyter's own list.
    """
    folders = jupyter_path("labextensions") if folders is None else folders
    versions = [manager_version(Path(folder)) for folder in folders]
    found = next(filter(None, versions), "none")
    fits = {"8": "5"}  # Python part → browser part
    wanted = fits.get(installed("ipywidgets").split(".")[0])
    if found.split(".")[0] != wanted:
        raise EnvironmentProblem(
            f"ipywidgets {installed('ipywidgets')} and its JupyterLab part ({found}) do not fit, "
            "so sliders would not show: run `uv sync --reinstall-package ipywidgets "
            "--reinstall-package jupyterlab_widgets`, then start again with `uv run course lab`"
        )


def check_pointer(folders=None, installed=metadata.version):
    """Refuse an environment without the browser part of anywidget, or with another version of it.

    Without it the pictures of the explorers stay empty. folders, installed: as in `check_widgets`.
    """
    folders = jupyter_path("labextensions") if folders is None else folders
    versions = [extension_version(Path(folder), "anywidget") for folder in folders]
    found, wanted = next(filter(None, versions), "none"), installed("anywidget")
    if found.split(".")[:2] != wanted.split(".")[:2]:
        raise EnvironmentProblem(
            f"anywidget {wanted} and its JupyterLab part ({found}) do not fit, so the explorers' "
            "pictures would not show: run `uv sync --reinstall-package anywidget`, then start "
            "again with `uv run course lab`"
        )


def check_runtime_folder(folder=None):
    """Refuse a folder of running servers and kernels that cannot be written. folder: Jupyter's."""
    folder = there = Path(folder or jupyter_runtime_dir())
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        raise EnvironmentProblem(
            f"JupyterLab cannot write {folder}: mend the permissions of {there}, or name another "
            "folder in the variable JUPYTER_RUNTIME_DIR"
        )


def manager_version(folder):
    """The version of ipywidgets' browser part in a folder of extensions, or None."""
    return extension_version(folder, "@jupyter-widgets/jupyterlab-manager")


def extension_version(folder, name):
    """The version of an extension of JupyterLab in a folder of extensions, or None."""
    file = folder / name / "package.json"
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def describe(chapter):
    """The one line itself. Raises EnvironmentProblem if torch cannot be loaded."""
    try:
        import torch
    except (ImportError, OSError) as problem:  # OSError: a missing DLL on Windows
        raise EnvironmentProblem(
            f"torch is installed but cannot be loaded ({problem}): run `uv sync "
            "--reinstall-package torch --reinstall-package torchvision`"
        ) from None
    threads = torch.get_num_threads()
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    elif torch.backends.mps.is_available():
        device = "Apple GPU"
    else:
        device = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    line = f"Ready: Python {platform.python_version()} · torch {torch.__version__} · {device}"
    seconds = SECONDS.get(chapter)
    if seconds is None:
        return line
    time = f"{seconds} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"{line} · this chapter runs in about {time}"


def examine(chapters):
    """Ask everything that a lesson needs: environment, widgets, data, a cell of each chapter.

    chapters: paths of the notebooks. Returns the lines to print and the problems, one sentence
    each with its fix; no problem keeps another from being found.
    """
    lines, problems, running = [], [], []
    # a kernel takes seconds to start: meanwhile the rest is asked; an interrupt leaves it behind
    beside = threading.Thread(target=lambda: running.append(check_chapters(chapters)), daemon=True)
    beside.start()
    for part in (
        lambda: check_python(sys.version_info),
        check_packages,
        check_widgets,
        check_pointer,
        check_runtime_folder,
        lambda: lines.append(describe(None)),
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
    for missing in sorted(set(SECONDS) - {int(path.stem[:2]) for path in chapters}):
        problems.append(f"chapter {missing} is missing: {restore('notebooks')}")
    return lines, problems


def check_data():
    """Compare every file of data/ with its SHA-256; returns a line ("" if not whole), problems."""
    from course_utils.data import manifest, read_checked

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
    return restore(f"notebooks/{path.name}", typed=True)
