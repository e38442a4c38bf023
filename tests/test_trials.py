"""An answer that is tried: its verdict, its limits, and what it can reach. Each one is forked."""

import multiprocessing
import socket
import sys
import tempfile
import time

import numpy as np
import psutil
import pytest

from course_utils.command.collecting import answer_trials
from course_utils.command.collecting.answer_trials import (
    COPIED,
    DIED,
    KNOWN_CASES,
    RIGHT,
    TABLES,
    TOO_LARGE,
    TOO_LONG,
    UNTOUCHED,
    exercise_tables,
    mistake,
    problem_of,
    try_all,
)
from course_utils.command.collecting.class_answers import Answer
from course_utils.exercises import cnn
from course_utils.exercises.engine import NotRightYet, check_answer

SIZE = (
    "def output_size(size, layers):\n    for kernel, stride, padding in layers:\n"
    "        size = {}\n    return size\n"
)
RULE = "(size + 2 * padding - kernel) // stride + 1"
GOOD = SIZE.format(RULE)
SLEEP = "import time\ntime.sleep(99)\n"
FORKS = "fork" in multiprocessing.get_all_start_methods()
forks = pytest.mark.skipif(not FORKS, reason="this system makes no copies of a process")


@pytest.fixture
def copied(monkeypatch):
    """Processes are copies of this one, which has imported everything."""
    context = multiprocessing.get_context("fork")
    monkeypatch.setattr(answer_trials, "_context", lambda: context)


@pytest.fixture
def quick(copied, monkeypatch):
    """The same; what a process needs is counted without what this one has."""
    own = psutil.Process().memory_info().rss // 2**20
    taken = answer_trials._Trial._megabytes
    monkeypatch.setattr(answer_trials._Trial, "_megabytes", lambda self: taken(self) - own)


def answer(source, exercise="output_size", student="kim", problem=None):
    return Answer(student, exercise, source, exercise, problem)


def verdict(source, exercise="output_size", **limits):
    ((_, found),) = try_all([answer(source, exercise)], **{"seconds": 60} | limits)
    return found


CASES = cnn.EXERCISES["output_size"].cases(np.random.default_rng(0))
KNOWN = {repr(case): cnn.EXERCISES["output_size"].reference(*case) for case in CASES}
ROOM = "course_utils.exercises"
TRIED = {  # what is tried → source, state, what is said
    "right": (GOOD, RIGHT, ""),
    "untouched": ("def output_size(size, layers):\n    ...", UNTOUCHED, ""),
    "one mistake": (
        SIZE.format("(size + padding - kernel) // stride + 1"),
        "padding is put on both sides",
        "padding is put on both sides",
    ),
    "no known mistake": (SIZE.format("7"), "wrong numbers, of no known mistake", "7 is wrong"),
    "an error in it": (SIZE.format("1 // 0"), "raises ZeroDivisionError", "it raises ZeroDiv"),
    "an error in the cell": (f"{GOOD}\n{{}}['x']", "raises KeyError", "KeyError: 'x'"),
    "it stops its process": (f"{GOOD}\nraise SystemExit", "raises SystemExit", "SystemExit: "),
    "nothing is defined": ("x = 1", "raises NameError", "NameError: name 'output_size'"),
    "only the cases that are shown": (
        f"KNOWN = {KNOWN}\ndef output_size(*case):\n    return KNOWN.get(repr(case), 0)",
        KNOWN_CASES,
        "0 is wrong",
    ),
    "the reference": (
        f"from {ROOM}.cnn import EXERCISES\noutput_size = EXERCISES['output_size'].reference",
        COPIED,
        f"it asks {ROOM}.cnn for EXERCISES",
    ),
    "the reference, by another way": (
        "import course_utils\noutput_size = course_utils.exercises.cnn._output_size",
        COPIED,
        f"it asks {ROOM}.cnn for _output_size",
    ),
    "the reference, hidden": (
        f"try:\n    from {ROOM} import cnn\n    cnn.EXERCISES\n"
        "except BaseException:\n    raise ValueError('no')",
        COPIED,
        f"it asks {ROOM}.cnn for EXERCISES",
    ),
    "all doors of a chapter do nothing": (
        f"from {ROOM}.cnn import ask, check, guess, hint, last_case\n"
        f"check('output_size', 7)\nask('x')\nhint(name='x')\nguess('x')\nlast_case()\n{GOOD}",
        RIGHT,
        "",
    ),
    "all names of a chapter at once": (
        f"from {ROOM}.cnn import *\ncheck('output_size', 7)\n{GOOD}",
        RIGHT,
        "",
    ),
    "a module's own names": (
        f"import {ROOM}.cnn as c\nc.__wrong__",
        "raises AttributeError",
        "Att",
    ),
    "the keyboard": (f"{GOOD}\ninput()", "raises EOFError", "EOFError"),
    "an empty folder": (f"import os\nassert os.listdir() == []\n{GOOD}", RIGHT, ""),
    "its name": (f"assert __name__ == '__main__'\n{GOOD}", RIGHT, ""),
    "one thread": (f"import torch\nassert torch.get_num_threads() == 1\n{GOOD}", RIGHT, ""),
    "the mistakes are in English": (
        f"import os\nassert os.environ['COURSE_LANGUAGE'] == 'en'\n{GOOD}",
        RIGHT,
        "",
    ),
    "its process ends": ("import os\nos._exit(0)", DIED, "its process ended before it returned"),
    "its process is killed": ("import os\nos.kill(os.getpid(), 9)", DIED, "its process ended"),
}


