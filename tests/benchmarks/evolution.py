"""The claims of chapter 3, seed by seed: `uv run python tests/benchmarks/evolution.py [name …]`.

Names: relu, norm, dropout, mirror, augment, se, table, transfer (all, if none is given). At one
thread; norm, dropout, mirror and augment over 8 seeds, the others over 3 or 5; one line a seed.
Depth has a script of its own, depth.py.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import copy  # noqa: E402
import functools  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from course_utils.data import load_fashion_mnist, load_mnist  # noqa: E402
from course_utils.efficientnet import efficientnet_lite0  # noqa: E402
from course_utils.models import SqueezeExcitation, lenet5, small_resnet  # noqa: E402
from course_utils.synthetic_scenes import object_pictures  # noqa: E402
from course_utils.training import evaluate, fit, shift_pixels  # noqa: E402

SEEDS, MORE_SEEDS = range(3), range(8)
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


def norm(seeds=MORE_SEEDS, steps=60, rates=(0.01, 0.03, 0.1, 0.3, 1.0)):
    """Loss at the end of 60 steps of plain gradient descent, eight layers.

    As PyTorch draws the weights, with He's initialisation, and with batch normalisation.
    """
    x, y = clothes()
    x, y = x[: 64 * steps].split(64), y[: 64 * steps].split(64)
    for seed in seeds:
        line = f"norm: seed {seed}:"
        for kind in ("default", "He", "BN"):
            for rate in rates:
                torch.manual_seed(seed)
                layers, ins = [], 1
                for outs in (16, 16, 16, 32, 32, 32, 32):
                    stride = 2 if outs > ins == 16 else 1
                    layers.append(nn.Conv2d(ins, outs, 3, stride, 1, bias=kind != "BN"))
                    layers += ([nn.BatchNorm2d(outs)] if kind == "BN" else []) + [nn.ReLU()]
                    ins = outs
                model = nn.Sequential(
                    *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
                )
                for layer in model if kind == "He" else ():
                    if isinstance(layer, nn.Conv2d | nn.Linear):
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


def dropout(seeds=MORE_SEEDS, count=1000, epochs=20, tests=10000):
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
            fit(model, x[few], y[few], epochs, 50, 0.002, seed=seed, bfloat16=False)
            found += [evaluate(model, x[few], y[few]), evaluate(model, *test)]
        print(f"dropout: seed {seed}: without {found[0]:.1%} → {found[1]:.2%}, "
              f"with {found[2]:.1%} → {found[3]:.2%}", flush=True)  # fmt: skip


def flip(images, generator):
    """Each picture mirrored with probability ½."""
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


def mirror(seeds=MORE_SEEDS, counts=(1000, 2000), epochs=10):
    """1,000 digits and clothes: as they are, mirrored, moved by a pixel; and mirrored shoes."""
    for name, load in (("digits", load_mnist), ("clothes", load_fashion_mnist)):
        for seed in seeds:
            parts = []
            for split, count in zip(("train", "test"), counts, strict=True):
                images, labels = load(split)
                chosen = np.random.default_rng(seed).permutation(len(images))[:count]
                parts.append((torch.from_numpy(images[chosen, None]).float() / 255,
                              torch.from_numpy(labels[chosen]).long()))  # fmt: skip
            new, new_labels = parts[1]
            shoes = torch.isin(new_labels, torch.tensor([5, 7, 9]))
            found, usual, turned = [], [], []
            for augment in (None, flip, shift_pixels):
                torch.manual_seed(seed)
                layers = []
                for ins, outs in ((1, 16), (16, 32), (32, 64)):
                    layers += [nn.Conv2d(ins, outs, 3, 2, 1, bias=False), nn.BatchNorm2d(outs)]
                    layers += [nn.ReLU()]
                model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 10))
                fit(model, *parts[0], epochs, 50, augment=augment, seed=seed, bfloat16=False)
                found.append(evaluate(model, new, new_labels))
                usual.append(evaluate(model, new[shoes], new_labels[shoes]))
                turned.append(evaluate(model, new[shoes].flip(3), new_labels[shoes]))
            line = (f"mirror: {name}, seed {seed}: as they are {found[0]:.1%}, mirrored "
                    f"{100 * (found[1] - found[0]):+.1f}, moved "
                    f"{100 * (found[2] - found[0]):+.1f} points")  # fmt: skip
            if name == "clothes":
                line += (f"; shoes {100 * (usual[1] - usual[0]):+.1f}; mirrored shoes "
                         f"{turned[0]:.0%} → {turned[1]:.0%}")  # fmt: skip
            print(line, flush=True)


def vary(*more):
    """A function (images, generator): each picture cut out, mirrored, brighter or darker."""
    change = v2.Compose(
        [
            v2.RandomResizedCrop(48, scale=(0.5, 1)),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.3, contrast=0.3),
            *more,
        ]
    )
    return lambda images, generator: torch.stack([change(image) for image in images])


def augment(seeds=MORE_SEEDS, epochs=60, views=8):
    """95 objects: accuracy on those that were not trained on, three folds, without and with."""
    turn = v2.RandomRotation(15, v2.InterpolationMode.BILINEAR)
    changes = {"without": None, "with": vary(), "with, and turned": vary(turn)}
    gains = {name: [] for name in changes}
    for seed in seeds:
        images, labels, objects = object_pictures(48, views=1, seed=seed)
        new, new_labels, new_objects = object_pictures(48, views=views, seed=100 + seed)
        x, new = (torch.from_numpy(part).permute(0, 3, 1, 2) / 255 for part in (images, new))
        y, new_y = torch.from_numpy(labels), torch.from_numpy(new_labels)
        fold = np.random.default_rng(seed).permutation(objects.max() + 1) % 3
        for name, change in changes.items():
            start, shares, own = time.process_time(), [], 0
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
                fit(model, x[train], y[train], epochs, 32, 0.005, augment=change, seed=seed,
                    bfloat16=False)  # fmt: skip
                shares.append(evaluate(model, new[test], new_y[test]))
                own += evaluate(model, x[train], y[train]) / 3
            gains[name].append(100 * np.mean(shares))
            print(f"augment: seed {seed}, {name}: own {own:.0%}, new objects {np.mean(shares):.1%} "
                  f"({time.process_time() - start:.0f} s)", flush=True)  # fmt: skip
    for name in list(changes)[1:]:
        gain = np.subtract(gains[name], gains["without"])
        error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else np.nan
        print(f"augment: {name}: {gain.mean():+.1f} ± {error:.1f} points, {gain.min():+.1f} to "
              f"{gain.max():+.1f}", flush=True)  # fmt: skip


def narrowed(network, r):
    """The same network with C / r numbers inside each SE block, where the course's has C / 16."""
    for part in network.modules():
        if isinstance(part, SqueezeExcitation):
            channels = part.excite[0].in_features
            inside = max(1, channels // r)
            part.excite = nn.Sequential(
                nn.Linear(channels, inside), nn.ReLU(), nn.Linear(inside, channels), nn.Sigmoid()
            )
    return network


def se(seeds=range(5), count=4000, epochs=3, tests=10000):
    """Residual networks without gates, and with r = 16 and 4: 4,000 clothes, 3 epochs."""
    x, y = clothes()
    test, test_y = (part[:tests] for part in clothes(split="test"))
    for seed in seeds:
        line = f"se: seed {seed}:"
        for r in (None, 16, 4):
            torch.manual_seed(seed)
            model = small_resnet(1, 16, se=r is not None)
            if r == 4:
                torch.manual_seed(seed)
                narrowed(model, r)
            model = model.to(memory_format=torch.channels_last)
            fit(model, x[:count], y[:count], epochs, 64, seed=seed, bfloat16=False)
            name = f"r = {r}" if r else "without gates"
            line += f"  {name} {evaluate(model, test, test_y):.1%}"
        print(line, flush=True)


def convolution(ins, outs, size, norm):
    """With or without batch normalisation, and ReLU."""
    layers = [nn.Conv2d(ins, outs, size, padding=size // 2), nn.ReLU()]
    return [layers[0], nn.BatchNorm2d(outs), layers[1]] if norm else layers


def alexnet_like(norm=False, dropout=True):
    """Filters of 5 and 3, overlapping max pooling; batch normalisation, dropout."""
    layers, ins = [], 1
    for outs, size, pool in ((16, 5, True), (32, 5, True), (48, 3, False), (32, 3, True)):
        layers += [*convolution(ins, outs, size, norm), *([nn.MaxPool2d(3, 2)] if pool else [])]
        ins = outs
    drop = [nn.Dropout()] if dropout else []
    full = [*drop, nn.Linear(128, 64), nn.ReLU(), *drop, nn.Linear(64, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *full)


def vgg_like(norm=False, dropout=True, widths=(8, 16, 32)):
    """3 × 3 convolutions, two of each width, pooling behind each pair."""
    layers, ins = [], 1
    for outs in widths:
        layers += convolution(ins, outs, 3, norm) + convolution(outs, outs, 3, norm)
        layers.append(nn.MaxPool2d(2))
        ins = outs
    drop = [nn.Dropout()] if dropout else []
    full = [nn.Linear(outs * 9, 64), nn.ReLU(), *drop, nn.Linear(64, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *full)


def halved(**options):
    """Eight layers on maps of 14, 7 and 4."""
    return nn.Sequential(nn.MaxPool2d(2), small_resnet(1, **options))


TABLE = {
    "LeNet-5": lambda: nn.Sequential(nn.ZeroPad2d(2), lenet5()),
    **{
        f"{name}{', BN' * norm}{', no dropout' * (not dropout)}": functools.partial(
            make, norm, dropout
        )
        for name, make in (("AlexNet", alexnet_like), ("VGG", vgg_like))
        for norm in (False, True)
        for dropout in (True, False)
    },
    "plain-8": lambda: halved(shortcut=False),
    "ResNet-8": halved,
    "SE-ResNet-8": lambda: halved(se=True),
}


def summary(name, found):
    """Print the mean and the standard deviation over the seeds of each entry."""
    for entry, accuracies in found.items():
        spread = np.std(accuracies, ddof=1) if len(accuracies) > 1 else 0.0
        print(f"{name}: {entry:<24} {100 * np.mean(accuracies):.1f} ± {100 * spread:.1f}")


def table(seeds=range(5), count=60000, tests=10000, epochs=1):
    """Every network of the chapter, small, and what its dropout and batch normalisation do."""
    x, y = (part[:count] for part in clothes(side=28))
    test = [part[:tests] for part in clothes(split="test", side=28)]
    found = {name: [] for name in TABLE}
    for seed in seeds:
        for name, make in TABLE.items():
            torch.manual_seed(seed)
            model = make().to(memory_format=torch.channels_last)
            start = time.process_time()
            fit(model, x, y, epochs, 64, 0.005, seed=seed, bfloat16=False)
            found[name].append(evaluate(model, *test))
            seconds = time.process_time() - start
            print(f"table: seed {seed}: {name} {found[name][-1]:.1%} ({seconds:.0f} s)", flush=True)
    summary("table", found)


def transfer(seeds=range(5), counts=(300, 1000), tests=1000, epochs=5):
    """Clothes of 64 × 64 through EfficientNet: a linear probe, its last block trained too, and a
    ResNet-8 from random weights on the same clothes."""
    expert, most = efficientnet_lite0(), max(counts)
    (train, y), (test, test_y) = clothes(side=28), clothes(split="test", side=28)
    train, y, test, test_y = train[:most], y[:most], test[:tests], test_y[:tests]

    def described(network, images):
        with torch.inference_mode():
            return torch.cat([network(part) for part in images.split(50)]).clone()

    def enlarged(images):
        images = (images * 90.3 + 73.1 - 127) / 128
        return functional.interpolate(images, 64, mode="bilinear").expand(-1, 3, -1, -1)

    maps, test_maps = (described(expert[:16], enlarged(part)) for part in (train, test))
    ends, test_ends = (described(expert[16:-1], part) for part in (maps, test_maps))
    found = {}
    for seed in seeds:
        for count in counts:
            mean, spread = ends[:count].mean(dim=0), ends[:count].std(dim=0)
            spread = spread + 0.1 * spread.mean()
            torch.manual_seed(seed)
            probe = nn.Linear(1280, 10)
            torch.manual_seed(seed)
            last = nn.Sequential(*copy.deepcopy(expert[16:-1]), nn.Linear(1280, 10))
            torch.manual_seed(seed)
            small = halved()
            for name, model, x, new, options in (
                ("probe", probe, (ends - mean) / spread, (test_ends - mean) / spread, (30, 32)),
                ("last block", last, maps, test_maps, (epochs, 32, 0.001)),
                ("from random weights", small, train, test, (10, 32, 0.005)),
            ):
                fit(model, x[:count], y[:count], *options, seed=seed, bfloat16=False)
                score = evaluate(model, new, test_y)
                print(f"transfer: seed {seed}: {count} clothes, {name} {score:.1%}", flush=True)
                found.setdefault(f"{count} clothes, {name}", []).append(score)
    summary("transfer", found)


ALL = {f.__name__: f for f in (relu, norm, dropout, mirror, augment, se, table, transfer)}
SMALL = {
    "relu": {"rates": (0.1,), "most": 2},
    "norm": {"steps": 1, "rates": (0.1,)},
    "dropout": {"count": 50, "epochs": 1, "tests": 50},
    "mirror": {"counts": (50, 50), "epochs": 1},
    "augment": {"epochs": 1, "views": 1},
    "se": {"count": 64, "epochs": 1, "tests": 64},
    "table": {"count": 64, "tests": 64},
    "transfer": {"counts": (40,), "tests": 40, "epochs": 1},
}


def small():
    """A step or two of everything."""
    for name, function in ALL.items():
        function(range(1), **SMALL[name])


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ALL:
        ALL[wanted]()
