"""Exercises of chapter 3: networks as tables, counted and built (3.1 to 3.7)."""

import numpy as np
import torch
from torch import nn

from course_utils.exercises.cnn_evolution.copies import (
    other_shapes,
    outputs,
    plain_problem,
    randomise,
    shapes,
)
from course_utils.exercises.engine import COUNTS, Exercise, Unmeasurable, close, mistakes


# top_k_error
def _top_k_error(logits, labels, k):
    own = logits[np.arange(len(labels)), labels]
    return ((logits > own[:, None]).sum(axis=1) >= k).mean()


def _top_k_error_cases(rng):
    few = np.array([[6.0, 3, 2, 4, 5], [5, 1, 6, 2, 4], [2, 6, 1, 3, 5]])
    cases = [(few, np.array([0, 0, 3]), 2)]
    settings = [(1, 7, 2), (9, 4, 4), (12, 8, 7), (16, 3, 2), (20, 5, 1), (25, 9, 4), (30, 10, 5),
                (40, 8, 3), (500, 6, 1)]  # fmt: skip
    for rows, classes, k in settings:
        logits, labels = rng.normal(size=(rows, classes)), rng.integers(classes, size=rows)
        logits[np.arange(rows), labels] += 0.7
        cases.append((logits, labels, k))
    return cases


def _top_k_by_column(logits, labels, k):
    best = np.argsort(-logits, axis=0)[:, :k]
    return 1 - (best == labels[:, None]).any(axis=1).mean()


_hint_top_k_error = mistakes(
    (lambda z, y, k: 1 - _top_k_error(z, y, k), "that is the share of rows that are *right*"),
    (lambda z, y, k: _top_k_error(-z, y, k), "argsort begins with the smallest"),
    (lambda z, y, k: _top_k_error(z, y, 1), "k has no effect: only the best class counts"),
    (lambda z, y, k: _top_k_error(z, y, k) * len(y), "that is a number of rows, not their share"),
    (lambda z, y, k: _top_k_error(z, y, k) * 100, "that is in percent; a share is wanted"),
    (lambda z, y, k: _top_k_error(z, y, k + 1), "one too many: k + 1 classes are looked at"),
    (lambda z, y, k: _top_k_error(z, y, k - 1), "one too few: k − 1 classes are looked at"),
    (
        lambda z, y, k: _top_k_by_column(z, y, k),
        "it sorts down the columns; the classes of one picture are a row",
    ),
    (lambda z, y, k: 1.0, "every row is an error: are *places* compared with labels, or scores?"),
)


def _hint_one_number(got, wanted, arguments):
    if got.shape == arguments[1].shape:
        return "that is one number for each row; the share of errors is one for all"


