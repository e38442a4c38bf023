"""Exercises whose answer is a test: a good one passes, and each weak one is told what it misses."""

import linecache
import random
import sys

import numpy as np
import pytest
import torch

from course_utils.exercises import clinic
from course_utils.exercises.engine import NotRightYet, check_answer, doors

SHARED = np.arange(6.0)
ROWS = [1, 2]
TENSOR = torch.ones(3)
TABLE = {"a": 1}
ARRAYS = [np.ones(2), np.ones(3)]
HOLES = np.array([1, np.nan])


def double(x):
    return x + x


def triple(x):
    return 3 * x


def crash(x):
    raise IndexError("out of range")


def in_place(x):
    x *= 2
    return x


TASK = clinic.test_exercise(
    [double, lambda x: 2 * x],
    {"multiplies by 3": triple, "raises an error": crash, "changes what it is given": in_place},
    "two right programs, three wrong ones",
    steps=("What has to come out for 1?", "Look at what went in, after the call."),
)


def careful(program):
    x = np.arange(4.0)
    assert np.array_equal(program(x), [0, 2, 4, 6]), "not doubled"
    assert np.array_equal(x, [0, 1, 2, 3]), "the input changed"


def said(test, task=TASK):
    with pytest.raises(NotRightYet) as caught:
        check_answer("name", task, test)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_careful_test_passes(capsys):
    check_answer("name", TASK, careful)
    line = capsys.readouterr().out
    assert line == "Exercise 0, name: right in all 5 cases (two right programs, three wrong ones)\n"


def test_an_untouched_test_waits(capsys):
    def stub(program): ...

    check_answer("name", TASK, stub)
    assert capsys.readouterr().out.endswith("not attempted yet\n")


def test_what_the_exercise_says_of_itself():
    assert TASK.level == 2 and TASK.minutes == 10 and len(TASK.steps) == 2
    hard = clinic.test_exercise([double], {"x": triple}, "", level=3, minutes=20)
    assert (hard.level, hard.minutes, hard.steps) == (3, 20, ())
    assert [TASK.reference(*case) for case in TASK.cases(None)] == [True] * 2 + [False] * 3
    for right, wrong in (([], {"x": triple}), ([double], {})):
        with pytest.raises(ValueError, match="right programs and wrong ones"):
            clinic.test_exercise(right, wrong, "")


def test_a_test_that_lets_one_pass_is_told_which():
    def only_numbers(program):
        assert program(2) == 4

    assert said(only_numbers).endswith(
        "case 5: only_numbers(program): your test lets a program pass that changes what it is given"
    )


def test_a_test_without_assert_is_told_so():
    def looks_only(program):
        program(2)

    names, cell = {"__name__": __name__}, "def idle(p):\n for x in []:\n  assert p(x) == x\n p(1)"
    linecache.cache["a cell"] = len(cell), None, cell.splitlines(keepends=True), "a cell"
    exec(compile(cell, "a cell", "exec"), names)  # as IPython does it
    for test in (looks_only, names["idle"]):
        assert "case 3: " in said(test) and "it reaches no `assert`" in said(test)
        assert "lets a program pass" not in said(test)


def test_a_test_that_is_too_weak_is_told_what_it_lets_pass():
    def is_a_number(program):
        assert isinstance(program(2), int)

    def by_numpy(program):
        np.testing.assert_equal(np.shape(program(2)), ())

    def by_another_function(program):
        is_a_number(program)

    task = clinic.test_exercise(
        [double], {"multiplies by 3": triple, "adds 1": lambda x: x + 1}, ""
    )
    for test in (is_a_number, by_numpy, by_another_function):
        assert "lets a program pass that multiplies by 3; so far it stops none" in said(test, task)
        assert "`assert`" not in said(test, task)


def test_a_test_that_stops_a_right_program_is_told_with_its_sentence_and_line():
    def too_strict(program):
        assert program(2) == 5, f"{program(2)} is no 5"

    def silent(program):
        assert program(2) == 5

    def numpy_says(program):
        np.testing.assert_allclose(program(2.0), 5)

    line = too_strict.__code__.co_firstlineno + 1
    assert said(too_strict).endswith(
        f"case 1: too_strict(program): your test stops a program that is right: 4 is no 5 "
        f"(line {line} of the cell)"
    )
    assert f"(line {line + 3} of the cell)" in said(silent)  # pytest adds what it compared
    assert "is right: Not equal to tolerance" in said(numpy_says)


