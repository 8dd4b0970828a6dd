"""The context of a transaction on the record, and conversions between values and columns."""

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Row, insert, select

from paperless_ivr.flow.events import (
    Accepted,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import DeferRequest, Write
from paperless_ivr.flow.saving import dump_value, load_value, mentions
from paperless_ivr.records.port import Evidence
from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.tables import consents
from paperless_ivr.records.vault import Vault
from paperless_ivr.secret import Secret

SCHEMA = 1
"""The format of sealed data. Change it when the saved name of a field or an enum member changes.

Adding a field with a default does not require a change, because older data gets the default.
"""


@frozen
class _SealedWrite:
    schema: int
    write: Write


@frozen
class _SealedRequest:
    schema: int
    wish: DeferRequest


@frozen
class _SealedConsent:
    schema: int
    evidence: Evidence


@frozen
class Transaction:
    """A transaction: its connection, its vault, and its time."""

    database: Database
    connection: Connection
    vault: Vault
    now: datetime

    def lock(self, *names: str) -> None:
        """Lock names. Other transactions that lock any of them wait until this one ends."""
        self.database.lock(self.connection, *names)

    def bill(self, evidence: Evidence, what: Write | DeferRequest) -> str:
        """Return the hash that is used to find the writes and deferred requests of a bill."""
        biller = evidence.consent.biller
        return self.vault.hash("bill", biller, what.customer, what.invoice_type)

    # ── sealed ──

    def sealed_write(self, write: Write) -> bytes:
        """Return the sealed form of a write."""
        return self.vault.seal(dump_value(_SealedWrite(SCHEMA, write)), f"write {write.key}")

    def opened_write(self, key: str, sealed: bytes) -> Write:
        """Open a sealed write."""
        data = self.vault.open(sealed, f"write {key}")
        return load_value(data, _SealedWrite, SCHEMA).write

    def sealed_request(self, request: DeferRequest) -> bytes:
        """Return the sealed form of a deferred request."""
        return self.vault.seal(dump_value(_SealedRequest(SCHEMA, request)), f"wish {request.key}")

    def opened_request(self, key: str, sealed: bytes) -> DeferRequest:
        """Open a sealed deferred request."""
        return load_value(self.vault.open(sealed, f"wish {key}"), _SealedRequest, SCHEMA).wish

    def opened_consent(self, reference: str, sealed: bytes) -> Evidence:
        """Open a sealed consent."""
        data = self.vault.open(sealed, f"consent {reference}")
        return load_value(data, _SealedConsent, SCHEMA).evidence

    def consent_mentions(self, reference: str, sealed: bytes, person: Secret) -> bool:
        """Return whether a consent contains an account, a phone number, or an e-mail address."""
        return mentions(self.vault.open(sealed, f"consent {reference}"), person)

    # ── consents ──

    def consented(self, evidence: Evidence) -> int:
        """Return the row number of a consent, after adding it to the record if necessary."""
        reference = evidence.consent.reference
        given = {
            "biller": evidence.consent.biller,
            "reference": reference,
            "answered": evidence.answered,
        }
        self.lock(f"consent {reference}")
        there = self.connection.scalar(select(consents.c.id).filter_by(**given))
        if there is not None:
            return int(there)
        sealed = self.vault.seal(
            dump_value(_SealedConsent(SCHEMA, evidence)), f"consent {reference}"
        )
        made = self.connection.execute(
            insert(consents).values(**given, sealed=sealed).returning(consents.c.id)
        )
        return int(made.scalar_one())


def outcome(answer: ServiceAnswer) -> str:
    """Return the outcome of a write. It is unknown if the answer is not valid for a write."""
    known = isinstance(answer, Accepted | Refused | Unavailable)
    return type(answer).__name__ if known else OutcomeUnknown.__name__


def answered(row: Row[Any]) -> ServiceAnswer | None:
    """Return the answer that matches a write's `outcome` and `reason`."""
    plain: dict[str | None, ServiceAnswer] = {
        kind.__name__: kind() for kind in (Accepted, Unavailable, OutcomeUnknown)
    }
    return Refused(Refusal[row.reason]) if row.reason else plain.get(row.outcome)
