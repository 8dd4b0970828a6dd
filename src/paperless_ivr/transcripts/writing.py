"""What happens in a call, written as the lines of a transcript."""

import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from paperless_ivr.backends.demo import CUSTOMERS, payment
from paperless_ivr.flow import events as e
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Payment
from paperless_ivr.flow.host_strings import arrival_to_strings
from paperless_ivr.flow.requests import OPERATIONS, RecordRequest
from paperless_ivr.flow.turns import Return, Then
from paperless_ivr.prompts import Catalog
from paperless_ivr.transcripts.form import ANSWERS, ENDED_BY, HEADERS, heard, text_of
from paperless_ivr.transcripts.parsing import parse
from paperless_ivr.transcripts.people import of_the_demo, paid
from paperless_ivr.transcripts.replaying import replay

if TYPE_CHECKING:
    from paperless_ivr.proof.cases import Case
    from paperless_ivr.proof.cover import Covering
    from paperless_ivr.proof.exploration import Counterexample

Named = Callable[[e.Customer], str]
"""How a customer is called in a transcript."""


def of_counterexample(counterexample: "Counterexample", case: "Case") -> str:
    """A call in which something goes wrong, as a transcript, from where its walk began."""
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


def headers_of(case: "Case") -> dict[str, str]:
    """What the host hands over in a case, as headers."""
    host = case.arrival
    return dict(handed_over(host, OPERATIONS - case.lacking, _paid(host.payment)))


def _paid(by: Payment | None) -> str:
    """A payment by the handle of the demo's customer who made it, or described."""
    if by is None:
        return ""
    approved = evolve(by, approved=True)
    handle = next((handle for handle in CUSTOMERS if payment(handle) == approved), None)
    if handle is None:
        return paid(by)
    return handle if by.approved else f"{handle} not approved"


def handed_over(
    host: Arrival, operations: frozenset[str], payment: str
) -> Iterator[tuple[str, str]]:
    """What the host hands over, as headers."""
    known = {"moment": host.moment.value, "ani": "unknown"} | arrival_to_strings(host)
    if payment:
        known["payment"] = payment
    yield from ((header, known[name]) for header, name in HEADERS.items() if name in known)
    if lacking := OPERATIONS - operations:
        yield "lacking", ", ".join(sorted(lacking))


def happened(event: e.Event, then: Then, named: Named, how: str = "") -> str:
    """One thing that happened where the call waited for `then`, as a line."""
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
    """An answer of the service or of the record, in words."""
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


def of_covering(covering: "Covering", path: Path) -> str:
    """A call of a covering set, as the transcript that will stand at `path`."""
    comments = [COVERING, *(f"- {in_words(row)}" for row in covering.adds)]
    steps = covering.end.path
    events = [step.event for step in steps if step.event is not None]
    happens = [
        happened(event, step.turn.then, of_the_demo)
        for step, event, following in zip_longest(steps[:-1], events, events[1:])
        if isinstance(following, e.HungUp) or not _goes_without_saying(step.turn.then, event)
    ]
    return replay(parse(text_of(comments, covering.end.start.headers, [*happens, "ends"]), path))


COVERING = "One of the calls that take every row of the table. It adds these:"
"""The first line of every transcript of a covering set."""


def _goes_without_saying(then: Then, event: e.Event) -> bool:
    """What the record answers where a transcript is silent; before a hang-up it is written."""
    usual = ANSWERS.get(type(then).__name__)
    return usual is not None and event == next(iter(usual.values()))


def in_words(row: str) -> str:
    """A row, by its name, in plain words: `offer: chose no; then declined`."""
    source, _, rest = row.partition(" · ")
    happens, _, to = rest.rpartition(" → ")
    events, _, guard = happens.partition(" · ")
    event = ", ".join(EVENTS.get(name, _apart(name)) for name in events.split(" or "))
    if guard:
        event = guard if events in ("Arrived", "Digits") else f"{event}, {guard}"
    then = "asked again" if to == "HERE" else to
    return f"{source}: {event}; then {then}".replace("_", " ").lower()


EVENTS = {"Arrived": "otherwise", "Digits": "other keys", "NoInput": "silence"}
"""Events that go under another name in plain words."""


def _apart(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