def test_right_programs_of_all_kinds_are_tried():
    def one_kind(program):
        assert program(2) == 4 and program.function is double

    assert "case 2: one_kind(program): your test stops a program that is right" in said(one_kind)


def test_a_program_that_crashes_is_caught_but_a_test_that_crashes_is_told():
    def crashes_for_wrong_ones(program):
        assert len({4: "good"}[program(2)]) == 4

    message = said(crashes_for_wrong_ones)
    assert "case 3: " in message and "it raises KeyError: 6 (line" in message
    assert "this program is wrong: an `assert`" in message

    def crashes(program):
        program(2).shape  # noqa: B018

    assert "case 1: crashes(program): it raises AttributeError" in said(crashes)
    assert "this program is right" in said(crashes)

    def wrong_call(program):
        program()

    assert "case 1: wrong_call(program): it raises TypeError" in said(wrong_call)


def test_an_assertion_of_a_right_program_is_an_error_of_the_call():
    def picky(x):
        assert x > 0, "only numbers above 0"
        return x + x

    task = clinic.test_exercise([picky], {"multiplies by 3": triple}, "")
    message = said(lambda program: program(-1), task)
    assert "it raises AssertionError: only numbers above 0" in message


def test_a_test_that_returns_its_verdict_is_told_to_assert():
    assert "your test returns True; a test returns nothing, it asserts" in said(
        lambda program: program(2) == 4
    )


def test_a_test_that_does_not_call_the_program_is_told():
    def idle(program):
        assert SHARED[1] == 1

    assert said(idle).endswith(
        "case 1: idle(program): your test never calls the program that it is given"
    )


@pytest.mark.parametrize("name", ["SHARED", "ROWS", "TENSOR", "TABLE"])
def test_a_test_that_changes_what_runs_share_is_told(name):
    def array(program):
        SHARED[0] += 1
        assert (program(SHARED) == 2 * SHARED).all()

    def rows(program):
        ROWS.append(3)
        assert program(1) == 2

    def tensor(program):
        TENSOR.add_(1)
        assert program(1) == 2

    def table(program):
        TABLE["b"] = 2
        assert program(1) == 2

    tests = {"SHARED": array, "ROWS": rows, "TENSOR": tensor, "TABLE": table}
    assert f"case 1: {tests[name].__name__}(program): your test changes `{name}`, which" in said(
        tests[name]
    )
    assert SHARED[0] == 0 and ROWS == [1, 2] and TENSOR.sum() == 3 and TABLE == {"a": 1}


def test_what_a_test_keeps_beside_itself_is_found_too():
    kept = np.zeros(2)

    def by_closure(program):
        kept[0] += 1
        assert program(1) == 2

    def by_default(program, seen=[]):  # noqa: B006
        seen.append(1)
        assert program(1) == 2

    def by_an_inner_function(program):
        def inner():
            SHARED[0] = 9

        inner()
        assert program(1) == 2

    assert "your test changes `kept`" in said(by_closure) and kept[0] == 0
    assert "your test changes `default 1`" in said(by_default)
    assert "your test changes `SHARED`" in said(by_an_inner_function) and SHARED[0] == 0


def test_a_wrong_program_that_changes_shared_inputs_spoils_no_other_run(capsys):
    def shares(program):
        before = SHARED.copy()
        assert np.array_equal(program(SHARED), 2 * before)
        assert np.array_equal(SHARED, before)

    check_answer("name", TASK, shares)
    assert "right in all" in capsys.readouterr().out and np.array_equal(SHARED, np.arange(6.0))


def test_random_tests_are_the_same_in_every_run_and_leave_the_generators_alone(capsys):
    drawn = []

    def with_chance(program):
        x = np.random.rand(3)  # noqa: NPY002
        drawn.append((tuple(x), torch.rand(1).item(), random.random()))
        before = x.copy()
        assert np.allclose(program(x), 2 * before) and np.allclose(x, before)

    states = [np.random.get_state()[1].copy(), torch.get_rng_state(), random.getstate()]  # noqa: NPY002
    check_answer("name", TASK, lambda program: with_chance(program))
    assert len(drawn) == 5 and len(set(drawn)) == 1
    assert np.array_equal(np.random.get_state()[1], states[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1]) and random.getstate() == states[2]
    with pytest.raises(NotRightYet):
        check_answer("name", TASK, lambda program: np.random.rand() / 0)  # noqa: NPY002
    assert np.array_equal(np.random.get_state()[1], states[0])  # noqa: NPY002


