"""nbval accepts from a record what it accepts from a kernel, and nothing else."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbval.plugin import NbCellError
from stored_outputs import code_cells

from recorded_runs import Chapter, RecordedKernel


def executed():
    """A notebook of three executed cells."""
    stream = new_output("stream", name="stdout", text="one\n")
    value = new_output("execute_result", {"text/plain": "2"}, execution_count=2)
    widget = {"text/plain": "a figure", "application/vnd.jupyter.widget-view+json": {"model_id": 1}}
    cells = [
        new_code_cell("print('one')", outputs=[stream], execution_count=1),
        new_markdown_cell("# A title"),
        new_code_cell("1 + 1", outputs=[value], execution_count=2),
        new_code_cell("explore()", outputs=[new_output("display_data", widget)], execution_count=3),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def judged(request, tmp_path):
    """Function of two notebooks, stored and live: compares them as a run of the tests does."""

    def judge(stored, live):
        path = tmp_path / "chapter.ipynb"
        nbformat.write(stored, path)
        chapter = Chapter.from_parent(request.session, path=path)
        chapter.kernel = RecordedKernel(code_cells(live))
        for cell in chapter.collect():
            cell.runtest()

    return judge


def test_equal_outputs_pass_and_widgets_are_no_difference(judged):
    stored = executed()
    del stored.cells[3].outputs[0].data["application/vnd.jupyter.widget-view+json"]
    judged(stored, executed())


CHANGES = {
    "text": lambda cells: cells[0].outputs[0].update(text="two\n"),
    "value": lambda cells: cells[2].outputs[0].data.update({"text/plain": "3"}),
    "caption": lambda cells: cells[3].outputs[0].data.update({"text/plain": "another"}),
    "missing": lambda cells: cells[0].outputs.clear(),
    "more": lambda cells: cells[2].outputs.append(copy.deepcopy(cells[0].outputs[0])),
    "kind": lambda cells: cells[3].outputs[0].data.update({"text/html": "<b>"}),
    "error": lambda cells: cells[0].outputs.append(
        new_output("error", ename="ValueError", evalue="no", traceback=["no"])
    ),
    "not run": lambda cells: cells[2].update(execution_count=None),
    "other code": lambda cells: cells[2].update(source="1 + 2"),
    "left out": lambda cells: cells.pop(2),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_difference_is_found(judged, name):
    live = executed()
    CHANGES[name](live.cells)
    with pytest.raises((NbCellError, AssertionError)):
        judged(executed(), live)
