"""Transcripts of counterexamples, and transcript headers for cases of the proof."""

from attrs import evolve

from paperless_ivr.backends.demo import CUSTOMERS, payment
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Payment
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.turns import Return
from paperless_ivr.prompts import Catalog
from paperless_ivr.proof.cases import Case
from paperless_ivr.proof.exploration import Counterexample
from paperless_ivr.transcripts.form import heard, text_of
from paperless_ivr.transcripts.people import of_the_demo, paid
from paperless_ivr.transcripts.writing import handed_over, happened


def of_counterexample(counterexample: Counterexample, case: Case) -> str:
    """Return a counterexample as a transcript, beginning where its walk began."""
    flow, words = Flow(case.terms), Catalog.of(case.policy)
    first = counterexample.path[0].turn
    comments = [
        f"{counterexample.invariant}: {counterexample.problem}",
        f'In the case "{case.name}"; the walk began at {first.call.state.name}.',
    ]
    lines: list[str] = []
    for move in counterexample.path:
        if not move.turn.call.results.hung_up:
            lines += heard(move.turn.say, move.turn.call.language, flow, words)
        how = " again" if move.late else " ahead" if move.early else ""
        lines.append(happened(move.event, move.turn.then, of_the_demo, how))
    last = counterexample.path[-1].next
    lines += heard(last.say, last.call.language, flow, words)
    if isinstance(last.then, Return):
        lines.append(f"{'ends':<10} {last.then.handback.disposition.value}")
    return text_of(comments, headers_of(case), lines)


def headers_of(case: Case) -> dict[str, str]:
    """Return what the host hands over in a case, as headers."""
    host = case.arrival
    return dict(handed_over(host, OPERATIONS - case.lacking, _paid(host.payment)))


def _paid(by: Payment | None) -> str:
    """Return the handle of the demo customer who made a payment, or else a description of it."""
    if by is None:
        return ""
    approved = evolve(by, approved=True)
    handle = next((handle for handle in CUSTOMERS if payment(handle) == approved), None)
    if handle is None:
        return paid(by)
    return handle if by.approved else f"{handle} not approved"
