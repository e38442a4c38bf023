"""The GAN of five numbers and the Fréchet distance as chapter 4 types them.

By hand, against torch and SciPy, and by numeric slopes.
"""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.special import expit
from torch.nn import functional

NOTEBOOK = Path(__file__).parents[1] / "notebooks/04_computer_vision.ipynb"
SEEDS = st.integers(0, 10_000)


@pytest.fixture(scope="module")
def typed():
    """The names that the cells define."""
    names = {"np": np, "torch": torch}
    for cell in nbformat.read(NOTEBOOK, 4).cells:
        if cell.id in ("value", "best", "slopes", "slopes-2", "duel", "frechet"):
            exec(cell.source, names)
    return names


def draw(seed):
    rng = np.random.default_rng(seed)
    real, z = rng.normal(1, 1, rng.integers(1, 9)), rng.normal(size=rng.integers(1, 9))
    return rng.normal(size=3), rng.normal(size=2), real, z


def value_of(w, real, fake):
    """V, in another way of writing it."""
    t = np.polyval(w[::-1], real), np.polyval(w[::-1], fake)
    return np.log(expit(t[0])).mean() + np.log(expit(-t[1])).mean()


def test_by_hand(typed):
    assert typed["gan_value"]([0.9, 0.8], [0.3, 0.1]) == pytest.approx(-0.3953, abs=1e-4)
    assert typed["bell"](np.array([2.0]), 2, 0.5)[0] == pytest.approx(0.79788, abs=1e-5)
    np.testing.assert_array_equal(typed["powers"](np.array([2.0, 3])), [[1, 1], [2, 3], [4, 9]])
    w, x = np.zeros(3), np.array([2.0])
    np.testing.assert_allclose(typed["probability_real"](x, w), 0.5)
    np.testing.assert_allclose(typed["slope_of_d"](w, x, np.array([1.0])), [0, 0.5, 1.5])
    # D = ½, t rises with x by 1 + 2 · 0.5 · 3 = 4, so ½ · 4 = 2 for the shift and 2 z for the scale
    w = np.array([-7.5, 1, 0.5])
    np.testing.assert_allclose(typed["slope_of_g"](w, np.array([3.0]), np.array([-2.0])), [2, -4])


@settings(deadline=None, max_examples=50)
@given(SEEDS)
def test_slopes_equal_torchs(typed, seed):
    w, g, real, z = draw(seed)
    tw, tg = (torch.tensor(a, requires_grad=True) for a in (w, g))
    made = tg[0] + tg[1] * torch.tensor(z)
    ones = lambda x: torch.ones_like(x)  # noqa: E731
    logit = [tw @ torch.stack([ones(x), x, x * x]) for x in (torch.tensor(real), made)]
    up = functional.logsigmoid(logit[0]).mean() + functional.logsigmoid(-logit[1]).mean()
    (of_d,) = torch.autograd.grad(up, tw, retain_graph=True)
    (of_g,) = torch.autograd.grad(functional.logsigmoid(logit[1]).mean(), tg)
    fake = g[0] + g[1] * z
    np.testing.assert_allclose(typed["slope_of_d"](w, real, fake), of_d, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(typed["slope_of_g"](w, fake, z), of_g, rtol=1e-6, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(SEEDS)
def test_slopes_are_the_numeric_ones(typed, seed):
    w, g, real, z = draw(seed)
    step = 1e-6 * np.eye(3)
    fake = g[0] + g[1] * z
    numeric = [(value_of(w + d, real, fake) - value_of(w - d, real, fake)) / 2e-6 for d in step]
    np.testing.assert_allclose(typed["slope_of_d"](w, real, fake), numeric, rtol=1e-3, atol=1e-6)
    moved = [[np.log(expit(np.polyval(w[::-1], (g + s * d) @ [np.ones_like(z), z]))).mean()
              for s in (1, -1)] for d in step[:2, :2]]  # fmt: skip
    numeric = [(up - down) / 2e-6 for up, down in moved]
    np.testing.assert_allclose(typed["slope_of_g"](w, fake, z), numeric, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_game_ends_as_the_chapter_says(typed, seed):
    once, often = typed["duel"](1, seed=seed), typed["duel"](20, seed=seed)
    assert abs(once[600, 0] - 2) < 0.15 and abs(once[600, 1]) < 0.03
    shift, scale = often[-200:, :2].mean(axis=0)
    assert abs(shift - 2) < 0.02 and abs(scale - 0.5) < 0.02
    d = typed["probability_real"](np.linspace(1, 3, 50), often[-200:, 2:].mean(axis=0))
    assert abs(d - 0.5).max() < 0.01


def sets(seed):
    """Two sets of features with other means, spreads and relations."""
    draw = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(n, 5, generator=draw, dtype=torch.float64) for n in (40, 30))
    return a @ torch.randn(5, 5, generator=draw, dtype=torch.float64), 2 * b + 1


def test_frechet_by_hand(typed):
    one = torch.tensor([[-1.0], [0], [1]])  # mean 0, deviation 1
    assert typed["frechet"](one, 2 * one + 3) == pytest.approx(10)  # 3² + (1 − 2)²
    # two features without relation: the distances of each are added
    grid = torch.cartesian_prod(one[:, 0], one[:, 0])
    small, wide = grid.double().std(0)[0].item(), 2 * grid.double().std(0)[0].item()
    got = typed["frechet"](grid, grid * torch.tensor([1.0, 2]) + torch.tensor([3.0, 0]))
    assert got == pytest.approx(9 + (wide - small) ** 2)


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_frechet_equals_scipys_root(typed, seed):
    a, b = sets(seed)
    cov_a, cov_b = (np.cov(x.numpy(), rowvar=False) for x in (a, b))
    gap = a.numpy().mean(0) - b.numpy().mean(0)
    wanted = (gap**2).sum() + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)
    assert typed["frechet"](a, b) == pytest.approx(wanted, rel=1e-6)
    assert typed["frechet"](b, a) == pytest.approx(wanted, rel=1e-6)
    assert typed["frechet"](a, a) == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_frechet_rises_with_a_shift_as_the_numeric_slope_says(typed, seed):
    a, b = sets(seed)
    way = torch.full((5,), 1e-4, dtype=torch.float64)
    numeric = (typed["frechet"](a + way, b) - typed["frechet"](a - way, b)) / 2
    slope = 2 * (a.mean(0) - b.mean(0)) @ way  # of |μ₁ − μ₂|²; a shift leaves the covariance
    assert numeric == pytest.approx(slope.item(), rel=1e-3, abs=1e-9)
