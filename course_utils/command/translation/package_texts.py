"""The texts that the package shows, found in its own source: what `say` looks up.

A text is a string or an f-string; what an f-string fills in becomes {0}, {1}, … Texts are taken
from where they are shown: questions and exercises as a whole, the explorers' labels and readouts,
errors that are raised, what commands print, and whatever is handed to `say`. Figures stay English.
"""

import ast
import itertools
import re

from course_utils.command.translation.catalogs import (
    PACKAGE_CATALOGS,
    read_catalog,
    updated,
    write_catalog,
)
from course_utils.files import ROOT

PACKAGE = ROOT / "course_utils"
EXERCISES = PACKAGE / "exercises"
CHAPTER_ROOMS = {  # packages of exercises → catalog
    "image_data": "exercises_image_data",
    "cnn": "exercises_cnn",
    "cnn_evolution": "exercises_cnn_evolution",
    "computer_vision": "exercises_computer_vision",
}
COMMON = {"cells", "crowded", "masks"}  # modules of chapter 4 whose texts are in "common"
CALLED = {"bitmaps": "image_data", "edition": "editions"}  # modules → in the catalogs
FOR_AUTHORS = {"authors", "preview", "translation"}  # modules and folders of command/
ASKED = {"Question", "Several", "Number", "Order", "Choice", "Amount"}  # every text in them
LABELLED = {"slider", "choice", "switch", "button", "Explorer", "_button"}
DRAWN = {  # what a figure shows, and calls whose texts nobody reads
    "text", "set", "set_text", "set_title", "set_xlabel", "set_ylabel", "suptitle", "annotate",
    "legend", "plot", "set_ha", "set_va", "bar", "barh", "imshow", "set_yticks", "set_xticks",
    "set_xticklabels", "set_yticklabels", "scatter", "text2D", "compile", "sub", "search",
    "match", "fullmatch", "finditer",
    "findall", "split", "replace", "startswith", "endswith", "removesuffix", "removeprefix",
    "find", "rfind", "index", "partition", "glob", "Path", "run", "add_parser", "getattr",
    "add_axes", "line", "field", "array", "dtype", "warn", "with_name", "pop", "get", "add_class",
    "show_images", "TypeVar", "namedtuple", "NamedTuple", "escape", "ones", "zeros",
}  # fmt: skip
SPEAKING = {"help", "description", "epilog", "usage", "title"}  # keywords of argparse
ENGLISH = re.compile(r"[A-Za-z]{2,}")
PHRASE = re.compile(r"[A-Za-z]{2,}[,;:.?!'`)]* +[(`'{]?[A-Za-z{\d]")  # a word, and another
NO_TEXT = re.compile(  # styles, HTML, code and names of places
    r"<style|class=|<details|minmax\(|\dch\b|px\b|^row wrap$|white-space|^from course_utils|"
    r"^(upper|lower|center) (left|right)$|^course-|^def stub|^stub =|^return None$|"
    r"^labextensions$|^utf-8$|^an$|"
    r"^[\w.]+\([^)]*\)$|^# \w|^module \{0\} has no attribute|"
    r"^\{\d+\},? (and|or) \{\d+\}$"
)
UNSHOWN = {
    "label",
    "alt",
    "file",
    "usage",
    "loc",
    "ha",
    "va",
    "cell",
    "style",
    "layout",
}  # keywords
TEMPLATE_WORDS = re.compile(r"\{\{ *\"([^\"]+)\" *\| *say *\}\}")


def update_package():
    """Write the catalogs of the package anew from its source; returns their paths."""
    rooms = package_texts()
    old = [entry for path in PACKAGE_CATALOGS.glob("*.po") for entry in read_catalog(path)]
    texts = [text for found in rooms.values() for text in found]
    entries, written = updated(texts, old), []
    for room, found in rooms.items():
        path = PACKAGE_CATALOGS / f"{room}.po"
        write_catalog(path, entries[: len(found)])
        entries = entries[len(found) :]
        written.append(path)
    for path in set(PACKAGE_CATALOGS.glob("*.po")) - set(written):
        path.unlink()
    return written


