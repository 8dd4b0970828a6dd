"""What a record has to keep: activity, consents, writes, wishes and live calls."""

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
"""A day of a limit: the last 24 hours. It needs no time zone, and midnight doubles nothing."""

BACK_TO_PAPER = (Disposition.OPTED_OUT, Disposition.OPT_OUT_REQUESTED)
"""Endings that count for the next offer even where none was made in the call."""


class ActivityType(enum.StrEnum):
    """What an entry of the activity record tells (R30)."""

    ARRIVED = "arrived"
    OFFERED = "offered"
    ANSWERED = "answered"
    LAST_FOUR_MISSED = "last_four_missed"
    MATCHED = "matched"
    """The caller has shown who they are: the try whose `key` is in its `detail` is given back."""
    UNANSWERED = "unanswered"
    """The service never answered a search: the try whose `key` is in its `detail` is given back."""
    LIMITED = "limited"
    """No try or text was left; its `detail` has the limit."""
    CONSENTED = "consented"
    SENT = "sent"
    SETTLED = "settled"
    KEPT = "kept"
    OPENED = "opened"
    """The texted link was opened while the caller stayed on the line: the bill is paperless."""
    ENDED = "ended"
    RETRIED = "retried"
    COMPLETED = "completed"
    CANCELED = "cancelled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    EXPORTED = "exported"
    GIVEN_UP = "given_up"


GIVES_BACK = (ActivityType.MATCHED, ActivityType.UNANSWERED)
"""Lines by which a try is given back."""


PAPERLESS_ALREADY = "paperless_already"
"""Why a wish is completed whose registration the service has confirmed already."""

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
"""How what was left to do after a call can end (R32)."""


@frozen
class Evidence:
    """A consent as it was given: the exact words, their version, when asked and answered."""

    consent: Consent
    words: str = field(repr=False)
    """What was heard, as text, in the consent's language. Personal: it names the address."""
    words_version: str
    """Digest of the wording (`Release.words`)."""
    asked: datetime
    answered: datetime
    call_id: str
    policy_version: str
    ani: Secret | None = None
    """Who called when it was given."""
    edition: Release = Release()
    """The flow, policy and words of the call; empty where an earlier version recorded it."""


@frozen
class Activity:
    """One line of the append-only activity record."""

    what: ActivityType
    call_id: str
    biller: str
    policy_version: str
    at: datetime
    state: str
    """The state of the call after it; empty for what the record itself did, or what came later."""
    ani: Secret | None = None
    accounts: tuple[Secret, ...] = ()
    """The caller's own account; of `LAST_FOUR_MISSED` those that were tried."""
    detail: Mapping[str, str] = field(factory=dict)
    """Names and codes, never personal: the row taken, the answer's class.

    Of `ENDED` it has the value of the `disposition`, by which `screen` goes. Every line that
    a hand-over brought about has its `handover` (`Arrival.reference`).
    """
    evidence: Evidence | None = None


@frozen
class SavedCall:
    """A live call as it is stored: turn number, the call in bytes, the last document."""

    call_id: str
    turn: int
    call: bytes = field(repr=False)
    document: str = field(default="", repr=False)
    biller: str = ""
    """Empty where an earlier version of the library saved it."""


class Task(enum.StrEnum):
    """What can be left to do after a call (R32)."""

    SETTLE = "settle"
    """A write whose outcome is not certain: look it up."""
    COMPLETE = "complete"
    """A wish that was kept: have it done."""
    FOLLOW = "follow"
    """A registration that waits for its link to be opened: see what becomes of it."""


@frozen
class PendingWrite:
    """A write that was put on record and may have been done: never settled, or unknown."""

    write: Write
    evidence: Evidence
    at: datetime
    answer: ServiceAnswer | None = None
    attempts: int = 0
    """How often it was claimed."""

    @property
    def key(self) -> str:
        """The key of the write."""
        return self.write.key


@frozen
class DeferredRequest:
    """A wish that stands, and the consent to it."""

    request: DeferRequest
    evidence: Evidence
    at: datetime
    attempts: int = 0

    @property
    def key(self) -> str:
        """The key of the wish."""
        return self.request.key


@frozen
class OpenRegistration:
    """A registration that a write started: pending until its link is opened, or expires."""

    write: EnrollInPaperless | StoreCustomerPreference
    evidence: Evidence
    at: datetime
    """When its write was accepted."""
    attempts: int = 0

    @property
    def key(self) -> str:
        """The key of the write that started it."""
        return self.write.key


