"""The in-memory record: append-only, limits, settled writes, deferred requests, live calls."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.errors import RecordDown, StaleCall
from paperless_ivr.flow.call import Consent, Purpose
from paperless_ivr.flow.events import (
    Accepted,
    LimitReached,
    OutcomeUnknown,
    Refusal,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Moment
from paperless_ivr.flow.policy import Limits, Offer
from paperless_ivr.flow.requests import (
    DeferRequest,
    Guess,
    ReserveTry,
    Screen,
    SendWebLink,
    StoreCustomerPreference,
)
from paperless_ivr.flow.states import State
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import Activity, ActivityType, Evidence, SavedCall
from paperless_ivr.secret import Secret

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
BILLER = "springfield-water"
ANI = secret.phone("+12175550160")
CUSTOMER = secret.customer("784805")
ACCOUNT = secret.account("20484805")
ADDRESS = secret.email("someone@example.com")


@define
class Clock:
    """A clock that moves only on request."""

    at: datetime = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at


def line(what: ActivityType, call_id: str = "c1", at: datetime = START, **detail: str) -> Activity:
    """Return a line of the activity record."""
    return Activity(what, call_id, BILLER, "7", at, "OFFER", ANI, (ACCOUNT,), detail)


def evidence(reference: str = "c1-1") -> Evidence:
    """Return a consent, and the words that were heard."""
    consent = Consent(
        reference,
        BILLER,
        Purpose.ENROLL,
        ("confirmation",),
        (),
        "1",
        "es-US",
        CUSTOMER,
        ACCOUNT,
        "WATER",
    )
    return Evidence(
        consent, "Para aceptar, oprima 1.", "4f2a", START, START + timedelta(seconds=9), "c1", "7"
    )


def preference(key: str = "c1-1") -> StoreCustomerPreference:
    """Return a write."""
    return StoreCustomerPreference(CUSTOMER, ACCOUNT, "WATER", True, ADDRESS, None, key, key)


def deferred(
    key: str = "c1-1", *, paperless: bool = True, invoice_type: str = "WATER"
) -> DeferRequest:
    """Return a deferred request."""
    return DeferRequest(CUSTOMER, ACCOUNT, invoice_type, paperless, ADDRESS, None, key, key)


def text(key: str, phone: Secret = ANI) -> SendWebLink:
    """Return a text."""
    return SendWebLink(CUSTOMER, ACCOUNT, "WATER", phone, "review", key, key)


# ── activity ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("R30")
def test_append_only() -> None:
    """Lines stay in order, as they were when noted, with the consent's evidence."""
    record = MemoryRecord(Clock())
    detail = {"purpose": "enrol"}
    told = evolve(line(ActivityType.CONSENTED), detail=detail, evidence=evidence())
    record.note(line(ActivityType.OFFERED))
    record.note(told)
    detail["purpose"] = "text"

    offered, consented = record.activities
    assert ActivityType.OFFERED is offered.what
    assert consented.detail == {"purpose": "enrol"}
    assert evidence() == consented.evidence
    with pytest.raises(TypeError):
        consented.detail["purpose"] = "text"  # type: ignore[index]


def screened(record: MemoryRecord, ended: Disposition, days: int) -> State:
    """Return the state of the same caller's call, this many days after one that ended like this."""
    record.note(line(ActivityType.OFFERED))
    record.note(line(ActivityType.ENDED, disposition=ended.value))
    flow = Flow()
    arrival = Arrival("c2", BILLER, Moment.START, ani=ANI, language="en-US")
    turn = flow.begin(arrival)
    assert isinstance(turn.then, Screen)
    record.now.at += timedelta(days=days)  # type: ignore[attr-defined]
    return flow.advance(turn.call, record.screen(turn.then)).call.state


