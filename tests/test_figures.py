"""Figures: axes in, nothing out, one output with its alt text; each step of a block diagram."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils import figures
from course_utils.errors import ArgumentError


@pytest.mark.parametrize(("photo", "kind"), [(False, "PNG"), (True, "JPEG")])
def test_render_gives_the_file_and_repeats(photo, kind):
    figure, ax = plt.subplots(figsize=(4, 2))
    ax.plot([0, 1])
    first = figures.render(figure, photo)
    assert Image.open(io.BytesIO(first)).format == kind
    assert Image.open(io.BytesIO(first)).size == (400, 200)
    assert figures.render(figure, photo) == first
    plt.close(figure)


def test_show_displays_one_output_and_closes(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda *a, **k: shown.append((a, k)))
    figure, _ = plt.subplots()
    figures.show(figure, "An empty pair of axes.")
    ((data,), options) = shown[0]
    assert data["text/plain"] == "An empty pair of axes." and "image/png" in data
    assert options["metadata"] == {"image/png": {"alt": "An empty pair of axes."}}
    assert not plt.fignum_exists(figure.number)


def test_a_figure_without_alt_is_refused():
    with pytest.raises(ArgumentError, match="alt must say what the figure shows"):
        figures.show(plt.figure(), " ")
    plt.close("all")


@pytest.mark.parametrize(
    ("image", "limits"),
    [
        (np.zeros((2, 2), np.uint8), (0, 255)),
        (np.zeros((2, 2)), (0, 1)),
        (np.zeros((2, 2), bool), (0, 1)),
    ],
)
def test_gray_keeps_its_meaning_whatever_the_values(image, limits):
    _, ax = plt.subplots()
    assert figures.show_image(image, "title", ax) is None
    assert ax.images[0].get_clim() == limits and ax.get_title() == "title"
    plt.close("all")


def test_numbers_can_be_read_on_any_ground():
    _, (gray, colour, turned) = plt.subplots(1, 3)
    figures.show_values(np.array([[0, 255]], np.uint8), "", gray)
    figures.show_values(np.full((1, 1, 3), 200, np.uint8), "", colour)
    figures.show_values(np.array([[0, 1]]), "", turned, cmap="gray_r", vmin=0, vmax=1)
    assert [text.get_color() for text in gray.texts] == ["white", "black"]
    assert [text.get_color() for text in turned.texts] == ["black", "white"]
    assert colour.texts[0].get_color() == "black" and colour.texts[0].get_text() == "200\n200\n200"
    plt.close("all")


@pytest.mark.parametrize(
    ("shape", "hint"),
    [((4, 5, 1), r"\[\.\.\., 0\]"), ((3, 4, 5), r"transpose\(1, 2, 0\)"), ((4,), r"got \(4,\)")],
)
def test_another_shape_gets_its_fix(shape, hint):
    with pytest.raises(ArgumentError, match=r"image must be \(H, W\) or .*" + hint):
        figures.show_image(np.zeros(shape))


def test_rows_are_rows_and_red_is_red():
    _, ax = plt.subplots()
    figures.show_values(np.array([[1, 2, 3]]), "", ax)
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (2, 0)]
    figures.show_image(np.full((300, 400), 9, np.uint16), "", ax)
    assert ax.images[-1].get_clim() == (0, 255)
    figure, ax = plt.subplots(figsize=(2, 2))
    figures.show_image(np.zeros((9, 9, 3), np.uint8) + np.uint8([250, 0, 0]), "", ax)
    image = np.asarray(Image.open(io.BytesIO(figures.render(figure))).convert("RGB"))
    assert image[100, 100].tolist() == [250, 0, 0]
    plt.close("all")


def test_a_row_is_one_figure_with_a_title_each(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, alt, photo: shown.append((figure, alt)))
    rng = np.random.default_rng(0)
    figures.show_row({"one": rng.random((4, 6)), "two": rng.random((4, 6, 3))}, "Two pictures.")
    pairs = [("same", rng.random((5, 5)))] * 5
    figures.show_row(pairs, "Five.", columns=3, values=True, fontsize=8, vmax=2)
    (two, alt), (five, _) = shown
    assert [ax.get_title() for ax in two.axes] == ["one", "two"] and alt == "Two pictures."
    assert [len(ax.images) for ax in five.axes] == [1, 1, 1, 1, 1, 0]
    assert not five.axes[5].axison and len(five.axes[0].texts) == 25
    assert five.axes[0].images[0].get_clim() == (0, 2)
    plt.close("all")
    for wrong in ([], {}, [rng.random((4, 4))]):
        with pytest.raises(ArgumentError, match="at least one pair of title and image"):
            figures.show_row(wrong, "Nothing.")
    for image in (np.zeros(5), np.zeros((0, 4)), 3):
        with pytest.raises(ArgumentError, match="image 'x' must be .* got"):
            figures.show_row({"x": image}, "Nothing.")


# block diagrams


@pytest.fixture
def drawn(monkeypatch):
    """The figures that `show` was asked for."""
    found = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: found.append((figure, alt)))
    yield found
    plt.close("all")


def test_every_step_is_drawn_and_the_way_around_ends_at_the_sign(drawn):
    figures.show_blocks({"plain": ["x", "conv"], "residual": ["x", "conv", "+", "ReLU"]}, "alt")
    (figure, alt) = drawn[0]
    plain, residual = figure.axes
    assert alt == "alt" and [ax.get_title() for ax in figure.axes] == ["plain", "residual"]
    assert [text.get_text() for text in residual.texts if text.get_text()] == [
        "x", "conv", "+", "ReLU",
    ]  # fmt: skip
    assert not plain.lines and len(residual.lines) == 1
    assert residual.lines[0].get_ydata().tolist() == [-0.5, -0.5, -2]
    assert len(plain.patches) == 1 and len(residual.patches) == 2


def test_the_way_around_begins_at_the_nearest_name(drawn):
    figures.show_blocks({"se": ["x", "conv", "u", "gate", "×", "+"]}, "alt")
    ends = [line.get_ydata().tolist() for line in drawn[0][0].axes[0].lines]
    assert ends == [[-2.5, -2.5, -4], [-2.5, -2.5, -5]]


@pytest.mark.parametrize("blocks", [{}, {"empty": []}])
def test_nothing_to_draw_is_refused(blocks):
    with pytest.raises(ArgumentError, match="at least one"):
        figures.show_blocks(blocks, "alt")