WorkItem = PendingWrite | DeferredRequest | OpenRegistration
"""Something that is left to do after a call. Its biller is that of the consent."""


@frozen
class Tracked:
    """How much of a task there is: left to do, or ended in one way."""

    task: Task
    ended: ActivityType | None
    """None: it is left to do."""
    count: int
    oldest: datetime
    """Since when the oldest was to be done."""


@frozen
class Removed:
    """How much a purge or an erasure removed."""

    activities: int = 0
    consents: int = 0
    writes: int = 0
    """Writes, and the registrations that they started."""
    wishes: int = 0


@frozen
class Counted:
    """For whom a try or a text counts, and how often it may: in 24 hours, and in the window."""

    limit: str
    """The setting of `Limits`."""
    whose: tuple[str, *tuple[str | Secret, ...]]
    """By what it is found: what is counted, the biller, and whose."""
    most: tuple[int, int]


def counted_account(account: Secret) -> Secret:
    """By what an account is counted and found: host and service write one in several ways."""
    return Secret(counts_as(account.reveal()), account.kind)


def tried(request: ReserveTry, limits: Limits) -> tuple[Counted, ...]:
    """For whom a try counts: each account it could hit, and who calls, or all who withhold it."""
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
    """For whom a text counts; nobody where it is another write.

    A number and a caller are pestered and paid for whichever biller it is.
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
    """Since when tries and texts count: for the day, and for the window."""
    return now - A_DAY, now - timedelta(days=limits.window_days)


def task_of(left: WorkItem) -> Task:
    """What is to be done with it."""
    match left:
        case PendingWrite():
            return Task.SETTLE
        case DeferredRequest():
            return Task.COMPLETE
        case OpenRegistration():
            return Task.FOLLOW


def tracked_order(tracked: Tracked) -> tuple[int, str]:
    """By task, what is left first."""
    return (list(Task).index(tracked.task), tracked.ended or "")


def about(consent: Consent) -> Mapping[str, str]:
    """What a line says of the consent that it comes of: which, to what, in which hand-over."""
    return {
        "handover": consent.handover,
        "reference": consent.reference,
        "purpose": consent.purpose.value,
    }


def starts_registration(write: Write) -> bool:
    """Whether a write, once accepted, leaves a registration to be followed."""
    return isinstance(write, EnrollInPaperless) or (
        isinstance(write, StoreCustomerPreference) and write.paperless
    )


def decides(write: Write) -> bool:
    """Whether a write says how a bill is to come, so that it outdates earlier wishes for it."""
    return isinstance(write, EnrollInPaperless | StoreCustomerPreference)


class Record(Protocol):
    """What a call puts on record.

    Every method comes back within `budgets.record`, and raises `errors.RecordDown` where it
    cannot answer or keep: a driver does not cut it short. It may have been done all the same,
    where the answer was lost; what has a key may be asked again, and is the same.
    """

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

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved | LimitReached:
        """Counts a try before it is made, or says which limit allows no more (R17, R47).

        Looking and counting are one step: of many who ask at once no more get a try than there
        are left. It counts for each of `tried`, in 24 hours and in `limits.window_days`, until a
        line of `GIVES_BACK` gives it back. The same key again is the same try.
        """
        ...

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Puts a write on record, with its key, before it is sent; notes `SENT`.

        `Refused(LIMIT)` where a limit forbids it, which is its code: texts count for each of
        `texted`, as tries do, until they are settled as not sent.
        The same key again is the same write, as it was first put on record.
        """
        ...

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Puts the outcome of a write on record; LookupError where none has that key.

        A write that was sent twice is settled twice. What is known to be done stays done,
        and what may be done is not made undone by a second sending that got nowhere.

        In the same transaction it notes `SETTLED`, and a write that is accepted finishes the
        wish of its own key (`COMPLETED`), takes the place of what was wished or pending for
        the same bill before it was intended (`SUPERSEDED`), and is followed from then on where
        it started a registration. Where a later write for the bill was accepted it does not,
        and its registration is noted as `SUPERSEDED`.
        """
        ...

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Keeps a wish, to be completed later; notes `KEPT`. The same key is the same wish.

        The latest wish for a customer and invoice type takes the place of earlier ones.
        """
        ...


