"""The clinic of chapter 4: boxes left behind, boxes of another format, NMS across classes."""

from numbers import Real

import numpy as np

from course_utils.detection.boxes import batched_nms, box_iou, nms
from course_utils.detection.figures import show_boxes
from course_utils.exercises.clinic import test_exercise
from course_utils.exercises.computer_vision.boxes import iou, random_boxes
from course_utils.exercises.computer_vision.crowded import crowded_pictures
from course_utils.exercises.engine import INDICES, Exercise, Unmeasurable, mistakes
from course_utils.synthetic_scenes import digit_scenes


# the picture is mirrored
def _mirror(image, boxes, width=None, axis=1):
    """axis 0, another width: mistakes."""
    width = image.shape[1] if width is None else width
    return np.flip(image, axis), _turned(boxes, width)


def _turned(boxes, width):
    return np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)


def _mirror_slice(image, boxes):
    moved = boxes.astype(float)
    moved[:, [0, 2]] = image.shape[1] - boxes[:, [2, 0]]
    return image[:, ::-1].copy(), moved


def _mirror_centres(image, boxes):
    half = (boxes[:, 2] - boxes[:, 0]) / 2
    centre = image.shape[1] - (boxes[:, 0] + boxes[:, 2]) / 2
    moved = np.stack([centre - half, boxes[:, 1], centre + half, boxes[:, 3]], axis=1)
    return image[:, ::-1], moved


def _first_alone(image, boxes):
    return image[:, ::-1], np.concatenate([_turned(boxes[:1], image.shape[1]), boxes[1:]])


MIRROR_WRONG = {
    "leaves the boxes where they were": lambda i, b: (i[:, ::-1], b.copy()),
    "moves the boxes and leaves the picture": lambda i, b: (i.copy(), _turned(b, i.shape[1])),
    "gives boxes whose x1 is larger than their x2":
        lambda i, b: (i[:, ::-1], _turned(b, i.shape[1])[:, [2, 1, 0, 3]]),
    "takes W − 1 in place of W, so that each box is a pixel too far to the left":
        lambda i, b: _mirror(i, b, i.shape[1] - 1),
    "takes the picture's height in place of its width": lambda i, b: _mirror(i, b, len(i)),
    "turns the picture upside down": lambda i, b: _mirror(i, b, axis=0),
    "moves the first box alone": _first_alone,
}  # fmt: skip


def _flat(image, boxes):
    """A picture and its boxes as one row of numbers."""
    return np.concatenate([np.ravel(image), np.ravel(boxes)]).astype(float)


def _in_one_row(got):
    """Whether something is a list of numbers."""
    return isinstance(got, list | tuple) and all(isinstance(part, Real) for part in got)


def _flat_pair(got, arguments):
    """What the student's function returns, as one row of numbers."""
    if getattr(got, "ndim", None) == 1 or _in_one_row(got):
        return got
    if not isinstance(got, list | tuple) or len(got) != 2:
        raise Unmeasurable("two things are wanted: the picture and its boxes")
    picture, boxes = (np.asarray(part) for part in got)
    for name, part, given in (("picture", picture, arguments[0]), ("boxes", boxes, arguments[1])):
        if part.shape != given.shape:
            raise Unmeasurable(f"the {name} had the shape {given.shape}, and now {part.shape}")
    return _flat(picture, boxes)


def _mirror_cases(rng):
    pixels = np.arange(24, dtype=np.uint8)
    cases = [(pixels[:12].reshape(1, 4, 3), np.array([[0.0, 0, 1, 1]]))]
    cases.append((pixels.reshape(2, 4, 3), np.array([[0, 0, 1, 2], [1, 1, 4, 2.0]])))
    for height, width, count in ((5, 8, 2), (9, 6, 3), (7, 7, 1), (12, 20, 5), (20, 11, 4)):
        start = rng.uniform(0, 0.5, (count, 2)) * (width, height)
        boxes = np.hstack([start, start + rng.uniform(0.2, 0.5, (count, 2)) * (width, height)])
        cases.append((rng.integers(0, 256, (height, width, 3), np.uint8), boxes))
    image = rng.integers(0, 256, (4, 6, 3), np.uint8)
    return cases + [(image, np.zeros((0, 4))), (image, np.array([[0, 0, 6, 4], [1, 1, 2, 3]]))]