@pytest.mark.requirement("R14")
@pytest.mark.parametrize("ended", Disposition)
def test_asked_again_when_policy_says_so(ended: Disposition) -> None:
    """After each ending, the offer is made again on the policy's day, but not the day before."""
    wait = Offer().again_after_days.get(ended, 0)

    assert State.OFFER_AT_START is screened(MemoryRecord(Clock()), ended, wait)
    if wait:
        assert State.NOT_OFFERED is screened(MemoryRecord(Clock()), ended, wait - 1)


def test_a_hand_over_that_broke_off_is_not_the_next_one() -> None:
    """An offer in a hand-over that never ended does not count for the next hand-over."""
    record = MemoryRecord(Clock())
    for what in (ActivityType.ARRIVED, ActivityType.OFFERED, ActivityType.ARRIVED):
        record.note(line(what))
    record.note(line(ActivityType.ENDED, disposition="not_offered"))

    assert Screened() == record.screen(Screen("c2", BILLER, Moment.START, ANI, None))


def test_later_of_two_calls_that_ended_together() -> None:
    """Of two calls that ended at the same time, the one that was noted later counts."""
    record = MemoryRecord(Clock())
    for call_id, ended in (("c1", Disposition.IGNORED), ("c2", Disposition.DECLINED)):
        record.note(line(ActivityType.OFFERED, call_id))
        record.note(line(ActivityType.ENDED, call_id, disposition=ended.value))

    got = record.screen(Screen("c3", BILLER, Moment.START, ANI, ACCOUNT))

    assert Screened(Disposition.DECLINED) == got


def test_clocks_that_differ() -> None:
    """An ending that seems to be in the future happened today."""
    record = MemoryRecord(Clock())
    record.note(line(ActivityType.OFFERED))
    record.note(line(ActivityType.ENDED, at=START + timedelta(minutes=1), disposition="declined"))

    got = record.screen(Screen("c2", BILLER, Moment.START, ANI, None))

    assert Screened(Disposition.DECLINED, 0) == got


# ── limits ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("R17")
@pytest.mark.parametrize(("per_account", "per_ani", "allowed"), [(1, 9, 1), (3, 9, 3), (9, 2, 2)])
def test_limits_of_guessing(per_account: int, per_ani: int, allowed: int) -> None:
    """As many tries are reserved as the lower limit allows, and no more. The limit is named."""
    record = MemoryRecord(Clock())
    limits = Limits(tries_per_account=(per_account, 99), tries_per_ani=(per_ani, 99))
    answers = [
        record.reserve(ReserveTry(Guess.LAST_FOUR, BILLER, ANI, (ACCOUNT,), str(n)), limits)
        for n in range(allowed + 1)
    ]

    assert answers[:-1] == [TryReserved()] * allowed
    assert isinstance(answers[-1], LimitReached)
    lower = "tries_per_account" if per_account < per_ani else "tries_per_ani"
    assert lower == answers[-1].limit


def test_texts_free_up_one_by_one() -> None:
    """Each text counts for its own 24 hours."""
    record = MemoryRecord(clock := Clock())
    answers = []
    for hours in (0, 12, 13, 24, 25, 36):
        clock.at = START + timedelta(hours=hours)
        answers.append(
            record.intend(text(f"t{hours}"), evidence(), Limits(texts_per_number=(2, 9)))
        )

    limit = Refused(Refusal.LIMIT)
    assert answers == [None, None, limit, None, limit, None]


def test_a_refused_text_is_not_on_record() -> None:
    """A text that the limit forbids is not a write, and may be intended on another day."""
    record = MemoryRecord(clock := Clock())

    none = Limits(texts_per_number=(0, 0))
    assert Refused(Refusal.LIMIT) == record.intend(text("t1"), evidence(), none)
    assert record.writes == {}

    clock.at += timedelta(days=1)
    assert record.intend(text("t1"), evidence(), Limits()) is None


# ── writes and deferred requests ─────────────────────────────────────────────────────────


