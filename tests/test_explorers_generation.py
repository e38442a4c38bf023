"""The noise explorer: what it draws is what the generator says."""

import numpy as np
import pytest
import torch

from course_utils.errors import ArgumentError
from course_utils.explorers.generation import STOPS, latent_explorer, walk
from course_utils.image_generation.gan import Generator, draw_pictures, initialise


def make(classes=0, gain=20):
    """A generator whose untrained pictures are loud enough to see."""
    torch.manual_seed(0)
    generator = initialise(Generator(5, 4, classes)).eval()
    with torch.no_grad():
        generator.layers[-2].weight.mul_(gain)
    return generator


def test_walk_by_hand():
    start, end = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    stops = walk(start, end, torch.tensor([0, 1 / 3, 1]))
    np.testing.assert_allclose(stops, [[1, 0], [3**0.5 / 2, 1], [0, 2]], atol=1e-6)


def test_walk_keeps_the_size_of_noise():
    draws = torch.randn(2, 20000, generator=torch.Generator().manual_seed(0))
    middle = walk(draws[0], draws[1], torch.tensor([0.5]))
    assert middle.std().item() == pytest.approx(1, abs=0.02)
    assert draws.mean(dim=0).std().item() < 0.75


@pytest.mark.parametrize("classes", [0, 3])
def test_it_draws_what_the_generator_says(classes):
    generator = make(classes)
    explorer = latent_explorer(generator, seed=4)
    values = {"way": 0.25, "start": 2, "end": 7} | ({"kind": "2"} if classes else {})
    explorer.set(**values)
    draws = torch.randn(10, 5, generator=torch.Generator().manual_seed(4))
    noise = walk(draws[2], draws[7], torch.tensor([0.25, *torch.linspace(0, 1, STOPS)]))
    labels = torch.full((STOPS + 1,), 2) if classes else None
    wanted = draw_pictures(generator, noise, labels)[:, 0].numpy() / 2 + 0.5
    pictures = [page.get_array() for page in explorer.artists["pictures"]]  # the large one first
    np.testing.assert_allclose(pictures, wanted, atol=1e-6)
    asked = "asked for 2; " if classes else ""
    assert explorer.readout.text == f"{asked}noise 2 → noise 7, 25% of the way"
    assert ("kind" in explorer.controls) == bool(classes)


def test_bad_input_gets_one_clear_error():
    with pytest.raises(ArgumentError, match="generator must be a gan.Generator, got Linear"):
        latent_explorer(torch.nn.Linear(2, 2))
    with pytest.raises(ArgumentError, match="names must be 3, one for each class, got 2"):
        latent_explorer(make(3), names=["a", "b"])
