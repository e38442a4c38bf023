"""What an exception of Python, NumPy or torch in a student's answer means, and what to look at."""

import inspect
import re
import traceback

_WHOLE = "a whole number is wanted in this line, and a float came: use `//`, or `int(…)`"
_SHAPES = "add a line before this one that prints both shapes"
_FIT = (
    "two arrays meet that do not fit together: each pair of axes, counted from the last, has to be "
    "equally long, or one of the two 1; add a line before this one that prints both shapes"
)
_SENTENCES = {  # the first whose pattern is in the message; {} are the pattern's groups
    "broadcast": (re.compile(r"could not be broadcast|The size of tensor a"), _FIT),
    "written": (
        re.compile(r"could not broadcast input array"),
        f"what is written and the place into which it is written differ in size; {_SHAPES}",
    ),
    "reshape": (
        re.compile(r"cannot reshape array of size (\d+)"),
        "the array has {} values, and the new shape needs another number of them: print the "
        "array's shape, and multiply the lengths of the new one",
    ),
    "matmul": (
        re.compile(r"size \d+ is different from|not aligned|shapes cannot be multiplied"),
        f"the two factors of a matrix product do not fit together; {_SHAPES}",
    ),
    "transpose": (
        re.compile(r"axes don't match array|number of dimensions in the tensor input"),
        "a transpose names each axis of the array once; print its shape",
    ),
    "range": (
        re.compile(r"integer (-?\d+) out of bounds for (u?int\d+)"),
        "the dtype {1} cannot hold {0}: change the array's dtype before this line, for example "
        "with `.astype(int)`",
    ),
    "index": (
        re.compile(r"(?<!-)\b\d+ is out of bounds for (?:axis|dimension)|index out of range"),
        "an index is too large: the last one is the length − 1",
    ),
    "axis": (
        re.compile(r"out of bounds for array of dimension|too many indices"),
        "the array has fewer axes than this line names; print its shape",
    ),
    "unpack": (
        re.compile(r"(not enough|too many) values to unpack"),
        "the line unpacks another number of values than there are; print them, or the shape",
    ),
    "places": (
        re.compile(
            r"only integer scalar arrays|ndices must be integers or slices, not (list|tuple)"
        ),
        "a list takes one whole number as its index; `np.array(…)` of it takes several",
    ),
    "empty": (
        re.compile(r"arrays used as indices must be"),
        "the indices are floats, and an array of an empty list has floats, too: name the dtype",
    ),
    "nothing": (
        re.compile(r"zero-size array to reduction|of an empty sequence"),
        "this line asks for the largest or smallest number of an empty array: what should come "
        "out when there are no numbers?",
    ),
    "float": (
        re.compile(
            r"only integers, slices|ndices must be integers or (?:None|slices, not \S*float)|"
            r"must be of integral type"
        ),
        _WHOLE,
    ),
    "count": (
        re.compile(r"float\d*' object cannot be interpreted|expected a sequence of integers"),
        _WHOLE,
    ),
    "truth": (
        re.compile(r"truth value of an array|Boolean value of Tensor"),
        "an `if`, an `assert`, an `and` and Python's own `max` and `min` need one truth value, and "
        "an array gives one for each of its numbers; `np.allclose` compares two arrays",
    ),
    "in place": (
        re.compile(r"Cannot cast ufunc|can't be cast"),
        "`+=` and its like keep the array's dtype; change it first, or make a new array",
    ),
    "window": (
        re.compile(r"window shape cannot be larger"),
        f"the window is larger than the array; {_SHAPES}",
    ),
    "tensor": (
        re.compile(r"must be Tensor, not|got \(numpy.ndarray"),
        "torch's functions take tensors, and no arrays, lists or tuples",
    ),
    "batch": (re.compile(r"Expected 3D .* or 4D"), "torch takes pictures as (N, C, H, W)"),
    "gradient": (
        re.compile(r"does not require grad"),
        "this loss has lost its way back to the weights: `.item()`, `.detach()` or NumPy comes "
        "before `backward`",
    ),
    "dtypes": (
        re.compile(r"same dtype|expected scalar type|should be the same"),
        "two tensors of different dtypes meet; print both, and convert one of them",
    ),
    "operation": (
        re.compile(r"not implemented for '(\w+)'"),
        "torch has no such operation on tensors of this dtype ({}): are two arguments exchanged?",
    ),
    "name": (
        re.compile(r"name '(\w+)' is not defined"),
        "nothing is called `{}` here: is the name misspelt, or has its cell not been run yet?",
    ),
    "none": (
        re.compile(r"'NoneType'"),
        "something in this line is None: does a function that it calls return nothing?",
    ),
    "list": (
        re.compile(r"'(list|tuple)' object has no attribute"),
        "a {} is no array; `np.array(…)` makes one of it",
    ),
    "lists": (
        re.compile(r"unsupported operand.*'(list|tuple)'|multiply sequence"),
        "lists and tuples have no arithmetic; take a loop, or `np.array(…)`",
    ),
    "array": (
        re.compile(r"'(numpy.ndarray|Tensor)' object has no attribute"),
        "NumPy's arrays and torch's tensors have different methods; print the type of what came",
    ),
    "attribute": (
        re.compile(r"'(\w+)' object has no attribute '(\w+)'"),
        "the type {} has no `{}`: are the arguments in the right order?",
    ),
    "arguments": (
        re.compile(r"positional argument"),
        "a function gets the arguments that its first line names, in their order: compare "
        "the call in this line with that first line",
    ),
}


def _has(said, part):
    return part.search(said) if isinstance(part, re.Pattern) else part in said


def explained(said, own):
    """What to say of an exception in an answer: a list of sentences, empty if nothing is known.

    said: the exception's name and message. own: dict of a part of the message, or a pattern of
    `re`, → a sentence, what the exercise itself knows; only where it knows nothing the general
    sentences are taken.
    """
    if found := [sentence for part, sentence in own.items() if _has(said, part)]:
        return found
    for pattern, sentence in _SENTENCES.values():
        if match := pattern.search(said):
            return [sentence.format(*match.groups())]
    return []


def line_of_cell(problem, function):
    """Where in the student's own code an exception was raised, in brackets; or "".

    That is a line of the answer's cell, or of another cell, in a function that it calls.
    """
    file, names = written_in(function)
    line, inner = None, None
    for frame, number in traceback.walk_tb(problem.__traceback__):
        code = frame.f_code
        if code.co_filename == file:
            line, inner = number, None
        elif line and frame.f_globals is names:
            inner = f"line {number} of the cell of `{code.co_name}`"
    if inner:
        return f" ({inner}, which line {line} of the cell calls)"
    return f" (line {line} of the cell)" if line else ""


def written_in(function):
    """The file or cell in which an answer was written, and its global names; None for no Python."""
    if inspect.isclass(function):  # its methods are what ran
        function = next(filter(inspect.isfunction, vars(function).values()), function)
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    return file, getattr(function, "__globals__", None)
