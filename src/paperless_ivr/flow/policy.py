"""A biller's decisions as one value, with a default and a reason for each setting.

A policy is data. `policy_file` reads a policy from TOML and reports its problems. A page of the
docs is generated from the reasons and bounds here. Waits and budgets are in seconds.
"""

import enum
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from attrs import field, frozen

from paperless_ivr.flow.host import Disposition, Moment
from paperless_ivr.keypad.emails import DOMAINS

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)


class Strategy(enum.Enum):
    """A way to get an address for the bills (R08)."""

    ON_FILE = "on_file"
    TEXT_LINK = "text_link"
    KEYPAD = "keypad"
    AGENT = "person"


class CheckDigit(enum.Enum):
    """The rule by which the last digit of an account number checks the others."""

    NONE = "none"
    LUHN = "luhn"


class OfferReason(enum.Enum):
    """The reason given before the offer's question, if any."""

    NONE = "none"
    REMINDER = "reminder"
    INCENTIVE = "incentive"
    SOURCE = "source"


class Reminder(enum.Enum):
    """How the biller reminds a customer before a bill is due."""

    EMAIL = "email"
    TEXT = "text"


class Notifier(enum.Enum):
    """The sender of the message with the link to click."""

    SERVICE = "service"
    BILLER = "biller"


class Fixed(Mapping[K, V_co]):
    """An immutable mapping. It is equal to any mapping with the same content."""

    def __init__(self, content: Mapping[K, Any]) -> None:
        self._content: dict[K, Any] = {
            key: Fixed(value) if isinstance(value, Mapping) else value
            for key, value in content.items()
        }

    def __getitem__(self, key: K) -> V_co:
        value: V_co = self._content[key]
        return value

    def __iter__(self) -> Iterator[K]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return repr(self._content)


def setting(
    default: Any,
    why: str,
    *,
    least: float | None = None,
    most: float | None = None,
    keys: tuple[str, ...] = (),
) -> Any:
    """Return a field with its default and the reason for it.

    `least` and `most` bound a number, or each of several numbers; `keys` names the keys of a
    mapping, from the outside in.
    """
    metadata = {"why": why, "least": least, "most": most, "keys": keys}
    if isinstance(default, Mapping):
        return field(default=Fixed(default), converter=Fixed, hash=False, metadata=metadata)
    return field(default=default, metadata=metadata)


@frozen
class About:
    """The version of the policy (saved with every call), and who is responsible for it (R19)."""

    version: str = setting("1", "identifies this version of the policy in the record")
    owner: str = setting("unassigned", "who answers questions about the policy")
    approved_by: str = setting("nobody yet", "who approved the wording and the consents")
    approved_on: date | None = setting(None, "when this version was approved")
    in_force_from: date | None = setting(
        None,
        "the first day on which the policy applies, which cannot be before its approval; if unset, "
        "it applies immediately",
    )

    @property
    def is_approved(self) -> bool:
        """Whether the policy names the person who approved it."""
        return self.approved_by != About().approved_by


@frozen
class Biller:
    """The biller that owns the phone line."""

    id: str = setting("biller", "identifies the biller in the record and to the host")
    name: str = setting("Billing", "spoken in the greeting and wherever the biller is named")


@frozen
class Languages:
    """The languages that a caller can choose (R16)."""

    offered: tuple[str, ...] = setting(
        ("en-US", "es-US"),
        "the library has complete wording for both; callers choose a language if the host does "
        "not pass one. Each language has its own key, so there can be at most nine",
    )
    default: str = setting(
        "en-US",
        "spoken until the caller chooses a language, and used if the caller does not choose",
    )


