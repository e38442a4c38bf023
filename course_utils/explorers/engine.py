"""The engine of every explorer: controls → a picture and a line of text.

Live, an explorer is a widget. In a notebook as `course refresh` stores it, it is the picture it
showed first, with its text, so that a reader without a kernel sees the same thing standing still;
in one that a person saved from `course lab`, it opens as it was left (`saved_widgets`).
"""

from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import flatten

from course_utils.explorers.live_text import LiveText
from course_utils.figures import alt_metadata, bundle, encode, fit
from course_utils.language import is_korean, say

FOLDER = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"
STILL = "A still picture: run its cell in the notebook, and it moves."
NO_VIEW = {"model_id": "", "version_major": 2, "version_minor": 0}  # JupyterLab then shows nothing
ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}


class Picture(anywidget.AnyWidget):
    """A picture drawn by Python; if steerable, it reports clicks, drags and keys.

    content: bytes of the image; mime: its type; alt: its text for those who cannot see it.
    """

    _esm = FOLDER / "picture.js"
    _css = FOLDER / "picture.css"
    content = traitlets.Bytes().tag(sync=True)
    mime = traitlets.Unicode("image/png").tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    steerable = traitlets.Bool(False).tag(sync=True)


class Explorer(widgets.VBox):
    """Controls above a picture: each change calls `draw`, which alters the figure's artists.

    title: what the explorer is, for the stored notebook and for screen readers.
    figure: the `matplotlib.figure.Figure` that `draw` alters (not pyplot's, which would show it).
    artists: dict of name → artist or list of artists that `draw` alters, painted in this order;
        all others are drawn once and kept.
    controls: dict of name → ipywidgets control with a `value`.
    draw: function of the controls' values (by name) that alters the artists and returns one line
        of text: what is seen, with its numbers.
    photo: True sends JPEG, False PNG.
    ground: names of the controls whose change alters other artists too: then all are drawn again.
    actions: dict of label → function without arguments, which a button calls.
    """

    def __init__(
        self, title, figure, artists, controls, draw, photo=False, ground=(), actions=None
    ):
        fit(figure)
        self.figure = figure
        self.artists = artists
        self.controls = controls
        self.picture = Picture(mime="image/jpeg" if photo else "image/png")
        self.readout = LiveText()
        self._title = title
        self._draw = draw
        self._photo = photo
        self._ground_names = ground
        self._ground = None  # the picture without its moving artists
        self._drawn = {}  # the values that are on the picture
        self._paused = False
        for control in controls.values():
            control.observe(self._changed, names="value")
        self.refresh()
        self._first = (self.picture.content, self._text)
        self._start = self._drawn
        actions = (actions or {}) | {"reset": self.reset}
        self.panel = _panel([*controls.values()], [button(*action) for action in actions.items()])
        super().__init__([self.panel, self.picture, self.readout])
        self.add_class("course-explorer").add_class("course-widget")

    def refresh(self):
        """Draw again from the controls' present values."""
        before, self._drawn = self._drawn, self._values()
        if any(before.get(name) != self._drawn[name] for name in self._ground_names):
            self._ground = None
        self._text = self._draw(**self._drawn)
        self._paint()
        content = encode(self.figure, self._photo)
        with self.picture.hold_sync():  # picture and text arrive together
            self.picture.alt = say(f"{self._title}. {self._text}")
            self.picture.content = content
        self.readout.text = self._text

    def _paint(self):
        """Paint the moving artists over the ground, which holds everything else."""
        canvas, moving = self.figure.canvas, list(flatten(self.artists.values()))
        if self._ground is None:
            canvas = FigureCanvasAgg(self.figure)
            self.figure.draw_without_rendering()
            self.figure.set_layout_engine("none")  # the layout stands from here on
            for artist in moving:
                artist.set_animated(True)
            canvas.draw()
            self._ground = canvas.copy_from_bbox(self.figure.bbox)
        canvas.restore_region(self._ground)
        for artist in moving:
            self.figure.draw_artist(artist)

    def set(self, **values):
        """Set several controls at once and draw once."""
        outer, self._paused = self._paused, True  # one control's observer may set others
        try:
            for name, value in 2 * list(values.items()):  # one may limit another, in any order
                self.controls[name].value = value
        finally:
            self._paused = outer
        if not outer:
            self.refresh()

    def reset(self):
        """Back to the state in which the explorer was shown first."""
        self.set(**self._start)

    def on_pointer(self, axes, function):
        """Call `function(phase, x, y)` when the pointer presses ("down"), moves, or leaves ("up").

        x, y: data coordinates in `axes`; presses outside `axes` are left out.
        """

        def receive(_, content, __):
            if content.get("kind") != "pointer":
                return
            width, height = self.figure.canvas.get_width_height()
            point = (content["x"] * width, (1 - content["y"]) * height)
            if axes.bbox.contains(*point):
                function(content["phase"], *axes.transData.inverted().transform(point))

        self.picture.steerable = True
        self.picture.on_msg(receive)

    def on_key(self, function):
        """Call `function(key)` for arrows, space, enter, home and end on the focused picture."""

        def receive(_, content, __):
            if content.get("kind") == "key":
                function(content["key"])

        self.picture.steerable = True
        self.picture.on_msg(receive)

    def _changed(self, _):
        if not self._paused and self._values() != self._drawn:  # another control may have drawn it
            self.refresh()

    def _values(self):
        return {name: control.value for name, control in self.controls.items()}

    def _repr_mimebundle_(self, **options):
        view = super()._repr_mimebundle_(**options)
        content, text = self._first
        alt = say(f"{self._title}: run this cell to move it. {text}")
        return bundle(content, alt, self._photo) | {VIEW: view[VIEW]}, alt_metadata(
            alt, self._photo
        )

    def _ipython_display_(self, **_):
        """Show the explorer, and a line that stands only below its still picture."""
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        display({"text/plain": say(STILL), VIEW: NO_VIEW}, raw=True)


