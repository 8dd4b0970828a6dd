"""Plain words for the code names of the flow, the service, and the record."""

import re
from collections.abc import Iterator, Mapping

import attrs

from paperless_ivr.flow import events as e
from paperless_ivr.flow.blocks import Ask
from paperless_ivr.flow.chapters.email import ONE_PRESS, SPELLING, likely
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.requests import Request
from paperless_ivr.flow.states import State
from paperless_ivr.flow.table import BLOCKS
from paperless_ivr.flow.view import CallView
from paperless_ivr.secret import Kind, Secret
from paperless_ivr.simulator.world import Fault

KINDS: Mapping[str, str] = {
    "ask": "Question",
    "do": "Request",
    "pass": "Decision",
    "end": "Ending",
}

SERVICE: Mapping[Fault, str] = {
    Fault.NONE: "The billing service works again",
    Fault.SLOW: "The billing service is slow",
    Fault.DOWN: "The billing service is down",
    Fault.DONE: "The billing service acts, but its answers are lost",
    Fault.NOT_DONE: "The billing service receives no requests",
}
"""The effect of each switch on the service."""


def title(state: State) -> str:
    """Return a state's short name."""
    return BLOCKS[state].title


def ending(disposition: Disposition) -> str:
    """Return a disposition in words."""
    return title(State[disposition.name])


PENDING = "●"
"""The symbol for a key that is not part of a complete letter yet."""


def so_far(view: CallView, keys: str) -> str:
    """Return the keys pressed at a question, as letters if they spell something."""
    block = BLOCKS[view.call.state]
    if not isinstance(block, Ask) or block.by not in (SPELLING, ONE_PRESS):
        return keys
    if block.by is ONE_PRESS:
        return likely(view, keys)
    spelled = view.terms.pad.spell(keys)
    return spelled.text + PENDING * len(spelled.rest)


def _plain(name: str) -> str:
    return name.replace("_", " ").strip()


def _spaced(name: str) -> str:
    """Return a class's name in words: "RequestDeferred" becomes "request deferred"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


# ── answers ──


def answered(event: e.Event) -> str:
    """Return an answer in a few words, without personal data."""
    match event:
        case e.CustomersFound(customers):
            return f"{len(customers)} found" if customers else "no one found"
        case e.InvoiceChecked(exists):
            return "the bill is open" if exists else "no such bill"
        case e.Accepted():
            return "accepted"
        case e.Refused(reason):
            return f"refused: {_plain(reason.value)}"
        case e.Unavailable() | e.RecordUnavailable():
            return "not available"
        case e.OutcomeUnknown():
            return "no answer, possibly done"
        case e.Screened(last):
            return f"asked before: {_plain(last.value)}" if last else "not asked recently"
        case e.TryReserved():
            return "one try counted"
        case e.LimitReached():
            return "no tries left"
        case e.RequestDeferred():
            return "saved"
    return _spaced(type(event).__name__)


def fields(request: Request, *, revealed: bool) -> dict[str, str]:
    """Return the fields of a request, with personal data masked unless it is revealed."""
    return {name: _field(value, revealed=revealed) for name, value in _values(request) if value}


def personal(request: Request) -> bool:
    """Return whether a request has personal fields."""
    return any(value and _secret(value) for _, value in _values(request))


def _secret(value: object) -> bool:
    return any(map(_secret, value)) if isinstance(value, tuple) else isinstance(value, Secret)


def _values(request: Request) -> Iterator[tuple[str, object]]:
    for each in attrs.fields(type(request)):
        yield each.name, getattr(request, each.name)


def _field(value: object, *, revealed: bool) -> str:
    if isinstance(value, Secret):
        return value.reveal() if revealed else masked(value)
    if isinstance(value, tuple):
        return ", ".join(_field(one, revealed=revealed) for one in value)
    return str(getattr(value, "value", value))


def masked(value: Secret) -> str:
    """Return a secret with most of it masked, such as all but the last digits of a phone number."""
    text = value.reveal()
    if value.kind is Kind.EMAIL and "@" in text:
        local, _, domain = text.rpartition("@")
        name, dot, top = domain.rpartition(".")
        return f"{local[:1]}•••@{name[:1]}•••{dot}{top}"
    if value.kind is Kind.PHONE:
        return f"•••{text[-4:]}"
    return "••••"