# network_table
def _network_table(steps, channels, side, bias=1, planes=True, pads=2, strided=True, one=1,
                   full="all", up=False):  # fmt: skip
    """The rows of the table; the options after `side` are typical mistakes."""
    rows = []
    for kind, *numbers in steps:
        parameters = 0
        if kind == "full":
            reads = {"all": channels * side**2, "maps": channels, "row": channels * side}[full]
            parameters, channels, side = (reads + bias) * numbers[0], numbers[0], 1
        else:
            if kind == "conv":
                filters, size, stride, padding = numbers
                parameters = filters * (size**2 * (channels if planes else 1) + bias)
                channels = filters
            else:
                (size, stride), padding = numbers, 0
            room, stride = side + pads * padding - size, stride if strided else 1
            side = (-(-room // stride) if up else room // stride) + one
        rows.append((parameters, channels, side))
    return rows


LENET = [("conv", 6, 5, 1, 0), ("pool", 2, 2), ("conv", 16, 5, 1, 0), ("pool", 2, 2),
         ("conv", 120, 5, 1, 0), ("full", 84), ("full", 10)]  # fmt: skip
ALEXNET = [("conv", 64, 11, 4, 2), ("pool", 3, 2), ("conv", 192, 5, 1, 2), ("pool", 3, 2),
           ("conv", 256, 3, 1, 1), ("full", 4096)]  # fmt: skip


def _network_table_cases(rng):
    cases = [
        ([("conv", 4, 3, 1, 0)], 2, 7),
        ([("pool", 2, 2)], 3, 9),
        ([("full", 5)], 2, 4),
        ([("conv", 3, 3, 2, 1), ("full", 2)], 4, 8),
        ([("conv", 5, 5, 1, 2), ("pool", 3, 2)], 3, 10),
        (LENET, 1, 32),
        (ALEXNET, 3, 224),
    ]
    for _ in range(4):
        steps = []
        for size, filters in zip((5, 3, 3), rng.integers(4, 20, 3), strict=True):
            stride, padding = (int(v) for v in rng.integers((1, 0), (3, 2)))
            steps += [("conv", int(filters), size, stride, padding), ("pool", 2, 2)]
        steps = [*steps, ("full", int(rng.integers(3, 12)))]
        cases.append((steps, int(rng.integers(1, 5)), int(rng.integers(99, 140))))
    return cases


_hint_network_table = mistakes(
    (lambda *a: _network_table(*a, bias=0), "the biases are missing"),
    (lambda *a: _network_table(*a, planes=False),
     "a filter has a plane of weights for *each* channel that it reads"),
    (lambda *a: _network_table(*a, pads=1), "the padding lies on both sides of the picture"),
    (lambda *a: _network_table(*a, pads=0), "the padding has no effect on the side"),
    (lambda *a: _network_table(*a, strided=False), "the stride has no effect on the side"),
    (lambda *a: _network_table(*a, one=0), "one place is lost: the first window counts, too"),
    (lambda *a: _network_table(*a, up=True),
     "a window that does not fit whole is left out: round down"),
    (lambda *a: _network_table(*a, full="maps"),
     "a fully connected layer reads every number of every map, not one a map"),
    (lambda *a: _network_table(*a, full="row"), "a map has side × side numbers"),
)  # fmt: skip


def _hint_network_rows(got, wanted, arguments):
    if got.ndim == 2 and got.shape == wanted.shape[::-1] and close(got.T, wanted):
        return "rows and columns are exchanged: one row for each step"
    if got.ndim == 2 and got.shape[1:] == (3,) and len(got) != len(wanted):
        return f"one row for each step is wanted: here {len(wanted)}, not {len(got)}"


# conv_work
def _conv_work(ins, outs, size, stride, padding, groups, side, read=None, maps=None, bias=0):
    """read: channels that a filter reads; maps: multiplications a weight."""
    out = (side + 2 * padding - size) // stride + 1
    read = ins // groups if read is None else read
    weights = outs * (read * size**2 + bias)
    return weights, out, weights * (out**2 if maps is None else maps)


def _conv_work_cases(rng):
    cases = [(2, 3, 1, 1, 0, 1, 4), (4, 6, 3, 1, 1, 2, 5), (6, 6, 3, 2, 1, 6, 9),
             (3, 64, 11, 4, 2, 1, 224), (96, 256, 5, 1, 2, 2, 27)]  # fmt: skip
    for groups in (1, 2, 3, 5):
        ins, outs, size, stride, padding, side = (
            int(v) for v in rng.integers((1, 2, 2, 1, 0, 9), (6, 9, 6, 4, 3, 40))
        )
        cases.append((groups * ins, groups * outs, size, stride, padding, groups, side))
    return cases


def _side(n, m, k, s, p, g, side):
    return (side + 2 * p - k) // s + 1


_hint_conv_work = mistakes(
    (lambda *a: _conv_work(*a, read=a[0]),
     "the groups have no effect: a filter reads only the channels of its own group"),
    (lambda *a: _conv_work(*a, bias=1), "these layers have no bias"),
    (lambda *a: _conv_work(*a, maps=a[6]**2),
     "a filter is used once at each place of the *output*"),
    (lambda *a: _conv_work(*a, maps=_side(*a)), "a map has side × side places"),
    (lambda *a: _conv_work(*a, maps=1), "each weight is used at every place of the output"),
    (lambda *a: _conv_work(a[0], a[1] // a[5], *a[2:]),
     "the groups are divided out twice: there are `outs` filters in all"),
    (lambda *a: (_conv_work(*a)[0], _conv_work(*a)[2], _side(*a)),
     "the order is parameters, side, multiply-adds"),
)  # fmt: skip


def _hint_three_numbers(got, wanted, arguments):
    if got.shape != (3,):
        return (
            "three numbers are wanted (parameters, side, multiply-adds); the result's shape is "
            f"{got.shape}"
        )


# network_from_row
def _row_network(row, ins, classes, order="norm", relu=nn.ReLU, pool=nn.MaxPool2d, last=(),
                 padding=1):  # fmt: skip
    """A network from a row of numbers; with random tensors, and pictures for it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1000 * ins + 10 * len(row) + classes)
        x, layers = torch.randn(3, ins, 13, 18), []
        for step in row:
            if step == "M":
                layers.append(pool(2))
                continue
            norm = [nn.BatchNorm2d(step), relu()]
            convolution = nn.Conv2d(ins, step, 3, padding=padding, bias=False)
            layers += [convolution, *(norm if order == "norm" else norm[::-1])]
            ins = step
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(ins, classes), *last]
        return randomise(nn.Sequential(*layers)), x


def _row_outputs(row, ins, classes, **options):
    network, x = _row_network(row, ins, classes, **options)
    with torch.no_grad():
        return network(x).double().numpy()


def _row_without_padding(*settings):
    """A mistake; NaN where the maps become too small for it."""
    try:
        return _row_outputs(*settings, padding=0)
    except RuntimeError:
        return np.nan


def _row_cases(rng):
    cases = [([4], 1, 2), ([4, "M"], 3, 5), ([6, "M", 8], 2, 3), ([5, 7, "M", 9, 11], 3, 4)]
    for _ in range(5):
        widths = [int(width) for width in rng.permutation(np.arange(3, 25))[:4]]
        row = [widths[0], "M", widths[1], widths[2], "M", widths[3]]
        cases.append((row[: int(rng.integers(3, 7))], int(rng.integers(1, 5)),
                      int(rng.integers(2, 9))))  # fmt: skip
    return cases


def _measured_row(network, settings):
    """The outputs of a network of one's own, with the tensors of a right one."""
    if not isinstance(network, nn.Module):
        return network
    theirs, x = _row_network(*settings)
    problem = plain_problem(network, theirs)
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    if problem is None and shapes(network) != shapes(theirs):
        problem = other_shapes(network, theirs, "a right one")
        if not norms:
            problem = "batch normalisation is missing after the convolutions"
    if problem:
        raise Unmeasurable(problem)
    return outputs(network, theirs, x)


_hint_row = mistakes(
    (lambda *a: _row_outputs(*a, order="relu"), "ReLU comes after batch normalisation"),
    (lambda *a: _row_outputs(*a, relu=nn.Identity), "the ReLUs are missing"),
    (_row_without_padding, "the convolutions have no padding: each of them makes the maps smaller"),
    (lambda *a: _row_outputs(*a, pool=nn.AvgPool2d), '"M" is a max pooling, not an average'),
    (lambda *a: _row_outputs(*a, pool=lambda size: nn.Identity()),
     'the poolings, "M", are missing'),
    (lambda *a: _row_outputs(*a, last=[nn.Softmax(1)]), "logits are wanted, without a softmax"),
    (lambda *a: _row_outputs(*a, last=[nn.ReLU()]), "after the last layer there is no ReLU"),
)  # fmt: skip


# conv_stack_cost
def _conv_stack_cost_cases(rng):
    fixed = [(3, 2, 4), (5, 1, 2), (1, 4, 8), (3, 3, 16), (5, 2, 32), (7, 1, 64)]
    return fixed + [tuple(int(v) for v in rng.integers((2, 2, 2), (8, 6, 40))) for _ in range(6)]


def _hint_conv_stack_cost(got, wanted, arguments):
    kernel, layers, channels = arguments
    if got.shape != (2,):
        return "two numbers are wanted: (parameters, field)"
    if close(got, wanted[::-1]):
        return "the two are exchanged: first the parameters, then the field"
    one = kernel**2 * channels**2
    parameters = {
        layers * kernel**2 * channels: "C outputs, and each reads all C inputs: one C is lost",
        layers * (one + channels): "these layers have no bias",
        one: "that is one layer; there are several",
        layers * kernel * channels**2: "a filter is kernel × kernel",
        wanted[1] ** 2 * channels**2: "that is *one* large filter with the same field",
    }
    fields = {
        layers * kernel: "windows overlap: a layer adds kernel − 1 to the field, not kernel",
        layers * (kernel - 1): "before any layer a pixel sees itself: the field begins at 1",
        kernel**layers: "the fields of layers with stride 1 are added, not multiplied",
        kernel: "that is the field of one layer",
    }
    table, number = (parameters, 0) if got[0] != wanted[0] else (fields, 1)
    return table.get(got[number])


TABLES = {
    "top_k_error": Exercise(
        reference=_top_k_error,
        cases=_top_k_error_cases,
        verified="k from 1 to 7, one row and many",
        hints=[_hint_top_k_error, _hint_one_number],
        level=2,
        minutes=10,
        steps=(
            "Do one row first: sort its scores, and keep the places of the k best.",
            "`np.argsort(-logits, axis=1)` puts the best class first in each row; compare its "
            "first k columns with the labels as a column, `labels[:, None]`.",
        ),
    ),
    "network_table": Exercise(
        reference=_network_table,
        cases=_network_table_cases,
        verified="LeNet-5, a part of AlexNet and random tables",
        hints=[_hint_network_table, _hint_network_rows],
        whole=COUNTS,
        level=2,
        minutes=20,
        steps=(
            "Keep two numbers while you go through the steps: the channels and the side that the "
            "next step reads.",
            "For a convolution write down the size of one filter with its bias, then how many "
            "filters there are; for the side use the formula of 2.16, with `//`.",
        ),
    ),
    "conv_work": Exercise(
        reference=_conv_work,
        cases=_conv_work_cases,
        verified="1 to 6 groups, strides 1 to 4",
        hints=[_hint_conv_work, _hint_three_numbers],
        whole=COUNTS,
        level=1,
        minutes=10,
        steps=(
            "How many channels does one filter read, if the channels are cut into groups?",
            "The weights are the filters times the size of one; each weight is multiplied once at "
            "each place of the output.",
        ),
    ),
    "network_from_row": Exercise(
        reference=_row_outputs,
        cases=_row_cases,
        verified="1 to 4 convolutions, tensors and outputs",
        hints=[_hint_row],
        measure=_measured_row,
        level=2,
        minutes=15,
        steps=(
            "Go through the row with a list of layers and one number, the channels that the next "
            "convolution reads.",
            'Only a number changes the channels; three layers stand for it, one for "M". After '
            "the loop three more layers make logits of the last maps.",
        ),
    ),
    "conv_stack_cost": Exercise(
        reference=lambda k, n, c: (n * k**2 * c**2, n * (k - 1) + 1),
        cases=_conv_stack_cost_cases,
        verified="filters of 1 to 7, 1 to 5 layers",
        hints=[_hint_conv_stack_cost],
        whole=COUNTS,
        level=1,
        minutes=5,
        steps=(
            "Count the weights of one filter, then of one layer, then of all.",
            "The field begins with the pixel itself, and each layer adds the same number to it.",
        ),
    ),
}
