"""Writes, which are recorded before they are sent, and deferred requests."""

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
from paperless_ivr.flow.requests import DeferRequest, Write
from paperless_ivr.records.port import (
    ActivityType,
    Evidence,
    Task,
    decides,
    starts_registration,
    texted,
)
from paperless_ivr.records.sql import jobs
from paperless_ivr.records.sql.limits import release, reserve
from paperless_ivr.records.sql.lines import told
from paperless_ivr.records.sql.tables import consents, wishes, writes
from paperless_ivr.records.sql.transaction import Transaction, outcome

DECIDING = ("EnrollInPaperless", "StoreCustomerPreference")
"""Operations that decide how a bill is delivered (`port.decides`)."""


def intend(
    transaction: Transaction, write: Write, evidence: Evidence, limits: Limits
) -> Refused | None:
    """Record a write, unless a limit forbids it."""
    transaction.lock(f"write {write.key}")
    if transaction.connection.scalar(select(exists().where(writes.c.key == write.key))):
        return None
    bill, biller = transaction.bill(evidence, write), evidence.consent.biller
    reached = reserve(transaction, write.key, biller, texted(write, evidence, limits), limits)
    if reached is not None:
        return Refused(Refusal.LIMIT, reached)
    transaction.connection.execute(
        insert(writes).values(
            key=write.key,
            biller=biller,
            operation=type(write).__name__,
            at=transaction.now,
            consent=transaction.consented(evidence),
            bill_hash=bill,
            sealed=transaction.sealed_write(write),
        )
    )
    jobs.open_job(transaction, Task.SETTLE, write.key, biller, bill, wanted=transaction.now)
    told(transaction, ActivityType.SENT, evidence, operation=type(write).__name__)
    return None


def settle(transaction: Transaction, key: str, answer: ServiceAnswer) -> None:
    """Record the outcome of a write."""
    row = transaction.connection.execute(
        select(writes, consents.c.reference, consents.c.sealed.label("sealed_consent"))
        .join(consents, writes.c.consent == consents.c.id)
        .where(writes.c.key == key)
        .with_for_update(of=writes)
    ).first()
    if row is None:
        message = f"no write {key!r} is on record"
        raise LookupError(message)
    evidence = transaction.opened_consent(row.reference, row.sealed_consent)
    told(transaction, ActivityType.SETTLED, evidence, answer=type(answer).__name__)
    got_nowhere = isinstance(answer, Unavailable)
    if row.outcome == Accepted.__name__ or (got_nowhere and row.outcome == OutcomeUnknown.__name__):
        return
    reason = answer.reason.name if isinstance(answer, Refused) else None
    transaction.connection.execute(
        update(writes)
        .where(writes.c.key == key)
        .values(outcome=outcome(answer), reason=reason, settled=transaction.now)
    )
    if isinstance(answer, Refused | Unavailable):
        release(transaction, key)
    certain = isinstance(answer, Accepted | Refused | Unavailable)
    jobs.settled(transaction, key, certain=certain)
    write = transaction.opened_write(key, row.sealed)
    if isinstance(answer, Accepted) and decides(write):
        _decided(transaction, row, write, evidence)


def _decided(transaction: Transaction, row: Row[Any], write: Write, evidence: Evidence) -> None:
    """Close an accepted write's deferred request, and the work that the write supersedes."""
    transaction.lock(row.bill_hash)
    starts = starts_registration(write)
    for job in jobs.open_for(transaction, row.bill_hash, Task.COMPLETE, Task.FOLLOW):
        if job.key == write.key:
            jobs.close(transaction, job, ActivityType.COMPLETED)
        elif job.wanted <= row.at:
            replaced = starts or job.task == Task.COMPLETE
            jobs.close(
                transaction, job, ActivityType.SUPERSEDED if replaced else ActivityType.CANCELED
            )
    later = and_(
        writes.c.bill_hash == row.bill_hash,
        writes.c.at > row.at,
        writes.c.outcome == Accepted.__name__,
        writes.c.operation.in_(DECIDING),
    )
    if starts and transaction.connection.scalar(select(exists().where(later))):
        told(transaction, ActivityType.SUPERSEDED, evidence, task=Task.FOLLOW, reason="")
    elif starts:
        jobs.open_job(transaction, Task.FOLLOW, write.key, row.biller, row.bill_hash, wanted=row.at)


def keep(transaction: Transaction, request: DeferRequest, evidence: Evidence) -> None:
    """Save a deferred request, to be completed later."""
    bill, biller = transaction.bill(evidence, request), evidence.consent.biller
    transaction.lock(f"wish {request.key}", bill)
    if transaction.connection.scalar(select(exists().where(wishes.c.key == request.key))):
        return
    transaction.connection.execute(
        insert(wishes).values(
            key=request.key,
            biller=biller,
            at=transaction.now,
            consent=transaction.consented(evidence),
            sealed=transaction.sealed_request(request),
        )
    )
    told(transaction, ActivityType.KEPT, evidence)
    for job in jobs.open_for(transaction, bill, Task.COMPLETE):
        jobs.close(transaction, job, ActivityType.SUPERSEDED)
    jobs.open_job(transaction, Task.COMPLETE, request.key, biller, bill, wanted=transaction.now)
    own = select(writes.c.outcome).where(writes.c.key == request.key)
    if transaction.connection.scalar(own) == Accepted.__name__:
        for job in jobs.open_for(transaction, bill, Task.COMPLETE):
            jobs.close(transaction, job, ActivityType.COMPLETED)
