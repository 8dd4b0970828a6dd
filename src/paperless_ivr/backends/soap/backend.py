"""The back end that calls a biller's CloudIVR service."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from paperless_ivr import secret
from paperless_ivr.backends.connection import ABSENT, UNAVAILABLE, UNKNOWN, Connection
from paperless_ivr.backends.soap.contract import Contract, load_contract
from paperless_ivr.backends.soap.fit import Fit, fits, strangers
from paperless_ivr.backends.soap.http import Http, NothingDone, PerhapsDone
from paperless_ivr.cloudivr import WSDL
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    Invoice,
    InvoiceChecked,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import InvoiceExists, Read, ServiceRequest
from paperless_ivr.keypad import on_file


@define(eq=False, repr=False)
class SoapBackend:
    """A biller's billing service, over SOAP. Safe to use from several threads.

    An answer counts only where it keeps to the WSDL's own schema. A read without such an
    answer did nothing (`Unavailable`); a write may have been done (`OutcomeUnknown`), unless
    it surely never got there (R23).
    """

    connection: Connection
    _http: Http = field(factory=Http)
    contract: Contract = field(init=False)
    _fits: Mapping[str, Fit] = field(init=False)

    @contract.default
    def _load(self) -> Contract:
        return load_contract(self.connection.wsdl or str(WSDL), self.connection.soap, self._http)

    @_fits.default
    def _fit(self) -> Mapping[str, Fit]:
        found = fits(self.contract, self.connection)
        problems = list(strangers(self.connection))
        problems += [f"{name} {says}" for name, fit in found.items() for says in fit.problems]
        if not found:
            problems = ["the service has none of the operations that are needed"]
        if problems:
            title = f"{self.connection.wsdl or 'the contract'}: the service does not fit"
            raise ConnectionProblems(title, problems)
        return found

    def __repr__(self) -> str:
        return f"<SoapBackend {len(self._fits)} operations, SOAP {self.connection.soap}>"

    @property
    def operations(self) -> frozenset[str]:
        """Names of the operations that the service has, as its WSDL says (R05)."""
        return frozenset(self._fits)

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answers within `budget` seconds."""
        fit = self._fits.get(type(request).__name__)
        if fit is None:
            return Unavailable("the service has no such operation")
        until = time.monotonic() + budget
        try:
            return self._understood(fit, request, self._result(fit, request, until))
        except NothingDone as trouble:
            return Unavailable(str(trouble))
        except PerhapsDone as trouble:
            return _lost(request, str(trouble))
        except Exception as error:  # noqa: BLE001 - an error's text may hold what was sent
            return _lost(request, type(error).__name__)

    def _result(self, fit: Fit, request: ServiceRequest, until: float) -> Any:
        fields = {
            "BillerGUID": self.connection.biller_guid,
            "PartnerGUID": self.connection.partner_guid,
            "PartnerKey": self.connection.partner_key,
            **fit.shape.sends(request),
        }
        message = self.contract.written(fit.operation, fit.request(fields))
        left = until - time.monotonic()
        reply = self._http.post(self.connection.address, message.body, message.headers, left)
        return self.contract.read(fit.operation, reply)

    def _understood(self, fit: Fit, request: ServiceRequest, result: Any) -> ServiceAnswer:
        """The answer in a result that keeps to the contract."""
        done = fit.flag(fit.shape.success.name, result)
        if done is None:
            return _lost(request, f"answer without {fit.shape.success.name}")
        if not done:
            return self._not_done(fit, request, fit.text("ErrorCode", result) or "")
        if isinstance(request, InvoiceExists):
            exists = fit.flag("Exists", result)
            return (
                _lost(request, "answer without Exists")
                if exists is None
                else InvoiceChecked(exists)
            )
        if isinstance(request, Read):
            return CustomersFound(tuple(_customers(fit, result)))
        return Accepted()

    def _not_done(self, fit: Fit, request: ServiceRequest, code: str) -> ServiceAnswer:
        """What the service says by an error code; one that nobody explained is a refusal."""
        meaning = self.connection.meaning(fit.operation, code) or Refusal.OTHER.value
        if meaning == UNKNOWN:
            return _lost(request, f"error code {code}")
        if meaning == UNAVAILABLE:
            return Unavailable(f"error code {code}")
        if meaning != ABSENT:
            return Refused(Refusal(meaning), code)
        if isinstance(request, InvoiceExists):
            return InvoiceChecked(False)
        return CustomersFound(()) if isinstance(request, Read) else Refused(Refusal.OTHER, code)


def _lost(request: ServiceRequest, why: str) -> ServiceAnswer:
    """No answer that counts: a read did nothing, a write may have been done."""
    return Unavailable(why) if isinstance(request, Read) else OutcomeUnknown(why)


def _customers(fit: Fit, result: object) -> Iterator[Customer]:
    """The customers in a search's result. One without number or account is nobody."""
    for item in fit.items("Customers", result):
        customer, account = fit.text("CustomerID", item), fit.text("AccountNumber", item)
        name, email = fit.text("CustomerName", item), fit.text("EmailAddress", item)
        phone = on_file(fit.text("Phone", item) or "")
        if customer and account:
            yield Customer(
                id=secret.customer(customer),
                account=secret.account(account),
                invoices=tuple(_invoices(fit, item)),
                name=secret.name(name) if name else None,
                email=secret.email(email) if email else None,
                phone=secret.phone(phone) if phone else None,
            )


def _invoices(fit: Fit, customer: object) -> Iterator[Invoice]:
    for item in fit.items("Invoices", customer):
        number, invoice_type = fit.text("InvoiceNumber", item), fit.text("InvoiceType", item)
        if number and invoice_type:
            yield Invoice(
                number=secret.invoice(number),
                type=invoice_type,
                amount=fit.money("BalanceDue", item),
                due=fit.day("InvoiceDueDate", item),
                paperless=fit.flag("Paperless", item),
                pending=fit.flag("PaperlessPending", item) or False,
            )
