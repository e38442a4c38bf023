"""A room of students: `uv run python tests/benchmarks/room.py [1 2 5] [--chapter 2]`.

One, two and five kernels at once run all of a chapter on this machine. Each decides by itself how
many threads it takes (`course_utils.doctor.set_threads`), and in a second row has as many as there
are cores. An OMP_NUM_THREADS of the shell is not passed on.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

sys.path.append(str(Path(__file__).resolve().parents[1]))
from chapter_runs import client  # noqa: E402
from results import keep  # noqa: E402

from course_utils.command.kernels import kernel_environment  # noqa: E402
from course_utils.command.notebook_files import find_chapter  # noqa: E402
from course_utils.doctor import THREADS, usable_cores  # noqa: E402
from notebooks_as_files import read  # noqa: E402


class Student(threading.Thread):
    """Runs a notebook in a kernel of its own; `seconds`, `processor` and `peak` are then known."""

    def __init__(self, path, threads, start):
        super().__init__(daemon=True)
        self.runner = client(read(path), path.parent)
        self.runner.timeout = None  # many kernels on few cores take their time
        self.environment = kernel_environment()
        del self.environment[THREADS]
        if threads:
            self.environment[THREADS] = str(threads)
        self.start_together, self.seconds, self.processor, self.peak = start, None, 0, 0

    def run(self):
        self.start_together.wait()
        begun = time.perf_counter()
        try:
            self.runner.execute(env=self.environment)
        except DeadKernelError:  # it was left behind
            return
        self.seconds = time.perf_counter() - begun

    def look(self):
        """Note what the kernel has used up to now: seconds of the processor, bytes of memory."""
        manager = self.runner.km
        try:
            kernel = psutil.Process(manager.provisioner.process.pid)
            family = [kernel, *kernel.children(recursive=True)]
            self.peak = max(self.peak, sum(process.memory_info().rss for process in family))
            self.processor = max(self.processor, sum(kernel.cpu_times()[:4]))
        except (AttributeError, psutil.Error):  # it has not begun, or has ended
            pass


def measure(path, count, threads=None, patience=3600):
    """Run a notebook in `count` kernels at once; returns the students.

    threads: of each kernel; None lets it decide. patience: seconds after which a student who is
    not done is left behind, with None for `seconds`.
    """
    start = threading.Barrier(count)
    students = [Student(path, threads, start) for _ in range(count)]
    for student in students:
        student.start()
    end = time.monotonic() + patience
    while any(student.is_alive() for student in students) and time.monotonic() < end:
        for student in students:
            student.look()
        time.sleep(0.1)
    for student in students:
        if student.is_alive():
            psutil.Process(student.runner.km.provisioner.process.pid).kill()
            student.join()
    return students


def main(path, counts, patience=3600):
    """Print and keep a row for each number of kernels, and for each way to choose the threads."""
    for count in counts:
        for name, threads in (("as the course has it", None), ("all cores each", usable_cores())):
            students = measure(path, count, threads, patience)
            took = [student.seconds for student in students]
            done = [seconds for seconds in took if seconds is not None]
            last = f"{max(took):.0f}" if len(done) == count else f"not done after {patience}"
            said = {
                "seconds until all are done": last,
                "done": f"{len(done)} of {count}",
                "processor seconds": f"{sum(student.processor for student in students):.0f}",
                "peak memory of a kernel": f"{max(s.peak for s in students) / 1e9:.2f} GB",
                "of all": f"{sum(student.peak for student in students) / 1e9:.2f} GB",
            }
            row = f"{path.stem}, {count} kernel{'s' * (count > 1)}, {name}"
            print(f"{row}: {said}", flush=True)
            keep("room", row, said)


def small():
    """A notebook of one cell in two kernels."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "00_small.ipynb"
        cell = new_code_cell("from course_utils import doctor\ndoctor.set_threads()")
        path.write_text(nbformat.writes(new_notebook(cells=[cell])), encoding="utf-8")
        main(path, [2], patience=120)


if __name__ == "__main__":
    os.environ["TQDM_DISABLE"] = "1"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="*", type=int, default=[1, 2, 5])
    parser.add_argument("--chapter", default="2")
    parser.add_argument("--patience", type=int, default=1200, help="seconds, of each row")
    given = parser.parse_args()
    main(find_chapter(given.chapter), given.counts, given.patience)
