"""A class is seen: students' answers run again, as a table and as a page for the room.

The table names students; the page for the room does not: it counts mistakes, and says which
section to show once more.
"""

import csv
import html
import io
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from course_utils.command.collecting.answer_trials import (
    COPIED,
    DIED,
    RIGHT,
    UNTOUCHED,
    Verdict,
    try_all,
)
from course_utils.command.collecting.class_answers import answers
from course_utils.command.editions.edition import BUILD, tags
from course_utils.command.editions.pages import style
from course_utils.command.notebook_files import chapter_paths, read_notebook, write
from course_utils.command.progress.solved import CHECKED
from course_utils.command.translation.korean import korean
from course_utils.language import is_korean, say

COLLECTED = BUILD / "collected"
WARNING = (
    "This runs the code of all notebooks in the folder, on this machine, as you. Each answer gets "
    "a process of its own, 30 seconds, 2 GB and no network; that stops accidents, and nobody who "
    "means harm. Collect only from people you know."
)
UNREADABLE = "unreadable notebook"


class Collected(NamedTuple):
    """What was written, and the verdicts: dict of (student, exercise) → Verdict."""

    files: list
    verdicts: dict
    problems: list


def collect(folder, target=COLLECTED, progress=None, **limits):
    """Try the answers of all notebooks in `folder`; write table and page into `target`.

    Of a student's several notebooks the newest counts in which an exercise was begun. progress:
    function of the (student, exercise) that has just been tried. limits: as `try_all` takes
    them. Returns Collected. Raises ArgumentError if there is nothing to collect.
    """
    found, problems = answers(folder)
    tries, verdicts = {}, {}
    for answer in found:
        tries.setdefault((answer.student, answer.exercise), []).append(answer)
    while tries:  # the newest first; older ones where it was not begun
        now = [waiting.pop(0) for waiting in tries.values()]
        for answer, verdict in try_all(now, **limits):
            key = answer.student, answer.exercise
            if verdict.state != UNTOUCHED or not tries[key]:
                verdicts[key] = verdict
                tries.pop(key)
            if progress:
                progress(*key)
    for student, said in problems:
        if not any(name == student for name, _ in verdicts):
            verdicts[student, ""] = Verdict(UNREADABLE, said)
    sections = sections_of_exercises()
    pages = {
        "table.csv": table_csv(verdicts, sections),
        "table.html": table_html(verdicts, sections),
        "room.html": room_html(verdicts, sections),
    }
    for name, text in pages.items():  # spreadsheets know UTF-8 by its mark
        write(Path(target) / name, text.encode("utf-8-sig" if name.endswith("csv") else "utf-8"))
    return Collected([Path(target) / name for name in pages], verdicts, problems)


def sections_of_exercises():
    """Dict of an exercise's name → (number of its section, its heading), in the course's order.

    The headings are Korean if Korean is on. Where a section has no number, its chapter stands.
    """
    found = {}
    for path in chapter_paths([]):
        heading = ""
        notebook = korean(path) if is_korean() else read_notebook(path)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                heading = ([heading] + re.findall(r"^## (.*)", cell.source, re.M))[-1]
            elif "exercise" in tags(cell):
                number = re.match(r"\d\.\d+\w*", heading)
                place = number[0] if number else f"chapter {int(path.stem[:2])}"
                found[CHECKED.search(cell.source)[1]] = place, heading
    return found


def _order(verdicts, sections):
    """Students by name, exercises in the course's order."""
    places = {name: place for place, name in enumerate(sections)}
    students = sorted({student for student, _ in verdicts})
    named = {name for _, name in verdicts if name}
    return students, sorted(named, key=lambda name: (places.get(name, len(places)), name))


def table_csv(verdicts, sections):
    """A line for each answer: student, exercise, section, state, what is said of it.

    The columns' names are English in every language, for programs that read them.
    """
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["student", "exercise", "section", "state", "said"])
    students, exercises = _order(verdicts, sections)
    for student in students:
        for name in ["", *exercises]:
            if (student, name) in verdicts:
                state, said = verdicts[student, name]
                place = sections.get(name, ("", ""))[0]
                row = [student, name, say(place), named(state), say(said)]
                lines.writerow(map(_no_formula, row))
    return text.getvalue()


