"""What the dialplan hands over and gets back: channel variables, and arguments of AGI().

    same => n,Set(PAPERLESS_MOMENT=before_payment)
    same => n,AGI(agi://127.0.0.1/,account=${ACCOUNT})
    same => n,GotoIf($["${PAPERLESS_DISPOSITION}" = "abandoned"]?gone)

An argument is the variable's name without PAPERLESS_, in small letters, and wins over it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import TypeVar

from attrs import frozen

from paperless_ivr import secret
from paperless_ivr.errors import Problems
from paperless_ivr.flow.host import Arrival, Handback, Identity, Intent, Moment, Payment
from paperless_ivr.secret import Secret

PREFIX = "PAPERLESS_"
HANDED_OVER = (
    "call_id",
    "biller",
    "moment",
    "intent",
    "ani",
    "dnis",
    "greeted",
    "person_available",
    "person",
    "language",
    "account",
    "invoice",
    "invoice_type",
    "identity",
    "payment_guid",
    "payment_approved",
    "payment_email",
    "payment_account",
    "payment_invoice",
)
"""The names that are read; each is a variable PAPERLESS_… and an argument."""

NOBODY = ("", "unknown", "anonymous", "restricted", "unavailable")
"""What Asterisk and SIP put where there is no number."""
YES, NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off", "")

Named = TypeVar("Named", bound=Enum)


class HostProblems(Problems):
    """The dialplan hands over what means nothing. Values are not shown: they may be personal."""


@frozen
class HandedOver:
    """A call as the dialplan hands it over."""

    arrival: Arrival
    person: str
    """Whom to dial for a person; empty where the dialplan names nobody."""


def arguments(headers: Mapping[str, str]) -> dict[str, str]:
    """The arguments of AGI(), by name; HostProblems where one has no known name."""
    numbered = [n for n in range(1, 129) if f"agi_arg_{n}" in headers]
    found: dict[str, str] = {}
    problems: list[str] = []
    for number in numbered:
        name, equals, value = headers[f"agi_arg_{number}"].partition("=")
        name = name.strip().lower()
        if not name and not equals:
            continue
        if not equals or name not in HANDED_OVER:
            problems.append(f"argument {number}: it is name=value, and no name is known there")
        found[name] = value
    if problems:
        raise HostProblems("the arguments of AGI() cannot be used", problems)
    return found


def handed_over(
    headers: Mapping[str, str], given: Mapping[str, str], biller: str, person: str
) -> HandedOver:
    """The call of these headers and values, where `biller` and `person` hold unless named.

    HostProblems that name every value that means nothing.
    """
    problems: list[str] = []
    values = {name: value.strip() for name, value in given.items()}

    def one(name: str, meaning: Callable[[str], Named | bool]) -> Named | bool | None:
        try:
            return meaning(values.get(name, ""))
        except ValueError as error:
            problems.append(f"{name}: {error}")
            return None

    dialled = values.get("person", person)
    moment = one("moment", lambda text: _named(Moment, text, Moment.START))
    intent = one("intent", lambda text: _named(Intent, text, Intent.ENROL))
    identity = one("identity", _identity)
    greeted = one("greeted", _yes)
    available = one("person_available", lambda text: _yes(text) if text else bool(dialled))
    approved = one("payment_approved", _yes)
    if problems:
        raise HostProblems("what the dialplan hands over cannot be used", problems)
    assert isinstance(moment, Moment)
    assert isinstance(intent, Intent)
    assert isinstance(identity, Identity)
    arrival = Arrival(
        values.get("call_id") or headers.get("agi_uniqueid", ""),
        values.get("biller") or biller,
        moment,
        intent,
        ani=_number(values.get("ani", headers.get("agi_callerid", ""))),
        dnis=values.get("dnis", _known(headers.get("agi_dnid", ""))),
        greeted=bool(greeted),
        person_available=bool(available),
        language=values.get("language") or None,
        account=_secret(secret.account, values.get("account")),
        invoice=_secret(secret.invoice, values.get("invoice")),
        invoice_type=values.get("invoice_type") or None,
        identity=identity,
        payment=_payment(values, bool(approved)),
    )
    return HandedOver(arrival, dialled)


def _payment(values: Mapping[str, str], approved: bool) -> Payment | None:
    guid = values.get("payment_guid")
    if not guid:
        return None
    return Payment(
        secret.payment(guid),
        approved,
        _secret(secret.email, values.get("payment_email")),
        _secret(secret.account, values.get("payment_account")),
        _secret(secret.invoice, values.get("payment_invoice")),
    )


def _secret(kind: Callable[[str], Secret], text: str | None) -> Secret | None:
    return kind(text) if text else None


def _named(kind: type[Named], text: str, unset: Named) -> Named:
    if not text:
        return unset
    names = {str(member.value): member for member in kind}
    if text.lower() not in names:
        raise ValueError(f"it is one of {', '.join(names)}")
    return names[text.lower()]


def _identity(text: str) -> Identity:
    names = {identity.name.lower(): identity for identity in Identity}
    if text and text.lower() not in names:
        raise ValueError(f"it is one of {', '.join(names)}")
    return names[text.lower()] if text else Identity.NONE


def _yes(text: str) -> bool:
    if text.lower() not in (*YES, *NO):
        raise ValueError("it is yes or no")
    return text.lower() in YES


def _known(text: str) -> str:
    return "" if text.lower() in NOBODY else text


def _number(text: str) -> Secret | None:
    """A caller's number as E.164, where it is a whole one; ten digits are a North American's."""
    digits = re.sub(r"[^0-9+]", "", _known(text.strip()))
    if re.fullmatch(r"\+[0-9]{8,15}", digits):
        return secret.phone(digits)
    if re.fullmatch(r"1?[0-9]{10}", digits):
        return secret.phone(f"+1{digits[-10:]}")
    return None


def given_back(handback: Handback) -> Iterator[tuple[str, str]]:
    """What the dialplan gets: names of variables, and what they are set to."""
    yield "DISPOSITION", handback.disposition.value
    yield "REASON", handback.reason.value
    yield "REGISTRATION", handback.registration.value
    yield "TEXT", handback.text.value
    yield "AUTOPAY", handback.autopay.value
    yield "LANGUAGE", handback.language or ""
    yield "ACCOUNT", _revealed(handback.account)
    yield "CUSTOMER", _revealed(handback.customer)
    yield "INVOICE", _revealed(handback.invoice)
    yield "IDENTITY", handback.identity.name.lower()
    yield "GREETED", "yes" if handback.greeted else "no"
    yield "UNUSED_KEYS", _revealed(handback.unused_keys)
    yield "CONSENTS", ",".join(handback.consents)
    yield "OUTCOMES", str(len(handback.outcomes))
    for number, outcome in enumerate(handback.outcomes, 1):
        yield f"OUTCOME_{number}_TYPE", outcome.invoice_type
        yield f"OUTCOME_{number}_REGISTRATION", outcome.registration.value
        yield f"OUTCOME_{number}_CONSENT", outcome.consent
        yield f"OUTCOME_{number}_ACCOUNT", _revealed(outcome.account)
        yield f"OUTCOME_{number}_CUSTOMER", _revealed(outcome.customer)


def _revealed(value: Secret | None) -> str:
    return value.reveal() if value else ""
