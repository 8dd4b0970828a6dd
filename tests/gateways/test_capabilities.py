"""Compares what a gateway can do with what a flow needs."""

import pytest
from attrs import evolve, fields

from paperless_ivr.errors import GatewayProblems
from paperless_ivr.flow.events import TransferResult
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Address, Policy, Strategy
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.capabilities import Capabilities, Claim, How, check

FLOW = Flow()
ALL = Capabilities("a runtime")
CONSENT = ("interrupted", "flush", "once", "end_key_alone")
CLAIMS = [field.name for field in fields(Capabilities) if isinstance(field.default, Claim)]
pytestmark = pytest.mark.requirement("R41")


def test_a_gateway_that_does_everything_is_met() -> None:
    """If every claim is met, nothing is degraded."""
    assert {finding.how for finding in check(FLOW, ALL).findings} == {How.MET}


@pytest.mark.parametrize("name", CLAIMS)
def test_emulated_is_as_good(name: str) -> None:
    """Capabilities that the adapter emulates work, consent or not, and the report says how."""
    report = check(FLOW, evolve(ALL, **{name: Claim(How.EMULATED, "a trick")}))

    assert [finding.by for finding in report.having(How.EMULATED)] == ["a trick"]


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("name", CONSENT)
def test_consent_is_not_done_worse(name: str) -> None:
    """If something that a consent depends on is degraded, it is refused, and the error says why."""
    with pytest.raises(GatewayProblems, match=r"a trick.*a consent depends on it"):
        check(FLOW, evolve(ALL, **{name: Claim(How.DEGRADED, "a trick")}))


@pytest.mark.parametrize("name", [name for name in CLAIMS if name not in CONSENT])
def test_what_is_no_consent_may_be_done_worse(name: str) -> None:
    """Capabilities that no consent depends on may be degraded, and still work."""
    report = check(FLOW, evolve(ALL, **{name: Claim(How.DEGRADED)}))

    assert len(report.having(How.DEGRADED)) == 1


def test_every_problem_is_told_at_once() -> None:
    """One error lists everything that is refused."""
    poor = Capabilities(
        "a poor runtime",
        interrupted=Claim(How.REFUSED),
        barge_in=Claim(How.REFUSED),
        longest=20,
        languages=frozenset({"en-US"}),
    )

    with pytest.raises(GatewayProblems) as told:
        check(FLOW, poor)

    assert told.value.title == "a poor runtime cannot run this flow"
    assert [problem.partition(":")[0] for problem in told.value.problems] == [
        "G17, G18",
        "G16",
        "G05",
        "G02",
    ]


def test_addresses_by_keypad_need_long_entries() -> None:
    """If a policy does not allow addresses by keypad, the flow needs no long entries."""
    by_text = evolve(Policy(), address=evolve(Address(), strategies=(Strategy.ON_FILE,)))

    with pytest.raises(GatewayProblems, match="gather 256 keys"):
        check(FLOW, evolve(ALL, longest=40))
    check(Flow(Terms(by_text)), evolve(ALL, longest=40))


def test_without_transfers_it_runs() -> None:
    """A gateway without transfers runs calls in which no person is available."""
    unknown = frozenset({TransferResult.UNKNOWN})
    lacking = evolve(ALL, transfer=Claim(How.REFUSED), transfer_results=unknown)

    report = check(FLOW, lacking)

    assert {finding.sentence for finding in report.having(How.DEGRADED)} == {"G26", "G27"}


def test_short_waits_are_worse() -> None:
    """A runtime that cannot wait as long as the policy says is degraded."""
    report = check(FLOW, evolve(ALL, longest_wait=20.0))

    assert [finding.need for finding in report.having(How.DEGRADED)] == [
        "wait 30 seconds for a key"
    ]
