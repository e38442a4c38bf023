"""The project of chapter 3: batch normalisation folded into the convolution before it."""

import copy

import numpy as np
import torch
from torch import nn

from course_utils.data import load_photo
from course_utils.efficientnet import efficientnet_lite0, imagenet_names, prepare
from course_utils.exercises.engine import Exercise, Unmeasurable, mistakes
from course_utils.figures import show_row

OUTSIDE = "eps belongs to the variance, under the root"
NAMES = "`norm.state_dict()` lists the names of its tensors: γ is `weight`, and β is `bias`"


class _Alike:
    """Arguments that are modules: equal as long as their tensors and settings are."""

    def __eq__(self, other):
        mine, theirs = self.state_dict(), getattr(other, "state_dict", dict)()
        same = mine.keys() == theirs.keys() and all(
            map(torch.equal, mine.values(), theirs.values())
        )
        return same and str(nn.Sequential(self)) == str(nn.Sequential(other))

    __hash__ = object.__hash__


class Convolution(_Alike, nn.Conv2d):
    """A convolution as an argument."""


class Norm(_Alike, nn.BatchNorm2d):
    """Batch normalisation as an argument."""


class Step(nn.Module):
    """A convolution and its batch normalisation, named as in the course's EfficientNet."""

    def __init__(self, conv, norm):
        super().__init__()
        self.conv, self.norm = conv, norm

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Network(_Alike, nn.Module):
    """A network as an argument."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = nn.Sequential(*steps)

    def forward(self, x):
        return self.steps(x)

    def __repr__(self):
        widths = [self.steps[0].conv.in_channels, *(step.conv.out_channels for step in self.steps)]
        return f"network with channels {', '.join(map(str, widths))}"


# folded_weight and folded_bias
def _folded_weight(weight, gamma, variance, eps, axis=0, root=True, scaled=True, outside=0):
    deviation = np.sqrt(variance + eps) + outside if root else variance + eps
    factor = (gamma if scaled else 1) / deviation
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    if weight.shape[axis] != len(variance):
        return np.nan
    return weight * factor.reshape(shape)


def _folded_bias(gamma, beta, mean, variance, eps, sign=-1, factor=True, root=True, outside=0):
    deviation = np.sqrt(variance + eps) + outside if root else variance + eps
    return beta + sign * (gamma / deviation * mean if factor else mean)


def _sizes(rng):
    drawn = [(2, 1, 3, 3), (3, 2, 1, 1), (4, 6, 3, 3), (6, 4, 5, 3), (5, 5, 1, 3), (1, 3, 2, 2),
             (7, 2, 3, 5), (8, 3, 5, 5)]  # fmt: skip
    for k, c, h, w in drawn:
        variance = rng.uniform(0.1, 4, k)
        yield (k, c, h, w), rng.uniform(0.5, 2, k), variance, float(rng.choice([1e-5, 1e-3]))


def _weight_cases(rng):
    small = np.array([[[[1.0, 2, 3]]], [[[4, 5, 6]]]]), np.array([6.0, 12]), np.array([3.0, 8]), 1.0
    return [small] + [
        (rng.normal(size=size), gamma, variance, eps) for size, gamma, variance, eps in _sizes(rng)
    ]


def _bias_cases(rng):
    first = (*(np.array(v) for v in ([6.0, 12], [1.0, 2], [5.0, -4], [3.0, 8])), 1.0)
    return [first] + [
        (gamma, rng.normal(size=len(gamma)), rng.normal(size=len(gamma)), variance, eps)
        for _, gamma, variance, eps in _sizes(rng)
    ]


_hint_weight = mistakes(
    (lambda *a: _folded_weight(*a, axis=1),
     "the factors meet the channels that come in; batch normalisation stands behind the filters"),
    (lambda *a: _folded_weight(*a, root=False), "that divides by the variance, not by its root"),
    (lambda *a: _folded_weight(*a, scaled=False), "γ is missing"),
    (lambda w, g, v, e: _folded_weight(w, g, v, 0), "eps is missing, or not the one that is given"),
    (lambda w, g, v, e: _folded_weight(w, g, v, 0, outside=e), OUTSIDE),
    (lambda w, g, v, e: w * np.sqrt(v + e)[:, None, None, None] / g[:, None, None, None],
     "the factor is upside down"),
    (lambda w, g, v, e: w * (g / np.sqrt(v + e) if w.shape[3] == len(g) else np.nan),
     "the factors meet the columns of the filters"),
)  # fmt: skip

_hint_bias = mistakes(
    (lambda *a: _folded_bias(*a, sign=1), "the mean is subtracted"),
    (lambda *a: _folded_bias(*a, factor=False), "the mean is scaled, too: by the same factor"),
    (lambda *a: _folded_bias(*a, sign=0), "the mean is missing"),
    (lambda *a: _folded_bias(*a, root=False), "that divides by the variance, not by its root"),
    (lambda g, b, m, v, e: _folded_bias(g, b, m, v, 0), "eps is missing"),
    (lambda g, b, m, v, e: _folded_bias(g, 0 * b, m, v, e), "β is missing"),
    (lambda g, b, m, v, e: g / np.sqrt(v + e) * (b - m), "β is not scaled: it comes last"),
    (lambda g, b, m, v, e: _folded_bias(1, b, m, v, e), "γ is missing"),
    (lambda g, b, m, v, e: _folded_bias(g, b, m, v, 0, outside=e), OUTSIDE),
    (lambda g, b, m, v, e: -_folded_bias(g, b, m, v, e),
     "the whole bias has the wrong sign"),
    (lambda g, b, m, v, e: -_folded_bias(g, b, m, v, e, sign=1),
     "the sign of β is wrong: batch normalisation adds it"),
)  # fmt: skip


def _hint_filters(got, wanted, arguments):
    if got.shape != wanted.shape:
        what = "the filters' shape stays" if wanted.ndim == 4 else "one number for each filter"
        return f"the result's shape is {got.shape}; {what}, so {wanted.shape} is wanted"


# fold_pair and fold_network
def nearly(*known):
    """As `mistakes`, for outputs in float32 that are summed in another order."""

    def hint(got, wanted, arguments):
        for mistake, said in known:
            other = mistake(*arguments)
            if got.shape == other.shape and np.allclose(got, other, atol=1e-3):
                return None if np.allclose(wanted, other, atol=1e-3) else said

    return hint


def _pair(rng, ins, outs, size, stride, padding, groups, eps):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(1 << 30)))
        conv = Convolution(ins, outs, size, stride, padding, groups=groups, bias=False)
        norm = Norm(outs, eps)
        for tensor in (norm.weight.data, norm.running_var):
            tensor.uniform_(0.05, 2)
        for tensor in (norm.bias.data, norm.running_mean):
            tensor.normal_()
    return conv.eval(), norm.eval()


def _pictures(channels):
    return torch.randn(2, channels, 9, 12, generator=torch.Generator().manual_seed(channels))


def _pair_outputs(conv, norm, groups=None, eps=None, bias=True, weight=True):
    """What the pair says; groups, eps, bias, weight: what a folded one may have lost."""
    conv, norm = copy.deepcopy(conv), copy.deepcopy(norm).eval()
    norm.eps = eps or norm.eps
    with torch.no_grad():
        found = conv(_pictures(conv.in_channels))
        factor = norm.weight / (norm.running_var + norm.eps) ** 0.5
        offset = norm.bias - factor * norm.running_mean
        found = found * factor[:, None, None] if weight else found
        return (found + offset[:, None, None] if bias else found).numpy()


def _pair_cases(rng):
    settings = [(1, 2, 1, 1, 0, 1, 1e-5), (2, 3, 3, 1, 1, 1, 1e-3), (4, 4, 3, 1, 1, 4, 1e-3),
                (3, 5, 3, 2, 1, 1, 1e-5), (6, 6, 5, 2, 2, 6, 1e-3), (4, 6, 3, 1, 0, 2, 1e-3),
                (5, 8, 1, 1, 0, 1, 1e-3), (8, 4, 5, 1, 2, 4, 1e-5)]  # fmt: skip
    return [_pair(rng, *setting) for setting in settings]


def _measured_pair(got, arguments):
    """What the folded convolution says."""
    if isinstance(got, nn.Sequential) and any(isinstance(p, nn.BatchNorm2d) for p in got.modules()):
        raise Unmeasurable("the batch normalisation is still there; one convolution is wanted")
    if not isinstance(got, nn.Conv2d):
        return got
    conv = arguments[0]
    if got is conv:
        raise Unmeasurable("it changes its input; make a convolution of its own")
    if got.bias is None:
        raise Unmeasurable("the folded convolution needs a bias")
    if got.dilation != conv.dilation:
        raise Unmeasurable(
            f"its dilation is {got.dilation[0]}: in `nn.Conv2d` the number after the padding is "
            "the dilation, so give the groups by name, `groups=…`"
        )
    if got.groups != conv.groups:
        raise Unmeasurable(f"it has groups={got.groups}; the old one has groups={conv.groups}")
    if got.weight.shape != conv.weight.shape:
        raise Unmeasurable(
            f"its filters have the shape {tuple(got.weight.shape)}, those of the old convolution "
            f"{tuple(conv.weight.shape)}"
        )
    with torch.no_grad():
        return got(_pictures(conv.in_channels)).numpy()


def _hint_pair_size(got, wanted, arguments):
    if got.shape != wanted.shape and got.ndim == 4:
        return "the maps have another size: take over the stride and the padding"


_hint_pair = nearly(
    (lambda *a: _pair_outputs(*a, eps=1e-5),
     "eps is not 1e-5 in each network: the norm knows its own"),
    (lambda *a: _pair_outputs(*a, bias=False), "the bias has no effect"),
    (lambda *a: _pair_outputs(*a, weight=False), "the weights are not scaled"),
)  # fmt: skip


def _networks(rng):
    cases = []
    for widths in [(1, 2), (2, 3), (1, 3, 2), (3, 4, 5), (2, 6, 3), (1, 4, 2, 3), (3, 2, 5, 4),
                   (2, 3, 4, 6, 5)]:  # fmt: skip
        steps = [
            Step(*_pair(rng, ins, outs, 3, 1, 1, 1, 1e-3))
            for ins, outs in zip(widths, widths[1:], strict=False)
        ]
        cases.append((Network(*steps).eval(),))
    return cases


def _network_outputs(network):
    with torch.no_grad():
        return network(_pictures(network.steps[0].conv.in_channels)).numpy()


def _measured_network(got, arguments):
    """What the folded network says."""
    if not isinstance(got, nn.Module):
        return got
    network = arguments[0]
    if got is network or any(a is b for a in got.modules() for b in network.modules()):
        raise Unmeasurable(
            "it changes the network that it is given; begin with a copy (import copy, "
            "copy.deepcopy)"
        )
    left = sum(isinstance(part, nn.BatchNorm2d) for part in got.modules())
    if left:
        raise Unmeasurable(f"{left} of {len(network.steps)} batch normalisations are still there")
    if not list(got.parameters()):
        raise Unmeasurable("it has no parameters")
    with torch.no_grad():
        return got(_pictures(network.steps[0].conv.in_channels)).numpy()


def _first_only(network):
    """The outputs where the others have lost their normalisation."""
    with torch.no_grad():
        x = _pictures(network.steps[0].conv.in_channels)
        for place, step in enumerate(network.steps):
            x = torch.relu(step.conv(x)) if place else step(x)
        return x.numpy()


def _removed(network):
    with torch.no_grad():
        x = _pictures(network.steps[0].conv.in_channels)
        for step in network.steps:
            x = torch.relu(step.conv(x))
        return x.numpy()


_hint_network = nearly(
    (_removed, "the norms are taken away, and the convolutions are the old ones"),
    (_first_only, "only the first convolution is folded"),
)  # fmt: skip


def _numbers(network, photo):
    """How many numbers all its batch normalisations scale for one picture."""
    counts = []
    hooks = [
        part.register_forward_hook(lambda _, __, out: counts.append(out.numel()))
        for part in network.modules()
        if isinstance(part, nn.BatchNorm2d)
    ]
    with torch.inference_mode():
        logits = network(photo)[0]
    for hook in hooks:
        hook.remove()
    return logits, sum(counts)


def _look_at_folded(answer):
    """EfficientNet-Lite0 before and after: its guesses, its logits, and what is saved."""
    network, names = efficientnet_lite0(), imagenet_names()
    photo = load_photo("coffee")
    x = prepare(photo)[None]
    before, numbers = _numbers(network, x)
    folded = answer(network)
    if not isinstance(folded, nn.Module):
        return  # the numbers alone
    after, left = _numbers(folded.eval(), x)
    guesses = {}
    for when, logits in (("before", before), ("folded by you", after)):
        shares, best = logits.softmax(0).topk(3)
        guesses[when] = [f"{names[i]} {p:.2f}" for i, p in zip(best, shares, strict=True)]
        print(f"{when:<14}", ", ".join(guesses[when]))
    print(f"largest difference of the 1,000 logits: {(before - after).abs().max():.5f}")
    print(f"numbers that are normalised for one picture: {numbers:,} before, {left:,} after")
    small = load_photo("coffee", 220)
    show_row(
        [(f"{when}:\n{told[0]}", small) for when, told in guesses.items()], photo=True, width=7
    )


PROJECT = {
    "folded_weight": Exercise(
        reference=_folded_weight,
        cases=_weight_cases,
        verified="1 to 8 filters, two values of eps",
        hints=[_hint_weight, _hint_filters],
        errors={"could not be broadcast": "a vector (K,) meets the columns; which axis counts the "
                "filters?"},
        level=1,
        minutes=10,
        steps=(
            "In evaluation mode γ · (z − mean) / √(variance + eps) + β is one factor times z, "
            "plus an offset. What is the factor?",
            "A convolution is linear: a factor on its output is the same factor on the weights of "
            "that filter. The filters are axis 0.",
        ),
    ),
    "folded_bias": Exercise(
        reference=_folded_bias,
        cases=_bias_cases,
        verified="1 to 8 filters, two values of eps",
        hints=[_hint_bias, _hint_filters],
        level=1,
        minutes=5,
        steps=(
            "Batch normalisation of z is one factor times z, plus an offset. The factor is in the "
            "weights already; what is left for the bias?",
            "Let z be 0: then only the offset remains. Work it out with numbers for one filter, "
            "for example γ = 6, β = 1, mean = 5, variance = 3 and eps = 1.",
        ),
    ),
    "fold_pair": Exercise(
        reference=lambda *a: _pair_outputs(*a).astype(float),
        cases=_pair_cases,
        verified="filters of 1 to 5, strides, paddings and groups, two values of eps",
        hints=[_hint_pair, _hint_pair_size],
        measure=_measured_pair,
        errors={
            "requires grad": "a layer's parameter has a gradient: `.detach()` comes before "
            "`.numpy()`",
            "'NoneType' object has no attribute": "the old layer has no bias, and neither has a "
            "copy of it; make a new layer",
            "'Norm' object has no attribute": NAMES,
            "'BatchNorm2d' object has no attribute": NAMES,
            "cannot assign 'torch": "a parameter stays, and gets other numbers: set its `.data`",
            "data has to be a tensor": "`.data` takes a tensor: `torch.from_numpy` makes one of "
            "an array",
        },
        level=2,
        minutes=20,
        steps=(
            "There are two steps: a new layer with the settings of the old one, and then the "
            "numbers in it. `print(conv)` shows the settings. Which one does the new layer have "
            "that the old one has not?",
            "In `norm`, γ is `weight` and β is `bias`; the mean and the variance of evaluation "
            "mode are `running_mean` and `running_var`. A layer's numbers are set through "
            "`new.weight.data = …`, as a tensor of the old shape.",
        ),
    ),
    "fold_network": Exercise(
        reference=lambda network: _network_outputs(network).astype(float),
        cases=_networks,
        verified="1 to 4 convolutions, and the network that came is unchanged",
        hints=[_hint_network],
        measure=_measured_network,
        errors={
            "has no attribute 'copy'": "a network has no such method; `copy.deepcopy` makes a copy"
        },
        level=2,
        minutes=20,
        steps=(
            "Copy the network first. `modules()` gives all its parts; those that are wanted have "
            "a `conv` and a `norm`.",
            "Such a part gets a new `conv`, your folded one, and as `norm` a layer that returns "
            "its input.",
        ),
        look=_look_at_folded,
    ),
}  # fmt: skip
