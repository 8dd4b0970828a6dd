"""Checks from the command line: a policy, a WSDL, a connection."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from paperless_ivr.backends import demo
from paperless_ivr.backends.connection import load_connection
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.backends.soap.survey import WITHOUT
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.cloudivr import WSDL
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.requests import OPERATIONS
from tests.backends import wsdls
from tests.backends.canned import Said, canned
from tests.backends.speaking import SERVICES, speaking
from tests.cli.connections import connected

Run = Callable[..., Any]
SERVICES_FOLDER = Path(__file__).parents[1] / "backends/services"
POLICIES = Path(__file__).parents[2] / "examples/policies"


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.toml")), ids=lambda f: f.stem)
def test_policies_in_plain_words(run: Run, file: Path) -> None:
    """The meaning of a policy is reported in sentences."""
    done = run("check", "--policy", str(file))

    assert done.exit_code == 0
    _, *sentences = done.stdout.splitlines()
    assert len(sentences) >= 10
    assert all(line.endswith(".") for line in sentences)


def test_wrong_policy(run: Run, tmp_path: Path) -> None:
    """A policy that cannot be used is reported in full, with status 2."""
    file = tmp_path / "policy.toml"
    file.write_text('[offer]\nmoments = ["begin"]\n[tries]\nsilence = 9\n', encoding="utf-8")

    done = run("check", "--policy", str(file))

    assert done.exit_code == 2
    assert "offer.moments" in done.stderr
    assert "tries.silence" in done.stderr


@pytest.mark.requirement("R19", "R47")
def test_settings_that_contradict_one_another(run: Run, tmp_path: Path) -> None:
    """All contradictions are reported at once, with what to change."""
    file = tmp_path / "policy.toml"
    file.write_text(
        """
        [account]
        forms = ["####", "################"]
        check_digit = "luhn"
        [proof]
        account_keys = [4, 8]
        [limits]
        tries_per_account = [6, 5]
        tries_without_ani = [2, 20]
        texts_per_biller = [2, 9]
        """,
        encoding="utf-8",
    )

    done = run("check", "--policy", str(file))

    assert done.exit_code == 2
    told = [line.strip("- ").partition(":")[0] for line in done.stderr.splitlines()[1:]]
    assert told == [
        "proof.account_keys",
        "account.forms",
        "account.forms",
        "limits.tries_per_account",
        "limits.tries_without_ani",
        *["limits.texts_per_biller"] * 3,
    ]
    assert "set account.may_look_like_card = true" in done.stderr


@pytest.mark.requirement("R05", "R20")
def test_whole_contract(run: Run) -> None:
    """The reference contract has all seven operations, in both SOAP versions."""
    done = run("check", "--wsdl", str(WSDL))

    assert done.exit_code == 0
    assert "SOAP 1.1 and 1.2" in done.stdout
    told = dict(line.split() for line in done.stdout.splitlines() if line.startswith("  "))
    assert told == dict.fromkeys(OPERATIONS, "complete")


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_lacking(run: Run, tmp_path: Path, operation: str) -> None:
    """Missing operations are named, along with what happens instead."""
    done = run("check", "--wsdl", wsdls.put(tmp_path, wsdls.without(operation)))

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.split()[:1] == [operation])
    assert lines[at].split() == [operation, "missing"]
    assert lines[at + 1].strip() == f"instead: {WITHOUT[operation]}"


def test_renamed(run: Run, tmp_path: Path) -> None:
    """Needed fields with other names are reported, with how to map them, and status 1."""
    text = wsdls.renamed(AccountNumber="AcctNumber", PaymentGUID="PaymentID")

    done = run("check", "--wsdl", wsdls.put(tmp_path, text))

    assert done.exit_code == 1
    assert "EnrollInPaperless             unusable" in done.stdout
    assert "does not take AccountNumber (it has AcctNumber" in done.stdout
    assert "say under [request.SearchByAccountNumber]" in done.stdout
    assert "SendWebLink                   complete" in done.stdout


def test_differing(run: Run, tmp_path: Path) -> None:
    """Missing fields that are merely useful are reported, too, and do no harm."""
    done = run("check", "--wsdl", wsdls.put(tmp_path, wsdls.renamed(IdempotencyKey="Key")))

    assert done.exit_code == 0
    assert "StoreCustomerPreference       differs" in done.stdout
    assert "does not take IdempotencyKey; works without it" in done.stdout


@pytest.mark.parametrize(("http", "status"), [(404, 2), (503, 1), (None, 1)])
def test_a_wsdl_that_is_away(run: Run, http: int | None, status: int) -> None:
    """If the service is down, the status is 1, so that a process manager restarts a server."""
    with canned(lambda _: Said(b"", http or 200)) as server:
        url = f"{server.url}?WSDL"
        done = run("check", "--wsdl", url) if http else None
    done = done or run("check", "--wsdl", url)  # no one listens there anymore

    assert done.exit_code == status
    assert f"no WSDL at {url}: " in done.stderr


def test_a_page_is_no_wsdl(run: Run) -> None:
    """A URL that returns HTML is reported as that, with status 2."""
    page = Said(b"<!DOCTYPE html><html><body>Welcome</body></html>", content_type="text/html")
    with canned(lambda _: page) as server:
        done = run("check", "--wsdl", f"{server.url}?WSDL")

    assert done.exit_code == 2
    assert "the server returned a web page" in done.stderr


def test_policy_and_service_together(run: Run, tmp_path: Path) -> None:
    """A policy that needs what the service lacks is reported, with status 1."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[address]\nstrategies = ["text_link"]\n', encoding="utf-8")
    wsdl = wsdls.put(tmp_path, wsdls.without("SendWebLink"))

    assert run("check", "--policy", str(policy), "--wsdl", wsdl).exit_code == 1
    assert run("check", "--policy", str(policy), "--wsdl", str(WSDL)).exit_code == 0


