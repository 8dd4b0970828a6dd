"""Serves a server's health and metrics on a separate port."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from attrs import field, frozen

from paperless_ivr.cli.services import Services
from paperless_ivr.net.connections import Limits

if TYPE_CHECKING:
    from paperless_ivr.web import Meters

CONNECTIONS = 50
"""The limit on concurrent connections to this port."""


@frozen
class Where:
    """The address for health and metrics. Without a port, they are not served."""

    host: str
    port: int | None


@frozen
class Said:
    """The state that a server reports about itself."""

    meters: "Meters"
    draining: threading.Event = field(factory=threading.Event)
    """Set when the server stops taking calls. From then on, it is not ready."""


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the health options to a server's command, which receives them as `health`."""

    @click.option(
        "--health-port",
        type=click.IntRange(0, 65535),
        help="The port for /live, /ready, and /metrics; 0 picks a free one. [default: none]",
    )
    @click.option(
        "--health-host",
        default="127.0.0.1",
        show_default=True,
        help="The address of the health port.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, health_port: int | None, health_host: str, **given: Any) -> Any:
        return command(*args, health=Where(health_host, health_port), **given)

    return wrapped


@contextmanager
def said(where: Where, at: Services) -> Iterator[Said]:
    """Serve a server's health and metrics at an address until the block ends."""
    from paperless_ivr.net.http import bounded, listen
    from paperless_ivr.web import Meters, status

    saying = Said(Meters())
    saying.meters.circuit(lambda: at.backend.circuit == "open")
    saying.meters.access(lambda: not at.backend.access)
    if where.port is None:
        yield saying
        return
    try:
        listening = listen(where.host, where.port)
    except OSError as error:
        message = f"cannot listen on {where.host}:{where.port}: {error.strerror}"
        raise click.ClickException(message) from error
    app = status(saying.meters, at.probe, lambda: _service(at), saying.draining.is_set)
    server = bounded(app, Limits(CONNECTIONS), 1)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    shown = f"[{where.host}]" if ":" in where.host else where.host
    click.echo(f"health at http://{shown}:{listening.getsockname()[1]}", err=True)
    try:
        yield saying
    finally:
        server.should_exit = True
        thread.join(5)


def _service(at: Services) -> str:
    """Return the state of the billing service."""
    refused = "" if at.backend.access else ", refuses our credentials"
    return f"circuit {at.backend.circuit}{refused}"
