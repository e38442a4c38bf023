"""Speaker notes: a page for the instructor's phone, so that no answer stands on the projector.

By sittings and sections: what is to be typed and what comes out, where to stop for a prediction and
what its answer is, how many exercises there are, and which wrong answers to expect. The tag
`sitting` is on the heading with which a sitting begins; the wrong answers stand in
notebooks/README.md.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.command.editions.edition import prose, reading, relink, tags
from course_utils.command.editions.pages import measure, style, with_formulas, write_page
from course_utils.command.notebook_files import CHAPTERS, read_notebook, title
from course_utils.command.saved_widgets import without_widgets
from course_utils.language import is_korean, say

BELIEFS = re.compile(r"<!-- wrong answers.*?-->(.*?)<!-- end of the wrong answers -->", re.S)
WRAPPED = "\npre { white-space: pre-wrap; overflow-wrap: anywhere; }\n"
ROW = re.compile(r"^\| (.+) \| (.+) \| (.+) \|$", re.M)


@dataclass
class Section:
    """A section of the page; begins: whether a sitting does. typed: IDs of cells to type.

    exercises: how many stand in it.
    """

    heading: str
    id: str
    begins: bool
    typed: list = field(default_factory=list)
    cells: list = field(default_factory=list)
    exercises: int = 0

    @property
    def link(self):
        return f"- [{self.heading}](#cell-id={self.id})"

    def add(self, text, name=None):
        """Append prose, as a cell with that ID; returns the cell."""
        cell = new_markdown_cell(text, **({"id": name} if name else {}))
        self.cells.append(cell)
        return cell


def write_notes(path, folder):
    """Write the notes on the chapter at `path` as one page into `folder`; returns its path.

    Raises CourseError.
    """
    notebook = without_widgets(read_notebook(path))
    readme = "README.ko.md" if is_korean() else "README.md"
    name = title(notebook)
    sections = noted_sections(notebook.cells, wrong_answers(CHAPTERS / readme))
    cells = [new_markdown_cell(say(f"# Notes: {name}")), new_markdown_cell(plan(sections))]
    cells += [cell for section in sections for cell in section.cells]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(relink(cell.source, path.parent, folder))
        for output in cell.get("outputs", []):
            measure(output)
    return write_page(
        Path(folder) / f"{path.stem}_notes.html",
        HTMLExporter,
        "handout.html.j2",
        new_notebook(cells=cells, metadata=notebook.metadata),
        title=say(f"Notes: {name}"),
        css=style("page.css", "dark.css", "handout.css") + WRAPPED,
        contents="\n".join(section.link for section in sections),
    )


def plan(sections):
    """Markdown: what is to be typed in each sitting, as links into the page."""
    sittings = []
    for section in sections:
        if section.begins or not sittings:
            sittings.append([])
        sittings[-1].append(section)
    lines = []
    for number, sitting in enumerate(sittings, 1):
        count = sum(len(section.typed) for section in sitting)
        practice = _exercises(sum(section.exercises for section in sitting))
        lines.append(say(f"\n**Sitting {number}**: {count} cells to type{practice}\n"))
        for section in sitting:
            ids = ", ".join(f"[{name}](#cell-id={name})" for name in section.typed)
            lines.append(f"{section.link}{': ' if ids else ''}{ids}{_exercises(section.exercises)}")
    return "\n".join(lines).strip()


def _exercises(count):
    """ ", 2 exercises", or nothing where there are none."""
    return f", {count} exercise{'s' if count > 1 else ''}" if count else ""


def noted_sections(cells, beliefs):
    """The numbered sections of a chapter, as a list of Section.

    cells: of the chapter. beliefs: as `wrong_answers` returns them.
    """
    sections, asked, taught = [], None, True
    for cell in cells:
        taught = taught and "exercises" not in tags(cell)  # what follows belongs to no sitting

        heading = re.search(r"^## (\d\.\d+\w* .*)", prose(cell), re.M)
        if heading:
            section = Section(heading[1], cell.id, "sitting" in tags(cell))
            sections.append(section)
            number = heading[1].split()[0]
            mistakes = [text for text, belongs in beliefs if belongs == number]
            section.add("\n".join([f"## {heading[1]}", "", *mistakes]), cell.id)
        answer, _ = reading(cell)
        if answer and asked:
            asked.source += f"\n\n*{say('Answer')}*:\n\n{answer}"
        if "predict" in tags(cell):
            asked = section.add(f"{say('**Stop, and let everybody write.**')} {prompt(cell)}")
        if "exercise" in tags(cell) and taught:
            section.exercises += 1
        if "lesson" in tags(cell):
            section.typed.append(cell.id)
            section.add(say(f"**To type**: `{cell.id}`"), cell.id)
            section.cells.append(new_code_cell(cell.source, outputs=cell.outputs))
    return sections


def prompt(cell):
    """What a prose cell asks: its last paragraph, or from the words in its metadata, "asks", on."""
    _, text = reading(cell)
    return text[max(text.rfind(cell.metadata.get("asks", "\n\n")), 0) :].strip()


def wrong_answers(readme):
    """List of (Markdown, number of a section): the rows of the README's tables of mistakes.

    A row belongs to the first section that its last column names.
    """
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    rows = [row for table in BELIEFS.findall(text) for row in ROW.findall(table)]
    return [
        (say(f"- They say: {said}. They believe: {believed}. Show: {show}."), number[0])
        for said, believed, show in rows
        if (number := re.search(r"\b\d\.\d+\w?\b", show))
    ]
