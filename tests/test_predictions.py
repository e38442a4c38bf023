"""Predictions: each kind is kept, told against what came out, never lost, and never given away."""

import json
import subprocess
import sys
from types import SimpleNamespace

import ipywidgets as widgets
import nbformat
import pytest
from ipywidgets.embed import dependency_state
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.command.editions import edition as editions
from course_utils.command.editions import live, pages, slides
from course_utils.command.editions.edition import (
    guess_cell,
    holds_work,
    student_edition,
    write_student,
)
from course_utils.command.editions.notes import write_notes
from course_utils.command.editions.working_copies import look, prepare, working_copy
from course_utils.command.kernels import kernel_environment
from course_utils.command.progress import solved
from course_utils.command.progress.predicted import read_predictions
from course_utils.command.saved_widgets import reached
from course_utils.errors import ArgumentError, DataError
from course_utils.exercises import guesses, kept
from course_utils.exercises.guesses import FIELDS, SURE, Guess, after_cell
from course_utils.exercises.predictions import (
    Amount,
    Choice,
    Order,
    Several,
    as_text,
    guesser,
    in_words,
    predictions_of,
    shuffled,
)
from course_utils.exercises.questions import as_number
from notebooks_as_files import CHAPTERS, ROOT, read, tags

FIRST = CHAPTERS[0]
TABLE = {  # of chapter 1: each kind once
    "pixels-zoom-text": Choice("pixels-zoom", "A curve, or steps?", ["a curve", "steps"], 1),
    "channels-overflow-text": Amount(
        "channels-overflow", "What does a uint8 of 250 plus 10 say?", 4, 0
    ),
    "resolution-fall-text": Several(
        "resolution-fall", "What is lost at every 12th pixel?",
        ["whiskers", "eyes", "the cat"], {0, 1},
    ),
    "dominant": Order("dominant-means", "From large to small?", ["R", "G", "B"]),
}  # fmt: skip
RIGHT = {
    "pixels-zoom-text": "steps",
    "channels-overflow-text": 4.0,
    "resolution-fall-text": ["whiskers", "eyes"],
    "dominant": ["R", "G", "B"],
}
WRONG = {
    "pixels-zoom-text": "a curve",
    "channels-overflow-text": 260.0,
    "resolution-fall-text": ["whiskers", "the cat"],
    "dominant": ["B", "G", "R"],
}
TOLD = {
    "pixels-zoom-text": "“steps”",
    "channels-overflow-text": "4",
    "resolution-fall-text": "“whiskers”, “eyes”",
    "dominant": "“R” → “G” → “B”",
}
prompts = pytest.mark.parametrize("prompt", TABLE)


@pytest.fixture
def guess(tmp_path, monkeypatch):
    """`guess` of chapter 1 with the table above, in a kernel in which nothing has run yet."""
    monkeypatch.chdir(tmp_path)
    for name in ("RAN", "SHOWN", "TABLES", "SOURCES"):
        monkeypatch.setattr(guesses, name, type(getattr(guesses, name))())
    return guesser("image_data", TABLE)


def ran(cell, source="", success=True):
    """What IPython hands over after a cell."""
    after_cell(
        SimpleNamespace(success=success, info=SimpleNamespace(cell_id=cell, raw_cell=source))
    )


def keep(shown, answer, sure="sure"):
    """Answer as a student does, and press keep; returns the line."""
    shown.field.answer, shown.sure.value = answer, sure
    shown.button.click()
    return shown.line.text


def entries(folder):
    return json.loads((folder / "predictions.json").read_text("utf-8"))["predictions"]


# kinds


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [("1,234", "", 1234), ("1 234", "", 1234), ("12 %", "%", 12), ("12", "%", 12), (" 7 ", "", 7),
     ("−3", "", -3), ("1 234 567.5", "", 1234567.5), ("93 %", "", 0.93), (".5", "", 0.5),
     ("1e3", "", 1000), ("12 pixels", "pixels", 12), ("1,5", "", None), ("", "", None),
     ("many", "", None), ("12,34,567", "", None), ("1.2.3", "", None), ("nan", "", None),
     ("12 cats", "pixels", None), ("1,234,567", "", 1234567)],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(text, unit, number):
    assert as_number(text, unit) == (number if number is None else pytest.approx(number))


