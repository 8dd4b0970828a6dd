"""A call between two requests of its runtime: all that the next worker needs to go on with it."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from paperless_ivr.drive.live import Live
from paperless_ivr.flow.call import Call
from paperless_ivr.flow.saving import dump_value, load_value
from paperless_ivr.records.port import Evidence, SavedCall

SCHEMA = 1
"""The form. Another one when what is saved around a call changes, or `flow.saving.SCHEMA`."""


@frozen
class Claim:
    """Somebody carries out the request of the present turn."""

    by: str
    until: datetime
    """After that it is taken for lost, and whoever comes may take over."""
    again: bool = False
    """It was taken over: the request may have been sent before."""


@frozen
class Suspended:
    """A call as it waits for its runtime, or for the answer to a request."""

    live: Live
    asked: datetime
    """When the present turn was written."""
    evidence: Mapping[str, Evidence] = field(factory=dict, repr=False)
    """Of every consent so far, by its reference."""
    claim: Claim | None = None
    document: str = field(default="", repr=False)
    """What the runtime was given last."""


@frozen
class _Document:
    """What is saved: the number of the form, then the call and what is known around it."""

    schema: int
    call: Call
    asked: datetime
    evidence: tuple[Evidence, ...] = ()
    claim: Claim | None = None


def dump(at: Suspended) -> SavedCall:
    """The call as it is stored; personal, as `flow.saving` says."""
    evidence = tuple(at.evidence.values())
    document = _Document(SCHEMA, at.live.call, at.asked, evidence, at.claim)
    content = dump_value(document)
    return SavedCall(at.live.call.host.call_id, at.live.turn, content, at.document)


def load(saved: SavedCall) -> Suspended:
    """The call that was stored. Raises as `flow.saving.load` does."""
    found = load_value(saved.call, _Document, SCHEMA)
    evidence = {one.consent.reference: one for one in found.evidence}
    live = Live(found.call, saved.turn)
    return Suspended(live, found.asked, evidence, found.claim, saved.document)
