"""What a test does with an explorer: move its controls, press a key, point at it, read it."""

import ipywidgets as widgets
from matplotlib.text import Text


def move(control):
    """Give a control another value."""
    if hasattr(control, "children"):  # a grid of number fields
        control.children[0].value += 1
    elif hasattr(control, "index"):
        control.index = (control.index + 1) % len(control.options)
    elif isinstance(control.value, bool):
        control.value = not control.value
    else:
        control.value = control.max if control.value != control.max else control.min


def moved(explorer):
    """Yield an explorer as it is at first, and after each of its controls has been moved."""
    yield explorer
    for control in explorer.controls.values():
        move(control)
        yield explorer


def named(box):
    """Dict of description → control, of all in a box and in the boxes inside it."""
    found = {}
    for child in box.children:
        found |= named(child) if isinstance(child, widgets.Box) else {
            getattr(child, "description", ""): child
        }  # fmt: skip
    return found


def press(explorer, key):
    """Press a key on the focused picture."""
    explorer.picture._handle_custom_msg({"kind": "key", "key": key}, [])


def point(explorer, ax, x, y, phase="down"):
    """The pointer at data coordinates of axes: "down", "move" or "up"."""
    width, height = explorer.figure.canvas.get_width_height()
    x, y = ax.transData.transform((x, y))
    content = {"kind": "pointer", "phase": phase, "x": x / width, "y": 1 - y / height}
    explorer.picture._handle_custom_msg(content, [])


def check_legible(explorer, least=10):
    """No text is smaller than so many points, and nothing sticks out of the figure."""
    page, inch = explorer.figure.get_tightbbox(), explorer.figure.get_size_inches()
    assert page.min.min() >= -0.01 and (page.max <= inch + 0.01).all()
    texts = [text for text in explorer.figure.findobj(Text) if text.get_text().strip()]
    assert all(text.get_fontsize() >= least for text in texts if text.get_visible())
