"""The networks of chapter 3: counts and, with the same weights, answers as torchvision's."""

import pytest
import torch
import torchvision
from refusals import refused
from torch import nn

from course_utils import models
from course_utils.profiling import count_parameters, multiply_adds

PAPER = {  # name → (ours, torchvision's builder or None, parameters)
    "alexnet": (models.alexnet, torchvision.models.alexnet, 61_100_840),
    "vgg11": (lambda: models.vgg(11), torchvision.models.vgg11, 132_863_336),
    "vgg16": (lambda: models.vgg(16), torchvision.models.vgg16, 138_357_544),
    "vgg19": (lambda: models.vgg(19), torchvision.models.vgg19, 143_667_240),
    "resnet18": (lambda: models.resnet(18), torchvision.models.resnet18, 11_689_512),
    "resnet34": (lambda: models.resnet(34), torchvision.models.resnet34, 21_797_672),
    "resnet50": (lambda: models.resnet(50), torchvision.models.resnet50, 25_557_032),
    "resnet152": (lambda: models.resnet(152), torchvision.models.resnet152, 60_192_808),
    "se_resnet50": (lambda: models.resnet(50, se=True), None, 28_088_024),
}


@pytest.mark.parametrize("name", PAPER)
def test_full_size_networks_have_the_papers_counts(name):
    ours, theirs, parameters = PAPER[name]
    with torch.device("meta"):
        model = ours()
        assert count_parameters(model) == parameters
        assert model(torch.zeros(2, 3, 224, 224)).shape == (2, 1000)
        if theirs:
            twin = theirs()
            assert [p.shape for p in model.parameters()] == [p.shape for p in twin.parameters()]
            assert multiply_adds(model, 3, 224, 224) == multiply_adds(twin, 3, 224, 224)


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "resnet18", "resnet50"])
def test_with_the_same_weights_the_answers_are_torchvisions(name):
    ours, theirs, _ = PAPER[name]
    torch.manual_seed(0)
    twin = theirs(weights=None).eval()
    for part in twin.modules():  # statistics as after a training, not 0 and 1
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 2)
    with torch.device("meta"):
        model = ours().eval()
    values = zip(model.state_dict(), twin.state_dict().values(), strict=True)
    model.load_state_dict(dict(values), assign=True)
    size = 64 if name.startswith("resnet") else 224
    x = torch.randn(1, 3, size, size)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), twin(x), rtol=1e-4, atol=1e-4)


def test_lenet_is_the_slides_table():
    rows, x = [], torch.zeros(1, 1, 32, 32)
    for layer in models.lenet5():
        x = layer(x)
        if not isinstance(layer, nn.Tanh):
            rows.append(tuple(x.shape[1:]))
    assert rows == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (120, 1, 1),
        (120,),
        (84,),
        (10,),
    ]
    assert count_parameters(models.lenet5()) == 61_706


def test_the_network_for_digits_layer_by_layer():
    network = models.digit_net().eval()
    x = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    kernels = {name: value for name, value in network.state_dict().items() if value.ndim == 4}
    assert [tuple(kernel.shape) for kernel in kernels.values()] == [
        (16, 1, 4, 4), (32, 16, 3, 3), (64, 32, 3, 3)]  # fmt: skip
    y = x
    for number, kernel in enumerate(kernels.values()):  # untrained: normalisation does nothing
        y = nn.functional.conv2d(y, kernel, stride=1 if number else 2, padding=1)
        y = (nn.functional.max_pool2d(y, 2) if number else y).clamp(min=0)
    wanted = y.flatten(1) @ network[-1].weight.T + network[-1].bias
    torch.testing.assert_close(network(x), wanted, rtol=1e-3, atol=1e-4)
    assert count_parameters(network) == 29_290


def test_squeeze_and_excitation_by_hand():
    block = models.SqueezeExcitation(2)
    with torch.no_grad():
        block.excite[0].weight[:] = torch.tensor([[1.0, -1]])
        block.excite[0].bias.zero_()
        block.excite[2].weight[:] = torch.tensor([[0.0], [1]])
        block.excite[2].bias.zero_()
    x = torch.tensor([[[[1.0, 3], [5, 7]], [[0, 0], [4, 0]]]])  # means 4 and 1
    y = block(x)  # hidden relu(4 − 1) = 3, gates σ(0) = 1/2 and σ(3)
    assert torch.allclose(block.gates, torch.tensor([[0.5, 1 / (1 + torch.e**-3.0)]]))
    assert torch.allclose(y, x * block.gates[:, :, None, None])
    assert count_parameters(models.SqueezeExcitation(64)) == 2 * 64 * 4 + 4 + 64


def test_squeeze_and_excitation_is_torchvisions():
    theirs = torchvision.ops.SqueezeExcitation(64, 4, scale_activation=nn.Sigmoid)
    ours = models.SqueezeExcitation(64)
    weights = [
        p.detach().reshape(q.shape)
        for p, q in zip(theirs.parameters(), ours.parameters(), strict=True)
    ]
    with torch.no_grad():
        for parameter, weight in zip(ours.parameters(), weights, strict=True):
            parameter.copy_(weight)
    x = torch.randn(3, 64, 5, 7)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize(("ins", "stride"), [(8, 1), (8, 2), (32, 1)])
def test_a_block_adds_its_input_or_not(bottleneck, ins, stride):
    torch.manual_seed(0)
    options = {"stride": stride, "bottleneck": bottleneck}
    block = models.Residual(ins, 8, **options).eval()
    x = torch.randn(2, ins, 6, 6)
    added = block.steps(x) + block.change(x[:, :, ::stride, ::stride])
    assert torch.equal(block(x), added.relu())
    identity = isinstance(block.change, nn.Identity)
    assert identity == (stride == 1 and ins == (32 if bottleneck else 8))
    plain = models.Residual(ins, 8, **options, shortcut=False).eval()
    assert torch.equal(plain(x), plain.steps(x).relu())
    assert count_parameters(block) - count_parameters(plain) == count_parameters(block.change)


@pytest.mark.parametrize("blocks", [1, 3, 9])
def test_the_small_network_is_6n_plus_2_layers_deep(blocks):
    model = models.small_resnet(blocks, width=4, channels=3)
    convolutions = [
        m for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)
    ]
    assert len(convolutions) + 1 == 6 * blocks + 2
    assert model(torch.zeros(2, 3, 14, 14)).shape == (2, 10)
    with_gates = models.small_resnet(blocks, width=4, channels=3, se=True)
    assert sum(isinstance(m, models.SqueezeExcitation) for m in with_gates.modules()) == 3 * blocks


BAD = {
    "vgg, depth": (lambda: models.vgg(15), "depth", "11, 13, 16, 19", "got 15"),
    "vgg, classes": (lambda: models.vgg(11, 0), "classes", "got 0"),
    "resnet, text": (lambda: models.resnet("50"), "depth", "got '50'", "did you mean 50"),
    "small, blocks": (lambda: models.small_resnet(0), "blocks", "got 0"),
    "small, option": (lambda: models.small_resnet(shortcutt=False), "option", "mean 'shortcut'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    call, *parts = BAD[name]
    refused(call, *parts)
