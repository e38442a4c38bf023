"""The figures of chapter 4's generators say what they draw, and refuse what they cannot."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.errors import ArgumentError
from course_utils.image_generation import figures as generation_figures
from course_utils.image_generation.figures import _running_mean, show_duel, show_losses

STORY = np.tile([2.0, 0.5, 0.0, 0.0, 0.0], (10, 1))


@pytest.fixture
def shown(monkeypatch):
    figures = []
    monkeypatch.setattr(generation_figures, "show", lambda figure, alt: figures.append(figure))
    yield figures
    plt.close("all")


def test_a_duel_shows_both_bells_and_the_curve(shown):
    show_duel(STORY, (0, 9))
    axes = shown[0].axes
    assert [ax.get_title() for ax in axes] == ["round 0", "round 9"]
    (curve, _) = axes[0].lines
    np.testing.assert_allclose(curve.get_ydata(), 0.5)  # w is 0
    heights = np.array([bar.get_height() for bar in axes[0].patches])
    middle = np.array([bar.get_x() + bar.get_width() / 2 for bar in axes[0].patches])
    assert (heights * 0.2).sum() == pytest.approx(1)
    assert (heights * middle).sum() * 0.2 == pytest.approx(2, abs=0.05)


def test_losses_are_drawn_as_they_are_and_as_running_means(shown):
    show_losses({"a": [1, 3, 5]}, levels=[(2, "two")], keep=0.5)
    thin, mean, _ = shown[0].axes[0].lines
    np.testing.assert_allclose(thin.get_ydata(), [1, 3, 5])
    np.testing.assert_allclose(mean.get_xdata(), [1, 2, 3])
    # (3 + ½ · 1) / 1.5 and (5 + ½ · 3 + ¼ · 1) / 1.75
    np.testing.assert_allclose(mean.get_ydata(), [1, 7 / 3, 27 / 7])
    show_losses({"a": [1, 3, 5]}, keep=0)
    (only,) = shown[1].axes[0].lines
    np.testing.assert_allclose(only.get_ydata(), [1, 3, 5])


def test_a_running_mean_of_one_number_is_this_number():
    np.testing.assert_allclose(_running_mean(np.full(50, 7.0), 0.9), 7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: show_duel(STORY[:, :4], (0,)), "story must be (rounds, 5), got (10, 4)"),
        (lambda: show_duel(STORY, (0, 10)), "rounds must be 0 … 9, one or more, got [0, 10]"),
        (lambda: show_duel(STORY, ()), "rounds must be 0 … 9, one or more, got []"),
        (lambda: show_losses({}), "losses must hold lists of one or more numbers"),
        (lambda: show_losses({"a": []}), "losses must hold lists of one or more numbers"),
        (lambda: show_losses({"a": [1]}, keep=1), "keep must be 0 … 1, not 1, got 1"),
    ],
)
def test_bad_input_gets_one_clear_error(call, message):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == message
