"""A record in memory, for tests and simulation. It is lost when the process exits."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from threading import Lock
from types import MappingProxyType
from typing import Any

from attrs import define, evolve, field, fields, frozen

from paperless_ivr.clock import utc_now
from paperless_ivr.errors import RecordDown, StaleCall, StaleClaim, UnknownCall
from paperless_ivr.flow.events import (
    Accepted,
    LimitReached,
    OutcomeUnknown,
    Refusal,
    Refused,
    Screened,
    ServiceAnswer,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.policy import Limits, Retention
from paperless_ivr.flow.requests import DeferRequest, ReserveTry, Screen, Write
from paperless_ivr.records.port import (
    BACK_TO_PAPER,
    FINISHES,
    GIVES_BACK,
    Activity,
    ActivityType,
    Counted,
    DeferredRequest,
    Evidence,
    OpenRegistration,
    PendingWrite,
    Removed,
    SavedCall,
    Task,
    Tracked,
    WorkItem,
    about,
    counted_account,
    decides,
    starts_registration,
    task_of,
    texted,
    tracked_order,
    tried,
    windows,
)
from paperless_ivr.secret import Secret


@frozen
class _HandOver:
    """An ended hand-over that may prevent the next offer."""

    call_id: str
    at: datetime
    line: int
    """The number of its last line, used to order hand-overs that ended at the same time."""
    ended: Disposition


@define(eq=False)
class _Job:
    """A piece of work left over from a call, and the holder of its claim."""

    task: Task
    left: WorkItem
    done: ActivityType | None = None
    holder: str = ""
    until: datetime | None = None
    """When the holder's lease ends, or when the job can be claimed again."""

    def free(self, now: datetime) -> bool:
        """Return whether the job can be claimed."""
        return self.done is None and (self.until is None or self.until <= now)


Whose = tuple[str, str, str | Secret]
"""The key under which hand-overs are found: the biller, the kind ("call", "ani", or "account"), and
the ID or number."""


@define(eq=False, repr=False)
class _Memory:
    """A store in memory, with a clock, a lock, and a switch that makes it fail."""

    now: Callable[[], datetime] = utc_now
    down: bool = False
    """If true, every method of the port raises `RecordDown`."""
    _lock: Lock = field(init=False, factory=Lock)

    def snapshot(self) -> Callable[[], None]:
        """Return a function that restores the current contents of the store."""
        names = [each.name for each in fields(type(self)) if not each.init and each.name != "_lock"]
        with self._lock:
            held = {name: _copied(getattr(self, name)) for name in names}

        def put_back() -> None:
            with self._lock:
                for name, value in held.items():
                    setattr(self, name, _copied(value))

        return put_back

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            if self.down:
                raise RecordDown
            yield


