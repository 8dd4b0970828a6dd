"""The contracts of records and live calls: kept by those in memory, and each can be broken."""

# ruff: noqa: D102 - each class says what it breaks

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import pytest
from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.errors import StaleCall, UnknownCall
from paperless_ivr.flow.events import (
    LimitReached,
    OutcomeUnknown,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
)
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import DeferRequest, ReserveTry, Screen, SendWebLink, Write
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import (
    Activity,
    ActivityType,
    Counted,
    Evidence,
    Follow,
    Reservation,
    SavedCall,
    SessionUpdate,
    Tried,
)
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.contracts import (
    check_live_calls,
    check_record,
    check_session_store,
    live_calls,
    record,
    session_store,
)
from tests.racing import all_have_looked
from tests.records.broken import BROKEN
from tests.records.misread import MISREAD


@pytest.mark.requirement("R14", "R17")
def test_memory_record_keeps_it() -> None:
    """The in-memory record keeps every promise."""
    check_record(MemoryRecord)


def test_memory_live_calls_keep_it() -> None:
    """The live calls in memory keep every promise."""
    check_live_calls(MemoryLiveCalls)


# ── broken records ───────────────────────────────────────────────────────────────────────


class ManyBillers(MemoryRecord):
    """Treats all billers as one."""

    def note(self, activity: Activity) -> None:
        super().note(evolve(activity, biller="springfield-water"))


class OldestCounts(MemoryRecord):
    """Notices no hand-over but the first."""

    done = 0

    def note(self, activity: Activity) -> None:
        if self.done == 0:
            super().note(activity)
        self.done += activity.what is ActivityType.ENDED


class AllOffers(MemoryRecord):
    """Treats every call as one with an offer."""

    def note(self, activity: Activity) -> None:
        if activity.what is ActivityType.ENDED:
            super().note(evolve(activity, what=ActivityType.OFFERED))
        super().note(activity)


class OffersOnly(MemoryRecord):
    """Counts a bill's return to paper only after an offer."""

    def screen(self, request: Screen) -> Screened:
        offers = any(a.what is ActivityType.OFFERED for a in self.activities)
        return super().screen(request) if offers else Screened()


class NoSameCall(MemoryRecord):
    """Treats the same call as an earlier one."""

    def screen(self, request: Screen) -> Screened:
        return super().screen(evolve(request, call_id="another"))


class GuessesSay(MemoryRecord):
    """Treats the accounts that were tried as the caller's own."""

    def note(self, activity: Activity) -> None:
        if activity.what is ActivityType.LAST_FOUR_MISSED:
            super().note(evolve(activity, what=ActivityType.ANSWERED))
        super().note(activity)


Answer = TryReserved | LimitReached


class NoAccounts(MemoryRecord):
    """Counts tries only by ANI."""

    def reserve(self, request: ReserveTry, limits: Limits) -> Answer:
        return super().reserve(evolve(request, accounts=()), limits)


class NoAnis(MemoryRecord):
    """Counts tries only by account."""

    def reserve(self, request: ReserveTry, limits: Limits) -> Answer:
        return super().reserve(evolve(request, ani=None), limits)


class NobodyWithheld(MemoryRecord):
    """Does not count tries of callers without ANI."""

    def reserve(self, request: ReserveTry, limits: Limits) -> Answer:
        withheld = request.ani is None and not request.accounts
        return TryReserved() if withheld else super().reserve(request, limits)


class NoWindow(MemoryRecord):
    """Forgets tries after a day."""

    def reserve(self, request: ReserveTry, limits: Limits) -> Answer:
        return super().reserve(request, evolve(limits, window_days=1))


class LooksThenReserves(MemoryRecord):
    """Checks the limit, and counts the try only later."""

    def _reserve(self, key: str, counted: tuple[Counted, ...], limits: Limits) -> str | None:
        before = {one.whose: dict(self._reserved.get(one.whose, {})) for one in counted}
        self._lock.release()
        all_have_looked()
        self._lock.acquire()
        after, self._reserved = self._reserved, before  # type: ignore[assignment]
        reached = super()._reserve(key, counted, limits)
        for whose, there in before.items():
            after.setdefault(whose, {}).update(there)
        self._reserved = after
        return reached


class NeverGivesBack(MemoryRecord):
    """Keeps a try counted even if the caller has proved who they are."""

    def note(self, activity: Activity) -> None:
        if activity.what is not ActivityType.MATCHED:
            super().note(activity)


class KeyAgain(MemoryRecord):
    """Counts a try again if its answer was lost."""

    asked = 0

    def reserve(self, request: ReserveTry, limits: Limits) -> Answer:
        self.asked += 1
        return super().reserve(evolve(request, key=f"{request.key}-{self.asked}"), limits)


class NoLimit(MemoryRecord):
    """Allows any number of texts."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        super().intend(write, evidence, limits)
        return None

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        if key in self.writes:
            super().settle(key, answer)


class NoTextingAnis(MemoryRecord):
    """Counts texts only by the number that they go to."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        return super().intend(write, evolve(evidence, ani=None), limits)