def test_the_example(run: Run) -> None:
    """The connection that ships as an example is right, including its partner and its biller."""
    file = POLICIES.parent / "connections/reference.toml"
    key = demo_connection("http://127.0.0.1/").partner_key.reveal()

    done = run("check", "--offline", "--connection", str(file), DEMO_PARTNER_KEY=key)
    shipped = load_connection(file, {"DEMO_PARTNER_KEY": key})

    assert done.exit_code == 0
    assert demo_connection(shipped.address) == shipped


def test_nobody_can_be_found(run: Run, tmp_path: Path) -> None:
    """A service that can neither find a caller nor enroll by a payment is useless: status 1."""
    lacking = ["SearchByAccountNumber", "SearchByCustomerPhoneNumber", "EnrollInPaperless"]
    file = connected(tmp_path, "https://x.example", leave_out=lacking)

    done = run("check", "--offline", "--connection", str(file))

    assert done.exit_code == 1
    assert "no caller can be served" in done.stdout


@pytest.mark.requirement("R20")
def test_connection_works(run: Run, tmp_path: Path) -> None:
    """Both SOAP versions are tried with the service itself."""
    with running() as service:
        done = run("check", "--connection", str(connected(tmp_path, service.endpoint)))

    assert done.exit_code == 0
    assert "SOAP 1.1 (the one in use): works: SearchByAccountNumber was answered" in done.stdout
    assert "SOAP 1.2: works: SearchByAccountNumber was answered" in done.stdout


def test_wsdl_of_the_service_itself(run: Run, tmp_path: Path) -> None:
    """The WSDL may come from the service."""
    with running() as service:
        file = connected(tmp_path, service.endpoint, wsdl=service.wsdl_url, soap="1.2")
        done = run("check", "--connection", str(file))

    assert done.exit_code == 0
    assert "SOAP 1.2 (the one in use): works" in done.stdout


@pytest.mark.requirement("R24")
def test_connection_refused_and_wrong_key(run: Run, tmp_path: Path) -> None:
    """If a connection does not work, the reason is given, with status 1. The key never appears."""
    with running() as service:
        file = connected(tmp_path, service.endpoint)
        (tmp_path / "key").write_text("a-wrong-key", encoding="utf-8")
        wrong = run("check", "--connection", str(file))
    gone = run("check", "--connection", str(file))

    assert (wrong.exit_code, gone.exit_code) == (1, 1)
    assert "was refused with error code 100" in wrong.stdout
    assert "connection refused" in gone.stdout
    assert "a-wrong-key" not in f"{wrong.output} {gone.output}"


def test_offline(run: Run, tmp_path: Path) -> None:
    """Without a network, everything else is still checked."""
    done = run("check", "--offline", "--connection", str(connected(tmp_path, "https://x.example")))

    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "connection: not tried"


@pytest.mark.parametrize(
    "arguments", [[], ["--wsdl", "a.wsdl", "--connection", "b.toml"]], ids=["none", "both"]
)
def test_usage(run: Run, arguments: list[str]) -> None:
    """The thing to check must be given, and only once."""
    assert run("check", *arguments).exit_code == 2


