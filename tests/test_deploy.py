"""The systemd units are right, and start commands with options that there are."""

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parent.parent / "deploy").glob("*.service"))
COMMAND = "/opt/paperless-ivr/bin/paperless-ivr"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_it(unit: Path, tmp_path: Path) -> None:
    """Nothing in it is unknown to systemd, or wrong."""
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


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_its_options(unit: Path) -> None:
    """The command has every option that the unit gives it."""
    (start,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    name, *words = start.split(f"{COMMAND} ")[1].split()
    command = import_module(f"paperless_ivr.cli.{name}").command
    known = {option for parameter in command.params for option in parameter.opts}

    assert {word for word in words if word.startswith("--")} <= known