def package_texts():
    """Dict of a catalog's name → list of (context, English); no English stands in two."""
    rooms, known = {}, set()
    for path in sorted(PACKAGE.rglob("*.py"), key=_place):
        name = room(path)
        if name is None:
            continue
        listed = rooms.setdefault(name, [])
        finder = _Finder(called(path), name != "errors", "argument_checks" in path.parts)
        finder.visit(ast.parse(path.read_text(encoding="utf-8")))
        for context, text in finder.found:
            if text not in known:
                known.add(text)
                listed.append((context, text))
    for path in sorted((PACKAGE / "command" / "editions" / "templates").glob("*.j2")):
        for number, text in enumerate(TEMPLATE_WORDS.findall(path.read_text(encoding="utf-8")), 1):
            if text not in known:
                known.add(text)
                rooms["commands"].append((f"{path.name.split('.')[0]}.template#{number}", text))
    return {name: _numbered(listed) for name, listed in sorted(rooms.items())}


def room(path):
    """The catalog of a module's texts; None for what only authors see."""
    folder, *inside = path.relative_to(PACKAGE).with_suffix("").parts
    if folder == "exercises":
        return "common" if path.stem in COMMON else CHAPTER_ROOMS.get(inside[0], "common")
    if folder == "explorers":
        return "explorers"
    if folder == "command":
        return None if inside[0] in FOR_AUTHORS else "commands"
    return "doctor" if path.stem == "doctor" else "errors"


def called(path):
    """The name of a module with which the contexts of its texts begin.

    In exercises/ its chapter stands before it, as in "cnn_clinic". In chapter 4 a topic alone is
    enough: "masks", "detection_clinic".
    """
    name, chapter = CALLED.get(path.stem, path.stem), path.parent.name
    if path.parent.parent != EXERCISES or path.stem in CALLED:
        return name
    topic = chapter == "computer_vision" and name not in ("questions", "predictions", "__init__")
    return name if topic else f"{chapter}_{name}"


def _place(path):
    """What modules are sorted by, so that a text has the same place whatever folder it is in."""
    folder = path.relative_to(PACKAGE).parts[0]
    return room(path) != "common", folder, called(path)


def _numbered(listed):
    """Contexts made unique: a number behind those that come more than once."""
    counts, made = {}, []
    for context, text in listed:
        counts[context] = counts.get(context, 0) + 1
        made.append((f"{context}#{counts[context]}", text))
    return made


