"""Handouts: one file a chapter, with alt texts, folded solutions, and nothing from elsewhere."""

import pytest
from bs4 import BeautifulSoup
from test_slides import resources

from course_utils.command import cli, editions, pages
from notebooks_as_files import CHAPTERS, exercises, read


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def made(request, tmp_path_factory):
    """A chapter's path and its handout as a parsed page."""
    page = pages.write_handout(request.param, tmp_path_factory.mktemp("handout"))
    return request.param, BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(made):
    _, page = made
    assert all(address.startswith("data:") for address in resources(page))
    assert not page.find_all("script")


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
    assert all(cell.source.strip() in boxes for cell in code)
    texts = [o.get("data", {}).get("text/plain", "") for cell in code for o in cell.outputs]
    moves = [text for text in texts if "run this cell to move it" in text]
    assert len(page.select(".still")) == len(moves) >= 3


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
