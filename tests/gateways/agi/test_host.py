"""The hand-over from a dialplan, and the hand-back to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.errors import HostProblems
from paperless_ivr.flow.host import (
    Arrival,
    Disposition,
    Handback,
    Identity,
    Intent,
    Moment,
    Payment,
)
from paperless_ivr.flow.host_strings import handback_to_strings
from paperless_ivr.gateways.agi.host import (
    HANDED_OVER,
    arguments,
    cleared,
    handed_over,
    read,
    setting,
)
from paperless_ivr.gateways.agi.lines import LONGEST_COMMAND, Headers, Reader
from tests.gateways.agi.recorded import of
from tests.gateways.agi.simulator import Asterisk

pytestmark = pytest.mark.requirement("R02", "R18", "R41")
HEADERS = {"agi_uniqueid": "1795386573.1", "agi_callerid": "2175550101", "agi_dnid": "8005550100"}


def arrival(headers: dict[str, str] | None = None, **given: str) -> Arrival:
    """Return the arrival for these values."""
    return handed_over(headers or HEADERS, given, "springfield-water", "").arrival


def headers_of(number: str) -> list[dict[str, str]]:
    """Return the headers of a recording, in every version."""
    heads = [next(iter(Reader().feed(recording.sent))) for recording in of(number)]
    return [head.values for head in heads if isinstance(head, Headers)]


def test_a_plain_line_is_a_call() -> None:
    """Just AGI(agi://host/) hands over the start of a call."""
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
            "ani_withheld": "no",
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
    """If the dialplan does not say, a person is available if there is a number to dial."""
    assert handed_over(HEADERS, {}, "b", "PJSIP/agents").arrival.person_available
    assert not arrival().person_available


@pytest.mark.parametrize("number", ["03", "03b"])
def test_no_number_is_no_number(number: str) -> None:
    """`anonymous` and `unknown` are no one's number."""
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
        ("0000000000", None),
        ("9999999999", None),
        ("+266696687", None),
        ("7378742833", None),
        ("+10000000000", None),
        ("user-12345-67890", None),
        ("+12125550123;ext=5", "+12125550123"),
        ("sip:+12125550123@host:5060", "+12125550123"),
    ],
)
def test_numbers_are_whole_or_none(callerid: str, ani: str | None) -> None:
    """An incomplete number finds no one, and is not passed on."""
    got = arrival({**HEADERS, "agi_callerid": callerid}).ani
    assert (got and got.reveal()) == ani


@pytest.mark.requirement("R47")
@pytest.mark.parametrize(
    ("presentation", "withheld"),
    [
        ("0", False),
        ("3", False),
        ("32", True),
        ("35", True),
        ("64", True),
        ("67", True),
        ("", False),
    ],
)
def test_a_number_that_is_not_to_be_shown(presentation: str, withheld: bool) -> None:
    """`agi_callingpres` says that the caller withholds the number. The dialplan can override it."""
    headers = {**HEADERS, "agi_callingpres": presentation}
    assert arrival(headers).ani_withheld is withheld
    assert not arrival(headers, ani_withheld="no").ani_withheld
    assert arrival(ani_withheld="yes").ani_withheld


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("presentation", ["2", "34", "66"])
def test_a_number_that_failed_screening_is_nobodys(presentation: str) -> None:
    """The network says that the number is not the caller's."""
    assert arrival({**HEADERS, "agi_callingpres": presentation}).ani is None


def test_arguments_by_name() -> None:
    """Arguments are names and values. Empty ones are left out; equals signs in a value stay."""
    headers = {"agi_arg_1": "moment=before_payment", "agi_arg_2": "", "agi_arg_3": "account=a=b"}
    assert arguments(headers) == {"moment": "before_payment", "account": "a=b"}


def test_every_wrong_argument_is_told() -> None:
    """All arguments of a real call without names are reported, and none of them is shown."""
    for headers in headers_of("01"):
        with pytest.raises(HostProblems) as told:
            arguments(headers)
        assert len(told.value.problems) == 2
        assert "two words" not in str(told.value)


def test_every_wrong_value_is_told() -> None:
    """Everything meaningless is reported at once, and not shown."""
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
    """Whatever a dialplan sets is a call, or is reported."""
    try:
        handed_over(HEADERS, given_values, "b", "")
    except HostProblems:
        return


# ── commands ──


def unpacked(command: str) -> dict[str, str]:
    """Return what a simulated Asterisk sets."""
    asterisk = Asterisk()
    assert asterisk.answer(command) == "200 result=0"
    return asterisk.variables


@pytest.mark.requirement("R01")
@given(
    st.dictionaries(
        st.sampled_from([f"name_{n}" for n in range(60)]),
        st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200),
    )
)
def test_many_variables_in_few_commands(values: dict[str, str]) -> None:
    """Whatever the variables contain, all are set, in lines that every Asterisk accepts."""
    commands = list(setting(values))
    found: dict[str, str] = {}
    for command in commands:
        assert len(command.encode()) <= LONGEST_COMMAND
        found |= unpacked(command)
    assert found == {f"PAPERLESS_{name.upper()}": value for name, value in values.items()}


def test_a_hand_back_is_one_command() -> None:
    """Since each command is a round trip, a hand-back takes one, and one more per outcome."""
    back = Handback(Disposition.ENROLLED, consents=("1795386573.1-ab12cd34.1",))
    assert len(list(setting(cleared("") | handback_to_strings(back)))) == 1


def test_what_an_earlier_call_left_is_cleared() -> None:
    """The outcomes and error of an earlier hand-over do not remain for the next one."""
    assert cleared("0") == cleared("") == cleared("20481137") == {"error": ""}
    assert len(cleared("2")) == 1 + 2 * 5
    assert cleared("2")["outcome_2_consent"] == ""


def test_values_that_run_together_are_read_one_by_one() -> None:
    """A value that contains the separator makes the reply ambiguous, so nothing is guessed."""
    assert read(("account", "invoice"), "1|2") == {"account": "1", "invoice": "2"}
    assert read(("account", "invoice"), "1|2|3") is None
    assert read(("account", "invoice"), None) is None
    assert read(("account",), "1\n2") is None
