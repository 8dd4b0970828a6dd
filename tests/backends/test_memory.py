"""The in-memory billing service: outboxes, links, scripted failures, and a model of it all."""

import threading
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer, payment, springfield
from paperless_ivr.backends.memory import (
    Books,
    Email,
    Fault,
    MemoryBackend,
    Paid,
    Slow,
    Text,
    Unit,
)
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
)
from paperless_ivr.secret import Secret

BUDGET = 4.0
ADDRESS = secret.email("typed.here@example.com")
MOBILE = secret.phone("+12175550180")


def enroll(handle: str, key: str = "e1") -> EnrollInPaperless:
    """Return the enrollment of the bill that a customer has paid."""
    who = customer(handle)
    return EnrollInPaperless(payment(handle).guid, who.id, who.account, "WATER", key, key)


def prefer(
    handle: str, key: str = "p1", *, paperless: bool = True, email: Secret | None = ADDRESS
) -> StoreCustomerPreference:
    """Return the preference for a customer's water bill."""
    who = customer(handle)
    return StoreCustomerPreference(
        who.id, who.account, "WATER", paperless, email if paperless else None, None, key, key
    )


def text(handle: str, key: str = "t1", phone: Secret = MOBILE) -> SendWebLink:
    """Return a text to a customer about the water bill."""
    who = customer(handle)
    return SendWebLink(who.id, who.account, "WATER", phone, "review", key, key)


def autopay(handle: str, key: str = "a1") -> StoreCustomerPaymentMethodV2:
    """Return AutoPay for a customer's water bill."""
    who = customer(handle)
    guid = payment(handle).guid
    return StoreCustomerPaymentMethodV2(guid, who.id, who.account, "WATER", key, key)


def by_account(handle: str) -> SearchByAccountNumber:
    """Return the search for a customer."""
    return SearchByAccountNumber(customer(handle).account)


def water(service: MemoryBackend, handle: str) -> Registration:
    """Return the status of a customer's water bill."""
    return service.registration(customer(handle).id, "WATER")


# ── outboxes and links ───────────────────────────────────────────────────────────────────


@pytest.mark.requirement("R21")
def test_enrolled_is_pending_until_the_link_is_opened() -> None:
    """`EnrollInPaperless` queues one e-mail to the payment's address, whose link completes it."""
    service = springfield()

    assert Accepted() == service.answer(enroll("chen"), BUDGET)

    (email,) = service.emails
    assert (
        Email(secret.email("lily.at.work@example.com"), customer("chen").id, "WATER", email.link)
        == email
    )
    assert Registration.PENDING is water(service, "chen")
    assert service.complete(email.link)
    assert Registration.ACTIVE is water(service, "chen")


@pytest.mark.requirement("R12")
def test_pending_gets_no_second_registration() -> None:
    """While a registration is pending, `EnrollInPaperless` is refused, and no e-mail is queued."""
    service = springfield()
    service.answer(enroll("rivera"), BUDGET)

    assert Refused(Refusal.PENDING) == service.answer(enroll("rivera", "e2"), BUDGET)
    assert Refused(Refusal.PENDING) == service.answer(enroll("silva"), BUDGET)
    assert len(service.emails) == 1


@pytest.mark.requirement("R12")
def test_pending_may_have_its_link_texted() -> None:
    """A link texted while a registration is pending completes that registration."""
    service = springfield()

    assert Accepted() == service.answer(text("silva"), BUDGET)

    (sent,) = service.texts
    assert Text(MOBILE, customer("silva").id, "WATER", "review", sent.link) == sent
    assert Registration.PENDING is water(service, "silva")
    assert service.complete(sent.link)
    assert Registration.ACTIVE is water(service, "silva")


@pytest.mark.requirement("R08", "R52")
def test_a_text_stays_valid_after_a_registration_by_text_alone() -> None:
    """The texted link completes the registration that was stored for it, without an address."""
    service = springfield()
    chen = customer("chen").id
    service.answer(evolve(text("silva"), customer=chen), BUDGET)
    alone = StoreCustomerPreference(
        chen, secret.account("-"), "WATER", True, None, MOBILE, "p", "p"
    )

    assert Accepted() == service.answer(alone, BUDGET)

    assert Registration.PENDING is water(service, "chen")
    assert service.complete(service.texts[-1].link)
    assert Registration.ACTIVE is water(service, "chen")


