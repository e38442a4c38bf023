"""The doctor: the environment in one line, or one sentence that mends it."""

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

from course_utils.errors import CourseError

SECONDS = {1: 20}  # chapter → Run All, measured on two CPU cores
FIX = "close this notebook and start the course with `uv run course lab` in its folder"
NEEDED = ("numpy", "matplotlib", "pillow", "torch", "torchvision", "ipywidgets", "anywidget",
          "jupyterlab_widgets", "tqdm", "safetensors")  # fmt: skip


class EnvironmentProblem(CourseError):
    """The environment cannot run the course; the message says which command mends it."""


def check_environment(chapter):
    """Return one line: Python, torch, the device, and how long the chapter takes.

    chapter: 1 … 4, or None to leave the time out.
    Raises EnvironmentProblem, one sentence with the command that mends it.
    """
    check_python(sys.version_info)
    check_packages()
    check_widgets(Path(sys.prefix))
    return describe(chapter)


def check_python(version):
    """Refuse a Python older than 3.11."""
    if tuple(version[:2]) < (3, 11):
        raise EnvironmentProblem(
            f"this kernel is Python {version[0]}.{version[1]} at {sys.executable}, and the course "
            f"needs 3.11 or newer: {FIX}"
        )


def check_packages(installed=None):
    """Refuse an environment in which a package is missing.

    installed: function of a package's name → version, raising PackageNotFoundError.
    """
    installed = installed or metadata.version
    missing = []
    for package in NEEDED:
        try:
            installed(package)
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        raise EnvironmentProblem(
            f"{', '.join(missing)} missing from {sys.executable} (the wrong kernel?): {FIX}, "
            "or run `uv sync` there"
        )


def check_widgets(prefix, installed=None):
    """Refuse a browser part of ipywidgets that does not fit its Python part.

    prefix: folder of the environment, where share/jupyter/labextensions lies.
    """
    installed = installed or metadata.version
    manager = prefix / "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager"
    try:
        found = json.loads((manager / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        found = "none"
    wanted = {"8": "5"}.get(installed("ipywidgets").split(".")[0])  # Python part → browser part
    if wanted is None or found.split(".")[0] != wanted:
        raise EnvironmentProblem(
            f"ipywidgets {installed('ipywidgets')} and its JupyterLab part ({found}) do not fit, "
            "so sliders would not show: run `uv sync --reinstall-package ipywidgets "
            "--reinstall-package jupyterlab_widgets`, then start again with `uv run course lab`"
        )


def describe(chapter):
    """The one line itself. Raises EnvironmentProblem if torch cannot be loaded."""
    try:
        import torch
    except ImportError as problem:
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
