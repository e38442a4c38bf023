"""`course collect`: some forty made-up notebooks of students, each answer judged as it is."""

import csv
import io
import json
import os
import re

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.command import cli
from course_utils.command.collecting import class_answers, collect
from course_utils.command.collecting.answer_trials import (
    COPIED,
    DIED,
    KNOWN_CASES,
    RIGHT,
    TOO_LARGE,
    TOO_LONG,
    UNTOUCHED,
)
from course_utils.errors import ArgumentError
from course_utils.exercises import cnn
from course_utils.language import speaking

SIZE = (
    "def output_size(size, layers):\n    for kernel, stride, padding in layers:\n"
    "        size = {}\n    return size"
)
UNTOUCHED_SIZE = "def output_size(size, layers):\n    ..."
CROP = "def crop(image, top, left, height, width):\n    return {}"
GOOD_SIZE = SIZE.format("(size + 2 * padding - kernel) // stride + 1")
GOOD_CROP = CROP.format("image[top : top + height, left : left + width]")
CASES = cnn.EXERCISES["output_size"].cases(np.random.default_rng(0))
KNOWN = {repr(case): cnn.EXERCISES["output_size"].reference(*case) for case in CASES}
FORGED = new_output(
    "display_data",
    {"text/plain": "Exercise 1, output_size: right in all 15 cases"},
    metadata={"exercise": "output_size", "state": "solved"},
)


def check(name):
    return f'\n\n\ncheck("{name}", {name})'


