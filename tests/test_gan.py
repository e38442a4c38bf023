"""GANs: numbers worked by hand, torch's own losses, and slopes; what training leaves."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy.spatial import distance
from torch import nn
from torch.nn import functional

from course_utils.image_generation.gan import (
    Discriminator,
    Generator,
    discriminator_loss,
    draw_pictures,
    fixed_noise,
    generator_loss,
    initialise,
    sheet,
    train_gan,
)
from course_utils.image_generation.measures import judge_pictures, nearest, spread

LOGITS = st.lists(st.floats(-30, 30), min_size=1, max_size=9)


def logit(p):
    return math.log(p / (1 - p))


def squares(count=40, seed=0):
    """Pictures of one white square each, −1 … 1, and in which half it stands."""
    rng = np.random.default_rng(seed)
    pictures, labels = -np.ones((count, 1, 28, 28), np.float32), rng.integers(0, 2, count)
    for picture, label in zip(pictures, labels, strict=True):
        row, column = rng.integers(2, 18), rng.integers(1, 7) + 14 * label
        picture[0, row : row + 6, column : column + 6] = 1
    return torch.from_numpy(pictures), torch.from_numpy(labels)


def pair(classes=0, seed=0, width=4):
    torch.manual_seed(seed)
    return initialise(Generator(5, width, classes)), initialise(Discriminator(width, classes))


def test_losses_by_hand():
    real, fake = torch.tensor([logit(0.9), logit(0.8)]), torch.tensor([logit(0.3), logit(0.1)])
    wanted = -(math.log(0.9) + math.log(0.8)) / 2 - (math.log(0.7) + math.log(0.9)) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(wanted, rel=1e-5)
    wanted = -(math.log(0.3) + math.log(0.1)) / 2
    assert generator_loss(fake).item() == pytest.approx(wanted, rel=1e-5)
    zeros = torch.zeros(3)
    assert discriminator_loss(zeros, zeros).item() == pytest.approx(math.log(4), rel=1e-6)


@settings(deadline=None)
@given(LOGITS, LOGITS)
def test_losses_equal_torch_cross_entropies(real, fake):
    real, fake = torch.tensor(real).double(), torch.tensor(fake).double()
    judge = functional.binary_cross_entropy_with_logits
    wanted = judge(real, torch.ones_like(real)) + judge(fake, torch.zeros_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), wanted)
    torch.testing.assert_close(generator_loss(fake), judge(fake, torch.ones_like(fake)))


def test_slopes_of_the_losses():
    real, fake = (torch.randn(n, dtype=torch.double, requires_grad=True) for n in (4, 3))
    assert torch.autograd.gradcheck(discriminator_loss, (real, fake))
    assert torch.autograd.gradcheck(generator_loss, (fake,))
    sure = torch.tensor([-20.0], requires_grad=True)  # "certainly generated"
    generator_loss(sure).backward()
    assert sure.grad.item() == pytest.approx(-1, abs=1e-6)  # and still there is a way out


@pytest.mark.parametrize("classes", [0, 3])
def test_shapes_and_ranges(classes):
    generator, discriminator = pair(classes)
    labels = torch.tensor([0, 2, 1, 1]) if classes else None
    pictures = generator(torch.randn(4, 5), labels)
    assert pictures.shape == (4, 1, 28, 28) and pictures.abs().max() <= 1
    assert discriminator(pictures, labels).shape == (4,)
    assert initialise(Generator(7, 6)).layers[0].weight.shape == (588, 7)


def test_weights_are_set_as_in_the_paper():
    generator, discriminator = pair(10, width=32)
    for model in (generator, discriminator):
        for part in model.modules():
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
                tolerance = 0.1 if part.weight.numel() > 1000 else 0.3
                assert part.weight.std().item() == pytest.approx(0.02, rel=tolerance)
                assert abs(part.weight.mean().item()) < 0.005
            if isinstance(part, nn.BatchNorm2d):
                assert part.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert 0.01 < part.weight.std().item() < 0.03
            if getattr(part, "bias", None) is not None:
                assert not part.bias.any()


def test_projection_by_hand():
    _, discriminator = pair(3)
    pictures, labels = squares(6)[0], torch.tensor([0, 1, 2, 2, 1, 0])
    discriminator.eval()
    features = discriminator.layers(pictures)
    weights = discriminator.real.weight[0] + discriminator.kind.weight[labels]
    wanted = torch.einsum("nf,nf->n", features, weights) + discriminator.real.bias
    torch.testing.assert_close(discriminator(pictures, labels), wanted)


def test_training_is_the_step_that_the_chapter_types():
    images, _ = squares()
    generator, discriminator = pair()
    other_generator, other_discriminator = pair()
    history = train_gan(generator, discriminator, images, steps=5, seed=3)
    optimizers = [torch.optim.Adam(model.parameters(), 2e-4, (0.5, 0.999))
                  for model in (other_generator, other_discriminator)]  # fmt: skip
    draw = torch.Generator().manual_seed(3)
    for step in range(5):
        real = images[torch.randint(len(images), (64,), generator=draw)]
        fakes = other_generator(torch.randn(64, 5, generator=draw))
        judge = functional.binary_cross_entropy_with_logits
        logits = other_discriminator(real), other_discriminator(fakes.detach())
        loss = judge(logits[0], torch.ones(64)) + judge(logits[1], torch.zeros(64))
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        assert history.discriminator[step] == pytest.approx(loss.item(), rel=1e-4)
        loss = judge(other_discriminator(fakes), torch.ones(64))
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        assert history.generator[step] == pytest.approx(loss.item(), rel=1e-4)


def test_training_repeats_and_leaves_what_it_says():
    images, labels = squares()
    runs = []
    for _ in range(2):
        generator, discriminator = pair(2)
        state = torch.get_rng_state()
        history = train_gan(generator, discriminator, images, labels, steps=6,
                            watch=(0, 3, 6), seed=1)  # fmt: skip
        assert torch.equal(state, torch.get_rng_state())  # torch's own generator is not used
        runs.append((history, generator))
    first, second = runs[0][0], runs[1][0]
    assert first.discriminator == second.discriminator and len(first.generator) == 6
    assert sorted(first.frames) == [0, 3, 6]
    assert all(frame.shape == (60, 1, 28, 28) for frame in first.frames.values())
    assert torch.equal(first.frames[6], second.frames[6])
    assert not torch.equal(first.frames[0], first.frames[6])
    noise, kinds = fixed_noise(runs[0][1], seed=1)
    torch.testing.assert_close(draw_pictures(first.average, noise, kinds), first.frames[6])


def test_the_average_lags_behind():
    images, _ = squares()
    for keep, same in ((0, True), (0.9, False)):
        generator, discriminator = pair()
        history = train_gan(generator, discriminator, images, steps=4, average=keep)
        old, new = history.average.layers[0].weight, generator.layers[0].weight
        assert torch.equal(old, new) == same


def test_a_gan_learns_where_the_squares_are():
    images, labels = squares(400)
    generator, discriminator = pair(2, width=8)
    history = train_gan(generator, discriminator, images, labels, steps=250,
                        rates=(2e-3, 1e-3), average=0.95)  # fmt: skip
    noise, kinds = torch.randn(200, 5), torch.arange(200) % 2
    pictures = (draw_pictures(history.average, noise, kinds)[:, 0] + 1) / 2
    right = pictures[:, :, 14:].sum(dim=(1, 2)) > pictures[:, :, :14].sum(dim=(1, 2))
    assert (right == kinds.bool()).float().mean() > 0.9  # .96 … 1 over six seeds
    assert pictures.mean().item() == pytest.approx((images.mean().item() + 1) / 2, abs=0.04)


def test_sheet_lays_pictures_row_by_row():
    pictures = torch.arange(5.0)[:, None, None, None].expand(5, 1, 2, 3) / 2 - 1
    page = sheet(pictures, columns=3)
    assert page.shape == (4, 9)
    np.testing.assert_allclose(page[0, ::3], [0, 0.25, 0.5])
    np.testing.assert_allclose(page[2, ::3], [0.75, 1, 0])


def linear_judge():
    """A classifier of pictures of two pixels: the brighter one is the class."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.eye(2))
    return model


