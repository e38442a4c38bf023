"""Reads both sides of every comparison that a cell asserts or prints as a truth, while it runs.

`Reader` rewrites a cell's syntax tree, so that comparisons go through a `Record`; the notebook
stays as it is. `judge` says over many runs how far a claim stands from its bound.
"""

import ast
import math
import operator
import statistics
from dataclasses import dataclass

import numpy as np

NAME = "__claims__"  # of the Record, among the names that a cell sees
CLOSE = {"allclose": (1e-5, 1e-8), "isclose": (1e-5, 1e-8)}  # rtol, atol, NumPy's and torch's
EXACT = {"equal", "array_equal"}
OPERATORS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip
APPLY = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne, "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b, "is": lambda a, b: a is b, "is not": lambda a, b: a is not b,
}  # fmt: skip
DEVIATIONS, HALF_RANGE = 4, 0.5  # how far a claim has to stand from its bound
CLOCK = 2  # a ratio of times has this factor to spare
LAST_DIGIT = 1e-8  # relative; what varies by less does not vary


class Reader(ast.NodeTransformer):
    """Sends the comparisons of one cell through the Record: `Reader(cell ID).visit(tree)`.

    `sources` is then a dict of key → the comparison's text; a key is "ID:number", in the order in
    which they stand.
    """

    def __init__(self, cell):
        self.cell, self.sources, self._claimed = cell, {}, False

    def _key(self, node):
        key = f"{self.cell}:{len(self.sources)}"
        self.sources[key] = ast.unparse(node)
        return ast.Constant(key)

    def _within(self, node):
        """The node, with comparisons in it sent through the Record."""
        before, self._claimed = self._claimed, True
        node = self.visit(node)
        self._claimed = before
        return node

    def visit_Assert(self, node):
        """Never raises: a run goes on to the next claim."""
        return ast.copy_location(ast.If(self._truth(node.test), [ast.Pass()], []), node)

    def visit_Assign(self, node):
        top = node.value
        truths = isinstance(top, ast.Compare | ast.BoolOp) or _closeness(top)
        node.value = self._within(top) if truths else self.visit(top)
        return node

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id == "print":
            node.args = [self._printed(argument) for argument in node.args]
            return node
        if self._claimed and _closeness(node):
            key = self._key(node)
            name = ast.Constant(node.func.attr)
            call = _call("close", key, name, node.func, *node.args)
            call.keywords = node.keywords
            self.generic_visit(call)
            return ast.copy_location(call, node)
        return self.generic_visit(node)

    def _printed(self, argument):
        if isinstance(argument, ast.Constant | ast.Starred):
            return argument
        if isinstance(argument, ast.JoinedStr):
            return self._within(argument)
        return self._truth(argument)

    def _truth(self, node):
        """What is asserted or printed: a comparison, or something else that may be a truth."""
        if isinstance(node, ast.Compare) or _closeness(node):
            return self._within(node)
        key = self._key(node)
        return ast.copy_location(_call("shown", key, self._within(node)), node)

    def visit_Compare(self, node):
        if not self._claimed:
            return self.generic_visit(node)
        key = self._key(node)
        signs = ast.Constant(tuple(OPERATORS[type(sign)] for sign in node.ops))
        self.generic_visit(node)
        return ast.copy_location(_call("compare", key, signs, node.left, *node.comparators), node)


def _call(method, *arguments):
    function = ast.Attribute(ast.Name(NAME, ast.Load()), method, ast.Load())
    return ast.Call(function, list(arguments), [])


def _closeness(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {*CLOSE, *EXACT}
    )


def rewritten(cell, source):
    """(tree to run, dict of key → text) of a cell's source."""
    reader = Reader(cell)
    tree = reader.visit(ast.parse(source))
    return ast.fix_missing_locations(tree), reader.sources


class Record:
    """What the comparisons of one run were: `found` is a dict of key → list of [left, right, sign].

    left and right are floats, or None where a side is no number; a comparison that comes several
    times, as in a loop, keeps its least and its greatest distance, and every outcome.
    """

    def __init__(self):
        self.found = {}

    def _keep(self, key, sign, left, right, outcome):
        numbers = _number(left), _number(right)
        entry = self.found.setdefault(key, {"sign": sign, "least": None, "most": None, "truth": ""})
        if len(entry["truth"]) < 10_000:
            entry["truth"] += "T" if outcome else "F"
        distance = _distance(sign, *numbers)
        if distance is None or math.isnan(distance):
            return
        for name, better in (("least", operator.lt), ("most", operator.gt)):
            if entry[name] is None or better(distance, _distance(sign, *entry[name])):
                entry[name] = numbers

    def compare(self, key, signs, left, *others):
        """The outcome of a comparison, or of a chain of them."""
        outcome = True
        for place, (sign, right) in enumerate(zip(signs, others, strict=True)):
            one = APPLY[sign](left, right)
            if np.ndim(one) == 0:
                a, b = _first_that_differs(left, right)
                self._keep(f"{key}.{place}" if len(signs) > 1 else key, sign, a, b, bool(one))
            outcome = one if place == 0 else outcome and one
            left = right
        return outcome

    def close(self, key, name, function, *arguments, **options):
        """The outcome of allclose, equal and the like; kept is the difference in tolerances."""
        outcome = function(*arguments, **options)
        if np.ndim(outcome) == 0:
            ratio = None if name in EXACT else _in_tolerances(name, *arguments, **options)
            self._keep(key, "<=", ratio, None if ratio is None else 1.0, bool(outcome))
        return outcome

    def shown(self, key, value):
        """A value that is printed or asserted; kept if it is a truth."""
        kind = str(getattr(value, "dtype", type(value).__name__))
        if kind in ("bool", "torch.bool") and np.ndim(value) == 0:
            self._keep(key, "is", None, None, bool(value))
        return value


