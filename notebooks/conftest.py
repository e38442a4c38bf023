"""`uv run pytest notebooks` alone: kernels as `course lab` starts them, and no progress bars."""

import os

from course_utils.command.kernels import KERNEL

os.environ.update(KERNEL)
os.environ["TQDM_DISABLE"] = "1"

# lists the machine's fonts on first use: a kernel that has to do so for over five seconds says so
# on stderr, which nbval takes for a difference
import matplotlib.font_manager  # noqa: E402, F401