def _no_formula(text):
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def table_html(verdicts, sections):
    """The table student × exercise as a page."""
    students, exercises = _order(verdicts, sections)
    heads = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in exercises)
    rows = []
    for student in students:
        cells = [_cell(verdicts.get((student, name))) for name in exercises]
        unread = verdicts.get((student, ""))
        if unread:
            cells = [f"<td colspan='{max(1, len(exercises))}'>{html.escape(say(unread.said))}</td>"]
        rows.append(f"<tr><th scope='row'>{html.escape(student)}</th>{''.join(cells)}</tr>")
    key = say(
        f"<p>Students: {len(students)}. ✓ is right, also in cases that the notebook does not show; "
        "· is not attempted; – is not there.</p>"
    )
    first, heading = say("<th scope='col'>student</th>"), say("Who solved what")
    body = (
        f"{key}<div class='wide' tabindex='0' role='group' aria-label='{heading}'>"
        f"<table><thead><tr>{first}{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return _page(heading, body)


def _cell(verdict):
    if verdict is None:
        return "<td>–</td>"
    if verdict.state == RIGHT:
        return "<td class='right'>✓</td>"
    if verdict.state == UNTOUCHED:
        return "<td>·</td>"
    state, said = html.escape(named(verdict.state)), html.escape(say(verdict.said))
    told = f"<details><summary>{state}</summary>{said}</details>" if said else state
    return f"<td class='wrong'>{told}</td>"


def named(state):
    """A verdict's state as it is shown."""
    return "맞음" if state == RIGHT and is_korean() else say(state)  # "right" is a side, too


def room_html(verdicts, sections):
    """The page for the room: without names, each exercise with its counts and what to show."""
    students, exercises = _order(verdicts, sections)
    parts = []
    for name in exercises:
        states = [verdict.state for (_, other), verdict in verdicts.items() if other == name]
        tried = [state for state in states if state != UNTOUCHED]
        place, heading = sections.get(name, ("", ""))
        right = tried.count(RIGHT)
        items = [
            f"<li>{_share(count, tried)}: {html.escape(named(state))}.{_show(state, place)}</li>"
            for state, count in Counter(tried).most_common()
            if state != RIGHT
        ]
        counts = say(f"{right} of {len(tried)} right, {states.count(UNTOUCHED)} not attempted.")
        parts.append(
            f"<h2>{html.escape(name)}</h2><p>{html.escape(heading)}</p>"
            f"<p>{counts}</p><ul>{''.join(items)}</ul>"
        )
    many = say(f"<p>Students: {len(students)}.</p>")
    return _page(say("What the room did"), f"{many}{''.join(parts)}")


def _share(count, tried):
    """How many of those who tried."""
    return say(f"<b>{count} of {len(tried)}</b>")


def _show(state, place):
    """Which section helps against a mistake."""
    if not place or state in (COPIED, DIED):
        return ""
    chapter = place.removeprefix("chapter ")
    shown = f"Show {place}." if chapter == place else f"Show chapter {chapter}."
    return f" {html.escape(say(shown))}"


LOOK = """
.wide { overflow-x: auto; } table { border-collapse: collapse; }
th, td { border: 1px solid #8888; padding: .3em .6em; text-align: left; vertical-align: top; }
td.right { color: var(--right); font-weight: bold; } td.wrong { max-width: 16em; }
body { padding: 0 1rem; } details { margin: 0; } summary { font-weight: inherit; }
"""


def _page(heading, body):
    """A whole page of HTML."""
    language = "ko" if is_korean() else "en"
    return (
        f"<!DOCTYPE html><html lang='{language}'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{heading}</title><style>{style('page.css', 'dark.css')}{LOOK}</style></head>"
        f"<body><main><h1>{heading}</h1>{body}</main></body></html>\n"
    )
