"""The engine of every exercise and question: what a check does, whatever it checks."""

import copy
import html
import inspect
import traceback
import warnings
from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
from IPython.display import display

from course_utils.errors import CourseError, require_option
from course_utils.exercises.results import as_numbers
from course_utils.exercises.stubs import is_stub
from course_utils.explorers.live_text import LiveText

INDICES = "those are floats: they cannot be used as indices"
COUNTS = "a whole number is wanted, not a float: use `//`, or put `int(…)` around it"
TOLERANCE = 1e-4  # largest difference from a wanted float, in parts of it; of 1 where it is smaller


class BrokenHint(UserWarning):
    """A hint raised in place of giving its sentence; the answer gets another one."""


class Unmeasurable(Exception):
    """Raised by an exercise's `measure`: the sentence on an answer that cannot be measured."""


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
    rounded: whole numbers are asked for, and the reference is exact: either rounding of a half is
        right.
    whole: what to say if the right numbers come as floats, INDICES or COUNTS; None takes floats.
    errors: dict of a part of Python's message → a hint, for an answer that raises it.
    measure: where the answer returns no numbers, such as a layer: function (what it returns,
        arguments) → the numbers that are compared; it may raise Unmeasurable.
    """

    number: int
    reference: object
    cases: object
    verified: str
    hints: list = field(default_factory=list)
    dtype: object = None
    rounded: bool = False
    whole: str | None = None
    errors: dict = field(default_factory=dict)
    measure: object = None


def check_answer(name, exercise, function, seed=0):
    """Try `function` on every case of `exercise`.

    Prints "not attempted yet" for an untouched stub, or what was verified for a right answer.
    Raises NotRightYet with the first failing case and a hint for a wrong one, also for one that
    does not end and is interrupted.
    """
    label = f"Exercise {exercise.number}, {name}"
    if is_stub(function):
        print(f"{label}: not attempted yet")
        return
    cases, floats = exercise.cases(np.random.default_rng(seed)), None
    for count, arguments in enumerate(cases, 1):
        wanted = exercise.reference(*copy.deepcopy(arguments))
        call = ", ".join(_describe(value) for value in arguments)
        where = f"{label}, case {count}: {_called(function, name)}({call})"
        got, problem = _answer(function, arguments, exercise.measure)
        hints = [hint for part, hint in exercise.errors.items() if problem and part in problem]
        problem = "; ".join([problem, *hints]) if problem else problem
        problem = problem or _first_problem(exercise, got, np.asarray(wanted), arguments)
        if problem:
            raise NotRightYet(f"{where}: {problem}")
        array, _ = as_numbers(got)
        if exercise.whole and not floats and array.dtype.kind == "f" and array.size:
            floats = f"{where}: {exercise.whole}"
    if floats:  # only now, since a wrong number in a later case tells more
        raise NotRightYet(floats)
    display(Solved(name, f"{label}: right in all {len(cases)} cases ({exercise.verified})"))


class Solved:
    """The line of a right answer; its output's metadata tells `course progress` the same."""

    def __init__(self, name, text):
        self.name, self.text = name, text

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, **_):
        return {"text/plain": self.text}, {"exercise": self.name, "state": "solved"}


def _called(function, name):
    """The function's own name, if it has one."""
    own = getattr(function, "__name__", name)
    return own if own.isidentifier() else name


def _answer(function, arguments, measure=None):
    """What an answer returns in one case, and one sentence on what went wrong, or None."""
    given = [copy.deepcopy(value) for value in arguments]
    try:
        got = function(*given)
        if measure:
            got = measure(got, given)
    except Unmeasurable as problem:
        return None, str(problem)
    except NotImplementedError:
        return None, "not finished: it raises NotImplementedError"
    except KeyboardInterrupt as stop:  # the student's, who waited long enough
        return None, f"it did not end: a loop that never stops?{_where(stop, function)}"
    except RecursionError as problem:
        return None, f"it calls itself without end (RecursionError){_where(problem, function)}"
    except (Exception, SystemExit) as problem:
        return None, f"it raises {_named(problem)}{_where(problem, function)}"
    if got is None or got is Ellipsis:
        return None, "it returns nothing; is a `return` missing?"
    if not all(map(_same, given, arguments)):
        return None, "it changes its input; work on a copy"
    return got, None


