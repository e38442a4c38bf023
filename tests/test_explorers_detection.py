"""The explorers of detection: squares counted one by one, and boxes that torchvision keeps."""

import io
import itertools
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import ops

from course_utils.detection.yolo import decode, detect, yolo_network
from course_utils.errors import ArgumentError
from course_utils.explorers import detection, outlines
from course_utils.explorers.iou import COLUMNS, ROWS, iou_explorer
from course_utils.synthetic_scenes import DIGIT_CLASSES, digit_scenes
from explorer_faces import point, press

SCENE = digit_scenes(1, seed=3)[0]
IMAGE = SCENE.image
GRID, KINDS = 8, 10
RNG = np.random.default_rng(0)
CENTRES = (
    np.stack(np.meshgrid(range(GRID), range(GRID)), axis=-1) + RNG.random((GRID, GRID, 2))
) * 8
HALVES = RNG.uniform(3, 12, (GRID, GRID, 2))
BOXES = np.concatenate([CENTRES - HALVES, CENTRES + HALVES], axis=2).astype(np.float32)
CONFIDENCE = RNG.beta(0.4, 2, (GRID, GRID)).astype(np.float32)
CLASSES = RNG.dirichlet(np.full(KINDS, 0.2), (GRID, GRID)).astype(np.float32)
SCORES = CONFIDENCE[..., None] * CLASSES
FEW = np.array([(0, 0, 10, 10), (0, 2, 10, 12), (0, 5, 10, 15), (40, 40, 60, 60), (0, 1, 10, 11)])
FEW_SCORES, FEW_LABELS = [0.9, 0.8, 0.7, 0.6, 0.2], [3, 3, 3, 5, 7]
NAMES = DIGIT_CLASSES[:KINDS]
MAKERS = {
    "iou": iou_explorer,
    "yolo": lambda: detection.yolo_explorer(IMAGE, BOXES, CONFIDENCE, CLASSES, NAMES),
    "nms": lambda: detection.nms_explorer(IMAGE, FEW, FEW_SCORES, FEW_LABELS, NAMES),
}


def drawn_boxes(explorer, name):
    """The boxes that a pair of outlines of an explorer shows, as sorted rows."""
    lines = explorer.artists[name]
    x, y = lines[-1].get_data()
    assert np.array_equal(x, lines[0].get_xdata(), equal_nan=True)
    corners = np.stack([x, y], axis=1).reshape(-1, 6, 2)[:, :5] + 0.5
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return boxes[np.lexsort(boxes.T)]


def in_order(boxes):
    return boxes[np.lexsort(boxes.T)]


@pytest.mark.parametrize("name", ["yolo", "nms"])
def test_every_step_of_a_threshold_changes_the_picture(name):
    explorer = MAKERS[name]()
    for control in list(explorer.controls.values())[: 1 if name == "yolo" else 2]:
        for value in np.arange(0, 1.01, 0.05):
            before = explorer.picture.content
            if abs(control.value - value) > 0.01:
                control.value = value
                assert explorer.picture.content != before


@pytest.mark.parametrize("name", ["iou", "yolo"])
def test_no_mark_of_the_pixel_editors_colour_is_on_a_steerable_picture(name):
    pixels = np.asarray(Image.open(io.BytesIO(MAKERS[name]().picture.content)).convert("RGB"))
    assert np.abs(pixels.astype(int) - (213, 94, 0)).sum(axis=2).min() >= 30


def squares(box):
    """A mask of the board's squares in a box."""
    x1, y1, x2, y2 = box
    board = np.zeros((ROWS, COLUMNS), bool)
    board[y1:y2, x1:x2] = True
    return board


def said_boxes(text):
    found = re.findall(r"[AB] = \((\d+), (\d+), (\d+), (\d+)\)", text)
    return [tuple(map(int, numbers)) for numbers in found]


