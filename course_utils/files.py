"""Writing files whole or not at all."""

import os
import uuid
from pathlib import Path


def write_whole(path, data):
    """Write bytes to `path` through a temporary file beside it.

    A full disk, an interrupt or a crash leaves the old file as it was. A link is followed.
    Raises OSError.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
