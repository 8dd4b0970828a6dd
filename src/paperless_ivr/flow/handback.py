"""The disposition of a call, and the hand-back to the host."""

from paperless_ivr.flow import bills
from paperless_ivr.flow.host import Disposition, Handback, Identity, Registration
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.view import CallView
from paperless_ivr.secret import Secret


def disposition(view: CallView) -> Disposition:
    """Return the disposition of a call, for the host and the funnel.

    What the caller agreed to outweighs how the conversation ended: if the caller enrolled one bill
    and then declined a second, the call ends as ENROLLED. A hang-up or a transfer outweighs both,
    and so do the endings OPTED_OUT, OPT_OUT_REQUESTED, and LINK_SENT.
    """
    call = view.call
    if call.results.hung_up:
        return Disposition.TAKEN_BACK if call.results.taken_back else Disposition.ABANDONED
    if call.state in (S.TRANSFERRED, S.OPTED_OUT, S.OPT_OUT_REQUESTED, S.LINK_SENT):
        return call.state.disposition
    reached = {outcome.registration for outcome in call.results.outcomes}
    for registration, ending in REACHED.items():
        if registration in reached:
            return ending
    return call.state.disposition


REACHED = {
    Registration.ACTIVE: Disposition.ENROLLED,
    Registration.PENDING: Disposition.ENROLLED,
    Registration.LINK: Disposition.LINK_SENT,
    Registration.KEPT: Disposition.DEFERRED,
    Registration.UNKNOWN: Disposition.DEFERRED,
}


def handback(view: CallView) -> Handback:
    """Return the hand-back to the host (R18)."""
    call, customer = view.call, view.customer
    outcomes, account = call.results.outcomes, _account(view)
    bill = bills.chosen(view) if customer and call.choosing.type else None
    return Handback(
        disposition=disposition(view),
        reason=call.results.reason,
        call_id=call.host.call_id,
        handover=call.host.handover,
        moment=call.host.moment,
        paid=call.host.paid,
        registration=outcomes[-1].registration if outcomes else Registration.NONE,
        text=call.results.text,
        autopay=call.results.autopay,
        language=call.language,
        account=account,
        customer=customer.id if customer else None,
        invoice=bill.invoice if bill else None,
        identity=_identity(view, account),
        greeted=call.greeted,
        unused_keys=call.results.unused,
        outcomes=outcomes,
        consents=tuple(consent.reference for consent in call.consents),
    )


def _account(view: CallView) -> Secret | None:
    """Return the account for the hand-back. The identity in the hand-back refers to it."""
    call, customer = view.call, view.customer
    if customer is not None:
        return customer.account
    found = (who.account for who in call.found)
    shown = (a for a in found if call.identity_of(a) >= Identity.LAST_FOUR_KEYED)
    return next(shown, view.account)


def _identity(view: CallView, account: Secret | None) -> Identity:
    """Return how well the caller is identified for an account, in this call or by the host."""
    call = view.call
    if any(who.account == account for who in call.found):
        return call.identity_of(account) if account else Identity.NONE
    if call.entry.account is not None:
        return Identity.NONE
    here = Identity.CALLER_ID if account is None and call.shown.caller_id else Identity.NONE
    return max(here, call.host.identity)
