"""Does the course repeat? `uv run python tests/repeatability.py [check …]`.

Checks, each for every chapter that `--chapters` names (default: all four):
  versions   nbval, strict: Python 3.11 to 3.14 × 1, 2 torch threads × instructions of the CPU;
             four threads on this Python
  doubled    every code cell twice in a row
  restarts   a restart at each section, which then needs only the sections that it names
  live       the instructor's edition, in which each emptied cell fills itself in
  student    the student's edition: the outputs, and each exercise "not attempted"
  killed     the kernel killed in the middle of the longest cell; then nbval, strict
and, for the whole suite on a fresh clone:
  elsewhere  the clone in a folder with a space and Korean letters, started from another folder
  offline    no network but the machine's own (Linux)
  readonly   the clone read-only, except tests/artifacts (Linux)
  at-once    all three of them
(UV_PYTHON names another Python for the clone.)
Without a name all run: some hours on two cores. What was run is written into the table of
tests/RESULTS.md, a row a check; other rows stay as they are.
"""

import argparse
import functools
import itertools
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import chapter_runs
from nbclient.exceptions import CellExecutionError
from results import keep

from course_utils.command.kernels import KERNEL
from notebooks_as_files import CHAPTERS, code_cells, read

ROOT = Path(__file__).resolve().parents[1]

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
AS_IN_THE_LAB = KERNEL | {"TQDM_DISABLE": "1"}
INSTRUCTIONS = {
    "as the CPU has": {},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "SSE4.1": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
}
OWN = "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "OMP_NUM_THREADS", "PYTHONPATH"


def nbval(path, version="", variables=AS_IN_THE_LAB):
    """(cells that passed, sentences on those that did not) of a strict run of nbval."""
    python = interpreter(version)
    environment = {k: v for k, v in os.environ.items() if k not in OWN} | variables
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [python, "-m", "pytest", str(path), "-n", "0", "-q", f"--junitxml={report}"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if not report.exists():
            raise RuntimeError(f"pytest did not run: {(done.stdout + done.stderr)[-1500:]}")
        cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [(case, it) for case in cases for it in case if it.tag in ("failure", "error")]
    failed = [f"{case.get('name')}: {it.get('message', '')[:300]}" for case, it in bad]
    return len(cases) - len(failed), failed


@functools.cache
def interpreter(version):
    """The program of a Python with the course in it, made below build/ if it is not this one.

    COURSE_PYTHON_3_12 and so on name a Python that uv does not find.
    """
    if sys.version.startswith(version):
        return sys.executable
    home = ROOT / "build" / f"python-{version}"
    found = subprocess.run(["uv", "python", "find", version], capture_output=True, text=True)
    named = os.environ.get(f"COURSE_PYTHON_{version.replace('.', '_')}") or found.stdout.strip()
    if not named:
        raise RuntimeError(f"no Python {version} found: name one in COURSE_PYTHON_…")
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": str(home)}
    command = ["uv", "sync", "--quiet", "--python", named]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return str(home / ("Scripts" if os.name == "nt" else "bin") / "python")


def supported():
    """The names of INSTRUCTIONS that differ on this CPU."""
    import torch

    best = torch.backends.cpu.get_cpu_capability()
    return [name for name in INSTRUCTIONS if name != "AVX2" or best.startswith("AVX512")]


def versions():
    """Rows of the matrix: (name, function of a chapter)."""
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    rows = [*itertools.product(PYTHONS, (1, 2), supported()), (own, 4, "as the CPU has")]
    for version, threads, name in rows:
        variables = {"OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"} | INSTRUCTIONS[name]
        setting = f"Python {version}, {threads} thread{'s' * (threads > 1)}, {name}"
        yield setting, functools.partial(nbval, version=version, variables=variables)


def longest_cell(path):
    """(ID, seconds) of the cell that takes longest; a run of its own."""
    cells = code_cells(read(path))
    runner = chapter_runs.client(read(path), path.parent)
    begun, seconds = {}, {}
    runner.on_cell_execute = lambda cell, cell_index: begun.update({cell.id: time.perf_counter()})
    runner.on_cell_executed = lambda cell, cell_index, execute_reply: seconds.update(
        {cell.id: time.perf_counter() - begun[cell.id]}
    )
    chapter_runs.execute(runner)
    assert len(seconds) == len(cells)
    return max(seconds.items(), key=lambda item: item[1])


def killed(path):
    """Kill the kernel in the longest cell; the files are as before, and the chapter runs."""
    before = state()
    cell, seconds = longest_cell(path)
    if not chapter_runs.killed(path, cell, seconds / 2):
        return 0, [f"the kernel was not killed in {cell}"]
    if state() != before:
        return 0, ["files have changed"]
    return nbval(path)


def state():
    """What git says about the files, and that data/ is whole."""
    from course_utils.data import check_all

    check_all()
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True).stdout


