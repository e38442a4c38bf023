"""Instances and stuff on one map: by hand, pixel by pixel, against the scenes' truth, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from course_utils.segmentation.panoptic import merge_panoptic, panoptic_quality
from course_utils.synthetic_scenes import DIGIT_THINGS, digit_scenes


def found(masks, scores, labels):
    return {"masks": masks, "scores": scores, "labels": labels}


def row(*pixels, width=8):
    """A mask of one row."""
    mask = np.zeros((1, width), bool)
    mask[0, list(pixels)] = True
    return mask


def wide(*pixels):
    """The same in pixels 64 times as wide: large enough for a stuff segment."""
    return np.repeat(row(*pixels), 64, axis=1)


def test_a_row_by_hand():
    # classes 0 and 1 are things, 2 and 3 stuff
    semantic = np.repeat([[2, 2, 0, 0, 2, 3, 2, 2]], 64, axis=1)
    masks = np.array([wide(1, 2, 3), wide(3, 4, 5), wide(7)])
    ids = merge_panoptic(semantic, found(masks, [0.6, 0.9, 0.49], [0, 1, 0]), 2)
    # the better one takes 3, the other keeps 2 of its 3; 5 is no stuff any more; the last is unsure
    assert ids[0, ::64].tolist() == [2000, 2, 2, 1001, 1001, 1001, 2000, 2000]
    assert ids.dtype == np.int64 and (ids == np.repeat(ids[:, ::64], 64, axis=1)).all()


def test_a_thing_that_is_mostly_covered_is_dropped():
    masks = np.array([wide(0, 1, 2, 3), wide(2, 3, 4), wide(4, 5), wide(5, 6, 7)])
    of = found(masks, [0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0])
    # a third of the second is free: it is dropped, and takes nothing from the third
    ids = merge_panoptic(np.full((1, 512), 1), of, 1)
    assert ids[0, ::64].tolist() == [1, 1, 1, 1, 2, 2, 3, 3]
    sure = merge_panoptic(np.full((1, 512), 1), of, 1, threshold=0.75)
    assert sure[0, ::64].tolist() == [1, 1, 1, 1, 1000, 1000, 1000, 1000]


def test_half_of_a_mask_is_enough():
    masks = np.array([row(0, 1), row(1, 2), row(2, 3, 4)])
    ids = merge_panoptic(np.full((1, 8), 1), found(masks, [0.9, 0.8, 0.7], [0, 0, 0]), 1)
    assert ids.tolist() == [[1, 1, 2, 3, 3, -1, -1, -1]]


def test_of_equal_scores_the_first_wins():
    masks = np.array([wide(0, 1), wide(0, 1)])
    for labels in ([0, 3], [3, 0]):
        ids = merge_panoptic(np.full((1, 512), 5), found(masks, [0.8, 0.8], labels), 5)
        assert ids[0, ::64].tolist() == [1000 * labels[0] + 1] * 2 + [5000] * 6


def test_the_rest_that_is_called_a_thing_or_is_small_is_in_no_segment():
    semantic = np.repeat([[0, 2, 1, 3, 4, 3]], [32, 64, 32, 60, 63, 4], axis=1)
    ids = merge_panoptic(semantic, found([], [], []), 2)
    # an area need not hang together: 60 + 4 pixels of class 3, but only 63 of class 4
    assert ids.tolist() == [np.where(np.isin(semantic, (2, 3)), 1000 * semantic, -1)[0].tolist()]


def test_empty_masks_take_no_number():
    masks = np.array([np.zeros((1, 8), bool), row(1)])
    ids = merge_panoptic(np.full((1, 8), 1), found(masks, [0.9, 0.8], [0, 0]), 1)
    assert np.unique(ids).tolist() == [-1, 1]


def slow(semantic, masks, scores, labels, things, threshold):
    """The same rule, pixel by pixel."""
    height, width = semantic.shape
    ids = {}
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    number = 0
    for i in [i for i in order if scores[i] >= threshold]:
        mask = [(y, x) for y in range(height) for x in range(width) if masks[i][y][x]]
        free = [place for place in mask if place not in ids]
        if free and len(free) >= len(mask) / 2:
            number += 1
            ids.update(dict.fromkeys(free, 1000 * int(labels[i]) + number))
    rest = [(y, x) for y in range(height) for x in range(width) if (y, x) not in ids]
    counts = {}
    for place in rest:
        counts[semantic[place]] = counts.get(semantic[place], 0) + 1
    for place in rest:
        stuff = semantic[place] >= things and counts[semantic[place]] >= 64
        ids[place] = 1000 * int(semantic[place]) if stuff else -1
    return [[ids[y, x] for x in range(width)] for y in range(height)]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_rule_pixel_by_pixel(seed):
    draw = np.random.default_rng(seed)
    height, width = draw.integers(7, 15, 2)
    count = draw.integers(0, 6)
    semantic = np.sort(draw.integers(0, 5, (height, width)), axis=None).reshape(height, width)
    masks = draw.random((count, height, width)) < draw.random()
    scores, labels = draw.integers(0, 5, count) / 4, draw.integers(0, 3, count)  # ties
    wanted = slow(semantic, masks, scores, labels, 3, 0.5)
    before = semantic.copy(), masks.copy()
    ids = merge_panoptic(semantic, found(masks, scores, labels), 3, 0.5)
    assert ids.tolist() == wanted
    assert (semantic == before[0]).all() and (masks == before[1]).all()
    order = draw.permutation(count)
    if len(set(scores.tolist())) == count:  # without ties the order of the list is nothing
        mixed = found(masks[order], scores[order], labels[order])
        assert merge_panoptic(semantic, mixed, 3, 0.5).tolist() == wanted


def test_the_truth_of_a_scene_comes_back():
    for scene in digit_scenes(20, seed=6):
        count = len(scene.labels)
        of = found(scene.masks, 1 - 0.01 * np.arange(count), scene.labels)
        ids = merge_panoptic(scene.semantic, of, DIGIT_THINGS)
        np.testing.assert_array_equal(ids, scene.panoptic)
        assert panoptic_quality(scene.panoptic, ids)["pq"] == 1


def test_tensors_do_too():
    import torch

    scene = digit_scenes(1)[0]
    of = found(torch.tensor(scene.masks), torch.linspace(0.9, 0.6, len(scene.labels)),
               torch.tensor(scene.labels))  # fmt: skip
    ids = merge_panoptic(torch.tensor(scene.semantic), of, DIGIT_THINGS)
    np.testing.assert_array_equal(ids, scene.panoptic)


# bad input

SEMANTIC, ONE = np.full((2, 3), 4), found(np.ones((1, 2, 3), bool), [0.9], [0])
BAD = {
    "floats": (lambda: merge_panoptic(np.zeros((2, 3)), ONE, 2), "semantic", "float64", ".astype"),
    "two pictures": (lambda: merge_panoptic(SEMANTIC[None], ONE, 2), "semantic", "(1, 2, 3)"),
    "no pixels": (lambda: merge_panoptic(SEMANTIC[:0], ONE, 2), "semantic", "(0, 3)"),
    "a list": (lambda: merge_panoptic(SEMANTIC, [ONE], 2), "found", '"masks"', "a list"),
    "no masks": (lambda: merge_panoptic(SEMANTIC, {"scores": [], "labels": []}, 2), "found",
                 '"masks"', "only ['scores', 'labels']"),
    "soft masks": (lambda: merge_panoptic(SEMANTIC, ONE | {"masks": np.full((1, 2, 3), 0.5)}, 2),
                   'found["masks"]', "> 0.5"),
    "other size": (lambda: merge_panoptic(SEMANTIC.T, ONE, 2), "(3, 2)", "(2, 3)"),
    "scores": (lambda: merge_panoptic(SEMANTIC, ONE | {"scores": [0.9, 0.8]}, 2), "1 boxes and 2"),
    "NaN": (lambda: merge_panoptic(SEMANTIC, ONE | {"scores": [np.nan]}, 2), '"scores"', "nan"),
    "stuff": (lambda: merge_panoptic(SEMANTIC, ONE | {"labels": [2]}, 2), '"labels"', "0 … 1",
              "found 2"),
    "a crowd": (lambda: merge_panoptic(np.full((25, 40), 1), found(
                    np.eye(1000, dtype=bool).reshape(1000, 25, 40), np.ones(1000), [0] * 1000), 1),
                "found", "1000", "raise threshold"),
    "things": (lambda: merge_panoptic(SEMANTIC, ONE, 1.5), "things", "got 1.5"),
    "threshold": (lambda: merge_panoptic(SEMANTIC, ONE, 2, 5), "threshold", "0 … 1", "got 5"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
