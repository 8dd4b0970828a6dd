"""Work left over from calls. It stays open until it is done, given up, or no longer needed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, insert, or_, select, update

from paperless_ivr.errors import StaleClaim
from paperless_ivr.flow.requests import EnrollInPaperless, StoreCustomerPreference
from paperless_ivr.records.port import (
    ActivityType,
    DeferredRequest,
    Evidence,
    OpenRegistration,
    PendingWrite,
    Task,
    WorkItem,
    task_of,
)
from paperless_ivr.records.sql.lines import told
from paperless_ivr.records.sql.tables import consents, jobs, wishes, writes
from paperless_ivr.records.sql.transaction import Transaction, answered


def open_job(  # noqa: PLR0913 - an argument for each column
    transaction: Transaction, task: Task, key: str, biller: str, bill: str, *, wanted: datetime
) -> None:
    """Add unfinished work."""
    transaction.connection.execute(
        insert(jobs).values(
            task=task,
            key=key,
            biller=biller,
            bill_hash=bill,
            at=transaction.now,
            wanted=wanted,
            attempts=0,
            holder="",
        )
    )


def settled(transaction: Transaction, key: str, *, certain: bool) -> None:
    """Note that a write's outcome is certain, or that it has become uncertain again."""
    its = (jobs.c.task == Task.SETTLE, jobs.c.key == key)
    if certain:
        change = update(jobs).where(*its).values(done=ActivityType.SETTLED, done_at=transaction.now)
    else:
        change = (
            update(jobs)
            .where(*its, jobs.c.done == ActivityType.SETTLED)
            .values(done=None, done_at=None)
        )
    transaction.connection.execute(change)


def open_for(transaction: Transaction, bill: str, *tasks: Task) -> list[Row[Any]]:
    """Return the unfinished work for a bill."""
    found = select(jobs).where(
        jobs.c.bill_hash == bill, jobs.c.task.in_(tasks), jobs.c.done.is_(None)
    )
    return list(transaction.connection.execute(found.order_by(jobs.c.id)).all())


def close(transaction: Transaction, job: Row[Any], how: ActivityType, reason: str = "") -> None:
    """Close work that is done, given up, or no longer needed."""
    transaction.connection.execute(
        update(jobs).where(jobs.c.id == job.id).values(done=how, done_at=transaction.now)
    )
    told(transaction, how, _evidence(transaction, job), task=job.task, reason=reason)


def left(
    transaction: Transaction, task: Task, before: datetime | None = None
) -> tuple[WorkItem, ...]:
    """Return the unfinished work of a task, in order."""
    found = select(jobs).where(jobs.c.task == task, jobs.c.done.is_(None))
    if before is not None:
        found = found.where(jobs.c.at < before)
    return _whole(transaction, transaction.connection.execute(_in_order(found)).all())


def claim(  # noqa: PLR0913, PLR0917 - the port requires these arguments
    transaction: Transaction,
    task: Task,
    biller: str,
    holder: str,
    lease: timedelta,
    before: datetime,
    most: int,
) -> tuple[WorkItem, ...]:
    """Claim some unfinished work for one holder. Skips work that another process is claiming."""
    free = or_(jobs.c.until.is_(None), jobs.c.until <= transaction.now)
    found = select(jobs.c.id).where(
        jobs.c.task == task,
        jobs.c.biller == biller,
        jobs.c.done.is_(None),
        jobs.c.at < before,
        free,
    )
    due = transaction.connection.scalars(
        _in_order(found).limit(most).with_for_update(skip_locked=True)
    ).all()
    transaction.connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(due))
        .values(holder=holder, until=transaction.now + lease, attempts=jobs.c.attempts + 1)
    )
    taken = select(jobs).where(jobs.c.id.in_(due))
    return _whole(transaction, transaction.connection.execute(_in_order(taken)).all())


def release(transaction: Transaction, what: WorkItem, holder: str, again: datetime) -> None:
    """Release claimed work."""
    job = _held(transaction, what, holder)
    transaction.connection.execute(
        update(jobs).where(jobs.c.id == job.id).values(holder="", until=again)
    )
    told(
        transaction, ActivityType.RETRIED, what.evidence, task=job.task, attempts=str(job.attempts)
    )


def finish(
    transaction: Transaction, what: WorkItem, holder: str, how: ActivityType, reason: str
) -> None:
    """Close claimed work."""
    close(transaction, _held(transaction, what, holder), how, reason)


def _held(transaction: Transaction, what: WorkItem, holder: str) -> Row[Any]:
    job = transaction.connection.execute(
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


def _whole(transaction: Transaction, rows: Iterable[Row[Any]]) -> tuple[WorkItem, ...]:
    return tuple(_one(transaction, row) for row in rows)


def _one(transaction: Transaction, job: Row[Any]) -> WorkItem:
    """Return the work item for a job, with its write or request."""
    evidence = _evidence(transaction, job)
    if job.task == Task.COMPLETE:
        kept = transaction.connection.execute(select(wishes).where(wishes.c.key == job.key)).one()
        return DeferredRequest(
            transaction.opened_request(job.key, kept.sealed), evidence, job.at, job.attempts
        )
    row = transaction.connection.execute(select(writes).where(writes.c.key == job.key)).one()
    write = transaction.opened_write(job.key, row.sealed)
    if job.task == Task.SETTLE:
        return PendingWrite(write, evidence, job.at, answered(row), job.attempts)
    assert isinstance(write, EnrollInPaperless | StoreCustomerPreference)
    return OpenRegistration(write, evidence, job.at, job.attempts)


def _evidence(transaction: Transaction, job: Row[Any]) -> Evidence:
    table = wishes if job.task == Task.COMPLETE else writes
    given = transaction.connection.execute(
        select(consents.c.reference, consents.c.sealed)
        .join(table, table.c.consent == consents.c.id)
        .where(table.c.key == job.key)
    ).one()
    return transaction.opened_consent(given.reference, given.sealed)
