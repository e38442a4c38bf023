"""The `course` command: lab, progress, collect, check, editions, pages; and authors' commands.

Each subcommand is a function of what `argparse` read; it returns an exit code, None for 0. What it
needs is imported only there, so that `course lab` is quick.
"""

import argparse
import contextlib
import sys

from course_utils.command.lab import start_lab
from course_utils.command.notebook_files import (
    CHAPTERS,
    ROOT,
    chapter_paths,
    find_chapter,
    find_notebook,
)
from course_utils.errors import CourseError
from course_utils.files import nearest
from course_utils.language import is_korean, machine_is_korean, say, speaking


def main(arguments=None):
    """Run one subcommand; errors of the course end as one sentence and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not every terminal knows every sign
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:] if arguments is None else arguments
    with speaking("--ko" in arguments):
        return run(arguments)


def run(arguments):
    """As `main`, in the language that is on."""
    parser, commands = make_parser()
    if not arguments:
        parser.print_help()
        return 0
    if not arguments[0].startswith("-") and arguments[0] not in commands:
        meant = nearest(arguments[0], list(commands))
        hint = f"; did you mean `course {meant}`?" if meant else "; `course` alone lists them"
        parser.error(f"there is no command {arguments[0]!r}{hint}")
    chosen, others = parser.parse_known_args(arguments)
    to_jupyter = chosen.command == "lab" or getattr(chosen, "open", False)
    if others and (not to_jupyter or not others[0].startswith("-")):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    chosen.others = others
    try:
        return chosen.run(chosen) or 0
    except CourseError as problem:
        print(f"course {chosen.command}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def make_parser():
    """The command line, and its subcommands: each with options, and the function that runs it.

    Returns an ArgumentParser and a dict of name → the subcommand's parser.
    """
    parser = argparse.ArgumentParser(
        prog="course", usage="course COMMAND …", add_help=False,
        description="Type first: uv run course lab 1",
    )  # fmt: skip
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(
        dest="command", required=True, prog="course", title="commands", metavar="COMMAND --help",
        help="tells more of a command",
    )  # fmt: skip

    def add(name, run, text):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        return command

    lab = add("lab", open_chapter, "start JupyterLab, and open your copy of a chapter")
    lab.add_argument("chapter", nargs="?", default="1", help="chapter to open: 1 … 4 (default 1)")
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    lab.add_argument("--verbose", action="store_true", help="show the log of the server")
    lab.add_argument(
        "--source", action="store_true", help="open the chapter itself, in notebooks/ (authors)"
    )
    lab.epilog = "Other options go to JupyterLab, for example --port=9999."
    progress = add("progress", tell_progress, "tell what is solved, and what was predicted")
    progress.add_argument(
        "place",
        nargs="?",
        help="your notebook, or the folder of your notebooks (default: build and notebooks)",
    )
    classes = add("collect", collect_answers, "run the answers of a class again, as a table")
    classes.add_argument("folder", help="folder of your students' notebooks")
    classes.add_argument("--yes", action="store_true", help="do not ask before running their code")
    add("check", check, "check whether this machine is ready for a lesson")
    student = add("student", make_student, "write a chapter without its solutions")
    student.add_argument("--beside", action="store_true", help="write a copy beside your work")
    live = add("live", make_live, "write the instructor's edition of a chapter, to type live")
    live.add_argument("--large", action="store_true", help="larger text in figures and code")
    for edition in (live, student):
        edition.add_argument("chapter", help="chapter: 1 … 4")
        edition.add_argument("--open", action="store_true", help="start JupyterLab on it")
        edition.epilog = "With --open, other options go to JupyterLab, for example --port=9999."
    for command in (
        add("slides", make_slides, "write a chapter as a deck of slides"),
        add("handout", make_handouts, "write a chapter as one page to read"),
        add("refresh", refresh, "for authors: run chapters and store their outputs"),
    ):
        command.add_argument("chapters", nargs="*", help="chapters: 1 … 4 (default: all)")
    translate = add("translate", translate_course, "for translators: the Korean catalogs")
    translate.add_argument("name", nargs="?", help="a catalog, as 01_image_data.01 (default: all)")
    translate.add_argument("--missing", action="store_true", help="print what is to be translated")
    translate.add_argument("--take", metavar="FILE", help="store translations, JSON lines")
    translate.add_argument("--problems", action="store_true", help="check what is translated")
    add("map", write_map, "for authors: write the course map in notebooks/README.md")
    add("preview", write_preview, "for authors: draw the picture of README.md")
    for name in ("lab", "progress", "collect", "check", "student", "live", "slides", "handout"):
        commands.choices[name].add_argument("--ko", action="store_true", help="한국어로")
    if is_korean():
        in_korean(parser, *commands.choices.values(), commands)
    return parser, commands.choices


def in_korean(*parsers):
    """Put the texts of argparse's parsers into Korean."""
    for parser in parsers:
        for name in ("description", "epilog", "title", "help"):
            if isinstance(getattr(parser, name, None), str):
                setattr(parser, name, say(getattr(parser, name)))
        actions = [*getattr(parser, "_actions", ()), *getattr(parser, "_choices_actions", ())]
        for action in actions:
            if action.help and action.help != argparse.SUPPRESS:
                action.help = say(action.help)
        for group in getattr(parser, "_action_groups", ()):
            group.title = say(group.title)


