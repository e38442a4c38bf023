"""Advices followed to the letter: what stands after "use" in an error, evaluated."""

import re

import numpy as np
import torch

from course_utils.errors import ArgumentError


def advised(message):
    """The code that a message advises, None without one."""
    code = re.search(r"\buse (.+)$", message)
    return code and code[1]


def follow(call, name, value, known=(), seen=lambda message: None, optional=False):
    """Call, read the advice, evaluate it with the name bound, call again, until nothing is said.

    call: function of the value, and of options, such as vmin, that an advice may give. known: a
    dict of further names. seen: called with each message. optional: a message without an advice
    ends it, too. Returns what the last call returns.
    """
    options, bound = {}, {"np": np, "torch": torch, **dict(known)}
    for _ in range(5):
        try:
            return call(value, **options)
        except ArgumentError as problem:
            message = str(problem)
        code = advised(message)
        if code is None and optional:
            return None
        assert code, f"no advice in: {message}"
        seen(message)
        if re.match(r"\w+=(?!=)", code):
            options = eval(f"dict({code})", bound)
        elif name.isidentifier():
            value = eval(code, bound | {name: value})
        else:
            value = eval(code.replace(name, "it"), bound | {"it": value})
    raise AssertionError(f"it never ends: {message}")