def test_enrolment_is_of_the_payment() -> None:
    """`EnrollInPaperless` takes the customer and bill from the payment, whatever else is sent."""
    service = springfield()
    wrong = evolve(enroll("rivera"), customer=customer("novak").id, invoice_type="GAS")

    service.answer(wrong, BUDGET)

    assert Registration.PENDING is water(service, "rivera")
    assert Registration.NONE is service.registration(customer("novak").id, "GAS")


def test_enrolment_of_a_bill_that_is_no_longer_listed() -> None:
    """A bill that was just paid can be enrolled even if a search no longer lists it."""
    service = springfield()

    assert Accepted() == service.answer(enroll("ivanova"), BUDGET)
    assert Registration.PENDING is water(service, "ivanova")


def test_replaced_link() -> None:
    """A preference for a pending bill sends a new link, and the old one is void."""
    service = springfield()
    service.answer(enroll("rivera"), BUDGET)
    service.answer(prefer("rivera"), BUDGET)
    old, new = service.emails

    assert (payment("rivera").email, ADDRESS) == (old.to, new.to)
    assert not service.complete(old.link)
    assert service.complete(new.link)
    assert not service.complete(new.link)


def test_cancelled_link() -> None:
    """Going back to paper voids every link that was sent for the bill, but no other."""
    service = springfield()
    service.answer(prefer("rivera", "p1"), BUDGET)
    service.answer(text("rivera"), BUDGET)
    service.answer(prefer("chen", "p2"), BUDGET)
    service.answer(prefer("rivera", "p3", paperless=False), BUDGET)
    email, others = service.emails
    (sent,) = service.texts

    assert [service.complete(e) for e in (email.link, sent.link, others.link)] == [
        False,
        False,
        True,
    ]
    assert Registration.NONE is water(service, "rivera")


def test_address_typed_on_the_linked_page() -> None:
    """A texted link completes a bill that is on paper, and the address typed there is kept."""
    service = springfield()
    service.answer(text("chen"), BUDGET)

    assert service.complete(service.texts[0].link, ADDRESS)

    found = service.answer(by_account("chen"), BUDGET)
    assert isinstance(found, CustomersFound)
    assert (found.customers[0].email, found.customers[0].invoices[0].paperless) == (ADDRESS, True)


def test_registration_by_text_alone() -> None:
    """A preference with a number but no address is pending, and no e-mail is queued."""
    service = springfield()
    wish = evolve(prefer("chen", email=None), phone=MOBILE)

    assert Accepted() == service.answer(wish, BUDGET)
    assert Registration.PENDING is water(service, "chen")
    assert service.emails == ()


def test_preference_without_address_or_number() -> None:
    """A preference that leaves no way to send a link is refused."""
    service = springfield()

    assert Refused(Refusal.BAD_EMAIL) == service.answer(prefer("chen", email=None), BUDGET)
    assert Registration.NONE is water(service, "chen")


@pytest.mark.parametrize("number", ["", "12345", "+12175550114", "2175550114", "1 217 555-0114"])
def test_no_text_to_these(number: str) -> None:
    """A landline is refused however it is written, and so is an invalid number."""
    service = springfield()
    refused = service.answer(text("olsen", phone=secret.phone(number)), BUDGET)

    assert Refused(Refusal.BAD_PHONE) == refused
    assert service.texts == ()


def test_unknown_bill_is_not_texted() -> None:
    """A text about a bill that the customer does not have is refused."""
    wrong = evolve(text("rivera"), invoice_type="GAS")

    assert Refused(Refusal.OTHER) == springfield().answer(wrong, BUDGET)


def test_autopay() -> None:
    """AutoPay is stored for the payment's bill."""
    service = springfield()
    service.answer(autopay("rivera"), BUDGET)

    assert {(customer("rivera").id, "WATER")} == service.autopay


