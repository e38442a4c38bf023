"""A LeNet trained in NumPy alone on MNIST: `uv run python tests/benchmarks/lenet_numpy.py [seeds]`.

Prints, for each seed, the share of the 10,000 test digits that are right and the CPU seconds of
training, at one thread. Recipe: plain SGD with momentum, a short warm-up, then a linear fall.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is loaded

import time  # noqa: E402

import numpy as np  # noqa: E402

from course_utils.data import load_mnist  # noqa: E402
from course_utils.numpy_layers import (  # noqa: E402
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    SoftmaxCrossEntropy,
)

BATCH, EPOCHS, RATE, MOMENTUM, WARM_UP = 64, 2, 0.05, 0.9, 100


def lenet(rng):
    """The layers, first to last: (N, 1, 28, 28) → (N, 10).

    ReLU after max pooling is the same function as before it, on a quarter of the numbers.
    """
    return [
        Conv2d(1, 6, 5, padding=2, rng=rng, input_gradient=False), MaxPool2d(2), ReLU(),
        Conv2d(6, 16, 5, rng=rng), MaxPool2d(2), ReLU(), Flatten(),
        Linear(400, 120, rng=rng), ReLU(), Linear(120, 84, rng=rng), ReLU(),
        Linear(84, 10, rng=rng),
    ]  # fmt: skip


def forward(network, x):
    """x through all layers."""
    for layer in network:
        x = layer(x)
    return x


def train(images, labels, seed):
    """Train one network; returns it."""
    rng = np.random.default_rng(seed)
    network, loss = lenet(rng), SoftmaxCrossEntropy()
    speed = [{name: np.zeros_like(p) for name, p in layer.parameters.items()} for layer in network]
    steps = EPOCHS * (len(images) // BATCH)
    order = np.concatenate([rng.permutation(len(images)) for _ in range(EPOCHS)])
    for step in range(steps):
        batch = order[step * BATCH : (step + 1) * BATCH]
        loss(forward(network, images[batch]), labels[batch])
        gradient = loss.backward()
        rate = np.float32(RATE * min((step + 1) / WARM_UP, (steps - step) / (steps - WARM_UP)))
        for layer, moving in zip(reversed(network), reversed(speed), strict=True):
            gradient = layer.backward(gradient)
            for name, parameter in layer.parameters.items():
                moving[name] *= np.float32(MOMENTUM)
                moving[name] -= rate * layer.gradients[name]
                parameter += moving[name]
    return network


def accuracy(network, images, labels):
    """Share of right answers, 500 pictures at a time."""
    parts = [forward(network, images[i : i + 500]).argmax(1) for i in range(0, len(images), 500)]
    return (np.concatenate(parts) == labels).mean()


def main(seeds, count=60000, tests=10000):
    """One line a seed."""
    (x, y), (test_x, test_y) = (
        [part[:most] for part in load_mnist(split)]
        for split, most in (("train", count), ("test", tests))
    )
    x, test_x = ((a[:, None] / np.float32(255) - 0.1307) / 0.3081 for a in (x, test_x))
    x, test_x = x.astype(np.float32), test_x.astype(np.float32)
    for seed in range(seeds):
        start = time.process_time()
        network = train(x, y, seed)
        seconds = time.process_time() - start
        print(f"seed {seed}: {accuracy(network, test_x, test_y):.2%} in {seconds:.1f} CPU seconds")


def small():
    """Two steps an epoch."""
    main(1, 2 * BATCH, 50)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
