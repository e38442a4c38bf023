"""What a GPU would find: networks and losses on fake CUDA tensors; arrays come back to the CPU.

torch's FakeTensorMode knows shapes, dtypes and devices and computes nothing: a network that mixes
devices fails there as it would on a card. It does not run backward passes, and nothing whose shape
depends on the numbers (non-maximum suppression).
"""

import ast
import re

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.nn import functional

from course_utils import efficientnet, models
from course_utils.detection import rcnn, two_stage, yolo, yolov3
from course_utils.image_generation import gan, style
from course_utils.segmentation import networks, person
from notebooks_as_files import CHAPTERS, ROOT, code_cells, read

CUDA = "cuda:0"
DIGITS, PHOTO, SCENE = (2, 1, 28, 28), (2, 3, 224, 224), (2, 3, 64, 64)


class TwoStageBody(two_stage.TwoStage):
    """The body and the RPN alone."""

    def forward(self, images):
        return self.rpn(self.body(images)[1])


class TwoStageRegions(two_stage.TwoStage):
    """The head, on given regions."""

    def forward(self, images, rois):
        return self.regions(self.body(images)[0], rois)


NETWORKS = {  # name → function that builds it, shape of its input
    "lenet5": (models.lenet5, (2, 1, 32, 32)),
    "digit_net": (models.digit_net, DIGITS),
    "alexnet": (models.alexnet, (2, 3, 227, 227)),
    "vgg": (models.vgg, PHOTO),
    "resnet": (lambda: models.resnet(50), PHOTO),
    "se_resnet": (lambda: models.resnet(18, se=True), PHOTO),
    "small_resnet": (models.small_resnet, DIGITS),
    "efficientnet_lite0": (lambda: efficientnet.efficientnet_lite0(trained=False), PHOTO),
    "yolo_network": (yolo.yolo_network, SCENE),
    "yolov3_tiny": (yolov3.YOLOv3Tiny, (1, 3, 416, 416)),
    "crop_network": (rcnn.crop_network, (2, 3, 24, 24)),
    "fcn": (networks.fcn, SCENE),
    "unet": (networks.UNet, SCENE),
    "person_network": (person.PersonNet, (1, 3, 256, 256)),
    "vgg_features": (lambda: style.vgg_features(trained=False), PHOTO),
    "two_stage body": (TwoStageBody, SCENE),
    "two_stage regions": (TwoStageRegions, SCENE, (5, 5)),
    "generator": (lambda: gan.Generator(classes=0), (4, 64)),
    "discriminator": (gan.Discriminator, DIGITS),
}


def moved(network):
    """Dict of name → a fake tensor on the card, for each parameter and buffer of a network."""
    named = [*network.named_parameters(), *network.named_buffers()]
    return {name: torch.empty(part.shape, dtype=part.dtype, device=CUDA) for name, part in named}


def tensors(value):
    """All tensors in a result, of whatever shape it is."""
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [tensor for part in parts for tensor in tensors(part)]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_stays_on_its_card(name):
    make, *shapes = NETWORKS[name]
    network = make()
    for training_mode in (True, False):
        network.train(training_mode)
        with FakeTensorMode():
            inputs = [torch.empty(shape, device=CUDA) for shape in shapes]
            found = tensors(functional_call(network, moved(network), tuple(inputs)))
        assert found and {str(tensor.device) for tensor in found} == {CUDA}


def test_a_fake_card_finds_mixed_devices():
    with FakeTensorMode(), pytest.raises(RuntimeError, match="same device"):
        torch.empty(2, device=CUDA) + torch.empty(2)


LOSSES = {
    "cross-entropy": lambda: functional.cross_entropy(
        torch.empty(4, 10, device=CUDA), torch.zeros(4, dtype=torch.long, device=CUDA)
    ),
    "discriminator": lambda: gan.discriminator_loss(
        torch.empty(4, 1, device=CUDA), torch.empty(4, 1, device=CUDA)
    ),
    "generator": lambda: gan.generator_loss(torch.empty(4, 1, device=CUDA)),
    "gram matrix": lambda: style.gram_matrix(torch.empty(1, 8, 16, 16, device=CUDA)),
    "content": lambda: style.content_loss(
        torch.empty(1, 8, 16, 16, device=CUDA), torch.empty(1, 8, 16, 16, device=CUDA)
    ),
    "total variation": lambda: style.total_variation(torch.empty(1, 3, 16, 16, device=CUDA)),
    "YOLO's decoding": lambda: yolo.decode(torch.empty(2, 15, 8, 8, device=CUDA)),
    "YOLOv3's decoding": lambda: yolov3.decode(
        torch.empty(1, 255, 13, 13, device=CUDA), yolov3.COARSE
    ),
    "generalised IoU": lambda: yolo.paired_giou(
        torch.empty(5, 4, device=CUDA), torch.empty(5, 4, device=CUDA)
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_or_a_decoding_stays_on_the_card(name):
    with FakeTensorMode():
        assert {str(tensor.device) for tensor in tensors(LOSSES[name]())} == {CUDA}


ON_CPU = {  # places whose tensor is on the CPU already → why
    "course_utils/segmentation/networks.py": "each part comes back when it is computed",
    "course_utils/segmentation/person.py": "what the network found comes back before it is resized",
    "course_utils/image_generation/gan.py": "the page is made on the CPU",
    "course_utils/explorers/generation.py": "draw_pictures gives pictures on the CPU",
    "course_utils/explorers/cnn_evolution.py": "an explorer's photo never leaves it",
    "course_utils/detection/yolo.py": "boxes and scores come back before the suppression",
    "course_utils/detection/yolov3.py": "both outputs come back before they are decoded",
    "course_utils/argument_checks/arrays.py": "the line above takes it to the CPU",
    "course_utils/exercises": "answers to exercises are computed on the CPU",
}


def conversions(source):
    """The expressions of a module on which `.numpy()` is called."""
    for node in ast.walk(ast.parse(source)):
        call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if call and node.func.attr == "numpy" and not node.args:
            yield ast.unparse(node.func.value)


def test_what_becomes_numpy_comes_back_to_the_cpu_first():
    for path in sorted((ROOT / "course_utils").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for expression in conversions(path.read_text(encoding="utf-8")):
            known = any(name.startswith(place) for place in ON_CPU)
            assert ".cpu()" in expression or known, f"{name}: {expression}.numpy()"
    for place in ON_CPU:
        assert (ROOT / place).exists(), place


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_cells_that_compute_on_the_device_bring_arrays_back(path):
    for cell in code_cells(read(path)):
        if not re.search(r"\.to\((device|where)\b", cell.source):
            continue
        source = re.sub(r"^[%!].*$", "", cell.source, flags=re.M)
        for expression in conversions(source):
            if re.search(r"\b(device|where)\b", expression):
                assert ".cpu()" in expression, f"{cell.id}: {expression}.numpy()"


NAMED = re.compile(r"""\.cuda\(|(?:device|to)\(?=?\s*["'](?:cuda|mps)""")


def test_no_device_is_named_outside_pick_device():
    for path in (ROOT / "course_utils").rglob("*.py"):
        if path.name == "distributed.py":  # torchrun gives each process a card of its own
            continue
        found = NAMED.findall(path.read_text(encoding="utf-8"))
        assert not found, f"{path}: {found}"
    for path in CHAPTERS:
        for cell in code_cells(read(path)):
            assert not NAMED.search(cell.source), f"{path.name}: {cell.id}"
