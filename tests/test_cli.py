"""The `course` command: it finds chapters, starts a real JupyterLab, and says where it is."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from course_utils import cli
from course_utils.errors import CourseError
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


def test_the_command_line_keeps_the_token_and_fits_the_machine(monkeypatch):
    monkeypatch.setattr(cli, "has_browser", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    line = " ".join(cli.lab_arguments(CHAPTERS[0], no_browser=False))
    assert "--allow-root" in line and "--no-browser" in line
    assert "default_url=/lab/tree/notebooks/01_image_data.ipynb" in line
    assert "token" not in line and "0.0.0.0" not in line
    monkeypatch.setattr(cli, "has_browser", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    line = " ".join(cli.lab_arguments(CHAPTERS[0], no_browser=False))
    assert "--allow-root" not in line and "--no-browser" not in line


def test_check_counts_the_data(capsys):
    assert cli.main(["check"]) == 0
    assert re.search(
        r"Ready: Python .*\nData: \d+ files, each as its SHA-256", capsys.readouterr().out
    )


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process group")
def test_lab_starts_prints_the_address_and_stops(tmp_path):
    environment = {**os.environ}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environment[f"JUPYTER_{name}"] = str(tmp_path / name)
    process = subprocess.Popen(
        [sys.executable, "-m", "course_utils.cli", "lab", "--no-browser"],
        cwd=tmp_path, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        page = ""
        end = time.monotonic() + 120
        while "token=" not in page and time.monotonic() < end:
            page = process.stdout.readline().strip()
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
    monkeypatch.setattr(cli, "announce", lambda *_: None)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "theirs")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    stale = tmp_path / f"jpserver-{os.getpid()}.json"
    stale.write_text("{}")
    assert cli.main(["lab", "1", "--port=9999"]) == 0
    assert started[0][-1] == "--port=9999" and not stale.exists()
    assert os.environ["JUPYTER_CONFIG_PATH"] == f"{cli.LAB_CONFIG}{os.pathsep}theirs"


def test_other_commands_refuse_unknown_options(capsys):
    with pytest.raises(SystemExit):
        cli.main(["check", "--port=9999"])
    assert "unrecognized arguments: --port=9999" in capsys.readouterr().err


def test_only_this_process_is_announced(monkeypatch, capsys):
    import jupyter_server.serverapp

    servers = [{"pid": 1, "url": "http://x:1/", "token": "old"},
               {"pid": 2, "url": "http://x:2/", "token": "new"}]  # fmt: skip
    monkeypatch.setattr(jupyter_server.serverapp, "list_running_servers", lambda log: servers)
    cli.announce(CHAPTERS[0], 2)
    said = capsys.readouterr().out
    assert "http://x:2/lab/tree/notebooks/01_image_data.ipynb?token=new" in said
    assert "old" not in said


def test_a_screen_is_needed_for_a_browser(monkeypatch):
    monkeypatch.setattr(cli.webbrowser, "get", lambda: None)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not cli.has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert cli.has_browser()

    def none():
        raise cli.webbrowser.Error

    monkeypatch.setattr(cli.webbrowser, "get", none)
    assert not cli.has_browser()


def test_refresh_runs_what_is_named_or_all(monkeypatch, capsys):
    from course_utils import refresh

    ran = []
    monkeypatch.setattr(refresh, "refresh_notebook", lambda path: ran.append(path) or 1.0)
    assert cli.main(["refresh", "1"]) == 0 and ran == [CHAPTERS[0]]
    assert cli.main(["refresh"]) == 0 and ran[1:] == CHAPTERS
    assert "01_image_data.ipynb: run in 1 s" in capsys.readouterr().out