@forks
@pytest.mark.parametrize("name", TRIED)
def test_an_answer_gets_its_verdict(quick, name):
    source, state, said = TRIED[name]
    found = verdict(source)
    assert found.state == state and found.said.startswith(said) and (said or not found.said)


@forks
def test_a_long_message_is_cut(quick):
    found = verdict("raise ValueError('x' * 9999)")
    assert found.state == "raises ValueError" and found.said == f"ValueError: {'x' * 288}"


@forks
def test_what_an_answer_prints_and_draws_is_not_shown(quick, capfd):
    source = (
        "import sys, warnings, numpy as np\nprint('loud')\nprint('loud', file=sys.stderr)\n"
        "warnings.warn('loud')\n"
        "def align_region(f, b, n):\n    print('loud')\n    return np.zeros((n, n))"
    )
    assert verdict(source, "align_region").state == "wrong numbers, of no known mistake"
    said = capfd.readouterr()
    assert "loud" not in said.out + said.err


OFFLINE = {
    "connect": "socket.socket().connect(('localhost', 9))",
    "connect_ex": "socket.socket().connect_ex(('localhost', 9))",
    "create_connection": "socket.create_connection(('localhost', 9))",
    "getaddrinfo": "socket.getaddrinfo('localhost', 9)",
    "gethostbyname": "socket.gethostbyname('localhost')",
}


@forks
@pytest.mark.parametrize("way", OFFLINE)
def test_no_way_leads_to_the_network(quick, way):
    found = verdict(f"import socket\n{OFFLINE[way]}")
    assert found == ("raises OSError", "OSError: there is no network here")
    assert socket.getaddrinfo.__module__ == "socket"  # here all is as it was


@forks
def test_an_answer_is_stopped_after_its_seconds(quick):
    began = time.monotonic()
    found = verdict(SLEEP, seconds=0.2)
    assert found == (TOO_LONG, "it ran for 0.2 s and was stopped")
    assert time.monotonic() - began < 30


@forks
def test_an_answer_that_takes_too_much_memory_is_stopped(copied):
    assert verdict(SLEEP, megabytes=1) == (TOO_LARGE, "it took 1 MB and was stopped")


@forks
def test_what_an_answer_has_started_ends_with_it(quick, tmp_path):
    file = tmp_path / "pid"
    source = (
        "import subprocess, sys, time\n"
        "started = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])\n"
        f"open({str(file)!r}, 'w').write(str(started.pid))\ntime.sleep(99)"
    )
    assert verdict(source, seconds=1).state == TOO_LONG
    number, end = int(file.read_text()), time.monotonic() + 20
    while psutil.pid_exists(number) and time.monotonic() < end:
        if psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.02)
    assert time.monotonic() < end


