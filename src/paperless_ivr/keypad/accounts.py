"""Keyed account numbers: reading them, and recognizing digits that are not an account number.

Keys are the characters `0`-`9`, `*`, `#`; digits are the characters `0`-`9`.
"""

import re
from collections.abc import Collection
from itertools import pairwise

from attrs import frozen

from paperless_ivr.keypad.emails import EmailPad

# The first digits of payment card numbers. The very first is the major industry identifier
# of ISO/IEC 7812-1: 3 is travel and entertainment, 4 and 5 are banking, and 6 is merchandising
# and banking. Under 3, Diners Club has 30, 36, 38, and 39, American Express has 34 and 37, and
# JCB has 35; no cards are issued under the rest. Mastercard has used 2221-2720 since October 2016.
# No other number that begins with 2 is taken for a card. The ranges are those of Worldpay (Vantiv),
# "Credit card number formats", developer.vantiv.com/docs/DOC-3283.
# The lengths are 13 digits, as on the oldest Visa cards, to 19, the most that ISO/IEC 7812-1
# allows.
_CARD = re.compile(
    r"(?=[0-9]{13,19}\Z)"
    r"(?:222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720|3[04-9]|[456])"
)


def last_star(keys: str) -> str:
    """Return the keys after the last star, which means "start over" in an entry."""
    return keys.rpartition("*")[2]


def looks_like_card(digits: str) -> bool:
    """Whether the length, first digits, and check digit are those of a payment card number.

    Callers to a payment line sometimes key a card number when asked for an account number. A card
    number must not be kept or passed on, but an account number can look like one by chance. About
    4 in 100 random numbers with 13 to 19 digits do (42 in 100 begin like a card number, and one in
    ten of those has the right check digit). If all account numbers begin with 4, one in ten does.
    If they also end in a Luhn check digit, all of them do. So if you know the form of the biller's
    account numbers, check only digits that do not have that form. If digits look like a card
    number, ask the caller about them; never end the call because of them.

    Source: ISO/IEC 7812-1, numbering system and Luhn check digit.
    """
    return bool(_CARD.match(digits)) and _luhn(digits)


def begins_with_card(digits: str) -> bool:
    """Whether these digits begin with what looks like a payment card number of the usual length.

    The usual length is 14 digits for Diners Club (30, 36, 38, 39), 15 for American Express, and 16
    for all others. Because only one length is tried, this is true of only about 4 in 100 random
    numbers that are longer.
    """
    usual = {"30": 14, "36": 14, "38": 14, "39": 14, "34": 15, "37": 15}.get(digits[:2], 16)
    return len(digits) > usual and looks_like_card(digits[:usual])


def groups(digits: str, size: int = 3) -> tuple[str, ...]:
    """Split digits into groups of `size` (2 or more), which are read back with pauses between them.

    A single last digit joins the group before it, as in a telephone number: "2125550123" is read
    back as 212 555 0123.
    """
    starts = [at for at in range(0, len(digits), size) if at == 0 or at < len(digits) - 1]
    return tuple(digits[start:end] for start, end in pairwise([*starts, len(digits)]))


def last_four(account: str) -> str:
    """Return the last four digits of an account number, ignoring other characters.

    If the number has fewer digits, the result is shorter or empty. Compare the result with keys
    only if it has four digits.
    """
    return re.sub(r"[^0-9]", "", account)[-4:]


def counts_as(account: str) -> str:
    """Return the form of an account number that the record uses to count tries.

    This form has only letters and digits, and no leading zeros. Numbers that are `AccountPad.same`
    therefore count as one, no matter which symbols a biller's policy drops. So do numbers that
    differ only in a symbol that the policy keeps.
    """
    return "".join(filter(str.isalnum, account.upper())).lstrip("0")


def _luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[::-2]) + sum(doubled)) % 10 == 0


