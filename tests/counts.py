"""How often slow things are done: moderately in `make test`, heavily in `make prove`."""

import os
from typing import TypeVar

T = TypeVar("T")


def heavy(moderate: T, often: T) -> T:
    """Return the amount of work. Tests that ask for it are marked `prove`, or `long`."""
    return often if os.environ.get("PAPERLESS_IVR_PROVE") == "1" else moderate
