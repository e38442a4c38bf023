"""Generative adversarial networks for digits (L4.17): DCGAN's two networks, their losses, training.

After Goodfellow et al. 2014 (arXiv:1406.2661) and Radford et al. 2015 (arXiv:1511.06434).
Pictures are float32 tensors (N, 1, 28, 28), −1 black … 1 white, as tanh makes them.
"""

import copy
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from course_utils.argument_checks.arrays import finite_number, whole_number
from course_utils.argument_checks.tensors import (
    require_floats,
    require_model_input,
    require_tanh_range,
)
from course_utils.errors import ArgumentError
from course_utils.progress import progress
from course_utils.training import mode

SIDE = 28
GRID = 6, 10  # rows and columns of the pictures that are watched; with classes, a column each
BATCH_SIZE = 64


def discriminator_loss(real, fake):
    """−log D on real pictures and −log (1 − D) on generated ones, each a mean, added; a scalar.

    real, fake: logits (N,) and (M,): D is their sigmoid. This is −V of Goodfellow et al. 2014.
    """
    require_floats("real", real)
    require_floats("fake", fake)
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()


def generator_loss(fake):
    """−log D on generated pictures, the mean: the "non-saturating" loss of Goodfellow et al. 2014.

    fake: logits (N,). Its slope does not vanish where the discriminator sees through everything.
    """
    require_floats("fake", fake)
    return functional.softplus(-fake).mean()


class Generator(nn.Module):
    """Noise → pictures, by transposed convolutions 7 × 7 → 14 × 14 → 28 × 28.

    latent: how many numbers of noise. width: channels of the last but one layer. classes: 0, or
    how many; then the class is put beside the noise, as a one-hot code.
    """

    def __init__(self, latent=64, width=32, classes=0):
        super().__init__()
        self.latent = whole_number("latent", latent, 1)
        self.classes = whole_number("classes", classes, 0)
        width = whole_number("width", width, 1)
        self.layers = nn.Sequential(
            nn.Linear(latent + classes, 2 * width * 49, bias=False),
            nn.Unflatten(1, (2 * width, 7, 7)),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise, labels=None):
        """(N, latent) and, with classes, labels (N,) → (N, 1, 28, 28)."""
        require_model_input("noise", noise, self, "N", self.latent)
        labels = _labels(labels, self.classes, len(noise))
        if labels is not None:
            noise = torch.cat([noise, functional.one_hot(labels, self.classes).to(noise)], dim=1)
        return self.layers(noise)


class Discriminator(nn.Module):
    """Pictures → logits: above 0 "real", below 0 "generated"; strided convolutions 28 → 14 → 7.

    width: channels of the first layer. classes: 0, or how many. With classes the logit is
    w · f + e[class] · f, with features f and a row e of weights for each class: the projection of
    Miyato and Koyama 2018 (arXiv:1802.05637).
    """

    def __init__(self, width=32, classes=0):
        super().__init__()
        self.classes = whole_number("classes", classes, 0)
        width = whole_number("width", width, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
        )
        self.real = nn.Linear(2 * width * 49, 1)
        self.kind = nn.Embedding(classes, 2 * width * 49) if classes else None

    def forward(self, pictures, labels=None):
        """(N, 1, 28, 28) and, with classes, labels (N,) → logits (N,)."""
        require_model_input("pictures", pictures, self, "N", 1, SIDE, SIDE)
        labels = _labels(labels, self.classes, len(pictures))
        features = self.layers(pictures)
        logits = self.real(features)[:, 0]
        if labels is None:
            return logits
        return logits + (features * self.kind(labels.to(features.device))).sum(dim=1)


def initialise(model):
    """Set a network's weights as the DCGAN paper does, in place; returns the network.

    Convolutions, linear layers and embeddings from N(0, 0.02), normalisations from N(1, 0.02),
    biases 0. Draws from torch's global generator.
    """
    for part in model.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, 0, 0.02)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1, 0.02)
        if getattr(part, "bias", None) is not None:
            nn.init.zeros_(part.bias)
    return model


@dataclass
class GanHistory:
    """What a training leaves: losses of each step, frames (step → pictures), the mean generator."""

    discriminator: list = field(default_factory=list)
    generator: list = field(default_factory=list)
    frames: dict = field(default_factory=dict)
    average: nn.Module | None = None


