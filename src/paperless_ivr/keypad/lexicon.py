"""Names, words, and domains with their frequencies, looked up by the keys that enter them.

The lists are built by `tools/email_lists.py`. Their sources and licenses are in `lists/NOTICE`. A
cost is the negative natural logarithm of a probability.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cache
from math import exp, log

from attrs import field, frozen

from paperless_ivr.keypad.emails import LETTERS

FILE = "lists/emails.zip"

SIGNS = "._-+"
"""The possible meanings of a star, most common first."""

ALPHABET = "`abcdefghijklmnopqrstuvwxyz"
"""The characters of the letter table. The first one is the beginning or end of a text."""

COSTS_PER_NAT = 8
"""The number of steps of a stored cost that equal one nat."""

SPELLED = 0x80
"""The bit that is set in a stored cost if another text on the same keys sounds alike."""

_KEYS = str.maketrans(
    {letter: key for key, letters in LETTERS.items() for letter in letters}
    | dict.fromkeys(SIGNS, "*")
    | {"@": "#"}
)


def on_keys(text: str) -> str:
    """Return the keys of a lowercase text, one press per character."""
    return text.translate(_KEYS)


@frozen
class Entry:
    """A text in a list."""

    text: str
    cost: float
    sayable: bool
    """Whether it can be spoken as a word without being mistaken for another text on its keys."""


@frozen
class WordList:
    """Texts and their costs, sorted by the keys of the texts."""

    texts: list[str] = field(repr=False)
    costs: bytes = field(repr=False)
    keyed: list[str] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "keyed", on_keys("\n".join(self.texts)).split("\n"))

    def __iter__(self) -> Iterator[Entry]:
        return map(self._entry, range(len(self.texts)))

    def _entry(self, at: int) -> Entry:
        stored = self.costs[at]
        return Entry(self.texts[at], (stored & ~SPELLED) / COSTS_PER_NAT, stored < SPELLED)

    def starting_at(self, keys: str, at: int) -> Iterator[Entry]:
        """Yield all texts whose keys were pressed, starting at a position."""
        first, end = 0, len(self.keyed)
        for stop in range(at + 2, len(keys) + 1):
            pressed = keys[at:stop]
            first = bisect_left(self.keyed, pressed, first, end)
            end = bisect_left(self.keyed, pressed + "~", first, end)
            if first == end:
                return
            while first < end and self.keyed[first] == pressed:
                yield self._entry(first)
                first += 1

    def find(self, text: str) -> Entry | None:
        """Return the entry of a text, or None if it is not in the list."""
        keys = on_keys(text)
        entries = self.starting_at(keys, 0)
        return next((entry for entry in entries if entry.text == text), None)


@frozen
class Lexicon:
    """The lists of names, words, and domains, for any caller."""

    first: WordList
    last: WordList
    words: WordList
    domains: WordList
    nicknames: Mapping[str, tuple[str, ...]] = field(repr=False)
    letters: bytes = field(repr=False)
    """Costs of a letter, or of the end of the text, after three other letters."""
    initials: Mapping[str, float] = field(repr=False)
    """Costs of the first letters of first names."""

    def letter_costs(self, before: str, letters: str) -> list[float]:
        """Return the cost of each letter that can come next in a text that is not a known word."""
        row = 0
        for character in f"```{before}"[-3:]:
            row = 27 * row + ord(character) - 96
        return [self.letters[27 * row + ord(each) - 96] / COSTS_PER_NAT for each in letters]


@cache
def lexicon() -> Lexicon:
    """Return the word lists. The first call loads them, which takes 0.03 s and 12 MB."""
    # Imported here because it takes 20 ms (this package takes 5), and most calls never key an
    # address.
    from importlib.resources import files  # noqa: PLC0415
    from io import BytesIO  # noqa: PLC0415
    from zipfile import ZipFile  # noqa: PLC0415

    packed = (files("paperless_ivr.keypad") / FILE).read_bytes()
    with ZipFile(BytesIO(packed)) as members:
        first, last, words, domains = (
            WordList(members.read(name).decode("ascii").split("\n"), members.read(f"{name}.costs"))
            for name in ("first", "last", "words", "domains")
        )
        lines = members.read("nicknames").decode("ascii").split("\n")
        letters = members.read("letters")
    initials = dict.fromkeys(ALPHABET[1:], 0.0)
    for entry in first:
        initials[entry.text[0]] += exp(-entry.cost)
    initials = {letter: -log(share) for letter, share in initials.items()}
    nicknames = {name: tuple(short) for name, *short in map(str.split, lines)}
    return Lexicon(first, last, words, domains, nicknames, letters, initials)