@pytest.mark.parametrize("number", ["+12175550106", "12175550106", "2175550106"])
def test_number_as_runtimes_write_it(number: str) -> None:
    """A telephone number finds its customers with or without the country code."""
    answer = springfield().answer(SearchByCustomerPhoneNumber(secret.phone(number)), BUDGET)

    assert CustomersFound((customer("haddad"), customer("lindgren"))) == answer


@pytest.mark.parametrize("number", ["anonymous", "+1", "5550106"])
def test_number_withheld(number: str) -> None:
    """An incomplete number finds no one."""
    answer = springfield().answer(SearchByCustomerPhoneNumber(secret.phone(number)), BUDGET)

    assert CustomersFound(()) == answer


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_is_not_looked_for(blank: str) -> None:
    """A read without a subject is refused, as in the reference service."""
    for request in (
        SearchByCustomerPhoneNumber(secret.phone(blank)),
        SearchByAccountNumber(secret.account(blank)),
        InvoiceExists(customer("rivera").account, secret.invoice(blank)),
    ):
        assert springfield().answer(request, BUDGET) == Refused(Refusal.OTHER)


def test_autopay_for_another_bill() -> None:
    """AutoPay is for the bill that the payment paid, and for no other."""
    service = springfield()
    for other in ({"customer": customer("chen").id}, {"invoice_type": "SEWER"}):
        request = evolve(autopay("rivera", key=str(other)), **other)
        assert service.answer(request, BUDGET) == Refused(Refusal.OTHER)
    assert service.autopay == frozenset()


def test_invoice_of_another_account() -> None:
    """An invoice exists only under its own account."""
    asked = InvoiceExists(customer("chen").account, customer("rivera").invoices[0].number)

    assert InvoiceChecked(False) == springfield().answer(asked, BUDGET)


# ── keys ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("R23")
def test_same_key_sends_nothing_more() -> None:
    """A write sent again with its key queues nothing more, and gets the same answer."""
    service = springfield()
    for request in (prefer("rivera"), text("rivera"), autopay("rivera")):
        first = service.answer(request, BUDGET)
        assert first == service.answer(request, BUDGET)

    assert (len(service.emails), len(service.texts), len(service.autopay)) == (1, 1, 1)


def test_refusal_stays_under_its_key() -> None:
    """A refused write is refused again under its key, whatever has changed since."""
    service = springfield()
    refused = service.answer(prefer("dubois", "p1"), BUDGET)
    service.answer(prefer("dubois", "p2", paperless=False), BUDGET)

    assert Refused(Refusal.ALREADY_PAPERLESS) == refused
    assert refused == service.answer(prefer("dubois", "p1"), BUDGET)
    assert Accepted() == service.answer(prefer("dubois", "p3"), BUDGET)


def test_same_key_from_many_threads() -> None:
    """A write that many threads send with one key is done once."""
    service = springfield()
    answers: list[ServiceAnswer] = []
    ready = threading.Barrier(8, timeout=60)

    def send() -> None:
        ready.wait()
        answers.append(service.answer(prefer("rivera"), BUDGET))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [Accepted()] * 8 == answers
    assert len(service.emails) == 1


# ── failures ─────────────────────────────────────────────────────────────────────────────