@frozen
class Offer:
    """When and how the offer is made, and when it is made again (R02, R14, R51)."""

    moments: tuple[Moment, ...] = setting(
        tuple(Moment),
        "the host chooses the moment of each hand-over; leave a moment out to make no offer then, "
        "or leave all of them out to pause offers",
    )
    again_after_days: Mapping[Disposition, int] = setting(
        {
            Disposition.DECLINED: 180,
            Disposition.IGNORED: 30,
            Disposition.LEFT: 30,
            Disposition.ABANDONED: 7,
            Disposition.INCOMPLETE: 7,
            Disposition.NOT_IDENTIFIED: 7,
            Disposition.NO_CONTACT: 30,
            Disposition.PENDING: 7,
            Disposition.LINK_SENT: 7,
            Disposition.DEFERRED: 7,
            Disposition.ENROLLED: 7,
            Disposition.ALREADY_PAPERLESS: 180,
            Disposition.OPTED_OUT: 180,
            Disposition.OPT_OUT_REQUESTED: 180,
            Disposition.INELIGIBLE: 30,
            Disposition.TRANSFERRED: 7,
            Disposition.FAILED: 0,
            Disposition.UNAVAILABLE: 0,
            Disposition.TAKEN_BACK: 0,
        },
        "days before a caller is asked again, by how the last offer ended: 180 after a no, which "
        "is the only interval with a published source; 30 after silence; 7 after a link or a "
        "transfer; 0 after a technical failure, so that the offer can be made in the next call. A "
        "policy file lists only the intervals it changes",
        least=0,
        most=3650,
        keys=("disposition",),
    )
    one_question: tuple[Moment, ...] = setting(
        (Moment.BEFORE_PAYMENT, Moment.AFTER_PAYMENT),
        "if the host vouches for the caller, and one bill and an e-mail address are on file, the "
        "offer names both, and pressing 1 is the consent: one key instead of two. Leave a moment "
        "out to ask two questions at that moment",
    )
    reason: OfferReason = setting(
        OfferReason.NONE,
        "an offer without a reason is the shortest, and environmental appeals have not been shown "
        "to work; three in ten customers keep paper bills as a reminder to pay. At the start of a "
        "call, callers always hear the sentence from the source analysis",
    )
    reminder_by: Reminder | None = setting(
        None, 'how you remind customers before a bill is due; used only with reason = "reminder"'
    )
    reminder_days: int = setting(
        0,
        "how many days before the due date you remind customers; used only with "
        'reason = "reminder"',
        least=0,
        most=30,
    )
    incentive: Mapping[str, str] = setting(
        {},
        "for each language, a complete sentence that says what customers get for going paperless; "
        'used only with reason = "incentive"',
        keys=("language",),
    )
    incentive_until: date | None = setting(
        None,
        "the last day to mention the incentive, by the date that the host passes or, without one, "
        'the date in UTC; used only with reason = "incentive"',
    )


@frozen
class Bills:
    """The bills that can go paperless (R13), and their names."""

    eligible: tuple[str, ...] | None = setting(
        None,
        "if unset, all types that the service lists can go paperless; otherwise, only these",
    )
    names: Mapping[str, Mapping[str, str]] = setting(
        {},
        "what the bills of an invoice type are called in each language, such as 'water bill'; if "
        "there is no name here, they are called 'bill'",
        keys=("invoice type", "language"),
    )
    per_page: int = setting(
        4,
        "callers cannot remember more than four choices that they hear; 9 goes to the next page",
        least=1,
        most=4,
    )
    another: bool = setting(True, "a caller who switches one bill often wants to switch the others")
    another_at_most: int = setting(
        3,
        "how many times to ask about another bill; limited, because every call has to end",
        least=1,
        most=10,
    )


