"""One telephone call and what it has learned: frozen, hashable, small.

A `Call` holds no clock, no turn number and no text that was spoken. Whatever is said next
can be told from it alone (`script`).
"""

import enum
from typing import Self

from attrs import frozen

from paperless_ivr.flow.events import Customer
from paperless_ivr.flow.host import (
    Arrival,
    BillOutcome,
    Identity,
    Reason,
    Sent,
)
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.slots import Slot
from paperless_ivr.flow.states import State
from paperless_ivr.secret import Secret

GREETING = "greeting"
"""The prompt that thanks the caller for calling: heard once in a call, from the host or us."""


@frozen
class Tries:
    """How often the present question was met with silence, wrong keys, or `*`. Reset per state."""

    silence: int = 0
    wrong: int = 0
    repeats: int = 0


@frozen(cache_hash=True)
class Spent:
    """Budgets of loops. Never reset, so that no loop is for ever."""

    accounts: int = 0
    last_four: int = 0
    facts: int = 0
    addresses: int = 0
    numbers: int = 0
    people: int = 0
    pages: int = 0
    fixes: int = 0
    pauses: int = 0
    another: int = 0


@frozen(cache_hash=True)
class Shown:
    """What is known about whom the search found, account by account (`facts`)."""

    caller_id: bool = False
    """They were found by caller ID."""
    by_host: tuple[Secret, ...] = ()
    """What the account number that the host handed over stands for: usually one account."""
    last_four: Secret | None = None
    """The account whose last four digits were keyed."""
    numbers: tuple[Secret, ...] = ()
    """The same of whole account numbers that were keyed in this call."""
    phone: Secret | None = None
    """A phone number on file whose last four digits were keyed."""
    gave_up: bool = False
    """What was missing could not be shown: it is not asked for again."""


@frozen(cache_hash=True)
class Reserved:
    """The tries that the record has counted for this call, by their keys."""

    made: int = 0
    held: tuple[str, ...] = ()
    """Those that are given back once the caller has shown who they are."""
    matched: tuple[str, ...] = ()
    """Those that were given back."""


@frozen(cache_hash=True)
class Choosing:
    """Which bill is spoken of. `customer` and `type` are set once one was chosen."""

    back_to_paper: bool = False
    """The talk is of going back to paper, not of enrolling."""
    cancelling: bool = False
    """It was said at the pending link: it is canceled, and paper stays."""
    customer: int | None = None
    type: str = ""
    page: int = 0
    gone: tuple[Secret, ...] = ()
    """Invoices that `InvoiceExists` no longer knew."""
    done: tuple[tuple[int, str], ...] = ()
    """Bills (customer, type) that were settled in this call."""


@frozen(cache_hash=True)
class Entry:
    """What is being keyed. Dropped when the phase is left."""

    account: Secret | None = None
    phone: Secret | None = None
    so_far: Secret | None = None
    """Keys so far, where the caller stopped for a moment in the midst of an entry."""
    pressed: Secret | None = None
    """The keys of an address by one press a character, for `EmailDecoder`: the local part, and
    where the domain was spelled, `#9` and its keys. None: it is spelled exactly."""
    local: Secret | None = None
    domain: Secret | None = None
    """The address that is read back, guessed or exact."""
    at: int = 0
    """What stands before this character was heard and let pass, and the rest is read or spelled."""
    words: tuple[tuple[int, int], ...] = ()
    """The stretches of the address that are read as words."""
    ruled_out: tuple[Secret, ...] = ()
    """Characters at `at` that the caller stopped."""
    more_time: bool = False
    """The caller asked for more time: the next wait is longer."""

    @property
    def address(self) -> str:
        """What is read back; never to be shown."""
        return f"{_text(self.local)}@{_text(self.domain)}"

    @property
    def before(self) -> str:
        """What goes on with the next character that is spelled exactly; never to be shown."""
        return self.address[: self.at].rpartition("@")[2]


