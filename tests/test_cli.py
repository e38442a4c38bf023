"""The `course` command: it finds chapters, starts a real JupyterLab, and says where it is."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from course_utils.command import cli, kernels, lab, notebook_files
from course_utils.errors import CourseError
from course_utils.language import speaking
from notebooks_as_files import CHAPTERS, ROOT


@pytest.mark.parametrize(
    "name", ["1", "01", "01_image_data", "01_image_data.ipynb", "notebooks/01_image_data.ipynb"]
)
def test_chapters_are_found_by_any_name(name):
    assert cli.find_chapter(name) == CHAPTERS[0]


def test_a_missing_chapter_lists_what_there_is(capsys):
    with pytest.raises(CourseError, match="no chapter '9' in .*; there are: 1, 2, 3, 4"):
        cli.find_chapter("9")
    assert cli.main(["lab", "9"]) == 1
    assert capsys.readouterr().err.startswith("course lab: no chapter '9'")


def test_a_slip_is_offered_the_command_that_was_meant(capsys):
    for typed, meant in (("slide", "slides"), ("lba", "lab"), ("Progress", "progress")):
        with pytest.raises(SystemExit):
            cli.main([typed, "2"])
        assert f"did you mean `course {meant}`?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["xyz"])
    said = capsys.readouterr().err
    assert "no command 'xyz'" in said and "did you mean" not in said


def test_course_alone_tells_what_to_type_first_and_the_authors_commands_last(capsys):
    assert cli.main([]) == 0
    said = capsys.readouterr().out
    places = [said.index(text) for text in ("course lab 1", "progress", "handout", "refresh")]
    assert places == sorted(places) and places[0] < 100


def test_the_command_line_keeps_the_token_and_fits_the_machine(monkeypatch):
    monkeypatch.setattr(lab, "has_browser", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    line = " ".join(lab.lab_arguments(CHAPTERS[0], no_browser=False))
    assert "--allow-root" in line and "--no-browser" in line
    assert "default_url=/lab/tree/notebooks/01_image_data.ipynb" in line
    assert "token" not in line and "0.0.0.0" not in line and "log_level=ERROR" in line
    assert "log_level" not in " ".join(lab.lab_arguments(CHAPTERS[0], True, verbose=True))
    assert "/build/work/%EC%82%AC%EC%A7%84%20%282%29.ipynb" in " ".join(
        lab.lab_arguments(ROOT / "build" / "work" / "사진 (2).ipynb", True)
    )
    monkeypatch.setattr(lab, "has_browser", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    line = " ".join(lab.lab_arguments(CHAPTERS[0], no_browser=False))
    assert "--allow-root" not in line and "--no-browser" not in line


def test_check_counts_the_data(capsys):
    assert cli.main(["check"]) == 0
    said = capsys.readouterr().out
    assert re.match(r"Ready: Python .*\nData: \d+ files, each as its SHA-256 says\nChapters", said)
    assert said.endswith("the first cells of 1, 2, 3, 4 run\nThis machine is ready for a lesson.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process group")
def test_lab_starts_prints_the_address_and_stops(tmp_path):
    environment = {**os.environ}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environment[f"JUPYTER_{name}"] = str(tmp_path / name)
    process = subprocess.Popen(
        [sys.executable, "-m", "course_utils.command.cli", "lab", "--source", "--no-browser"],
        cwd=tmp_path, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, end = [""], time.monotonic() + 120
        while "token=" not in said[-1] and time.monotonic() < end:
            said.append(process.stdout.readline().strip())
        page = said.pop()
        assert [line for line in said if line] == ["The course is open at"]
        assert re.fullmatch(
            r"http://\S+/lab/tree/notebooks/01_image_data\.ipynb\?token=\w{20,}", page
        )
        base, token = page.split("/lab/tree")[0], page.split("token=")[1]
        with urllib.request.urlopen(f"{base}/api/contents/notebooks?token={token}") as answer:
            assert b"01_image_data.ipynb" in answer.read()
        settings = f"{base}/lab/api/settings/@jupyterlab/apputils-extension:notification"
        with urllib.request.urlopen(f"{settings}?token={token}") as answer:
            assert b'"fetchNews":{"title":"' in answer.read().replace(b" ", b"")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{base}/api/contents/notebooks")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
    assert not (ROOT / ".ipynb_checkpoints").exists()


def test_options_go_on_to_jupyter_and_the_users_config_is_kept(monkeypatch, tmp_path):
    import jupyterlab.labapp

    started = []
    monkeypatch.setattr(jupyterlab.labapp.LabApp, "launch_instance", started.append)
    monkeypatch.setattr(lab, "announce", lambda *_: None)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "theirs")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    stale = tmp_path / f"jpserver-{os.getpid()}.json"
    stale.write_text("{}")
    assert cli.main(["lab", "1", "--source", "--port=9999"]) == 0
    assert started[0][-1] == "--port=9999" and not stale.exists()
    assert os.environ["JUPYTER_CONFIG_PATH"] == f"{kernels.LAB_CONFIG}{os.pathsep}theirs"


def test_other_commands_refuse_unknown_options(capsys):
    with pytest.raises(SystemExit):
        cli.main(["check", "--port=9999"])
    assert "unrecognized arguments: --port=9999" in capsys.readouterr().err


def test_only_this_process_is_announced(monkeypatch, capsys):
    import jupyter_server.serverapp

    servers = [{"pid": 1, "url": "http://x:1/", "token": "old"},
               {"pid": 2, "url": "http://x:2/", "token": "new"}]  # fmt: skip
    monkeypatch.setattr(jupyter_server.serverapp, "list_running_servers", lambda log: servers)
    lab.announce(CHAPTERS[0], 2)
    said = capsys.readouterr().out
    assert "http://x:2/lab/tree/notebooks/01_image_data.ipynb?token=new" in said
    assert "token=old" not in said
    with speaking(True):
        lab.announce(CHAPTERS[0], 2)
    said = capsys.readouterr().out
    assert "강좌가 열린 주소" in said and "token=new" in said and "is open at" not in said


def test_a_screen_is_needed_for_a_browser(monkeypatch):
    monkeypatch.setattr(lab.webbrowser, "get", lambda: None)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not lab.has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert lab.has_browser()

    def none():
        raise lab.webbrowser.Error

    monkeypatch.setattr(lab.webbrowser, "get", none)
    assert not lab.has_browser()


@pytest.fixture
def started(monkeypatch, tmp_path):
    """`course lab` with copies in a folder of its own: list of what would have been opened."""
    from course_utils.command.editions import working_copies

    found = []
    monkeypatch.setattr(working_copies, "WORK", tmp_path)
    monkeypatch.setattr(
        cli, "start_lab", lambda notebook, *_, **more: found.append((notebook, more))
    )
    return found


def test_lab_opens_a_copy_and_makes_those_of_the_other_chapters(started, tmp_path):
    assert cli.main(["lab", "2"]) == 0
    ((notebook, more),) = started
    assert notebook == tmp_path / "02_cnn.ipynb" and more["working_copy"].chapter == CHAPTERS[1]
    assert {file.name for file in tmp_path.iterdir()} == {path.name for path in CHAPTERS}


def test_authors_open_the_chapter_itself(started, tmp_path):
    assert cli.main(["lab", "2", "--source"]) == 0
    ((notebook, more),) = started
    assert notebook == CHAPTERS[1] and more["working_copy"] is None
    assert list(tmp_path.iterdir()) == []


def test_the_copy_and_a_newer_one_are_told_above_the_address(monkeypatch, capsys):
    import jupyter_server.serverapp

    from course_utils.command.editions.working_copies import WORK, WorkingCopy

    servers = [{"pid": 2, "url": "http://x:2/", "token": "new"}]
    monkeypatch.setattr(jupyter_server.serverapp, "list_running_servers", lambda log: servers)
    mine, newer = WORK / "02_cnn.ipynb", WORK / "new_02_cnn.ipynb"
    for newest in (mine, newer):
        lab.announce(mine, 2, WorkingCopy(CHAPTERS[1], mine, newest))
        said = capsys.readouterr().out
        assert "saved: build/work/02_cnn.ipynb\n" in said.split("http")[0]
        assert ("build/work/new_02_cnn.ipynb\n" in said) == (newest == newer)
        assert "http://x:2/lab/tree/build/work/02_cnn.ipynb?token=new" in said


def test_refresh_runs_what_is_named_or_all(monkeypatch, capsys):
    from course_utils.command import authors

    ran = []
    monkeypatch.setattr(authors, "refresh_notebook", lambda path: ran.append(path) or 1.0)
    assert cli.main(["refresh", "1"]) == 0 and ran == [CHAPTERS[0]]
    assert cli.main(["refresh"]) == 0 and ran[1:] == CHAPTERS
    assert "01_image_data.ipynb: run in 1 s" in capsys.readouterr().out


def test_map_says_whether_the_map_changed(monkeypatch, capsys):
    from course_utils.command import authors

    asked, answers = [], iter([True, False])
    monkeypatch.setattr(authors, "write_map", lambda *given: asked.append(given) or next(answers))
    assert cli.main(["map"]) == 0 and cli.main(["map"]) == 0
    assert asked == 2 * [(ROOT / "notebooks" / "README.md", CHAPTERS)]
    assert capsys.readouterr().out.splitlines() == [
        "README.md: the course map is written",
        "README.md: the course map is as it was",
    ]


def test_map_names_the_heading_that_says_too_little(monkeypatch, capsys):
    from course_utils.command import authors

    def refuse(*_):
        raise CourseError("02_cnn.ipynb: '## 2.1 T' has no 'outcome' in its metadata")

    monkeypatch.setattr(authors, "write_map", refuse)
    assert cli.main(["map"]) == 1
    assert capsys.readouterr().err.startswith("course map: 02_cnn.ipynb: '## 2.1 T' has no")


@pytest.fixture
def opened(monkeypatch):
    """What would have been opened in JupyterLab: list of (notebook, further options)."""
    found = []
    monkeypatch.setattr(cli, "start_lab", lambda notebook, others: found.append((notebook, others)))
    return found


def test_live_writes_and_opens_only_when_asked(monkeypatch, tmp_path, capsys, opened):
    from course_utils.command.editions import live

    target = ROOT / "build" / "live" / "02_cnn.ipynb"
    asked, kept = [], [None, target.with_name("02_cnn (2).ipynb")]

    def write(path, large):
        asked.append((path, large))
        return live.Written(target, 2, kept[len(asked) - 1], target.with_name("02_cnn_notes.html"))

    monkeypatch.setattr(live, "write_live", write)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(live, "lab_settings", lambda: tmp_path)
    assert cli.main(["live", "2"]) == 0 and opened == []
    assert capsys.readouterr().out.splitlines() == [
        "build/live/02_cnn.ipynb: 2 cells to type",
        "build/live/02_cnn_notes.html: what to say, for your phone and not for the projector",
        "Open it: uv run course live 2 --open",
    ]
    assert cli.main(["live", "2", "--large", "--open", "--port=9999"]) == 0
    assert opened == [(target, [f"--LabApp.user_settings_dir={tmp_path}", "--port=9999"])]
    assert capsys.readouterr().out.startswith(
        "build/live/02_cnn (2).ipynb: what you had typed there before\n"
    )
    assert asked == [(CHAPTERS[1], False), (CHAPTERS[1], True)]
    with pytest.raises(SystemExit):
        cli.main(["live", "2", "--port=9999"])


def test_student_keeps_work_and_opens_it(monkeypatch, capsys, opened):
    from course_utils.command.editions import edition as editions

    target = editions.STUDENT / "01_image_data.ipynb"

    def refuse(path, beside):
        if beside:
            return [target.with_name("01_image_data (2).ipynb")]
        raise editions.StudentsWork("it holds your work")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(editions, "write_student", refuse)
    assert cli.main(["student", "1"]) == 1
    assert capsys.readouterr().err == "course student: it holds your work\n"
    assert cli.main(["student", "1", "--beside"]) == 0 and opened == []
    assert capsys.readouterr().out.splitlines() == [
        "build/student/01_image_data (2).ipynb",
        'Open it: uv run course lab "build/student/01_image_data (2).ipynb"',
    ]
    assert cli.main(["student", "1", "--open"]) == 0 and opened == [(target, [])]
    monkeypatch.setattr(editions, "write_student", lambda path, beside: [target])
    assert cli.main(["student", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "Open it: uv run course student 1 --open"


def test_progress_reads_the_folder_that_is_named(tmp_path, capsys):
    assert cli.main(["progress", str(ROOT / "notebooks")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHAPTERS)
    assert lines[0].startswith("01_image_data: 0 solved, 0 tried, 20 not attempted; next: exercise")
    assert cli.main(["progress", str(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith("`course progress notebooks`\n")
    assert cli.main(["progress", str(tmp_path / "nowhere")]) == 1
    assert "there is no notebook or folder" in capsys.readouterr().err
    assert cli.main(["progress", str(CHAPTERS[1])]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("02_cnn: 0 solved")
    (tmp_path / CHAPTERS[0].name).write_text("{")
    assert cli.main(["progress", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("Left out: 01_image_data.ipynb cannot be read")


def test_without_a_folder_the_chapters_themselves_count_too(capsys, monkeypatch, tmp_path):
    from course_utils.command.editions import edition as editions
    from course_utils.command.editions import working_copies

    monkeypatch.setattr(editions, "STUDENT", tmp_path / "none")
    monkeypatch.setattr(working_copies, "WORK", tmp_path / "none")
    assert cli.main(["progress"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CHAPTERS)


def test_a_path_is_that_notebook_and_no_other(tmp_path, monkeypatch):
    copy = tmp_path / CHAPTERS[0].name
    copy.write_text("{}")
    for name in (str(copy), "build/live/01_image_data.ipynb"):
        with pytest.raises(CourseError, match="no chapter"):
            cli.find_chapter(name)
    with pytest.raises(CourseError, match="no chapter"):
        cli.find_notebook(str(copy))  # not in the course's folder
    monkeypatch.setattr(notebook_files, "ROOT", tmp_path)
    assert cli.find_notebook(copy.name) == copy
    assert cli.find_notebook("2") == CHAPTERS[1]


def test_options_and_words_that_went_astray_are_named(capsys):
    assert cli.main(["lab", "--port", "9999", "--no-browser"]) == 1
    assert capsys.readouterr().err.endswith("write an option of JupyterLab with =, --port=9999\n")
    with pytest.raises(SystemExit):
        cli.main(["lab", "1", "2"])
    assert "unrecognized arguments: 2" in capsys.readouterr().err


def test_a_terminal_without_the_signs_gets_question_marks():
    code = "from course_utils.command import cli; cli.main(['lab', '--help'])"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0 and "1 ? 4" in done.stdout


def test_check_fails_with_a_line_for_each_problem(monkeypatch, capsys):
    from course_utils.command import readiness

    monkeypatch.setattr(readiness, "examine", lambda _: (["Ready: x"], ["one: fix", "two: fix"]))
    assert cli.main(["check"]) == 1
    said = capsys.readouterr()
    assert said.out == "Ready: x\n"
    assert said.err.splitlines() == ["Problem: one: fix", "Problem: two: fix"]
