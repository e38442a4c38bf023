"""The engine of every exercise and question: what a check does, whatever it checks."""

import copy
import io
import sys
import time
import warnings
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field

import numpy as np
from IPython.display import display

from course_utils.errors import CourseError, require_option
from course_utils.exercises.cases import SEE, copied, described
from course_utils.exercises.hints import (
    BrokenHint,
    Tried,
    close,
    fitting,
    mean,
    mistakes,
    not_a_number,
    one_for_each,
)
from course_utils.exercises.questions import asked
from course_utils.exercises.raised import explained, line_of_cell, written_in
from course_utils.exercises.results import as_numbers, differences
from course_utils.exercises.stubs import is_stub
from course_utils.language import say, translated

__all__ = [  # what the chapters' tables are made of, hints among it
    "COUNTS",
    "INDICES",
    "BrokenHint",
    "Exercise",
    "NotRightYet",
    "Unmeasurable",
    "check_answer",
    "close",
    "doors",
    "is_stub",
    "mean",
    "mistakes",
    "not_a_number",
    "one_for_each",
]

INDICES = "those are floats: they cannot be used as indices"
COUNTS = "a whole number is wanted, not a float: use `//`, or put `int(…)` around it"
ENDLESS = "it did not end"
MORE_CASES, MORE_SECONDS = 8, 1.0  # to find a second case that fails, for a hint


class Unmeasurable(Exception):
    """Raised by an exercise's `measure`: the sentence on an answer that cannot be measured."""


class NotRightYet(CourseError, AssertionError):
    """The answer is wrong in some case; the message names the first one, and a hint.

    arguments: tuple of what the answer got in that case. got: what came, None if it raised.
    wanted: array of what is right.
    """

    def __init__(self, message, arguments=None, got=None, wanted=None):
        super().__init__(message)
        self.arguments, self.got, self.wanted = arguments, got, wanted


@dataclass
class Exercise:
    """What a right answer does.

    reference: a function that is right. number: its place in the chapter, which `doors` sets.
    level: 1 (one step) to 3 (several ideas). minutes: what a student needs, by our estimate.
    cases: function of a NumPy Generator → list of argument tuples, several and random.
    verified: what the cases cover, for the line that a right answer prints.
    hints: functions (got, wanted, arguments) → a hint, or None if it does not fit; best made by
        `mistakes`. One is given if it fits the other cases, too (`hints.fitting`).
    dtype: the dtype that is asked for; None takes any that holds the right values.
    rounded: whole numbers are asked for, and the reference is exact: either rounding of a half is
        right.
    whole: what to say if the right numbers come as floats, INDICES or COUNTS; None takes floats.
    errors: dict of a part of Python's message → a hint, for an answer that raises it; where none
        fits, `raised` says what the message means.
    measure: where the answer returns no numbers, such as a layer: function (what it returns,
        arguments) → the numbers that are compared; it may raise Unmeasurable.
    wrap: function (the answer) → what is called in its place, as for a test that the student wrote.
    names: of a case's arguments, for a message, where `wrap` makes others of them; else empty.
    look: where the answer makes a picture, function (the answer) that shows what it makes.
    steps: two hints on request, from general to concrete; none says the answer.
    """

    reference: object
    cases: object
    verified: str
    hints: list = field(default_factory=list)
    dtype: object = None
    rounded: bool = False
    whole: str | None = None
    errors: dict = field(default_factory=dict)
    measure: object = None
    level: int = 1
    minutes: int = 5
    wrap: object = None
    names: tuple = ()
    look: object = None
    steps: tuple = ()
    number: int = 0


def check_answer(name, exercise, function, seed=0):
    """Try `function` on every case of `exercise`.

    Prints "not attempted yet" for an untouched stub; for a right answer what was verified, and
    then what `look` shows. Raises NotRightYet with the first failing case and a hint for a wrong
    one, also for one that does not end and is interrupted.
    """
    label = f"Exercise {exercise.number}, {name}"
    if is_stub(function):
        print(say(f"{label}: not attempted yet"))
        return
    cases = exercise.cases(np.random.default_rng(seed))
    attempt, floats = _Attempt(exercise, function), None
    for place, arguments in enumerate(cases):
        tried = attempt.tries(arguments)
        if not attempt.right:
            problem = attempt.told or attempt.hint(tried, cases[place + 1 :]) or attempt.wrong
            raise _failure(label, name, function, place, attempt, tried, problem)
        if exercise.whole and not floats and tried.got.dtype.kind == "f" and tried.got.size:
            floats = _failure(label, name, function, place, attempt, tried, exercise.whole)
    if floats:  # only now, since a wrong number in a later case tells more
        raise floats
    display(Solved(name, f"{label}: right in all {len(cases)} cases ({exercise.verified})"))
    if exercise.look:
        _look(label, exercise, function)


