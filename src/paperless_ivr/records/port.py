"""What a record has to keep: activity, consents, writes, wishes and live calls."""

import enum
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from paperless_ivr.flow.call import Consent
from paperless_ivr.flow.events import LastFourCounted, Refused, Screened, ServiceAnswer
from paperless_ivr.flow.requests import CountLastFour, KeepWish, Screen, Write
from paperless_ivr.secret import Secret


class What(enum.StrEnum):
    """What an entry of the activity record tells (R30)."""

    ARRIVED = "arrived"
    OFFERED = "offered"
    ANSWERED = "answered"
    LAST_FOUR_MISSED = "last_four_missed"
    CONSENTED = "consented"
    SENT = "sent"
    SETTLED = "settled"
    KEPT = "kept"
    ENDED = "ended"


@frozen
class Evidence:
    """A consent as it was given: the exact words, their version, when asked and answered."""

    consent: Consent
    words: str = field(repr=False)
    """What was heard, as text, in the consent's language. Personal: it names the address."""
    words_version: str
    """Digest of the wording (`Edition.words`)."""
    asked: datetime
    answered: datetime


@frozen
class Activity:
    """One line of the append-only activity record."""

    what: What
    call_id: str
    biller: str
    policy_version: str
    at: datetime
    state: str
    """The state of the call after it."""
    ani: Secret | None = None
    accounts: tuple[Secret, ...] = ()
    """The caller's own account; of `LAST_FOUR_MISSED` those that were tried."""
    detail: Mapping[str, str] = field(factory=dict)
    """Names and codes, never personal: the row taken, the answer's class.

    Of `ENDED` it has the value of the `disposition`, by which `screen` goes.
    """
    evidence: Evidence | None = None


@frozen
class SavedCall:
    """A live call as it is stored: turn number, the call in bytes, the last document."""

    call_id: str
    turn: int
    call: bytes = field(repr=False)
    document: str = field(default="", repr=False)


class Record(Protocol):
    """What must last. Every method raises `errors.RecordDown` where it cannot answer or keep."""

    def note(self, activity: Activity) -> None:
        """Appends a line to the activity record."""
        ...

    def screen(self, request: Screen) -> Screened:
        """How the latest earlier call with an offer to this caller or account ended (R14).

        Counted is each hand-over in which an offer was made (`OFFERED`), and each that ended
        with a bill back on paper (`OPTED_OUT`, `OPT_OUT_REQUESTED`), offer or not. It is the
        same caller by ANI, the same account by `Activity.accounts`.
        """
        ...

    def count_last_four(self, request: CountLastFour) -> LastFourCounted:
        """Whether a last-four check is still allowed, per account and per ANI (R17).

        Counted are the lines `LAST_FOUR_MISSED` of the last 24 hours.
        """
        ...

    def intend(self, write: Write, evidence: Evidence) -> Refused | None:
        """Puts a write on record, with its key, before it is sent.

        `Refused(LIMIT)` where a limit forbids it (texts per number in 24 hours). The same
        key again is the same write, as it was first put on record.
        """
        ...

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Puts the outcome of a write on record; LookupError where none has that key.

        A write that was sent twice is settled twice. What is known to be done stays done,
        and what may be done is not made undone by a second sending that got nowhere.
        """
        ...

    def keep(self, wish: KeepWish, evidence: Evidence) -> None:
        """Keeps a wish, to be completed later. The same key again is the same wish.

        The latest wish for a customer and invoice type takes the place of earlier ones.
        """
        ...


class LiveCalls(Protocol):
    """Calls in progress. Methods raise `errors.RecordDown` where they cannot answer."""

    def load(self, call_id: str) -> SavedCall:
        """The call as last saved; raises `errors.UnknownCall`."""
        ...

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        """Stores a call if its stored turn is still `if_turn` (None: there is none yet).

        Raises `errors.StaleCall` where somebody else moved it first.
        """
        ...

    def drop(self, call_id: str) -> None:
        """Forgets a call that has ended. Unknown calls are no fault."""
        ...

    def idle(self, since: datetime) -> Collection[str]:
        """The identifiers of the calls that were last saved before a time."""
        ...
