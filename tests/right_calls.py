"""A right call of every public function of the package that takes an array or a tensor."""

import ast
import functools
import importlib
import re
from dataclasses import is_dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC
from torch import nn

from course_utils import models
from course_utils import numpy_layers as layers
from course_utils.detection import rcnn, two_stage, yolo, yolov3
from course_utils.detection.boxes import encode_boxes
from course_utils.detection.proposals import merge_regions
from course_utils.filters import BOX
from course_utils.image_generation import gan, style
from course_utils.segmentation import instances, person
from course_utils.segmentation import networks as segmentation
from course_utils.synthetic_scenes import digit_scenes

SOURCES = Path(layers.__file__).parent
TOOLS = {  # modules that a notebook does not call: what they hold is called by all others
    "argument_checks.advice", "argument_checks.arrays", "argument_checks.models",
    "argument_checks.pictures", "argument_checks.regions", "argument_checks.tensors",
    "command.preview", "command.collecting.answer_trials", "doctor", "distributed",
    "explorers.outlines", "explorers.engine", "explorers.kernel_grid",
}  # fmt: skip
WITHOUT = {  # functions without an array among their arguments
    "synthetic_scenes.object_pictures", "data.load_mnist", "data.load_fashion_mnist",
    "data.load_photo",
    "data.load_texture", "data.load_cutout", "data.load_nuclei", "data.load_weights",
    "data.photo_names", "data.cutout_names", "data.manifest", "data.check_all",
    "data.read_checked", "profiling.count_parameters", "profiling.multiply_adds",
    "efficientnet.efficientnet_lite0", "efficientnet.imagenet_names",
    "explorers.cnn.integral_explorer", "explorers.feature_maps.visits",
    "explorers.feature_maps.shape_explorer", "explorers.generation.latent_explorer",
    "explorers.iou.iou_explorer", "explorers.style.load_large_style",
    "explorers.style.load_style_snapshots", "figures.show",
    "figures.show_blocks", "figures.bundle", "figures.alt_metadata", "figures.render",
    "figures.encode", "figures.fit", "figures.describe",
    "large_type.make_legible", "large_type.fits", "segmentation.figures.show_unet",
    "image_generation.gan.initialise", "image_generation.gan.fixed_noise", "models.lenet5",
    "models.digit_net", "models.alexnet", "models.vgg", "models.conv_norm", "models.stages",
    "models.resnet", "models.small_resnet", "image_files.load_image", "image_files.decode_image",
    "image_files.load_bitmap", "image_files.own_picture", "downloads.fetch_detector",
    "downloads.pretrained_detector", "downloads.fetch", "downloads.keep_in",
    "downloads.downloaded",
    "detection.proposals.similarity", "detection.proposals.join",
    "detection.rcnn.crop_network", "synthetic_scenes.digit_scenes",
    "synthetic_scenes.object_scenes", "synthetic_scenes.split_cutouts", "segmentation.networks.fcn",
    "image_generation.style.vgg_features", "training.pick_device",
    "training.free_memory", "profiling.Stopwatch", "profiling.can_compile",
    "profiling.processor_name", "profiling.time_call", "training.short_type_is_quick",
    "training.short_type", "training.mode",
    "detection.two_stage.anchor_boxes",
    "segmentation.upsampling.bilinear_kernel", "training.train", "numpy_layers.Layer",
    "numpy_layers.require_call", "numpy_layers.uniform_parameters", "detection.yolo.yolo_network",
    "detection.yolov3.yolov3_tiny", "detection.yolov3.coco_classes",
    "segmentation.person.person_network",
}  # fmt: skip
TIMED = {"detection.rcnn.detect"}  # what it returns second are seconds
RNG, DRAW = np.random.default_rng(0), torch.Generator()
SCENES = digit_scenes(3, seed=1, digits=(2, 3))
SCENE = SCENES[0]
PIXELS = torch.tensor(np.stack([scene.image for scene in SCENES])).permute(0, 3, 1, 2)
MAPS = torch.tensor(np.stack([scene.semantic for scene in SCENES]))
BOXES, TRUTH = np.float32([[0, 0, 8, 8], [1, 1, 9, 9]]), np.float32([[0, 0, 9, 9], [2, 2, 9, 9]])
SCORES, LABELS = np.float32([0.9, 0.8]), np.array([1, 2])
MASKS = np.zeros((2, 8, 8), bool)
MASKS[0, :4], MASKS[1, 4:] = True, True
FOUND = {"boxes": BOXES, "scores": SCORES, "labels": LABELS, "masks": MASKS}
DIGITS = torch.rand(6, 1, 28, 28)
CLASSES, IDS = np.array([[0, 1], [1, 1]]), np.array([[0, 1001], [1001, 2001]])
REGIONS = np.repeat([[0, 0, 1, 1, 2, 2, 3, 3]], 8, axis=0)
RGB, GRAY = SCENE.image, SCENE.image[..., 0]
SMALL = RGB[:8, :8]
STAGES = nn.ModuleList(two_stage.TwoStage().eval().stages)
CROPS = rcnn.Crops(torch.rand(12, 3, 24, 24), np.tile(BOXES, (6, 1)), np.tile(TRUTH, (6, 1)),
                   np.tile([0, 1], 6), np.tile([1, 0.7, 0.1], 4))  # fmt: skip


