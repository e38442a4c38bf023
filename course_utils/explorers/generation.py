"""The explorer of a generator's noise: walk from one digit to another (L4.17)."""

import numpy as np
import torch
from matplotlib.figure import Figure

from course_utils.argument_checks.arrays import whole_number
from course_utils.argument_checks.tensors import require_floats
from course_utils.errors import ArgumentError
from course_utils.explorers.engine import Explorer, choice, slider
from course_utils.figures import VERMILION, show_image
from course_utils.image_generation.gan import draw_pictures

STOPS = 7  # pictures on the way
DRAWS = 10  # how many draws of noise can be chosen


def walk(start, end, way):
    """Noise between two draws: cos(90° · way) · start + sin(90° · way) · end.

    start, end: (D,) tensors from N(0, 1). way: (W,) tensor, 0 start … 1 end. → (W, D). Since
    cos² + sin² = 1, each stop is N(0, 1) as well; the plain mean of two draws would be smaller.
    """
    for name, value in (("start", start), ("end", end), ("way", way)):
        require_floats(name, value)
    angle = way[:, None] * (np.pi / 2)
    return torch.cos(angle) * start + torch.sin(angle) * end


def latent_explorer(generator, names=None, seed=0):
    """The pictures of a generator between two draws of noise, with its class chosen by hand.

    generator: a `gan.Generator`. names: of its classes, default 0, 1, …; without classes there is
    no choice. seed: of the ten draws. Raises ArgumentError.
    """
    if not hasattr(generator, "latent") or not hasattr(generator, "classes"):
        raise ArgumentError(f"generator must be a gan.Generator, got {type(generator).__name__}")
    classes = generator.classes
    names = [str(name) for name in (range(classes) if names is None else names)]
    if len(names) != classes:
        raise ArgumentError(f"names must be {classes}, one for each class, got {len(names)}")
    randomness = torch.Generator().manual_seed(whole_number("seed", seed, 0))
    draws = torch.randn(DRAWS, generator.latent, generator=randomness)
    stops = torch.linspace(0, 1, STOPS)
    figure = Figure(figsize=(9, 2.5), layout="none")
    large = figure.add_axes((0.01, 0.02, 0.24, 0.86))
    small = [figure.add_axes((0.27 + 0.104 * n, 0.24, 0.1, 0.36)) for n in range(STOPS)]
    line = figure.add_axes((0.27, 0.66, 0.728, 0.1))
    line.set(xlim=(-0.5, STOPS - 0.5), ylim=(-1, 1))
    line.set_axis_off()
    (place,) = line.plot([0], [0], "v", color=VERMILION, ms=11)
    for ax in (large, *small):
        show_image(np.zeros((28, 28)), ax=ax)
    for ax, word in ((small[0], "start"), (small[-1], "end")):
        ax.set_xlabel(word)
    title = large.set_title(" ")
    pages = [ax.images[0] for ax in (large, *small)]

    def draw(way, start, end, kind=None):
        at = torch.cat([torch.tensor([way], dtype=torch.float32), stops])
        noise = walk(draws[start], draws[end], at)
        labels = None if kind is None else torch.full((len(at),), names.index(kind))
        pictures = draw_pictures(generator, noise, labels)[:, 0].numpy() / 2 + 0.5
        for page, picture in zip(pages, pictures, strict=True):
            page.set_data(picture)
        place.set_xdata([way * (STOPS - 1)])
        title.set_text(f"{way:.0%} of the way")
        asked = "" if kind is None else f"asked for {kind}; "
        return f"{asked}noise {start} → noise {end}, {way:.0%} of the way"

    controls = {
        "way": slider("way", 0.0, 1.0, 0.5, 0.05, ".2f"),
        "start": slider("start: noise", 0, DRAWS - 1, 0),
        "end": slider("end: noise", 0, DRAWS - 1, 1),
    }
    if classes:
        controls["kind"] = choice("asked for", names, names[0])
    artists = {"pictures": pages, "place": place, "title": title}
    return Explorer("Noise explorer", figure, artists, controls, draw)
