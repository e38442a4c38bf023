"""The faults of chapter 2's clinic: `uv run python tests/benchmarks/clinic_cnn.py [seeds]`.

For each fault what the notebook's cell shows, over several seeds (of the network, and of which
digits are taken), and beside it the same with the mended program: losses and accuracies on 1,000
test digits; for the blur, by how many pixels a dot at a random place has moved. One thread.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from mnist_recipes import tensors  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from course_utils import filters  # noqa: E402


def digits(seed, count=6400):
    """Batches of 64, and a test set (x, y), of digits that the seed draws."""
    places = torch.randperm(60000, generator=torch.Generator().manual_seed(seed))[:count]
    x, y = (part[places] for part in tensors("train"))
    return list(zip(x.split(64), y.split(64), strict=True)), [p[:1000] for p in tensors("test")]


def network(seed):
    """(N, 1, 28, 28) → (N, 10), two fully connected layers."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def trained(seed, batches, test, loss_of=functional.cross_entropy, clear=True, rate=0.1):
    """(all losses, test accuracy) of one pass, as the clinic's train_steps makes it."""
    model, losses = network(seed), []
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for x, y in batches:
        loss = loss_of(model(x), y)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, (model(test[0]).argmax(dim=1) == test[1]).float().mean().item()


def after_softmax(logits, labels):
    """The loss with one softmax too many."""
    return functional.cross_entropy(logits.softmax(dim=1), labels)


def apart(seed, batches):
    """The batches with their labels in another order than their pictures."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.cat([labels for _, labels in batches])
    y = y[torch.randperm(len(y), generator=generator)]
    return list(zip([x for x, _ in batches], y.split(64), strict=True))


def line(name, found):
    """One line on a training."""
    losses, score = found
    end = np.mean(losses[-10:])
    print(f"  {name:<16} loss at first {losses[0]:.2f}, least {min(losses):.2f}, ", end="")
    print(f"largest {max(losses):5.2f}, ", end="")
    print(f"mean of the last ten {end:.2f} · {score:.1%} right", flush=True)


def moved(seed, before, size=3, times=12):
    """By how many pixels (down, right) `times` blurs move a dot, its centre of mass."""
    rng = np.random.default_rng(seed)
    image = np.zeros((61, 61))
    start = rng.integers(22, 39, 2)
    image[tuple(start)] = 1
    for _ in range(times):
        width = (before, size - 1 - before)
        padded = np.pad(image, (width, width), mode="edge")
        image = filters.correlate(padded, np.full((size, size), 1 / size**2))
    rows, columns = np.indices(image.shape)
    return tuple((float((place * image).sum() / image.sum()) - at)
                 for place, at in zip((rows, columns), start, strict=True))  # fmt: skip


def main(seeds, count=6400):
    """Four faults, seed by seed."""
    torch.set_num_threads(1)
    for seed in range(seeds):
        batches, test = digits(seed, count)
        print(f"seed {seed}")
        line("right", trained(seed, batches, test))
        line("rate 0.02", trained(seed, batches, test, rate=0.02))
        line("no zero_grad", trained(seed, batches, test, clear=False, rate=0.02))
        line("right, 5 passes", trained(seed, 5 * batches, test))
        line("softmax twice, 5", trained(seed, 5 * batches, test, after_softmax))
        line("labels apart", trained(seed, apart(seed, batches), test))
        for name, before in (("right", 1), ("all above", 2)):
            down, right = moved(seed, before)
            print(f"  blur, {name:<10} a dot moves {down:.2f} down, {right:.2f} to the right")


def small():
    """The shortest run of everything above."""
    main(1, 640)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
