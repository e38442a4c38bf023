"""Decks: a chapter as slides in one file that any browser shows, offline.

A section (H2) begins a slide, and each of its questions a sub-slide below it: the prose that asks,
the code, what comes out, and the prose that reads it. After a **Predict** the answer waits for the
next key. The imports at the top, the exercises and the glossary are left out. A cell that says so
itself (`slideshow` → `slide_type` in its metadata, as JupyterLab writes it) has the last word.

nbconvert's reveal.js exporter makes the page. The page fits its slides into the frame by itself,
since only it knows the fonts: see `fit` in templates/deck.html.j2. reveal.js is the copy inside
sphinx-revealjs.
"""

import re
from importlib import metadata
from pathlib import Path

from nbconvert import SlidesExporter
from nbformat import from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils.command.editions import tags
from course_utils.command.notebook_files import title, write
from course_utils.command.pages import exporter, read_chapter, style, with_formulas
from course_utils.errors import CourseError

REVEAL = "sphinx-revealjs"  # the package; only files are taken from it, nothing is imported
HEADING = re.compile(r"^(?=##{1,2} )", re.M)
LEFT_OUT = re.compile(r"#+ (Exercise|Glossary)")
ONLY_LIVE = re.compile(r"^\*After a restart.*\n*|\s*\(run this cell to choose\)", re.M)
FOLDED = '<details open class="fragment"'  # what a reader would unfold comes on the next key
NO_READING = ("#", ">", "<", "|", "**")  # how prose begins that does not read the output above it


def write_deck(path, folder):
    """The notebook at `path` → a deck in `folder`; returns its path.

    The notebook is not run: its stored outputs are shown. Raises CourseError.
    """
    notebook = read_chapter(path)
    course = {
        "title": title(notebook),
        "css": style("page.css", "deck.css"),
        "reveal_css": reveal_file("reveal.css"),
        "reveal_js": reveal_file("reveal.js"),
    }
    notebook.cells = deck_cells(notebook.cells)
    page, _ = exporter(SlidesExporter, "deck.html.j2").from_notebook_node(
        notebook, {"course": course}
    )
    target = Path(folder) / f"{Path(path).stem}.html"
    write(target, page.encode())
    return target


def deck_cells(cells):
    """The cells of a chapter → those of its deck, each with the slide_type that nbconvert reads."""
    made, shown, waits = [], True, False
    for place, cell in enumerate(cells):
        own = cell.metadata.get("slideshow", {}).get("slide_type")
        code_follows = place + 1 < len(cells) and cells[place + 1].cell_type == "code"
        if cell.cell_type == "markdown":
            answered = bool(made) and "output" in tags(made[-1])
            pieces = prose_pieces(cell.source, answered, code_follows)
        else:
            pieces = code_pieces(cell) if cell.cell_type == "code" else []
        for piece, kind in pieces:
            if kind in ("slide", "subslide"):
                waits = False
            if piece.source.startswith("#") and piece.cell_type == "markdown":
                shown = not LEFT_OUT.match(piece.source)
            if own or (shown and not {"exercise", "solution"} & set(tags(cell))):
                kind = own or ("fragment" if waits and "output" in tags(piece) else kind)
                piece.metadata["slideshow"] = {"slide_type": kind}
                made.append(piece)
            own = own if own in ("skip", "notes") else None  # else it is where the cell begins
            waits = waits or (place > 0 and "**Predict**" in piece.source)  # the title explains it
        shown = shown and place > 0  # nothing between the title and the first section
    return made


def prose_pieces(source, answered, code_follows):
    """A prose cell → [(cell, slide_type)]: what reads the output above it, then each new thought.

    answered: an output stands above it. code_follows: its last paragraphs may ask for that code.
    """
    source = ONLY_LIVE.sub("", source).replace("<details", FOLDED)
    first, *headed = HEADING.split(source)
    reading = ""
    if answered and not first.startswith(NO_READING):
        if headed or not code_follows:
            reading, first = first, ""
        elif "\n\n" in first:
            reading, first = first.split("\n\n", 1)
    pieces = [(reading, "-")]
    for text in (first, *headed):
        pieces.append((text, "slide" if text.startswith(("# ", "## ")) else "subslide"))
    return [(new_markdown_cell(with_formulas(text)), kind) for text, kind in pieces if text.strip()]


def code_pieces(cell):
    """A code cell → [(cell, slide_type)]: its source, and its outputs as a cell without source."""
    pieces = []
    if cell.source and "question" not in tags(cell):
        pieces.append((new_code_cell(cell.source), "-"))
    if cell.outputs:
        outputs = [from_dict(output) for output in cell.outputs]
        for output in outputs:
            for holder, name in ((output, "text"), (output.get("data", {}), "text/plain")):
                if name in holder:
                    holder[name] = ONLY_LIVE.sub("", holder[name])
        shown = new_code_cell("", outputs=outputs)
        shown.metadata["tags"] = ["output", *({"question"} & set(tags(cell)))]
        shown.metadata["transient"] = {"remove_source": True}
        pieces.append((shown, "-"))
    return pieces


def reveal_file(name):
    """The text of a file of reveal.js. Raises CourseError, with the command that installs it."""
    try:
        files = metadata.files(REVEAL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(f"revealjs/dist/{name}"):
            return Path(file.locate()).read_text(encoding="utf-8")
    raise CourseError(f"the decks need reveal.js: run `uv sync`, or `pip install {REVEAL}`")
