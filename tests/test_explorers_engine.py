"""The explorers of chapter 1 and their engine: the numbers that they say are right."""

import re

import numpy as np
import pytest
from PIL import Image

from course_utils.data import load_photo, load_texture
from course_utils.errors import ArgumentError
from course_utils.explorers import cnn, feature_maps, image_data
from course_utils.explorers.pixel_editor import PixelEditor
from course_utils.image_files import load_bitmap
from explorer_faces import named, point, press

FACE = np.zeros((7, 7), np.uint8)
FACE[1, 1] = FACE[5, 2] = 1


def edges(image):
    change = np.zeros_like(image)
    change[:, 1:-1] = np.abs(image[:, 2:] - image[:, :-2])
    return change


def pool(image, window):
    height, width = (side // window for side in image.shape)
    cut = image[: height * window, : width * window]
    return cut.reshape(height, window, width, window).max(axis=(1, 3))


def shift(image, down, right):
    return np.roll(image, (down, right), (0, 1))


SLIDE = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
)
SOBEL = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
DIGIT = np.pad(np.random.default_rng(0).integers(0, 256, (28, 28)), 8)
MAKERS = {
    "pixel": lambda: PixelEditor(FACE),
    "resolution": lambda: image_data.resolution_explorer(
        {"cat": load_photo("cat_chelsea", 200), "bricks": load_texture("brick")}
    ),
    "channels": lambda: image_data.channel_mixer(load_photo("coffee", 120)),
    "shift": lambda: image_data.shift_explorer(DIGIT, edges, pool, shift),
    "integral": cnn.integral_explorer,
    "window": lambda: cnn.window_explorer(SLIDE, SOBEL),
    "kernel": lambda: cnn.kernel_explorer(load_photo("coffee", 120).mean(axis=2)),
    "shape": feature_maps.shape_explorer,
    "pooling": lambda: feature_maps.pooling_explorer(DIGIT[8:-8, 8:-8]),
}


def test_titles_stay_inside_the_figure_for_every_picture():
    explorer = MAKERS["resolution"]()
    for name in explorer.controls["picture"].options:
        explorer.set(picture=name)
        for title in ("title before", "title after"):
            top = explorer.artists[title].get_window_extent().y1
            assert top <= explorer.figure.bbox.y1


def test_setting_several_draws_once():
    explorer = MAKERS["channels"]()
    drawn = []
    explorer.picture.observe(lambda change: drawn.append(change), names="content")
    explorer.set(red=1, green=2, blue=3)
    assert len(drawn) == 1 and "RGB (1, 2, 3) = #010203" in explorer.picture.alt


def test_the_readout_is_announced_and_keeps_keys_to_itself():
    explorer = MAKERS["channels"]()
    explorer.set(red=9)
    assert explorer.readout.text in explorer.picture.alt
    assert {"course-explorer", "course-widget"} <= set(explorer._dom_classes)


def test_the_editor_follows_keys():
    editor = PixelEditor(FACE)
    press(editor, " ")
    assert editor.bits[0, 0] == 1 and FACE[0, 0] == 0
    for key in ("ArrowRight", "ArrowDown", " "):
        press(editor, key)
    assert editor.bits[1, 1] == 0
    press(editor, "ArrowUp")
    press(editor, "ArrowUp")  # over the top edge, to the last row
    assert "row 7, column 2 is 0; 2 of 49" in editor.picture.alt
    press(editor, "Home")
    assert editor.bits.sum() == 2


def test_the_editor_follows_clicks():
    editor = PixelEditor(FACE)
    picture = editor.artists["picture"].axes
    for row, column in [(0, 0), (6, 6), (3, 5)]:
        point(editor, picture, column + 0.3, row - 0.3)
        point(editor, picture, column + 0.3, row - 0.3, "up")
        assert editor.bits[row, column] == 1
    before = editor.bits.copy()
    point(editor, editor.artists["uint8"].axes, 0.5, 0.5)  # beside the picture
    assert np.array_equal(editor.bits, before)


def answer(editor):
    """What stands beside the buttons."""
    return editor.panel.children[-1].text


