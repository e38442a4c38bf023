"""What every explorer must show, whatever it explains: its still, its controls, its painting."""

import io
import random
import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.cbook import flatten
from PIL import Image
from test_explorers_detection import MAKERS as DETECTION
from test_explorers_engine import MAKERS as FIRST
from test_explorers_evolution import MAKERS as EVOLUTION
from test_explorers_generation import make
from test_explorers_segmentation import MAKERS as SEGMENTATION
from test_explorers_style import by_hand

from course_utils import figures
from course_utils.command.editions.typed_cells import enlarge
from course_utils.explorers import engine
from course_utils.explorers.generation import latent_explorer
from course_utils.explorers.style import load_style_snapshots, style_explorer
from explorer_faces import check_legible, move, moved, named, press

GENERATOR = make(3, gain=400)
PICTURES = {
    "noise": lambda: latent_explorer(GENERATOR),
    "style": by_hand,
    "the course's styles": lambda: style_explorer(*load_style_snapshots()),
}
EXPLORERS = FIRST | DETECTION | EVOLUTION | SEGMENTATION | PICTURES
LEGIBLE = [*DETECTION, *SEGMENTATION, "style", "the course's styles"]
QUIET = {  # change no text
    "method", "show_red", "show_green", "show_blue", "by_a", "boxes", "centred",
}  # fmt: skip
MOST = {  # mean difference, of 255: grid and axis lines may lie above or below; of others 0.5
    **dict.fromkeys(FIRST, 1.5), **dict.fromkeys(EVOLUTION, 0.3),
}  # fmt: skip
every_explorer = pytest.mark.parametrize("name", EXPLORERS)


@every_explorer
def test_the_still_is_what_the_widget_showed_first(name, stop_painting):
    explorer = EXPLORERS[name]()
    first, mime = explorer.picture.content, explorer.picture.mime
    assert EXPLORERS[name]().picture.content == first
    data, metadata = explorer._repr_mimebundle_()
    assert set(data) == {"text/plain", mime, "application/vnd.jupyter.widget-view+json"}
    assert metadata[mime]["alt"] == data["text/plain"] and "run this cell" in data["text/plain"]
    assert explorer.readout.text in data["text/plain"] and "\n" not in explorer.readout.text
    assert explorer.picture.alt.endswith(f". {explorer.readout.text}")
    assert Image.open(io.BytesIO(first)).width >= 800
    stop_painting()
    for _ in moved(explorer):
        assert explorer._repr_mimebundle_()[0][mime] == data[mime]
    assert explorer.picture.content != first or not explorer.controls
    assert plt.get_fignums() == []


@every_explorer
def test_every_control_changes_the_picture_and_goes_back(name):
    explorer = EXPLORERS[name]()
    first = explorer.picture.content, explorer.readout.text
    for label, control in explorer.controls.items():
        value = control.value
        move(control)
        assert explorer.picture.content != first[0], label
        assert explorer.readout.text != first[1] or label in QUIET, label
        control.value = value
        assert (explorer.picture.content, explorer.readout.text) == first, label


@every_explorer
def test_reset_brings_the_first_state_back(name):
    explorer = EXPLORERS[name]()
    first = explorer.picture.content, explorer.readout.text
    for _ in moved(explorer):
        pass
    for key in ("ArrowRight", " ", "ArrowDown", " "):
        press(explorer, key)
    assert explorer.picture.content != first[0]
    named(explorer.panel)["reset"].click()
    assert (explorer.picture.content, explorer.readout.text) == first


@every_explorer
@pytest.mark.usefixtures("unpainted")
def test_labels_have_one_width(name):
    explorer = EXPLORERS[name]()
    sliders = [it for it in explorer.controls.values() if hasattr(it, "readout")]
    assert len({it.style.description_width for it in sliders}) <= 1
    assert {it.layout.width for it in sliders} <= {"auto"}


def test_a_line_below_the_still_picture_is_hidden_while_the_explorer_lives(monkeypatch):
    shown = []
    monkeypatch.setattr(engine, "display", lambda data, **_: shown.append(data))
    explorer = EXPLORERS["shape"]()
    explorer._ipython_display_()
    assert shown[0] == explorer._repr_mimebundle_()[0]
    assert "run its cell" in shown[1]["text/plain"]
    assert shown[1][engine.VIEW]["model_id"] == ""  # for JupyterLab a view that was taken away


@every_explorer
def test_all_can_be_read_on_a_projector(name, monkeypatch, stop_painting):
    """With `course live --large`: nothing sticks out, and nothing is smaller than the prose.

    18 pixels on a screen of 1280 × 720, where a picture is 816 pixels wide.
    """
    monkeypatch.setattr(figures, "text_scale", 1)
    with plt.rc_context():
        enlarge()
        explorer = EXPLORERS[name]()  # painting it has set its layout
        stop_painting()
        for _ in moved(explorer):
            width = explorer.figure.get_figwidth()
            check_legible(explorer, least=18 * 72 * width / 816)


@every_explorer
def test_painting_over_the_ground_is_the_whole_picture(name):
    """Painting only what moves gives the picture that painting everything gives."""
    for explorer in moved(EXPLORERS[name]()):
        painted = np.asarray(explorer.figure.canvas.buffer_rgba()).astype(int)
        artists = list(flatten(explorer.artists.values()))
        for artist in artists:
            artist.set_animated(False)
        explorer.figure.canvas.draw()
        whole = np.asarray(explorer.figure.canvas.buffer_rgba())
        assert np.abs(painted - whole).mean() < MOST.get(name, 0.5)
        for artist in artists:
            artist.set_animated(True)


@pytest.mark.parametrize("name", LEGIBLE)
def test_texts_are_legible_and_inside_the_figure(name, stop_painting):
    explorer = EXPLORERS[name]()
    stop_painting()
    for _ in moved(explorer):
        check_legible(explorer)


@every_explorer
def test_an_answer_is_quick(name):
    waits = []
    explorer = EXPLORERS[name]()
    for _ in range(5 if explorer.controls else 0):
        start = time.process_time()  # beside other programs, too
        move(next(iter(explorer.controls.values())))
        waits.append(time.process_time() - start)
    assert min(waits, default=0) < 0.25  # in fact about 0.03 seconds


@every_explorer
def test_random_numbers_of_others_stay(name, stop_painting):
    torch.manual_seed(5)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    explorer = EXPLORERS[name]()
    stop_painting()
    for _ in moved(explorer):
        pass
    assert torch.equal(torch.get_rng_state(), before[0]) and torch.initial_seed() == 5
    assert random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2]  # noqa: NPY002
