"""Questions: every kind answers, stores a text without the answer, and cannot be guessed."""

from collections import Counter

import pytest
from answering import every_answer

from course_utils.command.pages import asked_text
from course_utils.exercises import cnn, cnn_evolution, computer_vision, image_data, questions
from course_utils.exercises.questions import (
    Ask,
    Number,
    Order,
    Question,
    Several,
    as_number,
    asked,
    items_of,
    options_of,
    stored_text,
)

CHAPTERS = (image_data, cnn, cnn_evolution, computer_vision)
QUESTIONS = [(checks, name) for checks in CHAPTERS for name in checks.QUESTIONS]
ALL = [checks.QUESTIONS[name] for checks, name in QUESTIONS]
ONE = [question for question in ALL if isinstance(question, Question)]
COLOUR = Question("a < b?", [("x", True, "r"), ("y", False, "n"), ("z", False, "m")])
EVEN = Several(
    "Which are even?",
    [("two", True, "2 = 2 · 1"), ("three", False, "1 is left"), ("four", True, "4 = 2 · 2")],
)
PIXELS = Number("How many?", 1200, "pixels", "30 · 40", within=5, mistakes={70: "That is a sum."})
SHARE = Number("Which share?", 25, "%", "A quarter.")
SIZES = Order("From small to large", ["ant", "cat", "dog", "cow"], "By weight.")
KINDS = (COLOUR, EVEN, PIXELS, SHARE, SIZES)


def classes(shown):
    return {name for name in shown._dom_classes if name in ("course-right", "course-wrong")}


@pytest.mark.parametrize("question", [*KINDS, *ALL], ids=lambda question: question.text[:30])
def test_each_answer_is_told_and_marked(question):
    shown = asked(question)
    assert "course-question" in shown._dom_classes and not classes(shown)
    for right, said in every_answer(shown):
        assert shown.reason.text.startswith("✓ Right." if right else "✗ Not "), said
        assert said in shown.reason.text
        assert classes(shown) == {"course-right" if right else "course-wrong"}


@pytest.mark.parametrize("question", [*KINDS, *ALL], ids=lambda question: question.text[:30])
def test_what_is_stored_tells_no_answer(question):
    stored = asked(question)._repr_mimebundle_()["text/plain"]
    assert stored == stored_text(question) and stored.startswith(question.text)
    shown = stored.removeprefix(question.text)
    if isinstance(question, Number):
        assert f"…: ____ {question.unit}".rstrip() in shown
        assert not any(letter.isdigit() for letter in shown.replace(question.unit, ""))
        return
    if isinstance(question, Order):
        assert all(item in shown for item in question.items) and question.reason not in shown
        assert items_of(question) != list(question.items)
        return
    mark = {Question: "○", Several: "□"}[type(question)]
    assert shown.count(f"\n  {mark} ") == len(question.options)
    assert all(option[0] in shown for option in question.options)
    reasons = [reason for *_, reason in question.options]
    assert not any(reason in shown for reason in reasons if len(reason) > 9)


@pytest.mark.parametrize(("checks", "name"), QUESTIONS)
def test_questions_of_the_course_are_complete(checks, name):
    question = checks.QUESTIONS[name]
    assert isinstance(checks.ask(name), type(asked(question)))
    if isinstance(question, Question | Several):
        right = sum(is_right for _, is_right, _ in question.options)
        assert len(question.options) >= 3
        assert right == 1 if isinstance(question, Question) else right >= 2
        assert len({reason for *_, reason in question.options}) == len(question.options)
        assert len({text for text, *_ in question.options}) == len(question.options)
        return
    assert question.reason
    if isinstance(question, Order):
        assert 3 <= len(question.items) == len(set(question.items))
        return
    assert question.within >= 0 and question.unit == question.unit.strip()
    for wrong, said in question.mistakes.items():
        assert said and abs(wrong - question.value) > question.within


def place_of_right(question):
    return [right for _, right, _ in options_of(question)].index(True)


def test_no_place_is_right_more_often_than_another():
    assert len(ONE) >= 19
    lengths = {len(question.options) for question in ONE}
    for length in lengths:
        places = Counter(place_of_right(q) for q in ONE if len(q.options) == length)
        counts = [places[place] for place in range(length)]
        assert max(counts) - min(counts) <= 1, (length, counts)


def test_the_longest_option_is_not_the_right_one():
    longest = []
    for question in ONE:
        lengths = [(len(text), right) for text, right, _ in question.options]
        wrong = max(length for length, right in lengths if not right)
        longest += [question.text for length, right in lengths if right and length > wrong]
    assert len(longest) <= len(ONE) / 3, longest


def test_the_order_is_the_same_in_every_run_and_however_the_options_are_given():
    turned = Question(COLOUR.text, COLOUR.options[::-1])
    assert options_of(turned) == options_of(COLOUR) == options_of(COLOUR)
    assert [text for text, *_ in options_of(COLOUR)] == ["x", "y", "z"]
    assert items_of(SIZES) == items_of(SIZES)
    others = [Question(f"{n}?", COLOUR.options) for n in range(60)]
    assert {place_of_right(question) for question in others} == {0, 1, 2}
    firsts = [items_of(Order(f"{n}?", ["a", "b"], "")) for n in range(9)]
    assert all(items == ["b", "a"] for items in firsts)


