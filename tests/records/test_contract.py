"""The contracts of records and live calls: kept by those in memory, and each can be broken."""

# ruff: noqa: D102 - each class says what it breaks

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import pytest
from attrs import evolve

from paperless_ivr.errors import StaleCall
from paperless_ivr.flow.events import (
    LastFourCounted,
    OutcomeUnknown,
    Refused,
    Screened,
    ServiceAnswer,
)
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import CountLastFour, KeepWish, Screen, Write
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import Activity, Evidence, SavedCall, What
from paperless_ivr.testing.contracts import check_live_calls, check_record, live_calls, record
from tests.records.broken import BROKEN
from tests.records.misread import MISREAD


@pytest.mark.requirement("R14", "R17")
def test_memory_record_keeps_it() -> None:
    """The record in memory keeps every promise."""
    check_record(MemoryRecord)


def test_memory_live_calls_keep_it() -> None:
    """The live calls in memory keep every promise."""
    check_live_calls(MemoryLiveCalls)


# ── broken records ───────────────────────────────────────────────────────────────────────


class ManyBillers(MemoryRecord):
    """Takes all billers for one."""

    def note(self, activity: Activity) -> None:
        super().note(evolve(activity, biller="springfield-water"))


class OldestCounts(MemoryRecord):
    """Hears of no hand-over but the first."""

    done = 0

    def note(self, activity: Activity) -> None:
        if self.done == 0:
            super().note(activity)
        self.done += activity.what is What.ENDED


class AllOffers(MemoryRecord):
    """Takes every call for an offer."""

    def note(self, activity: Activity) -> None:
        if activity.what is What.ENDED:
            super().note(evolve(activity, what=What.OFFERED))
        super().note(activity)


class OffersOnly(MemoryRecord):
    """Counts a bill's way back to paper only after an offer."""

    def screen(self, request: Screen) -> Screened:
        offers = any(a.what is What.OFFERED for a in self.activities)
        return super().screen(request) if offers else Screened()


class NoSameCall(MemoryRecord):
    """Takes the same call for an earlier one."""

    def screen(self, request: Screen) -> Screened:
        return super().screen(evolve(request, call_id="another"))


class GuessesSay(MemoryRecord):
    """Takes the accounts that were tried for the caller's own."""

    def note(self, activity: Activity) -> None:
        if activity.what is What.LAST_FOUR_MISSED:
            super().note(evolve(activity, what=What.ANSWERED))
        super().note(activity)


class NoAccounts(MemoryRecord):
    """Counts misses by ANI only."""

    def count_last_four(self, request: CountLastFour, limits: Limits) -> LastFourCounted:
        return super().count_last_four(evolve(request, accounts=()), limits)


class NoAnis(MemoryRecord):
    """Counts misses by account only."""

    def count_last_four(self, request: CountLastFour, limits: Limits) -> LastFourCounted:
        return super().count_last_four(evolve(request, ani=None), limits)


class NoLimit(MemoryRecord):
    """Lets any number of texts go."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        super().intend(write, evidence, limits)
        return None

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        if key in self.writes:
            super().settle(key, answer)


class NoTextingAnis(MemoryRecord):
    """Counts texts by the number that they go to only."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        return super().intend(write, evolve(evidence, ani=None), limits)


class LimitAfterwards(MemoryRecord):
    """Looks at the limit, and only later puts the text on record."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        counted = len(self.writes)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.1)
        refused = super().intend(write, evidence, limits)
        return None if counted < limits.texts_per_number else refused


class CountsFailed(MemoryRecord):
    """Counts texts that were never sent."""

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        super().settle(key, OutcomeUnknown())


class OnceOnly(MemoryRecord):
    """Takes it for a fault to intend a write again."""

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        if write.key in self.writes:
            raise ValueError
        return super().intend(write, evidence, limits)


class SettlesAnything(MemoryRecord):
    """Settles writes that it does not know."""

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        if key in self.writes:
            super().settle(key, answer)


class OneKey(MemoryRecord):
    """Has no room for a wish and a write under one key."""

    def keep(self, wish: KeepWish, evidence: Evidence) -> None:
        if wish.key in self.writes:
            raise ValueError
        super().keep(wish, evidence)


class Talkative(MemoryRecord):
    """Prints what it holds."""

    def __repr__(self) -> str:
        return "".join(str(a.ani and a.ani.reveal()) for a in self.activities)


BROKEN_RECORDS: Mapping[str, type[MemoryRecord]] = {
    "_unknown_caller": ManyBillers,
    "_latest_ending": OldestCounts,
    "_no_offer": AllOffers,
    "_paper_without_offer": OffersOnly,
    "_same_call": NoSameCall,
    "_guesses_say_nothing": GuessesSay,
    "_last_four_by_account": NoAccounts,
    "_last_four_by_ani": NoAnis,
    "_text_limit": NoLimit,
    "_text_limit_by_ani": NoTextingAnis,
    "_text_limit_at_once": LimitAfterwards,
    "_failed_texts": CountsFailed,
    "_one_write": OnceOnly,
    "_unknown_write": SettlesAnything,
    "_one_wish": OneKey,
    "_silent_record": Talkative,
    **BROKEN,
    **MISREAD,
}


def test_every_promise_of_a_record_is_tried() -> None:
    """There is a broken record for every promise."""
    assert {check.__name__ for check in record.PROMISES} == BROKEN_RECORDS.keys()


@pytest.mark.parametrize("check", record.PROMISES, ids=lambda check: check.__name__)
def test_every_promise_of_a_record_can_be_broken(check: Callable[..., None]) -> None:
    """A record that breaks a promise is told so, in the promise's words."""
    assert check.__doc__

    with pytest.raises(AssertionError) as told:
        check_record(BROKEN_RECORDS[check.__name__])

    assert check.__doc__ in str(told.value)


# ── broken live calls ────────────────────────────────────────────────────────────────────


class OneForAll(MemoryLiveCalls):
    """Takes all calls for one."""

    def load(self, call_id: str) -> SavedCall:
        return evolve(super().load("c1"), call_id=call_id)


class EmptyForUnknown(MemoryLiveCalls):
    """Makes up a call that it does not know."""

    def load(self, call_id: str) -> SavedCall:
        try:
            return super().load(call_id)
        except Exception:  # noqa: BLE001
            return SavedCall(call_id, 0, b"")


class LastWins(MemoryLiveCalls):
    """Overwrites a call, whoever moved it."""

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        self.drop(call.call_id)
        super().save(call, None)


class DropsAll(MemoryLiveCalls):
    """Forgets the other calls too."""

    def drop(self, call_id: str) -> None:
        super().drop(call_id)
        super().drop("c2")


class LooksThenSaves(MemoryLiveCalls):
    """Looks at the turn, and only later saves."""

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        stored = self._calls.get(call.call_id)
        if (stored.turn if stored else None) != if_turn:
            raise StaleCall(call.call_id, if_turn or 0)
        time.sleep(0.1)
        self._calls[call.call_id] = call


class ListsAll(MemoryLiveCalls):
    """Takes every call for one that nothing was heard of."""

    def idle(self, since: datetime) -> tuple[str, ...]:
        return tuple(self._calls)


class ShowsCalls(MemoryLiveCalls):
    """Prints what it holds."""

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
    """A store of live calls that breaks a promise is told so, in the promise's words."""
    assert check.__doc__

    with pytest.raises(AssertionError) as told:
        check_live_calls(BROKEN_CALLS[check.__name__])

    assert check.__doc__ in str(told.value)
