"""The doctor: one line when all is well, one sentence with the command when it is not."""

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace

import pytest
import torch

from course_utils import doctor, files
from course_utils.command import readiness
from course_utils.doctor import EnvironmentProblem, check_environment
from notebooks_as_files import CHAPTERS, code_cells, read


def test_all_is_well_in_one_line():
    line = check_environment(1)
    assert re.fullmatch(
        r"Ready: Python 3\.\d+\.\d+ · torch \d\S+ · .+ · this chapter runs in about \d+ (s|min)",
        line,
    )


def test_an_old_python_is_refused():
    with pytest.raises(EnvironmentProblem, match=r"Python 3\.10 .*3\.11 or newer.*uv run"):
        doctor.check_python((3, 10, 2))


def test_a_missing_or_old_package_is_named_with_the_command():
    def installed(package):
        if package == "anywidget":
            raise PackageNotFoundError(package)
        return "2.1.0" if package == "torch" else version(package)

    wanted = r"anywidget is missing; torch is 2\.1\.0, >=2\.10 is needed in .*`uv sync`"
    with pytest.raises(EnvironmentProblem, match=wanted):
        doctor.check_packages(installed)


def test_a_kernel_without_the_course_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "PROJECT", "no-such-project")
    with pytest.raises(EnvironmentProblem, match="the course is not installed in"):
        doctor.check_packages()


@pytest.mark.parametrize("text", [None, "{", "[]", '{"version": "3.1.9"}', '{"version": 6}'])
def test_widgets_that_do_not_fit_are_named_with_the_command(tmp_path, text):
    manager = tmp_path / "@jupyter-widgets/jupyterlab-manager"
    if text:
        manager.mkdir(parents=True)
        (manager / "package.json").write_text(text)
    with pytest.raises(EnvironmentProblem, match="do not fit.*uv sync --reinstall-package"):
        doctor.check_widgets([tmp_path], lambda _: "8.1.8")


@pytest.mark.parametrize(("text", "fits"), [
    (None, False), ('{"version": "0.9.3"}', False), ('{"version": "0.11.0"}', True),
])  # fmt: skip
def test_the_pictures_browser_part_is_looked_for(tmp_path, text, fits):
    if text:
        (tmp_path / "anywidget").mkdir()
        (tmp_path / "anywidget" / "package.json").write_text(text)
    if fits:
        doctor.check_pointer([tmp_path], lambda _: "0.11.1")
    else:
        with pytest.raises(EnvironmentProblem, match="do not fit.*--reinstall-package anywidget"):
            doctor.check_pointer([tmp_path], lambda _: "0.11.1")


@pytest.mark.parametrize(
    "part", ["check_python", "check_packages", "check_widgets", "check_pointer"]
)
def test_every_part_is_asked(monkeypatch, part):
    def refuse(*_):
        raise EnvironmentProblem(part)

    monkeypatch.setattr(doctor, part, refuse)
    with pytest.raises(EnvironmentProblem, match=part):
        check_environment(1)


