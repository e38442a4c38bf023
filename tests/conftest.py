"""What holds for every test: one thread a kernel, the inline backend, no leftovers of the shell."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # notebooks then repeat, and do not fight over the cores
os.environ["TQDM_DISABLE"] = "1"  # progress bars are for eyes; nobody watches here
os.environ.pop("MPLBACKEND", None)  # kernels choose the inline backend themselves
os.environ.pop("PYTHONWARNINGS", None)