def test_the_program_that_was_let_pass_can_be_tried():
    check, _, _, last_case = doors({"name": TASK}, {})

    def only_numbers(program):
        assert program(2) == 4

    with pytest.raises(NotRightYet):
        check("name", only_numbers)
    (program,), got = last_case()
    assert repr(program) == "program" and program(4) == 8 and got is None
    x = np.ones(2)
    program(x)
    assert x[0] == 2  # the one that changes what it is given


def test_a_program_is_called_as_its_function_is():
    program = clinic.Program(lambda a, b=2, *c, **d: (a, b, c, d), "x")
    assert program(1, 3, 4, e=5) == (1, 3, (4,), {"e": 5}) and program(a=0) == (0, 2, (), {})
    assert program.calls == 2 and program.raised is None and not program.right
    with pytest.raises(TypeError) as caught:
        program()
    assert program.raised is caught.value and program.calls == 3
    assert program == clinic.Program(program.function) != clinic.Program(double)
    assert clinic.Program(double).right and program != 1


def test_functions_without_python_code_can_be_judged():
    assert "it raises" in said(len) or "returns" in said(len)


def test_an_exercise_that_is_made_here_tries_its_programs():
    task = clinic.test_exercise([double], {"multiplies by 3": triple}, "two programs", steps=("A",))
    assert (task.level, task.minutes, task.steps) == (2, 10, ("A",))
    assert [task.reference(*case) for case in task.cases(None)] == [True, False]
    check_answer("name", task, careful)
    assert "it reaches no `assert`" in said(lambda program: program(1) and None, task)
    weak = clinic.test_exercise([double], {"is 4 for 3": lambda x: 4, "triples": triple}, "")
    message = said(lambda program: exec("assert program(2) == 4"), weak)
    assert message.endswith("your test lets a program pass that is 4 for 3")


def test_programs_of_one_function_are_one_in_a_set():
    programs = {clinic.Program(double), clinic.Program(double, "x"), clinic.Program(triple)}
    assert len(programs) == 2
    assert hash(clinic.Program(double)) != hash(clinic.Program(triple))


def test_an_assertion_without_a_sentence_is_told_without_one():
    def silent(program):
        raise AssertionError

    assert "your test stops a program that is right (line" in said(silent)


def test_an_exercise_says_more_of_a_test_that_stops_a_right_program_and_of_its_errors():
    task = clinic.test_exercise(
        [double], {"triples": triple}, "", stopped="is it rounding?", errors={"KeyError": "no key"}
    )

    def too_strict(program):
        assert program(2) == 5, "no 5"

    assert said(too_strict, task).endswith("of the cell); is it rounding?")
    assert said(lambda program: {}[program(2)], task).endswith("; no key")


def test_of_what_a_test_returns_no_more_than_its_beginning_is_shown():
    assert f"your test returns {'a' * 40}; a test" in said(lambda program: "a" * 60)


def test_of_two_changes_the_first_is_told_and_both_are_undone():
    def both(program, seen=[]):  # noqa: B006
        seen.append(1)
        ROWS.append(3)
        assert program(1) == 2

    assert "your test changes `default 1`" in said(both)
    assert ROWS == [1, 2] and both.__defaults__ == ([],)


def test_a_change_beside_an_inner_function_is_found():
    def outer(program):
        SHARED[0] = 9
        twice = [(lambda x: x + x)(x) for x in (1, 2)]
        assert [program(x) for x in (1, 2)] == twice

    assert "your test changes `SHARED`" in said(outer) and SHARED[0] == 0


def test_what_a_test_only_reads_is_not_told_as_changed():
    def reads(program):
        careful(program)
        assert len(ROWS) == 2 and TABLE["a"] == 1 and TENSOR.sum() == 3 and len(ARRAYS) == 2
        assert np.isnan(HOLES[1]) and SHARED[1] == 1

    check_answer("name", TASK, reads)


def test_an_object_that_can_be_called_can_be_a_test():
    class Careful:
        def __call__(self, program):
            careful(program)

    check_answer("name", TASK, Careful())


def test_random_numbers_begin_at_one_seed_whatever_was_drawn_before():
    drawn = []

    def draws(program):
        drawn.append((np.random.rand(), torch.rand(1).item(), random.random()))  # noqa: NPY002
        careful(program)

    for _ in range(2):
        check_answer("name", TASK, lambda program: draws(program))
        np.random.rand(), torch.rand(1), random.random()  # noqa: NPY002
    assert len(drawn) == 10 and len(set(drawn)) == 1


def test_a_test_runs_where_torch_was_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    check_answer("name", TASK, careful)