def _failure(label, name, function, place, attempt, tried, problem):
    """The error for a case; place: of the case, from 0. problem: what is said of it."""
    call, cut = described(tried.arguments, attempt.exercise.names)
    where = f"{label}, case {place + 1}: {_called(function, name)}({call})"
    return NotRightYet(
        f"{where}: {problem}{f'; {SEE}' if cut else ''}",
        copied(tuple(tried.arguments)),
        copied(attempt.came),
        tried.wanted,
    )


def _look(label, exercise, function):
    """Show what a right answer makes; what goes wrong there changes no verdict."""
    try:
        exercise.look(function)
    except (Exception, SystemExit, KeyboardInterrupt) as problem:
        print(say(f"{label}: right, but its picture could not be shown ({_named(problem)})"))


class _Attempt:
    """An answer that is tried on one case after another.

    Of the last one: came: what came, as it came. told: the sentence on an answer whose numbers
    cannot be compared, or None. wrong: that on wrong numbers, in general words, or None.
    """

    def __init__(self, exercise, function):
        self.exercise, self.function = exercise, function
        self.called = exercise.wrap(function) if exercise.wrap else function
        self.before, self.slowest = [], 0

    @property
    def right(self):
        return not self.told and not self.wrong

    def tries(self, arguments):
        """Try one case → Tried, whose `got` is None if no numbers came."""
        exercise = self.exercise
        wanted = np.asarray(exercise.reference(*copy.deepcopy(arguments)))
        began = time.monotonic()
        self.came, told = _answer(self.function, arguments, exercise.measure, self.called)
        self.slowest = max(self.slowest, time.monotonic() - began)
        if told:
            self.told, array = "; ".join([told, *explained(told, exercise.errors)]), None
        else:
            array, self.told = _read(exercise, self.came, wanted)
        nothing = array is not None and array.shape == (0,) and not wanted.size
        if self.told or (nothing and isinstance(self.came, list | tuple)):
            self.wrong = None  # an empty list tells no more of its shape
        else:
            self.wrong = differences(exercise, array, wanted)
        tried = Tried(arguments, array, wanted)
        if self.right:
            self.before.append(tried)
        return tried

    def hint(self, tried, rest):
        """The hint on wrong numbers that fits all cases, or None. rest: the cases not yet tried."""
        again = _Attempt(self.exercise, self.function)
        again.slowest = self.slowest
        found = []

        def following():
            if not found:
                found.append(again.wrong_ones(rest))
            return found[0]

        return fitting(self.exercise, self.before, tried, following)

    def wrong_ones(self, cases):
        """List of Tried with wrong numbers: only a few cases are tried, silently."""
        end, found = time.monotonic() + MORE_SECONDS, []
        for arguments in cases[:MORE_CASES]:
            if time.monotonic() + self.slowest > end:
                break
            with _silent(), _stopping(self.function, end):
                tried = self.tries(arguments)
            if self.wrong:
                found.append(tried)
            elif self.told and self.told.startswith(ENDLESS):
                break
        return found


@contextmanager
def _silent():
    """Nothing that runs in here prints or warns."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _stopping(function, end):
    """Code of the function's cell that still runs at `end` is interrupted as by its student.

    end: by time.monotonic.
    """
    before, file = sys.gettrace(), written_in(function)[0]

    def clock(frame, *_):
        if frame.f_code.co_filename != file:
            return None
        if time.monotonic() > end:
            raise KeyboardInterrupt
        return clock

    if before is None:  # else a debugger looks on
        sys.settrace(clock)
    try:
        yield
    finally:
        sys.settrace(before)


class Solved:
    """The line of a right answer; its output's metadata tells `course progress` the same."""

    def __init__(self, name, text):
        self.name, self.text = name, say(text)

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, **_):
        return {"text/plain": self.text}, {"exercise": self.name, "state": "solved"}


