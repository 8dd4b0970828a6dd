"""The events of one take of a call: lines to read, turns to rewind to, and moves to save."""

from collections.abc import Callable

from attrs import define, evolve, field, frozen

from paperless_ivr.cloudivr.outbox import Message
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.session import Session
from paperless_ivr.flow import events as e
from paperless_ivr.flow.requests import RecordRequest, Request, ServiceRequest
from paperless_ivr.flow.turns import Gather
from paperless_ivr.simulator.speaking import Speech, Spoken
from paperless_ivr.simulator.words import answered
from paperless_ivr.simulator.world import Asked, Fault


@frozen
class Entry:
    """One line of a take's history: spoken words, keys, or a note."""

    at: float
    kind: str
    """"said", "keys", "note", "switch", "fault", or "take"."""
    text: str = field(default="", repr=False)
    prompts: tuple[Spoken, ...] = ()
    private: bool = False
    stop: int | None = None
    """The number of the turn that begins here."""


@frozen
class Exchange:
    """A request to the service or the record, and its answer."""

    at: float
    who: str
    what: str
    request: Request | None = field(default=None, repr=False)
    answer: str = ""
    """Empty while the call waits for it."""
    seconds: float = 0.0
    budget: float = 0.0
    fault: bool = False


@frozen
class Stop:
    """A turn that waits for the caller, and everything needed to return to it."""

    session: Session
    at: float
    entries: int
    exchanges: int
    moves: int
    put_back: Callable[[], None] = field(repr=False)
    heard: int | None = None
    """The prompt that the answer interrupted."""


@define(eq=False)
class Take:
    """One path through a call. A later take starts with the first part of an earlier one."""

    number: int
    moves: list[Move] = field(factory=list, repr=False)
    entries: list[Entry] = field(factory=list, repr=False)
    exchanges: list[Exchange] = field(factory=list, repr=False)
    stops: list[Stop] = field(factory=list, repr=False)
    began: int = 0
    """The number of moves that it shares with an earlier take."""
    instead_of: int | None = None
    """The number of the take that this one branches off from."""
    came_next: list[Entry] = field(factory=list, repr=False)
    """The entries that came next in the earlier take."""
    speech: Speech | None = field(default=None, repr=False)
    speaks_for: Session | None = field(default=None, repr=False)
    """The turn that the announcement belongs to. A request without prompts can follow it."""
    meant: str = ""
    """The meaning of the last move's key; empty if it was not a menu key."""
    messages: tuple[Message, ...] = field(default=(), repr=False)
    put_back: Callable[[], None] | None = field(default=None, repr=False)
    """A function that restores the world as it was when the take was left."""

    @property
    def session(self) -> Session | None:
        """The call as it is now."""
        return self.moves[-1].after if self.moves else None

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return self.session is not None and self.session.over

    @property
    def own(self) -> bool:
        """Whether anything has happened since this take began."""
        return len(self.moves) > self.began

    def latest(self) -> list[Move]:
        """Return the moves since the caller last did something, starting with that move."""
        caused = (
            n
            for n, move in enumerate(self.moves)
            if move.before is None or isinstance(move.event, e.CallerEvent)
        )
        return self.moves[max(caused, default=0) :]

    def until(self, stop: int, number: int) -> "Take":
        """Return a new take that copies this one up to just before a turn was answered."""
        there = self.stops[stop]
        return Take(
            number,
            self.moves[: there.moves],
            self.entries[: there.entries],
            self.exchanges[: there.exchanges],
            self.stops[:stop],
            began=there.moves,
            instead_of=self.number,
            came_next=[one for one in self.entries[there.entries :] if one.stop != stop],
        )

    # ── events ──

    def spoke(self, speech: Speech, at: float, put_back: Callable[[], None] | None) -> None:
        """Record that the line started speaking. With `put_back`, a rewind can return here."""
        self.speech, self.speaks_for = speech, self.session
        stop = None
        if put_back is not None and self.session is not None:
            stop = len(self.stops)
            places = (len(self.entries), len(self.exchanges), len(self.moves))
            self.stops.append(Stop(self.session, at, *places, put_back))
        if speech.prompts:
            self.entries.append(Entry(at, "said", prompts=speech.prompts, stop=stop))

    def moved(self, move: Move, at: float, *, lost: bool) -> None:
        """Note a move: its event, and what was saved to the record."""
        before, event, failed = move.before, move.event, False
        self.moves.append(move)
        self.meant = self._meaning(event)
        if before is None or event is None:
            return
        then = before.turn.then
        match event:
            case e.Digits(keys, ended, heard):
                end = "#" if ended is e.Ended.END_KEY else ""
                private = isinstance(then, Gather) and then.private
                text = keys.reveal() + end
                self.entries.append(Entry(at, "keys", text, private=private))
                self.stops[-1] = evolve(self.stops[-1], heard=heard)
            case e.NoInput():
                self.note("You stay silent", at)
            case e.HungUp():
                self.note("You hang up", at)
            case e.TransferEnded(result):
                self.note(f"Transfer: {result.value.replace('_', ' ')}", at)
            case _ if isinstance(then, RecordRequest):
                failed = isinstance(event, e.RecordUnavailable | e.OutcomeUnknown)
                answer = answered(event)
                name = type(then).__name__
                self.exchanges.append(Exchange(at, "Record", name, then, answer, fault=failed))
                if failed:
                    self.note("The record does not answer", at, fault=True)
            case event if isinstance(then, ServiceRequest):
                failed = isinstance(event, e.Unavailable | e.OutcomeUnknown)
                says = "no answer" if failed else answered(event)
                self.note(f"Billing service: {says}", at, fault=failed)
        kept = "not saved" if lost else "saved"
        for consent in move.after.call.consents[len(before.call.consents) :]:
            what = consent.purpose.words
            self.exchanges.append(Exchange(at, "Record", what, None, kept, fault=lost))
        if move.outcome is not None:
            self.exchanges.append(Exchange(at, "Record", "outcome", None, kept, fault=lost))

    def _meaning(self, event: e.Event | None) -> str:
        if self.speech is None or not isinstance(event, e.Digits):
            return ""
        hint = self.speech.keys.get(event.keys.reveal() or "#")
        return hint.label if hint else ""

    def asked(self, asked: Asked, at: float) -> None:
        """Note a request to the service: when it is sent, and when it is answered."""
        answer = answered(asked.answer) if asked.answer else ""
        fault = asked.fault is not Fault.NONE
        name = type(asked.request).__name__
        line = Exchange(
            at, "Service", name, asked.request, answer, asked.seconds, asked.budget, fault
        )
        waits = [
            n for n, one in enumerate(self.exchanges) if one.who == "Service" and not one.answer
        ]
        if asked.answer and waits:
            self.exchanges[waits[-1]] = evolve(line, at=self.exchanges[waits[-1]].at)
        else:
            self.exchanges.append(line)

    def switched(self, text: str, at: float, *, fails: bool) -> None:
        """Record that a fault was switched on or off."""
        self.entries.append(Entry(at, "switch" if fails else "note", text))

    def note(self, text: str, at: float, *, fault: bool = False) -> None:
        """Record an event in one plain sentence."""
        self.entries.append(Entry(at, "fault" if fault else "note", text))
