"""What counts as right: the limits of the tolerance, shapes, and what is said of a fault."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_utils.exercises.results import TOLERANCE, as_numbers, differences

EXACT, ROUNDED = SimpleNamespace(rounded=False), SimpleNamespace(rounded=True)


@pytest.mark.parametrize(
    ("wanted", "off", "right"),
    [
        (0.0, 0.99 * TOLERANCE, True),
        (0.0, 1.01 * TOLERANCE, False),
        (1.0, -0.99 * TOLERANCE, True),
        (0.5, -1.01 * TOLERANCE, False),
        (1000.0, 990 * TOLERANCE, True),
        (1000.0, 1010 * TOLERANCE, False),
        (-1000.0, 990 * TOLERANCE, True),
        (0.0, np.nan, False),
        (0.0, np.inf, False),
    ],
)
def test_floats_may_be_off_by_a_part_of_what_is_wanted(wanted, off, right):
    said = differences(EXACT, np.array(wanted + off), np.array(wanted))
    assert (said is None) == right and (right or said.endswith(" is wrong"))


@pytest.mark.parametrize(("got", "right"), [(3, True), (3.0, True), (3.001, False), (4, False)])
def test_whole_numbers_are_exact(got, right):
    assert (differences(EXACT, np.array(got), np.array(3)) is None) == right


@pytest.mark.parametrize(("got", "right"), [(2, True), (3, True), (1, False), (4, False)])
def test_a_half_may_be_rounded_either_way(got, right):
    assert (differences(ROUNDED, np.array(got), np.array(2.5)) is None) == right


@pytest.mark.parametrize(
    ("got", "right"),
    [(1.9, False), (2.0, True), (2.5, True), (3.0, True), (3.1, False), (np.nan, False)],
)
def test_what_is_rounded_may_also_come_unrounded(got, right):
    said = differences(ROUNDED, np.array([7.0, got]), np.array([7.0, 2.5]))
    assert said == (None if right else f"{np.float64(got)} at (1,) is wrong")


def test_whole_numbers_as_floats_may_differ_by_their_rounding_alone():
    assert differences(EXACT, np.array([3 + 1e-10]), np.array([3])) is None
    assert differences(EXACT, np.array([3 + 1e-8]), np.array([3])) is not None
    assert differences(EXACT, np.array([True, False]), np.array([1, 0])) is None
    assert differences(EXACT, np.array([1.0, 0]), np.array([True, False])) is None
    assert differences(EXACT, np.array([1, 1]), np.array([True, False])) == "1 at (1,) is wrong"
    assert differences(EXACT, np.array([7]), np.array([7.00001])) is None  # floats are wanted


def test_shapes_are_told_before_values_and_the_first_fault_by_its_place():
    assert differences(EXACT, np.ones(2), np.array(1.0)).endswith("(2,); one number is wanted")
    assert "(2,); work out on paper" in differences(EXACT, np.ones(2), np.ones((2, 1)))
    got = np.array([[1.0, 2.0], [9.0, 8.0]])
    assert differences(EXACT, got, np.ones((2, 2))) == "2.0 at (0, 1) is wrong"
    assert differences(EXACT, np.array(2.5), np.array(1.0)) == "2.5 is wrong"
    assert differences(EXACT, np.ones(()), np.ones(1)).startswith("the result's shape is ();")
    assert differences(EXACT, np.zeros((0, 2)), np.zeros((0, 2))) is None


def test_large_unsigned_numbers_are_compared_as_they_are():
    assert differences(EXACT, np.array([255], np.uint8), np.array([-1])) == "255 at (0,) is wrong"
    assert differences(EXACT, np.array([2**60 + 1]), np.array([2**60])) is not None


def test_numbers_come_in_many_kinds():
    assert as_numbers([1, 2])[0].dtype.kind == "i" and as_numbers([2**62])[0].dtype == np.int64
    assert as_numbers([10**30])[0].dtype == float and as_numbers(True)[0].dtype == bool
    assert as_numbers("1") == (None, "it returns a str, not a number or an array")


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ([2**63 - 1, 2**40], [2**63 - 1, 2**40]),
        (np.array([1, 2], object), [1, 2]),
        (np.array([300, True], object), [300, 1]),
        (np.array([2**62, 1 - 2**63], object), [2**62, 1 - 2**63]),
        (torch.tensor([1, 2]), [1, 2]),
    ],
)
def test_whole_numbers_stay_whole(value, numbers):
    array, problem = as_numbers(value)
    assert problem is None and array.dtype == np.int64 and array.tolist() == numbers


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ([Fraction(1, 2), 3], [0.5, 3]),
        ([Decimal("0.25")], [0.25]),
        (np.array([2**63, 1], object), [2.0**63, 1]),
        (np.array([1, 2.5], object), [1, 2.5]),
        ([-(10**30), 1], [-1e30, 1]),
    ],
)
def test_fractions_and_numbers_beyond_64_bits_become_floats(value, numbers):
    array, problem = as_numbers(value)
    assert problem is None and array.dtype == np.float64 and array.tolist() == numbers


class Item:
    """An object that is no number; its type begins with a vowel, in capitals."""


class Odd:
    """Another one, which NumPy cannot take."""

    def __array__(self, *_, **__):
        raise RuntimeError("no array")


MISSING = "in it; a number is missing there"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, f"it returns a NoneType with a None {MISSING}"),
        ((1, ...), f"it returns a tuple with a `...` {MISSING}"),
        ([[1, None], [2]], f"it returns a list with a None {MISSING}"),
        ([[], [[[None]]]], f"it returns a list with a None {MISSING}"),
        (np.array([[1, None]]), f"it returns an array with a None {MISSING}"),
    ],
)
def test_a_number_that_is_missing_is_told(value, said):
    assert as_numbers(value) == (None, said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1, 2}, "a set"),
        (Item(), "an Item"),
        (Odd(), "an Odd"),
        (["a", "b"], "a list"),
        (np.array(["a"]), "an array"),
    ],
)
def test_what_is_no_number_is_told_by_its_type(value, said):
    assert as_numbers(value) == (None, f"it returns {said}, not a number or an array")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([[1], [2, 3]], "a list whose rows differ in length; all need the same"),
        (([1], [2, 3]), "a tuple whose rows differ in length; all need the same"),
        ([1j], "complex numbers; take their real part, `.real`"),
        ([Item()], "a list of objects, not of numbers"),
        ((Item(), 1), "a tuple of objects, not of numbers"),
        (np.array([1, "a"], object), "an array of objects, not of numbers"),
    ],
)
def test_a_list_or_array_is_told_by_what_is_in_it(value, said):
    assert as_numbers(value) == (None, f"it returns {said}")
    assert as_numbers([])[1] is None


def test_in_korean_a_type_has_no_article(monkeypatch):
    monkeypatch.setenv("COURSE_LANGUAGE", "ko")
    assert as_numbers([1, None])[1].startswith("it returns list with None in it")
    assert as_numbers((1, ...))[1].startswith("it returns tuple with `...` in it")
    assert as_numbers("1")[1].startswith("it returns str,")
    assert as_numbers(np.array([len]))[1].startswith("it returns an array")


def test_a_list_that_holds_itself_is_told_too():
    rows = []
    rows.append(rows)
    assert as_numbers(rows)[1].startswith("it returns a list")
    deep = [None]
    for _ in range(8):
        deep = [deep]
    assert "with a None in it" in as_numbers(deep)[1]
