"""What every explorer must show, whatever it explains: checks that the tests of all share."""

import io

import numpy as np
from matplotlib.text import Text
from PIL import Image


def move(control):
    """Give a control another value."""
    if hasattr(control, "options"):
        control.value = next(value for value in control.options if value != control.value)
    elif isinstance(control.value, bool):
        control.value = not control.value
    else:
        control.value = control.max if control.value != control.max else control.min


def moved(explorer, move=move):
    """Yield an explorer as it is at first, and after each of its controls has been moved."""
    yield explorer
    for control in explorer.controls.values():
        move(control)
        yield explorer


def check_still(make, move=move):
    """The stored picture and its text are what the widget showed first, and stay so."""
    explorer = make()
    first, mime = explorer.picture.content, explorer.picture.mime
    data, metadata = explorer._repr_mimebundle_()
    assert metadata[mime]["alt"] == data["text/plain"]
    assert explorer.readout.text in data["text/plain"] and "\n" not in explorer.readout.text
    assert Image.open(io.BytesIO(first)).width >= 800
    for control in explorer.controls.values():
        move(control)
    assert explorer._repr_mimebundle_()[0][mime] == data[mime]
    assert make().picture.content == first


def check_painting(explorer, most=0.5, move=move):
    """Painting only what moves gives the picture that painting everything gives.

    most: mean difference, of 255; grid and axis lines may lie above or below.
    """
    for _ in moved(explorer, move):
        painted = np.asarray(explorer._figure.canvas.buffer_rgba()).astype(int)
        for artist in explorer._moving:
            artist.set_animated(False)
        explorer._figure.canvas.draw()
        whole = np.asarray(explorer._figure.canvas.buffer_rgba())
        assert np.abs(painted - whole).mean() < most
        for artist in explorer._moving:
            artist.set_animated(True)


def check_legible(explorer):
    """No text is small, and nothing sticks out of the figure."""
    page, inch = explorer._figure.get_tightbbox(), explorer._figure.get_size_inches()
    assert page.min.min() >= -0.01 and (page.max <= inch + 0.01).all()
    assert all(text.get_fontsize() >= 10 for text in explorer._figure.findobj(Text))
