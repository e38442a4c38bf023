"""Depth, plain and residual: `uv run python tests/benchmarks/depth.py [seeds]`.

Fashion-MNIST, 4,000 pictures at 14 × 14, width 8: train error of plain and residual networks of
8, 20 and 44 layers after the same short budget (section 3.8 and 3.10), at one thread.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import time  # noqa: E402

import torch  # noqa: E402

from course_utils.data import load_fashion_mnist  # noqa: E402
from course_utils.models import small_resnet  # noqa: E402
from course_utils.training import evaluate, fit  # noqa: E402


def small_clothes(count):
    """(count, 1, 14, 14) with mean about 0 and deviation about 1, and labels."""
    pictures, labels = load_fashion_mnist("train")
    x = torch.nn.functional.avg_pool2d(torch.from_numpy(pictures[:count])[:, None].float(), 2)
    return (x - 73.1) / 84.4, torch.from_numpy(labels[:count]).long()


def main(seeds, count=4000, epochs=3):
    """One line a seed: train errors in percent."""
    x, y = small_clothes(count)
    start = time.process_time()
    for seed in range(seeds):
        line = f"seed {seed}: train error, %:"
        for shortcut in (False, True):
            for blocks in (1, 3, 7):
                torch.manual_seed(seed)
                model = small_resnet(blocks, width=8, shortcut=shortcut)
                model = model.to(memory_format=torch.channels_last)
                fit(model, x, y, epochs=epochs, batch_size=64, seed=seed, bfloat16=False)
                name = f"{'residual' if shortcut else 'plain'}-{6 * blocks + 2}"
                line += f"  {name} {100 * (1 - evaluate(model, x, y)):.1f}"
        print(line, f" ({time.process_time() - start:.0f} s)", flush=True)


def small():
    """One step of each network."""
    main(1, 16, 1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
