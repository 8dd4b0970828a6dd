"""An in-memory billing service, for tests, simulation, and experiments.

It follows the source analysis of CloudIVR: an enrollment covers one customer and one invoice type
of a biller, and is only *pending* until its link is opened. The e-mail with the link is queued in
an outbox (R21).
"""

import enum
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from attrs import define, evolve, field, fields, frozen

from paperless_ivr.backends.port import without_answer
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
from paperless_ivr.flow.host import Registration
from paperless_ivr.flow.requests import (
    OPERATIONS,
    EnrollInPaperless,
    Read,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    ServiceRequest,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
    Write,
)
from paperless_ivr.keypad import EmailPad, alone
from paperless_ivr.secret import Secret

Unit = tuple[Secret, str]
"""The unit of enrollment: a customer's identifier and an invoice type."""


# ── initial data ─────────────────────────────────────────────────────────────────────────


@frozen
class Paid:
    """A payment received by the service, with its customer, invoice type, and e-mail address."""

    payment: Secret
    customer: Secret
    invoice_type: str
    email: Secret | None = None


@frozen
class Books:
    """A service's initial data. An invoice's flags show how its bill is delivered initially."""

    customers: tuple[Customer, ...] = ()
    payments: tuple[Paid, ...] = ()
    joined: tuple[frozenset[Secret], ...] = ()
    """Sets of account numbers with the same holder. A search for one finds the whole set."""
    gone: frozenset[Secret] = frozenset()
    """Invoices that a search lists but that `InvoiceExists` no longer finds."""
    landlines: frozenset[Secret] = frozenset()
    """Numbers that cannot receive texts."""


# ── messages ─────────────────────────────────────────────────────────────────────────────


@frozen
class Email:
    """An e-mail with the link that completes a registration."""

    to: Secret
    customer: Secret
    invoice_type: str
    link: str = field(repr=False)


@frozen
class Text:
    """A text message with a link."""

    to: Secret
    customer: Secret
    invoice_type: str
    purpose: str
    link: str = field(repr=False)


# ── faults ───────────────────────────────────────────────────────────────────────────────


class Fault(enum.Enum):
    """A way for an operation to fail. A failed read is `Unavailable`, since it did nothing."""

    DOWN = "down"
    """The service was not reached: `Unavailable`."""
    REQUEST_LOST = "request_lost"
    """The request timed out and was not carried out: `OutcomeUnknown` for a write."""
    ANSWER_LOST = "answer_lost"
    """The request timed out, but was carried out: `OutcomeUnknown` for a write."""


@frozen
class Slow:
    """An answer that takes this many seconds. It is lost if that exceeds the request's budget."""

    seconds: float


Scripted = Fault | Slow | Refusal | None
"""What happens on one call to an operation. None means nothing unusual."""


# ── the service ──────────────────────────────────────────────────────────────────────────