@define(eq=False, repr=False)
class MemoryRecord(_Memory):
    """A record in memory. Safe to use from several threads. Times are time-zone-aware."""

    _activities: list[Activity] = field(init=False, factory=list)
    _unfinished: dict[Whose, list[Activity]] = field(init=False, factory=dict)
    _hand_overs: dict[Whose, list[_HandOver]] = field(init=False, factory=dict)
    _reserved: dict[tuple[str | Secret, ...], dict[str, datetime]] = field(init=False, factory=dict)
    """When each try or text was counted, by `Counted.whose` and then by the key of the try or text.
    Tries that were given back, and texts that were not sent, are removed."""
    _consents: dict[tuple[str, str, datetime], Evidence] = field(init=False, factory=dict)
    _writes: dict[str, PendingWrite] = field(init=False, factory=dict)
    _jobs: dict[tuple[Task, str], _Job] = field(init=False, factory=dict)

    def __repr__(self) -> str:
        return f"<MemoryRecord {len(self._activities)} activities>"

    # ── for inspection ──

    @property
    def activities(self) -> tuple[Activity, ...]:
        """The activity record, oldest line first."""
        with self._lock:
            return tuple(self._activities)

    @property
    def writes(self) -> Mapping[str, PendingWrite]:
        """Every write on record, by key, in the order in which the writes were recorded."""
        with self._lock:
            return dict(self._writes)

    # ── activity ──

    def note(self, activity: Activity) -> None:
        """Append a line. Changing its `detail` mapping afterwards has no effect."""
        line = evolve(activity, detail=MappingProxyType(dict(activity.detail)))
        with self._open():
            self._activities.append(line)
            if line.evidence:
                self._consented(line.evidence)
            call = (line.biller, "call", line.call_id)
            if line.what is ActivityType.ARRIVED:
                self._unfinished.pop(call, None)
            self._unfinished.setdefault(call, []).append(line)
            if line.what in GIVES_BACK:
                self._release(line.detail["key"])
            if line.what is ActivityType.ENDED:
                self._ended(call, self._unfinished.pop(call))

    def _ended(self, call: Whose, lines: list[Activity]) -> None:
        """Note the end of a hand-over under its call, its ANI, and the caller's account.

        It is noted only if an offer was made, or if a bill is going back to paper. Accounts from a
        failed last-four check are left out. They may not be the caller's, and a guesser's calls
        must not affect the accounts' owners.
        """
        last = lines[-1]
        ended = Disposition(last.detail["disposition"])
        if ended not in BACK_TO_PAPER and all(a.what is not ActivityType.OFFERED for a in lines):
            return
        whose = {call}
        for line in lines:
            accounts = () if line.what is ActivityType.LAST_FOUR_MISSED else line.accounts
            whose |= _concerned(line.biller, line.ani, accounts)
        counted = _HandOver(last.call_id, last.at, len(self._activities), ended)
        for one in whose:
            self._hand_overs.setdefault(one, []).append(counted)

    def screen(self, request: Screen) -> Screened:
        """Return how earlier hand-overs of this caller or account ended."""
        accounts = (request.account,) if request.account else ()
        with self._open():
            here = self._hand_overs.get((request.biller, "call", request.call_id), ())
            before = [
                hand_over
                for whose in _concerned(request.biller, request.ani, accounts)
                for hand_over in self._hand_overs.get(whose, ())
                if hand_over.call_id != request.call_id
            ]
        in_this_call = tuple(hand_over.ended for hand_over in here)
        if not before:
            return Screened(in_this_call=in_this_call)
        latest = max(before, key=lambda hand_over: (hand_over.at, hand_over.line))
        days = max((self.now() - latest.at).days, 0)
        return Screened(latest.ended, days, in_this_call)

    def reserve(self, request: ReserveTry, limits: Limits) -> TryReserved | LimitReached:
        """Count a try before it is made."""
        with self._open():
            reached = self._reserve(request.key, tried(request, limits), limits)
        return TryReserved() if reached is None else LimitReached(reached)

    def _reserve(self, key: str, counted: tuple[Counted, ...], limits: Limits) -> str | None:
        """Count an upcoming try or text, once per key, or return the limit that forbids it."""
        now = self.now()
        for one in counted:
            there = self._reserved.setdefault(one.whose, {})
            if key in there:
                return None
            for since, most in zip(windows(now, limits), one.most, strict=True):
                if sum(at > since for at in there.values()) >= most:
                    return one.limit
        for one in counted:
            self._reserved[one.whose][key] = now
        return None

    def _release(self, key: str) -> None:
        """Stop counting the try or text with this key."""
        for there in self._reserved.values():
            there.pop(key, None)

    # ── writes and deferred requests ──

    def intend(self, write: Write, evidence: Evidence, limits: Limits) -> Refused | None:
        """Record a write, unless a limit forbids it."""
        with self._open():
            if write.key in self._writes:
                return None
            reached = self._reserve(write.key, texted(write, evidence, limits), limits)
            if reached is not None:
                return Refused(Refusal.LIMIT, reached)
            written = PendingWrite(write, evidence, self.now())
            self._consented(evidence)
            self._writes[write.key] = written
            self._jobs[Task.SETTLE, write.key] = _Job(Task.SETTLE, written)
            self._line(ActivityType.SENT, evidence, operation=type(write).__name__)
            return None

    def settle(self, key: str, answer: ServiceAnswer) -> None:
        """Record the outcome of a write."""
        with self._open():
            if key not in self._writes:
                message = f"no write {key!r} is on record"
                raise LookupError(message)
            before = self._writes[key]
            self._line(ActivityType.SETTLED, before.evidence, answer=type(answer).__name__)
            done = isinstance(before.answer, Accepted)
            got_nowhere = isinstance(answer, Unavailable)
            if done or (got_nowhere and isinstance(before.answer, OutcomeUnknown)):
                return
            written = evolve(before, answer=answer)
            self._writes[key] = written
            if isinstance(answer, Refused | Unavailable):
                self._release(key)
            job = self._jobs[Task.SETTLE, key]
            job.left = written
            if isinstance(answer, Accepted | Refused | Unavailable):
                job.done = ActivityType.SETTLED
            elif job.done is ActivityType.SETTLED:
                job.done = None
            if isinstance(answer, Accepted) and decides(written.write):
                self._decided(written)

    def _decided(self, written: PendingWrite) -> None:
        """Close an accepted write's deferred request, and the work that the write supersedes."""
        write, evidence = written.write, written.evidence
        starts = starts_registration(write)
        for job in self._open_for(_bill(written), Task.COMPLETE, Task.FOLLOW):
            if job.left.key == write.key:
                self._finish(job, ActivityType.COMPLETED)
            elif self._since(job) <= written.at:
                replaced = starts or job.task is Task.COMPLETE
                self._finish(job, ActivityType.SUPERSEDED if replaced else ActivityType.CANCELED)
        outdated = any(
            other.at > written.at
            and isinstance(other.answer, Accepted)
            and decides(other.write)
            and _bill(other) == _bill(written)
            for other in self._writes.values()
        )
        if starts and outdated:
            self._line(ActivityType.SUPERSEDED, evidence, task=Task.FOLLOW.value, reason="")
        elif starts:
            followed = OpenRegistration(write, evidence, self.now())  # type: ignore[arg-type]
            self._jobs[Task.FOLLOW, write.key] = _Job(Task.FOLLOW, followed)

    def _since(self, job: _Job) -> datetime:
        """Return when the caller made the request that led to a job."""
        return self._writes[job.left.key].at if job.task is Task.FOLLOW else job.left.at

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        """Save a deferred request, to be completed later."""
        with self._open():
            if (Task.COMPLETE, request.key) in self._jobs:
                return
            kept = DeferredRequest(request, evidence, self.now())
            self._consented(evidence)
            self._line(ActivityType.KEPT, evidence)
            for job in self._open_for(_bill(kept), Task.COMPLETE):
                self._finish(job, ActivityType.SUPERSEDED)
            job = self._jobs[Task.COMPLETE, request.key] = _Job(Task.COMPLETE, kept)
            own = self._writes.get(request.key)
            if own and isinstance(own.answer, Accepted):
                self._finish(job, ActivityType.COMPLETED)

    def _consented(self, evidence: Evidence) -> None:
        self._consents.setdefault(_given(evidence), evidence)

    def _line(self, what: ActivityType, evidence: Evidence, **detail: str) -> None:
        """Append a line about something that the record did or that happened after the call."""
        consent = evidence.consent
        self._activities.append(
            Activity(
                what,
                evidence.call_id,
                consent.biller,
                evidence.policy_version,
                self.now(),
                "",
                detail=MappingProxyType({**about(consent), **detail}),
            )
        )

    # ── reading ──

    def billers(self) -> tuple[str, ...]:
        """Return the billers that have lines."""
        with self._open():
            return tuple(sorted({line.biller for line in self._activities}))

    def activity(
        self, biller: str, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        """Yield the lines of a biller, without the data that identifies people."""
        with self._open():
            lines = [
                evolve(line, ani=None, accounts=(), evidence=None)
                for line in self._activities
                if line.biller == biller
                and (since is None or since <= line.at)
                and (until is None or line.at < until)
            ]
        yield from sorted(lines, key=lambda line: line.at)

    def tracked(self, biller: str) -> tuple[Tracked, ...]:
        """Return how many items of each task are unfinished, and how the rest ended."""
        since: dict[tuple[Task, ActivityType | None], list[datetime]] = {}
        with self._open():
            for job in self._jobs.values():
                if job.left.evidence.consent.biller == biller:
                    since.setdefault((job.task, job.done), []).append(job.left.at)
        found = (Tracked(*which, len(all_of), min(all_of)) for which, all_of in since.items())
        return tuple(sorted(found, key=tracked_order))

    def consents(self, biller: str, reference: str) -> tuple[Evidence, ...]:
        """Return the consents with a given reference."""
        with self._open():
            return tuple(e for at, e in self._consents.items() if at[:2] == (biller, reference))

    # ── after the call ──

    def unsettled(self, before: datetime) -> tuple[PendingWrite, ...]:
        """Return the writes with an uncertain outcome."""
        return tuple(
            w for w in self._left(Task.SETTLE) if isinstance(w, PendingWrite) and w.at < before
        )

    def kept(self) -> tuple[DeferredRequest, ...]:
        """Return the deferred requests that are still open."""
        return tuple(k for k in self._left(Task.COMPLETE) if isinstance(k, DeferredRequest))

    def followed(self) -> tuple[OpenRegistration, ...]:
        """Return the registrations that are being followed."""
        return tuple(f for f in self._left(Task.FOLLOW) if isinstance(f, OpenRegistration))

    def _left(self, task: Task) -> list[WorkItem]:
        with self._open():
            return [job.left for job in self._jobs.values() if job.task is task and not job.done]

    def _open_for(self, bill: tuple[str, Secret, str], *tasks: Task) -> list[_Job]:
        return [
            job
            for job in self._jobs.values()
            if job.task in tasks and not job.done and _bill(job.left) == bill
        ]

    def claim(  # noqa: PLR0913, PLR0917 - the port requires these arguments
        self,
        task: Task,
        biller: str,
        holder: str,
        lease: timedelta,
        before: datetime,
        most: int,
    ) -> tuple[WorkItem, ...]:
        """Claim some unfinished work for one holder."""
        with self._open():
            now = self.now()
            free = [job for job in self._jobs.values() if job.task is task and job.free(now)]
            its = [job for job in free if job.left.evidence.consent.biller == biller]
            due = [job for job in its if job.left.at < before][:most]
            for job in due:
                job.holder, job.until = holder, now + lease
                job.left = evolve(job.left, attempts=job.left.attempts + 1)
            return tuple(job.left for job in due)

    def release(self, left: WorkItem, holder: str, again: datetime) -> None:
        """Release claimed work."""
        with self._open():
            job = self._held(left, holder)
            job.holder, job.until = "", again
            self._line(ActivityType.RETRIED, left.evidence, attempts=str(left.attempts))

    def finish(self, left: WorkItem, holder: str, how: ActivityType, reason: str = "") -> None:
        """Close claimed work."""
        if how not in FINISHES or (
            isinstance(left, PendingWrite) and how is not ActivityType.GIVEN_UP
        ):
            message = f"this task cannot end as {how.value!r}"
            raise ValueError(message)
        with self._open():
            self._finish(self._held(left, holder), how, reason)

    def _held(self, left: WorkItem, holder: str) -> _Job:
        job = self._jobs.get((task_of(left), left.key))
        if job is None or job.done or job.holder != holder:
            raise StaleClaim(left.key)
        return job

    def _finish(self, job: _Job, how: ActivityType, reason: str = "") -> None:
        job.done = how
        self._line(how, job.left.evidence, task=job.task.value, reason=reason)

    def purge(self, biller: str, retention: Retention) -> Removed:
        """Remove everything older than a biller's retention allows."""
        activity = self.now() - timedelta(days=retention.activity_days)
        consent = self.now() - timedelta(days=retention.consent_days)
        with self._open():
            lines = [a for a in self._activities if a.biller != biller or a.at >= activity]
            noted = len(self._activities) - len(lines)
            self._activities = lines
            for whose, ended in self._hand_overs.items():
                if whose[0] == biller:
                    ended[:] = [one for one in ended if one.at >= activity]
            gone = [
                at
                for at, job in self._jobs.items()
                if job.done and job.left.at < consent and job.left.evidence.consent.biller == biller
            ]
            wishes = [at for at in gone if at[0] is Task.COMPLETE]
            followed = {key for task, key in self._jobs if task is Task.FOLLOW} - {
                key for task, key in gone if task is Task.FOLLOW
            }
            writes = [key for task, key in gone if task is Task.SETTLE and key not in followed]
            for key in writes:
                del self._writes[key]
                del self._jobs[Task.SETTLE, key]
                self._jobs.pop((Task.FOLLOW, key), None)
            for at in wishes:
                del self._jobs[at]
            needed = {_given(job.left.evidence) for job in self._jobs.values()}
            old = [
                given
                for given in self._consents
                if given[0] == biller and given[2] < consent and given not in needed
            ]
            for given in old:
                del self._consents[given]
            return Removed(noted, len(old), len(writes), len(wishes))


def _copied(value: Any) -> Any:
    """Return a copy of a container or job. Other values are frozen, and are returned unchanged."""
    match value:
        case dict():
            return {key: _copied(held) for key, held in value.items()}
        case list():
            return [_copied(held) for held in value]
        case _Job():
            return copy(value)
    return value


def _concerned(biller: str, ani: Secret | None, accounts: Iterable[Secret]) -> set[Whose]:
    """Return the keys for the caller and the accounts of a line or a query."""
    callers: set[Whose] = {(biller, "ani", ani)} if ani else set()
    return callers | {(biller, "account", account) for account in map(counted_account, accounts)}


def _given(evidence: Evidence) -> tuple[str, str, datetime]:
    """Return the key of a consent: its biller, its reference, and when it was given."""
    return (evidence.consent.biller, evidence.consent.reference, evidence.answered)


def _bill(left: WorkItem) -> tuple[str, Secret, str]:
    """Return the bill that a work item is about: its biller, customer, and invoice type."""
    what = left.request if isinstance(left, DeferredRequest) else left.write
    return (left.evidence.consent.biller, what.customer, what.invoice_type)


@define(eq=False, repr=False)
class MemoryLiveCalls(_Memory):
    """Calls in progress, in memory. Safe to use from several threads."""

    _calls: dict[str, SavedCall] = field(init=False, factory=dict)
    _saved: dict[str, datetime] = field(init=False, factory=dict)

    def __repr__(self) -> str:
        return f"<MemoryLiveCalls {len(self._calls)} calls>"

    def load(self, call_id: str) -> SavedCall:
        """Return the call as last saved."""
        with self._open():
            if call_id not in self._calls:
                raise UnknownCall(call_id)
            return self._calls[call_id]

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        """Store a call if its stored turn is still `if_turn`."""
        with self._open():
            stored = self._calls.get(call.call_id)
            if (stored.turn if stored else None) != if_turn:
                raise StaleCall(call.call_id, if_turn or 0)
            self._calls[call.call_id] = call
            self._saved[call.call_id] = self.now()

    def drop(self, call_id: str) -> None:
        """Remove a call."""
        with self._open():
            self._calls.pop(call_id, None)
            self._saved.pop(call_id, None)

    def idle(self, since: datetime, biller: str) -> tuple[str, ...]:
        """Return the IDs of a biller's calls that were last saved before a time."""
        with self._open():
            return tuple(
                call_id
                for call_id, at in self._saved.items()
                if at < since and self._calls[call_id].biller in (biller, "")
            )
