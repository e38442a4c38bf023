"""Every exercise, given the same mistakes and the same other ways to be right.

An exercise that is added is walked, too.
"""

import copy
import dataclasses
import re
import signal
from fractions import Fraction

import numpy as np
import pytest
import torch

from course_utils.exercises import cnn, cnn_evolution, computer_vision, image_data
from course_utils.exercises.cases import SEE
from course_utils.exercises.engine import NotRightYet, check_answer

pytestmark = pytest.mark.filterwarnings("error::course_utils.exercises.engine.BrokenHint")


def drawn_once(draw):
    """An exercise's function of cases that draws once from each state of a Generator; copies."""
    kept = {}

    def cases(rng):
        state = repr(rng.bit_generator.state)
        if state not in kept:
            kept[state] = draw(rng)
        return copy.deepcopy(kept[state])

    return cases


EXERCISES = {  # without their pictures, which test_exercises.py has drawn
    name: dataclasses.replace(exercise, look=None, cases=drawn_once(exercise.cases))
    for checks in (image_data, cnn, cnn_evolution, computer_vision)
    for name, exercise in checks.EXERCISES.items()
}
TESTS = {name: exercise for name, exercise in EXERCISES.items() if name.startswith("test_")}
EXERCISES = {name: exercise for name, exercise in EXERCISES.items() if not exercise.wrap}
SEEDS = (0, 1, 2)  # students get seed 0; the others show that it is no luck
every_exercise = pytest.mark.parametrize("name", EXERCISES)


def right(exercise):
    """An answer that is right: the reference, in the dtype that is asked for."""

    def answer(*arguments):
        result = np.asarray(exercise.reference(*arguments))
        return np.round(result).astype(exercise.dtype) if exercise.dtype else result

    return answer


def after(change):
    """A mutant: `change` is done to a right result."""
    return lambda answer: lambda *arguments: change(answer(*arguments))


def before(change):
    """A mutant: `change` is done to each array that comes in."""

    def mutant(answer):
        return lambda *arguments: answer(
            *(change(value) if isinstance(value, np.ndarray) else value for value in arguments)
        )

    return mutant


def single(array):
    return array.astype(np.float32) if array.dtype == np.float64 else array


def frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def in_single_precision(answer):
    """All numbers in float32, on the way in and on the way out, as PyTorch has them."""
    return after(single)(before(single)(answer))


RIGHT = {
    "itself": after(np.asarray),
    "column by column": after(lambda r: np.array(r, order="F")),
    "backwards in memory": after(lambda r: np.flip(np.flip(r).copy())),
    "other byte order": after(lambda r: r.astype(r.dtype.newbyteorder(">"))),
    "read only": after(frozen),
    "tensor": after(lambda r: torch.tensor(r.copy())),
    "tensor with a gradient": after(
        lambda r: torch.tensor(r.copy(), requires_grad=r.dtype.kind == "f")
    ),
    "arrays that come in are read only": before(frozen),
    "tensors come in": before(lambda a: np.asarray(torch.tensor(a))),
}
RIGHT_FLOAT = {
    "float32": after(single),
    "float32 all the way": in_single_precision,
    "lists": after(np.ndarray.tolist),
    "tuple or number": after(lambda r: tuple(r) if r.ndim else r.item()),
    "float32 tensor": after(lambda r: torch.tensor(r.copy()).float()),
    "fractions": after(lambda r: np.array([*map(Fraction, r.flat)], object).reshape(r.shape)),
}
RIGHT_WHOLE = {
    "Python numbers": after(np.ndarray.tolist),
    "list of numbers": after(lambda r: list(r) if r.ndim else int(r)),
    "int32": after(lambda r: r.astype(np.int32)),
    "long tensor": after(lambda r: torch.tensor(r.copy()).long()),
    "objects": after(lambda r: r.astype(object)),
}


def with_one(value, place):
    """A mutant: one number of the result, at `place` in its order, becomes `value(it)`."""

    def change(result):
        result = np.array(result, float if value(0) != value(0) else None)
        if result.size:
            result.flat[place] = value(result.flat[place])
        return result

    return after(change)


