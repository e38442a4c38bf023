"""Forty faults: what a student sees instead of a raw error. Here 1–20: arrays, labels, cells.

A test's name carries the number of its case; what another file tests already stands in ELSEWHERE.
"""

import ast
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

from course_utils import data, models, training
from course_utils import numpy_layers as layers
from course_utils.detection import boxes, metrics
from course_utils.filters import BOX, correlate, resample
from course_utils.image_files import load_bitmap, save_bitmap
from course_utils.segmentation import networks as segmentation
from notebooks_as_files import CHAPTERS, code_cells, read

TESTS = Path(__file__).parent
ELSEWHERE = {
    20: ["test_sections.py::test_each_section_needs_only_what_it_names"],
    28: [
        "test_notebooks.py::test_no_network_and_nothing_that_never_repeats",
        "test_downloads.py::test_anything_else_leaves_nothing",
        "test_downloads.py::test_no_network_is_one_sentence",
        "test_downloads.py::test_a_stall_ends",
        "test_downloads.py::test_an_archive_put_there_by_hand_is_used",
        "test_downloads.py::test_a_busy_server_is_asked_again",
    ],
    31: [
        "test_image_files.py::test_a_text_file_is_refused",
        "test_image_files.py::test_a_cut_file_is_refused",
        "test_image_files.py::test_a_bomb_is_refused_before_it_unpacks",
        "test_image_files.py::test_palette_with_a_transparent_colour",
        "test_image_files.py::test_transparency_is_laid_over_white",
        "test_image_files.py::test_sixteen_bits_become_eight",
        "test_image_files.py::test_cmyk_becomes_rgb",
        "test_image_files.py::test_exif_turns_the_photo_upright",
        "test_image_files.py::test_one_pixel_and_shrinking",
    ],
    34: ["test_training.py::test_devices"],
    40: [
        "test_doctor.py::test_an_old_python_is_refused",
        "test_doctor.py::test_a_missing_or_old_package_is_named_with_the_command",
        "test_doctor.py::test_a_kernel_without_the_course_is_named",
        "test_doctor.py::test_the_first_cell_explains_a_kernel_without_the_course",
    ],
}


def test_every_case_is_tested():
    sources = [(TESTS / f"test_faults{part}.py").read_text("utf-8") for part in ("", "_files")]
    here = {int(number) for number in re.findall(r"def test_case_(\d\d)", "".join(sources))}
    tabled = {int(name[:2]) for name in TABLE}
    assert here | tabled | set(ELSEWHERE) == set(range(1, 41))
    for names in ELSEWHERE.values():
        for file, name in (place.split("::") for place in names):
            assert f"\ndef {name}(" in (TESTS / file).read_text("utf-8"), name


RNG = np.random.default_rng(0)
LABELS = np.arange(20) % 10
IMAGES = RNG.random((20, 1, 28, 28), dtype=np.float32)
SQUARE = RNG.random((9, 9))
LABELLED = [{"boxes": [[0, 0, 4, 4]], "labels": [1]}]


def net(seed=0):
    torch.manual_seed(seed)
    return models.digit_net(4, 4, 4)


def fit(images=IMAGES, labels=LABELS, model=None, **options):
    return training.fit(model or net(), images, labels, epochs=1, **options)


def conv(x, **options):
    return layers.Conv2d(1, 2, 3, **options)(x)


def loss(labels):
    return layers.SoftmaxCrossEntropy()(np.zeros((2, 10)), labels)


def fcn(images, labels):
    return segmentation.fit_segmentation(segmentation.fcn(3, 8), images, labels, steps=1)


