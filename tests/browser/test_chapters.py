"""Every chapter in a real browser: it runs, shows what it stores, answers, and is quick."""

import base64
import io
import json
import re
import statistics
import time

import numpy as np
import pytest
from explorer_moves import answer_everything, measure_latency, move_everything, title
from lab_server import REPOSITORY, run_notebook
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from stored_outputs import VIEW, differences, errors, joined

MEDIAN_MS, P95_MS = 100, 250
REFERENCE_S, MOST = 0.035, 2.5  # the fixed job on a machine that keeps these limits; the most grace
QUIET_S = 90  # longest wait for a quiet machine before measuring again
BROKEN = (
    "Error displaying widget",
    "Click to show javascript error",
    "Loading widget",
    "model not found",
)
CONTROL = """
import anywidget, ipywidgets
from IPython.display import display
from matplotlib.figure import Figure
from course_utils.explore.engine import Explorer, slider

def make(title, alive):
    figure = Figure(figsize=(3, 2))
    line, = figure.subplots().plot([0, 1])
    def draw(height):
        if alive:
            line.set_ydata([0, height / 10])
        return f"height {height}" if alive else "nothing ever changes"
    return Explorer(draw, figure, {"height": slider("height", 0, 9, 5)}, title, [line])

class Throws(anywidget.AnyWidget):
    _esm = "export default { render() { throw new Error('thrown on purpose'); } }"

class Nowhere(ipywidgets.DOMWidget):
    _view_module = _model_module = "nowhere"
    _view_name = _model_name = "Nowhere"
    _view_module_version = _model_module_version = "1.0.0"

def show_closed():
    view = {"model_id": "gone", "version_major": 2, "version_minor": 0}
    display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
"""


def test_runs_without_an_error(chapter, note):
    """No error output, no cell left out, no crash in the page, no widget that is not there."""
    first, total = chapter.times["first"], chapter.times["total"]
    shown = f"first figure after {first:.1f} s" if first else "no figure"
    note(f"run all {chapter.name}: {shown}, end after {total:.1f} s")
    assert errors(chapter.live()) == []
    assert broken_widgets(chapter) == []


def test_shows_what_is_stored(chapter):
    """After Run All each output is the stored one: kinds, printed text, pictures."""
    found = differences(chapter.stored, chapter.live())
    assert not found, "\n".join(found)


def test_every_widget_is_live(chapter):
    """Each output that stands for a widget is one on the page, and each explorer an explorer."""
    outputs = [output for cell in chapter.live()["cells"] for output in cell.get("outputs", [])]
    bundles = [data for output in outputs if VIEW in (data := output.get("data", {}))]
    still = [data for data in bundles if "run this cell to move it" in joined(data["text/plain"])]
    assert len(chapter.explorers()) == len(still)
    assert chapter.page.locator(".jp-OutputArea .jupyter-widgets").count() >= len(bundles)


def test_explorers_answer(chapter, artifacts):
    """Every control of every explorer changes its picture."""
    for explorer in chapter.explorers():
        stem = f"{chapter.name}-{re.sub(r'[^a-z]+', '-', title(explorer).lower())}"
        explorer.screenshot(path=artifacts / f"{stem}-before.png")
        move_everything(explorer)
        explorer.screenshot(path=artifacts / f"{stem}-after.png")


def test_questions_answer(chapter):
    """Every option of every question gets an answer."""
    for question in chapter.page.locator(".course-question").all():
        answer_everything(question)


def test_the_course_map_leads_to_the_sections(chapter):
    """Each of its links into this chapter brings the section's heading onto the screen."""
    text = (REPOSITORY / "notebooks" / "README.md").read_text(encoding="utf-8")
    row = rf"^\| L.* \[(\d\.\d+)\]\({chapter.name}\.ipynb(#\S+)\)"
    links = re.findall(row, text, re.M)
    assert links
    for section, fragment in links:
        leads = "([fragment, number]) => course.leads(fragment, number)"
        assert chapter.page.evaluate(leads, [fragment, section]), section


def test_explorers_are_quick(chapter, note, hush):
    """From key to picture: median and 95th percentile; a miss is measured once more, in quiet.

    A machine that takes longer for a fixed job has as much more time for its pictures.
    """
    slow = []
    for explorer in chapter.explorers():
        if explorer.locator("[role=slider], select").count() == 0:
            continue
        quick, line = is_quick(explorer)
        if not quick:
            note(line)
            hush()
            others = wait_for_quiet(QUIET_S)
            quick, line = is_quick(explorer)
            line += f" (other programs: {others:.0f} % of the processor)"
        note(line)
        slow += [] if quick else [line]
    assert not slow, "\n".join(slow)


