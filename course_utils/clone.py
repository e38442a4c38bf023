"""The course's folder as a clone of git, or as a plain copy: how to get a file, or corrections.

Every advice that names git stands here, so that it fits what is there.
"""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 5  # nobody waits for this answer: it is asked for while JupyterLab starts


def is_clone():
    """Whether the course's folder is a clone, and git is installed."""
    return (ROOT / ".git").exists() and shutil.which("git") is not None


def restore(file, typed=False):
    """What brings a file or a folder of the course back, for the end of a message.

    file: as seen from the course's folder, with /. typed: whether a person may have typed in it.
    """
    first = "put it aside if you typed in it, then " if typed else ""
    if is_clone():
        return f"{first}restore it with `git checkout -- {file}` in the course's folder"
    return f"{first}take {file} from a fresh copy of the course"


def how_to_update(notebook):
    """How corrections come to a notebook in which a person has worked; "" if nobody has.

    notebook: its path. "" also where there is no clone or no git. Raises nothing.
    """
    if not is_clone() or not _is_changed(notebook):
        return ""
    return (
        f"{notebook.relative_to(ROOT).as_posix()} holds work of yours. To get corrections, stop "
        "JupyterLab, then\n  `git stash`, `git pull`, `git stash pop` in the course's folder: "
        'README.md, "Corrections"'
    )


def _is_changed(notebook):
    """Whether git knows a file and finds it changed; False if it cannot tell."""
    command = ["git", "--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--"]
    try:
        done = subprocess.run(
            [*command, str(notebook)], cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.stdout.strip())
