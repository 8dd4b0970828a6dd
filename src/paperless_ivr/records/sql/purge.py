"""What a biller's retention no longer allows is removed; nothing that is left to do."""

from datetime import timedelta

from sqlalchemy import ColumnElement, Table, and_, delete, exists, insert, or_

from paperless_ivr.flow.policy import Retention
from paperless_ivr.records.port import Purged, Task
from paperless_ivr.records.sql.desk import Desk
from paperless_ivr.records.sql.tables import (
    activity,
    consents,
    jobs,
    purges,
    reserved,
    wishes,
    writes,
)


def purge(desk: Desk, biller: str, retention: Retention) -> Purged:
    """Removes what is older. It announces in `purges` what it may remove: see the migration."""
    from_activity = desk.now - timedelta(days=retention.activity_days)
    from_consents = desk.now - timedelta(days=retention.consent_days)
    desk.lock(f"purge {biller}")
    desk.connection.execute(
        insert(purges).values(
            biller=biller, activity_before=from_activity, consents_before=from_consents
        )
    )

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
    desk.connection.execute(delete(purges).where(purges.c.biller == biller))
    return Purged(noted, given, gone_writes, gone_wishes)


def _needed(table: Table, task: Task) -> ColumnElement[bool]:
    """Whether something is left to do with it."""
    return exists().where(jobs.c.key == table.c.key, jobs.c.task == task, jobs.c.done.is_(None))
