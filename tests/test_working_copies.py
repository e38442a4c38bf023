"""Working copies: what was typed is never lost, and a chapter that changed is there, too."""

import json
import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbformat.validator import normalize

from course_utils.command.editions.working_copies import look, prepare
from course_utils.command.notebook_files import as_bytes
from course_utils.command.saved_widgets import STATE, VIEW
from course_utils.errors import CourseError
from notebooks_as_files import CHAPTERS, read, tags

NAME = "01_sample.ipynb"


@pytest.fixture
def chapter(tmp_path):
    """A chapter with a link, a cell with output, and an exercise."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "picture.png").touch()
    text = "# 1 · Sample\n\n![a picture](picture.png) and [the map](README.md)"
    output = new_output("stream", name="stdout", text="2\n")
    cells = [new_markdown_cell(text), new_code_cell("1 + 1", outputs=[output]),
             new_code_cell("def f():\n    ...")]  # fmt: skip
    path = tmp_path / "notebooks" / NAME
    path.write_bytes(as_bytes(new_notebook(cells=cells)))
    return path


def change(path, number, source):
    """Put another text into a cell of a notebook's file."""
    notebook = read(path)
    notebook.cells[number].source = source
    path.write_bytes(as_bytes(notebook))


def copies(chapter):
    """Prepare the copy; returns the names of the one to open, of the newest, and of all."""
    folder = chapter.parents[1] / "build" / "work"
    found = prepare(chapter, folder)
    assert found.chapter == chapter
    names = sorted(file.name for file in folder.iterdir())
    return found.opened, found.newest, names


def save_as_jupyterlab(file):
    """What its first save does, and Run All, and Shift+Enter on the last cell."""
    notebook = read(file)
    notebook.metadata.language_info = {"name": "python", "version": "3.12.0"}
    for count, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.execution_count = count
            cell.outputs = [new_output("stream", name="stdout", text="run\n")]
            cell.metadata["trusted"] = True
    notebook.cells.append(new_code_cell(""))
    file.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def test_a_copy_is_made_once_and_its_links_lead_where_they_did(chapter):
    before = chapter.read_bytes()
    opened, newest, names = copies(chapter)
    assert opened == newest and names == [NAME] and chapter.read_bytes() == before
    text = read(opened).cells[0].source
    assert "](../../notebooks/picture.png)" in text
    stamp = opened.stat().st_mtime_ns
    assert copies(chapter) == (opened, opened, [NAME]) and opened.stat().st_mtime_ns == stamp


def test_a_copy_without_work_is_replaced_even_after_run_all(chapter):
    opened, _, _ = copies(chapter)
    save_as_jupyterlab(opened)
    assert copies(chapter)[2] == [NAME] and b"run" in opened.read_bytes()  # nothing has changed
    change(chapter, 1, "1 + 2")
    assert copies(chapter) == (opened, opened, [NAME])
    assert read(opened).cells[1].source == "1 + 2"


@pytest.mark.parametrize("typed", ["cell", "new", "deleted", "text"])
def test_work_stays_and_the_new_chapter_lies_beside(chapter, typed):
    opened, _, _ = copies(chapter)
    notebook = read(opened)
    if typed == "new":
        notebook.cells.append(new_markdown_cell("a note"))
    elif typed == "deleted":
        del notebook.cells[1]
    else:
        notebook.cells[0 if typed == "text" else 2].source += " mine"
    opened.write_bytes(as_bytes(notebook))
    mine = opened.read_bytes()
    assert copies(chapter) == (opened, opened, [NAME])
    change(chapter, 1, "1 + 2")
    newer = opened.with_name(f"new_{NAME}")
    for _ in range(2):
        assert copies(chapter) == (opened, newer, [NAME, newer.name])
    assert opened.read_bytes() == mine and read(newer).cells[1].source == "1 + 2"
    change(chapter, 1, "1 + 3")  # nobody has typed in the newer one: it is replaced
    assert copies(chapter) == (opened, newer, [NAME, newer.name])
    assert opened.read_bytes() == mine and read(newer).cells[1].source == "1 + 3"
    change(newer, 2, "mine, too")  # the work goes on in the newer one
    assert copies(chapter) == (newer, newer, [NAME, newer.name])
    change(chapter, 1, "1 + 4")
    newest = opened.with_name(f"new_2_{NAME}")
    assert copies(chapter) == (newer, newest, [NAME, newer.name, newest.name])
    assert opened.read_bytes() == mine and read(newer).cells[2].source == "mine, too"


def test_an_answered_question_is_work(chapter):
    opened, _, _ = copies(chapter)
    notebook = read(opened)
    notebook.cells[1].outputs = [new_output("display_data", data={VIEW: {"model_id": "a"}})]
    for classes, has_work in (([], False), (["course-wrong"], True)):
        model = {"state": {"_dom_classes": classes}, "model_name": "x", "model_module": "y"}
        notebook.metadata["widgets"] = {STATE: {"state": {"a": model}}}
        opened.write_text(json.dumps(notebook), encoding="utf-8")
        assert look(opened)[0] == has_work


@pytest.mark.parametrize("text", ["{", "", '{"cells": [], "metadata": {}, "nbformat": 4}'])
def test_a_file_that_is_no_copy_stays_and_another_one_is_opened(chapter, text):
    opened, _, _ = copies(chapter)
    opened.write_text(text)
    newer = opened.with_name(f"new_{NAME}")
    assert copies(chapter) == (newer, newer, [NAME, newer.name]) and opened.read_text() == text


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are of another kind")
def test_a_folder_that_cannot_be_written_is_told_with_another_way(chapter):
    (chapter.parents[1] / "build").touch()
    with pytest.raises(CourseError, match="cannot be written .* `course lab --source`"):
        prepare(chapter, chapter.parents[1] / "build" / "work")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapters_copy_has_all_its_cells(path, tmp_path):
    notebook = read(prepare(path, tmp_path).opened)
    nbformat.validate(notebook)
    lesson = [cell.id for cell in notebook.cells if "guess" not in tags(cell)]
    assert lesson == [cell.id for cell in read(path).cells]
    assert normalize(notebook)[0] == 0 and look(tmp_path / path.name)[0] is False
