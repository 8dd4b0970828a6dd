"""Strings in databases, dialplans, and files: what was once written can always be read."""

from enum import Enum
from pathlib import Path

import pytest

from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.events import Refusal, TransferResult
from paperless_ivr.flow.host import (
    Disposition,
    Handback,
    Intent,
    Moment,
    Reason,
    Registration,
    Sent,
)
from paperless_ivr.flow.host_strings import (
    ARRIVAL_NAMES,
    FROM_HOST,
    OUTCOME_NAMES,
    arrival_from_strings,
    handback_from_strings,
    handback_to_strings,
)
from paperless_ivr.gateways.agi.host import HANDED_OVER, PREFIX
from paperless_ivr.records.port import ActivityType, Task

pytestmark = pytest.mark.requirement("R18", "R30")

WRITTEN: dict[type[Enum], str] = {
    Moment: "start before_payment after_payment",
    Intent: "enrol back_to_paper",
    Disposition: (
        "enrolled link_sent deferred declined ignored left not_offered ineligible "
        "already_paperless pending not_identified no_contact incomplete unavailable failed "
        "opted_out opt_out_requested transferred abandoned taken_back"
    ),
    Reason: (
        "none caller_hung_up host_cancelled server_stopped caller_asked tries_used_up "
        "payment_not_approved moment_not_offered asked_lately type_not_eligible "
        "opt_out_not_by_phone account_not_found limit_reached service_down service_refused "
        "outcome_unknown no_operation busy record_down call_lost other_edition no_address_left"
    ),
    Registration: "none pending active kept unknown link paper",
    Sent: "not_asked declined done refused unavailable unknown",
    Purpose: "enrol text autopay back_to_paper",
    Task: "settle complete follow",
    TransferResult: "answered busy no_answer failed unknown",
    Refusal: "already_paperless pending bad_email bad_phone limit other",
    ActivityType: (
        "arrived offered answered last_four_missed matched unanswered limited consented sent "
        "settled kept opened ended retried completed cancelled superseded expired exported given_up"
    ),
}
"""Everything that was ever written, by what it is read as. Add to it, but remove nothing."""

IDENTITIES = ("none", "caller_id", "last_four_keyed", "account_keyed", "verified")

HANDED_OVER_ONCE = (
    "moment intent greeted person_available language account invoice invoice_type identity "
    "payment_guid payment_approved payment_email payment_account payment_invoice"
)
HANDED_BACK_ONCE = (
    "disposition reason call_id handover moment paid registration text autopay language account "
    "customer invoice identity greeted unused_keys consents failed offer_again outcomes"
)


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in WRITTEN.items() for text in texts.split()]
)
def test_what_was_written_is_read(kind: type[Enum], text: str) -> None:
    """Each stored string keeps its meaning, and is written the same way."""
    assert kind(text).value == text


@pytest.mark.parametrize("kind", WRITTEN)
def test_each_string_is_listed(kind: type[Enum]) -> None:
    """A new string is listed when it is first written, and has one meaning only."""
    assert {member.value for member in kind} == set(WRITTEN[kind].split()), "list it in WRITTEN"
    assert len(kind) == len(kind.__members__), f"two names of {kind.__name__} have the same value"


@pytest.mark.parametrize("identity", IDENTITIES)
def test_identities(identity: str) -> None:
    """A host gives the identity by name."""
    told = {"call_id": "1", "biller": "b", "identity": identity}
    assert arrival_from_strings(told).identity.name.lower() == identity


def test_the_contract_lists_each_disposition() -> None:
    """The docs list every way in which a call may come back, for people who write a host."""
    page = Path(__file__).parents[1] / "docs" / "host-contract.md"
    contract = page.read_text(encoding="utf-8")
    missing = [each.value for each in Disposition if f"`{each.value}`" not in contract]
    assert missing == [], "add it to docs/host-contract.md"


def test_names_that_hosts_use() -> None:
    """Names that hosts once handed over, or looked for in a hand-back, stay the same."""
    assert set(HANDED_OVER_ONCE.split()) <= set(FROM_HOST) <= set(ARRIVAL_NAMES)
    assert {"call_id", "biller", "ani", "ani_withheld", "dnis", "person"} <= set(HANDED_OVER)
    assert PREFIX == "PAPERLESS_"
    assert set(HANDED_BACK_ONCE.split()) <= set(handback_to_strings(Handback(Disposition.DECLINED)))
    assert {"type", "registration", "consent", "account", "customer"} <= set(OUTCOME_NAMES)


def test_a_hand_back_may_have_less() -> None:
    """A hand-back from an earlier version, without later names, can be read."""
    told = {"disposition": "enrolled", "registration": "pending"}
    assert handback_from_strings(told) == Handback(
        Disposition.ENROLLED, registration=Registration.PENDING
    )
