"""Telephone numbers that can belong to someone, in E.164 form.

The same rules apply to the calling number, the number on file, and a keyed number.
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
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, and UNAVAILABLE, spelled on a keypad. They arrive in
place of a withheld number ("translates the alpha string into digits", Twilio,
https://twilio.com/changelog/upcoming-changes-to-withheld-caller-ids-behavior-for-dial-calls)."""

_NO_LINE = re.compile(r"1(?:900[0-9]{7}|[0-9]{3}(?:[2-9]11[0-9]{4}|5551212)|2345678901)")
"""North American numbers that no caller has, and the placeholder 234-567-8901.

A 900 number can only be called, at the caller's cost. N11 (911) is a service code, not an exchange.
555-1212 is directory assistance. NANPA: "Central Office Code Assignment Guidelines" (ATIS-0300051),
"900 NXX codes".
"""


def national(keys: str, region: str = "US") -> str | None:
    """Return a keyed number in E.164 form ("+12125550123"), or None if no caller can have it.

    The keys are ten digits, or eleven with the trunk prefix 1. For "US", this covers the whole
    North American Numbering Plan, including Puerto Rico and Canada, because people keep their
    number when they move. Toll-free numbers are accepted, because digits alone do not show whether
    a text can reach anyone, but North American premium-rate (900) numbers are not.
    """
    return phone_number(f"+{_country(region)}{keys[-10:]}") if _KEYED.fullmatch(keys) else None


@lru_cache(maxsize=512)
def phone_number(written: str) -> str | None:
    """Return a number in E.164 form, however it is written, or None if it cannot belong to anyone.

    This accepts E.164 and other ways that people and switches write numbers: "(212) 555-0123",
    "1 212 555 0123", the user part of a SIP URI (RFC 3261 section 19.1.6), or a `tel:` URI (RFC
    3966). A number without a plus sign is read as a North American number. An extension is dropped,
    because a caller who varies the extension is still the same caller.

    The number must fit its country's plan, in a range that is in use (ITU-T E.164; the ranges are
    those of Google's libphonenumber, which count 555-0100 to 555-0199 as in use). If there is no
    number, switches and forms insert a placeholder: all zeros, all nines, seven digits, the same
    digit ten times, 555-1212, or a word spelled on the keypad. The result is then None.
    """
    # Imported here because it takes 20-40 ms (this package takes 5), and some calls need no number.
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
    """Return the number in a `sip:` or `tel:` URI, with its extension if it has one.

    Any other text is returned unchanged. The result is "" if the URI does not contain a number.
    A local number has a `phone-context` (RFC 3966, section 5.1.5). A context that is the prefix of
    a country or an area goes before the number. If the context is a domain, the number is unknown.
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
        # If the context is a domain, the number has a meaning only within that domain.
        user = context + user if context.startswith("+") else ""
    return f"{user};ext={told['ext']}" if told.get("ext") else user


def _country(region: str) -> int:
    import phonenumbers  # noqa: PLC0415

    return phonenumbers.country_code_for_region(region)


def alone(text: str) -> str | None:
    """Return a number in E.164 form, or None if the text contains anything else."""
    return phone_number(text) if _ALONE.fullmatch(text) else None


def textable(number: str, regions: Sequence[str] = ("US",), *, toll_free: bool = False) -> bool:
    """Whether texts may be sent to a number (E.164).

    It must be in one of these regions (ISO 3166-1 alpha-2), and be a mobile, fixed-line, or VoIP
    number. Premium-rate, shared-cost, and personal numbers are refused, because texts to these cost
    more; so are pagers and other special numbers. Toll-free numbers, whose owners pay, must be
    allowed explicitly. The whole North American Numbering Plan, including Caribbean islands, has
    the country code 1, so the area code determines the region.

    Source: Google's libphonenumber, `is_valid_number_for_region` and `number_type`.
    """
    import phonenumbers  # noqa: PLC0415

    parsed = phonenumbers.parse(number)
    kinds = phonenumbers.PhoneNumberType
    ordinary = {kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE, kinds.FIXED_LINE, kinds.VOIP}
    allowed = ordinary | {kinds.TOLL_FREE} if toll_free else ordinary
    near = any(phonenumbers.is_valid_number_for_region(parsed, region) for region in regions)
    return near and phonenumbers.number_type(parsed) in allowed
