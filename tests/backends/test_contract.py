"""The contract of back ends: the in-memory one keeps it, and each promise can be broken."""

import time
from collections.abc import Callable, Mapping

import pytest
from attrs import evolve, field, frozen

from paperless_ivr.backends.demo import customer, springfield
from paperless_ivr.backends.memory import MemoryBackend
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    InvoiceChecked,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
)
from paperless_ivr.flow.host import Registration
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
    Write,
)
from paperless_ivr.testing.contracts import check_backend
from paperless_ivr.testing.contracts.backend import PROMISES
from tests.racing import all_have_looked

Twist = Callable[[MemoryBackend, ServiceRequest, float], ServiceAnswer]


def well(service: MemoryBackend, request: ServiceRequest, budget: float) -> ServiceAnswer:
    """Answer correctly."""
    return service.answer(request, budget)


@frozen
class Twisted:
    """A back end that answers as `twist` says, and claims these operations."""

    twist: Twist = well
    operations: frozenset[str] = OPERATIONS
    shown: str = "a back end"
    service: MemoryBackend = field(factory=springfield)

    def __repr__(self) -> str:
        return self.shown

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer as `twist` says."""
        return self.twist(self.service, request, budget)


@pytest.mark.requirement("R12", "R21", "R23")
def test_memory_keeps_it() -> None:
    """The in-memory back end keeps every promise."""
    check_backend(springfield)


@pytest.mark.parametrize("lacking", sorted(OPERATIONS))
def test_memory_keeps_it_without(lacking: str) -> None:
    """The in-memory back end keeps every remaining promise if the service lacks an operation."""
    check_backend(lambda: springfield(OPERATIONS - {lacking}))


def no_time_no_answer(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Raise an error if there is no time."""
    if budget <= 0:
        raise ValueError
    return s.answer(r, budget)


