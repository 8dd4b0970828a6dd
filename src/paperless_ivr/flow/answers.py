"""The possible answers to requests, and the transitions, that several chapters share."""

from collections.abc import Sequence
from typing import TypeVar

from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    Event,
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
from paperless_ivr.flow.requests import Guess, Request, ReserveTry
from paperless_ivr.flow.rows import On, Row
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.updates import because, note_lost_answer, unanswered, want_agent
from paperless_ivr.flow.view import CallView
from paperless_ivr.secret import Secret

E = TypeVar("E", bound=Event)

SEARCH = (CustomersFound, Unavailable, OutcomeUnknown, Refused)
WRITE = (Accepted, Refused, Unavailable, OutcomeUnknown, RecordUnavailable)
KEEP = (RequestDeferred, OutcomeUnknown, RecordUnavailable)
RESERVE = (TryReserved, LimitReached, RecordUnavailable)


def reserve(view: CallView, guess: Guess, accounts: tuple[Secret, ...]) -> Request:
    """Return a request to reserve a try at something that a stranger could guess."""
    host = view.call.host
    return ReserveTry(guess, host.biller, host.ani, accounts, view.call.next_try)


def _agent_or(ending: S, happens: type[E], reason: Reason, say: str) -> Sequence[Row]:
    """Return rows that offer an agent if one is available, and otherwise end the call."""
    return (
        On(happens, S.AGENT_OFFER, when=agent, keep=want_agent(reason, ending), say=say),
        On(happens, ending, keep=because(reason)),
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
"""The transitions for a service that is down before the caller consents. Nothing is saved (R10)."""


REFUSED_FOR_GOOD = _agent_or(S.FAILED, Refused, Reason.SERVICE_REFUSED, "service_refused")


SEARCHING: Sequence[Row] = (
    *DOWN_BEFORE_CONSENT,
    *REFUSED_FOR_GOOD,
)
"""The transitions for a failed or refused look-up that the call depends on."""


NO_TRY_LEFT: Sequence[Row] = (
    On(
        LimitReached,
        S.AGENT_OFFER,
        when=agent,
        keep=want_agent(Reason.LIMIT_REACHED, S.NOT_IDENTIFIED),
        say="too_many_tries",
    ),
    On(LimitReached, S.NOT_IDENTIFIED, keep=because(Reason.LIMIT_REACHED), say="too_many_tries"),
    *_agent_or(S.UNAVAILABLE, RecordUnavailable, Reason.RECORD_DOWN, "service_down"),
)
"""The transitions taken when no tries at an account number are left, or the record is down."""


NOT_RECORDED = _agent_or(S.FAILED, RecordUnavailable, Reason.RECORD_DOWN, "service_refused")
"""The transitions taken when the record is unavailable.

A request that cannot be recorded is not sent.
"""


NOT_KEPT: Sequence[Row] = (
    On(OutcomeUnknown, S.FAILED, keep=note_lost_answer),
    *NOT_RECORDED,
)
"""The transitions taken when the record did not save a request, or may not have saved it.

If the record did save it, the relay carries it out.
"""
