"""Made-up callers with e-mail addresses, and the keys and seconds needed to enter an address.

The names are drawn from the decoder's own lists, weighted by frequency. Figures measured with
these callers can reveal regressions, but do not predict results for real callers.
"""

import random
from collections.abc import Callable, Iterator
from itertools import accumulate
from math import exp

from attrs import frozen

from paperless_ivr.flow.chapters.email import CERTAIN
from paperless_ivr.keypad.decoding import OTHER_DOMAIN, EmailDecoder, Guess, Said
from paperless_ivr.keypad.emails import LETTERS, EmailPad
from paperless_ivr.keypad.lexicon import WordList, lexicon, on_keys

PATTERNS = {
    "{first}.{last}": 20,
    "{first}{last}": 17,
    "{i}{last}": 11,
    "{first}{last}{yy}": 10,
    "{first}{yy}": 5,
    "{i}{last}{yy}": 5,
    "{first}.{last}{d}": 5,
    "{first}_{last}": 4,
    "{first}{yyyy}": 3,
    "{i}{m}{last}": 3,
    "{nick}{last}": 3,
    "{first}{l}": 3,
    "{first}.{m}.{last}": 2,
    "{last}.{first}": 2,
    "{last}{first}": 2,
    "{word}{yy}": 2,
    "{word}{word2}": 1,
    "{first}{last}123": 2,
}
"""Patterns of local parts, each with the percentage of callers who use it."""


@frozen
class Person:
    """A caller's e-mail address and name, and the name of a spouse who might hold the account."""

    address: str
    holder: str
    spouse: str


def people(count: int, seed: int) -> Iterator[Person]:
    """Yield `count` callers. The same seed always yields the same callers."""
    chance = random.Random(seed)  # noqa: S311 - not used for secrets
    words = lexicon()
    first, last, common = _Draw.of(words.first), _Draw.of(words.last), _Draw.of(words.words)
    domains = _Draw.of(words.domains)
    for _ in range(count):
        name, surname, other = first.by(chance), last.by(chance), first.by(chance)
        born = chance.randint(1940, 2005)
        nicknames = words.nicknames.get(name, (name,))
        (pattern,) = chance.choices(list(PATTERNS), list(PATTERNS.values()))
        local = pattern.format(
            first=name,
            last=surname,
            i=name[0],
            l=surname[0],
            m=chance.choice("abcdefghijklmnoprstvw"),
            nick=chance.choice(nicknames),
            word=common.by(chance),
            word2=common.by(chance),
            yy=f"{born % 100:02}",
            yyyy=born,
            d=chance.randint(1, 9),
        )
        address = f"{local}@{domains.by(chance)}"
        yield Person(address, f"{name} {surname}", f"{other} {surname}")


@frozen
class _Draw:
    """A list to draw random texts from, weighted by frequency."""

    texts: list[str]
    sums: list[float]
    """The cumulative weights of the texts."""

    @staticmethod
    def of(texts: WordList) -> "_Draw":
        """Prepare a word list for drawing."""
        return _Draw(texts.texts, list(accumulate(exp(-entry.cost) for entry in texts)))

    def by(self, chance: random.Random) -> str:
        """Return a random text."""
        return chance.choices(self.texts, cum_weights=self.sums)[0]


@frozen
class Entry:
    """The effort of keying an address and listening to read-backs until it is right."""

    address: str
    """The address that the caller confirmed."""
    keys: int
    """The number of keys pressed, including the key that confirms the address."""
    words: int
    """The number of words read back."""
    stars: int = 0
    spelled: bool = False
    """Whether the caller had to switch to the two-key code."""

    def seconds(self, key: float, words_a_minute: float) -> float:
        """Return the time in seconds, given the seconds per key and the words per minute."""
        return self.keys * key + self.words * 60 / words_a_minute


def by_one_press(person: Person, decoder: EmailDecoder, holder: str) -> Entry:
    """Return the effort of keying an address with one press per character.

    The caller presses star at each wrong piece of the read-back. As in a call, a word rejected
    this way is then read letter by letter, and a character rejected this way is ruled out.
    """
    address, keys = person.address, one_press(person.address, decoder)
    pressed, words, stars = len(keys), 0, 0
    guess: Guess | None = next(iter(decoder.decode(keys, holder=holder)), None)
    confirmed, ruled_out, letters = "", set[str](), 0
    while guess is not None:
        at = len(confirmed)
        for piece in _pieces(guess, at, letters):
            words += _words(piece)
            if not address.startswith(piece, at):
                break
            at += len(piece)
        else:
            return Entry(guess.address, pressed + stars + 1, words, stars)
        stars += 1
        if at > len(confirmed):
            ruled_out.clear()
        confirmed, letters = address[:at], at + len(piece)
        if len(piece) == 1:
            ruled_out.add(piece)
            guess = decoder.refine(keys, confirmed, ruled_out=ruled_out, holder=holder)
    exact = by_two_keys(person, decoder)
    return Entry(address, pressed + stars + exact.keys, words + exact.words, stars, spelled=True)


def by_two_keys(person: Person, decoder: EmailDecoder) -> Entry:
    """Return the effort of keying an address with two keys per character and no mistakes."""
    local, _, domain = person.address.partition("@")
    pad = EmailPad()
    keys = f"{pad.code(local)}#{_domain_keys(domain, decoder, pad.code)}"
    return Entry(person.address, len(keys) + 1, _read_back(person.address, decoder))


def by_multi_tap(person: Person, decoder: EmailDecoder) -> Entry:
    """Return the effort of keying an address by multi-tap with no mistakes.

    This is how text was entered on old cell phones.
    """
    local, _, domain = person.address.partition("@")
    keys = f"{_taps(local)}#{_domain_keys(domain, decoder, _taps)}"
    return Entry(person.address, len(keys) + 1, _read_back(person.address, decoder))


def one_press(address: str, decoder: EmailDecoder) -> str:
    """Return the keys that enter an address with one press per character."""
    local, _, domain = address.partition("@")
    return f"{on_keys(local)}#{_domain_keys(domain, decoder, on_keys)}"


def _domain_keys(domain: str, decoder: EmailDecoder, code: Callable[[str], str]) -> str:
    if domain in decoder.domains:
        return str(decoder.domains.index(domain) + 1)
    return f"{OTHER_DOMAIN}{code(domain)}#"


def _taps(text: str) -> str:
    """Return the multi-tap keys. Each digit follows the letters on its key; symbols are on 1."""
    orders = {key: letters + key for key, letters in LETTERS.items()} | {"1": ".-_+1", "0": "0"}
    presses = {c: key * place for key, order in orders.items() for place, c in enumerate(order, 1)}
    return "".join(presses[character] for character in text)


def _pieces(guess: Guess, at: int, letters: int) -> Iterator[str]:
    """Yield the pieces to read back from position `at`. Up to `letters`, each is one character."""
    end = 0
    for piece in guess.pieces:
        begin, end = end, end + len(piece.text)
        certain = guess.certainty >= CERTAIN or piece.said is Said.DOMAIN
        if begin < at or begin < letters or not certain:
            yield from guess.address[max(at, begin) : end]
        else:
            yield piece.text


def _words(piece: str) -> int:
    """Return the number of words in a spoken piece. Each dot in a domain is spoken as a word."""
    return 1 + 2 * piece.count(".") if len(piece) > 1 else 1


def _read_back(address: str, decoder: EmailDecoder) -> int:
    local, _, domain = address.partition("@")
    known = domain in decoder.domains
    return len(local) + 1 + (_words(domain) if known else len(domain))
