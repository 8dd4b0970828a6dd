"""`paperless-ivr agi`: takes calls from Asterisk over FastAGI."""

import asyncio
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from paperless_ivr.cli import health, limits, logs, services
from paperless_ivr.cli.health import said
from paperless_ivr.cli.paths import FOLDER
from paperless_ivr.cli.setups import policy_in_force
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.drive.runner import AT_ONCE, Setup, whose
from paperless_ivr.errors import GatewayProblems
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.agi.channel import Channel, ChannelLost
from paperless_ivr.gateways.agi.gateway import CAPABILITIES
from paperless_ivr.gateways.agi.probe import missing
from paperless_ivr.gateways.agi.server import PORT, FastAgi, Line
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.gateways.capabilities import check
from paperless_ivr.net.connections import Limits

if TYPE_CHECKING:
    from paperless_ivr.web import Meters


@click.command(name="agi")
@limits.listening_options(PORT)
@services.options
@click.option(
    "--sounds",
    "folder",
    required=True,
    type=FOLDER,
    help="The folder of recorded phrases, as written by `paperless-ivr prompts --render`.",
)
@click.option(
    "--sounds-in-asterisk",
    "prefix",
    metavar="NAME",
    help="The path of this folder on Asterisk's machine. [default: the same path]",
)
@click.option(
    "--asterisk-language",
    "named",
    multiple=True,
    metavar="TAG=NAME",
    help="Asterisk's name for a language, as in es-US=es_MX_f_Allison. [default: es for es-US]",
)
@click.option(
    "--probe",
    is_flag=True,
    help="Wait for one call, list the sounds that Asterisk lacks, and exit.",
)
@click.option(
    "--person",
    default="",
    metavar="DIAL",
    help="What to dial to reach an agent, such as PJSIP/agents.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=AT_ONCE,
    show_default=True,
    help="The limit on concurrent requests to the service. Each database connection serves 32.",
)
@limits.options
@health.options
@logs.options
@limits.drain_option
def command(  # noqa: PLR0913 - an argument for each option
    *,
    host: str,
    port: int,
    file: Path | None,
    connection_file: Path | None,
    service: str | None,
    record: str | None,
    folder: Path,
    prefix: str | None,
    named: tuple[str, ...],
    probe: bool,
    person: str,
    threads: int,
    bounds: Limits,
    health: health.Where,
    drain_seconds: float,
) -> None:
    """Take calls that a dialplan hands over with AGI(agi://…).

    docs/asterisk.md lists the variables that the dialplan sets and reads. FastAGI has no password,
    so anyone who can reach the port can hand calls over.
    """
    policy = policy_in_force(file)
    sounds = Sounds.of(policy, folder, prefix, _names(named, policy))
    if probe:
        asyncio.run(_probe(sounds, host, port))
        return
    with (
        suppress(KeyboardInterrupt),
        services.opened(policy, connection_file, service, record, at_once=threads) as at,
        said(health, at) as saying,
    ):
        at.say()
        line = _line(policy, sounds, person, at, threads, saying.meters)
        server = FastAgi({line.biller: line}, _tell, bounds)
        asyncio.run(_serve(server, host, port, drain_seconds, saying.draining))


def _line(  # noqa: PLR0913, PLR0917 - everything that calls need
    policy: Policy,
    sounds: Sounds,
    person: str,
    at: services.Services,
    threads: int,
    meters: "Meters",
) -> Line:
    """Check that FastAGI can run the flow, and return the line that answers a biller's calls."""
    flow = Flow(Terms(policy, at.backend.operations))
    check(flow, CAPABILITIES)
    from paperless_ivr.web import MeteredBackend

    backend = MeteredBackend(at.backend, meters)
    observers = (meters.moved,)
    driver = AsyncDriver(
        Setup(flow, sounds.catalog, backend, at.store, observers=observers, at_once=threads)
    )
    return Line(policy.biller.id, sounds, driver.converse, person)


def _tell(what: str, of: Arrival, why: str) -> None:
    structlog.get_logger("paperless_ivr").warning(what, **whose(of), why=why)


def _names(named: tuple[str, ...], policy: Policy) -> dict[str, str]:
    """Return Asterisk's names for languages, by tag."""
    names: dict[str, str] = {}
    for given in named:
        tag, _, name = given.partition("=")
        if tag not in policy.languages.offered or not re.fullmatch(r"\w+", name):
            message = (
                f"{given!r} is not TAG=NAME; the tags are {', '.join(policy.languages.offered)}"
            )
            raise click.BadParameter(message, param_hint="--asterisk-language")
        names[tag] = name
    return names


async def _probe(sounds: Sounds, host: str, port: int) -> None:
    """Check that Asterisk has every sound, using the first call that lasts long enough.

    Raises GatewayProblems if sounds are missing.
    """
    calls: asyncio.Queue[Channel] = asyncio.Queue()
    with _usable(host, port):
        server = await asyncio.start_server(lambda *of: calls.put_nowait(Channel(*of)), host, port)
    async with server:
        _say_where(host, server.sockets[0].getsockname()[1])
        while True:
            channel = await calls.get()
            try:
                await channel.open()
                found = await missing(channel, sounds)
                if not channel.gone.is_set():
                    break
            except ChannelLost:
                pass
            finally:
                await channel.close()
    problems = [f"{language}: {file}" for language, files in found.items() for file in files]
    if problems:
        title = "Asterisk lacks sounds; install them, or set --asterisk-language"
        raise GatewayProblems(title, problems)
    click.echo(f"Asterisk has every sound for {', '.join(sounds.catalog.books)}")


async def _serve(
    server: FastAgi, host: str, port: int, drain_seconds: float, draining: threading.Event
) -> None:
    """Take calls until SIGTERM, then drain, and give back the remaining calls.

    SIGINT skips the drain.
    """
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.put_nowait, number)
    with _usable(host, port):
        bound = await server.start(host, port)
    _say_where(host, bound)
    ended_by = await told.get()
    draining.set()
    if ended_by is signal.SIGTERM:
        drained = asyncio.create_task(server.drain(drain_seconds))
        hurried = asyncio.create_task(told.get())
        await asyncio.wait({drained, hurried}, return_when=asyncio.FIRST_COMPLETED)
        drained.cancel()
        hurried.cancel()
    await server.close()


@contextmanager
def _usable(host: str, port: int) -> Iterator[None]:
    """Report in one line why a port cannot be used."""
    try:
        yield
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise click.ClickException(message) from error


def _say_where(host: str, port: int) -> None:
    click.echo(f"listening on {host}:{port}; in the dialplan: AGI(agi://{host}:{port}/)")
