"""The contract of back ends."""

from collections.abc import Callable, Mapping

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends import demo
from paperless_ivr.backends.port import Backend
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    InvoiceChecked,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import (
    OPERATIONS,
    EnrollInPaperless,
    InvoiceExists,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    ServiceRequest,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
)
from paperless_ivr.secret import Secret
from paperless_ivr.testing.contracts.checking import AT_ONCE, at_once, holds, run, same

MakeBackend = Callable[[], Backend]


def check_backend(make: MakeBackend) -> None:
    """Check a back end. Each instance must start with a fresh copy of `backends.demo.BOOKS`.

    Checks that need an operation that the service lacks are skipped.
    """
    has = make().operations
    checks = [check for check, kinds in PROMISES.items() if {k.__name__ for k in kinds} <= has]
    run(checks, make)


BUDGET = 5.0
"""The time budget for an answer, in seconds. A healthy service needs less."""
NO_EMAIL = secret.email("no address")
OTHER_EMAIL = secret.email("someone.else@example.com")
NOBODY = secret.customer("0")


def _prefer(
    handle: str, key: str, *, paperless: bool = True, email: Secret | None = OTHER_EMAIL
) -> StoreCustomerPreference:
    """Return a request that stores a customer's preference for their first bill."""
    who = demo.customer(handle)
    return StoreCustomerPreference(
        who.id,
        who.account,
        who.invoices[0].type,
        paperless,
        email if paperless else None,
        None,
        key,
        key,
    )


def _enroll(handle: str, key: str) -> EnrollInPaperless:
    who = demo.customer(handle)
    return EnrollInPaperless(demo.payment(handle).guid, who.id, who.account, "WATER", key, key)


def _text(handle: str, phone: Secret, key: str) -> SendWebLink:
    who = demo.customer(handle)
    return SendWebLink(who.id, who.account, who.invoices[0].type, phone, "review", key, key)


def _autopay(handle: str, key: str) -> StoreCustomerPaymentMethodV2:
    who = demo.customer(handle)
    guid = demo.payment(handle).guid
    return StoreCustomerPaymentMethodV2(guid, who.id, who.account, "WATER", key, key)


PHONE = secret.phone("+12175550199")
NO_NUMBERS = ("555-0101", "my number: 217 555 0199", "account 20481137 01", "2175550199 Jane")
UNKNOWN_PAYMENT = secret.payment("00000000-0000-0000-0000-000000000000")

ONE_OF_EACH: tuple[ServiceRequest, ...] = (
    SearchByAccountNumber(demo.customer("rivera").account),
    SearchByCustomerPhoneNumber(PHONE),
    InvoiceExists(demo.customer("rivera").account, demo.customer("rivera").invoices[0].number),
    _enroll("rivera", "each-1"),
    _prefer("rivera", "each-2"),
    _text("rivera", PHONE, "each-3"),
    _autopay("rivera", "each-4"),
)
"""One request for each operation."""


def _ask(backend: Backend, request: ServiceRequest, budget: float = BUDGET) -> ServiceAnswer:
    return backend.answer(request, budget)


def _found(backend: Backend, account: Secret) -> tuple[Customer, ...]:
    answer = _ask(backend, SearchByAccountNumber(account))
    if not isinstance(answer, CustomersFound):
        message = f"a search returns {type(answer).__name__}."
        raise AssertionError(message)
    return answer.customers


def _flags(backend: Backend, handle: str) -> list[tuple[str, bool | None, bool]]:
    """Return the type and the paperless and pending flags of each of a customer's bills."""
    who = demo.customer(handle)
    return [
        (invoice.type, invoice.paperless, invoice.pending)
        for customer in _found(backend, who.account)
        if customer.id == who.id
        for invoice in customer.invoices
    ]


ON_PAPER = [("WATER", False, False)]
PENDING = [("WATER", False, True)]
PAPERLESS = [("WATER", True, False)]


def _operations(make: MakeBackend) -> None:
    """The service supports at least one operation, and only operations that the flow uses."""
    operations = make().operations

    holds("that there are operations", bool(operations))
    same("the set of unknown operations", frozenset(), operations - OPERATIONS)


def _lacking(make: MakeBackend) -> None:
    """The answer to a request for an operation that the service lacks is Unavailable."""
    backend = make()
    for request in ONE_OF_EACH:
        if type(request).__name__ not in backend.operations:
            same(f"the answer to {type(request).__name__}", Unavailable(), _ask(backend, request))


