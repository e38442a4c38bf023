"""Every advice of every error, followed to the letter: with a NumPy array, a tensor, and lists.

A case makes a mistake; what the message advises, "use …", is evaluated with the argument's name
bound to what came, and the call is made again with it. Which advices there are is read out of the
source: one that no case reaches makes a test red.
"""

import ast
import functools
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from advised import advised, follow

from course_utils import filters, image_files, models, training
from course_utils import numpy_layers as layers
from course_utils.argument_checks import advice
from course_utils.data import load_photo
from course_utils.detection import metrics
from course_utils.detection.boxes import box_iou, convert_boxes
from course_utils.errors import ArgumentError
from course_utils.explorers import cnn, cnn_evolution, detection, feature_maps, image_data, outlines
from course_utils.figures import show_image
from course_utils.image_generation import gan, style
from course_utils.segmentation import metrics as segmentation_metrics
from course_utils.segmentation import networks as segmentation
from course_utils.segmentation import upsampling
from course_utils.segmentation.metrics import confusion_matrix

SOURCES = Path(advice.__file__).parents[1]
STEPS = {name for name, each in vars(advice).items() if inspect.isfunction(each)}
STEPS -= {"kind", "is_tensor", "_is_torch"}
RNG = np.random.default_rng(0)
GRAY, RGB = RNG.random((12, 12)).astype("f"), RNG.integers(0, 256, (12, 12, 3)).astype(np.uint8)
BATCH = RNG.random((4, 1, 28, 28)).astype("f")
DIGITS = np.arange(4)
BOXES = np.float32([[0, 0, 4, 4], [1, 1, 6, 6]])
SQUARES = np.zeros((2, 8, 8), bool)
SQUARES[0, :4], SQUARES[1, 4:] = True, True
CONV, COLOUR = layers.Conv2d(1, 2, 3), layers.Conv2d(3, 2, 3)
DOUBLE = layers.Conv2d(1, 2, 3, dtype=np.float64)
LINEAR = layers.Linear(784, 2)


def fit(images=BATCH, labels=DIGITS, model=None, **options):
    torch.manual_seed(0)
    model = model or models.digit_net(4, 4, 4)
    return training.fit(model, images, labels, epochs=1, **options)


def gray_fit(images):
    return fit(images, DIGITS[: len(images)])


def loss(labels):
    return layers.SoftmaxCrossEntropy()(np.zeros((4, 10)), labels)


def goes_back(dy):
    layer = layers.ReLU()
    layer(BATCH)
    return layer.backward(dy)


def unpool(indices):
    return upsampling.max_unpool2d(np.ones((1, 1, 2, 2)), indices, (4, 4))


def up(weight, dtype=np.float64):
    return upsampling.conv_transpose2d(np.ones((1, 3, 4, 4), dtype), weight)


def judge(name, value):
    """mean_average_precision with one part of a prediction replaced."""
    found = {"boxes": BOXES, "scores": np.float32([0.9, 0.8]), "labels": np.array([1, 2])}
    truth = {"boxes": BOXES, "labels": np.array([1, 2])}
    return metrics.mean_average_precision([found | {name: value}], [truth])


def table(name, value):
    said = {"boxes": np.tile(np.float64([0, 0, 4, 4]), (2, 2, 1)),
            "confidence": np.full((2, 2), 0.5), "classes": np.full((2, 2, 3), 1 / 3)}  # fmt: skip
    return detection.yolo_explorer(RGB, **(said | {name: value}), class_names=["a", "b", "c"])


def to_sizes(boxes):
    return convert_boxes(boxes, "xyxy", "xywh")


def save(bits, folder):
    image_files.save_bitmap(folder / "face.png", bits, overwrite=True)


def net(classes=10):
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.LazyLinear(3))


def fit_colours(images):
    return fit(images, DIGITS[:2], net())


def segment(images):
    return segmentation.predict_classes(segmentation.fcn(3, 8), images)


def both(call):
    """A call for whole arrays, in which the argument is the only one: call(value)."""
    return lambda value, folder, **options: call(value, **options)


