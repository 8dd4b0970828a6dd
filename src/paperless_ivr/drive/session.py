"""A call in progress, as a single value with one saved format."""

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
"""The version of the saved format. Increase it if the format changes, including that of a `Call`,
because `flow.saving.SCHEMA` is not saved in a session."""


@frozen
class Claim:
    """A worker's claim on the request of the current turn."""

    by: str
    until: datetime
    """When the worker is presumed dead, so that another can take over."""
    again: bool = False
    """Whether the request was taken over from another worker, which may already have sent it."""


@frozen
class Session:
    """A call, its current turn, and its context. The turn is computed once."""

    turn: Turn
    """The current turn. If the call was loaded, the turn has no prompts, because they were already
    spoken or are in `document`."""
    asked_at: datetime
    """When the current turn began."""
    number: int = 1
    """A counter of turns and claims. Each answer contains the number of the turn it answers."""
    evidence: Mapping[str, Evidence] = field(factory=dict, repr=False)
    """The evidence of every consent so far, by the consent's reference."""
    claim: Claim | None = None
    document: str = field(default="", repr=False)
    """The latest document for a runtime that sends web requests."""
    stored_number: int | None = None
    """The number under which this worker stored the call, or None if it has not stored the call or
    has lost it to another worker."""
    store_down: RecordUnavailable | None = None
    """The last store failure, if nothing has been played to the caller since."""

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
        """Whether the caller hung up, or the call was taken back.

        If so, only requests that the caller already agreed to are completed.
        """
        return self.call.results.hung_up

    def saved(self) -> SavedCall:
        """Return the call as stored. Contains personal data (`flow.saving`)."""
        evidence = tuple(self.evidence.values())
        content = SavedSession(SCHEMA, self.call, self.asked_at, evidence, self.claim)
        saved = dump_value(content)
        return SavedCall(self.call_id, self.number, saved, self.document, self.call.host.biller)


@frozen
class SavedSession:
    """The saved part of a session. It contains the release, which is needed to compute the turn."""

    schema: int
    call: Call
    asked: datetime
    evidence: tuple[Evidence, ...] = ()
    claim: Claim | None = None

    def session(self, flow: Flow, stored: SavedCall) -> Session:
        """Return the session. `flow` must be the flow of the call's release."""
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
    """Return the saved session of a stored call. Raises the same errors as `flow.saving.load`."""
    return load_value(stored.call, SavedSession, SCHEMA)
