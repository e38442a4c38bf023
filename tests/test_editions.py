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
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from course_utils.command import generated, live, solved, student
from course_utils.command.editions import printed, relink
from course_utils.command.lesson_cells import emptied_cells, is_untouched, lesson_cells, teaches
from course_utils.command.refresh import clean
from course_utils.command.saved_widgets import STATE, VIEW
from course_utils.errors import ArgumentError, CourseError
from notebooks_as_files import CHAPTERS, code_cells, exercises, read, tags

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
IGNORED = "nbval-ignore-output"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the live editions are written."""
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def lives(folder):
    """Dict of chapter → its live edition, read back from its file."""
    return {path: read(live.write_live(path, folder)[0]) for path in CHAPTERS}


@pytest.fixture(scope="module")
def students(tmp_path_factory):
    """Dict of chapter → its student's edition and its solutions, read back from their files."""
    folder = tmp_path_factory.mktemp("student")
    return {path: [read(file) for file in student.write_student(path, folder)] for path in CHAPTERS}


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
    assert len(emptied) >= 20
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


RULES = {
    "image = load_photo('x')": False,
    "image = load_photo('x')\nprint(image.shape)": True,
    "fig, ax = plt.subplots()\nax.plot(x)\nax.legend()\nshow(fig, 'a')": False,
    "y = 2 * x\nfig, ax = plt.subplots()\nax.plot(y)\nshow(fig, 'a')": True,
    "y = x\n" + "ax.plot(y)\n" * 9: False,
    "shift_explorer(seven, edges)": False,
    "table = {\n    1: 'a',\n}": False,
    "def f(x):\n    return 2 * x": True,
    "x = 1\n" * 21: False,
    "import torch\nfrom torch import nn": False,
    "for ax in axes:\n    ax.plot(x)": False,
    "print(1 + 1)": True,
}


@pytest.mark.parametrize("source", RULES, ids=lambda text: text.split("\n")[0])
def test_the_rule_for_what_is_typed(source):
    assert teaches(source) is RULES[source]


def chapter_of(*cells):
    """A notebook with a section and code cells: sources, or pairs of source and tag."""
    made = [new_code_cell("x = 0"), new_markdown_cell("## 1.1 A section")]
    for place, cell in enumerate(cells):
        source, tag = (cell, None) if isinstance(cell, str) else cell
        made.append(new_code_cell(source, metadata={"tags": [tag]} if tag else {}))
        made[-1].id = f"c{place}"
    return new_notebook(cells=made)


def test_tags_override_the_rule():
    book = chapter_of("print(1)", ("print(2)", "keep"), ("show(x)", "lesson"), "show(x)")
    assert [cell.id for cell in lesson_cells(book)] == ["c0", "c2"]