def edition_of(chapter, chosen):
    """The chapter at a path, or its Korean edition if --ko was given."""
    from course_utils.command.translation.korean import write_korean

    return write_korean(chapter) if chosen.ko else chapter


def folder_of(folder, chosen):
    """The folder of an edition; that of the Korean one lies in it."""
    return folder / "ko" if chosen.ko else folder


def open_chapter(chosen):
    """Start JupyterLab on one's copy of a chapter, or on any notebook in the course's folder.

    The other chapters get their copies, too, so that the list of files has them all.
    """
    from course_utils.command.editions.working_copies import WORK, prepare

    notebook = find_notebook(chosen.chapter, chosen.others)
    chapters, copied = chapter_paths([]), None
    if notebook in chapters and not chosen.source:
        work = folder_of(WORK, chosen)
        copied = prepare(edition_of(notebook, chosen), work)
        for other in chapters:
            with contextlib.suppress(CourseError):  # it is told where that chapter is opened
                prepare(edition_of(other, chosen), work)
    if machine_is_korean() and not is_korean():
        print("한국어판도 있습니다: uv run course lab 1 --ko")
    start_lab(
        copied.opened if copied else notebook,
        chosen.no_browser,
        chosen.others,
        verbose=chosen.verbose,
        working_copy=copied,
    )


def check(chosen):
    """Print what is well, then each problem with its fix."""
    from course_utils.command.readiness import examine

    lines, problems = examine(chapter_paths([]))
    print("\n".join(lines))
    for problem in problems:
        print(f"Problem: {problem}", file=sys.stderr)
    if problems:
        return 1
    print("This machine is ready for a lesson.")


def make_live(chosen):
    """Write the instructor's edition; say how to open it, or open it."""
    from course_utils.command.editions.edition import BUILD, shown
    from course_utils.command.editions.live import lab_settings, write_live

    chapter = find_chapter(chosen.chapter)
    place = {"folder": BUILD / "live" / "ko"} if chosen.ko else {}
    written = write_live(edition_of(chapter, chosen), large=chosen.large, **place)
    if written.kept:
        print(f"{shown(written.kept)}: what you had typed there before")
    print(f"{shown(written.path)}: {written.count} cells to type")
    print(f"{shown(written.notes)}: what to say, for your phone and not for the projector")
    if not chosen.open:
        option = " --large" if chosen.large else ""
        option += " --ko" if chosen.ko else ""
        print(f"Open it: uv run course live {int(chapter.stem[:2])}{option} --open")
        return
    sizes = [f"--LabApp.user_settings_dir={lab_settings()}"] if chosen.large else []
    start_lab(written.path, others=[*sizes, *chosen.others])


def make_student(chosen):
    """Write the student's edition; say how to open it, or open it.

    To open it never asks for a fresh one: work that was begun is opened as it is.
    """
    from course_utils.command.editions.edition import (
        BUILD,
        STUDENT,
        StudentsWork,
        shown,
        write_student,
    )

    chapter = find_chapter(chosen.chapter)
    place = {"folder": BUILD / "ko"} if chosen.ko else {}
    notebook = (BUILD / "ko" / STUDENT.name if chosen.ko else STUDENT) / chapter.name
    try:
        written = write_student(edition_of(chapter, chosen), beside=chosen.beside, **place)
        notebook = written[0]
        print("\n".join(map(shown, written)))
    except StudentsWork:
        if not chosen.open:
            raise
    if chosen.open:
        start_lab(notebook, others=chosen.others)
    elif chosen.beside:
        print(f'Open it: uv run course lab "{shown(notebook)}"')
    else:
        option = " --ko" if chosen.ko else ""
        print(f"Open it: uv run course student {int(chapter.stem[:2])}{option} --open")


