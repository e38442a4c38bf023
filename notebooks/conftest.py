"""`uv run pytest notebooks` alone: one thread, no bars, as in the whole suite."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"
