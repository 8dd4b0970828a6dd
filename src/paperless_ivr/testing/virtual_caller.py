"""A caller with a simulated clock, at the far end of a simulated runtime.

The caller's actions are planned turn by turn: pressing keys during a prompt or after all prompts,
or hanging up. The simulator of a runtime notifies the caller when an utterance begins and ends,
and asks what happens next as time passes. No real time passes.
"""

from collections import deque
from collections.abc import Iterable

from attrs import define, field, frozen

ON_HOOK = "on-hook"
"""The result of `next` when the caller hangs up."""


@frozen
class Press:
    """Presses keys, with `apart` seconds between them.

    The first key comes `after` seconds after the beginning of the turn's prompt `at`. Without
    `at`, it comes after the caller's last key, or after all prompts if there was no key.
    """

    keys: str
    at: int | None = None
    after: float = 0.5
    apart: float = 0.3


@frozen
class HangUp:
    """Hangs up, at a time given as in `Press`."""

    at: int | None = None
    after: float = 0.5


Act = Press | HangUp


@frozen
class _Deed:
    """One key, or the hang-up."""

    what: str = field(repr=False)
    at: int | None
    after: float


@define
class VirtualCaller:
    """Hears utterances, and does what was planned."""

    now: float = 0.0
    gone: bool = False
    heard: list[str] = field(factory=list)
    """Every utterance of the call that began."""
    at: int | None = None
    """The prompt during which the last key was planned."""
    _due: deque[_Deed] = field(factory=deque, repr=False)
    _begun: list[float] = field(factory=list)
    _prompts: int = 0
    _since: float | None = None
    """When the last key was pressed, or all prompts had been spoken."""

    def plan(self, *acts: Act, prompts: int = 0) -> None:
        """Plan what the caller does in the next turn, which has this many prompts."""
        self._due = deque(_deeds(acts))
        self._begun, self._prompts = [], prompts
        self._since = None if prompts else self.now

    def begins(self, utterance: str) -> None:
        """Note that an utterance begins."""
        self.heard.append(utterance)
        self._begun.append(self.now)

    def ends(self) -> None:
        """Note that an utterance was spoken to its end."""
        if len(self._begun) >= self._prompts and self._since is None:
            self._since = self.now

    def next(self, within: float) -> str:
        """Return what the caller does within this many seconds: a key, ON_HOOK, or nothing ("").

        Advances the clock to that time, or by `within` seconds if nothing happens.
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
        """Return when the next action is due; None if that is not known yet."""
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
