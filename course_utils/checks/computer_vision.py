"""Exercises of chapter 4; all but one are in the modules whose tables it puts together."""

import numpy as np

from course_utils.checks.computer_vision_boxes import BOXES
from course_utils.checks.computer_vision_detection import DETECTION
from course_utils.checks.computer_vision_generation import GENERATION
from course_utils.checks.computer_vision_measures import MEASURES
from course_utils.checks.computer_vision_questions import QUESTIONS
from course_utils.checks.computer_vision_style import STYLE
from course_utils.checks.engine import Ask, Exercise, check_answer, close, mistakes, pick


def check(name, function):
    """Check your answer to the exercise called `name`."""
    check_answer(name, pick("exercise", name, EXERCISES), function)


def ask(name):
    """Show the question called `name`."""
    return Ask(pick("question", name, QUESTIONS))


# transposed_conv_1d
def _transposed_conv_1d(x, kernel, stride, add=np.add):
    """add: what happens where two kernels meet; the later one alone is a mistake."""
    result = np.zeros((len(x) - 1) * stride + len(kernel))
    for i, value in enumerate(x):
        place = slice(i * stride, i * stride + len(kernel))
        result[place] = add(result[place], value * kernel)
    return result


def _transposed_conv_1d_cases(rng):
    sizes = [(5, 3, 2), (4, 2, 2), (6, 5, 2), (3, 4, 1), (4, 2, 4), (1, 4, 3), (5, 1, 3), (7, 4, 3),
             (2, 5, 5), (3, 6, 2)]  # fmt: skip
    return [(rng.normal(size=n), rng.normal(size=k), stride) for n, k, stride in sizes]


def _share(x, kernel, stride):
    """How many inputs reach each output."""
    return _transposed_conv_1d(np.ones(len(x)), np.ones(len(kernel)), stride)


_hint_transposed_conv_1d = mistakes(
    (lambda x, k, s: _transposed_conv_1d(x, k[::-1], s), "the kernel is reversed"),
    (lambda x, k, s: _transposed_conv_1d(x, k, s, lambda old, new: new),
     "where two kernels meet, the later one wipes the earlier one out"),
    (lambda x, k, s: _transposed_conv_1d(x, k, s) / np.maximum(_share(x, k, s), 1),
     "that is the mean where two kernels meet; a transpose adds"),
    (lambda x, k, s: np.convolve(x, k), "the stride has no effect"),
    (lambda x, k, s: np.convolve(np.repeat(x, s), k),
     "each number is repeated; between the numbers there is nothing"),
    (lambda x, k, s: np.correlate(x, k)[::s] if len(k) <= len(x) else np.nan,
     "that is the convolution itself; its transpose makes *more* numbers"),
    (lambda x, k, s: np.outer(x, k), "one row for each input; the rows have yet to be laid down"),
    (lambda x, k, s: np.outer(x, k).ravel(), "kernels are laid side by side, whatever the stride"),
)  # fmt: skip


def _hint_length(got, wanted, arguments):
    if got.ndim == 1 and len(got) < len(wanted) and close(got, wanted[: len(got)]):
        return "the end is cut off: the last input lays down a whole kernel too"
    if got.ndim == 1 and len(got) > len(wanted) and close(got[: len(wanted)], wanted):
        return "too long: the last input lays down a kernel, and after it nothing follows"


EXERCISES = {
    **BOXES,
    **DETECTION,
    **MEASURES,
    **GENERATION,
    **STYLE,
    "transposed_conv_1d": Exercise(
        7, _transposed_conv_1d, _transposed_conv_1d_cases, "strides 1 to 5, overlaps and gaps",
        [_hint_transposed_conv_1d, _hint_length], tolerance=1e-4),
}  # fmt: skip
