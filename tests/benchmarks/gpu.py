"""With a GPU and without: `uv run python tests/benchmarks/gpu.py [cifar10]`; nothing without one.

Each chapter with the GPU hidden and then with it. With `cifar10`, also that set to 94 %: it is
fetched if it is not there; a residual network of 20 layers, four times as wide as the paper's,
AdamW, crops and mirror images.
"""

import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import torch
from nbformat.v4 import new_code_cell, new_notebook
from torch.nn import functional
from torchvision.datasets import CIFAR10

sys.path.append(str(Path(__file__).resolve().parents[1]))
from chapter_runs import run  # noqa: E402
from results import keep  # noqa: E402

from course_utils.downloads import fetch  # noqa: E402
from course_utils.models import small_resnet  # noqa: E402
from course_utils.training import evaluate, fit, pick_device  # noqa: E402
from notebooks_as_files import CHAPTERS, code_cells, read  # noqa: E402

TARGET, EPOCHS, BATCH, RATE = 0.94, (8, 16, 24, 32), 512, 0.01


def seconds(path, **variables):
    """Of a whole chapter, with these variables in its kernel's environment."""
    start = time.perf_counter()
    run(code_cells(read(path)), path.parent, **variables)
    return time.perf_counter() - start


def crop_and_flip(images, generator):
    """Each picture moved by up to 4 pixels, 0 beyond its edge, and mirrored half of the time."""
    n, _, height, width = images.shape
    draw = {"generator": generator, "device": images.device}
    padded = functional.pad(images, (4, 4, 4, 4))
    down, right = torch.randint(9, (2, n, 1, 1, 1), **draw)
    rows = torch.arange(height, device=images.device)[:, None] + down
    columns = torch.arange(width, device=images.device) + right
    mirrored = torch.rand(n, 1, 1, 1, **draw) < 0.5
    columns = torch.where(mirrored, columns.flip(-1), columns)
    channels = torch.arange(images.shape[1], device=images.device)[:, None, None]
    return padded[
        torch.arange(n, device=images.device)[:, None, None, None], channels, rows, columns
    ]


def cifar(data):
    """Pictures (N, 3, 32, 32), mean 0 and deviation 1 a channel, and labels, of the data set."""
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor([0.4914, 0.4822, 0.4465])[:, None, None]
    deviation = torch.tensor([0.2470, 0.2435, 0.2616])[:, None, None]
    return (images - mean) / deviation, torch.from_numpy(np.array(data.targets))


def train_cifar(train, test, epochs, device, seed=0, width=64):
    """(seconds, test accuracy)."""
    torch.manual_seed(seed)
    model = small_resnet(3, width=width, channels=3).to(device, memory_format=torch.channels_last)
    options = {"batch_size": BATCH, "learning_rate": RATE, "weight_decay": 0.05}
    start = time.perf_counter()
    fit(model, *train, epochs=epochs, augment=crop_and_flip, seed=seed, **options)
    return time.perf_counter() - start, evaluate(model, *test)


def main(names):
    """Chapters, then CIFAR-10 with more epochs until the target is reached."""
    device = pick_device()
    if device.type != "cuda":  # others cannot be hidden
        print("no NVIDIA GPU here: nothing measured")
        return
    for path in CHAPTERS:
        without, with_it = seconds(path, CUDA_VISIBLE_DEVICES=""), seconds(path)
        print(f"{path.stem}: {without:.0f} s without, {with_it:.0f} s with the GPU", flush=True)
        said = {"without": f"{without:.0f} s", "with": f"{with_it:.0f} s"}
        keep("gpu", path.stem, said | {"ratio": f"{without / with_it:.1f}"})
    if "cifar10" not in names:
        return
    root = fetch("cifar10")
    train, test = (cifar(CIFAR10(root, train=part)) for part in (True, False))
    for epochs in EPOCHS:
        spent, accuracy = train_cifar(train, test, epochs, device)
        print(f"CIFAR-10, {epochs} epochs: {accuracy:.2%} in {spent:.0f} s", flush=True)
        keep("gpu", f"CIFAR-10, {epochs} epochs", {"with": f"{accuracy:.2%} in {spent:.0f} s"})
        if accuracy >= TARGET:
            break


def small():
    """A step of the network on the CPU, and a cell in a kernel without GPU; no set is fetched."""
    shown = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    data = cifar(SimpleNamespace(data=shown, targets=list(range(8))))
    train_cifar(data, data, 1, torch.device("cpu"), width=4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "00_small.ipynb"
        notebook = new_notebook(cells=[new_code_cell("1 + 1")])
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
        seconds(path, CUDA_VISIBLE_DEVICES="")


if __name__ == "__main__":
    main(sys.argv[1:])
