"""Segmentation of chapter 4 by seed: `uv run python tests/benchmarks/segmentation.py [name …]`.

Names: fcn; unet; backbone, a U-Net that begins with the convolutions of the detector; short and
pitfall, U-Net a quarter as long, with and without the weight of the digits; unweighted; nuclei;
checkerboards; all, if none is given. 3 seeds each, at one thread; one line a seed. Seconds are the
process's own. A busy neighbour stretches them: the quickest tenth of the steps tells how long the
training takes on a quiet machine.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from detection import CROWD, EPOCHS, SCENES, TESTS, pictures  # noqa: E402
from detection import train as train_detector  # noqa: E402
from scipy import ndimage  # noqa: E402
from torch import nn  # noqa: E402

from course_utils.data import load_nuclei, load_photo  # noqa: E402
from course_utils.detection.yolo import encode_targets, yolo_network  # noqa: E402
from course_utils.profiling import time_call  # noqa: E402
from course_utils.segmentation.metrics import (  # noqa: E402
    class_iou,
    confusion_matrix,
    mean_iou,
    pixel_accuracy,
)
from course_utils.segmentation.networks import (  # noqa: E402
    UNet,
    fcn,
    fit_segmentation,
    predict_classes,
    random_crops,
    separate,
)
from course_utils.segmentation.panoptic import panoptic_quality  # noqa: E402
from course_utils.synthetic_scenes import DIGIT_CLASSES, DIGIT_THINGS, digit_scenes  # noqa: E402

SEEDS = range(3)
CLASSES = len(DIGIT_CLASSES)
RECIPES = {  # name → network, steps, how much more a pixel of a digit counts
    "fcn": (fcn, 800, 12),
    "unet": (UNet, 1800, 12),
    "backbone": (UNet, 800, 4),
    "short": (UNet, 400, 12),
    "pitfall": (UNet, 400, None),
    "unweighted": (UNet, 1800, None),
}


def clocked(model):
    """The model, and a list that gets the process's seconds whenever a training step begins."""
    clock = []
    model.register_forward_pre_hook(
        lambda part, x: clock.append(time.process_time()) if part.training else None
    )
    return model, clock


def train(model, *arguments, **options):
    """Train; returns the process's seconds, and how many they are on a quiet machine."""
    model, clock = clocked(model)
    start = time.process_time()
    losses = fit_segmentation(model, *arguments, **options)
    taken = time.process_time() - start
    return taken, len(losses) * np.quantile(np.diff(clock), 0.1)


def dense(scenes):
    """Pictures (N, 3, 64, 64) uint8, and the class of every pixel."""
    return pictures(scenes), np.stack([scene.semantic for scene in scenes])


def tell(labels, predicted):
    """What a prediction is worth, in words."""
    matrix = confusion_matrix(labels, predicted, CLASSES)
    digits = np.nanmean(class_iou(matrix)[:DIGIT_THINGS])
    return f"mIoU {mean_iou(matrix):.3f}, pixels {pixel_accuracy(matrix):.3f}, digits {digits:.3f}"


def stages(images, scenes, seed, epochs):
    """The convolutions of a detector trained on the same scenes, as in detection.py, by size."""
    boxes, labels = [scene.boxes for scene in scenes], [scene.labels for scene in scenes]
    torch.manual_seed(seed)
    detector = yolo_network()
    train_detector(detector, images, encode_targets(boxes, labels), epochs, seed)
    return detector[:2], detector[2:8], detector[8:12]


def judge(name, seeds=SEEDS, count=SCENES, tests=TESTS, steps=None, epochs=EPOCHS["short"]):
    """Train and judge on scenes, for each seed. steps: default those of the recipe."""
    network, usual, more = RECIPES[name]
    weights = more and np.where(np.arange(CLASSES) < DIGIT_THINGS, float(more), 1.0)
    test, truth = dense(digit_scenes(tests, split="test"))
    for seed in seeds:
        scenes = digit_scenes(count, seed, digits=CROWD)
        images, labels = dense(scenes)
        options = {"stages": stages(images, scenes, seed, epochs)} if name == "backbone" else {}
        torch.manual_seed(seed)
        model = network(CLASSES, **options)
        taken, quiet = train(
            model, images, labels, steps or usual, class_weights=weights, seed=seed
        )
        judged = tell(truth, predict_classes(model, test, weights))
        if weights is not None:
            judged += f"; weights not taken back: {tell(truth, predict_classes(model, test))}"
        wait = 1000 * time_call(lambda model=model: predict_classes(model, test[:1]), 50)
        print(f"{name}: seed {seed}: training {taken:.1f} s ({quiet:.1f} quiet), one picture "
              f"{wait:.1f} ms, {judged}", flush=True)  # fmt: skip


def matches(truth, found):
    """Things found, true ones, and pairs of IoU over .5."""
    ids = [np.where(part > 0, 1000 + part.astype(int), 0) for part in (truth, found)]
    counts = panoptic_quality(*ids)["classes"][1]
    return f"{counts['tp'] + counts['fp']} of {counts['tp'] + counts['fn']}, {counts['tp']} matched"


