"""Segmentation networks: counts by hand, the loss restated, repeats, crops, things, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy import ndimage
from torch import nn
from torch.nn import functional

from course_utils.data import load_nuclei
from course_utils.detection.yolo import yolo_network
from course_utils.profiling import count_parameters
from course_utils.segmentation import networks as segmentation
from course_utils.segmentation.metrics import confusion_matrix, mean_iou
from course_utils.segmentation.panoptic import panoptic_quality
from course_utils.synthetic_scenes import digit_scenes

NETWORKS = {"fcn": segmentation.fcn, "unet": segmentation.UNet}


def scenes(count, seed=0):
    """Pictures (N, 3, 64, 64) uint8 and the class of every pixel."""
    made = digit_scenes(count, seed)
    images = np.stack([scene.image for scene in made])
    labels = np.stack([scene.semantic for scene in made])
    return torch.from_numpy(images).permute(0, 3, 1, 2), labels


class Says(nn.Module):
    """A model that says the same of every pixel."""

    def __init__(self, logits):
        super().__init__()
        self.logits, self.drop = nn.Parameter(torch.tensor(logits)), nn.Dropout()

    def forward(self, x):
        assert x.min() >= 0 and x.max() <= 1 and x.dtype == torch.float32
        return self.logits[:, None, None].expand(len(x), -1, *x.shape[2:])


# networks


def test_parameters_by_hand():
    # 3 × 3 convolutions without bias, two numbers a channel of the normalisation
    down = 27 * 16 + 32 + 144 * 32 + 64 + 288 * 64 + 128 + 576 * 64 + 128
    assert count_parameters(segmentation.fcn()) == down + 64 * 13 + 13 + 13 * 13 * 256 == 104_797
    up = 64 * 32 * 4 + 32 + 576 * 32 + 64 + 32 * 16 * 4 + 16 + 288 * 16 + 32 + 16 * 13 * 4 + 13
    assert count_parameters(segmentation.UNet()) == down + up == 94_957


@pytest.mark.parametrize("name", NETWORKS)
def test_every_pixel_gets_logits(name):
    model = NETWORKS[name](classes=5, width=2, channels=1)
    assert model(torch.zeros(2, 1, 24, 40)).shape == (2, 5, 24, 40)


def test_fcn_starts_with_scores_enlarged_bilinearly():
    torch.manual_seed(0)
    model = segmentation.fcn(classes=4).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        scores = model[:-1](x)
        wanted = functional.interpolate(scores, scale_factor=8, mode="bilinear")
        assert scores.shape == (1, 4, 8, 8)
        torch.testing.assert_close(model(x)[..., 4:-4, 4:-4], wanted[..., 4:-4, 4:-4])


def test_unet_restated():
    torch.manual_seed(0)
    model = segmentation.UNet(classes=3, width=4).eval()
    x = torch.rand(2, 3, 32, 48)
    with torch.inference_mode():
        half = model.down[0](x)
        quarter = model.down[1](half)
        assert half.shape[1:] == (4, 16, 24) and quarter.shape[1:] == (8, 8, 12)
        y = model.down[2](quarter)
        assert y.shape[1:] == (16, 4, 6)
        for level, kept in (("quarter", quarter), ("half", half)):
            up, (mix, _) = getattr(model, f"up_{level}"), getattr(model, f"mix_{level}")
            y = functional.conv_transpose2d(y, up.weight, up.bias, stride=2)
            conv, norm = mix
            own, beside = conv.weight.chunk(2, dim=1)  # those for y and those for the skip
            y = functional.conv2d(y, own, padding=1) + functional.conv2d(kept, beside, padding=1)
            y = functional.silu(norm(y))
        y = functional.conv_transpose2d(y, model.up_full.weight, model.up_full.bias, stride=2)
        torch.testing.assert_close(model(x), y)


def test_unet_goes_down_with_a_detectors_convolutions():
    detector = yolo_network().eval()
    model = segmentation.UNet(5, stages=(detector[:2], detector[2:8], detector[8:12]))
    x = torch.rand(2, 3, 32, 32)
    assert model.eval()(x).shape == (2, 5, 32, 32)
    y = x
    for stage in model.down:
        y = stage(y)
    torch.testing.assert_close(y, detector[:12](x))
    with torch.no_grad():
        model.down[0][0][0].weight.zero_()
    assert detector[0][0].weight.any()  # they are copies


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_the_numeric_slopes(name):
    torch.manual_seed(0)
    model = NETWORKS[name](classes=3, width=1, channels=1).double().eval()
    x = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(3, (1, 8, 8))
    weights = torch.tensor([1.0, 2, 5], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: functional.cross_entropy(model(x), labels, weights), x
    )


# training


def test_the_loss_restated_pixel_by_pixel():
    images, labels = scenes(2)
    weights = np.where(np.arange(13) < 10, 8.0, 1.0)
    logits = np.random.default_rng(0).normal(size=13)
    history = segmentation.fit_segmentation(Says(logits), images, labels, 1, 2, 1e-9, weights)
    log_softmax = logits - np.log(np.exp(logits).sum())
    counts = np.bincount(labels.ravel(), minlength=13)
    wanted = -(counts * weights * log_softmax).sum() / (counts * weights).sum()
    assert history == [pytest.approx(wanted, rel=1e-6)]
    plain = segmentation.fit_segmentation(Says(logits), images, labels, 1, 2, 1e-9)
    assert plain == [pytest.approx(-(counts * log_softmax).sum() / counts.sum(), rel=1e-6)]


def test_a_constant_learns_how_frequent_the_classes_are():
    images = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    labels = np.zeros((4, 8, 8), int)
    labels[:, :2] = 1  # a quarter of the pixels
    for weights, share in ((None, 1 / 4), ([1, 9], 3 / 4)):
        model = Says([0.0, 0.0])
        segmentation.fit_segmentation(model, images, labels, 300, 4, 0.1, weights)
        assert model.logits.softmax(0)[1].item() == pytest.approx(share, abs=0.01)
        # what the weights did is taken back
        assert not segmentation.predict_classes(model, images, weights).any()
    assert segmentation.predict_classes(model, images).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_four_scenes_are_learnt_by_heart(name):
    images, labels = scenes(4, seed=3)
    weights = np.where(np.arange(13) < 10, 20, 1)
    torch.manual_seed(0)
    model = NETWORKS[name]()
    losses = segmentation.fit_segmentation(model, images, labels, 120, 4, 0.02, weights)
    assert len(losses) == 120 and np.mean(losses[-5:]) < losses[0] / 3
    predicted = segmentation.predict_classes(model, images, weights)
    assert mean_iou(confusion_matrix(labels, predicted, 13)) > 0.6


def test_a_seed_repeats_the_training():
    images, labels = scenes(12)
    runs = {}
    for run, seed in (("one", 1), ("again", 1), ("other", 2)):
        torch.manual_seed(0)
        model = segmentation.UNet(width=2)
        model.eval()
        runs[run] = segmentation.fit_segmentation(model, images, labels, 4, 5, seed=seed)
        assert not any(part.training for part in model.modules())
    assert runs["one"] == runs["again"] != runs["other"]


def test_every_picture_is_seen_once_a_round():
    images = torch.zeros(7, 1, 8, 8, dtype=torch.uint8)
    images[:] = torch.arange(7)[:, None, None, None]
    seen = []

    class Looks(Says):
        def forward(self, x):
            seen.extend((255 * x[:, 0, 0, 0]).round().int().tolist())
            return super().forward(x)

    labels = np.zeros((7, 8, 8), np.uint8)
    segmentation.fit_segmentation(Looks([0.0, 0]), images, labels, 4, 3)  # 4 + 3, twice
    assert sorted(seen[:7]) == sorted(seen[7:]) == list(range(7)) and seen[:7] != seen[7:]


def test_an_interrupt_keeps_the_weights(capsys):
    class Stops(Says):
        def forward(self, x):
            if self.logits[1] != 0:
                raise KeyboardInterrupt
            return super().forward(x)

    images, labels = torch.zeros(4, 1, 8, 8, dtype=torch.uint8), np.ones((4, 8, 8), int)
    model = Stops([0.0, 0.0])
    assert len(segmentation.fit_segmentation(model, images, labels, 9)) == 1
    assert "stopped after 1 of 9 steps" in capsys.readouterr().out and model.logits[1] > 0


# predictions


def test_classes_are_the_largest_logits_in_any_batch():
    images = scenes(6)[0][:, :, :32, :32].repeat(9, 1, 1, 1)  # 54: more than are predicted at once
    torch.manual_seed(0)
    model = segmentation.UNet(width=2)
    found = segmentation.predict_classes(model, images)
    assert found.shape == (54, 32, 32) and found.dtype == np.uint8 and model.training
    with torch.inference_mode():
        wanted = model.eval()(images / 255)
    np.testing.assert_array_equal(found, wanted.argmax(1))
    np.testing.assert_array_equal(found, segmentation.predict_classes(model, images.numpy()))
    weights = torch.rand(13) + 0.1
    np.testing.assert_array_equal(
        segmentation.predict_classes(model, images, weights),
        (wanted.softmax(1) / weights[:, None, None]).argmax(1),
    )


# the photo of nuclei


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(9, 14), st.integers(9, 14), st.integers(0, 99))
def test_crops_are_parts_of_the_picture(size, height, width, seed):
    image = np.arange(height * width, dtype=np.uint8).reshape(height, width)  # every value once
    images, labels = segmentation.random_crops(image, image.astype(int), 8, size, seed)
    assert images.shape == (8, 1, size, size) and images.dtype == torch.uint8
    assert labels.shape == (8, size, size) and labels.dtype == torch.int64
    np.testing.assert_array_equal(images[:, 0], labels)
    for crop in labels.numpy():
        rows, columns = np.divmod(crop, width)
        assert np.ptp(rows) == np.ptp(columns) == size - 1 and len(np.unique(crop)) == size**2
        along = rows if (rows == rows[:, :1]).all() else columns  # turned or not
        assert (along == along[:, :1]).all()


def test_crops_come_in_all_eight_ways_and_from_everywhere():
    image = np.arange(144, dtype=np.uint8).reshape(12, 12)
    crops = segmentation.random_crops(image, image, 400, 8)[1].numpy()
    steps = {(int(crop[0, 1] - crop[0, 0]), int(crop[1, 0] - crop[0, 0])) for crop in crops}
    level, turned = (
        {(a * x, b * y) for a in (1, -1) for b in (1, -1)} for x, y in ((1, 12), (12, 1))
    )
    assert steps == level | turned
    assert {int(crop.min()) for crop in crops} == {12 * y + x for y in range(5) for x in range(5)}
    again, other = (segmentation.random_crops(image, image, 9, 8, seed)[1] for seed in (0, 1))
    np.testing.assert_array_equal(again, crops[:9])
    assert (again != other).any()


def test_touching_discs_are_cut():
    y, x = np.mgrid[:40, :60]
    left, right = (np.hypot(y - 20, x - centre) < 12 for centre in (18, 38))
    mask = left | right
    assert ndimage.label(mask)[1] == 1
    things = segmentation.separate(mask)
    assert things.dtype == np.int32 and set(np.unique(things)) == {0, 1, 2}
    assert ((things > 0) == mask).all()
    assert things[20, 18] != things[20, 38]
    assert (things[left & (x < 27)] == things[20, 18]).all()
    assert not segmentation.separate(np.zeros((5, 5), bool)).any()


def test_the_nuclei_counted_from_a_perfect_mask():
    _, mask = load_nuclei()
    assert len(np.unique(mask)) - 1 == 125
    assert ndimage.label(mask > 0)[1] == 106  # what touches is one blob
    things = segmentation.separate(mask > 0)
    truth, found = (np.where(ids > 0, 1000 + ids.astype(int), 0) for ids in (mask, things))
    matched = panoptic_quality(truth, found)["classes"][1]["tp"]
    assert abs(things.max() - 125) <= 2 and matched >= 120


def test_no_batch_holds_a_single_picture():
    rounds = ((9, 8, 1), (8, 8, 1), (17, 8, 2), (1, 8, 1), (3, 2, 1), (5, 1, 4))
    for count, size, steps in rounds:
        batches = segmentation._batches(count, size, steps, torch.Generator().manual_seed(0))
        assert sorted(torch.cat(batches).tolist()) == list(range(count))
        assert count == 1 or size == 1 or min(map(len, batches)) > 1
    images = torch.zeros(9, 1, 8, 8, dtype=torch.uint8)
    net = segmentation.UNet(2, width=4, channels=1)  # down to one place, which needs two pictures
    assert len(segmentation.fit_segmentation(net, images, np.zeros((9, 8, 8), int), 2)) == 2


@pytest.mark.parametrize("kind", ["<u2", ">u2", ">i2", "u4", ">i8"])
def test_labels_of_any_whole_kind(kind):
    images, labels = torch.zeros(2, 3, 16, 16, dtype=torch.uint8), np.ones((2, 16, 16))
    assert segmentation.fit_segmentation(Says([0.0, 0, 0]), images, labels.astype(kind), 1)


# bad input

IMAGES, LABELS = torch.zeros(2, 3, 16, 16, dtype=torch.uint8), np.zeros((2, 16, 16), int)
GRAY = np.zeros((9, 9), np.uint8)
MODEL = Says([0.0, 0, 0])
fit, predict, crops = (
    segmentation.fit_segmentation,
    segmentation.predict_classes,
    segmentation.random_crops,
)
BAD = {
    "fcn, classes": (lambda: segmentation.fcn(0), "classes", "got 0"),
    "unet, width": (lambda: segmentation.UNet(width=1.5), "width", "got 1.5"),
    "unet, stages": (lambda: segmentation.UNet(stages=MODEL), "stages", "three modules", "a Says"),
    "fit, class": (lambda: fit(nn.Module, IMAGES, LABELS, 1), "model", "torch.nn.Module", "type"),
    "fit, floats": (lambda: fit(MODEL, IMAGES / 255, LABELS, 1), "images", "float32", ".byte()"),
    "fit, steps": (lambda: fit(MODEL, IMAGES, LABELS, 0), "steps", "got 0"),
    "fit, batch": (lambda: fit(MODEL, IMAGES, LABELS, 1, 0), "batch_size", "got 0"),
    "fit, rate": (lambda: fit(MODEL, IMAGES, LABELS, 1, learning_rate=0), "learning_rate", "got 0"),
    "fit, seed": (lambda: fit(MODEL, IMAGES, LABELS, 1, seed=-1), "seed", "got -1"),
    "fit, counts": (lambda: fit(MODEL, IMAGES, LABELS[:1], 1), "labels", "(2, 16, 16)", "(1, 16, "),
    "fit, float labels": (lambda: fit(MODEL, IMAGES, LABELS / 1, 1), "labels", "float64"),
    "fit, a class": (lambda: fit(MODEL, IMAGES, LABELS + 3, 1), "labels", "0 … 2", "found 3"),
    "fit, below": (lambda: fit(MODEL, IMAGES, LABELS - 1, 1), "labels", "0 … 2", "found -1"),
    "fit, weights": (lambda: fit(MODEL, IMAGES, LABELS, 1, class_weights=[1, 2]), "class_weights",
                     "(3,)", "(2,)"),
    "predict, list": (lambda: predict(MODEL, [1]), "images", "uint8", "a list"),
    "predict, one": (lambda: predict(MODEL, IMAGES[0]), "images", "(3, 16, 16)"),
    "predict, none": (lambda: predict(MODEL, IMAGES[:0]), "images", "(0, 3, 16, 16)"),
    "predict, last": (lambda: predict(MODEL, IMAGES.permute(0, 2, 3, 1)), "use images.permute("),
    "predict, sides": (lambda: predict(MODEL, IMAGES[..., :12]), "images", "8, 16", "16, 12)"),
    "predict, weight": (lambda: predict(MODEL, IMAGES, [1, 1, 0]), "class_weights", "above 0"),
    "predict, model": (lambda: predict(nn.Sequential(nn.Flatten(), nn.Linear(768, 3)), IMAGES),
                       "model", "(N, K, H, W)", "(2, 3)"),
    "predict, classes": (lambda: predict(Says([0.0] * 257), IMAGES), "model", "256", "got 257"),
    "crops, type": (lambda: crops(GRAY / 1, GRAY, 1, 3), "image", "float64", ".astype(np.uint8)"),
    "crops, shape": (lambda: crops(GRAY, GRAY[1:], 1, 3), "image", "labels", "(8, 9)"),
    "crops, labels": (lambda: crops(GRAY, GRAY / 1, 1, 3), "labels", "float64"),
    "crops, size": (lambda: crops(GRAY, GRAY, 1, 10), "size", "at most 9", "got 10"),
    "crops, count": (lambda: crops(GRAY, GRAY, 0, 3), "count", "got 0"),
    "separate, bytes": (lambda: segmentation.separate(GRAY), "mask", "uint8", "use mask == 1"),
    "separate, many": (lambda: segmentation.separate(GRAY[None] > 0), "mask", "(1, 9, 9)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
