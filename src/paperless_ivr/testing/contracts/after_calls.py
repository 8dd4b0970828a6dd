"""The contract of records for work after a call: unfinished work, look-ups, and purges."""

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
"""An ending for each task."""


def _keys(left: tuple[WorkItem, ...]) -> list[str]:
    return [one.key for one in left]


def _unsettled(make: MakeRecord) -> None:
    """Writes whose outcome is not certain are returned, as they were first put on record."""
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

    same("what is left", ["never", "lost", "down"], _keys(left))
    same("the write", preference("never"), left[0].write)
    same("its evidence", first, left[0].evidence)
    same("its time", bench.clock() - timedelta(seconds=1), left[0].at)
    same("its answers", [None, OutcomeUnknown(), OutcomeUnknown()], [w.answer for w in left])


def _unsettled_before(make: MakeRecord) -> None:
    """Writes of calls that may still be in progress are not returned yet."""
    bench = Bench.of(make)
    bench.intend(preference("old"))
    bench.clock.go(seconds=1)
    bench.intend(preference("new"))

    same("what is left", ["old"], _keys(bench.record.unsettled(bench.clock())))
    got = bench.record.claim(Task.SETTLE, bench.biller, "one", LEASE, bench.clock(), 9)
    same("what is claimed", ["old"], _keys(got))


def _latest_deferred(make: MakeRecord) -> None:
    """The latest deferred request for a bill counts, even if an earlier one is saved again."""
    bench = Bench.of(make)
    elsewhere = evolve(bench, biller="another-biller")
    for key, invoice_type in (("w1", "WATER"), ("w2", "GAS"), ("w3", "WATER"), ("w1", "WATER")):
        bench.keep(deferred_of(key, invoice_type))
    elsewhere.keep(deferred_of("w4"))
    neighbor = evolve(deferred_of("w5"), customer=secret.customer("2"))
    bench.keep(neighbor)

    kept = bench.record.kept()

    same("what stands", ["w2", "w3", "w4", "w5"], _keys(kept))
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
    same("before", ["w1", "w2", "w3"], _keys(bench.record.kept()))

    bench.done(preference("p2", paperless=False))

    same("what stands", ["w2", "w3"], _keys(bench.record.kept()))


def _write_before_deferred(make: MakeRecord) -> None:
    """A write that turns out done leaves later deferred requests open, except one with its key."""
    bench = Bench.of(make)
    bench.intend(preference("w1"))
    bench.intend(preference("w2", "GAS"))
    bench.clock.go(seconds=1)
    bench.keep(evolve(deferred_of("w3"), paperless=False))
    bench.keep(deferred_of("w2", "GAS"))

    bench.record.settle("w1", Accepted())
    bench.record.settle("w2", Accepted())

    same("what stands", ["w3"], _keys(bench.record.kept()))


def _followed(make: MakeRecord) -> None:
    """Accepted registrations are followed. Paper, texts, and refused writes are not."""
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
    same("since when", bench.clock(), followed.at)
    bench.clock.go(seconds=1)
    bench.record.settle("w3", Accepted())
    same("both", ["w1", "w3"], _keys(bench.record.followed()))


def _followed_until(make: MakeRecord) -> None:
    """A registration is followed until a later write for its bill is accepted."""
    bench = Bench.of(make)
    bench.done(preference("w1"))
    bench.done(preference("w2", "GAS"))
    bench.intend(preference("lost", "GAS"))
    bench.clock.go(seconds=1)
    bench.done(preference("w3"))
    same("again", ["w2", "w3"], _keys(bench.record.followed()))
    bench.clock.go(seconds=1)
    bench.done(preference("w4", "GAS", paperless=False))
    same("back on paper", ["w3"], _keys(bench.record.followed()))

    bench.record.settle("lost", Accepted())

    same("after an old one turned out done", ["w3"], _keys(bench.record.followed()))


def _with_one_of_each(bench: Bench) -> None:
    """Add unfinished work of each task, under one key."""
    bench.keep(deferred_of("w1"))
    bench.clock.go(seconds=1)
    bench.done(preference("f1", "GAS"))
    bench.intend(preference("w1", "SEWER"))


def _claimed_alone(make: MakeRecord) -> None:
    """Claimed work is given to no one else before its lease ends, and attempts are counted."""
    for task in TASKS:
        bench = Bench.of(make)
        _with_one_of_each(bench)
        (got,) = bench.claim(task)
        same("the first attempt", 1, got.attempts)
        bench.clock.go(seconds=59)
        same("what another gets", (), bench.claim(task, "two"))
        bench.clock.go(seconds=2)
        (got,) = bench.claim(task, "two")
        same("the second attempt", 2, got.attempts)


def _own_billers(make: MakeRecord) -> None:
    """Unfinished work of one biller is not given to a holder that works for another."""
    for task in TASKS:
        bench = Bench.of(make)
        _with_one_of_each(bench)
        same("what another biller gets", (), evolve(bench, biller="elm-energy").claim(task))


def _oldest_first(make: MakeRecord) -> None:
    """The oldest work is claimed first, and no more than requested."""
    bench = Bench.of(make)
    for number in range(5):
        bench.keep(deferred_of(f"w{number}", f"TYPE-{number}"))
        bench.clock.go(seconds=1)

    same("the first two", ["w0", "w1"], _keys(bench.claim(Task.COMPLETE, most=2)))
    same("the next two", ["w2", "w3"], _keys(bench.claim(Task.COMPLETE, "two", most=2)))


