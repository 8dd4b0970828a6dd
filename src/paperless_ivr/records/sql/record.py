"""The durable record. Each method except `activity` is one transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import frozen
from sqlalchemy import Connection

from paperless_ivr.clock import utc_now
from paperless_ivr.flow.events import (
    LimitReached,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
)
from paperless_ivr.flow.policy import Limits, Retention
from paperless_ivr.flow.requests import DeferRequest, ReserveTry, Screen, Write
from paperless_ivr.records.port import (
    FINISHES,
    Activity,
    ActivityType,
    DeferredRequest,
    Evidence,
    OpenRegistration,
    PendingWrite,
    Removed,
    Task,
    WorkItem,
)
from paperless_ivr.records.sql import jobs, lines, writes
from paperless_ivr.records.sql.erase import Erasure, erase, plan_erasure
from paperless_ivr.records.sql.evidence import evidence, signed
from paperless_ivr.records.sql.limits import reserve_try
from paperless_ivr.records.sql.person import Found, find
from paperless_ivr.records.sql.purge import purge
from paperless_ivr.records.sql.reading import SqlReading
from paperless_ivr.records.sql.transaction import Transaction
from paperless_ivr.records.vault import Vault
from paperless_ivr.secret import Secret

T = TypeVar("T")


@frozen(eq=False, repr=False)
class SqlRecord(SqlReading):
    """A record in a database. Safe to use from several threads and processes."""

    _vault: Vault
    _now: Callable[[], datetime] = utc_now

    def __repr__(self) -> str:
        return f"<SqlRecord {self.database!r}>"

    # ── activity ──

    def note(self, activity: Activity) -> None:
        """Append a line."""
        self._write(lambda transaction: lines.note(transaction, activity))

    def screen(self, request: Screen) -> Screened:
        """Return how earlier hand-overs of this caller or account ended."""
        return self._read(lambda transaction: lines.screen(transaction, request))

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved | LimitReached:
        """Count a try before it is made."""
        return self._write(lambda transaction: reserve_try(transaction, request, limits))

    def consents(self, biller: str, reference: str) -> tuple[Evidence, ...]:
        """Return the consents with a given reference."""
        return self._read(lambda transaction: lines.given(transaction, biller, reference))

    # ── writes and deferred requests ──

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Record a write, unless a limit forbids it."""
        return self._write(lambda transaction: writes.intend(transaction, write, evidence, limits))

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Record the outcome of a write."""
        self._write(lambda transaction: writes.settle(transaction, key, answer))

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Save a deferred request, to be completed later."""
        self._write(lambda transaction: writes.keep(transaction, request, evidence))

    # ── after the call ──

    def unsettled(self, before: datetime) -> tuple[PendingWrite, ...]:
        """Return the writes with an uncertain outcome."""
        left = self._read(lambda transaction: jobs.left(transaction, Task.SETTLE, before))
        return tuple(one for one in left if isinstance(one, PendingWrite))

    def kept(self) -> tuple[DeferredRequest, ...]:
        """Return the deferred requests that are still open."""
        left = self._read(lambda transaction: jobs.left(transaction, Task.COMPLETE))
        return tuple(one for one in left if isinstance(one, DeferredRequest))

    def followed(self) -> tuple[OpenRegistration, ...]:
        """Return the registrations that are being followed."""
        left = self._read(lambda transaction: jobs.left(transaction, Task.FOLLOW))
        return tuple(one for one in left if isinstance(one, OpenRegistration))

    def claim(  # noqa: PLR0913, PLR0917 - the port requires these arguments
        self,
        task: Task,
        biller: str,
        holder: str,
        lease: timedelta,
        before: datetime,
        most: int,
    ) -> tuple[WorkItem, ...]:
        """Claim some unfinished work for one holder."""
        return self._write(
            lambda transaction: jobs.claim(transaction, task, biller, holder, lease, before, most)
        )

    def release(self, left: WorkItem, holder: str, again: datetime) -> None:
        """Release claimed work."""
        self._write(lambda transaction: jobs.release(transaction, left, holder, again))

    def finish(self, left: WorkItem, holder: str, how: ActivityType, reason: str = "") -> None:
        """Close claimed work."""
        if how not in FINISHES or (
            isinstance(left, PendingWrite) and how is not ActivityType.GIVEN_UP
        ):
            message = f"this task cannot end as {how.value!r}"
            raise ValueError(message)
        self._write(lambda transaction: jobs.finish(transaction, left, holder, how, reason))

    def purge(self, biller: str, retention: Retention) -> Removed:
        """Remove everything older than a biller's retention allows."""
        return self._write(lambda transaction: purge(transaction, biller, retention))

    # ── one person, or one consent ──

    def find(self, person: Secret, biller: str | None = None) -> Found:
        """Return everything on record about an account, a telephone number, or an e-mail address.

        Opens every consent of the biller, or of all billers. Opening 100,000 consents takes
        seconds.
        """
        return self._read(lambda transaction: find(transaction, person, biller))

    def evidence(self, reference: str) -> str | None:
        """Return the evidence of a consent as JSON, IN CLEAR TEXT, or None if there is none."""

        def written(transaction: Transaction) -> str | None:
            found = evidence(transaction, reference)
            return None if found is None else signed(found, transaction.vault)

        return self._read(written)

    def plan_erasure(self, person: Secret, biller: str, retention: Retention) -> Erasure:
        """Return what an erasure would remove, and what it would keep. Removes nothing yet.

        Raises `errors.StillOpen` while that person has a call or a request in progress.
        """
        return self._read(lambda transaction: plan_erasure(transaction, person, biller, retention))

    def erase(self, erasure: Erasure) -> Removed:
        """Carry out an erasure, and note it in `removals` without identifying the person."""
        return self._write(lambda transaction: erase(transaction, erasure))

    # ── transactions ──

    def transaction(self, connection: Connection) -> Transaction:
        """Return the context of an open transaction."""
        return Transaction(self.database, connection, self._vault, self._now())

    def _read(self, act: Callable[[Transaction], T]) -> T:
        return self.database.read(lambda connection: act(self.transaction(connection)))

    def _write(self, act: Callable[[Transaction], T]) -> T:
        return self.database.write(lambda connection: act(self.transaction(connection)))
