"""A chapter is executed once in a run of the tests: what JupyterLab showed, nbval compares, too.

After Run All without an error, the browser test records the notebook of the page. nbval's cells of
that chapter then take their outputs from the record instead of from a kernel of their own. Where
there is none (no browser, `pytest notebooks`, a cell that failed), nbval runs the chapter itself.
"""

import json
from collections import deque
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile

FOLDER = pytest.StashKey[Path]()  # where the records of this run of the tests lie


def record(config, name, notebook):
    """Keep the notebook, an .ipynb dict, that JupyterLab holds after Run All of `name`."""
    (config.stash[FOLDER] / f"{name}.json").write_text(json.dumps(notebook), encoding="utf-8")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collect_file(file_path, parent):
    """Notebooks as `Chapter`s instead of nbval's own kind."""
    found = yield
    return [
        Chapter.from_parent(parent, path=file_path) if isinstance(it, IPyNbFile) else it
        for it in found
    ]


class Chapter(IPyNbFile):
    """nbval's notebook, whose kernel is the record of a run if there is one."""

    def setup(self):
        record = self.config.stash[FOLDER] / f"{self.path.stem}.json"
        if not record.is_file():
            return super().setup()
        self.kernel = RecordedKernel(nbformat.reads(record.read_text("utf-8"), as_version=4))
        return self.setup_sanitize_files()


class RecordedKernel:
    """Answers as a kernel does that runs the code cells of an executed notebook in their order."""

    def __init__(self, notebook):
        self.cells = iter([cell for cell in notebook.cells if cell.cell_type == "code"])
        self.messages, self.asked = deque(), 0

    def execute_cell_input(self, source, allow_stdin=False):
        """Go on to the cell with this source; returns the number of the request."""
        self.asked += 1
        header = {"parent_header": {"msg_id": self.asked}}
        cell = next((cell for cell in self.cells if cell.source == source), None)
        if cell is None or cell.execution_count is None:
            raise AssertionError(f"JupyterLab has not run this cell:\n{source}")
        for output in cell.outputs:
            self.messages.append(header | {"msg_type": output.output_type, "content": output})
        idle = {"execution_state": "idle"}
        self.messages.append(header | {"msg_type": "status", "content": idle})
        return self.asked

    def get_message(self, stream, timeout=None):
        """The next message of the cell."""
        return self.messages.popleft()

    def await_reply(self, request, timeout=None):
        """Nothing to wait for."""

    await_idle = await_reply

    def is_alive(self):
        """Always."""
        return True

    def stop(self):
        """Nothing to stop."""
