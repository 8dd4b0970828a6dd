"""Keys to text and back: account numbers, telephone numbers, and e-mail addresses.

Everything here takes and returns plain text, without a clock or a log, and imports nothing else
from this project.
"""

from paperless_ivr.keypad.accounts import (
    AccountPad,
    counts_as,
    groups,
    last_four,
    last_star,
    looks_like_card,
)
from paperless_ivr.keypad.decoding import EmailDecoder, Guess, Piece, Said
from paperless_ivr.keypad.emails import (
    EmailPad,
    Spelling,
    inserted,
    mailbox,
    pieces,
    removed,
    replaced,
)
from paperless_ivr.keypad.lexicon import on_keys
from paperless_ivr.keypad.phones import alone, national, phone_number, textable

__all__ = [
    "AccountPad",
    "EmailDecoder",
    "EmailPad",
    "Guess",
    "Piece",
    "Said",
    "Spelling",
    "alone",
    "counts_as",
    "groups",
    "inserted",
    "last_four",
    "last_star",
    "looks_like_card",
    "mailbox",
    "national",
    "on_keys",
    "phone_number",
    "pieces",
    "removed",
    "replaced",
    "textable",
]
