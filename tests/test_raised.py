"""What is said of an exception in an answer: it fits what came; the exercise's own comes first."""

import numpy as np
import pytest
import torch

from course_utils.exercises.engine import Exercise, NotRightYet, check_answer
from course_utils.exercises.raised import explained

PICTURE = np.arange(12, dtype=np.uint8).reshape(3, 4)


def in_place(x):
    x = x.copy()
    x *= 1.5
    return x


def unpacks(x):
    height, width, channels = x.shape
    return height, width, channels


def writes(x):
    result = np.zeros_like(x)
    result[1:] = x
    return result


RAISING = [
    (lambda x: x + np.zeros((2, 4)), "do not fit together"),
    (lambda x: torch.zeros(3, 4) + torch.zeros(2, 4), "do not fit together"),
    (writes, "is written differ in size"),
    (lambda x: x.reshape(5, 2), "the array has 12 values"),
    (lambda x: x @ np.ones(3), "of a matrix product"),
    (lambda x: torch.ones(3, 4) @ torch.ones(3, 4), "of a matrix product"),
    (lambda x: x.transpose(2, 0, 1), "names each axis of the array once"),
    (lambda x: x + 300, "the dtype uint8 cannot hold 300"),
    (lambda x: x + -1, "the dtype uint8 cannot hold -1"),
    (lambda x: x.astype(np.int8) + 128, "the dtype int8 cannot hold 128"),
    (lambda x: x[3], "an index is too large"),
    (lambda x: [1, 2][2], "an index is too large"),
    (lambda x: torch.ones(3)[3], "an index is too large"),
    (lambda x: x.tolist()[len(x) / 2], "a float came"),
    (lambda x: x.max(axis=2), "fewer axes than this line names"),
    (lambda x: x[..., 0, 0, 0], "fewer axes than this line names"),
    (unpacks, "unpacks another number of values"),
    (lambda x: [1, 2][np.array([0, 1])], "takes one whole number as its index"),
    (lambda x: [1, 2][x[0, :2].tolist()], "takes one whole number as its index"),
    (lambda x: x[np.array([])], "of an empty list has floats"),
    (lambda x: x[:0].max(), "of an empty array"),
    (lambda x: x[:0].argmax(), "of an empty array"),
    (lambda x: x[0.5], "a float came"),
    (lambda x: x[: len(x) / 2], "a float came"),
    (lambda x: np.zeros(len(x) / 2), "a float came"),
    (lambda x: np.pad(x, 1.0), "a float came"),
    (lambda x: x if x > 3 else x, "need one truth value"),
    (lambda x: max(x), "need one truth value"),
    (in_place, "keep the array's dtype"),
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, (5, 5)), "larger than the array"),
    (lambda x: torch.nn.functional.relu(x), "torch's functions take tensors"),
    (lambda x: torch.nn.functional.conv2d(x, x), "torch's functions take tensors"),
    (lambda x: torch.ones(2).sum().backward(), "lost its way back"),
    (lambda x: torch.ones(2, 2) @ torch.ones(2, 2).double(), "different dtypes"),
    (lambda x: nowhere(x), "nothing is called `nowhere` here"),  # noqa: F821
    (lambda x: x + None, "something in this line is None"),
    (lambda x: x.tolist().astype(int), "a list is no array"),
    (lambda x: [1, 2] - [1], "lists and tuples have no arithmetic"),
    (lambda x: x.permute(1, 0), "have different methods"),
    (lambda x: torch.ones(2).astype(int), "have different methods"),
    (lambda x: (5).size, "the type int has no `size`"),
    (lambda x: unpacks(x, 2), "that its first line names"),
]


def told(answer, **more):
    exercise = Exercise(lambda x: x, lambda rng: [(PICTURE,)], "a picture", **more)
    with pytest.raises(NotRightYet) as caught:
        check_answer("name", exercise, answer)
    return str(caught.value)


@pytest.mark.parametrize(("answer", "said"), RAISING, ids=[said for _, said in RAISING])
def test_an_exception_is_told_with_what_it_means(answer, said):
    message = told(answer)
    assert "it raises " in message and said in message and len(message.splitlines()) == 1


def test_what_the_exercise_knows_comes_first_and_alone():
    message = told(lambda x: x + 300, errors={"out of bounds": "make it wider"})
    assert message.endswith("; make it wider")


def test_nothing_is_said_of_what_is_not_known():
    assert explained("it raises ZeroDivisionError: division by zero", {}) == []
    assert explained("it returns a list with a None in it", {}) == []
    assert (
        explained("it raises TypeError: 'list' object cannot be interpreted as an integer", {})
        == []
    )
    assert (
        explained("it raises IndexError: index -4 is out of bounds for axis 0 with size 3", {})
        == []
    )


def test_what_torch_has_not_is_no_unfinished_answer():
    def exchanged(x):
        labels = torch.ones(2, 3, dtype=torch.long)
        return torch.nn.functional.cross_entropy(labels, labels[:, 0])

    assert "no such operation on tensors of this dtype" in told(exchanged)