@prompts
def test_what_is_right_is_right_and_nothing_else(prompt):
    prediction = TABLE[prompt]
    assert prediction.is_right(RIGHT[prompt]) and not prediction.is_right(WRONG[prompt])
    assert in_words(prediction, prediction.came_out) == TOLD[prompt]


def test_a_number_may_be_a_little_off_and_has_its_unit():
    about = Amount("c", "How many?", 1200, 100, "parameters")
    assert about.is_right(1100) and about.is_right(1300) and not about.is_right(1301)
    assert in_words(about, 1200) == "1,200 parameters"
    assert in_words(Amount("c", "?", 0.1, 0, "%"), 12.5) == "12.5%"


def test_options_are_shown_in_an_order_of_their_own():
    places = [0] * 3
    for number in range(300):
        shown = shuffled(f"prompt-{number}", Choice("c", "?", ["a", "b", "c"], 0))
        assert sorted(shown) == ["a", "b", "c"]
        places[shown.index("a")] += 1
        assert shuffled(f"p{number}", Order("c", "?", ["a", "b"])) == ["b", "a"]
    assert min(places) > 70
    assert shuffled("p", TABLE["dominant"]) == shuffled("p", TABLE["dominant"])


# what is shown, kept and told


@prompts
def test_without_an_answer_nothing_is_kept(guess, tmp_path, prompt):
    shown = guess(prompt)
    assert shown.line.text == "" and isinstance(shown, Guess)
    shown.button.click()
    assert "press keep" in shown.line.text
    ran(TABLE[prompt].cell)
    assert list(tmp_path.iterdir()) == [] and "came out" not in shown.line.text


@prompts
@pytest.mark.parametrize("answers", [RIGHT, WRONG], ids=["right", "wrong"])
def test_a_prediction_is_told_when_the_cell_that_answers_has_run(guess, tmp_path, prompt, answers):
    shown, right = guess(prompt), answers is RIGHT
    before = keep(shown, answers[prompt], "fairly")
    assert before.startswith("Kept: ") and "(fairly)" in before and "came out" not in before
    (entry,) = entries(tmp_path)
    assert entry["answer"] == answers[prompt] and entry["right"] is None
    ran("another-cell")
    ran(TABLE[prompt].cell, success=False)
    assert shown.line.text == before and entries(tmp_path) == [entry]
    ran(TABLE[prompt].cell)
    words = in_words(TABLE[prompt], answers[prompt])
    told = f"{'✓' if right else '✗'} You said {words} (fairly). It came out as {TOLD[prompt]}."
    assert shown.line.text == told
    (entry,) = entries(tmp_path)
    assert (entry["right"], entry["told"], entry["later"]) == (right, True, False)
    assert guess(prompt).line.text == told  # its cell is run again
    assert guess(prompt).field.answer == answers[prompt]


def test_before_the_cell_has_run_nothing_tells_what_is_right(guess, tmp_path):
    """Neither the models in the browser nor the file differ between a right and a wrong answer."""
    for prompt, prediction in TABLE.items():
        said = []
        for answers in (RIGHT, WRONG):
            shown = guess(prompt)
            keep(shown, answers[prompt])
            text = shown.line.text + (tmp_path / "predictions.json").read_text("utf-8")
            said.append(text.replace(in_words(prediction, answers[prompt]), "").count("right"))
            models = json.dumps(dependency_state(shown))
            assert "course-right" not in models and "✓" not in models
            (tmp_path / "predictions.json").unlink()
        assert said[0] == said[1]


def test_a_mind_may_be_changed_until_the_answer_is_told(guess, tmp_path):
    prompt = "channels-overflow-text"
    shown = guess(prompt)
    keep(shown, 260.0)
    assert "Kept: 255 (guessing)" in keep(shown, 255.0, "guessing")
    ran("channels-overflow")
    text = keep(shown, 4.0)
    assert text == (
        "✗ You said 255 (guessing). It came out as 4. "
        "You said 4 (sure) later, which does not count."
    )
    (entry,) = entries(tmp_path)
    assert entry["answer"] == 255 and entry["right"] is False and entry["changed"]["answer"] == 4
    assert "later" not in keep(shown, 255.0, "guessing")  # as it was
    assert "changed" not in entries(tmp_path)[0]


