"""The symptoms of chapter 4's clinic, 4.12 to 4.19: `uv run python <this file>`.

Label maps that are resized as if they were pictures, a GAN whose generator is trained to be
recognised, and a mean IoU in which absent classes count. 3 seeds each; prints.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from course_utils.segmentation.metrics import class_iou, confusion_matrix, mean_iou  # noqa: E402
from course_utils.synthetic_scenes import DIGIT_CLASSES, digit_scenes  # noqa: E402

SEEDS = range(3)
CLASSES = len(DIGIT_CLASSES)
softplus = functional.softplus


def labels(seed, scenes=100):
    """Maps of 64 × 64, shrunk to 48 × 48 by bilinear interpolation and rounded."""
    shares, classes = [], []
    for scene in digit_scenes(scenes, seed=seed):
        maps = torch.tensor(scene.semantic)[None, None].float()
        small = functional.interpolate(maps, (48, 48), mode="bilinear").round()[0, 0].numpy()
        new = ~np.isin(small, scene.semantic)
        shares.append(new.mean())
        classes.append(len(np.unique(small[new])))
    print(f"labels, seed {seed}: {np.mean(shares):.1%} of the pixels have a class that is not in "
          f"the picture; {np.mean(classes):.1f} such classes a picture")  # fmt: skip


def duel(seed, label, detach=True, rounds=400):
    """A GAN of a line and a small network; → shift, scale and both losses at the end."""
    torch.manual_seed(seed)
    g = nn.Linear(1, 1)
    nn.init.constant_(g.weight, 1)
    nn.init.constant_(g.bias, -1)
    d = nn.Sequential(
        nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)
    )  # fmt: skip
    g_adam = torch.optim.Adam(g.parameters(), 1e-2, betas=(0.5, 0.999))
    d_adam = torch.optim.Adam(d.parameters(), 4e-3, betas=(0.5, 0.999))
    told = []
    for _ in range(rounds):
        real, fakes = 2 + 0.5 * torch.randn(128, 1), g(torch.randn(128, 1))
        d_loss = softplus(-d(real)).mean() + softplus(d(fakes.detach() if detach else fakes)).mean()
        g_loss = softplus(-d(fakes) if label else d(fakes)).mean()
        g_adam.zero_grad()
        g_loss.backward(retain_graph=True)
        d_adam.zero_grad()
        d_loss.backward()
        g_adam.step()
        d_adam.step()
        told.append((d_loss.item(), g_loss.item()))
    return g.bias.item(), abs(g.weight.item()), *np.mean(told[-50:], axis=0)


def gan(seed, rounds=400):
    """Right, with the wrong label for G, and without `detach`."""
    for name, label, detach in (("right", 1, True), ("label", 0, True), ("no detach", 1, False)):
        shift, scale, of_d, of_g = duel(seed, label, detach, rounds)
        print(f"GAN, {name}, seed {seed}: shift {shift:.2f}, scale {scale:.2f}, "
              f"loss of D {of_d:.2f}, of G {of_g:.2f}")  # fmt: skip


def absent(seed, scenes=100):
    """The true maps, compared with themselves, one picture at a time."""
    told = []
    for scene in digit_scenes(scenes, seed=seed):
        counts = confusion_matrix(scene.semantic, scene.semantic, CLASSES)
        values = class_iou(counts)
        told.append((mean_iou(counts), np.nan_to_num(values, nan=0).mean()))
    right, wrong = np.mean(told, axis=0)
    print(f"absent classes, seed {seed}: a perfect answer has {right:.2f}, and {wrong:.2f} where "
          "absent classes count as 0")  # fmt: skip


def small():
    """One scene, and three rounds of the GAN."""
    labels(0, 1)
    gan(0, 3)
    absent(0, 1)


if __name__ == "__main__":
    for each in SEEDS:
        labels(each)
        gan(each)
        absent(each)
