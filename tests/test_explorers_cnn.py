"""The explorers of chapter 2: the numbers that they say, against others' computations."""

import re

import numpy as np
import pytest
import torch
from scipy import integrate, ndimage, signal

from course_utils.data import load_mnist, load_photo
from course_utils.errors import ArgumentError
from course_utils.explorers import cnn, feature_maps
from course_utils.explorers.kernel_grid import KernelGrid
from explorer_faces import named, point, press

pytestmark = pytest.mark.usefixtures("unpainted")
SEVEN = load_mnist("test")[0][0]
IMAGE = np.arange(30).reshape(5, 6) % 7
KERNEL = np.array([[1, 2, 0], [0, -1, 3]])


def numbers(text, pattern):
    found = re.search(pattern, text.replace("−", "-")).groups()
    return [float(number) for number in found]


@pytest.mark.parametrize("f", cnn.CURVES)
@pytest.mark.parametrize("g", cnn.CURVES)
def test_the_area_is_the_integral(f, g):
    explorer = cnn.integral_explorer()
    for t in (-0.5, 0.25, 0.5, 1, 1.4, 1.95, 2.5):
        explorer.set(t=t, f=f, g=g)
        (said,) = numbers(explorer.picture.alt, r"is (\d+\.\d+)$")
        low, high = max(0, t - 1), min(1, t)  # where both are not 0
        wanted, _ = integrate.quad(
            lambda tau, t=t: float(cnn.curve(f, tau) * cnn.curve(g, t - tau)), low, max(low, high)
        )
        assert abs(said - wanted) < 0.016


@pytest.mark.parametrize(
    ("stride", "padding", "flip"),
    [(1, 0, True), (1, 1, False), (2, 1, True), (2, 2, False), (3, 2, True)],
)
def test_every_step_says_its_sum(stride, padding, flip):
    explorer = cnn.window_explorer(IMAGE, KERNEL)
    explorer.set(stride=stride, padding=padding, flip=flip)
    function = signal.convolve2d if flip else signal.correlate2d
    wanted = function(np.pad(IMAGE, padding), KERNEL, "valid")[::stride, ::stride]
    assert explorer.controls["step"].max == wanted.size - 1
    for step in range(wanted.size):
        explorer.set(step=step)
        row, column = divmod(step, wanted.shape[1])
        text = explorer.picture.alt
        assert f"output ({row}, {column}) = " in text and text.count(" + ") == KERNEL.size - 1
        assert numbers(text, r"= (-?[\d.]+); ")[0] == wanted[row, column]
        assert f"{wanted.shape[0]} × {wanted.shape[1]} places" in text
        assert ("flipped" in text) == flip


def test_a_step_that_is_no_more_there_becomes_the_last():
    explorer = cnn.window_explorer(IMAGE, KERNEL)
    explorer.set(step=15)
    explorer.set(stride=3)
    assert "output (1, 1)" in explorer.picture.alt and explorer.controls["step"].value <= 3


def test_the_window_follows_keys_and_clicks():
    explorer = cnn.window_explorer(IMAGE, KERNEL)
    for key, place in [("ArrowRight", "(0, 1)"), ("ArrowDown", "(1, 1)"), (" ", "(1, 2)"),
                       ("Home", "(0, 0)"), ("ArrowUp", "(0, 0)"), ("End", "(3, 3)"),
                       (" ", "(0, 0)")]:  # fmt: skip
        press(explorer, key)
        assert f"output {place} =" in explorer.picture.alt, key
    output, window = explorer.artists["output"][0].axes, explorer.artists["window"].axes
    for ax, x, y, place in [(output, 2, 3, "(3, 2)"), (window, 1, 0, "(0, 0)"),
                            (window, 4, 3, "(2, 3)")]:  # fmt: skip
        point(explorer, ax, x, y)
        assert f"output {place} =" in explorer.picture.alt


def test_an_edited_kernel_counts():
    explorer = cnn.window_explorer(IMAGE, KERNEL)
    explorer.controls["kernel"].children[0].value = 10
    wanted = signal.correlate2d(IMAGE, [[10, 2, 0], [0, -1, 3]], "valid")[0, 0]
    assert f"= {wanted:g}; " in explorer.picture.alt


@pytest.mark.parametrize("name", cnn.PRESETS)
def test_presets_are_what_scipy_computes(name):
    photo = load_photo("coffee", 120).mean(axis=2)
    explorer = cnn.kernel_explorer(photo)
    explorer.controls["preset"].value = name
    wanted = ndimage.correlate(photo, np.array(cnn.PRESETS[name], float))[1:-1, 1:-1]
    low, high = numbers(explorer.picture.alt, r"from (-?\d+) to (-?\d+)")
    assert abs(low - wanted.min()) < 0.6 and abs(high - wanted.max()) < 0.6
    assert explorer.picture.alt.startswith(f"Kernel explorer. {name}: ")