class NoTextedAccounts(MemoryRecord):
    """Does not count texts by the account that they are about."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        account = secret.account(write.key)
        changed = evolve(write, account=account) if isinstance(write, SendWebLink) else write
        return super().intend(changed, evidence, limits)


class AsWritten(MemoryRecord):
    """Treats each form of an account number as a different account."""

    def reserve(self, request: ReserveTry, limits: Limits) -> Answer:
        accounts = tuple(secret.account(f"{len(a)}x{a.reveal()}") for a in request.accounts)
        return super().reserve(evolve(request, accounts=accounts), limits)


class ManyTexts(MemoryRecord):
    """Does not count texts by biller."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        return super().intend(write, evidence, evolve(limits, texts_per_biller=(99, 99)))


class CountsFailed(MemoryRecord):
    """Counts texts that were never sent."""

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        super().settle(key, OutcomeUnknown())


class OnceOnly(MemoryRecord):
    """Treats intending a write again as an error."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        if write.key in self.writes:
            raise ValueError
        return super().intend(write, evidence, limits)


class SettlesAnything(MemoryRecord):
    """Settles unknown writes."""

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        if key in self.writes:
            super().settle(key, answer)


class OneKey(MemoryRecord):
    """Cannot store a deferred request and a write under one key."""

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        if request.key in self.writes:
            raise ValueError
        super().keep(request, evidence)


class Talkative(MemoryRecord):
    """Prints its content."""

    def __repr__(self) -> str:
        return "".join(str(a.ani and a.ani.reveal()) for a in self.activities)


BROKEN_RECORDS: Mapping[str, type[MemoryRecord]] = {
    "_unknown_caller": ManyBillers,
    "_latest_ending": OldestCounts,
    "_no_offer": AllOffers,
    "_paper_without_offer": OffersOnly,
    "_same_call": NoSameCall,
    "_guesses_say_nothing": GuessesSay,
    "_tries_by_account": NoAccounts,
    "_tries_by_ani": NoAnis,
    "_tries_without_ani": NobodyWithheld,
    "_tries_in_the_window": NoWindow,
    "_tries_at_once": LooksThenReserves,
    "_given_back": NeverGivesBack,
    "_one_try": KeyAgain,
    "_text_limit": NoLimit,
    "_text_limit_by_ani": NoTextingAnis,
    "_text_limit_by_account": NoTextedAccounts,
    "_one_account_however_written": AsWritten,
    "_text_limit_by_biller": ManyTexts,
    "_text_limit_at_once": LooksThenReserves,
    "_failed_texts": CountsFailed,
    "_one_write": OnceOnly,
    "_unknown_write": SettlesAnything,
    "_one_deferred": OneKey,
    "_silent_record": Talkative,
    **BROKEN,
    **MISREAD,
}


def test_every_promise_of_a_record_is_tried() -> None:
    """There is a broken record for every promise."""
    assert {check.__name__ for check in record.PROMISES} == BROKEN_RECORDS.keys()


@pytest.mark.parametrize("check", record.PROMISES, ids=lambda check: check.__name__)
def test_every_promise_of_a_record_can_be_broken(check: Callable[..., None]) -> None:
    """If a record breaks a promise, the error has the promise's words."""
    assert check.__doc__

    with pytest.raises(AssertionError) as told:
        check_record(BROKEN_RECORDS[check.__name__])

    assert check.__doc__ in str(told.value)


# ── broken live calls ────────────────────────────────────────────────────────────────────


class OneForAll(MemoryLiveCalls):
    """Treats all calls as one."""

    def load(self, call_id: str) -> SavedCall:
        return evolve(super().load("c1"), call_id=call_id)


class EmptyForUnknown(MemoryLiveCalls):
    """Invents a call that it does not know."""

    def load(self, call_id: str) -> SavedCall:
        try:
            return super().load(call_id)
        except Exception:  # noqa: BLE001
            return SavedCall(call_id, 0, b"")


class LastWins(MemoryLiveCalls):
    """Overwrites a call, no matter who moved it."""

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        self.drop(call.call_id)
        super().save(call, None)


class DropsAll(MemoryLiveCalls):
    """Forgets the other calls, too."""

    def drop(self, call_id: str) -> None:
        super().drop(call_id)
        super().drop("c2")


class LooksThenSaves(MemoryLiveCalls):
    """Checks the turn, and saves only later."""

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        stored = self._calls.get(call.call_id)
        if (stored.turn if stored else None) != if_turn:
            raise StaleCall(call.call_id, if_turn or 0)
        all_have_looked()
        self._calls[call.call_id] = call


class ListsAll(MemoryLiveCalls):
    """Treats every call as idle."""

    def idle(self, since: datetime) -> tuple[str, ...]:
        return tuple(self._calls)


class ShowsCalls(MemoryLiveCalls):
    """Prints its content."""

    def __repr__(self) -> str:
        return "".join(call.document for call in self._calls.values())


