"""MNIST to 99 %: `uv run python tests/benchmarks/mnist_recipes.py [seeds] [peer epochs]`.

The chapter's recipe, and beside it in the same process the recipe of the MNIST example in the
PyTorch examples repository, written down from its published hyper-parameters: convolutions 3×3 to
32 and 64 channels, 2×2 max pooling, dropout .25 and .5, 9216 → 128 → 10; Adadelta with rate 1.0,
× 0.7 an epoch, batch 64, up to 14 epochs. One thread; CPU seconds of training alone.

With `parts` in place of the numbers: what each part of the chapter's recipe brings, three seeds.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import statistics  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from course_utils import models  # noqa: E402
from course_utils.data import load_mnist  # noqa: E402
from course_utils.training import evaluate, fit, shift_pixels, short_type_is_quick  # noqa: E402

sys.path.append(str(Path(__file__).resolve().parents[1]))
from results import keep  # noqa: E402

TARGET = 0.99


def tensors(split):
    """Pictures (N, 1, 28, 28), with MNIST's mean and deviation taken out, and labels."""
    images, labels = load_mnist(split)
    images = (torch.from_numpy(images)[:, None].float() / 255 - 0.1307) / 0.3081
    return images, torch.from_numpy(labels).long()


def ours(train, test, seed, widths=(16, 32, 64), epochs=1, batch_size=128, **options):
    """(CPU seconds, test accuracy) of the chapter's recipe."""
    torch.manual_seed(seed)
    model = models.digit_net(*widths).to(memory_format=torch.channels_last)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    start = time.process_time()
    options = {"augment": shift_pixels, "batch_size": batch_size, "seed": seed} | options
    fit(model, *train, epochs=epochs, loss=loss, **options)
    return time.process_time() - start, evaluate(model, *test)


def peer_model():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(128, 10),
    )  # fmt: skip


def peer(train, test, seed, epochs):
    """Yields (CPU seconds so far, test accuracy) after each epoch of the peer's recipe."""
    torch.manual_seed(seed)
    model = peer_model()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds = 0
    for _ in range(epochs):
        start = time.process_time()
        for batch in torch.randperm(len(train[0])).split(64):
            optimizer.zero_grad()
            functional.cross_entropy(model(train[0][batch]), train[1][batch]).backward()
            optimizer.step()
        schedule.step()
        seconds += time.process_time() - start
        yield seconds, evaluate(model, *test)


def main(seeds, peer_epochs, count=60000, tests=10000):
    """One line a run."""
    torch.set_num_threads(1)
    train = [part[:count] for part in tensors("train")]
    test = [part[:tests] for part in tensors("test")]
    cpu = torch.device("cpu")
    print(f"torch {torch.__version__}, one thread, bfloat16 {short_type_is_quick(cpu)}")
    ours([part[:2000] for part in train], test, 0)  # loads what torch loads at first use
    times, right = [], []
    for seed in range(seeds):
        seconds, accuracy = ours(train, test, seed)
        times.append(seconds)
        right.append(accuracy)
        print(f"ours, seed {seed}: {accuracy:.2%} in {seconds:.1f} CPU seconds", flush=True)
    middle = statistics.median(times)
    said = {"test accuracy": ", ".join(f"{share:.2%}" for share in right), "cost": "1"}
    keep("mnist", f"the chapter's recipe, {seeds} seeds", said)
    reached = None
    for epoch, (seconds, accuracy) in enumerate(peer(train, test, 0, peer_epochs), 1):
        reached = reached or (seconds if accuracy >= TARGET else None)
        print(f"peer, epoch {epoch}: {accuracy:.2%} after {seconds:.0f} CPU seconds", flush=True)
    if peer_epochs:
        print(f"the peer's whole recipe: {seconds / max(times):.0f} × our slowest run")
        said = {"test accuracy": f"{accuracy:.2%}", "cost": f"{seconds / middle:.1f}"}
        keep("mnist", f"PyTorch's example, {peer_epochs} epochs", said)
    if reached:
        print(f"until the peer first reached {TARGET:.0%}: {reached / max(times):.0f} ×")
        said = {"test accuracy": f"{TARGET:.0%}", "cost": f"{reached / middle:.1f}"}
        keep("mnist", f"PyTorch's example, until it first has {TARGET:.0%}", said)


def block(ins, outs, size, pool, norm, **options):
    """Convolution, perhaps max pooling, perhaps batch normalisation, ReLU."""
    layers = [nn.Conv2d(ins, outs, size, bias=not norm, **options)]
    layers += ([nn.MaxPool2d(2)] if pool else []) + ([nn.BatchNorm2d(outs)] if norm else [])
    return [*layers, nn.ReLU()]


def network(norm=True):
    """The chapter's network, with or without batch normalisation."""
    first = block(1, 16, 4, False, norm, stride=2, padding=1)
    second, third = (block(ins, 2 * ins, 3, True, norm, padding=1) for ins in (16, 32))
    return nn.Sequential(*first, *second, *third, nn.Flatten(), nn.Linear(576, 10))


def without(train, test, seed, model=network, move=True, smooth=0.05, adam=True, schedule=True):
    """Test accuracy of the chapter's recipe, without one of its parts."""
    torch.manual_seed(seed)
    model, (images, labels) = model().to(memory_format=torch.channels_last), train
    count, rate = -(-len(images) // 128), 0.01 if adam else 0.1
    if adam:
        optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.01)
    else:
        optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9)
    if schedule:
        falling = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, count + 1)
    else:
        falling = torch.optim.lr_scheduler.ConstantLR(optimizer, 1)
    order, draw = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    model.train()
    for batch in torch.randperm(len(images), generator=order).tensor_split(count):
        seen = shift_pixels(images[batch], draw) if move else images[batch]
        loss = functional.cross_entropy(model(seen), labels[batch], label_smoothing=smooth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    return evaluate(model, *test)


def lenet():
    """LeNet-5 as the chapter has it."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


PARTS = {
    "all of it": {},
    "without moved digits": {"move": False},
    "without label smoothing": {"smooth": 0.0},
    "SGD in place of AdamW": {"adam": False},
    "without batch normalisation": {"model": lambda: network(norm=False)},
    "LeNet in place of the network": {"model": lenet},
    "one learning rate": {"schedule": False},
}


def parts(seeds=3, count=60000, tests=10000):
    """One line a part that is left out."""
    torch.set_num_threads(1)
    train = [part[:count] for part in tensors("train")]
    test = [part[:tests] for part in tensors("test")]
    for name, options in PARTS.items():
        shares = [without(train, test, seed, **options) for seed in range(seeds)]
        said = ", ".join(f"{share:.2%}" for share in shares)
        print(f"{name:<30} {said} mean {statistics.mean(shares):.2%}", flush=True)


def small():
    """A step of both recipes, and of each without its parts."""
    main(1, 1, 64, 64)
    parts(1, 64, 64)


if __name__ == "__main__":
    if sys.argv[1:] == ["parts"]:
        parts()
        sys.exit()
    main(*(int(value) for value in sys.argv[1:]), *(3, 14)[len(sys.argv) - 1 :])
