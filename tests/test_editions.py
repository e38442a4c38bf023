"""The editions: nothing of a chapter is lost in them, and no work of a student's is."""

import base64
import copy
import io
import json
import os
import re

import nbformat
import numpy as np
import pytest
from chapter_runs import filled
from ipywidgets.embed import dependency_state
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from course_utils.command import live, solved, typed_cells
from course_utils.command.authors import clean
from course_utils.command.editions import StudentsWork, holds_work, printed, relink, write_student
from course_utils.command.live import emptied_cells
from course_utils.command.saved_widgets import STATE, VIEW
from course_utils.command.typed_cells import is_untouched
from course_utils.errors import ArgumentError, CourseError
from course_utils.exercises.engine import Ask
from course_utils.exercises.image_data import QUESTIONS
from notebooks_as_files import CHAPTERS, ROOT, code_cells, exercises, read, tags

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
IGNORED = "nbval-ignore-output"
PLAN = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
LETTERS_A_MINUTE = 200  # that are typed in front of a class


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the live editions are written, and in student/ the others."""
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def lives(folder):
    """Dict of chapter → its live edition, read back from its file."""
    return {path: read(live.write_live(path, folder).path) for path in CHAPTERS}


@pytest.fixture(scope="module")
def students(folder):
    """Dict of chapter → its student's edition and its solutions, read back from their files."""
    target = folder / "student"
    return {path: [read(file) for file in write_student(path, target)] for path in CHAPTERS}


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
def test_the_live_edition_holds_every_cell_of_the_source(lives, folder, path):
    """Filled from the twins it is the source again: IDs, kinds, sources, metadata, in order."""
    nbformat.validate(lives[path])
    assert len({cell.id for cell in lives[path].cells}) == len(lives[path].cells)
    for cell, before in zip(filled(lives[path]), read(path).cells, strict=True):
        if before.cell_type == "markdown":
            before.source = relink(before.source, path.parent, folder)
        assert (cell.id, cell.cell_type, cell.source) == (
            (before.id, before.cell_type, before.source)
        )
        old, new = ({"tags": [], **c.metadata} for c in (before, cell))
        assert old == new


@chapters
def test_each_emptied_cell_stands_above_its_folded_twin(lives, path):
    cells = lives[path].cells
    emptied = [place for place, cell in enumerate(cells) if "emptied" in tags(cell)]
    assert [cells[place].id for place in emptied] == [c.id for c in lesson_cells(read(path))]
    for place in emptied:
        cell, twin = cells[place], cells[place + 1]
        assert cell.outputs == twin.outputs == [] and cell.execution_count is None
        assert "finished" in tags(twin) and twin.metadata.jupyter.source_hidden
        assert cell.source.endswith(f"%finish {cell.id}")
        assert len(cell.source) < len(twin.source)
    assert sum("finished" in tags(cell) for cell in cells) == len(emptied)


@chapters
def test_what_is_not_the_lesson_stays_with_its_outputs(lives, path):
    now = {cell.id: cell for cell in lives[path].cells}
    chosen = {cell.id for cell in lesson_cells(read(path))}
    for cell in code_cells(read(path)):
        if cell.id not in chosen:
            assert now[cell.id].source == cell.source and now[cell.id].outputs == cell.outputs
    for name in ("doctor", "imports"):
        assert name not in chosen
    left = [cell for cell in code_cells(read(path)) if {"exercise", "question"} & set(tags(cell))]
    assert left and not chosen & {cell.id for cell in left}


@chapters
def test_each_numbered_section_has_speaker_notes(lives, path):
    cells = lives[path].cells
    for place, cell in enumerate(cells):
        if cell.cell_type == "markdown" and re.search(r"^## \d", cell.source, re.M):
            note = cells[place + 1]
            assert "speaker-notes" in tags(note), cell.source[:60]
            assert note.source.startswith("<details><summary>Speaker notes</summary>\n\n")
    text = "\n".join(cell.source for cell in cells if "speaker-notes" in tags(cell))
    prose = [c.source for c in read(path).cells[1:] if c.cell_type == "markdown"]
    assert text.count("**Predict**") == "\n".join(prose).count("**Predict**")  # but the title's
    for cell in lesson_cells(read(path)):
        assert f"\n`{cell.id}`: " in text


def test_speaker_notes_quote_what_a_cell_will_print(lives):
    note = next(cell for cell in lives[CHAPTERS[0]].cells if cell.id == "notes_pixels").source
    assert '`pixels-load`: `cat = load_photo("cat_chelsea")` gives' in note
    assert "shape (300, 451, 3) · dtype uint8" in note
    assert "**Stop before `pixels-zoom`.** **Predict**: if you enlarge the edge" in note


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


def test_large_type_is_said_in_the_first_cell_and_does_not_grow(tmp_path):
    import matplotlib.pyplot as plt

    import course_utils.figures  # noqa: F401, its style

    book = live.live_edition(CHAPTERS[0], tmp_path, large=True)
    assert code_cells(book)[0].source.endswith('start("01_image_data", large=True)')
    with plt.rc_context():
        before = plt.rcParams["font.size"]
        typed_cells.enlarge(1.5)
        typed_cells.enlarge(1.5)
        assert plt.rcParams["font.size"] == 1.5 * before


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
    """Chapter 1 as an instructor runs it: {cell ID: outputs}, {ID of a twin: outputs}, replaced.

    Each emptied cell is run untouched, its twin is run, and then the cell, filled by `%finish`.
    """
    path = CHAPTERS[0]
    book = copy.deepcopy(lives[path])
    kernel = Kernel(book, tmp_path_factory.mktemp("cwd"))
    replaced = {}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    environment.pop("MPLBACKEND", None)
    with kernel.client.setup_kernel(env=environment):
        for place, cell in enumerate(book.cells):
            if cell.cell_type != "code":
                continue
            wanted = kernel.run(place)
            if "emptied" in tags(cell):
                assert not printed(cell), cell.id
                assert kernel.run(place + 1) is None
                replaced[cell.id] = cell.source = wanted
                assert kernel.run(place) is None
    clean(book)
    return {cell.id: cell.outputs for cell in code_cells(book)}, replaced


