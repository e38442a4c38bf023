"""R-CNN, Fast, Faster R-CNN and YOLO, seed by seed: `uv run python tests/benchmarks/two_stage.py`.

Names may follow: few, same, many, brief, limits, recall (all, if none is given). few: all four
learn from 120 scenes of 1 … 4 digits. same: from 300 of 4 … 6. many: those that need no search
learn from 6,000 of 4 … 6; brief: in 400 steps instead of 750. limits: what R-CNN's three limits
cost. recall: how many proposals find how much.
The same 300 test scenes judge all. 3 seeds, one thread, a line a detector, R-CNN two: the kinds of
its boxes in 100 scenes. Training seconds are the process's own; milliseconds are the best of 3
runs, one picture at a time, mean of 60 pictures.
"""

import functools
import os
import sys
import warnings

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import statistics  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from detection import kinds_of_boxes  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import Ridge  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402

from course_utils import training  # noqa: E402
from course_utils.detection import rcnn, two_stage, yolo  # noqa: E402
from course_utils.detection.boxes import box_iou, encode_boxes  # noqa: E402
from course_utils.detection.metrics import mean_average_precision  # noqa: E402
from course_utils.detection.proposals import SCALES, selective_search, starting_regions  # noqa: E402
from course_utils.synthetic_scenes import digit_scenes  # noqa: E402
from course_utils.training import mode  # noqa: E402

sys.path.append(str(Path(__file__).resolve().parents[1]))
from results import keep  # noqa: E402

SEEDS = range(3)
TOLD = {}  # name of a detector → (mAP@.5, milliseconds for one picture) of each seed
STEPS, BATCH, TIMED, TESTS = 750, 16, 60, 300  # TIMED pictures of the TESTS take the time
FEW, SEARCHED, MANY = (120, (1, 4)), (300, (4, 6)), (6000, (4, 6))  # scenes, digits in each
RATES = {"yolo": 0.02, "two_stage": 0.015}
BACKGROUND_IOU = 0.3  # R-CNN's SVMs: below it is background; objects are the true boxes alone
HARD_NEGATIVE_SCORE = -1.0  # background to which an SVM gives more is a hard negative
REGRESSION_IOU = 0.6  # the regression learns from proposals of a larger IoU


def pictures(scenes):
    """(N, 3, 64, 64) uint8; RGB last in memory, as it was: torch convolves that faster."""
    return torch.from_numpy(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2)


def search(scenes):
    """Proposals of each scene, and the process's seconds that they took."""
    start = time.process_time()
    return [selective_search(scene.image) for scene in scenes], time.process_time() - start


@functools.cache
def test_synthetic_scenes():
    """The scenes that judge."""
    return digit_scenes(TESTS, split="test")


@functools.cache
def searched_test():
    return search(test_synthetic_scenes())[0]


