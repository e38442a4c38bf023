"""The bounds and ties of detection's metrics, and the argument that each of their errors names."""

import numpy as np
import pytest
from refusals import refused

from course_utils.detection import metrics
from course_utils.detection.metrics import average_precision, match_detections, precision_recall

MASK = np.ones((1, 2, 2), bool)
ONE = {"boxes": [[0, 0, 1, 1]], "labels": [1]}
FOUND = {**ONE, "scores": [0.5]}


def table(*thresholds, **more):
    return metrics.class_average_precision([FOUND], [ONE], *thresholds, **more)


NAMED = {  # how the error begins and ends
    "first masks": (lambda: metrics.mask_iou(MASK * 0.5, MASK), "a must be bool", "use a > 0.5"),
    "second masks": (lambda: metrics.mask_iou(MASK, MASK * 0.5), "b must be bool", "use b > 0.5"),
    "sizes": (lambda: metrics.mask_iou(MASK, np.ones((1, 2, 3), bool)), "masks must be of one size",
              "got (2, 2) and (2, 3)"),
    "ious": (lambda: match_detections("a", [1]), "ious must hold numbers", "a str"),
    "ious, a row": (lambda: match_detections([0.5], [1]), "ious must be (N, M), got (1,)",
                    "use box_iou(boxes, truth)"),
    "ious, high": (lambda: match_detections([[1.5]], [1]), "ious must be 0 … 1", "(boxes, truth)"),
    "ious, low": (lambda: match_detections([[-0.5]], [1]), "ious must be 0 … 1", "(boxes, truth)"),
    "scores": (lambda: match_detections([[0.5]], [np.nan]), "scores must be finite", "at 0"),
    "threshold": (lambda: match_detections([[0.5]], [1], 2), "threshold must be a number", "got 2"),
    "correct": (lambda: precision_recall([1], "a", 1), "correct must hold numbers", "a str"),
    "correct, rows": (lambda: precision_recall([1], [[True]], 1), "correct must be (N,) bool, got",
                      "got (1, 1) bool"),
    "correct, floats": (lambda: precision_recall([1], np.zeros(1), 1), "correct must be (N,) bool",
                        "float64; use correct >= 0"),
    "truths": (lambda: precision_recall([1], [True], 1.5), "truths must be a whole number", "1.5"),
    "no truths": (lambda: precision_recall([1], [False], 0), "truths must be a whole number from 1",
                  "got 0"),
    "scores of a curve": (lambda: precision_recall([np.nan], [True], 1), "scores must", "at 0"),
    "precision": (lambda: average_precision("a", [1]), "precision must hold numbers", "a str"),
    "recall": (lambda: average_precision([1], "a"), "recall must hold numbers", "a str"),
    "precision, low": (lambda: average_precision([-0.5], [1]), "precision must be 0 … 1",
                       "use precision_recall"),
    "precision, high": (lambda: average_precision([1.5], [1]), "precision must be 0 … 1",
                        "use precision_recall"),
    "recall, low": (lambda: average_precision([1], [-0.5]), "recall must be 0 … 1",
                    "use precision_recall"),
    "both, rows": (lambda: average_precision([[1]], [[1]]), "precision and recall must be (N,)",
                   "got (1, 1) and (1, 1)"),
    "points": (lambda: average_precision([1], [1], 1.5), "points must be a whole number", "1.5"),
    "kind": (lambda: table(kind="mask"), "kind must be one of boxes, masks", "mean 'masks'?"),
    "no threshold": (lambda: table(()), "thresholds must be a list", "(0.5,), got ()"),
    "rows of thresholds": (lambda: table([[0.5]]), "thresholds must be a list", "got [[0.5]]"),
    "one of the thresholds": (lambda: table((0.5, 2)), "threshold must be a number", "got 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_an_error_names_its_argument(name):
    call, begins, ends = NAMED[name]
    message = refused(call)
    assert message.startswith(begins) and message.rstrip("?").endswith(ends.rstrip("?"))


def test_masks_of_one_pixel_and_empty_ones():
    pixel = np.array([[[True]], [[False]]])
    with np.errstate(all="raise"):
        assert metrics.mask_iou(pixel, pixel).tolist() == [[1, 0], [0, 0]]
        for _ in range(3):
            np.full((4, 4), 7.0)  # what memory may hold
            assert not metrics.mask_iou(np.zeros((4, 2, 2), bool), np.zeros((4, 2, 2), bool)).any()


@pytest.mark.parametrize("seed", range(5))
def test_of_many_equal_scores_the_first_comes_first(seed):
    rng = np.random.default_rng(seed)
    scores, correct = rng.integers(0, 3, 300) / 2, rng.random(300) < 0.5
    found = match_detections(np.ones((300, 1)), scores)
    assert np.flatnonzero(found >= 0).tolist() == [scores.argmax()]
    order = sorted(range(300), key=lambda place: -scores[place])  # stable
    precision, recall = precision_recall(scores, correct, 300)
    assert np.allclose(recall * 300, np.cumsum(correct[order]))
    assert np.allclose(precision, recall * 300 / np.arange(1, 301))


def test_of_more_than_100_equal_detections_of_a_picture_the_first_100_count():
    boxes = np.tile([[20.0, 20, 30, 30]], (300, 1))
    scores = np.resize([0.5, 1.0], 300)
    target = {"boxes": [[0, 0, 9, 9]], "labels": [1]}
    last = {"boxes": boxes, "labels": np.ones(300, int), "scores": scores}
    for place, wanted in ((1, 1), (199, 1 / 100), (201, 0), (0, 0)):
        moved = boxes.copy()
        moved[place] = target["boxes"][0]
        (ap,) = metrics.class_average_precision([{**last, "boxes": moved}], [target])[1]
        assert ap == pytest.approx(wanted)


def test_the_bounds_of_ious_and_thresholds():
    assert match_detections([[1 + 1e-6]], [1]).tolist() == [0]  # rounding
    assert match_detections([[1 - 1e-11]], [1], 1.0).tolist() == [0]
    assert match_detections([[1 - 1e-9]], [1], 1.0).tolist() == [-1]
    assert match_detections([[0.5], [0.49]], [1, 2]).tolist() == [0, -1]  # 0.5, if none is given
    assert table()[1].tolist() == [1] and metrics.mean_average_precision([FOUND], [ONE]) == 1


def test_the_fewest_points_of_a_curve_are_its_two_ends():
    assert average_precision([1], [0.5], 2) == 0.5 and average_precision([0.75], [1], 2) == 0.75
