"""Refresh: outputs that repeat, and a file that is whole or untouched."""

import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.command.authors import clean, name_figures, refresh_notebook
from course_utils.command.saved_widgets import STATE, VIEW
from course_utils.errors import CourseError

CELLS = (
    "print('one')\nprint('two')",
    "import matplotlib.pyplot as plt\nfrom course_utils.figures import show\n"
    "fig, ax = plt.subplots()\nax.plot([1, 3, 2])\nshow(fig)",
    "import ipywidgets\nipywidgets.IntSlider(value=3)",
    "import os\nprint(os.environ['OMP_NUM_THREADS'], plt.get_backend())",
)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    cells = [new_markdown_cell("# T"), *[new_code_cell(source) for source in CELLS]]
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"
    path = tmp_path / "한글 chapter.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_two_refreshes_give_the_same_bytes(notebook):
    assert refresh_notebook(notebook) > 0
    first = notebook.read_bytes()
    refresh_notebook(notebook)
    assert notebook.read_bytes() == first
    cells = nbformat.read(notebook, as_version=4).cells
    assert [cell.execution_count for cell in cells[1:]] == [1, 2, 3, 4]
    assert cells[1].outputs[0].text == "one\ntwo\n" and len(cells[1].outputs) == 1
    assert set(cells[2].outputs[0].data) == {"text/plain", "image/png"}
    assert set(cells[3].outputs[0].data) == {"text/plain"}
    assert cells[4].outputs[0].text == "1 module://matplotlib_inline.backend_inline\n"
    assert os.listdir(notebook.parent) == [notebook.name]


def test_a_figure_gets_the_text_of_its_author(notebook):
    content = nbformat.read(notebook, as_version=4)
    rising = "A line that rises and falls."
    content.cells[2].metadata["alt"] = [rising]
    content.cells[2].source += "\nshow(plt.figure())\nprint('two')"
    nbformat.write(content, notebook)
    refresh_notebook(notebook)
    first, second, _ = nbformat.read(notebook, as_version=4).cells[2].outputs
    assert first.data["text/plain"] == first.metadata["image/png"]["alt"] == rising
    assert second.metadata["image/png"]["alt"] == "An empty figure."


def test_an_explorer_keeps_its_own_text():
    pictures = [{"image/png": "AA", "text/plain": "own", VIEW: {}}, {"image/jpeg": "AA"}]
    outputs = [new_output("display_data", data) for data in pictures]
    name_figures(outputs, ["a photo", "one too many"])
    assert outputs[0].data["text/plain"] == "own" and not outputs[0].metadata
    assert outputs[1].metadata == {"image/jpeg": {"alt": "a photo"}}


def test_a_failing_cell_leaves_the_notebook_as_it_was(notebook):
    content = nbformat.read(notebook, as_version=4)
    content.cells[2].source = "1 / 0"
    nbformat.write(content, notebook)
    before = notebook.read_bytes()
    with pytest.raises(CourseError, match="ZeroDivisionError"):
        refresh_notebook(notebook)
    assert notebook.read_bytes() == before and os.listdir(notebook.parent) == [notebook.name]


@pytest.mark.parametrize("source", ["import os; os._exit(1)", "raise KeyboardInterrupt"])
def test_a_kernel_that_dies_is_one_error(notebook, source):
    content = nbformat.read(notebook, as_version=4)
    content.cells[2].source = source
    nbformat.write(content, notebook)
    before = notebook.read_bytes()
    with pytest.raises(CourseError, match="the notebook stays as it was"):
        refresh_notebook(notebook)
    assert notebook.read_bytes() == before


def test_what_is_no_notebook_is_named(tmp_path):
    (tmp_path / "x.ipynb").write_text("{")
    with pytest.raises(CourseError, match="x.ipynb cannot be read as a notebook"):
        refresh_notebook(tmp_path / "x.ipynb")


def test_only_text_and_pictures_are_kept():
    data = {"text/plain": "x", "text/html": "<b>", "image/svg+xml": "<svg>", "image/png": "AA"}
    cell = new_code_cell("x", outputs=[new_output("display_data", data)])
    book = new_notebook(
        cells=[cell], metadata={"language_info": {"name": "python", "version": "3.11"}}
    )
    clean(book)
    assert set(cell.outputs[0].data) == {"text/plain", "image/png"}
    assert "version" not in book.metadata.language_info


def test_a_chapter_that_was_saved_with_its_widgets_is_stored_without(notebook):
    """JupyterLab saves what the widgets show; what `course refresh` stores knows nothing of it."""
    content = nbformat.read(notebook, as_version=4)
    content.metadata["widgets"] = {STATE: {"state": {"a": {"state": {"value": 3}}}}}
    view = {VIEW: {"model_id": "a"}, "text/plain": "IntSlider(value=3)"}
    content.cells[3].outputs = [new_output("execute_result", view)]
    nbformat.write(content, notebook)
    refresh_notebook(notebook)
    assert "widget" not in notebook.read_text(encoding="utf-8").replace("ipywidgets", "")
