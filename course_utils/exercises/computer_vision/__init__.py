"""Chapter 4, detection to style transfer: `check`, `ask`, `hint`, `last_case` and `guess`."""

from course_utils.exercises.on_demand import opened

__getattr__, __dir__, __all__ = opened(
    __name__, "crowded_pictures", "show_detector", "unseen_outputs"
)
