"""What a check runs, in which order, and each of its sentences: on exercises made for the test."""

import functools
import itertools
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_hints import SQUARE, TRIPLE, chapter, doubled, exercise, said

from course_utils.errors import ArgumentError
from course_utils.exercises import engine
from course_utils.exercises.engine import NotRightYet, Unmeasurable, check_answer, mistakes
from course_utils.exercises.questions import Question

SHOWN = "Exercise 0, name: right in all 5 cases (some numbers)\n"


def shows(capsys, task, answer):
    check_answer("name", task, answer)
    return capsys.readouterr().out


# the cases and the line of a right answer


def test_the_cases_are_drawn_with_the_seed_which_is_0_if_none_is_given(capsys):
    task = exercise()
    task.cases = lambda rng: [(int(rng.integers(10**9)),) for _ in range(2)]
    for seed, given in ((0, {}), (0, {"seed": 0}), (7, {"seed": 7})):
        seen = []
        check_answer("name", task, lambda x, seen=seen: seen.append(x) or 2 * x, **given)
        assert [(x,) for x in seen] == task.cases(np.random.default_rng(seed))


def test_a_right_answer_prints_one_line_and_its_output_names_the_exercise(capsys, monkeypatch):
    assert shows(capsys, exercise(), doubled) == SHOWN
    outputs = []
    monkeypatch.setattr(engine, "display", outputs.append)
    check_answer("name", exercise(), doubled)
    (solved,) = outputs
    text, told = solved._repr_mimebundle_(include=None, exclude=None)
    assert text == {"text/plain": SHOWN.strip()}
    assert told == {"exercise": "name", "state": "solved"}


def test_floats_are_told_only_if_nothing_else_is_wrong(capsys):
    task = exercise(whole="no floats")
    assert said(task, lambda x: 2.0 * x) == "Exercise 0, name, case 1: name(0): no floats"
    assert said(task, lambda x: 2 * x / 2.0 * 2 if x == 2 else 2 * x).endswith(
        "case 3: name(2): no floats"
    )
    assert said(task, float).endswith("case 2: float(1): 1.0 is wrong")
    zero = exercise(whole="no floats", cases=(0,))
    assert said(zero, float).endswith("case 1: float(0): no floats")
    assert "8.5 is wrong" in said(task, lambda x: 2.0 * x + 0.5 * (x == 4))
    assert shows(capsys, task, doubled) == SHOWN
    empty = exercise(whole="no floats", cases=([], [1]), reference=lambda x: np.array(x, int))
    assert "right in all 2" in shows(capsys, empty, lambda x: np.array(x, int if x else float))


# where the answer is called, and how it is named


def test_an_answer_is_named_as_its_function_or_as_its_exercise():
    def triple(x):
        return 3 * x

    assert said(exercise(), triple) == "Exercise 0, name, case 2: triple(1): 3 is wrong"
    assert "case 2: name(1): 3 is wrong" in said(exercise(), lambda x: 3 * x)
    assert "case 2: name(1): 3 is wrong" in said(exercise(), functools.partial(triple))


def test_what_raises_is_told_by_its_public_name_its_first_line_and_the_line_of_the_cell():
    class _Hidden(KeyError):
        def __str__(self):
            return "\n  no such key \n more"

    def hidden(x):
        raise _Hidden

    def inner(x):
        return textwrap.dedent(x)  # the last line of the cell is this one, not a library's

    def silent(x):
        raise ValueError

    line = hidden.__code__.co_firstlineno + 1
    assert said(exercise(), hidden).endswith(
        f": it raises KeyError: no such key (line {line} of the cell)"
    )
    assert f"(line {line + 3} of the cell)" in said(exercise(), inner)
    assert f": it raises ValueError (line {line + 6} of the cell)" in said(exercise(), silent)
    assert said(exercise(), len).endswith("it raises TypeError: object of type 'int' has no len()")


def test_the_line_is_the_one_at_which_the_answer_was_left():
    def below(x):
        raise IndexError("no")

    def answer(x):
        return below(x)

    line = below.__code__.co_firstlineno + 1
    assert f"(line {line} of the cell)" in said(exercise(), answer)

    class Layer:
        size = 3

        def __init__(self, x):
            raise IndexError("no")

    line = Layer.__init__.__code__.co_firstlineno + 1
    assert f"it raises IndexError: no (line {line} of the cell)" in said(exercise(), Layer)


