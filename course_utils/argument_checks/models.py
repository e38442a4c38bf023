"""Torch modules: whether one came, and whether images fit it and a batch the memory."""

import contextlib
import math
import traceback

from torch import nn

from course_utils.argument_checks import advice
from course_utils.errors import ArgumentError

SMALL = "use larger images, or fewer layers that shrink them"
CURES = {  # part of torch's message → what helps
    "Kernel size can't be greater": SMALL,
    "Output size is too small": SMALL,
    "shapes cannot be multiplied": "use images of the size it was made for, or give its nn.Linear, "
    "after nn.Flatten(), as many inputs as reach it",
    "Expected more than 1 value per channel": "batch normalisation needs 2 images or more",
}
# in the messages of CUDA and MPS, of cuBLAS and cuDNN, of the CPU
FULL = ("out of memory", "_ALLOC_FAILED", "DefaultCPUAllocator")


def require_module(name, value, kind=nn.Module):
    """Raise ArgumentError unless the value is a torch module, or of another class, `kind`."""
    if not isinstance(value, kind):
        wanted = "torch.nn.Module" if kind is nn.Module else kind.__name__
        raise ArgumentError(f"{name} must be a {wanted}, got {type(value).__name__}")


def logits_of(model, x, given):
    """The model's answer (N, K) to a batch. Raises ArgumentError where they do not fit.

    given: the images as they came, for the words of an advice.
    """
    try:
        logits = model(x)
    except (RuntimeError, ValueError) as problem:
        sentence = _explain(str(problem), model, x, given)
        if sentence is None:
            raise
        raise ArgumentError(sentence) from None
    if logits.ndim != 2 or len(logits) != len(x):
        raise ArgumentError(
            f"model must return logits (N, K), got {tuple(logits.shape)} for {len(x)} images; "
            "end it with nn.Flatten()"
        )
    return logits


@contextlib.contextmanager
def enough_memory(batch_size):
    """Raise ArgumentError with the batch size to try where the memory does not hold a batch.

    Nothing of the batch is kept, though a notebook keeps its last error.
    """
    try:
        yield
    except RuntimeError as problem:
        if not any(words in str(problem) for words in FULL):
            raise
        traceback.clear_frames(problem.__traceback__)  # they hold the batch's arrays
        cure = f"use batch_size={batch_size // 2}"
        cure = cure if batch_size > 1 else "use smaller images or models"
        raise ArgumentError(f"batch_size {batch_size} is too much for the memory; {cure}") from None


def _explain(message, model, x, given):
    """What is wrong with the batch, and the cure; None if the error is another one."""
    first = next(
        (part for part in model.modules() if isinstance(part, nn.Conv2d | nn.Linear)), None
    )
    sides = ", ".join(map(str, x.shape[1:]))
    if isinstance(first, nn.Conv2d) and (x.ndim != 4 or x.shape[1] != first.in_channels):
        channels = first.in_channels
        hint = ""
        if x.ndim == 4 and x.shape[3] == channels:
            hint = f"; they are (N, H, W, C): use {advice.moved('images', given, 0, 3, 1, 2)}"
        side = math.isqrt(x[0].numel() // channels)
        if x.ndim == 2 and channels * side**2 == x.shape[1]:
            shape = f".reshape(-1, {channels}, {side}, {side})"
            hint = f"; use {advice.part('images', given, shape)}"
        return f"images must be (N, {channels}, H, W) for this model, got (N, {sides}){hint}"
    for part, cure in CURES.items():
        if part in message:
            why = message.splitlines()[0]
            return f"images do not fit this model, got (N, {sides}) ({why}); {cure}"
    return None
