"""Services modeled on other SOAP stacks: their connection files, and how a call ends.

The results are in docs/service.md, which a run with PAPERLESS_IVR_UPDATE=1 (and without xdist)
rewrites.
"""

import io
import os
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from paperless_ivr.backends.connection import Connection, load_connection
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.setups import arrival, demo_policy
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.checks import check
from paperless_ivr.flow.events import CustomersFound
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition, Handback, Identity, Moment, Registration
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.flow.table import FLOW
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from tests.backends.speaking import FOLDER, PAYMENT, RIVERA, SERVICES, speaking
from tests.cli.conftest import run as run  # noqa: PLC0414 - a fixture

PAGE = Path(__file__).parents[2] / "docs/service.md"
KEY = {"PARTNER_KEY": "the-partner-key"}

MANNERS = {
    "axis": "Axis 1, Delphi: rpc/encoded, with references",
    "cxf": "CXF: unqualified names, included schemas, a status, MTOM",
    "flat": "the answer's fields are directly in the response",
    "no_action": "operations without a soapAction",
    "other_names": "an operation with a different name",
    "out_params": "out parameters next to a bare result",
    "rpc_literal": "PHP or gSOAP: rpc/literal",
    "simple_results": "a bare flag and an array as results",
    "soapheader": "the caller's credentials are in a SOAP header",
    "text_money": "amounts and dates as text",
    "twice": "two schemas for one namespace",
    "vb": "VB.NET: Request objects, ErrorCode 0 is success",
    "vb_dataset": "an operation that we do not use returns a DataSet",
    "vb_success": "VB.NET: Request objects, a success flag",
    "void": "an operation returns nothing",
    "wcf": "WCF: imported schemas, derived types",
    "yn_flag": "a flag that says Y or N",
}
REFUSED = ("soapheader", "void")


def connection(name: str, address: str = "http://127.0.0.1:9/") -> Connection:
    """Return the connection file of a service, at an address."""
    return evolve(load_connection(FOLDER / f"{name}.toml", KEY), address=address)


def policy_for(backend: SoapBackend) -> Policy:
    """Return the demo's policy; without a search, it has an offer only after a payment."""
    policy = demo_policy()
    if "SearchByAccountNumber" not in backend.operations:
        policy = evolve(policy, offer=evolve(policy.offer, moments=(Moment.AFTER_PAYMENT,)))
    return policy


def call(backend: SoapBackend) -> Handback:
    """Run a call after a payment: yes to the offer, yes to the bill."""
    policy = policy_for(backend)
    terms = Terms(policy, backend.operations)
    check(terms, FLOW)
    catalog = Catalog.of(policy)
    store = SeparateStores(MemoryRecord(), MemoryLiveCalls())
    driver = Driver(Setup(Flow(terms), catalog, backend, store))
    coming = evolve(
        arrival("call-1", policy.biller.id, Moment.AFTER_PAYMENT, "rivera", "en-US"),
        identity=Identity.ACCOUNT_KEYED,
        invoice_type="WATER",
    )
    script = (*tokens("1 1"), *("-",) * 8)
    return driver.converse(TerminalGateway(catalog, io.StringIO(), None, script), coming)


@pytest.mark.requirement("R16", "R20", "R21")
@pytest.mark.parametrize(("name", "soap"), [
    *((name, "1.1") for name in sorted(SERVICES)),
    *((name, "1.2") for name in sorted(set(SERVICES) - {"axis", "cxf", "rpc_literal", "wcf"})),
])  # fmt: skip
def test_a_call_to_enrolled(name: str, soap: str) -> None:
    """Each service, with its connection file, gets a call to `enrolled`."""
    with speaking(name) as service:
        chosen = connection(name, service.url)
        backend = SoapBackend(evolve(chosen, soap=soap))
        handback = call(backend)

    assert (handback.disposition, handback.registration) == (
        Disposition.ENROLLED,
        Registration.PENDING,
    )
    enrolled = [heard for heard in service.heard if heard.operation == "EnrollInPaperless"]
    assert [_values(heard.fields) for heard in enrolled] == [
        {
            PAYMENT.guid.reveal(),
            chosen.biller_guid,
            chosen.partner_guid,
            chosen.partner_key.reveal(),
        }
    ]
    searched = [heard for heard in service.heard if heard.operation.startswith("SearchByAccount")]
    assert all(RIVERA.account.reveal() in _values(heard.fields) for heard in searched)


