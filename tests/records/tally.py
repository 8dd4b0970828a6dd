"""A count of a day of calls that reads no line of the record.

It sees what a driver's observer sees, what the host got back, what the service answered, and what
was done after the calls.
"""

from attrs import define, evolve, field

from paperless_ivr.flow.call import Purpose, Source
from paperless_ivr.flow.events import Accepted, Digits, RequestDeferred
from paperless_ivr.flow.host import Identity, Registration
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.requests import EnrollInPaperless, StoreCustomerPreference
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.records.funnel import HandOver, Link, Loss, Spelled, Stage, WayEnd
from paperless_ivr.records.port import ActivityType, Task, task_of

OFFERS = {State.OFFER, State.OFFER_IN_FULL, State.OFFER_AT_START}
ACCEPTED = {Phase.IDENTITY, Phase.BILL, Phase.ADDRESS, Phase.EMAIL, Phase.TEXT, Phase.PAPER}


@define
class Told:
    """The known facts about one hand-over."""

    began: object
    arrival: object
    stage: Stage = Stage.HANDED_OVER
    language: str = ""
    consents: tuple = ()
    registered: set = field(factory=set)
    opened: set = field(factory=set)
    ways: dict = field(factory=dict)
    """The consents that resulted, by the outcome of each way that was not left."""
    spelled: Spelled = Spelled()
    waited: bool = False
    """The caller could stay on the line for a texted link."""

    def moved(self, before, event, turn, took):
        """Note that the call has moved, some time after it asked."""
        call, was = turn.call, before.call
        if OFFERS & {was.state, call.state}:
            self.stage = max(self.stage, Stage.OFFERED)
            self.language = call.language
        known = was.state in OFFERS and call.found
        if was.state in OFFERS and call.state.phase in ACCEPTED:
            self.stage = Stage.ACCEPTED
        proved = call.found and call.identity >= Identity.LAST_FOUR_KEYED
        if self.stage is Stage.ACCEPTED and proved and (known or was.state not in OFFERS):
            self.stage = Stage.IDENTIFIED
        self.consents = tuple(c.reference for c in call.consents if c.purpose is Purpose.ENROLL)
        self.registered |= {
            outcome.consent
            for outcome in call.results.outcomes
            if outcome.registration is Registration.PENDING
        }
        self._addressed(was, event, call, took)
        self.waited = self.waited or call.state is State.LINK_WAIT
        self.opened |= {
            outcome.consent
            for outcome in call.results.outcomes
            if outcome.registration is Registration.ACTIVE
        }

    def _addressed(self, was, event, call, took):
        """Note which ways to an address were mentioned, and what spelling one took."""
        contact = call.contact
        for way in (contact.source and WAYS[contact.source], *contact.used):
            if way:
                self.ways.setdefault(way, set())
        if len(call.consents) > len(was.consents) and call.consents[-1].purpose is Purpose.ENROLL:
            self.ways[WAYS[contact.source]].add(call.consents[-1].reference)
        if call.state is State.TRANSFERRING and not contact.source and contact.used:
            self.ways[contact.used[-1]].add("an agent")
        if was.state.name.startswith("EMAIL_"):
            pressed = isinstance(event, Digits)
            keys = len(event.keys.reveal()) + (event.ended.name == "END_KEY") if pressed else 0
            fixes = call.spent.fixes - was.spent.fixes
            self.spelled += Spelled(0, keys, fixes if pressed else 0, took)


WAYS = {
    Source.PAYMENT: Strategy.ON_FILE,
    Source.ON_FILE: Strategy.ON_FILE,
    Source.LINK: Strategy.TEXT_LINK,
    Source.KEYED: Strategy.KEYPAD,
}


