"""What `guess` shows: a prediction to be made, kept, and told against what came out."""

import contextlib
import html
import json
import re
from datetime import UTC, datetime

import ipywidgets as widgets
from IPython import get_ipython

from course_utils.errors import DataError
from course_utils.exercises.kept import kept_file, read_kept, update
from course_utils.exercises.predictions import (
    Amount,
    Choice,
    Order,
    Several,
    as_text,
    in_digits,
    in_words,
    shuffled,
)
from course_utils.exercises.questions import as_number
from course_utils.explorers.live_text import LiveText
from course_utils.files import ROOT
from course_utils.language import say, texts

SURE = texts("guessing", "fairly", "sure")
CELL_ID = re.compile(r"[\w-]{1,64}", re.A)  # as JupyterLab hands it to the kernel; others do not


class Incomplete(Exception):
    """A field has no answer yet; the message says what to do."""


class OneField(widgets.RadioButtons):
    """One option. `answer` is its text."""

    def __init__(self, prompt, prediction):
        super().__init__(options=shuffled(prompt, prediction), value=None, layout={"width": "auto"})

    @property
    def answer(self):
        if self.value is None:
            raise Incomplete("Choose an option, then press keep.")
        return self.value

    @answer.setter
    def answer(self, given):
        self.value = given if given in self.options else None


class SeveralField(widgets.VBox):
    """Some options, each with its check box. `answer` is the list of their texts."""

    def __init__(self, prompt, prediction):
        texts = shuffled(prompt, prediction)
        self.options = prediction.options
        auto = {"width": "auto"}
        super().__init__(
            [widgets.Checkbox(False, description=text, indent=False, layout=auto) for text in texts]
        )

    @property
    def answer(self):
        chosen = {box.description for box in self.children if box.value}
        if not chosen:
            raise Incomplete("Choose at least one option, then press keep.")
        return [text for text in self.options if text in chosen]

    @answer.setter
    def answer(self, given):
        for box in self.children:
            box.value = isinstance(given, list) and box.description in given


class AmountField(widgets.HBox):
    """A number with its unit. `answer` is a float."""

    def __init__(self, prompt, prediction):
        self.unit = prediction.unit
        self.text = widgets.Text(
            description=say("Your number"), style={"description_width": "initial"},
            continuous_update=False,  # or a click could come before the last digits
            layout={"width": "18em"},
        )  # fmt: skip
        super().__init__([self.text, widgets.Label(self.unit)])

    @property
    def answer(self):
        number = as_number(self.text.value, self.unit)
        if number is None:
            raise Incomplete("Write one number, such as 1,234 or 0.5, then press keep.")
        return number

    @answer.setter
    def answer(self, given):
        self.text.value = in_digits(given, 10) if isinstance(given, int | float) else ""


class OrderField(widgets.HBox):
    """Things in an order, which two buttons change. `answer` is the list of their texts.

    say: function that is told where an item stands now; the Guess sets it.
    """

    def __init__(self, prompt, prediction):
        items = shuffled(prompt, prediction)
        self.list = widgets.Select(
            options=items, value=items[0], rows=len(items),
            layout={"width": "auto", "max_width": "40em"},
        )  # fmt: skip
        self.up = widgets.Button(description=say("Move up"), layout={"width": "auto"})
        self.down = widgets.Button(description=say("Move down"), layout={"width": "auto"})
        self.up.on_click(lambda _: self.move(-1))
        self.down.on_click(lambda _: self.move(1))
        self.say = lambda text: None
        super().__init__([self.list, widgets.VBox([self.up, self.down])])

    def move(self, step):
        """Move the chosen item by so many places; at an end it stays."""
        items, place = list(self.list.options), self.list.index
        if place is None or not 0 <= place + step < len(items):
            return
        items.insert(place + step, items.pop(place))
        self.list.options = items
        self.list.index = place + step
        self.say(f"{items[place + step]}: now {place + step + 1} of {len(items)}")

    @property
    def answer(self):
        return list(self.list.options)

    @answer.setter
    def answer(self, given):
        if isinstance(given, list) and sorted(map(str, given)) == sorted(self.list.options):
            self.list.options, self.list.index = given, 0


FIELDS = {Choice: OneField, Several: SeveralField, Amount: AmountField, Order: OrderField}


