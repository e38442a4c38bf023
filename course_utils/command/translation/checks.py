"""Checks of a translation, block by block: what has to be equal in both languages, and the style.

Each check is a function of (English, Korean) that returns what is wrong, as a list of sentences. A
translator waives a false alarm by a comment in the catalog, "# ok: numbers", with the check's name.
"""

import csv
import functools
import re
from collections import Counter
from typing import NamedTuple

from course_utils.command.translation.catalogs import CHAPTER_CATALOGS

CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.S)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->", re.S)
LINK = re.compile(r"\]\(([^)\s]*)\)")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)*")
MANY = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
BIG = re.compile(  # 1억 3,800만
    r"(?:([\d,.]+)조\s?)?(?:([\d,.]+)억\s?)?(?:([\d,.]+)만(?:\s?([\d,]+))?)?(?<=[조억만\d])"
)
HOLE = re.compile(r"\{\d+\}")
ITEM = re.compile(r"^\s*(?:>\s*)*(?:[-*+]|\d+\.) ", re.M)
STARS = re.compile(r"(?<!\\)\*+")
HANGUL = re.compile(r"[가-힣]")
SENTENCE = re.compile(r"[^.?!\n]+(?:[.?!](?=\d)[^.?!\n]+)*[.?!]*")
GLOSS = re.compile(r"\([^()]*\)")  # 한글(English)
ENGLISH_RUN = re.compile(r"[A-Za-z][a-z'’-]*(?:,? [A-Za-z]?[a-z'’-]+){3,}")
FINAL_B = 17  # the number of ㅂ among the consonants that end a syllable
WORDS = dict(  # numbers that English writes out and Korean does not
    zero=0, no=0, none=0, one=1, a=1, once=1, first=1, single=1, two=2, twice=2, second=2, both=2,
    half=2, pair=2, double=2, three=3, third=3, four=4, fourth=4, quarter=4, five=5, fifth=5, six=6,
    sixth=6, seven=7, eight=8, eighth=8, nine=9, ninth=9, ten=10, tenth=10, eleven=11, twelve=12,
    thirteen=13, fourteen=14, fifteen=15, sixteen=16, twenty=20, thirty=30, forty=40, fifty=50,
    sixty=60, hundred=100, thousand=1000,
)  # fmt: skip
VERBS = {("mean",), ("slide",)}  # terms that are verbs with an s
MARKERS = {  # what an edition's reader finds in bold or italics
    "**Predict**": ("**예측해 보기**",),
    "**Explore**": ("**탐구**",),
    "**Lecture note.**": ("**강의 바로잡기.**",),
    "*The lecture*": ("*강의에서는*", "*강의*"),
    "### Exercise ": ("### 연습 문제 ",),
    "*Level ": ("*난이도 ",),
    "<summary>Solution</summary>": ("<summary>풀이</summary>",),
    "<summary>Answer": ("<summary>답",),
}


class Term(NamedTuple):
    """A row of terms.csv. english: its forms. korean: what stands for it. forbidden: what not."""

    english: list
    korean: list
    forbidden: list
    loose: bool