def _first_problem(exercise, got, wanted, arguments):
    """One sentence about what is wrong with the answer to one case, or None."""
    array, problem = as_numbers(got)
    if problem:
        return problem
    if isinstance(got, list | tuple) and array.shape == (0,) and not wanted.size:
        return None  # an empty list tells no more of its shape
    if exercise.dtype and array.shape == wanted.shape and array.dtype != exercise.dtype:
        asked = np.dtype(exercise.dtype)
        if not hasattr(got, "dtype"):
            return f"it returns a {type(got).__name__}; an array of {asked} is asked for"
        return f"the result's dtype is {array.dtype}; {asked} is asked for"
    wrong = _differences(exercise, array, wanted)
    if wrong is None:
        return None
    for hint in exercise.hints:
        try:
            if said := hint(array, wanted, arguments):
                return said
        except Exception as problem:  # our mistake, not the student's
            warnings.warn(f"a hint is broken: {problem!r}", BrokenHint, stacklevel=2)
    return wrong


def close(got, wanted):
    """Whether two results have one shape and, to rounding, the same values: for hints."""
    wanted = np.asarray(wanted)
    return got.shape == wanted.shape and np.allclose(got, wanted)


def mean(values):
    """The mean; NaN for nothing, where np.mean warns: for mistakes."""
    return np.divide(np.sum(values), len(values))


def not_a_number(got, wanted, arguments):
    """A hint for every exercise that divides."""
    if np.isnan(got).any():
        return "not a number: it divides 0 by 0 (or takes the mean of nothing)"


def mistakes(*known):
    """A hint from pairs: a function that makes a typical mistake, and what to say about it."""

    def hint(got, wanted, arguments):
        with np.errstate(all="ignore"):  # a mistake may divide by 0
            for mistake, said in known:
                if close(got, mistake(*arguments)):
                    return said

    return hint


def _differences(exercise, got, wanted):
    """What is wrong with the values, in general words; None if nothing is."""
    if got.shape != wanted.shape:
        advice = "work out on paper what it has to be" if wanted.shape else "one number is wanted"
        return f"the result's shape is {got.shape}; {advice}"
    whole = wanted.dtype.kind in "biu"
    if whole and got.dtype.kind in "biu":
        wrong = got != wanted
    else:  # written so that NaN counts as wrong
        wanted = wanted.astype(float)
        if exercise.rounded:
            limit = 0.5
        else:
            limit = 0 if whole else TOLERANCE * np.maximum(1, np.abs(wanted))
        wrong = ~(np.abs(got.astype(float) - wanted) <= limit + 1e-9)
    if not wrong.any():
        return None
    if not got.ndim:
        return f"{got} is wrong"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{got[first]} at {first} is wrong"


def _named(problem):
    """An exception's name and the first line of its message."""
    public = [kind.__name__ for kind in type(problem).__mro__ if kind.__name__[0] != "_"]
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return f"{public[0]}: {lines[0]}" if lines else public[0]


def _where(problem, function):
    """The line of the student's own code at which an exception left it."""
    if inspect.isclass(function):  # its methods are what ran
        function = next(filter(inspect.isfunction, vars(function).values()), function)
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [
        step.lineno for step in traceback.extract_tb(problem.__traceback__) if step.filename == file
    ]
    return f" (line {lines[-1]} of the cell)" if lines else ""


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
        self.remove_class("course-wrong" if right else "course-right")  # read by `course progress`
        self.add_class("course-right" if right else "course-wrong")
        self.reason.text = f"{mark} {reason}"

    def _repr_mimebundle_(self, **options):
        listed = "\n".join(f"  ○ {option[0]}" for option in self.question.options)
        text = f"{self.question.text}\n{listed}\n(run this cell to choose)"
        return super()._repr_mimebundle_(**options) | {"text/plain": text}


def doors(exercises, questions):
    """`check` and `ask` of a chapter, from its tables: dict of name → Exercise, → Question."""

    def check(name, function):
        """Check your answer to the exercise called `name`."""
        require_option("exercise", name, list(exercises))
        check_answer(name, exercises[name], function)

    def ask(name):
        """Show the question called `name`."""
        require_option("question", name, list(questions))
        return Ask(questions[name])

    return check, ask
