"""Every chapter in a real browser: it runs, shows what it stores, answers, and is quick.

The first one, too, by keyboard alone and enlarged: each control is reached, marked and named, and
nothing is cut.
"""

import os
import re
import statistics
import time

import numpy as np
import pytest
from explorer_moves import (
    FOCUSABLE,
    LABEL,
    answer_everything,
    measure_latency,
    move_everything,
    picture_of,
    title,
)
from lab_server import CHAPTERS, REPOSITORY, environment
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from stored_outputs import VIEW, differences, errors, joined

from course_utils.command import kernels

MEDIAN_MS, P95_MS = 100, 250
REFERENCE_S, MOST = 0.035, 2.5  # the fixed job on a machine that keeps these limits; the most grace
QUIET_S = 90  # longest wait for a quiet machine before measuring again
BROKEN = (
    "Error displaying widget",
    "Click to show javascript error",
    "Loading widget",
    "model not found",
)
SMALL = {"1024": (1024, 768), "zoomed": (640, 512)}  # the latter: 1280 × 1024 at 200 %
MARK = "(control) => parseFloat(getComputedStyle(control).outlineWidth)"
SHOWN = "(control) => getComputedStyle(control).outlineStyle !== 'none'"
ROLES = ("slider", "button", "checkbox", "radio", "radiogroup", "combobox", "textbox",
         "spinbutton", "listbox", "application")  # fmt: skip
first_chapter = pytest.mark.parametrize(
    "chapter", CHAPTERS[:1], indirect=True, ids=lambda path: path.stem
)


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
    for question in chapter.questions():
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
    """From key to picture: median and 95th percentile; misses are measured once more, in quiet.

    A machine that takes longer for a fixed job has as much more time for its pictures.
    """
    missed, slow = [], []
    for explorer in chapter.explorers():
        if explorer.query_selector("[role=slider], select"):
            quick, line = is_quick(explorer)
            note(line)
            missed += [] if quick else [explorer]
    if missed:  # last, so that the other workers stand still no longer than these take
        hush()
        others = wait_for_quiet(QUIET_S)
    for explorer in missed:
        quick, line = is_quick(explorer)
        note(line := f"{line} (other programs: {others:.0f} % of the processor)")
        slow += [] if quick else [line]
    assert not slow, "\n".join(slow)


@first_chapter
def test_tab_reaches_every_control_and_marks_it(chapter):
    """From the first control on, Tab comes to each in turn; it has a frame and a name."""
    for explorer in chapter.explorers():
        controls = [one for one in explorer.query_selector_all(FOCUSABLE) if one.is_visible()]
        controls[0].focus()
        chapter.page.keyboard.press("Shift+Tab")
        missing = list(range(len(controls)))
        for _ in range(3 * len(controls)):  # numbers beside sliders take the focus, too
            chapter.page.keyboard.press("Tab")
            for number in list(missing):
                control = controls[number]
                if control.evaluate("(control) => control === document.activeElement"):
                    name = control.get_attribute("alt") or control.evaluate(LABEL)
                    assert name, f"a control of {title(explorer)} has no label"
                    width = control.evaluate(MARK) if control.evaluate(SHOWN) else 0
                    assert width >= 2, f"the focus on {name!r} of {title(explorer)} is not seen"
                    missing.remove(number)
            if not missing:
                break
        assert not missing, f"Tab does not reach {missing} of {title(explorer)}"


@first_chapter
def test_every_control_has_a_name(chapter):
    """In Chromium's own tree for screen readers; a slider is called as the label beside it."""
    session = chapter.page.context.new_cdp_session(chapter.page)
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    wanted = {"nodeId": root, "selector": ".course-widget"}
    boxes = session.send("DOM.querySelectorAll", wanted)["nodeIds"]
    places = chapter.page.locator(".course-widget").all()
    assert len(boxes) == len(places) > 5
    for box, place in zip(boxes, places, strict=True):
        place.scroll_into_view_if_needed()  # what is far away is not drawn, and not in the tree
        chapter.page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
        nodes = session.send("Accessibility.queryAXTree", {"nodeId": box})["nodes"]
        shown = [node for node in nodes if not node["ignored"]]
        named = [(node["role"]["value"], node["name"]["value"].strip()) for node in shown
                 if node["role"]["value"] in ROLES]  # fmt: skip
        assert all(name for _, name in named), named
        controls = [one for one in place.locator(FOCUSABLE).all() if one.is_visible()]
        assert len(named) >= len(controls)
        labels = [one.evaluate(LABEL) for one in place.locator("[role=slider]").all()]
        assert [name for role, name in named if role == "slider"] == labels


@first_chapter
def test_questions_are_answered_by_keyboard(chapter):
    """Tab comes from the cell above to one option, the arrow keys to the others, each marked."""
    for question in chapter.page.locator(".course-question").all():
        options = question.locator("input[type=radio]").all()
        question.scroll_into_view_if_needed()  # what is far away is not drawn, and has no focus
        if not options:  # ticks, a number or an order: Tab goes through the controls
            controls = question.locator("input, select, button")
            controls.first.focus()
            for _ in range(controls.count() - 1):
                chapter.page.keyboard.press("Tab")
                assert question.locator(":focus").count() == 1
            continue
        for _ in range(3):  # again, if the cell above was drawn meanwhile and moved the page
            options[0].focus()
            chapter.page.keyboard.press("Shift+Tab")
            chapter.page.keyboard.press("Tab")
            if question.locator("input[type=radio]:focus").count():
                break
            chapter.page.wait_for_timeout(300)
        names = set()
        for _ in options:
            reached = question.locator("input[type=radio]:focus")
            assert reached.count() == 1, f"{len(names)} of {len(options)} options were reached"
            assert reached.evaluate(SHOWN) and reached.evaluate(MARK) >= 2, reached.evaluate(LABEL)
            names.add(reached.evaluate(LABEL))
            chapter.page.keyboard.press("ArrowDown")
        assert len(names) == len(options)


def test_explorers_fit_small_windows(chapter, artifacts):
    """No explorer is wider than its place; its picture keeps at least 550 pixels."""
    try:
        for name, (width, height) in SMALL.items():
            chapter.page.set_viewport_size({"width": width, "height": height})
            chapter.page.wait_for_timeout(500)
            for number, explorer in enumerate(chapter.explorers()):
                explorer.scroll_into_view_if_needed()
                over = explorer.evaluate("(box) => box.scrollWidth - box.clientWidth")
                shown = picture_of(explorer).evaluate("(image) => image.clientWidth")
                if chapter.name == CHAPTERS[0].stem or over > 1 or shown < 550:
                    path = artifacts / f"{chapter.name}-{name}-{number}.png"
                    chapter.page.screenshot(path=path)
                assert over <= 1, f"{title(explorer)} is {over} px wider than its place"
                assert shown >= 550, f"the picture of {title(explorer)} shrinks to {shown} px"
    finally:
        chapter.page.set_viewport_size({"width": 1400, "height": 1000})


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


def test_chapters_are_tested_with_one_thread(tmp_path):
    ours = environment(tmp_path)
    for variables in (os.environ, kernels.kernel_environment(), ours):
        assert {name: variables[name] for name in kernels.KERNEL} == kernels.KERNEL
    told = {name for name in ours if name.startswith(("OMP_", "MKL_", "MALLOC_", "OPENBLAS_N"))}
    assert told == set(kernels.KERNEL)
