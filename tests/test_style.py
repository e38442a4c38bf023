"""Style transfer: the losses by hand, against NumPy and torch, by numeric slopes; the network."""

import functools

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from refusals import refused
from torch.nn import functional

from course_utils.data import load_photo, load_texture, load_weights
from course_utils.image_generation import style

FEATURES = torch.tensor([[[1.0, 2], [0, 3]], [[4, 0], [1, 1]]])  # two channels of 2 × 2 places
GRAM = torch.tensor([[14.0, 7], [7, 18]]) / 4
SIZES = st.integers(1, 5)


def draw(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


# by hand


def test_gram_matrix_by_hand():
    assert torch.equal(style.gram_matrix(FEATURES), GRAM)
    both = style.gram_matrix(torch.stack([FEATURES, 2 * FEATURES]))
    assert torch.equal(both, torch.stack([GRAM, 4 * GRAM]))


def test_the_places_do_not_count():
    moved = FEATURES.flatten(1)[:, [2, 0, 3, 1]].reshape(2, 1, 4)
    assert torch.equal(style.gram_matrix(moved), GRAM)
    tiled = FEATURES.repeat(1, 3, 2)  # a larger picture of the same texture
    torch.testing.assert_close(style.gram_matrix(tiled), GRAM)


def test_style_loss_by_hand():
    grams = {"a": GRAM, "b": torch.tensor([[1.0]])}
    targets = {"b": torch.tensor([[4.0]]), "a": GRAM + torch.tensor([[0.0, 2], [2, 4]])}
    assert style.style_loss(grams, targets) == (6 + 9) / 2  # (0 + 4 + 4 + 16) / 4 and 3²
    assert style.style_loss(grams, targets, {"a": 0.5, "b": 2}) == (3 + 18) / 2
    assert style.style_loss(grams, grams) == 0


def test_a_layers_part_is_four_times_the_papers():
    places, channels = 4, 2
    ours, theirs = (f.flatten(1) @ f.flatten(1).T for f in (FEATURES, FEATURES.flip(1) ** 2))
    paper = (ours - theirs).square().sum() / (4 * channels**2 * places**2)
    grams = ({"relu": style.gram_matrix(f)} for f in (FEATURES, FEATURES.flip(1) ** 2))
    torch.testing.assert_close(style.style_loss(*grams), 4 * paper)


def test_content_loss_by_hand():
    target = FEATURES + torch.tensor([[[0.0, 0], [0, 2]], [[0, -4], [2, 0]]])
    assert style.content_loss(FEATURES, target) == (4 + 16 + 4) / 8


def test_total_variation_by_hand():
    # to the right: 1, 3, 4, 0; below: 1, 1, 3, 1
    assert style.total_variation(FEATURES) == 8 / 4 + 6 / 4
    wide = torch.tensor([[[0.0, 1, 3], [0, 0, 0]]])  # right: 1, 2, 0, 0; below: 0, 1, 3
    assert style.total_variation(wide) == pytest.approx(3 / 4 + 4 / 3)
    assert style.total_variation(torch.ones(2, 3, 4, 5)) == 0


# against NumPy and torch


@settings(max_examples=50, deadline=None)
@given(SIZES, SIZES, SIZES, SIZES, st.integers(0, 99))
def test_gram_matrix_is_an_einsum(n, channels, height, width, seed):
    features = draw(seed, n, channels, height, width)
    grams = style.gram_matrix(features)
    wanted = np.einsum("nchw,ndhw->ncd", features, features) / (height * width)
    np.testing.assert_allclose(grams, wanted, atol=1e-12)
    torch.testing.assert_close(style.gram_matrix(features[0]), grams[0])
    last = features.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(style.gram_matrix(last), grams)
    assert (torch.linalg.eigvalsh(grams) > -1e-9).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=4), SIZES, st.integers(0, 99))
def test_style_and_content_loss_are_torchs(channels, n, seed):
    grams, targets = ({str(i): draw(seed + k, n, c, c) for i, c in enumerate(channels)}
                      for k in (0, 1000))  # fmt: skip
    each = [functional.mse_loss(grams[name], targets[name]) for name in grams]
    torch.testing.assert_close(style.style_loss(grams, targets), torch.stack(each).mean())
    features, target = grams["0"], targets["0"]
    wanted = np.square(features.numpy() - target.numpy()).mean()
    assert style.content_loss(features, target).item() == pytest.approx(wanted)


