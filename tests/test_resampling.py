"""Three judges for resampling: by hand, torch and Pillow, and the laws that must hold."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.transform import resize

from course_utils.errors import ArgumentError
from course_utils.filters import METHODS, resample

TINY = np.array([[0.0, 40, 100, 100], [80, 80, 100, 100], [0, 0, 10, 20], [0, 200, 30, 40]])
sizes = st.tuples(*[st.integers(1, 14)] * 4, st.integers(0, 10**6))


def image_of(height, width, seed, channels=()):
    return np.random.default_rng(seed).random((height, width, *channels))


def test_by_hand():
    assert resample(TINY, 2, 2, "area").tolist() == [[50, 100], [50, 25]]
    assert resample(TINY, 2, 2, "nearest").tolist() == [[80, 100], [200, 40]]
    assert resample(np.array([[0.0, 100]]), 1, 4, "bilinear").tolist() == [[0, 25, 75, 100]]
    assert resample(np.array([[0.0, 90]]), 1, 3, "area").round(9).tolist() == [[0, 45, 90]]


@settings(max_examples=80, deadline=None)
@given(sizes)
def test_nearest_and_bilinear_equal_torch(size):
    height, width, new_height, new_width, seed = size
    image = image_of(height, width, seed, (3,))
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    for ours, theirs in (("nearest", "nearest-exact"), ("bilinear", "bilinear")):
        wanted = torch.nn.functional.interpolate(tensor, (new_height, new_width), mode=theirs)
        got = resample(image, new_height, new_width, ours)
        np.testing.assert_allclose(got, wanted[0].permute(1, 2, 0).numpy(), rtol=1e-10, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(sizes)
def test_area_equals_pillows_box(size):
    height, width, seed = size[0] + size[2], size[1] + size[3], size[4]
    image = image_of(height, width, seed).astype(np.float32)
    wanted = Image.fromarray(image).resize((size[3], size[2]), Image.Resampling.BOX)
    got = resample(image, size[2], size[3], "area")
    whole = height % size[2] == 0 and width % size[3] == 0
    if whole:  # Pillow's box takes whole pixels only
        np.testing.assert_allclose(got, np.asarray(wanted), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.mean(), image.mean(), rtol=1e-4)


def test_area_of_whole_blocks_equals_scikit_image():
    from skimage.transform import downscale_local_mean

    image = image_of(24, 36, 0)
    wanted = downscale_local_mean(image, (4, 3))
    np.testing.assert_allclose(resample(image, 6, 12, "area"), wanted, rtol=1e-10)
    enlarged = resize(image, (48, 72), order=1, mode="edge", anti_aliasing=False)
    np.testing.assert_allclose(resample(image, 48, 72, "bilinear"), enlarged, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_same_size_changes_nothing_and_uint8_stays(method):
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    assert np.array_equal(resample(image, 7, 9, method), image)
    small = resample(image[::-1], 3, 4, method)
    assert small.dtype == np.uint8 and small.shape == (3, 4, 3)
    flat = np.full((5, 4), 255, np.uint8)
    assert np.array_equal(resample(flat, 11, 3, method), np.full((11, 3), 255))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((TINY, 2, 2, "bicubic"), "method must be one of nearest, bilinear, area, got 'bicubic'"),
        ((TINY, 0, 2, "area"), "height must be a whole number, 1 … 10,000, got 0"),
        ((TINY, 2, 10**6, "nearest"), "width must be a whole number, 1 … 10,000, got 1000000"),
        ((TINY, 2, 2.5, "area"), "width must be a whole number, 1 … 10,000, got 2.5"),
        ((TINY.astype(int), 2, 2, "area"), "image must be uint8 or float, got int64"),
        ((TINY[0], 2, 2, "area"), r"image must be .* got shape \(4,\)"),
        ((np.zeros((0, 3)), 2, 2, "area"), r"got shape \(0, 3\)"),
    ],
)
def test_bad_input_is_named(arguments, says):
    with pytest.raises(ArgumentError, match=says):
        resample(*arguments)


def test_halves_are_rounded_upwards_exactly():
    rng = np.random.default_rng(0)
    for _ in range(50):
        image = rng.integers(0, 256, (12, 18), dtype=np.uint8)
        sums = image.reshape(2, 6, 3, 6).astype(int).sum(axis=(1, 3))
        assert np.array_equal(resample(image, 2, 3, "area"), (2 * sums + 36) // 72)


def test_a_broken_pixel_stays_alone_with_nearest():
    image = np.ones((6, 6))
    image[1, 1] = np.nan
    assert np.isnan(resample(image, 3, 3, "nearest")).sum() == 1