@functools.cache
def read_terms():
    """The rows of notebooks/ko/terms.csv, the longest English first."""
    with open(CHAPTER_CATALOGS / "terms.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    terms = []
    for row in rows:
        variants = [word.strip() for word in row["variants"].split(";") if word.strip()]
        terms.append(
            Term(
                [word.strip() for word in row["term"].split(";")],
                [row["korean"], *(word for word in variants if not word.startswith("!"))],
                [word[1:] for word in variants if word.startswith("!")],
                row["note"].startswith("loose"),
            )
        )
    return sorted(terms, key=lambda term: -max(map(len, term.english)))


def waived(notes):
    """The checks that a translator's comments switch off: "ok: numbers, terms" → two names."""
    found = [note[3:] for note in notes if note.startswith("ok:")]
    return {name.strip() for text in found for name in text.split(",")}


def problems(context, english, korean, terms, ok=()):
    """What is wrong with a translation: sentences, each begins with the name of its check.

    context: of the entry; a text of the package (".") may be a fragment. terms: of `read_terms`.
    ok: names of checks that are left out.
    """
    found = []
    for check in CHECKS:
        name = check.__name__.lstrip("_")
        if name not in ok:
            found += [f"{name}: {sentence}" for sentence in check(english, korean)]
    if "terms" not in ok:
        found += [f"terms: {sentence}" for sentence in _terms(english, korean, terms)]
    return found


def _plain(text):
    """A text without code, formulas, addresses and tags."""
    for pattern in (CODE, FORMULA, LINK, TAG):
        text = pattern.sub(" ", text)
    return text


def _differ(what, english, korean):
    """Sentences on the difference of two lists, whatever their order."""
    lost, more = Counter(english) - Counter(korean), Counter(korean) - Counter(english)
    said = [f"{what} {word!r} is missing" for word in lost.elements()]
    return said + [f"{what} {word!r} is not in the English" for word in more.elements()]


def numbers(english, korean):
    """Equal numbers; Korean may write in figures what English writes out."""
    plain = _plain(HOLE.sub(" ", english))
    there = Counter(NUMBER.findall(plain))
    scales = [1, *(MANY[word] for word in MANY if word in plain)]
    values = {round(float(n.replace(",", "")) * scale): n for n in there if _is_one(n)
              for scale in scales}  # fmt: skip
    here = BIG.sub(lambda found: values.get(_big(found), found[0]), _plain(HOLE.sub(" ", korean)))
    here = Counter(NUMBER.findall(here))
    words = re.findall(r"[a-z]+", plain.lower())
    spelled = {str(WORDS[word.rstrip("s")]) for word in words if word.rstrip("s") in WORDS}
    said = [f"the number {number} is missing" for number in (there - here).elements()]
    more = [number for number in (here - there).elements() if number not in spelled]
    return said + [f"the number {number} is not in the English" for number in more]


def _is_one(text):
    """Whether a number is one, and not the number of a section of a section, 1.2.3."""
    return text.count(".") < 2


def _big(found):
    """The number that stands in 조, 억 and 만; None if none of them is there."""
    sizes = zip(found.groups(), (10**12, 10**8, 10**4, 1), strict=True)
    parts = [(part.strip(",.").replace(",", ""), size) for part, size in sizes if part]
    if not any(found.groups()[:3]) or not all(part and _is_one(part) for part, _ in parts):
        return None
    return round(sum(float(part) * size for part, size in parts))


def code(english, korean):
    """Equal code spans."""
    return _differ("the code", CODE.findall(english), CODE.findall(korean))


def formulas(english, korean):
    """Equal formulas."""
    return _differ("the formula", FORMULA.findall(english), FORMULA.findall(korean))


def links(english, korean):
    """Equal addresses of links."""
    return _differ("the link", LINK.findall(english), LINK.findall(korean))


def tags(english, korean):
    """Equal HTML tags."""
    return _differ("the tag", TAG.findall(english), TAG.findall(korean))


def holes(english, korean):
    """Equal places {0}, {1} to be filled in, and no particle behind one that could not fit."""
    said = _differ("the place", HOLE.findall(english), HOLE.findall(korean))
    wrong = re.findall(r"\{\d+\}(?:은|는|이|가|을|를|과|와|으로|로)(?![가-힣])", korean)
    return said + [f"{text!r}: a particle that depends on what is filled in" for text in wrong]


def heading(english, korean):
    """The same level of heading."""
    levels = [re.match(r"#{0,6}(?= |$)", text) for text in (english, korean)]
    one, other = (len(level[0]) if level else 0 for level in levels)
    return [] if one == other else [f"a heading of level {one} has become one of {other}"]


def shape(english, korean):
    """The same table, list, quotation, italics at the start and colon at the end."""
    said = []
    cells = [
        [line.replace(r"\|", "").count("|") for line in CODE.sub("", text).splitlines()]
        if text.startswith("|")
        else []
        for text in (english, korean)
    ]
    if cells[0] != cells[1]:
        said.append(f"a table's lines have {cells[0]} bars in English, {cells[1]} in Korean")
    items = [len(ITEM.findall(text)) for text in (english, korean)]
    if items[0] != items[1]:
        said.append(f"a list of {items[0]} has become one of {items[1]}")
    if "\n\n" in korean and "\n\n" not in english:
        said.append("an empty line would make two blocks of one")
    for name, test in (
        ("begins as a quotation, >", lambda text: text.startswith(">")),
        ("begins in italics, *", lambda text: bool(re.match(r"\*[^*]", text))),
        ("ends in a colon", lambda text: text.endswith(":")),
    ):
        if test(english) != test(korean):
            said.append(f"only one of the two {name}")
    return said


def bold(english, korean):
    """About as many words in bold."""
    one, other = (len(re.findall(r"\*\*", CODE.sub("", text))) // 2 for text in (english, korean))
    return [] if abs(one - other) <= max(1, one // 4) else [f"{one} bold parts, {other} in Korean"]


def stars(english, korean):
    """Bold and italics that Markdown really shows.

    It does not close `**픽셀(pixel)**은`, where a bracket stands before the stars and a letter
    behind; `**픽셀**(pixel)은` it does.
    """
    said, begun = [], []
    text = FORMULA.sub("x", korean)
    text = CODE.sub(lambda found: "`" + "x" * (len(found[0]) - 2) + "`", text)
    for found in STARS.finditer(text):
        before = text[found.start() - 1 : found.start()] or " "
        after = text[found.end() : found.end() + 1] or " "
        first = text.rfind("\n", 0, found.start()) + 1
        alone = before.isspace() and after.isspace()
        if alone or (len(found[0]) == 1 and not text[first : found.start()].strip("> ")
                     and after == " "):  # fmt: skip
            continue
        where = text[max(0, found.start() - 12) : found.end() + 6]
        if begun and begun[-1] == found[0]:
            begun.pop()
            if before.isspace() or (not before.isalnum() and after.isalnum()):
                said.append(f"the stars do not close in {where!r}: write **한글**(영어)은")
        else:
            begun.append(found[0])
            if after.isspace() or (not after.isalnum() and before.isalnum()):
                said.append(f"the stars do not open in {where!r}")
    return said + [f"{run} is not closed" for run in begun]


def markers(english, korean):
    """The words that mark a prompt, a note, an exercise."""
    return [
        f"{mark!r} becomes {wanted[0]!r}"
        for mark, wanted in MARKERS.items()
        if english.count(mark) > sum(map(korean.count, wanted))
    ]


def tilde(english, korean):
    """One ~ a line at most: two of them strike out what is between."""
    lines = _plain(korean).splitlines()
    return [f"two ~ in one line: {line[:40]!r}" for line in lines if line.count("~") > 1]


def signs(english, korean):
    """One form of each sign: 5% without a space, quotation marks as in "…"."""
    plain = _plain(korean)
    said = [f"a space before %: {text!r}" for text in re.findall(r"[\d}] %", plain)]
    curly = re.findall(r"[‘’“”]|(?<![\w=])'[^'<>\n]*[가-힣][^'<>\n]*'", plain)
    return said + [f'the quotation mark in {text!r}: write "…"' for text in curly]


def language(english, korean):
    """Korean, and no English sentence left."""
    plain = GLOSS.sub(" ", _plain(HOLE.sub(" ", korean)))
    said = [f"English is left: {run!r}" for run in ENGLISH_RUN.findall(plain)]
    words = re.findall(r"\b[a-z]{3,}\b", _plain(english))
    if len(words) > 2 and not HANGUL.search(korean):
        said.append("there is no Hangul in it")
    latin = len(re.findall(r"\b[a-z]{2,}\b", plain))
    if latin > 6 and latin > len(re.findall(r"[가-힣]+", plain)):
        said.append(f"{latin} English words stand in it")
    return said


def endings(english, korean):
    """Sentences end in -니다, questions and prompts in -까요, -세요; no 해라체, no 해요체."""
    said = []
    if korean.startswith("|"):
        return said
    plain = re.sub(r"[*_“”\"’'`]", "", GLOSS.sub("", _plain(CODE.sub("x", korean))))
    for found in SENTENCE.findall(plain):
        sentence = found.strip()
        if not HANGUL.search(sentence):
            continue
        if wrong := _ending(sentence):
            said.append(f"{wrong}: …{sentence[-24:]!r}")
    return said


def _ending(sentence):
    """What is wrong with the end of one sentence, or None."""
    stopped = sentence[-1] in ".!?"
    words = sentence.rstrip(".!?: ")
    if words.endswith("다") and not re.search(r"마다$|보다$|시다$|다다$", words):
        before = words[-3:-2]
        polite = words.endswith("니다") and before and (ord(before) - 0xAC00) % 28 == FINAL_B
        return None if polite else "해라체"
    if stopped and words.endswith(("요", "죠")) and not words.endswith(("세요", "까요", "필요")):
        return "해요체"
    prose = sentence.endswith(".") and " " in sentence and not sentence.startswith(("#", "-"))
    if prose and re.search(r"[임함음됨]$", words) and re.search(r"[가-힣]", words):
        return "음슴체"
    return None


def _terms(english, korean, terms):
    """Each English term has its Korean; no Korean word that the table forbids."""
    rest, said = _plain(english), []
    given = " ".join(GLOSS.sub(lambda found: f" {found[0]} ", korean).split())
    given = f"{given} {' '.join(korean.split())}"
    outside = "" if english.startswith("|") else GLOSS.sub(" ", _plain(korean))
    for term in terms:
        pattern = _pattern(tuple(term.english))
        found = pattern.search(rest)
        if not found:
            continue
        rest = pattern.sub(" ", rest)
        if not term.loose and not any(word.lower() in given.lower() for word in term.korean):
            said.append(f"{found[0]!r} is {' or '.join(term.korean)!r}")
        used = [word for word in term.forbidden if word in outside]
        said += [f"{word!r} is not our word: {term.korean[0]!r}" for word in used]
    return said


@functools.cache
def _pattern(forms):
    """The regular expression of a term's forms, with an s or without."""
    either = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    plural = "" if forms in VERBS else "(?:s|es)?"
    flags = 0 if any(re.search("[A-Z]", form[1:]) for form in forms) else re.I  # mAP, no map
    return re.compile(rf"(?<![\w-])(?:{either}){plural}(?![\w])(?!-\w)", flags)


CHECKS = (
    numbers, code, formulas, links, tags, holes, heading, shape, bold, stars, markers, tilde,
    signs, language, endings,
)  # fmt: skip
