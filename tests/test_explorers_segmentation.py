"""The explorers of regions: regions, borders and shares of pixels, counted one by one."""

import itertools

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from skimage.measure import regionprops
from skimage.segmentation import felzenszwalb

from course_utils.errors import ArgumentError
from course_utils.explorers import outlines, segmentation
from course_utils.synthetic_scenes import DIGIT_CLASSES, digit_scenes
from explorer_faces import check_legible

SCENE = digit_scenes(1, seed=3)[0]
IMAGE, SEMANTIC, MASKS = SCENE.image, SCENE.semantic, SCENE.masks
LEVELS = [felzenszwalb(IMAGE, scale, sigma=0.5, min_size=8) for scale in (10, 60, 400)]
SMALL = [  # three levels of 4 × 3 pixels by hand
    np.array([[7, 7, 2, 2], [7, 7, 2, 2], [5, 5, 5, 9]]),
    np.array([[7, 7, 2, 2], [7, 7, 2, 2], [2, 2, 2, 2]]),
    np.zeros((3, 4), int),
]
GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)
MAKERS = {
    "merge": lambda: segmentation.merge_explorer(IMAGE, LEVELS),
    "overlay": lambda: segmentation.overlay_explorer(IMAGE, SEMANTIC, DIGIT_CLASSES, MASKS),
}


def segments(path):
    """The pieces of a path, as a set of unit steps between the corners of pixels."""
    steps = set()
    for piece in np.asarray(path).T.reshape(-1, 3, 2):
        (x1, y1), (x2, y2), gap = piece + 0.5
        assert np.isnan(gap).all() and (x1 == x2) != (y1 == y2)
        for i in range(int(max(x2 - x1, y2 - y1))):
            start = (x1 + i, y1, x1 + i + 1, y1) if y1 == y2 else (x1, y1 + i, x1, y1 + i + 1)
            assert start not in steps
            steps.add(start)
    return steps


def borders_by_hand(labels):
    """Unit steps between two neighbours with different labels."""
    height, width = labels.shape
    steps = set()
    for y, x in itertools.product(range(height), range(width)):
        if x + 1 < width and labels[y, x] != labels[y, x + 1]:
            steps.add((x + 1, y, x + 1, y + 1))
        if y + 1 < height and labels[y, x] != labels[y + 1, x]:
            steps.add((x, y + 1, x + 1, y + 1))
    return steps


@pytest.mark.parametrize("shape", [(400, 200, 3), (120, 400, 3), (64, 64)])
def test_sixteen_classes_with_long_names_find_room(shape):
    semantic = np.arange(shape[0] * shape[1]).reshape(shape[:2]) % 16
    names = [f"wardrobe {k} of mine $" for k in range(16)]
    explorer = segmentation.overlay_explorer(np.full(shape, 99, np.uint8), semantic, names)
    check_legible(explorer)
    assert explorer.artists["entries"][3].get_text() == "wardrobe 3 …: 6 %"
    assert "of mine $: 6 %, " in explorer.readout.text
    assert explorer.picture.mime == ("image/png" if shape == (64, 64) else "image/jpeg")


def test_levels_by_hand():
    explorer = segmentation.merge_explorer(GRAY, SMALL)
    wanted = [
        "level 0 of 0 … 2: 4 regions, the largest has 4 of 12 pixels; "
        "different boxes up to here: 4 of 5",
        "level 1 of 0 … 2: 2 regions, the largest has 8 of 12 pixels; "
        "different boxes up to here: 5 of 5",  # the box of the L is the whole picture
        "level 2 of 0 … 2: 1 region, the largest has 12 of 12 pixels; "
        "different boxes up to here: 5 of 5",
    ]
    for level, text in enumerate(wanted):
        explorer.set(level=level)
        assert explorer.readout.text == text
    explorer.set(level=0)
    means = explorer.artists["means"].get_array()[..., 0]
    np.testing.assert_array_equal(means, [[2, 2, 4, 4], [2, 2, 4, 4], [9, 9, 9, 11]])  # 2.5 → 2
    boxes = explorer.artists["boxes"][1].get_xydata().reshape(-1, 6, 2)[:, :5] + 0.5
    corners = np.hstack([boxes.min(axis=1), boxes.max(axis=1)]).tolist()
    assert sorted(corners) == [[0, 0, 2, 2], [0, 2, 3, 3], [2, 0, 4, 2], [3, 2, 4, 3]]
    explorer.set(boxes=False)
    assert explorer.artists["boxes"][1].get_xydata().size == 0
    assert explorer.artists["title of means"].get_text() == "their mean colours"