def test_a_cell_is_emptied_to_its_comment_or_its_signatures():
    book = chapter_of(
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

    import course_utils.figures  # noqa: F401, its style

    book = live.live_edition(CHAPTERS[0], tmp_path, large=True)
    assert code_cells(book)[0].source.endswith('start("01_image_data", large=True)')
    with plt.rc_context():
        monkeypatch.setattr(live, "_usual_sizes", {})
        before = plt.rcParams["font.size"]
        live.enlarge(1.5)
        live.enlarge(1.5)
        assert plt.rcParams["font.size"] == 1.5 * before


def test_start_names_what_is_wrong():
    with pytest.raises(ArgumentError, match="chapter must be a notebook of .*, got '9'"):
        live.start("9")
    with pytest.raises(ArgumentError, match="open the edition with `course live`"):
        live.start("01_image_data")


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
                np.asarray(Image.open(io.BytesIO(base64.b64decode(d[mime]))), float)
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
def test_the_student_has_everything_but_the_solutions(students, path):
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
        assert now[cell.id] == cell.source or "## Exercises" in cell.source


@chapters
def test_each_exercise_is_a_stub_that_was_not_attempted(students, path):
    cells = [cell for cell in students[path][0].cells if "exercise" in tags(cell)]
    assert len(cells) == len(exercises(path)) > 0
    for cell in cells:
        assert printed(cell).rstrip().endswith("not attempted yet"), cell.id


def test_a_students_work_is_never_overwritten(tmp_path):
    path = CHAPTERS[0]
    mine = student.write_student(path, tmp_path)[0]
    fresh = mine.read_bytes()
    assert student.write_student(path, tmp_path)[0] == mine  # nothing was done in it: allowed
    mine.write_bytes(fresh.replace(b"...", b"return 1", 1))
    work = mine.read_bytes()
    with pytest.raises(student.StudentsWork, match=r"holds your work .*--beside`$"):
        student.write_student(path, tmp_path)
    for number in (2, 3):
        beside = student.write_student(path, tmp_path, beside=True)[0]
        assert beside.name == f"01_image_data ({number}).ipynb" and beside.read_bytes() == fresh
        assert mine.read_bytes() == work
    mine.unlink()
    assert student.write_student(path, tmp_path)[0] == mine


def test_an_unknown_file_or_record_counts_as_work(tmp_path):
    mine = student.write_student(CHAPTERS[0], tmp_path)[0]
    mine.write_text("another")
    (tmp_path / generated.RECORD).write_text("[")
    with pytest.raises(student.StudentsWork):
        student.write_student(CHAPTERS[0], tmp_path)
    assert mine.read_text() == "another"


def test_an_old_edition_is_renewed_and_changed_solutions_stay(tmp_path):
    import hashlib

    mine, answers = student.write_student(CHAPTERS[0], tmp_path)
    mine.write_bytes(b"generated from an older chapter")
    record = json.loads((tmp_path / generated.RECORD).read_text())
    record[mine.name] = hashlib.sha256(mine.read_bytes()).hexdigest()
    (tmp_path / generated.RECORD).write_text(json.dumps(record))
    answers.write_text("with my notes")
    assert student.write_student(CHAPTERS[0], tmp_path) == [mine]
    assert answers.read_text() == "with my notes" and b"nbformat" in mine.read_bytes()


def attempt(name, number, said="", error="", body="..."):
    """An exercise's cell after a run that printed `said` or raised NotRightYet(`error`)."""
    outputs = [new_output("stream", name="stdout", text=said)] if said else []
    if error:
        outputs = [new_output("error", ename="NotRightYet", evalue=error, traceback=[])]
    source = f'def {name}():\n    {body}\n\n\ncheck("{name}", {name})'
    return new_code_cell(source, outputs=outputs, metadata={"tags": ["exercise"]})


def test_progress_counts_and_names_the_next(tmp_path):
    one, two, three = (f"Exercise {n}, {name}" for n, name in enumerate(("a", "b", "c"), 1))
    right, never = "right in all 12 cases (x)\n", "not attempted yet\n"
    first = [
        attempt("a", 1, f"{one}: {right}"),
        attempt("b", 2, error=f"{two}, case 1: b(1): wrong"),
        attempt("c", 3, f"{three}: {never}"),
    ]
    copied = [attempt("a", 1, f"{one}: {never}"), attempt("b", 2, f"{two}: {right}"), first[2]]
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
    book = read(student.write_student(CHAPTERS[0], tmp_path)[0])
    exercises = [cell for cell in book.cells if "exercise" in cell.metadata.get("tags", [])]
    book.cells = [cell for cell in book.cells if cell not in exercises[3:]]
    nbformat.write(book, tmp_path / "01_image_data.ipynb")
    nbformat.write(book, tmp_path / "01_image_data-Copy1.ipynb")
    ((line,), problems) = solved.report([tmp_path])
    assert line.startswith(f"01_image_data: 0 solved, 0 tried, {len(exercises)} not attempted")
    assert problems == []


def test_what_an_instructor_typed_is_kept(tmp_path):
    target, _, kept = live.write_live(CHAPTERS[0], tmp_path)
    assert kept is None and live.write_live(CHAPTERS[0], tmp_path, large=True)[2] is None
    typed = target.read_bytes() + b" "
    target.write_bytes(typed)
    again, cells, kept = live.write_live(CHAPTERS[0], tmp_path)
    assert again == target and len(cells) > 9 and kept.name == "01_image_data (2).ipynb"
    assert kept.read_bytes() == typed and target.read_bytes() != typed


def test_a_folder_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / CHAPTERS[0].name).mkdir()
    with pytest.raises(CourseError, match="cannot be read .*: move it away"):
        student.write_student(CHAPTERS[0], tmp_path)


def test_code_that_was_typed_and_not_run_counts_as_tried():
    book = new_notebook(cells=[attempt("a", 1, "Exercise 1, a: not attempted yet\n", body="pass")])
    assert solved.exercise_states(book) == {"a": (1, "not attempted")}
    stubs = {"a": attempt("a", 1).source}
    assert solved.exercise_states(book, stubs) == {"a": (1, "tried")}


def test_answered_questions_are_counted_where_they_are_stored():
    texts = ("✓ Right. Because", "✗ Not this one. No", "", "✓ Right. Yes", "✓ Right. Before")
    state = {f"text{i}": {"state": {"text": text}} for i, text in enumerate(texts)}
    for i in range(len(texts)):
        state[f"ask{i}"] = {"state": {"children": ["IPY_MODEL_other", f"IPY_MODEL_text{i}"]}}
    book = new_notebook(cells=[new_markdown_cell("# T")])
    assert solved.answered_questions(book) == (0, 0)
    for i in range(4):  # the fifth was answered before its cell ran again: no output shows it
        output = new_output("execute_result", {VIEW: {"model_id": f"ask{i}"}, "text/plain": "?"})
        book.cells.append(new_code_cell("ask()", outputs=[output]))
    assert solved.answered_questions(book) == (0, 0)
    book.metadata["widgets"] = {STATE: {"state": state}}
    assert solved.answered_questions(book) == (2, 3)


def test_progress_of_a_folder_without_chapters_says_what_to_do(tmp_path):
    with pytest.raises(ArgumentError, match="has none: write yours with `course student 1`"):
        solved.report([tmp_path])
