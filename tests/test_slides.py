"""Decks: every chapter becomes one from its stored outputs; each rule is held by a small case."""

import itertools
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)

from course_utils.command import cli
from course_utils.command.editions import pages, slides
from course_utils.errors import CourseError
from notebooks_as_files import CHAPTERS, read, tags


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def made(request, page_of):
    """A chapter's path, and its deck as a parsed page."""
    page = page_of(slides.write_deck, request.param)
    return request.param, BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def deck_of(*cells):
    """What stands in the deck of a section with these cells: [(slide_type, source or outputs)]."""
    opening = [new_markdown_cell("# 1 · Title"), new_markdown_cell("## 1.1 Section")]
    return [
        (cell.metadata.slideshow.slide_type, cell.source or [o.text for o in cell.outputs])
        for cell in slides.deck_cells([*opening, *cells])[2:]
    ]


def prose(source, *marked, **metadata):
    """A prose cell with these tags, and further metadata."""
    return new_markdown_cell(source, metadata={"tags": list(marked), **metadata})


def code(source, *printed, tag=None):
    """A code cell that printed these texts."""
    outputs = [new_output("stream", name="stdout", text=text) for text in printed]
    return new_code_cell(source, outputs=outputs, metadata={"tags": [tag]} if tag else {})


def resources(page):
    """Every address that a browser would load by itself."""
    for element in page.find_all(["script", "link", "img", "iframe", "audio", "video", "source"]):
        yield from (element[name] for name in ("src", "href", "srcset") if element.has_attr(name))
    for element in page.find_all("style"):
        yield from re.findall(r"url\(\s*['\"]?([^'\")]+)", element.get_text())
        yield from re.findall(r"@import\s+(\S+)", element.get_text())


def test_nothing_is_loaded_from_elsewhere(made):
    _, page = made
    assert all(address.startswith("data:") for address in resources(page))


def test_every_section_and_picture_of_the_lecture_is_there(made):
    path, page = made
    notebook = read(path)
    heads = {head.get_text() for head in page.find_all(["h1", "h2"])}
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    wanted = re.findall(r"^## (\d.*)$", prose, re.M)
    assert len(wanted) >= 8 and all(head in heads for head in wanted)
    assert not any(head.startswith(("Exercise", "Glossary")) for head in heads)
    assert len(page.select(".slides > section")) == len(heads)
    lecture = itertools.takewhile(lambda cell: "exercises" not in tags(cell), notebook.cells)
    stored = [
        output.metadata[mime]["alt"]
        for cell in lecture
        if cell.cell_type == "code"
        for output in cell.outputs
        for mime in ("image/png", "image/jpeg")
        if mime in output.get("data", {})
    ]
    assert [image["alt"] for image in page.find_all("img")] == stored and len(stored) > 10


def test_no_solution_stub_import_or_environment_check_is_shown(made):
    path, page = made
    for note in page.select("aside.notes"):
        note.extract()  # the speaker sees more
    text = page.find(class_="slides").get_text()
    assert "check_environment" not in text and "not attempted yet" not in text
    assert "run this cell to choose" not in text and "After a restart" not in text
    for cell in read(path).cells:
        begins = [line for line in cell.source.splitlines() if line and line[0] not in " )"]
        only_imports = all(line.startswith(("from ", "import ")) for line in begins)
        if "exercise" in tags(cell) or (cell.cell_type == "code" and only_imports):
            assert cell.source.splitlines()[0] not in text


def test_formulas_are_mathml():
    text = pages.with_formulas("Take $a_1 * b$ and `cost $5$ or $6$`.\n```\n$x$\n```")
    assert text.count("<math") == 1 and "`cost $5$ or $6$`" in text and "\n$x$\n" in text
    assert "*" not in text.split("</math>")[0] and "_" not in text.split("</math>")[0]
    with pytest.raises(CourseError, match=r"the formula \$\\frac\$ cannot be converted"):
        pages.with_formulas(r"$\frac$")


