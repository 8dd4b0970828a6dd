"""The record contract for the time after a call: unfinished work, look-ups, and purges."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.errors import StaleClaim
from paperless_ivr.flow.events import (
    Accepted,
    OutcomeUnknown,
    Refusal,
    Refused,
    Screened,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.policy import Limits, Retention
from paperless_ivr.records.port import Activity, ActivityType, Task, WorkItem
from paperless_ivr.testing.contracts.bench import (
    ANI,
    BILLER,
    LEASE,
    Bench,
    MakeRecord,
    deferred_of,
    evidence_of,
    preference,
)
from paperless_ivr.testing.contracts.checking import AT_ONCE, at_once, holds, raises, same

TASKS = (Task.SETTLE, Task.COMPLETE, Task.FOLLOW)
ENDS = (ActivityType.GIVEN_UP, ActivityType.EXPORTED, ActivityType.EXPIRED)
"""A possible ending for each task."""


def _keys(left: tuple[WorkItem, ...]) -> list[str]:
    return [one.key for one in left]


def _unsettled(make: MakeRecord) -> None:
    """Writes with an uncertain outcome are returned as they were first put on record."""
    answers: dict[str, ServiceAnswer | None] = {
        "never": None,
        "lost": OutcomeUnknown(),
        "done": Accepted(),
        "refused": Refused(Refusal.OTHER),
        "down": Unavailable(),
    }
    bench = Bench.of(make)
    for key, answer in answers.items():
        bench.intend(preference(key))
        if answer is not None:
            bench.record.settle(key, answer)
    first = bench.evidence("never")
    bench.clock.go(seconds=1)
    bench.intend(preference("never", "GAS"))
    bench.record.settle("down", OutcomeUnknown())

    left = bench.record.unsettled(bench.clock())

    same("the list of unsettled writes", ["never", "lost", "down"], _keys(left))
    same("the write", preference("never"), left[0].write)
    same("its evidence", first, left[0].evidence)
    same("the time of the write", bench.clock() - timedelta(seconds=1), left[0].at)
    same(
        "the list of answers", [None, OutcomeUnknown(), OutcomeUnknown()], [w.answer for w in left]
    )


def _unsettled_before(make: MakeRecord) -> None:
    """A write is not returned while its call may still be in progress."""
    bench = Bench.of(make)
    bench.intend(preference("old"))
    bench.clock.go(seconds=1)
    bench.intend(preference("new"))

    same("the list of unsettled writes", ["old"], _keys(bench.record.unsettled(bench.clock())))
    got = bench.record.claim(Task.SETTLE, bench.biller, "one", LEASE, bench.clock(), 9)
    same("what is claimed", ["old"], _keys(got))


def _latest_deferred(make: MakeRecord) -> None:
    """Only the latest deferred request for a bill counts, even if an earlier one is saved again."""
    bench = Bench.of(make)
    elsewhere = evolve(bench, biller="another-biller")
    for key, invoice_type in (("w1", "WATER"), ("w2", "GAS"), ("w3", "WATER"), ("w1", "WATER")):
        bench.keep(deferred_of(key, invoice_type))
    elsewhere.keep(deferred_of("w4"))
    neighbor = evolve(deferred_of("w5"), customer=secret.customer("2"))
    bench.keep(neighbor)

    kept = bench.record.kept()

    same("the list of open requests", ["w2", "w3", "w4", "w5"], _keys(kept))
    same("the request", neighbor, kept[-1].request)
    same("its evidence", bench.evidence("w5"), kept[-1].evidence)


def _write_instead_of_deferred(make: MakeRecord) -> None:
    """An accepted write supersedes earlier deferred requests for its bill, and no others."""
    bench = Bench.of(make)
    bench.keep(deferred_of("w1"))
    bench.keep(deferred_of("w2", "GAS"))
    evolve(bench, biller="another-biller").keep(deferred_of("w3"))
    bench.clock.go(seconds=1)
    bench.done(bench.text())
    bench.intend(preference("p1"))
    bench.record.settle("p1", Refused(Refusal.OTHER))
    same("the list of open requests at first", ["w1", "w2", "w3"], _keys(bench.record.kept()))

    bench.done(preference("p2", paperless=False))

    same("the list of open requests", ["w2", "w3"], _keys(bench.record.kept()))


def _write_before_deferred(make: MakeRecord) -> None:
    """A write accepted late leaves newer deferred requests open, except one with the same key."""
    bench = Bench.of(make)
    bench.intend(preference("w1"))
    bench.intend(preference("w2", "GAS"))
    bench.clock.go(seconds=1)
    bench.keep(evolve(deferred_of("w3"), paperless=False))
    bench.keep(deferred_of("w2", "GAS"))

    bench.record.settle("w1", Accepted())
    bench.record.settle("w2", Accepted())

    same("the list of open requests", ["w3"], _keys(bench.record.kept()))


def _followed(make: MakeRecord) -> None:
    """Accepted registrations are followed. Opt-outs, texts, and unsettled writes are not."""
    bench = Bench.of(make)
    bench.done(preference("w1"))
    bench.record.settle("w1", Accepted())
    bench.done(preference("w2", "GAS", paperless=False))
    bench.done(bench.text())
    bench.intend(preference("w3", "SEWER"))
    bench.record.settle("w3", OutcomeUnknown())

    (followed,) = bench.record.followed()

    same("the write", preference("w1"), followed.write)
    same("its evidence", bench.evidence("w1"), followed.evidence)
    same("the time from which it is followed", bench.clock(), followed.at)
    bench.clock.go(seconds=1)
    bench.record.settle("w3", Accepted())
    same("the list of followed registrations", ["w1", "w3"], _keys(bench.record.followed()))


def _followed_until(make: MakeRecord) -> None:
    """A registration is followed until a later write for its bill is accepted."""
    bench = Bench.of(make)
    bench.done(preference("w1"))
    bench.done(preference("w2", "GAS"))
    bench.intend(preference("lost", "GAS"))
    bench.clock.go(seconds=1)
    bench.done(preference("w3"))
    same("the list after a second registration", ["w2", "w3"], _keys(bench.record.followed()))
    bench.clock.go(seconds=1)
    bench.done(preference("w4", "GAS", paperless=False))
    same("the list after an opt-out", ["w3"], _keys(bench.record.followed()))

    bench.record.settle("lost", Accepted())

    same("the list after an old write was accepted", ["w3"], _keys(bench.record.followed()))


def _with_one_of_each(bench: Bench) -> None:
    """Add an unfinished item for each task. Two of the items share a key."""
    bench.keep(deferred_of("w1"))
    bench.clock.go(seconds=1)
    bench.done(preference("f1", "GAS"))
    bench.intend(preference("w1", "SEWER"))


def _claimed_alone(make: MakeRecord) -> None:
    """Claimed work cannot be claimed again before its lease ends, and attempts are counted."""
    for task in TASKS:
        bench = Bench.of(make)
        _with_one_of_each(bench)
        (got,) = bench.claim(task)
        same("the first attempt", 1, got.attempts)
        bench.clock.go(seconds=59)
        same("what another holder gets", (), bench.claim(task, "two"))
        bench.clock.go(seconds=2)
        (got,) = bench.claim(task, "two")
        same("the second attempt", 2, got.attempts)


def _own_billers(make: MakeRecord) -> None:
    """A claim for one biller does not return another biller's work."""
    for task in TASKS:
        bench = Bench.of(make)
        _with_one_of_each(bench)
        same("what another biller gets", (), evolve(bench, biller="elm-energy").claim(task))


