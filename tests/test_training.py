"""Training: it learns, it repeats, it can be stopped, and it refuses what cannot be meant."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from refusals import refused
from torch import nn

from course_utils import profiling, training
from course_utils.errors import ArgumentError
from course_utils.profiling import Stopwatch, time_call
from course_utils.training import evaluate, fit, pick_device, shift_pixels

RNG = np.random.default_rng(0)
LABELS = torch.tensor(RNG.integers(0, 3, 90))
IMAGES = torch.tensor(RNG.normal(size=(90, 1, 8, 8)), dtype=torch.float32)
IMAGES += LABELS[:, None, None, None]  # brighter classes


def model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1), nn.Flatten(),
        nn.Linear(144, 3),
    )  # fmt: skip


def test_it_learns_and_returns_the_history():
    net = model()
    before = evaluate(net, IMAGES, LABELS)
    history = fit(net, IMAGES, LABELS, epochs=6, batch_size=32)
    assert evaluate(net, IMAGES, LABELS) > max(0.8, before)
    assert len(history["loss"]) == len(history["epoch"]) == 6 * 3
    assert history["epoch"][-1] == 6 and history["loss"][-1] < history["loss"][0]


def test_the_same_seed_is_the_same_run_and_another_is_not():
    runs = []
    for seed in (1, 1, 2):
        net = model()
        fit(net, IMAGES, LABELS, epochs=1, batch_size=32, seed=seed, augment=shift_pixels)
        runs.append([p.detach().clone() for p in net.parameters()])
    same, other = (all(map(torch.equal, runs[0], run)) for run in runs[1:])
    assert same and not other


def test_a_step_is_torchs_own():
    ours, theirs = nn.Linear(4, 3), nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    x, y = torch.randn(8, 4), torch.arange(8) % 3
    fit(ours, x, y, epochs=3, batch_size=8, learning_rate=0.1, weight_decay=0.2, bfloat16=False)
    optimizer = torch.optim.AdamW(theirs.parameters(), 0.1, weight_decay=0.2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 3 + 1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(theirs(x), y).backward()
        optimizer.step()
        schedule.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)


def test_float16_is_trained_with_a_scaled_loss(monkeypatch):
    """As where a GPU has float16 alone; here on the CPU, which computes it, slowly."""
    monkeypatch.setattr(training, "short_type", lambda device: torch.float16)
    x, y = torch.randn(32, 4), torch.arange(32) % 3
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    twin = copy.deepcopy(net)
    short = fit(net, x, y, epochs=5, batch_size=8)["loss"]
    long = fit(twin, x, y, epochs=5, batch_size=8, bfloat16=False)["loss"]
    assert short != long and np.allclose(short, long, atol=0.02)
    before = twin[0].weight.detach().clone()  # gradients below the smallest number of float16
    fit(twin, x, y, epochs=5, batch_size=8, weight_decay=0,
        loss=lambda logits, labels: 1e-8 * nn.functional.cross_entropy(logits, labels))  # fmt: skip
    assert (twin[0].weight - before).abs().max() > 0.001


@pytest.mark.parametrize(
    ("bf16", "capability", "wanted"),
    [(True, (8, 0), torch.bfloat16), (False, (7, 5), torch.float16), (False, (6, 1), None)],
)
def test_the_short_type_is_the_one_in_hardware(bf16, capability, wanted, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    gpu = torch.device("cuda")
    assert training.short_type(gpu) == wanted
    assert training.short_type_is_quick(gpu) == (wanted is not None)


def test_train_takes_any_loss_and_any_batches():
    """The loss is a function of the indices; a batch may come twice, and be of any length."""
    torch.manual_seed(0)
    net, x, y = nn.Linear(4, 1), torch.randn(9, 4), torch.randn(9, 1)
    net.bias.requires_grad_(False)
    net.eval()
    twin = copy.deepcopy(net)
    batches, seen = [torch.tensor(rows) for rows in ([0, 1, 2], [8], [1, 1, 5, 7])], []

    def loss_of(batch):
        seen.append(batch.tolist())
        assert net.training
        return nn.functional.mse_loss(net(x[batch]), y[batch])

    losses = training.train(net, loss_of, batches, 0.1)
    assert seen == [batch.tolist() for batch in batches] and not net.training
    optimizer = torch.optim.AdamW([twin.weight], 0.1, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 4)
    for batch, ours in zip(batches, losses, strict=True):
        loss = nn.functional.mse_loss(twin(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        assert ours == loss.item()
    assert torch.equal(net.weight, twin.weight) and torch.equal(net.bias, twin.bias)


def test_an_interrupt_of_train_keeps_weights_and_losses(capsys):
    net, steps = nn.Linear(1, 1), []

    def loss_of(batch):
        steps.append(batch)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return net(batch).sum()

    assert len(training.train(net, loss_of, [torch.ones(1, 1)] * 9)) == 2
    assert capsys.readouterr().out == "stopped after 2 of 9 steps, weights kept\n"


def test_evaluate_counts_right_answers_and_works_in_pieces():
    class Knows(nn.Module):
        def __init__(self):
            super().__init__()
            self.none = nn.Parameter(torch.zeros(1))
            self.largest = 0

        def forward(self, x):
            self.largest = max(self.largest, len(x))
            return nn.functional.one_hot(x[:, 0].long(), 3).float()

    answers = LABELS.clone()
    answers[:30] = (answers[:30] + 1) % 3  # a third is wrong
    knows = Knows()
    assert evaluate(knows, LABELS[:, None].float(), answers, batch_size=7) == pytest.approx(2 / 3)
    assert knows.largest == 7


@pytest.mark.parametrize("mode", [True, False])
def test_every_part_keeps_its_mode(mode):
    net = model().train(mode)
    net[1].eval()  # a part that was frozen on purpose
    evaluate(net, IMAGES, LABELS)
    fit(net, IMAGES, LABELS, epochs=1)
    assert net.training == mode and not net[1].training


class Stops(nn.Module):
    """A model during whose n-th call somebody presses the ■ button."""

    def __init__(self, at):
        super().__init__()
        self.inside, self.calls, self.at = model(), 0, at

    def forward(self, x):
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return self.inside(x)


@pytest.mark.parametrize("at", [1, 2, 5, 6])
def test_an_interrupt_keeps_weights_history_and_mode(at, capsys):
    net = Stops(at).eval()
    before = [p.detach().clone() for p in net.parameters()]
    history = fit(net, IMAGES, LABELS, epochs=2, batch_size=32)
    assert len(history["loss"]) == at - 1 and not net.training
    said = f"stopped after {(at - 1) / 3:.2f} of 2 epochs, weights kept"
    assert said in capsys.readouterr().out
    changed = not all(map(torch.equal, before, net.parameters()))
    assert changed == (at > 1)
    fit(net, IMAGES, LABELS, epochs=1)  # and it can be run again


@pytest.mark.parametrize("part", ["augment", "loss"])
def test_an_interrupt_elsewhere_is_the_same(part, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    history = fit(model(), IMAGES, LABELS, epochs=1, **{part: stop})
    assert history == {"epoch": [], "loss": []} and "stopped after 0.00" in capsys.readouterr().out


def test_a_real_error_leaves_the_mode_and_comes_through():
    def broken(*_):
        raise RuntimeError("mine")

    net = model().eval()
    with pytest.raises(RuntimeError, match="mine"):
        fit(net, IMAGES, LABELS, epochs=1, augment=broken)
    assert not net.training


def test_shifts_are_all_nine_and_the_rest_is_zero():
    images = torch.zeros(400, 1, 5, 5)
    images[:, :, 2, 2] = 1
    moved = shift_pixels(images, torch.Generator().manual_seed(0))
    assert torch.equal(moved.sum(dim=(1, 2, 3)), torch.ones(400))
    counts = moved.sum(dim=(0, 1)).int()
    assert (counts[1:4, 1:4] > 20).all() and counts.sum() == 400
    edge = torch.ones(50, 2, 3, 4)
    for image in shift_pixels(edge, torch.Generator().manual_seed(1)):
        assert set(image.unique().tolist()) <= {0, 1} and torch.equal(image[0], image[1])


def test_devices(monkeypatch):
    assert pick_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device().type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device().type == "cpu"
    with pytest.raises(ArgumentError, match="device 'cuda' is not available here; use 'cpu'"):
        pick_device("cuda")
    with pytest.raises(ArgumentError, match="device 'mps' is not available here; use 'cpu'"):
        pick_device("mps")
    with pytest.raises(ArgumentError, match="device must be one of cuda, mps, cpu, got 'gpu'"):
        pick_device("gpu")


def test_the_clock_takes_the_quickest(monkeypatch):
    ticks = iter([0, 0.5, 0, 3, 0, 5, 0, 2])  # the first call is the warm-up
    monkeypatch.setattr(profiling.time, "perf_counter", lambda: next(ticks))
    assert time_call(lambda: None, repeats=3) == 2


GIVEN_BACK = """
import numpy as np, psutil
from course_utils.training import free_memory
rss = lambda: psutil.Process().memory_info().rss
before = rss()
blocks = [np.ones(2**13) for _ in range(3000)]  # 64 kB each: the C library keeps them
used = rss() - before
blocks = blocks[-1:]  # the last one holds the heap's end
free_memory()
print(used > 150e6 and rss() - before < 0.5 * used)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc_trim")
def test_memory_is_given_back():
    run = subprocess.run(
        [sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, check=True
    )
    assert run.stdout == "True\n"


def test_the_stopwatch_notes_each_name(monkeypatch):
    ticks = iter([0, 9, 10, 12, 20, 21])
    monkeypatch.setattr(profiling.time, "perf_counter", lambda: next(ticks))
    clock = Stopwatch()
    with clock("a"):
        pass
    with pytest.raises(ZeroDivisionError), clock("b"):
        1 / 0  # noqa: B018
    with clock("a"):
        pass
    assert clock.seconds == {"a": 1, "b": 2}


def test_a_bar_is_no_line_when_nobody_watches(capsys):
    fit(model(), IMAGES, LABELS, epochs=1)
    assert capsys.readouterr().out == ""


BAD = {  # images, labels, and what the message says
    "bytes": (IMAGES.to(torch.uint8), LABELS, "images", "use images.float() / 255"),
    "float64": (IMAGES.double(), LABELS, "images", "torch.float64", "use images.float()"),
    "float64, array": (IMAGES.double().numpy(), LABELS, "images", "use images.astype(np.float32)"),
    "without channel": (IMAGES[:, 0], LABELS, "images", "(90, 8, 8)", "use images[:, None]"),
    "channels last": (IMAGES.permute(0, 2, 3, 1), LABELS, "use images.permute(0, 3, 1, 2)"),
    "other channels": (IMAGES.repeat(1, 3, 1, 1), LABELS, "(N, 1, H, W)", "(N, 3, 8, 8)"),
    "no width": (IMAGES[..., :0], LABELS, "images", "90 images, shape"),
    "a number": (np.float32(3), LABELS, "images", "got ()"),
    "no images": (IMAGES[:0], LABELS[:0], "images", "0 images"),
    "not a number": (IMAGES * float("nan"), LABELS, "images", "NaN", "leave it out"),
    "other length": (IMAGES, LABELS[:80], "90 images and 80 labels"),
    "one-hot": (IMAGES, torch.eye(3)[LABELS], "labels", "use labels.argmax(dim=1)"),
    "a column": (IMAGES, LABELS[:, None], "labels", "use labels[:, 0]"),
    "floats": (IMAGES, LABELS.float(), "labels", "float32", "use labels.long()"),
    "negative": (IMAGES, LABELS - 1, "labels", "found -1 at"),
    "too large": (IMAGES, LABELS + 1, "labels", "0 … 2", "found 3 at"),
    "words": (IMAGES, ["cat"] * 90, "labels", "a list"),
}


@pytest.mark.parametrize("call", [evaluate, lambda *given: fit(*given, epochs=1)])
@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_named(name, call):
    images, labels, *parts = BAD[name]
    refused(lambda: call(model(), images, labels), *parts)


@pytest.mark.parametrize("size", [0, -1, 1.5, "32", True])
def test_bad_numbers_are_named(size):
    refused(lambda: fit(model(), IMAGES, LABELS, 1, size), "batch_size", f"got {size!r}")
    refused(lambda: evaluate(model(), IMAGES, LABELS, size), "batch_size", f"got {size!r}")
    refused(lambda: fit(model(), IMAGES, LABELS, epochs=size), "epochs", f"got {size!r}")


def test_what_else_is_accepted():
    history = fit(model(), IMAGES, LABELS, epochs=1, batch_size=1000)  # larger than the data
    assert len(history["loss"]) == 1
    arrays = fit(model(), IMAGES.numpy(), LABELS.tolist(), epochs=1, batch_size=1000)
    assert arrays == history
    with pytest.warns(UserWarning, match="images go from .* to .*; divide by 255"):
        evaluate(model(), IMAGES * 100, LABELS)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"learning_rate": 0}, ["learning_rate", "above 0", "got 0"]),
        ({"learning_rate": "fast"}, ["learning_rate", "got 'fast'"]),
        ({"weight_decay": -1}, ["weight_decay", "from 0", "got -1"]),
        ({"seed": None}, ["seed", "got None"]),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, ["one number", "loss(logits, labels).m"]),
    ],
)
def test_bad_settings_are_named(options, parts):
    refused(lambda: fit(model(), IMAGES, LABELS, epochs=1, **options), *parts)


