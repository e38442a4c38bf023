"""What a student does with an explorer or a question, and what must follow each time."""

import math
import statistics

from lab_server import POLL_MS

REACT_MS = 5000  # a control that has changed nothing after this long is dead
REST_MS = 20  # nothing is on its way before an action; after one `settled` waits longer
STEPS = 3  # one step of a slider may round to the very same JPEG; this many may not
PRESSES, WARM_UP = 20, 3
SETS_ONLY = ("overwrite",)  # check boxes that prepare a later action and draw nothing
LETTERLESS = ", ".join(
    [
        "[role=slider]",
        "button",
        *(f"input[type={kind}]" for kind in ("radio", "checkbox", "number")),
    ]
)
FOCUSABLE = "button, select, input, [role=slider], img[tabindex='0']"
LABEL = """control => (control.closest('label') || control.closest('.jupyter-widgets')
    ?.querySelector('label') || control).textContent.trim()"""


def title(explorer):
    """The explorer's name: its picture's alternative text up to the first full stop."""
    return picture_of(explorer).get_attribute("alt").split(".")[0]


def picture_of(explorer):
    """The one picture of an explorer."""
    return explorer.locator("img.course-picture")


def move_everything(explorer):
    """Work every control of an explorer by keyboard, and its picture by keyboard and mouse.

    The explorer has to be as it was shown first; so it is in the end.
    """
    picture = picture_of(explorer)
    first = check_shown(picture)
    ignore_letters(explorer, title(explorer))
    for handle in explorer.locator("[role=slider]").all():
        move_slider(picture, handle)
    for box in explorer.locator("input[type=checkbox]").all():
        if box.evaluate(LABEL) not in SETS_ONLY:
            press(picture, box, "Space")
            press(picture, box, "Space")
    for menu in explorer.locator("select").all():
        change_menu(picture, menu)
    for field in explorer.locator("input[type=number]").all():
        type_number(picture, field)
    if "steerable" in picture.get_attribute("class").split():
        reach_by_tab(explorer)
        steer(picture)
        point(picture)
        leave(picture)
    for label in ("invert", "clear", "flip"):
        for button in explorer.get_by_role("button", name=label, exact=True).all():
            before, after = press(picture, button, "Enter")
            assert before["alt"] != after["alt"], f"button {label} changed no text"
    for handle in explorer.locator("[role=slider]").all():
        press(picture, handle, slider_key(handle), STEPS)
    if not explorer.locator("[role=slider]").count():  # something has to be left changed
        for menu in explorer.locator("select").all()[:1]:
            for key in menu_keys(menu)[:1]:
                press(picture, menu, key)
    _, last = press(picture, explorer.get_by_role("button", name="reset"), "Enter")
    same = (first["pixels"], first["alt"]) == (last["pixels"], last["alt"])
    assert same, f"after reset the text is {last['alt']!r}, it was {first['alt']!r}"


def check_shown(picture):
    """The picture is on the page, decoded, and has a text for those who cannot see it."""
    picture.scroll_into_view_if_needed()
    assert picture.is_visible(), "the explorer's picture is not visible"
    state = picture.evaluate("(image) => course.settled(image)")
    assert state["width"] > 0, "the explorer's picture did not load"
    assert state["alt"].strip(), "the explorer's picture has no alternative text"
    return state


def act(picture, action, what, tries=1):
    """Do `action`: a new picture must come, and the notebook around it must stay as it is.

    tries: how often the action may be done until a new picture comes.
    Returns the picture's state before and after: frame, alt, width, pixels.
    """
    page = picture.page
    before = picture.evaluate("(image, quiet) => course.settled(image, quiet)", REST_MS)
    place = page.evaluate("() => course.place()")
    wait = "(image, [frame, limit]) => course.newFrame(image, frame, limit)"
    for _ in range(tries):
        action()
        came = picture.evaluate(wait, [before["frame"], REACT_MS / tries])
        now = page.evaluate("() => course.place()")
        assert now == place, f"{what}: JupyterLab took the key, the notebook was {place}, is {now}"
        if came:
            break
    after = picture.evaluate("(image) => course.settled(image)")
    said = f"the text was {before['alt']!r} and is {after['alt']!r}"
    assert came, f"{what}: no new picture within {REACT_MS} ms; {said}"
    return before, after


def press(picture, control, key, tries=1):
    """Focus a control and press a key; as `act`."""
    control.focus()
    what = f"{key} on {control.evaluate(LABEL)!r}"
    return act(picture, lambda: control.page.keyboard.press(key), what, tries)


def slider_key(handle):
    """The arrow key that has room to move: right, or left at the upper limit."""
    now, top = (float(handle.get_attribute(f"aria-value{part}")) for part in ("now", "max"))
    return "ArrowRight" if now < top else "ArrowLeft"


def move_slider(picture, handle):
    """A step there and a step back; each must change the picture's pixels or its text."""
    first = slider_key(handle)
    for key in (first, {"ArrowRight": "ArrowLeft", "ArrowLeft": "ArrowRight"}[first]):
        before, after = press(picture, handle, key, STEPS)
        same = (before["pixels"], before["alt"]) == (after["pixels"], after["alt"])
        assert not same, f"{key} on {handle.evaluate(LABEL)!r} drew the same picture again"


def change_menu(picture, menu):
    """Choose the next entry of a drop-down list by arrow key, and then the old one again."""
    for key in menu_keys(menu):
        press(picture, menu, key)


def menu_keys(menu):
    """The keys to another entry of a drop-down list, and back; none if it has one entry."""
    chosen, count = menu.evaluate("(menu) => [menu.selectedIndex, menu.options.length]")
    keys = ["ArrowDown", "ArrowUp"]
    return [] if count < 2 else keys if chosen + 1 < count else keys[::-1]


