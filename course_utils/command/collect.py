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

from course_utils.command.answer_trials import COPIED, DIED, RIGHT, UNTOUCHED, Verdict, try_all
from course_utils.command.class_answers import answers
from course_utils.command.editions import BUILD, tags
from course_utils.command.notebook_files import chapter_paths, read_notebook, write
from course_utils.command.pages import style
from course_utils.command.solved import CHECKED

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
    """Dict of an exercise's name → (number of its section, its heading), in the course's order."""
    found = {}
    for path in chapter_paths([]):
        heading = ""
        for cell in read_notebook(path).cells:
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
    """A line for each answer: student, exercise, section, state, what is said of it."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["student", "exercise", "section", "state", "said"])
    students, exercises = _order(verdicts, sections)
    for student in students:
        for name in ["", *exercises]:
            if (student, name) in verdicts:
                state, said = verdicts[student, name]
                row = [student, name, sections.get(name, ("", ""))[0], state, said]
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
            cells = [f"<td colspan='{max(1, len(exercises))}'>{html.escape(unread.said)}</td>"]
        rows.append(f"<tr><th scope='row'>{html.escape(student)}</th>{''.join(cells)}</tr>")
    body = (
        f"<p>{len(students)} students. ✓ is right, also in cases that the notebook does not show; "
        "· is not attempted; – is not there.</p>"
        f"<div class='wide'><table><thead><tr><th scope='col'>student</th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return _page("Who solved what", body)


def _cell(verdict):
    if verdict is None:
        return "<td>–</td>"
    if verdict.state == RIGHT:
        return "<td class='right'>✓</td>"
    if verdict.state == UNTOUCHED:
        return "<td>·</td>"
    said = html.escape(verdict.said, quote=True)
    return f"<td class='wrong' title='{said}'>{html.escape(verdict.state)}</td>"


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
            f"<li><b>{count} of {len(tried)}</b>: {html.escape(state)}.{_show(state, place)}</li>"
            for state, count in Counter(tried).most_common()
            if state != RIGHT
        ]
        parts.append(
            f"<h2>{html.escape(name)}</h2><p>{html.escape(heading)}</p>"
            f"<p>{right} of {len(tried)} right, {states.count(UNTOUCHED)} not attempted.</p>"
            f"<ul>{''.join(items)}</ul>"
        )
    return _page("What the room did", f"<p>{len(students)} students.</p>{''.join(parts)}")


def _show(state, place):
    """Which section helps against a mistake."""
    helps = place and state not in (COPIED, DIED)
    return f" Show {html.escape(place)}." if helps else ""


LOOK = """
.wide { overflow-x: auto; } table { border-collapse: collapse; }
th, td { border: 1px solid #8888; padding: .3em .6em; text-align: left; vertical-align: top; }
td.right { color: #1a7f37; font-weight: bold; } td.wrong { max-width: 16em; }
@media (prefers-color-scheme: dark) { td.right { color: #4ac26b; } }
"""


def _page(heading, body):
    """A whole page of HTML."""
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{heading}</title><style>{style('page.css')}{LOOK}</style></head>"
        f"<body><main><h1>{heading}</h1>{body}</main></body></html>\n"
    )
