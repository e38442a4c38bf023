"""The explorers of chapter 3, CNN evolution: their numbers against plain torch and torchvision."""

import itertools
import re
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.transforms import v2

from course_utils.data import load_mnist, load_photo
from course_utils.errors import ArgumentError
from course_utils.explorers import cnn_evolution as evolution
from course_utils.models import small_resnet

DIGITS = torch.tensor(load_mnist("test")[0][:32, None, ::2, ::2] / 255, dtype=torch.float32)
PHOTOS = {name: load_photo(name, 160) for name in ("coffee", "cat_chelsea")}
GATES = np.random.default_rng(0).beta(2, 2, (4, 24))
NAMES = ["shirt", "coat", "bag", "boot"]
NO_CHANGE = {"rotation": 0, "flip": False, "scale": 1.0, "right": 0, "brightness": 1.0,
             "colour": 1.0}  # fmt: skip
MAKERS = {
    "depth": lambda: evolution.depth_explorer(DIGITS),
    "augmentation": lambda: evolution.augmentation_explorer(PHOTOS),
    "gates": lambda: evolution.gate_viewer(GATES, NAMES),
}
NUMBER = r"(\d[\d.]*(?:e-?\d+)?)"


class Passing(nn.BatchNorm2d):
    """Batch normalisation that does nothing."""

    def forward(self, input):
        return input


