"""A circuit breaker: if a service stops answering, only a few callers have to wait for it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

from attrs import define, field
from pybreaker import (
    STATE_CLOSED,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitMemoryStorage,
)

from paperless_ivr.backends.port import NO_ACCESS, Backend
from paperless_ivr.clock import utc_now
from paperless_ivr.flow.events import OutcomeUnknown, ServiceAnswer, Unavailable
from paperless_ivr.flow.requests import ServiceRequest, ahead

NOT_SENT = "not sent: the service is not answering"


class _NoAnswer(Exception):
    """Raised if a request fails: its answer is `Unavailable` or `OutcomeUnknown`."""

    def __init__(self, answer: ServiceAnswer) -> None:
        super().__init__()
        self.answer = answer


@define(eq=False)
class GuardedBackend:
    """A back end with a circuit breaker. Safe to use from several threads.

    While the circuit is open, requests are not sent (`Unavailable`). A request fails if its answer
    is `Unavailable` or `OutcomeUnknown`; a refusal is not a failure. A search made before the offer
    never counts: the offer waits only briefly, and a service that takes longer has not failed.
    """

    backend: Backend
    failures: int
    """The circuit opens after this many failures in a row."""
    pause: float
    """Seconds until an open circuit lets one request through. Its success closes the circuit."""
    tell: Callable[[str], None] = lambda _: None
    """Called with the circuit's state when it changes: closed, open, or half-open."""
    tell_access: Callable[[bool], None] = lambda _: None
    """Called when the service starts or stops refusing our credentials."""
    access: bool = field(init=False, default=True)
    """Whether the service accepted our credentials when it last answered."""
    _breaker: CircuitBreaker = field(init=False, repr=False)
    _probe: Any = field(init=False, factory=Lock, repr=False)

    @_breaker.default
    def _make_breaker(self) -> CircuitBreaker:
        return CircuitBreaker(
            fail_max=self.failures,
            reset_timeout=self.pause,
            state_storage=_Storage(STATE_CLOSED),
            listeners=[_Listener(self.tell)],
            throw_new_error_on_trip=False,
        )

    @property
    def operations(self) -> frozenset[str]:
        """The names of the service's operations."""
        return self.backend.operations

    @property
    def circuit(self) -> str:
        """The state of the circuit: closed, open, or half-open."""
        return self._breaker.current_state

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer within `budget` seconds, or immediately if the circuit is open."""
        probing = self.circuit != STATE_CLOSED
        if ahead(request):
            return Unavailable(NOT_SENT) if probing else self.backend.answer(request, budget)
        if probing and not self._probe.acquire(blocking=False):
            return Unavailable(NOT_SENT)  # one request is enough to test the service
        try:
            with self._breaker.calling():  # `call` would hold its lock until the answer comes
                answer = self.backend.answer(request, budget)
                self._note_access(answer)
                if isinstance(answer, Unavailable | OutcomeUnknown):
                    raise _NoAnswer(answer)
                return answer
        except CircuitBreakerError:
            return Unavailable(NOT_SENT)
        except _NoAnswer as none:
            return none.answer
        finally:
            if probing:
                self._probe.release()

    def _note_access(self, answer: ServiceAnswer) -> None:
        refused = isinstance(answer, Unavailable) and answer.why.startswith(NO_ACCESS)
        if isinstance(answer, Unavailable | OutcomeUnknown) and not refused:
            return  # this reveals nothing about our credentials
        if self.access == refused:
            self.access = not refused
            self.tell_access(self.access)


class _Storage(CircuitMemoryStorage):
    """The state of a circuit. The monotonic clock measures how long it has been open.

    pybreaker adds its pause to `opened_at` and compares the sum with the time of day. If
    `opened_at` were fixed and the system clock jumped back, the circuit would stay open too long.
    """

    _opened = 0.0

    @property
    def opened_at(self) -> datetime | None:
        """When the circuit was opened, calculated from the current time of day."""
        return utc_now() - timedelta(seconds=monotonic() - self._opened)

    @opened_at.setter
    def opened_at(self, _: datetime) -> None:
        self._opened = monotonic()


class _Listener(CircuitBreakerListener):
    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def state_change(self, cb: CircuitBreaker, old_state: Any, new_state: Any) -> None:  # noqa: ARG002
        """Report the new state."""
        self._tell(new_state.name)