@frozen
class Proof:
    """How a caller proves who they are (R17)."""

    search_by_phone: bool = setting(
        True,
        "saves the caller from keying a whole account number. Caller ID only suggests an account; "
        "the last four digits prove it",
    )
    account_keys: tuple[int, int] = setting(
        (4, 20),
        "the fewest and the most keys in an account number; at least four, because the last four "
        "digits prove who is calling",
        least=4,
        most=30,
    )
    account_tries: int = setting(
        3, "a caller gets three tries at a long number, and then an agent", least=1, most=5
    )
    last_four_tries: int = setting(
        2,
        "one miss may be a slip, so the default allows a second try; more than three would invite "
        "guessing. The same limit applies when we ask for the missing fact before using an address "
        "or number the caller supplies",
        least=1,
        most=3,
    )
    last_four_accounts: int = setting(
        3,
        "the last four digits are enough if a search finds no more accounts than this; each "
        "additional account makes a guess more likely to succeed, so if more are found, the caller "
        "keys the whole number",
        least=1,
        most=10,
    )
    two_facts: bool = setting(
        True,
        "an e-mail address or phone number the caller supplies is used only after the whole "
        "account number and a second fact: a caller ID that is on file, or the last four digits "
        "of the phone number on file; otherwise, anyone who got hold of one bill could redirect "
        "the next one",
    )
    withheld_caller_id: bool = setting(
        False,
        "a withheld number identifies no one; set to true if your carrier vouches for such numbers",
    )


@frozen
class Account:
    """The form of an account number. Without `forms`, `proof.account_keys` sets its length."""

    forms: tuple[str, ...] = setting(
        (),
        "how numbers are written: '#' is a digit, '?' is a letter, which takes two keys (the key "
        "it is on, then its position on that key). Any other character is part of every number "
        'and is not keyed, as in "A###-####". With a single form, the entry ends after the number '
        "of keys that it takes. Without a form, any number of digits that proof.account_keys "
        "allows is accepted",
    )
    add_leading_zeros: bool = setting(
        False, "set to true if bills show 0001234567 and people key 1234567; needs exactly one form"
    )
    check_digit: CheckDigit = setting(
        CheckDigit.NONE,
        '"luhn" catches most typing mistakes before a search is sent to the service',
    )
    may_look_like_card: bool = setting(
        False,
        "a card number is neither sent nor kept; one in ten 16-digit account numbers with a card "
        "prefix passes the card check, so set this to true if your numbers take 13 keys or more",
    )
    dropped: tuple[str, ...] = setting(
        ("-", ".", "/"),
        "symbols that, like spaces, are ignored when account numbers from the host and from the "
        "service are compared; leading zeros are always ignored",
    )


@frozen
class Address:
    """How to get an e-mail address for the bills (R08)."""

    strategies: tuple[Strategy, ...] = setting(
        (Strategy.ON_FILE, Strategy.TEXT_LINK, Strategy.KEYPAD, Strategy.AGENT),
        "tried in this order: an address on file takes one key; a texted link lets the caller "
        "type; spelling an address by keypad takes a minute; an agent takes longest",
    )
    email_required: bool = setting(
        True,
        "the bill comes by e-mail, and InvoiceCloud won't complete a registration without an "
        "address; set to false to enroll with the texted link alone",
    )
    changes: int = setting(
        2, "how many times a caller may ask for another address", least=0, most=5
    )
    domains: tuple[str, ...] = setting(
        DOMAINS,
        "the domains that callers choose with one key, 1 to 8; put your region's provider first",
    )
    pauses: int = setting(
        40,
        "how many times a caller who spells with two keys per letter may pause to find the next "
        "one; the keys so far are kept",
        least=1,
        most=100,
    )
    fixes: int = setting(
        4,
        "how many times a caller may correct the address that we guess from their keys; after "
        "that, spelling the rest with two keys per letter is quicker, and allows the same number "
        "of corrections",
        least=0,
        most=30,
    )