@frozen
class AccountPad:
    """The rules for keying account numbers: which keys form a number, and what that number is.

    In a form, "#" is a digit (one key), and "?" is a letter (two keys: its key, then its position
    on that key, as in an e-mail address). Any other character is part of every number and is not
    keyed. Without forms, a number has `fewest` to `most` digits.
    """

    forms: tuple[str, ...] = ()
    fewest: int = 4
    most: int = 20
    add_zeros: bool = False
    luhn: bool = False
    cards: bool = False
    dropped: tuple[str, ...] = ("-", ".", "/")

    def read(self, keys: str) -> str | None:
        """Return the account number that these keys mean, or None if they do not mean one."""
        number = self._written(keys)
        if number is None or self.may_be_card(keys):
            return None
        return None if self.luhn and not _luhn(re.sub(r"[^0-9]", "", number)) else number

    def keys(self, number: str) -> str | None:
        """Return the keys of an account number, or None if it cannot be keyed as it is written."""
        for form in self.forms or ("#" * len(number),):
            keyed = "".join(map(_key_of, form, number)) if len(form) == len(number) else ""
            if self.read(keyed) == number.upper():
                return keyed
        return None

    def can_be_keyed(self, number: str) -> bool:
        """Whether an account number can be keyed as it is written."""
        return self.keys(number) is not None

    def fits(self, keys: str) -> bool:
        """Whether these keys have the form or the length of an account number."""
        return self._written(keys) is not None

    def may_be_card(self, keys: str) -> bool:
        """Whether keys look like a payment card number and cannot be an account number.

        Digits after a card number are assumed to be its expiration date or its security code. They
        do not make it an account number unless the policy has a matching form, or allows cards.
        """
        if looks_like_card(keys):
            return not (self.cards and self.fits(keys))
        return begins_with_card(keys) and not ((self.cards or self.forms) and self.fits(keys))

    def begins(self, keys: str) -> bool:
        """Whether these keys could be the beginning of an account number but are too few."""
        return len(keys) not in self._sizes and len(keys) < max(self._sizes)

    @property
    def gathered(self) -> int:
        """How many keys to wait for: the longest number, plus the end key if lengths vary."""
        return max(self._sizes) + (len(self._sizes) > 1)

    @property
    def any_letter(self) -> bool:
        """Whether callers have to key letters."""
        return any("?" in form for form in self.forms)

    @property
    def fixed_signs(self) -> bool:
        """Whether printed numbers have letters or symbols that are not keyed."""
        return any(form.strip("#?") for form in self.forms)

    def bare(self, number: str) -> str:
        """Return an account number without spaces, dropped symbols, and leading zeros."""
        kept = "".join(number.upper().split())
        for symbol in self.dropped:
            kept = kept.replace(symbol, "")
        return kept.lstrip("0")

    def same(self, one: str, other: str) -> bool:
        """Whether two account numbers are the same, apart from how they are written.

        Leading zeros do not matter, because services add and drop them.
        """
        return self.bare(one) == self.bare(other)

    def is_long(self, number: str) -> bool:
        """Whether an account number has more than four characters in its bare form."""
        return len(self.bare(number)) > LAST_FOUR

    def last_four(self, number: str) -> str:
        """Return the last four digits of an account number, padded with zeros if `add_zeros`."""
        return last_four(number).rjust(LAST_FOUR if self.add_zeros else 0, "0")

    @property
    def _sizes(self) -> Collection[int]:
        """The possible numbers of keys in an account number."""
        return set(map(_size, self.forms)) or range(self.fewest, self.most + 1)

    def _written(self, keys: str) -> str | None:
        if not re.fullmatch(r"[0-9]+", keys):
            return None
        if not self.forms:
            return keys if self.fewest <= len(keys) <= self.most else None
        size = _size(self.forms[0])
        if self.add_zeros and LAST_FOUR <= len(keys) < size:
            keys = keys.rjust(size, "0")
        return next((w for f in self.forms if (w := _filled(f, keys)) is not None), None)


LAST_FOUR = 4
"""The number of last digits that help identify a caller. No account number is shorter."""


def _size(form: str) -> int:
    """Return how many keys a form takes."""
    return form.count("#") + 2 * form.count("?")


def _filled(form: str, keys: str) -> str | None:
    """Return a form with its digits and letters filled in, or None if the keys do not fit."""
    if len(keys) != _size(form):
        return None
    pad, left, written = EmailPad(), iter(keys), []
    for sign in form:
        if sign == "?":
            letter = pad.spell(next(left) + next(left)).text.upper()
            if not ("A" <= letter <= "Z"):
                return None
            written.append(letter)
        else:
            written.append(next(left) if sign == "#" else sign)
    return "".join(written)


def _key_of(sign: str, character: str) -> str:
    """Return the keys of a character, given the form's symbol at that position."""
    if sign == "?" and character.isascii() and character.isalpha():
        return EmailPad().code(character)
    return character if sign == "#" else ""