def moved(result, axis):
    return np.roll(result, 1, axis) if result.ndim else result + 1


def always_the_first(answer):
    """Right in the first case, which it repeats in all others."""
    kept = []

    def repeats(*arguments):
        kept.append(answer(*arguments))
        return kept[0]

    return repeats


def scaled(factor):
    return after(lambda r: r * factor)


WRONG = {
    "negative": after(lambda r: -r.astype(float)),
    "doubled": scaled(2.0),
    "nothing": after(np.zeros_like),
    "reversed": after(lambda r: r.ravel()[::-1].reshape(r.shape) if r.size > 1 else r + 1),
    "one further along the first axis": after(lambda r: moved(r, 0)),
    "one further along the last axis": after(lambda r: moved(r, -1)),
    "an axis more": after(lambda r: r[None]),
    "an axis more at the end": after(lambda r: r[..., None]),
    "a bool": after(lambda r: r.astype(bool)),
    "the mean": after(lambda r: r.mean() if r.ndim else -r),
    "the first number alone": after(lambda r: r.ravel()[:1] if r.size else r[None]),
    "text": after(str),
    "complex": after(lambda r: r + 0j),
    "one is not a number": with_one(lambda v: np.nan, -1),
    "the first is off": with_one(lambda v: v + 1, 0),
    "the last is off": with_one(lambda v: v + 1, -1),
    "None": after(lambda r: None),
    "a part is None": after(lambda r: [*np.atleast_1d(r).tolist(), None]),
    "what came in": lambda answer: lambda first, *more: first,
    "the first result for ever": always_the_first,
}
WRONG_INPUT = {  # changes to arrays of floats that come in
    "cut to whole numbers": np.trunc,
    "rounded to whole numbers": np.round,
    "nothing below 0": lambda a: np.maximum(a, 0),
    "no sign": np.abs,
}
WRONG_FLOAT = {
    "cut to whole numbers": after(lambda r: np.trunc(r)),
    "rounded to two digits": after(lambda r: np.round(r, 2)),
    "off by a thousandth": scaled(1.001),
    "infinite": with_one(lambda v: np.inf, 0),
}
WRONG_WHOLE = {
    "float64": after(lambda r: r.astype(float)),
    "float32 tensor": after(lambda r: torch.tensor(r.copy()).float()),
    "list of floats": after(lambda r: r.astype(float).tolist()),
    "uint8": after(lambda r: r.astype(np.uint8)),
    "int8": after(lambda r: r.astype(np.int8)),
    "off by a hundredth": after(lambda r: r + 0.01),
}


def fitting(exercise, common, floats, wholes):
    """The mutants that an exercise is to be given: by its result, which may be a picture."""
    result = np.asarray(exercise.reference(*copy.deepcopy(cases(exercise)[0])))
    if exercise.dtype or result.dtype == np.uint8:
        return common
    return common | (floats if result.dtype.kind == "f" else wholes)


def cases(exercise, seed=0):
    return exercise.cases(np.random.default_rng(seed))


def passes(name, answer, seed):
    try:
        check_answer(name, EXERCISES[name], answer, seed)
    except NotRightYet as said:
        return str(said)
    return True


@every_exercise
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_other_ways_to_be_right_pass(name, capsys):
    exercise = EXERCISES[name]
    for ways, mutant in fitting(exercise, RIGHT, RIGHT_FLOAT, RIGHT_WHOLE).items():
        for seed in SEEDS:
            assert passes(name, mutant(right(exercise)), seed) is True, ways


@every_exercise
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_same_mistakes_fail_everywhere(name, capsys):
    exercise, left = EXERCISES[name], []
    for mistake, mutant in fitting(exercise, WRONG, WRONG_FLOAT, WRONG_WHOLE).items():
        for seed in SEEDS:
            said = passes(name, mutant(right(exercise)), seed)
            if said is True:
                left.append((mistake, seed))
            else:
                assert "case " in said and len(said.splitlines()) == 1
    assert not left


