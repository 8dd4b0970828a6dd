"""The logs of all commands, written to stderr, and the variables that configure them.

PAPERLESS_IVR_LOG_LEVEL    debug, info, warning, error, or critical
PAPERLESS_IVR_LOG_FORMAT   text (key-value pairs) or json (one JSON object per line)

By default, servers log at level info, as JSON unless stderr is a terminal. Other commands log
warnings, as text.
"""

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import click
import structlog

LEVELS = ("debug", "info", "warning", "error", "critical")
FORMATS = ("text", "json")


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the log options to a server's command."""

    @click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        help="[env: PAPERLESS_IVR_LOG_LEVEL; default: info]",
    )
    @click.option(
        "--log-format",
        type=click.Choice(FORMATS),
        help="[env: PAPERLESS_IVR_LOG_FORMAT; default: text on a terminal, else json]",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, log_level: str | None, log_format: str | None, **given: Any) -> Any:
        usual = "text" if sys.stderr.isatty() else "json"
        configure(
            log_level or _chosen("PAPERLESS_IVR_LOG_LEVEL", "info", LEVELS),
            log_format or _chosen("PAPERLESS_IVR_LOG_FORMAT", usual, FORMATS),
        )
        return command(*args, **given)

    return wrapped


def configure(level: str | None = None, form: str | None = None) -> None:
    """Set up structlog. Values that are not given come from the environment."""
    level = level or _chosen("PAPERLESS_IVR_LOG_LEVEL", "warning", LEVELS)
    form = form or _chosen("PAPERLESS_IVR_LOG_FORMAT", "text", FORMATS)
    last: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=_to_stderr,
        cache_logger_on_first_use=False,
    )


def _to_stderr(*_: object) -> structlog.WriteLogger:
    """Return a logger that writes to the current stderr."""
    return structlog.WriteLogger(sys.stderr)


def _chosen(variable: str, default: str, known: tuple[str, ...]) -> str:
    value = os.environ.get(variable, "").strip().lower() or default
    if value not in known:
        message = f"{variable} is {value!r}; it must be {', '.join(known)}"
        raise click.UsageError(message)
    return value
