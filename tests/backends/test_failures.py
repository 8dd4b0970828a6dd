"""Every operation, failing in every way: what it comes to, and what the caller hears (R10, R23).

The table that results is docs/failures.md. It is written anew with PAPERLESS_IVR_UPDATE=1.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import structlog
from attrs import evolve, frozen
from paperless_ivr.cloudivr.serving import running

from paperless_ivr.backends import demo
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.flow.events import (
    Accepted,
    CustomersFound,
    InvoiceChecked,
    OutcomeUnknown,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.requests import Read
from paperless_ivr.testing.contracts.backend import ONE_OF_EACH
from tests.backends.breakage import BREAKAGES, Broken, broken
from tests.backends.failing_calls import CALLS, Held, hold

PAGE = Path(__file__).parents[2] / "docs/failures.md"
MARK = "<!-- written by tests/backends/test_failures.py -->\n"
REQUESTS = {type(request).__name__: request for request in ONE_OF_EACH}

WORDS: dict[type[ServiceAnswer], str] = {
    Accepted: "done",
    CustomersFound: "answered",
    InvoiceChecked: "answered",
    OutcomeUnknown: "unknown: maybe done",
    Unavailable: "unavailable: surely not done",
}

PERSONAL = [
    "demo-key-that-everybody-knows",
    *(
        value.reveal()
        for who in (demo.customer("rivera"),)
        for value in (who.id, who.account, who.name, who.email, who.phone, who.invoices[0].number)
        if value is not None
    ),
    demo.payment("rivera").guid.reveal(),
]

CASES = [
    (operation, breakage)
    for operation in CALLS
    for breakage in BREAKAGES
    if breakage.only is None or operation.startswith(breakage.only)
]


@frozen
class Case:
    """What became of one operation that failed in one way."""

    held: Held
    logged: str
    """Everything that any library or we logged meanwhile, at its most talkative."""
    registrations: int
    """How many registrations the service has begun for the caller."""


def _case(operation: str, breakage: Broken) -> Case:
    with (
        running() as service,
        broken(breakage, service.endpoint) as address,
        everything_logged() as logged,
    ):
        good = demo_connection(service.endpoint)
        held = hold(operation, SoapBackend(good), SoapBackend(evolve(good, address=address)))
        return Case(held, "\n".join(logged), len(service.outbox().emails))


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """What any library, and we, say at our most talkative."""
    said: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(logging.Formatter().format(record))

    root, handler = logging.getLogger(), Keeping()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with structlog.testing.capture_logs() as ours:
            yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        said += [repr(entry) for entry in ours]


@cache
def case(operation: str, breakage: Broken) -> Case:
    """A case, held once."""
    return _case(operation, breakage)


IDS = [f"{operation}-{breakage.name}" for operation, breakage in CASES]
every_case = pytest.mark.parametrize(("operation", "breakage"), CASES, ids=IDS)


@pytest.mark.requirement("R23")
@every_case
def test_outcome(operation: str, breakage: Broken) -> None:
    """A failure is what can surely be known: a read did nothing, a write may have been done."""
    lost = Unavailable() if isinstance(REQUESTS[operation], Read) else OutcomeUnknown()
    answers = case(operation, breakage).held.answers

    if breakage.answered:
        assert isinstance(answers[0], CustomersFound | InvoiceChecked | Accepted)
    else:
        assert answers[0] == (Unavailable() if breakage.never_there else lost)


@pytest.mark.requirement("R10", "R23", "R31")
@every_case
def test_nothing_twice(operation: str, breakage: Broken) -> None:
    """However it fails, a read is tried twice at most, and nothing is done twice."""
    seen = case(operation, breakage)
    again = isinstance(REQUESTS[operation], Read) or operation == "StoreCustomerPreference"

    assert len(seen.held.answers) <= (2 if again else 1)
    assert seen.registrations <= 1


@pytest.mark.requirement("R10")
@every_case
def test_caller_hears_something(operation: str, breakage: Broken) -> None:
    """The caller hears something sensible, never of an error, and the payment is left alone."""
    seen = case(operation, breakage).held

    assert seen.heard_next
    for word in ("error", "exception", "soap", "http", "server", "payment failed", "null"):
        assert word not in seen.heard_next.lower()
    ended = seen.handback.disposition
    if seen.handback.consents:
        assert ended in (Disposition.ENROLLED, Disposition.DEFERRED)
    else:
        assert ended is Disposition.UNAVAILABLE


@pytest.mark.requirement("R24")
@every_case
def test_no_secret_shows(operation: str, breakage: Broken) -> None:
    """No log of any library, no answer and no repr holds a secret or anything personal."""
    seen = case(operation, breakage)
    shown = f"{seen.logged} {seen.held.answers!r} {seen.held.handback!r}"

    assert [value for value in PERSONAL if value in shown] == []


def test_page_is_current() -> None:
    """The table in the docs is what this run has seen."""
    page = PAGE.read_text(encoding="utf-8")
    before, mark, _ = page.partition(MARK)
    assert mark
    now = before + mark + "".join(table(operation) for operation in sorted(CALLS))

    if os.environ.get("PAPERLESS_IVR_UPDATE"):
        PAGE.write_text(now, encoding="utf-8")
    assert now == PAGE.read_text(encoding="utf-8"), "write it anew with PAPERLESS_IVR_UPDATE=1"


def table(operation: str) -> str:
    """What became of an operation, a line for each way to fail."""
    lines = [
        f"\n## {operation}\n\n",
        "| What goes wrong | What it comes to | What the caller hears next | The call ends |\n",
        "|---|---|---|---|\n",
    ]
    for named, breakage in CASES:
        if named == operation:
            held = case(operation, breakage).held
            came_to = WORDS[type(held.answers[0])]
            ended = held.handback.disposition.value
            lines.append(f"| {breakage.name} | {came_to} | {held.heard_next} | {ended} |\n")
    return "".join(lines)
