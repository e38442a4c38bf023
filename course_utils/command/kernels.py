"""The environment in which kernels run the chapters: for readers, for `course refresh`, in tests.

A kernel whose outputs are compared has one thread; a reader's asks the doctor how many.
"""

import os
from pathlib import Path

LAB_CONFIG = Path(__file__).parent / "lab_config"
# For kernels whose outputs are compared, and which run side by side. A reader's kernel gets its
# threads when its first cell asks the doctor (`doctor.set_threads`).
KERNEL = {"OMP_NUM_THREADS": "1"}


def lab_environment(given=None):
    """The variables with which `course lab` starts JupyterLab, and so each of its kernels.

    given: a dict of variables (default: this process's), which are kept. How many threads a kernel
    gets is not said here, since it depends on what runs when the kernel starts.
    """
    given = dict(os.environ if given is None else given)
    path = os.pathsep.join(filter(None, [str(LAB_CONFIG), given.get("JUPYTER_CONFIG_PATH", "")]))
    return given | {"JUPYTER_CONFIG_PATH": path}


def kernel_environment(**variables):
    """The variables of a kernel whose outputs are compared: one thread, no progress bars.

    variables: further ones, or others. Matplotlib lists the machine's fonts here, on first use: a
    kernel that has to do so for over five seconds says so in its first cell.
    """
    import matplotlib.font_manager  # noqa: F401

    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return kept | KERNEL | {"TQDM_DISABLE": "1"} | variables
