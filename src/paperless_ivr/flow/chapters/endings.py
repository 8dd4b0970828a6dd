"""The endings and their prompts. Each ending is named after a disposition."""

from collections.abc import Iterable

from paperless_ivr.flow import bills
from paperless_ivr.flow.blocks import Chapter, End
from paperless_ivr.flow.host import Registration, Sent
from paperless_ivr.flow.lines import Line, Prompts, prompt, say, says
from paperless_ivr.flow.states import EndingGroup
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.flow.view import CallView


@says(
    end_link_sent="a texted link has not been opened",
    end_enrolled="an e-mailed link has not been opened",
    end_active="no link is left to open",
)
def enrolled(view: CallView) -> Iterable[Prompt]:
    """Say which link to open, the e-mailed or the texted one, or that no link is left to open."""
    waiting = [o for o in view.call.results.outcomes if o.registration in WAITING]
    if not waiting:
        return (prompt(view, "end_active"),)
    yes = next(c for c in view.call.consents if c.reference == waiting[-1].consent)
    by_text = yes.email is None and view.call.results.text is Sent.DONE
    return (prompt(view, "end_link_sent" if by_text else "end_enrolled"),)


WAITING = (Registration.PENDING, Registration.LINK)
"""Registrations whose link has not been opened."""


@says(
    end_deferred="the request will be completed later",
    end_deferred_unknown="a request got no clear answer",
)
def deferred(view: CallView) -> Iterable[Prompt]:
    """Say that the request will be completed later. If an answer was lost, promise no link."""
    lost = view.call.results.lost
    return (prompt(view, "end_deferred_unknown" if lost else "end_deferred"),)


SETTLED, UNSETTLED = "a bill is already settled", "no bill is settled yet"
"""The two conditions of an ending's line: whether anything was changed in the call."""


def ending(name: str, otherwise: str = "service_refused") -> Line:
    """Return the line of an ending, which says `name` if nothing was changed in the call.

    If something was changed, it says `otherwise` instead, followed by what happens next.
    """
    first = {name: UNSETTLED, otherwise: SETTLED} if name != otherwise else {name: ""}
    then = {n: f"{SETTLED}, and {w}" for n, w in {**enrolled.when, **deferred.when}.items()}

    @says(**first, **then)
    def line(view: CallView) -> Iterable[Prompt]:
        results = view.call.results
        reached = {outcome.registration for outcome in results.outcomes}
        if not reached:
            yield prompt(view, name)
            return
        yield prompt(view, otherwise)
        if reached & {Registration.PENDING, Registration.ACTIVE}:
            yield from enrolled.tell(view)
        elif results.text is Sent.DONE:
            yield prompt(view, "end_link_sent")
        else:
            yield from deferred.tell(view)

    return line


_not_done = ending("end_failed")


@says(**_not_done.when, end_failed_unknown="a request got no clear answer")
def failed(view: CallView) -> Iterable[Prompt]:
    """Say that nothing was changed, or that this is unclear because an answer was lost."""
    if view.call.results.lost:
        return (prompt(view, "end_failed_unknown"),)
    return _not_done.tell(view)


@says(end_cancelled="the link had not been opened", end_opted_out="the bill was paperless")
def opted_out(view: CallView) -> Iterable[Prompt]:
    """Say that the bill comes on paper again or, if its link was canceled, stays on paper."""
    return (prompt(view, "end_cancelled" if bills.canceling(view) else "end_opted_out"),)


@says(end_on_paper="the caller asked for paper bills", end_ineligible="otherwise")
def ineligible(view: CallView) -> Iterable[Prompt]:
    """Say that the bills stay as they are, in terms of what the caller asked for."""
    to_paper = view.call.choosing.back_to_paper
    return (prompt(view, "end_on_paper" if to_paper else "end_ineligible"),)


PROMPTS: Prompts = {
    "end_enrolled": ("bills_on_paper",),
    "end_link_sent": (),
    "end_active": ("bills_on_paper",),
    "end_deferred": ("biller",),
    "end_deferred_unknown": (),
    "end_declined": (),
    "end_left": (),
    "end_ineligible": (),
    "end_on_paper": (),
    "end_already": (),
    "end_pending": (),
    "end_not_identified": (),
    "end_no_contact": (),
    "end_incomplete": (),
    "end_unavailable": (),
    "end_failed": (),
    "end_failed_unknown": (),
    "end_opted_out": ("bills_on_paper",),
    "end_cancelled": (),
    "end_opt_out_requested": ("biller",),
}
"""The prompts of this chapter, with the gaps that their wording can contain."""

# fmt: off
# Formatted by hand, to keep each transition on one line.
CHAPTER: Chapter = {
    S.ENROLLED: End("The service accepted the enrollment, or the texted link was opened.", title="Enrolled", group=EndingGroup.DONE, say=[enrolled]),
    S.LINK_SENT: End("Opening the texted link completes the change.", title="Link sent", group=EndingGroup.LINK, say=[say("end_link_sent")]),
    S.DEFERRED: End("The request was saved, and will be completed later.", title="Saved for later", group=EndingGroup.LATER, say=[deferred]),
    S.DECLINED: End("The caller said no.", title="Declined", group=EndingGroup.NO, say=[ending("end_declined", "end_declined")]),
    S.IGNORED: End("The caller pressed no key, or a key meant for the host.", title="Ignored", group=EndingGroup.NO, say=[]),
    S.LEFT: End("The caller pressed # to leave.", title="Left with #", group=EndingGroup.NO, say=[say("end_left")]),
    S.NOT_OFFERED: End("No offer was due at this moment.", title="Not offered", group=EndingGroup.CANNOT, say=[]),
    S.INELIGIBLE: End("No bill can switch.", title="No bill to switch", group=EndingGroup.CANNOT, say=[ineligible]),
    S.ALREADY_PAPERLESS: End("The bill was already paperless.", title="Already paperless", group=EndingGroup.CANNOT, say=[say("end_already")]),
    S.PENDING: End("A link sent earlier has not been opened.", title="Link not opened", group=EndingGroup.LATER, say=[say("end_pending")]),
    S.NOT_IDENTIFIED: End("The account was not found, or the caller did not prove that it is theirs.", title="Not identified", group=EndingGroup.CANNOT, say=[say("end_not_identified")]),
    S.NO_CONTACT: End("There was no address to use.", title="No address", group=EndingGroup.CANNOT, say=[ending("end_no_contact")]),
    S.INCOMPLETE: End("There were too many wrong keys, or too much silence.", title="Incomplete", group=EndingGroup.CANNOT, say=[ending("end_incomplete")]),
    S.UNAVAILABLE: End("A system was down before the caller agreed.", title="Service down", group=EndingGroup.CANNOT, say=[ending("end_unavailable")]),
    S.FAILED: End("The service refused, or the record was down.", title="Refused", group=EndingGroup.CANNOT, say=[failed]),
    S.OPTED_OUT: End("The bill comes on paper again.", title="Back to paper", group=EndingGroup.NO, say=[opted_out]),
    S.OPT_OUT_REQUESTED: End("A request for paper was saved.", title="Paper asked for", group=EndingGroup.LATER, say=[say("end_opt_out_requested")]),
    S.TRANSFERRED: End("An agent has the call.", title="Transferred", group=EndingGroup.AGENT, say=[]),
    S.ABANDONED: End("The caller hung up. Changes they agreed to are still made.", title="Hung up", group=EndingGroup.NO, say=[]),
}
