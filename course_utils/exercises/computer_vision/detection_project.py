"""The project of chapter 4: a detector from raw cells to boxes, and its mAP on unseen scenes."""

import functools
import io

import numpy as np
from IPython import get_ipython

from course_utils.data import read_checked
from course_utils.detection.boxes import batched_nms, nms
from course_utils.detection.figures import show_boxes
from course_utils.exercises.computer_vision.detection import HINT_CLASS_AP, ap_of_class
from course_utils.exercises.engine import Exercise, Unmeasurable, mistakes
from course_utils.exercises.stubs import is_stub
from course_utils.synthetic_scenes import DIGIT_CLASSES, digit_scenes

LEAST, OVERLAP = 0.001, 0.5  # of a score, and of the IoU in NMS, as in `yolo.detect`
SCENES = 50
MIXED = (
    "the reshape mixes the cells: it cuts the array and moves no axis; which axis has to be last "
    "before it?"
)
UNSORTED = "the right boxes are kept, but class after class; the best of all comes first"
TABLE = "last_case() gives what came: four numbers of a box, then its scores"


@functools.cache
def unseen_outputs():
    """The raw outputs of the trained YOLO of 4.5 for the first 50 test scenes of 4.3.

    float64 (50, 15, 8, 8): x, y, width, height, confidence and ten classes of each cell.
    """
    file = io.BytesIO(read_checked("detection/yolo_digits_outputs_fp16.npz"))
    with np.load(file, allow_pickle=False) as arrays:
        return arrays["outputs"].astype(float)


@functools.cache
def unseen_scenes():
    """The scenes to which `unseen_outputs` belong, a list of 50."""
    return digit_scenes(SCENES, split="test")


# boxes_of_cells
def _sigmoid(values):
    return 1 / (1 + np.exp(-values))


def _softmax(values):
    powers = np.exp(values - values.max(axis=0))
    return powers / powers.sum(axis=0)


def _boxes_of_cells(outputs, size=64, places=None, box=_sigmoid, sure=_sigmoid, names=_softmax,
                    corners=True, order="C", unit=lambda size, cells: size / cells,
                    grown=lambda size, cells: size):  # fmt: skip
    """(S², 4 + K): the boxes, then the scores. The rest of the arguments: mistakes."""
    cells = outputs.shape[-1]
    x, y, width, height = box(outputs[:4])
    row, column = np.indices((cells, cells)) if places is None else places(cells)
    x, y = (x + column) * unit(size, cells), (y + row) * unit(size, cells)
    width, height = width * grown(size, cells), height * grown(size, cells)
    if corners:
        x, y, width, height = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    table = np.concatenate([[x, y, width, height], sure(outputs[4]) * names(outputs[5:])])
    return np.stack([part.ravel(order=order) for part in table], axis=1)


def _beside(got, arguments):
    """Boxes and scores as one table, from what the student's function returns."""
    rows = got if isinstance(got, list | tuple) else ()
    if getattr(got, "ndim", None) == 2 or all(np.ndim(row) == 1 for row in rows) and rows:
        return got  # both in one table
    if not isinstance(got, list | tuple) or len(got) != 2:
        raise Unmeasurable("two things are wanted: the boxes and their scores")
    boxes, scores = (np.asarray(part) for part in got)
    cells, classes = arguments[0].shape[-1] ** 2, len(arguments[0]) - 5
    for name, part, shape in (("boxes", boxes, (cells, 4)), ("scores", scores, (cells, classes))):
        if part.shape != shape:
            raise Unmeasurable(f"the {name} have the shape {part.shape}; {shape} is wanted")
    return np.hstack([boxes, scores])


def _boxes_of_cells_cases(rng):
    cases = [(np.array([0, 1, -1, 2, 1, 0, 1.0]).reshape(7, 1, 1), 16)]
    cases += [(rng.integers(-2, 3, (7, 2, 2)) / 1.0, 16), (rng.normal(0, 1, (8, 3, 3)), 24)]
    cases += [(rng.normal(0, 2, (5 + k, s, s)), size) for k, s, size in ((4, 5, 100), (1, 7, 32))]
    return cases + [(unseen_outputs()[i], 64) for i in rng.integers(SCENES, size=5)]


def _mixed(boxes, scores):
    """A mistake: the axis of the cells is not moved before the reshape."""

    def program(outputs, size):
        right = _boxes_of_cells(outputs, size)
        parts = [right[:, :4], right[:, 4:]]
        if outputs.shape[-1] == 1:
            return right
        mixed = [part.T.reshape(part.shape) if wrong else part
                 for part, wrong in zip(parts, (boxes, scores), strict=True)]  # fmt: skip
        return np.hstack(mixed)

    return program