def is_quick(explorer):
    """Whether an explorer keeps the limits, and the line that says so."""
    median, p95 = measure_latency(explorer)
    grace = min(MOST, max(1, fixed_job() / REFERENCE_S))
    quick = median <= grace * MEDIAN_MS and p95 <= grace * P95_MS
    line = f"latency {title(explorer)}: median {median:.0f} ms, p95 {p95:.0f} ms"
    line += f" (limits × {grace:.2f})" if grace > 1 else ""
    return quick, line if quick else f"{line}, too slow"


def broken_widgets(chapter):
    """Errors that the page threw, and texts that stand where a widget should be."""
    text = chapter.page.locator("body").inner_text().lower()
    return chapter.crashes + [phrase for phrase in BROKEN if phrase.lower() in text]


def fixed_job():
    """Median seconds of a small figure, a sort and a loop: how quick this machine is just now."""
    seconds = []
    for _ in range(9):
        figure = Figure(figsize=(8, 3.6))
        canvas = FigureCanvasAgg(figure)
        ax = figure.subplots()
        ax.plot(np.arange(100))
        ax.set_title("speed")
        start = time.perf_counter()
        canvas.draw()
        np.sort(np.random.default_rng(0).random(200_000))
        sum(i * i for i in range(100_000))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def wait_for_quiet(patience):
    """Wait, at most `patience` seconds, until other programs leave most of the processor free.

    Returns what they use, in percent.
    """
    import psutil

    for _ in range(patience):
        others = psutil.cpu_percent(interval=1)
        if others < 20:
            break
    return others


def code_cell(source, *outputs):
    """A code cell of an .ipynb dict."""
    base = {"cell_type": "code", "metadata": {}}
    return base | {"source": source, "outputs": list(outputs), "execution_count": None}


@pytest.fixture
def control(chromium, lab, artifacts):
    """Function of code cells → a notebook of them after Run All."""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}}

    def run(*sources):
        cells = [code_cell(source) for source in (CONTROL, *sources)]
        (lab.root / "control.ipynb").write_text(json.dumps(notebook | {"cells": cells}), "utf-8")
        return run_notebook(chromium, lab, "control.ipynb", artifacts)

    return run


def test_a_dead_explorer_is_found(control):
    """Control: the same hands find a slider without effect, and nothing wrong beside it."""
    with control("make('Alive', True)", "make('Dead', False)") as opened:
        assert errors(opened.live()) == broken_widgets(opened) == []
        alive, dead = opened.explorers()
        move_everything(alive)
        with pytest.raises(AssertionError, match="no new picture"):
            move_everything(dead)


def test_broken_widgets_are_found(control):
    """Control: widgets that throw, have no JavaScript, have no model; and a cell's error."""
    with control("Throws()", "Nowhere()", "show_closed()", "1 / 0") as opened:
        assert len(errors(opened.live())) == 1
        found = broken_widgets(opened)
    assert {"thrown on purpose", "Click to show javascript error"} < set(found)
    assert {"Loading widget", "Error displaying widget"} & set(found)


@pytest.mark.parametrize("changed", ["picture", "size", "text", "kind", "caption"])
def test_a_different_output_is_found(changed):
    """Control: outputs that differ in one thing are reported, equal ones are not."""

    def notebook(shade=200, size=(8, 6), text="one\n", kind="image/png", caption="gray"):
        file = io.BytesIO()
        Image.new("RGB", size, (shade, 90, 90)).save(file, format="PNG")
        picture = {kind: base64.b64encode(file.getvalue()).decode(), "text/plain": caption}
        shown = {"output_type": "display_data", "data": picture, "metadata": {}}
        said = {"output_type": "stream", "name": "stdout", "text": text}
        return {"cells": [code_cell("draw()", said, shown)]}

    change = {"picture": {"shade": 180}, "size": {"size": (6, 8)}, "text": {"text": "two\n"},
              "kind": {"kind": "image/jpeg"}, "caption": {"caption": "green"}}  # fmt: skip
    assert differences(notebook(), notebook()) == []
    assert len(differences(notebook(), notebook(**change[changed]))) == 1
