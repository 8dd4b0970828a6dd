"""An HTTP server that answers as a test says."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from attrs import define, field, frozen


@frozen
class Asked:
    """A request as received."""

    method: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """The operation that was called, from SOAPAction or the action of SOAP 1.2."""
        named = self.headers.get("soapaction") or self.headers.get("content-type", "")
        return named.strip('"').rpartition("/")[2]


@frozen
class Said:
    """An answer."""

    body: bytes
    status: int = 200
    content_type: str = "text/xml; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@define
class Canned:
    """The running server."""

    url: str
    asked: list[Asked] = field(factory=list)


@contextmanager
def canned(answer: Callable[[Asked], Said], tls: ssl.SSLContext | None = None) -> Iterator[Canned]:
    """Run a server on this machine with these answers, and stop it at the end of the block."""
    told: list[Canned] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            asked = Asked(self.command, headers, body)
            told[0].asked.append(asked)
            said = answer(asked)
            self.send_response(said.status)
            self.send_header("Content-Type", said.content_type)
            self.send_header("Content-Length", str(len(said.body)))
            for name, value in said.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST = _answer  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    told.append(Canned(f"http://127.0.0.1:{server.server_port}/CloudIVR.asmx"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


TNS = "https://www.invoicecloud.com/portal/webservices/CloudIVR/"
ENVELOPES = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}


def enveloped(body: str, soap: str = "1.1") -> Said:
    """Return an answer in an envelope."""
    kind = "text/xml" if soap == "1.1" else "application/soap+xml"
    text = (
        f'<e:Envelope xmlns:e="{ENVELOPES[soap]}" xmlns:t="{TNS}">'
        f"<e:Body>{body}</e:Body></e:Envelope>"
    )
    return Said(text.encode(), content_type=f"{kind}; charset=utf-8")


def result(operation: str, fields: str, soap: str = "1.1") -> Said:
    """Return the result of an operation; `fields` are elements with the prefix t."""
    wrapped = f"<t:{operation}Result>{fields}</t:{operation}Result>"
    return enveloped(f"<t:{operation}Response>{wrapped}</t:{operation}Response>", soap)
