"""What a request may be answered with, and the ways out on answers that chapters share."""

from collections.abc import Sequence

from paperless_ivr.flow.call import Consent, Purpose
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    LimitReached,
    OutcomeUnknown,
    RecordUnavailable,
    Refused,
    RequestDeferred,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.facts import agent
from paperless_ivr.flow.host import Reason
from paperless_ivr.flow.requests import Guess, Request, ReserveTry, StoreCustomerPreference
from paperless_ivr.flow.rows import On, Row
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.updates import because, unanswered, want_agent
from paperless_ivr.flow.view import CallView
from paperless_ivr.secret import Secret

SEARCH = (CustomersFound, Unavailable, OutcomeUnknown, Refused)
WRITE = (Accepted, Refused, Unavailable, OutcomeUnknown, RecordUnavailable)
KEEP = (RequestDeferred, RecordUnavailable)
RESERVE = (TryReserved, LimitReached, RecordUnavailable)


def reserve(view: CallView, guess: Guess, accounts: tuple[Secret, ...]) -> Request:
    """Asks the record for a try at what a stranger could guess."""
    host = view.call.host
    return ReserveTry(guess, host.biller, host.ani, accounts, view.call.next_try)


def store_preference(yes: Consent) -> StoreCustomerPreference:
    """Asks the service for what was agreed to: paperless, or back to paper."""
    return StoreCustomerPreference(
        yes.customer,
        yes.account,
        yes.invoice_type,
        yes.purpose is Purpose.ENROLL,
        yes.email,
        yes.phone,
        yes.reference,
        language=yes.language,
    )


DOWN_BEFORE_CONSENT: Sequence[Row] = (
    On(
        (Unavailable, OutcomeUnknown),
        S.AGENT_OFFER,
        when=agent,
        keep=unanswered(want_agent(Reason.SERVICE_DOWN, S.UNAVAILABLE)),
        say="service_down",
    ),
    On(
        (Unavailable, OutcomeUnknown),
        S.UNAVAILABLE,
        keep=unanswered(because(Reason.SERVICE_DOWN)),
    ),
)
"""The service cannot be reached, and nothing was agreed: nothing is kept (R10)."""


REFUSED_FOR_GOOD: Sequence[Row] = (
    On(
        Refused,
        S.AGENT_OFFER,
        when=agent,
        keep=want_agent(Reason.SERVICE_REFUSED, S.FAILED),
        say="service_refused",
    ),
    On(Refused, S.FAILED, keep=because(Reason.SERVICE_REFUSED)),
)


SEARCHING: Sequence[Row] = (
    *DOWN_BEFORE_CONSENT,
    *REFUSED_FOR_GOOD,
)
"""What every look-up shares."""


NO_TRY_LEFT: Sequence[Row] = (
    On(
        LimitReached,
        S.AGENT_OFFER,
        when=agent,
        keep=want_agent(Reason.LIMIT_REACHED, S.NOT_IDENTIFIED),
        say="too_many_tries",
    ),
    On(LimitReached, S.NOT_IDENTIFIED, keep=because(Reason.LIMIT_REACHED), say="too_many_tries"),
    On(
        RecordUnavailable,
        S.AGENT_OFFER,
        when=agent,
        keep=want_agent(Reason.RECORD_DOWN, S.UNAVAILABLE),
        say="service_down",
    ),
    On(RecordUnavailable, S.UNAVAILABLE, keep=because(Reason.RECORD_DOWN)),
)
"""No account number may be tried, or the record cannot say whether one may."""


NOT_RECORDED: Sequence[Row] = (
    On(
        RecordUnavailable,
        S.AGENT_OFFER,
        when=agent,
        keep=want_agent(Reason.RECORD_DOWN, S.FAILED),
        say="service_refused",
    ),
    On(RecordUnavailable, S.FAILED, keep=because(Reason.RECORD_DOWN)),
)
"""What cannot be recorded is not done."""
