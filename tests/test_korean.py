"""The Korean edition: the same code, its prose block by block, and what the package says."""

import contextlib
import json
import re
from collections import Counter

import pytest

from course_utils import language
from course_utils.command.cli import main
from course_utils.command.editions.edition import reading, solutions_edition, student_edition, tags
from course_utils.command.editions.live import live_edition
from course_utils.command.editions.notes import noted_sections
from course_utils.command.editions.pages import handout_cells, with_korean
from course_utils.command.editions.slides import deck_cells
from course_utils.command.editions.working_copies import working_copy
from course_utils.command.notebook_files import as_bytes
from course_utils.command.translation import catalogs, korean, korean_page, package_texts, translate
from course_utils.command.translation.blocks import blocks, pieces
from course_utils.command.translation.catalogs import (
    Entry,
    chapter_texts,
    read_catalog,
    updated,
    write_catalog,
)
from course_utils.command.translation.checks import problems, read_terms, waived
from course_utils.errors import ArgumentError, require_option
from course_utils.language import captured, say, translated
from notebooks_as_files import CHAPTERS, code_cells, read

IDS = [path.stem for path in CHAPTERS]
TEXTS = package_texts.package_texts()
PACKAGE = sorted(TEXTS)
ENGLISH = re.compile(r"[a-z]{3,} [a-z]{3,}")
PARTS = r"(\{\d+\}|`[^`]*`|<[^>]*>|\]\([^)]*\)|\$[^$]*\$|[*#|>_-]+)"


def pseudo(text):
    """A text in an invented Korean: letters outside of code, tags and the like become 가."""
    split = re.split(PARTS, text)
    split[::2] = [re.sub("[A-Za-z]", "가", part) for part in split[::2]]
    return "".join(split)


def all_texts(path):
    return [text for part in chapter_texts(read(path)).values() for text in part]


@pytest.fixture(scope="module")
def invented():
    """Dict of chapter's path → what translates all of it into the invented Korean."""
    return {path: {text: pseudo(text[1]) for text in all_texts(path)} for path in CHAPTERS}


@pytest.fixture
def speaking(monkeypatch):
    """The package speaks the invented Korean."""
    texts, templates = {}, []
    for listed in TEXTS.values():
        whole = [text for _, text in listed]
        for text in {*whole, *(text.lstrip(";:, ") for text in whole)}:
            if text:
                if language.HOLE.search(text):
                    templates.append((text, pseudo(text)))
                else:
                    texts[text] = pseudo(text)
    templates.sort(key=lambda pair: -len("".join(language.parts(pair[0]))))
    monkeypatch.setattr(language, "_catalogs", lambda: (texts, templates))
    monkeypatch.setenv(language.LANGUAGE, "ko")
    language._said.cache_clear()
    yield
    language._said.cache_clear()


# The catalogs hold the whole course, and all of it is translated.


@pytest.mark.parametrize("path", CHAPTERS, ids=IDS)
def test_the_catalogs_hold_the_chapter_as_it_is(path):
    parts, found = chapter_texts(read(path)), {}
    for file in catalogs.chapter_catalogs(path.stem):
        entries = read_catalog(file)
        found[file.stem.split(".")[1]] = [(entry.context, entry.english) for entry in entries]
    changed = [text[0] for part in parts for text in parts[part] if text not in found.get(part, [])]
    assert not changed, f"run `course translate`: {changed}"
    assert found == parts, "run `course translate`"


def test_the_instructors_page_is_what_its_translation_makes():
    entries = read_catalog(korean_page.CATALOG)
    found = [(entry.context, entry.english) for entry in entries]
    assert found == korean_page.page_texts(), "run `course translate`"
    shown = korean_page.KOREAN.read_text(encoding="utf-8")
    assert shown == korean_page.korean_page(), "run `course translate`"
    assert shown.count("\n") == korean_page.ENGLISH.read_text(encoding="utf-8").count("\n")
    left = [entry.context for entry in entries if not entry.done]
    assert not left, f"{len(left)} blocks are English: {', '.join(left[:40])}"


@pytest.mark.parametrize("name", PACKAGE)
def test_the_catalogs_hold_what_the_package_says(name):
    entries = read_catalog(catalogs.PACKAGE_CATALOGS / f"{name}.po")
    found = {entry.english for entry in entries}
    wanted = {text for _, text in TEXTS[name]}
    assert found == wanted, f"run `course translate`: {sorted(found ^ wanted)}"


