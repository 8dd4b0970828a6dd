"""The ports of the record: activity, consents, writes, deferred requests, and live calls."""

import enum
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from attrs import field, frozen

from paperless_ivr.flow.call import Consent
from paperless_ivr.flow.events import (
    LimitReached,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
)
from paperless_ivr.flow.host import Disposition, Release
from paperless_ivr.flow.policy import Limits, Retention
from paperless_ivr.flow.requests import (
    DeferRequest,
    EnrollInPaperless,
    ReserveTry,
    Screen,
    SendWebLink,
    StoreCustomerPreference,
    Write,
)
from paperless_ivr.keypad import counts_as
from paperless_ivr.secret import Secret

A_DAY = timedelta(hours=24)
"""The period of a daily limit: the last 24 hours in any time zone, with no reset at midnight."""

BACK_TO_PAPER = (Disposition.OPTED_OUT, Disposition.OPT_OUT_REQUESTED)
"""Dispositions that affect the next offer even if no offer was made in the call."""


class ActivityType(enum.StrEnum):
    """The type of a line in the activity record (R30)."""

    ARRIVED = "arrived"
    OFFERED = "offered"
    ANSWERED = "answered"
    LAST_FOUR_MISSED = "last_four_missed"
    MATCHED = "matched"
    """The caller proved their identity, so the try with the `key` in `detail` does not count."""
    UNANSWERED = "unanswered"
    """The service never answered a search, so the try with the `key` in `detail` does not count."""
    LIMITED = "limited"
    """A limit on tries or texts was reached. `detail` names the limit."""
    CONSENTED = "consented"
    SENT = "sent"
    SETTLED = "settled"
    KEPT = "kept"
    OPENED = "opened"
    """The texted link was opened while the caller was on the line, so the bill is now paperless."""
    ENDED = "ended"
    RETRIED = "retried"
    COMPLETED = "completed"
    CANCELED = "cancelled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    EXPORTED = "exported"
    GIVEN_UP = "given_up"


GIVES_BACK = (ActivityType.MATCHED, ActivityType.UNANSWERED)
"""The activities that give back a try, so that it does not count."""


PAPERLESS_ALREADY = "paperless_already"
"""The reason code for completing a deferred request when the bill is already paperless."""

FINISHES = frozenset(
    {
        ActivityType.COMPLETED,
        ActivityType.CANCELED,
        ActivityType.EXPIRED,
        ActivityType.EXPORTED,
        ActivityType.GIVEN_UP,
        ActivityType.SUPERSEDED,
    }
)
"""The ways in which unfinished work can end, apart from a write that is `SETTLED` (R32)."""


@frozen
class Evidence:
    """A consent as given: the exact words, their version, and the times of question and answer."""

    consent: Consent
    words: str = field(repr=False)
    """The words that were heard, in the consent's language. They are personal data because they can
    contain the address."""
    words_version: str
    """The digest of the wording (`Release.words`)."""
    asked: datetime
    answered: datetime
    call_id: str
    policy_version: str
    ani: Secret | None = None
    """The caller's number at the time of the consent."""
    edition: Release = Release()
    """The release of the flow, policy, and wording. Empty if an earlier version of the library
    recorded the consent."""


@frozen
class Activity:
    """One line of the append-only activity record."""

    what: ActivityType
    call_id: str
    biller: str
    policy_version: str
    at: datetime
    state: str
    """The call's state after the activity. Empty for lines that the record adds itself or that are
    added after the call."""
    ani: Secret | None = None
    accounts: tuple[Secret, ...] = ()
    """The caller's own account; for `LAST_FOUR_MISSED`, the accounts that were tried."""
    detail: Mapping[str, str] = field(factory=dict)
    """Names and codes, such as the transition taken or the answer's class. Never personal data.

    For `ENDED`, it contains the value of the `disposition`, which `screen` uses. Every line from a
    hand-over contains its `handover` (`Arrival.reference`).
    """
    evidence: Evidence | None = None


@frozen
class SavedCall:
    """A live call as stored: its turn number, the serialized call, and its last document."""

    call_id: str
    turn: int
    call: bytes = field(repr=False)
    document: str = field(default="", repr=False)
    biller: str = ""
    """Empty if an earlier version of the library saved the call."""


class Task(enum.StrEnum):
    """A kind of work left over from a call (R32)."""

    SETTLE = "settle"
    """Find out the outcome of a write, if it is uncertain."""
    COMPLETE = "complete"
    """Carry out a deferred request."""
    FOLLOW = "follow"
    """Check on a registration whose link has not been opened."""


