"""What happens in a call, written as the lines of a transcript."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from paperless_ivr.backends.demo import CUSTOMERS, payment
from paperless_ivr.flow import events as e
from paperless_ivr.flow import requests
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Identity, Intent
from paperless_ivr.flow.turns import Return
from paperless_ivr.prompts import Catalogue
from paperless_ivr.testing.transcripts.form import ANSWERS, STATUSES, heard, text_of

if TYPE_CHECKING:
    from paperless_ivr.testing.exploration import Counterexample, Move
    from paperless_ivr.testing.proof import Case


def of_counterexample(counterexample: "Counterexample", case: "Case") -> str:
    """A call in which something goes wrong, as a transcript, from where its walk began."""
    flow, words = Flow(case.terms), Catalogue.of(case.policy)
    first = counterexample.path[0].turn
    comments = [
        f"{counterexample.invariant}: {counterexample.problem}",
        f'In the case "{case.name}"; the walk began at {first.call.state.name}.',
    ]
    lines: list[str] = []
    for move in counterexample.path:
        if not move.turn.call.results.hung_up:
            lines += heard(move.turn.say, move.turn.call.language, flow, words)
        lines.append(_told(move))
    last = counterexample.path[-1].next
    lines += heard(last.say, last.call.language, flow, words)
    if isinstance(last.then, Return):
        lines.append(f"{'ends':<10} {last.then.handback.disposition.value}")
    return text_of(comments, dict(_headers(case)), lines)


def _headers(case: "Case") -> Iterator[tuple[str, str]]:
    """What the host hands over in a case."""
    host = case.arrival
    yield "moment", host.moment.value
    yield "caller", host.ani.reveal() if host.ani else "unknown"
    if host.language:
        yield "language", host.language
    if host.account:
        yield "account", host.account.reveal()
    if host.identity is not Identity.NONE:
        yield "identity", host.identity.name.lower()
    if host.invoice_type:
        yield "invoice_type", host.invoice_type
    if host.payment:
        payer = next(handle for handle in CUSTOMERS if payment(handle).guid == host.payment.guid)
        yield "payment", payer if host.payment.approved else f"{payer} not approved"
    if host.person_available:
        yield "person", "yes"
    if host.intent is not Intent.ENROL:
        yield "intent", host.intent.value
    if case.lacking:
        yield "lacking", ", ".join(sorted(case.lacking))


def _told(move: "Move") -> str:
    """One move as a line."""
    event, request = move.event, move.turn.then
    name = type(request).__name__
    match event:
        case e.HungUp(by_host):
            return "host cancels" if by_host else "hangs up"
        case e.NoInput():
            return "silence"
        case e.Digits(pressed, ended, at):
            end = {e.Ended.END_KEY: "#", e.Ended.TIMEOUT: " then silence"}.get(ended, "")
            heard = f" at {at}" if at is not None else ""
            how = " again" if move.late else " ahead" if move.early else ""
            return f"{'presses':<10} {pressed.reveal()}{end}{heard}{how}"
        case e.TransferEnded(result):
            return f"{'transfer':<10} {result.value}"
    on_record = isinstance(request, requests.RecordRequest) or isinstance(
        event, e.RecordUnavailable
    )
    return f"{'record' if on_record else 'service':<10} {name}: {_answer(event)}"


def _answer(event: e.Event) -> str:
    """An answer of the service or of the record, in words."""
    match event:
        case e.CustomersFound(found):
            return ", ".join(map(_person, found)) or "nobody"
        case e.InvoiceChecked(exists):
            return "yes" if exists else "no"
        case e.Accepted():
            return "accepted"
        case e.Refused(reason):
            return f"refused {reason.value}"
        case e.OutcomeUnknown():
            return "unknown"
        case e.Screened(last, days) if last:
            return f"{last.value} {days} days ago"
        case e.Unavailable() | e.RecordUnavailable():
            return "unavailable"
    plain = {answer: says for answers in ANSWERS.values() for says, answer in answers.items()}
    return plain.get(event, "?")


def _person(found: e.Customer) -> str:
    """A customer by handle, with the bills that are not as they were at first."""
    handle = next((h for h, c in CUSTOMERS.items() if c.id == found.id), "?")
    first = CUSTOMERS[handle].invoices if handle in CUSTOMERS else ()
    names = {flags: name for name, flags in STATUSES.items()}
    changed = [
        f"{now.type} {names.get((now.paperless, now.pending), 'pending')}"
        for was, now in zip(first, found.invoices, strict=False)
        if was != now
    ]
    return f"{handle} ({', '.join(changed)})" if changed else handle