@pytest.mark.parametrize("path", CHAPTERS, ids=IDS)
def test_every_block_of_the_chapter_is_translated(path):
    left = korean.untranslated(path)
    assert not left, f"{len(left)} blocks are English: {', '.join(left[:40])}"


@pytest.mark.parametrize("name", PACKAGE)
def test_everything_that_the_package_says_is_translated(name):
    entries = read_catalog(catalogs.PACKAGE_CATALOGS / f"{name}.po")
    left = [entry.context for entry in entries if not entry.done]
    assert not left, f"{len(left)} texts are English: {', '.join(left[:40])}"


@pytest.mark.parametrize("name", [*IDS, "instructors", "package"])
def test_no_translation_has_a_problem(name):
    folder = catalogs.PACKAGE_CATALOGS
    files = [korean_page.CATALOG] if name == "instructors" else catalogs.chapter_catalogs(name)
    files = sorted(folder.glob("*.po")) if name == "package" else files
    found = [f"{file.stem}, {said}" for file in files for said in translate.catalog_problems(file)]
    assert not found, "\n".join(found[:40])


# What is generated.


@pytest.mark.parametrize("path", CHAPTERS, ids=IDS)
def test_a_translation_that_changes_nothing_gives_the_same_bytes(path):
    known = {text: text[1] for text in all_texts(path)}
    assert as_bytes(korean.korean(path, known)) == path.read_bytes()


@pytest.mark.parametrize("path", CHAPTERS, ids=IDS)
def test_code_and_outputs_are_those_of_the_english_chapter(path):
    english, made = read(path), korean.korean(path)
    kept = [[dict(cell) for cell in code_cells(book)] for book in (english, made)]
    for cell in [*kept[0], *kept[1]]:
        cell["metadata"] = {
            key: value
            for key, value in cell["metadata"].items()
            if key not in (*catalogs.SHOWN, "alt")
        }
    assert json.dumps(kept[0]) == json.dumps(kept[1])
    assert [(cell.id, tags(cell)) for cell in english.cells] == [
        (cell.id, tags(cell)) for cell in made.cells
    ]


def stops(notebook):
    """What one meets in an edition: counts of what notes, decks and handouts make of it."""
    sections = noted_sections(notebook.cells, [])
    noted = [cell for section in sections for cell in section.cells]
    deck, page = deck_cells(notebook.cells), handout_cells(notebook.cells)
    kinds = [cell.metadata.slideshow.slide_type for cell in deck]
    return {
        "sections": len(sections),
        "sittings": sum(section.begins for section in sections),
        "notes": [(cell.cell_type, cell.source.count("\n\n")) for cell in noted],
        "slides": Counter(kind for kind in kinds if kind != "-"),  # those are parts of a slide
        "handout": Counter((cell.cell_type, *cell.metadata.keys()) for cell in page),
        "readings": [tuple(map(bool, reading(cell))) for cell in notebook.cells],
    }


@pytest.mark.parametrize("path", CHAPTERS, ids=IDS)
def test_every_edition_finds_its_way_in_korean(path, invented, tmp_path):
    made = korean.write_korean(path, tmp_path / "ko", invented[path])
    assert stops(read(path)) == stops(read(made)) == stops(korean.korean(path))
    for edition in (
        lambda chapter: live_edition(chapter, tmp_path / "live"),
        lambda chapter: student_edition(chapter, tmp_path / "student"),
        lambda chapter: solutions_edition(chapter, tmp_path / "solutions"),
        lambda chapter: working_copy(chapter, tmp_path / "work"),
    ):
        shapes = [
            [(cell.cell_type, tags(cell), cell.source.count("<details>")) for cell in book.cells]
            for book in (edition(path), edition(made))
        ]
        assert shapes[0] == shapes[1]


def test_what_an_edition_folds_has_a_korean_line(tmp_path):
    made = korean.write_korean(CHAPTERS[0], tmp_path / "ko")
    with language.speaking(True):
        books = [edition(made, tmp_path) for edition in (live_edition, student_edition)]
        books.append(working_copy(made, tmp_path))
    for book in books:
        folded = re.findall(r"<summary>(.*?)</summary>", "".join(c.source for c in book.cells))
        assert folded and all(re.search("[가-힣]", words) for words in folded)


