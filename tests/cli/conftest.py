"""Runs the command line, in this process and in a separate one."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import structlog
from click.testing import CliRunner, Result

from paperless_ivr.cli import main

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs a command in this process, and restores the log settings afterward."""
    monkeypatch.delenv("PAPERLESS_IVR_LOG_LEVEL", raising=False)
    monkeypatch.delenv("PAPERLESS_IVR_LOG_FORMAT", raising=False)

    def run(*arguments: str, **env: str) -> Result:
        return CliRunner().invoke(main, arguments, env=env, prog_name="paperless-ivr")

    yield run
    structlog.reset_defaults()


@pytest.fixture
def process() -> Process:
    """Runs a command in a separate process, without a terminal."""

    def process(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        code = "from paperless_ivr.cli import main; main(prog_name='paperless-ivr')"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return process