def test_an_instructor_gets_the_outputs_of_the_chapter(taught):
    """%finish fills each emptied cell with the source's code, and all outputs are the stored."""
    outputs, replaced = taught
    source = read(CHAPTERS[0])
    assert replaced == {cell.id: cell.source for cell in lesson_cells(source)}
    for cell in code_cells(source):
        if IGNORED not in tags(cell):
            assert same_outputs(outputs[cell.id], cell.outputs), cell.id


def test_the_finished_twins_alone_are_enough(taught):
    """Untouched cell, then its twin: no error, and the source's outputs below the twin."""
    outputs, replaced = taught
    for cell in lesson_cells(read(CHAPTERS[0])):
        assert same_outputs(outputs[f"{cell.id}_finished"], cell.outputs), cell.id


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
    assert [(c.id, c.source, c.outputs) for c in code_cells(edition)] == [
        (c.id, c.source, c.outputs) for c in code_cells(source)
    ]
    text = "\n".join(cell.source for cell in edition.cells)
    answers = "\n".join(cell.source for cell in solutions.cells)
    for _, solution in exercises(path):
        assert solution not in text and solution in answers
    assert "<summary>Solution</summary>" not in text + answers
    for heading in re.findall(
        r"^### Exercise \d+.*$", "\n".join(c.source for c in source.cells), re.M
    ):
        assert text.count(heading) == 1 and answers.count(heading[1:]) == 1
    untouched = [c for c in source.cells if c.cell_type == "markdown" and "solution" not in tags(c)]
    now = {cell.id: cell.source for cell in edition.cells}
    for cell in untouched:
        moved = relink(cell.source, path.parent, folder / "student")
        assert now[cell.id] == moved or "## Exercises" in cell.source


@chapters
def test_each_exercise_is_a_stub_that_was_not_attempted(students, path):
    cells = [cell for cell in students[path][0].cells if "exercise" in tags(cell)]
    assert len(cells) == len(exercises(path)) > 0
    for cell in cells:
        assert printed(cell).rstrip().endswith("not attempted yet"), cell.id


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
    old.parent.mkdir()
    book = read(CHAPTERS[0])
    book.cells[1].source = "An older sentence."
    nbformat.write(book, old)
    write_student(old, tmp_path)
    assert "An older sentence." in mine.read_text("utf-8")
    answers.write_text("with my notes")
    assert write_student(CHAPTERS[0], tmp_path) == [mine]
    assert answers.read_text() == "with my notes" and mine.read_bytes() == fresh


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
        rf"Exercise 2, {name}: right in all \d+ cases \(.+\)", printed(book.cells[2])
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
    target, _, kept = live.write_live(CHAPTERS[0], tmp_path)
    assert kept is None and live.write_live(CHAPTERS[0], tmp_path, large=True).kept is None
    typed = target.read_bytes().replace(b"%finish ", b"print(1)  # %finish ", 1)
    target.write_bytes(typed)
    again, count, kept = live.write_live(CHAPTERS[0], tmp_path)
    assert again == target and count > 9 and kept.name == "01_image_data (2).ipynb"
    assert kept.read_bytes() == typed and target.read_bytes() != typed


def test_a_folder_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / CHAPTERS[0].name).mkdir()
    with pytest.raises(CourseError, match="cannot be read .*: move it away"):
        write_student(CHAPTERS[0], tmp_path)


def test_code_that_was_typed_and_not_run_counts_as_tried():
    book = new_notebook(cells=[attempt("a", body="pass")])
    assert solved.exercise_states(book) == {"a": "not attempted"}
    assert solved.exercise_states(book, {"a": attempt("a").source}) == {"a": "tried"}


def test_answered_questions_are_counted_where_they_are_stored():
    (question, *_) = QUESTIONS.values()
    right = [option[1] for option in question.options].index(True)
    book, models = new_notebook(cells=[new_markdown_cell("# T")]), {}
    assert solved.answered_questions(book) == (0, 0)
    # the fifth was answered before its cell ran again: no output shows it
    for number, answers in enumerate(([right], [1 - right], [], [1 - right, right], [right])):
        asked = Ask(question)
        for asked.choice.index in answers:
            pass
        models |= dependency_state(asked)
        output = new_output("execute_result", {VIEW: {"model_id": asked.model_id}})
        book.cells += [new_code_cell("ask()", outputs=[output])] if number < 4 else []
    assert solved.answered_questions(book) == (0, 0)
    book.metadata["widgets"] = {STATE: {"state": models}}
    assert solved.answered_questions(book) == (2, 3)


def test_progress_of_a_folder_without_chapters_says_what_to_do(tmp_path):
    with pytest.raises(ArgumentError, match="has none: write yours with `course student 1`"):
        solved.report([tmp_path])
