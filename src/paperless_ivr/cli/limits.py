"""Every server's options that limit its peers."""

import functools
from collections.abc import Callable
from typing import Any

import click

from paperless_ivr.net.connections import DEFAULTS, Limits

OTHER_FILES = 200
"""Files, database connections, and service requests that a server also keeps open."""


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as `bounds`."""

    @click.option(
        "--connections",
        type=click.IntRange(1),
        default=DEFAULTS.connections,
        show_default=True,
        help="Concurrent connections; must be below `ulimit -n`.",
    )
    @click.option(
        "--read-seconds",
        type=click.FloatRange(0, min_open=True),
        default=DEFAULTS.read_seconds,
        show_default=True,
        help="The time for a complete request to arrive.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, connections: int, read_seconds: float, **given: Any) -> Any:
        _check_open_files(connections)
        return command(*args, bounds=Limits(connections, read_seconds), **given)

    return wrapped


def _check_open_files(connections: int) -> None:
    """Refuse more connections than the system lets this process open."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and connections > soft - OTHER_FILES:
        message = (
            f"{connections} exceed `ulimit -n`, which is {soft}; "
            f"raise it, or allow at most {max(soft - OTHER_FILES, 1)}"
        )
        raise click.BadParameter(message, param_hint="--connections")


drain_option = click.option(
    "--drain-seconds",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="How long live calls continue after SIGTERM, before the host gets them back.",
)