@pytest.mark.parametrize(
    ("cuda", "mps", "says"),
    [(True, False, "H100"), (False, True, "Apple GPU"), (False, False, "CPU, 1 thread of ")],
)
def test_the_device_is_named(monkeypatch, cuda, mps, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert says in doctor.describe(1)


@pytest.mark.parametrize(
    ("cores", "beside", "threads"),
    [(1, 0, 1), (2, 0, 1), (4, 0, 2), (8, 0, 4), (64, 0, 4), (8, 1, 1), (2, 4, 1)],
)
def test_a_kernel_alone_gets_half_of_the_cores_and_one_beside_others_one(
    monkeypatch, cores, beside, threads
):
    given = torch.get_num_threads()
    monkeypatch.setenv(doctor.THREADS, "")
    monkeypatch.setattr(doctor, "usable_cores", lambda: cores)
    monkeypatch.setattr(doctor, "kernels_beside", lambda: beside)
    limited = []
    monkeypatch.setattr(doctor, "threadpool_limits", limited.append)
    try:
        doctor.set_threads()
        assert torch.get_num_threads() == threads and limited == [threads]
        assert os.environ[doctor.THREADS] == str(threads)
        said = doctor.describe(None)
        assert torch.cuda.is_available() or f"{threads} thread" in said
    finally:
        torch.set_num_threads(given)


def test_the_readers_own_number_of_threads_stays(monkeypatch):
    given = torch.get_num_threads()
    monkeypatch.setenv(doctor.THREADS, "3")
    monkeypatch.setattr(doctor, "kernels_beside", lambda: 7)
    doctor.set_threads()
    assert os.environ[doctor.THREADS] == "3" and torch.get_num_threads() == given


def test_other_kernels_are_counted_and_this_one_is_not(monkeypatch):
    kernel = ["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "x"]
    lines = {os.getpid(): kernel, 2: None, 3: ["vi"], 4: kernel}
    found = [SimpleNamespace(pid=pid, info={"cmdline": line}) for pid, line in lines.items()]
    monkeypatch.setattr(doctor.psutil, "process_iter", lambda _: found)
    assert doctor.kernels_beside() == 1


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "200000 100000"}, [2.0]),
        ("0::/\n", {"cpu.max": "max 100000"}, []),
        ("0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, [0.5]),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000"}, [3]),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000"}, []),
    ],
)
def test_a_containers_share_of_the_processor_is_read(tmp_path, groups, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "own").write_text(groups)
    assert doctor.quotas(tmp_path, tmp_path / "own") == cores
    assert doctor.quotas(tmp_path, tmp_path / "none") == []
    assert doctor.usable_cores() >= 1


def test_each_message_is_one_line():
    with pytest.raises(EnvironmentProblem) as caught:
        doctor.check_python((3, 9))
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value._render_traceback_() == [f"EnvironmentProblem: {caught.value}"]


def test_a_broken_torch_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EnvironmentProblem, match="torch .*cannot be loaded.*--reinstall-package"):
        doctor.describe(1)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_first_cell_explains_a_kernel_without_the_course(path, tmp_path):
    source = code_cells(read(path))[0].source
    chapter = int(path.stem[:2])
    assert f"check_environment(chapter={chapter})" in source and chapter in doctor.SECONDS
    bare = subprocess.run(
        [sys.executable, "-I", "-S", "-c", source], cwd=tmp_path, capture_output=True, text=True
    )
    last = bare.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: this kernel") and "`uv run course lab`" in last


def test_a_room_gets_a_line_for_each_problem(monkeypatch):
    def refuse(*_):
        raise EnvironmentProblem("widgets: reinstall")

    monkeypatch.setattr(doctor, "check_widgets", refuse)
    monkeypatch.setattr(readiness, "check_data", lambda: ("", ["one file", "another file"]))
    monkeypatch.setattr(readiness, "check_chapters", lambda paths: (f"{len(paths)} chapters", []))
    lines, problems = readiness.examine(CHAPTERS)
    assert problems == ["widgets: reinstall", "one file", "another file"]
    assert lines[0].startswith("Ready: Python") and lines[1:] == ["4 chapters"]
    assert readiness.examine(CHAPTERS[:3])[1][3:] == [
        f"chapter 4 is missing: {files.how_to_restore('notebooks')}"
    ]


def test_every_damaged_file_is_named(monkeypatch, tmp_path):
    from course_utils import data

    good = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"
    (tmp_path / "SHA256SUMS").write_text(f"{good}  a\n{good}  b\n{good}  c\n")
    (tmp_path / "a").write_text("hello")
    (tmp_path / "b").write_text("other")
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    line, problems = readiness.check_data()
    assert line == "" and len(problems) == 2
    assert "data/b is damaged" in problems[0] and "cannot be read" in problems[1]
    assert all(
        files.how_to_restore(f"data/{name}") in problem
        for name, problem in zip("bc", problems, strict=True)
    )
    (tmp_path / "SHA256SUMS").unlink()
    data._parse_manifest.cache_clear()
    line, problems = readiness.check_data()
    assert (
        line == "" and len(problems) == 1 and files.how_to_restore("data/SHA256SUMS") in problems[0]
    )
    monkeypatch.setattr(data, "FOLDER", tmp_path / "nowhere")
    assert "uv sync" in readiness.check_data()[1][0]
    data._parse_manifest.cache_clear()


