"""Mutants: a function of a module, changed in one place. For `benchmarks/mutations.py`."""

import ast
import copy
import inspect
from collections import Counter

SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Div, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def changes(node):
    """What may stand in a node's place."""
    with_part = lambda **parts: copy.copy(node).__class__(**{**vars(node), **parts})  # noqa: E731
    match node:
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
        case ast.Constant(value=str()) if " " not in node.value:  # else a sentence: wording
            yield ast.Constant(node.value + "XX")
        case ast.UnaryOp():
            yield node.operand
        case ast.If() | ast.IfExp():
            yield from (with_part(test=ast.Constant(value)) for value in (True, False))
        case ast.comprehension() if node.ifs:
            yield with_part(ifs=[])
        case ast.Lambda():
            yield with_part(body=ast.Constant(None))
        case ast.Call():
            for place, given in enumerate(node.args):
                if not isinstance(given, ast.Starred) and ast.unparse(given) != "None":
                    args = [*node.args[:place], ast.Constant(None), *node.args[place + 1 :]]
                    yield with_part(args=args)
            for left_out in node.keywords:
                yield with_part(keywords=[one for one in node.keywords if one is not left_out])
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield with_part(value=ast.Constant(None))
        case ast.AugAssign():
            yield ast.Assign([node.target], node.value)
        case ast.Raise() | ast.Break():
            yield ast.Pass()
        case ast.Expr(value=ast.Call()):  # not left out: a method keeps its cell for `super`
            yield ast.If(ast.Constant(False), [node], [])
        case ast.Continue():
            yield ast.Break()
        case _ if type(node) in SWAPS:
            yield SWAPS[type(node)]()


def edits(node, line):
    """(holder, key, node, parent, line of the statement) of each node below: all are replaceable.

    `holder[key] = …` puts another in its place.
    """
    for key, value in ast.iter_fields(node):
        if key in ("annotation", "returns", "decorator_list"):
            continue
        for holder, place in (
            [(value, place) for place in range(len(value))]
            if isinstance(value, list)
            else [(vars(node), key)]
        ):
            child = holder[place]
            worded = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
            if isinstance(child, ast.AST) and not worded:
                here = child.lineno if isinstance(child, ast.stmt) else line
                yield holder, place, child, node, here
                yield from edits(child, here)


def functions(tree):
    """(qualified name, node) of each function and method of a module."""
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for one in inside:
            if isinstance(one, ast.FunctionDef):
                sets = any(
                    isinstance(d, ast.Attribute) and d.attr == "setter" for d in one.decorator_list
                )
                tail = ".setter" if sets else ""
                yield (one.name if one is node else f"{node.name}.{one.name}") + tail, one


def mutants(source):
    """(function's name, line of the statement, what changed, syntax tree) of each mutant.

    It is one tree, which is changed back afterwards.
    """
    tree, said = ast.parse(source), Counter()
    for name, function in functions(tree):
        for holder, key, node, parent, line in list(edits(function, function.body[0].lineno)):
            for new in changes(node):
                small = not isinstance(node, ast.expr | ast.stmt | ast.comprehension)
                part = parent if small or isinstance(node, ast.Constant) else node
                before = ast.unparse(part).splitlines()[0]
                holder[key] = new
                ast.fix_missing_locations(tree)
                after = ast.unparse(part if part is parent else new).splitlines()[0]
                text = f"{name}: {before} → {after}"
                said[text] += 1
                again = f" ({said[text]})" if said[text] > 1 else ""
                yield name, line, text + again, tree
                holder[key] = node


def marked(source):
    """(function's name, tree in which each statement first calls `__ran__` with its line)."""
    tree = ast.parse(source)
    for _, function in functions(tree):
        for node in list(ast.walk(function)):
            for key in ("body", "orelse", "finalbody"):
                if isinstance(block := getattr(node, key, None), list):
                    marks = [ast.parse(f"__ran__({one.lineno})").body[0] for one in block]
                    both = zip(marks, block, strict=True)
                    setattr(node, key, [one for pair in both for one in pair])
    ast.fix_missing_locations(tree)
    for name, _ in functions(tree):
        yield name, tree


def install(module, name, tree):
    """Give the function of an imported module the code and the defaults that the tree has."""
    found, sets = module, name.endswith(".setter")
    plain = name.removesuffix(".setter")
    for part in plain.split("."):
        found = inspect.getattr_static(found, part)
    function = (
        found.fset
        if sets
        else inspect.unwrap(getattr(found, "fget", None) or getattr(found, "__func__", found))
    )
    codes = [compile(tree, module.__file__, "exec")]
    for code in codes:
        codes += [part for part in code.co_consts if inspect.iscode(part)]
    function.__code__ = [code for code in codes if code.co_qualname == plain][-1 if sets else 0]
    arguments = dict(functions(tree))[name].args
    values = [
        eval(ast.unparse(part), vars(module)) if part else None
        for part in arguments.defaults + arguments.kw_defaults
    ]
    function.__defaults__ = tuple(values[: len(arguments.defaults)]) or None
    named = zip(arguments.kwonlyargs, values[len(arguments.defaults) :], strict=True)
    function.__kwdefaults__ = {one.arg: value for one, value in named} or None
