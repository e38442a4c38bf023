"""Seconds and peak memory of every chapter: `uv run python tests/benchmarks/chapters.py [1 …]`.

Each chapter runs in a fresh kernel at one thread; its notebook is not changed. The seconds of its
sections are the processor's, which a busy neighbour stretches less.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

sys.path.append(str(Path(__file__).resolve().parents[1]))
from chapter_runs import client, execute  # noqa: E402
from results import keep  # noqa: E402

from course_utils.command.cli import CHAPTERS, find_chapter  # noqa: E402
from notebooks_as_files import parts, read  # noqa: E402


def kernel():
    """The kernel's process: this one's child."""
    return psutil.Process().children()[0]


def watch(stop, peak):
    """Note the largest memory of the kernel and its children until `stop` is set."""
    while not stop.wait(0.05):
        try:
            family = [kernel(), *kernel().children(recursive=True)]
            peak[0] = max(peak[0], sum(process.memory_info().rss for process in family))
        except (IndexError, psutil.Error):
            continue


def measure(path):
    """(seconds, processor seconds, peak in bytes, dict of section → processor seconds)."""
    notebook = read(path)
    runner, spent = client(notebook, path.parent), {}
    stop, peak, begun = threading.Event(), [0], [0.0]

    def before(cell, cell_index):
        begun[0] = sum(kernel().cpu_times()[:4])

    def after(cell, cell_index, execute_reply):
        name = names[cell.id]
        spent[name] = spent.get(name, 0) + sum(kernel().cpu_times()[:4]) - begun[0]

    sections = parts(notebook).items()
    names = {cell.id: name for name, section in sections for cell in section.code}
    runner.on_cell_execute, runner.on_cell_executed = before, after
    watcher = threading.Thread(target=watch, args=(stop, peak))
    watcher.start()
    start = time.perf_counter()
    try:
        execute(runner)
    finally:
        stop.set()
        watcher.join()
    return time.perf_counter() - start, sum(spent.values()), peak[0], spent


def main(paths):
    """Print one line a chapter, and keep it."""
    for path in paths:
        seconds, processor, peak, spent = measure(path)
        size = path.stat().st_size / 1e6
        print(f"{path.name}: {seconds:.0f} s, peak {peak / 1e9:.2f} GB, {size:.2f} MB")
        said = {"seconds": f"{seconds:.0f}", "processor seconds": f"{processor:.0f}"}
        said |= {"peak memory": f"{peak / 1e9:.2f} GB", "file": f"{size:.2f} MB"}
        names = {name: name.removeprefix("## ") for name in spent}
        long = [f"{names[name]}: {each:.0f}" for name, each in spent.items() if each >= 1]
        said["sections of a second or more (processor)"] = ", ".join(long)
        print("   ", said["sections of a second or more (processor)"])
        keep("chapters", path.stem, said)


def small():
    """A notebook of two cells."""
    cells = [new_markdown_cell("# A chapter"), new_code_cell("1 + 1")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "00_small.ipynb"
        path.write_text(nbformat.writes(new_notebook(cells=cells)), encoding="utf-8")
        main([path])


if __name__ == "__main__":
    main([find_chapter(name) for name in sys.argv[1:]] or sorted(CHAPTERS.glob("[0-9]*.ipynb")))
