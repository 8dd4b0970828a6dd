"""Separate folders for databases, in memory if there is room."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

IN_MEMORY = Path("/dev/shm")
"""Files here are faster to write (Linux). The effects of a power failure are not tested."""
ROOM = 4 * 2**30
"""Bytes. A run creates a few hundred PostgreSQL databases of 8 MB; a container may have less."""


@contextmanager
def in_memory(prefix: str) -> Iterator[Path]:
    """Provide a folder that is deleted afterward; on disk if there is not enough memory."""
    usable = IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK)
    roomy = usable and shutil.disk_usage(IN_MEMORY).free >= ROOM
    with TemporaryDirectory(prefix=prefix, dir=IN_MEMORY if roomy else None) as made:
        yield Path(made)
