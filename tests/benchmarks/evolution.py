"""The claims of chapter 3, seed by seed: `uv run python tests/benchmarks/evolution.py [name …]`.

Names: relu, norm, dropout, mirror, augment, se, table (all, if none is given). 3 seeds each, at one
thread; one line a seed. Depth has a script of its own, depth.py.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from course_utils.data import load_fashion_mnist, load_mnist  # noqa: E402
from course_utils.models import lenet5, small_resnet  # noqa: E402
from course_utils.synthetic_scenes import object_pictures  # noqa: E402
from course_utils.training import evaluate, fit, shift_pixels  # noqa: E402

SEEDS = range(3)
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def clothes(scaled=True, split="train", side=14):
    """(N, 1, side, side), mean 0; scaled: deviation 1 too."""
    images, labels = load_fashion_mnist(split)
    x = torch.from_numpy(images)[:, None].float()
    x = functional.avg_pool2d(x, 2) if side == 14 else x
    x = x - 73.1
    return (x / (90.3 if side == 28 else 84.4) if scaled else x), torch.from_numpy(labels).long()


def relu(seeds=SEEDS, rates=RATES, most=500):
    """Steps to a loss of 0.6 for ReLU and tanh, each at eight learning rates."""

    def steps_to(activation, x, y, rate, seed):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), activation(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), activation(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(288, 64), activation(), nn.Linear(64, 10),
        )  # fmt: skip
        optimizer, losses = torch.optim.SGD(model.parameters(), rate, momentum=0.9), []
        for step in range(most):
            batch = torch.randint(len(x), (64,))
            loss = functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if step >= 19 and np.mean(losses[-20:]) < 0.6:
                return step + 1
        return most

    for scaled in (False, True):
        x, y = clothes(scaled)
        for activation in (nn.ReLU, nn.Tanh):
            for rate in rates:
                found = [steps_to(activation, x, y, rate, seed) for seed in seeds]
                print("relu:", "standardised" if scaled else "minus mean", activation.__name__,
                      f"rate {rate}: steps {found}", flush=True)  # fmt: skip


def norm(seeds=SEEDS, steps=60):
    """Loss at the end of 60 steps of plain gradient descent, eight layers, three rates.

    Without batch normalisation, without it but with He's larger first weights, and with it.
    """
    x, y = clothes()
    x, y = x[: 64 * steps].split(64), y[: 64 * steps].split(64)
    for seed in seeds:
        line = f"norm: seed {seed}:"
        for kind in ("without", "He", "with"):
            with_norm = kind == "with"
            for rate in (0.01, 0.1, 1.0):
                torch.manual_seed(seed)
                layers, ins = [], 1
                for outs in (16, 16, 16, 32, 32, 32, 32):
                    stride = 2 if outs > ins == 16 else 1
                    layers.append(nn.Conv2d(ins, outs, 3, stride, 1, bias=not with_norm))
                    layers += ([nn.BatchNorm2d(outs)] if with_norm else []) + [nn.ReLU()]
                    ins = outs
                model = nn.Sequential(
                    *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
                )
                if kind == "He":
                    for layer in model:
                        if isinstance(layer, nn.Conv2d):
                            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                            nn.init.zeros_(layer.bias)
                optimizer, losses = torch.optim.SGD(model.parameters(), rate), []
                for images, labels in zip(x, y, strict=True):
                    loss = functional.cross_entropy(model(images), labels)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    losses.append(loss.item())
                line += f"  {kind} {rate}: {np.mean(losses[-10:]):.2f}"
        print(line, flush=True)


def digits(split, margin=2):
    """(N, 1, 32, 32), 0 … 1, and labels."""
    images, labels = load_mnist(split)
    x = torch.from_numpy(images)[:, None].float() / 255
    return functional.pad(x, (margin,) * 4), torch.from_numpy(labels).long()


def dropout(seeds=SEEDS, count=1000, epochs=20, tests=10000):
    """1,000 digits, two full layers of 512, without and with dropout."""
    (x, y), test = digits("train"), [part[:tests] for part in digits("test")]
    for seed in seeds:
        few = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:count]
        found = []
        for p in (0.0, 0.5):
            torch.manual_seed(seed)
            model = nn.Sequential(
                nn.Flatten(), nn.Linear(1024, 512), nn.ReLU(), nn.Dropout(p),
                nn.Linear(512, 512), nn.ReLU(), nn.Dropout(p), nn.Linear(512, 10),
            )  # fmt: skip
            fit(model, x[few], y[few], epochs, 50, 0.002, seed=seed)
            found += [evaluate(model, x[few], y[few]), evaluate(model, *test)]
        print(f"dropout: seed {seed}: without {found[0]:.1%} → {found[1]:.2%}, "
              f"with {found[2]:.1%} → {found[3]:.2%}", flush=True)  # fmt: skip


def flip(images, generator):
    """Each picture mirrored with probability ½."""
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


def mirror(seeds=SEEDS, counts=(1000, 2000), epochs=10):
    """1,000 digits and clothes: as they are, mirrored, moved by a pixel."""
    for name, load in (("digits", load_mnist), ("clothes", load_fashion_mnist)):
        for seed in seeds:
            parts = []
            for split, count in zip(("train", "test"), counts, strict=True):
                images, labels = load(split)
                chosen = np.random.default_rng(seed).permutation(len(images))[:count]
                parts.append((torch.from_numpy(images[chosen, None]).float() / 255,
                              torch.from_numpy(labels[chosen]).long()))  # fmt: skip
            found = []
            for augment in (None, flip, shift_pixels):
                torch.manual_seed(seed)
                layers = []
                for ins, outs in ((1, 16), (16, 32), (32, 64)):
                    layers += [nn.Conv2d(ins, outs, 3, 2, 1, bias=False), nn.BatchNorm2d(outs)]
                    layers += [nn.ReLU()]
                model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 10))
                fit(model, *parts[0], epochs, 50, augment=augment, seed=seed)
                found.append(evaluate(model, *parts[1]))
            print(f"mirror: {name}, seed {seed}: as they are {found[0]:.1%}, mirrored "
                  f"{found[1]:.1%}, moved {found[2]:.1%}", flush=True)  # fmt: skip


def vary(images, generator):
    """Each picture mirrored or not, turned, scaled and moved, as the section types it."""
    n = len(images)

    def draw(limit):
        return limit * (2 * torch.rand(n, generator=generator) - 1)

    angle, scale, mirrored = draw(0.3), torch.exp(draw(0.2)), draw(1).sign()
    rows = [scale * mirrored * angle.cos(), -scale * angle.sin(), draw(0.3),
            scale * mirrored * angle.sin(), scale * angle.cos(), draw(0.3)]  # fmt: skip
    grid = functional.affine_grid(torch.stack(rows, 1).view(n, 2, 3), images.shape, False)
    images = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return images * torch.exp(draw(0.3))[:, None, None, None]


def augment(seeds=SEEDS, epochs=60, views=8):
    """95 objects: accuracy on those that were not trained on, three folds, without and with."""
    for seed in seeds:
        images, labels, objects = object_pictures(48, views=1, seed=seed)
        new, new_labels, new_objects = object_pictures(48, views=views, seed=100 + seed)
        x, new = ((torch.from_numpy(part).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
                  for part in (images, new))  # fmt: skip
        y, new_y = torch.from_numpy(labels), torch.from_numpy(new_labels)
        fold = np.random.default_rng(seed).permutation(objects.max() + 1) % 3
        for name, change in (("without", None), ("with", vary)):
            start, right, by_heart = time.process_time(), 0, 0
            for held_out in range(3):
                train, test = fold[objects] != held_out, fold[new_objects] == held_out
                torch.manual_seed(seed)
                layers, ins = [], 3
                for outs in (16, 32, 64, 128):
                    layers += [nn.Conv2d(ins, outs, 3, 2, 1, bias=False), nn.BatchNorm2d(outs)]
                    layers, ins = [*layers, nn.ReLU()], outs
                model = nn.Sequential(
                    *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 4)
                )
                fit(model, x[train], y[train], epochs, 32, 0.005, augment=change, seed=seed)
                right += evaluate(model, new[test], new_y[test]) * test.sum() / len(new)
                by_heart += evaluate(model, x[train], y[train]) / 3
            print(f"augment: seed {seed}, {name}: own {by_heart:.0%}, new objects {right:.1%} "
                  f"({time.process_time() - start:.0f} s)", flush=True)  # fmt: skip


def se(seeds=SEEDS, count=4000, epochs=3, tests=10000):
    """Residual networks with and without gates: 4,000 clothes at 14 × 14, 3 epochs."""
    x, y = clothes()
    test, test_y = (part[:tests] for part in clothes(split="test"))
    for seed in seeds:
        line = f"se: seed {seed}:"
        for gates in (False, True):
            torch.manual_seed(seed)
            model = small_resnet(1, 16, se=gates).to(memory_format=torch.channels_last)
            fit(model, x[:count], y[:count], epochs, 64, seed=seed)
            line += f"  {'with' if gates else 'without'} gates {evaluate(model, test, test_y):.1%}"
        print(line, flush=True)


def vgg_like(*widths):
    """3 × 3 convolutions, two of each width, pooling behind each pair."""
    layers, ins = [], 1
    for outs in widths:
        for _ in range(2):
            layers, ins = [*layers, nn.Conv2d(ins, outs, 3, padding=1), nn.ReLU()], outs
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(outs * 9, 64), nn.ReLU(), nn.Dropout(),
                         nn.Linear(64, 10))  # fmt: skip


def alexnet_like():
    """Filters of 5 and 3, overlapping max pooling, dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Flatten(), nn.Dropout(), nn.Linear(128, 64), nn.ReLU(),
        nn.Dropout(), nn.Linear(64, 10),
    )  # fmt: skip


