"""Tensors copied from a network that is right into a student's, so that outputs can be compared."""

from collections import Counter

import torch
from torch import nn

from course_utils.exercises.engine import Unmeasurable

MADE = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)


def tensors(network):
    """Pairs of a key and a tensor; the key says whose it is, its name and its shape."""
    found = []
    for part in network.modules():
        kind = next((k for k in MADE if isinstance(part, k)), type(part))
        own = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
        found += [((kind, name, tuple(tensor.shape)), tensor.data) for name, tensor in own]
    return found


def randomise(network):
    """Draw statistics, γ and β; tensors of one kind and shape become equal, in whatever order."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight.data, part.running_var):
                tensor.uniform_(0.5, 2)
            for tensor in (part.bias.data, part.running_mean):
                tensor.normal_()
    alike = {}  # equal where the shapes are: the order in which layers are made is free
    for key, tensor in tensors(network):
        tensor.copy_(alike.setdefault(key, tensor))
    return network.eval()


def shapes(network):
    """Counter of the shapes of a network's parameters."""
    return Counter(tuple(weight.shape) for weight in network.parameters())


def plain_problem(mine, theirs):
    """One sentence on parameters that no exercise's own advice fits, or None."""
    if not shapes(mine):
        return "it has no parameters: layers in a plain list are not found, nn.Sequential is"
    convolutions = [part for part in mine.modules() if isinstance(part, nn.Conv2d)]
    if any(part.bias is not None for part in convolutions):
        return "a convolution before batch normalisation needs no bias"
    kinds = (Counter(key for key, _ in tensors(network)) for network in (mine, theirs))
    if shapes(mine) == shapes(theirs) and next(kinds) != next(kinds):
        return "batch normalisation has to keep its running mean and variance"
    return None


def other_shapes(mine, theirs, whose):
    """One sentence on the first shape that a network has too often, or lacks."""
    own, wanted = shapes(mine), shapes(theirs)
    more, fewer = next(iter(own - wanted), None), next(iter(wanted - own), None)
    problem = f"it has {own.total()} parameter tensors, {whose} has {wanted.total()}"
    problem += f"; {more} is one too many" if more else ""
    return problem + (f"; one of {fewer} is missing" if fewer else "")


def outputs(mine, theirs, x):
    """What a network says to x with the tensors of another, in evaluation mode."""
    wanted = dict(tensors(theirs))
    for key, tensor in tensors(mine):
        if key not in wanted:
            raise Unmeasurable(f"it has a tensor of shape {key[2]} that is not asked for")
        tensor.data.copy_(wanted[key])
    with torch.no_grad():
        return mine.eval()(x)