@pytest.mark.parametrize("level", range(3))
def test_regions_are_scikit_images(level):
    explorer = MAKERS["merge"]()
    explorer.set(level=level)
    regions = regionprops(LEVELS[level] + 1, IMAGE)
    largest = int(max(region.area for region in regions))
    start = f"level {level} of 0 … 2: {len(regions)} regions, the largest has {largest:,} of 4,096 "
    assert explorer.readout.text.startswith(start)
    assert segments(explorer.artists["borders"][1].get_xydata().T) == borders_by_hand(LEVELS[level])
    wanted = [[x1, y1, x2, y2] for y1, x1, y2, x2 in (region.bbox for region in regions)]
    numbered = np.unique(LEVELS[level], return_inverse=True)[1].reshape(64, 64)
    np.testing.assert_array_equal(segmentation.region_boxes(numbered), wanted)
    means = explorer.artists["means"].get_array()
    for region in regions[::5]:
        y, x = region.coords[0]
        np.testing.assert_allclose(means[y, x], region.intensity_mean, atol=0.51)


def test_levels_may_have_any_numbers_and_be_tensors():
    maps = [torch.tensor(LEVELS[0]) * 1000 - 5, torch.tensor(LEVELS[2])]
    explorer = segmentation.merge_explorer(IMAGE, maps)
    assert f"{LEVELS[0].max() + 1} regions" in explorer.readout.text


@pytest.mark.parametrize("labels", [SMALL[0], SMALL[2], LEVELS[1], np.arange(12).reshape(3, 4)])
def test_borders_run_between_different_neighbours(labels):
    assert segments(outlines.border_path(labels)) == borders_by_hand(labels)


def test_outlines_of_masks_are_closed():
    masks = np.zeros((2, 3, 4), bool)
    masks[0, :2, :2] = masks[1, 2, 3] = True
    wanted = [borders_by_hand(np.pad(mask, 1)) for mask in masks]
    shifted = {tuple(side - 1 for side in step) for steps in wanted for step in steps}
    assert segments(outlines.mask_path(masks)) == shifted and len(shifted) == 8 + 4
    assert outlines.mask_path(masks[:0]).shape == (2, 0)


def overlay_by_hand():
    semantic = np.array([[0, 0, 0, 2], [0, 0, 2, 2], [0, 0, 2, 1]])
    masks = (semantic == np.array([1, 2])[:, None, None]).astype(np.uint8)
    return segmentation.overlay_explorer(GRAY, semantic, ["sky", "car", "road", "man"], masks)


def test_shares_by_hand():
    explorer = overlay_by_hand()
    assert list(explorer.controls) == ["opacity", "show_0", "show_1", "show_2", "outlined"]
    labels = [control.description for control in explorer.controls.values()]
    assert labels == ["opacity, %", "sky", "car", "road", "outlines"]
    assert explorer.readout.text == (
        "opacity 60 %, shown: sky: 58 %, car: 8 %, road: 33 %; together 100 % of 12 pixels, "
        "2 masks outlined"
    )
    explorer.set(show_0=False, outlined=False, opacity=100)
    assert explorer.readout.text == (
        "opacity 100 %, shown: car: 8 %, road: 33 %; together 42 % of 12 pixels"
    )
    explorer.set(show_1=False, show_2=False)
    assert explorer.readout.text == "opacity 100 %, shown: no class"


def test_colours_are_mixed_where_a_class_is_shown():
    explorer = overlay_by_hand()
    explorer.set(opacity=25, show_0=False)
    view = explorer.artists["picture"].get_array()
    assert view[0, 0].tolist() == [0, 0, 0] and view[2, 1].tolist() == [9, 9, 9]
    colour = 0.75 * 3 + 0.25 * segmentation.PALETTE[2]
    np.testing.assert_allclose(view[0, 3], colour, atol=0.5)
    assert explorer.artists["title"].get_text() == "classes at 25 %"
    plates = explorer.artists["plates"]
    assert [plate.get_facecolor() == (1, 1, 1, 1) for plate in plates] == [True, False, False]
    np.testing.assert_allclose(plates[2].get_facecolor()[:3], segmentation.PALETTE[2] / 255)
    explorer.set(opacity=0)
    np.testing.assert_array_equal(explorer.artists["picture"].get_array()[..., 0], GRAY)


