"""`course lab`: start JupyterLab on a notebook, and say where it is."""

import logging
import os
import sys
import threading
import time
import webbrowser
from pathlib import Path
from urllib.parse import quote

from course_utils.command.kernels import lab_environment
from course_utils.files import ROOT, how_to_update


def lab_arguments(notebook, no_browser, verbose=False):
    """JupyterLab's command line: the course as its root, the notebook as its first page.

    verbose: with the server's log; else its errors alone.
    """
    arguments = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/{page(notebook)}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        arguments.append("--allow-root")
    if no_browser or not has_browser():
        arguments.append("--no-browser")
    if not verbose:
        arguments.append("--Application.log_level=ERROR")
    return arguments


def page(notebook):
    """The part of an address that opens a notebook, after the server's own."""
    return f"lab/tree/{quote(notebook.relative_to(ROOT).as_posix())}"


def has_browser():
    """Whether this machine can show a page: a browser is known, and there is a screen for it."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(screen) or sys.platform in ("win32", "darwin")


def start_lab(notebook, no_browser=False, others=(), verbose=False, working_copy=None):
    """Start JupyterLab in this process, and print the address as soon as it answers.

    others: further options for JupyterLab itself, as on its command line. working_copy: whose
    notebook it is, if it is one.
    """
    from jupyter_core.paths import jupyter_runtime_dir
    from jupyterlab.labapp import LabApp

    os.environ.update(lab_environment())
    # a server that was killed in a container may have left its address under the same number
    Path(jupyter_runtime_dir(), f"jpserver-{os.getpid()}.json").unlink(missing_ok=True)
    if not verbose:  # the server's own lines on where it is, among them one about a file
        logging.getLogger("ServerApp").addFilter(lambda record: "?token=" not in str(record.msg))
    told = (notebook, os.getpid(), working_copy)
    threading.Thread(target=announce, args=told, daemon=True).start()
    LabApp.launch_instance([*lab_arguments(notebook, no_browser, verbose), *others])


def announce(notebook, process, working_copy=None, patience=120):
    """Wait until the server of `process` runs, then print where the notebook is.

    And where the copy lies, and how corrections come to a chapter in which a person has worked.
    """
    from jupyter_server.serverapp import list_running_servers

    notes = about(working_copy) if working_copy else []
    update = how_to_update(working_copy.chapter if working_copy else notebook)
    notes += [f"{update}."] if update else []
    for _ in range(patience * 2):
        for server in list_running_servers(log=None):
            if server["pid"] == process:
                token = f"?token={server['token']}" if server["token"] else ""
                print(
                    *(f"\n  {note}" for note in notes),
                    f"\n\n  The course is open at\n\n    {server['url']}{page(notebook)}{token}\n\n"
                    "  Leave this window open; press Ctrl-C twice to stop.\n",
                    sep="",
                    flush=True,
                )
                return
        time.sleep(0.5)


def about(working_copy):
    """What to know of a working copy: a list of lines."""
    opened, newest = (path.relative_to(ROOT).as_posix() for path in working_copy[1:])
    lines = [f"Your copy of the chapter, where your work is saved: {opened}"]
    if newest != opened:
        lines.append(f"The chapter has changed since you began. The new one: {newest}")
    return lines
