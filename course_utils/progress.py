"""One progress bar for every wait over three seconds."""

import sys

from tqdm import tqdm


def progress(steps, what):
    """Iterate over `steps` with a bar that leaves nothing behind when it is done.

    steps: an iterable with a length. what: what is waited for, in a word or two.
    The environment variable TQDM_DISABLE=1 leaves the bar out, where nobody watches.
    """
    return tqdm(steps, desc=what, file=sys.stdout, leave=False, ncols=78, mininterval=0.3)
