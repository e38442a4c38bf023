"""Questions: every kind answers, stores a text without the answer, and cannot be guessed."""

from collections import Counter

import ipywidgets as widgets
import pytest
from answering import controls, every_answer

from course_utils.command.editions.pages import asked_text
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


TYPED = {  # kind → (what is typed, the unit, the number)
    "thousands": [
        ("1234", "", 1234), ("1 234", "", 1234), ("1,234", "", 1234), ("1_234", "", 1234),
        ("1,234,567.5", "", 1234567.5), ("1\u00a0234", "", 1234), ("12,34", "", None),
        ("1234,567", "", None), ("1,234,56", "", None), ("1,2345", "", None), ("3 4", "", None),
        ("1 2 3", "", None),
    ],
    "fractions": [
        ("0.5", "", 0.5), (".5", "", 0.5), ("3.", "", 3), ("0,5", "", None), (".", "", None),
    ],
    "signs": [
        ("-3", "", -3), ("−3", "", -3), ("+3", "", 3), ("-", "", None), ("--3", "", None),
        ("٣", "", 3),
    ],
    "exponents": [
        ("1e3", "", 1000), ("1,234.5e2", "", 123450), ("2.5E-3", "", 0.0025), ("1e+2", "", 100),
        ("1e", "", None), ("1e2.5", "", None), ("e5", "", None),
    ],
    "units": [
        (" 7 px ", "px", 7), ("7 PX", "px", 7), ("7", "px", 7), ("7px", "px", 7),
        ("7 of 100", "of 100", 7), ("7 cm", "px", None), ("7 px px", "px", None),
        ("px 7", "px", None), ("7 cm", "c.", None),
    ],
    "shares": [
        ("12 %", "%", 12), ("12%", "%", 12), ("12", "%", 12), ("12 %", "", 0.12),
        ("50 %", "px", 0.5), ("50% px", "px", 0.5), ("50 px %", "px", None), ("5 %%", "%", None),
        ("%", "%", None),
    ],
    "words": [("many", "", None), ("", "", None), ("nan", "", None), ("inf", "", None)],
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPED)
def test_numbers_are_read_as_people_write_them(kind):
    for typed, unit, number in TYPED[kind]:
        assert as_number(typed, unit) == (None if number is None else pytest.approx(number)), typed


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


def test_an_exact_number_is_compared_but_for_the_rounding_of_floats():
    for value, typed, right in (
        (0.3, "0.30000000001", True),
        (0.3, "0.3000000005", True),
        (0.3, "0.3000000015", False),
        (25_557_032, "25,557,033", False),
        (1e12, "1,000,000,000,100", True),
        (-0.3, "-0.30000000001", True),
        (0, "0.000001", False),
    ):
        shown = asked(Number("How many?", value, "", "So it is."))
        shown.field.value = typed
        assert classes(shown) == {"course-right" if right else "course-wrong"}, typed


def test_the_first_confusion_that_fits_is_named_and_none_if_the_number_is_right():
    mistakes = {70: "First.", 72: "Second.", 99: "Third."}
    shown = asked(Number("How many?", 80, "", "So it is.", within=4, mistakes=mistakes))
    for typed, said in (
        ("71", "✗ Not this number. First."),
        ("75", "✗ Not this number. Second."),
        ("76", "✓ Right. So it is."),
        ("90", "✗ Not this number."),
    ):
        shown.field.value = typed
        assert shown.reason.text == said


def test_a_long_text_in_the_field_is_cut_and_spaces_are_no_answer():
    shown = asked(PIXELS)
    shown.field.value = "  " + "m" * 99 + "  "
    assert shown.reason.text == f"{'m' * 40!r} is not a number such as 1,234 or 0.5."
    shown.field.value = "   "
    shown.button.click()
    assert "mmm" in shown.reason.text and not classes(shown)


def test_the_button_checks_once_more():
    shown = asked(PIXELS)
    shown.field.value = "1200"
    told, shown.reason.text = shown.reason.text, ""
    shown.button.click()
    assert shown.reason.text == told == "✓ Right. 30 · 40"


def test_the_unit_stands_behind_the_field_and_may_be_typed():
    shown = asked(PIXELS)
    row = shown.children[1].children
    assert [getattr(part, "value", None) for part in row[:2]] == ["", "pixels"]
    assert row[2].description == "Check" and not shown.field.continuous_update
    assert stored_text(PIXELS) == "How many?\n  …: ____ pixels\n(run this cell to answer)"
    assert stored_text(Number("How many?", 3, "", "")).split("\n")[1] == "  …: ____"