@frozen
class Text:
    """Text messages, each of which needs its own consent (R07)."""

    region: str = setting(
        "US", "the country of the numbers that callers key, which must use +1 and ten digits"
    )
    also_to: tuple[str, ...] = setting(
        (),
        "other countries whose numbers get texts, such as CA or PR; none by default, because "
        "fraudsters call to have texts sent to expensive +1 numbers",
    )
    after_enrolment: tuple[Moment, ...] = setting(
        (),
        "none by default, because the e-mail already has the link, and one more question takes the "
        "caller twelve seconds; to send a text as in the source analysis, write "
        '["before_payment", "after_payment"]',
    )
    other_numbers: int = setting(
        2, "how many times the caller may give a different number", least=0, most=5
    )
    to_toll_free: bool = setting(
        False,
        "the owner of a toll-free number pays for texts to it; premium numbers never get texts",
    )
    wait_for_link: bool = setting(
        True,
        "if the texted link completes the enrollment, the caller may stay on the line while "
        "opening it, and hears when the enrollment is complete; people forget links that they "
        "leave for later",
    )
    wait_seconds: float = setting(
        90.0,
        "the longest wait, if the service answers within a second; we poll it about every four "
        "seconds, and any key except 0 and star ends the wait. The default leaves time to unlock a "
        "phone and type an address",
        least=15,
        most=300,
    )

    @property
    def regions(self) -> tuple[str, ...]:
        """The countries whose numbers get texts, starting with `region`."""
        return (self.region, *self.also_to)


@frozen
class AutoPay:
    """Whether AutoPay is offered after a payment. It is separate from paperless billing (R04)."""

    offer: bool = setting(
        False,
        "paperless billing needs no stored card, so AutoPay is offered only if you turn it on",
    )
    terms: Mapping[str, str] = setting(
        {},
        "for each language, when payments are drawn and how to stop them; spoken before the "
        "consent, and required if AutoPay is offered",
        keys=("language",),
    )


@frozen
class BackToPaper:
    """Whether a caller can go back to paper by telephone (R11)."""

    by_phone: bool = setting(True, "going back to paper should be as easy as going paperless")


@frozen
class Notification:
    """Who sends the message with the link, and how many paper bills may still come."""

    sent_by: Notifier = setting(
        Notifier.SERVICE,
        "EnrollInPaperless already queues this e-mail, and a second one would confuse people",
    )
    bills_still_on_paper: int = setting(
        2,
        "how many more bills may come on paper; paper stops one or two billing cycles after the "
        "change, so no prompt promises 'no more paper'",
        least=1,
        most=6,
    )


@frozen
class Tries:
    """How many times a question is asked again (R15). Silence and wrong keys count separately."""

    silence: int = setting(
        2,
        "a caller hears a short reprompt, then a longer one, and then gets an agent",
        least=0,
        most=5,
    )
    wrong: int = setting(
        2,
        "a caller hears the same reprompts as after silence, and then gets an agent",
        least=0,
        most=5,
    )
    repeats: int = setting(
        10,
        "how many times a caller may press star to repeat a question or get more time: ten, as "
        "WCAG 2.2.1 requires for time limits; at least once, because the help prompt offers it",
        least=1,
        most=20,
    )
    people: int = setting(
        2,
        "how many times per call a caller may press 0 and hear that no agent is free; at least "
        "once, because prompts offer 0",
        least=1,
        most=5,
    )
    pages: int = setting(
        10, "how many times a caller may turn to another page of bills", least=1, most=20
    )


@frozen
class Waits:
    """How many seconds of silence a question allows."""

    offer: float = setting(
        3.0,
        "a caller who is silent at the start of a call goes on to the host's menu; after a longer "
        "wait, callers think the line is dead",
        least=1,
        most=3,
    )
    first_key: float = setting(5.0, "the usual default in IVR software", least=3, most=30)
    next_key: float = setting(3.0, "the time between two keys of a number", least=1, most=10)
    entry_first_key: float = setting(
        12.0, "leaves time to fetch a bill, which takes 10 to 15 seconds", least=5, most=60
    )
    email_next_key: float = setting(
        8.0, "callers have to find the letters on the keys", least=3, most=30
    )
    more_time: float = setting(
        30.0,
        "the wait after a caller presses star in an entry; WCAG 2.2.1 requires at least 20",
        least=20,
        most=120,
    )


