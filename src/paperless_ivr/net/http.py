"""HTTP within limits: uvicorn with h11, which limits headers, and a timer for each request.

uvicorn can limit the keep-alive time and, with h11 but not with httptools, the size of headers. It
cannot limit how long a request takes to arrive, or how many connections have not sent a request
yet, because it checks `limit_concurrency` only after it has received all headers.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from paperless_ivr.net.connections import Connections, Limits

LONGEST_HEAD = 16_384
"""The maximum size of a request line and its headers together, in bytes."""
BACKLOG = 2_048
"""The maximum number of connections waiting to be accepted."""

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Port 0 means any free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


class Server(uvicorn.Server):
    """A server that keeps running after SIGTERM until `drain` is done. SIGINT skips the drain."""

    drain: Callable[[], Awaitable[None]] | None = None
    _told = False
    _draining: "asyncio.Task[None] | None" = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal. A second signal ends the drain."""
        if self.drain is None or self._told or sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
        self._told = True

    async def on_tick(self, counter: int) -> bool:
        """Return whether the server should exit now. Called ten times a second."""
        if self._told and self.drain is not None and self._draining is None:
            self._draining = asyncio.create_task(self.drain())  # type: ignore[arg-type]
        if self._draining is not None and self._draining.done():
            self.should_exit = True
        return await super().on_tick(counter)


def bounded(app: App, limits: Limits, last_requests: int | None = None) -> Server:
    """Return a server that, on shutdown, spends up to `last_requests` seconds on open requests.

    If `last_requests` is None, there is no time limit.
    """
    connections = Connections(limits.connections)

    class Protocol(_Bounded):
        bounds = limits
        all = connections

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        # uvicorn passes this to call_later, which accepts a float
        timeout_keep_alive=limits.keep_alive_seconds,  # type: ignore[arg-type]
        timeout_graceful_shutdown=last_requests,
        access_log=False,  # URLs contain what the host hands over
        log_config=None,
        log_level="critical",  # so that a peer cannot fill the log
        server_header=False,
    )
    return Server(config)


async def read_whole(receive: Receive, most: int) -> bytes | None:
    """Return a request's body, or None if it exceeds `most` bytes or the peer disconnects."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def whole_requests(app: App, most: int) -> App:
    """Wrap an application so that it receives only requests with a complete body.

    If a body exceeds `most` bytes, or the peer disconnects, the answer is status 413.
    """

    async def wrapped(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        body = await read_whole(receive, most)
        if body is None:
            await send({"type": "http.response.start", "status": 413, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return

        async def replay() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        await app(scope, replay, send)

    return wrapped


class _Bounded(H11Protocol):
    """A connection that is dropped on a timeout, or when too many connections are open."""

    bounds: Limits
    all: Connections
    _clock: asyncio.TimerHandle | None = None
    _reading = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._allow(self.bounds.read_seconds, reading=True)
        self.all.opened(self, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self.all.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch(answered=True)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.transport.abort()  # do not wait for a peer that does not read its response

    def _watch(self, *, answered: bool = False) -> None:
        """Set the timer for the rest of a request, for its response, or for the next request."""
        if self.transport.is_closing():
            return  # keep the timer, because the peer may never read what was sent
        state, (unread, _) = self.conn.their_state, self.conn.trailing_data
        if answered and state is h11.IDLE and not unread:
            self._stop()
            self.all.waits(self, self.transport.abort)
        elif state in {h11.IDLE, h11.SEND_BODY}:
            if not self._reading:
                self._allow(self.bounds.read_seconds, reading=True)
            self.all.waits(self, self.transport.abort)
        elif self._reading or answered:
            self._allow(self.bounds.answer_seconds, reading=False)
            self.all.busy(self)

    def _allow(self, seconds: float, *, reading: bool) -> None:
        self._stop()
        self._reading = reading
        self._clock = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        self._reading = False
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
