"""A real JupyterLab, a real Chromium, and each chapter run in them."""

import os
import shutil

import pytest
from lab_server import REPOSITORY, Chapter, Lab, run_notebook

NOTEBOOKS = REPOSITORY / "notebooks"
ARTIFACTS = REPOSITORY / "tests" / "artifacts"
CHAPTERS = sorted(NOTEBOOKS.glob("0*.ipynb"))
LINES = pytest.StashKey[list]()
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
            "msedge")  # fmt: skip
INSTALLED = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
    "C:/Program Files/Microsoft/Edge/Application/msedge.exe",
)
FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


def find_browser(environment=os.environ):
    """Path of a Chromium, Chrome or Edge; None if there is none."""
    candidates = (environment.get("COURSE_CHROMIUM", ""), *COMMANDS, *INSTALLED)
    return next((found for name in candidates if (found := shutil.which(name))), None)


def absent(reason, environment=os.environ):
    """Skip the test, or fail it on a CI machine, where nothing may be missing."""
    if environment.get("CI", "").lower() in ("true", "1"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("the browser test needs playwright and psutil: run `uv sync`")
    path = find_browser()
    if path is None:
        absent(
            "the browser test needs Chromium, Chrome or Edge: install one (`sudo apt install "
            "chromium`), or name its program in the variable COURSE_CHROMIUM"
        )
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        flags = FLAGS + (["--no-sandbox"] if is_root else [])
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """A JupyterLab on a copy of the notebooks."""
    server = Lab(NOTEBOOKS, tmp_path_factory.mktemp("lab"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def artifacts():
    """The folder for what a run leaves to be looked at."""
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "latency.txt").unlink(missing_ok=True)
    return ARTIFACTS


@pytest.fixture(scope="session")
def note(artifacts, pytestconfig):
    """Function that keeps a line: for the end of the run, and in tests/artifacts/latency.txt."""
    lines = pytestconfig.stash.setdefault(LINES, [])

    def keep(line):
        lines.append(line)
        (artifacts / "latency.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return keep


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request, chromium, lab, artifacts, note):
    """A chapter after Run All, photographed page by page."""
    with run_notebook(chromium, lab, request.param.name, artifacts) as opened:
        first, total = opened.times["first"], opened.times["total"]
        shown = f"first figure after {first:.1f} s" if first else "no figure"
        note(f"run all {opened.name}: {shown}, end after {total:.1f} s")
        opened.photograph(artifacts)
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A last screenshot of a chapter in which a test failed."""
    report = yield
    opened = getattr(item, "funcargs", {}).get("chapter")
    if report.failed and isinstance(opened, Chapter) and not opened.page.is_closed():
        ARTIFACTS.mkdir(exist_ok=True)
        opened.page.screenshot(path=ARTIFACTS / f"{opened.name}-failed-{item.originalname}.png")
    return report


def pytest_terminal_summary(terminalreporter, config):
    """The measured times, at the end of every run."""
    lines = config.stash.get(LINES, [])
    if lines:
        terminalreporter.section("chapters in the browser")
        for line in lines:
            terminalreporter.write_line(line)
