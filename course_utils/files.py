"""Writing files whole or not at all."""

import os
from pathlib import Path


def write_whole(path, data):
    """Write bytes to `path` through a temporary file beside it.

    A full disk, an interrupt or a crash leaves the old file as it was. Raises OSError.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
