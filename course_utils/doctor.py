"""The doctor: the environment in one line, or one sentence that mends it."""

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

from jupyter_core.paths import jupyter_path
from packaging.requirements import Requirement

from course_utils.errors import CourseError

SECONDS = {1: 20, 2: 90, 3: 180, 4: 420}  # chapter → Run All, measured on two CPU cores
PROJECT = "pixels-to-vision"
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
