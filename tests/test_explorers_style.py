"""The style explorer: its three faces, its pictures and losses, the files it is fed with."""

import itertools
import json

import numpy as np
import pytest

from course_utils import data
from course_utils.errors import ArgumentError, DataError
from course_utils.explorers.style import (
    LARGE,
    load_large_style,
    load_style_snapshots,
    style_explorer,
)
from course_utils.image_generation.style import StyleTransfer
from explorer_faces import moved


def plain(value, height, width):
    return np.full((height, width, 3), value, np.uint8)


def result(value, content, style, shape=(20, 30)):
    return StyleTransfer(plain(value, *shape), {}, [0.0, content], [1.0, style], [0.1, 0.2])


ORIGINALS = {"cat": plain(10, 20, 30), "tower": plain(20, 40, 16),
             "night": plain(30, 24, 24), "wall": plain(40, 12, 30)}  # fmt: skip
SNAPSHOTS = {
    (content, style): {
        10: result(100 + 10 * c + s, 0.5, 0.01234, ORIGINALS[content].shape[:2]),
        1: result(150 + 10 * c + s, 0.25, 0.1 * (s + 1), ORIGINALS[content].shape[:2]),
        0.1: result(200 + 10 * c + s, 0.004, 0.9, ORIGINALS[content].shape[:2]),
    }
    for c, content in enumerate(("cat", "tower"))
    for s, style in enumerate(("night", "wall"))
}


def by_hand():
    return style_explorer(SNAPSHOTS, ORIGINALS)


FRAMES = ("content", "picture", "style")


def views(explorer):
    return [explorer.artists[name].get_array() for name in FRAMES]


# the explorer


def test_the_losses_and_controls_by_hand():
    explorer = by_hand()
    assert list(explorer.controls) == ["ratio", "content", "style"]
    assert explorer.controls["ratio"].options == (("0.1", 0.1), ("1", 1), ("10", 10))
    assert explorer.readout.text == (
        "cat in the style of night, β/α = 1: content loss 0.25, style loss 0.1; "
        "1: no features at all"
    )
    explorer.set(ratio=10, content="tower", style="wall")
    assert explorer.readout.text == (
        "tower in the style of wall, β/α = 10: content loss 0.5, style loss 0.012; "
        "1: no features at all"
    )
    titles = [explorer.artists[f"title of {name}"].get_text() for name in FRAMES]
    assert titles == ["content: tower", "β/α = 10", "style: wall"]


def test_pictures_of_all_sizes_stand_in_the_middle_at_the_top():
    explorer = by_hand()
    left, middle, right = views(explorer)
    assert left.shape == middle.shape == (40, 30, 3) and right.shape == (24, 30, 3)
    assert (left[:20] == 10).all() and (left[20:] == 255).all()
    assert (middle[:20] == 150).all() and (middle[20:] == 255).all()
    assert (right[:, 3:27] == 30).all() and (right[:, :3] == 255).all()
    explorer.set(ratio=0.1, content="tower", style="wall")
    left, middle, right = views(explorer)
    assert (left[:, 7:23] == 20).all() and (left[:, :7] == 255).all()
    assert (middle[:, 7:23] == 211).all() and (middle[:, 23:] == 255).all()
    assert (right[:12] == 40).all() and (right[12:] == 255).all()


def test_one_content_and_one_style_need_no_menu():
    one = {("cat", "night"): SNAPSHOTS["cat", "night"]}
    explorer = style_explorer(one, ORIGINALS, ratio=10)
    assert list(explorer.controls) == ["ratio"] and "β/α = 10:" in explorer.readout.text


@pytest.fixture(scope="module")
def course():
    return load_style_snapshots()


MAKERS = {"by hand": lambda _: by_hand(), "the course's": lambda course: style_explorer(*course)}


@pytest.mark.parametrize("name", MAKERS)
def test_titles_stand_apart(name, course):
    explorer = MAKERS[name](course)
    for _ in itertools.chain(moved(explorer), moved(explorer)):
        boxes = [explorer.artists[f"title of {name}"].get_window_extent() for name in FRAMES]
        assert boxes[0].x1 < boxes[1].x0 and boxes[1].x1 < boxes[2].x0


