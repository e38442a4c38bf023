"""For authors: `course refresh` stores outputs that repeat, `course map` writes the course map.

The map tells which section teaches which concept, as the headings of the notebooks say, and where
the lecture is corrected: the notes of the notebooks, each with the cell that measures it.
"""

import re
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from course_utils.command.editions.edition import tags
from course_utils.command.kernels import kernel_environment
from course_utils.command.notebook_files import as_bytes, read_notebook, title, write
from course_utils.command.saved_widgets import VIEW
from course_utils.errors import CourseError

PICTURES = ("image/png", "image/jpeg")
KEPT_MIMES = ("text/plain", *PICTURES)
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
BEGIN = "<!-- course map: `uv run course map` writes the lines from here -->"
END = "<!-- end of the course map -->"
NOTE = re.compile(r"^> \*\*[^*\n]+\*\* (.*?)(?:\n\n|\Z)", re.M | re.S)  # after its bold words
NOTES = """## Where the lecture is corrected

What the lecture says stands before each of these notes; the cell measures what the note says.

| section | note | cell |
|---|---|---|"""
HEADS = "| ID | concept | section | at the end you can say |\n|---|---|---|---|"


def refresh_notebook(path):
    """Execute the notebook at `path` in place; returns seconds.

    The file changes only after every cell ran: a failing cell leaves it as it was and raises
    CourseError with the cell's source and its error.
    """
    path = Path(path)
    notebook = read_notebook(path)
    start = time.perf_counter()
    run(notebook, path.parent)
    seconds = time.perf_counter() - start
    clean(notebook)
    write(path, as_bytes(notebook))
    return seconds


def run(notebook, folder):
    """Execute all cells in order, in a fresh kernel. Raises CourseError where one fails."""
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=kernel_environment())
    except AssertionError:  # how nbclient ends when it was interrupted
        raise KeyboardInterrupt from None
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as problem:
        raise CourseError(f"a cell failed, the notebook stays as it was:\n{problem}") from None


def name_figures(outputs, texts):
    """Put the author's alt texts, `alt` in a cell's metadata, into the figures it has shown.

    outputs: of the cell, changed in place. texts: one for each figure, in order; a figure beyond
    them keeps the text that the kernel made. An explorer tells what it shows itself.
    """
    shown = [output for output in outputs if "data" in output and VIEW not in output["data"]]
    figures = [output for output in shown if not output["data"].keys().isdisjoint(PICTURES)]
    for output, text in zip(figures, texts, strict=False):
        output["data"]["text/plain"] = text
        output["metadata"] = {mime: {"alt": text} for mime in PICTURES if mime in output["data"]}


def clean(notebook):
    """Write the alt texts; drop what differs from run to run: widgets, timings, cut streams."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": KERNEL,
            "language_info": {"name": "python", "file_extension": ".py"},
        }
    )
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        name_figures(cell.outputs, cell.metadata.get("alt", ()))
        outputs = []
        for output in cell.outputs:
            if "data" in output:
                kept = {mime: output.data[mime] for mime in KEPT_MIMES if mime in output.data}
                output.data = nbformat.from_dict(kept)
            last = outputs[-1] if outputs else {}
            if output.output_type == "stream" and last.get("name") == output.name:
                last.text += output.text
            else:
                outputs.append(output)
        cell.outputs = outputs


def address(path, cell):
    """Where a cell is, for a link: JupyterLab finds cells by ID (headings only while shown)."""
    return f"{path.name}#cell-id={cell.id}"


def rows(path, notebook):
    """List of (ID, concept, section, outcome), one for each lecture ID of a notebook, sorted.

    A cell that carries "lecture" in its metadata starts with the heading of its section, and
    carries "concept" and "outcome", too. Raises CourseError with its first line if it does not.
    """
    found = []
    for cell in notebook.cells:
        names = cell.metadata.get("lecture", [])
        if names:
            line = cell.source.split("\n")[0]
            number = re.match(r"#+ (\d+\.\d+) ", line)
            if cell.cell_type != "markdown" or number is None:
                raise CourseError(f"{path.name}: {line!r} has lecture IDs but no section number")
            for key in ("concept", "outcome"):
                text = cell.metadata.get(key)
                if not isinstance(text, str) or not text.strip():
                    raise CourseError(f"{path.name}: {line!r} has no {key!r} in its metadata")
            section = f"[{number[1]}]({address(path, cell)})"
            concept, outcome = cell.metadata.concept, cell.metadata.outcome
            found += [(name, concept, section, outcome) for name in names]
    return sorted(found)


def table(found):
    """A Markdown table of the rows."""
    lines = [" | ".join(text.strip().replace("|", r"\|") for text in row) for row in found]
    return "\n".join([HEADS, *(f"| {line} |" for line in lines)])


def chapter(path):
    """The map of one notebook: its title, which is a link to it, and its table."""
    notebook = read_notebook(path)
    return f"## [{title(notebook, path.name)}]({path.name})\n\n{table(rows(path, notebook))}"


def notes(path):
    """Rows of the table of corrections: each lecture note of a notebook, and what measures it.

    A note is a quotation that begins with bold words, in a cell tagged `lecture-note`. It is
    measured by the next code cell, or by the one that its cell names in the metadata, "measured".
    Raises CourseError if there is none.
    """
    notebook, section, found = read_notebook(path), "", []
    code = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    for place, cell in enumerate(notebook.cells):
        section = re.match(r"## (\d+\.\d+) |", cell.source)[1] or section
        if "lecture-note" not in tags(cell) or not (note := NOTE.search(cell.source)):
            continue
        after = (other.id for other in notebook.cells[place:] if other.id in code)
        named = cell.metadata.get("measured", next(after, None))
        if named not in code:
            raise CourseError(f"{path.name}: no cell {named!r} measures the note of {cell.id!r}")
        text = re.sub(r"\n(> )?", " ", note[1]).strip().replace("|", r"\|")
        if text.endswith(":"):  # its last sentence is for the cell that follows
            text = re.sub(r"(?<=[.!?)]) [^.!?]+:$", "", text).removesuffix(":")
        links = [f"[{section}]({address(path, cell)})", f"[{named}]({address(path, code[named])})"]
        found.append(f"| {links[0]} | {text} | {links[1]} |")
    return found


def course_map(paths):
    """The map of all notebooks, without the two comments around it."""
    paths = [Path(path) for path in paths]
    found = [row for path in paths for row in notes(path)]
    parts = [*map(chapter, paths), *(["\n".join([NOTES, *found])] if found else [])]
    return "\n\n".join(parts)


def replaced(text, between):
    """`text` with `between` in place of what stands between the two comments."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise CourseError(f"the map needs one line {BEGIN!r} and after it one line {END!r}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{between}\n\n{END}{after}"


def write_map(readme, paths):
    """Write the map of the notebooks at `paths` into the file `readme`; returns if it changed.

    The file changes as a whole or, if a notebook or the file is not as it must be, not at all.
    Raises CourseError.
    """
    readme = Path(readme)
    try:
        old = readme.read_text(encoding="utf-8")
    except OSError as problem:
        raise CourseError(f"{readme.name} cannot be read: {problem}") from None
    new = replaced(old, course_map(paths))
    if new != old:
        write(readme, new.encode())
    return new != old