@pytest.mark.parametrize("call", [evaluate, lambda *given: fit(*given, epochs=1)])
@pytest.mark.parametrize(
    ("bad", "part"),
    [
        (nn.Conv2d(1, 3, 8), "nn.Flatten"),
        (nn.Sequential(nn.Flatten(0)), "model "),
        (len, "torch.nn.Module, got builtin_function_or_method"),
    ],
)
def test_a_model_that_is_none_is_named(bad, part, call):
    refused(lambda: call(bad, IMAGES, LABELS), "model", part)


def test_a_model_without_weights_is_not_trained():
    refused(lambda: training.train(nn.Flatten(), None, []), "model", "no weights")
    refused(lambda: training.train(len, None, []), "model", "torch.nn.Module")


def test_models_may_rearrange_the_channels():
    net = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 3, 4), nn.Flatten())
    assert len(fit(net, IMAGES, LABELS, epochs=1)["loss"]) == 1


def test_a_single_step_is_a_step():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    before = net[1].weight.detach().clone()
    fit(net, IMAGES, LABELS, epochs=1)
    assert (net[1].weight - before).abs().max() > 1e-3


def test_no_batch_is_left_with_a_single_image():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.BatchNorm1d(3))
    assert len(fit(net, IMAGES[:17], LABELS[:17], epochs=1, batch_size=16)["loss"]) == 2


def test_evaluation_does_not_change_the_images():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 3))
    before = IMAGES.clone()
    evaluate(net, IMAGES, LABELS)
    assert torch.equal(IMAGES, before)


def test_a_training_that_explodes_says_so():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.warns(UserWarning, match="NaN or inf; try a lower learning_rate"):
        fit(net, IMAGES, LABELS, epochs=3, learning_rate=1e38, batch_size=10)
    nn.init.constant_(net[1].weight, float("nan"))
    with pytest.raises(ArgumentError, match="logits hold NaN"):
        evaluate(net, IMAGES, LABELS)
