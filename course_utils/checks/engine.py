"""The engine of every exercise and question: what a check does, whatever it checks."""

import copy
import dis
import html
import inspect
import traceback
from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np

from course_utils.arguments import as_array
from course_utils.errors import ArgumentError, CourseError, require_option
from course_utils.live_text import LiveText

SILENT = {"RESUME", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "NOP"}  # does nothing at all


class NotRightYet(CourseError, AssertionError):
    """The answer is wrong in some case; the message names the first one, and a hint."""


@dataclass
class Exercise:
    """What a right answer does.

    number: its place in the chapter. reference: a function that is right.
    cases: function of a NumPy Generator → list of argument tuples, several and random.
    verified: what the cases cover, for the line that a right answer prints.
    hints: functions (got, wanted, arguments) → a hint, or None if it does not fit.
    dtype: the dtype that is asked for; None takes any that holds the right values.
    tolerance: largest difference that counts as equal; 0.5 and an exact `reference` take either
        rounding of a half.
    """

    number: int
    reference: object
    cases: object
    verified: str
    hints: list = field(default_factory=list)
    dtype: object = None
    tolerance: float = 0


def check_answer(name, exercise, function, seed=0):
    """Try `function` on every case of `exercise`.

    Prints "not attempted yet" for an untouched stub, or what was verified for a right answer.
    Raises NotRightYet with the first failing case and a hint for a wrong one.
    """
    label = f"Exercise {exercise.number}, {name}"
    if is_stub(function):
        print(f"{label}: not attempted yet")
        return
    cases = exercise.cases(np.random.default_rng(seed))
    for count, arguments in enumerate(cases, 1):
        wanted = exercise.reference(*copy.deepcopy(arguments))
        problem = _first_problem(exercise, function, arguments, wanted)
        if problem:
            call = ", ".join(_describe(value) for value in arguments)
            raise NotRightYet(f"{label}, case {count}: {name}({call}): {problem}")
    print(f"{label}: right in all {len(cases)} cases ({exercise.verified})")


def is_stub(function):
    """Whether the body of a function is nothing but a docstring, `...`, or `pass`."""
    if not inspect.isfunction(function):
        return function is None or function is Ellipsis
    steps = list(dis.get_instructions(function))
    returned = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {step.opname for step in steps} <= SILENT and returned[-1] in (None, Ellipsis)


def _first_problem(exercise, function, arguments, wanted):
    """One sentence about what is wrong with the answer to one case, or None."""
    given = [copy.deepcopy(value) for value in arguments]
    try:
        got = function(*given)
    except NotImplementedError:
        return "not finished: it raises NotImplementedError"
    except Exception as problem:
        return f"it raises {type(problem).__name__}: {problem}{_where(problem, function)}"
    if got is None or got is Ellipsis:
        return "it returns nothing; is a `return` missing?"
    if not all(map(_same, given, arguments)):
        return "it changes its input; work on a copy"
    got_array, wanted = _as_array(got), np.asarray(wanted)
    if got_array is None:
        return f"it returns a {type(got).__name__}, not a number or an array"
    if got_array.shape == wanted.shape and exercise.dtype not in (None, got_array.dtype):
        return f"the result's dtype is {got_array.dtype}; {np.dtype(exercise.dtype)} is asked for"
    wrong = _differences(got_array, wanted, exercise.tolerance)
    if wrong is None:
        return None
    for hint in exercise.hints:
        try:
            if said := hint(got_array, wanted, arguments):
                return said
        except (TypeError, ValueError):  # a result of so odd a shape that the hint cannot read it
            continue
    return wrong


def close(got, wanted):
    """Whether two results have one shape and, to rounding, the same values: for hints."""
    wanted = np.asarray(wanted)
    return got.shape == wanted.shape and np.allclose(got, wanted)


def _differences(got, wanted, tolerance):
    """What is wrong with the values, in general words; None if nothing is."""
    if got.shape != wanted.shape:
        return f"the result's shape is {got.shape}; work out on paper what it has to be"
    if got.dtype.kind in "biu" and wanted.dtype.kind in "biu" and not tolerance:
        wrong = got != wanted
    else:  # written so that NaN counts as wrong
        wrong = ~(np.abs(got.astype(float) - wanted.astype(float)) <= tolerance + 1e-9)
    if not wrong.any():
        return None
    if not got.ndim:
        return f"{got} is wrong"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{got[first]} at {first} is wrong"


def _where(problem, function):
    """The line of the student's own code at which an exception left it."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [
        step.lineno for step in traceback.extract_tb(problem.__traceback__) if step.filename == file
    ]
    return f" (line {lines[-1]} of the cell)" if lines else ""


def _as_array(value):
    """The answer as an array of numbers, or None if it is none."""
    try:
        return as_array("answer", value)
    except (ArgumentError, TypeError):
        return None


def _same(now, then):
    """Whether an argument is still what it was."""
    if isinstance(then, np.ndarray):
        return np.array_equal(now, then)
    if hasattr(then, "detach"):
        return bool((now == then).all())
    return now == then


def _describe(value):
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array of shape {value.shape}"
    return repr(value)


@dataclass
class Question:
    """A multiple-choice question. options: list of (text, is it right, reason)."""

    text: str
    options: list


class Ask(widgets.VBox):
    """A question as radio buttons: choosing an option shows whether it is right, and why."""

    def __init__(self, question):
        self.question = question
        self.choice = widgets.RadioButtons(
            options=[option[0] for option in question.options],
            value=None,
            layout={"width": "auto"},
        )
        self.reason = LiveText()
        self.choice.observe(self._answer, names="index")
        text = widgets.HTML(f"<b>{html.escape(question.text)}</b>")
        super().__init__([text, self.choice, self.reason])
        self.add_class("course-question").add_class("course-widget")

    def _answer(self, change):
        if change["new"] is None:
            return
        _, right, reason = self.question.options[change["new"]]
        mark = "✓ Right." if right else "✗ Not this one."
        self.reason.text = f"{mark} {reason}"

    def _repr_mimebundle_(self, **options):
        listed = "\n".join(f"  ○ {option[0]}" for option in self.question.options)
        text = f"{self.question.text}\n{listed}\n(run this cell to choose)"
        return super()._repr_mimebundle_(**options) | {"text/plain": text}


def pick(kind, name, table):
    """The entry of `table` called `name`, or one sentence that lists what there is."""
    require_option(kind, name, list(table))
    return table[name]
