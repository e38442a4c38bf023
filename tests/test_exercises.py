"""Every exercise: its solution passes, its stub waits, and wrong answers get their hint."""

import ast
import dataclasses
import functools
import itertools
import re
import sys
from decimal import Decimal
from fractions import Fraction

import answers_cnn
import answers_cnn_clinic
import answers_cnn_evolution
import answers_cnn_evolution_clinic
import answers_cnn_evolution_more
import answers_cnn_evolution_project
import answers_cnn_project
import answers_computer_vision
import answers_computer_vision_generation
import answers_computer_vision_masks
import answers_detection
import answers_detection_clinic
import answers_generation_clinic
import answers_image_data
import answers_image_data_clinic
import answers_image_data_project
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from course_utils.errors import ArgumentError
from course_utils.exercises import cnn, cnn_evolution, computer_vision, engine, image_data
from course_utils.exercises.cases import described
from course_utils.exercises.clinic import Program
from course_utils.exercises.engine import NotRightYet, is_stub
from course_utils.exercises.results import as_numbers
from notebooks_as_files import CHAPTERS, ROOT, exercises

pytestmark = pytest.mark.filterwarnings("error::course_utils.exercises.engine.BrokenHint")
CHAPTER_CHECKS = {"01": image_data, "02": cnn, "03": cnn_evolution, "04": computer_vision}
ANSWERS = {  # chapter → its files of answers
    "01": [answers_image_data, answers_image_data_clinic, answers_image_data_project],
    "02": [answers_cnn, answers_cnn_clinic, answers_cnn_project],
    "03": [
        answers_cnn_evolution,
        answers_cnn_evolution_more,
        answers_cnn_evolution_clinic,
        answers_cnn_evolution_project,
    ],
    "04": [
        answers_computer_vision,
        answers_computer_vision_generation,
        answers_computer_vision_masks,
        answers_detection,
        answers_detection_clinic,
        answers_generation_clinic,
    ],
}
EXERCISES = [(checks, name) for checks in CHAPTER_CHECKS.values() for name in checks.EXERCISES]
FOUND = [(path, *exercise) for path in CHAPTERS for exercise in exercises(path)]


def run(source):
    names = {"np": np}
    exec(source, names)
    return names


@pytest.mark.parametrize(("path", "stub", "solution"), FOUND)
def test_the_stub_waits_and_the_folded_solution_passes(path, stub, solution, capsys):
    checks = CHAPTER_CHECKS[path.stem[:2]]
    names = {"np": np, "torch": torch, "nn": nn, "functional": functional, "check": checks.check}
    for earlier, solved in exercises(path):  # a project calls what was written before
        if earlier == stub:
            break
        exec(solved, names)
    exec(stub, names)
    assert capsys.readouterr().out.strip().endswith("not attempted yet")
    call = stub.strip().splitlines()[-1]
    exec(solution + "\n" + call, names)
    said = capsys.readouterr().out
    assert ": right in all " in said and "picture could not be shown" not in said


@pytest.mark.parametrize("path", CHAPTERS)
def test_each_exercise_of_the_package_is_in_the_notebook(path):
    checks = CHAPTER_CHECKS[path.stem[:2]]
    stubs = "".join(stub for stub, _ in exercises(path))
    assert len(checks.EXERCISES) == len(exercises(path)) >= 5
    assert sorted(e.number for e in checks.EXERCISES.values()) == list(
        range(1, len(checks.EXERCISES) + 1)
    )
    for name in checks.EXERCISES:
        assert f'check("{name}", ' in stubs


