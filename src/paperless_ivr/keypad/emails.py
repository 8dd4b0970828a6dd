"""E-mail addresses by keypad: the exact code of two keys per character, and the read-back.

A letter is its key, then its position on that key (C = 2 3, S = 7 4). A digit is its key, then
0 (7 = 7 0, 1 = 1 0). Symbols are on 1 and 0, the most common ones first, and the last two on 2:

    10 1   11 .   12 -   13 _   14 +
    00 0   01 '   02 /   03 =   04 &   05 !   06 %   07 $   08 #   09 ?
    15 *   16 ^   17 `   18 {   19 |   24 }   25 ~

These are the characters of a dot-atom (RFC 5322 section 3.2.3). Each has one code of two keys. A
star deletes half a code or the last character, so no code contains a star. Letters are on the keys
that ITU-T E.161 assigns them to.
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
"""The letters on each key (ITU-T E.161)."""

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
"""The most common providers, in the order of their keys."""

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
    """The text that keys spell.

    `text` is what the complete codes mean, without the characters that stars deleted. `rest` is an
    incomplete code at the end ("7"). `bad` is true if a complete code without a meaning ("26") was
    skipped.
    """

    text: str
    rest: str
    bad: bool


@frozen
class EmailPad:
    """The rules for spelling an address, and for which addresses are accepted.

    The limits are in characters: 64 for a local part (RFC 5321 section 4.5.3.1.1), and 253 for a
    domain (the 255 octets of RFC 1035 section 2.3.4 in text form). The proof uses a tiny
    `max_local`, so that it can check every call.
    """

    max_local: int = 64
    max_domain: int = 253

    def spell(self, keys: str) -> Spelling:
        """Read keys as codes. A star with nothing before it has no effect. Never raises an error.

        The keys of several entries may be joined, and `code(text) + keys` continues a text.
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
                continue  # half a code is deleted
            if code in _CHARACTERS:
                text.append(_CHARACTERS[code])
            else:
                bad = True
        return Spelling("".join(text), "", bad)

    def code(self, text: str) -> str:
        """Return the keys that spell a text. Capitals become lowercase.

        Raises ValueError if a character has no code. The message does not show the text.
        """
        for at, character in enumerate(text):
            if character not in _CODES:
                message = f"the character at {at} has no code"
                raise ValueError(message)
        return "".join(_CODES[character] for character in text)

    def is_local(self, text: str) -> bool:
        """Whether this is a local part: a dot-atom (RFC 5321 section 4.1.2, RFC 5322 3.2.3).

        It has no dot at either end, and no two dots in a row. Quotes and non-ASCII are refused.
        """
        return len(text) <= self.max_local and bool(_DOT_ATOM.fullmatch(text))

    def is_domain(self, text: str) -> bool:
        """Whether this is a host name with a dot in it (RFC 1123 section 2.1).

        Labels have 1 to 63 letters, digits, and hyphens, with no hyphen at either end. The last
        label is not all digits, which would be an IPv4 address.
        """
        return len(text) <= self.max_domain and bool(_HOST.fullmatch(text))

    def address(self, local: str, domain: str) -> str | None:
        """Return the address in normal form, with a lowercase domain, or None if it is refused.

        Both parts must be valid (`is_local`, `is_domain`). This also refuses addresses longer than
        254 characters (RFC 3696 erratum 1690), top-level domains that end in a digit, labels that
        are reserved or not valid A-labels (RFC 5890 section 2.3), and special-use domains that
        never get mail: `arpa`, `invalid`, `local`, `localhost`, and `onion` (RFC 6761, 6762, 7686).

        Addresses at `example.com`, `.net`, `.org`, `.example`, and `.test` are accepted, because
        tests and demonstrations use them, and RFC 6761 section 6.5 says that software should not
        treat the example domains differently. They get no mail, but neither does a mistyped domain.
        DNS is not queried, because the caller proves the address by opening a message sent to it.
        """
        # Imported here because it takes 35-50 ms (this package takes 5), and most calls never spell
        # an address.
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
"""Local parts, or names of domains, that people enter in a form when they have no address."""
_NO_ADDRESS_TWICE = re.compile(r"a|abc|asdf|email|na|no|test|x|xx|xxx")
"""More such local parts, which count only if the domain has the same name (`na@na.com`)."""


def _nobodys(local: str, domain: str) -> bool:
    """Whether this is a placeholder that people enter when they have no address to give."""
    word = re.sub(r"[._+-]", "", local).lower()
    name = domain.lower().partition(".")[0]
    twice = word == name and _NO_ADDRESS_TWICE.fullmatch(word)
    return bool(_NO_ADDRESS.fullmatch(word) or _NO_ADDRESS.fullmatch(name) or twice)


@lru_cache(maxsize=512)
def mailbox(written: str) -> str | None:
    """Return the address in a biller's field, or None if the field is not exactly one address.

    Placeholders ("none", "N/A", `none@none.com`), two addresses in one field, `mailto:`, and
    display names do not count. Any other RFC 5321 mailbox counts, even if a keypad cannot spell it
    (RFC 6531), except for quoted local parts, IP addresses in place of a domain, domains without a
    dot, and the domains that `EmailPad.address` refuses.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    address = written.strip()
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return None if _nobodys(*address.rsplit("@", 1)) else address


def replaced(text: str, at: int, character: str) -> str:
    """Replace the character at a position, counted from 0.

    Raises IndexError if there is no character at that position.
    """
    return inserted(removed(text, at), at, character)


def inserted(text: str, at: int, character: str) -> str:
    """Insert a character before a position, or at the end of the text.

    Positions count from 0. Raises IndexError if the position is beyond the end.
    """
    if not 0 <= at <= len(text):
        message = f"no place {at} in {len(text)} characters"
        raise IndexError(message)
    return text[:at] + character + text[at:]


def removed(text: str, at: int) -> str:
    """Remove the character at a position, counted from 0.

    Raises IndexError if there is no character at that position.
    """
    if not 0 <= at < len(text):
        message = f"no character {at} in {len(text)}"
        raise IndexError(message)
    return text[:at] + text[at + 1 :]


def pieces(address: str, whole_domains: Collection[str]) -> tuple[str, ...]:
    """Return the pieces of an address for the read-back. Joined together, they are the address.

    They are the characters of the local part, the at sign, and the domain. A domain among
    `whole_domains` (lowercase) is one piece; any other is read character by character.
    """
    local, at_sign, domain = address.rpartition("@")
    return (*local, *at_sign, *((domain,) if domain.lower() in whole_domains else domain))
