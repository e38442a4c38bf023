"""Pages: a handout, and what it shares with decks (stored chapter, questions, formulas, exporter).

A handout is a chapter with its outputs as one page, for reading on a phone, or on paper by the
browser's own printing. A page that comes out of here is one file: pictures, styles and scripts are
in it, and it asks the network for nothing.
"""

import ast
import re
from base64 import b64decode
from importlib import import_module
from io import BytesIO
from itertools import groupby
from pathlib import Path

from jinja2 import FileSystemLoader
from latex2mathml import exceptions
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell
from PIL import Image

from course_utils.command.editions.edition import relink, restart, speak, tags
from course_utils.command.notebook_files import CODE, parsed, read_notebook, title, write
from course_utils.command.saved_widgets import without_widgets
from course_utils.errors import CourseError
from course_utils.exercises.questions import Number, Order, items_of, options_of
from course_utils.language import is_korean, say, translated

TEMPLATES = Path(__file__).parent / "templates"
FORMULA = re.compile(r"(\${1,2})([^$\n]+)\1")  # $ in a line, $$ in the middle of one of its own
SECTION = re.compile(r"^(?=## )", re.M)
KNOWS = re.compile(r"^from (course_utils\.exercises\.\w+) import .*\bask\b", re.M)
ASKS = re.compile(r"""^ask\(["']([\w-]+)["']\)""", re.M)
TEXT = re.compile(r"(?:^|(?<=>))[^<>]+")  # in HTML
HANGUL = re.compile(r"[가-힣]+(?: [가-힣]+)*")
NOT_TEX = tuple(kind for kind in vars(exceptions).values() if isinstance(kind, type))


def write_handout(path, folder):
    """The notebook at `path`, as stored, → a page in `folder`; returns its path.

    Raises CourseError.
    """
    notebook, path = read_chapter(path), Path(path)
    notebook.cells = handout_cells(notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(relink(cell.source, path.parent, folder))
    sections = [cell for cell in notebook.cells if opens_section(cell)]
    return write_page(
        Path(folder) / f"{path.stem}.html",
        HTMLExporter,
        "handout.html.j2",
        notebook,
        title=title(notebook),
        css=style("page.css", "dark.css", "handout.css"),
        contents="\n".join(
            f"- [{cell.source.splitlines()[0][3:]}](#cell-id={cell.id})" for cell in sections
        ),
    )


def write_page(target, kind, template, notebook, **course):
    """A notebook by nbconvert's exporter `kind` and a template of this package → the file `target`.

    course: what the template asks for, such as title and css. Returns `target`.
    """
    course["language"] = "ko" if is_korean() else "en"
    page, _ = exporter(kind, template).from_notebook_node(notebook, {"course": course})
    write(target, page.encode())
    return target


def handout_cells(cells):
    """The cells of a chapter → those of its handout.

    Each section (H2) begins a cell, to which the contents lead. What prepares the notebook is
    folded: what stands between the title and the first section, and cells that only import, or
    that are skipped on slides.
    """
    made = []
    for cell in cells:
        if cell.cell_type != "markdown":
            made.append(cell)
            continue
        pieces = SECTION.split(cell.source.replace(restart(cell), "", 1))
        for number, text in enumerate(filter(str.strip, pieces)):
            piece = new_markdown_cell(text, metadata=dict(cell.metadata))
            piece.id = f"{cell.id}-{number + 1}" if number else cell.id
            made.append(piece)
    first = next((place for place, cell in enumerate(made) if opens_section(cell)), 1)

    def prepares(numbered):
        place, cell = numbered
        skipped = cell.metadata.get("slideshow", {}).get("slide_type") == "skip"
        return 0 < place < first or skipped or only_imports(cell)

    for folded, group in groupby(enumerate(made), prepares):
        if folded:
            group = [cell for _, cell in group]
            group[0].metadata["fold_begins"] = say("What this notebook imports")
            group[-1].metadata["fold_ends"] = True
    return made


def opens_section(cell):
    """Whether a cell begins with a heading of the second level."""
    return cell.cell_type == "markdown" and cell.source.startswith("## ")


def statements(source):
    """The top-level statements of a cell's code; an empty list if it is not Python."""
    try:
        return parsed(source).body
    except SyntaxError:
        return []


def only_imports(cell):
    """Whether a code cell does nothing but import."""
    found = statements(cell.source) if cell.cell_type == "code" else []
    return bool(found) and all(isinstance(one, ast.Import | ast.ImportFrom) for one in found)


def read_chapter(path):
    """The notebook at `path`: widgets as still pictures, questions as text with a folded answer.

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
    known = KNOWS.search("\n".join(cell.source for cell in code))
    questions = {}
    if known:
        questions = import_module(".questions", known[1]).QUESTIONS
    for cell in code:
        asked = ASKS.search(cell.source)
        if "question" in tags(cell) and asked and asked[1] in questions:
            for output in cell.outputs:
                output["data"] = {"text/markdown": asked_text(translated(questions[asked[1]]))}
            cell.metadata["transient"] = {"remove_source": True}
        speak(cell)
        for output in cell.outputs:
            measure(output)
    return without_widgets(notebook)


def asked_text(question):
    """A question of any kind as Markdown, and folded below it what is right, and why."""
    if isinstance(question, Number):
        shown = [f"… {question.unit}"]
        reasons = [f"**{question.value:,} {question.unit}**: {question.reason}"]
    elif isinstance(question, Order):
        shown = [f"- {item}" for item in items_of(question)]
        reasons = [f"{place}. {item}" for place, item in enumerate(question.items, 1)]
        reasons += ["", question.reason]
    else:
        options = options_of(question)
        shown = [f"- {text}" for text, _, _ in options]
        reasons = [
            f"- {'✓' if right else '✗'} **{text}**: {reason}" for text, right, reason in options
        ]
    answer = [f"<details><summary>{say('Answer')}</summary>", "", *reasons, "", "</details>"]
    return "\n".join([f"**{question.text}**", "", *shown, "", *answer])


def measure(output):
    """Put a picture's width and height, in pixels of the page, into the metadata of an output."""
    for mime in ("image/png", "image/jpeg"):
        if mime in output.get("data", {}):
            stored = output.metadata.setdefault(mime, {})
            width, height = Image.open(BytesIO(b64decode(output.data[mime]))).size
            stored.setdefault("width", width)
            stored.setdefault("height", height * stored["width"] // width)


def with_korean(html):
    """HTML → the same with its Hangul marked as Korean, for screen readers and fonts."""
    return TEXT.sub(lambda text: HANGUL.sub(r'<span lang="ko">\g<0></span>', text[0]), html)


def boxed(html):
    """HTML → the same with each table of Markdown in a box that scrolls sideways."""
    opened = html.replace("<table>", '<div class="sideways"><table>')
    return opened.replace("</table>", "</table></div>") if opened != html else html


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
    made = kind(
        extra_loaders=[FileSystemLoader(TEMPLATES)],
        template_file=template,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        **settings,
    )
    marked = (lambda html: html) if is_korean() else with_korean  # Hangul in an English page
    made.register_filter("korean", marked)
    made.register_filter("say", say)
    made.register_filter("boxed", boxed)
    return made


def style(*names):
    """The style sheets of this package, one after another."""
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
