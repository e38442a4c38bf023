"""What fills the tables of tests/RESULTS.md: `uv run python tests/benchmarks/all.py [name …]`.

Names: chapters, room, convolution, mnist, detectors, sliders, imports, gpu (all, if none is given:
about an hour and a half on two cores). Each comparison is a process of its own.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
COMMANDS = {
    "imports": [["imports.py"]],
    "convolution": [["convolution.py", "1"], ["convolution.py", "2"]],
    "chapters": [["chapters.py", chapter] for chapter in "1234"],
    "room": [["room.py"]],
    "mnist": [["mnist_recipes.py"]],
    "detectors": [["two_stage.py", "few"]],
    "sliders": [["sliders.py"]],
    "gpu": [["gpu.py"]],
}


def main(names, run=subprocess.run):
    """Run the commands in turn; returns how many failed."""
    unknown = set(names) - set(COMMANDS)
    if unknown:
        sys.exit(
            f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(COMMANDS)}"
        )
    failed = 0
    for name in names or COMMANDS:
        for script, *options in COMMANDS[name]:
            print(f"== {script} {' '.join(options)}", flush=True)
            failed += run([sys.executable, FOLDER / script, *options]).returncode != 0
    return failed


def small():
    """Every command is of a script that is here; none is run."""

    def look(command):
        return subprocess.CompletedProcess(command, not command[1].is_file())

    if main([], look):
        raise FileNotFoundError("COMMANDS names a script that is not here")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