class Guess(widgets.VBox):
    """A prediction: the question, its field, how sure one is, a button, and a line of text.

    chapter: such as "cnn". prompt: ID of the cell that asks. prediction: see `predictions`.
    """

    def __init__(self, chapter, prompt, prediction):
        self.key, self.prediction = (chapter, prompt), prediction
        self.field = FIELDS[type(prediction)](prompt, prediction)
        self.sure = widgets.RadioButtons(
            options=[(say(word), word) for word in SURE], value=None,
            orientation="horizontal", description=say("How sure?"),
            layout={"width": "auto"},
        )  # fmt: skip
        self.button = widgets.Button(description=say("keep"), tooltip=say("Keep this prediction"))
        self.line = LiveText()
        self.button.on_click(lambda _: self.keep())
        if isinstance(self.field, OrderField):
            self.field.say = lambda text: setattr(self.line, "text", text)
        text = widgets.HTML(f"<b>{say('Your prediction.')}</b> {html.escape(prediction.ask)}")
        row = widgets.HBox([self.sure, self.button])
        super().__init__([text, self.field, row, self.line])
        self.add_class("course-guess").add_class("course-widget")
        self._restore()
        SHOWN[self.key] = self

    @property
    def is_out(self):
        """Whether the cell that answers has run in this kernel."""
        return self.prediction.cell in RAN

    def _restore(self):
        """Fill in what was kept before; nothing is said of a file that cannot be read."""
        with contextlib.suppress(OSError, ValueError):
            entry = read_kept(kept_file()).get(self.key)
            if entry:
                latest = entry.get("changed") or entry
                self.field.answer = latest["answer"]
                self.sure.value = latest["sure"] if latest["sure"] in SURE else None
                self.tell()

    def keep(self):
        """Keep what the field says; the line tells what was done."""
        try:
            given = {"answer": self.field.answer}
        except Incomplete as problem:
            self.line.text = str(problem)
            return
        if self.sure.value is None:
            self.line.text = "Choose how sure you are, then press keep."
            return
        given |= {"sure": self.sure.value, "time": datetime.now(UTC).isoformat(timespec="seconds")}

        def change(kept):
            old = kept.get(self.key)
            kept[self.key] = self._told(self._changed(old, given))

        self._write(change)

    def tell(self):
        """Say what was kept and, if the cell that answers has run, what came out."""

        def change(kept):
            if self.key in kept:
                kept[self.key] = self._told(kept[self.key])

        self._write(change)

    def _changed(self, old, given):
        """The entry that is kept: the last prediction before the answer was told counts."""
        chapter, prompt = self.key
        if old is None or not (old.get("told") or self.is_out):
            fresh = {"chapter": chapter, "prompt": prompt, **given}
            return fresh | {"right": None, "told": False, "later": self.is_out}
        if all(old[name] == given[name] for name in ("answer", "sure")):
            return {name: value for name, value in old.items() if name != "changed"}
        return old | {"changed": given}

    def _told(self, entry):
        """An entry, marked as told and as right or wrong if the cell that answers has run."""
        if not self.is_out or entry.get("told"):
            return entry
        return entry | {"told": True, "right": self._is_right(entry["answer"])}

    def _is_right(self, answer):
        """Whether an answer is right; one that an older question took is not."""
        try:
            return bool(self.prediction.is_right(answer))
        except TypeError:
            return False

    def _write(self, change):
        """Change what is kept, and say in the line what holds now."""
        try:
            kept, said = update(kept_file(), change)
        except DataError as problem:
            self.line.text = f"Not kept: {problem}"
            return
        if self.key in kept:
            self.line.text = " ".join(filter(None, [said, self._verdict(kept[self.key])]))

    def _verdict(self, entry):
        """One or two sentences on an entry; what came out is told only after its cell has run."""
        words, changed = self._words(entry), entry.get("changed")
        if not self.is_out:
            if changed:
                return (
                    f"Your first prediction counts, since the answer was told: {words}. "
                    f"You say now: {self._words(changed)}."
                )
            return f"Kept: {words}. Run the cells below: what comes out is told here."
        mark = "✓" if self._is_right(entry["answer"]) else "✗"
        came = in_words(self.prediction, self.prediction.came_out)
        near = getattr(self.prediction, "within", 0)
        out = f"It came out as about {came}." if near else f"It came out as {came}."
        if entry.get("later"):
            return f"{mark} You said {words} when the answer was out: it does not count. {out}"
        if changed:
            later = f"You said {self._words(changed)} later, which does not count."
            return f"{mark} You said {words}. {out} {later}"
        return f"{mark} You said {words}. {out}"

    def _words(self, given):
        """An answer and how sure, as the line names them."""
        try:
            words = in_words(self.prediction, given["answer"])
        except (TypeError, ValueError, AttributeError):  # kept when the question was another one
            words = str(given["answer"])
        return f"{words} ({say(given['sure'])})"

    def _repr_mimebundle_(self, **options):
        text = as_text(self.key[1], self.prediction)
        return super()._repr_mimebundle_(**options) | {"text/plain": text}


# what has run in this kernel, and what is shown
RAN = set()  # IDs of cells that answer and have run
SHOWN = {}  # (chapter, prompt) → the Guess shown last
TABLES = {}  # chapter → dict of prompt → prediction
SOURCES = {}  # chapter → dict of a cell's source → its ID, read when it is needed


def watch(chapter, table):
    """From now on notice which of the cells that answer a chapter's predictions have run."""
    TABLES[chapter] = table
    shell = get_ipython()
    if shell is not None:
        shell.events.register("post_run_cell", after_cell)


def after_cell(result):
    """Note a cell that answers, if it ran without an error, and tell what was predicted."""
    if not result.success:
        return
    ran = _cell_id(result.info)
    for chapter, table in TABLES.items():
        for prompt, prediction in table.items():
            if prediction.cell == ran:
                RAN.add(ran)
                if (chapter, prompt) in SHOWN:
                    SHOWN[chapter, prompt].tell()


def _cell_id(info):
    """The ID of a cell that has run: as it is handed over, else found by its source."""
    given = getattr(info, "cell_id", None)
    if given is not None and CELL_ID.fullmatch(given):
        return given
    ran = info.raw_cell.strip()
    for chapter in TABLES:
        if chapter not in SOURCES:
            SOURCES[chapter] = _sources(chapter)
        for source, name in SOURCES[chapter].items():
            rest = source.removeprefix(ran).lstrip()
            if ran and source.startswith(ran) and (not rest or rest.startswith("assert ")):
                return name
    return None


def _sources(chapter):
    """Dict of source → ID of the cells that answer; empty if the chapter cannot be read."""
    cells = {prediction.cell for prediction in TABLES[chapter].values()}
    found = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        for file in (ROOT / "notebooks").glob(f"[0-9][0-9]_{chapter}.ipynb"):
            for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
                if cell.get("id") in cells:
                    found["".join(cell["source"]).strip()] = cell["id"]
    return found