def nuclei(seeds=SEEDS, steps=400):
    """Learn from a part of the photo, judge on another, 40 rows apart: no nucleus lies in both."""
    image, mask = load_nuclei()
    parts = {
        "the upper quarter (the chapter's)": (np.s_[168:], np.s_[:128], 300),
        "the lowest quarter": (np.s_[:344], np.s_[384:], 300),
        "the upper half": (np.s_[296:], np.s_[:256], 200),
        "the lower half": (np.s_[:216], np.s_[256:], 200),
    }
    for name, (learnt, judged, count) in parts.items():
        for seed in seeds:
            crops, labels = random_crops(image[learnt], mask[learnt] > 0, count, 96, seed)
            torch.manual_seed(seed)
            model = UNet(2, 8, 1)
            taken, quiet = train(model, crops, labels, steps, 4, seed=seed)
            found, truth = predict_classes(model, image[None, None, judged])[0], mask[judged]
            iou = class_iou(confusion_matrix((truth > 0).astype(int), found, 2))[1]
            print(f"nuclei, {name}: seed {seed}: IoU {iou:.3f} after {taken:.1f} s ({quiet:.1f} "
                  f"quiet), {matches(truth, separate(found == 1))}", flush=True)  # fmt: skip
    print(f"nuclei: the true mask: {matches(mask, separate(mask > 0))}; "
          f"as blobs: {matches(mask, ndimage.label(mask > 0)[0])}")  # fmt: skip


def period_two(pictures):
    """The share of a picture's variance that repeats every 2 pixels: (N, 1, H, W) → 0 … 1."""
    inside = pictures[..., 8:-8, 8:-8]
    power = torch.fft.fft2(inside - inside.mean(dim=(-2, -1), keepdim=True)).abs() ** 2
    middle = power.shape[-1] // 2
    part = (
        power[..., middle, :].sum() + power[..., :, middle].sum() - power[..., middle, middle].sum()
    )
    return float(part / power.sum())


def unevenness(pictures):
    """Largest over smallest standard deviation among the four places of each 2 × 2 pixels."""
    inside = pictures[..., 8:-8, 8:-8]
    each = [float(inside[..., y::2, x::2].std()) for y, x in np.ndindex(2, 2)]
    return max(each) / min(each)


def resize(ins, outs):
    """Nearest neighbour, then a convolution."""
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(ins, outs, 3, padding=1))


ENLARGE = {
    "kernel 3": lambda ins, outs: nn.ConvTranspose2d(ins, outs, 3, 2, 1, 1),
    "kernel 4": lambda ins, outs: nn.ConvTranspose2d(ins, outs, 4, 2, 1),
    "kernel 2": lambda ins, outs: nn.ConvTranspose2d(ins, outs, 2, 2),
    "resize, convolve": resize,
}


def checkerboards(seeds=SEEDS, steps=400):
    """Networks that enlarge gray photos four times: what repeats every 2 pixels of the output."""

    def gray(name):
        return torch.from_numpy(load_photo(name)).float().mean(dim=-1)[:424] / 255

    def parts(photo, count, draw):
        places = torch.randint(360, (count, 2), generator=draw).tolist()
        return torch.stack([photo[y : y + 64, x : x + 64] for y, x in places])[:, None]

    photos, shrink = (
        [gray(name) for name in ("china", "church", "coffee", "parks")],
        nn.AvgPool2d(4),
    )
    test = parts(gray("notre-dame"), 64, torch.Generator().manual_seed(9))
    print(f"checkerboards: the photo itself {period_two(test):.4f}")
    for name, enlarge in ENLARGE.items():
        for seed in seeds:
            draw = torch.Generator().manual_seed(seed)
            torch.manual_seed(seed)
            noise = torch.randn(32, 4, 32, 32, generator=draw)
            uneven = unevenness(enlarge(4, 16)(noise).detach())
            model = nn.Sequential(enlarge(1, 16), nn.ReLU(), enlarge(16, 1))
            optimizer, shares = torch.optim.Adam(model.parameters(), 3e-3), []
            for step in range(steps + 1):
                if step in (0, 25, 100, 400):
                    shares.append(f"{period_two(model(shrink(test)).detach()):.4f}")
                wanted = torch.cat([parts(photo, 4, draw) for photo in photos])
                loss = nn.functional.mse_loss(model(shrink(wanted)), wanted)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            print(f"checkerboards: {name}: seed {seed}: noise through one layer {uneven:.2f} times "
                  f"louder at one place; period 2 after 0, 25, 100, 400 steps: {', '.join(shares)}",
                  flush=True)  # fmt: skip


def small():
    """Two steps of every recipe, judged on five scenes."""
    for name in RECIPES:
        judge(name, range(1), 32, 5, 2, 1)
    nuclei(range(1), 2)
    checkerboards(range(1), 1)


if __name__ == "__main__":
    others = {"nuclei": nuclei, "checkerboards": checkerboards}
    for wanted in sys.argv[1:] or [*RECIPES, *others]:
        others[wanted]() if wanted in others else judge(wanted)
