"""How much room words, code and printed text take on a slide of 1280 × 720 pixels.

The numbers belong to `templates/deck.css`; tests/browser holds them against a real browser. They
are a little too large on purpose, since another machine has other fonts.
"""

import math
import re
import unicodedata

WIDTH, ROOM = 1184, 606  # pixels for the content: between the margins, under the running title
PROSE = 430  # most pixels of prose on a slide without code: more is not read
READING, REMAINDER = 110, 130  # kept free under a picture alone; prose that is better not alone
LARGEST = 1.5  # how far a stored picture may be scaled up
CODE_LINE, TEXT_LINE = 25, 25
PROSE_LINE, TABLE_LINE, GAP = 35, 32, 16
LETTERS, CODE_LETTERS, TABLE_LETTERS = 88, 101, 95  # that fit beside each other
HEADINGS = {1: (46, 45), 2: (38, 55), 3: (31, 67)}  # level → size, letters in a line


def prose_height(text):
    """Pixels of one piece of Markdown: heading, paragraph, list, table, quotation or fence."""
    heading = re.match(r"(#{1,6}) (.*)", text)
    if heading:
        size, letters = HEADINGS[min(3, len(heading[1]))]
        return _lines(heading[2], letters) * 1.2 * size + 0.5 * size
    height = 0
    for part in re.split(r"(```.*?```)", text, flags=re.S):
        if part.startswith("```"):
            height += code_height("\n".join(part.splitlines()[1:-1]))
            continue
        lines = re.sub(r"</?\w+[^>]*>", "\n", part).splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        height += sum(row_heights([line for line in lines if line.startswith("|")]))
        prose = [line for line in lines if not line.startswith("|")]
        height += sum(PROSE_LINE * _lines(line, LETTERS) for line in prose)
    return height + GAP


def row_heights(rows):
    """Pixels of each row of a table in Markdown; none for the line under its head."""
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]
    columns = max(map(len, cells), default=0)
    cells = [row + [""] * (columns - len(row)) for row in cells]
    widest = [max(_width(row[i]) for row in cells) + 3 for i in range(columns)]
    share = min(1, TABLE_LETTERS / max(1, sum(widest)))
    heights = []
    for row, source in zip(cells, rows, strict=True):
        deepest = max(_lines(cell, max(8, share * w)) for cell, w in zip(row, widest, strict=True))
        heights.append(0 if set(source) <= set("|-: ") else TABLE_LINE * deepest + 10)
    return heights


def code_height(text):
    """Pixels of a block of source."""
    return CODE_LINE * sum(_lines(line, CODE_LETTERS) for line in text.splitlines()) + 30


def text_height(text):
    """Pixels of printed text, whose long lines are folded."""
    return TEXT_LINE * sum(_lines(line, CODE_LETTERS) for line in text.splitlines()) + 18


def _lines(text, letters):
    """Lines of a text where so many letters fit beside each other."""
    return max(1, math.ceil(_width(text) / letters))


def _width(text):
    """Letters of a text; a Korean one is as wide as two others, marks of Markdown are nothing."""
    text = re.sub(r"\*\*|`|\]\([^)]*\)", "", text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
