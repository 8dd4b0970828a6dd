"""Guesses e-mail addresses that are keyed with one press per character, and corrects the guesses.

A key can mean three or four letters or its digit. A star can mean a dot, a dash, an underscore, or
a plus sign. The decoder chooses the most likely address, given the account holder's name, the
address on file, and how common names, words, and domains are. The guess is read back, and the
caller interrupts it at the first wrong character. That rules the character out, and a key can mean
at most five.

The method is a beam search over the parts of an address (`grammar`), with the known texts of these
parts (`lexicon`) and four-letter statistics for letters that are not in a list.
"""

import enum
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import islice
from math import exp, inf, log, log1p
from operator import itemgetter

from attrs import field, frozen

from paperless_ivr.keypad.emails import DOMAINS, LETTERS, EmailPad
from paperless_ivr.keypad.grammar import (
    HOST,
    HOST_SIGNS,
    LOCAL,
    LOCAL_OF_HOLDER,
    LOCAL_SIGNS,
    TOP_LEVEL,
    Row,
    cost_of_digits,
)
from paperless_ivr.keypad.holder import entries, texts_of
from paperless_ivr.keypad.lexicon import Entry, lexicon, on_keys

OTHER_DOMAIN = "9"
"""The key before a spelled domain."""

_BEAM = 30
"""The maximum number of prefixes of an address that are kept at each key."""
_MARGIN = 10.0
"""A prefix is dropped if it costs this much more than the best one so far (natural logarithm)."""

_UNUSUAL = 9.0
"""The cost of a character that only the exact code can enter."""
_LISTED_HERE = 0.97
"""How often keys that match a listed provider's domain actually mean that domain."""

_ON_FILE = 0.3
"""How often a caller keys the local part of the address on file, or a part of it."""


class Said(enum.StrEnum):
    """How a piece of an address is read back."""

    NAME = "name"
    WORD = "word"
    CHARACTER = "character"
    DOMAIN = "domain"


@frozen
class Piece:
    """A part of an address that is read back as a unit."""

    text: str = field(repr=False)
    said: Said


@frozen
class Guess:
    """An address that the keys could mean. Printing a guess does not show the address."""

    address: str = field(repr=False)
    """The address, or only its local part if `#` was not pressed."""
    certainty: float
    """Its probability, from 0 to 1, among all meanings of the keys that the search considered."""
    pieces: tuple[Piece, ...] = field(repr=False)
    """The pieces of the address, in order."""