def _swapped(cells):
    return np.indices((cells, cells))[::-1]


def _like(**changes):
    return lambda outputs, size: _boxes_of_cells(outputs, size, **changes)


def _centre_alone(outputs, size):
    """The centre in cells, without its cell."""
    return _boxes_of_cells(outputs, size, places=lambda cells: np.zeros((2, cells, cells)))


_hint_boxes_of_cells = mistakes(
    (_like(places=_swapped), "x belongs to the column of a cell, y to its row"),
    (_centre_alone, "x and y are inside a cell: where in the picture is that cell?"),
    (_like(box=np.array), "the four numbers of a box go through a sigmoid"),
    (_like(sure=np.array), "the confidence goes through a sigmoid"),
    (_like(sure=np.ones_like), "a score is the confidence times the probability"),
    (_like(names=_sigmoid), "the classes go through a softmax: their probabilities sum to 1"),
    (_like(names=np.array), "the classes go through a softmax"),
    (_like(names=lambda v: _softmax(v.reshape(-1)[:, None]).reshape(v.shape)),
     "the softmax is over the classes of one cell, and not over all cells together"),
    (_like(corners=False), "those are centres and sizes; corners are wanted"),
    (_like(order="F"), "row after row: the second of the list is the second cell of row 0"),
    (_mixed(True, True), MIXED),
    (_mixed(True, False), f"for the boxes, {MIXED}"),
    (_mixed(False, True), f"for the scores, {MIXED}"),
    (_like(places=lambda cells: np.indices((cells, cells)) * [[[0]], [[1]]]),
     "the row of the cell has no effect on y"),
    (_like(places=lambda cells: np.indices((cells, cells)) * [[[1]], [[0]]]),
     "the column of the cell has no effect on x"),
    (_like(places=lambda cells: np.indices((cells, cells)) + 1), "rows and columns begin at 0"),
    (_like(grown=lambda size, cells: size / cells),
     "width and height are shares of the picture, and not of a cell"),
    (_like(grown=lambda size, cells: 1), "width and height are shares of the picture, not pixels"),
    (_like(grown=lambda size, cells: 2 * size),
     "half of the width lies on each side of the centre, and half of the height"),
    (_like(unit=lambda size, cells: 1), "x and y are in cells; pixels are wanted"),
    (_like(unit=lambda size, cells: size),
     "x and y are in cells, and not in pictures: how many pixels is a cell wide?"),
)  # fmt: skip


def _hint_which_part(got, wanted, arguments):
    if got.shape != wanted.shape:
        return "those are the boxes alone; two arrays are wanted" if got.shape[1:] == (4,) else None
    wrong = ~np.isclose(got.astype(float), wanted, atol=1e-4)
    boxes, scores = wrong[:, :4].any(), wrong[:, 4:].any()
    if boxes and scores:
        return f"the boxes and the scores are wrong; {TABLE}"
    if boxes:
        return f"the scores are right, and the boxes are wrong; {TABLE}"
    return f"the boxes are right, and the scores are wrong; {TABLE}"


# detections
def _detections(outputs, least=LEAST, keep=batched_nms, labels=None, overlap=OVERLAP):
    """(D, 6): box, score, label; best first. least, keep, labels, overlap: mistakes."""
    table = _boxes_of_cells(outputs)
    boxes, scores = table[:, :4], table[:, 4:]
    offered = scores >= least
    if labels:
        offered &= labels(scores)
    cell, label = np.nonzero(offered)
    rows = np.hstack([boxes[cell], scores[cell, label][:, None], label[:, None]])
    return rows[keep(rows[:, :4], rows[:, 4], label, overlap)]


def _most_probable(scores):
    return scores == scores.max(axis=1, keepdims=True)


def _as_offered(outputs):
    """A mistake: the right rows, in the order of the cells and of the classes of each cell."""
    return _detections(outputs, keep=lambda *arguments: np.sort(batched_nms(*arguments)))


def _by_class(rows):
    return rows[np.argsort(rows[:, 5], kind="stable")]


def _detections_cases(rng):
    cases = [(np.array([0, 1, -1, 2, 1, 0, 1.0]).reshape(7, 1, 1),)]
    cases += [(rng.normal(0, 2, (8, 4, 4)),), (rng.normal(0, 2, (6, 7, 7)),)]
    scenes = unseen_outputs()[rng.choice(SCENES, 8, replace=False)]
    return cases + [(outputs,) for outputs in scenes]