def type_number(picture, field):
    """Another number in a field, and then the old one again."""
    old = field.input_value()
    for number in (str(float(old) + 1), old):
        field.focus()

        def enter(number=number):
            field.fill(number)
            field.press("Enter")

        act(picture, enter, f"{number} in a number field")


def ignore_letters(box, name):
    """A stray letter on a control is no shortcut: "b" would insert a cell below."""
    page, control = box.page, box.locator(LETTERLESS).first
    control.focus()
    place = page.evaluate("() => course.place()")
    page.keyboard.press("b")
    page.wait_for_timeout(100)
    now = page.evaluate("() => course.place()")
    what = f"the letter b on {control.evaluate(LABEL)!r} of {name}"
    assert now == place, f"{what} went to JupyterLab: the notebook was {place}, is {now}"


def reach_by_tab(explorer):
    """The Tab key comes from the first control to the picture."""
    controls = explorer.locator(FOCUSABLE)
    controls.first.focus()
    for _ in range(2 * controls.count()):  # the numbers beside sliders take the focus, too
        if picture_of(explorer).evaluate("(image) => image === document.activeElement"):
            return
        explorer.page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not reach the picture of {title(explorer)}")


def steer(picture):
    """Arrow key and space on the focused picture: each must change its text."""
    for key in ("ArrowRight", "Space"):
        before, after = press(picture, picture, key)
        assert before["alt"] != after["alt"], f"{key} on the picture changed no text"


def point(picture):
    """Click the marked cell, which must stay marked, then its left neighbour, which must become so.

    A picture without a mark is clicked in the middle of its left third.
    """
    mark = picture.evaluate("(image) => course.mark(image)")
    box = picture.bounding_box()
    x, y = box["x"] + box["width"] / 6, box["y"] + box["height"] / 2
    goals = [(mark["x"], mark["y"]), (mark["x"] - mark["size"], mark["y"])] if mark else [(x, y)]
    for x, y in goals:
        before, after = act(picture, lambda x=x, y=y: picture.page.mouse.click(x, y), "a click")
        assert before["alt"] != after["alt"], "a click on the picture changed no text"
        if mark:
            now = picture.evaluate("(image) => course.mark(image)")
            off = math.hypot(now["x"] - x, now["y"] - y)
            assert off < mark["size"] / 2, f"a click marked a cell {off:.0f} px beside the pointer"


def leave(picture):
    """Escape gives the focus back to the notebook, whose arrow keys then go from cell to cell."""
    page = picture.page
    picture.focus()
    before = page.evaluate("() => course.place()")
    page.keyboard.press("Escape")
    for key, step in (("ArrowUp", -1), ("ArrowDown", 0)):
        page.keyboard.press(key)
        now = page.evaluate("() => course.place()")
        assert now == before | {"active": before["active"] + step}, f"{key} after Escape: {now}"


def measure_latency(explorer):
    """Press the arrow keys on the first slider; returns median and 95th percentile in ms.

    From the keydown event to the animation frame after the new picture has loaded. A press that
    changes the text but not one byte of the picture is not counted. Without a slider, the first
    drop-down list goes to and fro between two entries.
    """
    sliders = explorer.locator("[role=slider]")
    listed = sliders.count() == 0
    handle = explorer.locator("select").first if listed else sliders.first
    handle.focus()
    key, waits = "ArrowUp" if listed else slider_key(handle), []
    for _ in range(3 * (WARM_UP + PRESSES)):
        if listed:
            key = {"ArrowDown": "ArrowUp", "ArrowUp": "ArrowDown"}[key]
        elif handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax"):
            key = "ArrowLeft"
        elif handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin"):
            key = "ArrowRight"
        wait = time_press(picture_of(explorer), key)
        assert wait is not None, f"{key} on {title(explorer)} drew nothing within {REACT_MS} ms"
        waits += [wait] if wait != "same" else []
        if len(waits) == WARM_UP + PRESSES:
            break
    assert len(waits) == WARM_UP + PRESSES, f"most presses on {title(explorer)} draw nothing new"
    measured = sorted(waits[WARM_UP:])
    return statistics.median(measured), measured[math.ceil(0.95 * len(measured)) - 1]


def time_press(picture, key):
    """Milliseconds from a key to the new picture; "same" if it is the old one; None if dead."""
    picture.evaluate("(image) => course.arm(image)")
    picture.page.keyboard.press(key)
    return picture.evaluate("(image, limit) => course.latency(image, limit)", REACT_MS)


def answer_everything(question):
    """Choose each option of a question, by keyboard and mouse in turn: each has its own answer."""
    ignore_letters(question, "a question")
    options = question.locator("input[type=radio]").all()
    chosen = next((i for i, option in enumerate(options) if option.is_checked()), None)
    first = 0 if chosen is None else chosen + 1
    for turn in range(len(options)):
        option = options[(first + turn) % len(options)]
        before = question.inner_text()
        if turn % 2:
            option.click()
        elif turn == 0 and chosen is None:
            option.focus()
            question.page.keyboard.press("Space")
        else:
            options[(first + turn - 1) % len(options)].focus()
            question.page.keyboard.press("ArrowDown")
        check_answered(question, option, before)


def check_answered(question, option, before):
    """The option is chosen and the question's text is another than `before`."""
    what = f"option {option.evaluate(LABEL)!r} of {before!r}"
    changed = "([question, before]) => question.innerText !== before"
    try:
        arguments = [question.element_handle(), before]
        question.page.wait_for_function(changed, arg=arguments, timeout=REACT_MS, polling=POLL_MS)
    except Exception as problem:
        raise AssertionError(f"{what} got no answer") from problem
    assert option.is_checked(), f"{what} is not chosen"