TINY = np.zeros((1, 1, 2, 2), np.float32)
RGB8, MAP8 = np.zeros((2, 3, 8, 8), np.uint8), np.zeros((2, 8, 8), int)
IDS = np.float32([0, 1]), [[0] * 10], [[0], [1]]
TABLE = {  # case and what came → (call, what the message says)
    "01 a channel": (lambda: correlate(np.zeros((28, 28, 1)), BOX), "image must be 2-D (H, W)",
                     "got (28, 28, 1)", "use image[..., 0]"),
    "01 colour": (lambda: correlate(np.zeros((28, 28, 3)), BOX), "image",
                  "got (28, 28, 3)", "use image["),
    "01 colour, resized": (lambda: resample(np.zeros((2, 2, 3, 1)), 4, 4, "area"),
                           "image must be (H, W) or (H, W, C)", "(2, 2, 3, 1)"),
    "02 no channel": (lambda: fit(IMAGES[:, 0]), "images must be (N, C, H, W)", "got (20, 28, 28)",
                      "use images[:, None]"),
    "02 no channel, one": (lambda: fit(IMAGES[0], LABELS[:1]), "got (1, 28, 28)",
                           "use images[:, None]"),
    "02 no channel, layers": (lambda: conv(IMAGES[:1, 0]), "x must be (N, 1, H, W)",
                              "got (1, 28, 28)", "use x[:, None]"),
    "02 rows to a network": (lambda: fit(IMAGES.reshape(20, -1)), "images must be (N, 1, H, W)",
                             "got (N, 784)", "use images.reshape(-1, 1, 28, 28)"),
    "03 channels last": (lambda: fit(IMAGES.transpose(0, 2, 3, 1)), "must be (N, 1, H, W)",
                         "got (N, 28, 28, 1)", "(N, H, W, C): use images.transpose(0, 3, 1, 2)"),
    "03 channels last, layers": (lambda: conv(IMAGES.transpose(0, 2, 3, 1)), "x must be",
                                 "got (20, 28, 28, 1)", "use x.transpose(0, 3, 1, 2)"),
    "03 channels last, map": (lambda: fcn(RGB8.transpose(0, 2, 3, 1), MAP8), "images must",
                              "(2, 8, 8, 3)", "use images.transpose(0, 3, 1, 2)"),
    "04 bytes": (lambda: fit(torch.zeros(20, 1, 28, 28, dtype=torch.uint8)),
                 "images must be float32", "got torch.uint8", "use images.float() / 255"),
    "04 float64": (lambda: fit(IMAGES.astype(float)), "images must be float32",
                   "got torch.float64", "use images.astype(np.float32)"),
    "04 bytes, layers": (lambda: conv(np.zeros((1, 1, 8, 8), np.uint8)), "x must be float",
                         "got uint8", "use (x / 255).astype(np.float32)"),
    "05 small image": (lambda: conv(TINY), "kernel_size 3", "H = 2", "at most 2, or more padding"),
    "05 small image, network": (lambda: fit(IMAGES[..., :3, :3]), "images do not fit this model",
                                "got (N, 1, 3, 3)", "use larger images"),
    "05 large image, network": (lambda: fit(IMAGES.repeat(2, 2).repeat(2, 3)), "images do not fit",
                                "got (N, 1, 56, 56)", "images of the size it was made for"),
    "05 small image, filter": (lambda: correlate(np.zeros((2, 2)), BOX), "kernel (3, 3)",
                               "(2, 2)", "pad the image"),
    "05 small image, pooled": (lambda: layers.MaxPool2d(3)(TINY), "size 3", "(2, 2)", "use less"),
    "05 same": (lambda: layers.Conv2d(1, 1, 4, padding="same"), "padding must be a whole number",
                "from 0", "got 'same'"),
    "05 stride": (lambda: layers.Conv2d(1, 1, 3, stride=0), "stride", "from 1", "got 0"),
    "05 padding": (lambda: layers.Conv2d(1, 1, 3, padding=-1), "padding", "from 0", "got -1"),
    "05 three sides": (lambda: layers.Conv2d(1, 1, (3, 3, 3)), "kernel_size", "got (3, 3, 3)"),
    "06 a label too far": (lambda: fit(labels=LABELS + 1), "labels must be 0 … 9", "found 10 at 9"),
    "06 in the loss": (lambda: loss([0, 10]), "labels must be 0 … 9", "found 10 at 1"),
    "06 in a map": (lambda: fcn(RGB8, MAP8 + 3), "labels must be 0 … 2", "found 3"),
    "08 ignored": (lambda: fit(labels=np.where(LABELS == 2, -100, LABELS)), "labels must be 0",
                   "found -100 at 2"),
    "08 all ignored": (lambda: fit(labels=LABELS * 0 - 100), "labels must be 0", "-100 at 0"),
    "08 in the loss": (lambda: loss([1, -100]), "labels must be 0 … 9", "found -100 at 1"),
    "08 in a map": (lambda: fcn(RGB8, MAP8 - 100), "labels must be 0 … 2", "found -100"),
    "09 float": (lambda: fit(labels=torch.tensor(LABELS).float()), "labels must be whole",
                 "got float32", "use labels.long()"),
    "09 one-hot": (lambda: fit(labels=np.eye(10)[LABELS]), "labels must be (N,)", "got (20, 10)",
                   "use labels.argmax(axis=1)"),
    "09 a column": (lambda: fit(labels=LABELS[:, None]), "labels must be (N,)", "got (20, 1)",
                    "use labels[:, 0]"),
    "09 in the loss": (lambda: loss([0.0, 1.0]), "labels", "float64", "use np.int64(labels)"),
    "10 fewer labels": (lambda: fit(labels=LABELS[:19]), "20 images and 19 labels", "as many"),
    "10 in the loss": (lambda: loss([1]), "2 logits and 1 labels", "take as many of each"),
    "10 in maps": (lambda: fcn(RGB8, MAP8[:1]), "labels must be (2, 8, 8)", "got (1, 8, 8)"),
    "10 in measures": (lambda: metrics.mean_average_precision([], LABELLED), "predictions", "[]"),
    "11 no images": (lambda: fit(IMAGES[:0], LABELS[:0]), "images is empty: 0 images", "chose"),
    "11 evaluated": (lambda: training.evaluate(net(), IMAGES[:0], LABELS[:0]), "0 images"),
    "11 in layers": (lambda: conv(IMAGES[:0]), "x is empty: 0 images", "look at what chose them"),
    "11 no pixels": (lambda: correlate(np.zeros((0, 5)), BOX), "image", "not empty, got (0, 5)"),
    "12 NaN": (lambda: fit(np.where(LABELS == 3, np.nan, IMAGES.T).T.astype("f")),
               "images hold NaN or inf", "first in images[3]", "leave it out"),
    "12 infinite": (lambda: training.evaluate(net(), IMAGES + np.float32(np.inf), LABELS),
                    "images hold NaN or inf", "first in images[0]"),
    "12 through layers": (lambda: layers.SoftmaxCrossEntropy()(np.full((1, 3), np.nan), [0]),
                          "logits hold NaN or inf", "look at the images"),
    "14 option": (lambda: resample(SQUARE, 4, 4, "aera"), "method must be one of nearest, bilinear",
                  "got 'aera'", "did you mean 'area'?"),
    "14 name": (lambda: data.load_photo("cofee"), "name", "'cofee'", "did you mean 'coffee'?"),
    "14 depth": (lambda: models.resnet(51), "depth must be one of 18, 34", "got 51"),
    "14 keyword": (lambda: models.small_resnet(shortcutt=False), "option must be one of",
                   "got 'shortcutt'", "did you mean 'shortcut'?"),
    "14 classes": (lambda: models.vgg(11, "10"), "classes must be a whole number", "got '10'"),
    "14 format": (lambda: boxes.convert_boxes([[0, 0, 1, 1]], "xyxz", "xywh"), "xyxz", "'xyxy'?"),
    "16 ragged": (lambda: resample([[1.0], [1, 2]], 4, 4, "area"), "image must be rectangular"),
    "16 words": (lambda: fit(labels=["cat"] * 20), "labels must hold numbers, got a list"),
    "16 nothing": (lambda: fit(images=None), "images must hold numbers, got a NoneType"),
    "16 a PIL image": (lambda: fit(Image.new("L", (28, 28)), [3]), "images must be float32",
                       "got torch.uint8", "use np.float32(images) / 255"),
    "16 not a tensor": (lambda: training.shift_pixels(IMAGES, None), "images must be a tensor",
                        "got a NumPy array", "use torch.from_numpy(images)"),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"case_{case}")