def _always_answers(make: MakeBackend) -> None:
    """Every request gets an answer of the right kind, even if its time budget is zero."""
    backend = make()
    for request in ONE_OF_EACH:
        answer = _ask(backend, request, 0.0)
        fitting: tuple[type, ...] = (Refused, Unavailable)
        fitting += _FITTING[type(request)]
        holds(
            f"that {type(answer).__name__} is an answer to {type(request).__name__}",
            isinstance(answer, fitting),
        )


_FITTING: Mapping[type, tuple[type, ...]] = {
    SearchByAccountNumber: (CustomersFound,),
    SearchByCustomerPhoneNumber: (CustomersFound,),
    InvoiceExists: (InvoiceChecked,),
    EnrollInPaperless: (Accepted, OutcomeUnknown),
    StoreCustomerPreference: (Accepted, OutcomeUnknown),
    SendWebLink: (Accepted, OutcomeUnknown),
    StoreCustomerPaymentMethodV2: (Accepted, OutcomeUnknown),
}
"""Possible answers besides Refused and Unavailable. A read's outcome is never unknown."""


def _by_account(make: MakeBackend) -> None:
    """A search by account number finds the customer, with invoices and contact data on file."""
    backend = make()
    for handle in ("rivera", "chen", "patel", "okafor", "novak", "ali", "ivanova"):
        who = demo.customer(handle)
        same(f"the result for {handle}", (who,), _found(backend, who.account))


def _joined_accounts(make: MakeBackend) -> None:
    """A search by any of a holder's account numbers finds all of their accounts."""
    both = {demo.customer("park"), demo.customer("park-rental")}
    for who in both:
        same("the set of customers", both, set(_found(make(), who.account)))


def _nobody(make: MakeBackend) -> None:
    """A search by an unknown account number finds no customers, but does not fail."""
    same("the result", (), _found(make(), secret.account("99999999")))


def _by_phone(make: MakeBackend) -> None:
    """A search by telephone number finds every customer with that number on file."""
    backend = make()
    for handles in (("rivera",), ("haddad", "lindgren"), ("kim", "kim-shop")):
        people = {demo.customer(handle) for handle in handles}
        for who in people:
            answer = _ask(backend, SearchByCustomerPhoneNumber(who.phone or PHONE))
            found = answer.customers if isinstance(answer, CustomersFound) else ()
            same(f"the set of customers found for {handles[0]}", people, set(found))
    answer = _ask(backend, SearchByCustomerPhoneNumber(PHONE))
    same("the answer for an unused number", CustomersFound(()), answer)


def _flags_at_first(make: MakeBackend) -> None:
    """Paperless and pending are separate flags, and a missing flag is None, not False."""
    backend = make()
    same("a bill on paper", ON_PAPER, _flags(backend, "rivera"))
    same("a paperless bill", PAPERLESS, _flags(backend, "dubois"))
    same("a pending bill", PENDING, _flags(backend, "silva"))
    same(
        "a paperless bill and one on paper",
        [*PAPERLESS, ("SEWER", False, False)],
        _flags(backend, "ali"),
    )
    same("a bill without a flag", [("WATER", None, False)], _flags(backend, "tanaka"))


def _invoice(make: MakeBackend) -> None:
    """`InvoiceExists` reports whether an invoice exists."""
    backend = make()
    for handle, there in (("rivera", True), ("weber", False)):
        who = demo.customer(handle)
        answer = _ask(backend, InvoiceExists(who.account, who.invoices[0].number))
        same(f"the answer for {handle}", InvoiceChecked(there), answer)
    unknown = InvoiceExists(demo.customer("rivera").account, secret.invoice("0"))
    same("the answer for an unknown number", InvoiceChecked(False), _ask(backend, unknown))


def _preference_pends(make: MakeBackend) -> None:
    """Storing a preference makes only that bill pending, and does not make it paperless yet."""
    backend = make()
    before = _flags(backend, "novak")

    same("the answer", Accepted(), _ask(backend, _prefer("novak", "k1")))

    same("the bills of novak", [*PENDING, *before[1:]], _flags(backend, "novak"))
    same("the bill of rivera", ON_PAPER, _flags(backend, "rivera"))


