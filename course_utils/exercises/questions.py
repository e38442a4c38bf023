"""Questions: one right option, several, a number with its unit, or an order."""

import html
import re
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import ipywidgets as widgets

from course_utils.explorers.live_text import LiveText
from course_utils.language import english, say

RUN = "run this cell"
TYPED = re.compile(  # thousands by commas, spaces or underscores, or none of them
    r"[+-]?(?=\.?\d)(\d{1,3}(?:[,\s_]\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d+)?"
)


@dataclass
class Question:
    """A question with one right option. options: list of (text, is it right, reason)."""

    text: str
    options: list


@dataclass
class Several:
    """A question with several right options. options: list of (text, is it right, reason)."""

    text: str
    options: list


@dataclass
class Number:
    """A question whose answer is a number.

    value: the right one. unit: what stands behind the field. reason: why it is right. within: how
    far from `value` an answer may be. mistakes: dict of a wrong number → what was confused.
    """

    text: str
    value: float
    unit: str
    reason: str
    within: float = 0
    mistakes: dict = field(default_factory=dict)


@dataclass
class Order:
    """A question that wants things in order. items: list of texts in the right order."""

    text: str
    items: list
    reason: str


def options_of(question):
    """The options of a Question or Several, in the order in which they are shown.

    The order is drawn from the texts, so that it is the same in every run; that of the right option
    of a course's question is dealt (`dealt_places`), so that no place is right more often.
    """
    options = _shuffled(question.text, question.options, lambda option: option[0])
    place = dealt_places().get(english(question.text)) if isinstance(question, Question) else None
    if place is not None:
        (right,) = [option for option in options if option[1]]
        options.remove(right)
        options.insert(place, right)
    return options


def items_of(question):
    """The items of an Order, as they are shown: never in the right order."""
    items = _shuffled(question.text, question.items, english)
    return items if items != list(question.items) else items[1:] + items[:1]


def _shuffled(seed, values, text):
    def lot(value):
        return sha256(f"{english(seed)}\n{english(text(value))}".encode()).digest()

    return sorted(values, key=lot)


@cache
def dealt_places():
    """Dict of a question's text → the place of its right option, from 0, for all of the course.

    Among the questions with equally many options each place has its turn, in an order that is
    drawn from their texts.
    """
    by_length, places, known = {}, {}, set()  # a chapter's table may hold its parts'
    for file in sorted(Path(__file__).parent.glob("*/questions.py")):
        for question in import_module(
            f"{__package__}.{file.parent.name}.questions"
        ).QUESTIONS.values():
            if isinstance(question, Question) and question.text not in known:
                known.add(question.text)
                by_length.setdefault(len(question.options), []).append(question.text)
    for length, texts in by_length.items():
        for turn, text in enumerate(_shuffled("", texts, str)):
            places[text] = turn % length
    return places


def stored_text(question):
    """A question as the text that its cell keeps: it tells no answer."""
    if isinstance(question, Number):
        return f"{question.text}\n  …: ____ {question.unit}".rstrip() + f"\n({RUN} to answer)"
    if isinstance(question, Order):
        lines = [f"  {place}. {item}" for place, item in enumerate(items_of(question), 1)]
        return "\n".join([question.text, *lines, f"({RUN} to put them in order)"])
    mark = "□" if isinstance(question, Several) else "○"
    lines = [f"  {mark} {option[0]}" for option in options_of(question)]
    return "\n".join([question.text, *lines, f"({RUN} to choose)"])


def as_number(text, unit=""):
    """What was typed, such as "1,234", "1 234", "12 %" or "0.5 px", → float; None if it is none.

    unit: the unit that may stand behind it. A % is a hundredth where the unit is another one.
    """
    typed = text.strip().replace("−", "-")
    if unit and unit != "%":
        typed = re.sub(rf"(?i)\s*{re.escape(unit)}$", "", typed)
    typed, percent = typed.removesuffix("%").rstrip(), typed.endswith("%")
    if not TYPED.fullmatch(typed):
        return None
    value = float(re.sub(r"[\s,_]", "", typed))
    return value / 100 if percent and unit != "%" else value


class _Asked(widgets.VBox):
    """A question, what answers it, and a line of text that says whether it is right, and why."""

    def __init__(self, question, controls):
        self.question, self.reason = question, LiveText()
        text = widgets.HTML(f"<b>{html.escape(question.text)}</b>")
        super().__init__([text, *controls, self.reason])
        self.add_class("course-question").add_class("course-widget")

    def told(self, right, sentence, wrong="Not this one."):
        """Say and mark whether it is right; the classes are read by `course progress`."""
        mark = "✓ Right." if right else f"✗ {wrong}"
        self.remove_class("course-wrong" if right else "course-right")
        self.add_class("course-right" if right else "course-wrong")
        self.reason.text = f"{mark} {sentence}".rstrip()

    def _repr_mimebundle_(self, **options):
        return super()._repr_mimebundle_(**options) | {
            "text/plain": say(stored_text(self.question))
        }


