"""How many faults the tests see: `uv run python tests/benchmarks/mutations.py detection.metrics …`.

Each function of a module of course_utils is changed in one place at a time: a comparison takes its
bound in or leaves it out, + becomes −, a number one more or less, a condition always true, an
argument None, a `raise` or a call is left out … Such a mutant is seen if a test fails, or does not
end. Tried are tests of the files that import the module (or of those that are named, too): the ones
that run the changed statement, the quickest first, up to SECONDS in all. A test with parameters is
tried on as many as fit in SECONDS. So a score is a lower bound. Linux and macOS only, since each
mutant is a forked process.

A mutant that no test could see is named, with its reason, in tests/equivalent_mutants.py.
`hints:_same` tries only the mutants whose line has `_same` in it, and prints who sees them.
"""

import contextlib
import importlib
import json
import os
import random
import re
import select
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS))
from equivalent_mutants import EQUIVALENT  # noqa: E402
from mutants import install, marked, mutants  # noqa: E402

SECONDS = (
    6  # of the processor, for the tests that are tried on one mutant; a longer one is left out
)


def forked(work, seconds):
    """What `work()` returns in a process of its own; None if it crashes or takes too long."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        with contextlib.suppress(BaseException):
            import resource

            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
            for stream in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
            os.write(writing, json.dumps(work()).encode() + b"\n")
        os._exit(0)
    os.close(writing)
    came, end = b"", time.monotonic() + 20 * seconds  # others use the processor, too
    while select.select([reading], [], [], max(0, end - time.monotonic()))[0]:
        if not (part := os.read(reading, 1 << 16)):
            break
        came += part
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    return json.loads(came) if came.endswith(b"\n") else None


def stop(*_):
    raise TimeoutError


class Judge:
    """A plugin of pytest: in place of running the collected tests it tries every mutant on them."""

    def __init__(self, name, only=""):
        self.name, self.only = name, only
        self.module = importlib.import_module(f"course_utils.{name}")
        self.source = Path(self.module.__file__).read_text(encoding="utf-8")
        self.unseen, self.equivalent, self.count = [], 0, 0
        self.tests, self.sees = {}, Counter()

    def pytest_runtestloop(self, session):
        self.tests, brought = forked(lambda: self.look(session), 3600)
        for name in brought:  # once for all
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        for function, line, text, tree in mutants(self.source):
            if self.only not in text:
                continue
            self.count += 1
            if text in EQUIVALENT.get(self.name, ()):
                self.equivalent += 1
            elif (by := self.seen(session, function, line, text, tree)) == "":
                self.unseen.append(text)
                print(f"not seen: {line}: {text}", flush=True)
            elif self.only:
                print(f"seen: {text}: {by}", flush=True)
        return True

    def look(self, session):
        """Run each test once → its seconds and the lines that it runs; the modules it imports."""
        before, found, ran, spent = set(sys.modules), {}, set(), Counter()
        vars(self.module)["__ran__"] = ran.add
        for function, tree in marked(self.source):
            install(self.module, function, tree)
        signal.signal(signal.SIGPROF, stop)
        places = random.Random(0).sample(range(len(session.items)), len(session.items))
        for place in places:
            item, failed, began = session.items[place], session.testsfailed, time.process_time()
            if spent[test := item.nodeid.partition("[")[0]] > SECONDS:
                continue
            ran.clear()
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            with contextlib.suppress(TimeoutError):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                signal.setitimer(signal.ITIMER_PROF, 0)
                if session.testsfailed == failed:
                    found[place] = time.process_time() - began, sorted(ran)
            spent[test] += time.process_time() - began
        return found, [name for name in sys.modules if name not in before]

    def seen(self, session, function, line, text, tree):
        """The test that sees a mutant, "" for none, None if it does not end."""
        quick = sorted((took / (1 + self.sees[place]), took, place)
                       for place, (took, lines) in self.tests.items() if line in lines)  # fmt: skip
        total, places = 0, []
        for _, took, place in quick:
            if total + took <= SECONDS:
                total += took
                places.append(place)
        items = [session.items[int(place)] for place in places]

        def work():
            try:
                install(self.module, function, tree)
            except Exception as problem:
                return {"broken": repr(problem)}
            for place, item, following in zip(places, items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    return place
            return ""

        by = forked(work, 5 + 3 * total) if places else ""
        if isinstance(by, dict):
            raise RuntimeError(f"{text} cannot be made: {by['broken']}")
        self.sees[by] += bool(by)
        return session.items[int(by)].nodeid if by else by


def main(arguments):
    named = [argument for argument in arguments if argument.endswith(".py")]
    for name in (argument for argument in arguments if argument not in named):
        name, _, only = name.partition(":")
        imports = re.compile(rf"^ *(from|import) .*\b{name.rpartition('.')[2]}\b", re.M)
        files = named or [path for path in sorted(TESTS.glob("test_*.py"))
                          if imports.search(path.read_text(encoding="utf-8"))]  # fmt: skip
        judge = Judge(name, only)
        options = ["-q", "-s", "-n0", "-p", "no:cacheprovider"]
        pytest.main([*options, *map(str, files)], plugins=[judge])
        wanted = judge.count - judge.equivalent
        score = 100 * (1 - len(judge.unseen) / max(wanted, 1))
        print(f"{name}: {judge.count} mutants, {judge.equivalent} of them equivalent; "
              f"{len(judge.unseen)} not seen: {score:.1f} %")  # fmt: skip


def small():
    """The mutants of one function are put in its place, and it is put back."""
    from course_utils.exercises import cases

    kept = cases._numbers.__code__
    for name, _, text, tree in mutants(Path(cases.__file__).read_text(encoding="utf-8")):
        if name == "_numbers":
            install(cases, name, tree)
            print("as before" if cases._numbers.__code__ == kept else "changed", text)
    cases._numbers.__code__ = kept


if __name__ == "__main__":
    main(sys.argv[1:])
