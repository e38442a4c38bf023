"""The editions: nothing of a chapter is lost in them, and no work of a student's is."""

import ast
import base64
import copy
import io
import json
import os
import re
from collections import Counter

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from ipywidgets.embed import dependency_state
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert.filters import markdown2html
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from test_slides import resources

from course_utils.command import authors, saved_widgets
from course_utils.command.authors import clean
from course_utils.command.editions import live, notes, pages, slides, typed_cells
from course_utils.command.editions.edition import (
    FOLD,
    MET,
    StudentsWork,
    holds_work,
    reading,
    relink,
    solutions_edition,
    student_edition,
    without_answers,
    write_student,
)
from course_utils.command.editions.live import emptied_cells
from course_utils.command.editions.notes import prompt
from course_utils.command.editions.typed_cells import is_untouched
from course_utils.command.notebook_files import parsed
from course_utils.command.progress import solved
from course_utils.command.saved_widgets import STATE, VIEW
from course_utils.errors import ArgumentError, CourseError
from course_utils.exercises.image_data import QUESTIONS
from course_utils.exercises.questions import Ask, Question
from notebooks_as_files import CHAPTERS, ROOT, code_cells, exercises, read, tags

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
THEN = FOLD.format("Then read")
IGNORED = "nbval-ignore-output"
PLAN = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
LETTERS_A_MINUTE = 200  # that are typed in front of a class
MARKED = {  # tag → the words that a reader knows such prose by
    "predict": r"\*\*Predict\*\*",
    "lecture-note": r"\*\*Lecture note\.\*\*",
    "explore": r"\*\*Explore\*\*",
    "exercises": r"^## (Exercises$|Clinic\b)",
    "statement": r"^### Exercise \d+: ",
    "glossary": r"^## Glossary\b",
}
OTHER_WORDS = {
    "**Predict": "**예측",
    "**Lecture note.**": "**강의 노트.**",
    "**Explore**": "**탐색**",
    "## Exercises": "## 연습",
    "## Clinic": "## 진료",
    "### Exercise ": "### 연습 ",
    "## Glossary": "## 용어",
    "<summary>Solution</summary>": "<summary>풀이</summary>",
    "run this cell to": "이 셀을 실행해",
    "*After a restart": "*다시 시작한 뒤",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the editions are written: live/, student/ and solutions/."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def lives(folder):
    """Dict of chapter → its live edition, read back from its file."""
    return {path: read(live.write_live(path, folder / "live").path) for path in CHAPTERS}


@pytest.fixture(scope="module")
def students(folder):
    """Dict of chapter → its student's edition and its solutions, read back from their files."""
    return {path: [read(file) for file in write_student(path, folder)] for path in CHAPTERS}


def planned(path):
    """The numbers of cells to type in the plan in notebooks/README.md, a sitting each."""
    rows = PLAN.split(f"\n**Chapter {int(path.stem[:2])}, ")[1].split("\n**Chapter")[0]
    return [int(cell) for cell in re.findall(r"^\| \d.*\| (\d+) \|[^|]*\|$", rows, re.M)]


def lesson_cells(notebook):
    """The code cells that are typed in front of a class."""
    return [cell for cell in code_cells(notebook) if "lesson" in tags(cell)]


def sittings(path):
    """Dict of a sitting's first section, as the plan in notebooks/README.md has it → code cells."""
    chapter = int(path.stem[:2])
    rows = PLAN.split(f"\n**Chapter {chapter}, ")[1].split("\n**Chapter")[0]
    starts = re.findall(rf"^\| \d[^|]*\|[^|]*?\b({chapter}\.\d+)", rows, re.M)
    found, now = {start: [] for start in starts}, starts[0]
    for cell in read(path).cells:
        begun = re.search(r"^## (\d\.\d+) ", cell.source, re.M)
        now = begun[1] if begun and begun[1] in found else now
        found[now] += [cell] if cell.cell_type == "code" else []
    return found


@chapters
def test_a_sitting_has_as_many_lesson_cells_as_can_be_typed(path):
    """2 to 20 cells, and at most 25 of its 90 minutes of typing; all of them in the lesson."""
    chosen = {cell.id for cell in read(path).cells if "lesson" in tags(cell)}
    assert chosen == {cell.id for cell in lesson_cells(read(path))}  # none is prose
    emptied = emptied_cells(read(path))
    for start, cells in sittings(path).items():
        typed = [cell for cell in cells if cell.id in chosen]
        assert 2 <= len(typed) <= 20, (start, len(typed))
        letters = sum(len(cell.source) - len(emptied[cell.id].split("%")[0]) for cell in typed)
        assert letters <= 25 * LETTERS_A_MINUTE, (start, letters)
    assert not any(
        {"exercise", "question", IGNORED} & set(tags(c)) for c in lesson_cells(read(path))
    )


@chapters
def test_what_editions_look_for_is_tagged(path):
    """The editions go by tags alone: who writes the words sets the tag, and the other way round."""
    cells = read(path).cells[1:]  # the first explains the words
    apart = any("statement" in tags(cell) for cell in cells)
    for cell in cells:
        for tag, words in MARKED.items():
            if tag == "statement" and not apart:
                continue  # statements stand in the cells of solutions
            said = cell.cell_type == "markdown" and re.search(words, cell.source, re.M) is not None
            assert said == (tag in tags(cell)), f"{cell.id}: tag {tag!r}, words {words!r}"


@chapters
def test_what_answers_a_prediction_stands_after_code(path):
    """After a cell tagged `predict`: code, and only then the prose that is tagged `reading`."""
    asked, code = None, 0
    for cell in read(path).cells:
        code += cell.cell_type == "code"
        if "reading" in tags(cell):
            assert code and cell.cell_type == "markdown", f"{cell.id} answers {asked} too soon"
            then = cell.metadata.get("then")
            assert not then or cell.source.count(then) == 1, (cell.id, then)
        if "predict" in tags(cell):
            asked, code = cell.id, 0


@chapters
def test_an_edition_says_all_that_the_chapter_says(lives, students, folder, path):
    """Cells, IDs and prose in order; of each folded answer every word, too, and nothing else."""
    for book, place in ((lives[path], folder / "live"), (students[path][0], folder / "student")):
        nbformat.validate(book)
        assert len({cell.id for cell in book.cells}) == len(book.cells)
        known = {cell.id: cell for cell in read(path).cells}
        kept = [cell for cell in book.cells if cell.id in known]
        shown = [name for name in known if "solution" not in tags(known[name])]
        assert [name for name in (cell.id for cell in kept) if name in shown] == shown
        for cell in kept:
            if {"solution", "exercises", "statement"} & set(tags(known[cell.id])):
                continue  # the student's edition says there where the solutions are
            if cell.cell_type == "code":
                continue
            words = re.sub(r"<details><summary>Then read</summary>|</details>", "", cell.source)
            before = relink(known[cell.id].source, path.parent, place)
            before = re.sub(r"<details><summary>Then read</summary>|</details>", "", before)
            assert words.split() == before.split(), cell.id
            assert ("reading" in tags(cell)) == cell.source.startswith(THEN), cell.id


def shows_answer(prompt, cells):
    """Whether what answers a prompt can be seen before anything was run. cells: those after it."""
    for cell in cells:
        if cell.cell_type == "code" and cell.outputs and not MET & set(tags(cell)):
            return True
        if cell.cell_type == "code" and "emptied" not in tags(cell):
            *_, last = [None, *parsed(cell.source).body]
            if isinstance(last, ast.Assert):
                return True
        if "reading" in tags(cell):
            answer, _ = reading(prompt[cell.id])
            before_end, end, rest = cell.source.partition("\n\n</details>")
            return not (before_end.startswith(THEN) and end) or answer.split("\n")[0] in rest
        if "predict" in tags(cell):
            return False
    return False


def test_no_edition_shows_the_answer_of_a_prediction(lives, students):
    asked = shown = 0
    for path in CHAPTERS:
        source = {cell.id: cell for cell in read(path).cells}
        for book in (lives[path], students[path][0]):
            for place, cell in enumerate(book.cells):
                if "predict" in tags(cell):
                    asked += 1
                    shown += shows_answer(source, book.cells[place + 1 :])
                    assert prompt(source[cell.id]) in cell.source.rpartition("</details>")[2]
    assert shown == 0 and asked > 300
    for path in CHAPTERS:  # control: the chapters themselves show nearly all
        cells = read(path).cells
        source = {cell.id: cell for cell in cells}
        places = [place for place, cell in enumerate(cells) if "predict" in tags(cell)]
        seen = [shows_answer(source, cells[place + 1 :]) for place in places]
        assert sum(seen) > 0.9 * len(seen)


def test_a_folded_answer_is_still_markdown():
    text = "**All** of it:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe next *thought*."
    cell = new_markdown_cell(text, metadata={"tags": ["reading"], "then": "The next"})
    (met,) = without_answers([cell])
    page = BeautifulSoup(markdown2html(met.source), "html.parser")
    assert cell.source == text and page.details.summary.get_text() == "Then read"
    assert page.details.strong and page.details.table and not page.details.em
    assert page.em.get_text() == "thought"


def test_where_an_answer_ends():
    def parts(text, *marks, **metadata):
        return reading(new_markdown_cell(text, metadata={"tags": list(marks), **metadata}))

    assert parts("One.\n\nTwo.") == ("", "One.\n\nTwo.")
    assert parts("One.\n\nTwo.", "reading") == ("One.", "Two.")
    assert parts("One. And?\n\nTwo.", "reading", then="And?") == ("One.", "And?\n\nTwo.")
    assert parts("One.\n\nTwo.", "reading", then="") == ("One.\n\nTwo.", "")
    assert parts("One.\n\nTwo.", "reading", then="old words") == ("One.", "Two.")


def printed(cell):
    """All text that a code cell printed."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
    return "".join(texts)


def asked(cells):
    """The IDs of the code cells that answer a prediction, before their reading."""
    waits, found = False, set()
    for cell in cells:
        if waits and cell.cell_type == "code":
            found.add(cell.id)
        waits = "predict" in tags(cell) or (waits and "reading" not in tags(cell))
    return found


def same_code(edition, source):
    """Whether code cells are the chapter's, but that those asked do not assert at their end."""
    answers = asked(source.cells)
    for now, cell in zip(code_cells(edition), code_cells(source), strict=True):
        told = ast.parse(cell.source.removeprefix(now.source)).body
        proves = cell.id in answers and all(isinstance(one, ast.Assert) for one in told)
        if now.id != cell.id or not (proves or now.source == cell.source):
            return False
    return True


def counted(path, folder):
    """What the editions of the chapter at `path` make of its tags, as numbers."""
    edition = live.live_edition(path, folder)
    given, solutions = student_edition(path, folder), solutions_edition(path, folder)
    deck = slides.deck_cells(pages.read_chapter(path).cells)
    stops = [cell for part in notes.noted_sections(read(path).cells, []) for cell in part.cells]
    return {
        "emptied": sum("emptied" in tags(cell) for cell in edition.cells),
        "folded": [sum(THEN in cell.source for cell in book.cells) for book in (edition, given)],
        "cells": [len(edition.cells), len(given.cells), len(solutions.cells), len(stops)],
        "answered stops": sum("\n\n*Answer*:" in cell.source for cell in stops),
        "slides": Counter(cell.metadata.slideshow.slide_type for cell in deck),
        "lecture notes": len(authors.notes(path)),
        "shown before": [
            sum(bool(cell.get("outputs")) for cell in book.cells) for book in (edition, given)
        ],
        "words on solutions": sum("build/solutions" in cell.source for cell in given.cells),
    }


def test_the_words_are_those_of_the_chapters():
    text = "".join(path.read_text(encoding="utf-8") for path in CHAPTERS)
    ends = {"## Exercises", "## Clinic"}  # one of them heads the exercises
    assert all(word in text for word in OTHER_WORDS.keys() - ends)
    assert any(word in text for word in ends)


@chapters
def test_editions_do_not_go_by_words(tmp_path, path):
    """With other words in place of those that a reader knows them by, the editions are as large."""
    text = path.read_text(encoding="utf-8")
    for word, other in OTHER_WORDS.items():
        text = text.replace(word, other)
    translated = tmp_path / path.name
    translated.write_text(text, encoding="utf-8")
    assert counted(translated, tmp_path) == counted(path, tmp_path)


@chapters
def test_each_emptied_cell_says_what_to_do(lives, path):
    """It has its comment, its signature or the author's sentence, and the line that fills it in."""
    source = {cell.id: cell for cell in read(path).cells}
    emptied = [cell for cell in lives[path].cells if "emptied" in tags(cell)]
    assert [cell.id for cell in emptied] == [c.id for c in lesson_cells(read(path))]
    for cell in emptied:
        *above, last = cell.source.splitlines()
        said = "\n".join(above).strip()
        assert last == f"%finish {cell.id}" and len(said.split()) >= 3, cell.id
        assert len(said) < len(source[cell.id].source)
        assert cell.outputs == [] and cell.execution_count is None
        defined = re.search(r"^(def|class|@|#)", source[cell.id].source, re.M)
        task = source[cell.id].metadata.get("task")
        assert task is None or (len(task.split("\n")) == 1 and len(task) < 99), cell.id
        assert defined or task, f"{cell.id}: it needs a comment, or its task in the metadata"


@chapters
def test_what_is_not_the_lesson_stays(lives, path):
    now = {cell.id: cell for cell in lives[path].cells}
    chosen = {cell.id for cell in lesson_cells(read(path))}
    for cell in code_cells(read(path)):
        still = cell.outputs if MET & set(tags(cell)) else []
        if cell.id not in chosen:
            assert cell.source.startswith(now[cell.id].source)  # more in `same_code`
        assert [dict(o, execution_count=0) for o in now[cell.id].outputs] == [
            dict(o, execution_count=0) for o in still
        ]
    for name in ("doctor", "imports"):
        assert name not in chosen
    left = [cell for cell in code_cells(read(path)) if {"exercise", "question"} & set(tags(cell))]
    assert left and not chosen & {cell.id for cell in left}
    assert sum("question" in tags(cell) and bool(now[cell.id].outputs) for cell in left) >= 2


@pytest.fixture(scope="module")
def noted(lives, folder):
    """Dict of chapter → its speaker notes as a parsed page."""
    found = {}
    for path in CHAPTERS:
        page = folder / "live" / f"{path.stem}_notes.html"
        found[path] = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return found


@chapters
def test_speaker_notes_are_one_page_of_their_own(lives, noted, path):
    """Each numbered section; each cell to type, whole, with what comes out; each stop, answered."""
    cells, page = read(path).cells, noted[path]
    assert all(address.startswith("data:") for address in resources(page))
    heads = [h.get_text() for h in page.find_all("h2")]
    prose = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    assert heads == re.findall(r"^## (\d.*)$", prose, re.M)
    boxes = [box.get_text().strip() for box in page.select(".highlight pre")]
    assert boxes == [cell.source.strip() for cell in lesson_cells(read(path))]
    anchors = {element["id"] for element in page.find_all(id=True)}
    for cell in lesson_cells(read(path)):
        assert f"cell-id={cell.id}" in anchors
    links = [link["href"][1:] for link in page.select("main ul a[href^='#cell-id=']")]
    assert len(links) > len(boxes) and set(links) <= anchors
    text = page.find("main").get_text()
    asked = sum("predict" in tags(cell) for cell in cells)
    assert text.count("Stop, and let everybody write.") == asked
    assert text.count("Answer:") >= 0.95 * asked
    shown = "\n".join(cell.source for cell in lives[path].cells)
    assert "Stop, and let everybody write." not in shown and "They believe" not in shown


def test_speaker_notes_name_common_mistakes_where_they_belong(noted):
    tables = PLAN.split("<!-- wrong answers")[1].split("<!-- end of the wrong answers -->")[0]
    rows = re.findall(r"^\| (?!what they say).+ \|$", tables, re.M)
    placed = sum(noted[path].find("main").get_text().count("They believe:") for path in CHAPTERS)
    assert placed == len(rows) > 30
    headings = noted[CHAPTERS[0]].find_all("h2")
    (heading,) = [heading for heading in headings if heading.get_text().startswith("1.5 ")]
    section = heading.find_parent("div")
    assert "a byte stops at the top, or grows" in section.get_text()


@chapters
def test_the_notes_have_the_sittings_of_the_plan(noted, path):
    """A sitting begins where the plan in notebooks/README.md says, and has as many cells."""
    chosen = [[c for c in cells if "lesson" in tags(c)] for cells in sittings(path).values()]
    text = noted[path].find("main").get_text()
    found = re.findall(r"Sitting (\d+): (\d+) cells to type", text)
    assert [(number + 1, len(cells)) for number, cells in enumerate(chosen)] == [
        (int(number), int(count)) for number, count in found
    ]
    assert planned(path) == [len(cells) for cells in chosen]


def lesson(*sources):
    """A notebook of one import and lesson cells c0, c1, …"""
    made = [new_code_cell("x = 0")]
    for place, source in enumerate(sources):
        made.append(new_code_cell(source, id=f"c{place}", metadata={"tags": ["lesson"]}))
    return new_notebook(cells=made)


def test_a_cell_is_emptied_to_its_comment_or_its_signatures():
    book = lesson(
        "# two lines\n# of comment\ny = 2\n",
        'def f(x, n=3):\n    """Doc."""\n    # how\n    return x\n\n\nprint(f(1))',
        "@cached\ndef g(x=y):\n    # how\n    return x",
        'class Block(nn.Module):\n    """Doc."""\n\n    def forward(self, x):\n        return x',
        "def h(x): return x",
    )
    assert list(emptied_cells(book).values()) == [
        "# two lines\n# of comment\n%finish c0",
        'def f(x, n=3):\n    """Doc."""\n    ...\n\n\n%finish c1',
        "# @cached\n# def g(x=y):\n#     ...\n\n\n%finish c2",
        '# class Block(nn.Module):\n#     """Doc."""\n#     ...\n\n\n%finish c3',
        "def h(x):\n    ...\n\n\n%finish c4",
    ]
    book.cells[0].source = "from torch import nn"
    assert emptied_cells(book)["c3"].startswith("class Block(nn.Module):\n")


@chapters
def test_an_emptied_cell_runs_without_its_chapter(path):
    """Stubs need no name but what the chapter's kept cells import."""
    emptied = emptied_cells(read(path))
    assert not any(re.search(r"^# (def|class|@)", text, re.M) for text in emptied.values())


def test_only_a_cell_without_own_code_counts_as_untouched():
    stub = "def f(x):\n    ...\n\n\n%finish c0"
    assert is_untouched(stub, stub)
    assert is_untouched("%finish c0", stub)
    assert is_untouched("# a thought\n" + stub, stub)
    assert not is_untouched(stub.replace("...", "return x"), stub)
    assert not is_untouched("y = 1\n%finish c0", "%finish c0")


def test_links_lead_to_the_same_files(tmp_path):
    for name in ("notebooks", "data", "build/live"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("notebooks/02 b.ipynb", "data/README.md"):
        (tmp_path / name).touch()
    text = (
        "[data](../data/README.md#licences) [next](02%20b.ipynb) [web](https://a.b/c) [in](#top)\n"
        '<img src="../data/README.md"> `[code](../data/README.md)` [gone](nothing.md)\n'
        "[ref]: ../data/README.md\n"
    )
    assert relink(text, tmp_path / "notebooks", tmp_path / "build" / "live") == (
        "[data](../../data/README.md#licences) [next](../../notebooks/02%20b.ipynb) "
        "[web](https://a.b/c) [in](#top)\n"
        '<img src="../../data/README.md"> `[code](../data/README.md)` [gone](nothing.md)\n'
        "[ref]: ../../data/README.md\n"
    )


def test_large_type_is_said_in_the_first_cell_and_does_not_grow(tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    from course_utils import figures

    monkeypatch.setattr(figures, "text_scale", 1)
    book = live.live_edition(CHAPTERS[0], tmp_path, large=True)
    assert code_cells(book)[0].source.endswith('start("01_image_data", large=True)')
    with plt.rc_context():
        before = plt.rcParams["figure.dpi"]
        for _ in range(2):
            typed_cells.enlarge()
            more = typed_cells.FINER * typed_cells.LARGER
            assert plt.rcParams["figure.dpi"] == before * more
            assert figures.text_scale == typed_cells.LARGER


def test_start_names_what_is_wrong():
    with pytest.raises(ArgumentError, match="chapter must be a notebook of .*, got '9'"):
        typed_cells.start("9")
    with pytest.raises(ArgumentError, match="open the edition with `course live`"):
        typed_cells.start("01_image_data")


class Kernel:
    """A kernel in which cells are run one by one, as in front of a class."""

    def __init__(self, notebook, folder):
        self.replies = []
        self.client = NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            on_cell_executed=lambda execute_reply, **_: self.replies.append(execute_reply),
        )

    def run(self, place):
        """Run a cell; returns the text that it wants to be replaced by, or None."""
        self.client.execute_cell(self.client.nb.cells[place], place)
        payload = self.replies[-1]["content"]["payload"]
        found = [part for part in payload if part["source"] == "set_next_input"]
        assert all(part["replace"] for part in found)
        return found[0]["text"] if found else None


def same_outputs(now, then):
    """Whether two lists of outputs print the same and show the same, pictures to rounding."""
    if [dict(o, data=None, metadata=None, execution_count=None) for o in now] != [
        dict(o, data=None, metadata=None, execution_count=None) for o in then
    ]:
        return False
    for one, other in zip(now, then, strict=True):
        one, other = one.get("data", {}), other.get("data", {})
        if set(one) != set(other) or one.get("text/plain") != other.get("text/plain"):
            return False
        for mime in {"image/png", "image/jpeg"} & set(one):
            first, second = (
                np.asarray(Image.open(io.BytesIO(base64.b64decode(d[mime]))).convert("RGB"), float)
                for d in (one, other)
            )
            if first.shape != second.shape or np.abs(first - second).mean() > 1:
                return False
    return True


@pytest.fixture(scope="module")
def taught(lives, tmp_path_factory):
    """Chapter 1 run by Shift+Enter alone: dict of cell ID → cell as run, and ID → what fills it."""
    path = CHAPTERS[0]
    book = copy.deepcopy(lives[path])
    kernel = Kernel(book, tmp_path_factory.mktemp("cwd"))
    filled = {}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    environment.pop("MPLBACKEND", None)
    with kernel.client.setup_kernel(env=environment):
        for place, cell in enumerate(book.cells):
            if cell.cell_type == "code":
                wanted = kernel.run(place)
                filled |= {cell.id: wanted} if wanted is not None else {}
    clean(book)
    return {cell.id: cell for cell in code_cells(book)}, filled


def test_an_instructor_gets_the_outputs_of_the_chapter(taught):
    """One run of each cell fills the emptied ones with the source's code, and shows its outputs."""
    cells, filled = taught
    source = read(CHAPTERS[0])
    assert filled == {cell.id: cell.source for cell in lesson_cells(source)}
    counts = [cell.execution_count for cell in cells.values()]
    assert counts == list(range(1, len(counts) + 1))
    for cell in code_cells(source):
        if IGNORED not in tags(cell):
            assert same_outputs(cells[cell.id].outputs, cell.outputs), cell.id


def test_a_filled_cell_is_as_if_it_had_been_typed(tmp_path):
    """Its error and traceback, its count; what was typed above the line stays, and is shown."""
    start = code_cells(live.live_edition(CHAPTERS[0], tmp_path))[0].source
    sources = [
        f"import colorsys\n{start}",
        "%finish pixels-change",  # cat is not there yet
        "2 + 3\n%finish pixels-load",
        "x = (\n%finish pixels-load",
        "%finish nothing",
        "# my words\n%finish channels-hsv",
    ]
    book = new_notebook(cells=[new_code_cell(source) for source in sources])
    kernel, filled = Kernel(book, tmp_path), []
    with kernel.client.setup_kernel():
        for place in range(len(sources)):
            try:
                filled.append(kernel.run(place))
            except CellExecutionError:
                filled.append("error")
    failed, typed, broken, unknown = book.cells[1:5]
    (error,) = failed.outputs
    assert error.ename == "NameError" and "painted = cat.copy()" in "".join(error.traceback)
    assert "finish" not in "".join(error.traceback) and failed.execution_count == 2
    assert typed.outputs[0].data["text/plain"] == "5" and typed.execution_count == 3
    assert broken.outputs[0].ename == "SyntaxError"
    assert "no cell 'nothing' in 01_image_data.ipynb" in printed(unknown)
    assert filled[1:5] == ["error", None, "error", None] and "colorsys" in filled[5]


def test_other_outputs_are_found():
    """Control: the comparison tells a different text and a different picture."""
    cells = code_cells(read(CHAPTERS[0]))
    text = next(c.outputs for c in cells if c.id == "pixels-load")
    picture = next(c.outputs for c in cells if c.id == "pixels-zoom")
    other = next(c.outputs for c in cells if c.id == "pixels-change")
    assert same_outputs(text, copy.deepcopy(text)) and same_outputs(picture, picture)
    swapped = copy.deepcopy(picture)
    swapped[0].data["image/jpeg"] = other[0].data["image/jpeg"]
    assert not same_outputs(picture, swapped)
    changed = copy.deepcopy(text)
    changed[0].text += "."
    assert not same_outputs(text, changed)


@chapters
def test_the_student_has_everything_but_the_solutions(students, folder, path):
    edition, solutions = students[path]
    for book in (edition, solutions):
        nbformat.validate(book)
    source = read(path)
    assert same_code(edition, source)
    text = "\n".join(cell.source for cell in edition.cells)
    answers = "\n".join(cell.source for cell in solutions.cells)
    for _, solution in exercises(path):
        assert solution not in text and solution in answers
    assert "<summary>Solution</summary>" not in text + answers
    for heading in re.findall(
        r"^### Exercise \d+.*$", "\n".join(c.source for c in source.cells), re.M
    ):
        assert text.count(heading) == 1 and answers.count(heading[1:]) == 1
    place = folder / "solutions" / f"{path.stem}_solutions.ipynb"
    told = [cell for cell in edition.cells if f"build/solutions/, {place.stem}" in cell.source]
    assert place.is_file() and 1 <= len(told) <= 2
    practice = [c for c in edition.cells if {"statement", "exercises"} & set(tags(c))]
    assert told[0] is practice[0]
    assert [file.suffix for file in (folder / "student").iterdir()] == [".ipynb"] * len(CHAPTERS)


@chapters
def test_each_exercise_is_a_stub_that_was_not_attempted(students, path):
    states = solved.exercise_states(students[path][0])
    assert list(states.values()) == ["not attempted"] * len(exercises(path))


def test_a_students_work_is_never_overwritten(tmp_path):
    path = CHAPTERS[0]
    mine = write_student(path, tmp_path)[0]
    fresh = mine.read_bytes()
    assert write_student(path, tmp_path)[0] == mine  # nothing was done in it: allowed
    mine.write_bytes(fresh.replace(b"...", b"return 1", 1))
    work = mine.read_bytes()
    with pytest.raises(StudentsWork, match=r"holds your work .*--beside`$"):
        write_student(path, tmp_path)
    for number in (2, 3):
        beside = write_student(path, tmp_path, beside=True)[0]
        assert beside.name == f"01_image_data ({number}).ipynb" and beside.read_bytes() == fresh
        assert mine.read_bytes() == work
    mine.unlink()
    assert write_student(path, tmp_path)[0] == mine


@pytest.mark.parametrize(
    "other", [b"another", b"\xff", b"[]", json.dumps(new_notebook()).encode(), "changed"]
)
def test_an_unknown_file_counts_as_work(tmp_path, other):
    mine, _ = write_student(CHAPTERS[0], tmp_path)
    if other == "changed":
        book = read(mine)
        book.cells[-1].source += "\nmy notes"
        other = nbformat.writes(book).encode()
    mine.write_bytes(other)
    with pytest.raises(StudentsWork):
        write_student(CHAPTERS[0], tmp_path)
    assert mine.read_bytes() == other and not holds_work(tmp_path / "none.ipynb")


def test_an_old_edition_is_renewed_and_changed_solutions_stay(tmp_path):
    mine, answers = write_student(CHAPTERS[0], tmp_path)
    fresh = mine.read_bytes()
    old = tmp_path / "old" / CHAPTERS[0].name  # the chapter before a correction
    old.parent.mkdir(exist_ok=True)
    book = read(CHAPTERS[0])
    book.cells[1].source = "An older sentence."
    nbformat.write(book, old)
    write_student(old, tmp_path)
    assert "An older sentence." in mine.read_text("utf-8")
    answers.write_text("with my notes")
    assert write_student(CHAPTERS[0], tmp_path) == [mine]
    assert answers.read_text() == "with my notes" and mine.read_bytes() == fresh


def test_exercises_behind_their_sections(tmp_path):
    """A statement goes with its solution; the student is told at the first where those are."""

    def cell(name, source, *marks):
        made = new_markdown_cell(source, metadata={"tags": list(marks)})
        made.id = name
        return made

    def trio(number):
        heading = f"### Exercise {number}: e{number}\n\n*Level 1 of 3 · 5 minutes.*\n\nWrite it."
        folded = f"```python\n# ### no heading\ns{number}\n```"
        solution = f"<details><summary>Solution</summary>\n\n{folded}\n\n</details>\n\nWhy."
        return [
            cell(f"statement-{number}", heading, "statement"),
            new_code_cell("...", id=f"exercise-{number}", metadata={"tags": ["exercise"]}),
            cell(f"solution-{number}", solution, "solution"),
        ]

    cells = [
        cell("title", "# 9 · Title"), cell("a", "## 9.1 A\n\n### Detail\n\nText."), *trio(1),
        *trio(2), cell("clinic", "## Clinic: wrong programs", "exercises"), *trio(3),
    ]  # fmt: skip
    path = tmp_path / "09_x.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    given, answers = student_edition(path, tmp_path), solutions_edition(path, tmp_path)
    kept = {cell.id: cell.source for cell in given.cells}
    assert list(kept) == [c.id for c in cells if "solution" not in tags(c)]
    told = "*The solutions are not here: they stand in build/solutions/, 09_x_solutions.*"
    assert [name for name, text in kept.items() if told in text] == ["statement-1", "clinic"]
    assert kept["statement-1"] == f"{cells[2].source}\n\n{told}"
    assert [c.source for c in answers.cells[1:]] == [
        f"## Exercise {n}: e{n}\n\n*Level 1 of 3 · 5 minutes.*\n\nWrite it.\n\n"
        f"```python\n# ### no heading\ns{n}\n```\n\nWhy."
        for n in (1, 2, 3)
    ]
    edition = [cell.id for cell in without_answers(cells)]
    assert edition == [cell.id for cell in cells]
    (section,) = notes.noted_sections(cells, [])
    assert section.exercises == 2  # those of the clinic belong to no sitting
    assert notes.plan([section]).startswith("**Sitting 1**: 0 cells to type, 2 exercises\n")


def attempt(name, state="not attempted", body="..."):
    """An exercise's cell as a run has left it: untouched, with an error, or solved."""
    said = new_output("stream", name="stdout", text=f"Exercise 1, {name}: {state} yet\n")
    if state == "tried":
        said = new_output("error", ename="NotRightYet", evalue="wrong", traceback=[])
    elif state == "solved":
        metadata = {"exercise": name, "state": "solved"}
        said = new_output("display_data", {"text/plain": "right"}, metadata=metadata)
    source = f'def {name}():\n    {body}\n\n\ncheck("{name}", {name})'
    return new_code_cell(source, outputs=[said], metadata={"tags": ["exercise"]})


def test_a_right_answer_says_in_its_metadata_what_it_solves():
    """What a kernel stores of `check`, as nbconvert and JupyterLab do, is what `progress` reads."""
    stub, solution = exercises(CHAPTERS[0])[1]
    book = new_notebook(cells=[
        new_code_cell("import numpy as np\nfrom course_utils.exercises.image_data import check"),
        new_code_cell(stub.replace("...", "return 1"), metadata={"tags": ["exercise"]}),
        new_code_cell(f"{solution}\n{stub.splitlines()[-1]}", metadata={"tags": ["exercise"]}),
    ])  # fmt: skip
    NotebookClient(book, kernel_name="python3", allow_errors=True).execute()
    name = solved.CHECKED.search(stub)[1]
    assert solved.exercise_states(book) == {name: "solved"}
    assert re.fullmatch(
        rf"Exercise 2, {name}: right in all \d+ cases \(.+?\)(The cat.*)?", printed(book.cells[2])
    )
    book.cells.pop()
    assert solved.exercise_states(book) == {name: "tried"}


def test_progress_counts_and_names_the_next(tmp_path):
    first = [attempt("a", "solved"), attempt("b", "tried"), attempt("c")]
    copied = [attempt("a"), attempt("b", "solved"), attempt("c")]
    nbformat.write(new_notebook(cells=first), tmp_path / "09_x.ipynb")
    assert solved.report([tmp_path]) == (
        ["09_x: 1 solved, 1 tried, 1 not attempted; next: exercise 2, b"],
        [],
    )
    nbformat.write(new_notebook(cells=copied), tmp_path / "09_x (2).ipynb")
    nbformat.write(new_notebook(cells=copied), tmp_path / "09_x_solutions.ipynb")
    nbformat.write(new_notebook(cells=first[:1]), tmp_path / "10_y.ipynb")
    (tmp_path / "11_z.ipynb").write_text("{")
    (tmp_path / "10_y (2).ipynb").write_text('{"cells": [{}], "nbformat": 4, "nbformat_minor": 5}')
    lines, problems = solved.report([tmp_path])
    assert lines[:2] == [
        "09_x: 2 solved, 0 tried, 1 not attempted; next: exercise 3, c",
        "10_y: 1 solved, 0 tried, 0 not attempted; all done",
    ]
    assert lines[2] == "11_z: 0 solved, 0 tried, 0 not attempted; it has no exercises"
    assert [problem.split(" cannot")[0] for problem in problems] == [
        "10_y (2).ipynb",
        "11_z.ipynb",
    ]


def test_deleted_exercises_and_any_name_of_a_copy(tmp_path):
    book = read(write_student(CHAPTERS[0], tmp_path)[0])
    exercises = [cell for cell in book.cells if "exercise" in cell.metadata.get("tags", [])]
    book.cells = [cell for cell in book.cells if cell not in exercises[3:]]
    nbformat.write(book, tmp_path / "01_image_data.ipynb")
    nbformat.write(book, tmp_path / "01_image_data-Copy1.ipynb")
    ((line,), problems) = solved.report([tmp_path])
    assert line.startswith(f"01_image_data: 0 solved, 0 tried, {len(exercises)} not attempted")
    assert problems == []


def test_what_an_instructor_typed_is_kept(tmp_path):
    target, _, kept, _ = live.write_live(CHAPTERS[0], tmp_path)
    assert kept is None and live.write_live(CHAPTERS[0], tmp_path, large=True).kept is None
    typed = target.read_bytes().replace(b"%finish ", b"print(1)  # %finish ", 1)
    target.write_bytes(typed)
    again, count, kept, _ = live.write_live(CHAPTERS[0], tmp_path)
    assert again == target and count > 9 and kept.name == "01_image_data (2).ipynb"
    assert kept.read_bytes() == typed and target.read_bytes() != typed


def test_a_folder_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / "student" / CHAPTERS[0].name).mkdir(parents=True)
    with pytest.raises(CourseError, match="cannot be read .*: move it away"):
        write_student(CHAPTERS[0], tmp_path)


def test_code_that_was_typed_and_not_run_counts_as_tried():
    book = new_notebook(cells=[attempt("a", body="pass")])
    assert solved.exercise_states(book) == {"a": "not attempted"}
    assert solved.exercise_states(book, {"a": attempt("a").source}) == {"a": "tried"}


def test_what_run_all_leaves_is_no_work(tmp_path):
    write_student(CHAPTERS[0], tmp_path)
    file = tmp_path / "student" / CHAPTERS[0].name
    book = read(file)
    cell = code_cells(book)[2]
    cell.outputs, cell.execution_count = [new_output("stream", text="ran")], 3
    nbformat.write(book, file)
    assert not holds_work(file)
    cell.source += "\nprint(1)"
    nbformat.write(book, file)
    assert holds_work(file)


def test_answered_questions_are_counted_where_they_are_stored():
    question = next(one for one in QUESTIONS.values() if isinstance(one, Question))
    right = [option[1] for option in Ask(question).question.options].index(True)
    wrong = int(right == 0)
    book, models = new_notebook(cells=[new_markdown_cell("# T")]), {}
    assert saved_widgets.answered_questions(book) == (0, 0)
    # the fifth was answered before its cell ran again: no output shows it
    for number, answers in enumerate(([right], [wrong], [], [wrong, right], [right])):
        asked = Ask(question)
        for asked.choice.index in answers:
            pass
        models |= dependency_state(asked)
        output = new_output("execute_result", {VIEW: {"model_id": asked.model_id}})
        book.cells += [new_code_cell("ask()", outputs=[output])] if number < 4 else []
    assert saved_widgets.answered_questions(book) == (0, 0)
    book.metadata["widgets"] = {STATE: {"state": models}}
    assert saved_widgets.answered_questions(book) == (2, 3)


def test_progress_of_a_folder_without_chapters_says_what_to_do(tmp_path):
    with pytest.raises(ArgumentError, match="has no chapter of the course: begin one"):
        solved.report([tmp_path])