BY_CHAPTER = {
    "doubled": chapter_runs.doubled,
    "restarts": chapter_runs.from_restarts,
    "live": chapter_runs.live_edition,
    "student": chapter_runs.student_edition,
    "killed": killed,
}
OFFLINE = "ip link set lo up"
READONLY = (
    'mkdir -p tests/artifacts && mount --rbind . . && cd "$PWD" && '
    "mount --bind tests/artifacts tests/artifacts && mount -o remount,bind,ro . && "
    "! touch it 2>/dev/null"
)
WHOLE = {  # name → program that starts the rest, and what a shell does first
    "elsewhere": ([], "true"),
    "offline": (["unshare", "-rn"], OFFLINE),
    "readonly": (["unshare", "-rm"], READONLY),
    "at-once": (["unshare", "-rnm"], f"{OFFLINE} && {READONLY}"),
}


def suite(name):
    """(whether all is green, cells of the table, pytest's output) in a clone of the last commit."""
    prefix, first = WHOLE[name]
    named, there = ("동아리 폴더 ", "/") if name in ("elsewhere", "at-once") else ("clone-", ".")
    with tempfile.TemporaryDirectory(prefix=named) as at:
        clone = Path(at, "course")
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        subprocess.run(["uv", "sync", "--quiet", "--compile-bytecode"], cwd=clone, check=True)
        python = str(clone / ".venv" / "bin" / "python")
        version = subprocess.check_output([python, "--version"], text=True).strip()
        command = [python, "-m", "pytest", "-q"]
        command += ["-p", "no:cacheprovider", "-c", str(clone / "pyproject.toml")]
        command += [f"--rootdir={clone}", str(clone / "tests"), str(clone / "notebooks")]
        done = subprocess.run(
            [*prefix, "sh", "-c", f'{first} && cd {there} && exec "$@"', "sh", *command],
            cwd=clone,
            env=os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": at, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    said = {"result": done.stdout.strip().splitlines()[-1].strip("= "), "with": version}
    return done.returncode == 0, said, done.stdout


def judged(check, path):
    """What the table says of a chapter, and the sentences on what went wrong."""
    try:
        count, problems = check(path)
    except (RuntimeError, CellExecutionError) as problem:
        return "failed", [str(problem)]
    return f"{count} of {count + len(problems)}" if problems else f"all {count}", problems


def main():
    """Run what was asked for, print and store each row as soon as it is there."""
    parser = argparse.ArgumentParser(description="Does the course repeat?")
    parser.add_argument("checks", nargs="*", help="versions, " + ", ".join([*BY_CHAPTER, *WHOLE]))
    parser.add_argument("--chapters", default="1234")
    parser.add_argument("--only", default="", help="only rows of `versions` with this text")
    chosen = parser.parse_args()
    checks = chosen.checks or ["versions", *BY_CHAPTER, *WHOLE]
    paths = [path for path in CHAPTERS if path.stem[1] in chosen.chapters]
    rows = [(name, BY_CHAPTER[name]) for name in checks if name in BY_CHAPTER]
    if "versions" in checks:
        rows = [row for row in versions() if chosen.only in row[0]] + rows
    bad = 0
    for name, check in rows:
        for path in paths:
            said, problems = judged(check, path)
            print(f"{name}, {path.stem}: {said}", *problems, sep="\n    ", flush=True)
            keep("repeats", name, {f"chapter {path.stem[1]}": said})
            bad += len(problems)
    for name in checks:
        if name in WHOLE:
            green, said, output = suite(name)
            print(said if green else output, flush=True)
            keep("suite", name, said)
            bad += not green
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
