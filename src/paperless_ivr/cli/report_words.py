"""The funnel's steps and losses in plain words, for readers who have no manual."""

from paperless_ivr.flow.host import Disposition, Moment, Reason
from paperless_ivr.records.funnel import NOT_ENDED, Loss, Stage

STAGES = {
    Stage.HANDED_OVER: "All calls",
    Stage.OFFERED: "Offered paperless billing",
    Stage.ACCEPTED: "Wanted it",
    Stage.IDENTIFIED: "Account found and proved",
    Stage.CONFIRMED: "Agreed",
    Stage.REGISTERED: "Enrollment started",
    Stage.COMPLETED: "Bill is paperless",
}

MOMENTS = {
    Moment.START: "At the start of a call",
    Moment.BEFORE_PAYMENT: "Before a payment",
    Moment.AFTER_PAYMENT: "After a payment",
}

DISPOSITIONS = {
    Disposition.ENROLLED: "enrolled",
    Disposition.LINK_SENT: "got a link by text",
    Disposition.DEFERRED: "still to be completed",
    Disposition.DECLINED: "said no",
    Disposition.IGNORED: "stayed silent",
    Disposition.LEFT: "skipped it",
    Disposition.NOT_OFFERED: "not offered",
    Disposition.INELIGIBLE: "no eligible bill",
    Disposition.ALREADY_PAPERLESS: "paperless already",
    Disposition.PENDING: "earlier link not opened yet",
    Disposition.NOT_IDENTIFIED: "not identified",
    Disposition.NO_CONTACT: "no address to send to",
    Disposition.INCOMPLETE: "did not finish",
    Disposition.UNAVAILABLE: "billing service down",
    Disposition.FAILED: "billing service refused",
    Disposition.OPTED_OUT: "went back to paper",
    Disposition.OPT_OUT_REQUESTED: "asked to go back to paper",
    Disposition.TRANSFERRED: "went to an agent",
    Disposition.ABANDONED: "hung up",
    Disposition.TAKEN_BACK: "taken back by the host",
}

REASONS = {
    Reason.CALLER_HUNG_UP: "hung up",
    Reason.HOST_CANCELED: "taken back by the host",
    Reason.SERVER_STOPPED: "our server stopped",
    Reason.CALLER_ASKED: "asked for an agent",
    Reason.TRIES_USED_UP: "too many wrong keys, or silence",
    Reason.PAYMENT_NOT_APPROVED: "payment not approved",
    Reason.MOMENT_NOT_OFFERED: "not offered at that moment",
    Reason.ASKED_LATELY: "asked recently",
    Reason.TYPE_NOT_ELIGIBLE: "no eligible bill",
    Reason.OPT_OUT_NOT_BY_PHONE: "wanted paper, not possible by phone",
    Reason.ACCOUNT_NOT_FOUND: "account not found",
    Reason.LIMIT_REACHED: "limit of tries reached",
    Reason.SERVICE_DOWN: "billing service down",
    Reason.SERVICE_REFUSED: "billing service refused",
    Reason.OUTCOME_UNKNOWN: "no clear answer",
    Reason.NO_OPERATION: "billing service cannot do it",
    Reason.BUSY: "too many calls at once",
    Reason.RECORD_DOWN: "our database was down",
    Reason.CALL_LOST: "we lost the call",
    Reason.OTHER_RELEASE: "began on another release",
    Reason.NO_ADDRESS_LEFT: "no address to send to",
}
"""The text for each reason. If the reason is `NONE`, the disposition's text is used instead."""

AFTERWARDS = {
    "unsettled": "outcome not known yet",
    "kept": "still to be completed",
    "followed": "link not opened yet",
    "completed": "earlier link not opened yet",
    "cancelled": "went back to paper",
    "superseded": "asked again later",
    "expired": "link never opened",
    "exported": "handed to the biller",
    "given_up": "could not be completed",
}
"""The text for unfinished work, or for its outcome. It is used instead of the reason's."""


def lost_by(loss: Loss) -> str:
    """Return why hand-overs got no further, in a few words."""
    if loss.afterwards:
        return AFTERWARDS[loss.afterwards]
    if loss.disposition == NOT_ENDED:
        return "still on the line"
    told = REASONS.get(Reason(loss.reason or Reason.NONE.value))
    return told or DISPOSITIONS[Disposition(loss.disposition)]
