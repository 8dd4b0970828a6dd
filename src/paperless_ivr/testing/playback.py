"""A gateway, a back end, and a record that play a transcript to a driver.

Tests use them to run drivers, gateways, and stores. The call must take the same path as when the
transcript is replayed through the flow alone (`transcripts.replaying`).
"""

# ruff: noqa: ARG002 - the ports require these parameters

from attrs import define, field

from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.protocol import Move
from paperless_ivr.errors import RecordDown
from paperless_ivr.flow.events import (
    CallerEvent,
    Event,
    LimitReached,
    OutcomeUnknown,
    RecordUnavailable,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import DeferRequest, ReserveTry, Screen, ServiceRequest, Write
from paperless_ivr.flow.turns import Turn
from paperless_ivr.records.port import Activity, Evidence, Record
from paperless_ivr.transcripts.script import Script


@define
class Playback(Script):
    """The gateway, the back end, and the record of one call, in one object."""

    _unreached: bool = field(init=False, default=False)
    """Whether the service was unreachable at the last request, and the call has not moved since."""
    _unrecorded: str = field(init=False, default="")
    """The name of the request that the record failed to answer; "" after the call moves."""

    @property
    def heard(self) -> list[str]:
        """The transcript lines for the prompts that the caller has heard."""
        return [line for line in self.lines if line.startswith("hears")]

    def moved(self, move: Move) -> None:
        """Observe a move of the call.

        Only a move caused by an answer ends the retries. Before that, the caller can hang up, or
        another worker can report an earlier move late.
        """
        if isinstance(move.event, ServiceAnswer):
            self._unreached = False
        if isinstance(move.event, RecordUnavailable | OutcomeUnknown):
            self._unrecorded = ""
        if move.before is not None:
            self.rows += move.after.turn.took

    # ── the caller ──

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Record what the caller hears, and return what the caller does."""
        self.hears(turn.say, language)
        return self.caller(turn)

    # ── the service ──

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Return the service's answer."""
        if self._unreached:
            return Unavailable()
        answer = self.served(type(request).__name__)
        assert isinstance(answer, ServiceAnswer)
        self._unreached = isinstance(answer, Unavailable)
        return answer

    @property
    def operations(self) -> frozenset[str]:
        """The operations that the service supports."""
        return self.transcript.terms.operations

    # ── the record ──

    def screen(self, request: Screen) -> Screened:
        """Return what is known about earlier offers."""
        told = self._told(request) or Screened()
        assert isinstance(told, Screened)
        return told

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved | LimitReached:
        """Return whether another try is allowed."""
        told = self._told(request) or TryReserved()
        assert isinstance(told, TryReserved | LimitReached)
        return told

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Save a deferred request."""
        self._told(request)

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Record a write before it is sent to the service."""
        told = self._told(write)
        assert told is None or isinstance(told, Refused)
        return told

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Ignore the outcome of a write."""

    def note(self, activity: Activity) -> None:
        """Ignore an activity."""

    def _told(self, about: object) -> Event | None:
        """Return the record's answer from the transcript, if it contains one."""
        name = type(about).__name__
        if self._unrecorded == name:
            raise RecordDown
        event = self.recorded(name)
        if isinstance(event, RecordUnavailable | OutcomeUnknown):
            self._unrecorded = name
            raise RecordDown(in_doubt=isinstance(event, OutcomeUnknown))
        return event


def _fits(playback: Playback) -> tuple[Backend, Record]:
    """Have the type checker confirm that a playback is both a back end and a record."""
    return playback, playback