@settings(max_examples=50, deadline=None)
@given(SIZES, SIZES, st.integers(2, 6), st.integers(2, 6), st.integers(0, 99))
def test_total_variation_is_a_convolution(n, channels, height, width, seed):
    images = draw(seed, n, channels, height, width)
    planes = images.reshape(-1, 1, height, width)
    right, below = (functional.conv2d(planes, torch.tensor([[[[-1.0, 1]]]]).double().view(shape))
                    for shape in ((1, 1, 1, 2), (1, 1, 2, 1)))  # fmt: skip
    wanted = right.abs().mean() + below.abs().mean()
    torch.testing.assert_close(style.total_variation(images), wanted)


# numeric slopes


def test_slopes_of_the_style_loss():
    targets = {"a": draw(1, 2, 3, 3), "b": draw(2, 2, 3, 3)}

    def loss(features):
        grams = {"a": style.gram_matrix(features), "b": style.gram_matrix(features.sin())}
        return style.style_loss(grams, targets, {"a": 0.3, "b": 2.0})

    assert torch.autograd.gradcheck(loss, draw(0, 2, 3, 4, 5).requires_grad_())


def test_slopes_of_content_loss_and_total_variation():
    x, target = draw(0, 2, 3, 4, 5).requires_grad_(), draw(1, 2, 3, 4, 5)
    assert torch.autograd.gradcheck(lambda x: style.content_loss(x, target), x)
    assert torch.autograd.gradcheck(style.total_variation, x)
    (slope,) = torch.autograd.grad(style.gram_matrix(x).square().sum(), x)
    rows = x.detach().flatten(2)  # the paper's equation 6, without the ReLU
    by_hand = 4 / 20 * style.gram_matrix(x.detach()) @ rows
    torch.testing.assert_close(slope.flatten(2), by_hand)


# the network


@pytest.fixture(scope="module")
def network():
    return style.vgg_features()


def test_the_network_is_torchvisions_with_the_files_weights(network):
    with torch.device("meta"):  # its own weights are not wanted
        reference = torchvision.models.vgg16().features[:19].eval()
    reference = torch.nn.Sequential(*(
        torch.nn.AvgPool2d(2) if isinstance(layer, torch.nn.MaxPool2d) else layer
        for layer in reference
    ))  # fmt: skip
    arrays = load_weights("vgg16")
    assert network.layers.state_dict().keys() == arrays.keys()
    for name, values in network.layers.state_dict().items():
        np.testing.assert_array_equal(values.numpy(), arrays[name])
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    reference.load_state_dict(tensors, assign=True)
    images = torch.rand(2, 3, 50, 37, generator=torch.Generator().manual_seed(0))
    normalize = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    maps, x = network(images), normalize(images)
    places = {1: "relu1_1", 6: "relu2_1", 11: "relu3_1", 13: "relu3_2", 18: "relu4_1"}
    with torch.no_grad():
        for index, layer in enumerate(reference):
            x = layer(x)
            if index in places:
                torch.testing.assert_close(maps[places[index]], x, rtol=1e-4, atol=1e-3)


def test_the_maps_have_the_papers_sizes(network):
    maps = network(torch.zeros(1, 3, 40, 64))
    assert {name: tuple(found.shape[1:]) for name, found in maps.items()} == {
        "relu1_1": (64, 40, 64), "relu1_2": (64, 40, 64), "relu2_1": (128, 20, 32),
        "relu2_2": (128, 20, 32), "relu3_1": (256, 10, 16), "relu3_2": (256, 10, 16),
        "relu3_3": (256, 10, 16), "relu4_1": (512, 5, 8),
    }  # fmt: skip
    assert set(style.STYLE_LAYERS) | {style.CONTENT_LAYER} <= maps.keys()
    assert all((found >= 0).all() for found in maps.values())


def test_it_is_frozen_and_lets_the_slopes_through_to_the_pixels(network):
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    images = torch.full((1, 3, 16, 16), 0.5, requires_grad=True)
    network(images)["relu4_1"].sum().backward()
    assert images.grad.abs().sum() > 0