@pytest.mark.parametrize(
    ("chapter", "answers", "name", "source", "hint"),
    [
        (chapter, answers, name, *answer)
        for chapter, files in ANSWERS.items()
        for answers in files
        for name in answers.WRONG
        for answer in answers.WRONG[name]
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong answers may overflow
def test_a_wrong_answer_gets_its_hint(chapter, answers, name, source, hint):
    with pytest.raises(NotRightYet, match=hint) as caught:
        CHAPTER_CHECKS[chapter].check(name, eval(source, vars(answers)))
    assert "case " in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("chapter", CHAPTER_CHECKS)
def test_every_exercise_has_three_wrong_answers(chapter):
    wrong = {name: said for answers in ANSWERS[chapter] for name, said in answers.WRONG.items()}
    right = {name: said for answers in ANSWERS[chapter] for name, said in answers.RIGHT.items()}
    for name in CHAPTER_CHECKS[chapter].EXERCISES:
        assert len(wrong[name]) >= 3 and len(right[name]) >= 2, name


def same(arguments, others):
    """Whether two tuples of arguments are equal; lists count as such, arrays by their values."""
    return all(
        a == b if isinstance(a, list) else np.array_equal(a, b)
        for a, b in zip(arguments, others, strict=True)
    )


@pytest.mark.parametrize(("checks", "name"), EXERCISES)
def test_cases_are_several_random_and_repeatable(checks, name):
    exercise = checks.EXERCISES[name]
    first, again, other = (exercise.cases(np.random.default_rng(seed)) for seed in (0, 0, 1))
    if isinstance(first[0][0], Program):  # of a test: the same programs for everybody
        assert first == again == other and len(first) >= 2
        return
    assert len(first) >= 8
    assert all(map(same, first, again)) and not all(map(same, first, other))

    def right(*arguments):
        result = exercise.reference(*arguments)
        return np.round(result).astype(exercise.dtype) if exercise.dtype else result

    quiet = dataclasses.replace(exercise, look=None, wrap=None)
    for seed in range(10):  # a right answer is right for any seed
        engine.check_answer(name, quiet, right, seed)


def forgets_return(image):
    image.astype(int)


def divides_by_zero(image):
    return image / sum([]) if False else 1 // 0


def not_finished(image):
    raise NotImplementedError


def paints_its_input(image):
    image[:] = 0
    return image[..., 0]


def contains_itself(image):
    rows = []
    rows.append(rows)
    return rows


def calls_itself(image):
    return calls_itself(image)


def out_of_memory(image):
    raise MemoryError


def in_two_lines(image):
    raise ValueError("\none\n  two")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (forgets_return, "is a `return` missing"),
        (divides_by_zero, "raises ZeroDivisionError: .* \\(line \\d+ of the cell\\)"),
        (not_finished, "not finished"),
        (paints_its_input, "changes its input"),
        (lambda image: "gray", "returns a str, not a number or an array"),
        (lambda image: [[1], [2, 3]], "returns a list whose rows differ in length"),
        (lambda image: (1, None), "returns a tuple with a None in it"),
        (lambda image: [[1, 2], [3, ...]], "returns a list with a `...` in it"),
        (lambda image: [[1], [2, None]], "with a None in it"),
        (lambda image: np.array([1, None]), "returns an array with a None in it"),
        (lambda image: image[..., 0] + 0j, "complex numbers; take their real part, `.real`"),
        (lambda image: torch.zeros(2, dtype=torch.complex64), "complex numbers"),
        (lambda image: [1j, 2], "complex numbers"),
        (lambda image: np.array([len, print]), "returns an array of objects, not of numbers"),
        (lambda image: [{}, {}], "returns a list of objects, not of numbers"),
        (lambda image: {}, "returns a dict, not a number or an array"),
        (lambda image: iter(image), "returns an iterator, not a number or an array"),
        (lambda image: torch.zeros(2, device="meta"), "returns a Tensor, not a number or an array"),
        (contains_itself, "returns a list"),
        (lambda image: image[..., 0].tolist(), "returns a list; an array of uint8 is asked for"),
        (lambda image: [Fraction(1), Decimal(2)], "the result's shape is \\(2,\\)"),
        (calls_itself, "calls itself without end .*\\(line \\d+ of the cell\\)"),
        (lambda image: np.zeros(10**14), "raises MemoryError: Unable to allocate .*\\(line"),
        (out_of_memory, "raises MemoryError \\(line"),
        (in_two_lines, "raises ValueError: one \\(line"),
        (lambda image: sys.exit(), "raises SystemExit \\(line"),
        (lambda image: [1, 2], "the result's shape is"),
        (lambda image: np.full(image.shape[:2], np.nan), "dtype is float64"),
        (lambda image: image[..., 0].astype(np.int16), "dtype is int16"),
    ],
)
def test_what_can_go_wrong_anywhere(answer, hint):
    with pytest.raises(NotRightYet, match=hint) as caught:
        image_data.check("luma", answer)
    assert len(str(caught.value).splitlines()) == 1


def test_a_broken_hint_is_seen_and_the_answer_still_gets_its_sentence():
    def broken(got, wanted, arguments):
        raise IndexError("no such place")

    exercise = dataclasses.replace(image_data.EXERCISES["raw_bytes"], hints=[broken])
    with pytest.warns(engine.BrokenHint, match="IndexError"), pytest.raises(NotRightYet) as caught:
        engine.check_answer("raw_bytes", exercise, lambda *_: 0)
    assert str(caught.value).endswith(": 0 is wrong")


SOLUTIONS = {path.stem[:2]: " ".join(code for _, code in exercises(path)) for path in CHAPTERS}


@pytest.mark.parametrize(("checks", "name"), EXERCISES)
def test_every_exercise_has_two_hints_on_request_that_say_no_answer(checks, name):
    (chapter,) = [key for key, value in CHAPTER_CHECKS.items() if value is checks]
    steps = checks.EXERCISES[name].steps
    assert len(steps) == 2 and steps[0] != steps[1]
    lines = {line.strip().removeprefix("return ") for line in SOLUTIONS[chapter].splitlines()}
    for step in steps:
        assert len(step) > 20 and len(step.splitlines()) == 1
        said = "".join(step.split()).replace("`", "")
        for line in lines:
            assert len(line) < 12 or "".join(line.split()) not in said, line


