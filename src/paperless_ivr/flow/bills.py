"""The bills that a call can deal with, one per customer and invoice type (R06, R13)."""

import enum
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import combinations

from attrs import frozen

from paperless_ivr.flow.events import Customer, Invoice
from paperless_ivr.flow.host import Moment
from paperless_ivr.flow.view import CallView, once
from paperless_ivr.keypad import last_four
from paperless_ivr.secret import Secret


class Status(enum.Enum):
    """The current delivery status of a bill."""

    PAPER = "paper"
    PENDING = "pending"
    PAPERLESS = "paperless"


@frozen
class Bill:
    """A bill: all of a customer's invoices of one type. `invoice` is the first one's number."""

    customer: int
    type: str
    status: Status
    invoice: Secret | None
    amount: Decimal | None
    due: date | None


def eligible(view: CallView, invoice_type: str) -> bool:
    """Whether the policy allows an invoice type to go paperless."""
    types = view.policy.bills.eligible
    return types is None or invoice_type in types


def status(invoices: tuple[Invoice, ...]) -> Status:
    """Return the status of a bill. If the service sends no flag, the bill counts as on paper."""
    if any(invoice.pending for invoice in invoices):
        return Status.PENDING
    if invoices and all(invoice.paperless for invoice in invoices):
        return Status.PAPERLESS
    return Status.PAPER


@once
def listed(view: CallView) -> tuple[Bill, ...]:
    """Return the bills of the customers found, in the service's order.

    The bill that was just paid comes last if the search no longer lists it.
    """
    call = view.call
    bills: list[Bill] = []
    for number, customer in enumerate(call.found):
        for invoice_type in dict.fromkeys(i.type for i in customer.invoices):
            there = tuple(
                i
                for i in customer.invoices
                if i.type == invoice_type and i.number not in call.choosing.gone
            )
            if there:
                first = there[0]
                bills.append(
                    Bill(number, invoice_type, status(there), first.number, first.amount, first.due)
                )
    return tuple(bills) + _just_paid(view, tuple(bills))


def _just_paid(view: CallView, bills: tuple[Bill, ...]) -> tuple[Bill, ...]:
    """Return the bill that the host's payment was for, if the search no longer lists it."""
    host = view.call.host
    wanted = host.invoice_type
    if host.moment is not Moment.AFTER_PAYMENT or wanted is None:
        return ()
    for number, customer in enumerate(view.call.found):
        there = any((bill.customer, bill.type) == (number, wanted) for bill in bills)
        if paid_by(view, customer) and not there:
            invoice = host.payment.invoice if host.payment else None
            return (Bill(number, wanted, Status.PAPER, invoice or host.invoice, None, None),)
    return ()


def paid_by(view: CallView, customer: Customer) -> bool:
    """Whether the host's approved payment was for this customer's account.

    The payment names the account or one of its invoices. Invoice numbers may be unique only within
    an account, so an invoice counts only if the host also hands over the account. A payment that
    names neither proves nothing about the account.
    """
    payment = view.call.host.payment
    if payment is None or not payment.approved:
        return False
    if payment.account is not None:
        return view.terms.accounts.same(payment.account.reveal(), customer.account.reveal())
    given = view.call.host.account
    if given is None or not view.terms.accounts.same(given.reveal(), customer.account.reveal()):
        return False
    return any(payment.invoice == invoice.number for invoice in customer.invoices)


def of_status(view: CallView, *wanted: Status) -> tuple[Bill, ...]:
    """Return the listed bills that have one of these statuses and were not settled in this call.

    Bills on paper must also be eligible. A paperless bill can always go back to paper (R11).
    """
    done = view.call.choosing.done
    return tuple(
        bill
        for bill in listed(view)
        if bill.status in wanted
        and (bill.customer, bill.type) not in done
        and (bill.status is not Status.PAPER or eligible(view, bill.type))
    )


