"""The figures of chapter 4's generators say what they draw, and refuse what they cannot."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.errors import ArgumentError
from course_utils.image_generation import figures as generation_figures
from course_utils.image_generation.figures import show_duel, show_losses

STORY = np.tile([2.0, 0.5, 0.0, 0.0, 0.0], (10, 1))


@pytest.fixture
def shown(monkeypatch):
    figures = []
    monkeypatch.setattr(generation_figures, "show", lambda figure, alt: figures.append(figure))
    yield figures
    plt.close("all")


def test_a_duel_shows_both_bells_and_the_curve(shown):
    show_duel(STORY, (0, 9), "two moments")
    axes = shown[0].axes
    assert [ax.get_title() for ax in axes] == ["round 0", "round 9"]
    (curve, _) = axes[0].lines
    np.testing.assert_allclose(curve.get_ydata(), 0.5)  # w is 0
    heights = np.array([bar.get_height() for bar in axes[0].patches])
    middle = np.array([bar.get_x() + bar.get_width() / 2 for bar in axes[0].patches])
    assert (heights * 0.2).sum() == pytest.approx(1)
    assert (heights * middle).sum() * 0.2 == pytest.approx(2, abs=0.05)


def test_losses_are_running_means(shown):
    show_losses({"a": [1, 3, 5, 7]}, "one line", levels=[(2, "two")], smooth=2)
    line = shown[0].axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [2, 3, 4])
    np.testing.assert_allclose(line.get_ydata(), [2, 4, 6])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: show_duel(STORY[:, :4], (0,), "x"), "story must be (rounds, 5), got (10, 4)"),
        (lambda: show_duel(STORY, (0, 10), "x"), "rounds must be 0 … 9, one or more, got [0, 10]"),
        (lambda: show_duel(STORY, (), "x"), "rounds must be 0 … 9, one or more, got []"),
        (lambda: show_losses({}, "x"), "losses must hold lists of 20 or more numbers"),
        (lambda: show_losses({"a": [1]}, "x"), "losses must hold lists of 20 or more numbers"),
    ],
)
def test_bad_input_gets_one_clear_error(call, message):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == message