def _number(value):
    try:
        if isinstance(value, str | bytes) or np.ndim(value) or np.size(value) != 1:
            return None
        return float(f"{float(value):.9g}")
    except (TypeError, ValueError, RuntimeError):
        return None


def _first_that_differs(left, right):
    """Of tuples and lists, which compare by their first difference, that pair."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        for a, b in zip(left, right, strict=False):
            if np.ndim(a) == np.ndim(b) == 0 and a != b:
                return a, b
    return left, right


def _distance(sign, left, right):
    """How far the comparison is from being the other way round; above 0 where it is true."""
    if left is None or right is None:
        return None
    if sign in ("<", "<="):
        return right - left
    if sign in (">", ">="):
        return left - right
    return -abs(left - right) if sign in ("==", "is") else abs(left - right)


def _in_tolerances(name, left, right, *given, **options):
    rtol, atol = CLOSE[name]
    rtol = options.get("rtol", given[0] if given else rtol)
    atol = options.get("atol", given[1] if len(given) > 1 else atol)
    try:
        left, right = (np.asarray(_plain(side), dtype=float) for side in (left, right))
        if not left.size:
            return 0.0
        return float(np.max(np.abs(left - right) / (atol + rtol * np.abs(right) + 1e-300)))
    except (TypeError, ValueError):
        return None


def _plain(side):
    return side.detach().cpu().double().numpy() if hasattr(side, "detach") else side


@dataclass
class Claim:
    """A comparison over many runs. low, middle, high: of its value; bound: what it is held against.

    deviations: how many standard deviations, ranges: how many ranges the claim stands from its
    bound; inf where it does not vary. holds: far enough.
    """

    text: str
    sign: str
    bound: str
    low: float
    middle: float
    high: float
    deviations: float
    ranges: float
    true_in: int
    runs: int
    varies: bool
    factor: float = math.inf  # how many times the larger side is the other, in the closest run
    clock: bool = False  # whether times are compared, where the factor counts, not deviations

    @property
    def holds(self):
        if self.true_in != self.runs:
            return False
        if self.clock:
            return self.factor >= CLOCK
        far = self.deviations >= DEVIATIONS and self.ranges >= HALF_RANGE
        return far or not self.varies


def judge(text, entries, clock=False):
    """A Claim out of one comparison's entries, one a run, as `Record.found` has them.

    What the first run says is what is claimed: a truth, or that it is none. clock: see `Claim`.
    """
    claimed = entries[0]["truth"]
    same = sum(entry["truth"] == claimed for entry in entries)
    sign = entries[0]["sign"]
    worst = "most" if set(claimed) == {"F"} else "least"
    pairs = [entry[worst] for entry in entries]
    flat = Claim(text, sign, "", math.nan, math.nan, math.nan, math.inf, math.inf, same,
                 len(entries), same != len(entries))  # fmt: skip
    if any(pair is None for pair in pairs) or set(claimed) == {"T", "F"}:
        return flat
    lefts, rights = zip(*pairs, strict=True)
    direction = -1 if worst == "most" else 1
    distances = [direction * _distance(sign, *pair) for pair in pairs]
    if not _spread(lefts) and not _spread(rights):
        return flat
    if not _spread(rights):
        values, bound = lefts, f"{sign} {rights[0]:.4g}"
    elif not _spread(lefts):
        values, bound = rights, f"{lefts[0]:.4g} {sign}"
    else:
        values, bound = [a - b for a, b in pairs], f"difference {sign} 0"
    spread = max(distances) - min(distances)
    deviation = statistics.stdev(distances)
    return Claim(
        text, sign, bound, min(values), statistics.median(values), max(values),
        statistics.mean(distances) / deviation if deviation else math.inf,
        min(distances) / spread if spread else math.inf,
        same, len(entries), True, min(_factor(*pair) for pair in pairs), clock,
    )  # fmt: skip


def _factor(left, right):
    small, large = sorted((abs(left), abs(right)))
    return large / small if small else math.inf


def _spread(values):
    size = max(map(abs, values))
    return max(values) - min(values) > LAST_DIGIT * size
