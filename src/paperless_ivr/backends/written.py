"""The formats of flags, amounts, and dates that a service's WSDL declares only as text.

The connection's `[written]` tables give each format as an example: `"Y/N"`, `"1,234.56"`, or
`"MM/DD/YYYY"`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from attrs import frozen

from paperless_ivr.flow.policy import Fixed

FLAG_FIELDS = frozenset(
    {"Paperless", "PaperlessPending", "Exists", "Success", "EnrollmentSuccessful"}
)
AMOUNT_FIELDS = frozenset({"BalanceDue"})
DATE_FIELDS = frozenset({"InvoiceDueDate"})

ISO_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?\s*(?:Z|[+-]\d\d:\d\d)?"
)
"""A date in the format of XML Schema and most databases, with or without a time."""

US_AMOUNT = "1,234.56"
AMOUNTS: Mapping[str, tuple[str, str]] = Fixed({US_AMOUNT: (",", "."), "1.234,56": (".", ",")})
"""The thousands separator and the decimal separator in each example."""

CENTS = "cents"
"""An amount in whole cents."""

LARGEST_DIGITS = 10
SMALLEST_DIGIT = -20
"""Limits on the digits before and after the decimal point: `1E+5000` is not valid."""

DATE_PARTS: Mapping[str, str] = Fixed(
    {"YYYY": "%Y", "YY": "%y", "MMM": "%b", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d"}
)
"""The parts of a date in a connection file, and their `strptime` formats."""
_PART = re.compile("|".join(sorted(DATE_PARTS, key=len, reverse=True)))


class Unreadable(ValueError):
    """Text that is not valid for its field. The error never quotes the text."""


@frozen
class FlagWords:
    """The two values of a flag: `Y/N`, `1/0`, or `Y/` if a blank means no. Case is ignored."""

    true: str
    false: str

    @classmethod
    def of(cls, written: str) -> "FlagWords":
        """Return the two values in an example. Raises `Unreadable` if the example is not valid."""
        true, slash, false = written.partition("/")
        true, false = true.strip(), false.strip()
        if not slash or "/" in false or true.casefold() == false.casefold():
            raise Unreadable
        return cls(true, false)

    def read(self, text: str) -> bool:
        """Return the value of a flag with this text."""
        for word, value in ((self.true, True), (self.false, False)):
            if text.strip().casefold() == word.casefold():
                return value
        raise Unreadable

    def write(self, value: bool) -> str:
        """Return the text for a flag with this value."""
        return self.true if value else self.false


def within_reason(number: Decimal) -> Decimal:
    """Return an amount. Raises `Unreadable` if it has too many digits for a bill."""
    last = number.as_tuple().exponent
    if not isinstance(last, int) or number.adjusted() >= LARGEST_DIGITS or last < SMALLEST_DIGIT:
        raise Unreadable
    return number


def read_amount(text: str, written: str = US_AMOUNT) -> Decimal | None:
    """Return the amount in a text, or None if it is blank.

    A currency sign can precede the amount. A minus sign, parentheses, or CR indicates a credit.
    """
    text = text.strip()
    if not text:
        return None
    if written == CENTS:
        if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
            raise Unreadable
        return within_reason(Decimal(text)).scaleb(-2)
    thousands, cents = (re.escape(mark) for mark in AMOUNTS[written])
    digits = rf"(?P<whole>\d{{1,3}}(?:{thousands}\d{{3}})+|\d+)(?:{cents}(?P<cents>\d{{1,4}}))?"
    currency = r"(?:\$|USD|US\$)?"
    forms = (
        rf"(?P<sign>[+-]?)\s*{currency}\s*{digits}(?:\s*USD)?(?P<credit>-|\s*CR)?",
        rf"{currency}\s*(?P<sign>-)\s*{digits}(?P<credit>)",
        rf"(?P<credit>\()\s*{currency}\s*{digits}\)(?P<sign>)",
    )
    for form in forms:
        found = re.fullmatch(form, text, re.ASCII | re.IGNORECASE)
        if found:
            marks = AMOUNTS[written][0]
            whole = found["whole"].replace(marks, "")
            number = within_reason(Decimal(f"{whole}.{found['cents'] or 0}"))
            credit = found["sign"] == "-" or bool(found["credit"])
            if found["sign"] == "-" and found["credit"]:
                raise Unreadable
            return -number if credit else number
    raise Unreadable


def date_format(written: str) -> str:
    """Convert an example of a date to a `strptime` format. Raises `Unreadable` if invalid."""
    parts = _PART.findall(written)
    kinds = sorted(part[0] for part in parts)
    if kinds != ["D", "M", "Y"] or re.search(r"[^-/., ]", _PART.sub("", written)):
        raise Unreadable
    return _PART.sub(lambda part: DATE_PARTS[part[0]], written)


def read_date(text: str, written: str = "") -> date | None:
    """Return the date in a text, or None if it is blank or in the year 1 (.NET's empty date).

    A time of day can follow the date.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if not written:
            found = ISO_DATE.fullmatch(text)
            if found is None:
                raise Unreadable
            day = date.fromisoformat(found[1])
        else:
            words = len(written.split())
            alone = " ".join(re.split(r"[T\s]+" if words == 1 else r"\s+", text)[:words])
            day = datetime.strptime(alone, date_format(written)).date()  # noqa: DTZ007 - a date has no time zone
    except ValueError:
        raise Unreadable from None
    return day if day.year > 1 else None


def problems(table: str, names: Mapping[str, str]) -> Iterator[str]:
    """Describe each problem in a `[written]` table."""
    for name, written in names.items():
        if name in FLAG_FIELDS:
            says = 'not two values separated by a slash, such as "Y/N"'
            ask: Callable[[str], object] = FlagWords.of
        elif name in AMOUNT_FIELDS:
            says = f"not one of {', '.join((*AMOUNTS, CENTS))}"
            ask = _amount_example
        elif name in DATE_FIELDS:
            says = 'not a date made of YYYY or YY, MMM, MM or M, and DD or D, as in "MM/DD/YYYY"'
            ask = date_format
        else:
            known = ", ".join(sorted(FLAG_FIELDS | AMOUNT_FIELDS | DATE_FIELDS))
            yield f"{table}.{name}: only these fields can have a format: {known}"
            continue
        try:
            ask(written)
        except Unreadable:
            yield f"{table}.{name}: {written!r} is {says}"


def _amount_example(written: str) -> None:
    if written != CENTS and written not in AMOUNTS:
        raise Unreadable