TILES = np.zeros((2, 8, 8, 3), np.uint8)
VGG = style.vgg_features(trained=False)
TRANSFER = functools.partial(style.transfer_style, network=VGG, steps=1, size=16)
CASES = {  # mistake → (the argument's name, call(value, folder), the wrong array)
    "one gray image": ("x", both(CONV), BATCH[0, 0]),
    "one image": ("x", both(COLOUR), np.zeros((3, 8, 8), "f")),
    "one image, channels last": ("x", both(COLOUR), np.zeros((8, 8, 3), "f")),
    "gray images": ("x", both(CONV), BATCH[:, 0]),
    "channels last": ("x", both(CONV), BATCH.transpose(0, 2, 3, 1)),
    "channels last, colour": ("x", both(COLOUR), TILES.astype("f")),
    "images to Linear": ("x", both(LINEAR), BATCH),
    "bytes": ("x", both(CONV), (BATCH * 255).astype(np.uint8)),
    "bytes, double": ("x", both(DOUBLE), (BATCH * 255).astype(np.uint8)),
    "double": ("x", both(CONV), BATCH.astype(float)),
    "single": ("x", both(DOUBLE), BATCH),
    "half": ("x", both(CONV), BATCH.astype(np.float16)),
    "bool": ("x", both(CONV), BATCH > 0.5),
    "flat gradient": ("dy", both(goes_back), BATCH.reshape(4, -1)),
    "flat gradient of a row": ("dy", both(goes_back), BATCH.ravel()),
    "label column": ("labels", both(loss), DIGITS[:, None]),
    "one-hot labels": ("labels", both(loss), np.eye(10)[DIGITS]),
    "float labels": ("labels", both(loss), DIGITS.astype(float)),
    "fit, label column": ("labels", both(lambda labels: fit(labels=labels)), DIGITS[:, None]),
    "fit, one-hot": ("labels", both(lambda labels: fit(labels=labels)), np.eye(10)[DIGITS]),
    "fit, float labels": ("labels", both(lambda labels: fit(labels=labels)), DIGITS.astype("f")),
    "fit, gray images": ("images", both(gray_fit), BATCH[:, 0]),
    "fit, channels last": ("images", both(fit), BATCH.transpose(0, 2, 3, 1)),
    "fit, colour last": ("images", both(fit_colours), TILES.astype("f")),
    "fit, rows": ("images", both(fit), BATCH.reshape(4, -1)),
    "fit, bytes": ("images", both(fit), (BATCH * 255).astype(np.uint8)),
    "fit, double": ("images", both(fit), BATCH.astype(float)),
    "fit, bool": ("images", both(fit), BATCH > 0.5),
    "evaluate, channels last": (
        "images", both(lambda images: training.evaluate(models.digit_net(), images, DIGITS)),
        BATCH.transpose(0, 2, 3, 1)),
    "shift": ("images", both(lambda images: training.shift_pixels(images, None)), BATCH[:, 0]),
    "colour image": ("image", both(lambda image: filters.correlate(image, filters.BOX)), RGB),
    "whole numbers": (
        "image", both(lambda image: filters.resample(image, 4, 4, "area")), RGB.astype(int)),
    "gray bits": ("bits", save, RGB[..., 0]),
    "soft bits": ("bits", save, GRAY),
    "matches": ("correct", both(lambda correct: metrics.precision_recall([0.9, 0.8], correct, 3)),
                np.array([0, -1])),
    "soft masks": ("a", both(lambda a: metrics.mask_iou(a, SQUARES)), SQUARES * 0.9),
    "one mask": ("a", both(lambda a: metrics.mask_iou(a, SQUARES)), SQUARES[0]),
    "masks of Mask R-CNN": ("a", both(lambda a: metrics.mask_iou(a, SQUARES)),
                            SQUARES[:, None] * 0.9),
    "classes, float": ('predictions[0]["labels"]', both(functools.partial(judge, "labels")),
                       np.float32([1, 2])),
    "classes, column": ('predictions[0]["labels"]', both(functools.partial(judge, "labels")),
                        np.array([[1], [2]])),
    "scores, column": ('predictions[0]["scores"]', both(functools.partial(judge, "scores")),
                       np.float32([[0.9], [0.8]])),
    "one box": ("boxes", both(to_sizes), BOXES[0]),
    "corner and size": ("boxes", both(to_sizes), np.float32([[30, 30, 8, 8]])),
    "ids, float": ("truth", both(lambda truth: confusion_matrix(truth, [[0, 1]], 2)),
                   np.float64([[0, 1]])),
    "indices, float": ("indices", both(unpool), np.zeros((1, 1, 2, 2))),
    "weight, one kernel": ("weight", both(lambda weight: upsampling.conv_transpose2d(
        np.ones((1, 1, 4, 4)), weight)), np.ones((2, 2))),
    "weight, turned": ("weight", both(up), np.ones((2, 3, 2, 2))),
    "weight, single": ("weight", both(up), np.ones((3, 2, 2, 2), "f")),
    "mask, numbers": ("mask", both(segmentation.separate), SQUARES[0].astype(int)),
    "map, channels last": ("images", both(segment), TILES),
    "picture of a channel": ("image", both(show_image), GRAY[..., None]),
    "picture of 0 … 255": ("image", both(show_image), RGB[..., 0] / 1.0),
    "picture of −3 … 3": ("image", both(show_image), 6 * GRAY - 3),
    "whole numbers below 0": ("image", both(show_image), RGB[..., 0].astype(int) - 99),
    "colours of 0 … 255": ("image", both(show_image), RGB / 1.0),
    "colours of −3 … 3": ("image", both(show_image), RGB / 42.5 - 3),
    "colours of 16 bits": ("image", both(show_image), RGB.astype(int) * 257),
    "a picture with NaN": ("image", both(show_image), GRAY + np.diag(12 * [np.float32(np.nan)])),
    "a batch of pictures": ("image", both(show_image), RGB[None]),
    "photo with alpha": ("content", both(lambda content: TRANSFER(content, RGB)),
                         np.full((9, 9, 4), 9, np.uint8)),
    "photo with NaN": ("content", both(lambda content: TRANSFER(content, RGB)),
                       np.where(RGB > 250, np.nan, RGB)),
    "GAN, NaN": ("images", both(lambda images: gan.train_gan(
        gan.Generator(2, 2), gan.Discriminator(2), images, steps=1)),
        np.where(BATCH > 0.9, np.float32(np.inf), BATCH)),
    "image below 0": ("image", both(lambda image: image_data.shift_explorer(
        image, lambda x: x, lambda x, window: x, lambda x, down, right: x)), 6 * GRAY - 3),
    "map, NaN": ("images", both(segment), np.full((1, 3, 8, 8), np.nan)),
    "photo below 0": ("photo", both(cnn.kernel_explorer), RGB[..., 0] - 9.0),
    "pictures, gray floats": ("pictures['a']", both(
        lambda a: image_data.resolution_explorer({"a": a})), GRAY),
    "map, floats": ("images", both(segment), RNG.random((2, 3, 8, 8))),
    "crops, floats": ("image", both(
        lambda image: segmentation.random_crops(image, GRAY > 0.5, 2, 4)), GRAY),
    "picture, channels first": ("image", both(show_image), RGB.transpose(2, 0, 1)),
    "explorer, channels first": ("image", both(outlines.as_picture), RGB.transpose(2, 0, 1)),
    "explorer, batch": ("image", both(outlines.as_picture), RGB[None]),
    "explorer, floats": ("image", both(outlines.as_picture), (RGB / 255).astype("f")),
    "explorer, large floats": ("image", both(outlines.as_picture), RGB.astype("f")),
    "explorer, large": ("image", both(outlines.as_picture), np.zeros((500, 900, 3), np.uint8)),
    "photo of 0 … 1": ("photo", both(cnn.kernel_explorer), GRAY),
    "image of 0 … 1": ("image", both(feature_maps.pooling_explorer), GRAY),
    "gates turned": ("gates", both(lambda gates: cnn_evolution.gate_viewer(gates, "ab")),
                     RNG.random((5, 2))),
    "photos, gray": ("photos['a']", both(lambda a: cnn_evolution.augmentation_explorer({"a": a})),
                     RGB[..., 0]),
    "photos, floats": ("photos['a']", both(
        lambda a: cnn_evolution.augmentation_explorer({"a": a})), (RGB / 255).astype("f")),
    "photos, large": ("photos['a']", both(
        lambda a: cnn_evolution.augmentation_explorer({"a": a})), np.zeros((9, 500, 3), np.uint8)),
    "depth, gray images": ("images", both(cnn_evolution.gradient_norms), BATCH[:, 0]),
    "depth, NaN": ("images", both(cnn_evolution.gradient_norms), BATCH * np.float32(np.nan)),
    "table of a batch": ("confidence", both(functools.partial(table, "confidence")),
                         np.full((1, 2, 2), 0.5)),
    "style, gray": ("content", both(lambda content: TRANSFER(content, RGB)), RGB[..., 0]),
    "style, floats": ("content", both(lambda content: TRANSFER(content, RGB)), RGB / 255),
    "style, large floats": ("content", both(lambda content: TRANSFER(content, RGB)), RGB / 1.0),
    "GAN, 0 … 255": ("images", both(lambda images: gan.train_gan(
        gan.Generator(2, 2), gan.Discriminator(2), images, steps=1)), BATCH * 255),
    "GAN, −1.5 … 1.5": ("images", both(lambda images: gan.train_gan(
        gan.Generator(2, 2), gan.Discriminator(2), images, steps=1)),
        3 * BATCH - 1.5),
    "overlaps": ("ious", both(lambda ious: metrics.match_detections(ious, [0.9, 0.8])), BOXES,
                 {"boxes": BOXES, "truth": BOXES}),
    "overlaps, a row": ("ious", both(lambda ious: metrics.match_detections(ious, [0.9, 0.8])),
                        BOXES[0], {"boxes": BOXES, "truth": BOXES}),
    "no counts": ("matrix", both(segmentation_metrics.mean_iou), np.eye(2),
                  {"truth": [0, 1], "predicted": [0, 1], "classes": 2}),
    "depth, bytes": ("images", both(cnn_evolution.gradient_norms), (BATCH * 255).astype("u1")),
}  # fmt: skip
PLAIN = {  # mistakes with what is no array: (call(value), the wrong value, its name)
    "watch": (lambda watch: TRANSFER(RGB, RGB, watch=watch), 0, "watch"),
    "GAN's watch": (lambda watch: gan.train_gan(
        gan.Generator(2, 2), gan.Discriminator(2), torch.tensor(BATCH), steps=1,
        watch=watch), 0, "watch"),
    "one dict": (lambda predictions: metrics.mean_average_precision(
        predictions, [{"boxes": BOXES, "labels": [1, 2]}]),
        {"boxes": BOXES, "labels": [1, 2], "scores": [0.5, 0.5]}, "predictions"),
    "a loss of each": (lambda loss: fit(loss=loss),
                       functools.partial(torch.nn.functional.cross_entropy, reduction="none"),
                       "loss"),
    "no dict of photos": (cnn_evolution.augmentation_explorer, RGB, "photos"),
}  # fmt: skip
WORDS = {  # advices that are no code: what they say after "use"
    "larger images, or fewer layers that shrink them", "smaller images or models",
    "images of the size it was made for, or give its nn.Linear, after nn.Flatten(), as many "
    "inputs as reach it",
    "a kernel of at most {}, or more padding", "less", "a smaller image, or correlate",
    "a kernel of at most that size, or pad the image with np.pad",
    "the anchors of its grid",
    "what the sigmoid returns", "a sigmoid or softmax", "less than half of it",
    "both that max_pool2d_with_indices returns",
    "the size of what was pooled",
    "yolo.decode", "precision_recall",  # functions, whose arguments it cannot know
    "batch_size={}", "{}",  # followed in test_a_smaller_batch_…, test_the_device_…
}  # fmt: skip
FREE = {"box_iou": box_iou, "convert_boxes": convert_boxes,
        "load_photo": load_photo, "confusion_matrix": confusion_matrix}  # fmt: skip


