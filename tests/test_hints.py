"""Hints: which are given, which are asked for, and what a failing case keeps and shows."""

import time
import warnings

import numpy as np
import pytest
import torch

from course_utils.errors import ArgumentError, CourseError
from course_utils.exercises import computer_vision
from course_utils.exercises.cases import SEE, copied, described
from course_utils.exercises.engine import (
    BrokenHint,
    Exercise,
    NotRightYet,
    Unmeasurable,
    check_answer,
    close,
    doors,
    mistakes,
    not_a_number,
)
from course_utils.exercises.hints import Tried, fitting

pytestmark = pytest.mark.filterwarnings("error::course_utils.exercises.engine.BrokenHint")


def doubled(x):
    return 2 * x


def exercise(*hints, cases=(0, 1, 2, 3, 4), reference=doubled, **more):
    """An exercise of one argument; cases: its values, one after another."""
    return Exercise(
        reference=reference,
        cases=lambda rng: [(value,) for value in cases],
        verified="some numbers",
        hints=list(hints),
        **more,
    )


def said(task, answer):
    with pytest.raises(NotRightYet) as caught:
        check_answer("name", task, answer)
    return str(caught.value)


SQUARE = (lambda x: x * x, "that is the square")
PLUS_TWO = (lambda x: x + 2, "that adds 2")
TRIPLE = (lambda x: 3 * x, "that is three times x")


def test_a_mistake_that_explains_one_number_by_chance_is_not_named():
    # 3 · 3 = 9 is the square of 3, too
    assert said(exercise(mistakes(SQUARE, TRIPLE), cases=(3, 4, 5)), lambda x: 3 * x).endswith(
        "case 1: name(3): that is three times x"
    )
    assert said(exercise(mistakes(SQUARE), cases=(3, 4, 5)), lambda x: 3 * x).endswith(
        "case 1: name(3): 9 is wrong"
    )


def test_a_mistake_that_would_have_been_wrong_before_is_not_named():
    def for_large_ones(x):
        return 2 * x if x < 3 else 3 * x

    assert "9 is wrong" in said(exercise(mistakes(TRIPLE)), for_large_ones)
    assert "three times" in said(exercise(mistakes(TRIPLE), cases=(0, 3, 4)), for_large_ones)


def test_the_last_case_alone_may_decide():
    assert "the square" in said(exercise(mistakes(SQUARE), cases=(0, 2, 3)), lambda x: x * x)


def test_an_edge_that_is_treated_on_its_own_does_not_hide_the_mistake():
    def with_an_edge(x):
        return 100 if x == 4 else 3 * x

    assert "three times" in said(exercise(mistakes(TRIPLE), cases=(3, 4, 5)), with_an_edge)
    assert "is wrong" in said(exercise(mistakes(TRIPLE), cases=(3, 4)), with_an_edge)


def test_a_plain_hint_has_to_say_the_same_again():
    def square(got, wanted, arguments):
        return f"{got} is the square of {arguments[0]}" if got == arguments[0] ** 2 else None

    assert said(exercise(square), lambda x: x * x).endswith(": 1 is the square of 1")
    assert said(exercise(square, cases=(3, 4, 5)), lambda x: 3 * x).endswith(": 9 is wrong")
    assert "square" in said(exercise(square, cases=(1, 2, 3)), lambda x: 3 * x if x == 3 else 2 * x)


def test_two_plain_sentences_on_two_cases_are_none():
    def odd_or_even(got, wanted, arguments):
        return "odd" if arguments[0] % 2 else "even"

    assert said(exercise(odd_or_even, cases=(3, 4)), lambda x: -1).endswith(": -1 is wrong")
    assert said(exercise(odd_or_even, cases=(3, 4, 5)), lambda x: -1).endswith(": odd")


def test_not_a_number_needs_no_second_case():
    answer = lambda x: np.nan if x == 1 else x - 9  # noqa: E731
    assert "divides 0 by 0" in said(exercise(not_a_number), lambda x: answer(x) if x else 0)


