"""Students' answers, each tried in a fresh process: with limits of time and memory, offline.

This runs other people's code. The limits stop accidents (a loop that never ends, an array that
fills the memory, a script that asks the network). They are no wall against somebody who means harm.
"""

import contextlib
import ctypes
import dataclasses
import io
import multiprocessing
import os
import re
import shutil
import socket
import sys
import tempfile
import time
import types
import warnings
from importlib import import_module
from typing import NamedTuple

import psutil

from course_utils.exercises.cases import SEE
from course_utils.exercises.on_demand import NAMES
from course_utils.language import LANGUAGE

TABLES = ("image_data", "cnn", "cnn_evolution", "computer_vision")
SEEDS = (0, 101, 202, 303)  # the cases that the notebook shows, and three sets that it does not
SECONDS, MEGABYTES = 30, 2000
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # of Linux's unshare
RIGHT, UNTOUCHED = "right", "not attempted"
KNOWN_CASES = "right in the notebook's own cases alone"
COPIED = "uses the course's own solution"
TOO_LONG, TOO_LARGE, DIED = "does not end", "needs too much memory", "ends its own process"
DOORS = {"check", "ask", "hint", "guess", "last_case"}


class Verdict(NamedTuple):
    """What came of an answer. state: RIGHT, UNTOUCHED, or the mistake's name. said: in full."""

    state: str
    said: str = ""


class UsesTheSolution(BaseException):
    """The answer asks for the exercises' references."""


def exercise_tables():
    """Dict of an exercise's name → the name of the table that it stands in."""
    modules = {table: import_module(f"course_utils.exercises.{table}") for table in TABLES}
    return {name: table for table, module in modules.items() for name in module.EXERCISES}


