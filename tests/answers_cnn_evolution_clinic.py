"""Answers to the clinic of chapter 3: tests and mended functions, wrong and right."""

import copy

import numpy as np
import torch
from torch import nn


def network(channels=1, outs=4):
    model = nn.Sequential(
        nn.Conv2d(channels, outs, 3), nn.BatchNorm2d(outs), nn.Flatten(), nn.Linear(4 * outs, 3)
    )
    model[1].running_mean.fill_(2)
    model[1].running_var.fill_(5)
    return model


def pictures(count=6):
    return np.random.default_rng(0).random((count, 1, 4, 4)).astype(np.float32)


def alone(program):
    model, images = network(), pictures()
    wanted = copy.deepcopy(model).eval()(torch.from_numpy(images)).detach().numpy()
    assert np.allclose(program(model, images), wanted, atol=1e-4)


def alone_and_together(program):
    model, images = network(), pictures()
    one = program(copy.deepcopy(model), images[:1])
    many = program(copy.deepcopy(model), images)
    assert np.allclose(one, many[:1], atol=1e-4)
    assert np.allclose(one, model.eval()(torch.from_numpy(images[:1])).detach(), atol=1e-4)


def in_evaluation_already(program):
    model, images = network().eval(), pictures()
    assert np.allclose(program(model, images)[:1], program(model, images[:1]), atol=1e-4)


def one_against_many(program):
    model, images = network(), pictures()
    assert np.allclose(program(model, images)[:1], program(model, images[:1]), atol=1e-4)


def shape_only(program):
    assert program(network(), pictures()).shape == (6, 3)


def too_strict(program):
    assert program(network(), pictures())[0, 0] == 0


def answers(model, images, mode="eval"):
    model = copy.deepcopy(model)
    model.train(mode == "train")
    with torch.no_grad():
        return model(torch.tensor(images)).numpy()


def late_eval(model, images):
    with torch.no_grad():
        result = model(torch.tensor(images)).numpy()
    model.eval()
    return result


def warm(model, images):
    model = copy.deepcopy(model)
    with torch.no_grad():
        model(torch.tensor(images))
    return answers(model, images)


def by_hand(program):
    train, test = np.array([[[1.0, 3, 5]], [[7, 9, 5]]]), np.array([[[20.0, 24, 5]]])
    assert np.allclose(program(train, test), (test - 5) / train.std(), atol=1e-4)


def by_properties(program):
    rng = np.random.default_rng(0)
    train, test = rng.normal(3, 2, (8, 5, 5)), rng.normal(9, 1, (4, 5, 5))
    assert np.allclose(program(train, test)[:1], program(train, test[:1]), atol=1e-4)
    assert np.allclose(program(train, train).mean(), 0, atol=1e-4)
    assert np.allclose(program(train, test).std(), test.std() / train.std(), atol=1e-3)


def train_alone(program):
    train = np.random.default_rng(0).normal(3, 2, (8, 5, 5))
    assert abs(program(train, train).mean()) < 1e-3


def independent(program):
    rng = np.random.default_rng(0)
    train, test = rng.normal(3, 2, (8, 5, 5)), rng.normal(9, 1, (4, 5, 5))
    assert np.allclose(program(train, test)[:1], program(train, test[:1]), atol=1e-4)


def mean_of_zero(program):
    train, test = np.array([[[1.0, 3]]]), np.array([[[20.0, 24]]])
    assert abs(program(train, test).mean()) < 1e-3


def exactly(program):
    """As `by_hand`, but that floats are compared by `==`."""
    train, test = np.array([[[1.0, 3, 5]], [[7, 9, 5]]]), np.array([[[20.0, 24, 5]]])
    assert (program(train, test) == (test - 5) / np.sqrt(20 / 3)).all()


def standard(x, mean_of, spread_of):
    return (x - mean_of.mean()) / spread_of.std()


SOURCES = np.repeat(np.arange(20), 5)


def three_statements(program):
    train, test = program(SOURCES, 0.25, 3)
    assert not set(SOURCES[train]) & set(SOURCES[test])
    assert sorted([*train, *test]) == list(range(100))
    assert len(set(SOURCES[test])) == 5


