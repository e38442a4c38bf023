"""The doctor: one line when all is well, one sentence with the command when it is not."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from course_utils import doctor
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


@pytest.mark.parametrize("part", ["check_python", "check_packages", "check_widgets"])
def test_every_part_is_asked(monkeypatch, part):
    def refuse(*_):
        raise EnvironmentProblem(part)

    monkeypatch.setattr(doctor, part, refuse)
    with pytest.raises(EnvironmentProblem, match=part):
        check_environment(1)


@pytest.mark.parametrize(
    ("cuda", "mps", "says"),
    [(True, False, "H100"), (False, True, "Apple GPU"), (False, False, "CPU, 1 thread ")],
)
def test_the_device_is_named(monkeypatch, cuda, mps, says):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert says in doctor.describe(1)


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