BROKEN_CALLS: Mapping[str, type[MemoryLiveCalls]] = {
    "_as_saved": OneForAll,
    "_not_live": EmptyForUnknown,
    "_moved_first": LastWins,
    "_ended": DropsAll,
    "_one_winner": LooksThenSaves,
    "_idle": ListsAll,
    "_silent_calls": ShowsCalls,
}


def test_every_promise_of_live_calls_is_tried() -> None:
    """There is a broken store of live calls for every promise."""
    assert {check.__name__ for check in live_calls.PROMISES} == BROKEN_CALLS.keys()


@pytest.mark.parametrize("check", live_calls.PROMISES, ids=lambda check: check.__name__)
def test_every_promise_of_live_calls_can_be_broken(check: Callable[..., None]) -> None:
    """If a store of live calls breaks a promise, the error has the promise's words."""
    assert check.__doc__

    with pytest.raises(AssertionError) as told:
        check_live_calls(BROKEN_CALLS[check.__name__])

    assert check.__doc__ in str(told.value)


# ── broken session stores ────────────────────────────────────────────────────────────────


def separate(store: type[SeparateStores]) -> Callable[..., object]:
    """Make an in-memory store whose parts share no transaction."""

    def make(now: Callable[[], datetime]) -> tuple[SeparateStores, MemoryRecord]:
        memory = MemoryRecord(now)
        return store(memory, MemoryLiveCalls()), memory

    return make


@pytest.mark.requirement("R31")
def test_separate_stores_keep_it() -> None:
    """A record and a store of calls that share no transaction keep every promise."""
    check_session_store(separate(SeparateStores))


class NoLines(SeparateStores):
    """Forgets the lines."""

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        return super().commit(evolve(update, activities=()), again=again)


class LinesFirst(SeparateStores):
    """Notes what was not done."""

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        for line in update.activities:
            self.record.note(line)
        return super().commit(evolve(update, activities=()), again=again)


class NeverRefused(SeparateStores):
    """Continues even if a limit forbids the write."""

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        refused = super().commit(update, again=again)
        if refused is not None:
            super().commit(evolve(update, intent=None), again=again)
        return refused


class NoTries(SeparateStores):
    """Allows every try."""

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        self.commit(follow(TryReserved()), again=again)
        return TryReserved()


class TwoTries(SeparateStores):
    """Counts a repeated request as another try."""

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        if again:
            asked = evolve(reservation.request, key=f"{reservation.request.key} again")
            reservation = evolve(reservation, request=asked)
        return super().commit_try(reservation, follow, again=again)


class TriesAnyway(SeparateStores):
    """Moves a call after a try, no matter who has moved it."""

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        def following(answer: Tried) -> SessionUpdate:
            update = follow(answer)
            with suppress(UnknownCall):
                update = evolve(update, if_turn=self.calls.load(update.call.call_id).turn)
            return update

        return super().commit_try(reservation, following, again=again)


class NeverRecognized(SeparateStores):
    """Treats a retry as another update."""

    def _is_done(self, update: SessionUpdate) -> bool:
        return False


class AlwaysDone(SeparateStores):
    """Treats every retry as done."""

    def _is_done(self, update: SessionUpdate) -> bool:
        return True


class SameTurn(SeparateStores):
    """Treats any call at the same turn as the same call."""

    def _is_done(self, update: SessionUpdate) -> bool:
        try:
            return self.calls.load(update.call.call_id).turn == update.call.turn
        except UnknownCall:
            return update.forget


class ForgetsAnyway(SeparateStores):
    """Removes a call at any turn."""

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        if update.forget:
            self.calls.drop(update.call.call_id)
            update = evolve(update, call=None)
        return super().commit(update, again=again)


class LastWins(SeparateStores):
    """Lets everyone move a call."""

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        if again or update.if_turn != 1 or update.forget:
            return super().commit(update, again=again)
        try:
            return super().commit(update)
        except StaleCall:
            there = self.calls.load(update.call.call_id)
            return super().commit(evolve(update, if_turn=there.turn))


BROKEN_STORES: Mapping[str, type[SeparateStores]] = {
    "_all_parts": NoLines,
    "_stale": LinesFirst,
    "_refused": NeverRefused,
    "_tried": NoTries,
    "_tried_again": TwoTries,
    "_tried_too_late": TriesAnyway,
    "_again": NeverRecognized,
    "_not_done": AlwaysDone,
    "_of_another": SameTurn,
    "_forgotten": ForgetsAnyway,
    "_one_winner": LastWins,
}


def test_every_promise_of_a_session_store_is_tried() -> None:
    """There is a broken session store for every promise."""
    assert {check.__name__ for check in session_store.PROMISES} == BROKEN_STORES.keys()


@pytest.mark.parametrize("check", session_store.PROMISES, ids=lambda check: check.__name__)
def test_every_promise_of_a_session_store_can_be_broken(check: Callable[..., None]) -> None:
    """If a session store breaks a promise, the error names it with the promise's words."""
    with pytest.raises(AssertionError) as told:
        check_session_store(separate(BROKEN_STORES[check.__name__]))

    assert check.__doc__ in str(told.value)
