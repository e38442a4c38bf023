"""Whether a test that a student wrote reaches an assertion when it runs."""

import ast
import linecache
import sys
from functools import cache

CHECKING = ("numpy.testing", "torch.testing", "unittest")  # modules whose functions assert


def asserts(test, *arguments):
    """Whether a call of `test` comes to an assertion, in itself or in a function beside it.

    An assertion is an `assert`, a function that names AssertionError, or one of the functions of
    `CHECKING`. Where a debugger looks on, or the source is not at hand, True. What the test raises
    is passed over.
    """
    if sys.gettrace() is not None or not linecache.getlines(test.__code__.co_filename):
        return True
    home, found = getattr(test, "__module__", None), []

    def called(frame, *_):
        module = frame.f_globals.get("__name__") or ""
        if module.startswith(CHECKING):
            found.append(frame.f_lineno)
        code = frame.f_code
        source = "".join(linecache.getlines(code.co_filename)) if module == home else ""
        lines = _lines(source).get((code.co_name, code.co_firstlineno), ())

        def line(frame, *_):
            if frame.f_lineno in lines:
                found.append(frame.f_lineno)
            return line

        return line(frame) if lines else None

    sys.settrace(called)
    try:
        test(*arguments)
    except Exception:  # it has come as far as it comes
        pass
    finally:
        sys.settrace(None)
    return bool(found)


@cache
def _lines(source):
    """Dict of (name, first line) of each function of a cell or file → the lines where it asserts.

    If it names AssertionError this is its first one: it raises one where it wants to.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a cell with a line for the shell
        return {}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[node.name, first] = lines = set()
            for part in ast.walk(node):
                if isinstance(part, ast.Assert):
                    lines.update(range(part.lineno, part.end_lineno + 1))
                if isinstance(part, ast.Name) and part.id == "AssertionError":
                    lines.add(first)
    return found
