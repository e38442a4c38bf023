"""A real JupyterLab, a real Chromium, and each chapter run in them."""

import os
import shutil
from pathlib import Path

import pytest
from lab_server import CHAPTERS, REPOSITORY, Chapter, Lab, run_notebook
from stored_outputs import errors

from recorded_runs import record

NOTEBOOKS = REPOSITORY / "notebooks"
ARTIFACTS = REPOSITORY / "tests" / "artifacts"
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


@pytest.fixture(scope="session")
def browser_path():
    """The path of the browser; without one, or without playwright, the test is skipped."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        absent("the browser test needs playwright and psutil: run `uv sync`")
    path = find_browser()
    if path is None:
        absent(
            "the browser test needs Chromium, Chrome or Edge: install one (`sudo apt install "
            "chromium`), or name its program in the variable COURSE_CHROMIUM"
        )
    return path


@pytest.fixture(scope="module")
def chromium(browser_path):
    """A headless Chromium; it ends with its file, since its event loop is in others' way."""
    from playwright.sync_api import sync_playwright

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        flags = FLAGS + (["--no-sandbox"] if is_root else [])
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(browser_path, tmp_path_factory):
    """A JupyterLab on a copy of the notebooks, one in each worker; tests end their kernels."""
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
    return ARTIFACTS


@pytest.fixture
def note(record_property):
    """Function that keeps a line: for the end of the run, and in tests/artifacts/latency.txt."""
    return lambda line: record_property("measured", line)


@pytest.fixture
def hush(pytestconfig):
    """Function after which the other workers begin no test until the present one has ended."""
    given = getattr(pytestconfig, "workerinput", None)
    if given is None:
        yield lambda: None
    else:
        flag = Path(given["meeting"], f"hush-{given['workerid']}")
        yield flag.touch
        flag.unlink(missing_ok=True)


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request, chromium, lab, artifacts):
    """A chapter after Run All; photographed page by page if COURSE_PAGES is set."""
    with run_notebook(chromium, lab, request.param.name, artifacts) as opened:
        if not errors(live := opened.live()):
            record(request.config, opened.name, live)
        if os.environ.get("COURSE_PAGES"):
            opened.photograph(artifacts)
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Screenshots of a chapter in which a test failed: as it stands, and page by page."""
    report = yield
    opened = getattr(item, "funcargs", {}).get("chapter")
    if report.failed and isinstance(opened, Chapter) and not opened.page.is_closed():
        ARTIFACTS.mkdir(exist_ok=True)
        opened.page.screenshot(path=ARTIFACTS / f"{opened.name}-failed-{item.originalname}.png")
        opened.photograph(ARTIFACTS)
    return report
