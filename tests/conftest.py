"""What holds for every test: one thread a process, no leftovers of the shell, files side by side.

`uv run pytest` starts a worker for each core, four at most, since a chapter takes up to 2 GB. A
file alone runs without workers, and so does everything with `-n 0`.
"""

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

import recorded_runs
from course_utils.command.kernels import KERNEL
from course_utils.doctor import usable_cores

os.environ.update(KERNEL)  # whatever the shell says
os.environ.pop("MPLBACKEND", None)  # kernels choose the inline backend themselves
os.environ.pop("PYTHONWARNINGS", None)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of some fifty Pythons would compile
sys.dont_write_bytecode = False  # torch anew

MOST_WORKERS = 4
SECONDS = {  # of the files that take longest, on an AMD EPYC: these are begun first
    "test_live": 90, "test_decks": 60, "test_saved": 50, "test_controls": 40, "test_large": 25,
    "test_explorer_faces": 40, "test_editions": 38, "test_exercises": 35, "test_verdicts": 32,
    "test_benchmarks": 31, "test_layouts": 28, "test_distributed": 23, "test_fonts": 18,
    "test_names": 18, "test_korean": 17, "test_cli": 17, "test_collect": 14, "test_interrupts": 13,
    "test_doctor": 13, "test_handout": 13, "test_libraries": 12, "test_picture_ranges": 11,
    "test_slides": 10,
}  # fmt: skip
A_TEST_S = 0.04  # of other files
HUSH_S = 180  # longest time that workers hold still for a measurement
CHAPTER = re.compile(r"(\d\d_\w+)(?:\.ipynb|\])$")  # in the name of a file or a test
LATENCY = Path(__file__).parent / "artifacts" / "latency.txt"


def pytest_xdist_auto_num_workers(config):
    """How many workers `-n auto` means; 0 runs everything in this process."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    cores = usable_cores()
    files = {argument.split("::")[0] for argument in config.args}
    alone = len(files) == 1 and Path(*files).is_file()
    return 0 if alone or cores == 1 else min(cores, MOST_WORKERS)


def pytest_xdist_make_scheduler(config, log):
    """Which tests a worker gets: see `SideBySide`."""
    return SideBySide(config, log)


class SideBySide(LoadScopeScheduling):
    """Units of tests, each run in order by one worker: chapters first, then the longest files.

    A unit is a file, and for a chapter what JupyterLab and then nbval find in it.
    """

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        found = CHAPTER.search(nodeid if "/browser/test_chapters" in file else file)
        return found[1] if found else file

    def _assign_work_unit(self, node):
        def place(scope):
            if "/" not in scope:
                return 0, -int(scope[:2])
            return 1, -SECONDS.get(Path(scope).stem, A_TEST_S * len(self.workqueue[scope]))

        self.workqueue.move_to_end(min(self.workqueue, key=place), last=False)
        super()._assign_work_unit(node)


def pytest_configure(config):
    """Workers meet in a folder; the process that started them keeps it."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(member := Worker(config.workerinput))
    else:
        config.pluginmanager.register(member := Chief())
    config.stash[recorded_runs.FOLDER] = member.meeting
    config.pluginmanager.register(recorded_runs)  # for notebooks/, too, which is not below tests/


class Chief:
    """In the process that reports: tells workers when to end, and collects what they measured."""

    def __init__(self):
        self.meeting, self.lines, self.session = Path(tempfile.mkdtemp()), [], None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        node.workerinput["meeting"] = str(self.meeting)

    def pytest_sessionstart(self, session):
        self.session = session

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            self.lines += [text for name, text in report.user_properties if name == "measured"]
        if self.session.shouldfail or self.session.shouldstop:  # as after a failure with -x
            (self.meeting / "end").touch()

    def pytest_terminal_summary(self, terminalreporter):
        if self.lines:
            LATENCY.parent.mkdir(exist_ok=True)
            LATENCY.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
            terminalreporter.section("chapters in the browser")
            for line in self.lines:
                terminalreporter.write_line(line)

    def pytest_unconfigure(self):
        shutil.rmtree(self.meeting, ignore_errors=True)


class Worker:
    """In a worker: between two tests it ends if the run has, and waits while others measure."""

    def __init__(self, given):
        self.meeting, self.name = Path(given["meeting"]), given["workerid"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item):
        while self.others_measure():
            time.sleep(0.2)
        if (self.meeting / "end").exists():
            item.session.shouldstop = "the run has ended"
            return True
        return None

    def others_measure(self):
        flags = set(self.meeting.glob("hush-*")) - {self.meeting / f"hush-{self.name}"}
        try:
            return any(time.time() - flag.stat().st_mtime < HUSH_S for flag in flags)
        except FileNotFoundError:  # gone since
            return True


@pytest.fixture
def stop_painting(monkeypatch):
    """Function after which explorers set their artists and say their text, but paint nothing."""
    from course_utils.explorers import engine

    def stop():
        monkeypatch.setattr(engine.Explorer, "_paint", lambda self: None)
        monkeypatch.setattr(engine, "encode", lambda *_: b"")

    return stop


@pytest.fixture
def unpainted(stop_painting):
    """Explorers that paint nothing from the start: for many states."""
    stop_painting()


@pytest.fixture(scope="session")
def page_of(pytestconfig):
    """Function (`write_deck` or `write_handout`, a chapter's path) → the page, to be read only.

    It is written once in a run of the tests, by the worker that asks first.
    """

    def find(write, path):
        folder = pytestconfig.stash[recorded_runs.FOLDER] / write.__name__
        page = folder / f"{path.stem}.html"
        if not page.exists():
            folder.mkdir(exist_ok=True)
            own = Path(tempfile.mkdtemp(dir=folder.parent))  # another worker may write it, too
            write(path, own).replace(page)
        return page

    return find


@pytest.fixture(autouse=True)
def no_figure_is_left_open():
    """A test's own figures end with it: others count the open ones."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