def test_a_question_its_code_and_its_reading_are_one_slide():
    assert deck_of(
        new_markdown_cell("How much?"),
        code("print(1)", "1\n"),
        new_markdown_cell("One came.\n\nAnd now:"),
        code("x = 2"),
        new_markdown_cell("Side by side:"),
        code("print(x)", "2\n"),
        new_markdown_cell("Two.\n\nBoth are small.\n\n### Detail\n\nMore."),
    ) == [
        ("subslide", "How much?"),
        ("-", "print(1)"),
        ("-", ["1\n"]),
        ("-", "One came."),
        ("subslide", "And now:"),
        ("-", "x = 2"),
        ("subslide", "Side by side:"),
        ("-", "print(x)"),
        ("-", ["2\n"]),
        ("-", "Two.\n\nBoth are small.\n\n"),
        ("subslide", "### Detail\n\nMore."),
    ]


def test_a_sentence_that_ends_in_a_colon_goes_with_its_code():
    assert deck_of(
        code("print(1)", "1\n"),
        new_markdown_cell("One came. It is small. And the next:"),
        code("print(2)", "2\n"),
        new_markdown_cell("Two kinds:\n\n- a\n- b"),
        code("print(3)", "3\n"),
    )[2:6] == [
        ("-", "One came. It is small."),
        ("subslide", "And the next:"),
        ("-", "print(2)"),
        ("-", ["2\n"]),
    ]


def test_drawing_is_not_shown():
    def drawn(source, tag=None, kind=None):
        picture = new_output("display_data", {"image/png": ""})
        cell = new_code_cell(source, outputs=[picture], metadata={"tags": [tag] if tag else []})
        if kind:
            cell.metadata["slideshow"] = {"slide_type": kind}
        return slides.shown_code(cell)

    draws = 'fig, ax = plt.subplots()\nax.plot(x)\nshow(fig, "A line.")'
    assert drawn(draws) == drawn("show_row(pictures)") == drawn(f"names = ['a', 1]\n{draws}") == ""
    assert drawn(f"y = f(x)  # twice\n\n# the figure\n{draws}") == "y = f(x)  # twice"
    assert (
        drawn("for x in y:\n    draw_boxes(x)") == drawn("def f(ax):\n    show_image(1, ax)") == ""
    )
    assert drawn("explorer(cat)") == "explorer(cat)"
    assert drawn("gan.draw_pictures(net)") == "gan.draw_pictures(net)"
    assert drawn("%matplotlib inline") == "%matplotlib inline"
    assert drawn("y = f(x)", tag="remove_input") == "" and drawn(draws, kind="-") == draws
    assert slides.shown_code(code(draws, "printed")) == draws


def test_the_speaker_sees_the_purpose_and_the_answers_that_wait():
    section = new_markdown_cell("## 1.2 Next\n\n*After a restart, run 1.1 first.*\n\nText.")
    section.metadata |= {"outcome": "why it works", "tags": ["restart"]}
    made = slides.with_notes(
        slides.deck_cells(
            [
                new_markdown_cell("# 1 · Title"),
                section,
                new_markdown_cell("What comes?", metadata={"tags": ["predict"]}),
                code("print(1)", "1\n"),
                new_markdown_cell("One came.", metadata={"tags": ["reading"]}),
                new_markdown_cell("<details><summary>Answers</summary>\n\nTwo.\n\n</details>"),
            ]
        )
    )
    kinds = [cell.metadata.slideshow.slide_type for cell in made]
    notes = [cell.source for cell in made if cell.metadata.slideshow.slide_type == "notes"]
    assert "why it works" in notes[0] and "run 1.1 first" in notes[0]
    assert [note.strip() for note in notes[1:]] == ["One came.", "Two."]
    assert kinds[kinds.index("fragment") - 1] == "notes"


def test_what_answers_a_prediction_waits():
    assert deck_of(
        prose("What comes?", "predict"),
        code("print(1)", "1\n"),
        prose("One.\n\n> **Lecture note.** Sure?", "reading"),
        code("print(2)", "2\n"),
        prose("Two. And then?", "reading", "predict", then="And then?"),
        code("print(3)", "3\n"),
    ) == [
        ("subslide", "What comes?"),
        ("-", "print(1)"),
        ("fragment", ["1\n"]),
        ("-", "One."),  # in the same fragment
        ("subslide", "> **Lecture note.** Sure?"),
        ("-", "print(2)"),
        ("-", ["2\n"]),
        ("-", "Two."),
        ("subslide", "And then?"),
        ("-", "print(3)"),
        ("fragment", ["3\n"]),
    ]


