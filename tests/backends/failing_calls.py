"""A call for each operation, in which only that operation fails, and what is heard then."""

import io
import time
from collections.abc import Iterable, Mapping

from attrs import define, evolve, field, frozen

from paperless_ivr.backends.port import Backend
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import arrival, demo_policy
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import OutcomeUnknown, ServiceAnswer, Unavailable
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Handback, Identity, Moment
from paperless_ivr.flow.policy import AutoPay, Budgets, Policy
from paperless_ivr.flow.requests import ServiceRequest
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores

TERMS = "The bill is drawn on its due date; call us to stop."

SHIPPED = demo_policy()
POLICY: Policy = evolve(
    SHIPPED,
    offer=evolve(SHIPPED.offer, one_question=()),
    text=evolve(SHIPPED.text, after_enrolment=tuple(Moment)),
)
"""The policy as shipped, except that every operation has its own question."""
AUTOPAY = AutoPay(offer=True, terms={"en-US": TERMS, "es-US": TERMS})
IMPATIENT = Budgets(read=1.0, write=1.0)
"""For failures that use up all the time."""
SOME = 0.5
"""Seconds by which a back end may exceed its budget. The driver waits a whole one."""


def _arrives(moment: Moment) -> Arrival:
    return evolve(
        arrival("call-1", POLICY.biller.id, moment, "rivera", "en-US"),
        identity=Identity.ACCOUNT_KEYED if moment is not Moment.START else Identity.NONE,
    )


def _account_given() -> Arrival:
    coming = _arrives(Moment.BEFORE_PAYMENT)
    paid = arrival("call-1", POLICY.biller.id, Moment.AFTER_PAYMENT, "rivera", "en-US").payment
    assert paid is not None
    return evolve(coming, account=paid.account)


CALLS: Mapping[str, tuple[Arrival, str]] = {
    "SearchByCustomerPhoneNumber": (_arrives(Moment.START), "1 1137# 1"),
    "SearchByAccountNumber": (_account_given(), "1 1"),
    "InvoiceExists": (_account_given(), "1 1"),
    "StoreCustomerPreference": (_account_given(), "1 1"),
    "SendWebLink": (_account_given(), "1 1 1"),
    "EnrollInPaperless": (_arrives(Moment.AFTER_PAYMENT), "1 1"),
    "StoreCustomerPaymentMethodV2": (_arrives(Moment.AFTER_PAYMENT), "1 1 1"),
}
"""For each operation, a call that uses it, and the keys that the caller presses before silence."""


@define
class OneFails:
    """A back end that sends one operation to a broken service."""

    operation: str
    healthy: SoapBackend
    broken: SoapBackend
    heard: io.StringIO
    answers: list[ServiceAnswer] = field(factory=list)
    """The outcome of the broken operation, for each time that it was called."""
    failed_at: int | None = None
    """How much had been heard by then."""
    pending: int = 0
    slow: bool = False
    """The machine was slow: the healthy service did not answer, or a back end exceeded its budget.
    """

    @property
    def operations(self) -> frozenset[str]:
        """All seven operations."""
        return self.healthy.operations

    def answer(self, request: ServiceRequest, budget: float) -> ServiceAnswer:
        """Answer, or fail."""
        fails = type(request).__name__ == self.operation
        self.pending += 1
        began = time.monotonic()
        answer = (self.broken if fails else self.healthy).answer(request, budget)
        self.pending -= 1
        self.slow |= time.monotonic() - began > budget + SOME
        if fails:
            self.answers.append(answer)
            self.failed_at = self.heard.tell()
        else:
            self.slow |= isinstance(answer, Unavailable | OutcomeUnknown)
        return answer


@frozen
class Held:
    """A completed call."""

    answers: tuple[ServiceAnswer, ...]
    heard_next: str
    """The words said after the failure, until the next key press or the end of the call."""
    handback: Handback
    in_time: bool
    """Nothing took too long because the machine was busy."""


def hold(operation: str, healthy: SoapBackend, broken: SoapBackend, *, late: bool) -> Held:
    """Run the operation's call; `late` if the broken service uses up all the time."""
    coming, keys = CALLS[operation]
    heard = io.StringIO()
    backend = OneFails(operation, healthy, broken, heard)
    policy = evolve(POLICY, budgets=IMPATIENT) if late else POLICY
    if operation == "StoreCustomerPaymentMethodV2":
        policy = evolve(policy, autopay=AUTOPAY)
    handback = _run(policy, backend, coming, (*tokens(keys), *("-",) * 12), heard)
    said = heard.getvalue()[backend.failed_at :]
    until = said.partition("\n  (")[0] if not said.startswith("  (") else ""
    in_time = not backend.slow and backend.pending == 0
    return Held(tuple(backend.answers), " ".join(until.split()), handback, in_time)


def _run(
    policy: Policy, backend: Backend, coming: Arrival, script: Iterable[str], out: io.StringIO
) -> Handback:
    catalog = Catalog.of(policy)
    record = MemoryRecord()
    store = SeparateStores(record, MemoryLiveCalls())
    driver = Driver(Setup(Flow(Terms(policy)), catalog, backend, store))
    return driver.converse(TerminalGateway(catalog, out, None, script), coming)
