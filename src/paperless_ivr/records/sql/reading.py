"""The record as it is read for reports: names, codes, times and counts. It needs no keys."""

import json
from datetime import datetime

from attrs import frozen
from sqlalchemy import Connection, func, or_, select

from paperless_ivr.records.port import Activity, Task, Tracked, What, tracked_order
from paperless_ivr.records.sql.tables import activity, jobs

PAGE = 1000
"""Lines that are read at once."""


@frozen
class Mark:
    """How far the lines were read: they stand in the order of their time, then as noted."""

    at: datetime
    line: int = 0


def billers(connection: Connection) -> tuple[str, ...]:
    """The billers that there are lines of."""
    found = select(activity.c.biller).distinct().order_by(activity.c.biller)
    return tuple(connection.scalars(found))


def page(
    connection: Connection, biller: str, after: Mark | None, until: datetime | None
) -> list[tuple[Mark, Activity]]:
    """The next lines of a biller, each with its mark."""
    found = select(activity).where(activity.c.biller == biller)
    if after is not None:  # the first of the two is what the index is read by
        found = found.where(
            activity.c.at >= after.at, or_(activity.c.at > after.at, activity.c.id > after.line)
        )
    if until is not None:
        found = found.where(activity.c.at < until)
    rows = connection.execute(found.order_by(activity.c.at, activity.c.id).limit(PAGE))
    return [
        (
            Mark(row.at, row.id),
            Activity(
                What(row.what),
                row.call_id,
                row.biller,
                row.policy_version,
                row.at,
                row.state,
                detail=json.loads(row.detail),
            ),
        )
        for row in rows
    ]


def tracked(connection: Connection, biller: str) -> tuple[Tracked, ...]:
    """How much of each task is left, and how the rest ended."""
    rows = connection.execute(
        select(jobs.c.task, jobs.c.done, func.count().label("count"), func.min(jobs.c.at))
        .where(jobs.c.biller == biller)
        .group_by(jobs.c.task, jobs.c.done)
    )
    found = (
        Tracked(Task(task), What(done) if done else None, count, oldest)
        for task, done, count, oldest in rows
    )
    return tuple(sorted(found, key=tracked_order))