@define
class Tally:
    """Counts a day, between the driver and the service."""

    backend: object
    clock: object
    told: dict = field(factory=dict)
    wanted: list = field(factory=list)
    """Kept requests and accepted writes, in order: the kind, the consent, and the bill."""
    late: dict = field(factory=dict)
    """Consents whose writes turned out to be accepted after the calls, and when they were sent."""
    came: dict = field(factory=dict)
    """How unfinished work ended, by task and key."""

    @property
    def operations(self):
        """The operations of the service."""
        return self.backend.operations

    def answer(self, request, budget):
        """Answer as the service does, and count what it has accepted."""
        answer = self.backend.answer(request, budget)
        if isinstance(request, EnrollInPaperless | StoreCustomerPreference):
            kind = "paperless" if getattr(request, "paperless", True) else "paper"
            kind = kind if isinstance(answer, Accepted) else "not accepted"
            self.wanted.append((kind, request.consent, (request.customer, request.invoice_type)))
        return answer

    def moved(self, move):
        """Note that the call has moved."""
        if move.before is None:
            return
        before, event, turn = move.before, move.event, move.after.turn
        host = turn.call.host
        known = self.told.setdefault(host.reference, Told(self.clock(), host))
        known.moved(before, event, turn, move.after.asked_at - move.before.asked_at)
        if isinstance(event, RequestDeferred):
            wish = turn.call.results.outcomes[-1]
            self.wanted.append(("wish", wish.consent, (wish.customer, wish.invoice_type)))

    def done_later(self, came):
        """Note something that was done after the calls."""
        key, task = came.left.key, task_of(came.left)
        if isinstance(came.to, ActivityType):
            self.came[task, key] = (came.to, came.reason)
        elif isinstance(came.to, Accepted):
            self._accepted_late(came.left.write)

    def _accepted_late(self, write):
        if isinstance(write, EnrollInPaperless | StoreCustomerPreference):
            kind = "paperless" if getattr(write, "paperless", True) else "paper"
            bill = (write.customer, write.invoice_type)
            self.late[write.consent] = self.wanted.index(("not accepted", write.consent, bill))
            self.wanted.append((kind, write.consent, bill))

    def handed_over(self, taken, reference):
        """Note a hand-over that ended with its first turn."""
        self.told.setdefault(reference, Told(self.clock(), taken.arrival))

    # ── the results ──

    def hand_over(self, reference, handback, ledger):
        """Return a hand-over as the report should see it."""
        known = self.told[reference]
        stage, afterwards = known.stage, ("", "")
        for consent in known.consents:
            furthest, came = self._fate(consent, known, ledger)
            if furthest >= stage:
                stage, afterwards = furthest, came
        if stage is Stage.COMPLETED:
            afterwards = ("", "")
        loss = Loss(stage, handback.disposition.value, handback.reason.value, *afterwards)
        moment = known.arrival.moment.value
        link = None
        if known.waited:
            late = Link.LATER if stage is Stage.COMPLETED else Link.NOT_OPENED
            link = Link.ON_LINE if known.opened else late
        ways = tuple((way, self._end(known, of)) for way, of in known.ways.items())
        spelled = evolve(known.spelled, number=1) if known.spelled.keys else Spelled()
        biller, began = known.arrival.biller, known.began
        return HandOver(biller, began, moment, known.language, loss, link, ways, spelled)

    def _end(self, known, consents):
        """Return the outcome of a way to an address."""
        if any(self._opened(consent, known) for consent in consents):
            return WayEnd.FINISHED
        return WayEnd.TAKEN if consents else WayEnd.LEFT

    def _opened(self, consent, known):
        """Return whether the service says that the bill comes by e-mail."""
        followed = self.came.get((Task.FOLLOW, consent))
        return consent in known.opened or (followed and followed[0] is ActivityType.COMPLETED)

    def _fate(self, consent, known, ledger):
        """Return how far one consent got, and its outcome."""
        accepted = ("paperless", consent) in {(kind, of) for kind, of, _ in self.wanted}
        followed, wish = (
            self.came.get((Task.FOLLOW, consent)),
            self.came.get((Task.COMPLETE, consent)),
        )
        stage = Stage.CONFIRMED
        if (
            accepted
            or consent in known.registered
            or wish == (ActivityType.COMPLETED, "pending_already")
        ):
            stage = Stage.REGISTERED
        if self._opened(consent, known):
            stage = Stage.COMPLETED
        for name, left in ledger.items():
            if consent in left:
                return stage, (name, "")
        how = followed or wish or self.came.get((Task.SETTLE, consent)) or self._outdated(consent)
        return stage, (how[0].value, how[1]) if how else ("", "")

    def _outdated(self, consent):
        """Return the effect of a later request or write for the same bill."""
        mine = [
            n for n, (kind, of, _) in enumerate(self.wanted) if of == consent and "not" not in kind
        ]
        if not mine:
            return None
        (kind, _, bill), since = self.wanted[mine[-1]], self.late.get(consent, mine[-1])
        for later, of, other in self.wanted[since + 1 :]:
            taken = later in ("paperless", "paper") or (later == "wish" and kind == "wish")
            if (other, of != consent, taken) == (bill, True, True):
                paper = later == "paper" and kind == "paperless" and consent not in self.late
                return (ActivityType.CANCELED if paper else ActivityType.SUPERSEDED), ""
        return None
