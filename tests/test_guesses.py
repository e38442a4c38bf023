"""Predictions that are kept: what counts, what is told, and which cell is known to have run."""

import json
import re
from types import SimpleNamespace

import pytest

from course_utils.errors import ArgumentError
from course_utils.exercises import guesses, predictions
from course_utils.exercises.guesses import FIELDS, Guess, after_cell, watch
from course_utils.exercises.predictions import (
    Amount,
    Choice,
    Order,
    Several,
    as_text,
    guesser,
    predictions_of,
)

CHOICE = Choice("answer", "Which < one?", ["a", "b", "c"], 1)
SEVERAL = Several("answer", "Which?", ["a", "b", "c"], {2, 0})
AMOUNT = Amount("answer", "How many?", 1200, 100, "pixels")
ORDER = Order("answer", "In which order?", ["a", "b", "c", "d"])
TABLE = {"choice": CHOICE, "several": SEVERAL, "amount": AMOUNT, "order": ORDER}


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """A kernel in which nothing has run, in a folder in which nothing is kept."""
    monkeypatch.chdir(tmp_path)
    for name in ("RAN", "SHOWN", "TABLES", "SOURCES"):
        monkeypatch.setattr(guesses, name, type(getattr(guesses, name))())


@pytest.fixture
def guess():
    return guesser("cnn", TABLE)


def keep(shown, answer, sure="sure"):
    shown.field.answer, shown.sure.value = answer, sure
    shown.button.click()
    return shown.line.text


def ran(name="answer", source="", success=True):
    info = SimpleNamespace(cell_id=name, raw_cell=source)
    after_cell(SimpleNamespace(success=success, info=info))


def entry(folder):
    (found,) = json.loads((folder / "predictions.json").read_text("utf-8"))["predictions"]
    return found


# what is kept, and what counts


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("choice", "Choose an option, then press keep."),
        ("several", "Choose at least one option, then press keep."),
        ("amount", "Write one number, such as 1,234 or 0.5, then press keep."),
    ],
)
def test_an_answer_that_is_missing_is_asked_for(guess, tmp_path, prompt, said):
    shown = guess(prompt)
    shown.sure.value = "sure"
    shown.button.click()
    assert shown.line.text == said and not (tmp_path / "predictions.json").exists()


def test_an_answer_of_another_kind_is_not_right(guess, tmp_path):
    """A correction of the course may have made a number of a choice."""
    keep(guess("amount"), 1200)
    file = tmp_path / "predictions.json"
    file.write_text(file.read_text("utf-8").replace("1200.0", '"a"'), "utf-8")
    shown = guess("amount")
    ran()
    assert shown.line.text == "✗ You said “a” (sure). It came out as about 1,200 pixels."
    assert entry(tmp_path)["right"] is False


def test_an_answer_of_no_known_kind_is_named_as_it_is(guess, tmp_path):
    keep(guess("amount"), 1200)
    file = tmp_path / "predictions.json"
    file.write_text(file.read_text("utf-8").replace("1200.0", '{"a": 1}'), "utf-8")
    assert guess("amount").line.text.startswith("Kept: {'a': 1} (sure). ")


@pytest.mark.parametrize("broken", ["{", "folder"])
def test_nothing_is_said_of_a_file_that_cannot_be_read(guess, tmp_path, broken):
    file = tmp_path / "predictions.json"
    file.mkdir() if broken == "folder" else file.write_text(broken)
    assert guess("choice").line.text == ""


def test_a_browser_gets_the_widget_and_others_a_text(guess):
    bundle = guess("choice")._repr_mimebundle_()
    assert bundle["text/plain"] == as_text("choice", CHOICE)
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_a_prompt_that_is_none_is_refused(guess):
    with pytest.raises(ArgumentError, match=r"^prompt must be one of .*did you mean 'choice'\?"):
        guess("choise")


def test_how_sure_one_is_has_to_be_said(guess, tmp_path):
    shown = guess("choice")
    shown.field.answer = "a"
    shown.button.click()
    assert shown.line.text == "Choose how sure you are, then press keep."
    assert not (tmp_path / "predictions.json").exists()
    shown.sure.value = "guessing"
    shown.button.click()
    found = entry(tmp_path)
    assert (found["chapter"], found["prompt"], found["sure"]) == ("cnn", "choice", "guessing")
    assert found["answer"] == "a" and not found["told"] and found["later"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found["time"])


def test_the_question_is_shown_as_text_and_no_markup(guess):
    assert "Which &lt; one?" in guess("choice").children[0].value


