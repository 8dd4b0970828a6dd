"""A record in memory, for tests and simulation: it lasts as long as its process."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import MappingProxyType

from attrs import define, evolve, field, frozen

from paperless_ivr.errors import RecordDown, StaleCall, UnknownCall
from paperless_ivr.flow.events import (
    Accepted,
    LastFourCounted,
    OutcomeUnknown,
    Refusal,
    Refused,
    Screened,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.requests import CountLastFour, KeepWish, Screen, SendWebLink, Write
from paperless_ivr.records.port import Activity, Evidence, SavedCall, What
from paperless_ivr.secret import Secret

A_DAY = timedelta(hours=24)
"""A day of a limit: the last 24 hours. It needs no time zone, and midnight doubles nothing."""

BACK_TO_PAPER = (Disposition.OPTED_OUT, Disposition.OPT_OUT_REQUESTED)
"""Endings that count for the next offer even where none was made in the call."""


@frozen
class Written:
    """A write on record: what it was to do, by whose consent, and its outcome once known."""

    write: Write
    evidence: Evidence
    at: datetime
    answer: ServiceAnswer | None = None


@frozen
class Kept:
    """A wish on record, and the consent to it."""

    wish: KeepWish
    evidence: Evidence


@frozen
class _HandOver:
    """A hand-over that has ended and counts for the next offer."""

    call_id: str
    at: datetime
    line: int
    """Number of the line that ended it: tells what came later at one and the same time."""
    ended: Disposition


Whose = tuple[str, str, str | Secret]
"""Whom something is counted for: biller, then "call", "ani" or "account", then which."""


@define(eq=False, repr=False)
class MemoryRecord:
    """A record in memory. Safe to use from several threads. Times have a zone."""

    now: Callable[[], datetime]
    last_four_per_account: int = 6
    """Misses a day: three calls of the policy's two tries; a guesser gets 6 in 10,000."""
    last_four_per_ani: int = 10
    """Misses a day: a household keys several accounts; caller ID can be forged anyway."""
    texts_per_number: int = 3
    """Texts a day: to enrol, to confirm, and one sent again."""
    down: bool = False
    """Every method raises `RecordDown`."""
    _activities: list[Activity] = field(init=False, factory=list)
    _unfinished: dict[Whose, list[Activity]] = field(init=False, factory=dict)
    _hand_overs: dict[Whose, list[_HandOver]] = field(init=False, factory=dict)
    _misses: dict[Whose, list[datetime]] = field(init=False, factory=dict)
    _texts: dict[Secret, list[str]] = field(init=False, factory=dict)
    _writes: dict[str, Written] = field(init=False, factory=dict)
    _wishes: dict[str, Kept] = field(init=False, factory=dict)
    _lock: Lock = field(init=False, factory=Lock)

    def __repr__(self) -> str:
        return f"<MemoryRecord {len(self._activities)} activities>"

    # ── what can be looked at ──

    @property
    def activities(self) -> tuple[Activity, ...]:
        """The activity record, oldest line first."""
        with self._lock:
            return tuple(self._activities)

    @property
    def writes(self) -> Mapping[str, Written]:
        """Every write on record by key, in the order in which they were intended."""
        with self._lock:
            return dict(self._writes)

    @property
    def wishes(self) -> tuple[Kept, ...]:
        """The kept wishes that stand: the latest of each customer and invoice type."""
        with self._lock:
            latest = {(k.wish.customer, k.wish.invoice_type): k for k in self._wishes.values()}
            return tuple(latest.values())

    # ── activity ──

    def note(self, activity: Activity) -> None:
        """Appends a line; what the caller of this does to its `detail` later changes nothing."""
        line = evolve(activity, detail=MappingProxyType(dict(activity.detail)))
        with self._open():
            self._activities.append(line)
            call = (line.biller, "call", line.call_id)
            if line.what is What.ARRIVED:
                self._unfinished.pop(call, None)
            self._unfinished.setdefault(call, []).append(line)
            if line.what is What.LAST_FOUR_MISSED:
                for whose in _concerned(line.biller, line.ani, line.accounts):
                    self._misses.setdefault(whose, []).append(line.at)
            if line.what is What.ENDED:
                self._ended(call, self._unfinished.pop(call))

    def _ended(self, call: Whose, lines: list[Activity]) -> None:
        """Counts a hand-over that has ended, for its call, its ANI and the caller's account.

        The accounts of a missed last-four check are not the caller's: a guesser's calls say
        nothing about the account's owner.
        """
        last = lines[-1]
        ended = Disposition(last.detail["disposition"])
        if ended not in BACK_TO_PAPER and all(a.what is not What.OFFERED for a in lines):
            return
        whose = {call}
        for line in lines:
            accounts = () if line.what is What.LAST_FOUR_MISSED else line.accounts
            whose |= _concerned(line.biller, line.ani, accounts)
        counted = _HandOver(last.call_id, last.at, len(self._activities), ended)
        for one in whose:
            self._hand_overs.setdefault(one, []).append(counted)

    def screen(self, request: Screen) -> Screened:
        """How earlier hand-overs of this caller or account ended."""
        accounts = (request.account,) if request.account else ()
        with self._open():
            here = self._hand_overs.get((request.biller, "call", request.call_id), ())
            before = [
                hand_over
                for whose in _concerned(request.biller, request.ani, accounts)
                for hand_over in self._hand_overs.get(whose, ())
                if hand_over.call_id != request.call_id
            ]
        in_this_call = tuple(hand_over.ended for hand_over in here)
        if not before:
            return Screened(in_this_call=in_this_call)
        latest = max(before, key=lambda hand_over: (hand_over.at, hand_over.line))
        days = max((self.now() - latest.at).days, 0)
        return Screened(latest.ended, days, in_this_call)

    def count_last_four(self, request: CountLastFour) -> LastFourCounted:
        """Counts misses, not checks: who knows the digits may call as often as they like."""
        since = self.now() - A_DAY
        most = {"ani": self.last_four_per_ani, "account": self.last_four_per_account}
        with self._open():
            return LastFourCounted(
                all(
                    sum(at > since for at in self._misses.get(whose, ())) < most[whose[1]]
                    for whose in _concerned(request.biller, request.ani, request.accounts)
                )
            )

    # ── writes and wishes ──

    def intend(self, write: Write, evidence: Evidence) -> Refused | None:
        """Puts a write on record, unless a limit forbids it."""
        with self._open():
            if write.key in self._writes:
                return None
            if isinstance(write, SendWebLink):
                texts = self._texts.setdefault(write.phone, [])
                if self._counted(texts) >= self.texts_per_number:
                    return Refused(Refusal.LIMIT)
                texts.append(write.key)
            self._writes[write.key] = Written(write, evidence, self.now())
            return None

    def _counted(self, texts: list[str]) -> int:
        """How many of these texts were sent in the last day, or may have been."""
        since = self.now() - A_DAY
        there = [self._writes[key] for key in texts]
        return sum(w.at > since and not isinstance(w.answer, Refused | Unavailable) for w in there)

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Puts the outcome of a write on record."""
        with self._open():
            if key not in self._writes:
                message = f"no write {key!r} is on record"
                raise LookupError(message)
            before = self._writes[key]
            done = isinstance(before.answer, Accepted)
            got_nowhere = isinstance(answer, Unavailable)
            if not done and not (got_nowhere and isinstance(before.answer, OutcomeUnknown)):
                self._writes[key] = evolve(before, answer=answer)

    def keep(self, wish: KeepWish, evidence: Evidence) -> None:
        """Keeps a wish, to be completed later."""
        with self._open():
            self._wishes.setdefault(wish.key, Kept(wish, evidence))

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            if self.down:
                raise RecordDown
            yield


def _concerned(biller: str, ani: Secret | None, accounts: Iterable[Secret]) -> set[Whose]:
    """For whom a line, or a question, counts."""
    callers: set[Whose] = {(biller, "ani", ani)} if ani else set()
    return callers | {(biller, "account", account) for account in accounts}


@define(eq=False, repr=False)
class MemoryLiveCalls:
    """Calls in progress, in memory. Safe to use from several threads."""

    down: bool = False
    """Every method raises `RecordDown`."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _calls: dict[str, SavedCall] = field(init=False, factory=dict)
    _saved: dict[str, datetime] = field(init=False, factory=dict)
    _lock: Lock = field(init=False, factory=Lock)

    def __repr__(self) -> str:
        return f"<MemoryLiveCalls {len(self._calls)} calls>"

    def load(self, call_id: str) -> SavedCall:
        """The call as last saved."""
        with self._open():
            if call_id not in self._calls:
                raise UnknownCall(call_id)
            return self._calls[call_id]

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        """Stores a call if its stored turn is still `if_turn`."""
        with self._open():
            stored = self._calls.get(call.call_id)
            if (stored.turn if stored else None) != if_turn:
                raise StaleCall(call.call_id, if_turn or 0)
            self._calls[call.call_id] = call
            self._saved[call.call_id] = self.now()

    def drop(self, call_id: str) -> None:
        """Forgets a call."""
        with self._open():
            self._calls.pop(call_id, None)
            self._saved.pop(call_id, None)

    def idle(self, since: datetime) -> tuple[str, ...]:
        """The calls that were last saved before a time."""
        with self._open():
            return tuple(call_id for call_id, at in self._saved.items() if at < since)

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            if self.down:
                raise RecordDown
            yield
