"""Every section runs after a restart: with the chapter's imports, and the sections it names."""

import ast
import builtins

import pytest

from notebooks_as_files import CHAPTERS, read

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


def parts(notebook):
    """List of (name, needed names, sources): the part before the first section, then each section.

    A section starts at a cell with a lecture ID or an H2; its heading's metadata may name others
    under "needs", and its text says so too.
    """
    found = [("start", [], [], "")]
    for cell in notebook.cells:
        ids = cell.metadata.get("lecture", [])
        if ids or (cell.cell_type == "markdown" and cell.source.startswith("## ")):
            name = ids[0] if ids else cell.source.split("\n")[0]
            found.append((name, cell.metadata.get("needs", []), [], cell.source))
        if cell.cell_type == "code":
            found[-1][2].append(cell.source)
    return found


def names_after(sources, known=()):
    names = Names(known)
    for source in sources:
        names.scan(source)
    return names


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_section_needs_only_what_it_names(path):
    found = parts(read(path))
    start = names_after(found[0][2])
    assert not start.missing
    own = {name: sources for name, _, sources, _ in found}
    needs = {name: needed for name, needed, *_ in found}

    def known_to(name):
        return start.known.union(*(
            names_after(own[other]).known | known_to(other) for other in needs[name]
        ))  # fmt: skip

    for name, needed, sources, text in found[1:]:
        assert not names_after(sources, known_to(name)).missing, (path.stem, name)
        for other in needed:  # L2.07 → "2.7" in the heading cell's text
            chapter, section = other.removeprefix("L").split(".")
            assert f"{chapter}.{int(section)}" in text, f"{name} does not say it needs {other}"
