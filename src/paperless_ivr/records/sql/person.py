"""Finds everything on record about a person, by account, telephone number, or e-mail address.

Lines are found by their keyed hashes. Consents have no hashes of e-mail addresses, and an upgrade
could not add them, because it has no keys. So a search opens all consents.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from attrs import define, field, frozen
from sqlalchemy import ColumnElement, Row, Table, false, select

from paperless_ivr.records.funnel import WAITING, hand_overs
from paperless_ivr.records.port import ActivityType, Evidence, Task
from paperless_ivr.records.sql.lines import account_hashes, ani_hash
from paperless_ivr.records.sql.reading import line_of
from paperless_ivr.records.sql.tables import activity, consents, jobs, wishes, writes
from paperless_ivr.records.sql.transaction import Transaction
from paperless_ivr.secret import Kind, Secret

T = TypeVar("T")

AT_ONCE = 500
"""The maximum number of rows that one statement reads or refers to."""


@frozen
class FoundHandOver:
    """A hand-over, described with the same codes as in the report."""

    biller: str
    hand_over: str
    began: datetime
    found_by: str
    """One or more of `caller`, `account`, `consent`, and `tried` (the account was only guessed)."""
    got_as_far_as: str
    ended: str
    reason: str
    afterwards: str
    why: str


@frozen
class FoundConsent:
    """A consent, without the words and the address, which are in the evidence."""

    biller: str
    consent: str
    purpose: str
    language: str
    answered: datetime
    policy_version: str


@frozen
class FoundWrite:
    """A write that was sent to the service, or was about to be."""

    biller: str
    consent: str
    operation: str
    at: datetime
    outcome: str
    """Empty if no outcome is on record."""
    reason: str
    afterwards: str
    """The code of the unfinished work, or how it ended. For a registration, this shows whether its
    link was opened."""


@frozen
class FoundDeferredRequest:
    """A deferred request, to be completed later."""

    biller: str
    consent: str
    at: datetime
    afterwards: str


@frozen
class Found:
    """Everything on record about a person, without any personal data."""

    hand_overs: tuple[FoundHandOver, ...] = ()
    consents: tuple[FoundConsent, ...] = ()
    writes: tuple[FoundWrite, ...] = ()
    deferred_requests: tuple[FoundDeferredRequest, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hand_overs or self.consents)


HandOverName = tuple[str, str]
"""The host's call ID, and the name of the hand-over."""


@frozen
class Given:
    """A consent and the number of its row."""

    number: int
    evidence: Evidence

    @property
    def reference(self) -> str:
        """The reference of the consent."""
        return self.evidence.consent.reference

    @property
    def hand_over(self) -> HandOverName:
        """The hand-over in which the consent was given."""
        call_id = self.evidence.call_id
        return call_id, self.evidence.consent.handover or call_id


@define
class HandOverLines:
    """The lines of a hand-over, and how the hand-over was found."""

    found_by: set[str] = field(factory=set)
    rows: list[Row[Any]] = field(factory=list)


def find(transaction: Transaction, person: Secret, biller: str | None) -> Found:
    """Return everything on record about a person, for one biller or for all billers."""
    found = Found()
    for one in [biller] if biller is not None else _billers(transaction):
        given = consents_of(transaction, person, one)
        numbers = {consent.number: consent.reference for consent in given}
        found = Found(
            (*found.hand_overs, *_hand_overs(hand_overs_of(transaction, person, one, given), one)),
            (*found.consents, *(_consent(consent.evidence) for consent in given)),
            (*found.writes, *_writes(transaction, numbers)),
            (*found.deferred_requests, *_wishes(transaction, numbers)),
        )
    return found


def _billers(transaction: Transaction) -> list[str]:
    both = select(activity.c.biller).union(select(consents.c.biller))
    return sorted(transaction.connection.scalars(both))


# ── searches ──


def consents_of(transaction: Transaction, person: Secret, biller: str) -> list[Given]:
    """Return a biller's consents that contain a phone number, account, or address, in order."""
    there = (
        select(consents.c.id, consents.c.reference, consents.c.sealed)
        .where(consents.c.biller == biller)
        .order_by(consents.c.answered, consents.c.id)
        .execution_options(yield_per=AT_ONCE)
    )
    return [
        Given(row.id, transaction.opened_consent(row.reference, row.sealed))
        for row in transaction.connection.execute(there)
        if transaction.consent_mentions(row.reference, row.sealed, person)
    ]


