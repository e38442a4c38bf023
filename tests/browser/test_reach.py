"""Chapter 1 by keyboard and enlarged: each control is reached, marked and named; nothing is cut."""

import pytest
from explorer_moves import FOCUSABLE, LABEL, title
from lab_server import run_notebook

SMALL = {"1024": (1024, 768), "zoomed": (640, 512)}  # the latter: 1280 × 1024 at 200 %
MARK = "(control) => parseFloat(getComputedStyle(control).outlineWidth)"
ROLES = ("slider", "button", "checkbox", "radio", "radiogroup", "combobox", "textbox",
         "spinbutton", "application")  # fmt: skip
SHOWN = "(control) => getComputedStyle(control).outlineStyle !== 'none'"


@pytest.fixture(scope="module")
def opened(chromium, lab, artifacts):
    """Chapter 1 after Run All."""
    with run_notebook(chromium, lab, "01_image_data.ipynb", artifacts) as chapter:
        yield chapter


def test_tab_reaches_every_control_and_marks_it(opened):
    """From the first control on, Tab comes to each in turn; it has a frame and a name."""
    for explorer in opened.explorers():
        controls = [one for one in explorer.locator(FOCUSABLE).all() if one.is_visible()]
        controls[0].focus()
        opened.page.keyboard.press("Shift+Tab")
        missing = list(range(len(controls)))
        for _ in range(3 * len(controls)):  # numbers beside sliders take the focus, too
            opened.page.keyboard.press("Tab")
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


def test_every_control_has_a_name(opened):
    """In Chromium's own tree for screen readers; a slider is called as the label beside it."""
    session = opened.page.context.new_cdp_session(opened.page)
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    wanted = {"nodeId": root, "selector": ".course-widget"}
    boxes = session.send("DOM.querySelectorAll", wanted)["nodeIds"]
    places = opened.page.locator(".course-widget").all()
    assert len(boxes) == len(places) > 5
    for box, place in zip(boxes, places, strict=True):
        place.scroll_into_view_if_needed()  # what is far away is not drawn, and not in the tree
        opened.page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
        nodes = session.send("Accessibility.queryAXTree", {"nodeId": box})["nodes"]
        shown = [node for node in nodes if not node["ignored"]]
        named = [(node["role"]["value"], node["name"]["value"].strip()) for node in shown
                 if node["role"]["value"] in ROLES]  # fmt: skip
        assert all(name for _, name in named), named
        controls = [one for one in place.locator(FOCUSABLE).all() if one.is_visible()]
        assert len(named) >= len(controls)
        labels = [one.evaluate(LABEL) for one in place.locator("[role=slider]").all()]
        assert [name for role, name in named if role == "slider"] == labels


def test_questions_are_answered_by_keyboard(opened):
    """Tab comes from the cell above to one option, the arrow keys to the others, each marked."""
    for question in opened.page.locator(".course-question").all():
        options = question.locator("input[type=radio]").all()
        options[0].focus()
        opened.page.keyboard.press("Shift+Tab")
        opened.page.keyboard.press("Tab")
        names = set()
        for _ in options:
            reached = opened.page.locator("input:focus")
            assert reached.get_attribute("type") == "radio"
            assert reached.evaluate(SHOWN) and reached.evaluate(MARK) >= 2, reached.evaluate(LABEL)
            names.add(reached.evaluate(LABEL))
            opened.page.keyboard.press("ArrowDown")
        assert len(names) == len(options)


@pytest.mark.parametrize("name", SMALL)
def test_explorers_fit_small_windows(opened, artifacts, name):
    """No explorer is wider than its place; its picture keeps at least 550 pixels."""
    width, height = SMALL[name]
    opened.page.set_viewport_size({"width": width, "height": height})
    try:
        opened.page.wait_for_timeout(1000)
        for number, explorer in enumerate(opened.explorers()):
            explorer.scroll_into_view_if_needed()
            opened.page.screenshot(path=artifacts / f"{opened.name}-{name}-{number}.png")
            over = explorer.evaluate("(box) => box.scrollWidth - box.clientWidth")
            assert over <= 1, f"{title(explorer)} is {over} px wider than its place"
            shown = explorer.locator("img.course-picture").evaluate("(image) => image.clientWidth")
            assert shown >= 550, f"the picture of {title(explorer)} shrinks to {shown} px"
    finally:
        opened.page.set_viewport_size({"width": 1400, "height": 1000})
