"""Exercises of chapter 4 on style transfer: the total variation, statistics of channels."""

import numpy as np

from course_utils.data import load_photo
from course_utils.exercises.engine import Exercise, mistakes, not_a_number
from course_utils.figures import show_row


# total_variation
def _total_variation(image, size=lambda steps: np.abs(steps).mean(), axes=(1, 0)):
    """size: what is taken of the steps along an axis."""
    return sum(size(np.diff(image.astype(float), axis=axis)) for axis in axes)


def _total_variation_cases(rng):
    y, x, c = np.mgrid[:2, :4, :3].astype(float)
    whole = x**2 + 3 * y + c * x  # rises to the right and downwards
    pictures = [whole[:, 1:3], whole]
    pictures += [rng.random((4, 7, 3)), rng.random((6, 3, 3)) - 0.5]  # no uint8 before them
    for height, width in ((5, 8), (9, 4), (2, 2), (3, 6)):
        pictures.append(rng.integers(0, 256, (height, width, 3)).astype(np.uint8))
    dark = np.zeros((6, 5, 3), np.uint8)
    dark[1::2] = 255
    pictures += [dark, np.full((3, 4, 3), 200, np.uint8), rng.uniform(0, 255, (7, 5, 3))]
    return [(picture,) for picture in pictures]


_hint_total_variation = mistakes(
    (lambda x: _total_variation(x, lambda steps: (steps**2).mean()),
     "those are squares; absolute differences are wanted"),
    (lambda x: _total_variation(x, lambda steps: np.abs(steps).sum()), "those are sums, not means"),
    (lambda x: _total_variation(x, axes=(1,)), "the neighbours below are missing"),
    (lambda x: _total_variation(x, axes=(0,)), "the neighbours to the right are missing"),
    (lambda x: _total_variation(x) / 2, "that is half of it: the two means are added"),
    (lambda x: np.abs(np.r_[np.diff(x, axis=0).ravel(), np.diff(x, axis=1).ravel()]).mean(),
     "that is one mean over all pairs; each direction has a mean of its own"),
    (lambda x: _total_variation(x, axes=(2,)),
     "those are differences between the channels of one pixel"),
    (lambda x: _total_variation(x, axes=(0, 1, 2)),
     "differences between the channels of one pixel are added"),
    (lambda x: _total_variation(x, axes=(1, 2)),
     "axis 2 is the channel: those are no neighbours"),
    (lambda x: sum(np.abs(x - np.roll(x, 1, axis)).mean() for axis in (0, 1)),
     "the borders are wrong: the first row is no neighbour of the last"),
    (lambda x: _total_variation(x, np.mean), "differences up and down cancel: the sign has to go"),
    (lambda x: _total_variation(x, lambda steps: np.abs(steps.mean())),
     "the sign has to go *before* the mean: differences up and down cancel"),
    (lambda x: _total_variation(x, lambda steps: np.abs(steps).sum() / x.size),
     "that divides by the pixels; W of them in a row are only W − 1 pairs"),
    (lambda x: 3 * _total_variation(x), "the channels are added up; the mean is over them too"),
    (lambda x: _total_variation(x.mean(axis=2)),
     "the colours are made gray first: differences between them are lost"),
    (lambda x: _total_variation(x) / 255, "that divides by 255; the numbers stay as they are"),
    (lambda x: np.hypot(np.diff(x, axis=1)[:-1], np.diff(x, axis=0)[:, :-1]).mean(),
     "that is the length of both steps together; the two are added"),
    (lambda x: _total_variation(x.astype(int)), "parts of 1 are cut off: a picture may be float"),
)  # fmt: skip


def _hint_wraps(got, wanted, arguments):
    if got.shape in ((2,), (3,)):
        return f"those are {got.size} numbers; one is wanted"
    if arguments[0].dtype == np.uint8 and got.shape == ():  # the cases before are float
        return "right for floats, wrong for uint8: what is 3 − 5 there? It wraps around"


# match_statistics
def _moments(maps, axes=(1, 2), ddof=0):
    """Mean and standard deviation over the axes, which stay with length 1."""
    return maps.mean(axis=axes, keepdims=True), maps.std(axis=axes, keepdims=True, ddof=ddof)


def _match_statistics(content, style, axes=(1, 2), power=1, deviation=True, mean=True):
    """axes, power: wrong ones are mistakes, as is leaving out the deviation or the mean."""
    (old, spread), (new, wanted) = _moments(content, axes), _moments(style, axes)
    scale = (wanted / spread) ** power if deviation else 1
    return (content - old) * scale + (new if mean else 0)


