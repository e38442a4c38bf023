"""Gradients of the course's networks in `channels_last` against those in the ordinary layout.

`python tests/layouts.py` prints JSON: name of each case → largest difference of a gradient, as a
share of the largest number in it. It runs in a process of its own: what it looks for has killed
processes (uxlfoundation/oneDNN#6035). OMP_NUM_THREADS says how many threads.
"""

import copy
import inspect
import json
import pkgutil
import types
from pathlib import Path

import torch
from torch import nn

import course_utils
from course_utils import efficientnet, models
from course_utils.detection import two_stage, yolo
from course_utils.detection.yolov3 import YOLOv3Tiny
from course_utils.image_generation import gan, style
from course_utils.models import Residual, SqueezeExcitation, conv_norm, small_resnet
from course_utils.segmentation import instances
from course_utils.segmentation import networks as segmentation
from course_utils.segmentation.person import PersonNet

BATCH = 5  # odd
MANY = 1_000_000
NARROW = (1, 3, 4, 8, 12)  # fewer channels than a processor's block of 16
AGAIN = 2  # memory that is written beside its place shows sooner or later


def networks():
    """Dict of name → (function that builds it, shape of one input, function of model and input)."""
    plain = {
        "lenet5": (models.lenet5, (1, 32, 32)),
        "digit_net": (models.digit_net, (1, 28, 28)),
        "digit_net, narrow": (lambda: models.digit_net(3, 5, 7), (1, 28, 28)),
        "alexnet": (models.alexnet, (3, 64, 64)),
        "vgg": (lambda: models.vgg(11, 10), (3, 32, 32)),
        "resnet 18": (lambda: models.resnet(18, 10), (3, 48, 48)),
        "resnet 50": (lambda: models.resnet(50, 10), (3, 48, 48)),
        "efficientnet_lite0": (lambda: efficientnet.efficientnet_lite0(False), (3, 64, 64)),
        "PersonNet": (PersonNet, (3, 64, 64)),
        "yolo_network": (lambda: yolo.yolo_network(4), (3, 64, 64)),
        "fcn": (lambda: segmentation.fcn(width=4), (3, 64, 64)),
        "UNet": (lambda: segmentation.UNet(width=4), (3, 64, 64)),
        "SqueezeExcitation": (lambda: nn.Sequential(conv_norm(3, 8, 3), SqueezeExcitation(8)),
                              (3, 15, 15)),
        "Discriminator": (lambda: gan.Discriminator(8), (1, 28, 28)),
    }  # fmt: skip
    for width in NARROW:
        for side in (14, 15):
            plain[f"small_resnet, width {width}, side {side}"] = (
                lambda width=width: small_resnet(1, width, se=True), (1, side, side)
            )  # fmt: skip
        for stride in (1, 2, 3):
            plain[f"Residual, {width} channels, stride {stride}"] = (
                lambda width=width, stride=stride: Residual(width, 2 * width, stride),
                (width, 14, 14),
            )
            plain[f"bottleneck, {width} channels, stride {stride}"] = (
                lambda width=width, stride=stride: Residual(width, width, stride, bottleneck=True),
                (width, 14, 14),
            )
    found = {
        name: (make, shape, lambda model, x: model(x)) for name, (make, shape) in plain.items()
    }
    found["VGGFeatures"] = (
        lambda: style.VGGFeatures(), (3, 32, 32), lambda model, x: [*model(x).values()]
    )  # fmt: skip
    found["YOLOv3Tiny"] = (YOLOv3Tiny, (3, 64, 64), lambda model, x: [*model(x)])
    found["Generator"] = (
        lambda: gan.Generator(6, 8), (6,), lambda model, x: model(x)
    )  # fmt: skip
    found["TwoStage"] = (two_stage.TwoStage, (3, 64, 64), _two_stage)
    found["MaskHead"] = (
        lambda: instances.MaskHead(8, (3, 8, 12)), (3, 32, 32), _masks
    )  # fmt: skip
    found["BasicBlock, as chapter 3 types it"] = (
        lambda: typed_block()(8, 16, 2), (8, 14, 14), lambda model, x: model(x)
    )  # fmt: skip
    return found


def _two_stage(model, images):
    maps, eighth = model.body(images)
    rois = torch.tensor([[0.0, 3, 4, 40, 50], [1, 0, 0, 63, 30], [4, 10, 10, 30, 60]])
    return [model.rpn(eighth), *model.regions(maps, rois)]


def _masks(model, image):
    maps = [image, image.mean(1, keepdim=True).expand(-1, 8, -1, -1)[:, :, ::2, ::2],
            image.mean(1, keepdim=True).expand(-1, 12, -1, -1)[:, :, ::4, ::4]]  # fmt: skip
    boxes = torch.tensor([[1.0, 2, 30, 40], [5, 5, 60, 60], [0, 0, 20, 9]])
    return model(maps, [boxes] * len(image))


def typed_block():
    """The residual block of chapter 3's cells."""
    chapter = Path(__file__).parents[1] / "notebooks" / "03_cnn_evolution.ipynb"
    there = types.ModuleType("typed")
    exec("import torch\nfrom torch import nn\nfrom torch.nn import functional", there.__dict__)
    for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.startswith(("def conv_norm", "class BasicBlock")):
            exec(source, there.__dict__)
    return there.BasicBlock


def gradients(model, x, answer):
    """The gradients of a random but fixed sum of the answers: of the input, of each weight."""
    model.zero_grad()
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    answers = answer(model, x)
    answers = answers if isinstance(answers, list) else [answers]
    draw = torch.Generator().manual_seed(2)
    total = sum((y * torch.randn(y.shape, generator=draw)).sum() for y in answers)
    total.backward()
    named = {name: weight.grad for name, weight in model.named_parameters()}
    return {"input": x.grad} | {name: grad for name, grad in named.items() if grad is not None}


def largest_difference(make, shape, answer):
    """Between the two layouts, over AGAIN times: relative to a gradient's largest number."""
    torch.manual_seed(0)
    model = make().train()
    for part in model.modules():
        if isinstance(part, nn.Linear) and part.weight.numel() > MANY:
            part.requires_grad_(False)  # layers without a layout, which would take most of the time
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()  # with five pictures its gradients would only be rounding
    x = torch.randn(BATCH, *shape)
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    wanted = gradients(model, x, answer)
    if x.ndim == 4:
        x = x.to(memory_format=torch.channels_last)
    worst = 0.0
    for _ in range(AGAIN):
        for name, grad in gradients(last, x, answer).items():
            assert torch.isfinite(grad).all(), f"{name}: not finite"
            size = wanted[name].abs().max().clamp_min(1e-12)
            worst = max(worst, float((grad - wanted[name]).abs().max() / size))
    return worst


def module_classes():
    """The nn.Module classes of course_utils."""
    found = set()
    for info in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        source = Path(info.module_finder.path, *info.name.split(".")[-1:]).with_suffix(".py")
        if source.is_file() and "nn.Module)" in source.read_text(encoding="utf-8"):
            module = __import__(info.name, fromlist=["*"])
            found |= {
                kind for kind in vars(module).values()
                if inspect.isclass(kind) and issubclass(kind, nn.Module)
                and kind.__module__ == info.name
            }  # fmt: skip
    return found


def main():
    """Print every case's largest difference."""
    found = {name: largest_difference(*case) for name, case in networks().items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
