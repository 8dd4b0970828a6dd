"""What a dialplan hands over and gets back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.flow.host import (
    Arrival,
    Disposition,
    Handback,
    Identity,
    Intent,
    Moment,
    Outcome,
    Payment,
    Registration,
)
from paperless_ivr.gateways.agi.host import (
    HANDED_OVER,
    HostProblems,
    arguments,
    given_back,
    handed_over,
)
from paperless_ivr.gateways.agi.lines import Headers, Reader
from tests.gateways.agi.recorded import of

pytestmark = pytest.mark.requirement("R02", "R18", "R41")
HEADERS = {"agi_uniqueid": "1795386573.1", "agi_callerid": "2175550101", "agi_dnid": "8005550100"}


def arrival(headers: dict[str, str] | None = None, **given: str) -> Arrival:
    """What arrives with these values."""
    return handed_over(headers or HEADERS, given, "springfield-water", "").arrival


def headers_of(number: str) -> list[dict[str, str]]:
    """The headers of a recording, in every version."""
    heads = [next(iter(Reader().feed(recording.sent))) for recording in of(number)]
    return [head.values for head in heads if isinstance(head, Headers)]


def test_a_plain_line_is_a_call() -> None:
    """Nothing but AGI(agi://host/) hands over the start of a call."""
    assert arrival() == Arrival(
        "1795386573.1",
        "springfield-water",
        Moment.START,
        ani=secret.phone("+12175550101"),
        dnis="8005550100",
    )


def test_everything_can_be_handed_over() -> None:
    """Each field of an arrival has a name in the dialplan."""
    told = handed_over(
        HEADERS,
        {
            "call_id": "c1",
            "biller": "acme",
            "moment": "after_payment",
            "intent": "back_to_paper",
            "ani": "+12175550102",
            "dnis": "18005550100",
            "greeted": "yes",
            "person_available": "no",
            "person": "PJSIP/agents",
            "language": "es-US",
            "account": "20481137",
            "invoice": "77",
            "invoice_type": "WATER",
            "identity": "verified",
            "payment_guid": "guid",
            "payment_approved": "TRUE",
            "payment_email": "a@example.com",
            "payment_account": "1",
            "payment_invoice": "2",
        },
        "springfield-water",
        "",
    )
    assert told.person == "PJSIP/agents"
    assert told.arrival == Arrival(
        "c1",
        "acme",
        Moment.AFTER_PAYMENT,
        Intent.BACK_TO_PAPER,
        secret.phone("+12175550102"),
        "18005550100",
        greeted=True,
        person_available=False,
        language="es-US",
        account=secret.account("20481137"),
        invoice=secret.invoice("77"),
        invoice_type="WATER",
        identity=Identity.VERIFIED,
        payment=Payment(
            secret.payment("guid"),
            True,
            secret.email("a@example.com"),
            secret.account("1"),
            secret.invoice("2"),
        ),
    )


def test_a_person_who_can_be_dialled_is_available() -> None:
    """Where the dialplan does not say, a person is available if there is a number to dial."""
    assert handed_over(HEADERS, {}, "b", "PJSIP/agents").arrival.person_available
    assert not arrival().person_available


@pytest.mark.parametrize("number", ["03", "03b"])
def test_no_number_is_no_number(number: str) -> None:
    """`anonymous` and `unknown` are nobody's number."""
    for headers in headers_of(number):
        assert arrival(headers).ani is None


@pytest.mark.parametrize(
    ("callerid", "ani"),
    [
        ("2175550101", "+12175550101"),
        ("12175550101", "+12175550101"),
        ("+442079460000", "+442079460000"),
        ("(217) 555-0101", "+12175550101"),
        ("5550100", None),
        ("201", None),
        ("", None),
        ("Restricted", None),
    ],
)
def test_numbers_are_whole_or_none(callerid: str, ani: str | None) -> None:
    """A number that is not whole finds nobody, and is not handed on."""
    got = arrival({**HEADERS, "agi_callerid": callerid}).ani
    assert (got and got.reveal()) == ani


def test_arguments_by_name() -> None:
    """Arguments are names and values; empty ones are left out, equals signs in a value stay."""
    headers = {"agi_arg_1": "moment=before_payment", "agi_arg_2": "", "agi_arg_3": "account=a=b"}
    assert arguments(headers) == {"moment": "before_payment", "account": "a=b"}


def test_every_wrong_argument_is_told() -> None:
    """Arguments of a real call that have no names are all told, and none of them is shown."""
    for headers in headers_of("01"):
        with pytest.raises(HostProblems) as told:
            arguments(headers)
        assert len(told.value.problems) == 2
        assert "two words" not in str(told.value)


def test_every_wrong_value_is_told() -> None:
    """All that means nothing is told at once, and not shown."""
    wrong = {
        "moment": "20481137",
        "identity": "20481137",
        "greeted": "20481137",
        "payment_approved": "20481137",
        "intent": "20481137",
        "person_available": "20481137",
    }
    with pytest.raises(HostProblems) as told:
        handed_over(HEADERS, wrong, "b", "")
    assert {problem.partition(":")[0] for problem in told.value.problems} == wrong.keys()
    assert "20481137" not in str(told.value)


@given(st.dictionaries(st.sampled_from(HANDED_OVER), st.text(max_size=20)))
def test_any_values_are_a_call_or_a_problem(given_values: dict[str, str]) -> None:
    """Whatever a dialplan sets, it is a call, or it is told."""
    try:
        handed_over(HEADERS, given_values, "b", "")
    except HostProblems:
        return


@pytest.mark.requirement("R01")
def test_everything_is_given_back() -> None:
    """Each field of a handback is a variable, and each outcome has its own."""
    outcome = Outcome(
        secret.customer("7"), secret.account("8"), "WATER", Registration.PENDING, "call.1"
    )
    got = dict(
        given_back(
            Handback(
                Disposition.IGNORED,
                unused_keys=secret.keys("2"),
                identity=Identity.VERIFIED,
                greeted=True,
                outcomes=(outcome,),
                consents=("call.1", "call.2"),
            )
        )
    )
    assert got == {
        "DISPOSITION": "ignored",
        "REASON": "none",
        "REGISTRATION": "none",
        "TEXT": "not_asked",
        "AUTOPAY": "not_asked",
        "LANGUAGE": "",
        "ACCOUNT": "",
        "CUSTOMER": "",
        "INVOICE": "",
        "IDENTITY": "verified",
        "GREETED": "yes",
        "UNUSED_KEYS": "2",
        "CONSENTS": "call.1,call.2",
        "OUTCOMES": "1",
        "OUTCOME_1_TYPE": "WATER",
        "OUTCOME_1_REGISTRATION": "pending",
        "OUTCOME_1_CONSENT": "call.1",
        "OUTCOME_1_ACCOUNT": "8",
        "OUTCOME_1_CUSTOMER": "7",
    }
