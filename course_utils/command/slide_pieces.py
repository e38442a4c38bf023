"""A cell → the pieces of which slides are made, each with the room that it takes."""

import ast
import base64
import io
import re
from dataclasses import dataclass

import nbformat
from PIL import Image

from course_utils.command.pages import with_formulas
from course_utils.command.slide_sizes import (
    CODE_LINE,
    READING,
    ROOM,
    TEXT_LINE,
    WIDTH,
    code_height,
    prose_height,
    row_heights,
    text_height,
)

ONLY_LIVE = ("*After a restart", "(run this cell to choose)")  # said to a reader with a kernel
FENCE = re.compile(r"^(```|~~~)")


@dataclass
class Block:
    """A piece of a cell that is not divided further.

    kind: "heading", "prose", "code", "text" or "picture"; height in pixels of the slide.
    start: the kind of slide that must begin here, or "" if it may follow on the same one.
    """

    cell: nbformat.NotebookNode
    kind: str
    height: float
    start: str = ""
    predict: bool = False
    chosen: bool = False  # `start` was said by the source


def prose_blocks(cell):
    """A Markdown cell → its headings, paragraphs, lists, tables and folded parts, as blocks."""
    blocks, opening = [], level_of(cell.source) == 1  # which explains what Predict means
    parts = [part for whole in split_markdown(cell.source) for part in split_table(whole)]
    for text in parts:
        if text.startswith(ONLY_LIVE):
            continue
        level = level_of(text)
        predict = "**Predict**" in text and not opening
        starts = "slide" if level in (1, 2) else "subslide" if level == 3 or predict else ""
        if text.startswith("<details"):
            text, starts = text.replace("<details", "<details open", 1), "subslide"
        piece = nbformat.v4.new_markdown_cell(with_formulas(text), id=f"{cell.id}-{len(blocks)}")
        kind = "heading" if level else "prose"
        blocks.append(Block(piece, kind, prose_height(text), starts, predict))
    return blocks


def split_markdown(source):
    """Markdown → its parts between blank lines; fences and <details> stay whole."""
    parts, lines, until = [], [], None
    for line in source.splitlines():
        if until:
            lines.append(line)
            until = None if until.match(line.strip()) else until
            continue
        heading = bool(level_of(line))
        if (not line.strip() or heading) and lines:
            parts.append("\n".join(lines))
            lines = []
        if not line.strip():
            continue
        if heading:
            parts.append(line)
            continue
        lines.append(line)
        if FENCE.match(line):
            until = re.compile(re.escape(line[:3]) + "$")
        elif line.startswith("<details") and "</details>" not in line:
            until = re.compile("</details>")
    return parts + ["\n".join(lines)] if lines else parts


def split_table(text):
    """A part of Markdown in a list; a table that is too long in several, each with its head."""
    rows = text.splitlines()
    if not text.startswith("|") or prose_height(text) <= ROOM:
        return [text]
    heights, parts, taken = row_heights(rows), [], ROOM
    for row, height in zip(rows[2:], heights[2:], strict=True):
        if taken + height > ROOM - 60:
            parts.append(rows[:2])
            taken = heights[0]
        parts[-1].append(row)
        taken += height
    return ["\n".join(part) for part in parts]


def code_blocks(cell):
    """A code cell → blocks of its source and of each output; none if it only imports."""
    if only_imports(cell.source) and not cell.outputs:
        return []
    question = "question" in cell.metadata.get("tags", [])
    blocks = [] if question else _source_blocks(cell)
    for output in cell.outputs:
        blocks += _output_blocks(cell, output, question, len(blocks))
    return blocks


def only_imports(source):
    """Whether every statement of a cell is an import."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a line of IPython's own, such as %matplotlib
        return False
    return all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in body)


def _source_blocks(cell):
    """The source in one block, or in several that fit, cut at blank lines."""
    most, lines, blocks = int(ROOM // CODE_LINE) - 1, cell.source.splitlines(), []
    while lines:
        cut = len(lines)
        if cut > most:
            blank = [i for i in range(1, most) if not lines[i].strip()]
            cut = blank[-1] if blank else most
        text = "\n".join(lines[:cut]).strip("\n")
        piece = nbformat.v4.new_code_cell(text, id=f"{cell.id}-{len(blocks)}")
        blocks.append(Block(piece, "code", code_height(text)))
        lines = lines[cut:]
    return blocks


def _output_blocks(cell, output, question, number):
    """One output as a code cell that shows no source; long printed text in several."""
    data = output.get("data", {})
    mime = next((mime for mime in ("image/png", "image/jpeg") if mime in data), None)
    if mime:
        output = nbformat.from_dict(output)
        width, height = size_of(data[mime])
        scale = min(1, WIDTH / width, (ROOM - READING) / height)
        still = 40 if "run this cell to move it" in data.get("text/plain", "") else 0
        output.metadata.setdefault(mime, {})["width"] = int(width * scale)
        return [Block(_shown(cell, output, number), "picture", height * scale + 12 + still)]
    text = output.get("text") or data.get("text/plain", "")
    lines = [line for line in text.rstrip().splitlines() if not line.startswith(ONLY_LIVE)]
    most, blocks = int(ROOM // TEXT_LINE) - 1, []
    for start in range(0, len(lines), most):
        part = "\n".join(lines[start : start + most])
        shown = nbformat.v4.new_output("stream", name="stdout", text=part)
        height = 1.9 * text_height(part) if question else text_height(part)
        piece = _shown(cell, shown, number + len(blocks), ["question"] if question else [])
        blocks.append(Block(piece, "text", height))
    return blocks


def _shown(cell, output, number, tags=()):
    """A code cell of which only this output is seen."""
    piece = nbformat.v4.new_code_cell("", outputs=[output], id=f"{cell.id}-{number}")
    piece.metadata.update({"tags": list(tags), "transient": {"remove_source": True}})
    return piece


def level_of(text):
    """2 for a text that starts with "## ", 0 for one that is no heading."""
    found = re.match(r"(#{1,6}) ", text)
    return len(found[1]) if found else 0


def size_of(data):
    """Width and height of a picture in base64."""
    return Image.open(io.BytesIO(base64.b64decode(data))).size
