"""Decks: every chapter becomes one from its stored outputs; each rule is held by a small case."""

import base64
import io
import re

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from course_utils.command import cli, deck, pages, slide_pieces
from course_utils.command.slide_sizes import ROOM
from course_utils.command.slides import make_slides
from course_utils.errors import CourseError
from notebooks_as_files import CHAPTERS, read, tags


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def made(request, tmp_path_factory):
    """A chapter's path, its deck as a parsed page, and how many slides it was said to have."""
    page, count = deck.write_deck(request.param, tmp_path_factory.mktemp("slides"))
    text = page.read_text(encoding="utf-8")
    return request.param, BeautifulSoup(text, "html.parser"), count


def shown(slide):
    """What stands on a slide: sources, and "text" or "picture" for outputs."""
    return [block.cell.source or block.kind for block in slide.blocks]


def picture(width=800, height=360):
    """An output of this size, with its alt text."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(file, format="PNG")
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "A picture."}
    return new_output("display_data", data, metadata={"image/png": {"alt": "A picture."}})


def said(text):
    return new_output("stream", name="stdout", text=text)


def slides_of(*cells):
    """The slides of a chapter whose only section holds these cells."""
    opening = [new_markdown_cell("# 1 · Title"), new_markdown_cell("## 1.1 Section")]
    return make_slides(new_notebook(cells=[*opening, *cells]))[1:]


def resources(page):
    """Every address that a browser would load by itself."""
    for element in page.find_all(["script", "link", "img", "iframe", "audio", "video", "source"]):
        yield from (element[name] for name in ("src", "href", "srcset") if element.has_attr(name))
    for element in page.find_all("style"):
        yield from re.findall(r"url\(\s*['\"]?([^'\")]+)", element.get_text())
        yield from re.findall(r"@import\s+(\S+)", element.get_text())


def test_nothing_is_loaded_from_elsewhere(made):
    _, page, _ = made
    assert all(address.startswith("data:") for address in resources(page))


def test_every_section_and_picture_of_the_lecture_is_there(made):
    path, page, count = made
    notebook = read(path)
    leaves = page.select(".slides > section > section")
    assert len(leaves) == count == len(make_slides(notebook))
    heads = {head.get_text() for head in page.find_all(["h1", "h2"])}
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    wanted = re.findall(r"^## (\d.*)$", prose, re.M)
    assert len(wanted) >= 8 and all(head in heads for head in wanted)
    assert not any(head.startswith(("Exercise", "Glossary")) for head in heads)
    stored = [
        output.metadata[mime]["alt"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for mime in ("image/png", "image/jpeg")
        if mime in output.get("data", {})
    ]
    assert [image["alt"] for image in page.find_all("img")] == stored and len(stored) > 10


def test_no_solution_stub_or_environment_check_is_shown(made):
    path, page, _ = made
    text = page.find(class_="slides").get_text()
    assert "check_environment" not in text and "not attempted yet" not in text
    assert "run this cell to choose" not in text and "After a restart" not in text
    for cell in read(path).cells:
        if "exercise" in tags(cell):
            assert cell.source.splitlines()[0] not in text


def test_each_slide_fits_as_reckoned(made):
    path, _, _ = made
    for slide in make_slides(read(path)):
        assert slide.blocks and slide.height <= ROOM, (slide.head, slide.height, shown(slide))


def test_formulas_are_mathml():
    text = pages.with_formulas("Take $a_1 * b$ and `cost $5$ or $6$`.\n```\n$x$\n```")
    assert text.count("<math") == 1 and "`cost $5$ or $6$`" in text and "\n$x$\n" in text
    assert "*" not in text.split("</math>")[0] and "_" not in text.split("</math>")[0]
    with pytest.raises(CourseError, match=r"the formula \$\\frac\$ cannot be converted"):
        pages.with_formulas(r"$\frac$")


def test_headings_and_predictions_start_slides():
    first, second, third = slides_of(
        new_markdown_cell("One.\n\n### Detail\n\nTwo.\n\n**Predict**: what comes?"),
        new_code_cell("print(1)", outputs=[said("1\n")]),
        new_markdown_cell("One came."),
    )
    assert shown(first) == ["## 1.1 Section", "One."] and first.kind == "slide"
    assert shown(second) == ["### Detail", "Two."] and second.kind == "subslide"
    assert shown(third) == ["**Predict**: what comes?", "print(1)", "text", "One came."]
    assert [block.start for block in third.blocks] == ["subslide", "", "fragment", ""]
    assert (first.head, third.head) == ("", "1.1 Section")


def test_an_output_that_does_not_fit_comes_next_with_its_reading():
    source = "\n".join(f"a = {i}" for i in range(14))
    first, second = slides_of(
        new_code_cell(source, outputs=[picture()]), new_markdown_cell("It is black.")
    )
    assert shown(first) == ["## 1.1 Section", source]
    assert shown(second) == ["picture", "It is black."]
    (output,) = second.blocks[0].cell.outputs
    assert output.metadata["image/png"]["width"] > 800  # alone, it may be larger


def test_long_prose_code_and_output_are_split():
    words = "\n\n".join(f"Paragraph {i} " + 60 * "word " for i in range(6))
    assert len(slides_of(new_markdown_cell(words))) >= 3
    source = "\n\n".join(f"def f{i}():\n    return {i}\n" for i in range(12))
    many = slides_of(new_code_cell(source, outputs=[said("\n".join(map(str, range(60))))]))
    assert "".join(
        b.cell.source.replace("\n", "") for s in many for b in s.blocks if b.kind == "code"
    ) == source.replace("\n", "")
    printed = [b.cell.outputs[0].text for s in many for b in s.blocks if b.kind == "text"]
    assert "\n".join(printed).split("\n") == [str(i) for i in range(60)]
    assert all(slide.height <= ROOM for slide in many)


def test_a_long_table_is_split_under_its_head():
    row = "| " + 12 * "word " + "| " + 12 * "한글 " + "|"
    head = ["| one | two |", "|---|---|"]
    text = "\n".join([*head, *(f"{row} {i} |" for i in range(14))])
    made = slides_of(new_markdown_cell(text))
    parts = [b.cell.source.splitlines() for s in made for b in s.blocks if b.kind == "prose"]
    assert len(parts) >= 2 and all(part[:2] == head for part in parts)
    assert sum((part[2:] for part in parts), []) == text.splitlines()[2:]
    assert all(slide.height <= ROOM for slide in made)


def test_the_source_has_the_last_word():
    def typed(cell, kind):
        cell.metadata["slideshow"] = {"slide_type": kind}
        return cell

    made = slides_of(
        new_markdown_cell("One."),
        typed(new_markdown_cell("Two."), "subslide"),
        typed(new_markdown_cell("**Predict**: three?"), "-"),
        typed(new_markdown_cell("Four."), "skip"),
        typed(new_markdown_cell("Five."), "notes"),
        typed(new_markdown_cell("Six."), "fragment"),
        typed(new_markdown_cell("### Seven"), "slide"),
    )
    assert [shown(slide) for slide in made] == [
        ["## 1.1 Section", "One."],
        ["Two.", "**Predict**: three?", "Six."],
        ["### Seven"],
    ]
    assert [slide.kind for slide in made] == ["slide", "subslide", "slide"]
    assert made[1].blocks[2].start == "fragment"


def test_imports_questions_and_folded_answers():
    question = new_output(
        "execute_result", {"text/plain": "Which?\n  ○ one\n(run this cell to choose)"}
    )
    made = slides_of(
        new_code_cell("import a\nfrom b import c"),
        new_code_cell('ask("x")', outputs=[question], metadata={"tags": ["question"]}),
        new_markdown_cell("<details><summary>Answers</summary>\n\nOne.\n\nTwo.\n\n</details>"),
    )
    assert shown(made[0]) == ["## 1.1 Section", "text"]
    assert made[0].blocks[1].cell.outputs[0].text == "Which?\n  ○ one"
    assert made[1].blocks[0].cell.source.startswith("<details open>") and len(made[1].blocks) == 1


def test_markdown_is_cut_between_blank_lines_only():
    parts = ["## Head", "- a\n- b", "```python\nx = 1\n\n# no heading\n```", "> quoted"]
    parts += ["<details><summary>A</summary>\n\nB\n\n</details>", "| a |\n|---|\n| b |"]
    assert slide_pieces.split_markdown("\n\n".join(parts)) == parts
    assert slide_pieces.split_markdown("## Head\ntext") == ["## Head", "text"]


def test_a_notebook_without_outputs_or_none_at_all_is_named(tmp_path):
    path = tmp_path / "03_x.ipynb"
    with pytest.raises(CourseError, match="03_x.ipynb cannot be read as a notebook"):
        deck.write_deck(path, tmp_path)
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), path)
    with pytest.raises(CourseError, match="no stored outputs: run `uv run course refresh 3` first"):
        deck.write_deck(path, tmp_path)


def test_a_missing_reveal_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(deck, "REVEAL", "no-such-package")
    with pytest.raises(CourseError, match="run `uv sync`, or `pip install no-such-package`"):
        deck.reveal_file("reveal.js")


def test_the_command_writes_what_is_named(monkeypatch, tmp_path, capsys):
    asked = []

    def write(path, folder):
        asked.append((path, folder))
        return folder / f"{path.stem}.html", 7

    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(deck, "write_deck", write)
    assert cli.main(["slides", "2"]) == 0
    assert asked == [(CHAPTERS[1], tmp_path / "build" / "slides")]
    assert "build/slides/02_cnn.html: 7 slides" in capsys.readouterr().out
    assert cli.main(["slides"]) == 0 and len(asked) == 1 + len(CHAPTERS)
    assert cli.main(["slides", "9"]) == 1
    assert capsys.readouterr().err.startswith("course slides: no chapter '9'")
