"""Every operation, failing in every way: its outcome, and what the caller hears.

The results are in docs/failures.md, which a run with PAPERLESS_IVR_UPDATE=1 (and without xdist)
rewrites.
"""

import logging
import os
import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from attrs import evolve, frozen

from paperless_ivr.backends import demo
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.cloudivr.serving import Service, running
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
REQUESTS = {type(request).__name__: request for request in ONE_OF_EACH}

WORDS: dict[type[ServiceAnswer], str] = {
    Accepted: "done",
    CustomersFound: "answered",
    InvoiceChecked: "answered",
    OutcomeUnknown: "unknown: maybe done",
    Unavailable: "unavailable: not done",
}

SLOW = 5
"""How often a case is retried."""

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


@frozen
class Case:
    """The outcome of one operation that failed in one way."""

    held: Held
    logged: str
    """Everything that any library or we logged in the meantime, at the most verbose level."""
    registrations: int
    """How many registrations the service has started for the caller."""


def _case(service: Service, healthy: SoapBackend, operation: str, breakage: Broken) -> Case:
    """Return a case for which the machine was fast enough; otherwise, the driver gives up first."""
    for _ in range(SLOW):
        case = _held(service, healthy, operation, breakage)
        if case.held.in_time:
            break
    return case


def _held(service: Service, healthy: SoapBackend, operation: str, breakage: Broken) -> Case:
    as_new = service.snapshot()
    try:
        with broken(breakage, service.endpoint) as address, everything_logged() as logged:
            bad = SoapBackend(evolve(healthy.connection, address=address))
            held = hold(operation, healthy, bad, late=breakage.late)
        return Case(held, "\n".join(logged), len(service.outbox().emails))
    finally:
        as_new()


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """Collect what any library, and we, log at the most verbose level."""
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


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """The healthy service, behind the failing ones, reset for each of them."""
    with running() as healthy:
        yield healthy


@pytest.mark.requirement("R10", "R23", "R24", "R31")
@pytest.mark.parametrize("operation", sorted(CALLS))
def test_every_way_to_fail(service: Service, operation: str, subtests: pytest.Subtests) -> None:
    """Every failure is reported correctly, nothing is done twice, and no secret is shown."""
    rows = []
    healthy = SoapBackend(demo_connection(service.endpoint))
    for breakage in BREAKAGES:
        if breakage.only is None or operation.startswith(breakage.only):
            with subtests.test(breakage.name):
                case = _case(service, healthy, operation, breakage)
                rows.append(row(breakage, case))
                outcome_is_what_is_known(operation, breakage, case)
                nothing_is_done_twice(operation, case)
                caller_hears_something_sensible(case)
                no_secret_shows(case)

    with subtests.test("the page is what was seen"):
        page_is_current(operation, rows)


def outcome_is_what_is_known(operation: str, breakage: Broken, case: Case) -> None:
    """A failed read did nothing; a write may have been done, unless it never arrived."""
    answer = case.held.answers[0]
    if breakage.answered:
        assert isinstance(answer, CustomersFound | InvoiceChecked | Accepted)
        return
    assert isinstance(answer, Unavailable | OutcomeUnknown)
    assert re.fullmatch(breakage.why, answer.why)
    surely_not = breakage.never_there or isinstance(REQUESTS[operation], Read)
    assert isinstance(answer, Unavailable) == surely_not


def nothing_is_done_twice(operation: str, case: Case) -> None:
    """A read is tried at most twice, a preference after a look-up, and everything else once."""
    again = isinstance(REQUESTS[operation], Read) or operation == "StoreCustomerPreference"

    assert len(case.held.answers) <= (2 if again else 1)
    assert case.registrations <= 1


def caller_hears_something_sensible(case: Case) -> None:
    """No error or failed payment is mentioned; an accepted request ends as enrolled or kept."""
    heard = case.held.heard_next.lower()
    assert heard
    for word in ("error", "exception", "soap", "http", "server", "payment failed", "null"):
        assert word not in heard

    ended = case.held.handback.disposition
    agreed = bool(case.held.handback.consents)
    kept = (Disposition.ENROLLED, Disposition.DEFERRED) if agreed else (Disposition.UNAVAILABLE,)
    assert ended in kept


def no_secret_shows(case: Case) -> None:
    """No log of any library, no answer, and no repr contains a secret or anything personal."""
    shown = f"{case.logged} {case.held.answers!r} {case.held.handback!r}"

    assert [value for value in PERSONAL if value in shown] == []


def row(breakage: Broken, case: Case) -> str:
    """Return a way to fail as a row of the page."""
    came_to = WORDS[type(case.held.answers[0])]
    heard = textwrap.shorten(case.held.heard_next, 110, placeholder=" …")
    ended = case.held.handback.disposition.value
    return f"| {breakage.name} | {came_to} | {heard} | {ended} |\n"


def page_is_current(operation: str, rows: Iterable[str]) -> None:
    """The page says what this run has seen for this operation."""
    text = (
        f"## {operation}\n\n"
        "| Failure | Outcome | The caller hears next | The call ends |\n"
        f"|---|---|---|---|\n{''.join(rows)}"
    )
    page = PAGE.read_text(encoding="utf-8")
    written = re.search(rf"^## {operation}\n\n(\|.*\n)+", page, re.MULTILINE)
    if os.environ.get("PAPERLESS_IVR_UPDATE"):
        page = page.replace(written[0], text) if written else f"{page}\n{text}"
        PAGE.write_text(page, encoding="utf-8")
    else:
        assert written is not None
        assert written[0] == text
