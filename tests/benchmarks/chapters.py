"""Seconds, peak memory and size of every chapter: `uv run python tests/benchmarks/chapters.py`.

Each chapter runs in a fresh kernel at one thread; its notebook is not changed.
"""

import platform
import sys
import threading
import time

import nbformat
import psutil

from course_utils.cli import CHAPTERS, find_chapter
from course_utils.refresh import run


def peak_memory(stop, peak):
    """Watch the memory of this process's children (the kernel) until `stop` is set."""
    while not stop.wait(0.05):
        total = 0
        for child in psutil.Process().children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.Error:
                continue
        peak[0] = max(peak[0], total)


def main(names):
    """Print one line a chapter."""
    paths = [find_chapter(name) for name in names] or sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    print(f"{platform.processor() or platform.machine()}, {psutil.cpu_count()} CPUs")
    for path in paths:
        stop, peak = threading.Event(), [0]
        watcher = threading.Thread(target=peak_memory, args=(stop, peak))
        watcher.start()
        start = time.perf_counter()
        run(nbformat.read(path, as_version=4), path.parent)
        seconds = time.perf_counter() - start
        stop.set()
        watcher.join()
        print(
            f"{path.name}: {seconds:.0f} s, peak {peak[0] / 1e9:.2f} GB, "
            f"{path.stat().st_size / 1e6:.2f} MB"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
