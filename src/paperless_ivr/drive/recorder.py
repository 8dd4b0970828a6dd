"""Records what happens in a call: offers, answers, and consents with their exact words (R30)."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import evolve, frozen

from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.session import Session
from paperless_ivr.flow.call import Call, Consent
from paperless_ivr.flow.events import (
    Digits,
    Ended,
    Event,
    LimitReached,
    Refusal,
    Refused,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Identity, Registration
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.flow.turns import Return
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.records.port import Activity, ActivityType, Evidence, about
from paperless_ivr.secret import Secret

OFFERS = (State.OFFER_AT_START, State.OFFER_IN_FULL, State.OFFER)


@frozen
class ActivityRecorder:
    """Determines what each move puts on record. The runner commits it."""

    flow: Flow
    catalog: Catalog

    @property
    def policy_version(self) -> str:
        """The version of the policy that calls run under."""
        return self.flow.terms.policy.about.version

    def evidence(self, before: Session, call: Call, now: datetime) -> Mapping[str, Evidence]:
        """Return the evidence of every consent, including those that a move just added."""
        given = call.consents[len(before.call.consents) :]
        new = {consent.reference: self._evidence(before, consent, now) for consent in given}
        return {**new, **before.evidence}

    def _evidence(self, asked: Session, consent: Consent, now: datetime) -> Evidence:
        heard = [prompt for prompt in self.flow.turn(asked.call).say if prompt.must_hear]
        return Evidence(
            consent=consent,
            words=said(heard, consent.language, self.catalog),
            words_version=self.catalog.digest,
            asked=asked.asked_at,
            answered=now,
            call_id=asked.call_id,
            policy_version=self.policy_version,
            ani=asked.call.host.ani,
            edition=asked.call.host.edition,
        )

    def activities(self, move: Move) -> tuple[Activity, ...]:
        """Return a move's activities: what happened, then any offer or end that it led to."""
        happened = self._arrived(move) if move.before is None else self._answered(move)
        return (*happened, *self._next(move.after))

    def _arrived(self, move: Move) -> Iterator[Activity]:
        detail = {"moment": move.after.call.host.moment.value}
        yield evolve(
            self._line(ActivityType.ARRIVED, move.after, detail), state=State.GREETING.name
        )

    def _answered(self, move: Move) -> Iterator[Activity]:
        assert move.before is not None
        before, after = move.before, move.after
        way = way_turned_to(before.call, after.call)
        detail = {
            "event": type(move.event).__name__,
            "rows": "; ".join(after.turn.took),
            **({"way": way.value} if way else {}),
            **_spelled(before.call, move.event, after.call),
        }
        yield self._line(ActivityType.ANSWERED, after, detail)
        if after.call.spent.last_four > before.call.spent.last_four:
            accounts = tuple(customer.account for customer in before.call.found)
            yield self._line(ActivityType.LAST_FOUR_MISSED, after, {}, accounts)
        for key in after.call.reserved.matched[len(before.call.reserved.matched) :]:
            unanswered = isinstance(move.event, Unavailable)
            what = ActivityType.UNANSWERED if unanswered else ActivityType.MATCHED
            yield self._line(what, after, {"key": key})
        match move.event:
            case LimitReached(limit) | Refused(Refusal.LIMIT, limit):
                yield self._line(ActivityType.LIMITED, after, {"limit": limit})
        for consent in after.call.consents[len(before.call.consents) :]:
            given = self._line(ActivityType.CONSENTED, after, about(consent))
            yield evolve(given, evidence=after.evidence[consent.reference])
        known = before.call.results.outcomes
        for outcome in after.call.results.outcomes:
            if outcome.registration is Registration.ACTIVE and outcome not in known:
                consent = after.evidence[outcome.consent].consent
                yield self._line(ActivityType.OPENED, after, about(consent))

    def _next(self, after: Session) -> Iterator[Activity]:
        state = after.call.state
        if state in OFFERS and not after.hung_up:
            host = after.call.host
            detail = {"language": after.call.language or ""}
            yield self._line(
                ActivityType.OFFERED, after, detail, _shown(host.account, host.identity)
            )
        if isinstance(after.turn.then, Return):
            back = after.turn.then.handback
            detail = {"disposition": back.disposition.value, "reason": back.reason.value}
            yield self._line(ActivityType.ENDED, after, detail, _shown(back.account, back.identity))

    def _line(
        self,
        what: ActivityType,
        session: Session,
        detail: Mapping[str, str],
        accounts: tuple[Secret, ...] = (),
    ) -> Activity:
        host = session.call.host
        return Activity(
            what=what,
            call_id=host.call_id,
            biller=host.biller,
            policy_version=self.policy_version,
            at=session.asked_at,
            state=session.call.state.name,
            ani=host.ani,
            accounts=accounts,
            detail={"handover": host.reference, **detail},
        )


def way_turned_to(before: Call, after: Call) -> Strategy | None:
    """Return the new way of getting an address if a move switched to another, or None (R08)."""
    if Strategy.AGENT in after.contact.used and Strategy.AGENT not in before.contact.used:
        return Strategy.AGENT
    was, now = before.contact.source, after.contact.source
    return now.way if now and not (was and was.way is now.way) else None


def _spelled(before: Call, event: Event | None, after: Call) -> Mapping[str, str]:
    """Return the number of keys and corrections in an answer that spells an address."""
    if before.state.phase is not Phase.EMAIL or not isinstance(event, Digits):
        return {}
    keys = len(event.keys) + (event.ended is Ended.END_KEY)
    return {"keys": str(keys), "fixes": str(after.spent.fixes - before.spent.fixes)}


def _shown(account: Secret | None, identity: Identity) -> tuple[Secret, ...]:
    """Return the account if the caller is identified. No one else can answer for an account."""
    return (account,) if account and identity >= Identity.LAST_FOUR_KEYED else ()