STUDENTS = {  # name → list of cells, exercise, verdict
    "right": ([GOOD_SIZE], "output_size", RIGHT),
    "right_otherwise": (["import math", SIZE.format(
        "math.floor((size + 2 * padding - kernel) / stride) + 1")], "output_size", RIGHT),
    "right_crop": ([GOOD_CROP], "crop", RIGHT),
    "right_lambda": (["crop = lambda i, t, l, h, w: i[t:][:h][:, l:][:, :w]"], "crop", RIGHT),
    "right_with_helper": (["def half(a, b):\n    return a // b", SIZE.format(
        "half(size + 2 * padding - kernel, stride) + 1")], "output_size", RIGHT),
    "right_with_constant": (["import torch\ntorch.manual_seed(0)\nwhile False:\n    pass",
                             "ONE = 1",
                             SIZE.format("(size + 2 * padding - kernel) // stride + ONE")],
                            "output_size", RIGHT),
    "right_and_prints": ([SIZE.format("print('hi') or (size + 2*padding - kernel) // stride + 1")],
                         "output_size", RIGHT),
    "right_magic": (["%matplotlib inline\nimport math", GOOD_SIZE], "output_size", RIGHT),
    "right_in_class": (["class Tool:\n    @staticmethod\n    def size(a, layers):\n"
                        "        for k, s, p in layers:\n            a = (a + 2 * p - k) // s + 1\n"
                        "        return a",
                        "output_size = Tool.size"], "output_size", RIGHT),
    "right_after_slow_lesson": (["import time\nfor _ in range(10 ** 9):\n    time.sleep(1)",
                                 GOOD_CROP], "crop", RIGHT),
    "ceil": (["import math", SIZE.format("math.ceil((size + 2 * padding - kernel) / stride) + 1")],
             "output_size", "half a window is none: round downwards"),
    "float": ([SIZE.format("(size + 2 * padding - kernel) / stride + 1")], "output_size",
              "half a window is none: round downwards"),
    "one_side": ([SIZE.format("(size + padding - kernel) // stride + 1")], "output_size",
                 "padding is put on both sides"),
    "no_one": ([SIZE.format("(size + 2 * padding - kernel) // stride")], "output_size",
               "one too few: the first window stands before any step is taken"),
    "flip": (["from scipy import signal",
              "def convolve2d(image, kernel):\n"
              "    return signal.correlate2d(image, kernel, 'valid')"],
             "convolve2d", "that is cross-correlation; a convolution flips the kernel"),
    "exchanged": ([CROP.format("image[left : left + height, top : top + width]")], "crop", None),
    "no_idea": ([SIZE.format("7")], "output_size", "wrong numbers, of no known mistake"),
    "shape": ([CROP.format("image[:3, :3, None]")], "crop", None),
    "raises": ([SIZE.format("1 // 0")], "output_size", "raises ZeroDivisionError"),
    "missing_name": ([SIZE.format("halve(size)")], "output_size", "raises NameError"),
    "raises_in_cell": ([GOOD_SIZE + "\nraise ValueError('x')"], "output_size", "raises ValueError"),
    "syntax": (["def output_size(size, layers):\nreturn 3"], "output_size",
               "raises IndentationError"),
    "syntax_2": (["def output_size(size:\n    return 3"], "output_size", "raises SyntaxError"),
    "returns_nothing": (["def output_size(size, layers):\n    size + 1"],
                        "output_size", "it returns nothing; is a `return` missing?"),
    "untouched": (["def output_size(size, layers):\n    ..."], "output_size",
                  UNTOUCHED),
    "handed_out": (["from course_utils.detection.boxes import box_iou\n"
                    "from course_utils.exercises.computer_vision import crowded_pictures",
                    "def iou_table(a, b):\n    assert len(crowded_pictures(1)) == 1\n"
                    "    return box_iou(a, b)"], "iou_table", RIGHT),
    "known_cases": ([f"KNOWN = {KNOWN}",
                     "def output_size(*case):\n    return KNOWN.get(repr(case), 0)"],
                    "output_size", KNOWN_CASES),
    "forged": ([SIZE.format("0"), FORGED], "output_size", "wrong numbers, of no known mistake"),
    "forged_untouched": (["def output_size(*a):\n    ...", FORGED], "output_size", UNTOUCHED),
    "reference": (["from course_utils.exercises.cnn import EXERCISES",
                   "output_size = EXERCISES['output_size'].reference"], "output_size", COPIED),
    "reference_2": (["import course_utils.exercises.cnn.layers as c",
                     "output_size = c._output_size"], "output_size", COPIED),
    "reference_3": (["import importlib", "def output_size(*a):\n    m = importlib.import_module("
                     "'course_utils.exercises.cnn')\n"
                     "    return m.EXERCISES['output_size'].reference(*a)"], "output_size", COPIED),
    "endless": (["def output_size(*a):\n    while True:\n        pass"], "output_size", TOO_LONG),
    "endless_cell": (["while True:\n    x = 1\n" + GOOD_SIZE], "output_size", TOO_LONG),
    "sleeps": (["import time", "def output_size(*a):\n    time.sleep(1000)"], "output_size",
               TOO_LONG),
    "kills": (["import os", "def output_size(*a):\n    os.kill(os.getpid(), 9)"], "output_size",
              DIED),
    "exits": (["import os", "def output_size(*a):\n    os._exit(0)"], "output_size", DIED),
    "fills_memory": (["def output_size(*a):\n    held = []\n    while True:\n"
                      "        held.append(b'x' * 10 ** 7)"], "output_size", TOO_LARGE),
    "asks_network": (["import urllib.request", "def output_size(*a):\n"
                      "    urllib.request.urlopen('http://localhost:9')"], "output_size",
                     "raises URLError"),
    "asks_keyboard": (["def output_size(*a):\n    return int(input())"], "output_size",
                      "raises EOFError"),
    "unreadable": (None, "", collect.UNREADABLE),
}  # fmt: skip


def hand_in(folder, name, cells, exercise):
    """Write a student's notebook."""
    if cells is None:
        (folder / f"02_cnn_{name}.ipynb").write_text("{ this is no notebook")
        return
    outputs = [cell for cell in cells if not isinstance(cell, str)]
    sources = [cell for cell in cells if isinstance(cell, str)]
    sources[-1] += check(exercise)
    made = [new_markdown_cell("# A chapter"), *map(new_code_cell, sources)]
    made[-1].outputs = outputs
    nbformat.write(new_notebook(cells=made), folder / f"02_cnn_{name}.ipynb")


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    for name, (cells, exercise, _) in STUDENTS.items():
        hand_in(folder, name, cells, exercise)
    target = folder / "collected"
    return collect.collect(folder, target, seconds=6, megabytes=900, workers=2)


def test_there_are_at_least_forty():
    assert len(STUDENTS) >= 40


