"""A service that fails in one way: it is in front of a healthy one, and breaks its answers.

Bytes are written by hand, because a server's library would repair what should be broken.
"""

import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import urllib3
from attrs import evolve, frozen
from lxml import etree

from tests.backends.canned import Asked, Said


@frozen
class Broken:
    """One way to fail."""

    name: str
    why: str
    """A pattern for what the log says about it."""
    answer: Callable[["Exchange"], None] | None
    """None means that there is no server at all."""
    late: bool = False
    """It uses up the whole time budget."""
    answered: bool = False
    """The response still counts as an answer."""
    only: str | None = None
    """Applies only to operations whose name begins like this."""
    never_there: bool = False
    """It is certain that nothing was done."""


@frozen
class Exchange:
    """A request that has arrived, the healthy service behind it, and the caller's socket."""

    asked: Asked
    behind: str
    sock: socket.socket
    stopped: threading.Event

    def forwarded(self) -> Said:
        """Return the healthy service's answer."""
        headers = {
            k: v for k, v in self.asked.headers.items() if k in ("content-type", "soapaction")
        }
        reply = urllib3.request(
            "POST", self.behind, body=self.asked.body, headers=headers, timeout=60
        )
        return Said(reply.data, reply.status, reply.headers["Content-Type"])

    def send(self, said: Said, length: int | None = None) -> None:
        """Write an answer; `length` is the length that it claims."""
        lines = [
            f"HTTP/1.1 {said.status} Whatever",
            f"Content-Type: {said.content_type}",
            f"Content-Length: {len(said.body) if length is None else length}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in said.headers),
        ]
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + said.body)

    def hold(self) -> None:
        """Stay silent until the test is over or the caller gives up."""
        self.stopped.wait(30)

    def reset(self) -> None:
        """Reset the connection, instead of closing it."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


# ── the ways to fail ─────────────────────────────────────────────────────────────────────


def _late(exchange: Exchange) -> None:
    exchange.hold()


def _late_after(exchange: Exchange) -> None:
    exchange.forwarded()
    exchange.hold()


def _reset(exchange: Exchange) -> None:
    said = exchange.forwarded()
    exchange.send(evolve(said, body=said.body[: len(said.body) // 2]), len(said.body))
    exchange.reset()


def _status_500(exchange: Exchange) -> None:
    exchange.send(Said(b"Internal Server Error", 500, "text/plain"))


def _fault(text: str) -> bytes:
    return (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f"<soap:Fault><faultcode>soap:Server</faultcode><faultstring>{text}</faultstring>"
        "<detail /></soap:Fault></soap:Body></soap:Envelope>"
    ).encode()


def _fault_500(exchange: Exchange) -> None:
    text = "Server was unable to process request. ---&gt; Object reference not set"
    exchange.send(Said(_fault(text), 500))


def _stack_trace(exchange: Exchange) -> None:
    quoted = exchange.asked.body.decode().replace("&", "&amp;").replace("<", "&lt;")
    text = (
        f"System.Data.SqlClient.SqlException: at CloudIVR.Run(String) in C:\\x.vb:line 9 {quoted}"
    )
    exchange.send(Said(_fault(text), 500))


def _page(exchange: Exchange) -> None:
    body = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><p>Back soon<br>"
    exchange.send(Said(body, 200, "text/html"))


def _login(exchange: Exchange) -> None:
    exchange.send(Said(b"", 302, "text/html", (("Location", "/login.aspx?ReturnUrl=%2f"),)))


def _empty(exchange: Exchange) -> None:
    exchange.forwarded()
    exchange.send(Said(b""))


def _truncated(exchange: Exchange) -> None:
    said = exchange.forwarded()
    exchange.send(evolve(said, body=said.body[: -len(said.body) // 4]))


def _rewritten(change: Callable[[etree._Element], None]) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        said = exchange.forwarded()
        root = etree.fromstring(said.body)
        (result,) = root.xpath(
            "//*[substring(local-name(), string-length(local-name())-5)='Result']"
        )
        change(result)
        exchange.send(evolve(said, body=etree.tostring(root)))

    return answer


def _named(node: etree._Element, name: str) -> etree._Element:
    return etree.QName(etree.QName(node).namespace, name)


def _extra(result: etree._Element) -> None:
    for parent in result.iter():
        if len(parent):
            parent.insert(1, etree.Element(_named(result, "NewInThisVersion")))


def _missing_field(result: etree._Element) -> None:
    result.remove(result[0])


def _missing_result(result: etree._Element) -> None:
    result.getparent().remove(result)


def _wrong_type(result: etree._Element) -> None:
    result[0].text = "Maybe"


def _year_one(result: etree._Element) -> None:
    for due in result.iter("{*}InvoiceDueDate"):
        due.text = "0001-01-01T00:00:00"


def _bomb(exchange: Exchange) -> None:
    said = exchange.forwarded()
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    body = re.sub(rb"^<\?xml[^>]*\?>\s*", b"", said.body)
    body = re.sub(rb"(<[a-z0-9:]*Message>)[^<]*", rb"\1&j;", body)
    exchange.send(evolve(said, body=f"<!DOCTYPE soap [{entities}]>".encode() + body))


def _ten_mb(result: etree._Element) -> None:
    for message in result.iter("{*}Message"):
        message.text = "x" * 10 * 1024 * 1024


UNREADABLE = "answer with [A-Za-z]+ that cannot be read"

BREAKAGES = (
    Broken("connection refused", "connection refused", None, never_there=True),
    Broken("timeout before the service acted", "no answer in time", _late, late=True),
    Broken("timeout after the service acted", "no answer in time", _late_after, late=True),
    Broken("connection reset halfway through the answer", "ProtocolError", _reset),
    Broken("HTTP 500 without a SOAP fault", "no SOAP envelope with HTTP status 500", _status_500),
    Broken("HTTP 500 with a SOAP fault", "SOAP fault Server", _fault_500),
    Broken("HTML page with status 200", "a web page with HTTP status 200", _page),
    Broken("redirect to a login page", "HTTP status 302", _login, never_there=True),
    Broken("empty body", "no SOAP envelope with HTTP status 200", _empty),
    Broken("truncated XML", "no SOAP envelope with HTTP status 200", _truncated),
    Broken("unexpected extra field", "", _rewritten(_extra), answered=True),
    Broken("missing field", UNREADABLE, _rewritten(_missing_field)),
    Broken("missing result", "answer without [A-Za-z]+", _rewritten(_missing_result)),
    Broken("wrong type", UNREADABLE, _rewritten(_wrong_type)),
    Broken("year-1 date", "", _rewritten(_year_one), answered=True, only="Search"),
    Broken("DOCTYPE bomb", "no SOAP envelope with HTTP status 200", _bomb),
    Broken("10 MB body", "answer too large", _rewritten(_ten_mb)),
    Broken("fault text with a stack trace", "SOAP fault Server", _stack_trace),
)
"""Every way to fail, in the order of the docs."""


# ── the server ───────────────────────────────────────────────────────────────────────────


@contextmanager
def broken(breakage: Broken, behind: str) -> Iterator[str]:
    """Provide the address of a service that fails like this; `behind` is the healthy one's."""
    if breakage.answer is None:
        with socket.socket() as closed:  # bound, but no one listens
            closed.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{closed.getsockname()[1]}/CloudIVR.asmx"
        return
    answer, stopped = breakage.answer, threading.Event()
    slips: list[Exception] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = _read(self.rfile)
            try:
                answer(Exchange(asked, behind, self.request, stopped))
            except OSError:
                pass  # the caller may not wait
            except Exception as slip:  # noqa: BLE001 - raised again below
                slips.append(slip)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False  # so that the healthy service has finished when this ends
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/CloudIVR.asmx"
        finally:
            stopped.set()
            server.shutdown()
            thread.join()
    for slip in slips:
        raise slip


def _read(stream: BinaryIO) -> Asked:
    line = stream.readline().decode()
    headers: dict[str, str] = {}
    while header := stream.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Asked(line.partition(" ")[0], headers, body)
