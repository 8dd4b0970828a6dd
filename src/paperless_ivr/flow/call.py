"""One telephone call and what is known about it: frozen, hashable, and small.

A `Call` contains no clock, no turn number, and no spoken text. The next prompts depend only on the
call (`Flow.turn`).
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
"""The prompt that thanks the caller for calling. It is played at most once per call."""


@frozen
class Tries:
    """Counts of silences, wrong keys, and repeats at a question. Each new state resets them."""

    silence: int = 0
    wrong: int = 0
    repeats: int = 0


@frozen(cache_hash=True)
class Spent:
    """Counters that limit loops. They are never reset, so no loop can run forever."""

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
    """The proof that the caller has given for each account found."""

    caller_id: bool = False
    """Whether the search by caller ID found the accounts."""
    by_host: tuple[Secret, ...] = ()
    """The accounts that match the account number from the host. There is usually only one."""
    last_four: Secret | None = None
    """The account whose last four digits were keyed."""
    numbers: tuple[Secret, ...] = ()
    """The accounts whose whole numbers were keyed in this call."""
    phone: Secret | None = None
    """A phone number on file whose last four digits were keyed."""
    gave_up: bool = False
    """Whether the caller could not provide the missing proof. If so, they are not asked again."""


@frozen(cache_hash=True)
class Reserved:
    """The number and the names of the tries that the record has counted for this call."""

    made: int = 0
    held: tuple[str, ...] = ()
    """The tries to give back if the caller proves who they are."""
    matched: tuple[str, ...] = ()
    """The tries that have already been given back."""


@frozen(cache_hash=True)
class Choosing:
    """The choice of a bill. `customer` and `type` are set once a bill has been chosen."""

    back_to_paper: bool = False
    """Whether the caller wants to go back to paper instead of enrolling."""
    cancelling: bool = False
    """Whether the caller asked to cancel a link that has not been opened, and keep paper bills."""
    customer: int | None = None
    type: str = ""
    page: int = 0
    gone: tuple[Secret, ...] = ()
    """The invoices that no longer exist, according to `InvoiceExists`."""
    done: tuple[tuple[int, str], ...] = ()
    """The bills (customer, type) that were settled in this call."""


@frozen(cache_hash=True)
class Entry:
    """The input so far.

    It is dropped when the call moves on to another phase, but kept when the call ends and during a
    transfer to an agent.
    """

    account: Secret | None = None
    phone: Secret | None = None
    so_far: Secret | None = None
    """The keys so far, if the caller paused before the end."""
    pressed: Secret | None = None
    """The keys of an address spelled with one press per character, for `EmailDecoder`. If the
    domain was also spelled, `#9` and the keys of the domain follow those of the local part. None
    if the address is spelled exactly."""
    local: Secret | None = None
    domain: Secret | None = None
    """The domain of the address to read back, whether chosen, guessed, or spelled exactly."""
    at: int = 0
    """The index of the first character that must still be read back or spelled. The caller has
    heard and accepted the characters before it."""
    words: tuple[tuple[int, int], ...] = ()
    """The parts of the address that are read as words, as (start, end) indexes."""
    ruled_out: tuple[Secret, ...] = ()
    """The characters at `at` that the caller rejected."""
    more_time: bool = False
    """Whether the caller asked for more time. If so, the line waits longer for the first key."""

    @property
    def address(self) -> str:
        """The address to read back. Never show it."""
        return f"{_text(self.local)}@{_text(self.domain)}"

    @property
    def before(self) -> str:
        """The beginning of the local part or domain, up to the next character to spell.

        Never show it.
        """
        return self.address[: self.at].rpartition("@")[2]


def _text(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""


class Source(enum.Enum):
    """The source of the e-mail address for the bills."""

    PAYMENT = "payment"
    ON_FILE = "on_file"
    KEYED = "keyed"
    LINK = "link"

    @property
    def way(self) -> Strategy:
        """The strategy that produced the address."""
        match self:
            case Source.PAYMENT | Source.ON_FILE:
                return Strategy.ON_FILE
            case Source.KEYED:
                return Strategy.KEYPAD
            case Source.LINK:
                return Strategy.TEXT_LINK


class TextPurpose(enum.StrEnum):
    """The purposes of texted links, with the values that `SendWebLink` uses."""

    TYPE_EMAIL = "type_email"
    ENROLL = "enrol"
    CONFIRM = "confirm"
    REVIEW = "review"


@frozen(cache_hash=True)
class Contact:
    """The e-mail address for the bills, and the number for texts."""

    source: Source | None = None
    email: Secret | None = None
    phone: Secret | None = None
    purpose: TextPurpose | None = None
    """The purpose of the text that the call is dealing with, if any."""
    used: tuple[Strategy, ...] = ()
    """The strategies that were tried, and are not tried again."""
    bad_email: bool = False
    """Whether the service has already refused an address."""
    looks: int = 0
    """How many times the call has asked the service whether the texted link was opened."""


class Purpose(enum.Enum):
    """The purposes of consents, with their stored codes and descriptions (R09)."""

    ENROLL = "enrol", "consent to enroll"
    TEXT = "text", "consent to one text"
    AUTOPAY = "autopay", "consent to AutoPay"
    BACK_TO_PAPER = "back_to_paper", "consent to paper"

    words: str

    def __new__(cls, stored: str, words: str) -> Self:
        """Create a purpose with the stored code as its value."""
        purpose = object.__new__(cls)
        purpose._value_, purpose.words = stored, words
        return purpose

    __hash__ = object.__hash__  # for the same reason as in `State`


@frozen(cache_hash=True)
class Consent:
    """A consent: its subject, its words (prompt names and slots), and the key that was pressed.

    `reference` is unique. It consists of the name of the hand-over (`Arrival.reference`) and the
    number of the consent. The record adds the rendered words, their version, the policy's version,
    and the times.
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
        """The name of the hand-over in which the consent was given (`Arrival.reference`)."""
        return self.reference.rpartition("-")[0]

    def __repr__(self) -> str:
        return f"<Consent {self.reference} {self.purpose.value}>"


