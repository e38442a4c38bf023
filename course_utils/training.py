"""Training and evaluating torch models: the finished form of the loop that chapter 2 types."""

import contextlib
import ctypes
import gc
import warnings

import numpy as np
import torch
from torch.nn import functional

from course_utils.argument_checks import advice
from course_utils.argument_checks.arrays import as_array, as_labels, finite_number, whole_number
from course_utils.argument_checks.models import enough_memory, logits_of, require_module
from course_utils.argument_checks.tensors import look_at_pixels, require_floats
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


def train(model, loss_of, batches, learning_rate=0.02, weight_decay=0.01, fused=True,
          epochs=None, scaler=None):  # fmt: skip
    """Train in place with AdamW, its learning rate rising once and falling; the loss of each step.

    The finished form of the loop that chapter 4 types; `fit` and the trainings of segmentation
    stand on it. model: a torch module, trained on the device where it is.
    loss_of: function of the indices of a batch → its loss, a scalar tensor.
    batches: the indices (B,) of each step, a list. learning_rate: the highest. fused: AdamW's own.
    epochs: how often the batches go through the data; an interrupt then counts epochs, not steps.
    scaler: a torch.amp.GradScaler, for gradients in float16; None takes them as they are.
    Returns a list of floats. An interrupt ends the training early: the weights and the losses are
    kept, and a line says so. Afterwards every part of the model is in the mode it was in.
    Raises ArgumentError.
    """
    require_module("model", model)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if not weights:
        raise ArgumentError("model has no weights to train (requires_grad is False for all)")
    optimizer = torch.optim.AdamW(weights, learning_rate, weight_decay=weight_decay, fused=fused)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, len(batches) + 1)
    losses = []
    with mode(model, training=True):
        try:
            for batch in progress(batches, "training"):
                optimizer.zero_grad()
                loss = loss_of(batch)
                if scaler is None:
                    loss.backward()
                    optimizer.step()
                else:  # times a large number, so that small gradients are not 0 in float16
                    scaler.scale(loss).backward()
                    scaler.step(optimizer)  # divided by it again; left out where one is inf
                    scaler.update()
                schedule.step()
                losses.append(loss.detach())
        except KeyboardInterrupt:
            done = f"{len(losses)} of {len(batches)} steps"
            if epochs is not None:
                done = f"{len(losses) / (len(batches) // epochs):.2f} of {epochs} epochs"
            print(f"stopped after {done}, weights kept")
    return torch.stack(losses).tolist() if losses else []


