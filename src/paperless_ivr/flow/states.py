"""The states of a call.

There are four kinds: *ask* waits for keys, *do* waits for an answer from the service or the record
(or for a transfer), *pass* moves on immediately, and *end* returns the call with a disposition.
"""

import enum
from typing import Self

from paperless_ivr.flow.host import Disposition


class Kind(enum.Enum):
    """The kinds of states, by what they wait for."""

    ASK = "ask"
    DO = "do"
    PASS = "pass"
    END = "end"


class EndingGroup(enum.Enum):
    """The groups of endings in diagrams."""

    DONE = "Enrolled"
    LINK = "A link was sent"
    LATER = "Completed later"
    NO = "Declined or left"
    CANNOT = "Not possible"
    AGENT = "To an agent"


class Phase(enum.Enum):
    """The chapters of the call, each with a title, a short name, and a description."""

    ARRIVAL = (
        "Arrival and offer",
        "Arrival",
        "The line makes its offer at the start of a call, or before or after a payment.",
    )
    IDENTITY = (
        "Who is calling",
        "Caller",
        "The account is looked up, and the caller proves it is theirs.",
    )
    BILL = "Which bill", "Which bill", "One bill is picked from those that can go paperless."
    ADDRESS = (
        "Which address",
        "Address",
        "The line tries the biller's ways to get an address in turn.",
    )
    EMAIL = (
        "E-mail by keypad",
        "E-mail",
        "The caller spells the address, hears it, and corrects it.",
    )
    TEXT = "A text message", "Text", "The caller gives a cell number, and consents to a text."
    CONSENT = (
        "Consent and enrollment",
        "Consent",
        "The caller hears the bill and the address, and agrees.",
    )
    AFTER = (
        "After enrollment",
        "After",
        "AutoPay, a text, and another bill are offered one by one.",
    )
    PAPER = (
        "Pending, back to paper",
        "Back to paper",
        "A link has not been opened, or the bill is already paperless.",
    )
    AGENT = (
        "An agent",
        "Agent",
        "The caller presses 0 or runs out of tries, or the line cannot help.",
    )
    END = "Endings", "Ending", "The host gets the call back."

    short: str
    about: str

    def __new__(cls, title: str, short: str, about: str) -> Self:
        """Create a chapter with its title as its value."""
        phase = object.__new__(cls)
        phase._value_ = title
        phase.short, phase.about = short, about
        return phase


