"""Instances and panoptic maps, seed by seed: `uv run python tests/benchmarks/instances.py`.

Faster R-CNN, a mask head on its stages, a U-Net that begins with them, all merged: as chapter 4
trains them. 3 seeds at one thread, two lines a seed: the second has the kinds of the detector's
boxes in the first 100 scenes. Judged on 300 test scenes. Seconds are the
process's own; "quiet" is the quickest tenth of the steps: how long the training takes on a machine
without busy neighbours.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from detection import kinds_of_boxes  # noqa: E402
from torch.optim.optimizer import register_optimizer_step_post_hook  # noqa: E402

from course_utils.detection.metrics import COCO_THRESHOLDS, mean_average_precision  # noqa: E402
from course_utils.detection.two_stage import TwoStage, detect, two_stage_loss  # noqa: E402
from course_utils.profiling import time_call  # noqa: E402
from course_utils.segmentation.instances import MaskHead, add_masks, train_mask_head  # noqa: E402
from course_utils.segmentation.metrics import confusion_matrix, mean_iou  # noqa: E402
from course_utils.segmentation.networks import UNet, fit_segmentation, predict_classes  # noqa: E402
from course_utils.segmentation.panoptic import (
    merge_panoptic,  # noqa: E402
    panoptic_quality,  # noqa: E402
)
from course_utils.synthetic_scenes import DIGIT_THINGS, digit_scenes  # noqa: E402
from course_utils.training import train  # noqa: E402

SEEDS = range(3)
SCENES, CROWD, BATCH, RATE, EPOCHS = 6000, (4, 6), 16, 0.015, 2  # the detector's
MASK_SCENES, PIXEL_STEPS = 3000, 750
WEIGHTS = [8.0] * DIGIT_THINGS + [1, 1, 1]  # a digit's pixel counts so many times
COUNTED = 100  # scenes in which the kinds of boxes are counted
SURE = 0.5  # instances of this score go on the map


def timed(function, *arguments, **settings):
    """What the function returns; and its seconds of training, all and quiet, as text."""
    clock = [time.process_time()]
    hook = register_optimizer_step_post_hook(lambda *_: clock.append(time.process_time()))
    try:
        result = function(*arguments, **settings)
    finally:
        hook.remove()
    steps = np.diff(clock)
    return result, f"{steps.sum():.1f} s ({len(steps) * np.quantile(steps, 0.1):.1f} quiet)"


def pictures(scenes):
    """(N, 3, 64, 64) uint8; RGB last in memory, as it was: torch convolves that faster."""
    return torch.from_numpy(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2)


def train_detector(scenes, images, seed):
    """Faster R-CNN: all parts together, from one loss."""
    boxes = [torch.tensor(scene.boxes) for scene in scenes]
    labels = [torch.tensor(scene.labels) for scene in scenes]
    torch.manual_seed(seed)
    model = TwoStage()
    order = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(images), generator=order) for _ in range(EPOCHS)]

    def loss_of(batch):
        truth = [boxes[i] for i in batch], [labels[i] for i in batch]
        return two_stage_loss(model, images[batch] / 255, *truth)[0]

    train(model, loss_of, [part for each in orders for part in each.split(BATCH)], RATE)
    return model


def quality(truth, predicted):
    """PQ, SQ and RQ as text: of all classes, things, stuff."""
    result = panoptic_quality(truth, predicted)
    groups = {"all": result["classes"].keys(),
              "things": [c for c in result["classes"] if c < DIGIT_THINGS],
              "stuff": [c for c in result["classes"] if c >= DIGIT_THINGS]}  # fmt: skip
    return ", ".join(
        f"{name} "
        + "/".join(
            f"{np.mean([result['classes'][c][part] for c in group]):.3f}"
            for part in ("pq", "sq", "rq")
        )
        for name, group in groups.items()
    )


def judge(seed, scenes, count=SCENES, masked=MASK_SCENES, pixel_steps=PIXEL_STEPS, calls=30):
    """Train all three and print a line."""
    test = pictures(scenes)
    truth = [{"boxes": s.boxes, "labels": s.labels, "masks": s.masks} for s in scenes]
    taught = digit_scenes(count, seed, digits=CROWD)
    images, some = pictures(taught), taught[:masked]
    detector, detector_time = timed(train_detector, taught, images, seed)
    torch.manual_seed(seed)
    head = MaskHead()
    masks, boxes = [scene.masks for scene in some], [scene.boxes for scene in some]
    _, head_time = timed(train_mask_head, head, detector.stages, images[: len(some)], masks, boxes,
                         seed=seed)  # fmt: skip
    torch.manual_seed(seed)
    unet = UNet(stages=list(detector.stages))
    semantic = np.stack([scene.semantic for scene in taught])
    _, pixel_time = timed(fit_segmentation, unet, images, semantic, pixel_steps,
                          learning_rate=0.015, class_weights=WEIGHTS, seed=seed)  # fmt: skip
    classes = predict_classes(unet, test)
    told = mean_iou(confusion_matrix(np.stack([s.semantic for s in scenes]), classes, len(WEIGHTS)))

    found = detect(detector, test / 255, 0.001)
    found = add_masks(found, head, detector.stages, test / 255)
    scores = [
        mean_average_precision(found, truth, thresholds, kind=kind)
        for kind in ("boxes", "masks")
        for thresholds in ((0.5,), COCO_THRESHOLDS)
    ]

    def merge(classes, instances):
        return merge_panoptic(classes, instances, DIGIT_THINGS, SURE)

    merged = [merge(*pair) for pair in zip(classes, found, strict=True)]

    def masks_of_one():
        one = test[:1] / 255
        return add_masks(detect(detector, one, SURE), head, detector.stages, one)[0]

    def all_of_one():
        return merge(predict_classes(unet, test[:1])[0], masks_of_one())

    waits = [1000 * time_call(call, calls) for call in (masks_of_one, all_of_one)]
    names = ("box mAP50 {:.3f}", "mAP50-95 {:.3f}", "mask AP50 {:.3f}", "AP50-95 {:.3f}")
    print(
        f"seed {seed}: training: detector {detector_time}, mask head {head_time}, U-Net "
        f"{pixel_time}; mIoU {told:.3f}, {', '.join(names).format(*scores)}; PQ/SQ/RQ "
        f"{quality([scene.panoptic for scene in scenes], merged)}; one picture {waits[0]:.1f} ms "
        f"with masks, {waits[1]:.1f} ms panoptic",
        flush=True,
    )
    counted = kinds_of_boxes(found[:COUNTED], truth[:COUNTED])
    print(f"seed {seed}: the detector: {counted}", flush=True)


def small():
    """A step or two of each part, judged on two scenes."""
    judge(0, digit_scenes(2, split="test"), BATCH, BATCH, 1, 1)


if __name__ == "__main__":
    for each in SEEDS:
        judge(each, digit_scenes(300, split="test"))
