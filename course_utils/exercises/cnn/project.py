"""The project of chapter 2: a LeNet from the student's own functions, which reads 100 digits."""

import functools

import numpy as np
import torch
from torch.nn import functional

from course_utils.data import load_mnist, load_weights
from course_utils.exercises.engine import INDICES, Exercise, mistakes
from course_utils.figures import show_row

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training digits
FIRST, COUNT = 2000, 100  # the test digits that are read


# conv_layer
def _conv_layer(image, kernels, bias, padding, mode="constant"):
    width = ((0, 0), (padding, padding), (padding, padding))
    x = torch.from_numpy(np.pad(image, width, mode=mode))
    return functional.conv2d(x[None], torch.tensor(kernels.copy()), torch.tensor(bias))[0].numpy()


def _conv_layer_cases(rng):
    image = np.array([[[1.0, 2, 0], [0, 1, 3]]])
    kernels = np.array([[[[1.0, 0], [0, 10]]], [[[0, 1], [0, 0]]]])
    cases = [(image, kernels, np.array([0.0, 100]), 0), (image, kernels, np.array([0.0, 100]), 1)]
    for channels, filters, rows, columns, padding in (
        (1, 6, 5, 5, 2), (2, 3, 3, 1, 1), (3, 2, 1, 2, 0), (13, 4, 3, 2, 2), (6, 16, 5, 5, 0),
        (2, 5, 4, 3, 3),
    ):  # fmt: skip
        image = rng.normal(size=(channels, *rng.integers(6, 13, 2)))
        kernels = rng.normal(size=(filters, channels, rows, columns))
        cases.append((image, kernels, rng.normal(size=filters), padding))
    return cases


_hint_conv_layer = mistakes(
    (lambda x, k, b, p: _conv_layer(x, k, b, 0), "the padding has no effect"),
    (lambda x, k, b, p: _conv_layer(x, k, 0 * b, p), "the bias is missing"),
    (lambda x, k, b, p: _conv_layer(x, k, b, p, "edge"), "the new pixels are 0, not the edge"),
    (lambda x, k, b, p: np.maximum(_conv_layer(x, k, b, p), 0), "no ReLU here: it comes later"),
    (lambda x, k, b, p: _conv_layer(x, k[:, :, ::-1, ::-1], b, p), "the kernels are flipped"),
)


_ADDED = (
    "two arrays do not fit together: print their shapes. Has the padding added channels to the "
    "image? If one of the arrays is the bias: to which axis of the maps does it belong?"
)


def _hint_conv_layer_shape(got, wanted, arguments):
    image, kernels, _, padding = arguments
    if got.shape != wanted.shape:
        return (
            f"the result's shape is {got.shape}; one map for each of the {len(kernels)} filters is "
            f"expected: how large is an image of {image.shape[1]} × {image.shape[2]} with "
            f"{padding} more pixels on each side, and at how many places does the filter fit?"
        )


# pool_maps
def _pool_maps(maps, size=2, stride=2):
    return functional.max_pool2d(torch.tensor(maps), size, stride).numpy()


def _pool_maps_cases(rng):
    tiny = np.array([[[1.0, -2, 5, 0], [0, 3, -1, -4]], [[-1, -2, -3, -4], [-5, -6, 7, -8]]])
    sizes = [(1, 4, 4), (3, 2, 6), (6, 28, 28), (16, 10, 10), (2, 6, 4), (5, 8, 2), (4, 12, 14)]
    return [(tiny,)] + [(rng.normal(size=size) - 1,) for size in sizes]


_hint_pool_maps = mistakes(
    (lambda m: np.maximum(_pool_maps(m), 0), "no ReLU here: it comes in part 4"),
    (lambda m: _pool_maps(m, 2, 1), "the windows move by 2"),
    (lambda m: functional.avg_pool2d(torch.tensor(m), 2).numpy(),
     "the largest of a block is wanted, not the mean"),
    (lambda m: _pool_maps(m).max(axis=0), "each map is pooled by itself; none is lost"),
    (lambda m: _pool_maps(m)[0], "that is the first map alone"),
)  # fmt: skip


# full_layer
def _full_layer(x, weight, bias):
    return weight @ np.ravel(x) + bias


def _full_layer_cases(rng):
    tiny = np.array([[1.0, 2], [0, 3]]), np.arange(12.0).reshape(3, 4), np.array([100.0, 0, 10])
    cases = [tiny]
    for shape, outputs in (
        ((5,), 3), ((2, 4, 3), 7), ((3, 2, 4), 5), ((16, 5, 5), 120), ((6,), 6), ((3, 2), 10),
        ((84,), 10), ((2, 2, 2), 1),
    ):  # fmt: skip
        inputs = int(np.prod(shape))
        cases.append((rng.normal(size=shape), rng.normal(size=(outputs, inputs)),
                      rng.normal(size=outputs)))  # fmt: skip
    return cases


