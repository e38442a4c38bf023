"""The environment in which kernels run the chapters: for readers, `course refresh` and tests."""

import os
from pathlib import Path

LAB_CONFIG = Path(__file__).parent / "lab_config"
# For every kernel, unless the reader has set it: networks as small as the course's are hardly
# quicker on more threads, and several kernels on few cores nearly stand still, since threads that
# wait for each other keep the cores busy.
KERNEL = {"OMP_NUM_THREADS": "1"}


def lab_environment(given=None):
    """The variables with which `course lab` starts JupyterLab, and so each of its kernels.

    given: a dict of variables (default: this process's), which are kept.
    """
    given = dict(os.environ if given is None else given)
    path = os.pathsep.join(filter(None, [str(LAB_CONFIG), given.get("JUPYTER_CONFIG_PATH", "")]))
    return KERNEL | given | {"JUPYTER_CONFIG_PATH": path}


def kernel_environment(**variables):
    """The same for a kernel whose outputs are compared: inline figures, no progress bars.

    variables: further ones, or others. Matplotlib lists the machine's fonts here, on first use: a
    kernel that has to do so for over five seconds says so in its first cell.
    """
    import matplotlib.font_manager  # noqa: F401

    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return kept | KERNEL | {"TQDM_DISABLE": "1"} | variables
