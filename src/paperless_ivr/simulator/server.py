"""The simulator's web server: the page, events with each tab's state, and the user's actions."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import resources
from secrets import token_urlsafe

import urllib3
from attrs import define, field, frozen
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from paperless_ivr.backends.connection import Connection
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.diagrams.theme import style
from paperless_ivr.errors import TranscriptProblems
from paperless_ivr.flow.host import Moment
from paperless_ivr.simulator.acts import ACTS
from paperless_ivr.simulator.shelf import Shelved
from paperless_ivr.simulator.simulation import Arrive, Scenario, Simulation
from paperless_ivr.simulator.view import View
from paperless_ivr.simulator.world import World

MOST = 16
"""The limit on open tabs. When it is reached, a new tab closes the oldest one."""
LEFT_S = 30.0
"""Seconds after which a disconnected tab is closed."""
LOOK_S = 0.5
"""Seconds between checks of the policy files."""
ALIVE_S = 0.5
"""Seconds between keep-alive messages to a tab when there is nothing new to show."""
CALLER = "rivera"
PAGE = resources.files("paperless_ivr.simulator") / "page"

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
LINK_HEADERS: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'self'"
    ),
}


FLOW_HEADERS: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


@frozen
class Demo:
    """The demo's call setup and service connection."""

    arrive: Arrive
    connect: Callable[[str], Connection]


@define(eq=False)
class Tabs:
    """Open simulations, keyed by a name known only to the tab."""

    shelf: Mapping[str, Shelved]
    demo: Demo
    command: str
    """The command that restarts the simulator with the same options."""
    may_reveal: bool
    _open: dict[str, tuple[Simulation, AsyncExitStack]] = field(init=False, factory=dict)
    _closing: set["asyncio.Task[None]"] = field(init=False, factory=set)

    async def open(self) -> str:
        """Open a simulation, and return its name."""
        while len(self._open) >= MOST:
            await self.close(next(iter(self._open)))
        policy = next(iter(self.shelf.values()))
        language = policy.reading.policy.languages.default
        scenario = Scenario(CALLER, policy.name, Moment.BEFORE_PAYMENT, language)
        stack = AsyncExitStack()
        service = running()
        at = await asyncio.to_thread(service.__enter__)
        stack.push_async_callback(asyncio.to_thread, service.__exit__, None, None, None)
        backend = await asyncio.to_thread(SoapBackend, self.demo.connect(at.endpoint))
        simulation = Simulation(
            World(at, backend), self.shelf, self.demo.arrive, scenario, self.may_reveal
        )
        stack.push_async_callback(simulation.stop)
        name = token_urlsafe(16)
        self._open[name] = (simulation, stack)
        return name

    async def close(self, name: str) -> None:
        """Close a simulation and its service."""
        _, stack = self._open.pop(name)
        await stack.aclose()

    async def listen(self, name: str, simulation: Simulation) -> AsyncIterator[str]:
        """Yield updates while a tab is connected; close it some time after it disconnects."""
        simulation.listeners += 1
        try:
            async for news in _news(simulation):
                yield news
        finally:
            simulation.listeners -= 1
            closing = asyncio.create_task(self._close_unless_heard(name, simulation))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _close_unless_heard(self, name: str, simulation: Simulation) -> None:
        await asyncio.sleep(LEFT_S)
        if not simulation.listeners and name in self._open:
            await self.close(name)

    async def look(self) -> None:
        """Reread edited policies in a thread, because reading also redraws the pictures."""
        while True:
            await asyncio.sleep(LOOK_S)
            for shelved in self.shelf.values():
                if await asyncio.to_thread(shelved.look):
                    for simulation, _ in self._open.values():
                        simulation.changed()

    async def close_all(self) -> None:
        """Close all simulations."""
        for closing in self._closing:
            closing.cancel()
        for name in tuple(self._open):
            await self.close(name)

    def of(self, request: Request) -> Simulation | None:
        """Return the simulation that a request refers to."""
        found = self._open.get(request.path_params["tab"])
        return found[0] if found else None


def application(
    shelf: Mapping[str, Shelved],
    demo: Demo,
    hosts: tuple[str, ...],
    command: str,
    *,
    may_reveal: bool,
) -> Starlette:
    """Return the application. It only accepts requests for these hosts. "*" allows any host.

    `command` is the restart command shown after the simulator stops.
    """
    tabs = Tabs(shelf, demo, command, may_reveal)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(tabs.look())
        yield
        looking.cancel()
        await tabs.close_all()

    answers = _Answers(tabs)
    routes = [
        Route("/", answers.page),
        Route("/tabs", answers.open, methods=["POST"]),
        Route("/tabs/{tab}/events", answers.events),
        Route("/tabs/{tab}/transcript/{take:int}", answers.transcript),
        Route("/tabs/{tab}/messages/{number:int}", answers.link, methods=["GET", "POST"]),
        Route("/tabs/{tab}/pictures/{chapter}", answers.picture),
        Route("/tabs/{tab}/flow", answers.flow),
        Route("/tabs/{tab}/{act}", answers.act, methods=["POST"]),
        Route("/pictures.css", answers.picture_style),
        Mount("/page", StaticFiles(packages=[("paperless_ivr.simulator", "page")])),
    ]
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return Starlette(routes=routes, lifespan=lifespan, middleware=[guard])


