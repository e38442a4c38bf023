"""What a student predicted: how many, how many right, and where he was surest and wrong."""

import re
from pathlib import Path

from course_utils.command.editions.edition import prose, tags
from course_utils.exercises.kept import NAME, read_kept

SUREST = ("sure", "fairly")  # a guess that was wrong is no belief
MOST = 3  # places that are named
HEADING = re.compile(r"^## (.+)$", re.M)


def read_predictions(folders):
    """What is kept in folders: dict of (chapter, prompt) → prediction; and problems.

    Of several the earliest counts; those that were made when the answer was out are no part. A file
    that is none is a problem, a sentence.
    """
    found, problems = {}, []
    for folder in dict.fromkeys(map(Path, folders)):
        try:
            kept = read_kept(folder / NAME)
        except (OSError, ValueError) as problem:
            problems.append(f"{folder / NAME} cannot be read as predictions ({problem})")
            continue
        for key, entry in kept.items():
            if not entry.get("later") and entry["time"] < found.get(key, {"time": "~"})["time"]:
                found[key] = entry
    return found, problems


def line(cells, predictions):
    """One line on a chapter's predictions, or None if none were made.

    cells: of the chapter. predictions: dict of a prompt's ID → what was kept.
    """
    if not predictions:
        return None
    prompts = sum("predict" in tags(cell) for cell in cells)
    told = [entry.get("right") for entry in predictions.values() if entry.get("told")]
    right, wrong, waiting = told.count(True), told.count(False), len(predictions) - len(told)
    text = f"  predictions: {len(predictions)} of {max(prompts, len(predictions))} made"
    text += f"; {right} right, {wrong} wrong"
    text += f", {waiting} not told yet" if waiting else ""
    places = surest_and_wrong(cells, predictions)
    return f"{text}; surest and wrong in {'; '.join(places)}" if places else text


def surest_and_wrong(cells, predictions):
    """Headings of the sections in which a wrong prediction was surest, at most three."""
    sections = prompt_sections(cells)
    order = [*sections, *predictions]  # a prompt that is no longer there stands last
    for sure in SUREST:
        wrong = [
            prompt
            for prompt, entry in predictions.items()
            if entry.get("told") and entry.get("right") is False and entry["sure"] == sure
        ]
        if wrong:
            named = (sections.get(prompt, prompt) for prompt in sorted(wrong, key=order.index))
            return list(dict.fromkeys(named))[:MOST]
    return []


def prompt_sections(cells):
    """Dict of a prompt's ID → heading of its section, in the chapter's order."""
    sections, heading = {}, ""
    for cell in cells:
        heading = [heading, *HEADING.findall(prose(cell))][-1]
        if "predict" in tags(cell):
            sections[cell.id] = heading
    return sections