_hint_detections = mistakes(
    (lambda o: _detections(o, keep=lambda b, s, c, t: np.argsort(-s, kind="stable")),
     "no box is removed"),
    (lambda o: _detections(o, labels=_most_probable),
     "each cell offers its box once for *every* class, and not for the best alone"),
    (lambda o: _detections(o, keep=lambda b, s, c, t: nms(b, s, t)),
     "boxes of different classes remove each other; only those of one class may"),
    (lambda o: _detections(o, least=0), "boxes with a score below 0.001 are left out"),
    (lambda o: _detections(o, least=0.01), "boxes with a score of 0.001 and more stay"),
    (lambda o: _detections(o, overlap=0.3), "the threshold of the IoU is 0.5"),
    (lambda o: _detections(o)[:, [0, 1, 2, 3, 5, 4]], "the score comes before the label"),
    (lambda o: _detections(o)[::-1], "the best comes first"),
    (_as_offered, "the right boxes are kept, but as they were offered, and not best first"),
    (lambda o: _by_class(_detections(o)), UNSORTED),
    (lambda o: _by_class(_as_offered(o)), UNSORTED),
)  # fmt: skip


# class_ap
def _answer_table(pictures):
    """Found (D, 7) and truth (M, 6) of some pictures, numbered from 0."""
    found, truth = [np.zeros((0, 7))], [np.zeros((0, 6))]
    for place, i in enumerate(pictures):
        scene, rows = unseen_scenes()[i], _detections(unseen_outputs()[i])
        found.append(np.insert(rows[rows[:, 4] > 0.01], 0, place, axis=1))
        things = np.hstack([scene.boxes, np.asarray(scene.labels)[:, None]])
        truth.append(np.insert(things.astype(float), 0, place, axis=1))
    return np.concatenate(found), np.concatenate(truth)


def _class_ap_cases(rng):
    found = np.array([
        [0, 0, 0, 10, 10, 0.9, 3], [1, 0, 0, 10, 10, 0.8, 3], [0, 1, 0, 11, 10, 0.7, 3],
        [1, 20, 20, 30, 40, 0.6, 3], [1, 20, 20, 30, 40, 0.95, 5], [0, 30, 5, 40, 15, 0.5, 3],
    ])  # fmt: skip
    truth = np.array([
        [0, 0, 0, 10, 10, 3], [1, 20, 20, 30, 38, 3], [0, 30, 5, 40, 17, 3], [1, 50, 50, 60, 60, 5],
    ])  # fmt: skip
    wide = np.array([[0, -12, 0, 10, 10, 0.9, 3]])  # reaches out of the picture: IoU 0.45
    apart = np.array([[0, 0, 0, 10, 10, 3], [1, 1, 0, 11, 10, 3]])  # the better one is elsewhere
    near = np.array([[0, 0, 0, 100, 90, 3], [0, 12, 0, 112, 90, 3]])  # both fit the second
    twice = np.array([[0, 0, 0, 100, 90, 0.9, 3], [0, 5, 0, 105, 90, 0.8, 3]])
    cases = [(found[[0, 3]], truth[[0, 2]], 3), (wide, truth[:1], 3), (found[[1]], truth[:1], 3)]
    cases += [(np.array([[0, 1, 0, 11, 10, 0.9, 3]]), apart, 3), (twice, near, 3)]
    cases += [(found, truth, 3), (found[[3, 5, 0, 2, 4, 1]], truth, 3), (found, truth, 5)]
    late = np.array([[0, 0, 0, 10, 8, 0.5, 3], [0, 0, 0, 10, 10, 0.9, 3]])  # the better one is last
    half = np.array([[0, 0, 0, 10, 5, 0.5, 3]])  # an IoU of exactly ½
    cases += [(late, truth[:1], 3), (half, truth[:1], 3)]
    for count in (5, 10, 20, 30, 40, 50):
        table, things = _answer_table(rng.choice(SCENES, count, replace=False))
        labels, often = np.unique(things[:, 5], return_counts=True)
        table[:, 1:5] += rng.normal(0, 1, (len(table), 4))  # less exact, so that some miss
        table[:, 3:5] = np.maximum(table[:, 3:5], table[:, 1:3] + 1)
        again = table[::3] * [1, 1, 1, 1, 1, 0.9, 1]  # second boxes of one thing
        table = np.concatenate([table, again]) if count % 20 else table
        cases.append((rng.permutation(table), things, int(labels[often.argmax()])))
    return cases + [(np.zeros((0, 7)), truth, 3)]