def by_loops(program):
    train, test = (list(part) for part in program(SOURCES, 0.25, 3))
    for place in test:
        assert SOURCES[place] not in SOURCES[train]
    assert len(train) == 75 and len(test) == 25 and len({*train, *test}) == 100


def shared_only(program):
    train, test = program(SOURCES, 0.25, 3)
    assert not set(SOURCES[train]) & set(SOURCES[test])


def sizes_only(program):
    train, test = program(SOURCES, 0.25, 3)
    assert len(train) == 75 and len(test) == 25


def exact_places(program):
    train, test = program(SOURCES, 0.25, 3)
    assert list(test) == list(range(25))


def divide(sources, share, seed):
    names = np.unique(sources)
    np.random.default_rng(seed).shuffle(names)
    chosen = set(names[: round(share * len(names))].tolist())
    places = range(len(sources))
    return (
        [place for place in places if sources[place] not in chosen],
        [place for place in places if sources[place] in chosen],
    )


def by_copies(sources, share, seed):
    order = np.random.default_rng(seed).permutation(len(sources))
    cut = round(share * len(sources))
    return order[cut:], order[:cut]


def in_order(sources, share, seed):
    cut = round(share * len(sources))
    return np.arange(cut, len(sources)), np.arange(cut)


def thrown_away(sources, share, seed):
    train, test = divide(sources, share, seed)
    return train[1:], test


def one_of_each(sources, share, seed):
    train, test = divide(sources, share, seed)
    first = np.unique(sources, return_index=True)[1]
    return train, np.intersect1d(test, first)


def all_rates(program):
    assert np.allclose(program(3, 2, 1.0, 0.5), [1, 1, 0.5, 0.5, 0.25, 0.25])


def rates_by_places(program):
    used = list(program(4, 3, 0.8, 0.5))
    assert len(used) == 12 and abs(used[2] - 0.8) < 1e-6 and abs(used[1] - 0.8) < 1e-6
    assert abs(used[3] - 0.4) < 1e-6 and abs(used[5] - 0.4) < 1e-6


def first_rate(program):
    assert program(3, 2, 1.0, 0.5)[0] == 1.0


def length_only(program):
    assert len(program(3, 2, 1.0, 0.5)) == 6


def falls(program):
    used = program(3, 2, 1.0, 0.5)
    assert used[-1] < used[0]


def equal_lists(program):
    assert program(3, 2, 1.0, 0.5) == [1, 1, 0.5, 0.5, 0.25, 0.25]


def equal_floats(program):
    assert list(program(4, 1, 0.1, 0.1)) == [0.1, 0.01, 0.001, 0.0001]


def schedule(epochs, batches, rate, factor, where="epoch"):
    used = []
    for epoch in range(epochs):
        rate = rate * factor if where == "before" else rate
        for batch in range(batches):
            used.append(rate)
            rate = rate * factor if where == "batch" or (where, batch) == ("first", 0) else rate
        rate = rate * factor if where == "epoch" or (where == "late" and epoch) else rate
    return used


def by_torch(epochs, batches, rate, factor):
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.AdamW([weight], rate)
    falling = torch.optim.lr_scheduler.ExponentialLR(optimizer, factor)
    used = []
    for _ in range(epochs):
        for _ in range(batches):
            used.append(falling.get_last_lr()[0])
            optimizer.step()
        falling.step()
    return used


