"""The places a call can be.

Four kinds: *ask* waits for keys, *do* waits for an answer of the service or of the record (or
for a transfer), *pass* routes on at once, *end* gives the call back with a disposition.
"""

import enum

from paperless_ivr.flow.host import Disposition


class Kind(enum.Enum):
    """What a state waits for."""

    ASK = "ask"
    DO = "do"
    PASS = "pass"
    END = "end"


class Phase(enum.Enum):
    """A stretch of the call; diagrams are drawn one per phase."""

    ARRIVAL = "Arrival and offer"
    IDENTITY = "Who is calling"
    BILL = "Which bill"
    ADDRESS = "Which address"
    EMAIL = "E-mail by keypad"
    TEXT = "A text message"
    CONSENT = "Consent and enrolment"
    AFTER = "After enrolment"
    PAPER = "Pending, and back to paper"
    PERSON = "A person"
    END = "Endings"


class State(enum.Enum):
    """Every state: its kind, its phase, and what it is for."""

    GREETING = Kind.PASS, Phase.ARRIVAL, "The call arrives: may there be an offer at all?"
    LANGUAGE = Kind.ASK, Phase.ARRIVAL, "Choose a language, each in its own."
    SCREENING = Kind.DO, Phase.ARRIVAL, "Ask the record: was this caller asked lately?"
    OFFER_AT_START = Kind.ASK, Phase.ARRIVAL, "The offer at the start of a call: 1, or go on."
    OFFER = Kind.ASK, Phase.ARRIVAL, "The offer before or after a payment: yes or no."

    ACCOUNT = Kind.PASS, Phase.IDENTITY, "Which number finds the account?"
    HANDED_OVER_LIMIT = (
        Kind.DO,
        Phase.IDENTITY,
        "Ask the record: may the host's account number be tried?",
    )
    ACCOUNT_LOOKUP = Kind.DO, Phase.IDENTITY, "Search by account number."
    PHONE_LOOKUP = Kind.DO, Phase.IDENTITY, "Search by the number that calls."
    ACCOUNT_LIMIT = Kind.DO, Phase.IDENTITY, "Ask the record: may an account number be tried?"
    ACCOUNT_ENTRY = Kind.ASK, Phase.IDENTITY, "Key the account number."
    LAST_FOUR_LIMIT = Kind.DO, Phase.IDENTITY, "Ask the record: may last four digits be tried?"
    IDENTITY_CHECK = Kind.ASK, Phase.IDENTITY, "Key the last four digits of the account number."

    INVOICE = Kind.PASS, Phase.BILL, "Which bills can be spoken of?"
    INVOICE_SELECTION = Kind.ASK, Phase.BILL, "Choose one of several bills."
    INVOICE_CHECK = Kind.DO, Phase.BILL, "Is the bill still there?"

    ADDRESS = Kind.PASS, Phase.ADDRESS, "Which way to an address comes next?"
    NEW_CONTACT = Kind.PASS, Phase.ADDRESS, "An address of the caller's own: are two facts shown?"
    FACT_LIMIT = Kind.DO, Phase.ADDRESS, "Ask the record: may the missing fact be tried?"
    NUMBER_CHECK = Kind.ASK, Phase.ADDRESS, "Key the whole account number."
    PHONE_CHECK = Kind.ASK, Phase.ADDRESS, "Key the last four digits of the phone number on file."

    EMAIL_LOCAL = Kind.ASK, Phase.EMAIL, "Spell the part before the at-sign."
    EMAIL_DOMAIN = Kind.ASK, Phase.EMAIL, "Choose the part after the at-sign."
    EMAIL_DOMAIN_ENTRY = Kind.ASK, Phase.EMAIL, "Spell the part after the at-sign."
    EMAIL_READBACK = Kind.ASK, Phase.EMAIL, "Hear the address, and stop at what is wrong."
    EMAIL_FIX = Kind.ASK, Phase.EMAIL, "Change, insert or remove a character."
    EMAIL_CHARACTER = Kind.ASK, Phase.EMAIL, "Spell one character."

    TEXT_NUMBER = Kind.PASS, Phase.TEXT, "Is there a number to text to?"
    PHONE_CAPTURE = Kind.ASK, Phase.TEXT, "Key a mobile number."
    PHONE_CONFIRM = Kind.ASK, Phase.TEXT, "Hear the number and confirm it."
    TEXT_CONSENT = Kind.ASK, Phase.TEXT, "May one text be sent to that number?"
    TEXT_DECLINED = Kind.PASS, Phase.TEXT, "No text: what now?"
    WEB_LINK = Kind.DO, Phase.TEXT, "Text the link."
    LINK_FAILED = Kind.PASS, Phase.TEXT, "The text was not sent: what now?"

    CONFIRMATION = Kind.ASK, Phase.CONSENT, "Hear bill, address and what happens; agree or not."
    ENROLLMENT = Kind.DO, Phase.CONSENT, "Enrol, or store the preference."
    ENROLLMENT_CHECK = Kind.DO, Phase.CONSENT, "Outcome unknown: look the customer up."
    ENROLLMENT_AGAIN = Kind.DO, Phase.CONSENT, "Absent: store the preference once more."
    KEEPING = Kind.DO, Phase.CONSENT, "Keep the wish on record, to be completed later."

    AFTERWARDS = Kind.PASS, Phase.AFTER, "Enrolled: what is still to be asked or done?"
    AUTOPAY_OFFER = Kind.ASK, Phase.AFTER, "AutoPay: which bill, when, how to stop; yes or no."
    AUTOPAY = Kind.DO, Phase.AFTER, "Store the payment method."
    ANOTHER = Kind.ASK, Phase.AFTER, "Another bill?"
    DONE = Kind.PASS, Phase.AFTER, "What was agreed decides the ending."

    ALREADY_MENU = Kind.ASK, Phase.PAPER, "Already paperless: back to paper?"
    PENDING_MENU = Kind.ASK, Phase.PAPER, "A link waits to be opened: send again, change, cancel?"
    OPT_OUT_CONFIRM = Kind.ASK, Phase.PAPER, "Back to paper: agree or not."
    OPT_OUT = Kind.DO, Phase.PAPER, "Store the preference for paper."
    OPT_OUT_KEEPING = Kind.DO, Phase.PAPER, "Keep the wish for paper on record."

    PERSON_OFFER = Kind.ASK, Phase.PERSON, "Could not be done: speak to a person, or go on?"
    TRANSFERRING = Kind.DO, Phase.PERSON, "Put the caller through to a person."
    GIVEN_UP = Kind.PASS, Phase.PERSON, "Tries used up: a person, or the end."
    GO_ON = Kind.PASS, Phase.PERSON, "Nobody to be had, or not wanted: the ending that was due."
    LEAVING = Kind.PASS, Phase.PERSON, "The caller pressed pound to leave."

    ENROLLED = Kind.END, Phase.END, "Accepted; the e-mailed link makes it active."
    LINK_SENT = Kind.END, Phase.END, "The texted link finishes it."
    DEFERRED = Kind.END, Phase.END, "Agreed and kept; completed later."
    DECLINED = Kind.END, Phase.END, "Said no."
    IGNORED = Kind.END, Phase.END, "Said nothing, or meant another key for the host."
    LEFT = Kind.END, Phase.END, "Broke off."
    NOT_OFFERED = Kind.END, Phase.END, "Nothing was offered."
    INELIGIBLE = Kind.END, Phase.END, "No bill that can go paperless."
    ALREADY_PAPERLESS = Kind.END, Phase.END, "Was paperless already, and stays so."
    PENDING = Kind.END, Phase.END, "A link was sent earlier and still waits."
    NOT_IDENTIFIED = Kind.END, Phase.END, "The account was not found or not proved."
    NO_CONTACT = Kind.END, Phase.END, "No address could be had."
    INCOMPLETE = Kind.END, Phase.END, "Tries or silence used up."
    UNAVAILABLE = Kind.END, Phase.END, "The service was down before the yes; nothing is kept."
    FAILED = Kind.END, Phase.END, "Refused for good."
    OPTED_OUT = Kind.END, Phase.END, "Back to paper."
    OPT_OUT_REQUESTED = Kind.END, Phase.END, "Back to paper was asked for, and kept."
    TRANSFERRED = Kind.END, Phase.END, "A person has the call."
    ABANDONED = Kind.END, Phase.END, "Hung up; what was agreed is still carried out."

    def __init__(self, kind: Kind, phase: Phase, purpose: str) -> None:
        self.kind = kind
        self.phase = phase
        self.purpose = purpose

    __hash__ = object.__hash__  # there is one of each: quicker than by name

    def __repr__(self) -> str:
        return f"State.{self.name}"

    @property
    def disposition(self) -> Disposition:
        """The disposition that an end state has by itself; ValueError for other kinds."""
        return Disposition[self.name]


ASKING: tuple[State, ...] = tuple(s for s in State if s.kind is Kind.ASK)
ENDS: tuple[State, ...] = tuple(s for s in State if s.kind is Kind.END)
