"""The language in which the course speaks: English, or Korean where it is switched on.

A text is not marked where it stands in the source: it is looked up where it is shown, by `say`.
What is known stands in the catalogs of `course_utils/ko/`.
"""

import builtins
import contextlib
import functools
import locale
import os
import re
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

LANGUAGE = "COURSE_LANGUAGE"  # the environment variable: "ko" for Korean
CATALOGS = Path(__file__).parent / "ko"
HOLE = re.compile(r"\{\d+\}")  # where a template takes a name or a number
MOST_PARTS = 12  # of which a text is thought to be put together
LATIN = re.compile(r"[A-Za-z]")
BETWEEN = re.compile(
    r"\n?\s*[○□↕✓✗] |\n\s*\d+\. |\n+|; |: |(?<=[.!?]) | (?=\((?:[a-z]|1 ))| · |, "
)  # between two texts


NEXT = re.compile(r"; |, (?![^(\[]*[)\]])")  # outside brackets: another text follows


def is_korean():
    """Whether Korean is on: by COURSE_LANGUAGE, else in a notebook of the Korean edition.

    Jupyter tells a kernel its notebook's path; the Korean edition lies in folders named "ko".
    """
    chosen = os.environ.get(LANGUAGE)
    if chosen is not None:
        return chosen == "ko"
    return "ko" in Path(os.environ.get("JPY_SESSION_NAME", "")).parts[:-1]


def machine_is_korean():
    """Whether the machine's own language is Korean."""
    names = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    return next(filter(None, names), locale.getlocale()[0] or "").startswith(("ko", "Korean"))


def say(text, names=False):
    """A text as it is shown: in Korean if Korean is on and the catalogs have it, else as it is.

    A text that was put together of several is translated as far as its parts are known. names: a
    part that is a single word is a name, such as the argument `boxes`, and stays.
    """
    return _said(text, names) if isinstance(text, str) and text and is_korean() else text


def texts(*templates):
    """Texts of which another one is put together, such as "{0} solved"; returns them."""
    return templates


@contextlib.contextmanager
def speaking(korean):
    """Within it Korean is on if `korean` is true, and what is printed is as `say` has it."""
    before = os.environ.get(LANGUAGE)
    if korean:
        os.environ[LANGUAGE] = "ko"
    try:
        if not is_korean():
            yield
            return
        with (
            contextlib.redirect_stdout(Saying(sys.stdout)),
            contextlib.redirect_stderr(Saying(sys.stderr)),
        ):
            yield
    finally:
        if korean:
            os.environ.pop(LANGUAGE)
            os.environ.update({} if before is None else {LANGUAGE: before})


class Translated(str):
    """A text as it is shown; `english` is the text that it stands for."""

    def __new__(cls, shown, english):
        made = super().__new__(cls, shown)
        made.english = english
        return made


def english(text):
    """The English for which a text stands, if it was translated; else the text."""
    return getattr(text, "english", text)


def translated(thing):
    """A question or prediction with all its texts as they are shown.

    thing: a dataclass, or lists, tuples and dicts of texts; keys of dicts and whatever is no text
    stay. Returns `thing` itself where Korean is off.
    """
    if not is_korean():
        return thing
    if isinstance(thing, str):
        return Translated(say(thing), thing)
    if isinstance(thing, list | tuple):
        return type(thing)(map(translated, thing))
    if isinstance(thing, dict):
        return {key: translated(value) for key, value in thing.items()}
    if is_dataclass(thing) and not isinstance(thing, type):
        shown = (list, tuple, dict, str)
        parts = {part.name: getattr(thing, part.name) for part in fields(thing) if part.init}
        changed = {
            name: translated(value)
            for name, value in parts.items()
            if isinstance(value, shown) and name != "cell"  # the ID of one
        }
        return replace(thing, **changed)
    return thing


