"""What a network costs: parameters and multiply-adds."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from course_utils.arguments import whole_number
from course_utils.errors import ArgumentError
from course_utils.training import mode


def count_parameters(model, trainable=False):
    """The number of parameters of a torch module. trainable: only those that are trained."""
    if not isinstance(model, torch.nn.Module):
        raise ArgumentError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


def multiply_adds(model, *shape):
    """Multiply-adds of one forward pass: convolutions and matrix products, biases left out.

    shape: of one input without the batch, such as 3, 224, 224. The model may be on any device,
    "meta" included; it is left in the mode it was in. Counted by torch's FlopCounterMode, which
    counts a multiply-add as two operations.
    """
    count_parameters(model)
    shape = [whole_number("shape", side, 1) for side in shape]
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    counter = FlopCounterMode(display=False)
    with mode(model, training=False), torch.no_grad(), counter:
        model(torch.zeros(1, *shape, device=device))
    return counter.get_total_flops() // 2
