"""What counts as right: the limits of the tolerance, shapes, and what is said of a fault."""

from types import SimpleNamespace

import numpy as np
import pytest

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


def test_shapes_are_told_before_values_and_the_first_fault_by_its_place():
    assert differences(EXACT, np.ones(2), np.array(1.0)).endswith("(2,); one number is wanted")
    assert "(2,); work out on paper" in differences(EXACT, np.ones(2), np.ones((2, 1)))
    got = np.array([[1.0, 2.0], [9.0, 8.0]])
    assert differences(EXACT, got, np.ones((2, 2))) == "2.0 at (0, 1) is wrong"
    assert differences(EXACT, np.zeros((0, 2)), np.zeros((0, 2))) is None


def test_large_unsigned_numbers_are_compared_as_they_are():
    assert differences(EXACT, np.array([255], np.uint8), np.array([-1])) == "255 at (0,) is wrong"
    assert differences(EXACT, np.array([2**60 + 1]), np.array([2**60])) is not None


def test_numbers_come_in_many_kinds():
    assert as_numbers([1, 2])[0].dtype.kind == "i" and as_numbers([2**62])[0].dtype == np.int64
    assert as_numbers([10**30])[0].dtype == float and as_numbers(True)[0].dtype == bool
    assert as_numbers("1") == (None, "it returns a str, not a number or an array")
