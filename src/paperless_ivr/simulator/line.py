"""The telephone line of a simulated call: a gateway whose caller uses a browser.

The page does the speaking. It reports when it has finished, which prompt a key interrupted, and
when the caller has been silent too long. The line itself therefore needs no clock.
"""

import asyncio
import enum
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from attrs import define, field, frozen

from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.live import Token
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.prompts import Catalog
from paperless_ivr.secret import keys
from paperless_ivr.simulator.speaking import Speech, speech_of


class Delivery(enum.Enum):
    """How the caller's next answer reaches the call."""

    ONCE = "once"
    TWICE = "twice"
    LATE = "late"
    """The answer arrives at the next question, with the number of its own turn."""


@frozen
class Pressed:
    """A key press, or "" for a timeout, and what was being spoken at the time.

    `heard` is the index of the prompt being spoken, or None if all had been spoken.
    """

    key: str
    speech: int
    heard: int | None = None


class Watch(Protocol):
    """The observer that the line reports to."""

    def token(self) -> Token:
        """Return the token of the current turn."""
        ...

    def delivered(self, token: Token, event: Digits) -> bool:
        """Deliver an answer to an earlier turn, and return whether it advanced the call."""
        ...

    def spoke(self, speech: Speech) -> None:
        """Record that the line started speaking."""
        ...

    def noted(self, text: str) -> None:
        """Record what happened to a key."""
        ...

    def changed(self) -> None:
        """Announce that there is something new to show."""
        ...


@define(eq=False)
class Line:
    """The telephone line of one take. All of it runs in one event loop."""

    watch: Watch
    words: Catalog = field(repr=False)
    numbers: Iterator[int] = field(repr=False)
    """Numbers for the announcements, without repeats within a simulation."""
    start: int | None = None
    """The index of the first prompt to speak in the first turn.

    After a rewind, the prompts before it were already heard."""
    speech: Speech | None = field(init=False, default=None)
    entry: str = field(init=False, default="", repr=False)
    delivery: Delivery = field(init=False, default=Delivery.ONCE)
    _pressed: deque[Pressed] = field(init=False, factory=deque, repr=False)
    _again: list[tuple[str, Token, Digits]] = field(init=False, factory=list, repr=False)
    _came: asyncio.Event = field(init=False, factory=asyncio.Event)
    _spoken: int = field(init=False, default=0)
    _transferred: TransferResult | None = field(init=False, default=None)
    _gone: asyncio.Event = field(init=False, factory=asyncio.Event)
    _full: bool = field(init=False, default=False)

    @property
    def gone(self) -> bool:
        """Whether the caller has hung up."""
        return self._gone.is_set()

    # ── the gateway methods that the driver calls ──

    async def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Have the page speak a turn. Return the caller's next action if the turn waits for one."""
        if self._gone.is_set():
            return HungUp()
        asks = isinstance(turn.then, Gather | Transfer | Return)
        if turn.say or asks:
            self._speak(turn, language)
        if asks:
            self._deliver_again()
        match turn.then:
            case Gather() as gather:
                return await self._gather(gather)
            case Transfer():
                return await self._transfer()
            case Return():
                return None
        if turn.say and self.speech is not None:
            number = self.speech.number
            await self._until(lambda: self._spoken >= number)
        return HungUp() if self._gone.is_set() else None

    async def listen(self) -> HungUp:
        """Wait for the caller to hang up, keeping any keys pressed."""
        await self._until(lambda: False)
        return HungUp()

    # ── input from the page ──

    def press(self, pressed: Pressed) -> None:
        """Accept a key press or a timeout."""
        if pressed.key == "#" and self._full:
            self._full = False  # the key ends an entry that was already full
            return
        self._full = False
        self._pressed.append(pressed)
        self._came.set()

    def spoken(self, speech: int) -> None:
        """Note that the page has finished speaking an announcement."""
        self._spoken = max(self._spoken, speech)
        self._came.set()

    def transferred(self, result: TransferResult) -> None:
        """Accept the result of a transfer."""
        self._transferred = result
        self._came.set()

    def hang_up(self) -> None:
        """Hang up."""
        self._gone.set()
        self._came.set()

    # ── speaking and keys ──

    def _speak(self, turn: Turn, language: str) -> None:
        start, self.start = self.start or 0, None
        self.speech = speech_of(turn, language, self.words, next(self.numbers), start)
        self.entry = ""
        self.watch.spoke(self.speech)

    async def _transfer(self) -> CallerEvent:
        await self._until(lambda: self._transferred is not None)
        result, self._transferred = self._transferred, None
        return TransferEnded(result) if result else HungUp()

    async def _gather(self, gather: Gather) -> CallerEvent:
        assert self.speech is not None
        speech, token, first = self.speech.number, self.watch.token(), None
        while (pressed := await self._next()) is not None:
            ahead = pressed.speech != speech
            if ahead and (not pressed.key or not gather.type_ahead):
                if pressed.key:
                    self.watch.noted("A key pressed before this question does not count here.")
                continue
            first = (0 if ahead else pressed.heard) if not self.entry else first
            ended = self._ended(gather, pressed.key)
            self.watch.changed()
            if ended is None:
                continue
            if not pressed.key and not self.entry:
                return NoInput()
            event, self.entry = Digits(keys(self.entry), ended, first), ""
            self._full = ended is Ended.FULL and gather.max_keys > 1
            if self._arrives(token, event, private=gather.private):
                return event
        return HungUp()

    def _ended(self, gather: Gather, key: str) -> Ended | None:
        """Add a key to the entry. Return how the key ended the entry, or None if it did not."""
        if not key:
            return Ended.TIMEOUT
        if key == gather.end_key:
            return Ended.END_KEY
        self.entry += key
        return Ended.FULL if len(self.entry) == gather.max_keys else None

    def _arrives(self, token: Token, event: Digits, *, private: bool) -> bool:
        """Deliver an answer as `delivery` requires. Return whether it arrives now."""
        delivery, self.delivery = self.delivery, Delivery.ONCE
        if delivery is Delivery.ONCE:
            return True
        shown = "The answer" if private else event.keys.reveal() or "#"
        how = "again" if delivery is Delivery.TWICE else "late"
        self._again.append((f"{shown} {how}", token, event))
        if delivery is Delivery.LATE:
            self.watch.noted(f"{shown} is on its way. Press a key again.")
        return delivery is Delivery.TWICE

    def _deliver_again(self) -> None:
        """Deliver delayed and repeated answers to an earlier turn."""
        again, self._again = self._again, []
        for shown, token, event in again:
            moved = self.watch.delivered(token, event)
            says = (
                "this advanced the call"
                if moved
                else "ignored, because it answers an earlier question"
            )
            self.watch.noted(f"{shown}: {says}.")

    async def _next(self) -> Pressed | None:
        """Return the next key, or None if the caller has hung up."""
        await self._until(lambda: bool(self._pressed))
        return None if self._gone.is_set() else self._pressed.popleft()

    async def _until(self, comes: Callable[[], bool]) -> None:
        """Wait until something arrives, or the caller hangs up."""
        while not (self._gone.is_set() or comes()):
            self._came.clear()
            await self._came.wait()