def test_the_editor_saves_and_loads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    editor = PixelEditor(FACE)
    controls = named(editor.panel)
    controls["save"].click()
    assert np.array_equal(load_bitmap("my_face.pbm"), FACE) and answer(editor).startswith("saved")
    controls["invert"].click()
    assert np.array_equal(editor.bits, 1 - FACE)
    controls["save"].click()
    assert "not saved: my_face.pbm exists already" in answer(editor)
    assert "tick overwrite" in answer(editor) and "=True" not in answer(editor)
    press(editor, "ArrowRight")
    assert answer(editor) == ""
    controls["overwrite"].value = True
    controls["save"].click()
    controls["clear"].click()
    assert editor.bits.sum() == 0
    controls["load"].click()
    assert np.array_equal(editor.bits, 1 - FACE)
    assert answer(editor) == "loaded from my_face.pbm"
    controls["reset"].click()
    assert np.array_equal(editor.bits, FACE)
    assert editor.picture.alt.startswith("Pixel editor. row 1, column 1 is")
    controls["file"].value = "nothing.png"
    controls["load"].click()
    assert "not loaded: no picture at" in answer(editor)
    controls["file"].value = "face.png"
    controls["save"].click()
    assert np.array_equal(load_bitmap("face.png"), FACE)


def test_the_editor_refuses_another_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("1", (3, 3)).save("small.png")
    editor = PixelEditor(FACE)
    named(editor.panel)["file"].value = "small.png"
    named(editor.panel)["load"].click()
    assert "not loaded: small.png is" in answer(editor) and np.array_equal(editor.bits, FACE)


def test_the_resolution_explorer_counts_right():
    explorer = MAKERS["resolution"]()
    explorer.set(keep=50, method="area")
    assert "100 × 66 = 6,600 pixels, 19,800 bytes" in explorer.picture.alt


@pytest.mark.usefixtures("unpainted")
def test_the_mixer_agrees_with_scikit_image():
    from skimage.color import rgb2hsv

    explorer = MAKERS["channels"]()
    rng = np.random.default_rng(0)
    for red, green, blue in rng.integers(0, 256, (20, 3)).tolist():
        explorer.set(red=red, green=green, blue=blue)
        wanted = rgb2hsv(np.array([[[red, green, blue]]], np.uint8))[0, 0] * (360, 1, 1)
        said = re.search(r"hue (\d+)°, saturation ([\d.]+), value ([\d.]+)", explorer.picture.alt)
        got = np.array([float(number) for number in said.groups()])
        assert (np.abs(got - wanted) <= (0.5001, 0.005001, 0.005001)).all()


def test_the_shift_explorer_measures_what_it_says():
    explorer = MAKERS["shift"]()
    explorer.set(down=3, right=-5, window=4)
    still, moved = pool(edges(DIGIT), 4), pool(edges(shift(DIGIT, 3, -5)), 4)
    changed, lit = (still != moved).sum(), ((still > 0) | (moved > 0)).sum()
    assert "shifting the convolved one: 0 pixels differ" in explorer.picture.alt
    assert f"{changed} of {lit} lit values changed" in explorer.picture.alt
    explorer.set(down=0, right=0)
    assert f"0 of {(still > 0).sum()} lit values changed" in explorer.picture.alt


def test_the_pictures_show_what_they_should():
    editor = PixelEditor(FACE)
    image = editor.artists["picture"]
    assert image.get_array()[1, 1] == 0 and image.get_array()[0, 0] == 1  # 1 is black
    matrix, as_bytes = (editor.artists[name].get_text() for name in ("matrix", "uint8"))
    assert matrix.split("\n")[1].split() == list("0100000")
    assert as_bytes.split("\n")[1].split()[:2] == ["255", "0"]
    press(editor, "ArrowDown")
    assert editor.artists["cursor"].get_xy() == (-0.5, 0.5)
    mixer = MAKERS["channels"]()
    mixer.set(red=255, green=0, blue=0, show_red=True, show_green=False, show_blue=False)
    assert mixer.artists["colour"].get_array()[0, 0].tolist() == [255, 0, 0]
    assert [bar.get_height() for bar in mixer.artists["HSV"]] == [0, 1, 1]
    shown = mixer.artists["photo"].get_array()
    assert shown[..., 0].any() and not shown[..., 1:].any()


def test_an_operation_that_is_not_equivariant_is_seen():
    explorer = image_data.shift_explorer(DIGIT, lambda image: image * np.arange(44), pool, shift)
    apart = re.search(r"shifting the convolved one: (\d+) pixels differ", explorer.picture.alt)
    assert int(apart[1]) > 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PixelEditor(np.zeros((40, 40))), "at most 16 each, got"),
        (lambda: PixelEditor(np.zeros((0, 4))), "at most 16 each, got"),
        (lambda: PixelEditor([[0, 255]]), "bits must be 0 or 1, got 0 … 255; use .*< 128"),
        (lambda: image_data.resolution_explorer({}), "at least one picture"),
        (lambda: image_data.channel_mixer(np.zeros((4, 4))), r"photo must be \(H, W, 3\) uint8"),
    ],
)
def test_bad_input_is_named(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()