class Readable(Protocol):
    """What is read for reports: names, codes, times and counts, nothing personal.

    Every method raises `errors.RecordDown` where it cannot answer.
    """

    def billers(self) -> tuple[str, ...]:
        """The billers whose calls there are lines of, in order."""
        ...

    def activity(
        self, biller: str, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        """The lines of a biller, from a moment on and before another, in the order of their time.

        At the same time they are in the order in which they were noted. Of whom they tell is
        left out: `ani`, `accounts` and `evidence` are empty. They are read as they are asked
        for; what is noted meanwhile may be among them or not.
        """
        ...

    def tracked(self, biller: str) -> tuple[Tracked, ...]:
        """How much of each task is left, and how the rest ended, as far as it was not purged."""
        ...


class Ledger(Record, Readable, Protocol):
    """A whole record: also what is asked of it, and left to do, after the calls."""

    def consents(self, biller: str, reference: str) -> tuple[Evidence, ...]:
        """The consents of a reference (`Handback.consents`), in order.

        One, unless a call was handed over again under the same id.
        """
        ...

    def unsettled(self, before: datetime) -> tuple[PendingWrite, ...]:
        """The writes without a certain outcome that were intended before a moment, in order."""
        ...

    def kept(self) -> tuple[DeferredRequest, ...]:
        """The wishes that stand, in order: not finished, and of each bill the latest."""
        ...

    def followed(self) -> tuple[OpenRegistration, ...]:
        """The registrations that are being followed, in order."""
        ...

    def claim(  # noqa: PLR0913, PLR0917 - what, for whom, by whom, how long, which
        self,
        task: Task,
        biller: str,
        holder: str,
        lease: timedelta,
        before: datetime,
        most: int,
    ) -> tuple[WorkItem, ...]:
        """Some of what is left to do for a biller, for one holder alone until the lease ends.

        The oldest first, at most so many, from before a moment; not what somebody else holds,
        and not what was released until later. A holder names one process, never two.
        """
        ...

    def release(self, left: WorkItem, holder: str, again: datetime) -> None:
        """Gives back what was claimed, to be claimed again from a moment on; notes `RETRIED`.

        Raises `errors.StaleClaim` where the holder no longer has it, or it is done.
        """
        ...

    def finish(self, left: WorkItem, holder: str, how: ActivityType, reason: str = "") -> None:
        """Closes what was claimed as one of `FINISHES`, and notes that line.

        The reason is a code, never personal. A write is only given up, else `settle` it. A wish
        is `COMPLETED` once its registration is under way; where the service says that the bill
        comes by e-mail already, the reason is `PAPERLESS_ALREADY`.
        Raises `errors.StaleClaim` where the holder no longer has it, or it is done.
        """
        ...

    def purge(self, biller: str, retention: Retention) -> Removed:
        """Removes what a biller's retention no longer allows; nothing that is left to do.

        Consents go with the last of the writes and wishes made of them.
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

    def idle(self, since: datetime, biller: str) -> Collection[str]:
        """The identifiers of a biller's calls that were last saved before a time.

        Among them are those that were saved without a biller.
        """
        ...


@frozen
class Intent:
    """A write that is about to be sent, the consent to it, and the limits that may forbid it."""

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
    """What one move of a call changes in the store. Parts that are absent change nothing."""

    call: SavedCall | None = None
    """The call as it is now, stored if its stored turn is still `if_turn`."""
    if_turn: int | None = None
    forget: bool = False
    """The call has ended: it is removed, not stored, if its stored turn is still `if_turn`."""
    intent: Intent | None = None
    outcome: Settlement | None = None
    activities: tuple[Activity, ...] = ()


Tried = TryReserved | LimitReached
"""What the record says of a try."""

Follow = Callable[[Tried], SessionUpdate]
"""What the answer about a try changes; the same update whenever it is given the same answer."""


class SessionStore(Protocol):
    """Where calls in progress and the record are kept: what belongs together commits together.

    Methods raise `errors.RecordDown` where they cannot answer.
    """

    @property
    def record(self) -> Record:
        """The record, for what a call asks it."""
        ...

    @property
    def calls(self) -> LiveCalls:
        """The calls in progress."""
        ...

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        """Makes every change of an update, or none of them.

        Raises `errors.StaleCall` where somebody else moved the call first. `Refused` where a
        limit forbids the intended write. In both cases nothing was changed.
        `again`: the same update was committed before, and its answer was lost. Where the call
        is stored with the same bytes at the same turn, or is gone as the update wanted,
        everything was done the first time, and nothing is done twice.
        """
        ...

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        """Counts a try as `Record.reserve`, and makes every change that follows, or neither.

        Returns the answer that was followed. Raises `errors.StaleCall`, and recognizes an update
        `again`, as `commit`. `follow` is called before the try is committed, and must not ask
        the store.
        """
        ...
