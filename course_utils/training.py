"""Training and evaluating torch models: the finished form of the loop that chapter 2 types."""

import contextlib
import statistics
import time
import warnings

import numpy as np
import torch
from torch.nn import functional

from course_utils.arguments import as_array, as_labels, whole_number
from course_utils.errors import ArgumentError, require_option
from course_utils.progress import progress

DEVICES = ("cuda", "mps", "cpu")


def pick_device(name=None):
    """The device called `name`; without a name the best one here: CUDA, else Apple's, else CPU.

    Raises ArgumentError for a device that is not there, with the one to use.
    """
    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    best = next(device for device in DEVICES if here[device])
    if name is None:
        return torch.device(best)
    require_option("device", name, DEVICES)
    if not here[name]:
        raise ArgumentError(f"device {name!r} is not available here; use {best!r}")
    return torch.device(name)


def fit(model, images, labels, epochs, batch_size=256, learning_rate=0.01, weight_decay=0.01,
        loss=functional.cross_entropy, augment=None, seed=0, bfloat16=None):  # fmt: skip
    """Train a classifier in place with AdamW, its learning rate rising once and falling.

    model: a torch module (N, …) → logits (N, K), trained on the device where it is.
    images: (N, …) float32 tensor, on any device. labels: (N,) whole numbers 0 … K − 1.
    loss: function of (logits, labels) → a scalar. augment: function of (images, generator) →
    images, on the model's device. seed: of the order of the images and of the generator.
    bfloat16: compute in that shorter type; None: where the device has instructions for it.
    Returns the history: a dict of "epoch" (how far, a float a step) and "loss" (of each step).
    An interrupt ends the training early: weights and history are kept, and a line says so.
    Raises ArgumentError for data or numbers that cannot be meant.
    """
    epochs = whole_number("epochs", epochs, 1)
    batch_size = whole_number("batch_size", batch_size, 1)
    images, labels = _as_data(images, labels)
    _check_channels(model, images)
    device = next(model.parameters()).device
    draw, order = torch.Generator(device).manual_seed(seed), torch.Generator().manual_seed(seed)
    batches = -(-len(images) // batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, epochs * batches)
    losses = []
    with _mode(model, training=True):
        try:
            for step in progress(range(epochs * batches), "training"):
                if step % batches == 0:
                    shuffled = torch.randperm(len(images), generator=order).split(batch_size)
                batch = shuffled[step % batches]
                x, y = images[batch].to(device), labels[batch].to(device)
                with _precision(device, bfloat16):
                    logits = model(augment(x, draw) if augment else x)
                    if step == 0:
                        as_labels(labels, len(images), logits.shape[1])
                    value = loss(logits.float(), y)
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                schedule.step()
                losses.append(value.detach())
        except KeyboardInterrupt:
            print(f"stopped after {len(losses) / batches:.2f} of {epochs} epochs, weights kept")
    history = torch.stack(losses).tolist() if losses else []
    return {"epoch": [(step + 1) / batches for step in range(len(history))], "loss": history}


def evaluate(model, images, labels, batch_size=1000):
    """The share of images, 0 … 1, whose largest logit is at their label.

    model, images, labels: as in `fit`. Works through the images batch_size at a time, in
    evaluation mode, without gradients; the model is left in the mode it was in.
    """
    batch_size = whole_number("batch_size", batch_size, 1)
    images, labels = _as_data(images, labels)
    _check_channels(model, images)
    device = next(model.parameters()).device
    right = 0
    with _mode(model, training=False), torch.inference_mode():
        for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            logits = model(x.to(device))
            as_labels(y, len(y), logits.shape[1])
            right += int((logits.argmax(1) == y.to(device)).sum())
    return right / len(images)


def shift_pixels(images, generator):
    """Move each image by −1, 0 or 1 pixels down and right, zeros moving in (L1.08, chapter 3).

    images: (N, C, H, W). generator: a torch.Generator on the images' device.
    """
    n, _, height, width = images.shape
    padded = functional.pad(images, (1, 1, 1, 1))
    moved = torch.empty_like(images)
    place = torch.randint(9, (n,), generator=generator, device=images.device)
    for index in range(9):
        down, right = divmod(index, 3)
        chosen = place == index
        moved[chosen] = padded[chosen, :, down : down + height, right : right + width]
    return moved


def short_type_is_quick(device):
    """Whether the device has instructions of its own for bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # private in torch: where a version does not have it, float32 does
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and asked()


def _precision(device, bfloat16):
    wanted = short_type_is_quick(device) if bfloat16 is None else bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


@contextlib.contextmanager
def _mode(model, training):
    """The model in training or evaluation mode, and afterwards as every part of it was."""
    before = [(part, part.training) for part in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for part, mode in before:
            part.training = mode


def _check_channels(model, images):
    """Refuse images whose channels are not where the model's first convolution wants them."""
    first = next((part for part in model.modules() if isinstance(part, torch.nn.Conv2d)), None)
    if first is None or images.ndim != 4 or images.shape[1] == first.in_channels:
        return
    last = images.shape[3] == first.in_channels
    raise ArgumentError(
        f"images must be (N, {first.in_channels}, H, W) for this model, got {tuple(images.shape)}"
        + ("; they are (N, H, W, C): use images.permute(0, 3, 1, 2)" if last else "")
    )


def _as_data(images, labels):
    """Images as a tensor of float32 and labels as one of int64, of the same length, not empty."""
    if not isinstance(images, torch.Tensor):
        images = torch.as_tensor(np.ascontiguousarray(as_array("images", images)))
    if not isinstance(labels, torch.Tensor):
        labels = torch.as_tensor(np.ascontiguousarray(as_array("labels", labels)))
    if images.dtype != torch.float32:
        fix = "images.float()" + ("" if images.dtype.is_floating_point else " / 255")
        raise ArgumentError(f"images must be float32, got {images.dtype}; use {fix}")
    if images.ndim == 3:
        raise ArgumentError(
            f"images must be (N, C, H, W) or (N, D), got {tuple(images.shape)}; use images[:, None]"
        )
    if not len(images):
        raise ArgumentError("images is empty: 0 images")
    if labels.ndim == 1 and len(labels) != len(images):
        raise ArgumentError(f"there are {len(images)} images and {len(labels)} labels")
    as_labels(labels, len(images), 2**31)  # how many classes there are, the logits will tell
    low, high = (float(value) for value in images.aminmax())
    if not np.isfinite((low, high)).all():
        raise ArgumentError("images hold NaN or inf")
    if high > 100:
        warnings.warn(f"images go from {low:g} to {high:g}; divide by 255?", stacklevel=3)
    return images, labels.long()


def time_call(function, repeats=15, warm_up=1):
    """Median seconds of `function()`, after `warm_up` calls that are not counted.

    Waits for the GPU, if there is one, before it looks at the clock.
    """
    whole_number("repeats", repeats, 1)
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    seconds = []
    for _ in range(warm_up + repeats):
        wait()
        start = time.perf_counter()
        function()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[warm_up:])