def test_judge_by_hand():
    pictures = torch.tensor([[3.0, 0], [1, 0], [0, 4], [5, 0]]).reshape(4, 1, 1, 2)
    told = judge_pictures(linear_judge(), pictures, [0, 1, 1, 0])
    assert told["confident"] == 0.75  # e³/(e³ + 1) = .953, e/(e + 1) = .731
    assert told["match"] == 0.75 and told["shares"] == [0.75, 0.25] and told["covered"] == 2
    only = judge_pictures(linear_judge(), pictures[[0, 1]])
    assert only["covered"] == 1 and "match" not in only


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 99))
def test_nearest_and_spread_equal_scipy(count, among, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(count, 1, 3, 4)), rng.normal(size=(among, 1, 3, 4))
    index, gap = nearest(torch.from_numpy(a), torch.from_numpy(b))
    table = distance.cdist(a.reshape(count, -1), b.reshape(among, -1)) / math.sqrt(12)
    np.testing.assert_array_equal(index, table.argmin(axis=1))
    np.testing.assert_allclose(gap, table.min(axis=1))
    if among > 1:
        wanted = distance.pdist(b.reshape(among, -1)).mean() / math.sqrt(12)
        assert spread(torch.from_numpy(b)) == pytest.approx(wanted)


def test_nearest_and_spread_by_hand():
    training = torch.tensor([[0.0, 0], [3, 4], [10, 0]])
    index, gap = nearest(torch.tensor([[3.0, 3], [9, 1]]), training)
    assert index.tolist() == [1, 2]
    np.testing.assert_allclose(gap, [math.sqrt(0.5), 1])
    assert spread(training[:2]) == pytest.approx(5 / math.sqrt(2))


