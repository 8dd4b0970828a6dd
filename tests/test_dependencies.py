"""The installed packages match the constraints, and no minimum version is above them."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
    if not line.startswith(PROJECT["name"])
]
LINES = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
]
CONSTRAINTS = {Requirement(line).name: Requirement(line) for line in LINES}
FIXED = {
    "cryptography": "46.0.5",  # CVE-2026-26007
    "pillow": "12.2.0",  # GHSA-wjx4-4jcj-g98j
    "starlette": "1.3.0",  # GHSA-jp82-jpqv-5vv3
    "werkzeug": "3.1.5",  # GHSA-87hc-h4r5-73f7
}
"""The first versions without known vulnerabilities."""


def constrained(name: str) -> Version:
    """Return the version in a constraint."""
    (only,) = CONSTRAINTS[canonicalize_name(name)].specifier
    return Version(only.version)


@pytest.mark.parametrize("direct", DIRECT, ids=str)
def test_floors(direct):
    """Each direct dependency has a minimum version, with fixes, that its constraint satisfies."""
    floors = [Version(one.version) for one in direct.specifier if one.operator == ">="]
    assert len(floors) == 1
    assert floors[0] >= Version(FIXED.get(canonicalize_name(direct.name), "0"))
    assert direct.specifier.contains(constrained(direct.name))


@pytest.mark.parametrize("name", FIXED)
def test_constraints_are_fixed(name):
    """No constraint is older than the fix for a known vulnerability."""
    assert constrained(name) >= Version(FIXED[name])


def test_constraints_cover_everything():
    """Everything that is installed for the project has a constraint."""
    seen, to_see = set(), [*DIRECT]
    while to_see:
        wanted = to_see.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        extras = wanted.extras or {""}
        if key in seen:
            continue
        try:
            needs = map(Requirement, distribution(wanted.name).requires or [])
        except PackageNotFoundError:
            continue  # for another platform
        seen.add(key)
        to_see += [
            need
            for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": one}) for one in extras)
        ]

    assert {name for name, _ in seen} - set(CONSTRAINTS) == set()


def test_constraints_have_versions_alone():
    """A constraint is a name and one version, without host or hash."""
    assert [line for line in LINES if not re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line)] == []