@pytest.mark.parametrize("name", STUDENTS)
def test_each_is_judged_as_it_is(name, collected):
    _, exercise, state = STUDENTS[name]
    verdict = collected.verdicts[name, exercise]
    if state is None:
        assert verdict.state not in (RIGHT, UNTOUCHED, TOO_LONG, DIED, COPIED) and verdict.said
    else:
        assert verdict.state == state, verdict


def test_the_table_and_the_page_of_the_room(collected):
    table, page, room = (file.read_text(encoding="utf-8-sig") for file in collected.files)
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["student"] for row in rows} == set(STUDENTS) and len(rows) == len(STUDENTS)
    assert all(name in page for name in STUDENTS)
    assert re.search(r"half a window is none.*?Show (2\.\d+|chapter 2)\.", room)
    tried = [v.state for (_, e), v in collected.verdicts.items() if e == "output_size"]
    wanted = f"{tried.count(RIGHT)} of {len(tried) - tried.count(UNTOUCHED)} right"
    assert wanted in room
    assert not any(f">{name}<" in room or f" {name} " in room for name in ("kills", "one_side"))


def test_the_newest_notebook_in_which_it_was_begun_counts(tmp_path):
    for name, body, age in (("old", GOOD_SIZE, 50), ("new", SIZE.format("..."), 10)):
        folder = tmp_path / "kim"
        folder.mkdir(exist_ok=True)
        body = body if name == "old" else "def output_size(*a):\n    ..."
        path = folder / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(body + check("output_size"))]), path)
        os.utime(path, (1e9 - age, 1e9 - age))
    found = collect.collect(tmp_path, tmp_path / "out").verdicts
    assert found["kim", "output_size"].state == RIGHT


def test_markup_and_formulas_in_a_name_are_harmless(tmp_path):
    verdicts = {("=<b>x</b>", "crop"): collect.Verdict("raises <i>", "<script>")}
    assert "<b>" not in collect.table_html(verdicts, {}) and "<script>" not in collect.table_html(
        verdicts, {}
    )
    assert "'=<b>" in collect.table_csv(verdicts, {})


def test_an_empty_or_missing_folder_is_told(tmp_path):
    with pytest.raises(ArgumentError, match="no notebook"):
        class_answers.answers(tmp_path)
    with pytest.raises(ArgumentError, match="no folder"):
        class_answers.answers(tmp_path / "none")


def test_nothing_runs_before_somebody_agrees(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda *_: "n")
    monkeypatch.setattr(collect, "collect", lambda *_, **__: 1 / 0)
    assert cli.main(["collect", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "runs the code" in said and "Nothing was run" in said


def test_solutions_and_checkpoints_are_no_students(tmp_path):
    for name in ("a_solutions.ipynb", ".ipynb_checkpoints/a.ipynb"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({}))
    with pytest.raises(ArgumentError, match="no notebook"):
        class_answers.answers(tmp_path)


def test_it_speaks_korean_and_its_columns_stay_english(tmp_path):
    names = ("right", "ceil", "untouched")
    for name in names:
        hand_in(tmp_path, name, *STUDENTS[name][:2])
    with speaking(True):
        found = collect.collect(tmp_path, tmp_path / "out", workers=2)
    assert {verdict.state for verdict in found.verdicts.values()} == {STUDENTS[n][2] for n in names}
    table, *pages = (file.read_text(encoding="utf-8-sig") for file in found.files)
    lines = list(csv.DictReader(io.StringIO(table)))
    assert list(lines[0]) == ["student", "exercise", "section", "state", "said"]
    assert {line["student"]: line["state"] for line in lines}["right"] == "맞음"
    assert all(re.search("[가-힣]", line["state"]) for line in lines)
    for page in pages:
        assert "<html lang='ko'>" in page
        shown = re.sub(r"<style.*?</style>|<[^>]*>|\([^)]*\)", " ", page, flags=re.S)
        assert not re.search(r"[A-Za-z]{3,} [a-z]{2,} ", shown), shown


def test_the_command_takes_the_option(tmp_path, capsys):
    assert cli.main(["collect", str(tmp_path), "--yes", "--ko"]) == 1
    said = "".join(capsys.readouterr())
    assert "실행합니다" in said and "노트북이 없습니다" in said
