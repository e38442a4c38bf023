"""Advice that names git: followed to the letter in a clone, and not given where there is none."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import time

import nbformat
import pytest

from course_utils import data, doctor, files
from course_utils.command import notebook_files, readiness
from course_utils.command.editions import live
from course_utils.command.notebook_files import as_bytes, read_notebook
from course_utils.errors import CourseError
from course_utils.files import how_to_restore, how_to_update
from notebooks_as_files import CHAPTERS, ROOT, read

NAME = "notebooks/01_image_data.ipynb"
ADVICE = re.compile(r"`(git [^`]+)`")
FILES = [NAME, "data/SHA256SUMS", "data/photos/china.jpg", "data/photos/road.jpg", ".gitignore",
         ".gitattributes"]  # fmt: skip
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, line):
    """Run a line that begins with git as a person does; returns its exit status and text."""
    anybody = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    anybody |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "LC_ALL": "C"}
    done = subprocess.run(
        shlex.split(line), cwd=folder, env=anybody, capture_output=True, encoding="utf-8"
    )
    return done.returncode, done.stdout + done.stderr


def commit(folder, message):
    who = "-c user.name=a -c user.email=a@b"
    assert git(folder, "git add -A")[0] == 0
    code, said = git(folder, f"git {who} commit -qm {message}")
    assert code == 0, said


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A clone of a small course, as the package's own folder; its origin is beside it."""
    origin, folder = tmp_path / "the origin", tmp_path / "내 course"
    for name in FILES:
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, origin / name)
    listed = [line for line in (ROOT / "data/SHA256SUMS").read_text("utf-8").splitlines()
              if line.endswith(("photos/china.jpg", "photos/road.jpg"))]  # fmt: skip
    (origin / "data/SHA256SUMS").write_text("\n".join(listed) + "\n", encoding="utf-8")
    assert git(tmp_path, "git init -q -b main 'the origin'")[0] == 0
    commit(origin, "first")
    assert git(tmp_path, f"git clone -q 'the origin' '{folder.name}'")[0] == 0
    monkeypatch.setattr(files, "ROOT", folder)
    monkeypatch.setattr(notebook_files, "CHAPTERS", folder / "notebooks")
    monkeypatch.setattr(data, "FOLDER", folder / "data")
    data._parse_manifest.cache_clear()
    yield folder
    data._parse_manifest.cache_clear()


# something is missing or damaged


def damage(file, content):
    """Function: the course's folder → it, with a file that has other bytes; None: without it."""

    def spoil(course):
        if content is None:
            (shutil.rmtree if (course / file).is_dir() else os.remove)(course / file)
        else:
            (course / file).write_bytes(content)

    return spoil


NO_CODE = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
FAULTS = {  # what is damaged, and who says so
    "no notebook": (damage(NAME, b"{"), lambda course: read_notebook(course / NAME)),
    "missing notebook": (damage(NAME, None), lambda course: read_notebook(course / NAME)),
    "no notebook, for the doctor": (
        damage(NAME, b"{"), lambda course: readiness.check_chapters([course / NAME])),
    "no code, for the doctor": (
        damage(NAME, NO_CODE), lambda course: readiness.check_chapters([course / NAME])),
    "no code, live": (
        damage(NAME, NO_CODE), lambda course: live.live_edition(course / NAME, course)),
    "no chapters": (damage("notebooks", None), lambda _: readiness.examine([])),
    "damaged photo": (
        damage("data/photos/china.jpg", b"x"), lambda _: data.load_photo("china")),
    "missing photo": (
        damage("data/photos/china.jpg", None), lambda _: data.load_photo("china")),
    "damaged list": (damage("data/SHA256SUMS", b"x"), lambda _: data.manifest()),
    "missing list": (damage("data/SHA256SUMS", None), lambda _: data.manifest()),
    "short list": (
        lambda course: (course / "data/SHA256SUMS").write_text(
            (course / "data/SHA256SUMS").read_text().splitlines()[1] + "\n"),
        lambda _: data.read_checked("photos/china.jpg")),
    "no data": (damage("data", None), lambda _: data.manifest()),
    "damaged data, for the doctor": (
        damage("data/photos/road.jpg", b""), lambda _: readiness.check_data()),
}  # fmt: skip


