"""The colours of the course for eyes of every kind: contrast, and pairs that stay apart.

Dichromacy is simulated by the matrices of Machado, Oliveira and Fernandes (2009), severity 1, on
linear RGB; "apart" is CIEDE2000. Alt texts of stored pictures: test_notebooks.py.
"""

import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from course_utils import figures
from course_utils.explorers import iou
from course_utils.figures import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW
from course_utils.image_generation.figures import CURVE, MADE, REAL
from course_utils.segmentation.figures import STUFF, THINGS, VOID
from notebooks_as_files import ROOT

EYES = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
APART = 10  # CIEDE2000: five times what is just noticed side by side
CYCLE = [to_rgb(colour) for colour in mpl.rcParams["axes.prop_cycle"].by_key()["color"]]


def linear(colours):
    """sRGB, 0 … 1 → light."""
    colours = np.asarray(colours, float)
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG's ratio, 1 … 21."""
    low, high = sorted(linear([to_rgb(one), to_rgb(other)]) @ [0.2126, 0.7152, 0.0722])
    return (high + 0.05) / (low + 0.05)


def seen(colours, matrix):
    """Colours (N, 3) in sRGB as other eyes see them, in CIELAB."""
    light = np.clip(linear(colours) @ np.transpose(matrix), 0, 1)
    codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return rgb2lab(codes[None])[0]


def close_pairs(colours):
    """Pairs of places whose colours are less than APART to eyes of any kind."""
    pairs = set()
    for matrix in EYES.values():
        lab = seen(colours, matrix)
        for i, j in itertools.combinations(range(len(lab)), 2):
            if deltaE_ciede2000(lab[i], lab[j]) < APART:
                pairs.add((i, j))
    return pairs


def test_the_measures_know_their_textbook_values():
    assert contrast("white", "black") == pytest.approx(21)
    assert contrast("#767676", "white") == pytest.approx(4.54, abs=0.01)
    gray = [[0.5, 0.5, 0.5]]
    for matrix in EYES.values():
        assert np.allclose(seen(gray, matrix), rgb2lab(np.array([gray]))[0], atol=0.5)
    assert close_pairs([(0.55, 0.0, 0.0), (0.27, 0.27, 0.0)])  # dark red, dark olive


def test_text_and_axes_can_be_read():
    ground = mpl.rcParams["axes.facecolor"]
    names = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    for name in names:
        assert contrast(mpl.rcParams[name], ground) >= 4.5, name
    assert contrast(ground, mpl.rcParams["figure.facecolor"]) == 1
    assert mpl.rcParams["font.size"] >= 12 and mpl.rcParams["lines.linewidth"] >= 2


def test_lines_stand_out_from_the_ground():
    for colour in [*CYCLE, REAL, MADE, CURVE, *iou.BOXES.values()]:
        assert contrast(colour, "white") >= 3, colour


def test_the_cycle_is_told_apart_by_all_eyes():
    assert len(CYCLE) == 7 and close_pairs(CYCLE) == set()


def test_boxes_outlines_and_curves_are_told_apart_by_all_eyes():
    palette = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, YELLOW]
    for colours in (palette, [REAL, MADE, CURVE], [*iou.BOXES.values(), GREEN]):
        assert close_pairs([to_rgb(colour) for colour in colours]) == set(), colours


def test_classes_on_one_map_are_told_apart_by_all_eyes():
    """Ten things, four kinds of stuff, and black for neither."""
    maps = np.vstack([THINGS, STUFF, VOID]) / 255
    assert len(maps) == 15 and close_pairs(maps) == set()


def test_an_empty_alt_text_is_refused():
    for empty in ("", " ", "\n"):
        with pytest.raises(ValueError, match="alt must be a text that says what the figure shows"):
            figures.show(None, alt=empty)


def test_texts_of_pages_and_decks_can_be_read():
    """Every colour of text in the style sheets: 4.5 on white; on the ground of code, too."""
    sheets = [*(ROOT / "course_utils" / "command" / "editions" / "templates").glob("*.css")]
    assert len(sheets) == 4
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        for colour in re.findall(r"(?<![-\w])color: (#[0-9a-f]{3,6})", text):
            assert contrast(colour, "#ffffff") >= 4.5, (sheet.name, colour)
            assert contrast(colour, "#f1f3f5") >= 4.5 or colour == "#0072b2", (sheet.name, colour)


def test_colours_stand_in_the_palette_alone():
    for path in (ROOT / "course_utils").rglob("*.py"):
        found = re.findall(r"\"#[0-9A-Fa-f]{6}\"", path.read_text(encoding="utf-8"))
        assert not found or path.name == "figures.py", path


def test_the_focus_is_marked_on_every_control():
    css = (ROOT / "course_utils" / "explorers" / "live_text.css").read_text(encoding="utf-8")
    (colour,) = set(re.findall(r"outline: 3px solid (#[0-9a-f]{6})", css))
    assert contrast(colour, "white") >= 3
    for control in ("button", "select", "input", '[role="slider"]'):
        assert control in css.split(":focus-visible")[0]
