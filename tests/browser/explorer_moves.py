"""What a student does with an explorer or a question, and what must follow each time.

Explorers, questions, pictures and controls are Playwright's element handles. A locator would be
looked up again in each step, in a page of 100,000 nodes: 40 ms each time.
"""

import math
import statistics

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
    return explorer.query_selector("img.course-picture")


def page_of(element):
    """The page in which an element stands."""
    return element.owner_frame().page


def move_everything(explorer):
    """Work every control of an explorer by keyboard, and its picture by keyboard and mouse.

    The explorer has to be as it was shown first; so it is in the end.
    """
    picture = picture_of(explorer)
    first = check_shown(picture)
    ignore_letters(explorer, title(explorer))
    sliders = explorer.query_selector_all("[role=slider]")
    for handle in sliders:
        move_slider(picture, handle)
    for box in explorer.query_selector_all("input[type=checkbox]"):
        if box.evaluate(LABEL) not in SETS_ONLY:
            press(picture, box, "Space")
            press(picture, box, "Space")
    menus = explorer.query_selector_all("select")
    for menu in menus:
        change_menu(picture, menu)
    for field in explorer.query_selector_all("input[type=number]"):
        type_number(picture, field)
    if "steerable" in picture.get_attribute("class").split():
        reach_by_tab(explorer)
        steer(picture)
        point(picture)
        leave(picture)
    for label in ("invert", "clear", "flip"):
        for button in explorer.query_selector_all(f"button:text-is('{label}')"):
            before, after = press(picture, button, "Enter")
            assert before["alt"] != after["alt"], f"button {label} changed no text"
    for handle in sliders:
        press(picture, handle, slider_key(handle), STEPS)
    if not sliders:  # something has to be left changed
        for menu in menus[:1]:
            for key in menu_keys(menu)[:1]:
                press(picture, menu, key)
    _, last = press(picture, explorer.query_selector("button:text('reset')"), "Enter")
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

    what: function that returns a name for the action. tries: how often the action may be done until
    a new picture comes. Returns the picture's state before and after: frame, alt, width, pixels.
    """
    before = picture.evaluate("(image, quiet) => course.rested(image, quiet)", REST_MS)
    follow = "(image, [frame, limit]) => course.followed(image, frame, limit)"
    for _ in range(tries):
        action()
        after = picture.evaluate(follow, [before["frame"], REACT_MS / tries])
        old, now = before["place"], after["place"]
        assert now == old, f"{what()}: JupyterLab took the key, the notebook was {old}, is {now}"
        if after["came"]:
            return before, after
    said = f"the text was {before['alt']!r} and is {after['alt']!r}"
    raise AssertionError(f"{what()}: no new picture within {REACT_MS} ms; {said}")


def press(picture, control, key, tries=1):
    """Focus a control and press a key; as `act`."""
    control.focus()
    keyboard = page_of(control).keyboard

    def what():
        return f"{key} on {control.evaluate(LABEL)!r}"

    return act(picture, lambda: keyboard.press(key), what, tries)


def slider_key(handle):
    """The arrow key that has room to move: right, or left at the upper limit."""
    now, _, top = place_of(handle)
    return "ArrowRight" if now < top else "ArrowLeft"


def place_of(handle):
    """Where a slider stands, and its lower and upper limit."""
    return handle.evaluate(
        "(it) => ['now', 'min', 'max'].map((part) => Number(it.getAttribute(`aria-value${part}`)))"
    )


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

        act(picture, enter, f"{number} in a number field".format)


def ignore_letters(box, name):
    """A stray letter on a control is no shortcut: "b" would insert a cell below."""
    page, control = page_of(box), box.query_selector(LETTERLESS)
    control.focus()
    place = page.evaluate("() => course.place()")
    page.keyboard.press("b")
    page.wait_for_timeout(100)
    now = page.evaluate("() => course.place()")
    if now != place:
        what = f"the letter b on {control.evaluate(LABEL)!r} of {name}"
        raise AssertionError(f"{what} went to JupyterLab: the notebook was {place}, is {now}")


def reach_by_tab(explorer):
    """The Tab key comes from the first control to the picture."""
    picture, controls = picture_of(explorer), explorer.query_selector_all(FOCUSABLE)
    controls[0].focus()
    for _ in range(2 * len(controls)):  # the numbers beside sliders take the focus, too
        if picture.evaluate("(image) => image === document.activeElement"):
            return
        page_of(explorer).keyboard.press("Tab")
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
    box, mouse = picture.bounding_box(), page_of(picture).mouse
    x, y = box["x"] + box["width"] / 6, box["y"] + box["height"] / 2
    goals = [(mark["x"], mark["y"]), (mark["x"] - mark["size"], mark["y"])] if mark else [(x, y)]
    for x, y in goals:
        before, after = act(picture, lambda x=x, y=y: mouse.click(x, y), "a click".format)
        assert before["alt"] != after["alt"], "a click on the picture changed no text"
        if mark:
            now = picture.evaluate("(image) => course.mark(image)")
            off = math.hypot(now["x"] - x, now["y"] - y)
            assert off < mark["size"] / 2, f"a click marked a cell {off:.0f} px beside the pointer"


def leave(picture):
    """Escape gives the focus back to the notebook, whose arrow keys then go from cell to cell."""
    page = page_of(picture)
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
    handle, picture = explorer.query_selector("[role=slider]"), picture_of(explorer)
    listed = handle is None
    handle = explorer.query_selector("select") if listed else handle
    handle.focus()
    key, waits = "ArrowUp" if listed else slider_key(handle), []
    for _ in range(3 * (WARM_UP + PRESSES)):
        if listed:
            key = {"ArrowDown": "ArrowUp", "ArrowUp": "ArrowDown"}[key]
        else:
            now, least, most = place_of(handle)
            key = "ArrowLeft" if now == most else "ArrowRight" if now == least else key
        wait = time_press(picture, key)
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
    page_of(picture).keyboard.press(key)
    return picture.evaluate("(image, limit) => course.latency(image, limit)", REACT_MS)


def answer_everything(question):
    """Choose each option of a question, by keyboard and mouse in turn: each has its own answer."""
    ignore_letters(question, "a question")
    options = question.query_selector_all("input[type=radio]")
    chosen = next((i for i, option in enumerate(options) if option.is_checked()), None)
    first = 0 if chosen is None else chosen + 1
    for turn in range(len(options)):
        option = options[(first + turn) % len(options)]
        before = question.inner_text()
        if turn % 2:
            option.click()
        elif turn == 0 and chosen is None:
            option.focus()
            page_of(question).keyboard.press("Space")
        else:
            options[(first + turn - 1) % len(options)].focus()
            page_of(question).keyboard.press("ArrowDown")
        check_answered(question, option, before)


def check_answered(question, option, before):
    """The option is chosen and the question's text is another than `before`."""
    changed = "(question, [before, limit]) => course.says(question, before, limit)"
    if not question.evaluate(changed, [before, REACT_MS]) or not option.is_checked():
        missing = "got no answer" if option.is_checked() else "is not chosen"
        raise AssertionError(f"option {option.evaluate(LABEL)!r} of {before!r} {missing}")
