"""`paperless-ivr serve`: answers Twilio's web requests."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paperless_ivr.cli import health, limits, logs, services
from paperless_ivr.cli.health import said
from paperless_ivr.cli.paths import FILE
from paperless_ivr.cli.setups import policy_in_force
from paperless_ivr.drive.runner import AT_ONCE, Setup
from paperless_ivr.errors import StoreError
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.capabilities import How, check
from paperless_ivr.net.connections import DEFAULTS, Limits
from paperless_ivr.prompts import Catalog
from paperless_ivr.secret import Secret, credential

if TYPE_CHECKING:
    from paperless_ivr.drive.web import WebDriver
    from paperless_ivr.gateways.twilio import TwilioGateway
    from paperless_ivr.web import Meters

AUTH_TOKEN = "PAPERLESS_IVR_TWILIO_AUTH_TOKEN"
HOST_KEY = "PAPERLESS_IVR_HOST_KEY"
TOKEN_KEY = "PAPERLESS_IVR_TOKEN_KEY"
"""Environment variables for secrets, which do not belong on a command line."""

PATH = "/twilio"
LAST_REQUESTS = 30
"""Seconds for requests in progress to finish when the server stops."""
LAST_WORD = 30.0
"""Seconds for calls to fetch their hand-back when a server without a database stops."""


@click.command(name="serve")
@click.option(
    "--address",
    required=True,
    metavar="URL",
    help=f"The address at which Twilio reaches this server, as in https://ivr.example.com{PATH}",
)
@click.option(
    "--host-url",
    required=True,
    metavar="URL",
    help="The host's address, to which calls are returned.",
)
@limits.listening_options(8080)
@services.options
@click.option(
    "--person", metavar="NUMBER", help="The number for transfers to an agent, +1… or sip:…"
)
@click.option(
    "--caller-id",
    metavar="NUMBER",
    help="One of the account's numbers, +1…, shown to the agent if the caller's is unknown.",
)
@click.option(
    "--former",
    "former_files",
    multiple=True,
    type=FILE,
    help="An earlier policy, for calls in progress that began under it.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=AT_ONCE,
    show_default=True,
    help="The limit on concurrent web and service requests. Each database connection serves 32.",
)
@limits.options
@health.options
@logs.options
@limits.drain_option
def command(  # noqa: PLR0913 - an argument for each option
    *,
    address: str,
    host_url: str,
    host: str,
    port: int,
    file: Path | None,
    former_files: tuple[Path, ...],
    connection_file: Path | None,
    service: str | None,
    record: str | None,
    person: str | None,
    caller_id: str | None,
    threads: int,
    bounds: Limits,
    health: health.Where,
    drain_seconds: float,
) -> None:
    """Answer calls on Twilio.

    On SIGTERM, new calls go back to the host. Live calls can continue for --drain-seconds.

    Any number of servers can run in parallel on one database and answer one another's calls.

    Secrets come from the environment: PAPERLESS_IVR_TWILIO_AUTH_TOKEN is the account's auth token,
    PAPERLESS_IVR_HOST_KEY signs hand-backs, and PAPERLESS_IVR_TOKEN_KEY (at least 16 characters,
    the same for all workers) signs the documents' tokens. If there are several token keys,
    separated by spaces, all are accepted and the last one signs.
    """
    from paperless_ivr.drive.web import WebDriver
    from paperless_ivr.gateways.twilio import TwilioGateway
    from paperless_ivr.web import MeteredBackend

    auth_token, host_key = map(_secret, (AUTH_TOKEN, HOST_KEY))
    token_keys = tuple(map(credential, _secret(TOKEN_KEY).reveal().split()))
    policy = policy_in_force(file)
    words = Catalog.of(policy)
    with (
        suppress(KeyboardInterrupt),
        services.opened(policy, connection_file, service, record, at_once=threads) as at,
        said(health, at) as saying,
    ):
        at.say()
        backend = MeteredBackend(at.backend, saying.meters)

        def gateway(words: Catalog) -> "TwilioGateway":
            return TwilioGateway(
                words, policy.biller.id, auth_token, address, host_url, host_key, person, caller_id
            )

        def answering(policy: Policy, words: Catalog, *former: "WebDriver") -> "WebDriver":
            flow = Flow(Terms(policy, at.backend.operations))
            observers = (saying.meters.moved,)
            made = Setup(flow, words, backend, at.store, observers=observers, at_once=threads)
            return WebDriver(made, gateway(words), token_keys, former, saying.draining)

        try:
            olds = [policy_in_force(file) for file in former_files]
            former = [answering(old, Catalog.of(old)) for old in olds]
            driver = answering(policy, words, *former)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        capabilities = gateway(words).capabilities
        for finding in check(driver.setup.flow, capabilities).having(How.DEGRADED):
            click.echo(f"note: {finding}", err=True)
        draining = _drain(driver, drain_seconds, alone=record is None)
        serve(driver, saying.meters, host, port, threads, bounds, draining)


def serve(  # noqa: PLR0913, PLR0917 - an argument for each option
    driver: "WebDriver",
    meters: "Meters",
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = AT_ONCE,
    bounds: Limits = DEFAULTS,
    drain: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Answer requests until SIGTERM, then until `drain` ends. Finish requests in progress."""
    from paperless_ivr.net.http import bounded, listen
    from paperless_ivr.web import application

    try:
        listening = listen(host, port)
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise click.ClickException(message) from error
    server = bounded(application(driver, meters, PATH, threads), bounds, LAST_REQUESTS)
    server.drain = drain
    signal.signal(signal.SIGTERM, server.handle_exit)  # used while uvicorn's handler is not set
    where = "[{}]:{}" if ":" in host else "{}:{}"
    click.echo(f"listening on http://{where.format(host, listening.getsockname()[1])}{PATH}")
    server.run(sockets=[listening])


def _drain(driver: "WebDriver", seconds: float, *, alone: bool) -> Callable[[], Awaitable[None]]:
    """Return a function that runs from SIGTERM until the server can exit."""

    async def drain() -> None:
        driver.draining.set()
        await _until_no_call_is_live(driver, seconds)
        if alone and await asyncio.to_thread(driver.any_live):
            driver.give_back()
            await asyncio.sleep(min(LAST_WORD, seconds))

    return drain


async def _until_no_call_is_live(driver: "WebDriver", seconds: float) -> None:
    ended = asyncio.get_running_loop().time() + seconds
    while (left := ended - asyncio.get_running_loop().time()) > 0:
        with suppress(StoreError):
            if not await asyncio.to_thread(driver.any_live):
                return
        await asyncio.sleep(min(left, 0.5))


def _secret(name: str) -> Secret:
    value = os.environ.get(name, "")
    if not value:
        message = f"{name} is not set in the environment"
        raise click.UsageError(message)
    return credential(value)
