"""Arrays where tensors are wanted, and the reverse: it works, or one sentence says what to call.

Every public function of the package, found by code, is called with each of its arrays, one at a
time, as the other library's. What an error advises is evaluated, and the call made again.
"""

import copy
import re

import numpy as np
import pytest
import torch
from right_calls import EXAMPLES, WITHOUT, call, get, places, public, replaced, same

from course_utils.errors import ArgumentError


def test_every_public_function_has_an_example():
    found = set(public())
    assert len(found) > 130
    assert found - WITHOUT - EXAMPLES.keys() == set()
    assert (WITHOUT | EXAMPLES.keys()) - found <= {"explorers.pixel_editor.PixelEditor"}


def other(value):
    """The same numbers in the other library; a tensor with gradients where it can have them."""
    if isinstance(value, torch.Tensor):
        return value.numpy()
    tensor = torch.from_numpy(np.ascontiguousarray(value))
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


CASES = [(name, path) for name, make in EXAMPLES.items() for path in places(make())]


@pytest.mark.parametrize(
    ("name", "path"), CASES, ids=[f"{name}-{'.'.join(map(str, path))}" for name, path in CASES]
)
def test_the_other_librarys_array_works_or_is_refused_with_the_call(
    name, path, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    make = EXAMPLES[name]
    wanted = call(name, copy.deepcopy(make()))
    given = copy.deepcopy(make())
    swapped = other(get(given, path))
    try:
        got = call(name, replaced(given, path, swapped))
    except ArgumentError as problem:
        message = str(problem)
        kind = "a NumPy array" if isinstance(swapped, np.ndarray) else "a tensor"
        told = re.fullmatch(r"(\S+) must be a tensor, got (.+); use (.+)", message)
        assert told and told[2] == kind, message
        mended = eval(told[3].replace(told[1], "it"), {"it": swapped, "torch": torch, "np": np})
        got = call(name, replaced(copy.deepcopy(make()), path, mended))
    assert same(got, wanted)
