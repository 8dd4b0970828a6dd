"""The parts of an e-mail address that can come from an account holder's name.

The kinds of parts are those in `grammar`.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from math import log

from paperless_ivr.keypad.lexicon import Entry, Lexicon, WordList, lexicon

_TITLES = re.compile(
    "mr|mrs|ms|miss|dr|prof|rev|sr|jr|ii|iii|iv|md|phd|dds|esq|dvm|rn|cpa|llc|inc", re.IGNORECASE
)
"""Titles and suffixes, which are not part of a name."""
_PARTICLES = re.compile(
    "de|del|la|las|los|da|di|do|dos|van|von|der|den|ter|le|du|st|san|mc", re.IGNORECASE
)
"""Words that belong to the last name that follows them."""
_AND = re.compile(r"\s*&\s*|\s+(?:and|y)\s+", re.IGNORECASE)
_FOLDED = {
    "ä": ("a", "ae"),
    "ö": ("o", "oe"),
    "ü": ("u", "ue"),
    "å": ("a", "aa"),
    "ø": ("o", "oe"),
    "æ": ("ae",),
    "ß": ("ss",),
    "ł": ("l",),
    "đ": ("d",),
}


def _spellings(name: str) -> tuple[str, ...]:
    """Return the ways to write a name in plain letters."""
    written = [""]
    for character in unicodedata.normalize("NFC", name.lower()):
        ways = _FOLDED.get(character)
        if ways is None:
            base = unicodedata.normalize("NFKD", character)[0]
            ways = (base,) if "a" <= base <= "z" else ("",)
        written = [begun + way for begun in written for way in ways][:4]
    return tuple(dict.fromkeys(filter(None, written)))


def _tokens(part: str) -> list[str]:
    """Return the words of a name without titles and suffixes."""
    words = re.split(r"[\s.,]+", part)
    return [word for word in words if not _TITLES.fullmatch(word) and _spellings(word)]


def _parsed(holder: str) -> tuple[list[str], list[str], list[str]]:
    """Return the first names (one per holder), the middle names, and the last names."""
    before, comma, after = holder.partition(",")
    if comma and _tokens(after):
        last, given = _tokens(before), after
    else:
        last, given = [], before
    people = [tokens for one in _AND.split(given) if (tokens := _tokens(one))]
    # "SMITH JOHN A": a letter after two names is a middle initial.
    initials = [one.pop() for one in people if len(one) > 2 and len(one[-1]) == 1]
    if not last and people and len(people[-1]) > 1:
        last = [people[-1].pop()]
        while len(people[-1]) > 1 and _PARTICLES.fullmatch(people[-1][-1]):
            last.insert(0, people[-1].pop())
    middle = [name for person in people for name in person[1:]]
    return [person[0] for person in people], middle + initials, last


def entries(shares: Mapping[str, float], known: WordList | None = None) -> tuple[Entry, ...]:
    """Return texts with their costs. Without `known`, none of them is sayable."""
    total = sum(shares.values())
    return tuple(
        Entry(text, -log(share / total), known is not None and _sayable(known, text))
        for text, share in shares.items()
    )


def _sayable(known: WordList, name: str) -> bool:
    entry = known.find(name)
    return len(name) > 1 and (entry is None or entry.sayable)


def _even(texts: Collection[str]) -> dict[str, float]:
    return {text: 1 / len(texts) for text in texts}


def _beginnings(names: Collection[str]) -> dict[str, float]:
    """Return the beginnings of names. Three or four letters are most common."""
    weights = {2: 0.15, 3: 0.35, 4: 0.3, 5: 0.12, 6: 0.08}
    return {name[:n]: share for name in names for n, share in weights.items() if n < len(name)}


def _consonants(name: str) -> str:
    return name[:1] + re.sub("[aeiou]", "", name[1:])


def texts_of(holder: str) -> dict[str, tuple[Entry, ...]]:
    """Return the texts that can come from the holder's names, by kind. Empty without a name."""
    first_names, middle_names, last_names = _parsed(holder)
    halves = [half for name in last_names for half in name.split("-")]
    written = ["".join(last_names), *last_names, *halves]
    first = _even([text for name in first_names for text in _spellings(name)])
    middle = _even([text for name in middle_names for text in _spellings(name)])
    last = dict.fromkeys(text for name in written for text in _spellings(name) if len(text) > 1)
    words = lexicon()
    if "," not in holder and _may_be_turned(words, first, last):
        # "SMITH JOHN": either name could be the last name.
        first, last = _even([*first, *last]), dict.fromkeys([*first, *last])
    weights = dict(zip(last, (0.6, 0.25, 0.1), strict=False))
    # "Maria Garcia Lopez" has two last names, and people use either one.
    surnames = {name: weights.get(name, 0.05) for name in last}
    surnames |= dict.fromkeys((name for name in middle if _is_surname(words, name)), 0.5)
    skeletons = {_consonants(name) for name in (*first, *surnames)} - {*first, *surnames}
    texts = {
        "F": entries(first, words.first),
        "N": entries(
            _even([short for name in first for short in words.nicknames.get(name, ())]), words.first
        ),
        "M": entries(middle, words.first),
        "L": entries(surnames, words.last),
        "f": entries(_even([name[0] for name in first])),
        "m": entries(_even([name[0] for name in middle])),
        "l": entries(_even([name[0] for name in surnames])),
        "p": entries(_beginnings(first)),
        "q": entries(_beginnings(surnames)),
        "k": entries(_even(sorted(skeletons))),
    }
    return {kind: found for kind, found in texts.items() if found}


def _may_be_turned(words: Lexicon, first: Collection[str], last: Collection[str]) -> bool:
    """Whether the first and last names seem to be swapped.

    They do if all the first names, but none of the last names, are more common as last names.
    """
    turned = bool(first) and all(_is_surname(words, name) for name in first)
    return turned and not any(_is_surname(words, name) for name in last)


def _is_surname(words: Lexicon, name: str) -> bool:
    last, first = words.last.find(name), words.first.find(name)
    return last is not None and (first is None or last.cost < first.cost)
