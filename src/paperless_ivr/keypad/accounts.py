"""Keyed numbers: what counts of what was pressed, how it is read back, what is no account.

Keys are the characters `0`-`9`, `*`, `#`; digits are the characters `0`-`9`.
"""

import re
from collections.abc import Collection
from itertools import pairwise

from attrs import frozen

from paperless_ivr.keypad.emails import EmailPad

# Where the ranges that payment cards are issued from begin. The first digit is the major
# industry identifier of ISO/IEC 7812-1: 3 travel and entertainment, 4 and 5 banking,
# 6 merchandising and banking. Within 3: 30, 36, 38, 39 Diners Club, 34 and 37 American
# Express, 35 JCB (the rest is not issued). 2221-2720 is Mastercard's since October 2016;
# the other numbers in 2 belong to airlines. Source of the ranges: Worldpay (Vantiv),
# "Credit card number formats", developer.vantiv.com/docs/DOC-3283.
# The lengths are those of the primary account number: up to 19 digits (ISO/IEC 7812-1),
# and at least the 13 of the oldest Visa cards.
_CARD = re.compile(
    r"(?=[0-9]{13,19}\Z)"
    r"(?:222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720|3[04-9]|[456])"
)


def last_star(keys: str) -> str:
    """What was keyed after the last star, which means "start over" in an entry."""
    return keys.rpartition("*")[2]


def looks_like_card(digits: str) -> bool:
    """Whether these digits may be a payment card's number: length, beginning, check digit.

    A caller to a payment line may key a card where an account is asked for. Such digits
    must not be kept or sent on; but an account number can look the same by chance. Of
    account numbers of 13 to 19 random digits 4 in 100 do (42 in 100 begin like a card, one
    in ten of these has the check digit), one in ten where all begin with a 4, and all of
    those that also end in a Luhn check digit. So ask this only of digits that are not of
    the form that the biller's own account numbers have, where such a form is known, and
    answer a hit with a question, never with the end of the call.

    Source: ISO/IEC 7812-1, numbering system and Luhn check digit.
    """
    return bool(_CARD.match(digits)) and _luhn(digits)


def begins_with_card(digits: str) -> bool:
    """Whether more digits follow what looks like a payment card's number of the usual length.

    That is 14 for Diners Club (30, 36, 38, 39), 15 for American Express, else 16. Only one length
    is tried, so that of longer account numbers no more look like a card: 4 in 100 random ones.
    """
    usual = {"30": 14, "36": 14, "38": 14, "39": 14, "34": 15, "37": 15}.get(digits[:2], 16)
    return len(digits) > usual and looks_like_card(digits[:usual])


def groups(digits: str, size: int = 3) -> tuple[str, ...]:
    """Digits in groups of `size` (2 or more) as they are read back, a pause between them.

    A last digit that would stand alone joins the group before it, as it does in a telephone
    number: "2125550123" is 212 555 0123.
    """
    starts = [at for at in range(0, len(digits), size) if at == 0 or at < len(digits) - 1]
    return tuple(digits[start:end] for start, end in pairwise([*starts, len(digits)]))


def last_four(account: str) -> str:
    """The last four digits of an account number, whatever else is written in it.

    Shorter, or empty, where the number has fewer: compare it with keys only when it is four.
    """
    return re.sub(r"[^0-9]", "", account)[-4:]


def counts_as(account: str) -> str:
    """An account number as the record counts it: letters and digits, no zeros at its beginning.

    Whatever signs a biller's policy drops, two numbers that are the `AccountPad.same` count as
    one. Where a policy holds a sign to matter, two that differ by it alone count as one, too.
    """
    return "".join(filter(str.isalnum, account.upper())).lstrip("0")


def _luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[::-2]) + sum(doubled)) % 10 == 0


@frozen
class AccountPad:
    """How account numbers are keyed: which keys are one, and which number they are.

    In a form "#" is a digit and one key, "?" a letter and two (its key, then its place there, as
    in an e-mail address); anything else stands in every number, and is not keyed. Without forms
    a number is `fewest` to `most` digits.
    """

    forms: tuple[str, ...] = ()
    fewest: int = 4
    most: int = 20
    add_zeros: bool = False
    luhn: bool = False
    cards: bool = False
    dropped: tuple[str, ...] = ("-", ".", "/")

    def read(self, keys: str) -> str | None:
        """The account number that these keys are; None where they are none."""
        number = self._written(keys)
        if number is None or self.may_be_card(keys):
            return None
        return None if self.luhn and not _luhn(re.sub(r"[^0-9]", "", number)) else number

    def keys(self, number: str) -> str | None:
        """The keys of an account number; None where it cannot be keyed."""
        for form in self.forms or ("#" * len(number),):
            keyed = "".join(map(_key_of, form, number)) if len(form) == len(number) else ""
            if self.read(keyed) == number.upper():
                return keyed
        return None

    def can_be_keyed(self, number: str) -> bool:
        """Whether there are keys for an account number."""
        return self.keys(number) is not None

    def fits(self, keys: str) -> bool:
        """Whether there are as many keys as an account number has."""
        return self._written(keys) is not None

    def may_be_card(self, keys: str) -> bool:
        """Whether keys look like a payment card, and may not be an account number.

        More digits after a card are its date or its code. They make it no account number unless
        the policy has a form, or cards, of that length.
        """
        if looks_like_card(keys):
            return not (self.cards and self.fits(keys))
        return begins_with_card(keys) and not ((self.cards or self.forms) and self.fits(keys))

    def begins(self, keys: str) -> bool:
        """Whether keys are no whole number, but may be the beginning of one."""
        return len(keys) not in self._sizes and len(keys) < max(self._sizes)

    @property
    def gathered(self) -> int:
        """How many keys are waited for: where all numbers have as many, those end the entry."""
        return max(self._sizes) + (len(self._sizes) > 1)

    @property
    def any_letter(self) -> bool:
        """Whether letters are keyed."""
        return any("?" in form for form in self.forms)

    @property
    def fixed_signs(self) -> bool:
        """Whether letters or signs are printed that are not keyed."""
        return any(form.strip("#?") for form in self.forms)

    def bare(self, number: str) -> str:
        """What counts of an account number: no spaces, signs, or zeros at its beginning."""
        kept = "".join(c for c in number.upper() if not c.isspace() and c not in self.dropped)
        return kept.lstrip("0")

    def same(self, one: str, other: str) -> bool:
        """Whether two account numbers are the same but for how they are written.

        Zeros at the beginning are: services add and drop them.
        """
        return self.bare(one) == self.bare(other)

    def is_long(self, number: str) -> bool:
        """Whether a number tells more than its last four digits do."""
        return len(self.bare(number)) > LAST_FOUR

    def last_four(self, number: str) -> str:
        """The last four digits of an account number; zeros that may be left out are there."""
        return last_four(number).rjust(LAST_FOUR if self.add_zeros else 0, "0")

    @property
    def _sizes(self) -> Collection[int]:
        """How many keys a number may take."""
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
"""Digits that prove who calls: no number has fewer."""


def _size(form: str) -> int:
    """How many keys a form takes."""
    return form.count("#") + 2 * form.count("?")


def _filled(form: str, keys: str) -> str | None:
    """A form with its digits and letters put in; None where the keys are others."""
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
    """What is keyed of a character where a form has this sign."""
    if sign == "?" and character.isascii() and character.isalpha():
        return EmailPad().code(character)
    return character if sign == "#" else ""
