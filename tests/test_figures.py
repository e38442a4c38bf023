"""Figures: axes in, nothing out, one output with its alt text; each step of a block diagram."""

import inspect
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils import figures
from course_utils.command.editions.typed_cells import enlarge
from course_utils.detection.figures import show_boxes
from course_utils.errors import ArgumentError
from course_utils.image_generation.figures import show_duel, show_losses
from course_utils.segmentation.figures import show_unet


@pytest.mark.parametrize(("photo", "kind"), [(False, "PNG"), (True, "JPEG")])
def test_render_gives_the_file_and_repeats(photo, kind):
    figure, ax = plt.subplots(figsize=(4, 2))
    ax.plot([0, 1])
    first = figures.render(figure, photo)
    assert Image.open(io.BytesIO(first)).format == kind
    assert Image.open(io.BytesIO(first)).size == (400, 200)
    assert figures.render(figure, photo) == first
    plt.close(figure)


def test_show_displays_one_output_and_closes(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda *a, **k: shown.append((a, k)))
    figure, _ = plt.subplots()
    figures.show(figure, alt="An empty pair of axes.")
    ((data,), options) = shown[0]
    assert data["text/plain"] == "An empty pair of axes." and "image/png" in data
    assert options["metadata"] == {"image/png": {"alt": "An empty pair of axes."}}
    assert not plt.fignum_exists(figure.number)


def test_titles_find_room_on_a_projector(monkeypatch):
    monkeypatch.setattr(figures, "text_scale", 1)
    monkeypatch.setattr(figures, "display", lambda *_, **__: None)
    monkeypatch.setattr(figures.plt, "close", lambda _: None)
    with plt.rc_context():
        enlarge()
        figures.show_row({f"a title of several words {n}": np.eye(3) for n in range(4)})
        figure = plt.gcf()
        titles = [ax.title.get_window_extent() for ax in figure.axes]
    width = figure.bbox.width
    assert titles[0].x0 >= 0 and titles[-1].x1 <= width and 1400 < width < 1800
    assert all(left.x1 < right.x0 for left, right in zip(titles, titles[1:], strict=False))


@pytest.fixture
def large(monkeypatch):
    """Function that shows a figure as `course live --large` does, and returns it, drawn."""
    monkeypatch.setattr(figures, "text_scale", 1)
    monkeypatch.setattr(figures, "display", lambda *_, **__: None)
    monkeypatch.setattr(figures.plt, "close", lambda _: None)

    def shown(draw, *given, **options):
        draw(*given, **options)
        figure = plt.gcf()
        if draw in (plt.plot, plt.bar):
            plt.legend() if figure.gca().get_legend_handles_labels()[1] else None
            figures.show(figure)
        return figure

    with plt.rc_context():
        enlarge()
        yield shown
    plt.close("all")


@pytest.mark.parametrize(("heights", "below"), [([0, 1], False), ([0, 1] * 40, True)])
def test_a_large_legend_leaves_the_lines(large, heights, below):
    """It finds a free corner; where lines fill the axes, it stands below them."""
    plt.figure(figsize=(6, 3))
    figure = large(plt.plot, heights, label="a line of many words")
    (ax,) = figure.axes
    assert bool(figure.legends) == below != bool(ax.get_legend())
    legend = (figure.legends or [ax.get_legend()])[0]
    box = legend.get_window_extent()
    assert not ax.transData.transform_path(ax.lines[0].get_path()).intersects_bbox(box, False)
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0


def test_large_names_and_numbers_at_an_axis_do_not_touch(large):
    plt.figure(figsize=(8, 3))
    names = large(
        plt.bar, ["first\nname", "quite-long-name", "long-name-too", "d", "e", "f"], range(6)
    )
    plt.figure(figsize=(1.6, 2))
    numbers = large(plt.plot, [0, 190], [0, 1])
    for figure in (names, numbers):
        labels = [it for it in figure.axes[0].get_xticklabels() if it.get_text()]
        boxes = [it.get_window_extent() for it in labels]
        assert len(boxes) > 1
        assert all(one.x1 < two.x0 for one, two in zip(boxes, boxes[1:], strict=False))


def test_large_texts_stay_in_cells_and_boxes(large):
    numbers = {"a": np.full((7, 9), 255), "b": np.full((6, 5, 3), 200, np.uint8)}
    for ax in large(figures.show_row, numbers, values=True).axes:
        cell = np.ptp(ax.transData.transform([(0, 0), (1, 1)]), axis=0)
        extents = [text.get_window_extent() for text in ax.texts]
        assert all((box.width, box.height) <= tuple(cell) for box in extents)
        assert all(box.height < cell[1] < 3 * box.height for box in extents)
    words = "a step that is said in many words"
    for ax in large(figures.show_blocks, {"one": [words], "two": [words], "c": ["x"]}).axes[:2]:
        box, text = ax.patches[0].get_window_extent(), ax.texts[0].get_window_extent()
        assert box.x0 < text.x0 and text.x1 < box.x1


