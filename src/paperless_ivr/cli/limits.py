"""The options of all servers: where they listen, and what their peers may take."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from paperless_ivr.net.connections import DEFAULTS, Limits

Command = TypeVar("Command", bound=Callable[..., Any])

OTHER_FILES = 200
"""Files, database connections and requests to the service that a server has open as well."""


def listening_options(port: int) -> Callable[[Command], Command]:
    """Add the options of the address to listen at, with this port as their default."""

    def added(command: Command) -> Command:
        command = click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help="0 is any that is free.",
        )(command)
        return click.option(
            "--host", default="127.0.0.1", show_default=True, help="The address to listen at."
        )(command)

    return added


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as `bounds`."""

    @click.option(
        "--connections",
        type=click.IntRange(1),
        default=DEFAULTS.connections,
        show_default=True,
        help="Open at the same time; below `ulimit -n`.",
    )
    @click.option(
        "--read-seconds",
        type=click.FloatRange(0, min_open=True),
        default=DEFAULTS.read_seconds,
        show_default=True,
        help="For a request to arrive as a whole.",
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
            f"{connections} do not fit in `ulimit -n`, which is {soft}; "
            f"raise it, or allow at most {max(soft - OTHER_FILES, 1)}"
        )
        raise click.BadParameter(message, param_hint="--connections")


drain_option = click.option(
    "--drain-seconds",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="That live calls go on for after SIGTERM; then the host gets them back.",
)
