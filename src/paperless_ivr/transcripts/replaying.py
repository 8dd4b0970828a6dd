"""Replays transcripts against the flow alone, without a driver, gateway, service, or record.

All code that compares, updates, renders, or writes a transcript uses this replay.
"""

import difflib
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from paperless_ivr.drive.protocol import OnRecord, Send, fulfill
from paperless_ivr.errors import TranscriptProblems
from paperless_ivr.flow import events as e
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Handback
from paperless_ivr.flow.live import Live, Token, deliver
from paperless_ivr.flow.requests import RecordRequest, Request
from paperless_ivr.flow.saving import dump, load
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.transcripts.form import ANSWERS, Step, Transcript, text_of
from paperless_ivr.transcripts.parsing import read
from paperless_ivr.transcripts.script import Lacking, Script


@define
class Replay(Script):
    """A replay in progress."""

    live: Live = field(init=False)
    turns: list[tuple[Turn, e.CallerEvent | None]] = field(init=False, factory=list)
    """Every turn that the call reached, and what the caller did in that turn."""
    answered: Token | None = field(init=False, default=None)
    """The turn at which a key was last pressed."""

    @live.default
    def _begun(self) -> Live:
        return Live(self.flow.begin(self.transcript.arrival))

    def run(self) -> None:
        """Run the call until it ends or needs an event that the transcript does not contain."""
        with suppress(Lacking):
            while self._turn():
                pass

    def _turn(self) -> bool:
        """Save and load the call, run one turn, and return whether the call continues."""
        turn = self.flow.turn(load(dump(self.live.call)))
        self.live = Live(turn, self.live.number)
        self.turns.append((turn, None))
        did = None if turn.call.results.hung_up else self._perform(turn)
        self.turns[-1] = (turn, did)
        match turn.then:
            case Return():
                self._ended(turn.then.handback)
                return False
            case Gather() | Transfer():
                event: e.Event = did or e.HungUp()
            case request:
                event = did if isinstance(did, e.HungUp) else self._fulfilled(request, turn)
        self.live = deliver(self.flow, self.live, self.live.token, event)
        self.rows += self.live.turn.took
        return True

    def _perform(self, turn: Turn) -> e.CallerEvent | None:
        """Add the words that the caller hears, and return what the caller does."""
        self.hears(turn.say, turn.call.language)
        event = self.caller(turn)
        if isinstance(event, e.Digits):
            self.answered = self.live.token
        return event

    def _fulfilled(self, request: Request, turn: Turn) -> e.Event:
        """Return the answer to a request. Unanswered requests are not retried."""
        steps = fulfill(request, turn, lambda _: 0.0)  # no time for a second try
        reply: e.Event | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as done:
                event: e.Event = done.value[0]
                return event
            name = type(step.request).__name__
            match step:
                case OnRecord() if isinstance(step.request, RecordRequest):
                    reply = self.recorded(name) or next(iter(ANSWERS[name].values()))
                case OnRecord():
                    reply = self.recorded(name)
                case Send():
                    reply = self.served(name)

    def late(self, step: Step) -> None:
        """Deliver a key again, and check that it does not move the call."""
        if self._moves(step):
            self.lack("nothing: a key that is delivered again must change nothing")

    def _moves(self, late: Step) -> bool:
        if self.answered is None or late.event is None:
            return True
        return deliver(self.flow, self.live, self.answered, late.event) != self.live

    def _ended(self, handback: Handback) -> None:
        unused = handback.unused_keys
        more = f", key {unused.reveal()} is for the host" if unused else ""
        self.lines.append(f"{'ends':<10} {handback.disposition.value}{more}")


def replayed(transcript: Transcript, flow: Flow | None) -> Replay:
    """Return the finished replay of a transcript."""
    replay = Replay(transcript, flow or Flow(transcript.terms))
    replay.run()
    return replay


def replay(transcript: Transcript, flow: Flow | None = None) -> str:
    """Return the transcript of the call as it actually goes.

    Events are used in order as long as they fit the call. If an event is missing, the last line
    begins with `needs`. `flow` replaces the flow that the transcript specifies.
    """
    return text_of(transcript.comments, transcript.headers, replayed(transcript, flow).lines)


def rows_taken(transcript: Transcript) -> tuple[str, ...]:
    """Return the names of the table rows that the call takes, starting from its first state."""
    done = replayed(transcript, None)
    return (*done.flow.begin(transcript.arrival).took, *done.rows)


def differences(transcript: Transcript, flow: Flow | None = None) -> str:
    """Return a unified diff of the transcript and the actual call. Empty if they do not differ.

    Includes events that the call did not use, and the first event that was missing.
    """
    done = replayed(transcript, flow)
    written = text_of(transcript.comments, transcript.headers, map(str, transcript.steps))
    really = text_of(transcript.comments, transcript.headers, done.lines)
    name = str(transcript.path)
    diff = difflib.unified_diff(
        written.splitlines(), really.splitlines(), name, f"{name}, as it goes", lineterm=""
    )
    unused = [f"line {step.line}: never used: {step}" for step in done.left]
    return "\n".join([*diff, *unused])


def update(path: str | Path) -> bool:
    """Update the `hears` and `ends` lines of a transcript, and return whether anything changed.

    Raises `TranscriptProblems` if an event is unused or missing, which must be fixed by hand.
    """
    transcript = read(path)
    done = replayed(transcript, None)
    problems = [line for line in done.lines[-1:] if line.startswith("needs")]
    problems += [f"line {step.line}: never used: {step}" for step in done.left]
    if problems:
        raise TranscriptProblems(f"{path}: its events do not fit the call", problems)
    text = text_of(transcript.comments, transcript.headers, done.lines)
    changed = text != Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text, encoding="utf-8")
    return changed