def train(model, loss, count, rate, seed, steps=STEPS):
    """`training.train` with full batches alone; loss: function of the indices of a batch.

    Returns the process's seconds of all steps, and those on a quiet machine: what they would be,
    if each were as quick as the quickest tenth.
    """
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    batches = []
    while len(batches) < steps:
        numbers = torch.randperm(count, generator=order)
        batches += numbers[: count // BATCH * BATCH].split(BATCH)
    clock = []

    def clocked(batch):
        clock.append(time.process_time())
        return loss(batch)

    training.train(model, clocked, batches[:steps], rate)
    each = np.diff([*clock, time.process_time()])
    return each.sum(), len(each) * np.quantile(each, 0.1)


def train_yolo(scenes, seed, recolour=True, steps=STEPS):
    images, rng = pictures(scenes), torch.Generator().manual_seed(seed)
    targets = yolo.encode_targets([s.boxes for s in scenes], [s.labels for s in scenes])
    torch.manual_seed(seed)
    model = yolo.yolo_network()

    def loss(batch):
        shown = images[batch] / 255
        shown = rcnn.recolour(shown, rng) if recolour else shown
        return yolo.yolo_loss(model(shown), targets[batch])[0]

    return model, train(model, loss, len(scenes), RATES["yolo"], seed, steps)


class Stopped(two_stage.TwoStage):
    """The same, but what the head learns does not reach the map."""

    def regions(self, maps, rois):
        return super().regions(maps.detach(), rois)


def train_two_stage(scenes, seed, proposals=None, kind=two_stage.TwoStage, recolour=True,
                    steps=STEPS):  # fmt: skip
    images, colours = pictures(scenes), torch.Generator().manual_seed(seed)
    boxes, labels = [s.boxes for s in scenes], [s.labels for s in scenes]
    torch.manual_seed(seed)
    model, rng = kind(), np.random.default_rng(seed)

    def loss(batch):
        chosen = batch.tolist()
        given = proposals and [sampled(proposals[i], boxes[i], rng) for i in chosen]
        parts = [[part[i] for i in chosen] for part in (boxes, labels)]
        shown = images[batch] / 255
        shown = rcnn.recolour(shown, colours) if recolour else shown
        return two_stage.two_stage_loss(model, shown, *parts, given)[0]

    return model, train(model, loss, len(scenes), RATES["two_stage"], seed, steps)


def sampled(proposals, truth, rng, most=32):
    """As in Fast R-CNN's paper: of a picture's proposals a few, at most a quarter objects."""
    near = box_iou(proposals, truth).max(axis=1) >= 0.5
    objects, background = (rng.permutation(np.flatnonzero(kind)) for kind in (near, ~near))
    objects = objects[: most // 4]
    return proposals[np.concatenate([objects, background[: most - len(objects)]])]


def train_svms(features, data, background, seed):
    """A linear SVM for each class against all else, trained twice: the second with hard negatives.

    features: (R, D) of `data`, an `rcnn.Crops`. background: its label, the number of classes.
    """
    rng = np.random.default_rng(seed)
    labels = np.where(data.ious == 1, data.labels, background)
    positives = np.flatnonzero(data.ious == 1)
    negatives = np.flatnonzero(data.ious < BACKGROUND_IOU)
    used = np.concatenate([positives, rng.permutation(negatives)[: 2 * len(positives)]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        svm = LinearSVC(C=0.3, random_state=seed).fit(features[used], labels[used])
        scores = rcnn.class_scores(svm, features[negatives])
        hard = negatives[scores.max(axis=1) > HARD_NEGATIVE_SCORE]
        used = np.union1d(used, hard)
        return LinearSVC(C=0.3, random_state=seed).fit(features[used], labels[used])


def train_regressors(pool, data, classes):
    """For each class a ridge regression, pool (R, D) → tx, ty, tw, th."""
    near = (data.ious > REGRESSION_IOU) & (data.ious < 1)
    deltas = encode_boxes(data.boxes[near], data.truth[near])
    x, labels = pool[near], data.labels[near]
    return [Ridge(1.0).fit(x[labels == k], deltas[labels == k]) for k in range(classes)]


def train_parts(network, data, classes, seed):
    """An `rcnn.RCNN` of the network as it is; seconds after its SVMs and after its regressions."""
    both = rcnn.extract_features(network, data.crops)
    scales = tuple(float(1 / np.linalg.norm(part, axis=1).mean()) for part in both)
    svm = train_svms(scales[1] * both[1], data, classes, seed)
    clock = [time.process_time()]
    regressors = train_regressors(scales[0] * both[0], data, classes)
    clock.append(time.process_time())
    return rcnn.RCNN(network, scales, svm, regressors), clock


def train_rcnn(scenes, seed, proposals):
    """The three trainings one after the other: an `rcnn.RCNN`, and the seconds of each, a dict."""
    torch.manual_seed(seed)
    clock = [time.process_time()]
    parts = [s.image for s in scenes], [s.boxes for s in scenes], [s.labels for s in scenes]
    data = rcnn.training_crops(*parts, proposals, seed=seed)
    clock.append(time.process_time())
    classes = int(data.labels.max()) + 1
    network = rcnn.crop_network(classes=classes)
    rcnn.train_network(network, data, seed=seed)
    clock.append(time.process_time())
    model, later = train_parts(network, data, classes, seed)
    names = ("crops", "CNN", "SVM", "regression")
    return model, dict(zip(names, np.diff([*clock, *later]).tolist(), strict=True))


def judge(found):
    truth = [{"boxes": scene.boxes, "labels": scene.labels} for scene in test_synthetic_scenes()]
    half, strict = (mean_average_precision(found, truth, (level,)) for level in (0.5, 0.75))
    return half, f"mAP50 {half:.3f}, mAP75 {strict:.3f}"


def quick(call):
    """Mean over TIMED pictures of the best of 3 runs of call(number), in milliseconds."""
    best = []
    for number in range(TIMED):
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            call(number)
            runs.append(time.perf_counter() - start)
        best.append(min(runs))
    return 1000 * np.mean(best)


def tell(name, seed, seconds, found, wait):
    half, quality = judge(found)
    TOLD.setdefault(name, []).append((half, float(wait.split(" ms")[0])))
    print(f"{name}: seed {seed}: {seconds}, {quality}, one picture {wait}", flush=True)


def judge_rcnn(name, seed, data):
    scenes, proposals, searching = data
    model, seconds = train_rcnn(scenes, seed, proposals)
    images, offered = [scene.image for scene in test_synthetic_scenes()], searched_test()
    found, _ = rcnn.detect(model, images, proposals=offered)
    plain, _ = rcnn.detect(model, images, proposals=offered, regress=False)
    runs = [[rcnn.detect(model, images[i : i + 1])[1] for _ in range(3)] for i in range(TIMED)]
    stages = {stage: 1000 * np.mean([min(run[stage] for run in three) for three in runs])
              for stage in rcnn.STAGES}  # fmt: skip
    total = sum(stages.values())
    shares = ", ".join(f"{stage} {part / total:.0%}" for stage, part in stages.items())
    each = " + ".join(f"{key} {value:.1f}" for key, value in seconds.items())
    spent = f"search {searching:.1f} + {each} s, before the regression {judge(plain)[1]}"
    tell(f"{name} R-CNN", seed, spent, found, f"{total:.1f} ms ({shares})")
    truth = [{"boxes": scene.boxes, "labels": scene.labels} for scene in test_synthetic_scenes()]
    print(f"{name} R-CNN: seed {seed}: {kinds_of_boxes(found[:100], truth[:100], 0)}", flush=True)


def judge_two_stage(name, seed, model, spent, test, given=None):
    found = two_stage.detect(model, test, 0.001, proposals=given)

    def one(i):
        boxes = given and [selective_search(test_synthetic_scenes()[i].image)]
        return two_stage.detect(model, test[i : i + 1], proposals=boxes)

    tell(name, seed, spent, found, f"{quick(one):.1f} ms")


def judge_all(name, chosen, searched, steps=STEPS, seeds=SEEDS):
    """All four on the same training scenes; without `searched` only those that need no search.

    Few scenes teach all four in other colours each time, as R-CNN's recipe has it.
    """
    test, count = pictures(test_synthetic_scenes()) / 255, chosen[0]
    for seed in seeds:
        scenes = digit_scenes(count, seed, digits=chosen[1])
        if searched:
            data = scenes, *search(scenes)
            judge_rcnn(name, seed, data)
            model, took = train_two_stage(scenes, seed, data[1], steps=steps)
            spent = "search {:.1f} + training {:.1f} s ({:.1f} quiet)".format(data[2], *took)
            judge_two_stage(f"{name} Fast", seed, model, spent, test, searched_test())
        model, took = train_two_stage(scenes, seed, recolour=searched, steps=steps)
        spent = "training {:.1f} s ({:.1f} quiet)".format(*took)
        judge_two_stage(f"{name} Faster", seed, model, spent, test)
        judge_two_stage(f"{name} Faster, searched boxes", seed, model, spent, test, searched_test())
        model, took = train_yolo(scenes, seed, searched, steps)
        wait = quick(lambda i, model=model: yolo.detect(model, test[i : i + 1], 0.01))
        spent = "training {:.1f} s ({:.1f} quiet)".format(*took)
        tell(f"{name} YOLO", seed, spent, yolo.detect(model, test), f"{wait:.1f} ms")


def judge_limits(seeds=SEEDS, chosen=SEARCHED, steps=STEPS):
    """What R-CNN's three limits cost: slow; nothing trains the CNN afterwards; three trainings."""
    for seed in seeds:
        scenes = digit_scenes(chosen[0], seed, digits=chosen[1])
        limits(seed, scenes, search(scenes)[0], steps)


def limits(seed, scenes, proposals, steps):
    test, offered = pictures(test_synthetic_scenes()) / 255, searched_test()
    images = [scene.image for scene in test_synthetic_scenes()]

    def say(name, found):
        print(f"limits: seed {seed}: {name}: {judge(found)[1]}", flush=True)

    model, _ = train_rcnn(scenes, seed, proposals)
    network = model.network
    say("R-CNN", rcnn.detect(model, images, proposals=offered)[0])
    torch.manual_seed(seed)
    untrained = refit(rcnn.crop_network(), scenes, proposals, seed)
    say("R-CNN, CNN not trained", rcnn.detect(untrained, images, proposals=offered)[0])
    stopped, _ = train_two_stage(scenes, seed, proposals, Stopped, steps=steps)
    say("Fast, map not trained", two_stage.detect(stopped, test, 0.001, proposals=offered))
    fast, _ = train_two_stage(scenes, seed, proposals, steps=steps)
    say("Fast", two_stage.detect(fast, test, 0.001, proposals=offered))

    def warp_and_cnn(i):
        rcnn.extract_features(network, rcnn.warp_crops(images[i], offered[i]))

    counts = np.mean([len(boxes) for boxes in offered[:TIMED]])
    shared = quick(lambda i: two_stage.detect(fast, test[i : i + 1], proposals=[offered[i]]))
    own = quick(lambda i: two_stage.detect(fast, test[i : i + 1]))
    searching, warping = quick(lambda i: selective_search(images[i])), quick(warp_and_cnn)
    words = (f"{counts:.0f} proposals: warp and CNN {warping:.1f} ms, all of Fast {shared:.1f} ms; "
             f"search {searching:.1f} ms, all of Faster with its RPN {own:.1f} ms")  # fmt: skip
    print(f"limits: seed {seed}: {words}", flush=True)


def refit(network, scenes, proposals, seed):
    """SVMs and regressions on the features of the network as it is."""
    parts = [s.image for s in scenes], [s.boxes for s in scenes], [s.labels for s in scenes]
    return train_parts(network, rcnn.training_crops(*parts, proposals, 0, seed), 10, seed)[0]


def recall(boxes_list):
    pairs = zip(boxes_list, test_synthetic_scenes(), strict=True)
    best = [box_iou(boxes, scene.boxes).max(axis=0) for boxes, scene in pairs]
    best, counts = np.concatenate(best), [len(boxes) for boxes in boxes_list]
    half, strict = np.mean(best >= 0.5), np.mean(best >= 0.7)
    number = f"{np.mean(counts):.0f} proposals, at most {max(counts)}"
    return f"{number}; recall {half:.3f} at IoU .5, {strict:.3f} at .7"


def judge_recall(chosen=MANY, steps=STEPS):
    """How many proposals find how much."""
    count = len(test_synthetic_scenes())
    for scales in ((400,), (200,), (120,), (60,), (200, 400), SCALES, (30, 60, 120, 240)):
        found = [selective_search(scene.image, scales) for scene in test_synthetic_scenes()]
        print(f"recall: scales {scales}: {recall(found)}", flush=True)
    start = [starts(scene.image) for scene in test_synthetic_scenes()]
    print(f"recall: starting regions alone, scales {SCALES}: {recall(start)}", flush=True)
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 34, (2, count, 130, 2)), rng.uniform(8, 30, (count, 130, 2))
    chance = np.concatenate([corner[0], corner[0] + size], axis=2).clip(0, 64)
    print(f"recall: boxes by chance: {recall(list(chance))}", flush=True)
    scenes = digit_scenes(chosen[0], 0, digits=chosen[1])
    model, _ = train_two_stage(scenes, 0, recolour=False, steps=steps)
    with mode(model, training=False), torch.inference_mode():
        raw_output = model.rpn(model.body(pictures(test_synthetic_scenes()) / 255)[1])
        for count_kept in (5, 10, 20, 40):
            rois = two_stage.propose(raw_output, post_nms_top_n=count_kept).numpy()
            print(f"recall: RPN, {recall([rois[rois[:, 0] == i, 1:] for i in range(count)])}")


def starts(image):
    """The boxes of the starting regions, before any merge."""
    boxes = []
    for scale in SCALES:
        regions = starting_regions(image, scale)
        for number in range(regions.max() + 1):
            y, x = np.nonzero(regions == number)
            boxes.append((x.min(), y.min(), x.max() + 1, y.max() + 1))
    return np.unique(np.array(boxes, np.float32), axis=0)


JUDGES = {
    "few": lambda: judge_all("few", FEW, searched=True),
    "same": lambda: judge_all("same", SEARCHED, searched=True),
    "many": lambda: judge_all("many", MANY, searched=False),
    "brief": lambda: judge_all("brief", MANY, searched=False, steps=400),
    "limits": judge_limits,
    "recall": judge_recall,
}


def keep_all():
    """The detectors that learnt from few scenes: quality, milliseconds, and these as ratios."""
    names = [name for name in TOLD if name.startswith("few ")]
    waits = {name: statistics.median(wait for _, wait in TOLD[name]) for name in names}
    for name in names:
        row = {
            "mAP@.5, a seed each": ", ".join(f"{half:.3f}" for half, _ in TOLD[name]),
            "one picture": f"{waits[name]:.1f} ms",
            "times YOLO's": f"{waits[name] / waits['few YOLO']:.1f}",
        }
        keep("detectors", name.removeprefix("few "), row)


def small():
    """Two steps of every training, on 16 scenes, judged on two."""
    global TESTS, TIMED
    usual, TESTS, TIMED = (TESTS, TIMED), 2, 1
    try:
        judge_all("few", (16, (4, 6)), True, 2, range(1))
        judge_all("many", (16, (4, 6)), False, 2, range(1))
        judge_limits(range(1), (16, (4, 6)), 2)
        judge_recall((16, (4, 6)), 2)
        keep_all()
    finally:
        TESTS, TIMED = usual
        test_synthetic_scenes.cache_clear()
        searched_test.cache_clear()


if __name__ == "__main__":
    for wanted in sys.argv[1:] or JUDGES:
        JUDGES[wanted]()
    keep_all()
