"""Telephone numbers as callers key them."""

import re

_KEYED = re.compile(r"1?[0-9]{10}")


def national(keys: str, region: str = "US") -> str | None:
    """A keyed number as E.164 ("+12125550123"), or None where it is no number that exists.

    Ten digits, or eleven with the trunk prefix 1. It counts when its area code is in use
    under the country code of `region` (ISO 3166-1 alpha-2) and the rest is well formed: for
    "US" that is the whole North American Numbering Plan, Puerto Rico and Canada included,
    since people keep their number when they move. Toll-free and premium numbers count;
    whether a text reaches anyone is not known from the digits.

    Source: ITU-T E.164 section 6; ranges from Google's libphonenumber.
    """
    # Imported here: 20-40 ms (this package takes 5), and most calls never key a number.
    import phonenumbers  # noqa: PLC0415

    if not _KEYED.fullmatch(keys):
        return None
    number = phonenumbers.PhoneNumber(
        country_code=phonenumbers.country_code_for_region(region),
        national_number=int(keys[-10:]),
    )
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def on_file(written: str, region: str = "US") -> str | None:
    """A number as a biller wrote it down, "(212) 555-0123", as E.164; None where it is none.

    It counts when it has as many digits as a number of its country has: ranges that are not
    in use are not left out, since the biller's files are older than ours.
    """
    import phonenumbers  # noqa: PLC0415

    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