def test_a_changed_block_shows_in_english_and_its_cell_is_named(tmp_path):
    path = CHAPTERS[0]
    known = {text: pseudo(text[1]) for text in all_texts(path)}
    changed = read(path)
    cell = next(cell for cell in changed.cells if cell.id == "pixels-zoom-text")
    cell.source = cell.source.replace("300 rows", "Three hundred rows")
    file = tmp_path / path.name
    file.write_bytes(as_bytes(changed))
    assert korean.untranslated(file, known) == ["pixels-zoom-text#1"]
    shown = next(cell for cell in korean.korean(file, known).cells if cell.id == cell.id)
    made = {cell.id: cell.source for cell in korean.korean(file, known).cells}
    assert made["pixels-zoom-text"].startswith("Three hundred rows")
    assert "**가가가가가가가**" in made["pixels-zoom-text"] and shown.source.startswith("# 1 · 가")


# Catalogs.


@pytest.mark.parametrize("path", CHAPTERS, ids=IDS)
def test_the_blocks_of_a_cell_are_all_of_it(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            parts = pieces(cell.source, catalogs.marks(cell))
            assert "".join(part.text for part in parts) == cell.source


def test_blocks_are_paragraphs_headings_lists_and_tables():
    rows = "\n".join(f"| row {number} | 값 |" for number in range(7))
    source = (
        "## A heading\nand text:\n\n```python\nx = 1\n\ny = 2\n```\n\n- one\n- two\n\n"
        "$$\na = b\n$$\n\n<details><summary>Solution</summary>\n\n"
        f"| head | b |\n|---|---|\n| few | rows |\n\n{rows}\n\n</details>\n\nFirst. Then the rest."
    )
    assert blocks(source, ["Then the"])[:5] == [
        "## A heading",
        "and text:",
        "- one\n- two",
        "<details><summary>Solution</summary>",
        "| head | b |\n|---|---|\n| few | rows |",
    ]
    assert blocks(source, ["Then the"])[-2:] == ["First.", "Then the rest."]
    assert blocks("```\nno words\n```\n\n$$x$$\n\n</details>") == []


def test_updating_keeps_what_is_translated_and_marks_what_has_changed(tmp_path):
    old = [
        Entry("a#1", 'The mean of\nfour "numbers".', "네 수의 평균입니다."),
        Entry("a#2", "It is gone.", "사라졌습니다."),
        Entry("b", "### Exercise 3: shrink", "### 연습 문제 3: 줄이기", notes=["ok: terms"]),
    ]
    texts = [
        ("a#1", "A new one."),
        ("a#2", "The mean of four numbers is a."),
        ("b", "### Exercise 4: shrink"),
    ]
    new = updated(texts, old)
    assert [entry.done for entry in new] == [False, False, True]
    assert (new[0].korean, new[1].stale) == ("", True)
    assert new[1].previous == old[0].english
    assert new[2].korean == "### 연습 문제 4: 줄이기"
    file = tmp_path / "a.po"
    write_catalog(file, new)
    assert read_catalog(file) == new
    before = file.stat().st_mtime_ns
    write_catalog(file, read_catalog(file))
    assert file.stat().st_mtime_ns == before
    moved = updated([("c", old[0].english)], old)
    assert moved[0].done and moved[0].korean == "네 수의 평균입니다."


def test_a_translator_takes_asks_and_checks(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(translate, "CHAPTER_CATALOGS", tmp_path)
    file = tmp_path / "01_x.01.po"
    write_catalog(file, [Entry("a", "It has 3 pixels."), Entry("b", "See it: `x`.")])
    lines = [
        {"context": "a", "korean": "픽셀이 3개입니다."},
        {"context": "b", "korean": "보라."},
        {"context": "c", "korean": "없습니다."},
    ]
    given = tmp_path / "given.jsonl"
    given.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert main(["translate", "01_x.01", "--take", str(given)]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("1 stored") and "b: code: the code '`x`' is missing" in said.err
    assert "c: not in 01_x.01.po" in said.err
    assert main(["translate", "01_x.01", "--missing"]) == 0
    assert json.loads(capsys.readouterr().out) == {"context": "b", "english": "See it: `x`."}
    assert main(["translate", "01_x.01", "--problems"]) == 0
    assert main(["translate", "01_x.2"]) == 1
    assert "did you mean '01_x.01'?" in capsys.readouterr().err


# Checks of a translation.

GOOD = [
    ("**pixels (픽셀)** are squares.", "**픽셀**(pixel)은 사각형입니다."),
    ("Three channels; **Predict**: why?", "채널이 3개입니다. **예측해 보기**: 왜 그럴까요?"),
    ("*The lecture*: 1 is black.", "*강의에서는* 1이 검정이라고 합니다."),
    ("1.28 million of 50,000 maps", "5만 장의 맵 가운데 128만 개입니다."),
    ("138 million, 11.5 billion", "1억 3,800만과 115억입니다."),
    ("Look at `x` in $y$:", "$y$의 `x`를 보세요:"),
    ("use {0}, got {1}", "{1} 값이 왔습니다. {0} 값을 쓰세요"),
    ("| pixel | 픽셀 | one square |", "| pixel | 픽셀 | 사각형 하나 |"),
    ("- one\n- two", "- 하나\n- 둘"),
    ("See [there](a.md).", "[여기](a.md)를 보세요."),
    ("5 % of `6 % 4`: F'(x) and G'(x)", "`6 % 4`의 5%: F'(x), G'(x)"),
]
BAD = [
    ("numbers", "It has 3 and 4.", "3이 있습니다."),
    ("numbers", "It has 2 million.", "20만입니다."),
    ("numbers", "It has many.", "12개 있습니다."),
    ("code", "See `x`.", "보세요."),
    ("formulas", "See $x$.", "보세요."),
    ("links", "See [it](a.md).", "[보세요](b.md)."),
    ("tags", "Press <kbd>Tab</kbd>.", "Tab을 누르세요."),
    ("holes", "got {0}", "왔습니다"),
    ("holes", "got {0}", "{0}을 받았습니다"),
    ("heading", "## A title", "### 제목"),
    ("shape", "| a | b |", "| 가 |"),
    ("shape", "- one\n- two", "- 하나"),
    ("shape", "As here:", "여기처럼."),
    ("shape", "> A note.", "메모입니다."),
    ("bold", "**a** **b** and **c**", "가, 나, 다"),
    ("stars", "**pixels (픽셀)** are", "**픽셀(pixel)**은 있습니다."),
    ("stars", "a **word**", "**낱말 입니다."),
    ("markers", "**Predict**: what?", "**예측**: 무엇일까요?"),
    ("tilde", "from 1 to 2, 3 to 4", "1~2, 3~4입니다."),
    ("signs", "It is 5 %.", "5 %입니다."),
    ("signs", 'He says "yes".', "‘예’라고 합니다."),
    ("signs", 'He says "yes".', "'예'라고 합니다."),
    ("language", "You see the whole thing.", "You see the whole thing, 입니다."),
    ("language", "You see the whole thing.", "5"),
    ("endings", "It is so.", "그렇다."),
    ("endings", "It is not so.", "그렇지 않은 것은 아니다."),
    ("endings", "It is so.", "그런 거예요."),
    ("endings", "It is so.", "그렇게 하는 것임."),
    ("terms", "A feature map.", "지도입니다."),
    ("terms", "The gradient.", "그래디언트, 곧 기울기입니다."),
]


@pytest.mark.parametrize(("english", "said"), GOOD)
def test_a_good_translation_has_no_problem(english, said):
    assert problems("a", english, said, read_terms()) == []


@pytest.mark.parametrize(("name", "english", "said"), BAD)
def test_a_wrong_translation_is_told_and_can_be_waived(name, english, said):
    found = problems("a", english, said, read_terms())
    assert any(sentence.startswith(f"{name}: ") for sentence in found), found
    rest = problems("a", english, said, read_terms(), waived([f"ok: {name}"]))
    assert not any(sentence.startswith(f"{name}: ") for sentence in rest)


def test_each_term_has_one_korean_word():
    forms = Counter(form for term in read_terms() for form in term.english)
    assert [form for form, count in forms.items() if count > 1] == []
    assert all(term.korean[0] for term in read_terms())


# What the package says.


def test_a_template_tells_what_was_filled_in():
    assert captured("got {0}; use {1}", "got a; b; use c") == ["a; b", "c"]
    assert captured("{0} is {1}", "what is it") == ["what", "it"]
    assert captured("{0} is {1}!", "what is it") is None
    assert captured("a{0}a", "a") is None
    assert captured("got {0}{1}", "got (3, 4); use x") == ["(3, 4)", "; use x"]
    assert captured("at {0}{1} now; stop", "at x: now; stop") == ["", "x:"]


def test_english_is_what_stands_there(monkeypatch):
    monkeypatch.delenv(language.LANGUAGE, raising=False)
    for name, wanted in (("/work/build/work/ko/01.ipynb", True), ("/ko.ipynb", False)):
        monkeypatch.setenv("JPY_SESSION_NAME", name)
        assert language.is_korean() == wanted
    monkeypatch.setenv(language.LANGUAGE, "en")
    assert say("not attempted") == "not attempted"
    things = ["not attempted"]
    assert translated(things) is things


SENTENCES = [
    "Exercise 3, crop: not attempted yet",
    "Exercise 3, crop: right in all 12 cases (gray, RGB and RGBA, random windows and corners)",
    "Exercise 3, crop, case 2: crop(uint8 array of shape (3, 4), 1): it returns nothing; "
    "is a `return` missing?",
    "01_image_data: 1 solved, 2 tried, 4 not attempted; questions: 2 right of 3 answered; "
    "next: exercise 2, crop",
    "Data: 12 files, each as its SHA-256 says",
    "Ready: Python 3.11 · torch 2 · CPU, 2 threads of 4 cores (1 where kernels share the machine)"
    " · this chapter runs in about 20 s",
    "images must be (N, 3, H, W), got (3, 4); for one gray image use x[None, None]",
    "Problem: the course is not installed in /python (the wrong kernel?): close this notebook and "
    "start the course with `uv run course lab` in its folder",
]
KEPT = {"crop", "images", "exercise", "python", "torch", "uint8", "image_data", "or", "raw_bytes"}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_text_that_is_put_together_is_translated_in_all_its_parts(sentence, speaking):
    rest = re.sub(r"`[^`]*`", "", say(sentence))
    assert "가" in rest and not ENGLISH.search(rest), rest


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_the_package_says_is_korean(sentence, monkeypatch):
    monkeypatch.setenv(language.LANGUAGE, "ko")
    rest = re.sub(r"`[^`]*`", "", say(sentence))
    assert re.search("[가-힣]", rest) and not ENGLISH.search(rest), rest


def test_an_error_keeps_the_names_of_arguments(monkeypatch):
    monkeypatch.setenv(language.LANGUAGE, "ko")
    rule = "boxes must have an area; leave that row out"
    shown = say(f"boxes[0] is [0, 0, 0, 9]; {rule}", names=True)
    assert "boxes[0]" in shown and "; boxes: " in shown and "must" not in shown


def test_no_hole_swallows_the_next_sentence(monkeypatch):
    monkeypatch.setenv(language.LANGUAGE, "ko")
    told = "image goes from 2 to 9, and whole numbers are drawn from 0 to 255"
    assert say(f"{told}; use vmin=2, vmax=9").startswith(f"{say(told)}; ")


def test_the_message_of_an_exception_stays_as_python_wrote_it(monkeypatch):
    monkeypatch.setenv("COURSE_LANGUAGE", "ko")
    for message in (
        "IndexError: only integers, slices (`:`) and integer arrays are valid indices",
        "ValueError: window shape cannot be larger than input array shape",
    ):
        assert say(f"it raises {message} (line 2 of the cell)").startswith(
            f"오류가 납니다: {message}"
        )


def test_errors_and_commands_speak(speaking, monkeypatch, capsys):
    with pytest.raises(ArgumentError, match="mode 가가가가 가가 가가가 가가 same, valid"):
        require_option("mode", "no", ["same", "valid"])
    assert main(["progress", "no_such_folder"]) == 1
    assert "가가가가가 가가 가가 가가가가가가가가" in capsys.readouterr().err
    with contextlib.suppress(SystemExit):
        main(["lab", "--help"])
    assert "가가가가가 가가 가가가가" in capsys.readouterr().out
    monkeypatch.delenv(language.LANGUAGE)
    main(["progress", "no_such_folder", "--ko"])
    assert "가가가가가 가가 가가 가가가가가가가가" in capsys.readouterr().err
    main(["progress", "no_such_folder"])
    assert "there is no notebook or folder" in capsys.readouterr().err
    assert language.LANGUAGE not in __import__("os").environ


def test_a_korean_machine_is_told_that_there_is_a_korean_edition(monkeypatch, capsys):
    from course_utils.command import cli
    from course_utils.command.editions import working_copies

    started = []
    monkeypatch.setattr(cli, "start_lab", lambda *given, **more: started.append(given[0]))
    monkeypatch.setattr(
        working_copies,
        "prepare",
        lambda path, folder: working_copies.WorkingCopy(path, folder / path.name, path),
    )
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", language.LANGUAGE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert main(["lab"]) == 0 and "한국어판도 있습니다" in capsys.readouterr().out
    assert main(["lab", "--ko"]) == 0 and "한국어판도" not in capsys.readouterr().out
    assert [path.parent.name for path in started] == ["work", "ko"]


def test_hangul_is_marked_in_an_english_page():
    assert with_korean("<p>pixel (픽셀)</p>") == '<p>pixel (<span lang="ko">픽셀</span>)</p>'