def tell_progress(chosen):
    """Print a line for each chapter of a student's folder, and what could not be read."""
    from course_utils.command.editions.edition import BUILD, STUDENT
    from course_utils.command.editions.working_copies import WORK
    from course_utils.command.progress.solved import report

    places = [WORK, STUDENT, CHAPTERS, WORK / "ko", BUILD / "ko" / STUDENT.name]
    lines, problems = report([chosen.place] if chosen.place else places)
    print("\n".join(lines))
    for problem in problems:
        print(f"Left out: {problem}", file=sys.stderr)
    return 1 if problems else 0


def collect_answers(chosen):
    """Run the answers of a class again; say what was found, and where it is written."""
    from tqdm import tqdm

    from course_utils.command.collecting.collect import WARNING, collect
    from course_utils.command.editions.edition import shown

    print(WARNING)
    if not chosen.yes and not _agreed():
        print("Nothing was run. `course collect FOLDER --yes` does not ask.")
        return 1
    unit = "개" if is_korean() else " answers"
    with tqdm(unit=unit, leave=False) as bar:
        collected = collect(chosen.folder, progress=lambda *_: bar.update())
    for student, problem in collected.problems:
        print(f"Left out, {student}: {problem}", file=sys.stderr)
    right = sum(verdict.state == "right" for verdict in collected.verdicts.values())
    students = len({student for student, _ in collected.verdicts})
    print(f"{students} students, {len(collected.verdicts)} answers, {right} right")
    print("\n".join(map(shown, collected.files)))


def _agreed():
    """Whether the person at the keyboard agrees."""
    try:
        typed = input(say("Run it? [y/N] "))
    except EOFError:
        return False
    return typed.strip().lower() in ("y", "yes", "예", "네")


def make_slides(chosen):
    """Write the decks of the chapters (all if none is named) into build/slides/."""
    from course_utils.command.editions.edition import shown
    from course_utils.command.editions.slides import write_deck

    for path in chapter_paths(chosen.chapters):
        deck = write_deck(edition_of(path, chosen), folder_of(ROOT / "build" / "slides", chosen))
        print(f"{shown(deck)}: open it in a browser")


def make_handouts(chosen):
    """Write the pages of the chapters (all if none is named) into build/handout/."""
    from course_utils.command.editions.edition import shown
    from course_utils.command.editions.pages import write_handout

    for path in chapter_paths(chosen.chapters):
        page = write_handout(
            edition_of(path, chosen), folder_of(ROOT / "build" / "handout", chosen)
        )
        print(f"{shown(page)}: {page.stat().st_size / 1e6:.1f} MB")


def refresh(chosen):
    """Run the chapters (all if none is named) from a fresh kernel and store their outputs."""
    from course_utils.command.authors import refresh_notebook

    for path in chapter_paths(chosen.chapters):
        seconds = refresh_notebook(path)
        print(f"{path.name}: run in {seconds:.0f} s, {path.stat().st_size / 1e6:.2f} MB")


def translate_course(chosen):
    """Bring the catalogs in step with the course, or ask, fill or check one of them."""
    from course_utils.command.translation import translate

    if not chosen.name:
        print("\n".join(translate.update()))
        return 0
    if chosen.take:
        stored, refused = translate.take(chosen.name, chosen.take)
        print(f"{stored} stored, {len(refused)} problems")
    elif chosen.problems:
        refused = translate.catalog_problems(chosen.name)
        print(f"{len(refused)} problems")
    else:
        print("\n".join(translate.missing(chosen.name)))
        return 0
    for sentence in refused:
        print(sentence, file=sys.stderr)
    return 1 if refused else 0


def write_map(chosen):
    """Write into notebooks/README.md which section teaches which concept."""
    from course_utils.command.authors import write_map as write

    readme = CHAPTERS / "README.md"
    changed = write(readme, chapter_paths([]))
    print(f"{readme.name}: the course map is {'written' if changed else 'as it was'}")


def write_preview(chosen):
    """Draw the picture of the README into notebooks/preview.jpg."""
    from course_utils.command.notebook_files import write
    from course_utils.command.preview import draw_preview

    write(CHAPTERS / "preview.jpg", draw_preview())
    print("preview.jpg is drawn")


if __name__ == "__main__":
    sys.exit(main())
