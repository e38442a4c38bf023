"""The detector of chapter 4, seed by seed: `uv run python tests/benchmarks/detection.py [name …]`.

Names: short, long (both, if none is given): 2 and 3 times through 6,000 crowded scenes. 3 seeds
each, at one thread; two lines a seed, the second with the kinds of wrong boxes. Seconds are the
process's own, those of the scenes apart from those of the training. A busy neighbour stretches
them: the quickest tenth of the steps tells how long the training takes on a quiet machine.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import time  # noqa: E402
from collections import Counter  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

from course_utils import training  # noqa: E402
from course_utils.detection.boxes import box_iou  # noqa: E402
from course_utils.detection.metrics import (  # noqa: E402
    COCO_THRESHOLDS,
    match_detections,
    mean_average_precision,
)
from course_utils.detection.yolo import detect, encode_targets, yolo_loss, yolo_network  # noqa: E402
from course_utils.profiling import time_call  # noqa: E402
from course_utils.synthetic_scenes import digit_scenes  # noqa: E402

SEEDS = range(3)
EPOCHS = {"short": 2, "long": 3}
SCENES, CROWD, BATCH, RATE = 6000, (4, 6), 16, 0.02  # a scene of 4 … 6 digits teaches more
TESTS, CALLS = 300, 50  # scenes that judge, and calls that are timed


def seconds(function, *arguments):
    """What the function returns, and the process's seconds that it took."""
    start = time.process_time()
    return function(*arguments), time.process_time() - start


def pictures(scenes):
    """(N, 3, 64, 64) uint8; RGB last in memory, as it was: torch convolves that faster."""
    return torch.from_numpy(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2)


def data(count, seed):
    """Pictures and targets to train on."""
    scenes = digit_scenes(count, seed, digits=CROWD)
    boxes, labels = [scene.boxes for scene in scenes], [scene.labels for scene in scenes]
    return pictures(scenes), encode_targets(boxes, labels)


def train(model, images, targets, epochs, seed):
    """`training.train` on full batches. Returns the seconds of each step."""
    order = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(images), generator=order) for _ in range(epochs)]
    clock = []

    def loss_of(batch):
        clock.append(time.process_time())
        return yolo_loss(model(images[batch] / 255), targets[batch])[0]

    training.train(model, loss_of, [part for each in orders for part in each.split(BATCH)], RATE)
    return np.diff([*clock, time.process_time()])


def recall_by_size(found, truth):
    """Share of things found (IoU .5, right class, score from .3), by third of their heights."""
    heights, hits = [], []
    for predicted, wanted in zip(found, truth, strict=True):
        sure = predicted["scores"] >= 0.3
        same = predicted["labels"][sure, None] == wanted["labels"]
        ious = box_iou(predicted["boxes"][sure], wanted["boxes"]) * same
        hit = np.isin(np.arange(same.shape[1]), match_detections(ious, predicted["scores"][sure]))
        heights, hits = [*heights, *(wanted["boxes"] @ [0, -1, 0, 1])], [*hits, *hit]
    heights, hits = np.array(heights), np.array(hits)
    low, high = np.quantile(heights, [1 / 3, 2 / 3])
    thirds = [heights <= low, (heights > low) & (heights <= high), heights > high]
    names = (f"to {low:.0f} px", "middle", f"over {high:.0f} px")
    return ", ".join(f"{n} {hits[t].mean():.1%}" for n, t in zip(names, thirds, strict=True))


def kind_of_box(ious, same, taken):
    """What is wrong with a box that finds no thing.

    ious, same: with each thing of the picture its IoU, and whether it is of the box's class.
    taken: whether each thing has a right box.
    """
    if max(ious * same, default=0) >= 0.5:
        return "second boxes of a class"
    if max(ious, default=0) >= 0.5:
        return "second names" if taken[ious.argmax()] else "wrong names"
    return "on a part" if max(ious, default=0) >= 0.1 else "on background"


def kinds_of_boxes(found, truth, least=0.3):
    """Boxes of a score from `least`, right and by what is wrong; and things without a right box."""
    names = ("right", "wrong names", "second names", "second boxes of a class", "on a part",
             "on background")  # fmt: skip
    kinds, missed = Counter(dict.fromkeys(names, 0)), []
    for predicted, wanted in zip(found, truth, strict=True):
        sure = predicted["scores"] >= least
        ious = box_iou(predicted["boxes"][sure], wanted["boxes"])
        same = predicted["labels"][sure, None] == wanted["labels"]
        match = match_detections(ious * same, predicted["scores"][sure])
        taken = np.isin(np.arange(same.shape[1]), match)
        kinds["right"] += int(taken.sum())
        kinds.update(kind_of_box(ious[i], same[i], taken) for i in np.flatnonzero(match < 0))
        missed += [ious[:, k].max(initial=0) for k in np.flatnonzero(~taken)]
    things = kinds["right"] + len(missed)
    return (
        f"{kinds.total()} boxes: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}; "
        f"{len(missed)} of {things} things without a right box, "
        f"{sum(iou >= 0.5 for iou in missed)} of them with a wrong name"
    )


def judge(name, seeds=SEEDS, count=SCENES, tests=TESTS, calls=CALLS):
    """Train and judge, for each seed."""
    scenes = digit_scenes(tests, split="test")
    test = pictures(scenes) / 255
    truth = [{"boxes": scene.boxes, "labels": scene.labels} for scene in scenes]
    digit_scenes(1)  # opens the files
    for seed in seeds:
        (images, targets), making = seconds(data, count, seed)
        torch.manual_seed(seed)
        model = yolo_network()
        steps = train(model, images, targets, EPOCHS[name], seed)
        quiet = len(steps) * np.quantile(steps, 0.1)
        found = detect(model, test)
        half, coco = (mean_average_precision(found, truth, t) for t in ((0.5,), COCO_THRESHOLDS))
        wait = 1000 * time_call(lambda model=model: detect(model, test[:1], 0.3), calls)
        print(f"{name}: seed {seed}: data {making:.1f} s, training {steps.sum():.1f} s "
              f"({quiet:.1f} quiet), mAP50 {half:.3f}, mAP50-95 {coco:.3f}, one "
              f"picture {wait:.1f} ms; recall by height: {recall_by_size(found, truth)}",
              flush=True)  # fmt: skip
        print(f"{name}: seed {seed}: {kinds_of_boxes(found, truth)}", flush=True)


def small():
    """Two steps an epoch, judged on five scenes."""
    judge("short", range(1), 2 * BATCH, 5, 1)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or EPOCHS:
        judge(wanted)
