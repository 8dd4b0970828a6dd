"""`paperless-ivr simulator`: runs a telephone in the browser."""

import shlex
import sys
import webbrowser
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from threading import Timer

import click
from attrs import evolve

from paperless_ivr.cli import limits
from paperless_ivr.cli.paths import FILE
from paperless_ivr.cli.setups import arrival, demo_connection
from paperless_ivr.net.connections import DEFAULTS

OPEN_S = 0.5
"""Seconds until the browser opens, by which time the server is ready."""
LAST_REQUESTS = 1
"""Seconds until open pages are disconnected when the server stops."""


@click.command(name="simulator")
@click.option(
    "--policy",
    "files",
    multiple=True,
    type=FILE,
    help="A policy (TOML). Repeat this to choose from several. [default: the demo's]",
)
@limits.listening_options(8090)
@click.option("--open/--no-open", "opens", default=True, help="Open the page in a browser.")
def command(*, files: tuple[Path, ...], host: str, port: int, opens: bool) -> None:
    """Place calls in a browser, watch the flow move, and make the service fail.

    Each browser tab has its own reference billing service, with made-up customers. If you edit a
    policy, the next call uses it.
    """
    from paperless_ivr.net.http import bounded, listen
    from paperless_ivr.simulator.server import Demo, application
    from paperless_ivr.simulator.shelf import shelved

    loopback = _is_loopback(host)
    hosts = ("127.0.0.1", "localhost", host) if loopback else ("*",)
    app = application(
        shelved(files),
        Demo(arrival, demo_connection),
        hosts,
        shlex.join(("paperless-ivr", *sys.argv[1:])),
        may_reveal=loopback,
    )
    try:
        listening = listen(host, port)
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise click.ClickException(message) from error
    where = "[{}]:{}" if ":" in host else "{}:{}"
    url = f"http://{where.format(host, listening.getsockname()[1])}/"
    click.echo(f"listening on {url} (press Ctrl-C to stop)")
    if opens:
        opening = Timer(OPEN_S, webbrowser.open, [url])
        opening.daemon = True
        opening.start()
    bounds = evolve(DEFAULTS, answer_seconds=float("inf"))  # the page keeps a connection open
    with suppress(KeyboardInterrupt):
        bounded(app, bounds, LAST_REQUESTS).run(sockets=[listening])


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
