"""The command line as a whole."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from paperless_ivr.cli import COMMANDS, main

Run = Callable[..., Any]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    """Each command is found in its module."""
    done = run(name, "--help")
    assert done.exit_code == 0
    assert f"paperless-ivr {name}" in done.stdout


def test_help_lists_all(run: Run) -> None:
    """Each command is listed with its purpose."""
    done = run("--help")
    assert all(name in done.stdout and what in done.stdout for name, what in COMMANDS.items())
    assert main.name == "main"


def test_an_unknown_command_is_told(run: Run) -> None:
    """An unknown command is reported in click's usual way."""
    assert "No such command 'dance'" in run("dance").stderr


def test_commands_are_imported_when_called_for() -> None:
    """Printing the help imports no command."""
    code = (
        "import sys\nfrom paperless_ivr.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "sys.exit(any(m.startswith('paperless_ivr.flow') for m in sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode
        == 0
    )
