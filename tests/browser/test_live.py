"""The instructor's edition in a real JupyterLab, used as in front of a class."""

import os

import pytest
from explorer_moves import answer_everything, move_everything
from lab_server import POLL_MS, READY, START_S, Chapter

from course_utils.command.editions.edition import reading
from course_utils.command.editions.live import write_live
from course_utils.command.notebook_files import CHAPTERS, read_notebook

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
        return self.page.evaluate("(name) => course.cell(name)", name)

    def text(self, name):
        """Everything that a cell printed, or showed as text; fails if it raised."""
        outputs = self.cell(name)["outputs"]
        assert all(output["output_type"] != "error" for output in outputs), outputs
        texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
        return "".join(map("".join, texts))

    def select(self, name):
        """Make a cell the active one, in command mode, and scroll to it; returns its element."""
        place = self.page.evaluate(
            """(name) => { const notebook = jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = course.ids().indexOf(name); notebook.deselectAll();
                notebook.mode = 'command'; notebook.activate();
                return notebook.activeCellIndex; }""",
            name,
        )
        element = self.page.locator(".jp-Notebook .jp-Cell").nth(place)
        element.scroll_into_view_if_needed()
        return element

    def press(self, name, key="Control+Enter"):
        """Select a cell, run it by key, and wait for its end."""
        element = self.select(name)
        self.ran(name, key)
        return element

    def ran(self, name, key):
        """Press a key that runs the active cell, whose ID is `name`, and wait for its end."""
        before = self.page.evaluate("(name) => course.count(name)", name)
        self.page.keyboard.press(key)
        self.page.wait_for_function(
            """([name, before]) => { const count = course.count(name);
                return count !== null && count !== before; }""",
            arg=[name, before],
            timeout=1000 * START_S,
            polling=POLL_MS,
        )
        self.page.wait_for_function(READY, timeout=1000 * START_S, polling=POLL_MS)


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


def test_an_emptied_cell_fills_itself_in_and_runs(live, artifacts):
    """One key puts the finished code into the cell and runs it; the next cell is selected."""
    emptied = live.cell("pixels-load")["source"]
    assert emptied.startswith("# ") and emptied.endswith("\n%finish pixels-load")
    live.select("pixels-load").screenshot(path=artifacts / "live-emptied.png")
    live.press("pixels-load", "Shift+Enter")
    assert live.cell("pixels-load")["source"].startswith("cat = load_photo(")
    assert live.text("pixels-load").startswith("shape (300, 451, 3)")


@pytest.mark.parametrize("name", [NAME, "02_cnn.ipynb"])
def test_a_sitting_by_shift_enter_alone(chromium, lab, artifacts, name):
    """From the first cell to the end of the first sitting, without an error, each cell filled.

    Each is photographed if COURSE_PAGES is set.
    """
    write_live(lab.root / name, lab.root / "sitting")
    opened = Live(chromium, lab, f"sitting/{name}")
    opened.page.set_viewport_size({"width": 1280, "height": 720})
    try:
        opened.open()
        cells = opened.live()["cells"]
        begins = [i for i, c in enumerate(cells) if "sitting" in c["metadata"].get("tags", [])]
        ids = [cell["id"] for cell in cells[: begins[1]]]
        opened.select(ids[0])
        for place, cell in enumerate(ids):
            now = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"
            assert opened.page.evaluate(now) == place
            if cells[place]["cell_type"] == "code":
                opened.ran(cell, "Shift+Enter")
                opened.text(cell)
                assert "%finish" not in opened.cell(cell)["source"]
            else:
                opened.page.keyboard.press("Shift+Enter")
            if os.environ.get("COURSE_PAGES"):
                file = f"live-{name[:2]}-{place:02d}-{cell}.png"
                opened.page.screenshot(path=artifacts / file)
    finally:
        opened.page.close()
        lab.stop_kernel(f"sitting/{name}")


def test_what_was_typed_stays(live):
    """A cell in which something was typed runs as it is, the line at its end or not."""
    typed = "print(2 * 1920 * 1080)"
    element = live.select("resolution-count")
    element.locator(".cm-content").click()
    live.page.keyboard.press("Control+Home")
    live.page.keyboard.type(typed + "\n")
    live.press("resolution-count")
    assert live.text("resolution-count") == "4147200\n"
    assert live.cell("resolution-count")["source"].startswith(f"{typed}\n# Count the pixels")
    assert live.cell("resolution-count")["source"].endswith("\n%finish resolution-count")


def test_what_answers_a_prediction_is_folded(live, artifacts):
    """The answer shows one line until it is opened, and the next question stands below it."""
    element = live.select("aliasing-photo-text")
    answer = element.locator("details")
    assert not answer.evaluate("(answer) => answer.open")
    element.screenshot(path=artifacts / "live-folded.png")
    answer.locator("summary").click()
    source = next(c for c in read_notebook(CHAPTERS / NAME).cells if c.id == "aliasing-photo-text")
    told, rest = (text.split("*")[0].strip() for text in reading(source))
    assert told in answer.inner_text() and answer.locator("p strong").count() == 1  # Markdown
    assert rest in element.inner_text() and rest not in answer.inner_text()
    element.screenshot(path=artifacts / "live-unfolded.png")


def test_an_exercise_a_question_and_a_widget_work(live):
    """Exercise solved, question answered, explorer moved: as in the chapter itself."""
    element = live.press("exercise-crop")
    assert "not attempted yet" in live.text("exercise-crop")
    element.locator(".cm-content").click()
    live.page.keyboard.press("Control+a")
    live.page.keyboard.insert_text(SOLUTION)
    live.press("exercise-crop")
    assert "right in all" in live.text("exercise-crop")
    answer_everything(live.press("layout-question").locator(".course-question").element_handle())
    for name in ("bitmap-type", "bitmap-edit"):
        element = live.press(name)
    move_everything(element.locator(".course-explorer").first.element_handle())
