"""One request within its budget, whatever the server does with its time."""

import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from paperless_ivr.backends.connection import Connection
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.backends.soap.http import Http, NothingDone, PerhapsDone
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.events import Accepted, OutcomeUnknown, Unavailable
from tests.backends.canned import canned, result
from tests.backends.test_soap_fit import ENROLL, ENROLLED, REPROMPT, SEARCH

BUDGET = 0.5
GRACE = 0.5

BODY = result("EnrollInPaperless", ENROLLED).body
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n"

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = b"%x\r\n%s\r\n" % (len(BODY), BODY)
PACKED = HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(BODY)

DRIPS = {
    "nothing": (b"", b""),
    "the status line": (b"", b"HTTP/1.1 200 OK" + b"K" * 2000),
    "a header": (HEAD, b"X-Long: " + b"x" * 2000),
    "headers": (HEAD, b"X-A: b\r\n" * 90),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 90),
    "headers of an interim answer": (b"HTTP/1.1 100 Continue\r\n", b"X-A: b\r\n" * 90),
    "a body of known length": (HEAD + b"Content-Length: 2000\r\n\r\n", BODY + b" " * 2000),
    "a body without a length": (HEAD + b"Connection: close\r\n\r\n" + BODY, b" " * 2000),
    "a packed body": (PACKED, gzip.compress(b" ") * 90),
    "chunk sizes": (CHUNKED + WHOLE, b"0" * 2000),
    "chunks": (CHUNKED + WHOLE, b"1\r\n \r\n" * 500),
    "trailers": (CHUNKED + WHOLE + b"0\r\n", b"X-A: b\r\n" * 90),
}
"""The data sent at once, and the data then sent byte by byte."""


@contextmanager
def dripping(first: bytes, content: bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Run a server that sends a byte every 50 ms after the first part, and reads everything."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not stop.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(sock,), daemon=True).start()

    def drip(sock: socket.socket) -> None:
        peer = sock
        try:
            if tls is not None:
                peer = tls.wrap_socket(sock, server_side=True)
            peer.recv(64 * 1024)
            peer.sendall(first)
            for at in range(len(content)):
                if stop.wait(0.05):
                    return
                peer.sendall(content[at : at + 1])
            stop.wait(20)
        except OSError:
            pass  # the caller has given up
        finally:
            peer.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        scheme = "https" if tls else "http"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/CloudIVR.asmx"
    finally:
        stop.set()
        listener.close()


@pytest.mark.requirement("R10", "R23", "R49")
@pytest.mark.parametrize("at", DRIPS)
@pytest.mark.alone
def test_the_budget_covers_the_whole_request(at: str) -> None:
    """A server that sends byte by byte, at any point, is given up when the budget is used up."""
    with dripping(*DRIPS[at]) as address:
        backend = SoapBackend(evolve(REPROMPT, address=address))
        began = time.monotonic()
        answer = backend.answer(ENROLL, BUDGET)
        took = time.monotonic() - began

    assert answer == OutcomeUnknown()
    assert took < BUDGET + GRACE


@pytest.mark.requirement("R10", "R23")
@pytest.mark.alone
def test_a_dripped_handshake() -> None:
    """A server that never completes its TLS handshake did nothing, and holds up no one."""
    with dripping(b"", b"\x16\x03\x03\x40\x00" + b"\x02" * 2000) as address:
        began = time.monotonic()
        with pytest.raises(NothingDone):
            Http().post(address.replace("http:", "https:"), b"x", {}, BUDGET)
        took = time.monotonic() - began

    assert took < BUDGET + GRACE


@pytest.mark.alone
def test_a_server_that_does_not_read() -> None:
    """A request that no one reads is given up when the budget is used up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(PerhapsDone, match="no answer in time"):
            Http().post(address, b"x" * 8 * 1024 * 1024, {}, BUDGET)
        took = time.monotonic() - began

    assert took < BUDGET + GRACE


def test_no_thread_is_left() -> None:
    """When a request ends, nothing of its time limit is left behind."""
    with canned(lambda _: result("EnrollInPaperless", ENROLLED)) as server:
        backend = SoapBackend(evolve(REPROMPT, address=server.url))
        assert backend.answer(ENROLL, 5.0) == Accepted()
        assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer) and
                    not t.finished.is_set()]  # fmt: skip


@pytest.mark.alone
def test_own_limit_of_an_operation() -> None:
    """A connection may give an operation less time than the policy does, but never more."""
    with dripping(b"", b"") as address:
        limited = evolve(
            REPROMPT, address=address, seconds={"EnrollInPaperless": 0.5, "every": 20.0}
        )
        backend = SoapBackend(limited)
        times = []
        for request in (ENROLL, SEARCH):
            began = time.monotonic()
            backend.answer(request, 1.0)
            times.append(time.monotonic() - began)

    assert 0.4 < times[0] < 0.5 + GRACE
    assert 0.9 < times[1] < 1.0 + GRACE


# ── certificates and proxies ─────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private CA, and certificates of a server and a client, made with openssl."""
    folder = tmp_path_factory.mktemp("ca")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=Biller CA")  # fmt: skip
    for name in ("server", "client"):
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext",
                "-out", f"{name}.pem")  # fmt: skip
    return folder


