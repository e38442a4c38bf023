"""Work that was saved, opened again: explorers as they were left, questions with their answers."""

import json

import pytest
from explorer_moves import picture_of, press
from lab_server import ARRIVE_MS, CHAPTERS, POLL_MS, READY, START_S, Chapter
from nbformat.v4 import new_code_cell

from course_utils.command.editions.edition import guess_cell
from course_utils.command.notebook_files import as_bytes
from course_utils.command.progress.solved import report
from course_utils.command.saved_widgets import reached, stored_models, views
from course_utils.exercises.image_data import QUESTIONS
from course_utils.exercises.predictions import Amount, Choice
from course_utils.exercises.questions import options_of
from notebooks_as_files import read

PROMPTS = {
    "one": Choice("answer", "What does a uint8 of 250 plus 10 say?", ["260", "255", "4"], 2),
    "many": Amount("answer", "How many values does a byte have?", 256, 0),
}
WANTED = ("imports", "channels-mixer", "layout-question", "channels-question")
EXPLORER, FIRST, SECOND = WANTED[1:]
LATER = "gray-own-text"
SAVED = "() => jupyterapp.commands.execute('docmanager:save')"
SHOWN = """([explorers, questions]) =>
    document.querySelectorAll('.course-explorer img.course-picture').length === explorers
    && document.querySelectorAll('.course-question .course-live').length === questions"""
RUN = """async (name) => { const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = course.ids().indexOf(name);
    notebook.deselectAll();
    await jupyterapp.commands.execute('notebook:run-cell'); }"""
REMOVE = """(name) => { const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = course.ids().indexOf(name);
    notebook.deselectAll();
    return jupyterapp.commands.execute('notebook:delete-cell'); }"""


@pytest.fixture
def day(chromium, lab, artifacts):
    """Function: opens the notebook in a page and a kernel of its own; ends those of before."""
    folder = lab.root / "my chapter 한글"
    folder.mkdir(exist_ok=True)
    file = folder / CHAPTERS[0].name
    notebook = json.loads(CHAPTERS[0].read_text(encoding="utf-8"))
    notebook["cells"] = [  # unlike those that will run, `gray-own` keeps the output it came with
        cell for cell in notebook["cells"] if cell["id"] in (*WANTED, LATER, "gray-own")
    ]
    file.write_text(json.dumps(notebook), encoding="utf-8")
    name, pages = f"{folder.name}/{file.name}", []

    def close():
        for opened in pages:
            if not opened.page.is_closed():
                opened.page.screenshot(path=artifacts / f"saved-day-{len(pages)}.png")
                opened.page.close()
        lab.stop_kernel(name)

    def start():
        close()
        opened = Chapter(chromium, lab, name)
        opened.file = file
        pages.append(opened)
        opened.page.goto(opened.address, timeout=1000 * START_S)
        opened.page.wait_for_function(READY, timeout=1000 * START_S, polling=POLL_MS)
        return opened

    yield start
    close()


def until_shown(opened, explorers, questions):
    """Wait until so many explorers have their pictures, and questions their line of text."""
    count = [explorers, questions]
    opened.page.wait_for_function(SHOWN, arg=count, timeout=ARRIVE_MS, polling=POLL_MS)


def answer(opened, place, name, right):
    """Choose a right or a wrong option of a question called `name`; returns what it then says."""
    question = opened.page.locator(".course-question").nth(place)
    option = [one[1] for one in options_of(QUESTIONS[name])].index(right)
    question.locator("input[type=radio]").nth(option).click()
    line = question.locator(".course-live")
    line.filter(has_text="Right").or_(line.filter(has_text="Not this one")).wait_for()
    return line.text_content()


def save(opened):
    """Save as by Ctrl+S; returns the notebook as its file has it."""
    opened.page.evaluate(SAVED)
    return read(opened.file)


def state(opened):
    """What the page shows: the explorer's picture and text, each question's choice and answer."""
    picture = picture_of(opened.explorers()[0]).evaluate("(image) => course.settled(image)")
    questions = opened.page.locator(".course-question").all()
    chosen = "(box) => [...box.querySelectorAll('input')].findIndex((option) => option.checked)"
    return picture["pixels"], picture["alt"], [
        (question.evaluate(chosen), question.locator(".course-live").text_content())
        for question in questions
    ]  # fmt: skip


