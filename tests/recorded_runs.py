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
from stored_outputs import code_cells, joined

FOLDER = pytest.StashKey[Path]()  # where the records of this run of the tests lie


def record(config, name, notebook):
    """Keep the code cells of the notebook, an .ipynb dict, as they are after Run All of `name`."""
    cells = json.dumps(code_cells(notebook))
    (config.stash[FOLDER] / f"{name}.json").write_text(cells, encoding="utf-8")


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
        self.kernel = RecordedKernel(json.loads(record.read_text(encoding="utf-8")))
        return self.setup_sanitize_files()


class RecordedKernel:
    """Answers as a kernel does that runs executed code cells, dicts, in their order."""

    def __init__(self, cells):
        self.cells = iter(cells)
        self.messages, self.asked = deque(), 0

    def execute_cell_input(self, source, allow_stdin=False):
        """Go on to the cell with this source; returns the number of the request."""
        self.asked += 1
        header = {"parent_header": {"msg_id": self.asked}}
        cell = next((cell for cell in self.cells if joined(cell["source"]) == source), None)
        if cell is None or cell["execution_count"] is None:
            raise AssertionError(f"JupyterLab has not run this cell:\n{source}")
        for output in nbformat.from_dict(cell["outputs"]):
            content = {"metadata": {}, "execution_count": None} | output
            self.messages.append(header | {"msg_type": output.output_type, "content": content})
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