_hint_mirror = mistakes(
    (lambda i, b: _flat(i[:, ::-1], b), "the boxes stay where they were"),
    (lambda i, b: _flat(i, _turned(b, i.shape[1])), "the picture is not mirrored"),
    (lambda i, b: _flat(i[:, ::-1], _turned(b, i.shape[1])[:, [2, 1, 0, 3]]),
     "x1 is larger than x2 there: the left edge becomes the right one"),
    (lambda i, b: _flat(i[:, ::-1], _turned(b, i.shape[1] - 1)),
     "boxes hold edges, and not numbers of pixels: the last edge is W"),
    (lambda i, b: _flat(i[:, ::-1], _turned(b, len(i))),
     "x runs along the width, the second number of the picture's shape"),
    (lambda i, b: _flat(i[::-1], _turned(b, i.shape[1])),
     "the first axis of a picture holds the rows: that turns it upside down"),
    (lambda i, b: _flat(i[:, ::-1], b[::-1]),
     "the order of the boxes is reversed; each box has to move"),
)  # fmt: skip


def _show_mirrored(answer):
    """Four scenes, mirrored by the student's function, with its boxes."""
    rows = []
    for scene in digit_scenes(4, seed=213, split="test"):
        image, boxes = answer(scene.image.copy(), scene.boxes.astype(float))
        rows.append(("", np.asarray(image), np.asarray(boxes), ()))
    show_boxes(rows, width=8, alt="Four scenes, mirrored by your function, with their boxes")


# COCO's boxes
def _as_corners(boxes):
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def _raw_table(found, truth):
    """The program's own IoU, for what need not be a box."""
    found, truth = found[:, None], truth[None]
    sides = np.minimum(found[..., 2:], truth[..., 2:]) - np.maximum(found[..., :2], truth[..., :2])
    shared = np.maximum(sides, 0).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (found, truth)]
    union = areas[0] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros(union.shape), where=union > 0)


def _best(change_truth=_as_corners, change_found=np.array, axis=0, join=np.max):
    """The best IoU of each thing, with other ways to read the boxes: mistakes."""
    return lambda found, truth: join(
        _raw_table(change_found(found), change_truth(truth)), axis=axis
    )


def _centred(boxes):
    return np.hstack([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2])


def _from_first(boxes):
    return np.hstack([boxes[:, :2], boxes[:, 2:] + boxes[:, :1]])


def _best_by_table(found, truth):
    return box_iou(found, _as_corners(truth)).max(axis=0)


def _best_by_loop(found, truth):
    return np.array([max(iou(box, thing) for box in found) for thing in _as_corners(truth)])


BEST_WRONG = {
    "takes x, y, width and height for two corners": _best(np.array),
    "takes x and y for the centre of the thing": _best(_centred),
    "reads the detector's boxes as x, y, width, height, too": _best(change_found=_as_corners),
    "adds x to the height as well": _best(_from_first),
    "looks at the first of the found boxes alone": lambda f, t: _best()(f[:1], t),
    "gives the mean over the found boxes, and not the best": _best(join=np.mean),
}


def _best_cases(rng):
    found = np.array([[2, 1, 6, 4], [0, 0, 3, 8.0]])
    cases = [(found, np.array([[2, 2, 4, 3], [1, 0, 2, 7], [7, 1, 2, 3.0]]))]
    for count, things in ((3, 1), (1, 4), (5, 2), (4, 4), (7, 3), (2, 6), (12, 5)):
        truth = random_boxes(rng, things)
        found = truth[rng.integers(things, size=count)] + rng.uniform(-6, 6, (count, 4))
        found = np.sort(found.reshape(count, 2, 2), axis=1).reshape(count, 4)
        cases.append((found, np.hstack([truth[:, :2], truth[:, 2:] - truth[:, :2]])))
    return cases + [(np.array([[50, 50, 60, 60]]), np.array([[0, 0, 9, 9], [50, 50, 10, 20]]))]


_hint_best = mistakes(
    (_best(np.array), "the truth is still taken for two corners"),
    (_best(_centred), "COCO's x and y are the top left corner, and not the centre"),
    (_best(change_found=_as_corners), "the detector's boxes are corners already: they stay"),
    (_best(np.array, lambda b: np.hstack([b[:, :2], b[:, 2:] - b[:, :2]])),
     "now both are x, y, width, height; the formula of the overlap wants two corners of both"),
    (_best(_from_first), "the lower edge is y + height"),
    (_best(lambda b: _as_corners(b) + [0, 0, -1, -1]), "an edge is x + width, without − 1"),
    (_best(axis=1), "one number for each *thing* is wanted"),
    (_best(join=np.mean), "that is the mean over the found boxes; the best one counts"),
)  # fmt: skip


# NMS and classes
def _by_class(boxes, scores, labels, threshold, over=np.greater, forget=True, sign=-1):
    """The greedy loop in which only boxes of one class meet; over, forget, sign: mistakes."""
    order, kept, gone = np.argsort(sign * scores, kind="stable"), [], set()
    for place, i in enumerate(order):
        if i not in gone:
            kept.append(i)
        if i not in gone or not forget:
            gone |= {j for j in order[place + 1 :] if labels[i] == labels[j]
                     and over(iou(boxes[i], boxes[j]), threshold)}  # fmt: skip
    return np.array(kept, int)


