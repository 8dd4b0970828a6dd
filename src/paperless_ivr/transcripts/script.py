"""Takes the events of a transcript line by line, as the call needs them.

Everything that runs a transcript uses this module: the replay (`replaying`), which runs the flow
alone, and the playback (`testing.playback`), which stands in for a driver's gateway, service, and
record.
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
    """The call needs an event that the transcript does not contain."""


@define
class Script:
    """A transcript that is being run: the remaining events and the call so far."""

    transcript: Transcript
    flow: Flow = field(default=Factory(lambda self: Flow(self.transcript.terms), takes_self=True))
    left: list[Step] = field(init=False)
    lines: list[str] = field(init=False, factory=list)
    """The call so far, as lines of a transcript."""
    rows: list[str] = field(init=False, factory=list)
    """The table rows taken so far."""
    words: Catalog = field(init=False)

    @left.default
    def _happens(self) -> list[Step]:
        return [step for step in self.transcript.steps if step.word not in ("hears", "ends")]

    @words.default
    def _of_policy(self) -> Catalog:
        return Catalog.of(self.flow.terms.policy)

    def hears(self, say: Iterable[Prompt], language: str | None) -> None:
        """Add the words that the caller hears to the lines."""
        self.lines += heard(say, language, self.flow, self.words)

    def caller(self, turn: Turn) -> e.CallerEvent | None:
        """Return what the caller does in a turn, or None if the caller does nothing."""
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
        """Handle a key that is delivered again after its turn. Only `Replay` does anything."""

    def recorded(self, about: str) -> e.Event | None:
        """Return the record's answer, or None if it is not the next line of the transcript."""
        there = self.left and self.left[0].word == "record" and self.left[0].about == about
        return self.take().event if there else None

    def served(self, operation: str) -> e.Event | None:
        """Return the service's answer."""
        if self.left and self.left[0].word == "service" and self.left[0].about == operation:
            return self.take().event
        return self.lack(f"the service's answer to {operation}")

    def take(self) -> Step:
        """Remove and return the next line, and add it to the lines of the call so far."""
        step = self.left.pop(0)
        self.lines.append(str(step))
        return step

    def lack(self, what: str) -> NoReturn:
        """Add a line about the missing event, and stop the call there."""
        self.lines.append(f"{'needs':<10} {what}")
        raise Lacking

    def _dropped(self, turn: Turn) -> bool:
        """Return whether the key was pressed ahead of a question that does not allow type-ahead."""
        return self.left[0].ahead and not getattr(turn.then, "type_ahead", False)


def _without_end_key(event: e.Digits) -> e.Digits:
    """Return the keys for a gather without an end key, with `#` as one of the keys."""
    if event.ended is not e.Ended.END_KEY:
        return event
    return evolve(event, keys=secret.keys(f"{event.keys.reveal()}#"), ended=e.Ended.FULL)


def _wants(turn: Turn) -> str:
    """Return a description of what a turn waits for."""
    if isinstance(turn.then, Transfer):
        return "the result of the transfer, or a hang-up"
    one = isinstance(turn.then, Gather) and turn.then.max_keys == 1
    keys = "one key" if one else "keys (such as 2048# or 12 then silence)"
    return f"{keys}, silence, or a hang-up"


def _fits(event: e.Event | None, then: object) -> TypeGuard[e.CallerEvent]:
    """Return whether a runtime could report this event in answer to the gather or transfer."""
    if not isinstance(then, Gather):
        return isinstance(event, e.TransferEnded)
    if not isinstance(event, e.Digits):
        return isinstance(event, e.NoInput)
    keyed = len(event.keys)
    return keyed == then.max_keys or (keyed < then.max_keys and event.ended is not e.Ended.FULL)
