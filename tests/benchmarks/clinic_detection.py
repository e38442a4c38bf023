"""The clinic of chapter 4: what each fault of boxes costs, over three seeds.

`uv run python tests/benchmarks/clinic_detection.py` prints it; with the argument `outputs` it
makes `data/detection/` anew, which takes the YOLO of 4.5 (a quarter of a minute).
"""

import sys

import numpy as np
import torch

from course_utils import training
from course_utils.detection import metrics, yolo
from course_utils.detection.boxes import box_iou, convert_boxes, nms
from course_utils.exercises.computer_vision import detection_clinic as clinic
from course_utils.synthetic_scenes import digit_scenes


def turned(boxes):
    """The boxes in the mirrored picture of 64 pixels."""
    return np.stack([64 - boxes[:, 2], boxes[:, 1], 64 - boxes[:, 0], boxes[:, 3]], axis=1)


def mirrored_overlap(seed, count=100):
    """Mean IoU of boxes left behind with the true ones; their share of 0.5 and more."""
    ious = [
        np.diagonal(box_iou(scene.boxes, turned(scene.boxes)))
        for scene in digit_scenes(count, seed, split="test")
    ]
    ious = np.concatenate(ious)
    return ious.mean(), np.mean(ious >= 0.5)


def format_overlap(seed, count=100):
    """Of an exact detector: the mean best IoU if xywh is read as corners; the share found."""
    program = clinic.BEST_WRONG["takes x, y, width and height for two corners"]
    best = [
        program(scene.boxes, convert_boxes(scene.boxes, "xyxy", "xywh"))
        for scene in digit_scenes(count, seed, split="test")
    ]
    best = np.concatenate(best)
    return best.mean(), np.mean(best >= 0.5)


def crowded_recall(seed, count=100, threshold=0.45):
    """The share of animals and birds that keep a box, with NMS across classes and within them."""
    shares = []
    for keep in (lambda boxes, scores, _, limit: nms(boxes, scores, limit), clinic.batched_nms):
        found = 0
        for picture in clinic.crowded_pictures(count, seed):
            boxes, labels = picture["boxes"], picture["labels"]
            kept = keep(boxes, picture["scores"], labels, threshold)
            same = labels[kept][:, None] == [0, 1]
            found += np.sum((box_iou(boxes[kept], picture["truth"]) * same).max(axis=0) >= 0.5)
        shares.append(found / (2 * count))
    return shares


def trained(scenes, boxes, seed, mirrored=False, epochs=2):
    """A YOLO trained on scenes with these boxes; mirrored: every second picture is."""
    images = torch.from_numpy(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2)
    if mirrored:
        images[1::2] = images[1::2].flip(-1)
    targets = yolo.encode_targets(boxes, [scene.labels for scene in scenes])
    torch.manual_seed(seed)
    network = yolo.yolo_network()
    order, count = torch.Generator().manual_seed(seed), len(scenes) // 16 * 16
    batches = [
        batch
        for _ in range(epochs)
        for batch in torch.randperm(len(scenes), generator=order)[:count].split(16)
    ]

    def loss(batch):
        return yolo.yolo_loss(network(images[batch] / 255), targets[batch])[0]

    training.train(network, loss, batches, learning_rate=0.02)
    return network


def mirrored_training(seed, count=3000, tests=300, epochs=2):
    """mAP@.5, and the share found with a score of 0.3: boxes moved, and boxes left behind."""
    scenes, unseen = digit_scenes(count, digits=(4, 6)), digit_scenes(tests, split="test")
    pictures = torch.from_numpy(np.stack([s.image for s in unseen])).permute(0, 3, 1, 2) / 255
    truth = [{"boxes": s.boxes, "labels": s.labels} for s in unseen]
    left = [scene.boxes for scene in scenes]
    moved = [turned(boxes) if place % 2 else boxes for place, boxes in enumerate(left)]
    results = []
    for boxes in (moved, left):
        found = yolo.detect(trained(scenes, boxes, seed, True, epochs), pictures)
        hits = 0
        for said, right in zip(found, truth, strict=True):
            sure = said["scores"] >= 0.3
            same = said["labels"][sure, None] == right["labels"]
            ious = box_iou(said["boxes"][sure], right["boxes"]) * same
            hits += np.sum(metrics.match_detections(ious, said["scores"][sure]) >= 0)
        share = hits / sum(len(right["boxes"]) for right in truth)
        results.append((metrics.mean_average_precision(found, truth), share))
    return results


def measure(seeds=3, train=True, **settings):
    """Print all of it."""
    for seed in range(seeds):
        mean, share = mirrored_overlap(seed)
        print(f"seed {seed}: boxes left behind: mean IoU {mean:.3f}, {share:.1%} of 0.5 and more")
        mean, share = format_overlap(seed)
        print(f"        xywh taken for corners: mean best IoU {mean:.3f}, {share:.1%} found")
        across, within = crowded_recall(seed)
        print(f"        NMS across classes: {across:.1%} keep a box; within them {within:.1%}")
        if train:
            for name, (score, share) in zip(
                ("moved", "left"), mirrored_training(seed, **settings), strict=True
            ):
                print(f"        trained, boxes {name}: mAP@.5 {score:.3f}, {share:.1%} found",
                      flush=True)  # fmt: skip


def make_outputs(path):
    """What the YOLO of 4.5 says of 50 test scenes, as `data/detection/` holds it."""
    scenes = digit_scenes(6000, digits=(4, 6))
    network = trained(scenes, [scene.boxes for scene in scenes], 0).eval()
    unseen = digit_scenes(50, split="test")
    pictures = torch.from_numpy(np.stack([s.image for s in unseen])).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        np.savez_compressed(path, outputs=network(pictures).numpy().astype(np.float16))


def small():
    """The shortest run."""
    measure(1, count=32, tests=8, epochs=1)


if __name__ == "__main__":
    if sys.argv[1:] == ["outputs"]:
        make_outputs("data/detection/yolo_digits_outputs_fp16.npz")
    else:
        measure()