def test_the_stored_text_of_each_kind_says_how_to_answer():
    items = [f"  {place}. {item}" for place, item in enumerate(items_of(SIZES), 1)]
    assert stored_text(SIZES).split("\n") == [
        SIZES.text, *items, "(run this cell to put them in order)",
    ]  # fmt: skip
    options = [f"  ○ {text}" for text, *_ in options_of(COLOUR)]
    assert stored_text(COLOUR).split("\n") == [
        COLOUR.text, *options, "(run this cell to choose)",
    ]  # fmt: skip
    boxes = [f"  □ {text}" for text, *_ in options_of(EVEN)]
    assert stored_text(EVEN).split("\n") == [EVEN.text, *boxes, "(run this cell to choose)"]


@pytest.mark.parametrize("question", KINDS, ids=lambda question: question.text[:30])
def test_no_text_of_a_control_is_cut_and_each_has_its_name(question):
    """Without a width of its own a control is 300 pixels wide, and its text is cut there."""
    shown = asked(question)
    found = controls(shown)
    for control in found:
        if isinstance(control, widgets.RadioButtons | widgets.Checkbox | widgets.Select):
            assert control.layout.width == "auto"
        if isinstance(control, widgets.Checkbox):
            assert control.indent is False
        if isinstance(control, widgets.Select):
            assert control.layout.max_width == "40em"  # a long one is cut, else the buttons are
        if isinstance(control, widgets.Text):
            assert (control.placeholder, control.tooltip) == ("a number", "your number")
            assert control.layout.width == "9em"
    buttons = [control for control in found if isinstance(control, widgets.Button)]
    assert all(button.layout.width == "auto" for button in buttons)
    named = {Question: [], Order: ["Move up", "Move down", "Check"]}.get(type(question), ["Check"])
    assert [button.description for button in buttons] == named
    assert {"course-question", "course-widget"} <= set(shown._dom_classes)
    assert found[-1] is shown.reason and found[0].value.startswith("<b>")


def test_a_browser_gets_the_widget_and_others_a_text():
    bundle = asked(COLOUR)._repr_mimebundle_()
    assert bundle["text/plain"] == stored_text(COLOUR)
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_a_chosen_option_that_is_taken_back_changes_nothing():
    shown = asked(COLOUR)
    assert shown.choice.value is None
    shown.choice.index = 1
    said = shown.reason.text
    assert said
    shown.choice.index = None
    assert shown.reason.text == said


def test_what_is_shown_is_what_is_judged():
    shown = asked(COLOUR)
    assert list(shown.choice.options) == [text for text, *_ in options_of(COLOUR)]
    assert [option[0] for option in COLOUR.options] == ["x", "y", "z"]  # itself stays
    several = asked(EVEN)
    assert [box.description for box in several.boxes] == [text for text, *_ in options_of(EVEN)]
    assert not any(box.value for box in several.boxes)
    order = asked(SIZES)
    assert list(order.items.options) == items_of(SIZES)
    assert order.items.index == 0 and order.items.rows == 4


def test_an_order_says_how_many_stand_where_they_belong():
    shown = asked(SIZES)
    shown.items.options = ["ant", "dog", "cat", "cow"]
    shown.button.click()
    assert shown.reason.text == "✗ Not yet. 2 of 4 stand where they belong."
    assert classes(shown) == {"course-wrong"}
    shown.items.options = SIZES.items
    shown.button.click()
    assert shown.reason.text == "✓ Right. By weight." and classes(shown) == {"course-right"}
    shown.items.index = 2
    shown.up.click()
    assert shown.items.options == ("ant", "dog", "cat", "cow") and shown.items.index == 1
    assert shown.reason.text == "dog: now 2 of 4"


def test_items_are_never_shown_in_the_right_order_and_none_is_lost():
    for number in range(60):
        order = Order(f"{number}?", ["a", "b", "c"], "")
        assert items_of(order) != order.items and sorted(items_of(order)) == order.items
    kinds = {tuple(items_of(Order(f"{number}?", ["a", "b", "c"], ""))) for number in range(60)}
    assert len(kinds) == 5


def test_a_several_may_show_its_options_in_any_order():
    texts = [Several(f"{n}?", EVEN.options) for n in range(60)]
    assert len({tuple(text for text, *_ in options_of(one)) for one in texts}) == 6


def test_what_is_right_is_told_with_the_reasons_of_the_right_ones_alone():
    shown = asked(EVEN)
    for box in shown.boxes:
        box.value = box.description != "three"
    shown.button.click()
    reasons = [reason for _, right, reason in options_of(EVEN) if right]
    assert shown.reason.text == f"✓ Right. {' '.join(reasons)}"
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
    shown.move(1)
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
    questions.dealt_places.cache_clear()  # as in a fresh kernel
    dealt = questions.dealt_places()
    assert dealt.keys() == {question.text for question in ONE}
    for question in ONE:
        assert 0 <= dealt[question.text] < len(question.options)
        assert place_of_right(question) == dealt[question.text]
    for length in {len(question.options) for question in ONE}:
        places = Counter(dealt[q.text] for q in ONE if len(q.options) == length)
        assert max(places.values()) - min(places[place] for place in range(length)) <= 1
    questions.dealt_places.cache_clear()
    assert questions.dealt_places() == dealt
