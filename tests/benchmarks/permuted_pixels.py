"""Who sees the space? `uv run python tests/benchmarks/permuted_pixels.py [seeds]`.

A plain network and a small CNN on MNIST, straight and with all pixels in one random order, as in
section 2.20: 10,000 digits, three epochs. Prints test accuracies for each seed; the order of the
pixels is drawn anew for each.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from mnist_recipes import course_model, tensors  # noqa: E402
from torch import nn  # noqa: E402

from course_utils.training import evaluate, fit  # noqa: E402


def plain_net():
    """Two full layers."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def accuracy(make, order, seed, train, test):
    """Test accuracy of one training on pixels in the given order."""

    def reorder(images):
        return images.flatten(1)[:, order].reshape(-1, 1, 28, 28)

    torch.manual_seed(seed)
    model = make()
    fit(model, reorder(train[0][:10000]), train[1][:10000], epochs=3, seed=seed)
    return evaluate(model, reorder(test[0]), test[1])


def main(seeds):
    """One line a seed: both networks, straight → reordered."""
    train, test = tensors("train"), tensors("test")
    for seed in range(seeds):
        orders = np.arange(784), np.random.default_rng(seed).permutation(784)
        line = f"seed {seed}:"
        for name, make in (("plain", plain_net), ("CNN", lambda: course_model(8, 16, 32))):
            straight, shuffled = (accuracy(make, order, seed, train, test) for order in orders)
            line += f"  {name} {straight:.2%} → {shuffled:.2%} ({shuffled - straight:+.2%})"
        print(line, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
