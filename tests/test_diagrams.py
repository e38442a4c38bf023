"""Diagrams: each step is on the figure, and what goes around arrives at its sign."""

import matplotlib.pyplot as plt
import pytest

from course_utils import figures
from course_utils.errors import ArgumentError


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