def unknown_read(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Report a read without an answer as unknown."""
    return s.answer(r, budget) if budget > 0 else OutcomeUnknown()


def forgets_phones(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Leave out the telephone number."""
    answer = s.answer(r, budget)
    if isinstance(answer, CustomersFound):
        return CustomersFound(tuple(evolve(c, phone=None) for c in answer.customers))
    return answer


def first_only(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Find at most one customer."""
    answer = s.answer(r, budget)
    return CustomersFound(answer.customers[:1]) if isinstance(answer, CustomersFound) else answer


def nobody_is_refused(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Report that no one was found as a refusal."""
    answer = s.answer(r, budget)
    return Refused(Refusal.OTHER) if answer == CustomersFound(()) else answer


def flag_is_false(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Read a missing flag as false."""
    answer = s.answer(r, budget)
    if not isinstance(answer, CustomersFound):
        return answer
    return CustomersFound(
        tuple(
            evolve(c, invoices=tuple(evolve(i, paperless=bool(i.paperless)) for i in c.invoices))
            for c in answer.customers
        )
    )


def always_there(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Find every invoice."""
    return InvoiceChecked(True) if isinstance(r, InvoiceExists) else s.answer(r, budget)


def active_at_once(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Make a bill paperless without waiting for the link."""
    sent = len(s.emails)
    answer = s.answer(r, budget)
    for email in s.emails[sent:]:
        s.complete(email.link)
    return answer


def never_replaces(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Refuse to replace a registration."""
    match r:
        case StoreCustomerPreference(customer=who, invoice_type=bill, paperless=True):
            if s.registration(who, bill) is Registration.PENDING:
                return Refused(Refusal.PENDING)
    return s.answer(r, budget)


def never_to_paper(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Say that a bill is back on paper, but do nothing."""
    if isinstance(r, StoreCustomerPreference) and not r.paperless:
        return Accepted()
    return s.answer(r, budget)


def any_preference(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Accept every preference."""
    answer = s.answer(r, budget)
    return Accepted() if isinstance(r, StoreCustomerPreference) else answer


def forgets_keys(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Carry out a repeated write a second time."""
    if isinstance(r, StoreCustomerPreference):
        return s.answer(evolve(r, key=f"{r.key} at {time.perf_counter_ns()}"), budget)
    return s.answer(r, budget)


def any_content(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Answer a reused key as before, even if the content is different."""
    if isinstance(r, Write) and not isinstance(r, EnrollInPaperless):
        first = ANSWERED.setdefault((s, type(r), r.key), r)
        return s.answer(first, budget)
    return s.answer(r, budget)


ANSWERED: dict[tuple[object, type[Write], str], Write] = {}


def own_address(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Enroll with the address on file instead of the payment's."""
    if isinstance(r, EnrollInPaperless):
        email = customer("rivera").email
        return s.answer(
            StoreCustomerPreference(
                r.customer, r.account, r.invoice_type, True, email, None, r.consent, r.key
            ),
            budget,
        )
    return s.answer(r, budget)


def any_enrollment(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Accept every enrollment."""
    answer = s.answer(r, budget)
    return Accepted() if isinstance(r, EnrollInPaperless) else answer


def looks_then_acts(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Check whether a bill is on paper, and enroll it only later."""
    if isinstance(r, EnrollInPaperless):
        before = s.registration(r.customer, r.invoice_type)
        all_have_looked()
        s.answer(r, budget)
        return Accepted() if before is Registration.NONE else Refused(Refusal.PENDING)
    return s.answer(r, budget)


def any_text(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Text any number."""
    return Accepted() if isinstance(r, SendWebLink) else s.answer(r, budget)


def any_payment(s: MemoryBackend, r: ServiceRequest, budget: float) -> ServiceAnswer:
    """Store the method of any payment."""
    return Accepted() if isinstance(r, StoreCustomerPaymentMethodV2) else s.answer(r, budget)


BROKEN: Mapping[str, Callable[[], Twisted]] = {
    "_operations": lambda: Twisted(operations=frozenset({"Enroll"})),
    "_lacking": lambda: Twisted(any_text, OPERATIONS - {"SendWebLink"}),
    "_always_answers": lambda: Twisted(no_time_no_answer),
    "_by_account": lambda: Twisted(forgets_phones),
    "_joined_accounts": lambda: Twisted(first_only),
    "_nobody": lambda: Twisted(nobody_is_refused),
    "_by_phone": lambda: Twisted(first_only),
    "_flags_at_first": lambda: Twisted(flag_is_false),
    "_invoice": lambda: Twisted(always_there),
    "_preference_pends": lambda: Twisted(active_at_once),
    "_preference_replaces": lambda: Twisted(never_replaces),
    "_preference_paper": lambda: Twisted(never_to_paper),
    "_preference_refused": lambda: Twisted(any_preference),
    "_same_key": lambda: Twisted(forgets_keys),
    "_other_content": lambda: Twisted(any_content),
    "_enroll_pends": lambda: Twisted(own_address),
    "_enroll_again": lambda: Twisted(any_enrollment),
    "_enroll_refused": lambda: Twisted(any_enrollment),
    "_enroll_once": lambda: Twisted(looks_then_acts),
    "_web_link": lambda: Twisted(any_text),
    "_payment_method": lambda: Twisted(any_payment),
    "_silent_backend": lambda: Twisted(shown=customer("rivera").account.reveal()),
}


def test_every_promise_is_tried() -> None:
    """There is a broken back end for every promise."""
    assert {check.__name__ for check in PROMISES} == BROKEN.keys()


@pytest.mark.parametrize("check", PROMISES, ids=lambda check: check.__name__)
def test_every_promise_can_be_broken(check: Callable[..., None]) -> None:
    """If a back end breaks a promise, the error has the promise's words."""
    assert check.__doc__

    with pytest.raises(AssertionError) as told:
        check_backend(BROKEN[check.__name__])

    assert check.__doc__ in str(told.value)


def test_unknown_is_for_writes() -> None:
    """A read with an unknown outcome breaks the promise of fitting answers."""
    with pytest.raises(AssertionError, match="OutcomeUnknown is an answer to Search"):
        check_backend(lambda: Twisted(unknown_read))


def test_what_is_raised_is_told() -> None:
    """An exception of a back end is reported by its class, and its text is not shown."""

    def broken(*_: object) -> ServiceAnswer:
        raise RuntimeError(customer("rivera").account.reveal())

    with pytest.raises(AssertionError) as told:
        check_backend(lambda: Twisted(broken))

    assert "But it raised RuntimeError." in str(told.value)
    assert customer("rivera").account.reveal() not in str(told.value)


def test_all_that_is_broken_is_told_at_once() -> None:
    """Several broken promises are reported together, and counted."""
    with pytest.raises(AssertionError, match=rf"2 of {len(PROMISES)} promises are broken"):
        check_backend(lambda: Twisted(first_only))


def test_reads_are_checked_without_phone_search() -> None:
    """A promise about a missing operation is skipped."""
    lacking = OPERATIONS - {SearchByCustomerPhoneNumber.__name__, SearchByAccountNumber.__name__}

    check_backend(lambda: springfield(lacking))
