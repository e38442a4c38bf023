"""What `course collect` makes of verdicts: which answer counts, the table, and the two pages."""

import csv
import html
import io
import re

import pytest

from course_utils.command.collecting import collect
from course_utils.command.collecting.answer_trials import COPIED, DIED, RIGHT, UNTOUCHED, Verdict
from course_utils.command.collecting.class_answers import Answer
from course_utils.exercises import cnn, cnn_evolution, computer_vision, image_data

SECTIONS = {"luma": ("1.4", "1.4 Gray <b>"), "crop": ("1.2", "1.2 Parts"), "iou": ("chapter 4", "")}
VERDICTS = {
    ("lee", "crop"): Verdict(RIGHT),
    ("lee", "luma"): Verdict("a wrong shape", 'shape "(2,)"'),
    ("kim", "luma"): Verdict(RIGHT),
    ("kim", "crop"): Verdict(UNTOUCHED),
    ("ahn", "luma"): Verdict("a wrong shape", "the shape"),
    ("ahn", "own"): Verdict(COPIED, "it asks"),
    ("bae", "luma"): Verdict("<i>raises</i>", "said"),
    ("cho", ""): Verdict(collect.UNREADABLE, "no <notebook>"),
}


@pytest.fixture
def room(monkeypatch):
    """Function: collect these answers, (student, exercise, state), the newest first."""

    def made(answers, target, problems=(), **options):
        given = [Answer(student, name, state, name) for student, name, state in answers]
        monkeypatch.setattr(collect, "answers", lambda folder: (given, list(problems)))

        def try_all(waiting, **limits):
            tried.append([(one.student, one.exercise, one.source) for one in waiting])
            assert limits == options.get("limits", {})
            for one in waiting[::-1]:  # as they end
                yield one, Verdict(one.source, "said")

        tried = []
        monkeypatch.setattr(collect, "try_all", try_all)
        more = {"progress": options.get("progress")} | options.get("limits", {})
        return collect.collect("folder", target, **more), tried

    return made


def states(collected):
    return {key: verdict.state for key, verdict in collected.verdicts.items()}


def test_the_newest_answer_that_was_begun_counts(room, tmp_path):
    answers = [
        ("kim", "crop", UNTOUCHED), ("kim", "crop", "wrong"), ("kim", "crop", RIGHT),
        ("lee", "crop", RIGHT), ("lee", "crop", "wrong"),
        ("ahn", "crop", UNTOUCHED), ("ahn", "crop", UNTOUCHED),
        ("ahn", "luma", RIGHT),
    ]  # fmt: skip
    seen = []
    collected, tried = room(answers, tmp_path, progress=lambda *key: seen.append(key))
    assert states(collected) == {
        ("kim", "crop"): "wrong", ("lee", "crop"): RIGHT, ("ahn", "crop"): UNTOUCHED,
        ("ahn", "luma"): RIGHT,
    }  # fmt: skip
    assert tried == [
        [("kim", "crop", UNTOUCHED), ("lee", "crop", RIGHT), ("ahn", "crop", UNTOUCHED),
         ("ahn", "luma", RIGHT)],
        [("kim", "crop", "wrong"), ("ahn", "crop", UNTOUCHED)],
    ]  # fmt: skip
    assert len(seen) == 6 and seen[0] == ("ahn", "luma") and seen.count(("kim", "crop")) == 2


def test_limits_go_on_to_each_trial(room, tmp_path):
    collected, _ = room([("kim", "crop", RIGHT)], tmp_path, limits={"seconds": 3, "workers": 1})
    assert states(collected) == {("kim", "crop"): RIGHT}


def test_a_notebook_that_cannot_be_read_counts_only_where_there_is_no_other(room, tmp_path):
    problems = [("kim", "no notebook"), ("lee", "broken")]
    collected, _ = room([("kim", "crop", RIGHT)], tmp_path, problems)
    assert states(collected) == {("kim", "crop"): RIGHT, ("lee", ""): collect.UNREADABLE}
    assert collected.verdicts["lee", ""].said == "broken" and collected.problems == problems


def test_three_files_are_written(room, tmp_path):
    target = tmp_path / "new"
    collected, _ = room([("김", "crop", "wrong")], str(target))
    assert collected.files == [target / n for n in ("table.csv", "table.html", "room.html")]
    table, page, room_page = (file.read_bytes() for file in collected.files)
    mark = b"\xef\xbb\xbf"  # by which a spreadsheet knows UTF-8
    assert table.startswith(mark) and not page.startswith(mark) and not room_page.startswith(mark)
    assert "김" in table.decode() and "김" in page.decode() and "김" not in room_page.decode()
    assert "crop" in room_page.decode()


def test_the_exercises_of_all_chapters_have_their_section():
    found = collect.sections_of_exercises()
    modules = (image_data, cnn, cnn_evolution, computer_vision)
    assert set(found) == {name for module in modules for name in module.EXERCISES}
    order = [name for module in modules for name in module.EXERCISES]
    numbers = {name: place for place, name in enumerate(found)}
    chapters = [place.removeprefix("chapter ")[0] for place, _ in found.values()]
    assert chapters == sorted(chapters) and set(chapters) == set("1234")
    for module in modules:
        places = [numbers[name] for name in order if name in module.EXERCISES]
        assert places == sorted(places)
    for place, heading in found.values():
        if re.fullmatch(r"\d\.\d+\w*", place):
            assert heading.startswith(place)
        else:
            assert re.fullmatch(r"chapter \d", place) and not heading.startswith(place[-1] + ".")
    assert found["luma"][0].startswith("1.") and found["output_size"][0].startswith("2.")


