"""Connections from TOML: their content, and everything that is wrong with one at once."""

from pathlib import Path

import pytest

from paperless_ivr.backends.connection import Connection, load_connection
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.secret import credential

WHOLE = """
[service]
address = "https://billing.example/CloudIVR.asmx"
wsdl = "Biller.wsdl"
soap = "1.2"
biller_guid = "biller"
partner_guid = "partner"
partner_key_env = "THE_KEY"
leave_out = ["SendWebLink"]

[request.every]
BillerGUID = "Req.BillerGUID"
[request.EnrollInPaperless]
PaymentGUID = "Req.PaymentID"

[answer.SearchByAccountNumber]
Paperless = "not PaperInvoices"

[fixed.every]
Channel = "IVR"

[codes.every]
7 = "pending"
[codes.EnrollInPaperless]
7 = "already_paperless"
"""
KEY = {"THE_KEY": " s3cr3t\n"}


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Connection:
    """Return the connection of a file in a folder."""
    file = folder / "connection.toml"
    file.write_text(text, encoding="utf-8")
    return load_connection(file, KEY if environ is None else environ)


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    """Return what is wrong with a file."""
    with pytest.raises(ConnectionProblems) as caught:
        load(folder, text, environ)
    return caught.value.problems


def test_whole(tmp_path: Path) -> None:
    """Every setting in a file takes effect. An operation's own table overrides `every`."""
    connection = load(tmp_path, WHOLE)

    assert connection.partner_key == credential("s3cr3t")
    assert connection.wsdl == str(tmp_path / "Biller.wsdl")
    assert (connection.soap, connection.leave_out) == ("1.2", ("SendWebLink",))
    assert connection.asked("EnrollInPaperless", "PaymentGUID") == "Req.PaymentID"
    assert connection.asked("EnrollInPaperless", "BillerGUID") == "Req.BillerGUID"
    assert connection.asked("InvoiceExists", "InvoiceNumber") == "InvoiceNumber"
    assert connection.answered("SearchByAccountNumber", "Paperless") == "not PaperInvoices"
    assert connection.answered("SearchByAccountNumber", "Phone") is None
    assert connection.beside("InvoiceExists") == {"Channel": "IVR"}
    assert connection.meaning("EnrollInPaperless", "7") == "already_paperless"
    assert connection.meaning("SendWebLink", "7") == "pending"
    assert connection.meaning("SendWebLink", "8") is None


def test_key_from_a_file(tmp_path: Path) -> None:
    """The partner key may be in a separate file. It is never shown."""
    (tmp_path / "key").write_text("s3cr3t\n", encoding="utf-8")
    text = WHOLE.replace('partner_key_env = "THE_KEY"', 'partner_key_file = "key"')

    connection = load(tmp_path, text, {})

    assert connection.partner_key == credential("s3cr3t")
    assert "s3cr3t" not in f"{connection!r} {connection}"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8090/", "http://localhost/", "http://[::1]/"]
)
def test_this_machine_needs_no_tls(tmp_path: Path, address: str) -> None:
    """Requests may go without TLS only on this machine."""
    text = WHOLE.replace("https://billing.example/CloudIVR.asmx", address)

    assert load(tmp_path, text).address == address


@pytest.mark.parametrize(
    "address", ["http://billing.example/", "ftp://127.0.0.1/", "billing.example", "", "https://"]
)
def test_elsewhere_needs_tls(tmp_path: Path, address: str) -> None:
    """Anywhere else, the partner key could be read along the way."""
    text = WHOLE.replace("https://billing.example/CloudIVR.asmx", address)

    (problem,) = problems(tmp_path, text)

    assert problem.startswith("service.address: must begin with https://")


def test_no_password_in_an_address(tmp_path: Path) -> None:
    """A password in an address would be shown in errors, so it is refused, and not shown."""
    text = WHOLE.replace("https://billing", "https://me:s3cr3t@billing")

    (problem,) = problems(tmp_path, text)

    assert problem.startswith("service.address: has a user name or password")


def test_every_problem_at_once(tmp_path: Path) -> None:
    """Everything invalid in a connection is reported together, with its place."""
    text = (
        WHOLE.replace("https://billing", "http://billing")
        .replace('"1.2"', '"2.0"\ncircuit_failures = 0\ncircuit_seconds = 0')
        .replace('biller_guid = "biller"', 'biller_guid = " "')
        .replace("[request.EnrollInPaperless]", "[request.Enroll]")
        .replace('7 = "pending"', '7 = "wait"')
        .replace('["SendWebLink"]', '["SendLink"]')
    )

    found = problems(tmp_path, text, {})

    places = [problem.partition(":")[0] for problem in found]
    assert places == [
        "service.partner_key_env",
        "service.address",
        "service.biller_guid",
        "service.soap",
        "service.circuit_failures",
        "service.circuit_seconds",
        "service.leave_out",
        "request",
        "codes.every.7",
    ]


def test_wrong_form(tmp_path: Path) -> None:
    """Values of the wrong type, and unknown and missing names, are reported with their places."""
    text = '[service]\naddress = 5\nsopa = "1.1"\n[request.every]\nA = 1\n[extra]\n'

    found = "\n".join(problems(tmp_path, text))

    for place in ("service.address", "service.biller_guid", "sopa", "request['every']['A']"):
        assert place in found
    assert "extra" in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("service = [", "not TOML"),
        (WHOLE.replace('partner_key_env = "THE_KEY"', ""), "set exactly one of"),
        (WHOLE.replace("leave_out", 'partner_key_file = "key"\nleave_out'), "set exactly one of"),
        (WHOLE.replace('_env = "THE_KEY"', '_file = "nowhere"'), "cannot be read"),
    ],
)
def test_unusable(tmp_path: Path, text: str, says: str) -> None:
    """An unreadable file is reported, with what to do."""
    assert says in "\n".join(problems(tmp_path, text))


def test_no_file(tmp_path: Path) -> None:
    """A missing file is a problem, not a traceback."""
    with pytest.raises(ConnectionProblems, match="cannot be read"):
        load_connection(tmp_path / "nowhere.toml")
