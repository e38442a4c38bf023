"""A chapter's package, whose `check`, `ask` and the like are made when one is first asked for.

A chapter's questions and predictions are thus read without its exercises, which may need PyTorch.
"""

from importlib import import_module

NAMES = ("EXERCISES", "QUESTIONS", "check", "ask", "hint", "last_case", "guess")


def opened(package, *more):
    """`__getattr__`, `__dir__` and `__all__` of a package whose names its module `doors` has.

    package: its name. more: names that this chapter has beside the usual ones.
    """
    names = [*NAMES, *more]

    def get(name):
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.doors"), name)

    return get, lambda: names, names