def test_the_first_hint_that_fits_is_given():
    two = exercise(mistakes(SQUARE), mistakes(TRIPLE), mistakes((TRIPLE[0], "second")))
    assert "three times" in said(two, lambda x: 3 * x)


def test_no_more_than_a_few_cases_and_a_second_are_spent_on_a_hint():
    calls = []

    def slow(x):
        calls.append(x)
        time.sleep(0.4)
        return 3 * x

    began = time.monotonic()
    assert "three times" in said(exercise(mistakes(TRIPLE), cases=range(1, 9)), slow)
    assert len(calls) <= 4 and time.monotonic() - began < 30
    calls.clear()
    answer = lambda x: calls.append(x) or 3 * x  # noqa: E731
    assert "three times" in said(exercise(mistakes(TRIPLE), cases=range(1, 99)), answer)
    assert len(calls) == 9
    calls.clear()
    assert "is wrong" in said(exercise(mistakes(SQUARE), cases=range(5, 99)), answer)
    assert len(calls) == 1  # nothing explains it, so nothing more is tried


def test_an_answer_that_never_ends_in_a_later_case_is_stopped_by_the_clock():
    def endless(x):
        while x == 2:
            pass
        return 3 * x

    assert "three times" in said(exercise(mistakes(TRIPLE), cases=(1, 2, 3)), endless)


def test_further_cases_print_and_warn_nothing(capsys):
    def loud(x):
        print("at", x)
        warnings.warn("careful", stacklevel=1)
        return 3 * x

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        said(exercise(mistakes(TRIPLE), cases=(1, 2, 3)), loud)
    assert capsys.readouterr().out == "at 1\n" and len(heard) == 1


def test_cases_that_raise_are_passed_over_when_a_hint_is_tried():
    def raises(x):
        if x == 2:
            raise ValueError
        return 3 * x

    assert "three times" in said(exercise(mistakes(TRIPLE), cases=(1, 2, 3)), raises)


