"""`course lab`: start JupyterLab on a notebook, and say where it is."""

import os
import sys
import threading
import time
import webbrowser
from pathlib import Path

from course_utils.command.kernels import lab_environment
from course_utils.files import ROOT, how_to_update


def lab_arguments(notebook, no_browser):
    """JupyterLab's command line: the course as its root, the chapter as its first page."""
    arguments = [
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{notebook.relative_to(ROOT).as_posix()}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        arguments.append("--allow-root")
    if no_browser or not has_browser():
        arguments.append("--no-browser")
    return arguments


def has_browser():
    """Whether this machine can show a page: a browser is known, and there is a screen for it."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) or sys.platform in ("win32", "darwin")


def start_lab(notebook, no_browser=False, others=()):
    """Start JupyterLab in this process, and print the address as soon as it answers.

    others: further options for JupyterLab itself, as on its command line.
    """
    from jupyter_core.paths import jupyter_runtime_dir
    from jupyterlab.labapp import LabApp

    os.environ.update(lab_environment())
    # a server that was killed in a container may have left its address under the same number
    Path(jupyter_runtime_dir(), f"jpserver-{os.getpid()}.json").unlink(missing_ok=True)
    threading.Thread(target=announce, args=(notebook, os.getpid()), daemon=True).start()
    LabApp.launch_instance([*lab_arguments(notebook, no_browser), *others])


def announce(notebook, process, patience=120):
    """Wait until the server of `process` runs, then print where the chapter is.

    And, if a person has worked in it, how corrections come to it.
    """
    from jupyter_server.serverapp import list_running_servers

    update = how_to_update(notebook)
    for _ in range(patience * 2):
        for server in list_running_servers(log=None):
            if server["pid"] == process:
                page = f"{server['url']}lab/tree/{notebook.relative_to(ROOT).as_posix()}"
                token = f"?token={server['token']}" if server["token"] else ""
                print(
                    f"\n  The course is open at\n\n    {page}{token}\n\n"
                    "  Leave this window open; press Ctrl-C twice to stop.\n"
                    + (f"  {update}.\n" if update else ""),
                    flush=True,
                )
                return
        time.sleep(0.5)