@frozen
class EmailDecoder:
    """A decoder for addresses that are keyed with one press per character.

    The keys are the local part, `#`, and either the key of a domain, or `9` and a domain that is
    spelled in the same way: "53263*76484#1", "53263*76484#9226*266#". Without `#`, only a local
    part is guessed. Names and addresses are plain text. No string of keys raises an error.
    """

    domains: tuple[str, ...] = DOMAINS
    """The domains on keys 1 to 8, at most eight."""

    def decode(
        self, keys: str, *, holder: str = "", on_file: str = "", limit: int = 3
    ) -> tuple[Guess, ...]:
        """Return the most likely addresses, best first. Empty if no address has these keys.

        `holder` is the account holder's name, "First [Middle] Last" or "Last, First". `on_file` is
        the address that the biller has on file.
        """
        guesses = self._guesses(keys, _Caller.of(holder, on_file), "", ())
        return tuple(islice(guesses, limit))

    def refine(
        self,
        keys: str,
        confirmed: str,
        *,
        ruled_out: Collection[str] = (),
        holder: str = "",
        on_file: str = "",
    ) -> Guess | None:
        """Return the best address that starts with a confirmed prefix and was not ruled out.

        `confirmed` is the prefix that the caller has accepted or corrected. Its characters are
        kept, even if they do not match their keys. `ruled_out` contains the characters or words
        that the caller rejected right after the prefix. Returns None if no address is left. The
        caller must then spell the rest exactly.
        """
        known = confirmed.lower()
        guesses = self._guesses(keys, _Caller.of(holder, on_file), known, tuple(ruled_out))
        return next(guesses, None)

    def exact(self, keys: str) -> str | None:
        """Return the address keyed in the two-key code (`EmailPad`), or None if it is not valid.

        The keys are the local part, `#`, and either the key of a domain, or `9` and a domain in the
        same code.
        """
        pad = EmailPad()
        local, _, domain_keys = keys.removesuffix("#").partition("#")
        spelled = [pad.spell(local)]
        domain = self._domain(domain_keys)
        if domain is None:
            spelled.append(pad.spell(domain_keys[1:]))
            domain = spelled[-1].text
        whole = not any(part.rest or part.bad for part in spelled)
        return pad.address(spelled[0].text, domain) if whole else None

    def _domain(self, keys: str) -> str | None:
        """Return the domain on one key, None if the domain is spelled, or "" if there is none."""
        if keys.startswith(OTHER_DOMAIN):
            return None
        return dict(zip("12345678", self.domains, strict=False)).get(keys, "")

    def _guesses(
        self, keys: str, caller: "_Caller", confirmed: str, ruled_out: tuple[str, ...]
    ) -> Iterator[Guess]:
        """Yield guesses, best first. There can be hundreds, so each is built only when needed."""
        local_keys, at_sign, domain_keys = keys.partition("#")
        domain_keys = domain_keys.removesuffix("#")
        local_known, domain_begun, domain_known = confirmed.partition("@")
        if domain_begun:
            locals_ = _locals(local_keys, caller, local_known, ())
            locals_ = [local for local in locals_ if local[0] == local_known]
        else:
            locals_ = _locals(local_keys, caller, local_known, ruled_out)
        if not at_sign:
            for text, share, trail in locals_:
                yield Guess(text, share, _pieces(trail))
            return
        domain = self._domain(domain_keys)
        if domain is None:
            ruled_out = ruled_out if domain_begun else ()
            hosts = _hosts(domain_keys[1:], caller, domain_known, ruled_out)
        else:
            fits = domain and domain.startswith(domain_known)
            hosts = [(domain, 1.0, (None, domain, Said.DOMAIN))] if fits else []
        at = Piece("@", Said.CHARACTER)
        pairs = [
            (f"{text}@{host}", share * of_host, trail, end)
            for text, share, trail in locals_
            for host, of_host, end in hosts
        ]
        for address, share, trail, end in sorted(pairs, key=lambda pair: (-pair[1], pair[0])):
            yield Guess(address, share, (*_pieces(trail), at, *_pieces(end)))


# ── the caller ────────────────────────────────────────────────────────────────────────────


@frozen
class _Caller:
    """What is known about the caller, as texts by kind."""

    texts: Mapping[str, tuple[Entry, ...]] = field(repr=False)
    named: bool

    @staticmethod
    def of(holder: str, on_file: str) -> "_Caller":
        """Return a caller with the texts from a name and an address on file."""
        texts = texts_of(holder)
        named = bool(texts)
        local = on_file.rpartition("@")[0].lower()
        if local:
            parts = {part for part in re.split("[^a-z]+", local) if len(part) > 1} - {local}
            shares = {local: 0.85} | {part: 0.15 / len(parts) for part in sorted(parts)}
            texts["O"] = entries(shares)
        return _Caller(texts, named)

    def rows(self) -> Mapping[str, Row]:
        """Return the grammar of local parts."""
        rows = LOCAL_OF_HOLDER if self.named else LOCAL
        if "O" not in self.texts:
            return rows
        start = {kind: cost - log(1 - _ON_FILE) for kind, cost in rows["^"].items()}
        return {**rows, "^": {**start, "O": -log(_ON_FILE)}}


# ── the search ───────────────────────────────────────────────────────────────────────────

_C = Said.CHARACTER
_SAID = {**dict.fromkeys("FNLMXY", Said.NAME), "W": Said.WORD}
"""How the parts of each kind are read back if they are sayable."""

_NUMBER = re.compile("[0-9]{1,8}")

Trail = tuple["Trail", str, Said] | None
"""The parts of a prefix, last one first."""

_Begun = tuple[str, Trail]
"""A prefix: its text and its parts."""

_End = tuple[str, str]
"""The kind of the last part of a prefix, and its last letters if that part is not listed."""

_Text = tuple[str, float, Trail]
"""A text that keys can mean, its probability, and its parts."""


