"""Pictures with boxes, classes and segments: colours and places, not looks."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.detection import figures as region_figures
from course_utils.detection.figures import draw_boxes, show_boxes
from course_utils.errors import ArgumentError
from course_utils.segmentation import figures
from course_utils.segmentation.figures import (
    STUFF,
    THINGS,
    colour_classes,
    colour_masks,
    colour_segments,
    left_to_right,
)  # fmt: skip
from course_utils.synthetic_scenes import digit_scenes


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_a_box_lies_around_its_pixels(ax):
    draw_boxes(ax, [[2, 3, 6, 5]], ["cat"])
    assert ax.patches[0].get_bbox().extents.tolist() == [1.5, 2.5, 5.5, 4.5]
    assert ax.texts[0].get_text() == "cat"


def test_a_text_stays_in_the_picture(ax):
    ax.set(xlim=(0, 64), ylim=(64, 0))
    draw_boxes(ax, [[0, 0, 9, 9], [0, 20, 9, 29]], "ab")
    assert [text.get_verticalalignment() for text in ax.texts] == ["top", "bottom"]


def test_texts_of_one_box_stand_apart(ax):
    ax.set(xlim=(0, 64), ylim=(64, 0))
    draw_boxes(ax, [[20, 20, 40, 50]] * 4, "9740")
    places = {(*text.get_position(), text.get_va(), text.get_ha()) for text in ax.texts}
    assert len(places) == 4
    draw_boxes(ax, [[2, 3, 6, 5]] * 9, "abcdefghi")  # more than there are places
    assert len(ax.texts) == 13


def test_no_boxes_draw_nothing(ax):
    draw_boxes(ax, np.zeros((0, 4)))
    draw_boxes(ax, [])
    assert not ax.patches and not ax.texts


def test_texts_fit_boxes(ax):
    with pytest.raises(ArgumentError, match="1 boxes and 2 texts"):
        draw_boxes(ax, [[0, 0, 1, 1]], "ab")


def test_a_class_has_one_colour_and_a_segment_its_own():
    scene = digit_scenes(1, seed=213, split="test", digits=(4, 4))[0]
    one, other = scene.masks[0], scene.masks[1]  # two of one class
    semantic, panoptic = colour_classes(scene.semantic), colour_segments(scene.panoptic)
    assert (semantic[one] == THINGS[2]).all() and (semantic[other] == THINGS[2]).all()
    first, second = left_to_right(scene.masks)[:2]
    assert first != second
    assert (panoptic[one] == THINGS[first]).all() and (panoptic[other] == THINGS[second]).all()
    ground = ~scene.masks.any(axis=0)
    np.testing.assert_array_equal(semantic[ground], panoptic[ground])
    np.testing.assert_array_equal(colour_masks(scene.masks)[~ground], panoptic[~ground])
    assert not colour_masks(scene.masks)[ground].any()


def test_all_colours_differ_and_void_is_black():
    colours = {tuple(colour) for colour in (*THINGS, *STUFF, (0, 0, 0))}
    assert len(colours) == len(THINGS) + len(STUFF) + 1
    assert not colour_classes(np.array([[255]])).any() and not colour_segments([[-1]]).any()
    assert (colour_classes(np.array([[12]])) == STUFF[2]).all()


def test_a_row_shows_each_picture_once(monkeypatch):
    shown = []
    monkeypatch.setattr(region_figures, "show", lambda figure, photo, alt: shown.append(figure))
    image = np.zeros((8, 8, 3), np.uint8)
    show_boxes([("a", image, [[0, 0, 2, 2]], "1", [[1, 1, 3, 3]]), ("b", image, [], ())])
    first, second = shown[0].axes
    assert len(first.patches) == 2 and not second.patches
    plt.close(shown[0])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: colour_classes(np.zeros((2, 2))), "labels must be .H, W. whole numbers"),
        (lambda: colour_segments(np.zeros(3, int)), "ids must be"),
        (lambda: colour_masks(np.zeros((2, 2), bool)), "masks must be"),
        (lambda: left_to_right([[True]]), "masks must be"),
        (lambda: figures.show_unet(["a", "b"], ["c", "d"]), "one text more than decoder"),
        (lambda: show_boxes([]), "at least one row"),
    ],
)
def test_bad_input_is_named(call, text):
    with pytest.raises(ArgumentError, match=text):
        call()


def test_with_few_classes_things_still_look_like_no_ground():
    ids = np.array([[6000, 1, 2, 7, 12]])
    picture = colour_segments(ids, things=6)[0]
    assert (picture[0] == STUFF[0]).all()
    assert (picture[1:] == THINGS[:4]).all()


def test_the_colour_is_the_place_and_not_the_order():
    masks = np.zeros((3, 2, 9), bool)
    masks[0, 0, 6:], masks[1, :, :2], masks[2, 1, 2:6] = True, True, True
    assert left_to_right(masks).tolist() == [2, 0, 1]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        np.testing.assert_array_equal(colour_masks(masks[order]), colour_masks(masks))
    assert (colour_masks(masks)[0, [0, 8]] == THINGS[[0, 2]]).all()
    assert not colour_masks(masks)[0, 2:6].any()
    assert (colour_masks(np.stack([masks[2], masks[2] | masks[0]]))[1, 2] == THINGS[0]).all()
    assert left_to_right(masks[:0]).shape == (0,) and not colour_masks(masks[:0]).any()
    assert left_to_right(np.zeros((2, 3, 3), bool)).tolist() == [0, 1]


def test_a_unet_has_a_skip_connection_a_level(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: shown.append(figure))
    figures.show_unet(list("abcd"), list("efg"))
    texts = [text.get_text() for text in shown[0].axes[0].texts]
    assert [text for text in texts if len(text) == 1] == list("abcdefg")
    assert texts.count("skip connection") == 2 and {"encoder", "decoder"} < set(texts)
    plt.close(shown[0])