def _values(fields: Any) -> set[str]:
    if isinstance(fields, dict):
        return set().union(*(_values(value) for value in fields.values()))
    return {str(fields)}


BILLS = {
    "vb": (Decimal("48.20"), date(2026, 12, 15), False),
    "simple_results": (Decimal("48.20"), date(2026, 12, 15), False),
    "other_names": (Decimal("48.20"), date(2026, 12, 15), False),
    "text_money": (Decimal("1048.20"), date(2026, 12, 15), False),
    "yn_flag": (Decimal("48.20"), date(2026, 12, 15), False),
    "wcf": (Decimal("48.20"), None, False),
    "rpc_literal": (None, None, None),
    "cxf": (Decimal("48.2"), date(2026, 12, 15), False),
}


@pytest.mark.parametrize("name", BILLS)
def test_what_is_read(name: str) -> None:
    """Amounts, dates, and flags are read as the service means them, however it writes them."""
    with speaking(name) as service:
        backend = SoapBackend(connection(name, service.url))
        found = backend.answer(SearchByAccountNumber(RIVERA.account), 5.0)

    assert isinstance(found, CustomersFound)
    ((bill,),) = [customer.invoices for customer in found.customers]
    assert (bill.amount, bill.due, bill.paperless) == BILLS[name]
    assert [customer.account for customer in found.customers] == [RIVERA.account]


@pytest.mark.parametrize("name", ["no_action", "vb"])
def test_soap_action(name: str) -> None:
    """An operation without a soapAction is sent with an empty one."""
    with speaking(name) as service:
        call(SoapBackend(connection(name, service.url)))

    actions = {heard.operation: heard.action for heard in service.heard}
    namespace = "http://www.invoicecloud.com/webservices/"
    expected = '""' if name == "no_action" else f'"{namespace}EnrollInPaperless"'
    assert actions["EnrollInPaperless"] == expected


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_words(run: Callable[..., Any], name: str) -> None:
    """`check` refuses what cannot be used, and says what the biller would have to change."""
    done = run("check", "--offline", "--connection", str(FOLDER / f"{name}.toml"), **KEY)

    assert done.exit_code == 1
    assert "the biller would have to" in done.stdout


def test_the_page_is_what_was_seen(run: Callable[..., Any]) -> None:
    """The page's matrix shows for each service what a call with it has shown."""
    rows = [_row(name, run) for name in sorted(MANNERS)]
    text = (
        "<!-- services: seen by tests/backends/test_services.py -->\n\n"
        "| Service | Modeled on | Its connection file | Result of a call |\n"
        f"|---|---|---|---|\n{''.join(rows)}\n<!-- end: services -->"
    )
    page = PAGE.read_text(encoding="utf-8")
    written = re.search(r"<!-- services: .*<!-- end: services -->", page, re.DOTALL)
    assert written is not None
    if os.environ.get("PAPERLESS_IVR_UPDATE"):
        PAGE.write_text(page.replace(written[0], text), encoding="utf-8")
    else:
        assert written[0] == text


def _row(name: str, run: Callable[..., Any]) -> str:
    file = FOLDER / f"{name}.toml"
    said = file.read_text(encoding="utf-8").partition("partner_key_env")[2].splitlines()[1:]
    tables = "<br>".join(f"`{line}`" for line in said if line) or "nothing more"
    if name in REFUSED:
        shown = run("check", "--offline", "--connection", str(file), **KEY).stdout
        words = re.findall(r"^ +(.*the biller would have to.*)$", shown, re.MULTILINE)
        ends = f"refused: an operation {words[0]}"
    else:
        with speaking(name) as service:
            ends = call(SoapBackend(connection(name, service.url))).disposition.value
    return f"| `{name}` | {MANNERS[name]} | {tables} | {ends} |\n"