def test_the_last_prediction_before_the_answer_counts(guess, tmp_path):
    shown = guess("choice")
    assert keep(shown, "a") == "Kept: “a” (sure). Run the cells below: what comes out is told here."
    assert entry(tmp_path)["right"] is None
    keep(shown, "b", "fairly")
    assert (entry(tmp_path)["answer"], entry(tmp_path)["sure"]) == ("b", "fairly")
    ran()
    assert shown.line.text == "✓ You said “b” (fairly). It came out as “b”."
    assert entry(tmp_path)["right"] is True and "changed" not in entry(tmp_path)


def test_after_the_answer_the_first_counts_and_the_later_one_is_kept_beside_it(guess, tmp_path):
    shown = guess("choice")
    keep(shown, "a")
    ran()
    said = keep(shown, "a", "guessing")  # as an answer it is the same, but not as sure
    assert said == (
        "✗ You said “a” (sure). It came out as “b”. "
        "You said “a” (guessing) later, which does not count."
    )
    found = entry(tmp_path)
    assert (found["answer"], found["sure"], found["right"]) == ("a", "sure", False)
    assert found["changed"]["sure"] == "guessing" and found["told"] is True
    again = guess("choice")  # opened again, it shows what was said last
    assert again.sure.value == "guessing" and again.line.text == said
    assert keep(shown, "b").endswith("You said “b” (sure) later, which does not count.")
    assert entry(tmp_path)["right"] is False and entry(tmp_path)["changed"]["answer"] == "b"
    assert keep(shown, "a") == "✗ You said “a” (sure). It came out as “b”."  # as it was
    assert "changed" not in entry(tmp_path) and entry(tmp_path)["told"] is True


def test_a_told_prediction_is_not_replaced_after_a_restart(guess, tmp_path):
    keep(guess("choice"), "a")
    ran()
    guesses.RAN.clear()
    again = guess("choice")
    assert keep(again, "b") == (
        "Your first prediction counts, since the answer was told: “a” (sure). "
        "You say now: “b” (sure)."
    )
    assert (entry(tmp_path)["answer"], entry(tmp_path)["right"]) == ("a", False)


def test_what_was_told_stays_as_it_was_judged(guess, tmp_path):
    """A correction of the course does not alter what a student was told."""
    keep(guess("choice"), "a")
    ran()
    file = tmp_path / "predictions.json"
    file.write_text(file.read_text("utf-8").replace('"right": false', '"right": true'), "utf-8")
    ran()
    assert entry(tmp_path)["right"] is True


def test_a_number_that_may_be_off_came_out_as_about_so_many(guess):
    about, exact = guess("amount"), Guess("cnn", "exact", Amount("answer", "?", 4, 0))
    keep(about, 1100)
    keep(exact, 4)
    ran()
    said = "✓ You said 1,100 pixels (sure). It came out as about 1,200 pixels."
    assert about.line.text == said
    exact.tell()
    assert exact.line.text == "✓ You said 4 (sure). It came out as 4."


def test_a_prediction_after_the_answer_is_marked_and_told(guess, tmp_path):
    ran()
    said = keep(guess("choice"), "a", "fairly")
    assert said == (
        "✗ You said “a” (fairly) when the answer was out: it does not count. It came out as “b”."
    )
    found = entry(tmp_path)
    assert (found["later"], found["told"], found["right"]) == (True, True, False)


def test_a_word_for_how_sure_that_is_no_longer_known_is_left_open(guess, tmp_path):
    keep(guess("choice"), "a")
    file = tmp_path / "predictions.json"
    file.write_text(file.read_text("utf-8").replace('"sure": "sure"', '"sure": "surely"'), "utf-8")
    shown = guess("choice")
    assert shown.sure.value is None and shown.field.answer == "a"


def test_without_a_kept_prediction_a_cell_that_runs_says_and_writes_nothing(guess, tmp_path):
    shown = guess("choice")
    ran()
    assert shown.line.text == "" and not (tmp_path / "predictions.json").exists()
    assert shown.is_out


# which cell has run


def test_only_the_cells_that_answer_are_noted(guess):
    ran("another")
    ran(success=False)
    assert set() == guesses.RAN
    ran()
    assert {"answer"} == guesses.RAN