# the course's files


def test_the_files_are_those_of_the_settings(course):
    snapshots, originals = course
    found = json.loads((data.FOLDER / "style" / "SETTINGS.json").read_text(encoding="utf-8"))
    assert list(snapshots) == [(c, s) for c in found["contents"] for s in found["styles"]]
    files = {f"{name}.jpg" for name in originals} | set(found["losses"]) | {"SETTINGS.json"}
    files |= {LARGE}
    assert files == {path.name for path in (data.FOLDER / "style").iterdir()}
    assert {f"style/{name}" for name in files} <= data.manifest().keys()
    size = found["settings"]["size"]
    for (content, _), made in snapshots.items():
        assert list(made) == found["ratios"]
        for transfer in made.values():
            assert transfer.picture.shape == originals[content].shape
            assert max(transfer.picture.shape) == size and transfer.picture.dtype == np.uint8
    assert load_large_style().shape == (342, 512, 3)
    total = sum(path.stat().st_size for path in (data.FOLDER / "style").iterdir())
    assert total <= 1_200_000


def test_more_style_costs_content(course):
    for made in course[0].values():
        contents, styles = ([getattr(result, part)[-1] for result in made.values()]
                            for part in ("content", "style"))  # fmt: skip
        assert contents[0] < 0.5 * contents[-1] and styles[0] > 2 * styles[-1]


def test_a_damaged_picture_is_named(tmp_path, monkeypatch):
    (tmp_path / "style").mkdir()
    broken, settings = b"no picture", (data.FOLDER / "style/SETTINGS.json").read_bytes()
    (tmp_path / "style" / "SETTINGS.json").write_bytes(settings)
    (tmp_path / "style" / "astronaut.jpg").write_bytes(broken)
    lines = [f"{digest}  {file}" for file, digest in data.manifest().items()]
    (tmp_path / data.MANIFEST).write_text("\n".join(lines), encoding="utf-8")
    for path in (data.FOLDER / "style").glob("*-*.jpg"):
        (tmp_path / "style" / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=r"style/astronaut\.jpg is damaged: .*data/style/"):
        load_style_snapshots()


# what comes in

LESS = {pair: made for pair, made in SNAPSHOTS.items() if pair != ("tower", "wall")}
SHORT = SNAPSHOTS | {("cat", "night"): {1: result(1, 1, 1), 10: result(1, 1, 1)}}
BAD = {
    "a list": (lambda: style_explorer([1], ORIGINALS), r"snapshots must be a dict of \(content, "),
    "nothing": (lambda: style_explorer({}, ORIGINALS), "snapshots must be a dict"),
    "keys": (lambda: style_explorer({"cat": {}}, ORIGINALS), "snapshots must be a dict"),
    "pair": (lambda: style_explorer(LESS, ORIGINALS), r"lacks \('tower', 'wall'\)"),
    "ratios": (lambda: style_explorer(SHORT, ORIGINALS), r"got \[1, 10\] and \[0.1, 1, 10\]"),
    "one ratio": (lambda: style_explorer({("cat", "wall"): {1: result(1, 1, 1)}}, ORIGINALS),
                  r"the same two ratios or more for all, got \[1\]"),
    "pictures": (lambda: style_explorer({("cat", "wall"): {1: plain(1, 9, 9), 2: None}}, ORIGINALS),
                 r"what transfer_style returns, got a ndarray for \('cat', 'wall'\) at 1"),
    "large": (lambda: style_explorer(
        {("cat", "wall"): {k: result(1, 1, 1, (500, 20)) for k in (1, 2)}}, ORIGINALS),
        "image must have sides up to 400"),
    "first": (lambda: style_explorer(SNAPSHOTS, ORIGINALS, ratio=5), r"one of \[0.1, 1, 10\], got"),
    "no originals": (lambda: style_explorer(SNAPSHOTS, None), "lacks cat, night, tower, wall"),
    "an original": (lambda: style_explorer(SNAPSHOTS, {k: v for k, v in ORIGINALS.items()
                                                       if k != "wall"}), "lacks wall$"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, message = BAD[name]
    with pytest.raises(ArgumentError, match=message) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1