@pytest.mark.usefixtures("unpainted")
def test_the_squares_are_counted():
    explorer, rng = iou_explorer(), np.random.default_rng(1)
    for _ in range(25):
        sizes = {f"{name}_{side}": int(rng.integers(1, high + 1))
                 for name in "ab" for side, high in (("width", 16), ("height", 12))}  # fmt: skip
        explorer.set(moved="AB"[rng.integers(2)], **sizes)
        board = explorer.artists["A"].axes
        point(explorer, board, rng.uniform(0, COLUMNS), rng.uniform(0, ROWS))
        text = explorer.readout.text
        a, b = said_boxes(text)
        assert [a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1]] == list(sizes.values())
        assert min(a + b) >= 0 and max(a[2], b[2]) <= COLUMNS and max(a[3], b[3]) <= ROWS
        shared, union = (squares(a) & squares(b)).sum(), (squares(a) | squares(b)).sum()
        around = squares(np.r_[np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])]).sum()
        pair = torch.tensor([a]).double(), torch.tensor([b]).double()
        assert f"= {union}, IoU = {shared} / {union} = {ops.box_iou(*pair).item():.2f}; " in text
        giou = f"{ops.generalized_box_iou(*pair).item():.2f}".replace("-", "−")
        assert f"around both {around}, GIoU = " in text and text.endswith(f"= {giou}")
        assert f"− {around - union} / {around} = " in text
        assert re.search(r"intersection (?:\d+ × \d+ = )?(\d+),", text)[1] == str(shared)
        inside = explorer.artists["intersection"]
        assert inside.get_visible() == (shared > 0)
        assert not shared or inside.get_width() * inside.get_height() == shared
        widths = [bar.get_width() for bar in explorer.artists["bars"]]
        wanted = [measure(*pair).item() for measure in (ops.box_iou, ops.generalized_box_iou)]
        np.testing.assert_allclose(widths, wanted, atol=1e-6)


@pytest.mark.usefixtures("unpainted")
def test_two_boxes_by_hand():
    explorer = iou_explorer()
    assert explorer.readout.text == (
        "A = (7, 4, 16, 11), B = (12, 6, 20, 13), B moves: intersection 4 × 5 = 20, "
        "union 63 + 56 − 20 = 99, IoU = 20 / 99 = 0.20; "
        "box around both 117, GIoU = 20 / 99 − 18 / 117 = 0.05"
    )
    explorer.set(a_width=2, a_height=2, b_width=2, b_height=2)  # 3 squares apart: 7 × 4 around
    assert (
        "B = (12, 6, 14, 8), B moves: intersection 0, union 4 + 4 − 0 = 8" in explorer.readout.text
    )
    assert explorer.readout.text.endswith("box around both 28, GIoU = 0 / 8 − 20 / 28 = −0.71")


@pytest.mark.usefixtures("unpainted")
def test_the_boxes_follow_keys():
    explorer = iou_explorer()
    for key, wanted in [("ArrowRight", (13, 6, 21, 13)), ("ArrowDown", (13, 7, 21, 14)),
                        ("ArrowLeft", (12, 7, 20, 14)), ("ArrowUp", (12, 6, 20, 13)),
                        ("Home", (12, 6, 20, 13))]:  # fmt: skip
        press(explorer, key)
        assert said_boxes(explorer.readout.text)[1] == wanted, key
    for _ in range(30):
        press(explorer, "ArrowRight")
    assert said_boxes(explorer.readout.text)[1] == (16, 6, 24, 13)
    press(explorer, " ")
    assert explorer.controls["moved"].value == "A" and "A moves" in explorer.readout.text
    for _ in range(30):
        press(explorer, "ArrowUp")
    assert said_boxes(explorer.readout.text) == [(7, 0, 16, 7), (16, 6, 24, 13)]


@pytest.mark.usefixtures("unpainted")
def test_a_box_at_the_edge_grows_inwards_and_goes_back():
    explorer = iou_explorer()
    explorer.set(b_width=16, b_height=12)
    assert said_boxes(explorer.readout.text)[1] == (8, 4, 24, 16)
    explorer.set(b_width=8, b_height=7)
    assert said_boxes(explorer.readout.text)[1] == (12, 6, 20, 13)


def test_the_boxes_follow_the_pointer():
    explorer = iou_explorer()
    board = explorer.artists["A"].axes
    point(explorer, board, 8.2, 5.1)  # in A, which is not the chosen one
    assert explorer.controls["moved"].value == "A"
    assert said_boxes(explorer.readout.text)[0] == (7, 4, 16, 11)
    point(explorer, board, 5.2, 7.1, "move")  # A keeps its place under the pointer
    assert said_boxes(explorer.readout.text)[0] == (4, 6, 13, 13)
    point(explorer, board, 0.2, 0.2, "move")
    assert said_boxes(explorer.readout.text)[0] == (0, 0, 9, 7)
    point(explorer, board, 9.2, 9.2, "up")
    assert said_boxes(explorer.readout.text) == [(0, 0, 9, 7), (12, 6, 20, 13)]
    point(explorer, board, 4.5, 11.5)  # in no box: the chosen one comes
    assert said_boxes(explorer.readout.text)[0] == (0, 8, 9, 15)
    point(explorer, explorer.artists["values"][0].axes, 0.5, 0.5)  # beside the board
    assert said_boxes(explorer.readout.text)[0] == (0, 8, 9, 15)