def train_gan(generator, discriminator, images, labels=None, steps=600, rates=(2e-4, 2e-4),
              average=0.99, watch=(), seed=0):  # fmt: skip
    """Train both networks in place, one step of each in turn; returns a GanHistory.

    images: (N, 1, 28, 28) float32, −1 … 1; a batch has 64. labels: (N,), for networks with classes.
    rates: Adam's learning rate of generator and discriminator; its β₁ is 0.5, as in the paper.
    average: `history.average` is a generator whose weights are a running mean over about
    1 / (1 − average) steps; its normalisation's numbers are those of the last step.
    watch: steps before which 60 pictures, always from the same noise, go into `history.frames`
    (`steps` itself: after the last one). seed: of batches and noise.
    An interrupt ends the training early; the weights are kept. Afterwards both networks are in
    evaluation mode. Raises ArgumentError.
    """
    steps = whole_number("steps", steps, 1)
    draw = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    rates = _as_rates(rates)
    _check_training(generator, discriminator, images, average, watch)
    classes = generator.classes
    device = next(generator.parameters()).device
    labels = _labels(labels, classes, len(images), "images")
    g_optimizer, d_optimizer = (
        torch.optim.Adam(network.parameters(), rate, betas=(0.5, 0.999), fused=True)
        for network, rate in zip((generator, discriminator), rates, strict=True)
    )
    history = GanHistory(average=copy.deepcopy(generator).eval())
    d_losses, g_losses = [], []
    fixed = fixed_noise(generator, seed)

    with mode(generator, training=True), mode(discriminator, training=True):
        try:
            for step in progress(range(steps), "training"):
                if step in watch:
                    history.frames[step] = draw_pictures(history.average, *fixed)
                batch = torch.randint(len(images), (BATCH_SIZE,), generator=draw)
                real = images[batch].to(device)
                real_labels = None if labels is None else labels[batch].to(device)
                fake_labels = None
                if classes:
                    fake_labels = torch.randint(classes, (BATCH_SIZE,), generator=draw).to(device)
                noise = torch.randn(BATCH_SIZE, generator.latent, generator=draw).to(device)
                fakes = generator(noise, fake_labels)
                d_loss = discriminator_loss(
                    discriminator(real, real_labels), discriminator(fakes.detach(), fake_labels)
                )
                _step(d_optimizer, d_loss)
                d_losses.append(d_loss.detach())
                g_loss = generator_loss(discriminator(fakes, fake_labels))
                _step(g_optimizer, g_loss)
                g_losses.append(g_loss.detach())
                _follow(history.average, generator, min(average, (step + 1) / (step + 10)))
        except KeyboardInterrupt:
            print(f"stopped after {len(g_losses)} of {steps} steps, weights kept")
    if steps in watch:
        history.frames[steps] = draw_pictures(history.average, *fixed)
    history.discriminator = [loss.item() for loss in d_losses]
    history.generator = [loss.item() for loss in g_losses]
    generator.eval()
    discriminator.eval()
    return history


def fixed_noise(generator, seed=0):
    """Noise (60, latent) and labels (60,) (None without classes), the same for the same seed."""
    rows, columns = GRID
    draw = torch.Generator().manual_seed(whole_number("seed", seed, 0) + 1)
    noise = torch.randn(rows * columns, generator.latent, generator=draw)
    labels = torch.arange(rows * columns) % generator.classes if generator.classes else None
    return noise, labels


def draw_pictures(generator, noise, labels=None):
    """The pictures of a generator in evaluation mode, on the CPU: (N, 1, 28, 28), −1 … 1."""
    require_model_input("noise", noise, generator)
    device = next(generator.parameters()).device
    with mode(generator, training=False), torch.inference_mode():
        labels = None if labels is None else torch.as_tensor(labels).to(device)
        return generator(noise.to(device), labels).cpu().contiguous()


def sheet(pictures, columns=10):
    """(N, 1, H, W) pictures, −1 … 1 → one gray picture (rows · H, columns · W), 0 … 1, row by row.

    The last row is filled with black. NumPy float32.
    """
    columns = whole_number("columns", columns, 1)
    require_floats("pictures", pictures, "N", 1, "H", "W")
    require_tanh_range("pictures", pictures)
    count, _, height, width = pictures.shape
    rows = -(-count // columns)
    page = torch.full((rows * columns, height, width), -1.0)
    page[:count] = pictures[:, 0].detach().cpu()
    page = page.reshape(rows, columns, height, width).transpose(1, 2)
    return (page.reshape(rows * height, columns * width).numpy() + 1) / 2


def _step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _follow(mean, model, keep):
    """Move the running mean of the weights towards the model's."""
    with torch.no_grad():
        for old, new in zip(mean.parameters(), model.parameters(), strict=True):
            old.lerp_(new, 1 - keep)
        for old, new in zip(mean.buffers(), model.buffers(), strict=True):
            old.copy_(new)


def _labels(labels, classes, count, of="noise or pictures"):
    """Labels as int64, None without classes. Raises ArgumentError where they do not fit."""
    if not classes:
        if labels is not None:
            raise ArgumentError("labels were given to a network without classes; leave them out")
        return None
    if labels is None:
        raise ArgumentError(f"labels are missing: this network has {classes} classes")
    labels = torch.as_tensor(labels)
    if labels.shape != (count,) or labels.is_floating_point():
        wanted = f"labels must be {count} whole numbers, one for each of {of}"
        raise ArgumentError(f"{wanted}, got {tuple(labels.shape)} of {labels.dtype}")
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        span = f"{int(labels.min())} … {int(labels.max())}"
        raise ArgumentError(f"labels must be 0 … {classes - 1}, got {span}")
    return labels.long()


def _as_rates(rates):
    if not isinstance(rates, tuple | list) or len(rates) != 2:
        raise ArgumentError(f"rates must be two, of generator and discriminator, got {rates!r}")
    return [finite_number("rates", rate) for rate in rates]


def _check_training(generator, discriminator, images, average, watch):
    """Refuse what `train_gan` cannot train with."""
    require_floats("images", images, "N", 1, SIDE, SIDE, dtype=torch.float32)
    require_tanh_range("images", images)
    if not isinstance(watch, tuple | list | set | range):
        raise ArgumentError(f"watch must be a tuple of steps, got {watch!r}; use ({watch!r},)")
    if not 0 <= average < 1:
        raise ArgumentError(f"average must be 0 … 1, not 1, got {average!r}")
    if generator.classes != discriminator.classes:
        raise ArgumentError(
            f"generator and discriminator must have the same classes, "
            f"got {generator.classes} and {discriminator.classes}"
        )
