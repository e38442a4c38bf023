"""What a saved notebook keeps of explorers and questions: all that its outputs show, no more."""

import ast
import base64
import copy
import functools
import importlib
import io
import json

import nbformat
import pytest
from answering import every_answer
from ipywidgets.embed import dependency_state
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from test_explorers_detection import MAKERS as DETECTION
from test_explorers_engine import MAKERS as FIRST
from test_explorers_evolution import MAKERS as EVOLUTION
from test_explorers_generation import make
from test_explorers_segmentation import MAKERS as SEGMENTATION
from test_explorers_style import by_hand

from course_utils import exercises
from course_utils.command import kernels, saved_widgets
from course_utils.command.editions.edition import edition
from course_utils.command.editions.pages import read_chapter
from course_utils.command.saved_widgets import STATE, VIEW, complete, reached, stored_models, views
from course_utils.exercises.questions import asked
from course_utils.explorers.generation import latent_explorer
from notebooks_as_files import CHAPTERS, ROOT, read

LARGEST = 400_000  # bytes of one explorer in a file; a chapter has up to eight
EXPLORERS = {**FIRST, **DETECTION, **EVOLUTION, **SEGMENTATION,
             "noise": lambda: latent_explorer(make()), "style": by_hand}  # fmt: skip
TABLES = [
    module.QUESTIONS
    for file in sorted((ROOT / "course_utils" / "exercises").glob("*/questions.py"))
    for module in [importlib.import_module(f"{exercises.__name__}.{file.parent.name}.questions")]
]
QUESTIONS = [question for table in TABLES for question in table.values()]