@forks
def test_answers_come_in_their_order_one_at_a_time_and_some_are_not_run(quick):
    broken = answer("", problem="SyntaxError: invalid syntax: here", student="a")
    unknown = answer(SLEEP, "no_such", student="b")
    given = [broken, answer(GOOD, student="c"), unknown, answer(SIZE.format("7"), student="d")]
    main = sys.modules["__main__"]
    file, spec = getattr(main, "__file__", None), main.__spec__
    found = list(try_all(given, seconds=60, workers=1))
    assert [one.student for one, _ in found if one.exercise == "output_size"] == ["a", "c", "d"]
    verdicts = {one.student: said for one, said in found}
    assert verdicts["a"] == ("raises SyntaxError", "SyntaxError: invalid syntax: here")
    assert verdicts["b"] == ("no such exercise", "the course has no exercise 'no_such'")
    assert verdicts["c"].state == RIGHT and verdicts["d"].state.startswith("wrong numbers")
    assert len(found) == len(given)
    assert (getattr(main, "__file__", None), main.__spec__) == (file, spec)


@forks
def test_no_more_run_at_a_time_than_are_asked_for(quick, tmp_path):
    source = (
        f"import os, time\nfolder = {str(tmp_path)!r}\n"
        "name = os.path.join(folder, str(os.getpid()))\n"
        "open(name, 'w').close()\nseen = len(os.listdir(folder))\ntime.sleep(0.1)\n"
        f"os.remove(name)\nassert seen <= 2, seen\n{GOOD}"
    )
    given = [answer(source, student=str(number)) for number in range(5)]
    found = {one.student: said for one, said in try_all(given, seconds=60, workers=2)}
    assert found == {str(number): (RIGHT, "") for number in range(5)}


@forks
def test_no_folder_of_an_answer_stays(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write = "open('notes.txt', 'w').close()\n"
    for source, seconds in ((write + GOOD, 60), (write + SLEEP, 0.5), (write + "1 / 0", 60)):
        verdict(source, seconds=seconds)
        assert list(tmp_path.iterdir()) == []


def test_nothing_to_try_gives_nothing(monkeypatch):
    monkeypatch.setattr(answer_trials, "_context", lambda: None)
    assert list(try_all([])) == []


def test_every_exercise_is_found_in_its_table():
    found = exercise_tables()
    assert found["output_size"] == "cnn" and found["luma"] == "image_data"
    assert found["align_region"] == "computer_vision" and set(found.values()) == set(TABLES)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("7 is wrong", "wrong numbers, of no known mistake"),
        ("[1, 2] at (0, 1) is wrong", "wrong numbers, of no known mistake"),
        ("the result's shape is (2,); work out on paper what it has to be", "a wrong shape"),
        ("the result's shape is (2,); one number is wanted",
         "the result's shape is (2,); one number is wanted"),
        ("work out on paper what it has to be", "work out on paper what it has to be"),
        ("it raises ValueError: one (line 3 of the cell)", "raises ValueError"),
        ("your test stops a program that is right (line 12 of the cell)",
         "your test stops a program that is right"),
        ("your test stops a program that is right (line 2 of the cell of `f`, which line 1 of the "
         "cell calls)", "your test stops a program that is right"),
        ("the sign is wrongly set", "the sign is wrongly set"),
        ("so it raises too much", "so it raises too much"),
    ],
)  # fmt: skip
def test_a_problem_is_counted_under_one_name(said, name):
    assert mistake(said) == name


def shown(name, function):
    """What a check says of a wrong answer."""
    with pytest.raises(NotRightYet) as caught:
        check_answer(name, cnn.EXERCISES[name], function)
    return str(caught.value)


def test_of_a_message_only_the_problem_is_left():
    said = shown("output_size", lambda size, layers: -1)
    assert said.startswith("Exercise ") and problem_of(said) == "-1 is wrong"
    said = problem_of(shown("convolve2d", lambda image, kernel: image[None]))
    assert said.startswith("the result's shape is") and "last_case" not in said
    one = "Exercise 1, a, case 2: a((2, 3), 4): that is the square; last_case() gives its "
    one += "arguments and what came\nmore"
    assert problem_of(one) == "that is the square"
    assert problem_of("Exercise 1, a, case 2: a(7): 0.5 is wrong") == "0.5 is wrong"
    assert problem_of("a (b): c (d): e") == "c (d): e"