def pooled(x, window):
    return x[: len(x) // window * window : window, : x.shape[1] // window * window : window]


def rcnn_of(images, boxes_list, labels_list, proposals_list, epochs=1, copies=4):
    """An RCNN trained as chapter 4 types it, but for the hard negatives."""
    torch.manual_seed(0)
    data = rcnn.training_crops(images, boxes_list, labels_list, proposals_list, copies)
    classes = int(data.labels.max()) + 1
    network = rcnn.crop_network(classes)
    rcnn.train_network(network, data, epochs)
    both = rcnn.extract_features(network, data.crops)
    scales = tuple(float(1 / np.linalg.norm(part, axis=1).mean()) for part in both)
    pool, features = (factor * part for factor, part in zip(scales, both, strict=True))
    known = (data.ious == 1) | (data.ious < 0.3)
    wanted = np.where(data.ious == 1, data.labels, classes)[known]
    svm = LinearSVC(C=0.3, random_state=0).fit(features[known], wanted)
    near = [(data.ious > 0.6) & (data.ious < 1) & (data.labels == k) for k in range(classes)]
    ridges = [Ridge().fit(pool[k], encode_boxes(data.boxes[k], data.truth[k])) for k in near]
    return rcnn.RCNN(network, scales, svm, ridges)


@functools.cache
def trained():
    return rcnn_of([RGB], [BOXES], [LABELS - 1], [np.float32([[20, 20, 40, 40]])])


def judge():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 3))


def network(kind, **sizes):
    torch.manual_seed(0)
    return kind(**sizes).eval()


def sparing_yolov3():
    """A YOLOv3Tiny sure of one class at one anchor: untrained it offers tens of thousands boxes."""
    made = network(yolov3.YOLOv3Tiny)
    for place in yolov3.HEADS:
        with torch.no_grad():
            made.c[place].bias[4:] = -4
            made.c[place].bias[4:6] = 4
    return made


def gans():
    torch.manual_seed(0)
    return {"generator": gan.Generator(3, 2), "discriminator": gan.Discriminator(2)}


TABLE = {"boxes": torch.rand(2, 2, 4).sort().values, "confidence": torch.rand(2, 2),
         "classes": torch.full((2, 2, 3), 1 / 3)}  # fmt: skip