def test_the_control_has_other_weights_always_the_same(network):
    control, again = (style.vgg_features(trained=False) for _ in range(2))
    for ours, same, trained in zip(control.layers, again.layers, network.layers, strict=True):
        if isinstance(ours, torch.nn.Conv2d):
            assert torch.equal(ours.weight, same.weight) and ours.bias.abs().sum() == 0
            assert ours.weight.shape == trained.weight.shape
            assert not torch.allclose(ours.weight, trained.weight)
    maps = control(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    assert all(0.05 < found.std() < 5 for found in maps.values())  # neither dies nor explodes


# the transfer


CONTENT, STYLE = load_photo("coffee", 90), load_photo("starry_night", 80)[5:-5, 5:-5]
small = functools.partial(style.transfer_style, CONTENT, style=STYLE, tv=0, steps=(10, 6), size=48)


@pytest.fixture(scope="module")
def done(network):
    return small(network=network, tv=0.1, watch=(0, 5, 10))


def test_the_style_comes_and_the_content_stays(done):
    assert done.picture.shape == (32, 48, 3) and done.picture.dtype == np.uint8
    assert len(done.content) == len(done.style) == len(done.variation) == 17
    assert done.content[0] < 1e-6 and done.style[9] < 0.15 * done.style[0]
    assert done.style[16] < 0.15 * done.style[0] and 0.1 < done.content[16] < 0.8
    totals = np.add(done.content, 10 * np.array(done.style)) + 0.1 * np.array(done.variation)
    assert totals[16] == pytest.approx(totals[10:16].min(), rel=1e-4)  # the best is kept


def test_a_style_that_is_far_away_is_reached(network):
    gray = np.stack(3 * [load_texture("brick")], axis=2)
    made = small(style=gray, network=network, steps=30)
    totals = np.add(made.content, 10 * np.array(made.style))
    assert totals[0] > 500 and totals[-1] < 5


@pytest.mark.parametrize(("count", "reached"), [(10, 200), (60, 4.01)])
def test_a_steep_valley_is_searched_and_the_best_is_kept(count, reached):
    """Without a line search L-BFGS leaves this one for infinity."""
    steep, seen = torch.tensor([1.0, 10, 100, 1000]), []

    def loss(pixels):
        value = (1 + (pixels * steep) ** 2).sqrt().sum()  # 4 at the bottom
        seen.append((value.item(), pixels.detach().clone()))
        return value

    descent = style._Descent(loss, torch.tensor([[[[-1.2, 1, -1, 2]]]]), count, lambda pixels: None)
    descent.run()
    lowest = min(seen, key=lambda pair: pair[0])
    assert len(seen) == count and descent.lowest == lowest[0] < reached
    assert torch.equal(descent.best, lowest[1])
    assert count == 60 or seen[-1][0] > lowest[0]  # of 9 to 12 looks the last is not the best one


def test_frames_are_the_pictures_on_the_way(done):
    assert list(done.frames) == [0, 5, 10]
    assert all(frame.shape == (32, 48, 3) for frame in done.frames.values())
    shrunk = np.asarray(Image.fromarray(CONTENT).resize((48, 32), Image.Resampling.BILINEAR))
    far = [np.abs(picture.astype(int) - shrunk).mean()
           for picture in (*done.frames.values(), done.picture)]  # fmt: skip
    assert far[0] < 12 < far[1] and far[3] > 12  # the first is only blurred


def test_the_losses_are_those_of_the_picture(network, done):
    """Recomputed from the two pictures, with nothing of `transfer_style`."""

    def seen(image, size=(32, 48)):
        pixels = torch.tensor(image).permute(2, 0, 1)[None] / 255
        return network(functional.interpolate(pixels, size, mode="bilinear", antialias=True))

    made = small(network=network, steps=8)
    maps, target, model = seen(made.picture), seen(CONTENT), seen(STYLE, (37, 48))
    content = (maps["relu3_2"] - target["relu3_2"]).square().mean()
    content = content / target["relu3_2"].square().mean()
    layers = []
    for name in ("relu1_1", "relu2_1", "relu3_1", "relu4_1"):
        ours, wanted = (torch.cov(found[name][0].flatten(1), correction=0)
                        + torch.outer(*2 * [found[name][0].mean(dim=(1, 2))])
                        for found in (maps, model))  # fmt: skip
        layers.append((ours - wanted).square().mean() / wanted.square().mean())
    # not the same numbers, since the picture's pixels are whole ones within 0 … 255
    assert made.content[-1] == pytest.approx(content.item(), rel=0.1)
    assert made.style[-1] == pytest.approx(torch.stack(layers).mean().item(), rel=0.1)


def test_pixels_beyond_black_and_white_are_cut():
    pixels = torch.tensor([-0.3, 0.0, 0.5, 1.0, 1.4]).expand(1, 3, 2, 5)
    picture = style._as_picture(pixels, (2, 5))
    assert picture[..., 0].tolist() == 2 * [[0, 0, 128, 255, 255]]


def test_it_repeats(network, done):
    again = small(network=network, tv=0.1)
    assert again.style == done.style and np.array_equal(again.picture, done.picture)


def test_each_factor_does_its_part(network):
    plain, styled, smooth = (small(network=network, steps=8, **factor)
                             for factor in ({"beta": 1}, {"beta": 100}, {"tv": 100}))  # fmt: skip
    assert styled.style[-1] < plain.style[-1] and styled.content[-1] > 1.5 * plain.content[-1]
    assert smooth.variation[-1] < 0.7 * plain.variation[-1]
    still = small(network=network, beta=0, steps=3, watch=[0])
    assert np.array_equal(still.picture, still.frames[0])  # nothing pulls away from the content
    free = small(network=network, alpha=0, beta=100, steps=8)
    assert free.content[-1] > styled.content[-1]


@pytest.mark.parametrize("shape", [(40, 90, 3), (17, 16, 3), (300, 20, 3)])
def test_any_sizes_go_together(network, shape):
    rng = np.random.default_rng(0)
    content = rng.integers(0, 256, shape, dtype=np.uint8)[:, ::-1]
    made = style.transfer_style(content, STYLE, network, steps=(1, 1), size=40)
    longest = max(shape[:2])
    assert made.picture.shape == (*(max(16, round(s * 40 / longest)) for s in shape[:2]), 3)


def test_an_interrupt_keeps_the_picture(network, monkeypatch, capsys):
    real, calls = style.total_variation, []

    def interrupted(images):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(images)

    monkeypatch.setattr(style, "total_variation", interrupted)
    made = small(network=network)
    assert capsys.readouterr().out == "stopped after 3 of 16 steps, picture kept\n"
    assert len(made.style) == 3 and made.picture.shape == (32, 48, 3)


# what comes in

GRAY = CONTENT[..., 0]
go = functools.partial(style.transfer_style, network=style.VGGFeatures())
BAD = {
    "gram, list": (lambda: style.gram_matrix([1.0]), "features", "a list", "torch.from_numpy("),
    "gram, bytes": (lambda: style.gram_matrix(FEATURES.byte()), "use features.float()"),
    "gram, rows": (lambda: style.gram_matrix(FEATURES[0]), "features", "(C, H, W)", "(2, 2)"),
    "gram, nothing": (lambda: style.gram_matrix(FEATURES[:0]), "features", "(0, 2, 2)"),
    "style loss, layers": (lambda: style.style_loss({"a": GRAM}, {"b": GRAM}), "same layers"),
    "style loss, none": (lambda: style.style_loss({}, {}), "the same layers"),
    "style loss, shape": (lambda: style.style_loss({"a": GRAM}, {"a": GRAM[:1]}), "grams['a']",
                          "(1, 2)", "(2, 2)"),
    "content, shape": (lambda: style.content_loss(FEATURES, FEATURES[:1]), "features", "(1, 2, 2)",
                       "(2, 2, 2)"),
    "content, array": (lambda: style.content_loss(FEATURES, [1.0]), "target", "a list"),
    "variation, thin": (lambda: style.total_variation(FEATURES[:, :1]), "images", "(2, 1, 2)"),
    "variation, bytes": (lambda: style.total_variation(CONTENT), "use torch.from_numpy(images)"),
    "gray": (lambda: go(GRAY, STYLE), "content", "(H, W, 3) uint8", "np.stack(3 * [content"),
    "floats": (lambda: go(CONTENT, STYLE / 255), "style", "use (style * 255).astype"),
    "alpha channel": (lambda: go(CONTENT, np.zeros((9, 9, 4), np.uint8)), "style", "[..., :3]"),
    "empty": (lambda: go(CONTENT[:0], STYLE), "content", "(0, "),
    "beta": (lambda: go(CONTENT, STYLE, beta=-1), "beta", "got -1"),
    "alpha": (lambda: go(CONTENT, STYLE, alpha="1"), "alpha", "got '1'"),
    "tv": (lambda: go(CONTENT, STYLE, tv=float("nan")), "tv", "got nan"),
    "size": (lambda: go(CONTENT, STYLE, size=8), "size", "from 16", "got 8"),
    "steps": (lambda: go(CONTENT, STYLE, steps=0), "steps", "got 0"),
    "no steps": (lambda: go(CONTENT, STYLE, steps=()), "steps", "got []"),
    "sizes": (lambda: go(CONTENT, STYLE, steps=(1, 1, 1), size=63), "steps", "63, 31, …"),
    "watch": (lambda: go(CONTENT, STYLE, watch=3), "watch", "use [3]"),
    "late": (lambda: go(CONTENT, STYLE, steps=5, watch=[5]), "watch", "0 … 4", "found 5"),
    "network": (lambda: style.transfer_style(CONTENT, STYLE, torch.nn.ReLU()), "network",
                "a VGGFeatures", "ReLU"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