def test_after_a_restart_a_told_prediction_still_counts(guess, tmp_path, monkeypatch):
    prompt = "pixels-zoom-text"
    shown = guess(prompt)
    keep(shown, "a curve")
    ran("pixels-zoom")
    monkeypatch.setattr(guesses, "RAN", set())
    monkeypatch.setattr(guesses, "SHOWN", {})
    again = guess(prompt)
    assert again.line.text.startswith("Kept: “a curve” (sure)") and again.sure.value == "sure"
    assert keep(again, "steps").startswith("Your first prediction counts")
    assert entries(tmp_path)[0]["answer"] == "a curve"
    ran("pixels-zoom")
    assert again.line.text.startswith("✗ You said “a curve”")


def test_a_prediction_made_when_the_answer_is_out_does_not_count(guess, tmp_path):
    ran("pixels-zoom")
    shown = guess("pixels-zoom-text")
    assert shown.line.text == ""
    assert "when the answer was out: it does not count" in keep(shown, "steps")
    assert entries(tmp_path)[0]["later"] is True
    assert read_predictions([tmp_path]) == ({}, [])


def test_a_cell_is_known_by_its_source_where_its_id_is_not_handed_over(guess):
    source = {cell.id: cell.source for cell in read(FIRST).cells}
    without = {c.id: c.source for c in editions.without_answers(read(FIRST).cells)}
    for name in (None, "vscode-notebook-cell:/a.ipynb#W1"):
        guesses.RAN.clear()
        ran(name, "x = 1")
        ran(name, "")
        assert not guesses.RAN
        ran(name, source["pixels-zoom"])
        ran(name, without["channels-overflow"])
        assert {"pixels-zoom", "channels-overflow"} == guesses.RAN


def test_a_slip_in_the_prompt_is_named(guess):
    with pytest.raises(ArgumentError, match="did you mean 'pixels-zoom-text'"):
        guess("pixels-zoom-txt")


def test_an_answer_to_an_older_question_does_no_harm(guess, tmp_path):
    """A correction of the course may have made a number of a choice."""
    for answer in ("many", 3, ["a"], None, {"a": 1}):
        for prompt, prediction in TABLE.items():
            entry = {"chapter": "image_data", "prompt": prompt, "sure": "sure", "time": "2026"}
            text = json.dumps({"predictions": [entry | {"answer": answer}]})
            (tmp_path / "predictions.json").write_text(text, encoding="utf-8")
            guesses.RAN.clear()
            shown = guess(prompt)
            assert shown.line.text.startswith("Kept: ")
            ran(prediction.cell)
            assert "You said" in shown.line.text


# its face


def controls(box):
    """All controls in a box and in the boxes inside it."""
    for child in box.children:
        if isinstance(child, widgets.Box):
            yield from controls(child)
        else:
            yield child


@prompts
def test_it_can_be_used_by_keyboard_and_announces_what_it_says(guess, prompt):
    """Every control is one that a browser lets the Tab key reach; the line is a live region."""
    shown = guess(prompt)
    assert {"course-guess", "course-widget"} <= set(shown._dom_classes)
    found = [*controls(shown)]
    assert type(found[-1]).__name__ == "LiveText"
    native = (widgets.RadioButtons, widgets.Checkbox, widgets.Text, widgets.Select, widgets.Button)
    texts = (widgets.HTML, widgets.Label, type(found[-1]))
    assert all(isinstance(control, native + texts) for control in found)
    assert (
        tuple(value for _, value in shown.sure.options) == SURE
        and shown.button.description == "keep"
    )


def test_an_order_is_made_by_two_buttons(guess):
    field = guess("dominant").field
    first, *_, last = field.list.options
    field.list.value = first
    field.up.click()
    assert field.list.options[0] == first == field.list.value
    field.down.click()
    assert field.list.options[1] == first == field.list.value
    field.list.value = last
    field.down.click()
    assert field.list.options[-1] == last and len(field.answer) == 3


@prompts
def test_without_widgets_a_text_says_what_to_do(guess, prompt):
    text = guess(prompt)._repr_mimebundle_()["text/plain"]
    assert text == as_text(prompt, TABLE[prompt]) and text.startswith(TABLE[prompt].ask)
    assert text.endswith("(run this cell to keep your prediction)")