@frozen
class _Answers:
    """HTTP request handlers."""

    tabs: Tabs

    async def page(self, _: Request) -> Response:
        text = (PAGE / "index.html").read_text(encoding="utf-8")
        return Response(text, media_type="text/html", headers=HEADERS)

    async def picture(self, request: Request) -> Response:
        """Return a chapter's picture, drawn for the policy that the tab's call began with."""
        simulation = self.tabs.of(request)
        reading = simulation.reading if simulation else None
        found = reading.pictures.get(request.path_params["chapter"]) if reading else None
        if found is None:
            return _unknown()
        return Response(found, media_type="image/svg+xml", headers=HEADERS)

    async def flow(self, request: Request) -> Response:
        """Return a page of the whole flow with the tab's call highlighted."""
        simulation = self.tabs.of(request)
        if simulation is None or simulation.take is None:
            return _unknown()
        text = await asyncio.to_thread(simulation.whole_flow)
        return Response(text, media_type="text/html", headers=FLOW_HEADERS)

    async def picture_style(self, _: Request) -> Response:
        text = style(".picture ", ':root[data-theme="dark"]')
        return Response(text, media_type="text/css", headers=HEADERS)

    async def open(self, _: Request) -> Response:
        told = {"tab": await self.tabs.open(), "command": self.tabs.command}
        return JSONResponse(told, headers=HEADERS)

    async def events(self, request: Request) -> Response:
        simulation = self.tabs.of(request)
        if simulation is None:
            return _unknown()
        news = self.tabs.listen(request.path_params["tab"], simulation)
        return StreamingResponse(news, media_type="text/event-stream", headers=HEADERS)

    async def act(self, request: Request) -> Response:
        """Perform an action. The request must be JSON, which forms on other sites cannot post."""
        simulation = self.tabs.of(request)
        act = ACTS.get(request.path_params["act"])
        if simulation is None or act is None:
            return _unknown()
        if request.headers.get("content-type") != "application/json":
            return Response(status_code=415, headers=HEADERS)
        try:
            await act(simulation, await request.json())
        except (KeyError, ValueError, LookupError, TypeError) as error:
            return _refused(str(error.args[0]) if error.args else "invalid request")
        simulation.changed()
        return Response(status_code=204, headers=HEADERS)

    async def transcript(self, request: Request) -> Response:
        simulation = self.tabs.of(request)
        if simulation is None:
            return _unknown()
        take = request.path_params["take"]
        try:
            text = await asyncio.to_thread(simulation.transcript, take)
        except (LookupError, TranscriptProblems) as error:
            return _refused(str(error))
        name = {"Content-Disposition": f'attachment; filename="take-{take}.call"'}
        return Response(text, media_type="text/plain", headers={**HEADERS, **name})

    async def link(self, request: Request) -> Response:
        """Return the page that a message links to, with headers that allow framing."""
        simulation = self.tabs.of(request)
        messages = simulation.messages() if simulation else ()
        number = request.path_params["number"]
        if simulation is None or number >= len(messages):
            return _unknown()
        form = await request.body()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        language = {"Accept-Language": request.headers.get("accept-language", "en")}
        page = await asyncio.to_thread(
            urllib3.request,
            request.method,
            messages[number].link,
            body=form or None,
            headers={**language, **(kind if request.method == "POST" else {})},
        )
        simulation.changed()
        return Response(page.data, page.status, media_type="text/html", headers=LINK_HEADERS)


def _unknown() -> Response:
    return JSONResponse({"problem": "There is no such simulation."}, 404, headers=HEADERS)


def _refused(why: str) -> Response:
    return JSONResponse({"problem": why}, 400, headers=HEADERS)


async def _news(simulation: Simulation) -> AsyncIterator[str]:
    """Yield an update whenever something changes, and keep-alive messages in between."""
    yield "retry: 500\n\n"
    shown: int | None = None
    while True:
        version = simulation.version
        if shown != version:
            shown = version
            yield f"data: {json.dumps(View(simulation).json())}\n\n"
        elif not await simulation.newer(version, ALIVE_S):
            yield ": still there\n\n"