def test_large_texts_in_a_chart_leave_each_other(large):
    figure, ax = plt.subplots(figsize=(8, 3))
    for place in range(10):
        ax.annotate("12.3", (place / 10, 0.5))
    large(plt.plot, [0, 1], [0, 1])
    boxes = [text.get_window_extent() for text in ax.texts]
    assert all(one.x1 < two.x0 + 2 for one, two in zip(boxes, boxes[1:], strict=False))
    assert len({text.get_fontsize() for text in ax.texts}) == 1


@pytest.mark.parametrize("alt", ["", " ", 3, True])
def test_an_alt_that_says_nothing_is_refused(alt):
    with pytest.raises(ArgumentError, match="alt must be a text .*: leave it out, and one is made"):
        figures.show(plt.figure(), alt=alt)
    plt.close("all")


@pytest.mark.parametrize(
    ("image", "limits"),
    [
        (np.zeros((2, 2), np.uint8), (0, 255)),
        (np.zeros((2, 2)), (0, 1)),
        (np.zeros((2, 2), bool), (0, 1)),
    ],
)
def test_gray_keeps_its_meaning_whatever_the_values(image, limits):
    _, ax = plt.subplots()
    assert figures.show_image(image, "title", ax) is None
    assert ax.images[0].get_clim() == limits and ax.get_title() == "title"
    plt.close("all")


def test_numbers_can_be_read_on_any_ground():
    _, (gray, colour, turned) = plt.subplots(1, 3)
    figures.show_values(np.array([[0, 255]], np.uint8), "", gray)
    figures.show_values(np.full((1, 1, 3), 200, np.uint8), "", colour)
    figures.show_values(np.array([[0, 1]]), "", turned, cmap="gray_r", vmin=0, vmax=1)
    assert [text.get_color() for text in gray.texts] == ["white", "black"]
    assert [text.get_color() for text in turned.texts] == ["black", "white"]
    assert colour.texts[0].get_color() == "black" and colour.texts[0].get_text() == "200\n200\n200"
    plt.close("all")


@pytest.mark.parametrize(
    ("shape", "hint"),
    [((4, 5, 1), r"\[\.\.\., 0\]"), ((3, 4, 5), r"transpose\(1, 2, 0\)"), ((4,), r"got \(4,\)")],
)
def test_another_shape_gets_its_fix(shape, hint):
    with pytest.raises(ArgumentError, match=r"image must be \(H, W\) or .*" + hint):
        figures.show_image(np.zeros(shape))


def test_rows_are_rows_and_red_is_red():
    _, ax = plt.subplots()
    figures.show_values(np.array([[1, 2, 3]]), "", ax)
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (2, 0)]
    figures.show_image(np.full((300, 400), 9, np.uint16), "", ax)
    assert ax.images[-1].get_clim() == (0, 255)
    figure, ax = plt.subplots(figsize=(2, 2))
    figures.show_image(np.zeros((9, 9, 3), np.uint8) + np.uint8([250, 0, 0]), "", ax)
    image = np.asarray(Image.open(io.BytesIO(figures.render(figure))).convert("RGB"))
    assert image[100, 100].tolist() == [250, 0, 0]
    plt.close("all")


def test_a_row_is_one_figure_with_a_title_each(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, photo, alt: shown.append((figure, alt)))
    rng = np.random.default_rng(0)
    figures.show_row({"one": rng.random((4, 6)), "two": rng.random((4, 6, 3))}, alt="Two.")
    pairs = [("same", rng.random((5, 5)))] * 5
    figures.show_row(pairs, columns=3, values=True, fontsize=8, vmax=2)
    (two, alt), (five, none) = shown
    assert [ax.get_title() for ax in two.axes] == ["one", "two"]
    assert alt == "Two." and none is None
    assert [len(ax.images) for ax in five.axes] == [1, 1, 1, 1, 1, 0]
    assert not five.axes[5].axison and len(five.axes[0].texts) == 25
    assert five.axes[0].images[0].get_clim() == (0, 2)
    plt.close("all")
    for wrong in ([], {}, [rng.random((4, 4))]):
        with pytest.raises(ArgumentError, match="at least one pair of title and image"):
            figures.show_row(wrong)
    for image in (np.zeros(5), np.zeros((0, 4)), 3):
        with pytest.raises(ArgumentError, match="image 'x' must be .* got"):
            figures.show_row({"x": image})


# descriptions


def chart(ax):
    ax.plot([1, 2], label="D")
    ax.plot([2, 1], label="G")
    ax.set(xlabel="step", ylabel="loss")
    ax.legend()


def bars(ax):
    ax.bar_label(ax.bar(["loops", "im2col"], [30, 2]), ["30 ×", "2 ×"])
    ax.set(title="Time", ylabel="ms")


def lying_bars(ax):
    ax.barh(["loops", "im2col"], [30, 2])
    ax.set_xlabel("ms")


def heat(ax):
    figures.show_image(np.eye(2), "confidence", ax)
    ax.figure.colorbar(ax.images[0], ax=ax)


