"""`uv run pytest notebooks` alone: kernels as `course lab` starts them, and no progress bars."""

import os

from course_utils.kernels import KERNEL

os.environ.update(KERNEL)
os.environ["TQDM_DISABLE"] = "1"
