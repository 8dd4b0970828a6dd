"""Reads the names, codes, times, and counts in the record for reports. Needs no keys."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Row, func, or_, select

from paperless_ivr.records.port import Activity, ActivityType, Task, Tracked, tracked_order
from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.tables import activity, jobs

PAGE = 1000
"""The number of lines to read at a time. Each page is a separate transaction."""


@frozen
class SqlReading:
    """The part of a record in a database that is used for reports."""

    database: Database

    def billers(self) -> tuple[str, ...]:
        """Return the billers that have lines."""
        found = select(activity.c.biller).distinct().order_by(activity.c.biller)
        return self.database.read(lambda connection: tuple(connection.scalars(found)))

    def activity(
        self, biller: str, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        """Yield the lines of a biller, reading one page at a time."""
        after = (since, 0) if since else None
        while rows := self.database.read(lambda c: _page(c, biller, after, until)):  # noqa: B023
            yield from map(line_of, rows)
            after = (rows[-1].at, rows[-1].id)

    def tracked(self, biller: str) -> tuple[Tracked, ...]:
        """Return how many items of each task are unfinished, and how the rest ended."""
        counting = (
            select(jobs.c.task, jobs.c.done, func.count(), func.min(jobs.c.at))
            .where(jobs.c.biller == biller)
            .group_by(jobs.c.task, jobs.c.done)
        )
        rows = self.database.read(lambda connection: connection.execute(counting).all())
        found = (
            Tracked(Task(task), ActivityType(done) if done else None, count, oldest)
            for task, done, count, oldest in rows
        )
        return tuple(sorted(found, key=tracked_order))


def _page(
    connection: Connection,
    biller: str,
    after: tuple[datetime, int] | None,
    until: datetime | None,
) -> list[Row[Any]]:
    """Return the next lines, ordered by time, then by the order in which they were noted."""
    found = select(activity).where(activity.c.biller == biller)
    if after is not None:  # the database uses the index for the first of the two conditions
        at, line = after
        found = found.where(activity.c.at >= at, or_(activity.c.at > at, activity.c.id > line))
    if until is not None:
        found = found.where(activity.c.at < until)
    in_order = found.order_by(activity.c.at, activity.c.id).limit(PAGE)
    return list(connection.execute(in_order))


def line_of(row: Row[Any]) -> Activity:
    """Return a line without the data that identifies people."""
    return Activity(
        ActivityType(row.what),
        row.call_id,
        row.biller,
        row.policy_version,
        row.at,
        row.state,
        detail=json.loads(row.detail),
    )