def test_a_choice_is_never_said_with_the_old_kernel():
    explorer, said = cnn.kernel_explorer(np.full((20, 30), 100)), []
    explorer.readout.observe(lambda change: said.append(change["new"]), names="text")
    explorer.controls["preset"].value = "sharpen"
    assert len(said) == 1 and "sharpen: the weights' sum is 1, so flat areas become × 1" in said[0]


def test_small_sums_are_said_as_they_are():
    explorer = cnn.kernel_explorer(np.full((20, 30), 255))
    grid = explorer.controls["kernel"]
    grid.set(np.full((3, 3), 0.005))
    assert "sum is 0.045, so flat areas become × 0.045" in explorer.picture.alt
    grid.set([[0.1, 0.2, -0.3], [0, 0, 0], [0, 0, 0]])
    assert "sum is 0, so flat areas become 0; the result goes from 0 to 0" in explorer.picture.alt


def test_the_mean_is_computed_with_a_ninth_and_shown_with_three_digits():
    explorer = cnn.window_explorer(np.full((5, 5), 9), np.full((3, 3), 1 / 9))
    grid = explorer.controls["kernel"]
    assert [field.value for field in grid.children] == 9 * [0.111]
    assert explorer.picture.alt.count("1 + ") == 8 and " = 9; " in explorer.picture.alt
    grid.children[0].value = 0
    assert " = 8; " in explorer.picture.alt  # the other eight are still 1/9
    grid.children[0].value = 0.111
    assert grid.value[0][0] == 0.111
    mean = cnn.kernel_explorer(np.full((20, 30), 255))
    mean.set(preset="box blur")
    assert "the weights' sum is 1, so flat areas become × 1; " in mean.picture.alt
    assert mean.picture.alt.endswith("from 255 to 255")


def test_padding_is_no_data():
    explorer = cnn.window_explorer(IMAGE, KERNEL)
    explorer.set(padding=2)
    board = explorer.artists["window"].axes
    cells = np.ma.getmaskarray(np.ma.masked_invalid(board.images[0].get_array()))
    assert cells.sum() == cells.size - IMAGE.size and not cells[2:-2, 2:-2].any()
    outline = board.patches[0].get_bbox()
    assert (outline.x0, outline.y0, outline.width, outline.height) == (1.5, 1.5, 6, 5)


def test_the_gray_scale_stays_while_a_kernel_is_typed():
    explorer = cnn.kernel_explorer(np.full((20, 30), 100))
    title = explorer.artists["title"]
    first = title.get_text()
    for field, value in zip(explorer.controls["kernel"].children, (-1, -2, -1), strict=False):
        field.value = value
        assert title.get_text() == first and "flat areas become × −" in explorer.picture.alt
    explorer.set(preset="sharpen")
    assert title.get_text() != first
    explorer.controls["kernel"].children[4].value = 4
    assert "cut at 0 and 255" in title.get_text() and "become 0" in explorer.picture.alt


def test_flip_turns_the_kernel_by_180_degrees():
    explorer = cnn.kernel_explorer(load_photo("coffee", 120).mean(axis=2))
    grid, flip = explorer.controls["kernel"], named(explorer.panel)["flip"]
    grid.set(np.arange(9).reshape(3, 3))
    flip.click()
    assert np.array_equal(grid.value, np.arange(9)[::-1].reshape(3, 3))
    flip.click()
    assert np.array_equal(grid.value, np.arange(9).reshape(3, 3))


def test_large_numbers_are_exact():
    explorer = cnn.window_explorer(np.full((4, 4), 255), [[1, 2, 1], [0, 0, 0], [0, 0, 0]])
    assert "= 255 + 510 + 255 + 0" in explorer.picture.alt and "= 1020; " in explorer.picture.alt


def test_a_grid_can_be_set_in_any_way():
    grid = KernelGrid(np.eye(2))
    grid.set([[1, 2], [3, 4]])
    assert grid.value == ((1, 2), (3, 4))
    grid.value = ((5.0, 6.0), (7.0, 8.0))
    grid.children[0].value = 9
    assert grid.value == ((9, 6), (7, 8))
    grid.children[3].value = 1e9
    assert grid.value[1][1] == 1000
    with pytest.raises(ArgumentError, match=r"kernel must be \(2, 2\), got \(4, 1\)"):
        grid.set(np.ones((4, 1)))
    grid.children[0].value = 3
    assert grid.value[0][0] == 3