class Followed:
    """What happened: places in the source whose advice was followed, and the messages."""

    def __init__(self):
        self.places, self.messages, self.made = set(), [], []

    def noticed(self, kind):
        """A function that notes a message, and which places in the source worded its advice."""

        def seen(message):
            code = advised(message)
            self.messages.append(message)
            self.places |= {
                (file, line, step, kind) for file, line, step, made in self.made if made in code
            }
            self.made.clear()

        self.made.clear()
        return seen

    def spy(self, name, function):
        """The function of `advice`, noting who asked for which code."""

        def noted(*arguments):
            code, frame = function(*arguments), sys._getframe(1)
            if frame.f_code.co_filename != advice.__file__:
                self.made.append((Path(frame.f_code.co_filename), frame.f_lineno, name, code))
            return code

        return noted


@pytest.fixture(scope="module")
def followed():
    """All cases followed once, for the tests of this module."""
    seen = Followed()
    with pytest.MonkeyPatch.context() as patch:
        for step in STEPS:
            patch.setattr(advice, step, seen.spy(step, getattr(advice, step)))
        yield seen


KINDS = {"array": lambda value: value.copy(), "tensor": torch.tensor, "list": lambda v: v.tolist()}


@pytest.mark.filterwarnings("ignore:images go from")  # what two cases give is not 0 … 1
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_the_advice_helps(case, kind, followed, tmp_path):
    name, call, wrong, *free = CASES[case]
    before = len(followed.messages)
    follow(
        lambda value, **options: call(value, tmp_path, **options), name, KINDS[kind](wrong),
        FREE | (free[0] if free else {}), followed.noticed(kind), optional=kind == "list",
    )  # fmt: skip
    assert len(followed.messages) > before or kind == "list", "there was no mistake"


