"""The turns of a call: the prompts to play, and what to wait for after them.

A turn plays some prompts, then waits for exactly one thing: keys (`Gather`), an answer (a request),
the result of a transfer (`Transfer`), or nothing more (`Return`). Prompts are names and typed
slots, never text. Their wording is in `prompts/`.
"""

from attrs import frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.host import Handback, Reason
from paperless_ivr.flow.requests import Request
from paperless_ivr.flow.slots import Slot


@frozen
class Prompt:
    """One piece of speech: a name in the catalog, and values for its gaps.

    If the turn waits for keys, a key can interrupt it. If `must_hear` is set, a yes counts only
    after the prompt has played to the end. `language` is set only if the prompt has a language of
    its own, as in the language menu.
    """

    name: str
    slots: tuple[tuple[str, Slot], ...] = ()
    must_hear: bool = False
    language: str | None = None


@frozen
class Gather:
    """A wait for keys.

    It ends after `max_keys` keys, at the end key, or when no key comes for `next_key_wait` seconds
    after a key. If no key comes for `first_key_wait` seconds, the result is `NoInput`. Both
    waits begin after the prompts.
    """

    keys: str
    """The keys that mean something here. A runtime may also pass on other keys, as wrong keys."""
    max_keys: int
    first_key_wait: float
    next_key_wait: float
    end_key: str = "#"
    barge_in: bool = True
    """Whether a key interrupts the prompts."""
    type_ahead: bool = True
    """Whether keys pressed before the turn count. If false, they are discarded."""
    private: bool = False
    """Whether the input is personal, and must therefore never be shown."""
    begun: bool = False
    """Whether part of the entry has already been keyed. If so, the end key alone completes it."""


@frozen
class Transfer:
    """A transfer of the caller to an agent."""

    reason: Reason


@frozen
class Return:
    """The return of the call to the host."""

    handback: Handback


Then = Gather | Request | Transfer | Return


@frozen
class Turn:
    """A call after an event, with the prompts to play and what to wait for after them.

    `took` names the rows of the table that were taken, for coverage and the funnel.
    """

    call: Call
    say: tuple[Prompt, ...]
    then: Then
    took: tuple[str, ...] = ()


READ_OUT = ("readback_piece", "readback_at", "readback_domain")
"""The prompts that read an address back. The caller may stop the read-back at each of them."""


def barge_in_runs(turn: Turn) -> tuple[range, ...]:
    """Divide the prompts into runs. Within a run, it does not matter which prompt a key interrupts.

    A runtime that cannot report which prompt a key interrupted gathers keys after each run. The
    last run contains no prompt that must be heard, and it can be empty. The first run normally ends
    with the last prompt that must be heard. When an address is read back, it ends with the first
    piece of the address, and each later piece is a run of its own, because the caller can stop the
    read-back at any of them. If no prompt must be heard, there is only one run.
    """
    names = [p.name for p in turn.say]
    last = max((n for n, p in enumerate(turn.say) if p.must_hear), default=-1)
    if last < 0:
        return (range(len(names)),)
    first = next((n for n, name in enumerate(names) if name in READ_OUT), last)
    runs = [range(first + 1), *(range(n, n + 1) for n in range(first + 1, last + 1))]
    return (*runs, range(last + 1, len(names)))
