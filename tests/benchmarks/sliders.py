"""Keeps the explorers' delays that the last run of the browser tests has measured.

`uv run pytest tests/browser`, then `uv run python tests/benchmarks/sliders.py`.
"""

import re
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS))
from results import keep  # noqa: E402

LATENCY = TESTS / "artifacts" / "latency.txt"
LINE = re.compile(r"latency (.+): median (\d+) ms, p95 (\d+) ms(?: \(limits × ([\d.]+)\))?")


def main(latency=LATENCY):
    """One row an explorer; of one that was measured again, the second measurement."""
    if not latency.exists():
        print("nothing measured here: run `uv run pytest tests/browser` first")
        return
    for name, median, p95, grace in LINE.findall(latency.read_text(encoding="utf-8")):
        print(f"{name:24} {median:>4} {p95:>4} ms")
        keep("sliders", name, {"median": f"{median} ms", "95 % within": f"{p95} ms",
                               "machine's slowness": f"× {grace}" if grace else "× 1"})  # fmt: skip


def small():
    """A file of one line, as the browser test writes it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "latency.txt"
        file.write_text("latency An explorer: median 90 ms, p95 120 ms\n", encoding="utf-8")
        main(file)


if __name__ == "__main__":
    main()