def try_all(answers, seconds=SECONDS, megabytes=MEGABYTES, workers=None):
    """Try answers, several at a time, each in a process of its own.

    answers: list of Answer. seconds, megabytes: the limits of one process. workers: how many run
    at a time; None takes half of the cores. Yields (answer, Verdict) in the order in which they
    end.
    """
    tables, waiting, running = exercise_tables(), list(answers)[::-1], []
    workers = workers or max(1, (os.cpu_count() or 2) // 2)
    context = _context()
    while waiting or running:
        while waiting and len(running) < workers:
            answer = waiting.pop()
            early = _before_running(answer, tables)
            if early:
                yield answer, early
            else:
                running.append(_Trial(context, answer, tables[answer.exercise], seconds, megabytes))
        for trial in [*running]:
            verdict = trial.verdict()
            if verdict:
                running.remove(trial)
                yield trial.answer, verdict
        time.sleep(0.01)


def _context():
    """How processes are made: forked from one that has imported the course, where that exists."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    tables = [f"course_utils.exercises.{table}.doors" for table in TABLES]
    context.set_forkserver_preload([__name__, *tables])
    first = context.Process(target=_nothing)
    with _without_main():
        first.start()  # so that no answer waits for the imports
    first.join()
    return context


def _nothing():
    """What the first process does."""


def _before_running(answer, tables):
    """The verdict on an answer that need not, or cannot, be run; else None."""
    if answer.problem:
        return Verdict(f"raises {answer.problem.split(':')[0]}", answer.problem)
    if answer.exercise not in tables:
        return Verdict("no such exercise", f"the course has no exercise {answer.exercise!r}")
    return None


class _Trial:
    """A process that tries one answer."""

    def __init__(self, context, answer, table, seconds, megabytes):
        self.answer, self.seconds, self.megabytes = answer, seconds, megabytes
        self.ours, theirs = context.Pipe(duplex=False)
        self.folder = tempfile.mkdtemp()
        plain = table, answer.exercise, answer.source, answer.expression, self.folder
        self.process = context.Process(target=_child, args=(theirs, *plain), daemon=True)
        with _without_main():
            self.process.start()
        theirs.close()
        self.began = time.monotonic()

    def verdict(self):
        """The verdict as soon as there is one, None while the answer runs."""
        if self.ours.poll():
            try:
                return self._end(Verdict(*self.ours.recv()))
            except (EOFError, OSError, TypeError, ValueError):
                return self._end(Verdict(DIED, "its process ended before it returned anything"))
        if not self.process.is_alive() and not self.ours.poll(0.2):
            return self._end(Verdict(DIED, "its process ended before it returned anything"))
        if time.monotonic() - self.began > self.seconds:
            return self._end(Verdict(TOO_LONG, f"it ran for {self.seconds} s and was stopped"))
        if self._megabytes() > self.megabytes:
            return self._end(Verdict(TOO_LARGE, f"it took {self.megabytes} MB and was stopped"))
        return None

    def _megabytes(self):
        try:
            return psutil.Process(self.process.pid).memory_info().rss / 1e6
        except psutil.Error:
            return 0

    def _end(self, verdict):
        """Stop the process and what it has started, remove its folder; returns the verdict."""
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
        self.process.kill()
        self.process.join(5)
        self.ours.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return verdict


@contextlib.contextmanager
def _without_main():
    """A process started here does not run the caller's main module again."""
    main = sys.modules["__main__"]
    kept = {name: main.__dict__.pop(name) for name in ("__file__",) if name in main.__dict__}
    spec, main.__spec__ = getattr(main, "__spec__", None), None
    try:
        yield
    finally:
        main.__dict__.update(kept)
        main.__spec__ = spec


def _child(connection, table, name, source, expression, folder):
    """In the fresh process: try the answer in `folder`, send (state, what is said)."""
    warnings.simplefilter("ignore")
    _go_offline()
    from course_utils.exercises.engine import NotRightYet, check_answer
    from course_utils.exercises.stubs import is_stub

    exercise = import_module(f"course_utils.exercises.{table}").EXERCISES[name]
    exercise = dataclasses.replace(exercise, look=None)
    _hide_solutions()
    os.environ[LANGUAGE] = "en"  # mistakes are counted by their English names
    os.chdir(folder)
    sys.stdin, silent, names = io.StringIO(), io.StringIO(), {"__name__": "__main__"}
    try:
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            _limit_threads()
            exec(compile(source, "answer", "exec"), names)
            function = eval(expression, names)
            if is_stub(function):
                return connection.send((UNTOUCHED, ""))
            for count, seed in enumerate(SEEDS):
                try:
                    check_answer(name, exercise, function, seed)
                except NotRightYet as problem:
                    said = problem_of(str(problem))
                    state = KNOWN_CASES if count else mistake(said)
                    return connection.send((state, said))
        connection.send((RIGHT, ""))
    except UsesTheSolution as problem:
        connection.send((COPIED, str(problem)))
    except BaseException as problem:  # whatever the student's cell raises
        if isinstance(problem.__context__, UsesTheSolution):
            return connection.send((COPIED, str(problem.__context__)))
        said = f"{type(problem).__name__}: {problem}"
        connection.send((f"raises {type(problem).__name__}", said[:300]))


def problem_of(message):
    """What a check's message says is wrong, without the exercise, the case and its arguments."""
    first = message.splitlines()[0]
    said = re.split(r"\): (?=\D)|\): (?=[-\d.]+ )", first, maxsplit=1)[-1]
    return said.removesuffix(f"; {SEE}")


def mistake(said):
    """The name under which a problem is counted."""
    if re.search(r"\bis wrong\b", said):
        return "wrong numbers, of no known mistake"
    if said.startswith("the result's shape is") and "work out on paper" in said:
        return "a wrong shape"
    raised = re.match(r"it raises (\w+)", said)
    if raised:
        return f"raises {raised[1]}"
    return re.sub(r" \(line \d+ of the cell[^)]*\)", "", said)


def _limit_threads():
    """One thread, since several answers run at a time."""
    import torch

    torch.set_num_threads(1)


def _go_offline():
    """Take the network away: by the system where it lets us, and from Python."""
    if sys.platform == "linux":
        with contextlib.suppress(Exception):
            ctypes.CDLL(None, use_errno=True).unshare(NEW_USER | NEW_NETWORK)

    def refused(*_, **__):
        raise OSError("there is no network here")

    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        setattr(socket, name, refused)
    socket.socket.connect = socket.socket.connect_ex = refused


def _hide_solutions():
    """Put a `_Door` in the place of each module of exercises, since they have the references."""
    import course_utils

    room = "course_utils.exercises"
    materials = {name: _materials(f"{room}.{name}") for name in TABLES}
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{room}.")]:
        sys.modules[name] = _Door(name)
        vars(sys.modules[name]).update(materials.get(name.removeprefix(f"{room}."), {}))
    course_utils.exercises = sys.modules[room]


def _materials(table):
    """Dict of name → what a chapter hands out with its exercises: pictures, outputs, a viewer."""
    if table not in sys.modules:
        return {}
    module = sys.modules[table]
    return {name: getattr(module, name) for name in module.__all__ if name not in NAMES}


class _Door(types.ModuleType):
    """Stands for a module of exercises: `check` and the like do nothing, references are refused."""

    __path__, __all__ = [], sorted(DOORS)

    def __getattr__(self, name):
        if name in DOORS:
            return lambda *_, **__: None
        if f"{self.__name__}.{name}" in sys.modules:
            return sys.modules[f"{self.__name__}.{name}"]
        if name.startswith("__"):
            raise AttributeError(name)
        raise UsesTheSolution(f"it asks {self.__name__} for {name}")
