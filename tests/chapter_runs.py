"""Chapters run in other orders than from top to bottom: cells doubled, from a restart, cut off."""

import copy
import os
import signal
import tempfile
import threading
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from stored_outputs import IGNORED, TRAINED, cell_difference

from course_utils.command.authors import name_figures
from course_utils.command.editions.edition import write_student
from course_utils.command.editions.live import write_live
from course_utils.command.kernels import kernel_environment
from course_utils.command.progress.solved import exercise_states
from notebooks_as_files import code_cells, parts, read, tags

TIMEOUT_S = 600  # longest cell: the slowest machine, beside other programs


def client(notebook, folder):
    """A client that runs the cells of a notebook in a kernel of their own: see `execute`."""
    resources = {"metadata": {"path": str(folder)}}
    options = {"timeout": TIMEOUT_S, "kernel_name": "python3", "record_timing": False}
    return NotebookClient(notebook, resources=resources, **options)


def execute(runner, **variables):
    """Run all of a client's cells, with these variables of the environment, too."""
    runner.execute(env=kernel_environment(**variables))


def run(cells, folder, **variables):
    """Execute copies of cells in one fresh kernel; returns the executed ones. An error raises.

    variables: of the kernel's environment.
    """
    cells = [copy.deepcopy(cell) for cell in cells]
    for number, cell in enumerate(cells):
        cell.id, cell.outputs = f"cell-{number}", []  # the same cell may come twice
    notebook = nbformat.v4.new_notebook(cells=cells)
    execute(client(notebook, folder), **variables)
    return notebook.cells


def compare(pairs):
    """Pairs of (wanted, found) cells → (number compared, list of sentences on what differs)."""
    compared = [(one, other) for one, other in pairs if IGNORED not in tags(one)]
    found = []
    for one, other in compared:
        name_figures(other.outputs, one.metadata.get("alt", ()))
        problem = cell_difference(one.outputs, other.outputs, TRAINED in tags(one))
        found += [f"{one.source.splitlines()[0]!r}: {problem}"] if problem else []
    return len(compared), found


def doubled(path):
    """Run every code cell twice in a row: both outputs are the stored one."""
    stored = code_cells(read(path))
    cells = run([cell for cell in stored for _ in range(2)], path.parent)
    first, second = cells[::2], cells[1::2]
    return compare([*zip(stored, first, strict=True), *zip(stored, second, strict=True)])


def restarts(found):
    """Lists of sections to run after a restart, such that each section is the last of some run.

    A run that begins with what a section needs, and nothing else, and goes on with it and then
    with others, tests that section: so that a chain of sections takes one run.
    """
    order = list(found)

    def closure(name):
        names = {"start", name}.union(*(closure(other) for other in found[name].needs))
        return sorted(names, key=order.index)

    runs, left = [], set(order)
    for name in reversed(order):
        if name in left:
            runs.append(closure(name))
            done = runs[-1]
            left -= {it for place, it in enumerate(done) if closure(it) == done[: place + 1]}
    return runs[::-1]


def from_restarts(path):
    """Restart at each section, run what it names and then it: outputs are the stored ones."""
    found, count, problems = parts(read(path)), 0, []
    for names in restarts(found):
        stored = [cell for name in names for cell in found[name].code]
        number, differing = compare(zip(stored, run(stored, path.parent), strict=True))
        count, problems = count + number, problems + differing
    return count, problems


def live_edition(path):
    """Run the instructor's edition as it is, so that it fills itself in: outputs are the stored."""
    with tempfile.TemporaryDirectory() as folder:
        cells = code_cells(read(write_live(path, Path(folder)).path))
    found = zip(cells, run(cells, path.parent), strict=True)
    found = [cell for before, cell in found if "live-start" not in tags(before)]
    return compare(zip(code_cells(read(path)), found, strict=True))


def student_edition(path):
    """Run the student's edition: outputs are the stored ones, no exercise is attempted."""
    with tempfile.TemporaryDirectory() as folder:
        edition = read(write_student(path, Path(folder))[0])
    stored, cells = code_cells(read(path)), code_cells(edition)
    edition.cells = run(cells, path.parent)
    count, problems = compare(zip(stored, edition.cells, strict=True))
    states = exercise_states(edition).items()
    return count, problems + [
        f"{name}: {state}" for name, state in states if state != "not attempted"
    ]


def killed(path, cell_id, after):
    """Run up to a cell and kill the kernel `after` seconds into it; True if it was killed there."""
    notebook = read(path)
    notebook.cells = code_cells(notebook)
    place = [cell.id for cell in notebook.cells].index(cell_id)
    runner, reached = client(notebook, path.parent), []

    def strike(cell, cell_index):
        if cell_index == place:
            reached.append(cell.id)
            provisioner = runner.km.provisioner
            threading.Timer(after, os.kill, (provisioner.process.pid, signal.SIGKILL)).start()

    runner.on_cell_execute = strike
    try:
        execute(runner)
    except DeadKernelError:
        return bool(reached)
    return False
