"""The contract of live-call stores."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from paperless_ivr.errors import StaleCall, UnknownCall
from paperless_ivr.records.port import LiveCalls, SavedCall
from paperless_ivr.testing.contracts.bench import BILLER, START, Clock
from paperless_ivr.testing.contracts.checking import at_once, holds, raises, run, same

MakeLiveCalls = Callable[[Callable[[], datetime]], LiveCalls]


def check_live_calls(make: MakeLiveCalls) -> None:
    """Check a live-call store. `make` must return an empty store that uses the given clock."""
    run(PROMISES, make)


def _saved(turn: int, call_id: str = "c1", biller: str = BILLER) -> SavedCall:
    return SavedCall(call_id, turn, f"{call_id} at {turn}".encode(), f"document {turn}", biller)


def _as_saved(make: MakeLiveCalls) -> None:
    """A call is loaded as it was last saved, independently of other calls."""
    calls = make(Clock())
    calls.save(_saved(1), None)
    calls.save(_saved(5, "c2"), None)
    calls.save(_saved(2), 1)

    same("the call", _saved(2), calls.load("c1"))
    same("the other call", _saved(5, "c2"), calls.load("c2"))


def _not_live(make: MakeLiveCalls) -> None:
    """Loading a call that was never saved raises UnknownCall."""
    raises("loading the call", UnknownCall, lambda: make(Clock()).load("c1"))


def _moved_first(make: MakeLiveCalls) -> None:
    """If another worker has begun, moved, or ended a call, saving it fails and changes nothing."""
    calls = make(Clock())
    raises("saving an ended call", StaleCall, lambda: calls.save(_saved(3), 2))
    calls.save(_saved(1), None)
    calls.save(_saved(2), 1)
    for if_turn in (None, 1, 3):
        raises(f"saving at {if_turn}", StaleCall, partial(calls.save, _saved(9), if_turn))
    same("the call", _saved(2), calls.load("c1"))


def _ended(make: MakeLiveCalls) -> None:
    """Dropping a call removes only that call, and dropping it again is not an error."""
    calls = make(Clock())
    calls.save(_saved(1), None)
    calls.save(_saved(1, "c2"), None)
    for _ in range(2):
        calls.drop("c1")
    raises("loading the dropped call", UnknownCall, lambda: calls.load("c1"))
    same("the other call", _saved(1, "c2"), calls.load("c2"))
    calls.save(_saved(7), None)
    same("a new call", _saved(7), calls.load("c1"))


def _one_winner(make: MakeLiveCalls) -> None:
    """If several workers move a call at the same time, exactly one of them succeeds."""
    for if_turn in (None, 1):
        calls = make(Clock())
        if if_turn is not None:
            calls.save(_saved(if_turn), None)

        def move(number: int, calls: LiveCalls = calls, at: int | None = if_turn) -> int | None:
            try:
                calls.save(_saved(100 + number), at)
            except StaleCall:
                return None
            return 100 + number

        winners = [turn for turn in at_once(move) if turn is not None]

        same("the number that succeeded", 1, len(winners))
        same("the call", winners[0], calls.load("c1").turn)


def _idle(make: MakeLiveCalls) -> None:
    """`idle` lists calls last saved before a given time that have this biller or no biller."""
    clock = Clock()
    calls = make(clock)
    for call_id in ("c1", "c2", "c3"):
        calls.save(_saved(1, call_id), None)
    clock.go(hours=1)
    calls.save(_saved(2, "c2"), 1)
    calls.drop("c3")
    calls.save(_saved(1, "c4", "another"), None)
    calls.save(_saved(1, "c5", ""), None)
    now = START + timedelta(hours=2)

    same("the set of calls idle since the start", set(), set(calls.idle(START, BILLER)))
    same(
        "the set of calls idle for an hour",
        {"c1"},
        set(calls.idle(START + timedelta(minutes=1), BILLER)),
    )
    same("the set of all calls saved so far", {"c1", "c2", "c5"}, set(calls.idle(now, BILLER)))
    same("the set of another biller's calls", {"c4", "c5"}, set(calls.idle(now, "another")))


def _silent_calls(make: MakeLiveCalls) -> None:
    """Printing a live-call store does not show the content of any call."""
    calls = make(Clock())
    calls.save(_saved(1), None)
    shown = f"{calls!r} {calls} {calls.load('c1')!r}"
    for value in ("c1 at 1", "document"):
        holds("that the content is not shown", value not in shown)


PROMISES: tuple[Callable[[MakeLiveCalls], None], ...] = (
    _as_saved,
    _not_live,
    _moved_first,
    _ended,
    _one_winner,
    _idle,
    _silent_calls,
)
"""The promises of a live-call store."""