def _panel(controls, buttons):
    """Sliders and lists in columns, their labels of one width; below them all others, in rows."""
    labelled = [it for it in controls if not isinstance(it, widgets.Checkbox | widgets.Box)]
    longest = max((len(it.description) for it in labelled), default=0)
    letters = 2 + round(0.8 * longest)  # 1ch is the width of a zero; most letters are narrower
    for control in labelled:
        control.style.description_width = f"{letters}ch"
        control.layout.width = "auto"
    column = f"max({letters}ch + 8.5em, 34%)"  # two columns at most
    columns = {"grid_template_columns": f"repeat(auto-fill, minmax(min(100%, {column}), 1fr))"}
    others = [it for it in controls if it not in labelled]
    if not others and len(buttons) == 1:  # there may be room beside the last slider
        return widgets.GridBox([*labelled, row(buttons)], layout=columns)
    below = row([*others, *buttons])
    return widgets.VBox([widgets.GridBox(labelled, layout=columns), below] if labelled else [below])


def row(controls):
    """Controls side by side, in several rows where the page is narrow."""
    layout = {"display": "flex", "flex_flow": "row wrap", "align_items": "center"}
    return widgets.Box(controls, layout={**layout, "grid_gap": "4px 12px"})


def button(label, action):
    """A button that calls `action()`."""
    made = widgets.Button(description=say(label), layout={"width": "auto"})
    made.on_click(lambda _: action())
    return made


def slider(label, low, high, value, step=1, readout_format="d"):
    """An integer or float slider."""
    kind = widgets.FloatSlider if isinstance(step, float) else widgets.IntSlider
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=say(label),
        readout_format=readout_format,
    )


def choice(label, options, value):
    """A drop-down list."""
    named = [(say(name), name) if isinstance(name, str) else name for name in options]
    options = named if is_korean() else options  # their values stay English
    return widgets.Dropdown(options=options, value=value, description=say(label))


def switch(label, value=True):
    """A check box."""
    return widgets.Checkbox(
        value=value, description=say(label), indent=False, layout={"width": "auto"}
    )
