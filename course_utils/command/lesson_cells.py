"""Which code cells are typed in front of a class, and what is left of them to begin with."""

import ast
import builtins

from course_utils.command.editions import opens_section, tags

NEVER = {"exercise", "question", "solution", "nbval-ignore-output", "raises-exception"}
LONGEST = 20  # lines that are still typed
TEACHING = 1 / 3  # a cell that draws is typed if this share of its lines does something else
AXES = ("ax", "axes", "fig", "figure", "plt")
TYPING = "%finish"


def lesson_cells(notebook):
    """List of the code cells that are typed; a tag "lesson" or "keep" overrides the rule.

    The rule: in a section, not tagged otherwise, at most 20 lines, no explorer, and not only
    loading and drawing.
    """
    found, begun = [], False
    for cell in notebook.cells:
        begun = begun or opens_section(cell)
        if cell.cell_type != "code" or "keep" in tags(cell):
            continue
        ruled = begun and not NEVER & set(tags(cell)) and teaches(cell.source)
        if "lesson" in tags(cell) or ruled:
            found.append(cell)
    return found


def teaches(source):
    """Whether code is short enough to type and more than loading, tables and drawing."""
    lines = [line for line in source.splitlines() if line.strip()]
    if len(lines) > LONGEST:
        return False
    body = _parse(source).body
    if any(_calls_explorer(statement) for statement in body):
        return False
    drawing, teaching, printing = (
        sum(_lines(statement, kind) for statement in body) for kind in ("draw", "teach", "print")
    )
    if drawing:
        return teaching >= TEACHING * len(lines) or (drawing <= 3 and teaching > 0)
    return teaching + printing > 0


def emptied_cells(notebook):
    """Dict of cell ID → what stands in that cell before it is typed: comment or signature.

    A signature whose defaults, decorators or base classes need a name that may be missing
    becomes a comment, so that running it never raises.
    """
    lessons = {cell.id for cell in lesson_cells(notebook)}
    known, emptied = set(dir(builtins)), {}
    for cell in notebook.cells:
        if cell.id in lessons:
            emptied[cell.id] = _empty(cell, known)
        elif cell.cell_type == "code":
            known |= _imported(cell.source)
    return emptied


def is_untouched(text, emptied):
    """Whether an emptied cell still says nothing of its own; comments do not count."""
    now = ast.dump(_parse(text))
    return now in (ast.dump(_parse(emptied)), ast.dump(_parse("")))


def _parse(source):
    """The syntax tree of a cell, its magic lines left out."""
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    return ast.parse("\n".join(lines))


def _empty(cell, known):
    """The text of one emptied cell; names that its stubs define are added to `known`."""
    lines = cell.source.splitlines()
    first = []
    for line in lines:
        if not line.startswith("#"):
            break
        first.append(line)
    pieces = ["\n".join(first)] if first else []
    for node in _parse(cell.source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            stub = _stub(node, lines)
            if _needs(node) <= known:
                known.add(node.name)
            else:
                stub = "\n".join(f"# {line}" for line in stub.splitlines())
            pieces.append(stub)
    gap = "\n\n\n" if len(pieces) > len(first[:1]) else "\n"
    return gap.join([*pieces, f"{TYPING} {cell.id}"])


def _stub(node, lines):
    """A function or class cut down to decorators, signature, docstring and `...`."""
    body = node.body[0]
    if body.lineno == node.lineno:  # all in one line
        node.body = [ast.Expr(ast.Constant(...))]
        return ast.unparse(node)
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    end = body.end_lineno if ast.get_docstring(node) else body.lineno - 1
    kept = lines[start - 1 : end]
    while kept[-1].strip().startswith("#") or not kept[-1].strip():
        kept.pop()
    return "\n".join([*kept, " " * body.col_offset + "..."])


def _needs(node):
    """Names that have to exist when a stub is run."""
    if isinstance(node, ast.ClassDef):
        parts = [*node.bases, *node.keywords]
    else:
        given = node.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        parts = [*given.defaults, *given.kw_defaults, node.returns]
        parts += [argument.annotation for argument in every if argument]
    tree = ast.Module([ast.Expr(part) for part in [*parts, *node.decorator_list] if part], [])
    return {name.id for name in ast.walk(tree) if isinstance(name, ast.Name)}


def _imported(source):
    """Names that a cell imports."""
    names = set()
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {name.asname or name.name.split(".")[0] for name in node.names}
    return names


def _lines(statement, kind):
    """How many lines of a statement are of a kind; the heads of loops are of none."""
    if isinstance(statement, ast.For | ast.While | ast.With | ast.If):
        return sum(
            _lines(part, kind) for part in [*statement.body, *getattr(statement, "orelse", [])]
        )
    lines = statement.end_lineno - statement.lineno + 1
    return lines if _kind(statement) == kind else 0


def _kind(statement):
    """ "draw", "load", "print" or "teach"."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return "load"
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Assign):
        if isinstance(statement.targets[0], ast.Name) and _is_literal(value):
            return "load"
        if any(_first_name(target) in AXES for target in statement.targets):
            return "draw"
    if isinstance(value, ast.Call):
        called = _first_name(value.func)
        if isinstance(statement, ast.Assign) and called.startswith("load_"):
            return "load"
        if isinstance(statement, ast.Expr):
            if called.startswith("show") or called in AXES:
                return "draw"
            if called == "print":
                return "print"
    return "teach"


def _first_name(node):
    """The name at the left of `a.b[c](d)`, or of the first of several targets; "" if none."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Tuple | ast.List) and node.elts:
            node = node.elts[0]
        elif isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return ""
    return node.id


def _is_literal(node):
    """Whether a value is a container written down in full: a table."""
    try:
        return isinstance(ast.literal_eval(node), dict | list | tuple | set)
    except (ValueError, TypeError, SyntaxError):
        return False


def _calls_explorer(statement):
    """Whether something is called whose name says that it is to be moved by hand."""
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
    names = [_first_name(call.func).lower() for call in calls]
    return any(name.endswith(("explorer", "viewer", "editor", "mixer")) for name in names)
