"""`paperless-ivr agi`: takes calls that Asterisk hands over by FastAGI."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import click
import structlog

from paperless_ivr.cli import services
from paperless_ivr.cli.setups import policy_in_force
from paperless_ivr.drive.aio import AsyncDriver
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.scene import Terms
from paperless_ivr.gateways.agi.gateway import CAPABILITIES
from paperless_ivr.gateways.agi.server import PORT, FastAgi, Line
from paperless_ivr.gateways.agi.sounds import Sounds
from paperless_ivr.gateways.capabilities import check


@click.command(name="agi")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="0 lets the system choose.",
)
@services.options
@click.option(
    "--sounds",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The recorded phrases, as `paperless-ivr prompts --render` makes them.",
)
@click.option(
    "--sounds-in-asterisk",
    "prefix",
    metavar="NAME",
    help="What Asterisk calls that folder, where it is on another machine. [default: its path]",
)
@click.option(
    "--person", default="", metavar="DIAL", help="Whom to dial for a person: PJSIP/agents."
)
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
    person: str,
) -> None:
    """Take calls that a dialplan hands over with AGI(agi://…).

    What the dialplan sets and finds is in docs/asterisk.md. Whoever reaches the port can hand
    calls over: FastAGI has no password.
    """
    policy = policy_in_force(file)
    sounds = Sounds.of(policy, folder, prefix)
    with (
        suppress(KeyboardInterrupt),
        services.opened(policy, connection_file, service, record) as at,
    ):
        line = _line(policy, sounds, person, at)
        asyncio.run(_serve(FastAgi({line.biller: line}, _tell), host, port))


def _line(policy: Policy, sounds: Sounds, person: str, at: services.Services) -> Line:
    """What a biller's calls are answered with; problems are told before the first one."""
    flow = Flow(Terms(policy, at.backend.operations))
    check(flow, CAPABILITIES)
    driver = AsyncDriver(flow, sounds.catalogue, at.backend, at.record, at.calls)
    return Line(policy.biller.id, sounds, driver.converse, person)


def _tell(what: str, call: str, why: str) -> None:
    structlog.get_logger("paperless_ivr").warning(what, call=call, why=why)


async def _serve(server: FastAgi, host: str, port: int) -> None:
    """Takes calls until it is told to end; those under way come to their end first."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        bound = await server.start(host, port)
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise click.ClickException(message) from error
    click.echo(f"listening on {host}:{bound}; in the dialplan: AGI(agi://{host}:{bound}/)")
    await ended.wait()
    await server.close()