@frozen
class _Search:
    """A search over the keys of the local part or the domain."""

    keys: str
    confirmed: str
    ruled_out: tuple[str, ...]
    """The texts that cannot come next."""
    signs: Mapping[str, float]
    rows: Mapping[str, Row]
    caller: _Caller
    ends: Mapping[str, float]
    """Top-level domains and their shares; empty for a local part."""

    def fits(self, text: str, at: int) -> bool:
        """Whether a text agrees with the confirmed prefix."""
        return text.startswith(self.confirmed[at : at + len(text)])

    def is_ruled_out(self, text: str) -> bool:
        """Whether a text continues the prefix with something that was ruled out."""
        return text.startswith(self.ruled_out, len(self.confirmed))

    def parts(self, at: int) -> dict[str, list[Entry]]:
        """Return the texts that the keys can mean at a position, by kind."""
        words, key = lexicon(), self.keys[at]
        found: dict[str, list[Entry]] = {}
        for kind, texts in self.caller.texts.items():
            found[kind] = [t for t in texts if self.keys.startswith(on_keys(t.text), at)]
        if key in LETTERS:
            for kind, known in (("X", words.first), ("Y", words.last), ("W", words.words)):
                found[kind] = list(known.starting_at(self.keys, at))
            found["1"] = [Entry(c, words.initials[c], sayable=False) for c in LETTERS[key]]
            if not self.caller.named:
                found["l"] = found["1"]
        elif key not in "01":
            found["S"] = self._signs(at)
            found["T"] = [
                Entry(f".{end}", -log(share), sayable=False)
                for end, share in self.ends.items()
                if self.keys[at:] == on_keys(f".{end}")
            ]
        number = _NUMBER.match(self.keys, at)
        if number is not None:
            numbers = (number[0][:size] for size in range(1, len(number[0]) + 1))
            found["D"] = [Entry(n, cost_of_digits(n), sayable=False) for n in numbers]
        return {
            kind: fitting
            for kind, texts in found.items()
            if (fitting := [text for text in texts if self.fits(text.text, at)])
        }

    def _signs(self, at: int) -> list[Entry]:
        if self.keys[at] != "*":
            return [Entry(self.keys[at], _UNUSUAL, sayable=False)]
        inner = 0 < at < len(self.keys) - 1
        signs = self.signs.items()
        return [Entry(c, -log(s), sayable=False) for c, s in signs if inner or c != "."]

    def no_sign_after(self, sign: str) -> tuple[str, ...]:
        """Return the symbols that `sign` may not follow.

        In a local part, a dot may not follow a dot. In a host, no symbol may follow another.
        """
        return (".", "-") if self.ends else (sign,) if sign == "." else ()

    def run(self) -> list[_Text]:
        """Return all complete texts that the beam reached, best first."""
        size = len(self.keys)
        beams: list[_Beam] = [{} for _ in range(size + 1)]
        beams[0]["", "^", ""] = (0.0, None)
        # Checked before each call to `reach`, because most candidates cost more than the limit.
        limits = [inf] * (size + 1)

        def reach(begun: _Begun, part: str, said: Said, end: _End, cost: float) -> None:
            text = begun[0] + part
            if self.is_ruled_out(text):
                return
            at = len(text)
            limits[at] = min(limits[at], cost + _MARGIN)
            trail: Trail = (begun[1], part, said)
            key = text, *end
            there = beams[at].get(key)
            if there is not None:
                dearer = there[0]
                if dearer < cost:
                    cost, dearer, trail = dearer, cost, there[1]
                cost -= log1p(exp(cost - dearer))
            beams[at][key] = (cost, trail)

        letter_costs = lexicon().letter_costs
        for at in range(size):
            if not beams[at]:
                continue
            parts = self.parts(at)
            letters = "".join(c for c in LETTERS.get(self.keys[at], "") if self.fits(c, at))
            firsts = tuple(zip(letters, letter_costs("", letters), strict=True))
            for (text, kind, run), (reached, trail) in _kept(beams[at]):
                cost = reached
                begun = text, trail
                row = self.rows.get(kind) or self.rows["CS"]
                if run:
                    *costs, end = letter_costs(run, letters + "`")
                    for letter, more in zip(letters, costs, strict=True):
                        if cost + more <= limits[at + 1]:
                            reach(begun, letter, _C, ("C", (run + letter)[-3:]), cost + more)
                    cost += end
                for next_kind, more in row.items():
                    if next_kind == "C":
                        for letter, first in firsts:
                            if cost + more + first <= limits[at + 1]:
                                reach(begun, letter, _C, ("C", letter), cost + more + first)
                        continue
                    for part in parts.get(next_kind, ()):
                        whole = cost + more + part.cost
                        if whole > limits[at + len(part.text)] or (
                            next_kind == "S" and text[-1:] in self.no_sign_after(part.text)
                        ):
                            continue
                        state = kind[0] + "S" if next_kind == "S" else next_kind
                        said = _SAID.get(next_kind, _C) if part.sayable else _C
                        reach(begun, part.text, said, (state, ""), whole)
        return self._ends(beams[size])

    def _ends(self, beam: "_Beam") -> list[_Text]:
        costs: dict[str, list[tuple[float, Trail]]] = {}
        for (text, kind, run), (cost, trail) in beam.items():
            row = self.rows.get(kind) or self.rows["CS"]
            end = row["$"] + (lexicon().letter_costs(run, "`")[0] if run else 0.0)
            costs.setdefault(text, []).append((cost + end, trail))
        least = min((cost for ways in costs.values() for cost, _ in ways), default=0.0)
        shares = {t: sum(exp(least - cost) for cost, _ in ways) for t, ways in costs.items()}
        total = sum(shares.values())
        return [
            (text, shares[text] / total, min(costs[text], key=_first)[1])
            for text in sorted(shares, key=lambda text: (-shares[text], text))
        ]


