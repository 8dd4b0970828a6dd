"""A test bench for records, with a clock and helpers that put calls on record."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, evolve

from paperless_ivr import secret
from paperless_ivr.flow.call import Consent, Purpose
from paperless_ivr.flow.events import Accepted, LimitReached, Refused, Screened, TryReserved
from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.flow.policy import Limits
from paperless_ivr.flow.requests import (
    DeferRequest,
    Guess,
    ReserveTry,
    Screen,
    SendWebLink,
    StoreCustomerPreference,
    Write,
)
from paperless_ivr.records.port import Activity, ActivityType, Evidence, Ledger, Task, WorkItem
from paperless_ivr.secret import Secret

MakeRecord = Callable[[Callable[[], datetime]], Ledger]

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BILLER = "springfield-water"
ANI = secret.phone("+12175550151")
OTHER_ANI = secret.phone("+12175550152")
ACCOUNT = secret.account("20481151")
OTHER_ACCOUNT = secret.account("20481152")
ADDRESS = secret.email("telling.address@example.com")
WORDS = "We would send it to telling.address@example.com."
LEASE = timedelta(minutes=1)
NEVER = 50
"""More tries or texts than any daily limit allows."""
LIMITS = Limits()


@define
class Clock:
    """A clock that moves only when a test moves it."""

    at: datetime = START

    def __call__(self) -> datetime:
        """Return the current time."""
        return self.at

    def go(self, **by: float) -> None:
        """Move the clock forward."""
        self.at += timedelta(**by)


@define
class Bench:
    """A record under test, with helpers that use it."""

    record: Ledger
    clock: Clock
    biller: str = BILLER
    numbers: int = 0

    @classmethod
    def of(cls, make: MakeRecord) -> "Bench":
        """Return a bench with an empty record."""
        clock = Clock()
        return cls(make(clock), clock)

    def note(
        self,
        what: ActivityType,
        call_id: str = "c1",
        ani: Secret | None = ANI,
        accounts: tuple[Secret, ...] = (),
        **detail: str,
    ) -> None:
        """Note an activity."""
        self.record.note(
            Activity(what, call_id, self.biller, "1", self.clock(), "STATE", ani, accounts, detail)
        )

    def call(
        self,
        ended: Disposition,
        call_id: str = "c1",
        *,
        offered: bool = True,
        ani: Secret | None = ANI,
        accounts: tuple[Secret, ...] = (),
    ) -> None:
        """Note the activities of an entire hand-over."""
        self.note(ActivityType.ARRIVED, call_id, ani)
        if offered:
            self.note(ActivityType.OFFERED, call_id, ani)
        self.note(ActivityType.ENDED, call_id, ani, accounts, disposition=ended.value)

    def screen(
        self, ani: Secret | None = ANI, account: Secret | None = None, call_id: str = "now"
    ) -> Screened:
        """Return what the record contains about a caller's earlier calls."""
        return self.record.screen(Screen(call_id, BILLER, Moment.START, ani, account))

    def reserve(
        self, ani: Secret | None, *accounts: Secret, key: str = "", limits: Limits = LIMITS
    ) -> TryReserved | LimitReached:
        """Reserve a new try, or repeat the reservation with the given key."""
        self.numbers += 1
        name = key or f"try-{self.numbers}"
        asked = ReserveTry(Guess.LAST_FOUR, self.biller, ani, accounts, name)
        return self.record.reserve(asked, limits)

    def allowed(self, ani: Secret | None, *accounts: Secret) -> bool:
        """Reserve a new try, and return whether it is allowed."""
        return self.reserve(ani, *accounts) == TryReserved()

    def intend(self, write: Write, ani: Secret | None = None) -> Refused | None:
        """Put a write on record."""
        return self.record.intend(write, self.evidence(write.key, ani), Limits())

    def keep(self, request: DeferRequest) -> None:
        """Save a deferred request."""
        self.record.keep(request, self.evidence(request.key))

    def evidence(self, reference: str, ani: Secret | None = None) -> Evidence:
        """Return evidence of a consent that is given to this biller now."""
        evidence = evidence_of(reference)
        consent = evolve(evidence.consent, biller=self.biller)
        return evolve(evidence, consent=consent, answered=self.clock(), ani=ani)

    def done(self, write: Write) -> None:
        """Put a write on record, and settle it as accepted."""
        self.intend(write)
        self.record.settle(write.key, Accepted())

    def claim(self, task: Task, holder: str = "one", most: int = NEVER) -> tuple[WorkItem, ...]:
        """Claim work, with a lease of one minute."""
        later = self.clock() + timedelta(seconds=1)
        return self.record.claim(task, self.biller, holder, LEASE, later, most)

    def text(self, phone: Secret = ANI) -> SendWebLink:
        """Return a new request to send a text."""
        self.numbers += 1
        key = f"text-{self.numbers}"
        return SendWebLink(secret.customer("1"), ACCOUNT, "WATER", phone, "review", key, key)


def evidence_of(reference: str) -> Evidence:
    """Return evidence of a consent with the given reference."""
    consent = Consent(
        reference,
        BILLER,
        Purpose.ENROLL,
        ("confirmation",),
        (),
        "1",
        "en-US",
        secret.customer("1"),
        ACCOUNT,
        "WATER",
        ADDRESS,
    )
    return Evidence(consent, WORDS, "digest", START, START, "c1", "1")


def deferred_of(key: str, invoice_type: str = "WATER") -> DeferRequest:
    """Return a deferred request to enroll."""
    return DeferRequest(secret.customer("1"), ACCOUNT, invoice_type, True, ADDRESS, None, key, key)


def preference(
    key: str, invoice_type: str = "WATER", *, paperless: bool = True
) -> StoreCustomerPreference:
    """Return a write that stores a preference."""
    who = secret.customer("1")
    return StoreCustomerPreference(who, ACCOUNT, invoice_type, paperless, ADDRESS, None, key, key)
