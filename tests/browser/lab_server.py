"""A JupyterLab server of the test's own, and one of its notebooks open in a browser."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from course_utils.command.kernels import KERNEL, lab_environment

REPOSITORY = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((REPOSITORY / "notebooks").glob("0*.ipynb"))
PROBE = Path(__file__).with_name("probe.js")
START_S, RUN_S = 90, 1800  # longest waits: for a server, a page or a kernel, and for Run All
READY = "() => course.ready()"
POLL_MS = 30  # to look at each frame would make the page draw all the time
EVERY_CELL = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "contentVisibility"}}
ARRIVE_MS = 10_000  # longest wait for widgets after the last cell
SHELL_ONLY = ("MPLBACKEND", "PYTHONWARNINGS")  # would change what cells show
PAGE_STEP = 900  # pixels from one screenshot of a notebook to the next


class Lab:
    """JupyterLab on a copy of the notebooks, with settings that are nobody's but its own."""

    def __init__(self, notebooks, folder, options=()):
        self.options = options
        self.root, self.log = folder / "notebooks", folder / "lab.log"
        shutil.copytree(notebooks, self.root, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        settings = folder / "config" / "labconfig" / "default_setting_overrides.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(EVERY_CELL), encoding="utf-8")
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command(), env=environment(folder), cwd=self.root, stdout=log, stderr=log
            )

    def _command(self):
        """The command that starts the server."""
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"),
            *(["--allow-root"] if is_root else []),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"),
            f"--IdentityProvider.token={self.token}",
            *self.options,
        ]

    def ask(self, path, method="GET"):
        """Ask the server's API, past any proxy; returns the answer's JSON (None if empty)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def wait(self):
        """Return once the server answers; raise with its log if it ended or takes too long."""
        end = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < end:
            try:
                return self.ask("api/status")
            except OSError:
                time.sleep(0.2)
        log = self.log.read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"JupyterLab did not start (exit {self.process.poll()}):\n{log[-3000:]}")

    def stop_kernel(self, notebook):
        """End the kernel of a notebook."""
        for session in self.ask("api/sessions"):
            if session["path"] == notebook:
                self.ask(f"api/sessions/{session['id']}", "DELETE")

    def stop(self):
        """End the server and its kernels: politely, then by force."""
        import psutil

        try:
            family = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        try:
            self.ask("api/shutdown", "POST")
            self.process.wait(15)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(15)
        _, alive = psutil.wait_procs(family, timeout=5)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=5)

    def address(self, notebook):
        """The address that opens a notebook alone in a fresh workspace."""
        path = f"lab/workspaces/auto-test/tree/{quote(notebook)}"
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}&reset"


def environment(folder):
    """What `course lab` gives the server, one thread a kernel, nothing of the user's Jupyter."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON")) and name not in SHELL_ONLY
    }
    private = {
        f"JUPYTER_{kind.upper()}_DIR": str(folder / kind) for kind in ("config", "data", "runtime")
    }
    return lab_environment(kept | KERNEL | private | {"IPYTHONDIR": str(folder / "ipython")})


class Chapter:
    """A notebook in the browser: opened, run from top to bottom, and held for the checks."""

    def __init__(self, browser, lab, notebook):
        self.name = Path(notebook).stem
        self.stored = json.loads((lab.root / notebook).read_text(encoding="utf-8"))
        self.page = browser.new_page(viewport={"width": 1400, "height": 1000})
        self.page.add_init_script(path=PROBE)
        self.crashes, self.photographed = [], False
        self.page.on("pageerror", lambda error: self.crashes.append(str(error)))
        self.address = lab.address(notebook)

    def run(self):
        """Open the notebook, Run All, and wait until kernel and pictures are at rest."""
        self.page.goto(self.address, timeout=1000 * START_S)
        self.page.wait_for_function(READY, timeout=1000 * START_S, polling=POLL_MS)
        self.times = self.page.evaluate("(limit) => course.runAll(limit)", RUN_S)
        assert self.times["ended"], f"Run All of {self.name} had not ended after {RUN_S} s"
        self.page.wait_for_function(READY, timeout=1000 * START_S, polling=POLL_MS)
        self.page.evaluate("(limit) => course.arrived(limit)", ARRIVE_MS)
        for picture in self.page.query_selector_all(".course-explorer img.course-picture"):
            picture.evaluate("(image) => course.settled(image)")
        return self

    def live(self):
        """The notebook as the page holds it now, in the form of an .ipynb file."""
        return self.page.evaluate("() => course.model()")

    def explorers(self):
        """The explorers on the page, top to bottom, as element handles."""
        return self.page.query_selector_all(".course-explorer")

    def questions(self):
        """The questions, in the same way."""
        return self.page.query_selector_all(".course-question")

    def photograph(self, folder):
        """Screenshots of the whole notebook, one a page: NAME-page-01.png and so on; only once."""
        if self.photographed:
            return
        self.photographed = True
        outer = self.page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").first
        height = outer.evaluate(
            "(box) => box.querySelector('.jp-WindowedPanel-inner').scrollHeight"
        )
        for number, top in enumerate(range(0, max(height, 1), PAGE_STEP), start=1):
            outer.evaluate("(box, top) => { box.scrollTop = top; }", top)
            self.page.wait_for_timeout(60)
            self.page.screenshot(path=folder / f"{self.name}-page-{number:02d}.png")
        outer.evaluate("(box) => { box.scrollTop = 0; }")


@contextlib.contextmanager
def run_notebook(chromium, lab, name, artifacts):
    """The notebook `name` after Run All; closed, with its kernel ended, when the block is left."""
    for old in artifacts.glob(f"{Path(name).stem}-*.png"):
        old.unlink()
    opened = Chapter(chromium, lab, name)
    try:
        yield opened.run()
    except Exception:
        opened.page.screenshot(path=artifacts / f"{opened.name}-failed.png")
        raise
    finally:
        opened.page.close()
        lab.stop_kernel(name)