def test_a_function_of_another_cell_is_named_if_it_raised():
    sources = (
        "\ndef unpacks(x):\n    a, b = x, x, x",
        "def answer(x):\n    return unpacks(x)",
        "def own(x):\n    a, b = x, x, x",
    )
    names = {}
    for cell, source in enumerate(sources):
        exec(compile(source, f"cell {cell}", "exec"), names)
    assert (
        " (line 3 of the cell of `unpacks`, which line 2 of the cell calls); the line unpacks"
    ) in said(exercise(), names["answer"])
    assert " (line 2 of the cell); the line unpacks" in said(exercise(), names["own"])


def test_the_arguments_of_a_wrapped_answer_have_names():
    named = exercise(names=("start",), wrap=lambda answer: lambda x: answer([x]))
    assert "case 1: name(start=0): 1 is wrong" in said(named, lambda x: x[0] + 1)


def test_a_part_of_pythons_message_has_its_own_hint():
    task = exercise(errors={"division": "is x 0?", "key": "no dict here"})
    message = said(task, lambda x: 1 // x)
    assert message.split("; ")[1:] == ["is x 0?"] and "it raises ZeroDivisionError: " in message


def test_what_is_not_finished_or_missing_or_stopped_has_its_sentence():
    def stopped(x):
        raise KeyboardInterrupt

    def unfinished(x):
        raise NotImplementedError

    def endless(x):
        return endless(x)

    line = stopped.__code__.co_firstlineno + 1
    assert said(exercise(), stopped).endswith(
        f"it did not end: a loop that never stops? (line {line} of the cell)"
    )
    line = endless.__code__.co_firstlineno + 1
    assert said(exercise(), endless).endswith(
        f"it calls itself without end (RecursionError) (line {line} of the cell)"
    )
    assert said(exercise(), unfinished).endswith("not finished: it raises NotImplementedError")
    assert "it returns nothing" in said(exercise(), lambda x: x and None)
    assert "it returns nothing" in said(exercise(), lambda x: x and ... or ...)


def test_a_change_of_what_came_in_is_told_for_arrays_tensors_and_lists(capsys):
    def grow(x):
        x += x
        return x

    def twice(x):
        return np.array([2 * float(value) for value in x])

    for value in (np.ones(2), torch.ones(2), [1, 2]):
        task = exercise(cases=(value,), reference=twice)
        with pytest.raises(NotRightYet, match="it changes its input; work on a copy") as caught:
            check_answer("name", task, grow)
        (kept,) = caught.value.arguments
        assert list(kept) == list(value) and len(kept) == 2
        assert "right in all 1 " in shows(capsys, task, twice)


def test_rows_of_different_length_may_come_in_and_no_word_may_come_out(capsys):
    task = exercise(cases=([[1], [2, 3]],), reference=len)
    assert "right in all 1 cases" in shows(capsys, task, len)
    assert said(task, lambda x: "two").endswith("it returns a str, not a number or an array")


# what is compared


def test_a_measure_reads_what_the_answer_returns_and_what_went_in(capsys):
    def measure(got, arguments):
        if got == "lost":
            raise Unmeasurable("there is no layer to measure")
        return len(got) + arguments[0]

    task = exercise(measure=measure)
    assert shows(capsys, task, lambda x: "a" * x) == SHOWN
    assert said(task, lambda x: "b").endswith("case 1: name(0): 1 is wrong")
    assert said(task, lambda x: "lost").endswith("name(0): there is no layer to measure")


def test_a_wrapped_answer_is_called_in_its_place(capsys):
    assert shows(capsys, exercise(wrap=lambda answer: lambda x: answer() * x), lambda: 2) == SHOWN


def test_the_dtype_is_asked_for_where_the_shape_is_right(capsys):
    def pair(x):
        return np.array([x, x])

    task = exercise(reference=pair, dtype=np.uint8)
    quiet = lambda x: pair(x).astype(np.uint8)  # noqa: E731
    assert shows(capsys, task, quiet) == SHOWN
    assert said(task, pair).endswith("the result's dtype is int64; uint8 is asked for")
    assert said(task, lambda x: [x, x]).endswith("returns a list; an array of uint8 is asked for")
    assert "the result's shape is (1,)" in said(task, lambda x: [x])


def test_an_empty_list_is_as_good_as_nothing_of_any_shape(capsys):
    def rows(x):
        return np.zeros((x, 2), np.float32)

    for dtype, empty in itertools.product((None, np.float32), ([], ())):
        for right in (rows, lambda x: np.zeros(x, np.float32)):
            task = exercise(reference=right, cases=(0, 1), dtype=dtype)
            answer = lambda x, right=right, empty=empty: right(x) if x else empty  # noqa: E731
            assert "right in all 2 cases" in shows(capsys, task, answer)
    task = exercise(reference=rows, cases=(0, 1))
    assert "case 1: name(0): the result's shape is (0,)" in said(task, lambda x: np.zeros(0))
    assert "case 2: name(1): the result's shape is (0,)" in said(task, lambda x: [])
    assert "case 1: name(0): the result's shape is (1,)" in said(task, lambda x: [5])
    assert said(exercise(), lambda x: [2 * x]).endswith("(1,); one number is wanted")


# what is tried for a hint


class Clock:
    """In place of `time`: stands still unless it is told to go on."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def monotonic(self):
        return self.now

    def answer(self, x, seconds):
        self.calls.append(x)
        self.now += seconds
        return 3 * x


def test_for_a_hint_no_case_is_begun_that_would_end_after_a_second(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=clock.monotonic))
    task = exercise(mistakes(TRIPLE), cases=range(1, 9))
    for seconds, wanted in ((0.5, [1, 2, 3]), (0.4, [1, 2, 3]), (2, [1])):
        clock.calls.clear()
        assert "three times" in said(task, lambda x, s=seconds: clock.answer(x, s))
        assert clock.calls == wanted


def test_the_cases_that_follow_are_tried_once_for_all_hints():
    calls = []
    task = exercise(mistakes(TRIPLE, (TRIPLE[0], "again")), mistakes(TRIPLE), cases=(1, 2, 3))
    assert "three times" in said(task, lambda x: calls.append(x) or 3 * x)
    assert calls == [1, 2, 3]


def test_right_cases_between_are_passed_over_when_a_hint_is_tried():
    def wrong_but_at_4(x):
        return 8 if x == 4 else 3 * x

    assert said(exercise(mistakes(SQUARE), cases=(3, 4, 5)), wrong_but_at_4).endswith("9 is wrong")


def test_an_answer_that_is_stopped_is_not_tried_again():
    calls = []

    def stopped(x):
        calls.append(x)
        if x == 2:
            raise KeyboardInterrupt
        return 3 * x

    assert "three times" in said(exercise(mistakes(TRIPLE), cases=(1, 2, 3)), stopped)
    assert calls == [1, 2]


def test_an_answer_may_write_to_stdout_while_a_hint_is_tried(capsys):
    def writes(x):
        sys.stdout.write("here\n")
        return 3 * x

    assert said(exercise(mistakes(SQUARE), cases=(3, 4)), writes).endswith("9 is wrong")
    assert capsys.readouterr().out == "here\n"


def test_only_code_of_the_answers_own_file_is_stopped_by_the_clock():
    before = sys.gettrace()
    with engine._stopping(doubled, 0):
        assert textwrap.dedent(" a") == "a"
        with pytest.raises(KeyboardInterrupt):
            doubled(1)
    assert sys.gettrace() is before and doubled(1) == 2


def test_a_debugger_that_looks_on_stays_and_no_clock_is_set():
    def debugger(*_):
        return None

    before, seen = sys.gettrace(), []
    sys.settrace(debugger)
    try:
        with engine._stopping(doubled, 0):
            seen += [sys.gettrace(), doubled(1)]
        seen.append(sys.gettrace())
    finally:
        sys.settrace(before)
    assert seen == [debugger, 2, debugger]


# the doors of a chapter


def test_the_doors_know_their_exercises_by_number_and_by_name(capsys, monkeypatch):
    one, two = exercise(steps=("A.",)), exercise()
    question = Question("Which?", [("this", True, "so"), ("that", False, "no")])
    check, ask, hint, _ = engine.doors({"one": one, "two": two}, {"asked": question})
    check("one", doubled), check("two", doubled)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Exercise 1, one: right") and second.startswith("Exercise 2, two: ri")
    monkeypatch.setattr(engine, "asked", lambda given: given)
    assert ask("asked") == question
    hint("two")
    assert capsys.readouterr().out.startswith("Exercise 2, two: there is no further hint")
    for door in (lambda: check("onee", doubled), lambda: hint("onee")):
        with pytest.raises(ArgumentError, match="^exercise must .*did you mean 'one'"):
            door()
    with pytest.raises(ArgumentError, match="^question must .*did you mean 'asked'"):
        ask("aske")


def test_a_failure_that_was_kept_is_replaced_by_the_next_one():
    check, _, _, last_case = chapter(name=exercise())
    for wrong, kept in ((lambda x: x, ((1,), 1)), (lambda x: x - 1, ((0,), -1))):
        with pytest.raises(NotRightYet):
            check("name", wrong)
        assert last_case() == kept
