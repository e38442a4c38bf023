"""The doctor: the environment in one line, or one sentence that mends it."""

import json
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path

import psutil
from jupyter_core.paths import jupyter_path
from packaging.requirements import Requirement
from threadpoolctl import threadpool_limits

from course_utils.errors import CourseError
from course_utils.language import say

SECONDS = {1: 20, 2: 90, 3: 180, 4: 420}  # chapter → Run All, measured on two CPU cores
PROJECT = "pixels-to-vision"
THREADS = "OMP_NUM_THREADS"  # what NumPy's and PyTorch's libraries read when they are loaded
MOST_THREADS = 4
FIX = "close this notebook and start the course with `uv run course lab` in its folder"


class EnvironmentProblem(CourseError):
    """The environment cannot run the course; the message says which command mends it."""


def check_environment(chapter):
    """Set the number of threads; return one line: Python, torch, device, the chapter's time.

    chapter: 1 … 4, or None to leave the time out.
    Raises EnvironmentProblem, one sentence with the command that mends it.
    """
    check_python(sys.version_info)
    check_packages()
    check_widgets()
    check_pointer()
    set_threads()
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


def set_threads():
    """Give this process its share of the machine's cores, for NumPy and for PyTorch.

    A kernel that is alone gets half of the cores, at most four threads: half, since two "cores" of
    a laptop are often one that takes turns, and since threads wait for each other. Measured on two
    cores, chapter 2 takes 51 s with one thread and 53 s with two, which keep the processor busy for
    82 s in place of 50; networks as small as the course's gain little from more than four. Where
    other kernels run on the machine, anybody's, it gets one: with two threads each, five kernels on
    two cores were not done after ten minutes; with one each, all were in 140 s.

    A number that stands in OMP_NUM_THREADS is left as it is.
    """
    if os.environ.get(THREADS):
        return
    threads = 1 if kernels_beside() else max(1, min(usable_cores() // 2, MOST_THREADS))
    os.environ[THREADS] = str(threads)  # for libraries that are loaded from now on
    threadpool_limits(threads)  # for those that are loaded
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def kernels_beside():
    """How many other Jupyter kernels run on this machine, of this user or of others."""
    mine, found = os.getpid(), 0
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []  # None: the system does not tell
        found += process.pid != mine and "ipykernel_launcher" in words
    return found


def usable_cores():
    """How many cores this process may keep busy: fewer than the machine's in most containers."""
    affinity = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return max(1, int(min([len(affinity(0)), *quotas()])))


def quotas(system=Path("/sys/fs/cgroup"), own=Path("/proc/self/cgroup")):
    """List of what the control groups of Linux let this process use, in cores; [] without a limit.

    system, own: where Linux tells the limits, and the groups of this process.
    """
    try:
        group = re.search(r"^0::/(.*)", own.read_text(encoding="utf-8"), re.M)
    except OSError:
        return []
    inside = Path(group[1] if group else "")
    files = [[system / folder / "cpu.max"] for folder in (inside, *inside.parents)]
    files.append([system / "cpu" / f"cpu.cfs_{name}_us" for name in ("quota", "period")])  # older
    found = []
    for names in files:
        try:
            text = " ".join(name.read_text(encoding="utf-8") for name in names)
            quota, period = map(int, text.split())  # "max" in place of a number: no limit
        except (OSError, ValueError):
            continue
        found += [quota / period] if quota > 0 else []
    return found


def describe(chapter):
    """The one line itself. Raises EnvironmentProblem if torch cannot be loaded."""
    try:
        import torch
    except (ImportError, OSError) as problem:  # OSError: a missing DLL on Windows
        raise EnvironmentProblem(
            f"torch is installed but cannot be loaded ({problem}): run `uv sync "
            "--reinstall-package torch --reinstall-package torchvision`"
        ) from None
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    elif torch.backends.mps.is_available():
        device = "Apple GPU"
    else:
        threads, cores = torch.get_num_threads(), usable_cores()
        device = f"CPU, {threads} thread{'s' if threads > 1 else ''} of {cores} cores"
        if threads > 1:
            device += " (1 where kernels share the machine)"
    line = f"Ready: Python {platform.python_version()} · torch {torch.__version__} · {device}"
    seconds = SECONDS.get(chapter)
    if seconds is None:
        return say(line)
    time = f"{seconds} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return say(f"{line} · this chapter runs in about {time}")
