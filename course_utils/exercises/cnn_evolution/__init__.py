"""Chapter 3, from LeNet to SENet: `check`, `ask`, `hint`, `last_case` and `guess`."""

from course_utils.exercises.on_demand import opened

__getattr__, __dir__, __all__ = opened(__name__)