ODD = squares(4)[0]
BAD = {
    "generator, latent": (lambda: Generator(0), "latent", "got 0"),
    "generator, noise": (lambda: Generator(5)(torch.randn(4, 6)), "noise", "(N, 5)", "(4, 6)"),
    "generator, no labels": (lambda: Generator(5, classes=2)(torch.randn(4, 5)), "labels", "2 cla"),
    "generator, labels": (lambda: Generator(5)(torch.randn(4, 5), torch.zeros(4).long()), "labels",
                          "without classes", "leave them out"),
    "generator, a class": (lambda: Generator(5, classes=2)(torch.randn(2, 5), torch.tensor([0, 2])),
                           "labels", "0 … 1", "0 … 2"),
    "generator, floats": (lambda: Generator(5, classes=2)(torch.randn(2, 5), torch.zeros(2)),
                          "labels", "2 whole numbers", "torch.float32"),
    "discriminator": (lambda: Discriminator()(torch.zeros(2, 28, 28)), "pictures",
                      "(N, 1, 28, 28)", "(2, 28, 28)"),
    "train, bytes": (lambda: train_gan(*pair(), (ODD + 1) / 2 * 255), "images", "0 … 255",
                     "use images / 127.5 - 1"),
    "train, range": (lambda: train_gan(*pair(), ODD * 1.5), "images", "use images.clamp(-1, 1)"),
    "train, double": (lambda: train_gan(*pair(), ODD.double()), "images", "use images.float()"),
    "train, shape": (lambda: train_gan(*pair(), ODD[:, 0]), "(N, 1, 28, 28)", "(4, 28, 28)"),
    "train, classes": (lambda: train_gan(pair(2)[0], pair()[1], ODD), "classes", "got 2 and 0"),
    "train, no labels": (lambda: train_gan(*pair(2), ODD), "labels", "2 classes"),
    "train, average": (lambda: train_gan(*pair(), ODD, average=1), "average", "got 1"),
    "train, a rate": (lambda: train_gan(*pair(), ODD, rates=(1e-4,)), "rates", "(0.0001,)"),
    "train, rates": (lambda: train_gan(*pair(), ODD, rates=(1e-4, -1)), "rates", "got -1"),
    "train, watch": (lambda: train_gan(*pair(), ODD, watch=1), "watch", "use (1,)"),
    "judge, nothing": (lambda: judge_pictures(linear_judge(), torch.zeros(0, 1, 1, 2)), "pictures"),
    "judge, labels": (lambda: judge_pictures(linear_judge(), torch.zeros(2, 1, 1, 2), [1]),
                      "labels", "(1,)"),
    "judge, class": (lambda: judge_pictures(nn.Linear, ODD), "classifier", "torch.nn.Module"),
    "nearest": (lambda: nearest(torch.zeros(2, 3), torch.zeros(2, 4)), "(2, 3) and (2, 4)"),
    "spread": (lambda: spread(torch.zeros(1, 3)), "pictures", "got 1"),
    "sheet": (lambda: sheet(torch.zeros(2, 3, 4, 4)), "pictures", "(N, 1, H, W)", "(2, 3, 4, 4)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)


def test_an_interrupt_keeps_what_was_learnt(monkeypatch, capsys):
    def interrupted(steps, _):
        yield from range(3)
        raise KeyboardInterrupt

    monkeypatch.setattr("course_utils.image_generation.gan.progress", interrupted)
    generator, discriminator = pair()
    before = generator.layers[0].weight.detach().clone()
    history = train_gan(generator, discriminator, squares()[0], steps=50)
    assert capsys.readouterr().out == "stopped after 3 of 50 steps, weights kept\n"
    assert len(history.generator) == 3 and not generator.training
    assert not torch.equal(before, generator.layers[0].weight)


def test_pictures_leave_every_part_in_its_mode():
    generator = Generator(5)
    frozen = [part for part in generator.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    frozen[0].eval()
    draw_pictures(generator, torch.randn(2, 5))
    assert generator.training and not frozen[0].training and frozen[1].training
    assert sheet(generator(torch.randn(4, 5)), 2).shape == (56, 56)


def test_the_nearest_far_from_zero_is_still_the_nearest():
    row = torch.tensor([[20000.0, 0], [20000, 1], [20000, 2]])
    index, distance = nearest(row, row)
    assert index.tolist() == [0, 1, 2] and not distance.any()