def test_one_clear_error(case):
    call, *parts = TABLE[case]
    refused(call, *parts)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_case_07_labels_are_checked_before_the_first_step(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    model, seen = net().to(device), []
    before = [weight.detach().clone() for weight in model.parameters()]
    wrong = torch.tensor(LABELS, device=device).index_fill(0, torch.tensor([19], device=device), 10)
    refused(
        lambda: fit(labels=wrong, model=model, loss=lambda *given: seen.append(given)),
        "labels must be 0 … 9, found 10 at 19",
    )
    assert seen == [] and all(map(torch.equal, before, model.parameters()))
    assert len(fit(model=model)["loss"]) == 1  # the device still works


def test_case_12_bytes_warn_once_with_their_range():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        training.evaluate(net(), np.round(IMAGES * 255), LABELS)
    (warning,) = caught
    assert "images go from 0 to 255; divide by 255?" in str(warning.message)


@pytest.mark.parametrize("size", [0, -1, 1.5, "32"])
def test_case_13_batch_size(size):
    for call in (fit, lambda **size: training.evaluate(net(), IMAGES, LABELS, **size)):
        refused(lambda call=call: call(batch_size=size), "batch_size", "from 1", f"got {size!r}")
    assert len(fit(batch_size=1000)["loss"]) == 1  # larger than the data


def test_case_15_views_that_run_backwards():
    assert fit(IMAGES[::-1], LABELS[::-1], batch_size=20) == fit(
        IMAGES[::-1].copy(), LABELS[::-1].copy(), batch_size=20
    )
    assert 0 <= training.evaluate(net(), IMAGES[:, :, ::-1, ::2].repeat(2, 3), LABELS) <= 1
    assert np.array_equal(correlate(SQUARE[::-1], BOX), correlate(SQUARE[::-1].copy(), BOX))
    assert np.array_equal(resample(SQUARE[:, ::-1], 9, 9, "area"), SQUARE[:, ::-1])
    assert conv(IMAGES[::-1, :, ::2]).shape == (20, 2, 12, 26)
    assert segmentation.predict_classes(segmentation.fcn(3, 8), RGB8[::-1]).shape == (2, 8, 8)


@pytest.mark.parametrize("kind", ["list", "tensor", "with grad", "bfloat16", "PIL", "on the GPU"])
def test_case_16_other_kinds_of_images(kind, tmp_path):
    if kind == "on the GPU" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    bits = (SQUARE > 0.5).astype(np.uint8)
    given = {
        "list": lambda: bits.astype(float).tolist(),
        "tensor": lambda: torch.tensor(bits),
        "with grad": lambda: torch.tensor(bits).float().requires_grad_(),
        "bfloat16": lambda: torch.tensor(bits).bfloat16(),
        "PIL": lambda: Image.fromarray(bits),
        "on the GPU": lambda: torch.tensor(bits).cuda(),
    }[kind]()
    assert np.array_equal(correlate(given, BOX), correlate(bits, BOX))
    assert np.array_equal(resample(given, 9, 9, "nearest"), bits)
    if kind != "bfloat16":
        save_bitmap(tmp_path / "bits.png", given)
        assert np.array_equal(load_bitmap(tmp_path / "bits.png"), bits)


def test_case_16_images_with_grad_or_as_lists_are_trained_on():
    wanted = fit(batch_size=20)
    assert fit(torch.tensor(IMAGES, requires_grad=True), LABELS.tolist(), batch_size=20) == wanted
    assert layers.ReLU()([[1, -1]]).tolist() == [[1, 0]]  # a list, as any array


def test_case_17_model_and_seed_in_the_cell_give_the_same_again():
    runs = [fit(model=net(), seed=1, batch_size=4) for _ in range(2)]
    assert runs[0] == runs[1]


class Cell(ast.NodeVisitor):
    """A cell's names at its top level: bound, and read before the cell itself has bound them."""

    def __init__(self, source):
        self.bound, self.needed, self.hidden = set(), set(), set()
        self.tree = ast.parse(source)
        self.visit(self.tree)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store):
            self.bound.add(node.id)
        elif node.id not in self.bound | self.hidden:
            self.needed.add(node.id)

    def visit_Assign(self, node):
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node):
        self.visit(node.value)
        if isinstance(node.target, ast.Name) and node.target.id not in self.bound:
            self.needed.add(node.target.id)
        self.visit(node.target)

    def visit_For(self, node):
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)

    def visit_ExceptHandler(self, node):
        self.bound |= {node.name} - {None}
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.bound.add(node.name)

    def visit_ListComp(self, node):
        before = self.hidden
        targets = [part.target for part in node.generators]
        self.hidden = before | {
            name.id for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)
        }
        bound = set(self.bound)
        self.generic_visit(node)
        self.bound, self.hidden = bound, before

    visit_ClassDef = visit_FunctionDef
    visit_Lambda = lambda self, node: None  # noqa: E731
    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


