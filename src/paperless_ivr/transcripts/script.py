"""The events of a transcript, taken line by line as the call asks for them.

Used by everything that runs a transcript: the replay (`replaying`), which runs the flow alone,
and the playback (`testing.playback`), which replaces a driver's gateway, service, and record.
"""

from collections.abc import Iterable
from typing import NoReturn, TypeGuard

from attrs import Factory, define, evolve, field

from paperless_ivr import secret
from paperless_ivr.flow import events as e
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.turns import Gather, Prompt, Return, Transfer, Turn
from paperless_ivr.prompts import Catalog
from paperless_ivr.transcripts.form import Step, Transcript, heard


class Lacking(Exception):
    """The call goes on, but the transcript does not say how."""


@define
class Script:
    """A running transcript: the remaining events, and the call so far."""

    transcript: Transcript
    flow: Flow = field(default=Factory(lambda self: Flow(self.transcript.terms), takes_self=True))
    left: list[Step] = field(init=False)
    lines: list[str] = field(init=False, factory=list)
    """The call so far, as lines of a transcript."""
    rows: list[str] = field(init=False, factory=list)
    """The table rows that were taken."""
    words: Catalog = field(init=False)

    @left.default
    def _happens(self) -> list[Step]:
        return [step for step in self.transcript.steps if step.word not in ("hears", "ends")]

    @words.default
    def _of_policy(self) -> Catalog:
        return Catalog.of(self.flow.terms.policy)

    def hears(self, say: Iterable[Prompt], language: str | None) -> None:
        """Write down what is heard."""
        self.lines += heard(say, language, self.flow, self.words)

    def caller(self, turn: Turn) -> e.CallerEvent | None:
        """Return what the caller does in a turn; None if it waits for nothing."""
        while self.left and (self.left[0].again or self._dropped(turn)):
            step = self.take()
            if step.again:
                self.late(step)
        waited = isinstance(turn.then, Gather | Transfer)
        if not self.left or isinstance(turn.then, Return):
            return self.lack(_wants(turn)) if waited else None
        event = self.left[0].event
        if isinstance(event, e.HungUp):
            self.take()
            return event
        if not waited:
            return None
        if isinstance(turn.then, Gather) and isinstance(event, e.Digits) and not turn.then.end_key:
            event = _without_end_key(event)
        if _fits(event, turn.then):
            self.take()
            return event
        return self.lack(_wants(turn))

    def late(self, step: Step) -> None:
        """Deliver a key that answered an earlier turn a second time."""

    def recorded(self, about: str) -> e.Event | None:
        """Return what the transcript says about the record, if anything."""
        there = self.left and self.left[0].word == "record" and self.left[0].about == about
        return self.take().event if there else None

    def served(self, operation: str) -> e.Event | None:
        """Return the service's answer."""
        if self.left and self.left[0].word == "service" and self.left[0].about == operation:
            return self.take().event
        return self.lack(f"what the service answers to {operation}")

    def take(self) -> Step:
        """Take the next line, whose event has now happened."""
        step = self.left.pop(0)
        self.lines.append(str(step))
        return step

    def lack(self, what: str) -> NoReturn:
        """Write down what the transcript lacks, and end the call there."""
        self.lines.append(f"{'needs':<10} {what}")
        raise Lacking

    def _dropped(self, turn: Turn) -> bool:
        """Return whether the key was pressed ahead of a question that does not allow that."""
        return self.left[0].ahead and not getattr(turn.then, "type_ahead", False)


def _without_end_key(event: e.Digits) -> e.Digits:
    """Return the keys with `#` as one of them, for a gather without an end key."""
    if event.ended is not e.Ended.END_KEY:
        return event
    return evolve(event, keys=secret.keys(f"{event.keys.reveal()}#"), ended=e.Ended.FULL)


def _wants(turn: Turn) -> str:
    """Return what a turn waits for, in words."""
    if isinstance(turn.then, Transfer):
        return "the result of the transfer, or a hang-up"
    one = isinstance(turn.then, Gather) and turn.then.max_keys == 1
    return f"{'one key' if one else 'keys, with # or a silence after them'}, silence, or a hang-up"


def _fits(event: e.Event | None, then: object) -> TypeGuard[e.CallerEvent]:
    """Return whether a runtime could report this: not too many keys, and an end if too few."""
    if not isinstance(then, Gather):
        return isinstance(event, e.TransferEnded)
    if not isinstance(event, e.Digits):
        return isinstance(event, e.NoInput)
    keyed = len(event.keys)
    return keyed == then.max_keys or (keyed < then.max_keys and event.ended is not e.Ended.FULL)