def kept_by_torchvision(least, limit=0.5):
    """All offered boxes, those that stay, and the cells that offer."""
    row, column, label = np.nonzero(np.greater_equal(SCORES, least))
    boxes, scores = BOXES[row, column], SCORES[row, column, label]
    given = torch.tensor(boxes), torch.tensor(scores), torch.tensor(label)
    kept = ops.batched_nms(*given, limit).numpy()
    return boxes, boxes[kept], len(set(zip(row.tolist(), column.tolist(), strict=True)))


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.1, 0.3, 0.6, 1.0])
def test_yolo_shows_the_boxes_above_the_threshold(threshold, suppress):
    explorer = MAKERS["yolo"]()
    explorer.set(threshold=threshold, suppress=suppress)
    offered, kept, speakers = kept_by_torchvision(threshold)
    verb = "keeps" if suppress else "would keep"
    assert explorer.readout.text.startswith(
        f"score ≥ {threshold:.2f}: {len(offered)} offered by {speakers} of 64 cells, "
        f"NMS {verb} {len(kept)}. Cell "
    )
    shown = kept if suppress else offered
    np.testing.assert_allclose(drawn_boxes(explorer, "found"), in_order(shown), atol=1e-4)
    when = "after" if suppress else "before"
    assert explorer.artists["title"].get_text() == f"{len(shown)} {when} NMS"


@pytest.mark.usefixtures("unpainted")
def test_yolo_starts_at_the_most_confident_cell_and_says_every_one():
    explorer = MAKERS["yolo"]()
    row, column = np.unravel_index(CONFIDENCE.argmax(), CONFIDENCE.shape)
    assert f"Cell ({row}, {column}): confidence {CONFIDENCE.max():.2f}, " in explorer.readout.text
    for row, column in itertools.product((0, 3, 7), (1, 6)):
        explorer.set(row=row, column=column)
        box = ", ".join(str(round(float(side))) for side in BOXES[row, column])
        best = CLASSES[row, column].argmax()
        assert explorer.readout.text.endswith(
            f"Cell ({row}, {column}): confidence {CONFIDENCE[row, column]:.2f}, box ({box}), "
            f"most likely {best}, probability {CLASSES[row, column, best]:.2f}"
        )
        cell = [[8 * column, 8 * row, 8 * column + 8, 8 * row + 8]]
        np.testing.assert_allclose(drawn_boxes(explorer, "cell"), cell)
        box = drawn_boxes(explorer, "box of the cell")
        np.testing.assert_allclose(box, BOXES[row, column][None], atol=1e-5)
        bars = [bar.get_width() for bar in explorer.artists["bars"]]
        np.testing.assert_allclose(bars, SCORES[row, column], atol=1e-6)


def test_yolo_follows_keys_and_clicks():
    explorer = MAKERS["yolo"]()

    def cell():
        return explorer.controls["row"].value, explorer.controls["column"].value

    order = [divmod(int(i), GRID) for i in np.argsort(-CONFIDENCE, axis=None)]
    for place in (*order[1:4], order[4]):
        press(explorer, " ")
        assert cell() == place
    press(explorer, "End")
    assert cell() == order[-1]
    press(explorer, "Enter")  # after the least confident the most confident
    assert cell() == order[0]
    explorer.set(row=0, column=7)
    for key, place in [("ArrowRight", (0, 0)), ("ArrowUp", (7, 0)), ("ArrowLeft", (7, 7)),
                       ("ArrowDown", (0, 7)), ("Home", order[0])]:  # fmt: skip
        press(explorer, key)
        assert cell() == place, key
    for row, column in [(0, 0), (7, 7), (2, 5)]:
        point(explorer, explorer.artists["cell"][0].axes, 8 * column + 3.5, 8 * row + 3.5)
        assert cell() == (row, column) and f"Cell ({row}, {column}): " in explorer.readout.text


