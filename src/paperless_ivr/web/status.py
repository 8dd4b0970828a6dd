"""The state of a server: whether it is running, whether it can take calls, and its metrics."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from paperless_ivr.errors import StoreError
from paperless_ivr.web.meters import Meters


def status(
    meters: Meters,
    probe: Callable[[], None],
    service: Callable[[], str],
    draining: Callable[[], bool],
) -> Starlette:
    """Return the application with `/live`, `/ready`, and `/metrics`.

    A server is ready unless it is draining, or `probe` raises StoreError because calls cannot be
    saved. If the service is down, `/ready` reports that, but the server still takes calls,
    because the flow can handle this.
    """

    async def live(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        store = "ok"
        try:
            await run_in_threadpool(probe)
        except StoreError as error:
            store = f"{type(error).__name__} {error}".rstrip()
        stops = draining()
        well = store == "ok" and not stops
        meters.ready(well)
        told = f"store: {store}\nservice: {service()}\n" + "server: draining\n" * stops
        return PlainTextResponse(told, 200 if well else 503)

    async def metrics(_: Request) -> Response:
        return Response(meters.page(), media_type="text/plain; version=0.0.4")

    routes = {"/live": live, "/ready": ready, "/metrics": metrics}
    return Starlette(routes=[Route(path, answer) for path, answer in routes.items()])
