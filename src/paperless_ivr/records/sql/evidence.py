"""Everything on record about a consent, in clear text, for use in a dispute."""

import enum
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from attrs import asdict
from sqlalchemy import Row, select

from paperless_ivr.records.port import ActivityType, Task
from paperless_ivr.records.sql.person import Given, jobs_of, lines_of, rows_of, state_of
from paperless_ivr.records.sql.reading import line_of
from paperless_ivr.records.sql.tables import consents, wishes, writes
from paperless_ivr.records.sql.transaction import Transaction
from paperless_ivr.records.vault import Vault
from paperless_ivr.secret import Secret

FORM = "paperless-ivr evidence 1"
"""The format. Its number increases when a name in the evidence is removed or its meaning
changes."""

Document = Mapping[str, Any]
"""A value to be written as JSON: strings, integers, booleans, nulls, lists, and objects."""


def evidence(transaction: Transaction, reference: str) -> Document | None:
    """Return everything on record about the consents with a given reference, or None if none exist.

    The result is the same, byte for byte, until something about the consents is added or removed.
    """
    there = select(consents).filter_by(reference=reference).order_by(consents.c.id)
    given = [
        Given(row.id, transaction.opened_consent(reference, row.sealed))
        for row in transaction.connection.execute(there).all()
    ]
    if not given:
        return None
    return {
        "form": FORM,
        "reference": reference,
        "consents": [_given(transaction, one) for one in given],
    }


def signed(document: Document, vault: Vault) -> str:
    """Return the content of a file with the evidence, its SHA-256, and its keyed hash."""
    text = canonical(document)
    sealed = {
        "evidence": document,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "hmac_sha256": vault.hash("evidence", text),
    }
    return json.dumps(sealed, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def canonical(document: Document) -> str:
    """Return the canonical form of a document, for hashing. It matches the output of `jq -cjS`."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _given(transaction: Transaction, given: Given) -> Document:
    """Return a consent, its writes and deferred requests, and the lines of its hand-over."""
    numbers = (given.number,)
    lines = lines_of(transaction, given.evidence.consent.biller, {given.hand_over})
    return {
        **_all_of(given.evidence),
        "activity": [_line(row) for row in lines.get(given.hand_over, ())],
        "writes": [_write(transaction, row) for row in rows_of(transaction, writes, numbers)],
        "wishes": [
            {
                "key": row.key,
                "at": _plain(row.at),
                "wish": _all_of(transaction.opened_request(row.key, row.sealed)),
                "afterwards": [_job(job) for job in jobs_of(transaction, row.key, Task.COMPLETE)],
            }
            for row in rows_of(transaction, wishes, numbers)
        ],
    }


def _write(transaction: Transaction, row: Row[Any]) -> Document:
    tasks = jobs_of(transaction, row.key, Task.SETTLE, Task.FOLLOW)
    opened = (
        job.done_at
        for job in tasks
        if job.task == Task.FOLLOW and job.done == ActivityType.COMPLETED
    )
    return {
        "key": row.key,
        "at": _plain(row.at),
        "operation": row.operation,
        "sent": _all_of(transaction.opened_write(row.key, row.sealed)),
        "outcome": row.outcome,
        "reason": row.reason,
        "settled": _plain(row.settled),
        "link_opened": _plain(next(opened, None)),
        "afterwards": [_job(job) for job in tasks],
    }


def _job(job: Row[Any]) -> Document:
    return {"state": state_of(job), "at": _plain(job.done_at), "attempts": job.attempts}


def _line(row: Row[Any]) -> Document:
    line = line_of(row)
    return {
        "what": line.what.value,
        "at": _plain(line.at),
        "state": line.state,
        "policy_version": line.policy_version,
        "detail": dict(line.detail),
    }


def _all_of(value: Any) -> Document:
    return asdict(value, value_serializer=lambda _instance, _field, of: _plain(of))


def _plain(value: Any) -> Any:
    """Return a value for JSON, with secrets in clear text and times in UTC (ISO 8601)."""
    match value:
        case Secret():
            return value.reveal()
        case enum.Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Decimal() | date():
            return str(value)
        case _:
            return value
