"""One POST within a time limit, and what is surely known when it fails.

Over urllib3 rather than zeep's own transport: that one has no limit for the whole answer,
follows redirects to login pages, and puts whole envelopes into its log and its errors.
"""

import ssl
import time
from collections.abc import Mapping

import urllib3
from attrs import define, field, frozen
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    SSLError,
)
from urllib3.util import Timeout

LARGEST = 4 * 1024 * 1024
"""Bytes of an answer. A customer with a hundred invoices needs 40 KiB."""

CHUNK = 64 * 1024

AT_ONCE = 32
"""Connections kept open; a phone line rarely has as many requests under way."""


class Trouble(Exception):
    """A request that got no answer. The text is for logs: it never holds what was sent."""


class NothingDone(Trouble):
    """It never got there, or the service said that it did nothing."""


class PerhapsDone(Trouble):
    """It got there, as far as can be told, and what became of it is not known."""


@frozen(repr=False)
class Reply:
    """What came back."""

    status: int
    content_type: str
    body: bytes


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@define(eq=False, repr=False)
class Http:
    """Posts and fetches. Safe to use from several threads. Follows no redirect, retries nothing."""

    _pool: urllib3.PoolManager = field(
        factory=lambda: urllib3.PoolManager(
            maxsize=AT_ONCE, retries=False, ssl_context=_tls(), headers={}
        )
    )

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
        """Posts; raises `NothingDone` or `PerhapsDone`."""
        return self._ask("POST", url, seconds, body, headers)

    def get(self, url: str, seconds: float) -> Reply:
        """Fetches; raises `NothingDone` or `PerhapsDone`."""
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
        until = time.monotonic() + seconds
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=Timeout(total=seconds),
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except (NewConnectionError, ConnectTimeoutError, SSLError, LocationParseError) as error:
            raise NothingDone(_told(error)) from None
        except HTTPError as error:
            raise PerhapsDone(_told(error)) from None
        try:
            return Reply(
                answer.status, answer.headers.get("Content-Type", ""), _read(answer, until)
            )
        except HTTPError as error:
            raise PerhapsDone(_told(error)) from None
        finally:
            answer.close()


def _read(answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """The body, if it comes in time and is not too large."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        message = "answer in an encoding that was not asked for"
        raise PerhapsDone(message)
    body = bytearray()
    while chunk := answer.read1(CHUNK):
        body += chunk
        if len(body) > LARGEST:
            message = "answer too large"
            raise PerhapsDone(message)
        if time.monotonic() > until:
            message = "answer too slow"
            raise PerhapsDone(message)
    return bytes(body)


def _told(error: HTTPError) -> str:
    """The class of an error in words; its own text may hold the address asked."""
    words = {
        NewConnectionError: "connection refused",
        ConnectTimeoutError: "no connection in time",
        SSLError: "no secure connection",
    }
    return next(
        (says for kind, says in words.items() if isinstance(error, kind)), type(error).__name__
    )
