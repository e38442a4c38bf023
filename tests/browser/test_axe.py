"""axe-core finds no serious fault in what the course shows: pages, a deck and widgets, offline.

Of a chapter a cell of each kind is taken, since axe looks at every letter of a page. What is
JupyterLab's own is not looked at.
"""

import json

import nbformat
import pytest
from conftest import absent
from lab_server import CHAPTERS, run_notebook

from course_utils.command.editions.pages import write_handout
from course_utils.command.editions.slides import write_deck
from course_utils.command.translation.korean import write_korean
from course_utils.language import speaking

KINDS = ("# ", "\n## ", "</details>", "\n|", " $", "image/png", "image/jpeg", "stream", "question")
GRAVE = ("critical", "serious")
OPEN = "() => document.querySelectorAll('details').forEach((box) => { box.open = true; })"
LOOK = """(where) => axe.run(where ?? document, {
  resultTypes: ["violations"], preload: false,
})"""
WIDGETS = """
import numpy as np
from course_utils.exercises import predictions as p
from course_utils.exercises.questions import Number, Order, Question, Several, asked
from course_utils.explorers.cnn import kernel_explorer, window_explorer
from course_utils.exercises.cnn import hint
OPTIONS = [("one", True, "yes"), ("two", False, "no")]
guess = p.guesser("none", {
    "one": p.Choice("cell", "Which?", ["one", "two"], 0),
    "number": p.Amount("cell", "How many?", 3, 1, "%"),
    "some": p.Several("cell", "Which?", ["one", "two"], {0}),
    "order": p.Order("cell", "In which order?", ["one", "two"]),
})
"""
SHOWN = (
    'asked(Question("Which one?", OPTIONS))',
    'asked(Several("Which ones?", OPTIONS))',
    'asked(Number("How many?", 12, "pixels", "3 · 4 = 12"))',
    'asked(Order("Put them in order.", ["first", "second"], "so it is"))',
    *(f'guess("{name}")' for name in ("one", "number", "some", "order")),
    "kernel_explorer(np.eye(40) * 255)",
    "window_explorer(np.eye(5), np.eye(3))",
    'hint("output_size")',
)


@pytest.fixture(scope="module")
def axe():
    """Function of a page → (rule, place) of each grave fault that axe finds on it."""
    try:
        from axe_playwright_python.base import AXE_SCRIPT
    except ImportError:
        absent("this test needs axe-playwright-python: run `uv sync`")

    def faults(page, where=None):
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate(LOOK, where)
        assert found["passes"]
        return [
            (fault["id"], node["html"][:200])
            for fault in found["violations"]
            if fault["impact"] in GRAVE
            for node in fault["nodes"]
        ]

    return faults


def short(path, folder):
    """The notebook at `path`, cut to its imports and the first cells of each kind, in `folder`."""
    notebook = nbformat.read(path, as_version=4)
    texts = [f"{cell.source}\n{cell.metadata}{cell.get('outputs')}" for cell in notebook.cells]
    kept = {at for at, text in enumerate(texts) if "import ask" in text}
    for kind in KINDS:
        kept.update([at for at, text in enumerate(texts) if kind in text][:1])
    notebook.cells = [notebook.cells[at] for at in sorted(kept)]
    (folder / "short").mkdir()
    nbformat.write(notebook, folder / "short" / path.name)
    return folder / "short" / path.name


def test_axe_finds_a_fault(axe, chromium):
    """Control."""
    page = chromium.new_page()
    page.set_content("<p style='color: #aaa'>pale</p><img src='data:,'>")
    assert {"image-alt", "color-contrast"} <= {rule for rule, _ in axe(page)}
    page.close()


@pytest.mark.parametrize("korean", [False, True], ids=["en", "ko"])
def test_a_handout_has_no_grave_fault(korean, axe, chromium, tmp_path):
    """Wide and narrow, light and dark, all folded parts open: what scrolls is reached."""
    path = write_korean(CHAPTERS[1], tmp_path) if korean else CHAPTERS[1]
    with speaking(korean):
        file = write_handout(short(path, tmp_path), tmp_path)
    for width, scheme in ((1280, "dark"), (320, "light")):
        page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.goto(file.as_uri())
        page.evaluate(OPEN)
        page.wait_for_timeout(100)
        assert axe(page) == [], (width, scheme)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        page.close()


def test_a_deck_has_no_grave_fault(axe, chromium, tmp_path):
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(write_deck(short(CHAPTERS[1], tmp_path), tmp_path).as_uri())
    page.wait_for_function("() => window.Reveal && Reveal.isReady()")
    page.evaluate("() => Reveal.slide(1, 1, 99)")
    assert axe(page) == []
    page.close()


def test_widgets_have_no_grave_fault(axe, chromium, lab, artifacts):
    """Questions, predictions, explorers and a hint in JupyterLab, wide and narrow."""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    cells = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [],
         "execution_count": None}
        for source in (WIDGETS, *SHOWN)
    ]  # fmt: skip
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}}
    (lab.root / "axe.ipynb").write_text(json.dumps(notebook | {"cells": cells}), "utf-8")
    outputs = {"include": [[".jp-OutputArea-output"]]}
    with run_notebook(chromium, lab, "axe.ipynb", artifacts) as opened:
        page = opened.page
        assert page.locator(".course-widget").count() == len(SHOWN) - 1
        page.wait_for_timeout(300)  # names are given every 100 ms
        assert axe(page, outputs) == []
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")  # else no room is left
        page.set_viewport_size({"width": 700, "height": 900})
        page.wait_for_timeout(500)
        assert axe(page, outputs) == []
