"""Hangul in figures: drawn where a Korean font is, one sentence where none is, Latin as before.

A small Korean font is built here, so that nothing depends on what the machine has. And the list of
fonts is made before a kernel is compared with what is stored.
"""

import ast
import logging
import os
import subprocess
import sys
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from chapter_runs import run
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.text import Text
from nbformat.v4 import new_code_cell

from course_utils import figures, korean_fonts
from course_utils.command.editions.typed_cells import enlarge
from course_utils.data import load_photo
from course_utils.detection import figures as region_figures
from course_utils.explorers import (
    cnn,
    cnn_evolution,
    detection,
    feature_maps,
    generation,
    image_data,
    iou,
    pixel_editor,
    segmentation,
)
from course_utils.explorers import style as style_explorers
from course_utils.image_generation import figures as generation_figures
from course_utils.image_generation.gan import Generator
from course_utils.segmentation import figures as class_figures
from notebooks_as_files import CHAPTERS, ROOT, code_cells, read

CAT = "고양이"
LETTERS = [*range(0x20, 0x7F), *range(0xAC00, 0xD7A4)]
DRAWS = {"subplots", "Figure", "gca"}  # what a function calls that makes a picture with texts


def build_font(path, family):
    """Write a TrueType font of one weight: the same box for every syllable and Latin letter."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(point)
    pen.closePath()
    box, font = pen.glyph(), FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "box"])
    font.setupCharacterMap({code: "box" for code in LETTERS})
    font.setupGlyf({".notdef": box, "box": box})
    font.setupHorizontalMetrics({".notdef": (800, 0), "box": (800, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    font.setupPost()
    font.save(path)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The file of a Korean font."""
    path = tmp_path_factory.mktemp("font") / "korean.ttf"
    build_font(path, "NanumGothic")
    return path


@pytest.fixture(scope="module")
def listed():
    """The Korean fonts of this machine, by name: they are tried, too, beside the one built here."""
    return {font.name: font for font in font_manager.fontManager.ttflist
            if font.name in korean_fonts.FONTS}  # fmt: skip


@pytest.fixture
def bare(monkeypatch):
    """As on a machine without a Korean font: matplotlib lists none, and nothing has been said."""
    monkeypatch.setattr(korean_fonts, "_told", set())
    fonts = [font for font in font_manager.fontManager.ttflist
             if font.name not in korean_fonts.FONTS]  # fmt: skip
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    font_manager.fontManager._findfont_cached.cache_clear()
    with mpl.rc_context({"font.family": ["sans-serif"]}):
        yield fonts
    font_manager.fontManager._findfont_cached.cache_clear()
    plt.close("all")


@pytest.fixture
def korean(bare, built):
    """As on a machine with one Korean font, which has no bold face."""
    font_manager.fontManager.addfont(built)
    korean_fonts.draw_hangul()


@pytest.fixture
def said(caplog):
    """What was said while figures were drawn: warnings, and lines of matplotlib's log."""
    with caplog.at_level(logging.WARNING), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lambda: [str(warning.message) for warning in caught] + caplog.messages


def photo():
    return load_photo("coffee", 60)


