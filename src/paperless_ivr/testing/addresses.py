"""Made-up callers with e-mail addresses, and how many keys and seconds an address costs them.

The names are drawn from the decoder's own lists by frequency, so figures that are measured with
them are a floor against regressions, and no claim about real callers.
"""

import random
from collections.abc import Callable, Iterator
from math import exp

from attrs import frozen

from paperless_ivr.keypad.decoding import OTHER_DOMAIN, EmailDecoder, Guess
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
"""Local parts, and how many in a hundred people have one of each kind."""


@frozen
class Person:
    """A caller, and the names that an account may be in."""

    address: str
    holder: str
    spouse: str


def people(count: int, seed: int) -> Iterator[Person]:
    """So many callers, always the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret is drawn
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
    """Draws texts of a list by how common they are."""

    texts: list[str]
    weights: list[float]

    @staticmethod
    def of(texts: WordList) -> "_Draw":
        """The texts of a list, each weighted by its frequency."""
        return _Draw(texts.texts, [exp(-entry.cost) for entry in texts])

    def by(self, chance: random.Random) -> str:
        """One text."""
        return chance.choices(self.texts, self.weights)[0]


@frozen
class Entry:
    """How an address was keyed and read back until it was right."""

    address: str
    """What the caller agreed to."""
    keys: int
    """Pressed, the yes included."""
    words: int
    """Read back."""
    stars: int = 0
    spelled: bool = False
    """By the two-key code in the end."""

    def seconds(self, key: float, words_a_minute: float) -> float:
        """Seconds at some for a key and so many words a minute."""
        return self.keys * key + self.words * 60 / words_a_minute


def by_one_press(person: Person, decoder: EmailDecoder, holder: str) -> Entry:
    """One press a character: each wrong piece is stopped by a star as soon as it is heard."""
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
        ruled_out.add(piece)
        # What was stopped as a word is read by its letters.
        confirmed, letters = address[:at], max(letters, at + len(piece))
        guess = decoder.refine(keys, confirmed, ruled_out=ruled_out, holder=holder)
    exact = by_two_keys(person, decoder)
    return Entry(address, pressed + stars + exact.keys, words + exact.words, stars, spelled=True)


def by_two_keys(person: Person, decoder: EmailDecoder) -> Entry:
    """Two keys a character: without slips, every address is right at once."""
    local, _, domain = person.address.partition("@")
    pad = EmailPad()
    keys = f"{pad.code(local)}#{_domain_keys(domain, decoder, pad.code)}"
    return Entry(person.address, len(keys) + 1, _read_back(person.address, decoder))


def by_multi_tap(person: Person, decoder: EmailDecoder) -> Entry:
    """A letter's key once for its place on it, as on old mobile telephones; without slips."""
    local, _, domain = person.address.partition("@")
    keys = f"{_taps(local)}#{_domain_keys(domain, decoder, _taps)}"
    return Entry(person.address, len(keys) + 1, _read_back(person.address, decoder))


def one_press(address: str, decoder: EmailDecoder) -> str:
    """The keys of an address, one a character."""
    local, _, domain = address.partition("@")
    return f"{on_keys(local)}#{_domain_keys(domain, decoder, on_keys)}"


def _domain_keys(domain: str, decoder: EmailDecoder, code: Callable[[str], str]) -> str:
    if domain in decoder.domains:
        return str(decoder.domains.index(domain) + 1)
    return f"{OTHER_DOMAIN}{code(domain)}#"


def _taps(text: str) -> str:
    """Multi-tap: digits after the letters of their key, signs on 1."""
    orders = {key: letters + key for key, letters in LETTERS.items()} | {"1": ".-_+1", "0": "0"}
    presses = {c: key * place for key, order in orders.items() for place, c in enumerate(order, 1)}
    return "".join(presses[character] for character in text)


def _pieces(guess: Guess, at: int, letters: int) -> Iterator[str]:
    """What is read from a position on; up to another one it is read by its letters."""
    end = 0
    for piece in guess.pieces:
        begin, end = end, end + len(piece.text)
        if begin < at or begin < letters:
            yield from guess.address[max(at, begin) : end]
        else:
            yield piece.text


def _words(piece: str) -> int:
    """Words in a piece as it is said: a domain is said with its dots."""
    return 1 + 2 * piece.count(".") if len(piece) > 1 else 1


def _read_back(address: str, decoder: EmailDecoder) -> int:
    local, _, domain = address.partition("@")
    known = domain in decoder.domains
    return len(local) + 1 + (_words(domain) if known else len(domain))
