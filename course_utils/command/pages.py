"""Pages: a handout, and what it shares with decks (stored chapter, formulas, exporter, styles).

A handout is a chapter with its outputs as one page, for reading on a phone, or on paper by the
browser's own printing. A page that comes out of here is one file: pictures, styles and scripts are
in it, and it asks the network for nothing.
"""

import re
from pathlib import Path

from jinja2 import FileSystemLoader
from latex2mathml import exceptions
from latex2mathml.converter import convert
from nbconvert import HTMLExporter

from course_utils.command.notebook_files import CODE, read_notebook, title, write
from course_utils.command.saved_widgets import without_widgets
from course_utils.errors import CourseError

TEMPLATES = Path(__file__).parent / "templates"
FORMULA = re.compile(r"(\${1,2})([^$\n]+)\1")  # $ in a line, $$ in the middle of one of its own
NOT_TEX = tuple(kind for kind in vars(exceptions).values() if isinstance(kind, type))


def write_handout(path, folder):
    """The notebook at `path`, as stored, → a page in `folder`; returns its path.

    Raises CourseError.
    """
    notebook = read_chapter(path)
    course = {"title": title(notebook), "css": style("page.css", "handout.css")}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(cell.source)
    maker = exporter(HTMLExporter, "handout.html.j2")
    page, _ = maker.from_notebook_node(notebook, {"course": course})
    target = Path(folder) / f"{Path(path).stem}.html"
    write(target, page.encode())
    return target


def read_chapter(path):
    """The notebook at `path`, widgets as still pictures.

    Raises CourseError if it is none, or if it was never run.
    """
    path = Path(path)
    notebook = read_notebook(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not any(cell.outputs for cell in code):
        number = int(path.stem[:2]) if path.stem[:2].isdigit() else path.stem
        raise CourseError(
            f"{path.name} has no stored outputs: run `uv run course refresh {number}` first"
        )
    return without_widgets(notebook)


def with_formulas(source):
    """Markdown → the same with each $formula$ and $$formula$$ as MathML; code is left alone.

    Raises CourseError, which names a formula that cannot be converted.
    """
    parts = CODE.split(source)
    parts[::2] = [FORMULA.sub(_mathml, part) for part in parts[::2]]
    return "".join(parts)


def _mathml(found):
    """One formula as MathML without a character that Markdown would read as its own."""
    try:
        text = convert(found[2], display="block" if found[1] == "$$" else "inline")
    except NOT_TEX as problem:
        raise CourseError(
            f"the formula ${found[2]}$ cannot be converted ({type(problem).__name__})"
        ) from None
    return text.replace("*", "&#42;").replace("_", "&#95;")


def exporter(kind, template, **settings):
    """An nbconvert exporter of the class `kind` with a template of this package, without prompts.

    settings: further traits of the exporter.
    """
    return kind(
        extra_loaders=[FileSystemLoader(TEMPLATES)],
        template_file=template,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        **settings,
    )


def style(*names):
    """The style sheets of this package, one after another."""
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