@pytest.mark.usefixtures("unpainted")
def test_yolo_takes_what_decode_gives_and_finds_what_detect_finds():
    torch.manual_seed(0)
    model = yolo_network(width=2).eval()
    x = torch.tensor(IMAGE / 255, dtype=torch.float32).permute(2, 0, 1)[None]
    with torch.inference_mode():
        boxes, confidence, classes = decode(model(x))
    threshold = round(float((confidence[..., None] * classes).flatten().sort()[0][-60]), 2)
    explorer = detection.yolo_explorer(
        IMAGE, boxes[0], confidence[0], classes[0], NAMES, threshold=threshold
    )
    found = detect(model, x, threshold)[0]
    assert f"NMS keeps {len(found['boxes'])}. " in explorer.readout.text
    shown = drawn_boxes(explorer, "found")
    np.testing.assert_allclose(shown, in_order(found["boxes"]), atol=1e-4)


def test_many_classes_and_cells_of_a_wide_picture():
    rng = np.random.default_rng(5)
    classes = rng.dirichlet(np.ones(80), (5, 5))
    names = [f"$kind {k}" for k in range(80)]
    explorer = detection.yolo_explorer(
        np.zeros((150, 300), np.uint8), 200 * np.sort(rng.random((5, 5, 4))), rng.random((5, 5)),
        classes, names, threshold=0.1, nms_threshold=1,
    )  # fmt: skip
    assert len(explorer.artists["bars"]) == 20 and explorer.picture.mime == "image/jpeg"
    explorer.set(row=4, column=1)
    np.testing.assert_allclose(drawn_boxes(explorer, "cell"), [[60, 120, 120, 150]])
    assert f"most likely $kind {classes[4, 1].argmax()}, " in explorer.readout.text


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize(
    ("threshold", "overlap", "counts", "kept"),
    [  # IoU of neighbours in FEW: 0 and 1: 80/120, 1 and 2: 70/130, 0 and 2: 50/150
        (0.3, 0.5, (4, 3, 1), [0, 2, 3]),
        (0.3, 0.3, (4, 2, 2), [0, 3]),
        (0.3, 0.65, (4, 3, 1), [0, 2, 3]),
        (0.3, 0.7, (4, 4, 0), [0, 1, 2, 3]),
        (0.0, 0.5, (5, 4, 1), [0, 2, 3, 4]),  # box 4 lies over box 0, but is of another class
        (0.75, 0.5, (2, 1, 1), [0]),
        (0.9, 0.5, (1, 1, 0), [0]),
        (1.0, 0.5, (0, 0, 0), []),
        (0.0, 1.0, (5, 5, 0), [0, 1, 2, 3, 4]),
    ],
)
def test_nms_by_hand(threshold, overlap, counts, kept):
    explorer = MAKERS["nms"]()
    explorer.set(threshold=threshold, overlap=overlap)
    offered, stay, dropped = counts
    assert explorer.readout.text == (
        f"score ≥ {threshold:.2f}, overlap up to IoU {overlap:.2f}: {offered} offered, "
        f"{stay} kept, {dropped} dropped"
    )
    np.testing.assert_allclose(drawn_boxes(explorer, "kept"), in_order(FEW[kept]))
    assert len(drawn_boxes(explorer, "dropped")) == dropped
    assert explorer.artists["dropped"][1].get_linestyle() == "--"
    texts = [text.get_text() for text in explorer.artists["texts"] if text.get_visible()]
    assert texts == [str(FEW_LABELS[i]) for i in kept]
    steps = np.array([step.get_data().values for step in explorer.artists["steps"]])
    np.testing.assert_allclose(steps.sum(axis=0), FEW_SCORES)
    assert [(row > 0).sum() for row in steps] == [stay, dropped, 5 - offered]


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.8])
def test_nms_is_torchvisions_in_any_order(overlap):
    rng = np.random.default_rng(7)
    corners = rng.uniform(0, 40, (200, 2))
    boxes = np.hstack([corners, corners + rng.uniform(4, 24, (200, 2))]).astype(np.float32)
    scores, labels = rng.permutation(200).astype(np.float32) / 200, rng.integers(0, 4, 200)
    explorer = detection.nms_explorer(IMAGE, torch.tensor(boxes), scores, labels, NAMES)
    explorer.set(threshold=0.25, overlap=overlap)
    given = torch.tensor(boxes), torch.tensor(scores), torch.tensor(labels)
    high = np.flatnonzero(scores >= 0.25)
    kept = high[ops.batched_nms(*(part[high] for part in given), overlap).numpy()]
    dropped = len(high) - len(kept)
    ending = f": {len(high)} offered, {len(kept)} kept, {dropped} dropped"
    assert explorer.readout.text.endswith(ending)
    shown = drawn_boxes(explorer, "kept")
    np.testing.assert_allclose(shown, in_order(boxes[kept]), atol=1e-4)


