"""`paperless-ivr serve`: answers the web requests of calls on Twilio."""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import click
import uvicorn

from paperless_ivr.cli import services
from paperless_ivr.cli.setups import policy_in_force
from paperless_ivr.drive.attendant import Setup
from paperless_ivr.drive.documents import Documents
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.scene import Terms
from paperless_ivr.gateways.capabilities import How, check
from paperless_ivr.gateways.twilio import TwilioGateway
from paperless_ivr.prompts import Catalogue
from paperless_ivr.secret import Secret, credential
from paperless_ivr.web import MeteredBackend, Meters, application

AUTH_TOKEN = "PAPERLESS_IVR_TWILIO_AUTH_TOKEN"
HOST_KEY = "PAPERLESS_IVR_HOST_KEY"
TOKEN_KEY = "PAPERLESS_IVR_TOKEN_KEY"
"""Environment variables that hold what is secret: it never stands in a command line."""

PATH = "/twilio"
THREADS = 64
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
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="0 is any that is free.",
)
@services.options
@click.option("--person", metavar="NUMBER", help="Where a person is reached: +1… or sip:…")
@click.option(
    "--former",
    "former_files",
    multiple=True,
    type=services.FILE,
    help="A policy that calls in progress began on; they finish on it.",
)
@click.option("--threads", default=THREADS, show_default=True, help="Requests at the same time.")
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
    threads: int,
) -> None:
    """Answer calls on Twilio, with /health and /metrics beside; stops at SIGTERM, calls finished.

    Any number may run side by side on one database, and answer one another's calls.

    What is secret comes from the environment: PAPERLESS_IVR_TWILIO_AUTH_TOKEN is the account's,
    PAPERLESS_IVR_HOST_KEY signs what the host gets back, PAPERLESS_IVR_TOKEN_KEY (16 characters
    or more, the same for all workers) signs the documents' tokens.
    """
    auth_token, host_key, token_key = map(_secret, (AUTH_TOKEN, HOST_KEY, TOKEN_KEY))
    policy = policy_in_force(file)
    words = Catalogue.of(policy)
    meters = Meters()
    with (
        suppress(KeyboardInterrupt),
        services.opened(policy, connection_file, service, record) as at,
    ):
        backend = MeteredBackend(at.backend, meters)

        def gateway(words: Catalogue) -> TwilioGateway:
            return TwilioGateway(
                words, policy.biller.id, auth_token, address, host_url, host_key, person
            )

        def answering(policy: Policy, words: Catalogue, *former: Documents) -> Documents:
            flow = Flow(Terms(policy, at.backend.operations))
            made = Setup(flow, words, backend, at.record, at.calls)
            told = (meters.began, meters.ended)
            return Documents(made, gateway(words), token_key, threads, *told, former)

        try:
            olds = [policy_in_force(file) for file in former_files]
            former = [answering(old, Catalogue.of(old)) for old in olds]
            documents = answering(policy, words, *former)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        capabilities = gateway(words).capabilities
        for finding in check(documents.setup.flow, capabilities).having(How.DEGRADED):
            click.echo(f"note: {finding}", err=True)
        if record is None:
            click.echo("note: record and calls are in memory, this server's alone", err=True)
        serve(documents, meters, host, port, threads)


def serve(
    documents: Documents,
    meters: Meters,
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = THREADS,
) -> None:
    """Answers requests until SIGTERM; those under way are finished."""
    try:
        listening = socket.create_server((host, port), backlog=2048)
    except OSError as error:
        message = f"cannot listen at {host}:{port}: {error.strerror}"
        raise click.ClickException(message) from error
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