def _called(function, name):
    """The function's own name, if it has one."""
    own = getattr(function, "__name__", name)
    return own if own.isidentifier() else name


def _answer(function, arguments, measure=None, called=None):
    """What an answer returns in one case, and one sentence on what went wrong, or None.

    called: what is called in the answer's place, where an exercise wraps it.
    """
    given, came = [copy.deepcopy(value) for value in arguments], None
    try:
        got = came = (called or function)(*given)
        if measure:
            got = measure(got, given)
    except Unmeasurable as problem:
        return came, str(problem)
    except KeyboardInterrupt as stop:  # the student's, who waited long enough
        return None, f"{ENDLESS}: a loop that never stops?{line_of_cell(stop, function)}"
    except RecursionError as problem:
        where = line_of_cell(problem, function)
        return None, f"it calls itself without end (RecursionError){where}"
    except (Exception, SystemExit) as problem:
        if isinstance(problem, NotImplementedError) and not str(problem):  # torch says what is not
            return None, "not finished: it raises NotImplementedError"
        notes = getattr(problem, "__notes__", ())
        said = f"it raises {_named(problem)}{line_of_cell(problem, function)}"
        return None, "; ".join([said, *notes])
    if got is None or got is Ellipsis:
        return None, "it returns nothing; is a `return` missing?"
    if not all(map(_same, given, arguments)):
        return got, "it changes its input; work on a copy"
    return got, None


def _read(exercise, got, wanted):
    """What came as an array, and None; or one sentence on why its numbers are not compared."""
    array, problem = as_numbers(got)
    if problem:
        return None, problem
    if isinstance(got, list | tuple) and array.shape == (0,) and not wanted.size:
        return array, None
    if exercise.dtype and array.shape == wanted.shape and array.dtype != exercise.dtype:
        asked = np.dtype(exercise.dtype)
        if not hasattr(got, "dtype"):
            return None, f"it returns a {type(got).__name__}; an array of {asked} is asked for"
        return None, f"the result's dtype is {array.dtype}; {asked} is asked for"
    return array, None


def _named(problem):
    """An exception's name and the first line of its message."""
    public = [kind.__name__ for kind in type(problem).__mro__ if kind.__name__[0] != "_"]
    said = first_line(problem)
    return f"{public[0]}: {said}" if said else public[0]


def first_line(problem):
    """The first line of an exception's message that says something; "" if none does."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[0] if lines else ""


def _same(now, then):
    """Whether an argument is still what it was."""
    if isinstance(then, np.ndarray):
        return np.array_equal(now, then)
    if hasattr(then, "detach"):
        return bool((now == then).all())
    return now == then


def doors(exercises, questions):
    """`check`, `ask`, `hint` and `last_case` of a chapter.

    exercises, questions: its tables, dict of name → Exercise, of name → Question.
    """
    for number, exercise in enumerate(exercises.values(), 1):
        exercise.number = number
    failed, shown = [], dict.fromkeys(exercises, 0)

    def check(name, function):
        """Check your answer to the exercise called `name`."""
        require_option("exercise", name, list(exercises))
        try:
            check_answer(name, exercises[name], function)
        except NotRightYet as problem:
            failed[:] = [(problem.arguments, problem.got)]
            raise

    def ask(name):
        """Show the question called `name`."""
        require_option("question", name, list(questions))
        return asked(translated(questions[name]))

    def hint(name):
        """Print a hint on the exercise called `name`: the first one, when called again the next."""
        require_option("exercise", name, list(exercises))
        exercise, place = exercises[name], shown[name]
        label = f"Exercise {exercise.number}, {name}"
        if place < len(exercise.steps):
            shown[name] += 1
            told = f"{label}, hint {place + 1} of {len(exercise.steps)}"
            print(say(f"{told}: {exercise.steps[place]}"))
        else:
            print(
                say(f"{label}: there is no further hint; the solution is folded below the exercise")
            )

    def last_case():
        """The case that failed last → its arguments, a tuple, and what your function returned."""
        if not failed:
            raise CourseError("no check has failed yet: a case is kept when `check` finds one")
        return copied(failed[0])

    return check, ask, hint, last_case