@prompts
def test_it_opens_as_it_was_left(guess, prompt):
    shown = guess(prompt)
    keep(shown, WRONG[prompt])
    ran(TABLE[prompt].cell)
    models = dependency_state(shown)
    assert shown.line.text in [model["state"].get("text") for model in models.values()]
    assert "sure" in [model["state"].get("_options_labels", [])[2] for model in models.values()
                      if model["state"].get("index") == 2]  # fmt: skip
    assert reached(models, [shown.model_id]).keys() == models.keys()
    assert len(json.dumps(models)) < 20_000 and set(FIELDS) == {type(p) for p in TABLE.values()}


# the file


def test_a_broken_file_is_put_aside_with_one_sentence(guess, tmp_path):
    for number, text in enumerate(("{", "[]", '{"predictions": [1]}', "\xff"), 2):
        file = tmp_path / "predictions.json"
        file.write_bytes(text.encode("latin-1"))
        shown = guess("pixels-zoom-text")
        assert shown.line.text == "" and file.read_bytes() == text.encode("latin-1")
        said = keep(shown, "steps")
        name = f"predictions ({number}).json"
        assert f"it is called {name} now" in said and "Kept: " in said
        assert (tmp_path / name).read_bytes() == text.encode("latin-1")
        assert len(entries(tmp_path)) == 1


def test_what_others_kept_stays(guess, tmp_path):
    keep(guess("pixels-zoom-text"), "steps")
    (first,) = entries(tmp_path)
    other = first | {"chapter": "cnn", "note": "kept by a later version"}
    text = json.dumps({"predictions": [first, other]})
    (tmp_path / "predictions.json").write_text(text, encoding="utf-8")
    keep(guess("dominant"), ["R", "G", "B"])
    assert entries(tmp_path)[:2] == [first, other] and len(entries(tmp_path)) == 3


def test_two_kernels_at_once_lose_nothing(tmp_path):
    code = """if True:
        import sys
        from course_utils.exercises.kept import update
        for n in range(25):
            entry = {"chapter": sys.argv[2], "prompt": str(n), "answer": n, "sure": "", "time": ""}
            update(sys.argv[1], lambda kept: kept.update({(sys.argv[2], str(n)): entry}))"""
    file = tmp_path / "predictions.json"
    runs = [subprocess.Popen([sys.executable, "-c", code, str(file), name], cwd=ROOT)
            for name in ("a", "b")]  # fmt: skip
    assert [run.wait(60) for run in runs] == [0, 0]
    assert len(entries(tmp_path)) == 50
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_lock_that_was_left_behind_holds_nobody_up(tmp_path, monkeypatch):
    file = tmp_path / "predictions.json"
    (tmp_path / ".predictions.json.lock").touch()
    monkeypatch.setattr(kept, "STALE_S", -1)
    kept.update(file, lambda found: found.update({("a", "b"): {}}))
    assert file.is_file() and not (tmp_path / ".predictions.json.lock").exists()


def test_a_disk_that_is_full_is_one_sentence(guess, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_whole", full)
    said = keep(guess("pixels-zoom-text"), "steps")
    assert said.startswith("Not kept: ") and "No space left on device" in said
    with pytest.raises(DataError, match="free space"):
        kept.update(kept.kept_file(), lambda found: found.update({("a", "b"): {}}))


def test_it_lies_beside_the_notebook_and_never_among_the_courses_files(monkeypatch, tmp_path):
    for folder, home in (
        (tmp_path, tmp_path), (ROOT, ROOT / "build" / "work"),
        (ROOT / "notebooks", ROOT / "build" / "work"),
    ):  # fmt: skip
        monkeypatch.chdir(folder)
        assert kept.kept_file() == home / "predictions.json"
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    (tmp_path / "build" / "student").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "build" / "student")
    assert kept.kept_file() == tmp_path / "build" / "student" / "predictions.json"
    assert "build/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


# editions


@pytest.fixture
def table(monkeypatch):
    """Chapter 1 has the table above, and the others none."""
    found = {"image_data": TABLE}
    monkeypatch.setattr(editions, "predictions_of", lambda chapter: found.get(chapter, {}))


