"""The routes: a runtime's requests below one path, `/health` and `/metrics`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from time import perf_counter
from typing import TypeVar

from attrs import frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from paperless_ivr.drive.documents import Documents, Reply
from paperless_ivr.errors import StoreError, UnknownCall
from paperless_ivr.gateways.port import WebRequest
from paperless_ivr.web.meters import Meters

T = TypeVar("T")

MOST_BYTES = 65_536
"""Of a body; what is longer is not read to its end."""
EVERY = 60.0
"""Seconds between two looks for calls that were left behind."""
NOBODY = "nobody"
"""A call that does not exist: whether the store answers is asked with it."""


def application(
    documents: Documents, meters: Meters, path: str = "/twilio", threads: int = 64
) -> Starlette:
    """The application for calls of one runtime, below a path.

    At most so many requests are answered at the same time; others wait. It is closed, and
    what is being carried out is finished, when the server shuts down.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="visit")
    calls = _Calls(documents, meters, pool)

    async def health(_: Request) -> Response:
        well = await _in(pool, lambda: _store_answers(documents))
        return PlainTextResponse("ok\n" if well else "the store is down\n", 200 if well else 503)

    async def metrics(_: Request) -> Response:
        return Response(meters.page(), media_type="text/plain; version=0.0.4")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(pool.shutdown)
            stack.callback(documents.close)
            tidying = asyncio.create_task(_tidy(documents, pool))
            stack.callback(tidying.cancel)
            yield

    routes = [Route("/health", health), Route("/metrics", metrics), Mount(path, calls)]
    return Starlette(routes=routes, lifespan=lifespan)


@frozen
class _Calls:
    """Answers the runtime's requests."""

    documents: Documents
    meters: Meters
    pool: ThreadPoolExecutor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        request = Request(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        body = await _body(request)
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
            reply = await _in(self.pool, lambda: self.documents.answer(asked))
        media_type = self.documents.gateway.media_type if reply.document else None
        response = Response(reply.document, reply.status, media_type=media_type)
        known = path.lstrip("/") if reply.status in (200, 204) else "refused"
        self.meters.requested(known, reply.status, perf_counter() - began)
        await response(scope, receive, send)


async def _in(pool: ThreadPoolExecutor, act: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, act)


async def _body(request: Request) -> bytes | None:
    """The body; None where it is too long."""
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _store_answers(documents: Documents) -> bool:
    try:
        documents.setup.calls.load(NOBODY)
    except UnknownCall:
        pass
    except StoreError:
        return False
    return True


async def _tidy(documents: Documents, pool: ThreadPoolExecutor) -> None:
    """Looks for calls that were left behind, again and again."""
    while True:
        await asyncio.sleep(EVERY)
        with suppress(StoreError):
            await _in(pool, documents.tidy)
