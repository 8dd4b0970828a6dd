"""The contract of session stores: all parts of an update are committed together."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from attrs import evolve

from paperless_ivr.errors import StaleCall, UnknownCall
from paperless_ivr.flow.events import Accepted, LimitReached, Refusal, Refused, TryReserved
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import Guess, ReserveTry
from paperless_ivr.records.port import (
    Activity,
    ActivityType,
    Follow,
    Intent,
    Ledger,
    Reservation,
    SavedCall,
    SessionStore,
    SessionUpdate,
    Settlement,
    Tried,
)
from paperless_ivr.testing.contracts.bench import (
    ANI,
    BILLER,
    Bench,
    Clock,
    evidence_of,
    preference,
)
from paperless_ivr.testing.contracts.checking import at_once, raises, run, same

MakeStore = Callable[[Callable[[], datetime]], tuple[SessionStore, Ledger]]
"""A function that returns a store and the ledger of its record. Both use the given clock."""


def check_session_store(make: MakeStore) -> None:
    """Check a session store. `make` must return an empty store each time."""
    run(PROMISES, make)


def _made(make: MakeStore) -> tuple[SessionStore, Ledger, Clock]:
    clock = Clock()
    return *make(clock), clock


def _saved(turn: int) -> SavedCall:
    return SavedCall("c1", turn, f"call at {turn}".encode(), f"document {turn}")


def _line(clock: Clock, what: ActivityType = ActivityType.ANSWERED) -> Activity:
    return Activity(what, "c1", BILLER, "1", clock(), "OFFER", ANI)


def _begun(clock: Clock) -> SessionUpdate:
    return SessionUpdate(_saved(1), activities=(_line(clock, ActivityType.ARRIVED),))


def _intent(key: str) -> Intent:
    return Intent(preference(key), evidence_of(key), Limits())


def _whats(ledger: Ledger) -> Sequence[str]:
    return [line.what.value for line in ledger.activity(BILLER)]


def _all_parts(make: MakeStore) -> None:
    """An update stores the call, the intended write, the outcome, and the activities."""
    store, ledger, clock = _made(make)
    store.commit(evolve(_begun(clock), intent=_intent("k1")))
    same("the call", _saved(1), store.calls.load("c1"))
    later = clock() + timedelta(seconds=1)
    same("the writes to settle", ["k1"], [w.key for w in ledger.unsettled(later)])
    settled = Settlement("k1", Accepted())
    store.commit(SessionUpdate(_saved(2), 1, outcome=settled, activities=(_line(clock),)))
    same("the call", _saved(2), store.calls.load("c1"))
    same("the writes to settle", (), ledger.unsettled(later))
    same(
        "the list of activities",
        ["arrived", "sent", "settled", "answered"],
        sorted(_whats(ledger), key=ORDER),
    )


ORDER = ["arrived", "sent", "settled", "answered"].index


def _stale(make: MakeStore) -> None:
    """If another worker moved the call first, an update changes nothing and notes no activity."""
    store, ledger, clock = _made(make)
    store.commit(_begun(clock))
    for if_turn in (None, 3):
        update = SessionUpdate(_saved(9), if_turn, activities=(_line(clock),))
        raises(f"committing at {if_turn}", StaleCall, partial(store.commit, update))
    same("the call", _saved(1), store.calls.load("c1"))
    same("the list of activities", ["arrived"], _whats(ledger))


def _refused(make: MakeStore) -> None:
    """If a limit forbids the intended write, the update is refused and changes nothing."""
    store, ledger, clock = _made(make)
    store.commit(_begun(clock))
    text = Bench(ledger, clock).text()
    intent = Intent(text, evidence_of(text.key), evolve(Limits(), texts_per_number=(0, 0)))
    update = SessionUpdate(_saved(2), 1, intent=intent, activities=(_line(clock),))
    same("the answer", Refused(Refusal.LIMIT), store.commit(update))
    same("the call", _saved(1), store.calls.load("c1"))
    same("the list of activities", ["arrived"], _whats(ledger))


def _reservation(key: str, most: int = 1) -> Reservation:
    """Return a reservation of a try for a caller who is allowed `most` tries."""
    asked = ReserveTry(Guess.ACCOUNT, BILLER, ANI, (), key)
    return Reservation(asked, evolve(Limits(), tries_per_ani=(most, most)))


def _followed(clock: Clock, turn: int) -> Follow:
    """Return a function that, given the answer to a try, returns an update to the given turn."""

    def follow(answer: Tried) -> SessionUpdate:
        call = evolve(_saved(turn), call=f"call after {answer}".encode())
        return SessionUpdate(call, turn - 1 or None, activities=(_line(clock),))

    return follow


def _tried(make: MakeStore) -> None:
    """A try and the move that follows it are committed together, and the answer is returned."""
    store, ledger, clock = _made(make)
    first = store.commit_try(_reservation("t1"), _followed(clock, 1))
    same("the first answer", TryReserved(), first)
    same("the call", b"call after TryReserved()", store.calls.load("c1").call)
    second = store.commit_try(_reservation("t2"), _followed(clock, 2))
    same("the second answer", LimitReached(), second)
    call = f"call after {second}".encode()
    same("the call", evolve(_saved(2), call=call), store.calls.load("c1"))
    same("the list of activities", ["answered"] * 2, _whats(ledger))
    third = _reservation("t3")
    same("the record's answer", LimitReached(), ledger.reserve(third.request, third.limits))


def _tried_again(make: MakeStore) -> None:
    """A try that is repeated because its answer was lost counts and takes effect only once."""
    store, ledger, clock = _made(make)
    for again in (False, True):
        answer = store.commit_try(_reservation("t1", 2), _followed(clock, 1), again=again)
        same("the answer", TryReserved(), answer)
    same("the list of activities", ["answered"], _whats(ledger))
    other = store.commit_try(_reservation("t2", 2), _followed(clock, 2), again=True)
    same("the answer to a try that was not made before", TryReserved(), other)
    same("the call", 2, store.calls.load("c1").turn)


def _tried_too_late(make: MakeStore) -> None:
    """If another worker moved the call before a try, nothing changes and no activity is noted."""
    store, ledger, clock = _made(make)
    store.commit(_begun(clock))
    for turn in (1, 4):
        moving = partial(store.commit_try, _reservation("t1"), _followed(clock, turn))
        raises(f"moving on to {turn}", StaleCall, moving)
    same("the call", _saved(1), store.calls.load("c1"))
    same("the list of activities", ["arrived"], _whats(ledger))


def _again(make: MakeStore) -> None:
    """An update that is repeated because its answer was lost takes effect only once."""
    store, ledger, clock = _made(make)
    update = evolve(_begun(clock), intent=_intent("k1"))
    for again in (False, True):
        store.commit(update, again=again)
    same("the call", _saved(1), store.calls.load("c1"))
    same("the writes", 1, _whats(ledger).count("sent"))
    ending = SessionUpdate(_saved(2), 1, forget=True)
    for again in (False, True):
        store.commit(ending, again=again)
    raises("loading the ended call", UnknownCall, lambda: store.calls.load("c1"))


def _not_done(make: MakeStore) -> None:
    """A repeated update takes effect if the first attempt did not."""
    store, ledger, clock = _made(make)
    store.commit(_begun(clock), again=True)
    same("the call", _saved(1), store.calls.load("c1"))
    store.commit(SessionUpdate(_saved(2), 1, activities=(_line(clock),)), again=True)
    same("the call", _saved(2), store.calls.load("c1"))
    same("the list of activities", ["arrived", "answered"], sorted(_whats(ledger), key=ORDER))


def _of_another(make: MakeStore) -> None:
    """An update does not count as repeated just because another one led to the same turn."""
    store, _, clock = _made(make)
    store.commit(_begun(clock))
    store.commit(SessionUpdate(_saved(2), 1))
    other = SessionUpdate(evolve(_saved(2), call=b"another"), 1)
    raises("committing the other update", StaleCall, lambda: store.commit(other, again=True))
    same("the call", _saved(2), store.calls.load("c1"))


def _forgotten(make: MakeStore) -> None:
    """An update that ends a call removes the call and notes activities only if the turn matches."""
    store, ledger, clock = _made(make)
    store.commit(_begun(clock))
    ending = SessionUpdate(_saved(3), 2, forget=True, activities=(_line(clock),))
    raises("ending the call at another turn", StaleCall, lambda: store.commit(ending))
    same("the call", _saved(1), store.calls.load("c1"))
    store.commit(evolve(ending, if_turn=1))
    raises("loading the ended call", UnknownCall, lambda: store.calls.load("c1"))
    same("the list of activities", ["arrived", "answered"], sorted(_whats(ledger), key=ORDER))


def _one_winner(make: MakeStore) -> None:
    """If several workers move a call at the same time, exactly one of them succeeds."""
    store, ledger, clock = _made(make)
    store.commit(_begun(clock))

    def move(number: int) -> bool:
        call = evolve(_saved(2), call=b"%d" % number)
        try:
            store.commit(SessionUpdate(call, 1, activities=(_line(clock),)))
        except StaleCall:
            return False
        return True

    same("the number that succeeded", 1, at_once(move).count(True))
    same("the list of activities", ["arrived", "answered"], sorted(_whats(ledger), key=ORDER))


PROMISES: tuple[Callable[[MakeStore], None], ...] = (
    _all_parts,
    _stale,
    _refused,
    _tried,
    _tried_again,
    _tried_too_late,
    _again,
    _not_done,
    _of_another,
    _forgotten,
    _one_winner,
)
"""The promises of a session store."""
