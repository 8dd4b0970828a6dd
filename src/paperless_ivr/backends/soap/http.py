"""HTTP requests with a time limit. Errors show whether the request may have been carried out.

Uses urllib3 rather than zeep's own transport, which has no limit for the whole answer, follows
redirects to login pages, and writes whole envelopes to its log and its errors. urllib3's own
timeouts apply to single reads, so a server that sends a byte now and then could hold a thread for
hours. To prevent this, a `_Deadline` shuts down the connection when the time is up.
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import urllib3
from attrs import define, field, frozen
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    SSLError,
)
from urllib3.util import Timeout

from paperless_ivr.backends.connection import Connection
from paperless_ivr.errors import ConnectionProblems

LARGEST = 4 * 1024 * 1024
"""The maximum size of an answer, in bytes. A customer with a hundred invoices needs 40 KiB."""

CHUNK = 64 * 1024

AT_ONCE = 32
"""The number of connections kept open. A phone line rarely has that many requests in progress."""


class Trouble(Exception):
    """A request without a usable answer. The text is for logs, and never quotes what was sent."""


class NothingDone(Trouble):
    """The request was not sent or never arrived, or the service reported that it did nothing."""


class PerhapsDone(Trouble):
    """The request may have arrived, and its outcome is unknown."""


@frozen(repr=False)
class Reply:
    """A reply as received."""

    status: int
    content_type: str
    body: bytes


# ── the time limit of a whole request ────────────────────────────────────────────────────


class _Deadline:
    """A request's deadline, which shuts down the connection no matter what it is doing."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.over = False
        self.sending = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def left(self) -> float:
        """Return the seconds left, but never zero, which is not a valid timeout."""
        return max(self.until - time.monotonic(), 0.001)

    def used_up(self) -> bool:
        """Return whether the time is up. A socket can time out slightly before the timer."""
        return self.over or time.monotonic() > self.until - 0.02

    def hold(self, connected: socket.socket) -> None:
        """Watch a connection, through a duplicate that stays valid when TLS wraps the socket."""
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(connected.fileno())))
        if self.over:
            self._end()

    def close(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def _end(self) -> None:
        with self._lock:
            self.over = True
            for watched in self._sockets:
                with suppress(OSError):  # the connection is already closed
                    watched.shutdown(socket.SHUT_RDWR)


_current = threading.local()


@contextmanager
def _deadline(seconds: float) -> Iterator[_Deadline]:
    deadline = _Deadline(seconds)
    _current.deadline = deadline
    try:
        yield deadline
    finally:
        _current.deadline = None
        deadline.close()


class _Watched:
    """A connection, new or reused, that is subject to the deadline of the request that uses it."""

    sock: Any
    port: Any
    timeout: Any
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that works. urllib3 would allow the full time for each."""
        deadline: _Deadline = _current.deadline
        made: socket.socket | None = None
        addresses = [self._dns_host]
        with suppress(OSError):  # urllib3 reports the error better
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
        *others, last = addresses
        for self._dns_host in others:
            self.timeout = deadline.left()
            with suppress(NewConnectionError, ConnectTimeoutError):
                made = super()._new_conn()  # type: ignore[misc]
                break
        if made is None:
            self._dns_host, self.timeout = last, deadline.left()
            made = super()._new_conn()  # type: ignore[misc]
        deadline.hold(made)
        return made

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        deadline: _Deadline = _current.deadline
        if self.sock is not None:
            deadline.hold(self.sock)
        deadline.sending = True
        super().putrequest(*args, **kwargs)  # type: ignore[misc]


class _PlainConnection(_Watched, HTTPConnection):
    pass


class _TlsConnection(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


# ── requests ─────────────────────────────────────────────────────────────────────────────


@cache
def _system_tls() -> ssl.SSLContext:
    """Return a TLS context with the system's authorities, cached because loading takes 0.1 s."""
    return ssl.create_default_context()


@define(eq=False, repr=False)
class Http:
    """An HTTP client. Safe to use from several threads. It never follows redirects or retries."""

    _pool: urllib3.PoolManager = field(factory=lambda: _pool(_system_tls()))

    @classmethod
    def of(cls, connection: Connection) -> "Http":
        """Return a connection's HTTP client, with its CA, client certificate, and proxy.

        Raises `ConnectionProblems` if a file cannot be used.
        """
        if connection.ca_file is None and connection.client_certificate is None:
            return cls(_pool(_system_tls(), connection.proxy))
        problems = []
        try:
            tls = ssl.create_default_context(cafile=connection.ca_file)
        except OSError as error:
            problems.append(f"service.ca_file: {connection.ca_file}: {_of_file(error)}")
            tls = ssl.create_default_context()
        if connection.client_certificate:
            try:
                tls.load_cert_chain(connection.client_certificate, connection.client_key)
            except OSError as error:
                place = f"service.client_certificate: {connection.client_certificate}"
                problems.append(f"{place}: {_of_file(error)}")
        if problems:
            raise ConnectionProblems("the connection cannot be used", problems)
        return cls(_pool(tls, connection.proxy))

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
        """Send a POST request. Raises `NothingDone` or `PerhapsDone`."""
        return self._ask("POST", url, seconds, body, headers)

    def get(self, url: str, seconds: float) -> Reply:
        """Send a GET request. Raises `NothingDone` or `PerhapsDone`."""
        return self._ask("GET", url, seconds)

    def _ask(
        self,
        method: str,
        url: str,
        seconds: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        if seconds <= 0:
            message = "no time left"
            raise NothingDone(message)
        with _deadline(seconds) as deadline:
            try:
                answer = self._pool.request(
                    method,
                    url,
                    body=body,
                    headers=headers,
                    timeout=Timeout(connect=seconds, read=None),
                    redirect=False,
                    preload_content=False,
                )
                try:
                    content = _read(answer)
                finally:
                    answer.close()
            except (NewConnectionError, ConnectTimeoutError, LocationParseError) as error:
                raise NothingDone(_told(error)) from None
            except HTTPError as error:
                kind = PerhapsDone if deadline.sending else NothingDone
                raise kind("no answer in time" if deadline.used_up() else _told(error)) from None
            if deadline.over:  # the deadline may have caused what looks like the answer's end
                message = "no answer in time"
                raise PerhapsDone(message)
        return Reply(answer.status, answer.headers.get("Content-Type", ""), content)


def _pool(tls: ssl.SSLContext, proxy: str | None = None) -> urllib3.PoolManager:
    settings: dict[str, Any] = {
        "maxsize": AT_ONCE,
        "retries": False,
        "ssl_context": tls,
        "headers": {},
    }
    manager = (
        urllib3.ProxyManager(proxy, proxy_ssl_context=tls, **settings)
        if proxy
        else urllib3.PoolManager(**settings)
    )
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return manager


def _read(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Return the body, unpacked piece by piece, unless it is too large.

    Some servers compress an answer without being asked to.
    """
    body = bytearray()
    while chunk := answer.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > LARGEST:
            message = "answer too large"
            raise PerhapsDone(message)
    return bytes(body)


def _of_file(error: OSError) -> str:
    """Return what is wrong with a file of certificates or keys."""
    if isinstance(error, ssl.SSLError):
        return "no usable certificate or key in PEM format"
    return error.strerror or "cannot be read"


def _told(error: HTTPError) -> str:
    """Return the kind of error in words, since its own text may contain the address."""
    words = {
        NewConnectionError: "connection refused",
        ConnectTimeoutError: "no connection in time",
        SSLError: "no secure connection",
        DecodeError: "answer that cannot be decompressed",
    }
    return next(
        (says for kind, says in words.items() if isinstance(error, kind)), type(error).__name__
    )
