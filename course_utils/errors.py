"""Errors that tell a student what was wrong, what came, and how to mend it."""

from course_utils.files import nearest
from course_utils.language import say


class CourseError(Exception):
    """Base of the course's own errors; a notebook shows its message alone, without a traceback."""

    def __str__(self):
        return say(super().__str__(), names=True)

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


class ArgumentError(CourseError, ValueError):
    """An argument has a value, shape or dtype that the function does not take."""


class DataError(CourseError, OSError):
    """A file of the course, or a student's own picture, is missing, damaged or not readable."""

    def __str__(self):
        return say(str(self.args[0]), names=True)


def require_option(argument, value, options):
    """Refuse `value` unless it is one of `options`; suggest the nearest one.

    argument: the argument's name, for the message. options: list of texts or numbers.
    Raises ArgumentError.
    """
    if value in options:
        return
    texts = [str(option) for option in options]
    near = nearest(value, texts)
    hint = f"; did you mean {options[texts.index(near)]!r}?" if near is not None else ""
    raise ArgumentError(f"{argument} must be one of {', '.join(texts)}, got {value!r}{hint}")