def hand_overs_of(
    transaction: Transaction, person: Secret, biller: str, given: Iterable[Given]
) -> dict[HandOverName, HandOverLines]:
    """Return a person's hand-overs at a biller, with all their lines in order."""
    found: dict[HandOverName, HandOverLines] = {}
    by, its = _by_hash(transaction, person, biller)
    for row in transaction.connection.execute(
        select(activity).where(activity.c.biller == biller, its)
    ):
        guessed = row.what == ActivityType.LAST_FOUR_MISSED and person.kind is Kind.ACCOUNT
        found.setdefault(_name(row), HandOverLines()).found_by.add("tried" if guessed else by)
    for consent in given:
        found.setdefault(consent.hand_over, HandOverLines()).found_by.add("consent")
    for name, rows in lines_of(transaction, biller, found).items():
        found[name].rows = rows
    return found


def lines_of(
    transaction: Transaction, biller: str, names: Collection[HandOverName]
) -> dict[HandOverName, list[Row[Any]]]:
    """Return the lines of hand-overs in order. Hand-overs without lines are omitted."""
    found: dict[HandOverName, list[Row[Any]]] = {}
    for calls in chunks(sorted({call_id for call_id, _ in names})):
        of_calls = select(activity).where(
            activity.c.biller == biller, activity.c.call_id.in_(calls)
        )
        for row in transaction.connection.execute(of_calls.order_by(activity.c.at, activity.c.id)):
            if (name := _name(row)) in names:
                found.setdefault(name, []).append(row)
    return found


def _by_hash(
    transaction: Transaction, person: Secret, biller: str
) -> tuple[str, ColumnElement[bool]]:
    """Return how a person's lines are found, and the condition that finds them.

    Lines contain no e-mail addresses.
    """
    match person.kind:
        case Kind.ACCOUNT:
            (its,) = account_hashes(transaction, biller, (person,))
            return "account", activity.c.accounts_hash.contains(its)
        case Kind.PHONE:
            return "caller", activity.c.ani_hash == ani_hash(transaction, biller, person)
        case _:
            return "", false()


def _name(row: Row[Any]) -> HandOverName:
    return row.call_id, line_of(row).detail.get("handover") or row.call_id


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split items into chunks small enough for one statement."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


# ── results ──


def _hand_overs(them: Mapping[HandOverName, HandOverLines], biller: str) -> Iterator[FoundHandOver]:
    for (_, name), lines in them.items():
        for one in hand_overs(map(line_of, lines.rows)):
            loss = one.loss
            yield FoundHandOver(
                biller,
                name,
                one.began,
                ", ".join(sorted(lines.found_by)),
                loss.stage.label,
                loss.disposition,
                loss.reason,
                loss.afterwards,
                loss.why,
            )


def _consent(evidence: Evidence) -> FoundConsent:
    consent = evidence.consent
    return FoundConsent(
        consent.biller,
        consent.reference,
        consent.purpose.value,
        consent.language,
        evidence.answered,
        evidence.policy_version,
    )


def _writes(transaction: Transaction, references: Mapping[int, str]) -> Iterator[FoundWrite]:
    for row in rows_of(transaction, writes, references):
        followed = jobs_of(transaction, row.key, Task.SETTLE, Task.FOLLOW)
        yield FoundWrite(
            row.biller,
            references[row.consent],
            row.operation,
            row.at,
            row.outcome or "",
            row.reason or "",
            state_of(followed[-1]) if followed else "",
        )


def _wishes(
    transaction: Transaction, references: Mapping[int, str]
) -> Iterator[FoundDeferredRequest]:
    for row in rows_of(transaction, wishes, references):
        (job,) = jobs_of(transaction, row.key, Task.COMPLETE)
        yield FoundDeferredRequest(row.biller, references[row.consent], row.at, state_of(job))


def rows_of(
    transaction: Transaction, table: Table, consent_numbers: Iterable[int]
) -> Iterator[Row[Any]]:
    """Yield the writes or deferred requests based on these consents, in order."""
    for some in chunks(list(consent_numbers)):
        made = select(table).where(table.c.consent.in_(some)).order_by(table.c.at, table.c.key)
        yield from transaction.connection.execute(made).all()


def jobs_of(transaction: Transaction, key: str, *tasks: Task) -> Sequence[Row[Any]]:
    """Return the jobs of a write or deferred request in order, including finished jobs."""
    its = select(jobs).where(jobs.c.key == key, jobs.c.task.in_(tasks))
    return transaction.connection.execute(its.order_by(jobs.c.id)).all()


def state_of(job: Row[Any]) -> str:
    """Return the code for a job's unfinished work or, if it is done, for how it ended."""
    return WAITING[Task(job.task)] if job.done is None else str(job.done)
