"""The clinic of chapter 3: four faults that no error tells, to be tested for and to be mended."""

import copy

import numpy as np
import torch
from torch import nn

from course_utils.exercises.clinic import test_exercise
from course_utils.exercises.engine import COUNTS, INDICES, Exercise, Unmeasurable, mistakes

ROUNDING = "is the difference only rounding? `np.allclose` allows for it, and `==` does not"


class Network(nn.Module):
    """A network as an argument: a call may change its mode, so two of them count as equal."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

    def __eq__(self, other):
        return isinstance(other, Network)

    __hash__ = object.__hash__

    def __repr__(self):
        return "network"


# modes: eval() forgotten
def _scores(model, images, forgotten=False, alone=False, after=False):
    """The logits as NumPy; forgotten, alone, after: the typical mistakes."""
    model = copy.deepcopy(model)
    if not forgotten:
        model.eval()
    with torch.no_grad():
        images = torch.from_numpy(np.array(images, np.float32))
        if alone:
            return torch.cat([model(image[None]) for image in images]).numpy()
        if after:  # one pass in training mode before the right one
            model.train()(images)
            model.eval()
        return model(images).numpy()


def _scores_in_place(model, images):
    model.eval()
    with torch.inference_mode():
        return model(torch.from_numpy(images)).numpy()


def _scores_one_by_one(model, images):
    return np.concatenate([_scores(model, image[None]) for image in images])


def _scores_moved(model, images):
    scores = _scores(model, images)
    return scores - scores.mean(axis=0)


def _networks(rng):
    """Pairs of a network in training mode and pictures of its size."""
    cases = []
    for n, channels, h, w, outs, classes in [(2, 1, 2, 3, 4, 5), (3, 1, 4, 3, 3, 2),
            (1, 2, 5, 4, 4, 3), (4, 5, 4, 5, 5, 4), (6, 2, 6, 5, 3, 7), (5, 1, 7, 8, 4, 10),
            (9, 4, 5, 6, 6, 5), (8, 3, 9, 7, 8, 6)]:  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(1 << 30)))
            norm = nn.BatchNorm2d(outs)
            for tensor in (norm.weight.data, norm.running_var):
                tensor.uniform_(0.5, 2)
            for tensor in (norm.bias.data, norm.running_mean):
                tensor.normal_()
            model = Network(
                nn.Conv2d(channels, outs, 3, padding=1), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                nn.Flatten(), nn.Linear(outs, classes),
            )  # fmt: skip
        cases.append((model, (3 * rng.random((n, channels, h, w))).astype(np.float32)))
    return cases


_hint_scores = mistakes(
    (lambda *a: _scores(*a, forgotten=True),
     "the batch's own mean and variance are used: the network is still in training mode"),
    (lambda *a: _scores(*a, forgotten=True, alone=True),
     "each picture is now normalised by its own mean and variance: still training mode"),
    (lambda *a: _scores(*a, after=True),
     "a pass in training mode comes first, and it changes the running mean and variance"),
)  # fmt: skip


# statistics: the test set standardised by itself
def _standardised(train, test, mean=None, spread=None):
    mean, spread = (train if by is None else by for by in (mean, spread))
    return (test - np.mean(mean)) / np.std(spread)


def _by_each(train, test):
    axes = (1, 2)
    return (test - test.mean(axes, keepdims=True)) / test.std(axes, keepdims=True)


def _by_pixel(train, test):
    return (test - train.mean(axis=0)) / (train.std(axis=0) + 1e-9)


PLACES = "each *pixel* has its own mean and deviation here; one for all is wanted"


def _by_both(train, test):
    both = np.concatenate([train, test])
    return _standardised(train, test, both, both)


def _picture_sets(rng):
    """Pairs of sets (N, H, W), the second brighter or darker."""
    cases = [(np.array([[[1.0, 3, 5]], [[7, 9, 5]]]), np.array([[[5.0, 9, 1]]]))]
    for n, m, h, w in [(3, 2, 1, 4), (4, 1, 3, 2), (2, 5, 4, 3), (6, 3, 2, 5), (5, 4, 5, 4),
                       (8, 6, 3, 7), (9, 2, 7, 6)]:  # fmt: skip
        train, test = rng.normal(3, 2, (n, h, w)), rng.normal(6, 1.3, (m, h, w))
        cases.append((train, test))
    return cases


_hint_standardised = mistakes(
    (lambda a, b: _standardised(a, b, b, b),
     "that is the test set's own mean and deviation; the network has learnt with others"),
    (_by_both, "the test set takes part in the mean and the deviation"),
    (_by_each, "each picture gets its own mean and deviation: bright and dark ones become alike"),
    (_by_pixel, PLACES),
    (lambda a, b: (b - a.mean(axis=0)) / a.std(axis=0), PLACES),
    (lambda a, b: _standardised(a, b, a, b), "the mean is right; the deviation is the test set's"),
    (lambda a, b: _standardised(a, b, b, a), "the deviation is right; the mean is the test set's"),
    (lambda a, b: _standardised(a, a), "that is the training set; the test set is wanted"),
)  # fmt: skip


# copies: training and test copies of one picture
def _divided(sources, share, seed):
    """(training, test): places of copies; all copies of a picture are on one side."""
    pictures = np.random.default_rng(seed).permutation(np.unique(sources))
    test = np.isin(sources, pictures[: round(share * len(pictures))])
    return np.flatnonzero(~test), np.flatnonzero(test)


def _divided_by_copies(sources, share, seed):
    order = np.random.default_rng(seed).permutation(len(sources))
    test = round(share * len(sources))
    return order[test:], order[:test]


def _divided_in_order(sources, share, seed):
    places, test = np.arange(len(sources)), round(share * len(sources))
    return places[test:], places[:test]


def _divided_with_loss(sources, share, seed):
    """The test copies whose picture is in the training set are thrown away."""
    train, test = _divided_by_copies(sources, share, seed)
    return train, test[~np.isin(sources[test], sources[train])]


def _divided_twice(sources, share, seed):
    train, test = _divided(sources, share, seed)
    return np.arange(len(sources)), test


def _divided_other_way(sources, share, seed):
    return _divided(sources, share, seed)[::-1]


def _division(sources, share, seed):
    """What is right of every division: see `_measured_division`."""
    return np.array([0, 0, 0, round(share * len(np.unique(sources)))])


def _measured_division(got, arguments):
    """Pictures on both sides, copies on no side, copies twice, pictures in the test set."""
    if not isinstance(got, list | tuple) or len(got) != 2:
        return got
    sources, parts = arguments[0], [np.asarray(part) for part in got]
    if any(part.size and part.dtype.kind not in "iu" for part in parts):
        raise Unmeasurable(f"two arrays of places are wanted; {INDICES}")
    parts = [part.astype(int) for part in parts]
    every = np.concatenate([part.ravel() for part in parts])
    if every.size and not 0 <= every.min() <= every.max() < len(sources):
        raise Unmeasurable(f"a place is wanted for each copy, 0 to {len(sources) - 1}")
    train, test = (set(sources[part].tolist()) for part in parts)
    places = np.bincount(every, minlength=len(sources))
    return np.array([len(train & test), (places == 0).sum(), (places > 1).sum(), len(test)])


def _divisions(rng):
    cases = [(np.array([0, 0, 1, 1, 2, 2, 3, 3]), 0.25, 1), (np.repeat([4, 9, 2], 3), 1 / 3, 2)]
    for pictures, copies, share in [(10, 3, 0.2), (8, 5, 0.5), (12, 2, 0.25), (30, 4, 0.3),
                                    (20, 6, 0.1), (2000, 3, 0.2)]:  # fmt: skip
        sources = np.repeat(rng.permutation(3 * pictures)[:pictures], copies)
        cases.append((rng.permutation(sources), share, int(rng.integers(1000))))
    return cases


def _hint_division(got, wanted, arguments):
    if got.shape != wanted.shape:
        return "two arrays are wanted: the places of the training and of the test copies"
    shared, missing, twice, _ = got
    if shared:
        return f"{shared} pictures have copies on both sides"
    if missing:
        return f"{missing} copies are on no side: nothing has to be thrown away"
    if twice:
        return f"{twice} copies are there twice"
    return f"{got[3]} pictures are in the test set; {wanted[3]} were asked for"


# rates: the schedule's step in the wrong loop
def _rates(epochs, batches, rate, factor, by_batch=False, before=False, late=False, never=False):
    """The rate of each step; by_batch, before, late, never: the typical mistakes."""
    steps = np.arange(epochs * batches)
    falls = steps if by_batch else steps // batches
    falls = falls + 1 if before else np.maximum(falls - 1, 0) if late else falls
    return rate * factor ** (0 * falls if never else falls)


def _rates_by_torch(epochs, batches, rate, factor):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], rate)
    schedule, used = torch.optim.lr_scheduler.StepLR(optimizer, 1, factor), []
    for _ in range(epochs):
        for _ in range(batches):
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
        schedule.step()
    return used


def _rates_by_first_batch(epochs, batches, rate, factor):
    steps = np.arange(epochs * batches)
    return rate * factor ** (-(-steps // batches))


def _trainings(rng):
    cases = [(3, 2, 1.0, 0.5), (2, 4, 0.5, 0.1), (1, 3, 0.2, 0.5)]
    for _ in range(6):
        epochs, batches = (int(v) for v in rng.integers((2, 2), (7, 9)))
        rate, factor = rng.uniform(0.5, 3), rng.uniform(0.3, 0.9)
        cases.append((epochs, batches, round(float(rate), 2), round(float(factor), 2)))
    return cases


_hint_rates = mistakes(
    (lambda *a: _rates(*a, by_batch=True), "the rate falls after each batch, not after each epoch"),
    (lambda *a: _rates(*a, before=True), "the first epoch has to run at the rate that is given"),
    (lambda *a: _rates(*a, late=True), "the first fall is missing: the second epoch is lower"),
    (lambda *a: _rates(*a, never=True), "the rate never falls"),
    (_rates_by_first_batch, "the rate falls after an epoch's *first* batch, not after its last"),
    (lambda *a: _rates(a[0], 1, *a[2:]), "one rate for each *step* is wanted, not for each epoch"),
)  # fmt: skip

CLINIC = {
    "test_one_alone": test_exercise(
        right=[_scores, _scores_in_place, _scores_one_by_one],
        wrong={
            "leaves the network in the mode in which it comes":
                lambda m, x: _scores(m, x, forgotten=True),
            "asks about one picture after the other, and forgets eval()":
                lambda m, x: _scores(m, x, forgotten=True, alone=True),
            "passes the pictures through in training mode before it asks":
                lambda m, x: _scores(m, x, after=True),
            "takes the mean of the batch away from the logits": _scores_moved,
        },
        verified="three right programs, four wrong ones",
        level=2,
        minutes=15,
        steps=(
            "What must be true of the answer to one picture, whatever else is in the batch? And "
            "what does PyTorch's own answer in evaluation mode look like?",
            "Make a small network with batch normalisation and give it other running values; "
            "compare the program's logits with those of a copy of it on which you called `eval()`.",
        ),
    ),
    "scores_mended": Exercise(
        reference=lambda *a: _scores(*a).astype(float),
        cases=_networks,
        verified="1 to 9 pictures, batch normalisation with its running values",
        hints=[_hint_scores],
        level=1,
        minutes=5,
        steps=(
            "Which layers do something else in training than afterwards?",
            "The network has one call that switches all of them; it has to come before the "
            "pictures do.",
        ),
    ),
    "test_train_only": test_exercise(
        right=[_standardised, lambda a, b: (b - a.mean()) / a.std(),
               lambda a, b: np.float32(_standardised(a, b))],
        wrong={
            "uses the test set's own mean and deviation": lambda a, b: _standardised(a, b, b, b),
            "takes mean and deviation of both sets together": _by_both,
            "gives each picture a mean and a deviation of its own": _by_each,
            "uses the training set's mean and the test set's deviation":
                lambda a, b: _standardised(a, b, a, b),
            "does not standardise": lambda a, b: b.copy(),
        },
        verified="three right programs, five wrong ones",
        stopped=ROUNDING,
        level=1,
        minutes=10,
        steps=(
            "Make a training set and a much brighter test set of a few numbers. What does the "
            "right program return?",
            "Work the result out by hand for these numbers, and compare with `np.allclose`. Let "
            "the two sets differ in the mean and in the deviation.",
        ),
    ),
    "standardised_mended": Exercise(
        reference=_standardised,
        cases=_picture_sets,
        verified="1 to 6 test pictures, brighter and less spread than the training's",
        hints=[_hint_standardised],
        level=1,
        minutes=5,
        steps=(
            "Which numbers did the network see while it learnt?",
            "Two numbers, a mean and a deviation, are computed once, and used for both sets.",
        ),
    ),
    "test_no_copy_shared": test_exercise(
        right=[_divided, lambda s, p, seed: tuple(part[::-1] for part in _divided(s, p, seed)),
               lambda s, p, seed: [part.tolist() for part in _divided(s, p, seed + 1)]],
        wrong={
            "puts copies of one picture on both sides": _divided_by_copies,
            "puts all copies into the training set, those of the test too": _divided_twice,
            "throws away the test copies whose picture was trained on": _divided_with_loss,
            "takes the share for the training set": _divided_other_way,
        },
        verified="three right programs, four wrong ones",
        level=2,
        minutes=15,
        steps=(
            "Take 20 pictures with five copies each, so 100 places. What must be true of the two "
            "arrays that come back?",
            "Three statements: no picture is on both sides, each place is there once, and the "
            "test set has its share of the pictures. Sets of Python help with the first.",
        ),
    ),
    "divided_mended": Exercise(
        reference=_division,
        cases=_divisions,
        verified="3 to 2,000 pictures with 2 to 6 copies, in any order",
        hints=[_hint_division],
        whole=COUNTS,
        measure=_measured_division,
        level=2,
        minutes=15,
        steps=(
            "Draw pictures for the test set, and not copies.",
            "`np.unique(sources)` are the pictures; shuffle them and take the share. `np.isin` "
            "says for each copy whether its picture was drawn, `np.flatnonzero` where.",
        ),
    ),
    "test_rate_by_epoch": test_exercise(
        right=[_rates, _rates_by_torch, lambda *a: _rates(*a).tolist()],
        wrong={
            "lowers the rate after each batch": lambda *a: _rates(*a, by_batch=True),
            "lowers the rate before the first epoch": lambda *a: _rates(*a, before=True),
            "lowers the rate one epoch late": lambda *a: _rates(*a, late=True),
            "never lowers the rate": lambda *a: _rates(*a, never=True),
            "lowers the rate after the first batch of each epoch": _rates_by_first_batch,
        },
        verified="three right programs, five wrong ones",
        stopped=ROUNDING,
        level=1,
        minutes=10,
        steps=(
            "Write down the rates of a training of three epochs with two batches each.",
            "Compare the whole list with what came; floats with `np.allclose`.",
        ),
    ),
    "rates_mended": Exercise(
        reference=_rates,
        cases=_trainings,
        verified="1 to 6 epochs of 2 to 8 batches",
        hints=[_hint_rates],
        level=1,
        minutes=5,
        steps=(
            "How often should the schedule's step run, and how often does it?",
            "One line has to stand in another loop; count its indentation.",
        ),
    ),
}  # fmt: skip