def test_the_source_has_the_last_word():
    def typed(cell, kind):
        cell.metadata["slideshow"] = {"slide_type": kind}
        return cell

    assert deck_of(
        new_markdown_cell("One."),
        typed(new_markdown_cell("Two."), "-"),
        typed(code("three", "3\n"), "subslide"),
        typed(code("four", "4\n"), "skip"),
        typed(new_markdown_cell("### Five"), "slide"),
        code("def f(): ...", tag="exercise"),
        typed(code("def g(): ...", tag="exercise"), "fragment"),
    ) == [
        ("subslide", "One."),
        ("-", "Two."),
        ("subslide", "three"),
        ("-", ["3\n"]),
        ("skip", "four"),
        ("skip", ["4\n"]),
        ("slide", "### Five"),
        ("fragment", "def g(): ..."),
    ]


def test_exercises_and_glossary_are_left_out():
    assert deck_of(
        prose("One.\n\n## Built\n\nMuch.\n\n## Exercises\n\nReplace.", "exercises"),
        code("two"),
        prose("### Exercise 1"),
        prose("## Glossary", "glossary"),
        new_markdown_cell("## 1.2 Next"),
    ) == [("subslide", "One.\n\n"), ("slide", "## Built\n\nMuch.\n\n"), ("slide", "## 1.2 Next")]


def test_exercises_behind_their_section_are_left_out():
    """By their tags; the clinic too, and what follows it up to a section with a number."""
    assert deck_of(
        prose("One."),
        prose("### Exercise 1: a\n\nWrite it.", "statement"),
        code("def f(): ...", "not attempted\n", tag="exercise"),
        prose("<details><summary>Solution</summary>\n\nx\n\n</details>", "solution"),
        prose("## Clinic: wrong programs", "exercises"),
        code("two"),
        prose("## Project: a sheet"),
        code("three"),
        prose("## 1.2 Next"),
        code("four"),
    ) == [("subslide", "One."), ("slide", "## 1.2 Next"), ("-", "four")]


def test_questions_and_folded_answers():
    question, answers = deck_of(
        code('ask("x")', "Which?\n  ○ one", tag="question"),
        new_markdown_cell("<details><summary>Answers</summary>\n\nOne.\n\n</details>"),
    )
    assert question == ("-", ["Which?\n  ○ one"])
    assert answers[1].startswith('<details open class="fragment"><summary>Answers')


def test_what_a_person_added_does_no_harm():
    error = new_output("error", ename="NotRightYet", evalue="case 1", traceback=["case 1"])
    assert deck_of(
        new_raw_cell("raw"),
        new_code_cell("f()", outputs=[error], metadata={"tags": ["exercise"]}),
        new_markdown_cell("One."),
    ) == [("subslide", "One.")]


def test_a_notebook_without_outputs_or_none_at_all_is_named(tmp_path):
    path = tmp_path / "03_x.ipynb"
    with pytest.raises(CourseError, match="03_x.ipynb cannot be read as a notebook"):
        slides.write_deck(path, tmp_path)
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), path)
    with pytest.raises(CourseError, match="no stored outputs: run `uv run course refresh 3` first"):
        slides.write_deck(path, tmp_path)


def test_a_missing_reveal_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(slides, "REVEAL", "no-such-package")
    with pytest.raises(CourseError, match="run `uv sync`, or `pip install no-such-package`"):
        slides.reveal_file("reveal.js")


def test_the_command_writes_what_is_named(monkeypatch, tmp_path, capsys):
    asked = []

    def write(path, folder):
        asked.append((path, folder))
        return folder / f"{path.stem}.html"

    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(slides, "write_deck", write)
    assert cli.main(["slides", "2"]) == 0
    assert asked == [(CHAPTERS[1], tmp_path / "build" / "slides")]
    assert "build/slides/02_cnn.html: open it in a browser" in capsys.readouterr().out
    assert cli.main(["slides"]) == 0 and len(asked) == 1 + len(CHAPTERS)
    assert cli.main(["slides", "9"]) == 1
    assert capsys.readouterr().err.startswith("course slides: no chapter '9'")
