"""Handouts: a chapter with its outputs as one page, for reading on a phone or on paper."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from nbconvert import HTMLExporter

from course_utils.command.notebook_files import title, write
from course_utils.command.pages import exporter, read_chapter, style, with_formulas
from course_utils.errors import CourseError
from course_utils.files import cleaned

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
PRINT_S = 120  # longest wait for a browser that prints


def write_handout(path, folder):
    """The notebook at `path`, as stored, → a page in `folder`; returns its path.

    Raises CourseError.
    """
    notebook = read_chapter(path)
    course = {"title": title(notebook), "css": style("page.css", "handout.css")}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(cell.source)
    maker = exporter(HTMLExporter, "handout.html.j2")
    page, _ = maker.from_notebook_node(notebook, {"course": course})
    target = Path(folder) / f"{Path(path).stem}.html"
    write(target, page.encode())
    return target


def write_pdf(page):
    """Print a page to a PDF beside it, by a browser that is installed; returns the PDF's path.

    Folded solutions stay folded. Raises CourseError, also where there is no such browser.
    """
    page = Path(page).resolve()
    browser = find_browser()
    if browser is None:
        raise CourseError(
            "a PDF is printed by Chromium, Chrome or Edge, and none was found: install one, name "
            f"its program in the variable COURSE_CHROMIUM, or print {page} from your own browser"
        )
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        made = Path(profile, "made.pdf")
        command = [browser, "--headless", "--disable-gpu", f"--user-data-dir={profile}",
                   "--no-first-run", "--no-pdf-header-footer", f"--print-to-pdf={made}",
                   page.as_uri()]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
            command.insert(1, "--no-sandbox")
        try:
            done = subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", timeout=PRINT_S
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise CourseError(f"{browser} did not print {page.name}: {problem}") from None
        if not made.exists():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise CourseError(f"{browser} did not print {page.name}: {last}")
        write(target, made.read_bytes())
    return target


def find_browser(environment=os.environ):
    """Path of a Chromium, Chrome or Edge; None if there is none."""
    named = environment.get("COURSE_CHROMIUM", "")
    candidates = (named, cleaned(named), *BROWSERS)
    return next((found for name in candidates if (found := shutil.which(name))), None)
