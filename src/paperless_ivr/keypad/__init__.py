"""Keys to text and back: account numbers, telephone numbers, e-mail addresses.

Plain text in and out, no clock, no log; imports nothing of the project.
"""

from paperless_ivr.keypad.accounts import groups, last_four, last_star, looks_like_card
from paperless_ivr.keypad.emails import (
    EmailPad,
    Spelling,
    inserted,
    pieces,
    removed,
    replaced,
)
from paperless_ivr.keypad.phones import national, on_file

__all__ = [
    "EmailPad",
    "Spelling",
    "groups",
    "inserted",
    "last_four",
    "last_star",
    "looks_like_card",
    "national",
    "on_file",
    "pieces",
    "removed",
    "replaced",
]