@pytest.fixture
def plain(monkeypatch):
    """No chapter has predictions."""
    monkeypatch.setattr(editions, "predictions_of", lambda chapter: {})


@pytest.mark.parametrize("make", [working_copy, student_edition])
def test_a_prediction_is_asked_for_right_behind_its_prompt(table, tmp_path, make):
    book = make(FIRST, tmp_path)
    nbformat.validate(book)
    places = [place for place, cell in enumerate(book.cells) if "guess" in tags(cell)]
    assert [book.cells[place - 1].id for place in places] == [
        cell.id for cell in read(FIRST).cells if cell.id in TABLE
    ]
    for place in places:
        prompt, cell = book.cells[place - 1], book.cells[place]
        assert "predict" in tags(prompt) and cell.id == f"guess-{prompt.id}"
        assert cell.source.splitlines() == [
            "# your prediction",
            "from course_utils.exercises.image_data import guess",
            "",
            f'guess("{prompt.id}")',
        ]
        assert cell.metadata.jupyter.source_hidden
        assert cell.outputs[0].data["text/plain"] == as_text(prompt.id, TABLE[prompt.id])
    assert len(guess_cell("x", "y" * 64, TABLE["dominant"]).id) == 64


def test_no_other_edition_has_them(table, tmp_path, page_of):
    pages_made = [
        page_of(slides.write_deck, FIRST), page_of(pages.write_handout, FIRST),
        write_notes(FIRST, tmp_path),
    ]  # fmt: skip
    texts = [page.read_text(encoding="utf-8") for page in pages_made]
    for book in (live.live_edition(FIRST, tmp_path), editions.solutions_edition(FIRST, tmp_path)):
        texts.append(nbformat.writes(book))
    texts += [path.read_text(encoding="utf-8") for path in CHAPTERS]
    for text in texts:
        assert "import guess" not in text and "to keep your prediction" not in text


def test_a_chapter_without_a_table_has_none(plain, tmp_path):
    for make in (working_copy, student_edition):
        assert not any("guess" in tags(cell) for cell in make(FIRST, tmp_path).cells)
    assert predictions_of("no_such_chapter") == predictions_of("../x") == {}
    with pytest.raises(ArgumentError, match="prompt must be one of"):
        guesser("no_such_chapter")("x")


def test_a_cell_for_predictions_is_no_work_until_somebody_types_in_it(table, tmp_path):
    student, *_ = write_student(FIRST, tmp_path)
    copied = prepare(FIRST, tmp_path).opened
    for file in (student, copied):
        assert not holds_work(file)
        book = read(file)
        cell = next(cell for cell in book.cells if "guess" in tags(cell))
        cell.outputs, cell.execution_count = [], 7
        cell.metadata["jupyter"] = {"source_hidden": False}
        nbformat.write(book, file)
        assert not holds_work(file)
        cell.source += "\nx = 1"
        nbformat.write(book, file)
        assert holds_work(file)
    assert look(copied)[0]


def test_a_new_table_comes_to_a_copy_without_work(plain, tmp_path, monkeypatch):
    opened = prepare(FIRST, tmp_path).opened
    monkeypatch.setattr(editions, "predictions_of", lambda chapter: TABLE)
    assert prepare(FIRST, tmp_path).opened == opened
    assert sum("guess" in tags(cell) for cell in read(opened).cells) == len(TABLE)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_prompt_has_its_prediction_and_the_cell_that_answers(path):
    predictions = predictions_of(path.stem.partition("_")[2])
    if not predictions:
        pytest.skip("this chapter has no table of predictions")
    cells = read(path).cells
    places = {cell.id: place for place, cell in enumerate(cells)}
    asked = [cell.id for cell in cells if "predict" in tags(cell)]
    assert set(asked) == set(predictions) and len({f"guess-{n}"[:64] for n in asked}) == len(asked)
    for prompt, prediction in predictions.items():
        assert cells[places[prediction.cell]].cell_type == "code", prompt
        assert places[prompt] < places[prediction.cell], prompt
        assert prediction.is_right(prediction.came_out) and "\n" not in prediction.ask, prompt
        texts = getattr(prediction, "options", None) or getattr(prediction, "items", ["a", "b"])
        assert 2 <= len(set(texts)) == len(texts) <= 6, prompt


