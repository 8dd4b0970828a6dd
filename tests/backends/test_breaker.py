"""The circuit breaker's pause, with a clock that the test moves."""

import datetime as real
from datetime import timedelta

import pybreaker
import pytest

from paperless_ivr import secret
from paperless_ivr.backends import breaker
from paperless_ivr.backends.breaker import NOT_SENT, GuardedBackend
from paperless_ivr.flow.events import CustomersFound, ServiceAnswer, Unavailable
from paperless_ivr.flow.requests import OPERATIONS, SearchByAccountNumber, ServiceRequest

PAUSE = 10.0
ASKED = SearchByAccountNumber(secret.account("20481137"))


class Clocks:
    """The time of day and the monotonic clock, both set by the test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.day = real.datetime(2026, 3, 1, tzinfo=real.UTC)
        self.seconds = 1000.0
        clocks = self

        class Day(real.datetime):
            @classmethod
            def now(cls, tz: object = None) -> real.datetime:
                return clocks.day

        patch.setattr(pybreaker, "datetime", Day)
        patch.setattr(breaker, "utc_now", Day.now)
        patch.setattr(breaker, "monotonic", lambda: clocks.seconds)

    def passes(self, seconds: float) -> None:
        """Let time pass, on both."""
        self.seconds += seconds
        self.day += timedelta(seconds=seconds)


class Service:
    """A service that is down until told otherwise."""

    operations = OPERATIONS
    up = False

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer."""
        return CustomersFound(()) if self.up else Unavailable("connection refused")


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("jump", [timedelta(), timedelta(days=-1), timedelta(days=1)], ids=str)
def test_the_pause_is_no_time_of_day(jump: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the time of day jumps, no request is sent for the pause, and no longer."""
    clocks, service, states = Clocks(monkeypatch), Service(), []
    guarded = GuardedBackend(service, 2, PAUSE, states.append)
    for _ in range(2):
        guarded.answer(ASKED, 1.0)
    service.up = True

    clocks.day += jump
    clocks.passes(PAUSE - 0.1)
    assert guarded.answer(ASKED, 1.0) == Unavailable(NOT_SENT)
    clocks.passes(0.2)
    assert guarded.answer(ASKED, 1.0) == CustomersFound(())

    assert states == ["open", "half-open", "closed"]