class State(enum.Enum):
    """All states, each with its kind and phase. Its block in `chapters` has its purpose."""

    GREETING = Kind.PASS, Phase.ARRIVAL
    LANGUAGE = Kind.ASK, Phase.ARRIVAL
    SCREENING = Kind.DO, Phase.ARRIVAL
    OFFER_AT_START = Kind.ASK, Phase.ARRIVAL
    WHICH_OFFER = Kind.PASS, Phase.ARRIVAL
    OFFER_IN_FULL = Kind.ASK, Phase.ARRIVAL
    OFFER = Kind.ASK, Phase.ARRIVAL

    BEFORE_OFFER = Kind.PASS, Phase.IDENTITY
    BEFORE_OFFER_LIMIT = Kind.DO, Phase.IDENTITY
    BEFORE_OFFER_LOOKUP = Kind.DO, Phase.IDENTITY
    ACCOUNT = Kind.PASS, Phase.IDENTITY
    HANDED_OVER_LIMIT = Kind.DO, Phase.IDENTITY
    ACCOUNT_LOOKUP = Kind.DO, Phase.IDENTITY
    PHONE_LOOKUP = Kind.DO, Phase.IDENTITY
    ACCOUNT_LIMIT = Kind.DO, Phase.IDENTITY
    ACCOUNT_ENTRY = Kind.ASK, Phase.IDENTITY
    LAST_FOUR_LIMIT = Kind.DO, Phase.IDENTITY
    IDENTITY_CHECK = Kind.ASK, Phase.IDENTITY

    INVOICE = Kind.PASS, Phase.BILL
    INVOICE_SELECTION = Kind.ASK, Phase.BILL
    INVOICE_CHECK = Kind.DO, Phase.BILL

    ADDRESS = Kind.PASS, Phase.ADDRESS
    NEW_CONTACT = Kind.PASS, Phase.ADDRESS
    FACT_LIMIT = Kind.DO, Phase.ADDRESS
    NUMBER_CHECK = Kind.ASK, Phase.ADDRESS
    PHONE_CHECK = Kind.ASK, Phase.ADDRESS

    EMAIL_LOCAL = Kind.ASK, Phase.EMAIL
    EMAIL_DOMAIN = Kind.ASK, Phase.EMAIL
    EMAIL_DOMAIN_ENTRY = Kind.ASK, Phase.EMAIL
    EMAIL_READBACK = Kind.ASK, Phase.EMAIL
    EMAIL_EXACT = Kind.ASK, Phase.EMAIL
    EMAIL_EXACT_DOMAIN = Kind.ASK, Phase.EMAIL

    TEXT_NUMBER = Kind.PASS, Phase.TEXT
    PHONE_CAPTURE = Kind.ASK, Phase.TEXT
    PHONE_CONFIRM = Kind.ASK, Phase.TEXT
    TEXT_CONSENT = Kind.ASK, Phase.TEXT
    TEXT_DECLINED = Kind.PASS, Phase.TEXT
    WEB_LINK = Kind.DO, Phase.TEXT
    LINK_FAILED = Kind.PASS, Phase.TEXT

    CONFIRMATION = Kind.ASK, Phase.CONSENT
    ENROLLMENT = Kind.DO, Phase.CONSENT
    ENROLLMENT_CHECK = Kind.DO, Phase.CONSENT
    ENROLLMENT_AGAIN = Kind.DO, Phase.CONSENT
    KEEPING = Kind.DO, Phase.CONSENT

    AFTERWARDS = Kind.PASS, Phase.AFTER
    LINK_WAIT = Kind.ASK, Phase.AFTER
    LINK_CHECK = Kind.DO, Phase.AFTER
    AUTOPAY_OFFER = Kind.ASK, Phase.AFTER
    AUTOPAY = Kind.DO, Phase.AFTER
    ANOTHER = Kind.ASK, Phase.AFTER
    DONE = Kind.PASS, Phase.AFTER

    ALREADY_MENU = Kind.ASK, Phase.PAPER
    PENDING_MENU = Kind.ASK, Phase.PAPER
    OPT_OUT_CONFIRM = Kind.ASK, Phase.PAPER
    OPT_OUT = Kind.DO, Phase.PAPER
    OPT_OUT_KEEPING = Kind.DO, Phase.PAPER

    AGENT_OFFER = Kind.ASK, Phase.AGENT
    TRANSFERRING = Kind.DO, Phase.AGENT
    GIVEN_UP = Kind.PASS, Phase.AGENT
    GO_ON = Kind.PASS, Phase.AGENT
    LEAVING = Kind.PASS, Phase.AGENT

    ENROLLED = Kind.END, Phase.END
    LINK_SENT = Kind.END, Phase.END
    DEFERRED = Kind.END, Phase.END
    DECLINED = Kind.END, Phase.END
    IGNORED = Kind.END, Phase.END
    LEFT = Kind.END, Phase.END
    NOT_OFFERED = Kind.END, Phase.END
    INELIGIBLE = Kind.END, Phase.END
    ALREADY_PAPERLESS = Kind.END, Phase.END
    PENDING = Kind.END, Phase.END
    NOT_IDENTIFIED = Kind.END, Phase.END
    NO_CONTACT = Kind.END, Phase.END
    INCOMPLETE = Kind.END, Phase.END
    UNAVAILABLE = Kind.END, Phase.END
    FAILED = Kind.END, Phase.END
    OPTED_OUT = Kind.END, Phase.END
    OPT_OUT_REQUESTED = Kind.END, Phase.END
    TRANSFERRED = Kind.END, Phase.END
    ABANDONED = Kind.END, Phase.END

    kind: Kind
    phase: Phase

    def __new__(cls, kind: Kind, phase: Phase) -> Self:
        """Create a state that differs from all others, even those with the same kind and phase."""
        state = object.__new__(cls)
        state._value_ = len(cls.__members__)
        state.kind, state.phase = kind, phase
        return state

    __hash__ = object.__hash__  # states are unique, and this is faster than hashing the name

    def __repr__(self) -> str:
        return f"State.{self.name}"

    @property
    def disposition(self) -> Disposition:
        """The disposition of an end state. Raises KeyError for other kinds."""
        return Disposition[self.name]


ASKING: tuple[State, ...] = tuple(s for s in State if s.kind is Kind.ASK)
ENDS: tuple[State, ...] = tuple(s for s in State if s.kind is Kind.END)
