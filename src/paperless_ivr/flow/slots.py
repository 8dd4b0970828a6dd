"""What fills the gaps of a prompt: typed, so that each is spoken as what it is.

The kinds follow the `say-as` vocabulary of SSML 1.1 (W3C, section 3.1.8 and its note on
`interpret-as`): a number on a bill is read digit by digit, an amount as money, an
address letter by letter.
"""

from datetime import date
from decimal import Decimal

from attrs import field, frozen

from paperless_ivr.secret import Secret


@frozen
class Words:
    """Words as they are, the biller's own: its name, a bill's name in one language."""

    text: str


@frozen
class Key:
    """A key of the telephone keypad, named: "1", "star"."""

    key: str


@frozen
class Digits:
    """Digits, spoken one by one in groups with pauses between them."""

    digits: Secret


@frozen
class Ending:
    """The last digits of a number; all that may be said of one that was not just keyed."""

    digits: Secret


@frozen
class Money:
    """An amount, spoken as money; `currency` is an ISO 4217 code."""

    amount: Decimal = field(repr=False)
    currency: str = "USD"


@frozen
class Day:
    """A calendar day."""

    day: date = field(repr=False)


@frozen
class Spelled:
    """Text spelled character by character, as an e-mail address that was just keyed."""

    text: Secret


@frozen
class Word:
    """A name or a word of an e-mail address that was just keyed, or its domain, said as such."""

    text: Secret


@frozen
class Masked:
    """An e-mail address on file, of which only the first letter and the domain are said."""

    email: Secret


@frozen
class Count:
    """A small number, spoken as a number."""

    number: int


Slot = Words | Key | Digits | Ending | Money | Day | Spelled | Word | Masked | Count

PERSONAL = (Ending, Money, Day, Masked)
"""Slots that tell what the biller holds about a customer: never before identity is shown."""