def test_in_a_kernel_run_all_changes_nothing_and_a_kept_one_is_told(table, tmp_path):
    """The cells of a working copy, run as they are; then with a prediction that was kept."""
    copy = {cell.id: cell for cell in working_copy(FIRST, tmp_path).cells}
    prompt = "channels-overflow-text"
    table_cell = (
        "from course_utils.exercises import image_data, guesses\n"
        "from course_utils.exercises.predictions import *\nimport numpy as np\n"
        f"image_data.guess = guesser('image_data', {{{prompt!r}: {TABLE[prompt]!r}}})"
    )
    see = f"print(guesses.SHOWN['image_data', {prompt!r}].line.text, end='')"
    press = (
        f"shown = guesses.SHOWN['image_data', {prompt!r}]\n"
        "shown.field.text.value, shown.sure.value = '260', 'sure'\nshown.button.click()"
    )
    guessed, answers = copy[f"guess-{prompt}"], copy["channels-overflow"]
    sources = [table_cell, guessed.source, see, press, see, answers.source, see]
    book = new_notebook(cells=[new_code_cell(source) for source in sources])
    client = NotebookClient(
        book, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    with client.setup_kernel(env=kernel_environment(PYTHONPATH=str(ROOT))):
        for place in range(3):
            client.execute_cell(book.cells[place], place)
        assert list(tmp_path.iterdir()) == []
        for place in range(3, len(sources)):
            client.execute_cell(book.cells[place], place)
    (shown,) = book.cells[1].outputs
    assert "application/vnd.jupyter.widget-view+json" in shown.data
    assert shown.data["text/plain"] == guessed.outputs[0].data["text/plain"]
    stored = next(cell for cell in read(FIRST).cells if cell.id == "channels-overflow")
    assert [out.text for out in book.cells[5].outputs] == [out.text for out in stored.outputs]
    texts = ["".join(out.text for out in book.cells[place].outputs) for place in (2, 4, 6)]
    assert texts[0] == "" and texts[1].startswith("Kept: 260 (sure).")
    assert texts[2] == "✗ You said 260 (sure). It came out as 4."
    assert entries(tmp_path)[0]["right"] is False


# progress


def test_progress_tells_what_was_predicted_and_where_one_was_surest_and_wrong(guess, tmp_path):
    nbformat.write(read(FIRST), tmp_path / FIRST.name)
    assert len(solved.report([tmp_path])[0]) == 1
    keep(guess("pixels-zoom-text"), "steps")
    keep(guess("channels-overflow-text"), 260.0)
    keep(guess("resolution-fall-text"), ["eyes"], "fairly")
    asked = sum("predict" in tags(cell) for cell in read(FIRST).cells)
    (_, line), problems = solved.report([tmp_path])
    assert problems == []
    assert line == f"  predictions: 3 of {asked} made; 0 right, 0 wrong, 3 not told yet"
    for prompt in ("pixels-zoom-text", "resolution-fall-text"):
        ran(TABLE[prompt].cell)
    (_, line), _ = solved.report([tmp_path / FIRST.name])
    assert line == (
        f"  predictions: 3 of {asked} made; 1 right, 1 wrong, 1 not told yet; surest and wrong in "
        "1.2 More pixels, finer picture (화질)"
    )
    ran("channels-overflow")
    (_, line), _ = solved.report([tmp_path])
    assert "1 right, 2 wrong; surest and wrong in 1.5 " in line and "1.2" not in line


def test_of_two_folders_the_first_prediction_counts_and_a_broken_file_is_told(guess, tmp_path):
    nbformat.write(read(FIRST), tmp_path / FIRST.name)
    keep(guess("pixels-zoom-text"), "steps")
    (entry,) = entries(tmp_path)
    other = tmp_path / "student"
    other.mkdir()
    later = entry | {"answer": "a curve", "time": "9999", "told": True, "right": False}
    file = other / "predictions.json"
    file.write_text(json.dumps({"predictions": [later]}), encoding="utf-8")
    (_, line), problems = solved.report([other, tmp_path])
    assert "0 wrong" in line and problems == []
    file.write_text("{", encoding="utf-8")
    lines, (problem,) = solved.report([tmp_path, other])
    assert len(lines) == 2 and "cannot be read as predictions" in problem
