"""Which bills can be spoken of: one per customer and invoice type (R06, R13)."""

import enum
from datetime import date
from decimal import Decimal

from attrs import frozen

from paperless_ivr.flow.events import Invoice
from paperless_ivr.flow.host import Moment
from paperless_ivr.flow.scene import Scene
from paperless_ivr.secret import Secret


class Status(enum.Enum):
    """How a bill comes today."""

    PAPER = "paper"
    PENDING = "pending"
    PAPERLESS = "paperless"


@frozen
class Bill:
    """All invoices of one type of one customer; `invoice` is the one that is named."""

    customer: int
    type: str
    status: Status
    invoice: Secret | None
    amount: Decimal | None
    due: date | None


def eligible(scene: Scene, invoice_type: str) -> bool:
    """Whether an invoice type can go paperless, by policy."""
    types = scene.policy.bills.eligible
    return types is None or invoice_type in types


def status(invoices: tuple[Invoice, ...]) -> Status:
    """How a bill comes, from its invoices; a service without a flag says nothing: paper."""
    if any(invoice.pending for invoice in invoices):
        return Status.PENDING
    if invoices and all(invoice.paperless for invoice in invoices):
        return Status.PAPERLESS
    return Status.PAPER


def listed(scene: Scene) -> tuple[Bill, ...]:
    """Every bill of the customers found, in the service's order."""
    call = scene.call
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
    return tuple(bills) + _just_paid(scene, tuple(bills))


def _just_paid(scene: Scene, bills: tuple[Bill, ...]) -> tuple[Bill, ...]:
    """The bill that the host's payment was for, where the search no longer lists it."""
    host = scene.call.host
    wanted = host.invoice_type
    if host.moment is not Moment.AFTER_PAYMENT or wanted is None:
        return ()
    for number, customer in enumerate(scene.call.found):
        there = any((bill.customer, bill.type) == (number, wanted) for bill in bills)
        if customer.account == _payer(scene) and not there:
            invoice = host.payment.invoice if host.payment else None
            return (Bill(number, wanted, Status.PAPER, invoice or host.invoice, None, None),)
    return ()


def _payer(scene: Scene) -> Secret | None:
    """The account that the host's payment was for."""
    host = scene.call.host
    return (host.payment.account if host.payment else None) or host.account


def of_status(scene: Scene, *wanted: Status) -> tuple[Bill, ...]:
    """The listed bills that come in one of these ways and are not settled in this call.

    On paper, only those that are eligible: a bill that is paperless may always be left (R11).
    """
    done = scene.call.choosing.done
    return tuple(
        bill
        for bill in listed(scene)
        if bill.status in wanted
        and (bill.customer, bill.type) not in done
        and (bill.status is not Status.PAPER or eligible(scene, bill.type))
    )


def choices(scene: Scene) -> tuple[Bill, ...]:
    """The bills that the caller may choose among now.

    To enrol: those on paper; the host's invoice alone where it named one, until something
    is settled. Back to paper: those that are paperless or pending.
    """
    if scene.call.choosing.back_to_paper:
        return of_status(scene, Status.PAPERLESS, Status.PENDING)
    bills = of_status(scene, Status.PAPER)
    if scene.call.choosing.done:
        return bills
    return tuple(bill for bill in bills if named_by_host(scene, bill)) or bills


def named_by_host(scene: Scene, bill: Bill) -> bool:
    """Whether the host handed this very bill over."""
    host = scene.call.host
    if host.invoice is not None:
        numbers = {
            i.number for i in scene.call.found[bill.customer].invoices if i.type == bill.type
        }
        return host.invoice in numbers
    return host.invoice_type == bill.type


def chosen(scene: Scene) -> Bill:
    """The bill that is spoken of. Only where one was chosen."""
    choosing = scene.call.choosing
    for bill in listed(scene):
        if (bill.customer, bill.type) == (choosing.customer, choosing.type):
            return bill
    raise LookupError("no bill was chosen")


def cancelling(scene: Scene) -> bool:
    """Going back to paper only cancels a registration whose link was not opened yet."""
    return scene.call.choosing.cancelling or chosen(scene).status is Status.PENDING


def paid_for(scene: Scene) -> bool:
    """Whether the chosen bill is the one that the host's payment was for.

    The payment's own account must be the bill's: a caller may have chosen, or keyed, another.
    """
    host, choosing = scene.call.host, scene.call.choosing
    if host.payment is None or choosing.customer is None:
        return False
    customer = scene.call.found[choosing.customer]
    numbers = {i.number for i in customer.invoices if i.type == choosing.type}
    if host.payment.invoice in numbers:
        return True
    return customer.account == _payer(scene) and host.invoice_type == choosing.type


def namesakes(scene: Scene, bill: Bill) -> bool:
    """Whether another bill that is listed bears the same name."""

    def name(invoice_type: str) -> str | None:
        return scene.policy.bills.names.get(invoice_type, {}).get(scene.language)

    return sum(name(other.type) == name(bill.type) for other in listed(scene)) > 1


def alike(scene: Scene) -> bool:
    """Whether two choices bear the same name, so that amount and due date must tell them apart."""
    names = [scene.policy.bills.names.get(b.type, {}).get(scene.language) for b in choices(scene)]
    return len(set(names)) < len(names)
