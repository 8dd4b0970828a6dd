"""The running service: on a port, called with zeep, and stopped when the block ends."""

import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import zeep

from paperless_ivr.cloudivr.serving import Service, running
from tests.cloudivr.benches import Clock, ask, customer, guid, number

PORTS = ["CloudIVRSoap", "CloudIVRSoap12"]


@pytest.fixture
def service() -> Iterator[Service]:
    """A running service."""
    with running() as service:
        yield service


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """The session for requests."""
    with requests.Session() as session:
        yield session


def port(service: Service, session: requests.Session, name: str) -> Any:
    """The operations, through zeep."""
    client = zeep.Client(service.wsdl_url, transport=zeep.Transport(session=session))
    return client.bind("CloudIVR", name)


@pytest.mark.requirement("R20", "R22")
@pytest.mark.parametrize("name", PORTS)
def test_every_operation(service: Service, session: requests.Session, name: str) -> None:
    """Zeep reads the WSDL and calls all seven operations, in either version."""
    ivr = port(service, session, name)
    bill = {"CustomerID": number("rivera"), "InvoiceType": "WATER"}

    found = ivr.SearchByAccountNumber(**ask(), AccountNumber="20492341")
    by_phone = ivr.SearchByCustomerPhoneNumber(**ask(), PhoneNumber="6185550112")
    exists = ivr.InvoiceExists(**ask(), AccountNumber="20481137", InvoiceNumber="8113701")
    wish = ivr.StoreCustomerPreference(
        **ask(), **bill, Paperless=True, EmailAddress="typed.here@example.com"
    )
    text = ivr.SendWebLink(**ask(), **bill, PhoneNumber="2175550180", Purpose="review")
    autopay = ivr.StoreCustomerPaymentMethodV2(**ask(), **bill, PaymentGUID=guid("rivera"))
    enrolled = ivr.EnrollInPaperless({"PaymentGUID": guid("chen"), **ask()})

    assert found.Customers == by_phone.Customers
    (tanaka,) = found.Customers.Customer
    (invoice,) = tanaka.Invoices.Invoice
    assert (tanaka.CustomerName, tanaka.CustomerID) == ("Yuki Tanaka", number("tanaka"))
    assert (str(invoice.BalanceDue), str(invoice.InvoiceDueDate)) == (
        "46.75",
        "2026-12-15 00:00:00",
    )
    assert (invoice.Paperless, invoice.PaperlessPending) == (None, False)
    assert exists.Exists
    assert [a.Success for a in (wish, text, autopay)] == [True] * 3
    assert enrolled.EnrollmentSuccessful
    assert [email.to.reveal() for email in service.outbox().emails] == [
        "typed.here@example.com",
        "lily.at.work@example.com",
    ]


@pytest.mark.parametrize(("name", "code"), [(PORTS[0], "soap:Client"), (PORTS[1], "soap:Sender")])
def test_fault(service: Service, session: requests.Session, name: str, code: str) -> None:
    """Zeep reads the faults of both versions."""
    with pytest.raises(zeep.exceptions.Fault, match="CustomerID has a value") as fault:
        port(service, session, name).SendWebLink(**ask(), CustomerID="x")

    assert fault.value.code == code


@pytest.mark.requirement("R21", "R22")
def test_link_over_http(service: Service, session: requests.Session) -> None:
    """The e-mailed link works over HTTP, and turns pending into active."""
    ivr = port(service, session, PORTS[0])
    ivr.EnrollInPaperless({"PaymentGUID": guid("rivera"), **ask()})
    (email,) = service.outbox().emails
    assert service.registration(number("rivera"), "WATER") == "pending"

    assert session.get(email.link).status_code == 200
    assert session.post(email.link).status_code == 200

    assert service.registration(str(number("rivera")), "WATER") == "active"
    assert service.registration(number("chen"), "WATER") is None


@pytest.mark.requirement("R54")
def test_a_snapshot_puts_back_what_was_there(service: Service, session: requests.Session) -> None:
    """An enrollment since then, and its e-mail, are gone. The service continues."""
    ivr = port(service, session, PORTS[0])
    put_back = service.snapshot()
    for _ in range(2):
        ivr.EnrollInPaperless({"PaymentGUID": guid("rivera"), **ask()})
        assert service.registration(number("rivera"), "WATER") == "pending"
        put_back()
        assert service.registration(number("rivera"), "WATER") is None
        assert service.outbox().emails == ()


@pytest.mark.requirement("R31")
def test_once_of_many(service: Service) -> None:
    """Exactly one of many simultaneous requests enrolls."""

    def enroll(_: int) -> int:
        with requests.Session() as session:
            ivr = port(service, session, PORTS[0])
            return int(ivr.EnrollInPaperless({"PaymentGUID": guid("rivera"), **ask()}).ErrorCode)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(enroll, range(16))) == [0] + [401] * 15


