"""The tests of chapters in the browser find what is wrong: dead, broken, and other outputs."""

import base64
import io
import json

import numpy as np
import pytest
from explorer_moves import move_everything
from lab_server import CHAPTERS, run_notebook
from PIL import Image
from stored_outputs import (
    TRAINED,
    code_cells,
    differences,
    errors,
    picture_difference,
    pictures,
)
from test_chapters import broken_widgets

CONTROL = """
import anywidget, ipywidgets
from IPython.display import display
from matplotlib.figure import Figure
from course_utils.explorers.engine import Explorer, slider

def make(title, alive):
    figure = Figure(figsize=(3, 2))
    line, = figure.subplots().plot([0, 1])
    def draw(height):
        if alive:
            line.set_ydata([0, height / 10])
        return f"height {height}" if alive else "nothing ever changes"
    controls = {"height": slider("height", 0, 9, 5)}
    return Explorer(title, figure, {"line": line}, controls, draw)

class Throws(anywidget.AnyWidget):
    _esm = "export default { render() { throw new Error('thrown on purpose'); } }"

class Nowhere(ipywidgets.DOMWidget):
    _view_module = _model_module = "nowhere"
    _view_name = _model_name = "Nowhere"
    _view_module_version = _model_module_version = "1.0.0"

def show_closed():
    view = {"model_id": "gone", "version_major": 2, "version_minor": 0}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
"""


def code_cell(source, *outputs):
    """A code cell of an .ipynb dict."""
    base = {"cell_type": "code", "metadata": {}}
    return base | {"source": source, "outputs": list(outputs), "execution_count": None}


@pytest.fixture
def control(chromium, lab, artifacts):
    """Function of code cells → a notebook of them after Run All."""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}}

    def run(*sources):
        cells = [code_cell(source) for source in (CONTROL, *sources)]
        (lab.root / "control.ipynb").write_text(json.dumps(notebook | {"cells": cells}), "utf-8")
        return run_notebook(chromium, lab, "control.ipynb", artifacts)

    return run


def test_a_dead_explorer_is_found(control):
    """Control: the same hands find a slider without effect, and nothing wrong beside it."""
    with control("make('Alive', True)", "make('Dead', False)") as opened:
        assert errors(opened.live()) == broken_widgets(opened) == []
        alive, dead = opened.explorers()
        move_everything(alive)
        with pytest.raises(AssertionError, match="no new picture"):
            move_everything(dead)


def test_broken_widgets_are_found(control):
    """Control: widgets that throw, have no JavaScript, have no model; and a cell's error."""
    with control("Throws()", "Nowhere()", "show_closed()", "1 / 0") as opened:
        assert len(errors(opened.live())) == 1
        found = broken_widgets(opened)
    assert {"thrown on purpose", "Click to show javascript error"} < set(found)
    assert {"Loading widget", "Error displaying widget"} & set(found)


def notebook(
    shade=200, size=(32, 24), text="one\n", kind="image/png", caption="gray", at=2, tags=()
):
    """A notebook of one cell that says something and shows a picture: a darker stripe on gray."""
    file, pixels = io.BytesIO(), Image.new("RGB", size, (shade, shade, shade))
    pixels.paste((shade - 60,) * 3, (at, 0, at + 4, size[1]))
    pixels.save(file, format="PNG")
    picture = {kind: base64.b64encode(file.getvalue()).decode(), "text/plain": caption}
    shown = {"output_type": "display_data", "data": picture, "metadata": {}}
    said = {"output_type": "stream", "name": "stdout", "text": text}
    cell = code_cell("draw()", said, shown)
    cell["metadata"]["tags"] = list(tags)
    return {"cells": [cell]}


CHANGES = {"picture": {"shade": 180}, "size": {"size": (24, 32)}, "text": {"text": "two\n"},
           "kind": {"kind": "image/jpeg"}, "caption": {"caption": "green"}}  # fmt: skip


@pytest.mark.parametrize("changed", CHANGES)
def test_a_different_output_is_found(changed):
    """Control: outputs that differ in one thing are reported, equal ones are not."""
    assert differences(notebook(), notebook()) == []
    assert len(differences(notebook(), notebook(**CHANGES[changed]))) == 1


@pytest.mark.parametrize("changed", CHANGES)
def test_what_was_trained_may_look_otherwise(changed):
    """Control: only a picture's pixels may differ there."""
    found = differences(notebook(tags=[TRAINED]), notebook(**CHANGES[changed]))
    assert len(found) == (changed != "picture")


@pytest.mark.parametrize("wrong", [{"shade": 150}, {"at": 20}, {"at": 40}])
def test_a_trained_picture_that_is_another_one_is_found(wrong):
    """Control: much darker; the stripe elsewhere; no stripe, where the rest is the same."""
    assert len(differences(notebook(tags=[TRAINED]), notebook(**wrong))) == 1


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_blank_or_mirrored_picture_passes_as_trained(path):
    """Control: of each stored picture with the tag."""
    for cell in code_cells(json.loads(path.read_text(encoding="utf-8"))):
        if TRAINED in cell["metadata"].get("tags", []):
            for shown in pictures(cell["outputs"]):
                blank = np.full_like(shown, np.median(shown))
                assert picture_difference(shown, shown, trained=True) is None
                assert picture_difference(shown, blank, trained=True), cell["id"]
                assert picture_difference(shown, shown[:, ::-1], trained=True), cell["id"]