def _preference_replaces(make: MakeBackend) -> None:
    """A new preference for a pending bill replaces the registration and its address."""
    backend = make()

    same("the answer", Accepted(), _ask(backend, _prefer("silva", "k1")))

    same("the bill of silva", PENDING, _flags(backend, "silva"))
    found = _found(backend, demo.customer("silva").account)
    same("the address on file", (OTHER_EMAIL,), tuple(customer.email for customer in found))


def _preference_paper(make: MakeBackend) -> None:
    """A preference for paper ends paperless billing, and cancels a pending registration."""
    backend = make()
    for handle in ("dubois", "silva", "rivera"):
        answer = _ask(backend, _prefer(handle, f"k-{handle}", paperless=False))
        same(f"the answer for {handle}", Accepted(), answer)
        same(f"the bill of {handle}", ON_PAPER, _flags(backend, handle))


def _preference_refused(make: MakeBackend) -> None:
    """An invalid preference is refused, and changes nothing."""
    backend = make()
    before = [_flags(backend, handle) for handle in ("dubois", "rivera")]
    already = _ask(backend, _prefer("dubois", "k1"))
    bad_email = _ask(backend, _prefer("rivera", "k2", email=NO_EMAIL))
    nobody = _ask(backend, evolve(_prefer("rivera", "k3"), customer=NOBODY))

    same("the answer for a paperless bill", Refused(Refusal.ALREADY_PAPERLESS), already)
    same("the answer for a bad address", Refused(Refusal.BAD_EMAIL), bad_email)
    holds("that an unknown customer is refused", isinstance(nobody, Refused))
    same("the list of bills", before, [_flags(backend, h) for h in ("dubois", "rivera")])
    found = _found(backend, demo.customer("rivera").account)
    same("the customer on file", (demo.customer("rivera"),), found)


def _same_key(make: MakeBackend) -> None:
    """A preference sent again with its key, even late, gets the same answer and changes nothing."""
    backend = make()
    once = _ask(backend, _prefer("rivera", "k1"))
    same("the answer", once, _ask(backend, _prefer("rivera", "k1")))

    _ask(backend, _prefer("rivera", "k2", paperless=False))
    same("the late answer", once, _ask(backend, _prefer("rivera", "k1")))

    same("the bill of rivera, now back on paper", ON_PAPER, _flags(backend, "rivera"))


def _other_content(make: MakeBackend) -> None:
    """A write that reuses the key of a different write is refused, and changes nothing."""
    backend = make()
    for first, second in (
        (_prefer("rivera", "k1"), _prefer("chen", "k1")),
        (_text("rivera", PHONE, "k2"), _text("chen", PHONE, "k2")),
        (_autopay("rivera", "k3"), _autopay("chen", "k3")),
    ):
        if type(first).__name__ in backend.operations:
            kind = type(first).__name__
            same(f"the answer to the first {kind}", Accepted(), _ask(backend, first))
            refused = isinstance(_ask(backend, second), Refused)
            holds(f"that another {kind} is refused", refused)
            same(f"the answer to the first {kind} again", Accepted(), _ask(backend, first))
    same("the bill of chen", ON_PAPER, _flags(backend, "chen"))


def _enroll_pends(make: MakeBackend) -> None:
    """`EnrollInPaperless` makes a bill pending, not paperless, with the payment's address."""
    backend = make()

    same("the answer", Accepted(), _ask(backend, _enroll("chen", "k1")))

    same("the bill of chen", PENDING, _flags(backend, "chen"))
    found = _found(backend, demo.customer("chen").account)
    paid_with = demo.payment("chen").email
    same("the address on file", (paid_with,), tuple(customer.email for customer in found))


def _enroll_again(make: MakeBackend) -> None:
    """A repeated `EnrollInPaperless` is refused, because the service gets no key with it."""
    backend = make()
    _ask(backend, _enroll("rivera", "k1"))
    for key in ("k1", "k2"):
        again = _ask(backend, _enroll("rivera", key))
        same("the repeated answer", Refused(Refusal.PENDING), again)
    same("the bill of rivera", PENDING, _flags(backend, "rivera"))
    paperless = _ask(backend, _enroll("dubois", "k3"))
    same("the answer for a paperless bill", Refused(Refusal.ALREADY_PAPERLESS), paperless)


