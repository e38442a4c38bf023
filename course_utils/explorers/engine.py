"""The engine of every explorer: controls → a picture and a line of text.

Live, an explorer is a widget. In a notebook as `course refresh` stores it, it is the picture it
showed first, with its text, so that a reader without a kernel sees the same thing standing still;
in one that a person saved from `course lab`, it opens as it was left (`saved_widgets`).
"""

from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import flatten

from course_utils.explorers.live_text import LiveText
from course_utils.figures import alt_metadata, bundle, encode

FOLDER = Path(__file__).parent
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
    """

    def __init__(self, title, figure, artists, controls, draw, photo=False, ground=()):
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
        row = {"display": "flex", "flex_flow": "row wrap", "align_items": "center"}
        self.panel = widgets.Box([*controls.values()], layout={**row, "grid_gap": "0 8px"})
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
            self.picture.alt = f"{self._title}. {self._text}"
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
        self._paused = True
        try:
            for name, value in 2 * list(values.items()):  # one may limit another, in any order
                self.controls[name].value = value
        finally:
            self._paused = False
        self.refresh()

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
        alt = f"{self._title}: run this cell to move it. {text}"
        key = "application/vnd.jupyter.widget-view+json"
        return bundle(content, alt, self._photo) | {key: view[key]}, alt_metadata(alt, self._photo)


def slider(label, low, high, value, step=1, readout_format="d"):
    """An integer or float slider that is wide enough to read and to grab."""
    kind = widgets.FloatSlider if isinstance(step, float) else widgets.IntSlider
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        readout_format=readout_format,
        style={"description_width": "initial"},
        layout={"width": "320px"},
    )


def choice(label, options, value):
    """A drop-down list."""
    return widgets.Dropdown(
        options=options,
        value=value,
        description=label,
        style={"description_width": "initial"},
        layout={"width": "240px"},
    )


def switch(label, value=True):
    """A check box."""
    return widgets.Checkbox(value=value, description=label, indent=False, layout={"width": "auto"})
