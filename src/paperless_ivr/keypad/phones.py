"""Telephone numbers: which text is a number that somebody has, as E.164; anything else is nobody's.

One rule for all of them: the number that calls, the number on file, the number that is keyed.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

_KEYED = re.compile(r"1?[0-9]{10}")
_ALONE = re.compile(r"\s*[+(]*([0-9][ ().-]*){10,15}")
_URI = re.compile(r"(?:sips?|tel):", re.IGNORECASE)
_EXTENSION = re.compile(r"(?:;ext=|\s*,?\s*(?:ext\.?|x)\s*)[0-9]{1,15}\Z", re.IGNORECASE)
_WRITTEN = re.compile(r"\+?[0-9 ().-]{7,40}")

_WITHHELD = frozenset({"266696687", "7378742833", "2562533", "8656696", "86282452253"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE, spelled on a keypad: what comes in
place of a number that is withheld ("translates the alpha string into digits", Twilio,
https://twilio.com/changelog/upcoming-changes-to-withheld-caller-ids-behavior-for-dial-calls)."""

_NO_LINE = re.compile(r"1(?:900[0-9]{7}|[0-9]{3}(?:[2-9]11[0-9]{4}|5551212)|2345678901)")
"""Numbers of North America that no telephone has, and the keys in their order: 900 is only
called, and costs the caller; N11 is a service code (911) and no exchange; 555-1212 is directory
assistance. NANPA: "Central Office Code Assignment Guidelines" (ATIS-0300051), "900 NXX codes"."""


def national(keys: str, region: str = "US") -> str | None:
    """A keyed number as E.164 ("+12125550123"), or None where it is no number that exists.

    Ten digits, or eleven with the trunk prefix 1. For "US" that is the whole North American
    Numbering Plan, Puerto Rico and Canada included, since people keep their number when they
    move. Toll-free and premium numbers count; whether a text reaches anyone is not known from
    the digits.
    """
    return phone_number(f"+{_country(region)}{keys[-10:]}") if _KEYED.fullmatch(keys) else None


@lru_cache(maxsize=512)
def phone_number(written: str) -> str | None:
    """A number as E.164, however it is written; None where it stands for nobody.

    Read are E.164 and what people and switches make of it: "(212) 555-0123", "1 212 555 0123",
    the user part of a SIP URI (RFC 3261 section 19.1.6), a `tel:` URI (RFC 3966). Without a
    plus sign it is a number of North America. An extension is dropped: the line is that of the
    number, and a caller who varies the extension is no other caller.

    It has to be a number of its country's plan, in a range that is in use (ITU-T E.164; ranges
    of Google's libphonenumber, which count 555-0100 to 555-0199 as in use). All zeros, all
    nines, seven digits, one digit ten times, 555-1212, and a word spelled on the keypad are what
    switches and forms hold where there is no number.
    """
    # Imported here: 20-40 ms (this package takes 5), and some calls need no number.
    import phonenumbers  # noqa: PLC0415

    text = _EXTENSION.sub("", _bare(written.strip()))
    digits = re.sub(r"[^0-9]", "", text)
    if not _WRITTEN.fullmatch(text) or {digits, digits.removeprefix("1")} & _WITHHELD:
        return None
    try:
        parsed = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed) or len(set(str(parsed.national_number))) == 1:
        return None
    if _NO_LINE.fullmatch(f"{parsed.country_code}{parsed.national_number}"):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _bare(written: str) -> str:
    """What stands in a `sip:` or `tel:` URI for the number, its extension included.

    A local number belongs to its `phone-context` (RFC 3966, section 5.1.5): a country's or an
    area's prefix goes before it, and in a company's domain it is nobody's that we know.
    """
    scheme = _URI.match(written)
    if scheme is None:
        return written
    rest, at_sign, _ = written[scheme.end() :].partition("@")
    if scheme[0].lower() != "tel:" and not at_sign:
        return ""  # a host without a user
    user, *parameters = unquote(rest).split(":")[0].split(";")
    told = {name.lower(): value for name, _, value in (p.partition("=") for p in parameters)}
    context = told.get("phone-context", "")
    if context and not user.startswith("+"):
        user = context + user if context.startswith("+") else ""  # else only some domain knows it
    return f"{user};ext={told['ext']}" if told.get("ext") else user


def _country(region: str) -> int:
    import phonenumbers  # noqa: PLC0415

    return phonenumbers.country_code_for_region(region)


def alone(text: str) -> str | None:
    """A number with nothing else beside it, as E.164; None for a text that only contains one."""
    return phone_number(text) if _ALONE.fullmatch(text) else None


def textable(number: str, regions: Sequence[str] = ("US",), *, toll_free: bool = False) -> bool:
    """Whether texts may go to a number (E.164).

    It is of one of these regions (ISO 3166-1 alpha-2), and none of those that cost more to
    reach: premium-rate, shared-cost and personal numbers. Toll-free ones, which cost the
    called, only where they are allowed.
    The whole North American Numbering Plan is under +1, Caribbean islands included: the area
    code says which region it is.

    Source: Google's libphonenumber, `region_code_for_number` and `number_type`.
    """
    import phonenumbers  # noqa: PLC0415

    parsed = phonenumbers.parse(number)
    kinds = phonenumbers.PhoneNumberType
    ordinary = {kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE, kinds.FIXED_LINE, kinds.VOIP}
    allowed = ordinary | {kinds.TOLL_FREE} if toll_free else ordinary
    near = any(phonenumbers.is_valid_number_for_region(parsed, region) for region in regions)
    return near and phonenumbers.number_type(parsed) in allowed
