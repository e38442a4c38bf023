"""Hints on wrong answers: which mistake explains an answer, in this case and in the others."""

import re
import warnings
from dataclasses import dataclass

import numpy as np

from course_utils.exercises.results import as_numbers, differences

FEW = 4  # so many numbers may be explained by chance
VALUES = re.compile(r"\([\d, ]*\)|-?\d+(\.\d+)?")  # what may differ in one hint on two cases


class BrokenHint(UserWarning):
    """A hint raised in place of giving its sentence; the answer gets another one."""


@dataclass
class Tried:
    """One case that an answer was tried on: what went in, came out (an array), and was wanted."""

    arguments: tuple
    got: object
    wanted: object


class Mistakes:
    """A hint that knows wrong functions, so that each of them can be tried on every case."""

    def __init__(self, known):
        self.known = known

    def __call__(self, got, wanted, arguments):
        return next(self.explaining(Tried(arguments, got, wanted)), (None, None))[1]

    def explaining(self, case):
        """The pairs (wrong function, sentence) that explain what came in one case."""
        for mistake, said in self.known:
            with np.errstate(all="ignore"):  # a mistake may divide by 0
                if close(case.got, mistake(*case.arguments)):
                    yield mistake, said


def mistakes(*known):
    """A hint from pairs: a function that makes a typical mistake, and what to say about it."""
    return Mistakes(known)


def close(got, wanted):
    """Whether two results have one shape and, to rounding, the same values: for hints.

    Sums of float32 differ by their rounding also where they are about 0.
    """
    return _alike(got, np.asarray(wanted))


def _alike(got, wanted, equal_nan=False):
    if got.shape != wanted.shape:
        return False
    single = got.dtype.kind == "f" and got.dtype.itemsize <= 4 and got.size
    with np.errstate(invalid="ignore"):
        far = 1e-6 * max(1, np.max(np.abs(got), where=np.isfinite(got), initial=0)) if single else 0
    return np.allclose(got, wanted, atol=max(far, 1e-8), equal_nan=equal_nan)


def mean(values):
    """The mean; NaN for nothing, where np.mean warns: for mistakes."""
    return np.divide(np.sum(values), len(values))


def one_for_each(got, wanted, arguments):
    """A hint for every exercise whose result has a number for each number of its input x."""
    if got.shape != wanted.shape:
        return (
            f"the result's shape is {got.shape}; each number of x becomes one number, so "
            f"{wanted.shape} is wanted"
        )


def not_a_number(got, wanted, arguments):
    """A hint for every exercise that divides."""
    if np.isnan(got).any():
        return "not a number: it divides 0 by 0 (or takes the mean of nothing)"


def fitting(exercise, before, here, following):
    """The first of the exercise's hints that explains `here` and fits the other cases, or None.

    before: list of Tried, the cases that the answer got right. here: the first that it got wrong.
    following: function → list of Tried, more that it gets wrong; called only if a hint explains
    `here`, and empty if none is known.

    A wrong function of `mistakes` fits if it is right, to the check's tolerance, in all cases
    before, and if its result is the answer's in those that follow. A plain function cannot be tried
    before (it may hold its tongue where its mistake does no harm); it fits if it says the same, up
    to numbers, of those that follow, or if NaN or infinity came, which no chance makes.

    "Those that follow" are the next one; or a quarter of them, since an answer may be wrong in two
    ways, or treat an edge on its own; or any, where more than FEW numbers are explained, which is
    no chance. Of several wrong functions the one that explains most is named. A hint that raises
    is reported by BrokenHint.
    """
    for hint in exercise.hints:
        try:
            found = []
            for said, fits in _candidates(exercise, hint, before, here):
                fitted = [fits(case) for case in following()]
                enough = 1 if here.got.size > FEW else len(fitted) / 4
                if not fitted or fitted[0] or sum(fitted) >= enough:
                    found.append((sum(fitted), said))
            if found:  # the first of those that explain most
                return max(found, key=lambda one: one[0])[1]
        except Exception as problem:  # our mistake, not the student's
            warnings.warn(f"a hint is broken: {problem!r}", BrokenHint, stacklevel=2)
    return None


def _candidates(exercise, hint, before, here):
    """What a hint says of a case: (sentence, function Tried → whether it fits that one, too)."""
    if not isinstance(hint, Mistakes):
        if said := hint(here.got, here.wanted, here.arguments):
            certain = not np.isfinite(here.got).all()
            yield said, lambda case: certain or _same(said, hint, case)
        return
    for mistake, said in hint.explaining(here):
        if all(_right(exercise, mistake, case) for case in before):
            yield said, lambda case, mistake=mistake: _explains(mistake, case)


def _result(mistake, case):
    """What a mistake returns in a case as an array; None if it cannot be tried there."""
    try:
        with np.errstate(all="ignore"):
            return as_numbers(mistake(*case.arguments))[0]
    except Exception:  # it was written for other cases
        return None


def _right(exercise, mistake, case):
    """Whether a mistake does no harm in a case; a single NaN says that it cannot be made there."""
    result = _result(mistake, case)
    if result is None:
        return False
    if not result.ndim and np.isnan(result):
        return True
    nothing = not result.size and not case.wanted.size
    return nothing or differences(exercise, result, case.wanted) is None


def _explains(mistake, case):
    result = _result(mistake, case)
    return result is not None and _alike(case.got, result, equal_nan=True)


def _same(said, hint, case):
    """Whether a plain function says the same of another case, but for numbers and shapes."""
    try:
        other = hint(case.got, case.wanted, case.arguments)
    except Exception:  # it was written for other cases
        return False
    return bool(other) and VALUES.sub("#", said) == VALUES.sub("#", other)
