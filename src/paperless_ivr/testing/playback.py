"""A transcript as an environment for a driver: gateway, back end, and record follow it.

Tests run drivers, gateways, and stores in it: a call must go the same way as in the flow alone
(`transcripts.replaying`).
"""

# ruff: noqa: ARG002 - the parameters are those of a gateway, a back end, and a record

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
    """The gateway, back end, and record of one call."""

    _unreached: bool = field(init=False, default=False)
    """Whether the service was not reached and the call has not moved since, so a retry may come."""
    _unrecorded: str = field(init=False, default="")
    """The request that the record did not answer, if the call has not moved since."""

    @property
    def heard(self) -> list[str]:
        """The prompts heard, as lines."""
        return [line for line in self.lines if line.startswith("hears")]

    def moved(self, move: Move) -> None:
        """Observe a move of the call.

        Only an answer's own move ends its retries, because a hang-up may come, or be observed
        late by another worker, in between.
        """
        if isinstance(move.event, ServiceAnswer):
            self._unreached = False
        if isinstance(move.event, RecordUnavailable | OutcomeUnknown):
            self._unrecorded = ""
        if move.before is not None:
            self.rows += move.after.turn.took

    # ── the caller ──

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Write down what the caller hears, and return what they do."""
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
        """The operations that the service has."""
        return self.transcript.terms.operations

    # ── the record ──

    def screen(self, request: Screen) -> Screened:
        """Return what is known about earlier offers."""
        told = self._told(request) or Screened()
        assert isinstance(told, Screened)
        return told

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved | LimitReached:
        """Return whether another try is left."""
        told = self._told(request) or TryReserved()
        assert isinstance(told, TryReserved | LimitReached)
        return told

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Save a deferred request."""
        self._told(request)

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Put a write on record."""
        told = self._told(write)
        assert told is None or isinstance(told, Refused)
        return told

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Note an outcome."""

    def note(self, activity: Activity) -> None:
        """Note an activity."""

    def _told(self, about: object) -> Event | None:
        """Return what the transcript says about the record, if anything."""
        name = type(about).__name__
        if self._unrecorded == name:
            raise RecordDown
        event = self.recorded(name)
        if isinstance(event, RecordUnavailable | OutcomeUnknown):
            self._unrecorded = name
            raise RecordDown(in_doubt=isinstance(event, OutcomeUnknown))
        return event


def _fits(playback: Playback) -> tuple[Backend, Record]:
    """Let the type checker confirm that a playback is both."""
    return playback, playback
