"""What a network costs: parameters, multiply-adds, and seconds."""

import contextlib
import importlib.util
import platform
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from course_utils.argument_checks.arrays import whole_number
from course_utils.argument_checks.models import require_module
from course_utils.training import mode


def count_parameters(model):
    """The number of parameters of a torch module. Raises ArgumentError."""
    require_module("model", model)
    return sum(p.numel() for p in model.parameters())


def multiply_adds(model, *shape):
    """Multiply-adds of one forward pass: convolutions and matrix products, biases left out.

    shape: of one input without the batch, such as 3, 224, 224. The model may be on any device,
    "meta" included; it is left in the mode it was in. Counted by torch's FlopCounterMode, which
    counts a multiply-add as two operations.
    """
    require_module("model", model)
    shape = [whole_number("shape", side, 1) for side in shape]
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    counter = FlopCounterMode(display=False)
    with mode(model, training=False), torch.no_grad(), counter:
        model(torch.zeros(1, *shape, device=device))
    return counter.get_total_flops() // 2


class Stopwatch:
    """Notes how long named pieces of work take: `with clock("YOLO"): …`.

    seconds: dict of name → wall-clock seconds of the last time. Waits for the GPU, if there is one.
    """

    def __init__(self):
        self.seconds = {}

    @contextlib.contextmanager
    def __call__(self, name):
        _wait_for_gpu()
        start = time.perf_counter()
        try:
            yield
        finally:
            _wait_for_gpu()
            self.seconds[name] = time.perf_counter() - start


def time_call(function, repeats=15, warm_up=1):
    """Seconds of the quickest of `repeats` calls of `function()`, after `warm_up` others.

    Other programs on the machine only ever add to a call's time, so the quickest says most.
    Waits for the GPU, if there is one, before it looks at the clock.
    """
    repeats = whole_number("repeats", repeats, 1)
    warm_up = whole_number("warm_up", warm_up, 0)
    seconds = []
    for _ in range(warm_up + repeats):
        _wait_for_gpu()
        start = time.perf_counter()
        function()
        _wait_for_gpu()
        seconds.append(time.perf_counter() - start)
    return min(seconds[warm_up:])


def _wait_for_gpu():
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def processor_name(device):
    """The name of the GPU, or of the processor, for a table of times. device: a torch.device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or a processor that says nothing there
        return platform.processor() or platform.machine()


def can_compile(device):
    """Whether torch.compile can be expected to run on a device: CUDA, with Triton installed."""
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None