TABLE = {
    "LeNet-5": lambda: nn.Sequential(nn.ZeroPad2d(2), lenet5()),
    "AlexNet, small": alexnet_like,
    "VGG, small": lambda: vgg_like(8, 16, 32),
    "plain-8": lambda: nn.Sequential(nn.MaxPool2d(2), small_resnet(1, shortcut=False)),
    "ResNet-8": lambda: nn.Sequential(nn.MaxPool2d(2), small_resnet(1)),
    "SE-ResNet-8": lambda: nn.Sequential(nn.MaxPool2d(2), small_resnet(1, se=True)),
}


def table(seeds=SEEDS, count=60000, tests=10000, epochs=1):
    """Every network of the chapter, small: the same pictures, the same loop."""
    x, y = (part[:count] for part in clothes(side=28))
    test = [part[:tests] for part in clothes(split="test", side=28)]
    for seed in seeds:
        line = f"table: seed {seed}:"
        for name, make in TABLE.items():
            torch.manual_seed(seed)
            model = make().to(memory_format=torch.channels_last)
            start = time.process_time()
            fit(model, x, y, epochs, 64, 0.005, seed=seed)
            line += f"  {name} {evaluate(model, *test):.1%} ({time.process_time() - start:.0f} s)"
        print(line, flush=True)


ALL = {f.__name__: f for f in (relu, norm, dropout, mirror, augment, se, table)}
SMALL = {
    "relu": {"rates": (0.1,), "most": 2},
    "norm": {"steps": 1},
    "dropout": {"count": 50, "epochs": 1, "tests": 50},
    "mirror": {"counts": (50, 50), "epochs": 1},
    "augment": {"epochs": 1, "views": 1},
    "se": {"count": 64, "epochs": 1, "tests": 64},
    "table": {"count": 64, "tests": 64},
}


def small():
    """A step or two of everything."""
    for name, function in ALL.items():
        function(range(1), **SMALL[name])


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ALL:
        ALL[wanted]()