@once
def choices(view: CallView) -> tuple[Bill, ...]:
    """Return the bills that the caller can choose from now.

    A caller who enrolls can choose from the bills on paper. If the host named some of them and no
    bill has been settled yet, only those are included. A caller who goes back to paper can choose
    from the paperless and pending bills. If several bills would sound the same, only the first is
    included.
    """
    if view.call.choosing.back_to_paper:
        return _told_apart(view, of_status(view, Status.PAPERLESS, Status.PENDING))
    bills = of_status(view, Status.PAPER)
    named = tuple(bill for bill in bills if named_by_host(view, bill))
    return _told_apart(view, bills if view.call.choosing.done else named or bills)


def named_by_host(view: CallView, bill: Bill) -> bool:
    """Whether the host handed over this bill."""
    host = view.call.host
    if host.invoice is not None:
        numbers = {i.number for i in view.call.found[bill.customer].invoices if i.type == bill.type}
        return host.invoice in numbers
    return host.invoice_type == bill.type


def chosen(view: CallView) -> Bill:
    """Return the chosen bill. Raises LookupError if none has been chosen."""
    choosing = view.call.choosing
    for bill in listed(view):
        if (bill.customer, bill.type) == (choosing.customer, choosing.type):
            return bill
    raise LookupError("no bill was chosen")


def canceling(view: CallView) -> bool:
    """Whether going back to paper only means canceling a registration with an unopened link."""
    return view.call.choosing.cancelling or chosen(view).status is Status.PENDING


def paid_for(view: CallView) -> bool:
    """Whether the host's approved payment was for the chosen bill.

    The payment must also be for the bill's account, because the caller may have chosen a bill from
    another account, or keyed another account number.
    """
    host, choosing = view.call.host, view.call.choosing
    if host.payment is None or choosing.customer is None:
        return False
    customer = view.call.found[choosing.customer]
    types = {i.type for i in customer.invoices if i.number == host.payment.invoice}
    return choosing.type in (types or {host.invoice_type or ""}) and paid_by(view, customer)


class Mark(enum.Enum):
    """A detail that distinguishes bills with the same name."""

    AMOUNT = "amount"
    """The amount and the due date."""
    ACCOUNT = "account"
    NUMBER = "number"


def marks(view: CallView, bill: Bill, others: tuple[Bill, ...]) -> tuple[Mark, ...]:
    """Return the fewest details that distinguish a bill from others with the same name.

    Returns no details if no other bill has the same name, and all known details if even those do
    not distinguish the bill.
    """
    mine = _marks(view, bill)
    known = [mark for mark in Mark if mine[mark] is not None]
    same = [_marks(view, o) for o in others if o != bill and _name(view, o) == _name(view, bill)]
    for size in range(len(known)):
        for some in combinations(known, size):
            if all(any(its[mark] != mine[mark] for mark in some) for its in same):
                return some
    return tuple(known)


def _marks(view: CallView, bill: Bill) -> Mapping[Mark, object]:
    known = bill.amount is not None and bill.due is not None
    account = view.call.found[bill.customer].account
    return {
        Mark.AMOUNT: (bill.amount, bill.due) if known else None,
        Mark.ACCOUNT: view.terms.accounts.last_four(account.reveal()) or None,
        Mark.NUMBER: (last_four(bill.invoice.reveal()) or None) if bill.invoice else None,
    }


def _told_apart(view: CallView, bills: tuple[Bill, ...]) -> tuple[Bill, ...]:
    """Return the bills, leaving out any that would sound the same as an earlier one."""
    first: dict[tuple[object, ...], Bill] = {}
    for bill in bills:
        first.setdefault((_name(view, bill), *_marks(view, bill).values()), bill)
    return tuple(first.values())


def _name(view: CallView, bill: Bill) -> str | None:
    """Return the name of a bill in the language of the call."""
    return view.policy.bills.names.get(bill.type, {}).get(view.language)