class _Finder(ast.NodeVisitor):
    """Collects (context, text) of a module.

    words: take every phrase, and single words of which one is chosen; else, with sentences, every
    phrase; else what is raised or printed.
    """

    def __init__(self, module, words, sentences):
        self.found, self._module = [], module
        self._words, self._sentences = words, words or sentences
        self._places, self._raised, self._all = [], set(), False

    def visit_Module(self, node):
        self._tables = {  # name → dict, list or tuple that stands at the top
            part.targets[0].id: part.value
            for part in node.body
            if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name)
        }
        self._body(node)

    def visit_FunctionDef(self, node):
        raised = {
            name.id
            for part in ast.walk(node)
            if isinstance(part, ast.Raise)
            for name in ast.walk(part)
            if isinstance(name, ast.Name)
        }
        before, self._raised = self._raised, raised
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        self._inside(node.name, lambda: [*map(self.visit, defaults), self._body(node)])
        self._raised = before

    def visit_ClassDef(self, node):
        self._inside(node.name, lambda: self._body(node))

    def _body(self, node):
        """Visit a body without its docstring, and decorators' texts."""
        body = node.body
        if ast.get_docstring(node, clean=False) is not None:
            body = body[1:]
        for part in body:
            if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)):
                self.visit(part)

    def visit_Assign(self, node):
        names = [name.id for name in ast.walk(node) if isinstance(name, ast.Name)]
        targets = {name.id for target in node.targets for name in ast.walk(target)
                   if isinstance(name, ast.Name)}  # fmt: skip
        top = not self._places and names and isinstance(node.targets[0], ast.Name)
        whole = targets & self._raised
        if "actions" in targets:  # labels of buttons
            for table in ast.walk(node.value):
                for key in getattr(table, "keys", []):
                    self._asked(key)
        self._inside(names[0] if top else None, lambda: self._taking(whole, node.value))

    def visit_AugAssign(self, node):
        self._taking(
            isinstance(node.target, ast.Name) and node.target.id in self._raised, node.value
        )

    def visit_Raise(self, node):
        if node.exc:
            self._taking(True, node.exc)

    def visit_Dict(self, node):
        for key, value in zip(node.keys, node.values, strict=True):
            name = (
                key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
            )
            self._inside(name, lambda value=value: self.visit(value))

    def visit_Call(self, node):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        if name in DRAWN:
            return
        if name in ASKED or name in ("say", "texts"):
            first = self._module.endswith("_predictions")  # the ID of a cell
            words = [word.value for word in node.keywords if word.arg != "cell"]
            for part in [*node.args[first:], *words]:
                self._asked(part)
            return
        if name == "print":
            for part in node.args:
                self._taking(True, part)
            return
        if name == "choice" and len(node.args) > 1:
            self._options(node.args[1])
        if name == "test_exercise":  # what a student's test lets pass
            named = {word.arg: word.value for word in node.keywords}
            self._options(named.get("wrong", node.args[1] if len(node.args) > 1 else None))
        for place, part in enumerate(node.args):
            label = name in LABELLED and place == 0 and isinstance(part, ast.Constant)
            self._asked(part) if label else self.visit(part)
        for word in node.keywords:
            if word.arg == "description" and isinstance(word.value, ast.Constant):
                self._asked(word.value)
            elif word.arg in SPEAKING or word.arg == "actions":
                self._taking(True, word.value)
            elif word.arg not in UNSHOWN:
                self.visit(word.value)

    def _options(self, node):
        """The options of a menu, also of a table at the top of the module, whose keys they are."""
        if node is None:
            return
        listed = [
            self._tables.get(name.id) for name in ast.walk(node) if isinstance(name, ast.Name)
        ]
        for table in [node, *listed]:
            for option in getattr(table, "keys", getattr(table, "elts", [])):
                if isinstance(option, ast.Constant):
                    self._asked(option)

    def _asked(self, node):
        """Every text in a question, also a single word."""
        before, self._all = self._all, True
        self.visit(node)
        self._all = before

    def visit_Compare(self, node):
        """Nothing that is compared is shown."""

    def visit_IfExp(self, node):
        """One of two texts: words that stand in a sentence, also single ones."""
        arms = [arm for arm in (node.body, node.orelse) if isinstance(arm, ast.Constant)]
        words = [arm.value for arm in arms if isinstance(arm.value, str)]
        plain = all(re.fullmatch(r"[✓✗]? ?[A-Za-z ,;.…0-9'-]*", word) for word in words)
        before, self._all = self._all, self._all or (self._words and plain)
        self.visit(node.body)
        self.visit(node.orelse)
        self._all = before

    def visit_Subscript(self, node):
        self.visit(node.value)

    def visit_JoinedStr(self, node):
        text, number = "", 0
        for part in node.values:
            if isinstance(part, ast.Constant):
                text += part.value
            else:
                text += f"{{{number}}}"
                number += 1
        self._add(text)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                before, self._all = self._all, False
                self.visit(part.value)
                self._all = before

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            numbers = itertools.count()
            self._add(re.sub(r"\{\}", lambda _: f"{{{next(numbers)}}}", node.value))

    def _add(self, text):
        text = text.strip()
        fixed = re.sub(r"\{\d+\}", " ", text)
        sentence = (self._sentences and PHRASE.search(text)) or self._all
        if sentence and not NO_TEXT.search(text) and ENGLISH.search(re.sub(r"`[^`]*`", "", fixed)):
            self.found.append((".".join([self._module, *filter(None, self._places)]), text))

    def _taking(self, whole, node):
        before = self._sentences
        self._sentences = before or bool(whole)
        self.visit(node)
        self._sentences = before

    def _inside(self, name, visit):
        self._places.append(name)
        visit()
        self._places.pop()