@pytest.mark.requirement("R20", "R24")
def test_a_real_answer_is_read(run: Run, tmp_path: Path) -> None:
    """With a test account, the fields that could be read are shown, but never their content."""
    rivera = demo.customer("rivera")
    with running() as service:
        file = str(connected(tmp_path, service.endpoint))
        done = run("check", "--connection", file, "--test-account", rivera.account.reveal())
        nobody = run("check", "--connection", file, "--test-account", "99999999")

    assert done.exit_code == 0
    assert "test account: SearchByAccountNumber found 1 customer" in done.stdout
    assert "a customer with name, e-mail address, phone on file" in done.stdout
    assert "a bill of type WATER: on paper; amount read, due date read" in done.stdout
    for value in (rivera.account, rivera.email, rivera.phone, rivera.name):
        assert value is not None
        assert value.reveal() not in done.stdout
    assert nobody.exit_code == 1
    assert "test account: SearchByAccountNumber found no one" in nobody.stdout


@pytest.mark.requirement("R47")
@pytest.mark.parametrize(
    ("form", "says"),
    [
        (
            None,
            "callers cannot key it under this policy: describe your account numbers in",
        ),
        ("?#######", "a caller presses 9 keys to enter it"),
        ("A#######", "a caller presses 7 keys to enter it"),
    ],
)
def test_whether_an_account_number_can_be_keyed(
    run: Run, tmp_path: Path, form: str | None, says: str
) -> None:
    """A letter in an account number needs a form, and the check says so."""
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[account]\nforms = ["{form}"]\n' if form else "")
    with running() as service:
        file = str(connected(tmp_path, service.endpoint))
        arguments = ["--connection", file, "--policy", str(policy)]
        done = run("check", *arguments, "--test-account", "A1204455")

    assert says in done.stdout
    assert "A1204455" not in done.stdout


@pytest.mark.requirement("R47", "R19")
def test_account_settings_that_contradict(run: Run, tmp_path: Path) -> None:
    """Everything that is wrong with the account settings is reported at once."""
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[account]\nforms = ["###", "?#######", "#########", "a####"]\n'
        'add_leading_zeros = true\nmay_look_like_card = true\ndropped = ["--"]\n'
    )
    done = run("check", "--policy", str(policy))

    assert done.exit_code == 2
    for says in (
        '"###": must have at least 4 digits (#)',
        '"?#######" and "#########" both take 9 keys',
        '"a####": use only capital letters, digits, and symbols',
        "account.add_leading_zeros: needs exactly one form",
        "account.may_look_like_card: account numbers never take as many keys as a card number",
        'account.dropped: "--" is not a single symbol',
    ):
        assert says in done.stderr


def test_a_field_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    """A real answer shows what the WSDL hides: a date as text in an unannounced form."""
    answers = {**SERVICES["text_money"]}
    with speaking("text_money", answers) as service:
        text = (SERVICES_FOLDER / "text_money.toml").read_text(encoding="utf-8")
        text = text.replace("MM/DD/YYYY", "DD/MM/YYYY").replace(
            "http://127.0.0.1:9/CloudIVR", service.url
        )
        file = tmp_path / "biller.toml"
        file.write_text(
            text.replace("text_money.wsdl", str(SERVICES_FOLDER / "text_money.wsdl")),
            encoding="utf-8",
        )
        done = run("check", "--connection", str(file), PARTNER_KEY="k",
                   PAPERLESS_IVR_TEST_ACCOUNT="20481137")  # fmt: skip

    assert done.exit_code == 0
    assert "could not be read and count as missing: InvoiceDueDate" in done.stdout


@pytest.mark.parametrize(
    ("binding", "says"),
    [(None, "choose one of these bindings"), ("Nobody", "has no 'Nobody'"), ("OldSoap", "")],
)
def test_two_services_in_one_wsdl(tmp_path: Path, binding: str | None, says: str) -> None:
    """If two services have our operations, the connection says which one is meant."""
    wsdl = wsdls.put(tmp_path, wsdls.two_services())
    connection = evolve(demo_connection("http://127.0.0.1:9/"), wsdl=wsdl, binding=binding)

    if says:
        with pytest.raises(ConnectionProblems, match=says):
            SoapBackend(connection)
    else:
        assert SoapBackend(connection).operations == OPERATIONS