@frozen
class Results:
    """The results of the requests that the caller agreed to."""

    outcomes: tuple[BillOutcome, ...] = ()
    text: Sent = Sent.NOT_ASKED
    autopay: Sent = Sent.NOT_ASKED
    reason: Reason = Reason.NONE
    greeted: bool = False
    lost: bool = False
    """Whether the answer to an enrollment, a change back to paper, or a deferred request was lost.
    If so, it may or may not have gone through."""
    hung_up: bool = False
    """Whether the caller hung up, or the call was taken back. If so, nothing more is said."""
    taken_back: bool = False
    """Whether the host or the server, not the caller, ended the call."""
    unused: Secret | None = None


@frozen
class PendingTransfer:
    """A pending transfer: its reason, and where the call goes if no agent is available."""

    reason: Reason = Reason.NONE
    back_to: State | None = None
    """The question at which the caller asked for an agent."""
    otherwise: State = State.INCOMPLETE


@frozen
class Call:
    """One telephone call."""

    host: Arrival
    state: State = State.GREETING
    language: str | None = None
    lead: tuple[str, ...] = ()
    """The names of the prompts to play before the state's own prompts."""
    tries: Tries = Tries()
    spent: Spent = Spent()
    found: tuple[Customer, ...] = ()
    shown: Shown = Shown()
    crowded: bool = False
    """Whether caller ID matches so many accounts that it proves nothing."""
    nobody_ahead: bool = False
    """Whether the search before the offer found no customer with the host's account number."""
    reserved: Reserved = Reserved()
    choosing: Choosing = Choosing()
    entry: Entry = Entry()
    contact: Contact = Contact()
    ringing: PendingTransfer = PendingTransfer()
    consents: tuple[Consent, ...] = ()
    results: Results = Results()

    def identity_of(self, account: Secret) -> Identity:
        """Return how well the caller is identified for an account, in this call or by the host."""
        shown = self.shown
        here = Identity.CALLER_ID if shown.caller_id else Identity.NONE
        if account == shown.last_four:
            here = Identity.LAST_FOUR_KEYED
        if account in shown.numbers:
            here = Identity.ACCOUNT_KEYED
        return max(here, self.host.identity) if account in shown.by_host else here

    @property
    def identity(self) -> Identity:
        """The highest level of identity for any account that was found."""
        return max((self.identity_of(who.account) for who in self.found), default=Identity.NONE)

    @property
    def next_try(self) -> str:
        """The name of the next try, unique across all calls."""
        host = self.host
        parts = (host.reference, host.serial, "try", str(self.reserved.made + 1))
        return "-".join(part for part in parts if part)

    @property
    def greeted(self) -> bool:
        """Whether the host or the library has thanked the caller, or is about to."""
        return self.host.greeted or self.results.greeted or GREETING in self.lead

    def __repr__(self) -> str:
        return f"<Call {self.host.call_id} {self.state.name}>"
