"""Every section runs after a restart: with the chapter's imports, and the sections it names."""

import ast
import builtins

import pytest

from notebooks_as_files import CHAPTERS, parts, read

GIVEN = {*dir(builtins), "display"}


class Names(ast.NodeVisitor):
    """Names that code defines at its top level, and names that it reads without having them."""

    def __init__(self, known):
        self.known, self.missing = set(known), set()

    def scan(self, source):
        """Take one cell; first what it defines anywhere, then what it reads."""
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.known.add(node.name)
            elif isinstance(node, ast.alias):
                self.known.add((node.asname or node.name).split(".")[0])
            elif isinstance(node, ast.arg):
                self.known.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.known.add(node.id)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                self.known.add(node.name)
        self.missing |= {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        } - self.known - GIVEN  # fmt: skip


def names_after(sources, known=()):
    names = Names(known)
    for source in sources:
        names.scan(source)
    return names


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_section_needs_only_what_it_names(path):
    found = parts(read(path))
    start = names_after(found["start"].sources)
    assert not start.missing

    def known_to(name):
        return start.known.union(*(
            names_after(found[other].sources).known | known_to(other)
            for other in found[name].needs
        ))  # fmt: skip

    for name, section in found.items():
        assert not names_after(section.sources, known_to(name)).missing, (path.stem, name)
        for other in section.needs:  # L2.07 → "2.7" in the heading cell's text
            chapter, number = other.removeprefix("L").split(".")
            assert f"{chapter}.{int(number)}" in section.text, (
                f"{name} does not say it needs {other}"
            )
