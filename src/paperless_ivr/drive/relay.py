"""Ends abandoned calls, and completes the work left over from calls (R31, R32).

Any number of relays can run in parallel. Each works only on items that it has claimed, and a claim
lasts as long as its lease. A write with an unknown outcome is sent again only if a look-up shows
that it was not done. Text messages and AutoPay cannot be looked up, so they are never sent again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Set
from datetime import datetime, timedelta
from functools import partial
from random import uniform
from secrets import token_hex

import structlog
from attrs import evolve, field, frozen

from paperless_ivr.drive.reaping import ABANDONED, reap
from paperless_ivr.drive.requests import RequestRunner
from paperless_ivr.drive.runner import Setup
from paperless_ivr.drive.tokens import TokenSigner
from paperless_ivr.errors import RecordDown, StaleClaim
from paperless_ivr.flow.bills import Status, status
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    OutcomeUnknown,
    Refusal,
    Refused,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import (
    DeferRequest,
    EnrollInPaperless,
    SearchByAccountNumber,
    ServiceRequest,
    StoreCustomerPreference,
    Write,
)
from paperless_ivr.gateways.null import NullGateway
from paperless_ivr.records.port import (
    PAPERLESS_ALREADY,
    ActivityType,
    DeferredRequest,
    Ledger,
    OpenRegistration,
    PendingWrite,
    Task,
    WorkItem,
)
from paperless_ivr.secret import credential

log = structlog.get_logger("paperless_ivr")

AFTER = timedelta(minutes=2)
"""How old a write with an uncertain outcome must be to be looked up. No call waits that long."""
LEASE = timedelta(minutes=5)
"""How long a claim lasts. A look-up and a write together take a few seconds."""
AT_ONCE = 20
"""How many items of one task are claimed together. The lease must be long enough for all."""
GIVE_UP = timedelta(days=14)
"""How long an item is retried, unless it waits for a link to be opened. By then, the caller and the
biller will have been in touch."""
FOLLOWED = timedelta(days=60)
"""How long to check on a pending registration. Links work for about a week, and can be resent."""
FIRST, LONGEST = 60.0, 6 * 3600.0
"""The first and the longest wait before a retry, in seconds. The wait doubles each time. Up to
`FIRST` is added at random, without exceeding `LONGEST`."""
DOUBLINGS = 9
"""The maximum number of doublings. After that many, the wait exceeds six hours anyway."""

DONE_ALREADY = (Refusal.ALREADY_PAPERLESS, Refusal.PENDING)
"""Refusals that mean a request to go paperless is already fulfilled."""


Export = Callable[[DeferRequest], None]
"""A function that hands a request to the biller. If the relay crashes, or the record fails, before
this is on record, the function gets the same request again."""


Wanted = EnrollInPaperless | StoreCustomerPreference | DeferRequest


def is_as(found: Customer, wanted: Wanted) -> bool:
    """Whether a look-up shows that a bill is already in the requested state.

    A registration overwrites the address on file, so a pending registration with a different
    address is not the one that was requested.
    """
    now = status(found.invoices)
    if isinstance(wanted, EnrollInPaperless):
        return now is not Status.PAPER
    if not wanted.paperless:
        return now is Status.PAPER
    same = wanted.email is None or wanted.email == found.email
    return now is Status.PAPERLESS or (now is Status.PENDING and same)


@frozen
class Relay:
    """Completes the work left over from one biller's calls."""

    setup: Setup
    ledger: Ledger
    export: Export | None = None
    """Handles requests that no operation of the service can fulfill."""
    after: timedelta = AFTER
    abandoned: timedelta = ABANDONED
    holder: str = field(factory=lambda: token_hex(8))
    _calls: RequestRunner = field(init=False, repr=False)

    @_calls.default
    def _make_calls(self) -> RequestRunner:
        return RequestRunner(self.setup, NullGateway(), TokenSigner(credential(token_hex())))

    def round(self) -> Mapping[str, int]:
        """End abandoned calls, work once on each item that is due, and count the outcomes.

        The number of abandoned calls is under `taken_up`. If the record fails, the round ends with
        the outcome `record_down`. Later rounds continue with the remaining items.
        """
        came_to: Counter[str] = Counter()
        try:
            self._work_on_all(came_to)
        except RecordDown as down:
            log.warning("relay.record_down", error=str(down))
            came_to["record_down"] += 1
        return came_to

    def _work_on_all(self, came_to: Counter[str]) -> None:
        if taken_up := reap((self._calls,), self.abandoned):
            came_to["taken_up"] = taken_up
        for task in (Task.SETTLE, Task.COMPLETE, Task.FOLLOW):
            due = self._now() - (self.after if task is Task.SETTLE else timedelta())
            claim = partial(self.ledger.claim, task, self._biller, self.holder, LEASE, due, AT_ONCE)
            open_writes = self.ledger.unsettled(self._now()) if task is Task.COMPLETE else ()
            unsettled = frozenset(write.key for write in open_writes)
            while items := claim():
                came_to.update(self._worked(item, unsettled) for item in items)

    @property
    def _biller(self) -> str:
        return self.setup.flow.terms.policy.biller.id

    def _now(self) -> datetime:
        return self.setup.clock()

    def _worked(self, left: WorkItem, unsettled: Set[str]) -> str:
        """Work on one item. If that fails, the item is retried later."""
        try:
            came_to = self._work(left, unsettled)
        except RecordDown:
            raise  # without the record, no other item can be worked on
        except StaleClaim:
            came_to = "taken"
        except Exception as error:  # noqa: BLE001 - a failure of one item must not affect the others
            log.error("relay.failed", task=type(left).__name__, error=type(error).__name__)
            came_to = "failed"
        log.info("relay.worked", task=type(left).__name__, came_to=came_to, attempt=left.attempts)
        return came_to

    def _work(self, left: WorkItem, unsettled: Set[str]) -> str:
        match left:
            case PendingWrite():
                return self._settle(left)
            case DeferredRequest() if left.key in unsettled:
                return self._later(left, "unsettled")  # this request may already be fulfilled
            case DeferredRequest():
                return self._complete(left)
            case OpenRegistration():
                return self._follow(left)

    # ── a write with an unknown outcome ──

    def _settle(self, left: PendingWrite) -> str:
        write = left.write
        if not isinstance(write, EnrollInPaperless | StoreCustomerPreference):
            # Text messages and AutoPay cannot be looked up, so they are never sent twice.
            return self._finished(left, ActivityType.GIVEN_UP, "not_repeated")
        there = self._looked_up(write)
        if there is None:
            return self._later(left, "unclear")
        if is_as(there, write):
            self.ledger.settle(write.key, Accepted())
            return "settled"
        return self._sent(left, write)

    def _sent(
        self,
        left: PendingWrite | DeferredRequest,
        write: EnrollInPaperless | StoreCustomerPreference,
    ) -> str:
        """Send a write after a look-up has shown that it was not done, and settle it."""
        answer = self._asked(write)
        to_paper = isinstance(write, StoreCustomerPreference) and not write.paperless
        if isinstance(answer, Refused) and answer.reason in DONE_ALREADY and not to_paper:
            answer = Accepted()
        lost = isinstance(answer, Unavailable) and isinstance(left, PendingWrite)
        if not lost:  # the first attempt may have succeeded even if this one failed
            self.ledger.settle(write.key, answer)
        if isinstance(answer, Unavailable | OutcomeUnknown):
            return self._later(left, "unavailable")
        if isinstance(answer, Refused) and isinstance(left, DeferredRequest):
            return self._finished(left, ActivityType.GIVEN_UP, answer.reason.value)
        return "refused" if isinstance(answer, Refused) else "sent"

    # ── a deferred request ──

    def _complete(self, left: DeferredRequest) -> str:
        request = left.request
        there = self._looked_up(request)
        if there is not None and is_as(there, request):
            if status(there.invoices) is Status.PENDING:
                return self._waiting(left)
            reason = PAPERLESS_ALREADY if request.paperless else "on_paper_already"
            return self._finished(left, ActivityType.COMPLETED, reason)
        if StoreCustomerPreference.__name__ not in self.setup.backend.operations:
            return self._handed_over(left)
        if there is None:
            return self._later(left, "unclear")
        write = StoreCustomerPreference(
            customer=request.customer,
            account=request.account,
            invoice_type=request.invoice_type,
            paperless=request.paperless,
            email=request.email,
            phone=request.phone,
            consent=request.consent,
            key=request.key,
            language=request.language,
        )
        forbidden = self.ledger.intend(write, left.evidence, self.setup.limits)
        if forbidden is not None:
            return self._later(left, forbidden.reason.value)
        return self._sent(left, write)

    def _handed_over(self, left: DeferredRequest) -> str:
        """Export a request that no operation can fulfill, if `export` is set."""
        if self.export is None:
            return self._later(left, "no_operation")
        self.export(left.request)
        return self._finished(left, ActivityType.EXPORTED)

    # ── a registration whose link has not been opened ──

    def _follow(self, left: OpenRegistration) -> str:
        there = self._looked_up(left.write)
        if there is not None and status(there.invoices) is Status.PAPERLESS:
            return self._finished(left, ActivityType.COMPLETED)
        if there is not None and status(there.invoices) is Status.PAPER:
            return self._finished(left, ActivityType.EXPIRED, "on_paper_again")
        return self._waiting(left)

    def _waiting(self, left: DeferredRequest | OpenRegistration) -> str:
        """Check again later whether the link was opened, until `FOLLOWED` has passed."""
        if self._now() - left.at > FOLLOWED:
            return self._finished(left, ActivityType.EXPIRED, "not_opened")
        return self._later(left, "pending", give_up=False)

    # ── the service ──

    def _looked_up(self, about: Write | DeferRequest) -> Customer | None:
        """Return the customer with only the invoices that show how bills of this type are sent.

        Return None if the look-up fails, or does not find any.
        """
        found = self._asked(SearchByAccountNumber(about.account))
        if not isinstance(found, CustomersFound):
            return None
        for customer in found.customers:
            bills = tuple(
                invoice
                for invoice in customer.invoices
                if invoice.type == about.invoice_type
                and (invoice.pending or invoice.paperless is not None)
            )
            if customer.id == about.customer and bills:
                return evolve(customer, invoices=bills)
        return None

    def _asked(self, request: ServiceRequest) -> ServiceAnswer:
        answer = self.setup.backend.answer(request, self.setup.budget(request))
        log.info("service.answered", operation=type(request).__name__, answer=type(answer).__name__)
        return answer

    # ── the record ──

    def _finished(self, left: WorkItem, how: ActivityType, reason: str = "") -> str:
        if how is ActivityType.GIVEN_UP:
            log.warning("relay.gave_up", task=type(left).__name__, reason=reason)
        self.ledger.finish(left, self.holder, how, reason)
        return how.value

    def _later(self, left: WorkItem, why: str, *, give_up: bool = True) -> str:
        """Retry an item later, at growing intervals. After `GIVE_UP`, give up with a warning."""
        if give_up and self._now() - left.at > GIVE_UP:
            return self._finished(left, ActivityType.GIVEN_UP, why)
        doubled = FIRST * 2 ** min(left.attempts - 1, DOUBLINGS)
        wait = min(doubled + uniform(0, FIRST), LONGEST)  # noqa: S311 - no secret depends on it
        self.ledger.release(left, self.holder, self._now() + timedelta(seconds=wait))
        return why
