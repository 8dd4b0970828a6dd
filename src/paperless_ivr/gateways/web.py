"""Helpers for every gateway to a runtime that sends web requests.

They enforce limits on requests, turn a gather's keys into an event, read hand-overs from URLs, and
append hand-backs to URLs. A gateway must first verify that its runtime sent the URL and that the
URL was not changed. Only then can it trust that the parameters came from the host.
"""

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.errors import HostProblems, Rejected
from paperless_ivr.flow.events import CallerEvent, Digits, Ended, NoInput
from paperless_ivr.flow.host import Arrival, Handback
from paperless_ivr.flow.host_strings import FROM_HOST, arrival_from_strings, handback_to_strings
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.keypad import phone_number
from paperless_ivr.secret import Secret

MOST_BYTES = 16_384
MOST_FIELDS = 200
"""The limit on fields. Twilio sends about forty, and its documentation says it may add more."""

CALL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
"""A call ID in any runtime's format. Twilio's is CA followed by 32 hexadecimal digits."""
KEYS = re.compile(r"[0-9A-D*#]{0,512}")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""A telephone number in E.164 format."""


# ── a request ────────────────────────────────────────────────────────────────────────────


def bounded(request: WebRequest) -> None:
    """Raise Rejected if a request is not a POST, or is too large to have come from a runtime."""
    if request.method != "POST":
        raise Rejected(405, "only POST is supported")
    if len(request.body) > MOST_BYTES or len(request.query) > MOST_BYTES:
        raise Rejected(413, "the request is too large")


def pairs(text: str | bytes) -> tuple[tuple[str, str], ...]:
    """Return the fields of a query or form. Raises Rejected if it is not valid."""
    try:
        written = text.decode() if isinstance(text, bytes) else text
        return tuple(
            parse_qsl(written, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        )
    except ValueError:
        found = None
    if found is None:
        raise Rejected(400, "invalid query or form data")
    return found


def json_of(request: WebRequest) -> Mapping[str, Any]:
    """Return the posted JSON object. Raises Rejected if it is not valid."""
    try:
        told = json.loads(request.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Rejected(400, "the body is not a JSON object")
    return told


def call_id(given: object) -> str:
    """Return a call's identifier. Raises Rejected if it is not valid."""
    found = CALL_ID.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise Rejected(400, "the call ID is missing or invalid")
    return found[0]


def ani(given: object) -> Secret | None:
    """Return the caller's number (E.164), or None if it is withheld, missing, or invalid."""
    is_number = isinstance(given, str) and NUMBER.fullmatch(given)
    found = phone_number(given) if is_number else None
    return secret.phone(found) if found else None


def gathered(pressed: object, most: object, *, by_end_key: bool) -> CallerEvent:
    """Return the caller's event for a gather of up to `most` keys.

    `pressed` excludes the end key. Raises Rejected if either argument is invalid.
    """
    if not isinstance(pressed, str) or not KEYS.fullmatch(pressed):
        raise Rejected(400, "invalid keys")
    if not isinstance(most, str) or not most.isdecimal() or len(most) > 4:
        raise Rejected(400, "the maximum number of keys is missing or invalid")
    if by_end_key:
        return Digits(secret.keys(pressed), Ended.END_KEY)
    if not pressed:
        return NoInput()
    if len(pressed) >= int(most):
        return Digits(secret.keys(pressed[: int(most)]), Ended.FULL)
    return Digits(secret.keys(pressed), Ended.TIMEOUT)


def at(base: str, path: str, **fields: str) -> str:
    """Return the URL of a path below `base`, the address where the runtime reaches the gateway."""
    return f"{base}/{path}?{urlencode(fields)}"


# ── the host ─────────────────────────────────────────────────────────────────────────────


def handed_over(
    call_id: str, biller: str, ani: Secret | None, dnis: str, query: Mapping[str, str]
) -> Arrival:
    """Return the arrival of a call. Raises Rejected if the hand-over is invalid."""
    try:
        unknown = len(query.keys() - set(FROM_HOST))
        if unknown:
            raise HostProblems("", [f"unknown names: {unknown}"])
        arrival = arrival_from_strings({**query, "call_id": call_id, "biller": biller})
        return evolve(arrival, ani=ani, dnis=dnis)
    except HostProblems as found:
        problems = "; ".join(found.problems)
    raise Rejected(400, f"invalid hand-over: {problems}")


def handed_back(url: str, handback: Handback, key: Secret) -> str:
    """Return the host's URL with the signed hand-back appended.

    The hand-back contains names, codes, and the key that the caller pressed for the host's menu. It
    omits personal values (`personal=False`), because servers along the way may log URLs.
    """
    given = urlencode(handback_to_strings(handback, personal=False))
    full = f"{url}{'&' if urlsplit(url).query else '?'}{given}"
    return f"{full}&signature={_signature(urlsplit(full).query, key)}"


def read_handback(query: str, key: Secret) -> dict[str, str]:
    """Return the hand-back in a URL's query. Raises Rejected if the signature is invalid.

    The result has the names in `handback_to_strings`, plus any parameters in the host's own URL.
    """
    told, _, given = query.rpartition("&signature=")
    if not hmac.compare_digest(given.encode(), _signature(told, key).encode()):
        raise Rejected(403, "the hand-back has an invalid signature")
    return dict(parse_qsl(told, keep_blank_values=True))


def _signature(query: str, key: Secret) -> str:
    return hmac.digest(key.reveal().encode(), query.encode(), "sha256").hex()
