"""Erases the data on record about a person, except data that must be kept."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from attrs import field, frozen
from sqlalchemy import ColumnElement, Table, delete, exists, func, select

from paperless_ivr.errors import StillOpen
from paperless_ivr.flow.policy import Retention
from paperless_ivr.flow.saving import mentions
from paperless_ivr.records.port import Removed, Task
from paperless_ivr.records.sql.limits import counted_for
from paperless_ivr.records.sql.person import (
    Given,
    HandOverLines,
    chunks,
    consents_of,
    hand_overs_of,
    rows_of,
)
from paperless_ivr.records.sql.purge import begin_removal, finish_removal
from paperless_ivr.records.sql.reading import line_of
from paperless_ivr.records.sql.tables import (
    activity,
    consents,
    jobs,
    live_calls,
    reserved,
    wishes,
    writes,
)
from paperless_ivr.records.sql.transaction import Transaction
from paperless_ivr.secret import Secret

MOMENT = timedelta(microseconds=1)
"""The resolution of times in a database."""


@frozen
class Remains:
    """Something that an erasure does not remove."""

    what: str
    """`consent` (and its writes), `hand-over` (with a consent), `guess` (by someone else), or
    `limits`."""
    name: str
    """The reference. Empty for limits, because they do not belong to a single hand-over."""
    until: date
    """The first day on which a purge can remove it."""


@frozen
class Erasure:
    """A plan to erase a person's data at one biller: what is removed, and what is kept."""

    biller: str
    hand_overs: tuple[str, ...]
    consents: tuple[str, ...]
    remains: tuple[Remains, ...]
    activity_before: datetime
    consents_before: datetime
    line_numbers: tuple[int, ...] = field(repr=False)
    consent_numbers: tuple[int, ...] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.hand_overs or self.consents or self.remains)


def plan_erasure(
    transaction: Transaction, person: Secret, biller: str, retention: Retention
) -> Erasure:
    """Plan an erasure. Raises `StillOpen` while a call or a request is in progress."""
    _no_live_call(transaction, person, biller)
    given = consents_of(transaction, person, biller)
    followed = _followed(transaction, given)
    consents_before = transaction.now - timedelta(days=retention.consent_days)
    gone = [
        one
        for one in given
        if one.evidence.answered < consents_before and one.number not in followed
    ]
    found = hand_overs_of(transaction, person, biller, given)
    removed, remains = [], []
    for one in given:
        if one not in gone:
            until = one.evidence.answered + timedelta(days=retention.consent_days)
            remains.append(Remains("consent", one.reference, until.date()))
    for (_, name), lines in found.items():
        if not lines.rows:
            continue  # its lines were purged before its consent
        until = lines.rows[-1].at + timedelta(days=retention.activity_days)
        if lines.found_by == {"tried"}:
            remains.append(Remains("guess", name, until.date()))
        elif _staying(transaction, biller, lines, gone):
            remains.append(Remains("hand-over", name, until.date()))
        else:
            removed.append((name, lines))
    if (last := _last_counted(transaction, person, biller)) is not None:
        until = last + timedelta(days=retention.activity_days)
        remains.append(Remains("limits", "", until.date()))
    rows = [row for _, lines in removed for row in lines.rows]
    return Erasure(
        biller,
        tuple(name for name, _ in removed),
        tuple(one.reference for one in gone),
        tuple(remains),
        max((row.at for row in rows), default=transaction.now) + MOMENT,
        consents_before,
        tuple(row.id for row in rows),
        tuple(one.number for one in gone),
    )


def erase(transaction: Transaction, erasure: Erasure) -> Removed:
    """Carry out an erasure, and add a row to `removals` that does not identify the person."""
    removal = begin_removal(
        transaction, "erasure", erasure.biller, erasure.activity_before, erasure.consents_before
    )

    def removed(table: Table, column: ColumnElement[int | str], which: Sequence[int | str]) -> int:
        return sum(
            transaction.connection.execute(delete(table).where(column.in_(some))).rowcount
            for some in chunks(which)
        )

    numbers = erasure.consent_numbers
    keys = [row.key for table in (writes, wishes) for row in rows_of(transaction, table, numbers)]
    lines = removed(activity, activity.c.id, erasure.line_numbers)
    removed(jobs, jobs.c.key, keys)
    gone_writes = removed(writes, writes.c.consent, numbers)
    gone_requests = removed(wishes, wishes.c.consent, numbers)
    gone = removed(consents, consents.c.id, numbers)
    return finish_removal(transaction, removal, Removed(lines, gone, gone_writes, gone_requests))


def _no_live_call(transaction: Transaction, person: Secret, biller: str) -> None:
    """Raise `StillOpen` if a call is in progress, because it could restore the removed data."""
    there = select(live_calls.c.call_id, live_calls.c.sealed).where(
        live_calls.c.biller.in_((biller, ""))
    )
    for row in transaction.connection.execute(there):
        if mentions(transaction.vault.open(row.sealed, f"call {row.call_id}"), person):
            raise StillOpen("a call by that person is in progress, or ended minutes ago")


def _followed(transaction: Transaction, given: Sequence[Given]) -> set[int]:
    """Return the row numbers of the consents with a link that can still be opened.

    Raises `StillOpen` if a request is unfinished.
    """
    followed: set[int] = set()
    waiting = 0
    for table, tasks in ((writes, (Task.SETTLE, Task.FOLLOW)), (wishes, (Task.COMPLETE,))):
        for some in chunks([one.number for one in given]):
            left = (
                select(table.c.consent, jobs.c.task)
                .join(jobs, jobs.c.key == table.c.key)
                .where(table.c.consent.in_(some), jobs.c.task.in_(tasks), jobs.c.done.is_(None))
            )
            for row in transaction.connection.execute(left):
                if row.task == Task.FOLLOW:
                    followed.add(row.consent)
                else:
                    waiting += 1
    if waiting:
        message = f"unfinished requests: {waiting}; run paperless-ivr relay first"
        raise StillOpen(message)
    return followed


def _staying(
    transaction: Transaction, biller: str, lines: HandOverLines, gone: Sequence[Given]
) -> bool:
    """Return whether a hand-over contains a consent that stays on record."""
    references = {line_of(row).detail.get("reference") for row in lines.rows} - {None}
    stays = exists().where(
        consents.c.biller == biller,
        consents.c.reference.in_(references),
        consents.c.id.not_in([one.number for one in gone]),
    )
    return bool(transaction.connection.scalar(select(stays)))


def _last_counted(transaction: Transaction, person: Secret, biller: str) -> datetime | None:
    """Return when a try or text was last counted for a person, or None if none is on record."""
    latest = select(func.max(reserved.c.at)).where(
        reserved.c.biller == biller, reserved.c.whose.in_(counted_for(transaction, biller, person))
    )
    found: datetime | None = transaction.connection.scalar(latest)
    return found
