"""A survey of a biller's service: what it has, how it differs, and the consequences (R05)."""

import enum
from collections.abc import Iterator, Mapping, Set

from attrs import evolve, frozen

from paperless_ivr import secret
from paperless_ivr.backends.connection import Connection
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.backends.soap.contract import Contract
from paperless_ivr.backends.soap.fit import Fit, fits
from paperless_ivr.flow.events import CustomersFound, InvoiceChecked, Refused, Unavailable
from paperless_ivr.flow.requests import (
    OPERATIONS,
    InvoiceExists,
    Read,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
)
from paperless_ivr.secret import Secret

BUDGET = 10.0
"""Seconds to wait for an answer when no caller is on the line."""

NOBODY = "0000000000"
"""An account, phone, and invoice number that no one has, for requests that test a service."""

WITHOUT: Mapping[str, str] = {
    "InvoiceExists": "every bill that the search lists counts as existing",
    "SearchByAccountNumber": (
        "only callers who have just paid can be served, if the host vouches for them and hands "
        "over the account and invoice type; unless it also hands over an e-mail address, callers "
        "key one, or a number for a text"
    ),
    "SearchByCustomerPhoneNumber": "callers key the account number, unless the host hands it over",
    "SendWebLink": "no text is offered; the call uses the next way to get an address",
    "StoreCustomerPaymentMethodV2": "AutoPay is not offered, whatever the policy says",
    "StoreCustomerPreference": (
        "the library's own record keeps the caller's request, unless EnrollInPaperless can be used "
        "after a payment; a texted link or the biller completes it"
    ),
    "EnrollInPaperless": (
        "even after a payment, the call uses StoreCustomerPreference or keeps the request on record"
    ),
}
"""What happens without each operation."""


class Standing(enum.StrEnum):
    """The state of an operation at the service."""

    COMPLETE = "complete"
    DIFFERS = "differs"
    MISSING = "missing"
    LEFT_OUT = "left out"
    UNUSABLE = "unusable"


@frozen
class Finding:
    """What the survey found about one of the seven operations."""

    operation: str
    standing: Standing
    says: tuple[str, ...] = ()

    @property
    def in_force(self) -> str | None:
        """What the call does without a missing or left-out operation. None for any other."""
        gone = self.standing in (Standing.MISSING, Standing.LEFT_OUT)
        return WITHOUT[self.operation] if gone else None


@frozen
class Tried:
    """The result of a request that tests the connection."""

    soap: str
    works: bool
    says: str


def read_account(connection: Connection, account: Secret) -> Tried:
    """Search for a test account and report which fields were read.

    Of their content, only the type of each bill and its paperless flags are shown.
    """
    backend = SoapBackend(connection)
    answer = backend.answer(SearchByAccountNumber(account), BUDGET)
    match answer:
        case CustomersFound(customers=()):
            return Tried(connection.soap, False, "found no one")
        case CustomersFound():
            return Tried(connection.soap, True, "\n".join(_what_was_read(answer)))
        case Refused():
            return Tried(
                connection.soap, False, f"was refused with error code {answer.code or 'none'}"
            )
        case Unavailable():
            return Tried(connection.soap, False, answer.why)
        case _:
            return Tried(connection.soap, False, type(answer).__name__)


def _what_was_read(found: CustomersFound) -> Iterator[str]:
    yield f"found {len(found.customers)} customer{'s' * (len(found.customers) != 1)}"
    for customer in found.customers:
        on_file = {"name": customer.name, "e-mail address": customer.email, "phone": customer.phone}
        there = [name for name, value in on_file.items() if value is not None]
        yield f"a customer with {', '.join(there) or 'nothing more'} on file"
        for invoice in customer.invoices:
            paperless = {None: "not known whether paperless", True: "paperless", False: "on paper"}
            pending = ", registration pending" if invoice.pending else ""
            yield (
                f"a bill of type {invoice.type}: {paperless[invoice.paperless]}{pending}; "
                f"amount {'read' if invoice.amount is not None else 'missing'}, "
                f"due date {'read' if invoice.due is not None else 'missing'}"
            )
        if not customer.invoices:
            yield "no bill was read"
    if found.unread:
        yield f"these could not be read and count as missing: {', '.join(found.unread)}"


def survey(contract: Contract, connection: Connection) -> tuple[Finding, ...]:
    """Return the state of each of the seven operations at a service."""
    there = fits(contract, connection)
    found = []
    for operation in sorted(OPERATIONS):
        fit = there.get(operation)
        if fit is None:
            left_out = connection.named(operation) in contract.operations
            found.append(Finding(operation, Standing.LEFT_OUT if left_out else Standing.MISSING))
        elif fit.problems:
            found.append(Finding(operation, Standing.UNUSABLE, (*fit.problems, *_lines(fit))))
        else:
            standing = Standing.DIFFERS if fit.notes else Standing.COMPLETE
            found.append(Finding(operation, standing, tuple(_lines(fit))))
    return tuple(found)


def _lines(fit: Fit) -> Iterator[str]:
    """Yield an operation's differences, and its fields that are not used."""
    if fit.there != fit.operation:
        yield f"the service calls it {fit.there}"
    yield from fit.notes
    if fit.unused:
        yield f"also returns {', '.join(fit.unused)}, which we do not use"
    if fit.unsent:
        yield f"also takes {', '.join(fit.unsent)}, which we do not send"


def try_out(connection: Connection, version: str) -> Tried:
    """Send a read that finds no one, using a given SOAP version. Changes nothing."""
    backend = SoapBackend(evolve(connection, soap=version))
    request = harmless(backend.operations)
    if request is None:
        return Tried(version, False, "there is no read-only operation, so nothing was tried")
    operation = type(request).__name__
    match backend.answer(request, BUDGET):
        case CustomersFound() | InvoiceChecked():
            return Tried(version, True, f"works: {operation} was answered")
        case Refused() as refused:
            says = f"{operation} was refused with error code {refused.code or 'none'}"
            return Tried(version, False, says)
        case answer:
            why = answer.why if isinstance(answer, Unavailable) else type(answer).__name__
            return Tried(version, False, f"{operation}: {why}")


def harmless(operations: Set[str]) -> Read | None:
    """Return a request that finds no one and changes nothing, or None if that is impossible."""
    requests: tuple[Read, ...] = (
        SearchByAccountNumber(secret.account(NOBODY)),
        SearchByCustomerPhoneNumber(secret.phone(NOBODY)),
        InvoiceExists(secret.account(NOBODY), secret.invoice(NOBODY)),
    )
    return next((one for one in requests if type(one).__name__ in operations), None)