def calls_of_explorer():
    """How many places of the package make an Explorer: by a call, or as a class of their own."""
    count = 0
    for file in (ROOT / "course_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = node.bases if isinstance(node, ast.ClassDef) else [getattr(node, "func", None)]
            count += sum(getattr(name, "id", "") == "Explorer" for name in names)
    return count


@functools.cache
def made(name):
    """The explorer of a name."""
    return EXPLORERS[name]()


def stored(widget):
    """The models of a widget as a notebook's file has them, and their size in bytes."""
    models = json.loads(text := json.dumps(dependency_state(widget)))
    return models, len(text)


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_explorer_can_be_stored_as_it_was_left(name):
    explorer = made(name)
    models, size = stored(explorer)
    assert size < LARGEST
    assert reached(models, [explorer.model_id]).keys() == models.keys()
    (picture,) = [model for model in models.values() if model.get("buffers")]
    assert picture["state"]["alt"] == explorer.picture.alt
    assert [buffer["path"] for buffer in picture["buffers"]] == [["content"]]


def test_no_explorer_is_left_out():
    titles = {made(name)._title for name in EXPLORERS}
    assert len(titles) == calls_of_explorer() == len(EXPLORERS)


def test_every_question_can_be_stored_with_its_answer():
    assert len(TABLES) >= len(CHAPTERS)
    for question in QUESTIONS:
        shown = asked(question)
        for right, said in every_answer(shown):
            models, size = stored(shown)
            texts = [model["state"].get("text") or "" for model in models.values()]
            mark = "✓ Right." if right else "✗ Not "
            assert any(text.startswith(mark) and said in text for text in texts)
            assert size < 30_000
            assert reached(models, [shown.model_id]).keys() == models.keys()


# what the server does with a notebook before it is written


class Contents:
    """Stands for Jupyter's manager of files."""

    def __init__(self, folder):
        self.root_dir = str(folder)


def shows(name, **data):
    """A code cell whose output shows a model."""
    data = {VIEW: {"model_id": name, "version_major": 2}, "text/plain": "?", **data}
    return new_code_cell("show()", outputs=[new_output("execute_result", data)])


def box(*children):
    return {"state": {"children": [f"IPY_MODEL_{child}" for child in children]}}


def book(cells, models=None):
    metadata = {} if models is None else {"widgets": {STATE: {"state": models}}}
    return new_notebook(cells=[new_markdown_cell("# T"), *cells], metadata=metadata)


@pytest.fixture
def save(tmp_path):
    """Function: save a notebook as JupyterLab's server does; returns the models in its file."""
    file = tmp_path / "한글.ipynb"

    def save(notebook):
        content = copy.deepcopy(notebook)
        complete(model={"type": "notebook", "content": content}, path=file.name,
                 contents_manager=Contents(tmp_path))  # fmt: skip
        nbformat.validate(content)
        nbformat.write(content, file)
        return stored_models(read(file))

    save.file = file
    return save


TEXT = {"state": {"text": "✓ Right."}}


def test_models_of_cells_that_ran_again_are_left_out(save):
    models = {"old": box("a"), "a": TEXT, "new": box("b"), "b": TEXT, "alone": TEXT}
    assert save(book([shows("new")], models)).keys() == {"new", "b"}


def test_models_of_another_day_are_kept_as_long_as_an_output_shows_them(save):
    save(book([shows("one"), shows("two")], {"one": box("a"), "a": TEXT, "two": TEXT}))
    later = book([shows("one"), shows("again")], {"again": TEXT})  # the second cell ran again
    for _ in range(3):
        kept = save(later)
        assert kept == {"one": box("a"), "a": TEXT, "again": TEXT}
    assert save(book([shows("one")], {})).keys() == {"one", "a"}
    assert save(book([new_code_cell("1")], {})) == {}
    assert "widgets" not in read(save.file).metadata


def test_what_the_kernel_says_is_newer_than_the_file(save):
    save(book([shows("one")], {"one": {"state": {"text": "✗ Not this one."}}}))
    assert save(book([shows("one"), shows("lost")], {"one": TEXT})) == {"one": TEXT}


@pytest.mark.parametrize(
    "there", [None, b"", b"{", b"[]", b"\xff", b'{"metadata": {"widgets": 1}}']
)
def test_a_file_that_cannot_be_read_does_not_stop_a_save(save, there):
    if there is not None:
        save.file.write_bytes(there)
    assert save(book([shows("one"), shows("two")], {"one": TEXT})) == {"one": TEXT}


def test_nothing_is_added_where_the_setting_is_off(save):
    save(book([shows("one")], {"one": TEXT}))
    assert save(book([shows("one")])) == {}


def test_what_is_no_notebook_is_left_alone(tmp_path):
    for kind in ("file", "directory"):
        model = {"type": kind, "content": "text"}
        complete(model=model, path="x.txt", contents_manager=Contents(tmp_path))
        assert model == {"type": kind, "content": "text"}


def test_a_chapter_run_in_part_is_trusted_by_what_ran_in_it(save):
    """Or its widgets would not show again: Jupyter trusts a notebook as a whole."""
    chapter = read(CHAPTERS[0])
    chapter.cells[40:40] = [shows("one"), shows("two", **{"text/html": "<b>"})]
    for cell, trusted in zip(chapter.cells[40:42], (True, False), strict=True):
        cell.metadata["trusted"] = trusted
    model = {"type": "notebook", "content": chapter}
    complete(model=model, path="x.ipynb", contents_manager=Contents(save.file.parent))
    assert not NotebookNotary().check_cells(copy.deepcopy(chapter))
    assert chapter.cells[41].metadata.trusted is False
    chapter.cells[41].metadata["trusted"] = True  # as if it had run here, too
    assert NotebookNotary().check_cells(chapter)


def test_a_foreign_widget_is_not_trusted(save):
    """Nor anything else that could run in the page, whatever stands beside it."""
    for mime in (VIEW, "text/html", "application/javascript", "image/svg+xml"):
        cell = new_code_cell(
            "x", outputs=[new_output("display_data", {mime: "x", "image/png": ""})]
        )
        saved_widgets.trust_harmless(book([cell]))
        assert "trusted" not in cell.metadata, mime


def test_the_courses_own_lab_loads_it():
    config = json.loads((kernels.LAB_CONFIG / "jupyter_server_config.json").read_text("utf-8"))
    (name,) = config["ServerApp"]["jpserver_extensions"]
    assert importlib.import_module(name) is saved_widgets


# what comes out of a notebook that was saved with its widgets


def test_editions_and_pages_have_still_pictures(tmp_path):
    drawn = io.BytesIO()
    Image.new("L", (2, 2)).save(drawn, format="PNG")
    picture = base64.b64encode(drawn.getvalue()).decode()
    source = book([shows("one", **{"image/png": picture})], {"one": TEXT})
    source.cells[0].source = "# T"
    nbformat.write(source, tmp_path / "01_x.ipynb")
    made = edition(source, copy.deepcopy(source.cells), "student", tmp_path, tmp_path)
    for notebook in (made, read_chapter(tmp_path / "01_x.ipynb")):
        assert stored_models(notebook) == {} and "widgets" not in notebook.metadata
        assert [views(cell) for cell in notebook.cells] == [[], []]
        assert set(notebook.cells[1].outputs[0].data) == {"text/plain", "image/png"}
