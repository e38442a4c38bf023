"""`uv run pytest notebooks` alone: one thread, no bars, as in the whole suite."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

# lists the machine's fonts on first use: a kernel that has to do so for over five seconds says so
# on stderr, which nbval takes for a difference
import matplotlib.font_manager  # noqa: E402, F401
