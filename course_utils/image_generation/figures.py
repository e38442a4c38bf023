"""Figures of chapter 4's generators: two densities and the discriminator's curve, and losses."""

import matplotlib.pyplot as plt
import numpy as np

from course_utils.argument_checks.arrays import as_array
from course_utils.errors import ArgumentError
from course_utils.figures import BLUE, GREEN, PURPLE, VERMILION, show

REAL, MADE, CURVE = BLUE, VERMILION, "0.25"
SPAN = -4.0, 5.0
REAL_BELL = 2.0, 0.5  # mean and deviation


def show_duel(story, rounds, *, alt=None):
    """Moments of the GAN of five numbers, side by side.

    story: (R, 5) of shift, scale, w₀, w₁, w₂ before each round. rounds: which of them to draw.
    alt: as in `figures.show`. The real bell has the mean 2 and the deviation 0.5. Raises
    ArgumentError.
    """
    story = as_array("story", story).astype(float)
    if story.ndim != 2 or story.shape[1] != 5:
        raise ArgumentError(f"story must be (rounds, 5), got {story.shape}")
    wrong = [r for r in rounds if not 0 <= r < len(story)]
    if wrong or not len(rounds):
        raise ArgumentError(f"rounds must be 0 … {len(story) - 1}, one or more, got {list(rounds)}")
    x = np.linspace(*SPAN, 400)
    noise = np.random.default_rng(0).normal(size=2000)
    mean, deviation = REAL_BELL
    bell = np.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
    figure, axes = plt.subplots(1, len(rounds), figsize=(10, 2.9), sharey=True, squeeze=False)
    for ax, moment in zip(axes[0], rounds, strict=True):
        shift, scale, *w = story[moment]
        made = shift + scale * noise
        ax.fill_between(x, bell, color=REAL, alpha=0.35, lw=0, label="real")
        bins = np.linspace(*SPAN, 46)
        ax.hist(made, bins, density=True, color=MADE, alpha=0.75, label="made")
        curve = 1 / (1 + np.exp(-(w[0] + w[1] * x + w[2] * x**2)))
        ax.plot(x, curve, color=CURVE, lw=2, label="D(x)")
        ax.axhline(0.5, color="0.6", lw=0.8, ls=":")
        ax.set(
            title=f"round {moment}", ylim=(0, 1.3), xlabel="x", xlim=SPAN, xticks=(-4, -2, 0, 2, 4)
        )
    axes[0, 0].legend(loc="upper left", fontsize=12, frameon=False)
    show(figure, alt=alt)


def show_losses(losses, *, levels=(), keep=0.9, alt=None):
    """Losses over the steps: each as it is, thin, and over it its running mean.

    losses: dict of name → list of numbers. levels: (height, text) of dotted lines to compare with.
    keep: how much of the mean stays at each step, 0 … 1: a step counts less the longer ago it is,
    by this factor each time; 0 draws the losses alone. alt: as in `figures.show`. Raises
    ArgumentError.
    """
    losses = {name: as_array(f"losses[{name!r}]", values) for name, values in losses.items()}
    if not losses or any(each.ndim != 1 or not len(each) for each in losses.values()):
        raise ArgumentError("losses must hold lists of one or more numbers")
    if not 0 <= keep < 1:
        raise ArgumentError(f"keep must be 0 … 1, not 1, got {keep!r}")
    figure, ax = plt.subplots(figsize=(8, 3.4))
    colours = (REAL, MADE, GREEN, PURPLE)
    for colour, (name, values) in zip(colours, losses.items(), strict=False):
        steps = np.arange(1, len(values) + 1)
        if keep:
            ax.plot(steps, values, color=colour, lw=0.8, alpha=0.4)
        ax.plot(steps, _running_mean(values, keep), color=colour, lw=2.5, label=name)
    for height, text in levels:
        ax.axhline(height, color="0.5", lw=1, ls=":")
        ax.text(1.0, height, f" {text}", transform=ax.get_yaxis_transform(), va="center")
    ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
    ax.legend(frameon=False)
    show(figure, alt=alt)


def _running_mean(values, keep):
    """(N,) → (N,): at each place the mean of the values so far, the last one with the weight 1.

    The value k places before it has the weight keep ** k.
    """
    total, weight, means = 0.0, 0.0, []
    for value in values:
        total, weight = keep * total + value, keep * weight + 1
        means.append(total / weight)
    return np.array(means)