_first = itemgetter(0)

_Beam = dict[tuple[str, str, str], tuple[float, Trail]]
"""Prefixes with their costs and parts. A dictionary key is the text, the kind of its last part, and
the last letters if that part is not listed."""


def _kept(beam: _Beam) -> Sequence[tuple[tuple[str, str, str], tuple[float, Trail]]]:
    """Return the most likely prefixes."""
    return nsmallest(_BEAM, beam.items(), key=lambda item: item[1][0])


def _pieces(trail: Trail) -> tuple[Piece, ...]:
    """Return the parts of an address in order, splitting non-words into single characters."""
    pieces: list[Piece] = []
    while trail is not None:
        trail, text, said = trail
        parts = (text,) if said is not Said.CHARACTER else tuple(reversed(text))
        pieces += [Piece(part, said) for part in parts]
    return tuple(reversed(pieces))


def _locals(keys: str, caller: _Caller, confirmed: str, ruled_out: tuple[str, ...]) -> list[_Text]:
    """Return local parts, best first."""
    keys = on_keys(confirmed) + keys[len(confirmed) :]
    search = _Search(keys, confirmed, ruled_out, LOCAL_SIGNS, caller.rows(), caller, {})
    return [local for local in search.run() if EmailPad().is_local(local[0])]


def _hosts(keys: str, caller: _Caller, confirmed: str, ruled_out: tuple[str, ...]) -> list[_Text]:
    """Return domains, listed and unlisted, best first."""
    keys = on_keys(confirmed) + keys[len(confirmed) :]
    search = _Search(keys, confirmed, ruled_out, HOST_SIGNS, HOST, caller, TOP_LEVEL)
    hosts = [host for host in search.run() if EmailPad().is_domain(host[0])]
    hosts = [host for host in hosts if not host[0][-1].isdecimal()]
    shares = {text: share for text, share, _ in hosts}
    trails = {text: trail for text, _, trail in hosts}
    listed = [e for e in lexicon().domains.starting_at(keys, 0) if len(e.text) == len(keys)]
    listed = [e for e in listed if search.fits(e.text, 0) and not search.is_ruled_out(e.text)]
    if listed:
        total = sum(exp(-entry.cost) for entry in listed)
        shares = {text: share * (1 - _LISTED_HERE) for text, share in shares.items()}
        for entry in listed:
            share = _LISTED_HERE * exp(-entry.cost) / total
            shares[entry.text] = shares.get(entry.text, 0.0) + share
            trails[entry.text] = (None, entry.text, Said.DOMAIN)
    ranked = sorted(shares, key=lambda text: (-shares[text], text))
    return [(text, shares[text], trails[text]) for text in ranked]