@pytest.mark.parametrize(("checks", "name"), EXERCISES)
def test_an_exercise_says_how_hard_it_is(checks, name):
    exercise = checks.EXERCISES[name]
    assert exercise.level in (1, 2, 3) and 1 <= exercise.minutes <= 60


@pytest.mark.parametrize(("checks", "name"), EXERCISES)
def test_the_first_case_is_shown_whole(checks, name):
    exercise = checks.EXERCISES[name]
    text, cut = described(exercise.cases(np.random.default_rng(0))[0])
    assert not cut, text


@pytest.mark.parametrize(
    ("chapter", "name", "answer"),
    [
        (chapter, name, answer)
        for chapter, files in ANSWERS.items()
        for answers in files
        for name in answers.RIGHT
        for answer in answers.RIGHT[name]
    ],
)
def test_other_right_answers_are_right(chapter, name, answer, capsys):
    """Without the picture that follows: the folded solutions draw it."""
    exercise = CHAPTER_CHECKS[chapter].EXERCISES[name]
    quiet = dataclasses.replace(exercise, look=None)
    engine.check_answer(name, quiet, answer)
    assert "right in all" in capsys.readouterr().out
    if exercise.wrap or exercise.measure or exercise.dtype:
        return
    for kind in (np.float32, torch.float32, torch.float64):  # NumPy's float64 is what came above
        engine.check_answer(name, quiet, in_kind(answer, kind))
        assert "right in all" in capsys.readouterr().out, kind


def in_kind(answer, kind):
    """An answer whose floats come in a dtype of NumPy's, or of torch's as a tensor."""

    def converted(*arguments):
        result = answer(*arguments)
        array, problem = as_numbers(result)
        if problem or array.dtype.kind != "f":
            return result
        if isinstance(kind, torch.dtype):
            return torch.tensor(array.astype(float), dtype=kind)
        return array.astype(kind)

    return converted


NOTHING = ("...", "pass", "return", "return None", "return ...", "pass\n    ...", "...\n    return")
HEADS = ("def answer(x, *more, k=3, **rest):", "def answer(x: int) -> float:", "def answer():")
WORDS = ("", '"""Words."""', '"""Words (𝑁, 한글).\n\n        Deeper.\n    """')


def functions(heads, docstrings, bodies):
    for head, words, body in itertools.product(heads, docstrings, bodies):
        yield run("\n    ".join([head, *filter(None, [words]), body, ""]))["answer"]


def wrapped(function):
    @functools.wraps(function)
    def timed(*arguments):
        return function(*arguments)

    return timed


def test_every_way_to_do_nothing_is_a_stub():
    empty = [*functions(HEADS, WORDS, NOTHING), lambda x: ..., lambda: None]
    assert len(empty) == 65 and all(map(is_stub, empty)) and all(is_stub(wrapped(f)) for f in empty)
    assert all(is_stub(functools.cache(f)) for f in empty)
    assert is_stub(...) and is_stub(None) and is_stub(run('def answer(x):\n    "a"')["answer"])


def test_a_class_without_a_method_is_a_stub():
    class Empty(nn.Module):
        """Words."""

        ...

    class Begun(nn.Module):
        def forward(self, x): ...

    assert is_stub(Empty) and not is_stub(Begun) and not is_stub(nn.Linear)


def test_whatever_does_something_is_no_stub():
    bodies = ("return 4", "return 0", "return False", "return ''", "return x", "return (None,)",
              "x", "x = None", "print()", "yield", "raise NotImplementedError", "return [...]",
              "import math", "del x", "return x if x else None", "return lambda: None",
              "def inner(): ...", "'Words'\n    return 'Words'", "global y; y = 1")  # fmt: skip
    busy = [*functions(["def answer(x):"], WORDS, bodies), lambda x: x, lambda: 0, len, np.sum]
    assert not any(map(is_stub, busy)) and not any(is_stub(wrapped(f)) for f in busy)
    assert not is_stub(functools.partial(run("def answer(x): ...")["answer"], 1))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name.name for name in node.names)


def test_no_conclusion_depends_on_the_instructions_of_one_python():
    for folder in ("course_utils", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            if not re.search(r"\b(dis|opcode)\b", path.read_text(encoding="utf-8")):
                continue  # to parse it would take as long as all else here
            assert not {"dis", "opcode"} & set(imported(path)), path


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(ArgumentError, match="exercise must be one of .*did you mean 'luma'"):
        image_data.check("lumma", len)