def show_detector(names=None, shown=8):
    """Run the student's functions on the 50 unseen scenes: mAP@.5, and pictures with boxes.

    names: dict of the notebook's names, of which it takes "detections", (15, 8, 8) → (D, 6), and
    "class_ap", found (D, 7), truth (M, 6), label → number; None takes those of this kernel.
    Prints the finished functions' mAP beside it; "not attempted yet" if one of the two is a stub,
    or is not there.
    """
    if names is None:
        shell = get_ipython()
        names = shell.user_ns if shell else {}
    detections, class_ap = names.get("detections"), names.get("class_ap")
    if not detections or not class_ap or is_stub(detections) or is_stub(class_ap):
        print("The project: not attempted yet")
        return
    rows = [np.asarray(detections(outputs)) for outputs in unseen_outputs()]
    found = np.concatenate([np.insert(part, 0, i, axis=1) for i, part in enumerate(rows)])
    _, truth = _answer_table(range(SCENES))
    labels = np.unique(truth[:, 5]).astype(int)
    mine = np.mean([class_ap(found, truth, int(label)) for label in labels])
    finished = _finished_map(labels, truth)
    print(f"{SCENES} unseen scenes, {len(truth)} digits: your mAP@.5 is {mine:.4f},",
          f"the finished functions' {finished:.4f}")  # fmt: skip
    pictures = []
    for part, scene in list(zip(rows, unseen_scenes(), strict=True))[:shown]:
        sure = part[part[:, 4] >= 0.3]
        words = [f"{DIGIT_CLASSES[int(row[5])]} {row[4]:.2f}" for row in sure]
        pictures.append(("", scene.image, sure[:, :4], words, scene.boxes))
    alt = "Unseen scenes with the boxes that your functions found; the true boxes are dashed"
    show_boxes(pictures, columns=4, width=10, alt=alt)


def _finished_map(labels, truth):
    rows = [_detections(outputs) for outputs in unseen_outputs()]
    found = np.concatenate([np.insert(part, 0, i, axis=1) for i, part in enumerate(rows)])
    return np.mean([ap_of_class(found, truth, label) for label in labels])


EXERCISES = {
    "boxes_of_cells": Exercise(
        reference=_boxes_of_cells,
        cases=_boxes_of_cells_cases,
        verified="2 to 8 cells a side, 1 to 10 classes, five unseen scenes",
        hints=[_hint_boxes_of_cells, _hint_which_part],
        measure=_beside,
        level=2,
        minutes=20,
        steps=(
            "4.5 reads one cell by hand and as `read_cell`. Do the same for all cells, with two "
            "loops first: rows outside, columns inside.",
            "A list of boxes and a list of scores, filled cell after cell, are enough; turn them "
            "into arrays at the end. NumPy has no sigmoid and no softmax: 1 / (1 + exp(−z)), and "
            "exp(z) over its sum.",
        ),
    ),
    "detections": Exercise(
        reference=_detections,
        cases=_detections_cases,
        verified="random outputs, eight unseen scenes",
        hints=[_hint_detections],
        level=2,
        minutes=15,
        steps=(
            "Call your `boxes_of_cells` first. Then list all pairs of a cell and a class whose "
            "score is large enough; `np.nonzero` gives both numbers of each pair.",
            "Each pair has a box, a score and a label. These three go through your `keep_by_class` "
            "with the threshold 0.5; what it returns picks the rows, best first.",
        ),
    ),
    "class_ap": Exercise(
        reference=ap_of_class,
        cases=_class_ap_cases,
        verified="2 to 50 pictures, boxes of other classes, seconds on one thing, none at all",
        hints=[HINT_CLASS_AP],
        errors=dict.fromkeys(
            ("zero-size array to reduction", "of an empty sequence"),
            "a picture may have no thing of the class, or none that is still free",
        ),
        level=3,
        minutes=25,
        steps=(
            "Keep only the rows of this class, in both tables, and sort the found ones by their "
            "score. For each of them you need one bool: did it find a thing that was still free?",
            "For a row, look at the things of its own picture that are not taken, and take the one "
            "with the best IoU if it is 0.5 or more. The list of bools and the number of things "
            "are what your `average_precision_one` of 4.2 wants.",
        ),
    ),
}
