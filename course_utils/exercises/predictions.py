"""Predictions: what a student guesses before a cell is run, in one line."""

import random
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from course_utils.language import is_korean, say, translated


@dataclass
class Choice:
    """One of `options` (list of texts); `right` is the index of the one that came out.

    cell: ID of the code cell that answers. ask: the question in one line.
    """

    cell: str
    ask: str
    options: list
    right: int

    @property
    def came_out(self):
        return self.options[self.right]

    def is_right(self, answer):
        """Whether a text is the option that came out."""
        return answer == self.came_out


@dataclass
class Amount:
    """A number. value: what came out. within: how far from it a guess still counts as right.

    unit: what stands behind the field, such as "%" or "parameters"; "" for none.
    """

    cell: str
    ask: str
    value: float
    within: float
    unit: str = ""

    @property
    def came_out(self):
        return self.value

    def is_right(self, answer):
        """Whether a number is near enough."""
        return abs(answer - self.value) <= self.within + 1e-9 * abs(self.value)


@dataclass
class Several:
    """Some of `options`; `right` is the set of the indices of those that came out."""

    cell: str
    ask: str
    options: list
    right: set

    @property
    def came_out(self):
        return [self.options[place] for place in sorted(self.right)]

    def is_right(self, answer):
        """Whether a list of texts has exactly the options that came out."""
        return set(answer) == set(self.came_out)


@dataclass
class Order:
    """Things to be put in order. items: list of texts, in the order that came out."""

    cell: str
    ask: str
    items: list

    @property
    def came_out(self):
        return self.items

    def is_right(self, answer):
        """Whether a list of texts has the items in the order that came out."""
        return list(answer) == self.items


def shuffled(prompt, prediction):
    """The options or items of a prediction in the order in which they are shown, always the same.

    prompt: ID of its cell, the seed. The items of an Order are never shown in the right order.
    """
    in_order = isinstance(prediction, Order)
    texts = prediction.items if in_order else prediction.options
    shown, rng = list(texts), random.Random(prompt)
    rng.shuffle(shown)
    while in_order and len(set(texts)) > 1 and shown == list(texts):
        rng.shuffle(shown)
    return shown


def in_words(prediction, answer):
    """An answer as a sentence names it: a number with its unit, or options in quotes."""
    if isinstance(answer, str):
        return f"“{answer}”"
    if isinstance(answer, list):
        between = " → " if isinstance(prediction, Order) else ", "
        return between.join(f"“{text}”" for text in answer) or say("none of them")
    unit = prediction.unit
    close = unit in ("", "%") or is_korean()
    return f"{in_digits(answer, 6)}{'' if close else ' '}{unit}"


def in_digits(number, most):
    """A number as text with commas: a whole one with all its digits, another with at most `most`.

    Raises TypeError or ValueError for what is no number.
    """
    whole = float(number).is_integer() and abs(number) < 1e15  # as exact as a float is
    return f"{number:,.0f}" if whole else f"{number:,.{most}g}"


def as_text(prompt, prediction):
    """What a guess shows where there are no widgets, as in a copy that was not run yet."""
    if isinstance(prediction, Amount):
        lines = [f"  a number{f', in {prediction.unit}' if prediction.unit else ''}"]
    else:
        mark = {Choice: "○", Several: "□", Order: "↕"}[type(prediction)]
        lines = [f"  {mark} {text}" for text in shuffled(prompt, prediction)]
    return say("\n".join([prediction.ask, *lines, "(run this cell to keep your prediction)"]))


def predictions_of(chapter):
    """Dict of a prompt's ID → prediction of a chapter, such as "cnn"; empty if it has none."""
    there = Path(__file__).parent / chapter / "predictions.py"
    if not re.fullmatch(r"\w+", chapter) or not there.is_file():
        return {}
    return import_module(f"course_utils.exercises.{chapter}.predictions").PREDICTIONS


def guesser(chapter, predictions=None):
    """`guess` of a chapter.

    chapter: such as "cnn". predictions: dict of a prompt's ID → prediction (default: those of the
    chapter's module `predictions`, or none). From now on the cells that answer are noticed.
    """
    from course_utils.errors import require_option
    from course_utils.exercises.guesses import Guess, watch

    table = predictions_of(chapter) if predictions is None else predictions
    watch(chapter, table)

    def guess(prompt):
        """Show a line to predict what comes out below the cell `prompt`, before it is run."""
        require_option("prompt", prompt, list(table))
        return Guess(chapter, prompt, translated(table[prompt]))

    return guess