def test_all_chapters_that_are_watched_are_told(guess):
    other = guesser("image_data", {"choice": Choice("other", "?", ["a", "b"], 0)})
    first, second = guess("choice"), other("choice")
    keep(first, "a")
    keep(second, "a")
    ran("other")
    assert first.line.text.startswith("Kept") and second.line.text.startswith("✓")
    ran("answer")
    assert first.line.text.startswith("✗")


def test_the_prediction_that_is_shown_last_is_told(guess):
    old = guess("choice")
    new = guess("choice")
    keep(new, "b")
    ran()
    assert new.line.text.startswith("✓") and old.line.text == ""


@pytest.mark.parametrize("name", ["a", "Az_9-x", "x" * 64])
def test_an_id_as_jupyterlab_writes_it_is_taken(name):
    watch("cnn", {"p": Choice(name, "?", ["a", "b"], 0)})
    ran(name, "no such source")
    assert {name} == guesses.RAN


@pytest.mark.parametrize("name", ["", "x" * 65, "가", "a b", "vscode:1", "a\n"])
def test_any_other_id_is_not_and_the_source_decides(name, monkeypatch):
    watch("cnn", {"p": Choice("answer", "?", ["a", "b"], 0)})
    read, found = [], {"x = 1\nprint(x)": "answer"}
    monkeypatch.setattr(guesses, "_sources", lambda chapter: read.append(chapter) or found)
    ran(name, "x = 2")
    assert not guesses.RAN
    ran(name, "  x = 1\nprint(x)\n")
    assert {"answer"} == guesses.RAN and read == ["cnn"]  # once


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("x = 1\nassert x == 1", True),
        ("x = 1", True),  # an edition leaves out the assert
        ("x = ", False),
        ("x = 1\nassert x", False),
        ("x = 1\nassert x == 1\ny = 2", False),
        ("", False),
        (" \n", False),
    ],
)
def test_a_cell_is_known_with_and_without_its_asserts(source, known, monkeypatch):
    watch("cnn", {"p": Choice("answer", "?", ["a", "b"], 0)})
    monkeypatch.setattr(guesses, "_sources", lambda chapter: {"x = 1\nassert x == 1": "answer"})
    ran(None, source)
    assert bool(guesses.RAN) == known


def chapter(folder, text):
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / "notebooks" / "02_cnn.ipynb").write_text(text, encoding="utf-8")


def test_sources_come_from_the_chapters_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(guesses, "ROOT", tmp_path)
    cells = [
        {"source": "y = 3"},
        {"source": ["y = 2"], "id": "another"},
        {"source": ["x = 1\n", "print(x)\n"], "id": "answer"},
    ]
    chapter(tmp_path, json.dumps({"cells": cells}))
    other = tmp_path / "notebooks" / "01_image_data.ipynb"
    other.write_text(json.dumps({"cells": [{"source": "y = 4", "id": "answer"}]}))
    watch("cnn", {"p": CHOICE})
    for source in ("y = 2", "y = 3", "y = 4", "x = 1"):
        ran(None, source)
        assert set() == guesses.RAN, source
    ran(None, "x = 1\nprint(x)")
    assert {"answer"} == guesses.RAN


@pytest.mark.parametrize("text", ["{", "{}", '{"cells": 7}', '{"cells": [{"id": "answer"}]}'])
def test_a_chapter_that_cannot_be_read_does_no_harm(tmp_path, monkeypatch, text):
    monkeypatch.setattr(guesses, "ROOT", tmp_path)
    watch("cnn", {"p": CHOICE})
    chapter(tmp_path, text)
    ran(None, "x = 1")
    assert set() == guesses.RAN


def test_in_a_kernel_each_cell_that_has_run_is_noticed(monkeypatch):
    registered = []
    events = SimpleNamespace(register=lambda *event: registered.append(event))
    monkeypatch.setattr(guesses, "get_ipython", lambda: SimpleNamespace(events=events))
    watch("cnn", TABLE)
    assert registered == [("post_run_cell", after_cell)]
    assert guesses.TABLES == {"cnn": TABLE}


# the chapters' tables


def test_a_chapters_own_table_is_found_by_its_name():
    table = predictions_of("image_data")
    assert table and all(isinstance(one, tuple(FIELDS)) for one in table.values())
    guess = guesser("image_data")
    prompt = next(iter(table))
    assert guess(prompt).key == ("image_data", prompt)
    assert guesses.TABLES["image_data"] == table


@pytest.mark.parametrize("name", ["no_such", "", "../cnn", "a.b", "cnn\n", "cnn-2"])
def test_a_name_that_is_no_chapters_has_no_table(name):
    assert predictions.predictions_of(name) == {}