def told(ask, course, monkeypatch):
    """The message that a person gets."""
    for part in ("check_packages", "check_widgets", "check_pointer"):
        monkeypatch.setattr(doctor, part, lambda: None)
    monkeypatch.setattr(readiness, "check_runtime_folder", lambda: None)
    monkeypatch.setattr(doctor, "describe", lambda _: "Ready")
    monkeypatch.setattr(doctor, "SECONDS", {1: 20})
    try:
        said = ask(course)
    except CourseError as problem:
        return str(problem)
    (problem,) = [text for text in said[1] if "no chapter to run" not in text]
    return problem


@pytest.mark.parametrize("fault", FAULTS)
def test_the_advice_brings_the_file_back(course, fault, monkeypatch):
    spoil, ask = FAULTS[fault]
    spoil(course)
    assert git(course, "git status --porcelain")[1]
    (command,) = ADVICE.findall(told(ask, course, monkeypatch))
    assert git(course, command)[0] == 0
    assert git(course, "git status --porcelain") == (0, "")
    data._parse_manifest.cache_clear()
    assert len(read_notebook(course / NAME).cells) > 50 and data.load_photo("china").ndim == 3


@pytest.mark.parametrize("lacks", [".git", "the program"])
@pytest.mark.parametrize("fault", FAULTS)
def test_without_git_a_fresh_copy_is_named(course, fault, lacks, monkeypatch):
    spoil, ask = FAULTS[fault]
    if lacks == ".git":
        shutil.rmtree(course / ".git")
    else:
        monkeypatch.setattr(files.shutil, "which", lambda _: None)
    spoil(course)
    text = told(ask, course, monkeypatch)
    file = re.search(r"take (\S+) from a fresh copy of the course$", text)[1]
    assert (course.with_name("the origin") / file).exists() and "`git" not in text


def test_a_chapter_in_which_one_types_is_not_thrown_away_by_the_advice():
    said = how_to_restore(NAME, typed=True)
    assert said.startswith("put it aside if you typed in it, then ")
    assert how_to_restore(NAME) in said