def _class_after_class(boxes, scores, labels, threshold):
    """Right but for the order: all of the first class come first."""
    found = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    kept = [same[nms(boxes[same], scores[same], threshold)] for same in found]
    return np.concatenate([np.zeros(0, int), *kept])


def _sorted_classes(boxes, scores, labels, threshold):
    kept = _class_after_class(boxes, scores, labels, threshold)
    return kept[np.argsort(-scores[kept])]


def _far_apart(boxes, scores, labels, threshold):
    """Each class is moved to a place of its own, where no other can meet it."""
    far = (boxes.max(initial=0) - boxes.min(initial=0) + 1) * labels[:, None]
    return nms(boxes + far, scores, threshold)


def _places_within(boxes, scores, labels, threshold):
    """The places of the boxes that stay, each counted among the boxes of its class."""
    among = np.array([np.sum(labels[:i] == labels[i]) for i in range(len(labels))], int)
    return among[_by_class(boxes, scores, labels, threshold)]


def _places_class_by_class(boxes, scores, labels, threshold):
    """The same, class after class."""
    found = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    kept = [nms(boxes[same], scores[same], threshold) for same in found]
    return np.concatenate([np.zeros(0, int), *kept])


def _best_of_each(boxes, scores, labels, threshold):
    order = np.argsort(-scores)
    return order[np.sort(np.unique(labels[order], return_index=True)[1])]


KEPT_WRONG = {
    "lets a box remove boxes of other classes": lambda b, s, c, t: nms(b, s, t),
    "removes nothing": lambda b, s, c, t: np.argsort(-s),
    "keeps only the best box of each class": _best_of_each,
    "returns the boxes class after class, and not the best first": _class_after_class,
    "begins with the lowest score": lambda b, s, c, t: _by_class(b, s, c, t, sign=1),
    "lets a box that is gone remove others":
        lambda b, s, c, t: _by_class(b, s, c, t, forget=False),
}  # fmt: skip


def _kept_cases(rng):
    tiny = np.array([[0, 0, 4, 4], [0, 0, 5, 4], [1, 0, 5, 4], [0, 1, 4, 4.0]])
    chain = np.array([[5, 0], [30, 0], [10, 0], [29, 1], [0, 0]])  # the last suppresses the first
    half = np.array([[0, 0, 2, 2], [0, 0, 4, 2.0]])
    scores = np.array([0.7, 0.4, 0.6, 0.5, 0.9]) + rng.uniform(0, 0.05, 5)
    cases = [(tiny, np.array([0.9, 0.8, 0.7, 0.6]), np.array([3, 1, 3, 1]), 0.5)]
    cases.append((np.hstack([chain, chain + 10.0]), scores, np.array([0, 1, 0, 1, 0]), 0.3))
    settings = (3, 4, 0.5, 2), (4, 3, 0.3, 3), (2, 9, 0.7, 2), (1, 6, 0.1, 4), (5, 4, 0.45, 10)
    for objects, copies, threshold, classes in settings:
        boxes = np.repeat(random_boxes(rng, objects), copies, axis=0)
        boxes = rng.permutation(boxes + rng.uniform(-2, 2, boxes.shape))
        count = len(boxes)
        labels = rng.integers(classes, size=count)
        cases.append((boxes, rng.permutation(count) / 60 + 0.1, labels, threshold))
    many = np.repeat(random_boxes(rng, 2), 140, axis=0) + rng.uniform(-1, 1, (280, 4))
    cases.append((many, np.arange(280.0), np.repeat([1, 0], 140), 0.5))  # the best is the last
    boxes = np.repeat(random_boxes(rng, 3), 2, axis=0) + rng.uniform(-2, 2, (6, 4))
    cases.append((boxes, rng.permutation(6) - 4.0, rng.integers(2, size=6), 0.4))
    cases.append((half, np.array([0.6, 0.8]), np.array([2, 2]), 0.5))
    near = np.array([[0, 0, 1.6, 1], [0, 0, 1, 1]])  # alike only as whole numbers
    cases.append((near, np.array([0.6, 0.8]), np.array([2, 2]), 0.7))
    return cases + [(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), 0.5)]


