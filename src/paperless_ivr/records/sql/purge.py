"""Removes everything older than a biller's retention allows, except unfinished work."""

from datetime import datetime, timedelta

from cattrs import unstructure
from sqlalchemy import ColumnElement, Table, and_, delete, exists, insert, or_, update

from paperless_ivr.flow.policy import Retention
from paperless_ivr.records.port import Removed, Task
from paperless_ivr.records.sql.tables import (
    activity,
    consents,
    jobs,
    removals,
    reserved,
    wishes,
    writes,
)
from paperless_ivr.records.sql.transaction import Transaction


def purge(transaction: Transaction, biller: str, retention: Retention) -> Removed:
    """Remove everything older than the retention allows, except unfinished work.

    A consent is kept as long as any line, write, or request that refers to it.
    """
    from_activity = transaction.now - timedelta(days=retention.activity_days)
    from_consents = transaction.now - timedelta(days=retention.consent_days)
    removal = begin_removal(transaction, "purge", biller, from_activity, from_consents)

    def removed(table: Table, *which: ColumnElement[bool]) -> int:
        doing = delete(table).where(table.c.biller == biller, *which)
        return transaction.connection.execute(doing).rowcount

    noted = removed(activity, activity.c.at < from_activity)
    removed(reserved, reserved.c.at < from_activity)
    gone_writes = removed(
        writes,
        writes.c.at < from_consents,
        ~_needed(writes, Task.SETTLE),
        ~_needed(writes, Task.FOLLOW),
    )
    gone_requests = removed(wishes, wishes.c.at < from_consents, ~_needed(wishes, Task.COMPLETE))
    of_requests = jobs.c.task == Task.COMPLETE
    removed(
        jobs,
        or_(
            and_(of_requests, ~exists().where(wishes.c.key == jobs.c.key)),
            and_(~of_requests, ~exists().where(writes.c.key == jobs.c.key)),
        ),
    )
    used = or_(*(exists().where(t.c.consent == consents.c.id) for t in (activity, writes, wishes)))
    given = removed(consents, consents.c.answered < from_consents, ~used)
    return finish_removal(transaction, removal, Removed(noted, given, gone_writes, gone_requests))


def begin_removal(
    transaction: Transaction,
    why: str,
    biller: str,
    activity_before: datetime,
    consents_before: datetime,
) -> int:
    """Add a row to `removals` that allows this transaction to remove data (see revision 0004).

    The row is permanent. No other transaction sees it before the removal is finished.
    """
    transaction.lock(f"removal {biller}")
    values = {"why": why, "biller": biller, "at": transaction.now}
    made = transaction.connection.execute(
        insert(removals)
        .values(**values, activity_before=activity_before, consents_before=consents_before)
        .returning(removals.c.id)
    )
    return int(made.scalar_one())


def finish_removal(transaction: Transaction, removal: int, removed: Removed) -> Removed:
    """End the permission to remove data, and record in the row how much was removed."""
    its = removals.c.id == removal
    transaction.connection.execute(
        update(removals).where(its).values(finished=transaction.now, **unstructure(removed))
    )
    return removed


def _needed(table: Table, task: Task) -> ColumnElement[bool]:
    """Return an SQL condition that is true if a row has unfinished work."""
    return exists().where(jobs.c.key == table.c.key, jobs.c.task == task, jobs.c.done.is_(None))