@pytest.mark.requirement("R24")
def test_nothing_but_what_is_meant(service: Service, session: requests.Session) -> None:
    """The web side has the endpoint, links, and a health check, but no outbox or other method."""
    found = {path: session.get(service.url + path).status_code for path in PATHS}
    assert found == PATHS
    wrong = [session.request(m, service.endpoint) for m in ("PUT", "DELETE", "PATCH")]
    assert [(r.status_code, set(r.headers["Allow"].split(", "))) for r in wrong] == [
        (405, {"GET", "HEAD", "POST"})
    ] * 3
    assert session.get(f"{service.url}/health").text == "ok\n"
    assert "SendWebLink" in session.get(service.endpoint).text


PATHS = {
    "/health": 200,
    "/CloudIVR.asmx": 200,
    "/CloudIVR.asmx?WSDL": 200,
    "/": 404,
    "/outbox": 404,
    "/paperless": 404,
    "/cloudivr.db": 404,
    "/CloudIVR.asmx/EnrollInPaperless": 404,
}


def test_health_without_a_database(tmp_path: Path, session: requests.Session) -> None:
    """The health check says so if the service cannot reach its database."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with running(f"sqlite:///{folder}/x.db") as service:
        service.engine.dispose()
        shutil.rmtree(folder)
        assert session.get(f"{service.url}/health").status_code == 503


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_chunked_body(service: Service, session: requests.Session, size: int) -> None:
    """A body of unknown length is read, up to the limit."""
    chunks = (b"<" * 1000 for _ in range(size // 1000 + 1))
    answer = session.post(service.endpoint, data=chunks, headers={"Content-Type": "text/xml"})
    assert answer.status_code == (500 if size == 10 else 413)


def test_request_that_never_ends(service: Service, session: requests.Session) -> None:
    """A client that stops halfway holds up no one else."""
    host = urlsplit(service.url)
    with socket.create_connection((str(host.hostname), host.port or 0)) as stuck:
        stuck.sendall(b"POST /CloudIVR.asmx HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<a")
        assert session.get(f"{service.url}/health").status_code == 200


def test_it_stops() -> None:
    """After the block, the port is free, no thread is left, and the database is gone."""
    before = set(threading.enumerate())
    with running() as service:
        file = Path(str(service.engine.url.database))
        assert file.exists()
        requests.get(f"{service.url}/health", timeout=10)

    assert not file.parent.exists()
    assert set(threading.enumerate()) == before
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{service.url}/health", timeout=10)


def test_its_database_may_be_kept(tmp_path: Path, session: requests.Session) -> None:
    """With a separate database, earlier work is there in the next run."""
    url = f"sqlite:///{tmp_path}/kept.db"
    with running(url) as service:
        port(service, session, PORTS[0]).EnrollInPaperless({"PaymentGUID": guid("rivera"), **ask()})
    with running(url) as service:
        assert service.registration(number("rivera"), "WATER") == "pending"
        assert len(service.outbox().emails) == 1


def test_without_a_seed(session: requests.Session) -> None:
    """Without a seed, no one has access."""
    with running(seed=False) as service:
        answer = port(service, session, PORTS[0]).EnrollInPaperless(ask())
    assert answer.ErrorCode == 100


@pytest.mark.requirement("R22")
def test_settings(session: requests.Session) -> None:
    """The clock, the days of links, the daily limit, and the address of links can be set."""
    clock = Clock()
    with running(
        clock=clock, link_days=1, daily_messages=1, public_url="https://pay.example"
    ) as service:
        ivr = port(service, session, PORTS[0])
        enrolled = ivr.EnrollInPaperless({"PaymentGUID": guid("rivera"), **ask()})
        text = ivr.SendWebLink(
            **ask(), CustomerID=number("rivera"), InvoiceType="WATER", PhoneNumber="2175550180"
        )
        (email,) = service.outbox().emails
        here = email.link.replace("https://pay.example", service.url)
        clock.passes(hours=23)
        before = session.get(here).status_code
        clock.passes(hours=1)
        after = session.get(here).status_code

    assert (enrolled.ErrorCode, text.ErrorCode) == (0, 402)
    assert email.link.startswith("https://pay.example/paperless/")
    assert (before, after) == (200, 410)


@pytest.mark.requirement("R24")
def test_what_is_printed(service: Service, session: requests.Session) -> None:
    """Neither the service nor its outbox shows recipients or links."""
    port(service, session, PORTS[0]).EnrollInPaperless({"PaymentGUID": guid("rivera"), **ask()})

    shown = f"{service!r} {service.outbox()!r}"

    assert "jane.rivera" not in shown
    assert str(customer("rivera").id.reveal()) not in shown
    assert "/paperless/" not in shown
