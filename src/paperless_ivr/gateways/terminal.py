"""A call at a terminal: prints the prompts, and reads keys line by line or from a script.

A line, or a token of a script, is one of:

    1          keys                   -        silence (an empty line also means silence)
    1137#      keys and the end key   h        hang up (the end of the input does, too)
    *@3        `*` during prompt 3, counted from 0
    busy       the result of a transfer: answered, busy, no_answer, failed, unknown
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from attrs import define, field

from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.flow.turns import Gather, Return, Transfer, Turn
from paperless_ivr.gateways.capabilities import Capabilities, Claim, How
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.secret import keys

if sys.platform != "win32":
    import termios

CAPABILITIES = Capabilities(
    "a terminal",
    interrupted=Claim(How.EMULATED, "the prompt's index is typed with the keys: 1@0"),
    flush=Claim(How.EMULATED, "earlier input is discarded (POSIX tcflush)"),
    two_waits=Claim(How.DEGRADED, "a line can be typed without a time limit"),
    barge_in=Claim(How.DEGRADED, "all prompts of a turn are printed at the same time"),
    keys_while_waiting=Claim(How.DEGRADED, "keys are read a line at a time"),
    hang_up=Claim(How.DEGRADED, "noticed when the next line is read"),
)

HANG_UP, SILENCE = "h", "-"
PRESSED = re.compile(r"(?P<keys>[0-9*#]+)(@(?P<at>[0-9]{1,4}))?")
RESULTS = {result.value: result for result in TransferResult}
USAGE = "type keys (0 to 9, *, #), nothing for silence, or h to hang up"
USAGE_TRANSFER = f"{', '.join(RESULTS)}, or h to hang up"


def tokens(script: str) -> tuple[str, ...]:
    """Split a script into tokens. Raises ValueError if any of them is invalid."""
    found = tuple(script.split())
    wrong = [token for token in found if not _means_something(token)]
    if wrong:
        message = (
            f"{', '.join(wrong)}: not understood; {USAGE}; in a script, - means silence; the result"
        )
        raise ValueError(f"{message} of a transfer is one of {', '.join(RESULTS)}")
    return found


def _means_something(token: str) -> bool:
    return token in (HANG_UP, SILENCE, *RESULTS) or PRESSED.fullmatch(token) is not None


@define
class TerminalGateway:
    """One call's channel. It prints to `out`, and reads `lines` or, if that is None, `script`.

    Extra keys at a question count as type-ahead for the next question, if it allows that.
    An end key right after a complete entry is dropped.
    """

    catalog: Catalog
    out: TextIO = field(repr=False)
    lines: TextIO | None = field(default=None, repr=False)
    script: Iterable[str] = field(default=(), repr=False)
    _ahead: str = field(init=False, default="", repr=False)
    _tokens: Iterator[str] = field(init=False, repr=False)
    _held: str | None = field(init=False, default=None, repr=False)
    _gone: bool = field(init=False, default=False)

    @_tokens.default
    def _play(self) -> Iterator[str]:
        return iter(tuple(self.script))

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Print a turn's prompts, and then read the keys or the transfer result that it needs."""
        if self._gone:
            return HungUp()
        for prompt in turn.say:
            self._print(said([prompt], language, self.catalog))
        match turn.then:
            case Gather() as gather:
                return self._gather(gather)
            case Transfer():
                self._ahead = ""
                self._print("  (an agent's phone rings)")
                return self._transfer()
            case Return():
                return None
            case _:
                return None

    # ── keys ──

    def _gather(self, gather: Gather) -> CallerEvent:
        if not gather.type_ahead:
            self._ahead = ""
            if self.lines is not None and self.lines.isatty() and sys.platform != "win32":
                termios.tcflush(self.lines, termios.TCIFLUSH)
        if self._ahead:
            pressed, self._ahead = self._ahead, ""
            return self._digits(gather, pressed, 0)
        while True:
            token = self._next("keys> ")
            if token is None or token == HANG_UP:
                return self._hangs_up()
            if token in ("", SILENCE):
                self._print("  (silence)")
                return NoInput()
            match = PRESSED.fullmatch(token)
            if match is not None:
                at = match["at"]
                return self._digits(gather, match["keys"], None if at is None else int(at))
            self._print(f"  ({USAGE})")

    def _digits(self, gather: Gather, pressed: str, interrupted: int | None) -> Digits:
        """Return the keys that belong to a gather, and keep the rest for the next question."""
        until = pressed.find(gather.end_key) if gather.end_key else -1
        if 0 <= until < gather.max_keys:
            taken, rest, ended = pressed[:until], pressed[until + 1 :], Ended.END_KEY
        elif len(pressed) >= gather.max_keys:
            taken, rest, ended = pressed[: gather.max_keys], pressed[gather.max_keys :], Ended.FULL
            if gather.end_key:
                rest = rest.removeprefix(gather.end_key)
        else:
            taken, rest, ended = pressed, "", Ended.TIMEOUT
        self._ahead = rest
        shown = "•" * len(taken) if gather.private else taken
        self._print(f"  (presses {shown}{gather.end_key if ended is Ended.END_KEY else ''})")
        return Digits(keys(taken), ended, interrupted)

    # ── a person ──

    def _transfer(self) -> CallerEvent:
        while True:
            token = self._next("answered, busy, …> ")
            if token is None or token == HANG_UP:
                return self._hangs_up()
            if token in RESULTS:
                self._print(f"  ({token})")
                return TransferEnded(RESULTS[token])
            if self.lines is None:  # keep the token for the next question
                self._held = token
                self._print("  (no_answer)")
                return TransferEnded(TransferResult.NO_ANSWER)
            self._print(f"  ({USAGE_TRANSFER})")

    def _hangs_up(self) -> HungUp:
        self._gone = True
        self._print("  (hangs up)")
        return HungUp()

    # ── lines ──

    def _next(self, ask: str) -> str | None:
        """Return the next line or token, or None at the end."""
        if self._held is not None:
            token, self._held = self._held, None
            return token
        if self.lines is None:
            return next(self._tokens, None)
        self.out.write(ask)
        self.out.flush()
        try:
            line = self.lines.readline()
        except KeyboardInterrupt:
            line = ""
        if not line:
            self._print("")
            return None
        return "".join(line.split()).lower()

    def _print(self, text: str) -> None:
        self.out.write(f"{text}\n")
        self.out.flush()
