"""A kernel as a grid of numbers that can be typed: a control for explorers."""

import ipywidgets as widgets
import numpy as np
import traitlets

from course_utils.argument_checks.arrays import as_array
from course_utils.errors import ArgumentError

LIMIT = 1000


class KernelGrid(widgets.GridBox):
    """R × S number fields from −1000 to 1000.

    `value` is the kernel as a tuple of rows, each a tuple of floats; assign it, or call `set`. A
    field shows three digits of its number, which counts as it is until another one is typed.
    """

    value = traitlets.Tuple()

    def __init__(self, kernel):
        kernel = as_array("kernel", kernel).astype(float)
        if kernel.ndim != 2 or not kernel.size:
            raise ArgumentError(f"kernel must be (R, S), got {kernel.shape}")
        self._shape, self._paused = kernel.shape, False
        fields = [
            widgets.BoundedFloatText(
                value=_shown(kernel[place]),
                layout={"width": "auto", "margin": "0"},
                tooltip=f"kernel {place}",
                step=0.5,
                min=-LIMIT,
                max=LIMIT,
            )
            for place in np.ndindex(kernel.shape)
        ]
        columns = f"repeat({kernel.shape[1]}, minmax(0, 5.5em))"
        layout = {"grid_template_columns": columns, "grid_gap": "6px", "margin": "6px"}
        super().__init__(fields, layout=layout)
        for entry in fields:
            entry.observe(self._typed, names="value")
        self.set(kernel)
        self.observe(self._assigned, names="value")

    def set(self, kernel):
        """Show another kernel of the same shape; `value` changes once."""
        kernel = as_array("kernel", kernel).astype(float)
        if kernel.shape != self._shape:
            raise ArgumentError(f"kernel must be {self._shape}, got {kernel.shape}")
        kernel = np.clip(np.nan_to_num(kernel), -LIMIT, LIMIT)
        self._paused = True
        self.value = _rows(kernel)  # who watches it draws first; then the fields follow
        for entry, weight in zip(self.children, kernel.flat, strict=True):
            entry.value = _shown(weight)
        self._paused = False

    def _typed(self, _):
        if not self._paused:
            self._paused = True
            typed = np.reshape([entry.value for entry in self.children], self._shape)
            kept = typed == np.vectorize(_shown)(self.value)
            self.value = _rows(np.where(kept, self.value, typed))
            self._paused = False

    def _assigned(self, change):
        if not self._paused:
            self.set(change["new"])


def _shown(weight):
    """A number with the three digits that a field has room for."""
    return float(f"{weight:.3g}")


def _rows(kernel):
    return tuple(tuple(row) for row in kernel.tolist())
