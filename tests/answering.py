"""Answers a question's widget, of any kind, as a student does."""

import ipywidgets as widgets

from course_utils.exercises.questions import Number, Order, Question, Several


def controls(shown):
    """A control, or all controls in a box and in the boxes inside it."""
    if not isinstance(shown, widgets.Box):
        return [shown]
    return [control for child in shown.children for control in controls(child)]


def every_answer(asked):
    """Give wrong and right answers; after each, yields (is it right, what has to be said)."""
    yield from KINDS[type(asked.question)](asked, asked.question)


def _one(asked, question):
    for place, (_, right, reason) in enumerate(question.options):
        asked.choice.index = place
        yield right, reason


def _several(asked, question):
    def tick(places):
        for place, box in enumerate(asked.boxes):
            box.value = place in places
        asked.button.click()

    right = [place for place, option in enumerate(question.options) if option[1]]
    for place, (_, is_right, reason) in enumerate(question.options):
        if not is_right:
            tick({place, *right})
            yield False, reason
    tick(right[:-1] or [0])
    yield False, "missing" if right[:-1] else ""
    tick(right)
    yield True, question.options[right[0]][2]


def _number(asked, question):
    for number, said in question.mistakes.items():
        asked.field.value = repr(number)
        yield False, said
    asked.field.value = repr(question.value + 3 * question.within + 1e6)
    yield False, "Not this number"
    asked.field.value = f"{question.value:,} {question.unit}"
    yield True, question.reason


def _order(asked, question):
    asked.button.click()
    yield False, "stand where they belong"
    for place, item in enumerate(question.items):
        asked.items.index = asked.items.options.index(item)
        while asked.items.index > place:
            asked.up.click()
    asked.button.click()
    yield True, question.reason


KINDS = {Question: _one, Several: _several, Number: _number, Order: _order}