@frozen
class PendingWrite:
    """A write on record with an uncertain outcome: never settled, or settled as unknown."""

    write: Write
    evidence: Evidence
    at: datetime
    answer: ServiceAnswer | None = None
    attempts: int = 0
    """How many times the write has been claimed."""

    @property
    def key(self) -> str:
        """The write's key."""
        return self.write.key


@frozen
class DeferredRequest:
    """An open deferred request and the consent to it."""

    request: DeferRequest
    evidence: Evidence
    at: datetime
    attempts: int = 0

    @property
    def key(self) -> str:
        """The request's key."""
        return self.request.key


@frozen
class OpenRegistration:
    """A registration that a write started. It is pending until its link is opened or expires."""

    write: EnrollInPaperless | StoreCustomerPreference
    evidence: Evidence
    at: datetime
    """When its write was accepted."""
    attempts: int = 0

    @property
    def key(self) -> str:
        """The key of the write that started the registration."""
        return self.write.key


WorkItem = PendingWrite | DeferredRequest | OpenRegistration
"""A piece of work left over from a call. Its biller is the biller of its consent."""


@frozen
class Tracked:
    """The number of items of one task that are unfinished, or that ended in the same way."""

    task: Task
    ended: ActivityType | None
    """How the items ended, or None if they are unfinished."""
    count: int
    oldest: datetime
    """When the oldest item became due."""


@frozen
class Removed:
    """How many rows a purge or an erasure removed."""

    activities: int = 0
    consents: int = 0
    writes: int = 0
    """Writes. The registrations that they started are removed with them."""
    wishes: int = 0


@frozen
class Counted:
    """An account, caller, number, or biller that a try or text counts against, with its limits."""

    limit: str
    """The name of the setting in `Limits`."""
    whose: tuple[str, *tuple[str | Secret, ...]]
    """The key of the count: its kind, and the biller, account, or number that it applies to."""
    most: tuple[int, int]
    """The maximum in 24 hours and the maximum in the window."""


def counted_account(account: Secret) -> Secret:
    """Return an account in the normalized form that is used for counting."""
    return Secret(counts_as(account.reveal()), account.kind)


def tried(request: ReserveTry, limits: Limits) -> tuple[Counted, ...]:
    """Return what a try counts against: each account that it could match, and the caller."""
    biller, ani = request.biller, request.ani
    accounts = tuple(
        Counted("tries_per_account", ("account", biller, account), limits.tries_per_account)
        for account in dict.fromkeys(map(counted_account, request.accounts))
    )
    if ani is None:
        caller = Counted("tries_without_ani", ("no ani", biller), limits.tries_without_ani)
    else:
        caller = Counted("tries_per_ani", ("ani", biller, ani), limits.tries_per_ani)
    return (*accounts, caller)


def texted(write: Write, evidence: Evidence, limits: Limits) -> tuple[Counted, ...]:
    """Return the number, account, caller, and biller that a text counts against.

    The result is empty if the write is not a text. Numbers and callers are counted across all
    billers, since every text costs money and may be unwelcome.
    """
    if not isinstance(write, SendWebLink):
        return ()
    biller, ani = evidence.consent.biller, evidence.ani
    account = counted_account(write.account)
    by_ani = (Counted("texts_per_ani", ("texting", ani), limits.texts_per_ani),) if ani else ()
    return (
        Counted("texts_per_number", ("texted", write.phone), limits.texts_per_number),
        Counted("texts_per_account", ("texted account", biller, account), limits.texts_per_account),
        *by_ani,
        Counted("texts_per_biller", ("texts", biller), limits.texts_per_biller),
    )


def windows(now: datetime, limits: Limits) -> tuple[datetime, datetime]:
    """Return when the last 24 hours began, and when the window for tries and texts began."""
    return now - A_DAY, now - timedelta(days=limits.window_days)


def task_of(left: WorkItem) -> Task:
    """Return the task of a piece of unfinished work."""
    match left:
        case PendingWrite():
            return Task.SETTLE
        case DeferredRequest():
            return Task.COMPLETE
        case OpenRegistration():
            return Task.FOLLOW


def tracked_order(tracked: Tracked) -> tuple[int, str]:
    """Return a sort key: by task, with unfinished work first."""
    return (list(Task).index(tracked.task), tracked.ended or "")


def about(consent: Consent) -> Mapping[str, str]:
    """Return the details of a line about a consent: its hand-over, reference, and purpose."""
    return {
        "handover": consent.handover,
        "reference": consent.reference,
        "purpose": consent.purpose.value,
    }


