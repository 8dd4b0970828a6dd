"""The service does the same as the in-memory back end, whatever is asked in whatever order."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from paperless_ivr import secret
from paperless_ivr.backends.demo import BOOKS, CUSTOMERS, payment, springfield
from paperless_ivr.cloudivr.database import opened
from paperless_ivr.cloudivr.links import Links
from paperless_ivr.cloudivr.operations import CloudIVR
from paperless_ivr.cloudivr.outbox import outbox
from paperless_ivr.cloudivr.words import Standing
from paperless_ivr.flow.requests import (
    EnrollInPaperless,
    InvoiceExists,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    ServiceRequest,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
)
from paperless_ivr.testing.contracts import check_backend
from tests.cloudivr.benches import Bench
from tests.cloudivr.direct import DirectBackend
from tests.counts import heavy

Fresh = Callable[[], Bench]


@pytest.mark.requirement("R12", "R21", "R22", "R23")
def test_contract(fresh: Fresh) -> None:
    """The reference service keeps every promise of a back end."""
    check_backend(lambda: DirectBackend(fresh().service))


CUSTOMER = st.sampled_from(list(CUSTOMERS.values()))
PAYER = st.sampled_from([*CUSTOMERS])
TYPE = st.sampled_from(["WATER", "SEWER", "GAS", "PERMIT", "NONE"])
EMAIL = st.sampled_from(["a@example.com", "b@example.org", "no address", "@", "", "x@localhost"])
PHONE = st.sampled_from(
    ["+12175550101", "2175550106", "12175550114", "(217) 555-0114", "", "5550101", "+16185550107"]
)
KEY = st.sampled_from(["k1", "k2", "k3", "k4", "k5", "k6"])


class AsInMemory(RuleBasedStateMachine):
    """Any requests and opened links, sent to both."""

    seeded: Path

    @initialize()
    def begin(self) -> None:
        """Start with both in their initial state."""
        self.folder = TemporaryDirectory()
        shutil.copy(self.seeded, self.folder.name)
        self.engine = opened(f"sqlite:///{self.folder.name}/{self.seeded.name}")
        self.service = CloudIVR(self.engine, lambda: "http://billing.test", daily_messages=1000)
        self.memory = springfield()

    def teardown(self) -> None:
        """Remove the database."""
        if hasattr(self, "engine"):
            self.engine.dispose()
            self.folder.cleanup()

    def same(self, request: ServiceRequest) -> None:
        """Assert that both answer alike."""
        answer = DirectBackend(self.service).answer(request, 1.0)
        assert self.memory.answer(request, 1.0) == answer

    @rule(who=CUSTOMER)
    def search(self, who) -> None:
        """Search by account number."""
        self.same(SearchByAccountNumber(who.account))

    @rule(number=PHONE)
    def search_by_phone(self, number: str) -> None:
        """Search by telephone number."""
        self.same(SearchByCustomerPhoneNumber(secret.phone(number)))

    @rule(who=CUSTOMER, other=CUSTOMER)
    def invoice(self, who, other) -> None:
        """Ask whether an invoice exists."""
        for invoice in (who.invoices or other.invoices)[:1]:
            self.same(InvoiceExists(other.account, invoice.number))
            self.same(InvoiceExists(who.account, invoice.number))

    @rule(handle=PAYER)
    def enroll(self, handle: str) -> None:
        """Enroll after a payment."""
        who = CUSTOMERS[handle]
        self.same(EnrollInPaperless(payment(handle).guid, who.id, who.account, "WATER", "c", "k"))

    @rule(who=CUSTOMER, kind=TYPE, paperless=st.booleans(), email=EMAIL, phone=PHONE, key=KEY)
    def prefer(self, *, who, kind: str, paperless: bool, email: str, phone: str, key: str) -> None:
        """Ask for paperless or paper."""
        to = secret.email(email) if email else None
        mobile = secret.phone(phone) if phone else None
        self.same(
            StoreCustomerPreference(who.id, who.account, kind, paperless, to, mobile, key, key)
        )

    @rule(who=CUSTOMER, kind=TYPE, phone=PHONE, key=KEY)
    def text(self, who, kind: str, phone: str, key: str) -> None:
        """Text a link."""
        number = secret.phone(phone)
        self.same(SendWebLink(who.id, who.account, kind, number, "review", key, key))

    @rule(handle=PAYER, other=PAYER, own=st.booleans(), kind=TYPE, key=KEY)
    def autopay(self, *, handle: str, other: str, own: bool, kind: str, key: str) -> None:
        """Ask for AutoPay, even for a bill that does not belong to the payment."""
        who, guid = CUSTOMERS[handle if own else other], payment(handle).guid
        bill = next(p.invoice_type for p in BOOKS.payments if p.payment == guid) if own else kind
        self.same(StoreCustomerPaymentMethodV2(guid, who.id, who.account, bill, key, key))

    @rule(blank=st.sampled_from(["", " ", "\t"]), who=CUSTOMER)
    def blank(self, blank: str, who) -> None:
        """Read without a subject."""
        for request in (
            SearchByAccountNumber(secret.account(blank)),
            SearchByCustomerPhoneNumber(secret.phone(blank)),
            InvoiceExists(who.account, secret.invoice(blank)),
        ):
            self.same(request)

    @precondition(lambda self: self.memory.emails or self.memory.texts)
    @rule(data=st.data())
    def open_a_link(self, data: st.DataObject) -> None:
        """Open any link that was sent. Both queues must be alike, too."""
        here = outbox(self.engine, datetime.now(UTC))
        ours, theirs = here.emails + here.texts, self.memory.emails + self.memory.texts
        assert [(m.to, m.customer, m.invoice_type) for m in theirs] == [
            (m.to, m.customer, m.invoice_type) for m in ours
        ]
        at = data.draw(st.integers(0, len(ours) - 1))
        token = ours[at].link.rpartition("/")[2]
        done = Links(self.service).complete(token).standing is Standing.DONE
        assert self.memory.complete(theirs[at].link) == done


@pytest.mark.prove
@pytest.mark.requirement("R21", "R22")
def test_any_requests(sqlite: Path) -> None:
    """Any requests get the same answers, and have the same effects."""
    AsInMemory.seeded = sqlite
    case = AsInMemory.TestCase()
    case.settings = settings(max_examples=heavy(12, 40), stateful_step_count=30, deadline=None)
    case.runTest()
