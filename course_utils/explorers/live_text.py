"""The line of text under every explorer and question."""

from pathlib import Path

import anywidget
import traitlets

from course_utils.language import say

FOLDER = Path(__file__).parent


class LiveText(anywidget.AnyWidget):
    """Plain text that screen readers announce; put it into a box with the class `course-widget`.

    In that box plain keys stay with the controls and are no shortcuts of the notebook.
    """

    _esm = FOLDER / "live_text.js"
    _css = FOLDER / "live_text.css"
    text = traitlets.Unicode().tag(sync=True)

    @traitlets.validate("text")
    def _say(self, proposal):
        return say(proposal["value"])
