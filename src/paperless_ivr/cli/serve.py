"""`paperless-ivr serve`: answers the web requests of calls on Twilio."""

import os
import signal
import socket
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import uvicorn
from attrs import evolve

from paperless_ivr.backends.demo import springfield
from paperless_ivr.cli.setups import policy_in_force
from paperless_ivr.drive.attendant import Setup, utc_now
from paperless_ivr.drive.documents import Documents
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.scene import Terms
from paperless_ivr.gateways.capabilities import How, check
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalogue
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.secret import Secret, credential
from paperless_ivr.web import MeteredBackend, Meters, application

AUTH_TOKEN = "PAPERLESS_IVR_TWILIO_AUTH_TOKEN"
HOST_KEY = "PAPERLESS_IVR_HOST_KEY"
TOKEN_KEY = "PAPERLESS_IVR_TOKEN_KEY"
"""Environment variables that hold what is secret: it never stands in a command line."""

PATH = "/twilio"
DRAIN = 30
"""Seconds that requests under way get when the server is told to stop."""


@click.command(name="serve")
@click.option(
    "--address",
    required=True,
    metavar="URL",
    help=f"Where Twilio reaches this server: https://ivr.example.com{PATH}",
)
@click.option("--host-url", required=True, metavar="URL", help="Where calls go back to.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8080, show_default=True, help="0 is any that is free.")
@click.option("--person", metavar="NUMBER", help="Where a person is reached: +1… or sip:…")
@click.option(
    "--policy", "file", type=click.Path(dir_okay=False, path_type=Path), help="A policy (TOML)."
)
@click.option(
    "--former",
    "former_files",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A policy that calls in progress began on; they finish on it.",
)
@click.option(
    "--setup",
    metavar="MODULE:FUNCTION",
    help="Makes back end, record and store of a policy. [default: the demo's, in memory]",
)
@click.option("--threads", default=64, show_default=True, help="Requests at the same time.")
def command(  # noqa: PLR0913 - an argument for each option
    *,
    address: str,
    host_url: str,
    host: str,
    port: int,
    person: str | None,
    file: Path | None,
    former_files: tuple[Path, ...],
    setup: str | None,
    threads: int,
) -> None:
    """Answer calls on Twilio, with /health and /metrics beside; stops at SIGTERM, calls finished.

    What is secret comes from the environment: PAPERLESS_IVR_TWILIO_AUTH_TOKEN is the account's,
    PAPERLESS_IVR_HOST_KEY signs what the host gets back, PAPERLESS_IVR_TOKEN_KEY (16 characters
    or more, the same for all workers) signs the documents' tokens.
    """
    auth_token, host_key, token_key = map(_secret, (AUTH_TOKEN, HOST_KEY, TOKEN_KEY))
    policy = policy_in_force(file)
    meters = Meters()
    made = _maker(setup)(policy)
    made = evolve(made, backend=MeteredBackend(made.backend, meters))

    def gateway(made: Setup) -> TwilioGateway:
        biller = made.flow.terms.policy.biller.id
        return TwilioGateway(
            made.catalogue, biller, auth_token, address, host_url, host_key, person
        )

    def answering(made: Setup, *former: Documents) -> Documents:
        told = (meters.began, meters.ended)
        return Documents(made, gateway(made), token_key, threads, *told, former)

    try:
        former = [
            answering(
                evolve(
                    _maker(setup)(policy_in_force(old)),
                    backend=made.backend,
                    record=made.record,
                    calls=made.calls,
                )
            )
            for old in former_files
        ]
        documents = answering(made, *former)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for finding in check(made.flow, gateway(made).capabilities).having(How.DEGRADED):
        click.echo(f"note: {finding}", err=True)
    if setup is None:
        click.echo("note: the demo's service answers; record and calls are in memory", err=True)
    listening = socket.create_server((host, port), backlog=2048)
    where = "[{}]:{}" if ":" in host else "{}:{}"
    click.echo(f"listening at http://{where.format(host, listening.getsockname()[1])}{PATH}")
    config = uvicorn.Config(
        application(documents, meters, PATH, threads),
        access_log=False,  # addresses hold what the host hands over
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
    )
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it anew once it has drained
    uvicorn.Server(config).run(sockets=[listening])


def _secret(name: str) -> Secret:
    value = os.environ.get(name, "")
    if not value:
        message = f"{name} is not set in the environment"
        raise click.UsageError(message)
    return credential(value)


def _demo(policy: Policy) -> Setup:
    """The demo's service, and everything in memory."""
    flow, words = Flow(Terms(policy)), Catalogue.of(policy)
    return Setup(flow, words, springfield(), MemoryRecord(utc_now), MemoryLiveCalls())


def _maker(name: str | None) -> Callable[[Policy], Setup]:
    """What makes the set-up of a policy."""
    if name is None:
        return _demo
    module, _, function = name.partition(":")
    try:
        made: Callable[[Policy], Setup] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"{name}: {error}; it is the name of a module, a colon, and of a function in it"
        raise click.BadParameter(message, param_hint="--setup") from error
    return made
