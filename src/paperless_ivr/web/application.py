"""The web application that answers one runtime's requests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from time import perf_counter
from typing import TypeVar

from attrs import frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from paperless_ivr.drive.web import Reply, WebDriver
from paperless_ivr.errors import StoreError
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.net.http import read_whole
from paperless_ivr.web.meters import Meters

T = TypeVar("T")

MOST_BYTES = 65_536
"""The maximum size of a request body, in bytes. The rest of a longer body is not read."""
EVERY = 60.0
"""The time between searches for abandoned calls, in seconds."""


def application(
    driver: WebDriver, meters: Meters, path: str = "/twilio", threads: int = 64
) -> Starlette:
    """Return the application for calls of one runtime, below a path.

    It answers at most `threads` requests at the same time, while others wait. When the server shuts
    down, it finishes the requests in progress.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="visit")
    calls = _Calls(driver, meters, pool)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(pool.shutdown)
            stack.callback(driver.close)
            reaping = asyncio.create_task(_reap(driver, pool))
            stack.callback(reaping.cancel)
            yield

    return Starlette(routes=[Mount(path, calls)], lifespan=lifespan)


@frozen
class _Calls:
    """Answers the runtime's requests."""

    driver: WebDriver
    meters: Meters
    pool: ThreadPoolExecutor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        request = Request(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        body = await read_whole(receive, MOST_BYTES)
        if body is None:
            reply = Reply(413)
        else:
            asked = WebRequest(
                path=path,
                query=scope["query_string"].decode("latin-1"),
                body=body,
                headers={name.lower(): value for name, value in request.headers.items()},
                method=request.method,
            )
            reply = await _in(self.pool, lambda: self.driver.answer(asked))
        media_type = self.driver.gateway.media_type if reply.document else None
        response = Response(reply.document, reply.status, media_type=media_type)
        known = path.lstrip("/") if reply.status in (200, 204) else "refused"
        self.meters.requested(known, reply.status, perf_counter() - began)
        if reply.outside and reply.handback is not None:
            self.meters.gave_back(reply.handback.reason)
        await response(scope, receive, send)


async def _in(pool: ThreadPoolExecutor, act: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, act)


async def _reap(driver: WebDriver, pool: ThreadPoolExecutor) -> None:
    """End abandoned calls periodically, until canceled."""
    while True:
        await asyncio.sleep(EVERY)
        with suppress(StoreError):
            await _in(pool, driver.reap)
