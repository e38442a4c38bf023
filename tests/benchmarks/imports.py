"""How long each module takes to import: `uv run python tests/benchmarks/imports.py`.

Each in a fresh Python of its own, the median of three; and whether it brings torch along.
"""

import statistics
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from results import keep  # noqa: E402

import course_utils  # noqa: E402

FOLDER = Path(course_utils.__file__).parent
PROBE = """
import sys, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start, *(name for name in {heavy} if name in sys.modules))
"""
HEAVY = "torch", "matplotlib", "nbformat"  # nbformat: what writes editions, no chapter imports it


def measure(module, times):
    """(median seconds, list of heavy packages that came along)."""
    runs = []
    for _ in range(times):
        command = [sys.executable, "-c", PROBE.format(module=module, heavy=HEAVY)]
        seconds, *brought = subprocess.check_output(command, text=True).split()
        runs.append(float(seconds))
    return statistics.median(runs), brought


def all_modules():
    """The names of the course's modules."""
    modules = []
    for path in sorted(FOLDER.rglob("*.py")):
        parts = path.relative_to(FOLDER.parent).with_suffix("").parts
        modules.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return modules


def main(modules, times=3):
    """One line a module, the slowest last; light and heavy ones are kept together."""
    found = {module: measure(module, times) for module in modules}
    for module, (seconds, brought) in sorted(found.items(), key=lambda item: item[1][0]):
        print(f"{seconds:6.2f} s  {module:45} {' '.join(brought)}")
    groups = {"neither": [], "nbformat": [], "matplotlib": [], "torch": []}
    for seconds, brought in found.values():
        groups[brought[0] if brought else "neither"].append(seconds)
    for name, group in ((name, group) for name, group in groups.items() if group):
        said = {"modules": len(group), "median": f"{statistics.median(group):.2f} s",
                "slowest": f"{max(group):.2f} s"}  # fmt: skip
        keep("imports", f"brings {name}" if name != "neither" else "light", said)


def small():
    """Two modules, once each."""
    main(["course_utils.errors", "course_utils.command.notebook_files"], 1)


if __name__ == "__main__":
    main(all_modules())