_hint_full_layer = mistakes(
    (lambda x, w, b: w @ np.ravel(x), "the bias is missing"),
    (lambda x, w, b: np.maximum(_full_layer(x, w, b), 0), "no ReLU here: the last layer has none"),
    (lambda x, w, b: _full_layer(x.T, w, b),
     "the axes are reversed before they are flattened; the order must stay"),
    (lambda x, w, b: _full_layer(np.moveaxis(x, 0, -1), w, b),
     "the channels go last before they are flattened; the order must stay"),
)  # fmt: skip


# what NumPy says in the first case: x flat and the weights turned; x with its two axes
_TURNED = ("size 3 is different from 4", "size 4 is different from 3", "shapes (4,) and (3,4)")
_NOT_FLAT = (
    *("size 2 is different from 4", "size 3 is different from 2", "size 4 is different from 2"),
    *("shapes (3,4) and (2,2)", "shapes (2,2) and (3,4)", "shapes (2,2) and (4,3)"),
)


# lenet_scores
@functools.cache
def _weights():
    return {name: array.astype(float) for name, array in load_weights("lenet").items()}


@functools.cache
def _pictures():
    return load_mnist("test")[0]


def _prepared(pixels):
    return (pixels / 255 - MEAN) / DEVIATION


LAYERS = ("conv1", "conv2", "full1", "full2")  # behind which a ReLU comes


def _lenet_scores(place, prepare=_prepared, linear=(), last="log", transposed=False):
    """Number of a test digit → (10,); the options make mistakes.

    linear: the layers whose ReLU is missing.
    """
    w = {name: torch.from_numpy(array) for name, array in _weights().items()}
    x = torch.from_numpy(prepare(_pictures()[place][None, None].astype(float)))
    for name in LAYERS[:2]:
        padding = 2 if name == "conv1" else 0
        x = functional.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=padding)
        x = functional.max_pool2d(x, 2)
        x = x if name in linear else x.relu()
    x = (x.permute(0, 2, 3, 1) if transposed else x).flatten(1)
    for name in LAYERS[2:]:
        x = functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])
        x = x if name in linear else x.relu()
    x = functional.linear(x, w["full3.weight"], w["full3.bias"])
    x = x.relu() if last == "relu" else x
    x = x.log_softmax(1) if last in ("log", "relu") else x
    return x[0].numpy()


def _given_the_weights(answer):
    """An answer of (pictures, weights) → one of the numbers of test digits."""
    return lambda places: answer(_pictures()[places].copy(), dict(_weights()))


def _some_digits(rng):
    return [(int(place),) for place in rng.integers(len(_pictures()), size=8)]


_hint_lenet_scores = mistakes(
    (lambda p: _lenet_scores(p, lambda x: x / 255), "the pixels are not shifted and scaled: 2.21"),
    (lambda p: _lenet_scores(p, lambda x: x), "the pixels are not scaled as in 2.21"),
    (lambda p: _lenet_scores(p, lambda x: (x - MEAN) / DEVIATION),
     "0.1307 and 0.3081 belong to pixels from 0 to 1, and these reach 255"),
    (lambda p: _lenet_scores(p, lambda x: x / 255 - MEAN / DEVIATION),
     "0.1307 alone is divided by 0.3081: a division comes before a minus sign"),
    *((lambda p, one=one: _lenet_scores(p, linear=one),
       "a ReLU is missing behind the first two fully connected layers, or behind one of them")
      for one in (LAYERS[2:], LAYERS[2:3], LAYERS[3:])),
    (lambda p: _lenet_scores(p, linear=LAYERS[:1]), "the ReLU behind the first pooling is missing"),
    (lambda p: _lenet_scores(p, linear=LAYERS[1:2]),
     "the ReLU behind the second pooling is missing"),
    (lambda p: _lenet_scores(p, linear=LAYERS[:2]), "the ReLU behind both poolings is missing"),
    (lambda p: _lenet_scores(p, linear=LAYERS), "there is no ReLU in this network"),
    (lambda p: _lenet_scores(p, last="none"), "those are logits; the log_softmax is missing"),
    (lambda p: _lenet_scores(p, last="relu"), "no ReLU behind the last layer"),
    (lambda p: np.exp(_lenet_scores(p)), "those are probabilities; their logarithm is wanted"),
    (lambda p: _lenet_scores(p, transposed=True),
     "the maps are flattened in another order: channels, rows, columns"),
)  # fmt: skip


def _hint_scores_shape(got, wanted, arguments):
    if got.shape != wanted.shape:
        return (
            f"the result's shape is {got.shape}; the ten scores of one picture are expected, "
            "(10,): print the shape behind each layer, and compare it with 2.3"
        )


# read_digits
def _read_digits(places):
    return np.array([_lenet_scores(place).argmax() for place in places])


def _packs_of_digits(rng):
    counts = (1, 2, 3, 4, 5, 6, 7, 9)
    return [(rng.integers(len(_pictures()), size=count).tolist(),) for count in counts]


_hint_read_digits = mistakes(
    (lambda p: np.array([_lenet_scores(place).argmin() for place in p]),
     "that is the least likely digit"),
    (lambda p: np.array([_lenet_scores(place).max() for place in p]),
     "those are the largest scores; digits are wanted"),
    (lambda p: _read_digits(p)[0], "one digit comes out; each picture has its own"),
    (lambda p: np.array([_lenet_scores(place) for place in p]),
     "those are the ten scores of each picture; one digit is wanted"),
)  # fmt: skip


