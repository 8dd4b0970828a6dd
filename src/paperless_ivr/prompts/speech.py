"""Turns prompts into structured speech. No other module in `prompts` reveals secrets (R24)."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import assert_never

from attrs import frozen

from paperless_ivr.flow import slots
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.keypad import groups, last_four
from paperless_ivr.prompts.catalog import GAP, Book, Catalog
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
from paperless_ivr.prompts.terms import ENTRIES, KEYS, LETTERS, SIGNS

Pieces = tuple[Piece, ...]

SPELLED_LABEL = 3
"""The maximum length of a domain label that is spelled, such as A O L or M S N."""


def speech(prompt: Prompt, language: str, catalog: Catalog) -> Pieces:
    """Return the pieces of a prompt, in its own language if it has one, or else in the call's."""
    spoken = prompt.language or language
    teller = Teller(catalog.books[spoken], catalog.domains)
    gaps = {gap: teller.slot(gap, slot) for gap, slot in prompt.slots}
    pieces = teller.filled(prompt.name, gaps)
    return pieces if spoken == language else (InLanguage(spoken, pieces),)


def speech_of(prompts: Iterable[Prompt], language: str, catalog: Catalog) -> Pieces:
    """Return the pieces of several prompts, with pauses between them."""
    pieces: list[Piece] = []
    for prompt in prompts:
        pieces += [Pause()] * bool(pieces)
        pieces += speech(prompt, language, catalog)
    return tuple(pieces)


@frozen
class Teller:
    """A formatter that fills gaps in one language."""

    book: Book
    domains: frozenset[str]

    def filled(self, name: str, gaps: Mapping[str, Pieces]) -> Pieces:
        """Return the words of an entry with its gaps filled."""
        parts = GAP.split(self.book[name])
        pieces: list[Piece] = []
        for n, part in enumerate(parts):
            pieces += gaps[part] if n % 2 else [Text(part)] * bool(part)
        return tuple(pieces)

    def slot(self, gap: str, slot: slots.Slot) -> Pieces:
        """Return the pieces that fill a gap."""
        match slot:
            case slots.Words(text):
                return self._words(gap, text)
            case slots.Key(key):
                return (Text(self.book[KEYS[key]] if key in KEYS else key),)
            case slots.Digits(number):
                return (Characters(groups(_national(number.reveal()))),)
            case slots.Ending(number):
                return (Characters((last_four(number.reveal()),)),)
            case slots.Money(amount, currency):
                money = (Money(abs(amount), currency),)
                return money if amount >= 0 else self.filled("term_credit", {"amount": money})
            case slots.Day():
                return self._day(slot)
            case slots.Spelled(text):
                return self._spelled(text.reveal())
            case slots.Word(text):
                word = text.reveal()
                return self._domain(word) if "." in word else (Letter(word),)
            case slots.Masked(email):
                return self._masked(email.reveal())
            case slots.Count(number):
                return self._count(gap, number)
            case _:
                assert_never(slot)

    def _words(self, gap: str, text: str) -> Pieces:
        if gap == "domain":
            return self._domain(text)
        if gap == "bill" and not text:
            return self.filled("term_bill", {})
        return (Text(text),)

    def _day(self, slot: slots.Day) -> Pieces:
        month = self.book[f"term_month_{slot.day.month}"]
        gaps = {"month": month, "day": str(slot.day.day)}
        words = self.book["term_first_day" if slot.day.day == 1 else "term_day"]
        return (Date(slot.day, GAP.sub(lambda gap: gaps[gap[1]], words)),)

    def _count(self, gap: str, number: int) -> Pieces:
        """Return a number with its noun. Uses special words for the number if there are any."""
        name = f"term_{gap}_{number}"
        if name in ENTRIES:
            return self.filled(name, {})
        return self.filled(f"term_{gap}_many", {"count": (Cardinal(number),)})

    # ── e-mail addresses ─────────────────────────────────────────────────────────────────

    def _spelled(self, text: str) -> Pieces:
        """Spell text character by character, but say a listed e-mail domain as words."""
        local, at, domain = text.rpartition("@")
        if at and domain.lower() in self.domains:
            return (*self._spelling(local + at), Text(" "), *self._domain(domain))
        return self._spelling(text) if text else self.filled("term_nothing", {})

    def _spelling(self, text: str) -> Pieces:
        spelled = [self._run(kind, "".join(run)) for kind, run in groupby(text, _kind)]
        return _joined(", ", (item for run in spelled for item in run))

    def _run(self, kind: str, run: str) -> Iterable[Pieces]:
        """Spell characters of one kind. Symbols are named; a digit becomes "the number 4"."""
        match kind:
            case "sign":
                return [(Letter(self.book[SIGNS[sign]]),) for sign in run]
            case "mistakable":
                return [(Letter(self.book[LETTERS[letter.lower()]]),) for letter in run]
            case "digit":
                return [self.filled("term_digit", {"digit": (Characters((d,)),)}) for d in run]
            case _:
                return [(Characters((run,), apart=", "),)]

    def _masked(self, email: str) -> Pieces:
        """Say the first character and the domain of an address.

        Says neither if the text is not an address, or if either part has non-ASCII characters,
        which some voices cannot pronounce.
        """
        local, _, domain = email.rpartition("@")
        if not (local and domain and (local[0] + domain).isascii()):
            return self.filled("term_address_on_file", {})
        first = self._spelling(local[0].upper())
        return self.filled("term_masked", {"first": first, "domain": self._domain(domain)})

    def _domain(self, domain: str) -> Pieces:
        """Say a domain as words, such as "gmail dot com"."""
        *labels, top = domain.lower().split(".")
        return _joined(
            f" {self.book['term_dot']} ",
            (*(self._label(label) for label in labels), (Letter(top),)),
        )

    def _label(self, label: str) -> Pieces:
        if len(label) <= SPELLED_LABEL:
            return (Characters((label.upper(),)),)
        parts = [(Letter(part),) for part in label.split("-")]
        return _joined(f" {self.book['term_dash']} ", parts)


def _kind(character: str) -> str:
    if character in SIGNS:
        return "sign"
    if character.lower() in LETTERS:
        return "mistakable"
    return "digit" if character in "0123456789" else "letter"


def _joined(between: str, items: Iterable[Pieces]) -> Pieces:
    """Join items, with `between` as the words between them."""
    pieces: list[Piece] = []
    for item in items:
        pieces += [Text(between)] * bool(pieces)
        pieces += item
    return tuple(pieces)


def _national(number: str) -> str:
    """Return the digits of a number as callers say it, without the +1 of the E.164 form."""
    return re.sub("[^0-9]", "", number.removeprefix("+1"))
