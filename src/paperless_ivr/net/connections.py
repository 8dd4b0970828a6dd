"""A limit on open connections. If there are too many, the longest-waiting one is dropped."""

from collections.abc import Callable

from attrs import define, field, frozen


@frozen
class Limits:
    """A server's limits: how many connections can be open, and how long each step can take."""

    connections: int = 500
    """The limit on open connections. It must be at least 200 below `ulimit -n`, which is
    1,024 on most systems."""
    read_seconds: float = 10.0
    """The maximum time for a complete request to arrive, no matter how many pieces it comes in."""
    keep_alive_seconds: float = 5.0
    """How long a connection stays open between two requests."""
    answer_seconds: float = 60.0
    """The maximum time from a request's last byte until its answer has been sent."""


DEFAULTS = Limits()


@define
class Connections:
    """A server's open connections, and the order in which the waiting ones began to wait."""

    most: int
    _open: set[object] = field(factory=set, repr=False)
    _waiting: dict[object, Callable[[], object]] = field(factory=dict, repr=False)
    """Connections that have not sent a complete request, each with the function that drops it."""

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: object, drop: Callable[[], object]) -> None:
        """Add a connection. If there are too many, drop the one that has waited longest."""
        self._open.add(connection)
        self.waits(connection, drop)
        if len(self._open) > self.most:
            oldest = next(iter(self._waiting))
            drop_oldest = self._waiting[oldest]
            self.closed(oldest)
            drop_oldest()

    def waits(self, connection: object, drop: Callable[[], object]) -> None:
        """Note that a connection is waiting for its peer."""
        if connection in self._open:
            self._waiting.setdefault(connection, drop)

    def busy(self, connection: object) -> None:
        """Note that a connection has sent a complete request, so it must not be dropped."""
        self._waiting.pop(connection, None)

    def closed(self, connection: object) -> None:
        """Remove a connection."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)