@define(eq=False, repr=False)
class MemoryBackend:
    """An in-memory billing service. Safe to use from several threads.

    Repeating a write with the same key changes nothing and gets the same answer. Using that key for
    a different write by the same operation is refused. The service's `EnrollInPaperless` takes no
    key, so repeating it is refused while the registration is pending. An operation that the service
    lacks is `Unavailable`, because nothing was done: the caller's request is then deferred, whereas
    a refusal would end it for good (R31).
    """

    books: Books = field(factory=Books)
    operations: frozenset[str] = OPERATIONS
    sleep: Callable[[float], None] = time.sleep
    """Sleeps for the given number of seconds. Used only if `Slow` is scripted."""
    _customers: dict[Secret, Customer] = field(init=False)
    _bills: dict[Unit, Registration] = field(init=False)
    _links: dict[str, Unit] = field(init=False, factory=dict)
    _issued: int = field(init=False, default=0)
    _emails: list[Email] = field(init=False, factory=list)
    _texts: list[Text] = field(init=False, factory=list)
    _autopay: set[Unit] = field(init=False, factory=set)
    _answered: dict[tuple[type[Write], str], tuple[Write, ServiceAnswer]] = field(
        init=False, factory=dict
    )
    _script: dict[str, deque[Scripted]] = field(init=False, factory=dict)
    _lock: Lock = field(init=False, factory=Lock)

    @_customers.default
    def _on_file(self) -> dict[Secret, Customer]:
        return {customer.id: customer for customer in self.books.customers}

    @_bills.default
    def _as_they_come(self) -> dict[Unit, Registration]:
        paid = {(p.customer, p.invoice_type): Registration.NONE for p in self.books.payments}
        listed = {
            (customer.id, invoice.type): _registration(invoice)
            for customer in self.books.customers
            for invoice in customer.invoices
        }
        return paid | listed

    def __repr__(self) -> str:
        return f"<MemoryBackend {len(self._customers)} customers>"

    def script(self, operation: str, *how: Scripted) -> None:
        """Script the next calls to an operation. After those, it works normally."""
        if operation not in OPERATIONS:
            names = ", ".join(sorted(OPERATIONS))
            message = f"unknown operation {operation!r}; must be one of: {names}"
            raise ValueError(message)
        with self._lock:
            self._script.setdefault(operation, deque()).extend(how)

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer within `budget` seconds."""
        operation = type(request).__name__
        if operation not in self.operations:
            return Unavailable()
        with self._lock:
            scripted = self._script.get(operation)
            how = scripted.popleft() if scripted else None
        lost = without_answer(request)
        if isinstance(how, Refusal):
            return Refused(how)
        if how is Fault.DOWN:
            return Unavailable()
        if how is Fault.REQUEST_LOST:
            return lost
        if isinstance(how, Slow):
            self.sleep(min(how.seconds, budget))
        with self._lock:
            answer = self._read(request) if isinstance(request, Read) else self._write(request)
        late = isinstance(how, Slow) and how.seconds > budget
        return lost if late or how is Fault.ANSWER_LOST else answer

    # ── inspecting the data, and opening links ──

    @property
    def emails(self) -> tuple[Email, ...]:
        """The queued e-mails, oldest first."""
        with self._lock:
            return tuple(self._emails)

    @property
    def texts(self) -> tuple[Text, ...]:
        """The queued texts, oldest first."""
        with self._lock:
            return tuple(self._texts)

    @property
    def autopay(self) -> frozenset[Unit]:
        """The bills on AutoPay."""
        with self._lock:
            return frozenset(self._autopay)

    def registration(self, customer: Secret, invoice_type: str) -> Registration:
        """Return a bill's registration, which is `NONE` if none is pending or active.

        Raises KeyError if the bill is unknown.
        """
        with self._lock:
            return self._bills[customer, invoice_type]

    def complete(self, link: str, email: Secret | None = None) -> bool:
        """Open a link as its recipient would, which makes the bill paperless.

        `email` is the address typed on the linked page, if any. Returns False if the link is
        unknown, was used or replaced, or if the bill went back to paper.
        """
        with self._lock:
            unit = self._links.get(link)
            if unit is None:
                return False
            self._put_on_file(unit, email)
            self._settle(unit, Registration.ACTIVE)
            return True

    # ── reads ──

    def _read(self, request: Read) -> ServiceAnswer:
        named = (getattr(request, each.name) for each in fields(type(request)))
        if not all(value.reveal().strip() for value in named if isinstance(value, Secret)):
            return Refused(Refusal.OTHER)  # must not look like a search that found no one
        if isinstance(request, SearchByAccountNumber):
            number = request.account
            of_holder = next((j for j in self.books.joined if number in j), {number})
            return self._found(lambda customer: customer.account in of_holder)
        if isinstance(request, SearchByCustomerPhoneNumber):
            return self._found(lambda customer: _same_number(customer.phone, request.phone))
        return InvoiceChecked(
            request.invoice not in self.books.gone
            and any(
                invoice.number == request.invoice
                for customer in self._customers.values()
                if customer.account == request.account
                for invoice in customer.invoices
            )
        )

    def _found(self, wanted: Callable[[Customer], bool]) -> CustomersFound:
        return CustomersFound(
            tuple(self._as_listed(c) for c in self._customers.values() if wanted(c))
        )

    def _as_listed(self, customer: Customer) -> Customer:
        """Return a customer with current flags, except on invoices that have no flags."""
        return evolve(
            customer,
            invoices=tuple(
                invoice
                if invoice.paperless is None
                else evolve(
                    invoice,
                    paperless=self._bills[customer.id, invoice.type] is Registration.ACTIVE,
                    pending=self._bills[customer.id, invoice.type] is Registration.PENDING,
                )
                for invoice in customer.invoices
            ),
        )

    # ── writes ──

    def _write(self, request: Write) -> ServiceAnswer:
        if isinstance(request, EnrollInPaperless):
            return self._enroll(request)
        key = (type(request), request.key)
        first, answer = self._answered.get(key) or (request, self._write_once(request))
        self._answered.setdefault(key, (first, answer))
        return answer if first == request else Refused(Refusal.OTHER)

    def _write_once(
        self, request: StoreCustomerPreference | SendWebLink | StoreCustomerPaymentMethodV2
    ) -> ServiceAnswer:
        if isinstance(request, StoreCustomerPreference):
            return self._prefer(request)
        if isinstance(request, SendWebLink):
            return self._text(request)
        paid = self._paid(request.payment)
        if paid is None or (paid.customer, paid.invoice_type) != (
            request.customer,
            request.invoice_type,
        ):
            return Refused(Refusal.OTHER)
        self._autopay.add((paid.customer, paid.invoice_type))
        return Accepted()

    def _enroll(self, request: EnrollInPaperless) -> ServiceAnswer:
        """Enroll the payment's own customer, bill, and address. Ignore the rest of the request."""
        paid = self._paid(request.payment)
        if paid is None:
            return Refused(Refusal.OTHER)
        if not _is_email(paid.email):
            return Refused(Refusal.BAD_EMAIL)
        unit = (paid.customer, paid.invoice_type)
        if self._bills[unit] is Registration.PENDING:
            return Refused(Refusal.PENDING)
        return self._start(unit, paid.email)

    def _prefer(self, request: StoreCustomerPreference) -> ServiceAnswer:
        """Start or replace a pending registration, or put the bill back on paper."""
        unit = (request.customer, request.invoice_type)
        if unit not in self._bills:
            return Refused(Refusal.OTHER)
        if not request.paperless:
            self._settle(unit, Registration.NONE)
            return Accepted()
        if request.email is None and request.phone is not None:
            if _last_ten(request.phone) is None:
                return Refused(Refusal.BAD_PHONE)
        elif not _is_email(request.email):
            return Refused(Refusal.BAD_EMAIL)
        return self._start(unit, request.email)

    def _start(self, unit: Unit, email: Secret | None) -> ServiceAnswer:
        """Start a registration, as `StartPaperlessRegistrationForCustomer` does.

        The customer's e-mail address is overwritten before the new one is confirmed. If there is no
        new address, links that were sent earlier stay valid.
        """
        if self._bills[unit] is Registration.ACTIVE:
            return Refused(Refusal.ALREADY_PAPERLESS)
        if email is None:
            self._bills[unit] = Registration.PENDING
        else:
            self._settle(unit, Registration.PENDING)
            self._put_on_file(unit, email)
            self._emails.append(Email(email, *unit, self._link(unit)))
        return Accepted()

    def _text(self, request: SendWebLink) -> ServiceAnswer:
        """Text a link.

        Earlier links stay valid until a link is e-mailed or used, or the bill goes back to paper.
        """
        unit = (request.customer, request.invoice_type)
        if unit not in self._bills:
            return Refused(Refusal.OTHER)
        landline = any(_same_number(number, request.phone) for number in self.books.landlines)
        if landline or _last_ten(request.phone) is None:
            return Refused(Refusal.BAD_PHONE)
        self._texts.append(Text(request.phone, *unit, request.purpose, self._link(unit)))
        return Accepted()

    def _paid(self, payment: Secret) -> Paid | None:
        return next((p for p in self.books.payments if p.payment == payment), None)

    def _settle(self, unit: Unit, registration: Registration) -> None:
        """Set a bill's registration, and void the links that were sent for it earlier."""
        self._bills[unit] = registration
        self._links = {link: of for link, of in self._links.items() if of != unit}

    def _put_on_file(self, unit: Unit, email: Secret | None) -> None:
        customer = unit[0]
        if email is not None and customer in self._customers:
            self._customers[customer] = evolve(self._customers[customer], email=email)

    def _link(self, unit: Unit) -> str:
        self._issued += 1
        link = f"https://billing.example.com/paperless/{self._issued}"
        self._links[link] = unit
        return link


def _registration(invoice: Invoice) -> Registration:
    if invoice.pending:
        return Registration.PENDING
    return Registration.ACTIVE if invoice.paperless else Registration.NONE


def _is_email(address: Secret | None) -> bool:
    if address is None:
        return False
    local, _, domain = address.reveal().rpartition("@")
    return EmailPad().address(local, domain) is not None


def _same_number(one: Secret | None, other: Secret) -> bool:
    """Return whether the last ten digits are the same, since a runtime can leave out the +1."""
    return one is not None and _last_ten(one) is not None and _last_ten(one) == _last_ten(other)


def _last_ten(number: Secret) -> str | None:
    """Return the last ten digits, or None if the text is not a telephone number."""
    plain = alone(number.reveal())
    return plain and plain[-10:]
