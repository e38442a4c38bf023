"""Blocks: the parts of a Markdown cell that are translated one by one.

A block is a paragraph, a heading, a list, a short table, or a row of a long one. Blank lines
separate blocks. Code in fences, formulas on lines of their own, and lines without a word (such as
`</details>`) are no blocks: they stay as they are.
"""

import re
from typing import NamedTuple

FENCE = re.compile(r"\s*(?:>\s?)*(```+|~~~+)")
HEADING = re.compile(r"#{1,6} ")
TABLE_LINE = re.compile(r"\s*\|.*\|\s*$")
RULE = re.compile(r"\s*\|[-:| ]+\|\s*$")  # the line below a table's head
NO_WORDS = re.compile(r"`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|<[^<>]*>|\]\([^)\s]*\)", re.S)
WORD = re.compile(r"[A-Za-z]{2,}")
LONG_TABLE = 6  # rows; a longer table is translated row by row


class Piece(NamedTuple):
    """A part of a cell's text; `words` tells whether it is a block, that is, translated."""

    text: str
    words: bool


def pieces(source, marks=()):
    """A Markdown text as a list of Piece, whose texts joined are the text itself.

    marks: words at which a new block begins within a paragraph, each at its first place.
    """
    found = []
    for lines in _runs(source.splitlines(keepends=True)):
        text = "".join(lines)
        for part in _cut(text, source, marks):
            body = part.strip()
            start = part.index(body)
            found.append(Piece(part[:start], False))
            found.append(Piece(body, has_words(body)))
            found.append(Piece(part[start + len(body) :], False))
    return [piece for piece in found if piece.text]


def has_words(text):
    """Whether a text has words outside of code, formulas, tags and addresses."""
    return not FENCE.match(text) and bool(WORD.search(NO_WORDS.sub(" ", text)))


def blocks(source, marks=()):
    """The blocks of a Markdown text, a list of texts in their order."""
    return [piece.text for piece in pieces(source, marks) if piece.words]


def _runs(lines):
    """Lines → lists of lines: fences, formulas, headings, rows of long tables, and paragraphs."""
    run, until = [], None
    rows = _long_table_lines(lines)
    for number, line in enumerate(lines):
        if until:
            run.append(line)
            if line.strip(" >\n").endswith(until):
                yield run
                run, until = [], None
            continue
        fence, alone = FENCE.match(line), line.strip()
        if fence or (alone.startswith("$$") and alone.count("$$") == 1):
            if run:
                yield run
            run, until = [line], fence[1] if fence else "$$"
        elif HEADING.match(line) or number in rows:
            if run:
                yield run
            yield [line]
            run = []
        elif not line.strip():
            yield [*run, line]
            run = []
        else:
            run.append(line)
    if run:
        yield run


def _long_table_lines(lines):
    """Numbers of the lines of tables with more than LONG_TABLE rows below their head."""
    found, table = set(), []
    for number, line in enumerate([*lines, ""]):
        if TABLE_LINE.match(line):
            table.append(number)
            continue
        if len(table) > LONG_TABLE + 2:
            found |= set(table)
        table = []
    return found


def _cut(text, source, marks):
    """A run of lines, cut where a mark has its first place in the whole source."""
    start = source.find(text)
    places = sorted({source.find(mark) - start for mark in marks if mark and mark.strip()})
    places = [place for place in places if 0 < place < len(text)]
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