def test_saved_work_opens_again(day):
    """A chapter run in part: the next day all is there, and it still is on the day after that."""
    opened = day()
    for name in WANTED:
        opened.page.evaluate(RUN, name)
    until_shown(opened, 1, 2)
    explorer = opened.explorers()[0]
    press(picture_of(explorer), explorer.query_selector("[role=slider]"), "ArrowLeft")
    assert answer(opened, 0, "layout", right=True).startswith("✓ Right.")
    assert answer(opened, 1, "overflow", right=False).startswith("✗ Not this one.")
    left = state(opened)
    save(opened)
    said = "questions: 1 right of 2 answered"
    assert said in report([opened.file.parent])[0][0]

    opened = day()  # nothing is run but the second question, whose old answer then is gone
    until_shown(opened, 1, 2)
    assert state(opened) == left and opened.crashes == []
    for name in (WANTED[0], SECOND):
        opened.page.evaluate(RUN, name)
    until_shown(opened, 1, 2)
    assert answer(opened, 1, "overflow", right=True).startswith("✓ Right.")
    left = state(opened)
    kept = save(opened)
    shown = [name for cell in kept.cells for name in views(cell)]
    assert len(shown) == 3
    assert reached(stored_models(kept), shown).keys() == stored_models(kept).keys()
    assert "questions: 2 right of 2 answered" in report([opened.file.parent])[0][0]

    opened = day()  # a cell that is gone leaves nothing behind
    until_shown(opened, 1, 2)
    assert state(opened) == left
    opened.page.evaluate(REMOVE, EXPLORER)
    assert len(stored_models(save(opened))) < len(stored_models(kept))
    assert "questions: 2 right of 2 answered" in report([opened.file.parent])[0][0]
    assert opened.page.get_by_text("model not found").count() == 0


def keys(opened, *names):
    """Press keys one after another."""
    for name in names:
        opened.page.keyboard.press(name)


def line_of(opened, place, says):
    """Wait until the line of a prediction says a text; returns the line."""
    line = opened.page.locator(".course-guess").nth(place).locator(".course-live")
    line.filter(has_text=says).wait_for(timeout=ARRIVE_MS)
    return line.text_content()


@pytest.fixture
def predicting(lab, day):
    """As `day`, with two predictions and the cell that answers them."""
    setup = (
        "from course_utils.exercises import image_data\n"
        "from course_utils.exercises.predictions import *\n"
        f"image_data.guess = guesser('image_data', {PROMPTS!r})"
    )
    file = lab.root / "my chapter 한글" / CHAPTERS[0].name
    notebook = read(file)
    notebook.cells = [
        new_code_cell(setup, id="setup"),
        *(guess_cell("image_data", prompt, asked) for prompt, asked in PROMPTS.items()),
        new_code_cell("print(1)", id="answer"),
    ]
    file.write_bytes(as_bytes(notebook))
    return day


def test_a_prediction_is_made_by_the_keyboard_kept_and_told(predicting):
    """It is told by the cell that answers, in the line, and is there on the next day."""
    opened = predicting()
    for name in ("setup", "guess-one", "guess-many"):
        opened.page.evaluate(RUN, name)
    boxes = opened.page.locator(".course-guess")
    boxes.nth(1).locator("input").first.wait_for(timeout=ARRIVE_MS)
    boxes.nth(0).locator("input").first.focus()
    keys(opened, "ArrowDown", "Tab", "ArrowLeft", "Tab", "Enter")  # the last of the three
    assert line_of(opened, 0, "Kept").startswith("Kept: “255” (sure)")
    boxes.nth(1).locator("input").first.focus()
    keys(opened, "2", "5", "6", "Tab", "Space", "Tab", "Enter")
    assert line_of(opened, 1, "Kept").startswith("Kept: 256 (guessing)")
    opened.page.evaluate(RUN, "answer")
    wrong = line_of(opened, 0, "came out")
    assert wrong == "✗ You said “255” (sure). It came out as “4”."
    right = line_of(opened, 1, "came out")
    assert right == "✓ You said 256 (guessing). It came out as 256."
    save(opened)
    kept = json.loads((opened.file.parent / "predictions.json").read_text("utf-8"))["predictions"]
    assert [entry["right"] for entry in kept] == [False, True]

    opened = predicting()  # nothing is run
    assert [line_of(opened, place, "came out") for place in (0, 1)] == [wrong, right]
    assert opened.page.locator(".course-guess input:checked").count() == 3
    assert opened.crashes == []
