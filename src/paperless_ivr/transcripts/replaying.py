"""Transcripts, replayed against the real flow."""

import difflib
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from attrs import Factory, define, evolve

from paperless_ivr import secret
from paperless_ivr.drive.protocol import OnRecord, Send, fulfill
from paperless_ivr.errors import TranscriptProblems
from paperless_ivr.flow import events as e
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Handback
from paperless_ivr.flow.live import Live, Token, deliver
from paperless_ivr.flow.requests import RecordRequest, Request
from paperless_ivr.flow.saving import dump, load
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.prompts import Catalog
from paperless_ivr.transcripts.form import ANSWERS, Step, Transcript, heard, text_of
from paperless_ivr.transcripts.parsing import read


class _Lacking(Exception):
    """The call goes on, and the transcript does not say how."""


@define
class Replay:
    """A replay under way: what is still to happen, and what has been written down."""

    flow: Flow
    words: Catalog
    left: list[Step]
    live: Live
    lines: list[str] = Factory(list)
    rows: list[str] = Factory(list)
    """Rows of the table that were taken."""
    turns: list[Turn] = Factory(list)
    """Every turn that the call came to."""
    answered: Token | None = None
    """The turn at which a key was pressed last."""

    def run(self) -> None:
        """Takes the call to its end, or to where the transcript lacks something."""
        with suppress(_Lacking):
            while self._turn():
                pass

    def _turn(self) -> bool:
        """One turn of the call, which has been through its saved form; whether it goes on."""
        turn = self.flow.turn(load(dump(self.live.call)))
        self.live = Live(turn, self.live.number)
        self.turns.append(turn)
        did = None if turn.call.results.hung_up else self._perform(turn)
        match turn.then:
            case Return():
                self._ended(turn.then.handback)
                return False
            case Gather() | Transfer():
                event = did or e.HungUp()
            case request:
                event = did if isinstance(did, e.HungUp) else self._fulfilled(request, turn)
        self.live = deliver(self.flow, self.live, self.live.token, event)
        self.rows += self.live.turn.took
        return True

    def _fulfilled(self, request: Request, turn: Turn) -> e.Event:
        """What a request is answered. One that got no answer is not tried again."""
        steps = fulfill(request, turn, lambda _: 1e-9)  # sent, with no time for a second try
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
                    reply = self._on_record(name) or next(iter(ANSWERS[name].values()))
                case OnRecord():
                    reply = self._on_record(name)
                case Send():
                    reply = self._served(name)

    def _perform(self, turn: Turn) -> e.Event | None:
        """Writes down what is heard; gives what the caller does."""
        self.lines += heard(turn.say, turn.call.language, self.flow, self.words)
        while self.left and (self.left[0].again or self._dropped(turn)):
            again = self._take()
            if again.again and self._moves(again):
                self._lack("nothing: a key that is delivered again must change nothing")
        waited = isinstance(turn.then, Gather | Transfer)
        if not self.left or isinstance(turn.then, Return):
            return self._lack(_wants(turn)) if waited else None
        event = self.left[0].event
        if isinstance(event, e.HungUp):
            return self._take().event
        if not waited:
            return None
        if isinstance(turn.then, Gather) and isinstance(event, e.Digits) and not turn.then.end_key:
            event = _without_end_key(event)
        fits = e.TransferEnded if isinstance(turn.then, Transfer) else e.Digits | e.NoInput
        if not isinstance(event, fits) or not _fits(turn.then, event):
            return self._lack(_wants(turn))
        if isinstance(event, e.Digits):
            self.answered = self.live.token
        self._take()
        return event

    def _dropped(self, turn: Turn) -> bool:
        """The key was pressed ahead, and this question takes none such."""
        return self.left[0].ahead and not getattr(turn.then, "type_ahead", False)

    def _moves(self, late: Step) -> bool:
        """Whether a key that was an answer to an earlier turn moves the call."""
        if self.answered is None or late.event is None:
            return True
        return deliver(self.flow, self.live, self.answered, late.event) != self.live

    def _on_record(self, about: str) -> e.Event | None:
        there = self.left and self.left[0].word == "record" and self.left[0].about == about
        return self._take().event if there else None

    def _served(self, operation: str) -> e.Event | None:
        if self.left and self.left[0].word == "service" and self.left[0].about == operation:
            return self._take().event
        return self._lack(f"what the service answers to {operation}")

    def _take(self) -> Step:
        step = self.left.pop(0)
        self.lines.append(str(step))
        return step

    def _lack(self, what: str) -> NoReturn:
        self.lines.append(f"{'needs':<10} {what}")
        raise _Lacking

    def _ended(self, handback: Handback) -> None:
        unused = handback.unused_keys
        more = f", key {unused.reveal()} is for the host" if unused else ""
        self.lines.append(f"{'ends':<10} {handback.disposition.value}{more}")


def _without_end_key(event: e.Digits) -> e.Digits:
    """Where no key ends the keys, `#` is one of them."""
    if event.ended is not e.Ended.END_KEY:
        return event
    return evolve(event, keys=secret.keys(f"{event.keys.reveal()}#"), ended=e.Ended.FULL)


def _wants(turn: Turn) -> str:
    """What a turn waits for, in words."""
    if isinstance(turn.then, Transfer):
        return "what became of the transfer, or a hang-up"
    one = isinstance(turn.then, Gather) and turn.then.max_keys == 1
    return f"{'one key' if one else 'keys, with # or a silence after them'}, silence, or a hang-up"


def _fits(then: object, event: e.Event) -> bool:
    """Whether a runtime can gather such keys: not too many, and the end told where too few."""
    if not isinstance(then, Gather) or not isinstance(event, e.Digits):
        return True
    keyed = len(event.keys)
    return keyed == then.max_keys or (keyed < then.max_keys and event.ended is not e.Ended.FULL)


def replayed(transcript: Transcript, flow: Flow | None) -> Replay:
    """The replay of a transcript, done."""
    flow = flow or Flow(transcript.terms)
    happens = [step for step in transcript.steps if step.word not in ("hears", "ends")]
    begun = Live(flow.begin(transcript.arrival))
    replay = Replay(flow, Catalog.of(flow.terms.policy), happens, begun)
    replay.run()
    return replay


def replay(transcript: Transcript, flow: Flow | None = None) -> str:
    """The transcript as the call really goes.

    What happens is taken in order, for as long as it fits; where something is lacking, the last
    line begins with `needs`. `flow` stands in for the flow that the transcript itself names.
    """
    return text_of(transcript.comments, transcript.headers, replayed(transcript, flow).lines)


def rows_taken(transcript: Transcript) -> tuple[str, ...]:
    """The rows of the table that the call takes, by name, from its first state on."""
    done = replayed(transcript, None)
    return (*done.flow.begin(transcript.arrival).took, *done.rows)


def differences(transcript: Transcript, flow: Flow | None = None) -> str:
    """What goes otherwise than the transcript says, as a unified diff; "" where nothing does.

    An answer that the call had no use for is named, as is one that it lacked.
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
    """Rewrites a transcript's `hears` and `ends` as the call really goes; whether it changed.

    Raises `TranscriptProblems` where an answer is left over or lacking: that needs a person.
    """
    transcript = read(path)
    done = replayed(transcript, None)
    problems = [line for line in done.lines[-1:] if line.startswith("needs")]
    problems += [f"line {step.line}: never used: {step}" for step in done.left]
    if problems:
        raise TranscriptProblems(f"{path}: what happens in it does not fit the call", problems)
    text = text_of(transcript.comments, transcript.headers, done.lines)
    changed = text != Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text, encoding="utf-8")
    return changed