def test_a_wrong_function_that_cannot_be_tried_before_does_not_fit():
    broken = (lambda x: 9 // x * x, "with a hole")
    assert "is wrong" in said(exercise(mistakes(broken)), lambda x: 9 // x * x if x else 0)


def test_a_single_nan_says_that_a_mistake_cannot_be_made_in_a_case():
    large = (lambda x: 3 * x if x > 2 else np.nan, "three times")
    assert "three times" in said(exercise(mistakes(large)), lambda x: 3 * x if x > 2 else 2 * x)
    assert "is wrong" in said(exercise(mistakes(large)), lambda x: 3 * x)


def test_a_broken_hint_is_reported_and_the_next_one_is_asked():
    def broken(got, wanted, arguments):
        raise IndexError("no such place")

    with pytest.warns(BrokenHint, match="IndexError"):
        assert "three times" in said(exercise(broken, mistakes(TRIPLE)), lambda x: 3 * x)


def test_mistakes_can_still_be_called_as_a_function():
    hint = mistakes(SQUARE, TRIPLE)
    assert hint(np.array(9), np.array(6), (3,)) == "that is the square"
    assert hint(np.array(12), np.array(8), (4,)) == "that is three times x"
    assert hint(np.array(1), np.array(8), (4,)) is None


def test_fitting_without_other_cases_is_the_first_that_explains():
    here = Tried((3,), np.array(9), np.array(6))
    task = exercise(mistakes(PLUS_TWO, TRIPLE))
    assert fitting(task, [], here, list) == "that is three times x"
    assert fitting(exercise(), [], here, list) is None


def test_close_asks_for_shape_and_values():
    assert close(np.ones(2), [1, 1 + 1e-7]) and not close(np.ones(2), 1)
    noise = np.array([1000, 1e-5], np.float32)
    assert close(noise, [1000, 0]) and not close(noise.astype(float), [1000, 0])
    assert not close(noise, [1000, 0.01]) and close(np.zeros((0, 2), np.float32), np.zeros((0, 2)))
    assert not close(np.ones(2), [1, 1.001]) and not close(np.array(np.nan), np.nan)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_wrong_names_of_the_review_are_gone():
    """Each of these got a hint on another mistake, since it explained the first number."""

    def equal_is_one(a, b):
        table = computer_vision.EXERCISES["iou_table"].reference(a, b)
        return np.where((a[:, None] == b).all(axis=2), 1.0, table)

    with pytest.raises(NotRightYet) as caught:
        computer_vision.check("iou_table", equal_is_one)
    assert "+ 1" not in str(caught.value)

    def halves_cut_off(truth, predicted):
        ours, theirs = ([ids == i for i in np.unique(ids[ids >= 0])] for ids in (truth, predicted))
        ious = [(a & b).sum() / (a | b).sum() for a in ours for b in theirs]
        matched = [iou for iou in ious if iou > 0.5]
        halves = (len(ours) - len(matched)) // 2 + (len(theirs) - len(matched)) // 2
        return sum(matched) / (len(matched) + halves) if len(matched) + halves else 0.0

    with pytest.raises(NotRightYet) as caught:
        computer_vision.check("panoptic_quality_maps", halves_cut_off)
    assert "false alarms cost nothing" not in str(caught.value)


# what a failing case keeps


def chapter(**tables):
    return doors(tables, {})


def test_the_failing_case_is_kept_and_given_as_copies():
    values = np.arange(20)
    check, _, _, last_case = chapter(name=exercise(cases=(values, values + 1)))

    def answer(x):
        return 2 * x if x[0] == 0 else x

    with pytest.raises(NotRightYet) as caught:
        check("name", answer)
    (given,), got = last_case()
    assert np.array_equal(given, values + 1) and np.array_equal(got, values + 1)
    given[:], got[:] = 0, 0
    (given,), got = last_case()
    assert np.array_equal(given, values + 1) and np.array_equal(got, values + 1)
    assert np.array_equal(answer(given), got)
    assert np.array_equal(caught.value.wanted, 2 * values + 2)
    assert np.array_equal(caught.value.arguments[0], given)
    assert np.array_equal(caught.value.got, got)


def test_there_is_no_last_case_before_a_failure(capsys):
    check, _, _, last_case = chapter(name=exercise())
    with pytest.raises(CourseError, match="no check has failed yet"):
        last_case()
    check("name", doubled)
    with pytest.raises(CourseError, match="no check has failed yet"):
        last_case()


def test_the_last_case_is_the_last_failure_and_prints_nothing(capsys):
    check, _, _, last_case = chapter(one=exercise(), two=exercise(cases=(7, 8)))
    for name in ("one", "two"):
        with pytest.raises(NotRightYet):
            check(name, lambda x: x + 1)
    assert last_case() == ((7,), 8)
    check("two", doubled)
    capsys.readouterr()
    assert last_case() == ((7,), 8) and capsys.readouterr().out == ""


def test_what_raised_has_no_result():
    check, _, _, last_case = chapter(name=exercise())
    with pytest.raises(NotRightYet):
        check("name", lambda x: 1 // 0)
    assert last_case() == ((0,), None)


def test_what_cannot_be_measured_is_kept_as_it_came():
    def too_long(got, arguments):
        raise Unmeasurable("it is too long")

    check, _, _, last_case = chapter(name=exercise(measure=too_long))
    with pytest.raises(NotRightYet, match="it is too long"):
        check("name", lambda x: [x, 7])
    assert last_case() == ((0,), [0, 7])


def test_floats_in_place_of_whole_numbers_keep_their_case():
    check, _, _, last_case = chapter(name=exercise(whole="no floats"))
    with pytest.raises(NotRightYet, match="case 1: name\\(0\\): no floats$"):
        check("name", lambda x: 2.0 * x)
    assert last_case() == ((0,), 0.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([[1, 2], [3, 4]], np.uint8), "[[1, 2], [3, 4]]"),
        (np.arange(16).reshape(2, 8), "[[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]"),
        (np.arange(17), None),
        (np.array([0.5, 1 / 3, 1e-9, 123456.789, -2]), "[0.5, 0.3333, 1e-09, 1.235e+05, -2.0]"),
        (np.array(3), "3"),
        (np.array([True]), "[True]"),
        (np.zeros((0, 4)), None),
        (torch.tensor([[1.0, 0.25]]), "[[1.0, 0.25]]"),
        (torch.zeros(3, 6, requires_grad=True), None),
        ([(3, 1), (2, 2)], "[(3, 1), (2, 2)]"),
        ([np.array([1, 2])], "[[1, 2]]"),
        ((5,), "(5,)"),
        ([], "[]"),
        ("a", "'a'"),
        (2.5, "2.5"),
    ],
)  # fmt: skip
def test_small_values_are_shown_whole_and_large_ones_by_their_shape(value, text):
    shown, cut = described((value, 1))
    assert cut == (text is None)
    if text is not None:
        assert shown == f"{text}, 1"
    else:
        assert shown.endswith(f" of shape {tuple(value.shape)}, 1") and " of shape" in shown
        assert str(value.dtype).removeprefix("torch.") in shown
    assert len(shown.splitlines()) == 1


def test_only_a_case_that_is_too_large_points_to_last_case():
    assert not said(exercise(), lambda x: x + 1).endswith(SEE)
    large = said(exercise(cases=(np.ones(17),)), lambda x: x)
    assert large.endswith(f"name(float64 array of shape (17,)): 1.0 at (0,) is wrong; {SEE}")


def test_copies_share_nothing():
    array, rows = np.ones(2), [1, [2]]
    parts = copied((array, rows, torch.ones(2, requires_grad=True) * 2, iter("a")))
    parts[0][0], parts[1][1][0] = 5, 5
    assert array[0] == 1 and rows == [1, [2]]
    assert not parts[2].requires_grad and list(parts[3]) == ["a"]
    endless = []
    endless.append(endless)
    assert isinstance(copied(endless), list)


# hints on request, and what is shown at the end


def test_hints_on_request_come_one_by_one(capsys):
    _, _, hint, _ = chapter(
        other=exercise(steps=("A.", "B.")), name=exercise(steps=("First.", "Second."))
    )
    for call in range(4):
        hint("name")
        printed = capsys.readouterr().out
        if call < 2:
            word = ("First", "Second")[call]
            assert printed == f"Exercise 2, name, hint {call + 1} of 2: {word}.\n"
        else:
            assert printed.startswith("Exercise 2, name: there is no further hint; the solution ")
    hint("other")
    assert capsys.readouterr().out == "Exercise 1, other, hint 1 of 2: A.\n"
    with pytest.raises(ArgumentError, match="did you mean 'name'"):
        hint("nam")


def test_a_right_answer_shows_what_it_makes_after_its_line(capsys):
    seen = exercise(look=lambda answer: print("looks like", answer(4)))
    check_answer("name", seen, doubled)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Exercise 0, name: right in all 5 cases (some numbers)", "looks like 8"]


@pytest.mark.parametrize("problem", [ValueError("a\nb"), KeyboardInterrupt(), SystemExit(2)])
def test_a_picture_that_fails_changes_no_verdict(problem, capsys):
    def fails(answer):
        raise problem

    check_answer("name", exercise(look=fails), doubled)
    first, second = capsys.readouterr().out.splitlines()
    assert "right in all 5 cases" in first
    assert second.startswith("Exercise 0, name: right, but its picture could not be shown (")
    assert type(problem).__name__ in second


def test_wrong_and_untouched_answers_show_nothing(capsys):
    seen = exercise(look=lambda answer: print("seen"))
    said(seen, lambda x: x + 1)
    check_answer("name", seen, ...)
    assert capsys.readouterr().out == "Exercise 0, name: not attempted yet\n"
