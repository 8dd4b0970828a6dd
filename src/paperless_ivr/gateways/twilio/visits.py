"""What Twilio's requests say: https://www.twilio.com/docs/voice/twiml and its pages of verbs."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from paperless_ivr import secret
from paperless_ivr.errors import Rejected
from paperless_ivr.flow.events import (
    CallerEvent,
    Digits,
    Ended,
    HungUp,
    NoInput,
    TransferEnded,
    TransferResult,
)
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.keypad import phone_number
from paperless_ivr.secret import Secret

Fields = Mapping[str, str]

MOST_BYTES = 16_384
MOST_FIELDS = 200
"""Twilio sends some forty fields, and says that it may add some."""

CALL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
"""Twilio's are CA and 32 hexadecimal digits; platforms like it have their own."""
KEYS = re.compile(r"[0-9A-D*#]{0,512}")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164."""

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""Values of `CallStatus` with which a call has ended."""
RESULTS = {
    "completed": TransferResult.ANSWERED,
    "answered": TransferResult.ANSWERED,
    "busy": TransferResult.BUSY,
    "no-answer": TransferResult.NO_ANSWER,
    "failed": TransferResult.FAILED,
    "canceled": TransferResult.FAILED,
}
"""What `DialCallStatus` says of a transfer."""


def pairs(text: str | bytes) -> tuple[tuple[str, str], ...]:
    """The fields of a query or of a form; Rejected where it is none."""
    try:
        written = text.decode() if isinstance(text, bytes) else text
        return tuple(
            parse_qsl(written, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        )
    except ValueError:
        found = None
    if found is None:
        raise Rejected(400, "the form cannot be read")
    return found


def form_of(request: WebRequest) -> tuple[tuple[str, str], ...]:
    """The fields that were posted."""
    if request.method != "POST":
        raise Rejected(405, "only POST is answered")
    if len(request.body) > MOST_BYTES or len(request.query) > MOST_BYTES:
        raise Rejected(413, "the request is too large")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and media != "application/x-www-form-urlencoded":
        raise Rejected(415, "the body is no form")
    return pairs(request.body)


def call_id(form: Fields) -> str:
    """Which call it is about."""
    found = CALL_ID.fullmatch(form.get("CallSid", ""))
    if found is None:
        raise Rejected(400, "the call has no identifier")
    return found[0]


def ani(form: Fields) -> Secret | None:
    """The caller's number, where it is one and not withheld: none of a SIP or browser client."""
    given = form.get("From", "")
    found = phone_number(given) if NUMBER.fullmatch(given) else None
    return secret.phone(found) if found else None


def gathered(query: Fields, form: Fields) -> CallerEvent:
    """What came of a `<Gather>`: five outcomes from `Digits` and `FinishedOnKey`.

    `FinishedOnKey` is the key that ended it, empty where none did. A platform that does not
    send it cannot tell the end key from a silence after keys: it is taken for a silence, so
    that no half number is looked up.
    """
    if over(form):
        return HungUp()
    pressed, finished = form.get("Digits", ""), form.get("FinishedOnKey")
    end, most = query.get("end", ""), query.get("most", "")
    if not KEYS.fullmatch(pressed) or not most.isdecimal() or len(most) > 4:
        raise Rejected(400, "the keys cannot be read")
    by_end_key = bool(end) and (end in pressed or finished == end)
    taken = pressed.partition(end)[0] if end else pressed
    if by_end_key:
        return Digits(secret.keys(taken), Ended.END_KEY)
    if not taken:
        return NoInput()
    if len(taken) >= int(most):
        return Digits(secret.keys(taken[: int(most)]), Ended.FULL)
    return Digits(secret.keys(taken), Ended.TIMEOUT)


def transferred(form: Fields) -> CallerEvent:
    """What became of a `<Dial>`; UNKNOWN where Twilio does not say."""
    return TransferEnded(RESULTS.get(form.get("DialCallStatus", ""), TransferResult.UNKNOWN))


def over(form: Fields) -> bool:
    """Whether the call has ended."""
    return form.get("CallStatus") in OVER
