"""Decks: a chapter as slides in one file that any browser shows, offline.

A section (H2) begins a slide, and each of its questions a sub-slide below it: the prose that asks,
the code, what comes out, and the prose that reads it. After a prediction (tag `predict`) the answer
waits for the next key. The imports at the top, exercises (tags `statement`, `exercise` and
`solution`), the sections tagged `exercises` and `glossary`, and those without a number that follow
the exercises, are left out. A cell that says so itself (`slideshow` → `slide_type` in its metadata,
as JupyterLab writes it) has the last word.

Where a cell shows nothing but pictures, its code is shown up to the first statement that draws,
that is, calls `plt` or a function `show…` or `draw…`; if only names for constants are left, the
picture stands alone. The tag `remove_input`, nbconvert's own, hides a cell's code in any case, and
a slide type of its own shows all of it.

The speaker view (key S) holds what the slide does not show: what a section is for, what has to be
run after a restart, and the answers that wait.

nbconvert's reveal.js exporter makes the page. The page fits its slides into the frame by itself,
since only it knows the fonts, and takes a paragraph that ends in a colon to what it announces: see
`fit` in templates/deck.html.j2. reveal.js and its notes plugin are the copies inside
sphinx-revealjs.
"""

import ast
import re
from importlib import metadata
from pathlib import Path

from nbconvert import SlidesExporter
from nbformat import from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils.command.editions.edition import reading, restart, tags
from course_utils.command.editions.pages import (
    read_chapter,
    statements,
    style,
    with_formulas,
    write_page,
)
from course_utils.command.notebook_files import title
from course_utils.errors import CourseError
from course_utils.language import say

REVEAL = "sphinx-revealjs"  # the package; only files are taken from it, nothing is imported
HEADING = re.compile(r"^(?=##{1,2} )", re.M)
ANNOUNCES = re.compile(r"^((?![->|#]|\d+\. ).*[.!?)]) (?=[A-Z`가-힣][^.!?\n]*:$)", re.M)
LEFT_OUT = {"exercises", "glossary"}  # tags of the cells in which such a section begins
NUMBERED = re.compile(r"## \d")
EXERCISE = {"statement", "exercise", "solution"}  # tags of the cells of an exercise, left out, too
FOLDED = '<details open class="fragment"'  # what a reader would unfold comes on the next key
UNFOLDED = re.compile(FOLDED + r">.*?</summary>(.*?)</details>", re.S)
NO_READING = ("#", ">", "<", "|", "**")  # how prose begins that does not read the output above it


def write_deck(path, folder):
    """The notebook at `path` → a deck in `folder`; returns its path.

    The notebook is not run: its stored outputs are shown. Raises CourseError.
    """
    notebook = read_chapter(path)
    notebook.cells = with_notes(deck_cells(notebook.cells))
    return write_page(
        Path(folder) / f"{Path(path).stem}.html",
        SlidesExporter,
        "deck.html.j2",
        notebook,
        title=title(notebook),
        css=style("page.css", "deck.css"),
        reveal_css=reveal_file("dist/reveal.css"),
        scripts=[reveal_file("dist/reveal.js"), reveal_file("plugin/notes/notes.js")],
    )


def deck_cells(cells):
    """The cells of a chapter → those of its deck, each with the slide_type that nbconvert reads."""
    made, shown, waits, practice = [], True, False, False
    for place, cell in enumerate(cells):
        own = cell.metadata.get("slideshow", {}).get("slide_type")
        code_follows = place + 1 < len(cells) and cells[place + 1].cell_type == "code"
        if cell.cell_type == "markdown":
            answered = bool(made) and "output" in tags(made[-1])
            pieces = prose_pieces(cell, answered, code_follows)
        else:
            pieces = code_pieces(cell) if cell.cell_type == "code" else []
        sections = [piece for piece, kind in pieces if kind == "slide"]
        for piece, kind in pieces:
            if kind in ("slide", "subslide"):
                waits = False
            if kind == "slide":  # the last one that begins in the cell is what its tag means
                meant = set(tags(cell)) if piece is sections[-1] else set()
                numbered = NUMBERED.match(piece.source)
                practice = "exercises" in meant or (practice and not numbered)
                shown = not practice and not LEFT_OUT & meant
            if own or (shown and not EXERCISE & set(tags(cell))):
                kind = own or ("fragment" if waits and "output" in tags(piece) else kind)
                piece.metadata["slideshow"] = {"slide_type": kind}
                made.append(piece)
                if place > 0 and piece.source.startswith("## ") and (note := purpose(cell)):
                    made.append(note)
            own = own if own in ("skip", "notes") else None  # else it is where the cell begins
        waits = "predict" in tags(cell) or (waits and "reading" not in tags(cell))
        shown = shown and place > 0  # nothing between the title and the first section
    return made


