"""The `course` command: lab, check, live, student, progress, slides, handout, refresh, map."""

import argparse
import os
import sys
import threading
import time
import webbrowser
from pathlib import Path

from course_utils.command.kernels import lab_environment
from course_utils.command.notebook_files import (
    CHAPTERS,
    ROOT,
    chapter_paths,
    find_chapter,
    find_notebook,
)
from course_utils.errors import CourseError
from course_utils.files import how_to_update


def main(arguments=None):
    """Run one subcommand; errors of the course end as one sentence and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not every terminal knows every sign
            stream.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(prog="course", description="Work with the course.")
    commands = parser.add_subparsers(dest="command", required=True)
    lab = commands.add_parser("lab", help="start JupyterLab and open a chapter")
    lab.add_argument("chapter", nargs="?", default="1", help="chapter to open: 1 … 4 (default 1)")
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    lab.epilog = "Other options go to JupyterLab, for example --port=9999."
    commands.add_parser("check", help="check environment, widgets, data, chapters")
    add_editions(commands)
    add_pages(commands)
    fresh = commands.add_parser("refresh", help="run notebooks and store their outputs (authors)")
    fresh.add_argument("chapters", nargs="*", help="chapters: 1 … 4 (default: all)")
    commands.add_parser("map", help="write the course map in notebooks/README.md (authors)")
    chosen, others = parser.parse_known_args(arguments)
    to_jupyter = chosen.command == "lab" or getattr(chosen, "open", False)
    if others and (not to_jupyter or not others[0].startswith("-")):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        if chosen.command == "lab":
            start_lab(find_notebook(chosen.chapter, others), chosen.no_browser, others)
        elif chosen.command == "check":
            return 0 if check() else 1
        elif chosen.command == "live":
            make_live(find_chapter(chosen.chapter), chosen.large, chosen.open, others)
        elif chosen.command == "student":
            make_student(find_chapter(chosen.chapter), chosen.beside, chosen.open, others)
        elif chosen.command == "progress":
            return 0 if tell_progress(chosen.folder) else 1
        elif chosen.command == "slides":
            make_slides(chosen.chapters)
        elif chosen.command == "handout":
            make_handouts(chosen.chapters, chosen.pdf)
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


def add_editions(commands):
    """Add the subcommands live, student and progress."""
    live = commands.add_parser("live", help="write the instructor's edition of a chapter")
    live.add_argument("--large", action="store_true", help="larger text in figures and code")
    student = commands.add_parser("student", help="write a chapter without its solutions")
    student.add_argument("--beside", action="store_true", help="write a copy beside your work")
    for edition in (live, student):
        edition.add_argument("chapter", help="chapter: 1 … 4")
        edition.add_argument("--open", action="store_true", help="start JupyterLab on it")
        edition.epilog = "With --open, other options go to JupyterLab, for example --port=9999."
    progress = commands.add_parser("progress", help="tell which exercises are solved")
    progress.add_argument(
        "folder", nargs="?", help="of your notebooks (default: build/student and notebooks)"
    )


def add_pages(commands):
    """Add the subcommands slides and handout."""
    deck = commands.add_parser("slides", help="write a chapter as a deck of slides")
    deck.add_argument("chapters", nargs="*", help="chapters: 1 … 4 (default: all)")
    handout = commands.add_parser("handout", help="write a chapter as one page to read")
    handout.add_argument("chapters", nargs="*", help="chapters: 1 … 4 (default: all)")
    handout.add_argument("--pdf", action="store_true", help="print it to a PDF, too (by Chromium)")


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


def check():
    """Print what is well, then each problem with its fix; returns whether there is none."""
    from course_utils.command.readiness import examine

    lines, problems = examine(chapter_paths([]))
    print("\n".join(lines))
    for problem in problems:
        print(f"Problem: {problem}", file=sys.stderr)
    if not problems:
        print("This machine is ready for a lesson.")
    return not problems


def make_live(chapter, large=False, show=False, others=()):
    """Write the instructor's edition; say how to open it, or open it. others: as for the lab."""
    from course_utils.command.editions import shown
    from course_utils.command.live import lab_settings, write_live

    written = write_live(chapter, large=large)
    if written.kept:
        print(f"{shown(written.kept)}: what you had typed there before")
    print(f"{shown(written.path)}: {written.count} cells to type")
    if not show:
        option = " --large" if large else ""
        print(f"Open it: uv run course live {int(chapter.stem[:2])}{option} --open")
        return
    sizes = [f"--LabApp.user_settings_dir={lab_settings()}"] if large else []
    start_lab(written.path, others=[*sizes, *others])


def make_student(chapter, beside=False, show=False, others=()):
    """Write the student's edition; say how to open it, or open it. others: as for the lab.

    To open it never asks for a fresh one: work that was begun is opened as it is.
    """
    from course_utils.command.editions import shown
    from course_utils.command.student import FOLDER, StudentsWork, write_student

    notebook = FOLDER / chapter.name
    try:
        written = write_student(chapter, beside=beside)
        notebook = written[0]
        print("\n".join(map(shown, written)))
    except StudentsWork:
        if not show:
            raise
    if show:
        start_lab(notebook, others=others)
    elif beside:
        print(f'Open it: uv run course lab "{shown(notebook)}"')
    else:
        print(f"Open it: uv run course student {int(chapter.stem[:2])} --open")


def tell_progress(folder):
    """Print a line for each chapter of a student's folder, and what could not be read."""
    from course_utils.command.solved import report
    from course_utils.command.student import FOLDER

    lines, problems = report([folder] if folder else [FOLDER, CHAPTERS])
    print("\n".join(lines))
    for problem in problems:
        print(f"Left out: {problem}", file=sys.stderr)
    return not problems


def make_slides(chapters):
    """Write the decks of the chapters (all if none is named) into build/slides/."""
    from course_utils.command.editions import shown
    from course_utils.command.slides import write_deck

    for path in chapter_paths(chapters):
        deck = write_deck(path, ROOT / "build" / "slides")
        print(f"{shown(deck)}: open it in a browser")


def make_handouts(chapters, pdf=False):
    """Write the pages of the chapters (all if none is named) into build/handout/."""
    from course_utils.command.editions import shown
    from course_utils.command.handout import write_handout, write_pdf

    for path in chapter_paths(chapters):
        page = write_handout(path, ROOT / "build" / "handout")
        made = [page, write_pdf(page)] if pdf else [page]
        for file in made:
            size = file.stat().st_size / 1e6
            print(f"{shown(file)}: {size:.1f} MB")


def refresh(chapters):
    """Run the chapters (all if none is named) from a fresh kernel and store their outputs."""
    from course_utils.command.refresh import refresh_notebook

    paths = [find_chapter(chapter) for chapter in chapters]
    for path in paths or sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")):
        seconds = refresh_notebook(path)
        print(f"{path.name}: run in {seconds:.0f} s, {path.stat().st_size / 1e6:.2f} MB")


def write_map():
    """Write into notebooks/README.md which section teaches which concept."""
    from course_utils.command.course_map import write_map as write

    readme = CHAPTERS / "README.md"
    changed = write(readme, sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb")))
    print(f"{readme.name}: the course map is {'written' if changed else 'as it was'}")


if __name__ == "__main__":
    sys.exit(main())