# Cells that go on where they were, and still say the same.
GO_ON = {"shift-measure", "norm-torch-2"}
TRAINS = re.compile(r"fit|fit_\w+|train|train_\w+")
PARSED = [
    (cell, Cell(cell.source)) for path in CHAPTERS for cell in code_cells(read(path))
]  # chapter 1's `fit` returns weights, and trains nothing in place


def calls_outside_functions(tree):
    """The calls that run when the cell does."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node


def test_case_17_cells_that_train_build_their_model():
    found = {
        cell.id
        for cell, names in PARSED
        for called, node in calls_outside_functions(names.tree)
        if TRAINS.fullmatch(called) and isinstance(node.args[0], ast.Name)
        if node.args[0].id not in names.bound
    }
    assert found <= GO_ON


def test_case_18_no_cell_overwrites_what_it_reads():
    moved = re.compile(r"^(\w+) = \1\.to\(", re.M)  # to where it is already
    found = {
        cell.id
        for cell, names in PARSED
        if (names.needed & names.bound) - set(moved.findall(cell.source))
    }
    assert found <= GO_ON


def test_case_19_cells_that_go_back_start_from_zero():
    found = {
        cell.id
        for cell, names in PARSED
        if any(called.endswith(").backward") for called, _ in calls_outside_functions(names.tree))
        and "zero_grad" not in cell.source
        and not re.search(r"requires_grad=True|twin = ", cell.source)  # new leaves
    }
    assert not found


def test_case_19_layers_do_not_add_up_gradients():
    layer, x = layers.Conv2d(1, 2, 3), IMAGES[:2]
    dy = np.ones_like(layer(x))
    first = layer.backward(dy), *(value.copy() for value in layer.gradients.values())
    again = layer.backward(dy), *layer.gradients.values()
    assert all(map(np.array_equal, first, again))