def test_paths_have_a_box_each_and_many_are_thin():
    assert outlines.box_path([]).shape == (2, 0)
    path = outlines.box_path([[1, 2, 4, 6]])
    np.testing.assert_array_equal(
        path.T, [(0.5, 1.5), (3.5, 1.5), (3.5, 5.5), (0.5, 5.5), (0.5, 1.5), (np.nan, np.nan)]
    )
    explorer = MAKERS["yolo"]()
    widths = []
    for threshold in (1.0, 0.0):
        explorer.set(threshold=threshold)
        widths.append(explorer.artists["found"][1].get_linewidth())
    assert widths[0] > 2 > 1 > widths[1]


def nms(boxes=FEW, scores=FEW_SCORES, labels=FEW_LABELS, image=IMAGE, names=NAMES):
    return detection.nms_explorer(image, boxes, scores, labels, names)


def yolo(boxes=BOXES, confidence=CONFIDENCE, classes=CLASSES, image=IMAGE, names=NAMES, **rest):
    return detection.yolo_explorer(image, boxes, confidence, classes, names, **rest)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: yolo(BOXES[None]), r"boxes must be \(S, S, 4\) with S = 8, got \(1, 8, 8, 4\); "
         r"for one picture use boxes\[0\]"),
        (lambda: yolo(confidence=CONFIDENCE[None]), r"confidence must be \(S, S\), got \(1, 8"),
        (lambda: yolo(confidence=CONFIDENCE[:5]), r"confidence must be \(S, S\), got \(5, 8\)$"),
        (lambda: yolo(confidence=0.5), r"confidence must be \(S, S\), got \(\)"),
        (lambda: yolo(classes=CLASSES[0]), r"classes must be \(S, S, K\) with S = 8, got \(8"),
        (lambda: yolo(classes=CLASSES[..., :0]), r"classes must be .*got \(8, 8, 0\)"),
        (lambda: yolo(BOXES[:, :, ::-1]), r"boxes\[0\] is .* must have x1 ≤ x2"),
        (lambda: yolo(confidence=5 * CONFIDENCE - 1), "confidence must be 0 … 1, .*yolo.decode"),
        (lambda: yolo(classes=CLASSES * np.nan), "classes must be 0 … 1, got nan"),
        (lambda: yolo(names=NAMES[:9]), "class_names must be 10 or more names, got 9"),
        (lambda: yolo(names="0123456789"), "class_names must be a list of names"),
        (lambda: yolo(names=["one"] * 10), "class_names must be different"),
        (lambda: yolo(threshold=2), "threshold must be a number 0 … 1, got 2"),
        (lambda: yolo(nms_threshold=-1), "nms_threshold must be a number 0 … 1, got -1"),
        (lambda: yolo(image=IMAGE / 255), r"image must be uint8, got float64; use \(image \* 255"),
        (lambda: yolo(image=IMAGE.transpose(2, 0, 1)), r"use image.transpose\(1, 2, 0\)"),
        (lambda: yolo(image=torch.zeros(3, 64, 64)), r"use image.permute\(1, 2, 0\)"),
        (lambda: yolo(image=IMAGE[None]), r"image must be \(H, W, 3\) or .*; use image\[0\]"),
        (lambda: nms(image=np.zeros((9, 801), np.uint8)), r"up to 400, .*; use image\[::3, ::3\]"),
        (lambda: nms(image="coffee"), "image must hold numbers, got a str"),
        (lambda: nms(image=np.zeros((0, 9), np.uint8)), r"image must be \(H, W, 3\) or \(H, W\)"),
        (lambda: nms([], [], []), "boxes must be 1 or more, got none"),
        (lambda: nms(FEW[:, :3]), r"boxes must be \(N, 4\), got \(5, 3\)"),
        (lambda: nms(scores=[0.5]), "there are 5 boxes and 1 scores"),
        (lambda: nms(scores=[1, 2, 3, 4, 5]), "scores must be 0 … 1, got 1 … 5; use a sigmoid"),
        (lambda: nms(labels=[0, 1, 2, 3, -1]), "labels must be from 0, got -1"),
        (lambda: nms(labels=[0.5] * 5), "labels must be whole numbers"),
        (lambda: nms(names=NAMES[:7]), "class_names must be 8 or more names, got 7"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()