@pytest.mark.parametrize(
    ("draw", "wanted"),
    [
        (chart, "Chart: loss against step, D, G."),
        (bars, "Chart: Time: ms, loops, im2col, 30 ×, 2 ×."),
        (lying_bars, "Chart: ms, loops, im2col."),
        (lambda ax: ax.hist([1, 2, 3], bins=30), "Chart."),
        (lambda ax: ax.scatter([1], [1]), "Chart."),
        (heat, "Picture: confidence."),
        (lambda ax: figures.show_values(np.eye(2), "I", ax), "Picture: I: 1, 0, 0, 1."),
        (
            lambda ax: figures.show_values(np.zeros((4, 4)), "", ax),
            f"Picture: {'0, ' * 12}4 more.",
        ),
        (lambda ax: None, "An empty figure."),
    ],
)
def test_a_figure_without_alt_says_what_is_written_on_it(draw, wanted):
    figure, ax = plt.subplots()
    draw(ax)
    figures.render(figure)
    assert figures.describe(figure) == wanted
    plt.close(figure)


def test_panels_are_counted_and_what_belongs_to_all_is_said():
    figure, axes = plt.subplots(2, 2)
    chart(axes[0, 0])
    figures.show_image(np.eye(2), "two\nlines", axes[0, 1])
    figures.show_image(np.eye(2), "", axes[1, 0])
    figure.legend([plt.Line2D([], [])], ["dashed"])
    figure.suptitle("All")
    wanted = "Chart and 2 pictures: All: loss against step, D, G; two lines; dashed."
    assert figures.describe(figure) == wanted
    plt.close(figure)


GRAY = np.zeros((8, 8))
CALLS = {
    "2 pictures: one; two.": lambda: figures.show_row({"one": GRAY, "two": GRAY}),
    "5 pictures.": lambda: figures.show_row([("", GRAY)] * 5, columns=3),
    "2 pictures: a: 2 boxes, cat, dog; b.": lambda: show_boxes(
        [("a", GRAY, [[0, 0, 2, 2], [1, 1, 3, 3]], ["cat", "dog"]), ("b", GRAY, [], ())]
    ),
    "2 diagrams: plain: x, conv; SE: u, ×.": lambda: figures.show_blocks(
        {"plain": ["x", "conv"], "SE": ["u", "×"]}
    ),
    "Diagram: a, b, c, encoder, decoder.": lambda: show_unet(["a", "b"], ["c"]),
    "Chart: round 0: x, real, made, D(x).": lambda: show_duel(np.ones((1, 5)), (0,)),
    "Chart: loss against step, G, ln 4.": lambda: show_losses(
        {"G": [1, 2]}, levels=[(1.4, "ln 4")]
    ),
}


@pytest.mark.parametrize("wanted", CALLS)
def test_whoever_types_no_alt_gets_the_figure_and_a_made_one(monkeypatch, wanted):
    shown = []
    monkeypatch.setattr(figures, "display", lambda *a, **k: shown.append((a, k)))
    CALLS[wanted]()
    (((data,), options),) = shown
    (described,) = options["metadata"].values()
    assert data["text/plain"] == described["alt"] == wanted


@pytest.mark.parametrize(
    "function", [figures.show, figures.show_row, show_boxes, figures.show_blocks, show_unet,
                 show_duel, show_losses], ids=lambda function: function.__name__,
)  # fmt: skip
def test_alt_is_optional_and_said_by_its_name(function):
    alt = inspect.signature(function).parameters["alt"]
    assert alt.kind is alt.KEYWORD_ONLY and alt.default is None


# block diagrams


@pytest.fixture
def drawn(monkeypatch):
    """The figures that `show` was asked for."""
    found = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: found.append((figure, alt)))
    yield found
    plt.close("all")


def test_every_step_is_drawn_and_the_way_around_ends_at_the_sign(drawn):
    figures.show_blocks({"plain": ["x", "conv"], "residual": ["x", "conv", "+", "ReLU"]}, alt="alt")
    (figure, alt) = drawn[0]
    plain, residual = figure.axes
    assert alt == "alt" and [ax.get_title() for ax in figure.axes] == ["plain", "residual"]
    assert [text.get_text() for text in residual.texts if text.get_text()] == [
        "x", "conv", "+", "ReLU",
    ]  # fmt: skip
    assert not plain.lines and len(residual.lines) == 1
    assert residual.lines[0].get_ydata().tolist() == [-0.5, -0.5, -2]
    assert len(plain.patches) == 1 and len(residual.patches) == 2


def test_the_way_around_begins_at_the_nearest_name(drawn):
    figures.show_blocks({"se": ["x", "conv", "u", "gate", "×", "+"]})
    ends = [line.get_ydata().tolist() for line in drawn[0][0].axes[0].lines]
    assert ends == [[-2.5, -2.5, -4], [-2.5, -2.5, -5]]


@pytest.mark.parametrize("blocks", [{}, {"empty": []}])
def test_nothing_to_draw_is_refused(blocks):
    with pytest.raises(ArgumentError, match="at least one"):
        figures.show_blocks(blocks)