class Saying:
    """A stream that shows each text that is written to it as `say` has it."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        """Write one text."""
        return self._stream.write(say(text))

    def __getattr__(self, name):
        return getattr(self._stream, name)


def parts(template):
    """A template's fixed texts, in order: "got {0}; use {1}" → ["got ", "; use ", ""]."""
    return HOLE.split(template)


def captured(template, text):
    """What stands in the holes of a template in a text, a list; None if the text is another one.

    Of two last holes that touch the second takes what begins with "; ", or else all.
    """
    first, *others = parts(template)
    if not others or not text.startswith(first) or not text.endswith(others[-1]):
        return None
    place, found, end = len(first), [], len(text) - len(others[-1])
    for number, part in enumerate(others[:-1], 2):
        start = text.find(part, place)
        if start < 0:
            return None
        if not part and number == len(others):
            start = max(start, text.find("; ", place, end))
        found.append(text[place:start])
        place = start + len(part)
    return [*found, text[place:end]] if place <= end else None


def _nothing_lost(template, korean, found):
    """Whether the Korean leaves out no more than the ending of a plural."""
    kept = set(HOLE.findall(korean))
    holes = zip(HOLE.findall(template), found, strict=True)
    return all(hole in kept or text in ("", "s", "es") for hole, text in holes)


def _names_exception(text):
    """Whether the last word of a text is one of Python's exceptions, as in "it raises KeyError"."""
    kind = getattr(builtins, text.rpartition(" ")[2], None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


@functools.lru_cache(maxsize=4096)
def _said(text, names=False):
    """A text in Korean, whole or in parts: whatever leaves least English.

    names: as in `say`.
    """
    body = text.strip()
    if body != text:
        before = text[: text.index(body)] if body else text
        return before + _said(body, names) + text[len(before) + len(body) :] if body else text
    texts, templates = _catalogs()
    if text in texts and not (names and text.isidentifier()):
        return texts[text]
    if " " not in text or not LATIN.search(text):
        return text
    made = [(_english(text), 0, text)]  # letters of English, and sentences that a hole swallowed
    for template, korean in templates:
        found = captured(template, text)
        if found is not None and _nothing_lost(template, korean, found):
            said = [_said(part, names) for part in found]
            fill = dict(zip(HOLE.findall(template), said, strict=True))
            whole = HOLE.sub(lambda hole, fill=fill: fill[hole[0]], korean)
            made.append(
                (_english(whole), sum(len(NEXT.findall(part.strip("; "))) for part in found), whole)
            )
    letters, swallowed, _ = min(made, key=_price)
    if swallowed or letters > _english(text) / 8:  # more than a name or two
        places = [*BETWEEN.finditer(text)]
        for between in [*places[:MOST_PARTS], *places[MOST_PARTS:][-MOST_PARTS:]]:
            head, tail = text[: between.start()], text[between.end() :]
            if between[0] == ": " and _names_exception(head):
                continue  # Python's own message stays as it is
            whole = _said(head, names) + between[0] + _said(tail, names)
            made.append((_english(whole), 0, whole))
    return min(made, key=_price)[2]


def _price(made):
    return made[:2]


def _english(text):
    """How many letters of English stand in a text."""
    return len(LATIN.findall(text))


@functools.lru_cache(maxsize=1)
def _catalogs():
    """(dict of English → Korean, list of templates (English, Korean), the most fixed first)."""
    from babel.messages.pofile import read_po

    texts, templates = {}, []
    for path in sorted(CATALOGS.glob("*.po")):
        with open(path, "rb") as file:
            messages = [message for message in read_po(file) if message.id and message.string]
        for message in messages:
            if "fuzzy" in message.flags:
                continue
            for pair in {
                (message.id, message.string),
                (message.id.lstrip(";:, "), message.string.lstrip(";:, ")),  # as it is split off
            }:
                if HOLE.search(message.id):
                    templates.append(pair)
                else:
                    texts[pair[0]] = pair[1]
    templates.sort(key=lambda pair: -len("".join(parts(pair[0]))))
    return texts, templates
