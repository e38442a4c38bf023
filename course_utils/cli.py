"""The `course` command: lab, check, refresh, map."""

import argparse
import os
import sys
import threading
import time
import webbrowser
from pathlib import Path

from course_utils.errors import CourseError

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "notebooks"
LAB_CONFIG = Path(__file__).parent / "lab_config"


def main(arguments=None):
    """Run one subcommand; errors of the course end as one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="course", description="Work with the course.")
    commands = parser.add_subparsers(dest="command", required=True)
    lab = commands.add_parser("lab", help="start JupyterLab and open a chapter")
    lab.add_argument("chapter", nargs="?", default="1", help="chapter to open: 1 … 4 (default 1)")
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    lab.epilog = "Other options go to JupyterLab, for example --port=9999."
    commands.add_parser("check", help="check this environment and every data file")
    fresh = commands.add_parser("refresh", help="run notebooks and store their outputs (authors)")
    fresh.add_argument("chapters", nargs="*", help="chapters: 1 … 4 (default: all)")
    commands.add_parser("map", help="write the course map in notebooks/README.md (authors)")
    chosen, others = parser.parse_known_args(arguments)
    if others and chosen.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        if chosen.command == "lab":
            start_lab(find_chapter(chosen.chapter), chosen.no_browser, others)
        elif chosen.command == "check":
            check()
        elif chosen.command == "map":
            write_map()
        else:
            refresh(chosen.chapters)
    except CourseError as problem:
        print(f"course {chosen.command}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def find_chapter(chapter):
    """ "2", "02" or "02_cnn" → the path of that notebook. Raises CourseError if there is none."""
    paths = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    for path in paths:
        if Path(chapter).name in (path.stem, path.name) or chapter.zfill(2) == path.stem[:2]:
            return path
    numbers = ", ".join(str(int(path.stem[:2])) for path in paths) or "none"
    raise CourseError(f"no chapter {chapter!r} in {CHAPTERS}; there are: {numbers}")


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

    theirs = os.environ.get("JUPYTER_CONFIG_PATH", "")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(LAB_CONFIG), theirs]))
    # a server that was killed in a container may have left its address under the same number
    Path(jupyter_runtime_dir(), f"jpserver-{os.getpid()}.json").unlink(missing_ok=True)
    threading.Thread(target=announce, args=(notebook, os.getpid()), daemon=True).start()
    LabApp.launch_instance([*lab_arguments(notebook, no_browser), *others])


def announce(notebook, process, patience=120):
    """Wait until the server of `process` runs, then print where the chapter is."""
    from jupyter_server.serverapp import list_running_servers

    for _ in range(patience * 2):
        for server in list_running_servers(log=None):
            if server["pid"] == process:
                page = f"{server['url']}lab/tree/{notebook.relative_to(ROOT).as_posix()}"
                token = f"?token={server['token']}" if server["token"] else ""
                print(
                    f"\n  The course is open at\n\n    {page}{token}\n\n"
                    "  Leave this window open; press Ctrl-C twice to stop.\n",
                    flush=True,
                )
                return
        time.sleep(0.5)


def check():
    """Print the doctor's line and how many data files are whole."""
    from course_utils.data import check_all
    from course_utils.doctor import check_environment

    print(check_environment(chapter=None))
    print(f"Data: {check_all()} files, each as its SHA-256 says")


def refresh(chapters):
    """Run the chapters (all if none is named) from a fresh kernel and store their outputs."""
    from course_utils.refresh import refresh_notebook

    paths = [find_chapter(chapter) for chapter in chapters]
    for path in paths or sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")):
        seconds = refresh_notebook(path)
        print(f"{path.name}: run in {seconds:.0f} s, {path.stat().st_size / 1e6:.2f} MB")


def write_map():
    """Write into notebooks/README.md which section teaches which concept."""
    from course_utils.course_map import write_map as write

    readme = CHAPTERS / "README.md"
    changed = write(readme, sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")))
    print(f"{readme.name}: the course map is {'written' if changed else 'as it was'}")


if __name__ == "__main__":
    sys.exit(main())
