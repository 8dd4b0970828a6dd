"""A simulated caller on a simulated runtime, with a simulated clock.

A test plans what the caller does in each turn: press keys during a prompt or after all prompts, or
hang up. The simulated runtime notifies the caller when an utterance begins or ends, and asks what
the caller does next as the simulated time advances. No real time passes.
"""

from collections import deque
from collections.abc import Iterable

from attrs import define, field, frozen

ON_HOOK = "on-hook"
"""The value that `next` returns when the caller hangs up."""


@frozen
class Press:
    """Keys to press, with `apart` seconds between them.

    The first key is pressed `after` seconds after prompt number `at` begins, counting from 0. If
    `at` is None, the delay starts at the previous key or, if there was none in this turn, at the
    end of the last prompt.
    """

    keys: str
    at: int | None = None
    after: float = 0.5
    apart: float = 0.3


@frozen
class HangUp:
    """A hang-up, timed like the first key of a `Press`."""

    at: int | None = None
    after: float = 0.5


Act = Press | HangUp


@frozen
class _Deed:
    """A single key press or a hang-up."""

    what: str = field(repr=False)
    at: int | None
    after: float


@define
class VirtualCaller:
    """A simulated caller who hears utterances and acts as planned."""

    now: float = 0.0
    gone: bool = False
    heard: list[str] = field(factory=list)
    """Every utterance that has started so far in the call."""
    at: int | None = None
    """The `at` of the action performed last."""
    _due: deque[_Deed] = field(factory=deque, repr=False)
    _begun: list[float] = field(factory=list)
    _prompts: int = 0
    _since: float | None = None
    """The time when the last key was pressed or the last prompt ended; None before that."""

    def plan(self, *acts: Act, prompts: int = 0) -> None:
        """Plan what the caller does in the next turn, which has `prompts` prompts."""
        self._due = deque(_deeds(acts))
        self._begun, self._prompts = [], prompts
        self._since = None if prompts else self.now

    def begins(self, utterance: str) -> None:
        """Record that an utterance has begun."""
        self.heard.append(utterance)
        self._begun.append(self.now)

    def ends(self) -> None:
        """Record that an utterance has ended without an interruption."""
        if len(self._begun) >= self._prompts and self._since is None:
            self._since = self.now

    def next(self, within: float) -> str:
        """Return what the caller does within the given seconds: a key, ON_HOOK, or "" for nothing.

        Advances the clock to the time of the action, or by `within` seconds if nothing happens.
        """
        if self.gone:
            return ON_HOOK
        when = self._when()
        if when is None or when > self.now + within:
            self.now += within
            return ""
        deed = self._due.popleft()
        self.now = self._since = max(self.now, when)
        self.at = deed.at
        self.gone = deed.what == ON_HOOK
        return deed.what

    def _when(self) -> float | None:
        """Return the time of the next action, or None if there is none or its time is not known."""
        if not self._due:
            return None
        deed = self._due[0]
        if deed.at is not None:
            return self._begun[deed.at] + deed.after if deed.at < len(self._begun) else None
        return None if self._since is None else self._since + deed.after


def _deeds(acts: Iterable[Act]) -> Iterable[_Deed]:
    for act in acts:
        if isinstance(act, HangUp):
            yield _Deed(ON_HOOK, act.at, act.after)
            continue
        for n, key in enumerate(act.keys):
            yield _Deed(key, None if n else act.at, act.apart if n else act.after)