def _oldest_first(make: MakeRecord) -> None:
    """A claim returns the oldest work first, and no more items than requested."""
    bench = Bench.of(make)
    for number in range(5):
        bench.keep(deferred_of(f"w{number}", f"TYPE-{number}"))
        bench.clock.go(seconds=1)

    same("the first two", ["w0", "w1"], _keys(bench.claim(Task.COMPLETE, most=2)))
    same("the next two", ["w2", "w3"], _keys(bench.claim(Task.COMPLETE, "two", most=2)))


def _claimed_at_once(make: MakeRecord) -> None:
    """Concurrent claims return each item exactly once."""
    bench = Bench.of(make)
    keys = [f"w{number:02}" for number in range(2 * AT_ONCE)]
    for key in keys:
        bench.keep(deferred_of(key, key))

    def claim(number: int) -> list[str]:
        got: list[str] = []
        for _ in keys:
            got += _keys(bench.claim(Task.COMPLETE, f"holder-{number}", most=1))
        return got

    shares = at_once(claim)

    same("what was claimed", keys, sorted(key for share in shares for key in share))


def _released(make: MakeRecord) -> None:
    """Released work can be claimed again, by any holder, starting at the given time."""
    for task in TASKS:
        bench = Bench.of(make)
        _with_one_of_each(bench)
        (got,) = bench.claim(task)
        bench.record.release(got, "one", bench.clock() + timedelta(hours=1))
        bench.clock.go(minutes=59)
        same("what is claimed too early", (), bench.claim(task, "two"))
        bench.clock.go(minutes=2)
        same("what is claimed after the given time", [got.key], _keys(bench.claim(task, "two")))


