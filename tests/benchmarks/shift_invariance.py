"""Section 1.8's claim, many draws: `uv run python tests/benchmarks/shift_invariance.py [draws]`.

Runs the notebook's own cells, with other random patches and other digits, and prints the margins.
"""

import contextlib
import io
import runpy
import sys
import tempfile
from pathlib import Path

import nbformat

from course_utils.command.cli import find_chapter

CELLS = ("imports", "shift-digit", "shift-canvas", "shift-patches", "shift-features", "shift-fit",
         "shift-measure")  # fmt: skip


def accuracies(cells, seed, start):
    """Accuracies by pixels and by pooled matches over the shifts, for one draw."""
    source = "\n".join(cells[name].source for name in CELLS)
    source = source.replace("default_rng(0)", f"default_rng({seed})")
    source = source.replace("[:1000]", f"[{start}:{start + 1000}]")
    source = source.replace("digits[:300]", f"digits[{start // 4}:{start // 4 + 300}]")
    source = source.replace("labels[:300]", f"labels[{start // 4}:{start // 4 + 300}]")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        script = Path(folder) / "cells.py"
        script.write_text(source, encoding="utf-8")
        names = runpy.run_path(str(script))
    return names["by_pixels"], names["by_pooled"]


def main(draws):
    """One line a draw."""
    notebook = nbformat.read(find_chapter("1"), as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    for seed in range(draws):
        for start in (0, 1000 * seed) if seed else (0,):
            pixels, pooled = accuracies(cells, seed, start)
            print(
                f"patches {seed}, digits from {start}: pixels {pixels[0]:.2f} → {pixels[-1]:.2f}, "
                f"pooled {min(pooled):.2f} … {max(pooled):.2f}"
            )


def small():
    """One draw."""
    main(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
