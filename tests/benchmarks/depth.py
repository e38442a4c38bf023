"""Depth, plain and residual: `uv run python tests/benchmarks/depth.py [seeds | rates | zeros]`.

Fashion-MNIST, 4,000 pictures at 14 × 14, width 8: train error of plain and residual networks of
8, 20 and 44 layers after the same short budget (section 3.8 and 3.10), at one thread; with 44
layers also the gradient of the first layer as a multiple of the last one's. `rates`: plain
networks at four learning rates. `zeros`: shortcuts without weights, the paper's option A, so that
a residual network has exactly the plain one's parameters.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from course_utils.data import load_fashion_mnist  # noqa: E402
from course_utils.models import Residual, small_resnet  # noqa: E402
from course_utils.training import evaluate, fit  # noqa: E402


def small_clothes(count):
    """(count, 1, 14, 14) with mean about 0 and deviation about 1, and labels."""
    pictures, labels = load_fashion_mnist("train")
    x = torch.nn.functional.avg_pool2d(torch.from_numpy(pictures[:count])[:, None].float(), 2)
    return (x - 73.1) / 84.4, torch.from_numpy(labels[:count]).long()


class ZeroChannels(nn.Module):
    """(N, C, H, W) → (N, outs, H, W): the new channels are 0."""

    def __init__(self, outs):
        super().__init__()
        self.outs = outs

    def forward(self, x):
        return nn.functional.pad(x, (0, 0, 0, 0, 0, self.outs - x.shape[1]))


def trained(x, y, blocks, shortcut, seed=0, epochs=3, learning_rate=0.01, zeros=False):
    """Train error in percent, and (steps,) the first layer's gradient norm / the last layer's."""
    torch.manual_seed(seed)
    model = small_resnet(blocks, width=8, shortcut=shortcut)
    for block in model.modules():
        if zeros and isinstance(block, Residual) and not isinstance(block.change, nn.Identity):
            block.change = ZeroChannels(block.change[0].out_channels)
    model = model.to(memory_format=torch.channels_last)
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    norms = [], []
    for layer, kept in zip((layers[0], layers[-1]), norms, strict=True):
        layer.weight.register_hook(lambda slope, kept=kept: kept.append(slope.norm().item()))
    fit(model, x, y, epochs, 64, learning_rate, seed=seed, bfloat16=False)
    return 100 * (1 - evaluate(model, x, y)), np.divide(*norms)


def main(seeds, count=4000, epochs=3):
    """One line a seed: train errors in percent; with 44 layers also the gradients' factor."""
    x, y = small_clothes(count)
    start = time.process_time()
    for seed in range(seeds):
        line = f"seed {seed}: train error, %:"
        for shortcut in (False, True):
            for blocks in (1, 3, 7):
                error, factors = trained(x, y, blocks, shortcut, seed, epochs)
                name = f"{'residual' if shortcut else 'plain'}-{6 * blocks + 2}"
                line += f"  {name} {error:.1f}"
            early, late = np.median(factors[:10]), np.median(factors[2 * len(factors) // 3 :])
            line += f" (gradient first / last: {early:.1f}, in the last third {late:.1f})"
        print(line, f" ({time.process_time() - start:.0f} s)", flush=True)


def rates(count=4000, epochs=3):
    """One line a learning rate: train errors of plain networks in percent, seed 0."""
    x, y = small_clothes(count)
    for rate in (0.001, 0.003, 0.01, 0.03):
        errors = {6 * n + 2: trained(x, y, n, False, 0, epochs, rate)[0] for n in (1, 3, 7)}
        print(f"rate {rate}:", *(f"{depth}: {e:.1f} %" for depth, e in errors.items()), flush=True)


def zeros(count=4000, epochs=3):
    """One line a seed: the train error of 44 layers whose shortcuts have no weights."""
    x, y = small_clothes(count)
    for seed in (1, 2):
        error, _ = trained(x, y, 7, True, seed, epochs, zeros=True)
        print(f"seed {seed}: 44 layers, shortcuts without weights: {error:.1f} %", flush=True)


def small():
    """One step of each network."""
    main(1, 16, 1)
    rates(16, 1)
    zeros(16, 1)


if __name__ == "__main__":
    if sys.argv[1:] == ["rates"]:
        rates()
    elif sys.argv[1:] == ["zeros"]:
        zeros()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