@contextmanager
def secure(folder: Path, *, ask_client: bool = False) -> Iterator[str]:
    """Run a service over TLS that answers enrollments, and may require a client's certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    if ask_client:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(folder / "ca.pem")
    with canned(lambda _: result("EnrollInPaperless", ENROLLED), tls) as server:
        yield server.url.replace("http:", "https:")


def asked(address: str, **more: str) -> object:
    """Return the outcome of an enrollment."""
    return SoapBackend(evolve(REPROMPT, address=address, **more)).answer(ENROLL, 5.0)


def test_a_private_ca(authority: Path) -> None:
    """A biller's private CA is trusted only if the connection names it."""
    with secure(authority) as address:
        assert asked(address, ca_file=str(authority / "ca.pem")) == Accepted()
        assert asked(address) == Unavailable()


@pytest.mark.requirement("R10", "R23", "R49")
@pytest.mark.parametrize("at", ["nothing", "headers", "chunks", "a body without a length"])
@pytest.mark.alone
def test_a_secure_server_that_drips(authority: Path, at: str) -> None:
    """TLS makes no difference: the budget covers the whole request."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority / "server.pem", authority / "server.key")
    with dripping(*DRIPS[at], tls) as address:
        backend = SoapBackend(evolve(REPROMPT, address=address, ca_file=str(authority / "ca.pem")))
        began = time.monotonic()
        answer = backend.answer(ENROLL, BUDGET)
        took = time.monotonic() - began

    assert answer == OutcomeUnknown()
    assert took < BUDGET + GRACE


def test_a_client_certificate(authority: Path) -> None:
    """A service that requires a client certificate gets the one that is named."""
    ca = str(authority / "ca.pem")
    own = {
        "client_certificate": str(authority / "client.pem"),
        "client_key": str(authority / "client.key"),
    }
    with secure(authority, ask_client=True) as address:
        assert asked(address, ca_file=ca, **own) == Accepted()
        assert asked(address, ca_file=ca) != Accepted()


def test_a_proxy(authority: Path) -> None:
    """A request goes through the proxy that is named, in a tunnel if it is secure."""
    with tunneling() as (proxy, asked_for), secure(authority) as address:
        answer = asked(address, ca_file=str(authority / "ca.pem"), proxy=proxy)

    assert answer == Accepted()
    assert asked_for == [f"CONNECT {address.split('/')[2]}"]


@contextmanager
def tunneling() -> Iterator[tuple[str, list[str]]]:
    """Run an HTTP proxy that tunnels; provide the requests that it got."""
    asked_for: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            while True:
                threading.Thread(target=tunnel, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            return

    def tunnel(sock: socket.socket) -> None:
        method, place, *_ = sock.recv(4096).decode().split()
        asked_for.append(f"{method} {place}")
        host, port = place.split(":")
        with sock, socket.create_connection((host, int(port))) as far:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(sock, far), daemon=True)
            back.start()
            pump(far, sock)
            back.join()

    def pump(one: socket.socket, other: socket.socket) -> None:
        try:
            while content := one.recv(4096):
                other.sendall(content)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side has closed

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked_for
    finally:
        listener.close()


@pytest.mark.alone
def test_a_proxy_that_drips() -> None:
    """A proxy that never opens its tunnel has let nothing through."""
    with dripping(b"HTTP/1.1 200 ", b"O" * 2000) as proxy:
        connection: Connection = evolve(REPROMPT, address="https://127.0.0.1:9/", proxy=proxy)
        began = time.monotonic()
        answer = SoapBackend(connection).answer(ENROLL, BUDGET)
        took = time.monotonic() - began

    assert answer == Unavailable()
    assert took < BUDGET + GRACE


@pytest.mark.parametrize("name", ["ca_file", "client_certificate"])
def test_files_that_are_none(tmp_path: Path, name: str) -> None:
    """A certificate that cannot be used is named before the first call."""
    (tmp_path / "empty.pem").write_text("nothing\n", encoding="utf-8")
    for place in ("nowhere.pem", "empty.pem"):
        with pytest.raises(ConnectionProblems, match=f"service.{name}"):
            Http.of(evolve(REPROMPT, **{name: str(tmp_path / place)}))
