"""What is left to do after a call: opened with what it is about, claimed by one, closed once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, insert, or_, select, update

from paperless_ivr.errors import StaleClaim
from paperless_ivr.flow.requests import EnrollInPaperless, StoreCustomerPreference
from paperless_ivr.records.port import (
    Evidence,
    Followed,
    Kept,
    Left,
    Task,
    What,
    Written,
    task_of,
)
from paperless_ivr.records.sql.desk import Desk, answered
from paperless_ivr.records.sql.lines import told
from paperless_ivr.records.sql.tables import consents, jobs, wishes, writes


def open_job(  # noqa: PLR0913 - an argument for each column
    desk: Desk, task: Task, key: str, biller: str, bill: str, *, wanted: datetime
) -> None:
    """Something is left to do from now on."""
    desk.connection.execute(
        insert(jobs).values(
            task=task,
            key=key,
            biller=biller,
            bill_hash=bill,
            at=desk.now,
            wanted=wanted,
            attempts=0,
            holder="",
        )
    )


def settled(desk: Desk, key: str, *, certain: bool) -> None:
    """A write's outcome is certain, or no longer."""
    its = (jobs.c.task == Task.SETTLE, jobs.c.key == key)
    if certain:
        change = update(jobs).where(*its).values(done=What.SETTLED, done_at=desk.now)
    else:
        change = (
            update(jobs).where(*its, jobs.c.done == What.SETTLED).values(done=None, done_at=None)
        )
    desk.connection.execute(change)


def open_for(desk: Desk, bill: str, *tasks: Task) -> list[Row[Any]]:
    """What is left to do for a bill."""
    found = select(jobs).where(
        jobs.c.bill_hash == bill, jobs.c.task.in_(tasks), jobs.c.done.is_(None)
    )
    return list(desk.connection.execute(found.order_by(jobs.c.id)).all())


def close(desk: Desk, job: Row[Any], how: What, reason: str = "") -> None:
    """It is done, or no longer to be done."""
    desk.connection.execute(
        update(jobs).where(jobs.c.id == job.id).values(done=how, done_at=desk.now)
    )
    told(desk, how, _evidence(desk, job), task=job.task, reason=reason)


def left(desk: Desk, task: Task, before: datetime | None = None) -> tuple[Left, ...]:
    """What is left of a task, in order."""
    found = select(jobs).where(jobs.c.task == task, jobs.c.done.is_(None))
    if before is not None:
        found = found.where(jobs.c.at < before)
    return _whole(desk, desk.connection.execute(_in_order(found)).all())


def claim(  # noqa: PLR0913, PLR0917 - as the port has it
    desk: Desk,
    task: Task,
    biller: str,
    holder: str,
    lease: timedelta,
    before: datetime,
    most: int,
) -> tuple[Left, ...]:
    """Some of what is left, for one holder alone. What another is claiming now is passed over."""
    free = or_(jobs.c.until.is_(None), jobs.c.until <= desk.now)
    found = select(jobs.c.id).where(
        jobs.c.task == task,
        jobs.c.biller == biller,
        jobs.c.done.is_(None),
        jobs.c.at < before,
        free,
    )
    due = desk.connection.scalars(
        _in_order(found).limit(most).with_for_update(skip_locked=True)
    ).all()
    desk.connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(due))
        .values(holder=holder, until=desk.now + lease, attempts=jobs.c.attempts + 1)
    )
    taken = select(jobs).where(jobs.c.id.in_(due))
    return _whole(desk, desk.connection.execute(_in_order(taken)).all())


def release(desk: Desk, what: Left, holder: str, again: datetime) -> None:
    """Gives back what was claimed."""
    job = _held(desk, what, holder)
    desk.connection.execute(update(jobs).where(jobs.c.id == job.id).values(holder="", until=again))
    told(desk, What.RETRIED, what.evidence, task=job.task, attempts=str(job.attempts))


def finish(desk: Desk, what: Left, holder: str, how: What, reason: str) -> None:
    """Closes what was claimed."""
    close(desk, _held(desk, what, holder), how, reason)


def _held(desk: Desk, what: Left, holder: str) -> Row[Any]:
    job = desk.connection.execute(
        select(jobs)
        .where(
            jobs.c.task == task_of(what),
            jobs.c.key == what.key,
            jobs.c.holder == holder,
            jobs.c.done.is_(None),
        )
        .with_for_update()
    ).first()
    if job is None:
        raise StaleClaim(what.key)
    return job


def _in_order(found: Select[Any]) -> Select[Any]:
    return found.order_by(jobs.c.at, jobs.c.id)


def _whole(desk: Desk, rows: Iterable[Row[Any]]) -> tuple[Left, ...]:
    return tuple(_one(desk, row) for row in rows)


def _one(desk: Desk, job: Row[Any]) -> Left:
    """What is left to do, with what it is about."""
    evidence = _evidence(desk, job)
    if job.task == Task.COMPLETE:
        kept = desk.connection.execute(select(wishes).where(wishes.c.key == job.key)).one()
        return Kept(desk.opened_wish(job.key, kept.sealed), evidence, job.at, job.attempts)
    row = desk.connection.execute(select(writes).where(writes.c.key == job.key)).one()
    write = desk.opened_write(job.key, row.sealed)
    if job.task == Task.SETTLE:
        return Written(write, evidence, job.at, answered(row), job.attempts)
    assert isinstance(write, EnrollInPaperless | StoreCustomerPreference)
    return Followed(write, evidence, job.at, job.attempts)


def _evidence(desk: Desk, job: Row[Any]) -> Evidence:
    table = wishes if job.task == Task.COMPLETE else writes
    given = desk.connection.execute(
        select(consents.c.reference, consents.c.sealed)
        .join(table, table.c.consent == consents.c.id)
        .where(table.c.key == job.key)
    ).one()
    return desk.opened_consent(given.reference, given.sealed)
