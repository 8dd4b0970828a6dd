"""Logs of the command line: lines on stderr.

PAPERLESS_IVR_LOG_LEVEL    debug, info, warning (the default), error or critical
PAPERLESS_IVR_LOG_FORMAT   text (key-value pairs, the default) or json (a JSON object a line)
"""

import logging
import os
import sys
from typing import Any

import click
import structlog

LEVELS = ("debug", "info", "warning", "error", "critical")
FORMATS = ("text", "json")


def configure() -> None:
    """Sets up structlog as the environment says."""
    level = _chosen("PAPERLESS_IVR_LOG_LEVEL", "warning", LEVELS)
    last: Any = (
        structlog.processors.JSONRenderer()
        if _chosen("PAPERLESS_IVR_LOG_FORMAT", "text", FORMATS) == "json"
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
    """A logger to what is stderr now."""
    return structlog.WriteLogger(sys.stderr)


def _chosen(variable: str, default: str, known: tuple[str, ...]) -> str:
    value = os.environ.get(variable, "").strip().lower() or default
    if value not in known:
        message = f"{variable} is {value!r}; it may be {', '.join(known)}"
        raise click.UsageError(message)
    return value
