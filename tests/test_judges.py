"""README's promise: what is written by hand has a judge that someone else wrote.

A judge is a test that calls the function and a library that computes the same, itself or through a
helper of its file, and whose name says which. Losses and layers have the numeric slope, too.
"""

import ast
import importlib
import inspect
import re
from functools import cache

import pytest

from notebooks_as_files import ROOT

TESTS = sorted((ROOT / "tests").glob("test_*.py"))
HAND_WRITTEN = ("boxes", "filters", "measures", "numpy_layers", "profiling", "metrics", "panoptic",
                "upsampling")  # fmt: skip
BEHIND = ("argument_checks", "exercises", "command", "explorers")  # rooms that compute for others
ELSEWHERE = (
    "loss|variation|gram|giou|bilinear|paste|mask_targets|anchor|match$|widen|propose"
    "|^encode|^decode$"
)
JUDGES = {  # library → how the name of a test calls it
    "numpy": "einsum", "PIL": "pillow", "pycocotools": "coco", "scipy": "scipy",
    "skimage": "scikit_image", "sklearn": "scikit_learn", "torch": "torch|convolution",
    "torchmetrics": "torchmetrics", "torchvision": "torchvision",
}  # fmt: skip
NO_JUDGE = re.compile(  # what only makes, moves, seeds or compares numbers
    r"torch\.(tensor|from_numpy|as_tensor|rand\w*|manual_seed|Generator|zeros\w*|ones\w*|full\w*"
    r"|arange|stack|cat|empty|eye|linspace|no_grad|inference_mode|equal|allclose|where|Tensor"
    r"|float\d*|int\d*|long|double|uint8|bool|device|Size|get_rng_state|set_num_threads|nan|inf"
    r"|sort|argsort|meshgrid|isnan|isfinite|channels_last|cuda\S*|testing\S*|autograd\S*|optim\S*"
    r"|nn|nn\.init\S*|nn\.[A-Z]\w*)$|PIL\.Image(\.(new|fromarray))?$|numpy\.(?!einsum$)"
)
ALONE = {  # public name → why no library judges it; what does
    "numpy_layers.Layer": "computes nothing: what every layer has",
    "numpy_layers.require_call": "checks what comes in",
    "numpy_layers.uniform_parameters": "draws numbers: their bounds by hand",
    "profiling.Stopwatch": "a clock",
    "profiling.can_compile": "asks the machine",
    "profiling.processor_name": "asks the machine",
    "profiling.time_call": "a clock",
    "segmentation.panoptic.merge_panoptic": "a rule of a paper: restated pixel by pixel",
    "image_generation.measures.judge_pictures": "counts of this course: numbers by hand",
    "segmentation.metrics.as_ids": "checks what comes in",
    "segmentation.metrics.as_id_maps": "checks what comes in",
    "detection.yolo.encode_targets": "this course's grid: numbers by hand, and `decode` undoes it",
    "detection.yolo.decode": "this course's grid: numbers by hand, and it undoes `encode_targets`",
    "detection.yolo.yolo_loss": (
        "this course's: by hand, and restated from torch's and torchvision's losses"
    ),
    "detection.yolov3.decode": "YOLOv3's grid: numbers by hand, and restated box by box",
    "detection.two_stage.two_stage_loss": "this course's: restated box by box from torch's losses",
}
FAULTS = "course_utils.errors.ArgumentError"  # a test of wrong input judges no numbers
SLOPES = r"loss|total_variation|Conv2d|Pool2d|Linear|ReLU|Tanh|CrossEntropy"


def public_names():
    """Public functions and classes that compute what a library computes, too: "module.name"."""
    for path in sorted((ROOT / "course_utils").rglob("*.py")):
        module = path.relative_to(ROOT / "course_utils").with_suffix("").parts
        if module[0] in BEHIND:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                taught = "figures" not in path.stem and re.search(ELSEWHERE, node.name)
                if path.stem in HAND_WRITTEN or taught:
                    yield f"{'.'.join(module)}.{node.name}"


def imported(tree):
    """Name in a file → what it is, dotted: `functional` → torch.nn.functional."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                found[name.asname or name.name.split(".")[0]] = (
                    name.name if name.asname else name.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def references(node, known):
    """Every dotted name in a piece of code, written out: {"torch.nn.functional.conv2d", …}."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute) and "(" not in (text := ast.unparse(part)):
            root, dot, rest = text.partition(".")
            found.add(known.get(root, root) + dot + rest)
    return found


@cache
def uses(path):
    """Test → all that it refers to, itself or through functions and values of its file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known, direct = imported(tree), {}
    for node in tree.body:
        names = [node.name] if hasattr(node, "name") else []
        if isinstance(node, ast.Assign):
            names = [ast.unparse(target) for target in node.targets]
        direct |= {name: references(node, known) for name in names}
    reached = {}
    for name in (name for name in direct if name.startswith("test_")):
        seen, new = set(), {name}
        while new:
            seen |= new
            new = {other for one in new for other in direct[one] if other in direct} - seen
        reached[name] = set().union(*(direct[one] for one in seen))
    return reached


def users(name):
    """[(name of a test, all that it refers to)] for each test that calls what has this name."""
    dotted, pairs = f"course_utils.{name}", [pair for path in TESTS for pair in uses(path).items()]
    return [
        (test, found)
        for test, found in pairs
        if FAULTS not in found
        and any(each == dotted or each.startswith(f"{dotted}.") for each in found)
    ]


def judges_of(name):
    """The libraries that stand beside a public name in a test that is called after them."""
    return {
        library
        for test, found in users(name)
        for library, called in JUDGES.items()
        if re.search(called, test)
        and any(each.startswith(f"{library}.") and not NO_JUDGE.match(each) for each in found)
    }


@pytest.mark.parametrize("name", sorted(public_names()))
def test_someone_else_computes_it_too(name):
    assert judges_of(name) or name in ALONE


@pytest.mark.parametrize("name", [name for name in public_names() if re.search(SLOPES, name)])
def test_its_slope_is_the_numeric_one(name):
    assert [test for test, _ in users(name) if "slope" in test]


def test_what_stands_alone_is_there():
    assert set(ALONE) <= set(public_names())
    for name in ALONE:
        module, _, member = name.rpartition(".")
        assert inspect.getdoc(getattr(importlib.import_module(f"course_utils.{module}"), member))
