"""Counts against numbers worked on paper, and against those that torchvision publishes."""

import pytest
import torch
from refusals import refused
from torch import nn
from torchvision import models

from course_utils.profiling import count_parameters, multiply_adds


def test_a_convolution_and_a_linear_layer_by_hand():
    conv, full = nn.Conv2d(3, 8, 5, stride=2, padding=1), nn.Linear(10, 4)
    assert count_parameters(conv) == 8 * (3 * 25 + 1)
    assert multiply_adds(conv, 3, 12, 15) == 5 * 7 * 8 * 3 * 25  # places × filters × weights
    assert count_parameters(full) == 44 and multiply_adds(full, 10) == 40


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18", "resnet152", "mobilenet_v2"])
def test_networks_cost_what_torchvision_says(name):
    known = models.get_model_weights(name).DEFAULT.meta
    with torch.device("meta"):
        model = models.get_model(name)
    assert count_parameters(model) == known["num_params"]
    assert multiply_adds(model, 3, 224, 224) / 1e9 == pytest.approx(known["_ops"], abs=6e-4)


def test_groups():
    depthwise = nn.Conv2d(6, 6, 3, groups=6, bias=False)
    assert multiply_adds(depthwise, 6, 5, 5) == 9 * 6 * 9
    assert count_parameters(depthwise) == 54


def test_the_mode_stays_and_meta_is_enough():
    with torch.device("meta"):
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    net[1].eval()
    assert multiply_adds(net, 1, 4, 4) == 4 * 2 * 9 + 24
    assert net.training and not net[1].training


BAD = {
    "count": (lambda: count_parameters([1]), "model", "torch.nn.Module", "got list"),
    "multiply": (lambda: multiply_adds([1], 2), "model", "torch.nn.Module", "got list"),
    "shape": (lambda: multiply_adds(nn.Linear(2, 2), 2.0), "shape", "got 2.0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
