"""Refresh: run a notebook from a fresh kernel and store outputs that repeat."""

import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from course_utils.command.kernels import kernel_environment
from course_utils.command.notebook_files import as_bytes, read_notebook, write
from course_utils.errors import CourseError

KEPT_MIMES = ("text/plain", "image/png", "image/jpeg")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def refresh_notebook(path):
    """Execute the notebook at `path` in place; returns seconds.

    The file changes only after every cell ran: a failing cell leaves it as it was and raises
    CourseError with the cell's source and its error.
    """
    path = Path(path)
    notebook = read_notebook(path)
    start = time.perf_counter()
    run(notebook, path.parent)
    seconds = time.perf_counter() - start
    clean(notebook)
    write(path, as_bytes(notebook))
    return seconds


def run(notebook, folder):
    """Execute all cells in order, in a fresh kernel. Raises CourseError where one fails."""
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=kernel_environment())
    except AssertionError:  # how nbclient ends when it was interrupted
        raise KeyboardInterrupt from None
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as problem:
        raise CourseError(f"a cell failed, the notebook stays as it was:\n{problem}") from None


def clean(notebook):
    """Drop what differs from run to run: widget models, timings, versions, streams cut in two."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": KERNEL,
            "language_info": {"name": "python", "file_extension": ".py"},
        }
    )
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        outputs = []
        for output in cell.outputs:
            if "data" in output:
                kept = {mime: output.data[mime] for mime in KEPT_MIMES if mime in output.data}
                output.data = nbformat.from_dict(kept)
            last = outputs[-1] if outputs else {}
            if output.output_type == "stream" and last.get("name") == output.name:
                last.text += output.text
            else:
                outputs.append(output)
        cell.outputs = outputs