@every_exercise
@pytest.mark.parametrize("change", WRONG_INPUT)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_comes_in_may_not_be_made_simpler(name, change, capsys):
    exercise, simpler = EXERCISES[name], WRONG_INPUT[change]

    def simple(value):
        is_float = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        return simpler(value) if is_float else value

    def without(places):
        return lambda *arguments: right(exercise)(
            *(simple(value) if i in places else value for i, value in enumerate(arguments))
        )

    for place in range(len(cases(exercise)[0])):
        if any(np.any(simple(case[place]) != case[place]) for case in cases(exercise)):
            assert passes(name, without({place}), 0) is not True, place


def altered(value):
    """Alter an argument in place; whether that could be done."""
    if isinstance(value, np.ndarray) and value.size:
        value.flat[0] = 0 if value.flat[0] else 1
    elif isinstance(value, list):
        value.append(value[0] if value else 1)
    return isinstance(value, list) or (isinstance(value, np.ndarray) and value.size > 0)


@every_exercise
def test_an_answer_that_alters_its_input_fails(name):
    exercise = EXERCISES[name]
    for place, value in enumerate(cases(exercise)[0]):
        if not isinstance(value, list | np.ndarray):
            continue

        def careless(*arguments, place=place):
            result = right(exercise)(*copy.deepcopy(arguments))
            altered(arguments[place])
            return result

        with pytest.raises(NotRightYet, match="it changes its input"):
            check_answer(name, exercise, careless)


@every_exercise
def test_an_answer_that_is_interrupted_is_told_with_its_line(name):
    exercise, seen = EXERCISES[name], []
    interrupt = np.frompyfunc(signal.default_int_handler, 2, 1)

    def endless(*arguments):
        seen.append(arguments)
        while len(seen) == 3:
            try:
                interrupt([2], [0])  # inside NumPy
            except Exception:
                continue
        return right(exercise)(*arguments)

    line = endless.__code__.co_firstlineno + 4
    wanted = (
        r"case 3: .*\): it did not end: a loop that never stops\? "
        rf"\(line {line} of the cell\)(; {re.escape(SEE)})?$"
    )
    with pytest.raises(NotRightYet, match=wanted) as caught:
        check_answer(name, exercise, endless)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


SQUARE = {"mean_iou_of_counts", "boxes_of_cells", "detections"}  # a confusion matrix, a grid


@every_exercise
def test_no_axis_has_always_the_length_of_its_neighbour(name):
    """An answer that takes the height for the width must not pass: neither is always larger."""
    if name in SQUARE:
        return
    drawn = [case for seed in SEEDS for case in cases(EXERCISES[name], seed)]
    for values in zip(*drawn, strict=True):
        shapes = [value.shape for value in values if isinstance(value, np.ndarray)]
        for axes in range(max(map(len, shapes), default=0) - 1):
            pairs = {shape[axes : axes + 2] for shape in shapes if len(shape) > axes + 1}
            given = [len({pair[side] for pair in pairs}) == 1 for side in (0, 1)]  # RGB, a box
            assert any(a != b for a, b in pairs)
            if not any(given):
                assert any(a < b for a, b in pairs) and any(a > b for a, b in pairs), (axes, pairs)


# exercises whose answer is a test


def tries_nothing(program):
    str(program)


def asserts_nothing(program):
    try:
        program()
    except Exception:
        return


def always_fails(program):
    assert str(program) == "", "never"


def tells_by_its_result(program):
    return program.__name__ if False else True


def is_broken(program):
    return 1 // 0


WRONG_TESTS = {
    tries_nothing: "your test never calls the program that it is given",
    asserts_nothing: "your test stops no program, since it reaches no `assert`",
    always_fails: r"your test stops a program that is right: never \(line \d+ of the cell\)",
    tells_by_its_result: "your test returns True; a test returns nothing, it asserts",
    is_broken: r"it raises ZeroDivisionError: .*\(line \d+ of the cell\)",
}


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("test", WRONG_TESTS, ids=lambda test: test.__name__)
def test_the_same_careless_tests_fail_everywhere(name, test):
    with pytest.raises(NotRightYet, match=WRONG_TESTS[test]) as caught:
        check_answer(name, TESTS[name], test)
    assert "case " in str(caught.value) and len(str(caught.value).splitlines()) == 1
