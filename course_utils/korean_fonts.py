"""Hangul in figures: an installed Korean font behind the course's own, or one sentence.

DejaVu Sans, in which the course draws, has no Hangul. A font behind it draws only what it lacks.
"""

import logging
import re
import warnings

import matplotlib
from matplotlib import font_manager

FONTS = (  # as matplotlib names them; the first that is installed is taken
    "Malgun Gothic",  # Windows
    "Apple SD Gothic Neo", "AppleGothic",  # macOS
    "NanumGothic", "NanumBarunGothic", "Noto Sans CJK KR", "Noto Sans KR", "Source Han Sans K",
    "Source Han Sans KR", "Pretendard", "Baekmuk Dotum", "UnDotum", "Gulim", "Dotum", "Batang",
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC",  # hold Hangul, too; one .ttc file
)  # fmt: skip
GLYPH = re.compile(r"Glyph \d+ \(\\N\{HANGUL (\w+)")  # how matplotlib's warning begins
PARTS = ("CHOSEONG", "JUNGSEONG", "JONGSEONG")  # decomposed Hangul, as in file names of a Mac
_told = set()  # sentences that this process has said


def korean_font():
    """The name of an installed Korean font, or None."""
    names = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in FONTS if name in names), None)


def draw_hangul():
    """Put an installed Korean font behind the fonts of `rcParams`; later figures use it.

    Where Hangul cannot be drawn, one sentence a process says why and what helps, in place of
    matplotlib's warning for each glyph.
    """
    fonts, found = matplotlib.rcParams["font.family"], korean_font()
    if found and found not in fonts:
        matplotlib.rcParams["font.family"] = [*fonts, found]
    if not getattr(warnings.showwarning, "course", False):  # not twice, also after a reload
        warnings.showwarning = _one_warning(warnings.showwarning)
        logging.getLogger("matplotlib.mathtext").addFilter(_one_line)
        logging.getLogger("matplotlib.font_manager").addFilter(_other_weight)


def _one_warning(usual):
    """A `warnings.showwarning` that says one sentence for all missing glyphs of Hangul."""

    def show(message, category, filename, lineno, file=None, line=None):
        missing = GLYPH.match(str(message))
        if missing:
            message = category(_sentence(missing[1]))
            if str(message) in _told:
                return
            _told.add(str(message))
        usual(message, category, filename, lineno, file, line)

    show.course = True
    return show


def _sentence(kind):
    font = korean_font()
    if kind in PARTS:
        return (
            "Hangul in a figure is decomposed, as in file names of a Mac, and cannot be drawn; "
            'use unicodedata.normalize("NFC", text)'
        )
    if font:
        return (
            "Hangul in a figure is drawn as boxes, since its font has none; put a Korean one "
            f'behind it: family=["DejaVu Sans", "{font}"]'
        )
    return (
        "Hangul in a figure is drawn as boxes, since matplotlib knows no Korean font; install one "
        "(NanumGothic; on Ubuntu `sudo apt install fonts-nanum`), delete the folder "
        f"{matplotlib.get_cachedir()}, in which matplotlib remembers the fonts, and restart the "
        "kernel"
    )


def _one_line(record):
    """A filter of mathtext's log: Hangul in a text with $…$ gets one sentence."""
    letter = record.args[1] if len(record.args or ()) > 2 else ""
    if not re.fullmatch("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]", str(letter)):
        return True
    font, record.args = korean_font(), ()
    record.msg = _sentence("") if font is None else (
        "Hangul beside a formula $…$ is drawn as boxes; write the formula in plain letters, such "
        f'as x², or give this text a Korean font outside $…$: family="{font}"'
    )  # fmt: skip
    first = record.msg not in _told
    _told.add(record.msg)
    return first


def _other_weight(record):
    """A filter of the log of fonts: a Korean font without a bold face is no news."""
    return not ("font weight" in str(record.msg) and korean_font() in (record.args or ()))
