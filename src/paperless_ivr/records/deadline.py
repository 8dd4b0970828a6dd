"""A deadline that a thread's requests to the record share while a caller waits."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def answering_by(deadline: float) -> Iterator[None]:
    """Set the time (`time.monotonic`) by which this thread's requests must get a turn."""
    before = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(before)


def left(at_most: float = math.inf) -> float:
    """Return the seconds left until the deadline, from 0 to `at_most`."""
    return max(min(at_most, _deadline.get() - time.monotonic()), 0.0)
