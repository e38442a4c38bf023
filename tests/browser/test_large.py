"""`course live --large` on projectors: nothing is smaller than the prose, nothing is cut."""

import json

import lab_server
import pytest
from lab_server import Chapter

from course_utils.command.editions.live import CODE_SIZE, PROSE_SIZE, lab_settings

PROJECTORS = [(1920, 1080), (1280, 720)]
NARROWEST = 816  # pixels of a picture on the smaller one: test_explorer_faces.py counts on it
CELLS = """
from course_utils.command.editions.typed_cells import start; start("02_cnn", large=True)
import matplotlib.pyplot as plt, numpy as np
from course_utils.data import load_photo
from course_utils.exercises.cnn import ask
from course_utils.explorers import cnn, feature_maps
from course_utils.explorers.pixel_editor import PixelEditor
from course_utils.figures import show_row
show_row({"a": np.eye(7), "b": np.eye(7)}, values=True)
plt.plot([0, 1])
ask("flip")
PixelEditor(np.eye(7))
cnn.window_explorer(np.eye(5), np.eye(3))
cnn.kernel_explorer(load_photo("coffee", 120).mean(axis=2))
feature_maps.shape_explorer()
""".strip().split("\n")
SIZES = """() => {
    const own = (node) => node.matches("input, select")
        || [...node.childNodes].some((it) => it.nodeType === 3 && it.textContent.trim());
    const all = document.querySelectorAll(".course-widget *, .jp-OutputArea-output pre");
    return [...all].filter((node) => own(node) && node.checkVisibility()
            && !node.matches("[type=radio], [type=checkbox]"))
        .map((node) => [node.textContent.trim(), parseFloat(getComputedStyle(node).fontSize)]); }"""
PROMPTS = """() => [...document.querySelectorAll(".jp-InputPrompt, .jp-OutputPrompt")]
    .map((it) => [it.textContent, it.scrollWidth - it.clientWidth])"""
WIDTHS = """(wanted) => [...document.querySelectorAll(wanted)].map((it) =>
    [it.clientWidth, it.closest(".jp-OutputArea-output").clientWidth])"""


@pytest.fixture(scope="module")
def large(chromium, tmp_path_factory, artifacts):
    """A notebook with explorers, figures and a question, run as `course live --large` runs it."""
    folder = tmp_path_factory.mktemp("large")
    option = f"--LabApp.user_settings_dir={lab_settings(folder / 'settings')}"
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "# Title\n\nProse."}]
    for source in CELLS:
        cells.append({"cell_type": "code", "metadata": {}, "source": source, "outputs": [],
                      "execution_count": None})  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}}
    (folder / "notebooks").mkdir()
    file = folder / "notebooks" / "large.ipynb"
    file.write_text(json.dumps(notebook | {"cells": cells}), encoding="utf-8")
    server = lab_server.Lab(file.parent, folder / "lab", [option])
    try:
        server.wait()
        yield Chapter(chromium, server, file.name).run()
    finally:
        server.stop()


@pytest.mark.parametrize("size", PROJECTORS)
def test_nothing_is_smaller_than_the_prose(large, size, artifacts):
    """Labels, numbers, lists, fields, buttons, readouts and printed text; prompts are whole."""
    page = large.page
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    page.wait_for_timeout(500)
    for number, explorer in enumerate(large.explorers()):
        explorer.scroll_into_view_if_needed()
        page.screenshot(path=artifacts / f"large-{size[0]}-{number}.png")
    height = "(line) => getComputedStyle(line).fontSize"
    assert page.locator(".jp-Notebook .cm-line").first.evaluate(height) == CODE_SIZE
    assert page.locator(".jp-RenderedMarkdown p").first.evaluate(height) == PROSE_SIZE
    sizes = page.evaluate(SIZES)
    small = [found for found in sizes if found[1] < float(PROSE_SIZE.removesuffix("px"))]
    assert len(sizes) > 40 and not small, small
    cut = [found for found in page.evaluate(PROMPTS) if found[1] > 0]
    assert not cut, cut


@pytest.mark.parametrize("size", PROJECTORS)
def test_pictures_are_as_wide_as_the_page(large, size):
    """Explorers and figures fill the column, in which the controls find room, too."""
    large.page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    large.page.wait_for_timeout(500)
    found = large.page.evaluate(WIDTHS, ".jp-OutputArea-output img")
    assert len(found) == 6
    assert all(width >= max(NARROWEST, 0.98 * column) for width, column in found), found
    over = "(box) => box.scrollWidth - box.clientWidth"
    assert all(explorer.evaluate(over) <= 1 for explorer in large.explorers())
