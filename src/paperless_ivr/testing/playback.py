"""A transcript as a world to run a driver in: gateway, back end and record do as it says.

Tests run drivers, gateways and stores in it: a call must go as it goes in the flow alone
(`transcripts.replaying`).
"""

# ruff: noqa: ARG002 - it takes what a gateway, a back end and a record take

from attrs import define, field

from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.protocol import Move
from paperless_ivr.errors import RecordDown
from paperless_ivr.flow.events import (
    CallerEvent,
    Event,
    LimitReached,
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
    """Gateway, back end and record of one call."""

    _unreached: bool = field(init=False, default=False)
    """The service was not reached, and nothing has moved since: it is being tried again."""
    _unrecorded: str = field(init=False, default="")
    """What the record did not answer to, and nothing has moved since."""

    @property
    def heard(self) -> list[str]:
        """What was heard, as lines."""
        return [line for line in self.lines if line.startswith("hears")]

    def moved(self, move: Move) -> None:
        """The call has moved: an observer."""
        self._unreached, self._unrecorded = False, ""
        if move.before is not None:
            self.rows += move.after.turn.took

    # ── the caller ──

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """What the caller hears, and does."""
        self.hears(turn.say, language)
        return self.caller(turn)

    # ── the service ──

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """What the service answers."""
        if self._unreached:
            return Unavailable()
        answer = self.served(type(request).__name__)
        assert isinstance(answer, ServiceAnswer)
        self._unreached = isinstance(answer, Unavailable)
        return answer

    @property
    def operations(self) -> frozenset[str]:
        """What the service has."""
        return self.transcript.terms.operations

    # ── the record ──

    def screen(self, request: Screen) -> Screened:
        """What is known of earlier offers."""
        told = self._told(request) or Screened()
        assert isinstance(told, Screened)
        return told

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved | LimitReached:
        """Whether another try is left."""
        told = self._told(request) or TryReserved()
        assert isinstance(told, TryReserved | LimitReached)
        return told

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Keeps a wish."""
        self._told(request)

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Puts a write on record."""
        told = self._told(write)
        assert told is None or isinstance(told, Refused)
        return told

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Notes an outcome."""

    def note(self, activity: Activity) -> None:
        """Notes an activity."""

    def _told(self, about: object) -> Event | None:
        """What the transcript says of the record, if anything."""
        name = type(about).__name__
        if self._unrecorded == name:
            raise RecordDown
        event = self.recorded(name)
        if isinstance(event, RecordUnavailable):
            self._unrecorded = name
            raise RecordDown
        return event


def _fits(playback: Playback) -> tuple[Backend, Record]:
    """A playback is both, by its type."""
    return playback, playback
