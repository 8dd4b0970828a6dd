"""A report as tables on the terminal, as CSV, or as JSON."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any, TextIO

from attrs import frozen

from paperless_ivr.flow.policy import Strategy
from paperless_ivr.records.funnel import (
    WAITING,
    By,
    Funnel,
    Group,
    Link,
    Spelled,
    Stage,
    WayEnd,
    total,
)
from paperless_ivr.records.port import Tracked

COLUMNS = (
    "biller",
    "moment",
    "language",
    "day",
    "stage",
    "what",
    "disposition",
    "reason",
    "afterwards",
    "why",
    "way",
    "hand_overs",
)
"""The CSV columns. `what` is one of these:

- `reached`
- `lost`, with the reasons in the next four columns
- `link`, with the link's state in `why`
- `way`, with the way of getting an address in `way`, and its outcome in `why`
"""


@frozen
class Report:
    """The reported data: funnels by group, and the tracker by biller."""

    funnels: Mapping[Group, Funnel]
    tracked: Mapping[str, Sequence[Tracked]]
    by: tuple[By, ...]
    days: tuple[date, date] | None
    """The first and last day on which a hand-over began, or None if there are none."""
    at: datetime


# ── on the terminal ──


def table(report: Report, to: TextIO) -> None:
    """Write the tables of each biller: the funnel, the losses, and unfinished work."""
    if not report.tracked:
        to.write("nothing is on record\n")
    for biller, tracked in report.tracked.items():
        funnels = {g: f for g, f in report.funnels.items() if g.biller == biller}
        to.write(f"{biller}\n\n" if funnels or tracked else f"{biller}: nothing on record\n")
        stages = [stage.label.replace("_", " ") for stage in Stage]
        show(to, [*report.by, *stages], _funnel_rows(funnels, report.by))
        whole = total(funnels.values())
        show(to, LOSSES, _loss_rows(whole))
        show(to, LINKS, [(OPENED[link], n) for link, n in sorted(whole.links.items())])
        show(to, WAYS, _way_rows(whole))
        show(to, SPELLED, _spelled_rows(whole.spelled))
        show(to, TRACKER, _tracked_rows(tracked, report.at))


LOSSES = ("got as far as", "ended", "reason", "afterwards", "why", "number", "share")
LINKS = ("texted link", "number")
OPENED = {
    Link.ON_LINE: "opened on the line",
    Link.LATER: "opened later",
    Link.NOT_OPENED: "not opened yet",
}
WAYS = ("way to get an address", "offered", "not taken", "taken", "finished")
SPELLED = ("spelled by keypad", "keys each", "corrections each", "seconds each")
TRACKER = ("task", "state", "number", "oldest")


def show(to: TextIO, heads: Sequence[str], found: Iterable[Sequence[str | int]]) -> None:
    """Write a table, unless it is empty."""
    from tabulate import tabulate

    rows = list(found)
    if rows:
        align = ["right" if isinstance(cell, int) else "left" for cell in rows[0]]
        to.write(tabulate(rows, heads, "simple", disable_numparse=True, colalign=align) + "\n\n")


def _funnel_rows(
    funnels: Mapping[Group, Funnel], by: Sequence[By]
) -> Iterator[Sequence[str | int]]:
    for group, funnel in funnels.items():
        apart = (getattr(group, name) or "–" for name in by)
        yield (*apart, *(funnel.reached[stage] for stage in Stage))


def _loss_rows(whole: Funnel) -> Iterator[Sequence[str | int]]:
    """Yield a row for each kind of loss, totaled over all of a biller's groups."""
    for loss, count in whole.lost.items():
        reached = whole.reached[loss.stage]
        stage = loss.stage.label.replace("_", " ")
        why = (loss.disposition, loss.reason, loss.afterwards, loss.why)
        yield (stage, *why, count, f"{count / reached:.1%}")


def _way_rows(whole: Funnel) -> Iterator[Sequence[str | int]]:
    for way in Strategy:
        left, taken, finished = (whole.ways.get((way, end), 0) for end in WayEnd)
        if offered := left + taken + finished:
            yield (way.value, offered, left, taken + finished, finished)


def _spelled_rows(spelled: Spelled) -> Iterator[Sequence[str | int]]:
    if number := spelled.number:
        seconds = spelled.time.total_seconds()
        each = (f"{total / number:.1f}" for total in (spelled.keys, spelled.fixes, seconds))
        yield (number, *each)


def _tracked_rows(tracked: Iterable[Tracked], now: datetime) -> Iterator[Sequence[str | int]]:
    for one in tracked:
        age = _age(now - one.oldest) if one.ended is None else ""
        yield (one.task.value, _state(one), one.count, age)


def _state(tracked: Tracked) -> str:
    return WAITING[tracked.task] if tracked.ended is None else tracked.ended.value


def _age(age: timedelta) -> str:
    hours = max(age // timedelta(hours=1), 0)
    return f"{hours // 24} d {hours % 24} h"


# ── files ──


def csv_file(report: Report, to: TextIO) -> None:
    """Write the funnels as one CSV table, with one number per line."""
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(COLUMNS)
    for group, funnel in report.funnels.items():
        whose = (group.biller, group.moment, group.language, group.day)
        for stage in Stage:
            reached = funnel.reached[stage]
            writer.writerow((*whose, stage.label, "reached", "", "", "", "", "", reached))
            for loss, count in funnel.lost.items():
                if loss.stage is stage:
                    why = (loss.disposition, loss.reason, loss.afterwards, loss.why)
                    writer.writerow((*whose, stage.label, "lost", *why, "", count))
        for link, count in sorted(funnel.links.items()):
            writer.writerow((*whose, "", "link", "", "", "", link.value, "", count))
        for way, end in product(Strategy, WayEnd):
            if count := funnel.ways.get((way, end), 0):
                writer.writerow((*whose, "", "way", "", "", "", end.value, way.value, count))


def json_file(report: Report, to: TextIO) -> None:
    """Write the funnels and the tracker as JSON."""
    document = {
        "at": report.at.isoformat(),
        "by": list(report.by),
        "funnels": [_funnel(group, funnel) for group, funnel in report.funnels.items()],
        "tracker": [
            {
                "biller": biller,
                "task": one.task.value,
                "state": _state(one),
                "open": one.ended is None,
                "number": one.count,
                "oldest": one.oldest.isoformat(),
            }
            for biller, tracked in report.tracked.items()
            for one in tracked
        ],
    }
    json.dump(document, to, indent=2, ensure_ascii=False)
    to.write("\n")


def _funnel(group: Group, funnel: Funnel) -> Mapping[str, Any]:
    return {
        "biller": group.biller,
        "moment": group.moment,
        "language": group.language,
        "day": group.day,
        "reached": {stage.label: funnel.reached[stage] for stage in Stage},
        "lost": [
            {
                "stage": loss.stage.label,
                "disposition": loss.disposition,
                "reason": loss.reason,
                "afterwards": loss.afterwards,
                "why": loss.why,
                "hand_overs": count,
            }
            for loss, count in funnel.lost.items()
        ],
        "links": {link.value: funnel.links.get(link, 0) for link in Link},
        "ways": {
            way.value: {end.value: funnel.ways.get((way, end), 0) for end in WayEnd}
            for way in Strategy
        },
        "spelled": {
            "hand_overs": funnel.spelled.number,
            "keys": funnel.spelled.keys,
            "corrections": funnel.spelled.fixes,
            "seconds": funnel.spelled.time.total_seconds(),
        },
    }