def test_first_intent_wins() -> None:
    """A key that is intended again stays the same write, with its time and evidence."""
    record = MemoryRecord(clock := Clock())
    record.intend(preference(), evidence(), Limits())
    clock.at += timedelta(minutes=1)
    record.intend(evolve(preference(), paperless=False), evidence("c9-9"), Limits())

    (written,) = record.writes.values()
    assert (preference(), evidence(), START, None) == (
        written.write,
        written.evidence,
        written.at,
        written.answer,
    )


YES, NO, LOST, DOWN = Accepted(), Refused(Refusal.PENDING), OutcomeUnknown(), Unavailable()


@pytest.mark.requirement("R23")
@pytest.mark.parametrize(
    ("answers", "settled"),
    [
        ([LOST], LOST),
        ([LOST, YES], YES),
        ([LOST, NO], NO),
        ([LOST, DOWN], LOST),
        ([LOST, LOST, DOWN], LOST),
        ([YES, LOST], YES),
        ([YES, NO], YES),
        ([YES, DOWN], YES),
        ([DOWN, YES], YES),
        ([DOWN, LOST], LOST),
        ([DOWN, LOST, DOWN, YES], YES),
    ],
)
def test_settled_twice(answers: list[ServiceAnswer], settled: ServiceAnswer) -> None:
    """A write that is done stays done; one that may be done is not undone by a failed attempt."""
    record = MemoryRecord(Clock())
    record.intend(preference(), evidence(), Limits())
    for answer in answers:
        record.settle("c1-1", answer)

    assert settled == record.writes["c1-1"].answer


def test_settling_an_unknown_write() -> None:
    """Settling a write that was never intended is the calling program's error."""
    with pytest.raises(LookupError, match="no write 'c1-1' is on record"):
        MemoryRecord(Clock()).settle("c1-1", Accepted())


def test_latest_wish_stands() -> None:
    """A later request for a bill replaces an earlier one, even if the earlier one is repeated."""
    record = MemoryRecord(Clock())
    record.keep(deferred("c1-1"), evidence("c1-1"))
    record.keep(deferred("c1-2", invoice_type="GAS"), evidence("c1-2"))
    record.keep(deferred("c2-1", paperless=False), evidence("c2-1"))
    record.keep(deferred("c1-1"), evidence("c1-1"))

    standing = {kept.request.invoice_type: kept for kept in record.kept()}

    assert {k: v.request.key for k, v in standing.items()} == {"WATER": "c2-1", "GAS": "c1-2"}
    assert evidence("c2-1") == standing["WATER"].evidence


def test_a_key_is_one_wish() -> None:
    """The same key again is the same request, as first kept."""
    record = MemoryRecord(Clock())
    record.keep(deferred("c1-1"), evidence())
    record.keep(deferred("c1-1", paperless=False), evidence())

    assert [deferred("c1-1")] == [kept.request for kept in record.kept()]


# ── down ─────────────────────────────────────────────────────────────────────────────────

ASKED: list[Callable[[MemoryRecord], object]] = [
    lambda r: r.note(line(ActivityType.OFFERED)),
    lambda r: r.screen(Screen("c1", BILLER, Moment.START, ANI, None)),
    lambda r: r.reserve(ReserveTry(Guess.ACCOUNT, BILLER, ANI, (), "t1"), Limits()),
    lambda r: r.intend(preference(), evidence(), Limits()),
    lambda r: r.settle("c0-1", Accepted()),
    lambda r: r.keep(deferred(), evidence()),
]


@pytest.mark.parametrize("ask", ASKED)
def test_record_down(ask: Callable[[MemoryRecord], object]) -> None:
    """A record that is down says so to everything, keeps nothing, and forgets nothing."""
    record = MemoryRecord(Clock())
    record.intend(preference("c0-1"), evidence(), Limits())
    record.down = True

    with pytest.raises(RecordDown):
        ask(record)

    told = [line.what for line in record.activities]
    assert (told, list(record.writes)) == ([ActivityType.SENT], ["c0-1"])
    record.down = False
    assert record.kept() == ()
    ask(record)


