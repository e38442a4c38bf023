"""Every exercise: its solution passes, its stub waits, and wrong answers get their hint."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from course_utils.checks import engine, image_data
from course_utils.checks.engine import Ask, NotRightYet, is_stub
from course_utils.errors import ArgumentError
from notebooks_as_files import CHAPTERS, exercises

CHAPTER_CHECKS = {"01": image_data}
FOUND = [(path, *exercise) for path in CHAPTERS for exercise in exercises(path)]


def run(source):
    names = {"np": np}
    exec(source, names)
    return names


@pytest.mark.parametrize(("path", "stub", "solution"), FOUND)
def test_the_stub_waits_and_the_folded_solution_passes(path, stub, solution, capsys):
    checks = CHAPTER_CHECKS[path.stem[:2]]
    names = {"np": np, "check": checks.check}
    exec(stub, names)
    assert capsys.readouterr().out.strip().endswith("not attempted yet")
    call = stub.strip().splitlines()[-1]
    exec(solution + "\n" + call, names)
    assert ": right in all " in capsys.readouterr().out


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


WRONG = {
    "raw_bytes": [
        ("lambda h, w, c, b: h * w * c * b", "those are bits"),
        ("lambda h, w, c, b: h * w * b // 8", "one channel only"),
        ("lambda h, w, c, b: h * w * c * b / 8", "whole"),
        ("lambda h, w, c, b: h * w * c * b // 8", "upwards"),
        ("lambda h, w, c, b: 3 * h * w", "wrong|one channel only|byte for every bit"),
        ("lambda h, w, c, b: h * w * c * -(-b // 8)", "byte for every bit"),
        ("lambda h, w, c, b: h * -(-w * c * b // 8)", "each row fills whole bytes"),
    ],
    "crop": [
        ("lambda i, t, l, h, w: i[t:h, l:w]", "start \\+ size"),
        ("lambda i, t, l, h, w: i[l:l+w, t:t+h]", "rows come first"),
        ("lambda i, t, l, h, w: i[t:t+w, l:l+h]", "exchanged"),
        ("lambda i, t, l, h, w: i[t:t+h+1, l:l+w+1]", "the result's shape is"),
        ("lambda i, t, l, h, w: i[t:-(len(i)-t-h), l:-(i.shape[1]-l-w)]", "the result's shape is"),
    ],
    "to_torch_layout": [
        ("lambda x: x.reshape(len(x), x.shape[3], *x.shape[1:3])", "reshape is not transpose"),
        ("lambda x: x.transpose(0, 3, 2, 1)", "height and width are exchanged"),
        ("lambda x: x.T", "exchanged|stays in front|the result's shape is"),
        ("lambda x: x.transpose(3, 1, 2, 0)", "batch N stays in front"),
        ("lambda x: x", "the result's shape is"),
    ],
    "brighten": [
        ("lambda i, a: i + np.uint8(a % 256)", "went around"),
        ("lambda i, a: np.clip(i.astype(int) + a, 0, 255)", "uint8 is asked for"),
        ("lambda i, a: np.minimum(i.astype(int) + a, 255).astype(np.uint8)", "stops at 0"),
        ("lambda i, a: np.clip(i + np.uint8(a % 256), 0, 255)", "went around"),
        ("lambda i, a: (np.clip(i/255 + a/255, 0, 1) * 255).astype(np.uint8)", "rounded"),
    ],
    "luma": [
        ("lambda i: i.mean(axis=-1).astype(np.uint8)", "plain mean"),
        ("lambda i: (i @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)", "off by one"),
        (
            "lambda i: np.round(i[..., ::-1] @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)",
            "B, G, R",
        ),
        ("lambda i: i @ np.array([0.299, 0.587, 0.114])", "dtype is float64"),
        ("lambda i: i", "one number per pixel"),
    ],
    "shrink": [
        ("lambda i, k: i[: i.shape[0] // k * k : k, : i.shape[1] // k * k : k]", "one pixel of"),
        ("lambda i, k: i[::k, ::k]", "one pixel of each|no whole block"),
        (
            "lambda i, k: i[: i.shape[0]//k*k, : i.shape[1]//k*k].reshape(i.shape[0]//k, k, "
            "i.shape[1]//k, k, *i.shape[2:]).mean(axis=(1, 3)).astype(np.uint8)",
            "off by one",
        ),
        (
            "lambda i, k: i[: i.shape[0]//k*k, : i.shape[1]//k*k].reshape(i.shape[0]//k, k, "
            "i.shape[1]//k, k, *i.shape[2:]).mean(axis=(1, 3))",
            "dtype is float64",
        ),
    ],
    "shift_zeros": [
        ("lambda i, d, r: np.roll(i, (d, r), (0, 1))", "comes back on the other"),
        ("solution_swapped", "they are exchanged"),
        ("solution_backwards", "moves the other way"),
        ("lambda i, d, r: i[d:, r:]", "the result's shape is"),
        (
            "lambda i, d, r: np.pad(i, 4)[4-d:4-d+len(i), 4-r:4-r+i.shape[1]]",
            "the result's shape is",
        ),
    ],
}


@pytest.mark.parametrize(
    ("name", "source", "hint"),
    [(name, *answer) for name, answers in WRONG.items() for answer in answers],
)
def test_a_wrong_answer_gets_its_hint(name, source, hint):
    shift = image_data.EXERCISES["shift_zeros"].reference
    known = {
        "np": np,
        "solution_swapped": lambda i, d, r: shift(i, r, d),
        "solution_backwards": lambda i, d, r: shift(i, -d, -r),
    }
    with pytest.raises(NotRightYet, match=hint) as caught:
        image_data.check(name, eval(source, known))
    assert "case " in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_every_exercise_has_three_wrong_answers():
    assert all(len(WRONG[name]) >= 3 for name in image_data.EXERCISES)


@pytest.mark.parametrize("name", image_data.EXERCISES)
def test_cases_are_several_random_and_repeatable(name):
    cases = image_data.EXERCISES[name].cases
    first, again, other = (cases(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert len(first) >= 8
    same = [all(map(np.array_equal, a, b)) for a, b in zip(first, again, strict=True)]
    assert all(same)
    assert not all(all(map(np.array_equal, a, b)) for a, b in zip(first, other, strict=True))
    exercise = image_data.EXERCISES[name]

    def right(*arguments):
        result = exercise.reference(*arguments)
        return np.round(result).astype(exercise.dtype) if exercise.tolerance else result

    for seed in range(20):  # a right answer is right for any seed
        engine.check_answer(name, exercise, right, seed)


def forgets_return(image):
    image.astype(int)


def divides_by_zero(image):
    return image / sum([]) if False else 1 // 0


def not_finished(image):
    raise NotImplementedError


def paints_its_input(image):
    image[:] = 0
    return image[..., 0]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (forgets_return, "is a `return` missing"),
        (divides_by_zero, "raises ZeroDivisionError: .* \\(line \\d+ of the cell\\)"),
        (not_finished, "not finished"),
        (paints_its_input, "changes its input"),
        (lambda image: "gray", "returns a str, not a number or an array"),
        (lambda image: [[1], [2, 3]], "returns a list, not a number or an array"),
        (lambda image: [1, 2], "the result's shape is"),
        (lambda image: np.full(image.shape[:2], np.nan), "dtype is float64"),
        (lambda image: image[..., 0].astype(np.int16), "dtype is int16"),
    ],
)
def test_what_can_go_wrong_anywhere(answer, hint):
    with pytest.raises(NotRightYet, match=hint):
        image_data.check("luma", answer)


def blocks(image, k):
    rows, columns = image.shape[0] // k, image.shape[1] // k
    cut = image[: rows * k, : columns * k]
    return cut.reshape(rows, k, columns, k, *image.shape[2:])


def loops(images):
    n, height, width, channels = images.shape
    result = np.zeros((n, channels, height, width))
    for index in np.ndindex(images.shape):
        i, row, column, channel = index
        result[i, channel, row, column] = images[index]
    return result


RIGHT = {
    "raw_bytes": [
        lambda h, w, c, b: math.ceil(h * w * c * b / 8),
        lambda h, w, c, b: np.ceil(h * w * c * b / 8),
        lambda h, w, c, b: -(-h * w * c * b // 8),
    ],
    "crop": [
        lambda i, t, l, h, w: i[t:][:h, l:][:, :w].tolist(),  # noqa: E741
        lambda i, t, l, h, w: torch.from_numpy(i)[t : t + h, l : l + w],  # noqa: E741
        lambda i, t, l, h, w: np.take(np.take(i, range(t, t + h), 0), range(l, l + w), 1),  # noqa: E741
    ],
    "to_torch_layout": [
        lambda x: torch.from_numpy(x.copy()).permute(0, 3, 1, 2),
        lambda x: np.moveaxis(x, -1, 1),
        lambda x: torch.from_numpy(x.copy()).permute(0, 3, 1, 2).float(),
        loops,
    ],
    "brighten": [
        lambda i, a: np.clip(i.astype(np.int16) + a, 0, 255).astype(np.uint8),
        lambda i, a: np.round(np.clip(i / 255 + a / 255, 0, 1) * 255).astype(np.uint8),
        lambda i, a: np.where(i + a * 1.0 > 255, 255, np.maximum(i + a * 1.0, 0)).astype(np.uint8),
    ],
    "luma": [
        lambda i: np.round(i @ np.array([0.299, 0.587, 0.114])).astype(np.uint8),
        lambda i: (i @ np.array([0.299, 0.587, 0.114]) + 0.5).astype(np.uint8),
        lambda i: np.rint(0.299 * i[..., 0] + 0.587 * i[..., 1] + 0.114 * i[..., 2]).astype("B"),
    ],
    "shrink": [
        lambda i, k: np.round(blocks(i, k).mean(axis=(1, 3))).astype(np.uint8),
        lambda i, k: np.floor(blocks(i, k).mean(axis=(1, 3)) + 0.5).astype(np.uint8),
        lambda i, k: np.rint(
            sum(blocks(i, k)[:, a, :, b] * 1.0 for a in range(k) for b in range(k)) / k**2
        ).astype(np.uint8),
    ],
    "shift_zeros": [
        lambda i, d, r: np.eye(len(i), k=-d) @ i @ np.eye(i.shape[1], k=r),
        lambda i, d, r: ndimage.shift(i, (d, r), order=0),
        lambda i, d, r: np.pad(i, 20)[20 - d : 20 - d + len(i), 20 - r : 20 - r + i.shape[1]],
    ],
}


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers]
)
def test_other_right_answers_are_right(name, answer, capsys):
    image_data.check(name, answer)
    assert "right in all" in capsys.readouterr().out


def test_stubs_are_told_from_answers():
    def documented(x):
        """Words."""
        ...

    def passing(x):
        pass

    def computing(x):
        return x + 1

    def constant(x):
        return 4

    assert is_stub(documented) and is_stub(passing) and is_stub(...)
    assert not is_stub(computing) and not is_stub(constant) and not is_stub(len)


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(ArgumentError, match="exercise must be one of .*did you mean 'luma'"):
        image_data.check("lumma", len)


@pytest.mark.parametrize("name", image_data.QUESTIONS)
def test_questions_answer_every_option_with_a_reason(name):
    question = image_data.ask(name)
    options = question.question.options
    assert len(options) >= 3 and sum(right for _, right, _ in options) == 1
    assert len({reason for *_, reason in options}) == len(options)
    for index, (_, right, _reason) in enumerate(options):
        question.choice.index = index
        said = question.reason.text
        assert ("✓" in said) == right and ("✗" in said) == (not right)
    data = question._repr_mimebundle_()
    assert all(option in data["text/plain"] for option, *_ in options)
    assert not any(reason in data["text/plain"] for *_, reason in options)


def test_question_text_is_escaped():
    question = Ask(engine.Question("a < b?", [("x", True, "r"), ("y", False, "n")]))
    assert "a &lt; b?" in question.children[0].value
    assert "course-widget" in question._dom_classes
