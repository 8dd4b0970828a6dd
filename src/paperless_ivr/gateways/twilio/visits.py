"""Twilio's requests. Source: https://www.twilio.com/docs/voice/twiml and the page on each verb."""

from collections.abc import Mapping

from paperless_ivr.errors import Rejected
from paperless_ivr.flow.events import CallerEvent, HungUp, TransferEnded, TransferResult
from paperless_ivr.gateways import web
from paperless_ivr.gateways.port import WebRequest

Fields = Mapping[str, str]

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""The values of `CallStatus` that mean that a call has ended."""
RESULTS = {
    "completed": TransferResult.ANSWERED,
    "answered": TransferResult.ANSWERED,
    "busy": TransferResult.BUSY,
    "no-answer": TransferResult.NO_ANSWER,
    "failed": TransferResult.FAILED,
    "canceled": TransferResult.FAILED,
}
"""The meaning of each `DialCallStatus` for a transfer."""


def form_of(request: WebRequest) -> tuple[tuple[str, str], ...]:
    """Return the posted fields."""
    web.bounded(request)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and media != "application/x-www-form-urlencoded":
        raise Rejected(415, "the body is not a form")
    return web.pairs(request.body)


def gathered(query: Fields, form: Fields) -> CallerEvent:
    """Return the result of a `<Gather>`, based on `Digits` and `FinishedOnKey`.

    `FinishedOnKey` is the key that ended the `<Gather>`, or empty if no key did. If a platform does
    not send this field, an entry ended with the end key looks like keys followed by silence. It
    is treated that way, so that an incomplete number is never looked up.
    """
    if over(form):
        return HungUp()
    pressed, finished = form.get("Digits", ""), form.get("FinishedOnKey")
    end, most = query.get("end", ""), query.get("most", "")
    by_end_key = bool(end) and (end in pressed or finished == end)
    taken = pressed.partition(end)[0] if end else pressed
    return web.gathered(taken, most, by_end_key=by_end_key)


def transferred(form: Fields) -> CallerEvent:
    """Return the result of a `<Dial>`, or UNKNOWN if Twilio does not report it.

    If the call is over, and no agent answered, the caller hung up while waiting for one.
    """
    result = RESULTS.get(form.get("DialCallStatus", ""), TransferResult.UNKNOWN)
    if over(form) and result is not TransferResult.ANSWERED:
        return HungUp()
    return TransferEnded(result)


def over(form: Fields) -> bool:
    """Whether the call has ended."""
    return form.get("CallStatus") in OVER
