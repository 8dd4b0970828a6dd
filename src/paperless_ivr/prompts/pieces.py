"""Structured speech: prompts with their gaps filled, before they become text or SSML.

A gateway uses these pieces if it plays recorded files and the runtime's own digits. Other gateways
use `plain` or `ssml`. A repr never shows anything that could be personal.
"""

from datetime import date
from decimal import Decimal

from attrs import field, frozen


@frozen
class Text:
    """The biller's words, read as written."""

    text: str


@frozen
class Characters:
    """Characters said one by one, in groups, with a pause between groups.

    `apart` separates the characters in writing: " " in a number or a short part of a domain, ", "
    in other spelled text.
    """

    groups: tuple[str, ...] = field(repr=False)
    apart: str = " "


@frozen
class Letter:
    """A part of an address that is said in words.

    It is a letter with an example word, such as "m as in Mary", a symbol's name, or a whole word.
    """

    text: str = field(repr=False)


@frozen
class Money:
    """An amount. `currency` is an ISO 4217 code."""

    amount: Decimal = field(repr=False)
    currency: str


@frozen
class Date:
    """A date, said without its year. `words` is its written form, such as "December 3"."""

    day: date = field(repr=False)
    words: str = field(repr=False)


@frozen
class Cardinal:
    """A number that is said as a whole, not digit by digit."""

    number: int


@frozen
class Pause:
    """A short pause, such as between two prompts."""


@frozen
class InLanguage:
    """Pieces in a different language from those around them."""

    language: str
    pieces: "tuple[Piece, ...]"


Piece = Text | Characters | Letter | Money | Date | Cardinal | Pause | InLanguage
