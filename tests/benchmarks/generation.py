"""Chapter 4's generators: `uv run python tests/benchmarks/generation.py [seeds] [plan …]`.

The paper's settings after 400 and 1,200 steps, a GAN without labels with the settings of the
class-conditional GAN after 900, and that GAN; with G alone against a D that no longer learns, where
there are no classes; judged by a reader
that never sees a generated picture in training. One thread; CPU seconds of the training alone.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import copy  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn.functional import softplus  # noqa: E402

from course_utils.data import load_mnist  # noqa: E402
from course_utils.image_generation.gan import (  # noqa: E402
    Discriminator,
    Generator,
    draw_pictures,
    initialise,
    train_gan,
)
from course_utils.image_generation.measures import judge_pictures, nearest, spread  # noqa: E402
from course_utils.models import digit_net  # noqa: E402
from course_utils.training import evaluate, fit, shift_pixels  # noqa: E402

PAPER = {"latent": 100, "classes": 0, "rates": (2e-4, 2e-4), "average": 0}
OURS = {"latent": 10, "classes": 10, "rates": (2e-3, 1e-3), "average": 0.99}
PLANS = {
    "paper-400": (PAPER, 400),
    "paper-1200": (PAPER, 1200),
    "no-labels-900": (OURS | {"classes": 0}, 900),
    "classes-600": (OURS, 600),
}


def tensors(split):
    """Pictures (N, 1, 28, 28), −1 … 1, and labels."""
    images, labels = load_mnist(split)
    images = torch.from_numpy(images[:, None] / np.float32(127.5) - 1)
    return images, torch.from_numpy(labels).long()


def made(plan, images, labels, steps, seed, count):
    """(CPU seconds, both networks, `count` pictures, their labels or None).

    The pictures are of the weights' running mean where the plan has one, as in the chapter.
    """
    torch.manual_seed(seed)
    networks = (
        Generator(plan["latent"], classes=plan["classes"]),
        Discriminator(classes=plan["classes"]),
    )
    for network in networks:
        initialise(network).to(memory_format=torch.channels_last)
    kinds = labels if plan["classes"] else None
    start = time.process_time()
    history = train_gan(
        *networks, images, kinds, steps, rates=plan["rates"], average=plan["average"], seed=seed
    )
    seconds = time.process_time() - start
    torch.manual_seed(1)
    orders = torch.arange(count) % 10 if plan["classes"] else None
    pictures = draw_pictures(history.average, torch.randn(count, plan["latent"]), orders)
    return seconds, networks, pictures, orders


def trained_reader(images, labels, seed):
    """The judge of chapter 4, section 4.16."""
    torch.manual_seed(seed)
    reader = digit_net().to(memory_format=torch.channels_last)
    fit(reader, images, labels, epochs=2, batch_size=128, augment=shift_pixels)
    return reader


def noise(images, count=1000):
    """`count` pictures whose pixels have the mean and spread of the digits', each by itself."""
    torch.manual_seed(0)
    pixels = images.mean(0) + images.std(0) * torch.randn(count, *images.shape[1:])
    return pixels.clamp(-1, 1)


def collapse(generator, critic, reader, seed, count, steps):
    """Kinds and spread before and after some steps of the generator alone, and its last loss."""
    stuck, judge = copy.deepcopy(generator).train(), critic.eval()
    adam = torch.optim.Adam(stuck.parameters(), 2e-3, betas=(0.5, 0.999))
    torch.manual_seed(seed)
    for _ in range(steps):
        loss = softplus(-judge(stuck(torch.randn(64, generator.latent)))).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    torch.manual_seed(1)
    numbers = torch.randn(count, generator.latent)
    pages = [draw_pictures(network, numbers) for network in (generator, stuck)]
    kinds = [judge_pictures(reader, page)["covered"] for page in pages]
    return kinds, spread(pages[1]) / spread(pages[0]), loss.item()


def main(seeds=3, plans=PLANS, most=None, count=1000, stuck=50):
    """Print a line for each reader, for real digits, and for each plan and seed.

    plans: dict of name → (settings, steps). most: pictures of each set, default all. count:
    pictures that are made. stuck: steps of the generator alone.
    """
    images, labels = (part[:most] for part in tensors("train"))
    new, new_labels = (part[:most] for part in tensors("test"))
    readers = [trained_reader(images, labels, seed) for seed in range(seeds)]
    gray = noise(images, count)
    print("reader  unseen digits  sure of noise  its commonest digit")
    for seed, reader in enumerate(readers):
        told = judge_pictures(reader, gray)
        right, most = evaluate(reader, new, new_labels), max(told["shares"])
        digit = told["shares"].index(most)
        print(f"{seed:6} {right:14.2%} {told['confident']:14.3f}  {digit} ({most:.2f})", flush=True)
    reader = readers[0]
    print("what               seed  cpu-s  readable  as ordered  kinds  distance  spread")

    def line(name, seed, seconds, pictures, orders=None):
        told = judge_pictures(reader, pictures, orders)
        match = f"{told['match']:.3f}" if orders is not None else "    –"
        _, distance = nearest(pictures[:300], images)
        start = f"{name:18} {seed:>4} {seconds:>6} {told['confident']:9.3f} {match:>11}"
        rest = f"{told['covered']:6} {distance.mean():9.3f} {spread(pictures):7.3f}"
        print(start, rest, flush=True)

    line("unseen digits", "", "", new[:count])
    for seed in range(seeds):
        for name, (plan, steps) in plans.items():
            seconds, networks, pictures, orders = made(plan, images, labels, steps, seed, count)
            line(name, seed, f"{seconds:.0f}", pictures, orders)
            if not plan["classes"]:
                kinds, ratio, loss = collapse(*networks, reader, seed, count, stuck)
                print(f"  D stands still: kinds {kinds[0]} → {kinds[1]}, spread × {ratio:.2f}, "
                      f"loss {loss:.3f}", flush=True)  # fmt: skip


def small():
    """A step of each plan, from 128 digits."""
    main(1, {name: (plan, 1) for name, (plan, _) in PLANS.items()}, 128, 20, 1)


if __name__ == "__main__":
    wanted = sys.argv[2:] or PLANS
    main(*map(int, sys.argv[1:2]), plans={name: PLANS[name] for name in wanted})
