"""Handouts: one file a chapter, with alt texts, folded solutions, and nothing from elsewhere."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_slides import resources

from course_utils.command import cli
from course_utils.command.editions import edition as editions
from course_utils.command.editions import pages
from notebooks_as_files import CHAPTERS, exercises, read, tags


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def made(request, page_of):
    """A chapter's path and its handout as a parsed page."""
    page = page_of(pages.write_handout, request.param)
    return request.param, BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def test_nothing_is_loaded_from_elsewhere(made):
    _, page = made
    assert all(address.startswith("data:") for address in resources(page))


def test_the_contents_lead_to_every_section(made):
    path, page = made
    prose = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    links = page.select("nav a")
    assert [link.get_text() for link in links] == re.findall(r"^## (.*)$", prose, re.M)
    for link in links:
        section = page.find(id=link["href"].removeprefix("#"))
        assert section.find("h2").get_text() == link.get_text()


def test_questions_fold_their_answers(made):
    path, page = made
    asked = [cell for cell in read(path).cells if "question" in tags(cell)]
    boxes = page.select(".celltag_question")
    assert len(boxes) == len(asked) >= 3 and "run this cell to choose" not in page.main.get_text()
    for box in boxes:
        answer = box.find("details")
        assert len(answer.get_text().split()) > 3 and not box.find("pre")
        if "✓" not in answer.get_text():  # a number, or an order
            continue
        options, reasons = box.select("ul")[0].select("li"), answer.select("li")
        assert len(options) == len(reasons) >= 3
        for option, reason in zip(options, reasons, strict=True):
            assert reason.get_text().startswith(option.get_text(), 2)


def test_what_prepares_the_notebook_is_folded(made):
    path, page = made
    folded = page.select("details.preparation")
    assert "check_environment" in folded[0].get_text() and not folded[0].find("h2")
    for box in page.select(".highlight pre"):
        lines = [line for line in box.get_text().splitlines() if line[:1].strip(" )")]
        if all(line.startswith(("from ", "import ")) for line in lines):
            assert box.find_parent("details"), lines


def test_hangul_is_marked_as_korean(made):
    _, page = made
    assert page.select("h1 [lang=ko]") and page.select("nav [lang=ko]")
    for text in page.find_all(string=re.compile("[가-힣]")):
        plain = text.find_parent(["pre", "code", "title", "style", "script"])
        assert plain or text.find_parent(lang="ko"), text


def test_cells_that_are_no_python_or_ask_what_is_not_known_stay(tmp_path):
    asked = new_output("execute_result", {"text/plain": "What?\n(run this cell to choose)"})
    cells = [
        new_markdown_cell("# Own"),
        new_code_cell("%time 1 +", outputs=[asked], metadata={"tags": ["question"]}),
        new_markdown_cell("Text.\n\n## Second\n\nMore."),
    ]
    path = tmp_path / "own.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    page = pages.write_handout(path, tmp_path).read_text(encoding="utf-8")
    assert "What?" in page and "%" in page and ">Second</h2>" in page


def test_every_cell_and_picture_is_there(made):
    path, page = made
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    pictures = [
        (mime, output.metadata[mime]["alt"])
        for cell in code
        for output in cell.outputs
        for mime in ("image/png", "image/jpeg")
        if mime in output.get("data", {})
    ]
    assert [image["alt"] for image in page.find_all("img")] == [alt for _, alt in pictures]
    boxes = [box.get_text().strip() for box in page.select(".jp-Cell-inputWrapper .highlight pre")]
    assert all(c.source.strip() in boxes for c in code if "question" not in tags(c))


def test_solutions_stay_folded(made):
    path, page = made
    folded = page.find_all("details")
    assert len(folded) >= len(exercises(path)) and not any(f.has_attr("open") for f in folded)
    assert all(f.find("summary") for f in folded)


def test_formulas_need_no_script(made):
    path, page = made
    prose = "".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    for box in page.find_all(["pre", "code"]):
        box.extract()
    assert bool(page.find_all("math")) == ("$" in prose)
    assert "$" not in page.find("main").get_text()


def test_it_is_made_for_a_phone_and_says_its_title(made):
    path, page = made
    assert "width=device-width" in page.find("meta", attrs={"name": "viewport"})["content"]
    assert page.html["lang"] == "en" and len(page.find_all("h1")) == 1
    assert page.title.get_text() == page.h1.get_text()
    assert len(page.find_all("main")) == 1


def test_the_command_writes_what_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(editions, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["handout", "1"]) == 0
    size = (tmp_path / "build" / "handout" / "01_image_data.html").stat().st_size / 1e6
    assert capsys.readouterr().out == f"build/handout/01_image_data.html: {size:.1f} MB\n"


def test_each_fold_that_begins_ends():
    """The pieces of one cell are folded each for itself."""
    cells = [
        new_markdown_cell("# 1 · Title"),
        new_code_cell("import a"),
        new_markdown_cell("Before.\n\n## 1.1 First\n\nText."),
    ]
    made = pages.handout_cells(cells)
    assert [cell.metadata.get("fold_ends", False) for cell in made] == [False, False, True, False]
    assert sum("fold_begins" in cell.metadata for cell in made) == 1
