"""What the record is told of a call: offers, answers, consents with their exact words (R30)."""

from collections.abc import Callable
from datetime import datetime

from attrs import define, field

from paperless_ivr.drive.live import Live
from paperless_ivr.flow.call import Call, Consent
from paperless_ivr.flow.events import Event
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Return, Turn
from paperless_ivr.prompts import Catalogue, said
from paperless_ivr.records.port import Activity, Evidence, Record, What
from paperless_ivr.secret import Secret

OFFERS = (State.OFFER_AT_START, State.OFFER)


@define
class Witness:
    """Tells the record of one call what happened, and keeps the evidence of its consents."""

    arrival: Arrival
    record: Record
    catalogue: Catalogue
    policy_version: str
    clock: Callable[[], datetime]
    evidence: dict[str, Evidence] = field(factory=dict)
    _asked: tuple[Turn, datetime] | None = None

    def arrived(self, turn: Turn) -> None:
        """The host handed the call over, and this is its first turn."""
        moment = self.arrival.moment.value
        self._note(What.ARRIVED, State.GREETING, {"moment": moment})
        self._ended(turn)

    def asked(self, turn: Turn) -> None:
        """The turn is about to be spoken: a yes to it is one to these words."""
        self._asked = (turn, self.clock())

    def asks(self, turn: Turn) -> None:
        """The turn is about to be spoken: an offer goes on record."""
        if turn.call.state in OFFERS:
            known = () if self.arrival.account is None else (self.arrival.account,)
            detail = {"language": turn.call.language or ""}
            self._note(What.OFFERED, turn.call.state, detail, accounts=known)

    def hears(self, before: Live, call: Call) -> tuple[Consent, ...]:
        """The consents that a move brought, each with its evidence from then on."""
        given = call.consents[len(before.call.consents) :]
        for consent in given:
            if consent.reference not in self.evidence:
                self.evidence[consent.reference] = self._witnessed(consent)
        return given

    def moved(self, before: Live, event: Event, turn: Turn) -> None:
        """The call has moved."""
        call = turn.call
        given = self.hears(before, call)
        detail = {"event": type(event).__name__, "rows": "; ".join(turn.took)}
        self._note(What.ANSWERED, call.state, detail)
        if call.spent.last_four > before.call.spent.last_four:
            accounts = tuple(customer.account for customer in before.call.found)
            self._note(What.LAST_FOUR_MISSED, call.state, {}, accounts=accounts)
        for consent in given:
            self._note(
                What.CONSENTED,
                call.state,
                {"purpose": consent.purpose.value, "reference": consent.reference},
                evidence=self.evidence[consent.reference],
            )
        self._ended(turn)

    def _ended(self, turn: Turn) -> None:
        """Notes the end, where it is one; some calls end with their first turn."""
        if isinstance(turn.then, Return):
            ending = turn.then.handback
            detail = {"disposition": ending.disposition.value, "reason": ending.reason.value}
            known = () if ending.account is None else (ending.account,)
            self._note(What.ENDED, turn.call.state, detail, accounts=known)

    def _witnessed(self, consent: Consent) -> Evidence:
        now = self.clock()
        turn, asked = self._asked or (None, now)
        heard = [p for p in turn.say if p.must_hear] if turn else []
        return Evidence(
            consent=consent,
            words=said(heard, consent.language, self.catalogue),
            words_version=self.catalogue.digest,
            asked=asked,
            answered=now,
            call_id=self.arrival.call_id,
            policy_version=self.policy_version,
            ani=self.arrival.ani,
        )

    def _note(
        self,
        what: What,
        state: State,
        detail: dict[str, str],
        *,
        accounts: tuple[Secret, ...] = (),
        evidence: Evidence | None = None,
    ) -> None:
        activity = Activity(
            what=what,
            call_id=self.arrival.call_id,
            biller=self.arrival.biller,
            policy_version=self.policy_version,
            at=self.clock(),
            state=state.name,
            ani=self.arrival.ani,
            accounts=accounts,
            detail={"handover": self.arrival.reference, **detail},
            evidence=evidence,
        )
        self.record.note(activity)