def _enroll_refused(make: MakeBackend) -> None:
    """`EnrollInPaperless` is refused for a payment that is unknown or has no e-mail address."""
    backend = make()
    unknown = _ask(backend, evolve(_enroll("rivera", "k1"), payment=UNKNOWN_PAYMENT))
    without = _ask(backend, _enroll("okafor", "k2"))

    holds("that an unknown payment is refused", isinstance(unknown, Refused))
    same("the answer without an address", Refused(Refusal.BAD_EMAIL), without)
    same("the bill of rivera", ON_PAPER, _flags(backend, "rivera"))
    same("the bill of okafor", ON_PAPER, _flags(backend, "okafor"))


def _enroll_once(make: MakeBackend) -> None:
    """If several requests enroll a bill at the same time, exactly one of them is accepted."""
    backend = make()

    answers = at_once(lambda n: _ask(backend, _enroll("rivera", f"k{n}")))

    same("the number accepted", 1, answers.count(Accepted()))
    same("the number refused", AT_ONCE - 1, answers.count(Refused(Refusal.PENDING)))


def _web_link(make: MakeBackend) -> None:
    """A text is accepted, but does not enroll the bill. A landline or invalid number is refused."""
    backend = make()
    same("the answer", Accepted(), _ask(backend, _text("rivera", PHONE, "k1")))
    same("the repeated answer", Accepted(), _ask(backend, _text("rivera", PHONE, "k1")))
    same("the bill of rivera", ON_PAPER, _flags(backend, "rivera"))
    landline = demo.customer("olsen").phone or PHONE
    answer = _ask(backend, _text("olsen", landline, "k2"))
    same("the answer for a landline", Refused(Refusal.BAD_PHONE), answer)
    for n, text in enumerate(NO_NUMBERS):
        answer = _ask(backend, _text("rivera", secret.phone(text), f"n{n}"))
        same("the answer for an invalid number", Refused(Refusal.BAD_PHONE), answer)


def _payment_method(make: MakeBackend) -> None:
    """AutoPay is accepted for a known payment, and does not make the bill paperless."""
    backend = make()
    same("the answer", Accepted(), _ask(backend, _autopay("rivera", "k1")))
    same("the repeated answer", Accepted(), _ask(backend, _autopay("rivera", "k1")))
    same("the bill of rivera", ON_PAPER, _flags(backend, "rivera"))
    unknown = _ask(backend, evolve(_autopay("rivera", "k2"), payment=UNKNOWN_PAYMENT))
    holds("that an unknown payment is refused", isinstance(unknown, Refused))


def _silent_backend(make: MakeBackend) -> None:
    """Printing a back end or its answers shows no personal data."""
    backend = make()
    who = demo.customer("rivera")
    answer = _ask(backend, SearchByAccountNumber(who.account))
    shown = f"{backend!r} {backend} {answer!r} {answer}"
    personal = [who.account, who.id, who.name, who.email, who.phone, who.invoices[0].number]
    for value in personal:
        holds(f"that {value} is not shown", value is None or value.reveal() not in shown)


_SEARCH = SearchByAccountNumber
PROMISES: Mapping[Callable[[MakeBackend], None], tuple[type[ServiceRequest], ...]] = {
    _operations: (),
    _lacking: (),
    _always_answers: (),
    _by_account: (_SEARCH,),
    _joined_accounts: (_SEARCH,),
    _nobody: (_SEARCH,),
    _by_phone: (SearchByCustomerPhoneNumber,),
    _flags_at_first: (_SEARCH,),
    _invoice: (InvoiceExists,),
    _preference_pends: (_SEARCH, StoreCustomerPreference),
    _preference_replaces: (_SEARCH, StoreCustomerPreference),
    _preference_paper: (_SEARCH, StoreCustomerPreference),
    _preference_refused: (_SEARCH, StoreCustomerPreference),
    _same_key: (_SEARCH, StoreCustomerPreference),
    _other_content: (_SEARCH,),
    _enroll_pends: (_SEARCH, EnrollInPaperless),
    _enroll_again: (_SEARCH, EnrollInPaperless),
    _enroll_refused: (_SEARCH, EnrollInPaperless),
    _enroll_once: (EnrollInPaperless,),
    _web_link: (_SEARCH, SendWebLink),
    _payment_method: (_SEARCH, StoreCustomerPaymentMethodV2),
    _silent_backend: (_SEARCH,),
}
"""The promises of a back end, with the operations that each promise needs."""
