"""Structured speech: what a prompt becomes once its gaps are filled, before it is text or SSML.

A gateway that plays recorded files and the runtime's own digits reads the pieces; others take
`plain` or `ssml`. What may be personal is not shown in a repr.
"""

from datetime import date
from decimal import Decimal

from attrs import field, frozen


@frozen
class Text:
    """Words, read as they are."""

    text: str


@frozen
class Characters:
    """Characters said one by one, in groups with a pause after each.

    `apart` stands between the characters where they are written: " " in a number, ", " in
    spelled text.
    """

    groups: tuple[str, ...] = field(repr=False)
    apart: str = " "


@frozen
class Letter:
    """A letter of spelled text with a word that tells it from others, "m as in Mary"; or a word."""

    text: str = field(repr=False)


@frozen
class Money:
    """An amount; `currency` is an ISO 4217 code."""

    amount: Decimal = field(repr=False)
    currency: str


@frozen
class Date:
    """A day of a year that need not be said; `words` as it is written: "December 3"."""

    day: date = field(repr=False)
    words: str = field(repr=False)


@frozen
class Cardinal:
    """A number, said as a number."""

    number: int


@frozen
class Pause:
    """A short pause, as between two prompts."""


@frozen
class InLanguage:
    """Pieces in another language than what is around them."""

    language: str
    pieces: "tuple[Piece, ...]"


Piece = Text | Characters | Letter | Money | Date | Cardinal | Pause | InLanguage
