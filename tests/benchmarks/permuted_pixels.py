"""Who sees the space? `uv run python tests/benchmarks/permuted_pixels.py [seeds]`.

A plain network and a small CNN on MNIST, straight and with all pixels in one random order, as in
section 2.25: 10,000 digits, three epochs. Prints test accuracies for each seed, without bfloat16
and, where the processor has instructions for it, with; the order of the pixels is drawn anew for
each seed.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from mnist_recipes import tensors  # noqa: E402
from torch import nn  # noqa: E402

from course_utils.models import digit_net  # noqa: E402
from course_utils.training import evaluate, fit, short_type_is_quick  # noqa: E402


def plain_net():
    """Two full layers."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def accuracy(make, order, seed, bfloat16, train, test):
    """Test accuracy of one training on pixels in the given order."""

    def reorder(images):
        return images.flatten(1)[:, order].reshape(-1, 1, 28, 28)

    torch.manual_seed(seed)
    model = make()
    fit(model, reorder(train[0]), train[1], epochs=3, seed=seed, bfloat16=bfloat16)
    return evaluate(model, reorder(test[0]), test[1])


def main(seeds, count=10000, tested=10000):
    """One line a seed and number type: both networks, straight → reordered."""
    train, test = ([part[:most] for part in tensors(split)]
                   for split, most in (("train", count), ("test", tested)))  # fmt: skip
    types = (False, True) if short_type_is_quick(torch.device("cpu")) else (False,)
    for seed in range(seeds):
        orders = np.arange(784), np.random.default_rng(seed).permutation(784)
        for bfloat16 in types:
            line = f"seed {seed}, {'bfloat16' if bfloat16 else 'float32'}:"
            for name, make in (("plain", plain_net), ("CNN", lambda: digit_net(8, 16, 32))):
                straight, shuffled = (accuracy(make, order, seed, bfloat16, train, test)
                                      for order in orders)  # fmt: skip
                line += f"  {name} {straight:.2%} → {shuffled:.2%} ({shuffled - straight:+.2%})"
            print(line, flush=True)


def small():
    """The shortest run of everything above."""
    main(1, 200, 200)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