def test_the_table_has_a_line_for_each_answer():
    rows = list(csv.DictReader(io.StringIO(collect.table_csv(VERDICTS, SECTIONS))))
    assert [tuple(row.values()) for row in rows] == [
        ("ahn", "luma", "1.4", "a wrong shape", "the shape"),
        ("ahn", "own", "", COPIED, "it asks"),
        ("bae", "luma", "1.4", "<i>raises</i>", "said"),
        ("cho", "", "", collect.UNREADABLE, "no <notebook>"),
        ("kim", "luma", "1.4", RIGHT, ""),
        ("kim", "crop", "1.2", UNTOUCHED, ""),
        ("lee", "luma", "1.4", "a wrong shape", 'shape "(2,)"'),
        ("lee", "crop", "1.2", RIGHT, ""),
    ]
    assert list(rows[0]) == ["student", "exercise", "section", "state", "said"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_the_table_is_a_formula(sign):
    verdicts = {(f"{sign}1", "own"): Verdict("state", f"{sign}2+{sign}")}
    text = collect.table_csv(verdicts, {})
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["student"] == f"'{sign}1" and row["said"] == f"'{sign}2+{sign}"
    assert row["state"] == "state"


def cells(page):
    """The rows of a page's table: list of lists of (attributes, text) of a cell."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [re.findall(r"<t[hd]([^>]*)>(.*?)</t[hd]>", row, re.S) for row in rows]


def test_the_page_of_the_table_has_students_down_and_exercises_across():
    page = collect.table_html(VERDICTS, SECTIONS)
    head, *rows = cells(page)
    assert [text for _, text in head] == ["student", "luma", "crop", "own"]
    folded = "<details><summary>{}</summary>{}</details>".format
    shape = folded("a wrong shape", "shape &quot;(2,)&quot;")
    assert [[text for _, text in row] for row in rows] == [
        ["ahn", folded("a wrong shape", "the shape"), "–", folded(html.escape(COPIED), "it asks")],
        ["bae", folded("&lt;i&gt;raises&lt;/i&gt;", "said"), "–", "–"],
        ["cho", "no &lt;notebook&gt;"],
        ["kim", "✓", "·", "–"],
        ["lee", shape, "✓", "–"],
    ]
    assert "colspan='3'" in rows[2][1][0]
    assert "class='right'" in rows[3][1][0] and "class" not in rows[3][2][0]
    assert "class='wrong'" in rows[4][1][0]
    assert "<p>Students: 5." in page
    alone = collect.table_html({("cho", ""): Verdict(collect.UNREADABLE, "no")}, SECTIONS)
    assert cells(alone)[1][1] == (" colspan='1'", "no")


def test_the_page_for_the_room_counts_and_names_nobody():
    page = collect.room_html(VERDICTS, SECTIONS)
    luma, crop, own = page.split("<h2>")[1:]
    assert luma.startswith("luma</h2><p>1.4 Gray &lt;b&gt;</p><p>1 of 4 right, 0 not attempted.<")
    first, second = re.findall(r"<li>(.*?)</li>", luma)
    assert first == "<b>2 of 4</b>: a wrong shape. Show 1.4."
    assert second == "<b>1 of 4</b>: &lt;i&gt;raises&lt;/i&gt;. Show 1.4."
    assert crop.startswith("crop</h2><p>1.2 Parts</p><p>1 of 1 right, 1 not attempted.</p>")
    assert "<li>" not in crop
    assert "<p>0 of 1 right, 0 not attempted.</p>" in own
    assert re.findall(r"<li>(.*?)</li>", own) == [f"<b>1 of 1</b>: {html.escape(COPIED)}."]
    assert "<p>Students: 5.</p>" in page
    assert not any(re.search(rf"\b{name}\b", page) for name in ("ahn", "bae", "cho", "kim", "lee"))


@pytest.mark.parametrize(
    ("state", "shows"), [("wrong", True), (COPIED, False), (DIED, False), (UNTOUCHED, False)]
)
def test_a_section_is_shown_against_a_mistake_and_not_against_an_accident(state, shows):
    page = collect.room_html({("kim", "luma"): Verdict(state)}, SECTIONS)
    assert ("Show 1.4." in page) == shows


def test_exercises_that_the_course_does_not_have_come_last():
    verdicts = {("kim", name): Verdict(RIGHT) for name in ("zoom", "crop", "abc", "luma")}
    page = collect.table_html(verdicts, SECTIONS)
    assert [text for _, text in cells(page)[0]] == ["student", "luma", "crop", "abc", "zoom"]


@pytest.mark.parametrize("made", [collect.table_html, collect.room_html])
def test_each_page_is_whole_and_has_one_heading(made):
    page = made(VERDICTS, SECTIONS)
    assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert f"<title>{heading}</title>" in page and heading
    for tag in ("html", "head", "body", "main", "style"):
        assert page.count(f"<{tag}") - page.count(f"<{tag}er") == page.count(f"</{tag}>") == 1, tag
    assert "charset='utf-8'" in page and "lang='en'" in page and "overflow-x" in page
