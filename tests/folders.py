"""Folders of their own for databases, in memory where there is room."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

IN_MEMORY = Path("/dev/shm")
"""Files here are written faster (Linux): what a power cut leaves is not what is tested."""
ROOM = 4 * 2**30
"""Bytes: a run makes a few hundred databases of PostgreSQL of 8 MB; a container may have less."""


@contextmanager
def in_memory(prefix: str) -> Iterator[Path]:
    """A folder that is deleted afterwards; on disk where memory has no room for it."""
    usable = IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK)
    roomy = usable and shutil.disk_usage(IN_MEMORY).free >= ROOM
    with TemporaryDirectory(prefix=prefix, dir=IN_MEMORY if roomy else None) as made:
        yield Path(made)