def norms_by_hand(images, blocks, shortcut, norm):
    """The gradient of each weight by `backward` in float64, its norm by NumPy."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = small_resnet(blocks, width=8, shortcut=shortcut)
        labels = torch.randint(10, (16,))
    if not norm:
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.__class__ = Passing
    model.double()
    loss = -model(images[:16].double()).log_softmax(1)[torch.arange(16), labels].mean()
    loss.backward()
    weights = [p for p in model.parameters() if p.ndim == 4 and p.shape[2] == 3]
    return np.array([np.sqrt(np.square(weight.grad.numpy()).sum()) for weight in weights])


SETTINGS = [*itertools.product((1, 3), (False, True), (False, True)),
            (9, False, False), (9, True, True), (9, False, True)]  # fmt: skip


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize(("blocks", "shortcut", "norm"), SETTINGS)
def test_gradients_are_torchs(blocks, shortcut, norm):
    explorer = evolution.depth_explorer(DIGITS)
    kind = "residual" if shortcut else "plain"
    explorer.set(kind=kind, blocks=blocks, norm=norm)
    wanted = norms_by_hand(DIGITS, blocks, shortcut, norm)
    shown = explorer.artists["norms"].get_ydata()
    assert shown.shape == wanted.shape == (6 * blocks + 1,) and (shown > 0).all()
    # 54 plain layers make much of a rounding: 7 % at most in 20 disturbed networks
    rtol = 0.15 if (blocks, shortcut, norm) == (9, False, True) else 0.02
    np.testing.assert_allclose(shown, wanted, rtol=rtol)
    text = explorer.readout.text
    assert text.startswith(f"{kind} network, {6 * blocks + 2} layers, with{'' if norm else 'out'} ")
    pattern = rf"norm is {NUMBER} in the first 3 × 3 convolution and {NUMBER} in the last; "
    said = re.search(rf"{pattern}first / last = {NUMBER}$", text).groups()
    wanted = wanted[0], wanted[-1], wanted[0] / wanted[-1]
    np.testing.assert_allclose([float(number) for number in said], wanted, rtol=0.07)
    low, high = explorer.artists["norms"].axes.get_ylim()
    assert low < shown.min() and shown.max() < high


def test_what_the_depth_explorer_shows():
    measure = evolution.gradient_norms
    plain, residual = (measure(DIGITS, 9, shortcut)[0] for shortcut in (False, True))
    assert plain > 10 * residual  # with batch norm the plain network's gradients grow backwards
    assert measure(DIGITS, 9, False, False)[0] < 1e-15 < 1e-4 < measure(DIGITS, 9, True, False)[0]
    assert measure(DIGITS, 9, False, False, he=True)[0] > 1e-6  # the default start was the cause


@pytest.mark.parametrize("start", ["PyTorch's", "He's"])
def test_the_start_is_the_one_that_is_named(start):
    explorer = evolution.depth_explorer(DIGITS)
    explorer.set(norm=False, start=start, kind="plain")
    wanted = evolution.gradient_norms(DIGITS, 3, False, False, start == "He's")
    np.testing.assert_allclose(explorer.artists["norms"].get_ydata(), wanted, rtol=1e-3)
    assert f"without batch norm, {start} start" in explorer.readout.text


def test_hes_start_has_the_spread_of_the_paper():
    """σ = √(2 / inputs): the gradients of a first layer grow as the weights behind it do."""
    default, he = (
        evolution.gradient_norms(DIGITS, 1, True, False, start) for start in (False, True)
    )
    assert he.min() > 3 * default.min()


def test_the_depth_explorer_is_quick():
    explorer = evolution.depth_explorer(DIGITS)
    for blocks, bound in ((2, 0.5), (9, 1)):  # in fact about 0.04 and 0.06 seconds
        start = time.process_time()
        explorer.set(blocks=blocks)
        assert time.process_time() - start < bound


def test_gradients_that_vanish_altogether_are_said():
    explorer = evolution.depth_explorer(torch.zeros(4, 1, 8, 8))
    explorer.set(norm=False)
    assert "is 0 in the first" in explorer.readout.text
    assert explorer.readout.text.endswith("first / last cannot be formed")


def shown(explorer):
    """The changed photo and the original."""
    return [np.asarray(explorer.artists[name].get_array()) for name in ("after", "before")]


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize(
    ("values", "step", "words", "title"),
    [
        ({}, lambda x: x, "nothing is changed", "unchanged"),
        ({"flip": True}, lambda x: x.flip(2), "mirrored", "mirrored"),
        ({"rotation": 20}, lambda x: v2.functional.rotate(x, -20, v2.InterpolationMode.BILINEAR),
         "turned by 20 degrees clockwise", "20°"),
        ({"rotation": -1}, lambda x: v2.functional.rotate(x, 1, v2.InterpolationMode.BILINEAR),
         "turned by 1 degree counterclockwise", "−1°"),
        ({"right": 25}, lambda x: nn.functional.pad(x, (40, 0))[:, :, :-40],
         "moved right by 25 % of the width", "right 25 %"),
        ({"right": -10}, lambda x: nn.functional.pad(x, (0, 16))[:, :, 16:],
         "moved left by 10 % of the width", "left 10 %"),
        ({"brightness": 0.5}, lambda x: x // 2, "brightness times 0.50", "bright 0.50"),
        ({"colour": 0.0}, lambda x: v2.functional.rgb_to_grayscale(x, 3),
         "colour times 0.00", "colour 0.00"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("photo", PHOTOS)
def test_a_change_alone_is_what_its_name_says(photo, values, step, words, title):
    explorer = evolution.augmentation_explorer(PHOTOS)
    explorer.set(photo=photo, **NO_CHANGE | values)
    changed, original = shown(explorer)
    np.testing.assert_array_equal(original, PHOTOS[photo])
    wanted = step(torch.tensor(PHOTOS[photo]).permute(2, 0, 1)).permute(1, 2, 0)
    assert np.abs(changed.astype(int) - wanted.numpy()).max() <= 1
    assert explorer.readout.text == f"{photo}: {words}; the label stays"
    assert explorer.artists["title after"].get_text() == title


@pytest.mark.usefixtures("unpainted")
def test_scaling_by_two_shows_the_middle_twice_as_large():
    photo = PHOTOS["coffee"][:96]
    explorer = evolution.augmentation_explorer({"coffee": photo})
    explorer.set(**NO_CHANGE | {"scale": 2.0})
    height, width = photo.shape[:2]
    middle = photo[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]
    large = np.asarray(Image.fromarray(middle).resize((width, height), Image.Resampling.BILINEAR))
    difference = np.abs(shown(explorer)[0].astype(int) - large)[4:-4, 4:-4]
    assert difference.mean() < 2 and "coffee: scaled by 2.00; " in explorer.readout.text


@pytest.mark.usefixtures("unpainted")
def test_all_changes_together_are_torchvisions():
    explorer = evolution.augmentation_explorer(PHOTOS)
    explorer.set(rotation=30, flip=True, scale=1.5, right=-20, brightness=1.4, colour=1.8)
    use, image = v2.functional, torch.tensor(PHOTOS["coffee"]).permute(2, 0, 1)
    image = use.affine(use.horizontal_flip(image), 30, [-32, 0], 1.5, [0, 0],
                       v2.InterpolationMode.BILINEAR)  # fmt: skip
    wanted = use.adjust_saturation(use.adjust_brightness(image, 1.4), 1.8).permute(1, 2, 0)
    np.testing.assert_array_equal(shown(explorer)[0], wanted)
    assert explorer.readout.text == (
        "coffee: mirrored, turned by 30 degrees clockwise, scaled by 1.50, moved left by 20 % of "
        "the width, brightness times 1.40, colour times 1.80; the label stays"
    )


@pytest.mark.parametrize("shape", [(300, 120), (120, 300), (200, 200)])
def test_titles_stay_inside_the_figure_for_every_photo(shape):
    explorer = evolution.augmentation_explorer({"a photo": np.full((*shape, 3), 99, np.uint8)})
    explorer.set(rotation=-45, flip=True, scale=1.5, right=-40, brightness=1.4, colour=1.8)
    titles = explorer.artists["title before"], explorer.artists["title after"]
    boxes = [title.get_window_extent() for title in titles]
    assert boxes[0].x1 < boxes[1].x0 and boxes[1].x1 < explorer.figure.bbox.x1
    assert max(box.y1 for box in boxes) <= explorer.figure.bbox.y1


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize("by_a", [False, True])
@pytest.mark.parametrize(("a", "b"), [("shirt", "coat"), ("boot", "bag"), ("bag", "shirt")])
def test_gates_are_shown_and_said(a, b, by_a):
    explorer = evolution.gate_viewer(torch.tensor(GATES), NAMES)
    explorer.set(a=a, b=b, by_a=by_a)
    first, second = GATES[NAMES.index(a)].tolist(), GATES[NAMES.index(b)].tolist()
    triples = sorted(zip(first, second, range(24), strict=True), key=lambda t: -abs(t[0] - t[1]))
    one, two, most = triples[0]
    triples = sorted(triples[:16], key=lambda t: -t[0] if by_a else t[1] - t[0])
    for name, place in (("A", 0), ("B", 1)):
        values, rows = explorer.artists[name].get_data()
        assert list(values) == [triple[place] for triple in triples]
        assert list(rows) == list(range(16))
    for row, (number, line) in enumerate(
        zip(explorer.artists["numbers"], explorer.artists["lines"], strict=True)
    ):
        assert number.get_text() == str(triples[row][2])
        assert tuple(line.get_xdata()) == triples[row][:2]
    rest = [values for name, values in zip(NAMES, GATES, strict=True) if name not in (a, b)]
    values, rows = explorer.artists["others"].get_data()
    for row, (_, _, channel) in enumerate(triples):
        assert list(values[rows == row]) == [gates[channel] for gates in rest]
    mean_a, mean_b = (GATES[NAMES.index(name)].mean() for name in (a, b))
    assert explorer.readout.text == (
        f"mean gate {a} {mean_a:.2f}, {b} {mean_b:.2f}; "
        f"channel {most} differs most: {one:.2f} against {two:.2f}"
    )


@pytest.mark.usefixtures("unpainted")
def test_a_class_beside_itself_does_not_differ():
    explorer = evolution.gate_viewer(GATES, NAMES)
    explorer.set(a="bag", b="bag")
    assert explorer.readout.text.endswith("; no channel differs")
    assert list(explorer.artists["A"].get_xdata()) == list(explorer.artists["B"].get_xdata())
    explorer.set(b="boot")
    assert "differs most" in explorer.readout.text


@pytest.mark.parametrize("gates", [np.eye(2, dtype=bool), [[0], [1]], np.full((2, 3), 0.5)])
def test_gates_of_any_kind_are_drawn(gates):
    assert "mean gate a" in evolution.gate_viewer(gates, ["a", "b"]).readout.text


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: evolution.depth_explorer(DIGITS.numpy()), "be a tensor, got a NumPy array"),
        (lambda: evolution.depth_explorer(DIGITS[:, 0]), r"got \(32, 14, 14\).* images\[:, None\]"),
        (lambda: evolution.depth_explorer(torch.rand(4, 3, 9, 9)), r"images must be \(N, 1, H, W"),
        (lambda: evolution.depth_explorer(DIGITS[:1]), r"images must be 2 or more, .*\(1, 1, 14"),
        (lambda: evolution.depth_explorer(DIGITS.double()), "float32, got .*64; use images.float"),
        (lambda: evolution.depth_explorer(DIGITS.int()), r"use images.float\(\) / 255"),
        (lambda: evolution.depth_explorer(DIGITS * torch.nan), "images must be finite"),
        (lambda: evolution.gradient_norms(DIGITS, 0), "blocks must be a whole number from 1"),
        (lambda: evolution.augmentation_explorer({}), "photos must be a dict .* not empty"),
        (lambda: evolution.augmentation_explorer([PHOTOS["coffee"]]), "photos .* got list; use"),
        (lambda: evolution.augmentation_explorer({"x": np.zeros((9, 9), np.uint8)}),
         r"photos\['x'\] must be \(H, W, 3\).* got \(9, 9\).* use np.stack"),
        (lambda: evolution.augmentation_explorer({"x": np.ones((9, 9, 3))}), r" \* 255\)"),
        (lambda: evolution.augmentation_explorer({"x": np.zeros((9, 401, 3), np.uint8)}),
         r"sides up to 400, got .* use photos\['x'\]\[::2, ::2\]"),
        (lambda: evolution.gate_viewer(GATES, ["a"]), "names must be two or more different"),
        (lambda: evolution.gate_viewer(GATES, ["a", "b", "c", "a"]), "names must be two or more"),
        (lambda: evolution.gate_viewer(GATES.T, NAMES), r"got \(24, 4\); use gates.T"),
        (lambda: evolution.gate_viewer(GATES[0], NAMES), r"gates must be \(classes, channels\)"),
        (lambda: evolution.gate_viewer([[1], [0, 1]], ["a", "b"]), "gates must be rectangular"),
        (lambda: evolution.gate_viewer(4 * GATES, NAMES), "gates must be 0 … 1, got .* sigmoid"),
        (lambda: evolution.gate_viewer(GATES * np.nan, NAMES), "gates must be 0 … 1, got nan"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()