IMAGE = np.zeros((64, 64, 3), np.uint8)
BOX = np.array([[8.0, 8, 40, 40]])
NAMES = [CAT * number for number in range(1, 11)]
KINDS = {  # public function that draws → a call in which a student writes Hangul where he can
    "show_blocks": lambda: figures.show_blocks({CAT: ["x", CAT, "+", CAT]}, alt=CAT),
    "integral_explorer": lambda: cnn.integral_explorer(),
    "window_explorer": lambda: cnn.window_explorer(np.eye(5), np.ones((3, 3))),
    "kernel_explorer": lambda: cnn.kernel_explorer(photo().mean(axis=2)),
    "depth_explorer": lambda: cnn_evolution.depth_explorer(torch.rand(4, 1, 8, 8)),
    "augmentation_explorer": lambda: cnn_evolution.augmentation_explorer({CAT: photo()}),
    "gate_viewer": lambda: cnn_evolution.gate_viewer(np.eye(2, 8), ["개", CAT]),
    "yolo_explorer": lambda: detection.yolo_explorer(
        IMAGE, np.tile(BOX, (64, 1)).reshape(8, 8, 4), np.ones((8, 8)),
        np.full((8, 8, 10), 0.1), NAMES,
    ),
    "nms_explorer": lambda: detection.nms_explorer(IMAGE, BOX, [0.9], [0], NAMES),
    "shape_explorer": lambda: feature_maps.shape_explorer(),
    "pooling_explorer": lambda: feature_maps.pooling_explorer(np.full((9, 9), 99)),
    "latent_explorer": lambda: generation.latent_explorer(Generator(4, classes=2), ["개", CAT]),
    "resolution_explorer": lambda: image_data.resolution_explorer({CAT: photo()}),
    "channel_mixer": lambda: image_data.channel_mixer(photo()),
    "shift_explorer": lambda: image_data.shift_explorer(
        np.full((44, 44), 9.0), lambda image: image, lambda image, window: image,
        lambda image, down, right: image,
    ),
    "iou_explorer": lambda: iou.iou_explorer(),
    "PixelEditor": lambda: pixel_editor.PixelEditor(np.eye(7, dtype=np.uint8)),
    "merge_explorer": lambda: segmentation.merge_explorer(
        IMAGE, [np.arange(64 * 64).reshape(64, 64) // 2048, np.zeros((64, 64), int)]
    ),
    "overlay_explorer": lambda: segmentation.overlay_explorer(IMAGE, IMAGE[..., 0], NAMES),
    "style_explorer": lambda: style_explorers.style_explorer(
        *style_explorers.load_style_snapshots()
    ),
    "show_image": lambda: figures.show_image(IMAGE, CAT),
    "show_values": lambda: figures.show_values(np.eye(3), CAT),
    "show_row": lambda: figures.show_row({CAT: IMAGE, "개": IMAGE}, alt=CAT),
    "show_duel": lambda: generation_figures.show_duel(np.ones((2, 5)), (0,), alt=CAT),
    "show_unet": lambda: class_figures.show_unet([CAT, CAT], [CAT], alt=CAT),
    "show_losses": lambda: generation_figures.show_losses(
        {CAT: [1.0] * 30}, levels=[(0.5, "개")], alt=CAT
    ),
    "show_boxes": lambda: region_figures.show_boxes([(CAT, IMAGE, BOX, [CAT])], alt=CAT),
}  # fmt: skip


def drawing():
    """The names of the public functions and classes that make a picture in a notebook."""
    for path in sorted((ROOT / "course_utils").rglob("*.py")):
        if {"command", "exercises"} & set(path.parts):  # what an answer draws has our words
            continue
        calls = {
            node.name: {ast.unparse(part.func).split(".")[-1] for part in ast.walk(node)
                        if isinstance(part, ast.Call)}
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }  # fmt: skip
        own = {name for name, called in calls.items() if name[0] == "_" and DRAWS & called}
        yield from (name for name, called in calls.items()
                    if name[0] != "_" and (DRAWS | own) & called)  # fmt: skip


def test_every_kind_of_picture_is_tried():
    assert sorted(drawing()) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_hangul_is_drawn_wherever_a_text_stands(kind, korean, said, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "display", lambda *_, **__: None)
    monkeypatch.setattr(figures, "render", lambda figure, photo=False: drawn.append(figure) or b"")
    explorer = KINDS[kind]()
    drawn += [explorer.figure] if hasattr(explorer, "figure") else []
    drawn = drawn or [plt.gcf()]
    for figure in drawn:
        for text in figure.findobj(Text):  # what the course writes today could be Hangul tomorrow
            if any(letter.isalpha() for letter in text.get_text()) and "$" not in text.get_text():
                text.set_text(f"{CAT} {text.get_text()}")
        figure.canvas.draw()
    assert said() == []


@pytest.mark.parametrize("large", [False, True])
def test_pyplot_itself_draws_hangul_in_both_weights(large, korean, said, monkeypatch):
    monkeypatch.setattr(figures, "text_scale", 1)
    with mpl.rc_context():
        if large:  # as `course live --large` does
            enlarge()
        _, ax = plt.subplots()
        ax.plot([0, 1], label="손실")
        ax.set(title=CAT, xlabel="걸음", ylabel="손실")
        ax.set_title("굵게", loc="left", fontweight="bold")
        ax.annotate("여기", (0, 0), style="italic")
        ax.set_xticks([0, 1], ["개", CAT])
        ax.legend(title="범례")
        plt.suptitle("위")
        plt.gcf().canvas.draw()
        assert plt.rcParams["font.family"] == ["sans-serif", "NanumGothic"]
    assert said() == []


def latin():
    """The bytes of figures whose texts the course's chapters are made of."""
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([-1, 1], [0, -1e-3], label="loss → 0, 2 × 3, ± 1, β/α, x²")
    left.legend(title="5 ≤ x ≤ 7 …")
    left.set(title=r"error $\frac{1}{2} x^2$", xlabel="log scale", xscale="symlog")
    right.text(0.5, 0.5, "“bold” 0123456789", fontweight="bold")
    right.text(0.5, 0.2, "mono é ∂", family="monospace", style="italic")
    figure.suptitle("fi ffl AV To W. a\nsecond line")
    picture = figures.render(figure)
    plt.close(figure)
    return picture


def test_latin_figures_stay_as_they_are(bare, built, listed):
    before, lists = latin(), [*bare]
    font_manager.fontManager.addfont(built)
    korean_fonts.draw_hangul()
    assert plt.rcParams["font.family"] == ["sans-serif", "NanumGothic"] and latin() == before
    for name, font in listed.items():
        font_manager.fontManager.ttflist = [*lists, font]
        with mpl.rc_context({"font.family": ["sans-serif"]}):
            korean_fonts.draw_hangul()
            assert plt.rcParams["font.family"] == ["sans-serif", name]
            assert latin() == before, name


def test_a_font_of_one_weight_is_no_news(korean, said):
    latin()
    assert said() == []


def test_what_is_installed_is_taken_in_order_and_once(korean, bare):
    assert korean_fonts.korean_font() == "NanumGothic"
    korean_fonts.draw_hangul()
    assert plt.rcParams["font.family"] == ["sans-serif", "NanumGothic"]
    assert len(set(korean_fonts.FONTS)) == len(korean_fonts.FONTS)


SCRIPT = """
import io, sys, warnings
import matplotlib
from matplotlib import font_manager
from course_utils import korean_fonts
manager = font_manager.fontManager
manager.ttflist = [font for font in manager.ttflist if font.name not in korean_fonts.FONTS]
for file in {fonts}:
    manager.addfont(file)
import matplotlib.pyplot as plt
import numpy as np
from course_utils.figures import show, show_image
for cell in {cells}:
    korean_fonts._told.clear()
    plt.close("all")
    exec(cell)
    plt.gcf().savefig(io.BytesIO())
    print("end of cell", file=sys.stderr)
"""


def heard(*cells, fonts=()):
    """What a fresh Python says of each cell, on a machine with these Korean fonts only."""
    script = SCRIPT.format(cells=cells, fonts=[str(path) for path in fonts])
    command, options = [sys.executable, "-c", script], {"text": True, "encoding": "utf-8"}
    done = subprocess.run(command, capture_output=True, cwd=ROOT, **options)
    assert done.returncode == 0, done.stderr
    return done.stderr.split("end of cell\n")[:-1]


SHOWN = "show_image(np.eye(3), {title!r})\nshow(plt.gcf())\n"
HANGUL = SHOWN.format(title="고양이 얼굴") + "plt.title('강아지')"
BESIDE = "plt.text(0, 0, '가나다', family={family!r})"
FORMULA = "plt.title('손실 $L$ 이다', family={family!r})"


def test_without_a_font_one_sentence_says_so():
    texts = heard(
        HANGUL, SHOWN.format(title="a cat"), "plt.title('漢')\nwarnings.warn('mind this')"
    )
    texts += heard(FORMULA.format(family=None))
    assert texts[0].count("UserWarning") == 1 and "Glyph" not in texts[0]
    assert "knows no Korean font" in texts[0] and mpl.get_cachedir() in texts[0]
    assert texts[1] == ""
    assert "mind this" in texts[2] and "CJK UNIFIED" in texts[2]
    assert len(texts[3].splitlines()) == 1 and "knows no Korean font" in texts[3]


def test_with_a_font_what_it_does_not_reach_gets_a_fix_that_works(built):
    drawn, beside, formula = heard(
        HANGUL, BESIDE.format(family="monospace"), FORMULA.format(family=None), fonts=[built]
    )
    assert drawn == ""
    assert beside.count("UserWarning") == 1 and "Glyph" not in beside
    assert len(formula.splitlines()) == 1 and "dummy" not in formula
    behind = ast.literal_eval(beside.partition("it: family=")[2].partition("\n")[0])
    own = formula.partition('family="')[2].partition('"')[0]
    mended = BESIDE.format(family=behind), FORMULA.format(family=own)
    assert heard(*mended, fonts=[built]) == ["", ""]


def test_in_a_kernel_pyplot_alone_says_one_sentence():
    """Where the inline backend draws, after the cell."""
    no_font = (
        "from matplotlib import font_manager as f\nfrom course_utils.korean_fonts import FONTS"
    )
    no_font += (
        "\nm = f.fontManager\nm.ttflist = [one for one in m.ttflist if one.name not in FONTS]"
    )
    sources = [no_font, "import matplotlib.pyplot as plt\nimport course_utils.figures",
               "plt.plot([1, 2])\nplt.title('고양이')\nplt.show()", "plt.title('개')",
               "plt.title('cat')\nplt.show()"]  # fmt: skip
    cells = [new_code_cell(source) for source in sources]
    *_, first, second, latin = (
        ["".join(output.text for output in cell.outputs if output.get("name") == "stderr")]
        for cell in run(cells, ROOT)
    )
    assert first[0].count("knows no Korean font") == 1 and "Glyph" not in first[0]
    assert second == latin == [""]


def test_decomposed_hangul_gets_its_own_fix(korean):
    """Matplotlib before 3.11 does not compose it."""
    texts = []
    show = korean_fonts._one_warning(lambda message, *_: texts.append(str(message)))
    for part in ("CHOSEONG KIYEOK", "JUNGSEONG A"):
        text = f"Glyph 1 (\\N{{HANGUL {part}}}) missing from font(s) DejaVu Sans."
        show(UserWarning(text), UserWarning, "cell", 1)
    assert len(texts) == 1 and 'unicodedata.normalize("NFC"' in texts[0]


@pytest.mark.parametrize(
    "runs", ["notebooks/01_image_data.ipynb", "tests/test_differences.py", None]
)
def test_fonts_are_listed_before_a_kernel_has_to(runs, tmp_path):
    """On a machine where matplotlib has never run: by pytest itself, and by `course refresh`."""
    command = ["-c", "from course_utils.command.kernels import kernel_environment as k; k()"]
    if runs:
        command = ["-m", "pytest", "--collect-only", "-n", "0", "-p", "no:cacheprovider"] + [runs]
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True,
                   capture_output=True)  # fmt: skip
    assert list(tmp_path.glob("fontlist-*.json"))


SETS_FONTS = {"family", "fontfamily", "fontname", "fontproperties", "font_properties", "font"}


def test_no_text_of_the_course_chooses_a_font_of_its_own():
    """Else the Korean font is not behind it. The pixel editor's tables hold digits only."""
    found = []
    for path in [*(ROOT / "course_utils").rglob("*.py"), *CHAPTERS]:
        sources = ([path.read_text(encoding="utf-8")] if path.suffix == ".py"
                   else [cell.source for cell in code_cells(read(path))])  # fmt: skip
        for node in (node for source in sources for node in ast.walk(ast.parse(source))):
            named = {word.arg for word in node.keywords} if isinstance(node, ast.Call) else set()
            if isinstance(node, ast.Dict):
                named = {getattr(key, "value", None) for key in node.keys}
            if isinstance(node, ast.Attribute):
                named = {node.attr} & {"rcdefaults", "rc_context", "set_family"}
            found += [path.name] * bool(named & (SETS_FONTS | {"rcdefaults", "rc_context",
                                                               "set_family"}))  # fmt: skip
    assert found == ["pixel_editor.py"]
