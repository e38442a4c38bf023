"""Pictures outside their range, with NaN, or negative: no function takes them in silence.

Every public function with a picture among its arguments, found by code, is given floats 0 … 255,
numbers below 0, and NaN. An error's advice is followed; a warning is the one of `training.fit`.
"""

import copy
import io
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from advised import advised, follow
from PIL import Image
from right_calls import EXAMPLES, call, get, places, replaced

from course_utils import figures
from course_utils.errors import ArgumentError

NAMES = {"image", "images", "photo", "photos", "picture", "pictures", "content", "style",
         "originals", "snapshots", "crops", "bits"}  # fmt: skip
ANY = {  # functions for which numbers of any size are right
    "filters.correlate": "a filter is a sum of products",
    "filters.resample": "it mixes the numbers that are there",
    "image_generation.style.total_variation": "a mean of differences",
    "training.shift_pixels": "it moves the numbers that are there",
    "detection.rcnn.recolour": "it scales the numbers that are there",
    "image_generation.measures.nearest": "a distance, in the pictures' unit",
    "image_generation.measures.spread": "a distance, in the pictures' unit",
    "image_generation.gan.Discriminator": "a module: torch's layers take any numbers",
    "image_generation.style.VGGFeatures": "a module: torch's layers take any numbers",
}
NEGATIVE = {  # those for which numbers from −3 to 3 are right, but not 255 and NaN
    "training.fit", "training.evaluate",
    "image_generation.measures.judge_pictures", "detection.yolo.detect",
    "detection.two_stage.detect",
    "detection.two_stage.two_stage_loss", "segmentation.instances.feature_maps",
    "segmentation.instances.add_masks",
    "segmentation.instances.train_mask_head", "detection.rcnn.extract_features",
    "explorers.cnn.window_explorer", "explorers.cnn_evolution.gradient_norms",
    "explorers.cnn_evolution.depth_explorer",
}  # fmt: skip
TAKES_BYTES = {  # those for which floats 0 … 255 are right
    "explorers.cnn.kernel_explorer", "explorers.feature_maps.pooling_explorer",
    "explorers.image_data.shift_explorer", "explorers.cnn.window_explorer",
}  # fmt: skip


def picture_cases():
    """(function, place of a picture in its arguments), of all that have one."""
    for name, make in EXAMPLES.items():
        given = make()
        arguments = given[1] if isinstance(given, tuple) else given
        for path in places(arguments):
            value, shown = get(arguments, path), path[0] in NAMES or name.startswith("figures.")
            if (
                shown
                and value.ndim > 1
                and not (name == "detection.figures.show_boxes" and path[2] > 1)
            ):
                yield name, ((1, *path) if isinstance(given, tuple) else path)


CASES = sorted(set(picture_cases()), key=str)
WRONG = {
    "0 … 255": lambda x: 255 * (x - x.min()) / (x.max() - x.min()),
    "−3 … 3": lambda x: 6 * (x - x.min()) / (x.max() - x.min()) - 3,
    "NaN": lambda x: np.where(np.arange(x.size).reshape(x.shape) == x.size // 2, np.nan, x),
}


def spoiled(value, wrong):
    """The picture as floats with other numbers, in its own library and float type."""
    array = np.asarray(value, float)
    array = WRONG[wrong](array / max(1, array.max()))
    if isinstance(value, torch.Tensor):
        return torch.tensor(array, dtype=torch.float32)
    return array.astype(value.dtype if value.dtype.kind == "f" else np.float64)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("name", "path"), CASES, ids=lambda part: str(part))
def test_a_wrong_range_is_told_in_one_sentence(name, path, wrong, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make = EXAMPLES[name]
    value = spoiled(get(make(), path), wrong)
    right = name in ANY or (wrong == "−3 … 3" and name in NEGATIVE)
    right |= wrong == "0 … 255" and name in TAKES_BYTES

    def again(picture, **options):
        given = replaced(copy.deepcopy(make()), path, picture)
        return call(name, given | options if options else given)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            again(value)
        except ArgumentError as problem:
            message = str(problem)
            assert not right and len(message.splitlines()) == 1
        else:
            said = [str(one.message) for one in caught if "divide by 255?" in str(one.message)]
            assert right or (said and wrong == "0 … 255")
            return
        caught.clear()
        if advised(message) is None:  # which picture of a batch it is, must be looked up
            assert "leave it out, or load it again" in message
            return
        argument = message.split(" ")[0]
        follow(again, argument, value)
    assert [str(one.message) for one in caught if "divide by" not in str(one.message)] == []


def test_the_walk_meets_every_function_that_draws():
    met = {name for name, _ in CASES}
    assert {"figures.show_image", "figures.show_row", "figures.show_values",
            "detection.figures.show_boxes"} <= met  # fmt: skip
    assert len(met) > 40 and met >= set(ANY) | NEGATIVE | TAKES_BYTES


def drawn(image, **options):
    figure, ax = plt.subplots(figsize=(2, 2))
    figures.show_image(image, "", ax, **options)
    return np.asarray(Image.open(io.BytesIO(figures.render(figure))).convert("RGB"))


GRAY = np.linspace(0, 255, 400).reshape(20, 20)


def test_gray_floats_of_0_to_255_are_no_longer_white():
    with pytest.raises(ArgumentError) as caught:
        drawn(GRAY)
    assert str(caught.value) == (
        "image goes from 0 to 255, and floats are drawn from 0 to 1; give vmin and vmax, or use "
        "image / 255"
    )
    np.testing.assert_array_equal(drawn(GRAY / 255), drawn(GRAY, vmin=0, vmax=255))


def test_a_feature_map_is_drawn_from_its_least_to_its_largest():
    signed = GRAY / 25 - 3
    with pytest.raises(ArgumentError, match=r"from -3 to 7.2, .*; use vmin=-3, vmax=7.2$"):
        drawn(signed)
    np.testing.assert_allclose(drawn(signed, vmin=-3, vmax=7.2), drawn(GRAY / 255), atol=1)


def test_a_few_peaks_are_cut_off_as_before():
    peaks = GRAY / 255
    peaks[:1, :19], peaks[5, 5] = 2.3, -1.2  # 20 of 400 numbers: 5 %
    np.testing.assert_array_equal(drawn(peaks), drawn(peaks, vmin=0, vmax=1))
    peaks[6, 6] = 1.1
    with pytest.raises(ArgumentError, match="image goes from -1.2 to 2.3"):
        drawn(peaks)


def test_rounding_beyond_the_range_is_nothing(capfd):
    near = np.clip(GRAY / 255 * 1.002, -0.001, 1.0015)
    colours = np.stack(3 * [near], axis=2)
    assert drawn(near).shape == drawn(colours).shape
    assert capfd.readouterr().err == ""  # nor does matplotlib say that it clips


def test_a_row_that_cannot_be_drawn_leaves_no_half_figure():
    with pytest.raises(ArgumentError):
        figures.show_row({"right": GRAY / 255, "wrong": GRAY})
    assert plt.get_fignums() == []


def test_numbers_without_a_range_are_free_where_one_is_given():
    holes = np.where(GRAY > 200, np.nan, GRAY)
    assert drawn(holes, vmin=0, vmax=200).shape == drawn(GRAY * 1e6, norm="linear").shape
    assert drawn((GRAY * 99).astype(int)).shape == drawn(GRAY.astype(np.uint8)).shape