@pytest.mark.parametrize("case", PLAIN)
def test_the_advice_for_other_things_helps(case, followed):
    call, wrong, name = PLAIN[case]
    before = len(followed.messages)
    follow(call, name, wrong, FREE, followed.noticed("other"))
    assert len(followed.messages) > before


def test_a_smaller_batch_is_one_that_can_be_asked_for(followed):
    def loss(logits, labels):
        if len(logits) > 2:
            raise RuntimeError("out of memory")
        return torch.nn.functional.cross_entropy(logits, labels)

    with pytest.raises(ArgumentError, match="batch_size 4 is too much") as caught:
        fit(loss=loss, batch_size=4)
    name, _, size = advised(str(caught.value)).partition("=")
    assert fit(loss=loss, **{name: int(size)})["loss"]


def test_the_device_that_is_advised_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match="not available here") as caught:
        training.pick_device("cuda")
    assert training.pick_device(ast.literal_eval(advised(str(caught.value))))


# which advices there are


def shown(node):
    """A text of the source as a template: its placeholders are {}."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def texts(tree):
    """The texts of a module that are no docstrings: (node, template)."""
    skipped = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    skipped |= {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in skipped:
            yield node, shown(node)


def asks_advice(node):
    return any(
        isinstance(part, ast.Attribute) and ast.unparse(part.value) == "advice"
        for part in ast.walk(node)
    )


def is_worded(node, function):
    """Whether what follows "use " comes from `advice`: called there, or under a name before."""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    for before, value in zip(parts, parts[1:], strict=False):
        if isinstance(before, ast.Constant) and re.search(r"\buse $", before.value):
            if asks_advice(value):
                return True
            given = [
                step.value
                for step in ast.walk(function)
                if isinstance(step, ast.Assign)
                if ast.unparse(step.targets[0]) == ast.unparse(value.value)
            ]
            return bool(given) and all(map(asks_advice, given))
    return False


def modules():
    """The modules that refuse arguments."""
    for path in sorted(SOURCES.rglob("*.py")):
        if "ArgumentError" in (source := path.read_text("utf-8")):
            yield path, ast.parse(source)


def advices_by_hand():
    """Every advice that is not worded by `advice`: (place, template of the whole text)."""
    for path, tree in modules():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for node, template in texts(tree):
            around = [f for f in functions if f.lineno <= node.lineno <= f.end_lineno]
            worded = around and is_worded(node, around[-1])
            if re.search(r"\buse ", template) and not worded:
                yield f"{path.name}:{node.lineno}", template


def worded_advices():
    """Every place that asks `advice` for code: (file, first and last line, function)."""
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt) and not hasattr(node, "body") and asks_advice(node):
                for part in ast.walk(node):
                    if isinstance(part, ast.Attribute) and part.attr in STEPS:
                        yield path, node.lineno, node.end_lineno, part.attr


ONLY_ARRAYS = {"as_tensor"}  # for a tensor it is a cast, which the same place words


def test_every_worded_advice_is_followed_with_arrays_and_tensors(followed):
    if len(followed.messages) < len(CASES):
        pytest.skip("the cases before this test were not run")
    missing = [
        f"{path.name}:{first} {step}, with {kind}"
        for path, first, last, step in worded_advices()
        for kind in ("array", "tensor")
        if not any(
            file == path and first <= line <= last and name == step and came == kind
            for file, line, name, came in followed.places
        )
    ]
    assert missing == []


def test_every_other_advice_is_followed_or_is_words(followed):
    if len(followed.messages) < len(CASES):
        pytest.skip("the cases before this test were not run")
    unused, missing = set(WORDS), []
    for place, template in advices_by_hand():
        said = re.split(r"\buse ", template)[-1]
        if said in WORDS:
            unused.discard(said)
            continue
        pattern = ".*".join(map(re.escape, template.split("{}")))
        if not any(re.search(pattern, message) for message in followed.messages):
            missing.append(f"{place} {template}")
    assert missing == [] and unused == set()


def test_the_search_sees_an_advice_by_hand():
    source = 'def f(x):\n    fix = x.lower()\n    raise ArgumentError(f"x must be y; use {fix}")\n'
    tree = ast.parse(source)
    ((node, template),) = texts(tree)
    assert template == "x must be y; use {}" and not is_worded(node, tree.body[0])
    tree = ast.parse(source.replace("x.lower()", "advice.part(1, x, '')"))
    assert [is_worded(node, tree.body[0]) for node, text in texts(tree) if "use" in text] == [True]
