"""What a biller decides: one value, with a default for each setting and the reason for it.

A policy is data. `policy_file` reads one from TOML; a page of the docs is generated from
the reasons here. Waits and budgets are in seconds, ages in days.
"""

import enum
from collections.abc import Mapping
from datetime import date
from typing import Any

from attrs import field, frozen

from paperless_ivr.flow.host import Disposition, Moment


class Strategy(enum.Enum):
    """A way to come by an address for the bills (R08)."""

    ON_FILE = "on_file"
    TEXT_LINK = "text_link"
    KEYPAD = "keypad"
    PERSON = "person"


class Notifier(enum.Enum):
    """Who tells the caller after the call that the registration waits for a click."""

    SERVICE = "service"
    BILLER = "biller"


def setting(default: Any, why: str, **kwargs: Any) -> Any:
    """A field with its default and the reason for it."""
    return field(default=default, metadata={"why": why}, **kwargs)


@frozen
class About:
    """Who answers for the policy (R19). The record names `version` with every call."""

    version: str = setting("1", "each change of policy is told apart in the record")
    owner: str = setting("unassigned", "somebody answers questions about it")
    approved_by: str = setting("nobody yet", "wording and consent need an approval")
    approved_on: date | None = setting(None, "shows which approval the version had")
    in_force_from: date | None = setting(None, "from when calls run under it; None: at once")


@frozen
class Biller:
    """Whose line it is."""

    id: str = setting("biller", "names the biller in the record and towards the host")
    name: str = setting("the biller", "spoken in the greeting and wherever the biller is named")


@frozen
class Languages:
    """Which languages a caller can choose (R16)."""

    offered: tuple[str, ...] = setting(
        ("en-US", "es-US"), "both are complete; the choice is asked where the host gives none"
    )
    default: str = setting("en-US", "spoken first, and after silence at the choice")


@frozen
class Offer:
    """When the offer is made, and when it is made again (R02, R14)."""

    moments: tuple[Moment, ...] = setting(
        tuple(Moment), "the host already chooses the moment; leave one out to switch it off"
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
        },
        "a no is respected for half a year, the one published figure; silence for a month; a "
        "pending link is given a week; an ending that is not named may be asked at the next call",
        hash=False,
    )


@frozen
class Bills:
    """Which bills can go paperless (R13), and what they are called."""

    eligible: tuple[str, ...] | None = setting(
        None, "None: every invoice type that the service lists; else only these types"
    )
    names: Mapping[str, Mapping[str, str]] = setting(
        {},
        "what an invoice type is called in each language, as in 'water bill'; without a "
        "name it is called 'bill'",
        hash=False,
    )
    per_page: int = setting(4, "more than four choices are not remembered by ear")
    another: bool = setting(True, "a caller who said yes once is glad to have all bills done")
    another_at_most: int = setting(3, "every call ends")


@frozen
class Proof:
    """How a caller shows who they are (R17)."""

    search_by_phone: bool = setting(
        True, "saves keying; caller ID only suggests an account, the last four digits prove it"
    )
    account_keys: tuple[int, int] = setting(
        (4, 20), "fewest and most keys of an account number; shorter ones are slips"
    )
    account_tries: int = setting(3, "three tries for a long entry, then a person")
    last_four_tries: int = setting(2, "a second miss is no slip any more")


@frozen
class Address:
    """How the address for the bills is found (R08)."""

    strategies: tuple[Strategy, ...] = setting(
        (Strategy.ON_FILE, Strategy.TEXT_LINK, Strategy.KEYPAD, Strategy.PERSON),
        "what is on file takes one key; a link is typed with ease; keying an address takes a "
        "minute; a person takes longest",
    )
    email_required: bool = setting(
        True,
        "InvoiceCloud asks for an e-mail to finish; False enrols with the text link alone",
    )
    changes: int = setting(2, "how often another address may be asked for")
    domains: tuple[str, ...] = setting(
        (
            "gmail.com",
            "yahoo.com",
            "hotmail.com",
            "outlook.com",
            "icloud.com",
            "aol.com",
            "comcast.net",
            "msn.com",
        ),
        "one key each, at most eight; put your region's own provider first",
    )
    fixes: int = setting(12, "corrections of a keyed address; after that a person is quicker")


@frozen
class Text:
    """Text messages: each needs its own yes (R07)."""

    region: str = setting("US", "phone numbers that are keyed belong to this region")
    after_enrolment: tuple[Moment, ...] = setting(
        (Moment.BEFORE_PAYMENT, Moment.AFTER_PAYMENT),
        "the source analysis sends a link there; at the start the caller still waits for "
        "their own business",
    )
    other_numbers: int = setting(2, "how often a number may be keyed or changed")


@frozen
class AutoPay:
    """Whether AutoPay is offered after a payment, separate in every respect (R04)."""

    offer: bool = setting(False, "paperless needs no stored card; offer it only when asked to")
    terms: Mapping[str, str] = setting(
        {},
        "per language, spoken before the yes: when it is drawn, and how to stop; required "
        "where AutoPay is offered",
        hash=False,
    )


@frozen
class BackToPaper:
    """Whether a caller can go back to paper by telephone (R11)."""

    by_phone: bool = setting(True, "leaving has to be as easy as joining")


@frozen
class Notification:
    """Who sends the message with the link, and what the caller is told to expect."""

    sent_by: Notifier = setting(
        Notifier.SERVICE, "EnrollInPaperless queues the e-mail; a second one would confuse"
    )
    bills_still_on_paper: int = setting(
        2, "how many more bills may come on paper; suppression lags by one or two cycles"
    )


@frozen
class Tries:
    """How often a question is asked again (R15). Silence and wrong keys count apart."""

    silence: int = setting(2, "a short and a longer reprompt, then a person")
    wrong: int = setting(2, "the same for wrong keys")
    repeats: int = setting(10, "'star' repeats; ten times, as WCAG 2.2.1 asks for time limits")
    people: int = setting(2, "how often 0 is answered by 'nobody is free' in a call")
    pages: int = setting(10, "how often the list of bills is turned over")


@frozen
class Waits:
    """Seconds of silence that a question allows."""

    offer: float = setting(3.0, "at the start of a call silence means 'go on'; at most 3")
    first_key: float = setting(5.0, "the usual default of IVR runtimes")
    next_key: float = setting(3.0, "between keys of an entry")
    entry_first_key: float = setting(12.0, "time to fetch a bill: 10 to 15 seconds")
    email_next_key: float = setting(8.0, "letters have to be found on the keys")
    more_time: float = setting(30.0, "after 'star' in an entry")


@frozen
class Budgets:
    """Seconds that the caller may be kept waiting for an answer (R10)."""

    read: float = setting(4.0, "one more try fits into it")
    write: float = setting(8.0, "a write is not repeated, so it gets longer")
    record: float = setting(0.5, "the offer does not wait for the record")
    reassure: float = setting(7.0, "something new is said every 7 to 10 seconds of waiting")


@frozen
class Policy:
    """Everything that a biller decides."""

    about: About = About()
    biller: Biller = Biller()
    languages: Languages = Languages()
    offer: Offer = Offer()
    bills: Bills = Bills()
    proof: Proof = Proof()
    address: Address = Address()
    text: Text = Text()
    autopay: AutoPay = AutoPay()
    back_to_paper: BackToPaper = BackToPaper()
    notification: Notification = Notification()
    tries: Tries = Tries()
    waits: Waits = Waits()
    budgets: Budgets = Budgets()
    words: Mapping[str, Mapping[str, str]] = setting(
        {}, "the biller's own wording: language, then prompt name, then text", hash=False
    )
