"""Decks: a chapter as slides in one file that any browser shows, offline.

nbconvert's reveal.js exporter makes them; reveal.js itself is the copy inside sphinx-revealjs.
"""

from importlib import metadata
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter

from course_utils.command.notebook_files import title, write
from course_utils.command.pages import exporter, read_chapter, style
from course_utils.command.slides import make_slides
from course_utils.errors import CourseError

REVEAL = "sphinx-revealjs"  # the package; only files are taken from it, nothing is imported


def write_deck(path, folder):
    """The notebook at `path` → a deck in `folder`; returns (its path, how many slides).

    The notebook is not run: its stored outputs are shown. Raises CourseError.
    """
    notebook = read_chapter(path)
    slides = make_slides(notebook)
    if not slides:
        raise CourseError(f"{Path(path).name} has no cell that a deck would show")
    course = {
        "title": title(notebook),
        "css": style("page.css", "deck.css"),
        "reveal_css": reveal_file("reveal.css"),
        "reveal_js": reveal_file("reveal.js"),
    }
    maker = exporter(SlidesExporter, "deck.html.j2")
    page, _ = maker.from_notebook_node(as_notebook(slides), {"course": course})
    target = Path(folder) / f"{Path(path).stem}.html"
    write(target, page.encode())
    return target, len(slides)


def as_notebook(slides):
    """Slides → a notebook whose cells say where each slide starts, as nbconvert reads it."""
    cells = []
    for number, slide in enumerate(slides):
        first = True
        if slide.head:
            running = nbformat.v4.new_markdown_cell(
                f'<p class="running">{slide.head}</p>', id=f"running-{number}"
            )
            running.metadata["slideshow"] = {"slide_type": slide.kind}
            cells.append(running)
            first = False
        for block in slide.blocks:
            kind = slide.kind if first else "fragment" if block.start == "fragment" else "-"
            block.cell.metadata["slideshow"] = {"slide_type": kind}
            cells.append(block.cell)
            first = False
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.language_info = {"name": "python"}
    return notebook


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