def prose_pieces(cell, answered, code_follows):
    """A prose cell → [(cell, slide_type)]: what reads the output above it, then each new thought.

    What answers a prediction is tagged; of other prose the first paragraph is the reading, or all
    if no code follows. A last sentence that ends in a colon is a paragraph of its own, so that it
    can go with its code. answered: an output stands above it. code_follows: its last paragraphs may
    ask for that code.
    """
    again = restart(cell)
    answer, rest = (_for_slides(text.replace(again, "", 1)) for text in reading(cell))
    first, *headed = HEADING.split(rest)
    if answer and not headed and not code_follows:
        answer, first = f"{answer}\n\n{first}", ""
    elif not answer and answered and not first.startswith(NO_READING):
        if headed or not code_follows:
            answer, first = first, ""
        elif "\n\n" in first and not first.split("\n\n", 1)[0].endswith(":"):
            answer, first = first.split("\n\n", 1)
    pieces = [(answer, "-")]
    for text in (first, *headed):
        pieces.append((text, "slide" if text.startswith(("# ", "## ")) else "subslide"))
    return [(new_markdown_cell(with_formulas(text)), kind) for text, kind in pieces if text.strip()]


def _for_slides(text):
    """Prose as slides have it: a last sentence that announces code apart, folded parts open."""
    return ANNOUNCES.sub(r"\1\n\n", text).replace("<details", FOLDED)


def code_pieces(cell):
    """A code cell → [(cell, slide_type)]: its source, and its outputs as a cell without source."""
    pieces = []
    source = shown_code(cell)
    if source:
        pieces.append((new_code_cell(source), "-"))
    if cell.outputs:
        outputs = [from_dict(output) for output in cell.outputs]
        for output in outputs:
            if "text/markdown" in output.get("data", {}):
                folded = output.data["text/markdown"].replace("<details", FOLDED)
                output.data["text/markdown"] = folded
        shown = new_code_cell("", outputs=outputs)
        shown.metadata["tags"] = ["output", *({"question"} & set(tags(cell)))]
        shown.metadata["transient"] = {"remove_source": True}
        pieces.append((shown, "-"))
    return pieces


def shown_code(cell):
    """What a slide shows of a code cell's source: see the module's docstring."""
    if {"question", "remove_input"} & set(tags(cell)):
        return ""
    data = [output.get("data", {}) for output in cell.outputs]
    pictures = bool(data) and all({"image/png", "image/jpeg"} & set(each) for each in data)
    if "slideshow" in cell.metadata or not pictures:
        return cell.source
    shown = []
    for statement in statements(cell.source):
        if draws(statement):
            lines = cell.source.splitlines()[: statement.lineno - 1]
            while lines and lines[-1].lstrip()[:1] in ("", "#"):
                lines.pop()
            return "" if all(map(_names_a_constant, shown)) else "\n".join(lines)
        shown.append(statement)
    return cell.source


def draws(statement):
    """Whether a statement calls, anywhere inside, `plt` or a function `show…` or `draw…`."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.startswith("plt.") or re.fullmatch(r"(show|draw)(_\w+)?", called):
                return True
    return False


def _names_a_constant(statement):
    """Whether a statement gives a name to numbers and texts, and computes nothing."""
    if not isinstance(statement, ast.Assign):
        return False
    computing = (ast.Call, ast.BinOp, ast.Subscript, ast.comprehension, ast.Attribute)
    return not any(isinstance(node, computing) for node in ast.walk(statement.value))


def purpose(cell):
    """The speaker's note on a section: what it is for, what to run after a restart; or None."""
    texts = [say(f"What it is for: {cell.metadata.outcome}.")] if "outcome" in cell.metadata else []
    texts += filter(None, [restart(cell).strip()])
    return _note("\n\n".join(texts)) if texts else None


def with_notes(cells):
    """The cells of a deck, each answer that waits also as a speaker's note before it."""
    made = []
    for place, cell in enumerate(cells):
        outputs = cell.get("outputs", [])
        texts = [cell.source] if cell.cell_type == "markdown" else []
        texts += [output.get("data", {}).get("text/markdown", "") for output in outputs]
        answers = [found for text in texts for found in UNFOLDED.findall(text)]
        if cell.metadata.slideshow.slide_type == "fragment":
            for after in cells[place + 1 :]:
                if after.cell_type != "markdown" or after.metadata.slideshow.slide_type != "-":
                    break
                answers.append(after.source)
        made += [_note("\n\n".join(answers)), cell] if answers else [cell]
    return made


def _note(text):
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": "notes"}})


def reveal_file(name):
    """A file of reveal.js, safe inside of HTML.

    Raises CourseError, with the command that installs it.
    """
    try:
        files = metadata.files(REVEAL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(f"revealjs/{name}"):
            return Path(file.locate()).read_text(encoding="utf-8").replace("<!--", r"<\!--")
    raise CourseError(f"the decks need reveal.js: run `uv sync`, or `pip install {REVEAL}`")
