"""The instructor's edition of chapter 1 in a real JupyterLab, used as in front of a class."""

import json

import lab_server
import pytest
from explorer_moves import answer_everything, move_everything
from lab_server import POLL_MS, READY, START_S, Chapter

from course_utils.command.live import CODE_SIZE, PROSE_SIZE, lab_settings, write_live

NAME = "01_image_data.ipynb"
SOLUTION = """def crop(image, top, left, height, width):
    return image[top : top + height, left : left + width]


check("crop", crop)"""


class Live(Chapter):
    """The edition in the browser, its cells reached by their IDs."""

    def open(self):
        """Open the notebook and wait for its kernel."""
        self.page.goto(self.address)
        self.page.wait_for_function(READY, timeout=1000 * START_S, polling=POLL_MS)
        return self

    def cell(self, name):
        """The cell with an ID, as it is now, in the form of the .ipynb file."""
        return next(cell for cell in self.live()["cells"] if cell["id"] == name)

    def text(self, name):
        """Everything that a cell printed, or showed as text; fails if it raised."""
        outputs = self.cell(name)["outputs"]
        assert all(output["output_type"] != "error" for output in outputs), outputs
        texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
        return "".join(map("".join, texts))

    def select(self, name):
        """Make a cell the active one, in command mode, and scroll to it; returns its element."""
        place = [cell["id"] for cell in self.live()["cells"]].index(name)
        self.page.evaluate(
            """(place) => { const notebook = jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = place; notebook.deselectAll();
                notebook.mode = 'command'; notebook.activate(); }""",
            place,
        )
        element = self.page.locator(".jp-Notebook .jp-Cell").nth(place)
        element.scroll_into_view_if_needed()
        return element

    def press(self, name, key="Control+Enter"):
        """Select a cell, run it by key, and wait for its end."""
        element = self.select(name)
        before = self.cell(name).get("execution_count")
        self.page.keyboard.press(key)
        self.page.wait_for_function(
            """([name, before]) => { const cell = course.model().cells.find((c) => c.id === name);
                return cell.execution_count !== null && cell.execution_count !== before; }""",
            arg=[name, before],
            timeout=1000 * START_S,
            polling=POLL_MS,
        )
        self.page.wait_for_function(READY, timeout=1000 * START_S, polling=POLL_MS)
        return element


@pytest.fixture(scope="module")
def live(chromium, lab, artifacts):
    """The edition, opened, its first cells run one by one."""
    write_live(lab.root / NAME, lab.root / "live")
    opened = Live(chromium, lab, f"live/{NAME}")
    try:
        opened.open()
        for name in ("live_start", "doctor", "imports"):
            opened.press(name)
        yield opened
    finally:
        if not opened.page.is_closed():
            opened.page.screenshot(path=artifacts / "live-last.png")
        opened.page.close()
        lab.stop_kernel(f"live/{NAME}")


def test_an_emptied_cell_fills_itself_and_runs(live, artifacts):
    """One key puts the finished code into the cell; the same key then runs it."""
    assert live.cell("pixels-load")["source"] == "%finish pixels-load"
    live.press("pixels-load")
    finished = "".join(live.cell("pixels-load_finished")["source"])
    now = "".join(live.cell("pixels-load")["source"])
    assert finished == f"# finished: pixels-load\n{now}" and live.text("pixels-load") == ""
    live.press("pixels-load").screenshot(path=artifacts / "live-finished.png")
    assert live.text("pixels-load").startswith("shape (300, 451, 3)")


def test_what_was_typed_stays(live):
    """A cell in which something was typed runs as it is, the line at its end or not."""
    typed = "print(2 * 1920 * 1080)"
    element = live.select("resolution-count")
    element.locator(".cm-content").click()
    live.page.keyboard.press("Control+Home")
    live.page.keyboard.type(typed + "\n")
    live.press("resolution-count")
    assert live.text("resolution-count") == "4147200\n"
    assert live.cell("resolution-count")["source"] == f"{typed}\n%finish resolution-count"


def test_one_click_reveals_the_finished_cell(live, artifacts):
    """The folded twin shows its code after one click, and running it is enough."""
    element = live.select("resolution-area_finished")
    assert (
        element.locator(".cm-content").count() == 0
        or not element.locator(".cm-content").is_visible()
    )
    element.locator(".jp-Placeholder-content, .jp-InputPlaceholder").first.click()
    element.locator(".cm-content").wait_for(state="visible")
    live.press("resolution-area_finished").screenshot(path=artifacts / "live-revealed.png")
    assert "area\n [[ 50. 100.   8.]" in live.text("resolution-area_finished")


def test_speaker_notes_are_folded(live, artifacts):
    """The notes show one line until they are opened."""
    element = live.select("notes_pixels")
    note = element.locator("details")
    assert not note.evaluate("(note) => note.open")
    note.locator("summary").click()
    assert "pixels-load" in note.inner_text() and "shape (300, 451, 3)" in note.inner_text()
    element.screenshot(path=artifacts / "live-notes.png")


def test_an_exercise_a_question_and_a_widget_work(live):
    """Exercise solved, question answered, explorer moved: as in the chapter itself."""
    element = live.press("exercise-crop")
    assert "not attempted yet" in live.text("exercise-crop")
    element.locator(".cm-content").click()
    live.page.keyboard.press("Control+a")
    live.page.keyboard.insert_text(SOLUTION)
    live.press("exercise-crop")
    assert "right in all" in live.text("exercise-crop")
    answer_everything(live.press("layout-question").locator(".course-question"))
    for name in ("bitmap-type_finished", "bitmap-edit"):
        element = live.press(name)
    move_everything(element.locator(".course-explorer").first)


def test_large_type_is_large(chromium, lab, artifacts, tmp_path, monkeypatch):
    """With the settings that `--large` writes code is 20 px high, and prose is larger too."""
    option = f"--LabApp.user_settings_dir={lab_settings(tmp_path / 'large')}"
    usual = lab_server.Lab._command
    monkeypatch.setattr(lab_server.Lab, "_command", lambda self: [*usual(self), option])
    edition = write_live(lab.root / NAME, tmp_path / "live", large=True).path
    cells = json.loads(edition.read_text(encoding="utf-8"))
    last = [cell["id"] for cell in cells["cells"]].index("live_start") + 4
    edition.write_text(json.dumps(cells | {"cells": cells["cells"][:last]}), encoding="utf-8")
    server = lab_server.Lab(tmp_path / "live", tmp_path / "lab")
    opened = None
    try:
        server.wait()
        opened = Live(chromium, server, NAME).open()
        opened.press("live_start")
        size = "(line) => getComputedStyle(line).fontSize"
        assert opened.page.locator(".jp-Notebook .cm-line").first.evaluate(size) == CODE_SIZE
        prose = opened.page.locator(".jp-Notebook .jp-RenderedMarkdown p").first
        assert prose.evaluate(size) == PROSE_SIZE
        opened.page.screenshot(path=artifacts / "live-large.png")
    finally:
        if opened:
            opened.page.close()
        server.stop()
