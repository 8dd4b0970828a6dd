"""The systemd units are valid, and start commands in a valid way."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from paperless_ivr.cli import Unusable
from paperless_ivr.cli.serve import AUTH_TOKEN, HOST_KEY, TOKEN_KEY
from paperless_ivr.records.sql.store import KEY_FILE, KEYS

SECRETS = {"serve": {AUTH_TOKEN, HOST_KEY, TOKEN_KEY}, "agi": set(), "relay": set()}
SHARED = {"PAPERLESS_IVR_DATABASE", KEYS, KEY_FILE}
UNITS = sorted((Path(__file__).parent.parent / "deploy").glob("*.service"))
COMMAND = "/opt/paperless-ivr/bin/paperless-ivr"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_it(unit: Path, tmp_path: Path) -> None:
    """A unit contains nothing that systemd does not know or accept."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace(COMMAND, sys.executable))

    done = subprocess.run(
        [analyze, "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, said) == (0, []), done.stderr


def started(unit: Path) -> tuple[str, list[str]]:
    """Return the command that a unit starts, and its arguments."""
    (start,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    name, *words = start.split(f"{COMMAND} ")[1].split()
    return name, words


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_its_options(unit: Path) -> None:
    """The command accepts the arguments that the unit passes, and needs no more."""
    name, words = started(unit)
    command = import_module(f"paperless_ivr.cli.{name}").command

    command.make_context(name, words)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_its_environment(unit: Path) -> None:
    """A unit's first lines list every variable that its arguments and its secrets need."""
    name, words = started(unit)
    listed = unit.read_text().partition("[Unit]")[0]

    wanted = {word[2:-1] for word in words if word.startswith("${")} | SECRETS[name] | SHARED
    assert set(re.findall(r"PAPERLESS_IVR_\w+", listed)) == wanted
    assert "partner_key_env" in listed


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_cannot_be_used_is_not_started_again(unit: Path) -> None:
    """The status for a wrong configuration ends the restarts."""
    assert f"RestartPreventExitStatus={Unusable.exit_code}" in unit.read_text().splitlines()
