"""One deadline for all that is asked of the record while somebody waits for it."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def answering_by(deadline: float) -> Iterator[None]:
    """What this thread asks meanwhile waits for its turn until then at most (`time.monotonic`)."""
    before = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(before)


def left(at_most: float = math.inf) -> float:
    """Seconds that may still be waited."""
    return max(min(at_most, _deadline.get() - time.monotonic()), 0.0)
