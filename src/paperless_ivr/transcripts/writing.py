"""Writes the events of a call as lines of a transcript."""

from collections.abc import Callable, Iterator

from paperless_ivr.flow import events as e
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.host_strings import arrival_to_strings
from paperless_ivr.flow.requests import OPERATIONS, RecordRequest
from paperless_ivr.flow.turns import Then
from paperless_ivr.transcripts.form import ANSWERS, ENDED_BY, HEADERS

Named = Callable[[e.Customer], str]
"""A function that returns a customer's handle in a transcript."""


def handed_over(
    host: Arrival, operations: frozenset[str], payment: str
) -> Iterator[tuple[str, str]]:
    """Yield the data that the host hands over, and the operations that are missing, as headers."""
    known = {"moment": host.moment.value, "ani": "unknown"} | arrival_to_strings(host)
    if payment:
        known["payment"] = payment
    yield from ((header, known[name]) for header, name in HEADERS.items() if name in known)
    if lacking := OPERATIONS - operations:
        yield "lacking", ", ".join(sorted(lacking))


def happened(event: e.Event, then: Then, named: Named, how: str = "") -> str:
    """Return the line for an event that happened while the call waited for `then`."""
    match event:
        case e.HungUp(by):
            return ENDED_BY[by]
        case e.NoInput():
            return "silence"
        case e.Digits(pressed, ended, at):
            end = {e.Ended.END_KEY: "#", e.Ended.TIMEOUT: " then silence"}.get(ended, "")
            where = f" at {at}" if at is not None else ""
            return f"{'presses':<10} {pressed.reveal()}{end}{where}{how}"
        case e.TransferEnded(result):
            return f"{'transfer':<10} {result.value}"
    on_record = isinstance(then, RecordRequest) or isinstance(event, e.RecordUnavailable)
    word = "record" if on_record else "service"
    return f"{word:<10} {type(then).__name__}: {_answer(event, named)}"


def _answer(event: e.Event, named: Named) -> str:
    """Return an answer from the service or the record, as written in a transcript."""
    match event:
        case e.CustomersFound(found):
            return ", ".join(map(named, found)) or "nobody"
        case e.InvoiceChecked(exists):
            return "yes" if exists else "no"
        case e.Accepted():
            return "accepted"
        case e.Refused(reason):
            return f"refused {reason.value}"
        case e.OutcomeUnknown():
            return "unknown"
        case e.Screened(last, days, here):
            lately = [f"{last.value} {days} days ago"] if last else []
            lately += [f"{', '.join(d.value for d in here)} in this call"] if here else []
            return "; ".join(lately) or "nothing"
        case e.Unavailable() | e.RecordUnavailable():
            return "unavailable"
    plain = {answer: says for answers in ANSWERS.values() for says, answer in answers.items()}
    return plain.get(event, "?")