EXAMPLES = {  # function → a right call: keyword arguments, made anew each time
    "detection.boxes.convert_boxes": lambda: {"boxes": BOXES, "given": "xyxy", "wanted": "xywh"},
    "detection.boxes.box_iou": lambda: {"a": BOXES, "b": TRUTH},
    "detection.boxes.generalized_box_iou": lambda: {"a": BOXES, "b": TRUTH},
    "detection.boxes.nms": lambda: {"boxes": BOXES, "scores": SCORES, "threshold": 0.5},
    "detection.boxes.batched_nms": lambda: {
        "boxes": BOXES, "scores": SCORES, "labels": LABELS, "threshold": 0.5},
    "detection.boxes.encode_boxes": lambda: {"proposals": BOXES, "truth": TRUTH},
    "detection.boxes.decode_boxes": lambda: {"proposals": BOXES, "deltas": BOXES / 10},
    "efficientnet.prepare": lambda: {"image": RGB},
    "explorers.cnn.curve": lambda: {"name": "box", "t": np.linspace(0, 1, 5)},
    "explorers.cnn.window_explorer": lambda: {"image": CLASSES, "kernel": CLASSES},
    "explorers.cnn.kernel_explorer": lambda: {"photo": GRAY},
    "explorers.cnn_evolution.gradient_norms": lambda: {"images": DIGITS, "blocks": 1},
    "explorers.cnn_evolution.depth_explorer": lambda: {"images": DIGITS},
    "explorers.cnn_evolution.augmentation_explorer": lambda: {"photos": {"a": RGB}},
    "explorers.cnn_evolution.gate_viewer": lambda: {"gates": torch.rand(2, 5), "names": "ab"},
    "explorers.detection.yolo_explorer": lambda: {
        "image": RGB, **TABLE, "class_names": ["a", "b", "c"]},
    "explorers.detection.nms_explorer": lambda: {
        "image": RGB, "boxes": BOXES, "scores": SCORES, "labels": LABELS,
        "class_names": ["a", "b", "c"]},
    "explorers.feature_maps.pooling_explorer": lambda: {"image": GRAY},
    "explorers.generation.walk": lambda: {
        "start": torch.randn(5), "end": torch.randn(5), "way": torch.linspace(0, 1, 3)},
    "explorers.image_data.resolution_explorer": lambda: {"pictures": {"a": RGB, "b": GRAY}},
    "explorers.image_data.channel_mixer": lambda: {"photo": RGB},
    "explorers.image_data.shift_explorer": lambda: {
        "image": GRAY, "convolve": lambda x: x[2:, 2:], "pool": pooled,
        "shift": lambda x, down, right: np.roll(x, (down, right), (0, 1))},
    "explorers.pixel_editor.PixelEditor": lambda: {"bits": CLASSES},
    "explorers.segmentation.merge_explorer": lambda: {
        "image": SMALL, "maps": [REGIONS, REGIONS // 2]},
    "explorers.segmentation.region_boxes": lambda: {"labels": REGIONS},
    "explorers.segmentation.overlay_explorer": lambda: {
        "image": SMALL, "semantic": REGIONS, "class_names": list("abcd"), "masks": MASKS,
        "colours": RGB[0, :4]},
    "explorers.style.style_explorer": lambda: {
        "snapshots": {("a", "b"): {r: style.StyleTransfer(RGB, {}, [1.0], [1.0], [1.0])
                                   for r in (1, 10)}},
        "originals": {"a": RGB, "b": GRAY}},
    "figures.show_image": lambda: {"image": RGB},
    "figures.show_row": lambda: {"pictures": {"a": RGB, "b": GRAY / 255}},
    "figures.show_values": lambda: {"matrix": CLASSES},
    "filters.correlate": lambda: {"image": GRAY, "kernel": BOX},
    "filters.conv_matrix": lambda: {"kernel": BOX, "height": 5, "width": 5},
    "image_generation.gan.discriminator_loss": lambda: {
        "real": torch.randn(4), "fake": torch.randn(4)},
    "image_generation.gan.generator_loss": lambda: {"fake": torch.randn(4)},
    "image_generation.gan.Generator": lambda: (network(gan.Generator, latent=3, width=2, classes=2),
                              {"noise": torch.randn(2, 3), "labels": torch.tensor([0, 1])}),
    "image_generation.gan.Discriminator": lambda: (network(gan.Discriminator, width=2, classes=2),
                                  {"pictures": DIGITS[:2], "labels": torch.tensor([0, 1])}),
    "image_generation.gan.train_gan": lambda: {**gans(), "images": DIGITS, "steps": 1},
    "image_generation.gan.draw_pictures": lambda: {
        "generator": network(gan.Generator, latent=3, width=2, classes=2),
        "noise": torch.randn(2, 3), "labels": torch.tensor([0, 1])},
    "image_generation.gan.sheet": lambda: {"pictures": DIGITS, "columns": 3},
    "image_generation.figures.show_duel": lambda: {"story": np.eye(4, 5) + 1, "rounds": [0, 3]},
    "image_generation.figures.show_losses": lambda: {
        "losses": {"D": np.ones(30), "G": torch.ones(30)}},
    "image_generation.measures.judge_pictures": lambda: {
        "classifier": judge(), "pictures": DIGITS, "labels": torch.tensor([0, 1, 2, 0, 1, 2])},
    "image_generation.measures.nearest": lambda: {"pictures": DIGITS[:2], "training": DIGITS[2:]},
    "image_generation.measures.spread": lambda: {"pictures": DIGITS},
    "segmentation.instances.feature_maps": lambda: {"stages": STAGES, "images": PIXELS / 255},
    "segmentation.instances.MaskHead": lambda: (
        network(instances.MaskHead, width=4),
        {"maps": instances.feature_maps(STAGES, PIXELS / 255), "boxes_list": 3 * [BOXES]}),
    "segmentation.instances.mask_targets": lambda: {"masks_list": [MASKS], "boxes_list": [BOXES]},
    "segmentation.instances.widen_boxes": lambda: {"boxes": BOXES},
    "segmentation.instances.jitter_boxes": lambda: {
        "boxes": BOXES, "share": 0.1, "generator": DRAW.manual_seed(0)},
    "segmentation.instances.train_mask_head": lambda: {
        "head": network(instances.MaskHead, width=4), "stages": STAGES,
        "images": PIXELS, "masks_list": [scene.masks for scene in SCENES],
        "boxes_list": [scene.boxes for scene in SCENES]},
    "segmentation.instances.paste_masks": lambda: {
        "masks": torch.rand(2, 4, 4), "boxes": BOXES, "height": 9, "width": 9},
    "segmentation.instances.add_masks": lambda: {
        "found": 3 * [FOUND], "head": network(instances.MaskHead, width=4),
        "stages": STAGES, "images": PIXELS / 255},
    "numpy_layers.SoftmaxCrossEntropy": lambda: (
        layers.SoftmaxCrossEntropy(), {"logits": np.eye(2, 3), "labels": LABELS}),
    "detection.metrics.match_detections": lambda: {"ious": np.eye(2), "scores": SCORES},
    "detection.metrics.precision_recall": lambda: {
        "scores": SCORES, "correct": np.array([True, False]), "truths": 2},
    "detection.metrics.average_precision": lambda: {
        "precision": np.ones(2), "recall": np.float64([0.5, 1])},
    "detection.metrics.class_average_precision": lambda: {
        "predictions": [FOUND], "targets": [FOUND]},
    "detection.metrics.mean_average_precision": lambda: {
        "predictions": [FOUND], "targets": [FOUND], "kind": "masks"},
    "models.SqueezeExcitation": lambda: (
        network(models.SqueezeExcitation, channels=4), {"x": torch.rand(1, 4, 5, 5)}),
    "models.Residual": lambda: (
        network(models.Residual, ins=4, width=4), {"x": torch.rand(1, 4, 5, 5)}),
    "segmentation.panoptic.panoptic_quality": lambda: {"truth": IDS, "predicted": [IDS]},
    "segmentation.panoptic.merge_panoptic": lambda: {
        "semantic": REGIONS, "found": FOUND, "things": 3},
    "image_files.save_bitmap": lambda: {"path": "face.png", "bits": CLASSES, "overwrite": True},
    "detection.proposals.starting_regions": lambda: {"image": RGB},
    "detection.proposals.neighbours": lambda: {"regions": REGIONS},
    "detection.proposals.describe_regions": lambda: {"image": SMALL, "regions": REGIONS},
    "detection.proposals.merge_regions": lambda: {"image": SMALL, "regions": REGIONS},
    "detection.proposals.regions_after": lambda: {
        "regions": REGIONS, "merges": merge_regions(SMALL, REGIONS)[1], "count": 2},
    "detection.proposals.selective_search": lambda: {"image": RGB},
    "detection.rcnn.warp_crops": lambda: {"image": RGB, "boxes": BOXES},
    "detection.rcnn.training_crops": lambda: {
        "images": [RGB], "boxes_list": [BOXES], "labels_list": [LABELS],
        "proposals_list": [TRUTH]},
    "detection.rcnn.recolour": lambda: {"crops": CROPS.crops, "generator": DRAW.manual_seed(0)},
    "detection.rcnn.train_network": lambda: {
        "network": network(rcnn.crop_network, classes=2), "data": CROPS, "epochs": 1},
    "detection.rcnn.extract_features": lambda: {
        "network": network(rcnn.crop_network, classes=2), "crops": CROPS.crops},
    "detection.rcnn.class_scores": lambda: {
        "svm": trained().svm, "features": np.eye(2, 128, dtype="f")},
    "detection.rcnn.detect": lambda: {
        "model": trained(), "images": [RGB], "proposals": [BOXES]},
    "detection.figures.draw_boxes": lambda: {"ax": Figure().subplots(), "boxes": BOXES},
    "detection.figures.show_boxes": lambda: {
        "pictures": [("a", RGB, BOXES, ["1", "2"])]},
    "segmentation.figures.colour_classes": lambda: {"labels": CLASSES},
    "segmentation.figures.colour_segments": lambda: {"ids": IDS},
    "segmentation.figures.colour_masks": lambda: {"masks": MASKS},
    "segmentation.figures.left_to_right": lambda: {"masks": MASKS},
    "filters.resample": lambda: {"image": RGB, "height": 9, "width": 9, "method": "area"},
    "segmentation.networks.UNet": lambda: (
        network(segmentation.UNet, classes=3, width=4), {"x": PIXELS / 255}),
    "segmentation.networks.fit_segmentation": lambda: {
        "model": network(segmentation.fcn, classes=13, width=4), "images": PIXELS,
        "labels": MAPS, "steps": 1, "class_weights": torch.ones(13)},
    "segmentation.networks.predict_classes": lambda: {
        "model": network(segmentation.fcn, classes=13, width=4), "images": PIXELS,
        "class_weights": torch.ones(13)},
    "segmentation.networks.random_crops": lambda: {
        "image": GRAY, "labels": SCENE.semantic, "count": 2, "size": 8},
    "segmentation.networks.separate": lambda: {"mask": MASKS[0]},
    "segmentation.metrics.confusion_matrix": lambda: {
        "truth": CLASSES, "predicted": CLASSES, "classes": 2},
    "segmentation.metrics.pixel_accuracy": lambda: {"matrix": CLASSES},
    "segmentation.metrics.class_iou": lambda: {"matrix": CLASSES},
    "segmentation.metrics.mean_iou": lambda: {"matrix": CLASSES},
    "detection.metrics.mask_iou": lambda: {"a": MASKS, "b": MASKS},
    "segmentation.metrics.as_ids": lambda: {"name": "ids", "value": CLASSES},
    "segmentation.metrics.as_id_maps": lambda: {"truth": CLASSES, "predicted": CLASSES},
    "image_generation.style.gram_matrix": lambda: {"features": torch.rand(4, 5, 6)},
    "image_generation.style.style_loss": lambda: {
        "grams": {"a": torch.rand(3, 3)}, "targets": {"a": torch.rand(3, 3)}},
    "image_generation.style.content_loss": lambda: {
        "features": torch.rand(3, 3), "target": torch.rand(3, 3)},
    "image_generation.style.total_variation": lambda: {"images": torch.rand(3, 4, 4)},
    "image_generation.style.VGGFeatures": lambda: (
        network(style.VGGFeatures), {"images": torch.rand(1, 3, 16, 16)}),
    "image_generation.style.transfer_style": lambda: {
        "content": SMALL, "style": SMALL, "steps": 1, "size": 16,
        "network": style.vgg_features(trained=False)},
    "training.fit": lambda: {"model": judge(), "images": DIGITS, "labels": MAPS[0, 0, :6] * 0,
                             "epochs": 1, "bfloat16": False},
    "training.evaluate": lambda: {
        "model": judge(), "images": DIGITS, "labels": torch.tensor([0, 1, 2, 0, 1, 2])},
    "training.shift_pixels": lambda: {"images": DIGITS, "generator": DRAW.manual_seed(0)},
    "detection.two_stage.encode": lambda: {
        "boxes": torch.tensor(BOXES), "truth": torch.tensor(TRUTH)},
    "detection.two_stage.decode": lambda: {
        "boxes": torch.tensor(BOXES), "deltas": torch.rand(2, 4), "size": 64},
    "detection.two_stage.match": lambda: {
        "boxes": torch.tensor(BOXES), "truth": torch.tensor(TRUTH), "low": 0.3, "high": 0.6},
    "detection.two_stage.split_output": lambda: {"raw_output": torch.rand(1, 15, 2, 2)},
    "detection.two_stage.propose": lambda: {"raw_output": torch.rand(1, 15, 8, 8)},
    "detection.two_stage.two_stage_loss": lambda: {
        "model": network(two_stage.TwoStage), "images": PIXELS / 255,
        "boxes_list": [scene.boxes for scene in SCENES],
        "labels_list": [scene.labels for scene in SCENES]},
    "detection.two_stage.detect": lambda: {
        "model": network(two_stage.TwoStage), "images": PIXELS / 255,
        "proposals": 3 * [BOXES]},
    "segmentation.upsampling.conv_transpose2d": lambda: {
        "x": np.ones((1, 2, 4, 4)), "weight": np.ones((2, 3, 2, 2))},
    "segmentation.upsampling.max_pool2d_with_indices": lambda: {
        "x": np.arange(16.0).reshape(1, 1, 4, 4), "size": 2},
    "segmentation.upsampling.max_unpool2d": lambda: {
        "x": np.ones((1, 1, 2, 2)), "indices": np.arange(4).reshape(1, 1, 2, 2), "size": (4, 4)},
    "detection.yolov3.YOLOv3Tiny": lambda: (
        network(yolov3.YOLOv3Tiny), {"x": torch.rand(1, 3, 64, 64)}),
    "detection.yolov3.letterbox": lambda: {"image": RGB, "size": 64},
    "detection.yolov3.decode": lambda: {"raw_output": torch.randn(1, 14, 2, 2),
                                        "anchors": ((10, 10), (20, 8)), "size": 40},
    "detection.yolov3.detect": lambda: {"network": sparing_yolov3(), "image": RGB},
    "segmentation.person.PersonNet": lambda: (
        network(person.PersonNet), {"x": torch.rand(1, 3, 32, 32)}),
    "segmentation.person.person_probability": lambda: {
        "network": network(person.PersonNet), "image": RGB},
    "detection.yolo.encode_targets": lambda: {"boxes_list": [BOXES], "labels_list": [LABELS]},
    "detection.yolo.pixel_boxes": lambda: {"offsets": torch.rand(1, 4, 2, 2)},
    "detection.yolo.decode": lambda: {"outputs": torch.rand(1, 8, 2, 2)},
    "detection.yolo.paired_giou": lambda: {"a": torch.tensor(BOXES), "b": torch.tensor(TRUTH)},
    "detection.yolo.yolo_loss": lambda: {"outputs": torch.rand(1, 15, 8, 8),
                               "targets": yolo.encode_targets([BOXES], [LABELS])},
    "detection.yolo.detect": lambda: {
        "model": network(yolo.yolo_network, width=2), "images": PIXELS / 255},
}  # fmt: skip


def public():
    """The functions, and the classes that are called, of all modules that use arrays: names."""
    for path in sorted(SOURCES.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        source = path.read_text("utf-8")
        if (
            module in TOOLS
            or module.startswith("exercises")
            or not re.search(r"^\s*(import|from) (numpy|torch)", source, re.M)
        ):
            continue
        for node in ast.parse(source).body:
            called = isinstance(node, ast.ClassDef) and {"forward", "__call__"} & {
                getattr(part, "name", "") for part in node.body
            }
            if (isinstance(node, ast.FunctionDef) or called) and not node.name.startswith("_"):
                yield f"{module}.{node.name}"


def places(value, path=()):
    """Where arrays and tensors stand in nested arguments: tuples of keys."""
    if isinstance(value, np.ndarray | torch.Tensor):
        yield path
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*path, key))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for key in value._fields:
            yield from places(getattr(value, key), (*path, key))
    elif isinstance(value, list | tuple):
        for key, part in enumerate(value):
            yield from places(part, (*path, key))


def get(value, path):
    for key in path:
        value = (
            getattr(value, key)
            if isinstance(key, str) and hasattr(value, "_fields")
            else (value[key])
        )
    return value


def replaced(value, path, new):
    """A copy in which one place holds another value."""
    if not path:
        return new
    key, *rest = path
    if hasattr(value, "_fields"):
        return value._replace(**{key: replaced(getattr(value, key), rest, new)})
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[key] = replaced(value[key], rest, new)
    return tuple(changed) if isinstance(value, tuple) else changed


def same(one, two):
    """Whether two results are the same, whatever library they are of."""
    if is_dataclass(one):
        one, two = vars(one), vars(two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, np.ndarray | torch.Tensor | float | int):
        one, two = (torch.as_tensor(each).detach().numpy() for each in (one, two))
        return one.shape == two.shape and np.allclose(one, two, atol=1e-5, equal_nan=True)
    return type(one) is type(two)


def find(name):
    """The function, or class, of this name."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(f"course_utils.{module}"), function)


def call(name, given):
    """The function called with its example's arguments, or the instance of a class."""
    torch.manual_seed(0)
    if isinstance(given, tuple):
        return given[0](**given[1])
    made = find(name)(**given)
    return made[0] if name in TIMED else made
