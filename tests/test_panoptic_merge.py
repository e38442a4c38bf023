"""Instances and stuff on one map: by hand, pixel by pixel, against the scenes' truth, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.errors import ArgumentError
from course_utils.scenes import DIGIT_THINGS, digit_scenes
from course_utils.segmentation.panoptic import merge_panoptic, panoptic_quality


def found(masks, scores, labels):
    return {"masks": masks, "scores": scores, "labels": labels}


def row(*pixels, width=8):
    """A mask of one row."""
    mask = np.zeros((1, width), bool)
    mask[0, list(pixels)] = True
    return mask


def test_a_row_by_hand():
    # classes 0 and 1 are things, 2 and 3 stuff
    semantic = np.array([[2, 2, 0, 0, 2, 3, 2, 2]])
    masks = np.array([row(1, 2, 3), row(3, 4, 5), row(7)])
    ids = merge_panoptic(semantic, found(masks, [0.6, 0.9, 0.49], [0, 1, 0]), 2, least=2)
    # the better one takes 3, the other keeps 2 of its 3; 5 is no stuff any more; the last is unsure
    assert ids.tolist() == [[2000, 2, 2, 1001, 1001, 1001, 2000, 2000]]
    assert ids.dtype == np.int64


def test_a_thing_that_is_mostly_covered_goes():
    semantic = np.full((1, 8), 1)
    masks = np.array([row(0, 1, 2, 3), row(2, 3, 4), row(4, 5)])
    of = found(masks, [0.9, 0.8, 0.7], [0, 0, 0])
    # a third of the second is free: it goes, and takes nothing from the third
    assert merge_panoptic(semantic, of, 1, least=0).tolist() == [[1] * 4 + [2, 2] + [1000] * 2]
    ids = merge_panoptic(semantic, of, 1, visible=1 / 3, least=0)
    assert ids.tolist() == [[1, 1, 1, 1, 2, 3, 1000, 1000]]  # half of the third is left: enough
    ids = merge_panoptic(semantic, of, 1, visible=0.4, threshold=0.75)
    assert ids.tolist() == [[1, 1, 1, 1, -1, -1, -1, -1]]


def test_of_equal_scores_the_first_wins():
    semantic = np.full((1, 4), 5)
    masks = np.array([row(0, 1, width=4), row(0, 1, width=4)])
    for labels in ([0, 3], [3, 0]):
        ids = merge_panoptic(semantic, found(masks, [0.8, 0.8], labels), 5, least=0)
        assert ids.tolist() == [[1000 * labels[0] + 1] * 2 + [5000] * 2]


def test_the_rest_that_is_called_a_thing_or_is_small_is_nobodys():
    semantic = np.array([[0, 0, 2, 2, 2, 1, 3, 3]])
    nothing = found([], [], [])
    assert merge_panoptic(semantic, nothing, 2, least=3).tolist() == [
        [-1, -1] + [2000] * 3 + [-1] * 3
    ]
    assert merge_panoptic(semantic, nothing, 2, least=4).tolist() == [[-1] * 8]
    assert merge_panoptic(semantic, nothing, 0, least=1).tolist() == (1000 * semantic).tolist()
    # an area need not hang together: 2 + 1 pixels
    apart = np.array([[2, 3, 2, 2]])
    assert merge_panoptic(apart, nothing, 2, least=3).tolist() == [[2000, -1, 2000, 2000]]


def test_empty_masks_take_no_number():
    masks = np.array([np.zeros((1, 8), bool), row(1)])
    ids = merge_panoptic(np.full((1, 8), 1), found(masks, [0.9, 0.8], [0, 0]), 1, visible=0)
    assert np.unique(ids).tolist() == [-1, 1]


def slow(semantic, masks, scores, labels, things, threshold, visible, least):
    """The same rule, pixel by pixel."""
    height, width = semantic.shape
    ids = {}
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    number = 0
    for i in [i for i in order if scores[i] >= threshold]:
        mine = [(y, x) for y in range(height) for x in range(width) if masks[i][y][x]]
        free = [place for place in mine if place not in ids]
        if free and len(free) >= visible * len(mine):
            number += 1
            ids.update(dict.fromkeys(free, 1000 * int(labels[i]) + number))
    rest = [(y, x) for y in range(height) for x in range(width) if (y, x) not in ids]
    counts = {}
    for place in rest:
        counts[semantic[place]] = counts.get(semantic[place], 0) + 1
    for place in rest:
        stuff = semantic[place] >= things and counts[semantic[place]] >= least
        ids[place] = 1000 * int(semantic[place]) if stuff else -1
    return [[ids[y, x] for x in range(width)] for y in range(height)]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 0.25, 0.5, 1]), st.integers(0, 6))
def test_the_rule_pixel_by_pixel(seed, visible, least):
    draw = np.random.default_rng(seed)
    height, width, count = draw.integers(1, 7, 3)
    semantic = draw.integers(0, 5, (height, width))
    masks = draw.random((count - 1, height, width)) < draw.random()
    scores, labels = draw.integers(0, 5, count - 1) / 4, draw.integers(0, 3, count - 1)  # ties
    wanted = slow(semantic, masks, scores, labels, 3, 0.5, visible, least)
    before = semantic.copy(), masks.copy()
    ids = merge_panoptic(semantic, found(masks, scores, labels), 3, 0.5, visible, least)
    assert ids.tolist() == wanted
    assert (semantic == before[0]).all() and (masks == before[1]).all()
    order = draw.permutation(count - 1)
    if len(set(scores.tolist())) == count - 1:  # without ties the order of the list is nothing
        mixed = found(masks[order], scores[order], labels[order])
        assert merge_panoptic(semantic, mixed, 3, 0.5, visible, least).tolist() == wanted


def test_the_truth_of_a_scene_comes_back():
    for scene in digit_scenes(20, seed=6):
        count = len(scene.labels)
        of = found(scene.masks, 1 - 0.01 * np.arange(count), scene.labels)
        ids = merge_panoptic(scene.semantic, of, DIGIT_THINGS, least=0)
        np.testing.assert_array_equal(ids, scene.panoptic)
        assert panoptic_quality(scene.panoptic, ids)["pq"] == 1


def test_tensors_do_too():
    import torch

    scene = digit_scenes(1)[0]
    of = found(torch.tensor(scene.masks), torch.linspace(0.9, 0.6, len(scene.labels)),
               torch.tensor(scene.labels))  # fmt: skip
    ids = merge_panoptic(torch.tensor(scene.semantic), of, DIGIT_THINGS, least=0)
    np.testing.assert_array_equal(ids, scene.panoptic)


# bad input

SEMANTIC, ONE = np.full((2, 3), 4), found(np.ones((1, 2, 3), bool), [0.9], [0])
BAD = {
    "scores for classes": (lambda: merge_panoptic(np.zeros((2, 3)), ONE, 2),
                           "semantic must be whole numbers, got float64"),
    "two pictures": (lambda: merge_panoptic(SEMANTIC[None], ONE, 2),
                     r"semantic must be \(H, W\), got \(1, 2, 3\)"),
    "no pixels": (lambda: merge_panoptic(SEMANTIC[:0], ONE, 2), r"semantic must .* got \(0, 3\)"),
    "a list": (lambda: merge_panoptic(SEMANTIC, [ONE], 2), 'found must be a dict with "masks"'),
    "no masks": (lambda: merge_panoptic(SEMANTIC, {"scores": [], "labels": []}, 2),
                 r'found must be a dict with "masks", got only \[\'scores\', \'labels\'\]'),
    "soft masks": (lambda: merge_panoptic(SEMANTIC, ONE | {"masks": np.full((1, 2, 3), 0.5)}, 2),
                   r'found\["masks"\] must be bool'),
    "other size": (lambda: merge_panoptic(SEMANTIC.T, ONE, 2),
                   r"as large as semantic, \(3, 2\), got \(2, 3\)"),
    "scores": (lambda: merge_panoptic(SEMANTIC, ONE | {"scores": [0.9, 0.8]}, 2),
               "there are 1 boxes and 2"),
    "NaN": (lambda: merge_panoptic(SEMANTIC, ONE | {"scores": [np.nan]}, 2), "must be finite"),
    "stuff": (lambda: merge_panoptic(SEMANTIC, ONE | {"labels": [2]}, 2),
              r'found\["labels"\] must be things, 0 … 1, found 2'),
    "a crowd": (lambda: merge_panoptic(np.full((25, 40), 1), found(
                    np.eye(1000, dtype=bool).reshape(1000, 25, 40), np.ones(1000), [0] * 1000), 1),
                "found must hold fewer than 1000 instances"),
    "things": (lambda: merge_panoptic(SEMANTIC, ONE, 1.5), "things must be a whole number from 0"),
    "threshold": (lambda: merge_panoptic(SEMANTIC, ONE, 2, 5), "threshold must be a number 0 … 1"),
    "visible": (lambda: merge_panoptic(SEMANTIC, ONE, 2, visible=64), "visible must be a number"),
    "least": (lambda: merge_panoptic(SEMANTIC, ONE, 2, least=-1), "least must be a whole number"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, message = BAD[name]
    with pytest.raises(ArgumentError, match=message):
        call()
