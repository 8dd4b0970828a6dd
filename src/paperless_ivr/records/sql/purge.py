"""What a biller's retention no longer allows is removed; nothing that is left to do."""

from datetime import datetime, timedelta

from cattrs import unstructure
from sqlalchemy import ColumnElement, Table, and_, delete, exists, insert, or_, update

from paperless_ivr.flow.policy import Retention
from paperless_ivr.records.port import Removed, Task
from paperless_ivr.records.sql.desk import Desk
from paperless_ivr.records.sql.tables import (
    activity,
    consents,
    jobs,
    removals,
    reserved,
    wishes,
    writes,
)


def purge(desk: Desk, biller: str, retention: Retention) -> Removed:
    """Removes what is older."""
    from_activity = desk.now - timedelta(days=retention.activity_days)
    from_consents = desk.now - timedelta(days=retention.consent_days)
    removal = begin_removal(desk, "purge", biller, from_activity, from_consents)

    def removed(table: Table, *which: ColumnElement[bool]) -> int:
        doing = delete(table).where(table.c.biller == biller, *which)
        return desk.connection.execute(doing).rowcount

    noted = removed(activity, activity.c.at < from_activity)
    removed(reserved, reserved.c.at < from_activity)
    gone_writes = removed(
        writes,
        writes.c.at < from_consents,
        ~_needed(writes, Task.SETTLE),
        ~_needed(writes, Task.FOLLOW),
    )
    gone_wishes = removed(wishes, wishes.c.at < from_consents, ~_needed(wishes, Task.COMPLETE))
    of_wishes = jobs.c.task == Task.COMPLETE
    removed(
        jobs,
        or_(
            and_(of_wishes, ~exists().where(wishes.c.key == jobs.c.key)),
            and_(~of_wishes, ~exists().where(writes.c.key == jobs.c.key)),
        ),
    )
    used = or_(*(exists().where(t.c.consent == consents.c.id) for t in (activity, writes, wishes)))
    given = removed(consents, consents.c.answered < from_consents, ~used)
    return finish_removal(desk, removal, Removed(noted, given, gone_writes, gone_wishes))


def begin_removal(
    desk: Desk, why: str, biller: str, activity_before: datetime, consents_before: datetime
) -> int:
    """Says in `removals` what this transaction may remove; the triggers read it (revision 0004).

    The row stays. No other transaction sees it before it is finished.
    """
    desk.lock(f"removal {biller}")
    values = {"why": why, "biller": biller, "at": desk.now}
    made = desk.connection.execute(
        insert(removals)
        .values(**values, activity_before=activity_before, consents_before=consents_before)
        .returning(removals.c.id)
    )
    return int(made.scalar_one())


def finish_removal(desk: Desk, removal: int, removed: Removed) -> Removed:
    """Nothing more may be removed; the row says how much was."""
    its = removals.c.id == removal
    desk.connection.execute(
        update(removals).where(its).values(finished=desk.now, **unstructure(removed))
    )
    return removed


def _needed(table: Table, task: Task) -> ColumnElement[bool]:
    """Whether something is left to do with it."""
    return exists().where(jobs.c.key == table.c.key, jobs.c.task == task, jobs.c.done.is_(None))
