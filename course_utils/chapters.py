"""The chapters, and other notebooks of the course's folder, by the names that people give them."""

from pathlib import Path

from course_utils.errors import CourseError
from course_utils.names import cleaned, find, nearest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "notebooks"


def find_chapter(chapter):
    """ "2", "02" or "02_cnn" → the path of that notebook. Raises CourseError if there is none."""
    paths = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    text = cleaned(chapter)
    number = f"{int(text):02d}" if text.isdecimal() else None
    for path in paths:
        if text in (path.stem, path.name) or number == path.stem[:2]:
            return path
    path, hint = _place(chapter, lambda path: path.resolve() in paths)
    if path:
        return path
    meant = nearest(text, [path.name for path in paths], alike=0.75)
    hint = f"; did you mean '{meant}'?" if meant else hint
    numbers = ", ".join(str(int(path.stem[:2])) for path in paths) or "none"
    raise CourseError(f"no chapter {chapter!r} in {CHAPTERS}; there are: {numbers}{hint}")


def _place(name, suits):
    """Where a path leads, from here or from the course's folder, or None; and a hint."""
    hints = []
    for folder in (Path.cwd(), ROOT):
        path, hint = find(name, suits, folder)
        if hint is None:
            return path.resolve(), ""
        hints.append(hint)
    return None, hints[0] or hints[1]


def find_notebook(name, options=()):
    """As `find_chapter`, or the path of any notebook in the course's folder, as build/ has them."""
    path, near = _place(name, _is_notebook)
    if path:
        return path
    try:
        return find_chapter(name)
    except CourseError as problem:
        hint = "" if near in str(problem) else near
        if options:
            hint = f"; write an option of JupyterLab with =, {options[0]}={name}"
        raise CourseError(f"{problem}{hint}") from None


def _is_notebook(path):
    """Whether a path is that of a notebook in the course's folder."""
    return path.suffix == ".ipynb" and path.resolve().is_relative_to(ROOT) and path.is_file()


def chapter_paths(chapters):
    """The notebooks of the chapters that are named, or all."""
    named = [find_chapter(chapter) for chapter in chapters]
    return named or sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
