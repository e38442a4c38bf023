"""What `guess` shows: what is right, how it is named, and what each field takes and gives back."""

import ipywidgets as widgets
import pytest
from answering import controls

from course_utils.exercises import guesses
from course_utils.exercises.guesses import FIELDS
from course_utils.exercises.predictions import (
    Amount,
    Choice,
    Order,
    Several,
    as_text,
    guesser,
    in_words,
    shuffled,
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


def field(prediction):
    return FIELDS[type(prediction)]("p", prediction)


# what is right, and how it is named


def test_several_are_right_together_whatever_their_order():
    assert SEVERAL.came_out == ["a", "c"]
    assert SEVERAL.is_right(["c", "a"]) and SEVERAL.is_right(["a", "c", "a"])
    for wrong in (["a"], ["c"], ["a", "b", "c"], ["b"], []):
        assert not SEVERAL.is_right(wrong)


def test_an_order_is_right_as_a_whole():
    assert ORDER.is_right(("a", "b", "c", "d")) and not ORDER.is_right(["a", "b", "d", "c"])
    assert not ORDER.is_right(["a", "b", "c"]) and ORDER.is_right(ORDER.came_out)


@pytest.mark.parametrize(
    ("value", "within", "answer", "right"),
    [
        (0.3, 0, 0.1 + 0.2, True),  # floats, not the last bit
        (25_557_032, 0, 25_557_032, True),
        (25_557_032, 0, 25_557_033, False),
        (-0.3, 0, -0.1 - 0.2, True),
        (-5, 0.5, -5.5, True),
        (-5, 0.5, -4.4, False),
        (0, 0, 1e-6, False),
        (0, 0, 0, True),
    ],
)
def test_a_number_is_exact_but_for_the_rounding_of_floats(value, within, answer, right):
    assert Amount("c", "?", value, within).is_right(answer) == right


def test_answers_are_named_in_words():
    assert in_words(CHOICE, "a") == "“a”"
    assert in_words(SEVERAL, ["a", "c"]) == "“a”, “c”"
    assert in_words(SEVERAL, []) == "none of them"
    assert in_words(ORDER, ["b", "a"]) == "“b” → “a”"
    assert in_words(AMOUNT, 25_557_032.0) == "25,557,032 pixels"
    assert in_words(AMOUNT, -1234567) == "-1,234,567 pixels"
    assert in_words(AMOUNT, 10**15 - 1) == "999,999,999,999,999 pixels"
    assert in_words(AMOUNT, 10**15) == "1e+15 pixels"  # beyond, a float is not exact for long
    assert in_words(AMOUNT, 1e30) == "1e+30 pixels"
    assert in_words(AMOUNT, float("inf")) == "inf pixels"
    assert in_words(Amount("c", "?", 1, 0), 0.123456789) == "0.123457"
    assert in_words(Amount("c", "?", 1, 0, "%"), 50.0) == "50%"


def test_as_text_each_kind_has_its_mark():
    last = "(run this cell to keep your prediction)"
    for prompt, mark in (("choice", "○"), ("several", "□"), ("order", "↕")):
        prediction = TABLE[prompt]
        lines = [f"  {mark} {text}" for text in shuffled(prompt, prediction)]
        assert as_text(prompt, prediction).split("\n") == [prediction.ask, *lines, last]
    assert as_text("amount", AMOUNT).split("\n") == ["How many?", "  a number, in pixels", last]
    plain = Amount("c", "How many?", 1, 0)
    assert as_text("amount", plain).split("\n") == ["How many?", "  a number", last]


def test_an_order_is_never_shown_as_it_came_out():
    for number in range(60):
        shown = shuffled(f"p{number}", ORDER)
        assert shown != ORDER.items and sorted(shown) == ORDER.items
    assert ORDER.items == ["a", "b", "c", "d"]  # itself stays
    assert all(shuffled(f"p{n}", Order("c", "?", ["a", "b"])) == ["b", "a"] for n in range(9))
    alike = Order("c", "?", ["a", "a"])
    assert shuffled("p", alike) == ["a", "a"]
    options = {tuple(shuffled(f"p{number}", CHOICE)) for number in range(200)}
    assert len(options) == 6  # a choice may come in any order, also in its own


# fields


def test_one_of_several_options_is_chosen():
    one = field(CHOICE)
    assert one.options == tuple(shuffled("p", CHOICE)) and one.value is None
    one.answer = "c"
    assert one.answer == one.value == "c"
    one.answer = "no longer an option"
    with pytest.raises(guesses.Incomplete, match="Choose an option"):
        _ = one.answer


def test_several_options_are_answered_in_the_questions_order():
    several = field(SEVERAL)
    assert [box.description for box in several.children] == shuffled("p", SEVERAL)
    several.answer = ["c", "a"]
    assert several.answer == ["a", "c"]
    several.answer = ["b"]
    assert several.answer == ["b"]
    for nothing in ([], None, "abc", 3):
        several.answer = nothing
        with pytest.raises(guesses.Incomplete, match="at least one option"):
            _ = several.answer


def test_a_number_comes_back_as_it_was_typed():
    amount = field(AMOUNT)
    labels = [getattr(child, "value", None) for child in amount.children]
    assert labels == ["", "pixels"]
    for number in (0, 7, 1234.5, 25_557_032, 123_456_789_012, -3, 0.000125, 1e30):
        amount.answer = number
        assert amount.answer == number
    amount.answer = 25_557_032
    assert amount.text.value == "25,557,032"
    for nothing in ("7", None, [7]):
        amount.answer = nothing
        with pytest.raises(guesses.Incomplete, match="one number"):
            _ = amount.answer
    amount.text.value = "1,200 pixels"
    assert amount.answer == 1200


def test_an_item_is_moved_one_place_and_the_line_says_where_it_stands(guess):
    shown = guess("order")
    order, first = shown.field, shown.field.answer
    order.up.click()
    assert order.answer == first and not shown.line.text
    assert order.list.index == 0 and order.list.rows == 4
    order.down.click()
    assert order.answer == [first[1], first[0], first[2], first[3]] and order.list.index == 1
    assert shown.line.text == f"{first[0]}: now 2 of 4"
    order.down.click()
    assert order.answer == [first[1], first[2], first[0], first[3]]
    order.up.click()
    assert order.answer == [first[1], first[0], first[2], first[3]] and order.list.index == 1
    assert shown.line.text == f"{first[0]}: now 2 of 4"
    order.list.index = 3
    order.move(1)
    assert order.list.index == 3 and order.answer[3] == first[3]
    order.list.index = 1
    order.up.click()
    assert order.answer == first and order.list.index == 0
    order.list.index = None
    order.up.click()
    assert order.answer == first


def test_an_order_is_restored_only_with_its_own_items():
    order = field(ORDER)
    before = order.answer
    for other in (["a", "b", "c"], ["a", "b", "c", "e"], "dcba", ["a", "b", "c", 4], None):
        order.answer = other
        assert order.answer == before
    order.list.index = 2
    order.answer = ["d", "c", "b", "a"]
    assert order.answer == ["d", "c", "b", "a"] and order.list.index == 0


def of(box, kind):
    return [control for control in controls(box) if isinstance(control, kind)]


@pytest.mark.parametrize("prompt", TABLE)
def test_no_text_of_a_control_is_cut(guess, prompt):
    """Without a width of its own a control is 300 pixels wide, and its text is cut there."""
    shown = guess(prompt)
    for control in of(shown.field, widgets.Button) + of(
        shown, widgets.RadioButtons | widgets.Checkbox | widgets.Select
    ):
        assert control.layout.width == "auto", control
    for control in of(shown, widgets.Checkbox):
        assert control.indent is False and control.layout is not None
    for control in of(shown, widgets.Text):
        assert control.style.description_width == "initial" and control.layout.width == "18em"
    for control in of(shown, widgets.Select):
        assert control.layout.max_width == "40em"  # a long one is cut, else the buttons are


@pytest.mark.parametrize("prompt", TABLE)
def test_each_control_has_its_name(guess, prompt):
    shown = guess(prompt)
    assert {"course-guess", "course-widget"} <= set(shown._dom_classes)
    assert (shown.sure.description, shown.sure.orientation) == ("How sure?", "horizontal")
    assert shown.sure.options == tuple((word, word) for word in guesses.SURE)
    assert (shown.button.description, shown.button.tooltip) == ("keep", "Keep this prediction")
    assert "<b>Your prediction.</b>" in shown.children[0].value
    for control in of(shown, widgets.Text):  # a click could come before the last digits
        assert control.description == "Your number" and not control.continuous_update
    moves = [control.description for control in of(shown.field, widgets.Button)]
    assert moves == (["Move up", "Move down"] if prompt == "order" else [])
    assert not of(shown, widgets.Checkbox) or shown.field.children[0].value is False


def test_the_options_are_shuffled_by_the_prompts_id(guess):
    assert list(guess("choice").field.options) == shuffled("choice", CHOICE)
    boxes = [box.description for box in guess("several").field.children]
    assert boxes == shuffled("several", SEVERAL)
    assert list(guess("order").field.list.options) == shuffled("order", ORDER)
