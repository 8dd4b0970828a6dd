"""Typed values for the gaps in a prompt, so that each is spoken correctly.

The kinds follow the `say-as` vocabulary of SSML 1.1 (W3C, section 3.1.8 and its note on
`interpret-as`). For example, a number on a bill is read digit by digit, and an amount as money.
"""

from datetime import date
from decimal import Decimal

from attrs import field, frozen

from paperless_ivr.secret import Secret


@frozen
class Words:
    """The biller's own words in one language, such as its name or the name of a bill."""

    text: str


@frozen
class Key:
    """The name of a key on the telephone keypad, such as "1" or "star"."""

    key: str


@frozen
class Digits:
    """Digits, spoken one by one, in groups with pauses between them."""

    digits: Secret


@frozen
class Ending:
    """A number of which only the last four digits are spoken."""

    digits: Secret


@frozen
class Money:
    """An amount, spoken as money. `currency` is an ISO 4217 code."""

    amount: Decimal = field(repr=False)
    currency: str = "USD"


@frozen
class Day:
    """A calendar day."""

    day: date = field(repr=False)


@frozen
class Spelled:
    """Text spelled character by character, such as an e-mail address that was just keyed."""

    text: Secret


@frozen
class Word:
    """A name, word, or domain in an e-mail address that was just keyed, spoken as a word."""

    text: Secret


@frozen
class Masked:
    """An e-mail address on file. At most its first character and its domain are spoken."""

    email: Secret


@frozen
class Count:
    """A small number, spoken as a number."""

    number: int


Slot = Words | Key | Digits | Ending | Money | Day | Spelled | Word | Masked | Count
