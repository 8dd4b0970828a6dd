"""The part of the record contract that reports rely on."""

from collections.abc import Callable
from datetime import timedelta

from attrs import evolve

from paperless_ivr.flow.events import Accepted
from paperless_ivr.flow.host import Disposition
from paperless_ivr.records.port import Activity, ActivityType, Task, Tracked
from paperless_ivr.testing.contracts.bench import (
    ACCOUNT,
    ANI,
    BILLER,
    START,
    Bench,
    MakeRecord,
    deferred_of,
    evidence_of,
    preference,
)
from paperless_ivr.testing.contracts.checking import same

OTHER = "elm-energy"
SECOND = timedelta(seconds=1)


def _told_in_order(make: MakeRecord) -> None:
    """Activities are sorted by time, and then by the order in which they were noted."""
    bench = Bench.of(make)
    bench.clock.go(seconds=1)
    bench.call(Disposition.DECLINED, "later")
    bench.clock.go(seconds=-1)
    bench.call(Disposition.IGNORED, "earlier")

    told = [(line.call_id, line.what) for line in bench.record.activity(BILLER)]

    whole = (ActivityType.ARRIVED, ActivityType.OFFERED, ActivityType.ENDED)
    same("the answer", [(c, w) for c in ("earlier", "later") for w in whole], told)


def _told_whole(make: MakeRecord) -> None:
    """An activity is returned as it was noted, but without data that identifies a person."""
    bench = Bench.of(make)
    evidence = evolve(evidence_of("c1-h1-1"), answered=bench.clock())
    detail = {"disposition": "declined", "rows": "A · B → C"}
    noted = Activity(
        ActivityType.ENDED,
        "c1",
        BILLER,
        "7",
        bench.clock(),
        "DONE",
        ANI,
        (ACCOUNT,),
        detail,
        evidence,
    )
    bench.record.note(noted)

    (told,) = bench.record.activity(BILLER)

    same("the activity", evolve(noted, ani=None, accounts=(), evidence=None), told)


def _told_between(make: MakeRecord) -> None:
    """A biller's activities can be limited to a time range. The end of the range is excluded."""
    bench = Bench.of(make)
    other = evolve(bench, biller=OTHER)
    for number in range(4):
        bench.note(ActivityType.RETRIED, f"c{number}")
        other.note(ActivityType.RETRIED, f"o{number}")
        bench.clock.go(seconds=1)

    def calls(*between: object) -> list[str]:
        return [line.call_id for line in bench.record.activity(BILLER, *between)]  # type: ignore[arg-type]

    same("the result since a time", ["c2", "c3"], calls(START + 2 * SECOND))
    same("the result before a time", ["c0", "c1"], calls(None, START + 2 * SECOND))
    same("the result between two times", ["c1", "c2"], calls(START + SECOND, START + 3 * SECOND))
    same("the result for a later time", [], calls(START + timedelta(days=1)))


def _told_of_consents(make: MakeRecord) -> None:
    """Activities about a consent include its hand-over, reference, and purpose."""
    bench = Bench.of(make)
    key = "c1-h1-2"
    bench.intend(preference(key))
    bench.record.settle(key, Accepted())
    bench.keep(deferred_of("c1-h1-3"))
    (kept,) = bench.claim(Task.COMPLETE)
    bench.record.finish(kept, "one", ActivityType.EXPORTED, "by_hand")

    lines = [
        (line.what, line.detail["handover"], line.detail["reference"], line.detail["purpose"])
        for line in bench.record.activity(BILLER)
    ]

    ours = ("c1-h1", key, "enrol")
    same("the write", [(ActivityType.SENT, *ours), (ActivityType.SETTLED, *ours)], lines[:2])
    request = ("c1-h1", "c1-h1-3", "enrol")
    same("the request", (ActivityType.KEPT, *request), lines[2])
    same("its end", (ActivityType.EXPORTED, *request), lines[-1])


def _told_outdated(make: MakeRecord) -> None:
    """A registration that was superseded before its outcome was known is noted as superseded."""
    bench = Bench.of(make)
    bench.intend(preference("c1-h1-1"))
    bench.clock.go(seconds=1)
    bench.done(preference("c2-h2-1"))
    bench.record.settle("c1-h1-1", Accepted())

    (told,) = (
        line for line in bench.record.activity(BILLER) if line.what is ActivityType.SUPERSEDED
    )

    same("the hand-over of the registration", "c1-h1", told.detail["handover"])
    same("the task that was superseded", "follow", told.detail["task"])


def _billers(make: MakeRecord) -> None:
    """`billers` returns each biller that has activities exactly once."""
    bench = Bench.of(make)
    same("the result at first", (), bench.record.billers())
    for biller in (BILLER, OTHER, BILLER):
        evolve(bench, biller=biller).note(ActivityType.ARRIVED)

    same("the result after activities", (OTHER, BILLER), bench.record.billers())


def _tracked(make: MakeRecord) -> None:
    """A biller's work is counted by task and outcome, each with the time of its oldest item."""
    bench = Bench.of(make)
    for number in range(3):
        bench.intend(preference(f"lost-{number}", f"T{number}"))
        bench.clock.go(seconds=1)
    bench.done(preference("done", "T3"))
    bench.keep(deferred_of("wish"))
    (kept,) = bench.claim(Task.COMPLETE)
    bench.record.finish(kept, "one", ActivityType.EXPORTED)
    evolve(bench, biller=OTHER).keep(deferred_of("other"))

    now = bench.clock()
    wanted = (
        Tracked(Task.SETTLE, None, 3, START),
        Tracked(Task.SETTLE, ActivityType.SETTLED, 1, now),
        Tracked(Task.COMPLETE, ActivityType.EXPORTED, 1, now),
        Tracked(Task.FOLLOW, None, 1, now),
    )
    same("the answer", wanted, bench.record.tracked(BILLER))
    same(
        "the answer for another biller",
        (Tracked(Task.COMPLETE, None, 1, now),),
        bench.record.tracked(OTHER),
    )


PROMISES: tuple[Callable[[MakeRecord], None], ...] = (
    _told_in_order,
    _told_whole,
    _told_between,
    _told_of_consents,
    _told_outdated,
    _billers,
    _tracked,
)
"""The promises about reading a record."""