WITHIN = "those indices count the boxes of one class alone; the places in all of `boxes` are wanted"
_hint_kept = mistakes(
    (lambda b, s, c, t: nms(b, s, t), "a box still removes boxes of other classes"),
    (_class_after_class, "those are the right boxes, class after class; the best comes first"),
    (lambda b, s, c, t: np.sort(_by_class(b, s, c, t)),
     "those are the right boxes; the best comes first"),
    (lambda b, s, c, t: _by_class(b, s, c, t, forget=False),
     "a box that is gone suppresses no other"),
    (lambda b, s, c, t: _by_class(b, s, c, t, np.greater_equal),
     "a box whose IoU only equals the threshold stays"),
    (lambda b, s, c, t: _by_class(b, s, c, t, sign=1), "it begins with the *lowest* score"),
    (lambda b, s, c, t: np.argsort(-s), "nothing goes: what does a kept box do to the others?"),
    (_best_of_each, "a class may have several things: more than its best box stays"),
    (lambda b, s, c, t: b[_by_class(b, s, c, t)], "those are the boxes; their indices are wanted"),
    (lambda b, s, c, t: s[_by_class(b, s, c, t)], "those are the scores; the indices are wanted"),
    (_places_within, WITHIN),
    (_places_class_by_class, WITHIN),
    (lambda b, s, c, t: np.argsort(np.argsort(-s))[_by_class(b, s, c, t)],
     "those are places in the sorted list; the places in `boxes` are wanted"),
)  # fmt: skip


def _show_kept(answer):
    """A bird before an animal, four times, with the boxes that the student's function keeps."""
    rows = []
    for one in crowded_pictures(4):
        kept = np.asarray(answer(one["boxes"], one["scores"], one["labels"], 0.45), int)
        texts = [("animal", "bird")[label] for label in one["labels"][kept]]
        rows.append(("", one["image"], one["boxes"][kept], texts))
    show_boxes(rows, width=9, alt="A bird before another animal, with the boxes that you keep")


def _hint_mask(got, wanted, arguments):
    if got.dtype == bool:
        return "that is a mask; indices are wanted"


EXERCISES = {
    "test_mirror": test_exercise(
        [_mirror, _mirror_slice, _mirror_centres],
        MIRROR_WRONG,
        "boxes left behind, exchanged edges, a pixel off, height for width, upside down",
        level=2,
        minutes=10,
        steps=(
            "Take a small picture that is *not* square, whose pixels all differ, and two boxes "
            "in it that are not in the middle.",
            "On paper, where has each of the four numbers of a box to be afterwards? Assert the "
            "picture and all boxes, with `np.array_equal` and `np.allclose`.",
        ),
    ),
    "mirror_with_boxes": Exercise(
        reference=lambda image, boxes: _flat(*_mirror(image, boxes)),
        cases=_mirror_cases,
        verified="square, wide and high pictures, none to 5 boxes",
        hints=[_hint_mirror],
        measure=_flat_pair,
        look=_show_mirrored,
        level=1,
        minutes=5,
        steps=(
            "Where does the edge x = 0 go in a mirrored picture of width W? And the edge x = W?",
            "The left edge of a box becomes its right edge. Write the new x1 and x2 from W, the "
            "old x1 and the old x2.",
        ),
    ),
    "test_best_ious": test_exercise(
        [_best(), _best_by_table, _best_by_loop],
        BEST_WRONG,
        "the formats exchanged, a centre for a corner, one box or a mean for the best",
        level=2,
        minutes=10,
        steps=(
            "Let one found box be exactly right: which number has to come out, whatever the "
            "format? Where is a box that reads the same in both formats? Not there.",
            "Take two things and three found boxes, of which two lie near one thing, the better "
            "one not first, and work the best IoU of each thing out on paper.",
        ),
    ),
    "best_ious_of_coco": Exercise(
        reference=_best_by_loop,
        cases=_best_cases,
        verified="1 to 12 boxes, 1 to 6 things, found well, badly and not at all",
        hints=[_hint_best],
        level=2,
        minutes=10,
        steps=(
            "Write both boxes of one pair down in the same format, on paper. Which one has to "
            "change, and which two of its numbers?",
            "`convert_boxes` of 4.2 knows the format xywh; then `box_iou`, or your `iou_table`, "
            "gives all pairs. Along which axis lie the found boxes?",
        ),
    ),
    "test_kept_boxes": test_exercise(
        [batched_nms, _by_class, _sorted_classes, _far_apart],
        KEPT_WRONG,
        "classes that meet, nothing removed, one box a class, another order, chains",
        level=3,
        minutes=15,
        steps=(
            "Two boxes that overlap much, of two classes: both have to stay. Two boxes that "
            "overlap much, of one class: one has to go. Both belong into the test.",
            "Then three boxes of one class in a row, where the first overlaps the second and the "
            "second the third, and two that lie apart. Let the scores of the classes alternate, "
            "and assert the list of indices.",
        ),
    ),
    "keep_by_class": Exercise(
        reference=_by_class,
        cases=_kept_cases,
        verified="1 to 10 classes, chains, scores below 0, no box at all",
        hints=[_hint_kept, _hint_mask],
        whole=INDICES,
        look=_show_kept,
        level=2,
        minutes=10,
        steps=(
            "A box removes another one if two things hold: they overlap, and what else?",
            "Either run NMS on the boxes of one class after the other, and sort what stays by its "
            "score; or change the one line of the loop that says which boxes remain.",
        ),
    ),
}
