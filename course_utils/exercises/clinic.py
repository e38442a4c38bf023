"""Exercises in which the student writes a test: it tells right programs from wrong ones."""

import copy
import random
import sys
import types
from contextlib import contextmanager

import numpy as np

from course_utils.exercises.asserted import asserts
from course_utils.exercises.engine import Exercise, Unmeasurable, first_line
from course_utils.exercises.raised import line_of_cell

SEED = 0  # of NumPy, torch and random in every run of a student's test


class Program:
    """What a test is given: a function, called as it is, that knows how it was used.

    right: whether a good test lets it pass. fault: what it does wrong, as a sentence that follows
    "your test lets a program pass that". calls: how often it was called. raised: the exception
    that came out of it last.
    """

    def __init__(self, function, fault=None):
        self.function, self.fault, self.right = function, fault, fault is None
        self.calls, self.raised = 0, None

    def __call__(self, *arguments, **named):
        self.calls += 1
        try:
            return self.function(*arguments, **named)
        except Exception as problem:
            self.raised = problem
            raise

    def __eq__(self, other):
        return isinstance(other, Program) and self.function is other.function

    def __hash__(self):
        return hash(self.function)

    def __repr__(self):
        return "program"


def test_exercise(right, wrong, verified, level=2, minutes=10, steps=(), errors=None,
                  stopped=""):  # fmt: skip
    """An Exercise whose answer is a test: a function of a program, which asserts.

    right: list of functions that a good test lets pass. wrong: dict of what a program does wrong,
    as a sentence that follows "your test lets a program pass that", → the function that does so.
    verified, level, minutes, steps, errors: as in Exercise. stopped: what is added to the sentence
    on a test that stops a right program. Raises ValueError if a list is empty.

    A program is caught by an AssertionError of the test, or if it crashes by itself. NumPy's,
    torch's and Python's common random generators start each run from one seed, and afterwards go
    on as if nothing had run.
    """
    if not right or not wrong:
        raise ValueError("a test needs right programs and wrong ones")
    programs = [(function, None) for function in right]
    programs += [(function, fault) for fault, function in wrong.items()]
    return Exercise(
        reference=lambda program: program.right,
        cases=lambda rng: [(Program(*program),) for program in programs],
        verified=verified,
        level=level,
        minutes=minutes,
        steps=steps,
        errors={"broadcast": "a wrong program may return another shape: assert the shape first"}
        | (errors or {}),
        wrap=lambda test: _judge(test, [function for _, function in wrong.items()], stopped),
    )


test_exercise.__test__ = False  # it is no test of pytest's


def _judge(test, wrong, stopped):
    """The student's test → function (program) → whether it let the program pass, as it should.

    wrong: the functions that it must stop. stopped: as in `test_exercise`. Raises Unmeasurable with
    the sentence on a test that does not judge this program as a good one would, and whatever the
    test itself raises.
    """

    def judge(program):
        problem, changed = _run(test, program)
        if program.right:
            _stopped(problem, program, test, stopped)
            if changed:
                raise Unmeasurable(
                    f"your test changes `{changed}`, which the next run will use again; "
                    "make what it needs inside the test, or work on a copy"
                )
            return True
        if problem is None:
            lets = f"your test lets a program pass that {program.fault}"
            stops = [_run(test, Program(other))[0] for other in wrong]
            if any(isinstance(stop, AssertionError) for stop in stops):
                raise Unmeasurable(lets)
            with _seeded():
                reached = asserts(test, Program(program.function))
            if not reached:
                raise Unmeasurable(
                    "your test stops no program, since it reaches no `assert`; write `assert`, "
                    "and after it the condition that must be true"
                )
            raise Unmeasurable(f"{lets}; so far it stops none of the wrong programs")
        if not isinstance(problem, AssertionError) and problem is not program.raised:
            problem.add_note("this program is wrong: an `assert` of your test has to stop it")
            raise problem
        return False

    return judge


def _stopped(problem, program, test, more):
    """Tell a test that stops a right program, or that does not try it."""
    if isinstance(problem, AssertionError) and problem is not program.raised:
        said = first_line(problem)
        said = f": {said}" if said else ""
        said = f"your test stops a program that is right{said}{line_of_cell(problem, test)}"
        raise Unmeasurable(f"{said}; {more}" if more else said)
    if problem is not None:
        problem.add_note("this program is right: your test has to run to its end")
        raise problem
    if not program.calls:
        raise Unmeasurable("your test never calls the program that it is given")


def _run(test, program):
    """What a test raises for a program, or None; and the name of what it changed, or None."""
    shared = _shared(test)
    before = copy.deepcopy(shared)
    problem = None
    with _seeded():
        try:
            result = test(program)
        except Exception as raised:
            problem = raised
    changed = [name for name, value in shared.items() if not _equal(value, before[name])]
    for name in changed:
        _restore(shared[name], before[name])
    if problem is None and result is not None:
        raise Unmeasurable(
            f"your test returns {str(result)[:40]}; a test returns nothing, it asserts"
        )
    return problem, changed[0] if changed else None


def _shared(test):
    """Dict of name → array, tensor, list, dict or set that a test uses from outside itself."""
    code = getattr(test, "__code__", None)
    if code is None:
        return {}
    found = {}
    defaults = [*(test.__defaults__ or ()), *(test.__kwdefaults__ or {}).values()]
    for place, value in enumerate(defaults):
        found[f"default {place + 1}"] = value
    for name, cell in zip(code.co_freevars, test.__closure__ or (), strict=True):
        found[name] = cell.cell_contents
    for name in _names(code):
        if name in test.__globals__:
            found[name] = test.__globals__[name]
    return {name: value for name, value in found.items() if _can_change(value)}


def _can_change(value):
    """Whether a test could change something outside itself in this value."""
    return isinstance(value, np.ndarray | list | dict | set) or _is_tensor(value)


def _is_tensor(value):
    return hasattr(type(value), "detach")  # without torch, which chapter 1 does not need


def _names(code):
    """The global names that a function's code uses, those of its inner functions among them."""
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += _names(constant)
    return names


def _equal(now, then):
    try:
        if isinstance(now, np.ndarray):
            return np.array_equal(now, then, equal_nan=now.dtype.kind == "f")
        if _is_tensor(now):
            return bool((now == then).all())
        return bool(now == then)
    except Exception:  # a list of arrays, which does not say whether it is equal
        return True


def _restore(value, kept):
    """Put what was there back into an array, a tensor, a list, a dict or a set."""
    if isinstance(value, np.ndarray):
        value[...] = kept
    elif _is_tensor(value):
        value.detach().copy_(kept)
    else:
        value.clear()
        value.extend(kept) if isinstance(value, list) else value.update(kept)


@contextmanager
def _seeded():
    """One seed for the generators that everybody shares; afterwards their states as before."""
    torch = sys.modules.get("torch")  # chapter 1 does without it
    states = np.random.get_state(), torch and torch.get_rng_state(), random.getstate()  # noqa: NPY002
    np.random.seed(SEED)  # noqa: NPY002
    if torch:
        torch.manual_seed(SEED)
    random.seed(SEED)
    try:
        yield
    finally:
        np.random.set_state(states[0])  # noqa: NPY002
        if torch:
            torch.set_rng_state(states[1])
        random.setstate(states[2])
