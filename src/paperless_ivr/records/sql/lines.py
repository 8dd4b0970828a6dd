"""Functions that append lines to the activity record and query it."""

import json
from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, func, insert, select

from paperless_ivr.flow.events import Screened
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.requests import Screen
from paperless_ivr.records.port import (
    BACK_TO_PAPER,
    GIVES_BACK,
    Activity,
    ActivityType,
    Evidence,
    about,
    counted_account,
)
from paperless_ivr.records.sql import limits
from paperless_ivr.records.sql.tables import activity, consents, counted
from paperless_ivr.records.sql.transaction import Transaction
from paperless_ivr.secret import Secret


def note(transaction: Transaction, line: Activity) -> None:
    """Append a line.

    If the line ends a hand-over, this also notes how the hand-over ended. If the line gives back a
    try, the try no longer counts.
    """
    ani = ani_hash(transaction, line.biller, line.ani)
    accounts = account_hashes(transaction, line.biller, line.accounts)
    number = transaction.connection.execute(
        insert(activity)
        .values(
            what=line.what,
            call_id=line.call_id,
            biller=line.biller,
            policy_version=line.policy_version,
            at=line.at,
            state=line.state,
            ani_hash=ani,
            accounts_hash=" ".join(accounts),
            detail=json.dumps(dict(line.detail)),
            consent=transaction.consented(line.evidence) if line.evidence else None,
        )
        .returning(activity.c.id)
    ).scalar_one()
    if line.what in GIVES_BACK:
        limits.release(transaction, line.detail["key"])
    if line.what is ActivityType.ENDED:
        _ended(transaction, line, number)


def told(transaction: Transaction, what: ActivityType, evidence: Evidence, **detail: str) -> None:
    """Append a line about something that the record did or that happened after the call."""
    consent = evidence.consent
    note(
        transaction,
        Activity(
            what,
            evidence.call_id,
            consent.biller,
            evidence.policy_version,
            transaction.now,
            "",
            detail={**about(consent), **detail},
        ),
    )


def _ended(transaction: Transaction, line: Activity, number: int) -> None:
    """Note the end of a hand-over under its call, its ANI, and the caller's account.

    It is noted only if an offer was made, or if a bill is going back to paper. Accounts from a
    failed last-four check are left out. They may not be the caller's, and a guesser's calls must
    not affect the accounts' owners.
    """
    of_call = and_(activity.c.biller == line.biller, activity.c.call_id == line.call_id)
    began = _last(transaction, of_call, ActivityType.ARRIVED, number)
    ended = _last(transaction, of_call, ActivityType.ENDED, number)
    rows = transaction.connection.execute(
        select(activity.c.what, activity.c.ani_hash, activity.c.accounts_hash).where(
            of_call, activity.c.id >= max(began, ended + 1), activity.c.id <= number
        )
    ).all()
    disposition = Disposition(line.detail["disposition"])
    if disposition not in BACK_TO_PAPER and all(row.what != ActivityType.OFFERED for row in rows):
        return
    whose = {_call(transaction, line.biller, line.call_id)}
    for row in rows:
        whose |= {row.ani_hash} if row.ani_hash else set()
        whose |= (
            set() if row.what == ActivityType.LAST_FOUR_MISSED else set(row.accounts_hash.split())
        )
    _count(transaction, line, number, whose, disposition)


def _last(
    transaction: Transaction, of_call: ColumnElement[bool], what: ActivityType, before: int
) -> int:
    """Return the number of a call's latest line of a given type, or 0 if there is none."""
    found = select(func.max(activity.c.id)).where(
        of_call, activity.c.what == what, activity.c.id < before
    )
    return transaction.connection.scalar(found) or 0


def _count(
    transaction: Transaction, line: Activity, number: int, whose: set[str], ended: Disposition
) -> None:
    counts = [
        {
            "whose": one,
            "line": number,
            "what": line.what,
            "call_id": line.call_id,
            "at": line.at,
            "ended": ended.value,
        }
        for one in sorted(whose)
    ]
    if counts:
        transaction.connection.execute(insert(counted), counts)


def screen(transaction: Transaction, request: Screen) -> Screened:
    """Return how earlier hand-overs of this caller or account ended."""
    hand_overs = select(counted.c.ended, counted.c.at).where(counted.c.what == ActivityType.ENDED)
    here = hand_overs.where(counted.c.whose == _call(transaction, request.biller, request.call_id))
    in_this_call = tuple(
        Disposition(row.ended)
        for row in transaction.connection.execute(here.order_by(counted.c.line))
    )
    accounts = (request.account,) if request.account else ()
    latest = transaction.connection.execute(
        hand_overs.where(
            counted.c.whose.in_(_concerned(transaction, request.biller, request.ani, accounts)),
            counted.c.call_id != request.call_id,
        )
        .order_by(counted.c.at.desc(), counted.c.line.desc())
        .limit(1)
    ).first()
    if latest is None:
        return Screened(in_this_call=in_this_call)
    days = max((transaction.now - latest.at).days, 0)
    return Screened(Disposition(latest.ended), days, in_this_call)


def given(transaction: Transaction, biller: str, reference: str) -> tuple[Evidence, ...]:
    """Return the consents with a given reference."""
    found = select(consents.c.sealed).filter_by(biller=biller, reference=reference)
    rows = transaction.connection.execute(found.order_by(consents.c.id))
    return tuple(transaction.opened_consent(reference, row.sealed) for row in rows)


def _concerned(
    transaction: Transaction, biller: str, ani: Secret | None, accounts: Iterable[Secret]
) -> list[str]:
    """Return the hashes for the caller and the accounts of a line or a query."""
    caller = ani_hash(transaction, biller, ani)
    return [*([caller] if caller else []), *account_hashes(transaction, biller, accounts)]


def ani_hash(transaction: Transaction, biller: str, ani: Secret | None) -> str | None:
    """Return the hash used to find a caller's lines."""
    return transaction.vault.hash("ani", biller, ani) if ani else None


def account_hashes(transaction: Transaction, biller: str, accounts: Iterable[Secret]) -> list[str]:
    """Return the hashes used to find the lines of accounts."""
    whose = dict.fromkeys(map(counted_account, accounts))
    return [transaction.vault.hash("account", biller, account) for account in whose]


def _call(transaction: Transaction, biller: str, call_id: str) -> str:
    return transaction.vault.hash("call", biller, call_id)