def test_question_text_is_escaped():
    shown = Ask(COLOUR)
    assert "a &lt; b?" in shown.children[0].value
    assert "course-widget" in shown._dom_classes


@pytest.mark.parametrize(
    ("typed", "unit", "number"),
    [
        ("1234", "", 1234),
        ("1 234", "", 1234),
        ("1,234", "", 1234),
        ("1,234,567.5", "", 1234567.5),
        ("1\u00a0234", "", 1234),
        ("12 %", "%", 12),
        ("12%", "%", 12),
        ("12", "%", 12),
        ("12 %", "", 0.12),
        ("0.5", "", 0.5),
        (".5", "", 0.5),
        ("-3", "", -3),
        ("−3", "", -3),
        (" 7 px ", "px", 7),
        ("7 PX", "px", 7),
        ("1e3", "", 1000),
        ("12,34", "", None),
        ("0,5", "", None),
        ("1234,567", "", None),
        ("7 cm", "px", None),
        ("many", "", None),
        ("", "", None),
        ("-", "", None),
        (".", "", None),
        ("e5", "", None),
        ("nan", "", None),
        ("inf", "", None),
    ],
)
def test_numbers_are_read_as_people_write_them(typed, unit, number):
    assert as_number(typed, unit) == (None if number is None else pytest.approx(number))


@pytest.mark.parametrize(
    ("typed", "right", "said"),
    [
        ("1200", True, "✓ Right. 30 · 40"),
        ("1,205 pixels", True, "✓ Right."),
        ("1195", True, "✓ Right."),
        ("1205.1", False, "✗ Not this number."),
        ("1194.9", False, "✗ Not this number."),
        ("70", False, "✗ Not this number. That is a sum."),
        ("75", False, "✗ Not this number. That is a sum."),
        ("76", False, "✗ Not this number."),
    ],
)
def test_a_number_may_be_off_by_what_is_allowed(typed, right, said):
    shown = asked(PIXELS)
    shown.field.value = typed
    assert shown.reason.text.startswith(said) and (said.count(" ") < 4 or shown.reason.text == said)
    assert classes(shown) == {"course-right" if right else "course-wrong"}


def test_what_is_no_number_is_told_and_counts_as_no_answer():
    shown = asked(PIXELS)
    shown.button.click()
    assert not shown.reason.text and not classes(shown)
    shown.field.value = "many"
    assert shown.reason.text == "'many' is not a number such as 1,234 or 0.5."
    assert not classes(shown)
    shown.field.value = "9"
    shown.field.value = "1200"
    assert classes(shown) == {"course-right"}


def test_several_are_all_or_nothing():
    shown = asked(EVEN)
    texts = [box.description for box in shown.boxes]
    shown.button.click()
    assert shown.reason.text == "Tick all that are right, then press Check." and not classes(shown)
    shown.boxes[texts.index("two")].value = True
    shown.button.click()
    assert shown.reason.text == "✗ Not yet. What is ticked is right, but something is missing."
    for box in shown.boxes:
        box.value = True
    shown.button.click()
    assert shown.reason.text == "✗ Not all of these. three: 1 is left"
    shown.boxes[texts.index("three")].value = False
    shown.button.click()
    assert shown.reason.text.startswith("✓ Right. ") and "2 = 2 · 1" in shown.reason.text
    assert "4 = 2 · 2" in shown.reason.text and "1 is left" not in shown.reason.text


def test_items_are_moved_one_place_and_stay_selected():
    shown = asked(SIZES)
    first, second, *rest = shown.items.options
    shown.up.click()
    assert shown.items.options == (first, second, *rest) and not shown.reason.text
    shown.down.click()
    assert shown.items.options == (second, first, *rest) and shown.items.index == 1
    assert shown.reason.text == f"{first}: now 2 of 4"
    shown.items.index = 3
    shown.down.click()
    assert shown.items.options == (second, first, *rest) and shown.items.index == 3
    shown.items.index = None
    shown.up.click()
    assert shown.items.options == (second, first, *rest)


@pytest.mark.parametrize("question", KINDS, ids=lambda question: question.text[:30])
def test_a_page_folds_what_is_right(question):
    text = asked_text(question)
    shown, folded = text.split("<details><summary>Answer</summary>")
    assert shown.startswith(f"**{question.text}**") and "✓" not in shown
    if isinstance(question, Number):
        assert f"{question.value:,}" in folded and str(question.value) not in shown
    elif isinstance(question, Order):
        places = [folded.index(item) for item in question.items]
        assert places == sorted(places) and question.reason in folded
        assert [line[2:] for line in shown.splitlines() if line[:2] == "- "] == items_of(question)
    else:
        right = sum(option[1] for option in question.options)
        assert folded.count("✓") == right and all(
            option[2] in folded for option in question.options
        )


def test_the_tables_of_all_chapters_are_dealt():
    assert questions.dealt_places().keys() == {question.text for question in ONE}