def starts_registration(write: Write) -> bool:
    """Return whether a write starts a registration once the service accepts it."""
    return isinstance(write, EnrollInPaperless) or (
        isinstance(write, StoreCustomerPreference) and write.paperless
    )


def decides(write: Write) -> bool:
    """Return whether a write decides how a bill is delivered.

    Such a write makes earlier requests for the bill obsolete.
    """
    return isinstance(write, EnrollInPaperless | StoreCustomerPreference)


class Record(Protocol):
    """The part of the record that calls use.

    Every method has a time limit, and raises `errors.RecordDown` if it cannot read or save the
    data. `budgets.record` limits each transaction once it begins. Before that, a transaction on a
    database can wait up to 2 seconds for its turn, and up to 2 seconds for a new connection to
    PostgreSQL. Drivers do not interrupt a method that takes too long. If only the answer was lost,
    the change may have been saved. In that case, the error is `in_doubt`, and the caller must not
    be told that nothing was changed. Repeating a request with the same key has no further effect.
    """

    def note(self, activity: Activity) -> None:
        """Append a line to the activity record."""
        ...

    def screen(self, request: Screen) -> Screened:
        """Return how this caller's or account's last call with an offer ended (R14).

        Also returns how earlier hand-overs of this call ended. This considers every hand-over in
        which an offer was made (`OFFERED`), and every hand-over that ended with a bill going back
        to paper (`OPTED_OUT`, `OPT_OUT_REQUESTED`), even if no offer was made. Callers are matched
        by ANI, and accounts by `Activity.accounts`.
        """
        ...

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved | LimitReached:
        """Count a try before it is made, or return the limit that forbids it (R17, R47).

        Checking and counting are atomic, so concurrent calls together never get more tries than the
        limit allows. The try counts against everything that `tried` returns, over 24 hours and over
        `limits.window_days`, until an activity in `GIVES_BACK` gives it back. A repeated key is not
        counted again.
        """
        ...

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Record a write under its key before it is sent, and note `SENT`.

        Returns `Refused(LIMIT)`, with the limit as its code, if a limit forbids it. A text counts
        against everything that `texted` returns, unless it is settled as not sent. If the key is
        already on record, the write stays as it was first recorded.
        """
        ...

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Record a write's outcome. Raises LookupError if no write has that key.

        A write that was sent twice is settled twice. If it is known to be done, it stays done. If
        it may have been done, it stays uncertain even if a second attempt never reaches the
        service.

        In the same transaction, this notes `SETTLED`. If an accepted write decides how a bill is
        delivered, this also completes the deferred request with the same key (`COMPLETED`), and
        replaces earlier deferred requests and pending registrations for that bill (`SUPERSEDED`;
        `CANCELED` for a registration if the bill goes back to paper). If the write started a
        registration, the registration is then followed. If a later write for the bill was already
        accepted, the earlier write replaces nothing, and its own registration is noted as
        `SUPERSEDED`.
        """
        ...

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Save a request to be completed later, and note `KEPT`. Repeating a key has no effect.

        A new request replaces earlier requests for the same customer and invoice type. If a write
        with the same key was already accepted, the request is `COMPLETED` immediately.
        """
        ...


class Readable(Protocol):
    """The part of the record that is used for reports: names, codes, times, and counts.

    It contains no personal data. Every method raises `errors.RecordDown` if the record is
    unavailable.
    """

    def billers(self) -> tuple[str, ...]:
        """Return the billers that have lines, sorted by name."""
        ...

    def activity(
        self, biller: str, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        """Yield a biller's lines at or after `since` and before `until`, ordered by time.

        Lines with the same time are in the order in which they were noted. The lines do not
        identify anyone: `ani`, `accounts`, and `evidence` are empty. They are read on demand, so
        lines that are noted in the meantime may or may not be included.
        """
        ...

    def tracked(self, biller: str) -> tuple[Tracked, ...]:
        """Return how many items of each task are unfinished, and how the rest ended.

        Purged items are not counted.
        """
        ...


class Ledger(Record, Readable, Protocol):
    """The complete record, including queries and the work left over from calls."""

    def consents(self, biller: str, reference: str) -> tuple[Evidence, ...]:
        """Return the consents with a given reference (`Handback.consents`), in order.

        There is only one, unless two hand-overs have the same call ID and the same name.
        """
        ...

    def unsettled(self, before: datetime) -> tuple[PendingWrite, ...]:
        """Return the writes with an uncertain outcome, recorded before a time, oldest first."""
        ...

    def kept(self) -> tuple[DeferredRequest, ...]:
        """Return the open deferred requests, oldest first. Each bill has at most one."""
        ...

    def followed(self) -> tuple[OpenRegistration, ...]:
        """Return the registrations that are being followed, oldest first."""
        ...

    def claim(  # noqa: PLR0913, PLR0917 - a claim needs all of these
        self,
        task: Task,
        biller: str,
        holder: str,
        lease: timedelta,
        before: datetime,
        most: int,
    ) -> tuple[WorkItem, ...]:
        """Claim some of a biller's unfinished work for a holder until the lease ends.

        Returns up to `most` items that became due before `before`, oldest first. Skips items that
        are already claimed or not yet due for a retry. Each process needs its own `holder`.
        """
        ...

    def release(self, left: WorkItem, holder: str, again: datetime) -> None:
        """Release a claimed item, to be retried no earlier than `again`, and note `RETRIED`.

        Raises `errors.StaleClaim` if the holder no longer has the claim, or if the item is done.
        """
        ...

    def finish(self, left: WorkItem, holder: str, how: ActivityType, reason: str = "") -> None:
        """Close a claimed item with one of `FINISHES`, and note how it ended.

        The reason is a code, never personal data. A write can only be closed as `GIVEN_UP`. For any
        other outcome, call `settle`, which also completes the write's deferred request. If a
        look-up shows that a deferred request is already fulfilled, it is `COMPLETED`; if the bill
        comes by e-mail, the reason is `PAPERLESS_ALREADY`. Raises `errors.StaleClaim` if the holder
        no longer has the claim, or if the item is done, and ValueError if it cannot end like this.
        """
        ...

    def purge(self, biller: str, retention: Retention) -> Removed:
        """Remove everything older than a biller's retention allows, except unfinished work.

        A consent is kept as long as any write or request based on it.
        """
        ...


class LiveCalls(Protocol):
    """The calls in progress. Methods raise `errors.RecordDown` if the store is unavailable."""

    def load(self, call_id: str) -> SavedCall:
        """Return the call as last saved. Raises `errors.UnknownCall` if it is not stored."""
        ...

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        """Store a call if its stored turn is still `if_turn` (None if it is not stored yet).

        Raises `errors.StaleCall` if another worker moved the call first.
        """
        ...

    def drop(self, call_id: str) -> None:
        """Remove a call that has ended. Removing an unknown call is not an error."""
        ...

    def idle(self, since: datetime, biller: str) -> Collection[str]:
        """Return the IDs of a biller's calls that were last saved before a time.

        Calls that were saved without a biller are included.
        """
        ...


@frozen
class Intent:
    """A write about to be sent, its consent, and the limits that may forbid it."""

    write: Write
    evidence: Evidence
    limits: Limits


@frozen
class Reservation:
    """A try that a call is about to offer, and the limits that may forbid it."""

    request: ReserveTry
    limits: Limits


@frozen
class Settlement:
    """The outcome of a write."""

    key: str
    answer: ServiceAnswer


@frozen
class SessionUpdate:
    """The changes that a move of a call makes to the store. Parts left unset have no effect."""

    call: SavedCall | None = None
    """The call after the move. It is stored if its stored turn is still `if_turn`."""
    if_turn: int | None = None
    forget: bool = False
    """If true, the call has ended, and is removed if its stored turn is still `if_turn`."""
    intent: Intent | None = None
    outcome: Settlement | None = None
    activities: tuple[Activity, ...] = ()


Tried = TryReserved | LimitReached
"""The result of reserving a try."""

Follow = Callable[[Tried], SessionUpdate]
"""A function that returns the update for the result of reserving a try. It must always return the
same update for the same result."""


class SessionStore(Protocol):
    """The store of live calls and the record. Changes that belong together are committed together.

    Methods raise `errors.RecordDown` if the store is unavailable.
    """

    @property
    def record(self) -> Record:
        """The part of the record that calls use."""
        ...

    @property
    def calls(self) -> LiveCalls:
        """The calls in progress."""
        ...

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        """Make all of an update's changes, or none of them.

        Raises `errors.StaleCall` if another worker moved the call first. Returns `Refused` if a
        limit forbids the intended write. In both cases, nothing was changed. `again` means that the
        same update may have been committed before, because its answer was lost. If the call is
        already in the state that the update requires (stored with the same bytes at the same turn,
        or removed), the first commit succeeded, and nothing is done twice.
        """
        ...

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        """Count a try as `Record.reserve` does and make the changes that follow, or do neither.

        Returns the result that was passed to `follow`. Raises `errors.StaleCall`, and handles
        `again`, as `commit` does. `follow` is called before the try is committed, and must not
        query the store.
        """
        ...