def _claimed_at_once(make: MakeRecord) -> None:
    """Concurrent claims never overlap, and leave nothing out."""
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
    """Released work can be claimed again, by any holder, from the given time on."""
    for task in TASKS:
        bench = Bench.of(make)
        _with_one_of_each(bench)
        (got,) = bench.claim(task)
        bench.record.release(got, "one", bench.clock() + timedelta(hours=1))
        bench.clock.go(minutes=59)
        same("what is there too early", (), bench.claim(task, "two"))
        bench.clock.go(minutes=2)
        same("what is there then", [got.key], _keys(bench.claim(task, "two")))


def _finished(make: MakeRecord) -> None:
    """Finished work is gone, but other tasks under its key remain."""
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
        same("the counts", left, [len(some) for some in told])


def _no_end(make: MakeRecord) -> None:
    """An invalid ending is refused. A write is completed only by its outcome."""
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
    """A holder whose claim has ended, or that has none, can neither finish nor release work."""
    for task, how in zip(TASKS, ENDS, strict=True):
        bench = Bench.of(make)
        _with_one_of_each(bench)
        (got,) = bench.claim(task)

        def refused(
            holder: str, bench: Bench = bench, got: WorkItem = got, how: ActivityType = how
        ) -> None:
            finish = partial(bench.record.finish, got, holder, how)
            release = partial(bench.record.release, got, holder, bench.clock())
            raises(f"finishing it as {holder}", StaleClaim, finish)
            raises(f"releasing it as {holder}", StaleClaim, release)

        refused("two")
        bench.clock.go(minutes=2)
        bench.claim(task, "two")
        refused("one")
        bench.record.finish(got, "two", how)
        refused("two")


def _settled_meanwhile(make: MakeRecord) -> None:
    """A claim ends once its work is done: its write is settled, or its request superseded."""
    bench = Bench.of(make)
    _with_one_of_each(bench)
    held = [got for task in TASKS for got in bench.claim(task)]
    bench.clock.go(seconds=1)
    bench.record.settle("w1", Accepted())
    bench.keep(deferred_of("w2"))
    bench.done(preference("f2", "GAS"))

    for got, how in zip(held, ENDS, strict=True):
        raises("finishing it", StaleClaim, partial(bench.record.finish, got, "one", how))


def _consents(make: MakeRecord) -> None:
    """A consent can be looked up by its reference, word for word, however it got on record."""
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

    same("one that was noted", (noted,), bench.record.consents(BILLER, "c1-1"))
    for reference in ("c1-2", "c1-3"):
        given = bench.evidence(reference)
        same("one with a write or request", (given,), bench.record.consents(BILLER, reference))
    for reference in ("c1-4", "c9-1"):
        same("none of this biller", (), bench.record.consents(BILLER, reference))
    again = evolve(noted, answered=noted.answered + timedelta(minutes=1))
    bench.record.keep(deferred_of("c1-9"), again)
    same("two of one reference", (noted, again), bench.record.consents(BILLER, "c1-1"))


def _purged(make: MakeRecord) -> None:
    """A purge removes old data of one biller only: the call first, the consent later."""
    bench = Bench.of(make)
    elsewhere = evolve(bench, biller="another-biller")
    for each in (bench, elsewhere):
        each.call(Disposition.DECLINED)
    bench.intend(preference("w1"))
    bench.record.settle("w1", Refused(Refusal.OTHER))
    given = bench.evidence("w1")
    retention = Retention(activity_days=30, consent_days=365)
    same("nothing yet", 0, bench.record.purge(BILLER, retention).activities)

    bench.clock.go(days=31)
    purged = bench.record.purge(BILLER, retention)
    holds("that lines were removed", purged.activities >= 3)
    same("what else was", (0, 0, 0), (purged.consents, purged.writes, purged.wishes))
    same("what is known of the caller", Screened(), bench.screen())
    same("the consent", (given,), bench.record.consents(BILLER, "w1"))
    same("the write", None, bench.intend(preference("w1")))
    same("it is settled", (), bench.record.unsettled(bench.clock()))

    bench.clock.go(days=335)
    purged = bench.record.purge(BILLER, retention)
    same("what was removed", (1, 1), (purged.consents, purged.writes))
    same("the consent later", (), bench.record.consents(BILLER, "w1"))
    raises("settling it", LookupError, lambda: bench.record.settle("w1", Accepted()))
    same("another biller's lines", 3, bench.record.purge("another-biller", retention).activities)


def _never_purged(make: MakeRecord) -> None:
    """Unfinished work and its consents are never removed, however old."""
    bench = Bench.of(make)
    _with_one_of_each(bench)
    bench.clock.go(days=4000)
    purged = bench.record.purge(BILLER, Retention())
    same("what was removed", (0, 0, 0), (purged.consents, purged.writes, purged.wishes))

    for task, how in zip(TASKS, ENDS, strict=True):
        (got,) = bench.claim(task)
        holds("that its consent is there", bench.record.consents(BILLER, got.key) != ())
        bench.record.finish(got, "one", how)

    purged = bench.record.purge(BILLER, Retention())
    same("what is removed then", (3, 2, 1), (purged.consents, purged.writes, purged.wishes))
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
