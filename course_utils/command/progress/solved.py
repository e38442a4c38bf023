"""What a student has solved so far: the metadata of the outputs that are stored in notebooks."""

import re

from course_utils.command.editions.edition import ROOT, shown, tags
from course_utils.command.notebook_files import chapter_paths, read_notebook
from course_utils.command.progress.predicted import line as predictions_line
from course_utils.command.progress.predicted import read_predictions
from course_utils.command.saved_widgets import answered_questions
from course_utils.errors import ArgumentError, CourseError
from course_utils.files import find
from course_utils.language import texts

CHECKED = re.compile(r'^check\("([^"]+)"', re.M)
STATES = ("not attempted", "tried", "solved")  # from worst to best
texts("{0} not attempted", "{0} tried", "{0} solved", "questions: {0} right of {1} answered")


def report(folders):
    """Lines, one a chapter: solved, tried, not attempted, the next one to try; and problems.

    A chapter in which something was predicted has a second line on that.

    folders: list of where the student's notebooks are; a notebook itself will do, too. Several
    copies of a chapter, whatever is added to its name, count together: the best state of each
    exercise. Problems: sentences on copies that cannot be read. Raises ArgumentError if there is no
    chapter at all.
    """
    found, known, chapters = [find(place, _holds) for place in folders], chapter_names(), {}
    there = [place for place, hint in found if hint is None]
    for place in there:
        for path in sorted(place.glob("*.ipynb")) if place.is_dir() else [place]:
            own = path.stem.split(" (")[0] if re.match(r"\d\d_", path.stem) else None
            stem = next((name for name in known if name in path.stem), own)
            if stem and not path.stem.endswith("_solutions"):
                chapters.setdefault(stem, []).append(path)
    if not chapters:
        (place, hint), *_ = found
        where = shown(place.resolve())
        if hint is not None:
            hint = hint or ": name your notebook, or the folder that it is in"
            raise ArgumentError(f"there is no notebook or folder {where}{hint}")
        raise ArgumentError(
            f"{where} has no chapter of the course: begin one with `course lab 1`, or see those of "
            "the lesson with `course progress notebooks`"
        )
    homes = [place if place.is_dir() else place.parent for place in there]
    predictions, problems = read_predictions(homes)
    lines = []
    for stem, paths in sorted(chapters.items()):
        source = _source(stem)
        own = {
            prompt: entry
            for (chapter, prompt), entry in predictions.items()
            if chapter == stem.partition("_")[2]
        }
        said = predictions_line(source.cells if source else [], own)
        lines += filter(None, [_line(stem, source, paths, problems), said])
    return lines, problems


def _holds(path):
    """Whether a path may hold a student's work: a folder or a notebook."""
    return path.is_dir() or (path.suffix == ".ipynb" and path.is_file())


def chapter_names():
    """The names of the course's notebooks, without their ending."""
    return [path.stem for path in chapter_paths([])]


def exercise_states(notebook, stubs=None):
    """Dict of an exercise's name → "solved", "tried" or "not attempted".

    stubs: dict of name → the source of the untouched cell, to tell code that was typed and not
    run yet; None goes by the outputs alone.
    """
    states = {}
    for cell in notebook.cells:
        named = CHECKED.search(cell.source)
        if cell.cell_type != "code" or "exercise" not in tags(cell) or not named:
            continue
        name = named[1]
        told = [output.get("metadata", {}) for output in cell.outputs]
        typed = name in (stubs or {}) and cell.source.split() != stubs[name].split()
        if any(said.get("exercise") == name and said.get("state") == "solved" for said in told):
            states[name] = "solved"
        elif typed or any(output.output_type == "error" for output in cell.outputs):
            states[name] = "tried"
        else:
            states[name] = "not attempted"
    return states


def _source(stem):
    """The chapter of that name as a notebook; None if there is none that can be read."""
    path = ROOT / "notebooks" / f"{stem}.ipynb"
    try:
        return read_notebook(path) if path.is_file() else None
    except CourseError:  # it is among the paths, or no concern of this folder
        return None


def _line(stem, source, paths, problems):
    """One chapter's line, over all copies of it; one that cannot be read goes to `problems`."""
    stubs = _stubs(source) if source else {}
    best = dict.fromkeys(stubs, STATES[0])  # a cell that was deleted is not attempted
    right, answered = 0, 0
    for path in paths:
        try:
            notebook = read_notebook(path)
        except CourseError as problem:
            problems.append(str(problem))
            continue
        for name, state in exercise_states(notebook, stubs).items():
            best[name] = max(best.get(name, STATES[0]), state, key=STATES.index)
        here = answered_questions(notebook)
        right, answered = max(right, here[0]), max(answered, here[1])
    states = list(best.values())
    counts = ", ".join(f"{states.count(state)} {state}" for state in reversed(STATES))
    line = f"{stem}: {counts}"
    if answered:
        line += f"; questions: {right} right of {answered} answered"
    for number, (name, state) in enumerate(best.items(), 1):
        if state != "solved":
            return f"{line}; next: exercise {number}, {name}"
    return line + ("; all done" if best else "; it has no exercises")


def _stubs(notebook):
    """Dict of an exercise's name → the source of its untouched cell."""
    cells = [cell for cell in notebook.cells if "exercise" in tags(cell)]
    return {CHECKED.search(cell.source)[1]: cell.source for cell in cells}
