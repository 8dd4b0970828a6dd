"""The host contract as strings: conversion of an `Arrival` or `Handback` to strings and back.

Asterisk variables, Twilio queries, and JSON all use the same form; transcript headers use the same
values. The names are those of the fields. Names from a payment begin with `payment_`, names from a
release with `edition_`, and names from the first outcome with `outcome_1_`. Values are lowercase
codes, yes or no, or plain text. An empty value means that no value was given.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

from attrs import define, field, frozen

from paperless_ivr import secret
from paperless_ivr.errors import HostProblems
from paperless_ivr.flow.host import (
    Arrival,
    BillOutcome,
    Disposition,
    Handback,
    Identity,
    Intent,
    Moment,
    Payment,
    Reason,
    Registration,
    Release,
    Sent,
)
from paperless_ivr.secret import Secret

T = TypeVar("T")
Named = TypeVar("Named", bound=Enum)

YES, NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off")
"""The spellings that dialplans and platforms use. This library writes the first one of each."""
LONGEST = 254
"""The maximum length of a value from a host: that of an e-mail address (RFC 5321, 4.5.3.1.3)."""
MOST_OUTCOMES = 99
"""The maximum number of outcomes in one call. Flows allow far fewer; this limits outside input."""


# ── one value ──


@frozen
class Form(Generic[T]):
    """A way to read and write a value. `read` raises a ValueError that says what is allowed."""

    read: Callable[[str], T]
    write: Callable[[T], str]


def _code_of(member: Enum) -> str:
    return member.value if isinstance(member.value, str) else member.name.lower()


def _one_of(kind: type[Named]) -> Form[Named]:
    codes = {_code_of(member): member for member in kind}

    def read(text: str) -> Named:
        if text.lower() not in codes:
            raise ValueError(f"must be one of {', '.join(codes)}")
        return codes[text.lower()]

    return Form(read, _code_of)


def _read_yes(text: str) -> bool:
    if text.lower() not in (*YES, *NO):
        raise ValueError("must be yes or no")
    return text.lower() in YES


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a date such as 2026-11-22") from error


def _secret(kind: Callable[[str], Secret]) -> Form[Secret]:
    return Form(kind, Secret.reveal)


def _write_list(items: Sequence[str]) -> str:
    return ",".join(item.replace("%", "%25").replace(",", "%2C") for item in items)


def _read_list(text: str) -> tuple[str, ...]:
    return tuple(unquote(item, errors="surrogatepass") for item in text.split(","))


TEXT = Form(str, str)
YES_OR_NO = Form(_read_yes, lambda value: YES[0] if value else NO[0])
ACCOUNT, INVOICE = _secret(secret.account), _secret(secret.invoice)
CUSTOMER = _secret(secret.customer)

_ARRIVAL: Mapping[str, Form[Any]] = {
    "call_id": TEXT,
    "biller": TEXT,
    "moment": _one_of(Moment),
    "intent": _one_of(Intent),
    "ani": _secret(secret.phone),
    "ani_withheld": YES_OR_NO,
    "dnis": TEXT,
    "greeted": YES_OR_NO,
    "person_available": YES_OR_NO,
    "language": TEXT,
    "account": ACCOUNT,
    "invoice": INVOICE,
    "invoice_type": TEXT,
    "identity": _one_of(Identity),
    "handover": TEXT,
    "serial": TEXT,
    "today": Form(_read_day, date.isoformat),
}
_PAYMENT: Mapping[str, Form[Any]] = {
    "guid": _secret(secret.payment),
    "approved": YES_OR_NO,
    "email": _secret(secret.email),
    "account": ACCOUNT,
    "invoice": INVOICE,
}
_EDITION: Mapping[str, Form[Any]] = {"flow": TEXT, "policy": TEXT, "words": TEXT}
_HANDBACK: Mapping[str, Form[Any]] = {
    "disposition": _one_of(Disposition),
    "reason": _one_of(Reason),
    "call_id": TEXT,
    "handover": TEXT,
    "moment": _one_of(Moment),
    "paid": YES_OR_NO,
    "registration": _one_of(Registration),
    "text": _one_of(Sent),
    "autopay": _one_of(Sent),
    "language": TEXT,
    "account": ACCOUNT,
    "customer": CUSTOMER,
    "invoice": INVOICE,
    "identity": _one_of(Identity),
    "greeted": YES_OR_NO,
    "unused_keys": _secret(secret.keys),
    "consents": Form(_read_list, _write_list),
}
_DERIVED = ("failed", "offer_again")
"""Properties of a `Handback`. They are written for the host, and checked when read."""
_OUTCOME: Mapping[str, Form[Any]] = {
    "type": TEXT,
    "registration": _one_of(Registration),
    "consent": TEXT,
    "account": ACCOUNT,
    "customer": CUSTOMER,
}

OUTCOME_NAMES = tuple(_OUTCOME)
"""The names in an outcome, which follow `outcome_1_`, `outcome_2_`, and so on."""
ARRIVAL_NAMES = (
    *_ARRIVAL,
    *(f"payment_{name}" for name in _PAYMENT),
    *(f"edition_{name}" for name in _EDITION),
)
"""The names in an arrival."""
FROM_HOST = (
    "moment",
    "intent",
    "greeted",
    "person_available",
    "language",
    "account",
    "invoice",
    "invoice_type",
    "identity",
    "today",
    *(f"payment_{name}" for name in _PAYMENT),
)
"""The names in an arrival that only the host can fill in. The platform or we fill in the others."""
PERSONAL = ("account", "customer", "invoice")
"""The names in a hand-back, and in its outcomes, that must not appear in a URL."""


# ── to strings and back ──


def arrival_to_strings(arrival: Arrival) -> dict[str, str]:
    """Return an arrival as strings, leaving out defaults. Reveals personal values."""
    given = {name: getattr(arrival, name) for name in _ARRIVAL}
    default = Arrival("", "")
    given = {name: value for name, value in given.items() if value != getattr(default, name)}
    written = _write(_ARRIVAL, given)
    if arrival.payment is not None:
        written |= _write(_PAYMENT, _fields(_PAYMENT, arrival.payment), "payment_")
    written |= _write(_EDITION, _fields(_EDITION, arrival.edition), "edition_")
    return {name: value for name, value in written.items() if value}


def arrival_from_strings(values: Mapping[str, str]) -> Arrival:
    """Return the arrival in these strings. Raises `HostProblems` listing everything unreadable."""
    given = _Given(values)
    given.problems += [
        f"{name}: is longer than {LONGEST} characters"
        for name in ARRIVAL_NAMES
        if len(values.get(name, "")) > LONGEST
    ]
    fields = given.take(_ARRIVAL)
    payment = given.take(_PAYMENT, "payment_")
    edition = given.take(_EDITION, "edition_")
    given.needs(fields, "call_id", "biller")
    if payment.get("approved") is False and len(payment) == 1:
        payment = {}  # the host stated that there was no payment
    if payment:
        given.needs(payment, "guid", "approved", prefix="payment_")
    given.check("the hand-over cannot be used")
    return Arrival(
        **fields, payment=Payment(**payment) if payment else None, edition=Release(**edition)
    )


def handback_to_strings(handback: Handback, *, personal: bool = True) -> dict[str, str]:
    """Return a hand-back as strings, including every name. A missing value becomes "".

    `personal=False` leaves out account, customer, and invoice numbers, and the identity that the
    caller has proved for an account. `unused_keys` is always included, because the host has to act
    on that key.
    """
    written = _write(_HANDBACK, _fields(_HANDBACK, handback))
    written |= {name: YES_OR_NO.write(getattr(handback, name)) for name in _DERIVED}
    written["outcomes"] = str(len(handback.outcomes))
    for number, outcome in enumerate(handback.outcomes, 1):
        fields = {
            "type": outcome.invoice_type,
            "registration": outcome.registration,
            "consent": outcome.consent,
            "account": outcome.account,
            "customer": outcome.customer,
        }
        written |= _write(_OUTCOME, fields, f"outcome_{number}_")
    if not personal:
        written = {name: value for name, value in written.items() if not _is_personal(name)}
    return written


def handback_from_strings(values: Mapping[str, str]) -> Handback:
    """Return the hand-back in these strings. Raises `HostProblems` listing everything unreadable.

    Personal values that were left out become None, or empty in an outcome.
    """
    given = _Given(values)
    fields = given.take(_HANDBACK)
    derived = given.take(dict.fromkeys(_DERIVED, YES_OR_NO))
    outcomes = tuple(_read_outcomes(given))
    given.needs(fields, "disposition")
    failed = Handback(Disposition.INCOMPLETE, fields.get("reason", Reason.NONE)).failed
    if derived.get("failed", failed) != failed:
        given.problems.append("failed: does not match the reason")
    if derived.get("offer_again", not failed) == failed:
        given.problems.append("offer_again: does not match the reason")
    given.check("the hand-back cannot be used")
    return Handback(**fields, outcomes=outcomes)


def unreadable_to_strings(values: Mapping[str, str]) -> dict[str, str]:
    """Return the hand-back, as strings, for an unreadable arrival (R48).

    The call ID, moment, language, greeting, and payment are passed back, even if unreadable.
    """
    kept = {
        "call_id": values.get("call_id", ""),
        "moment": _canonical(_ARRIVAL["moment"], values.get("moment", "")),
        "language": values.get("language", ""),
        "greeted": _canonical(YES_OR_NO, values.get("greeted", "")),
        "paid": _canonical(YES_OR_NO, values.get("payment_approved", "")),
    }
    failed = handback_to_strings(Handback(Disposition.NOT_OFFERED, Reason.CALL_LOST))
    return failed | {name: value[:LONGEST] for name, value in kept.items() if value}


# ── helpers ──


@define
class _Given:
    """The strings to read, with the names that were read and the problems that were found."""

    values: Mapping[str, str]
    taken: set[str] = field(factory=set)
    problems: list[str] = field(factory=list)

    def take(self, forms: Mapping[str, Form[Any]], prefix: str = "") -> dict[str, Any]:
        """Return the values that are present, by name without the prefix."""
        found: dict[str, Any] = {}
        for name, form in forms.items():
            self.taken.add(f"{prefix}{name}")
            if text := self.values.get(f"{prefix}{name}", ""):
                try:
                    found[name] = form.read(text)
                except ValueError as error:
                    self.problems.append(f"{prefix}{name}: {error}")
        return found

    def needs(self, found: Mapping[str, Any], *names: str, prefix: str = "") -> None:
        """Note a problem for each required name that is missing."""
        self.problems += [
            f"{prefix}{name}: is missing"
            for name in names
            if name not in found and not self.values.get(f"{prefix}{name}")
        ]

    def check(self, title: str) -> None:
        """Raise `HostProblems` if there are any problems or unknown names."""
        unknown = len(self.values.keys() - self.taken)
        if unknown:  # report only how many, because a name may be a misplaced value
            self.problems.append(f"unknown names: {unknown}")
        if self.problems:
            raise HostProblems(title, self.problems)


def _read_outcomes(given: _Given) -> Iterator[BillOutcome]:
    (count,) = given.take({"outcomes": Form(_read_count, str)}).values() or (0,)
    for number in range(1, count + 1):
        prefix = f"outcome_{number}_"
        problems = len(given.problems)
        fields = given.take(_OUTCOME, prefix)
        given.needs(fields, "registration", prefix=prefix)
        if len(given.problems) == problems:
            yield BillOutcome(
                fields.get("customer", secret.customer("")),
                fields.get("account", secret.account("")),
                fields.get("type", ""),
                fields["registration"],
                fields.get("consent", ""),
            )


def _read_count(text: str) -> int:
    counts = {str(number): number for number in range(MOST_OUTCOMES + 1)}
    if text not in counts:
        raise ValueError(f"must be a number from 0 to {MOST_OUTCOMES}")
    return counts[text]


def _fields(forms: Mapping[str, Form[Any]], value: object) -> dict[str, Any]:
    return {name: getattr(value, name) for name in forms}


def _write(
    forms: Mapping[str, Form[Any]], fields: Mapping[str, Any], prefix: str = ""
) -> dict[str, str]:
    return {
        f"{prefix}{name}": "" if value is None else forms[name].write(value)
        for name, value in fields.items()
    }


def _canonical(form: Form[Any], text: str) -> str:
    try:
        return form.write(form.read(text))
    except ValueError:
        return text


def _is_personal(name: str) -> bool:
    """Whether a field counts as personal.

    The identity does, because without its account it would seem to refer to the host's account.
    """
    return name in (*PERSONAL, "identity") or (
        name.startswith("outcome_") and name.endswith(PERSONAL)
    )
