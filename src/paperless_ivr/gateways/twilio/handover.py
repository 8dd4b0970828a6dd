"""What the host hands over in the URL that it redirects a call to, and gets back in another.

Twilio signs the whole URL that it calls, so what stands in it is the host's word.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.errors import Rejected
from paperless_ivr.flow.host import Arrival, Handback, Identity, Intent, Moment, Payment
from paperless_ivr.secret import Secret

T = TypeVar("T")

LONGEST = 200
"""Characters of a value; nothing that a host hands over is longer."""

YES_NO = {"yes": True, "no": False}
MOMENTS = {moment.value: moment for moment in Moment}
INTENTS = {intent.value: intent for intent in Intent}
IDENTITIES = {identity.name.lower(): identity for identity in Identity}


def _one_of(known: Mapping[str, T]) -> Callable[[str], T]:
    return known.__getitem__


FIELDS: Mapping[str, Callable[[str], object]] = {
    "moment": _one_of(MOMENTS),
    "intent": _one_of(INTENTS),
    "greeted": _one_of(YES_NO),
    "person_available": _one_of(YES_NO),
    "language": str,
    "account": secret.account,
    "invoice": secret.invoice,
    "invoice_type": str,
    "identity": _one_of(IDENTITIES),
}
"""The fields of `Arrival` that a host may hand over."""

PAID: Mapping[str, Callable[[str], object]] = {
    "payment_guid": secret.payment,
    "payment_approved": _one_of(YES_NO),
    "payment_email": secret.email,
    "payment_account": secret.account,
    "payment_invoice": secret.invoice,
}
"""The fields of `Payment`, each after `payment_`."""


def handed_over(begun: Arrival, told: Mapping[str, str]) -> Arrival:
    """What is handed over with a call; Rejected where it cannot be read. Empty is not told."""
    given = {name: value for name, value in told.items() if value}
    if any(len(value) > LONGEST for value in given.values()) or not given.keys() <= (
        FIELDS.keys() | PAID.keys()
    ):
        raise Rejected(400, "the host hands over what is not known here")
    try:
        fields = {name: FIELDS[name](given[name]) for name in FIELDS if name in given}
        paid = {
            name.removeprefix("payment_"): PAID[name](given[name]) for name in PAID if name in given
        }
        if paid:
            fields["payment"] = Payment(**paid)  # type: ignore[arg-type]
    except (LookupError, TypeError):
        fields = {"": None}
    if "" in fields:  # out here: what was caught holds what stood there
        raise Rejected(400, "what the host hands over cannot be read")
    return evolve(begun, **fields)  # type: ignore[arg-type]


def handed_back(url: str, arrival: Arrival, handback: Handback, key: Secret) -> str:
    """The host's URL with what it gets back.

    Names and codes, and the key that the caller meant for the host. Numbers and addresses are
    left out: URLs are logged on their way.
    """
    unused = handback.unused_keys
    told = {
        "call_id": arrival.call_id,
        "moment": arrival.moment.value,
        "disposition": handback.disposition.value,
        "reason": handback.reason.value,
        "registration": handback.registration.value,
        "text": handback.text.value,
        "autopay": handback.autopay.value,
        "language": handback.language or "",
        "identity": handback.identity.name.lower(),
        "greeted": "yes" if handback.greeted else "no",
        "unused_keys": unused.reveal() if unused else "",
        "consents": ",".join(handback.consents),
    }
    full = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(told)}"
    return f"{full}&signature={_signature(urlsplit(full).query, key)}"


def read_handback(query: str, key: Secret) -> dict[str, str]:
    """What a host got back, from the query of its URL; Rejected where it is not ours."""
    told, _, given = query.rpartition("&signature=")
    if not hmac.compare_digest(given.encode(), _signature(told, key).encode()):
        raise Rejected(403, "the handback is not ours")
    return dict(parse_qsl(told, keep_blank_values=True))


def _signature(query: str, key: Secret) -> str:
    return hmac.digest(key.reveal().encode(), query.encode(), "sha256").hex()