def _finished(make: MakeRecord) -> None:
    """Finished work is no longer returned, but other work with the same key still is."""
    for task, how in zip(TASKS, ENDS, strict=True):
        bench = Bench.of(make)
        _with_one_of_each(bench)
        (got,) = bench.claim(task)
        bench.record.finish(got, "one", how, "because")
        bench.clock.go(hours=1)
        left = [len(bench.claim(other, "two")) for other in TASKS]
        same(f"what is left after {task}", [int(other is not task) for other in TASKS], left)
        held = bench.record
        told = (held.unsettled(bench.clock()), held.kept(), held.followed())
        same("the list of counts", left, [len(some) for some in told])


def _no_end(make: MakeRecord) -> None:
    """An ending that is invalid for the task is refused."""
    bench = Bench.of(make)
    _with_one_of_each(bench)
    ends = (
        (Task.SETTLE, ActivityType.COMPLETED),
        (Task.COMPLETE, ActivityType.RETRIED),
        (Task.FOLLOW, ActivityType.SENT),
    )
    for task, how in ends:
        (got,) = bench.claim(task)
        finish = partial(bench.record.finish, got, "one", how)
        raises(f"finishing {task} as {how}", ValueError, finish)


def _stale_holder(make: MakeRecord) -> None:
    """A holder without a current claim can neither finish nor release work."""
    for task, how in zip(TASKS, ENDS, strict=True):
        bench = Bench.of(make)
        _with_one_of_each(bench)
        (got,) = bench.claim(task)

        def refused(
            holder: str, bench: Bench = bench, got: WorkItem = got, how: ActivityType = how
        ) -> None:
            finish = partial(bench.record.finish, got, holder, how)
            release = partial(bench.record.release, got, holder, bench.clock())
            raises(f"finishing the work as {holder}", StaleClaim, finish)
            raises(f"releasing the work as {holder}", StaleClaim, release)

        refused("two")
        bench.clock.go(minutes=2)
        bench.claim(task, "two")
        refused("one")
        bench.record.finish(got, "two", how)
        refused("two")


def _settled_meanwhile(make: MakeRecord) -> None:
    """A claim ends when its write is settled, or its request or registration is superseded."""
    bench = Bench.of(make)
    _with_one_of_each(bench)
    held = [got for task in TASKS for got in bench.claim(task)]
    bench.clock.go(seconds=1)
    bench.record.settle("w1", Accepted())
    bench.keep(deferred_of("w2"))
    bench.done(preference("f2", "GAS"))

    for got, how in zip(held, ENDS, strict=True):
        raises("finishing the work", StaleClaim, partial(bench.record.finish, got, "one", how))