def _match_statistics_cases(rng):
    small = np.array([[[1.0, 3, 5]], [[2, 2, 8]]]), np.array([[[4.0, 6]], [[0, 10]]])
    shapes = [((2, 3, 4), (2, 5, 6)), ((4, 2, 5), (4, 3, 3)), ((3, 6, 2), (3, 7, 1)),
              ((1, 4, 6), (1, 2, 3)), ((5, 3, 7), (5, 3, 7)), ((6, 8, 9), (6, 4, 5)),
              ((3, 20, 31), (3, 12, 17))]  # fmt: skip
    cases = []
    for ours, theirs in shapes:
        shift, scale = rng.normal(0, 2, (2, ours[0], 1, 1)), rng.uniform(0.5, 3, (2, ours[0], 1, 1))
        content = shift[0] + scale[0] * rng.normal(size=ours)
        cases.append((content, shift[1] + scale[1] * rng.normal(size=theirs)))
    flat = np.full((3, 4, 5), 2.0) + np.arange(3)[:, None, None]  # a style without any variation
    return [small, *cases, (rng.normal(size=(3, 2, 6)), flat)]


def _only_shifted(content, style):
    return _match_statistics(content, style, deviation=False)


_hint_match_statistics = mistakes(
    (lambda c, s: _match_statistics(s, c), "content and style are exchanged"),
    (lambda c, s: _match_statistics(c, s, axes=(0, 1, 2)),
     "one mean and one deviation for all channels; each channel has its own"),
    (lambda c, s: _match_statistics(c, s, power=2),
     "those are variances; the standard deviation is their root"),
    (_only_shifted, "only the means are matched; the deviations are not"),
    (lambda c, s: _match_statistics(c, s, mean=False), "the style's mean is missing"),
    (lambda c, s: (c - _moments(c)[0]) / _moments(c)[1],
     "that is normalised; the style's mean and deviation are still to come"),
    (lambda c, s: c * _moments(s)[1] + _moments(s)[0],
     "the content's own mean and deviation have to go first"),
    (lambda c, s: (c - _moments(c)[0]) * _moments(s)[1] + _moments(s)[0],
     "the content is not divided by its own standard deviation"),
    (lambda c, s: c / _moments(c)[1] * _moments(s)[1] + _moments(s)[0],
     "the content's own mean is not subtracted"),
    (lambda c, s: (c - _moments(c)[0]) / (_moments(c)[1] + 1e-5) * _moments(s)[1],
     "the style's mean is missing"),
    (lambda c, s: _match_statistics(c, s) * 0 + _moments(s)[0],
     "every place gets the style's mean; where is the content?"),
)  # fmt: skip


def _hint_statistics_shape(got, wanted, arguments):
    if got.shape == arguments[1].shape != wanted.shape:
        return "that has the size of the style; the result is a picture of the content"


def _look_at_match_statistics(answer):
    """A photo in the colours of a painting: the function on three channels, red, green, blue."""
    content, style = load_photo("china", 192), load_photo("starry_night", 192)[16:-16, 16:-16]
    maps = [picture.transpose(2, 0, 1).astype(float) for picture in (content, style)]
    result = np.clip(np.asarray(answer(*maps), float), 0, 255).astype(np.uint8)
    pictures = {"content": content, "style": style, "result": result.transpose(1, 2, 0)}
    show_row(pictures, photo=True, width=9)


EXERCISES = {
    "total_variation": Exercise(
        reference=_total_variation,
        cases=_total_variation_cases,
        verified="uint8 and float, stripes, one colour",
        hints=[_hint_total_variation, _hint_wraps],
        level=2,
        minutes=8,
        steps=(
            "A picture minus itself moved by one column gives all differences to the right: two "
            "slices of one shape. How many columns has this shape?",
            "What is 3 − 5 in uint8? Change the dtype before you subtract. Then each direction "
            "has its own mean.",
        ),
    ),
    "match_statistics": Exercise(
        reference=_match_statistics,
        cases=_match_statistics_cases,
        verified="1 to 6 channels, maps of two sizes, a style of one value",
        hints=[not_a_number, _hint_match_statistics, _hint_statistics_shape],
        level=2,
        minutes=10,
        look=_look_at_match_statistics,
        steps=(
            "First make each channel of the content have mean 0 and standard deviation 1, as "
            "batch normalisation does, but over the places of this one picture.",
            "Then give it the style's numbers of the same channel. Means over the axes 1 and 2 "
            "with `keepdims=True` fit to (C, H, W).",
        ),
    ),
}