def _look_read_digits(answer):
    """A hundred test digits, and what was read; a misread one is black on white, with its label."""
    pictures, labels = (part[FIRST : FIRST + COUNT] for part in load_mnist("test"))
    read = np.asarray(answer(pictures, dict(_weights()))).astype(int)
    print(f"{(read == labels).sum()} of {COUNT} unseen digits are read correctly")
    shown = []
    for picture, found, label in zip(pictures, read, labels, strict=True):
        right = found == label
        name = str(found) if right else f"{found} ({label})"
        shown.append((name, picture if right else 255 - picture))
    show_row(shown, columns=20, width=11)


EXERCISES = {
    "conv_layer": Exercise(
        reference=_conv_layer,
        cases=_conv_layer_cases,
        verified="1 to 13 channels, padding 0 to 3",
        hints=[_hint_conv_layer, _hint_conv_layer_shape],
        errors={
            "and requested shape": "np.pad takes one pair for each axis, and the image has three: "
            "(channels, rows, columns)",
            ")->(": _ADDED,  # of np.einsum; then of a product, of np.tensordot and of torch
            "broadcast together with shapes": _ADDED,
            "shape-mismatch for sum": _ADDED,
            "channels instead": _ADDED,
        },
        level=1,
        minutes=10,
        steps=(
            "Your channels_conv of 2.13 does nearly all of it. Which of its arguments is fixed?",
            "Pad rows and columns, and not the channels: np.pad takes one pair for each axis.",
        ),
    ),
    "pool_maps": Exercise(
        reference=_pool_maps,
        cases=_pool_maps_cases,
        verified="1 to 16 maps, negative numbers",
        hints=[_hint_pool_maps],
        errors={
            "unpack": "`max_pool` takes one map (H, W)",
            "axis": "`max_pool` takes one map (H, W), and these are several",
        },
        level=1,
        minutes=5,
        steps=(
            "Your max_pool of 2.17 takes one map. What do all maps together need?",
            "`max_pool` returns an array (H / 2, W / 2) for each map. A list of them passes here, "
            "but "
            "the next layer takes one array: which function of NumPy makes it of several arrays?",
        ),
    ),
    "full_layer": Exercise(
        reference=_full_layer,
        cases=_full_layer_cases,
        verified="inputs with 1 to 3 axes",
        hints=[_hint_full_layer],
        errors=dict.fromkeys(_TURNED, "x has 4 numbers, and so has each *row* of the weights")
        | dict.fromkeys(
            _NOT_FLAT,
            "x has 2 axes here, and the sum goes over one of them alone; a row of the weights has "
            "a number for every number of x",
        ),
        level=1,
        minutes=5,
        steps=(
            "A fully connected layer takes numbers in a row (2.19). What has to happen first?",
            "Row k of the weights belongs to output k; so which of the two factors stands first?",
        ),
    ),
    "lenet_scores": Exercise(
        reference=_lenet_scores,
        cases=_some_digits,
        verified="eight test digits, all ten scores",
        hints=[_hint_lenet_scores, _hint_scores_shape],
        wrap=_given_the_weights,
        names=("test_digit",),
        errors={
            "matmul": "a full_layer gets more or fewer numbers than its weights have columns: "
            "which shape arrives here? 2.3 lists them, layer by layer",
            "KeyError": "the names of the weights are listed at the beginning of the project",
            "remapped": "conv_layer takes an image (channels, rows, columns): print the shape "
            "of the image that it gets",
            "unpack": "conv_layer and pool_maps take (channels, rows, columns): print the shape "
            "of what they get",
            "einstein": "a conv_layer gets an image whose shape does not suit its kernels: print "
            "both shapes",
            "for dimension 0 of size 10": "log_softmax takes a batch (N, 10); here N is 1",
            "out of bounds for array of dimension 1": "log_softmax takes a batch (N, 10)",
        },
        level=3,
        minutes=25,
        steps=(
            "Write the layers down in the order of 2.3, with the shape behind each; then call your "
            "functions in this order. The pixels have to be prepared as in 2.21.",
            "Print the shape behind each layer, and compare it with your list. Your conv_layer "
            "takes (C, H, W) and your log_softmax takes (N, K): what are C and N here?",
        ),
    ),
    "read_digits": Exercise(
        reference=_read_digits,
        cases=_packs_of_digits,
        verified="packs of 1 to 9 test digits",
        hints=[_hint_read_digits],
        wrap=_given_the_weights,
        names=("test_digits",),
        errors={"remapped": "lenet_scores takes one picture, (28, 28)"},
        whole=INDICES,
        look=_look_read_digits,
        level=2,
        minutes=10,
        steps=(
            "Your lenet_scores gives ten numbers for one picture. What do they say together?",
            "Which function of NumPy tells where in an array its largest number stands? And how "
            "do you get one digit for each of several pictures?",
        ),
    ),
}