@frozen
class Budgets:
    """How many seconds the caller may wait for an answer (R10)."""

    read: float = setting(4.0, "leaves time for one retry", least=0.5, most=10)
    write: float = setting(
        8.0,
        "unlike a read, a write is not retried within its budget, so it gets more time",
        least=1,
        most=20,
    )
    record: float = setting(
        0.5,
        "the offer should not wait long for the record, because the caller hears nothing in the "
        "meantime",
        least=0.1,
        most=2,
    )
    before_offer: float = setting(
        1.1,
        "the time from the hand-over to the offer, when the caller hears nothing; the record and "
        "the search share this time, and a search that takes longer runs after the caller accepts",
        least=0.2,
        most=1.5,
    )
    reassure: float = setting(
        7.0, "the caller should hear something new every 7 to 10 seconds", least=3, most=10
    )


@frozen
class Limits:
    """The limits on tries and texts, in 24 hours and in `window_days` (R17, R47).

    A try is counted before its question is asked or its search is made. It is given back if the
    caller proves who they are, or if the service does not answer the search.
    """

    window_days: int = setting(
        30,
        "the length of the longer window, which keeps someone who calls every day from using the "
        "full daily limit each time",
        least=2,
        most=366,
    )
    tries_per_account: tuple[int, int] = setting(
        (6, 20),
        "allows three calls with two misses each; someone guessing the last four digits of "
        "three accounts succeeds on 0.18% of days",
        least=1,
        most=500,
    )
    tries_per_ani: tuple[int, int] = setting(
        (10, 40),
        "a household may have several accounts, and caller ID can be forged anyway",
        least=1,
        most=1000,
    )
    tries_without_ani: tuple[int, int] = setting(
        (30, 300),
        "all of the biller's callers without a known number share these limits, so that no one "
        "can try account numbers one after another. Raise them if many callers withhold their "
        "number, or if the host hands over many callers without one; a search before the offer "
        "counts as a try",
        least=1,
        most=100000,
    )
    texts_per_number: tuple[int, int] = setting(
        (3, 10),
        "one to enroll, one to confirm, and one sent again; more would be a nuisance",
        least=1,
        most=100,
    )
    texts_per_account: tuple[int, int] = setting(
        (4, 12),
        "one more than for a number, because the first number may have been wrong",
        least=1,
        most=100,
    )
    texts_per_ani: tuple[int, int] = setting(
        (6, 20),
        "a household may use several numbers; an autodialer that triggers texts for a cut of the "
        "fees gets only six",
        least=1,
        most=500,
    )
    texts_per_biller: tuple[int, int] = setting(
        (1000, 20000),
        "caps everything the other limits allow; set it to the number of texts you can afford",
        least=1,
        most=1000000,
    )


@frozen
class Retention:
    """How many days the record keeps finished items; `record purge` deletes older ones (R24)."""

    activity_days: int = setting(
        400,
        "thirteen months, so that a month can be compared with the same month a year earlier; must "
        "be at least the longest interval in offer.again_after_days, because the activity shows "
        "when a caller was last asked",
        least=30,
        most=3650,
    )
    consent_days: int = setting(
        1825,
        "for consents, and for the writes and deferred requests made from them: five years, "
        "because lawsuits about calls and texts can be filed for four years (28 U.S.C. 1658)",
        least=365,
        most=3660,
    )


@frozen
class Policy:
    """Everything a biller decides."""

    about: About = About()
    biller: Biller = Biller()
    languages: Languages = Languages()
    offer: Offer = Offer()
    bills: Bills = Bills()
    proof: Proof = Proof()
    account: Account = Account()
    address: Address = Address()
    text: Text = Text()
    autopay: AutoPay = AutoPay()
    back_to_paper: BackToPaper = BackToPaper()
    notification: Notification = Notification()
    tries: Tries = Tries()
    waits: Waits = Waits()
    budgets: Budgets = Budgets()
    limits: Limits = Limits()
    retention: Retention = Retention()
    words: Mapping[str, Mapping[str, str]] = setting(
        {},
        "the biller's own wording, where it differs from ours; it is checked against the rules "
        "for each prompt",
        keys=("language", "prompt"),
    )
