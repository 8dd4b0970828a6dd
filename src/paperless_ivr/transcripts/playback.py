"""A transcript as a world to run a call in: gateway, back end and record do as it says."""

# ruff: noqa: ARG002 - it takes what a gateway, a back end and a record take

from contextlib import suppress

from attrs import define, evolve, field

from paperless_ivr.backends.port import Backend
from paperless_ivr.drive.protocol import Move
from paperless_ivr.errors import RecordDown
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    Event,
    HungUp,
    LimitReached,
    RecordUnavailable,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import DeferRequest, ReserveTry, Screen, ServiceRequest, Write
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.records.port import Activity, Evidence, Record
from paperless_ivr.secret import keys
from paperless_ivr.transcripts import Step, Transcript


@define
class Playback:
    """What happens in a transcript, in order; and the trace of the call that comes of it."""

    transcript: Transcript
    left: list[Step] = field(init=False)
    heard: list[str] = field(factory=list)
    rows: list[str] = field(factory=list)
    _unreached: bool = False
    """The service was not reached, and nothing has moved since: it is being tried again."""
    _unrecorded: str = ""
    """What the record did not answer to, and nothing has moved since."""

    @left.default
    def _happens(self) -> list[Step]:
        steps = self.transcript.steps
        return [step for step in steps if step.word not in ("hears", "ends") and not step.again]

    @property
    def flow(self) -> Flow:
        """The flow that it runs on."""
        return Flow(self.transcript.terms)

    @property
    def words(self) -> Catalog:
        """The words that are heard."""
        return Catalog.of(self.transcript.terms.policy)

    def written(self, word: str) -> list[str]:
        """What the transcript says after a word, of the whole call."""
        return [step.rest for step in self.transcript.steps if step.word == word]

    def moved(self, move: Move) -> None:
        """The call has moved: an observer."""
        self._unreached, self._unrecorded = False, ""
        if move.before is not None:
            self.rows += move.after.turn.took

    # ── the caller ──

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """What the caller hears, and does."""
        text = " ".join(said(turn.say, language, self.words).split())
        self.heard += [text] * bool(text)
        return self.does(turn)

    def does(self, turn: Turn) -> CallerEvent | None:
        """What the caller does in a turn."""
        flushed = isinstance(turn.then, Gather) and not turn.then.type_ahead
        while flushed and self.left and self.left[0].ahead:
            self.left.pop(0)
        if isinstance(turn.then, Return) or not self.left:
            return None
        event = self.left[0].event
        waits = isinstance(turn.then, Gather | Transfer)
        if not isinstance(event, HungUp) and not waits:
            return None
        self.left.pop(0)
        if isinstance(event, Digits) and isinstance(turn.then, Gather) and not turn.then.end_key:
            event = _with_pound(event)
        assert isinstance(event, CallerEvent)
        return event

    # ── the service ──

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """What the service answers."""
        if self._unreached:
            return Unavailable()
        step = self.left.pop(0)
        assert (step.word, step.about) == ("service", type(request).__name__)
        assert isinstance(step.event, ServiceAnswer)
        self._unreached = isinstance(step.event, Unavailable)
        return step.event

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
        if self._unrecorded == type(about).__name__:
            raise RecordDown
        with suppress(IndexError):
            if (self.left[0].word, self.left[0].about) == ("record", type(about).__name__):
                event = self.left.pop(0).event
                if isinstance(event, RecordUnavailable):
                    self._unrecorded = type(about).__name__
                    raise RecordDown
                return event
        return None


def _with_pound(event: Digits) -> Digits:
    """Where no key ends the keys, `#` is one of them."""
    if event.ended is not Ended.END_KEY:
        return event
    return evolve(event, keys=keys(f"{event.keys.reveal()}#"), ended=Ended.FULL)


def _fits(playback: Playback) -> tuple[Backend, Record]:
    """A playback is both, by its type."""
    return playback, playback
