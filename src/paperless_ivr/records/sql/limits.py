"""Limits on tries and texts. One transaction checks and counts a try or text before it is made."""

from sqlalchemy import case, delete, exists, func, insert, select

from paperless_ivr.flow.events import LimitReached, TryReserved
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import ReserveTry
from paperless_ivr.records.port import Counted, counted_account, tried, windows
from paperless_ivr.records.sql.tables import reserved
from paperless_ivr.records.sql.transaction import Transaction
from paperless_ivr.secret import Kind, Secret


def reserve(
    transaction: Transaction, key: str, biller: str, counted: tuple[Counted, ...], limits: Limits
) -> str | None:
    """Count an upcoming try or text, once per key, or return the limit that forbids it.

    Waits for other transactions that count against the same account, caller, number, or biller.
    """
    if not counted:
        return None
    whose = {transaction.vault.hash(*one.whose): one for one in counted}
    transaction.lock(*whose)
    if transaction.connection.scalar(select(exists().where(reserved.c.key == key))):
        return None
    day, window = windows(transaction.now, limits)
    times = {
        row.whose: (row.today or 0, row.times)
        for row in transaction.connection.execute(
            select(
                reserved.c.whose,
                func.sum(case((reserved.c.at > day, 1), else_=0)).label("today"),
                func.count().label("times"),
            )
            .where(reserved.c.whose.in_(whose), reserved.c.at > window)
            .group_by(reserved.c.whose)
        )
    }
    for found, one in whose.items():
        if any(n >= most for n, most in zip(times.get(found, (0, 0)), one.most, strict=True)):
            return one.limit
    transaction.connection.execute(
        insert(reserved),
        [
            {"whose": found, "key": key, "biller": biller, "at": transaction.now}
            for found in sorted(whose)
        ],
    )
    return None


def reserve_try(
    transaction: Transaction, request: ReserveTry, limits: Limits
) -> TryReserved | LimitReached:
    """Count a try before it is made."""
    reached = reserve(transaction, request.key, request.biller, tried(request, limits), limits)
    return TryReserved() if reached is None else LimitReached(reached)


def release(transaction: Transaction, key: str) -> None:
    """Stop counting the try or text with this key."""
    transaction.connection.execute(delete(reserved).where(reserved.c.key == key))


def counted_for(transaction: Transaction, biller: str, person: Secret) -> list[str]:
    """Return the keys under which an account or phone number is counted (`port.Counted`).

    Nothing is counted for an e-mail address.
    """
    kinds: tuple[tuple[str, ...], ...] = ()
    match person.kind:
        case Kind.ACCOUNT:
            person = counted_account(person)
            kinds = (("account", biller), ("texted account", biller))
        case Kind.PHONE:
            kinds = (("ani", biller), ("texting",), ("texted",))
    return [transaction.vault.hash(*kind, person) for kind in kinds]
