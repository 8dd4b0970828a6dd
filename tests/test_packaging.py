"""Installations: each command with its own extra, and the wheel outside the tree."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, metadata, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from paperless_ivr import __version__
from paperless_ivr.cli import COMMANDS
from tests.cli.silent_sounds import silent_sounds
from tests.counts import heavy

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
EXTRAS = metadata("paperless-ivr").get_all("Provides-Extra") or []
QUICK = heavy(
    ("tests/transcripts/test_transcripts.py",),
    ("tests/transcripts/test_transcripts.py", "tests/keypad", "tests/flow/test_saving.py"),
)
"""Tests that only need pytest, Hypothesis, and the package without extras."""
HOW_GOOD = "tests/keypad/test_decoding.py::test_guesses_are_good"
"""Thousands of guesses, whose quality is the same on every Python."""


def needed(extras: str) -> set[str]:
    """Return the distributions that an installation with these extras has, normalized."""
    seen: set[tuple[str, frozenset[str]]] = set()
    to_see = [Requirement(f"paperless-ivr[{extras}]")]
    while to_see:
        wanted = to_see.pop()
        name, chosen = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, chosen) in seen:
            continue
        seen.add((name, chosen))
        try:
            needs = map(Requirement, distribution(name).requires or [])
        except PackageNotFoundError:
            continue  # for another platform
        to_see += [
            need
            for need in needs
            if need.marker is None
            or any(need.marker.evaluate({"extra": one}) for one in chosen or {""})
        ]
    return {name for name, _ in seen}


@cache
def hidden(extras: str) -> str:
    """Return the modules of all distributions that these extras do not need."""
    there = needed(extras)
    return ",".join(
        module
        for module, names in packages_distributions().items()
        if not there & {canonicalize_name(name) for name in names}
    )


def only(extras: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing but what some extras install."""
    return subprocess.run(
        [sys.executable, "-m", "tests.only", hidden(extras), *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_needs_no_extra(command: str) -> None:
    """Help must not require what the command itself needs."""
    shown = only("", command, "--help")

    assert shown.returncode == 0, shown.stderr
    assert "Usage: paperless-ivr" in shown.stdout


RECORD = ("--database", "sqlite:///record.db")
ENDS = {
    "call": ["call", "--keys", "1 1137# 1", *RECORD],
    "check": ["check", "--policy", "policy.toml", "--wsdl", "service.wsdl"],
    "effort": ["effort", "--picture", "effort.svg"],
    "record": ["record", "upgrade", *RECORD],
    "relay": ["relay", "--once", "--health-port", "0", *RECORD],
    "report": ["report", *RECORD, "--picture", "report.svg"],
}
"""Commands that exit by themselves, each doing its main task."""
SERVES = {
    "agi": ["agi", "--sounds", "sounds", "--port", "0", "--health-port", "0", *RECORD],
    "cloudivr": ["cloudivr", "--port", "0"],
    "simulator": ["simulator", "--port", "0", "--no-open"],
    "serve": [
        *("serve", "--port", "0", "--health-port", "0", *RECORD),
        *("--address", "https://ivr.example.com/twilio", "--host-url", "https://host.example.com/"),
    ],
}
"""Commands that serve until they are stopped."""
UP = re.compile(r"listening on|Press Ctrl-C")
SECRETS = {
    "PAPERLESS_IVR_TWILIO_AUTH_TOKEN": "a-token-of-a-test",
    "PAPERLESS_IVR_HOST_KEY": "a-key-of-a-test-host",
    "PAPERLESS_IVR_TOKEN_KEY": "a-key-for-tokens-of-a-test",
}


@pytest.fixture(scope="session")
def what_commands_are_given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a record, a policy, a WSDL, and sounds, to be copied."""
    made = tmp_path_factory.mktemp("given")
    done = only("record", "record", "upgrade", *RECORD, cwd=made)
    assert done.returncode == 0, done.stderr
    shutil.copy(ROOT / "examples/policies/springfield-water.toml", made / "policy.toml")
    shutil.copy(ROOT / "src/paperless_ivr/cloudivr/CloudIVR.wsdl", made / "service.wsdl")
    silent_sounds(made / "sounds")
    return made


@pytest.fixture
def folder(what_commands_are_given: Path, tmp_path: Path) -> Path:
    """A copy of that folder for one test."""
    return Path(shutil.copytree(what_commands_are_given, tmp_path / "given"))


@pytest.mark.parametrize("command", sorted(ENDS))
def test_a_command_needs_its_own_extra_alone(command: str, folder: Path) -> None:
    """`pip install 'paperless-ivr[relay]'` is enough for `paperless-ivr relay`."""
    done = only(command, *ENDS[command], cwd=folder)

    assert "is missing" not in done.stderr
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize("command", sorted(SERVES))
def test_a_server_needs_its_own_extra_alone(command: str, folder: Path) -> None:
    """The same holds for a command that serves."""
    log = folder / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", "tests.only", hidden(command), *SERVES[command]],
            cwd=folder,
            env={**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
        ) as server,
    ):
        try:
            until = time.monotonic() + 60
            while not UP.search(log.read_text()) and server.poll() is None:
                assert time.monotonic() < until
                time.sleep(0.1)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)

    assert UP.search(log.read_text()), log.read_text()


@pytest.mark.parametrize("command", sorted({**ENDS, **SERVES}))
def test_what_is_missing_is_said(command: str, folder: Path) -> None:
    """A command without its extra says which one to install, and shows no traceback."""
    done = only("", *{**SERVES, **ENDS}[command], cwd=folder)

    assert done.returncode == 2
    assert done.stderr.endswith(f"is missing: pip install 'paperless-ivr[{command}]'\n")
    assert command in EXTRAS


def test_a_database_s_own_extra_is_said() -> None:
    """PostgreSQL has a separate extra."""
    done = only("record", "record", "upgrade", "--database", "postgresql://localhost/nowhere")

    assert done.stderr.endswith("is missing: pip install 'paperless-ivr[postgresql]'\n")


# ── the wheel ────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as built by pip."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (made,) = folder.glob("*.whl")
    return made


def pip(python: str, *arguments: str) -> None:
    """Run pip."""
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def interpreters() -> list[str]:
    """Return every CPython from 3.11 on that is installed; moderately, only this one."""
    if not heavy(False, True):
        return [sys.executable]
    names = [f"python3.{minor}" for minor in range(11, 20)]
    installed = Path.home() / ".pyenv/versions"
    found = [shutil.which(name) for name in names]
    found += [str(path) for path in installed.glob("3.*/bin/python3.*[0-9]")]
    versions = {}
    for path in filter(None, found):
        asked = subprocess.run(
            [path, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0 and re.fullmatch(r"3\.1[1-9]", said := asked.stdout.strip()):
            versions.setdefault(said, path)
    return [versions[version] for version in sorted(versions)]


def test_the_wheel_has_everything(wheel: Path) -> None:
    """The wheel contains every file of the package."""
    package = ROOT / "src"
    there = {
        str(path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as opened:
        assert there <= set(opened.namelist())


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: Path(path).name)
def test_the_wheel_outside_the_tree(python: str, wheel: Path, tmp_path: Path) -> None:
    """Installed alone, it takes a call, and the quick tests pass on every installed CPython."""
    made = [python, "-m", "venv", "--without-pip", "installed"]
    subprocess.run(made, cwd=tmp_path, check=True)
    installed = tmp_path / "installed/bin/python"
    constraints = str(ROOT / "constraints.txt")
    there = ("--python", str(installed), "install", "--no-compile", "--constraint", constraints)
    pip(sys.executable, *there, str(wheel), "pytest", "hypothesis")
    for name in ("tests", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    light = {name: value for name, value in os.environ.items() if name != "PAPERLESS_IVR_PROVE"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(installed), *arguments],
            cwd=tmp_path,
            env=light,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert run("-c", "import paperless_ivr; print(paperless_ivr.__version__)") == f"{__version__}\n"
    assert "python" in run("-c", "import paperless_ivr.flow as at; print(at.__file__)")
    run(
        "installed/bin/paperless-ivr",
        "replay",
        *map(str, (tmp_path / "tests/transcripts").glob("*.call")),
    )
    run("-m", "pytest", "-q", *QUICK, "--deselect", HOW_GOOD)