def sample(tmp_path, number, *sources):
    """A chapter with an environment cell and these cells."""
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook

    path = tmp_path / f"0{number}_sample.ipynb"
    write(new_notebook(cells=[new_code_cell(source) for source in ("1 / 0", *sources)]), path)
    return path


def test_a_cell_of_each_chapter_is_really_run(tmp_path):
    good = sample(tmp_path, 1, "import os", "open('ran', 'w').close()", "1 / 0")
    bad = sample(tmp_path, 2, "import no_such_module", "2")
    line, problems = readiness.check_chapters([good])
    assert problems == [] and line.endswith("the first cells of 1 run")
    assert (tmp_path / "ran").exists()
    line, problems = readiness.check_chapters([good, bad])
    assert line == "" and len(problems) == 1
    assert re.fullmatch(
        r"02_sample does not start \(ModuleNotFoundError: .*no_such_module.*\): run `uv sync`, .*",
        problems[0],
    )


def test_a_chapter_is_named_once_and_with_the_fix_of_its_error(tmp_path):
    name = "import os", "undefined"
    lost = ("from course_utils.errors import DataError", "raise DataError('x; restore it')")
    line, problems = readiness.check_chapters(
        [sample(tmp_path, 1, *lost), sample(tmp_path, 2, *name)]
    )
    assert line == "" and len(problems) == 2
    assert problems[0] == "01_sample does not start (DataError: x; restore it)"
    assert "NameError" in problems[1] and "uv sync" in problems[1]
    (_, (problem,)) = readiness.check_chapters([sample(tmp_path, 3, "wrong", "wrong_too")])
    assert "'wrong'" in problem


def test_a_folder_of_jupyter_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    readiness.check_runtime_folder(tmp_path / "not" / "yet")
    readiness.check_work_folder(tmp_path / "not" / "yet")
    monkeypatch.setattr(readiness.os, "access", lambda *_: False)
    with pytest.raises(EnvironmentProblem, match="cannot write .*JUPYTER_RUNTIME_DIR"):
        readiness.check_runtime_folder(tmp_path / "not" / "yet")
    with pytest.raises(EnvironmentProblem, match="copies .* permissions of .* --source"):
        readiness.check_work_folder(tmp_path / "not" / "yet")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_chapters_that_could_not_be_asked_are_no_success(monkeypatch):
    def fails(_):
        raise SystemExit

    monkeypatch.setattr(readiness, "check_chapters", fails)
    monkeypatch.setattr(readiness, "check_data", lambda: ("Data", []))
    _, problems = readiness.examine(CHAPTERS)
    assert any("could not be asked" in problem for problem in problems)


def test_a_kernel_that_ends_and_a_damaged_chapter_are_named(tmp_path):
    dead = sample(tmp_path, 1, "import os", "os._exit(1)")
    line, (problem,) = readiness.check_chapters([dead])
    assert line == "" and "the kernel ended or did not answer" in problem
    dead.write_text("{")
    line, (problem,) = readiness.check_chapters([dead])
    assert "cannot be read" in problem
    assert files.how_to_restore("notebooks/01_sample.ipynb", typed=True) in problem
    empty = sample(tmp_path, 2)
    line, (problem,) = readiness.check_chapters([empty])
    assert line == "" and problem.startswith("02_sample.ipynb has lost its code: put it aside if")
    assert readiness.check_chapters([])[1] == [
        "there is no chapter to run: get a fresh copy of the course"
    ]
