"""Gives a call back to the host if no driver here runs its release.

The flow that the call began on is not available here, so the call cannot be continued. If a consent
to enroll or to go back to paper was being carried out, a deferred request is saved with the key of
the write. If it turns out that the write went through, the record completes the deferred request
with the same key (R31, R32).
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from attrs import evolve

from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.runner import CallRunner, whose
from paperless_ivr.drive.session import SavedSession, Session
from paperless_ivr.flow.call import Call, Consent, Purpose
from paperless_ivr.flow.host import Disposition, Handback, Reason, Registration
from paperless_ivr.flow.requests import DeferRequest
from paperless_ivr.flow.states import Kind, State
from paperless_ivr.flow.turns import Return, Turn
from paperless_ivr.records.port import Activity, ActivityType, SavedCall, SessionUpdate

log = structlog.get_logger("paperless_ivr")


def give_up(
    runner: CallRunner,
    stored: SavedCall,
    saved: SavedSession,
    write: Callable[[Session], str] | None = None,
) -> Session:
    """End a call whose release is not running here, and return its session to hand back.

    If `write` is given, it creates the last document. The call is then kept in the store for a
    while, like any other ended call, so that the runtime gets this document again if it repeats its
    request. Without `write`, the call is removed. If `errors.StoreError` is raised, the call is
    unchanged (unless the error is `in_doubt`), but the deferred request may have been saved.
    """
    call, setup = saved.call, runner.setup
    log.error("call.other_release", **whose(call.host))
    yes = _being_carried_out(call)
    evidence = {one.consent.reference: one for one in saved.evidence}
    if yes is not None:
        keep = DeferRequest.of(yes)
        runner.twice(lambda: setup.store.record.keep(keep, evidence[yes.reference]))
    handback = evolve(
        Handback.unfinished(call.host, Reason.OTHER_RELEASE),
        disposition=Disposition.INCOMPLETE if yes is None else Disposition.DEFERRED,
        registration=Registration.NONE if yes is None else Registration.KEPT,
        language=call.language,
        greeted=call.greeted,
        outcomes=call.results.outcomes,
        consents=tuple(consent.reference for consent in call.consents),
    )
    version = next((e.policy_version for e in saved.evidence), "")
    ended = Activity(
        ActivityType.ENDED,
        call.host.call_id,
        call.host.biller,
        version,
        setup.clock(),
        call.state.name,
        call.host.ani,
        detail={
            "handover": call.host.reference,
            "disposition": handback.disposition.value,
            "reason": handback.reason.value,
        },
    )
    results = evolve(call.results, reason=handback.reason)
    over = evolve(call, state=State[handback.disposition.name], results=results)
    session = evolve(
        handed_back(over, handback, setup.clock()),
        number=stored.turn + 1,
        evidence=evidence,
        stored_number=stored.turn + 1,
    )
    if write is not None:
        session = evolve(session, document=write(session))
    update = SessionUpdate(
        call=session.saved(),
        if_turn=stored.turn,
        forget=write is None,
        activities=(ended,),
    )
    runner.store(update)
    runner.observe(Move(session, None, session))
    return session


def handed_back(call: Call, handback: Handback, now: datetime) -> Session:
    """Return the session of a call that goes back to the host immediately, without any prompts."""
    return Session(Turn(call, (), Return(handback)), now)


def _being_carried_out(call: Call) -> Consent | None:
    """Return the latest consent about a bill, if its request is still unanswered."""
    about_bills = (Purpose.ENROLL, Purpose.BACK_TO_PAPER)
    given = [consent for consent in call.consents if consent.purpose in about_bills]
    settled = {outcome.consent for outcome in call.results.outcomes}
    if not given or call.state.kind is not Kind.DO or given[-1].reference in settled:
        return None
    return given[-1]
