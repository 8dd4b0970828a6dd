"""The options of all servers: the address to listen on, and limits on clients."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from paperless_ivr.net.connections import DEFAULTS, Limits

Command = TypeVar("Command", bound=Callable[..., Any])

OTHER_FILES = 200
"""How many other files a server may have open, for databases, requests, and so on."""


def listening_options(port: int) -> Callable[[Command], Command]:
    """Add the options for the address to listen on, with this default port."""

    def added(command: Command) -> Command:
        command = click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help="The port to listen on; 0 picks a free one.",
        )(command)
        return click.option(
            "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
        )(command)

    return added


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the limit options to a command, which receives them as `bounds`."""

    @click.option(
        "--connections",
        type=click.IntRange(1),
        default=DEFAULTS.connections,
        show_default=True,
        help="The limit on concurrent connections, at least 200 below `ulimit -n`.",
    )
    @click.option(
        "--read-seconds",
        type=click.FloatRange(0, min_open=True),
        default=DEFAULTS.read_seconds,
        show_default=True,
        help="The time limit for a complete request to arrive.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, connections: int, read_seconds: float, **given: Any) -> Any:
        _check_open_files(connections)
        return command(*args, bounds=Limits(connections, read_seconds), **given)

    return wrapped


def _check_open_files(connections: int) -> None:
    """Refuse a limit that is too high for the number of files this process can open."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and connections > soft - OTHER_FILES:
        message = (
            f"{connections} is too many for `ulimit -n`, which is {soft}; "
            f"raise it, or allow at most {max(soft - OTHER_FILES, 1)}"
        )
        raise click.BadParameter(message, param_hint="--connections")


drain_option = click.option(
    "--drain-seconds",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="How long live calls can continue after SIGTERM, before the host gets them back.",
)
