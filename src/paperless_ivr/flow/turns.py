"""What a call says and what it then waits for.

A turn says some prompts, then waits for exactly one thing: keys (`Gather`), one answer
(a request), a transfer's result (`Transfer`), or nothing more (`Return`).
Prompts are names and typed slots, never text: `prompts/` turns them into words.
"""

from attrs import frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.host import Handback, Reason
from paperless_ivr.flow.requests import Request
from paperless_ivr.flow.slots import Slot


@frozen
class Prompt:
    """One piece of what is said: a name in the catalog, and what fills its gaps.

    A key interrupts what is being said; where the piece `must_hear`, a yes counts only
    after the piece was spoken to its end. `language` is set where it is not the call's.
    """

    name: str
    slots: tuple[tuple[str, Slot], ...] = ()
    must_hear: bool = False
    language: str | None = None


@frozen
class Gather:
    """Wait for keys.

    Ends with `max_keys` keys, or at the end key, or when no key comes for `next_key_wait`
    seconds after a key. No key at all for `first_key_wait` seconds is no-input. Both waits
    begin when the prompts have been spoken.
    """

    keys: str
    """The keys that mean something here; a runtime may hand over others (no-match)."""
    max_keys: int
    first_key_wait: float
    next_key_wait: float
    end_key: str = "#"
    barge_in: bool = True
    """A key interrupts the prompts."""
    type_ahead: bool = True
    """Keys pressed before the turn began count; False: they are thrown away."""
    private: bool = False
    """What is keyed is personal: it is never shown."""
    begun: bool = False
    """Keys of the entry came before a pause, so the end key alone completes it."""


@frozen
class Transfer:
    """Put the caller through to an agent, and tell what became of it."""

    reason: Reason


@frozen
class Return:
    """Give the call back to the host."""

    handback: Handback


Then = Gather | Request | Transfer | Return


@frozen
class Turn:
    """A call after something happened to it: what it says, then what it waits for.

    `took` names the rows of the table that were taken, for coverage and the funnel.
    """

    call: Call
    say: tuple[Prompt, ...]
    then: Then
    took: tuple[str, ...] = ()


READ_OUT = ("readback_piece", "readback_at", "readback_domain")
"""Pieces of an address that is read back: the caller may stop at each."""


def barge_in_runs(turn: Turn) -> tuple[range, ...]:
    """The prompts of a turn in runs: within a run it makes no difference where a key comes.

    A runtime that cannot tell the prompt in which a key came asks run by run. Nothing in the
    last run must be heard; it may be empty. An address that is read back is stopped at a
    piece, so there each is a run; else all up to the last that must be heard are one.
    """
    names = [p.name for p in turn.say]
    last = max((n for n, p in enumerate(turn.say) if p.must_hear), default=-1)
    if last < 0:
        return (range(len(names)),)
    first = next((n for n, name in enumerate(names) if name in READ_OUT), last)
    runs = [range(first + 1), *(range(n, n + 1) for n in range(first + 1, last + 1))]
    return (*runs, range(last + 1, len(names)))