WRONG = {
    "test_one_alone": [
        ("in_evaluation_already", "lets a program pass that leaves the network in the mode"),
        ("one_against_many", "lets a program pass that asks about one picture"),
        ("shape_only", "stops none of the wrong programs"),
        ("too_strict", "stops a program that is right"),
        ("lambda program: program(network(), pictures())[0, 0] < 9", "a test returns nothing"),
    ],
    "scores_mended": [
        ("lambda m, x: answers(m, x, 'train')", "still in training mode"),
        ("late_eval", "still in training mode"),
        (
            "lambda m, x: np.concatenate("
            "[answers(m, x[i : i + 1], 'train') for i in range(len(x))])",
            "still training mode",
        ),
        ("warm", "a pass in training mode comes first"),
    ],
    "test_train_only": [
        ("train_alone", "lets a program pass that"),
        ("independent", "gives each picture a mean"),
        ("mean_of_zero", "stops a program that is right"),
        ("exactly", "only rounding"),
    ],
    "standardised_mended": [
        ("lambda a, b: standard(b, b, b)", "test set's own mean"),
        ("lambda a, b: standard(b, np.concatenate([a, b]), np.concatenate([a, b]))", "takes part"),
        ("lambda a, b: np.stack([standard(x, x, x) for x in b])", "each picture gets|own mean and"),
        ("lambda a, b: standard(b, a, b)", "the deviation is the test set's"),
        ("lambda a, b: standard(b, b, a)", "the mean is the test set's"),
        ("lambda a, b: (b - a.mean(0)) / (a.std(0) + 1e-9)", "each \\*pixel\\*"),
        ("lambda a, b: (b - a.mean(0)) / a.std(0)", "each \\*pixel\\*"),
        ("lambda a, b: standard(a, a, a)", "the test set is wanted|shape"),
    ],
    "test_no_copy_shared": [
        ("shared_only", "lets a program pass that throws away|lets a program pass that takes"),
        ("sizes_only", "puts copies of one picture on both sides"),
        ("exact_places", "stops a program that is right"),
    ],
    "divided_mended": [
        ("by_copies", "have copies on both sides"),
        ("in_order", "have copies on both sides"),
        ("thrown_away", "are on no side"),
        ("one_of_each", "are on no side"),
        ("lambda s, p, seed: divide(s, p, seed)[::-1]", "pictures are in the test set"),
        ("lambda s, p, seed: (range(len(s)), divide(s, p, seed)[1])", "on both sides"),
        ("lambda s, p, seed: np.concatenate(divide(s, p, seed))", "two arrays are wanted|shape"),
        ("lambda s, p, seed: [np.float64(part) for part in divide(s, p, seed)]", "are floats"),
    ],
    "test_rate_by_epoch": [
        ("first_rate", "lets a program pass that lowers the rate after each batch"),
        ("length_only", "stops none of the wrong programs"),
        ("falls", "lets a program pass that lowers the rate after each batch"),
        ("equal_lists", "program is right: .*an `assert`, .* `np.allclose` compares two arrays"),
        ("equal_floats", "only rounding"),
    ],
    "rates_mended": [
        ("lambda *a: schedule(*a, where='batch')", "after each batch"),
        ("lambda *a: schedule(*a, where='before')", "the first epoch has to run"),
        ("lambda *a: schedule(*a, where='first')", "after an epoch's \\*first\\* batch"),
        ("lambda *a: schedule(*a, where='late')", "the first fall is missing"),
        ("lambda *a: schedule(*a, where='never')", "never falls"),
        ("lambda *a: schedule(a[0], 1, *a[2:])", "one rate for each"),
    ],
}

RIGHT = {
    "test_one_alone": [alone, alone_and_together],
    "scores_mended": [
        answers,
        lambda m, x: m.eval()(torch.from_numpy(x)).detach(),
        lambda m, x: copy.deepcopy(m).double().eval()(torch.from_numpy(x).double()).detach(),
    ],
    "test_train_only": [by_hand, by_properties],
    "standardised_mended": [
        lambda a, b: standard(b, a, a),
        lambda a, b: standard(b.astype(np.float32), a, a),
        lambda a, b: (torch.tensor(b) - a.mean()) / torch.tensor(a).std(correction=0),
    ],
    "test_no_copy_shared": [three_statements, by_loops],
    "divided_mended": [
        divide,
        lambda s, p, seed: [torch.tensor(part) for part in divide(s, p, seed)],
    ],
    "test_rate_by_epoch": [all_rates, rates_by_places],
    "rates_mended": [schedule, by_torch, lambda *a: np.float32(schedule(*a))],
}