def test_no_other_module_names_git():
    """Else its words might not fit a course without it."""
    for file in sorted((ROOT / "course_utils").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        said = [str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        named = [text for text in said if re.search(r"\bgit\b", text)]
        assert not named or file.name == "files.py", (file.name, named)


# corrections


def work(course, cell=None):
    """Answer exercise 1 as a person does in JupyterLab; cell: run it, with another output."""
    notebook = read(course / NAME)
    exercise = next(c for c in notebook.cells if "exercise" in c.metadata.get("tags", []))
    exercise.source = exercise.source.replace("...", "return 'typed by me'", 1)
    notebook.metadata.language_info["version"] = "3.12.0"
    if cell:
        next(c for c in notebook.cells if c.id == cell).outputs = [
            nbformat.v4.new_output("stream", name="stdout", text="mine\n")
        ]
    (course / NAME).write_bytes(as_bytes(notebook))
    return exercise.id


def correct(origin, cell, text):
    """A correction in the course's own place."""
    notebook = read(origin / NAME)
    target = next(c for c in notebook.cells if c.id == cell)
    target.source += text
    if target.cell_type == "code":
        target.outputs = [nbformat.v4.new_output("stream", name="stdout", text="corrected\n")]
    (origin / NAME).write_bytes(as_bytes(notebook))
    commit(origin, "correction")


def holds(file, *texts):
    """Whether a notebook can be read, and its cells' sources hold these texts."""
    sources = "\n".join(cell.source for cell in read_notebook(file).cells)
    return [text in sources for text in texts]


def readme_commands():
    """The two blocks of commands below the README's heading "Corrections"."""
    part = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Corrections\n")[1]
    blocks = re.findall(r"```sh\n(.*?)```", part.split("\n## ")[0], re.S)
    return [[line.split("#")[0].strip() for line in block.splitlines()] for block in blocks]


def test_what_course_lab_prints_brings_the_correction_and_keeps_the_work(course):
    assert how_to_update(course / NAME) == ""
    work(course)
    correct(course.with_name("the origin"), "gray-own-text", "\n\nA corrected sentence.")
    code, said = git(course, "git pull")
    assert code != 0 and "would be overwritten" in said
    commands = ADVICE.findall(how_to_update(course / NAME))
    assert commands == readme_commands()[0] and len(commands) == 3
    for command in commands:
        code, said = git(course, command)
        assert code == 0, said
    assert holds(course / NAME, "typed by me", "A corrected sentence.") == [True, True]


@pytest.mark.parametrize("place", ["exercise", "output"])
def test_on_a_conflict_both_are_kept(course, place):
    """The correction changes the very lines that were typed, or what the cell printed."""
    exercise = work(course, None if place == "exercise" else "gray-own")
    changed = exercise if place == "exercise" else "gray-own"
    origin = course.with_name("the origin")
    if place == "exercise":
        notebook = read(origin / NAME)
        next(c for c in notebook.cells if c.id == exercise).source = "# corrected\n..."
        (origin / NAME).write_bytes(as_bytes(notebook))
        commit(origin, "correction")
    else:
        correct(origin, changed, "\n# corrected")
    first, second = readme_commands()
    results = [git(course, command) for command in first]
    assert [code for code, _ in results[:2]] == [0, 0]
    assert results[2][0] != 0 and "CONFLICT" in results[2][1] and NAME in results[2][1]
    with pytest.raises(CourseError):
        read_notebook(course / NAME)
    *commands, opens = second
    for command in [*commands, "git stash drop"]:
        code, said = git(course, command)
        assert code == 0, said
    mine = course / opens.removeprefix("uv run course lab ")
    assert holds(mine, "typed by me", "# corrected") == [True, False]
    assert holds(course / NAME, "typed by me", "# corrected") == [False, True]
    assert git(course, "git status --porcelain") == (0, "")
    assert git(course, "git pull")[0] == 0 and how_to_update(mine) == ""


def test_nothing_is_said_where_it_would_not_help(course, monkeypatch):
    work(course)
    ignored = course / "build" / "student" / "01_image_data.ipynb"
    ignored.parent.mkdir(parents=True)
    shutil.copy(course / NAME, ignored)
    assert how_to_update(course / NAME) and how_to_update(ignored) == ""
    assert how_to_update(course / "notebooks" / "nowhere.ipynb") == ""
    for problem in (OSError(2, "no such program"), subprocess.TimeoutExpired("git", 5),
                    subprocess.CalledProcessError(128, "git")):  # fmt: skip
        with monkeypatch.context() as patch:

            def fails(*_, problem=problem, **__):
                raise problem

            patch.setattr(files.subprocess, "run", fails)
            assert how_to_update(course / NAME) == ""
    with monkeypatch.context() as patch:
        patch.setattr(files.shutil, "which", lambda _: None)
        assert how_to_update(course / NAME) == ""
    (course / ".git").rename(course / "git-no-more")
    assert how_to_update(course / NAME) == ""


def test_asking_is_quick_and_writes_nothing(course):
    work(course)
    before = (course / ".git" / "index").stat().st_mtime_ns
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert how_to_update(course / NAME)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5 and (course / ".git" / "index").stat().st_mtime_ns == before


def test_lab_prints_it_with_the_address(course, monkeypatch, capsys):
    import jupyter_server.serverapp

    from course_utils.command import lab

    servers = [{"pid": 7, "url": "http://x/", "token": "t"}]
    monkeypatch.setattr(jupyter_server.serverapp, "list_running_servers", lambda log: servers)
    monkeypatch.setattr(lab, "ROOT", course)
    lab.announce(course / NAME, 7)
    assert "git" not in capsys.readouterr().out
    work(course)
    lab.announce(course / NAME, 7)
    assert how_to_update(course / NAME) in capsys.readouterr().out


def test_the_courses_chapters_are_where_the_advice_says():
    assert CHAPTERS[0] == files.ROOT / NAME
