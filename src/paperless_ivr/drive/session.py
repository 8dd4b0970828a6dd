"""A call in progress: one value, from its first turn to its last, with one saved form."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from paperless_ivr.flow.call import Call
from paperless_ivr.flow.events import RecordUnavailable
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.saving import dump_value, load_value
from paperless_ivr.flow.turns import Return, Turn
from paperless_ivr.records.port import Evidence, SavedCall

SCHEMA = 2
"""The version of the saved form. Raise it, or `flow.saving.SCHEMA`, when the form changes."""


@frozen
class Claim:
    """A worker's claim to carry out the request of the current turn."""

    by: str
    until: datetime
    """When the worker is presumed dead, and another may take over."""
    again: bool = False
    """The request was taken over, so it may have been sent before."""


@frozen
class Session:
    """A call, its current turn, and its context. The turn is computed once."""

    turn: Turn
    """Has no prompts if the call was loaded, since they have already been spoken."""
    asked_at: datetime
    """When the current turn began."""
    number: int = 1
    """Counts turns and claims. An answer contains the number that it refers to."""
    evidence: Mapping[str, Evidence] = field(factory=dict, repr=False)
    """The evidence of every consent so far, by its reference."""
    claim: Claim | None = None
    document: str = field(default="", repr=False)
    """The last document given to a runtime that sends web requests."""
    stored_number: int | None = None
    """The number under which the call is stored, or None if it is not stored."""
    store_down: RecordUnavailable | None = None
    """The store failed, and the caller has heard nothing since."""

    @property
    def call(self) -> Call:
        """The call as it is now."""
        return self.turn.call

    @property
    def call_id(self) -> str:
        """The host's identifier for the call."""
        return self.call.host.call_id

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return isinstance(self.turn.then, Return)

    @property
    def hung_up(self) -> bool:
        """Whether nothing more is said, and only what the caller agreed to is being completed."""
        return self.call.results.hung_up

    def saved(self) -> SavedCall:
        """Return the call as stored. Contains personal data (`flow.saving`)."""
        evidence = tuple(self.evidence.values())
        content = SavedSession(SCHEMA, self.call, self.asked_at, evidence, self.claim)
        saved = dump_value(content)
        return SavedCall(self.call_id, self.number, saved, self.document, self.call.host.biller)


@frozen
class SavedSession:
    """The saved part of a session. Its release is known before a turn is computed."""

    schema: int
    call: Call
    asked: datetime
    evidence: tuple[Evidence, ...] = ()
    claim: Claim | None = None

    def session(self, flow: Flow, stored: SavedCall) -> Session:
        """Return the session, with the flow of its release."""
        return Session(
            turn=flow.resumed(self.call),
            asked_at=self.asked,
            number=stored.turn,
            evidence={one.consent.reference: one for one in self.evidence},
            claim=self.claim,
            document=stored.document,
            stored_number=stored.turn,
        )


def read(stored: SavedCall) -> SavedSession:
    """Return what was stored. Raises like `flow.saving.load`."""
    return load_value(stored.call, SavedSession, SCHEMA)
