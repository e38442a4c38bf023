"""MNIST to 99 %: `uv run python tests/benchmarks/mnist_recipes.py [seeds] [peer epochs]`.

The chapter's recipe, and beside it in the same process the recipe of the MNIST example in the
PyTorch examples repository, written down from its published hyper-parameters: convolutions 3×3 to
32 and 64 channels, 2×2 max pooling, dropout .25 and .5, 9216 → 128 → 10; Adadelta with rate 1.0,
× 0.7 an epoch, batch 64, up to 14 epochs. One thread; CPU seconds of training alone.
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


def small():
    """A step of both recipes."""
    main(1, 1, 64, 64)


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:]), *(3, 14)[len(sys.argv) - 1 :])