def _consents(make: MakeRecord) -> None:
    """A consent can be looked up by its reference, unchanged, no matter how it was recorded."""
    bench = Bench.of(make)
    noted = evolve(bench.evidence("c1-1"), words="¿Acepta? – oprima 1", ani=ANI)
    bench.record.note(
        Activity(
            ActivityType.CONSENTED, "c1", BILLER, "1", bench.clock(), "STATE", ANI, evidence=noted
        )
    )
    bench.intend(preference("c1-2"))
    bench.keep(deferred_of("c1-3"))
    bench.record.intend(preference("c1-1"), noted, Limits())
    evolve(bench, biller="another-biller").intend(preference("c9-1"))

    same("the result for a consent that was noted", (noted,), bench.record.consents(BILLER, "c1-1"))
    for reference in ("c1-2", "c1-3"):
        given = bench.evidence(reference)
        same(
            "the result for a consent with a write or request",
            (given,),
            bench.record.consents(BILLER, reference),
        )
    for reference in ("c1-4", "c9-1"):
        same(
            "the result for a reference unknown to the biller",
            (),
            bench.record.consents(BILLER, reference),
        )
    again = evolve(noted, answered=noted.answered + timedelta(minutes=1))
    bench.record.keep(deferred_of("c1-9"), again)
    same(
        "the result for a reference with two consents",
        (noted, again),
        bench.record.consents(BILLER, "c1-1"),
    )


def _purged(make: MakeRecord) -> None:
    """A purge removes one biller's old data: activities first, and consents later."""
    bench = Bench.of(make)
    elsewhere = evolve(bench, biller="another-biller")
    for each in (bench, elsewhere):
        each.call(Disposition.DECLINED)
    bench.intend(preference("w1"))
    bench.record.settle("w1", Refused(Refusal.OTHER))
    given = bench.evidence("w1")
    retention = Retention(activity_days=30, consent_days=365)
    same(
        "the number of activities removed at first",
        0,
        bench.record.purge(BILLER, retention).activities,
    )

    bench.clock.go(days=31)
    purged = bench.record.purge(BILLER, retention)
    holds("that activities were removed", purged.activities >= 3)
    same("what else was removed", (0, 0, 0), (purged.consents, purged.writes, purged.wishes))
    same("what is known of the caller", Screened(), bench.screen())
    same("the consent", (given,), bench.record.consents(BILLER, "w1"))
    same("the answer to the same write", None, bench.intend(preference("w1")))
    same("the list of unsettled writes", (), bench.record.unsettled(bench.clock()))

    bench.clock.go(days=335)
    purged = bench.record.purge(BILLER, retention)
    same("what was removed", (1, 1), (purged.consents, purged.writes))
    same("the consent after a year", (), bench.record.consents(BILLER, "w1"))
    raises("settling the write", LookupError, lambda: bench.record.settle("w1", Accepted()))
    same(
        "the number of another biller's activities removed",
        3,
        bench.record.purge("another-biller", retention).activities,
    )


def _never_purged(make: MakeRecord) -> None:
    """Unfinished work and its consents are never removed, no matter how old they are."""
    bench = Bench.of(make)
    _with_one_of_each(bench)
    bench.clock.go(days=4000)
    purged = bench.record.purge(BILLER, Retention())
    same("what was removed", (0, 0, 0), (purged.consents, purged.writes, purged.wishes))

    for task, how in zip(TASKS, ENDS, strict=True):
        (got,) = bench.claim(task)
        holds("that its consent was kept", bench.record.consents(BILLER, got.key) != ())
        bench.record.finish(got, "one", how)

    purged = bench.record.purge(BILLER, Retention())
    same(
        "what was removed after the work was finished",
        (3, 2, 1),
        (purged.consents, purged.writes, purged.wishes),
    )
    same("a consent", (), bench.record.consents(BILLER, evidence_of("f1").consent.reference))


PROMISES: tuple[Callable[[MakeRecord], None], ...] = (
    _unsettled,
    _unsettled_before,
    _latest_deferred,
    _write_instead_of_deferred,
    _write_before_deferred,
    _followed,
    _followed_until,
    _claimed_alone,
    _own_billers,
    _oldest_first,
    _claimed_at_once,
    _released,
    _finished,
    _no_end,
    _stale_holder,
    _settled_meanwhile,
    _consents,
    _purged,
    _never_purged,
)
"""The promises of a record about work after a call."""
