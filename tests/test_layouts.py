"""No network of the course meets the fault of 1 × 1 convolutions with stride in `channels_last`."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import layouts
import pytest
from torch import nn

from notebooks_as_files import CHAPTERS, code_cells, read

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("threads", [1, 2])
def test_gradients_in_channels_last_are_those_of_the_ordinary_layout(threads):
    """In a child process, so that a crash is a failure and not the end of the tests.

    OpenMP's threads sleep where they wait: else two of them fill both cores beside other tests.
    """
    done = subprocess.run(
        [sys.executable, layouts.__file__],
        cwd=ROOT,
        env=os.environ
        | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-2000:]}"
    differences = json.loads(done.stdout)
    assert differences.keys() == layouts.networks().keys()
    assert max(differences.values()) < 1e-3, differences


def built():
    """Each network of the course, on no device."""
    return {name: case[0]() for name, case in layouts.networks().items()}


def test_every_class_of_networks_is_tried():
    tried = {type(part) for model in built().values() for part in model.modules()}
    taught = {kind for kind in layouts.module_classes() if ".exercises." not in kind.__module__}
    assert taught <= tried


def test_no_network_has_a_1_x_1_convolution_with_a_stride():
    for name, model in built().items():
        for part in model.modules():
            if isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1):
                assert part.stride == (1, 1), name


def test_no_cell_makes_one():
    """Calls with literal sizes; what is computed is tried above, or not made at all."""
    for path in CHAPTERS:
        for cell in code_cells(read(path)):
            for call in ast.walk(ast.parse(cell.source)):
                if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Conv2d"):
                    named = [word.value for word in call.keywords if word.arg == "stride"]
                    size, stride = [*call.args[2:4], *named, None, None][:2]
                    one = isinstance(size, ast.Constant) and size.value == 1
                    assert not one or stride is None or stride.value == 1, cell.source