def fit(model, images, labels, epochs, batch_size=256, learning_rate=0.01, weight_decay=0.01,
        loss=functional.cross_entropy, augment=None, seed=0, bfloat16=None):  # fmt: skip
    """Train a classifier in place, as `train` does.

    model: a torch module (N, …) → logits (N, K), trained on the device where it is.
    images: (N, C, H, W) or (N, D) float32, on any device. labels: (N,) whole numbers 0 … K − 1.
    batch_size: the largest; all batches are about equally large.
    loss: function of (logits, labels) → a scalar. augment: function of (images, generator) →
    images, on the model's device. seed: of the order of the images and of the generator. (Dropout
    draws from torch's own: call torch.manual_seed before, where the model is made.)
    bfloat16: compute in that shorter type; None: in the one of 16 bits that `short_type` names, if
    any. With float16 the loss is scaled (torch.amp.GradScaler).
    Returns the history: a dict of "epoch" (how far, a float a step) and "loss" (of each step).
    An interrupt ends the training early: weights and history are kept, and a line says so.
    Raises ArgumentError for data, numbers or a model that cannot be meant.
    """
    epochs = whole_number("epochs", epochs, 1)
    batch_size = whole_number("batch_size", batch_size, 1)
    seed = whole_number("seed", seed, 0)
    finite_number("learning_rate", learning_rate)
    finite_number("weight_decay", weight_decay, zero=True)
    given = images
    images, labels = _as_data(images, labels)
    require_module("model", model)
    device = next((weight.device for weight in model.parameters()), images.device)
    draw = torch.Generator(device).manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    steps = -(-len(images) // batch_size)  # of each epoch
    orders = [torch.randperm(len(images), generator=order) for _ in range(epochs)]
    batches = [batch for each in orders for batch in each.tensor_split(steps)]
    largest = int(labels.max())
    short = short_type(device) if bfloat16 is None else torch.bfloat16 if bfloat16 else None
    scaler = torch.amp.GradScaler(device.type) if short == torch.float16 else None

    def loss_of(batch):
        x = images[batch].to(device)
        with torch.autocast(device.type, short or torch.bfloat16, enabled=short is not None):
            logits = logits_of(model, augment(x, draw) if augment else x, given)
            if largest >= logits.shape[1]:
                as_labels(labels, len(images), logits.shape[1])
            value = loss(logits.float(), labels[batch].to(device))
        if value.ndim:
            raise ArgumentError(
                f"loss must return one number, got shape {tuple(value.shape)}; use "
                "lambda logits, labels: loss(logits, labels).mean()"
            )
        return value

    with enough_memory(batch_size):
        history = train(model, loss_of, batches, learning_rate, weight_decay,
                        True if scaler else None, epochs, scaler)  # fmt: skip
    if not np.isfinite(history).all():
        warnings.warn("the loss became NaN or inf; try a lower learning_rate", stacklevel=2)
    return {"epoch": [(step + 1) / steps for step in range(len(history))], "loss": history}


def evaluate(model, images, labels, batch_size=1000):
    """The share of images, 0 … 1, whose largest logit is at their label.

    model, images, labels: as in `fit`. Works through the images batch_size at a time, in
    evaluation mode, without gradients; the model is left in the mode it was in.
    """
    batch_size = whole_number("batch_size", batch_size, 1)
    given = images
    images, labels = _as_data(images, labels)
    require_module("model", model)
    device = next((weight.device for weight in model.parameters()), images.device)
    right = 0
    with mode(model, training=False), torch.inference_mode():
        for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            with enough_memory(batch_size):
                logits = logits_of(model, x.to(device, copy=True), given)  # it may work in place
            as_labels(y, len(y), logits.shape[1])
            if logits.isnan().any():
                raise ArgumentError("the model's logits hold NaN: its training went wrong")
            right += int((logits.argmax(1) == y.to(device)).sum())
    return right / len(images)


def shift_pixels(images, generator):
    """Move each image by −1, 0 or 1 pixels down and right, its edge repeated (L1.08).

    images: (N, C, H, W). generator: a torch.Generator on the images' device.
    """
    require_floats("images", images, pixels=True)
    if images.ndim != 4:
        hint = "; use images[:, None]" if images.ndim == 3 else ""
        raise ArgumentError(f"images must be (N, C, H, W), got {tuple(images.shape)}{hint}")
    n, _, height, width = images.shape
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    moved = torch.empty_like(images)
    place = torch.randint(9, (n,), generator=generator, device=images.device)
    for index in range(9):
        down, right = divmod(index, 3)
        chosen = place == index
        moved[chosen] = padded[chosen, :, down : down + height, right : right + width]
    return moved


def free_memory():
    """Give back to the system what is no longer used: Python's, the GPU's, and the C library's.

    Where the C library has no `malloc_trim` (it is glibc's), its part is left out.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def short_type(device):
    """The type of 16 bits for which a device has instructions of its own: bfloat16 before float16.

    bfloat16 has the range of float32, so that nothing else changes; float16, on NVIDIA GPUs from
    Volta on (2017), has a small one, and its gradients need a torch.amp.GradScaler. None elsewhere.
    """
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16
        return torch.float16 if torch.cuda.get_device_capability(device) >= (7, 0) else None
    # private in torch: where a version does not have it, float32 does
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.bfloat16 if device.type == "cpu" and supported() else None


def short_type_is_quick(device):
    """Whether the device has instructions of its own for a type of 16 bits (`short_type`)."""
    return short_type(device) is not None


@contextlib.contextmanager
def mode(model, training):
    """Put a model into training or evaluation mode; afterwards every part is as it was.

    So are torch's own switches, which an interrupt at a bad moment would leave turned: then the
    next training had no gradients, or computed with the short copies of old weights.
    """
    before = [(part, part.training) for part in model.modules()]
    gradients = torch.is_grad_enabled()
    short = {device: torch.is_autocast_enabled(device) for device in DEVICES}
    depth = min(torch.autocast_increment_nesting(), torch.autocast_decrement_nesting())

    def restore():
        torch.set_grad_enabled(gradients)
        while min(torch.autocast_increment_nesting(), torch.autocast_decrement_nesting()) > depth:
            torch.autocast_decrement_nesting()
        if not depth:
            torch.clear_autocast_cache()  # the short copies of the weights
        for device, enabled in short.items():
            torch.set_autocast_enabled(device, enabled)
        for part, was_training in before:
            part.training = was_training

    try:
        model.train(training)
        yield
        restore()
    except BaseException:  # also an interrupt while it restores
        restore()
        raise


def _as_data(images, labels):
    """Images as a tensor of float32 and labels as one of int64, of the same length, not empty."""
    given = images
    if not isinstance(images, torch.Tensor):
        images = torch.tensor(as_array("images", images))
    images = images.detach()
    if images.dtype != torch.float32:
        whole = not images.is_floating_point() and images.dtype != torch.bool
        fix = (advice.divided if whole else advice.cast)("images", given, np.float32)
        raise ArgumentError(f"images must be float32, got {images.dtype}; use {fix}")
    if images.ndim not in (2, 4):
        hint = f"; use {advice.part('images', given, '[:, None]')}" if images.ndim == 3 else ""
        raise ArgumentError(
            f"images must be (N, C, H, W) or (N, D), got {tuple(images.shape)}{hint}"
        )
    if not images.numel():
        raise ArgumentError(
            f"images is empty: {len(images)} images, shape {tuple(images.shape)}; look at what "
            "chose them"
        )
    numbers = as_array("labels", labels)
    if numbers.ndim == 1 and len(numbers) != len(images):
        raise ArgumentError(
            f"there are {len(images)} images and {len(numbers)} labels; take as many of each"
        )
    as_labels(labels, len(images))  # the number of classes comes with the logits
    labels = labels if isinstance(labels, torch.Tensor) else torch.tensor(numbers)
    look_at_pixels("images", images)
    return images, labels.long()