@pytest.mark.parametrize(
    "ask",
    [lambda c: c.load("c1"), lambda c: c.save(SavedCall("c1", 2, b""), 1), lambda c: c.drop("c1")],
)
def test_live_calls_down(ask: Callable[[MemoryLiveCalls], object]) -> None:
    """Live calls that are down say so to everything, and change nothing."""
    calls = MemoryLiveCalls()
    calls.save(SavedCall("c1", 1, b""), None)
    calls.down = True

    with pytest.raises(RecordDown):
        ask(calls)

    calls.down = False
    assert SavedCall("c1", 1, b"") == calls.load("c1")


# ── live calls ───────────────────────────────────────────────────────────────────────────


def test_no_move_is_lost() -> None:
    """If many threads move one call, each retrying when stale, no move is lost."""
    calls, each, threads = MemoryLiveCalls(), 50, 8
    calls.save(SavedCall("c1", 0, b""), None)

    def move() -> None:
        moved = 0
        while moved < each:
            seen = calls.load("c1")
            try:
                calls.save(evolve(seen, turn=seen.turn + 1, call=seen.call + b"."), seen.turn)
            except StaleCall:
                continue
            moved += 1

    workers = [threading.Thread(target=move, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    last = calls.load("c1")
    assert (each * threads, each * threads) == (last.turn, len(last.call))


def test_notes_from_many_threads() -> None:
    """If many threads note lines, none is lost."""
    record = MemoryRecord(Clock())

    def note(number: int) -> None:
        for _ in range(50):
            record.note(line(ActivityType.ANSWERED, f"c{number}"))

    workers = [threading.Thread(target=note, args=(n,), daemon=True) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert len(record.activities) == 400


# ── personal data ────────────────────────────────────────────────────────────────────────

PERSONAL = st.text(min_size=12, max_size=20).map("§{}".format)
"""Hypothesis also tries names in the code. With this sign before them, none is a field's."""


@pytest.mark.requirement("R24")
@settings(deadline=None)
@given(PERSONAL, PERSONAL, PERSONAL)
def test_nothing_personal_shows(one: str, two: str, three: str) -> None:
    """Printing a record, its lines, writes, and deferred requests shows none of their values."""
    number, account, address = secret.phone(one), secret.account(two), secret.email(three)
    proof = evolve(
        evidence(),
        words=f"{one} {two} {three}",
        consent=evolve(evidence().consent, account=account, email=address, phone=number),
    )
    told = evolve(line(ActivityType.CONSENTED), ani=number, accounts=(account,), evidence=proof)
    record, calls = MemoryRecord(Clock()), MemoryLiveCalls()
    record.note(told)
    record.intend(evolve(preference(), account=account, email=address), proof, Limits())
    record.intend(evolve(text("t1"), phone=number), proof, Limits())
    record.keep(evolve(deferred(), account=account, phone=number), proof)
    saved = SavedCall("c1", 1, f"{one}{two}".encode(), three)
    calls.save(saved, None)
    things: list[Any] = [
        told,
        record,
        calls,
        saved,
        record.activities,
        record.writes,
        record.kept(),
    ]

    shown = "".join(f"{thing!r} {thing}" for thing in things)

    assert [value for value in (one, two, three) if value in shown] == []


@pytest.mark.requirement("R54")
def test_a_snapshot_puts_back_what_was_there() -> None:
    """Writes and requests since then are undone, as often as that is requested."""
    record = MemoryRecord(Clock())
    record.intend(preference(), evidence(), Limits())
    put_back = record.snapshot()
    for _ in range(2):
        record.settle("c1-1", Accepted())
        record.keep(deferred("c1-2"), evidence("c1-2"))
        put_back()
        assert record.writes["c1-1"].answer is None
        assert record.kept() == ()
