"""The clinic of chapter 3, seed by seed: `uv run python tests/benchmarks/clinic_evolution.py`.

What each fault costs, beside the program without it, over three seeds and at one thread. Names:
modes, statistics, copies, rates (all, if none is given).
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import copy  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from course_utils.data import load_fashion_mnist  # noqa: E402
from course_utils.training import evaluate, fit  # noqa: E402

SEEDS = range(3)


def clothes(split, count, seed=0):
    """(count, 1, 14, 14), 0 … 255, and labels: a random choice."""
    images, labels = load_fashion_mnist(split)
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    x = torch.from_numpy(images[chosen])[:, None].float()
    return functional.avg_pool2d(x, 2), torch.from_numpy(labels[chosen]).long()


def network(norm):
    """(N, 1, 14, 14) → (N, 10): three convolutions that halve the map, with `norm` normalised."""
    layers, ins = [], 1
    for outs in (16, 32, 64):
        layers += [nn.Conv2d(ins, outs, 3, 2, 1), *([nn.BatchNorm2d(outs)] if norm else [])]
        layers, ins = [*layers, nn.ReLU()], outs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4, 10))


def modes(seeds=SEEDS, count=4000, epochs=3):
    """Accuracy of a network left in training mode, by the size of the batches and by their kind."""
    new_x, new_y = clothes("test", 2000)
    for seed in seeds:
        x, y = clothes("train", count, seed)
        torch.manual_seed(seed)
        model = network(norm=True)
        fit(model, x / 255, y, epochs=epochs, batch_size=64, learning_rate=0.01, bfloat16=False)
        order = new_y.argsort(stable=True)
        found = {"eval": evaluate(model, new_x / 255, new_y)}
        for name, size, places in (
            ("500", 500, slice(None)), ("20", 20, slice(None)), ("5", 5, slice(None)),
            ("1", 1, slice(None)), ("100 of one kind", 100, order),
        ):  # fmt: skip
            wrong = copy.deepcopy(model).train()
            with torch.no_grad():
                logits = torch.cat([wrong(part / 255) for part in new_x[places].split(size)])
            found[name] = (logits.argmax(dim=1) == new_y[places]).double().mean().item()
        told = ", ".join(f"{name} {share:.1%}" for name, share in found.items())
        print(f"modes, seed {seed}: {told}")


def standardised(train, test):
    """The right preparation."""
    return (test - train.mean()) / train.std()


def statistics(seeds=SEEDS, count=4000, epochs=3):
    """Accuracy where the test set is standardised by the training's numbers, and by its own."""
    new_x, new_y = clothes("test", 5000)
    for seed in seeds:
        x, y = clothes("train", count, seed)
        torch.manual_seed(seed)
        model = network(norm=False)
        fit(model, standardised(x, x), y, epochs=epochs, batch_size=64, learning_rate=0.005,
            bfloat16=False)  # fmt: skip
        for name, kinds in (("all", range(10)), ("sandals", [5]), ("coats", [4])):
            chosen = torch.isin(new_y, torch.tensor(list(kinds)))
            part = new_x[chosen]
            right, wrong = (
                evaluate(model, standardised(by, part), new_y[chosen]) for by in (x, part)
            )
            print(f"statistics, seed {seed}, {name}: {right:.1%} right, {wrong:.1%} by its own")


def copies_of(x, count, generator):
    """Each picture `count` times, moved by at most one pixel."""
    moved = []
    for _ in range(count):
        down, right = torch.randint(-1, 2, (2,), generator=generator).tolist()
        moved.append(x.roll((down, right), (2, 3)))
    return torch.stack(moved, dim=1).flatten(0, 1)


def copies(seeds=SEEDS, count=200, of_each=8, epochs=8):
    """Accuracy on test copies and on fresh pictures, divided by copies and by pictures."""
    new_x, new_y = clothes("test", 2000)
    for seed in seeds:
        x, y = clothes("train", count, seed)
        generator = torch.Generator().manual_seed(seed)
        many, labels = copies_of(x, of_each, generator), y.repeat_interleave(of_each)
        sources = np.repeat(np.arange(count), of_each)
        rng = np.random.default_rng(seed)
        for name, order in (
            ("by copies", rng.permutation(len(sources))),
            ("by pictures", np.argsort(rng.permutation(count)[sources], kind="stable")),
        ):
            test, train = order[: len(order) // 4], order[len(order) // 4 :]
            torch.manual_seed(seed)
            model = network(norm=True)
            fit(model, many[train] / 255, labels[train], epochs=epochs, batch_size=64,
                learning_rate=0.01, bfloat16=False)  # fmt: skip
            own = evaluate(model, many[test] / 255, labels[test])
            new = evaluate(model, new_x / 255, new_y)
            print(f"copies, seed {seed}, divided {name}: test {own:.1%}, fresh {new:.1%}")


def losses_of(seed, per_batch, count=4000, epochs=4, rate=0.1, factor=0.5):
    """The loss of each step of plain gradient descent."""
    x, y = clothes("train", count, seed)
    x = (x - 73.1) / 84.4
    torch.manual_seed(seed)
    model, losses = network(norm=False), []
    optimizer = torch.optim.SGD(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, factor)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(100):
            loss = functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if per_batch:
                schedule.step()
        if not per_batch:
            schedule.step()
    return losses


def rates(seeds=SEEDS, **options):
    """The mean loss of the first and of the last epoch, with the rate halved by epoch, by batch."""
    for seed in seeds:
        for per_batch in (False, True):
            losses = losses_of(seed, per_batch, **options)
            size = len(losses) // options.get("epochs", 4)
            name = "batch" if per_batch else "epoch"
            parts = [np.mean(losses[i : i + size]) for i in range(0, len(losses), size)]
            print(f"rates, seed {seed}, halved by {name}:", " ".join(f"{p:.2f}" for p in parts))


def small():
    """The shortest run of each."""
    modes(seeds=range(1), count=64, epochs=1)
    statistics(seeds=range(1), count=64, epochs=1)
    copies(seeds=range(1), count=8, of_each=4, epochs=1)
    rates(seeds=range(1), count=200, epochs=1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for task in [globals()[name] for name in sys.argv[1:]] or (modes, statistics, copies, rates):
        start = time.perf_counter()
        task()
        print(f"{task.__name__}: {time.perf_counter() - start:.0f} s in all\n")