def _text(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""


class Source(enum.Enum):
    """Where the address for the bills came from."""

    PAYMENT = "payment"
    ON_FILE = "on_file"
    KEYED = "keyed"
    LINK = "link"

    @property
    def way(self) -> Strategy:
        """The way to an address that brought it."""
        match self:
            case Source.PAYMENT | Source.ON_FILE:
                return Strategy.ON_FILE
            case Source.KEYED:
                return Strategy.KEYPAD
            case Source.LINK:
                return Strategy.TEXT_LINK


class TextPurpose(enum.StrEnum):
    """What a texted link is for; the words are SendWebLink's own."""

    TYPE_EMAIL = "type_email"
    ENROLL = "enrol"
    CONFIRM = "confirm"
    REVIEW = "review"


@frozen(cache_hash=True)
class Contact:
    """Where the bills are to go, and the number that may be texted."""

    source: Source | None = None
    email: Secret | None = None
    phone: Secret | None = None
    purpose: TextPurpose | None = None
    """Set while a text is spoken of."""
    used: tuple[Strategy, ...] = ()
    """Strategies that were tried and left."""
    bad_email: bool = False
    """The service refused an address once already."""
    looks: int = 0
    """How often the service was asked whether the texted link was opened."""


class Purpose(enum.Enum):
    """What a caller can say yes to, as it is stored and in words. Each needs its own (R09)."""

    ENROLL = "enrol", "consent to enroll"
    TEXT = "text", "consent to one text"
    AUTOPAY = "autopay", "consent to AutoPay"
    BACK_TO_PAPER = "back_to_paper", "consent to paper"

    words: str

    def __new__(cls, stored: str, words: str) -> Self:
        """Makes a purpose whose value is what is stored."""
        purpose = object.__new__(cls)
        purpose._value_, purpose.words = stored, words
        return purpose


@frozen(cache_hash=True)
class Consent:
    """A yes: to what, which words were asked (names and slots), and the key that was pressed.

    `reference` is unique: the call's id, the hand-over's name, the number of the consent. The
    record adds the words as rendered, their version, the language and the times.
    """

    reference: str
    biller: str
    purpose: Purpose
    prompts: tuple[str, ...]
    slots: tuple[tuple[str, Slot], ...]
    key: str
    language: str
    customer: Secret
    account: Secret
    invoice_type: str
    email: Secret | None = None
    phone: Secret | None = None

    @property
    def handover(self) -> str:
        """Names the hand-over that it was given in (`Arrival.reference`)."""
        return self.reference.rpartition("-")[0]

    def __repr__(self) -> str:
        return f"<Consent {self.reference} {self.purpose.value}>"


@frozen
class Results:
    """What has become of what the caller agreed to."""

    outcomes: tuple[BillOutcome, ...] = ()
    text: Sent = Sent.NOT_ASKED
    autopay: Sent = Sent.NOT_ASKED
    reason: Reason = Reason.NONE
    greeted: bool = False
    lost: bool = False
    """The answer to a write was lost: it may have been done."""
    hung_up: bool = False
    """Nothing is said any more: the caller hung up, or the call was taken back."""
    taken_back: bool = False
    """It was not the caller who ended it."""
    unused: Secret | None = None


@frozen
class PendingTransfer:
    """Why an agent is wanted, and where the call goes if nobody can be had."""

    reason: Reason = Reason.NONE
    back_to: State | None = None
    """The question that was being asked."""
    otherwise: State = State.INCOMPLETE


@frozen
class Call:
    """One telephone call."""

    host: Arrival
    state: State = State.GREETING
    language: str | None = None
    lead: tuple[str, ...] = ()
    """Names of what is said before the words of the state, on the way to it."""
    tries: Tries = Tries()
    spent: Spent = Spent()
    found: tuple[Customer, ...] = ()
    shown: Shown = Shown()
    crowded: bool = False
    """Caller ID is the number of so many accounts that it shows nothing."""
    nobody_ahead: bool = False
    """The search before the offer found nobody who has the number that the host handed over."""
    reserved: Reserved = Reserved()
    choosing: Choosing = Choosing()
    entry: Entry = Entry()
    contact: Contact = Contact()
    ringing: PendingTransfer = PendingTransfer()
    consents: tuple[Consent, ...] = ()
    results: Results = Results()

    def identity_of(self, account: Secret) -> Identity:
        """What the caller has shown of an account that was found, here or to the host."""
        shown = self.shown
        here = Identity.CALLER_ID if shown.caller_id else Identity.NONE
        if account == shown.last_four:
            here = Identity.LAST_FOUR_KEYED
        if account in shown.numbers:
            here = Identity.ACCOUNT_KEYED
        return max(here, self.host.identity) if account in shown.by_host else here

    @property
    def identity(self) -> Identity:
        """The most that was shown of any account that was found."""
        return max((self.identity_of(who.account) for who in self.found), default=Identity.NONE)

    @property
    def next_try(self) -> str:
        """The name of the next try: no other has it, of this call or of any other."""
        host = self.host
        parts = (host.reference, host.serial, "try", str(self.reserved.made + 1))
        return "-".join(part for part in parts if part)

    @property
    def greeted(self) -> bool:
        """Whether the host or the line has thanked the caller for calling, or is about to."""
        return self.host.greeted or self.results.greeted or GREETING in self.lead

    def __repr__(self) -> str:
        return f"<Call {self.host.call_id} {self.state.name}>"
