"""E-mail addresses by keypad: the exact code of two keys a character, and the read-back.

A letter is its key, then its place on that key (C = 2 3, S = 7 4). A digit is its key, then
0 (7 = 7 0), except 1 = 1 0. The signs are on 1 and 0, in the order people use them:

    10 1   11 .   12 -   13 _   14 +
    00 0   01 '   02 /   03 =   04 &   05 !   06 %   07 $   08 #   09 ?
    15 *   16 ^   17 `   18 {   19 |   24 }   25 ~

These are the characters of a dot-atom (RFC 5322 section 3.2.3), each with one code of two
keys. A star takes the last thing back: the half of a code, or the last character. So no code
holds one. Letters are where ITU-T E.161 puts them.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from attrs import frozen

LETTERS = {
    "2": "abc",
    "3": "def",
    "4": "ghi",
    "5": "jkl",
    "6": "mno",
    "7": "pqrs",
    "8": "tuv",
    "9": "wxyz",
}
"""Where ITU-T E.161 puts the letters."""

DOMAINS = (
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "aol.com",
    "comcast.net",
    "msn.com",
)
"""The usual providers, in the order of their keys."""

_CHARACTERS = {
    **{key + "0": key for key in LETTERS},
    **{key + str(n): c for key, letters in LETTERS.items() for n, c in enumerate(letters, 1)},
    **{f"1{n}": character for n, character in enumerate("1.-_+")},
    **{f"0{n}": character for n, character in enumerate("0'/=&!%$#?")},
    **dict(zip(("15", "16", "17", "18", "19", "24", "25"), "*^`{|}~", strict=True)),
}
_CODES = {
    written: code
    for code, character in _CHARACTERS.items()
    for written in (character, character.upper())
}

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")


@frozen
class Spelling:
    """What keys spell.

    `text` is what the complete codes stand for, after what stars took back; `rest` is a code
    that the keys end in the midst of ("7"); `bad` says that some complete code stands
    for nothing ("26") and was skipped.
    """

    text: str
    rest: str
    bad: bool


@frozen
class EmailPad:
    """What a caller can spell, and what passes as an address.

    A value: a flow is handed one, a tiny one where it is walked exhaustively. The limits
    are in characters: a local part of 64 (RFC 5321 section 4.5.3.1.1), a domain of 253 (the
    255 octets of RFC 1035 section 2.3.4 as they are written).
    """

    max_local: int = 64
    max_domain: int = 253

    def spell(self, keys: str) -> Spelling:
        """Read keys as codes. Never raises; where nothing is spelled, a star takes nothing.

        The keys of several entries may be joined, and `code(text) + keys` goes on from a text.
        """
        text: list[str] = []
        bad = False
        at = 0
        while at < len(keys):
            if keys[at] == "*":
                del text[-1:]
                at += 1
                continue
            code = keys[at : at + 2]
            at += 2
            if len(code) < 2:
                return Spelling("".join(text), code, bad)
            if code[1] == "*":
                continue  # the half of a code is taken back
            if code in _CHARACTERS:
                text.append(_CHARACTERS[code])
            else:
                bad = True
        return Spelling("".join(text), "", bad)

    def code(self, text: str) -> str:
        """The keys that spell a text; capitals are spelled as small letters.

        Raises ValueError, without showing the text, for a character that has no code.
        """
        for at, character in enumerate(text):
            if character not in _CODES:
                message = f"the character at {at} has no code"
                raise ValueError(message)
        return "".join(_CODES[character] for character in text)

    def is_local(self, text: str) -> bool:
        """Whether this is a local part: a dot-atom (RFC 5321 section 4.1.2, RFC 5322 3.2.3).

        No dot at either end, no two dots in a row. Quoted and non-ASCII ones are refused.
        """
        return len(text) <= self.max_local and bool(_DOT_ATOM.fullmatch(text))

    def is_domain(self, text: str) -> bool:
        """Whether this is a host name with a dot in it (RFC 1123 section 2.1).

        Labels of 1 to 63 letters, digits and hyphens, no hyphen at either end, and a last
        label that is not all digits (which tells it from an IPv4 address).
        """
        return len(text) <= self.max_domain and bool(_HOST.fullmatch(text))

    def address(self, local: str, domain: str) -> str | None:
        """The address in normal form, its domain in small letters, or None where refused.

        Refused beyond `is_local` and `is_domain`: an address of more than 254 characters
        (RFC 3696 erratum 1690), a top-level domain that ends in a digit, a label that is
        reserved or no valid A-label (RFC 5890 section 2.3), and special-use domains that
        never get mail: `arpa`, `invalid`, `local`, `localhost`, `onion` (RFC 6761, 6762,
        7686). Accepted, since tests and demonstrations live there: `example.com`, `.net`,
        `.org`, `.example` (RFC 6761 section 6.5 tells software not to treat them apart) and
        `.test` (section 6.2). No mail reaches these, as none reaches a mistyped domain; DNS
        is not asked, and the message that the caller must open is the proof.
        """
        # Imported here: 35-50 ms (this package takes 5), and most calls never spell an address.
        from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

        if not (self.is_local(local) and self.is_domain(domain)):
            return None
        try:
            checked = validate_email(
                f"{local}@{domain}",
                check_deliverability=False,
                test_environment=True,
            )
        except EmailNotValidError:
            return None
        return checked.ascii_email


_NO_ADDRESS = re.compile(
    r"none|null|noone|noe?mail(?:address|onfile)?|not(?:applicable|available|provided)"
    r"|noreply|donotreply|nobody|unknown|declined|refused"
)
"""What stands before the at-sign where a form wanted an address and there was none."""
_NO_ADDRESS_TWICE = re.compile(r"a|abc|asdf|email|na|no|test|x|xx|xxx")
"""The same where the domain is called so, too (`na@na.com`): alone it may be a name."""


def _nobodys(local: str, domain: str) -> bool:
    """Whether an address is what is written where there is none."""
    word = re.sub(r"[._+-]", "", local).lower()
    name = domain.lower().partition(".")[0]
    twice = word == name and _NO_ADDRESS_TWICE.fullmatch(word)
    return bool(_NO_ADDRESS.fullmatch(word) or _NO_ADDRESS.fullmatch(name) or twice)


@lru_cache(maxsize=512)
def mailbox(written: str) -> str | None:
    """An address as a biller wrote it down, or None where it is not exactly one.

    "none", "N/A", `none@none.com`, two addresses in one field, `mailto:` and a display name are
    no address. Any mailbox of RFC 5321 is one, also where no keypad spells it (RFC 6531), but for
    quoted local parts and domains that never get mail; see `EmailPad.address`.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    address = written.strip()
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return None if _nobodys(*address.rsplit("@", 1)) else address


def replaced(text: str, at: int, character: str) -> str:
    """The text with another character at a position, counted from 0; IndexError beyond it."""
    return inserted(removed(text, at), at, character)


def inserted(text: str, at: int, character: str) -> str:
    """The text with a character put in before a position, which may be the text's end.

    Positions count from 0; IndexError beyond them.
    """
    if not 0 <= at <= len(text):
        message = f"no place {at} in {len(text)} characters"
        raise IndexError(message)
    return text[:at] + character + text[at:]


def removed(text: str, at: int) -> str:
    """The text without the character at a position, counted from 0; IndexError beyond it."""
    if not 0 <= at < len(text):
        message = f"no character {at} in {len(text)}"
        raise IndexError(message)
    return text[:at] + text[at + 1 :]


def pieces(address: str, whole_domains: Collection[str]) -> tuple[str, ...]:
    """The pieces in which an address is read back; together they are the address.

    Each character of the local part, the at-sign, then the domain: in one piece where it is
    among `whole_domains` (small letters), otherwise each of its characters.
    """
    local, at_sign, domain = address.rpartition("@")
    return (*local, *at_sign, *((domain,) if domain.lower() in whole_domains else domain))
