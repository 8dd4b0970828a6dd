"""The back end that calls a biller's CloudIVR service."""

import time
from collections.abc import Iterator, Mapping

from attrs import define, field
from lxml import etree

from paperless_ivr import secret
from paperless_ivr.backends.connection import (
    ABSENT,
    CREDENTIALS,
    DONE,
    UNAVAILABLE,
    UNKNOWN,
    Connection,
)
from paperless_ivr.backends.port import NO_ACCESS, without_answer
from paperless_ivr.backends.soap.contract import Contract, is_envelope, load_contract
from paperless_ivr.backends.soap.fit import Fit, Reading, fits, misnamed, strangers
from paperless_ivr.backends.soap.http import Http, NothingDone, PerhapsDone, Reply
from paperless_ivr.cloudivr import WSDL
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    Invoice,
    InvoiceChecked,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import InvoiceExists, Read, ServiceRequest
from paperless_ivr.keypad import phone_number


@define(eq=False, repr=False)
class SoapBackend:
    """A biller's billing service, over SOAP. Safe to use from several threads.

    An answer counts only if every field that determines the outcome conforms to the WSDL's own
    types. Without such an answer, a read counts as `Unavailable`, and a write as `OutcomeUnknown`,
    unless it is certain that nothing was done (R23).
    """

    connection: Connection
    _http: Http = field(init=False)
    contract: Contract = field(init=False)
    _fits: Mapping[str, Fit] = field(init=False)

    @_http.default
    def _client(self) -> Http:
        return Http.of(self.connection)

    @contract.default
    def _load(self) -> Contract:
        place = self.connection.wsdl or str(WSDL)
        return load_contract(self.connection, place, self._http, self.connection.soap)

    @_fits.default
    def _fit(self) -> Mapping[str, Fit]:
        found = fits(self.contract, self.connection)
        problems = [*strangers(self.connection), *misnamed(self.contract, self.connection)]
        problems += [f"{name} {says}" for name, fit in found.items() for says in fit.problems]
        if not found:
            problems = ["the service has none of the required operations"]
        if problems:
            title = (
                f"{self.connection.wsdl or 'the contract'}: "
                "the service does not match the connection"
            )
            raise ConnectionProblems(title, problems)
        return found

    def __repr__(self) -> str:
        return f"<SoapBackend {len(self._fits)} operations, SOAP {self.connection.soap}>"

    @property
    def operations(self) -> frozenset[str]:
        """The names of the operations that the WSDL has and the connection uses (R05)."""
        return frozenset(self._fits)

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer within `budget` seconds."""
        fit = self._fits.get(type(request).__name__)
        if fit is None:
            return Unavailable("the service has no such operation")
        until = time.monotonic() + self.connection.limit(fit.operation, budget)
        reply: Reply | None = None
        try:
            reply = self._reply(fit, request, until)
            result = self.contract.read(fit.there, reply)
            return self._understood(Reading(fit), request, result)
        except NothingDone as trouble:
            return Unavailable(str(trouble), answered=_of_service(reply))
        except PerhapsDone as trouble:
            return without_answer(request, str(trouble), answered=_of_service(reply))
        except Exception as error:  # noqa: BLE001 - the error's text may contain what was sent
            return without_answer(request, type(error).__name__, answered=_of_service(reply))

    def _reply(self, fit: Fit, request: ServiceRequest, until: float) -> Reply:
        fields = {
            "BillerGUID": self.connection.biller_guid,
            "PartnerGUID": self.connection.partner_guid,
            "PartnerKey": self.connection.partner_key,
            **fit.shape.sends(request),
        }
        message = self.contract.written(fit.there, fit.request(fields))
        left = until - time.monotonic()
        return self._http.post(self.connection.address, message.body, message.headers, left)

    def _understood(
        self, reading: Reading, request: ServiceRequest, answer: etree._Element
    ) -> ServiceAnswer:
        """Return what an answer means. Raises `PerhapsDone` if it cannot be trusted."""
        fit = reading.fit
        code = reading.value("ErrorCode", answer) or ""
        meaning = self.connection.meaning(fit.operation, code)
        success = fit.shape.success.name
        if fit.any_answer:
            done: bool | None = True
        elif success in fit.spots:
            done = reading.flag(success, answer)
        else:
            done = meaning == DONE if code else None
        if done is None or (not done and meaning == DONE):
            return without_answer(request, f"answer without {success}", answered=True)
        if done and meaning not in (None, DONE):
            return without_answer(request, f"{success} with error code {code}", answered=True)
        if not done:
            return self._not_done(request, code, meaning or Refusal.OTHER.value)
        if isinstance(request, InvoiceExists):
            exists = reading.flag("Exists", answer)
            return (
                without_answer(request, "answer without Exists", answered=True)
                if exists is None
                else InvoiceChecked(exists)
            )
        if isinstance(request, Read):
            found = tuple(_customers(reading, answer))
            return CustomersFound(found, unread=tuple(sorted(reading.unread)))
        return Accepted()

    def _not_done(self, request: ServiceRequest, code: str, meaning: str) -> ServiceAnswer:
        """Return the outcome of a request that failed, from the meaning of its error code."""
        if meaning == UNKNOWN:
            return without_answer(request, f"error code {code}", answered=True)
        if meaning == UNAVAILABLE:
            return Unavailable(f"error code {code}")
        if meaning == CREDENTIALS:
            return Unavailable(f"{NO_ACCESS} with error code {code}")
        if meaning != ABSENT:
            return Refused(Refusal(meaning), code)
        if isinstance(request, InvoiceExists):
            return InvoiceChecked(False)
        return CustomersFound(()) if isinstance(request, Read) else Refused(Refusal.OTHER, code)


def _of_service(reply: Reply | None) -> bool:
    """Return whether the service itself answered, not a proxy or web server in front of it."""
    return reply is not None and is_envelope(reply)


def _customers(reading: Reading, answer: etree._Element) -> Iterator[Customer]:
    """Yield the customers in a search's answer, except those without an ID or account number."""
    for item in reading.items("Customers", answer):
        customer, account = reading.value("CustomerID", item), reading.value("AccountNumber", item)
        name, email = reading.value("CustomerName", item), reading.value("EmailAddress", item)
        phone = phone_number(reading.value("Phone", item) or "")
        invoices = tuple(_invoices(reading, item))
        if customer and account:
            yield Customer(
                id=secret.customer(customer),
                account=secret.account(account),
                invoices=invoices,
                name=secret.name(name) if name else None,
                email=secret.email(email) if email else None,
                phone=secret.phone(phone) if phone else None,
            )


def _invoices(reading: Reading, customer: etree._Element) -> Iterator[Invoice]:
    for item in reading.items("Invoices", customer):
        number = reading.value("InvoiceNumber", item)
        invoice_type = reading.value("InvoiceType", item)
        paperless = reading.flag("Paperless", item)
        pending = reading.flag("PaperlessPending", item)
        if number and invoice_type:
            yield Invoice(
                number=secret.invoice(number),
                type=invoice_type,
                amount=reading.value("BalanceDue", item),
                due=reading.value("InvoiceDueDate", item),
                paperless=paperless,
                pending=pending or False,
            )