class Ask(_Asked):
    """A Question as radio buttons: choosing an option shows whether it is right, and why.

    question: with its options as they are shown. choice: the radio buttons. reason: the answer.
    """

    def __init__(self, question):
        question = replace(question, options=options_of(question))
        self.choice = widgets.RadioButtons(
            options=[option[0] for option in question.options],
            value=None,
            layout={"width": "auto"},
        )
        self.choice.observe(self._answer, names="index")
        super().__init__(question, [self.choice])

    def _answer(self, change):
        if change["new"] is not None:
            _, right, reason = self.question.options[change["new"]]
            self.told(right, reason)


class AskSeveral(_Asked):
    """A Several as check boxes and a button. boxes: in the order of `question.options`."""

    def __init__(self, question):
        question = replace(question, options=options_of(question))
        self.boxes = [
            widgets.Checkbox(False, description=option[0], indent=False, layout={"width": "auto"})
            for option in question.options
        ]
        self.button = _button("Check", self.check)
        self.button.layout.align_self = "flex-start"  # or it is as wide as the page
        super().__init__(question, [*self.boxes, self.button])

    def check(self, _=None):
        """Say whether just the right ones are ticked; else why one that is ticked is wrong."""
        pairs = list(zip(self.boxes, self.question.options, strict=True))
        if not any(box.value for box in self.boxes):
            self.reason.text = "Tick all that are right, then press Check."
            return
        for box, (text, right, reason) in pairs:
            if box.value and not right:
                self.told(False, f"{text}: {reason}", "Not all of these.")
                return
        missing = sum(right and not box.value for box, (_, right, _) in pairs)
        if missing:
            self.told(False, "What is ticked is right, but something is missing.", "Not yet.")
        else:
            self.told(True, " ".join(reason for _, (_, right, reason) in pairs if right))


class AskNumber(_Asked):
    """A Number as a field with its unit. field: Enter in it, or the button, checks."""

    def __init__(self, question):
        self.field = widgets.Text(
            continuous_update=False,
            placeholder=say("a number"),
            tooltip=say("your number"),
            layout={"width": "9em"},
        )
        self.field.observe(self.check, names="value")
        self.button = _button("Check", self.check)
        unit = widgets.Label(question.unit)
        super().__init__(question, [widgets.HBox([self.field, unit, self.button])])

    def check(self, _=None):
        """Say whether the number in the field is right; a known confusion gets its sentence."""
        question, typed = self.question, self.field.value
        if not typed.strip():
            return
        number = as_number(typed, question.unit)
        if number is None:
            self.reason.text = f"{typed.strip()[:40]!r} is not a number such as 1,234 or 0.5."
            return

        def near(value):
            return abs(number - value) <= question.within + 1e-9 * max(1, abs(value))

        known = [said for value, said in question.mistakes.items() if near(value)]
        if near(question.value):
            self.told(True, question.reason)
        else:
            self.told(False, known[0] if known else "", "Not this number.")


class AskOrder(_Asked):
    """An Order as a list. items: a selection list; up, down: move what is selected; button: check.

    By keyboard: the arrow keys select in the list, Tab leads to the buttons.
    """

    def __init__(self, question):
        items = items_of(question)
        self.items = widgets.Select(
            options=items, index=0, rows=len(items), layout={"width": "auto", "max_width": "40em"}
        )
        self.up = _button("Move up", lambda _: self.move(-1))
        self.down = _button("Move down", lambda _: self.move(1))
        self.button = _button("Check", self.check)
        super().__init__(question, [self.items, widgets.HBox([self.up, self.down, self.button])])

    def move(self, step):
        """Move the selected item by one place: -1 up, 1 down; at an end nothing happens."""
        here, items = self.items.index, list(self.items.options)
        if here is None or not 0 <= here + step < len(items):
            return
        items[here], items[here + step] = items[here + step], items[here]
        self.items.options = items
        self.items.index = here + step
        self.reason.text = f"{items[here + step]}: now {here + step + 1} of {len(items)}"

    def check(self, _=None):
        """Say whether the order is right, and else how many stand where they belong."""
        pairs = list(zip(self.items.options, self.question.items, strict=True))
        right = sum(shown == wanted for shown, wanted in pairs)
        if right == len(pairs):
            self.told(True, self.question.reason)
        else:
            self.told(False, f"{right} of {len(pairs)} stand where they belong.", "Not yet.")


def _button(text, press):
    button = widgets.Button(description=say(text), layout={"width": "auto"})
    button.on_click(press)
    return button


KINDS = {Question: Ask, Several: AskSeveral, Number: AskNumber, Order: AskOrder}


def asked(question):
    """The widget of a question of any kind."""
    return KINDS[type(question)](question)
