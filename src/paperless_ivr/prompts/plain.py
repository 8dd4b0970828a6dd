"""Speech as plain text, for terminals, transcripts, and consent records."""

from collections.abc import Iterable
from typing import assert_never

from paperless_ivr.prompts.pieces import (
    Cardinal,
    Characters,
    Date,
    InLanguage,
    Letter,
    Money,
    Pause,
    Piece,
    Text,
)


def plain(pieces: Iterable[Piece]) -> str:
    """Return one line of text, with digits as "1 2 3, 4 5 6" and amounts as "$48.20"."""
    return " ".join("".join(_written(piece) for piece in pieces).split())


def amount(money: Money) -> str:
    """Return a written amount, in a form that speech engines read as money."""
    number = f"{money.amount:,.2f}"
    return f"${number}" if money.currency == "USD" else f"{number} {money.currency}"


def _written(piece: Piece) -> str:
    match piece:
        case Text(text) | Letter(text):
            return text
        case Characters(groups, apart):
            return ", ".join(apart.join(group) for group in groups)
        case Money():
            return amount(piece)
        case Date(_, words):
            return words
        case Cardinal(number):
            return str(number)
        case Pause():
            return " "
        case InLanguage(_, pieces):
            return plain(pieces)
        case _:
            assert_never(piece)