def test_the_overlay_of_a_scene():
    explorer = MAKERS["overlay"]()
    present, counts = np.unique(SEMANTIC, return_counts=True)
    listed = ", ".join(f"{DIGIT_CLASSES[k]}: {count / 4096:.0%}".replace("%", " %")
                       for k, count in zip(present, counts, strict=True))  # fmt: skip
    assert explorer.readout.text == (
        f"opacity 60 %, shown: {listed}; together 100 % of 4,096 pixels, 1 mask outlined"
    )
    assert len(segments(explorer.artists["outlines"][1].get_xydata().T)) > 100
    explorer.set(outlined=False)
    assert explorer.artists["outlines"][1].get_xydata().size == 0


def test_a_class_of_few_pixels_is_said_to_be_there():
    semantic = np.zeros((40, 40), int)
    semantic[5, 5] = 3
    image, masks = np.zeros((40, 40), np.uint8), torch.zeros(0, 40, 40).bool()
    explorer = segmentation.overlay_explorer(image, semantic, list("abcd"), masks)
    assert "a: 100 %, d: <1 %; together 100 % of 1,600 pixels" in explorer.readout.text
    assert "outlined" not in explorer.controls


def test_colours_of_ones_own():
    colours = np.random.default_rng(0).integers(0, 256, (30, 3)).astype(np.uint8)
    semantic = SEMANTIC.astype(int) + 17
    names = [str(k) for k in range(30)]
    explorer = segmentation.overlay_explorer(IMAGE, semantic, names, colours=colours)
    explorer.set(opacity=100)
    view = explorer.artists["picture"].get_array()
    np.testing.assert_array_equal(view, colours[semantic])


VISIONS = {  # Machado, Oliveira, Fernandes 2009: full protanopia, deuteranopia, tritanopia
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                 [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("cones", VISIONS)
def test_no_two_colours_are_alike_to_the_colour_blind(cones):
    values = segmentation.PALETTE / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.transpose(VISIONS[cones]), 0, 1)
    seen = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    lab = rgb2lab(seen[None])[0]
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)]
    assert min(distances) > 15  # 2.3 can just be told apart


def overlay(semantic=SEMANTIC, names=DIGIT_CLASSES, image=IMAGE, **options):
    return segmentation.overlay_explorer(image, semantic, names, **options)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: segmentation.merge_explorer(IMAGE, LEVELS[:1]), "maps must be a list of two .*1$"),
        (lambda: segmentation.merge_explorer(IMAGE, 3), "maps must be a list of two .* got int"),
        (lambda: segmentation.merge_explorer(IMAGE, SMALL), r"maps\[0\] must be \(64, 64\) like "),
        (lambda: segmentation.merge_explorer(IMAGE, [*LEVELS, LEVELS[0] / 2]),
         r"maps\[3\] must be whole numbers, got float64; use maps\[3\].astype\(int\)"),
        (lambda: segmentation.merge_explorer(IMAGE[..., :2], LEVELS), r"image must be \(H, W, 3\)"),
        (lambda: segmentation.merge_explorer(IMAGE.astype(int), LEVELS), "use image.astype"),
        (lambda: overlay(SEMANTIC[:9]), r"semantic must be \(64, 64\) like image, got \(9, 64\)"),
        (lambda: overlay(SEMANTIC - 1.0), "semantic must be whole numbers, got float64"),
        (lambda: overlay(SEMANTIC.astype(int) - 20), "semantic must be from 0, found -"),
        (lambda: overlay(names=DIGIT_CLASSES[:5]), "class_names must be .* got 5"),
        (lambda: overlay(names=[*range(17)]), "class_names must be up to 16, got 17; give colours"),
        (lambda: overlay(names=["a"] * 13), "class_names must be different"),
        (lambda: overlay(np.arange(4096).reshape(64, 64) % 17, [*range(17)]), "up to 16 classes"),
        (lambda: overlay(masks=MASKS[:, :9]), r"masks must be \(N, 64, 64\), got "),
        (lambda: overlay(masks=MASKS[0]), r"masks must be .*; for one mask use masks\[None\]"),
        (lambda: overlay(masks=MASKS / 2), "masks must be bool, got float64; use masks > 0.5"),
        (lambda: overlay(colours=np.zeros((5, 3), np.uint8)), r"colours must be \(13, 3\) uint8"),
        (lambda: overlay(colours=np.zeros((13, 3))), r"got \(13, 3\) float64; one a class"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()
