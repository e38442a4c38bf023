"""Which hint fits, when a result is like another, and how a case is shown: the limits of each."""

import warnings

import numpy as np
import pytest
import torch
from test_hints import TRIPLE, exercise

from course_utils.exercises.cases import copied, described
from course_utils.exercises.engine import BrokenHint, close, mistakes, not_a_number
from course_utils.exercises.hints import Tried, fitting

# how a case is shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 9), np.float32), "float32 array of shape (2, 9)"),
        (torch.zeros(3, 6, requires_grad=True), "float32 tensor of shape (3, 6)"),
        (torch.zeros(0, dtype=torch.int64), "int64 tensor of shape (0,)"),
        (torch.arange(16), str(list(range(16)))),
        ([np.zeros(17), 1], "[float64 array of shape (17,), 1]"),
        ((np.zeros(17),), "(float64 array of shape (17,),)"),
        (np.array([12.3456, 123.456, 1234.567]), "[12.3456, 123.456, 1235]"),
    ],
)
def test_a_value_in_one_line(value, text):
    shown, cut = described((value, 1))
    assert shown == f"{text}, 1" and cut == ("shape" in text)


def test_what_cannot_be_copied_is_given_as_it_is():
    numbers = (i for i in range(3))
    assert copied(numbers) is numbers


# when a result is like another


def test_float32_may_differ_by_its_rounding_beside_1_and_beside_its_largest():
    def single(*values):
        return np.array(values, np.float32)

    assert close(single(5e-7), [0]) and not close(single(1.5e-6), [0])
    assert close(single(1000, 5e-4), [1000, 0]) and not close(single(1000, 5e-3), [1000, 0])
    assert close(np.array([1e-9]), [0]) and not close(np.array([1e-7]), [0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not close(single(np.inf, 5), [np.inf, 5.1])  # the largest of the finite ones
        assert close(single(np.inf, 5), [np.inf, 5]) and not close(single(np.nan), [np.nan])


def test_not_a_number_speaks_only_of_nan():
    assert not_a_number(np.ones(2), np.ones(2), ()) is None
    assert "divides 0 by 0" in not_a_number(np.array([1, np.nan]), np.ones(2), ())


# which hint fits the other cases


def tried(x, got, wanted=0):
    return Tried((x,), np.asarray(got), np.asarray(wanted))


def named(*fits, size=1):
    """Whether a mistake is named that explains what follows where `fits` says so."""
    got = np.full(size, 9)
    following = [tried(3 if fit else 4, got) for fit in fits]
    mistake = (lambda x: np.full(size, 3 * x), "three times")
    return fitting(exercise(mistakes(mistake)), [], tried(3, got), lambda: following) is not None


def test_of_the_cases_that_follow_the_next_or_a_quarter_has_to_fit():
    assert named() and named(True) and not named(False)
    assert named(True, *[False] * 7) and not named(*[False] * 7, True)
    assert named(*[False] * 6, True, True) and not named(*[False] * 7, True, False)
    assert named(False, True, False, False) and not named(False, True, False, False, False)


def test_what_explains_many_numbers_has_to_fit_any_case():
    assert named(*[False] * 7, True, size=5) and not named(*[False] * 7, True, size=4)
    assert not named(False, False, size=5)


def test_of_several_mistakes_the_one_that_explains_most_is_named_and_of_equal_ones_the_first():
    def named_of(*pairs):
        following = [tried(3, 9), tried(4, 12), tried(5, 15)]
        return fitting(exercise(mistakes(*pairs)), [], tried(2, 6), lambda: following)

    some, all_of_them = (lambda x: 3 * min(x, 3), "z"), (lambda x: 3 * x, "a")
    assert named_of(some, all_of_them) == named_of(all_of_them, some) == "a"
    assert named_of(all_of_them, (TRIPLE[0], "z")) == "a"
    assert named_of((TRIPLE[0], "z"), all_of_them) == "z"


def test_a_mistake_may_have_nan_as_the_answer_has_it_in_the_cases_that_follow():
    root = (lambda x: np.array([x, np.nan]) if x > 3 else np.array([x, 1.0]), "no root")
    following = [tried(4, [4, np.nan])]
    assert fitting(exercise(mistakes(root)), [], tried(3, [3, 1.0]), lambda: following) == "no root"


def test_a_mistake_may_divide_by_0_without_a_warning():
    inverse = (lambda x: np.float64(1) / np.float64(x), "that is 1 / x")
    task = exercise(mistakes(inverse))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fitting(task, [], tried(0, np.inf), list) == "that is 1 / x"
        assert fitting(task, [tried(0, 0, np.inf)], tried(2, 0.5), list) is None
        following = [tried(0, np.inf)]
        assert fitting(task, [], tried(2, 0.5), lambda: following) == "that is 1 / x"


def test_a_mistake_is_right_before_as_the_check_has_it():
    near = (lambda x: x + 1e-6 if x < 3 else 3 * x, "three times")
    task = exercise(mistakes(near))
    assert fitting(task, [tried(2, 2.0, 2.0)], tried(3, 9.0, 3.0), list) == "three times"
    assert fitting(task, [tried(2, 2.0, 2.5)], tried(3, 9.0, 3.0), list) is None


def test_before_nothing_is_right_where_nothing_is_wanted_and_only_there():
    below = (lambda x: [row for row in x if row < 3], "only those below 3")
    task, here = exercise(mistakes(below)), tried([2, 5], [2], [5])
    assert fitting(task, [tried([5], [], np.zeros((0, 2)))], here, list) == "only those below 3"
    assert fitting(task, [tried([5], [5], [5])], here, list) is None  # nothing, but 5 is wanted
    assert fitting(task, [tried([2], [], np.zeros(0))], here, list) is None  # 2 where nothing is


def test_a_plain_hint_hears_what_is_wanted_here_and_in_other_cases():
    def sign(got, wanted, arguments):
        return "the sign is lost" if got == -wanted else None

    task = exercise(sign)
    following = [tried(4, -4, 4)]
    assert fitting(task, [], tried(3, -3, 3), lambda: following) == "the sign is lost"
    assert fitting(task, [], tried(3, -3, 3), lambda: [tried(4, 5, 4)]) is None


def test_a_plain_hint_that_raises_in_another_case_does_not_fit_it():
    def first_row(got, wanted, arguments):
        return "the first is missing" if got[0] == 9 else None

    here = tried(3, [9])
    assert fitting(exercise(first_row), [], here, lambda: [tried(4, [])]) is None
    assert fitting(exercise(first_row), [], here, lambda: [tried(4, [9])]) is not None


def test_a_broken_hint_is_reported_where_it_was_asked_for():
    def broken(got, wanted, arguments):
        raise IndexError("no such place")

    with pytest.warns(BrokenHint, match="IndexError") as caught:
        assert fitting(exercise(broken), [], tried(3, 9), list) is None
    assert caught[0].filename == __file__