READS = (by_account("rivera"), InvoiceExists(customer("rivera").account, secret.invoice("1")))
WRITES = (enroll("rivera"), prefer("rivera"))


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("request_", WRITES, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize(
    ("how", "answer", "done"),
    [
        (None, Accepted(), True),
        (Fault.DOWN, Unavailable(), False),
        (Fault.REQUEST_LOST, OutcomeUnknown(), False),
        (Fault.ANSWER_LOST, OutcomeUnknown(), True),
        (Refusal.LIMIT, Refused(Refusal.LIMIT), False),
        (Slow(BUDGET), Accepted(), True),
        (Slow(BUDGET + 1), OutcomeUnknown(), True),
    ],
)
def test_writes_fail_as_scripted(
    request_: ServiceRequest, how: Any, answer: ServiceAnswer, done: bool
) -> None:
    """A write ends as scripted, and is done only if the script says so. After that, all is well."""
    service = springfield(sleep=lambda _: None)
    service.script(type(request_).__name__, how)

    assert answer == service.answer(request_, BUDGET)
    assert (Registration.PENDING if done else Registration.NONE) is water(service, "rivera")

    again = service.answer(request_, BUDGET)
    enrolled_before = done and isinstance(request_, EnrollInPaperless)
    assert (Refused(Refusal.PENDING) if enrolled_before else Accepted()) == again
    assert len(service.emails) == 1


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("request_", READS, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize(
    "how", [Fault.DOWN, Fault.REQUEST_LOST, Fault.ANSWER_LOST, Slow(BUDGET + 1)]
)
def test_reads_that_fail_are_unavailable(request_: ServiceRequest, how: Any) -> None:
    """A read without an answer did nothing: it is unavailable, never unknown."""
    service = springfield(sleep=lambda _: None)
    service.script(type(request_).__name__, how)

    assert Unavailable() == service.answer(request_, BUDGET)
    assert isinstance(service.answer(request_, BUDGET), CustomersFound | InvoiceChecked)


def test_slow_waits_no_longer_than_the_budget() -> None:
    """The back end waits for a slow service, but no longer than the budget."""
    waited: list[float] = []
    service = springfield(sleep=waited.append)
    service.script("SearchByAccountNumber", Slow(1.5), Slow(60.0))

    answers = [service.answer(by_account("rivera"), BUDGET) for _ in range(3)]

    assert waited == [1.5, BUDGET]
    assert CustomersFound((customer("rivera"),)) == answers[0] == answers[2]
    assert Unavailable() == answers[1]


def test_script_is_of_its_operation() -> None:
    """Failures apply to the operation they are scripted for, in order."""
    service = springfield()
    service.script("SendWebLink", Fault.DOWN, None)
    service.script("SendWebLink", Refusal.BAD_PHONE)

    answers = [service.answer(text("rivera", f"t{n}"), BUDGET) for n in range(4)]

    assert [Unavailable(), Accepted(), Refused(Refusal.BAD_PHONE), Accepted()] == answers
    assert Accepted() == service.answer(prefer("rivera"), BUDGET)


def test_script_of_no_operation() -> None:
    """A mistyped operation is reported, with those that exist."""
    with pytest.raises(
        ValueError, match="unknown operation 'Enroll'; must be one of: EnrollInPaperless, "
    ):
        springfield().script("Enroll", Fault.DOWN)


def test_lacking_operation() -> None:
    """An operation that the service lacks is unavailable: nothing is done or sent."""
    service = springfield(OPERATIONS - {"StoreCustomerPreference"})

    assert Unavailable() == service.answer(prefer("rivera"), BUDGET)
    assert (water(service, "rivera"), service.emails) == (Registration.NONE, ())


# ── personal data ────────────────────────────────────────────────────────────────────────

PERSONAL = st.text(min_size=12, max_size=20).map("{}§".format)  # no word in the code


@pytest.mark.requirement("R24")
@settings(deadline=None)
@given(PERSONAL, PERSONAL, PERSONAL)
def test_nothing_personal_shows(one: str, two: str, three: str) -> None:
    """Printing the service, its books, and its outboxes shows none of their values."""
    who = Customer(
        secret.customer(one),
        secret.account(two),
        (Invoice(secret.invoice(three), "WATER"),),
        secret.name(one),
        secret.email(two),
        secret.phone(three),
    )
    books = Books((who,), (Paid(secret.payment(one), who.id, "WATER", who.email),))
    service = MemoryBackend(books)
    service.answer(SendWebLink(who.id, who.account, "WATER", MOBILE, "review", "t1", "t1"), BUDGET)
    service.answer(
        StoreCustomerPreference(who.id, who.account, "WATER", True, ADDRESS, None, "p1", "p1"),
        BUDGET,
    )
    things = (service, books, service.emails, service.texts)

    shown = "".join(f"{thing!r} {thing}" for thing in things)

    values = (one, two, three, MOBILE.reveal(), ADDRESS.reveal(), service.texts[0].link)
    assert [value for value in values if value in shown] == []


# ── a model of it ────────────────────────────────────────────────────────────────────────

BILLS: tuple[Unit, ...] = tuple(
    (who.id, invoice.type)
    for who in map(customer, ("rivera", "ali", "silva", "dubois"))
    for invoice in who.invoices
)
HANDLES = ("rivera", "silva", "dubois")


class AnyService(RuleBasedStateMachine):
    """Writes, repeats, losses, and opened links in any order, compared with the simplest model."""

    def __init__(self) -> None:
        super().__init__()
        self.service = springfield()
        self.bills = {bill: self.service.registration(*bill) for bill in BILLS}
        self.mails = 0
        self.live: dict[Unit, str] = {}
        self.sent: list[tuple[StoreCustomerPreference, ServiceAnswer]] = []

    def pends(self, bill: Unit) -> None:
        """Model a registration that starts, or is replaced."""
        self.bills[bill] = Registration.PENDING
        self.mails += 1
        self.live[bill] = self.service.emails[-1].link

    @rule(bill=st.sampled_from(BILLS), lost=st.sampled_from([None, *Fault]))
    def wish_for_paperless(self, bill: Unit, lost: Fault | None) -> None:
        """Ask for paperless; the answer, or the request, may get lost."""
        key = f"k{len(self.sent)}"
        asked = StoreCustomerPreference(
            bill[0], secret.account("-"), bill[1], True, ADDRESS, None, key, key
        )
        active = self.bills[bill] is Registration.ACTIVE
        well = Refused(Refusal.ALREADY_PAPERLESS) if active else Accepted()
        self.service.script("StoreCustomerPreference", lost)
        answer = self.service.answer(asked, BUDGET)
        if lost is None:
            assert well == answer
        if lost in (None, Fault.ANSWER_LOST):
            self.sent.append((asked, well))
            if not active:
                self.pends(bill)

    @rule(bill=st.sampled_from(BILLS))
    def wish_for_paper(self, bill: Unit) -> None:
        """Ask for paper."""
        key = f"k{len(self.sent)}"
        asked = StoreCustomerPreference(
            bill[0], secret.account("-"), bill[1], False, None, None, key, key
        )
        assert Accepted() == self.service.answer(asked, BUDGET)
        self.sent.append((asked, Accepted()))
        self.bills[bill] = Registration.NONE
        self.live.pop(bill, None)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """Deliver an earlier preference again: it gets the same answer, and nothing changes."""
        asked, well = data.draw(st.sampled_from(self.sent))
        assert well == self.service.answer(asked, BUDGET)

    @rule(handle=st.sampled_from(HANDLES))
    def enroll(self, handle: str) -> None:
        """Pay, and enroll."""
        bill = (customer(handle).id, "WATER")
        expected = {
            Registration.NONE: Accepted(),
            Registration.PENDING: Refused(Refusal.PENDING),
            Registration.ACTIVE: Refused(Refusal.ALREADY_PAPERLESS),
        }[self.bills[bill]]
        assert expected == self.service.answer(enroll(handle, "e"), BUDGET)
        if expected == Accepted():
            self.pends(bill)

    @precondition(lambda self: self.service.emails)
    @rule(data=st.data())
    def open_a_link(self, data: st.DataObject) -> None:
        """Open an e-mailed link; only the latest one for a pending bill does anything."""
        email = data.draw(st.sampled_from(self.service.emails))
        bill = (email.customer, email.invoice_type)
        valid = self.live.get(bill) == email.link
        assert valid == self.service.complete(email.link)
        if valid:
            self.bills[bill] = Registration.ACTIVE
            del self.live[bill]

    @invariant()
    def bills_agree(self) -> None:
        """Every bill is as the model says, and is listed that way."""
        assert self.bills == {bill: self.service.registration(*bill) for bill in BILLS}
        for handle in ("rivera", "ali"):
            found = self.service.answer(by_account(handle), BUDGET)
            assert isinstance(found, CustomersFound)
            for invoice in found.customers[0].invoices:
                now = self.bills[customer(handle).id, invoice.type]
                listed = (now is Registration.ACTIVE, now is Registration.PENDING)
                assert listed == (invoice.paperless, invoice.pending)

    @invariant()
    def emails_agree(self) -> None:
        """An e-mail was queued for every registration, and for nothing else."""
        assert self.mails == len(self.service.emails)


AnyService.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyService = AnyService.TestCase
