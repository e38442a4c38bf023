"""EfficientNet-Lite0: every weight of the file is used, and it knows the course's photos."""

import numpy as np
import pytest
import torch

from course_utils.data import load_photo, load_weights
from course_utils.efficientnet import efficientnet_lite0, imagenet_names, prepare
from course_utils.errors import ArgumentError
from course_utils.profiling import count_parameters


@pytest.fixture(scope="module")
def model():
    return efficientnet_lite0()


def test_every_array_of_the_file_is_in_the_model(model):
    arrays, state = load_weights("efficientnet_lite0"), model.state_dict()
    kept = {name: tensor for name, tensor in state.items() if "num_batches" not in name}
    assert len(kept) == len(arrays) and count_parameters(model) == 4_652_008
    sums = sorted(float(np.float64(tensor).sum()) for tensor in kept.values())
    assert np.allclose(sums, sorted(float(np.float64(array).sum()) for array in arrays.values()))


@pytest.mark.parametrize(
    ("photo", "name"), [("coffee", "espresso"), ("church", "church"), ("china", "palace")]
)
def test_it_knows_the_photos(model, photo, name):
    with torch.inference_mode():
        logits = model(prepare(load_photo(photo))[None])
        features = model[:-1](prepare(load_photo(photo))[None])
    assert imagenet_names()[int(logits.argmax())] == name
    assert features.shape == (1, 1280) and len(imagenet_names()) == 1000


def test_an_untrained_one_has_the_same_shapes_and_other_weights(model):
    torch.manual_seed(0)
    fresh = efficientnet_lite0(trained=False)
    assert [p.shape for p in fresh.parameters()] == [p.shape for p in model.parameters()]
    assert not torch.equal(fresh[0].conv.weight, model[0].conv.weight) and not fresh.training


@pytest.mark.parametrize("size", [224, 225])
def test_the_padding_is_tensorflows(size):
    """SAME: ⌈size / stride⌉ outputs, and the odd pixel of padding at the end."""
    first = efficientnet_lite0(trained=False)[0]
    first.activate = False
    x = torch.zeros(1, 3, size, size)
    x[..., 0, 0] = 1  # where does the first filter meet the first pixel?
    with torch.no_grad():
        y = first.conv.weight.sum(dim=1)
        out = first(x) * (1 + 1e-3) ** 0.5
    assert out.shape[2:] == (-(-size // 2),) * 2
    top = 0 if size % 2 == 0 else 1
    torch.testing.assert_close(out[0, :, 0, 0], y[:, top, top])


def test_prepare_takes_the_middle_square():
    image = np.zeros((50, 90, 3), np.uint8)
    image[:, 20:70] = 255
    x = prepare(image)
    assert x.shape == (3, 224, 224) and torch.allclose(x, torch.tensor(1.0))
    with pytest.raises(ArgumentError, match=r"image must be \(H, W, 3\) uint8, got \(4, 4\)"):
        prepare(np.zeros((4, 4), np.uint8))