def test_settings_may_come_in_any_order():
    explorer = cnn.window_explorer(IMAGE, KERNEL)
    explorer.set(step=40, padding=2)
    assert explorer.controls["step"].value == 40 and "output (5, 0)" in explorer.picture.alt


def test_a_kernel_of_ones_own_is_called_so_and_presets_are_recognised():
    explorer = cnn.kernel_explorer(np.full((20, 30), 100))
    grid, menu = explorer.controls["kernel"], explorer.controls["preset"]
    grid.children[4].value = 7
    assert menu.value == cnn.OWN and "your own: the weights' sum is 7" in explorer.picture.alt
    menu.value = "identity"
    assert grid.value == ((0, 0, 0), (0, 1, 0), (0, 0, 0))
    assert "from 100 to 100" in explorer.picture.alt
    grid.set(cnn.PRESETS["sharpen"])
    assert menu.value == "sharpen"


def test_shapes_and_parameters_are_torchs():
    explorer, rng = feature_maps.shape_explorer(), np.random.default_rng(0)
    for _ in range(60):
        values = {
            name: int(rng.integers(control.min, control.max + 1))
            for name, control in explorer.controls.items()
        }
        explorer.set(**values)
        text = explorer.picture.alt
        ins, outs, kernel = values["in_channels"], values["out_channels"], values["kernel"]
        rest = {name: values[name] for name in ("stride", "padding", "dilation")}
        with torch.device("meta"):
            layer = torch.nn.Conv2d(ins, outs, kernel, **rest)
            image = torch.zeros(1, ins, values["size"], values["size"])
        if values["dilation"] * (kernel - 1) + 1 > values["size"] + 2 * values["padding"]:
            assert "the kernel spans" in text
            continue
        side = layer(image).shape[2]
        assert f"→ ({outs}, {side}, {side}): " in text and f"+ 1 = {side}. " in text
        assert f"= {sum(p.numel() for p in layer.parameters()):,}" in text


@pytest.mark.parametrize(
    "setting", [(5, 3, 1, 0, 1), (5, 3, 1, 2, 1), (9, 3, 2, 1, 2), (6, 2, 3, 0, 1)]
)
def test_visits_are_a_gradient(setting):
    size, kernel, stride, padding, dilation = setting
    x = torch.zeros(1, 1, size, requires_grad=True)
    weight = torch.ones(1, 1, kernel)
    maps = torch.nn.functional.conv1d(x, weight, None, stride, padding, dilation)
    maps.sum().backward()
    assert feature_maps.visits(*setting).tolist() == x.grad[0, 0].tolist()


@pytest.mark.parametrize("kind", feature_maps.POOLS)
@pytest.mark.parametrize("window", [1, 2, 4, 7])
@pytest.mark.parametrize("move", [(0, 0), (1, 0), (-2, 3), (4, -4)])
def test_pooling_says_what_changed(kind, window, move):
    explorer = feature_maps.pooling_explorer(SEVEN)
    down, right = move
    explorer.set(down=down, right=right, window=window, kind=kind)
    moved = ndimage.shift(SEVEN.astype(float), move, order=0)
    step = {"max": ndimage.maximum_filter, "min": ndimage.minimum_filter,
            "mean": ndimage.uniform_filter}[kind]  # fmt: skip
    before, after = (
        step(image.astype(float), window, origin=-(window // 2))[::window, ::window]
        for image in (SEVEN, moved)
    )
    lit = np.maximum(before, after) > 1e-6
    small, all_lit = np.abs(after - before)[lit] < 63.75, lit.sum()
    said = numbers(explorer.picture.alt, r"of (\d+) lit values (\d+) changed")
    assert said == [all_lit, small.sum()]
    assert f"{np.mean(after < 1e-6):.0%} of all values are 0" in explorer.picture.alt


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: cnn.window_explorer(np.zeros((8, 8)), KERNEL), "up to 7 × 7 and kernel"),
        (lambda: cnn.window_explorer(np.zeros((2, 2)), np.ones((3, 3))), "kernel .* larger"),
        (lambda: cnn.kernel_explorer(np.zeros((4, 4, 3))), r"photo must be gray, \(H, W\), from"),
        (lambda: cnn.kernel_explorer(np.zeros((2, 9))), "from 3 × 3, got"),
        (lambda: cnn.kernel_explorer(np.ones((9, 9))), "use photo \\* 255"),
        (lambda: feature_maps.pooling_explorer(np.zeros((5, 9))), "from 7 × 7, got"),
        (lambda: feature_maps.pooling_explorer(np.ones((9, 9))), "use image \\* 255"),
        (lambda: KernelGrid(np.zeros(3)), r"kernel must be \(R, S\), got"),
    ],
)
def test_bad_input_is_named(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()
