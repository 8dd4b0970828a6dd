"""Writes and wishes: on record before they are sent, settled, kept."""

from typing import Any

from sqlalchemy import Row, and_, exists, insert, select, update

from paperless_ivr.flow.events import (
    Accepted,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import KeepWish, Write
from paperless_ivr.records.port import (
    Evidence,
    Task,
    What,
    decides,
    starts_registration,
    texted,
)
from paperless_ivr.records.sql import jobs
from paperless_ivr.records.sql.desk import Desk, outcome
from paperless_ivr.records.sql.limits import release, reserve
from paperless_ivr.records.sql.lines import told
from paperless_ivr.records.sql.tables import consents, wishes, writes

DECIDING = ("EnrollInPaperless", "StoreCustomerPreference")
"""Operations that say how a bill is to come (`port.decides`)."""


def intend(desk: Desk, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
    """Puts a write on record, unless a limit forbids it."""
    desk.lock(f"write {write.key}")
    if desk.connection.scalar(select(exists().where(writes.c.key == write.key))):
        return None
    bill, biller = desk.bill(evidence, write), evidence.consent.biller
    reached = reserve(desk, write.key, biller, texted(write, evidence, limits), limits)
    if reached is not None:
        return Refused(Refusal.LIMIT, reached)
    desk.connection.execute(
        insert(writes).values(
            key=write.key,
            biller=biller,
            operation=type(write).__name__,
            at=desk.now,
            consent=desk.consented(evidence),
            bill_hash=bill,
            sealed=desk.sealed_write(write),
        )
    )
    jobs.open_job(desk, Task.SETTLE, write.key, biller, bill, wanted=desk.now)
    told(desk, What.SENT, evidence, operation=type(write).__name__)
    return None


def settle(desk: Desk, key: str, answer: ServiceAnswer) -> None:
    """Puts the outcome of a write on record."""
    row = desk.connection.execute(
        select(writes, consents.c.reference, consents.c.sealed.label("sealed_consent"))
        .join(consents, writes.c.consent == consents.c.id)
        .where(writes.c.key == key)
        .with_for_update(of=writes)
    ).first()
    if row is None:
        message = f"no write {key!r} is on record"
        raise LookupError(message)
    evidence = desk.opened_consent(row.reference, row.sealed_consent)
    told(desk, What.SETTLED, evidence, answer=type(answer).__name__)
    got_nowhere = isinstance(answer, Unavailable)
    if row.outcome == Accepted.__name__ or (got_nowhere and row.outcome == OutcomeUnknown.__name__):
        return
    reason = answer.reason.name if isinstance(answer, Refused) else None
    desk.connection.execute(
        update(writes)
        .where(writes.c.key == key)
        .values(outcome=outcome(answer), reason=reason, settled=desk.now)
    )
    if isinstance(answer, Refused | Unavailable):
        release(desk, key)
    certain = isinstance(answer, Accepted | Refused | Unavailable)
    jobs.settled(desk, key, certain=certain)
    write = desk.opened_write(key, row.sealed)
    if isinstance(answer, Accepted) and decides(write):
        _decided(desk, row, write, evidence)


def _decided(desk: Desk, row: Row[Any], write: Write, evidence: Evidence) -> None:
    """What an accepted write does to the wish of its key, and to what was before it."""
    desk.lock(row.bill_hash)
    starts = starts_registration(write)
    for job in jobs.open_for(desk, row.bill_hash, Task.COMPLETE, Task.FOLLOW):
        if job.key == write.key:
            jobs.close(desk, job, What.COMPLETED)
        elif job.wanted <= row.at:
            replaced = starts or job.task == Task.COMPLETE
            jobs.close(desk, job, What.SUPERSEDED if replaced else What.CANCELLED)
    later = and_(
        writes.c.bill_hash == row.bill_hash,
        writes.c.at > row.at,
        writes.c.outcome == Accepted.__name__,
        writes.c.operation.in_(DECIDING),
    )
    if starts and desk.connection.scalar(select(exists().where(later))):
        told(desk, What.SUPERSEDED, evidence, task=Task.FOLLOW, reason="")
    elif starts:
        jobs.open_job(desk, Task.FOLLOW, write.key, row.biller, row.bill_hash, wanted=row.at)


def keep(desk: Desk, wish: KeepWish, evidence: Evidence) -> None:
    """Keeps a wish, to be completed later."""
    bill, biller = desk.bill(evidence, wish), evidence.consent.biller
    desk.lock(f"wish {wish.key}", bill)
    if desk.connection.scalar(select(exists().where(wishes.c.key == wish.key))):
        return
    desk.connection.execute(
        insert(wishes).values(
            key=wish.key,
            biller=biller,
            at=desk.now,
            consent=desk.consented(evidence),
            sealed=desk.sealed_wish(wish),
        )
    )
    told(desk, What.KEPT, evidence)
    for job in jobs.open_for(desk, bill, Task.COMPLETE):
        jobs.close(desk, job, What.SUPERSEDED)
    jobs.open_job(desk, Task.COMPLETE, wish.key, biller, bill, wanted=desk.now)
    own = select(writes.c.outcome).where(writes.c.key == wish.key)
    if desk.connection.scalar(own) == Accepted.__name__:
        for job in jobs.open_for(desk, bill, Task.COMPLETE):
            jobs.close(desk, job, What.COMPLETED)
