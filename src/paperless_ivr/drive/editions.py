"""Calls of an edition that nobody has any more: they go back to the host, and nothing is guessed.

The flow that such a call began on is not known here, so it is not moved. A yes that it was just
being carried out for is kept as a wish, under the key that its write has: if the write went
through after all, the record knows it for done (R31, R32).
"""

import structlog

from paperless_ivr.drive.attendant import Setup
from paperless_ivr.drive.suspended import Suspended
from paperless_ivr.flow.call import Call, Consent, Purpose
from paperless_ivr.flow.host import Disposition, Handback, Reason, Registration
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.waits import wish
from paperless_ivr.records.port import Activity, What

log = structlog.get_logger("paperless_ivr")


def given_up(setup: Setup, at: Suspended) -> Handback:
    """Ends a call; what the host gets back. Raises `RecordDown`, and then nothing has changed."""
    call = at.live.call
    log.error("call.other_edition", call=call.host.call_id)
    yes = _being_carried_out(call)
    if yes is not None:
        setup.record.keep(wish(yes), at.evidence[yes.reference])
    handback = Handback(
        Disposition.INCOMPLETE if yes is None else Disposition.DEFERRED,
        Reason.OTHER_EDITION,
        Registration.NONE if yes is None else Registration.KEPT,
        language=call.language,
        greeted=call.results.greeted,
        outcomes=call.results.outcomes,
        consents=tuple(consent.reference for consent in call.consents),
    )
    version = next((e.policy_version for e in at.evidence.values()), "")
    setup.record.note(
        Activity(
            What.ENDED,
            call.host.call_id,
            call.host.biller,
            version,
            setup.clock(),
            call.state.name,
            call.host.ani,
            detail={"disposition": handback.disposition.value, "reason": handback.reason.value},
        )
    )
    setup.calls.drop(call.host.call_id)
    return handback


def _being_carried_out(call: Call) -> Consent | None:
    """The latest yes about a bill, where something is being asked for it and nothing has come."""
    about_bills = (Purpose.ENROL, Purpose.BACK_TO_PAPER)
    given = [consent for consent in call.consents if consent.purpose in about_bills]
    settled = {outcome.consent for outcome in call.results.outcomes}
    if not given or call.state.kind is not Kind.DO or given[-1].reference in settled:
        return None
    return given[-1]
