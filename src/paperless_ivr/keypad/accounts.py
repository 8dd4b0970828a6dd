"""Keyed numbers: what counts of what was pressed, how it is read back, what is no account.

Keys are the characters `0`-`9`, `*`, `#`; digits are the characters `0`-`9`.
"""

import re
from itertools import pairwise

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


def _luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[::-2]) + sum(doubled)) % 10 == 0
